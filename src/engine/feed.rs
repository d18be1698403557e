//! Feeding of documents to a stage: pages of what the store says is left, once or while the stages before go on.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::context::Run;
use super::error::RunError;
use crate::store::{DocId, PendingDocument, Reader, StoreError};
use crate::values::{SourcePath, Stage};

/// Rows read from the store at a time by a feeder.
pub(super) const PAGE: usize = 256;

/// A document on its way through a stage.
pub(super) struct Job {
    pub(super) pending: PendingDocument,
    pub(super) path: SourcePath,
}

/// Sends every pending document of a stage to `send`, until that says stop.
pub(super) fn feed_documents(run: &Run<'_>, stage: Stage, send: &mut dyn FnMut(Job) -> bool) -> Result<(), RunError> {
    feed(run, |reader, after| reader.pending(&run.fps, stage, run.scope, after, PAGE), send)
}

/// Sends every document that has not come through the last stage of documents, whatever stages it has come through.
pub(super) fn feed_unfinished(run: &Run<'_>, send: &mut dyn FnMut(Job) -> bool) -> Result<(), RunError> {
    feed(run, |reader, after| reader.unfinished(&run.fps, run.scope, after, PAGE), send)
}

fn feed(
    run: &Run<'_>,
    page: impl Fn(&Reader, DocId) -> Result<Vec<PendingDocument>, StoreError>,
    send: &mut dyn FnMut(Job) -> bool,
) -> Result<(), RunError> {
    let reader = run.store.reader()?;
    let mut after = DocId(0);
    loop {
        let page = page(&reader, after)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.doc;
        for pending in page {
            let Some(path) = reader.path_of(pending.doc)? else { continue };
            if !send(Job { pending, path }) {
                return Ok(());
            }
        }
    }
}

/// Sign that the stages before one are finished, and that it sends on when it is: stages that run at the same time follow each
/// other with it.
#[derive(Default)]
pub(super) struct Upstream(AtomicBool);

impl Upstream {
    /// Sign for a stage whose work is all there when it begins.
    pub(super) fn finished() -> Self {
        Self(AtomicBool::new(true))
    }

    /// Guard whose end says that nothing more will come: also when what stands before breaks off with an error or a panic.
    pub(super) fn finishes_with(&self) -> impl Drop + '_ {
        Finishing(self)
    }

    fn is_finished(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

struct Finishing<'a>(&'a Upstream);

impl Drop for Finishing<'_> {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Release);
    }
}

/// Least time between two looks for documents that have become ready.
const LOOK_EACH: Duration = Duration::from_millis(50);

/// As [`feed_documents`], but goes on looking until the stages before this one are finished. A document is sent once.
pub(super) fn follow_documents(
    run: &Run<'_>,
    stage: Stage,
    upstream: &Upstream,
    send: &mut dyn FnMut(Job) -> bool,
) -> Result<(), RunError> {
    // Documents that were sent and still look as if they had to be done: those that are on their way.
    let mut under_way: HashSet<DocId> = HashSet::new();
    loop {
        let last_look = upstream.is_finished();
        let started = Instant::now();
        let mut still = HashSet::new();
        let mut stopped = false;
        let mut sending = Duration::ZERO;
        feed_documents(run, stage, &mut |job| {
            let doc = job.pending.doc;
            still.insert(doc);
            if !under_way.contains(&doc) {
                let began = Instant::now();
                stopped = !send(job);
                sending += began.elapsed();
            }
            !stopped
        })?;
        if stopped || last_look || run.is_stopping() {
            return Ok(());
        }
        under_way = still;
        // A look at a million documents takes a second: looking must not become the work.
        let looking = started.elapsed().saturating_sub(sending);
        let until = Instant::now() + LOOK_EACH.max(looking * 10);
        while Instant::now() < until && !run.is_stopping() {
            std::thread::sleep(LOOK_EACH);
        }
    }
}
