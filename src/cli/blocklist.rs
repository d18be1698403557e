//! Which terms are flagged: `--blocklist`.

use std::path::Path;

use super::exit::CommandError;
use crate::stages::write::{BUILTIN_BLOCKLIST, Blocklist};

/// What is given instead of a file for no list at all.
pub(super) const NO_BLOCKLIST: &str = "none";

/// The list that was named, or the built-in one.
pub(super) fn read(named: Option<&Path>) -> Result<Option<Blocklist>, CommandError> {
    let Some(path) = named else {
        return Blocklist::parse(BUILTIN_BLOCKLIST).map(Some).map_err(CommandError::bad_input);
    };
    if path == Path::new(NO_BLOCKLIST) {
        return Ok(None);
    }
    let bad = |e: &dyn std::fmt::Display| {
        CommandError::bad_input(format!("the blocklist '{}' cannot be used: {e}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
    Blocklist::parse(&text).map(Some).map_err(|e| bad(&e))
}
