//! Parsing in this process: what a worker does, and what a program that uses the library may choose.

use std::path::Path;

use super::attempts::panic_words;
use crate::stages::parse::{self, OcrCount, ParseSettings};
use crate::values::{Failure, FailureKind, Fingerprint, ParsedDocument};

/// Stack that a document may use; deep nesting is the commonest way to kill a parser.
pub(super) const STACK: usize = 64 << 20;

/// The bytes of a file that still has the content `sha`.
///
/// # Errors
/// If it is gone, cannot be read, or changed after the run began.
pub(super) fn read_unchanged(file: &Path, sha: &Fingerprint) -> Result<Vec<u8>, Failure> {
    let bytes = std::fs::read(file).map_err(|e| unreadable(&e))?;
    if Fingerprint::of(&bytes) == *sha { Ok(bytes) } else { Err(changed()) }
}

/// Failure of a document whose file cannot be read.
pub(super) fn unreadable(error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => Failure::new(
            FailureKind::Vanished,
            "the file was there when the run began and is gone now; put it back, or run again to leave it out",
        ),
        std::io::ErrorKind::OutOfMemory => too_large(),
        _ => Failure::new(FailureKind::Io, format!("the file cannot be read: {error}")),
    }
}

/// Failure of a document whose file does not fit into memory.
pub(super) fn too_large() -> Failure {
    Failure::new(FailureKind::Memory, "the file is too large for the memory limit; allow more with --parse-memory")
}

/// Failure of a document whose file has another content than when it was discovered.
pub(super) fn changed() -> Failure {
    Failure::new(FailureKind::Changed, "the file changed after the run began; run again to take up its new content")
}

/// Parses a document in this process, on a thread with a deep stack. What a hostile file does to the process, nothing prevents.
///
/// # Errors
/// The cause and the remedy; a panic of the parser is one.
pub(super) fn parse_here(bytes: &[u8], settings: &ParseSettings) -> Result<ParsedDocument, Failure> {
    let settings = ParseSettings { ocr_count: OcrCount::default(), ..settings.clone() };
    let parsed = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("worker-parse".into())
            .stack_size(STACK)
            .spawn_scoped(scope, || parse::parse(bytes, &settings, &mut |_, _| {}))
            .map(|thread| thread.join())
    });
    match parsed {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(broken(&*panic)),
        Err(e) => Err(Failure::new(FailureKind::Io, format!("no thread can be started to parse it: {e}"))),
    }
}

/// Failure of a document whose parser panicked.
pub(super) fn broken(panic: &(dyn std::any::Any + Send)) -> Failure {
    let words = panic_words(panic);
    Failure::new(FailureKind::Damaged, format!("the file breaks the parser ({words}); it is probably damaged"))
}
