//! Single writer of the store: takes checkpoints from all workers and commits them in groups.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, bounded};

use super::change::{Change, Checkpoint};
use super::database::Database;
use super::files::{self, FileState};
use super::{Disk, Publication, Store, StoreError, answers, batches, durable, ledger, results};
use crate::values::{Event, Failure, FailureKind, Phase, SourcePath, Stage};

/// A group is committed when its first row is this old ...
const GROUP_AGE: Duration = Duration::from_millis(100);
/// ... or when it holds this many rows.
const GROUP_ROWS: usize = 256;

/// Time between two looks whether the writer's thread is still there, while it is waited for: a run whose disk filled up was once seen
/// to wait for an answer of a thread that had ended.
const LOOK_AFTER_THREAD: Duration = Duration::from_millis(200);

enum Message {
    Checkpoint(Checkpoint),
    /// Commit now and answer.
    Flush(Sender<()>),
}

/// Handle to the writer thread. Dropping it commits what is pending and ends the thread.
pub struct Writer {
    sender: Option<Sender<Message>>,
    thread: Option<std::thread::JoinHandle<()>>,
    shared: Arc<Shared>,
}

struct Shared {
    failed: AtomicBool,
    error: Mutex<Option<StoreError>>,
    commits: AtomicU64,
}

impl Writer {
    /// Starts the writer of a store. `now_ms` gives Unix milliseconds; `on_commit` gets the events of each
    /// committed group, on the writer's thread.
    ///
    /// # Errors
    /// If the database cannot be opened for writing.
    pub fn start(
        store: &Store,
        now_ms: fn() -> i64,
        on_commit: impl FnMut(Vec<Event>) + Send + 'static,
    ) -> Result<Self, StoreError> {
        let db = store.write_connection()?;
        let shared = Arc::new(Shared { failed: AtomicBool::new(false), error: Mutex::new(None), commits: 0.into() });
        // Small: memory is bounded by the documents in flight, and a full queue is the backpressure on workers.
        let (sender, receiver) = bounded(16);
        let mut group = Group { db, disk: Arc::clone(store.disk()), now_ms, shared: Arc::clone(&shared), on_commit };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || group.run(&receiver))
            .map_err(|e| StoreError::from_io("start the writer of", &store.database(), e))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), shared })
    }

    /// Hands over a checkpoint. Waits while the queue is full. It is durable only when its events arrive.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] after the writer has failed; [`Writer::finish`] tells why.
    pub fn submit(&self, checkpoint: Checkpoint) -> Result<(), StoreError> {
        self.send(Message::Checkpoint(checkpoint))
    }

    /// Waits until everything submitted so far is committed.
    ///
    /// # Errors
    /// As [`Writer::submit`].
    pub fn flush(&self) -> Result<(), StoreError> {
        let (done, wait) = bounded(1);
        self.send(Message::Flush(done))?;
        loop {
            match wait.recv_timeout(LOOK_AFTER_THREAD) {
                Ok(()) => return Ok(()),
                Err(RecvTimeoutError::Timeout) if !self.has_ended() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(StoreError::Stopped),
            }
        }
    }

    /// True once the thread is over: then nobody answers any more, whatever still stands in the queue.
    fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(std::thread::JoinHandle::is_finished)
    }

    /// Test whether an error has stopped the writer.
    pub fn has_failed(&self) -> bool {
        self.shared.failed.load(Ordering::Relaxed)
    }

    /// Transactions committed so far.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Commits what is pending, ends the thread and reports the first error it met.
    ///
    /// # Errors
    /// The error that stopped the writer.
    pub fn finish(mut self) -> Result<u64, StoreError> {
        self.stop();
        match self.shared.error.lock().expect("the lock is never held across a panic").take() {
            Some(error) => Err(error),
            None => Ok(self.commits()),
        }
    }

    fn send(&self, message: Message) -> Result<(), StoreError> {
        if self.has_failed() {
            return Err(StoreError::Stopped);
        }
        let sender = self.sender.as_ref().ok_or(StoreError::Stopped)?;
        let mut waiting = message;
        loop {
            match sender.send_timeout(waiting, LOOK_AFTER_THREAD) {
                Ok(()) => return Ok(()),
                Err(SendTimeoutError::Timeout(message)) if !self.has_ended() => waiting = message,
                Err(SendTimeoutError::Timeout(_) | SendTimeoutError::Disconnected(_)) => {
                    return Err(StoreError::Stopped);
                }
            }
        }
    }

    fn stop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Group<F> {
    db: Database,
    disk: Arc<dyn Disk>,
    now_ms: fn() -> i64,
    shared: Arc<Shared>,
    on_commit: F,
}

