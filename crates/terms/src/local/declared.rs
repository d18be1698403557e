//! Terms that the book itself declares: its glossaries, lists of definitions, names that run in, headings whose text defines them. In any
//! language, because the layout says it and not the words.

mod glossary;
mod headings;
mod kinds;
mod quoted;
mod run_in;

use corpora_values::{Block, BlockKind, DefinitionSource, MarkKind, ParsedDocument, PartKind, Span};

/// A term with what the book says that it means. Both are places in the document's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) term: Span,
    pub(super) meaning: Span,
    pub(super) source: DefinitionSource,
}

/// Longest meaning that is quoted, in bytes; of a longer one the first block is.
const LONGEST_MEANING: usize = 1500;

/// Most words of a term that is declared.
const LONGEST_TERM: usize = 8;

/// All declared terms, by their places.
pub(super) fn declared(document: &ParsedDocument) -> Vec<Declared> {
    let book = Book::of(document);
    let mut found = glossary::declared(&book);
    found.extend(quoted::declared(&book));
    found.extend(run_in::declared(&book));
    found.extend(headings::declared(&book));
    found.sort_by_key(|d| (d.term, d.source, d.meaning));
    found.dedup_by_key(|d| d.term);
    found
}

/// The things that headings name, each with its kind.
pub(super) fn kinds(document: &ParsedDocument) -> Vec<(Span, String)> {
    kinds::kinds(&Book::of(document))
}

/// A document's blocks, without those that are about the book.
struct Book<'a> {
    document: &'a ParsedDocument,
    text: &'a str,
    blocks: Vec<Block>,
    language: String,
}

impl<'a> Book<'a> {
    fn of(document: &'a ParsedDocument) -> Self {
        let about = super::parts::about_the_book(document);
        let is_text = |block: &&Block| {
            !matches!(block.kind, BlockKind::Furniture | BlockKind::ContentsEntry | BlockKind::IndexEntry)
                && !about.iter().any(|part| part.contains(block.span.start))
        };
        let blocks = document.blocks.iter().filter(is_text).copied().collect();
        let language = super::language::language(document.metadata.language.as_deref());
        Self { document, text: &document.text, blocks, language }
    }

    fn of_block(&self, n: usize) -> &'a str {
        self.blocks[n].span.of(self.text)
    }

    /// Test whether a mark of one of these kinds lies at the place, whole.
    fn is_marked(&self, span: Span, wanted: fn(&MarkKind) -> bool) -> bool {
        self.document
            .markup
            .marks_in(span)
            .iter()
            .any(|mark| wanted(&mark.kind) && mark.span.start == span.start && mark.span.end >= span.end)
    }

    /// Test whether a place lies in a part of the book of this kind.
    fn is_in(&self, part: PartKind, at: u32) -> bool {
        self.document.markup.parts.iter().any(|p| p.kind == part && p.span.contains(at))
    }

    /// The end of the section that the heading at block `n` begins: the next heading that is no deeper.
    fn section_end(&self, n: usize) -> usize {
        let BlockKind::Heading(level) = self.blocks[n].kind else { return n + 1 };
        let ends = |block: &Block| matches!(block.kind, BlockKind::Heading(other) if other <= level);
        self.blocks[n + 1..].iter().position(ends).map_or(self.blocks.len(), |at| n + 1 + at)
    }

    /// The text of blocks that follow each other, as one meaning: as many as are not too long together.
    fn meaning(&self, blocks: std::ops::Range<usize>) -> Option<Span> {
        let first = self.blocks.get(blocks.start).filter(|_| !blocks.is_empty())?.span;
        let fits = |&n: &usize| (self.blocks[n].span.end - first.start) as usize <= LONGEST_MEANING;
        let last = blocks.skip(1).take_while(fits).last();
        let end = last.map_or(first.end, |n| self.blocks[n].span.end);
        says(self.text, Span { start: first.start, end }).then_some(Span { start: first.start, end })
    }
}

/// Test whether a span says anything: a word at least.
fn says(text: &str, span: Span) -> bool {
    span.of(text).chars().filter(|c| c.is_alphabetic()).count() > 2
}

fn trimmed(text: &str, start: usize, end: usize) -> Span {
    let is_edge = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ':' | '.'
                    | ','
                    | ';'
                    | '–'
                    | '—'
                    | '-'
                    | '•'
                    | '*'
                    | '"'
                    | '“'
                    | '”'
                    | '„'
                    | '«'
                    | '»'
                    | '‘'
                    | '’'
                    | '\''
            )
    };
    let part = &text[start..end];
    let start = start + (part.len() - part.trim_start_matches(is_edge).len());
    let part = part.trim_matches(is_edge);
    Span::new(start, start + part.len())
}

/// The term at the head of an entry, without what is said of it there: "raker (also pan hand)", "Abasement, n.", "brine:".
fn head_word(text: &str, entry: Span) -> Option<Span> {
    let whole = entry.of(text);
    let mut end = whole.len();
    for (at, c) in whole.char_indices() {
        let rest = &whole[at + c.len_utf8()..];
        let cuts = match c {
            '(' | '[' | '\t' | '\n' | '–' | '—' | ';' => true,
            ':' => rest.is_empty() || rest.starts_with(char::is_whitespace),
            // What follows a comma says of what kind the word is: "n.", "v.t.", "adj.".
            ',' => rest.split_whitespace().all(|w| w.ends_with('.') && w.len() <= 7),
            _ => false,
        };
        if cuts && at > 0 {
            end = at;
            break;
        }
    }
    let span = trimmed(text, entry.start as usize, entry.start as usize + end);
    let words = span.of(text).split_whitespace().count();
    let letters = span.of(text).chars().filter(|c| c.is_alphabetic()).count();
    (letters > 1 && words <= LONGEST_TERM).then_some(span)
}
