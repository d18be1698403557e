//! Outcomes of files over all stages, as a person asks for them: what failed, what is partial, what is written.

use rusqlite::{Row, params};

use super::database::unsigned;
use super::session::of_documents;
use super::{DocId, FpId, Reader, Scope, StageFps, StageState, StoreError};
use crate::values::{Fingerprint, Phase, SourcePath, Stage, Subject};

/// A recorded failure.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FailureRow {
    /// Place of the document.
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
    /// Place of the document.
    pub path: SourcePath,
    /// Name of the [`Gap`](crate::values::Gap).
    pub gap: String,
    /// Sections and reasons, one a line.
    pub notes: String,
}

/// A present file and its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// Place below the input root.
    pub path: SourcePath,
    /// Its document.
    pub doc: DocId,
    /// Content hash.
    pub sha: Fingerprint,
    /// Content length in bytes.
    pub bytes: u64,
    /// Output path relative to the output folder, once it has one.
    pub output: Option<String>,
    /// True if the output on disk belongs to the fingerprint asked with.
    pub written: bool,
    /// Terms in the output.
    pub terms: u64,
    /// Class and reason of a failure to write.
    pub failure: Option<(String, String)>,
}

/// A present file with what came of it in all stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeRow {
    /// Place below the input root.
    pub path: SourcePath,
    /// Content hash; none of a file that discovery could not read.
    pub sha: Option<Fingerprint>,
    /// Length in bytes.
    pub bytes: u64,
    /// Output path relative to the output folder, if the file on disk belongs to the fingerprints asked with.
    pub output: Option<String>,
    /// Terms in the output.
    pub terms: u64,
    /// The first phase that failed, with class and reason.
    pub failed: Option<(Phase, String, String)>,
    /// Gap and notes, if it is kept without the text of some sections.
    pub partial: Option<(String, Option<String>)>,
}

/// Columns of a file in [`Reader::outcomes_after`], before those of its stages.
const FILE_COLUMNS: usize = 8;

fn document(r: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    Ok(DocumentRow {
        path: SourcePath::from_text(r.get::<_, String>(0)?),
        doc: r.get(1)?,
        sha: Fingerprint(r.get(2)?),
        bytes: unsigned(r, 3)?,
        output: r.get(4)?,
        written: r.get(5)?,
        terms: unsigned(r, 6)?,
        failure: r.get::<_, Option<String>>(7)?.zip(r.get(8)?),
    })
}

impl Reader {
    /// Present files that hold a document, after `after` in path order.
    pub fn documents_after(&self, write_fp: FpId, after: &str, limit: usize) -> Result<Vec<DocumentRow>, StoreError> {
        self.db.rows(
            "SELECT f.path, d.id, d.sha, d.bytes, f.output, f.written_fp IS ?1 AND f.written_doc IS f.doc, f.terms,
                    f.fail_kind, f.fail_message
             FROM file f JOIN doc d ON d.id = f.doc WHERE f.state = 0 AND f.path > ?2 ORDER BY f.path LIMIT ?3",
            params![write_fp, after, limit as i64],
            document,
        )
    }

    /// Hash of the content of a document; none if there is none of this number.
    pub fn content_of(&self, doc: DocId) -> Result<Option<Fingerprint>, StoreError> {
        self.db.row("SELECT sha FROM doc WHERE id = ?1", [doc], |r| Ok(Fingerprint(r.get(0)?)))
    }

    /// Present files after `after` in path order, with what came of each in all stages, those among them that discovery could not read:
    /// one query, because one for each stage of each document took ten times as long.
    pub fn outcomes_after(&self, fps: &StageFps, after: &str, limit: usize) -> Result<Vec<OutcomeRow>, StoreError> {
        let columns: String =
            Stage::of_documents().map(|stage| format!(", {0}.state, {0}.kind, {0}.message", stage.name())).collect();
        let joins: String = Stage::of_documents()
            .map(|stage| format!(" LEFT JOIN done {0} ON {0}.fp = {1} AND {0}.doc = d.id", stage.name(), fps[stage].0))
            .collect();
        let sql = format!(
            "SELECT f.path, d.sha, coalesce(d.bytes, f.size), CASE WHEN f.written_fp IS ?1 AND f.written_doc IS f.doc THEN f.output END,
                    f.terms, f.fail_kind, f.fail_message, f.state = 3{columns}
             FROM file f LEFT JOIN doc d ON d.id = f.doc{joins}
             WHERE (f.state = 0 AND d.id IS NOT NULL OR f.state = 3) AND f.path > ?2 ORDER BY f.path LIMIT ?3"
        );
        self.db.rows(&sql, params![fps[Stage::Write], after, limit as i64], |r| {
            let text = |column: usize| r.get::<_, Option<String>>(column);
            let (mut failed, mut partial) = (None, None);
            for (stage, column) in Stage::of_documents().zip((FILE_COLUMNS..).step_by(3)) {
                match r.get::<_, Option<StageState>>(column)? {
                    Some(StageState::Failed) if failed.is_none() => {
                        let (kind, message) = (text(column + 1)?, text(column + 2)?);
                        failed = Some((stage.into(), kind.unwrap_or_default(), message.unwrap_or_default()));
                    }
                    // What is done and has a kind is partial: only `parse` says so.
                    Some(StageState::Done) if partial.is_none() => {
                        let notes = text(column + 2)?;
                        partial = text(column + 1)?.map(|gap| (gap, notes));
                    }
                    _ => {}
                }
            }
            let own = if r.get(7)? { Phase::Discover } else { Stage::Write.into() };
            let failure = text(5)?.map(|kind| Ok::<_, rusqlite::Error>((own, kind, text(6)?.unwrap_or_default())));
            Ok(OutcomeRow {
                path: SourcePath::from_text(r.get::<_, String>(0)?),
                sha: r.get::<_, Option<[u8; 32]>>(1)?.map(Fingerprint),
                bytes: unsigned(r, 2)?,
                output: r.get(3)?,
                terms: unsigned(r, 4)?,
                failed: failed.or(failure.transpose()?),
                partial,
            })
        })
    }

