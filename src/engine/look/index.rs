//! The tables by which terms are searched, chosen and counted, and the numbers that hold for the whole shelf.

use std::io::BufReader;
use std::path::Path;

use rusqlite::{Connection, params};

use super::error::LookError;
use super::query::sort_key;
use super::shapes::Spread;
use crate::stages::consolidate::each_master_entry;
use crate::stages::extract::local::canonical_form;

/// Narrow rows: what terms are chosen and ordered by stands apart from what is shown of a page of them.
const SCHEMA: &str = "
CREATE TABLE item (
  term INTEGER PRIMARY KEY, id TEXT NOT NULL, canonical TEXT NOT NULL, key TEXT NOT NULL, category TEXT, kind TEXT, mood TEXT, intent TEXT,
  energy TEXT, flag TEXT, defined INTEGER NOT NULL, conflicts INTEGER NOT NULL, documents INTEGER NOT NULL, occurrences INTEGER NOT NULL,
  fresh INTEGER NOT NULL DEFAULT 0);
CREATE TABLE alias (canonical TEXT PRIMARY KEY, term INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE earlier (canonical TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE spread (line INTEGER PRIMARY KEY, book INTEGER NOT NULL, shared TEXT NOT NULL);
CREATE TABLE everywhere (term INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE words USING fts5(text, other, definition, content='', prefix='1 2 3', tokenize='unicode61 remove_diacritics 2');
";

const INDEXES: &str = "
CREATE INDEX item_id ON item (id);
CREATE INDEX item_key ON item (key, term);
CREATE INDEX item_documents ON item (documents DESC, term);
CREATE INDEX item_occurrences ON item (occurrences DESC, term);
CREATE INDEX item_canonical ON item (canonical);
CREATE INDEX books.statement_canonical_term ON statement (canonical);
";

const LATER_INDEXES: &str = "
CREATE INDEX books.statement_term ON statement (term, book);
CREATE INDEX books.statement_book ON statement (book, rank);
CREATE INDEX books.place_sentence ON place (sentence);
";

/// Fills the tables beside table `terms`. `earlier` is the master before this one.
pub(super) fn fill(db: &Connection, earlier: &Path) -> Result<(), LookError> {
    db.execute_batch("BEGIN")?;
    db.execute_batch(SCHEMA)?;
    items(db)?;
    db.execute_batch(INDEXES)?;
    names(db)?;
    db.execute_batch(
        "UPDATE books.statement SET term = (SELECT a.term FROM alias a WHERE a.canonical = statement.canonical)",
    )?;
    db.execute_batch(LATER_INDEXES)?;
    if mark_earlier(db, earlier)? {
        db.execute_batch("UPDATE item SET fresh = 1 WHERE canonical NOT IN (SELECT canonical FROM earlier)")?;
    }
    db.execute_batch(
        "UPDATE books.book SET own = (SELECT count(*) FROM books.statement s JOIN item i ON i.term = s.term
                                      WHERE s.book = book.n AND i.documents = 1)",
    )?;
    spread(db)?;
    Ok(db.execute_batch("COMMIT")?)
}

/// A row of `item` and one of `words` for each term.
fn items(db: &Connection) -> Result<(), LookError> {
    let mut terms = db.prepare(
        "SELECT rank, id, canonical, text, category, kind, mood, intent, energy, ip_flag, definition, conflicts, document_count,
                occurrence_count, variants, aliases, renamed_from FROM terms ORDER BY rank",
    )?;
    let mut item =
        db.prepare("INSERT INTO item VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0)")?;
    let mut words = db.prepare("INSERT INTO words (rowid, text, other, definition) VALUES (?1, ?2, ?3, ?4)")?;
    let mut rows = terms.query([])?;
    while let Some(row) = rows.next()? {
        let term: i64 = row.get(0)?;
        let text: String = row.get(3)?;
        let definition: Option<String> = row.get(10)?;
        let maybe = |column: usize| row.get::<_, Option<String>>(column);
        let conflicts = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&row.get::<_, String>(11)?);
        item.execute(params![
            term,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            sort_key(&text),
            maybe(4)?,
            maybe(5)?,
            maybe(6)?,
            maybe(7)?,
            maybe(8)?,
            maybe(9)?,
            definition.is_some(),
            conflicts.map_or(0, |list| list.len() as i64),
            row.get::<_, i64>(12)?,
            row.get::<_, i64>(13)?
        ])?;
        // JSON is good enough for words: its marks separate them.
        let other =
            format!("{} {} {}", row.get::<_, String>(14)?, row.get::<_, String>(15)?, row.get::<_, String>(16)?);
        words.execute(params![term, text, other, definition.unwrap_or_default()])?;
    }
    Ok(())
}

/// Comparison forms by which statements of books find their terms: the term's own, and those of what a decision renamed.
fn names(db: &Connection) -> Result<(), LookError> {
    db.execute_batch("INSERT OR IGNORE INTO alias SELECT canonical, term FROM item")?;
    let mut add = db.prepare("INSERT OR IGNORE INTO alias VALUES (?1, ?2)")?;
    let mut renamed = db.prepare("SELECT rank, renamed_from FROM terms WHERE renamed_from <> '[]'")?;
    let mut rows = renamed.query([])?;
    while let Some(row) = rows.next()? {
        let names: Vec<String> = serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default();
        for name in names {
            add.execute(params![canonical_form(&name), row.get::<_, i64>(0)?])?;
        }
    }
    Ok(())
}

/// Takes note of the terms of the master before; false if there is none.
fn mark_earlier(db: &Connection, earlier: &Path) -> Result<bool, LookError> {
    let Ok(file) = std::fs::File::open(earlier) else { return Ok(false) };
    let mut insert = db.prepare("INSERT OR IGNORE INTO earlier VALUES (?1)")?;
    let mut each =
        |entry: crate::values::MasterEntry| insert.execute([entry.canonical]).map(drop).map_err(|e| e.to_string());
    // One that cannot be read any more tells nothing.
    Ok(each_master_entry(BufReader::with_capacity(1 << 16, file), &mut each).is_ok())
}

/// Shared terms of each two of the largest books, and the terms that all of them have.
fn spread(db: &Connection) -> Result<(), LookError> {
    let largest = "SELECT n FROM books.book WHERE terms > 0 AND state <> 'copy' ORDER BY terms DESC, n LIMIT ?1";
    let mut books: Vec<u32> =
        db.prepare(largest)?.query_map([Spread::MOST as i64], |r| r.get(0))?.collect::<Result<_, _>>()?;
    books.sort_unstable();
    let mut shared = vec![vec![0_u32; books.len()]; books.len()];
    let mut everywhere = db.prepare("INSERT INTO everywhere VALUES (?1)")?;
    {
        let mut query =
            db.prepare("SELECT DISTINCT term, book FROM books.statement WHERE term IS NOT NULL ORDER BY term, book")?;
        let mut rows = query.query([])?;
        let mut together: (i64, Vec<usize>) = (0, Vec::new());
        let mut count = |(term, together): &(i64, Vec<usize>)| -> Result<(), LookError> {
            for a in together {
                for b in together {
                    shared[*a][*b] += 1;
                }
            }
            if books.len() > 1 && together.len() == books.len() {
                everywhere.execute([term])?;
            }
            Ok(())
        };
        while let Some(row) = rows.next()? {
            let (term, book): (i64, u32) = (row.get(0)?, row.get(1)?);
            if term != together.0 {
                count(&together)?;
                together = (term, Vec::new());
            }
            if let Ok(place) = books.binary_search(&book) {
                together.1.push(place);
            }
        }
        count(&together)?;
    }
    let mut insert = db.prepare("INSERT INTO spread VALUES (?1, ?2, ?3)")?;
    for (line, (book, shared)) in books.iter().zip(shared).enumerate() {
        insert.execute(params![line as i64, book, serde_json::to_string(&shared).expect("numbers")])?;
    }
    Ok(())
}
