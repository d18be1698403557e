//! `extract` through a provider's batch endpoint: everything that has no answer is packed into a few large batches at half the
//! price. A batch and its whole list of requests are durable before anything is sent; what happened to a creation that was cut
//! off is found out at the provider, never guessed.

use std::sync::Arc;

use tokio::time::Instant;

use super::decide::{Action, Facts, Ours, decide};
use super::driver::{Driver, REFUSALS, Step, no_room};
use super::endpoint::BatchEndpoint;
use super::pack::{self, payload_place};
use super::waiting::{give_up, unless_stopping};
use crate::engine::context::Run;
use crate::engine::drive::drive;
use crate::engine::error::RunError;
use crate::engine::extract::assemble::assemble_if_settled;
use crate::engine::extract::live;
use crate::engine::failpoint;
use crate::engine::feed::{Job, Upstream, feed_documents};
use crate::engine::provider::{Outcome, Remote};
use crate::remote::{Client, Trouble};
use crate::store::{BatchRow, BatchState, BatchUpdate, Reader};
use crate::values::{Event, Stage, Stop, StopReason};

/// Submits what is unanswered, waits, collects, until every unit is answered or given up.
pub(in crate::engine) fn extract(run: &Run<'_>, remote: &Remote) -> Result<Outcome, RunError> {
    let client = Arc::new(remote.client(&run.phrasing.schema(1))?);
    let mut driver = Driver::new(run, remote, &remote.batch, client, run.question)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?;
    let finish_live = runtime.block_on(driver.run())?;
    driver.assemble()?;
    if finish_live && driver.stop.is_none() && !run.is_stopping() {
        let rest = live::extract(run, remote, &Upstream::finished())?;
        driver.asked += rest.asked;
        driver.stop = rest.stop;
    }
    Ok(Outcome { asked: driver.asked, stop: driver.stop })
}

impl Driver<'_, Client> {
    /// Rounds of submitting and collecting. Says whether the rest is to be asked live.
    async fn run(&mut self) -> Result<bool, RunError> {
        let mut rounds = 0;
        loop {
            if !self.drive_open().await? || self.stop.is_some() {
                return Ok(false);
            }
            if self.options.finish_live && rounds > 0 {
                return Ok(true);
            }
            self.assemble()?;
            if rounds == 0 && !self.endpoint_is_there().await {
                return Ok(false);
            }
            if self.options.probe && !self.probe().await? {
                return Ok(false);
            }
            let packed = pack::pack(self)?;
            failpoint::reached("planned");
            if packed.capped {
                self.stop = Some(no_room(self.remote));
            }
            if packed.requests == 0 {
                return Ok(false);
            }
            rounds += 1;
        }
    }
}

