//! Files: uploads as Google and OpenAI take them, and their content.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::config::BatchFault;
use super::endpoint::BatchCall;
use super::kept::File;
use super::results::download;
use crate::interfaces::{FileState, Refusal};
use crate::reply::Reply;
use crate::state::State;

/// Google's resumable upload: a start that names a place, then the bytes.
pub(super) fn upload(state: &State, call: &BatchCall<'_>) -> Reply {
    if call.query.starts_with("upload_id=")
        && let Some(reply) = too_large(state)
    {
        return reply;
    }
    let mut kept = state.batches.kept();
    kept.numbers += 1;
    let number = kept.numbers;
    match call.query.strip_prefix("upload_id=") {
        None => {
            let name = format!("files/f{number:08}");
            kept.uploads.insert(number.to_string(), name);
            let mut reply = Reply::json(200, &json!({}));
            reply
                .headers
                .push(("x-goog-upload-url".into(), format!("http://{}{}?upload_id={number}", call.host, call.path)));
            reply.headers.push(("x-goog-upload-status".into(), "active".into()));
            reply
        }
        Some(id) => match kept.uploads.get(id).cloned() {
            Some(name) => {
                let id = name.trim_start_matches("files/").to_owned();
                let (purpose, bytes) = ("batch".to_owned(), call.body.clone());
                let file = File { name, purpose, bytes, made_ms: state.now_ms() };
                let mut reply = Reply::json(200, &json!({"file": shown(state, call, &id, &file)}));
                kept.files.insert(id, file);
                reply.headers.push(("x-goog-upload-status".into(), "final".into()));
                reply
            }
            None => {
                Reply::json(404, &json!({"error": {"code": 404, "message": "no such upload", "status": "NOT_FOUND"}}))
            }
        },
    }
}

/// Refusal of somebody on the way to whom the next creation's payload is too large.
fn too_large(state: &State) -> Option<Reply> {
    let config = state.config();
    let mut kept = state.batches.kept();
    let is_large = kept.next(&config).1.contains(&BatchFault::PayloadTooLarge);
    kept.refused += u64::from(is_large);
    is_large.then(|| Reply::html(413, "Request Entity Too Large"))
}

/// Purposes of files that are uploaded. <https://github.com/openai/openai-openapi>
const PURPOSES: [&str; 6] = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];

/// A form with a file.
struct Form {
    purpose: String,
    name: String,
    bytes: Bytes,
}

fn find(hay: &[u8], from: usize, needle: &[u8]) -> Option<usize> {
    hay[from..].windows(needle.len()).position(|w| w == needle).map(|at| from + at)
}

