//! The `chunk` stage: a document's text, cut into chunks.

use super::attempts::StageError;
use super::context::Run;
use super::desk::Desk;
use super::feed::Job;
use super::work::{Made, Work};
use crate::stages::chunk;
use crate::values::{Chunk, ParsedDocument};

impl Work for Vec<Chunk> {
    fn make(run: &Run<'_>, desk: &mut Desk<'_>, job: &Job) -> Result<Made<Self>, StageError> {
        if let Some(parsed) = desk.large_document(run, job.pending.doc)?
            && let Some(chunks) = desk.parser.chunks(&parsed, run.pipeline.chunk)
        {
            return Ok(Made::encoded(chunks?));
        }
        let document = desk.input::<ParsedDocument>(run, job.pending.doc)?;
        Ok(Made::of(chunk::chunk(&document, run.pipeline.chunk)))
    }
}
