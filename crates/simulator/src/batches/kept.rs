//! Files and batches that were made.

use std::collections::HashMap;
use std::sync::Mutex;

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::BatchFault;
use crate::interfaces::{BatchState, Interface};
use crate::state::State;

/// All files and batches.
#[derive(Default)]
pub(crate) struct Batches(Mutex<Kept>);

#[derive(Default)]
pub(super) struct Kept {
    pub(super) files: HashMap<String, Bytes>,
    pub(super) uploads: HashMap<String, String>,
    pub(super) batches: Vec<Batch>,
    /// Creations by payload.
    pub(super) creations: HashMap<u64, u32>,
    pub(super) numbers: u64,
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
    pub(super) made_ms: f64,
    pub(super) ends_ms: f64,
    pub(super) fault: Option<BatchFault>,
    pub(super) cancelled: bool,
    pub(super) looks: u32,
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
        }
    }
}

impl Kept {
    /// A creation of this payload came.
    pub(super) fn attempt(&mut self, payload: u64) {
        *self.creations.entry(payload).or_insert(0) += 1;
        // Refusals are counted under no payload.
        if payload == 0 {
            self.creations.remove(&0);
            self.numbers += 1 << 32;
        }
    }

    /// Creations so far, refused ones too.
    pub(super) fn creations_so_far(&self) -> u64 {
        self.batches.len() as u64 + (self.numbers >> 32)
    }

    /// The batch of an id, for the key that made it.
    pub(super) fn batch(&mut self, key: Option<&str>, id: &str) -> Option<&mut Batch> {
        self.batches
            .iter_mut()
            .find(|b| b.id.trim_start_matches("batches/") == id && (b.key.is_none() || b.key.as_deref() == key))
    }
}

/// Outcome of one request of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestOutcome {
    Answered,
    Errored,
    Wrong,
    NoBalance,
    Expired,
}

impl Batch {
    /// Outcome of the `n`-th request.
    pub(super) fn outcome(&self, n: u64) -> RequestOutcome {
        match self.fault {
            Some(BatchFault::AllErrored) => RequestOutcome::Errored,
            Some(BatchFault::NoBalance) => RequestOutcome::NoBalance,
            Some(BatchFault::SomeErrored) if n % 5 == 1 => RequestOutcome::Errored,
            Some(BatchFault::SomeWrong) if n % 5 == 1 => RequestOutcome::Wrong,
            Some(BatchFault::Expired) if n % 2 == 1 => RequestOutcome::Expired,
            _ if self.cancelled && n % 2 == 1 => RequestOutcome::Expired,
            _ => RequestOutcome::Answered,
        }
    }

    /// The batch in its vendor's shape.
    pub(super) fn shown(&self, state: &State) -> Value {
        let now = state.now_ms();
        let unix = |ms: f64| state.started_unix_s + ms / 1000.0;
        let requests = self.requests.len() as u64;
        let answered = (0..requests).filter(|n| self.outcome(*n) == RequestOutcome::Answered).count() as u64;
        let queue = state.config().batch.queue_tokens;
        let mut shown = self.interface.batch(&BatchState {
            id: &self.id,
            name: &self.name,
            model: &self.model,
            endpoint: &self.endpoint,
            input_file: &self.input_file,
            metadata: &self.metadata,
            fault: self.fault,
            is_cancelled: self.cancelled,
            is_over: now >= self.ends_ms || self.cancelled,
            has_failed: matches!(self.fault, Some(BatchFault::InvalidLine | BatchFault::FailedAfterCreate))
                || queue.is_some_and(|most| self.payload.len() as u64 / 4 > most),
            requests,
            answered,
            unanswered: requests - answered,
            made_s: unix(self.made_ms),
            ends_s: unix(self.ends_ms),
            now_s: unix(now),
        });
        self.distort(&mut shown, now >= self.ends_ms);
        shown
    }

    /// Faults of what is shown, in any vendor's shape.
    fn distort(&self, shown: &mut Value, is_over: bool) {
        let mut put = |place: &str, value: Value| {
            if let Some(slot) = shown.pointer_mut(place) {
                *slot = value;
            }
        };
        match self.fault {
            Some(BatchFault::LateResults) if is_over && self.looks <= 3 => {
                for place in ["/output_file_id", "/error_file_id", "/metadata/output", "/response"] {
                    put(place, Value::Null);
                }
            }
            Some(BatchFault::UnknownState) if is_over => {
                for place in ["/processing_status", "/status", "/metadata/state"] {
                    put(place, "settled".into());
                }
            }
            Some(BatchFault::NoLabels) => {
                for place in ["/metadata/corpora", "/metadata/displayName", "/metadata/inputConfig", "/input_file_id"] {
                    put(place, Value::Null);
                }
            }
            _ => {}
        }
    }
}
