//! How the newest run of a folder stands.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::cli::exit::CommandError;
use crate::engine::{RunEnd, RunRecord};
use crate::store::{Lock, RunLock, STORE_FOLDER};
use crate::values::{RunOutcome, Stop};

/// How the newest run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum RunState {
    /// Nothing is known of a run.
    Unknown,
    /// Somebody works in the folder.
    Running {
        /// Who it is: command, process, machine, since when.
        holder: String,
    },
    /// It came to an end of its own.
    Ended {
        /// Unix time in milliseconds.
        at_ms: i64,
        /// Outcome.
        outcome: RunOutcome,
        /// End before its time, if it had one.
        #[serde(flatten)]
        stop: Option<Stop>,
    },
    /// An error broke it off.
    Broken {
        /// Unix time in milliseconds.
        at_ms: i64,
        /// Words of the error.
        error: String,
    },
    /// It ended without a word: it was killed, or the machine went down.
    Killed {
        /// Unix time in milliseconds at which it began.
        began_ms: i64,
    },
}

impl RunState {
    /// The state that follows from who holds the folder and what the record says.
    pub(super) fn of(holder: Option<String>, record: Option<&RunRecord>) -> Self {
        if let Some(holder) = holder {
            return Self::Running { holder };
        }
        match record {
            None => Self::Unknown,
            Some(RunRecord { end: None, began_ms, .. }) => Self::Killed { began_ms: *began_ms },
            Some(RunRecord { end: Some(RunEnd { at_ms, summary, error }), .. }) => match summary {
                Some(summary) => Self::Ended { at_ms: *at_ms, outcome: summary.outcome, stop: summary.stop.clone() },
                None => Self::Broken { at_ms: *at_ms, error: error.clone().unwrap_or_default() },
            },
        }
    }
}

/// Who works in the folder.
pub(super) fn holder(dir: &Path) -> Result<Option<String>, CommandError> {
    Ok(RunLock::holder(dir, Lock::Run)?)
}

/// Time since something was committed to the store: every commit writes to one of its files.
pub(super) fn since_last_commit(dir: &Path) -> Option<Duration> {
    let changed = |name: &str| std::fs::metadata(dir.join(STORE_FOLDER).join(name)).ok()?.modified().ok();
    let last = ["store.sqlite", "store.sqlite-wal"].into_iter().filter_map(changed).max()?;
    SystemTime::now().duration_since(last).ok()
}

/// Bytes that are free on the disk of the folder.
pub(super) fn free_bytes(dir: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}
