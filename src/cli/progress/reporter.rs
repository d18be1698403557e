//! Consumes the events of a run and shows them in the style that was asked for.

use std::io::Write;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::bars::{Bars, SILENCE};
use super::ending::Ending;
use super::lines::{Lines, document_line};
use crate::cli::screen;
use crate::values::{Event, Shown, Stop, Summary};

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

/// What the end of a run shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Shows {
    /// The summary.
    Summary,
    /// The plan, which somebody else prints: of the run itself only what went wrong.
    Plan,
}

/// Shows events on standard error.
pub(in crate::cli) struct Reporter {
    style: Style,
    verbosity: Verbosity,
    shows: Shows,
    ending: Ending,
}

impl Reporter {
    /// A reporter of a run into `folder`, as a shell takes that.
    pub(in crate::cli) fn new(style: Style, verbosity: Verbosity, shows: Shows, folder: String) -> Self {
        let columns = if style == Style::Bars { screen::width } else { || None };
        Self { style, verbosity, shows, ending: Ending::new(folder, columns) }
    }

    /// Consumes events until nobody can send any more.
    pub(in crate::cli) fn run(self, events: &Receiver<Event>) {
        let Self { style, verbosity, shows, mut ending } = self;
        // A plan comes from a run that did not come to its end, and says itself what there is to do.
        let verbosity = if shows == Shows::Plan && style == Style::Plain { Verbosity::Quiet } else { verbosity };
        // Shows an event, or that none came for a while.
        let mut each = |show: &mut dyn FnMut(Option<&Event>, &Ending)| {
            loop {
                match events.recv_timeout(SILENCE) {
                    Ok(event) if shows == Shows::Plan && planned(&event) && style != Style::Json => {}
                    Ok(event) => {
                        ending.note(&event);
                        show(Some(&event), &ending);
                    }
                    Err(RecvTimeoutError::Timeout) => show(None, &ending),
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
        };
        match style {
            Style::Bars => {
                let mut bars = Bars::new(verbosity);
                each(&mut |event, ending| match event {
                    Some(event) => bars.show(event, ending),
                    None => bars.pass_time(ending),
                });
                bars.clear_unless(shows == Shows::Summary);
            }
            Style::Plain => {
                let mut lines = Lines::new(verbosity, screen::err());
                each(&mut |event, ending| event.into_iter().for_each(|event| lines.show(event, ending)));
            }
            Style::Json => each(&mut |event, _| {
                let Some(event) = event else { return };
                let mut line = serde_json::to_vec(event).unwrap_or_default();
                line.push(b'\n');
                let _ = screen::json_err().write_all(&line);
            }),
            Style::None => each(&mut |event, _| {
                if let Some(words) = event.and_then(error) {
                    let _ = writeln!(screen::err(), "corpora: {words}");
                }
            }),
        }
    }
}

/// True for the end of a run that a plan takes the place of.
fn planned(event: &Event) -> bool {
    matches!(event, Event::RunFinished { summary: Summary { stop: None, documents, .. } } if *documents > 0)
}

/// Words of an event that is an error, or a warning of something that is lost: they are said however little is to be shown.
fn error(event: &Event) -> Option<String> {
    match event {
        Event::Warning { message } => Some(format!("warning: {}", Shown(message))),
        Event::DocumentFailed { .. } => document_line(event, Verbosity::Quiet, None),
        Event::RunFinished { summary: Summary { stop: Some(Stop { message, .. }), .. } } => {
            Some(Shown(message).to_string())
        }
        _ => None,
    }
}
