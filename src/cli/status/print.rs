//! The status for people: first how the run stands, last what to type.

use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use super::gather::Status;
use super::state::RunState;
use crate::cli::exit::CommandError;
use crate::cli::paint;
use crate::cli::progress::{counted, duration, model_change, wrapped};
use crate::cli::screen;
use crate::store::{FailureRow, PartialRow, Reader, StageFps};
use crate::values::{Cost, RunOutcome, Shown, Stage};

/// Failures that are printed; `--failed` lists all.
const SHOWN: usize = 10;

/// Prints everything.
pub(super) fn print(
    status: &Status,
    reader: &Reader,
    fps: Option<StageFps>,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let width = screen::out_width();
    let row = |out: &mut dyn Write, name: String, words: String| {
        writeln!(out, "{}", wrapped(&format!("{name} {words}"), width, 11))
    };
    let (name, words) = state(status);
    row(out, name, words)?;
    let name = |n: &Option<String>| n.clone().unwrap_or_else(|| "unknown".into());
    let (done, waiting) = status.stages.last().map_or((0, status.files), |last| (last.done, last.waiting));
    let files = format!(
        "{}, {}: {done} done, {waiting} waiting, {} failed; pipeline {}, provider {}",
        counted(status.files, "file", "files"),
        counted(status.documents, "distinct document", "distinct documents"),
        status.failed_files,
        Shown(&name(&status.pipeline)),
        Shown(&name(&status.provider))
    );
    row(out, format!("{:<10}", "files"), files)?;
    if status.ignored > 0 {
        let words = counted(status.ignored, "other file that is no document", "other files that are no documents");
        row(out, format!("{:<10}", "passed by"), words)?;
    }
    if let Some(words) = money(status) {
        row(out, format!("{:<10}", "money"), words)?;
    }
    for change in &status.model_changes {
        row(out, format!("{:<10}", "model"), model_change(change))?;
    }
    if status.open_batches > 0 {
        let (are, them) = if status.open_batches == 1 { ("is", "it") } else { ("are", "them") };
        let words = format!(
            "{} {are} not collected; 'corpora batches' lists {them}",
            counted(status.open_batches, "provider batch", "provider batches")
        );
        row(out, format!("{:<10}", "open"), words)?;
    }
    for note in &status.batch_notes {
        row(out, format!("{:<10}", "batch"), Shown(note).to_string())?;
    }
    for warning in &status.warnings {
        row(out, paint::yellow(format!("{:<10}", "warning")), Shown(warning).to_string())?;
    }
    if !status.stages.is_empty() {
        writeln!(out, "\n{:<10}{:>10}{:>10}{:>10}", "stage", "done", "waiting", "failed")?;
    }
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
    writeln!(out)?;
    let mut name = "next";
    for step in &status.steps {
        row(out, format!("{name:<10}"), Shown(&step.what).to_string())?;
        // In one line, however long: to be copied.
        if let Some(command) = &step.command {
            writeln!(out, "{:<12}{}", "", paint::bold(Shown(command)))?;
        }
        name = "";
    }
    if status.steps.is_empty() {
        row(out, format!("{name:<10}"), status.next.clone())?;
    }
    Ok(())
}

