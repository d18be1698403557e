//! Staged mode: all documents through one stage before the next begins.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::RunError;
use super::documents::{self, Generations, Trouble, WrittenFile, attempts};
use super::drive::drive;
use super::run::Run;
use super::worker::{ParseWorker, Position};
use crate::store::{self, Change, Checkpoint, DocId, FpId, PendingDocument, PendingFile, Reader, StoreError};
use crate::values::{Chunk, Event, Extraction, Failure, Fingerprint, Gap, ParsedDocument, SourcePath, Stage};

/// Rows read from the store at a time by a feeder.
const PAGE: usize = 256;

/// Writing waits for the disk: each file is synced, and syncs that overlap share the disk's work.
const WRITERS_PER_WORKER: usize = 4;

/// More files than this at once gain nothing.
const MOST_WRITERS: usize = 32;

/// A document that takes longer than this has its progress told.
const LONG: Duration = Duration::from_secs(1);

/// A document on its way through a stage.
pub(super) struct Job {
    pub(super) pending: PendingDocument,
    pub(super) path: SourcePath,
}

/// Sends every pending document of a stage to `send`, until that says stop.
pub(super) fn feed_documents(
    run: &Run<'_>,
    parent: Option<FpId>,
    fp: FpId,
    send: &mut dyn FnMut(Job) -> bool,
) -> Result<(), RunError> {
    let reader = run.store.reader()?;
    let mut after = DocId(0);
    loop {
        let page = reader.pending(parent, fp, run.scope, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.doc;
        for pending in page {
            let Some(path) = reader.path_of(pending.doc)? else { continue };
            if !send(Job { pending, path }) {
                return Ok(());
            }
        }
    }
}

/// Whether the stages before one are finished, and what it sends on when it is: stages that run at the same time follow each
/// other with it.
#[derive(Default)]
pub(super) struct Upstream(AtomicBool);

impl Upstream {
    /// What stands before a stage whose work is all there when it begins.
    pub(super) fn finished() -> Self {
        Self(AtomicBool::new(true))
    }

    /// Guard whose end says that nothing more will come: also when what stands before breaks off with an error or a panic.
    pub(super) fn finishes_with(&self) -> impl Drop + '_ {
        Finishing(self)
    }

    fn is_finished(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

struct Finishing<'a>(&'a Upstream);

impl Drop for Finishing<'_> {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Release);
    }
}

/// Least time between two looks for documents that have become ready.
const LOOK_EACH: Duration = Duration::from_millis(50);

/// As [`feed_documents`], but goes on looking until the stages before this one are finished. A document is sent once.
pub(super) fn follow_documents(
    run: &Run<'_>,
    parent: Option<FpId>,
    fp: FpId,
    upstream: &Upstream,
    send: &mut dyn FnMut(Job) -> bool,
) -> Result<(), RunError> {
    // Documents that were sent and still look as if they had to be done: those that are on their way.
    let mut under_way: HashSet<DocId> = HashSet::new();
    loop {
        let last_look = upstream.is_finished();
        let started = Instant::now();
        let mut still = HashSet::new();
        let mut stopped = false;
        let mut sending = Duration::ZERO;
        feed_documents(run, parent, fp, &mut |job| {
            let doc = job.pending.doc;
            still.insert(doc);
            if !under_way.contains(&doc) {
                let began = Instant::now();
                stopped = !send(job);
                sending += began.elapsed();
            }
            !stopped
        })?;
        if stopped || last_look || run.is_stopping() {
            return Ok(());
        }
        under_way = still;
        // A look at a million documents takes a second: looking must not become the work.
        let looking = started.elapsed().saturating_sub(sending);
        let until = Instant::now() + LOOK_EACH.max(looking * 10);
        while Instant::now() < until && !run.is_stopping() {
            std::thread::sleep(LOOK_EACH);
        }
    }
}

