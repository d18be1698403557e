//! What the end of a run is told with, beside its summary: where results are, what failed in it, how wide the screen is.

use crate::values::{Event, FailureKind, SourcePath};

/// Failures that are named again at the end.
const NAMED: usize = 5;

/// See the module.
#[derive(Debug)]
pub(super) struct Ending {
    /// The output folder, as a shell takes it.
    pub(super) folder: String,
    /// Columns of the terminal at this moment; none where lines need not fit.
    pub(super) columns: fn() -> Option<usize>,
    /// Failures of this run that are named again.
    pub(super) failed: Vec<(SourcePath, FailureKind)>,
    /// All failures of this run.
    pub(super) failures: usize,
}

impl Ending {
    pub(super) fn new(folder: String, columns: fn() -> Option<usize>) -> Self {
        Self { folder, columns, failed: Vec::new(), failures: 0 }
    }

    /// Remembers what an event tells for the end.
    pub(super) fn note(&mut self, event: &Event) {
        if let Event::DocumentFailed { path, kind, .. } = event {
            self.failures += 1;
            if self.failed.len() < NAMED {
                self.failed.push((path.clone(), *kind));
            }
        }
    }
}
