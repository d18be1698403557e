//! Ways into an output folder that follow no symbolic link. What stands in the folder may have come from anywhere, with links to files
//! of the person that runs this program; the folder itself was named by that person, and its path is made canonical first.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

/// The last part of the name of every vocabulary file.
const VOCABULARY: &str = ".vocab.json";

/// Place of a vocabulary file whose name, relative to the output folder, comes out of a store.
///
/// # Errors
/// A sentence, for a name that a run of this program does not give: it leads out of the folder, or is no vocabulary file.
pub fn output_place(output: &Path, name: &str) -> std::result::Result<PathBuf, String> {
    let is_plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if is_plain && name.ends_with(VOCABULARY) && !name.contains('\0') {
        return Ok(output.join(name));
    }
    Err(format!(
        "the store names '{name}' as a vocabulary file, which no run of corpora does; if the output folder is not of your making, use another one"
    ))
}

/// Opens a file. It is made if `flags` say so, with the permissions that the person's umask leaves.
///
/// # Errors
/// Any error of the disk; also if a symbolic link or something other than a file stands there, or a link on the way.
pub(super) fn open(path: &Path, flags: OFlags) -> Result<File> {
    let (folder, name) = place(path)?;
    // Opening a pipe would wait for somebody at its other end.
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&folder, name, flags, Mode::from_raw_mode(0o666)).map_err(told)?;
    match FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(file.into()),
        _ => Err(Error::new(ErrorKind::PermissionDenied, "what stands there is no file; move it away")),
    }
}

/// Judges what stands at a path without opening it: a process that closes a file loses every lock that it has on it
/// (<https://man7.org/linux/man-pages/man2/F_SETLK.2const.html>, <https://www.sqlite.org/howtocorrupt.html>, section 2.2).
///
/// # Errors
/// If a symbolic link or something other than a file stands there, or a link on the way; any error of the disk, but for a missing file.
pub(super) fn expect_file(path: &Path) -> Result<()> {
    let (folder, name) = place(path)?;
    match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => Ok(()),
            FileType::Symlink => Err(told(Errno::LOOP)),
            _ => Err(Error::new(ErrorKind::PermissionDenied, "what stands there is no file; move it away")),
        },
        Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(told(e)),
    }
}

/// Opens a file to read it.
///
/// # Errors
/// Any error of the disk; also if a symbolic link or something other than a file stands there, or a link on the way.
pub fn open_to_read(path: &Path) -> Result<File> {
    open(path, OFlags::RDONLY)
}

/// Opens a file to write at its end; it is made if it is missing.
///
/// # Errors
/// Any error of the disk; also if a symbolic link or something other than a file stands there, or a link on the way.
pub fn open_to_append(path: &Path) -> Result<File> {
    open(path, OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE)
}

/// Begins a new file; a file or a link that stands there is removed first.
///
/// # Errors
/// Any error of the disk; also if a symbolic link stands on the way.
pub fn create(path: &Path) -> Result<File> {
    match remove(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)
}

/// Makes a folder and those above it, where they are missing.
///
/// # Errors
/// Any error of the disk; also if a symbolic link stands on the way.
pub(super) fn create_folder(path: &Path) -> Result<()> {
    match folder(path, WALKED) {
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        found => return found.map(drop),
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        create_folder(above)?;
    }
    let (above, name) = place(path)?;
    match rustix::fs::mkdirat(&above, name, Mode::from_raw_mode(0o777)) {
        Ok(()) => Ok(()),
        // Another thread was first.
        Err(Errno::EXIST) => folder(path, WALKED).map(drop),
        Err(e) => Err(told(e)),
    }
}

/// Removes a file, or a link itself.
///
/// # Errors
/// Any error of the disk; also if a symbolic link stands on the way.
pub(super) fn remove(path: &Path) -> Result<()> {
    let (folder, name) = place(path)?;
    rustix::fs::unlinkat(&folder, name, AtFlags::empty()).map_err(told)
}

/// Moves a file; a file or a link at `to` is replaced.
///
/// # Errors
/// Any error of the disk; also if a symbolic link stands on the way.
pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    let ((from, old), (to, new)) = (place(from)?, place(to)?);
    rustix::fs::renameat(&from, old, &to, new).map_err(told)
}

/// Gives a file a second name, or copies it where the file system has no links.
///
/// # Errors
/// Any error of the disk; also if a symbolic link stands on the way.
pub(super) fn link(path: &Path, name: &Path) -> Result<()> {
    let ((from, old), (to, new)) = (place(path)?, place(name)?);
    if rustix::fs::linkat(&from, old, &to, new, AtFlags::empty()).is_ok() {
        return Ok(());
    }
    let mut read = open(path, OFlags::RDONLY)?;
    let mut written = open(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
    std::io::copy(&mut read, &mut written).map(drop)
}

/// Makes the names in a folder durable.
///
/// # Errors
/// Any error of the disk; also if a symbolic link stands on the way.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    File::from(folder(path, OFlags::RDONLY)?).sync_all()
}

/// Names in a folder.
///
/// # Errors
/// Any error of the disk; also if a symbolic link stands on the way.
pub(super) fn names(path: &Path) -> Result<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStrExt;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::new(folder(path, OFlags::RDONLY)?)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_os_string());
        }
    }
    Ok(names)
}

