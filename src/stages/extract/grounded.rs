//! A model's answers to the chunks of a document, put together into its items, each with its place in the text.

use std::collections::BTreeMap;

use serde_json::Value;

use super::local::{self, canonical_form};
use super::{PassageSettings, UnitAnswer, ground};
use crate::values::{Chunk, DefinitionKind, Extraction, Grounding, Item, ParsedDocument, Span};

/// The items of a document from what a model said of each chunk. A term keeps what was said first in text order; what stands in the overlap of
/// two chunks counts once. Evidence that cannot be found in the chunk is marked, not dropped. Left out is what is no term by rule: stop words,
/// pronouns, whole sentences, and what is said to be defined by itself.
pub fn assemble_answers(
    document: &ParsedDocument,
    chunks: &[Chunk],
    answers: &[UnitAnswer],
    settings: &PassageSettings,
) -> Extraction {
    let language = document.metadata.language.as_deref();
    let mut items: BTreeMap<String, Item> = BTreeMap::new();
    for (chunk, answer) in chunks.iter().zip(answers) {
        let text = chunk.span.of(&document.text);
        let at = |range: std::ops::Range<usize>| {
            Span::new(chunk.span.start as usize + range.start, chunk.span.start as usize + range.end)
        };
        for said in answer.items.iter().take(settings.max_items) {
            let Some((term, fields)) = named(said, settings) else { continue };
            let quoted = settings.evidence_field.as_ref().and_then(|f| said.get(f)).and_then(Value::as_str);
            let canonical = canonical_form(&term);
            if canonical.is_empty() || local::no_term(&term, language).is_some() || says_nothing(quoted, &canonical) {
                continue;
            }
            let (term_found, term_place) = ground(&term, text);
            // A term is taken for found where it stands as it is, not where most of its words do.
            let place = term_place.filter(|_| term_found != Grounding::Fuzzy).map(at);
            let item = items.entry(canonical.clone()).or_insert_with(|| {
                let (grounding, definition) = match quoted {
                    Some(quote) => {
                        let (found, range) = ground(quote, text);
                        (found, range.map(at))
                    }
                    None => (if place.is_some() { term_found } else { Grounding::Missing }, None),
                };
                let quote = quoted.filter(|_| grounding != Grounding::Exact).map(one_line).filter(|q| !q.is_empty());
                Item {
                    definition_kind: quoted.map(|quote| definition_kind(quote, &term)),
                    text: one_line(&term),
                    canonical,
                    definition,
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

/// Test whether what is given for a term's definition is empty, or the term itself.
fn says_nothing(quoted: Option<&str>, canonical: &str) -> bool {
    quoted.is_some_and(|quote| {
        let said = canonical_form(quote);
        said.is_empty() || said == canonical
    })
}

/// Words that a sentence needs beside a term, to say something of it.
const TELLING: usize = 3;

/// Kind of a sentence that is given for a term's definition.
fn definition_kind(quote: &str, term: &str) -> DefinitionKind {
    let words = |text: &str| text.split_whitespace().count();
    if local::defines(quote, term) {
        DefinitionKind::Defines
    } else if local::stands_in(quote, term) && words(quote) >= words(term) + TELLING {
        DefinitionKind::Mentions
    } else if quote.to_lowercase().contains(&term.to_lowercase()) {
        DefinitionKind::Contains
    } else {
        DefinitionKind::Absent
    }
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
            markup: crate::values::Markup::default(),
            notes: vec![],
        };
        let seam = text.find('\u{c}').unwrap() + 1;
        let chunk = |from, to| Chunk { span: Span::new(from, to), first_section: 0, last_section: 0, tokens: 1 };
        let chunks = [chunk(0, seam - 1), chunk(seam, text.len())];
        let answer = |items: Value| UnitAnswer { items: items.as_array().unwrap().clone(), incomplete: false };
        let answers = [
            answer(json!([{"term": "wyrm", "definition": "A wyrm is a dragon of salt.", "mood": "dark"}])),
            answer(json!([{"term": "Choir", "definition": "The Choir sings."},
                          {"term": "Ghost", "definition": "Ghosts are everywhere here and there."},
                          {"term": "Ash", "definition": "ash"}, {"term": "It", "definition": "Ash falls."},
                          {"term": "The Choir sings, ash falls.", "definition": "The Choir sings. Ash falls."}])),
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
        let kinds = ["wyrm", "choir", "ghost"].map(|term| of(term).definition_kind.unwrap());
        assert_eq!(kinds, [DefinitionKind::Defines, DefinitionKind::Contains, DefinitionKind::Mentions]);
        assert_eq!(
            (items.len(), of("wyrm").confidence),
            (3, None),
            "what is no term is left out, and nobody knows how sure it is"
        );
        let ghost = of("ghost");
        assert_eq!((ghost.grounding, ghost.occurrences.len()), (Some(Grounding::Missing), 0));
        assert_eq!(ghost.quote.as_deref(), Some("Ghosts are everywhere here and there."));
    }
}
