//! Making the master vocabulary of an output folder: looking through its vocabulary files, then merging their terms.

mod look;
mod merging;

use std::path::{Path, PathBuf};

use self::look::Look;
pub(super) use self::look::each_vocabulary_file;
pub use self::merging::write_queue;
use super::orphans::{Orphan, OrphanState, orphans, remove_orphans};
use crate::stages::consolidate::{Decisions, VERSION, check_queue};
use crate::store::{ConsolidationState, RunLock, STORE_FOLDER, Session, Store, StoreError};
use crate::values::{Fingerprint, KeyWriter, MASTER_FILE, MasterMetadata, REVIEW_FILE, ReviewQueue};

/// Order for a consolidation.
#[derive(Debug, Clone)]
pub struct ConsolidateConfig {
    /// The output folder.
    pub folder: PathBuf,
    /// Removal of vocabulary files whose source is gone, before all else; edited ones stay.
    pub remove_orphans: bool,
    /// Beginning from nothing: what earlier consolidations remember is forgotten.
    pub anew: bool,
    /// Introduction of this command to another that finds the folder locked.
    pub holder: String,
}

/// Progress of a consolidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsolidateStep {
    /// Files looked at.
    Looked(u64),
    /// Terms merged.
    Merged(u64),
}

/// Result of a consolidation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consolidated {
    /// Vocabulary files in the folder.
    pub files: u64,
    /// Of these, read because they are new or changed.
    pub read: u64,
    /// Files that are gone since the last time.
    pub gone: u64,
    /// Files about sources that other files are about too; one of each counts.
    pub copies: u64,
    /// Files that somebody has edited since they were written; they count as they are.
    pub edited: Vec<String>,
    /// Files that cannot be used, and why. Their terms are not in the master.
    pub unusable: Vec<(String, String)>,
    /// Files whose source is gone, as they stood before any was removed.
    pub orphans: Vec<(String, OrphanState)>,
    /// About the master.
    pub metadata: MasterMetadata,
    /// Terms that the master before did not have.
    pub added: u64,
    /// Terms of which it said something else; what follows from the number of documents alone is not counted.
    pub changed: u64,
    /// Terms that only it had.
    pub removed: u64,
    /// Flagged terms in the review queue without a decision.
    pub waiting: u64,
    /// True if the master is another than before.
    pub replaced: bool,
}

