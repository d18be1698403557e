//! A term as the rows of the tables, and a value as a cell for people.

use rusqlite::types::Value;

use crate::stages::consolidate::folded;
use crate::values::{MasterEntry, MasterOccurrence, Occurrence, SectionKind};

/// The place that is shown of a term: the first of the longest sentences tells most.
pub(super) fn telling(entry: &MasterEntry) -> Option<&MasterOccurrence> {
    entry.occurrences.iter().rev().max_by_key(|o| o.place.sentence.len())
}

/// Label of a page or a chapter, or its number where it has none.
fn label(place: &Occurrence, kind: SectionKind) -> Option<String> {
    let label = || place.section_label.clone().unwrap_or_else(|| place.section.to_string());
    (place.section_kind == kind).then(label)
}

/// Page as printed and title of the chapter: one of them is known.
pub(super) fn page_and_chapter(place: &Occurrence) -> (Option<String>, Option<String>) {
    (label(place, SectionKind::Page), label(place, SectionKind::Chapter))
}

/// Where a place is, for people: `book.pdf, page 12`.
pub(super) fn whereabouts(occurrence: &MasterOccurrence) -> String {
    let place = &occurrence.place;
    let label = place.section_label.clone().unwrap_or_else(|| place.section.to_string());
    format!("{}, {} {label}", occurrence.source, place.section_kind.name())
}

fn integer(n: impl TryInto<i64>) -> Value {
    n.try_into().map_or(Value::Null, Value::Integer)
}

fn text(value: Option<&String>) -> Value {
    value.map_or(Value::Null, |text| Value::Text(text.clone()))
}

/// The row of table `terms`, with the columns that no export shows: further fields come first of them, then the term as it is, its name as it
/// is sorted, the character at which its sentence stands.
pub(super) fn term(rank: i64, e: &MasterEntry) -> Vec<Value> {
    fn json<T: serde::Serialize>(value: &T) -> Value {
        Value::Text(serde_json::to_string(value).expect("string keys and finite numbers"))
    }
    fn maybe<T: serde::Serialize>(value: Option<&T>) -> Value {
        value.map_or(Value::Null, json)
    }
    let place = telling(e);
    let (page, chapter) = place.map(|o| page_and_chapter(&o.place)).unwrap_or_default();
    let real = |value: Option<f64>| value.map_or(Value::Null, Value::Real);
    let definition_source = e.definition_source.and_then(|source| serde_json::to_value(source).ok());
    vec![
        Value::Integer(rank),
        Value::Text(e.id.clone()),
        Value::Text(e.text.clone()),
        Value::Text(e.canonical.clone()),
        text(e.pos.as_ref()),
        text(e.category.as_ref()),
        text(e.intent.as_ref()),
        maybe(e.secondary_intents.as_ref()),
        text(e.genre.as_ref()),
        text(e.mood.as_ref()),
        text(e.energy.as_ref()),
        maybe(e.tags.as_ref()),
        maybe(e.axes.as_ref()),
        real(e.confidence),
        text(e.ip_flag.as_ref()),
        e.review.map_or(Value::Null, |v| Value::Text(v.name().to_owned())),
        text(e.definition.as_ref()),
        integer(e.document_count),
        integer(e.occurrence_count),
        real(e.idf),
        Value::Real(e.score),
        json(&e.sources),
        json(&e.variants),
        json(&e.renamed_from),
        json(&e.conflicts),
        text(e.kind.as_ref()),
        json(&e.aliases),
        text(place.map(|o| &o.place.sentence)),
        text(place.map(|o| &o.source)),
        place.map_or(Value::Null, |o| integer(o.place.section)),
        text(page.as_ref()),
        text(chapter.as_ref()),
        definition_source.and_then(|s| s.as_str().map(str::to_owned)).map_or(Value::Null, Value::Text),
        text(e.definition_from.as_ref()),
        e.definition_place.map_or(Value::Null, |place| integer(place.section)),
        text(e.note.as_ref()),
        maybe(e.fields.as_ref()),
        json(e),
        Value::Text(folded(&e.text)),
        place.map_or(Value::Null, |o| integer(o.place.start)),
    ]
}

