//! Staged mode: all documents through one stage before the next begins.

use std::time::Instant;

use super::RunError;
use super::documents::{self, Generations, Trouble, attempts};
use super::drive::drive;
use super::run::Run;
use super::worker::ParseWorker;
use crate::store::{self, Change, Checkpoint, DocId, FpId, PendingDocument, PendingFile, Reader, StoreError};
use crate::values::{Chunk, Event, Extraction, Failure, Fingerprint, ParsedDocument, SourcePath, Stage};

/// Rows read from the store at a time by a feeder.
const PAGE: usize = 256;

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

pub(super) fn parse(run: &Run<'_>) -> Result<(), RunError> {
    let fp = run.fps.parse;
    drive(
        run.workers,
        run.cancel,
        |send| feed_documents(run, None, fp, send),
        || Ok(ParseWorker::new(run.parse_program.clone(), run.parse_limits)),
        |worker, job: Job| {
            checkpoint(run, Stage::Parse, fp, &job, || {
                let parsed = worker.parse(&run.file_of(&job.path), &job.pending.sha)?;
                Ok(Made { artifact: parsed.artifact, terms: 0, notes: parsed.notes, answers: Vec::new() })
            })
        },
    )
}

pub(super) fn chunk(run: &Run<'_>) -> Result<(), RunError> {
    let (parse, fp) = (run.fps.parse, run.fps.chunk);
    drive(
        run.workers,
        run.cancel,
        |send| feed_documents(run, Some(parse), fp, send),
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

pub(super) fn extract(run: &Run<'_>) -> Result<(), RunError> {
    let (parse, chunk, fp) = (run.fps.parse, run.fps.chunk, run.fps.extract);
    drive(
        run.workers,
        run.cancel,
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
                    notes: Vec::new(),
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
        run.workers,
        run.cancel,
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
                Ok(written) => Checkpoint {
                    changes: vec![written.change],
                    events: vec![about.done(written.terms, started, Vec::new())],
                },
                Err(failure) => Checkpoint {
                    events: vec![about.failed(&failure, attempts)],
                    changes: vec![Change::WriteFailed { path: file.path.clone(), attempts, failure }],
                },
            };
            Ok(run.writer.submit(checkpoint)?)
        },
    )
}

/// What a stage made of a document.
#[derive(Default)]
struct Made {
    artifact: Vec<u8>,
    terms: u64,
    notes: Vec<String>,
    answers: Vec<Change>,
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
    let doc = job.pending.doc;
    let checkpoint = match outcome {
        Ok(made) => {
            let mut changes = made.answers;
            let notes = made.notes.join("\n");
            changes.push(Change::Done { fp, doc, attempts, terms: made.terms, notes, artifact: made.artifact });
            Checkpoint { changes, events: vec![about.done(made.terms, started, made.notes)] }
        }
        Err(failure) => Checkpoint {
            events: vec![about.failed(&failure, attempts)],
            changes: vec![Change::Failed { fp, doc, attempts, failure }],
        },
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
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Event::DocumentDone {
            stage: self.stage,
            document: self.document(),
            path: self.path.clone(),
            terms,
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
