//! The disk, as far as published files need it: a trait, so that tests can record what is done in which order, and make any
//! operation of it fail. What SQLite does with its own files does not go through it.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Result, Write};
use std::path::Path;

/// Operations on files that have to appear whole or not at all, and to stay after a power cut.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder and those above it, where they are missing.
    fn create_folder(&self, folder: &Path) -> Result<()>;

    /// Begins a new file. What stands there is removed first and a link is never followed: the name may be anybody's.
    fn create(&self, file: &Path) -> Result<Box<dyn DiskFile>>;

    /// Moves a file; a file at `to` is replaced. Durable after [`Disk::sync_folder`] of the folder of `to`.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// A second name for a file, or a copy where the file system has no links.
    fn link(&self, file: &Path, name: &Path) -> Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> Result<()>;

    /// Removes a file.
    fn remove(&self, file: &Path) -> Result<()>;
}

/// A file that is being written.
pub trait DiskFile: Write + Send {
    /// Makes its bytes durable.
    fn sync(&mut self) -> Result<()>;
}

/// The disk of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineDisk;

impl Disk for MachineDisk {
    fn create_folder(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
    }

    fn create(&self, file: &Path) -> Result<Box<dyn DiskFile>> {
        match std::fs::remove_file(file) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).open(file)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        std::fs::rename(from, to)
    }

    fn link(&self, file: &Path, name: &Path) -> Result<()> {
        std::fs::hard_link(file, name).or_else(|_| std::fs::copy(file, name).map(drop))
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove(&self, file: &Path) -> Result<()> {
        std::fs::remove_file(file)
    }
}

impl DiskFile for File {
    fn sync(&mut self) -> Result<()> {
        self.sync_data()
    }
}
