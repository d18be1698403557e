//! `corpora status DIR`.

use std::io::Write;

use serde::Serialize;

use super::args::StatusArgs;
use super::exit::{CommandError, Exit};
use super::progress::{counted, grouped, model_change};
use super::saved::saved_fps;
use super::screen;
use crate::engine::expiry_warnings;
use crate::store::{BatchState, Counts, FailureRow, PartialRow, Reader, Scope, StageFps, Store};
use crate::values::{Cost, ModelChange, Shown, Stage, Subject};

/// Counts of a stage for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct StageStatus {
    stage: Stage,
    done: u64,
    waiting: u64,
    failed: u64,
}

/// Everything that `--json` prints besides the failures, which are streamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Status {
    pipeline: Option<String>,
    provider: Option<String>,
    files: u64,
    documents: u64,
    ignored: u64,
    failed_files: u64,
    /// Files kept without the text of some sections.
    partial_files: u64,
    stages: Vec<StageStatus>,
    /// Batches that are not collected.
    open_batches: u64,
    /// Batches whose results go away before long.
    warnings: Vec<String>,
    /// Answers of remote providers.
    answers: u64,
    /// Their cost; null if the price of some was not known.
    dollars: Option<f64>,
    /// Models that began to answer in the place of others, under the same name.
    model_changes: Vec<ModelChange>,
    next: String,
}

