//! Batches at OpenAI: creations and files of requests, what is refused in them, and the shape of what is told.
//! <https://developers.openai.com/api/docs/guides/batch>, <https://github.com/openai/openai-openapi>

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::interface::{BatchState, Flaw, NoAnswer, Payload, Refusal, lines_of};
use super::error;
use super::requests::{judge_metadata, missing, unsupported, wrong};
use crate::BatchFault;

const ENDPOINTS: [&str; 8] = [
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
];

/// Most requests of a batch.
const MOST: usize = 50_000;

/// Seconds after which a batch expires.
const WINDOW_S: f64 = 86_400.0;

pub(super) fn judge_creation(creation: &Value) -> Result<(), Refusal> {
    for field in ["input_file_id", "endpoint", "completion_window"] {
        if !creation[field].is_string() {
            return Err(missing(field));
        }
    }
    let endpoint = &creation["endpoint"];
    if !endpoint.as_str().is_some_and(|e| ENDPOINTS.contains(&e)) {
        return Err(unsupported(endpoint, "endpoint", &ENDPOINTS));
    }
    if creation["completion_window"] != "24h" {
        return Err(unsupported(&creation["completion_window"], "completion_window", &["24h"]));
    }
    let seconds = &creation["output_expires_after"]["seconds"];
    if !seconds.is_null() && !seconds.as_u64().is_some_and(|s| (3_600..=2_592_000).contains(&s)) {
        let words =
            format!("Invalid 'output_expires_after.seconds': expected 3600 to 2592000, but got {seconds} instead.");
        return Err(wrong(words, "output_expires_after.seconds", "invalid_value"));
    }
    judge_metadata(&creation["metadata"])
}

pub(super) fn page_length(asked: Option<&str>) -> Result<usize, Refusal> {
    let Some(asked) = asked else { return Ok(20) };
    let (side, code, bound) = match asked.parse::<i64>() {
        Ok(n @ 1..=100) => return Ok(n as usize),
        Ok(n) if n > 100 => ("above maximum", "integer_above_max_value", "<= 100"),
        _ => ("below minimum", "integer_below_min_value", ">= 1"),
    };
    let words = format!("Invalid 'limit': integer {side} value. Expected a value {bound}, but got {asked} instead.");
    Err(wrong(words, "limit", code))
}

/// A line of a file of requests.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    custom_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    body: Option<Asking<'a>>,
}

/// The model that a request asks.
#[derive(Deserialize)]
struct Asking<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
}

/// Requests of a file. What is wrong with them is told by the batch, which fails.
pub(super) fn payload(payload: &[u8], creation: &Value) -> Result<Payload, Refusal> {
    let requests = lines_of(payload)?;
    let mut judge = Judge { endpoint: &creation["endpoint"], ids: HashSet::new(), model: None };
    let mut flaws: Vec<Flaw> = Vec::new();
    for (n, (from, to)) in requests.iter().enumerate() {
        let line: Result<Line<'_>, _> = serde_json::from_slice(&payload[*from..*to]);
        let flaw = match line {
            Err(_) => Some(("invalid_json_line", "This line is not parseable as valid JSON.".to_owned(), None)),
            Ok(line) => judge.flaw(line),
        };
        flaws.extend(flaw.map(|(code, message, param)| Flaw { code, line: Some(n + 1), message, param }));
    }
    let whole = match requests.len() {
        0 => Some((
            "empty_file",
            "The input file is empty. Please ensure that the batch contains at least one request.".to_owned(),
        )),
        n if n > MOST => {
            Some(("too_many_tasks", format!("The batch input file contains more requests than the maximum of {MOST}.")))
        }
        _ => None,
    };
    flaws.extend(whole.map(|(code, message)| Flaw { code, line: None, message, param: None }));
    Ok(Payload { requests, model: judge.model.map(Cow::into_owned), flaws })
}

/// What the lines so far have told.
struct Judge<'a> {
    endpoint: &'a Value,
    ids: HashSet<Cow<'a, str>>,
    model: Option<Cow<'a, str>>,
}

impl<'a> Judge<'a> {
    /// The first thing wrong with a line: its code, its words and its field.
    fn flaw(&mut self, line: Line<'a>) -> Option<(&'static str, String, Option<&'static str>)> {
        let fields = [
            ("custom_id", line.custom_id.is_some()),
            ("method", line.method.is_some()),
            ("url", line.url.is_some()),
            ("body", line.body.is_some()),
        ];
        if let Some((field, _)) = fields.into_iter().find(|(_, is_there)| !is_there) {
            return Some((
                "missing_required_parameter",
                format!("Missing required parameter: '{field}'."),
                Some(field),
            ));
        }
        if line.method.as_deref() != Some("POST") {
            return Some(("invalid_method", "Only POST requests are supported.".to_owned(), Some("method")));
        }
        if self.endpoint.as_str() != line.url.as_deref() {
            let words = "The URL provided for this request does not match the batch endpoint.";
            return Some(("invalid_url", words.to_owned(), Some("url")));
        }
        let model = line.body.and_then(|body| body.model)?;
        let first = self.model.get_or_insert_with(|| model.clone());
        if *first != model {
            let words = format!(
                "The provided model '{model}' does not match the rest of the batch. Each batch must contain requests for a single model."
            );
            return Some(("mismatched_model", words, Some("body.model")));
        }
        if !self.ids.insert(line.custom_id?) {
            let words = "The custom_id for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.";
            return Some(("duplicate_custom_id", words.to_owned(), Some("custom_id")));
        }
        None
    }
}

