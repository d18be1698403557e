//! ZIP archives of documents, read with bounds: what they inflate to is never more than what is asked for.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use unicode_normalization::UnicodeNormalization;
use zip::ZipArchive;
use zip::result::ZipError;

use corpora_values::{Failure, FailureKind};

/// Most bytes that one entry may inflate to. The longest chapters known have some 20 MB.
const LARGEST_ENTRY: u64 = 128 << 20;

/// From this size on, an entry must not be compressed better than [`BEST_RATIO`] to one: prose has about three to one, and
/// a table of a million equal rows, which may exceed the ratio, stays below this size.
const SUSPICIOUS_SIZE: u64 = 64 << 20;

/// See [`SUSPICIOUS_SIZE`].
const BEST_RATIO: u64 = 100;

/// Most bytes that are inflated for one document.
const LARGEST_TOTAL: u64 = 512 << 20;

/// Most entries: each costs memory before anything is read.
const MOST_ENTRIES: usize = 500_000;

/// Beginning of a ZIP archive: APPNOTE.TXT, 4.3.7.
pub(crate) const ZIP: &[u8] = b"PK\x03\x04";

/// Test whether a file begins like an archive and names a part, or holds a media type, within its first bytes.
pub(crate) fn has_mark(head: &[u8], mark: &[u8]) -> bool {
    head.starts_with(ZIP) && head.windows(mark.len()).any(|w| w == mark)
}

/// An archive in memory.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    entries: HashMap<String, usize>,
    /// Entries by their names folded, for books made where case means nothing, or letters and their accents are parted.
    folded: HashMap<String, usize>,
    /// Bytes that may still be inflated.
    left: u64,
}

/// Reason for which an entry cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryError {
    /// There is none of this name.
    Missing,
    /// The archive protects it with a password.
    Encrypted,
    /// The book's own scheme encrypts it: which, and what to do.
    Protected(String),
    /// It inflates to more than is allowed.
    TooLarge(String),
    /// It is damaged, or compressed in a way that is not known.
    Damaged(String),
}

impl std::fmt::Display for EntryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("it is missing from the file"),
            Self::Encrypted => f.write_str("it is protected with a password"),
            Self::Protected(reason) | Self::TooLarge(reason) | Self::Damaged(reason) => f.write_str(reason),
        }
    }
}

/// An entry's content.
pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    /// Reason for which there is no more of it, if it is cut short.
    pub(super) cut: Option<String>,
}

