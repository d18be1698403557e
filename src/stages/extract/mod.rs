//! The `extract` stage's computing: planning, and the embedded `local` provider.

mod answer;
mod context;
mod embedded;
mod grounded;
mod guess;
mod headings;
mod passages;
mod phrase;
mod remarks;
mod terms;
mod version;

pub use answer::{
    AnswerSchema, AskedUnits, Heard, Interpreted, Said, UnitAnswer, UnitResult, ground, interpret, lenient_json,
    whole_items, whole_members,
};
pub use context::{Context, ContextChoice};
pub use corpora_terms::local::{self, TermSettings, Wanted};
pub use embedded::extract_embedded;
pub use grounded::assemble_answers;
pub use guess::guessed_output;
pub use passages::{PassageSettings, unit_key};
pub use phrase::{Head, Phrasing, Unit, answer_schema, told};
pub use remarks::remarks;
pub use terms::{TermUnit, classify, term_key, term_units};
pub use version::VERSION;
