//! Findings of `extract` in a document, before they are rendered to a file.

use serde::{Deserialize, Serialize};

use super::Span;

/// The counts that a locally found item rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Number of occurrences in the document, over all surface forms.
    pub frequency: u32,
    /// Number of lines and headings that are nothing else.
    pub own_line: u32,
    /// Number of times that it is capitalised inside a sentence.
    pub capitalised: u32,
    /// Share of occurrences that are not part of a longer candidate, 0 to 1.
    pub stand_alone: f64,
    /// Log-ratio of its words' frequency here to that in ordinary prose.
    pub weirdness: f64,
}

/// Way in which a quote of a model was found in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grounding {
    /// Character for character.
    Exact,
    /// After folding case, white space, quotation marks, dashes and compatibility forms.
    Normalized,
    /// Most of its words, in order, close together.
    Fuzzy,
    /// Not at all.
    Missing,
}

/// Kind of a sentence that was given for a term's definition. That the words stand in the text does not make them one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DefinitionKind {
    /// It has the form of a definition of this term, as the embedded provider knows them ("X is a ...", "... called X").
    Defines,
    /// The term stands in it, with something said of it.
    Mentions,
    /// The term stands in it, and hardly anything else, as in a heading; or only as part of longer words.
    Contains,
    /// The term does not stand in it.
    Absent,
}

/// One item: a term with what is known of it. `None` means not known; the local provider never invents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Display form: the commonest surface form.
    pub text: String,
    /// Comparison form: case-folded, last word in the singular, hyphens as spaces. Unique within a document.
    pub canonical: String,
    /// Word class where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pos: Option<String>,
    /// A sentence that defines the term, where one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Span>,
    /// Kind of the definition, where somebody gave one; none where it was found by its defining form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_kind: Option<DefinitionKind>,
    /// 0 to 1: the rank percentile of a term that was found locally; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Places, in text order, up to the pipeline's limit.
    pub occurrences: Vec<Span>,
    /// Counts behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Way in which a model's evidence was found in the text; none for what was found locally.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Grounding>,
    /// The evidence in the model's own words, where the text has others or it was not found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// Further fields that a model gave, by the schema's names.
    #[serde(
        default,
        skip_serializing_if = "serde_json::Map::is_empty",
        deserialize_with = "super::canonical::sorted_map"
    )]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// All items of a document, best first, in a total order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Extraction {
    /// The items.
    pub items: Vec<Item>,
}

impl super::Artifact for Extraction {
    const STAGE: super::Stage = super::Stage::Extract;
}