/// Name and words of the first row.
fn state(status: &Status) -> (String, String) {
    let ago = status.last_commit_ms_ago.map(|ago| format!("{} ago", ago_in_words(ago)));
    let commit = ago.map_or_else(String::new, |ago| format!("; last commit {ago}"));
    match &status.run {
        RunState::Unknown => (format!("{:<10}", "state"), "nothing is known of a run".to_owned()),
        RunState::Running { holder } => {
            (paint::green(format!("{:<10}", "running")), format!("{}{commit}", Shown(holder)))
        }
        RunState::Killed { began_ms } => (
            paint::red(format!("{:<10}", "stopped")),
            format!(
                "without a word: the run of {} was killed, or the machine went down{commit}; everything committed is kept",
                moment(*began_ms)
            ),
        ),
        RunState::Broken { at_ms, error } => {
            (paint::red(format!("{:<10}", "stopped")), format!("{}: {}", moment(*at_ms), Shown(error)))
        }
        RunState::Ended { at_ms, outcome, stop } => {
            let at = moment(*at_ms);
            let (name, words) = match outcome {
                RunOutcome::Complete => (paint::green(format!("{:<10}", "done")), "all of it"),
                RunOutcome::Detached => (paint::green(format!("{:<10}", "detached")), "all of it is at the provider"),
                RunOutcome::Partial => (paint::yellow(format!("{:<10}", "stopped")), "partly done"),
                RunOutcome::Interrupted => (paint::yellow(format!("{:<10}", "stopped")), "interrupted"),
                RunOutcome::AllFailed => (paint::red(format!("{:<10}", "stopped")), "every document failed"),
                RunOutcome::NoDocuments => (paint::red(format!("{:<10}", "stopped")), "no documents were found"),
            };
            let words = stop.as_ref().map_or_else(|| words.to_owned(), |stop| Shown(&stop.message).to_string());
            (name, format!("{at}: {words}"))
        }
    }
}

fn moment(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn ago_in_words(millis: u64) -> String {
    // Parts of a second say nothing here.
    duration(Duration::from_millis(millis).as_secs().max(1) * 1000).replace(".0 s", " s")
}

/// Money: spent, owed, open.
fn money(status: &Status) -> Option<String> {
    if status.answers == 0 && status.open_batches == 0 && status.lost_dollars_at_most == Some(0.0) {
        return None;
    }
    let sum = |dollars: Option<f64>| {
        dollars.map_or_else(|| "an unknown sum".to_owned(), |d| Cost::from_dollars(d).to_string())
    };
    let mut words = format!("{} for {}", sum(status.dollars), counted(status.answers, "answer", "answers"));
    if status.lost_dollars_at_most != Some(0.0) {
        let _ = write!(words, ", and up to {} for requests that broke off", sum(status.lost_dollars_at_most));
    }
    if status.open_batches > 0 {
        let _ = write!(words, ", and up to {} in open provider batches", sum(status.open_dollars_at_most));
    }
    Some(format!("{words}; 'corpora cost' has the ledger"))
}

/// Prints a line about a failure.
///
/// # Errors
/// If nobody reads any more.
pub(super) fn print_failure(out: &mut impl Write, failure: &FailureRow) -> std::io::Result<()> {
    let (path, stage, kind) = (&failure.path, failure.stage.name(), Shown(&failure.kind));
    writeln!(out, "  {path} [{stage}, {kind}]: {}", Shown(&failure.message))
}

/// Hands over every document that was kept in part.
///
/// # Errors
/// If the store cannot be read, or nobody reads any more.
pub(super) fn each_partial(
    reader: &Reader,
    fps: Option<StageFps>,
    mut each: impl FnMut(PartialRow) -> std::io::Result<()>,
) -> Result<(), CommandError> {
    let Some(fps) = fps else { return Ok(()) };
    let mut outcome = Ok(());
    reader.partials(fps[Stage::Parse], |partial| {
        if outcome.is_ok() {
            outcome = each(partial);
        }
    })?;
    Ok(outcome?)
}

/// Hands over every failure.
///
/// # Errors
/// If the store cannot be read, or nobody reads any more.
pub(super) fn each_failure(
    reader: &Reader,
    fps: Option<StageFps>,
    mut each: impl FnMut(FailureRow) -> std::io::Result<()>,
) -> Result<(), CommandError> {
    let Some(fps) = fps else { return Ok(()) };
    let mut outcome = Ok(());
    reader.failures(&fps, |failure| {
        if outcome.is_ok() {
            outcome = each(failure);
        }
    })?;
    Ok(outcome?)
}