pub(super) fn parse(run: &Run<'_>) -> Result<(), RunError> {
    let fp = run.fps.parse;
    drive(
        run.workers,
        &|| run.is_stopping(),
        |send| feed_documents(run, None, fp, send),
        || Ok(ParseWorker::new(&run.parse_program)),
        |worker, job: Job| {
            checkpoint(run, Stage::Parse, fp, &job, || {
                let about = About { stage: Stage::Parse, sha: &job.pending.sha, path: &job.path };
                let parsed = worker.parse(&run.file_of(&job.path), &job.pending.sha, &mut about.progress(run))?;
                Ok(Made { artifact: parsed.artifact, notes: parsed.notes, gap: parsed.gap, ..Made::default() })
            })
        },
    )
}

pub(super) fn chunk(run: &Run<'_>, upstream: &Upstream) -> Result<(), RunError> {
    let (parse, fp) = (run.fps.parse, run.fps.chunk);
    drive(
        run.workers,
        &|| run.is_stopping(),
        |send| follow_documents(run, Some(parse), fp, upstream, send),
        || Ok(run.store.reader()?),
        |reader: &mut Reader, job: Job| {
            checkpoint(run, Stage::Chunk, fp, &job, || {
                let document: ParsedDocument = reader.artifact(parse, job.pending.doc)?;
                let chunks = documents::chunks(&document, run.pipeline.chunk);
                Ok(Made { artifact: store::encode(&chunks), ..Made::default() })
            })
        },
    )
}

/// `extract` with the embedded provider.
pub(super) fn extract(run: &Run<'_>) -> Result<(), RunError> {
    let (parse, chunk, fp) = (run.fps.parse, run.fps.chunk, run.fps.extract);
    drive(
        run.workers,
        &|| run.is_stopping(),
        |send| feed_documents(run, Some(chunk), fp, send),
        || Ok(run.store.reader()?),
        |reader: &mut Reader, job: Job| {
            checkpoint(run, Stage::Extract, fp, &job, || {
                let document: ParsedDocument = reader.artifact(parse, job.pending.doc)?;
                let chunks: Vec<Chunk> = reader.artifact(chunk, job.pending.doc)?;
                let generations = Generations { accepted: job.pending.generation, current: run.generation };
                let made = documents::extract(&run.pipeline, run.question, reader, &document, &chunks, generations)?;
                Ok(Made {
                    terms: made.extraction.items.len() as u64,
                    artifact: store::encode(&made.extraction),
                    answers: made.answers,
                    notes: made.notes,
                    ..Made::default()
                })
            })
        },
    )
}

