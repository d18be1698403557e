//! The master of an output folder, read term by term, and again at a place.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::consolidate::{ConsolidateError, io};
use crate::stages::consolidate::folded;
use crate::stages::extract::local::canonical_form;
use crate::store::open_beneath;
use crate::values::{MASTER_FILE, MasterEntry};

/// A master as `consolidate` writes it: an entry a line.
pub struct Master {
    file: PathBuf,
    lines: BufReader<File>,
    at: u64,
}

impl Master {
    /// Opens the master of a folder; none if it has none.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(folder: &Path) -> Result<Option<Self>, ConsolidateError> {
        let file = folder.canonicalize().map_err(io("find", folder))?.join(MASTER_FILE);
        match open_beneath(&file) {
            Ok(opened) => Ok(Some(Self { file, lines: BufReader::with_capacity(1 << 16, opened), at: 0 })),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io("open", &file)(e)),
        }
    }

    /// Hands every entry, best first, to `each` with its place in the file, until `each` says that it is enough. One is in memory at a time.
    ///
    /// # Errors
    /// If the file cannot be read or is none of `consolidate`, or the error of `each`.
    pub fn each<E: From<ConsolidateError>>(
        &mut self,
        each: &mut dyn FnMut(u64, MasterEntry) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.go_to(0)?;
        loop {
            let place = self.at;
            let Some(line) = self.line()? else { return Ok(()) };
            if is_entry(&line) && !each(place, self.entry(&line)?)? {
                return Ok(());
            }
        }
    }

    /// The entry at a place that [`Master::each`] told.
    ///
    /// # Errors
    /// If there is none: somebody has replaced the file meanwhile by one of other bytes.
    pub fn at(&mut self, place: u64) -> Result<MasterEntry, ConsolidateError> {
        self.go_to(place)?;
        let line = self.line()?.unwrap_or_default();
        self.entry(&line)
    }

    /// The term that a person means by a word: that of this comparison form, name or spelling. None if there is none. Of several the best.
    ///
    /// # Errors
    /// As of [`Master::each`].
    pub fn find(&mut self, words: &[&str]) -> Result<Vec<Option<MasterEntry>>, ConsolidateError> {
        let wanted: Vec<(String, String)> = words.iter().map(|w| (canonical_form(w), folded(w))).collect();
        // The surest match counts: the comparison form, then the name, then a spelling.
        let mut found: Vec<Option<(u8, MasterEntry)>> = vec![None; words.len()];
        self.each(&mut |_, entry| {
            for (n, (form, text)) in wanted.iter().enumerate() {
                let how = match () {
                    () if entry.canonical == words[n] => 0,
                    () if entry.canonical == *form => 1,
                    () if folded(&entry.text) == *text => 2,
                    () if entry.variants.iter().any(|v| folded(&v.text) == *text) => 3,
                    () => continue,
                };
                if found[n].as_ref().is_none_or(|(known, _)| how < *known) {
                    found[n] = Some((how, entry.clone()));
                }
            }
            Ok::<_, ConsolidateError>(true)
        })?;
        Ok(found.into_iter().map(|found| found.map(|(_, entry)| entry)).collect())
    }

    fn go_to(&mut self, place: u64) -> Result<(), ConsolidateError> {
        self.at = place;
        self.lines.seek(SeekFrom::Start(place)).map(drop).map_err(io("read", &self.file))
    }

    fn line(&mut self) -> Result<Option<String>, ConsolidateError> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).map_err(io("read", &self.file))?;
        self.at += read as u64;
        Ok((read > 0).then_some(line))
    }

    fn entry(&self, line: &str) -> Result<MasterEntry, ConsolidateError> {
        let json = line.trim_end().trim_end_matches(',');
        serde_json::from_str(json).map_err(|e| {
            ConsolidateError::Unusable(format!(
                "'{}' is not as 'corpora consolidate' writes it ({e}); run that again",
                self.file.display()
            ))
        })
    }
}

fn is_entry(line: &str) -> bool {
    line.starts_with("{\"rank\":")
}
