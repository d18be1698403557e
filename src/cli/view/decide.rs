//! Decisions that are made on the page, and what stands.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::exit::CommandError;
use crate::cli::folder::holder;
use crate::engine::{ConsolidateError, Desk, decisions};
use crate::stages::consolidate::{Decision, Decisions, Fate, Ruling, Standing};
use crate::store::MachineDisk;
use crate::values::Entry;

/// What stands on each term, as the page shows it.
pub(super) fn standing(decisions: &Decisions) -> Vec<Value> {
    decisions.standing().map(|(term, standing)| shown(term, standing)).collect()
}

fn shown(term: &str, standing: &Standing) -> Value {
    let (action, to, form) = match &standing.fate {
        None => (None, None, term),
        Some(Fate::Keep) => (Some("keep"), None, term),
        Some(Fate::Drop) => (Some("drop"), None, term),
        Some(Fate::Rename { name, form }) => (Some("rename"), Some(name), form.as_str()),
        Some(Fate::Merge(into)) => (Some("merge"), Some(into), into.as_str()),
    };
    json!({
        "canonical": term, "id": Entry::id_of(term), "text": standing.text, "action": action, "to": to, "form": form,
        "kind": standing.kind, "category": standing.category, "note": standing.note,
        "split": standing.split.iter().collect::<Vec<_>>(),
    })
}

/// Word for what was decided, by which terms are chosen.
pub(super) fn action(standing: &Standing) -> &'static str {
    match standing.fate {
        None => "other",
        Some(Fate::Keep) => "keep",
        Some(Fate::Drop) => "drop",
        Some(Fate::Rename { .. }) => "rename",
        Some(Fate::Merge(_)) => "merge",
    }
}

/// The decisions of a folder as they stand.
///
/// # Errors
/// If their file cannot be used.
pub(super) fn known(folder: &Path) -> Result<Decisions, CommandError> {
    Ok(decisions(folder, jiff::Timestamp::now())?)
}

/// Decisions that the page sends, which are lines of the file without their time.
///
/// # Errors
/// A sentence, if one is none.
fn sent(body: &Value) -> Result<Vec<(String, String, Ruling)>, String> {
    let lines = body["decisions"].as_array().ok_or("there are no \"decisions\" in it")?;
    let read = |line: &Value| {
        let decision: Decision = serde_json::from_value(line.clone()).map_err(|e| e.to_string())?;
        Ok((decision.term, decision.text, decision.ruling))
    };
    lines.iter().map(read).collect()
}

/// Writes the decisions of a request. Those of one request are taken back together.
///
/// # Errors
/// A sentence, if one is none, contradicts another, or cannot be written. Nothing is changed then.
pub(super) fn decide(folder: &Path, body: &Value) -> Result<Decisions, String> {
    let new = sent(body)?;
    at_desk(folder, |desk| desk.append(new))
}

/// Takes the newest decisions back. Returns what stands then, and words for what was taken back.
///
/// # Errors
/// As of [`decide`].
pub(super) fn undo(folder: &Path) -> Result<(Decisions, Vec<String>), String> {
    let (decisions, gone) = at_desk(folder, |desk| desk.undo(None))?;
    Ok((decisions, gone.iter().map(|decision| format!("{}: {}", decision.text, decision.says())).collect()))
}

fn at_desk<T>(folder: &Path, work: impl FnOnce(&Desk<'_>) -> Result<T, ConsolidateError>) -> Result<T, String> {
    let holder = holder("corpora view");
    let desk = Desk { disk: &MachineDisk, folder, holder: &holder, now: jiff::Timestamp::now() };
    work(&desk).map_err(|e| e.to_string())
}
