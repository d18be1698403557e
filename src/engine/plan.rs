//! Plan of a run: what it would do, and why.

use serde::Serialize;

use super::config::Rerun;
use super::context::Run;
use super::dataflow::{DATAFLOW, Row};
use super::error::RunError;
use super::extract::plan::{ExtractPlan, extract_plan};
use crate::store::{Counts, FpId, StageFps};
use crate::values::{Stage, StageMap, Subject};

/// Work that one stage has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StagePlan {
    /// Stage.
    pub stage: Stage,
    /// Documents (for `write`, files) to do.
    pub todo: u64,
    /// Done already.
    pub done: u64,
    /// Failed earlier; taken up only with `--retry-failed`.
    pub failed: u64,
    /// Reason for which there is something to do.
    pub why: Option<String>,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Files in scope.
    pub files: u64,
    /// Distinct contents among them.
    pub documents: u64,
    /// Files passed over because they are no documents.
    pub ignored: u64,
    /// Stages from `parse` on.
    pub stages: Vec<StagePlan>,
    /// Questions that would be asked.
    pub extract: ExtractPlan,
}

/// Reason for which a stage has something to do, given the fingerprints of the run before.
pub(super) fn reason(stage: Stage, fps: &StageFps, before: &StageMap<Option<FpId>>) -> &'static str {
    let is_changed = |row: &&Row| row.stage <= stage && before[row.stage].is_some_and(|old| fps[row.stage] != old);
    match (DATAFLOW.iter().find(is_changed), stage.subject()) {
        (Some(row), _) => row.changed,
        (None, Subject::File) => "new, changed, renamed or unfinished documents",
        (None, Subject::Document) => "new, changed or unfinished documents",
    }
}

/// Makes the plan of a dry run, after parse and chunk are done.
pub(super) fn plan(run: &Run<'_>, rerun: Option<&Rerun>, ignored: u64) -> Result<Plan, RunError> {
    let reader = run.store.reader()?;
    let (documents, files) = reader.corpus_size(run.scope)?;
    let failed_files = reader.failed_files(&run.fps, run.scope)?;
    let mut stages = Vec::new();
    for stage in Stage::ALL {
        let mut counts = run.counts(&reader, stage)?;
        let asked = rerun.filter(|r| stage >= r.stage);
        if asked.is_some() {
            counts = Counts { todo: counts.todo + counts.done + counts.failed, done: 0, failed: 0 };
        }
        if stage.subject() == Subject::File {
            // Files whose document is still to be extracted will be written too.
            counts.todo = files.saturating_sub(failed_files + counts.done);
        }
        let why = match asked {
            Some(rerun) if rerun.force => "--force asks for it again".to_owned(),
            Some(rerun) => format!("--stage {} asks for it again", rerun.stage.name()),
            None => reason(stage, &run.fps, &run.before).to_owned(),
        };
        let why = (counts.todo > 0).then_some(why);
        stages.push(StagePlan { stage, todo: counts.todo, done: counts.done, failed: counts.failed, why });
    }
    let extract = extract_plan(run, rerun)?;
    Ok(Plan { files, documents, ignored, stages, extract })
}
