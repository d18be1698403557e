//! The `passages` method: each chunk is a unit, its answers are put together into a document's items.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::local::{Definition, canonical_form};
use crate::values::{Chunk, Extraction, Fingerprint, Item, KeyWriter, ParsedDocument, Span};

/// Rules by which answers to passages are put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassageSettings {
    /// Items kept of one chunk, in text order.
    pub max_items: usize,
    /// The field of an item that holds the term.
    #[serde(default = "term_field")]
    pub term_field: String,
    /// The field of an item that holds its evidence, word for word; the term itself if there is none.
    #[serde(default)]
    pub evidence_field: Option<String>,
}

fn term_field() -> String {
    "term".into()
}

/// The key of a unit: its text alone, so that the same passage anywhere in the corpus is asked about once.
pub fn unit_key(passage: &str) -> Fingerprint {
    KeyWriter::new("unit").text(passage).finish()
}

/// The items of a document from what was found in each of its chunks. A term keeps the first definition in text
/// order; what stands in the overlap of two chunks counts once.
pub fn assemble(
    document: &ParsedDocument,
    chunks: &[Chunk],
    found: &[Vec<Definition>],
    settings: &PassageSettings,
) -> Extraction {
    let mut items: BTreeMap<String, Item> = BTreeMap::new();
    for (chunk, definitions) in chunks.iter().zip(found) {
        let shifted =
            |span: Span| Span::new((chunk.span.start + span.start) as usize, (chunk.span.start + span.end) as usize);
        for definition in definitions.iter().take(settings.max_items) {
            let (term, sentence) = (shifted(definition.term), shifted(definition.sentence));
            let text = term.of(&document.text).split_whitespace().collect::<Vec<_>>().join(" ");
            let canonical = canonical_form(&text);
            if canonical.is_empty() {
                continue;
            }
            let item = items.entry(canonical.clone()).or_insert_with(|| Item {
                text,
                canonical,
                definition: Some(sentence),
                ..Item::default()
            });
            if !item.occurrences.contains(&term) {
                item.occurrences.push(term);
            }
        }
    }
    let mut items: Vec<Item> = items.into_values().collect();
    for item in &mut items {
        item.occurrences.sort();
    }
    Extraction { items }
}
