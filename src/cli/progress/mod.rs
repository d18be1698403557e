//! Shows a run to a person or a program: consumes events, never does work.

mod bars;
mod lines;
mod reporter;
mod summary;

pub(super) use self::reporter::{Reporter, Style, Verbosity};
pub(super) use self::summary::{counted, duration, grouped, model_change};
