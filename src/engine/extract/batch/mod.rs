//! `extract` through a provider's batch endpoint: everything that has no answer is packed into a few large batches at half the
//! price. A batch and its whole list of requests are durable before anything is sent; what happened to a creation that was cut
//! off is found out at the provider, never guessed.

mod creations;
mod decide;
mod endpoint;
pub(in crate::engine) mod expiry;
mod import;
mod pack;
pub(in crate::engine) mod probe;
mod submit;

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::creations::Creations;
use self::decide::{Action, Candidate, Facts, Ours, decide};
use self::endpoint::BatchEndpoint;
use self::expiry::expiry_warning;
use self::import::Broken;
use self::pack::payload_place;
use super::assemble::assemble_if_settled;
use super::backoff::backoff;
use super::live;
use super::settle::Policy;
use crate::engine::context::Run;
use crate::engine::drive::drive;
use crate::engine::error::RunError;
use crate::engine::failpoint;
use crate::engine::feed::{Job, Upstream, feed_documents};
use crate::engine::provider::{BatchOptions, Outcome, Remote};
use crate::remote::{Client, Disposition, Standing, Trouble, TroubleKind};
use crate::store::{BatchId, BatchRow, BatchState, BatchUpdate, Change, Checkpoint, Reader};
use crate::values::{Asked, Cost, Event, Stage, Usage, plural};

/// Pauses between tries of a call that may be repeated: uploads, listings, looks at a batch, downloads.
const TRIES: u32 = 6;

/// A batch that cannot be found is looked for this often before it is believed to be gone: providers answer 404 now and then.
const NOT_FOUND: u32 = 4;

/// Batches refused as a whole, one after another, before the run stops.
const REFUSALS: u32 = 3;

/// Bounds of the pauses in which nothing can be done about any batch.
const SHORT_NAP: Duration = Duration::from_millis(20);
const LONG_NAP: Duration = Duration::from_millis(250);

struct Driver<'a, E = Client> {
    run: &'a Run<'a>,
    remote: &'a Remote,
    options: BatchOptions,
    client: Arc<E>,
    policy: Policy<'a>,
    reader: Reader,
    asked: Asked,
    /// Lines read in this run.
    seen: HashSet<(BatchId, i64)>,
    looks: HashMap<BatchId, Look>,
    /// Batches that were sent again in this run: a person's word that this may pay twice holds for once.
    sent_again: HashSet<BatchId>,
    creations: Creations,
    /// Batches of which a person was told that their results go away.
    warned: HashSet<BatchId>,
    began: Instant,
    began_ms: i64,
    /// True once a person was told that batches wait for the limit on creations.
    told_pace: bool,
    refusals: u32,
    stopped: Option<String>,
    begun: Cell<bool>,
}

/// Knowledge of this run about a batch, beside its row.
#[derive(Default)]
struct Look {
    standing: Option<Standing>,
    candidates: Option<Vec<Candidate>>,
    empty: u32,
    not_found: u32,
    /// Not to be looked at before this.
    not_before: Option<Instant>,
    pause: Option<Duration>,
}

/// Submits what is unanswered, waits, collects, until every unit is answered or given up.
pub(in crate::engine) fn extract(run: &Run<'_>, remote: &Remote, options: &BatchOptions) -> Result<Outcome, RunError> {
    let client = Arc::new(remote.client(&run.pipeline.schema)?);
    let mut driver = Driver::new(run, remote, options, client)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?;
    let finish_live = runtime.block_on(driver.run())?;
    driver.assemble()?;
    if finish_live && driver.stopped.is_none() && !run.is_stopping() {
        let rest = live::extract(run, remote, &Upstream::finished())?;
        driver.asked += rest.asked;
        driver.stopped = rest.stopped;
    }
    Ok(Outcome { asked: driver.asked, stopped: driver.stopped })
}

impl Driver<'_, Client> {
    /// Rounds of submitting and collecting. Says whether the rest is to be asked live.
    async fn run(&mut self) -> Result<bool, RunError> {
        let mut rounds = 0;
        loop {
            if !self.drive_open().await? || self.stopped.is_some() {
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
                let cap = self.remote.max_cost.unwrap_or_default();
                self.stopped = Some(format!(
                    "--max-cost {cap} leaves no room for the next requests, whose batches would be set aside at their most; the same command with a higher --max-cost continues"
                ));
            }
            if packed.requests == 0 {
                return Ok(false);
            }
            rounds += 1;
        }
    }
}

