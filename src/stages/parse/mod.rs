//! The `parse` stage: bytes in, text with structure out.

use crate::values::{Failure, FailureKind, Format, ParsedDocument};

/// Version of the parser's output. Raised whenever the same bytes may give another text.
pub const VERSION: u32 = 1;

/// Tells the format from a file's first bytes (at least 1,024, or all of a shorter file).
pub fn sniff(head: &[u8]) -> Option<Format> {
    let _ = head;
    None
}

/// Reads a document.
///
/// # Errors
/// A [`Failure`] that names the cause and the remedy.
pub fn parse(bytes: &[u8]) -> Result<ParsedDocument, Failure> {
    let _ = bytes;
    Err(Failure::new(FailureKind::UnknownFormat, "not yet"))
}
