//! The one writer: takes checkpoints from all workers and commits them in groups.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rusqlite::{Connection, OptionalExtension, params};

use super::batches::{self, BatchRequest, BatchRow, BatchUpdate};
use super::paths::FileState;
use super::{Publication, Store, StoreError, durable};
use crate::values::{Cost, Event, Failure, Fingerprint, Gap, Phase, SourcePath, Stage, Usage};

/// A document's number in one store. It says nothing outside that store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId(pub i64);

/// An interned stage fingerprint's number in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FpId(pub i64);

/// What discovery learned of one input file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Where it is.
    pub path: SourcePath,
    /// What it is.
    pub state: FileState,
    /// Hash and length of its content, if it is a document that could be read.
    pub content: Option<(Fingerprint, u64)>,
    /// Size in bytes when it was looked at.
    pub size: u64,
    /// Modification time in nanoseconds since 1970 when it was looked at.
    pub mtime_ns: i64,
    /// Why it could not be read.
    pub failure: Option<Failure>,
    /// Number of the partial run that chose it, or 0.
    pub scope: i64,
}

/// A response of a provider before anybody has looked into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    /// Number of the response, given by the caller: one more than the largest.
    pub id: i64,
    /// Fingerprint of the question.
    pub question: FpId,
    /// The document that asked first.
    pub doc: DocId,
    /// Content keys of the units asked about, in order.
    pub units: Vec<Fingerprint>,
    /// Generation of the answers.
    pub generation: i64,
    /// Attempt, from 1.
    pub attempt: u32,
    /// The model that was asked for.
    pub model: String,
    /// The provider's name for the request.
    pub request_id: Option<String>,
    /// Estimated tokens.
    pub estimate: Usage,
    /// Milliseconds from sending to the last byte.
    pub latency_ms: i64,
    /// The body, compressed by [`super::compress`].
    pub raw: Vec<u8>,
}

/// One change to the store.
#[derive(Debug, Clone)]
pub enum Change {
    /// A file is new or changed.
    File(FileChange),
    /// A known, unchanged file was chosen by partial run `scope`.
    Choose {
        /// The file.
        path: SourcePath,
        /// Number of the run.
        scope: i64,
    },
    /// A known file is no longer there.
    Gone(SourcePath),
    /// The vocabulary file of a source is no longer where it was written.
    OutputLost(SourcePath),
    /// Output names for the files that have none: the candidates, best first, are a function of the path alone.
    NameOutputs(fn(&SourcePath) -> Vec<String>),
    /// A stage of a document is done.
    Done {
        /// Fingerprint of the stage.
        fp: FpId,
        /// The document.
        doc: DocId,
        /// Attempts it took.
        attempts: u32,
        /// Terms found.
        terms: u64,
        /// Things to know, one a line.
        notes: String,
        /// What the document lacks in it.
        gap: Option<Gap>,
        /// The encoded result.
        artifact: Vec<u8>,
    },
    /// A stage of a document failed.
    Failed {
        /// Fingerprint of the stage.
        fp: FpId,
        /// The document.
        doc: DocId,
        /// Attempts made.
        attempts: u32,
        /// Why.
        failure: Failure,
    },
    /// An answer to a unit; it supersedes older ones and destroys none.
    Answer {
        /// Fingerprint of the question.
        question: FpId,
        /// Content key of the unit.
        unit: Fingerprint,
        /// Generation, see the `answer` table.
        generation: i64,
        /// The encoded answer.
        answer: Vec<u8>,
        /// Number of the response that it came with.
        response: Option<i64>,
    },
    /// A response came.
    Response(Box<StoredResponse>),
    /// A response was looked into.
    Read {
        /// Its number.
        id: i64,
        /// What it was, in a word.
        outcome: &'static str,
        /// Tokens, if it told them.
        usage: Option<Usage>,
        /// What it cost, if the price is known.
        cost: Option<Cost>,
    },
    /// A request brought no answer although one may have been made, and billed.
    Lost {
        /// Fingerprint of the question.
        question: FpId,
        /// The document.
        doc: DocId,
        /// The model that was asked for.
        model: String,
        /// What happened.
        message: String,
        /// Tokens at most.
        most: Usage,
        /// Cost at most, if the price is known.
        cost: Option<Cost>,
    },
    /// A request belongs to a batch that is being planned.
    BatchRequest(FpId, Box<BatchRequest>),
    /// A batch is planned: all its requests are in the store, its payload is on the disk.
    BatchPlanned(Box<BatchRow>),
    /// Something became known of a batch.
    Batch(Box<BatchUpdate>),
    /// A request of a batch has its outcome; with a reason if it was not done.
    BatchSettled {
        /// Batch.
        batch: i64,
        /// Place in it.
        seq: i64,
        /// Why it was not done.
        undone: Option<String>,
    },
    /// A unit has used this much of its attempt budget.
    UnitTried {
        /// Fingerprint of the question.
        question: FpId,
        /// Content key of the unit.
        unit: Fingerprint,
        /// Of its budget, in all.
        attempts: u32,
        /// Whether its output budget is raised from now on.
        raised: bool,
    },
    /// A unit gets no answer.
    UnitFailed {
        /// Fingerprint of the question.
        question: FpId,
        /// Content key of the unit.
        unit: Fingerprint,
        /// Generation.
        generation: i64,
        /// Attempts made.
        attempts: u32,
        /// Why.
        failure: Failure,
    },
    /// A vocabulary file is complete as a temporary file: publish it, then remember it.
    Written {
        /// The source.
        path: SourcePath,
        /// Fingerprint of the write stage.
        fp: FpId,
        /// The document.
        doc: DocId,
        /// The file.
        publication: Publication,
        /// First 8 bytes of the SHA-256 of its bytes.
        sha: [u8; 8],
        /// Terms in it.
        terms: u64,
        /// Flagged terms in it.
        flagged: u64,
    },
    /// Writing a vocabulary file failed.
    WriteFailed {
        /// The source.
        path: SourcePath,
        /// Attempts made.
        attempts: u32,
        /// Why.
        failure: Failure,
    },
}

