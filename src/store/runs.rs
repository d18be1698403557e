//! Sorting more than fits into memory: records are gathered, sorted runs of them written to disk, and the runs merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::{StoreError, beneath};

/// Memory for records that wait to be sorted, in bytes.
const GATHERED: usize = 48 << 20;

/// zstd level 1: runs are written once and read a few times.
const LEVEL: i32 = 1;

/// Logarithm of the compression window: each run that is merged holds a window of this size.
const WINDOW_LOG: u32 = 17;

/// More runs than this are not merged at once: each takes about half a megabyte.
const FAN_IN: usize = 128;

/// Writes one run. Keys come in ascending order; equal keys stay in the order in which they come.
pub struct RunWriter {
    file: PathBuf,
    out: zstd::stream::write::Encoder<'static, BufWriter<File>>,
    records: u64,
}

impl RunWriter {
    /// Begins a run in a new file.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(file: &Path) -> Result<Self, StoreError> {
        let begin = || {
            let out = BufWriter::with_capacity(1 << 16, beneath::create(file)?);
            let mut out = zstd::stream::write::Encoder::new(out, LEVEL)?;
            out.window_log(WINDOW_LOG)?;
            Ok(out)
        };
        let out = begin().map_err(|e| StoreError::from_io("create", file, e))?;
        Ok(Self { file: file.to_path_buf(), out, records: 0 })
    }

    /// Adds a record.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.records += 1;
        let out = &mut self.out;
        let mut write = || {
            for part in [key, value] {
                out.write_all(&length(part).to_le_bytes())?;
                out.write_all(part)?;
            }
            Ok(())
        };
        write().map_err(|e| StoreError::from_io("write", &self.file, e))
    }

    /// Ends the run; its bytes are synced when this returns. Returns the number of records.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<u64, StoreError> {
        let (file, out) = (self.file, self.out);
        let end = || out.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_data();
        end().map_err(|e| StoreError::from_io("write", &file, e))?;
        Ok(self.records)
    }
}

fn length(part: &[u8]) -> u32 {
    u32::try_from(part.len()).expect("a record is a term, far below 4 GiB")
}

/// Reads one run.
struct RunReader {
    file: PathBuf,
    from: zstd::stream::read::Decoder<'static, BufReader<File>>,
    value: Vec<u8>,
}

impl RunReader {
    fn open(file: &Path) -> Result<Self, StoreError> {
        let open = || {
            let from = BufReader::with_capacity(1 << 16, File::open(file)?);
            zstd::stream::read::Decoder::with_buffer(from)
        };
        let from = open().map_err(|e| StoreError::from_io("read", file, e))?;
        Ok(Self { file: file.to_path_buf(), from, value: Vec::new() })
    }

    /// The next key; its value is in `value` then. None at the end.
    fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let from = &mut self.from;
        let value = &mut self.value;
        let mut read = || -> std::io::Result<Option<Vec<u8>>> {
            let mut size = [0; 4];
            if from.read(&mut size[..1])? == 0 {
                return Ok(None);
            }
            from.read_exact(&mut size[1..])?;
            let mut key = vec![0; u32::from_le_bytes(size) as usize];
            from.read_exact(&mut key)?;
            from.read_exact(&mut size)?;
            value.resize(u32::from_le_bytes(size) as usize, 0);
            from.read_exact(value)?;
            Ok(Some(key))
        };
        read().map_err(|e| StoreError::from_io("read", &self.file, e))
    }
}

/// Key and value.
pub type RunRecord = (Vec<u8>, Vec<u8>);

/// The records of several runs in the order of their keys; equal keys in the order of the runs.
pub struct MergedRuns {
    readers: Vec<RunReader>,
    heads: BinaryHeap<Reverse<(Vec<u8>, usize)>>,
}

impl MergedRuns {
    /// Opens runs.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn open(files: &[PathBuf]) -> Result<Self, StoreError> {
        let mut merged = Self { readers: Vec::with_capacity(files.len()), heads: BinaryHeap::new() };
        for file in files {
            let mut reader = RunReader::open(file)?;
            if let Some(key) = reader.next()? {
                merged.heads.push(Reverse((key, merged.readers.len())));
            }
            merged.readers.push(reader);
        }
        Ok(merged)
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// If a run cannot be read.
    pub fn advance(&mut self) -> Result<Option<RunRecord>, StoreError> {
        let Some(Reverse((key, run))) = self.heads.pop() else { return Ok(None) };
        let reader = &mut self.readers[run];
        let value = std::mem::take(&mut reader.value);
        if let Some(next) = reader.next()? {
            self.heads.push(Reverse((next, run)));
        }
        Ok(Some((key, value)))
    }
}

