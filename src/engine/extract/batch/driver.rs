//! State of asking by batch, and what every part of it needs: the ledger's row, the account, the words for a person.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::creations::Creations;
use super::decide::Candidate;
use super::endpoint::BatchEndpoint;
use super::expiry::{expiry_warning, span};
use super::patience::{Call, Failures, Next, after};
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::extract::admission::debits;
use crate::engine::extract::settle::Policy;
use crate::engine::provider::{BatchOptions, Remote};
use crate::remote::{Client, Counts, Health, Standing, Trouble, TroubleKind};
use crate::store::{BatchId, BatchRow, BatchState, BatchUpdate, Change, Checkpoint, FpId, Reader};
use crate::values::{Asked, Cost, Event, Stop, StopReason, Usage, plural};

/// Tries of the request that tries a batch endpoint.
pub(super) const TRIES: u32 = 6;

/// Batches refused as a whole, one after another, before the run stops.
pub(super) const REFUSALS: u32 = 3;

/// Shortest pause in which nothing can be done about any batch.
const SHORT_NAP: Duration = Duration::from_millis(20);

pub(super) struct Driver<'a, E = Client> {
    pub(super) run: &'a Run<'a>,
    pub(super) remote: &'a Remote,
    pub(super) options: BatchOptions,
    pub(super) client: Arc<E>,
    /// Question whose batches these are.
    pub(super) question: FpId,
    /// Reading of answers; none where the question is another one than the run's: they are kept for the command that asked it.
    pub(super) policy: Option<Policy<'a>>,
    pub(super) reader: Reader,
    pub(super) asked: Asked,
    /// Lines read in this run.
    pub(super) seen: HashSet<(BatchId, i64)>,
    pub(super) looks: HashMap<BatchId, Look>,
    /// Batches that were sent again in this run: a person's word that this may pay twice holds for once.
    pub(super) sent_again: HashSet<BatchId>,
    pub(super) creations: Creations,
    /// Batches of which a person was told that their results go away.
    pub(super) warned: HashSet<BatchId>,
    pub(super) began: Instant,
    pub(super) began_ms: i64,
    /// True once a person was told that batches wait for the limit on creations.
    pub(super) told_pace: bool,
    pub(super) refusals: u32,
    /// Judge of whether the answers are of any use.
    pub(super) health: Health,
    /// Uploads of the files of batches in this run.
    pub(super) uploads: HashMap<BatchId, u32>,
    pub(super) stop: Option<Stop>,
    pub(super) begun: Cell<bool>,
}

/// Knowledge of this run about a batch, beside its row.
#[derive(Default)]
pub(super) struct Look {
    pub(super) standing: Option<Standing>,
    pub(super) candidates: Option<Vec<Candidate>>,
    /// Numbers of the provider, where it counts.
    pub(super) counts: Option<Counts>,
    pub(super) empty: u32,
    /// Failures of each kind of call, in a row: their number, and when the first was.
    pub(super) failures: BTreeMap<Call, (u32, Instant)>,
    /// Batches of which one has to end before this one is sent: the provider's queue is full.
    pub(super) behind: Vec<BatchId>,
    /// Time since which answers are owed.
    pub(super) owed_since: Option<Instant>,
    /// True once a person was told of a state that nobody knows, or of a batch that is overdue.
    pub(super) told_state: bool,
    /// Not to be looked at before this.
    pub(super) not_before: Option<Instant>,
    pub(super) pause: Option<Duration>,
}

/// Result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Something changed: look again at once.
    Moved,
    /// Nothing to do for a while.
    Waits,
    /// Its fate is not known.
    Held,
}

/// End of a run whose cap leaves no room.
pub(super) fn no_room(remote: &Remote) -> Stop {
    let cap = remote.max_cost.unwrap_or_default();
    Stop::new(
        StopReason::Cap,
        format!(
            "--max-cost {cap} leaves no room for the next requests, whose provider batches would be set aside at their most, beside what this folder has spent and what its open provider batches may cost; the same command with a higher --max-cost continues"
        ),
    )
}

/// Ways out for a person whose batch cannot be read.
pub(super) const ASK_AGAIN: &str = "--abandon-batches asks again for what stands in it, and pays for that again";

impl<'a, E: BatchEndpoint> Driver<'a, E> {
    pub(super) fn new(
        run: &'a Run<'a>,
        remote: &'a Remote,
        options: &BatchOptions,
        client: Arc<E>,
        question: FpId,
    ) -> Result<Self, RunError> {
        let reader = run.store.reader()?;
        let began_ms = (run.now_ms)();
        let creations = Creations::new(options.per_hour, reader.sent_batches()?, began_ms);
        // The run has told of these at its beginning.
        let open = reader.open_batches(question)?;
        let warned = open.iter().filter(|b| expiry_warning(b, began_ms).is_some()).map(|b| b.id).collect();
        Ok(Self {
            run,
            remote,
            options: options.clone(),
            client,
            question,
            policy: (question == run.question).then(|| Policy::new(question, remote, &run.pipeline)).transpose()?,
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
            health: Health::new(remote.patience, std::time::Instant::now()),
            uploads: HashMap::new(),
            stop: None,
            begun: Cell::new(false),
        })
    }

