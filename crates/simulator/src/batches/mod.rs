//! Batch endpoints: files, batches that take their time, results in no order.

mod results;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Response;
use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::chance::{self, log_normal, uniform};
use super::faces::{Face, Wrong};
use super::server::{Body, Reply, State, send};

use self::results::{Fate, content_of, fate, results};

/// What goes wrong with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchFault {
    /// 504 to the creation, after the batch was made.
    CreateTimeoutAfterEffect,
    /// The connection ends after the batch was made.
    CreateResetAfterEffect,
    /// 500 to the creation, before anything was made.
    CreateErrorBeforeEffect,
    /// 429 to the creation.
    CreateRefused,
    /// 404 to the first two looks.
    NotFoundAtFirst,
    /// Refused as a whole after it was made.
    FailedAfterCreate,
    /// Refused as a whole after it was made, for a line that is not JSON.
    InvalidLine,
    /// 503 to the first two looks.
    UnavailableAtFirst,
    /// Gemini's states have the names that its SDKs use.
    JobStates,
    /// Half of its requests expire; at Gemini, all of them.
    Expired,
    /// Each fifth request fails at the provider.
    SomeErrored,
    /// Each fifth request is found wrong.
    SomeWrong,
    /// All requests fail, and it is called completed.
    AllErrored,
    /// Each fifth line comes twice.
    Duplicates,
    /// Each fifth line is missing.
    Missing,
    /// Lines that nobody asked for.
    Unknown,
    /// The first download ends in the middle.
    CutDownload,
    /// The results are gone.
    ResultsGone,
}

/// How batches go.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchConfig {
    /// Median time until a batch ends, in milliseconds of the simulated clock.
    pub turnaround_ms: f64,
    /// 99th percentile over median of that.
    pub p99_over_median: f64,
    /// Milliseconds between a creation's effect and its reply.
    pub create_delay_ms: f64,
    /// Milliseconds by which the listing lags behind.
    pub list_lag_ms: f64,
    /// Prompt tokens that may be enqueued; a batch beyond it fails after its creation.
    pub queue_tokens: Option<u64>,
    /// Part of the batches that meets each fault.
    pub faults: Vec<(BatchFault, f64)>,
    /// Faults of certain creations, counted from 1.
    pub script: Vec<(BatchFault, u64)>,
    /// Whether there are batch endpoints at all.
    pub absent: bool,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            turnaround_ms: 0.0,
            p99_over_median: 1.0,
            create_delay_ms: 0.0,
            list_lag_ms: 0.0,
            queue_tokens: None,
            faults: Vec::new(),
            script: Vec::new(),
            absent: false,
        }
    }
}

/// All files and batches.
#[derive(Default)]
pub(super) struct Batches(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    files: HashMap<String, Bytes>,
    uploads: HashMap<String, String>,
    batches: Vec<Batch>,
    /// Creations by payload.
    creations: HashMap<u64, u32>,
    numbers: u64,
}

struct Batch {
    id: String,
    face: Face,
    /// The key that made it sees it, no other.
    key: Option<String>,
    payload: Bytes,
    /// Where each request stands in the payload.
    requests: Vec<(usize, usize)>,
    version: Option<String>,
    model: String,
    name: String,
    metadata: Value,
    endpoint: String,
    input_file: String,
    made_ms: f64,
    ends_ms: f64,
    fault: Option<BatchFault>,
    cancelled: bool,
    looks: u32,
    downloads: u32,
}

/// Sums over batches, for tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchCounters {
    /// Batches made.
    pub created: u64,
    /// Payloads of which more than one batch was made.
    pub payloads_twice: u64,
    /// Requests in all batches.
    pub requests: u64,
}

