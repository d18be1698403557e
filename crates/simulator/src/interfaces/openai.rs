//! OpenAI Chat Completions, Responses and Batch.

mod batches;
mod requests;
mod schemas;

use serde_json::{Value, json};

use super::interface::{BatchState, Interface, ModelRequest, NoAnswer, Parts, Payload, Purpose, Refusal, UsageReport};
use crate::admission::Level;
use crate::content::{Block, Content, Stop};
use crate::streaming;

/// Chat Completions. It speaks for OpenAI's files and batches too, whatever is in them.
pub(super) const CHAT_COMPLETIONS: &dyn Interface = &OpenAi::ChatCompletions;

pub(super) const RESPONSES: &dyn Interface = &OpenAi::Responses;

enum OpenAi {
    ChatCompletions,
    Responses,
}

impl Interface for OpenAi {
    fn name(&self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat-completions",
            Self::Responses => "responses",
        }
    }

    fn claims(&self, method: &str, path: &str, _header: &dyn Fn(&str) -> Option<String>) -> Option<Purpose> {
        match (self, method, path) {
            (Self::ChatCompletions, "POST", "/chat/completions") | (Self::Responses, "POST", "/responses") => {
                Some(Purpose::Ask)
            }
            (Self::ChatCompletions, "GET", "/models") => Some(Purpose::Models),
            (Self::ChatCompletions, "GET", _) if path.starts_with("/models/") => Some(Purpose::Model),
            _ => None,
        }
    }

    fn read(&self, parts: &Parts<'_>) -> Result<ModelRequest, Refusal> {
        match self {
            Self::ChatCompletions => requests::read_chat(parts),
            Self::Responses => requests::read_responses(parts),
        }
    }

    fn success(&self, ask: &ModelRequest, content: &Content, usage: UsageReport, n: u64) -> Value {
        match self {
            Self::ChatCompletions => chat(ask, content, usage, n),
            Self::Responses => responses(ask, content, usage, n),
        }
    }

    fn error(&self, refusal: &Refusal, _n: u64) -> Value {
        error(refusal)
    }

    fn model(&self, name: &str) -> Value {
        json!({"id": name, "object": "model", "created": 1_790_000_000, "owned_by": "simulator"})
    }

    fn limit_headers(&self, levels: &[Option<Level>; 4], _unix_s: f64) -> Vec<(String, String)> {
        limit_headers(levels)
    }

    fn no_structured_output(&self) -> &'static str {
        "response_format json_schema is not supported"
    }

    fn claims_batch(&self, _path: &str, _query: &str, _header: &dyn Fn(&str) -> Option<String>) -> bool {
        matches!(self, Self::ChatCompletions)
    }

    fn batch_id(&self, n: u64) -> String {
        format!("batch_{n:08}")
    }

    fn judge_creation(&self, creation: &Value, _header: &dyn Fn(&str) -> Option<String>) -> Result<(), Refusal> {
        batches::judge_creation(creation)
    }

    fn input_file(&self, creation: &Value) -> Option<String> {
        Some(creation["input_file_id"].as_str().unwrap_or_default().to_owned())
    }

    fn payload(&self, payload: &[u8], creation: &Value) -> Result<Payload, Refusal> {
        batches::payload(payload, creation)
    }

    fn page_length(&self, asked: Option<&str>) -> Result<usize, Refusal> {
        batches::page_length(asked)
    }

    fn batch(&self, state: &BatchState<'_>) -> Value {
        batches::batch(state)
    }

    fn batches(&self, shown: Vec<Value>, last: Option<String>, more: bool) -> Value {
        let first = shown.first().map(|b| b["id"].clone());
        json!({"object": "list", "data": shown, "has_more": more, "first_id": first, "last_id": last})
    }

    fn parts_errors(&self) -> bool {
        true
    }

    fn within_batch(&self, endpoint: &str) -> Option<&'static dyn Interface> {
        endpoint.ends_with("/responses").then_some(RESPONSES)
    }

    fn events(&self, whole: &Value) -> Vec<Value> {
        match self {
            Self::ChatCompletions => streaming::chat(whole),
            Self::Responses => streaming::response(whole),
        }
    }

    fn ends_with_done(&self) -> bool {
        matches!(self, Self::ChatCompletions)
    }

    fn batch_path(&self, endpoint: &str, _model: &str) -> String {
        endpoint.to_owned()
    }

    fn request_of<'v>(&self, line: &'v Value) -> (&'v Value, &'v Value) {
        (&line["custom_id"], &line["body"])
    }

    fn result(&self, id: &Value, answered: Result<Value, NoAnswer>, n: u64) -> Value {
        batches::result(id, answered, n)
    }

    fn deleted(&self, id: &str) -> Value {
        json!({"id": id, "object": "file", "deleted": true})
    }
}