/// Changes that become durable together, and what may happen once they are.
#[derive(Default)]
pub struct Checkpoint {
    /// Applied in order, in one transaction.
    pub changes: Vec<Change>,
    /// Sent on after the commit.
    pub events: Vec<Event>,
    /// Run after the commit, on the writer's thread: it must not wait for the writer.
    pub after: Option<Box<dyn FnOnce() + Send>>,
}

impl Checkpoint {
    /// A checkpoint that tells events.
    pub fn new(changes: Vec<Change>, events: Vec<Event>) -> Self {
        Self { changes, events, after: None }
    }
}

/// A group is committed when its first row is this old ...
const GROUP_AGE: Duration = Duration::from_millis(100);
/// ... or when it holds this many rows.
const GROUP_ROWS: usize = 256;

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
    commits: std::sync::atomic::AtomicU64,
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
        let mut group = Group { db, file: store.database(), now_ms, shared: Arc::clone(&shared), on_commit };
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
        wait.recv().map_err(|_| StoreError::Stopped)
    }

    /// Whether an error has stopped the writer.
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
        self.sender.as_ref().ok_or(StoreError::Stopped)?.send(message).map_err(|_| StoreError::Stopped)
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
    db: Connection,
    file: PathBuf,
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
        let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    fn commit(&mut self, checkpoints: Vec<Checkpoint>) -> Result<(), StoreError> {
        let published: Vec<&Publication> = checkpoints
            .iter()
            .flat_map(|c| &c.changes)
            .filter_map(|c| if let Change::Written { publication, .. } = c { Some(publication) } else { None })
            .collect();
        let mut published = durable::publish(&published).into_iter();
        let file = self.file.clone();
        let sql = |e| StoreError::from_sqlite(&file, e);
        let now = (self.now_ms)();
        let transaction = self.db.transaction().map_err(sql)?;
        let mut events = Vec::new();
        let mut after = Vec::new();
        for mut checkpoint in checkpoints {
            for change in checkpoint.changes {
                let change = match (change, &mut published) {
                    (Change::Written { path, publication, .. }, results)
                        if results.as_slice().first().is_some_and(Result::is_err) =>
                    {
                        let error = results.next().and_then(Result::err).expect("just looked at");
                        if error.kind() == std::io::ErrorKind::StorageFull {
                            return Err(StoreError::Full { file: publication.target });
                        }
                        let failure = Failure::new(
                            crate::values::FailureKind::Io,
                            format!("cannot put the file '{}' in its place: {error}", publication.target.display()),
                        );
                        fail_event(&mut checkpoint.events, &path, &failure);
                        Change::WriteFailed { path, attempts: 1, failure }
                    }
                    (change @ Change::Written { .. }, results) => {
                        results.next();
                        change
                    }
                    (change, _) => change,
                };
                apply(&transaction, change, now).map_err(sql)?;
            }
            events.append(&mut checkpoint.events);
            after.extend(checkpoint.after);
        }
        transaction.commit().map_err(sql)?;
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        (self.on_commit)(events);
        after.into_iter().for_each(|run| run());
        Ok(())
    }
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