/// The rows of table `occurrences` of a term.
pub(super) fn occurrences(e: &MasterEntry) -> impl Iterator<Item = Vec<Value>> {
    e.occurrences.iter().map(|o| {
        let (page, chapter) = page_and_chapter(&o.place);
        vec![
            integer(e.rank),
            Value::Text(e.canonical.clone()),
            Value::Text(e.text.clone()),
            Value::Text(o.source.clone()),
            integer(o.place.section),
            text(page.as_ref()),
            text(chapter.as_ref()),
            integer(o.place.start),
            integer(o.place.end),
            Value::Text(o.place.sentence.clone()),
        ]
    })
}

/// Columns that hold a list.
const LISTS: [&str; 8] =
    ["secondary_intents", "tags", "axes", "sources", "variants", "renamed_from", "conflicts", "aliases"];

/// A cell of a column in a table for people. Lists are joined by semicolons, whatever they are lists of: of spellings and disagreements stand the
/// words, of axes `name=score`.
pub(super) fn cell(column: &str, value: Value) -> String {
    match value {
        Value::Null | Value::Blob(_) => String::new(),
        Value::Integer(n) => n.to_string(),
        Value::Real(n) => n.to_string(),
        Value::Text(text) if LISTS.contains(&column) => {
            serde_json::from_str(&text).ok().and_then(|list| joined(&list)).unwrap_or(text)
        }
        Value::Text(text) => text,
    }
}

fn joined(list: &serde_json::Value) -> Option<String> {
    use serde_json::Value as Json;
    let word = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Object(object) => match (object.get("text"), object.get("field"), object.get("values")) {
            (Some(Json::String(text)), ..) => Some(text.clone()),
            (_, Some(Json::String(field)), Some(Json::Array(values))) => {
                let values: Vec<&str> = values.iter().filter_map(|v| v["value"].as_str()).collect();
                Some(format!("{field}: {}", values.join(" / ")))
            }
            _ => None,
        },
        _ => None,
    };
    let words: Vec<String> = match list {
        Json::Array(items) => items.iter().map(word).collect::<Option<_>>()?,
        Json::Object(axes) => {
            let axis = |(name, score): (&String, &Json)| score.as_f64().map(|score| format!("{name}={score}"));
            axes.iter().map(axis).collect::<Option<_>>()?
        }
        _ => return None,
    };
    Some(words.join("; "))
}

/// A cell that a spreadsheet takes for text, whatever a book or a model made it begin with: an apostrophe stands before what would be
/// run as a formula (<https://owasp.org/www-community/attacks/CSV_Injection>). Numbers are none.
pub(super) fn not_a_formula(cell: String) -> String {
    let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let is_number = cell.ends_with(|c: char| c.is_ascii_digit()) && cell.parse::<f64>().is_ok();
    if begins && !is_number { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_all_kinds_are_written_in_one_way() {
        let of = |column: &str, text: &str| cell(column, Value::Text(text.into()));
        let cell = |text: &str| of("tags", text);
        assert_eq!(cell(r#"["a","b; c"]"#), "a; b; c");
        assert_eq!(cell("[]"), "");
        assert_eq!(cell(r#"[{"text":"Wyrm","documents":2},{"text":"WYRM","documents":1}]"#), "Wyrm; WYRM");
        assert_eq!(cell(r#"{"fire":0.5,"void":0.0}"#), "fire=0.5; void=0");
        let conflict = r#"[{"field":"category","values":[{"value":"a"},{"value":"b"}]}]"#;
        assert_eq!(cell(conflict), "category: a / b");
        // What only looks like one stays: a text of a book, fields of a pipeline.
        for text in ["[sic] a word", r#"["a","b"]"#, r#"{"rank":3}"#] {
            assert_eq!((of("text", text), of("fields", text)), (text.to_owned(), text.to_owned()));
        }
    }
}
