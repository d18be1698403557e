//! Values that are either a word with a meaning or the path of a file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::pipelines::builtin_names;

/// Word that is given instead of a file for none at all.
pub(super) const NONE: &str = "none";

/// A built-in pipeline's name, `none`, or a path. A path in the settings file is relative to that file's folder; a word is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WordOrFile(PathBuf);

impl From<OsString> for WordOrFile {
    fn from(text: OsString) -> Self {
        Self(text.into())
    }
}

impl WordOrFile {
    /// As it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// True for a text that is a word with a meaning.
    pub(super) fn is_word(text: &str) -> bool {
        text == NONE || builtin_names().any(|name| name == text)
    }
}
