//! Puts a document together from the answers to its units.

use std::time::Instant;

use super::admission::{admission, why};
use super::contents::contents;
use crate::engine::attempts::{StageError, attempts};
use crate::engine::checkpoint::{About, submit};
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::feed::Job;
use crate::engine::work::Made;
use crate::stages::extract::UnitAnswer;
use crate::store::{self, Reader};
use crate::values::{Extraction, Failure, FailureKind, Stage};

/// Puts a document together whose units are all answered or given up, and checkpoints it.
pub(super) fn assemble(run: &Run<'_>, reader: &Reader, job: &Job, started: Instant) -> Result<(), RunError> {
    let about = About::of(Stage::Extract, job);
    let (outcome, tries) = attempts(|| assembled(run, reader, job), |failure| about.retried(run, failure))?;
    submit(run, job, outcome, tries, started)
}

/// Puts a document together if each of its units is answered or given up; leaves it waiting if not.
pub(super) fn assemble_if_settled(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<(), RunError> {
    let started = Instant::now();
    let generation = job.pending.generation;
    let about = About::of(Stage::Extract, job);
    let (outcome, tries) = attempts(|| contents(run, reader, job), |failure| about.retried(run, failure))?;
    let units = match outcome {
        Ok(contents) => contents.units,
        Err(failure) => return submit::<Extraction>(run, job, Err(failure), tries, started),
    };
    for unit in &units {
        if !admission(run, reader, &unit.key, generation)?.is_settled() {
            return Ok(());
        }
    }
    assemble(run, reader, job, started)
}

fn assembled(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<Made<Extraction>, StageError> {
    let contents = contents(run, reader, job)?;
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
    Ok(Made { terms: extraction.items.len() as u64, notes, ..Made::of(extraction) })
}
