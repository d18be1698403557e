//! The journal: who asked what, how often, and what it cost.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::Fault;
use super::state::State;
use corpora_values::Usage;

/// One request, as it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Number of the request, from 1.
    pub n: u64,
    /// Milliseconds since the simulator's start at arrival.
    pub at_ms: f64,
    /// The same when the last byte was sent or the connection was dropped.
    pub done_ms: f64,
    /// Unix milliseconds at the end.
    pub done_unix_ms: f64,
    /// Path.
    pub path: String,
    /// Model.
    pub model: String,
    /// Hash of the body.
    pub request: String,
    /// Hash of the passage or the terms that are asked about; empty while that is not known.
    pub about: String,
    /// Number of times that this body has come, from 1.
    pub attempt: u32,
    /// The status that was sent; 0 if none was.
    pub status: u16,
    /// The fault that was met.
    pub fault: Option<Fault>,
    /// Tokens, if an answer was made (and is billed), whether or not it arrived.
    pub billed: Option<Usage>,
    /// True if a whole answer was sent.
    pub answered: bool,
    /// True if the limits refused it.
    pub limited: bool,
}

/// A request that is paid for: its answer was made, or it stands in a batch and nobody said that it was not done.
#[derive(Debug, Clone, PartialEq)]
pub struct PaidAsk {
    /// Hash of the passage or the terms that it asks about.
    pub about: String,
    /// Tokens.
    pub usage: Usage,
    /// True if it stands in a batch.
    pub is_batched: bool,
    /// True if a whole answer was sent, or can be read when its batch is over.
    pub is_whole: bool,
    /// The fault that its answer has.
    pub fault: Option<Fault>,
}

/// Sums over the journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests.
    pub requests: u64,
    /// Requests admitted by the limits.
    pub admitted: u64,
    /// Requests that the limits refused.
    pub limited: u64,
    /// Whole answers sent.
    pub answered: u64,
    /// Answers made and billed.
    pub billed: u64,
    /// Their tokens.
    pub usage: Usage,
    /// Tokens of whole answers that were sent.
    pub answered_usage: Usage,
    /// Most requests in flight at once.
    pub most_in_flight: u64,
    /// Bodies that came more than once.
    pub repeated: u64,
    /// Milliseconds since the start at the first arrival.
    pub first_ms: f64,
    /// The same at the last answer's end.
    pub last_ms: f64,
}

/// A request's line in the journal, written when the last byte is sent or the connection is gone, whatever the way.
pub(crate) struct JournalLine {
    pub(crate) state: Arc<State>,
    pub(crate) entry: JournalEntry,
}

impl Drop for JournalLine {
    fn drop(&mut self) {
        self.entry.done_ms = self.state.now_ms();
        self.entry.done_unix_ms = self.state.started_unix_s * 1000.0 + self.entry.done_ms;
        self.state.journal.ended(self.entry.clone());
    }
}

#[derive(Default)]
struct Kept {
    entries: Vec<JournalEntry>,
    counters: Counters,
    in_flight: u64,
    file: Option<File>,
}

pub(super) struct Journal {
    kept: Mutex<Kept>,
    keep: bool,
}

impl Journal {
    pub(super) fn new(file: Option<File>, keep: bool) -> Self {
        Self { kept: Mutex::new(Kept { file, ..Kept::default() }), keep }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().expect("no panic while the lock is held")
    }

    /// A request arrived: its number.
    pub(super) fn arrived(&self, at_ms: f64, attempt: u32) -> u64 {
        let mut kept = self.kept();
        kept.in_flight += 1;
        let in_flight = kept.in_flight;
        let counters = &mut kept.counters;
        counters.most_in_flight = counters.most_in_flight.max(in_flight);
        if counters.requests == 0 {
            counters.first_ms = at_ms;
        }
        counters.requests += 1;
        counters.repeated += u64::from(attempt == 2);
        counters.requests
    }

    pub(super) fn ended(&self, entry: JournalEntry) {
        let mut kept = self.kept();
        kept.in_flight -= 1;
        let counters = &mut kept.counters;
        counters.admitted += u64::from(!entry.limited);
        counters.limited += u64::from(entry.limited);
        counters.answered += u64::from(entry.answered);
        if let Some(usage) = entry.billed {
            counters.billed += 1;
            counters.usage += usage;
            if entry.answered {
                counters.answered_usage += usage;
            }
        }
        counters.last_ms = counters.last_ms.max(entry.done_ms);
        if let Some(file) = &mut kept.file {
            let mut line = serde_json::to_vec(&entry).expect("an entry has string keys and finite numbers");
            line.push(b'\n');
            // A journal that cannot be written is worth less than the run that it watches.
            let _ = file.write_all(&line);
        }
        if self.keep {
            kept.entries.push(entry);
        }
    }

    /// Requests that are paid for, of those that have ended and are kept.
    pub(super) fn paid(&self) -> Vec<PaidAsk> {
        let of = |entry: &JournalEntry| {
            let (about, fault, is_whole) = (entry.about.clone(), entry.fault, entry.answered);
            Some(PaidAsk { about, usage: entry.billed?, is_batched: false, is_whole, fault })
        };
        self.kept().entries.iter().filter_map(of).collect()
    }

    pub(super) fn counters(&self) -> Counters {
        self.kept().counters
    }

    pub(super) fn entries(&self) -> Vec<JournalEntry> {
        self.kept().entries.clone()
    }
}
