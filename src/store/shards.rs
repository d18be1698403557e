//! Stores of shards: what they say of themselves, their seals, packs of them, and reading them.

use std::path::{Path, PathBuf};

use rusqlite::{OpenFlags, params};

use super::checksum::{Certified, is_sound};
use super::database::{Database, unsigned};
use super::files::FileState;
use super::results::artifact_id;
use super::{DocId, FpId, STORE_FOLDER, Store, StoreError, beneath, schema};
use crate::values::{Failure, FailureKind, Fingerprint, SourcePath, Stage};

/// Key in `meta` of what a shard's store says of itself.
const HEADER: &str = "shard";
/// Key in `meta` of how a shard's run ended; absent while it runs, and after a crash.
const SEAL: &str = "sealed";
/// Key in `meta` that a pack has.
const PACKED: &str = "packed";

/// Rows read at a time.
const PAGE: usize = 1024;

/// End of the run that made a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// All that can be done is done: the same command would do nothing more.
    Settled,
    /// It ended before that.
    Unsettled,
}

impl Seal {
    fn word(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Unsettled => "unsettled",
        }
    }
}

impl Store {
    /// Keeps what a shard's store says of itself, and takes its seal away, so that a copy of the database file alone tells that it is
    /// not whole.
    ///
    /// # Errors
    /// As every change of the store.
    pub fn begin_shard(&self, header: &str) -> Result<(), StoreError> {
        let db = self.write_connection()?;
        db.transaction(|| {
            db.execute("DELETE FROM meta WHERE key IN (?1, ?2)", [SEAL, PACKED])?;
            db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [HEADER, header]).map(drop)
        })?;
        db.script("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    /// Seals a shard's store: nothing of it stands in a write-ahead log when this returns, so its database file can be copied alone.
    /// The caller has closed its other connections.
    ///
    /// # Errors
    /// As every change of the store.
    pub fn seal(&self, seal: Seal) -> Result<(), StoreError> {
        let db = self.write_connection()?;
        db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [SEAL, seal.word()])?;
        // A log that is gone altogether can also be read where nothing can be written. Somebody who looks at the store now keeps it
        // there, emptied.
        db.script("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout=200;")?;
        let _ = db.script("PRAGMA journal_mode=DELETE");
        Ok(())
    }

    /// What this store says of itself, if it is a shard's.
    ///
    /// # Errors
    /// As every question.
    pub fn shard_header(&self) -> Result<Option<String>, StoreError> {
        self.reader()?.meta(HEADER)
    }

