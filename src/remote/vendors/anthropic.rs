//! Anthropic Messages. <https://platform.claude.com/docs/en/api/messages>

use serde_json::{Value, json};

use super::{Content, Dialect, Finish, Prompt, Reply, Structured, count, system_with_schema};
use crate::remote::trouble::TroubleKind;
use crate::values::Usage;

pub(super) fn body(dialect: &Dialect, prompt: &Prompt, structured: Structured) -> Value {
    // The instructions are the same in every request of a run: the first writes them to the cache, the others read.
    let system = json!([{
        "type": "text",
        "text": system_with_schema(prompt, structured),
        "cache_control": {"type": "ephemeral"},
    }]);
    let mut body = json!({
        "model": dialect.model,
        "max_tokens": prompt.max_output_tokens,
        "system": system,
        "messages": [{"role": "user", "content": [{"type": "text", "text": prompt.user}]}],
    });
    match structured {
        Structured::Schema => {
            body["output_config"] = json!({"format": {"type": "json_schema", "schema": *prompt.schema}});
        }
        Structured::Tool => {
            body["tools"] = json!([{
                "name": &*prompt.schema_name,
                "description": "Takes the answer.",
                "input_schema": *prompt.schema,
            }]);
            body["tool_choice"] = json!({"type": "tool", "name": &*prompt.schema_name});
        }
        Structured::Json | Structured::Prompt => {}
    }
    body
}

pub(super) fn reply(value: &Value) -> Result<Reply, String> {
    let blocks = value
        .get("content")
        .and_then(Value::as_array)
        .ok_or_else(|| "the response has no list 'content', as an Anthropic message has".to_owned())?;
    // A thinking block may come first, text may come before the tool call: blocks are told apart by type.
    let tool = blocks.iter().find(|b| b["type"] == "tool_use").and_then(|b| b.get("input"));
    let text: String = blocks.iter().filter(|b| b["type"] == "text").filter_map(|b| b["text"].as_str()).collect();
    let content = match tool {
        Some(input) => Some(Content::Json(input.clone())),
        None => Some(text).filter(|t| !t.trim().is_empty()).map(Content::Text),
    };
    let finish = match value["stop_reason"].as_str() {
        Some("end_turn" | "stop_sequence" | "tool_use") | None => Finish::Complete,
        Some("max_tokens") => Finish::Truncated,
        Some("refusal") => Finish::Refused("refusal".into()),
        Some("model_context_window_exceeded") => Finish::WindowExceeded,
        Some(other) => Finish::Other(other.to_owned()),
    };
    let model = value["model"].as_str().map(str::to_owned);
    Ok(Reply { content, finish, usage: usage(&value["usage"]), model })
}

fn usage(value: &Value) -> Option<Usage> {
    let input = value.get("input_tokens")?.as_u64()?;
    let written = count(value, "cache_creation_input_tokens");
    let hour = value.get("cache_creation").map_or(0, |c| count(c, "ephemeral_1h_input_tokens"));
    Some(Usage {
        input,
        cache_read: count(value, "cache_read_input_tokens"),
        cache_write_5m: written.saturating_sub(hour),
        cache_write_1h: hour,
        output: count(value, "output_tokens"),
    })
}

/// <https://platform.claude.com/docs/en/api/errors>
pub(super) fn trouble(status: u16, value: &Value) -> Option<TroubleKind> {
    let error = value.get("error")?;
    let message = error["message"].as_str().unwrap_or_default().to_ascii_lowercase();
    Some(match error["type"].as_str()? {
        "authentication_error" | "permission_error" => TroubleKind::Key,
        "billing_error" => TroubleKind::Balance,
        // A spend limit that is reached comes as 400 and does not pass by itself.
        "invalid_request_error" if message.contains("credit balance") || message.contains("spend limit") => {
            TroubleKind::Balance
        }
        "invalid_request_error" if message.contains("usage limit") => TroubleKind::Balance,
        "not_found_error" => TroubleKind::NotFound,
        "request_too_large" => TroubleKind::TooLarge,
        "rate_limit_error" => TroubleKind::RateLimited,
        "overloaded_error" => TroubleKind::Overloaded,
        "timeout_error" => TroubleKind::Server { may_have_answered: true },
        "api_error" if status >= 500 => TroubleKind::Server { may_have_answered: true },
        _ => return None,
    })
}
