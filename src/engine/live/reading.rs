//! Stores responses as they came, then reads them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::Receiver;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::request::{Ask, Request, Unit};
use super::{ATTEMPTS, BAD_ANSWER_COSTS, Live, Remote};
use crate::engine::RunError;
use crate::engine::run::Run;
use crate::engine::worker::panic_words;
use crate::remote::{Content, Dialect, Finish, Permit, Reply};
use crate::stages::extract::{self, AnswerSchema, Heard, Said, UnitResult, lenient_json};
use crate::store::{self, Change, Checkpoint, Reader, StoredResponse};
use crate::values::{Cost, Failure, FailureKind, Fingerprint, Usage};

/// A response on its way to the reader.
pub(super) struct Response {
    pub(super) request: Request,
    pub(super) permit: Permit,
    pub(super) latency: Duration,
    pub(super) request_id: Option<String>,
    pub(super) body: Vec<u8>,
    /// The span of the request, for the log.
    pub(super) span: tracing::Span,
}

/// What the traffic has to know of a response.
pub(super) struct Verdict {
    pub(super) permit: Permit,
    pub(super) reserved: Cost,
    pub(super) input_estimate: u64,
    pub(super) latency: Duration,
    pub(super) usage: Option<Usage>,
    pub(super) cost: Option<Cost>,
    /// What is to be asked again.
    pub(super) again: Vec<Ask>,
}

/// A response that was looked into.
#[derive(Debug)]
pub struct Reading {
    /// Tokens, if it told them.
    pub usage: Option<Usage>,
    /// What it means for each unit.
    pub results: Vec<UnitResult>,
    /// What it was, in a word.
    pub outcome: &'static str,
}

/// Reads a response to a request about `units`: a name for each term, none for a passage.
pub fn read(dialect: &Dialect, schema: &AnswerSchema, body: &[u8], units: &[Option<&str>]) -> Reading {
    let attempt = || match dialect.reply(body) {
        Ok(reply) => {
            let outcome = match reply.finish {
                Finish::Complete => "complete",
                Finish::Truncated => "truncated",
                Finish::Refused(_) => "refused",
                Finish::WindowExceeded => "window exceeded",
                Finish::Other(_) => "other",
            };
            let usage = reply.usage;
            Reading { usage, results: extract::interpret(&heard(reply), schema, units), outcome }
        }
        Err(words) => {
            Reading { usage: None, results: all_again(units.len(), FailureKind::Provider, words), outcome: "malformed" }
        }
    };
    // A response that trips us up must not take the run with it; it is kept, and read again by a better version.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        let words = format!("corpora itself failed on this response ({}); please report it", panic_words(&*panic));
        Reading { usage: None, results: all_again(units.len(), FailureKind::Internal, words), outcome: "unreadable" }
    })
}

fn all_again(units: usize, kind: FailureKind, words: String) -> Vec<UnitResult> {
    vec![UnitResult::Again { reason: Failure::new(kind, words), salvage: None, more_output: false }; units]
}

fn heard(reply: Reply) -> Heard {
    Heard {
        said: match reply.content {
            Some(Content::Text(text)) => Said::Text(text),
            Some(Content::Json(value)) => Said::Json(value),
            None => Said::Nothing,
        },
        truncated: reply.finish == Finish::Truncated,
        refused: if let Finish::Refused(word) = &reply.finish { Some(word.clone()) } else { None },
        too_large: reply.finish == Finish::WindowExceeded,
    }
}

/// Takes responses until the traffic has ended.
pub(super) fn serve(
    live: &Live<'_>,
    responses: &Receiver<Response>,
    verdicts: &UnboundedSender<Verdict>,
) -> Result<(), RunError> {
    while let Ok(response) = responses.recv() {
        let verdict = one(live, response)?;
        // The traffic waits for its verdicts, so it is there to hear them unless it broke.
        let _ = verdicts.send(verdict);
    }
    Ok(())
}

