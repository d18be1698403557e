//! Gemini generateContent and batch mode.

mod batches;
mod requests;

use serde_json::{Value, json};

use super::interface::{
    BatchState, FileState, Interface, ModelRequest, NoAnswer, Parts, Payload, Purpose, Refusal, UsageReport, stamp,
};
use crate::BatchFault;
use crate::content::{Block, Content, Stop};
use crate::streaming;

pub(super) const GEMINI: &dyn Interface = &Gemini;

struct Gemini;

impl Interface for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn claims(&self, method: &str, path: &str, header: &dyn Fn(&str) -> Option<String>) -> Option<Purpose> {
        if (method, path) == ("GET", "/models") && header("x-goog-api-key").is_some() {
            return Some(Purpose::Models);
        }
        let action = path.strip_prefix("/models/")?;
        match method {
            "GET" if header("x-goog-api-key").is_some() => Some(Purpose::Model),
            "POST" if action.ends_with(":generateContent") || action.ends_with(":streamGenerateContent") => {
                Some(Purpose::Ask)
            }
            "POST" if action.ends_with(":countTokens") => Some(Purpose::Count),
            _ => None,
        }
    }

    fn read(&self, parts: &Parts<'_>) -> Result<ModelRequest, Refusal> {
        requests::read(parts)
    }

    fn success(&self, ask: &ModelRequest, content: &Content, usage: UsageReport, n: u64) -> Value {
        let mut parts = Vec::new();
        for block in &content.blocks {
            match block {
                Block::Thinking(text) => parts.push(json!({"text": text, "thought": true})),
                Block::Text(text) => parts.push(json!({"text": text})),
                Block::Tool(value) if ask.tool.is_some() => {
                    parts.push(json!({"functionCall": {"name": ask.tool, "args": value}}));
                }
                // A response is one message here.
                Block::Fragment(_) => {}
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
            UsageReport::Missing => {}
            UsageReport::Null => body["usageMetadata"] = Value::Null,
            UsageReport::Full(u) => {
                body["usageMetadata"] = json!({
                    "promptTokenCount": u.prompt(), "candidatesTokenCount": u.output - content.thoughts,
                    "thoughtsTokenCount": content.thoughts,
                    "totalTokenCount": u.prompt() + u.output, "cachedContentTokenCount": u.cache_read,
                    "serviceTier": if ask.flex { "flex" } else { "standard" },
                });
            }
        }
        body
    }

    fn events(&self, whole: &Value) -> Vec<Value> {
        streaming::generated(whole)
    }

    fn error(&self, refusal: &Refusal, _n: u64) -> Value {
        let status = match refusal.status {
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
        if refusal.code == Some("insufficient_quota") {
            details.push(json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure",
                "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}));
        }
        if let Some(seconds) = refusal.retry_s {
            details.push(
                json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds:.3}s")}),
            );
        }
        json!({"error": {"code": refusal.status, "message": refusal.message, "status": status, "details": details}})
    }

    fn model(&self, name: &str) -> Value {
        json!({"name": format!("models/{name}"), "version": "1", "displayName": name, "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536, "supportedGenerationMethods": ["generateContent", "countTokens"]})
    }

    fn models(&self, all: Vec<Value>) -> Value {
        json!({"models": all})
    }

    fn count_field(&self) -> &'static str {
        "totalTokens"
    }

    fn tells_retry_after(&self) -> bool {
        false
    }

    /// A blocked prompt is answered with status 200.
    fn content_filter(&self) -> Option<Refusal> {
        None
    }

    fn gone_file(&self, file: &str) -> Refusal {
        let words = format!("You do not have permission to access the File {file} or it may not exist.");
        Refusal::new(403, words)
    }

    fn no_structured_output(&self) -> &'static str {
        "Unknown name \"responseJsonSchema\": Cannot find field."
    }

    fn claims_batch(&self, path: &str, query: &str, header: &dyn Fn(&str) -> Option<String>) -> bool {
        header("x-goog-api-key").is_some()
            || path.starts_with("/upload")
            || path.contains(":batchGenerateContent")
            || path.contains(":download")
            || query.contains("pageSize")
            || path.contains("/batches/g")
    }

    fn batch_id(&self, n: u64) -> String {
        format!("batches/g{n:08}")
    }

    fn judge_creation(&self, creation: &Value, _header: &dyn Fn(&str) -> Option<String>) -> Result<(), Refusal> {
        batches::judge_creation(creation)
    }

    fn input_file(&self, creation: &Value) -> Option<String> {
        creation.pointer("/batch/inputConfig/fileName").and_then(Value::as_str).map(str::to_owned)
    }

    fn payload(&self, payload: &[u8], creation: &Value) -> Result<Payload, Refusal> {
        batches::payload(payload, creation)
    }

    fn page_length(&self, asked: Option<&str>) -> Result<usize, Refusal> {
        batches::page_length(asked)
    }

    fn batch(&self, state: &BatchState<'_>) -> Value {
        // What expires there leaves nothing.
        let is_expired = state.meets(BatchFault::Expired);
        let bare = match (state.is_over, state.is_cancelled) {
            _ if state.has_failed => "FAILED",
            (_, true) => "CANCELLED",
            (false, _) => "RUNNING",
            (true, _) if is_expired => "EXPIRED",
            (true, _) => "SUCCEEDED",
        };
        let prefix = if state.meets(BatchFault::JobStates) { "JOB_STATE" } else { "BATCH_STATE" };
        // Numbers of 64 bits are strings in Google's JSON.
        let at_the_end = |n: u64| if state.is_over { n } else { 0 }.to_string();
        let mut metadata = json!({
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1.GenerateContentBatch",
            "displayName": state.name, "model": format!("models/{}", state.model), "state": format!("{prefix}_{bare}"),
            "createTime": stamp(state.made_s), "updateTime": stamp(state.now_s),
            "endTime": if state.is_over { json!(stamp(state.ends_s)) } else { Value::Null },
            "batchStats": {"requestCount": state.requests.to_string(),
                "successfulRequestCount": at_the_end(state.answered), "failedRequestCount": at_the_end(state.unanswered)},
        });
        let mut operation = json!({"name": state.id, "done": state.is_over});
        if state.has_failed {
            operation["error"] = if state.is_invalid() {
                json!({"code": 3, "message": "line 2 of the input file is not JSON"})
            } else {
                json!({"code": 8, "message": "too many enqueued tokens"})
            };
        } else if state.is_over && !state.is_cancelled && !is_expired {
            let file = format!("files/out-{}", state.id.trim_start_matches("batches/"));
            metadata["output"] = json!({"responsesFile": file});
        }
        operation["metadata"] = metadata;
        operation
    }

    fn batches(&self, shown: Vec<Value>, last: Option<String>, more: bool) -> Value {
        let mut page = json!({"operations": shown});
        if more {
            page["nextPageToken"] = json!(last);
        }
        page
    }

    fn batch_path(&self, _endpoint: &str, model: &str) -> String {
        format!("/v1/models/{model}:generateContent")
    }

    fn request_of<'v>(&self, line: &'v Value) -> (&'v Value, &'v Value) {
        let name = if line["key"].is_null() { &line["metadata"] } else { &line["key"] };
        (name, &line["request"])
    }

    fn result(&self, id: &Value, answered: Result<Value, NoAnswer>, _n: u64) -> Value {
        // Requests that came with the creation have their labels, those of a file their key.
        let name = if id.is_string() { "key" } else { "metadata" };
        let refusal = match answered {
            Ok(response) => return json!({name: id, "response": response}),
            Err(NoAnswer::Refused(refusal)) => refusal,
            Err(NoAnswer::Expired | NoAnswer::Cancelled) => Refusal::new(504, "the request was not begun"),
        };
        let mut error = self.error(&refusal, 0)["error"].take();
        error["code"] = json!(code_of(refusal.status));
        if let Some(error) = error.as_object_mut() {
            error.remove("status");
        }
        json!({name: id, "error": error})
    }

    /// Nothing is told of it.
    fn deleted(&self, _id: &str) -> Value {
        json!({})
    }

    fn file(&self, file: &FileState<'_>) -> Value {
        json!({"name": format!("files/{}", file.id), "uri": format!("files/{}", file.id), "displayName": file.name,
            "mimeType": "application/jsonl", "sizeBytes": file.bytes.to_string(), "state": "ACTIVE",
            "createTime": stamp(file.made_s), "updateTime": stamp(file.made_s), "source": "UPLOADED",
            // <https://ai.google.dev/gemini-api/docs/files>
            "expirationTime": stamp(file.made_s + 172_800.0)})
    }

    fn files(&self, all: Vec<Value>) -> Value {
        json!({"files": all})
    }
}

/// Code of a status. <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>
fn code_of(status: u16) -> u32 {
    match status {
        400 => 3,
        401 => 16,
        402 => 9,
        403 => 7,
        404 => 5,
        429 => 8,
        503 => 14,
        _ => 13,
    }
}
