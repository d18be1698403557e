//! Attempts at a stage of a document: a second one where that may help, and a panic that becomes the document's failure.

use std::time::Duration;

use super::error::RunError;
use crate::store::StoreError;
use crate::values::{Failure, FailureKind};

/// Reasons for which a stage of a document did not come to its end.
pub(super) enum StageError {
    /// This document failed; the run goes on.
    Failure(Failure),
    /// The run cannot go on.
    Run(RunError),
}

impl From<Failure> for StageError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for StageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Spoilt { .. } => Self::Failure(Failure::new(FailureKind::Spoilt, error.to_string())),
            // One unreadable record is that document's trouble.
            StoreError::Record { .. } => Self::Failure(Failure::new(FailureKind::Internal, error.to_string())),
            error => Self::Run(RunError::Store(error)),
        }
    }
}

/// Runs an attempt, and one more if it fails for a cause that may pass. `on_retry` is told of the first failure.
/// Returns the value or the final failure, with the number of attempts.
pub(super) fn attempts<T>(
    mut run: impl FnMut() -> Result<T, StageError>,
    on_retry: impl FnOnce(&Failure),
) -> Result<(Result<T, Failure>, u32), RunError> {
    let mut once = || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut run)).unwrap_or_else(|panic| {
            let words = panic_words(&*panic);
            Err(Failure::new(
                FailureKind::Internal,
                format!("corpora itself failed on this document ({words}); please report it with the document"),
            )
            .into())
        })
    };
    match once() {
        Ok(value) => return Ok((Ok(value), 1)),
        // A disk that hiccups is the machine's trouble, and no failure of the document to tell of.
        Err(StageError::Run(RunError::Store(StoreError::Disk { .. }))) => {}
        Err(StageError::Run(error)) => return Err(error),
        Err(StageError::Failure(failure)) if !failure.kind.is_passing() => return Ok((Err(failure), 1)),
        Err(StageError::Failure(failure)) => on_retry(&failure),
    }
    std::thread::sleep(PAUSE);
    match once() {
        Ok(value) => Ok((Ok(value), 2)),
        Err(StageError::Run(error)) => Err(error),
        Err(StageError::Failure(failure)) => Ok((Err(failure), 2)),
    }
}

/// Before a second attempt: long enough for a network disk's hiccup, short enough not to be noticed.
const PAUSE: Duration = Duration::from_millis(200);

/// Words of a panic, for a failure's reason.
pub(super) fn panic_words(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given")
}
