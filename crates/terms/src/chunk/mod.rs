//! The `chunk` stage: cuts a document's text into spans sized for one request.

mod cut;
mod sentences;
mod tokens;

pub use cut::chunk;
pub(crate) use sentences::is_abbreviation;
pub use sentences::{is_sentence_end, sentence_around};
pub use tokens::estimate_tokens;

use serde::{Deserialize, Serialize};

/// Version of the chunker's output.
pub const VERSION: u32 = 1;

/// How to cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkSettings {
    /// Most tokens of a chunk, by [`estimate_tokens`].
    pub max_tokens: u32,
    /// About how many tokens at the start of a chunk repeat the end of the one before. Half of `max_tokens` at most.
    pub overlap_tokens: u32,
}
