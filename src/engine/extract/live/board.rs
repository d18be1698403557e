//! Units with the documents for which they are asked, and documents with the number of units for which they wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::forecast::Standing;
use crate::engine::error::RunError;
use crate::engine::feed::Job;
use crate::engine::watchdog::Signs;
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
    /// Threads that assemble documents.
    assemblers: usize,
    ready: Option<Sender<Ready>>,
    standing: Standing,
    /// Set when the traffic has ended: nothing that is claimed from then on would be asked.
    ended: bool,
}

/// See the module. A unit stands here from before it is asked until its answer, or its failure, is committed: what does not
/// stand here is as the store says.
pub(super) struct Board(Mutex<Places>);

/// Party that asks for a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is answered, or given up, already.
    Settled,
    /// Somebody else asks; the document waits with them.
    Shared,
    /// Whoever claimed it.
    Mine,
    /// Nobody: the traffic has ended, and nothing more is asked in this run.
    Nobody,
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

    /// Says who is to ask for a unit of a document. `settled` looks into the store, and is asked under the lock. After the end of
    /// the traffic nothing is kept: a unit that stood here then would be waited for, and never asked.
    pub(super) fn claim(
        &self,
        unit: Fingerprint,
        doc: DocId,
        settled: impl FnOnce() -> Result<bool, RunError>,
    ) -> Result<Claim, RunError> {
        let places = &mut *self.places();
        let claim = match places.units.get_mut(&unit) {
            Some(documents) if documents.contains(&doc) => return Ok(Claim::Shared),
            Some(documents) => {
                documents.push(doc);
                Claim::Shared
            }
            None if settled()? => return Ok(Claim::Settled),
            None if places.ended => return Ok(Claim::Nobody),
            None => {
                places.units.insert(unit, vec![doc]);
                places.standing.claimed += 1;
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
        let mut places = self.places();
        places.standing.planned += 1;
        places.count_down(doc);
    }

    /// A document is given up: before it was planned, or because units of it stand in a batch.
    pub(super) fn forget(&self, doc: DocId) {
        let mut places = self.places();
        places.standing.planned += 1;
        places.documents.remove(&doc);
    }

    /// Standing of the asking.
    pub(super) fn standing(&self) -> Standing {
        self.places().standing
    }

    /// Units are answered or given up, durably.
    pub(super) fn settle(&self, units: &[Fingerprint]) {
        let mut places = self.places();
        for unit in units {
            let asked_for = places.units.remove(unit);
            places.standing.settled += u64::from(asked_for.is_some());
            for doc in asked_for.unwrap_or_default() {
                places.count_down(doc);
            }
        }
    }

    /// A document that was ready is assembled, or failed to be.
    pub(super) fn assembled(&self) {
        self.places().assembling -= 1;
    }

    /// Attendance of one thread that assembles documents, until it is dropped.
    pub(super) fn assembler(self: &Arc<Self>) -> Assembler {
        self.places().assemblers += 1;
        Assembler(Arc::clone(self))
    }

    /// Attendance of the traffic. Dropping it, by a panic too, abandons what is not asked by then.
    pub(super) fn traffic(self: &Arc<Self>) -> TrafficEnd {
        TrafficEnd(Arc::clone(self))
    }

    /// Waits until no document is open, or until `halted` and none is being assembled; then lets the assemblers end.
    pub(super) fn close_when_idle(&self, signs: &Signs, halted: impl Fn() -> bool) {
        let waiting = signs.waits("extract", "its documents");
        loop {
            {
                let mut places = self.places();
                let none_assembled = places.assembling == 0 || places.assemblers == 0;
                if none_assembled && (places.documents.is_empty() || (halted() && !places.is_being_answered())) {
                    places.ready = None;
                    return;
                }
                let (open, units, assembling) = (places.documents.len(), places.units.len(), places.assembling);
                waiting.now(format!(
                    "{open} documents, {units} units without an answer, {assembling} documents being assembled"
                ));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The traffic has ended: what still stands here will not be answered in this run, nor what is claimed later.
    pub(super) fn abandon(&self) {
        let mut places = self.places();
        places.ended = true;
        places.units.clear();
    }
}

/// See [`Board::assembler`].
pub(super) struct Assembler(Arc<Board>);

impl Drop for Assembler {
    fn drop(&mut self) {
        self.0.places().assemblers -= 1;
    }
}

/// See [`Board::traffic`].
pub(super) struct TrafficEnd(Arc<Board>);

impl Drop for TrafficEnd {
    fn drop(&mut self) {
        self.0.abandon();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Generation, PendingDocument};
    use crate::values::SourcePath;

    fn job(doc: i64) -> Job {
        let sha = Fingerprint([doc as u8; 32]);
        Job {
            pending: PendingDocument { doc: DocId(doc), sha, generation: Generation::default(), aborts: 0 },
            path: SourcePath::from_text("book.epub"),
        }
    }

    fn unit(n: usize) -> Fingerprint {
        Fingerprint::of(&n.to_le_bytes())
    }

    /// True if the wait for the last document ends; the thread of one that does not is left behind.
    fn closes(board: &Arc<Board>) -> bool {
        let (told, heard) = crossbeam_channel::bounded(1);
        let board = Arc::clone(board);
        std::thread::spawn(move || {
            board.close_when_idle(&Signs::new(), || true);
            let _ = told.send(());
        });
        heard.recv_timeout(Duration::from_secs(20)).is_ok()
    }

    #[test]
    fn a_run_whose_traffic_ends_inside_any_claim_comes_to_its_end() {
        const UNITS: usize = 40;
        for last in 0..=UNITS {
            let (ready, _assembled) = crossbeam_channel::unbounded();
            let board = Arc::new(Board::new(ready));
            let _assembler = board.assembler();
            board.open(job(1));
            let mut mine = 0;
            for n in 0..UNITS {
                if n == last {
                    drop(board.traffic());
                }
                mine += usize::from(board.claim(unit(n), DocId(1), || Ok(false)).ok() == Some(Claim::Mine));
            }
            if last == UNITS {
                drop(board.traffic());
            }
            assert_eq!(mine, last, "a claim after the end is nobody's");
            assert!(closes(&board), "the traffic ended before claim {last}, and the run waits for ever");
        }
    }

    #[test]
    fn what_is_answered_is_settled_after_the_end_too() {
        let (ready, _assembled) = crossbeam_channel::unbounded();
        let board = Arc::new(Board::new(ready));
        drop(board.traffic());
        assert_eq!(board.claim(unit(1), DocId(1), || Ok(true)).ok(), Some(Claim::Settled));
    }

    #[test]
    fn a_panic_in_the_traffic_abandons_what_was_claimed() {
        let (ready, _assembled) = crossbeam_channel::unbounded();
        let board = Arc::new(Board::new(ready));
        board.open(job(1));
        assert_eq!(board.claim(unit(1), DocId(1), || Ok(false)).ok(), Some(Claim::Mine));
        let end = board.traffic();
        let panicked = std::thread::Builder::new().name("worker-test".into()).spawn(move || {
            let _end = end;
            panic!("the traffic fell over");
        });
        assert!(panicked.unwrap().join().is_err());
        assert!(closes(&board));
    }

    #[test]
    fn documents_that_no_assembler_is_left_for_are_not_waited_for() {
        let (ready, _assembled) = crossbeam_channel::unbounded();
        let board = Arc::new(Board::new(ready));
        let assembler = board.assembler();
        board.open(job(1));
        board.planned(DocId(1));
        drop((assembler, board.traffic()));
        assert!(closes(&board));
    }
}
