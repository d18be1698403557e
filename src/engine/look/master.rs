//! A master for the look at a folder that has none: the same merging, without decisions.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::error::LookError;
use crate::stages::consolidate::{Given, Merging};
use crate::values::{Entry, MASTER_FILE};

/// Writes a master into a folder below `scratch`, from the statements of all books; returns that folder.
pub(super) fn put_together(db: &Connection, scratch: &Path) -> Result<PathBuf, LookError> {
    let folder = scratch.join("master");
    std::fs::create_dir(&folder)?;
    let documents: i64 =
        db.query_row("SELECT count(*) FROM book WHERE state = 'done' OR state = 'partial'", [], |r| r.get(0))?;
    db.execute_batch(
        "CREATE INDEX statement_canonical ON statement (canonical, book);
         CREATE TABLE merged (score REAL NOT NULL, occurrences INTEGER NOT NULL, canonical TEXT NOT NULL, entry TEXT NOT NULL)",
    )?;
    let mut insert = db.prepare("INSERT INTO merged VALUES (?1, ?2, ?3, ?4)")?;
    let mut keep = |canonical: &str, merging: Merging| -> Result<(), LookError> {
        let entry = merging.finish(canonical, documents.cast_unsigned());
        let line = serde_json::to_string(&entry).expect("string keys and finite numbers");
        insert.execute(params![entry.score, entry.occurrence_count.cast_signed(), canonical, line])?;
        Ok(())
    };
    let mut query = db.prepare("SELECT canonical, book, entry FROM statement ORDER BY canonical, book, id")?;
    let mut rows = query.query([])?;
    let mut open: Option<(String, u32, Merging)> = None;
    while let Some(row) = rows.next()? {
        let (canonical, book): (String, u32) = (row.get(0)?, row.get(1)?);
        let line: String = row.get(2)?;
        let Ok(entry) = serde_json::from_str::<Entry>(&line) else { continue };
        match &mut open {
            Some((known, last, merging)) if *known == canonical => {
                merging.add(entry, book != *last, Given::Own);
                *last = book;
            }
            _ => {
                let mut merging = Merging::default();
                merging.add(entry, true, Given::Own);
                if let Some((known, _, done)) = open.replace((canonical, book, merging)) {
                    keep(&known, done)?;
                }
            }
        }
    }
    if let Some((known, _, done)) = open {
        keep(&known, done)?;
    }
    write(db, &folder.join(MASTER_FILE))?;
    db.execute_batch("DROP TABLE merged")?;
    Ok(folder)
}

/// Writes what was merged as a master, best first.
fn write(db: &Connection, file: &Path) -> Result<(), LookError> {
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    out.write_all(b"{\"metadata\":{},\"entries\":[")?;
    let mut query = db.prepare("SELECT entry FROM merged ORDER BY score DESC, occurrences DESC, canonical")?;
    let mut rows = query.query([])?;
    let mut separator: &[u8] = b"\n";
    while let Some(row) = rows.next()? {
        out.write_all(separator)?;
        out.write_all(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?.as_bytes())?;
        separator = b",\n";
    }
    out.write_all(b"\n]}\n")?;
    Ok(out.flush()?)
}
