//! Memory of `consolidate` between its runs: the vocabulary files that it has read, and their terms in sorted runs.
//!
//! All of it can be made again from the vocabulary files, so it stands beside the store and not in it: the store would grow by
//! as much as all files together, and a run would wait while they are merged.

use std::path::{Path, PathBuf};

use rusqlite::{OpenFlags, params};

use super::database::{Database, unsigned};
use super::{STORE_FOLDER, StoreError, beneath};
use crate::values::{Fingerprint, MadeBy};

/// Version of the tables and of what the runs hold. State of another version is thrown away and made again.
const VERSION: i64 = 2;

/// The database.
const STATE: &str = "state.sqlite";

/// First parts of the names of runs; a number follows.
const OWN_PREFIXES: [&str; 5] = ["terms", "digests", "ranked", "renamed", "variants"];

/// A master that is not finished.
const NEW_MASTER: &str = "master.new";

const TABLES: &str = "
CREATE TABLE file (
    path     TEXT PRIMARY KEY,     -- of the vocabulary file, relative to the output folder
    size     INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha      BLOB NOT NULL,        -- SHA-256 of its bytes
    seen     INTEGER NOT NULL,     -- number of the last look at the folder that found it
    number   INTEGER UNIQUE,       -- by which the runs know it; null if it cannot be used
    document BLOB,                 -- SHA-256 of the source
    pipeline TEXT, provider TEXT, model TEXT,
    problem  TEXT                  -- why it cannot be used
) WITHOUT ROWID;
CREATE INDEX file_document ON file (document, path) WHERE number IS NOT NULL;
CREATE TABLE run (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
";

/// A vocabulary file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadFile {
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// SHA-256 of its bytes.
    pub sha: Fingerprint,
    /// Content, or the reason for which it cannot be used.
    pub content: Result<ReadContent, String>,
}

/// Facts known of a file that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadContent {
    /// By which the runs know it; never used again for another file or another content.
    pub number: u32,
    /// SHA-256 of the source.
    pub document: Fingerprint,
    /// Pipeline, provider and model.
    pub made_by: (String, String, Option<String>),
}

/// The state, in one transaction from [`ConsolidationState::open`] to [`ConsolidationState::commit`].
pub struct ConsolidationState {
    db: Database,
    folder: PathBuf,
    look: i64,
}

