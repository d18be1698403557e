//! One run at a time on an output folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::StoreError;

/// Holds the output folder for as long as it lives. The operating system lets go of it when the process ends in
/// any way, so a lock never outlives a crash.
#[derive(Debug)]
pub struct RunLock(#[expect(dead_code, reason = "dropping the file releases the lock")] File);

impl RunLock {
    /// Takes the lock, leaving `holder` (a sentence part such as "process 12 on host x since ...") for others to read.
    ///
    /// # Errors
    /// [`StoreError::Locked`] with the holder's own words if somebody has it.
    pub fn take(output: &Path, store_folder: &Path, holder: &str) -> Result<Self, StoreError> {
        let path = store_folder.join("lock");
        let io = |action| move |e| StoreError::from_io(action, &store_folder.join("lock"), e);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io("create"))?;
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
