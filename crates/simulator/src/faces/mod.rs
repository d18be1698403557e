//! The vendors' interfaces: what each accepts, and the shape of what it says.

mod anthropic;
mod gemini;
mod openai;

use serde_json::Value;

use super::admission::Level;
use super::content::Content;
use corpora_values::Usage;

/// An interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Anthropic,
    Chat,
    Responses,
    Gemini,
}

/// A request that a face has understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) model: String,
    pub(super) system: String,
    pub(super) user: String,
    /// Schema of the answer, if one was given.
    pub(super) schema: Option<Value>,
    /// The tool that has to be called.
    pub(super) tool: Option<String>,
    /// Output budget in tokens.
    pub(super) budget: u64,
    /// Whether the client asks for its system prompt to be cached; others cache without being asked.
    pub(super) cached: bool,
    /// Whether for an hour, instead of five minutes.
    pub(super) cached_hour: bool,
}

/// An error as a vendor names it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrong {
    pub(super) status: u16,
    pub(super) message: String,
    /// OpenAI's `code`, where it is not the one that belongs to the status.
    pub(super) code: Option<&'static str>,
    /// OpenAI's `param`.
    pub(super) param: Option<&'static str>,
    /// Seconds after which Gemini's error asks to come again.
    pub(super) retry_s: Option<f64>,
}

impl Wrong {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code: None, param: None, retry_s: None }
    }
}

/// What an answer says of its tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum UsageSaid {
    Told(Usage),
    Missing,
    Null,
}

/// The parts of a request that faces look at.
pub(super) struct Parts<'a> {
    /// Path without query.
    pub(super) path: &'a str,
    /// A header's value.
    pub(super) header: &'a dyn Fn(&str) -> Option<String>,
    pub(super) body: &'a Value,
}

impl Face {
    /// Reads and judges a request.
    pub(super) fn read(self, parts: &Parts<'_>) -> Result<Ask, Wrong> {
        match self {
            Self::Anthropic => anthropic::read(parts),
            Self::Chat => openai::read_chat(parts),
            Self::Responses => openai::read_responses(parts),
            Self::Gemini => gemini::read(parts),
        }
    }

    /// The body of an answer.
    pub(super) fn success(self, ask: &Ask, content: &Content, usage: UsageSaid, n: u64) -> Value {
        match self {
            Self::Anthropic => anthropic::success(ask, content, usage, n),
            Self::Chat => openai::chat(ask, content, usage, n),
            Self::Responses => openai::responses(ask, content, usage, n),
            Self::Gemini => gemini::success(ask, content, usage, n),
        }
    }

    /// The body of an error.
    pub(super) fn error(self, wrong: &Wrong, n: u64) -> Value {
        match self {
            Self::Anthropic => anthropic::error(wrong, n),
            Self::Chat | Self::Responses => openai::error(wrong),
            Self::Gemini => gemini::error(wrong),
        }
    }

    /// What the vendor calls a model.
    pub(super) fn model(self, name: &str) -> Value {
        match self {
            Self::Anthropic => anthropic::model(name),
            Self::Chat | Self::Responses => openai::model(name),
            Self::Gemini => gemini::model(name),
        }
    }

    /// Headers of an answer about the limits on requests, input, output, and both. `unix_s` is now.
    pub(super) fn limit_headers(self, levels: &[Option<Level>; 4], unix_s: f64) -> Vec<(String, String)> {
        match self {
            Self::Anthropic => anthropic::limit_headers(levels, unix_s),
            Self::Chat | Self::Responses => openai::limit_headers(levels),
            Self::Gemini => Vec::new(),
        }
    }

    /// The name of the header that carries the request's id.
    pub(super) fn id_header(self) -> &'static str {
        if self == Self::Anthropic { "request-id" } else { "x-request-id" }
    }
}

/// The text of a message's content: a string, or a list of blocks of one of these types.
fn text_of(content: &Value, types: &[&str]) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(blocks) => {
            let mut all = String::new();
            for block in blocks {
                if !types.contains(&block["type"].as_str()?) {
                    return None;
                }
                all.push_str(block["text"].as_str()?);
            }
            Some(all)
        }
        _ => None,
    }
}

/// A positive integer.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().filter(|n| *n > 0)
}
