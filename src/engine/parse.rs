//! The `parse` stage: a document's text and structure, read out of its file by a worker process.

use super::attempts::StageError;
use super::checkpoint::About;
use super::context::Run;
use super::desk::Desk;
use super::feed::Job;
use super::work::{Made, Work};
use crate::values::{ParsedDocument, Stage};

impl Work for ParsedDocument {
    fn make(run: &Run<'_>, desk: &mut Desk<'_>, job: &Job) -> Result<Made<Self>, StageError> {
        let mut progress = About::of(Stage::Parse, job).progress(run);
        let parsed = desk.parser.parse(&run.file_of(&job.path), &job.pending.sha, &mut progress)?;
        Ok(Made { notes: parsed.notes, gap: parsed.gap, ..Made::encoded(parsed.artifact) })
    }
}
