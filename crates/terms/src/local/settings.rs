use serde::{Deserialize, Serialize};

/// Rules by which terms are chosen out of a document's candidates (method `terms`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermSettings {
    /// Terms kept for each 1,000 words of text.
    pub per_thousand_words: f64,
    /// Terms kept at least, if there are so many candidates.
    pub minimum: usize,
    /// Terms kept at most.
    pub maximum: usize,
    /// Most words of a term.
    pub max_words: usize,
    /// Occurrences recorded for each term, in text order.
    pub max_occurrences: usize,
}