impl Batches {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().expect("no panic while the lock is held")
    }

    pub(super) fn end_all(&self, now_ms: f64) {
        for batch in &mut self.kept().batches {
            batch.ends_ms = batch.ends_ms.min(now_ms);
        }
    }

    pub(super) fn creations_ms(&self) -> Vec<f64> {
        self.kept().batches.iter().map(|b| b.made_ms).collect()
    }

    pub(super) fn counters(&self) -> BatchCounters {
        let kept = self.kept();
        BatchCounters {
            created: kept.batches.len() as u64,
            payloads_twice: kept.creations.values().filter(|n| **n > 1).count() as u64,
            requests: kept.batches.iter().map(|b| b.requests.len() as u64).sum(),
        }
    }
}

/// Whether a path belongs here.
pub(super) fn is_ours(path: &str) -> bool {
    let inner = path.trim_start_matches("/upload").trim_start_matches("/v1beta").trim_start_matches("/v1");
    inner.starts_with("/messages/batches")
        || inner.starts_with("/files")
        || inner.starts_with("/batches")
        || inner.ends_with(":batchGenerateContent")
}

/// A request as far as this module needs it.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) host: String,
    pub(super) header: &'a (dyn Fn(&str) -> Option<String> + Sync),
    pub(super) key: Option<String>,
    pub(super) body: Bytes,
}

fn ok(body: &Value) -> Reply {
    Reply::json(200, body)
}

