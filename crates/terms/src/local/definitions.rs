//! Sentences that define a term. Precision before recall: a quoted sentence that defines nothing is worse than none.

use std::collections::BTreeMap;

use corpora_values::Span;
use serde::{Deserialize, Serialize};

use super::spelling::fold;
use super::tokenize::{Line, Tokens, tokenize_passage};
use crate::chunk::sentence_around;

/// Most words of a term that [`definitions`] finds.
const LONGEST_DEFINED: usize = 5;

/// A term with its defining sentence, as found in one passage. Spans are byte offsets into the passage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The term's surface form.
    pub term: Span,
    /// The sentence that defines it.
    pub sentence: Span,
}

/// Most glosses ("X: ...") of one term; beyond, X is a label.
pub(super) const MOST_GLOSSES: u32 = 2;

/// Way in which a sentence defines, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pattern {
    /// "X is a ...", "X means ...".
    Copula,
    /// "... called X", "... known as X".
    Called,
    /// "X: ..." at the beginning of a line.
    Colon,
}

/// Subjects that point elsewhere and so are not defined by what is said of them.
const VAGUE: &str = "answer aim cause chance choice difference effect end example exception fact following goal idea kind matter name \
    one only other problem purpose question reason rest result rule second secret sort thing time trick trouble truth type way \
    what first last next man woman boy girl morning evening night day note tip warning source figure table chapter see \
    important answers notes hint caution remember today tomorrow yesterday everything something nothing anything everyone someone nobody \
    anybody somebody anyone life here there lots plenty none half now forth aloud away hers his mine yours theirs ours";

/// Words after "is the" that compare instead of defining.
const COMPARING: &[&str] = &[
    "same",
    "only",
    "best",
    "worst",
    "first",
    "last",
    "next",
    "case",
    "time",
    "exception",
    "reason",
    "result",
    "way",
    "one",
    "more",
    "most",
];

/// Way in which the sentence around the `length` words from `first` defines them, if it does.
pub(super) fn pattern(tokens: &Tokens, text: &str, line: &Line, first: usize, length: usize) -> Option<Pattern> {
    if !tokens.english || line.own {
        return None;
    }
    if is_called(tokens, line, first) {
        let action = length == 1 && tokens.entry(first).text.ends_with("ing");
        let whole = ends_phrase(tokens, line, first + length) && !action && !vague(tokens, first, length);
        return whole.then_some(Pattern::Called);
    }
    let subject = subject_start(tokens, line, first)?;
    if has_copula(tokens, line, first + length) {
        let definite = subject < first && &*tokens.entry(subject).text == "the";
        let named = tokens.words[first].upper || tokens.words[first + length - 1].upper;
        return ((!definite || named) && !vague(tokens, first, length)).then_some(Pattern::Copula);
    }
    let colon = first == line.words.start && text[tokens.words[first + length - 1].end as usize..].starts_with(':');
    (colon && is_gloss(tokens, text, line, first + length) && !vague(tokens, first, length)).then_some(Pattern::Colon)
}

/// The sentence of a line around some of its words.
pub(super) fn sentence(tokens: &Tokens, text: &str, line: &Line, first: usize) -> Span {
    let word = tokens.words[first];
    sentence_around(text, line.block, Span { start: word.start, end: word.end })
}

/// All definitions of a passage, in text order, one for each sentence at most.
pub fn definitions(passage: &str) -> Vec<Definition> {
    let tokens = tokenize_passage(passage, None);
    let mut found: Vec<Definition> = Vec::new();
    let mut glossed: BTreeMap<String, u32> = BTreeMap::new();
    for line in &tokens.lines {
        for first in line.words.clone() {
            if tokens.entry(first).function || tokens.words[first].hyphen {
                continue;
            }
            let Some(length) = term_length(&tokens, passage, line, first) else { continue };
            let sentence = sentence(&tokens, passage, line, first);
            let term = Span { start: tokens.words[first].start, end: tokens.words[first + length - 1].end };
            if found.last().is_none_or(|d| d.sentence != sentence) {
                found.push(Definition { term, sentence });
                if passage[term.end as usize..].starts_with(':') {
                    *glossed.entry(fold(term.of(passage))).or_default() += 1;
                }
            }
        }
    }
    // A word glossed again and again is a label.
    found.retain(|d| glossed.get(&fold(d.term.of(passage))).is_none_or(|&n| n <= MOST_GLOSSES));
    found
}

