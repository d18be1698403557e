//! Reading the store: what is done, what is left, and the artifacts themselves.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::session::of_documents;
use super::writer::artifact_id;
use super::{DocId, FpId, StageFps, StoreError, artifact};
use crate::values::{Artifact, Fingerprint, Phase, SourcePath, Stage, Subject};

/// A read-only connection. Every call is a short transaction of its own: an open reader would let the write-ahead
/// log grow.
pub struct Reader {
    db: Connection,
    file: PathBuf,
}

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
    pub generation: i64,
}

/// A recorded failure.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FailureRow {
    /// Where the document is.
    pub path: SourcePath,
    /// The phase that failed.
    pub stage: Phase,
    /// Class name.
    pub kind: String,
    /// Reason.
    pub message: String,
    /// Attempts made.
    pub attempts: u32,
}

/// A document that was kept without the text of some sections.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PartialRow {
    /// Where the document is.
    pub path: SourcePath,
    /// What it lacks: the name of a [`Gap`](crate::values::Gap).
    pub gap: String,
    /// Which sections and why, one a line.
    pub notes: String,
}

/// A present file and its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// Where it is.
    pub path: SourcePath,
    /// Its document.
    pub doc: DocId,
    /// Content hash.
    pub sha: Fingerprint,
    /// Content length in bytes.
    pub bytes: u64,
    /// Output path relative to the output folder, once it has one.
    pub output: Option<String>,
    /// Whether the output on disk belongs to the fingerprint asked with.
    pub written: bool,
    /// Terms in the output.
    pub terms: u64,
    /// Why writing failed: class and reason.
    pub failure: Option<(String, String)>,
}

/// One stage of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageRow {
    /// 0 waiting again, 1 done, 2 failed.
    pub state: i64,
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

impl Reader {
    pub(super) fn new(db: Connection, file: PathBuf) -> Self {
        Self { db, file }
    }

    pub(super) fn query<T>(&self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        run(&self.db).map_err(|e| StoreError::from_sqlite(&self.file, e))
    }

    pub(super) fn collect<T>(
        &self,
        sql: &str,
        params: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.query(|db| db.prepare_cached(sql)?.query_map(params, row)?.collect())
    }

    fn number(&self, sql: &str, params: impl Params) -> Result<u64, StoreError> {
        self.query(|db| db.prepare_cached(sql)?.query_row(params, |r| r.get::<_, i64>(0))).map(i64::cast_unsigned)
    }

