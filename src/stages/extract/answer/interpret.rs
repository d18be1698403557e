//! Meaning of a response for the units that it was asked about.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AnswerSchema, lenient_json, whole_items};
use crate::stages::extract::local::canonical_form;
use crate::stages::extract::term_key;
use crate::values::{Failure, FailureKind, Fingerprint};

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
    /// Items as the model gave them, each valid by the pipeline's schema.
    pub items: Vec<Value>,
    /// Something the model began to say is missing: the answer broke off, or some of its items were invalid, and asking again
    /// did not help.
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
    let (value, text) = match &heard.said {
        Said::Nothing => {
            let reason = match heard.truncated {
                true => "the whole output budget went without an answer; raise max_output_tokens in the pipeline",
                false => "the answer was empty",
            };
            return all(again(Failure::new(FailureKind::BadAnswer, reason), None, heard.truncated));
        }
        Said::Json(value) => (Some(value.clone()), None),
        Said::Text(text) => (lenient_json(text), Some(text)),
    };
    match units {
        AskedUnits::Passage => vec![passage(heard, schema, value.as_ref(), text.map(String::as_str))],
        AskedUnits::Terms(keys) => pack(heard, schema, value.as_ref(), text.map(String::as_str), keys),
    }
}

fn again(reason: Failure, salvage: Option<UnitAnswer>, more_output: bool) -> UnitResult {
    UnitResult::Again { reason, salvage, more_output }
}

/// Fault of the answer as a whole, if it has one.
fn complaint(heard: &Heard, schema: &AnswerSchema, value: Option<&Value>) -> Option<String> {
    match value {
        _ if heard.truncated => {
            Some("the answer broke off at the output budget; raise max_output_tokens in the pipeline".into())
        }
        None => Some("the answer is not JSON".into()),
        Some(value) => schema.complaint(value).map(|c| format!("the answer does not fit the schema: {c}")),
    }
}

/// Items that are usable in an answer that is not.
fn usable(schema: &AnswerSchema, value: Option<&Value>, text: Option<&str>) -> Vec<Value> {
    let listed = value.and_then(|v| schema.items(v).or_else(|| v.as_array())).cloned();
    let items = listed.unwrap_or_else(|| text.map(whole_items).unwrap_or_default());
    items.into_iter().filter(|item| schema.accepts_item(item)).collect()
}

fn passage(heard: &Heard, schema: &AnswerSchema, value: Option<&Value>, text: Option<&str>) -> UnitResult {
    match complaint(heard, schema, value) {
        None => {
            let items = value.and_then(|v| schema.items(v)).cloned().unwrap_or_default();
            UnitResult::Answered(UnitAnswer { items, incomplete: false })
        }
        Some(words) => {
            let items = usable(schema, value, text);
            let salvage = (!items.is_empty()).then_some(UnitAnswer { items, incomplete: true });
            again(Failure::new(FailureKind::BadAnswer, words), salvage, heard.truncated)
        }
    }
}

fn pack(
    heard: &Heard,
    schema: &AnswerSchema,
    value: Option<&Value>,
    text: Option<&str>,
    units: &[Fingerprint],
) -> Interpreted {
    let words = complaint(heard, schema, value);
    let items = match (&words, value.and_then(|v| schema.items(v))) {
        (None, Some(items)) => items.clone(),
        _ => usable(schema, value, text),
    };
    let named = |item: &Value| {
        let name = item.get("text").or_else(|| item.get("term")).and_then(Value::as_str);
        name.map(|name| term_key(&canonical_form(name)))
    };
    let names: Vec<Option<Fingerprint>> = items.iter().map(named).collect();
    let mut used = vec![false; items.len()];
    units
        .iter()
        .map(|unit| {
            let found = (0..items.len()).find(|&n| !used[n] && names[n] == Some(*unit));
            match found {
                Some(n) => {
                    used[n] = true;
                    UnitResult::Answered(UnitAnswer { items: vec![items[n].clone()], incomplete: false })
                }
                None => {
                    let reason = words.clone().unwrap_or_else(|| {
                        format!("the answer has {} items for {} terms, and none for this one", items.len(), units.len())
                    });
                    again(Failure::new(FailureKind::BadAnswer, reason), None, heard.truncated)
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> AnswerSchema {
        AnswerSchema::new(&json!({
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
    fn a_pack_keeps_what_is_good_and_asks_again_for_the_rest() {
        let keys = ["wyrm", "Salt Lantern", "ward"].map(|term| term_key(&canonical_form(term)));
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
}
