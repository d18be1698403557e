//! The results of a batch, in an order of their own.

use std::io;
use std::sync::Arc;

use futures_util::stream;
use http_body_util::StreamBody;
use hyper::Response;
use hyper::body::{Bytes, Frame};
use serde_json::Value;

use super::config::BatchFault;
use super::endpoint::BatchCall;
use super::kept::RequestOutcome;
use super::paid::Asked;
use crate::interfaces::{NoAnswer, UsageReport};
use crate::reply::{Body, Reply, send};
use crate::state::State;
use crate::{Fault, chance};

/// The content of a file: an upload, or results of a batch.
pub(super) fn content_of(state: &Arc<State>, call: &BatchCall<'_>, id: &str) -> io::Result<Response<Body>> {
    if let Some(batch) = id.strip_prefix("out-") {
        return results(state, call, batch, true);
    }
    if let Some(batch) = id.strip_prefix("err-") {
        return results(state, call, batch, false);
    }
    let file = state.batches.kept().files.get(id).map(|file| file.bytes.clone());
    let missing = || call.refuse(404, &format!("No such File object: {id}"));
    Ok(send(file.map_or_else(missing, |body| Reply::bytes(200, "application/jsonl", body)), None))
}

/// Results, in an order of their own. `good` leaves out what OpenAI puts into the file of errors, or everything else.
pub(super) fn results(state: &Arc<State>, call: &BatchCall<'_>, id: &str, good: bool) -> io::Result<Response<Body>> {
    let mut kept = state.batches.kept();
    let gone = || Ok(send(call.refuse(404, "the results are no longer available"), None));
    let Some(batch) = kept.batch(call.key.as_deref(), id) else { return gone() };
    if !batch.is_over(state.now_ms()) {
        return Ok(send(call.refuse(404, "the batch is still worked on: there are no results yet"), None));
    }
    batch.downloads += 1;
    let number = batch.downloads;
    let is_late = batch.meets(BatchFault::LateResults) && batch.interface.name() == "anthropic" && number == 1;
    if batch.meets(BatchFault::ResultsGone) || is_late {
        return gone();
    }
    let at_the_door = |fault: &BatchFault| match (fault, number) {
        (BatchFault::ResultsNotFoundAtFirst, 1 | 2) => Some(call.refuse(404, "the results are not found")),
        (BatchFault::ResultsUnavailableAtFirst, 1 | 2) => Some(Reply::html(503, "Service Unavailable")),
        (BatchFault::ResultsForbiddenAtFirst, 1) => Some(call.refuse(403, "forbidden")),
        (BatchFault::ResultsHtmlAtFirst, 1) => Some(Reply::html(200, "Welcome")),
        (BatchFault::ResultsEmptyAtFirst, 1) => Some(Reply::empty()),
        (BatchFault::Redirected, _) => {
            let part = if good { "out" } else { "err" };
            let place = format!("http://{}/signed/{part}-{id}?signature=1", state.elsewhere);
            let mut reply = Reply::bytes(302, "text/plain", Bytes::new());
            reply.headers.push(("location".into(), place));
            Some(reply)
        }
        _ => None,
    };
    if let Some(reply) = batch.faults.iter().find_map(at_the_door) {
        return Ok(send(reply, None));
    }
    drop(kept);
    Ok(download(state, id, good))
}

/// End of a download before its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Early {
    /// The connection breaks: everybody sees it.
    Broken,
    /// The connection is closed, and nobody was told how long it would be.
    Closed,
}

/// The results themselves, as they lie at the provider or elsewhere.
pub(super) fn download(state: &Arc<State>, id: &str, good: bool) -> Response<Body> {
    let (order, faults, is_first) = {
        let kept = state.batches.kept();
        let Some(batch) = kept.batches.iter().find(|b| b.bare_id() == id) else {
            return send(Reply::bytes(404, "text/plain", "no such results".into()), None);
        };
        let is_first = batch.downloads <= 1;
        let split = batch.interface.parts_errors();
        let is_left_out = |n: u64| {
            n % 5 == 1 && (batch.meets(BatchFault::CountsDisagree) || batch.meets(BatchFault::Missing) && is_first)
        };
        let mut order: Vec<u64> = (0..batch.requests.len() as u64)
            .filter(|n| !split || batch.is_answered(*n) == good)
            .filter(|n| !is_left_out(*n))
            .collect();
        order.sort_by_key(|n| chance::hash(&[id.as_bytes(), &n.to_le_bytes()]));
        if batch.meets(BatchFault::Duplicates) {
            let twice: Vec<u64> = order.iter().copied().filter(|n| n % 5 == 1).collect();
            order.extend(twice);
        }
        (order, batch.faults.clone(), is_first)
    };
    let has = |fault| faults.contains(&fault);
    let early = match is_first {
        true if has(BatchFault::CutDownload) => Some(Early::Broken),
        true if has(BatchFault::ClosedEarly) => Some(Early::Closed),
        _ => None,
    };
    let (gzip, half) = (has(BatchFault::GzipResults), order.len() / 2);
    let (state, id) = (Arc::clone(state), id.to_owned());
    if gzip && early.is_none() {
        let lines = order.iter().enumerate().map(|(at, n)| spoilt(bytes_of_line(&state, &id, *n), at, &faults));
        return send(compressed(&lines.collect::<Vec<_>>().concat()), None);
    }
    let lines = stream::unfold((0_usize, order), move |(at, order)| {
        let (state, id, faults) = (Arc::clone(&state), id.clone(), faults.clone());
        async move {
            if early.is_some() && at > half {
                return None;
            }
            let whole = |n: u64| spoilt(bytes_of_line(&state, &id, n), at, &faults);
            let piece = match early {
                Some(Early::Broken) if at == half => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                Some(Early::Closed) if at == half => {
                    let mut line = whole(*order.get(at)?);
                    line.truncate(line.len() / 2);
                    Ok(line)
                }
                _ => Ok(whole(*order.get(at)?)),
            };
            Some((piece.map(|line| Frame::data(Bytes::from(line))), (at + 1, order)))
        }
    });
    let body: Body = Box::pin(StreamBody::new(lines));
    let mut response = Response::new(body);
    if early == Some(Early::Closed) {
        // Neither a length nor chunks: a body of this version lasts until the connection is closed.
        *response.version_mut() = hyper::Version::HTTP_10;
    }
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/x-jsonl"));
    response
}

