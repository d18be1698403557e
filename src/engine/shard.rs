//! What a shard's store says of itself, and its seal: by these a merge knows what it is given.

use serde::{Deserialize, Serialize};

use super::config::RunConfig;
use super::error::RunError;
use crate::stages::parse::OcrMode;
use crate::store::{Seal, Store};
use crate::values::Summary;

/// Description of a shard, in its store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShardHeader {
    /// Number of the shard, from 0.
    pub(super) index: u32,
    /// Number of all shards.
    pub(super) of: u32,
    /// Name of the input folder, without its place: that differs between machines.
    pub(super) input: String,
    /// SHA-256 of the list that was read in place of the folder, hexadecimal.
    pub(super) list: Option<String>,
    /// Version of the program.
    pub(super) version: String,
    /// Recogniser of pages that are pictures; none if there was none.
    pub(super) recogniser: Option<String>,
}

impl ShardHeader {
    /// The header of a run's shard, if it makes one.
    pub(super) fn of(config: &RunConfig) -> Option<Self> {
        let shard = config.shard?;
        let ocr = &config.parse_settings.ocr;
        let is_there = ocr.mode != OcrMode::Off && ocr.program.is_some();
        let input = config.inputs.root.file_name().unwrap_or_default();
        Some(Self {
            index: shard.index(),
            of: shard.of(),
            input: input.to_string_lossy().into_owned(),
            list: config.files.as_ref().map(|listing| listing.sha().hex()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            recogniser: is_there.then(|| config.recogniser.clone().unwrap_or_else(|| "tesseract".to_owned())),
        })
    }

    /// Test whether it is the same part of the same corpus.
    fn is_same_cut(&self, other: &Self) -> bool {
        (self.index, self.of, &self.input, &self.list) == (other.index, other.of, &other.input, &other.list)
    }
}

/// Makes the store one of a shard, or finds that it is that shard's; a store of something else is refused.
///
/// # Errors
/// If the folder holds another shard or a whole run, or the run is none of a shard and the folder holds one.
pub(super) fn begin(config: &RunConfig, store: &Store) -> Result<(), RunError> {
    let known: Option<ShardHeader> = store.shard_header()?.and_then(|text| serde_json::from_str(&text).ok());
    let folder = config.output.display();
    match (ShardHeader::of(config), known) {
        (None, None) => Ok(()),
        (None, Some(known)) => Err(RunError::Shard(format!(
            "the folder '{folder}' holds shard {}/{} of {}; continue it with --shard {}/{}, or put all shards together with 'corpora merge' in another folder",
            known.index, known.of, known.input, known.index, known.of
        ))),
        (Some(own), Some(known)) if !own.is_same_cut(&known) => Err(RunError::Shard(format!(
            "the folder '{folder}' holds shard {}/{} of {}{}, and this is shard {}/{} of {}{}; give each shard a folder of its own",
            known.index,
            known.of,
            known.input,
            by_list(&known),
            own.index,
            own.of,
            own.input,
            by_list(&own)
        ))),
        (Some(_), None) if store.reader()?.has_files()? => Err(RunError::Shard(format!(
            "the folder '{folder}' holds a run that is no shard; give each shard a folder of its own"
        ))),
        (Some(own), _) => {
            let text = serde_json::to_string(&own).map_err(|e| RunError::Internal(e.to_string()))?;
            Ok(store.begin_shard(&text)?)
        }
    }
}

fn by_list(header: &ShardHeader) -> String {
    header.list.as_ref().map_or_else(String::new, |list| format!(" (list {})", &list[..12.min(list.len())]))
}

/// Seals the store of a shard. Everybody else in this process has closed it.
///
/// # Errors
/// If the store cannot be written.
pub(super) fn end(config: &RunConfig, store: &Store, summary: &Summary) -> Result<(), RunError> {
    if config.shard.is_none() {
        return Ok(());
    }
    let seal = if summary.is_settled() { Seal::Settled } else { Seal::Unsettled };
    Ok(store.seal(seal)?)
}
