//! `extract` through a provider's batch endpoint: everything that has no answer is packed into a few large batches at half the
//! price. A batch and its whole list of requests are durable before anything is sent; what happened to a creation that was cut
//! off is found out at the provider, never guessed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::decide::{Action, Facts, Ours, decide};
use super::driver::{ASK_AGAIN, Driver, REFUSALS, Step, no_room};
use super::endpoint::BatchEndpoint;
use super::import::{self, Broken, Import};
use super::owed::{self, Read, Verdict};
use super::pack::{self, payload_place};
use super::patience::Call;
use super::waiting::{give_up, unless_stopping};
use crate::engine::context::Run;
use crate::engine::drive::drive;
use crate::engine::error::RunError;
use crate::engine::extract::assemble::assemble_if_settled;
use crate::engine::extract::live;
use crate::engine::failpoint;
use crate::engine::feed::{Job, Upstream, feed_documents};
use crate::engine::provider::{Outcome, Remote};
use crate::remote::{BatchSeen, Client, Standing, Trouble, TroubleKind, UseOf};
use crate::store::{BatchRow, BatchState, BatchUpdate, Reader};
use crate::values::{Event, Stage, Stop, StopReason};

/// Time for which answers that are owed are looked for in one run, before a person is asked.
const OWED_PATIENCE: Duration = Duration::from_hours(6);

/// Longest pause between two looks at results that lack what is owed.
const LATEST_LOOK: Duration = Duration::from_mins(10);

/// Time that a batch may take where its provider does not say: the window that all promise.
const LONGEST_RUN_MS: i64 = 24 * 3_600_000;

/// Time after its end by the provider's own word from which a batch is overdue.
const OVERDUE_MS: i64 = 3_600_000;

/// Time before the end of its results in which a batch whose results cannot be found may be sent again.
const NEAR_EXPIRY_MS: i64 = 24 * 3_600_000;

