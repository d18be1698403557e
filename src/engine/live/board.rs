//! Which unit is asked for whom, and which documents wait for how many of them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::RunError;
use crate::engine::staged::Job;
use crate::store::DocId;
use crate::values::Fingerprint;

/// A document whose answers are all there, or never will be.
pub(super) struct Ready {
    pub(super) job: Job,
    pub(super) started: Instant,
}

struct Waiting {
    ready: Ready,
    /// Units without an answer, and one more until the document is planned.
    left: usize,
}

#[derive(Default)]
struct Places {
    /// Documents that wait for a unit.
    units: HashMap<Fingerprint, Vec<DocId>>,
    documents: HashMap<DocId, Waiting>,
    /// Documents that are being assembled.
    assembling: usize,
    ready: Option<Sender<Ready>>,
}

/// See the module. A unit stands here from before it is asked until its answer, or its failure, is committed: what does not
/// stand here is as the store says.
pub(super) struct Board(Mutex<Places>);

/// Who asks for a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is answered, or given up, already.
    Settled,
    /// Somebody else asks; the document waits with them.
    Shared,
    /// Whoever claimed it.
    Mine,
}

impl Board {
    pub(super) fn new(ready: Sender<Ready>) -> Self {
        Self(Mutex::new(Places { ready: Some(ready), ..Places::default() }))
    }

    fn places(&self) -> std::sync::MutexGuard<'_, Places> {
        self.0.lock().expect("no panic while the lock is held")
    }

    /// Documents that are begun and not finished.
    pub(super) fn open_documents(&self) -> usize {
        let places = self.places();
        places.documents.len() + places.assembling
    }

    /// Begins a document.
    pub(super) fn open(&self, job: Job) {
        let doc = job.pending.doc;
        let ready = Ready { job, started: Instant::now() };
        self.places().documents.insert(doc, Waiting { ready, left: 1 });
    }

    /// Asks who is to ask for a unit of a document. `settled` looks into the store, and is asked under the lock.
    pub(super) fn claim(
        &self,
        unit: Fingerprint,
        doc: DocId,
        settled: impl FnOnce() -> Result<bool, RunError>,
    ) -> Result<Claim, RunError> {
        let mut places = self.places();
        let claim = match places.units.get_mut(&unit) {
            Some(documents) if documents.contains(&doc) => return Ok(Claim::Shared),
            Some(documents) => {
                documents.push(doc);
                Claim::Shared
            }
            None if settled()? => return Ok(Claim::Settled),
            None => {
                places.units.insert(unit, vec![doc]);
                Claim::Mine
            }
        };
        if let Some(waiting) = places.documents.get_mut(&doc) {
            waiting.left += 1;
        }
        Ok(claim)
    }

    /// All units of a document are claimed.
    pub(super) fn planned(&self, doc: DocId) {
        self.places().count_down(doc);
    }

    /// A document is given up before it was planned.
    pub(super) fn forget(&self, doc: DocId) {
        self.places().documents.remove(&doc);
    }

    /// Units are answered or given up, durably.
    pub(super) fn settle(&self, units: &[Fingerprint]) {
        let mut places = self.places();
        for unit in units {
            for doc in places.units.remove(unit).unwrap_or_default() {
                places.count_down(doc);
            }
        }
    }

    /// A document that was ready is assembled.
    pub(super) fn assembled(&self) {
        self.places().assembling -= 1;
    }

    /// Waits until no document is open, or until `halted` and none is being assembled; then lets the assemblers end.
    pub(super) fn close_when_idle(&self, halted: impl Fn() -> bool) {
        loop {
            {
                let mut places = self.places();
                if places.assembling == 0 && (places.documents.is_empty() || (halted() && !places.is_being_answered()))
                {
                    places.ready = None;
                    return;
                }
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The traffic has ended: what still stands here will not be answered in this run.
    pub(super) fn abandon(&self) {
        self.places().units.clear();
    }
}

impl Places {
    fn is_being_answered(&self) -> bool {
        !self.units.is_empty()
    }

    fn count_down(&mut self, doc: DocId) {
        let Some(waiting) = self.documents.get_mut(&doc) else { return };
        waiting.left -= 1;
        if waiting.left == 0
            && let Some(waiting) = self.documents.remove(&doc)
            && let Some(sender) = &self.ready
            && sender.send(waiting.ready).is_ok()
        {
            self.assembling += 1;
        }
    }
}
