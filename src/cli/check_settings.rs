//! Settings files that are read and left again, for programs that try many.

use std::ffi::OsString;
use std::path::Path;

use super::args::Cli;
use crate::settings::load;

/// Settings of a file, read as `corpora config --config FILE` reads them and left again.
///
/// # Errors
/// Words about what is wrong, with line and column.
pub fn check_settings(file: &Path) -> Result<(), String> {
    let line = ["corpora", "config", "--config"].map(OsString::from);
    let line: Vec<OsString> = line.into_iter().chain([file.into()]).collect();
    load::<Cli>(&line, &|_| None).map(drop).map_err(|error| error.to_string())
}
