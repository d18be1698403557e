//! The summary at the end of a run, whatever happened: how it ended, counts, time, where the results are, what to type next.

use super::ending::Ending;
use super::fitted::{shortened, wrapped};
use super::words::{asked, counted, duration, grouped, model_change};
use crate::cli::paint;
use crate::engine::ERROR_LOG;
use crate::values::{Format, Phase, RunOutcome, Shown, Summary};

/// Column in which what is told begins.
const INDENT: usize = 14;

/// Characters of a path that is named again, and the least of them on a narrow screen.
const PATH: (usize, usize) = (48, 24);

/// The summary as a block of text.
pub(super) fn text(summary: &Summary, ending: &Ending) -> String {
    let mut out = String::from("\n");
    let (name, value) = heading(summary);
    row(&mut out, ending, &name, &value);
    for (name, value) in rows(summary, ending) {
        row(&mut out, ending, &format!("{name:<11}"), &value);
    }
    let mut name = "next";
    for (command, what) in next(summary, ending) {
        let line = if what.is_empty() { command } else { format!("{}   {what}", paint::bold(command)) };
        row(&mut out, ending, &format!("{name:<11}"), &line);
        name = "";
    }
    out
}

fn row(out: &mut String, ending: &Ending, name: &str, value: &str) {
    out.push_str(&wrapped(&format!("  {name} {value}"), (ending.columns)(), INDENT));
    out.push('\n');
}

/// Name and value of the first row.
fn heading(summary: &Summary) -> (String, String) {
    let files = counted(summary.documents, "file", "files");
    let through = grouped(summary.succeeded + summary.skipped);
    let time = duration(summary.millis);
    let of = format!("{through} of {files} in {time}");
    match summary.outcome {
        RunOutcome::Complete => (paint::green(format!("{:<11}", "done")), format!("{files} in {time}")),
        RunOutcome::Partial => (paint::yellow(format!("{:<11}", "partly done")), of),
        RunOutcome::Detached => (paint::green(format!("{:<11}", "detached")), of),
        RunOutcome::Interrupted => (paint::yellow(format!("{:<11}", "interrupted")), of),
        RunOutcome::AllFailed => (paint::red(format!("{:<11}", "all failed")), format!("{files} in {time}")),
        RunOutcome::NoDocuments => {
            (paint::red(format!("{:<11}", "nothing")), format!("no {} files were found, in {time}", wanted(summary)))
        }
    }
}

fn rows(summary: &Summary, ending: &Ending) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if summary.succeeded > 0 && summary.succeeded < summary.documents {
        rows.push(("succeeded", grouped(summary.succeeded)));
    }
    if summary.skipped > 0 {
        rows.push(("skipped", format!("{} (done before)", grouped(summary.skipped))));
    }
    if summary.failed > 0 {
        rows.push(("failed", failed(summary, ending)));
    }
    if summary.partial > 0 {
        let what = "kept without the text of some pages; 'corpora status' says which";
        rows.push(("partial", format!("{} ({what})", grouped(summary.partial))));
    }
    if summary.waiting > 0 {
        rows.push(("waiting", grouped(summary.waiting)));
    }
    if summary.ignored > 0 {
        let formats: Vec<String> =
            summary.ignored_formats.iter().map(|(word, files)| format!("{} {word}", grouped(*files))).collect();
        let what = if formats.is_empty() {
            format!("not {}", wanted(summary))
        } else {
            format!("{} among them: --formats all takes such files too", formats.join(", "))
        };
        rows.push(("passed over", format!("{} ({what})", grouped(summary.ignored))));
    }
    if let Some(asked) = &summary.asked {
        rows.push(("asked", self::asked(asked)));
    }
    rows.extend(summary.model_changes.iter().map(|change| ("model", model_change(change))));
    if summary.stages.iter().any(|stage| stage.stage != Phase::Discover && stage.done + stage.failed > 0) {
        let times: Vec<String> =
            summary.stages.iter().map(|s| format!("{} {}", s.stage.name(), duration(s.millis))).collect();
        rows.push(("time", times.join(", ")));
    }
    if summary.terms > 0 {
        let flagged = match summary.flagged {
            0 => String::new(),
            flagged => format!(", {} flagged", grouped(flagged)),
        };
        rows.push(("terms", format!("{}{flagged}", grouped(summary.terms))));
    }
    if !summary.best_terms.is_empty() {
        let terms: Vec<String> = summary.best_terms.iter().map(|term| Shown(term).to_string()).collect();
        rows.push(("best terms", terms.join(", ")));
    }
    if summary.succeeded + summary.skipped > 0 {
        rows.push(("results", format!("in {}, a .vocab.json for each file", ending.folder)));
    }
    if let Some(stop) = &summary.stop {
        rows.push(("stopped", Shown(&stop.message).to_string()));
    }
    rows
}

/// Failures once more, in short: the lines about them may be far above.
fn failed(summary: &Summary, ending: &Ending) -> String {
    if ending.failed.is_empty() {
        return grouped(summary.failed);
    }
    let room = (ending.columns)().map_or(PATH.0, |columns| columns.saturating_sub(INDENT + 4));
    let most = room.clamp(PATH.1, PATH.0);
    let named: Vec<String> = ending
        .failed
        .iter()
        .map(|(path, kind)| format!("{} ({})", shortened(&path.to_string(), most), kind.name()))
        .collect();
    let more = match ending.failures.saturating_sub(ending.failed.len()) {
        0 => String::new(),
        more => format!(" and {} more", grouped(more as u64)),
    };
    format!("{}: {}{more}", grouped(summary.failed), named.join(", "))
}

/// What to type next, each with a word about it.
fn next(summary: &Summary, ending: &Ending) -> Vec<(String, &'static str)> {
    let of = |command: &str| format!("corpora {command} {}", ending.folder);
    match summary.outcome {
        // What stopped it says what to do, and `status` has the command.
        _ if summary.stop.is_some() => vec![(of("status"), "why it stopped, and the command that goes on")],
        RunOutcome::Complete if summary.documents > 1 => vec![
            (of("consolidate"), "one vocabulary of all of them"),
            (of("view"), "the terms in the browser, to look at and decide on"),
        ],
        RunOutcome::Complete => vec![(of("view"), "the terms in the browser, to look at and decide on")],
        RunOutcome::Detached => vec![(of("wait"), "until the provider is done; then the same command collects")],
        RunOutcome::Interrupted => vec![("the same command continues where this run stopped".to_owned(), "")],
        RunOutcome::NoDocuments => vec![(format!("give a folder that holds {} files", wanted(summary)), "")],
        RunOutcome::Partial if summary.waiting > 0 => vec![("the same command continues".to_owned(), "")],
        RunOutcome::Partial | RunOutcome::AllFailed => vec![
            (format!("{} --failed", of("status")), "the reasons"),
            (
                format!(
                    "reasons stand in {}/{ERROR_LOG} too; --retry-failed tries the failed ones again",
                    ending.folder
                ),
                "",
            ),
        ],
    }
}

/// Formats that the run took, as a choice: "PDF or EPUB".
fn wanted(summary: &Summary) -> String {
    Format::listed(summary.formats.iter().copied(), "or")
}
