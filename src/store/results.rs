//! Results of stages: the tables `done`, a narrow row for each stage of each document, and `art`, the results themselves.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Row, ToSql, params};

use super::checksum::{Certified, checksum, is_sound};
use super::database::{Database, unsigned};
use super::{DocId, FpId, Generation, Reader, Scope, StageFps, StoreError, answers, artifact};
use crate::values::{Artifact, Failure, Fingerprint, Gap, Stage, Subject};

/// Documents (for `write`, files) of one stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Ready for this stage and not done.
    pub todo: u64,
    /// Done.
    pub done: u64,
    /// Failed in this stage.
    pub failed: u64,
}

/// A document that a stage has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDocument {
    /// The document.
    pub doc: DocId,
    /// Content hash.
    pub sha: Fingerprint,
    /// Answers of an older generation are not accepted.
    pub generation: Generation,
    /// Runs that aborted while they worked on it.
    pub aborts: u32,
}

/// State of a stage of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageState {
    /// It has to be done again.
    Waiting,
    /// It is done, and its result stored.
    Done,
    /// It failed, with a reason.
    Failed,
}

impl ToSql for StageState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = match self {
            Self::Waiting => 0,
            Self::Done => 1,
            Self::Failed => 2,
        };
        Ok(number.into())
    }
}

impl FromSql for StageState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match i64::column_result(value)? {
            0 => Ok(Self::Waiting),
            1 => Ok(Self::Done),
            2 => Ok(Self::Failed),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// One stage of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRow {
    /// State, after the last attempt.
    pub state: StageState,
    /// Attempts made.
    pub attempts: u32,
    /// Terms found.
    pub terms: u64,
    /// Class of the failure.
    pub kind: Option<String>,
    /// Reason of the failure, or notes.
    pub message: Option<String>,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Bytes of the result as stored.
    pub stored_bytes: Option<u64>,
}

/// A result of a stage, to be stored.
pub(super) struct Done<'a> {
    pub(super) fp: FpId,
    pub(super) doc: DocId,
    pub(super) attempts: u32,
    pub(super) terms: u64,
    pub(super) notes: &'a str,
    pub(super) gap: Option<Gap>,
    pub(super) artifact: &'a [u8],
}

/// `id = fp << 48 | doc << 16 | part`: a stage appends in order, and one document's parts stand together.
pub(super) fn artifact_id(fp: FpId, doc: DocId) -> i64 {
    fp.0 << 48 | doc.0 << 16
}

pub(super) fn done(db: &Database, done: &Done<'_>, now: i64) -> Result<(), StoreError> {
    let id = artifact_id(done.fp, done.doc);
    let sha: Option<[u8; 32]> = db.row("SELECT sha FROM doc WHERE id = ?1", [done.doc], |r| r.get(0))?;
    let sum = sha.map(|sha| checksum(Certified::Artifact(done.fp, done.doc, &Fingerprint(sha)), done.artifact));
    db.execute("INSERT OR REPLACE INTO art (id, z, sum) VALUES (?1, ?2, ?3)", params![id, done.artifact, sum])?;
    let notes = Some(done.notes).filter(|notes| !notes.is_empty());
    db.execute(
        "INSERT INTO done (fp, doc, state, attempts, terms, kind, message, at_ms) VALUES (?1, ?2, 1, ?3, ?4, ?7, ?5, ?6)
         ON CONFLICT (fp, doc) DO UPDATE SET state=1, attempts=?3, terms=?4, kind=?7, message=?5, at_ms=?6",
        params![done.fp, done.doc, done.attempts, done.terms.cast_signed(), notes, now, done.gap.map(Gap::name)],
    )
    .map(drop)
}

pub(super) fn failed(
    db: &Database,
    fp: FpId,
    doc: DocId,
    attempts: u32,
    failure: &Failure,
    now: i64,
) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO done (fp, doc, state, attempts, kind, message, at_ms) VALUES (?1, ?2, 2, ?3, ?4, ?5, ?6)
         ON CONFLICT (fp, doc) DO UPDATE SET state=2, attempts=?3, kind=?4, message=?5, at_ms=?6",
        params![fp, doc, attempts, failure.kind.name(), failure.message, now],
    )
    .map(drop)
}

