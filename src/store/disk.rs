//! The disk, as far as published files need it: a trait, so that tests can record what is done in which order, and make any
//! operation of it fail. What SQLite does with its own files does not go through it.

use std::fmt::Debug;
use std::fs::File;
use std::io::{Result, Write};
use std::path::Path;

use super::beneath;

/// Operations on files that have to appear whole or not at all, and to stay after a power cut. None follows a symbolic link, whether at
/// the end of a path or on the way: callers give paths below a folder whose own path is canonical.
pub trait Disk: Debug + Send + Sync {
    /// Makes a folder and those above it, where they are missing.
    fn create_folder(&self, folder: &Path) -> Result<()>;

    /// Begins a new file. What stands there is removed first.
    fn create(&self, file: &Path) -> Result<Box<dyn DiskFile>>;

    /// Moves a file; a file at `to` is replaced. Durable after [`Disk::sync_folder`] of the folder of `to`.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// A second name for a file, or a copy where the file system has no links.
    fn link(&self, file: &Path, name: &Path) -> Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> Result<()>;

    /// Removes a file.
    fn remove(&self, file: &Path) -> Result<()>;

    /// Note that rows of the store were committed which speak of what was published before: for whoever watches the order.
    fn committed(&self) {}
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
        beneath::create_folder(folder)
    }

    fn create(&self, file: &Path) -> Result<Box<dyn DiskFile>> {
        Ok(Box::new(beneath::create(file)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        beneath::rename(from, to)
    }

    fn link(&self, file: &Path, name: &Path) -> Result<()> {
        beneath::link(file, name)
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        beneath::sync_folder(folder)
    }

    fn remove(&self, file: &Path) -> Result<()> {
        beneath::remove(file)
    }
}

impl DiskFile for File {
    fn sync(&mut self) -> Result<()> {
        self.sync_data()
    }
}
