//! Input files and the outputs written for them: the tables `file`, `doc` and `orphan`.

use rusqlite::{Row, params};

use super::change::FileChange;
use super::database::{Database, unsigned};
use super::{DocId, FpId, Reader, Scope, StageFps, StoreError};
use crate::values::{Failure, Fingerprint, SourcePath, Stage};

/// State of an input file.
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
    /// Place below the input root.
    pub path: SourcePath,
    /// State at the last look.
    pub state: FileState,
    /// Size in bytes at the last look.
    pub size: u64,
    /// Modification time in nanoseconds since 1970 at the last look.
    pub mtime_ns: i64,
    /// Time of the last change of anything about it, and its inode, at the last look; none if an older program looked.
    pub identity: Option<(i64, u64)>,
    /// Vocabulary file, if it was written for the fingerprint asked with.
    pub written: Option<WrittenOutput>,
}

/// A vocabulary file as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenOutput {
    /// Place relative to the output folder.
    pub output: String,
    /// Number of its bytes, if the program that wrote it kept that.
    pub bytes: Option<u64>,
    /// First 8 bytes of the SHA-256 of its bytes.
    pub sha: Option<[u8; 8]>,
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
    pub sha: Fingerprint,
    /// Output path relative to the output folder, `/`-separated, to be taken literally.
    pub output: String,
    /// Runs that aborted while they worked on its document.
    pub aborts: u32,
}

pub(super) fn record(db: &Database, change: &FileChange) -> Result<(), StoreError> {
    let path = change.path.as_str();
    let doc: Option<i64> = match &change.content {
        None => None,
        Some((sha, bytes)) => {
            db.execute("INSERT OR IGNORE INTO doc (sha, bytes) VALUES (?1, ?2)", params![sha.0, bytes.cast_signed()])?;
            Some(db.value("SELECT id FROM doc WHERE sha = ?1", [&sha.0])?)
        }
    };
    let old: Option<(i64, Option<i64>)> =
        db.row("SELECT state, doc FROM file WHERE path = ?1", [path], |r| Ok((r.get(0)?, r.get(1)?)))?;
    if change.state != FileState::Present {
        release(db, path, change.state)?;
    }
    let (kind, message) = change.failure.as_ref().map_or((None, None), |f| (Some(f.kind.name()), Some(&f.message)));
    db.execute(
        "INSERT INTO file (path, state, doc, size, mtime_ns, fail_kind, fail_message, ctime_ns, inode)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (path) DO UPDATE SET state=?2, doc=?3, size=?4, mtime_ns=?5, fail_kind=?6, fail_message=?7, ctime_ns=?8,
                inode=?9, attempts=0",
        params![
            path,
            change.state as i64,
            doc,
            change.size.cast_signed(),
            change.mtime_ns,
            kind,
            message,
            change.identity.map(|(ctime, _)| ctime),
            change.identity.map(|(_, inode)| inode.cast_signed())
        ],
    )?;
    let held = old.filter(|&(state, _)| state == FileState::Present as i64).and_then(|(_, doc)| doc);
    let holds = doc.filter(|_| change.state == FileState::Present);
    if held != holds {
        // release() has already let go of a document when the file stopped being one.
        if change.state == FileState::Present {
            count_live(db, held, -1)?;
        }
        count_live(db, holds, 1)?;
    }
    match change.scope {
        Scope::Whole => Ok(()),
        part => choose(db, path, part),
    }
}

/// Keeps what an older program did not know of an unchanged file.
pub(super) fn identify(db: &Database, path: &SourcePath, (ctime, inode): (i64, u64)) -> Result<(), StoreError> {
    db.execute(
        "UPDATE file SET ctime_ns = ?2, inode = ?3 WHERE path = ?1",
        params![path.as_str(), ctime, inode.cast_signed()],
    )
    .map(drop)
}

fn count_live(db: &Database, doc: Option<i64>, by: i64) -> Result<(), StoreError> {
    let Some(doc) = doc else { return Ok(()) };
    db.execute("UPDATE doc SET live = live + ?2 WHERE id = ?1", params![doc, by]).map(drop)
}

pub(super) fn choose(db: &Database, path: &str, scope: Scope) -> Result<(), StoreError> {
    db.execute("UPDATE file SET scope = ?2 WHERE path = ?1", params![path, scope])?;
    db.execute("UPDATE doc SET scope = ?2 WHERE id = (SELECT doc FROM file WHERE path = ?1)", params![path, scope])
        .map(drop)
}