fn counts(r: &Row<'_>) -> rusqlite::Result<Counts> {
    Ok(Counts { todo: unsigned(r, 0)?, done: unsigned(r, 1)?, failed: unsigned(r, 2)? })
}

fn pending_document(r: &Row<'_>) -> rusqlite::Result<PendingDocument> {
    Ok(PendingDocument { doc: r.get(0)?, sha: Fingerprint(r.get(1)?), generation: r.get(2)?, aborts: r.get(3)? })
}

/// The bytes of a stage's result of a document; words, if there are none or they are not as they were stored.
pub(super) fn sound_artifact(db: &Database, fp: FpId, doc: DocId) -> Result<Result<Vec<u8>, &'static str>, StoreError> {
    let row = db.row(
        "SELECT a.z, a.sum, d.sha FROM art a JOIN doc d ON d.id = ?2 WHERE a.id = ?1",
        params![artifact_id(fp, doc), doc],
        |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get(1)?, Fingerprint(r.get(2)?))),
    )?;
    Ok(match row {
        None => Err("it is missing"),
        Some((bytes, sum, sha)) if is_sound(Certified::Artifact(fp, doc, &sha), &bytes, sum) => Ok(bytes),
        Some(_) => Err("it is not as it was stored"),
    })
}

/// Lets every stage of a document wait again whose stored result is not as it was stored, or cannot be read; what follows from sound
/// results stays. Answers are looked through as well.
pub(super) fn remake(db: &Database, fps: &StageFps, doc: DocId, now: i64) -> Result<(), StoreError> {
    answers::remake(db, now)?;
    for fp in Stage::of_documents().map(|stage| fps[stage]) {
        let is_done = "SELECT count(*) > 0 FROM done WHERE fp = ?1 AND doc = ?2 AND state = 1";
        if !db.value::<bool>(is_done, params![fp, doc])? {
            continue;
        }
        let sound = sound_artifact(db, fp, doc)?.is_ok_and(|bytes| artifact::is_json(&bytes));
        if !sound {
            db.execute("UPDATE done SET state = 0 WHERE fp = ?1 AND doc = ?2", params![fp, doc])?;
        }
    }
    Ok(())
}

impl Reader {
    /// Counts of a stage, in what it takes one by one: documents or files.
    pub fn counts(&self, fps: &StageFps, stage: Stage, scope: Scope) -> Result<Counts, StoreError> {
        match (stage.subject(), stage.before()) {
            (Subject::Document, before) => self.document_counts(before.map(|s| fps[s]), fps[stage], scope),
            (Subject::File, Some(before)) => self.file_counts(fps[before], fps[stage], scope),
            // A stage of files stands after one of documents: `Stage` has a test for it.
            (Subject::File, None) => Ok(Counts::default()),
        }
    }

    fn document_counts(&self, parent: Option<FpId>, fp: FpId, scope: Scope) -> Result<Counts, StoreError> {
        // Where every document counts, two scans of narrow rows do: measured three times faster than the joins below.
        if scope == Scope::Whole && !self.db.value::<bool>("SELECT EXISTS (SELECT 1 FROM doc WHERE live = 0)", [])? {
            let in_state = |fp: FpId, state: StageState| {
                self.db.count("SELECT count(*) FROM done WHERE fp = ?1 AND state = ?2", params![fp, state])
            };
            let ready = match parent {
                Some(parent) => in_state(parent, StageState::Done)?,
                None => self.db.count("SELECT count(*) FROM doc", [])?,
            };
            let (done, failed) = (in_state(fp, StageState::Done)?, in_state(fp, StageState::Failed)?);
            return Ok(Counts { todo: ready.saturating_sub(done + failed), done, failed });
        }
        let counted = self.db.row(
            "SELECT count(*) FILTER (WHERE (m.state IS NULL OR m.state = 0) AND (?1 IS NULL OR u.state = 1)),
                    count(*) FILTER (WHERE m.state = 1), count(*) FILTER (WHERE m.state = 2)
             FROM doc d LEFT JOIN done u ON u.fp = ?1 AND u.doc = d.id LEFT JOIN done m ON m.fp = ?2 AND m.doc = d.id
             WHERE d.live > 0 AND (?3 = 0 OR d.scope = ?3)",
            params![parent, fp, scope],
            counts,
        )?;
        Ok(counted.unwrap_or_default())
    }