impl<F: FnMut(Vec<Event>)> Group<F> {
    fn run(&mut self, receiver: &Receiver<Message>) {
        while let Ok(first) = receiver.recv() {
            let mut checkpoints = Vec::new();
            let mut flush = None;
            let mut rows = 0;
            let mut take = |message| match message {
                Message::Checkpoint(c) => {
                    rows += c.changes.len();
                    checkpoints.push(c);
                    rows < GROUP_ROWS
                }
                Message::Flush(done) => {
                    flush = Some(done);
                    false
                }
            };
            let deadline = Instant::now() + GROUP_AGE;
            let mut more = take(first);
            while more {
                more = match receiver.recv_deadline(deadline) {
                    Ok(message) => take(message),
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
                };
            }
            // Nothing is committed after a failure.
            if self.shared.failed.load(Ordering::Relaxed) {
                return;
            }
            if !checkpoints.is_empty()
                && let Err(error) = self.commit(checkpoints)
            {
                self.shared.error.lock().expect("the lock is never held across a panic").get_or_insert(error);
                self.shared.failed.store(true, Ordering::Relaxed);
                return; // dropping the receiver wakes every sender
            }
            if let Some(done) = flush {
                let _ = done.send(());
            }
        }
        // The write-ahead log is folded back while nobody reads: an open reader lets it grow.
        let _ = self.db.script("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Publishes what the group has written, commits the group, then tells of it: in this order.
    fn commit(&mut self, mut checkpoints: Vec<Checkpoint>) -> Result<(), StoreError> {
        publish(&*self.disk, &mut checkpoints)?;
        let now = (self.now_ms)();
        let mut events = Vec::new();
        let mut after = Vec::new();
        self.db.transaction(|| {
            for checkpoint in checkpoints {
                checkpoint.changes.into_iter().try_for_each(|change| apply(&self.db, change, now))?;
                events.extend(checkpoint.events);
                after.extend(checkpoint.after);
            }
            Ok(())
        })?;
        self.disk.committed();
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        (self.on_commit)(events);
        after.into_iter().for_each(|run| run());
        Ok(())
    }
}

/// Puts the vocabulary files of a group into their places. A place that cannot be used is a failure of its source, not of the
/// run; a disk that fails, or is full, ends the run.
fn publish(disk: &dyn Disk, checkpoints: &mut [Checkpoint]) -> Result<(), StoreError> {
    let group: Vec<&Publication> = checkpoints
        .iter()
        .flat_map(|checkpoint| &checkpoint.changes)
        .filter_map(|change| if let Change::Written { publication, .. } = change { Some(publication) } else { None })
        .collect();
    let mut results = durable::publish(disk, &group).into_iter();
    for Checkpoint { changes, events, .. } in checkpoints {
        for change in changes {
            let Change::Written { path, publication, .. } = change else { continue };
            let Some(Err(error)) = results.next() else { continue };
            let error = match StoreError::of_disk("put in its place", &publication.target, error) {
                Ok(error) => return Err(error),
                Err(of_the_place) => of_the_place,
            };
            let message = format!("cannot put the file '{}' in its place: {error}", publication.target.display());
            let failure = Failure::new(FailureKind::Io, message);
            fail_event(events, path, &failure);
            *change = Change::WriteFailed { path: path.clone(), attempts: 1, failure };
        }
    }
    Ok(())
}

/// Turns the event "done" of a file that could not be published into "failed".
fn fail_event(events: &mut [Event], failed: &SourcePath, failure: &Failure) {
    for event in events {
        if let Event::DocumentDone { stage: Phase::Stage(Stage::Write), document, path, .. } = event
            && path == failed
        {
            *event = Event::DocumentFailed {
                stage: Stage::Write.into(),
                document: std::mem::take(document),
                path: failed.clone(),
                kind: failure.kind,
                message: failure.message.clone(),
                attempt: 1,
            };
        }
    }
}

fn apply(db: &Database, change: Change, now: i64) -> Result<(), StoreError> {
    match change {
        Change::File(change) => files::record(db, &change),
        Change::Choose { path, scope } => files::choose(db, path.as_str(), scope),
        Change::Identified { path, identity } => files::identify(db, &path, identity),
        Change::Gone(path) => files::release(db, path.as_str(), FileState::Gone),
        Change::OutputLost(path) => files::output_lost(db, &path),
        Change::NameOutputs(candidates) => files::name_outputs(db, candidates),
        Change::Done { fp, doc, attempts, terms, notes, gap, artifact } => {
            let done = results::Done { fp, doc, attempts, terms, notes: &notes, gap, artifact: &artifact };
            results::done(db, &done, now)
        }
        Change::Remake { fps, doc } => results::remake(db, &fps, doc, now),
        Change::Failed { fp, doc, attempts, failure } => results::failed(db, fp, doc, attempts, &failure, now),
        Change::Answer { question, unit, generation, answer, response } => {
            answers::answer(db, question, &unit, generation, &answer, response, now)
        }
        Change::Response(response) => ledger::store(db, &response, now),
        Change::Read { id, outcome, usage, cost, answered_by } => {
            ledger::read(db, id, outcome, usage, cost, answered_by.as_deref())
        }
        Change::Lost { question, doc, model, message, most, cost, batch } => {
            ledger::lost(db, &ledger::Lost { question, doc, model: &model, message: &message, most, cost, batch }, now)
        }
        Change::BatchRequest(question, request) => batches::add_request(db, question, &request),
        Change::BatchPlanned(row) => batches::plan(db, &row, now),
        Change::Batch(update) => batches::update(db, &update, now),
        Change::BatchSettled { batch, seq, undone } => batches::settle(db, batch, seq, undone.as_deref()),
        Change::UnitTried { question, unit, attempts, raised } => answers::tried(db, question, &unit, attempts, raised),
        Change::UnitFailed { question, unit, generation, attempts, failure } => {
            answers::failed(db, question, &unit, generation, attempts, &failure, now)
        }
        Change::Written { path, fp, doc, sha, bytes, terms, flagged, .. } => {
            files::written(db, &files::Written { path: &path, fp, doc, sha, bytes, terms, flagged })
        }
        Change::WriteFailed { path, attempts, failure } => files::write_failed(db, &path, attempts, &failure),
    }
}

#[cfg(test)]
impl Writer {
    /// Ends the thread as a kill would: what is not committed by now is lost.
    pub(crate) fn kill(mut self) {
        self.shared.failed.store(true, Ordering::Relaxed);
        self.stop();
    }
}