/// `id = fp << 48 | doc << 16 | part`: a stage appends in order, and one document's parts stand together.
pub(super) fn artifact_id(fp: FpId, doc: DocId) -> i64 {
    fp.0 << 48 | doc.0 << 16
}

fn apply(db: &Connection, change: Change, now: i64) -> rusqlite::Result<()> {
    match change {
        Change::File(change) => apply_file(db, &change),
        Change::Choose { path, scope } => choose(db, path.as_str(), scope),
        Change::Gone(path) => release(db, path.as_str(), FileState::Gone),
        Change::OutputLost(path) => db
            .prepare_cached("UPDATE file SET written_fp = NULL, written_doc = NULL WHERE path = ?1")?
            .execute([path.as_str()])
            .map(drop),
        Change::NameOutputs(candidates) => name_outputs(db, candidates),
        Change::Done { fp, doc, attempts, terms, notes, gap, artifact } => {
            let mut put = db.prepare_cached("INSERT OR REPLACE INTO art (id, z) VALUES (?1, ?2)")?;
            put.execute(params![artifact_id(fp, doc), artifact])?;
            let notes = (!notes.is_empty()).then_some(notes);
            db.prepare_cached(
                "INSERT INTO done (fp, doc, state, attempts, terms, kind, message, at_ms) VALUES (?1, ?2, 1, ?3, ?4, ?7, ?5, ?6)
                 ON CONFLICT (fp, doc) DO UPDATE SET state=1, attempts=?3, terms=?4, kind=?7, message=?5, at_ms=?6",
            )?
            .execute(params![fp.0, doc.0, attempts, terms.cast_signed(), notes, now, gap.map(Gap::name)])
            .map(drop)
        }
        Change::Failed { fp, doc, attempts, failure } => db
            .prepare_cached(
                "INSERT INTO done (fp, doc, state, attempts, kind, message, at_ms) VALUES (?1, ?2, 2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (fp, doc) DO UPDATE SET state=2, attempts=?3, kind=?4, message=?5, at_ms=?6",
            )?
            .execute(params![fp.0, doc.0, attempts, failure.kind.name(), failure.message, now])
            .map(drop),
        Change::Answer { question, unit, generation, answer, response } => {
            db.prepare_cached("INSERT OR IGNORE INTO unit (sha) VALUES (?1)")?.execute([&unit.0])?;
            db.prepare_cached(
                "INSERT OR IGNORE INTO answer (fp, unit, generation, at_ms, z, response)
                 SELECT ?1, id, ?3, ?4, ?5, ?6 FROM unit WHERE sha = ?2",
            )?
            .execute(params![question.0, unit.0, generation, now, answer, response])
            .map(drop)
        }
        Change::Response(response) => apply_response(db, &response, now),
        Change::Read { id, outcome, usage, cost } => {
            let cost = cost.map(|c| c.0);
            match usage {
                Some(u) => db
                    .prepare_cached(
                        "UPDATE response SET state=1, outcome=?2, cost=?3, told=1, input=?4, cache_read=?5, cache_write_5m=?6,
                                cache_write_1h=?7, output=?8 WHERE id=?1",
                    )?
                    .execute(params![
                        id,
                        outcome,
                        cost,
                        u.input.cast_signed(),
                        u.cache_read.cast_signed(),
                        u.cache_write_5m.cast_signed(),
                        u.cache_write_1h.cast_signed(),
                        u.output.cast_signed()
                    ]),
                None => db
                    .prepare_cached("UPDATE response SET state=1, outcome=?2, cost=?3 WHERE id=?1")?
                    .execute(params![id, outcome, cost]),
            }
            .map(drop)
        }
        Change::Lost { question, doc, model, message, most, cost } => db
            .prepare_cached(
                "INSERT INTO lost (fp, doc, model, message, input, output, cost, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                question.0,
                doc.0,
                model,
                message,
                most.prompt().cast_signed(),
                most.output.cast_signed(),
                cost.map(|c| c.0),
                now
            ])
            .map(drop),
        Change::BatchRequest(question, request) => batches::add_request(db, question, &request),
        Change::BatchPlanned(row) => batches::plan(db, &row, now),
        Change::Batch(update) => batches::update(db, &update, now),
        Change::BatchSettled { batch, seq, undone } => batches::settle(db, batch, seq, undone.as_deref()),
        Change::UnitTried { question, unit, attempts, raised } => batches::spend(db, question, &unit, attempts, raised),
        Change::UnitFailed { question, unit, generation, attempts, failure } => {
            db.prepare_cached("INSERT OR IGNORE INTO unit (sha) VALUES (?1)")?.execute([&unit.0])?;
            db.prepare_cached(
                "INSERT OR REPLACE INTO unit_failure (fp, unit, generation, kind, message, attempts, at_ms)
                 SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM unit WHERE sha = ?2",
            )?
            .execute(params![question.0, unit.0, generation, failure.kind.name(), failure.message, attempts, now])
            .map(drop)
        }
        Change::Written { path, fp, doc, sha, terms, flagged, .. } => {
            db.prepare_cached(
                "UPDATE file SET written_fp=?2, written_doc=?3, written_sha=?4, terms=?5, flagged=?6,
                        fail_kind=NULL, fail_message=NULL, attempts=0 WHERE path=?1",
            )?
            .execute(params![path.as_str(), fp.0, doc.0, sha, terms.cast_signed(), flagged.cast_signed()])?;
            db.prepare_cached("DELETE FROM orphan WHERE output = (SELECT output FROM file WHERE path=?1)")?
                .execute([path.as_str()])
                .map(drop)
        }
        Change::WriteFailed { path, attempts, failure } => db
            .prepare_cached(
                "UPDATE file SET written_fp=NULL, written_doc=NULL, fail_kind=?2, fail_message=?3, attempts=?4 WHERE path=?1",
            )?
            .execute(params![path.as_str(), failure.kind.name(), failure.message, attempts])
            .map(drop),
    }
}