impl<'a, E: BatchEndpoint> Driver<'a, E> {
    fn new(run: &'a Run<'a>, remote: &'a Remote, options: &BatchOptions, client: Arc<E>) -> Result<Self, RunError> {
        let reader = run.store.reader()?;
        let began_ms = (run.now_ms)();
        let creations = Creations::new(options.per_hour, reader.sent_batches()?, began_ms);
        // The run has told of these at its beginning.
        let open = reader.open_batches(run.question)?;
        let warned = open.iter().filter(|b| expiry_warning(b, began_ms).is_some()).map(|b| b.id).collect();
        Ok(Self {
            run,
            remote,
            options: options.clone(),
            client,
            policy: Policy::new(run.question, remote, &run.pipeline.schema, &run.pipeline.method)?,
            reader,
            asked: Asked { picodollars: remote.price.as_ref().map(|_| 0), ..Asked::default() },
            seen: HashSet::new(),
            looks: HashMap::new(),
            sent_again: HashSet::new(),
            creations,
            warned,
            began: Instant::now(),
            began_ms,
            told_pace: false,
            refusals: 0,
            stopped: None,
            begun: Cell::new(false),
        })
    }

    /// Brings every open batch to its end. Says whether the run goes on.
    async fn drive_open(&mut self) -> Result<bool, RunError> {
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
                if self.run.is_stopping() || self.stopped.is_some() {
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
            if self.stopped.is_some() {
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
                tokio::time::sleep(self.nap(&open)).await;
            }
        }
    }

    /// Until the first batch may be looked at again; short enough that an interruption is felt at once.
    fn nap(&self, open: &[BatchRow]) -> Duration {
        let due = open.iter().filter_map(|b| self.looks.get(&b.id)?.not_before).min();
        let left = due.map_or(SHORT_NAP, |at| at.saturating_duration_since(Instant::now()));
        left.clamp(SHORT_NAP.min(self.options.poll), LONG_NAP)
    }

    /// Words for a person who leaves batches behind.
    fn leave(&mut self, open: &[BatchRow]) {
        let requests: u64 = open.iter().map(|b| b.requests).sum();
        let what = match open.len() {
            1 => format!("1 batch with {} is", plural(requests, "request", "requests")),
            n => format!("{n} batches with {requests} requests are"),
        };
        let left = open.iter().filter_map(|b| b.expires_ms).min().map(|at| at - self.now_ms()).filter(|left| *left > 0);
        let until =
            left.map_or_else(String::new, |left| format!(", which keeps results for {} more", expiry::span(left)));
        let words = format!(
            "{what} left at the provider, or to be sent{until}; the same command goes on with them, 'corpora batches' lists them"
        );
        self.stopped = Some(match self.stopped.take() {
            Some(reason) => format!("{reason}; {words}"),
            None => words,
        });
    }

