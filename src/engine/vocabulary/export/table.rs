//! The table of terms: an SQLite table in between lets people choose rows with SQL, and every format is a query.

use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::columns::{ExportChoice, ExportError, ExportRows, OCCURRENCE_COLUMNS, VIEWS};
use super::rows;
use crate::engine::vocabulary::consolidate::each_vocabulary_file;
use crate::stages::consolidate::{Given, Merging, each_master_entry, read_vocabulary};
use crate::values::{MASTER_FILE, MasterEntry};

/// Source of the terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportSource {
    /// The master.
    Master,
    /// So many vocabulary files, because there is no master: a term stands once for each.
    Documents(u64),
}

/// The chosen terms of a folder, in a database file that is the caller's.
pub struct ExportTable {
    pub(super) db: Connection,
    file: PathBuf,
    /// Source of the terms.
    pub source: ExportSource,
    /// Terms that the condition left.
    pub terms: u64,
    /// Places of these terms, if they were wanted.
    pub occurrences: Option<u64>,
}

impl ExportTable {
    /// Fills the new database `file` with the terms of `folder` that are chosen, in their order. Memory does not grow with their number.
    ///
    /// # Errors
    /// If there is nothing to export, a file cannot be used, or the condition is none.
    pub fn fill(folder: &Path, choice: &ExportChoice<'_>, file: &Path) -> Result<Self, ExportError> {
        let db = Connection::open(file)?;
        // The file is made anew by every export: what a crash leaves of it is worth nothing.
        db.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384;")?;
        let list = |columns: &[(&str, &str)]| -> String {
            columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ")
        };
        db.execute_batch(&format!(
            "CREATE TABLE terms ({}, entry TEXT NOT NULL, folded TEXT NOT NULL, starts INTEGER, place INTEGER);
             CREATE TABLE occurrences (row INTEGER PRIMARY KEY, {}); BEGIN",
            list(&ExportRows::Terms.columns()),
            list(&OCCURRENCE_COLUMNS)
        ))?;
        if let Some(condition) = choice.condition {
            let bad = |reason: String| ExportError::Condition { condition: condition.to_owned(), reason };
            // Alone first: an expression that closes our bracket is none of its own.
            let alone = db.prepare(&format!("SELECT {condition} FROM terms")).and(Ok(()));
            alone.map_err(|e| bad(words(&e)))?;
            db.prepare(&format!("DELETE FROM terms WHERE ({condition}\n) IS NOT TRUE")).map_err(|e| bad(words(&e)))?;
        }
        let source = filled(folder, &db)?;
        choose(&db, choice)?;
        if choice.occurrences {
            fill_occurrences(&db)?;
        }
        db.execute_batch("COMMIT")?;
        let count = |table: &str| db.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get::<_, i64>(0));
        let terms = count("terms")?.cast_unsigned();
        let occurrences = choice.occurrences.then(|| count("occurrences")).transpose()?.map(i64::cast_unsigned);
        Ok(Self { db, file: file.to_path_buf(), source, terms, occurrences })
    }

    /// Hands every term to `each`, in the order of the export; one is in memory at a time.
    ///
    /// # Errors
    /// If the table cannot be read, or the error of `each`.
    pub(super) fn each(&self, each: &mut dyn FnMut(MasterEntry) -> Result<(), ExportError>) -> Result<(), ExportError> {
        let mut query = self.db.prepare("SELECT entry FROM terms ORDER BY place")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let json = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            let entry = serde_json::from_str(json).map_err(|e| ExportError::Write(e.into()))?;
            each(entry)?;
        }
        Ok(())
    }

    /// Hands every row, in the order of the export, to `each`.
    pub(super) fn each_row(
        &self,
        rows: ExportRows,
        each: &mut dyn FnMut(Vec<Value>) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let names: Vec<&str> = rows.columns().iter().map(|(name, _)| *name).collect();
        let (table, order) = rows.table();
        let mut query = self.db.prepare(&format!("SELECT {} FROM {table} ORDER BY {order}", names.join(", ")))?;
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            each((0..names.len()).map(|n| row.get(n)).collect::<Result<_, _>>()?)?;
        }
        Ok(())
    }

    /// Writes a JSON object a line: terms as the master has them, or places.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_lines(&self, out: &mut dyn Write, rows: ExportRows) -> Result<(), ExportError> {
        match rows {
            ExportRows::Terms => {
                let mut query = self.db.prepare("SELECT entry FROM terms ORDER BY place")?;
                let mut found = query.query([])?;
                while let Some(row) = found.next()? {
                    out.write_all(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?.as_bytes())?;
                    out.write_all(b"\n")?;
                }
            }
            ExportRows::Occurrences => self.each_row(rows, &mut |row| {
                let json = |value| match value {
                    Value::Integer(n) => Some(n.into()),
                    Value::Real(n) => Some(n.into()),
                    Value::Text(text) => Some(serde_json::Value::String(text)),
                    Value::Null | Value::Blob(_) => None,
                };
                let known = OCCURRENCE_COLUMNS.iter().zip(row).filter_map(|((name, _), v)| Some((*name, json(v)?)));
                let object: serde_json::Map<_, _> = known.map(|(name, v)| (name.to_owned(), v)).collect();
                Ok(writeln!(out, "{}", serde_json::Value::Object(object))?)
            })?,
        }
        Ok(out.flush()?)
    }

    /// Writes comma-separated values, with a header even where nothing was chosen. Cells that a spreadsheet would run as a formula
    /// are marked as text, unless `formulas` may stand.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_csv(&self, out: &mut dyn Write, rows: ExportRows, formulas: bool) -> Result<(), ExportError> {
        let mut table = csv::Writer::from_writer(out);
        let names: Vec<&str> = rows.columns().iter().map(|(name, _)| *name).collect();
        table.write_record(&names)?;
        self.each_row(rows, &mut |row| {
            let cells = names.iter().zip(row).map(|(name, value)| rows::cell(name, value));
            Ok(table.write_record(cells.map(|c| if formulas { c } else { rows::not_a_formula(c) }))?)
        })?;
        Ok(table.flush()?)
    }

    /// Makes the database itself the export; it is synced when this returns.
    ///
    /// # Errors
    /// If writing fails.
    pub fn into_sqlite(self) -> Result<(), ExportError> {
        self.db.execute_batch(&format!(
            "DROP INDEX terms_place;
             ALTER TABLE terms DROP COLUMN entry; ALTER TABLE terms DROP COLUMN folded;
             ALTER TABLE terms DROP COLUMN starts; ALTER TABLE terms DROP COLUMN place;
             {VIEWS} CREATE INDEX terms_canonical ON terms (canonical);
             CREATE INDEX occurrences_canonical ON occurrences (canonical); VACUUM;"
        ))?;
        drop(self.db);
        Ok(std::fs::File::open(&self.file)?.sync_all()?)
    }

    /// Writes an Apache Parquet file.
    ///
    /// # Errors
    /// If writing fails, or this build cannot do it.
    pub fn write_parquet(&self, out: &mut (dyn Write + Send), rows: ExportRows) -> Result<(), ExportError> {
        #[cfg(feature = "parquet")]
        return super::parquet::write(&self.db, out, rows);
        #[cfg(not(feature = "parquet"))]
        {
            let _ = (out, rows);
            Err(ExportError::NoParquet)
        }
    }
}

fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

/// Leaves what is chosen, and numbers it in its order.
fn choose(db: &Connection, choice: &ExportChoice<'_>) -> Result<(), ExportError> {
    if let Some(condition) = choice.condition {
        let chosen = db.execute(&format!("DELETE FROM terms WHERE ({condition}\n) IS NOT TRUE"), []);
        chosen.map_err(|e| ExportError::Condition { condition: condition.to_owned(), reason: words(&e) })?;
    }
    if let Some(top) = choice.top {
        let most = i64::try_from(top).unwrap_or(i64::MAX);
        let best = "DELETE FROM terms WHERE rank NOT IN (SELECT rank FROM terms ORDER BY rank LIMIT ?1)";
        db.execute(best, [most])?;
    }
    db.execute_batch(&format!(
        "UPDATE terms SET place = numbered.place
         FROM (SELECT rank, row_number() OVER (ORDER BY {}) AS place FROM terms) AS numbered
         WHERE numbered.rank = terms.rank;
         CREATE UNIQUE INDEX terms_place ON terms (place);",
        choice.order.sql()
    ))?;
    Ok(())
}

fn fill_occurrences(db: &Connection) -> Result<(), ExportError> {
    let names: Vec<&str> = OCCURRENCE_COLUMNS.iter().map(|(name, _)| *name).collect();
    let marks: Vec<String> = (1..=names.len()).map(|n| format!("?{n}")).collect();
    let insert = format!("INSERT INTO occurrences ({}) VALUES ({})", names.join(", "), marks.join(", "));
    let mut insert = db.prepare(&insert)?;
    let mut query = db.prepare("SELECT entry FROM terms ORDER BY place")?;
    let mut found = query.query([])?;
    while let Some(row) = found.next()? {
        let json = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let entry: MasterEntry = serde_json::from_str(json).map_err(|e| ExportError::Write(e.into()))?;
        for place in rows::occurrences(&entry) {
            insert.execute(params_from_iter(place))?;
        }
    }
    Ok(())
}

/// Fills the table from the master, or from the documents in path order.
fn filled(folder: &Path, db: &Connection) -> Result<ExportSource, ExportError> {
    let columns = ExportRows::Terms.columns().len() + 3;
    let marks: Vec<String> = (1..=columns).map(|n| format!("?{n}")).collect();
    let mut insert = db.prepare(&format!("INSERT INTO terms VALUES ({}, NULL)", marks.join(", ")))?;
    let mut rank = 0;
    let mut add = |mut entry: MasterEntry| -> Result<(), rusqlite::Error> {
        rank += 1;
        entry.rank = u64::try_from(rank).unwrap_or_default();
        insert.execute(params_from_iter(rows::term(rank, &entry))).map(drop)
    };
    let master = folder.join(MASTER_FILE);
    if let Ok(file) = std::fs::File::open(&master) {
        let from = std::io::BufReader::with_capacity(1 << 16, file);
        let mut each = |entry| add(entry).map_err(|e| e.to_string());
        each_master_entry(from, &mut each).map_err(|e| {
            ExportError::File(master.clone(), format!("{e}; 'corpora consolidate {}' makes it anew", folder.display()))
        })?;
        return Ok(ExportSource::Master);
    }
    let mut files = 0;
    each_vocabulary_file(folder, &mut |path| -> Result<(), ExportError> {
        let bytes = std::fs::read(path).map_err(|e| ExportError::File(path.to_path_buf(), e.to_string()))?;
        let vocabulary = read_vocabulary(&bytes).map_err(|e| ExportError::File(path.to_path_buf(), e.to_string()))?;
        files += 1;
        for entry in vocabulary.entries {
            let canonical = entry.canonical.clone();
            let mut alone = Merging::default();
            alone.add(entry, true, Given::Own);
            add(alone.finish(&canonical, 0))?;
        }
        Ok(())
    })?;
    if files == 0 { Err(ExportError::Empty(folder.to_path_buf())) } else { Ok(ExportSource::Documents(files)) }
}
