//! Looking through a folder for vocabulary files, and reading those that are new or changed.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::prelude::*;

use super::outcome::{ConsolidateError, ConsolidateStep, Consolidated, io};
use crate::stages::consolidate::{PLACES_OF_A_DOCUMENT, read_vocabulary};
use crate::store::{ConsolidationState, ReadContent, ReadFile, Reader, RunSorter, STORE_FOLDER};
use crate::values::{Fingerprint, MASTER_FILE, Occurrence};

/// The last part of the name of every vocabulary file.
const EXTENSION: &str = ".vocab.json";

/// Vocabulary files that are read at once: so many,
const FILES_AT_ONCE: usize = 64;

/// and of so many bytes.
const BYTES_AT_ONCE: u64 = 16 << 20;

/// No file has this modification time: what has it is looked at again.
const NEVER: i64 = i64::MIN;

/// Size and modification time of a file.
pub(super) fn stamp(metadata: &std::fs::Metadata) -> (u64, i64) {
    let modified = metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    (metadata.len(), modified.and_then(|d| i64::try_from(d.as_nanos()).ok()).unwrap_or(NEVER))
}

/// A vocabulary file in the folder.
struct Found {
    path: String,
    file: PathBuf,
    size: u64,
    mtime_ns: i64,
}

/// Content of a file: what is kept of it, and the records of its terms.
type ReadTerms = (ReadFile, Vec<(String, Vec<u8>)>);

