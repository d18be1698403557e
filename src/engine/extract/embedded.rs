//! The embedded provider on large documents, apart from this process.

use crate::engine::attempts::StageError;
use crate::engine::context::Run;
use crate::engine::desk::Desk;
use crate::engine::feed::Job;
use crate::engine::work::Made;
use crate::engine::worker::FoundTerms;
use crate::values::Extraction;

/// The items of a large document, found by a worker within its limits: such a document fails alone, and does not end the run. None if it is
/// not for a worker.
pub(super) fn in_a_worker(
    run: &Run<'_>,
    desk: &mut Desk<'_>,
    job: &Job,
) -> Result<Option<Made<Extraction>>, StageError> {
    if run.remote.is_some() {
        return Ok(None);
    }
    let Some(parsed) = desk.large_document(run, job.pending.doc)? else {
        return Ok(None);
    };
    let Some(found) = desk.parser.terms(&parsed, &run.pipeline.method) else { return Ok(None) };
    let FoundTerms { artifact, terms, notes } = found?;
    Ok(Some(Made { terms, notes, ..Made::encoded(artifact) }))
}
