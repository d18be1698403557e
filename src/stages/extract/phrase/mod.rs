//! Requests compiled from a pipeline: instructions, the schema of an answer, and what is told of the units, in no vendor's words.

mod instructions;
mod phrasing;
mod schema;
mod told;
mod unit;

pub use phrasing::Phrasing;
pub use schema::answer_schema;
pub(super) use schema::{bounded, list_schema};
pub use told::told;
pub use unit::{Head, Unit};
