//! The results of a batch, in an order of their own.

use std::io;
use std::sync::Arc;

use futures_util::stream;
use http_body_util::StreamBody;
use hyper::Response;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};

use super::super::chance::uniform;
use super::super::content::content;
use super::super::faces::{Face, Parts, UsageSaid, Wrong};
use super::super::server::{Body, Reply, State, send};
use super::super::{Fault, chance};
use super::{Batch, BatchFault, Call, face, visible};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Good,
    Errored,
    Wrong,
    Expired,
}

pub(super) fn fate(batch: &Batch, n: u64) -> Fate {
    match batch.fault {
        Some(BatchFault::AllErrored) => Fate::Errored,
        Some(BatchFault::SomeErrored) if n % 5 == 1 => Fate::Errored,
        Some(BatchFault::SomeWrong) if n % 5 == 1 => Fate::Wrong,
        Some(BatchFault::Expired) if n % 2 == 1 => Fate::Expired,
        _ if batch.cancelled && n % 2 == 1 => Fate::Expired,
        _ => Fate::Good,
    }
}

/// The content of a file: an upload, or results of a batch.
pub(super) fn content_of(state: &Arc<State>, call: &Call<'_>, id: &str) -> io::Result<Response<Body>> {
    if let Some(batch) = id.strip_prefix("out-") {
        return results(state, call, batch, true);
    }
    if let Some(batch) = id.strip_prefix("err-") {
        return results(state, call, batch, false);
    }
    let file = state.batches.kept().files.get(id).cloned();
    let missing = || {
        Reply::json(
            404,
            &json!({"error": {"message": "no such file", "type": "invalid_request_error", "param": null, "code": null}}),
        )
    };
    Ok(send(file.map_or_else(missing, |body| Reply::bytes(200, "application/jsonl", body)), None))
}

/// Results, in an order of their own. `good` leaves out what OpenAI puts into the file of errors, or everything else.
pub(super) fn results(state: &Arc<State>, call: &Call<'_>, id: &str, good: bool) -> io::Result<Response<Body>> {
    let (order, cut) = {
        let mut kept = state.batches.kept();
        let gone = || {
            let face = face(call);
            Ok(send(Reply::json(404, &face.error(&Wrong::new(404, "the results are no longer available"), 0)), None))
        };
        let Some(batch) = visible(&mut kept, call, id) else { return gone() };
        if batch.fault == Some(BatchFault::ResultsGone) {
            return gone();
        }
        batch.downloads += 1;
        let cut = batch.fault == Some(BatchFault::CutDownload) && batch.downloads == 1;
        let split = !matches!(batch.face, Face::Anthropic | Face::Gemini);
        let mut order: Vec<u64> = (0..batch.requests.len() as u64)
            .filter(|n| !split || (fate(batch, *n) == Fate::Good) == good)
            .filter(|n| batch.fault != Some(BatchFault::Missing) || n % 5 != 1)
            .collect();
        order.sort_by_key(|n| chance::hash(&[id.as_bytes(), &n.to_le_bytes()]));
        if batch.fault == Some(BatchFault::Duplicates) {
            let twice: Vec<u64> = order.iter().copied().filter(|n| n % 5 == 1).collect();
            order.extend(twice);
        }
        (order, cut)
    };
    let half = order.len() / 2;
    let unknown =
        state.batches.kept().batches.iter().any(|b| b.id.ends_with(id) && b.fault == Some(BatchFault::Unknown));
    let (state, id) = (Arc::clone(state), id.to_owned());
    let lines = stream::unfold((0_usize, order), move |(at, order)| {
        let (state, id) = (Arc::clone(&state), id.clone());
        async move {
            if cut && at > half {
                return None;
            }
            if cut && at == half {
                return Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), (at + 1, order)));
            }
            let n = *order.get(at)?;
            let mut line = line(&state, &id, n);
            if unknown && at == 0 {
                let stranger = String::from_utf8_lossy(&line).replacen("-0\"", "-99999999\"", 1);
                let stranger = if stranger.as_bytes() == line {
                    "{\"custom_id\":\"someone-1\",\"key\":\"someone-1\"}\n".to_owned()
                } else {
                    stranger
                };
                line.extend_from_slice(stranger.as_bytes());
            }
            Some((Ok(Frame::data(Bytes::from(line))), (at + 1, order)))
        }
    });
    let body: Body = Box::pin(StreamBody::new(lines));
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/x-jsonl"));
    Ok(response)
}

