//! The `chunk` stage: cuts a document's text into spans sized for one request.

mod cut;
mod sentences;
mod settings;
mod tokens;

pub use cut::{VERSION, chunk};
pub(crate) use sentences::is_abbreviation;
pub use sentences::{is_sentence_end, sentence_around};
pub use settings::ChunkSettings;
pub use tokens::estimate_tokens;
