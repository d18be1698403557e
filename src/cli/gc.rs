//! `corpora gc DIR`.

use std::io::Write;

use super::args::GcArgs;
use super::exit::{CommandError, Exit};
use super::saved::saved_fps;
use crate::store::{FpId, RunLock, STORE_FOLDER, Session, Store};
use crate::values::Fingerprint;

/// Removes superseded results and the vocabulary files of sources that are gone; files that somebody has edited stay.
pub(super) fn run(args: &GcArgs, holder: &str) -> Result<Exit, CommandError> {
    let store = Store::open_existing(&args.dir)?;
    let _lock = RunLock::take(&args.dir, &args.dir.join(STORE_FOLDER), holder)?;
    // A store of an older version is brought up to date first.
    let store = Store::open_or_create(store.output())?;
    let reader = store.reader()?;
    let fps = saved_fps(&reader, &args.dir)?;
    let question = reader.meta("current:question")?.and_then(|v| v.parse().ok()).map_or(FpId(0), FpId);
    drop(reader);
    let mut session = Session::begin(&store)?;
    let (results, bytes, answers) = session.garbage(fps, question)?;
    let mut out = std::io::stdout().lock();
    let verb = if args.dry_run { "would remove" } else { "removed" };
    for (output, sha) in session.orphans()? {
        let path = args.dir.join(&output);
        let Ok(content) = std::fs::read(&path) else { continue };
        if Fingerprint::of(&content).0[..8] != sha {
            writeln!(out, "kept {output}: its source is gone, but somebody has edited it")?;
            continue;
        }
        if !args.dry_run {
            std::fs::remove_file(&path)
                .map_err(|e| CommandError::bad_input(format!("cannot remove '{}': {e}", path.display())))?;
        }
        writeln!(out, "{verb} {output}: its source is gone")?;
    }
    if !args.dry_run {
        session.forget_orphans()?;
        session.collect_garbage(fps, question)?;
    }
    writeln!(out, "{verb} {results} superseded results ({bytes} bytes) and {answers} superseded answers")?;
    Ok(Exit::Done)
}
