//! Order for a consolidation, and what comes of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::vocabulary::orphans::OrphanState;
use crate::store::{Disk, StoreError};
use crate::values::MasterMetadata;

/// Order for a consolidation.
#[derive(Debug, Clone)]
pub struct ConsolidateConfig {
    /// The output folder.
    pub folder: PathBuf,
    /// Disk on which master and review queue are published: [`MachineDisk`](crate::store::MachineDisk) but in tests.
    pub disk: Arc<dyn Disk>,
    /// Removal of vocabulary files whose source is gone, before all else; edited ones stay.
    pub remove_orphans: bool,
    /// Beginning from nothing: what earlier consolidations remember is forgotten.
    pub anew: bool,
    /// Introduction of this command to another that finds the folder locked.
    pub holder: String,
    /// Time at which decisions that stand in the review queue are taken over.
    pub now: jiff::Timestamp,
}

/// Progress of a consolidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsolidateStep {
    /// Files looked at.
    Looked(u64),
    /// Terms merged.
    Merged(u64),
}

/// Result of a consolidation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consolidated {
    /// Vocabulary files in the folder.
    pub files: u64,
    /// Of these, read because they are new or changed.
    pub read: u64,
    /// Files that are gone since the last time.
    pub gone: u64,
    /// Files about sources that other files are about too; one of each counts.
    pub copies: u64,
    /// Files that somebody has edited since they were written; they count as they are.
    pub edited: Vec<String>,
    /// Files that cannot be used, and why. Their terms are not in the master.
    pub unusable: Vec<(String, String)>,
    /// Files whose source is gone, as they stood before any was removed.
    pub orphans: Vec<(String, OrphanState)>,
    /// About the master.
    pub metadata: MasterMetadata,
    /// Terms that the master before did not have.
    pub added: u64,
    /// Terms of which it said something else; what follows from the number of documents alone is not counted.
    pub changed: u64,
    /// Terms that only it had.
    pub removed: u64,
    /// Decisions and notes that were taken over from the review queue.
    pub carried: u64,
    /// Terms with a decision, or that others are merged into, that no document has. Their decisions are kept.
    pub absent: Vec<String>,
    /// Flagged terms in the review queue without a decision.
    pub waiting: u64,
    /// True if the master is another than before.
    pub replaced: bool,
}

/// Reasons for which there is no master.
#[derive(Debug, thiserror::Error)]
pub enum ConsolidateError {
    /// The store, or the state beside it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder holds no vocabulary file and never did.
    #[error("there are no vocabulary files in '{0}'; 'corpora batch ... -o {0}' makes them")]
    Empty(PathBuf),
    /// Something that people gave cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// Reading or writing failed.
    #[error("cannot {action} '{file}': {source}")]
    Io {
        /// Action that failed.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

pub(in crate::engine::vocabulary) fn io(
    action: &'static str,
    file: &Path,
) -> impl FnOnce(std::io::Error) -> ConsolidateError + use<> {
    let file = file.to_path_buf();
    move |source| ConsolidateError::Io { action, file, source }
}

/// A record of a sorted run below `file`.
pub(super) fn record<T: serde::de::DeserializeOwned>(file: &Path, value: &[u8]) -> Result<T, ConsolidateError> {
    serde_json::from_slice(value).map_err(|e| io("read", file)(e.into()))
}
