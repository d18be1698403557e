//! Files that appear whole or not at all, and stay after a power cut.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Disk;

/// A finished temporary file and the place where it belongs. Both must be on one file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The temporary file, written, synced and closed.
    pub temporary: PathBuf,
    /// Its final place; a file there is replaced.
    pub target: PathBuf,
}

/// Writes a whole file and makes its bytes durable. Its name is not durable by that.
///
/// # Errors
/// Any error of the disk; the file may then be there in part.
pub fn write_synced(disk: &dyn Disk, file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk.create(file)?;
    file.write_all(bytes)?;
    file.sync()
}

/// Moves a group of files to their places and syncs each folder once. After this returns, a power cut leaves every
/// file whose result is `Ok` in its place with its whole content; one whose result is an error may be in either state.
///
/// The files themselves are synced by the workers, one by one and side by side. One `syncfs` for the whole group was
/// tried instead: it waits for what every other program has written, which under load took 16 ms a file.
pub(super) fn publish(disk: &dyn Disk, group: &[&Publication]) -> Vec<io::Result<()>> {
    let mut folders = BTreeSet::new();
    let mut results: Vec<_> = group
        .iter()
        .map(|p| {
            disk.rename(&p.temporary, &p.target)?;
            folders.extend(p.target.parent());
            Ok(())
        })
        .collect();
    if let Err(e) = folders.iter().try_for_each(|folder| disk.sync_folder(folder)) {
        for result in results.iter_mut().filter(|result| result.is_ok()) {
            *result = Err(io::Error::new(e.kind(), e.to_string()));
        }
    }
    results
}

