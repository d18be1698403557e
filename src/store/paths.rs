//! Reading the `file` table: what discovery compares with, and what `write` has left to do.

use rusqlite::{OptionalExtension, params};

use super::{DocId, FpId, Reader, StageFps, StoreError};
use crate::values::{SourcePath, Stage};

/// What an input file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum FileState {
    /// A document that is there.
    Present = 0,
    /// It was there once.
    Gone = 1,
    /// Of no format that was asked for, neither by name nor by content.
    NotADocument = 2,
    /// A document by name, but it cannot be read.
    Unreadable = 3,
}

impl FileState {
    pub(super) fn from_number(n: i64) -> Self {
        match n {
            0 => Self::Present,
            1 => Self::Gone,
            2 => Self::NotADocument,
            _ => Self::Unreadable,
        }
    }
}

/// A known file, as far as discovery needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Where it is.
    pub path: SourcePath,
    /// What it is.
    pub state: FileState,
    /// Size in bytes when it was last looked at.
    pub size: u64,
    /// Modification time in nanoseconds since 1970 when it was last looked at.
    pub mtime_ns: i64,
    /// Its vocabulary file, relative to the output folder, if that was written for the fingerprint asked with.
    pub written: Option<String>,
}

/// A page of known files in path order; fewer than asked for means that it is the last.
pub type FilePage = Vec<FileRow>;

/// A file that `write` has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingFile {
    /// The source.
    pub path: SourcePath,
    /// Its document.
    pub doc: DocId,
    /// Content hash.
    pub sha: crate::values::Fingerprint,
    /// Output path relative to the output folder, `/`-separated, to be taken literally.
    pub output: String,
}

impl Reader {
    /// Known files after `after` in path order, at most `limit`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn files_after(&self, write_fp: FpId, after: &str, limit: usize) -> Result<FilePage, StoreError> {
        self.collect(
            "SELECT path, state, size, mtime_ns,
                    CASE WHEN written_fp IS ?1 AND written_doc IS doc AND fail_kind IS NULL THEN output END
             FROM file WHERE path > ?2 ORDER BY path LIMIT ?3",
            params![write_fp.0, after, limit as i64],
            |r| {
                Ok(FileRow {
                    path: SourcePath::from_text(r.get::<_, String>(0)?),
                    state: FileState::from_number(r.get(1)?),
                    size: r.get::<_, i64>(2)?.cast_unsigned(),
                    mtime_ns: r.get(3)?,
                    written: r.get(4)?,
                })
            },
        )
    }

    /// Files after `after` whose document is extracted and whose vocabulary file is not written yet.
    /// Failed ones are left out.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn files_to_write(
        &self,
        fps: &StageFps,
        scope: i64,
        after: &str,
        limit: usize,
    ) -> Result<Vec<PendingFile>, StoreError> {
        self.collect(
            "SELECT f.path, f.doc, d.sha, f.output FROM file f
             JOIN done e ON e.fp = ?1 AND e.doc = f.doc AND e.state = 1 JOIN doc d ON d.id = f.doc
             WHERE f.path > ?4 AND f.state = 0 AND (?3 = 0 OR f.scope = ?3) AND f.fail_kind IS NULL
               AND (f.written_fp IS NOT ?2 OR f.written_doc IS NOT f.doc) AND f.output IS NOT NULL
             ORDER BY f.path LIMIT ?5",
            params![fps[Stage::Extract].0, fps[Stage::Write].0, scope, after, limit as i64],
            |r| {
                Ok(PendingFile {
                    path: SourcePath::from_text(r.get::<_, String>(0)?),
                    doc: DocId(r.get(1)?),
                    sha: crate::values::Fingerprint(r.get(2)?),
                    output: r.get(3)?,
                })
            },
        )
    }

    /// The first 8 bytes of the SHA-256 of what was written last to `output`, if this store's runs wrote it.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn written(&self, output: &str) -> Result<Option<[u8; 8]>, StoreError> {
        self.query(|db| {
            db.prepare_cached(
                "SELECT written_sha FROM file WHERE output_key = ?2 AND output = ?1 AND written_sha IS NOT NULL
                 UNION ALL SELECT sha FROM orphan WHERE output = ?1",
            )?
            .query_row([output, &output.to_lowercase()], |r| r.get(0))
            .optional()
        })
    }

    /// The present files of a document in scope, in path order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn files_of(&self, doc: DocId, scope: i64) -> Result<Vec<PendingFile>, StoreError> {
        self.collect(
            "SELECT f.path, d.sha, f.output FROM file f JOIN doc d ON d.id = f.doc
             WHERE f.doc = ?1 AND f.doc IS NOT NULL AND f.state = 0 AND (?2 = 0 OR f.scope = ?2) AND f.output IS NOT NULL
             ORDER BY f.path",
            params![doc.0, scope],
            |r| {
                Ok(PendingFile {
                    path: SourcePath::from_text(r.get::<_, String>(0)?),
                    doc,
                    sha: crate::values::Fingerprint(r.get(1)?),
                    output: r.get(2)?,
                })
            },
        )
    }

    /// Present files in scope whose document has come through the document stage `fp`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn files_through(&self, fp: FpId, scope: i64) -> Result<u64, StoreError> {
        self.query(|db| {
            db.prepare_cached(
                "SELECT count(*) FROM file f JOIN done n ON n.fp = ?1 AND n.doc = f.doc AND n.state = 1
                 WHERE f.state = 0 AND (?2 = 0 OR f.scope = ?2)",
            )?
            .query_row(params![fp.0, scope], |r| r.get::<_, i64>(0))
        })
        .map(i64::cast_unsigned)
    }

    /// One present path of a document, the first in path order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn path_of(&self, doc: DocId) -> Result<Option<SourcePath>, StoreError> {
        self.query(|db| {
            db.prepare_cached(
                "SELECT path FROM file WHERE doc = ?1 AND doc IS NOT NULL AND state = 0 ORDER BY path LIMIT 1",
            )?
            .query_row([doc.0], |r| r.get::<_, String>(0))
            .optional()
        })
        .map(|path| path.map(SourcePath::from_text))
    }
}