/// The form of a call. Its small fields stand at the beginning or at the end of it, however large the file is.
fn form(call: &BatchCall<'_>) -> Option<Form> {
    let kind = (call.header)("content-type")?;
    let boundary = format!("--{}", kind.split("boundary=").nth(1)?.trim_matches('"'));
    let body = &call.body[..];
    let file = find(body, 0, b"name=\"file\"")?;
    let start = find(body, file, b"\r\n\r\n")? + 4;
    let end_of_part = format!("\r\n{boundary}");
    // The end is near the end: looking from there is quicker in 200 MB.
    let tail = boundary.len() + 400;
    let from = start.max(body.len().saturating_sub(tail));
    let end = find(body, from, end_of_part.as_bytes()).or_else(|| find(body, start, end_of_part.as_bytes()))?;
    let head = String::from_utf8_lossy(&body[file..start]);
    let name = head.split("filename=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned();
    let mark = b"name=\"purpose\"";
    let at = find(&body[..file], 0, mark).or_else(|| find(body, end, mark))?;
    let value = find(body, at, b"\r\n\r\n")? + 4;
    let value_end = find(body, value, end_of_part.as_bytes())?;
    let purpose = String::from_utf8_lossy(&body[value..value_end]).into_owned();
    Some(Form { purpose, name, bytes: call.body.slice(start..end) })
}

/// A file of a form, as OpenAI takes it.
pub(super) fn take_form(state: &State, call: &BatchCall<'_>) -> Reply {
    let Some(Form { purpose, name, bytes }) = form(call) else {
        return call.refuse(400, "the body is not a form with 'purpose' = batch and a 'file'");
    };
    let wrong = |param: &str, words: String| Refusal { param: Some(param.to_owned()), ..Refusal::new(400, words) };
    if !PURPOSES.contains(&purpose.as_str()) {
        let words = format!("Invalid value: '{purpose}'. Supported values are: '{}'.", PURPOSES.join("', '"));
        return call.refuse_as(&Refusal { code: Some("invalid_value"), ..wrong("purpose", words) });
    }
    // A name without an ending is taken.
    if purpose == "batch" && name.contains('.') && !name.ends_with(".jsonl") {
        return call
            .refuse_as(&wrong("file", format!("Invalid file format for Batch API. Must be .jsonl, not {name}")));
    }
    if let Some(reply) = too_large(state) {
        return reply;
    }
    let mut kept = state.batches.kept();
    kept.numbers += 1;
    let id = format!("file-{:08}", kept.numbers);
    let file = File { name, purpose, bytes, made_ms: state.now_ms() };
    let reply = Reply::json(200, &shown(state, call, &id, &file));
    kept.files.insert(id, file);
    reply
}

fn shown(state: &State, call: &BatchCall<'_>, id: &str, file: &File) -> Value {
    let made_s = state.started_unix_s + file.made_ms / 1000.0;
    let (name, purpose, bytes) = (&file.name, &file.purpose, file.bytes.len());
    call.interface.file(&FileState { id, name, purpose, bytes, made_s })
}

/// Facts about a file, or about the results of a batch, which are one.
pub(super) async fn about(state: &Arc<State>, call: &BatchCall<'_>, id: &str) -> Reply {
    if let Some(file) = state.batches.kept().files.get(id) {
        return Reply::json(200, &shown(state, call, id, file));
    }
    let ends_s = id.split_once('-').and_then(|(part, batch)| {
        let now_ms = state.now_ms();
        let is_results = part == "out" || part == "err";
        let mut kept = state.batches.kept();
        let batch = kept.batch(call.key.as_deref(), batch).filter(|b| is_results && b.is_over(now_ms))?;
        Some(state.started_unix_s + batch.ends_ms / 1000.0)
    });
    let Some(made_s) = ends_s else { return call.refuse(404, &format!("No such File object: {id}")) };
    let body = download(state, &id[4..], id.starts_with("out")).into_body();
    let bytes = body.collect().await.map(|body| body.to_bytes().len()).unwrap_or_default();
    let name = format!("{id}.jsonl");
    Reply::json(200, &call.interface.file(&FileState { id, name: &name, purpose: "batch_output", bytes, made_s }))
}

/// All files that were uploaded, the newest first.
pub(super) fn list(state: &State, call: &BatchCall<'_>) -> Reply {
    let most = if call.interface.name() == "gemini" { 100 } else { 10_000 };
    let asked = call.asked("limit").or(call.asked("pageSize")).map(str::parse::<usize>);
    let limit = match asked {
        None => most,
        Some(Ok(n)) if (1..=most).contains(&n) => n,
        Some(_) => return call.refuse(400, &format!("Invalid 'limit': expected a value from 1 to {most}.")),
    };
    let ours = if call.interface.name() == "gemini" { "f" } else { "file-" };
    let purpose = call.asked("purpose");
    let is_asked = |(id, file): &(&String, &File)| {
        id.starts_with(ours) && id.contains('-') == ours.contains('-') && purpose.is_none_or(|p| p == file.purpose)
    };
    let kept = state.batches.kept();
    let files = kept.files.iter().rev().filter(is_asked).take(limit);
    Reply::json(200, &call.interface.files(files.map(|(id, file)| shown(state, call, id, file)).collect()))
}

pub(super) fn delete(state: &State, call: &BatchCall<'_>, id: &str) -> Reply {
    match state.batches.kept().files.remove(id) {
        Some(_) => Reply::json(200, &call.interface.deleted(id)),
        None => call.refuse(404, &format!("No such File object: {id}")),
    }
}
