//! The `parse` stage: bytes in, text with structure out.

mod archive;
mod build;
mod docx;
mod epub;
mod flow;
mod html;
mod markdown;
mod markup;
mod ocr;
mod pdf;
mod text;

pub use self::ocr::{OcrCount, OcrMode, OcrSettings};

use corpora_values::{Failure, FailureKind, Format, ParsedDocument};

/// Version of the parser's output. Raised whenever the same bytes may give another text.
pub const VERSION: u32 = 3;

/// Tells the format from a file's first bytes (at least 1,024, or all of a shorter file), where it has marks of its own.
/// Text and Markdown have none.
pub fn sniff(head: &[u8]) -> Option<Format> {
    let contains = |needle: &[u8]| head.windows(needle.len()).any(|w| w == needle);
    if head.starts_with(ZIP) {
        return match () {
            () if contains(b"application/epub+zip") || contains(b"META-INF/container.xml") => Some(Format::Epub),
            () if contains(b"[Content_Types].xml") && contains(b"word/") => Some(Format::Docx),
            () => None,
        };
    }
    // Readers accept a header within the first 1,024 bytes (ISO 32000-1, annex H, note 13).
    if head[..head.len().min(1024)].windows(5).any(|w| w == b"%PDF-") {
        return Some(Format::Pdf);
    }
    html::is_html(head).then_some(Format::Html)
}

/// How a ZIP archive begins: APPNOTE.TXT, 4.3.7.
const ZIP: &[u8] = b"PK\x03\x04";

/// How an OLE compound file begins: <https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb/>, 2.2.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Looks whether a file can be what its name says, by its first bytes. Content decides what a file is read as, and so two
/// names of one content never differ; but a download's error page that is called `book.pdf` is no book.
///
/// # Errors
/// If the name promises a format with marks of its own, and there is no such mark.
pub fn check_name(promised: Option<Format>, head: &[u8]) -> Result<(), Failure> {
    let needs_mark = matches!(promised, Some(Format::Pdf | Format::Epub | Format::Docx));
    let has_mark = head.starts_with(ZIP) || head.starts_with(OLE) || sniff(head) == Some(Format::Pdf);
    if !needs_mark || has_mark || head.is_empty() {
        return Ok(());
    }
    let begin = head[..head.len().min(16)].escape_ascii();
    let message =
        format!("neither PDF nor EPUB: it begins with \"{begin}\"; fetch it again, or rename it to what it is");
    Err(Failure::new(FailureKind::UnknownFormat, message))
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
/// [`SectionSource`](corpora_values::SectionSource), and the others are kept.
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
        _ if bytes.starts_with(ZIP) => parse_archive(bytes, progress),
        Some(Format::Html) => html::parse(bytes),
        _ if bytes.starts_with(OLE) => Err(Failure::new(
            FailureKind::Encrypted,
            "an old Word file (.doc) or one with a password: open it in a word processor and save it as .docx without one",
        )),
        _ => {
            let decoded = markup::decode(bytes);
            match () {
                () if !text::is_text(&decoded.text) => Err(html::no_text(bytes)),
                () if markdown::is_markdown(&decoded.text) => Ok(markdown::parse(decoded)),
                () => Ok(text::parse(decoded)),
            }
        }
    }
}

/// A ZIP archive is what lies in it.
fn parse_archive(bytes: &[u8], progress: &mut dyn FnMut(u32, u32)) -> Result<ParsedDocument, Failure> {
    let archive = archive::Archive::open(bytes)?;
    let is_epub = archive.find("META-INF/container.xml").is_some()
        || archive.find("mimetype").is_some()
        || archive.names().iter().any(|name| name.to_ascii_lowercase().ends_with(".opf"));
    match docx::main_part(&archive) {
        Some(main) if !is_epub => docx::parse(archive, &main),
        _ if is_epub => epub::parse(archive, progress),
        _ => Err(Failure::new(
            FailureKind::UnknownFormat,
            "a ZIP archive that is neither EPUB nor DOCX; unpack it and give what is in it",
        )),
    }
}
