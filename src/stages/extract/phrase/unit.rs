//! A unit as a model is told of it.

use std::sync::Arc;

use crate::values::{Chunk, Fingerprint, ParsedDocument, SectionKind};

/// Something that gets its own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Content key.
    pub key: Fingerprint,
    /// The term, if it is one; a passage has no name.
    pub name: Option<String>,
    /// Text of the passage, or the sentence in which the term stands; empty where its chunk is told instead.
    pub text: Arc<str>,
    /// Headings under which the sentence of a term stands, the lower one last; empty where there is none.
    pub heading: Arc<str>,
    /// Text that is told before: the chunk in which the term stands, if that is its context. Units that follow each other share it.
    pub passage: Option<Arc<str>>,
    /// Book that it is from, in a line; empty where nothing is known.
    pub book: Head,
}

/// One line about the book that a text is from: title, author, chapter, language, as far as the file tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head(pub Arc<str>);

/// Longest line about a book, in bytes: it is told with every request.
const LONGEST: usize = 240;

/// Longest of its parts, in bytes.
const LONGEST_PART: usize = 80;

impl Default for Unit {
    fn default() -> Self {
        Self {
            key: Fingerprint([0; 32]),
            name: None,
            text: "".into(),
            heading: "".into(),
            passage: None,
            book: Head::default(),
        }
    }
}

impl Head {
    /// The line of a document; with the chapter in which a chunk begins, where one is given.
    pub fn of(document: &ParsedDocument, chunk: Option<&Chunk>) -> Self {
        let about = &document.metadata;
        let mut parts = Vec::new();
        let mut add = |name: &str, value: Option<&str>| {
            let value = value.map(one_line).filter(|v| !v.is_empty());
            parts.extend(value.map(|v| format!("{name}: {v}")));
        };
        add("title", about.title.as_deref());
        add("author", about.author.as_deref());
        add("chapter", chunk.and_then(|chunk| chapter(document, chunk)));
        add("language", about.language.as_deref());
        let mut line = parts.join("; ");
        line.truncate(line.floor_char_boundary(LONGEST));
        Self(line.into())
    }
}

/// The chapter in which a chunk begins: the section's own title, or the last entry of the outline before it.
fn chapter<'d>(document: &'d ParsedDocument, chunk: &Chunk) -> Option<&'d str> {
    let section = document.sections.get(chunk.first_section as usize)?;
    let own = section.label.as_deref().filter(|_| section.kind == SectionKind::Chapter);
    let listed = || document.outline.iter().rev().find(|entry| entry.section <= section.number);
    own.or_else(|| Some(listed()?.title.as_str()))
}

fn one_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.truncate(line.floor_char_boundary(LONGEST_PART));
    line
}
