//! Words of a text that its author sets apart: what is declared, what is emphasised, what is abbreviated. Places become ranges of words.

use std::ops::Range;

use corpora_values::{DefinitionSource, MarkKind, ParsedDocument, Span};

use super::declared::{Declared, declared, kinds};
use super::tokenize::{Line, Tokens};

/// Words that stand together.
pub(super) type Run = (usize, usize);

/// Look of a mark, as far as it tells something of terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Bold = 0,
    Italic = 1,
    SmallCaps = 2,
}

/// Number of looks.
pub(super) const LOOKS: usize = 3;

/// Facts that an author states of terms beside the words.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Terms with their meanings.
    pub(super) declared: Vec<(Run, Declared)>,
    /// Runs inside sentences that stand out, by their look.
    pub(super) emphasised: Vec<(Run, Look)>,
    /// Things that headings name, with their kinds.
    pub(super) kinds: Vec<(Run, String)>,
    /// Phrases with the abbreviation that stands in brackets behind them, or the other way round.
    pub(super) abbreviated: Vec<(Run, Run)>,
}

/// Words of a line of running text, at least.
const FEWEST_WORDS: usize = 5;

/// Longest abbreviation, in letters.
const LONGEST_ABBREVIATION: usize = 8;

impl Said {
    /// What the author of a document says.
    pub(super) fn of(document: &ParsedDocument, tokens: &Tokens, longest: usize) -> Self {
        let mut said = Self::default();
        for declared in declared(document) {
            if let Some(run) = run(tokens, declared.term).map(|run| without_articles(tokens, run)) {
                said.declared.push((run, declared));
            }
        }
        for (term, kind) in kinds(document) {
            if let Some(run) = run(tokens, term).map(|run| without_articles(tokens, run)) {
                said.kinds.push((run, kind));
            }
        }
        for mark in &document.markup.marks {
            let look = match &mark.kind {
                MarkKind::Bold => Look::Bold,
                MarkKind::Italic => Look::Italic,
                MarkKind::SmallCaps => Look::SmallCaps,
                MarkKind::Defined => {
                    said.defined(document, tokens, mark.span);
                    continue;
                }
                _ => continue,
            };
            let is_word = !mark.span.of(&document.text).contains(|c: char| c.is_numeric());
            let found = run(tokens, mark.span).filter(|_| is_word).map(|run| without_articles(tokens, run));
            if let Some(found) = found.filter(|found| found.1 <= longest && in_a_sentence(tokens, *found)) {
                said.emphasised.push((found, look));
            }
        }
        said.abbreviations(document, tokens);
        said
    }

    /// A term that is marked where it is defined, in running text: its sentence is the definition.
    fn defined(&mut self, document: &ParsedDocument, tokens: &Tokens, mark: Span) {
        let Some(found) = run(tokens, mark).map(|run| without_articles(tokens, run)) else { return };
        let Some(line) = line_of(tokens, found.0).filter(|line| !line.own && !line.heading) else { return };
        if self.declared.iter().any(|(known, _)| *known == found) {
            return;
        }
        let meaning = crate::chunk::sentence_around(&document.text, line.block, mark);
        self.declared.push((found, Declared { term: mark, meaning, source: DefinitionSource::Emphasis }));
    }

    /// "Hit Points (HP)" and "HP (hit points)".
    fn abbreviations(&mut self, document: &ParsedDocument, tokens: &Tokens) {
        let text = document.text.as_str();
        for line in &tokens.lines {
            for at in line.words.clone() {
                let word = tokens.words[at];
                let surface = &text[word.start as usize..word.end as usize];
                let letters: Vec<char> = surface.trim_end_matches('s').chars().collect();
                if !(2..=LONGEST_ABBREVIATION).contains(&letters.len())
                    || !letters.iter().all(|c| c.is_uppercase() || c.is_numeric())
                {
                    continue;
                }
                let before = text[..word.start as usize].chars().next_back();
                let after = text[word.end as usize..].chars().next();
                let phrase = if before == Some('(') && after.is_some_and(|c| matches!(c, ')' | ',' | ';')) {
                    spelled_before(tokens, line, at, &letters)
                } else if text[word.end as usize..].trim_start().starts_with('(') {
                    spelled_behind(tokens, line, at, &letters)
                } else {
                    None
                };
                if let Some(phrase) = phrase {
                    self.abbreviated.push((phrase, (at, 1)));
                }
            }
        }
    }
}

fn initial(tokens: &Tokens, word: usize) -> Option<char> {
    tokens.entry(word).text.chars().next()
}

/// The words before `at` whose initials are these letters; joining words between them need none.
fn spelled_before(tokens: &Tokens, line: &Line, at: usize, letters: &[char]) -> Option<Run> {
    let mut left = letters.iter().rev().flat_map(|c| c.to_lowercase()).peekable();
    let mut first = at;
    while left.peek().is_some() {
        let word = first.checked_sub(1).filter(|word| line.words.contains(word))?;
        if first < at && !tokens.words[first].adjoins {
            return None;
        }
        if initial(tokens, word) == left.peek().copied() {
            left.next();
        } else if !tokens.entry(word).function {
            return None;
        }
        first = word;
    }
    (at - first > 1).then_some((first, at - first))
}

/// The words in the brackets behind `at` whose initials are these letters.
fn spelled_behind(tokens: &Tokens, line: &Line, at: usize, letters: &[char]) -> Option<Run> {
    let mut left = letters.iter().flat_map(|c| c.to_lowercase()).peekable();
    let mut next = at + 1;
    while left.peek().is_some() {
        if !line.words.contains(&next) || (next > at + 1 && !tokens.words[next].adjoins) {
            return None;
        }
        if initial(tokens, next) == left.peek().copied() {
            left.next();
        } else if !tokens.entry(next).function || next == at + 1 {
            return None;
        }
        next += 1;
    }
    (next - at > 2).then_some((at + 1, next - at - 1))
}

/// The words of a place, if it begins and ends with words.
fn run(tokens: &Tokens, place: Span) -> Option<Run> {
    let first = tokens.words.partition_point(|word| word.start < place.start);
    let end = tokens.words.partition_point(|word| word.start < place.end);
    let inside = first < end && line_of(tokens, first)?.words.contains(&(end - 1));
    inside.then_some((first, end - first))
}

/// A run without the articles and other joining words at its head.
fn without_articles(tokens: &Tokens, (first, length): Run) -> Run {
    let words = first..first + length;
    let begins = words.clone().find(|&at| !tokens.entry(at).function || tokens.words[at].capitals).unwrap_or(first);
    (begins, words.end - begins)
}

pub(super) fn line_of(tokens: &Tokens, word: usize) -> Option<&Line> {
    let at = tokens.lines.partition_point(|line| line.words.start <= word).checked_sub(1)?;
    tokens.lines.get(at).filter(|line| line.words.contains(&word))
}

/// Test whether a run stands in a sentence of small letters, and is not all of it.
fn in_a_sentence(tokens: &Tokens, (first, length): Run) -> bool {
    let Some(line) = line_of(tokens, first) else { return false };
    let others = || line.words.clone().filter(|at| !(first..first + length).contains(at));
    let small = others().filter(|&at| !tokens.words[at].upper).count();
    let near: Range<usize> = line.words.start.max(first.saturating_sub(2))..line.words.end.min(first + length + 2);
    let small_near = near.filter(|at| !(first..first + length).contains(at)).any(|at| !tokens.words[at].upper);
    !line.own && !line.heading && others().count() >= FEWEST_WORDS && small * 10 >= others().count() * 6 && small_near
}
