//! Copying a table of a broken store, row by row.
//!
//! SQLite stops a query at a damaged page. So a table is read as it lies on the disk; where that breaks off, from its beginning until it
//! happens, then from its end, and what lies between is halved until the damaged rows are left. Rows that are not as they were written
//! (`row_sums`) are left behind. Where a table itself cannot be read, the index over its hashes gives back which number stood for which
//! of them.

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Row, params, params_from_iter};

use super::database::Database;
use super::{StoreError, row_sums};

/// A table of a rescued store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RescuedTable {
    /// Its name.
    pub table: &'static str,
    /// Rows that could be read.
    pub rows: u64,
    /// True if it could be read to its end; else an unknown number of rows is missing.
    pub whole: bool,
    /// Rows of which number and hash came back out of the index.
    pub restored: u64,
}

/// Rows read at a time.
const PAGE: usize = 64;

/// Most reads of a table that may break off: a page that leads to many others can be broken.
const MOST_BREAKS: u64 = 20_000;

/// Tables whose index over `sha` leads back to their numbers, with what stands for the columns that it does not hold.
const BY_HASH: [(&str, &str); 3] = [
    ("fp", "INSERT OR IGNORE INTO fp (id, sha, stage, spec) VALUES (?1, ?2, '', '{}')"),
    ("unit", "INSERT OR IGNORE INTO unit (id, sha) VALUES (?1, ?2)"),
    ("doc", "INSERT OR IGNORE INTO doc (id, sha, bytes) VALUES (?1, ?2, 0)"),
];

/// Copies what can be read of a table, given by its name and its key; none where an older program knew no such table.
pub(super) fn copy_table(
    from: &Database,
    to: &Database,
    (table, key): (&'static str, &'static str),
    is_older: bool,
) -> Result<Option<RescuedTable>, StoreError> {
    let (columns, all) = columns(from, to, table)?;
    let result = RescuedTable { table, rows: 0, whole: is_older || columns.len() == all, restored: 0 };
    if columns.is_empty() {
        return Ok((!is_older).then_some(result));
    }
    let sound = row_sums::soundness(from, table)?.unwrap_or_else(|| "1".into());
    let mut copier = Copier { from, to, table, key, columns, sound, result, breaks: 0 };
    to.transaction(|| {
        copier.copy()?;
        match BY_HASH.iter().find(|(by_hash, _)| *by_hash == table && !copier.result.whole) {
            Some((_, insert)) => copier.numbers_of_hashes(insert),
            None => Ok(()),
        }
    })?;
    Ok(Some(copier.result))
}

/// Columns that a table has in both stores, none where an older program knew no such table; and how many it should have.
fn columns(from: &Database, to: &Database, table: &str) -> Result<(Vec<String>, usize), StoreError> {
    let of = |db: &Database| db.rows("SELECT name FROM pragma_table_info(?1)", [table], |r| r.get::<_, String>(0));
    let (there, mut columns) = (of(from)?, of(to)?);
    let all = columns.len();
    columns.retain(|column| there.contains(column));
    Ok((columns, all))
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
    /// Condition that holds for rows that are as they were written.
    sound: String,
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
        if self.read_as_it_lies()? {
            return Ok(());
        }
        self.result.whole = false;
        let (last, whole) = self.read(Reading::Forward, None, None)?;
        if whole {
            return Ok(());
        }
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

    /// Copies all rows in the order in which they lie on the disk, which no damaged key can lead astray. Returns whether it came to the end.
    fn read_as_it_lies(&mut self) -> Result<bool, StoreError> {
        let sql = format!("SELECT {}, {} FROM {}", self.columns.join(", "), self.sound, self.table);
        let (from, count) = (self.from, self.columns.len());
        let mut put = Ok(());
        let outcome = from.each(&sql, [], |r| {
            if put.is_err() {
                return Ok(());
            }
            let row = (0..count).map(|column| value(r, column)).collect::<rusqlite::Result<Vec<_>>>()?;
            let before = self.result.rows;
            put = if r.get::<_, bool>(count)? { self.put(&row) } else { Ok(()) };
            // Left behind, or there already under its damaged key.
            self.result.whole &= self.result.rows > before;
            Ok(())
        });
        put?;
        match outcome {
            Ok(()) => Ok(true),
            Err(error) if is_hole(&error) => {
                self.breaks += 1;
                Ok(false)
            }
            Err(error) => Err(error),
        }
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
        conditions.push(self.sound.clone());
        let sql = format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {PAGE}",
            self.columns.join(", "),
            self.table,
            conditions.join(" AND "),
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

    /// Numbers whose rows are lost, with their hashes, out of the index. What else such a row says is for people; so the table is whole if as
    /// many rows are there as the index has.
    fn numbers_of_hashes(&mut self, insert: &str) -> Result<(), StoreError> {
        let index = format!("sqlite_autoindex_{}_1", self.table);
        for direction in ["ASC", "DESC"] {
            let mut found: Vec<(i64, Vec<u8>)> = Vec::new();
            let sql = format!("SELECT id, sha FROM {} INDEXED BY {index} ORDER BY sha {direction}", self.table);
            let outcome = self.from.each(&sql, [], |r| {
                found.push((r.get(0)?, r.get(1)?));
                Ok(())
            });
            let all = found.len() as u64;
            for (id, sha) in found {
                self.result.restored += self.to.execute(insert, params![id, sha])? as u64;
            }
            match outcome {
                Err(error) if is_hole(&error) => {}
                outcome => {
                    self.result.whole = outcome.is_ok() && self.result.rows + self.result.restored == all;
                    return outcome;
                }
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
