//! Files: uploads as Google and OpenAI take them, and their content.

use hyper::body::Bytes;
use serde_json::json;

use super::config::BatchFault;
use super::endpoint::BatchCall;
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
                let bare = name.trim_start_matches("files/").to_owned();
                kept.files.insert(bare, call.body.clone());
                let size = call.body.len().to_string();
                let mut reply = Reply::json(
                    200,
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

/// Refusal of somebody on the way to whom the next creation's payload is too large.
fn too_large(state: &State) -> Option<Reply> {
    let config = state.config();
    let mut kept = state.batches.kept();
    let is_large = kept.next(&config).1.contains(&BatchFault::PayloadTooLarge);
    kept.refused += u64::from(is_large);
    is_large.then(|| Reply::html(413, "Request Entity Too Large"))
}

/// The file of a form with the purpose `batch`.
fn multipart(call: &BatchCall<'_>) -> Option<Bytes> {
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

/// A file of a form, as OpenAI takes it.
pub(super) fn take_form(state: &State, call: &BatchCall<'_>) -> Reply {
    let Some(file) = multipart(call) else {
        return call.refuse(400, "the body is not a form with 'purpose' = batch and a 'file'");
    };
    if let Some(reply) = too_large(state) {
        return reply;
    }
    let mut kept = state.batches.kept();
    kept.numbers += 1;
    let id = format!("file-{:08}", kept.numbers);
    let size = file.len();
    kept.files.insert(id.clone(), file);
    Reply::json(
        200,
        &json!({"id": id, "object": "file", "bytes": size, "created_at": state.unix_s() as u64, "filename": "batch.jsonl",
            "purpose": "batch", "status": "processed"}),
    )
}

/// Facts about a file.
pub(super) fn about(state: &State, call: &BatchCall<'_>, id: &str) -> Reply {
    if !state.batches.kept().files.contains_key(id) {
        return call.refuse(404, "no such file");
    }
    Reply::json(
        200,
        &json!({"id": id, "object": "file", "bytes": 1, "created_at": 1, "filename": "x", "purpose": "batch", "status": "processed"}),
    )
}
