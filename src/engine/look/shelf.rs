//! The shelf as a whole.

use rusqlite::params;

use super::build::Look;
use super::error::LookError;
use super::shapes::{Book, Shelf, Spread};
use crate::values::MASTER_FILE;

/// Terms that are told of those that all books have.
const EVERYWHERE: i64 = 24;

impl Look {
    /// The shelf.
    ///
    /// # Errors
    /// If the database cannot be used.
    pub fn shelf(&self) -> Result<Shelf, LookError> {
        let db = &self.db;
        let count = |condition: &str| -> Result<u64, LookError> {
            let sql = format!("SELECT count(*) FROM item WHERE {condition}");
            Ok(db.prepare_cached(&sql)?.query_row([], |r| r.get::<_, i64>(0))?.cast_unsigned())
        };
        let name = self.folder.canonicalize().ok().and_then(|f| Some(f.file_name()?.to_string_lossy().into_owned()));
        Ok(Shelf {
            folder: name.unwrap_or_else(|| self.folder.display().to_string()),
            has_master: self.has_master,
            is_stale: self.has_master && self.is_stale(),
            terms: count("1")?,
            defined: count("defined")?,
            flagged: count("flag IS NOT NULL")?,
            conflicts: count("conflicts > 0")?,
            books: self.books()?,
            spread: self.spread()?,
        })
    }

    /// All books, by number.
    pub(super) fn books(&self) -> Result<Vec<Book>, LookError> {
        let sql = "SELECT n, path, title, author, format, terms, own, state, reason FROM books.book ORDER BY path, n";
        let books = self.db.prepare_cached(sql)?.query_map([], book)?.collect::<Result<_, _>>()?;
        Ok(books)
    }

    /// Test whether a vocabulary file is younger than the master.
    fn is_stale(&self) -> bool {
        let changed = |name: &str| std::fs::metadata(self.folder.join(name)).and_then(|m| m.modified()).ok();
        let Some(master) = changed(MASTER_FILE) else { return false };
        let Ok(mut files) = self.db.prepare_cached("SELECT file FROM books.book WHERE file IS NOT NULL") else {
            return false;
        };
        let Ok(files) = files.query_map([], |r| r.get::<_, String>(0)) else { return false };
        files.flatten().any(|file| changed(&file).is_some_and(|at| at > master))
    }

    fn spread(&self) -> Result<Spread, LookError> {
        let mut spread = Spread::default();
        let mut query = self.db.prepare_cached("SELECT book, shared FROM spread ORDER BY line")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            spread.books.push(row.get(0)?);
            spread.shared.push(serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default());
        }
        let sql = "SELECT t.id, t.text FROM everywhere e JOIN terms t ON t.rank = e.term ORDER BY e.term LIMIT ?1";
        let mut query = self.db.prepare_cached(sql)?;
        let everywhere = query.query_map(params![EVERYWHERE], |r| Ok((r.get(0)?, r.get(1)?)))?;
        spread.everywhere = everywhere.collect::<Result<_, _>>()?;
        Ok(spread)
    }
}

/// A row of the books.
pub(super) fn book(r: &rusqlite::Row<'_>) -> rusqlite::Result<Book> {
    let count = |column: usize| r.get::<_, i64>(column).map(i64::cast_unsigned);
    Ok(Book {
        n: r.get(0)?,
        path: r.get(1)?,
        title: r.get(2)?,
        author: r.get(3)?,
        format: r.get(4)?,
        terms: count(5)?,
        own: count(6)?,
        state: r.get(7)?,
        reason: r.get(8)?,
    })
}
