//! Result of parsing a document, and the places reached on the way there.

use crate::values::{Gap, SectionKind};

/// A parsed document as it goes into the store.
pub(in crate::engine) struct Parsed {
    pub(in crate::engine) artifact: Vec<u8>,
    pub(in crate::engine) notes: Vec<String>,
    pub(in crate::engine) gap: Option<Gap>,
}

/// The terms of a document as they go into the store.
pub(in crate::engine) struct FoundTerms {
    pub(in crate::engine) artifact: Vec<u8>,
    pub(in crate::engine) terms: u64,
    pub(in crate::engine) notes: Vec<String>,
}

/// Place that a worker has reached in a document.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Position {
    pub(in crate::engine) section: SectionKind,
    pub(in crate::engine) done: u32,
    pub(in crate::engine) total: u32,
}
