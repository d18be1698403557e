//! The best terms of what a run writes, for whoever looks at its end. Pure, and bounded: a shelf may have millions of terms.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::values::{Entry, Vocabulary};

/// Terms of one document that come into question.
const OF_ONE: usize = 50;

/// Terms that are remembered; those that stand lowest are forgotten first.
const MOST: usize = 4_096;

/// A term as far as it is known.
#[derive(Debug)]
struct Known {
    /// Sum of its weights in the documents so far.
    weight: u64,
    /// Its spelling in the document where it weighs most, with that weight.
    spelling: (u64, String),
}

/// Terms by their canonical form, of all documents so far.
#[derive(Debug, Default)]
pub(super) struct BestTerms(HashMap<String, Known>);

/// Weight of a term in its document: the score that compares terms of all documents, or else what a model said of itself, and how often
/// it stands there. Whole numbers: a sum of them is the same in any order.
fn weight(entry: &Entry) -> u64 {
    let weight = entry.score.unwrap_or_else(|| {
        let often = entry.evidence.as_ref().map_or(entry.occurrences.len() as f64, |e| f64::from(e.frequency));
        entry.confidence.unwrap_or(0.5).powi(2) * (1.0 + often).ln()
    });
    (weight.max(0.0) * 1e6) as u64
}

impl BestTerms {
    /// Takes up the terms of a file.
    pub(super) fn take(&mut self, vocabulary: &Vocabulary) {
        let mut terms: Vec<(u64, &Entry)> = vocabulary.entries.iter().map(|entry| (weight(entry), entry)).collect();
        terms.sort_unstable_by(|a, b| (Reverse(a.0), &a.1.canonical).cmp(&(Reverse(b.0), &b.1.canonical)));
        for (weight, entry) in terms.into_iter().take(OF_ONE) {
            let spelling = (weight, entry.text.clone());
            match self.0.get_mut(&entry.canonical) {
                Some(known) => {
                    known.weight += weight;
                    if spelling > known.spelling {
                        known.spelling = spelling;
                    }
                }
                None => drop(self.0.insert(entry.canonical.clone(), Known { weight, spelling })),
            }
        }
        if self.0.len() > 2 * MOST {
            let kept = self.in_order().into_iter().take(MOST).cloned().collect::<std::collections::HashSet<String>>();
            self.0.retain(|canonical, _| kept.contains(canonical));
        }
    }

    /// The best few, the best one first, as they are spelt.
    pub(super) fn best(&self, few: usize) -> Vec<String> {
        self.in_order().into_iter().take(few).map(|canonical| self.0[canonical].spelling.1.clone()).collect()
    }

    fn in_order(&self) -> Vec<&String> {
        let mut all: Vec<(Reverse<u64>, &String)> =
            self.0.iter().map(|(c, known)| (Reverse(known.weight), c)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, canonical)| canonical).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(terms: &[(&str, f64, usize)]) -> Vocabulary {
        let place = serde_json::json!({"section_kind": "page", "section": 1, "section_label": null, "start": 0, "end": 1, "sentence": ""});
        let entry = |(text, confidence, times): &(&str, f64, usize)| {
            serde_json::json!({
                "id": "", "text": text, "source": "", "canonical": text.to_lowercase(), "confidence": confidence,
                "occurrences": vec![&place; *times],
            })
        };
        let entries: Vec<serde_json::Value> = terms.iter().map(entry).collect();
        let metadata = serde_json::json!({
            "schema_version": 1, "source_path": "", "source_hash": "0".repeat(64), "format": "pdf", "pipeline": "", "provider": "",
            "term_count": terms.len(), "classified_count": 0, "flagged_count": 0,
        });
        serde_json::from_value(serde_json::json!({"metadata": metadata, "entries": entries})).unwrap()
    }

    #[test]
    fn terms_of_several_documents_come_first_whatever_the_order_of_the_documents() {
        let shelf = [
            vocabulary(&[("Saltbinder", 0.9, 5), ("lamp", 0.2, 30), ("Wickward", 0.95, 6)]),
            vocabulary(&[("SALTBINDER", 0.9, 3), ("tollbell", 0.8, 4)]),
        ];
        let best = |order: [usize; 2]| {
            let mut best = BestTerms::default();
            order.iter().for_each(|n| best.take(&shelf[*n]));
            best.best(3)
        };
        assert_eq!(best([0, 1]), ["Saltbinder", "Wickward", "tollbell"]);
        assert_eq!(best([0, 1]), best([1, 0]));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut best = BestTerms::default();
        best.take(&vocabulary(&[("Saltbinder", 1.0, 90)]));
        for n in 0..400 {
            let terms: Vec<(String, f64, usize)> = (0..40).map(|t| (format!("t{n}-{t}"), 0.5, 2)).collect();
            best.take(&vocabulary(&terms.iter().map(|(t, c, n)| (&**t, *c, *n)).collect::<Vec<_>>()));
        }
        assert!(best.0.len() <= 2 * MOST, "{}", best.0.len());
        assert_eq!(best.best(1), ["Saltbinder"]);
    }
}
