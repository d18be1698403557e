//! One run at a time on an output folder.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{STORE_FOLDER, StoreError, beneath};

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
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "another run".to_owned() } else { holder };
                return Err(StoreError::Locked { folder: output.to_path_buf(), holder });
            }
            Err(TryLockError::Error(e)) => return Err(io("lock")(e)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(io("write"))?;
        Ok(Self(file))
    }
}
