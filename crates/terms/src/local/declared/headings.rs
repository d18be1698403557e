//! Headings whose first paragraph says what they name: entries of a herbal, a bestiary, a list of gear.

use corpora_values::{BlockKind, DefinitionSource, Span};

use super::super::spelling::fold;
use super::{Book, Declared, head_word};
use crate::chunk::sentence_around;

/// Titles of sections that every book may have, folded.
const SECTIONS: &[&str] = &[
    "introduction",
    "preface",
    "foreword",
    "prologue",
    "epilogue",
    "summary",
    "overview",
    "conclusion",
    "conclusions",
    "background",
    "discussion",
    "examples",
    "example",
    "exercises",
    "references",
    "further reading",
    "notes",
    "note",
    "appendix",
    "index",
    "contents",
    "acknowledgements",
    "acknowledgments",
    "review questions",
    "learning objectives",
    "key points",
    "see also",
    "usage",
    "description",
    "einleitung",
    "vorwort",
    "zusammenfassung",
    "beispiele",
    "anhang",
    "inhalt",
    "literatur",
    "préface",
    "conclusion",
    "résumé",
    "exemples",
    "annexe",
    "introducción",
    "prólogo",
    "resumen",
    "conclusión",
    "introduzione",
    "prefazione",
    "conclusioni",
    "introdução",
    "prefácio",
    "inleiding",
    "voorwoord",
];

/// Most words of a heading that names something.
const LONGEST_NAME: usize = 5;

/// Lines of a stat block that may stand before the text of an entry.
const MOST_LABELS: usize = 6;

/// Blocks of an entry's section, at most, where the text does not begin as definitions do.
const SHORT_SECTION: usize = 2;

/// Neighbours that have to be entries of the same kind then.
const FEWEST_ALIKE: usize = 3;

pub(super) fn declared(book: &Book<'_>) -> Vec<Declared> {
    let mut found = Vec::new();
    let mut alike: Vec<(usize, Declared)> = Vec::new();
    for n in 0..book.blocks.len() {
        let Some((declared, surely)) = entry(book, n) else { continue };
        if surely { found.push(declared) } else { alike.push((n, declared)) }
    }
    // Short sections without a form of their own count where several follow each other.
    let mut from = 0;
    while from < alike.len() {
        let to = (from + 1..alike.len())
            .find(|&at| alike[at].0 - alike[at - 1].0 > SHORT_SECTION + 2)
            .unwrap_or(alike.len());
        let near = found.iter().filter(|d| {
            (alike[from].1.term.start.saturating_sub(800)..alike[to - 1].1.meaning.end + 800).contains(&d.term.start)
        });
        if to - from + near.count() >= FEWEST_ALIKE {
            found.extend(alike[from..to].iter().map(|(_, declared)| *declared));
        }
        from = to;
    }
    found
}

/// The entry whose heading stands at block `n`, and whether its text begins as a definition does.
fn entry(book: &Book<'_>, n: usize) -> Option<(Declared, bool)> {
    let BlockKind::Heading(_) = book.blocks[n].kind else { return None };
    let term = head_word(book.text, book.blocks[n].span)?;
    let name = fold(term.of(book.text));
    let words = name.split_whitespace().count();
    if words > LONGEST_NAME
        || name.starts_with(char::is_numeric)
        || SECTIONS.contains(&name.as_str())
        || name.ends_with('?')
    {
        return None;
    }
    let is_heading = |at: usize| matches!(book.blocks[at].kind, BlockKind::Heading(_));
    let end = (n + 1..book.blocks.len()).find(|&at| is_heading(at)).unwrap_or(book.blocks.len());
    // A heading with headings below it is a chapter.
    let is_leaf = end >= book.blocks.len() || !deeper(book.blocks[end].kind, book.blocks[n].kind);
    let first = (n + 1..end.min(n + 2 + MOST_LABELS)).find(|&at| is_prose(book, at))?;
    let block = book.blocks[first].span;
    let start = Span { start: block.start, end: block.start };
    let meaning = sentence_around(book.text, block, start);
    let sentence = fold(meaning.of(book.text));
    let declared = Declared { term, meaning, source: DefinitionSource::Heading };
    if says_what_it_is(&sentence, &name, &book.language) {
        return Some((declared, true));
    }
    let opens = sentence.split(|c: char| !c.is_alphanumeric() && c != '\'').next().unwrap_or_default();
    if is_leaf && is_indefinite(opens, &book.language) {
        return Some((declared, true));
    }
    let sets = super::super::word_sets::word_sets(&book.language);
    let is_short = is_leaf && end - n <= SHORT_SECTION + 1 && first == n + 1;
    (is_short && !sets.functions.contains(opens) && !sets.stops.contains(opens)).then_some((declared, false))
}

fn deeper(a: BlockKind, b: BlockKind) -> bool {
    matches!((a, b), (BlockKind::Heading(a), BlockKind::Heading(b)) if a > b)
}

fn is_prose(book: &Book<'_>, n: usize) -> bool {
    let text = book.of_block(n).trim_end();
    book.blocks[n].kind == BlockKind::Paragraph
        && text.ends_with(['.', '!', '”', '"'])
        && text.split_whitespace().count() >= 5
}

fn is_indefinite(word: &str, language: &str) -> bool {
    let articles: &[&str] = match language {
        "en" => &["a", "an"],
        "de" => &["ein", "eine"],
        "fr" => &["un", "une"],
        "es" => &["un", "una"],
        "it" => &["un", "uno", "una"],
        "pt" => &["um", "uma"],
        "nl" => &["een"],
        "sv" | "no" | "da" => &["en", "ett", "et"],
        _ => &[],
    };
    articles.contains(&word)
}

/// Test whether a folded sentence is "NAME is a ...".
fn says_what_it_is(sentence: &str, name: &str, language: &str) -> bool {
    let copulas: &[&str] = match language {
        "en" => &["is a ", "is an ", "is the ", "are ", "means ", "refers to "],
        "de" => &["ist ein", "sind ", "bezeichnet "],
        "fr" => &["est un", "est le ", "est la ", "sont ", "désigne "],
        "es" => &["es un", "es el ", "es la ", "son ", "significa "],
        "it" => &["è un", "è il ", "è la ", "sono ", "significa "],
        "pt" => &["é um", "é o ", "é a ", "são ", "significa "],
        "nl" => &["is een ", "is de ", "is het ", "zijn "],
        _ => &[],
    };
    let Some(at) = sentence.find(name).filter(|&at| sentence[..at].split_whitespace().count() <= 1) else {
        return false;
    };
    let rest = &sentence[at + name.len()..];
    let rest = rest.strip_prefix("es").or_else(|| rest.strip_prefix('s')).unwrap_or(rest).trim_start();
    // An abbreviation may stand in brackets.
    let rest = match rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
        Some((_, after)) => after.trim_start(),
        None => rest,
    };
    copulas.iter().any(|copula| rest.starts_with(copula))
}
