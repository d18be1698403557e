//! Guess at how much a model may say, before any model was asked: for a price that is told beforehand.

use serde_json::Value;

use super::local;
use crate::stages::chunk::estimate_tokens;

/// Tokens of an answer's JSON around its items, and around one item.
const AROUND: u64 = 5;
const AROUND_ITEM: u64 = 9;

/// Output tokens of an answer to a passage, as if a model found what the embedded provider finds: terms with the sentences
/// that define them.
pub fn guessed_output(passage: &str) -> u64 {
    let of = |span: crate::values::Span| u64::from(estimate_tokens(span.of(passage)));
    AROUND + local::definitions(passage).iter().map(|d| AROUND_ITEM + of(d.term) + of(d.sentence)).sum::<u64>()
}

/// Output tokens of one term's item, or of a list of one: the names of all its fields, and a short value for each.
pub(super) fn guessed_term_output(schema: &Value) -> u64 {
    fn size(schema: &Value) -> u64 {
        match (&schema["properties"], &schema["items"]) {
            (Value::Object(fields), _) => {
                2 + fields.iter().map(|(name, inner)| u64::from(estimate_tokens(name)) + 4 + size(inner)).sum::<u64>()
            }
            (_, Value::Object(_)) => 2 + size(&schema["items"]),
            _ => 3,
        }
    }
    size(schema)
}
