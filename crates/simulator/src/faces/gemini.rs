//! Gemini generateContent.

use serde_json::{Value, json};

use super::super::content::{Block, Content, Stop};
use super::{Ask, Parts, UsageSaid, Wrong, whole};

/// Output budget where a request names none.
const BUDGET: u64 = 8_192;

fn parts_text(content: &Value) -> Option<String> {
    content["parts"].as_array()?.iter().map(|p| p["text"].as_str()).collect()
}

pub(super) fn read(parts: &Parts<'_>) -> Result<Ask, Wrong> {
    let bad = |message: &str| Wrong::new(400, message);
    let body = parts.body;
    let model = parts.path.rsplit('/').next().and_then(|last| last.split(':').next()).unwrap_or_default().to_owned();
    let known = [
        "contents",
        "systemInstruction",
        "system_instruction",
        "generationConfig",
        "generation_config",
        "safetySettings",
        "tools",
        "toolConfig",
        "cachedContent",
        "labels",
        "model",
        "generateContentRequest",
        "store",
        "serviceTier",
    ];
    let fields = body.as_object().ok_or_else(|| bad("Invalid JSON payload received."))?;
    if let Some(unknown) = fields.keys().find(|k| !known.contains(&k.as_str())) {
        return Err(Wrong::new(
            400,
            format!("Invalid JSON payload received. Unknown name \"{unknown}\": Cannot find field."),
        ));
    }
    let contents = body["contents"].as_array().filter(|c| !c.is_empty());
    let contents = contents.ok_or_else(|| bad("* GenerateContentRequest.contents: contents is not specified"))?;
    let mut user = String::new();
    for content in contents {
        if !matches!(content["role"].as_str(), None | Some("user" | "model")) {
            return Err(bad("Please use a valid role: user, model."));
        }
        let text = parts_text(content).ok_or_else(|| bad("contents.parts: must be text"))?;
        if content["role"] != "model" {
            user.push_str(&text);
        }
    }
    let system =
        ["systemInstruction", "system_instruction"].iter().find_map(|f| parts_text(&body[*f])).unwrap_or_default();
    let config =
        if body["generationConfig"].is_null() { &body["generation_config"] } else { &body["generationConfig"] };
    let budget = match &config["maxOutputTokens"] {
        Value::Null => BUDGET,
        given => whole(given).ok_or_else(|| bad("max_output_tokens must be positive."))?,
    };
    let schema = ["responseJsonSchema", "responseSchema"].iter().map(|f| &config[*f]).find(|s| s.is_object()).cloned();
    if schema.is_some() && config["responseMimeType"] != "application/json" {
        return Err(bad("response_schema requires response_mime_type application/json"));
    }
    let schema = schema.map(lower_types);
    Ok(Ask { model, system, user, schema, tool: None, budget, cached: false, cached_hour: false })
}

/// The OpenAPI subset has its types in upper case.
fn lower_types(schema: Value) -> Value {
    match schema {
        Value::Object(map) => map
            .into_iter()
            .map(|(k, v)| match v {
                Value::String(kind) if k == "type" => (k, Value::String(kind.to_lowercase())),
                other => (k, lower_types(other)),
            })
            .collect(),
        Value::Array(list) => list.into_iter().map(lower_types).collect(),
        other => other,
    }
}

pub(super) fn success(ask: &Ask, content: &Content, usage: UsageSaid, n: u64) -> Value {
    let mut parts = Vec::new();
    for block in &content.blocks {
        match block {
            Block::Thinking(text) => parts.push(json!({"text": text, "thought": true})),
            Block::Text(text) => parts.push(json!({"text": text})),
            Block::Tool(value) => {
                // Nothing was offered to call: the value comes as text, alone.
                parts.clear();
                parts.push(json!({"text": value.to_string()}));
            }
        }
    }
    let mut body = json!({"modelVersion": ask.model, "responseId": format!("r{n:020}")});
    if content.stop == Stop::Refusal {
        body["promptFeedback"] = json!({"blockReason": "PROHIBITED_CONTENT"});
    } else {
        let finish = if content.stop == Stop::MaxTokens { "MAX_TOKENS" } else { "STOP" };
        body["candidates"] =
            json!([{"index": 0, "finishReason": finish, "content": {"role": "model", "parts": parts}}]);
    }
    match usage {
        UsageSaid::Missing => {}
        UsageSaid::Null => body["usageMetadata"] = Value::Null,
        UsageSaid::Told(u) => {
            body["usageMetadata"] = json!({
                "promptTokenCount": u.prompt(), "candidatesTokenCount": u.output,
                "totalTokenCount": u.prompt() + u.output, "cachedContentTokenCount": u.cache_read,
            });
        }
    }
    body
}

pub(super) fn error(wrong: &Wrong) -> Value {
    let status = match wrong.status {
        401 => "UNAUTHENTICATED",
        402 => "FAILED_PRECONDITION",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        504 | 408 => "DEADLINE_EXCEEDED",
        503 | 529 => "UNAVAILABLE",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    };
    let mut details = Vec::new();
    if wrong.code == Some("insufficient_quota") {
        details.push(json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}));
    }
    if let Some(seconds) = wrong.retry_s {
        details
            .push(json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds:.3}s")}));
    }
    json!({"error": {"code": wrong.status, "message": wrong.message, "status": status, "details": details}})
}

pub(super) fn model(name: &str) -> Value {
    json!({"name": format!("models/{name}"), "version": "1", "displayName": name, "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536, "supportedGenerationMethods": ["generateContent", "countTokens"]})
}
