//! Errors that are told alike by all vendors: by status, and by words.

use serde_json::Value;

use super::Vendor;
use crate::remote::trouble::{Trouble, TroubleKind};

/// Trouble that a vendor tells in JSON, live or in a line of a batch's results.
pub(in crate::remote) fn told_trouble(vendor: &dyn Vendor, status: u16, value: &Value) -> Trouble {
    let words = message_of(value).unwrap_or_else(|| excerpt(value.to_string().as_bytes()));
    let kind = vendor.trouble(status, value).unwrap_or_else(|| by_status(status, &words));
    let context_size = context_size_of(&words).filter(|_| kind == TroubleKind::TooLarge);
    let trouble = Trouble::new(kind, format!("the provider answered {status}: {words}"));
    Trouble { own_words: vendor.is_own_error(value), context_size, ..trouble }
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
        400 | 422 if speaks_of_model(&lower) => TroubleKind::NotFound,
        400 | 422 if speaks_of_format(&lower) => TroubleKind::Structured,
        _ => TroubleKind::BadRequest,
    }
}

/// Test whether an error message says that the prompt is too long for the model.
fn speaks_of_window(lower: &str) -> bool {
    [
        "context length",
        "context_length",
        "context window",
        "contextwindow",
        "context size",
        "prompt is too long",
        "maximum context",
        "too many tokens",
    ]
    .iter()
    .any(|words| lower.contains(words))
        || (lower.contains("token count") && lower.contains("exceeds"))
}

/// Test whether an error message says that there is no such model: with 400 in gateways, as LiteLLM.
fn speaks_of_model(lower: &str) -> bool {
    ["invalid model", "unknown model", "no such model", "model not found"].iter().any(|words| lower.contains(words))
        || (lower.contains("model") && lower.contains("does not exist"))
}

/// Tokens of prompt and answer together that a model takes, where the message of a request that was too long tells it: the number
/// after "context size" in llama.cpp, after "maximum context length is" in OpenAI and vLLM.
fn context_size_of(words: &str) -> Option<u64> {
    let lower = words.to_ascii_lowercase();
    let told = ["context size (", "context length is ", "context length of ", "context size of "];
    let at = told.iter().find_map(|words| lower.find(words).map(|at| at + words.len()))?;
    let digits: String =
        lower[at..].chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
    digits.parse().ok()
}

/// Test whether an error message says that the server does not know the way in which the schema was given.
fn speaks_of_format(lower: &str) -> bool {
    ["response_format", "json_schema", "output_config", "tool_choice", "responsejsonschema", "response_json_schema"]
        .iter()
        .any(|words| lower.contains(words))
        || lower.contains("structured output")
        || lower.contains("json schema")
        || lower.contains("grammar")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::OPENAI_CHAT;
    use serde_json::json;

    /// Bodies that real servers sent: llama.cpp (build 11549) and LiteLLM 1.83, recorded.
    #[test]
    fn what_llama_cpp_and_litellm_say_is_understood() {
        let of = |status, message: &str| told_trouble(OPENAI_CHAT, status, &json!({"error": {"message": message}}));
        let llama =
            of(400, "request (3030 tokens) exceeds the available context size (2048 tokens), try increasing it");
        assert_eq!((llama.kind, llama.context_size), (TroubleKind::TooLarge, Some(2048)));
        let litellm = of(
            400,
            "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - request (3030 tokens) exceeds the available context size (2048 tokens), try increasing it",
        );
        assert_eq!((litellm.kind, litellm.context_size), (TroubleKind::TooLarge, Some(2048)));
        let openai = of(400, "This model's maximum context length is 16,385 tokens. However, you requested 20000");
        assert_eq!((openai.kind, openai.context_size), (TroubleKind::TooLarge, Some(16_385)));
        let name = of(
            400,
            "/chat/completions: Invalid model name passed in model=nosuch. Call `/v1/models` to view available models for your key.",
        );
        assert_eq!(name.kind, TroubleKind::NotFound);
        let schema = of(
            400,
            "Unable to generate parser for this template. Automatic parser generation failed: JSON schema error at #/properties/items: unrecognized type strng",
        );
        assert_eq!(schema.kind, TroubleKind::Structured);
        assert_eq!(of(503, "Loading model").kind, TroubleKind::Overloaded);
        assert!(of(500, "litellm.InternalServerError: OpenAIException - Connection error.").is_of_server());
    }
}
