//! What differs between vendors: where a request goes, how its body looks, what a reply and an error mean. All pure.

mod anthropic;
mod gemini;
mod openai_chat;
mod openai_responses;
mod schema;

pub use schema::SchemaTrouble;

use serde_json::Value;

use super::Prompt;
use super::trouble::{Trouble, TroubleKind};
use crate::values::Usage;

/// A vendor's interface for one question and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions, and every server that speaks it.
    OpenAiChat,
    /// OpenAI Responses.
    OpenAiResponses,
    /// Gemini generateContent.
    Gemini,
}

/// How an answer is held to the schema. A server that refuses one gets the next; all answers are validated locally.
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

/// What a reply holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text that should be JSON.
    Text(String),
    /// JSON that the vendor has parsed already (a tool's input).
    Json(Value),
}

/// Why the model stopped.
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
    /// What the model said, if anything.
    pub content: Option<Content>,
    /// Why it stopped.
    pub finish: Finish,
    /// Tokens, where the response tells them.
    pub usage: Option<Usage>,
    /// The model that answered, by its own name.
    pub model: Option<String>,
}

/// How requests of a run are phrased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The interface.
    pub vendor: Vendor,
    /// The model.
    pub model: String,
    /// Version of the interface: a header at Anthropic, a part of the path at Gemini, nothing elsewhere.
    pub api_version: String,
    /// Whether the server is the vendor itself; other servers know older field names only.
    pub first_party: bool,
}

impl Vendor {
    /// The version that this client was written against.
    /// <https://platform.claude.com/docs/en/api/versioning>; google-genai 3.4.0 calls `v1`.
    pub fn default_api_version(self) -> &'static str {
        match self {
            Self::Anthropic => "2026-10-21",
            Self::Gemini => "v1",
            Self::OpenAiChat | Self::OpenAiResponses => "",
        }
    }

    /// Where the vendor's own service is.
    pub fn default_base_url(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com",
            Self::OpenAiChat | Self::OpenAiResponses => "https://api.openai.com/v1",
            Self::Gemini => "https://generativelanguage.googleapis.com",
        }
    }

    /// The environment variable in which people keep its key.
    pub fn key_variable(self) -> &'static str {
        match self {
            Self::Anthropic => "ANTHROPIC_API_KEY",
            Self::OpenAiChat | Self::OpenAiResponses => "OPENAI_API_KEY",
            Self::Gemini => "GEMINI_API_KEY",
        }
    }

    /// The mechanism to begin with, for this schema.
    ///
    /// # Errors
    /// If the vendor has none that can express it.
    pub fn structured(self, schema: &Value) -> Result<Structured, SchemaTrouble> {
        schema::first_mechanism(self, schema)
    }

    /// The mechanism after `from`, when the server refused that one.
    pub fn downgraded(self, from: Structured) -> Option<Structured> {
        use Structured::{Json, Prompt, Schema, Tool};
        match (self, from) {
            (Self::Anthropic, Schema) => Some(Tool),
            (Self::Anthropic, Tool | Json) => Some(Prompt),
            (_, Schema | Tool) => Some(Json),
            (_, Json) => Some(Prompt),
            (_, Prompt) => None,
        }
    }

    /// The header that carries the key.
    pub fn key_header(self, key: &str) -> (&'static str, String) {
        match self {
            Self::Anthropic => ("x-api-key", key.to_owned()),
            Self::OpenAiChat | Self::OpenAiResponses => ("authorization", format!("Bearer {key}")),
            Self::Gemini => ("x-goog-api-key", key.to_owned()),
        }
    }

    /// Whether tokens read from the prompt cache count against the limit on input tokens.
    pub fn limits_cached_input(self) -> bool {
        self != Self::Anthropic
    }
}

impl Dialect {
    /// The path below the base URL.
    pub fn path(&self) -> String {
        match self.vendor {
            Vendor::Anthropic => "/v1/messages".to_owned(),
            Vendor::OpenAiChat => "/chat/completions".to_owned(),
            Vendor::OpenAiResponses => "/responses".to_owned(),
            Vendor::Gemini => format!("/{}/models/{}:generateContent", self.api_version, self.model),
        }
    }

    /// Where the vendor tells about the model.
    pub fn model_path(&self) -> String {
        match self.vendor {
            Vendor::Anthropic => format!("/v1/models/{}", self.model),
            Vendor::OpenAiChat | Vendor::OpenAiResponses => format!("/models/{}", self.model),
            Vendor::Gemini => format!("/{}/models/{}", self.api_version, self.model),
        }
    }

