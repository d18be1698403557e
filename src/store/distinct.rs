//! Counts distinct keys in a private temporary database, so that memory does not grow with them.

use rusqlite::Connection;

use super::StoreError;
use crate::values::Fingerprint;

/// Counts distinct fingerprints by their first 8 bytes.
pub struct DistinctCounter(Connection);

impl DistinctCounter {
    /// An empty counter.
    ///
    /// # Errors
    /// If the temporary database cannot be made.
    pub fn new() -> Result<Self, StoreError> {
        // An empty name asks SQLite for a temporary file that is deleted when the connection closes.
        let open = || {
            let db = Connection::open("")?;
            db.execute_batch("PRAGMA cache_size=-2048; CREATE TABLE k (k INTEGER PRIMARY KEY); BEGIN")?;
            Ok(db)
        };
        open().map(Self).map_err(|e| StoreError::from_sqlite("a temporary database".as_ref(), e))
    }

    /// Adds a key; returns whether it is new.
    ///
    /// # Errors
    /// If the temporary database cannot be written.
    pub fn add(&mut self, key: &Fingerprint) -> Result<bool, StoreError> {
        let first = i64::from_le_bytes(key.0[..8].try_into().expect("8 of 32 bytes"));
        let add = |db: &Connection| db.prepare_cached("INSERT OR IGNORE INTO k VALUES (?1)")?.execute([first]);
        add(&self.0).map(|rows| rows == 1).map_err(|e| StoreError::from_sqlite("a temporary database".as_ref(), e))
    }
}
