//! Elements that mark what stands in them: emphasis, terms, abbreviations, links to notes, parts of a book.

use super::elements::Tag;
use corpora_values::{MarkKind, PartKind};

/// Mark that an element makes of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inline {
    Bold,
    Italic,
    SmallCaps,
    Code,
    Defined,
    Title,
    /// What it stands for is on the stack of attributes.
    Abbreviation,
    /// A link, whose target is on the stack of attributes: it marks a note if its text is raised.
    Link,
}

impl Inline {
    /// The mark of an element.
    pub(super) fn of(tag: &Tag<'_>, in_pre: bool) -> Option<Self> {
        let a = &tag.attributes;
        if a.is_a(&["glossterm"]) {
            return Some(Self::Defined);
        }
        match tag.name {
            "b" | "strong" => Some(Self::Bold),
            "i" | "em" => Some(Self::Italic),
            "dfn" => Some(Self::Defined),
            "cite" => Some(Self::Title),
            "abbr" | "acronym" => Some(Self::Abbreviation),
            "code" | "kbd" | "samp" | "tt" if !in_pre => Some(Self::Code),
            "a" if a.text("href").is_some() => Some(Self::Link),
            "span" | "font" | "small" => {
                let style = a.get("style").unwrap_or_default().replace(' ', "").to_ascii_lowercase();
                // Names that books give their classes of emphasis; a class says no more than its name.
                let is = |words: &[&str]| a.has_word("class", words);
                if style.contains("font-variant:small-caps")
                    || is(&["smallcaps", "small-caps", "smcap", "smallcap", "sc"])
                {
                    Some(Self::SmallCaps)
                } else if style.contains("font-weight:bold") || is(&["bold", "b"]) {
                    Some(Self::Bold)
                } else if style.contains("font-style:italic") || is(&["italic", "italics", "i"]) {
                    Some(Self::Italic)
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// The attribute that belongs to the mark.
    pub(super) fn attribute(self, tag: &Tag<'_>) -> Option<String> {
        let name = match self {
            Self::Abbreviation => "title",
            Self::Link => "href",
            _ => return None,
        };
        tag.attributes.text(name).map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The meaning of the mark on a text, given its attribute.
    pub(super) fn meaning(self, attribute: Option<String>, text: &str, is_note_mark: bool) -> Option<Meaning> {
        let kind = match self {
            Self::Bold => MarkKind::Bold,
            Self::Italic => MarkKind::Italic,
            Self::SmallCaps => MarkKind::SmallCaps,
            Self::Code => MarkKind::Code,
            Self::Defined => MarkKind::Defined,
            Self::Title => MarkKind::Title,
            Self::Abbreviation => MarkKind::Abbreviation(attribute),
            Self::Link => {
                let is_raised = |c: char| matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}' | '\u{2070}'..='\u{2079}');
                let text = text.trim();
                let is_mark = is_note_mark || (!text.is_empty() && text.chars().all(is_raised));
                return attribute.filter(|_| is_mark).map(Meaning::NoteAt);
            }
        };
        Some(Meaning::Kind(kind))
    }
}

/// Meaning of a mark, as far as its own file tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    Kind(MarkKind),
    /// The mark of the note that stands there: a reference as the file has it.
    NoteAt(String),
}

/// The part of a book that an element is: <https://www.w3.org/TR/epub-ssv-11/>, and the classes of Project Gutenberg.
pub(super) fn part(tag: &Tag<'_>) -> Option<PartKind> {
    const PARTS: [(PartKind, &[&str]); 8] = [
        (PartKind::Contents, &["toc", "toc-brief", "loi", "lot", "loa", "lov", "landmarks"]),
        (PartKind::Index, &["index"]),
        (PartKind::Glossary, &["glossary"]),
        (PartKind::Bibliography, &["bibliography"]),
        (PartKind::Notes, &["footnotes", "endnotes", "rearnotes"]),
        (
            PartKind::Boilerplate,
            &["colophon", "imprint", "imprimatur", "copyright-page", "other-credits", "seriespage", "publisher-logo"],
        ),
        (
            PartKind::FrontMatter,
            &[
                "frontmatter",
                "cover",
                "titlepage",
                "halftitlepage",
                "halftitle",
                "dedication",
                "epigraph",
                "foreword",
                "preface",
                "acknowledgments",
                "contributors",
                "errata",
            ],
        ),
        (PartKind::BackMatter, &["backmatter", "appendix", "afterword"]),
    ];
    let a = &tag.attributes;
    if a.has_word("class", &["pg-boilerplate", "pgheader", "pgfooter"])
        || matches!(a.get("id"), Some("pg-header" | "pg-footer" | "uncopyright" | "imprint"))
    {
        return Some(PartKind::Boilerplate);
    }
    match tag.name {
        "frontmatter" => Some(PartKind::FrontMatter),
        "rearmatter" => Some(PartKind::BackMatter),
        _ => PARTS.iter().find(|(_, types)| a.is_a(types)).map(|(kind, _)| *kind),
    }
}
