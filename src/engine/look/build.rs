//! Making the database of a look: vocabulary files, master and store are read once, and nothing of them is held in memory.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::LookError;
use super::gather::{Gatherer, SCHEMA};
use super::parsed::LookSource;
use super::{index, master, parsed};
use crate::engine::vocabulary::{ExportChoice, ExportTable, each_vocabulary_file};
use crate::values::MASTER_FILE;

/// What an output folder holds, ready to be asked. It is a picture of one moment; its database goes away with it.
pub struct Look {
    pub(super) db: Connection,
    pub(super) folder: PathBuf,
    pub(super) has_master: bool,
    _scratch: tempfile::TempDir,
}

/// Part of the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookStep {
    /// So many vocabulary files are read.
    Read(u64),
    /// Terms are put together.
    Terms,
}

impl Look {
    /// Looks at `folder`. `step` is told how far it is, and may end it by `false`.
    ///
    /// # Errors
    /// If the folder is empty, or a file or the store cannot be used.
    pub fn of(
        folder: &Path,
        source: LookSource<'_>,
        step: &mut dyn FnMut(LookStep) -> bool,
    ) -> Result<Self, LookError> {
        let scratch = tempfile::tempdir()?;
        let books_file = scratch.path().join("books.sqlite");
        let db = open(&books_file)?;
        db.execute_batch(SCHEMA)?;
        db.execute_batch("BEGIN")?;
        let mut gatherer = Gatherer::new(&db)?;
        let mut read = 0;
        each_vocabulary_file(folder, &mut |file| -> Result<(), LookError> {
            gatherer.take(folder, file)?;
            read += 1;
            if step(LookStep::Read(read)) { Ok(()) } else { Err(LookError::Stopped) }
        })?;
        drop(gatherer);
        if let Some((reader, fps)) = source {
            parsed::note_outcomes(&db, reader, fps)?;
        }
        let books: i64 = db.query_row("SELECT count(*) FROM book", [], |r| r.get(0))?;
        let has_master = folder.join(MASTER_FILE).is_file();
        if books == 0 && !has_master {
            return Err(LookError::Empty(folder.to_path_buf()));
        }
        step(LookStep::Terms).then_some(()).ok_or(LookError::Stopped)?;
        let of = match has_master {
            true => folder.to_path_buf(),
            false => master::put_together(&db, scratch.path())?,
        };
        db.execute_batch("COMMIT")?;
        drop(db);
        let terms_file = scratch.path().join("terms.sqlite");
        drop(ExportTable::fill(&of, &ExportChoice::default(), &terms_file)?);
        let db = open(&terms_file)?;
        db.execute("ATTACH ?1 AS books", [books_file.to_string_lossy()])?;
        index::fill(&db, &folder.join(format!("{MASTER_FILE}.bak")))?;
        db.execute_batch("CREATE TEMP TABLE decided (canonical TEXT PRIMARY KEY, action TEXT NOT NULL) WITHOUT ROWID")?;
        Ok(Self { db, folder: folder.to_path_buf(), has_master, _scratch: scratch })
    }

    /// Takes note of the terms that are decided on: comparison forms and words for what was decided.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn note_decided<'a>(&self, decided: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), LookError> {
        let change = self.db.unchecked_transaction()?;
        change.execute("DELETE FROM temp.decided", [])?;
        let mut insert = change.prepare_cached("INSERT OR REPLACE INTO temp.decided VALUES (?1, ?2)")?;
        for (canonical, action) in decided {
            insert.execute([canonical, action])?;
        }
        drop(insert);
        Ok(change.commit()?)
    }
}

/// A database that a crash may spoil: it is made anew for every look.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(file)?;
    db.execute_batch(
        "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32768; PRAGMA temp_store=FILE;",
    )?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}
