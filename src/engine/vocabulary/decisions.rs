//! The decisions of an output folder: read, added to and taken back, by several programs at once.

use std::io::ErrorKind;
use std::path::Path;

use jiff::Timestamp;

use super::consolidate::{ConsolidateError, io};
use crate::stages::consolidate::{Decision, Decisions, DecisionsError, Ruling, carried, check_queue, cleared, waiting};
use crate::store::{Disk, Lock, RunLock, StoreError, replace_if_other};
use crate::values::{DECISIONS_FILE, REVIEW_FILE, ReviewQueue};

/// Looks at a lock that another program holds while it writes: a tenth of a second each.
const LOOKS: u32 = 50;

/// Place where decisions are made: the folder, and who decides when.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// Disk that is written to.
    pub disk: &'a dyn Disk,
    /// The output folder.
    pub folder: &'a Path,
    /// Introduction of this program to another that finds the folder locked.
    pub holder: &'a str,
    /// Time of the decisions that are made.
    pub now: Timestamp,
}

/// The decisions of a folder as they stand, with those that wait in its review queue. Takes no lock and writes nothing: files are replaced
/// whole, so this sees them as they were before or after somebody else's change.
///
/// # Errors
/// If a file cannot be read, is broken, or decisions contradict each other.
pub fn decisions(folder: &Path, now: Timestamp) -> Result<Decisions, ConsolidateError> {
    let queue = queue(folder)?;
    read(folder)?.with(carried(&queue), now).map_err(unusable)
}

/// The review queue of a folder, as it stands; an empty one if there is none.
///
/// # Errors
/// If it cannot be read, is no queue, or its decisions contradict each other.
pub fn queue(folder: &Path) -> Result<ReviewQueue, ConsolidateError> {
    let bytes = bytes(&folder.join(REVIEW_FILE))?;
    bytes.map_or_else(|| Ok(ReviewQueue::default()), |bytes| check_queue(&bytes).map_err(ConsolidateError::Unusable))
}

impl Desk<'_> {
    /// Adds decisions, each about a term (its comparison form), its text and what is decided; those of one call are taken back together.
    /// They are durable when this returns. Returns what stands then.
    ///
    /// # Errors
    /// If one contradicts another, the files cannot be read or written, or somebody else holds them for seconds. Nothing is changed then.
    pub fn append(
        &self,
        new: impl IntoIterator<Item = (String, String, Ruling)>,
    ) -> Result<Decisions, ConsolidateError> {
        let _lock = self.lock()?;
        let (decisions, ..) = self.take_over_locked()?;
        let after = decisions.with(new, self.now).map_err(unusable)?;
        self.write(&after)?;
        Ok(after)
    }

    /// Takes the newest decision back, or the newest on one term, with those that were made in the same call. Returns what stands then, and
    /// what was taken back: nothing, if there was no decision.
    ///
    /// # Errors
    /// As of [`Desk::append`].
    pub fn undo(&self, term: Option<&str>) -> Result<(Decisions, Vec<Decision>), ConsolidateError> {
        let _lock = self.lock()?;
        let (decisions, ..) = self.take_over_locked()?;
        let Some((after, gone)) = decisions.without_newest(term).map_err(unusable)? else {
            return Ok((decisions, Vec::new()));
        };
        self.write(&after)?;
        Ok((after, gone))
    }

    /// Decisions and queue, after what stands in the queue was taken over, and how much that was.
    pub(super) fn take_over(&self) -> Result<(Decisions, ReviewQueue, u64), ConsolidateError> {
        let _lock = self.lock()?;
        self.take_over_locked()
    }

    /// Puts a new queue in the place of the one that is there, whose decisions are taken over. Returns the number of terms that wait.
    pub(super) fn publish(&self, queue: &ReviewQueue) -> Result<u64, ConsolidateError> {
        let _lock = self.lock()?;
        let (decisions, ..) = self.take_over_locked()?;
        self.write_queue(queue)?;
        Ok(waiting(queue, &decisions))
    }

    fn take_over_locked(&self) -> Result<(Decisions, ReviewQueue, u64), ConsolidateError> {
        let (before, queue) = (read(self.folder)?, queue(self.folder)?);
        let decisions = before.with(carried(&queue), self.now).map_err(unusable)?;
        let taken = decisions.lines().len() - before.lines().len();
        // First where they stand from now on: a crash in between leaves them in both files, and the next look finds nothing new.
        self.write(&decisions)?;
        let queue = cleared(queue);
        if self.folder.join(REVIEW_FILE).exists() {
            self.write_queue(&queue)?;
        }
        Ok((decisions, queue, taken as u64))
    }

    fn write(&self, decisions: &Decisions) -> Result<(), ConsolidateError> {
        if decisions.is_empty() && !self.folder.join(DECISIONS_FILE).exists() {
            return Ok(());
        }
        self.replace(DECISIONS_FILE, &Decision::write_all(decisions.lines()))
    }

    fn write_queue(&self, queue: &ReviewQueue) -> Result<(), ConsolidateError> {
        let mut bytes = serde_json::to_vec_pretty(queue).expect("string keys and finite numbers");
        bytes.push(b'\n');
        self.replace(REVIEW_FILE, &bytes)
    }

    /// Replaces a file whole; one that says the same already is left alone.
    fn replace(&self, name: &str, new: &[u8]) -> Result<(), ConsolidateError> {
        let file = &self.folder.canonicalize().map_err(io("find", self.folder))?.join(name);
        replace_if_other(self.disk, file, new).map_err(io("write", file))
    }

    fn lock(&self) -> Result<RunLock, ConsolidateError> {
        let mut looks = 1;
        loop {
            match RunLock::take(self.folder, Lock::Review, self.holder) {
                Err(StoreError::Locked { .. }) if looks < LOOKS => looks += 1,
                taken => return Ok(taken?),
            }
        }
    }
}

