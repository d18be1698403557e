//! The tables, their version, and how older versions are brought up to date.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// Marks the database as ours (`PRAGMA application_id`): "CORP".
const APPLICATION_ID: i64 = 0x434F_5250;

/// One script per version; script `n` brings version `n` to `n + 1`. Scripts are never edited after a release.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema_v1.sql"), include_str!("schema_v2.sql"), include_str!("schema_v3.sql")];

/// The newest store version that this program reads and writes.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// Settings that must stand before the first table is made. A page of 4,096 bytes: results of about 5 KB, one to a page
/// of 8,192, made the file 1.63 times its payload; here it is 1.10 times.
const CREATE: &str = "PRAGMA page_size=4096; PRAGMA journal_mode=WAL;";

/// Refuses a store that is not ours or is newer; says whether it is empty or older.
pub(super) fn check(db: &Connection, file: &Path) -> Result<i64, StoreError> {
    let sql = |e| StoreError::from_sqlite(file, e);
    let version: i64 = db.query_row("PRAGMA user_version", [], |r| r.get(0)).map_err(sql)?;
    let owner: i64 = db.query_row("PRAGMA application_id", [], |r| r.get(0)).map_err(sql)?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0)).map_err(sql)?;
    if tables > 0 && owner != APPLICATION_ID {
        return Err(StoreError::Foreign { file: file.to_path_buf() });
    }
    if version > VERSION {
        return Err(StoreError::Newer { file: file.to_path_buf(), found: version, known: VERSION });
    }
    Ok(version)
}

/// Brings the store to [`VERSION`], each step in a transaction of its own.
pub(super) fn migrate(db: &mut Connection, file: &Path) -> Result<(), StoreError> {
    let sql = |e| StoreError::from_sqlite(file, e);
    let from = check(db, file)?;
    if from == 0 {
        db.execute_batch(CREATE).map_err(sql)?;
    }
    for (n, script) in MIGRATIONS.iter().enumerate().skip(usize::try_from(from).unwrap_or(0)) {
        let step = db.transaction().map_err(sql)?;
        step.execute_batch(script).map_err(sql)?;
        step.pragma_update(None, "user_version", n as i64 + 1).map_err(sql)?;
        step.pragma_update(None, "application_id", APPLICATION_ID).map_err(sql)?;
        step.commit().map_err(sql)?;
    }
    Ok(())
}
