//! One run at a time on an output folder.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use super::{STORE_FOLDER, StoreError, beneath};

/// Looks at a lock that is held: whoever only asks for its holder has it for an instant.
const LOOKS: u32 = 5;

/// Time between two of them.
const BETWEEN: Duration = Duration::from_millis(20);

/// Part of an output folder that one at a time works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Store and vocabulary files.
    Run,
    /// The review queue.
    Review,
}

impl Lock {
    fn folder(self, output: &Path) -> PathBuf {
        let own = output.join(STORE_FOLDER);
        match self {
            Self::Run => own,
            Self::Review => own.join("review"),
        }
    }
}

/// Holds a part of the output folder for as long as it lives. The operating system lets go of it when the process ends in
/// any way, so a lock never outlives a crash.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "dropping the file releases the lock")] File);

impl RunLock {
    /// Takes the lock, leaving `holder` (a sentence part such as "process 12 on host x since ...") for others to read. The output
    /// folder is there; its own folder of this program is made if it is missing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder's own words if somebody has it.
    pub fn take(output: &Path, lock: Lock, holder: &str) -> Result<Self, StoreError> {
        let canonical = output.canonicalize().map_err(|e| StoreError::from_io("find", output, e))?;
        let folder = lock.folder(&canonical);
        beneath::create_folder(&folder).map_err(|e| StoreError::from_io("create", &folder, e))?;
        let path = folder.join("lock");
        let io = |action| move |e| StoreError::from_io(action, &lock.folder(output).join("lock"), e);
        let mut file = beneath::open(&path, OFlags::RDWR | OFlags::CREATE).map_err(io("create"))?;
        let mut looks = 1;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if looks < LOOKS => {
                    looks += 1;
                    std::thread::sleep(BETWEEN);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked { folder: output.to_path_buf(), holder: words(&mut file) });
                }
                Err(TryLockError::Error(e)) => return Err(io("lock")(e)),
            }
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(io("write"))?;
        Ok(Self(file))
    }

    /// Introduction of whoever holds the lock, if somebody does.
    ///
    /// # Errors
    /// If the lock cannot be looked at.
    pub fn holder(output: &Path, lock: Lock) -> Result<Option<String>, StoreError> {
        let canonical = output.canonicalize().map_err(|e| StoreError::from_io("find", output, e))?;
        let path = lock.folder(&canonical).join("lock");
        let io = |e| StoreError::from_io("look at", &path, e);
        let mut file = match beneath::open_to_read(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io(e)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(words(&mut file))),
            Err(TryLockError::Error(e)) => Err(io(e)),
        }
    }
}

/// Introduction that stands in a lock's file.
fn words(file: &mut File) -> String {
    let mut holder = String::new();
    let _ = file.read_to_string(&mut holder);
    if holder.is_empty() { "another run".to_owned() } else { holder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_holds_a_lock_is_told_and_who_asks_does_not_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let holder = || RunLock::holder(dir.path(), Lock::Run).unwrap();
        assert_eq!(holder(), None);
        let held = RunLock::take(dir.path(), Lock::Run, "process 7").unwrap();
        assert_eq!(holder().as_deref(), Some("process 7"));
        assert!(matches!(RunLock::take(dir.path(), Lock::Run, "me"), Err(StoreError::Locked { .. })));
        drop(held);
        assert_eq!(holder(), None);
        RunLock::take(dir.path(), Lock::Run, "process 8").unwrap();
    }
}