    fn file_counts(&self, extract_fp: FpId, write_fp: FpId, scope: Scope) -> Result<Counts, StoreError> {
        let counted = self.db.row(
            "SELECT count(*) FILTER (WHERE f.fail_kind IS NULL AND e.state = 1
                                       AND (f.written_fp IS NOT ?2 OR f.written_doc IS NOT f.doc)),
                    count(*) FILTER (WHERE f.fail_kind IS NULL AND f.written_fp IS ?2 AND f.written_doc IS f.doc),
                    count(*) FILTER (WHERE f.fail_kind IS NOT NULL)
             FROM file f LEFT JOIN done e ON e.fp = ?1 AND e.doc = f.doc
             WHERE f.state = 0 AND (?3 = 0 OR f.scope = ?3)",
            params![extract_fp, write_fp, scope],
            counts,
        )?;
        Ok(counted.unwrap_or_default())
    }

    /// Documents after `after` that have come through the stage before `stage`, and are neither done nor failed there, in number order.
    pub fn pending(
        &self,
        fps: &StageFps,
        stage: Stage,
        scope: Scope,
        after: DocId,
        limit: usize,
    ) -> Result<Vec<PendingDocument>, StoreError> {
        self.left(stage.before().map(|s| fps[s]), fps[stage], scope, after, limit)
    }

    /// Documents after `after` that are neither done nor failed in the last stage of documents, wherever they stand before it.
    pub fn unfinished(
        &self,
        fps: &StageFps,
        scope: Scope,
        after: DocId,
        limit: usize,
    ) -> Result<Vec<PendingDocument>, StoreError> {
        match Stage::of_documents().next_back() {
            Some(last) => self.left(None, fps[last], scope, after, limit),
            None => Ok(Vec::new()),
        }
    }

    fn left(
        &self,
        parent: Option<FpId>,
        fp: FpId,
        scope: Scope,
        after: DocId,
        limit: usize,
    ) -> Result<Vec<PendingDocument>, StoreError> {
        self.db.rows(
            "SELECT d.id, d.sha, coalesce(m.generation, 0), d.aborts FROM doc d
             LEFT JOIN done u ON u.fp = ?1 AND u.doc = d.id LEFT JOIN done m ON m.fp = ?2 AND m.doc = d.id
             WHERE d.id > ?4 AND d.live > 0 AND (?3 = 0 OR d.scope = ?3) AND (m.state IS NULL OR m.state = 0)
               AND (?1 IS NULL OR u.state = 1)
             ORDER BY d.id LIMIT ?5",
            params![parent, fp, scope, after, limit as i64],
            pending_document,
        )
    }

    /// Documents after `after` that have come through stage `fp`, in number order.
    pub fn through(
        &self,
        fp: FpId,
        scope: Scope,
        after: DocId,
        limit: usize,
    ) -> Result<Vec<PendingDocument>, StoreError> {
        self.db.rows(
            "SELECT d.id, d.sha, n.generation, d.aborts FROM doc d JOIN done n ON n.fp = ?1 AND n.doc = d.id AND n.state = 1
             WHERE d.id > ?3 AND d.live > 0 AND (?2 = 0 OR d.scope = ?2) ORDER BY d.id LIMIT ?4",
            params![fp, scope, after, limit as i64],
            pending_document,
        )
    }

    /// Present files in scope whose document has come through the document stage `fp`.
    pub fn files_through(&self, fp: FpId, scope: Scope) -> Result<u64, StoreError> {
        self.db.count(
            "SELECT count(*) FROM file f JOIN done n ON n.fp = ?1 AND n.doc = f.doc AND n.state = 1
             WHERE f.state = 0 AND (?2 = 0 OR f.scope = ?2)",
            params![fp, scope],
        )
    }

    /// One stage of one document, if the store knows of it.
    pub fn stage_of(&self, fp: FpId, doc: DocId) -> Result<Option<StageRow>, StoreError> {
        self.db.row(
            "SELECT n.state, n.attempts, n.terms, n.kind, n.message, n.at_ms, length(a.z)
             FROM done n LEFT JOIN art a ON a.id = ?3 WHERE n.fp = ?1 AND n.doc = ?2",
            params![fp, doc, artifact_id(fp, doc)],
            |r| {
                Ok(StageRow {
                    state: r.get(0)?,
                    attempts: r.get(1)?,
                    terms: unsigned(r, 2)?,
                    kind: r.get(3)?,
                    message: r.get(4)?,
                    at_ms: r.get(5)?,
                    stored_bytes: r.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned),
                })
            },
        )
    }

    /// Bytes of a stage's result of a document as it is stored; 0 if there is none.
    pub fn stored_bytes<T: Artifact>(&self, fps: &StageFps, doc: DocId) -> Result<u64, StoreError> {
        let id = artifact_id(fps[T::STAGE], doc);
        Ok(self.db.row("SELECT length(z) FROM art WHERE id = ?1", [id], |r| unsigned(r, 0))?.unwrap_or(0))
    }

    /// A stage's result of a document as it is stored, if it has at least `bytes` bytes.
    pub fn large_artifact<T: Artifact>(
        &self,
        fps: &StageFps,
        doc: DocId,
        bytes: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.row(
            "SELECT z FROM art WHERE id = ?1 AND length(z) >= ?2",
            params![artifact_id(fps[T::STAGE], doc), bytes.cast_signed()],
            |r| r.get(0),
        )
    }

    /// A stage's result of a document. Its type knows the stage.
    ///
    /// # Errors
    /// [`StoreError::Spoilt`] if it is absent, not as it was stored, or cannot be decoded.
    pub fn artifact<T: Artifact>(&self, fps: &StageFps, doc: DocId) -> Result<T, StoreError> {
        let fp = fps[T::STAGE];
        let record = |detail: String| StoreError::Spoilt {
            file: self.db.file().to_path_buf(),
            detail: format!("stage result of fingerprint {}, document {}: {detail}", fp.0, doc.0),
        };
        let bytes = sound_artifact(&self.db, fp, doc)?.map_err(|words| record(words.into()))?;
        artifact::decode(&bytes).map_err(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Filled, done, failed};
    use crate::store::{Change, Session};
    use crate::values::SourcePath;

    /// A result of `parse`.
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Number(i64);

    impl Artifact for Number {
        const STAGE: Stage = Stage::Parse;
    }

    fn docs(page: &[PendingDocument]) -> Vec<i64> {
        page.iter().map(|pending| pending.doc.0).collect()
    }

    #[test]
    fn a_stage_is_fed_what_the_stage_before_has_done_page_by_page() {
        let store = Filled::new();
        store.put(&[("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)]);
        let (parse, chunk) = (store.fps[Stage::Parse], store.fps[Stage::Chunk]);
        let doc = |n| store.doc(n);
        store.change(vec![
            done(parse, doc(1)),
            done(parse, doc(2)),
            failed(parse, doc(3)),
            done(parse, doc(4)),
            done(chunk, doc(2)),
        ]);
        let pending = |stage, after, limit| {
            docs(&store.reader.pending(&store.fps, stage, Scope::Whole, DocId(after), limit).unwrap())
        };
        assert_eq!(pending(Stage::Parse, 0, 9), [5]);
        assert_eq!(pending(Stage::Chunk, 0, 1), [1]);
        assert_eq!(pending(Stage::Chunk, 1, 9), [4]);
        assert_eq!(docs(&store.reader.through(parse, Scope::Whole, DocId(0), 9).unwrap()), [1, 2, 4]);
        store.change(vec![failed(chunk, doc(4))]);
        assert_eq!(pending(Stage::Chunk, 0, 9), [1], "a failure is not fed again");
    }

    #[test]
    fn counts_add_up_and_are_the_same_by_both_ways_of_counting() {
        let store = Filled::new();
        store.put(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)]);
        let (parse, chunk) = (store.fps[Stage::Parse], store.fps[Stage::Chunk]);
        store.change(vec![
            done(parse, store.doc(1)),
            done(parse, store.doc(2)),
            failed(parse, store.doc(3)),
            done(chunk, store.doc(1)),
        ]);
        let counted =
            |scope| [Stage::Parse, Stage::Chunk].map(|stage| store.reader.counts(&store.fps, stage, scope).unwrap());
        let expected = [Counts { todo: 1, done: 2, failed: 1 }, Counts { todo: 1, done: 1, failed: 0 }];
        assert_eq!(counted(Scope::Whole), expected);
        // A document that is gone makes the reader count by joins.
        store.put(&[("e", 5)]);
        store.change(vec![done(parse, store.doc(5)), Change::Gone(SourcePath::from_text("e"))]);
        assert_eq!(counted(Scope::Whole), expected);
        let chosen = ["a", "b", "c", "d"]
            .map(|path| Change::Choose { path: SourcePath::from_text(path), scope: Scope::Part(1) });
        store.change(chosen.into());
        assert_eq!((counted(Scope::Part(1)), counted(Scope::Part(2))), (expected, [Counts::default(); 2]));
    }

    #[test]
    fn a_result_comes_back_as_it_was_and_the_newest_one_counts() {
        let store = Filled::new();
        store.put(&[("a", 1)]);
        let (fp, doc) = (store.fps[Stage::Parse], store.doc(1));
        store.change(vec![failed(fp, doc)]);
        assert!(matches!(store.reader.artifact::<Number>(&store.fps, doc), Err(StoreError::Spoilt { .. })));
        store.change(vec![done(fp, doc)]);
        assert_eq!(store.reader.artifact::<Number>(&store.fps, doc).unwrap(), Number(doc.0));
        let row = store.reader.stage_of(fp, doc).unwrap().unwrap();
        assert_eq!((row.kind, row.message, row.terms), (None, None, 2), "nothing is left of the failure");
    }

    #[test]
    fn of_a_thousand_turned_bits_every_one_is_found_and_so_is_a_result_in_anothers_place() {
        let store = Filled::new();
        store.put(&[("a", 1), ("b", 2)]);
        let fp = store.fps[Stage::Parse];
        let (doc, other) = (store.doc(1), store.doc(2));
        let value: Vec<String> = (0..60).map(|n| format!("what stands on page {n} of the book")).collect();
        let encoded = artifact::encode(&value);
        let stored = |doc| Change::Done {
            fp,
            doc,
            attempts: 1,
            terms: 0,
            notes: String::new(),
            gap: None,
            artifact: encoded.clone(),
        };
        store.change(vec![stored(doc), stored(other)]);
        let db = Session::begin(&store.store).unwrap().db;
        let put = |doc, bytes: &[u8], sum: i64| {
            db.execute("UPDATE art SET z = ?2, sum = ?3 WHERE id = ?1", params![artifact_id(fp, doc), bytes, sum])
                .unwrap();
        };
        let sum_of = |doc| -> i64 { db.value("SELECT sum FROM art WHERE id = ?1", [artifact_id(fp, doc)]).unwrap() };
        let (sum, others) = (sum_of(doc), sum_of(other));
        assert_ne!(sum, others, "equal bytes of two documents have sums of their own");
        let is_found = || matches!(sound_artifact(&db, fp, doc), Ok(Err(_)));
        assert!(!is_found());
        let bits = encoded.len() * 8;
        for bit in (0..1000).map(|n| n * 7919 % bits) {
            let mut turned = encoded.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            put(doc, &turned, sum);
            assert!(is_found(), "bit {bit} of {bits}");
        }
        for bit in 0..64 {
            put(doc, &encoded, sum ^ 1 << bit);
            assert!(is_found(), "bit {bit} of the sum");
        }
        put(doc, &encoded, others);
        assert!(is_found(), "a row in another's place");
        put(doc, &encoded, sum);
        db.execute("UPDATE doc SET sha = zeroblob(32) WHERE id = ?1", [doc]).unwrap();
        assert!(is_found(), "another document under the same number");
    }

    #[test]
    fn a_damaged_result_is_named_by_stage_and_document() {
        let store = Filled::new();
        store.put(&[("a", 1)]);
        let (fp, doc) = (store.fps[Stage::Parse], store.doc(1));
        store.change(vec![done(fp, doc)]);
        Session::begin(&store.store).unwrap().db.execute("UPDATE art SET z = zeroblob(9)", []).unwrap();
        let error = store.reader.artifact::<Number>(&store.fps, doc).unwrap_err();
        assert!(matches!(error, StoreError::Spoilt { .. }));
        assert!(error.to_string().contains(&format!("fingerprint {}, document {}", fp.0, doc.0)), "{error}");
    }
}
