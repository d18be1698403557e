//! `corpora rescue DIR`.

use std::io::Write;

use serde_json::{Value, json};

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
    match Store::open_existing(&dir).and_then(|store| store.check_integrity()) {
        Ok(()) => {
            if args.json {
                screen::print_json(&json!({"sound": true}))?;
            } else if !args.quiet.quiet {
                let words = "the store is sound, and stays as it is; 'corpora verify' looks at what is in it";
                writeln!(screen::out(), "{words}")?;
            }
            return Ok(Exit::Done);
        }
        Err(error @ (StoreError::Missing { .. } | StoreError::Newer { .. })) => return Err(error.into()),
        Err(_) => {}
    }
    let _lock = RunLock::take(&dir, Lock::Run, holder)?;
    let rescued = rescue(&dir)?;
    let exit = if rescued.tables.iter().all(|found| found.whole) { Exit::Done } else { Exit::Partial };
    if args.json {
        screen::print_json(&as_json(&rescued))?;
    } else {
        tell(&rescued, args.quiet.quiet)?;
    }
    Ok(exit)
}

/// The rescue as JSON: `schemas/rescued.schema.json`.
fn as_json(Rescued { tables, cost, read_again, kept }: &Rescued) -> Value {
    let tables: Vec<Value> = tables
        .iter()
        .map(
            |found| json!({"table": found.table, "rows": found.rows, "restored": found.restored, "whole": found.whole}),
        )
        .collect();
    json!({"sound": false, "tables": tables, "dollars": cost.dollars(), "read_again": read_again, "kept": kept})
}

/// Says what was kept, unless nobody wants to hear it, and what is lost.
fn tell(Rescued { tables, cost, read_again, kept }: &Rescued, quiet: bool) -> std::io::Result<()> {
    let lost: Vec<&str> = tables.iter().filter(|found| !found.whole).map(|found| found.table).collect();
    let mut out = screen::out();
    if !lost.is_empty() {
        writeln!(out, "lost: an unknown number of rows of {}", lost.join(", "))?;
    }
    if quiet {
        return Ok(());
    }
    let rows = |table| tables.iter().find(|found| found.table == table).map_or(0, |found| found.rows + found.restored);
    let paid = if *cost == Cost::default() { String::new() } else { format!(" that cost {cost}") };
    writeln!(
        out,
        "kept: {}, {}{paid}, {}, {}",
        counted(rows("answer"), "answer", "answers"),
        counted(rows("response"), "response", "responses"),
        counted(rows("doc"), "document", "documents"),
        counted(rows("art"), "result", "results")
    )?;
    if *read_again > 0 {
        writeln!(out, "{} will be read again, which costs nothing", counted(*read_again, "response", "responses"))?;
    }
    writeln!(
        out,
        "the broken store is kept in '{}'; the next 'corpora batch' makes again what is missing",
        kept.display()
    )
}
