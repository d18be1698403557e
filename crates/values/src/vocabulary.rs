//! The vocabulary file: the schema that people's tools read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DefinitionKind, Evidence, Fingerprint, Format, Grounding, KeyWriter, SectionKind};

/// Version of the vocabulary file's shape, in its metadata. Raised when a field changes meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole `.vocab.json` file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// About the document and how the file came to be.
    pub metadata: VocabularyMetadata,
    /// The terms, by canonical form.
    pub entries: Vec<Entry>,
}

/// About the document and how the file came to be. No timestamps: equal inputs give equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VocabularyMetadata {
    /// See [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Path relative to the input root.
    pub source_path: String,
    /// SHA-256 of the source file's bytes, hexadecimal.
    pub source_hash: Fingerprint,
    /// Format that the content was read as: `pdf`, `epub`, `docx`, `html`, `markdown` or `text`.
    pub format: Format,
    /// Title the document gives itself.
    pub title: Option<String>,
    /// Author the document gives itself.
    pub author: Option<String>,
    /// BCP 47 tag, declared or detected.
    pub language: Option<String>,
    /// Pipeline name.
    pub pipeline: String,
    /// Provider name.
    pub provider: String,
    /// Model name; null for `local`.
    pub model: Option<String>,
    /// Number of entries.
    pub term_count: usize,
    /// Entries whose category is known.
    pub classified_count: usize,
    /// Entries with an IP flag.
    pub flagged_count: usize,
}

/// A place where a term stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// Page or chapter.
    pub section_kind: SectionKind,
    /// 1-based number of the page or chapter.
    pub section: u32,
    /// Page label or chapter title, where there is one.
    pub section_label: Option<String>,
    /// First character (Unicode scalar value) in the document's text, as `corpora parse` prints it.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The sentence around it, white space folded.
    pub sentence: String,
}

/// A term. Fields that the provider does not know are null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Stable id: the same term has the same id in every file.
    pub id: String,
    /// Display form.
    pub text: String,
    /// The source document's path relative to the input root.
    pub source: String,
    /// Genre.
    pub genre: Option<String>,
    /// Intent.
    pub intent: Option<String>,
    /// Word class.
    pub pos: Option<String>,
    /// Scores by axis, 0 to 1.
    pub axes: Option<BTreeMap<String, f64>>,
    /// Tags.
    pub tags: Option<Vec<String>>,
    /// Category.
    pub category: Option<String>,
    /// Comparison form.
    pub canonical: String,
    /// Mood.
    pub mood: Option<String>,
    /// Energy.
    pub energy: Option<String>,
    /// 0 to 1: what a model said of itself, or the rank percentile of the local provider; null where nobody knows.
    pub confidence: Option<f64>,
    /// Further intents.
    pub secondary_intents: Option<Vec<String>>,
    /// Reason for which the term may belong to somebody: `blocklist:<franchise>` or `classification:ip-suspect`; null when nothing was found.
    pub ip_flag: Option<String>,
    /// A defining sentence quoted from the document.
    pub definition: Option<String>,
    /// Kind of that sentence: it defines the term, mentions it, merely contains it, or lacks it; null where there is none.
    #[serde(default)]
    pub definition_kind: Option<DefinitionKind>,
    /// Places, in text order.
    pub occurrences: Vec<Occurrence>,
    /// Counts behind the local provider's choice.
    pub evidence: Option<Evidence>,
    /// Way in which the evidence that a model gave was found in the document; null for what was found locally.
    pub grounding: Option<Grounding>,
    /// Further fields that the pipeline's schema asked a model for, by its names; null if nothing.
    #[serde(default, deserialize_with = "super::canonical::sorted_map_or_null")]
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Entry {
    /// The id of the term with this comparison form, equal in all files.
    pub fn id_of(canonical: &str) -> String {
        KeyWriter::new("entry").text(canonical).finish().hex()[..16].to_owned()
    }
}