    /// Headers beside the key.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match self.vendor {
            Vendor::Anthropic => vec![("anthropic-version", self.api_version.clone())],
            Vendor::OpenAiChat | Vendor::OpenAiResponses | Vendor::Gemini => Vec::new(),
        }
    }

    /// The request's body. Sampling parameters are never sent: Anthropic's version 2026-10-21 refuses them, and the
    /// reasoning models of others do.
    pub fn body(&self, prompt: &Prompt, structured: Structured) -> Value {
        match self.vendor {
            Vendor::Anthropic => anthropic::body(self, prompt, structured),
            Vendor::OpenAiChat => openai_chat::body(self, prompt, structured),
            Vendor::OpenAiResponses => openai_responses::body(self, prompt, structured),
            Vendor::Gemini => gemini::body(prompt, structured),
        }
    }

    /// Reads a response with status 2xx.
    ///
    /// # Errors
    /// A sentence, if the body is not what the vendor sends.
    pub fn reply(&self, body: &[u8]) -> Result<Reply, String> {
        let value: Value = lenient_json(body)?;
        match self.vendor {
            Vendor::Anthropic => anthropic::reply(&value),
            Vendor::OpenAiChat => openai_chat::reply(&value),
            Vendor::OpenAiResponses => openai_responses::reply(&value),
            Vendor::Gemini => gemini::reply(&value),
        }
    }

    /// Reads a response with another status.
    pub fn trouble(&self, status: u16, body: &[u8]) -> Trouble {
        let value = serde_json::from_slice::<Value>(body).ok();
        // Gemini sometimes wraps its error in a list of one.
        let value = value.map(|v| match v {
            Value::Array(mut list) if list.len() == 1 => list.remove(0),
            other => other,
        });
        let specific = value.as_ref().and_then(|v| match self.vendor {
            Vendor::Anthropic => anthropic::trouble(status, v),
            Vendor::OpenAiChat | Vendor::OpenAiResponses => openai_chat::trouble(status, v),
            Vendor::Gemini => gemini::trouble(status, v),
        });
        let said = value.as_ref().and_then(said);
        let words = said.unwrap_or_else(|| excerpt(body));
        let kind = specific.unwrap_or_else(|| by_status(status, &words));
        Trouble::new(kind, format!("the provider answered {status}: {words}"))
    }
}

/// JSON as a vendor should send it; control characters inside strings, which some servers leave raw, are escaped.
fn lenient_json(body: &[u8]) -> Result<Value, String> {
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(first) => {
            let text = String::from_utf8_lossy(body);
            crate::stages::extract::lenient_json(&text)
                .ok_or_else(|| format!("the response is not JSON ({first}): {}", excerpt(body)))
        }
    }
}

/// The error message of any vendor's error body.
fn said(body: &Value) -> Option<String> {
    let error = body.get("error").unwrap_or(body);
    let text = error.get("message").and_then(Value::as_str).or_else(|| error.as_str())?;
    Some(one_line(text))
}

/// The beginning of a body, on one line, for a message.
pub(super) fn excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return "(nothing)".to_owned();
    }
    one_line(&String::from_utf8_lossy(&body[..body.len().min(600)]))
}

fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(300) {
        Some((cut, _)) => format!("{}...", &words[..cut]),
        None => words,
    }
}

/// What a status means where the body does not say more.
fn by_status(status: u16, words: &str) -> TroubleKind {
    let lower = words.to_ascii_lowercase();
    match status {
        429 => TroubleKind::RateLimited,
        529 | 503 => TroubleKind::Overloaded,
        408 | 409 => TroubleKind::Server { may_have_answered: false },
        500 | 502 | 504 => TroubleKind::Server { may_have_answered: true },
        s if s > 500 => TroubleKind::Server { may_have_answered: true },
        401 | 403 => TroubleKind::Key,
        402 => TroubleKind::Balance,
        404 => TroubleKind::NotFound,
        413 => TroubleKind::TooLarge,
        400 | 422 if speaks_of_window(&lower) => TroubleKind::TooLarge,
        400 | 422 if speaks_of_format(&lower) => TroubleKind::Structured,
        _ => TroubleKind::BadRequest,
    }
}

/// Whether an error message says that the prompt is too long for the model.
fn speaks_of_window(lower: &str) -> bool {
    ["context length", "context_length", "context window", "prompt is too long", "maximum context", "too many tokens"]
        .iter()
        .any(|words| lower.contains(words))
        || (lower.contains("token count") && lower.contains("exceeds"))
}

/// Whether an error message says that the server does not know the way in which the schema was given.
fn speaks_of_format(lower: &str) -> bool {
    ["response_format", "json_schema", "output_config", "tool_choice", "responsejsonschema", "response_json_schema"]
        .iter()
        .any(|words| lower.contains(words))
        || lower.contains("structured output")
        || lower.contains("grammar")
}

/// The prompt's system part with the schema in words, for servers that know no better way.
fn system_with_schema(prompt: &Prompt, structured: Structured) -> String {
    match structured {
        Structured::Schema | Structured::Tool => prompt.system.to_string(),
        Structured::Json | Structured::Prompt => {
            format!("{}\n\nAnswer with JSON alone, of this JSON Schema:\n{}", prompt.system.trim_end(), prompt.schema)
        }
    }
}

fn count(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

#[cfg(test)]
mod tests;
