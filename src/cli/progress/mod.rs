//! Shows a run to a person or a program: consumes events, never does work.

mod bars;
mod lines;
mod summary;

pub(super) use self::summary::{counted, duration, grouped};

use std::io::Write;

use crossbeam_channel::Receiver;

use self::bars::Bars;
use self::lines::Lines;
use crate::values::{Event, Summary};

/// Ways to show a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// One bar for each stage.
    Bars,
    /// Lines of text.
    Plain,
    /// Events as JSON lines.
    Json,
    /// Nothing but errors and warnings.
    None,
}

/// Amounts that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verbosity {
    /// Errors and the summary.
    Quiet,
    /// Stages too.
    Normal,
    /// Documents too.
    Verbose,
}

/// Shows events on standard error.
pub(super) struct Reporter {
    style: Style,
    verbosity: Verbosity,
}

impl Reporter {
    pub(super) fn new(style: Style, verbosity: Verbosity) -> Self {
        Self { style, verbosity }
    }

    /// Consumes events until nobody can send any more.
    pub(super) fn run(self, events: &Receiver<Event>) {
        let stderr = std::io::stderr();
        match self.style {
            Style::Bars => {
                let mut bars = Bars::new(self.verbosity);
                each(events, |event| bars.show(event));
            }
            Style::Plain => {
                let mut lines = Lines::new(self.verbosity, stderr);
                each(events, |event| lines.show(event));
            }
            Style::Json => each(events, |event| {
                let mut line = serde_json::to_vec(event).unwrap_or_default();
                line.push(b'\n');
                let _ = (&stderr).write_all(&line);
            }),
            Style::None => each(events, |event| {
                let _ = match event {
                    Event::Warning { message } => writeln!(&stderr, "corpora: warning: {message}"),
                    // Why it is not done is an error however little is to be shown.
                    Event::RunFinished { summary: Summary { stopped: Some(reason), .. } } => {
                        writeln!(&stderr, "corpora: {reason}")
                    }
                    _ => Ok(()),
                };
            }),
        }
    }
}

fn each(events: &Receiver<Event>, mut show: impl FnMut(&Event)) {
    for event in events {
        show(&event);
    }
}
