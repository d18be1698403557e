//! Checkpoints: what a stage made of a document, or why it failed, with the events that may be told once that is durable.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::attempts::{StageError, attempts};
use super::context::Run;
use super::desk::Desk;
use super::drive::drive;
use super::error::RunError;
use super::failpoint;
use super::feed::{Job, Upstream, follow_documents};
use super::provider::Outcome;
use super::work::{Made, Work};
use super::worker::Position;
use crate::store::{Change, Checkpoint, DocId, StoreError};
use crate::values::{Artifact, Event, Failure, FailureKind, Fingerprint, SourcePath, Stage};

/// A document that takes longer than this has its progress told.
const LONG: Duration = Duration::from_secs(1);

/// Staged mode: takes every document that is left for a stage, and follows the stage before it.
pub(super) fn all_documents<T: Work>(run: &Run<'_>, upstream: &Upstream) -> Result<Option<Outcome>, RunError> {
    drive(
        run.workers,
        &|| run.is_stopping(),
        |send| follow_documents(run, T::STAGE, upstream, send),
        || Desk::new(run),
        |desk: &mut Desk<'_>, job: Job| {
            let about = About::of(T::STAGE, &job);
            about.started(run);
            let started = Instant::now();
            let held = match run.in_flight.hold(job.pending.doc, job.pending.aborts, T::STAGE) {
                Ok(held) => held,
                Err(failure) => return submit::<T>(run, &job, Err(failure), 1, started),
            };
            failpoint::working_on(&job.path);
            let working = run.signs.working();
            let (outcome, tries) = attempts(|| T::make(run, desk, &job), |failure| about.retried(run, failure))?;
            drop((working, held));
            submit(run, &job, outcome, tries, started)
        },
    )?;
    Ok(None)
}

/// Per-document mode: takes a document through one stage. What it makes stays in hand, and goes into the document's one checkpoint.
/// Of a document that fails, the failure and what was paid for are kept.
pub(super) fn one_document<T: Work>(
    run: &Run<'_>,
    desk: &mut Desk<'_>,
    job: &Job,
    checkpoint: &mut Checkpoint,
) -> Result<bool, RunError> {
    let about = About::of(T::STAGE, job);
    about.started(run);
    let started = Instant::now();
    let make = || {
        let _held = run.in_flight.hold(job.pending.doc, job.pending.aborts, T::STAGE)?;
        T::make(run, desk, job)?.in_hand().map_err(StageError::from)
    };
    let working = run.signs.working();
    let (outcome, tries) = attempts(make, |failure| about.retried(run, failure))?;
    drop(working);
    match outcome {
        Ok((made, value)) => {
            desk.hold(value);
            let Checkpoint { changes, events, .. } = conclusion(run, job, Ok(made), tries, started);
            checkpoint.changes.extend(changes);
            checkpoint.events.extend(events);
            Ok(true)
        }
        Err(failure) => {
            *checkpoint = conclusion::<T>(run, job, Err(failure), tries, started);
            checkpoint.changes.splice(0..0, std::mem::take(&mut desk.paid));
            Ok(false)
        }
    }
}

/// Hands a stage's result of a document, or its failure, to the writer.
pub(super) fn submit<T: Artifact>(
    run: &Run<'_>,
    job: &Job,
    outcome: Result<Made<T>, Failure>,
    attempts: u32,
    started: Instant,
) -> Result<(), RunError> {
    let checkpoint = conclusion(run, job, outcome, attempts, started);
    run.writer.submit(checkpoint).map_err(|e: StoreError| e.into())
}

fn conclusion<T: Artifact>(
    run: &Run<'_>,
    job: &Job,
    outcome: Result<Made<T>, Failure>,
    attempts: u32,
    started: Instant,
) -> Checkpoint {
    let (fp, doc, about) = (run.fps[T::STAGE], job.pending.doc, About::of(T::STAGE, job));
    match outcome {
        Ok(mut made) => {
            let mut changes = std::mem::take(&mut made.answers);
            let (terms, gap, notes) = (made.terms, made.gap, std::mem::take(&mut made.notes));
            let lines = notes.join("\n");
            changes.push(Change::Done { fp, doc, attempts, terms, notes: lines, gap, artifact: made.into_bytes() });
            Checkpoint::new(changes, vec![about.done(terms, started, notes)])
        }
        Err(failure) if failure.kind == FailureKind::Spoilt => remake(run, doc, about.path),
        Err(failure) => {
            let event = about.failed(&failure, attempts);
            Checkpoint::new(vec![Change::Failed { fp, doc, attempts, failure }], vec![event])
        }
    }
}

/// Lets what is spoilt of a document be made again, later in this run.
pub(super) fn remake(run: &Run<'_>, doc: DocId, path: &SourcePath) -> Checkpoint {
    run.spoilt.store(true, Ordering::Relaxed);
    let message = format!("{path}: a stored result is not as it was stored, and is made again; check the disk");
    Checkpoint::new(vec![Change::Remake { fps: Box::new(run.fps), doc }], vec![Event::Notice { message }])
}

/// Stage and document that an event is about.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) stage: Stage,
    pub(super) sha: &'a Fingerprint,
    pub(super) path: &'a SourcePath,
}

impl<'a> About<'a> {
    /// Events about a stage of a document.
    pub(super) fn of(stage: Stage, job: &'a Job) -> Self {
        Self { stage, sha: &job.pending.sha, path: &job.path }
    }

    fn document(&self) -> String {
        self.sha.hex()[..12].to_owned()
    }

    pub(super) fn started(&self, run: &Run<'_>) {
        run.emit(Event::DocumentStarted {
            stage: self.stage.into(),
            document: self.document(),
            path: self.path.clone(),
        });
    }

    /// Tells of the progress of a document that takes long.
    pub(super) fn progress(self, run: &Run<'_>) -> impl FnMut(Position) {
        let started = Instant::now();
        move |at| {
            if started.elapsed() >= LONG {
                run.emit(Event::DocumentProgress {
                    stage: self.stage.into(),
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
            stage: self.stage.into(),
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

    pub(super) fn written(&self, terms: u64, flagged: u64, started: Instant) -> Event {
        self.finished(terms, flagged, started, Vec::new())
    }

    fn finished(&self, terms: u64, flagged: u64, started: Instant, notes: Vec<String>) -> Event {
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Event::DocumentDone {
            stage: self.stage.into(),
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
            stage: self.stage.into(),
            document: self.document(),
            path: self.path.clone(),
            kind: failure.kind,
            message: failure.message.clone(),
            attempt,
        }
    }
}
