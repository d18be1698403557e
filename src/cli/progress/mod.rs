//! Shows a run to a person or a program: consumes events, never does work.

mod bars;
mod ending;
mod fitted;
mod lines;
mod reporter;
mod summary;
mod terminal;
mod words;

pub(super) use self::fitted::wrapped;
pub(super) use self::reporter::{Reporter, Shows, Style, Verbosity};
pub(super) use self::words::{counted, duration, grouped, model_change, size};