impl<E: BatchEndpoint> Driver<'_, E> {
    /// Brings every open batch to its end. Says whether the run goes on.
    pub(super) async fn drive_open(&mut self) -> Result<bool, RunError> {
        loop {
            // Batches have an end at the provider.
            self.run.signs.alive();
            let open = self.reader.open_batches(self.question)?;
            if open.is_empty() {
                return Ok(true);
            }
            let mut waits = true;
            let mut held = Vec::new();
            for batch in &open {
                if self.run.is_stopping() || self.stop.is_some() {
                    self.leave(&open);
                    return Ok(false);
                }
                let look = self.looks.entry(batch.id).or_default();
                if look.not_before.is_some_and(|at| at > Instant::now()) {
                    continue;
                }
                let step = self.step(batch).await?;
                waits &= step != Step::Moved;
                if step == Step::Held {
                    held.push(batch.token.clone());
                }
            }
            if self.stop.is_some() {
                continue;
            }
            let open = self.reader.open_batches(self.question)?;
            let all_sent = open.iter().all(|b| b.state >= BatchState::Submitted) || !held.is_empty();
            if self.options.detach && all_sent && waits {
                self.leave(&open);
                return Ok(false);
            }
            if !open.is_empty() && held.len() == open.len() && self.options.detach {
                self.leave(&open);
                return Ok(false);
            }
            if waits {
                let pause = tokio::time::sleep(self.nap(&open));
                self.unless_stopping(pause).await;
            }
        }
    }

    pub(super) async fn step(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        let look = self.looks.entry(batch.id).or_default();
        let facts = Facts {
            state: batch.state,
            standing: look.standing.clone(),
            candidates: look.candidates.clone(),
            empty_looks: look.empty,
            resubmit: self.options.resubmit && !self.sent_again.contains(&batch.id),
        };
        match decide(&facts) {
            Action::Send => self.send(batch).await,
            Action::Look => self.search(batch).await,
            Action::LookAgain => self.search(batch).await,
            Action::Adopt(remote) => {
                let message = "it was found at the provider after an interruption, and taken over".to_owned();
                self.submitted(batch, &remote, Some(message))?;
                Ok(Step::Moved)
            }
            Action::Hold => {
                self.search(batch).await?;
                if !self.looks[&batch.id].candidates.iter().flatten().any(|c| c.ours == Ours::Unknown) {
                    return Ok(Step::Moved);
                }
                let message = format!(
                    "whether this provider batch of {} requests was made cannot be told before one of the same size ends there: waiting for it costs nothing; --resubmit sends it again, and pays twice if it was taken",
                    batch.requests
                );
                if batch.message.as_deref() != Some(&message) {
                    self.run.emit(Event::Notice { message: format!("provider batch {}: {message}", batch.token) });
                    self.note(BatchUpdate { id: batch.id, message: Some(message), ..BatchUpdate::default() })?;
                }
                Ok(Step::Held)
            }
            Action::AskPerson(remote) => {
                self.stop = Some(Stop::new(
                    StopReason::BatchLost,
                    format!(
                        "whether the provider batch {} of {} requests was made cannot be found out: {remote}, which has as many, is over there, and none of its results can be read; --resubmit sends it again, and pays twice if that was it",
                        batch.token, batch.requests
                    ),
                ));
                Ok(Step::Waits)
            }
            Action::Poll => self.poll(batch).await,
            Action::Collect(places) => self.collect(batch, &places).await,
            Action::Refuse { message, queue_full } => {
                self.refuse(batch, &message, queue_full)?;
                Ok(Step::Moved)
            }
            Action::Rest => Ok(Step::Moved),
        }
    }

    /// A batch is given up by a person's word: what it may have cost beyond what was read is lost.
    pub(super) fn give_up(&mut self, batch: &BatchRow, why: &str) -> Result<(), RunError> {
        give_up(self.run, &self.reader, batch, why)?;
        self.looks.remove(&batch.id);
        Ok(())
    }

    /// The payload was too large for somebody on the way.
    pub(super) fn smaller(&mut self, batch: &BatchRow, trouble: &Trouble) -> Result<(), RunError> {
        if batch.requests == 1 {
            self.stop = Some(Stop::new(
                StopReason::BatchRefused,
                format!("{}: not even one request passes; --endpoint live asks one by one", trouble.message),
            ));
            return Ok(());
        }
        let half = (batch.bytes / 2).max(1);
        self.options.limits.bytes = self.options.limits.bytes.min(half);
        let message = format!(
            "a provider batch of {} bytes is too large for the provider or somebody on the way to it ({}); the next ones hold {half} bytes at most, as with --batch-bytes {half}",
            batch.bytes, trouble.message
        );
        self.run.emit(Event::Notice { message: message.clone() });
        self.drop_batch(batch, &message)
    }

    /// Work, unless the run is asked to stop before it is done: then nothing.
    pub(super) async fn unless_stopping<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        unless_stopping(self.run, work).await
    }

    /// The whole batch goes elsewhere. Less is put into the next if too much was enqueued.
    fn refuse(&mut self, batch: &BatchRow, message: &str, queue_full: bool) -> Result<(), RunError> {
        self.drop_batch(batch, message)?;
        if queue_full {
            let half = (batch.input / 2).max(1);
            self.options.most_tokens = Some(self.options.most_tokens.map_or(half, |most| most.min(half)));
            let message = format!(
                "the provider takes less at once ({message}); the next provider batches hold {half} tokens at most"
            );
            self.run.emit(Event::Notice { message });
            if batch.requests == 1 {
                self.stop = Some(Stop::new(
                    StopReason::BatchRefused,
                    "not even one request fits into the provider's queue; try again when earlier provider batches are over",
                ));
            }
            return Ok(());
        }
        self.refusals += 1;
        if self.refusals >= REFUSALS {
            self.stop = Some(Stop::new(
                StopReason::BatchRefused,
                format!(
                    "the provider refused {} provider batches in a row, the last because: {message}",
                    self.refusals
                ),
            ));
        }
        Ok(())
    }

    /// A batch that the provider does not have: its requests go elsewhere.
    fn drop_batch(&mut self, batch: &BatchRow, message: &str) -> Result<(), RunError> {
        self.note(BatchUpdate {
            id: batch.id,
            state: Some(BatchState::Refused),
            message: Some(message.to_owned()),
            ..BatchUpdate::default()
        })?;
        let _ = self.run.places.disk.remove(&payload_place(&self.run.places.output, &batch.token));
        self.looks.remove(&batch.id);
        Ok(())
    }

    /// Puts together the documents whose units are all answered or given up.
    pub(super) fn assemble(&self) -> Result<(), RunError> {
        let run = self.run;
        drive(
            run.workers,
            &|| run.cancel.is_stopping(),
            |send| feed_documents(run, Stage::Extract, send),
            || Ok(run.store.reader()?),
            |reader: &mut Reader, job: Job| assemble_if_settled(run, reader, &job),
        )?;
        Ok(run.writer.flush()?)
    }
}
