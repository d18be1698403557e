//! The `extract` stage: which way answers are got, for all documents and for one.

use super::plan::facts;
use super::way::{Way, way};
use super::{batch, embedded, live};
use crate::engine::attempts::StageError;
use crate::engine::checkpoint;
use crate::engine::context::Run;
use crate::engine::desk::Desk;
use crate::engine::error::RunError;
use crate::engine::feed::{Job, Upstream};
use crate::engine::provider::{EndpointKind, Outcome, Remote};
use crate::engine::work::{Made, Work};
use crate::stages::extract;
use crate::values::{Chunk, Event, Extraction, ParsedDocument};

/// Staged mode: the embedded provider takes document after document; a remote one is asked about all of them together.
pub(in crate::engine) fn all_documents(run: &Run<'_>, upstream: &Upstream) -> Result<Option<Outcome>, RunError> {
    let Some(remote) = run.remote else { return checkpoint::all_documents::<Extraction>(run, upstream) };
    let mut outcome =
        if by_batch(run, remote)? { batch::extract(run, remote)? } else { live::extract(run, remote, upstream)? };
    if outcome.stop.is_none() {
        outcome.stop = batch::left_open(run, &run.store.reader()?)?;
    }
    Ok(Some(outcome))
}

/// The items of one document: from the embedded provider, or in per-document mode from a remote one that is asked about it alone.
impl Work for Extraction {
    fn make(run: &Run<'_>, desk: &mut Desk<'_>, job: &Job) -> Result<Made<Self>, StageError> {
        if let Some(made) = embedded::in_a_worker(run, desk, job)? {
            return Ok(made);
        }
        let document = desk.input::<ParsedDocument>(run, job.pending.doc)?;
        let chunks = match desk.alone {
            Some(_) => Some(desk.input::<Vec<Chunk>>(run, job.pending.doc)?),
            None => None,
        };
        let (extraction, answers, notes) = match &mut desk.alone {
            Some(alone) => {
                let chunks = chunks.unwrap_or_default();
                let asked = alone.extract(run, job, &document, &chunks);
                match asked.outcome {
                    Ok((extraction, notes)) => (extraction, asked.changes, notes),
                    Err(error) => {
                        desk.paid.extend(asked.changes);
                        return Err(error);
                    }
                }
            }
            None => {
                let extraction = extract::extract_embedded(&run.pipeline.method, &document);
                let notes = extract::remarks(&run.pipeline.method, &document, &extraction);
                (extraction, Vec::new(), notes)
            }
        };
        Ok(Made { terms: extraction.items.len() as u64, answers, notes, ..Made::of(extraction) })
    }
}

/// True if the batch endpoint is to be asked.
fn by_batch(run: &Run<'_>, remote: &Remote) -> Result<bool, RunError> {
    let aim = match &remote.endpoint_kind {
        EndpointKind::Live => return Ok(false),
        EndpointKind::Batch => return Ok(true),
        EndpointKind::Auto { aim, .. } => *aim,
    };
    // What is under way there is collected there.
    if !run.store.reader()?.open_batches(run.question)?.is_empty() {
        return Ok(true);
    }
    let facts = facts(run, remote)?;
    let chosen = way(aim, &facts);
    run.emit(Event::Notice { message: chosen.words(facts.requests) });
    Ok(chosen == Way::Batch)
}
