//! A model's answers to the chunks of a document, put together into its items, each with its place in the text.

use std::collections::BTreeMap;

use serde_json::Value;

use super::local::canonical_form;
use super::{PassageSettings, UnitAnswer, ground};
use crate::values::{Chunk, Extraction, Grounding, Item, ParsedDocument, Span};

/// The items of a document from what a model said of each chunk. A term keeps what was said first in text order; what
/// stands in the overlap of two chunks counts once. Evidence that cannot be found in the chunk is marked, not dropped.
pub fn assemble_answers(
    document: &ParsedDocument,
    chunks: &[Chunk],
    answers: &[UnitAnswer],
    settings: &PassageSettings,
) -> Extraction {
    let mut items: BTreeMap<String, Item> = BTreeMap::new();
    for (chunk, answer) in chunks.iter().zip(answers) {
        let text = chunk.span.of(&document.text);
        let at = |range: std::ops::Range<usize>| {
            Span::new(chunk.span.start as usize + range.start, chunk.span.start as usize + range.end)
        };
        for said in answer.items.iter().take(settings.max_items) {
            let Some((term, fields)) = named(said, settings) else { continue };
            let canonical = canonical_form(&term);
            if canonical.is_empty() {
                continue;
            }
            let (term_found, term_place) = ground(&term, text);
            // A term is taken for found where it stands as it is, not where most of its words do.
            let place = term_place.filter(|_| term_found != Grounding::Fuzzy).map(at);
            let item = items.entry(canonical.clone()).or_insert_with(|| {
                let quoted = settings.evidence_field.as_ref().and_then(|f| said.get(f)).and_then(Value::as_str);
                let (grounding, definition) = match quoted {
                    Some(quote) => {
                        let (found, range) = ground(quote, text);
                        (found, range.map(at))
                    }
                    None => (if place.is_some() { term_found } else { Grounding::Missing }, None),
                };
                let quote = quoted.filter(|_| grounding != Grounding::Exact).map(one_line).filter(|q| !q.is_empty());
                Item {
                    text: one_line(&term),
                    canonical,
                    definition,
                    confidence: 1.0,
                    grounding: Some(grounding),
                    quote,
                    fields,
                    ..Item::default()
                }
            });
            if let Some(place) = place
                && !item.occurrences.contains(&place)
            {
                item.occurrences.push(place);
            }
        }
    }
    let mut items: Vec<Item> = items.into_values().collect();
    for item in &mut items {
        item.occurrences.sort();
    }
    Extraction { items }
}

/// The term of an item, and what else was said of it.
fn named(said: &Value, settings: &PassageSettings) -> Option<(String, serde_json::Map<String, Value>)> {
    let mut fields = said.as_object()?.clone();
    let term = fields.remove(&settings.term_field)?.as_str()?.to_owned();
    if let Some(evidence) = &settings.evidence_field {
        fields.remove(evidence);
    }
    Some((term, fields))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Format, Metadata};
    use serde_json::json;

    #[test]
    fn items_carry_their_place_and_how_it_was_found_and_none_is_dropped() {
        let text = "A wyrm is a\ndragon of salt. \u{c}The Choir sings. Ash falls.";
        let document = ParsedDocument {
            format: Format::Pdf,
            metadata: Metadata::default(),
            text: text.into(),
            sections: vec![],
            blocks: vec![],
            outline: Vec::new(),
            page_marks: Vec::new(),
            notes: vec![],
        };
        let seam = text.find('\u{c}').unwrap() + 1;
        let chunk = |from, to| Chunk { span: Span::new(from, to), first_section: 0, last_section: 0, tokens: 1 };
        let chunks = [chunk(0, seam - 1), chunk(seam, text.len())];
        let answer = |items: Value| UnitAnswer { items: items.as_array().unwrap().clone(), incomplete: false };
        let answers = [
            answer(json!([{"term": "wyrm", "definition": "A wyrm is a dragon of salt.", "mood": "dark"}])),
            answer(json!([{"term": "Choir", "definition": "The Choir sings."},
                          {"term": "Ghost", "definition": "Ghosts are everywhere here and there."}])),
        ];
        let settings =
            PassageSettings { max_items: 9, term_field: "term".into(), evidence_field: Some("definition".into()) };
        let items = assemble_answers(&document, &chunks, &answers, &settings).items;
        let of = |canonical: &str| items.iter().find(|i| i.canonical == canonical).unwrap();
        assert_eq!(of("wyrm").grounding, Some(Grounding::Normalized));
        assert_eq!(of("wyrm").definition.unwrap().of(text), "A wyrm is a\ndragon of salt.");
        assert_eq!(of("wyrm").fields["mood"], "dark");
        assert_eq!(of("choir").grounding, Some(Grounding::Exact));
        assert_eq!(of("choir").occurrences[0].of(text), "Choir");
        let ghost = of("ghost");
        assert_eq!((ghost.grounding, ghost.occurrences.len()), (Some(Grounding::Missing), 0));
        assert_eq!(ghost.quote.as_deref(), Some("Ghosts are everywhere here and there."));
    }
}
