//! Lists of definitions as laws and contracts have them: a term in quotation marks at the head of a numbered block, then its meaning.

use corpora_values::{BlockKind, DefinitionSource, Span};

use super::{Book, Declared, head_word, says};

/// Such blocks make a list if so many stand near each other: one alone may be a line of speech.
const FEWEST: usize = 3;

/// Blocks between two of a list, at most: entries may have parts of their own.
const NEAR: usize = 12;

/// Words that follow a term which is defined without a number before it.
const DEFINING: [&str; 16] = [
    "means",
    "mean",
    "includes",
    "has the meaning",
    "shall mean",
    "refers to",
    "bedeutet",
    "bezeichnet",
    "ist",
    "sind",
    "désigne",
    "signifie",
    "significa",
    "designa",
    "betekent",
    "är",
];

/// Quotation marks that open, each with those that may close.
const QUOTES: [(char, &[char]); 6] =
    [('„', &['“', '”', '‟']), ('“', &['”']), ('«', &['»']), ('»', &['«']), ('"', &['"']), ('‘', &['’'])];

pub(super) fn declared(book: &Book<'_>) -> Vec<Declared> {
    let of_block = |n: usize| {
        let block = book.blocks[n];
        let is_text = matches!(block.kind, BlockKind::Paragraph | BlockKind::ListItem);
        is_text.then(|| entry(book, block.span)).flatten().map(|entry| (n, entry))
    };
    let all: Vec<(usize, Declared)> = (0..book.blocks.len()).filter_map(of_block).collect();
    let is_near = |a: usize, b: usize| all[b].0 - all[a].0 <= NEAR;
    let mut found = Vec::new();
    let mut from = 0;
    while from < all.len() {
        let to = (from + 1..all.len()).find(|&at| !is_near(at - 1, at)).unwrap_or(all.len());
        if to - from >= FEWEST {
            found.extend(all[from..to].iter().map(|(_, declared)| *declared));
        }
        from = to;
    }
    found
}

fn entry(book: &Book<'_>, block: Span) -> Option<Declared> {
    let text = block.of(book.text);
    // Its number: "3.", "a)", "(12)".
    let body =
        text.trim_start_matches(|c: char| c.is_numeric() || matches!(c, '(' | ')' | '.' | ' ' | '•' | '-' | '–'));
    let body = match body.split_once(") ") {
        Some((letter, rest)) if letter.chars().count() <= 2 => rest,
        _ => body,
    };
    let open = body.chars().next()?;
    let (_, closing) = QUOTES.iter().find(|(quote, _)| *quote == open)?;
    let inner = &body[open.len_utf8()..];
    let length = inner.find(*closing)?;
    let start = block.start as usize + (text.len() - inner.len());
    let term = head_word(book.text, Span::new(start, start + length))?;
    let after = inner[length..].chars().next()?.len_utf8();
    let from = start + length + after;
    let rest = &book.text[from..block.end as usize];
    let from = from + (rest.len() - rest.trim_start().len());
    let meaning = Span::new(from, (block.end as usize).max(from));
    // Speech goes on without a number, and without a word that defines.
    let rest = &book.text[from..block.end as usize];
    let defines = DEFINING
        .iter()
        .any(|word| rest.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)));
    let is_numbered =
        text.starts_with(|c: char| c.is_numeric() || c == '(') || body.len() < text.len() && text.contains(')');
    let goes_on = (is_numbered || defines) && rest.starts_with(|c: char| c.is_alphanumeric() || c == '(');
    (goes_on && meaning.of(book.text).split_whitespace().count() >= 2 && says(book.text, meaning)).then_some(Declared {
        term,
        meaning,
        source: DefinitionSource::Glossary,
    })
}
