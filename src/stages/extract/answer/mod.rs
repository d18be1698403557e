//! From what a model said to the answers of units: reading its JSON, holding it to the schema, finding its quotes in
//! the text.

mod ground;
mod interpret;
mod lenient;
mod looping;
mod validate;

pub use ground::ground;
pub use interpret::{AskedUnits, Heard, Interpreted, Said, UnitAnswer, UnitResult, interpret};
pub use lenient::{lenient_json, whole_items, whole_members};
pub use validate::AnswerSchema;
