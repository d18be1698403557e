//! Context of a term, which a model is told beside the term itself: a sentence in which it stands, or the whole chunk.

use crate::values::Choice;

/// Kind of context that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// A sentence for each candidate.
    Candidates,
    /// The chunks, each once before its candidates.
    Chunks,
}

/// Rule by which the context of a document's terms is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContextChoice {
    /// For all documents the same.
    Always(Context),
    /// For each document the one that takes fewer tokens: sentences overlap where terms stand close together.
    #[default]
    Cheaper,
}

impl ContextChoice {
    /// The context of terms that take so many tokens with their sentences, and so many with their chunks.
    pub fn choose(self, with_sentences: u64, with_chunks: u64) -> Context {
        match self {
            Self::Always(context) => context,
            Self::Cheaper if with_chunks < with_sentences => Context::Chunks,
            Self::Cheaper => Context::Candidates,
        }
    }
}

impl Choice for ContextChoice {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Always(Context::Candidates), "candidates", "One sentence for each"),
        (Self::Always(Context::Chunks), "chunks", "The chunks in which they stand, each once"),
        (Self::Cheaper, "auto", "For each document what takes fewer tokens"),
    ];
}
