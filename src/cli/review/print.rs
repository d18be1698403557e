//! A term as a review shows it.

use std::io::{Result, Write};

use crate::cli::paint;
use crate::stages::consolidate::{Decisions, Fate};
use crate::values::{MasterEntry, MasterOccurrence, Shown, plural};

/// Passages of a term that are shown.
const PASSAGES: usize = 4;

/// Sources that are named.
const SOURCES: usize = 5;

pub(super) fn term(
    out: &mut impl Write,
    entry: &MasterEntry,
    decisions: &Decisions,
    (place, of): (usize, usize),
) -> Result<()> {
    let flag = entry.ip_flag.as_deref().map(|flag| paint::yellow(Shown(flag))).unwrap_or_default();
    writeln!(out, "\n[{place}/{of}] {}   {flag}", paint::bold(Shown(&entry.text)))?;
    let kinds: Vec<&str> = [&entry.category, &entry.kind].into_iter().filter_map(|v| v.as_deref()).collect();
    if !kinds.is_empty() {
        writeln!(out, "    {}", Shown(&kinds.join(", ")))?;
    }
    if let Some(definition) = &entry.definition {
        writeln!(out, "    {}", Shown(definition))?;
    }
    let other: Vec<String> = entry.variants.iter().map(|v| format!("{} ({})", Shown(&v.text), v.documents)).collect();
    if other.len() > 1 {
        writeln!(out, "    spelt: {}", other.join(", "))?;
    }
    if !entry.aliases.is_empty() {
        writeln!(out, "    also: {}", Shown(&entry.aliases.join(", ")))?;
    }
    let sources: Vec<&str> = entry.sources.iter().take(SOURCES).map(String::as_str).collect();
    let more = if entry.sources.len() > SOURCES { ", ..." } else { "" };
    writeln!(
        out,
        "    {} in {}: {}{more}",
        plural(entry.occurrence_count, "place", "places"),
        plural(entry.document_count, "document", "documents"),
        Shown(&sources.join(", "))
    )?;
    for occurrence in told(entry) {
        let place = &occurrence.place;
        let at = format!("{} {} of {}", place.section_kind.name(), place.section, occurrence.source);
        writeln!(out, "    - {}   {}", Shown(&place.sentence), paint::faint(Shown(&at)))?;
    }
    for conflict in &entry.conflicts {
        let sides: Vec<String> =
            conflict.values.iter().map(|v| format!("{} ({})", Shown(&v.value), v.documents)).collect();
        writeln!(out, "    documents disagree on {}: {}", Shown(&conflict.field), sides.join("; "))?;
    }
    standing(out, &entry.canonical, decisions)
}

/// The longest sentences, as they stand, each once.
fn told(entry: &MasterEntry) -> Vec<&MasterOccurrence> {
    let mut all: Vec<(usize, &MasterOccurrence)> = entry.occurrences.iter().enumerate().collect();
    all.sort_by_key(|(n, o)| (std::cmp::Reverse(o.place.sentence.len()), *n));
    all.dedup_by(|a, b| a.1.place.sentence == b.1.place.sentence);
    all.truncate(PASSAGES);
    all.sort_by_key(|(n, _)| *n);
    all.into_iter().map(|(_, o)| o).collect()
}

fn standing(out: &mut impl Write, canonical: &str, decisions: &Decisions) -> Result<()> {
    let Some(standing) = decisions.on(canonical) else { return Ok(()) };
    let mut said = Vec::new();
    match &standing.fate {
        Some(Fate::Keep) => said.push("keep".to_owned()),
        Some(Fate::Drop) => said.push("drop".to_owned()),
        Some(Fate::Rename { name, .. }) => said.push(format!("rename {}", Shown(name))),
        Some(Fate::Merge(into)) => said.push(format!("merge into {}", Shown(into))),
        None => {}
    }
    said.extend(standing.kind.as_ref().map(|kind| format!("kind {}", Shown(kind))));
    said.extend(standing.category.as_ref().map(|category| format!("category {}", Shown(category))));
    said.extend(standing.split.keys().map(|spelling| format!("split {}", Shown(spelling))));
    if !said.is_empty() {
        writeln!(out, "    decided: {}", said.join(", "))?;
    }
    if let Some(note) = &standing.note {
        writeln!(out, "    notes: {}", Shown(note))?;
    }
    Ok(())
}
