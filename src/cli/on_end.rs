//! The end of a run, told to whoever waits for it: a command, an address, the bell. Exactly once for each run, whichever way it ends, but
//! for one that is killed.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::exit::{CommandError, Exit};
use super::screen;
use crate::remote::Webhook;
use crate::settings::{EndSettings, SettingsError};
use crate::values::{Shown, Summary};

/// Time that a command gets before it is left alone.
const TIME: Duration = Duration::from_secs(60);

/// Whom the end of the run that is going on is told to; none once it is told.
static WAITING: Mutex<Option<Waiting>> = Mutex::new(None);

/// Whom an end is told to.
struct Waiting {
    command: Option<String>,
    webhook: Option<Webhook>,
    bell: bool,
    folder: String,
}

/// Remembers whom the end of the run that begins now is told to. `folder` is its output folder.
///
/// # Errors
/// If one of them cannot be told anything.
pub(super) fn wait_for(settings: &EndSettings, folder: String) -> Result<(), SettingsError> {
    let waiting =
        Waiting { command: settings.on_end.clone(), webhook: settings.webhook()?, bell: settings.bell, folder };
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
    if let Some(Err(words)) = waiting.command.as_deref().map(|command| run(command, &body)) {
        trouble.push(format!("the command of --on-end {words}"));
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

/// Runs a command with `body` on its standard input. Keys of providers are not in its environment.
fn run(command: &str, body: &str) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().ends_with("_API_KEY")) {
        shell.env_remove(name);
    }
    let mut child = shell.spawn().map_err(|e| format!("cannot be started: {e}"))?;
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