/// Reasons for which there is no master.
#[derive(Debug, thiserror::Error)]
pub enum ConsolidateError {
    /// The store, or the state beside it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder holds no vocabulary file and never did.
    #[error("there are no vocabulary files in '{0}'; 'corpora batch ... -o {0}' makes them")]
    Empty(PathBuf),
    /// Something that people gave cannot be used.
    #[error("{0}")]
    Unusable(String),
    /// Reading or writing failed.
    #[error("cannot {action} '{file}': {source}")]
    Io {
        /// Action that failed.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

fn io(action: &'static str, file: &Path) -> impl FnOnce(std::io::Error) -> ConsolidateError + use<> {
    let file = file.to_path_buf();
    move |source| ConsolidateError::Io { action, file, source }
}

/// Which documents there are, by the numbers that the runs know them by.
#[derive(Debug, Default)]
struct Documents {
    /// Files that can be used.
    known: Vec<bool>,
    /// Of these, the ones that count.
    live: Vec<bool>,
    count: u64,
    copies: u64,
}

impl Documents {
    fn of(state: &ConsolidationState, mut each: impl FnMut(&str, &Fingerprint)) -> Result<Self, StoreError> {
        let mut documents = Self::default();
        state.files(|number, path, sha, counts| {
            let n = number as usize;
            if documents.known.len() <= n {
                documents.known.resize(n + 1, false);
                documents.live.resize(n + 1, false);
            }
            documents.known[n] = true;
            documents.live[n] = counts;
            match counts {
                true => {
                    documents.count += 1;
                    each(path, sha);
                }
                false => documents.copies += 1,
            }
        })?;
        Ok(documents)
    }

    fn is_live(&self, number: u32) -> bool {
        self.live.get(number as usize).copied().unwrap_or(false)
    }

    fn is_known(&self, number: u32) -> bool {
        self.known.get(number as usize).copied().unwrap_or(false)
    }
}

/// Puts all vocabulary files of a folder together as `master.vocab.json`, and the flagged terms as `flagged.json`.
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
    let folder = &config.folder;
    let own = folder.join(STORE_FOLDER);
    if !own.is_dir() && !look::has_files(folder)? {
        return Err(ConsolidateError::Empty(folder.clone()));
    }
    std::fs::create_dir_all(&own).map_err(io("create", &own))?;
    let _lock = RunLock::take(folder, &own, &config.holder)?;
    let _review = ReviewLock::take(folder, &config.holder)?;
    let (queue, decisions) = queue(folder)?;
    let mut result = Consolidated::default();
    let store = existing_store(folder)?;
    if let Some(store) = &store {
        let mut session = Session::begin(store)?;
        let found = orphans(&mut session, folder)?;
        if config.remove_orphans {
            remove_orphans(&mut session, folder, &found)?;
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

    let mut inputs = Some(KeyWriter::new("consolidate").number(VERSION.into()).text(&format!("{decisions:?}")));
    let documents = Documents::of(&state, |path, sha| {
        inputs = inputs.take().map(|key| key.text(path).key(sha));
    })?;
    let inputs = inputs.map(|key| key.finish().hex()).unwrap_or_default();
    result.copies = documents.copies;
    if state.text("published")?.is_some_and(|known| Some(known) == published(&inputs, folder)) {
        result.metadata = state.text("metadata")?.and_then(|m| serde_json::from_str(&m).ok()).unwrap_or_default();
        result.waiting = waiting(&queue);
        return Ok(result);
    }
    merging::merge(folder, &state, &documents, &decisions, queue, &mut result, progress)?;
    state.set_text("published", &published(&inputs, folder).unwrap_or_default())?;
    state.set_text("metadata", &serde_json::to_string(&result.metadata).unwrap_or_default())?;
    state.commit()?;
    Ok(result)
}

/// Keeps two from editing a folder's review queue at once. A run does not touch the queue, so it may go on meanwhile.
#[derive(Debug)]
pub struct ReviewLock(#[expect(dead_code, reason = "dropping it releases the lock")] RunLock);

impl ReviewLock {
    /// Takes the lock of `folder` for `holder`.
    ///
    /// # Errors
    /// If somebody has it; or if the folder cannot be written.
    pub fn take(folder: &Path, holder: &str) -> Result<Self, ConsolidateError> {
        let own = folder.join(STORE_FOLDER).join("review");
        std::fs::create_dir_all(&own).map_err(io("create", &own))?;
        Ok(Self(RunLock::take(folder, &own, holder)?))
    }
}

/// The review queue of a folder and its decisions; none if there is no queue.
///
/// # Errors
/// If it cannot be read, is no queue, or its decisions contradict each other.
pub fn queue(folder: &Path) -> Result<(ReviewQueue, Decisions), ConsolidateError> {
    let file = folder.join(REVIEW_FILE);
    match std::fs::read(&file) {
        Ok(bytes) => check_queue(&bytes).map_err(ConsolidateError::Unusable),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Default::default()),
        Err(e) => Err(io("read", &file)(e)),
    }
}

/// The store of the folder, brought up to date; vocabulary files may stand in a folder without one.
fn existing_store(folder: &Path) -> Result<Option<Store>, StoreError> {
    match Store::open_existing(folder) {
        Ok(_) => Store::open_or_create(folder).map(Some),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Says from what master and queue were made and how their files look; none if one is not there.
fn published(inputs: &str, folder: &Path) -> Option<String> {
    let (size, mtime) = look::stamp(&std::fs::metadata(folder.join(MASTER_FILE)).ok()?);
    let queue = Fingerprint::of(&std::fs::read(folder.join(REVIEW_FILE)).ok()?).hex();
    Some(format!("{inputs} {size} {mtime} {queue}"))
}

fn waiting(queue: &ReviewQueue) -> u64 {
    queue.entries.iter().filter(|e| e.flag.is_some() && e.decision.is_none()).count() as u64
}
