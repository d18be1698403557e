//! The end of a run, told to whoever waits for it: a command, an address, the desktop, the bell. Exactly once for each run, whichever way it ends, but
//! for one that is killed.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::exit::{CommandError, Exit};
use super::progress::{counted, grouped};
use super::screen;
use crate::remote::Webhook;
use crate::settings::{EndSettings, SettingsError};
use crate::values::{RunOutcome, Shown, Summary};

/// Time that a command gets before it is left alone.
const TIME: Duration = Duration::from_secs(60);

/// Whom the end of the run that is going on is told to; none once it is told.
static WAITING: Mutex<Option<Waiting>> = Mutex::new(None);

/// Whom an end is told to.
struct Waiting {
    command: Option<String>,
    webhook: Option<Webhook>,
    desktop: bool,
    bell: bool,
    folder: String,
}

/// Remembers whom the end of the run that begins now is told to. `folder` is its output folder.
///
/// # Errors
/// If one of them cannot be told anything.
pub(super) fn wait_for(settings: &EndSettings, folder: String) -> Result<(), SettingsError> {
    let waiting = Waiting {
        command: settings.on_end.clone(),
        webhook: settings.webhook()?,
        desktop: settings.desktop_note,
        bell: settings.bell,
        folder,
    };
    *WAITING.lock().expect("no panic while the lock is held") = Some(waiting);
    Ok(())
}

/// Tells the end of a run that has come to one.
pub(super) fn tell(outcome: &Result<(Exit, Summary), CommandError>) {
    match outcome {
        Ok((exit, summary)) => tell_once(*exit, Some(summary), None),
        Err(error) => tell_once(error.exit, None, Some(&error.message)),
    }
}

/// Tells the end of a run that ends in the midst of things.
pub(super) fn tell_of_leaving(exit: Exit, why: &str) {
    tell_once(exit, None, Some(why));
}

fn tell_once(exit: Exit, summary: Option<&Summary>, error: Option<&str>) {
    let waiting = WAITING.lock().expect("no panic while the lock is held").take();
    let Some(waiting) = waiting else { return };
    let body = end(&waiting.folder, exit, summary, error).to_string();
    let mut trouble = Vec::new();
    if let Some(Err(words)) = waiting.command.as_deref().map(|command| run(shell(command), &body)) {
        trouble.push(format!("the command of --on-end {words}"));
    }
    if waiting.desktop
        && let Err(words) = run(note(&title(&waiting.folder, summary), &text(summary, error)), "")
    {
        trouble.push(format!("the desktop shows no note: {NOTES} {words}"));
    }
    if let Some(Err(words)) = waiting.webhook.map(|webhook| webhook.post(body)) {
        trouble.push(format!("the address of --webhook was not told: {words}"));
    }
    for words in trouble {
        let _ = writeln!(screen::err(), "corpora: warning: {}", Shown(&words));
    }
    if waiting.bell {
        screen::ring();
    }
}

/// The end as JSON: `schemas/run-end.schema.json`.
fn end(folder: &str, exit: Exit, summary: Option<&Summary>, error: Option<&str>) -> Value {
    let summary = summary.map(|summary| json!(summary));
    let outcome = summary.as_ref().map_or_else(|| json!("error"), |summary| summary["outcome"].clone());
    json!({
        "schema_version": 1,
        "corpora_version": env!("CARGO_PKG_VERSION"),
        "folder": folder,
        "exit_code": exit as u8,
        "outcome": outcome,
        "stop_reason": summary.as_ref().map_or(Value::Null, |summary| summary["stop_reason"].clone()),
        "error": error,
        "summary": summary,
    })
}

/// A person's own command.
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]);
    shell
}

/// Program that shows notes: it comes with the desktop, where a crate that speaks to the desktop itself brings fourteen others with it.
const NOTES: &str = if cfg!(target_os = "macos") { "osascript" } else { "notify-send" };

/// A note on the desktop. Both programs take words as they are, but in the text of a note a desktop may see markup.
fn note(title: &str, text: &str) -> Command {
    let mut command = Command::new(NOTES);
    if cfg!(target_os = "macos") {
        for line in ["on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run"] {
            command.args(["-e", line]);
        }
    } else {
        command.args(["--app-name=corpora", "--"]);
    }
    command.args([title, text]);
    command
}

/// Title of a note: the folder, and how the run ended.
fn title(folder: &str, summary: Option<&Summary>) -> String {
    let outcome = match summary.map(|summary| summary.outcome) {
        None => "ended with an error",
        Some(RunOutcome::Complete) => "done",
        Some(RunOutcome::Partial) => "partly done",
        Some(RunOutcome::Detached) => "detached, all is at the provider",
        Some(RunOutcome::Interrupted) => "interrupted",
        Some(RunOutcome::AllFailed) => "every document failed",
        Some(RunOutcome::NoDocuments) => "no documents were found",
    };
    format!("corpora: {} {outcome}", Shown(folder))
}

/// Text of a note: counts, and no words from outside, which might be taken for markup.
fn text(summary: Option<&Summary>, error: Option<&str>) -> String {
    let Some(summary) = summary else { return error.map_or("", |_| "'corpora status' says why").to_owned() };
    let done = summary.succeeded + summary.skipped;
    let files = counted(summary.documents, "file", "files");
    let failed = if summary.failed > 0 { format!(", {} failed", grouped(summary.failed)) } else { String::new() };
    let why = if summary.stop.is_some() { "; 'corpora status' says why it stopped" } else { "" };
    format!("{} of {files} done{failed}{why}", grouped(done))
}

/// Runs a command with `body` on its standard input. Keys of providers are not in its environment.
fn run(mut command: Command, body: &str) -> Result<(), String> {
    command.stdin(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().ends_with("_API_KEY")) {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|e| format!("cannot be started: {e}"))?;
    if let Some(mut input) = child.stdin.take() {
        // It need not read it.
        let _ = input.write_all(body.as_bytes());
    }
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("ended with {status}")),
            Ok(None) if began.elapsed() > TIME => return Err("is still at work, and is left alone".to_owned()),
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Err(e) => return Err(format!("cannot be waited for: {e}")),
        }
    }
}