/// The number of words of the term that begins at `first` and is defined there.
fn term_length(tokens: &Tokens, text: &str, line: &Line, first: usize) -> Option<usize> {
    let called = is_called(tokens, line, first);
    let opens = subject_start(tokens, line, first).is_some();
    if !called && !opens {
        return None;
    }
    for length in 1..=LONGEST_DEFINED {
        let next = first + length;
        if next > line.words.end || (length > 1 && !tokens.words[next - 1].adjoins) {
            return None;
        }
        let last = tokens.entry(next - 1);
        if last.function && !tokens.is_particle(next - 1) {
            return None;
        }
        if last.function || tokens.continues(next, line) || is_adverb(&last.text) {
            continue;
        }
        let letters = tokens.entry(first).text.chars().count();
        if (length > 1 || letters > 2) && pattern(tokens, text, line, first, length).is_some() {
            return Some(length);
        }
    }
    None
}

fn text_at<'a>(tokens: &'a Tokens, line: &Line, i: usize) -> Option<&'a str> {
    (line.words.contains(&i) && tokens.words[i].adjoins).then(|| &*tokens.entry(i).text)
}

/// Index of the first word of the sentence, if nothing but an article stands before `first` in it.
fn subject_start(tokens: &Tokens, line: &Line, first: usize) -> Option<usize> {
    let opens = |i: usize| tokens.words[i].opens || i == line.words.start;
    if opens(first) {
        return Some(first);
    }
    let before = first.checked_sub(1).filter(|i| line.words.contains(i) && tokens.words[first].adjoins && opens(*i))?;
    matches!(&*tokens.entry(before).text, "a" | "an" | "the").then_some(before)
}

/// Test whether a defining verb stands at `at`.
fn has_copula(tokens: &Tokens, line: &Line, at: usize) -> bool {
    let word = |n: usize| text_at(tokens, line, at + n);
    match word(0) {
        Some("is") => match word(1) {
            Some("a" | "an" | "any") => true,
            Some("the") => word(2).is_some_and(|w| !COMPARING.contains(&w)),
            Some("defined") => word(2) == Some("as"),
            _ => false,
        },
        Some("are") => match word(1) {
            Some("a" | "an" | "any" | "those") => true,
            Some("the") => word(2).is_some_and(|w| !COMPARING.contains(&w)),
            Some("defined") => word(2) == Some("as"),
            _ => false,
        },
        Some("means" | "denotes") => word(1).is_some_and(|w| matches!(w, "a" | "an" | "any" | "the" | "that")),
        Some("refers" | "refer") => word(1) == Some("to"),
        _ => false,
    }
}

/// Test whether "called" or "known as" stands before `first`, an article between them at most.
fn is_called(tokens: &Tokens, line: &Line, first: usize) -> bool {
    let before = |i: usize| i.checked_sub(1).filter(|b| line.words.contains(b));
    let Some(mut at) = before(first) else { return false };
    if matches!(&*tokens.entry(at).text, "a" | "an" | "the") && tokens.words[first].adjoins {
        match before(at) {
            Some(b) => at = b,
            None => return false,
        }
    }
    let called = tokens.words[at];
    let Some(b) = before(at).filter(|_| !called.opens && !called.upper) else { return false };
    let word = tokens.entry(b);
    match &*tokens.entry(at).text {
        // "is called", "a thing called", "a thing, called": not "he called" or "Clerval called".
        "called" | "termed" => {
            let noun =
                || !word.function && !tokens.words[b].upper && (b.saturating_sub(3)..b).any(|i| is_article(tokens, i));
            !called.adjoins
                || matches!(&*word.text, "is" | "are" | "also" | "often" | "sometimes" | "commonly")
                || noun()
        }
        "as" => &*word.text == "known",
        _ => false,
    }
}

