//! Settings of the last run, read back from the store.

use std::path::Path;

use super::exit::CommandError;
use crate::store::{Reader, StageFps, StoreError};
use crate::values::StageMap;

/// The fingerprints of the last run in a folder; none if no run has come beyond discovery.
pub(super) fn fps_of(reader: &Reader) -> Result<Option<StageFps>, CommandError> {
    let found = StageMap::try_from_fn(|stage| Ok::<_, StoreError>(reader.current(stage)?.map(|(fp, _)| fp)))?;
    Ok(StageMap::try_from_fn(|stage| found[stage].ok_or(())).ok())
}

/// The same of a folder in which a run has to have come so far.
///
/// # Errors
/// If none has.
pub(super) fn saved_fps(reader: &Reader, dir: &Path) -> Result<StageFps, CommandError> {
    fps_of(reader)?.ok_or_else(|| {
        CommandError::bad_input(format!(
            "no run has come beyond discovery in '{}' yet; start one with 'corpora batch'",
            dir.display()
        ))
    })
}
