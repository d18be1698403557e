//! Per-document mode: each worker takes one document through everything. This is the tool that the staged engine
//! is measured against, so nothing of a document is kept before its end: an interrupted one starts from scratch.

use std::time::Instant;

use super::RunError;
use super::alone::Alone;
use super::documents::{self, Generations, Trouble, attempts};
use super::drive::drive;
use super::run::Run;
use super::staged::{About, Job, feed_documents};
use super::worker::ParseWorker;
use crate::store::{self, Change, Checkpoint, Reader};
use crate::values::{Event, Failure, ParsedDocument, Stage};

/// Takes every document that is not extracted through parse, chunk, extract and write.
pub(super) fn run_documents(run: &Run<'_>) -> Result<(), RunError> {
    let state = || {
        let alone = run.remote.map(|remote| Alone::new(run, remote)).transpose()?;
        Ok((ParseWorker::new(&run.parse_program), run.store.reader()?, alone))
    };
    let feed = |send: &mut dyn FnMut(Job) -> bool| {
        let reader = run.store.reader()?;
        let mut failed = None;
        feed_documents(run, None, run.fps.extract, &mut |job| {
            // Failures of an earlier run are left alone here as they are in staged mode.
            match has_failed(run, &reader, &job) {
                Ok(true) => true,
                Ok(false) => send(job),
                Err(error) => {
                    failed = Some(error);
                    false
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    };
    drive(run.workers, &|| run.is_stopping(), feed, state, |(worker, reader, alone), job| {
        run.writer.submit(one(run, worker, reader, alone.as_mut(), &job)?).map_err(Into::into)
    })
}

fn has_failed(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<bool, RunError> {
    for fp in [run.fps.parse, run.fps.chunk] {
        if reader.stage_of(fp, job.pending.doc)?.is_some_and(|row| row.state == 2) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One document from its bytes to its files, as one checkpoint.
fn one(
    run: &Run<'_>,
    worker: &mut ParseWorker<'_>,
    reader: &Reader,
    mut alone: Option<&mut Alone>,
    job: &Job,
) -> Result<Checkpoint, RunError> {
    let doc = job.pending.doc;
    let about = |stage| About { stage, sha: &job.pending.sha, path: &job.path };
    let mut checkpoint = Checkpoint::default();
    macro_rules! stage {
        ($stage:expr, $fp:expr, $attempt:expr) => {{
            let about = about($stage);
            about.started(run);
            let started = Instant::now();
            match attempts($attempt, |failure| about.retried(run, failure))? {
                (Ok(value), attempts) => (value, attempts, started),
                (Err(failure), attempts) => return Ok(failed_only(about, $fp, doc, failure, attempts)),
            }
        }};
    }
    let ((document, parsed), tries, started) = stage!(Stage::Parse, run.fps.parse, || {
        let parsed = worker.parse(&run.file_of(&job.path), &job.pending.sha, &mut about(Stage::Parse).progress(run))?;
        let document: ParsedDocument = store::decode(&parsed.artifact).map_err(|e| {
            Failure::new(crate::values::FailureKind::Internal, format!("the parse worker's reply: {e}"))
        })?;
        Ok::<_, Trouble>((document, parsed))
    });
    let notes = parsed.notes.join("\n");
    checkpoint.changes.push(Change::Done {
        fp: run.fps.parse,
        doc,
        attempts: tries,
        terms: 0,
        notes,
        gap: parsed.gap,
        artifact: parsed.artifact,
    });
    checkpoint.events.push(about(Stage::Parse).done(0, started, parsed.notes));

    let (chunks, tries, started) =
        stage!(Stage::Chunk, run.fps.chunk, || Ok(documents::chunks(&document, run.pipeline.chunk)));
    let artifact = store::encode(&chunks);
    checkpoint.changes.push(Change::Done {
        fp: run.fps.chunk,
        doc,
        attempts: tries,
        terms: 0,
        notes: String::new(),
        gap: None,
        artifact,
    });
    checkpoint.events.push(about(Stage::Chunk).done(0, started, Vec::new()));

    let generations = Generations { accepted: job.pending.generation, current: run.generation };
    let (made, tries, started) = stage!(Stage::Extract, run.fps.extract, || match &mut alone {
        Some(alone) => alone.extract(run, doc, &document, &chunks),
        None => documents::extract(&run.pipeline, run.question, reader, &document, &chunks, generations),
    });
    let terms = made.extraction.items.len() as u64;
    checkpoint.changes.extend(made.answers);
    checkpoint.changes.push(Change::Done {
        fp: run.fps.extract,
        doc,
        attempts: tries,
        terms,
        notes: made.notes.join("\n"),
        gap: None,
        artifact: store::encode(&made.extraction),
    });
    checkpoint.events.push(about(Stage::Extract).done(terms, started, made.notes));

    for file in reader.files_of(doc, run.scope)? {
        let about = About { stage: Stage::Write, sha: &file.sha, path: &file.path };
        about.started(run);
        let started = Instant::now();
        let attempt = || documents::write_file(&run.places, run.fps.write, &file, &document, &made.extraction);
        match attempts(attempt, |failure| about.retried(run, failure))? {
            (Ok(written), _) => {
                checkpoint.events.push(about.written(&written, started));
                checkpoint.changes.push(written.change);
            }
            (Err(failure), attempts) => {
                checkpoint.events.push(about.failed(&failure, attempts));
                checkpoint.changes.push(Change::WriteFailed { path: file.path.clone(), attempts, failure });
            }
        }
    }
    Ok(checkpoint)
}

/// Only the failure is kept: what the stages before it made is thrown away.
fn failed_only(about: About<'_>, fp: store::FpId, doc: store::DocId, failure: Failure, attempts: u32) -> Checkpoint {
    let event: Event = about.failed(&failure, attempts);
    Checkpoint::new(vec![Change::Failed { fp, doc, attempts, failure }], vec![event])
}
