//! Trial before the first batch.

use std::sync::Arc;

use super::driver::{Driver, TRIES, no_room};
use crate::engine::error::RunError;
use crate::engine::extract::admission::{Admission, admission};
use crate::engine::extract::backoff::backoff;
use crate::engine::extract::contents::contents;
use crate::engine::extract::request::{Ask, prompt};
use crate::engine::extract::settle::Policy;
use crate::engine::feed::feed_documents;
use crate::engine::provider::{EndpointKind, Remote};
use crate::remote::{Client, Disposition, TroubleKind};
use crate::stages::extract::{Unit, answer_schema};
use crate::stages::pipeline::Pipeline;
use crate::store::Checkpoint;
use crate::values::{Stage, Stop, StopReason};

/// Stop for which a provider's batch endpoint cannot be used, if it cannot: found out before a corpus is parsed for it.
///
/// # Errors
/// If no client can be made.
pub(in crate::engine) fn refusal(remote: &Remote, pipeline: &Pipeline) -> Result<Option<Stop>, RunError> {
    let client = remote.client(&answer_schema(pipeline, 1))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?;
    Ok(runtime.block_on(no_endpoint(&client, remote)))
}

async fn no_endpoint(client: &Client, remote: &Remote) -> Option<Stop> {
    let trouble = client.batches(None).await.err()?;
    match trouble.kind {
        TroubleKind::NotFound | TroubleKind::BadRequest => {
            let words = format!("{} has no batch endpoint ({}); use --endpoint live", remote.endpoint, trouble.message);
            Some(Stop::new(StopReason::NoBatchEndpoint, words))
        }
        TroubleKind::Key | TroubleKind::Balance | TroubleKind::Unreachable => Some(trouble.stop()),
        // It will pass.
        _ => None,
    }
}

impl Driver<'_, Client> {
    /// True if there is a batch endpoint. Where no other could be chosen, the run has looked at its beginning.
    pub(super) async fn endpoint_is_there(&mut self) -> bool {
        if matches!(self.remote.endpoint_kind, EndpointKind::Auto { .. }) {
            self.stop = no_endpoint(&self.client, self.remote).await;
        }
        self.stop.is_none()
    }

    /// One request goes live before the first batch: a provider that looks into requests only when the batch ends would refuse
    /// all of them for the same mistake.
    pub(super) async fn probe(&mut self) -> Result<bool, RunError> {
        if self.begun.replace(true) || self.reader.told(self.run.question)?.is_some() {
            return Ok(true);
        }
        let Some(mut ask) = self.first_ask()? else { return Ok(true) };
        let run = self.run;
        if let (Some(room), Some(cost)) = (self.room()?, self.remote.cost(&ask.most(1.0)))
            && cost > room
        {
            self.stop = Some(no_room(self.remote));
            return Ok(false);
        }
        let client = Arc::clone(&self.client);
        let policy = Policy::new(run.question, self.remote, &run.pipeline)?;
        for failures in 1..=TRIES {
            ask = ask.with_thought_room(run.thoughts.tokens());
            let prompt = prompt(&run.phrasing, &ask);
            // A request that is on its way is waited for: it may be paid for.
            let attempt = client.send(&prompt).await;
            let trouble = match attempt.result {
                Ok(answered) => {
                    let latency_ms = i64::try_from(attempt.latency.as_millis()).unwrap_or(i64::MAX);
                    let facts = ask.facts(run, &self.remote.dialect.model, attempt.request_id, latency_ms);
                    let id = run.new_response();
                    let kept = policy.keep(id, &facts, &answered.body);
                    run.writer.submit(Checkpoint::new(vec![kept], Vec::new()))?;
                    let settlement = policy.settle(id, &facts, &answered.body);
                    self.account(settlement.usage, settlement.cost);
                    // What the corpus is sent with is what this one answer showed to be enough.
                    run.thoughts.hear(settlement.thoughts, settlement.eaten, ask.thought_room);
                    run.writer.submit(Checkpoint::new(settlement.changes, Vec::new()))?;
                    run.writer.flush()?;
                    return Ok(true);
                }
                Err(trouble) => trouble,
            };
            if trouble.may_be_billed() {
                let (lost, _) = ask.lost(run, self.remote, &trouble, 1.0);
                run.writer.submit(Checkpoint::new(vec![lost], Vec::new()))?;
            }
            match trouble.disposition() {
                Disposition::Retry { after, .. } => {
                    let pause = tokio::time::sleep(backoff(failures, after, fastrand::f64()));
                    if self.unless_stopping(pause).await.is_none() {
                        return Ok(false);
                    }
                }
                Disposition::Rephrase if self.client.downgrade(attempt.structured).is_some() => {}
                // What is wrong with this one text alone will show again in its batch.
                Disposition::Split => return Ok(true),
                Disposition::FailUnit if trouble.kind == TroubleKind::Refused => return Ok(true),
                _ => {
                    let words = format!(
                        "one request was sent to try it, before the provider batch: {}; {}",
                        trouble.message,
                        trouble.remedy()
                    );
                    self.stop = Some(Stop::new(trouble.stop().reason, words));
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// A request about the first units that have no answer.
    fn first_ask(&self) -> Result<Option<Ask>, RunError> {
        let run = self.run;
        let mut found = None;
        feed_documents(run, Stage::Extract, &mut |job| {
            let Ok(contents) = contents(run, &self.reader, &job) else { return true };
            let is_open = |unit: &Unit| {
                let standing = admission(run, &self.reader, &unit.key, job.pending.generation);
                standing.is_ok_and(|standing| standing == Admission::Open)
            };
            let open: Vec<usize> = (0..contents.units.len())
                .filter(|&number| is_open(&contents.units[number]))
                .take(run.pipeline.units_per_request())
                .collect();
            let (units, _) = contents.in_context(self.remote.context, &run.phrasing, &open, open.len());
            if !units.is_empty() {
                found = Some(Ask::new(&run.phrasing, units, job.pending.doc));
            }
            found.is_none()
        })?;
        Ok(found)
    }
}