    /// Copies the whole store to `file` as it is at this moment; a run may be going on. The copy is complete when this returns, and not
    /// there at all if it fails.
    ///
    /// # Errors
    /// If `file` cannot be written.
    pub fn pack(&self, file: &Path) -> Result<(), StoreError> {
        let io = |action| move |e| StoreError::from_io(action, file, e);
        let mut name = file.as_os_str().to_owned();
        name.push(".new");
        let new = PathBuf::from(name);
        if new.exists() {
            std::fs::remove_file(&new).map_err(io("replace"))?;
        }
        let text = new.to_str().ok_or_else(|| {
            StoreError::from_io("write", file, std::io::Error::other("its name is not valid UTF-8; choose another"))
        })?;
        {
            let from = Database::open(&self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            from.execute("VACUUM INTO ?1", [text])?;
            let to = Database::open(&new, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            to.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, '1')", [PACKED])?;
            to.script("PRAGMA journal_mode=DELETE")?;
        }
        std::fs::File::open(&new).and_then(|f| f.sync_all()).map_err(io("write"))?;
        std::fs::rename(&new, file).map_err(io("write"))
    }
}

/// Puts a pack in the place of an output folder's store; false if there is a store, which is left as it is.
///
/// # Errors
/// If the pack is none, or the folder cannot be written.
pub fn take_up_pack(pack: &Path, output: &Path) -> Result<bool, StoreError> {
    let folder = output.join(STORE_FOLDER);
    let file = folder.join("store.sqlite");
    if file.exists() {
        return Ok(false);
    }
    // What is no pack is refused before it stands there.
    if ShardStore::open(pack)?.header()?.is_none() {
        return Err(StoreError::Foreign { file: pack.to_path_buf() });
    }
    let io = |e| StoreError::from_io("copy", pack, e);
    std::fs::create_dir_all(output).map_err(|e| StoreError::from_io("create", output, e))?;
    beneath::create_folder(&folder).map_err(|e| StoreError::from_io("create", &folder, e))?;
    let new = folder.join("store.new");
    std::fs::copy(pack, &new).map_err(io)?;
    std::fs::File::open(&new).and_then(|f| f.sync_all()).map_err(io)?;
    std::fs::rename(&new, &file).map_err(io)?;
    Ok(true)
}

/// The store of a shard, or a pack of one, for reading.
pub struct ShardStore {
    db: Database,
    place: PathBuf,
}

impl ShardStore {
    /// The shard in a folder or in a pack.
    ///
    /// # Errors
    /// If there is none, it is damaged or of another version, or its database was copied without its log.
    pub fn open(place: &Path) -> Result<Self, StoreError> {
        let file = match place.is_dir() {
            true => place.join(STORE_FOLDER).join("store.sqlite"),
            false => place.to_path_buf(),
        };
        if !file.exists() {
            return Err(StoreError::Missing { folder: place.to_path_buf() });
        }
        let opened = Database::open(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|db| {
            // It is read from one end to the other: as one transaction, and through the page cache, that takes a third of the calls.
            db.script("PRAGMA cache_size=-1024; PRAGMA temp_store=FILE; PRAGMA mmap_size=1073741824; BEGIN;")?;
            schema::expect_current(&db)?;
            Ok(db)
        });
        let db = opened.map_err(|error| match error {
            StoreError::Damaged { detail, .. } => StoreError::NoShard { place: place.to_path_buf(), detail },
            StoreError::Foreign { .. } => {
                let detail = "it is another kind of database".to_owned();
                StoreError::NoShard { place: place.to_path_buf(), detail }
            }
            other => other,
        })?;
        let told = db.count("PRAGMA page_count", [])? * db.count("PRAGMA page_size", [])?;
        let there = std::fs::metadata(&file).map_err(|e| StoreError::from_io("read", &file, e))?.len();
        // The log of a shard that was killed may still hold the end of its file.
        if there < told && !log_of(&file).exists() {
            let detail = format!("it has {there} bytes, and should have {told}");
            return Err(StoreError::NoShard { place: place.to_path_buf(), detail });
        }
        let shard = Self { db, place: place.to_path_buf() };
        let is_whole = shard.meta(SEAL)?.is_some() || shard.meta(PACKED)?.is_some() || log_of(&file).exists();
        if !is_whole && shard.header()?.is_some() {
            return Err(StoreError::Unsealed { place: shard.place });
        }
        Ok(shard)
    }

    /// Folder or pack.
    pub fn place(&self) -> &Path {
        &self.place
    }

    fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.db.row("SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1", [key], |r| r.get(0))
    }

    /// What it says of itself; none if it is no shard.
    ///
    /// # Errors
    /// As every question.
    pub fn header(&self) -> Result<Option<String>, StoreError> {
        self.meta(HEADER)
    }

    /// True if the run that made it had nothing left to do.
    ///
    /// # Errors
    /// As every question.
    pub fn is_settled(&self) -> Result<bool, StoreError> {
        Ok(self.meta(SEAL)?.is_some_and(|word| word == Seal::Settled.word()))
    }

    /// Test whether anything in it was asked of a provider.
    ///
    /// # Errors
    /// As every question.
    pub fn holds_answers(&self) -> Result<bool, StoreError> {
        self.db.value(
            "SELECT EXISTS (SELECT 1 FROM response) OR EXISTS (SELECT 1 FROM lost) OR EXISTS (SELECT 1 FROM batch)",
            [],
        )
    }

    /// The key of a stage in its last run, and its description.
    ///
    /// # Errors
    /// As every question.
    pub fn current(&self, stage: Stage) -> Result<Option<(Fingerprint, String)>, StoreError> {
        self.db.row(
            "SELECT p.sha, p.spec FROM meta m JOIN fp p ON p.id = m.value WHERE m.key = ?1",
            [format!("current:{}", stage.name())],
            |r| Ok((Fingerprint(r.get(0)?), r.get(1)?)),
        )
    }