impl<'a> Archive<'a> {
    /// Reads the list of entries.
    ///
    /// # Errors
    /// If there is none, or it is too long.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Failure> {
        // Signature of a central directory's entry: APPNOTE.TXT, 4.3.12.
        let signatures = bytes.windows(4).filter(|w| *w == b"PK\x01\x02").take(MOST_ENTRIES + 1).count();
        if signatures > MOST_ENTRIES {
            let message =
                format!("its ZIP archive has more than {MOST_ENTRIES} entries, which no book has; leave it out");
            return Err(Failure::new(FailureKind::Memory, message));
        }
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| {
            let reason = match e {
                ZipError::UnsupportedArchive(what) => format!("of a kind that is not supported ({what})"),
                _ => "damaged or cut short".to_owned(),
            };
            Failure::new(FailureKind::Damaged, format!("its ZIP archive is {reason}; fetch or copy it again"))
        })?;
        let (mut entries, mut folded) = (HashMap::new(), HashMap::new());
        for (index, (name, raw)) in zip.file_names().zip(zip.file_names_raw()).enumerate() {
            let name = name.unwrap_or_else(|_| String::from_utf8_lossy(raw)).replace('\\', "/");
            let Some(path) = normal(&name) else { continue };
            if name.ends_with('/') {
                continue;
            }
            folded.entry(fold(&path)).or_insert(index);
            entries.entry(path).or_insert(index);
        }
        Ok(Self { zip, entries, folded, left: LARGEST_TOTAL })
    }

    /// The names of all entries, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The name of the entry that `path` means: as it is, or else in another case or another Unicode form.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        self.entries.get(path).or_else(|| self.folded.get(&fold(path))).copied()
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// See [`EntryError`].
    pub(super) fn read(&mut self, path: &str) -> Result<Content, EntryError> {
        self.read_at_most(path, LARGEST_ENTRY)
    }

    /// Reads an entry of not more than `most` bytes.
    ///
    /// # Errors
    /// See [`EntryError`].
    pub(super) fn read_at_most(&mut self, path: &str, most: u64) -> Result<Content, EntryError> {
        let index = self.find(path).ok_or(EntryError::Missing)?;
        // A wrong checksum is no reason to lose a chapter: what is wrong in it shows in its text.
        let options = zip::read::ZipReadOptions::new().ignore_crc32(true);
        let entry = self.zip.by_index_with_options(index, options).map_err(|e| match e {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
                EntryError::Encrypted
            }
            ZipError::CompressionMethodNotSupported(method) => EntryError::Damaged(format!(
                "it is compressed with method {method}, which is not supported; store the book anew with deflate"
            )),
            e => EntryError::Damaged(format!("its entry in the archive is damaged ({e})")),
        })?;
        let compressed = entry.compressed_size();
        let mut bytes = Vec::new();
        let limit = most.min(self.left);
        let outcome = bounded(entry, compressed, limit, &mut bytes);
        self.left -= (bytes.len() as u64).min(self.left);
        match outcome {
            Ok(()) => Ok(Content { bytes, cut: None }),
            Err(Stop::TooLarge(reason)) => Err(EntryError::TooLarge(reason)),
            Err(Stop::Broken(e)) if bytes.is_empty() => {
                Err(EntryError::Damaged(format!("its entry in the archive is damaged ({e})")))
            }
            Err(Stop::Broken(e)) => Ok(Content { bytes, cut: Some(e.to_string()) }),
        }
    }
}

enum Stop {
    TooLarge(String),
    Broken(std::io::Error),
}

fn bounded(mut from: impl Read, compressed: u64, limit: u64, to: &mut Vec<u8>) -> Result<(), Stop> {
    let mut piece = vec![0; 64 << 10];
    loop {
        let n = match from.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Stop::Broken(e)),
        };
        to.extend_from_slice(&piece[..n]);
        let size = to.len() as u64;
        if size > limit {
            let reason = format!(
                "it inflates to more than {} MiB, or the book to more than {} MiB, and may be a zip bomb",
                LARGEST_ENTRY >> 20,
                LARGEST_TOTAL >> 20
            );
            return Err(Stop::TooLarge(reason));
        }
        if size > SUSPICIOUS_SIZE && size / compressed.max(1) > BEST_RATIO {
            let reason = format!(
                "it is compressed more than {BEST_RATIO} to 1 and inflates to more than {} MiB: a zip bomb",
                SUSPICIOUS_SIZE >> 20
            );
            return Err(Stop::TooLarge(reason));
        }
    }
}

/// A name as books mean it: in lower case and NFC. Some file systems write names in NFD.
fn fold(name: &str) -> String {
    if name.is_ascii() { name.to_ascii_lowercase() } else { name.to_lowercase().nfc().collect() }
}

/// A path without `.` and `..`, or none if it leads out of the archive.
fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The path in the archive that a reference in the file at `base` means, without its fragment, and the fragment. None
/// for references to other places (`http:`, `data:`).
pub(super) fn resolve(base: &str, reference: &str) -> Option<(String, Option<String>)> {
    let reference = reference.trim();
    let (path, fragment) = match reference.split_once('#') {
        Some((path, fragment)) => (path, Some(percent_decoded(fragment))),
        None => (reference, None),
    };
    let path = path.split('?').next().unwrap_or_default();
    let scheme = path.split_once(':').map(|(scheme, _)| scheme);
    if scheme.is_some_and(|s| {
        !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    }) {
        return None;
    }
    if path.is_empty() {
        return Some((base.to_owned(), fragment));
    }
    let path = percent_decoded(path).replace('\\', "/");
    let whole = match (path.strip_prefix('/'), base.rsplit_once('/')) {
        (Some(absolute), _) => absolute.to_owned(),
        (None, Some((folder, _))) => format!("{folder}/{path}"),
        (None, None) => path,
    };
    // A path cannot lead above the root: https://www.w3.org/TR/epub-33/#sec-container-iri.
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some((parts.join("/"), fragment))
}

