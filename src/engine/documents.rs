//! What each stage does for one document or file: loads, computes, makes the changes to be committed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::RunError;
use super::worker::panic_words;
use crate::stages::chunk::{self, ChunkSettings};
use crate::stages::extract::{self, Definition, local};
use crate::stages::pipeline::{Method, Pipeline};
use crate::stages::write::{self, Blocklist, Origin};
use crate::store::{self, Change, Disk, FpId, PendingFile, Publication, Reader, StoreError};
use crate::values::{Chunk, Extraction, Failure, FailureKind, Fingerprint, ParsedDocument};

/// Why a stage of a document did not come to its end.
pub(super) enum Trouble {
    /// This document failed; the run goes on.
    Failure(Failure),
    /// The run cannot go on.
    Run(RunError),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            // One unreadable record is that document's trouble.
            StoreError::Record { .. } => Self::Failure(Failure::new(FailureKind::Internal, error.to_string())),
            error => Self::Run(RunError::Store(error)),
        }
    }
}

/// Runs an attempt, and one more if it fails for a cause that may pass. `on_retry` is told of the first failure.
/// Returns the value or the final failure, with the number of attempts.
pub(super) fn attempts<T>(
    mut run: impl FnMut() -> Result<T, Trouble>,
    on_retry: impl FnOnce(&Failure),
) -> Result<(Result<T, Failure>, u32), RunError> {
    let mut once = || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(&mut run)).unwrap_or_else(|panic| {
            let words = panic_words(&*panic);
            Err(Failure::new(
                FailureKind::Internal,
                format!("corpora itself failed on this document ({words}); please report it with the document"),
            )
            .into())
        })
    };
    match once() {
        Ok(value) => return Ok((Ok(value), 1)),
        // A disk that hiccups is the machine's trouble, and no failure of the document to tell of.
        Err(Trouble::Run(RunError::Store(StoreError::Disk { .. }))) => {}
        Err(Trouble::Run(error)) => return Err(error),
        Err(Trouble::Failure(failure)) if !failure.kind.is_passing() => return Ok((Err(failure), 1)),
        Err(Trouble::Failure(failure)) => on_retry(&failure),
    }
    std::thread::sleep(PAUSE);
    match once() {
        Ok(value) => Ok((Ok(value), 2)),
        Err(Trouble::Run(error)) => Err(error),
        Err(Trouble::Failure(failure)) => Ok((Err(failure), 2)),
    }
}

/// Before a second attempt: long enough for a network disk's hiccup, short enough not to be noticed.
const PAUSE: Duration = Duration::from_millis(200);

/// Cuts a document.
pub(super) fn chunks(document: &ParsedDocument, settings: ChunkSettings) -> Vec<Chunk> {
    chunk::chunk(document, settings)
}

/// What `extract` made of one document.
pub(super) struct Extracted {
    pub(super) extraction: Extraction,
    /// New answers, to be committed with it.
    pub(super) answers: Vec<Change>,
    /// Things a person should know.
    pub(super) notes: Vec<String>,
}

impl Extracted {
    pub(super) fn new(
        method: &Method,
        document: &ParsedDocument,
        extraction: Extraction,
        answers: Vec<Change>,
    ) -> Self {
        Self { notes: extract::remarks(method, document, &extraction), extraction, answers }
    }
}

/// Finds the items of a document. Answers that the store holds and that are not older than `generation` are used;
/// missing ones are asked for.
pub(super) fn extract(
    pipeline: &Pipeline,
    question: FpId,
    reader: &Reader,
    document: &ParsedDocument,
    chunks: &[Chunk],
    generations: Generations,
) -> Result<Extracted, Trouble> {
    match &pipeline.method {
        Method::Terms(settings) => {
            let found = local::terms(document, settings);
            Ok(Extracted::new(&pipeline.method, document, found, Vec::new()))
        }
        Method::Passages(settings) => {
            let mut answers = Vec::new();
            let mut found: Vec<Vec<Definition>> = Vec::with_capacity(chunks.len());
            for chunk in chunks {
                let passage = chunk.span.of(&document.text);
                let unit = extract::unit_key(passage);
                let stored = reader.answer(question, &unit, generations.accepted)?;
                let definitions = match stored.map(|bytes| store::decode(&bytes)) {
                    Some(Ok(definitions)) => definitions,
                    Some(Err(_)) | None => {
                        let definitions = local::definitions(passage);
                        answers.push(Change::Answer {
                            question,
                            unit,
                            generation: generations.current,
                            answer: store::encode(&definitions),
                            response: None,
                        });
                        definitions
                    }
                };
                found.push(definitions);
            }
            let extraction = extract::assemble(document, chunks, &found, settings);
            Ok(Extracted::new(&pipeline.method, document, extraction, answers))
        }
    }
}

/// Which answers count for a document, and what new ones are marked with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Generations {
    /// Older answers are not accepted.
    pub(super) accepted: i64,
    /// The store's current generation.
    pub(super) current: i64,
}

/// Where vocabulary files go.
pub(super) struct OutputPlaces {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) output: PathBuf,
    pub(super) temporary: PathBuf,
    pub(super) origin: Origin,
    pub(super) blocklist: Option<Arc<Blocklist>>,
}

/// A vocabulary file, complete as a temporary file, and the change that publishes it.
pub(super) struct WrittenFile {
    pub(super) change: Change,
    pub(super) terms: u64,
    pub(super) flagged: u64,
}

/// Renders and writes a vocabulary file to its temporary place, and syncs it.
pub(super) fn write_file(
    places: &OutputPlaces,
    fp: FpId,
    file: &PendingFile,
    document: &ParsedDocument,
    extraction: &Extraction,
) -> Result<WrittenFile, Trouble> {
    let list = places.blocklist.as_deref();
    let vocabulary = write::render(&file.path, file.sha, document, extraction, &places.origin, list);
    let bytes = write::to_bytes(&vocabulary);
    let target = places.output.join(&file.output);
    let temporary = places.temporary.join(&Fingerprint::of(file.output.as_bytes()).hex()[..32]);
    let cannot = |path: &Path, e: std::io::Error| match StoreError::of_disk("write", path, e) {
        Ok(error) => Trouble::Run(RunError::Store(error)),
        Err(e) => Trouble::Failure(Failure::new(
            FailureKind::Io,
            format!("cannot write '{}': {e}; check the output folder's permissions", path.display()),
        )),
    };
    let folder = target.parent().unwrap_or(&places.output);
    places.disk.create_folder(folder).map_err(|e| cannot(folder, e))?;
    store::write_synced(&*places.disk, &temporary, &bytes).map_err(|e| cannot(&temporary, e))?;
    let sha = Fingerprint::of(&bytes).0;
    Ok(WrittenFile {
        terms: vocabulary.metadata.term_count as u64,
        flagged: vocabulary.metadata.flagged_count as u64,
        change: Change::Written {
            path: file.path.clone(),
            fp,
            doc: file.doc,
            publication: Publication { temporary, target },
            sha: sha[..8].try_into().expect("8 of 32 bytes"),
            terms: vocabulary.metadata.term_count as u64,
            flagged: vocabulary.metadata.flagged_count as u64,
        },
    })
}
