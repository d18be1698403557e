//! The order in which a group becomes durable: renamed, its folders synced, committed, told.

use std::sync::{Arc, Mutex};

use super::filled::{done, present};
use crate::store::faulty::{Fault, FaultyDisk, Operation};
use crate::store::{
    Change, Checkpoint, Disk, DocId, FpId, Publication, Session, Store, StoreError, Writer, write_synced,
};
use crate::values::{Event, Fingerprint, Phase, SourcePath, Stage};

const FP: FpId = FpId(1);

fn path() -> SourcePath {
    SourcePath::from_text("a.pdf")
}

fn event() -> Event {
    Event::DocumentDone {
        stage: Stage::Write.into(),
        document: String::new(),
        path: path(),
        terms: 1,
        flagged: 0,
        millis: 0,
        notes: Vec::new(),
    }
}

/// A store with one document, on a disk.
fn store_on(disk: Arc<dyn Disk>, folder: &std::path::Path) -> Store {
    let store = Store::open_or_create_on(disk, folder).unwrap().without_syncs();
    Session::begin(&store).unwrap().intern("write", None, &Fingerprint([1; 32]), "{}").unwrap();
    store
}

/// Lets a run of the store's writer publish one file.
fn publish_one(store: &Store, told: impl FnMut(Vec<Event>) + Send + 'static) -> Result<u64, StoreError> {
    let writer = Writer::start(store, || 0, told)?;
    writer.submit(Checkpoint::new(vec![Change::File(present("a.pdf", 1))], Vec::new()))?;
    let publication =
        Publication { temporary: store.temporary_folder().join("t"), target: store.output().join("a.vocab.json") };
    write_synced(&**store.disk(), &publication.temporary, b"terms").unwrap();
    let written = Change::Written {
        path: path(),
        fp: FP,
        doc: DocId(1),
        publication,
        sha: [1; 8],
        bytes: 5,
        terms: 1,
        flagged: 0,
    };
    // What the writer says of its end counts.
    let _ = writer.submit(Checkpoint::new(vec![done(FP, DocId(1)), written], vec![event()]));
    writer.finish()
}

/// Files that the store calls written, as another connection sees them now.
fn written(store: &Store) -> i64 {
    store.reader().unwrap().db.value("SELECT count(*) FROM file WHERE written_fp IS NOT NULL", []).unwrap()
}

#[test]
fn a_file_is_in_its_place_and_its_folder_synced_before_the_row_that_says_so_and_the_row_before_the_event() {
    let dir = tempfile::tempdir().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let looked_at = Store::open_or_create(dir.path()).unwrap();
    let disk = FaultyDisk::watched({
        let (seen, store) = (Arc::clone(&seen), looked_at.clone());
        move |operation| seen.lock().unwrap().push((operation.clone(), written(&store)))
    });
    let store = store_on(Arc::new(disk), dir.path());
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = {
        let (told, store) = (Arc::clone(&told), looked_at);
        move |events: Vec<Event>| events.iter().for_each(|_| told.lock().unwrap().push(written(&store)))
    };
    publish_one(&store, tell).unwrap();
    let seen = seen.lock().unwrap();
    let (temporary, target) = (store.temporary_folder().join("t"), dir.path().join("a.vocab.json"));
    let operations: Vec<&Operation> = seen.iter().map(|(operation, _)| operation).collect();
    let expected = [
        Operation::Create(temporary.clone()),
        Operation::Write(temporary.clone()),
        Operation::Sync(temporary.clone()),
        Operation::Rename(temporary, target),
        Operation::SyncFolder(dir.path().to_path_buf()),
        Operation::Commit,
    ];
    assert_eq!(operations, expected.iter().collect::<Vec<_>>());
    let (commit, before) = seen.split_last().unwrap();
    assert!(before.iter().all(|(_, written)| *written == 0), "committed before it was durable: {seen:?}");
    assert_eq!(commit.1, 1, "a commit is one when others see its rows");
    assert_eq!(*told.lock().unwrap(), [1], "one event, and when it was told the row was there for everybody");
}

#[test]
fn a_disk_that_fails_ends_the_run_with_the_name_of_the_file_and_nothing_is_called_written() {
    for (n, fault) in [(3, Fault::Once(std::io::ErrorKind::Other)), (4, Fault::ForGood(std::io::ErrorKind::Other))] {
        let dir = tempfile::tempdir().unwrap();
        let store = store_on(Arc::new(FaultyDisk::failing(n, fault)), dir.path());
        let told = Arc::new(Mutex::new(0));
        let count = Arc::clone(&told);
        let error = publish_one(&store, move |events| *count.lock().unwrap() += events.len()).unwrap_err();
        assert!(matches!(error, StoreError::Disk { .. }), "{error}");
        assert!(error.to_string().contains("a.vocab.json"), "{error}");
        assert_eq!((written(&store), *told.lock().unwrap()), (0, 0));
    }
}

#[test]
fn what_stands_in_the_way_of_one_file_is_that_files_failure() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_on(Arc::new(FaultyDisk::failing(3, Fault::Once(std::io::ErrorKind::IsADirectory))), dir.path());
    let told = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&told);
    publish_one(&store, move |events| keep.lock().unwrap().extend(events)).unwrap();
    let told = told.lock().unwrap();
    assert!(matches!(&told[..], [Event::DocumentFailed { stage: Phase::Stage(Stage::Write), .. }]), "{told:?}");
    let failed = "SELECT count(*) FROM file WHERE fail_kind = 'Io' AND written_fp IS NULL";
    assert_eq!(store.reader().unwrap().db.value::<i64>(failed, []).unwrap(), 1);
}

#[test]
fn a_group_that_cannot_be_committed_is_told_of_by_nobody_and_ends_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_on(Arc::new(FaultyDisk::sound()), dir.path());
    let db = store.write_connection().unwrap();
    db.script("CREATE INDEX no ON art (json('no' || id))").unwrap();
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let error = publish_one(&store, move |events| *count.lock().unwrap() += events.len()).unwrap_err();
    assert!(matches!(error, StoreError::Database { .. }), "{error}");
    assert_eq!(*told.lock().unwrap(), 0);
    let rows = "SELECT (SELECT count(*) FROM art) + (SELECT count(*) FROM done)";
    assert_eq!(db.value::<i64>(rows, []).unwrap(), 0, "all of a group or nothing");
}
