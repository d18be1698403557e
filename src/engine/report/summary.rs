//! Progress of a run, and the summary that it ends with.

use std::time::{Duration, Instant};

use crate::engine::config::RunConfig;
use crate::engine::context::Run;
use crate::engine::discover::Discovered;
use crate::engine::error::RunError;
use crate::engine::provider::Outcome;
use crate::store::BatchState;
use crate::values::{Asked, Format, ModelChange, Phase, RunOutcome, Stage, StageTotals, Stop, StopReason, Summary};

/// Progress of a run.
#[derive(Default)]
pub(in crate::engine) struct Progress {
    pub(in crate::engine) found: Discovered,
    pub(in crate::engine) totals: Vec<StageTotals>,
    /// Files that failed in an earlier run.
    pub(in crate::engine) failed_before: u64,
    /// Files whose document is kept without the text of some sections.
    pub(in crate::engine) partial_before: u64,
    /// Files that had come through the last stage before this run did anything.
    pub(in crate::engine) through_before: u64,
    /// True if the manifest is out of date.
    pub(in crate::engine) changed: bool,
    /// End of the asking before its time.
    pub(in crate::engine) stop: Option<Stop>,
    pub(in crate::engine) asked: Option<Asked>,
}

impl Progress {
    /// Takes up what asking a provider came to.
    pub(in crate::engine) fn ask(&mut self, outcome: Outcome) {
        self.asked = Some(outcome.asked);
        self.stop = outcome.stop;
    }

    /// True if discovery showed that every file is done, or failed before. Asking the store stage by stage instead would double
    /// the time of a rerun that has nothing to do.
    pub(in crate::engine) fn nothing_to_do(&self, config: &RunConfig) -> bool {
        let found = &self.found;
        let asked_for_more = config.dry_run
            || config.rerun.is_some()
            || config.until < Stage::Write
            || (config.retry_failed && self.failed_before + self.partial_before > 0);
        !asked_for_more && !found.changed && found.settled + self.failed_before == found.documents
    }

    /// Tells that a phase ended that took this time for itself, and keeps its totals.
    pub(in crate::engine) fn finish(&mut self, run: &Run<'_>, phase: Phase, time: Duration, skipped: u64, failed: u64) {
        let tally = run.tally.phase(phase);
        let totals = StageTotals {
            stage: phase,
            done: if phase == Phase::Discover { self.found.documents } else { tally.done },
            skipped,
            failed: tally.failed + failed,
            millis: millis(time),
        };
        run.emit(crate::values::Event::StageFinished { totals });
        self.totals.push(totals);
    }
}

fn millis_since(started: Instant) -> u64 {
    millis(started.elapsed())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The summary of a run that has come so far; `complete` is false if an error broke it off.
pub(in crate::engine) fn summarize(
    run: &Run<'_>,
    config: &RunConfig,
    progress: &Progress,
    complete: bool,
    started: Instant,
) -> Result<Summary, RunError> {
    let (documents, failed, through, through_before, partial) = if complete && progress.nothing_to_do(config) {
        let settled = progress.found.settled;
        (progress.found.documents, progress.failed_before, settled, settled, progress.partial_before)
    } else {
        let reader = run.store.reader()?;
        (
            reader.corpus_size(run.scope)?.1,
            reader.failed_files(&run.fps, run.scope)?,
            run.files_through(&reader, config.last_stage())?,
            progress.through_before,
            reader.partial_files(run.fps[Stage::Parse], run.scope)?,
        )
    };
    let succeeded = through.saturating_sub(through_before);
    let waiting = documents.saturating_sub(through + failed);
    let outcome = if run.cancel.is_stopping() && (waiting > 0 || documents == 0) {
        RunOutcome::Interrupted
    } else if documents == 0 {
        RunOutcome::NoDocuments
    } else if failed == documents {
        RunOutcome::AllFailed
    } else if failed == 0 && complete && is_detached(run, config, progress)? {
        RunOutcome::Detached
    } else if failed > 0 || waiting > 0 || !complete {
        RunOutcome::Partial
    } else {
        RunOutcome::Complete
    };
    let (terms, flagged) = run.tally.terms();
    Ok(Summary {
        outcome,
        documents,
        succeeded,
        skipped: through - succeeded,
        failed,
        waiting,
        partial,
        formats: config.formats.iter().collect(),
        ignored: progress.found.ignored,
        ignored_formats: Format::ALL
            .iter()
            .zip(progress.found.ignored_formats)
            .filter(|(_, files)| *files > 0)
            .map(|(format, files)| (format.word().to_owned(), files))
            .collect(),
        terms,
        flagged,
        best_terms: run.tally.best_terms(),
        stages: progress.totals.clone(),
        commits: run.writer.commits(),
        millis: millis_since(started),
        stop: progress.stop.clone(),
        asked: progress.asked,
        model_changes: changes_in_this_run(run, progress, started)?,
    })
}

/// True if the run left its batches at the provider because that was wanted, and all of them are there: none is there, or one is not, where the
/// cap or a full queue held something back.
fn is_detached(run: &Run<'_>, config: &RunConfig, progress: &Progress) -> Result<bool, RunError> {
    let is_wanted = config.remote.as_ref().is_some_and(|remote| remote.batch.detach)
        && progress.stop.as_ref().is_some_and(|stop| stop.reason == StopReason::BatchesLeft);
    if !is_wanted {
        return Ok(false);
    }
    let open = run.store.reader()?.open_batches(run.question)?;
    Ok(!open.is_empty() && open.iter().all(|batch| matches!(batch.state, BatchState::Submitted | BatchState::Ended)))
}

/// Changes of the model that answers, as far as they fell into this run.
fn changes_in_this_run(run: &Run<'_>, progress: &Progress, started: Instant) -> Result<Vec<ModelChange>, RunError> {
    if progress.asked.is_none_or(|asked| asked.answers == 0) {
        return Ok(Vec::new());
    }
    let began_ms = (run.now_ms)() - i64::try_from(started.elapsed().as_millis()).unwrap_or(0);
    let changes = run.store.reader()?.model_changes()?;
    Ok(changes.into_iter().filter(|change| change.at_ms >= began_ms).collect())
}
