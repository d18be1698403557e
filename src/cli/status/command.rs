//! The command: reads the folder and prints it.

use std::io::Write;

use super::gather::gather;
use super::print::{each_failure, each_partial, print, print_failure};
use crate::cli::args::StatusArgs;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::saved::{fps_of, saved_fps};
use crate::cli::screen;
use crate::store::{Reader, StageFps, Store};

/// Prints the state of an output folder; a run may be going on in it.
pub(in crate::cli) fn run(args: &StatusArgs) -> Result<Exit, CommandError> {
    let dir = args.folder.path()?;
    let store = Store::open_existing(dir)?;
    let reader = store.reader()?;
    let mut out = std::io::BufWriter::new(if args.json { screen::json() } else { screen::out() });
    if args.failed {
        return list_failed(&reader, saved_fps(&reader, dir)?, args.json, &mut out);
    }
    let fps = fps_of(&reader)?;
    let status = gather(dir, &reader, fps)?;
    if args.json {
        let head = serde_json::to_string(&status).map_err(std::io::Error::from)?;
        write!(out, "{},\"failures\":[", head.strip_suffix('}').unwrap_or(&head))?;
        let mut first = true;
        each_failure(&reader, fps, |failure| {
            let line = serde_json::to_string(&failure)?;
            write!(out, "{}{line}", if std::mem::take(&mut first) { "" } else { "," })
        })?;
        write!(out, "],\"partial\":[")?;
        first = true;
        each_partial(&reader, fps, |partial| {
            let line = serde_json::to_string(&partial)?;
            write!(out, "{}{line}", if std::mem::take(&mut first) { "" } else { "," })
        })?;
        writeln!(out, "]}}")?;
    } else {
        print(&status, &reader, fps, &mut out)?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn list_failed(reader: &Reader, fps: StageFps, json: bool, out: &mut impl Write) -> Result<Exit, CommandError> {
    each_failure(reader, Some(fps), |failure| {
        if json { writeln!(out, "{}", serde_json::to_string(&failure)?) } else { print_failure(out, &failure) }
    })?;
    out.flush()?;
    Ok(Exit::Done)
}
