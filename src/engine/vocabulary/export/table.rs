//! Terms of an output folder as a table: an SQLite table in between lets people choose rows with SQL, and every format is a query.

use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::columns::{EXPORT_COLUMNS, ExportError, VIEWS};
#[cfg(feature = "parquet")]
use super::parquet;
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
    db: Connection,
    file: PathBuf,
    /// Source of the terms.
    pub source: ExportSource,
    /// Terms that the condition left.
    pub terms: u64,
}

impl ExportTable {
    /// Fills the new database `file` with the terms of `folder` for which the SQL expression `condition` is true. Memory does not
    /// grow with their number.
    ///
    /// # Errors
    /// If there is nothing to export, a file cannot be used, or the condition is none.
    pub fn fill(folder: &Path, condition: Option<&str>, file: &Path) -> Result<Self, ExportError> {
        let db = Connection::open(file)?;
        // The file is made anew by every export: what a crash leaves of it is worth nothing.
        db.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384;")?;
        let types: Vec<String> = EXPORT_COLUMNS.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        db.execute_batch(&format!(
            "CREATE TABLE terms ({}, fields TEXT, entry TEXT NOT NULL); BEGIN",
            types.join(", ")
        ))?;
        if let Some(condition) = condition {
            let bad = |reason: String| ExportError::Condition { condition: condition.to_owned(), reason };
            // Alone first: an expression that closes our bracket is none of its own.
            let alone = db.prepare(&format!("SELECT {condition} FROM terms")).and(Ok(()));
            alone.map_err(|e| bad(words(&e)))?;
            db.prepare(&format!("DELETE FROM terms WHERE ({condition}\n) IS NOT TRUE")).map_err(|e| bad(words(&e)))?;
        }
        let source = rows(folder, &db)?;
        if let Some(condition) = condition {
            let chosen = db.execute(&format!("DELETE FROM terms WHERE ({condition}\n) IS NOT TRUE"), []);
            chosen.map_err(|e| ExportError::Condition { condition: condition.to_owned(), reason: words(&e) })?;
        }
        db.execute_batch("COMMIT")?;
        let terms: i64 = db.query_row("SELECT count(*) FROM terms", [], |r| r.get(0))?;
        Ok(Self { db, file: file.to_path_buf(), source, terms: terms.cast_unsigned() })
    }

    /// Writes lines to `out`.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_lines(&self, out: &mut dyn Write) -> Result<(), ExportError> {
        let mut query = self.db.prepare("SELECT entry FROM terms ORDER BY rank")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            out.write_all(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?.as_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(out.flush()?)
    }

