//! OpenAI Chat Completions, as OpenAI and many local servers speak it.
//! <https://platform.openai.com/docs/api-reference/chat>

use serde_json::{Value, json};

use super::{Content, Dialect, Finish, Prompt, Reply, Structured, count, schema, system_with_schema};
use crate::remote::trouble::TroubleKind;
use crate::values::Usage;

pub(super) fn body(dialect: &Dialect, prompt: &Prompt, structured: Structured) -> Value {
    let mut body = json!({
        "model": dialect.model,
        "messages": [
            {"role": "system", "content": system_with_schema(prompt, structured)},
            {"role": "user", "content": prompt.user},
        ],
    });
    // vLLM, Ollama and llama.cpp know the older name.
    let budget = if dialect.first_party { "max_completion_tokens" } else { "max_tokens" };
    body[budget] = json!(prompt.max_output_tokens);
    match structured {
        Structured::Schema | Structured::Tool => {
            body["response_format"] = json!({"type": "json_schema", "json_schema": {
                "name": &*prompt.schema_name,
                "schema": *prompt.schema,
                "strict": schema::is_strict(&prompt.schema),
            }});
        }
        Structured::Json => body["response_format"] = json!({"type": "json_object"}),
        Structured::Prompt => {}
    }
    body
}

pub(super) fn reply(value: &Value) -> Result<Reply, String> {
    let choice = value
        .get("choices")
        .and_then(|c| c.get(0))
        .ok_or_else(|| "the response has no 'choices', as a chat completion has".to_owned())?;
    let message = &choice["message"];
    let finish = match (message["refusal"].as_str(), choice["finish_reason"].as_str()) {
        (Some(refusal), _) if !refusal.is_empty() => Finish::Refused(super::one_line(refusal)),
        (_, Some("stop" | "tool_calls") | None) => Finish::Complete,
        (_, Some("length")) => Finish::Truncated,
        (_, Some("content_filter")) => Finish::Refused("content_filter".into()),
        (_, Some(other)) => Finish::Other(other.to_owned()),
    };
    let content = message["content"].as_str().filter(|t| !t.trim().is_empty()).map(|t| Content::Text(t.to_owned()));
    let model = value["model"].as_str().map(str::to_owned);
    Ok(Reply { content, finish, usage: usage(&value["usage"]), model })
}

fn usage(value: &Value) -> Option<Usage> {
    let prompt = value.get("prompt_tokens")?.as_u64()?;
    let cached = value.get("prompt_tokens_details").map_or(0, |d| count(d, "cached_tokens")).min(prompt);
    Some(Usage {
        input: prompt - cached,
        cache_read: cached,
        output: count(value, "completion_tokens"),
        ..Usage::default()
    })
}

/// The error body of OpenAI; local servers send parts of it.
pub(super) fn trouble(status: u16, value: &Value) -> Option<TroubleKind> {
    let error = value.get("error")?;
    let word = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    match (word("code"), word("type")) {
        ("insufficient_quota" | "billing_hard_limit_reached", _) | (_, "insufficient_quota") => {
            Some(TroubleKind::Balance)
        }
        ("invalid_api_key", _) => Some(TroubleKind::Key),
        ("model_not_found", _) => Some(TroubleKind::NotFound),
        ("context_length_exceeded", _) => Some(TroubleKind::TooLarge),
        ("content_policy_violation" | "content_filter", _) => Some(TroubleKind::Refused),
        _ if matches!(status, 400 | 422) && word("param").starts_with("response_format") => {
            Some(TroubleKind::Structured)
        }
        _ if matches!(status, 400 | 422) && word("param").starts_with("text.format") => Some(TroubleKind::Structured),
        _ => None,
    }
}
