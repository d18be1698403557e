//! `corpora gc DIR`.

use std::io::Write;

use super::args::GcArgs;
use super::exit::{CommandError, Exit};
use super::folder::trusted;
use super::progress::counted;
use super::saved::saved_fps;
use super::screen;
use crate::engine::{Orphan, OrphanState, orphans, remove_orphans};
use crate::store::{FpId, Lock, RunLock, Session, Store};
use crate::values::Shown;

/// Removes superseded results and the vocabulary files of sources that are gone; files that somebody has edited stay.
pub(super) fn run(args: &GcArgs, holder: &str) -> Result<Exit, CommandError> {
    let dir = trusted(args.folder.path()?)?;
    let store = Store::open_existing(dir)?;
    let _lock = RunLock::take(dir, Lock::Run, holder)?;
    // A store of an older version is brought up to date first.
    let store = Store::open_or_create(store.output())?;
    let reader = store.reader()?;
    let fps = saved_fps(&reader, dir)?;
    let question = reader.meta("current:question")?.and_then(|v| v.parse().ok()).map_or(FpId(0), FpId);
    drop(reader);
    let mut session = Session::begin(&store)?;
    let (results, bytes, answers) = session.garbage(&fps, question)?;
    let verb = if args.dry_run { "would remove" } else { "removed" };
    let found = orphans(&mut session, dir)?;
    if !args.dry_run {
        remove_orphans(&mut session, &store, &found)?;
        session.collect_garbage(&fps, question)?;
    }
    if args.json {
        let kept = |state| matches!(state, OrphanState::Edited);
        let outputs: Vec<_> = found
            .iter()
            .filter(|orphan| orphan.state != OrphanState::Missing)
            .map(|orphan| serde_json::json!({"output": orphan.output, "kept": kept(orphan.state)}))
            .collect();
        screen::print_json(&serde_json::json!({
            "dry_run": args.dry_run, "results": results, "bytes": bytes, "answers": answers, "outputs": outputs,
        }))?;
        return Ok(Exit::Done);
    }
    // Printed when it is done: a reader that leaves early must not stop the work.
    let mut out: Box<dyn Write> = if args.quiet.quiet { Box::new(std::io::sink()) } else { Box::new(screen::out()) };
    for Orphan { output, state } in &found {
        match state {
            OrphanState::Untouched => writeln!(out, "{verb} {}: its source is gone", Shown(output))?,
            OrphanState::Edited => {
                writeln!(out, "kept {}: its source is gone, but somebody has edited it", Shown(output))?;
            }
            OrphanState::Missing => {}
        }
    }
    writeln!(
        out,
        "{verb} {} ({}) and {}",
        counted(results, "superseded result", "superseded results"),
        counted(bytes, "byte", "bytes"),
        counted(answers, "superseded answer", "superseded answers")
    )?;
    Ok(Exit::Done)
}
