//! The master vocabulary: what all documents of a folder say of a term, put together; and the queue of terms to review.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DefinitionPlace, DefinitionSource, Occurrence};

/// Version of the master file's shape, in its metadata. Raised when a field changes meaning or goes away.
pub const MASTER_SCHEMA_VERSION: u32 = 2;

/// Version of the review queue's shape.
pub const REVIEW_SCHEMA_VERSION: u32 = 1;

/// Name of the master file in the output folder. No document's vocabulary file is called so.
pub const MASTER_FILE: &str = "master.vocab.json";

/// Name of the review queue in the output folder.
pub const REVIEW_FILE: &str = "flagged.json";

/// Name of the file of decisions in the output folder.
pub const DECISIONS_FILE: &str = "decisions.jsonl";

/// About the whole. No timestamps: equal vocabulary files and decisions give equal bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterMetadata {
    /// See [`MASTER_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Documents that were put together; equal contents count once.
    pub document_count: u64,
    /// Number of entries.
    pub term_count: u64,
    /// Entries whose category is known.
    pub classified_count: u64,
    /// Entries with an IP flag that nobody has answered.
    pub flagged_count: u64,
    /// Entries whose documents disagree on category or intent.
    pub conflict_count: u64,
    /// Entries that a decision gave another name.
    pub renamed_count: u64,
    /// Terms that a decision left out.
    pub dropped_count: u64,
    /// True if there are documents enough for [`MasterEntry::idf`].
    pub corpus_statistics: bool,
    /// By what the vocabulary files were made.
    pub made_by: Vec<MadeBy>,
}

/// A way in which vocabulary files were made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MadeBy {
    /// Pipeline name.
    pub pipeline: String,
    /// Provider name.
    pub provider: String,
    /// Model name.
    pub model: Option<String>,
    /// Documents made so.
    pub documents: u64,
}

/// A surface form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// As the documents write it.
    pub text: String,
    /// Documents whose commonest form it is.
    pub documents: u64,
}

/// A field on which documents disagree, with every value and its weight; the entry itself has the first of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// `category`, `intent` or `definition`.
    pub field: String,
    /// The weightiest first.
    pub values: Vec<ConflictValue>,
}

/// One side of a disagreement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConflictValue {
    /// The value.
    pub value: String,
    /// Documents that have it.
    pub documents: u64,
    /// Sum of their confidences.
    pub confidence: f64,
}

/// A place where a term stands, and in which document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterOccurrence {
    /// Path of the source relative to the input root.
    pub source: String,
    /// The place.
    #[serde(flatten)]
    pub place: Occurrence,
}

/// Answer to a term's flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It stays as it is.
    Keep,
    /// It stays under another name.
    Rename,
    /// It is left out.
    Drop,
}

impl Verdict {
    /// The word in files and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Rename => "rename",
            Self::Drop => "drop",
        }
    }
}

/// A term of the whole corpus. What no document knows stands in no file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MasterEntry {
    /// Place in the order of the file, from 1.
    #[serde(default)]
    pub rank: u64,
    /// The same id as in the vocabulary files.
    pub id: String,
    /// The surface form that most documents prefer, or the name that a decision gave.
    pub text: String,
    /// Comparison form; unique in the file.
    pub canonical: String,
    /// Surface forms, the commonest first.
    pub variants: Vec<Variant>,
    /// Other forms that documents say are the same, such as abbreviations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Names in the documents of a term that a decision renamed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed_from: Vec<String>,
    /// Kind of the thing, as most documents tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Word class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pos: Option<String>,
    /// Category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Intent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// Further intents of all documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secondary_intents: Option<Vec<String>>,
    /// Genre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genre: Option<String>,
    /// Mood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mood: Option<String>,
    /// Energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<String>,
    /// Tags of all documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Scores by axis, 0 to 1: means weighted by confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axes: Option<BTreeMap<String, f64>>,
    /// What models said of themselves, the mean over the documents, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// As in the vocabulary files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_flag: Option<String>,
    /// Answer to the flag, or `rename` where the name is a person's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Verdict>,
    /// Words of a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The surest of the documents: of a glossary before one that was told by its form, then of the document with the highest score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Place from which the local provider took the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_source: Option<DefinitionSource>,
    /// Path of the document that gives the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_from: Option<String>,
    /// Place of the definition in the text of that document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_place: Option<DefinitionPlace>,
    /// Documents that have the term.
    pub document_count: u64,
    /// Occurrences in all of them.
    pub occurrence_count: u64,
    /// Inverse document frequency; none below five documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idf: Option<f64>,
    /// By which the entries are ordered, highest first: the best score of a document, and from five documents on up to a fifth less for what
    /// many of them share. 0 to 1.
    pub score: f64,
    /// Paths of the documents, the first hundred in path order.
    pub sources: Vec<String>,
    /// A few places, from as many documents as possible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub occurrences: Vec<MasterOccurrence>,
    /// Points on which documents disagree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// Further fields of the document with the highest confidence.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::canonical::sorted_map_or_null"
    )]
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
}

impl MasterEntry {
    /// Spellings and other forms than the name, each once, the commonest first.
    pub fn other_names(&self) -> impl Iterator<Item = &str> {
        let spellings = self.variants.iter().map(|variant| variant.text.as_str());
        let mut told = BTreeSet::from([self.text.as_str()]);
        spellings.chain(self.aliases.iter().map(String::as_str)).filter(move |name| told.insert(name))
    }
}

/// Name of the file of possible variants in the output folder.
pub const VARIANTS_FILE: &str = "possible-variants.json";

/// Version of its shape.
pub const VARIANTS_SCHEMA_VERSION: u32 = 1;

/// Terms of the master that may be the same under another spelling. Nothing is joined on it: a person decides, and renames.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PossibleVariants {
    /// See [`VARIANTS_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Groups, by the canonical form of their first term.
    pub groups: Vec<VariantGroup>,
}

impl PossibleVariants {
    /// The file's content.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("string keys and numbers");
        bytes.push(b'\n');
        bytes
    }
}

/// Terms whose spellings meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantGroup {
    /// Two at least, by canonical form.
    pub terms: Vec<VariantTerm>,
}

impl VariantGroup {
    /// Comparison forms of its terms, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().map(|term| term.canonical.as_str())
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantTerm {
    /// Comparison form, as in the master.
    pub canonical: String,
    /// Display form.
    pub text: String,
    /// Documents that have it.
    pub document_count: u64,
}

/// The review queue, `flagged.json`: flagged terms that wait for a decision. What people decide in it is taken over into the file of decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewQueue {
    /// See [`REVIEW_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// By canonical form.
    pub entries: Vec<ReviewEntry>,
}

/// A flagged term, and what a person writes to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewEntry {
    /// Comparison form: a decision belongs to it, whatever file, prompt or model the term comes from.
    pub canonical: String,
    /// Display form.
    pub text: String,
    /// Reason for which it is here; null if it is not flagged any more.
    pub flag: Option<String>,
    /// Category.
    #[serde(default)]
    pub category: Option<String>,
    /// Definition.
    #[serde(default)]
    pub definition: Option<String>,
    /// A sentence in which it stands.
    #[serde(default)]
    pub sentence: Option<String>,
    /// Documents that have it.
    #[serde(default)]
    pub document_count: u64,
    /// Some of them.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Decision; null if none was made.
    pub decision: Option<Verdict>,
    /// The new name, with `rename`.
    #[serde(default)]
    pub rename_to: Option<String>,
    /// For people.
    #[serde(default)]
    pub notes: Option<String>,
}
