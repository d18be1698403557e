//! One consolidation, from the lock to the published master.

use std::path::Path;
use std::sync::Arc;

use super::documents::Documents;
use super::look::{self, Look};
use super::merging;
use super::outcome::{ConsolidateConfig, ConsolidateError, ConsolidateStep, Consolidated, io};
use crate::engine::vocabulary::decisions::Desk;
use crate::engine::vocabulary::orphans::{Orphan, OrphanState, orphans, remove_orphans};
use crate::stages::consolidate::{VERSION, waiting};
use crate::store::{ConsolidationState, Disk, Lock, RunLock, STORE_FOLDER, Session, Store, StoreError};
use crate::values::{Fingerprint, KeyWriter, MASTER_FILE, REVIEW_FILE, VARIANTS_FILE};

/// Puts all vocabulary files of a folder together as `master.vocab.json` by the decisions of `decisions.jsonl`, and the flagged terms without a
/// decision as `flagged.json`. Decisions that somebody wrote there are taken over first.
///
/// Files that are as they were are not read again. The result depends on the vocabulary files and the decisions alone, not on
/// any order or on what was consolidated before. At every instant the master is the old or the new one, whole; the old one
/// stays as `master.vocab.json.bak`. Memory does not grow with the number of terms, apart from those in the review queue.
///
/// # Errors
/// Whatever makes a master impossible. Files that cannot be used are named in the result and are not an error.
pub fn consolidate(
    config: &ConsolidateConfig,
    progress: &mut dyn FnMut(ConsolidateStep),
) -> Result<Consolidated, ConsolidateError> {
    let folder = &config.folder.canonicalize().map_err(io("find", &config.folder))?;
    let own = folder.join(STORE_FOLDER);
    if !own.is_dir() && !look::has_files(folder)? {
        return Err(ConsolidateError::Empty(folder.clone()));
    }
    let _lock = RunLock::take(folder, Lock::Run, &config.holder)?;
    let desk = Desk { disk: &*config.disk, folder, holder: &config.holder, now: config.now };
    let (decisions, queue, carried) = desk.take_over()?;
    let mut result = Consolidated { carried, ..Consolidated::default() };
    let store = existing_store(&config.disk, folder)?;
    if let Some(store) = &store {
        let mut session = Session::begin(store)?;
        let found = orphans(&mut session, folder)?;
        if config.remove_orphans {
            remove_orphans(&mut session, store, &found)?;
        }
        let there = found.into_iter().filter(|o| o.state != OrphanState::Missing);
        result.orphans = there.map(|Orphan { output, state }| (output, state)).collect();
    }
    let reader = store.as_ref().map(Store::reader).transpose()?;
    let state = ConsolidationState::open(folder, config.anew)?;
    look::refuse_a_document_as_master(folder, state.text("published")?.is_some())?;
    Look::new(folder, &state, reader.as_ref(), &mut result, progress)?.run()?;
    result.gone = state.forget_unseen()?;
    result.unusable = state.problems()?;
    state.commit()?;

    let mut inputs = Some(decisions.add_to(KeyWriter::new("consolidate").number(VERSION.into())));
    let documents = Documents::of(&state, |path, sha| {
        inputs = inputs.take().map(|key| key.text(path).key(sha));
    })?;
    let inputs = inputs.map(|key| key.finish().hex()).unwrap_or_default();
    result.copies = documents.copies;
    if state.text("published")?.is_some_and(|known| Some(known) == published(&inputs, folder)) {
        result.metadata = state.text("metadata")?.and_then(|m| serde_json::from_str(&m).ok()).unwrap_or_default();
        result.absent = state.text("absent")?.and_then(|a| serde_json::from_str(&a).ok()).unwrap_or_default();
        result.waiting = waiting(&queue, &decisions);
        return Ok(result);
    }
    let queue = merging::merge((&*config.disk, folder), &state, &documents, &decisions, &mut result, progress)?;
    result.waiting = desk.publish(&queue)?;
    state.set_text("published", &published(&inputs, folder).unwrap_or_default())?;
    state.set_text("absent", &serde_json::to_string(&result.absent).unwrap_or_default())?;
    state.set_text("metadata", &serde_json::to_string(&result.metadata).unwrap_or_default())?;
    state.commit()?;
    Ok(result)
}

/// The store of the folder, brought up to date; vocabulary files may stand in a folder without one.
fn existing_store(disk: &Arc<dyn Disk>, folder: &Path) -> Result<Option<Store>, StoreError> {
    match Store::open_existing(folder) {
        Ok(_) => Store::open_or_create_on(Arc::clone(disk), folder).map(Some),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Says from what master, queue and possible variants were made and how their files look; none if one is not there.
fn published(inputs: &str, folder: &Path) -> Option<String> {
    let (size, mtime) = look::stamp(&std::fs::metadata(folder.join(MASTER_FILE)).ok()?);
    let content = |name: &str| std::fs::read(folder.join(name)).ok().map(|bytes| Fingerprint::of(&bytes).hex());
    let (queue, variants) = (content(REVIEW_FILE)?, content(VARIANTS_FILE)?);
    Some(format!("{inputs} {size} {mtime} {queue} {variants}"))
}
