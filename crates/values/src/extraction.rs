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
    /// Number of times that it is set apart inside a sentence: bold, italic, small capitals.
    #[serde(default)]
    pub emphasised: u32,
    /// Share of occurrences that are not part of a longer candidate, 0 to 1.
    pub stand_alone: f64,
    /// Log-ratio of the frequency here of its rarest word to that in ordinary prose.
    pub weirdness: f64,
    /// Share of the parts of the text in which it could stand that it stands in, 0 to 1: terms cluster, ordinary words do not.
    #[serde(default)]
    pub dispersion: f64,
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

/// Place from which a definition was taken, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefinitionSource {
    /// The book's own glossary, its table of terms, or its list of legal definitions.
    Glossary,
    /// Another list of definitions.
    List,
    /// A name that runs in at the head of a paragraph, which says what it is.
    RunIn,
    /// A heading whose text says what it names.
    Heading,
    /// The sentence round a term that its author sets apart where it is defined.
    Emphasis,
    /// A sentence with the form of a definition.
    Pattern,
}

/// One item: a term with what is known of it. `None` means not known; the local provider never invents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Display form: the commonest surface form.
    pub text: String,
    /// Comparison form: case-folded, last word in the singular, hyphens as spaces. Unique within a document.
    pub canonical: String,
    /// Other forms that the document says are the same: abbreviations, for example.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Kind of the thing, as the shape of the text or the words around a name show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Word class where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pos: Option<String>,
    /// A sentence that defines the term, where one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Span>,
    /// Place from which the definition was taken, where it was found locally.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_source: Option<DefinitionSource>,
    /// Kind of the definition, where somebody gave one; none where it was found by its defining form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_kind: Option<DefinitionKind>,
    /// Weight of a term that was found locally, 0 to 1: by it the items stand in order, and by it documents compare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// 0 to 1: what a model said of itself; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Places, in text order, up to the pipeline's limit: the telling ones, where there are more.
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
