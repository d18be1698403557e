//! Reasons for which a run as a whole cannot go on.

use std::path::PathBuf;

use crate::stages::discover::{InputError, ListingError};
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
    /// The list of inputs.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// A shard, or what should be one.
    #[error("{0}")]
    Shard(String),
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
    /// The machine has no room for what the run needs: descriptors, processes, memory. No document is to blame.
    #[error(
        "cannot {action}: {source}; that is trouble of this machine and of no document, so all that is left waits: give it more room (ulimit -n, ulimit -u, ulimit -v), or use fewer --workers, and run the same command again"
    )]
    Machine {
        /// Action that failed.
        action: &'static str,
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

/// Test whether an error says that the machine has no room, whatever was being done: no file descriptors, no processes, no memory.
pub(super) fn is_of_the_machine(error: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let of = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM, Errno::NOBUFS];
    error.raw_os_error().is_some_and(|code| of.iter().any(|errno| errno.raw_os_error() == code))
}