fn compressed(lines: &[u8]) -> Reply {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let written = io::Write::write_all(&mut encoder, lines).and_then(|()| encoder.finish());
    let mut reply = Reply::bytes(200, "application/x-jsonl", written.unwrap_or_default().into());
    reply.headers.push(("content-encoding".into(), "gzip".into()));
    reply
}

/// Bytes of the longest line.
const HUGE: usize = 30 << 20;

/// What faults make of the line that stands at a place of the results.
fn spoilt(mut line: Vec<u8>, at: usize, faults: &[BatchFault]) -> Vec<u8> {
    for fault in faults {
        match fault {
            BatchFault::ForeignIds => line = with_id(&line, |name, id| (name.to_owned(), id.to_uppercase())),
            BatchFault::RenamedIds => line = with_id(&line, |name, id| (format!("{name}_of_request"), id.to_owned())),
            BatchFault::ByteOrderMark if at == 0 => {
                line.splice(0..0, *b"\xef\xbb\xbf");
            }
            BatchFault::HugeLine if at == 0 => {
                let brace = line.iter().position(|b| *b == b'{').map_or(0, |at| at + 1);
                line.splice(brace..brace, std::iter::repeat_n(b' ', HUGE));
            }
            BatchFault::Unknown if at == 0 => line.extend_from_slice(&stranger(&line)),
            BatchFault::CarriageReturns if line.last() == Some(&b'\n') => {
                line.pop();
                line.extend_from_slice(b"\r\n");
            }
            _ => {}
        }
    }
    line
}

/// A line that nobody asked for.
fn stranger(line: &[u8]) -> Vec<u8> {
    let stranger = String::from_utf8_lossy(line).replacen("-0\"", "-99999999\"", 1);
    if stranger.as_bytes() == line {
        b"{\"custom_id\":\"someone-1\",\"key\":\"someone-1\"}\n".to_vec()
    } else {
        stranger.into_bytes()
    }
}

/// A line whose id, and the name of its field, are others.
fn with_id(line: &[u8], change: impl Fn(&str, &str) -> (String, String)) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(line) else { return line.to_vec() };
    for name in ["custom_id", "key"] {
        let id = value.as_object_mut().and_then(|fields| fields.remove(name));
        if let Some(id) = id.as_ref().and_then(Value::as_str) {
            let (name, id) = change(name, id);
            value[name] = id.into();
        }
    }
    format!("{value}\n").into_bytes()
}

/// One line of results, as bytes.
fn bytes_of_line(state: &State, id: &str, n: u64) -> Vec<u8> {
    let (asked, outcome) = {
        let kept = state.batches.kept();
        let Some(batch) = kept.batches.iter().find(|b| b.bare_id() == id) else { return Vec::new() };
        (Asked::of(batch, n), batch.outcome(n))
    };
    let mut bytes = line(state, &asked, outcome, n).to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// One line of results.
pub(super) fn line(state: &State, asked: &Asked, outcome: RequestOutcome, n: u64) -> Value {
    let answered = |fault: Option<Fault>| {
        let ask = asked.read().map_err(NoAnswer::Refused)?;
        let (said, usage) = asked.answer(state, &ask, fault);
        Ok(asked.interface.success(&ask, &said, UsageReport::Full(usage), n))
    };
    let answered = match outcome {
        RequestOutcome::Answered => answered(asked.fault()),
        RequestOutcome::Expired if asked.is_cancelled => Err(NoAnswer::Cancelled),
        RequestOutcome::Expired => Err(NoAnswer::Expired),
        RequestOutcome::Refused(error) => match error.refusal(asked.interface) {
            Some(refusal) => Err(NoAnswer::Refused(refusal)),
            None => answered(Some(Fault::Refusal)),
        },
    };
    asked.interface.result(&asked.name, answered, n)
}