/// A file stops being a present document: its output becomes an orphan and its name is free again.
pub(super) fn release(db: &Database, path: &str, state: FileState) -> Result<(), StoreError> {
    db.execute(
        "INSERT OR REPLACE INTO orphan (output, sha)
         SELECT output, written_sha FROM file WHERE path = ?1 AND output IS NOT NULL AND written_sha IS NOT NULL",
        [path],
    )?;
    db.execute(
        "UPDATE doc SET live = live - 1 WHERE id = (SELECT doc FROM file WHERE path = ?1 AND state = 0)",
        [path],
    )?;
    db.execute(
        "UPDATE file SET state=?2, output=NULL, output_key=NULL, written_fp=NULL, written_doc=NULL, written_sha=NULL,
                terms=0, flagged=0 WHERE path = ?1",
        params![path, state as i64],
    )
    .map(drop)
}

/// Names for the files that have none, in path order. `output_key` is unique: two names never differ in case alone.
pub(super) fn name_outputs(db: &Database, candidates: fn(&SourcePath) -> Vec<String>) -> Result<(), StoreError> {
    let next = "SELECT path FROM file WHERE state = 0 AND output IS NULL ORDER BY path LIMIT 1";
    while let Some(path) = db.row(next, [], |r| r.get::<_, String>(0))? {
        for name in candidates(&SourcePath::from_text(path.as_str())) {
            let named = db.execute(
                "UPDATE OR IGNORE file SET output = ?2, output_key = ?3 WHERE path = ?1",
                params![path, name, name.to_lowercase()],
            )?;
            if named == 1 {
                break;
            }
        }
    }
    Ok(())
}

pub(super) fn output_lost(db: &Database, path: &SourcePath) -> Result<(), StoreError> {
    db.execute("UPDATE file SET written_fp = NULL, written_doc = NULL WHERE path = ?1", [path.as_str()]).map(drop)
}

/// The output of a file as it was published.
pub(super) struct Written<'a> {
    pub(super) path: &'a SourcePath,
    pub(super) fp: FpId,
    pub(super) doc: DocId,
    pub(super) sha: [u8; 8],
    pub(super) bytes: u64,
    pub(super) terms: u64,
    pub(super) flagged: u64,
}

pub(super) fn written(db: &Database, file: &Written<'_>) -> Result<(), StoreError> {
    let path = file.path.as_str();
    db.execute(
        "UPDATE file SET written_fp=?2, written_doc=?3, written_sha=?4, terms=?5, flagged=?6, written_bytes=?7,
                fail_kind=NULL, fail_message=NULL, attempts=0 WHERE path=?1",
        params![
            path,
            file.fp,
            file.doc,
            file.sha,
            file.terms.cast_signed(),
            file.flagged.cast_signed(),
            file.bytes.cast_signed()
        ],
    )?;
    db.execute("DELETE FROM orphan WHERE output = (SELECT output FROM file WHERE path=?1)", [path]).map(drop)
}

pub(super) fn write_failed(
    db: &Database,
    path: &SourcePath,
    attempts: u32,
    failure: &Failure,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE file SET written_fp=NULL, written_doc=NULL, fail_kind=?2, fail_message=?3, attempts=?4 WHERE path=?1",
        params![path.as_str(), failure.kind.name(), failure.message, attempts],
    )
    .map(drop)
}

fn source_path(r: &Row<'_>, column: usize) -> rusqlite::Result<SourcePath> {
    r.get::<_, String>(column).map(SourcePath::from_text)
}

