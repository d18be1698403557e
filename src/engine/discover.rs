//! The `discover` stage over a store: walks the inputs beside the known files, hashes what is new or changed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::config::RunConfig;
use super::context::Run;
use super::error::{RunError, is_of_the_machine};
use crate::stages::consolidate::read_vocabulary;
use crate::stages::discover::{Found, Inputs, Listing, Walk, WalkError, output_names};
use crate::stages::parse;
use crate::store::{
    Change, Checkpoint, FileChange, FileRow, FileState, FpId, Reader, Scope, WrittenOutput, output_place,
};
use crate::values::{
    Event, Failure, FailureKind, Fingerprint, Format, Formats, Phase, Shown, SourcePath, Stage, plural,
};

/// Files hashed together, in parallel, and committed together.
const BATCH: usize = 64;

/// Known files read from the store at a time.
const PAGE: usize = 1024;

/// Findings of discovery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Discovered {
    /// Files in scope that are documents, readable or not.
    pub(super) documents: u64,
    /// Files in scope that are none.
    pub(super) ignored: u64,
    /// Of these, those named like a format that was not asked for, in the order of [`Format::ALL`].
    pub(super) ignored_formats: [u64; Format::ALL.len()],
    /// Of the documents, unchanged ones whose vocabulary file is written and of which nothing failed.
    pub(super) settled: u64,
    /// True if anything in the store changed.
    pub(super) changed: bool,
}

/// Walks the inputs. `scope` is the part of the input root that the run is about.
pub(super) fn discover(run: &Run<'_>, config: &RunConfig, scope: Scope) -> Result<Discovered, RunError> {
    let mut state = Discovery {
        run,
        config,
        scope,
        known: Known {
            reader: run.store.reader()?,
            write_fp: run.fps[Stage::Write],
            page: VecDeque::new(),
            after: String::new(),
            at_end: false,
        },
        batch: Vec::new(),
        unreadable: Vec::new(),
        found: Discovered::default(),
        bytes_hashed: 0,
    };
    let walked = match &config.files {
        None => Walk::new(&config.inputs, config.recursive).try_for_each(|item| state.take(item)),
        Some(listing) => state.take_listed(listing)?,
    };
    let limited = match walked {
        ControlFlow::Continue(()) => false,
        ControlFlow::Break(Ok(())) => true,
        ControlFlow::Break(Err(error)) => return Err(error),
    };
    state.hash_batch()?;
    if !limited {
        state.pass_known(None)?;
    }
    // Files that came from a shard have no names yet, although nothing changed.
    if state.found.changed || run.store.reader()?.has_unnamed_files()? {
        run.writer.submit(Checkpoint::new(vec![Change::NameOutputs(output_names)], Vec::new()))?;
    }
    run.writer.flush()?;
    run.emit(Event::Discovered { documents: state.found.documents, bytes_hashed: state.bytes_hashed });
    Ok(state.found)
}

struct Discovery<'a> {
    run: &'a Run<'a>,
    config: &'a RunConfig,
    scope: Scope,
    known: Known,
    batch: Vec<Found>,
    /// Places that could not be looked at: what is known below them is not gone.
    unreadable: Vec<SourcePath>,
    found: Discovered,
    bytes_hashed: u64,
}

/// Going on with the walk, or its end: by the run's limit or a person's word, or by an error.
type Walked = ControlFlow<Result<(), RunError>>;

