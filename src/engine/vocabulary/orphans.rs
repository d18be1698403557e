//! Vocabulary files whose source is gone.

use std::path::Path;

use crate::store::{Session, Store, StoreError, output_place};
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
    let read = |output: &str| output_place(folder, output).ok().and_then(|place| std::fs::read(place).ok());
    let state = |output: &str, sha| match read(output) {
        Some(content) if Fingerprint::of(&content).0[..8] == sha => OrphanState::Untouched,
        Some(_) => OrphanState::Edited,
        None => OrphanState::Missing,
    };
    let known = session.orphans()?;
    Ok(known.into_iter().map(|(output, sha)| Orphan { state: state(&output, sha), output }).collect())
}

/// Removes those that nobody has edited, and forgets what is not there.
///
/// # Errors
/// If a file cannot be removed, or the store cannot be written. The same call again goes on.
pub fn remove_orphans(session: &mut Session, store: &Store, orphans: &[Orphan]) -> Result<(), StoreError> {
    let mut forgotten = Vec::new();
    for Orphan { output, state } in orphans {
        if *state == OrphanState::Untouched {
            let path = store.output().join(output);
            let removed = store.disk().remove(&path);
            removed.map_err(|source| StoreError::Io { action: "remove", file: path, source })?;
        }
        if *state != OrphanState::Edited {
            forgotten.push(output.as_str());
        }
    }
    session.forget_orphans(&forgotten)
}
