//! Errors of a store.

use std::path::PathBuf;

use super::database::{may_not_write_beside, was_closed};

/// An error of the store. Messages name the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process is running on this output folder.
    #[error("the output folder '{folder}' is in use by {holder}; wait for that run to end, or stop it, and try again")]
    Locked {
        /// The output folder.
        folder: PathBuf,
        /// Process that holds it, as the lock file says.
        holder: String,
    },
    /// The store was made by a newer program.
    #[error(
        "the store '{file}' has format version {found}, and this program knows versions up to {known}; use a newer corpora, or another output folder (nothing was changed)"
    )]
    Newer {
        /// The database file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The store was made by an older program, and is only read here.
    #[error(
        "the store '{file}' has format version {found}, and this program makes version {known}; run the shard again with this program, which keeps what is done"
    )]
    Older {
        /// The database file.
        file: PathBuf,
        /// Its version.
        found: i64,
        /// The version of this program.
        known: i64,
    },
    /// A shard or a pack that cannot be read as one.
    #[error(
        "'{place}' is no shard and no pack of one, or is cut short or damaged ({detail}); copy it again, or make it again with 'corpora pack'"
    )]
    NoShard {
        /// Folder or pack.
        place: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The database of a shard without its write-ahead log, which was not sealed.
    #[error(
        "the shard '{place}' was not ended, or was copied without its file 'store.sqlite-wal': what stands there is missing; end it with the command that made it, or make a copy with 'corpora pack'"
    )]
    Unsealed {
        /// Folder or pack.
        place: PathBuf,
    },
    /// The file is not a corpora store.
    #[error("'{file}' is not a corpora store; move it away, or choose another output folder (nothing was changed)")]
    Foreign {
        /// The database file.
        file: PathBuf,
    },
    /// There is no store.
    #[error(
        "there is no corpora store in '{folder}'; give the output folder of a run ('corpora batch ... -o {folder}' makes one)"
    )]
    Missing {
        /// The folder that was given.
        folder: PathBuf,
    },
    /// The database is damaged.
    #[error(
        "the store '{file}' cannot be read rightly ({detail}); look after the disk and try again; if it stays so, 'corpora rescue' on the output folder puts what can be read of it into a sound store, paid answers first, and keeps the broken one (do not delete '.corpora': what was paid for is in it)"
    )]
    Damaged {
        /// The database file.
        file: PathBuf,
        /// Words of SQLite.
        detail: String,
    },
    /// No room is left on the disk.
    #[error(
        "the disk of '{file}' is full; the store is sound and what was committed is kept; free some space and run the same command again"
    )]
    Full {
        /// The file that could not grow.
        file: PathBuf,
    },
    /// Reading or writing failed.
    #[error("cannot {action} '{file}': {source}")]
    Io {
        /// Attempted step: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The disk failed at a file that the run has to publish.
    #[error(
        "cannot {action} '{file}': {source}; what was committed is kept: see to the disk and run the same command again"
    )]
    Disk {
        /// Attempted step: `write`, `put in its place`.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The store cannot be read where nothing may be written, because a run has not closed it.
    #[error(
        "the store '{file}' was not closed in order, or a run of somebody else goes on in it: it cannot be read where you may not write; copy the output folder to a place of your own and ask there, or let its owner run 'corpora status' once"
    )]
    Unreadable {
        /// The database file.
        file: PathBuf,
    },
    /// Any other error of the database.
    #[error("the store '{file}' gave an error: {source}")]
    Database {
        /// The database file.
        file: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
    /// A row holds what this program cannot read.
    #[error(
        "the store '{file}' holds a record that cannot be read ({detail}); 'corpora verify' on the output folder says what else is not as it was stored, and 'corpora rescue' keeps what is"
    )]
    Record {
        /// The database file.
        file: PathBuf,
        /// Record, and the reason for which it cannot be read.
        detail: String,
    },
    /// A stored result is missing, or not as it was stored. It can be made again from what stands before it.
    #[error("the store '{file}' holds a result that is not as it was stored ({detail}); the next run makes it again")]
    Spoilt {
        /// The database file.
        file: PathBuf,
        /// Result, and what is wrong with it.
        detail: String,
    },
    /// The writer stopped after an earlier error, which is reported on its own.
    #[error("the store stopped writing after an earlier error")]
    Stopped,
}

impl StoreError {
    /// Classifies an SQLite error for the database `file`.
    pub(super) fn from_sqlite(file: &std::path::Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let file = file.to_path_buf();
        match source.sqlite_error_code() {
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Damaged { file, detail: source.to_string() },
            Some(Code::DiskFull) => Self::Full { file },
            Some(Code::SystemIoFailure) => {
                Self::Disk { action: "read or write", file, source: std::io::Error::other(source.to_string()) }
            }
            // The header says that only reading is possible, and the system says otherwise.
            Some(Code::ReadOnly) if is_plainly_read_only(&source) && may_write(&file) => {
                Self::Damaged { file, detail: source.to_string() }
            }
            Some(Code::ReadOnly) => Self::Unreadable { file },
            Some(Code::CannotOpen) if may_not_write_beside(&file) && !was_closed(&file) => Self::Unreadable { file },
            Some(Code::CannotOpen) => match why_not_opened(&file) {
                Some(why) => Self::Disk { action: "open", file, source: why },
                None => Self::Database { file, source },
            },
            _ => Self::Database { file, source },
        }
    }

    /// The error of a run that could not publish `file`.
    ///
    /// # Errors
    /// `source` itself, if only the place is at fault, which concerns that file alone: something stands in the way, or the file
    /// system does not take the name. A permission that is missing is the machine's trouble: the document waits.
    pub(crate) fn of_disk(
        action: &'static str,
        file: &std::path::Path,
        source: std::io::Error,
    ) -> Result<Self, std::io::Error> {
        use std::io::ErrorKind as Kind;
        let file = file.to_path_buf();
        match source.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Ok(Self::Full { file }),
            Kind::IsADirectory
            | Kind::NotADirectory
            | Kind::DirectoryNotEmpty
            | Kind::AlreadyExists
            | Kind::NotFound
            | Kind::InvalidFilename => Err(source),
            // Without a number it is our own refusal to follow a link.
            Kind::PermissionDenied if source.raw_os_error().is_none() => Err(source),
            _ => Ok(Self::Disk { action, file, source }),
        }
    }

    /// Classifies an I/O error on `file`.
    pub(super) fn from_io(action: &'static str, file: &std::path::Path, source: std::io::Error) -> Self {
        let file = file.to_path_buf();
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full { file },
            _ => Self::Io { action, file, source },
        }
    }
}

/// Test whether SQLite refuses to write for no reason but what the file says of itself.
fn is_plainly_read_only(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_READONLY)
}

/// Test whether the system lets this user write a database, and files beside it.
fn may_write(file: &std::path::Path) -> bool {
    !may_not_write_beside(file) && rustix::fs::access(file, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Reason of the system for which a database cannot be opened, which SQLite does not tell. The file itself is not opened here: closing it
/// would let go of the locks of other connections.
fn why_not_opened(file: &std::path::Path) -> Option<std::io::Error> {
    let folder = std::fs::File::open(file.parent()?).err();
    let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
    folder
        .or_else(|| rustix::fs::access(file, access).err().map(Into::into))
        .filter(|e| e.kind() != std::io::ErrorKind::NotFound)
}
