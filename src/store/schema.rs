//! The tables, their version, and how older versions are brought up to date.

use super::StoreError;
use super::database::Database;

/// Marks the database as ours (`PRAGMA application_id`): "CORP".
const APPLICATION_ID: i64 = 0x434F_5250;

/// One script per version; script `n` brings version `n` to `n + 1`. Scripts are never edited after a release.
const MIGRATIONS: [&str; 6] = [
    include_str!("schema_v1.sql"),
    include_str!("schema_v2.sql"),
    include_str!("schema_v3.sql"),
    include_str!("schema_v4.sql"),
    include_str!("schema_v5.sql"),
    include_str!("schema_v6.sql"),
];

/// The newest store version that this program reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Settings that must stand before the first table is made. A page of 4,096 bytes: results of about 5 KB, one to a page
/// of 8,192, made the file 1.63 times its payload; here it is 1.10 times.
const CREATE: &str = "PRAGMA page_size=4096; PRAGMA journal_mode=WAL;";

/// Key in `meta` of the version as the tables say it, from version 6 on. The header of the file says it too, and one bit of that makes a
/// store newer, older or somebody else's.
const FORMAT: &str = "format";

/// Tables that every store of ours has.
const OURS: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN ('doc', 'file', 'fp', 'done', 'art', 'unit', 'answer')";

/// Refuses a store that is not ours or is newer. Returns the version of one that is empty (0), older or current.
pub(super) fn check(db: &Database) -> Result<i64, StoreError> {
    let version: i64 = db.value("PRAGMA user_version", [])?;
    let owner: i64 = db.value("PRAGMA application_id", [])?;
    let tables: i64 = db.value("SELECT count(*) FROM sqlite_schema", [])?;
    let ours: i64 = db.value(OURS, [])?;
    let file = db.file().to_path_buf();
    let damaged = |detail: String| Err(StoreError::Damaged { file: file.clone(), detail });
    if tables > 0 && owner != APPLICATION_ID {
        let is_ours = (owner ^ APPLICATION_ID).count_ones() == 1 && ours == 7;
        return if is_ours { damaged("its header has a wrong mark".into()) } else { Err(StoreError::Foreign { file }) };
    }
    let format: Option<i64> = match db.row("SELECT value FROM meta WHERE key = ?1", [FORMAT], |r| r.get(0)) {
        Ok(format) => format,
        // A store that is empty has no tables yet.
        Err(_) if tables == 0 => None,
        Err(error) => return Err(error),
    };
    if let Some(format) = format.filter(|format| (format ^ version).count_ones() == 1) {
        return damaged(format!("its header says version {version}, its tables version {format}"));
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

/// Lets the tables say which version they are.
pub(super) fn say_version(db: &Database, version: i64) -> Result<(), StoreError> {
    db.script(&format!("INSERT OR REPLACE INTO meta (key, value) VALUES ('{FORMAT}', {version})"))
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
            let version = n + 1;
            db.script(&format!("PRAGMA user_version={version}; PRAGMA application_id={APPLICATION_ID};"))?;
            say_version(db, version as i64)
        })?;
    }
    Ok(())
}
