//! Everything that `status` tells, read from the store, the record of the newest run and the folder itself.

use std::path::Path;

use serde::Serialize;

use super::advice::{Facts, Step, steps};
use super::state::{RunState, free_bytes, holder, since_last_commit};
use crate::cli::command_line::{Shown, hash_of};
use crate::cli::exit::CommandError;
use crate::cli::progress::counted;
use crate::engine::{RunRecord, expiry_warnings};
use crate::store::{BatchRow, BatchState, Counts, Reader, Scope, StageFps};
use crate::values::{Gap, ModelChange, Stage, Subject};

/// Provider batches of which a message is shown.
const BATCH_NOTES: usize = 3;

/// Counts of a stage for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct StageStatus {
    pub(super) stage: Stage,
    pub(super) done: u64,
    pub(super) waiting: u64,
    pub(super) failed: u64,
}

/// Everything that `--json` prints besides the failures, which are streamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::cli) struct Status {
    pub(super) pipeline: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) files: u64,
    pub(super) documents: u64,
    pub(super) ignored: u64,
    pub(super) failed_files: u64,
    /// Files kept without the text of some sections.
    pub(super) partial_files: u64,
    pub(super) stages: Vec<StageStatus>,
    /// Provider batches that are not collected.
    pub(super) open_batches: u64,
    /// What is told of provider batches while work is left: the newest ones.
    pub(super) batch_notes: Vec<String>,
    /// Provider batches whose results go away before long.
    pub(super) warnings: Vec<String>,
    /// How the newest run stands.
    pub(super) run: RunState,
    /// Milliseconds since something was committed to the store.
    pub(super) last_commit_ms_ago: Option<u64>,
    /// Answers of remote providers.
    pub(super) answers: u64,
    /// Their cost; null if the price of some was not known.
    pub(super) dollars: Option<f64>,
    /// Most that requests without an answer may have cost besides; null if some price was not known.
    pub(super) lost_dollars_at_most: Option<f64>,
    /// Most that requests in provider batches may cost besides; null if some price was not known.
    pub(super) open_dollars_at_most: Option<f64>,
    /// Models that began to answer in the place of others, under the same name.
    pub(super) model_changes: Vec<ModelChange>,
    /// What the next run would do.
    pub(super) next: String,
    /// What to do now, in order.
    pub(super) steps: Vec<Step>,
}

/// Reads everything about the folder. `fps` are those of the newest run; none if no run has come beyond discovery.
pub(in crate::cli) fn gather(dir: &Path, reader: &Reader, fps: Option<StageFps>) -> Result<Status, CommandError> {
    let record = RunRecord::read(dir)?;
    let run = RunState::of(holder(dir)?, record.as_ref());
    let (documents, files) = reader.corpus_size(Scope::Whole)?;
    let (failed_files, partial_files, stages) = match &fps {
        None => (0, 0, Vec::new()),
        Some(fps) => {
            let failed_files = reader.failed_files(fps, Scope::Whole)?;
            let partial_files = reader.partial_files(fps[Stage::Parse], Scope::Whole)?;
            (failed_files, partial_files, each_stage(reader, fps, (documents, files, failed_files))?)
        }
    };
    let waiting = stages.last().map_or(files, |last| last.waiting);
    let (answers, lost) = reader.ledger_sums()?;
    let batches = reader.all_batches()?;
    let open: Vec<&BatchRow> = batches.iter().filter(|batch| batch.state < BatchState::Collected).collect();
    let is_priced = open.iter().all(|batch| batch.reserved.is_some());
    let mut needs_ocr = 0;
    if let Some(fps) = &fps {
        reader.partials(fps[Stage::Parse], |partial| needs_ocr += u64::from(partial.gap == Gap::NeedsOcr.name()))?;
    }
    let command = record.and_then(|record| record.command);
    let facts = Facts {
        state: run.clone(),
        folder: dir.display().to_string(),
        command: command.as_ref().map(|command| Shown::of(command, dir)),
        lacks_secrets: command.as_ref().is_some_and(|command| command.lacks_secrets),
        waiting,
        failed: failed_files,
        needs_ocr,
        open_batches: open.len() as u64,
        free_bytes: free_bytes(dir),
        changed_pipeline: command.and_then(|command| changed(&command, dir)),
    };
    Ok(Status {
        run,
        last_commit_ms_ago: since_last_commit(dir).map(|ago| ago.as_millis() as u64),
        open_batches: open.len() as u64,
        batch_notes: if waiting > 0 || !open.is_empty() { batch_notes(&batches) } else { Vec::new() },
        warnings: expiry_warnings(reader, jiff::Timestamp::now().as_millisecond())?,
        answers: answers.count,
        dollars: (answers.unpriced == 0).then(|| answers.cost.dollars()),
        lost_dollars_at_most: (lost.unpriced == 0).then(|| lost.cost.dollars()),
        open_dollars_at_most: if is_priced { Some(reader.open_batches_at_most()?.dollars()) } else { None },
        model_changes: reader.model_changes()?,
        pipeline: reader.meta("current:pipeline")?,
        provider: reader.meta("current:provider")?,
        files,
        documents,
        ignored: reader.ignored_files()?,
        failed_files,
        partial_files,
        stages,
        next: next(waiting, failed_files, needs_ocr),
        steps: steps(&facts),
    })
}

/// Messages about the newest provider batches that have one, oldest first.
fn batch_notes(batches: &[BatchRow]) -> Vec<String> {
    let told = batches.iter().rev().filter_map(|batch| {
        let name = batch.remote.as_deref().unwrap_or(&batch.token);
        batch.message.as_ref().map(|message| format!("{name}: {message}"))
    });
    let mut notes: Vec<String> = told.take(BATCH_NOTES).collect();
    notes.reverse();
    notes
}

fn each_stage(
    reader: &Reader,
    fps: &StageFps,
    (documents, files, failed_files): (u64, u64, u64),
) -> Result<Vec<StageStatus>, CommandError> {
    let mut stages = Vec::new();
    // A document that failed in a stage is not waiting in the later ones.
    let mut left = documents;
    for stage in Stage::ALL {
        let Counts { done, failed, .. } = reader.counts(fps, stage, Scope::Whole)?;
        let waiting = match stage.subject() {
            Subject::Document => left.saturating_sub(done + failed),
            Subject::File => files.saturating_sub(done + failed_files),
        };
        left = left.saturating_sub(failed);
        stages.push(StageStatus { stage, done, waiting, failed });
    }
    Ok(stages)
}

/// Words for what the same command would do.
fn next(waiting: u64, failed: u64, needs_ocr: u64) -> String {
    let files = |n| counted(n, "file", "files");
    match (waiting, failed) {
        (0, 0) if needs_ocr > 0 => {
            "nothing to do; --retry-failed takes up documents that need recognition once that can be had".to_owned()
        }
        (0, 0) => "nothing to do: every document is done".to_owned(),
        (0, failed) => format!("nothing, unless --retry-failed takes up the {} that failed", files(failed)),
        (waiting, 0) => format!("goes on with {}", files(waiting)),
        (waiting, failed) => format!("goes on with {}; {failed} failed and wait for --retry-failed", files(waiting)),
    }
}

/// The pipeline file of a command, if its text is another one by now.
fn changed(command: &crate::engine::TypedCommand, dir: &Path) -> Option<String> {
    let (file, hash) = command.pipeline_file.as_ref()?;
    let place = dir.canonicalize().ok()?.join(&command.folder).join(file);
    let now = hash_of(&place)?;
    (now != *hash).then(|| file.display().to_string())
}
