//! Anthropic Messages.

use serde_json::{Map, Value, json};

use super::super::admission::Level;
use super::super::content::{Block, Content, Stop};
use super::{Ask, Parts, UsageSaid, Wrong, text_of, whole};

/// Fields of a request; every other one is refused.
const FIELDS: [&str; 21] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "cache_control",
    "service_tier",
    "container",
    "context_management",
    "mcp_servers",
    "inference_geo",
];

/// The version that removed the sampling parameters.
const WITHOUT_SAMPLING: &str = "2026-10-21";

pub(super) fn read(parts: &Parts<'_>) -> Result<Ask, Wrong> {
    let bad = |message: &str| Wrong::new(400, message);
    let version = (parts.header)("anthropic-version").ok_or_else(|| bad("anthropic-version: header is required"))?;
    if !["2023-06-01", WITHOUT_SAMPLING].contains(&version.as_str()) {
        return Err(Wrong::new(400, format!("anthropic-version: {version} is not a valid version")));
    }
    let body = parts.body.as_object().ok_or_else(|| bad("the body is not a JSON object"))?;
    let counting = parts.path.ends_with("/count_tokens");
    if let Some(unknown) = body.keys().find(|k| !FIELDS.contains(&k.as_str())) {
        return Err(Wrong::new(400, format!("{unknown}: Extra inputs are not permitted")));
    }
    let sampling = ["temperature", "top_p", "top_k"].iter().find(|k| body.contains_key(**k));
    if let Some(sampling) = sampling.filter(|_| version == WITHOUT_SAMPLING) {
        return Err(Wrong::new(400, format!("{sampling}: not supported under anthropic-version {version}")));
    }
    if body.get("stream").is_some_and(|s| *s == true) {
        return Err(bad("stream: the simulator does not stream"));
    }
    let model = body.get("model").and_then(Value::as_str).ok_or_else(|| bad("model: Field required"))?.to_owned();
    let budget = match body.get("max_tokens").map(whole) {
        Some(Some(n)) => n,
        None if counting => 0,
        _ => return Err(bad("max_tokens: Field required, at least 1")),
    };
    let messages = body.get("messages").and_then(Value::as_array).filter(|m| !m.is_empty());
    let messages = messages.ok_or_else(|| bad("messages: at least one message is required"))?;
    let mut user = String::new();
    for (n, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if !["user", "assistant"].contains(&role) {
            return Err(Wrong::new(400, format!("messages.{n}.role: Input should be 'user' or 'assistant'")));
        }
        if role == "assistant" && n + 1 == messages.len() {
            return Err(bad("messages: this model does not support assistant message prefill"));
        }
        let text = text_of(&message["content"], &["text"])
            .ok_or_else(|| Wrong::new(400, format!("messages.{n}.content: Input should be text")))?;
        if role == "user" {
            user.push_str(&text);
        }
    }
    let (mut system, mut cached, mut cached_hour) = (String::new(), body.contains_key("cache_control"), false);
    if let Some(given) = body.get("system") {
        system = text_of(given, &["text"]).ok_or_else(|| bad("system: Input should be text"))?;
        for control in given.as_array().into_iter().flatten().filter_map(|b| b.get("cache_control")) {
            if control["type"] != "ephemeral" || !matches!(control["ttl"].as_str(), None | Some("5m" | "1h")) {
                return Err(bad("system.cache_control: Input should be ephemeral with ttl 5m or 1h"));
            }
            cached = true;
            cached_hour |= control["ttl"] == "1h";
        }
    }
    let format = body.get("output_config").and_then(|c| c.get("format"));
    let mut schema = None;
    if let Some(format) = format {
        if format["type"] != "json_schema" || !format["schema"].is_object() {
            return Err(bad("output_config.format: type json_schema and schema are required"));
        }
        schema = Some(format["schema"].clone());
    }
    let mut tool = None;
    for (n, given) in body.get("tools").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let name = given["name"].as_str().filter(|_| given["input_schema"].is_object());
        let name = name.ok_or_else(|| Wrong::new(400, format!("tools.{n}: name and input_schema are required")))?;
        if body.get("tool_choice").is_some_and(|c| c["name"] == name || c["type"] == "any") {
            tool = Some(name.to_owned());
            schema = Some(given["input_schema"].clone());
        }
    }
    Ok(Ask { model, system, user, schema, tool, budget, cached, cached_hour })
}

pub(super) fn success(ask: &Ask, content: &Content, usage: UsageSaid, n: u64) -> Value {
    let tool = content.blocks.iter().any(|b| matches!(b, Block::Tool(_)));
    let blocks: Vec<Value> = content
        .blocks
        .iter()
        .map(|block| match block {
            Block::Thinking(text) => json!({"type": "thinking", "thinking": text, "signature": "c2ln"}),
            Block::Text(text) => json!({"type": "text", "text": text, "citations": null}),
            Block::Tool(input) => json!({"type": "tool_use", "id": format!("toolu_{n:020}"),
                "name": ask.tool.as_deref().unwrap_or("answer"), "input": input}),
        })
        .collect();
    let stop = match content.stop {
        Stop::End if tool => "tool_use",
        Stop::End => "end_turn",
        Stop::MaxTokens => "max_tokens",
        Stop::Refusal => "refusal",
    };
    let mut body = json!({
        "id": format!("msg_{n:024}"), "type": "message", "role": "assistant", "model": ask.model, "content": blocks,
        "stop_reason": stop, "stop_sequence": null, "stop_details": null, "container": null,
    });
    match usage {
        UsageSaid::Missing => {}
        UsageSaid::Null => body["usage"] = Value::Null,
        UsageSaid::Told(u) => {
            body["usage"] = json!({
                "input_tokens": u.input, "output_tokens": u.output,
                "cache_creation_input_tokens": u.cache_write_5m + u.cache_write_1h, "cache_read_input_tokens": u.cache_read,
                "cache_creation": {"ephemeral_5m_input_tokens": u.cache_write_5m, "ephemeral_1h_input_tokens": u.cache_write_1h},
                "service_tier": "standard", "server_tool_use": null, "inference_geo": "not_available",
            });
        }
    }
    body
}

pub(super) fn error(wrong: &Wrong, n: u64) -> Value {
    let kind = match wrong.status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 | 408 => "timeout_error",
        529 | 503 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": wrong.message}, "request_id": format!("req_{n:024}")})
}

pub(super) fn model(name: &str) -> Value {
    json!({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"})
}

pub(super) fn limit_headers(levels: &[Option<Level>; 4], unix_s: f64) -> Vec<(String, String)> {
    let mut headers = Map::new();
    for (name, level) in ["requests", "input-tokens", "output-tokens", "tokens"].iter().zip(levels) {
        let Some(level) = level else { continue };
        let full = jiff::Timestamp::from_second((unix_s + level.reset_s).ceil() as i64).unwrap_or_default();
        for (what, value) in [
            ("limit", level.limit.to_string()),
            ("remaining", level.remaining.to_string()),
            ("reset", full.to_string()),
        ] {
            headers.insert(format!("anthropic-ratelimit-{name}-{what}"), Value::String(value));
        }
    }
    headers.into_iter().filter_map(|(k, v)| Some((k, v.as_str()?.to_owned()))).collect()
}
