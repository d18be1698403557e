//! The output folder that a command is about, and who works in it.

use std::path::{Path, PathBuf};

use super::args::FolderArgs;
use super::exit::{CommandError, Exit};

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

/// Words by which a command introduces itself to another that finds its folder locked.
pub(super) fn holder(command: &str) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let now = jiff::Timestamp::now();
    format!("'{command}' (process {} on {host}, since {now:.0})", std::process::id())
}