/// Prints the state of an output folder; a run may be going on in it.
pub(super) fn run(args: &StatusArgs) -> Result<Exit, CommandError> {
    let dir = args.folder.path()?;
    let store = Store::open_existing(dir)?;
    let reader = store.reader()?;
    let fps = saved_fps(&reader, dir)?;
    let mut out = std::io::BufWriter::new(if args.json { screen::json() } else { screen::out() });
    if args.failed {
        return list_failed(&reader, fps, args.json, &mut out);
    }
    let status = gather(&reader, fps)?;
    if args.json {
        let head = serde_json::to_string(&status).map_err(std::io::Error::from)?;
        write!(out, "{},\"failures\":[", head.strip_suffix('}').unwrap_or(&head))?;
        let mut first = true;
        each_failure(&reader, fps, |failure| {
            let line = serde_json::to_string(&failure)?;
            write!(out, "{}{line}", if std::mem::take(&mut first) { "" } else { "," })
        })?;
        write!(out, "],\"partial\":[")?;
        first = true;
        each_partial(&reader, fps, |partial| {
            let line = serde_json::to_string(&partial)?;
            write!(out, "{}{line}", if std::mem::take(&mut first) { "" } else { "," })
        })?;
        writeln!(out, "]}}")?;
    } else {
        print(&status, &reader, fps, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn gather(reader: &Reader, fps: StageFps) -> Result<Status, CommandError> {
    let (documents, files) = reader.corpus_size(Scope::Whole)?;
    let failed_files = reader.failed_files(&fps, Scope::Whole)?;
    let mut stages = Vec::new();
    // A document that failed in a stage is not waiting in the later ones.
    let mut left = documents;
    for stage in Stage::ALL {
        let Counts { done, failed, .. } = reader.counts(&fps, stage, Scope::Whole)?;
        let waiting = match stage.subject() {
            Subject::Document => left.saturating_sub(done + failed),
            Subject::File => files.saturating_sub(done + failed_files),
        };
        left = left.saturating_sub(failed);
        stages.push(StageStatus { stage, done, waiting, failed });
    }
    let waiting = stages.last().map_or(0, |last| last.waiting);
    let partial_files = reader.partial_files(fps[Stage::Parse], Scope::Whole)?;
    let next = match (waiting, failed_files) {
        (0, 0) if partial_files > 0 => {
            "nothing to do; --retry-failed takes up documents that need OCR once it can be had".to_owned()
        }
        (0, 0) => "nothing to do: every document is done".to_owned(),
        (0, failed) => format!("nothing, unless --retry-failed takes up the {failed} that failed"),
        (waiting, 0) => format!("continue with {waiting} files"),
        (waiting, failed) => format!("continue with {waiting} files; {failed} failed ones wait for --retry-failed"),
    };
    let (answers, _) = reader.ledger_sums()?;
    Ok(Status {
        open_batches: reader.all_batches()?.iter().filter(|b| b.state < BatchState::Collected).count() as u64,
        warnings: expiry_warnings(reader, jiff::Timestamp::now().as_millisecond())?,
        answers: answers.count,
        dollars: (answers.unpriced == 0).then(|| answers.cost.dollars()),
        model_changes: reader.model_changes()?,
        pipeline: reader.meta("current:pipeline")?,
        provider: reader.meta("current:provider")?,
        files,
        documents,
        ignored: reader.ignored_files()?,
        failed_files,
        partial_files,
        stages,
        next,
    })
}

/// Failures printed by plain `status`; `--failed` lists all.
const SHOWN: usize = 10;

fn print(status: &Status, reader: &Reader, fps: StageFps, out: &mut impl Write) -> Result<(), CommandError> {
    let name = |n: &Option<String>| n.clone().unwrap_or_else(|| "unknown".into());
    writeln!(
        out,
        "{} files, {} distinct documents; pipeline {}, provider {}",
        status.files,
        status.documents,
        name(&status.pipeline),
        name(&status.provider)
    )?;
    if status.ignored > 0 {
        writeln!(out, "{} other files are not documents and were passed over", status.ignored)?;
    }
    writeln!(out, "\n{:<10}{:>10}{:>10}{:>10}", "stage", "done", "waiting", "failed")?;
    for s in &status.stages {
        writeln!(out, "{:<10}{:>10}{:>10}{:>10}", s.stage.name(), s.done, s.waiting, s.failed)?;
    }
    if status.failed_files > 0 {
        writeln!(out, "\nfailed:")?;
        let mut shown = 0;
        each_failure(reader, fps, |failure| {
            shown += 1;
            if shown <= SHOWN { print_failure(out, &failure) } else { Ok(()) }
        })?;
        if shown > SHOWN {
            writeln!(out, "  ... and {} more; --failed lists them all", shown - SHOWN)?;
        }
    }
    if status.partial_files > 0 {
        writeln!(out, "\nkept, but not whole:")?;
        let mut shown = 0;
        each_partial(reader, fps, |partial| {
            shown += 1;
            let notes = partial.notes.replace('\n', "; ");
            let notes = Shown(&notes);
            if shown <= SHOWN { writeln!(out, "  {} [{}]: {notes}", partial.path, partial.gap) } else { Ok(()) }
        })?;
        if shown > SHOWN {
            writeln!(out, "  ... and {} more; --json lists them all", shown - SHOWN)?;
        }
    }
    if status.answers > 0 {
        let cost = status.dollars.map_or_else(|| "an unknown sum".to_owned(), |d| Cost::from_dollars(d).to_string());
        writeln!(
            out,
            "\n{} answers of a provider, for {cost}; 'corpora cost' has the ledger",
            grouped(status.answers)
        )?;
    }
    for change in &status.model_changes {
        writeln!(out, "{}", model_change(change))?;
    }
    if status.open_batches > 0 {
        let (are, them) = if status.open_batches == 1 { ("is", "it") } else { ("are", "them") };
        writeln!(
            out,
            "\n{} {are} not collected; 'corpora batches' lists {them}, the command that made {them} collects {them}",
            counted(status.open_batches, "batch", "batches")
        )?;
    }
    for warning in &status.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    writeln!(out, "\nnext run: {}", status.next)?;
    Ok(())
}

fn print_failure(out: &mut impl Write, failure: &FailureRow) -> std::io::Result<()> {
    let (path, stage, kind) = (&failure.path, failure.stage.name(), Shown(&failure.kind));
    writeln!(out, "  {path} [{stage}, {kind}]: {}", Shown(&failure.message))
}

fn list_failed(reader: &Reader, fps: StageFps, json: bool, out: &mut impl Write) -> Result<Exit, CommandError> {
    each_failure(reader, fps, |failure| {
        if json { writeln!(out, "{}", serde_json::to_string(&failure)?) } else { print_failure(out, &failure) }
    })?;
    out.flush()?;
    Ok(Exit::Done)
}

fn each_partial(
    reader: &Reader,
    fps: StageFps,
    mut each: impl FnMut(PartialRow) -> std::io::Result<()>,
) -> Result<(), CommandError> {
    let mut outcome = Ok(());
    reader.partials(fps[Stage::Parse], |partial| {
        if outcome.is_ok() {
            outcome = each(partial);
        }
    })?;
    Ok(outcome?)
}

fn each_failure(
    reader: &Reader,
    fps: StageFps,
    mut each: impl FnMut(FailureRow) -> std::io::Result<()>,
) -> Result<(), CommandError> {
    let mut outcome = Ok(());
    reader.failures(&fps, |failure| {
        if outcome.is_ok() {
            outcome = each(failure);
        }
    })?;
    Ok(outcome?)
}
