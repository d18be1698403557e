//! Walks the inputs in one fixed order, in memory that depends on the largest folder and not on the corpus.

use std::collections::{HashSet, VecDeque};
use std::fs::FileType;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::Inputs;
use crate::values::SourcePath;

/// A regular file below the input root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Relative to the root.
    pub path: SourcePath,
    /// Path by which it is opened.
    pub file: PathBuf,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Time of the last change of anything about it, in nanoseconds since 1970, and its inode: a file that was put in another's place
    /// with its size and its modification time differs in one of them.
    pub identity: (i64, u64),
    /// True if it was named on the command line, and is thus a document whatever it is called.
    pub explicit: bool,
}

/// A place that could not be looked at, or was passed over for a reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct WalkError {
    /// Relative to the root.
    pub path: SourcePath,
    /// True if it is a folder; then nothing is known of what is below it.
    pub is_folder: bool,
    /// A lowercase sentence.
    pub reason: String,
}

/// An iterator over the files of some [`Inputs`], in the byte order of their [`SourcePath`]s. Hidden files and folders
/// (names that begin with a dot) are passed over unless named, and so are corpora's own outputs. Symbolic links are
/// followed; a folder that contains itself, or that several links lead to, is entered once.
pub struct Walk {
    root: PathBuf,
    places: VecDeque<PathBuf>,
    /// The same, also those that are done.
    every_place: Vec<PathBuf>,
    recursive: bool,
    open: Vec<Folder>,
    /// Folders that a symbolic link led to: each is looked through once, however many links lead there.
    linked: HashSet<(u64, u64)>,
}

struct Folder {
    /// Device and inode, to notice loops.
    identity: (u64, u64),
    /// True if a symbolic link leads here.
    by_link: bool,
    /// Relative path bytes, with a final slash unless empty.
    prefix: Vec<u8>,
    /// In reverse order, so that the next one is popped.
    entries: Vec<Entry>,
}

struct Entry {
    /// The escaped name, with a final slash for folders: sorting by it gives the byte order of whole paths.
    key: String,
    name: std::ffi::OsString,
    is_folder: bool,
    is_link: bool,
}

impl Walk {
    /// Begins a walk.
    pub fn new(inputs: &Inputs, recursive: bool) -> Self {
        // Places are sorted by path components; the order wanted is that of the escaped text.
        let mut places: Vec<_> = inputs.places.clone();
        places.sort_by_key(|p| {
            let mut key = SourcePath::from_bytes(p.as_os_str().as_bytes()).as_str().to_owned();
            if inputs.root.join(p).is_dir() {
                key.push('/');
            }
            key
        });
        Self {
            root: inputs.root.clone(),
            every_place: places.clone(),
            places: places.into(),
            recursive,
            open: Vec::new(),
            linked: HashSet::new(),
        }
    }

    fn enter(&mut self, prefix: Vec<u8>, is_link: bool) -> Result<(), WalkError> {
        let folder = self.root.join(std::ffi::OsStr::from_bytes(&prefix));
        let error = |reason: String| WalkError {
            path: SourcePath::from_bytes(prefix.strip_suffix(b"/").unwrap_or(&prefix)),
            is_folder: true,
            reason,
        };
        let unreadable = |e: std::io::Error| error(format!("the folder cannot be read: {e}; check its permissions"));
        let identity = std::fs::metadata(&folder).map(|m| {
            use std::os::unix::fs::MetadataExt;
            (m.dev(), m.ino())
        });
        let identity = identity.map_err(unreadable)?;
        if self.open.iter().any(|f| f.identity == identity) {
            return Err(error("the folder contains itself through a symbolic link; it is entered once".into()));
        }
        let by_link = is_link || self.open.last().is_some_and(|above| above.by_link);
        if is_link && self.is_walked_where_it_stands(&folder) || by_link && !self.linked.insert(identity) {
            return Err(error(
                "a symbolic link leads to a folder that is looked through under another name; its files are taken once"
                    .into(),
            ));
        }
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            if is_passed_over(name.as_bytes()) {
                continue;
            }
            let kind = entry.file_type().map_err(unreadable)?;
            let Some(is_folder) = folder_or_file(kind, &folder.join(&name)) else { continue };
            if is_folder && !self.recursive {
                continue;
            }
            let mut key = SourcePath::from_bytes(name.as_bytes()).as_str().to_owned();
            if is_folder {
                key.push('/');
            }
            entries.push(Entry { key, name, is_folder, is_link: kind.is_symlink() });
        }
        entries.sort_unstable_by(|a, b| b.key.cmp(&a.key));
        self.open.push(Folder { identity, by_link, prefix, entries });
        Ok(())
    }

    /// Test whether a folder that a link leads to stands below one of the places, where the walk comes to it by its own name.
    fn is_walked_where_it_stands(&self, folder: &Path) -> bool {
        let Ok(target) = folder.canonicalize() else { return false };
        let below = |place: &PathBuf| {
            let place = self.root.join(place).canonicalize().ok()?;
            target.strip_prefix(&place).ok().map(Path::to_path_buf)
        };
        let is_passed = |below: &Path| below.components().any(|part| is_passed_over(part.as_os_str().as_bytes()));
        self.every_place.iter().filter_map(below).any(|below| !is_passed(&below))
    }
}

