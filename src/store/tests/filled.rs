//! A store for tests, with short words for what happens to it.

use crate::store::{
    Change, Checkpoint, DocId, FileChange, FileState, FpId, Reader, Scope, Session, StageFps, Store, Writer,
};
use crate::values::{Failure, FailureKind, Fingerprint, SourcePath};

/// A store in a temporary folder, its writer and a reader.
pub(in crate::store) struct Filled {
    _dir: tempfile::TempDir,
    pub(in crate::store) store: Store,
    pub(in crate::store) writer: Writer,
    pub(in crate::store) reader: Reader,
    pub(in crate::store) fps: StageFps,
    pub(in crate::store) question: FpId,
}

impl Filled {
    pub(in crate::store) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_or_create(dir.path()).unwrap().without_syncs();
        let mut session = Session::begin(&store).unwrap();
        let mut fp = |n| session.intern("x", None, &Fingerprint([n; 32]), "{}").unwrap();
        let fps = StageFps::from_fn(|stage| fp(201 + stage as u8));
        let question = fp(205);
        let writer = Writer::start(&store, || 1_000, drop).unwrap();
        let reader = store.reader().unwrap();
        Self { _dir: dir, store, writer, reader, fps, question }
    }

    /// Makes changes in one checkpoint, durable when this returns.
    pub(in crate::store) fn change(&self, changes: Vec<Change>) {
        self.writer.submit(Checkpoint::new(changes, Vec::new())).unwrap();
        self.writer.flush().unwrap();
    }

    /// Files with these contents are present; equal contents are one document.
    pub(in crate::store) fn put(&self, files: &[(&str, u8)]) {
        self.change(files.iter().map(|(path, content)| Change::File(present(path, *content))).collect());
    }

    /// The number of a document by its content.
    pub(in crate::store) fn doc(&self, content: u8) -> DocId {
        let sql = "SELECT id FROM doc WHERE sha = ?1";
        DocId(self.reader.db.value(sql, [Fingerprint([content; 32]).0]).unwrap())
    }

    /// A number that a query gives.
    pub(in crate::store) fn number(&self, sql: &str) -> i64 {
        self.reader.db.value(sql, []).unwrap()
    }
}

pub(in crate::store) fn present(path: &str, content: u8) -> FileChange {
    FileChange {
        path: SourcePath::from_text(path),
        state: FileState::Present,
        content: Some((Fingerprint([content; 32]), 5)),
        size: 5,
        mtime_ns: 7,
        identity: None,
        failure: None,
        scope: Scope::Whole,
    }
}

/// A stage of a document is done, with one byte as its result.
pub(in crate::store) fn done(fp: FpId, doc: DocId) -> Change {
    let artifact = crate::store::encode(&doc.0);
    Change::Done { fp, doc, attempts: 1, terms: 2, notes: String::new(), gap: None, artifact }
}

pub(in crate::store) fn failed(fp: FpId, doc: DocId) -> Change {
    Change::Failed { fp, doc, attempts: 1, failure: failure() }
}

pub(in crate::store) fn failure() -> Failure {
    Failure::new(FailureKind::Empty, "it is empty")
}