/// All text of a message; OpenAI has no thinking blocks, and nothing was offered to call.
fn text(content: &Content) -> Vec<String> {
    let of = |block: &Block| match block {
        Block::Thinking(_) | Block::Fragment(_) => None,
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

/// The call of the function that had to be called: its name and its arguments, which are cut where the budget ends.
fn call<'a>(ask: &'a ModelRequest, content: &Content) -> Option<(&'a str, String)> {
    let name = ask.tool.as_deref().filter(|_| content.stop != Stop::Refusal)?;
    let arguments = text(content).pop()?;
    Some((name, arguments))
}

/// The tier that serves a request.
fn tier(ask: &ModelRequest) -> &'static str {
    if ask.flex { "flex" } else { "default" }
}

const REFUSAL: &str = "I'm sorry, I can't help with that.";

fn chat(ask: &ModelRequest, content: &Content, usage: UsageReport, n: u64) -> Value {
    let said = text(content).concat();
    let (words, refusal) = match content.stop {
        Stop::Refusal => (Value::Null, json!(REFUSAL)),
        _ if said.is_empty() => (Value::Null, Value::Null),
        _ => (json!(said), Value::Null),
    };
    let call = call(ask, content);
    let finish = match content.stop {
        Stop::MaxTokens => "length",
        _ if call.is_some() => "tool_calls",
        _ => "stop",
    };
    let mut message = json!({"role": "assistant", "content": words, "refusal": refusal, "annotations": []});
    if let Some((name, arguments)) = call {
        message["content"] = Value::Null;
        message["tool_calls"] = json!([{"id": format!("call_{n:024}"), "type": "function",
            "function": {"name": name, "arguments": arguments}}]);
    }
    let mut body = json!({
        "id": format!("chatcmpl-{n:020}"), "object": "chat.completion", "created": 1_790_000_000 + n, "model": ask.model,
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": null, "message": message}],
        "service_tier": tier(ask), "system_fingerprint": null,
    });
    match usage {
        UsageReport::Missing => {}
        UsageReport::Null => body["usage"] = Value::Null,
        UsageReport::Full(u) => {
            body["usage"] = json!({
                "prompt_tokens": u.prompt(), "completion_tokens": u.output, "total_tokens": u.prompt() + u.output,
                "prompt_tokens_details": {"cached_tokens": u.cache_read, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": content.thoughts},
            });
        }
    }
    body
}

fn responses(ask: &ModelRequest, content: &Content, usage: UsageReport, n: u64) -> Value {
    let mut parts: Vec<Value> = text(content)
        .into_iter()
        .map(|t| json!({"type": "output_text", "text": t, "annotations": [], "logprobs": []}))
        .collect();
    if content.stop == Stop::Refusal {
        parts.push(json!({"type": "refusal", "refusal": REFUSAL}));
    }
    let cut = content.stop == Stop::MaxTokens;
    let status = if cut { "incomplete" } else { "completed" };
    let mut output = vec![match call(ask, content) {
        Some((name, arguments)) => json!({"type": "function_call", "id": format!("fc_{n:020}"),
            "call_id": format!("call_{n:024}"), "name": name, "arguments": arguments, "status": status}),
        None => json!({"type": "message", "id": format!("msg_{n:020}"), "role": "assistant", "status": status,
            "content": parts}),
    }];
    for block in &content.blocks {
        if let Block::Fragment(text) = block {
            let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
            output.insert(
                0,
                json!({"type": "message", "id": format!("msg_{n:019}f"), "role": "assistant",
                "status": "incomplete", "content": [part]}),
            );
        }
    }
    if content.blocks.iter().any(|b| matches!(b, Block::Thinking(_))) {
        output.insert(0, json!({"type": "reasoning", "id": format!("rs_{n:020}"), "summary": []}));
    }
    let mut body = json!({
        "id": format!("resp_{n:020}"), "object": "response", "created_at": 1_790_000_000 + n, "model": ask.model,
        "status": if cut { "incomplete" } else { "completed" }, "error": null, "instructions": ask.system,
        "incomplete_details": if cut { json!({"reason": "max_output_tokens"}) } else { Value::Null },
        "output": output, "parallel_tool_calls": true, "tool_choice": "auto", "tools": [], "metadata": {},
        "temperature": null, "top_p": null, "text": {"format": {"type": "text"}}, "max_output_tokens": ask.budget,
        "service_tier": tier(ask),
    });
    match usage {
        UsageReport::Missing => {}
        UsageReport::Null => body["usage"] = Value::Null,
        UsageReport::Full(u) => {
            body["usage"] = json!({
                "input_tokens": u.prompt(), "output_tokens": u.output, "total_tokens": u.prompt() + u.output,
                "input_tokens_details": {"cached_tokens": u.cache_read, "cache_write_tokens": u.cache_write_5m},
                "output_tokens_details": {"reasoning_tokens": content.thoughts},
            });
        }
    }
    body
}

fn error(refusal: &Refusal) -> Value {
    let (kind, code) = match refusal.status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("tokens", Some("rate_limit_exceeded")),
        500.. => ("server_error", None),
        _ => ("invalid_request_error", None),
    };
    let kind = if refusal.code == Some("insufficient_quota") { "insufficient_quota" } else { kind };
    json!({"error": {"message": refusal.message, "type": kind, "param": refusal.param, "code": refusal.code.or(code)}})
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

fn limit_headers(levels: &[Option<Level>; 4]) -> Vec<(String, String)> {
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
