//! Connections to SQLite: every statement of the store is prepared here and nowhere else.
//!
//! Errors of these functions name the database file; the functions of the store that call them say so no more.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, OpenFlags, Params, Row};
use rustix::fs::{Access, AtFlags, CWD};

use super::{StoreError, beneath, row_sums};

/// Statements that a connection keeps prepared: more than any connection has.
const PREPARED: usize = 96;

/// One connection. Statements stay prepared for its whole life.
pub(super) struct Database {
    connection: Connection,
    file: PathBuf,
}

impl Database {
    /// A connection to `file`; an empty path is a temporary database that goes away with it.
    pub(super) fn open(file: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        if !file.as_os_str().is_empty() {
            refuse_links(file)?;
        }
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let open = || {
            // SQLite could not make the files beside it with which it reads a database that changes; this one does not.
            let connection =
                if flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY) && may_not_write_beside(file) && was_closed(file) {
                    Connection::open_with_flags(immutable(file), flags | OpenFlags::SQLITE_OPEN_URI)?
                } else {
                    Connection::open_with_flags(file, flags)?
                };
            // A store may come from anywhere: what its schema calls has no effect beside the database
            // (https://www.sqlite.org/security.html, section 1.3).
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
            connection.busy_timeout(Duration::from_secs(10))?;
            // Without it SQLite compiles a statement anew whenever a parameter of a join or a LIMIT is bound again, because
            // another value might be served better by another plan: https://www.sqlite.org/c3ref/c_dbconfig_defensive.html.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.set_prepared_statement_cache_capacity(PREPARED);
            row_sums::teach(&connection)?;
            Ok(connection)
        };
        let connection = open().map_err(|e| StoreError::from_sqlite(file, e))?;
        Ok(Self { connection, file: file.to_path_buf() })
    }

    /// The database file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Runs statements that have no parameters and give no rows.
    pub(super) fn script(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|e| self.error(e))
    }

    /// Runs a statement that gives no rows; returns how many it changed.
    #[cfg_attr(test, track_caller)]
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.with(sql, |statement| statement.execute(params))
    }

    /// The first row of a query.
    #[cfg_attr(test, track_caller)]
    pub(super) fn row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        self.with(sql, |statement| statement.query(params)?.next()?.map(read).transpose())
    }

    /// The first column of the one row of a query that always gives one.
    #[cfg_attr(test, track_caller)]
    pub(super) fn value<T: FromSql>(&self, sql: &str, params: impl Params) -> Result<T, StoreError> {
        self.with(sql, |statement| statement.query_row(params, |r| r.get(0)))
    }

    /// As [`Database::value`], for what cannot be negative.
    #[cfg_attr(test, track_caller)]
    pub(super) fn count(&self, sql: &str, params: impl Params) -> Result<u64, StoreError> {
        self.with(sql, |statement| statement.query_row(params, |r| unsigned(r, 0)))
    }

    /// All rows of a query.
    #[cfg_attr(test, track_caller)]
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.with(sql, |statement| statement.query_map(params, read)?.collect())
    }

    /// All rows of a query, one at a time. While `each` runs the query is open: it must be short.
    #[cfg_attr(test, track_caller)]
    pub(super) fn each(
        &self,
        sql: &str,
        params: impl Params,
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        self.with(sql, |statement| {
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        })
    }

    /// The key of the row that was inserted last.
    pub(super) fn last_insert(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    /// Runs `work` in one transaction: all of it is durable when this returns `Ok`, and none of it otherwise.
    pub(super) fn transaction<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let transaction = self.connection.unchecked_transaction().map_err(|e| self.error(e))?;
        let value = work()?;
        transaction.commit().map_err(|e| self.error(e))?;
        Ok(value)
    }

    #[cfg_attr(test, track_caller)]
    fn with<T>(
        &self,
        sql: &str,
        run: impl FnOnce(&mut CachedStatement<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|e| self.error(e))?;
        let result = run(&mut statement);
        #[cfg(test)]
        compiled::note(&self.file, std::panic::Location::caller(), &statement);
        result.map_err(|e| self.error(e))
    }

    fn error(&self, source: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.file, source)
    }
}

/// Test whether this user may write no file beside a database.
pub(super) fn may_not_write_beside(file: &Path) -> bool {
    use rustix::io::Errno;
    let Some(folder) = file.parent() else { return false };
    let may_write = rustix::fs::accessat(CWD, folder, Access::WRITE_OK, AtFlags::EACCESS);
    matches!(may_write, Err(Errno::ROFS | Errno::ACCESS | Errno::PERM))
}

/// Test whether whoever wrote a database has closed it: its log is folded back.
pub(super) fn was_closed(file: &Path) -> bool {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    std::fs::symlink_metadata(PathBuf::from(log)).map_or(true, |log| log.len() == 0)
}

/// Name by which SQLite opens a database that does not change (<https://www.sqlite.org/uri.html>, `immutable`).
fn immutable(file: &Path) -> String {
    let bytes = file.as_os_str().as_encoded_bytes().iter();
    let escaped = bytes.map(|byte| match byte {
        b'/' | b'.' | b'-' | b'_' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    format!("file:{}?immutable=1", escaped.collect::<String>())
}

/// Refuses a database, or a file of SQLite beside it, that is a link: SQLite would say only that it cannot be opened.
fn refuse_links(file: &Path) -> Result<(), StoreError> {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut beside = file.as_os_str().to_owned();
        beside.push(ending);
        let beside = PathBuf::from(beside);
        match beneath::expect_file(&beside) {
            Err(e) if e.kind() == ErrorKind::PermissionDenied && e.raw_os_error().is_none() => {
                return Err(StoreError::from_io("open", &beside, e));
            }
            // What else is wrong, SQLite tells.
            _ => {}
        }
    }
    Ok(())
}

/// A column that cannot be negative.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// Calls that ran a statement, and the number of times that SQLite compiled one of them again: for the test that none is.
#[cfg(test)]
pub(super) mod compiled {
    use std::collections::BTreeMap;
    use std::panic::Location;
    use std::path::{Path, PathBuf};
    use std::sync::Mutex;

    use rusqlite::{Statement, StatementStatus};

    /// A file of the program and a line in it.
    pub(in crate::store) type Call = (String, u32);

    static CALLS: Mutex<BTreeMap<(PathBuf, Call), i32>> = Mutex::new(BTreeMap::new());

    pub(super) fn note(file: &Path, call: &Location<'_>, statement: &Statement<'_>) {
        let again = statement.get_status(StatementStatus::RePrepare);
        let key = (file.to_path_buf(), (call.file().to_owned(), call.line()));
        let mut calls = CALLS.lock().unwrap();
        let most = calls.entry(key).or_default();
        *most = again.max(*most);
    }

    /// The calls on a database file, each with how often its statement was compiled again.
    pub(in crate::store) fn calls_on(file: &Path) -> BTreeMap<Call, i32> {
        let calls = CALLS.lock().unwrap();
        calls.iter().filter(|((on, _), _)| on == file).map(|((_, call), again)| (call.clone(), *again)).collect()
    }
}
