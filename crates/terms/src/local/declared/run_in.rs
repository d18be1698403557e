//! Names at the head of a paragraph that are set apart from what is said of them there.

use std::collections::BTreeMap;

use corpora_values::{DefinitionSource, MarkKind, Span};

use super::{Book, Declared, head_word};

/// A name that runs in more often than this is a label: "Note.", "Range:".
const MOST: usize = 2;

/// Words of a meaning, at least.
const FEWEST_WORDS: usize = 4;

pub(super) fn declared(book: &Book<'_>) -> Vec<Declared> {
    let mut found: Vec<Declared> = Vec::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let name = |d: &Declared| d.term.of(book.text).to_lowercase();
    for block in &book.blocks {
        let marks = book.document.markup.marks_in(block.span);
        let Some(mark) = marks.iter().find(|mark| mark.kind == MarkKind::RunIn) else { continue };
        let Some(declared) = entry(book, block.span, mark.span) else { continue };
        *times.entry(name(&declared)).or_default() += 1;
        found.push(declared);
    }
    found.retain(|d| times[&name(d)] <= MOST);
    found
}

fn entry(book: &Book<'_>, block: Span, name: Span) -> Option<Declared> {
    let term = head_word(book.text, name)?;
    let rest = &book.text[name.end as usize..block.end as usize];
    let meaning =
        rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ':' | '–' | '—' | ')' | ','));
    let from = block.end as usize - meaning.len();
    let prose = meaning.split_whitespace().filter(|word| word.starts_with(char::is_alphabetic)).count();
    let ends = meaning.trim_end().ends_with(['.', '!', '?', ';', '”', '"', ')']);
    let is_prose = prose >= FEWEST_WORDS && prose * 2 > meaning.split_whitespace().count() && ends;
    let says = !super::super::word_sets::word_sets(&book.language).is_weak(&term.of(book.text).to_lowercase());
    (is_prose && says).then(|| Declared {
        term,
        meaning: Span::new(from, block.end as usize),
        source: DefinitionSource::RunIn,
    })
}
