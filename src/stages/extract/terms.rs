//! The `terms` method with a model: candidates are found locally, each is a unit that is classified once in the corpus.

use serde_json::json;

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
    /// What a model is told of it: a line of JSON with the term and a sentence in which it stands.
    pub line: String,
}

/// The key of a term's unit, by its comparison form.
pub fn term_key(canonical: &str) -> Fingerprint {
    KeyWriter::new("term").text(canonical).finish()
}

/// Longest sentence that goes along with a term, in bytes.
const LONGEST_SENTENCE: usize = 400;

/// The candidates of a document, and the unit of each.
pub fn term_units(document: &ParsedDocument, settings: &super::TermSettings) -> (Extraction, Vec<TermUnit>) {
    let found = local::terms(document, settings);
    let units = found.items.iter().map(|item| unit(document, item)).collect();
    (found, units)
}

fn unit(document: &ParsedDocument, item: &Item) -> TermUnit {
    let sentence = item.occurrences.first().map(|&at| sentence(document, at)).unwrap_or_default();
    TermUnit {
        // By the form that can be told from an answer too: the document's own form knows its language, an answer does not.
        key: term_key(&local::canonical_form(&item.text)),
        text: item.text.clone(),
        line: json!({"text": item.text, "sentence": sentence}).to_string(),
    }
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
