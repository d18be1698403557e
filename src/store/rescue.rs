//! Rescue of a broken store: what can still be read of it goes into a sound one, paid answers first. The broken one is kept.
//!
//! SQLite stops a query at a damaged page. So each table is read from its beginning until that happens, then from its end, and what lies
//! between is halved until the damaged rows are left. Where a table itself cannot be read, the index over its hashes gives back which
//! number stood for which of them.

use std::path::{Path, PathBuf};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{OpenFlags, Row, params, params_from_iter};

use super::database::Database;
use super::{FpId, Generation, ResponseId, STORE_FOLDER, Store, StoreError, beneath, ledger, schema};
use crate::values::{Cost, Fingerprint};

/// Result of a rescue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// Tables with their rows.
    pub tables: Vec<RescuedTable>,
    /// Sum that the responses cost which were kept, as far as their prices are known.
    pub cost: Cost,
    /// Responses that will be read again because answers out of them are lost.
    pub read_again: u64,
    /// Folder that keeps the broken store.
    pub kept: PathBuf,
}

/// A table of a rescued store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RescuedTable {
    /// Its name.
    pub table: &'static str,
    /// Rows that could be read.
    pub rows: u64,
    /// True if it could be read to its end; else an unknown number of rows is missing.
    pub whole: bool,
}

/// Rows read at a time.
const PAGE: usize = 64;

/// Most reads of a table that may break off: a page that leads to many others can be broken.
const MOST_BREAKS: u64 = 20_000;

/// Tables in the order of their worth, each with its key.
const TABLES: [(&str, &str); 15] = [
    ("fp", "id"),
    ("unit", "id"),
    ("answer", "id"),
    ("response", "id"),
    ("raw", "id"),
    ("lost", "id"),
    ("batch", "id"),
    ("batch_request", "batch, seq"),
    ("batch_unit", "fp, unit"),
    ("unit_attempts", "fp, unit"),
    ("unit_failure", "fp, unit"),
    ("doc", "id"),
    ("file", "path"),
    ("orphan", "output"),
    ("done", "fp, doc"),
];

/// Tables that are read last: results, which can be made again, and settings of the last run.
const LAST: [(&str, &str); 2] = [("art", "id"), ("meta", "key")];

/// Tables whose index over `sha` leads back to their numbers, with what stands for the columns that it does not hold.
const BY_HASH: [(&str, &str); 3] = [
    ("fp", "INSERT OR IGNORE INTO fp (id, sha, stage, spec) VALUES (?1, ?2, '', '{}')"),
    ("unit", "INSERT OR IGNORE INTO unit (id, sha) VALUES (?1, ?2)"),
    ("doc", "INSERT OR IGNORE INTO doc (id, sha, bytes) VALUES (?1, ?2, 0)"),
];

