//! Everything of a look in one JSON object, for a page that can ask nobody.

use std::collections::HashMap;
use std::io::Write;

use serde_json::{Value, json};

use super::build::Look;
use super::error::LookError;
use super::parsed::LookSource;
use super::query::TermQuery;
use super::shapes::TermCard;

/// Passages of a book that a report has.
const PASSAGES: usize = 3;

/// Books of which a report tells the passages.
const BOOKS: usize = 8;

/// Writes the data of a report: the shelf, the best `top` terms with their cards, the books, and `more`, which the caller knows. Sentences
/// stand once and are named by number. The same folder gives the same bytes.
///
/// # Errors
/// If the database cannot be used, or writing fails.
pub fn write_report(
    look: &Look,
    source: LookSource<'_>,
    top: u64,
    more: &Value,
    out: &mut dyn Write,
) -> Result<u64, LookError> {
    out.write_all(b"{\"report\":1,\"shelf\":")?;
    let shelf = look.shelf()?;
    put(&shelf, out)?;
    let facets = look.facets(&TermQuery::default())?;
    out.write_all(b",\"facets\":")?;
    put(&facets, out)?;
    out.write_all(b",\"more\":")?;
    put(more, out)?;
    out.write_all(b",\"books\":[")?;
    let mut separator: &[u8] = b"\n";
    for book in &shelf.books {
        out.write_all(separator)?;
        separator = b",\n";
        let mut card = look.book(source, book.n)?;
        card.has_text = false;
        put(&card, out)?;
    }
    out.write_all(b"],\"labels\":")?;
    put(&look.labels()?, out)?;
    out.write_all(b",\"terms\":[")?;
    separator = b"\n";
    let mut sentences = Sentences::default();
    let mut written = 0;
    while written < top {
        let limit = TermQuery::LARGEST.min(top - written);
        let page = look.terms(&TermQuery { offset: written, limit, ..TermQuery::default() })?;
        if page.rows.is_empty() {
            break;
        }
        for row in page.rows {
            let mut card = look.term(&row.id)?;
            card.row.definition = None;
            sentences.take(&mut card);
            out.write_all(separator)?;
            separator = b",\n";
            put(&slim(&card), out)?;
            written += 1;
        }
    }
    out.write_all(b"],\"sentences\":[")?;
    separator = b"\n";
    for sentence in &sentences.all {
        out.write_all(separator)?;
        separator = b",\n";
        put(&json!(sentence), out)?;
    }
    out.write_all(b"]}")?;
    Ok(written)
}

/// Writes a value so that nothing in it ends the script element that holds it, or begins a comment there: these characters stand in strings
/// alone, where JSON may escape them (<https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements>).
fn put<T: serde::Serialize>(value: &T, out: &mut dyn Write) -> Result<(), LookError> {
    let json = serde_json::to_string(value).expect("string keys and finite numbers");
    let mut from = 0;
    for (at, c) in json.char_indices() {
        if matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
            out.write_all(&json.as_bytes()[from..at])?;
            write!(out, "\\u{:04x}", u32::from(c))?;
            from = at + c.len_utf8();
        }
    }
    Ok(out.write_all(&json.as_bytes()[from..])?)
}

/// A card as a report has it: without what says nothing, what can be told from the rest, or what stands elsewhere in it. A passage is a list
/// of its section, the number of its sentence, and where the term stands there.
fn slim(card: &TermCard) -> Value {
    let mut value = json!(card);
    let text = json!(card.row.text);
    let meaning = json!(card.meaning);
    for (statement, shown) in value["statements"].as_array_mut().into_iter().flatten().zip(&card.statements) {
        let passages = shown.passages.iter().map(|p| json!([p.section, p.sentence, p.at, p.length]));
        statement["passages"] = passages.collect();
        if statement["text"] == text {
            statement["text"] = Value::Null;
        }
        if statement["definition"] == meaning && !meaning.is_null() {
            statement["definition"] = true.into();
        }
    }
    value["neighbours"] = Value::Null;
    if card.variants.len() == 1 && card.variants[0].0 == card.row.text {
        value["variants"] = Value::Null;
    }
    without_nothing(&mut value);
    value
}

fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(without_nothing);
            map.retain(|_, v| !v.is_null() && *v != json!(0) && v.as_array().is_none_or(|list| !list.is_empty()));
        }
        Value::Array(list) => list.iter_mut().for_each(without_nothing),
        _ => {}
    }
}

/// All sentences of a report, each once.
#[derive(Default)]
struct Sentences {
    all: Vec<String>,
    known: HashMap<String, usize>,
}

impl Sentences {
    /// Takes the sentences of a card, which then names them by their numbers here.
    fn take(&mut self, card: &mut TermCard) {
        card.statements.truncate(BOOKS);
        for statement in &mut card.statements {
            statement.passages.truncate(PASSAGES);
            for passage in &mut statement.passages {
                let text = std::mem::take(&mut card.sentences[passage.sentence]);
                let number = match self.known.get(&text) {
                    Some(number) => *number,
                    None => {
                        self.all.push(text.clone());
                        self.known.insert(text.clone(), self.all.len() - 1);
                        self.all.len() - 1
                    }
                };
                card.sentences[passage.sentence] = text;
                passage.sentence = number;
            }
        }
        card.sentences.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_ends_the_element_that_holds_it() {
        let hostile = "</script><!--<script>&\u{2028}\u{2029}\u{202e}\"\\ ]]>";
        let mut bytes = Vec::new();
        put(&hostile, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