impl Discovery<'_> {
    /// Takes up what a walk or a list gave next.
    fn take(&mut self, item: Result<Found, WalkError>) -> Walked {
        match self.try_take(item) {
            Ok(walked) => walked,
            Err(error) => ControlFlow::Break(Err(error)),
        }
    }

    fn try_take(&mut self, item: Result<Found, WalkError>) -> Result<Walked, RunError> {
        let (run, config) = (self.run, self.config);
        run.signs.alive();
        if run.cancel.is_stopping() {
            return Ok(ControlFlow::Break(Ok(())));
        }
        match item {
            Ok(found) if !config.is_in_shard(&found.path) => return Ok(ControlFlow::Continue(())),
            Ok(found) => self.compare(found)?,
            Err(error) if !error.is_folder && is_named_as_document(&error.path, config.formats) => {
                if config.is_in_shard(&error.path) {
                    self.unreadable_file(error)?;
                }
            }
            Err(error) => {
                run.emit(Event::Notice { message: error.to_string() });
                self.unreadable.push(error.path);
            }
        }
        if let Some(limit) = config.limit
            && self.found.documents + self.batch.len() as u64 >= limit
        {
            self.hash_batch()?;
            if self.found.documents >= limit {
                return Ok(ControlFlow::Break(Ok(())));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes up the files of a listing; says if it is out of date.
    fn take_listed(&mut self, listing: &Listing) -> Result<Walked, RunError> {
        let mut files = listing.files(&self.config.inputs, self.config.shard)?;
        let mut walked = ControlFlow::Continue(());
        while walked.is_continue()
            && let Some(item) = files.next()
        {
            walked = self.take(item?);
        }
        if files.changed() > 0 {
            let message = format!(
                "{} of the list {} not as it says; they are taken as they are now, and a list made again with 'corpora list' has those too that came since",
                plural(files.changed(), "file", "files"),
                if files.changed() == 1 { "is" } else { "are" },
            );
            self.run.emit(Event::Warning { message });
        }
        Ok(walked)
    }

    fn compare(&mut self, found: Found) -> Result<(), RunError> {
        match self.pass_known(Some(&found.path))? {
            Some(row)
                if !self.config.checksum
                    && row.size == found.size
                    && row.mtime_ns == found.mtime_ns
                    && row.identity.is_none_or(|identity| identity == found.identity)
                    && matches!(row.state, FileState::Present | FileState::NotADocument)
                    && self.is_still(&found, row.state) =>
            {
                if row.state == FileState::NotADocument {
                    self.ignore(&found.path);
                    return Ok(());
                }
                self.found.documents += 1;
                if row.identity.is_none() {
                    let change = Change::Identified { path: found.path.clone(), identity: found.identity };
                    self.run.writer.submit(Checkpoint::new(vec![change], Vec::new()))?;
                }
                if let Some(output) = row.written {
                    self.check_output(&found.path, &output)?;
                }
                if self.scope != Scope::Whole {
                    let change = Change::Choose { path: found.path, scope: self.scope };
                    self.run.writer.submit(Checkpoint::new(vec![change], Vec::new()))?;
                }
                if self.found.documents.is_multiple_of(1000) {
                    self.tell();
                }
                Ok(())
            }
            known => {
                if let Some(output) = known.and_then(|row| row.written) {
                    self.check_output(&found.path, &output)?;
                }
                self.batch.push(found);
                if self.batch.len() >= BATCH { self.hash_batch() } else { Ok(()) }
            }
        }
    }

    /// True if what was made of an unchanged file stands under the formats of this run.
    fn is_still(&self, found: &Found, state: FileState) -> bool {
        let formats = self.config.formats;
        let named = Format::of_name(found.path.as_str());
        match state {
            FileState::NotADocument => !found.explicit && !named.is_some_and(|format| formats.has(format)),
            // Without a name that says what it is, content decided, and only these two are told by content alone.
            _ => found.explicit || named.map_or(formats == Formats::default(), |format| formats.has(format)),
        }
    }

    fn ignore(&mut self, path: &SourcePath) {
        self.found.ignored += 1;
        if let Some(index) = Format::of_name(path.as_str()).and_then(|f| Format::ALL.iter().position(|one| *one == f)) {
            self.found.ignored_formats[index] += 1;
        }
    }

    /// A vocabulary file that somebody deleted, or that was cut or overwritten, is written again from the store; one that somebody
    /// edited stays.
    fn check_output(&mut self, path: &SourcePath, written: &WrittenOutput) -> Result<(), RunError> {
        // A name that no run gives is refused when the file is written.
        let place = output_place(&self.run.places.output, &written.output).ok();
        let found = place.as_ref().and_then(|place| std::fs::symlink_metadata(place).ok().zip(Some(place)));
        if let Some((meta, place)) = found {
            let is_as_long = written.bytes.is_none_or(|bytes| bytes == meta.len());
            if is_as_long && !self.config.checksum || !is_damaged(place, written) {
                self.found.settled += 1;
                return Ok(());
            }
            let message =
                format!("{} is cut short or overwritten, and is written again; check the disk", Shown(&written.output));
            self.run.emit(Event::Notice { message });
        }
        self.found.changed = true;
        let changes = vec![Change::OutputLost(path.clone())];
        Ok(self.run.writer.submit(Checkpoint::new(changes, Vec::new()))?)
    }

    /// A document by its name that cannot even be looked at.
    fn unreadable_file(&mut self, error: WalkError) -> Result<(), RunError> {
        self.pass_known(Some(&error.path))?;
        let change = FileChange {
            path: error.path,
            state: FileState::Unreadable,
            content: None,
            size: 0,
            mtime_ns: 0,
            identity: None,
            failure: Some(Failure::new(FailureKind::Io, error.reason)),
            scope: self.scope,
        };
        self.record(vec![change])
    }

    /// Moves past the known files before `path` (all, if none is given): those in the run's reach are gone. Returns
    /// the known file at `path`.
    fn pass_known(&mut self, path: Option<&SourcePath>) -> Result<Option<FileRow>, RunError> {
        while let Some(row) = self.known.next_up_to(path)? {
            if path == Some(&row.path) {
                return Ok(Some(row));
            }
            let is_hidden_by_an_error = self.unreadable.iter().any(|place| is_below(&row.path, place));
            if row.state != FileState::Gone
                && !is_hidden_by_an_error
                && is_within(&self.config.inputs, self.config.recursive, &row.path)
            {
                self.found.changed = true;
                self.run.writer.submit(Checkpoint::new(vec![Change::Gone(row.path)], Vec::new()))?;
            }
        }
        Ok(None)
    }

    fn hash_batch(&mut self) -> Result<(), RunError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        let (scope, formats) = (self.scope, self.config.formats);
        let changes: Result<Vec<FileChange>, RunError> =
            self.run.pool.install(|| batch.par_iter().map(|found| examine(found, formats, scope)).collect());
        self.record(changes?)
    }

    /// Hands what was learned of some files to the writer.
    fn record(&mut self, changes: Vec<FileChange>) -> Result<(), RunError> {
        let mut events = Vec::new();
        for change in &changes {
            match change.state {
                FileState::NotADocument => self.ignore(&change.path),
                FileState::Present | FileState::Unreadable => {
                    self.found.documents += 1;
                    self.bytes_hashed += change.content.map_or(0, |(_, bytes)| bytes);
                }
                FileState::Gone => {}
            }
            if let Some(failure) = &change.failure {
                events.push(Event::DocumentFailed {
                    stage: Phase::Discover,
                    document: String::new(),
                    path: change.path.clone(),
                    kind: failure.kind,
                    message: failure.message.clone(),
                    attempt: 1,
                });
            }
        }
        self.found.changed = true;
        let changes = changes.into_iter().map(Change::File).collect();
        self.run.writer.submit(Checkpoint::new(changes, events))?;
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        self.run.emit(Event::Discovered { documents: self.found.documents, bytes_hashed: self.bytes_hashed });
    }
}

/// The known files, page by page, in path order.
struct Known {
    reader: Reader,
    write_fp: FpId,
    page: VecDeque<FileRow>,
    after: String,
    at_end: bool,
}

impl Known {
    /// The next row, if it does not come after `path`.
    fn next_up_to(&mut self, path: Option<&SourcePath>) -> Result<Option<FileRow>, RunError> {
        if self.page.is_empty() && !self.at_end {
            self.page = self.reader.files_after(self.write_fp, &self.after, PAGE)?.into();
            self.at_end = self.page.len() < PAGE;
            if let Some(last) = self.page.back() {
                last.path.as_str().clone_into(&mut self.after);
            }
        }
        Ok(self.page.pop_front_if(|row| path.is_none_or(|path| row.path <= *path)))
    }
}

/// True if the run looks at the place where `path` is.
fn is_within(inputs: &Inputs, recursive: bool, path: &SourcePath) -> bool {
    use std::os::unix::ffi::OsStrExt;
    inputs.places.iter().any(|place| {
        let place = SourcePath::from_bytes(place.as_os_str().as_bytes());
        if *path == place {
            return true;
        }
        let below = match place.as_str() {
            "" => Some(path.as_str()),
            place => path.as_str().strip_prefix(place).and_then(|rest| rest.strip_prefix('/')),
        };
        below.is_some_and(|below| recursive || !below.contains('/'))
    })
}

/// Test whether a vocabulary file is neither as it was written nor one that somebody may have edited: that one is a vocabulary still.
fn is_damaged(place: &Path, written: &WrittenOutput) -> bool {
    let Ok(bytes) = std::fs::read(place) else { return false };
    written.sha.is_some_and(|sha| Fingerprint::of(&bytes).0[..8] != sha) && read_vocabulary(&bytes).is_err()
}

fn is_below(path: &SourcePath, place: &SourcePath) -> bool {
    path == place
        || path.as_str().strip_prefix(place.as_str()).is_some_and(|rest| rest.starts_with('/'))
        || place.as_str().is_empty()
}

/// True if the name promises a document of a format that was asked for; what it really is, its content tells.
fn is_named_as_document(path: &SourcePath, formats: Formats) -> bool {
    Format::of_name(path.as_str()).is_some_and(|format| formats.has(format))
}

/// Looks into a file: what it is, and the hash of its content if it is a document.
fn examine(found: &Found, formats: Formats, scope: Scope) -> Result<FileChange, RunError> {
    let is_named = is_named_as_document(&found.path, formats);
    let change = |state, content, failure| FileChange {
        path: found.path.clone(),
        state,
        content,
        size: found.size,
        mtime_ns: found.mtime_ns,
        identity: Some(found.identity),
        failure,
        scope,
    };
    Ok(match read_document(found, formats, is_named) {
        Err(source) if is_of_the_machine(&source) => {
            return Err(RunError::Machine { action: "read the inputs", source });
        }
        Ok(Content::Document(hash, length)) => change(FileState::Present, Some((hash, length)), None),
        Ok(Content::Other) => change(FileState::NotADocument, None, None),
        Ok(Content::Misnamed(failure)) => change(FileState::Unreadable, None, Some(failure)),
        Err(e) if is_named || found.explicit => {
            let message = format!("the file cannot be read: {e}; check its permissions and run again");
            change(FileState::Unreadable, None, Some(Failure::new(FailureKind::Io, message)))
        }
        Err(_) => change(FileState::NotADocument, None, None),
    })
}

/// Findings of a look into a file.
enum Content {
    /// A document: its hash and length.
    Document(Fingerprint, u64),
    /// Not the document that its name promises.
    Misnamed(Failure),
    /// Nothing that was asked for.
    Other,
}

fn read_document(found: &Found, formats: Formats, is_named: bool) -> std::io::Result<Content> {
    let mut file = File::open(&found.file)?;
    let mut buffer = vec![0; 256 << 10];
    let mut filled = 0;
    // The first bytes decide; a short read is not the end of the file.
    while filled < 4096 {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            n => filled += n,
        }
    }
    let head = &buffer[..filled];
    if is_named || found.explicit {
        if let Err(failure) = parse::check_name(Format::of_name(found.path.as_str()), head) {
            return Ok(Content::Misnamed(failure));
        }
    } else if !parse::sniff(head).is_some_and(|f| f.is_by_default() && formats.has(f)) {
        // Only these two are so unmistakable that they are taken under any name.
        return Ok(Content::Other);
    }
    let mut hash = Sha256::new();
    let mut length = 0;
    while filled > 0 {
        hash.update(&buffer[..filled]);
        length += filled as u64;
        filled = file.read(&mut buffer)?;
    }
    Ok(Content::Document(Fingerprint(hash.finalize().into()), length))
}
