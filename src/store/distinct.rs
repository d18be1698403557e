//! Counts distinct keys in a private temporary database, so that memory does not grow with them.

use std::path::Path;

use rusqlite::OpenFlags;

use super::StoreError;
use super::database::Database;
use crate::values::Fingerprint;

/// Distinct fingerprints, counted by their first 8 bytes.
pub struct DistinctCounter(Database);

impl DistinctCounter {
    /// An empty counter.
    pub fn new() -> Result<Self, StoreError> {
        // An empty name asks SQLite for a temporary file that is deleted when the connection closes.
        let db = Database::open(Path::new(""), OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        db.script("PRAGMA cache_size=-2048; CREATE TABLE k (k INTEGER PRIMARY KEY); BEGIN")?;
        Ok(Self(db))
    }

    /// Adds a key; returns whether it is new.
    pub fn add(&mut self, key: &Fingerprint) -> Result<bool, StoreError> {
        let first = i64::from_le_bytes(key.0[..8].try_into().expect("8 of 32 bytes"));
        Ok(self.0.execute("INSERT OR IGNORE INTO k VALUES (?1)", [first])? == 1)
    }
}
