//! Decisions that stand in the review queue, `flagged.json`: files of before have them, and people write them there.

use std::collections::BTreeMap;

use super::line::Ruling;
use super::standing::Decisions;
use crate::stages::extract::local::canonical_form;
use crate::values::{REVIEW_FILE, REVIEW_SCHEMA_VERSION, ReviewEntry, ReviewQueue, Verdict};

/// The decisions and notes of a queue, as those of `decisions.jsonl` are: about a term, its text and what is decided.
pub fn carried(queue: &ReviewQueue) -> Vec<(String, String, Ruling)> {
    let of = |entry: &ReviewEntry| {
        let ruling = entry.decision.map(|verdict| match verdict {
            Verdict::Keep => Ruling::Keep,
            Verdict::Drop => Ruling::Drop,
            Verdict::Rename => Ruling::Rename(name_of(entry)),
        });
        let note = entry.notes.as_deref().map(str::trim).filter(|note| !note.is_empty());
        let note = note.map(|note| Ruling::Note(note.to_owned()));
        let about = |ruling| (entry.canonical.clone(), entry.text.clone(), ruling);
        ruling.into_iter().chain(note).map(about).collect::<Vec<_>>()
    };
    queue.entries.iter().flat_map(of).collect()
}

/// The queue without what was carried over.
pub fn cleared(mut queue: ReviewQueue) -> ReviewQueue {
    queue.entries.retain(|entry| entry.flag.is_some());
    for entry in &mut queue.entries {
        (entry.decision, entry.rename_to, entry.notes) = (None, None, None);
    }
    queue
}

/// The terms of a queue that nothing was decided on.
pub fn waiting(queue: &ReviewQueue, decisions: &Decisions) -> u64 {
    let waits = |entry: &&ReviewEntry| {
        entry.flag.is_some() && decisions.on(&entry.canonical).is_none_or(|standing| standing.fate.is_none())
    };
    queue.entries.iter().filter(waits).count() as u64
}

