//! Locks of the database file: SQLite's own rules for keeping a store whole rest on them.

use std::os::unix::fs::MetadataExt;

use crate::store::Store;

/// Locks that the system holds on a file, by whoever.
fn locks(file: &std::path::Path) -> usize {
    let inode = std::fs::metadata(file).unwrap().ino().to_string();
    let held = std::fs::read_to_string("/proc/locks").unwrap();
    held.lines().filter(|line| line.split_whitespace().any(|word| word.rsplit(':').next() == Some(&inode))).count()
}

/// A process that closes a file loses all its locks on it, whoever took them: one look at the database by anything but SQLite, and another
/// program writes into the middle of what this one does. <https://www.sqlite.org/howtocorrupt.html>, section 2.2.
#[test]
fn whoever_opens_the_store_once_more_leaves_the_locks_of_the_first_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_or_create(dir.path()).unwrap();
    let reader = store.reader().unwrap();
    // A connection that has read holds the file in shared memory for as long as it is open.
    reader.meta("generation").unwrap();
    let files = [store.database(), store.database().with_extension("sqlite-shm")];
    let held: Vec<usize> = files.iter().map(|file| locks(file)).collect();
    assert!(held.iter().sum::<usize>() > 0, "SQLite holds locks: {held:?}");
    let second = store.reader().unwrap();
    second.meta("generation").unwrap();
    Store::open_existing(dir.path()).unwrap().check_integrity().unwrap();
    let after: Vec<usize> = files.iter().map(|file| locks(file)).collect();
    assert!(held.iter().zip(&after).all(|(before, after)| before <= after), "{held:?} before, {after:?} after");
}
