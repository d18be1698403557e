//! The stages of a run and the two ways to go through them.

use serde::{Deserialize, Serialize};

/// A stage of the run, in running order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Finds files and identifies documents by content.
    Discover,
    /// Reads text and structure out of a file.
    Parse,
    /// Cuts the text into chunks.
    Chunk,
    /// Finds items: asks a provider, or the local one.
    Extract,
    /// Writes the vocabulary files.
    Write,
}

impl Stage {
    /// All stages in running order.
    pub const ALL: [Self; 5] = [Self::Discover, Self::Parse, Self::Chunk, Self::Extract, Self::Write];

    /// The name used on the command line, in events and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Parse => "parse",
            Self::Chunk => "chunk",
            Self::Extract => "extract",
            Self::Write => "write",
        }
    }
}

/// Way in which documents travel through the stages. Output is byte-identical in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// All documents through one stage before the next begins; every stage is checkpointed.
    #[default]
    Staged,
    /// Each worker takes one document through everything and checkpoints it at the end:
    /// the tool that the staged engine is measured against.
    PerDocument,
}