/// Hands every vocabulary file below `folder` to `each` in path order, until `each` says that it is enough.
fn each_file(
    folder: &Path,
    below: &str,
    each: &mut dyn FnMut(Found) -> Result<bool, ConsolidateError>,
) -> Result<bool, ConsolidateError> {
    let here = folder.join(below);
    let entries = std::fs::read_dir(&here).map_err(io("read", &here))?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(io("read", &here))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let kind = entry.file_type().map_err(io("read", &entry.path()))?;
        if kind.is_dir() {
            if path != STORE_FOLDER && !each_file(folder, &path, each)? {
                return Ok(false);
            }
        } else if name.ends_with(EXTENSION) && path != MASTER_FILE {
            let file = entry.path();
            let Ok(metadata) = std::fs::metadata(&file) else { continue };
            let (size, mtime_ns) = stamp(&metadata);
            if metadata.is_file() && !each(Found { path, file, size, mtime_ns })? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Hands the path of every vocabulary file below `folder` to `each`, in path order.
pub(in crate::engine) fn each_vocabulary_file<E: From<std::io::Error>>(
    folder: &Path,
    each: &mut dyn FnMut(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let mut stopped = None;
    let looked = each_file(folder, "", &mut |found| match each(&found.file) {
        Ok(()) => Ok(true),
        Err(e) => {
            stopped = Some(e);
            Ok(false)
        }
    });
    match (stopped, looked) {
        (Some(e), _) => Err(e),
        (None, Err(e)) => Err(std::io::Error::other(e).into()),
        (None, Ok(_)) => Ok(()),
    }
}

/// True if there is any vocabulary file.
pub(super) fn has_files(folder: &Path) -> Result<bool, ConsolidateError> {
    Ok(!each_file(folder, "", &mut |_| Ok(false))?)
}

/// Refuses a folder in which a document's own vocabulary file has the master's name, as folders of older versions may have it.
pub(super) fn refuse_a_document_as_master(folder: &Path, ours: bool) -> Result<(), ConsolidateError> {
    let file = folder.join(MASTER_FILE);
    let mut head = Vec::new();
    match std::fs::File::open(&file) {
        Ok(opened) if !ours => opened.take(4096).read_to_end(&mut head).map_err(io("read", &file))?,
        _ => return Ok(()),
    };
    if String::from_utf8_lossy(&head).contains("\"source_path\"") {
        return Err(ConsolidateError::Unusable(format!(
            "'{}' is the vocabulary of a document, and the master would take its place; rename the document, run 'corpora batch' again, and delete that file",
            file.display()
        )));
    }
    Ok(())
}

/// One look through a folder.
pub(super) struct Look<'a> {
    folder: &'a Path,
    state: &'a ConsolidationState,
    reader: Option<&'a Reader>,
    result: &'a mut Consolidated,
    progress: &'a mut dyn FnMut(ConsolidateStep),
    sorter: RunSorter,
    next_number: u32,
    waiting: Vec<Found>,
}

impl<'a> Look<'a> {
    pub(super) fn new(
        folder: &'a Path,
        state: &'a ConsolidationState,
        reader: Option<&'a Reader>,
        result: &'a mut Consolidated,
        progress: &'a mut dyn FnMut(ConsolidateStep),
    ) -> Result<Self, ConsolidateError> {
        let next_run = state.number("next_run")?.cast_unsigned();
        let next_number = u32::try_from(state.number("next_number")?).unwrap_or(0);
        let sorter = RunSorter::new(state.folder(), "terms", next_run);
        Ok(Self { folder, state, reader, result, progress, sorter, next_number, waiting: Vec::new() })
    }

    /// Looks at every file; what was read is in the state when this returns, and not yet committed.
    pub(super) fn run(mut self) -> Result<(), ConsolidateError> {
        each_file(self.folder, "", &mut |found| {
            self.result.files += 1;
            (self.progress)(ConsolidateStep::Looked(self.result.files));
            match self.state.seen(&found.path)? {
                Some(known) if (known.size, known.mtime_ns) == (found.size, found.mtime_ns) => {
                    self.note_if_edited(&found.path, &known.sha)?;
                }
                _ => self.waiting.push(found),
            }
            let bytes: u64 = self.waiting.iter().map(|f| f.size).sum();
            if self.waiting.len() >= FILES_AT_ONCE || bytes >= BYTES_AT_ONCE {
                self.read()?;
            }
            Ok(true)
        })?;
        self.read()?;
        let (new, next_run) = self.sorter.finish()?;
        let mut runs = self.state.runs()?;
        runs.extend(new);
        self.state.set_runs(&runs)?;
        self.state.set_number("next_run", next_run.cast_signed())?;
        self.state.set_number("next_number", self.next_number.into())?;
        Ok(())
    }

    fn note_if_edited(&mut self, path: &str, sha: &Fingerprint) -> Result<(), ConsolidateError> {
        if let Some(reader) = self.reader
            && reader.written(path)?.is_some_and(|written| written != sha.0[..8])
        {
            self.result.edited.push(path.to_owned());
        }
        Ok(())
    }

    /// Reads the files that wait, side by side, and takes them in one after the other in path order.
    fn read(&mut self) -> Result<(), ConsolidateError> {
        let found = std::mem::take(&mut self.waiting);
        let read: Vec<ReadTerms> = found.par_iter().map(read).collect();
        for (found, (mut file, terms)) in found.iter().zip(read) {
            self.result.read += 1;
            self.note_if_edited(&found.path, &file.sha)?;
            if let Ok(content) = &mut file.content {
                content.number = self.next_number;
                self.next_number += 1;
                for (canonical, entry) in terms {
                    self.sorter.push(&super::merging::key(&canonical, content.number), &entry)?;
                }
            }
            self.state.keep(&found.path, &file)?;
        }
        Ok(())
    }
}

/// The places with the longest sentences, in the order in which they stand.
fn most_telling(places: Vec<Occurrence>) -> Vec<Occurrence> {
    let mut by_length: Vec<(usize, Occurrence)> = places.into_iter().enumerate().collect();
    by_length.sort_by_key(|(at, place)| (std::cmp::Reverse(place.sentence.len()), *at));
    by_length.truncate(PLACES_OF_A_DOCUMENT);
    by_length.sort_by_key(|(at, _)| *at);
    by_length.into_iter().map(|(_, place)| place).collect()
}

fn read(found: &Found) -> ReadTerms {
    let unusable = |mtime_ns, sha, reason: String| {
        (ReadFile { size: found.size, mtime_ns, sha, content: Err(reason) }, Vec::new())
    };
    let bytes = match std::fs::read(&found.file) {
        Ok(bytes) => bytes,
        Err(e) => return unusable(NEVER, Fingerprint::of(&[]), format!("it cannot be read: {e}")),
    };
    let sha = Fingerprint::of(&bytes);
    let vocabulary = match read_vocabulary(&bytes) {
        Ok(vocabulary) => vocabulary,
        Err(reason) => return unusable(found.mtime_ns, sha, reason.to_string()),
    };
    let metadata = vocabulary.metadata;
    let terms = vocabulary.entries.into_iter().map(|mut entry| {
        entry.occurrences = most_telling(entry.occurrences);
        entry.source.clone_from(&metadata.source_path);
        let json = serde_json::to_vec(&entry).expect("string keys and finite numbers");
        (entry.canonical, json)
    });
    let terms = terms.collect();
    let content = ReadContent {
        number: 0,
        document: metadata.source_hash,
        made_by: (metadata.pipeline, metadata.provider, metadata.model),
    };
    (ReadFile { size: found.size, mtime_ns: found.mtime_ns, sha, content: Ok(content) }, terms)
}