/// What is wrong with a batch as a whole.
fn errors(state: &BatchState<'_>) -> Value {
    let one = |code, line: Option<usize>, message: &str, param: Option<&str>| json!({"code": code, "line": line, "message": message, "param": param});
    let all: Vec<Value> = if !state.has_failed {
        return Value::Null;
    } else if !state.flaws.is_empty() {
        state.flaws.iter().map(|f| one(f.code, f.line, &f.message, f.param)).collect()
    } else if state.is_invalid() {
        vec![one("invalid_json_line", Some(2), "This line is not parseable as valid JSON.", None)]
    } else {
        vec![one("token_limit_exceeded", None, "Enqueued token limit reached", None)]
    };
    json!({"object": "list", "data": all})
}

pub(super) fn batch(state: &BatchState<'_>) -> Value {
    let status = match (state.is_over, state.is_cancelled) {
        _ if state.has_failed => "failed",
        (_, true) => "cancelled",
        (false, _) => "in_progress",
        (true, _) if state.meets(BatchFault::Expired) => "expired",
        (true, _) => "completed",
    };
    let has_results = state.is_over && !state.has_failed;
    let milliseconds = |from: f64, to: f64| ((to - from) * 1000.0) as u64;
    let done_by_now =
        state.requests * milliseconds(state.made_s, state.now_s) / milliseconds(state.made_s, state.ends_s).max(1);
    let (completed, failed) = match (state.has_failed, state.is_over) {
        (true, _) => (0, 0),
        (_, true) => (state.answered, state.unanswered),
        (_, false) => (done_by_now, 0),
    };
    let when = |is_so: bool, unix_s: f64| if is_so { json!(unix_s as u64) } else { Value::Null };
    let is = |word: &str| status == word;
    let usage = if has_results { (state.usage)() } else { corpora_values::Usage::default() };
    json!({
        "id": state.id, "object": "batch", "endpoint": state.endpoint, "model": state.model, "errors": errors(state),
        "input_file_id": state.input_file, "completion_window": "24h", "status": status,
        "output_file_id":
            if has_results && state.answered > 0 { json!(format!("out-{}", state.id)) } else { Value::Null },
        // An empty string is how some servers say that there is none.
        "error_file_id":
            if has_results && state.unanswered > 0 { json!(format!("err-{}", state.id)) } else { json!("") },
        "created_at": state.made_s as u64,
        "in_progress_at": when(!state.has_failed, state.made_s),
        "expires_at": (state.made_s + WINDOW_S) as u64,
        "finalizing_at": when(is("completed") || is("expired"), state.ends_s),
        "completed_at": when(is("completed"), state.ends_s),
        "failed_at": when(is("failed"), state.made_s),
        "expired_at": when(is("expired"), state.ends_s),
        "cancelling_at": when(is("cancelled"), state.ends_s),
        "cancelled_at": when(is("cancelled"), state.ends_s),
        "request_counts": {"total": state.requests, "completed": completed, "failed": failed},
        "usage": {"input_tokens": usage.prompt(), "output_tokens": usage.output,
            "total_tokens": usage.prompt() + usage.output,
            "input_tokens_details": {"cached_tokens": usage.cache_read},
            "output_tokens_details": {"reasoning_tokens": 0}},
        "metadata": state.metadata,
    })
}

pub(super) fn result(id: &Value, answered: Result<Value, NoAnswer>, n: u64) -> Value {
    let undone = |code: &str, words: &str| (json!({"code": code, "message": words}), Value::Null);
    let response =
        |status: u16, body: Value| json!({"status_code": status, "request_id": format!("req_{n}"), "body": body});
    let (error, response) = match answered {
        Ok(body) => (Value::Null, response(200, body)),
        Err(NoAnswer::Expired) => {
            undone("batch_expired", "This request could not be executed before the completion window expired.")
        }
        Err(NoAnswer::Cancelled) => {
            undone("batch_cancelled", "This request was not executed: the batch was cancelled.")
        }
        Err(NoAnswer::Refused(refusal)) => (Value::Null, response(refusal.status, error(&refusal))),
    };
    json!({"id": format!("batch_req_{n}"), "custom_id": id, "error": error, "response": response})
}