impl Reader {
    /// Known files after `after` in path order, at most `limit`.
    pub fn files_after(&self, write_fp: FpId, after: &str, limit: usize) -> Result<FilePage, StoreError> {
        self.db.rows(
            "SELECT path, state, size, mtime_ns,
                    CASE WHEN written_fp IS ?1 AND written_doc IS doc AND fail_kind IS NULL THEN output END,
                    written_bytes, written_sha, ctime_ns, inode
             FROM file WHERE path > ?2 ORDER BY path LIMIT ?3",
            params![write_fp, after, limit as i64],
            |r| {
                let (bytes, sha) = (r.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned), r.get(6)?);
                let written = r.get::<_, Option<String>>(4)?.map(|output| WrittenOutput { output, bytes, sha });
                let (ctime, inode): (Option<i64>, Option<i64>) = (r.get(7)?, r.get(8)?);
                Ok(FileRow {
                    path: source_path(r, 0)?,
                    state: FileState::from_number(r.get(1)?),
                    size: unsigned(r, 2)?,
                    mtime_ns: r.get(3)?,
                    identity: ctime.zip(inode.map(i64::cast_unsigned)),
                    written,
                })
            },
        )
    }

    /// Files after `after` whose document has come through the stage before `write`, and whose vocabulary file is not written yet.
    /// Failed ones are left out.
    pub fn files_to_write(
        &self,
        fps: &StageFps,
        scope: Scope,
        after: &str,
        limit: usize,
    ) -> Result<Vec<PendingFile>, StoreError> {
        let Some(through) = Stage::Write.before().map(|stage| fps[stage]) else { return Ok(Vec::new()) };
        self.db.rows(
            "SELECT f.path, f.doc, d.sha, f.output, d.aborts FROM file f
             JOIN done e ON e.fp = ?1 AND e.doc = f.doc AND e.state = 1 JOIN doc d ON d.id = f.doc
             WHERE f.path > ?4 AND f.state = 0 AND (?3 = 0 OR f.scope = ?3) AND f.fail_kind IS NULL
               AND (f.written_fp IS NOT ?2 OR f.written_doc IS NOT f.doc) AND f.output IS NOT NULL
             ORDER BY f.path LIMIT ?5",
            params![through, fps[Stage::Write], scope, after, limit as i64],
            pending_file,
        )
    }

    /// The present files of a document in scope, in path order.
    pub fn files_of(&self, doc: DocId, scope: Scope) -> Result<Vec<PendingFile>, StoreError> {
        self.db.rows(
            "SELECT f.path, f.doc, d.sha, f.output, d.aborts FROM file f JOIN doc d ON d.id = f.doc
             WHERE f.doc = ?1 AND f.doc IS NOT NULL AND f.state = 0 AND (?2 = 0 OR f.scope = ?2) AND f.output IS NOT NULL
             ORDER BY f.path",
            params![doc, scope],
            pending_file,
        )
    }

    /// One present path of a document, the first in path order.
    pub fn path_of(&self, doc: DocId) -> Result<Option<SourcePath>, StoreError> {
        self.db.row(
            "SELECT path FROM file WHERE doc = ?1 AND doc IS NOT NULL AND state = 0 ORDER BY path LIMIT 1",
            [doc],
            |r| source_path(r, 0),
        )
    }

    /// The first 8 bytes of the SHA-256 of what was written last to `output`, if this store's runs wrote it.
    pub fn written(&self, output: &str) -> Result<Option<[u8; 8]>, StoreError> {
        self.db.row(
            "SELECT written_sha FROM file WHERE output_key = ?2 AND output = ?1 AND written_sha IS NOT NULL
             UNION ALL SELECT sha FROM orphan WHERE output = ?1",
            [output, &output.to_lowercase()],
            |r| r.get(0),
        )
    }

    /// Present documents (distinct contents) and present files in scope.
    pub fn corpus_size(&self, scope: Scope) -> Result<(u64, u64), StoreError> {
        Ok((
            self.db.count("SELECT count(*) FROM doc WHERE live > 0 AND (?1 = 0 OR scope = ?1)", [scope])?,
            self.db.count("SELECT count(*) FROM file WHERE state IN (0, 3) AND (?1 = 0 OR scope = ?1)", [scope])?,
        ))
    }

    /// Test whether any file is known.
    pub fn has_files(&self) -> Result<bool, StoreError> {
        self.db.value("SELECT EXISTS (SELECT 1 FROM file)", [])
    }

    /// Test whether a present file has no name for its vocabulary file.
    pub fn has_unnamed_files(&self) -> Result<bool, StoreError> {
        self.db.value("SELECT EXISTS (SELECT 1 FROM file WHERE state = 0 AND output IS NULL)", [])
    }

    /// Files passed over because they are no documents.
    pub fn ignored_files(&self) -> Result<u64, StoreError> {
        self.db.count("SELECT count(*) FROM file WHERE state = 2", [])
    }
}

