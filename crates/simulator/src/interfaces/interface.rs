//! Calls that a vendor's interface accepts, and the shape of what it says.

use corpora_values::Usage;
use serde_json::{Value, json};

use crate::BatchFault;
use crate::admission::Level;
use crate::content::Content;

/// Purpose of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An answer of the model.
    Ask,
    /// The number of tokens of a request.
    Count,
    /// Facts about a model.
    Model,
    /// Facts about all models.
    Models,
}

/// A request to a model that an interface has understood.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ModelRequest {
    pub(crate) model: String,
    pub(crate) system: String,
    pub(crate) user: String,
    /// Schema of the answer, if one was given.
    pub(crate) schema: Option<Value>,
    /// The tool that has to be called.
    pub(crate) tool: Option<String>,
    /// Output budget in tokens.
    pub(crate) budget: u64,
    /// True if the client asks for its system prompt to be cached; others cache without being asked.
    pub(crate) cached: bool,
    /// True if it asks so for an hour, instead of five minutes.
    pub(crate) cached_hour: bool,
    /// True if it asks for the tier "flex", which then serves it.
    pub(crate) flex: bool,
}

impl ModelRequest {
    /// Hash of what it is about: the same passage or terms give the same, whatever is asked of them and in what way.
    pub(crate) fn about(&self) -> String {
        format!("{:016x}", crate::chance::hash(&[self.user.as_bytes()]))
    }
}

/// An error before a vendor names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// OpenAI's `code`, where it is not the one that belongs to the status.
    pub(crate) code: Option<&'static str>,
    /// OpenAI's `param`.
    pub(crate) param: Option<String>,
    /// Seconds after which Gemini's error asks to come again.
    pub(crate) retry_s: Option<f64>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code: None, param: None, retry_s: None }
    }

    /// A prompt of so many tokens, for a window of `most`.
    pub(crate) fn too_long(tokens: u64, most: u64) -> Self {
        let words = format!("prompt is too long: {tokens} tokens > {most} maximum");
        Self { code: Some("context_length_exceeded"), ..Self::new(400, words) }
    }
}

/// Usage as an answer reports it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum UsageReport {
    Full(Usage),
    Missing,
    Null,
}

/// The parts of a request that interfaces look at.
pub(crate) struct Parts<'a> {
    /// Path without query.
    pub(crate) path: &'a str,
    /// A header's value.
    pub(crate) header: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) body: &'a Value,
}

/// A batch and how it stands, for those who show it.
pub(crate) struct BatchState<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) model: &'a str,
    pub(crate) endpoint: &'a str,
    pub(crate) input_file: &'a str,
    pub(crate) metadata: &'a Value,
    /// What is wrong with the file of its requests.
    pub(crate) flaws: &'a [Flaw],
    pub(crate) faults: &'a [BatchFault],
    pub(crate) is_cancelled: bool,
    pub(crate) is_over: bool,
    /// Refused as a whole.
    pub(crate) has_failed: bool,
    /// Requests, those that are answered and those that are not.
    pub(crate) requests: u64,
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    /// Those among the unanswered that were not begun when it expired or was cancelled.
    pub(crate) unbegun: u64,
    /// Sum of all answers, once there are any.
    pub(crate) usage: &'a dyn Fn() -> Usage,
    /// Unix seconds.
    pub(crate) made_s: f64,
    pub(crate) ends_s: f64,
    pub(crate) now_s: f64,
}

impl BatchState<'_> {
    /// Test whether it meets a fault.
    pub(crate) fn meets(&self, fault: BatchFault) -> bool {
        self.faults.contains(&fault)
    }

    /// Test whether it was refused for a line that is not JSON.
    pub(crate) fn is_invalid(&self) -> bool {
        self.meets(BatchFault::InvalidLine)
    }
}

/// Something wrong with a file of requests, told by the batch that was made of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flaw {
    pub(crate) code: &'static str,
    /// Line, counted from 1.
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
    pub(crate) param: Option<&'static str>,
}

/// Requests of a payload, as a creation takes them.
pub(crate) struct Payload {
    /// Range of each.
    pub(crate) requests: Vec<(usize, usize)>,
    /// The model that all of them ask, where they name it.
    pub(crate) model: Option<String>,
    pub(crate) flaws: Vec<Flaw>,
}

/// Reason for which a request of a batch has no answer.
pub(crate) enum NoAnswer {
    Refused(Refusal),
    Expired,
    Cancelled,
}

/// A file, for those who show it.
pub(crate) struct FileState<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) purpose: &'a str,
    pub(crate) bytes: usize,
    /// Unix seconds.
    pub(crate) made_s: f64,
}

/// A time as JSON carries it.
pub(super) fn stamp(unix_s: f64) -> String {
    jiff::Timestamp::from_second(unix_s as i64).unwrap_or_default().to_string()
}

/// An interface of a vendor: what it accepts, and the shape of what it says.
pub(crate) trait Interface: Sync {
    /// Name that tells interfaces apart.
    fn name(&self) -> &'static str;

    /// Purpose of a path below the version, if it is this interface's. Paths that several have are told apart by headers.
    fn claims(&self, method: &str, path: &str, header: &dyn Fn(&str) -> Option<String>) -> Option<Purpose>;