/// Replaces one file durably: new file beside it, sync, rename, sync of the folder. One writer at a time.
///
/// # Errors
/// Any error of the disk or of `write`; the old file is then still in place.
pub fn replace_file(
    disk: &dyn Disk,
    target: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let name = target.file_name().ok_or_else(|| io::Error::from(ErrorKind::InvalidFilename))?;
    let mut hidden = std::ffi::OsString::from(".corpora-");
    hidden.push(name);
    let new = folder_of(target).join(hidden);
    let whole = || {
        let mut out = BufWriter::new(disk.create(&new)?);
        write(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync()?;
        disk.rename(&new, target)
    };
    if let Err(error) = whole() {
        // What is left of it helps nobody; the error is what counts.
        let _ = disk.remove(&new);
        return Err(error);
    }
    disk.sync_folder(folder_of(target))
}

/// Replaces a file by these bytes, as [`replace_file`] does; one that has them already is left alone.
///
/// # Errors
/// If it cannot be written; the old one is then as it was.
pub fn replace_if_other(disk: &dyn Disk, file: &Path, bytes: &[u8]) -> io::Result<()> {
    if std::fs::read(file).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    replace_file(disk, file, |out| out.write_all(bytes))
}

/// Puts the finished file `new` in the place of `target` and keeps what stood there as `old`; at every instant `target` is
/// one of the two, whole. Does nothing but remove `new` if both are equal to the byte. Returns whether anything changed.
///
/// # Errors
/// Any error of the disk; `target` is then as it was.
pub fn replace_keeping_old(disk: &dyn Disk, new: &Path, target: &Path, old: &Path) -> io::Result<bool> {
    if target.exists() {
        if equal(new, target)? {
            disk.remove(new)?;
            return Ok(false);
        }
        match disk.remove(old) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        // A link needs no space and leaves the target in place.
        disk.link(target, old)?;
    }
    disk.rename(new, target)?;
    disk.sync_folder(folder_of(target))?;
    Ok(true)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn equal(one: &Path, two: &Path) -> io::Result<bool> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::faulty::{Fault, FaultyDisk};

    const FAULTS: [Fault; 2] = [Fault::Once(ErrorKind::Other), Fault::ForGood(ErrorKind::Other)];

    /// Runs `work` on a disk whose n-th operation fails, for n = 0, 1, 2, ... until none fails; each time in a folder that `prepare`
    /// has filled. `check` gets the folder after the power was cut, and what `work` said.
    fn sweep(
        prepare: impl Fn(&Path),
        work: impl Fn(&dyn Disk, &Path) -> io::Result<()>,
        check: impl Fn(&Path, io::Result<()>),
    ) {
        for fault in FAULTS {
            for n in 0.. {
                let dir = tempfile::tempdir().unwrap();
                prepare(dir.path());
                let disk = FaultyDisk::failing(n, fault);
                let said = work(&disk, dir.path());
                assert_eq!(said.is_err(), disk.has_failed(), "{fault:?} at {n}: {:?}", disk.journal());
                disk.cut_power();
                check(dir.path(), said);
                if !disk.has_failed() {
                    assert!(n > 1, "nothing of it went through the disk");
                    break;
                }
            }
        }
    }

    fn text(file: impl AsRef<Path>) -> Option<String> {
        std::fs::read_to_string(file).ok()
    }

    #[test]
    fn a_replaced_file_is_the_old_or_the_new_one_whole_and_the_new_one_once_that_is_said() {
        sweep(
            |dir| std::fs::write(dir.join("file"), "old").unwrap(),
            |disk, dir| replace_file(disk, &dir.join("file"), |out| out.write_all(b"the new one")),
            |dir, said| {
                let found = text(dir.join("file")).unwrap();
                assert!(found == "the new one" || (said.is_err() && found == "old"), "{said:?}: {found:?}");
            },
        );
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        for n in 0..4 {
            let disk = FaultyDisk::failing(n, Fault::Once(ErrorKind::Other));
            replace_file(&disk, &dir.path().join("file"), |out| out.write_all(b"new")).unwrap_err();
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "at {n}");
        }
    }

    #[test]
    fn a_link_that_somebody_has_put_in_the_way_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("precious"), "mine").unwrap();
        std::os::unix::fs::symlink(dir.path().join("precious"), dir.path().join(".corpora-file")).unwrap();
        replace_file(&crate::store::MachineDisk, &dir.path().join("file"), |out| out.write_all(b"new")).unwrap();
        assert_eq!(text(dir.path().join("precious")).unwrap(), "mine");
        assert_eq!(text(dir.path().join("file")).unwrap(), "new");
    }

    #[test]
    fn a_master_is_the_old_or_the_new_one_and_the_old_one_is_kept() {
        let made = |dir: &Path| {
            std::fs::write(dir.join("master"), "old").unwrap();
            std::fs::write(dir.join("backup"), "older").unwrap();
        };
        let work = |disk: &dyn Disk, dir: &Path| {
            write_synced(disk, &dir.join("new"), b"new")?;
            replace_keeping_old(disk, &dir.join("new"), &dir.join("master"), &dir.join("backup")).map(|changed| {
                assert!(changed);
            })
        };
        sweep(made, work, |dir, said| {
            let (master, backup) = (text(dir.join("master")).unwrap(), text(dir.join("backup")));
            match said {
                Ok(()) => assert_eq!((master.as_str(), backup.as_deref()), ("new", Some("old"))),
                Err(_) => assert!(["old", "new"].contains(&master.as_str()), "{master}"),
            }
        });
    }

    #[test]
    fn what_is_published_stays_after_a_power_cut() {
        let files = |dir: &Path| -> Vec<Publication> {
            let publication = |n: usize| Publication {
                temporary: dir.join(format!("tmp-{n}")),
                target: dir.join(format!("folder-{}", n % 2)).join(n.to_string()),
            };
            (0..4).map(publication).collect()
        };
        let made = |dir: &Path| {
            for n in 0..2 {
                std::fs::create_dir(dir.join(format!("folder-{n}"))).unwrap();
            }
            std::fs::write(dir.join("folder-0/0"), "old").unwrap();
        };
        for n in 0.. {
            let dir = tempfile::tempdir().unwrap();
            made(dir.path());
            let disk = FaultyDisk::failing(n, Fault::Once(ErrorKind::Other));
            let group = files(dir.path());
            let synced = group.iter().try_for_each(|p| write_synced(&disk, &p.temporary, b"new"));
            if synced.is_err() {
                continue;
            }
            let results = publish(&disk, &group.iter().collect::<Vec<_>>());
            assert_eq!(results.iter().any(Result::is_err), disk.has_failed());
            disk.cut_power();
            for (publication, result) in group.iter().zip(results) {
                let found = text(&publication.target);
                match result {
                    Ok(()) => assert_eq!(found.as_deref(), Some("new"), "fault at {n}: {:?}", disk.journal()),
                    Err(_) => assert!(matches!(found.as_deref(), None | Some("old" | "new")), "{found:?}"),
                }
            }
            if !disk.has_failed() {
                break;
            }
        }
    }
}
