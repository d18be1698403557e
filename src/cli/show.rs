//! `corpora show DIR DOCUMENT`.

use std::io::Write;

use serde_json::{Value, json};

use super::args::ShowArgs;
use super::exit::{CommandError, Exit};
use super::progress::counted;
use super::saved::saved_fps;
use super::screen;
use crate::store::{DocumentRow, Reader, StageFps, StageState, Store};
use crate::values::{Shown, Stage};

/// Prints one document's way through the stages.
pub(super) fn run(args: &ShowArgs) -> Result<Exit, CommandError> {
    let store = Store::open_existing(&args.dir)?;
    let reader = store.reader()?;
    let fps = saved_fps(&reader, &args.dir)?;
    let matches = find(&reader, fps, &args.document)?;
    let [row] = &matches[..] else {
        let message = match matches.len() {
            0 => format!(
                "no document of '{}' is called '{}'; 'corpora status {0} --json' lists them",
                args.dir.display(),
                args.document
            ),
            n => format!(
                "{n} documents fit '{}': {}; give more of the path",
                args.document,
                matches.iter().take(5).map(|r| r.path.to_string()).collect::<Vec<_>>().join(", ")
            ),
        };
        return Err(CommandError::bad_input(message));
    };
    if args.json {
        screen::print_json(&as_json(&reader, fps, row)?)?;
        return Ok(Exit::Done);
    }
    let mut out = screen::out();
    writeln!(out, "{}", row.path)?;
    writeln!(out, "  content   {} ({})", row.sha.hex(), counted(row.bytes, "byte", "bytes"))?;
    for stage in Stage::of_documents() {
        let state = match reader.stage_of(fps[stage], row.doc)? {
            None => "waiting".to_owned(),
            Some(found) => {
                let at = jiff::Timestamp::from_millisecond(found.at_ms).unwrap_or_default();
                let attempts = if found.attempts > 1 { format!(", attempt {}", found.attempts) } else { String::new() };
                let terms = if found.terms > 0 { format!(", {}", terms(found.terms)) } else { String::new() };
                let stored = found
                    .stored_bytes
                    .map_or_else(String::new, |n| format!(", {} stored", counted(n, "byte", "bytes")));
                let lines = |m: String| m.lines().map(|l| format!("\n            {}", Shown(l))).collect();
                let message: String = found.message.map_or_else(String::new, lines);
                match found.state {
                    StageState::Done => {
                        let partial = found.kind.map_or_else(String::new, |gap| format!(", partial: {gap}"));
                        format!("done      {at:.0}{attempts}{terms}{stored}{partial}{message}")
                    }
                    StageState::Failed => {
                        format!("failed    {at:.0}{attempts}, {}{message}", found.kind.unwrap_or_default())
                    }
                    StageState::Waiting => format!("waiting   to be done again{stored}"),
                }
            }
        };
        writeln!(out, "  {:<9} {state}", stage.name())?;
    }
    let written = match (&row.failure, row.written, &row.output) {
        (Some((kind, message)), _, _) => format!("failed    {kind}: {}", Shown(message)),
        (None, true, Some(output)) => format!("done      {} ({})", Shown(output), terms(row.terms)),
        _ => "waiting".to_owned(),
    };
    writeln!(out, "  {:<9} {written}", Stage::Write.name())?;
    Ok(Exit::Done)
}

fn terms(count: u64) -> String {
    counted(count, "term", "terms")
}

/// The same as JSON: `schemas/show.schema.json`.
fn as_json(reader: &Reader, fps: StageFps, row: &DocumentRow) -> Result<Value, CommandError> {
    let mut stages = Vec::new();
    for stage in Stage::of_documents() {
        let found = reader.stage_of(fps[stage], row.doc)?;
        let state = match found.as_ref().map(|found| found.state) {
            Some(StageState::Done) => "done",
            Some(StageState::Failed) => "failed",
            Some(StageState::Waiting) | None => "waiting",
        };
        stages.push(json!({
            "stage": stage.name(),
            "state": state,
            "at_ms": found.as_ref().map(|f| f.at_ms),
            "attempts": found.as_ref().map(|f| f.attempts),
            "terms": found.as_ref().map(|f| f.terms),
            "stored_bytes": found.as_ref().and_then(|f| f.stored_bytes),
            "kind": found.as_ref().and_then(|f| f.kind.clone()),
            "message": found.as_ref().and_then(|f| f.message.clone()),
        }));
    }
    let state = match (&row.failure, row.written) {
        (Some(_), _) => "failed",
        (None, true) => "done",
        (None, false) => "waiting",
    };
    let message = row.failure.as_ref().map(|(_, message)| message);
    stages.push(json!({"stage": Stage::Write.name(), "state": state, "terms": row.terms, "message": message}));
    Ok(json!({
        "path": row.path, "sha256": row.sha.hex(), "bytes": row.bytes, "output": row.output, "stages": stages,
    }))
}

/// Documents whose path is `wanted` or ends with it, or whose hash begins with it; an exact path wins alone.
fn find(reader: &Reader, fps: StageFps, wanted: &str) -> Result<Vec<DocumentRow>, CommandError> {
    let (mut after, mut matches) = (String::new(), Vec::new());
    loop {
        let page = reader.documents_after(fps[Stage::Write], &after, 256)?;
        let Some(last) = page.last() else { return Ok(matches) };
        last.path.as_str().clone_into(&mut after);
        for row in page {
            if row.path.as_str() == wanted {
                return Ok(vec![row]);
            }
            let is_end = row.path.as_str().strip_suffix(wanted).is_some_and(|before| before.ends_with('/'));
            let is_hash = wanted.len() >= 6 && row.sha.hex().starts_with(&wanted.to_ascii_lowercase());
            if is_end || is_hash {
                matches.push(row);
            }
        }
    }
}