fn read(folder: &Path) -> Result<Decisions, ConsolidateError> {
    let bytes = bytes(&folder.join(DECISIONS_FILE))?.unwrap_or_default();
    Decision::read_all(&bytes).and_then(Decisions::of).map_err(unusable)
}

fn unusable(error: DecisionsError) -> ConsolidateError {
    let DecisionsError(words) = error;
    ConsolidateError::Unusable(format!("{DECISIONS_FILE}: {words}"))
}

fn bytes(file: &Path) -> Result<Option<Vec<u8>>, ConsolidateError> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io("read", file)(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MachineDisk;
    use crate::store::faulty::{Fault, FaultyDisk};

    fn about(term: &str, ruling: Ruling) -> (String, String, Ruling) {
        (term.to_owned(), term.to_owned(), ruling)
    }

    fn desk<'a>(disk: &'a dyn Disk, folder: &'a Path) -> Desk<'a> {
        Desk { disk, folder, holder: "a test", now: "2026-11-27T10:00:00Z".parse().unwrap() }
    }

    const QUEUE: &str = r#"{"schema_version": 1, "entries": [
        {"canonical": "orc", "text": "Orc", "flag": "blocklist:x", "decision": "drop", "notes": "seen by Ada"},
        {"canonical": "elf", "text": "Elf", "flag": "blocklist:x", "decision": null}]}"#;

    #[test]
    fn decisions_of_a_queue_of_before_are_taken_over_and_no_crash_on_the_way_loses_one() {
        for n in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let folder = dir.path();
            std::fs::write(folder.join(REVIEW_FILE), QUEUE).unwrap();
            let disk = FaultyDisk::failing(n, Fault::ForGood(ErrorKind::Other));
            let said = desk(&disk, folder).append([about("elf", Ruling::Keep)]);
            disk.cut_power();
            let after = decisions(folder, Timestamp::UNIX_EPOCH).unwrap();
            assert_eq!(after.history("orc").count(), 2, "fault at {n}");
            assert!(said.is_err() || after.on("elf").is_some(), "fault at {n}");
            if !disk.has_failed() {
                let queue = std::fs::read_to_string(folder.join(REVIEW_FILE)).unwrap();
                assert!(!queue.contains("drop") && !queue.contains("Ada"), "{queue}");
                assert!(n > 4, "the files went past the disk");
                break;
            }
        }
    }

    #[test]
    fn many_who_decide_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for who in 0..4 {
                let folder = dir.path();
                scope.spawn(move || {
                    for n in 0..5 {
                        desk(&MachineDisk, folder).append([about(&format!("term {who} {n}"), Ruling::Keep)]).unwrap();
                    }
                });
            }
        });
        assert_eq!(decisions(dir.path(), Timestamp::UNIX_EPOCH).unwrap().standing().count(), 20);
    }

    #[test]
    fn what_was_taken_back_is_gone_from_the_file_and_does_not_come_again() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(REVIEW_FILE), QUEUE).unwrap();
        let desk = desk(&MachineDisk, dir.path());
        desk.append([about("elf", Ruling::Drop), about("elk", Ruling::Keep)]).unwrap();
        assert_eq!(desk.undo(None).unwrap().1.len(), 2);
        assert_eq!(desk.undo(Some("orc")).unwrap().1.len(), 2, "decision and note of the queue came together");
        assert!(desk.undo(None).unwrap().1.is_empty());
        assert_eq!(std::fs::read_to_string(dir.path().join(DECISIONS_FILE)).unwrap(), "");
        assert!(decisions(dir.path(), Timestamp::UNIX_EPOCH).unwrap().is_empty());
    }
}
