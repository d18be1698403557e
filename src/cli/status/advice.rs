//! What to do next, from how a folder stands. Pure.

use serde::Serialize;

use super::state::RunState;
use crate::cli::command_line::{Shown, shell_word};
use crate::values::{Cost, RunOutcome, Stop, StopReason};

/// Free bytes below which a disk counts as full.
const FULL: u64 = 1 << 20;

/// Options that ask for something to be done again.
const AGAIN: [&str; 3] = ["--force", "-f", "--only"];

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    /// Command to type; none where only a person can do it.
    pub(super) command: Option<String>,
    /// A word about it.
    pub(super) what: String,
}

impl Step {
    fn by_hand(what: impl Into<String>) -> Self {
        Self { command: None, what: what.into() }
    }

    fn typed(command: &dyn std::fmt::Display, what: impl Into<String>) -> Self {
        Self { command: Some(command.to_string()), what: what.into() }
    }
}

/// Facts that decide about the next step.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) state: RunState,
    /// The output folder, as it was named.
    pub(super) folder: String,
    /// The command of the newest run.
    pub(super) command: Option<Shown>,
    /// True if secrets have to be put into it again.
    pub(super) lacks_secrets: bool,
    pub(super) waiting: u64,
    pub(super) failed: u64,
    /// Documents kept without pages that need recognition, where none could be had.
    pub(super) needs_ocr: u64,
    /// Provider batches that are not collected.
    pub(super) open_batches: u64,
    pub(super) free_bytes: Option<u64>,
    /// Pipeline file that is another one than it was in the newest run.
    pub(super) changed_pipeline: Option<String>,
}

/// What to do next, in order; nothing if nothing is to be done.
pub(super) fn steps(facts: &Facts) -> Vec<Step> {
    let mut steps = Vec::new();
    let folder = shell_word(&facts.folder);
    if let RunState::Running { .. } = facts.state {
        return vec![Step::typed(&format!("corpora status {folder}"), "a run is at work; look again later")];
    }
    let is_full = facts.free_bytes.is_some_and(|free| free < FULL);
    if is_full {
        steps.push(Step::by_hand(format!("the disk of '{}' is full: make room on it first", facts.folder)));
    }
    let stop = match &facts.state {
        RunState::Ended { stop, .. } => stop.as_ref(),
        _ => None,
    };
    if let Some(words) = stop.and_then(by_hand) {
        steps.push(Step::by_hand(words));
    }
    let has_work = facts.waiting > 0 || facts.open_batches > 0 || stop.is_some();
    let broke_off = matches!(facts.state, RunState::Broken { .. } | RunState::Killed { .. });
    let Some(command) = &facts.command else {
        if has_work || broke_off {
            steps.push(Step::by_hand("the command that made this folder goes on with it"));
        }
        return steps;
    };
    if let Some(file) = &facts.changed_pipeline {
        let dry = command.with("--dry-run");
        steps.push(Step::typed(
            &dry,
            format!("'{file}' was changed since: this tells what would be asked again, and its price"),
        ));
        steps.push(Step::typed(command, "this does it"));
    } else if has_work || broke_off {
        if facts.open_batches > 0 {
            let what = "this waits until the provider batches have ended, if you want to";
            steps.push(Step::typed(&format!("corpora wait {folder}"), what));
        }
        let (next, what) = continued(command, stop);
        steps.push(Step::typed(&next, what));
        if stop.is_some_and(|stop| stop.reason == StopReason::BatchLost) {
            let what = "or this, where nothing can be had of them any more: it asks again, and pays for that again";
            steps.push(Step::typed(&command.with("--abandon-batches"), what));
        }
    } else if let RunState::Ended { outcome: RunOutcome::NoDocuments, .. } = facts.state {
        steps.push(Step::by_hand("give a folder that holds documents; --formats all takes more kinds of them"));
        steps.push(Step::typed(command, "then this takes them"));
    }
    let again = || command.without(&AGAIN, &["--stage"]).with("--retry-failed");
    if facts.failed > 0 {
        steps.push(Step::typed(
            &format!("corpora status {folder} --failed"),
            "this tells why documents failed; mend or replace them",
        ));
        steps.push(Step::typed(&again(), "this tries them again"));
    } else if facts.needs_ocr > 0 {
        steps.push(Step::by_hand(
            "pages that are pictures need Tesseract (Debian, Ubuntu: apt-get install tesseract-ocr)",
        ));
        steps.push(Step::typed(&again(), "this reads them"));
    }
    if facts.lacks_secrets && steps.iter().any(|step| step.command.is_some()) {
        steps.push(Step::by_hand(
            "what may hold secrets (--headers, --webhook, --on-end) is kept nowhere: give it again",
        ));
    }
    steps
}

