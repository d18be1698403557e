//! A listing: what a walk over the inputs found, in path order, so that of many machines one walks and the others read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::walk::look_at;
use super::{Found, Inputs, Shard, WalkError};
use crate::values::{Fingerprint, SourcePath};

/// A line of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Place below the input root.
    pub path: SourcePath,
    /// Size in bytes.
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// Shard that it was given to; absent where its path decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
}

impl From<&Found> for Listed {
    fn from(found: &Found) -> Self {
        Self { path: found.path.clone(), size: found.size, mtime_ns: found.mtime_ns, shard: None }
    }
}

/// Gives files to `of` shards, so that each has about as many bytes: the largest first, each to the one that has least.
pub fn balance(files: &mut [Listed], of: u32) {
    let mut order: Vec<usize> = (0..files.len()).collect();
    order.sort_by(|a, b| files[*b].size.cmp(&files[*a].size).then_with(|| files[*a].path.cmp(&files[*b].path)));
    let mut loads: BinaryHeap<Reverse<(u64, u32)>> = (0..of).map(|shard| Reverse((0, shard))).collect();
    for n in order {
        let Some(Reverse((load, shard))) = loads.pop() else { return };
        files[n].shard = Some(shard);
        // An empty file is work too.
        loads.push(Reverse((load + files[n].size.max(1), shard)));
    }
}

/// A listing that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// It cannot be read.
    #[error("the list '{file}' cannot be read: {source}; make one with 'corpora list INPUT -o {file}'")]
    Unreadable {
        /// The list.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A line of it is none of a listing.
    #[error(
        "line {line} of the list '{file}' is no file below the input ({reason}); make it again with 'corpora list INPUT -o {file}'"
    )]
    Line {
        /// The list.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// Reason.
        reason: String,
    },
}

/// A listing on disk: known by its hash, read line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    file: PathBuf,
    sha: Fingerprint,
}

impl Listing {
    /// The listing in a file, which is read once for its hash.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(file: &Path) -> Result<Self, ListingError> {
        let error = |source| ListingError::Unreadable { file: file.to_path_buf(), source };
        let mut reader = File::open(file).map_err(error)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match reader.read(&mut buffer).map_err(error)? {
                0 => break,
                n => hash.update(&buffer[..n]),
            }
        }
        Ok(Self { file: file.to_path_buf(), sha: Fingerprint(hash.finalize().into()) })
    }

    /// SHA-256 of its bytes.
    pub fn sha(&self) -> Fingerprint {
        self.sha
    }

    /// Files of the listing that fall to a shard, or all, as they are now below the root of `inputs`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn files(&self, inputs: &Inputs, shard: Option<Shard>) -> Result<ListedFiles, ListingError> {
        let file =
            File::open(&self.file).map_err(|source| ListingError::Unreadable { file: self.file.clone(), source })?;
        let lines = BufReader::new(file).lines();
        Ok(ListedFiles {
            file: self.file.clone(),
            lines,
            line: 0,
            root: inputs.root.clone(),
            shard,
            last: None,
            changed: 0,
        })
    }
}

/// Files of a listing, in its order.
pub struct ListedFiles {
    file: PathBuf,
    lines: Lines<BufReader<File>>,
    line: u64,
    root: PathBuf,
    shard: Option<Shard>,
    last: Option<SourcePath>,
    changed: u64,
}

impl ListedFiles {
    /// Number of files so far that are not as the list says: gone, or of another size or time.
    pub fn changed(&self) -> u64 {
        self.changed
    }

    fn parse(&mut self, text: &str) -> Result<Listed, String> {
        let listed: Listed = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let bytes = listed.path.to_bytes();
        let place = Path::new(std::ffi::OsStr::from_bytes(&bytes));
        // A list may come from anywhere: it names nothing outside the input.
        let is_below = !bytes.is_empty() && place.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_below {
            return Err(format!("'{}' is no path below a folder", listed.path));
        }
        if let (Some(number), Some(shard)) = (listed.shard, self.shard)
            && number >= shard.of()
        {
            return Err(format!("it belongs to shard {number}, and --shard {shard} counts {}", shard.of()));
        }
        if self.last.as_ref().is_some_and(|last| *last >= listed.path) {
            return Err("it stands out of order, or twice".to_owned());
        }
        self.last = Some(listed.path.clone());
        Ok(listed)
    }

