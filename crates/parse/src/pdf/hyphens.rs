//! Hyphens that stand between the halves of words: which of them belong to their words, and halves that the end of a column or of
//! a page has parted.

use std::borrow::Cow;
use std::collections::HashSet;

use super::lines::{LINE_END_HYPHEN, PageBlock, Shape};

/// Words that the document writes with a hyphen inside a line, in lower case.
pub(super) fn hyphenated_words(pages: &[Vec<PageBlock>]) -> HashSet<String> {
    let texts = pages.iter().flatten().map(|block| block.text.as_str()).filter(|text| text.contains('-'));
    texts
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.contains('-') && !word.contains(LINE_END_HYPHEN))
        .map(str::to_lowercase)
        .collect()
}

/// A hyphen at a line's end goes, unless the document writes the word with it elsewhere.
pub(super) fn resolve<'t>(text: &'t str, hyphenated: &HashSet<String>) -> Cow<'t, str> {
    if !text.contains(LINE_END_HYPHEN) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(LINE_END_HYPHEN) {
        out.push_str(&rest[..at]);
        let after = &rest[at + LINE_END_HYPHEN.len_utf8()..];
        let is_letter = |c: char| c.is_alphanumeric() || c == '-';
        let begin = out.char_indices().rev().take_while(|&(_, c)| is_letter(c)).last().map_or(out.len(), |(i, _)| i);
        let end = after.find(|c: char| !is_letter(c)).unwrap_or(after.len());
        if hyphenated.contains(&format!("{}-{}", &out[begin..], &after[..end]).to_lowercase()) {
            out.push('-');
        }
        rest = after;
    }
    out.push_str(rest);
    out.into()
}

/// Blocks after the half of a word among which its other half is looked for, notes and other furniture of the page aside.
const NEAR: usize = 3;

/// Difference of size, as a share, at which both halves of a word may still be: recognised text has the size of each word's box.
const LIKE_SIZE: f32 = 0.25;

/// Brings together the halves of words that the end of a column or of a page has parted: the other half goes to the first. What is
/// no text (`is_aside`) may stand between them.
pub(super) fn join_halves(pages: &mut [Vec<PageBlock>], is_aside: impl Fn(usize, usize) -> bool) {
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (page, blocks) in pages.iter().enumerate() {
        let text = (0..blocks.len()).filter(|&block| !is_aside(page, block));
        order.extend(text.map(|block| (page, block)));
    }
    for (at, &(page, block)) in order.iter().enumerate() {
        let first = &pages[page][block];
        if first.shape == Shape::Row || half(&first.text).is_none() {
            continue;
        }
        let size = first.size;
        let near = order[at + 1..].iter().take(NEAR).take_while(|(next, _)| *next <= page + 1);
        // The first that goes on with a small letter has it, or nobody: what stands beyond it goes on from it.
        let goes_on = |&(page, block): &(usize, usize)| {
            let next = &pages[page][block];
            next.shape == Shape::Text && next.text.trim_start().starts_with(char::is_lowercase)
        };
        let is_alike = |&(page, block): &(usize, usize)| (pages[page][block].size - size).abs() < LIKE_SIZE * size;
        let other = near.copied().find(goes_on).filter(is_alike);
        let Some((next_page, next_block)) = other else { continue };
        let rest = pages[next_page][next_block].text.trim_start().to_owned();
        let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((&rest, ""));
        let first = &mut pages[page][block].text;
        if let Some(stem) = half(first) {
            first.truncate(stem);
            first.push(LINE_END_HYPHEN);
            first.push_str(word);
            let next = &mut pages[next_page][next_block];
            next.runs.drop_first(word);
            next.text = rest.trim_start().to_owned();
        }
    }
}

/// Length of a text that ends in half a word, without the hyphen.
fn half(text: &str) -> Option<usize> {
    let stem = text.trim_end().strip_suffix(['-', '\u{2010}'])?;
    let letters = stem.chars().rev().take_while(|c| c.is_alphabetic()).count();
    (letters >= 2 && stem.ends_with(char::is_lowercase)).then_some(stem.len())
}
