//! The embedded provider: no key, no network, no requests.

use crate::engine::attempts::StageError;
use crate::engine::context::Run;
use crate::engine::desk::Desk;
use crate::engine::feed::Job;
use crate::engine::work::Made;
use crate::engine::worker::FoundTerms;
use crate::stages::extract::{self, Definition, local};
use crate::stages::pipeline::Method;
use crate::store::{self, Change, Generation, Reader};
use crate::values::{Chunk, Extraction, ParsedDocument};

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

/// Items of one document.
pub(super) struct Found {
    pub(super) extraction: Extraction,
    /// New answers, to be committed with it.
    pub(super) answers: Vec<Change>,
}

/// The items of a document. Answers that the store holds and that are not older than generation `accepted` are used;
/// missing ones are made.
pub(super) fn extract(
    run: &Run<'_>,
    reader: &Reader,
    document: &ParsedDocument,
    chunks: &[Chunk],
    accepted: Generation,
) -> Result<Found, StageError> {
    let settings = match &run.pipeline.method {
        Method::Terms(settings) => {
            return Ok(Found { extraction: local::terms(document, settings), answers: Vec::new() });
        }
        Method::Passages(settings) => settings,
    };
    let mut answers = Vec::new();
    let mut found: Vec<Vec<Definition>> = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let passage = chunk.span.of(&document.text);
        let unit = extract::unit_key(passage);
        let stored = reader.answer(run.question, &unit, accepted)?;
        let definitions = match stored.map(|bytes| store::decode(&bytes)) {
            Some(Ok(definitions)) => definitions,
            Some(Err(_)) | None => {
                let definitions = local::definitions(passage);
                answers.push(Change::Answer {
                    question: run.question,
                    unit,
                    generation: run.generation,
                    answer: store::encode(&definitions),
                    response: None,
                });
                definitions
            }
        };
        found.push(definitions);
    }
    Ok(Found { extraction: extract::assemble(document, chunks, &found, settings), answers })
}
