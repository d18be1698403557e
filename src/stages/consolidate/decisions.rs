//! Decisions on flagged terms: read from the review queue, held against each other.

use std::collections::BTreeMap;

use crate::stages::extract::local::{canonical_form, key_form};
use crate::values::{Decision, KeyWriter, REVIEW_FILE, REVIEW_SCHEMA_VERSION, ReviewEntry, ReviewQueue};

/// Ruling on a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It stays.
    Keep,
    /// It stays under this name, whose comparison form comes second.
    Rename(String, String),
    /// It is left out.
    Drop,
}

/// Decisions by canonical form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions(BTreeMap<String, Ruling>);

impl Decisions {
    /// Ruling on a term, if there is one.
    pub fn on(&self, canonical: &str) -> Option<&Ruling> {
        self.0.get(canonical)
    }

    /// Test whether a term gets another name.
    pub fn renames(&self) -> bool {
        self.0.values().any(|r| matches!(r, Ruling::Rename(..)))
    }

    /// Adds the decisions to a key: other decisions make another master.
    pub fn add_to(&self, key: KeyWriter) -> KeyWriter {
        self.0.iter().fold(key, |key, (canonical, ruling)| {
            let key = key.text(canonical);
            match ruling {
                Ruling::Keep => key.text("keep"),
                Ruling::Rename(name, form) => key.text("rename").text(name).text(form),
                Ruling::Drop => key.text("drop"),
            }
        })
    }

    /// The decisions of a queue.
    ///
    /// # Errors
    /// A sentence about two decisions that contradict each other, naming both, or about one that is not whole.
    pub fn of(queue: &ReviewQueue) -> Result<Self, String> {
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
        let mut rulings = BTreeMap::new();
        for (canonical, (n, entry)) in &known {
            let ruling = match (entry.decision, &entry.rename_to) {
                (None, _) => continue,
                (Some(Decision::Keep), _) => Ruling::Keep,
                (Some(Decision::Drop), _) => Ruling::Drop,
                (Some(Decision::Rename), name) => {
                    let name = name.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
                    let target = canonical_form(&name);
                    if let Some((other, holder)) = known.get(target.as_str())
                        && target != *canonical
                        && matches!(holder.decision, Some(Decision::Drop | Decision::Rename))
                    {
                        return Err(format!(
                            "entry {n} renames '{}' to '{name}', but entry {other} says {} of '{}'; give another name, or change that decision",
                            entry.text,
                            says(holder),
                            holder.text
                        ));
                    }
                    Ruling::Rename(name, target)
                }
            };
            // A decision that was made when comparison forms were no words holds for the form of now too.
            let now = canonical_form(&entry.text);
            if !now.is_empty() && !known.contains_key(now.as_str()) && key_form(&entry.text) == **canonical {
                rulings.insert(now, ruling.clone());
            }
            rulings.insert((*canonical).to_owned(), ruling);
        }
        // Two terms that become one have to agree on how it is written.
        let mut names: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
        for (canonical, ruling) in &rulings {
            let Ruling::Rename(name, target) = ruling else { continue };
            if let Some((other, written)) = names.insert(target, (canonical, name))
                && written != name
            {
                return Err(format!(
                    "'{other}' is renamed to '{written}' and '{canonical}' to '{name}', which are one term written in two ways; write both alike"
                ));
            }
        }
        Ok(Self(rulings))
    }
}

fn says(entry: &ReviewEntry) -> String {
    match (entry.decision, &entry.rename_to) {
        (None, _) => "nothing".to_owned(),
        (Some(Decision::Rename), Some(name)) => format!("rename to '{name}'"),
        (Some(decision), _) => decision.name().to_owned(),
    }
}

fn check(n: usize, entry: &ReviewEntry) -> Result<(), String> {
    let name = entry.rename_to.as_deref().filter(|name| !name.trim().is_empty());
    match (entry.decision, name) {
        (Some(Decision::Rename), None) => {
            Err(format!("entry {n} says rename of '{}' but gives no name; write it into \"rename_to\"", entry.text))
        }
        (Some(Decision::Rename), Some(name)) if canonical_form(name).is_empty() => {
            Err(format!("entry {n} renames '{}' to '{name}', which has no word", entry.text))
        }
        (Some(decision @ (Decision::Keep | Decision::Drop)), Some(name)) => Err(format!(
            "entry {n} says {} of '{}' and renames it to '{name}'; say \"rename\", or take \"rename_to\" out",
            decision.name(),
            entry.text
        )),
        _ if entry.canonical.is_empty() => Err(format!("entry {n} ('{}') has an empty \"canonical\"", entry.text)),
        _ => Ok(()),
    }
}

/// Reads a review queue, which people may have edited. Decisions are not yet held against each other.
///
/// # Errors
/// A sentence, if it is no review queue.
pub fn read_queue(bytes: &[u8]) -> Result<ReviewQueue, String> {
    let queue: ReviewQueue = serde_json::from_slice(bytes).map_err(|e| {
        format!("it cannot be read ({e}); mend it, or move it away and consolidate again to have a new one without decisions")
    })?;
    if queue.schema_version != REVIEW_SCHEMA_VERSION {
        return Err(format!(
            "it has schema version {}, and this program knows {REVIEW_SCHEMA_VERSION}; use the version of corpora that wrote it",
            queue.schema_version
        ));
    }
    Ok(queue)
}

/// Reads a queue and its decisions.
///
/// # Errors
/// A sentence with the file's name and what is wrong.
pub fn check_queue(bytes: &[u8]) -> Result<(ReviewQueue, Decisions), String> {
    let named = |e: String| format!("{REVIEW_FILE}: {e}");
    let queue = read_queue(bytes).map_err(named)?;
    let decisions = Decisions::of(&queue).map_err(named)?;
    Ok((queue, decisions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(canonical: &str, decision: Option<Decision>, rename_to: Option<&str>) -> ReviewEntry {
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
        Decisions::of(&ReviewQueue { schema_version: 1, entries })
    }

    #[test]
    fn decisions_that_contradict_each_other_are_both_named() {
        use Decision::{Drop, Keep, Rename};
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
        use Decision::{Drop, Rename};
        let decisions = of(vec![
            entry("orc", Some(Rename), Some("Tuskers")),
            entry("orc", Some(Rename), Some("Tuskers")),
            entry("elf", Some(Drop), None),
            entry("wyrm", None, None),
            entry("mind flayer", Some(Rename), Some("Mind-Flayer")),
        ])
        .unwrap();
        assert_eq!(decisions.on("orc"), Some(&Ruling::Rename("Tuskers".into(), "tusker".into())));
        assert_eq!((decisions.on("elf"), decisions.on("wyrm")), (Some(&Ruling::Drop), None));
        assert!(decisions.on("mind flayer").is_some() && decisions.renames());
    }
}
