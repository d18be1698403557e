//! Answers as server-sent events, in the pieces that vendors send.

use serde_json::{Value, json};

/// Characters of an answer in one event.
const PIECE: usize = 48;

/// Body of a stream of these events; each of a type is named by it, as the vendors that have types do.
pub(crate) fn body(events: &[Value], ends_with_done: bool) -> Vec<u8> {
    let mut body = String::new();
    for event in events {
        if let Some(name) = event["type"].as_str() {
            body.extend(["event: ", name, "\n"]);
        }
        body.extend(["data: ", &event.to_string(), "\n\n"]);
    }
    if ends_with_done {
        body += "data: [DONE]\n\n";
    }
    body.into_bytes()
}

fn pieces(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(PIECE).map(|piece| piece.iter().collect()).collect()
}

/// Events of a chat completion. <https://platform.openai.com/docs/api-reference/chat-streaming>
pub(crate) fn chat(whole: &Value) -> Vec<Value> {
    let chunk = |choices: Value, usage: &Value| json!({"id": whole["id"], "object": "chat.completion.chunk", "created": whole["created"], "model": whole["model"], "service_tier": whole["service_tier"], "choices": choices, "usage": usage});
    let delta = |delta: Value, finish: &Value| json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let choice = &whole["choices"][0];
    let mut events = vec![chunk(delta(json!({"role": "assistant", "content": ""}), &Value::Null), &Value::Null)];
    for field in ["refusal", "content"] {
        for piece in pieces(choice["message"][field].as_str().unwrap_or_default()) {
            events.push(chunk(delta(json!({ field: piece }), &Value::Null), &Value::Null));
        }
    }
    for (index, call) in choice["message"]["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let mut call = call.clone();
        call["index"] = json!(index);
        events.push(chunk(delta(json!({"tool_calls": [call]}), &Value::Null), &Value::Null));
    }
    events.push(chunk(delta(json!({}), &choice["finish_reason"]), &Value::Null));
    events.push(chunk(json!([]), &whole["usage"]));
    events
}

/// Events of a response. <https://platform.openai.com/docs/api-reference/responses-streaming>
pub(crate) fn response(whole: &Value) -> Vec<Value> {
    let mut begun = whole.clone();
    (begun["status"], begun["output"], begun["usage"]) = (json!("in_progress"), json!([]), Value::Null);
    let mut events = vec![json!({"type": "response.created", "response": begun})];
    for (item, output) in whole["output"].as_array().into_iter().flatten().enumerate() {
        for (part, content) in output["content"].as_array().into_iter().flatten().enumerate() {
            for piece in pieces(content["text"].as_str().unwrap_or_default()) {
                events.push(json!({"type": "response.output_text.delta", "output_index": item, "content_index": part, "delta": piece}));
            }
        }
    }
    let end = if whole["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
    events.push(json!({"type": end, "response": whole}));
    events
}

/// Events of a message. <https://platform.claude.com/docs/en/build-with-claude/streaming>
pub(crate) fn message(whole: &Value) -> Vec<Value> {
    let mut begun = whole.clone();
    (begun["content"], begun["stop_reason"]) = (json!([]), Value::Null);
    if begun["usage"].is_object() {
        begun["usage"]["output_tokens"] = json!(1);
    }
    let mut events = vec![json!({"type": "message_start", "message": begun}), json!({"type": "ping"})];
    for (index, block) in whole["content"].as_array().into_iter().flatten().enumerate() {
        let (field, kind, text) = match block["type"].as_str() {
            Some("tool_use") => ("partial_json", "input_json_delta", block["input"].to_string()),
            Some("thinking") => {
                ("thinking", "thinking_delta", block["thinking"].as_str().unwrap_or_default().to_owned())
            }
            _ => ("text", "text_delta", block["text"].as_str().unwrap_or_default().to_owned()),
        };
        let mut start = block.clone();
        match kind {
            "input_json_delta" => start["input"] = json!({}),
            _ => start[field] = json!(""),
        }
        events.push(json!({"type": "content_block_start", "index": index, "content_block": start}));
        for piece in pieces(&text) {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let mut end =
        json!({"type": "message_delta", "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": null}});
    if let Some(output) = whole["usage"].get("output_tokens") {
        end["usage"] = json!({"output_tokens": output});
    }
    events.push(end);
    events.push(json!({"type": "message_stop"}));
    events
}

/// Events of generated content. <https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent>
pub(crate) fn generated(whole: &Value) -> Vec<Value> {
    let parts = whole.pointer("/candidates/0/content/parts").and_then(Value::as_array);
    let Some(parts) = parts else { return vec![whole.clone()] };
    let mut events = Vec::new();
    let one = |part: &Value| {
        json!({"modelVersion": whole["modelVersion"], "responseId": whole["responseId"],
        "candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}}]})
    };
    for part in parts {
        if part["text"].is_null() {
            events.push(one(part));
        }
        for piece in pieces(part["text"].as_str().unwrap_or_default()) {
            let mut part = part.clone();
            part["text"] = json!(piece);
            events.push(one(&part));
        }
    }
    let mut last = whole.clone();
    last["candidates"][0]["content"]["parts"] = json!([]);
    events.push(last);
    events
}