/// One line of results.
fn line(state: &State, id: &str, n: u64) -> Vec<u8> {
    let (face, version, raw, fate, endpoint, model) = {
        let kept = state.batches.kept();
        let Some(batch) = kept.batches.iter().find(|b| b.id.trim_start_matches("batches/") == id) else {
            return Vec::new();
        };
        let (from, to) = batch.requests[n as usize];
        let face = if batch.endpoint.ends_with("/responses") { Face::Responses } else { batch.face };
        (
            face,
            batch.version.clone(),
            batch.payload.slice(from..to),
            fate(batch, n),
            batch.endpoint.clone(),
            batch.model.clone(),
        )
    };
    let request: Value = serde_json::from_slice(&raw).unwrap_or(Value::Null);
    let (name, body) = match face {
        Face::Anthropic => (&request["custom_id"], &request["params"]),
        Face::Gemini => (&request["key"], &request["request"]),
        _ => (&request["custom_id"], &request["body"]),
    };
    let path = match face {
        Face::Gemini => format!("/v1/models/{model}:generateContent"),
        Face::Anthropic => "/v1/messages".to_owned(),
        _ => endpoint,
    };
    let header = |header: &str| version.clone().filter(|_| header == "anthropic-version");
    let config = state.config();
    let answered = match fate {
        Fate::Good => face.read(&Parts { path: &path, header: &header, body }).map(|ask| {
            let hash = chance::hash(&[&raw]);
            let mut left = uniform(config.seed, hash, 1, "fault");
            let fault: Option<Fault> = config
                .faults
                .iter()
                .find(|(_, rate)| {
                    left -= rate;
                    left < 0.0
                })
                .map(|(f, _)| *f)
                .filter(|f| f.is_content());
            let oracle = state.oracle();
            let said = content(&oracle.answer(&ask.user, ask.schema.as_ref()), ask.tool.is_some(), ask.budget, fault);
            let mut usage = state.prompt_usage(&ask, &config);
            usage.output = said.tokens;
            face.success(&ask, &said, UsageSaid::Told(usage), n)
        }),
        Fate::Errored => Err(Wrong::new(500, "Internal server error")),
        Fate::Wrong => Err(Wrong::new(400, "this request is wrong")),
        Fate::Expired => Err(Wrong::new(0, "expired")),
    };
    let line = match (face, answered) {
        (Face::Anthropic, Ok(message)) => {
            json!({"custom_id": name, "result": {"type": "succeeded", "message": message}})
        }
        (Face::Anthropic, Err(w)) if w.status == 0 => json!({"custom_id": name, "result": {"type": "expired"}}),
        (Face::Anthropic, Err(w)) => {
            json!({"custom_id": name, "result": {"type": "errored", "error": face.error(&w, n)}})
        }
        (Face::Gemini, Ok(response)) => json!({"key": name, "response": response}),
        (Face::Gemini, Err(w)) => {
            json!({"key": name, "error": {"code": if w.status == 400 { 3 } else { 13 }, "message": w.message}})
        }
        (_, Ok(body)) => json!({"id": format!("batch_req_{n}"), "custom_id": name, "error": null,
            "response": {"status_code": 200, "request_id": format!("req_{n}"), "body": body}}),
        (_, Err(w)) if w.status == 0 => json!({"id": format!("batch_req_{n}"), "custom_id": name, "response": null,
            "error": {"code": "batch_expired", "message": "This request could not be executed before the completion window expired."}}),
        (_, Err(w)) => json!({"id": format!("batch_req_{n}"), "custom_id": name, "error": null,
            "response": {"status_code": w.status, "request_id": format!("req_{n}"), "body": face.error(&w, n)}}),
    };
    let mut line = line.to_string().into_bytes();
    line.push(b'\n');
    line
}
