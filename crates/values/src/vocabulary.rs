//! The vocabulary file: the schema that people's tools read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DefinitionKind, DefinitionSource, Evidence, Fingerprint, Format, Grounding, KeyWriter, SectionKind};

/// Version of the vocabulary file's shape, in its metadata. Raised when a field changes meaning or goes away.
pub const SCHEMA_VERSION: u32 = 2;

/// What a `.vocab.json` file holds. Its bytes are those of [`Vocabulary::to_bytes`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vocabulary {
    /// About the document and how the file came to be.
    pub metadata: VocabularyMetadata,
    /// The terms, best first.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Author the document gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// BCP 47 tag, declared or detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Pipeline name.
    pub pipeline: String,
    /// Provider name.
    pub provider: String,
    /// Model name; none for `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_label: Option<String>,
    /// First character (Unicode scalar value) in the document's text, as `corpora parse` prints it.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// First character of the sentence.
    #[serde(default)]
    pub sentence_start: usize,
    /// The sentence around it, white space folded.
    pub sentence: String,
}

/// Place of a definition in the document's text, in characters as in [`Occurrence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionPlace {
    /// 1-based number of the page or chapter.
    pub section: u32,
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// A term. Fields of which nothing is known are none, and stand in no file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Place in the order of the file, from 1.
    #[serde(default)]
    pub rank: u32,
    /// Display form.
    pub text: String,
    /// Comparison form.
    pub canonical: String,
    /// Stable id: the same term has the same id in every file.
    pub id: String,
    /// The source document's path relative to the input root; a file tells it once, in its metadata.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Weight by which the local provider ordered the terms, 0 to 1; it compares terms of different documents. No probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// 0 to 1: what a model said of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Other forms that the document says are the same, such as abbreviations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// Kind of the thing as the local provider tells it: by the shape of the text, with the name of the heading above its like; of a name
    /// `person`, `place` or `group`.
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
    /// Further intents.
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
    /// Scores by axis, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub axes: Option<BTreeMap<String, f64>>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Reason for which the term may belong to somebody: `blocklist:<franchise>` or `classification:ip-suspect`; none when nothing was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_flag: Option<String>,
    /// What the document says that the term is, quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Place from which the local provider took the definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_source: Option<DefinitionSource>,
    /// Kind of a definition that a model gave: it defines the term, mentions it, merely contains it, or lacks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_kind: Option<DefinitionKind>,
    /// Place of the definition, where it stands in the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_place: Option<DefinitionPlace>,
    /// Occurrences in all, also of those that are not kept.
    #[serde(default)]
    pub occurrence_count: u64,
    /// The most telling places, in text order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub occurrences: Vec<Occurrence>,
    /// Counts behind the local provider's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Way in which the evidence that a model gave was found in the document; none for what was found locally.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Grounding>,
    /// Further fields that the pipeline's schema asked a model for, by its names.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "super::canonical::sorted_map_or_null"
    )]
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Entry {
    /// The id of the term with this comparison form, equal in all files.
    pub fn id_of(canonical: &str) -> String {
        KeyWriter::new("entry").text(canonical).finish().hex()[..16].to_owned()
    }
}
