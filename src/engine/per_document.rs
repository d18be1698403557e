//! Per-document mode: each worker takes one document through everything. This is the tool that the staged engine
//! is measured against, so nothing of a document is kept before its end: an interrupted one starts from scratch.

use super::context::Run;
use super::dataflow::DATAFLOW;
use super::desk::Desk;
use super::drive::drive;
use super::error::RunError;
use super::extract::alone::{Alone, Purse};
use super::feed::{Job, feed_unfinished};
use crate::store::{Checkpoint, Reader, StageState};
use crate::values::Stage;

/// Takes every document that has not come through all stages of documents through all stages there are.
pub(super) fn run_documents(run: &Run<'_>, purse: Option<&Purse>) -> Result<(), RunError> {
    let feed = |send: &mut dyn FnMut(Job) -> bool| {
        let reader = run.store.reader()?;
        let mut failed = None;
        feed_unfinished(run, &mut |job| {
            // Failures of an earlier run are left alone here as they are in staged mode.
            match has_failed(run, &reader, &job) {
                Ok(true) => true,
                Ok(false) => send(job),
                Err(error) => {
                    failed = Some(error);
                    false
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    };
    drive(
        run.workers,
        &|| run.is_stopping(),
        feed,
        || Desk::for_whole_documents(run, purse),
        |desk, job| {
            let mut checkpoint = whole_document(run, desk, &job)?;
            let claims = desk.alone.as_mut().and_then(Alone::claims);
            checkpoint.after = claims.map(|claims| -> Box<dyn FnOnce() + Send> { Box::new(move || drop(claims)) });
            run.writer.submit(checkpoint).map_err(Into::into)
        },
    )
}

fn has_failed(run: &Run<'_>, reader: &Reader, job: &Job) -> Result<bool, RunError> {
    for stage in Stage::of_documents() {
        if reader.stage_of(run.fps[stage], job.pending.doc)?.is_some_and(|row| row.state == StageState::Failed) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// One document from its bytes to its files, as one checkpoint.
fn whole_document(run: &Run<'_>, desk: &mut Desk<'_>, job: &Job) -> Result<Checkpoint, RunError> {
    desk.clear();
    let mut checkpoint = Checkpoint::default();
    for row in &DATAFLOW {
        if !(row.one)(run, desk, job, &mut checkpoint)? {
            break;
        }
    }
    Ok(checkpoint)
}