/// Answers; an error ends the connection.
pub(super) async fn answer(state: &Arc<State>, call: Call<'_>) -> io::Result<Response<Body>> {
    let face = face(&call);
    let wrong = |status: u16, words: &str| Reply::json(status, &face.error(&Wrong::new(status, words), 0));
    let config = state.config();
    if config.batch.absent {
        return Ok(send(wrong(404, "no such path"), None));
    }
    // A place for an upload is a secret of its own.
    if !config.key.is_empty() && !call.query.starts_with("upload_id=") && call.key.as_deref() != Some(&config.key) {
        return Ok(send(wrong(401, "invalid x-api-key"), None));
    }
    let inner =
        call.path.trim_start_matches("/upload").trim_start_matches("/v1beta").trim_start_matches("/v1").to_owned();
    let parts: Vec<&str> = inner.trim_start_matches('/').split('/').collect();
    let reply = match (call.method, &parts[..]) {
        ("POST", ["messages", "batches"] | ["batches"]) => return create(state, &call, face).await,
        ("POST", ["models", _]) => return create(state, &call, face).await,
        ("POST", ["files"]) if call.path.starts_with("/upload") => upload(state, &call),
        ("POST", ["files"]) => match multipart(&call) {
            Some(file) => {
                let mut kept = state.batches.kept();
                kept.numbers += 1;
                let id = format!("file-{:08}", kept.numbers);
                let size = file.len();
                kept.files.insert(id.clone(), file);
                ok(
                    &json!({"id": id, "object": "file", "bytes": size, "created_at": state.unix_s() as u64, "filename": "batch.jsonl",
                    "purpose": "batch", "status": "processed"}),
                )
            }
            None => wrong(400, "the body is not a form with 'purpose' = batch and a 'file'"),
        },
        ("GET", ["files", name]) if name.ends_with(":download") => {
            return content_of(state, &call, name.trim_end_matches(":download"));
        }
        ("GET", ["files", id, "content"]) => return content_of(state, &call, id),
        ("GET", ["files", id]) => match state.batches.kept().files.contains_key(*id) {
            true => ok(
                &json!({"id": id, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch", "status": "processed"}),
            ),
            false => wrong(404, "no such file"),
        },
        ("GET", ["messages", "batches"] | ["batches"]) => ok(&list(state, &call, face)),
        ("GET", ["messages", "batches", id, "results"]) => return results(state, &call, id, true),
        ("GET", ["messages", "batches", id] | ["batches", id]) => {
            look(state, &call, face, id).unwrap_or_else(|| wrong(404, "batch not found"))
        }
        ("POST", ["messages", "batches", id, "cancel"] | ["batches", id, "cancel"]) => {
            cancel(state, &call, id).unwrap_or_else(|| wrong(404, "batch not found"))
        }
        ("POST", ["batches", id]) if id.ends_with(":cancel") => cancel(state, &call, id.trim_end_matches(":cancel"))
            .map_or_else(|| wrong(404, "batch not found"), |_| ok(&json!({}))),
        _ => wrong(404, "no such path"),
    };
    Ok(send(reply, None))
}

fn face(call: &Call<'_>) -> Face {
    let google = (call.header)("x-goog-api-key").is_some()
        || call.path.starts_with("/upload")
        || call.path.contains(":batchGenerateContent")
        || call.path.contains(":download")
        || call.query.contains("pageSize")
        || call.path.contains("/batches/g");
    match call.path.contains("/messages/batches") {
        true => Face::Anthropic,
        false if google => Face::Gemini,
        false => Face::Chat,
    }
}

/// Google's resumable upload: a start that names a place, then the bytes.
fn upload(state: &Arc<State>, call: &Call<'_>) -> Reply {
    let mut kept = state.batches.kept();
    kept.numbers += 1;
    let number = kept.numbers;
    match call.query.strip_prefix("upload_id=") {
        None => {
            let name = format!("files/f{number:08}");
            kept.uploads.insert(number.to_string(), name);
            let mut reply = ok(&json!({}));
            reply
                .headers
                .push(("x-goog-upload-url".into(), format!("http://{}{}?upload_id={number}", call.host, call.path)));
            reply.headers.push(("x-goog-upload-status".into(), "active".into()));
            reply
        }
        Some(id) => match kept.uploads.get(id).cloned() {
            Some(name) => {
                let bare = name.trim_start_matches("files/").to_owned();
                kept.files.insert(bare, call.body.clone());
                let size = call.body.len().to_string();
                let mut reply = ok(
                    &json!({"file": {"name": name, "uri": name, "sizeBytes": size, "mimeType": "application/jsonl", "state": "ACTIVE"}}),
                );
                reply.headers.push(("x-goog-upload-status".into(), "final".into()));
                reply
            }
            None => {
                Reply::json(404, &json!({"error": {"code": 404, "message": "no such upload", "status": "NOT_FOUND"}}))
            }
        },
    }
}

/// The file of a form with the purpose `batch`.
fn multipart(call: &Call<'_>) -> Option<Bytes> {
    let kind = (call.header)("content-type")?;
    let boundary = format!("--{}", kind.split("boundary=").nth(1)?.trim_matches('"'));
    let find = |from: usize, needle: &[u8]| {
        let hay = &call.body[from..];
        hay.windows(needle.len()).position(|w| w == needle).map(|at| from + at)
    };
    let file = find(0, b"name=\"file\"").filter(|_| find(0, b"name=\"purpose\"").is_some())?;
    let start = find(file, b"\r\n\r\n")? + 4;
    // The end is near the end: looking from there is quicker in 200 MB.
    let tail = boundary.len() + 400;
    let from = start.max(call.body.len().saturating_sub(tail));
    let end = find(from, format!("\r\n{boundary}").as_bytes())
        .or_else(|| find(start, format!("\r\n{boundary}").as_bytes()))?;
    Some(call.body.slice(start..end))
}

/// The requests of a payload as ranges of bytes.
fn requests(face: Face, payload: &Bytes) -> Result<Vec<(usize, usize)>, String> {
    let base = payload.as_ptr() as usize;
    let range = |raw: &str| {
        let start = raw.as_ptr() as usize - base;
        (start, start + raw.len())
    };
    if face == Face::Anthropic {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Payload<'a> {
            #[serde(borrow)]
            requests: Vec<&'a serde_json::value::RawValue>,
        }
        let parsed: Payload<'_> = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
        return Ok(parsed.requests.iter().map(|r| range(r.get())).collect());
    }
    let text = std::str::from_utf8(payload).map_err(|e| e.to_string())?;
    Ok(text.lines().filter(|l| !l.trim().is_empty()).map(range).collect())
}

async fn create(state: &Arc<State>, call: &Call<'_>, face: Face) -> io::Result<Response<Body>> {
    let config = state.config();
    let wrong =
        |status: u16, words: &str| Ok(send(Reply::json(status, &face.error(&Wrong::new(status, words), 0)), None));
    let body: Value = match face {
        Face::Anthropic => Value::Null,
        _ => serde_json::from_slice(&call.body).unwrap_or(Value::Null),
    };
    if face == Face::Anthropic && (call.header)("anthropic-version").is_none() {
        return wrong(400, "anthropic-version: header is required");
    }
    let input_file = match face {
        Face::Anthropic => String::new(),
        Face::Gemini => {
            body.pointer("/batch/inputConfig/fileName").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        _ => body["input_file_id"].as_str().unwrap_or_default().to_owned(),
    };
    let payload = match face {
        Face::Anthropic => Some(call.body.clone()),
        _ => state.batches.kept().files.get(input_file.trim_start_matches("files/")).cloned(),
    };
    let Some(payload) = payload else { return wrong(400, "the input file does not exist") };
    let requests = match requests(face, &payload) {
        Ok(requests) if !requests.is_empty() => requests,
        Ok(_) => return wrong(400, "requests: at least one is required"),
        Err(words) => return wrong(400, &words),
    };
    if face == Face::Anthropic && requests.len() > 100_000 {
        return wrong(400, "requests: at most 100,000 are allowed");
    }
    let (number, fault) = {
        let mut kept = state.batches.kept();
        kept.numbers += 1;
        let number = kept.batches.len() as u64 + 1;
        let mut left = uniform(config.seed, kept.numbers, 0, "batch fault");
        let by_rate = config.batch.faults.iter().find(|(_, rate)| {
            left -= rate;
            left < 0.0
        });
        let scripted = config.batch.script.iter().find(|(_, n)| *n == kept.numbers_of_creations() + 1);
        (number, scripted.map(|(f, _)| *f).or(by_rate.map(|(f, _)| *f)))
    };
    let effect = !matches!(fault, Some(BatchFault::CreateRefused | BatchFault::CreateErrorBeforeEffect));
    let made_ms = state.now_ms();
    let speed = config.speed;
    let u = |what| uniform(config.seed, number, 0, what);
    let took = log_normal(config.batch.turnaround_ms, config.batch.p99_over_median, u("bu"), u("bv")) / speed;
    let hash = chance::hash(&[&payload]);
    let id = match face {
        Face::Anthropic => format!("msgbatch_{number:08}"),
        Face::Gemini => format!("batches/g{number:08}"),
        _ => format!("batch_{number:08}"),
    };
    if !effect {
        state.batches.kept().attempt(0);
        return wrong(if fault == Some(BatchFault::CreateRefused) { 429 } else { 500 }, "not now");
    }
    let shown = {
        let mut kept = state.batches.kept();
        kept.attempt(hash);
        kept.batches.push(Batch {
            id: id.clone(),
            face,
            key: call.key.clone(),
            requests,
            version: (call.header)("anthropic-version"),
            model: call.path.rsplit('/').next().and_then(|m| m.split(':').next()).unwrap_or_default().to_owned(),
            name: body.pointer("/batch/displayName").and_then(Value::as_str).unwrap_or_default().to_owned(),
            metadata: body["metadata"].clone(),
            endpoint: body["endpoint"].as_str().unwrap_or_default().to_owned(),
            input_file,
            payload,
            made_ms,
            ends_ms: made_ms + took,
            fault,
            cancelled: false,
            looks: 0,
            downloads: 0,
        });
        let batch = kept.batches.last().expect("just pushed");
        shown(state, batch)
    };
    tokio::time::sleep(Duration::from_secs_f64(config.batch.create_delay_ms / 1000.0 / speed)).await;
    match fault {
        Some(BatchFault::CreateTimeoutAfterEffect) => wrong(504, "Gateway timeout"),
        Some(BatchFault::CreateResetAfterEffect) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        _ => Ok(send(ok(&shown), None)),
    }
}

impl Kept {
    fn attempt(&mut self, payload: u64) {
        *self.creations.entry(payload).or_insert(0) += 1;
        // Refusals are counted under no payload.
        if payload == 0 {
            self.creations.remove(&0);
            self.numbers += 1 << 32;
        }
    }

    /// Creations so far, refused ones too.
    fn numbers_of_creations(&self) -> u64 {
        self.batches.len() as u64 + (self.numbers >> 32)
    }
}

/// A batch in its vendor's shape.
fn shown(state: &State, batch: &Batch) -> Value {
    let now = state.now_ms();
    let ended = now >= batch.ends_ms || batch.cancelled;
    let total = batch.requests.len() as u64;
    let unix = |ms: f64| state.started_unix_s + ms / 1000.0;
    let stamp = |ms: f64| jiff::Timestamp::from_second(unix(ms) as i64).unwrap_or_default().to_string();
    let (mut done, mut bad) = (0_u64, 0_u64);
    for n in 0..total {
        match fate(batch, n) {
            Fate::Good => done += 1,
            _ => bad += 1,
        }
    }
    let queue = state.config().batch.queue_tokens;
    let invalid = batch.fault == Some(BatchFault::InvalidLine);
    let failed = invalid
        || batch.fault == Some(BatchFault::FailedAfterCreate)
        || queue.is_some_and(|most| batch.payload.len() as u64 / 4 > most);
    match batch.face {
        Face::Anthropic => json!({
            "id": batch.id, "type": "message_batch", "processing_status": if ended { "ended" } else { "in_progress" },
            // Counts stand still until the end.
            "request_counts": if ended {
                json!({"processing": 0, "succeeded": done, "errored": bad, "canceled": 0, "expired": 0})
            } else {
                json!({"processing": total, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0})
            },
            "created_at": stamp(batch.made_ms), "expires_at": stamp(batch.made_ms + 86_400_000.0),
            "ended_at": if ended { json!(stamp(batch.ends_ms)) } else { Value::Null },
            "cancel_initiated_at": null,
            "archived_at": if batch.fault == Some(BatchFault::ResultsGone) { json!(stamp(batch.ends_ms)) } else { Value::Null },
            "results_url": if ended { json!(format!("/v1/messages/batches/{}/results", batch.id)) } else { Value::Null },
        }),
        Face::Gemini => {
            // What expires there leaves nothing.
            let expired = batch.fault == Some(BatchFault::Expired);
            let bare = match (ended, batch.cancelled) {
                _ if failed => "FAILED",
                (_, true) => "CANCELLED",
                (false, _) => "RUNNING",
                (true, _) if expired => "EXPIRED",
                (true, _) => "SUCCEEDED",
            };
            let prefix = if batch.fault == Some(BatchFault::JobStates) { "JOB_STATE" } else { "BATCH_STATE" };
            let mut metadata = json!({
                "@type": "type.googleapis.com/google.ai.generativelanguage.v1.GenerateContentBatch",
                "displayName": batch.name, "model": format!("models/{}", batch.model), "state": format!("{prefix}_{bare}"),
                "createTime": stamp(batch.made_ms), "updateTime": stamp(now),
                "batchStats": {"requestCount": total.to_string(), "successfulRequestCount": if ended { done } else { 0 }.to_string(),
                    "failedRequestCount": if ended { bad } else { 0 }.to_string()},
            });
            let mut operation = json!({"name": batch.id, "done": ended});
            if failed {
                operation["error"] = match invalid {
                    true => json!({"code": 3, "message": "line 2 of the input file is not JSON"}),
                    false => json!({"code": 8, "message": "too many enqueued tokens"}),
                };
            } else if ended && !batch.cancelled && !expired {
                metadata["output"] =
                    json!({"responsesFile": format!("files/out-{}", batch.id.trim_start_matches("batches/"))});
            }
            operation["metadata"] = metadata;
            operation
        }
        _ => {
            let status = match (ended, batch.cancelled) {
                _ if failed => "failed",
                (_, true) => "cancelled",
                (false, _) => "in_progress",
                (true, _) if batch.fault == Some(BatchFault::Expired) => "expired",
                (true, _) => "completed",
            };
            let over = ended && !failed;
            json!({
                "id": batch.id, "object": "batch", "endpoint": batch.endpoint, "model": null,
                "errors": if invalid { json!({"object": "list", "data": [{"code": "invalid_json_line", "line": 2, "param": null,
                    "message": "This line is not parseable as valid JSON."}]}) }
                else if failed { json!({"object": "list", "data": [{"code": "token_limit_exceeded", "line": null, "param": null,
                    "message": "Enqueued token limit reached"}]}) } else { Value::Null },
                "input_file_id": batch.input_file, "completion_window": "24h", "status": status,
                "output_file_id": if over && done > 0 { json!(format!("out-{}", batch.id)) } else { Value::Null },
                // An empty string is how some servers say that there is none.
                "error_file_id": if over && bad > 0 { json!(format!("err-{}", batch.id)) } else { json!("") },
                "created_at": unix(batch.made_ms) as u64, "request_counts": {"total": total,
                    "completed": if ended { done } else { total * (now - batch.made_ms) as u64 / ((batch.ends_ms - batch.made_ms) as u64).max(1) },
                    "failed": if ended { bad } else { 0 }},
                "metadata": batch.metadata,
            })
        }
    }
}

fn visible<'a>(kept: &'a mut Kept, call: &Call<'_>, id: &str) -> Option<&'a mut Batch> {
    kept.batches
        .iter_mut()
        .find(|b| b.id.trim_start_matches("batches/") == id && (b.key.is_none() || b.key == call.key))
}

fn look(state: &Arc<State>, call: &Call<'_>, face: Face, id: &str) -> Option<Reply> {
    let mut kept = state.batches.kept();
    let batch = visible(&mut kept, call, id)?;
    batch.looks += 1;
    if batch.fault == Some(BatchFault::NotFoundAtFirst) && batch.looks <= 2 {
        return None;
    }
    if batch.fault == Some(BatchFault::UnavailableAtFirst) && batch.looks <= 2 {
        return Some(Reply::json(503, &face.error(&Wrong::new(503, "the service is unavailable"), 0)));
    }
    Some(ok(&shown(state, batch)))
}

fn cancel(state: &Arc<State>, call: &Call<'_>, id: &str) -> Option<Reply> {
    let mut kept = state.batches.kept();
    let batch = visible(&mut kept, call, id)?;
    batch.cancelled |= state.now_ms() < batch.ends_ms;
    Some(ok(&shown(state, batch)))
}

fn list(state: &Arc<State>, call: &Call<'_>, face: Face) -> Value {
    let lag = state.config().batch.list_lag_ms;
    let now = state.now_ms();
    let kept = state.batches.kept();
    let shows = |b: &&Batch| {
        let same = (b.face == Face::Anthropic) == (face == Face::Anthropic)
            && (b.face == Face::Gemini) == (face == Face::Gemini);
        same && (b.key.is_none() || b.key == call.key) && now - b.made_ms >= lag
    };
    let field = |name: &str| call.query.split('&').find_map(|p| p.strip_prefix(name)?.strip_prefix('='));
    let limit: usize = field("limit").or(field("pageSize")).and_then(|n| n.parse().ok()).unwrap_or(20);
    let after = field("after_id").or(field("after")).or(field("pageToken"));
    let all: Vec<&Batch> = kept.batches.iter().rev().filter(shows).collect();
    let from = after.and_then(|id| all.iter().position(|b| b.id == id)).map_or(0, |at| at + 1);
    let page: Vec<&&Batch> = all.iter().skip(from).take(limit).collect();
    let more = from + page.len() < all.len();
    let last = page.last().map(|b| b.id.clone());
    let shown: Vec<Value> = page.iter().map(|b| shown(state, b)).collect();
    match face {
        Face::Gemini => match more {
            true => json!({"operations": shown, "nextPageToken": last}),
            false => json!({"operations": shown}),
        },
        _ => {
            json!({"object": "list", "data": shown, "has_more": more, "first_id": page.first().map(|b| b.id.clone()), "last_id": last})
        }
    }
}
