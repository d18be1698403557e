//! The `parse` stage: bytes in, text with structure out.

mod build;
mod epub;
mod pdf;

use crate::values::{Failure, FailureKind, Format, ParsedDocument};

/// Version of the parser's output. Raised whenever the same bytes may give another text.
pub const VERSION: u32 = 1;

/// Tells the format from a file's first bytes (at least 1,024, or all of a shorter file).
pub fn sniff(head: &[u8]) -> Option<Format> {
    let contains = |needle: &[u8]| head.windows(needle.len()).any(|w| w == needle);
    if head.starts_with(b"PK\x03\x04") {
        let is_epub = contains(b"application/epub+zip") || contains(b"META-INF/container.xml");
        return is_epub.then_some(Format::Epub);
    }
    // Readers accept a header within the first 1,024 bytes (ISO 32000-1, annex H, note 13).
    head[..head.len().min(1024)].windows(5).any(|w| w == b"%PDF-").then_some(Format::Pdf)
}

/// Reads a document.
///
/// # Errors
/// A [`Failure`] that names the cause and the remedy.
pub fn parse(bytes: &[u8]) -> Result<ParsedDocument, Failure> {
    if bytes.is_empty() {
        return Err(Failure::new(FailureKind::Empty, "the file is empty (0 bytes); fetch or copy it again"));
    }
    match sniff(&bytes[..bytes.len().min(4096)]) {
        Some(Format::Pdf) => pdf::parse(bytes),
        Some(Format::Epub) => epub::parse(bytes),
        None if bytes.starts_with(b"PK\x03\x04") => epub::parse(bytes),
        None => {
            let head: String = bytes[..bytes.len().min(16)].escape_ascii().to_string();
            Err(Failure::new(FailureKind::UnknownFormat, format!("neither PDF nor EPUB: it begins with \"{head}\"")))
        }
    }
}
