//! Reasons for which there is no look.

use std::path::PathBuf;

use crate::engine::vocabulary::ExportError;
use crate::store::StoreError;

/// Reasons for which a folder cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The folder holds nothing yet.
    #[error("there are neither vocabulary files nor a run in '{0}'; 'corpora batch ... -o {0}' makes them")]
    Empty(PathBuf),
    /// Terms cannot be had.
    #[error(transparent)]
    Terms(#[from] ExportError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database in between.
    #[error("the database of the look cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// Files.
    #[error("files of the look cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// There is no such thing here.
    #[error("there is no {0} here")]
    Missing(String),
    /// Nobody waits for it any more.
    #[error("stopped")]
    Stopped,
}
