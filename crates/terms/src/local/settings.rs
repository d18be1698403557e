use serde::{Deserialize, Serialize};

/// Rules by which terms are chosen out of a document's candidates (method `terms`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermSettings {
    /// Terms kept for each 1,000 words of text, whatever their score.
    pub per_thousand_words: f64,
    /// Terms kept at least, if there are so many candidates.
    pub minimum: usize,
    /// Terms kept at most, whatever they are.
    pub maximum: usize,
    /// Score, from 0 to 1, from which on a term is kept beyond that number, as what the book's own glossary has is in any case; none: no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sure_from: Option<f64>,
    /// Most words of a term.
    pub max_words: usize,
    /// Occurrences recorded for each term, the telling ones where there are more.
    pub max_occurrences: usize,
    /// Choice among the candidates.
    #[serde(default)]
    pub wanted: Wanted,
}

/// Candidates that are wanted of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// All terms.
    #[default]
    Terms,
    /// Names alone, told by their capitals inside sentences. In German, where every noun has one, as many as have capitals.
    Names,
}
