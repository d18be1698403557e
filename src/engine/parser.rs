//! Parsing as a run was asked to: in a worker process, or in this one.

use std::path::Path;

use super::attempts::StageError;
use super::config::ParseIn;
use super::parse_here::{parse_here, read_unchanged};
use super::worker::{FoundTerms, ParseProgram, ParseWorker, Parsed, Position};
use crate::stages::chunk::ChunkSettings;
use crate::stages::parse::ParseSettings;
use crate::stages::pipeline::Method;
use crate::store;
use crate::values::Fingerprint;

/// Way to parse the documents of a run.
#[derive(Debug, Clone)]
pub(super) enum Parsing {
    /// By workers of this program.
    Workers(ParseProgram),
    /// In this process.
    Here(ParseSettings),
}

impl Parsing {
    /// The way that was asked for.
    pub(super) fn of(place: &ParseIn, settings: &ParseSettings) -> Self {
        let settings = settings.clone();
        match place {
            ParseIn::Workers { program, limits } => {
                Self::Workers(ParseProgram { program: program.clone(), settings, limits: *limits })
            }
            ParseIn::ThisProcess => Self::Here(settings),
        }
    }
}

/// Parser of one worker thread.
pub(super) enum Parser<'a> {
    /// A slot for a worker process.
    Worker(ParseWorker<'a>),
    /// This process.
    Here(&'a ParseSettings),
}

impl<'a> Parser<'a> {
    /// The parser of a thread; nothing is started before it is needed.
    pub(super) fn new(parsing: &'a Parsing) -> Self {
        match parsing {
            Parsing::Workers(program) => Self::Worker(ParseWorker::new(program)),
            Parsing::Here(settings) => Self::Here(settings),
        }
    }

    /// Parses the file, which must still have the content `sha`. A worker's progress is told a few times a second.
    pub(super) fn parse(
        &mut self,
        file: &Path,
        sha: &Fingerprint,
        progress: &mut dyn FnMut(Position),
    ) -> Result<Parsed, StageError> {
        match self {
            Self::Worker(worker) => worker.parse(file, sha, progress),
            Self::Here(settings) => {
                let mut document = parse_here(&read_unchanged(file, sha)?, settings)?;
                let artifact = store::encode(&document);
                Ok(Parsed { artifact, gap: document.gap(), notes: std::mem::take(&mut document.notes) })
            }
        }
    }

    /// Finds the items of a parsed document as the store holds it, in a worker; none where there are no workers.
    pub(super) fn terms(&mut self, parsed: &[u8], method: &Method) -> Option<Result<FoundTerms, StageError>> {
        match self {
            Self::Worker(worker) => Some(worker.terms(parsed, method)),
            Self::Here(_) => None,
        }
    }

    /// Cuts a parsed document, as the store holds it, into chunks in a worker; none where there are no workers.
    pub(super) fn chunks(&mut self, parsed: &[u8], sizes: ChunkSettings) -> Option<Result<Vec<u8>, StageError>> {
        match self {
            Self::Worker(worker) => Some(worker.chunks(parsed, sizes)),
            Self::Here(_) => None,
        }
    }
}