/// Submits what is unanswered, waits, collects, until every unit is answered or given up.
pub(in crate::engine) fn extract(run: &Run<'_>, remote: &Remote) -> Result<Outcome, RunError> {
    let client = Arc::new(remote.client(&run.phrasing.schema(1))?);
    let mut driver = Driver::new(run, remote, &remote.batch, client)?;
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
            let open = self.reader.open_batches(self.run.question)?;
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
            let open = self.reader.open_batches(self.run.question)?;
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
                    "whether the provider has this batch of {} requests cannot be told before a batch of the same size ends there: waiting for it costs nothing; --resubmit sends it again, and pays twice if it was taken",
                    batch.requests
                );
                if batch.message.as_deref() != Some(&message) {
                    self.run.emit(Event::Notice { message: format!("batch {}: {message}", batch.token) });
                    self.note(BatchUpdate { id: batch.id, message: Some(message), ..BatchUpdate::default() })?;
                }
                Ok(Step::Held)
            }
            Action::AskPerson(remote) => {
                self.stop = Some(Stop::new(
                    StopReason::BatchLost,
                    format!(
                        "whether the provider has the batch {} of {} requests cannot be found out: {remote}, which has as many, is over there, and none of its results can be read; --resubmit sends it again, and pays twice if that was it",
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

    async fn poll(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        failpoint::reached("polling");
        let remote = batch.remote.clone().unwrap_or_default();
        let client = Arc::clone(&self.client);
        let seen = match self.unless_stopping(client.batch(&remote)).await {
            None => return Ok(Step::Waits),
            Some(Ok(seen)) => seen,
            Some(Err(trouble)) => return self.failed(batch, Call::Look, &trouble),
        };
        self.came_through(batch, Call::Look);
        let counts = seen.counts.unwrap_or_default();
        let known = (batch.status.as_deref(), batch.succeeded, batch.failed);
        if known != (Some(&seen.status), counts.succeeded, counts.failed) {
            let state = matches!(seen.standing, Standing::Ended { .. }).then_some(BatchState::Ended);
            self.note(BatchUpdate {
                id: batch.id,
                state,
                status: Some(seen.status.clone()),
                counts: Some((counts.succeeded, counts.failed)),
                ..BatchUpdate::default()
            })?;
        }
        let overdue = self.is_overdue(batch, &seen);
        let look = self.looks.entry(batch.id).or_default();
        look.counts = seen.counts;
        let waits = seen.standing == Standing::Running;
        if (overdue || matches!(seen.standing, Standing::Unknown { .. }))
            && !std::mem::replace(&mut look.told_state, true)
        {
            let message = if overdue {
                format!(
                    "batch {remote}: its time at the provider is over, and it is still '{}' there; it is waited for",
                    seen.status
                )
            } else {
                format!(
                    "batch {remote}: the provider calls its state '{}', a word that corpora does not know; its results are tried",
                    seen.status
                )
            };
            self.run.emit(Event::Notice { message });
        }
        self.looks.entry(batch.id).or_default().standing = Some(seen.standing);
        if waits {
            self.later(batch);
            self.tell();
            self.warn_of_expiry(batch);
            return Ok(Step::Waits);
        }
        Ok(Step::Moved)
    }

    /// True if a batch runs longer than its provider says that it may.
    fn is_overdue(&self, batch: &BatchRow, seen: &BatchSeen) -> bool {
        let now = self.client.provider_now_ms().unwrap_or_else(|| self.now_ms());
        let end = seen.expires_unix.map(|at| (at * 1000.0) as i64).or(batch.submitted_ms.map(|at| at + LONGEST_RUN_MS));
        seen.standing == Standing::Running && end.is_some_and(|end| now > end + OVERDUE_MS)
    }

    /// The next look at a batch comes later each time.
    fn later(&mut self, batch: &BatchRow) {
        let poll = self.options.poll;
        let look = self.looks.entry(batch.id).or_default();
        let pause = look.pause.map_or(poll, |p| p.mul_f64(1.5).min(poll * 6));
        look.pause = Some(pause);
        look.not_before = Some(Instant::now() + pause);
    }

    async fn collect(&mut self, batch: &BatchRow, places: &[String]) -> Result<Step, RunError> {
        match import::import(self, batch, places).await {
            Ok(import) => self.imported(batch, import),
            Err(Broken::Run(error)) => Err(error),
            Err(Broken::Remote(trouble)) => {
                // Lines that were read are stored; the rest is read again.
                self.run.writer.flush()?;
                self.seen.retain(|(id, _)| *id != batch.id);
                let is_unknown = matches!(self.looks[&batch.id].standing, Some(Standing::Unknown { .. }));
                if trouble.kind == TroubleKind::NotFound && is_unknown {
                    let (_, silent) = self.reader.batch_outcomes(batch.id)?;
                    let name = batch.remote.as_deref().unwrap_or("?");
                    let words =
                        format!("batch {name}: nobody knows the state that it is in, and its results are not found");
                    return self.owe(batch, silent, &words);
                }
                let expires = batch.expires_ms.is_none_or(|at| at - self.now_ms() < NEAR_EXPIRY_MS);
                if trouble.kind == TroubleKind::NotFound && self.options.resubmit && expires {
                    self.give_up(batch, "its results were gone, and --resubmit was given")?;
                    return Ok(Step::Moved);
                }
                self.failed(batch, Call::Results, &trouble)
            }
        }
    }

    /// All results that are there were read: the batch is over, or answers are owed.
    fn imported(&mut self, batch: &BatchRow, import: Import) -> Result<Step, RunError> {
        self.came_through(batch, Call::Results);
        let (answered, silent) = self.reader.batch_outcomes(batch.id)?;
        let look = self.looks.entry(batch.id).or_default();
        let (counts, standing) = (look.counts, look.standing.clone());
        let read = Read { requests: batch.requests, answered, silent, foreign: import.foreign };
        let complete = !matches!(standing, Some(Standing::Ended { complete: false, .. }));
        let is_unknown = matches!(standing, Some(Standing::Unknown { .. }));
        let name = batch.remote.as_deref().unwrap_or("?");
        self.tell();
        match owed::verdict(read, counts, complete) {
            // In a state that nobody knows a batch is over when its provider counts every request.
            Verdict::Whole if is_unknown && silent > 0 && counts.is_none_or(|c| c.all() < batch.requests) => {
                let words = format!("batch {name}: its results hold {answered} of {} answers", batch.requests);
                return self.owe(batch, silent, &words);
            }
            Verdict::Whole => {
                self.refusals = 0;
                let message = (import.foreign > 0)
                    .then(|| format!("{} lines of its results were not ours or not readable", import.foreign));
                import::close(self, batch, message)?;
                self.looks.remove(&batch.id);
                // What was sent is answered: the payload is not needed any more.
                let _ = std::fs::remove_file(payload_place(&self.run.places.output, &batch.token));
                self.tell();
                failpoint::reached("collected");
            }
            Verdict::Foreign => {
                let words = format!(
                    "none of the {} lines of the results of batch {} is of a request of ours ({}): {} answers are paid for and cannot be read; nothing is asked again; {ASK_AGAIN}",
                    import.foreign,
                    name,
                    import.example.as_deref().unwrap_or("no example"),
                    silent
                );
                self.note(BatchUpdate {
                    id: batch.id,
                    owed: Some(silent),
                    message: Some(words.clone()),
                    ..BatchUpdate::default()
                })?;
                self.stop = Some(Stop::new(StopReason::BatchLost, words));
                return Ok(Step::Waits);
            }
            Verdict::Owed(owed) => {
                let words = format!(
                    "batch {name}: {} of its {} answers are paid for, as its provider counts, and its results hold {answered}",
                    answered + owed,
                    batch.requests
                );
                return self.owe(batch, owed, &words);
            }
        }
        if let Some(stop) = import.stop {
            self.stop.get_or_insert(stop);
        }
        self.judge(import.uses);
        Ok(Step::Moved)
    }

    /// Answers of the first batches that are of no use to anybody stop the run: the next would be paid for too.
    fn judge(&mut self, uses: Vec<UseOf>) {
        for use_of in uses {
            if let Some(stop) = self.breaker.heard(use_of) {
                self.stop.get_or_insert(stop);
            }
        }
    }

    /// Answers that the provider counts are not in the results: read again, for hours if need be, then a person is asked.
    fn owe(&mut self, batch: &BatchRow, owed: u64, words: &str) -> Result<Step, RunError> {
        let since = self.looks.entry(batch.id).or_default().owed_since;
        if since.is_none() {
            let message = format!("{words}; they are read again, and nothing is asked again");
            self.run.emit(Event::Notice { message });
        }
        if batch.owed != owed {
            self.note(BatchUpdate {
                id: batch.id,
                owed: Some(owed),
                message: Some(words.to_owned()),
                ..BatchUpdate::default()
            })?;
        }
        let since = *self.looks.entry(batch.id).or_default().owed_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= OWED_PATIENCE {
            let hours = since.elapsed().as_secs() / 3600;
            let words = format!("{words}, for {hours} hours now; the same command looks again, {ASK_AGAIN}");
            self.stop = Some(Stop::new(StopReason::BatchLost, words));
            return Ok(Step::Waits);
        }
        self.look_again(batch)
    }

    /// The state and the results of a batch are looked at again, later each time.
    fn look_again(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        let poll = self.options.poll;
        let look = self.looks.entry(batch.id).or_default();
        let pause = look.pause.map_or(poll, |p| (p * 2).min(LATEST_LOOK.max(poll)));
        (look.standing, look.pause, look.not_before) = (None, Some(pause), Some(Instant::now() + pause));
        Ok(Step::Waits)
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
            "a batch of {} bytes is too large for the provider or somebody on the way to it ({}); the next ones hold {half} bytes at most, as with --batch-bytes {half}",
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
            let message =
                format!("the provider takes less at once ({message}); the next batches hold {half} tokens at most");
            self.run.emit(Event::Notice { message });
            if batch.requests == 1 {
                self.stop = Some(Stop::new(
                    StopReason::BatchRefused,
                    "not even one request fits into the provider's queue; try again when earlier batches are over",
                ));
            }
            return Ok(());
        }
        self.refusals += 1;
        if self.refusals >= REFUSALS {
            self.stop = Some(Stop::new(
                StopReason::BatchRefused,
                format!("the provider refused {} batches in a row, the last because: {message}", self.refusals),
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
        let _ = std::fs::remove_file(payload_place(&self.run.places.output, &batch.token));
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
