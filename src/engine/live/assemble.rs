//! Puts a document together from the answers to its units.

use std::time::Instant;

use crossbeam_channel::Receiver;

use super::Live;
use super::board::{Board, Ready};
use super::planner;
use crate::engine::RunError;
use crate::engine::documents::{Trouble, attempts};
use crate::engine::run::Run;
use crate::engine::staged::{About, Job, Made, settle};
use crate::stages::extract::UnitAnswer;
use crate::store::{self, Reader};
use crate::values::{Failure, FailureKind, Fingerprint, Stage};

/// Takes documents until no more can come. After an error too, so that every document that is ready is counted down.
pub(super) fn serve(live: &Live<'_>, ready: &Receiver<Ready>) {
    let mut reader = None;
    let mut broken = false;
    while let Ok(document) = ready.recv() {
        let assembled = Assembled(&live.board);
        if broken {
            continue;
        }
        let outcome = open(&mut reader, live.run).and_then(|r| one(live.run, r, &document.job, document.started));
        drop(assembled);
        if let Err(error) = outcome {
            broken = true;
            live.fail(error);
        }
    }
}

/// Counts a document down when it is dropped, by a panic too.
struct Assembled<'a>(&'a Board);

impl Drop for Assembled<'_> {
    fn drop(&mut self) {
        self.0.assembled();
    }
}

/// The reader of one thread, opened when it is first needed.
fn open<'a>(reader: &'a mut Option<Reader>, run: &Run<'_>) -> Result<&'a Reader, RunError> {
    if reader.is_none() {
        *reader = Some(run.store.reader()?);
    }
    Ok(reader.as_ref().expect("it was opened above"))
}

fn one(run: &Run<'_>, reader: &Reader, job: &Job, started: Instant) -> Result<(), RunError> {
    let about = About { stage: Stage::Extract, sha: &job.pending.sha, path: &job.path };
    let (outcome, tries) = attempts(|| assembled(run, reader, job), |failure| about.retried(run, failure))?;
    settle(run, about, run.fps.extract, job.pending.doc, outcome, tries, started)
}

/// Puts a document together if each of its units is answered or given up; leaves it waiting if not.
pub(in crate::engine) fn assemble_if_settled(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<(), RunError> {
    let started = Instant::now();
    let generation = job.pending.generation;
    let about = About { stage: Stage::Extract, sha: &job.pending.sha, path: &job.path };
    let (outcome, tries) = attempts(|| planner::contents(run, reader, job), |failure| about.retried(run, failure))?;
    let units = match outcome {
        Ok(contents) => contents.units,
        Err(failure) => return settle(run, about, run.fps.extract, job.pending.doc, Err(failure), tries, started),
    };
    for unit in &units {
        let settled = reader.is_answered(run.question, &unit.key, generation)?
            || reader.unit_failure(run.question, &unit.key, generation)?.is_some();
        if !settled {
            return Ok(());
        }
    }
    one(run, reader, job, started)
}

fn assembled(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<Made, Trouble> {
    let contents = planner::contents(run, reader, job)?;
    let mut answers = Vec::with_capacity(contents.units.len());
    let mut missing: Option<(u64, Failure)> = None;
    for unit in &contents.units {
        let stored = reader.answer(run.question, &unit.key, job.pending.generation)?;
        match stored.map(|bytes| store::decode::<UnitAnswer>(&bytes)) {
            Some(Ok(answer)) => answers.push(answer),
            Some(Err(words)) => {
                let failure = Failure::new(FailureKind::Internal, format!("a stored answer cannot be read: {words}"));
                missing.get_or_insert((0, failure)).0 += 1;
            }
            None => {
                let failure = why(run, reader, &unit.key, job.pending.generation)?;
                missing.get_or_insert((0, failure)).0 += 1;
            }
        }
    }
    let total = contents.units.len();
    if let Some((count, first)) = missing {
        return Err(Failure::new(
            first.kind,
            format!(
                "{count} of {total} parts of the text got no answer, the first because {}; all other answers are kept, and --retry-failed asks for these again",
                first.message
            ),
        )
        .into());
    }
    let mut notes = Vec::new();
    let incomplete = answers.iter().filter(|a| a.incomplete).count();
    if incomplete > 0 {
        notes.push(format!(
            "{incomplete} of {total} answers broke off or held invalid items after several attempts; what was usable is kept"
        ));
    }
    let (extraction, remarks) = contents.assemble(&run.pipeline.method, &answers);
    notes.extend(remarks);
    Ok(Made { terms: extraction.items.len() as u64, artifact: store::encode(&extraction), notes, ..Made::default() })
}

fn why(run: &Run<'_>, reader: &Reader, unit: &Fingerprint, generation: i64) -> Result<Failure, Trouble> {
    let row = reader.unit_failure(run.question, unit, generation)?;
    let (kind, message) = row.unwrap_or_else(|| {
        (FailureKind::Internal.name().to_owned(), "no reason was recorded (please report this)".to_owned())
    });
    let kind = FailureKind::ALL.into_iter().find(|k| k.name() == kind).unwrap_or(FailureKind::Internal);
    Ok(Failure::new(kind, message))
}