    /// A value of the `meta` table.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.query(|db| {
            db.prepare_cached("SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1")?
                .query_row([key], |r| r.get(0))
                .optional()
        })
    }

    /// The fingerprint of a stage in the last run, and its description.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn current(&self, stage: Stage) -> Result<Option<(FpId, String)>, StoreError> {
        self.query(|db| {
            db.prepare_cached("SELECT p.id, p.spec FROM meta m JOIN fp p ON p.id = m.value WHERE m.key = ?1")?
                .query_row([format!("current:{}", stage.name())], |r| Ok((FpId(r.get(0)?), r.get(1)?)))
                .optional()
        })
    }

    /// Present documents (distinct contents) and present files in scope (0: all).
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn corpus_size(&self, scope: i64) -> Result<(u64, u64), StoreError> {
        Ok((
            self.number("SELECT count(*) FROM doc WHERE live > 0 AND (?1 = 0 OR scope = ?1)", [scope])?,
            self.number("SELECT count(*) FROM file WHERE state IN (0, 3) AND (?1 = 0 OR scope = ?1)", [scope])?,
        ))
    }

    /// Files passed over because they are no documents.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn ignored_files(&self) -> Result<u64, StoreError> {
        self.number("SELECT count(*) FROM file WHERE state = 2", [])
    }

    /// Counts of a stage, in what it takes one by one: documents or files.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn counts(&self, fps: &StageFps, stage: Stage, scope: i64) -> Result<Counts, StoreError> {
        match (stage.subject(), stage.before()) {
            (Subject::Document, before) => self.document_counts(before.map(|s| fps[s]), fps[stage], scope),
            (Subject::File, Some(before)) => self.file_counts(fps[before], fps[stage], scope),
            // A stage of files stands after one of documents: `Stage` has a test for it.
            (Subject::File, None) => Ok(Counts::default()),
        }
    }

    fn document_counts(&self, parent: Option<FpId>, fp: FpId, scope: i64) -> Result<Counts, StoreError> {
        // Where every document counts, two scans of narrow rows do: measured three times faster than the joins below.
        if scope == 0 && self.number("SELECT EXISTS (SELECT 1 FROM doc WHERE live = 0)", [])? == 0 {
            let state = "SELECT count(*) FROM done WHERE fp = ?1 AND state = ?2";
            let ready = match parent {
                Some(parent) => self.number(state, [parent.0, 1])?,
                None => self.number("SELECT count(*) FROM doc", [])?,
            };
            let (done, failed) = (self.number(state, [fp.0, 1])?, self.number(state, [fp.0, 2])?);
            return Ok(Counts { todo: ready.saturating_sub(done + failed), done, failed });
        }
        self.query(|db| {
            db.prepare_cached(
                "SELECT count(*) FILTER (WHERE (m.state IS NULL OR m.state = 0) AND (?1 IS NULL OR u.state = 1)),
                        count(*) FILTER (WHERE m.state = 1), count(*) FILTER (WHERE m.state = 2)
                 FROM doc d LEFT JOIN done u ON u.fp = ?1 AND u.doc = d.id LEFT JOIN done m ON m.fp = ?2 AND m.doc = d.id
                 WHERE d.live > 0 AND (?3 = 0 OR d.scope = ?3)",
            )?
            .query_row(params![parent.map(|p| p.0), fp.0, scope], |r| {
                Ok(Counts {
                    todo: r.get::<_, i64>(0)?.cast_unsigned(),
                    done: r.get::<_, i64>(1)?.cast_unsigned(),
                    failed: r.get::<_, i64>(2)?.cast_unsigned(),
                })
            })
        })
    }

    fn file_counts(&self, extract_fp: FpId, write_fp: FpId, scope: i64) -> Result<Counts, StoreError> {
        self.query(|db| {
            db.prepare_cached(
                "SELECT count(*) FILTER (WHERE f.fail_kind IS NULL AND e.state = 1
                                           AND (f.written_fp IS NOT ?2 OR f.written_doc IS NOT f.doc)),
                        count(*) FILTER (WHERE f.fail_kind IS NULL AND f.written_fp IS ?2 AND f.written_doc IS f.doc),
                        count(*) FILTER (WHERE f.fail_kind IS NOT NULL)
                 FROM file f LEFT JOIN done e ON e.fp = ?1 AND e.doc = f.doc
                 WHERE f.state = 0 AND (?3 = 0 OR f.scope = ?3)",
            )?
            .query_row(params![extract_fp.0, write_fp.0, scope], |r| {
                Ok(Counts {
                    todo: r.get::<_, i64>(0)?.cast_unsigned(),
                    done: r.get::<_, i64>(1)?.cast_unsigned(),
                    failed: r.get::<_, i64>(2)?.cast_unsigned(),
                })
            })
        })
    }

    /// Present files in scope that failed in any stage of the given fingerprints, or could not be read or written.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn failed_files(&self, fps: &StageFps, scope: i64) -> Result<u64, StoreError> {
        self.number(
            "SELECT count(*) FROM file f WHERE f.state IN (0, 3) AND (?2 = 0 OR f.scope = ?2) AND (f.fail_kind IS NOT NULL
               OR EXISTS (SELECT 1 FROM done n WHERE n.fp IN (SELECT value FROM json_each(?1)) AND n.doc = f.doc AND n.state = 2))",
            params![of_documents(fps), scope],
        )
    }

    /// Present files in scope whose document was kept without the text of some sections. `fp` is that of `parse`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn partial_files(&self, fp: FpId, scope: i64) -> Result<u64, StoreError> {
        self.number(
            "SELECT count(*) FROM done n JOIN file f ON f.doc = n.doc AND f.doc IS NOT NULL AND f.state = 0
             WHERE n.fp = ?1 AND n.state = 1 AND n.kind IS NOT NULL AND (?2 = 0 OR f.scope = ?2)",
            params![fp.0, scope],
        )
    }

    /// Present files whose document was kept without the text of some sections, in path order, streamed to `each` with
    /// what they lack and the notes about it. `fp` is that of `parse`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn partials(&self, fp: FpId, mut each: impl FnMut(PartialRow)) -> Result<(), StoreError> {
        self.query(|db| {
            let mut rows = db.prepare_cached(
                "SELECT f.path, n.kind, coalesce(n.message, '') FROM done n
                 JOIN file f ON f.doc = n.doc AND f.doc IS NOT NULL AND f.state = 0
                 WHERE n.fp = ?1 AND n.state = 1 AND n.kind IS NOT NULL ORDER BY f.path",
            )?;
            let mut rows = rows.query([fp.0])?;
            while let Some(r) = rows.next()? {
                let path = SourcePath::from_text(r.get::<_, String>(0)?);
                each(PartialRow { path, gap: r.get(1)?, notes: r.get(2)? });
            }
            Ok(())
        })
    }

    /// Present files in scope that failed in one stage.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn failures_in(&self, fps: &StageFps, stage: Stage, scope: i64) -> Result<u64, StoreError> {
        match stage.subject() {
            Subject::File => self.number(
                "SELECT count(*) FROM file WHERE fail_kind IS NOT NULL AND state = 0 AND (?1 = 0 OR scope = ?1)",
                [scope],
            ),
            Subject::Document => self.number(
                "SELECT count(*) FROM done n JOIN file f ON f.doc = n.doc AND f.doc IS NOT NULL AND f.state = 0
                 WHERE n.fp = ?1 AND n.state = 2 AND (?2 = 0 OR f.scope = ?2)",
                params![fps[stage].0, scope],
            ),
        }
    }

    /// Documents after `after` that have come through the stage before `stage`, and are neither done nor failed there, in number order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn pending(
        &self,
        fps: &StageFps,
        stage: Stage,
        scope: i64,
        after: DocId,
        limit: usize,
    ) -> Result<Vec<PendingDocument>, StoreError> {
        self.left(stage.before().map(|s| fps[s]), fps[stage], scope, after, limit)
    }

    /// Documents after `after` that are neither done nor failed in the last stage of documents, wherever they stand before it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn unfinished(
        &self,
        fps: &StageFps,
        scope: i64,
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
        scope: i64,
        after: DocId,
        limit: usize,
    ) -> Result<Vec<PendingDocument>, StoreError> {
        self.collect(
            "SELECT d.id, d.sha, coalesce(m.generation, 0) FROM doc d
             LEFT JOIN done u ON u.fp = ?1 AND u.doc = d.id LEFT JOIN done m ON m.fp = ?2 AND m.doc = d.id
             WHERE d.id > ?4 AND d.live > 0 AND (?3 = 0 OR d.scope = ?3) AND (m.state IS NULL OR m.state = 0)
               AND (?1 IS NULL OR u.state = 1)
             ORDER BY d.id LIMIT ?5",
            params![parent.map(|p| p.0), fp.0, scope, after.0, limit as i64],
            |r| Ok(PendingDocument { doc: DocId(r.get(0)?), sha: Fingerprint(r.get(1)?), generation: r.get(2)? }),
        )
    }

    /// Documents after `after` that have come through stage `fp`, in number order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn through(
        &self,
        fp: FpId,
        scope: i64,
        after: DocId,
        limit: usize,
    ) -> Result<Vec<PendingDocument>, StoreError> {
        self.collect(
            "SELECT d.id, d.sha, n.generation FROM doc d JOIN done n ON n.fp = ?1 AND n.doc = d.id AND n.state = 1
             WHERE d.id > ?3 AND d.live > 0 AND (?2 = 0 OR d.scope = ?2) ORDER BY d.id LIMIT ?4",
            params![fp.0, scope, after.0, limit as i64],
            |r| Ok(PendingDocument { doc: DocId(r.get(0)?), sha: Fingerprint(r.get(1)?), generation: r.get(2)? }),
        )
    }

    /// A stage's result of a document. Its type knows the stage.
    ///
    /// # Errors
    /// [`StoreError::Record`] if it is absent or cannot be decoded.
    pub fn artifact<T: Artifact>(&self, fps: &StageFps, doc: DocId) -> Result<T, StoreError> {
        let fp = fps[T::STAGE];
        let record = |detail: String| StoreError::Record {
            file: self.file.clone(),
            detail: format!("stage result of fingerprint {}, document {}: {detail}", fp.0, doc.0),
        };
        let bytes: Option<Vec<u8>> = self.query(|db| {
            db.prepare_cached("SELECT z FROM art WHERE id = ?1")?
                .query_row([artifact_id(fp, doc)], |r| r.get(0))
                .optional()
        })?;
        artifact::decode(&bytes.ok_or_else(|| record("it is missing".into()))?).map_err(record)
    }

    /// The newest answer to a unit that is not older than `generation`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn answer(&self, question: FpId, unit: &Fingerprint, generation: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.query(|db| {
            db.prepare_cached(
                "SELECT a.z FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1
                 WHERE u.sha = ?2 AND a.generation >= ?3 ORDER BY a.generation DESC LIMIT 1",
            )?
            .query_row(params![question.0, unit.0, generation], |r| r.get(0))
            .optional()
        })
    }

    /// All failures of present files in path order, streamed to `each`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn failures(&self, fps: &StageFps, mut each: impl FnMut(FailureRow)) -> Result<(), StoreError> {
        self.query(|db| {
            let mut rows = db.prepare_cached(
                "SELECT f.path, f.state, n.fp, coalesce(n.kind, f.fail_kind), coalesce(n.message, f.fail_message),
                        coalesce(n.attempts, f.attempts)
                 FROM file f LEFT JOIN done n ON n.doc = f.doc AND n.fp IN (SELECT value FROM json_each(?1)) AND n.state = 2
                 WHERE f.state IN (0, 3) AND (n.fp IS NOT NULL OR f.fail_kind IS NOT NULL) ORDER BY f.path",
            )?;
            let mut rows = rows.query([of_documents(fps)])?;
            while let Some(r) = rows.next()? {
                let (state, fp): (i64, Option<i64>) = (r.get(1)?, r.get(2)?);
                let stage = match fp.and_then(|fp| Stage::of_documents().find(|stage| fps[*stage].0 == fp)) {
                    Some(stage) => stage.into(),
                    None if state == 3 => Phase::Discover,
                    None => Stage::Write.into(),
                };
                each(FailureRow {
                    path: SourcePath::from_text(r.get::<_, String>(0)?),
                    stage,
                    kind: r.get(3)?,
                    message: r.get(4)?,
                    attempts: r.get(5)?,
                });
            }
            Ok(())
        })
    }

    /// Present files that hold a document, after `after` in path order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn documents_after(&self, write_fp: FpId, after: &str, limit: usize) -> Result<Vec<DocumentRow>, StoreError> {
        self.collect(
            "SELECT f.path, d.id, d.sha, d.bytes, f.output, f.written_fp IS ?1 AND f.written_doc IS f.doc, f.terms,
                    f.fail_kind, f.fail_message
             FROM file f JOIN doc d ON d.id = f.doc WHERE f.state = 0 AND f.path > ?2 ORDER BY f.path LIMIT ?3",
            params![write_fp.0, after, limit as i64],
            |r| {
                Ok(DocumentRow {
                    path: SourcePath::from_text(r.get::<_, String>(0)?),
                    doc: DocId(r.get(1)?),
                    sha: Fingerprint(r.get(2)?),
                    bytes: r.get::<_, i64>(3)?.cast_unsigned(),
                    output: r.get(4)?,
                    written: r.get(5)?,
                    terms: r.get::<_, i64>(6)?.cast_unsigned(),
                    failure: r.get::<_, Option<String>>(7)?.zip(r.get(8)?),
                })
            },
        )
    }

    /// One stage of one document, if the store knows of it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn stage_of(&self, fp: FpId, doc: DocId) -> Result<Option<StageRow>, StoreError> {
        self.query(|db| {
            db.prepare_cached(
                "SELECT n.state, n.attempts, n.terms, n.kind, n.message, n.at_ms, length(a.z)
                 FROM done n LEFT JOIN art a ON a.id = ?3 WHERE n.fp = ?1 AND n.doc = ?2",
            )?
            .query_row(params![fp.0, doc.0, artifact_id(fp, doc)], |r| {
                Ok(StageRow {
                    state: r.get(0)?,
                    attempts: r.get(1)?,
                    terms: r.get::<_, i64>(2)?.cast_unsigned(),
                    kind: r.get(3)?,
                    message: r.get(4)?,
                    at_ms: r.get(5)?,
                    stored_bytes: r.get::<_, Option<i64>>(6)?.map(i64::cast_unsigned),
                })
            })
            .optional()
        })
    }
}
