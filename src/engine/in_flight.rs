//! Documents that are being worked on, in a file that outlives this process: a document that ends the program each time is set aside by a
//! later run, and the others are done.
//!
//! The file begins with a mark of 8 bytes, which the program sets when it aborts (memory that cannot be had, a stack that overflows); a number of a
//! document in 8 bytes follows for each that is being worked on, or 0. A program that is killed from outside leaves no mark: that is
//! no document's doing.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::error::RunError;
use crate::store::{DocId, STORE_FOLDER, Session, Store, create_beneath, open_beneath};
use crate::values::{Failure, FailureKind, Stage};

/// Aborted runs after which a document is set aside.
const ENOUGH: u32 = 2;

/// Bytes of the mark, and of each number.
const CELL: u64 = 8;

/// Most of the file that is read: more documents than this are never worked on at once.
const MOST: u64 = 1 << 20;

/// Documents in flight. Writing a number costs one call and is not synced: a power cut is no document's doing either.
pub(super) struct InFlight {
    file: File,
    slots: Mutex<Slots>,
    /// Held for reading by each that works on a document, and for writing by one that works on a suspect.
    turn: RwLock<()>,
    /// True if a run before this one aborted.
    suspicious: bool,
}

#[derive(Default)]
struct Slots {
    free: Vec<u64>,
    next: u64,
}

/// Turn at working on a document.
#[expect(dead_code, reason = "dropping them is what they are for")]
enum Turn<'a> {
    /// Others work beside it.
    Beside(RwLockReadGuard<'a, ()>),
    /// Nobody else works: if the program aborts now, this document is the cause.
    Alone(RwLockWriteGuard<'a, ()>),
}

/// A document that is being worked on, until this is dropped.
pub(super) struct Held<'a> {
    of: &'a InFlight,
    slot: u64,
    _turn: Turn<'a>,
}

impl InFlight {
    /// Takes up what a run before left behind, and begins anew. `mark` gets the file at whose beginning a byte has to be written when the
    /// program aborts.
    pub(super) fn begin(store: &Store, session: &mut Session, mark: fn(File)) -> Result<Self, RunError> {
        let path = store.output().join(STORE_FOLDER).join("in-flight");
        let left = left_behind(&path);
        session.count_aborts(&left)?;
        let failed = |source| RunError::Io { action: "write", file: path.clone(), source };
        let file = create_beneath(&path).map_err(failed)?;
        file.write_all_at(&[0; CELL as usize], 0).map_err(failed)?;
        // Both have one place at which they write, which stays at the beginning: numbers are written at places of their own.
        mark(file.try_clone().map_err(failed)?);
        Ok(Self { file, slots: Mutex::default(), turn: RwLock::new(()), suspicious: !left.is_empty() })
    }

    /// Ends a run that came to its end: who was under suspicion did no harm.
    pub(super) fn end(&self, session: &mut Session) -> Result<(), RunError> {
        if self.suspicious { Ok(session.forget_aborts(ENOUGH)?) } else { Ok(()) }
    }

    /// Turn for a document; the reason for which it gets none, if the program aborted too often while it worked on it.
    pub(super) fn hold(&self, doc: DocId, aborts: u32, stage: Stage) -> Result<Held<'_>, Failure> {
        if aborts >= ENOUGH {
            let message = format!(
                "the program ended by itself {aborts} times while it worked on this document; it is left out of {} so that the others are done; please report it, --retry-failed tries again",
                stage.name()
            );
            return Err(Failure::new(FailureKind::Crashed, message));
        }
        // A panic of another holder says nothing about the lock.
        let turn = if aborts > 0 {
            Turn::Alone(self.turn.write().unwrap_or_else(std::sync::PoisonError::into_inner))
        } else {
            Turn::Beside(self.turn.read().unwrap_or_else(std::sync::PoisonError::into_inner))
        };
        let slot = {
            let mut slots = self.slots.lock().expect("no panic while the lock is held");
            slots.free.pop().unwrap_or_else(|| {
                slots.next += 1;
                slots.next
            })
        };
        self.write(slot, doc);
        Ok(Held { of: self, slot, _turn: turn })
    }

    fn write(&self, slot: u64, doc: DocId) {
        // Without the note the document would only not be known after an abort.
        let _ = self.file.write_all_at(&doc.0.to_le_bytes(), slot * CELL);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.of.write(self.slot, DocId(0));
        self.of.slots.lock().expect("no panic while the lock is held").free.push(self.slot);
    }
}

/// Documents that an aborted run was working on.
fn left_behind(path: &Path) -> Vec<DocId> {
    let mut bytes = Vec::new();
    let read = open_beneath(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes));
    let mut numbers =
        bytes.chunks_exact(CELL as usize).map(|cell| i64::from_le_bytes(cell.try_into().expect("8 bytes")));
    let marked = read.is_ok() && numbers.next().is_some_and(|mark| mark != 0);
    if marked { numbers.filter(|doc| *doc > 0).map(DocId).collect() } else { Vec::new() }
}

#[cfg(test)]
impl InFlight {
    /// A record in the file of a test.
    pub(super) fn nowhere() -> Self {
        let file = tempfile::tempfile().unwrap();
        Self { file, slots: Mutex::default(), turn: RwLock::new(()), suspicious: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn begun(store: &Store) -> (InFlight, File) {
        static MARK: Mutex<Option<File>> = Mutex::new(None);
        let mut session = Session::begin(store).unwrap();
        let begun = InFlight::begin(store, &mut session, |file| *MARK.lock().unwrap() = Some(file)).unwrap();
        let mark = MARK.lock().unwrap().take().unwrap();
        (begun, mark)
    }

    #[test]
    fn what_was_in_flight_is_known_after_an_abort_and_not_after_a_kill() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_or_create(dir.path()).unwrap();
        let path = store.output().join(STORE_FOLDER).join("in-flight");
        let (flight, mut mark) = begun(&store);
        let one = flight.hold(DocId(7), 0, Stage::Parse).unwrap();
        let two = flight.hold(DocId(8), 0, Stage::Parse).unwrap();
        drop(one);
        let three = flight.hold(DocId(9), 0, Stage::Parse).unwrap();
        assert_eq!(left_behind(&path), [], "killed");
        mark.write_all(b"X").unwrap();
        assert_eq!(left_behind(&path), [DocId(9), DocId(8)]);
        drop((two, three));
        assert_eq!(left_behind(&path), []);
        assert!(flight.hold(DocId(7), 2, Stage::Chunk).is_err_and(|f| f.kind == FailureKind::Crashed));
        // A suspect works alone.
        let alone = flight.hold(DocId(7), 1, Stage::Chunk).unwrap();
        assert!(flight.turn.try_read().is_err());
        drop(alone);
        assert!(flight.turn.try_read().is_ok());
    }
}
