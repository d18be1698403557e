//! Files that appear whole or not at all, and stay after a power cut.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A finished temporary file and the place where it belongs. Both must be on one file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The temporary file, written, synced and closed.
    pub temporary: PathBuf,
    /// Its final place; a file there is replaced.
    pub target: PathBuf,
}

/// Moves a group of files to their places and syncs each folder once. After this returns, a power cut leaves every
/// file whose result is `Ok` in its place with its whole content; one whose result is an error may be in either state.
///
/// The files themselves are synced by the workers, one by one and side by side. One `syncfs` for the whole group was
/// tried instead: it waits for what every other program has written, which under load took 16 ms a file.
pub(super) fn publish(group: &[&Publication]) -> Vec<std::io::Result<()>> {
    let mut folders = BTreeSet::new();
    let mut results: Vec<_> = group
        .iter()
        .map(|p| {
            std::fs::rename(&p.temporary, &p.target)?;
            folders.extend(p.target.parent());
            Ok(())
        })
        .collect();
    if let Err(e) = folders.iter().try_for_each(|folder| File::open(folder)?.sync_all()) {
        for result in &mut results {
            if result.is_ok() {
                *result = Err(std::io::Error::new(e.kind(), e.to_string()));
            }
        }
    }
    results
}

/// Replaces one file durably: temporary file beside it, sync, rename, sync of the folder.
///
/// # Errors
/// Any I/O error; the old file is then still in place.
pub fn replace_file(target: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new().prefix(".corpora-").tempfile_in(folder)?;
    let mut buffered = std::io::BufWriter::new(temporary.as_file_mut());
    write(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    temporary.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // tempfile makes files that only their owner reads; an output file is for everybody the folder is for.
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    temporary.persist(target).map_err(|e| e.error)?;
    File::open(folder)?.sync_all()
}

/// Puts the finished file `new` in the place of `target` and keeps what stood there as `old`; at every instant `target` is
/// one of the two, whole. Does nothing but remove `new` if both are equal to the byte. Returns whether anything changed.
///
/// # Errors
/// Any I/O error; `target` is then as it was.
pub fn replace_keeping_old(new: &Path, target: &Path, old: &Path) -> std::io::Result<bool> {
    if target.exists() {
        if equal(new, target)? {
            std::fs::remove_file(new)?;
            return Ok(false);
        }
        // A hard link needs no space and leaves the target in place; where the file system has none, a copy does.
        match std::fs::remove_file(old) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        if std::fs::hard_link(target, old).is_err() {
            std::fs::copy(target, old)?;
        }
    }
    std::fs::rename(new, target)?;
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    Ok(true)
}

fn equal(one: &Path, two: &Path) -> std::io::Result<bool> {
    use std::io::{BufRead, BufReader};
    let (one, two) = (File::open(one)?, File::open(two)?);
    if one.metadata()?.len() != two.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut two) = (BufReader::with_capacity(1 << 16, one), BufReader::with_capacity(1 << 16, two));
    loop {
        let (a, b) = (one.fill_buf()?, two.fill_buf()?);
        let length = a.len().min(b.len());
        if a[..length] != b[..length] {
            return Ok(false);
        }
        if length == 0 {
            return Ok(a.is_empty() && b.is_empty());
        }
        one.consume(length);
        two.consume(length);
    }
}
