//! Files and batches that were made.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock};

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::BatchFault;
use super::distort::distort;
use super::paid::Asked;
use super::results::line;
use crate::SimulatorConfig;
use crate::chance::uniform;
use crate::interfaces::{BatchState, Flaw, Interface, Refusal};
use crate::state::State;
use corpora_values::Usage;

/// All files and batches.
#[derive(Default)]
pub(crate) struct Batches(Mutex<Kept>);

#[derive(Default)]
pub(super) struct Kept {
    pub(super) files: BTreeMap<String, File>,
    pub(super) uploads: HashMap<String, String>,
    pub(super) batches: Vec<Batch>,
    /// Creations by payload.
    pub(super) creations: HashMap<u64, u32>,
    pub(super) numbers: u64,
    /// Creations that were refused, and uploads that belong to one.
    pub(super) refused: u64,
    /// Calls at the other host that carried a key.
    pub(super) keys_elsewhere: u64,
}

/// A file as it was uploaded.
pub(super) struct File {
    pub(super) name: String,
    pub(super) purpose: String,
    pub(super) bytes: Bytes,
    pub(super) made_ms: f64,
}

/// A batch as it was made.
pub(super) struct Batch {
    pub(super) id: String,
    pub(super) interface: &'static dyn Interface,
    /// The key that made it sees it, no other.
    pub(super) key: Option<String>,
    pub(super) payload: Bytes,
    /// Range of each request in the payload.
    pub(super) requests: Vec<(usize, usize)>,
    pub(super) version: Option<String>,
    pub(super) model: String,
    pub(super) name: String,
    pub(super) metadata: Value,
    pub(super) endpoint: String,
    pub(super) input_file: String,
    /// True if its requests came with its creation; the results stand in it too.
    pub(super) is_inline: bool,
    /// What is wrong with its file.
    pub(super) flaws: Vec<Flaw>,
    /// Requests that the model's interface refuses.
    pub(super) wrong: OnceLock<HashSet<u64>>,
    /// Sum of all answers.
    pub(super) usage: OnceLock<Usage>,
    pub(super) deleted: bool,
    pub(super) made_ms: f64,
    pub(super) ends_ms: f64,
    pub(super) faults: Vec<BatchFault>,
    /// The settings under which it was made: what becomes of its requests is settled by then.
    pub(super) config: Arc<SimulatorConfig>,
    pub(super) cancelled: bool,
    pub(super) looks: u32,
    /// Looks since it was over, or cancelled.
    pub(super) late_looks: u32,
    pub(super) downloads: u32,
}

/// Sums over batches, for tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchCounters {
    /// Batches made.
    pub created: u64,
    /// Payloads of which more than one batch was made.
    pub payloads_twice: u64,
    /// Requests in all batches.
    pub requests: u64,
    /// Creations that were refused.
    pub refused: u64,
    /// Calls at another host than the provider's own that carried a key.
    pub keys_elsewhere: u64,
}

impl Batches {
    pub(super) fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().expect("no panic while the lock is held")
    }

    /// Lets every batch that is under way end now.
    pub(crate) fn end_all(&self, now_ms: f64) {
        for batch in &mut self.kept().batches {
            batch.ends_ms = batch.ends_ms.min(now_ms);
        }
    }

    pub(crate) fn creations_ms(&self) -> Vec<f64> {
        self.kept().batches.iter().map(|b| b.made_ms).collect()
    }

    pub(crate) fn counters(&self) -> BatchCounters {
        let kept = self.kept();
        BatchCounters {
            created: kept.batches.len() as u64,
            payloads_twice: kept.creations.values().filter(|n| **n > 1).count() as u64,
            requests: kept.batches.iter().map(|b| b.requests.len() as u64).sum(),
            refused: kept.refused,
            keys_elsewhere: kept.keys_elsewhere,
        }
    }
}

impl Kept {
    /// Number of the next creation, and the faults that it meets: by script, or else one by chance.
    pub(super) fn next(&self, config: &SimulatorConfig) -> (u64, Vec<BatchFault>) {
        let creation = self.batches.len() as u64 + self.refused + 1;
        let scripted = config.batch.script.iter().filter(|(_, n)| *n == creation).map(|(fault, _)| *fault);
        let mut faults: Vec<BatchFault> = scripted.collect();
        if faults.is_empty() {
            let mut left = uniform(config.seed, creation, 0, "batch fault");
            let by_rate = config.batch.faults.iter().find(|(_, rate)| {
                left -= rate;
                left < 0.0
            });
            faults.extend(by_rate.map(|(fault, _)| *fault));
        }
        (self.batches.len() as u64 + 1, faults)
    }

    /// The batch of an id, for the key that made it.
    pub(super) fn batch(&mut self, key: Option<&str>, id: &str) -> Option<&mut Batch> {
        self.batches
            .iter_mut()
            .find(|b| !b.deleted && b.bare_id() == id && (b.key.is_none() || b.key.as_deref() == key))
    }
}

/// Outcome of one request of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestOutcome {
    Answered,
    /// Not begun when the batch expired or was cancelled.
    Expired,
    Refused(LineError),
}

/// Error that a line of results tells of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineError {
    Server,
    Wrong,
    NoBalance,
    Key,
    TooLong,
    Filtered,
    Busy,
}

impl LineError {
    /// The error as it would come live. Where the vendor filters without an error, none.
    pub(super) fn refusal(self, interface: &dyn Interface) -> Option<Refusal> {
        Some(match self {
            Self::Server => Refusal::new(500, "Internal server error"),
            Self::Wrong => Refusal::new(400, "this request is wrong"),
            Self::NoBalance => interface.no_balance(),
            Self::Key => Refusal::new(401, "invalid x-api-key"),
            Self::TooLong => Refusal::too_long(210_000, 200_000),
            Self::Filtered => return interface.content_filter(),
            Self::Busy => Refusal::new(429, "too many requests"),
        })
    }
}

