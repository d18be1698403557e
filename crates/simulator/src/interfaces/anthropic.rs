//! Anthropic Messages and Message Batches.

mod batches;
mod requests;

use serde_json::{Map, Value, json};

use super::interface::{
    BatchState, Interface, ModelRequest, NoAnswer, Parts, Payload, Purpose, Refusal, UsageReport, stamp,
};
use crate::BatchFault;
use crate::admission::Level;
use crate::content::{Block, Content, Stop};
use crate::streaming;

pub(super) const ANTHROPIC: &dyn Interface = &Anthropic;

struct Anthropic;

impl Interface for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn claims(&self, method: &str, path: &str, header: &dyn Fn(&str) -> Option<String>) -> Option<Purpose> {
        match (method, path) {
            ("POST", "/messages") => Some(Purpose::Ask),
            ("POST", "/messages/count_tokens") => Some(Purpose::Count),
            ("GET", "/models") if header("anthropic-version").is_some() => Some(Purpose::Models),
            ("GET", _) if path.starts_with("/models/") && header("anthropic-version").is_some() => Some(Purpose::Model),
            _ => None,
        }
    }

    fn read(&self, parts: &Parts<'_>) -> Result<ModelRequest, Refusal> {
        requests::read(parts)
    }

    fn success(&self, ask: &ModelRequest, content: &Content, usage: UsageReport, n: u64) -> Value {
        let tool = content.blocks.iter().any(|b| matches!(b, Block::Tool(_)));
        let blocks: Vec<Value> = content
            .blocks
            .iter()
            .filter_map(|block| match block {
                Block::Thinking(text) => Some(json!({"type": "thinking", "thinking": text, "signature": "c2ln"})),
                Block::Text(text) => Some(json!({"type": "text", "text": text, "citations": null})),
                Block::Tool(input) => Some(json!({"type": "tool_use", "id": format!("toolu_{n:020}"),
                    "name": ask.tool.as_deref().unwrap_or("answer"), "input": input})),
                // A response is one message here.
                Block::Fragment(_) => None,
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
            UsageReport::Missing => {}
            UsageReport::Null => body["usage"] = Value::Null,
            UsageReport::Full(u) => {
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

    fn events(&self, whole: &Value) -> Vec<Value> {
        streaming::message(whole)
    }

    fn error(&self, refusal: &Refusal, n: u64) -> Value {
        let kind = match refusal.status {
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
        json!({"type": "error", "error": {"type": kind, "message": refusal.message}, "request_id": format!("req_{n:024}")})
    }

    fn model(&self, name: &str) -> Value {
        json!({"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"})
    }

    fn limit_headers(&self, levels: &[Option<Level>; 4], unix_s: f64) -> Vec<(String, String)> {
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

    fn id_header(&self) -> &'static str {
        "request-id"
    }

    /// Not counted: <https://platform.claude.com/docs/en/api/rate-limits>.
    fn limits_cached_input(&self) -> bool {
        false
    }

    /// It has no error of a quota: an empty balance is its nearest.
    fn no_balance(&self) -> Refusal {
        Refusal::new(402, "Your credit balance is too low to access the API")
    }

    fn content_filter(&self) -> Option<Refusal> {
        Some(Refusal::new(400, "Output blocked by content filtering policy"))
    }

    fn no_structured_output(&self) -> &'static str {
        "output_config: Extra inputs are not permitted"
    }

    fn claims_batch(&self, path: &str, _query: &str, _header: &dyn Fn(&str) -> Option<String>) -> bool {
        path.contains("/messages/batches")
    }

    fn batch_id(&self, n: u64) -> String {
        format!("msgbatch_{n:08}")
    }

    /// All of it is the payload.
    fn creation(&self, _body: &[u8]) -> Value {
        Value::Null
    }

    fn judge_creation(&self, _creation: &Value, header: &dyn Fn(&str) -> Option<String>) -> Result<(), Refusal> {
        match header("anthropic-version") {
            Some(_) => Ok(()),
            None => Err(Refusal::new(400, "anthropic-version: header is required")),
        }
    }

    fn input_file(&self, _creation: &Value) -> Option<String> {
        None
    }

    fn payload(&self, payload: &[u8], _creation: &Value) -> Result<Payload, Refusal> {
        batches::payload(payload)
    }

    fn page_length(&self, asked: Option<&str>) -> Result<usize, Refusal> {
        batches::page_length(asked)
    }

    fn batch(&self, state: &BatchState<'_>) -> Value {
        let over = |value: String| if state.is_over { json!(value) } else { Value::Null };
        json!({
            "id": state.id, "type": "message_batch", "processing_status": if state.is_over { "ended" } else { "in_progress" },
            // Counts stand still until the end.
            "request_counts": if state.is_over {
                let (canceled, expired) = if state.is_cancelled { (state.unbegun, 0) } else { (0, state.unbegun) };
                json!({"processing": 0, "succeeded": state.answered, "errored": state.unanswered - state.unbegun,
                    "canceled": canceled, "expired": expired})
            } else {
                json!({"processing": state.requests, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0})
            },
            "created_at": stamp(state.made_s), "expires_at": stamp(state.made_s + 86_400.0),
            "ended_at": over(stamp(state.ends_s)),
            "cancel_initiated_at": if state.is_cancelled { json!(stamp(state.ends_s)) } else { Value::Null },
            "archived_at": if state.meets(BatchFault::ResultsGone) { json!(stamp(state.ends_s)) } else { Value::Null },
            "results_url": over(format!("/v1/messages/batches/{}/results", state.id)),
        })
    }

    fn batches(&self, shown: Vec<Value>, last: Option<String>, more: bool) -> Value {
        let first = shown.first().map(|b| b["id"].clone());
        json!({"object": "list", "data": shown, "has_more": more, "first_id": first, "last_id": last})
    }

    fn batch_path(&self, _endpoint: &str, _model: &str) -> String {
        "/v1/messages".to_owned()
    }

    fn request_of<'v>(&self, line: &'v Value) -> (&'v Value, &'v Value) {
        (&line["custom_id"], &line["params"])
    }

    fn result(&self, id: &Value, answered: Result<Value, NoAnswer>, n: u64) -> Value {
        let result = match answered {
            Ok(message) => json!({"type": "succeeded", "message": message}),
            Err(NoAnswer::Expired) => json!({"type": "expired"}),
            Err(NoAnswer::Cancelled) => json!({"type": "canceled"}),
            Err(NoAnswer::Refused(refusal)) => json!({"type": "errored", "error": self.error(&refusal, n)}),
        };
        json!({"custom_id": id, "result": result})
    }

    fn deleted(&self, id: &str) -> Value {
        json!({"id": id, "type": "message_batch_deleted"})
    }
}