fn name_of(entry: &ReviewEntry) -> String {
    entry.rename_to.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Holds the decisions of a queue against each other.
///
/// # Errors
/// A sentence about two decisions that contradict each other, naming both, or about one that is not whole.
fn check_entries(queue: &ReviewQueue) -> Result<(), String> {
    let mut known: BTreeMap<&str, (usize, &ReviewEntry)> = BTreeMap::new();
    for (n, entry) in (1..).zip(&queue.entries) {
        check(n, entry)?;
        if let Some((first, other)) = known.insert(&entry.canonical, (n, entry))
            && says(other) != says(entry)
        {
            return Err(format!(
                "'{}' is decided on twice: entry {first} says {}, entry {n} says {}; take one of them out",
                entry.canonical,
                says(other),
                says(entry)
            ));
        }
    }
    for (canonical, (n, entry)) in known.iter().filter(|(_, (_, e))| e.decision == Some(Verdict::Rename)) {
        let name = name_of(entry);
        let target = canonical_form(&name);
        if let Some((other, holder)) = known.get(target.as_str())
            && target != *canonical
            && matches!(holder.decision, Some(Verdict::Drop | Verdict::Rename))
        {
            return Err(format!(
                "entry {n} renames '{}' to '{name}', but entry {other} says {} of '{}'; give another name, or change that decision",
                entry.text,
                says(holder),
                holder.text
            ));
        }
    }
    Ok(())
}

fn says(entry: &ReviewEntry) -> String {
    match (entry.decision, &entry.rename_to) {
        (None, _) => "nothing".to_owned(),
        (Some(Verdict::Rename), Some(name)) => format!("rename to '{name}'"),
        (Some(verdict), _) => verdict.name().to_owned(),
    }
}

fn check(n: usize, entry: &ReviewEntry) -> Result<(), String> {
    let name = entry.rename_to.as_deref().filter(|name| !name.trim().is_empty());
    match (entry.decision, name) {
        (Some(Verdict::Rename), None) => {
            Err(format!("entry {n} says rename of '{}' but gives no name; write it into \"rename_to\"", entry.text))
        }
        (Some(Verdict::Rename), Some(name)) if canonical_form(name).is_empty() => {
            Err(format!("entry {n} renames '{}' to '{name}', which has no word", entry.text))
        }
        (Some(verdict @ (Verdict::Keep | Verdict::Drop)), Some(name)) => Err(format!(
            "entry {n} says {} of '{}' and renames it to '{name}'; say \"rename\", or take \"rename_to\" out",
            verdict.name(),
            entry.text
        )),
        _ if entry.canonical.is_empty() => Err(format!("entry {n} ('{}') has an empty \"canonical\"", entry.text)),
        _ => Ok(()),
    }
}

/// Reads a review queue, which people may have edited, and holds its decisions against each other.
///
/// # Errors
/// A sentence with the file's name and what is wrong.
pub fn check_queue(bytes: &[u8]) -> Result<ReviewQueue, String> {
    let named = |e: String| format!("{REVIEW_FILE}: {e}");
    let queue: ReviewQueue = serde_json::from_slice(bytes).map_err(|e| {
        named(format!("it cannot be read ({e}); mend it, or move it away and consolidate again to have a new one"))
    })?;
    if queue.schema_version != REVIEW_SCHEMA_VERSION {
        return Err(named(format!(
            "it has schema version {}, and this program knows {REVIEW_SCHEMA_VERSION}; use the version of corpora that wrote it",
            queue.schema_version
        )));
    }
    check_entries(&queue).map_err(named)?;
    Ok(queue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(canonical: &str, decision: Option<Verdict>, rename_to: Option<&str>) -> ReviewEntry {
        ReviewEntry {
            canonical: canonical.into(),
            text: canonical.into(),
            flag: None,
            category: None,
            definition: None,
            sentence: None,
            document_count: 1,
            sources: vec![],
            decision,
            rename_to: rename_to.map(str::to_owned),
            notes: None,
        }
    }

    fn of(entries: Vec<ReviewEntry>) -> Result<Decisions, String> {
        let queue = ReviewQueue { schema_version: 1, entries };
        check_entries(&queue)?;
        let at = "2026-11-27T10:00:00Z".parse().unwrap();
        Decisions::default().with(carried(&queue), at).map_err(|e| e.to_string())
    }

    #[test]
    fn decisions_that_contradict_each_other_are_both_named() {
        use Verdict::{Drop, Keep, Rename};
        let error = |entries| of(entries).unwrap_err();
        let twice = error(vec![entry("orc", Some(Keep), None), entry("orc", Some(Drop), None)]);
        assert!(twice.contains("entry 1 says keep, entry 2 says drop"), "{twice}");
        let to_dropped = error(vec![entry("orc", Some(Rename), Some("Tuskers")), entry("tusker", Some(Drop), None)]);
        assert!(to_dropped.contains("renames 'orc'") && to_dropped.contains("drop of 'tusker'"), "{to_dropped}");
        let chain = error(vec![entry("a b", Some(Rename), Some("b c")), entry("b c", Some(Rename), Some("d e"))]);
        assert!(chain.contains("'a b'") && chain.contains("rename to 'd e' of 'b c'"), "{chain}");
        let spelling =
            error(vec![entry("a b", Some(Rename), Some("Cave Eel")), entry("b c", Some(Rename), Some("cave eels"))]);
        assert!(spelling.contains("'Cave Eel'") && spelling.contains("'cave eels'"), "{spelling}");
        assert!(error(vec![entry("orc", Some(Rename), None)]).contains("gives no name"));
        assert!(error(vec![entry("orc", Some(Rename), Some("--"))]).contains("no word"));
        assert!(error(vec![entry("orc", Some(Keep), Some("Tusker"))]).contains("says keep of 'orc' and renames it"));
    }

    #[test]
    fn decisions_that_agree_are_kept_by_canonical_form() {
        use super::super::standing::Fate;
        use Verdict::{Drop, Rename};
        let decisions = of(vec![
            entry("orc", Some(Rename), Some("Tuskers")),
            entry("orc", Some(Rename), Some("Tuskers")),
            entry("elf", Some(Drop), None),
            entry("wyrm", None, None),
            entry("mind flayer", Some(Rename), Some("Mind-Flayer")),
        ])
        .unwrap();
        let fate = |term: &str| decisions.on(term).and_then(|standing| standing.fate.clone());
        assert_eq!(fate("orc"), Some(Fate::Rename { name: "Tuskers".into(), form: "tusker".into() }));
        assert_eq!((fate("elf"), fate("wyrm")), (Some(Fate::Drop), None));
        assert!(fate("mind flayer").is_some() && decisions.moves());
    }

    #[test]
    fn what_was_carried_over_waits_no_longer_and_the_rest_does() {
        let flagged =
            |name: &str, verdict| ReviewEntry { flag: Some("blocklist:x".into()), ..entry(name, verdict, None) };
        let noted = ReviewEntry { notes: Some("seen".into()), ..flagged("elk", None) };
        let queue = ReviewQueue { schema_version: 1, entries: vec![flagged("orc", Some(Verdict::Keep)), noted] };
        let at = "2026-11-27T10:00:00Z".parse().unwrap();
        let decisions = Decisions::default().with(carried(&queue), at).unwrap();
        assert_eq!(decisions.lines().len(), 2);
        assert_eq!(waiting(&queue, &decisions), 1);
        assert_eq!(cleared(queue).entries, [flagged("orc", None), flagged("elk", None)]);
    }
}
