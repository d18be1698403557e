//! The `extract` stage's computing: planning, and the embedded `local` provider.

mod answer;
mod context;
mod embedded;
mod grounded;
mod guess;
pub mod local;
mod passages;
mod remarks;
mod terms;

pub use answer::{
    AnswerSchema, AskedUnits, Heard, Interpreted, Said, UnitAnswer, UnitResult, ground, interpret, lenient_json,
    whole_items,
};
pub use context::{Context, ContextChoice};
pub use embedded::extract_embedded;
pub use grounded::assemble_answers;
pub use guess::{guessed_output, guessed_term_output};
pub use local::Definition;
pub use passages::{PassageSettings, assemble, unit_key};
pub use remarks::remarks;
pub use terms::{TermUnit, classify, term_key, term_units};

use serde::{Deserialize, Serialize};

/// Version of extraction planning and of the item shape.
pub const VERSION: u32 = 2;

/// How terms are chosen out of a document's candidates (method `terms`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermSettings {
    /// Terms kept for each 1,000 words of text.
    pub per_thousand_words: f64,
    /// Terms kept at least, if there are so many candidates.
    pub minimum: usize,
    /// Terms kept at most.
    pub maximum: usize,
    /// Most words of a term.
    pub max_words: usize,
    /// Occurrences recorded for each term, in text order.
    pub max_occurrences: usize,
}