fn one(live: &Live<'_>, response: Response) -> Result<Verdict, RunError> {
    let run = live.run;
    let ask = &response.request.ask;
    let id = run.next_response.fetch_add(1, Ordering::Relaxed);
    let worst = live.worst(ask);
    let estimate = Usage { input: ask.input_estimate, output: worst.output / 2, ..Usage::default() };
    let stored = StoredResponse {
        id,
        question: run.question,
        doc: ask.doc,
        units: ask.units.iter().map(|u| u.key).collect(),
        generation: run.generation,
        attempt: ask.attempts + 1,
        model: live.remote.dialect.model.clone(),
        request_id: response.request_id.clone(),
        estimate,
        latency_ms: i64::try_from(response.latency.as_millis()).unwrap_or(i64::MAX),
        raw: store::compress(&response.body),
    };
    run.writer.submit(Checkpoint::new(vec![Change::Response(Box::new(stored))], Vec::new()))?;

    let names: Vec<Option<&str>> = ask.units.iter().map(|u| u.name.as_deref()).collect();
    let reading = read(&live.remote.dialect, &live.schema, &response.body, &names);
    let cost = live.remote.cost(&reading.usage.unwrap_or(estimate));
    let mut changes = vec![Change::Read { id, outcome: reading.outcome, usage: reading.usage, cost }];
    let mut settled = Vec::new();
    let mut again: Vec<(Unit, bool)> = Vec::new();
    let spent = ask.attempts + BAD_ANSWER_COSTS;
    for (unit, result) in ask.units.iter().zip(reading.results) {
        let verdict = match result {
            UnitResult::Again { more_output, .. } if spent < ATTEMPTS => {
                again.push((unit.clone(), more_output));
                continue;
            }
            UnitResult::Answered(answer) | UnitResult::Again { salvage: Some(answer), .. } => Ok(answer),
            UnitResult::Again { reason, .. } | UnitResult::Failed(reason) => Err(reason),
        };
        settled.push(unit.key);
        changes.push(match verdict {
            Ok(answer) => Change::Answer {
                question: run.question,
                unit: unit.key,
                generation: run.generation,
                answer: store::encode(&answer),
                response: Some(id),
            },
            Err(failure) => Change::UnitFailed {
                question: run.question,
                unit: unit.key,
                generation: run.generation,
                attempts: spent.min(ATTEMPTS),
                failure,
            },
        });
    }
    let told = reading.usage.unwrap_or_default();
    response.span.record("latency_ms", response.latency.as_millis() as u64);
    response.span.record("outcome", reading.outcome);
    response.span.record("input_tokens", told.prompt());
    response.span.record("output_tokens", told.output);
    response.span.in_scope(|| {
        tracing::info!(cached_tokens = told.cache_read, settled = settled.len(), again = again.len(), "response");
    });
    let board = Arc::clone(&live.board);
    let after: Option<Box<dyn FnOnce() + Send>> = Some(Box::new(move || board.settle(&settled)));
    run.writer.submit(Checkpoint { changes, events: Vec::new(), after })?;
    let more_output = again.iter().any(|(_, more)| *more);
    let units: Vec<Unit> = again.into_iter().map(|(unit, _)| unit).collect();
    Ok(Verdict {
        permit: response.permit,
        reserved: response.request.reserved,
        input_estimate: ask.input_estimate,
        latency: response.latency,
        usage: reading.usage,
        cost,
        again: if units.is_empty() { Vec::new() } else { ask.again(&run.pipeline, &units, spent, more_output) },
    })
}