    fn is_chosen(&self, listed: &Listed) -> bool {
        self.shard.is_none_or(|shard| match listed.shard {
            Some(number) => number == shard.index(),
            None => shard.holds(&listed.path),
        })
    }
}

impl Iterator for ListedFiles {
    type Item = Result<Result<Found, WalkError>, ListingError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.line += 1;
            let text = match self.lines.next()? {
                Ok(text) => text,
                Err(source) => return Some(Err(ListingError::Unreadable { file: self.file.clone(), source })),
            };
            let listed = match self.parse(&text) {
                Ok(listed) => listed,
                Err(reason) => {
                    return Some(Err(ListingError::Line { file: self.file.clone(), line: self.line, reason }));
                }
            };
            if self.is_chosen(&listed) {
                let found = look_at(&self.root, &listed.path.to_bytes(), false);
                let is_as_listed =
                    found.as_ref().is_ok_and(|found| (found.size, found.mtime_ns) == (listed.size, listed.mtime_ns));
                self.changed += u64::from(!is_as_listed);
                return Some(Ok(found));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(path: &str, size: u64) -> Listed {
        Listed { path: SourcePath::from_text(path), size, mtime_ns: 1, shard: None }
    }

    #[test]
    fn shards_get_about_as_many_bytes_and_the_same_ones_each_time() {
        let mut files: Vec<Listed> = (0..100).map(|n| listed(&format!("{n:03}"), n * 10)).collect();
        balance(&mut files, 4);
        let bytes = |shard| files.iter().filter(|f| f.shard == Some(shard)).map(|f| f.size).sum::<u64>();
        let loads: Vec<u64> = (0..4).map(bytes).collect();
        assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 990, "{loads:?}");
        let mut again = files.clone();
        balance(&mut again, 4);
        assert_eq!(again, files);
    }

    #[test]
    fn a_list_names_files_below_its_root_once_and_in_order_or_is_refused_by_its_line() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.pdf"), "x").unwrap();
        let read = |lines: &[&str], shard: Option<&str>| {
            let file = dir.path().join("list");
            std::fs::write(&file, lines.join("\n")).unwrap();
            let inputs = Inputs { root: dir.path().to_path_buf(), places: vec![PathBuf::new()] };
            let listing = Listing::open(&file).unwrap();
            let files = listing.files(&inputs, shard.map(|s| s.parse().unwrap())).unwrap();
            files.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())
        };
        let line = |path: &str| serde_json::to_string(&listed(path, 1)).unwrap();
        assert_eq!(read(&[&line("a.pdf")], None).unwrap()[0].as_ref().unwrap().size, 1);
        assert!(read(&[&line("a.pdf"), &line("gone.pdf")], None).unwrap()[1].is_err(), "what is gone fails alone");
        for bad in ["../a.pdf", "/etc/passwd", "b/../../a.pdf", ""] {
            let words = read(&[&line("a.pdf"), &line(bad)], None).unwrap_err();
            assert!(words.contains("line 2") && words.contains("corpora list"), "{words}");
        }
        assert!(read(&[&line("b.pdf"), &line("a.pdf")], None).unwrap_err().contains("out of order"));
        assert!(read(&[&line("a.pdf"), &line("a.pdf")], None).unwrap_err().contains("twice"));
        let given = serde_json::to_string(&Listed { shard: Some(5), ..listed("a.pdf", 1) }).unwrap();
        assert!(read(&[&given], Some("0/4")).unwrap_err().contains("belongs to shard 5"));
        assert_eq!(read(&[&given], Some("5/8")).unwrap().len(), 1);
        assert_eq!(read(&[&given], Some("4/8")).unwrap().len(), 0);
    }
}