    /// Writes comma-separated values to `out`, with a header even where no term was chosen. Cells that a spreadsheet would run as a formula
    /// are marked as text, unless `formulas` may stand.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_csv(&self, out: &mut dyn Write, formulas: bool) -> Result<(), ExportError> {
        let mut table = csv::Writer::from_writer(out);
        table.write_record(EXPORT_COLUMNS.iter().map(|(name, _)| *name).chain(["fields"]))?;
        let mut query = self.db.prepare("SELECT * FROM terms ORDER BY rank")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let cells = (0..=EXPORT_COLUMNS.len())
                .map(|n| Ok(cell(row.get(n)?)))
                .map(|cell| cell.map(|cell| if formulas { cell } else { not_a_formula(cell) }))
                .collect::<Result<Vec<_>, rusqlite::Error>>()?;
            table.write_record(cells)?;
        }
        Ok(table.flush()?)
    }

    /// Makes the database itself the export; it is synced when this returns.
    ///
    /// # Errors
    /// If writing fails.
    pub fn into_sqlite(self) -> Result<(), ExportError> {
        self.db.execute_batch(&format!(
            "ALTER TABLE terms DROP COLUMN entry; {VIEWS} CREATE INDEX terms_canonical ON terms (canonical); VACUUM;"
        ))?;
        drop(self.db);
        Ok(std::fs::File::open(&self.file)?.sync_all()?)
    }

    /// Writes an Apache Parquet file.
    ///
    /// # Errors
    /// If writing fails, or this build cannot do it.
    pub fn write_parquet(&self, out: &mut (dyn Write + Send)) -> Result<(), ExportError> {
        #[cfg(feature = "parquet")]
        return parquet::write(&self.db, out);
        #[cfg(not(feature = "parquet"))]
        {
            let _ = out;
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

/// A cell that a spreadsheet takes for text, whatever a book or a model made it begin with: an apostrophe stands before what would be
/// run as a formula (<https://owasp.org/www-community/attacks/CSV_Injection>). Numbers are none.
fn not_a_formula(cell: String) -> String {
    let begins = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let is_number = cell.ends_with(|c: char| c.is_ascii_digit()) && cell.parse::<f64>().is_ok();
    if begins && !is_number { format!("'{cell}") } else { cell }
}

/// A cell of a table for people.
fn cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(n) => n.to_string(),
        Value::Real(n) => n.to_string(),
        Value::Text(text) => match text.starts_with("[\"") || text == "[]" {
            true => serde_json::from_str::<Vec<String>>(&text).map_or(text, |list| list.join("; ")),
            false => text,
        },
        Value::Blob(_) => String::new(),
    }
}

/// Fills the table from the master, or from the documents in path order.
fn rows(folder: &Path, db: &Connection) -> Result<ExportSource, ExportError> {
    let marks: Vec<String> = (1..=EXPORT_COLUMNS.len() + 2).map(|n| format!("?{n}")).collect();
    let mut insert = db.prepare(&format!("INSERT INTO terms VALUES ({})", marks.join(", ")))?;
    let mut rank = 0;
    let mut add = |entry: MasterEntry| -> Result<(), rusqlite::Error> {
        rank += 1;
        insert.execute(params_from_iter(row(rank, &entry))).map(drop)
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

fn row(rank: i64, e: &MasterEntry) -> Vec<Value> {
    fn json<T: serde::Serialize>(value: &T) -> Value {
        Value::Text(serde_json::to_string(value).expect("string keys and finite numbers"))
    }
    fn maybe<T: serde::Serialize>(value: Option<&T>) -> Value {
        value.map_or(Value::Null, json)
    }
    let text = |value: &Option<String>| value.clone().map_or(Value::Null, Value::Text);
    // The first of the longest sentences tells most.
    let place = e.occurrences.iter().rev().max_by_key(|o| o.place.sentence.len());
    let real = |value: Option<f64>| value.map_or(Value::Null, Value::Real);
    vec![
        Value::Integer(rank),
        Value::Text(e.id.clone()),
        Value::Text(e.text.clone()),
        Value::Text(e.canonical.clone()),
        text(&e.pos),
        text(&e.category),
        text(&e.intent),
        maybe(e.secondary_intents.as_ref()),
        text(&e.genre),
        text(&e.mood),
        text(&e.energy),
        maybe(e.tags.as_ref()),
        maybe(e.axes.as_ref()),
        real(e.confidence),
        text(&e.ip_flag),
        e.review.map_or(Value::Null, |d| Value::Text(d.name().to_owned())),
        text(&e.definition),
        Value::Integer(e.document_count.cast_signed()),
        Value::Integer(e.occurrence_count.cast_signed()),
        real(e.idf),
        Value::Real(e.score),
        json(&e.sources),
        json(&e.variants),
        json(&e.renamed_from),
        json(&e.conflicts),
        text(&e.kind),
        json(&e.aliases),
        place.map_or(Value::Null, |o| Value::Text(o.place.sentence.clone())),
        place.map_or(Value::Null, |o| Value::Text(o.source.clone())),
        place.map_or(Value::Null, |o| Value::Integer(o.place.section.into())),
        maybe(e.fields.as_ref()),
        json(e),
    ]
}
