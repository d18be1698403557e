//! The file formats: one row each.

use serde::{Deserialize, Serialize};

use super::{SectionKind, listed};

/// A format's row: everything about it but its reader, which is a file of the crate that parses.
struct Row {
    /// Name in stores and in vocabulary files, whose schema lists it.
    name: &'static str,
    /// Name in messages.
    shown: &'static str,
    /// Word in `--formats`.
    word: &'static str,
    /// Endings of file names, in lower case, without the dot.
    endings: &'static [&'static str],
    /// Sections of its documents.
    sections: SectionKind,
    /// True if each of its files begins with marks of its own, so that one without them is not what its name says.
    always_marked: bool,
    /// True if a run takes it from folders without being asked, and under any name.
    by_default: bool,
}

/// Makes the enum and its table from one row a format.
macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident $row:tt)*) => {
        /// A file format that can be parsed, told by content and never by file name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Format {
            $($(#[$doc])* $format,)*
        }

        impl Format {
            /// All formats, in the order in which content is held against them.
            pub const ALL: [Self; [$(stringify!($format)),*].len()] = [$(Self::$format),*];

            fn row(self) -> Row {
                match self {
                    $(Self::$format => Row $row,)*
                }
            }
        }
    };
}

formats! {
    /// Portable Document Format.
    Pdf {
        name: "pdf", shown: "PDF", word: "pdf", endings: &["pdf"],
        sections: SectionKind::Page, always_marked: true, by_default: true,
    }
    /// EPUB 2 or 3.
    Epub {
        name: "epub", shown: "EPUB", word: "epub", endings: &["epub"],
        sections: SectionKind::Chapter, always_marked: true, by_default: true,
    }
    /// Office Open XML text document.
    Docx {
        name: "docx", shown: "DOCX", word: "docx", endings: &["docx"],
        sections: SectionKind::Chapter, always_marked: true, by_default: false,
    }
    /// HTML or XHTML.
    Html {
        name: "html", shown: "HTML", word: "html", endings: &["html", "htm", "xhtml"],
        sections: SectionKind::Chapter, always_marked: false, by_default: false,
    }
    /// Markdown.
    Markdown {
        name: "markdown", shown: "Markdown", word: "md", endings: &["md", "markdown"],
        sections: SectionKind::Chapter, always_marked: false, by_default: false,
    }
    /// Plain text.
    Text {
        name: "text", shown: "text", word: "txt", endings: &["txt", "text"],
        sections: SectionKind::Chapter, always_marked: false, by_default: false,
    }
}

impl Format {
    /// Format that a file's name promises. Which it really is, its content tells.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        let ending = ending.to_ascii_lowercase();
        Self::ALL.into_iter().find(|format| format.row().endings.contains(&&*ending))
    }

    /// Word for it in `--formats`.
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// Lowercase name used in stores and vocabulary files.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Name in messages.
    pub fn shown(self) -> &'static str {
        self.row().shown
    }

    /// Kind of the sections of its documents.
    pub fn sections(self) -> SectionKind {
        self.row().sections
    }

    /// Test whether each of its files begins with marks of its own.
    pub fn is_always_marked(self) -> bool {
        self.row().always_marked
    }

    /// Test whether a run takes it from folders without being asked, and under any name.
    pub fn is_by_default(self) -> bool {
        self.row().by_default
    }

    /// Names of formats in a sentence, with a word before the last: "PDF, EPUB or DOCX".
    pub fn listed(formats: impl IntoIterator<Item = Self>, before_last: &str) -> String {
        let shown: Vec<&str> = formats.into_iter().map(Self::shown).collect();
        listed(&shown, before_last)
    }
}

/// Set of the formats that a run takes from folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats([bool; Format::ALL.len()]);

impl Formats {
    /// These formats.
    pub fn of(formats: &[Format]) -> Self {
        Self(Format::ALL.map(|format| formats.contains(&format)))
    }

    /// Test whether it is one of them.
    pub fn has(self, format: Format) -> bool {
        self.iter().any(|one| one == format)
    }

    /// The formats, in the order of [`Format::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Format> {
        Format::ALL.into_iter().zip(self.0).filter(|(_, taken)| *taken).map(|(format, _)| format)
    }
}

impl std::fmt::Display for Formats {
    /// Their words, joined by commas.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<&str> = self.iter().map(Format::word).collect();
        f.write_str(&words.join(","))
    }
}

impl Default for Formats {
    /// PDF and EPUB.
    fn default() -> Self {
        Self(Format::ALL.map(Format::is_by_default))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_in_files_is_the_one_that_serde_writes() {
        for format in Format::ALL {
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
    }

    #[test]
    fn no_two_formats_share_a_word_or_an_ending() {
        for (n, a) in Format::ALL.into_iter().enumerate() {
            for b in &Format::ALL[n + 1..] {
                assert!(a.word() != b.word() && a.name() != b.name() && a.shown() != b.shown());
                assert!(!a.row().endings.iter().any(|ending| b.row().endings.contains(ending)), "{a:?} {b:?}");
            }
        }
        assert_eq!(Format::of_name("a/b.XHTML"), Some(Format::Html));
        assert_eq!((Format::of_name("pdf"), Format::of_name("a.rtf")), (None, None));
    }

    #[test]
    fn a_run_takes_pdf_and_epub_unless_told_otherwise() {
        assert_eq!(Format::listed(Formats::default().iter(), "and"), "PDF and EPUB");
    }
}
