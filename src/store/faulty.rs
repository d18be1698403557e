//! A disk for tests: it keeps a journal of what is done, fails where it is told to, and can lose what a power cut would.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::{Disk, DiskFile, MachineDisk};

/// One operation, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    CreateFolder(PathBuf),
    Create(PathBuf),
    Write(PathBuf),
    Sync(PathBuf),
    Rename(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    SyncFolder(PathBuf),
    Remove(PathBuf),
    /// Rows of the store, by SQLite. It is shown to whoever watches, and fails by no fault of this disk.
    Commit,
}

/// Kind of fault at the operation that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It alone fails, with this error; of a write, half is done.
    Once(ErrorKind),
    /// It and all that follow fail with this error.
    ForGood(ErrorKind),
}

type Watch = Box<dyn Fn(&Operation) + Send + Sync>;

/// The disk of the machine with a fault and a witness.
#[derive(Clone)]
pub(crate) struct FaultyDisk {
    state: Arc<Mutex<State>>,
    /// Called before each operation.
    watch: Arc<Watch>,
}

#[derive(Default)]
struct State {
    journal: Vec<Operation>,
    /// The number of the operation that fails, from 0.
    fault: Option<(usize, Fault)>,
    /// Files with bytes that are not durable.
    unsynced: BTreeSet<PathBuf>,
    /// Renames that are not durable, and what stood at their targets.
    renamed: Vec<(PathBuf, PathBuf, Option<Vec<u8>>)>,
}

impl fmt::Debug for FaultyDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FaultyDisk")
    }
}

impl FaultyDisk {
    /// A disk that fails nowhere.
    pub(crate) fn sound() -> Self {
        Self { state: Arc::default(), watch: Arc::new(Box::new(|_| ())) }
    }

    /// A disk whose `n`th operation, from 0, fails.
    pub(crate) fn failing(n: usize, fault: Fault) -> Self {
        let disk = Self::sound();
        disk.state.lock().unwrap().fault = Some((n, fault));
        disk
    }

    /// A sound disk that shows each operation to `watch` before it is done.
    pub(crate) fn watched(watch: impl Fn(&Operation) + Send + Sync + 'static) -> Self {
        Self { state: Arc::default(), watch: Arc::new(Box::new(watch)) }
    }

    pub(crate) fn journal(&self) -> Vec<Operation> {
        self.state.lock().unwrap().journal.clone()
    }

    /// Test whether the fault has happened.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state.lock().unwrap();
        state.fault.is_some_and(|(n, _)| n < state.journal.len())
    }

    /// Does what a power cut may do at worst: names that are not durable go back, bytes that are not durable are gone.
    pub(crate) fn cut_power(&self) {
        let mut state = self.state.lock().unwrap();
        while let Some((from, to, old)) = state.renamed.pop() {
            let Ok(bytes) = std::fs::read(&to) else { continue };
            std::fs::write(&from, bytes).unwrap();
            match old {
                Some(old) => std::fs::write(&to, old).unwrap(),
                None => std::fs::remove_file(&to).unwrap(),
            }
            if state.unsynced.remove(&to) {
                state.unsynced.insert(from);
            }
        }
        for file in std::mem::take(&mut state.unsynced) {
            if file.exists() {
                std::fs::write(file, b"").unwrap();
            }
        }
    }

    /// Copies `folder` to `to` as a power cut at this moment may leave it: with everything that was done, or at worst without what is not
    /// durable. The log of SQLite is copied before its database, so that both fit together.
    pub(crate) fn copy_after_power_cut(&self, folder: &Path, to: &Path, at_worst: bool) {
        let state = self.state.lock().unwrap();
        copy_files(folder, to);
        if !at_worst {
            return;
        }
        let there = |path: &Path| path.strip_prefix(folder).ok().map(|below| to.join(below));
        let mut unsynced = state.unsynced.clone();
        for (from, target, old) in state.renamed.iter().rev() {
            let (Some(from_there), Some(there)) = (there(from), there(target)) else { continue };
            let Ok(bytes) = std::fs::read(&there) else { continue };
            std::fs::write(&from_there, bytes).unwrap();
            match old {
                Some(old) => std::fs::write(&there, old).unwrap(),
                None => std::fs::remove_file(&there).unwrap(),
            }
            if unsynced.remove(target) {
                unsynced.insert(from.clone());
            }
        }
        for file in unsynced.iter().filter_map(|file| there(file)).filter(|file| file.exists()) {
            std::fs::write(file, b"").unwrap();
        }
    }

    /// Writes an operation down; an error if it shall fail.
    fn step(&self, operation: Operation) -> Result<()> {
        (self.watch)(&operation);
        let mut state = self.state.lock().unwrap();
        let n = state.journal.len();
        state.journal.push(operation);
        match state.fault {
            Some((at, Fault::Once(kind))) if n == at => Err(kind.into()),
            Some((at, Fault::ForGood(kind))) if n >= at => Err(kind.into()),
            _ => Ok(()),
        }
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }
}

impl Disk for FaultyDisk {
    fn create_folder(&self, folder: &Path) -> Result<()> {
        self.step(Operation::CreateFolder(folder.into()))?;
        MachineDisk.create_folder(folder)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn DiskFile>> {
        self.step(Operation::Create(path.into()))?;
        let file = MachineDisk.create(path)?;
        self.state(|state| state.unsynced.insert(path.into()));
        Ok(Box::new(FaultyFile { disk: self.clone(), path: path.into(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.step(Operation::Rename(from.into(), to.into()))?;
        let old = std::fs::read(to).ok();
        MachineDisk.rename(from, to)?;
        self.state(|state| {
            state.renamed.push((from.into(), to.into(), old));
            state.unsynced.remove(to);
            if state.unsynced.remove(from) {
                state.unsynced.insert(to.into());
            }
        });
        Ok(())
    }

    fn link(&self, file: &Path, name: &Path) -> Result<()> {
        self.step(Operation::Link(file.into(), name.into()))?;
        MachineDisk.link(file, name)
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        self.step(Operation::SyncFolder(folder.into()))?;
        MachineDisk.sync_folder(folder)?;
        self.state(|state| state.renamed.retain(|(_, to, _)| to.parent() != Some(folder)));
        Ok(())
    }

    fn remove(&self, file: &Path) -> Result<()> {
        self.step(Operation::Remove(file.into()))?;
        MachineDisk.remove(file)
    }

    fn committed(&self) {
        (self.watch)(&Operation::Commit);
    }
}

/// Copies what stands in a folder; a file that goes away meanwhile is not there.
fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort_by_key(|path| !path.to_string_lossy().ends_with("-wal"));
    for path in entries {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_files(&path, &target);
        } else if !path.to_string_lossy().ends_with("-shm") {
            let _ = std::fs::copy(path, target);
        }
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.disk.state(|state| state.unsynced.insert(self.path.clone()));
        if let Err(error) = self.disk.step(Operation::Write(self.path.clone())) {
            self.file.write_all(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

impl DiskFile for FaultyFile {
    fn sync(&mut self) -> Result<()> {
        self.disk.step(Operation::Sync(self.path.clone()))?;
        self.file.sync()?;
        self.disk.state(|state| state.unsynced.remove(&self.path));
        Ok(())
    }
}
