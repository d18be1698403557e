//! Program of the workers, and the processors that documents share.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::limits::ParseLimits;
use crate::engine::defaults;
use crate::stages::parse::ParseSettings;

/// Program of the workers, and what they are told once.
#[derive(Debug, Clone)]
pub(in crate::engine) struct ParseProgram {
    /// Started as `PROGRAM parse-worker BYTES`.
    pub(in crate::engine) program: PathBuf,
    pub(in crate::engine) settings: ParseSettings,
    pub(in crate::engine) limits: ParseLimits,
    /// Documents that are parsed now.
    at_work: Arc<AtomicUsize>,
}

/// A document's share of the processors, until this is dropped.
pub(super) struct Share<'a> {
    /// Pages that it may have recognised at the same time.
    pub(super) processors: usize,
    at_work: &'a AtomicUsize,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.at_work.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ParseProgram {
    pub(in crate::engine) fn new(program: PathBuf, settings: ParseSettings, limits: ParseLimits) -> Self {
        Self { program, settings, limits, at_work: Arc::default() }
    }

    /// The share of one more document: a scan that is parsed alone has all processors.
    pub(super) fn share(&self) -> Share<'_> {
        let at_work = self.at_work.fetch_add(1, Ordering::Relaxed) + 1;
        Share { processors: (defaults::workers() / at_work).max(1), at_work: &self.at_work }
    }
}