/// Reads what a run that was killed had stored and not looked into.
pub(super) fn take_up_unread(live: &Live<'_>, reader: &Reader) -> Result<(), RunError> {
    let run = live.run;
    let mut after = 0;
    loop {
        let page = reader.unread_responses(run.question, after, 64)?;
        let Some(last) = page.last() else { return Ok(run.writer.flush()?) };
        after = last.id;
        for response in page {
            let body = store::decompress(&response.raw).unwrap_or_default();
            let names = stored_names(&live.remote.dialect, &live.schema, &body, &response.units, &run.pipeline.method);
            let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
            let reading = read(&live.remote.dialect, &live.schema, &body, &names);
            let cost = live.remote.cost(&reading.usage.unwrap_or(response.estimate));
            let mut changes =
                vec![Change::Read { id: response.id, outcome: reading.outcome, usage: reading.usage, cost }];
            for (unit, result) in response.units.iter().zip(reading.results) {
                match result {
                    UnitResult::Answered(answer) => changes.push(Change::Answer {
                        question: run.question,
                        unit: *unit,
                        generation: response.generation,
                        answer: store::encode(&answer),
                        response: Some(response.id),
                    }),
                    UnitResult::Failed(failure) => changes.push(Change::UnitFailed {
                        question: run.question,
                        unit: *unit,
                        generation: response.generation,
                        attempts: response.attempt,
                        failure,
                    }),
                    // It is asked for again as if it had never been.
                    UnitResult::Again { .. } => {}
                }
            }
            run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
        }
    }
}

/// Stores and reads the answer to a request that was sent to try it.
pub(in crate::engine) fn store_probe(
    run: &Run<'_>,
    remote: &Remote,
    schema: &AnswerSchema,
    ask: &Ask,
    body: &[u8],
    latency: Duration,
) -> Result<(), RunError> {
    let id = run.next_response.fetch_add(1, Ordering::Relaxed);
    let estimate = Usage { input: ask.input_estimate, output: u64::from(ask.max_output) / 2, ..Usage::default() };
    let names: Vec<Option<&str>> = ask.units.iter().map(|u| u.name.as_deref()).collect();
    let reading = read(&remote.dialect, schema, body, &names);
    let mut changes = vec![
        Change::Response(Box::new(StoredResponse {
            id,
            question: run.question,
            doc: ask.doc,
            units: ask.units.iter().map(|u| u.key).collect(),
            generation: run.generation,
            attempt: 1,
            model: remote.dialect.model.clone(),
            request_id: None,
            estimate,
            latency_ms: i64::try_from(latency.as_millis()).unwrap_or(i64::MAX),
            raw: store::compress(body),
        })),
        Change::Read {
            id,
            outcome: reading.outcome,
            usage: reading.usage,
            cost: remote.cost(&reading.usage.unwrap_or(estimate)),
        },
    ];
    for (unit, result) in ask.units.iter().zip(reading.results) {
        if let UnitResult::Answered(answer) = result {
            changes.push(Change::Answer {
                question: run.question,
                unit: unit.key,
                generation: run.generation,
                answer: store::encode(&answer),
                response: Some(id),
            });
        }
    }
    run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
    Ok(run.writer.flush()?)
}

/// The names of a stored response's units. Only their keys were stored: a term in the answer is known by its key.
pub(in crate::engine) fn stored_names(
    dialect: &Dialect,
    schema: &AnswerSchema,
    body: &[u8],
    units: &[Fingerprint],
    method: &crate::stages::pipeline::Method,
) -> Vec<Option<String>> {
    if super::may_overlap(method) {
        return vec![None; units.len()];
    }
    let value = match dialect.reply(body).ok().and_then(|r| r.content) {
        Some(Content::Text(text)) => lenient_json(&text).unwrap_or(Value::Null),
        Some(Content::Json(value)) => value,
        None => Value::Null,
    };
    let said: Vec<(Fingerprint, String)> = schema
        .items(&value)
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("text").or_else(|| item.get("term"))?.as_str())
        .map(|name| (extract::term_key(&extract::local::canonical_form(name)), name.to_owned()))
        .collect();
    let name = |unit: &Fingerprint| said.iter().find(|(key, _)| key == unit).map(|(_, name)| name.clone());
    units.iter().map(|unit| Some(name(unit).unwrap_or_default())).collect()
}
