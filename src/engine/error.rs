//! Reasons for which a run as a whole cannot go on.

use std::path::PathBuf;

use crate::stages::discover::InputError;
use crate::store::StoreError;

/// Reasons for which a run cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The inputs.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Reading or writing something else failed.
    #[error("cannot {action} '{file}': {source}")]
    Io {
        /// Action that failed.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The output folder cannot be used.
    #[error(
        "cannot write to the output folder '{folder}': {source}; give another one with --output, or change its permissions"
    )]
    Output {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A provider cannot be asked as things are.
    #[error("{0}")]
    Provider(String),
    /// A fault of the program.
    #[error("internal error: {0}; please report it")]
    Internal(String),
    /// The operating system gave no threads.
    #[error("cannot start a worker thread: {0}; use fewer with --workers")]
    Threads(std::io::Error),
}
