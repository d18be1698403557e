//! Waiting for a folder that grows.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::engine::{Cancel, ERROR_LOG, MANIFEST};
use crate::store::STORE_FOLDER;

/// Time between two looks whether somebody wants the program to end.
const SHORT: Duration = Duration::from_millis(100);

/// What stands in folders and files, as far as a look at names, sizes and times tells. Files that the program writes itself are none of it.
pub(super) fn seen(places: &[PathBuf]) -> u64 {
    let mut hash = DefaultHasher::new();
    places.iter().for_each(|place| look(place, &mut hash));
    hash.finish()
}

fn look(place: &Path, hash: &mut DefaultHasher) {
    let Ok(found) = std::fs::metadata(place) else { return };
    if found.is_dir() {
        let names = std::fs::read_dir(place).into_iter().flatten().flatten();
        let mut below: Vec<PathBuf> = names.map(|entry| entry.path()).filter(|path| !is_own(path)).collect();
        below.sort_unstable();
        below.iter().for_each(|path| look(path, hash));
    } else {
        (place, found.len(), found.modified().ok()).hash(hash);
    }
}

fn is_own(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    [STORE_FOLDER, MANIFEST, ERROR_LOG].contains(&&*name) || name.ends_with(".vocab.json")
}

/// Waits until the places hold something else than before and have stopped changing: a file that is being copied is not half a book.
/// False if the program is to end.
pub(super) fn wait_for_change(places: &[PathBuf], before: u64, every: Duration, cancel: &Cancel) -> bool {
    let mut last = seen(places);
    loop {
        let until = Instant::now() + every;
        while Instant::now() < until {
            if cancel.is_stopping() {
                return false;
            }
            std::thread::sleep(SHORT.min(every));
        }
        let now = seen(places);
        if now == last && now != before {
            return true;
        }
        last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_comes_is_seen_and_files_of_our_own_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let places = [dir.path().to_path_buf()];
        std::fs::write(dir.path().join("a.pdf"), "a").unwrap();
        let before = seen(&places);
        std::fs::create_dir(dir.path().join(STORE_FOLDER)).unwrap();
        std::fs::write(dir.path().join(STORE_FOLDER).join("store"), "x").unwrap();
        std::fs::write(dir.path().join("a.vocab.json"), "{}").unwrap();
        assert_eq!(seen(&places), before);
        std::fs::write(dir.path().join("b.pdf"), "b").unwrap();
        assert_ne!(seen(&places), before);
        assert!(wait_for_change(&places, before, Duration::from_millis(1), &Cancel::default()));
        let cancel = Cancel::default();
        cancel.stop();
        assert!(!wait_for_change(&places, seen(&places), Duration::from_secs(60), &cancel));
    }
}
