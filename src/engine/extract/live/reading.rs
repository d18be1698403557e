//! Stores responses as they came, then reads them.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, select};
use tokio::sync::mpsc::UnboundedSender;

use super::shared::Live;
use crate::engine::error::RunError;
use crate::engine::extract::request::{Ask, Request};
use crate::engine::extract::settle::{RequestFacts, Settlement};
use crate::remote::{Permit, Structured, UseOf};
use crate::store::{Checkpoint, ResponseId, StoreError};
use crate::values::{Cost, Usage};

/// A response on its way to the reader.
pub(super) struct Response {
    pub(super) request: Request,
    pub(super) permit: Permit,
    pub(super) latency: Duration,
    pub(super) request_id: Option<String>,
    pub(super) body: Vec<u8>,
    /// Way in which the schema was given.
    pub(super) structured: Structured,
    /// The span of the request, for the log.
    pub(super) span: tracing::Span,
}

/// Facts that the traffic has to know of a response.
pub(super) struct Verdict {
    pub(super) permit: Permit,
    pub(super) reserved: Cost,
    pub(super) input_estimate: u64,
    pub(super) latency: Duration,
    pub(super) usage: Option<Usage>,
    pub(super) cost: Option<Cost>,
    /// Use that could be made of it.
    pub(super) use_of: UseOf,
    /// True if the model said all that it wanted to say.
    pub(super) is_complete: bool,
    /// Tokens of prompt and answer together with which the server's context was full, if that is what ended the answer.
    pub(super) context_size: Option<u64>,
    /// Way in which the schema was given.
    pub(super) structured: Structured,
    /// Requests about what is to be asked again.
    pub(super) again: Vec<Ask>,
}

/// A response that is durable and not read yet.
struct Kept {
    id: ResponseId,
    facts: RequestFacts,
    response: Response,
}

/// Takes responses until the traffic has ended. Each is stored, and read once it is durable: what reading it may do to the program
/// costs no second request.
pub(super) fn serve(
    live: &Live<'_>,
    responses: &Receiver<Response>,
    verdicts: &UnboundedSender<Verdict>,
) -> Result<(), RunError> {
    let (durable, kept) = crossbeam_channel::unbounded();
    let mut arriving = responses.clone();
    let (mut ended, mut unread) = (false, 0_usize);
    while !ended || unread > 0 {
        select! {
            recv(arriving) -> response => match response {
                Ok(response) => {
                    keep(live, response, durable.clone())?;
                    unread += 1;
                }
                Err(_) => (ended, arriving) = (true, crossbeam_channel::never()),
            },
            recv(kept) -> response => {
                let response = response.expect("its sender lives as long as this function");
                unread -= 1;
                // The traffic waits for its verdicts, so it is there to hear them unless it broke.
                let _ = verdicts.send(read_one(live, response)?);
            },
            // A writer that broke tells of no commit any more.
            default(LOOK_AFTER_WRITER) => if live.run.writer.has_failed() {
                return Err(StoreError::Stopped.into());
            },
        }
    }
    Ok(())
}

/// Time between two looks whether the writer is still there, while nothing comes.
const LOOK_AFTER_WRITER: Duration = Duration::from_millis(200);

/// Stores a response; it comes to `durable` when that is committed.
fn keep(live: &Live<'_>, response: Response, durable: Sender<Kept>) -> Result<(), RunError> {
    let run = live.run;
    let id = run.new_response();
    let latency_ms = i64::try_from(response.latency.as_millis()).unwrap_or(i64::MAX);
    let facts = response.request.ask.facts(run, &live.remote.dialect.model, response.request_id.clone(), latency_ms);
    let changes = vec![live.policy.keep(id, &facts, &response.body)];
    let after: Box<dyn FnOnce() + Send> = Box::new(move || {
        // A reader that has gone away has its reason.
        let _ = durable.send(Kept { id, facts, response });
    });
    Ok(run.writer.submit(Checkpoint { changes, events: Vec::new(), after: Some(after) })?)
}

fn read_one(live: &Live<'_>, Kept { id, facts, response }: Kept) -> Result<Verdict, RunError> {
    let run = live.run;
    let ask = &response.request.ask;
    let settlement = live.policy.settle(id, &facts, &response.body);
    let told = settlement.usage.unwrap_or_default();
    response.span.record("latency_ms", response.latency.as_millis() as u64);
    response.span.record("outcome", settlement.outcome);
    response.span.record("input_tokens", told.prompt());
    response.span.record("output_tokens", told.output);
    let (settled, again) = (settlement.settled.len(), settlement.again.len());
    response.span.in_scope(|| tracing::info!(cached_tokens = told.cache_read, settled, again, "response"));
    let more_room = run.thoughts.hear(settlement.thoughts, settlement.eaten, ask.thought_room);
    let use_of = settlement.use_of(more_room);
    let again = ask.again(&run.phrasing, &settlement);
    let context_size = full_context(&settlement, ask.max_output);
    let (board, settled) = (Arc::clone(&live.board), settlement.settled);
    let after: Option<Box<dyn FnOnce() + Send>> = Some(Box::new(move || board.settle(&settled)));
    run.writer.submit(Checkpoint { changes: settlement.changes, events: Vec::new(), after })?;
    Ok(Verdict {
        permit: response.permit,
        reserved: response.request.reserved,
        input_estimate: ask.input_estimate,
        latency: response.latency,
        usage: settlement.usage,
        cost: settlement.cost,
        use_of,
        is_complete: settlement.outcome == "complete",
        context_size,
        structured: response.structured,
        again,
    })
}

/// Size of a context that was full: an answer broke off long before it had used its budget.
fn full_context(settlement: &Settlement, max_output: u32) -> Option<u64> {
    let usage = settlement.usage.filter(|usage| usage.prompt() > 0 && usage.output > 0)?;
    let is_early = settlement.outcome == "truncated" && usage.output * 2 < u64::from(max_output);
    is_early.then(|| usage.prompt() + usage.output)
}
