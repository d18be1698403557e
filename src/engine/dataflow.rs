//! The stages of a run, in one table: what each of them takes and makes, what decides its result, what it does.
//!
//! `parse -> chunk -> extract -> write`: a stage takes what the one before it made. Counts, reruns, failures, garbage, manifest,
//! `status`, `show`, bars, `--stage` and per-document mode follow from this table and from [`Stage`].

use serde_json::Value;

use super::checkpoint::{all_documents, one_document};
use super::context::Run;
use super::desk::Desk;
use super::error::RunError;
use super::feed::{Job, Upstream};
use super::keys::{self, Deciding};
use super::provider::Outcome;
use super::{extract, write};
use crate::stages;
use crate::store::Checkpoint;
use crate::values::{Chunk, Extraction, KeyWriter, ParsedDocument, Stage};

/// One stage.
pub(super) struct Row {
    pub(super) stage: Stage,
    /// Version of its code: it rises when the same input may give other bytes.
    pub(super) version: u32,
    /// Settings that decide its result, added to its key.
    pub(super) settings: fn(&Deciding<'_>, KeyWriter) -> KeyWriter,
    /// The same for people, as JSON.
    pub(super) spec: fn(&Deciding<'_>) -> Value,
    /// Reason for which it has something to do after a change of these settings.
    pub(super) changed: &'static str,
    /// Staged mode: takes everything that is left for it, and follows the stage before it.
    pub(super) all: fn(&Run<'_>, &Upstream) -> Result<Option<Outcome>, RunError>,
    /// Per-document mode: takes its part of one document; says whether the document goes on to the next stage.
    pub(super) one: fn(&Run<'_>, &mut Desk<'_>, &Job, &mut Checkpoint) -> Result<bool, RunError>,
}

/// All stages, in running order.
pub(super) const DATAFLOW: [Row; Stage::ALL.len()] = [
    Row {
        stage: Stage::Parse,
        version: stages::parse::VERSION,
        settings: keys::parse,
        spec: keys::parse_spec,
        changed: "the parser or its OCR settings changed since the last run",
        all: all_documents::<ParsedDocument>,
        one: one_document::<ParsedDocument>,
    },
    Row {
        stage: Stage::Chunk,
        version: stages::chunk::VERSION,
        settings: keys::chunk,
        spec: keys::chunk_spec,
        changed: "the chunk settings changed since the last run",
        all: all_documents::<Vec<Chunk>>,
        one: one_document::<Vec<Chunk>>,
    },
    Row {
        stage: Stage::Extract,
        version: stages::extract::VERSION,
        settings: keys::extract,
        spec: keys::extract_spec,
        changed: "the prompt, schema, provider, model or extraction settings changed since the last run",
        all: extract::stage::all_documents,
        one: one_document::<Extraction>,
    },
    Row {
        stage: Stage::Write,
        version: stages::write::VERSION,
        settings: keys::write,
        spec: keys::write_spec,
        changed: "the output settings changed since the last run",
        all: write::all_files,
        one: write::files_of_one,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_stage_in_running_order() {
        assert_eq!(DATAFLOW.map(|row| row.stage), Stage::ALL);
    }
}
