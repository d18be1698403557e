//! Consumes the events of a run and shows them in the style that was asked for.

use std::io::Write;

use crossbeam_channel::Receiver;

use super::bars::Bars;
use super::lines::Lines;
use crate::cli::screen;
use crate::values::{Event, Shown, Summary};

/// Way in which a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Style {
    /// One bar for each stage.
    Bars,
    /// Lines of text.
    Plain,
    /// Events as JSON lines.
    Json,
    /// Nothing but errors and warnings.
    None,
}

/// Amount of detail that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Verbosity {
    /// Errors and the summary.
    Quiet,
    /// Stages too.
    Normal,
    /// Documents too.
    Verbose,
}

/// Shows events on standard error.
pub(in crate::cli) struct Reporter {
    style: Style,
    verbosity: Verbosity,
}

impl Reporter {
    pub(in crate::cli) fn new(style: Style, verbosity: Verbosity) -> Self {
        Self { style, verbosity }
    }

    /// Consumes events until nobody can send any more.
    pub(in crate::cli) fn run(self, events: &Receiver<Event>) {
        match self.style {
            Style::Bars => {
                let mut bars = Bars::new(self.verbosity);
                each(events, |event| bars.show(event));
            }
            Style::Plain => {
                let mut lines = Lines::new(self.verbosity, screen::err());
                each(events, |event| lines.show(event));
            }
            Style::Json => each(events, |event| {
                let mut line = serde_json::to_vec(event).unwrap_or_default();
                line.push(b'\n');
                let _ = screen::json_err().write_all(&line);
            }),
            Style::None => each(events, |event| {
                let _ = match event {
                    Event::Warning { message } => writeln!(screen::err(), "corpora: warning: {}", Shown(message)),
                    // Why it is not done is an error however little is to be shown.
                    Event::RunFinished { summary: Summary { stop: Some(stop), .. } } => {
                        writeln!(screen::err(), "corpora: {}", Shown(&stop.message))
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
