//! Errors that are told alike by all vendors: by status, and by words.

use serde_json::Value;

use super::Vendor;
use crate::remote::trouble::{Trouble, TroubleKind};

/// Trouble that a vendor tells in JSON, live or in a line of a batch's results.
pub(in crate::remote) fn told_trouble(vendor: &dyn Vendor, status: u16, value: &Value) -> Trouble {
    let words = message_of(value).unwrap_or_else(|| excerpt(value.to_string().as_bytes()));
    let kind = vendor.trouble(status, value).unwrap_or_else(|| by_status(status, &words));
    let trouble = Trouble::new(kind, format!("the provider answered {status}: {words}"));
    Trouble { own_words: vendor.is_own_error(value), ..trouble }
}

/// Error message of any vendor's error body.
pub(super) fn message_of(body: &Value) -> Option<String> {
    let error = body.get("error").unwrap_or(body);
    let text = error.get("message").and_then(Value::as_str).or_else(|| error.as_str())?;
    Some(one_line(text))
}

/// The beginning of a body, on one line, for a message.
pub(crate) fn excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return "(nothing)".to_owned();
    }
    one_line(&String::from_utf8_lossy(&body[..body.len().min(600)]))
}

pub(super) fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(300) {
        Some((cut, _)) => format!("{}...", &words[..cut]),
        None => words,
    }
}

/// Meaning of a status where the body does not say more.
pub(super) fn by_status(status: u16, words: &str) -> TroubleKind {
    let lower = words.to_ascii_lowercase();
    match status {
        429 => TroubleKind::RateLimited,
        // 498: no room at the flex tier of Groq. <https://console.groq.com/docs/flex-processing>
        498 | 529 | 503 => TroubleKind::Overloaded,
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

/// Test whether an error message says that the prompt is too long for the model.
fn speaks_of_window(lower: &str) -> bool {
    ["context length", "context_length", "context window", "prompt is too long", "maximum context", "too many tokens"]
        .iter()
        .any(|words| lower.contains(words))
        || (lower.contains("token count") && lower.contains("exceeds"))
}

/// Test whether an error message says that the server does not know the way in which the schema was given.
fn speaks_of_format(lower: &str) -> bool {
    ["response_format", "json_schema", "output_config", "tool_choice", "responsejsonschema", "response_json_schema"]
        .iter()
        .any(|words| lower.contains(words))
        || lower.contains("structured output")
        || lower.contains("grammar")
}
