//! What came from elsewhere and a person allowed: settings files that nobody names, and stores that another user made.
//!
//! As direnv (<https://direnv.net/man/direnv.1.html>) and git's `safe.directory` (<https://git-scm.com/docs/git-config>) do, each is
//! remembered outside of the folder that it came with: a file by its place and content, a store by its place and owner.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::file::SettingsFile;
use super::load::SettingsError;
use crate::values::{KeyWriter, listed};

/// Settings that say where keys and books go, what is read, written and started beside the folder, and what it seems to cost.
const GUARDED: [&str; 8] =
    ["allow_http", "base_url", "key_file", "log", "on_end", "password_file", "prices", "webhook"];

/// Variables of the environment.
type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Thing from elsewhere that may be allowed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Foreign<'a> {
    /// A settings file, with its text.
    Settings(&'a Path, &'a str),
    /// An output folder, with the number of the user that its store belongs to.
    Store(&'a Path, u32),
}

impl Foreign<'_> {
    fn place(&self) -> PathBuf {
        let (Self::Settings(place, _) | Self::Store(place, _)) = self;
        place.canonicalize().unwrap_or_else(|_| place.to_path_buf())
    }

    /// Name of the file that says that this is allowed.
    fn name(&self) -> String {
        let place = self.place();
        let key = KeyWriter::new("allowed").bytes(place.as_os_str().as_bytes());
        let key = match self {
            Self::Settings(_, text) => key.text("settings").text(text),
            Self::Store(_, owner) => key.text("store").number(u64::from(*owner)),
        };
        key.finish().hex()
    }
}

/// The folder in which it stands what is allowed: <https://specifications.freedesktop.org/basedir-spec/latest/>.
fn folder(variable: Variable<'_>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("corpora/allowed"))
}

/// True if the person has allowed this.
pub(crate) fn is_allowed(foreign: Foreign<'_>, variable: Variable<'_>) -> bool {
    folder(variable).is_some_and(|folder| folder.join(foreign.name()).is_file())
}

/// Remembers that the person allows this.
///
/// # Errors
/// If there is no place for it.
pub(crate) fn allow(foreign: Foreign<'_>, variable: Variable<'_>) -> Result<(), SettingsError> {
    let Some(folder) = folder(variable) else {
        return Err(SettingsError::value(
            "there is no place to remember it: set HOME or XDG_STATE_HOME to a folder of yours",
        ));
    };
    let place = foreign.place();
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(foreign.name()), place.as_os_str().as_bytes()));
    written.map_err(|e| SettingsError::value(format!("it cannot be remembered in '{}': {e}", folder.display())))
}

/// Refuses a settings file that nobody named or allowed and that sets one of `keys` that such a file may not.
pub(super) fn check(file: &SettingsFile, keys: &[&str], variable: Variable<'_>) -> Result<(), SettingsError> {
    let keys: Vec<&str> = keys.iter().copied().filter(|key| GUARDED.contains(key)).collect();
    if keys.is_empty() || file.is_named || is_allowed(Foreign::Settings(&file.path, &file.text), variable) {
        return Ok(());
    }
    let shown = file.path.display();
    Err(SettingsError::File(format!(
        "'{shown}' of the working folder sets {}, which decides where keys and books go or what is read, written or started elsewhere, and it was not named; look into it, then name it with --config {shown}, or allow it as it is now: corpora config --allow {shown}",
        listed(&keys, "and")
    )))
}