fn apply_response(db: &Connection, response: &StoredResponse, now: i64) -> rusqlite::Result<()> {
    let units: Vec<u8> = response.units.iter().flat_map(|u| u.0).collect();
    db.prepare_cached(
        "INSERT INTO response (id, fp, doc, units, generation, state, attempt, model, request_id, estimated, input, output, latency_ms, at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        response.id,
        response.question.0,
        response.doc.0,
        units,
        response.generation,
        response.attempt,
        response.model,
        response.request_id,
        response.estimate.prompt().cast_signed(),
        response.estimate.output.cast_signed(),
        response.latency_ms,
        now
    ])?;
    db.prepare_cached("INSERT INTO raw (id, z) VALUES (?1, ?2)")?.execute(params![response.id, response.raw]).map(drop)
}

fn apply_file(db: &Connection, change: &FileChange) -> rusqlite::Result<()> {
    let path = change.path.as_str();
    let doc = match &change.content {
        None => None,
        Some((sha, bytes)) => {
            db.prepare_cached("INSERT OR IGNORE INTO doc (sha, bytes) VALUES (?1, ?2)")?
                .execute(params![sha.0, bytes.cast_signed()])?;
            let mut find = db.prepare_cached("SELECT id FROM doc WHERE sha = ?1")?;
            Some(find.query_row([&sha.0], |r| r.get::<_, i64>(0))?)
        }
    };
    let old: Option<(i64, Option<i64>)> = db
        .prepare_cached("SELECT state, doc FROM file WHERE path = ?1")?
        .query_row([path], |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    if change.state != FileState::Present {
        release(db, path, change.state)?;
    }
    let (kind, message) = change.failure.as_ref().map_or((None, None), |f| (Some(f.kind.name()), Some(&f.message)));
    db.prepare_cached(
        "INSERT INTO file (path, state, doc, size, mtime_ns, fail_kind, fail_message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (path) DO UPDATE SET state=?2, doc=?3, size=?4, mtime_ns=?5, fail_kind=?6, fail_message=?7, attempts=0",
    )?
    .execute(params![path, change.state as i64, doc, change.size.cast_signed(), change.mtime_ns, kind, message])?;
    let held = old.filter(|&(state, _)| state == FileState::Present as i64).and_then(|(_, doc)| doc);
    let holds = doc.filter(|_| change.state == FileState::Present);
    if held != holds {
        // release() has already let go of a document when the file stopped being one.
        if change.state == FileState::Present {
            count_live(db, held, -1)?;
        }
        count_live(db, holds, 1)?;
    }
    if change.scope != 0 { choose(db, path, change.scope) } else { Ok(()) }
}

fn count_live(db: &Connection, doc: Option<i64>, by: i64) -> rusqlite::Result<()> {
    match doc {
        Some(doc) => {
            db.prepare_cached("UPDATE doc SET live = live + ?2 WHERE id = ?1")?.execute(params![doc, by]).map(drop)
        }
        None => Ok(()),
    }
}

fn choose(db: &Connection, path: &str, scope: i64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE file SET scope = ?2 WHERE path = ?1")?.execute(params![path, scope])?;
    db.prepare_cached("UPDATE doc SET scope = ?2 WHERE id = (SELECT doc FROM file WHERE path = ?1)")?
        .execute(params![path, scope])
        .map(drop)
}

/// A file stops being a present document: its output becomes an orphan and its name is free again.
fn release(db: &Connection, path: &str, state: FileState) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO orphan (output, sha)
         SELECT output, written_sha FROM file WHERE path = ?1 AND output IS NOT NULL AND written_sha IS NOT NULL",
    )?
    .execute([path])?;
    db.prepare_cached(
        "UPDATE doc SET live = live - 1 WHERE id = (SELECT doc FROM file WHERE path = ?1 AND state = 0)",
    )?
    .execute([path])?;
    db.prepare_cached(
        "UPDATE file SET state=?2, output=NULL, output_key=NULL, written_fp=NULL, written_doc=NULL, written_sha=NULL,
                terms=0, flagged=0 WHERE path = ?1",
    )?
    .execute(params![path, state as i64])
    .map(drop)
}

fn name_outputs(db: &Connection, candidates: fn(&SourcePath) -> Vec<String>) -> rusqlite::Result<()> {
    let next = "SELECT path FROM file WHERE state = 0 AND output IS NULL ORDER BY path LIMIT 1";
    while let Some(path) = db.prepare_cached(next)?.query_row([], |r| r.get::<_, String>(0)).optional()? {
        for name in candidates(&SourcePath::from_text(path.as_str())) {
            let named = db
                .prepare_cached("UPDATE OR IGNORE file SET output = ?2, output_key = ?3 WHERE path = ?1")?
                .execute(params![path, name, name.to_lowercase()])?;
            if named == 1 {
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
impl Writer {
    /// Ends the thread as a kill would: what is not committed by now is lost.
    pub(crate) fn kill(mut self) {
        self.shared.failed.store(true, Ordering::Relaxed);
        self.stop();
    }
}
