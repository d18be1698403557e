//! `corpora list INPUT`.

use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::args::ListArgs;
use super::exit::{CommandError, Exit};
use super::progress::{counted, size};
use super::screen;
use crate::stages::discover::{Inputs, Listed, Walk, balance};
use crate::store::{MachineDisk, replace_file};

/// Walks the input once and writes what it found, so that many machines need not.
pub(super) fn run(args: &ListArgs) -> Result<Exit, CommandError> {
    let base = std::env::current_dir()
        .map_err(|e| CommandError::bad_input(format!("the working folder cannot be found: {e}")))?;
    let inputs = Inputs::resolve(&base, std::slice::from_ref(&args.input)).map_err(CommandError::bad_input)?;
    if !inputs.is_whole_root() {
        let message = format!("'{}' is a file; a list is of a folder", args.input.display());
        return Err(CommandError::bad_input(message));
    }
    let (mut files, mut unreadable) = (Vec::new(), 0_u64);
    for item in Walk::new(&inputs, !args.no_recursive) {
        match item {
            Ok(found) => files.push(Listed::from(&found)),
            Err(error) => {
                unreadable += 1;
                writeln!(screen::err(), "corpora: {error}")?;
            }
        }
    }
    if let Some(of) = args.shards {
        balance(&mut files, of);
    }
    match &args.output {
        Some(file) => {
            let written = replace_file(&MachineDisk, file, |out| write(&files, out));
            written.map_err(|e| CommandError::bad_input(format!("cannot write '{}': {e}", file.display())))?;
            if args.json {
                screen::print_json(&json!({
                    "list": file, "files": files.len(), "bytes": bytes(&files), "shards": args.shards,
                    "unreadable": unreadable,
                }))?;
            } else {
                told(&mut screen::notes(args.quiet.quiet), &files, args.shards, file)?;
            }
        }
        None => write(&files, &mut screen::data())?,
    }
    Ok(if unreadable == 0 { Exit::Done } else { Exit::Partial })
}

fn write(files: &[Listed], out: &mut dyn Write) -> std::io::Result<()> {
    for file in files {
        serde_json::to_writer(&mut *out, file)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn bytes(files: &[Listed]) -> u64 {
    files.iter().map(|file| file.size).sum()
}

fn told(out: &mut dyn Write, files: &[Listed], shards: Option<u32>, list: &Path) -> std::io::Result<()> {
    let bytes = bytes(files);
    let cut = shards.map_or_else(String::new, |of| {
        let shards = counted(of.into(), "shard", "shards");
        format!(", in {shards} of about {} each", size(bytes / u64::from(of)))
    });
    writeln!(out, "{}, {}{cut}: {}", counted(files.len() as u64, "file", "files"), size(bytes), list.display())
}
