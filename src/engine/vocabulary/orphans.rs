//! Vocabulary files whose source is gone.

use std::path::Path;

use crate::store::{Session, StoreError};
use crate::values::Fingerprint;

/// Standing of such a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrphanState {
    /// It is as it was written.
    Untouched,
    /// Somebody has edited it since.
    Edited,
    /// It is not there any more.
    Missing,
}

/// A vocabulary file whose source is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Path relative to the output folder.
    pub output: String,
    /// Standing of the file.
    pub state: OrphanState,
}

/// The files whose source is gone, in path order.
///
/// # Errors
/// If the store cannot be read.
pub fn orphans(session: &mut Session, folder: &Path) -> Result<Vec<Orphan>, StoreError> {
    let state = |output: &str, sha| match std::fs::read(folder.join(output)) {
        Ok(content) if Fingerprint::of(&content).0[..8] == sha => OrphanState::Untouched,
        Ok(_) => OrphanState::Edited,
        Err(_) => OrphanState::Missing,
    };
    let known = session.orphans()?;
    Ok(known.into_iter().map(|(output, sha)| Orphan { state: state(&output, sha), output }).collect())
}

/// Removes those that nobody has edited, and forgets what is not there.
///
/// # Errors
/// If a file cannot be removed, or the store cannot be written. The same call again goes on.
pub fn remove_orphans(session: &mut Session, folder: &Path, orphans: &[Orphan]) -> Result<(), StoreError> {
    let mut forgotten = Vec::new();
    for Orphan { output, state } in orphans {
        if *state == OrphanState::Untouched {
            let path = folder.join(output);
            std::fs::remove_file(&path).map_err(|source| StoreError::Io { action: "remove", file: path, source })?;
        }
        if *state != OrphanState::Edited {
            forgotten.push(output.as_str());
        }
    }
    session.forget_orphans(&forgotten)
}
