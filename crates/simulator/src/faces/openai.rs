//! OpenAI Chat Completions and Responses.

use serde_json::{Value, json};

use super::super::admission::Level;
use super::super::content::{Block, Content, Stop};
use super::{Ask, Parts, UsageSaid, Wrong, text_of, whole};

fn bad(message: &str, param: &'static str) -> Wrong {
    Wrong { param: Some(param), ..Wrong::new(400, message) }
}

/// Output budget where a request names none.
const BUDGET: u64 = 16_384;

fn model_of(body: &Value) -> Result<String, Wrong> {
    if body["stream"] == true {
        return Err(bad("the simulator does not stream", "stream"));
    }
    body["model"].as_str().map(str::to_owned).ok_or_else(|| bad("you must provide a model parameter", "model"))
}

/// The budget of the first field that is there.
fn budget_of(body: &Value, fields: &[&'static str]) -> Result<u64, Wrong> {
    let Some(field) = fields.iter().find(|f| !body[**f].is_null()) else { return Ok(BUDGET) };
    whole(&body[*field]).ok_or_else(|| bad("Invalid value: expected an integer of at least 1", field))
}

/// A JSON Schema format object, as both interfaces carry it.
fn schema_of(format: &Value, inner: &Value, param: &'static str) -> Result<Option<Value>, Wrong> {
    match format["type"].as_str() {
        None if format.is_null() => Ok(None),
        Some("text" | "json_object") => Ok(None),
        Some("json_schema") => {
            let name = inner["name"].as_str().unwrap_or_default();
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
                return Err(bad("Missing or invalid 'name' of the json_schema", param));
            }
            if !inner["schema"].is_object() {
                return Err(bad("Missing 'schema' of the json_schema", param));
            }
            if inner["strict"] == true {
                strict(&inner["schema"])
                    .map_err(|m| bad(&format!("Invalid schema for response_format '{name}': {m}"), param))?;
            }
            Ok(Some(inner["schema"].clone()))
        }
        _ => Err(bad("Invalid value: supported are 'text', 'json_object' and 'json_schema'", param)),
    }
}

/// Strict schemas name every property as required and allow no others.
fn strict(schema: &Value) -> Result<(), String> {
    if let Some(properties) = schema["properties"].as_object() {
        if schema["additionalProperties"] != false {
            return Err("'additionalProperties' is required to be supplied and to be false".into());
        }
        for (name, inner) in properties {
            if !schema["required"].as_array().is_some_and(|r| r.iter().any(|x| x == name)) {
                return Err(format!("'required' is required to include every key in properties. Missing '{name}'"));
            }
            strict(inner)?;
        }
    }
    if schema["items"].is_object() { strict(&schema["items"]) } else { Ok(()) }
}

pub(super) fn read_chat(parts: &Parts<'_>) -> Result<Ask, Wrong> {
    let body = parts.body;
    let model = model_of(body)?;
    let messages = body["messages"].as_array().filter(|m| !m.is_empty());
    let messages = messages.ok_or_else(|| bad("Missing required parameter: 'messages'", "messages"))?;
    let (mut system, mut user) = (String::new(), String::new());
    for message in messages {
        let text = text_of(&message["content"], &["text"]).ok_or_else(|| bad("Invalid content", "messages"))?;
        match message["role"].as_str() {
            Some("system" | "developer") => system.push_str(&text),
            Some("user") => user.push_str(&text),
            Some("assistant") => {}
            _ => return Err(bad("Invalid value for role", "messages")),
        }
    }
    let budget = budget_of(body, &["max_completion_tokens", "max_tokens"])?;
    let format = &body["response_format"];
    let schema = schema_of(format, &format["json_schema"], "response_format")?;
    Ok(Ask { model, system, user, schema, tool: None, budget, cached: false, cached_hour: false })
}

pub(super) fn read_responses(parts: &Parts<'_>) -> Result<Ask, Wrong> {
    let body = parts.body;
    let model = model_of(body)?;
    let mut system = body["instructions"].as_str().unwrap_or_default().to_owned();
    let mut user = String::new();
    match &body["input"] {
        Value::String(text) => user.push_str(text),
        Value::Array(list) if !list.is_empty() => {
            for message in list {
                let text = text_of(&message["content"], &["input_text", "output_text"]);
                let text = text.ok_or_else(|| bad("Invalid content", "input"))?;
                match message["role"].as_str() {
                    Some("user") => user.push_str(&text),
                    Some("system" | "developer") => system.push_str(&text),
                    Some("assistant") => {}
                    _ => return Err(bad("Invalid value for role", "input")),
                }
            }
        }
        _ => return Err(bad("Missing required parameter: 'input'", "input")),
    }
    let budget = budget_of(body, &["max_output_tokens"])?;
    let format = &body["text"]["format"];
    let schema = schema_of(format, format, "text.format")?;
    Ok(Ask { model, system, user, schema, tool: None, budget, cached: false, cached_hour: false })
}