    /// All failures of present files in path order, streamed to `each`.
    pub fn failures(&self, fps: &StageFps, mut each: impl FnMut(FailureRow)) -> Result<(), StoreError> {
        self.db.each(
            "SELECT f.path, f.state, n.fp, coalesce(n.kind, f.fail_kind), coalesce(n.message, f.fail_message),
                    coalesce(n.attempts, f.attempts)
             FROM file f LEFT JOIN done n ON n.doc = f.doc AND n.fp IN (SELECT value FROM json_each(?1)) AND n.state = 2
             WHERE f.state IN (0, 3) AND (n.fp IS NOT NULL OR f.fail_kind IS NOT NULL) ORDER BY f.path",
            [of_documents(fps)],
            |r| {
                let (state, fp): (i64, Option<FpId>) = (r.get(1)?, r.get(2)?);
                let stage = match fp.and_then(|fp| Stage::of_documents().find(|stage| fps[*stage] == fp)) {
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
                Ok(())
            },
        )
    }

    /// Present files in scope that failed in any stage of the given fingerprints, or could not be read or written.
    pub fn failed_files(&self, fps: &StageFps, scope: Scope) -> Result<u64, StoreError> {
        self.db.count(
            "SELECT count(*) FROM file f WHERE f.state IN (0, 3) AND (?2 = 0 OR f.scope = ?2) AND (f.fail_kind IS NOT NULL
               OR EXISTS (SELECT 1 FROM done n WHERE n.fp IN (SELECT value FROM json_each(?1)) AND n.doc = f.doc AND n.state = 2))",
            params![of_documents(fps), scope],
        )
    }

    /// Present files in scope that failed in one stage.
    pub fn failures_in(&self, fps: &StageFps, stage: Stage, scope: Scope) -> Result<u64, StoreError> {
        match stage.subject() {
            Subject::File => self.db.count(
                "SELECT count(*) FROM file WHERE fail_kind IS NOT NULL AND state = 0 AND (?1 = 0 OR scope = ?1)",
                [scope],
            ),
            Subject::Document => self.db.count(
                "SELECT count(*) FROM done n JOIN file f ON f.doc = n.doc AND f.doc IS NOT NULL AND f.state = 0
                 WHERE n.fp = ?1 AND n.state = 2 AND (?2 = 0 OR f.scope = ?2)",
                params![fps[stage], scope],
            ),
        }
    }

    /// Present files in scope whose document was kept without the text of some sections. `fp` is that of `parse`.
    pub fn partial_files(&self, fp: FpId, scope: Scope) -> Result<u64, StoreError> {
        self.db.count(
            "SELECT count(*) FROM done n JOIN file f ON f.doc = n.doc AND f.doc IS NOT NULL AND f.state = 0
             WHERE n.fp = ?1 AND n.state = 1 AND n.kind IS NOT NULL AND (?2 = 0 OR f.scope = ?2)",
            params![fp, scope],
        )
    }

    /// The files of [`Reader::partial_files`] in path order, streamed to `each` with what they lack and the notes about it.
    pub fn partials(&self, fp: FpId, mut each: impl FnMut(PartialRow)) -> Result<(), StoreError> {
        self.db.each(
            "SELECT f.path, n.kind, coalesce(n.message, '') FROM done n
             JOIN file f ON f.doc = n.doc AND f.doc IS NOT NULL AND f.state = 0
             WHERE n.fp = ?1 AND n.state = 1 AND n.kind IS NOT NULL ORDER BY f.path",
            [fp],
            |r| {
                let path = SourcePath::from_text(r.get::<_, String>(0)?);
                each(PartialRow { path, gap: r.get(1)?, notes: r.get(2)? });
                Ok(())
            },
        )
    }
}
