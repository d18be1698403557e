//! Opening and making stores.

use std::path::{Path, PathBuf};

use rusqlite::OpenFlags;

use super::database::Database;
use super::{Reader, StoreError, schema};

/// The folder inside the output folder that holds the store.
pub const STORE_FOLDER: &str = ".corpora";

/// Every commit is on the disk before it counts. The library's own tests pull no plug: there a sync would only cost time.
const SYNCHRONOUS: &str = if cfg!(test) { "OFF" } else { "FULL" };

/// Where a store is, known to be of a version that this program can use.
#[derive(Debug, Clone)]
pub struct Store {
    output: PathBuf,
}

impl Store {
    /// Opens the store of an output folder for a run, making or migrating it first. The caller holds the lock.
    ///
    /// # Errors
    /// If the store is damaged, newer, foreign, or the folder cannot be written.
    pub fn open_or_create(output: &Path) -> Result<Self, StoreError> {
        let store = Self { output: output.to_path_buf() };
        let temp = store.temporary_folder();
        std::fs::create_dir_all(&temp).map_err(|e| StoreError::from_io("create", &temp, e))?;
        let file = store.database();
        let db = connect(&file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        schema::migrate(&db)?;
        Ok(store)
    }

    /// Finds the store of an output folder for reading; a run may be going on in it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none; else as [`Store::open_or_create`].
    pub fn open_existing(output: &Path) -> Result<Self, StoreError> {
        let store = Self { output: output.to_path_buf() };
        let file = store.database();
        if !file.is_file() {
            return Err(StoreError::Missing { folder: output.to_path_buf() });
        }
        let db = connect(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let version = schema::check(&db)?;
        if version == 0 {
            return Err(StoreError::Foreign { file });
        }
        Ok(store)
    }

    /// The output folder.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// Where half-written files stay until they are published; emptied by the next run.
    pub fn temporary_folder(&self) -> PathBuf {
        self.output.join(STORE_FOLDER).join("tmp")
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

    /// The one read-write connection, for the writer.
    pub(super) fn write_connection(&self) -> Result<Database, StoreError> {
        let db = connect(&self.database(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // A small cache: the memory of a run must be the same for a thousand documents and for a million.
        db.script(&format!(
            "PRAGMA synchronous={SYNCHRONOUS}; PRAGMA cache_size=-4096; PRAGMA wal_autocheckpoint=8000; PRAGMA journal_size_limit=67108864;",
        ))?;
        Ok(db)
    }

    /// Runs SQLite's integrity check.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first finding.
    pub fn check_integrity(&self) -> Result<(), StoreError> {
        let file = self.database();
        let db = connect(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let first: String = db.value("PRAGMA integrity_check(1)", [])?;
        if first == "ok" { Ok(()) } else { Err(StoreError::Damaged { file, detail: first }) }
    }
}

fn connect(file: &Path, flags: OpenFlags) -> Result<Database, StoreError> {
    let db = Database::open(file, flags)?;
    db.script("PRAGMA cache_size=-1024; PRAGMA temp_store=FILE;")?;
    Ok(db)
}
