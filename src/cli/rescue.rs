//! `corpora rescue DIR`.

use std::io::Write;

use super::exit::{CommandError, Exit};
use super::folder::trusted;
use super::pay_args::RescueArgs;
use super::progress::counted;
use super::screen;
use crate::store::{Lock, Rescued, RunLock, Store, StoreError, rescue};
use crate::values::Cost;

/// Puts what can be read of a broken store into a sound one; the exit code is 0 if that is all of it, and 75 if something is lost.
pub(super) fn run(args: &RescueArgs, holder: &str) -> Result<Exit, CommandError> {
    let dir = trusted(args.folder.existing()?)?;
    let mut out = screen::out();
    match Store::open_existing(&dir).and_then(|store| store.check_integrity()) {
        Ok(()) => {
            writeln!(out, "the store is sound, and stays as it is; 'corpora verify' looks at what is in it")?;
            return Ok(Exit::Done);
        }
        Err(error @ (StoreError::Missing { .. } | StoreError::Newer { .. })) => return Err(error.into()),
        Err(_) => {}
    }
    let _lock = RunLock::take(&dir, Lock::Run, holder)?;
    let Rescued { tables, cost, read_again, kept } = rescue(&dir)?;
    let rows = |table| tables.iter().find(|found| found.table == table).map_or(0, |found| found.rows + found.restored);
    let paid = if cost == Cost::default() { String::new() } else { format!(" that cost {cost}") };
    writeln!(
        out,
        "kept: {}, {}{paid}, {}, {}",
        counted(rows("answer"), "answer", "answers"),
        counted(rows("response"), "response", "responses"),
        counted(rows("doc"), "document", "documents"),
        counted(rows("art"), "result", "results")
    )?;
    if read_again > 0 {
        writeln!(out, "{} will be read again, for nothing", counted(read_again, "response", "responses"))?;
    }
    let lost: Vec<&str> = tables.iter().filter(|found| !found.whole).map(|found| found.table).collect();
    if !lost.is_empty() {
        writeln!(out, "lost: an unknown number of rows of {}", lost.join(", "))?;
    }
    writeln!(
        out,
        "the broken store is kept in '{}'; the next 'corpora batch' makes again what is missing",
        kept.display()
    )?;
    Ok(if lost.is_empty() { Exit::Done } else { Exit::Partial })
}
