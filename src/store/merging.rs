//! Union of shards with a main store.
//!
//! A shard's results go into the main store by content and fingerprint. Where two stores have different results under one key (one
//! machine had a recogniser and the other not, one ran out of memory), the better counts, and of two that are as good the one with
//! the smaller checksum: the outcome does not depend on the order in which shards are given, nor on how often.

use std::collections::{HashMap, HashSet};

use rusqlite::params;
use serde::Serialize;

use super::change::FileChange;
use super::checksum::{Certified, checksum};
use super::database::Database;
use super::files::{self, FileState};
use super::results::artifact_id;
use super::shards::{ShardFile, ShardKey, ShardResult, ShardStore};
use super::{DocId, FpId, Scope, Store, StoreError};
use crate::values::{Failure, FailureKind, SourcePath};

/// Worth of what a store has of a stage of a document: of two, the greater counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// Nothing, or it waits to be done again.
    Waiting,
    /// It failed for want of time, memory or a disk: another machine may do better.
    FailedHere,
    /// It failed, and will everywhere.
    Failed,
    /// It is done without the text of some sections.
    Partial,
    /// It is done.
    Whole,
}

impl Worth {
    fn of(state: i64, kind: Option<&str>) -> Self {
        match (state, kind) {
            (1, None) => Self::Whole,
            (1, Some(_)) => Self::Partial,
            (2, Some(kind)) if FailureKind::of_name(kind).is_for_good() => Self::Failed,
            (2, _) => Self::FailedHere,
            _ => Self::Waiting,
        }
    }

    fn is_done(self) -> bool {
        self >= Self::Partial
    }
}

/// State, kind and words of a result in the main store, and the checksum of what is stored.
type Here = (i64, Option<String>, Option<String>, Option<i64>);

/// Counts of what a merge did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MergeCounts {
    /// Files of which the main store knew nothing, or something else.
    pub files: u64,
    /// Results that were copied.
    pub results: u64,
    /// Results that both have, byte for byte.
    pub equal: u64,
    /// Stages of documents of which the stores have different results under one key; the better one counts.
    pub conflicts: u64,
    /// Results of shards that are not as they were stored; they are made again.
    pub spoilt: u64,
}

impl std::ops::AddAssign for MergeCounts {
    fn add_assign(&mut self, more: Self) {
        let Self { files, results, equal, conflicts, spoilt } = more;
        self.files += files;
        self.results += results;
        self.equal += equal;
        self.conflicts += conflicts;
        self.spoilt += spoilt;
    }
}

/// Union of shards with the main store. The caller holds the lock of its folder.
pub struct Merge {
    db: Database,
}

