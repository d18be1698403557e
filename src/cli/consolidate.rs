//! `corpora consolidate DIR`.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::exit::{CommandError, Exit};
use super::folder::trusted;
use super::progress::{counted, duration, grouped};
use super::screen;
use super::vocabulary_args::ConsolidateArgs;
use crate::engine::{ConsolidateConfig, ConsolidateError, ConsolidateStep, Consolidated, OrphanState, consolidate};
use crate::store::MachineDisk;
use crate::values::{DECISIONS_FILE, MASTER_FILE, REVIEW_FILE, Shown, VARIANTS_FILE, plural};

/// Names of files that are shown of each kind.
const SHOWN: usize = 10;

impl From<ConsolidateError> for CommandError {
    fn from(error: ConsolidateError) -> Self {
        match error {
            ConsolidateError::Store(error) => error.into(),
            ConsolidateError::Empty(_) => Self { exit: Exit::NoDocuments, message: error.to_string() },
            ConsolidateError::Unusable(_) | ConsolidateError::Io { .. } => Self::bad_input(error),
        }
    }
}

/// Makes the master and says what changed.
pub(super) fn run(args: &ConsolidateArgs, holder: &str) -> Result<Exit, CommandError> {
    let config = ConsolidateConfig {
        disk: Arc::new(MachineDisk),
        folder: trusted(args.folder.existing()?)?,
        remove_orphans: args.remove_orphans,
        anew: args.anew,
        holder: holder.to_owned(),
        now: jiff::Timestamp::now(),
    };
    let started = Instant::now();
    let mut shown = started;
    let watched = screen::is_watched();
    let result = consolidate(&config, &mut |step| {
        if watched && shown.elapsed() > Duration::from_secs(1) {
            shown = Instant::now();
            let words = match step {
                ConsolidateStep::Looked(n) => counted(n, "file", "files"),
                ConsolidateStep::Merged(n) => counted(n, "term", "terms"),
            };
            screen::in_place(&words);
        }
    })?;
    if args.json {
        screen::print_json(&as_json(&result))?;
        return Ok(if result.unusable.is_empty() { Exit::Done } else { Exit::Partial });
    }
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    list(&mut screen::err(), &result.unusable, |(path, reason)| {
        format!("left out  {}: {}", Shown(path), Shown(reason))
    })?;
    tell(&mut screen::notes(args.quiet.quiet), &config, &result, millis)?;
    Ok(if result.unusable.is_empty() { Exit::Done } else { Exit::Partial })
}

/// The outcome as JSON: `schemas/consolidated.schema.json`.
fn as_json(r: &Consolidated) -> serde_json::Value {
    let m = &r.metadata;
    let unusable: Vec<_> =
        r.unusable.iter().map(|(path, why)| serde_json::json!({"path": path, "reason": why})).collect();
    let orphans: Vec<&String> = r.orphans.iter().map(|(path, _)| path).collect();
    serde_json::json!({
        "files": r.files, "read": r.read, "gone": r.gone, "copies": r.copies, "edited": r.edited, "unusable": unusable,
        "orphans": orphans, "terms": m.term_count, "documents": m.document_count, "added": r.added, "changed": r.changed,
        "removed": r.removed, "waiting": r.waiting, "renamed": m.renamed_count, "dropped": m.dropped_count,
        "conflicts": m.conflict_count, "replaced": r.replaced, "carried": r.carried, "absent": r.absent,
    })
}

fn tell(out: &mut dyn Write, config: &ConsolidateConfig, r: &Consolidated, millis: u64) -> std::io::Result<()> {
    let m = &r.metadata;
    list(out, &r.edited, |path| {
        format!("edited    {}: edited by hand since it was written; taken as it is", Shown(path))
    })?;
    list(out, &r.orphans, |(path, state)| match (state, config.remove_orphans) {
        (OrphanState::Edited, _) => {
            format!("orphan    {}: its source is gone, but somebody has edited it; kept, with its terms", Shown(path))
        }
        (_, true) => format!("removed   {}: its source is gone", Shown(path)),
        (_, false) => {
            format!("orphan    {}: its source is gone; --remove-orphans takes it and its terms away", Shown(path))
        }
    })?;
    list(out, &r.absent, |term| {
        format!("absent    {}: a decision speaks of it, and no document has it now", Shown(term))
    })?;
    if r.carried > 0 {
        writeln!(
            out,
            "taken     {} of {REVIEW_FILE}, into {DECISIONS_FILE}",
            plural(r.carried, "decision", "decisions")
        )?;
    }
    writeln!(
        out,
        "files     {} ({} read, {} as before), {} gone, {} about copies of other sources",
        grouped(r.files),
        grouped(r.read),
        grouped(r.files - r.read),
        grouped(r.gone),
        grouped(r.copies)
    )?;
    let change = if r.replaced { "" } else { "; the master is as it was" };
    writeln!(
        out,
        "terms     {} of {}: {} added, {} changed, {} removed{change}",
        grouped(m.term_count),
        counted(m.document_count, "document", "documents"),
        grouped(r.added),
        grouped(r.changed),
        grouped(r.removed)
    )?;
    writeln!(
        out,
        "flagged   {} waiting for a decision, {} renamed, {} dropped; {} with conflicts",
        grouped(r.waiting),
        grouped(m.renamed_count),
        grouped(m.dropped_count),
        counted(m.conflict_count, "term", "terms")
    )?;
    writeln!(out, "took      {}, for {MASTER_FILE}, {REVIEW_FILE} and {VARIANTS_FILE}", duration(millis))?;
    if r.waiting > 0 {
        writeln!(out, "next      corpora review {0}, then corpora consolidate {0}", config.folder.display())?;
    }
    Ok(())
}

fn list<T>(out: &mut dyn Write, items: &[T], line: impl Fn(&T) -> String) -> std::io::Result<()> {
    for item in items.iter().take(SHOWN) {
        writeln!(out, "{}", line(item))?;
    }
    match items.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "          and {} more of them", grouped(more as u64)),
    }
}