impl Iterator for Walk {
    type Item = Result<Found, WalkError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(folder) = self.open.last_mut() else {
                let place = self.places.pop_front()?;
                let mut relative = place.as_os_str().as_bytes().to_vec();
                if !self.root.join(&place).is_dir() {
                    return Some(look_at(&self.root, &relative, true));
                }
                if !relative.is_empty() {
                    relative.push(b'/');
                }
                if let Err(e) = self.enter(relative, false) {
                    return Some(Err(e));
                }
                continue;
            };
            let Some(entry) = folder.entries.pop() else {
                self.open.pop();
                continue;
            };
            let mut relative = folder.prefix.clone();
            relative.extend_from_slice(entry.name.as_bytes());
            if !entry.is_folder {
                return Some(look_at(&self.root, &relative, false));
            }
            relative.push(b'/');
            if let Err(e) = self.enter(relative, entry.is_link) {
                return Some(Err(e));
            }
        }
    }
}

/// The file at `relative` below `root`, as it is now.
pub(super) fn look_at(root: &Path, relative: &[u8], explicit: bool) -> Result<Found, WalkError> {
    let file = root.join(std::ffi::OsStr::from_bytes(relative));
    let path = SourcePath::from_bytes(relative);
    let meta = match std::fs::metadata(&file) {
        Ok(meta) => meta,
        Err(e) => {
            let reason = format!("the file cannot be looked at: {e}; check where it points, or remove it");
            return Err(WalkError { path, is_folder: false, reason });
        }
    };
    Ok(Found { path, size: meta.len(), mtime_ns: mtime_ns(&meta), identity: identity(&meta), file, explicit })
}

/// The modification time in nanoseconds since 1970.
pub(super) fn mtime_ns(meta: &std::fs::Metadata) -> i64 {
    use std::os::unix::fs::MetadataExt;
    meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec())
}

/// Time of the last change and inode.
fn identity(meta: &std::fs::Metadata) -> (i64, u64) {
    use std::os::unix::fs::MetadataExt;
    (meta.ctime().saturating_mul(1_000_000_000).saturating_add(meta.ctime_nsec()), meta.ino())
}

fn is_passed_over(name: &[u8]) -> bool {
    name.starts_with(b".") || name.ends_with(b".vocab.json") || name == b"corpora-errors.log"
}

/// Test whether a directory entry is a folder (`true`) or a regular file (`false`); links are followed.
fn folder_or_file(kind: FileType, path: &Path) -> Option<bool> {
    if kind.is_dir() {
        return Some(true);
    }
    if kind.is_file() {
        return Some(false);
    }
    if !kind.is_symlink() {
        return None; // sockets, pipes, devices: opening one may hang
    }
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => Some(true),
        Ok(meta) if meta.is_file() => Some(false),
        Ok(_) => None,
        Err(_) => Some(false), // a dangling link is reported as a file that cannot be looked at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(dir: &Path, recursive: bool) -> (Vec<String>, Vec<String>) {
        let inputs = Inputs::resolve(dir, &[dir.to_path_buf()]).unwrap();
        let mut found = Vec::new();
        let mut errors = Vec::new();
        for item in Walk::new(&inputs, recursive) {
            match item {
                Ok(f) => found.push(f.path.as_str().to_owned()),
                Err(e) => errors.push(e.to_string()),
            }
        }
        (found, errors)
    }

    fn touch(dir: &Path, files: &[&str]) {
        for file in files {
            let path = dir.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
    }

    #[test]
    fn files_come_in_byte_order_of_their_whole_paths() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), &["a/x", "a.txt", "a-b", "a/deep/y", "b", "a\\c"]);
        let (found, errors) = walk(dir.path(), true);
        let mut sorted = found.clone();
        sorted.sort();
        assert_eq!(found, sorted);
        assert_eq!((found.len(), errors.len()), (6, 0));
        assert_eq!(walk(dir.path(), false).0, ["a-b", "a.txt", "a\\x5Cc", "b"]);
    }

    #[test]
    fn own_outputs_and_hidden_files_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        touch(
            dir.path(),
            &["a.pdf", "a.vocab.json", ".corpora/store.sqlite", "corpora-errors.log", ".corpora-manifest.json"],
        );
        assert_eq!(walk(dir.path(), true).0, ["a.pdf"]);
    }

    #[test]
    fn folders_that_link_to_each_other_are_looked_through_once() {
        let dir = tempfile::tempdir().unwrap();
        let link = |to: &str, from: String| std::os::unix::fs::symlink(to, dir.path().join(from)).unwrap();
        touch(dir.path(), &["in/n0/a.pdf", "out/b.pdf", "in/.hidden/c.pdf"]);
        // Thirty folders that hold two links to the next: 2^30 paths.
        for n in 1..30 {
            touch(dir.path(), &[&format!("in/n{n}/{n}.pdf")]);
            link(&format!("../n{}", n - 1), format!("in/n{n}/one"));
            link(&format!("../n{}", n - 1), format!("in/n{n}/two"));
        }
        link("../out", "in/x1".to_owned());
        link("../out", "in/x2".to_owned());
        link(".hidden", "in/y".to_owned());
        let (found, errors) = walk(&dir.path().join("in"), true);
        let unique: std::collections::BTreeSet<&str> = found.iter().filter_map(|f| f.rsplit('/').next()).collect();
        assert_eq!((found.len(), unique.len()), (32, 32), "{found:?}");
        assert!(found.contains(&"n0/a.pdf".to_owned()) && found.contains(&"x1/b.pdf".to_owned()), "{found:?}");
        assert!(errors.len() == 59 && errors[0].contains("under another name"), "{errors:?}");
    }

    #[test]
    fn a_loop_of_links_is_entered_once_and_said() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), &["shelf/a.pdf"]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("shelf/again")).unwrap();
        let (found, errors) = walk(dir.path(), true);
        assert_eq!(found, ["shelf/a.pdf"]);
        assert!(errors[0].contains("contains itself"), "{errors:?}");
    }
}