/// Percent-encoding undone (RFC 3986, 2.1); what is none stays.
fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |b: &u8| char::from(*b).to_digit(16);
        match (first, after) {
            (b'%', [high, low, after @ ..]) if digit(high).is_some() && digit(low).is_some() => {
                let value = digit(high).unwrap_or(0) * 16 + digit(low).unwrap_or(0);
                bytes.push(u8::try_from(value).unwrap_or(b'?'));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_and_stay_inside() {
        let resolved = |base, href| resolve(base, href).map(|(path, fragment)| (path, fragment.unwrap_or_default()));
        let ok = |path: &str, fragment: &str| Some((path.to_owned(), fragment.to_owned()));
        assert_eq!(resolved("OEBPS/book.opf", "text/a%20b.xhtml#n1"), ok("OEBPS/text/a b.xhtml", "n1"));
        assert_eq!(resolved("OEBPS/toc/nav.xhtml", "../a.xhtml"), ok("OEBPS/a.xhtml", ""));
        assert_eq!(resolved("book.opf", "../../etc/passwd"), ok("etc/passwd", ""));
        assert_eq!(resolved("OEBPS/book.opf", "/EPUB/a.xhtml"), ok("EPUB/a.xhtml", ""));
        assert_eq!(resolved("OEBPS/nav.xhtml", "#x"), ok("OEBPS/nav.xhtml", "x"));
        assert_eq!(resolved("OEBPS/book.opf", "text\\a.xhtml?x=1"), ok("OEBPS/text/a.xhtml", ""));
        assert_eq!(resolved("a.opf", "http://example.org/a"), None);
        assert_eq!(resolved("a.opf", "data:text/html,x"), None);
    }

    /// A ZIP archive of these entries.
    fn zipped(entries: &[(&str, &[u8])]) -> Vec<u8> {
        use std::io::Write;
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn an_entry_below_the_largest_size_is_refused_for_its_ratio() {
        let blanks = vec![b' '; (SUSPICIOUS_SIZE + (1 << 20)) as usize];
        let bytes = zipped(&[("a", &blanks), ("b", &blanks[..SUSPICIOUS_SIZE as usize])]);
        let mut archive = Archive::open(&bytes).unwrap();
        let Err(EntryError::TooLarge(reason)) = archive.read("a") else { panic!("it was read") };
        assert!(reason.contains("compressed more than 100 to 1"), "{reason}");
        assert_eq!(archive.read("b").map_err(|e| e.to_string()).unwrap().bytes.len() as u64, SUSPICIOUS_SIZE);
    }

    #[test]
    fn what_a_book_inflates_to_in_all_is_limited() {
        let bytes = zipped(&[("a", &[1; 60]), ("b", &[2; 40]), ("c", &[3; 1])]);
        let mut archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.left, LARGEST_TOTAL);
        archive.left = 100;
        assert!(archive.read("a").is_ok() && archive.read("b").is_ok(), "100 bytes fit");
        let Err(EntryError::TooLarge(reason)) = archive.read("c") else { panic!("byte 101 was read") };
        assert!(reason.contains("or the book to more than 512 MiB"), "{reason}");
    }

    #[test]
    fn a_list_of_entries_that_no_book_has_is_not_read() {
        let entries = |n: usize| Archive::open(&b"PK\x01\x02".repeat(n)).map(|_| ()).unwrap_err().kind;
        assert_eq!(entries(MOST_ENTRIES + 1), FailureKind::Memory);
        assert_eq!(entries(MOST_ENTRIES), FailureKind::Damaged, "a list of that length is looked into");
    }
}
