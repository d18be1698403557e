//! The `write` stage: vocabulary files, rendered to temporary files that are synced, then published by the store's writer.

use std::path::Path;
use std::time::Instant;

use super::attempts::{StageError, attempts};
use super::checkpoint::{About, remake};
use super::context::{OutputPlaces, Run};
use super::desk::Desk;
use super::drive::drive;
use super::error::RunError;
use super::feed::{Job, PAGE, Upstream};
use super::provider::Outcome;
use crate::stages::write;
use crate::store::{Change, Checkpoint, PendingFile, Publication, StoreError, output_place, write_synced};
use crate::values::{Extraction, Failure, FailureKind, Fingerprint, ParsedDocument, Stage};

/// Writing waits for the disk: each file is synced, and syncs that overlap share the disk's work.
const WRITERS_PER_WORKER: usize = 4;

/// More files than this at once gain nothing.
const MOST_WRITERS: usize = 32;

/// Staged mode: writes every file that is left.
pub(super) fn all_files(run: &Run<'_>, _upstream: &Upstream) -> Result<Option<Outcome>, RunError> {
    let feed = |send: &mut dyn FnMut(PendingFile) -> bool| -> Result<(), RunError> {
        let reader = run.store.reader()?;
        let mut after = String::new();
        loop {
            let page = reader.files_to_write(&run.fps, run.scope, &after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            last.path.as_str().clone_into(&mut after);
            for file in page {
                if !send(file) {
                    return Ok(());
                }
            }
        }
    };
    drive(
        (WRITERS_PER_WORKER * run.workers).min(MOST_WRITERS),
        &|| run.is_stopping(),
        feed,
        || Desk::new(run),
        |desk, file: PendingFile| {
            let checkpoint = one_file(run, desk, &file)?;
            Ok(run.writer.submit(checkpoint)?)
        },
    )?;
    Ok(None)
}

/// Per-document mode: writes the files of one document.
pub(super) fn files_of_one(
    run: &Run<'_>,
    desk: &mut Desk<'_>,
    job: &Job,
    checkpoint: &mut Checkpoint,
) -> Result<bool, RunError> {
    for file in desk.reader.files_of(job.pending.doc, run.scope)? {
        let Checkpoint { changes, events, .. } = one_file(run, desk, &file)?;
        checkpoint.changes.extend(changes);
        checkpoint.events.extend(events);
    }
    Ok(true)
}

fn one_file(run: &Run<'_>, desk: &Desk<'_>, file: &PendingFile) -> Result<Checkpoint, RunError> {
    let about = About { stage: Stage::Write, sha: &file.sha, path: &file.path };
    about.started(run);
    let started = Instant::now();
    let attempt = || {
        let _held = run.in_flight.hold(file.doc, file.aborts, Stage::Write)?;
        let _turn = run.large.take(&desk.reader, &run.fps, file.doc)?;
        let document = desk.input::<ParsedDocument>(run, file.doc)?;
        let extraction = desk.input::<Extraction>(run, file.doc)?;
        write_file(run, file, &document, &extraction)
    };
    let (outcome, attempts) = attempts(attempt, |failure| about.retried(run, failure))?;
    Ok(match outcome {
        Ok(written) => {
            let event = about.written(written.terms, written.flagged, started);
            Checkpoint::new(vec![written.change], vec![event])
        }
        Err(failure) if failure.kind == FailureKind::Spoilt => remake(run, file.doc, &file.path),
        Err(failure) => {
            let event = about.failed(&failure, attempts);
            Checkpoint::new(vec![Change::WriteFailed { path: file.path.clone(), attempts, failure }], vec![event])
        }
    })
}

/// A vocabulary file, complete as a temporary file, and the change that publishes it.
pub(super) struct WrittenFile {
    pub(super) change: Change,
    pub(super) terms: u64,
    pub(super) flagged: u64,
}

/// Renders and writes a vocabulary file to its temporary place, and syncs it.
fn write_file(
    run: &Run<'_>,
    file: &PendingFile,
    document: &ParsedDocument,
    extraction: &Extraction,
) -> Result<WrittenFile, StageError> {
    let OutputPlaces { disk, output, origin, blocklist } = &run.places;
    let target = output_place(output, &file.output)
        .map_err(|reason| StageError::Failure(Failure::new(FailureKind::Damaged, reason)))?;
    let temporary = run.store.temporary_of(&file.output);
    let vocabulary = write::render(&file.path, file.sha, document, extraction, origin, blocklist.as_deref());
    let bytes = vocabulary.to_bytes();
    let cannot = |path: &Path, e: std::io::Error| match StoreError::of_disk("write", path, e) {
        Ok(error) => StageError::Run(RunError::Store(error)),
        Err(e) => StageError::Failure(Failure::new(
            FailureKind::Io,
            format!("cannot write '{}': {e}; check the output folder's permissions", path.display()),
        )),
    };
    let folder = target.parent().unwrap_or(output);
    disk.create_folder(folder).map_err(|e| cannot(folder, e))?;
    write_synced(&**disk, &temporary, &bytes).map_err(|e| cannot(&temporary, e))?;
    run.tally.wrote(&vocabulary);
    let sha = Fingerprint::of(&bytes).0;
    Ok(WrittenFile {
        terms: vocabulary.metadata.term_count as u64,
        flagged: vocabulary.metadata.flagged_count as u64,
        change: Change::Written {
            path: file.path.clone(),
            fp: run.fps[Stage::Write],
            doc: file.doc,
            publication: Publication { temporary, target },
            sha: sha[..8].try_into().expect("8 of 32 bytes"),
            bytes: bytes.len() as u64,
            terms: vocabulary.metadata.term_count as u64,
            flagged: vocabulary.metadata.flagged_count as u64,
        },
    })
}
