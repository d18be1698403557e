//! Meaning of a response for the units that it was asked about.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::looping::without_loop;
use super::validate::{Form, ItemSchema, ListSchema};
use super::{AnswerSchema, lenient_json, whole_items, whole_members};
use crate::stages::extract::local::key_form;
use crate::stages::extract::term_key;
use crate::values::{Failure, FailureKind, Fingerprint, sorted};

/// Words of a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Text that should be JSON.
    Text(String),
    /// JSON.
    Json(Value),
    /// Nothing.
    Nothing,
}

/// A response, apart from its vendor's form.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Words of the model.
    pub said: Said,
    /// The output budget was used up before the end.
    pub truncated: bool,
    /// The provider's word for why it refused.
    pub refused: Option<String>,
    /// The context window was too small.
    pub too_large: bool,
}

/// The stored answer to one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitAnswer {
    /// Items as the model gave them, each valid by the pipeline's schema, their fields sorted by name.
    pub items: Vec<Value>,
    /// Something the model began to say is missing: the answer went round in a loop, or it broke off, or some of its items were invalid, and
    /// asking again did not help.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// Result for one unit, which tells what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum UnitResult {
    /// It is answered.
    Answered(UnitAnswer),
    /// Ask again, for the reason given; `salvage` is what was usable, for the last attempt.
    Again {
        /// Reason for asking again.
        reason: Failure,
        /// Part that may be kept if no attempt is left.
        salvage: Option<UnitAnswer>,
        /// True if more room for the answer may help.
        more_output: bool,
    },
    /// It gets no answer.
    Failed(Failure),
}

/// Units that a request asked about. A term is known by its content key alone: that is what the store keeps of a request, so
/// that a response means the same whenever it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedUnits<'a> {
    /// One passage.
    Passage,
    /// Terms, by [`term_key`].
    Terms(&'a [Fingerprint]),
}

impl AskedUnits<'_> {
    /// Number of units.
    #[expect(clippy::len_without_is_empty, reason = "a request asks about something")]
    pub fn len(&self) -> usize {
        match self {
            Self::Passage => 1,
            Self::Terms(keys) => keys.len(),
        }
    }
}

/// One result for each unit, in order.
pub type Interpreted = Vec<UnitResult>;

/// The meaning of a response to a request about `units`.
pub fn interpret(heard: &Heard, schema: &AnswerSchema, units: AskedUnits<'_>) -> Interpreted {
    let all = |result: UnitResult| vec![result; units.len()];
    if let Some(word) = &heard.refused {
        let several = units.len() > 1;
        let failure = Failure::new(
            FailureKind::Refused,
            format!("the provider refuses to answer this text ('{word}'); try another model, or leave the text out"),
        );
        // One term may be what a whole pack was refused for.
        return all(if several { again(failure, None, false) } else { UnitResult::Failed(failure) });
    }
    if heard.too_large {
        return all(UnitResult::Failed(Failure::new(
            FailureKind::TooLarge,
            "the text is larger than the model's context window; lower [chunk] max_tokens in the pipeline",
        )));
    }
    let spoken = match &heard.said {
        Said::Nothing => {
            let reason = match heard.truncated {
                true => "the whole output budget went without an answer; raise max_output_tokens in the pipeline",
                false => "the answer was empty",
            };
            return all(again(Failure::new(FailureKind::BadAnswer, reason), None, heard.truncated));
        }
        Said::Json(value) => Spoken { truncated: heard.truncated, value: Some(value.clone()), text: None },
        Said::Text(text) => Spoken { truncated: heard.truncated, value: lenient_json(text), text: Some(text) },
    };
    match (&schema.form, units) {
        (Form::List(list), AskedUnits::Passage) => vec![passage(&spoken, list)],
        (Form::List(list), AskedUnits::Terms(keys)) => named(&spoken, list, keys),
        (Form::Numbered(item), units) => {
            // The request may be of a time when the same was asked in another form.
            let listed = |form: &&ListSchema| !spoken.usable(form).is_empty();
            match (schema.earlier.iter().find(listed), units) {
                (Some(earlier), AskedUnits::Terms(keys)) => named(&spoken, earlier, keys),
                (_, units) => numbered(&spoken, item, units.len()),
            }
        }
    }
}

