//! A stamp by which one sees that a folder has changed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use crate::engine::vocabulary::each_vocabulary_file;
use crate::store::STORE_FOLDER;
use crate::values::MASTER_FILE;

/// Sizes and times of the vocabulary files, the master and the store, as one number: equal while nothing has changed. It is no check of contents.
pub fn folder_stamp(folder: &Path) -> u64 {
    let mut stamp = DefaultHasher::new();
    let mut note = |file: &Path| {
        let metadata = std::fs::metadata(file).ok();
        (file, metadata.as_ref().map(std::fs::Metadata::len), metadata.and_then(|m| m.modified().ok()))
            .hash(&mut stamp);
    };
    // What cannot be looked through is told when it is read.
    let _ = each_vocabulary_file(folder, &mut |file| -> Result<(), std::io::Error> {
        note(file);
        Ok(())
    });
    note(&folder.join(MASTER_FILE));
    for name in ["store.sqlite", "store.sqlite-wal"] {
        note(&folder.join(STORE_FOLDER).join(name));
    }
    stamp.finish()
}
