//! `corpora-errors.log`: one line for each attempt that failed, for people and `grep`.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::store;
use crate::values::{Event, FailureKind, Shown, SourcePath};

/// Its name, in the output folder.
pub const ERROR_LOG: &str = "corpora-errors.log";

/// Appends failures; the file is made when the first one happens.
pub(super) struct ErrorLog {
    path: std::path::PathBuf,
    file: Option<File>,
    now_ms: fn() -> i64,
}

impl ErrorLog {
    pub(super) fn new(output: &Path, now_ms: fn() -> i64) -> Self {
        Self { path: output.join(ERROR_LOG), file: None, now_ms }
    }

    /// Logs the event if it tells of a failed attempt. What cannot be logged is not an error: the store has it.
    pub(super) fn note(&mut self, event: &Event) {
        let (Event::DocumentFailed { path, kind, message, attempt, .. }
        | Event::DocumentRetried { path, kind, message, attempt, .. }) = event
        else {
            return;
        };
        let line = self.line(path, *kind, message, *attempt);
        if self.file.is_none() {
            self.file = store::open_to_append(&self.path).ok();
        }
        if let Some(file) = &mut self.file {
            let _ = file.write_all(line.as_bytes());
        }
    }

    fn line(&self, path: &SourcePath, kind: FailureKind, message: &str, attempt: u32) -> String {
        let at = jiff::Timestamp::from_millisecond((self.now_ms)()).unwrap_or_default();
        format!("[{at:.0}] [{path}] {}: {} (attempt {attempt})\n", kind.name(), Shown(message))
    }
}
