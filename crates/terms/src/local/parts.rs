//! Parts of a book that are about the book.

use corpora_values::{ParsedDocument, Part, PartKind, Span};

/// Longest title page or dedication, in bytes; longer front matter is a preface, which speaks of the subject.
const TITLE_PAGE: usize = 1_000;

/// Parts of a document that are about the book, and not what the book is about.
pub(super) fn about_the_book(document: &ParsedDocument) -> Vec<Span> {
    let is_about_it = |part: &&Part| match part.kind {
        PartKind::Boilerplate | PartKind::Contents | PartKind::Index | PartKind::Bibliography => true,
        PartKind::FrontMatter => part.span.len() < TITLE_PAGE,
        PartKind::BackMatter | PartKind::Glossary | PartKind::Notes => false,
    };
    document.markup.parts.iter().filter(is_about_it).map(|part| part.span).collect()
}