/// Gathers records in any order and makes sorted runs of them.
pub struct RunSorter {
    folder: PathBuf,
    prefix: String,
    next: u64,
    bytes: Vec<u8>,
    /// Start, length of key, length of value.
    records: Vec<(usize, u32, u32)>,
    runs: Vec<PathBuf>,
}

impl RunSorter {
    /// Runs are called `PREFIX-N` in `folder`, with numbers from `next` on.
    pub fn new(folder: &Path, prefix: &str, next: u64) -> Self {
        Self {
            folder: folder.to_path_buf(),
            prefix: prefix.to_owned(),
            next,
            bytes: Vec::new(),
            records: Vec::new(),
            runs: Vec::new(),
        }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// If a run cannot be written.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let size = key.len() + value.len() + size_of::<(usize, u32, u32)>();
        if self.bytes.len() + self.records.len() * size_of::<(usize, u32, u32)>() + size > GATHERED {
            self.spill()?;
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(size.min(GATHERED));
        }
        self.records.push((self.bytes.len(), length(key), length(value)));
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    fn spill(&mut self) -> Result<(), StoreError> {
        if self.records.is_empty() {
            return Ok(());
        }
        let bytes = &self.bytes;
        let key = |&(at, key, _): &(usize, u32, u32)| &bytes[at..at + key as usize];
        self.records.sort_by(|a, b| key(a).cmp(key(b)));
        let file = self.folder.join(format!("{}-{}", self.prefix, self.next));
        let mut run = RunWriter::create(&file)?;
        for record in &self.records {
            let value = record.0 + record.1 as usize;
            run.push(key(record), &bytes[value..value + record.2 as usize])?;
        }
        run.finish()?;
        self.next += 1;
        self.runs.push(file);
        self.bytes.clear();
        self.records.clear();
        if self.runs.len() >= FAN_IN {
            self.runs = vec![self.merge_runs()?];
        }
        Ok(())
    }

    fn merge_runs(&mut self) -> Result<PathBuf, StoreError> {
        let file = self.folder.join(format!("{}-{}", self.prefix, self.next));
        self.next += 1;
        let mut run = RunWriter::create(&file)?;
        let mut merged = MergedRuns::open(&self.runs)?;
        while let Some((key, value)) = merged.advance()? {
            run.push(&key, &value)?;
        }
        run.finish()?;
        for old in &self.runs {
            std::fs::remove_file(old).map_err(|e| StoreError::from_io("remove", old, e))?;
        }
        Ok(file)
    }

    /// Writes what is left; returns the runs, at most 128, and the next free number.
    ///
    /// # Errors
    /// If a run cannot be written.
    pub fn finish(mut self) -> Result<(Vec<PathBuf>, u64), StoreError> {
        self.spill()?;
        Ok((self.runs, self.next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn runs_give_back_every_record_in_order(
            groups in prop::collection::vec(prop::collection::vec(("[a-c]{0,3}", "[a-z]{0,9}"), 0..20), 0..6)
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut files = Vec::new();
            for group in &groups {
                let mut sorter = RunSorter::new(dir.path(), "run", files.len() as u64);
                for (key, value) in group {
                    sorter.push(key.as_bytes(), value.as_bytes()).unwrap();
                }
                files.extend(sorter.finish().unwrap().0);
            }
            let mut merged = MergedRuns::open(&files).unwrap();
            let mut found = Vec::new();
            while let Some((key, value)) = merged.advance().unwrap() {
                found.push((String::from_utf8(key).unwrap(), String::from_utf8(value).unwrap()));
            }
            let mut expected: Vec<_> = groups.concat();
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_does_not_fit_into_memory_is_sorted_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let mut sorter = RunSorter::new(dir.path(), "run", 0);
        let value = vec![b'x'; 1 << 20];
        for n in (0..120_u32).rev() {
            sorter.push(&n.to_be_bytes(), &value).unwrap();
        }
        let (files, next) = sorter.finish().unwrap();
        assert!(files.len() > 1 && next == files.len() as u64);
        let mut merged = MergedRuns::open(&files).unwrap();
        for n in 0..120_u32 {
            assert_eq!(merged.advance().unwrap().unwrap().0, n.to_be_bytes());
        }
        assert!(merged.advance().unwrap().is_none());
    }
}
