//! Answers in no vendor's words.

use serde_json::Value;

use super::Dialect;
use crate::remote::stream::Added;
use crate::remote::{Prompt, ServiceTier};
use crate::values::{Choice, Usage};

/// Way in which an answer is held to the schema. A server that refuses one gets the next; all answers are validated locally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Structured {
    /// The vendor's own schema parameter.
    Schema,
    /// A tool that the model is made to call, whose input has the schema.
    Tool,
    /// Any JSON, with the schema in the prompt.
    Json,
    /// Nothing but the schema in the prompt.
    Prompt,
}

impl Choice for Structured {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Schema, "schema", "The server's own parameter for a schema"),
        (Self::Tool, "tool", "A tool that the model is made to call"),
        (Self::Json, "json", "Any JSON, with the schema in the prompt"),
        (Self::Prompt, "prompt", "The schema in the prompt alone"),
    ];
}

/// Content of a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text that should be JSON.
    Text(String),
    /// JSON that the vendor has parsed already (a tool's input).
    Json(Value),
}

/// Reason for which the model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// It had said everything.
    Complete,
    /// The output budget was used up.
    Truncated,
    /// The model or a filter refused; the vendor's word for it.
    Refused(String),
    /// Prompt and answer together pass the context window.
    WindowExceeded,
    /// Anything else; the vendor's word for it.
    Other(String),
}

/// A successful response, in no vendor's words.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Words of the model, if any.
    pub content: Option<Content>,
    /// Reason for which it stopped.
    pub finish: Finish,
    /// Tokens, where the response tells them.
    pub usage: Option<Usage>,
    /// Tokens of thought, which are part of the output, as far as the response shows them.
    pub thoughts: u64,
    /// The model that answered, by its own name.
    pub model: Option<String>,
    /// Tier that served it, where the response tells it.
    pub tier: Option<ServiceTier>,
}

/// System part of the prompt, with the schema in words for servers that know no better way, and for those that are not the vendor: many
/// hold a model to a schema that they do not show it, which then knows neither the fields nor their values.
pub(super) fn system_with_schema(dialect: &Dialect, prompt: &Prompt, structured: Structured) -> String {
    match structured {
        Structured::Schema | Structured::Tool if dialect.first_party => prompt.system.to_string(),
        _ => {
            format!("{}\n\nAnswer with JSON alone, of this JSON Schema:\n{}", prompt.system.trim_end(), prompt.schema)
        }
    }
}

/// Adds words of a stream to the text that they go on with.
pub(super) fn append(text: &mut Value, words: &Value) -> Added {
    let Some(words) = words.as_str().filter(|words| !words.is_empty()) else { return Added::Other };
    match text {
        Value::String(text) => text.push_str(words),
        other => *other = words.into(),
    }
    Added::Text(words.to_owned())
}

/// A number of tokens that may be missing.
pub(super) fn count(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}