    async fn step(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
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
                self.stopped = Some(format!(
                    "whether the provider has the batch {} of {} requests cannot be found out: {remote}, which has as many, is over there, and none of its results can be read; --resubmit sends it again, and pays twice if that was it",
                    batch.token, batch.requests
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
        let seen = match self.client.batch(&remote).await {
            Ok(seen) => seen,
            Err(trouble) if trouble.kind == TroubleKind::NotFound => {
                let look = self.looks.entry(batch.id).or_default();
                look.not_found += 1;
                look.not_before = Some(Instant::now() + self.options.poll);
                if look.not_found >= NOT_FOUND {
                    self.stopped = Some(format!(
                        "the provider does not show the batch {remote} of {} requests: use the key and the workspace that it was submitted with; it stays in the ledger, and nothing is asked again",
                        batch.requests
                    ));
                }
                return Ok(Step::Waits);
            }
            Err(trouble) => return self.trouble(batch, &trouble),
        };
        let known = (batch.status.as_deref(), batch.succeeded, batch.failed);
        if known != (Some(&seen.status), seen.succeeded, seen.failed) {
            let state = matches!(seen.standing, Standing::Ended { .. }).then_some(BatchState::Ended);
            self.note(BatchUpdate {
                id: batch.id,
                state,
                status: Some(seen.status.clone()),
                counts: Some((seen.succeeded, seen.failed)),
                ..BatchUpdate::default()
            })?;
        }
        let poll = self.options.poll;
        let look = self.looks.entry(batch.id).or_default();
        look.not_found = 0;
        let running = seen.standing == Standing::Running;
        look.standing = Some(seen.standing);
        if running {
            let pause = look.pause.map_or(poll, |p| p.mul_f64(1.5).min(poll * 6));
            look.pause = Some(pause);
            look.not_before = Some(Instant::now() + pause);
            self.tell();
            self.warn_of_expiry(batch);
            return Ok(Step::Waits);
        }
        Ok(Step::Moved)
    }

    async fn collect(&mut self, batch: &BatchRow, places: &[String]) -> Result<Step, RunError> {
        match import::collect(self, batch, places).await {
            Ok(_) => {
                self.refusals = 0;
                // What was sent is answered: the payload is not needed any more.
                let _ = std::fs::remove_file(payload_place(&self.run.places.output, &batch.token));
                self.tell();
                failpoint::reached("collected");
                Ok(Step::Moved)
            }
            Err(Broken::Run(error)) => Err(error),
            Err(Broken::Remote(trouble)) if trouble.kind == TroubleKind::NotFound && !self.options.resubmit => {
                self.stopped = Some(format!(
                    "the results of the batch {} cannot be read any more ({}): providers keep them for {} days; --resubmit asks for what is missing again, and pays for it again",
                    batch.remote.as_deref().unwrap_or("?"),
                    trouble.message,
                    self.remote.dialect.vendor.result_days()
                ));
                Ok(Step::Waits)
            }
            Err(Broken::Remote(trouble)) if trouble.kind == TroubleKind::NotFound => {
                self.refuse(batch, "its results were gone, and --resubmit was given", false)?;
                Ok(Step::Moved)
            }
            Err(Broken::Remote(trouble)) => {
                // Lines that were read are stored; the rest is read again.
                self.run.writer.flush()?;
                self.seen.retain(|(id, _)| *id != batch.id);
                self.trouble(batch, &trouble)
            }
        }
    }

    /// The whole batch goes elsewhere. Less is put into the next if too much was enqueued.
    fn refuse(&mut self, batch: &BatchRow, message: &str, queue_full: bool) -> Result<(), RunError> {
        self.note(BatchUpdate {
            id: batch.id,
            state: Some(BatchState::Refused),
            message: Some(message.to_owned()),
            ..BatchUpdate::default()
        })?;
        let _ = std::fs::remove_file(payload_place(&self.run.places.output, &batch.token));
        self.looks.remove(&batch.id);
        if queue_full {
            let half = (batch.input / 2).max(1);
            self.options.most_tokens = Some(self.options.most_tokens.map_or(half, |most| most.min(half)));
            let message =
                format!("the provider takes less at once ({message}); the next batches hold {half} tokens at most");
            self.run.emit(Event::Notice { message });
            if batch.requests == 1 {
                self.stopped = Some(
                    "not even one request fits into the provider's queue; try again when earlier batches are over"
                        .into(),
                );
            }
            return Ok(());
        }
        self.refusals += 1;
        if self.refusals >= REFUSALS {
            self.stopped =
                Some(format!("the provider refused {} batches in a row, the last because: {message}", self.refusals));
        }
        Ok(())
    }

    /// Trouble of a call that may be repeated: waits, or stops the run.
    fn trouble(&mut self, batch: &BatchRow, trouble: &Trouble) -> Result<Step, RunError> {
        tracing::warn!(batch = %batch.token, kind = ?trouble.kind, "{}", trouble.message);
        let look = self.looks.entry(batch.id).or_default();
        look.not_found += 1;
        let after = match trouble.disposition() {
            Disposition::Retry { after, .. } if look.not_found <= TRIES * 4 => after,
            _ if look.not_found < 2 && trouble.kind != TroubleKind::TooLarge => None,
            _ => {
                self.stopped = Some(format!("{}; {}", trouble.message, trouble.remedy()));
                return Ok(Step::Waits);
            }
        };
        let pause = backoff(look.not_found, after, fastrand::f64()).max(Duration::from_millis(20));
        look.not_before = Some(Instant::now() + pause);
        Ok(Step::Waits)
    }

    /// Puts together the documents whose units are all answered or given up.
    fn assemble(&self) -> Result<(), RunError> {
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

    /// Sum that may still be set aside under the cap.
    fn room(&self) -> Result<Option<Cost>, RunError> {
        let Some(cap) = self.remote.max_cost else { return Ok(None) };
        let (answers, lost) = self.reader.ledger_sums()?;
        let open: i64 =
            self.reader.open_batches(self.run.question)?.iter().filter_map(|b| b.reserved).map(|c| c.0).sum();
        Ok(Some(cap - answers.cost - lost.cost - Cost(open)))
    }

    fn note(&self, update: BatchUpdate) -> Result<(), RunError> {
        self.run.writer.submit(Checkpoint::new(vec![Change::Batch(Box::new(update))], Vec::new()))?;
        Ok(self.run.writer.flush()?)
    }

    fn account(&mut self, usage: Option<Usage>, cost: Option<Cost>) {
        let usage = usage.unwrap_or_default();
        self.asked.answers += 1;
        self.asked.input_tokens += usage.prompt();
        self.asked.output_tokens += usage.output;
        self.asked.picodollars = self.asked.picodollars.zip(cost).map(|(all, one)| all + one.0);
    }

    fn tell(&self) {
        let open = self.reader.open_batches(self.run.question).unwrap_or_default();
        let there = || open.iter().filter(|b| matches!(b.state, BatchState::Submitted | BatchState::Ended));
        let done = there().map(|b| (b.succeeded + b.failed).min(b.requests)).sum();
        self.run.emit(Event::Batching {
            batches: there().count() as u64,
            requests: there().map(|b| b.requests).sum(),
            done: self.remote.dialect.vendor.counts_while_running().then_some(done),
            asked: self.asked,
        });
    }

    /// Results may come so late that their end is near when they are waited for.
    fn warn_of_expiry(&mut self, batch: &BatchRow) {
        if let Some(message) = expiry_warning(batch, self.now_ms()).filter(|_| self.warned.insert(batch.id)) {
            self.run.emit(Event::Warning { message });
        }
    }
}

/// Result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Something changed: look again at once.
    Moved,
    /// Nothing to do for a while.
    Waits,
    /// Its fate is not known.
    Held,
}

#[cfg(test)]
mod tests;
