use serde::{Deserialize, Serialize};

/// Sizes of chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkSettings {
    /// Most tokens of a chunk, by [`estimate_tokens`](super::estimate_tokens).
    pub max_tokens: u32,
    /// About how many tokens at the start of a chunk repeat the end of the one before. Half of `max_tokens` at most.
    pub overlap_tokens: u32,
}