    /// Files after `after` in path order, a page of them.
    pub(super) fn files(&self, after: &str) -> Result<Vec<ShardFile>, StoreError> {
        self.db.rows(
            "SELECT f.path, f.state, f.size, f.mtime_ns, f.fail_kind, f.fail_message, d.sha, d.bytes
             FROM file f LEFT JOIN doc d ON d.id = f.doc WHERE f.path > ?1 ORDER BY f.path LIMIT ?2",
            params![after, PAGE as i64],
            |r| {
                let state = FileState::from_number(r.get(1)?);
                let (kind, message): (Option<String>, Option<String>) = (r.get(4)?, r.get(5)?);
                let failure = kind.zip(message).filter(|_| state == FileState::Unreadable);
                let sha: Option<[u8; 32]> = r.get(6)?;
                let bytes: Option<i64> = r.get(7)?;
                Ok(ShardFile {
                    path: SourcePath::from_text(r.get::<_, String>(0)?),
                    state,
                    size: unsigned(r, 2)?,
                    mtime_ns: r.get(3)?,
                    failure: failure.map(|(kind, message)| Failure::new(FailureKind::of_name(&kind), message)),
                    content: sha.map(Fingerprint).zip(bytes.map(i64::cast_unsigned)),
                })
            },
        )
    }

    /// Fingerprints of stages of documents, each after those that it rests on.
    pub(super) fn fingerprints(&self) -> Result<Vec<ShardKey>, StoreError> {
        let mut keys = self.db.rows("SELECT id, stage, parent, sha, spec FROM fp ORDER BY id", [], |r| {
            let stage: String = r.get(1)?;
            let stage = Stage::of_documents().find(|one| one.name() == stage);
            Ok((stage, FpId(r.get(0)?), r.get::<_, Option<i64>>(2)?.map(FpId), r.get(3)?, r.get(4)?))
        })?;
        keys.retain(|(stage, ..)| stage.is_some());
        keys.sort_by_key(|(stage, id, ..)| (*stage, id.0));
        let key = |(stage, id, parent, sha, spec): (Option<Stage>, _, _, _, _)| {
            stage.map(|stage| ShardKey { stage, id, parent, sha: Fingerprint(sha), spec })
        };
        Ok(keys.into_iter().filter_map(key).collect())
    }

    /// Results under a key of documents after `after`, a page of them.
    pub(super) fn results(&self, fp: FpId, after: DocId) -> Result<Vec<ShardResult>, StoreError> {
        self.db.rows(
            "SELECT n.doc, d.sha, n.state, n.kind, n.message, n.attempts, n.terms, n.at_ms
             FROM done n JOIN doc d ON d.id = n.doc WHERE n.fp = ?1 AND n.doc > ?2 ORDER BY n.doc LIMIT ?3",
            params![fp, after, PAGE as i64],
            |r| {
                Ok(ShardResult {
                    doc: r.get(0)?,
                    sha: Fingerprint(r.get(1)?),
                    state: r.get(2)?,
                    kind: r.get(3)?,
                    message: r.get(4)?,
                    attempts: r.get(5)?,
                    terms: r.get(6)?,
                    at_ms: r.get(7)?,
                })
            },
        )
    }

    /// The bytes of a result, if they are as they were stored.
    pub(super) fn artifact(&self, fp: FpId, doc: DocId, sha: &Fingerprint) -> Result<Option<Vec<u8>>, StoreError> {
        let row: Option<(Vec<u8>, Option<i64>)> =
            self.db
                .row("SELECT z, sum FROM art WHERE id = ?1", [artifact_id(fp, doc)], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(row.filter(|(bytes, sum)| is_sound(Certified::Artifact(fp, doc, sha), bytes, *sum)).map(|(bytes, _)| bytes))
    }
}

/// The write-ahead log beside a database file.
fn log_of(file: &Path) -> PathBuf {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// A file that a shard knows.
pub(super) struct ShardFile {
    pub(super) path: SourcePath,
    pub(super) state: FileState,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    pub(super) failure: Option<Failure>,
    pub(super) content: Option<(Fingerprint, u64)>,
}

/// The key of a stage in a shard.
pub(super) struct ShardKey {
    pub(super) stage: Stage,
    pub(super) id: FpId,
    pub(super) parent: Option<FpId>,
    pub(super) sha: Fingerprint,
    pub(super) spec: String,
}

/// What a shard has of a stage of a document, without the result itself.
pub(super) struct ShardResult {
    pub(super) doc: DocId,
    pub(super) sha: Fingerprint,
    pub(super) state: i64,
    pub(super) kind: Option<String>,
    pub(super) message: Option<String>,
    pub(super) attempts: i64,
    pub(super) terms: i64,
    pub(super) at_ms: i64,
}
