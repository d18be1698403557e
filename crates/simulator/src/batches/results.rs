//! The results of a batch, in an order of their own.

use std::io;
use std::sync::Arc;

use futures_util::stream;
use http_body_util::StreamBody;
use hyper::Response;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};

use super::config::BatchFault;
use super::endpoint::BatchCall;
use super::kept::RequestOutcome;
use crate::chance::uniform;
use crate::content::content;
use crate::interfaces::{ModelRequest, Parts, Refusal, UsageReport};
use crate::reply::{Body, Reply, send};
use crate::state::State;
use crate::{Fault, SimulatorConfig, chance};

/// The content of a file: an upload, or results of a batch.
pub(super) fn content_of(state: &Arc<State>, call: &BatchCall<'_>, id: &str) -> io::Result<Response<Body>> {
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
pub(super) fn results(state: &Arc<State>, call: &BatchCall<'_>, id: &str, good: bool) -> io::Result<Response<Body>> {
    let (order, cut) = {
        let mut kept = state.batches.kept();
        let gone = || Ok(send(call.refuse(404, "the results are no longer available"), None));
        let Some(batch) = kept.batch(call.key.as_deref(), id) else { return gone() };
        if batch.fault == Some(BatchFault::ResultsGone) {
            return gone();
        }
        batch.downloads += 1;
        if batch.fault == Some(BatchFault::LateResults) && batch.interface.name() == "anthropic" && batch.downloads == 1
        {
            return gone();
        }
        let cut = batch.fault == Some(BatchFault::CutDownload) && batch.downloads == 1;
        let split = batch.interface.parts_errors();
        let mut order: Vec<u64> = (0..batch.requests.len() as u64)
            .filter(|n| !split || (batch.outcome(*n) == RequestOutcome::Answered) == good)
            .filter(|n| batch.fault != Some(BatchFault::Missing) || batch.downloads > 1 || n % 5 != 1)
            .collect();
        order.sort_by_key(|n| chance::hash(&[id.as_bytes(), &n.to_le_bytes()]));
        if batch.fault == Some(BatchFault::Duplicates) {
            let twice: Vec<u64> = order.iter().copied().filter(|n| n % 5 == 1).collect();
            order.extend(twice);
        }
        (order, cut)
    };
    let fault_of =
        |fault: BatchFault| state.batches.kept().batches.iter().any(|b| b.id.ends_with(id) && b.fault == Some(fault));
    let (marked, shouted) = (fault_of(BatchFault::ByteOrderMark), fault_of(BatchFault::ForeignIds));
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
            if shouted {
                line = shout(&line);
            }
            if marked && at == 0 {
                line.splice(0..0, *b"\xef\xbb\xbf");
            }
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

/// A line whose id is in upper case.
fn shout(line: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(line) else { return line.to_vec() };
    for name in ["custom_id", "key"] {
        if let Some(id) = value[name].as_str().map(str::to_uppercase) {
            value[name] = id.into();
        }
    }
    format!("{value}\n").into_bytes()
}

/// One line of results.
fn line(state: &State, id: &str, n: u64) -> Vec<u8> {
    let (interface, version, raw, outcome, path) = {
        let kept = state.batches.kept();
        let Some(batch) = kept.batches.iter().find(|b| b.id.trim_start_matches("batches/") == id) else {
            return Vec::new();
        };
        let (from, to) = batch.requests[n as usize];
        (
            batch.interface.within_batch(&batch.endpoint).unwrap_or(batch.interface),
            batch.version.clone(),
            batch.payload.slice(from..to),
            batch.outcome(n),
            batch.interface.batch_path(&batch.endpoint, &batch.model),
        )
    };
    let request: Value = serde_json::from_slice(&raw).unwrap_or(Value::Null);
    let (name, body) = interface.request_of(&request);
    let header = |header: &str| version.clone().filter(|_| header == "anthropic-version");
    let answered = match outcome {
        RequestOutcome::Answered => interface.read(&Parts { path: &path, header: &header, body }).map(|ask| {
            let config = state.config();
            let fault = content_fault(&config, &raw);
            let said = answer_of(state, &ask, fault);
            let mut usage = state.prompt_usage(&ask, &config);
            usage.output = said.tokens;
            interface.success(&ask, &said, UsageReport::Full(usage), n)
        }),
        RequestOutcome::Errored => Err(Refusal::new(500, "Internal server error")),
        RequestOutcome::NoBalance => Err(interface.no_balance()),
        RequestOutcome::Wrong => Err(Refusal::new(400, "this request is wrong")),
        RequestOutcome::Expired => Err(Refusal::new(0, "expired")),
    };
    let mut line = interface.result(name, answered, n).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Fault of content that a request within a batch meets, by chance.
fn content_fault(config: &SimulatorConfig, request: &[u8]) -> Option<Fault> {
    let mut left = uniform(config.seed, chance::hash(&[request]), 1, "fault");
    let by_rate = config.faults.iter().find(|(_, rate)| {
        left -= rate;
        left < 0.0
    });
    by_rate.map(|(fault, _)| *fault).filter(|fault| fault.is_content())
}

fn answer_of(state: &State, ask: &ModelRequest, fault: Option<Fault>) -> crate::content::Content {
    let answer = state.oracle().answer(&ask.user, ask.schema.as_ref());
    content(&answer, ask.tool.is_some(), ask.budget, fault)
}
