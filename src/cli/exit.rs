//! Exit codes and the errors that carry them.

use std::process::ExitCode;

use crate::engine::RunError;
use crate::settings::SettingsError;
use crate::store::StoreError;
use crate::values::RunOutcome;

/// The exit codes, as `sysexits.h` names them where it has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    /// All done.
    Done = 0,
    /// `corpora diff --exit-code` found differences, as `git diff` and `diff` say it.
    Different = 1,
    /// The command line is not right; clap's own code.
    Usage = 2,
    /// An input path or option value that only the run can judge is bad.
    BadInput = 64,
    /// Every document failed.
    AllFailed = 65,
    /// No documents were found.
    NoDocuments = 66,
    /// Shards are missing, or had more to do.
    ShardsMissing = 69,
    /// An internal error.
    Internal = 70,
    /// Some failed, or work is left: run again.
    Partial = 75,
    /// Stopped by the user: run again.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<RunOutcome> for Exit {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Complete | RunOutcome::Detached => Self::Done,
            RunOutcome::Partial => Self::Partial,
            RunOutcome::AllFailed => Self::AllFailed,
            RunOutcome::NoDocuments => Self::NoDocuments,
            RunOutcome::Interrupted => Self::Interrupted,
        }
    }
}

/// Ends the process of a run that stands still and cannot be ended otherwise: everything committed is durable, and the same command
/// continues.
#[expect(clippy::exit, reason = "the threads that would have to return wait for each other")]
pub(super) fn leave_partial() {
    super::on_end::tell_of_leaving(
        Exit::Partial,
        "the run stood still and could not be ended; the same command continues",
    );
    std::process::exit(Exit::Partial as i32);
}

/// An error that ends the program: a lowercase sentence with a remedy, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct CommandError {
    /// The exit code.
    pub exit: Exit,
    /// For people.
    pub message: String,
}

impl CommandError {
    /// Whoever read what this program prints has left, as `head` does after its lines: nothing is wrong, so nothing is said,
    /// and the exit code is 0, as ripgrep's is.
    fn reader_left() -> Self {
        Self { exit: Exit::Done, message: String::new() }
    }

    /// A bad input or option value.
    pub(super) fn bad_input(message: impl std::fmt::Display) -> Self {
        Self { exit: Exit::BadInput, message: message.to_string() }
    }
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Parser(_) | SettingsError::Usage(_) => {
                Self { exit: Exit::Usage, message: error.to_string() }
            }
            SettingsError::File(_) | SettingsError::Value(_) => Self::bad_input(error),
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        let exit = match error {
            StoreError::Locked { .. } | StoreError::Full { .. } | StoreError::Disk { .. } => Exit::Partial,
            StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::Unsealed { .. }
            | StoreError::NoShard { .. }
            | StoreError::Foreign { .. }
            | StoreError::Missing { .. } => Exit::BadInput,
            StoreError::Io { .. } | StoreError::Unreadable { .. } => Exit::BadInput,
            StoreError::Damaged { .. }
            | StoreError::Database { .. }
            | StoreError::Record { .. }
            | StoreError::Spoilt { .. }
            | StoreError::Stopped => Exit::Internal,
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Provider(_)
            | RunError::Input(_)
            | RunError::Listing(_)
            | RunError::Shard(_)
            | RunError::Io { .. }
            | RunError::Output { .. } => Self::bad_input(error),
            RunError::Machine { .. } => Self { exit: Exit::Partial, message: error.to_string() },
            RunError::Threads(_) | RunError::Internal(_) => Self { exit: Exit::Internal, message: error.to_string() },
        }
    }
}

impl From<csv::Error> for CommandError {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(source) => source.into(),
            other => std::io::Error::other(format!("{other:?}")).into(),
        }
    }
}

impl From<std::io::Error> for CommandError {
    /// Writing to standard output failed.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::reader_left();
        }
        Self { exit: Exit::Internal, message: format!("cannot write to standard output: {error}") }
    }
}
