//! The review queue of an output folder: read, and kept from being edited by two at once.

use std::path::Path;

use super::outcome::{ConsolidateError, io};
use crate::stages::consolidate::{Decisions, check_queue};
use crate::store::{Lock, RunLock};
use crate::values::{REVIEW_FILE, ReviewQueue};

/// Keeps two from editing a folder's review queue at once. A run does not touch the queue, so it may go on meanwhile.
#[derive(Debug)]
pub struct ReviewLock(#[expect(dead_code, reason = "dropping it releases the lock")] RunLock);

impl ReviewLock {
    /// Takes the lock of `folder` for `holder`.
    ///
    /// # Errors
    /// If somebody has it; or if the folder cannot be written.
    pub fn take(folder: &Path, holder: &str) -> Result<Self, ConsolidateError> {
        Ok(Self(RunLock::take(folder, Lock::Review, holder)?))
    }
}

/// The review queue of a folder and its decisions; none if there is no queue.
///
/// # Errors
/// If it cannot be read, is no queue, or its decisions contradict each other.
pub fn queue(folder: &Path) -> Result<(ReviewQueue, Decisions), ConsolidateError> {
    let file = folder.join(REVIEW_FILE);
    match std::fs::read(&file) {
        Ok(bytes) => check_queue(&bytes).map_err(ConsolidateError::Unusable),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Default::default()),
        Err(e) => Err(io("read", &file)(e)),
    }
}

/// Number of flagged terms without a decision.
pub(super) fn waiting(queue: &ReviewQueue) -> u64 {
    queue.entries.iter().filter(|e| e.flag.is_some() && e.decision.is_none()).count() as u64
}
