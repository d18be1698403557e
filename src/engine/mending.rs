//! Mending a store that turns out to be damaged: what costs nothing comes back by itself.

use super::config::RunConfig;
use super::error::RunError;
use crate::store::{Rescued, StoreError, rescue_what_is_free};
use crate::values::Summary;

/// A run that broke off.
pub(super) struct Broken {
    /// The reason.
    pub(super) error: RunError,
    /// Account of what it had done, if it came so far.
    pub(super) summary: Option<Box<Summary>>,
}

impl From<RunError> for Broken {
    fn from(error: RunError) -> Self {
        Self { error, summary: None }
    }
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        RunError::from(error).into()
    }
}

/// Puts what is sound of the run's store into a new one, if the error that broke the run off may be damage of the store, and nothing that
/// was paid for is lost by it. Returns words about it; the same run can then begin again. The caller holds the lock, and nobody works with
/// the store.
pub(super) fn mend(config: &RunConfig, error: &RunError) -> Option<String> {
    let RunError::Store(StoreError::Damaged { .. } | StoreError::Database { .. } | StoreError::Record { .. }) = error
    else {
        return None;
    };
    if config.dry_run {
        return None;
    }
    // What is wrong beside it is said by the error that led here.
    let Rescued { kept, .. } = rescue_what_is_free(&config.output).ok()??;
    let found = match error {
        RunError::Store(StoreError::Damaged { detail, .. }) => detail.clone(),
        other => other.to_string(),
    };
    Some(format!(
        "the store is damaged ({found}); nothing is lost that was paid for, so all that is sound of it now stands in a new one, and what is missing is made again; the broken one is kept in '{}'; check the disk",
        kept.display()
    ))
}
