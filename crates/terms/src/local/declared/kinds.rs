//! Kinds of the things that headings name, told by the shape of what follows: stat blocks of one kind have the same labels, whatever the game.

use std::collections::BTreeMap;

use corpora_values::{BlockKind, MarkKind, Span};

use super::super::spelling::fold;
use super::{Book, head_word};

/// Blocks after a heading among which labels are looked for.
const REACH: usize = 8;

/// Words of a label, at most.
const LONGEST_LABEL: usize = 3;

/// Words of a name, at most.
const LONGEST_NAME: usize = 6;

/// Headings that a label follows, at least; and that are of one kind, at least.
const FEWEST: usize = 3;

/// Labels that a heading shares with others of its kind, at least.
const LABELS: usize = 2;

/// Words of a line that may be a label and a number.
const LONGEST_LINE: usize = 8;

/// A heading gives its name to a kind if this share of the kind stands below it.
const MOST: f64 = 0.6;

/// The headings that are of a kind, with its name.
pub(super) fn kinds(book: &Book<'_>) -> Vec<(Span, String)> {
    let mut chains: Vec<(u8, usize)> = Vec::new();
    let mut names: Vec<(Span, Vec<usize>, Vec<String>)> = Vec::new();
    for (n, block) in book.blocks.iter().enumerate() {
        let BlockKind::Heading(level) = block.kind else { continue };
        chains.retain(|(above, _)| *above < level);
        let above = chains.iter().map(|(_, n)| *n).collect();
        chains.push((level, n));
        let Some(term) = head_word(book.text, block.span) else { continue };
        if term.of(book.text).split_whitespace().count() <= LONGEST_NAME {
            names.push((term, above, labels(book, n)));
        }
    }
    let mut followed: BTreeMap<&str, usize> = BTreeMap::new();
    for label in names.iter().flat_map(|(_, _, labels)| labels) {
        *followed.entry(label).or_default() += 1;
    }
    let mut groups: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
    for (at, (_, _, labels)) in names.iter().enumerate() {
        let mut shared: Vec<&str> =
            labels.iter().map(String::as_str).filter(|label| followed[label] >= FEWEST).collect();
        shared.sort_by(|a, b| followed[b].cmp(&followed[a]).then_with(|| a.cmp(b)));
        shared.truncate(LABELS);
        if shared.len() == LABELS {
            shared.sort_unstable();
            groups.entry(shared).or_default().push(at);
        }
    }
    let mut found = Vec::new();
    for (labels, members) in groups.iter().filter(|(_, members)| members.len() >= FEWEST) {
        let name = parent(book, members.iter().map(|&at| names[at].1.as_slice())).unwrap_or_else(|| labels.join(", "));
        found.extend(members.iter().map(|&at| (names[at].0, name.clone())));
    }
    found.sort_by_key(|(term, _)| *term);
    found
}

/// The labels of the blocks after a heading, each once.
fn labels(book: &Book<'_>, heading: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for n in (heading + 1..book.blocks.len()).take(REACH) {
        if matches!(book.blocks[n].kind, BlockKind::Heading(_)) {
            break;
        }
        if let Some(label) = label(book, n).filter(|label| !found.contains(label)) {
            found.push(label);
        }
    }
    found
}

/// The label with which a block begins: a name that runs in, what stands before a colon, what stands before a number in a short line.
fn label(book: &Book<'_>, n: usize) -> Option<String> {
    let span = book.blocks[n].span;
    let text = span.of(book.text);
    let runs_in = book.document.markup.marks_in(span).iter().find(|mark| mark.kind == MarkKind::RunIn);
    let words = |text: &str| text.split_whitespace().count();
    let head = match runs_in {
        Some(mark) => mark.span.of(book.text),
        None => {
            let first = text.split(['\t', '\n']).next().unwrap_or_default();
            match first.split_once(':') {
                Some((label, _)) => label,
                None if words(text) <= LONGEST_LINE => {
                    first.split(|c: char| c.is_numeric() || c == '+').next().filter(|head| head.len() < first.len())?
                }
                None => return None,
            }
        }
    };
    let head = fold(head.trim_matches(|c: char| !c.is_alphanumeric()));
    (!head.is_empty() && words(&head) <= LONGEST_LABEL && head.starts_with(char::is_alphabetic)).then_some(head)
}

/// The nearest heading below which most of the members stand.
fn parent<'a>(book: &Book<'_>, chains: impl Iterator<Item = &'a [usize]>) -> Option<String> {
    let mut below: BTreeMap<usize, usize> = BTreeMap::new();
    let mut all = 0_usize;
    for chain in chains {
        all += 1;
        for &above in chain {
            *below.entry(above).or_default() += 1;
        }
    }
    // Headings of the same words are one: "Spells" of each letter.
    let mut named: BTreeMap<String, (usize, u8)> = BTreeMap::new();
    for (above, count) in below {
        let BlockKind::Heading(level) = book.blocks[above].kind else { continue };
        let name = book.of_block(above).split_whitespace().collect::<Vec<_>>().join(" ");
        let known = named.entry(name).or_insert((0, level));
        known.0 += count;
        known.1 = known.1.max(level);
    }
    let most = named.into_iter().filter(|(_, (count, _))| *count as f64 >= MOST * all as f64);
    most.max_by(|a, b| a.1.1.cmp(&b.1.1).then_with(|| a.1.0.cmp(&b.1.0)).then_with(|| b.0.cmp(&a.0)))
        .map(|(name, _)| name)
}
