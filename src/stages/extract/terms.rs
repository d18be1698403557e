//! The `terms` method with a model: candidates are found locally, each is a unit that is classified once in the corpus.

use super::headings::Headings;
use super::{UnitAnswer, local};
use crate::stages::chunk::sentence_around;
use crate::values::{Extraction, Fingerprint, Item, KeyWriter, ParsedDocument, Span};

/// A term to be classified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermUnit {
    /// Content key: the comparison form of its text alone, so that a term of a hundred books is asked about once.
    pub key: Fingerprint,
    /// The term as the document writes it.
    pub text: String,
    /// A sentence in which it stands.
    pub sentence: String,
    /// Headings under which that stands, the lower one last; empty where there is none.
    pub heading: String,
    /// Place where it stands first.
    pub first: Option<Span>,
}

/// The key of a term's unit, by its comparison form.
pub fn term_key(canonical: &str) -> Fingerprint {
    KeyWriter::new("term").text(canonical).finish()
}

/// Longest sentence that goes along with a term, in bytes.
const LONGEST_SENTENCE: usize = 400;

/// The unit of each candidate that was found in a document.
pub fn term_units(document: &ParsedDocument, found: &Extraction) -> Vec<TermUnit> {
    let headings = Headings::of(document);
    found.items.iter().map(|item| unit(document, &headings, item)).collect()
}

fn unit(document: &ParsedDocument, headings: &Headings<'_>, item: &Item) -> TermUnit {
    let (sentence, place) = best_sentence(document, item);
    TermUnit {
        // By the form that can be told from an answer too: the document's own form knows its language, an answer does not.
        key: term_key(&local::key_form(&item.text)),
        text: item.text.clone(),
        sentence,
        heading: place.map(|place| headings.over(place)).unwrap_or_default(),
        first: item.occurrences.first().copied(),
    }
}

/// Words that a sentence needs beside the term, to say something of it.
const TELLING: usize = 4;

/// The sentence that tells most of a term, and its place: one that defines it, else the first in text order that is more than the term itself,
/// as a heading is not.
fn best_sentence(document: &ParsedDocument, item: &Item) -> (String, Option<Span>) {
    if let Some(definition) = item.definition.filter(|d| d.len() <= LONGEST_SENTENCE) {
        let words = definition.of(&document.text).split_whitespace().collect::<Vec<_>>().join(" ");
        return (words, Some(definition));
    }
    let words = |text: &str| text.split_whitespace().count();
    let mut sentences = item.occurrences.iter().map(|&at| (sentence(document, at), Some(at)));
    let first = sentences.next().unwrap_or_default();
    let telling = |(sentence, _): &(String, Option<Span>)| words(sentence) >= words(&item.text) + TELLING;
    if telling(&first) {
        return first;
    }
    sentences.find(telling).unwrap_or(first)
}

fn sentence(document: &ParsedDocument, at: Span) -> String {
    let blocks = &document.blocks;
    let block = blocks.partition_point(|b| b.span.start <= at.start).checked_sub(1).map(|n| blocks[n].span);
    let within = block.filter(|b| at.end <= b.end).unwrap_or(at);
    let span = sentence_around(&document.text, within, at);
    let text = span.of(&document.text);
    let reach = LONGEST_SENTENCE / 2;
    let (from, to) = ((at.start - span.start) as usize, (at.end - span.start) as usize);
    let low = text.ceil_char_boundary(from.saturating_sub(reach));
    let high = text.floor_char_boundary((to + reach).min(text.len())).max(to);
    text[low..high].split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A document's candidates with what a model said of each; the same order, none dropped.
pub fn classify(mut found: Extraction, answers: &[UnitAnswer]) -> Extraction {
    for (item, answer) in found.items.iter_mut().zip(answers) {
        let said = answer.items.first().and_then(|i| i.as_object()).cloned().unwrap_or_default();
        item.fields = said.into_iter().filter(|(name, _)| name != "text" && name != "term").collect();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Block, BlockKind, Format, Metadata};

    #[test]
    fn a_heading_is_not_the_sentence_that_a_term_is_judged_by() {
        let text =
            "Ash Choir\nEvery night the ash choir sings below the abbey.\nSalt Moth\nA salt moth is a beast of dust.";
        let mut at = 0;
        let mut blocks = Vec::new();
        for line in text.split('\n') {
            blocks.push(Block {
                kind: BlockKind::Paragraph,
                span: Span::new(at, at + line.len()),
                area: None,
                confidence: None,
            });
            at += line.len() + 1;
        }
        let document = ParsedDocument {
            format: Format::Epub,
            metadata: Metadata::default(),
            text: text.into(),
            sections: vec![],
            blocks,
            outline: vec![],
            page_marks: vec![],
            markup: crate::values::Markup::default(),
            notes: vec![],
        };
        let settings = super::super::TermSettings {
            per_thousand_words: 1e6,
            minimum: 0,
            maximum: 100,
            sure_from: None,
            max_words: 5,
            max_occurrences: 9,
            wanted: super::super::Wanted::Terms,
        };
        let units = term_units(&document, &local::terms(&document, &settings));
        let sentence = |key: &str| units.iter().find(|u| u.key == term_key(key)).unwrap().sentence.as_str();
        assert_eq!(sentence("ash choir"), "Every night the ash choir sings below the abbey.");
        assert_eq!(sentence("salt moth"), "A salt moth is a beast of dust.");
    }
}
