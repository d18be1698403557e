//! The tables, their version, and how older versions are brought up to date.

use super::StoreError;
use super::database::Database;

/// Marks the database as ours (`PRAGMA application_id`): "CORP".
const APPLICATION_ID: i64 = 0x434F_5250;

/// One script per version; script `n` brings version `n` to `n + 1`. Scripts are never edited after a release.
const MIGRATIONS: [&str; 5] = [
    include_str!("schema_v1.sql"),
    include_str!("schema_v2.sql"),
    include_str!("schema_v3.sql"),
    include_str!("schema_v4.sql"),
    include_str!("schema_v5.sql"),
];

/// The newest store version that this program reads and writes.
const VERSION: i64 = MIGRATIONS.len() as i64;

/// Settings that must stand before the first table is made. A page of 4,096 bytes: results of about 5 KB, one to a page
/// of 8,192, made the file 1.63 times its payload; here it is 1.10 times.
const CREATE: &str = "PRAGMA page_size=4096; PRAGMA journal_mode=WAL;";

/// Refuses a store that is not ours or is newer. Returns the version of one that is empty (0), older or current.
pub(super) fn check(db: &Database) -> Result<i64, StoreError> {
    let version: i64 = db.value("PRAGMA user_version", [])?;
    let owner: i64 = db.value("PRAGMA application_id", [])?;
    let tables: i64 = db.value("SELECT count(*) FROM sqlite_schema", [])?;
    let file = db.file().to_path_buf();
    if tables > 0 && owner != APPLICATION_ID {
        return Err(StoreError::Foreign { file });
    }
    if version > VERSION {
        return Err(StoreError::Newer { file, found: version, known: VERSION });
    }
    Ok(version)
}

/// Refuses a store that is not of this program's own version, for readers that do not migrate.
pub(super) fn expect_current(db: &Database) -> Result<(), StoreError> {
    match check(db)? {
        VERSION => Ok(()),
        found => Err(StoreError::Older { file: db.file().to_path_buf(), found, known: VERSION }),
    }
}

/// Brings the store to [`VERSION`], each step in a transaction of its own.
pub(super) fn migrate(db: &Database) -> Result<(), StoreError> {
    let from = check(db)?;
    if from == 0 {
        db.script(CREATE)?;
    }
    for (n, script) in MIGRATIONS.iter().enumerate().skip(usize::try_from(from).unwrap_or(0)) {
        db.transaction(|| {
            db.script(script)?;
            db.script(&format!("PRAGMA user_version={}; PRAGMA application_id={APPLICATION_ID};", n + 1))
        })?;
    }
    Ok(())
}