    /// Reads and judges a request.
    fn read(&self, parts: &Parts<'_>) -> Result<ModelRequest, Refusal>;

    /// Body of an answer.
    fn success(&self, ask: &ModelRequest, content: &Content, usage: UsageReport, n: u64) -> Value;

    /// Body of an error.
    fn error(&self, refusal: &Refusal, n: u64) -> Value;

    /// Events of a good answer, where it is streamed.
    fn events(&self, whole: &Value) -> Vec<Value>;

    /// True if a stream ends with a word of its own, which is no JSON.
    fn ends_with_done(&self) -> bool {
        false
    }

    /// Facts about a model.
    fn model(&self, name: &str) -> Value;

    /// Facts about all models, on one page.
    fn models(&self, all: Vec<Value>) -> Value {
        let id = |model: Option<&Value>| model.map(|m| m["id"].clone());
        let (first, last) = (id(all.first()), id(all.last()));
        json!({"object": "list", "data": all, "has_more": false, "first_id": first, "last_id": last})
    }

    /// Headers of an answer about the limits on requests, input, output, and both. `unix_s` is now.
    fn limit_headers(&self, _levels: &[Option<Level>; 4], _unix_s: f64) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Name of the header that carries the request's id.
    fn id_header(&self) -> &'static str {
        "x-request-id"
    }

    /// Field in which the number of tokens is told.
    fn count_field(&self) -> &'static str {
        "input_tokens"
    }

    /// Test whether a refusal by the limits says in a header when to come again.
    fn tells_retry_after(&self) -> bool {
        true
    }

    /// Test whether the limits count what is read from the prompt cache.
    fn limits_cached_input(&self) -> bool {
        true
    }

    /// The error of an account without money.
    fn no_balance(&self) -> Refusal {
        Refusal { code: Some("insufficient_quota"), ..Refusal::new(429, "You exceeded your current quota") }
    }

    /// The error of a content filter; none where a filter answers without an error.
    fn content_filter(&self) -> Option<Refusal> {
        Some(Refusal {
            code: Some("content_filter"),
            ..Refusal::new(400, "The response was filtered due to the prompt")
        })
    }

    /// The error of a creation whose file is gone.
    fn gone_file(&self, file: &str) -> Refusal {
        Refusal::new(404, format!("No such File object: {file}"))
    }

    /// Words of a server that does not know how the schema is given.
    fn no_structured_output(&self) -> &'static str;

    /// Test whether a call about files or batches is meant for this interface.
    fn claims_batch(&self, path: &str, query: &str, header: &dyn Fn(&str) -> Option<String>) -> bool;

    /// Name of the `n`-th batch.
    fn batch_id(&self, n: u64) -> String;

    /// A creation's body, where a payload is not all of it.
    fn creation(&self, body: &[u8]) -> Value {
        serde_json::from_slice(body).unwrap_or(Value::Null)
    }

    /// Judges a creation, beside its payload.
    fn judge_creation(&self, creation: &Value, header: &dyn Fn(&str) -> Option<String>) -> Result<(), Refusal>;

    /// Name of the file that a creation refers to; none where the payload comes with it.
    fn input_file(&self, creation: &Value) -> Option<String>;

    /// Requests of a payload. A refusal means that no batch is made of it.
    fn payload(&self, payload: &[u8], creation: &Value) -> Result<Payload, Refusal>;

    /// Length of a page of a listing, by what was asked.
    fn page_length(&self, asked: Option<&str>) -> Result<usize, Refusal>;

    /// A batch in its vendor's shape.
    fn batch(&self, state: &BatchState<'_>) -> Value;

    /// A page of batches, the id of its last, and whether more follow.
    fn batches(&self, shown: Vec<Value>, last: Option<String>, more: bool) -> Value;

    /// Test whether results of requests that failed stand in a file of their own.
    fn parts_errors(&self) -> bool {
        false
    }

    /// The interface of the requests within a batch, by the path that its creation names; none for this one.
    fn within_batch(&self, _endpoint: &str) -> Option<&'static dyn Interface> {
        None
    }

    /// Path of the requests within a batch.
    fn batch_path(&self, endpoint: &str, model: &str) -> String;

    /// Id and body of a request within a payload.
    fn request_of<'v>(&self, line: &'v Value) -> (&'v Value, &'v Value);

    /// A line of results.
    fn result(&self, id: &Value, answered: Result<Value, NoAnswer>, n: u64) -> Value;

    /// Reply to the deletion of a file, or of a batch that is over.
    fn deleted(&self, id: &str) -> Value;

    /// A file in its vendor's shape.
    fn file(&self, file: &FileState<'_>) -> Value {
        json!({"id": file.id, "object": "file", "bytes": file.bytes, "created_at": file.made_s as u64,
            "expires_at": null, "filename": file.name, "purpose": file.purpose, "status": "processed"})
    }

    /// All files, on one page.
    fn files(&self, all: Vec<Value>) -> Value {
        let id = |file: Option<&Value>| file.map(|f| f["id"].clone());
        let (first, last) = (id(all.first()), id(all.last()));
        json!({"object": "list", "data": all, "has_more": false, "first_id": first, "last_id": last})
    }
}

/// Name of a field of an object that is none of the known ones, if it has such a field.
pub(super) fn stranger<'v>(object: &'v Value, known: &[&str]) -> Option<&'v str> {
    object.as_object()?.keys().map(String::as_str).find(|name| !known.contains(name))
}

/// Range of a part of a payload.
pub(super) fn range_in(payload: &[u8], part: &str) -> (usize, usize) {
    let start = part.as_ptr() as usize - payload.as_ptr() as usize;
    (start, start + part.len())
}

/// Ranges of the lines of a payload that are not empty.
pub(super) fn lines_of(payload: &[u8]) -> Result<Vec<(usize, usize)>, Refusal> {
    let text = std::str::from_utf8(payload).map_err(|e| Refusal::new(400, format!("the file is not UTF-8: {e}")))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(|line| range_in(payload, line)).collect())
}

/// A positive integer.
pub(super) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().filter(|n| *n > 0)
}
