//! Checksums of rows. A turned bit in a narrow row could give a book the terms of another, leave it out, or let an answer be asked for
//! again; SQLite notices none of that.
//!
//! The sums are kept by temporary triggers of each connection that writes, so no statement can forget them, and they are committed
//! with the rows. The check of a row is an expression over its columns, in the order of the table.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

use super::StoreError;
use super::checksum::first_of;
use super::database::Database;
use crate::values::Fingerprint;

/// Tables whose rows have sums, each with its key.
const TABLES: [(&str, &[&str]); 7] = [
    ("meta", &["key"]),
    ("fp", &["id"]),
    ("file", &["path"]),
    ("orphan", &["output"]),
    ("doc", &["id"]),
    ("done", &["fp", "doc"]),
    ("unit", &["id"]),
];

/// Tables whose indexes lead to rows: where one leads nowhere, a file would wait for ever, or an answer be asked for again.
const INDEXED: [&str; 4] = ["fp", "doc", "file", "unit"];

/// Rows that are checked together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Rows that every run reads, one for each file: what the others cost would be seen in a run that has nothing to do.
    OfFiles,
    /// Rows that a run reads which has something to do.
    OfDocuments,
}

impl Rows {
    fn has(self, table: &str) -> bool {
        matches!(table, "doc" | "done" | "unit") == (self == Self::OfDocuments)
    }
}

/// Teaches a connection the SQL function `row_sum`, of any number of values.
pub(super) fn teach(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("row_sum", -1, flags, |context| {
        let mut bytes = b"row".to_vec();
        let mut add = |tag: u8, value: &[u8]| {
            bytes.push(tag);
            bytes.extend((value.len() as u64).to_le_bytes());
            bytes.extend(value);
        };
        for n in 0..context.len() {
            match context.get_raw(n) {
                ValueRef::Null => add(0, &[]),
                ValueRef::Integer(number) => add(1, &number.to_le_bytes()),
                ValueRef::Real(number) => add(2, &number.to_le_bytes()),
                ValueRef::Text(text) => add(3, text),
                ValueRef::Blob(blob) => add(4, blob),
            }
        }
        Ok(first_of(&Fingerprint::of(&bytes)))
    })
}

/// Columns of a table that its sums are of; none where it has no sums.
fn columns(db: &Database, table: &str) -> Result<Vec<String>, StoreError> {
    let mut columns: Vec<String> = db.rows("SELECT name FROM pragma_table_info(?1)", [table], |r| r.get(0))?;
    let has_sum = columns.iter().any(|column| column == "sum");
    columns.retain(|column| has_sum && column != "sum");
    Ok(columns)
}

/// Sum of a row, as an expression; `of` stands before the name of each column.
fn expression(table: &str, columns: &[String], of: &str) -> String {
    let columns: Vec<String> = columns.iter().map(|column| format!("{of}\"{column}\"")).collect();
    format!("row_sum('{table}', {})", columns.join(", "))
}

/// Condition that holds for the rows of a table that are as they were written; none for a table without sums.
pub(super) fn soundness(db: &Database, table: &str) -> Result<Option<String>, StoreError> {
    let columns = if TABLES.iter().any(|(name, _)| *name == table) { columns(db, table)? } else { Vec::new() };
    Ok((!columns.is_empty()).then(|| format!("(sum IS NULL OR sum IS {})", expression(table, &columns, ""))))
}

/// Lets a connection that writes keep the sums from now on.
pub(super) fn keep(db: &Database) -> Result<(), StoreError> {
    let mut script = String::new();
    for (table, key) in TABLES {
        let columns = columns(db, table)?;
        if columns.is_empty() {
            continue;
        }
        let row: Vec<String> = key.iter().map(|key| format!("{key} = NEW.{key}")).collect();
        let set = format!(
            "ON main.{table} BEGIN UPDATE {table} SET sum = {} WHERE {}; END;\n",
            expression(table, &columns, "NEW."),
            row.join(" AND ")
        );
        let names: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
        let of = format!("OF {}", names.join(", "));
        for (name, event, of) in [("new", "INSERT", ""), ("changed", "UPDATE", &*of)] {
            script.extend([&*format!("CREATE TEMP TRIGGER {table}_{name} AFTER {event} {of} {set}")]);
        }
    }
    db.script(&script)
}

