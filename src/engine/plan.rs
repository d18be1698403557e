//! What a run would do, and why, before it does it.

use serde::Serialize;

use super::RunError;
use super::run::{Rerun, Run};
use crate::stages::extract;
use crate::store::{Counts, DistinctCounter, DocId, StageFps};
use crate::values::{Chunk, ParsedDocument, Stage};

/// What one stage has to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StagePlan {
    /// Which stage.
    pub stage: Stage,
    /// Documents (for `write`, files) to do.
    pub todo: u64,
    /// Done already.
    pub done: u64,
    /// Failed earlier; taken up only with `--retry-failed`.
    pub failed: u64,
    /// Why there is something to do.
    pub why: Option<String>,
}

/// What `extract` would ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExtractPlan {
    /// Provider name.
    pub provider: String,
    /// Documents to do.
    pub documents: u64,
    /// Chunks of these documents.
    pub chunks: u64,
    /// Distinct units among them: the same text anywhere in the corpus counts once.
    pub units: u64,
    /// Units whose answer the store has.
    pub answered: u64,
    /// Requests to the provider; 0 for `local`, which answers within the program.
    pub requests: u64,
    /// Estimated tokens of the units without an answer.
    pub estimated_tokens: u64,
}

/// The plan of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Files in scope.
    pub files: u64,
    /// Distinct contents among them.
    pub documents: u64,
    /// Files passed over because they are no documents.
    pub ignored: u64,
    /// Stages from `parse` on.
    pub stages: Vec<StagePlan>,
    /// What would be asked.
    pub extract: ExtractPlan,
}

/// Why a stage has something to do, given the fingerprints of the run before.
pub(super) fn reason(stage: Stage, fps: StageFps, before: [Option<crate::store::FpId>; 4]) -> &'static str {
    let stages = [Stage::Parse, Stage::Chunk, Stage::Extract, Stage::Write];
    let changed = stages
        .into_iter()
        .zip(before)
        .filter(|(s, old)| *s <= stage && old.is_some() && fps.of(*s) != *old)
        .map(|(s, _)| s)
        .next();
    match changed {
        Some(Stage::Parse) => "the parser changed since the last run",
        Some(Stage::Chunk) => "the chunk settings changed since the last run",
        Some(Stage::Extract) => "the prompt, schema, provider, model or extraction settings changed since the last run",
        Some(Stage::Discover | Stage::Write) => "the output settings changed since the last run",
        None if stage == Stage::Write => "new, changed, renamed or unfinished documents",
        None => "new, changed or unfinished documents",
    }
}

/// Makes the plan of a dry run, after parse and chunk are done.
pub(super) fn plan(run: &Run<'_>, rerun: Option<&Rerun>, ignored: u64) -> Result<Plan, RunError> {
    let reader = run.store.reader()?;
    let (documents, files) = reader.corpus_size(run.scope)?;
    let failed_files = reader.failed_files(run.fps.documents(), run.scope)?;
    let mut stages = Vec::new();
    for stage in [Stage::Parse, Stage::Chunk, Stage::Extract, Stage::Write] {
        let mut counts = run.counts(&reader, stage)?;
        let asked = rerun.filter(|r| stage >= r.stage);
        if asked.is_some() {
            counts = Counts { todo: counts.todo + counts.done + counts.failed, done: 0, failed: 0 };
        }
        if stage == Stage::Write {
            // Files whose document is still to be extracted will be written too.
            counts.todo = files.saturating_sub(failed_files + counts.done);
        }
        let why = match asked {
            Some(rerun) if rerun.force => "--force asks for it again".to_owned(),
            Some(rerun) => format!("--stage {} asks for it again", rerun.stage.name()),
            None => reason(stage, run.fps, run.before).to_owned(),
        };
        let why = (counts.todo > 0).then_some(why);
        stages.push(StagePlan { stage, todo: counts.todo, done: counts.done, failed: counts.failed, why });
    }
    let extract = extract_plan(run, rerun)?;
    Ok(Plan { files, documents, ignored, stages, extract })
}

fn extract_plan(run: &Run<'_>, rerun: Option<&Rerun>) -> Result<ExtractPlan, RunError> {
    let reader = run.store.reader()?;
    let mut plan = ExtractPlan {
        provider: run.pipeline.provider.name.clone(),
        documents: 0,
        chunks: 0,
        units: 0,
        answered: 0,
        requests: 0,
        estimated_tokens: 0,
    };
    let again = rerun.is_some_and(|r| r.stage <= Stage::Extract);
    let mut distinct = DistinctCounter::new()?;
    let mut after = DocId(0);
    loop {
        // A rerun takes the documents that are chunked, whether extracted or not.
        let page = match again {
            true => reader.through(run.fps.chunk, run.scope, after, 64)?,
            false => reader.pending(Some(run.fps.chunk), run.fps.extract, run.scope, after, 64)?,
        };
        let Some(last) = page.last() else { return Ok(plan) };
        after = last.doc;
        for pending in page {
            let chunks: Vec<Chunk> = reader.artifact(run.fps.chunk, pending.doc)?;
            let document: ParsedDocument = reader.artifact(run.fps.parse, pending.doc)?;
            plan.documents += 1;
            for chunk in chunks {
                plan.chunks += 1;
                let unit = extract::unit_key(chunk.span.of(&document.text));
                if !distinct.add(&unit)? {
                    continue;
                }
                plan.units += 1;
                let accepted = if again { i64::MAX } else { pending.generation };
                if reader.answer(run.question, &unit, accepted)?.is_some() {
                    plan.answered += 1;
                } else {
                    plan.estimated_tokens += u64::from(chunk.tokens);
                }
            }
        }
    }
}