    /// Time until the first batch may be looked at again. What may be looked at already waits for another one, and moves with it.
    pub(super) fn nap(&self, open: &[BatchRow]) -> Duration {
        let now = Instant::now();
        let due = open.iter().filter_map(|b| self.looks.get(&b.id)?.not_before).filter(|at| *at > now).min();
        due.map_or(self.options.poll, |at| at - now).max(SHORT_NAP.min(self.options.poll))
    }

    /// Words for a person who leaves batches behind.
    pub(super) fn leave(&mut self, open: &[BatchRow]) {
        let requests: u64 = open.iter().map(|b| b.requests).sum();
        let what = match open.len() {
            1 => format!("1 provider batch with {} is", plural(requests, "request", "requests")),
            n => format!("{n} provider batches with {requests} requests are"),
        };
        let left = open.iter().filter_map(|b| b.expires_ms).min().map(|at| at - self.now_ms()).filter(|left| *left > 0);
        let until =
            left.map_or_else(String::new, |left| format!(" (the provider keeps results for {} more)", span(left)));
        let words = format!(
            "{what} left at the provider, or still to be sent there{until}; the same command goes on with them, 'corpora batches' lists them"
        );
        self.stop = Some(match self.stop.take() {
            Some(stop) => stop.and(&words),
            None => Stop::new(StopReason::BatchesLeft, words),
        });
    }

    /// A call failed: it is repeated later, or the run stops.
    pub(super) fn failed(&mut self, batch: &BatchRow, call: Call, trouble: &Trouble) -> Result<Step, RunError> {
        tracing::warn!(batch = %batch.token, ?call, kind = ?trouble.kind, "{}", trouble.message);
        let open = self.reader.open_batches(self.question)?;
        let there: Vec<BatchId> =
            open.iter().filter(|b| b.id != batch.id && b.state == BatchState::Submitted).map(|b| b.id).collect();
        let look = self.looks.entry(batch.id).or_default();
        let now = Instant::now();
        let (count, first) = look.failures.entry(call).or_insert((0, now));
        *count += 1;
        let failures = Failures { count: *count, since: now - *first };
        match after(call, trouble, failures, !there.is_empty(), self.remote.patience, fastrand::f64()) {
            Next::Again(pause) => look.not_before = Some(now + pause),
            Next::QueueFull => {
                look.behind = there;
                let message = format!("{}; the next provider batch is sent when one has ended", trouble.message);
                self.run.emit(Event::Notice { message });
            }
            Next::Smaller => self.smaller(batch, trouble)?,
            Next::Stop => self.stop = Some(self.words(batch, call, trouble)),
        }
        Ok(Step::Waits)
    }

    /// A call came through.
    pub(super) fn came_through(&mut self, batch: &BatchRow, call: Call) {
        if let Some(look) = self.looks.get_mut(&batch.id) {
            look.failures.remove(&call);
        }
    }

    /// Words for a person about a call that fails for good.
    fn words(&self, batch: &BatchRow, call: Call, trouble: &Trouble) -> Stop {
        let remote = batch.remote.as_deref().unwrap_or("?");
        match (call, trouble.kind) {
            (Call::Look, TroubleKind::NotFound) => Stop::new(
                StopReason::BatchLost,
                format!(
                    "the provider does not show the provider batch {remote} of {} requests: use the key and the workspace that it was submitted with; it stays in the ledger, and nothing is asked again",
                    batch.requests
                ),
            ),
            (Call::Results, TroubleKind::NotFound) => Stop::new(
                StopReason::BatchLost,
                format!(
                    "the results of the provider batch {remote} cannot be read ({}): providers keep them for {} days; the same command looks again, {ASK_AGAIN}",
                    trouble.message,
                    self.remote.dialect.vendor.result_days()
                ),
            ),
            _ => trouble.stop(),
        }
    }

    /// Sum that may still be set aside under the cap of the whole folder: every question, every way of asking.
    pub(super) fn room(&self) -> Result<Option<Cost>, RunError> {
        let Some(cap) = self.remote.max_cost else { return Ok(None) };
        Ok(Some(cap - debits(&self.reader)?))
    }

    pub(super) fn note(&self, update: BatchUpdate) -> Result<(), RunError> {
        self.run.writer.submit(Checkpoint::new(vec![Change::Batch(Box::new(update))], Vec::new()))?;
        Ok(self.run.writer.flush()?)
    }

    pub(super) fn account(&mut self, usage: Option<Usage>, cost: Option<Cost>) {
        let usage = usage.unwrap_or_default();
        self.asked.answers += 1;
        self.asked.input_tokens += usage.prompt();
        self.asked.output_tokens += usage.output;
        self.asked.picodollars = self.asked.picodollars.zip(cost).map(|(all, one)| all + one.0);
    }

    pub(super) fn tell(&self) {
        let open = self.reader.open_batches(self.question).unwrap_or_default();
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
    pub(super) fn warn_of_expiry(&mut self, batch: &BatchRow) {
        if let Some(message) = expiry_warning(batch, self.now_ms()).filter(|_| self.warned.insert(batch.id)) {
            self.run.emit(Event::Warning { message });
        }
    }
}