/// Holds rows against their sums, and indexes against rows.
///
/// # Errors
/// [`StoreError::Damaged`], with the first table of which one is not as it was written.
pub(super) fn check(db: &Database, rows: Rows) -> Result<(), StoreError> {
    for (table, _) in TABLES.into_iter().filter(|(table, _)| rows.has(table)) {
        let Some(sound) = soundness(db, table)? else { continue };
        let wrong = db.count(&format!("SELECT count(*) FROM {table} WHERE NOT {sound}"), [])?;
        if wrong > 0 {
            let detail = format!("{wrong} of the rows of '{table}' are not as they were written");
            return Err(StoreError::Damaged { file: db.file().to_path_buf(), detail });
        }
    }
    if rows == Rows::OfDocuments {
        for table in INDEXED {
            let first: String = db.value(&format!("PRAGMA integrity_check({table})"), [])?;
            if first != "ok" {
                return Err(StoreError::Damaged { file: db.file().to_path_buf(), detail: first });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Filled, done, failed};
    use crate::store::{Change, Scope, Session};
    use crate::values::{SourcePath, Stage};

    fn check_all(db: &Database) -> Result<(), StoreError> {
        check(db, Rows::OfFiles).and_then(|()| check(db, Rows::OfDocuments))
    }

    #[test]
    fn whatever_changes_rows_keeps_their_sums_and_a_value_that_changes_alone_is_found() {
        let store = Filled::new();
        store.put(&[("a.pdf", 1), ("b.pdf", 2), ("c.pdf", 3)]);
        store.change(vec![
            done(store.fps[Stage::Parse], store.doc(1)),
            failed(store.fps[Stage::Parse], store.doc(2)),
            Change::Gone(SourcePath::from_text("c.pdf")),
            Change::NameOutputs(|path| vec![format!("{path}.json")]),
            Change::Answer {
                question: store.question,
                unit: Fingerprint([9; 32]),
                generation: crate::store::Generation(0),
                answer: vec![1],
                response: None,
            },
        ]);
        let mut session = Session::begin(&store.store).unwrap();
        session.set_meta(&[("x".into(), Some("1".into()))]).unwrap();
        session.begin_rerun(&store.fps, Stage::Parse, Scope::Whole, "again").unwrap();
        session.retry_failed(&store.fps, Scope::Whole).unwrap();
        let db = &store.reader.db;
        check_all(db).unwrap();
        for (table, _) in TABLES.into_iter().filter(|(table, _)| *table != "orphan") {
            let without = format!("SELECT count(*) FROM {table} WHERE sum IS NULL");
            let all = db.count(&format!("SELECT count(*) FROM {table}"), []).unwrap();
            assert!(all > 0 && (table == "meta" || db.count(&without, []).unwrap() == 0), "{table}");
        }
        // A connection that keeps no sums stands for a disk that turns bits.
        let by_hand = Connection::open(store.store.database()).unwrap();
        for change in [
            "UPDATE file SET doc = 2 WHERE path = 'a.pdf'",
            "UPDATE doc SET live = live + 1 WHERE id = 1",
            "UPDATE done SET state = 1 WHERE state = 0",
            "UPDATE unit SET sha = zeroblob(32)",
            "UPDATE fp SET stage = 'y' WHERE id = 1",
            "UPDATE meta SET value = '2' WHERE key = 'x'",
        ] {
            by_hand.execute_batch(&format!("BEGIN; {change}")).unwrap();
            by_hand.execute_batch("COMMIT").unwrap();
            let said = check_all(db).unwrap_err().to_string();
            assert!(said.contains("not as they were written"), "{change}: {said}");
            let table = change.split(' ').nth(1).unwrap();
            by_hand.execute_batch(&format!("UPDATE {table} SET sum = NULL")).unwrap();
            check_all(db).unwrap();
        }
    }
}
