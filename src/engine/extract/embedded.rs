//! The embedded provider: no key, no network, no requests.

use crate::engine::attempts::StageError;
use crate::engine::context::Run;
use crate::stages::extract::{self, Definition, local};
use crate::stages::pipeline::Method;
use crate::store::{self, Change, Generation, Reader};
use crate::values::{Chunk, Extraction, ParsedDocument};

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
