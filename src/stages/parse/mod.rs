//! The `parse` stage: bytes in, text with structure out.

mod build;
mod epub;
mod ocr;
mod pdf;

pub use self::ocr::{OcrCount, OcrMode, OcrSettings};

use crate::values::{Failure, FailureKind, Format, ParsedDocument};

/// Version of the parser's output. Raised whenever the same bytes may give another text.
pub const VERSION: u32 = 2;

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

/// What the person running the program says about parsing.
#[derive(Clone, Default)]
pub struct ParseSettings {
    /// Passwords to try on encrypted documents, after the empty one. They never leave this value.
    pub passwords: Vec<String>,
    /// How pages that are pictures are read.
    pub ocr: OcrSettings,
    /// Where such pages are counted.
    pub ocr_count: OcrCount,
}

/// Without the passwords: what is shown for debugging ends up in logs.
impl std::fmt::Debug for ParseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParseSettings")
            .field("passwords", &self.passwords.len())
            .field("ocr", &self.ocr)
            .finish_non_exhaustive()
    }
}

/// Reads a document. `progress` is told the number of sections that are done and of all, now and then.
///
/// # Errors
/// A [`Failure`] that names the cause and the remedy. A section that cannot be read fails alone: it is noted in its
/// [`SectionSource`](crate::values::SectionSource), and the others are kept.
pub fn parse(
    bytes: &[u8],
    settings: &ParseSettings,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<ParsedDocument, Failure> {
    if bytes.is_empty() {
        return Err(Failure::new(FailureKind::Empty, "the file is empty (0 bytes); fetch or copy it again"));
    }
    match sniff(&bytes[..bytes.len().min(4096)]) {
        Some(Format::Pdf) => pdf::parse(bytes, settings, progress),
        Some(Format::Epub) => epub::parse(bytes),
        Some(_) => unreachable!("not sniffed yet"),
        None if bytes.starts_with(b"PK\x03\x04") => epub::parse(bytes),
        None => {
            let head: String = bytes[..bytes.len().min(16)].escape_ascii().to_string();
            Err(Failure::new(FailureKind::UnknownFormat, format!("neither PDF nor EPUB: it begins with \"{head}\"")))
        }
    }
}
