//! A note in an output folder about the run that is going on or was the last: written before the work begins, and written over in place
//! at its end, so that the end can be told on a disk that has filled up in the meantime.

use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{STORE_FOLDER, StoreError, beneath};

/// Room that is taken at the beginning, in bytes: what is written at the end has to fit into it where no more can be had.
const ROOM: usize = 16 << 10;

fn place(output: &Path) -> PathBuf {
    output.join(STORE_FOLDER).join("run.json")
}

/// Writes the note. The caller holds the lock; `output` is canonical. A crash in the middle leaves a note that cannot be read, which
/// says as much as none.
///
/// # Errors
/// Any error of the disk.
pub fn write_note(output: &Path, text: &str) -> Result<(), StoreError> {
    let path = place(output);
    let io = |e| StoreError::from_io("write", &path, e);
    let mut file = beneath::open(&path, OFlags::RDWR | OFlags::CREATE).map_err(io)?;
    let padded = format!("{text:<ROOM$}\n");
    file.rewind().and_then(|()| file.write_all(padded.as_bytes())).and_then(|()| file.sync_data()).map_err(io)
}

/// Reads the note; none if there is none.
///
/// # Errors
/// Any error of the disk.
pub fn read_note(output: &Path) -> Result<Option<String>, StoreError> {
    let path = place(output);
    let mut text = String::new();
    match beneath::open_to_read(&path).and_then(|mut file| file.read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(StoreError::from_io("read", &path, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_written_over_in_its_place_and_takes_no_more_room() {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().canonicalize().unwrap();
        std::fs::create_dir(output.join(STORE_FOLDER)).unwrap();
        assert_eq!(read_note(&output).unwrap(), None);
        write_note(&output, "{\"a\": 1}").unwrap();
        let size = || std::fs::metadata(place(&output)).unwrap().len();
        let before = size();
        write_note(&output, "{}").unwrap();
        assert_eq!((size(), read_note(&output).unwrap().unwrap().trim()), (before, "{}"));
    }
}