impl Merge {
    /// Begins to edit a main store.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn begin(store: &Store) -> Result<Self, StoreError> {
        let db = store.write_connection()?;
        // Copied in bulk, nearly all pages are new: with a rollback journal they are written once, with a write-ahead log twice (measured: twice the
        // processor time). Nobody else writes; somebody who looks at the store now keeps the log.
        let _ = db.script("PRAGMA journal_mode=TRUNCATE; PRAGMA cache_size=-32768;");
        db.script("CREATE TEMP TABLE found (path TEXT NOT NULL, sha BLOB NOT NULL, bytes INTEGER NOT NULL)")?;
        Ok(Self { db })
    }

    /// Takes note of the documents of a shard, for [`Merge::number_documents`].
    ///
    /// # Errors
    /// If either store fails.
    pub fn find_documents(&self, shard: &ShardStore) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let page = shard.files(&after)?;
            let Some(last) = page.last() else { return Ok(()) };
            last.path.as_str().clone_into(&mut after);
            self.db.transaction(|| {
                for file in page.iter().filter(|file| file.state == FileState::Present) {
                    let Some((sha, bytes)) = file.content else { continue };
                    self.db.execute(
                        "INSERT INTO found (path, sha, bytes) VALUES (?1, ?2, ?3)",
                        params![file.path.as_str(), sha.0, bytes.cast_signed()],
                    )?;
                }
                Ok(())
            })?;
        }
    }

    /// Numbers the documents that were found and are new, in the order of their paths over all shards: numbers decide the order of
    /// requests, which must be that of a single run. One transaction.
    ///
    /// # Errors
    /// If the store fails.
    pub fn number_documents(&self) -> Result<u64, StoreError> {
        let db = &self.db;
        db.transaction(|| {
            let new = db.execute(
                "INSERT OR IGNORE INTO doc (sha, bytes) SELECT sha, bytes FROM found ORDER BY path, sha",
                [],
            )?;
            db.execute("DELETE FROM found", [])?;
            Ok(new as u64)
        })
    }

    /// Takes over what a shard has: files, results and failures, in one transaction. `failed` is told of each failure that is new here.
    ///
    /// # Errors
    /// If either store fails; nothing of this shard is taken then.
    pub fn take(
        &self,
        shard: &ShardStore,
        failed: &mut dyn FnMut(SourcePath, Failure),
    ) -> Result<MergeCounts, StoreError> {
        let mut counts = MergeCounts::default();
        self.db.transaction(|| {
            self.take_files(shard, &mut counts, failed)?;
            self.take_results(shard, &mut counts, failed)
        })?;
        Ok(counts)
    }

    /// Gives every file a name for its vocabulary file, and keeps words about this merge in `meta`. One transaction; after it the store is
    /// as runs need it.
    ///
    /// # Errors
    /// If the store fails.
    pub fn finish(self, names: fn(&SourcePath) -> Vec<String>, key: &str, value: &str) -> Result<(), StoreError> {
        let db = &self.db;
        db.transaction(|| {
            files::name_outputs(db, names)?;
            db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, value]).map(drop)
        })?;
        db.script("PRAGMA journal_mode=WAL")
    }

    fn take_files(
        &self,
        shard: &ShardStore,
        counts: &mut MergeCounts,
        failed: &mut dyn FnMut(SourcePath, Failure),
    ) -> Result<(), StoreError> {
        let mut after = String::new();
        loop {
            let page = shard.files(&after)?;
            let Some(last) = page.last() else { return Ok(()) };
            last.path.as_str().clone_into(&mut after);
            for file in page.into_iter().filter(|file| file.state != FileState::Gone) {
                if !self.is_news(&file)? {
                    continue;
                }
                counts.files += 1;
                if let Some(failure) = &file.failure {
                    failed(file.path.clone(), failure.clone());
                }
                let ShardFile { path, state, size, mtime_ns, failure, content } = file;
                // Inode and time of change are those of another machine's disk.
                let (identity, scope) = (None, Scope::Whole);
                files::record(
                    &self.db,
                    &FileChange { path, state, content, size, mtime_ns, identity, failure, scope },
                )?;
            }
        }
    }

    /// True if a file is to be as the shard has it: it is not known, or what is known counts less. Of two different contents at one
    /// place the later one counts; the next run looks at the file itself.
    fn is_news(&self, file: &ShardFile) -> Result<bool, StoreError> {
        let known = self.db.row(
            "SELECT f.state, f.mtime_ns, d.sha FROM file f LEFT JOIN doc d ON d.id = f.doc WHERE f.path = ?1",
            [file.path.as_str()],
            |r| Ok((FileState::from_number(r.get(0)?), r.get::<_, i64>(1)?, r.get::<_, Option<[u8; 32]>>(2)?)),
        )?;
        let Some((state, mtime_ns, sha)) = known else { return Ok(true) };
        let worth = |state| match state {
            FileState::Present => 3,
            FileState::NotADocument => 2,
            FileState::Unreadable => 1,
            FileState::Gone => 0,
        };
        let theirs = file.content.map(|(sha, _)| sha.0);
        if state == file.state && sha == theirs {
            return Ok(false);
        }
        Ok((worth(file.state), file.mtime_ns, theirs) > (worth(state), mtime_ns, sha))
    }

    fn take_results(
        &self,
        shard: &ShardStore,
        counts: &mut MergeCounts,
        failed: &mut dyn FnMut(SourcePath, Failure),
    ) -> Result<(), StoreError> {
        let mut ours: HashMap<i64, FpId> = HashMap::new();
        // Documents of which another result counts, by the shard's key: what follows from the shard's own does not follow from that.
        let mut left: HashMap<i64, HashSet<i64>> = HashMap::new();
        for key in shard.fingerprints()? {
            let parent = key.parent.and_then(|parent| ours.get(&parent.0)).copied();
            let fp = self.intern(&key, parent)?;
            ours.insert(key.id.0, fp);
            let mut aside = HashSet::new();
            let mut after = DocId(0);
            loop {
                let page = shard.results(key.id, after)?;
                let Some(last) = page.last() else { break };
                after = last.doc;
                for theirs in &page {
                    let is_aside =
                        key.parent.and_then(|parent| left.get(&parent.0)).is_some_and(|l| l.contains(&theirs.doc.0));
                    if is_aside || !self.take_result(shard, key.id, fp, theirs, counts, failed)? {
                        aside.insert(theirs.doc.0);
                    }
                }
            }
            left.insert(key.id.0, aside);
        }
        Ok(())
    }

    fn intern(&self, key: &ShardKey, parent: Option<FpId>) -> Result<FpId, StoreError> {
        let known = self.db.row("SELECT id FROM fp WHERE sha = ?1", [&key.sha.0], |r| r.get(0))?;
        if let Some(known) = known {
            return Ok(FpId(known));
        }
        self.db.execute(
            "INSERT INTO fp (stage, parent, sha, spec) VALUES (?1, ?2, ?3, ?4)",
            params![key.stage.name(), parent, key.sha.0, key.spec],
        )?;
        Ok(FpId(self.db.last_insert()))
    }

    /// Takes over one result, if it counts more than what stands here. False if another one counts.
    fn take_result(
        &self,
        shard: &ShardStore,
        their_fp: FpId,
        fp: FpId,
        theirs: &ShardResult,
        counts: &mut MergeCounts,
        failed: &mut dyn FnMut(SourcePath, Failure),
    ) -> Result<bool, StoreError> {
        let db = &self.db;
        // A document of which no file is there any more has no number here.
        let Some(doc) = db.row("SELECT id FROM doc WHERE sha = ?1", [&theirs.sha.0], |r| r.get::<_, DocId>(0))? else {
            return Ok(false);
        };
        let here: Option<Here> = db.row(
            "SELECT n.state, n.kind, n.message, a.sum FROM done n LEFT JOIN art a ON a.id = ?3 WHERE n.fp = ?1 AND n.doc = ?2",
            params![fp, doc, artifact_id(fp, doc)],
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)),
        )?;
        let ours = here.as_ref().map_or(Worth::Waiting, |(state, kind, ..)| Worth::of(*state, kind.as_deref()));
        let worth = Worth::of(theirs.state, theirs.kind.as_deref());
        if worth == Worth::Waiting || worth < ours {
            counts.conflicts += u64::from(worth != Worth::Waiting);
            return Ok(false);
        }
        let mut result = None;
        if worth.is_done() {
            let Some(bytes) = shard.artifact(their_fp, theirs.doc, &theirs.sha)? else {
                counts.spoilt += 1;
                return Ok(false);
            };
            let sum = checksum(Certified::Artifact(fp, doc, &theirs.sha), &bytes);
            if worth == ours {
                let known = here.as_ref().and_then(|(.., sum)| *sum);
                counts.equal += u64::from(known == Some(sum));
                counts.conflicts += u64::from(known != Some(sum));
                if known.is_some_and(|known| known <= sum) {
                    return Ok(known == Some(sum));
                }
            }
            result = Some((bytes, sum));
        } else if let Some((_, kind, message, _)) = here.as_ref().filter(|_| worth == ours)
            && (kind, message) <= (&theirs.kind, &theirs.message)
        {
            return Ok(true);
        }
        if ours != Worth::Waiting {
            counts.conflicts += u64::from(worth != ours);
            self.forget_what_follows(fp, doc)?;
        }
        if let Some((bytes, sum)) = &result {
            db.execute(
                "INSERT OR REPLACE INTO art (id, z, sum) VALUES (?1, ?2, ?3)",
                params![artifact_id(fp, doc), bytes, sum],
            )?;
            counts.results += 1;
        }
        db.execute(
            "INSERT INTO done (fp, doc, state, attempts, terms, kind, message, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (fp, doc) DO UPDATE SET state=?3, attempts=?4, terms=?5, kind=?6, message=?7, at_ms=?8",
            params![fp, doc, theirs.state, theirs.attempts, theirs.terms, theirs.kind, theirs.message, theirs.at_ms],
        )?;
        if let (false, Some(kind)) = (worth.is_done(), &theirs.kind) {
            let path = db.row(
                "SELECT path FROM file WHERE doc = ?1 AND doc IS NOT NULL AND state = 0 ORDER BY path LIMIT 1",
                [doc],
                |r| r.get(0),
            )?;
            let failure = Failure::new(FailureKind::of_name(kind), theirs.message.clone().unwrap_or_default());
            if let Some(path) = path.map(|path: String| SourcePath::from_text(path)) {
                failed(path, failure);
            }
        }
        Ok(true)
    }

    /// Lets what was made of a result that is replaced be made again.
    fn forget_what_follows(&self, fp: FpId, doc: DocId) -> Result<(), StoreError> {
        let db = &self.db;
        let below = db.rows(
            "WITH RECURSIVE below (id) AS (SELECT id FROM fp WHERE parent = ?1 UNION SELECT f.id FROM fp f JOIN below b ON f.parent = b.id)
             SELECT id FROM below",
            [fp],
            |r| r.get::<_, FpId>(0),
        )?;
        for fp in below {
            db.execute("DELETE FROM done WHERE fp = ?1 AND doc = ?2", params![fp, doc])?;
            db.execute("DELETE FROM art WHERE id = ?1", [artifact_id(fp, doc)])?;
        }
        db.execute("UPDATE file SET written_fp = NULL, written_doc = NULL WHERE doc = ?1 AND doc IS NOT NULL", [doc])
            .map(drop)
    }
}
