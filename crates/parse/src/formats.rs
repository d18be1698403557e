//! Formats: told by content, and read. The table of what is known of each is [`Format`]; here each has its reader.

use std::borrow::Cow;

use corpora_values::{Failure, FailureKind, Format, ParsedDocument};

use super::archive::{Archive, ZIP};
use super::markup::{Decoded, decode};
use super::{ParseSettings, docx, epub, html, markdown, pdf, text};

/// Version of the parser's output. Raised whenever the same bytes may give another text.
pub const VERSION: u32 = 5;

/// Beginning of an OLE compound file: <https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb/>, 2.2.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Bytes at the beginning of a file in which marks are looked for.
const HEAD: usize = 4096;

/// Listener that is told the number of sections that are done and of all, now and then.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(u32, u32);

/// Reading of a format that is no archive and has marks of its own.
type ReadBytes = fn(Cow<'_, [u8]>, &ParseSettings, Progress<'_>) -> Result<ParsedDocument, Failure>;

/// Reading of a format that is an archive.
type ReadArchive = fn(Archive<'_>, &ParseSettings, Progress<'_>) -> Result<ParsedDocument, Failure>;

/// A format's way to be told and to be read.
pub(crate) enum Reader {
    /// Told by the first bytes.
    Bytes { marks: fn(&[u8]) -> bool, read: ReadBytes },
    /// A ZIP archive, told by what lies in it; most show it in the first bytes.
    Archive { marks: fn(&[u8]) -> bool, holds: fn(&Archive<'_>) -> bool, read: ReadArchive },
    /// Text without marks, told by what stands in it.
    Text { looks: fn(&str) -> bool, read: fn(Decoded<'_>) -> ParsedDocument },
}

fn reader(format: Format) -> Reader {
    match format {
        Format::Pdf => pdf::READER,
        Format::Epub => epub::READER,
        Format::Docx => docx::READER,
        Format::Html => html::READER,
        Format::Markdown => markdown::READER,
        Format::Text => text::READER,
    }
}

/// Format of a file by its first bytes (at least 1,024, or all of a shorter file), where it has marks of its own. Text and
/// Markdown have none.
pub fn sniff(head: &[u8]) -> Option<Format> {
    Format::ALL.into_iter().find(|format| match reader(*format) {
        Reader::Bytes { marks, .. } | Reader::Archive { marks, .. } => marks(head),
        Reader::Text { .. } => false,
    })
}

/// Looks whether a file can be what its name says, by its first bytes. Content decides what a file is read as, and so two
/// names of one content never differ; but a download's error page that is called `book.pdf` is no book.
///
/// # Errors
/// If the name promises a format with marks of its own, and there is no such mark.
pub fn check_name(promised: Option<Format>, head: &[u8]) -> Result<(), Failure> {
    let Some(promised) = promised.filter(|format| format.is_always_marked()) else { return Ok(()) };
    let has_mark = head.starts_with(ZIP) || head.starts_with(OLE) || sniff(head).is_some_and(Format::is_always_marked);
    if has_mark || head.is_empty() {
        return Ok(());
    }
    let message = format!(
        "not {}, whatever its name says: it begins with \"{}\"; fetch it again, or rename it to what it is",
        promised.shown(),
        beginning(head)
    );
    Err(Failure::new(FailureKind::UnknownFormat, message))
}

/// Reads a document. `progress` is told the number of sections that are done and of all, now and then. Bytes that are given
/// away are not copied.
///
/// # Errors
/// A [`Failure`] that names the cause and the remedy. A section that cannot be read fails alone: it is noted in its
/// [`SectionSource`](corpora_values::SectionSource), and the others are kept.
pub fn parse<'a>(
    bytes: impl Into<Cow<'a, [u8]>>,
    settings: &ParseSettings,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<ParsedDocument, Failure> {
    read(bytes.into(), settings, progress)
}

fn read(bytes: Cow<'_, [u8]>, settings: &ParseSettings, progress: Progress<'_>) -> Result<ParsedDocument, Failure> {
    if bytes.is_empty() {
        return Err(Failure::new(FailureKind::Empty, "the file is empty (0 bytes); fetch or copy it again"));
    }
    let head = &bytes[..bytes.len().min(HEAD)];
    for format in Format::ALL {
        if let Reader::Bytes { marks, read } = reader(format)
            && marks(head)
        {
            return read(bytes, settings, progress);
        }
    }
    if bytes.starts_with(ZIP) {
        return read_archive(&bytes, settings, progress);
    }
    if bytes.starts_with(OLE) {
        return Err(Failure::new(
            FailureKind::Encrypted,
            "an old Word file (.doc) or one with a password: open it in a word processor and save it as .docx without one",
        ));
    }
    read_text(&bytes)
}

/// A ZIP archive is what lies in it.
fn read_archive(bytes: &[u8], settings: &ParseSettings, progress: Progress<'_>) -> Result<ParsedDocument, Failure> {
    let archive = Archive::open(bytes)?;
    let mut known = Vec::new();
    for format in Format::ALL {
        if let Reader::Archive { holds, read, .. } = reader(format) {
            if holds(&archive) {
                return read(archive, settings, progress);
            }
            known.push(format);
        }
    }
    let known = Format::listed(known, "nor");
    let message = format!("a ZIP archive that is neither {known}; unpack it and give what is in it");
    Err(Failure::new(FailureKind::UnknownFormat, message))
}

fn read_text(bytes: &[u8]) -> Result<ParsedDocument, Failure> {
    let decoded = decode(bytes);
    if text::is_text(&decoded.text) {
        for format in Format::ALL {
            if let Reader::Text { looks, read } = reader(format)
                && looks(&decoded.text)
            {
                return Ok(read(decoded));
            }
        }
    }
    let known = Format::listed(Format::ALL, "nor");
    let message = format!("neither {known}: it begins with \"{}\"", beginning(bytes));
    Err(Failure::new(FailureKind::UnknownFormat, message))
}

/// First bytes of a file, as a message shows them.
fn beginning(bytes: &[u8]) -> std::slice::EscapeAscii<'_> {
    bytes[..bytes.len().min(16)].escape_ascii()
}