fn again(reason: Failure, salvage: Option<UnitAnswer>, more_output: bool) -> UnitResult {
    UnitResult::Again { reason, salvage, more_output }
}

/// What was heard, as JSON as far as it is any.
struct Spoken<'a> {
    truncated: bool,
    value: Option<Value>,
    text: Option<&'a str>,
}

impl Spoken<'_> {
    /// Fault of an answer that should be of this schema, if it has one.
    fn complaint(&self, schema: &ListSchema) -> Option<String> {
        match &self.value {
            _ if self.truncated => Some(BROKE_OFF.into()),
            None => Some(NOT_JSON.into()),
            Some(value) => schema.complaint(value).map(|c| format!("the answer does not fit the schema: {c}")),
        }
    }

    /// Items that are usable in an answer that is not.
    fn usable(&self, schema: &ListSchema) -> Vec<Value> {
        let listed = self.value.as_ref().and_then(|v| schema.items(v).or_else(|| v.as_array())).cloned();
        let items = listed.unwrap_or_else(|| self.text.map(whole_items).unwrap_or_default());
        items.into_iter().filter(|item| schema.accepts_item(item)).collect()
    }
}

const BROKE_OFF: &str = "the answer broke off at the output budget; raise max_output_tokens in the pipeline";
const NOT_JSON: &str = "the answer is not JSON";

/// The answer of a unit. Items are kept in canonical form: the order in which a model wrote their fields decides nothing.
fn answer(items: Vec<Value>, incomplete: bool) -> UnitAnswer {
    UnitAnswer { items: items.into_iter().map(sorted).collect(), incomplete }
}

fn passage(spoken: &Spoken<'_>, schema: &ListSchema) -> UnitResult {
    let Some(words) = spoken.complaint(schema) else {
        let items = spoken.value.as_ref().and_then(|v| schema.items(v)).cloned().unwrap_or_default();
        return UnitResult::Answered(answer(items, false));
    };
    let items = spoken.usable(schema);
    let broken_off = spoken.truncated || spoken.value.is_none();
    if let Some(distinct) = without_loop(&items).filter(|_| broken_off) {
        return UnitResult::Answered(answer(distinct, true));
    }
    let salvage = (!items.is_empty()).then(|| answer(items, true));
    again(Failure::new(FailureKind::BadAnswer, words), salvage, spoken.truncated)
}

/// The results of terms that name themselves in a list.
fn named(spoken: &Spoken<'_>, schema: &ListSchema, units: &[Fingerprint]) -> Interpreted {
    let words = spoken.complaint(schema);
    let items = match (&words, spoken.value.as_ref().and_then(|v| schema.items(v))) {
        (None, Some(items)) => items.clone(),
        _ => spoken.usable(schema),
    };
    let name_of = |item: &Value| {
        let name = item.get("text").or_else(|| item.get("term")).and_then(Value::as_str);
        name.map(|name| term_key(&key_form(name)))
    };
    let names: Vec<Option<Fingerprint>> = items.iter().map(name_of).collect();
    let mut used = vec![false; items.len()];
    units
        .iter()
        .map(|unit| {
            let found = (0..items.len()).find(|&n| !used[n] && names[n] == Some(*unit));
            match found {
                Some(n) => {
                    used[n] = true;
                    UnitResult::Answered(answer(vec![items[n].clone()], false))
                }
                None => {
                    let reason = words.clone().unwrap_or_else(|| {
                        format!("the answer has {} items for {} terms, and none for this one", items.len(), units.len())
                    });
                    again(Failure::new(FailureKind::BadAnswer, reason), None, spoken.truncated)
                }
            }
        })
        .collect()
}