impl Batch {
    pub(super) fn bare_id(&self) -> &str {
        self.id.trim_start_matches("batches/")
    }

    /// Test whether it meets a fault.
    pub(super) fn meets(&self, fault: BatchFault) -> bool {
        self.faults.contains(&fault)
    }

    /// Test whether it is refused as a whole after it was made.
    fn has_failed(&self, state: &State) -> bool {
        let queue = state.config().batch.queue_tokens;
        let is_refused = self.meets(BatchFault::InvalidLine)
            || self.meets(BatchFault::FailedAfterCreate)
            || queue.is_some_and(|most| self.payload.len() as u64 / 4 > most);
        // Anthropic judges a payload before it makes a batch of it.
        !self.flaws.is_empty() || is_refused && self.interface.name() != "anthropic"
    }

    /// Test whether the `n`-th request is answered, and so paid for, by the time that the batch is over.
    pub(super) fn is_paid(&self, n: u64, state: &State) -> bool {
        // What expires or is cancelled there leaves nothing.
        let leaves_nothing = self.interface.name() == "gemini" && (self.cancelled || self.meets(BatchFault::Expired));
        !leaves_nothing && !self.has_failed(state) && self.outcome(n) == RequestOutcome::Answered
    }

    /// Outcome of the `n`-th request.
    pub(super) fn outcome(&self, n: u64) -> RequestOutcome {
        use RequestOutcome::{Answered, Expired, Refused};
        let of = |fault: &BatchFault| match fault {
            BatchFault::AllErrored => Some(Refused(LineError::Server)),
            BatchFault::NoBalance => Some(Refused(LineError::NoBalance)),
            BatchFault::KeyInLines => Some(Refused(LineError::Key)),
            BatchFault::Expired if n % 2 == 1 => Some(Expired),
            BatchFault::SomeErrored | BatchFault::NoErrorFile if n % 5 == 1 => Some(Refused(LineError::Server)),
            BatchFault::SomeWrong if n % 5 == 1 => Some(Refused(LineError::Wrong)),
            BatchFault::TooLongLines if n % 5 == 1 => Some(Refused(LineError::TooLong)),
            BatchFault::FilteredLines if n % 5 == 1 => Some(Refused(LineError::Filtered)),
            BatchFault::BusyLines if n % 5 == 1 => Some(Refused(LineError::Busy)),
            _ => None,
        };
        match self.faults.iter().find_map(of) {
            // A filter that answers without an error is paid as an answer is.
            Some(Refused(LineError::Filtered)) if self.interface.content_filter().is_none() => Answered,
            Some(outcome) => outcome,
            None if self.cancelled && n % 2 == 1 => Expired,
            None => Answered,
        }
    }

    /// Test whether the `n`-th request has an answer once the batch is over.
    pub(super) fn is_answered(&self, n: u64) -> bool {
        let wrong = || (0..self.requests.len() as u64).filter(|n| Asked::of(self, *n).read().is_err()).collect();
        self.outcome(n) == RequestOutcome::Answered && !self.wrong.get_or_init(wrong).contains(&n)
    }

    /// Test whether it is over: no request is worked on any more.
    pub(super) fn is_over(&self, now_ms: f64) -> bool {
        now_ms >= self.ends_ms || self.cancelled
    }

    /// Sum of all answers.
    fn usage(&self, state: &State) -> Usage {
        *self.usage.get_or_init(|| {
            let answered = (0..self.requests.len() as u64).filter(|n| self.is_answered(*n));
            let usage = |n| {
                let asked = Asked::of(self, n);
                asked.read().map(|ask| asked.answer(state, &ask, asked.fault()).1).unwrap_or_default()
            };
            let mut sum = Usage::default();
            answered.map(usage).for_each(|usage| sum += usage);
            sum
        })
    }

    /// The batch in its vendor's shape.
    pub(super) fn shown(&self, state: &State) -> Value {
        let now = state.now_ms();
        let unix = |ms: f64| state.started_unix_s + ms / 1000.0;
        let requests = self.requests.len() as u64;
        let is_over = self.is_over(now);
        let count = |is: &dyn Fn(u64) -> bool| (0..requests).filter(|n| is_over && is(*n)).count() as u64;
        let answered = count(&|n| self.is_answered(n));
        let mut shown = self.interface.batch(&BatchState {
            id: &self.id,
            name: &self.name,
            model: &self.model,
            endpoint: &self.endpoint,
            input_file: &self.input_file,
            metadata: &self.metadata,
            flaws: &self.flaws,
            faults: &self.faults,
            is_cancelled: self.cancelled,
            is_over,
            has_failed: self.has_failed(state),
            requests,
            answered,
            unanswered: requests - answered,
            unbegun: count(&|n| self.outcome(n) == RequestOutcome::Expired),
            usage: &|| self.usage(state),
            made_s: unix(self.made_ms),
            ends_s: unix(self.ends_ms),
            now_s: unix(now),
        });
        if self.is_inline
            && let Some(output) = shown.pointer_mut("/metadata/output")
        {
            let lines: Vec<Value> =
                (0..requests).map(|n| line(state, &Asked::of(self, n), self.outcome(n), n)).collect();
            *output = json!({"inlinedResponses": {"inlinedResponses": lines}});
        }
        distort(&mut shown, self, is_over);
        shown
    }
}