/// Puts what can be read of the store of `output` into a sound one in its place. The caller holds the lock. A crash at any moment leaves the
/// broken store or the sound one, and the same call goes on.
///
/// # Errors
/// If there is no store, nothing of it can be read, or the disk has no room for another one.
pub fn rescue(output: &Path) -> Result<Rescued, StoreError> {
    let output = output.canonicalize().map_err(|_| StoreError::Missing { folder: output.to_path_buf() })?;
    let folder = output.join(STORE_FOLDER);
    let file = folder.join("store.sqlite");
    if !file.exists() {
        return Err(StoreError::Missing { folder: output });
    }
    take_up_swap(&folder, &file)?;
    let workshop = folder.join("rescue");
    let io = |action, file: &Path| {
        let file = file.to_path_buf();
        move |e| StoreError::from_io(action, &file, e)
    };
    if workshop.exists() {
        std::fs::remove_dir_all(&workshop).map_err(io("remove", &workshop))?;
    }
    beneath::create_folder(&workshop).map_err(io("create", &workshop))?;
    let (mut rescued, new) = {
        let from = Database::open(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        if let Err(error @ StoreError::Newer { .. }) = schema::check(&from) {
            return Err(error);
        }
        let store = Store::open_or_create(&workshop)?;
        let to = store.write_connection()?;
        let rescued = copy(&from, &to)?;
        // One file, with nothing beside it.
        to.rows("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        (rescued, store.database())
    };
    let file_of_new = beneath::open_to_read(&new).map_err(io("open", &new))?;
    file_of_new.sync_all().map_err(io("write", &new))?;
    drop(file_of_new);
    rescued.kept = keep(&folder, &file).map_err(io("keep", &file))?;
    swap(&folder, &file, &new).map_err(io("put in its place", &file))?;
    std::fs::remove_dir_all(&workshop).map_err(io("remove", &workshop))?;
    Ok(rescued)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Gives the broken store second names in a folder of its own.
fn keep(folder: &Path, file: &Path) -> std::io::Result<PathBuf> {
    let free = (1..).map(|n| folder.join(format!("broken-{n}"))).find(|place| !place.exists());
    let place = free.expect("there are numbers enough");
    beneath::create_folder(&place)?;
    let name = place.join("store.sqlite");
    for ending in ["-wal", ""] {
        match beneath::link(&beside(file, ending), &beside(&name, ending)) {
            Err(e) if ending == "-wal" && e.kind() == std::io::ErrorKind::NotFound => {}
            outcome => outcome?,
        }
    }
    beneath::sync_folder(&place)?;
    beneath::sync_folder(folder)?;
    Ok(place)
}

/// Puts the sound store in its place. The log of the broken one goes first: a sound store with another's log would be none.
fn swap(folder: &Path, file: &Path, new: &Path) -> std::io::Result<()> {
    for ending in ["-wal", "-shm"] {
        match beneath::remove(&beside(file, ending)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    beneath::rename(new, file)?;
    beneath::sync_folder(folder)
}

/// Gives a store its log back that a rescue took away before it ended: what is kept of it is the same file then.
fn take_up_swap(folder: &Path, file: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::MetadataExt;
    let inode = |path: &Path| std::fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let log = beside(file, "-wal");
    for place in (1..).map(|n| folder.join(format!("broken-{n}"))).take_while(|place| place.exists()) {
        let kept = place.join("store.sqlite");
        let kept_log = beside(&kept, "-wal");
        if inode(&kept) == inode(file) && kept_log.exists() && !log.exists() {
            beneath::link(&kept_log, &log).map_err(|e| StoreError::from_io("take up", &log, e))?;
        }
    }
    Ok(())
}

/// Copies all tables and makes them fit together.
fn copy(from: &Database, to: &Database) -> Result<Rescued, StoreError> {
    let mut tables = Vec::new();
    for (table, key) in TABLES.into_iter().chain(LAST) {
        let columns = columns(from, to, table)?;
        if columns.is_empty() {
            continue;
        }
        let mut copier =
            Copier { from, to, table, key, columns, result: RescuedTable { table, rows: 0, whole: true }, breaks: 0 };
        to.transaction(|| {
            copier.copy()?;
            match BY_HASH.iter().find(|(by_hash, _)| *by_hash == table && !copier.result.whole) {
                Some((_, insert)) => copier.numbers_of_hashes(insert),
                None => Ok(()),
            }
        })?;
        tables.push(copier.result);
    }
    if tables.iter().all(|table| table.rows == 0) {
        return Err(StoreError::Damaged { file: from.file().to_path_buf(), detail: "no row of it can be read".into() });
    }
    to.transaction(|| fit_together(to))?;
    let lost = |name| tables.iter().any(|table| table.table == name && !table.whole);
    let read_again = if lost("answer") || lost("unit") { to.transaction(|| read_again(to))? } else { 0 };
    let cost = Cost(to.value("SELECT coalesce(sum(cost), 0) FROM response", [])?);
    Ok(Rescued { tables, cost, read_again, kept: PathBuf::new() })
}

/// Columns that a table has in both stores; none where an older program knew no such table.
fn columns(from: &Database, to: &Database, table: &str) -> Result<Vec<String>, StoreError> {
    let of = |db: &Database| db.rows("SELECT name FROM pragma_table_info(?1)", [table], |r| r.get::<_, String>(0));
    let there = of(from)?;
    Ok(of(to)?.into_iter().filter(|column| there.contains(column)).collect())
}

/// Test whether an error says that a part of the database cannot be read.
fn is_hole(error: &StoreError) -> bool {
    matches!(error, StoreError::Damaged { .. } | StoreError::Database { .. } | StoreError::Disk { .. })
}

struct Copier<'a> {
    from: &'a Database,
    to: &'a Database,
    table: &'static str,
    key: &'static str,
    columns: Vec<String>,
    result: RescuedTable,
    /// Reads that broke off.
    breaks: u64,
}

/// Direction of reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Forward,
    Backward,
}

impl Copier<'_> {
    fn copy(&mut self) -> Result<(), StoreError> {
        let (last, whole) = self.read(Reading::Forward, None, None)?;
        if whole {
            return Ok(());
        }
        self.result.whole = false;
        let (first, _) = self.read(Reading::Backward, last.clone(), None)?;
        if self.key != "id" {
            return Ok(());
        }
        self.between(number(last.as_deref()).unwrap_or(0), number(first.as_deref()).unwrap_or(i64::MAX))
    }

    /// Halves what lies between two rows that could be read.
    fn between(&mut self, after: i64, before: i64) -> Result<(), StoreError> {
        let mut left = vec![(after, before)];
        while let Some((after, before)) = left.pop() {
            if before.saturating_sub(after) < 2 || self.breaks >= MOST_BREAKS {
                continue;
            }
            let middle = after + (before - after) / 2;
            for (after, before) in [(after, middle + 1), (middle, before)] {
                let bound = |number| Some(vec![Value::Integer(number)]);
                let (last, whole) = self.read(Reading::Forward, bound(after), bound(before))?;
                let reached = number(last.as_deref()).unwrap_or(after);
                // Of one row nothing more can be had.
                if !whole && before - after > 2 {
                    left.push((reached, before));
                }
            }
        }
        Ok(())
    }

    /// Copies rows between two keys until there are no more, or one cannot be read. Returns the key of the last one, and whether it was all.
    fn read(
        &mut self,
        way: Reading,
        mut after: Option<Vec<Value>>,
        mut before: Option<Vec<Value>>,
    ) -> Result<(Option<Vec<Value>>, bool), StoreError> {
        let keys: Vec<&str> = self.key.split(", ").collect();
        let places: Vec<usize> =
            keys.iter().filter_map(|key| self.columns.iter().position(|column| column == key)).collect();
        let mut last = None;
        loop {
            let mut rows: Vec<Vec<Value>> = Vec::with_capacity(PAGE);
            let outcome = self.page(way, after.as_deref(), before.as_deref(), &mut rows);
            for row in &rows {
                self.put(row)?;
            }
            if let Some(row) = rows.last() {
                let key: Vec<Value> = places.iter().map(|place| row[*place].clone()).collect();
                last = Some(key.clone());
                match way {
                    Reading::Forward => after = Some(key),
                    Reading::Backward => before = Some(key),
                }
            }
            match outcome {
                Err(error) if is_hole(&error) => {
                    self.breaks += 1;
                    return Ok((last, false));
                }
                Err(error) => return Err(error),
                Ok(()) if rows.len() < PAGE => return Ok((last, true)),
                Ok(()) => {}
            }
        }
    }

    fn page(
        &self,
        way: Reading,
        after: Option<&[Value]>,
        before: Option<&[Value]>,
        rows: &mut Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        let marks =
            |first: usize, count: usize| (first..first + count).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
        let (mut conditions, mut bound) = (Vec::new(), Vec::new());
        for (sign, key) in [(">", after), ("<", before)] {
            let Some(key) = key else { continue };
            conditions.push(format!("({}) {sign} ({})", self.key, marks(bound.len() + 1, key.len())));
            bound.extend(key.iter().cloned());
        }
        let direction = match way {
            Reading::Forward => "ASC",
            Reading::Backward => "DESC",
        };
        let order: Vec<String> = self.key.split(", ").map(|key| format!("{key} {direction}")).collect();
        let filter = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        let sql = format!(
            "SELECT {} FROM {} {filter} ORDER BY {} LIMIT {PAGE}",
            self.columns.join(", "),
            self.table,
            order.join(", ")
        );
        let count = self.columns.len();
        self.from.each(&sql, params_from_iter(bound), |r| {
            rows.push((0..count).map(|column| value(r, column)).collect::<rusqlite::Result<_>>()?);
            Ok(())
        })
    }

    fn put(&mut self, row: &[Value]) -> Result<(), StoreError> {
        let marks = vec!["?"; row.len()].join(", ");
        let sql = format!("INSERT OR IGNORE INTO {} ({}) VALUES ({marks})", self.table, self.columns.join(", "));
        self.result.rows += self.to.execute(&sql, params_from_iter(row))? as u64;
        Ok(())
    }

    /// Numbers whose rows are lost, with their hashes, out of the index.
    fn numbers_of_hashes(&mut self, insert: &str) -> Result<(), StoreError> {
        let index = format!("sqlite_autoindex_{}_1", self.table);
        for direction in ["ASC", "DESC"] {
            let mut found: Vec<(i64, Vec<u8>)> = Vec::new();
            let sql = format!("SELECT id, sha FROM {} INDEXED BY {index} ORDER BY sha {direction}", self.table);
            let outcome = self.from.each(&sql, [], |r| {
                found.push((r.get(0)?, r.get(1)?));
                Ok(())
            });
            for (id, sha) in found {
                self.result.rows += self.to.execute(insert, params![id, sha])? as u64;
            }
            match outcome {
                Err(error) if is_hole(&error) => {}
                outcome => return outcome,
            }
        }
        Ok(())
    }
}

/// The number that is a row's whole key.
fn number(key: Option<&[Value]>) -> Option<i64> {
    match key {
        Some([Value::Integer(number)]) => Some(*number),
        _ => None,
    }
}

/// A cell as it stands there, whatever is in it.
fn value(r: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    Ok(match r.get_ref(column)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

/// Lets nothing point to what is lost: results of documents without a number wait again, files without a document are looked at again.
fn fit_together(db: &Database) -> Result<(), StoreError> {
    db.script(
        "DELETE FROM done WHERE doc NOT IN (SELECT id FROM doc) OR fp NOT IN (SELECT id FROM fp);
         DELETE FROM art WHERE ((id >> 16) & 0xFFFFFFFF) NOT IN (SELECT id FROM doc) OR (id >> 48) NOT IN (SELECT id FROM fp);
         UPDATE done SET state = 0 WHERE state = 1 AND NOT EXISTS (SELECT 1 FROM art WHERE art.id = ((done.fp << 48) | (done.doc << 16)));
         DELETE FROM answer WHERE unit NOT IN (SELECT id FROM unit);
         UPDATE answer SET response = NULL WHERE response NOT IN (SELECT id FROM response);
         DELETE FROM raw WHERE id NOT IN (SELECT id FROM response);
         UPDATE file SET doc = NULL, size = 0, mtime_ns = 0, ctime_ns = NULL, inode = NULL, written_fp = NULL, written_doc = NULL
             WHERE doc IS NOT NULL AND doc NOT IN (SELECT id FROM doc);
         UPDATE doc SET live = (SELECT count(*) FROM file WHERE file.doc = doc.id AND file.state = 0);",
    )
}

/// Lets responses be read again out of which an answer is lost. Returns their number.
fn read_again(db: &Database) -> Result<u64, StoreError> {
    let mut candidates: Vec<(ResponseId, FpId, Generation, Vec<Fingerprint>)> = Vec::new();
    db.each("SELECT id, fp, generation, units FROM response WHERE state = 1", [], |r| {
        candidates.push((r.get(0)?, r.get(1)?, r.get(2)?, ledger::unpacked(r, 3)?));
        Ok(())
    })?;
    let mut count = 0;
    for (id, question, generation, units) in candidates {
        let is_settled = |unit: &Fingerprint| {
            db.value::<bool>(
                "SELECT EXISTS (SELECT 1 FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1 WHERE u.sha = ?2 AND a.generation >= ?3)
                     OR EXISTS (SELECT 1 FROM unit u JOIN unit_failure f ON f.unit = u.id AND f.fp = ?1 WHERE u.sha = ?2)",
                params![question, unit.0, generation],
            )
        };
        let mut settled = true;
        for unit in &units {
            settled &= is_settled(unit)?;
        }
        if !settled && ledger::has_sound_body(db, id)? {
            db.execute("UPDATE response SET state = 0 WHERE id = ?1", [id])?;
            count += 1;
        }
    }
    Ok(count)
}
