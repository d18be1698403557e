//! `corpora merge OUT SHARD...` and `corpora pack SHARD`.

use std::io::Write;

use serde_json::json;

use super::args::{MergeArgs, PackArgs};
use super::exit::{CommandError, Exit};
use super::folder::trusted;
use super::progress::size;
use super::screen;
use crate::engine::{MergeConfig, Merged, merge};
use crate::store::{MergeCounts, Store};
use crate::values::plural;

/// Missing shards that are named; of more there is only their number.
const MOST_NAMED: usize = 40;

/// Puts shards together, and says what came of it.
pub(super) fn run(args: &MergeArgs, holder: &str) -> Result<Exit, CommandError> {
    for shard in &args.shards {
        trusted(shard)?;
    }
    let merged = merge(&MergeConfig {
        output: trusted(&args.output)?.clone(),
        shards: args.shards.clone(),
        partial: args.partial,
        holder: holder.to_owned(),
        now_ms: || jiff::Timestamp::now().as_millisecond(),
    })?;
    if !merged.missing.is_empty() {
        writeln!(screen::err(), "{}", missing(&merged, args.partial))?;
    }
    if merged.read > 0 {
        writeln!(screen::notes(args.quiet.quiet), "{}", told(&merged))?;
    }
    if args.json {
        screen::print_json(&merged)?;
    }
    Ok(if merged.missing.is_empty() || args.partial { Exit::Done } else { Exit::ShardsMissing })
}

fn missing(merged: &Merged, partial: bool) -> String {
    let named: Vec<String> = merged.missing.iter().take(MOST_NAMED).map(u32::to_string).collect();
    let more = merged.missing.len().saturating_sub(MOST_NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let numbers = format!("{}{more}", named.join(", "));
    let count = plural(merged.missing.len() as u64, "shard", "shards");
    match partial {
        true => {
            format!("{count} of {} missing or not at an end: {numbers}; merge again when they are there", merged.of)
        }
        false => format!(
            "{count} of {} missing or not at an end: {numbers}; nothing was changed: run these, and merge again, or merge what is there with --partial",
            merged.of
        ),
    }
}

fn told(merged: &Merged) -> String {
    let Merged { read, documents, counts, failed, recognisers, .. } = merged;
    let MergeCounts { files, results, equal, conflicts, spoilt } = counts;
    let mut parts = vec![format!(
        "merged {}: {} new, {}, {}, {equal} known before",
        plural(*read, "store", "stores"),
        plural(*documents, "document", "documents"),
        plural(*files, "file", "files"),
        plural(*results, "result", "results"),
    )];
    if *failed > 0 {
        parts.push(format!("{} in corpora-errors.log", plural(*failed, "failure", "failures")));
    }
    if *conflicts > 0 {
        let (count, verb) =
            (plural(*conflicts, "result", "results"), if *conflicts == 1 { "differs" } else { "differ" });
        parts.push(format!(
            "{count} {verb} between shards, and the better one counts (whole before partial, done before failed)"
        ));
    }
    if !recognisers.is_empty() {
        parts.push(format!("the shards had different recognisers: {}", recognisers.join(", ")));
    }
    if *spoilt > 0 {
        let count = plural(*spoilt, "result is", "results are");
        parts.push(format!("{count} damaged in a shard, and made again by the next run"));
    }
    parts.join("; ")
}

/// Copies the store of a shard as it is now, one file, beside a run if there is one.
pub(super) fn pack(args: &PackArgs) -> Result<Exit, CommandError> {
    let store = Store::open_existing(trusted(&args.shard)?)?;
    if store.shard_header()?.is_none() {
        let message = format!("'{}' is no shard; only shards are packed", args.shard.display());
        return Err(CommandError::bad_input(message));
    }
    store.pack(&args.output)?;
    let bytes = std::fs::metadata(&args.output).map_err(CommandError::bad_input)?.len();
    if args.json {
        screen::print_json(&json!({"pack": args.output, "bytes": bytes}))?;
    } else {
        writeln!(screen::notes(args.quiet.quiet), "{} in '{}'", size(bytes), args.output.display())?;
    }
    Ok(Exit::Done)
}