/// Flags of a folder on the way: only the right to pass through it is needed.
#[cfg(target_os = "linux")]
const WALKED: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const WALKED: OFlags = OFlags::RDONLY;

/// The folder that a path stands in, and its name there.
fn place(path: &Path) -> Result<(OwnedFd, &OsStr)> {
    let name = path.file_name().ok_or_else(|| Error::from(ErrorKind::InvalidFilename))?;
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    Ok((folder(above.unwrap_or(Path::new(".")), WALKED)?, name))
}

/// A folder, opened without following any link.
fn folder(path: &Path, flags: OFlags) -> Result<OwnedFd> {
    let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC;
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{ResolveFlags, openat2};
        match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
            // Kernels before 5.6 do not know it, and some sandboxes do not let it through:
            // <https://man7.org/linux/man-pages/man2/openat2.2.html>.
            Err(Errno::NOSYS | Errno::PERM) => {}
            opened => return opened.map_err(told),
        }
    }
    step_by_step(path, flags)
}

fn step_by_step(path: &Path, flags: OFlags) -> Result<OwnedFd> {
    let through = WALKED | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let open = |at: &OwnedFd, name: &OsStr, flags| match rustix::fs::openat(at, name, flags, Mode::empty()) {
        // What a link is told as, where it was asked for a folder.
        Err(Errno::NOTDIR) if is_link(at, name) => Err(told(Errno::LOOP)),
        opened => opened.map_err(told),
    };
    let start = if path.is_absolute() { "/" } else { "." };
    let mut at = rustix::fs::openat(CWD, start, through, Mode::empty()).map_err(told)?;
    for part in path.components() {
        match part {
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir => at = open(&at, OsStr::new(".."), through)?,
            Component::Normal(name) => at = open(&at, name, through)?,
        }
    }
    open(&at, OsStr::new("."), flags)
}

fn is_link(at: &OwnedFd, name: &OsStr) -> bool {
    let found = rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW);
    found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Symlink)
}

fn told(error: Errno) -> Error {
    match error {
        // Linux says LOOP, FreeBSD MLINK.
        Errno::LOOP | Errno::MLINK => Error::new(
            ErrorKind::PermissionDenied,
            "a symbolic link stands there or on the way, and an output folder is never left through one; remove the link, or give another output folder",
        ),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with `own`, in which a link leads to `victim`.
    fn planted() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("own")).unwrap();
        std::fs::create_dir(root.join("victim")).unwrap();
        std::fs::write(root.join("victim/precious"), "mine").unwrap();
        symlink("../victim", root.join("own/away")).unwrap();
        symlink("../victim/precious", root.join("own/file")).unwrap();
        (dir, root)
    }

    #[test]
    fn no_way_leads_through_a_link() {
        let (_dir, root) = planted();
        let (away, file) = (root.join("own/away"), root.join("own/file"));
        std::fs::write(root.join("own/mine"), "x").unwrap();
        let refused = [
            open(&file, OFlags::WRONLY | OFlags::CREATE).map(drop),
            open(&away.join("precious"), OFlags::RDONLY).map(drop),
            create(&away.join("new")).map(drop),
            create_folder(&away.join("new")),
            remove(&away.join("precious")),
            rename(&root.join("own/mine"), &away.join("precious")),
            rename(&away.join("precious"), &root.join("own/mine")),
            link(&away.join("precious"), &root.join("own/second")),
            sync_folder(&away),
            names(&away).map(drop),
        ];
        for (n, outcome) in refused.into_iter().enumerate() {
            let error = outcome.expect_err(&format!("way {n} went through"));
            assert!(error.to_string().contains("symbolic link"), "way {n}: {error}");
        }
        assert_eq!(std::fs::read_dir(root.join("victim")).unwrap().count(), 1);
        assert_eq!(std::fs::read_to_string(root.join("victim/precious")).unwrap(), "mine");
        // The link itself is a name in our folder.
        create(&file).unwrap();
        assert_eq!(std::fs::read_to_string(root.join("victim/precious")).unwrap(), "mine");
    }

    #[test]
    fn a_kernel_without_openat2_refuses_the_same() {
        let (_dir, root) = planted();
        let said = |path: &str| step_by_step(&root.join(path), WALKED | OFlags::DIRECTORY).map(drop);
        assert!(said("own").is_ok() && said("own/../victim").is_ok());
        for path in ["own/away", "own/away/deeper"] {
            assert!(said(path).unwrap_err().to_string().contains("symbolic link"), "{path}");
        }
        assert_eq!(said("own/missing").unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let (_dir, root) = planted();
        let pipe = root.join("own/pipe");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
        for flags in [OFlags::RDONLY, OFlags::RDWR, OFlags::WRONLY | OFlags::APPEND] {
            open(&pipe, flags).unwrap_err();
        }
    }

    #[test]
    fn names_of_a_store_stay_in_the_folder() {
        let place = |name| output_place(Path::new("/out"), name);
        assert_eq!(place("a/b c.vocab.json").unwrap(), Path::new("/out/a/b c.vocab.json"));
        for bad in [
            "../x.vocab.json",
            "a/../../x.vocab.json",
            "/x.vocab.json",
            "./x.vocab.json",
            "",
            "keep.txt",
            ".corpora/lock",
        ] {
            place(bad).unwrap_err();
        }
    }
}