impl ConsolidationState {
    /// Opens or makes the state of an output folder; the caller holds the folder's lock. State that is damaged or of another
    /// version is begun anew. `anew` forgets what is there.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn open(output: &Path, anew: bool) -> Result<Self, StoreError> {
        let output = output.canonicalize().map_err(|e| StoreError::from_io("find", output, e))?;
        let folder = output.join(STORE_FOLDER).join("master");
        beneath::create_folder(&folder).map_err(|e| StoreError::from_io("create", &folder, e))?;
        if anew {
            remove_own(&folder, |_| true)?;
        }
        let file = folder.join(STATE);
        match Self::begin(&file, &folder) {
            Ok(state) => Ok(state),
            Err(StoreError::Damaged { .. }) if !anew => Self::open(&output, true),
            Err(error) => Err(error),
        }
    }

    fn begin(file: &Path, folder: &Path) -> Result<Self, StoreError> {
        let db = Database::open(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        db.script("PRAGMA synchronous=FULL; PRAGMA cache_size=-16384; PRAGMA temp_store=FILE; BEGIN IMMEDIATE;")?;
        let version: i64 = db.value("PRAGMA user_version", [])?;
        let tables: i64 = db.value("SELECT count(*) FROM sqlite_schema", [])?;
        if tables > 0 && version != VERSION {
            return Err(StoreError::Damaged { file: file.to_path_buf(), detail: format!("version {version}") });
        }
        if tables == 0 {
            db.script(&format!("{TABLES} PRAGMA user_version={VERSION};"))?;
        }
        let mut state = Self { db, folder: folder.to_path_buf(), look: 0 };
        state.look = state.number("look")? + 1;
        state.set_number("look", state.look)?;
        state.remove_strays()?;
        Ok(state)
    }

    /// Files that a run which broke off has left.
    fn remove_strays(&self) -> Result<(), StoreError> {
        let known = self.runs()?;
        let digests = self.digests()?;
        remove_own(&self.folder, |path| {
            let is_state = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(STATE));
            !is_state && !known.contains(path) && digests.as_ref() != Some(path)
        })?;
        if known.iter().chain(&digests).any(|path| path.parent() != Some(&self.folder) || !path.is_file()) {
            let file = self.db.file().to_path_buf();
            return Err(StoreError::Damaged { file, detail: "a run is missing".into() });
        }
        Ok(())
    }

    /// Place of a master that is being written.
    pub fn new_master(&self) -> PathBuf {
        self.folder.join(NEW_MASTER)
    }

    /// The folder of the runs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A number that is kept, 0 at first.
    pub fn number(&self, key: &str) -> Result<i64, StoreError> {
        let value = self.text(key)?;
        Ok(value.and_then(|v| v.parse().ok()).unwrap_or(0))
    }

    /// Keeps a number.
    pub fn set_number(&self, key: &str, value: i64) -> Result<(), StoreError> {
        self.set_text(key, &value.to_string())
    }

    /// A text that is kept.
    pub fn text(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.db.row("SELECT value FROM meta WHERE key = ?1", [key], |r| r.get(0))
    }

    /// Keeps a text.
    pub fn set_text(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, value]).map(drop)
    }

    /// The file at `path` as it was when it was read last. It counts as seen.
    pub fn seen(&self, path: &str) -> Result<Option<ReadFile>, StoreError> {
        self.db.row(
            "UPDATE file SET seen = ?2 WHERE path = ?1
             RETURNING size, mtime_ns, sha, number, document, pipeline, provider, model, problem",
            params![path, self.look],
            |r| {
                let content = match r.get::<_, Option<u32>>(3)? {
                    Some(number) => Ok(ReadContent {
                        number,
                        document: Fingerprint(r.get(4)?),
                        made_by: (r.get(5)?, r.get(6)?, r.get(7)?),
                    }),
                    None => Err(r.get::<_, Option<String>>(8)?.unwrap_or_default()),
                };
                Ok(ReadFile { size: unsigned(r, 0)?, mtime_ns: r.get(1)?, sha: Fingerprint(r.get(2)?), content })
            },
        )
    }

    /// Keeps what was read.
    pub fn keep(&self, path: &str, read: &ReadFile) -> Result<(), StoreError> {
        let content = read.content.as_ref().ok();
        let made = content.map(|c| &c.made_by);
        self.db
            .execute(
                "INSERT OR REPLACE INTO file (path, size, mtime_ns, sha, seen, number, document, pipeline, provider, model, problem)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    path,
                    read.size.cast_signed(),
                    read.mtime_ns,
                    read.sha.0,
                    self.look,
                    content.map(|c| c.number),
                    content.map(|c| c.document.0),
                    made.map(|m| &m.0),
                    made.map(|m| &m.1),
                    made.and_then(|m| m.2.as_ref()),
                    read.content.as_ref().err(),
                ],
            )
            .map(drop)
    }

    /// Forgets files that this look at the folder did not find; returns how many.
    pub fn forget_unseen(&self) -> Result<u64, StoreError> {
        self.db.execute("DELETE FROM file WHERE seen <> ?1", [self.look]).map(|n| n as u64)
    }

    /// Hands every file that can be used to `each`: its number, path, content hash, and whether it counts. Of several files
    /// about equal sources the first in path order counts. The order does not depend on the order of reading.
    pub fn files(&self, mut each: impl FnMut(u32, &str, &Fingerprint, bool)) -> Result<(), StoreError> {
        let mut last: Option<[u8; 32]> = None;
        self.db.each(
            "SELECT document, number, path, sha FROM file WHERE number IS NOT NULL ORDER BY document, path",
            [],
            |r| {
                let document: [u8; 32] = r.get(0)?;
                let counts = last.replace(document) != Some(document);
                each(r.get(1)?, r.get_ref(2)?.as_str()?, &Fingerprint(r.get(3)?), counts);
                Ok(())
            },
        )
    }

    /// Documents by pipeline, provider and model that made them.
    pub fn made_by(&self) -> Result<Vec<MadeBy>, StoreError> {
        self.db.rows(
            "SELECT pipeline, provider, model, count(*) FROM file f WHERE number IS NOT NULL AND NOT EXISTS
               (SELECT 1 FROM file o WHERE o.document = f.document AND o.number IS NOT NULL AND o.path < f.path)
             GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            [],
            |r| Ok(MadeBy { pipeline: r.get(0)?, provider: r.get(1)?, model: r.get(2)?, documents: unsigned(r, 3)? }),
        )
    }

    /// Files that cannot be used, and why, in path order.
    pub fn problems(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.db.rows("SELECT path, problem FROM file WHERE number IS NULL ORDER BY path", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
    }

    /// The runs that hold the terms.
    pub fn runs(&self) -> Result<Vec<PathBuf>, StoreError> {
        self.db.rows("SELECT name FROM run ORDER BY name", [], |r| Ok(self.folder.join(r.get::<_, String>(0)?)))
    }

    /// Says which runs hold the terms from now on.
    pub fn set_runs(&self, runs: &[PathBuf]) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM run", [])?;
        for name in runs.iter().filter_map(|path| path.file_name()) {
            self.db.execute("INSERT INTO run (name) VALUES (?1)", [name.to_string_lossy()])?;
        }
        Ok(())
    }

    /// The run that holds a digest of each entry of the last master.
    pub fn digests(&self) -> Result<Option<PathBuf>, StoreError> {
        Ok(self.text("digests")?.map(|name| self.folder.join(name)))
    }

    /// Makes what was told so far durable, and begins the next transaction.
    pub fn commit(&self) -> Result<(), StoreError> {
        self.db.script("COMMIT; BEGIN IMMEDIATE")
    }
}

/// Removes files of the folder that bear a name of ours, if `chosen` says so.
fn remove_own(folder: &Path, chosen: impl Fn(&PathBuf) -> bool) -> Result<(), StoreError> {
    for name in beneath::names(folder).map_err(|e| StoreError::from_io("read", folder, e))? {
        let path = folder.join(&name);
        if is_own(&name.to_string_lossy()) && !path.is_dir() && chosen(&path) {
            beneath::remove(&path).map_err(|e| StoreError::from_io("remove", &path, e))?;
        }
    }
    Ok(())
}

/// True for the database with what SQLite puts beside it, for runs, and for a master that is not finished.
fn is_own(name: &str) -> bool {
    let is_run = |(prefix, number): (&str, &str)| {
        OWN_PREFIXES.contains(&prefix) && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    name.strip_prefix(STATE).is_some_and(|rest| ["", "-wal", "-shm", "-journal"].contains(&rest))
        || name.split_once('-').is_some_and(is_run)
        || name == NEW_MASTER
}

impl Drop for ConsolidationState {
    fn drop(&mut self) {
        // What was not committed is forgotten by closing; an error here would only say that there was nothing.
        let _ = self.db.script("ROLLBACK");
    }
}