pub(super) fn write(run: &Run<'_>) -> Result<(), RunError> {
    let (parse, extract, fp) = (run.fps.parse, run.fps.extract, run.fps.write);
    let feed = |send: &mut dyn FnMut(PendingFile) -> bool| -> Result<(), RunError> {
        let reader = run.store.reader()?;
        let mut after = String::new();
        loop {
            let page = reader.files_to_write(extract, fp, run.scope, &after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            last.path.as_str().clone_into(&mut after);
            for file in page {
                if !send(file) {
                    return Ok(());
                }
            }
        }
    };
    drive(
        (WRITERS_PER_WORKER * run.workers).min(MOST_WRITERS),
        &|| run.is_stopping(),
        feed,
        || Ok(run.store.reader()?),
        |reader: &mut Reader, file: PendingFile| {
            let about = About { stage: Stage::Write, sha: &file.sha, path: &file.path };
            about.started(run);
            let started = Instant::now();
            let attempt = || {
                let document: ParsedDocument = reader.artifact(parse, file.doc)?;
                let extraction: Extraction = reader.artifact(extract, file.doc)?;
                documents::write_file(&run.places, fp, &file, &document, &extraction)
            };
            let (outcome, attempts) = attempts(attempt, |failure| about.retried(run, failure))?;
            let checkpoint = match outcome {
                Ok(written) => {
                    let event = about.written(&written, started);
                    Checkpoint::new(vec![written.change], vec![event])
                }
                Err(failure) => {
                    let event = about.failed(&failure, attempts);
                    Checkpoint::new(
                        vec![Change::WriteFailed { path: file.path.clone(), attempts, failure }],
                        vec![event],
                    )
                }
            };
            Ok(run.writer.submit(checkpoint)?)
        },
    )
}

/// What a stage made of a document.
#[derive(Default)]
pub(super) struct Made {
    pub(super) artifact: Vec<u8>,
    pub(super) terms: u64,
    pub(super) notes: Vec<String>,
    /// What the document lacks.
    pub(super) gap: Option<Gap>,
    /// New answers, to be committed with it.
    pub(super) answers: Vec<Change>,
}

/// Runs a stage of a document with a second attempt where that may help, and hands the result or the failure to
/// the writer.
fn checkpoint(
    run: &Run<'_>,
    stage: Stage,
    fp: FpId,
    job: &Job,
    attempt: impl FnMut() -> Result<Made, Trouble>,
) -> Result<(), RunError> {
    let about = About { stage, sha: &job.pending.sha, path: &job.path };
    about.started(run);
    let started = Instant::now();
    let (outcome, attempts) = attempts(attempt, |failure| about.retried(run, failure))?;
    settle(run, about, fp, job.pending.doc, outcome, attempts, started)
}

/// Hands a stage's result of a document, or its failure, to the writer.
pub(super) fn settle(
    run: &Run<'_>,
    about: About<'_>,
    fp: FpId,
    doc: DocId,
    outcome: Result<Made, Failure>,
    attempts: u32,
    started: Instant,
) -> Result<(), RunError> {
    let checkpoint = match outcome {
        Ok(made) => {
            let mut changes = made.answers;
            let notes = made.notes.join("\n");
            let (terms, gap, artifact) = (made.terms, made.gap, made.artifact);
            changes.push(Change::Done { fp, doc, attempts, terms, notes, gap, artifact });
            Checkpoint::new(changes, vec![about.done(made.terms, started, made.notes)])
        }
        Err(failure) => {
            let event = about.failed(&failure, attempts);
            Checkpoint::new(vec![Change::Failed { fp, doc, attempts, failure }], vec![event])
        }
    };
    run.writer.submit(checkpoint).map_err(|e: StoreError| e.into())
}

/// Which stage of which document an event is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) stage: Stage,
    pub(super) sha: &'a Fingerprint,
    pub(super) path: &'a SourcePath,
}

impl About<'_> {
    fn document(&self) -> String {
        self.sha.hex()[..12].to_owned()
    }

    pub(super) fn started(&self, run: &Run<'_>) {
        run.emit(Event::DocumentStarted { stage: self.stage, document: self.document(), path: self.path.clone() });
    }

    /// Tells of the progress of a document that takes long.
    pub(super) fn progress(self, run: &Run<'_>) -> impl FnMut(Position) {
        let started = Instant::now();
        move |at| {
            if started.elapsed() >= LONG {
                run.emit(Event::DocumentProgress {
                    stage: self.stage,
                    document: self.document(),
                    path: self.path.clone(),
                    section: at.section,
                    done: at.done,
                    total: at.total,
                });
            }
        }
    }

    pub(super) fn retried(&self, run: &Run<'_>, failure: &Failure) {
        run.emit(Event::DocumentRetried {
            stage: self.stage,
            document: self.document(),
            path: self.path.clone(),
            kind: failure.kind,
            message: failure.message.clone(),
            attempt: 1,
        });
    }

    pub(super) fn done(&self, terms: u64, started: Instant, notes: Vec<String>) -> Event {
        self.finished(terms, 0, started, notes)
    }

    pub(super) fn written(&self, file: &WrittenFile, started: Instant) -> Event {
        self.finished(file.terms, file.flagged, started, Vec::new())
    }

    fn finished(&self, terms: u64, flagged: u64, started: Instant, notes: Vec<String>) -> Event {
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Event::DocumentDone {
            stage: self.stage,
            document: self.document(),
            path: self.path.clone(),
            terms,
            flagged,
            millis,
            notes,
        }
    }

    pub(super) fn failed(&self, failure: &Failure, attempt: u32) -> Event {
        Event::DocumentFailed {
            stage: self.stage,
            document: self.document(),
            path: self.path.clone(),
            kind: failure.kind,
            message: failure.message.clone(),
            attempt,
        }
    }
}