/// The results of terms, each under its number. What stands whole in an answer that broke off is kept.
fn numbered(spoken: &Spoken<'_>, schema: &ItemSchema, units: usize) -> Interpreted {
    let cut = || spoken.text.map(whole_members).unwrap_or_default();
    let members = spoken.value.as_ref().and_then(Value::as_object).cloned().unwrap_or_else(cut);
    // The item of the only term needs no number: some models leave it out where nobody holds them to the schema.
    let alone = spoken.value.as_ref().filter(|_| units == 1).map(|value| match value {
        Value::Array(items) if items.len() == 1 => &items[0],
        other => other,
    });
    let result = |number: usize| {
        if let Some(Ok(item)) = alone.map(|item| schema.accepted(item)) {
            return UnitResult::Answered(answer(vec![item], false));
        }
        let reason = match members.get(&number.to_string()).map(|item| schema.accepted(item)) {
            Some(Ok(item)) => return UnitResult::Answered(answer(vec![item], false)),
            Some(Err(words)) => format!("the answer does not fit the schema: {words} (under \"{number}\")"),
            None if spoken.truncated => BROKE_OFF.to_owned(),
            None if spoken.value.is_none() && members.is_empty() => NOT_JSON.to_owned(),
            None => format!("the answer has {} of {units} numbers, and not \"{number}\"", members.len()),
        };
        again(Failure::new(FailureKind::BadAnswer, reason), None, spoken.truncated)
    };
    let results: Vec<UnitResult> = (1..=units).map(result).collect();
    match is_one_for_all(&results) {
        true => vec![again(Failure::new(FailureKind::BadAnswer, one_for_all(units)), None, false); units],
        false => results,
    }
}

/// Terms of an answer, at least, and fields that say something in each, at least, before equal items are taken for an answer that was given
/// to the first term alone: a small model, made to write too much of too many, gave each of twenty terms the same seven fields.
const ONE_FOR_ALL: (usize, usize) = (5, 4);

fn is_one_for_all(results: &[UnitResult]) -> bool {
    let (terms, fields) = ONE_FOR_ALL;
    let items = |result| match result {
        &UnitResult::Answered(UnitAnswer { ref items, .. }) => items.first(),
        _ => None,
    };
    let Some(first) = results.first().and_then(items) else { return false };
    let says = |value: &&Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(words) => !words.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    let said = first.as_object().map_or(0, |fields| fields.values().filter(says).count());
    results.len() >= terms && said >= fields && results.iter().all(|result| items(result) == Some(first))
}

