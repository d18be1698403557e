//! Settings of the last run, read back from the store.

use std::path::Path;

use super::exit::CommandError;
use crate::store::{Reader, StageFps};
use crate::values::StageMap;

/// The fingerprints of the last run in a folder.
pub(super) fn saved_fps(reader: &Reader, dir: &Path) -> Result<StageFps, CommandError> {
    let of = |stage| {
        reader.current(stage)?.map(|(fp, _)| fp).ok_or_else(|| {
            CommandError::bad_input(format!(
                "no run has come beyond discovery in '{}' yet; start one with 'corpora batch'",
                dir.display()
            ))
        })
    };
    StageMap::try_from_fn(of)
}