fn pending_file(r: &Row<'_>) -> rusqlite::Result<PendingFile> {
    Ok(PendingFile {
        path: source_path(r, 0)?,
        doc: r.get(1)?,
        sha: Fingerprint(r.get(2)?),
        output: r.get(3)?,
        aborts: r.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Filled, done, present};
    use crate::store::{Change, Publication};

    fn named(path: &SourcePath) -> Vec<String> {
        let stem = path.as_str().rsplit_once('.').unwrap().0;
        vec![format!("{stem}.json"), format!("{path}.json")]
    }

    fn output(store: &Filled, path: &str) -> Option<String> {
        store.reader.db.row("SELECT output FROM file WHERE path = ?1", [path], |r| r.get(0)).unwrap().unwrap()
    }

    #[test]
    fn names_of_outputs_never_differ_in_case_alone_and_stay_once_they_are_given() {
        let store = Filled::new();
        store.put(&[("Rules.pdf", 1), ("rules.epub", 2)]);
        store.change(vec![Change::NameOutputs(named)]);
        assert_eq!(output(&store, "Rules.pdf").as_deref(), Some("Rules.json"));
        assert_eq!(output(&store, "rules.epub").as_deref(), Some("rules.epub.json"));
        // In path order this one would have come first.
        store.put(&[("RULES.docx", 3)]);
        store.change(vec![Change::NameOutputs(named)]);
        assert_eq!(output(&store, "Rules.pdf").as_deref(), Some("Rules.json"));
        assert_eq!(output(&store, "RULES.docx").as_deref(), Some("RULES.docx.json"));
    }

    #[test]
    fn a_document_is_there_as_long_as_one_of_its_files_is() {
        let store = Filled::new();
        store.put(&[("a.pdf", 1), ("copy.pdf", 1), ("b.pdf", 2)]);
        assert_eq!(store.reader.corpus_size(Scope::Whole).unwrap(), (2, 3));
        store.change(vec![Change::Gone(SourcePath::from_text("a.pdf"))]);
        assert_eq!(store.reader.corpus_size(Scope::Whole).unwrap(), (2, 2));
        assert_eq!(store.reader.path_of(store.doc(1)).unwrap(), Some(SourcePath::from_text("copy.pdf")));
        // Told twice, it counts once.
        store.change(vec![
            Change::Gone(SourcePath::from_text("a.pdf")),
            Change::Gone(SourcePath::from_text("copy.pdf")),
        ]);
        assert_eq!(store.reader.corpus_size(Scope::Whole).unwrap(), (1, 1));
        store.put(&[("a.pdf", 1)]);
        assert_eq!(store.reader.corpus_size(Scope::Whole).unwrap(), (2, 2));
        // Another content at the same place.
        store.put(&[("a.pdf", 2)]);
        assert_eq!(store.reader.corpus_size(Scope::Whole).unwrap(), (1, 2));
        assert_eq!(store.number("SELECT sum(live) FROM doc"), 2);
    }

    #[test]
    fn what_a_file_that_went_has_left_is_an_orphan_until_it_is_written_again() {
        let store = Filled::new();
        let write = |content| {
            let temporary = store.store.temporary_folder().join("t");
            std::fs::write(&temporary, b"terms").unwrap();
            let target = store.store.output().join("a.json");
            let path = SourcePath::from_text("a.pdf");
            let (fp, doc) = (store.fps[Stage::Write], store.doc(content));
            let publication = Publication { temporary, target };
            store.change(vec![
                Change::NameOutputs(named),
                done(store.fps[Stage::Extract], doc),
                Change::Written { path, fp, doc, publication, sha: [content; 8], bytes: 5, terms: 1, flagged: 0 },
            ]);
        };
        store.put(&[("a.pdf", 1)]);
        write(1);
        assert_eq!(store.reader.written("a.json").unwrap(), Some([1; 8]));
        store.change(vec![Change::Gone(SourcePath::from_text("a.pdf"))]);
        assert_eq!(store.number("SELECT count(*) FROM orphan WHERE output = 'a.json'"), 1);
        assert_eq!(store.reader.written("a.json").unwrap(), Some([1; 8]), "what was written there is still known");
        store.put(&[("a.pdf", 2)]);
        write(2);
        assert_eq!(store.number("SELECT count(*) FROM orphan"), 0);
        assert_eq!(store.reader.written("a.json").unwrap(), Some([2; 8]));
    }

    #[test]
    fn known_files_come_page_by_page_in_path_order_with_what_they_were() {
        let store = Filled::new();
        store.put(&[("c.pdf", 3), ("a.pdf", 1), ("b.pdf", 2)]);
        let mut unreadable = present("d.pdf", 4);
        (unreadable.state, unreadable.content, unreadable.size, unreadable.mtime_ns) =
            (FileState::Unreadable, None, 9, 8);
        store.change(vec![Change::File(unreadable)]);
        let page = |after: &str| store.reader.files_after(store.fps[Stage::Write], after, 2).unwrap();
        let paths = |page: &FilePage| page.iter().map(|row| row.path.as_str().to_owned()).collect::<Vec<_>>();
        assert_eq!(paths(&page("")), ["a.pdf", "b.pdf"]);
        let last = page("b.pdf");
        assert_eq!(paths(&last), ["c.pdf", "d.pdf"]);
        assert_eq!((last[0].state, last[0].size, last[0].mtime_ns), (FileState::Present, 5, 7));
        assert_eq!((last[1].state, last[1].size, last[1].mtime_ns), (FileState::Unreadable, 9, 8));
        assert_eq!(page("d.pdf"), []);
    }
}