fn one_for_all(units: usize) -> String {
    format!(
        "the model says the same of all {units} terms; ask it for less at a time (--profile small, or fewer terms_per_request), or ask a larger one"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> AnswerSchema {
        AnswerSchema::of_list(&json!({
            "type": "object", "required": ["items"], "additionalProperties": false,
            "properties": {"items": {"type": "array", "items": {
                "type": "object", "required": ["text"], "additionalProperties": false,
                "properties": {"text": {"type": "string"}, "n": {"type": "integer"}},
            }}},
        }))
        .unwrap()
    }

    fn heard(text: &str) -> Heard {
        Heard { said: Said::Text(text.to_owned()), truncated: false, refused: None, too_large: false }
    }

    fn salvaged(result: &UnitResult) -> usize {
        match result {
            UnitResult::Again { salvage, .. } => salvage.as_ref().map_or(0, |s| s.items.len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_passage_is_answered_asked_again_or_failed() {
        let one = |h: &Heard| interpret(h, &schema(), AskedUnits::Passage).remove(0);
        let good = one(&heard("```json\n{\"items\": [{\"text\": \"wyrm\"}]}\n```"));
        assert_eq!(good, UnitResult::Answered(UnitAnswer { items: vec![json!({"text": "wyrm"})], incomplete: false }));
        assert!(matches!(one(&heard("{\"items\": []}")), UnitResult::Answered(a) if a.items.is_empty()));
        assert_eq!(salvaged(&one(&heard("{\"items\": [{\"text\": \"a\"}, {\"text\": 7}]}"))), 1);
        assert_eq!(salvaged(&one(&heard("I'd rather not."))), 0);
        let cut = Heard { truncated: true, ..heard("{\"items\": [{\"text\": \"a\"}, {\"te") };
        let result = one(&cut);
        assert!(matches!(result, UnitResult::Again { more_output: true, .. }));
        assert_eq!(salvaged(&result), 1);
        let refused = Heard { refused: Some("SAFETY".into()), ..heard("") };
        assert!(matches!(one(&refused), UnitResult::Failed(f) if f.kind == FailureKind::Refused));
        let empty = Heard { said: Said::Nothing, ..heard("") };
        assert!(matches!(one(&empty), UnitResult::Again { .. }));
    }

    #[test]
    fn an_answer_that_says_the_same_of_all_terms_is_an_answer_to_none() {
        let item = json!({"type": "object", "required": ["a", "b", "c", "d"], "additionalProperties": false, "properties": {
            "a": {"type": "string"}, "b": {"enum": ["x", null]}, "c": {"type": "array", "items": {"type": "string"}},
            "d": {"type": "number"}}});
        let form = Form::Numbered(ItemSchema::new(&item).unwrap());
        let schema = AnswerSchema { form, earlier: Vec::new() };
        let keys = ["a", "b", "c", "d", "e"].map(|term| term_key(&key_form(term)));
        let answered = |items: &[Value]| {
            let numbered = (1..).zip(items).map(|(n, item)| (n.to_string(), item.clone()));
            let text = Value::Object(numbered.collect()).to_string();
            let results = interpret(&heard(&text), &schema, AskedUnits::Terms(&keys[..items.len()]));
            results.iter().filter(|result| matches!(result, UnitResult::Answered(_))).count()
        };
        let full = json!({"a": "lamp", "b": "x", "c": ["light"], "d": 0.6});
        let sparse = json!({"a": "lamp", "b": null, "c": [], "d": 0.6});
        let other = json!({"a": "ox", "b": "x", "c": ["light"], "d": 0.6});
        assert_eq!(answered(&vec![full.clone(); 5]), 0);
        assert_eq!(answered(&vec![full.clone(); 4]), 4, "so few may be alike");
        assert_eq!(answered(&vec![sparse; 5]), 5, "terms of which there is little to say are alike");
        assert_eq!(answered(&[vec![full; 4], vec![other]].concat()), 5);
    }

    #[test]
    fn a_pack_keeps_what_is_good_and_asks_again_for_the_rest() {
        let keys = ["wyrm", "Salt Lantern", "ward"].map(|term| term_key(&key_form(term)));
        let units = AskedUnits::Terms(&keys);
        let text =
            "{\"items\": [{\"text\": \"Wards\"}, {\"text\": \"salt lantern\", \"n\": 1}, {\"text\": \"extra\"}]}";
        let results = interpret(&heard(text), &schema(), units);
        assert!(
            matches!(&results[0], UnitResult::Again { reason, .. } if reason.message.contains("3 items for 3 terms"))
        );
        assert!(matches!(&results[1], UnitResult::Answered(a) if a.items[0]["n"] == 1));
        assert!(matches!(&results[2], UnitResult::Answered(_)));
        let refused = Heard { refused: Some("refusal".into()), ..heard("") };
        assert!(interpret(&refused, &schema(), units).iter().all(|r| matches!(r, UnitResult::Again { .. })));
    }

    /// Of a pipeline that describes one item, and asked for a list before.
    fn by_number() -> AnswerSchema {
        let item = json!({"type": "object", "required": ["n", "tags"], "additionalProperties": false, "properties": {
            "n": {"type": "integer"}, "tags": {"type": "array", "maxItems": 2, "items": {"type": "string"}}}});
        AnswerSchema {
            form: Form::Numbered(ItemSchema::new(&item).unwrap()),
            earlier: match schema().form {
                Form::List(list) => vec![list],
                Form::Numbered(_) => Vec::new(),
            },
        }
    }

    #[test]
    fn terms_are_answered_under_their_numbers_and_what_broke_off_is_kept_as_far_as_it_is_whole() {
        let keys = ["wyrm", "lantern", "ward"].map(|term| term_key(&key_form(term)));
        let read = |heard: &Heard| interpret(heard, &by_number(), AskedUnits::Terms(&keys));
        let items = |results: &Interpreted| -> Vec<Option<String>> {
            let item = |result: &UnitResult| match result {
                UnitResult::Answered(answer) => Some(answer.items[0].to_string()),
                _ => None,
            };
            results.iter().map(item).collect()
        };
        let of = |text: &str| Some(text.to_owned());
        let shuffled = r#"{"3": {"n": 3, "tags": []}, "1": {"tags": ["a", "b", "c"], "n": 1}, "2": {"n": "x", "tags": []}, "9": {}}"#;
        let results = read(&heard(shuffled));
        assert_eq!(items(&results), [of(r#"{"n":1,"tags":["a","b"]}"#), None, of(r#"{"n":3,"tags":[]}"#)]);
        let UnitResult::Again { reason, .. } = &results[1] else { panic!("{results:?}") };
        assert!(reason.message.contains("under \"2\""), "{}", reason.message);
        let cut = Heard { truncated: true, ..heard(r#"{"1": {"n": 1, "tags": []}, "2": {"n": 2, "ta"#) };
        let results = read(&cut);
        assert_eq!(items(&results), [of(r#"{"n":1,"tags":[]}"#), None, None]);
        assert!(matches!(&results[1], UnitResult::Again { more_output: true, .. }));
        assert_eq!(items(&read(&heard("I'd rather not."))), [None, None, None]);
        let one = |text: &str| items(&interpret(&heard(text), &by_number(), AskedUnits::Terms(&keys[..1])));
        let item = r#"{"n":1,"tags":[]}"#;
        assert_eq!([one(item), one(&format!("[{item}]")), one(r#"{"n": 1}"#)], [[of(item)], [of(item)], [None]]);
        assert_eq!(items(&read(&heard(item))), [None, None, None], "of several terms it is not known whose it is");
        // A response to a request in the earlier form, found unread or in a batch that was open.
        let earlier = r#"{"items": [{"text": "Wards", "n": 7}, {"text": "wyrm"}]}"#;
        assert_eq!(items(&read(&heard(earlier))), [of(r#"{"text":"wyrm"}"#), None, of(r#"{"n":7,"text":"Wards"}"#)]);
    }

    #[test]
    fn an_answer_in_a_loop_is_not_asked_for_again_with_more_room() {
        let item = |term: &str| format!(r#"{{"text": "{term}"}}, "#);
        let debts = item("Debt").repeat(23);
        let cut = Heard {
            truncated: true,
            ..heard(&format!("{{\"items\": [{}{}{debts}{{\"te", item("Grip"), item("Nerve")))
        };
        let UnitResult::Answered(kept) = interpret(&cut, &schema(), AskedUnits::Passage).remove(0) else { panic!() };
        let expected = ["Grip", "Nerve", "Debt"].map(|term| json!({"text": term})).to_vec();
        assert_eq!(kept, UnitAnswer { items: expected, incomplete: true });
        let whole = heard(&format!("{{\"items\": [{}]}}", debts.trim_end_matches(", ")));
        let UnitResult::Answered(said) = interpret(&whole, &schema(), AskedUnits::Passage).remove(0) else { panic!() };
        assert_eq!((said.items.len(), said.incomplete), (23, false), "an answer that came to its end is as it is");
    }
}