fn is_article(tokens: &Tokens, i: usize) -> bool {
    matches!(&*tokens.entry(i).text, "a" | "an" | "the" | "some" | "any" | "these" | "each" | "this")
}

/// Test whether the phrase before index `at` is over: a break or a function word follows.
fn ends_phrase(tokens: &Tokens, line: &Line, at: usize) -> bool {
    let over = || tokens.entry(at).function && &*tokens.entry(at).text != "of" && !tokens.words[at].hyphen;
    at >= line.words.end || !tokens.words[at].adjoins || over()
}

/// Test whether what follows the colon reads like a sentence: some words, one of them a function word, no number first.
fn is_gloss(tokens: &Tokens, text: &str, line: &Line, after: usize) -> bool {
    let rest = after..line.words.end;
    let Some(next) = tokens.words.get(after).filter(|_| rest.len() >= 6) else { return false };
    let gap = &text[tokens.words[after - 1].end as usize..next.start as usize];
    let plain = rest.clone().filter(|&i| tokens.words[i].adjoins).count() * 3 >= rest.len() * 2;
    // A list of single words is no sentence.
    let flows = tokens.words[after + 1].adjoins;
    gap.trim() == ":" && plain && flows && rest.clone().any(|i| tokens.entry(i).function)
}

fn is_adverb(word: &str) -> bool {
    word.len() > 4 && word.ends_with("ly")
}

fn vague(tokens: &Tokens, first: usize, length: usize) -> bool {
    let words = || (first..first + length).map(|i| &*tokens.entry(i).text);
    let vague = |w: &str| VAGUE.split(' ').any(|v| v == w);
    let (Some(head), Some(last)) = (words().next(), words().next_back()) else { return true };
    vague(last)
        || is_adverb(head)
        || head.ends_with("ing") && length > 1 && !tokens.words[first + length - 1].upper
        || (length == 1 && vague(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(passage: &str) -> Vec<(&str, &str)> {
        definitions(passage).iter().map(|d| (d.term.of(passage), d.sentence.of(passage))).collect()
    }

    #[test]
    fn definitions_are_found_with_their_sentences() {
        let passage = "We sailed on. A cantrip is a spell that can be cast at will. It is old.\nHit point: the measure of how much harm a thing can take.\n\
            Wizards carry a book called a grimoire. Lycanthropy means that one turns into a beast.";
        assert_eq!(
            found(passage),
            [
                ("cantrip", "A cantrip is a spell that can be cast at will."),
                ("Hit point", "Hit point: the measure of how much harm a thing can take."),
                ("grimoire", "Wizards carry a book called a grimoire."),
                ("Lycanthropy", "Lycanthropy means that one turns into a beast."),
            ]
        );
    }

    #[test]
    fn what_only_looks_like_a_definition_is_left() {
        for passage in [
            "This is a book. There is a house. It is the end. He called Mary. They called a doctor.",
            "The result is a failure. The way is the same. Running is fun. Damage: 4 slashing.",
            "The door is a little open. What I want is a horse. Casting Time: 1 action",
            "Note: this is not the way that it was meant to be.",
        ] {
            assert!(found(passage).is_empty(), "{passage}");
        }
    }

    #[test]
    fn long_words_and_empty_passages_are_survived() {
        assert!(found("").is_empty());
        assert!(found("a is a. A is an an. :: called called").is_empty());
        assert_eq!(found("A half-elf is a child of two peoples.")[0].0, "half-elf");
    }
}