/// What a person has to do before a command helps.
fn by_hand(stop: &Stop) -> Option<&'static str> {
    Some(match stop.reason {
        StopReason::Key => "set a key that the provider takes",
        StopReason::Balance => "put money on the account at the provider, or raise its limit there",
        StopReason::DailyQuota => "wait until the provider counts a new day",
        StopReason::NotFound => "name a model and an address that there are (--model, --base-url)",
        StopReason::Schema | StopReason::BadRequest | StopReason::Useless => {
            "try model and server with 'corpora doctor', and take another model or --structured if it says so"
        }
        StopReason::Unreachable | StopReason::Patience | StopReason::Provider => {
            "wait until the provider answers again ('corpora doctor' asks it)"
        }
        StopReason::NoBatchEndpoint => "leave out --endpoint batch",
        StopReason::BatchLost => "look at 'corpora batches' and at the provider's own list: what was lost there?",
        StopReason::Cap | StopReason::BatchRefused | StopReason::BatchesLeft | StopReason::Standstill => return None,
    })
}

/// The command that goes on, changed as the stop asks for it.
fn continued(command: &Shown, stop: Option<&Stop>) -> (Shown, String) {
    let goes_on = "this goes on where it stopped".to_owned();
    match stop.map(|stop| stop.reason) {
        Some(StopReason::Cap) => {
            let cap = command.value("--max-cost").and_then(|cap| cap.parse::<f64>().ok()).unwrap_or(1.0);
            let twice = format!("{:.2}", (cap * 2.0).max(0.01));
            let what = format!(
                "this goes on until the folder has cost {}; or give another sum",
                Cost::from_dollars(cap * 2.0)
            );
            (command.setting("--max-cost", &twice), what)
        }
        Some(StopReason::NoBatchEndpoint) => (command.without(&["--detach"], &["--endpoint"]), goes_on),
        Some(StopReason::BatchesLeft) => (command.clone(), "this collects them, and asks for what is left".to_owned()),
        _ => (command.clone(), goes_on),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::TypedCommand;

    fn facts(state: RunState) -> Facts {
        let words = ["batch", "books", "-o", "out", "--max-cost", "0.1", "--force"].map(str::to_owned).to_vec();
        let command = TypedCommand { words, ..TypedCommand::default() };
        Facts {
            state,
            folder: "out".into(),
            command: Some(Shown::of(&command, std::path::Path::new("no such folder"))),
            lacks_secrets: false,
            waiting: 0,
            failed: 0,
            needs_ocr: 0,
            open_batches: 0,
            free_bytes: Some(1 << 40),
            changed_pipeline: None,
        }
    }

    fn ended(outcome: RunOutcome, reason: Option<StopReason>) -> RunState {
        RunState::Ended { at_ms: 0, outcome, stop: reason.map(|reason| Stop::new(reason, "words")) }
    }

    fn commands(facts: &Facts) -> Vec<String> {
        steps(facts).into_iter().filter_map(|step| step.command).collect()
    }

    #[test]
    fn what_is_done_needs_nothing() {
        assert_eq!(steps(&facts(ended(RunOutcome::Complete, None))), []);
    }

    #[test]
    fn a_cap_is_raised_and_everything_else_goes_on_as_it_was() {
        let capped = Facts { waiting: 3, ..facts(ended(RunOutcome::Partial, Some(StopReason::Cap))) };
        assert_eq!(commands(&capped), ["corpora batch books -o out --force --max-cost 0.20"]);
        let killed = Facts { waiting: 3, ..facts(RunState::Killed { began_ms: 0 }) };
        assert_eq!(commands(&killed), ["corpora batch books -o out --max-cost 0.1 --force"]);
    }

    #[test]
    fn failed_documents_are_tried_again_without_doing_all_anew() {
        let failed = Facts { failed: 2, ..facts(ended(RunOutcome::Partial, None)) };
        let again = "corpora batch books -o out --max-cost 0.1 --retry-failed";
        assert_eq!(commands(&failed), ["corpora status out --failed", again]);
    }

    #[test]
    fn every_reason_to_stop_has_a_step() {
        for reason in StopReason::ALL {
            let stopped = Facts { waiting: 1, ..facts(ended(RunOutcome::Partial, Some(reason))) };
            assert!(!commands(&stopped).is_empty(), "{reason:?}");
        }
    }

    #[test]
    fn a_full_disk_comes_first() {
        let full = Facts { free_bytes: Some(0), waiting: 1, ..facts(RunState::Killed { began_ms: 0 }) };
        assert!(steps(&full)[0].what.contains("make room"), "{:?}", steps(&full));
    }
}
