//! State of asking by batch, and what every part of it needs: the ledger's row, the account, the words for a person.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::creations::Creations;
use super::decide::Candidate;
use super::endpoint::BatchEndpoint;
use super::expiry::{expiry_warning, span};
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::extract::backoff::backoff;
use crate::engine::extract::settle::Policy;
use crate::engine::provider::{BatchOptions, Remote};
use crate::remote::{Client, Disposition, Standing, Trouble, TroubleKind};
use crate::store::{BatchId, BatchRow, BatchState, BatchUpdate, Change, Checkpoint, Reader};
use crate::values::{Asked, Cost, Event, Stop, StopReason, Usage, plural};

/// Pauses between tries of a call that may be repeated: uploads, listings, looks at a batch, downloads.
pub(super) const TRIES: u32 = 6;

/// A batch that cannot be found is looked for this often before it is believed to be gone: providers answer 404 now and then.
pub(super) const NOT_FOUND: u32 = 4;

/// Batches refused as a whole, one after another, before the run stops.
pub(super) const REFUSALS: u32 = 3;

/// Bounds of the pauses in which nothing can be done about any batch.
const SHORT_NAP: Duration = Duration::from_millis(20);
const LONG_NAP: Duration = Duration::from_millis(250);

pub(super) struct Driver<'a, E = Client> {
    pub(super) run: &'a Run<'a>,
    pub(super) remote: &'a Remote,
    pub(super) options: BatchOptions,
    pub(super) client: Arc<E>,
    pub(super) policy: Policy<'a>,
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
    pub(super) stop: Option<Stop>,
    pub(super) begun: Cell<bool>,
}

/// Knowledge of this run about a batch, beside its row.
#[derive(Default)]
pub(super) struct Look {
    pub(super) standing: Option<Standing>,
    pub(super) candidates: Option<Vec<Candidate>>,
    pub(super) empty: u32,
    pub(super) not_found: u32,
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

impl<'a, E: BatchEndpoint> Driver<'a, E> {
    pub(super) fn new(
        run: &'a Run<'a>,
        remote: &'a Remote,
        options: &BatchOptions,
        client: Arc<E>,
    ) -> Result<Self, RunError> {
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
            stop: None,
            begun: Cell::new(false),
        })
    }

    /// Until the first batch may be looked at again; short enough that an interruption is felt at once.
    pub(super) fn nap(&self, open: &[BatchRow]) -> Duration {
        let due = open.iter().filter_map(|b| self.looks.get(&b.id)?.not_before).min();
        let left = due.map_or(SHORT_NAP, |at| at.saturating_duration_since(Instant::now()));
        left.clamp(SHORT_NAP.min(self.options.poll), LONG_NAP)
    }

    /// Words for a person who leaves batches behind.
    pub(super) fn leave(&mut self, open: &[BatchRow]) {
        let requests: u64 = open.iter().map(|b| b.requests).sum();
        let what = match open.len() {
            1 => format!("1 batch with {} is", plural(requests, "request", "requests")),
            n => format!("{n} batches with {requests} requests are"),
        };
        let left = open.iter().filter_map(|b| b.expires_ms).min().map(|at| at - self.now_ms()).filter(|left| *left > 0);
        let until = left.map_or_else(String::new, |left| format!(", which keeps results for {} more", span(left)));
        let words = format!(
            "{what} left at the provider, or to be sent{until}; the same command goes on with them, 'corpora batches' lists them"
        );
        self.stop = Some(match self.stop.take() {
            Some(stop) => stop.and(&words),
            None => Stop::new(StopReason::BatchesLeft, words),
        });
    }

    /// Trouble of a call that may be repeated: waits, or stops the run.
    pub(super) fn trouble(&mut self, batch: &BatchRow, trouble: &Trouble) -> Result<Step, RunError> {
        tracing::warn!(batch = %batch.token, kind = ?trouble.kind, "{}", trouble.message);
        let look = self.looks.entry(batch.id).or_default();
        look.not_found += 1;
        let after = match trouble.disposition() {
            Disposition::Retry { after, .. } if look.not_found <= TRIES * 4 => after,
            _ if look.not_found < 2 && trouble.kind != TroubleKind::TooLarge => None,
            _ => {
                self.stop = Some(trouble.stop());
                return Ok(Step::Waits);
            }
        };
        let pause = backoff(look.not_found, after, fastrand::f64()).max(Duration::from_millis(20));
        look.not_before = Some(Instant::now() + pause);
        Ok(Step::Waits)
    }

    /// Sum that may still be set aside under the cap.
    pub(super) fn room(&self) -> Result<Option<Cost>, RunError> {
        let Some(cap) = self.remote.max_cost else { return Ok(None) };
        let (answers, lost) = self.reader.ledger_sums()?;
        let open: i64 =
            self.reader.open_batches(self.run.question)?.iter().filter_map(|b| b.reserved).map(|c| c.0).sum();
        Ok(Some(cap - answers.cost - lost.cost - Cost(open)))
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
    pub(super) fn warn_of_expiry(&mut self, batch: &BatchRow) {
        if let Some(message) = expiry_warning(batch, self.now_ms()).filter(|_| self.warned.insert(batch.id)) {
            self.run.emit(Event::Warning { message });
        }
    }
}
