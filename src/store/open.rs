//! Opening and making stores.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::OpenFlags;

use super::database::Database;
use super::row_sums::{self, Rows};
use super::{Disk, MachineDisk, Reader, StoreError, beneath, schema};
use crate::values::Fingerprint;

/// The folder inside the output folder that holds the store.
pub const STORE_FOLDER: &str = ".corpora";

/// The store of an output folder, known to be of a version that this program can use.
#[derive(Debug, Clone)]
pub struct Store {
    output: PathBuf,
    disk: Arc<dyn Disk>,
    /// `PRAGMA synchronous`: `FULL`, so that every commit is on the disk before it counts, but in tests that pull no plug.
    synchronous: &'static str,
}

impl Store {
    /// Opens the store of an output folder for a run, making or migrating it first. The caller holds the lock.
    ///
    /// # Errors
    /// If the store is damaged, newer, foreign, or the folder cannot be written.
    pub fn open_or_create(output: &Path) -> Result<Self, StoreError> {
        Self::open_or_create_on(Arc::new(MachineDisk), output)
    }

    /// As [`Store::open_or_create`], with the disk on which files are published.
    ///
    /// # Errors
    /// As [`Store::open_or_create`].
    pub fn open_or_create_on(disk: Arc<dyn Disk>, output: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(output).map_err(|e| StoreError::from_io("create", output, e))?;
        let store = Self { output: canonical(output)?, disk, synchronous: "FULL" };
        let temp = store.temporary_folder();
        beneath::create_folder(&temp).map_err(|e| StoreError::from_io("create", &temp, e))?;
        let file = store.database();
        let db = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        schema::migrate(&db)?;
        // A shard that was sealed has no log.
        db.script("PRAGMA journal_mode=WAL")?;
        Ok(store)
    }

    /// Finds the store of an output folder for reading; a run may be going on in it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none; else as [`Store::open_or_create`].
    pub fn open_existing(output: &Path) -> Result<Self, StoreError> {
        let missing = || StoreError::Missing { folder: output.to_path_buf() };
        let output = output.canonicalize().map_err(|_| missing())?;
        let store = Self { output, disk: Arc::new(MachineDisk), synchronous: "FULL" };
        let file = store.database();
        if !file.exists() {
            return Err(missing());
        }
        let db = connect(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let version = schema::check(&db)?;
        if version == 0 {
            return Err(StoreError::Foreign { file });
        }
        Ok(store)
    }

    /// The same store for a test that pulls no plug: there a sync would only cost time.
    #[cfg(test)]
    pub(crate) fn without_syncs(self) -> Self {
        Self { synchronous: "OFF", ..self }
    }

    /// The disk on which files are published.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The output folder, by its canonical path.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// Folder where half-written files stay until they are published.
    pub fn temporary_folder(&self) -> PathBuf {
        self.output.join(STORE_FOLDER).join("tmp")
    }

    /// Place of a half-written file that will stand at `target` below the output folder.
    pub fn temporary_of(&self, target: &str) -> PathBuf {
        self.temporary_folder().join(temporary_name(target))
    }

    /// Removes half-written files that an interrupted run left: those that bear a name of ours, whatever else stands there. The caller
    /// holds the lock.
    ///
    /// # Errors
    /// If the folder cannot be read, or is no folder, or one of the files cannot be removed.
    pub fn remove_half_written(&self) -> Result<(), StoreError> {
        let folder = self.temporary_folder();
        let io = |e| StoreError::from_io("empty", &folder, e);
        for name in beneath::names(&folder).map_err(io)? {
            let path = folder.join(&name);
            if is_temporary_name(&name) && !path.is_dir() {
                beneath::remove(&path).map_err(io)?;
            }
        }
        Ok(())
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.output.join(STORE_FOLDER).join("store.sqlite")
    }

    /// A new read-only connection.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Ok(Reader { db: connect(&self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)? })
    }

    /// Single read-write connection, for the writer.
    pub(super) fn write_connection(&self) -> Result<Database, StoreError> {
        let db = connect(&self.database(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // A small cache: the memory of a run must be the same for a thousand documents and for a million.
        db.script(&format!(
            "PRAGMA synchronous={}; PRAGMA cache_size=-4096; PRAGMA wal_autocheckpoint=8000; PRAGMA journal_size_limit=67108864;",
            self.synchronous
        ))?;
        row_sums::keep(&db)?;
        Ok(db)
    }

    /// Holds rows against their sums; rows that older programs wrote have none.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if one is not as it was written.
    pub fn check_rows(&self, rows: Rows) -> Result<(), StoreError> {
        row_sums::check(&self.reader()?.db, rows)
    }

    /// Runs SQLite's integrity check, and holds all rows against their sums.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first finding.
    pub fn check_integrity(&self) -> Result<(), StoreError> {
        let file = self.database();
        let db = connect(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let first: String = db.value("PRAGMA integrity_check(1)", [])?;
        if first != "ok" {
            return Err(StoreError::Damaged { file, detail: first });
        }
        row_sums::check(&db, Rows::OfFiles)?;
        row_sums::check(&db, Rows::OfDocuments)
    }
}

/// The path of an output folder without links: those were put there by the person that names it.
fn canonical(output: &Path) -> Result<PathBuf, StoreError> {
    output.canonicalize().map_err(|e| StoreError::from_io("find", output, e))
}

/// Length of the name of a temporary file: half a hash in hexadecimal.
const TEMPORARY_NAME: usize = 32;

fn temporary_name(target: &str) -> String {
    let mut name = Fingerprint::of(target.as_bytes()).hex();
    name.truncate(TEMPORARY_NAME);
    name
}

fn is_temporary_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    bytes.len() == TEMPORARY_NAME && bytes.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Database, StoreError> {
    let db = Database::open(file, flags)?;
    db.script("PRAGMA cache_size=-1024; PRAGMA temp_store=FILE;")?;
    Ok(db)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Session;

    #[test]
    fn the_connections_of_a_run_wait_for_the_disk_at_each_commit() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_or_create(dir.path()).unwrap();
        // 2 is FULL: https://www.sqlite.org/pragma.html#pragma_synchronous
        assert_eq!(store.write_connection().unwrap().value::<i64>("PRAGMA synchronous", []).unwrap(), 2);
        assert_eq!(Session::begin(&store).unwrap().db.value::<i64>("PRAGMA synchronous", []).unwrap(), 2);
        assert_eq!(store.reader().unwrap().db.value::<String>("PRAGMA journal_mode", []).unwrap(), "wal");
    }

    #[test]
    fn a_reader_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_or_create(dir.path()).unwrap();
        assert!(store.reader().unwrap().db.execute("DELETE FROM doc", []).is_err());
    }

    #[test]
    fn stores_that_are_not_ours_are_refused_and_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Store::open_existing(dir.path()), Err(StoreError::Missing { .. })));
        let store = Store::open_or_create(dir.path()).unwrap();
        let db = store.write_connection().unwrap();
        db.script("PRAGMA user_version=99").unwrap();
        assert!(matches!(Store::open_or_create(dir.path()), Err(StoreError::Newer { found: 99, .. })));
        db.script("PRAGMA user_version=3; PRAGMA application_id=7").unwrap();
        assert!(matches!(Store::open_or_create(dir.path()), Err(StoreError::Foreign { .. })));
        assert_eq!(db.value::<i64>("PRAGMA user_version", []).unwrap(), 3);
    }
}