/// All text of a message; OpenAI has no thinking blocks, and nothing was offered to call.
fn text(content: &Content) -> Vec<String> {
    let of = |block: &Block| match block {
        Block::Thinking(_) => None,
        Block::Text(text) => Some(text.clone()),
        Block::Tool(value) => Some(value.to_string()),
    };
    let all: Vec<String> = content.blocks.iter().filter_map(of).collect();
    // What stands before a tool call at others would only be text around JSON here.
    if content.blocks.iter().any(|b| matches!(b, Block::Tool(_))) {
        all.into_iter().rev().take(1).collect()
    } else {
        all
    }
}

const REFUSAL: &str = "I'm sorry, I can't help with that.";

pub(super) fn chat(ask: &Ask, content: &Content, usage: UsageSaid, n: u64) -> Value {
    let said = text(content).concat();
    let (words, refusal) = match content.stop {
        Stop::Refusal => (Value::Null, json!(REFUSAL)),
        _ if said.is_empty() => (Value::Null, Value::Null),
        _ => (json!(said), Value::Null),
    };
    let finish = if content.stop == Stop::MaxTokens { "length" } else { "stop" };
    let mut body = json!({
        "id": format!("chatcmpl-{n:020}"), "object": "chat.completion", "created": 1_790_000_000 + n, "model": ask.model,
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": null,
            "message": {"role": "assistant", "content": words, "refusal": refusal, "annotations": []}}],
        "service_tier": "default", "system_fingerprint": null,
    });
    match usage {
        UsageSaid::Missing => {}
        UsageSaid::Null => body["usage"] = Value::Null,
        UsageSaid::Told(u) => {
            body["usage"] = json!({
                "prompt_tokens": u.prompt(), "completion_tokens": u.output, "total_tokens": u.prompt() + u.output,
                "prompt_tokens_details": {"cached_tokens": u.cache_read, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            });
        }
    }
    body
}

pub(super) fn responses(ask: &Ask, content: &Content, usage: UsageSaid, n: u64) -> Value {
    let mut parts: Vec<Value> = text(content)
        .into_iter()
        .map(|t| json!({"type": "output_text", "text": t, "annotations": [], "logprobs": []}))
        .collect();
    if content.stop == Stop::Refusal {
        parts.push(json!({"type": "refusal", "refusal": REFUSAL}));
    }
    let cut = content.stop == Stop::MaxTokens;
    let mut output = vec![json!({"type": "message", "id": format!("msg_{n:020}"), "role": "assistant",
        "status": if cut { "incomplete" } else { "completed" }, "content": parts})];
    if content.blocks.iter().any(|b| matches!(b, Block::Thinking(_))) {
        output.insert(0, json!({"type": "reasoning", "id": format!("rs_{n:020}"), "summary": []}));
    }
    let mut body = json!({
        "id": format!("resp_{n:020}"), "object": "response", "created_at": 1_790_000_000 + n, "model": ask.model,
        "status": if cut { "incomplete" } else { "completed" }, "error": null, "instructions": ask.system,
        "incomplete_details": if cut { json!({"reason": "max_output_tokens"}) } else { Value::Null },
        "output": output, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "metadata": {},
        "temperature": null, "top_p": null, "text": {"format": {"type": "text"}}, "max_output_tokens": ask.budget,
    });
    match usage {
        UsageSaid::Missing => {}
        UsageSaid::Null => body["usage"] = Value::Null,
        UsageSaid::Told(u) => {
            body["usage"] = json!({
                "input_tokens": u.prompt(), "output_tokens": u.output, "total_tokens": u.prompt() + u.output,
                "input_tokens_details": {"cached_tokens": u.cache_read, "cache_write_tokens": u.cache_write_5m},
                "output_tokens_details": {"reasoning_tokens": 0},
            });
        }
    }
    body
}

pub(super) fn error(wrong: &Wrong) -> Value {
    let (kind, code) = match wrong.status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("tokens", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    let kind = if wrong.code == Some("insufficient_quota") { "insufficient_quota" } else { kind };
    json!({"error": {"message": wrong.message, "type": kind, "param": wrong.param, "code": wrong.code.or(code)}})
}

pub(super) fn model(name: &str) -> Value {
    json!({"id": name, "object": "model", "created": 1_790_000_000, "owned_by": "simulator"})
}

/// `1h2m3.5s`, as OpenAI writes durations.
fn duration(seconds: f64) -> String {
    let (hours, rest) = ((seconds / 3600.0).floor(), seconds % 3600.0);
    let (minutes, rest) = ((rest / 60.0).floor(), rest % 60.0);
    match (hours > 0.0, minutes > 0.0) {
        (true, _) => format!("{hours}h{minutes}m{rest:.3}s"),
        (false, true) => format!("{minutes}m{rest:.3}s"),
        (false, false) if rest < 1.0 => format!("{}ms", (rest * 1000.0).ceil()),
        (false, false) => format!("{rest:.3}s"),
    }
}

pub(super) fn limit_headers(levels: &[Option<Level>; 4]) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    // Input and output limits apart are unknown here: the tighter of the sums is told.
    let tokens = levels[3].or(levels[1]);
    for (name, level) in [("requests", levels[0]), ("tokens", tokens)] {
        let Some(level) = level else { continue };
        headers.push((format!("x-ratelimit-limit-{name}"), level.limit.to_string()));
        headers.push((format!("x-ratelimit-remaining-{name}"), level.remaining.to_string()));
        headers.push((format!("x-ratelimit-reset-{name}"), duration(level.reset_s)));
    }
    headers
}
