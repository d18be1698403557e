//! Decisions of people on terms: the lines of `decisions.jsonl`, what stands by them, and what comes of it for a term.

mod line;
mod queue;
mod standing;

pub use line::{Decision, DecisionsError, Ruling};
pub use queue::{carried, check_queue, cleared, waiting};
pub use standing::{Decisions, Destination, Fate, Standing};
