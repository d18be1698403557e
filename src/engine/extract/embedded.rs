//! The embedded provider on large documents, apart from this process.

use crate::engine::attempts::StageError;
use crate::engine::context::Run;
use crate::engine::desk::Desk;
use crate::engine::feed::Job;
use crate::engine::work::Made;
use crate::engine::worker::FoundTerms;
use crate::stages::pipeline::Method;
use crate::values::{Extraction, ParsedDocument};

/// Bytes from which on a stored document is large: about a megabyte and a half of text, whose terms take two hundred times as many bytes of
/// memory. What is smaller is searched in this process, which is faster.
const LARGE: u64 = 400 << 10;

/// The terms of a large document, found by a worker within its limits: such a document fails alone, and does not end the run. None if it is
/// not for a worker.
pub(super) fn in_a_worker(
    run: &Run<'_>,
    desk: &mut Desk<'_>,
    job: &Job,
) -> Result<Option<Made<Extraction>>, StageError> {
    let Method::Terms(rules) = &run.pipeline.method else { return Ok(None) };
    if run.remote.is_some() || desk.has_in_hand::<ParsedDocument>() {
        return Ok(None);
    }
    let Some(parsed) = desk.reader.large_artifact::<ParsedDocument>(&run.fps, job.pending.doc, LARGE)? else {
        return Ok(None);
    };
    let Some(found) = desk.parser.terms(&parsed, rules) else { return Ok(None) };
    let FoundTerms { artifact, terms, notes } = found?;
    Ok(Some(Made { terms, notes, ..Made::encoded(artifact) }))
}
