//! The output folder that a command is about, and who works in it.

use std::path::{Path, PathBuf};

use super::args::FolderArgs;
use super::exit::{CommandError, Exit};
use crate::settings::{Foreign, is_allowed};
use crate::store::STORE_FOLDER;

impl FolderArgs {
    /// The folder that was named on the line, in the environment or in the settings file.
    ///
    /// # Errors
    /// If none was; that is an error of usage.
    pub(super) fn path(&self) -> Result<&Path, CommandError> {
        self.dir.as_deref().ok_or_else(|| CommandError {
            exit: Exit::Usage,
            message: "give the output folder of a run, on the command line or as 'output' in corpora.toml".into(),
        })
    }

    /// The same, if it is there.
    ///
    /// # Errors
    /// If none was named, or it is not a folder.
    pub(super) fn existing(&self) -> Result<PathBuf, CommandError> {
        let dir = self.path()?;
        if dir.is_dir() {
            return Ok(dir.to_path_buf());
        }
        Err(CommandError::bad_input(format!("'{}' is not a folder; give the output folder of a run", dir.display())))
    }
}

/// The folder, unless its store was made by another user and is not allowed: what stands there decides what is written and paid for.
///
/// # Errors
/// With the line to type.
pub(super) fn trusted<P: AsRef<Path>>(dir: P) -> Result<P, CommandError> {
    let folder = dir.as_ref();
    match foreign_owner(folder) {
        Some(owner) if !is_allowed(Foreign::Store(folder, owner), &|name| std::env::var_os(name)) => {
            Err(CommandError::bad_input(format!(
                "the store in '{0}' was made by another user (number {owner}); if you trust it, allow it once: corpora config --allow '{0}'",
                folder.display()
            )))
        }
        _ => Ok(dir),
    }
}

/// User that made the store of a folder, if there is one and it was not this user.
pub(super) fn foreign_owner(dir: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::symlink_metadata(dir.join(STORE_FOLDER)).ok()?.uid();
    let me = rustix::process::geteuid();
    // Under sudo, one's own folders are one's own.
    let behind = std::env::var("SUDO_UID").ok().filter(|_| me.is_root()).and_then(|uid| uid.parse().ok());
    (owner != me.as_raw() && Some(owner) != behind).then_some(owner)
}

/// Words by which a command introduces itself to another that finds its folder locked.
pub(super) fn holder(command: &str) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let now = jiff::Timestamp::now();
    format!("'{command}' (process {} on {host}, since {now:.0})", std::process::id())
}
