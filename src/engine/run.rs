//! One run from the lock to the summary.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use crossbeam_channel::Sender;

use super::batch::{self, BatchOptions};
use super::contexts::Contexts;
use super::error_log::ErrorLog;
use super::live::{self, EndpointKind, Remote};
use super::staged::Upstream;
use super::tally::Tally;
use super::worker::{ParseLimits, ParseProgram};
use super::{Cancel, Plan, StageKeys, discover, documents, manifest, per_document, plan, staged};
use crate::stages::discover::{InputError, Inputs};
use crate::stages::parse::{OcrMode, ParseSettings};
use crate::stages::pipeline::Pipeline;
use crate::stages::write::{Blocklist, Origin};
use crate::store::{Counts, FpId, Reader, RunLock, STORE_FOLDER, Session, StageFps, Store, StoreError, Writer};
use crate::values::{Asked, Event, Format, Formats, Mode, RunOutcome, SourcePath, Stage, StageTotals, Summary};

/// What a person asked for, with every default filled in.
#[derive(Debug, Clone)]
pub struct RunConfig {
    /// What to read.
    pub inputs: Inputs,
    /// Whether folders below folders are entered.
    pub recursive: bool,
    /// The formats that are taken from folders; a file that is named itself is taken whatever it is.
    pub formats: Formats,
    /// At most this many documents, the first in path order.
    pub limit: Option<u64>,
    /// Whether contents are hashed even if size and modification time are as known.
    pub checksum: bool,
    /// The output folder.
    pub output: PathBuf,
    /// Worker threads, each with a parse process of its own.
    pub workers: usize,
    /// How documents travel.
    pub mode: Mode,
    /// What is extracted and how.
    pub pipeline: Pipeline,
    /// Who is asked; none for the embedded provider.
    pub remote: Option<Remote>,
    /// Terms that are flagged when files are written.
    pub blocklist: Option<Arc<Blocklist>>,
    /// A stage to do again although nothing changed.
    pub rerun: Option<Rerun>,
    /// The last stage of this run.
    pub until: Stage,
    /// Whether failed stages are taken up again, and partial documents where recognition can be had.
    pub retry_failed: bool,
    /// Whether only a plan is wanted.
    pub dry_run: bool,
    /// The program that is started as `PROGRAM parse-worker BYTES`.
    pub parse_program: PathBuf,
    /// What a parse worker may use.
    pub parse_limits: ParseLimits,
    /// Passwords, and how pages that are pictures are read.
    pub parse_settings: ParseSettings,
    /// How this run introduces itself to a second one that finds the folder locked.
    pub holder: String,
    /// Unix time in milliseconds.
    pub now_ms: fn() -> i64,
}

/// A rerun asked for with `--stage` or `--force`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rerun {
    /// The first stage to do again.
    pub stage: Stage,
    /// Whether it was `--force`, which also looks into every file again.
    pub force: bool,
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The inputs.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Reading or writing something else failed.
    #[error("cannot {action} '{file}': {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The output folder cannot be used.
    #[error(
        "cannot write to the output folder '{folder}': {source}; give another one with --output, or change its permissions"
    )]
    Output {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A provider cannot be asked as things are.
    #[error("{0}")]
    Provider(String),
    /// A fault of the program.
    #[error("internal error: {0}; please report it")]
    Internal(String),
    /// The operating system gave no threads.
    #[error("cannot start a worker thread: {0}; use fewer with --workers")]
    Threads(std::io::Error),
}

/// What came of a run.
#[derive(Debug)]
pub struct Finished {
    /// Counts and outcome.
    pub summary: Summary,
    /// The plan, if only that was wanted.
    pub plan: Option<Plan>,
}

/// Everything that the stages of one run share.
pub(super) struct Run<'a> {
    pub(super) store: &'a Store,
    pub(super) writer: Writer,
    pub(super) tally: Arc<Tally>,
    pub(super) cancel: &'a Cancel,
    /// Set when no more can be asked of a provider: stages that feed it stop too.
    halted: AtomicBool,
    pub(super) pool: rayon::ThreadPool,
    pub(super) workers: usize,
    pub(super) pipeline: Pipeline,
    pub(super) remote: Option<&'a Remote>,
    pub(super) fps: StageFps,
    /// The fingerprints of the run before, by stage from `parse` on.
    pub(super) before: [Option<FpId>; 4],
    pub(super) question: FpId,
    pub(super) generation: i64,
    /// Number for the next response.
    pub(super) next_response: AtomicI64,
    /// Number of this partial run, or 0 if it is about the whole input root.
    pub(super) scope: i64,
    pub(super) root: PathBuf,
    pub(super) places: documents::OutputPlaces,
    pub(super) contexts: Contexts,
    pub(super) parse_program: ParseProgram,
    pub(super) now_ms: fn() -> i64,
}

impl Run<'_> {
    /// Whether nothing new may be begun.
    pub(super) fn is_stopping(&self) -> bool {
        self.cancel.is_stopping() || self.halted.load(Ordering::Relaxed)
    }

    /// Lets nothing new begin, until [`Run::go_on`].
    pub(super) fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    fn go_on(&self) {
        self.halted.store(false, Ordering::Relaxed);
    }

    pub(super) fn emit(&self, event: Event) {
        self.tally.emit(event);
    }

    pub(super) fn file_of(&self, path: &SourcePath) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        self.root.join(std::ffi::OsStr::from_bytes(&path.to_bytes()))
    }

    /// Counts of a stage from `parse` on.
    pub(super) fn counts(&self, reader: &Reader, stage: Stage) -> Result<Counts, StoreError> {
        let fps = self.fps;
        match stage {
            Stage::Discover => Ok(Counts::default()),
            Stage::Parse => reader.counts(None, fps.parse, self.scope),
            Stage::Chunk => reader.counts(Some(fps.parse), fps.chunk, self.scope),
            Stage::Extract => reader.counts(Some(fps.chunk), fps.extract, self.scope),
            Stage::Write => reader.write_counts(fps.extract, fps.write, self.scope),
        }
    }

    /// Files in scope that have come through `stage`.
    fn files_through(&self, reader: &Reader, stage: Stage) -> Result<u64, StoreError> {
        match self.fps.of(stage) {
            Some(_) if stage == Stage::Write => Ok(self.counts(reader, stage)?.done),
            Some(fp) => reader.files_through(fp, self.scope),
            None => Ok(reader.corpus_size(self.scope)?.1),
        }
    }
}

/// Runs the stages. Every event goes to `events`; the last one is [`Event::RunFinished`], also when the run breaks off
/// with an error after its beginning. When this returns, what is done is durable and the lock is released.
///
/// # Errors
/// What makes the whole run impossible; failures of documents are data, not errors.
pub fn run(config: &RunConfig, cancel: &Cancel, events: &Sender<Event>) -> Result<Finished, RunError> {
    let started = Instant::now();
    let folder = config.output.join(STORE_FOLDER);
    std::fs::create_dir_all(&folder).map_err(|source| RunError::Output { folder: config.output.clone(), source })?;
    let _lock = RunLock::take(&config.output, &folder, &config.holder)?;
    let store = Store::open_or_create(&config.output)?;
    empty(&store.temporary_folder())?;

    let mut session = Session::begin(&store)?;
    let keys = StageKeys::of(&config.pipeline, &config.parse_settings.ocr, config.blocklist.as_deref());
    let (fps, question) = keys.intern(&mut session)?;
    session.forget_unplanned_batches()?;
    let reader = store.reader()?;
    let number =
        |key: &str| -> Result<i64, StoreError> { Ok(reader.meta(key)?.and_then(|v| v.parse().ok()).unwrap_or(0)) };
    let scope = match config.limit.is_some() || !config.inputs.is_whole_root() || !config.recursive {
        true => {
            let next = number("partial_runs")? + 1;
            session.set_meta(&[("partial_runs".into(), Some(next.to_string()))])?;
            next
        }
        false => 0,
    };
    let mut before = [None; 4];
    for (slot, stage) in before.iter_mut().zip(&Stage::ALL[1..]) {
        *slot = reader.current(*stage)?.map(|(fp, _)| fp);
    }
    let generation = number("generation")?;

    let tally = Arc::new(Tally::new(ErrorLog::new(&config.output, config.now_ms), events.clone()));
    let on_commit = {
        let tally = Arc::clone(&tally);
        move |events: Vec<Event>| events.into_iter().for_each(|event| tally.emit(event))
    };
    let provider = &config.pipeline.provider;
    let mut run = Run {
        store: &store,
        writer: Writer::start(&store, config.now_ms, on_commit)?,
        tally,
        cancel,
        halted: AtomicBool::new(false),
        pool: rayon::ThreadPoolBuilder::new()
            .num_threads(config.workers)
            .build()
            .map_err(|e| RunError::Threads(std::io::Error::other(e)))?,
        workers: config.workers,
        fps,
        before,
        question,
        generation,
        next_response: AtomicI64::new(reader.next_response()?),
        scope,
        root: config.inputs.root.clone(),
        places: documents::OutputPlaces {
            output: config.output.clone(),
            temporary: store.temporary_folder(),
            origin: Origin {
                pipeline: config.pipeline.name.clone(),
                provider: provider.name.clone(),
                model: provider.model.clone(),
            },
            blocklist: config.blocklist.clone(),
        },
        contexts: Contexts::default(),
        pipeline: config.pipeline.clone(),
        remote: config.remote.as_ref(),
        parse_program: ParseProgram {
            program: config.parse_program.clone(),
            settings: config.parse_settings.clone(),
            limits: config.parse_limits,
        },
        now_ms: config.now_ms,
    };
    run.emit(Event::RunStarted {
        version: env!("CARGO_PKG_VERSION").into(),
        pipeline: config.pipeline.name.clone(),
        provider: provider.name.clone(),
        mode: config.mode,
    });
    for message in batch::expiry_warnings(&reader, (config.now_ms)())? {
        run.emit(Event::Warning { message });
    }
    let mut progress = Progress::default();
    let outcome = stages(&mut run, config, &mut session, &mut progress);
    if let Some(message) = run.contexts.message() {
        run.emit(Event::Notice { message });
    }
    let summary = summarize(&run, config, &progress, outcome.is_ok(), started)?;
    let written = match &outcome {
        Ok(_) if !config.dry_run && (progress.changed || !config.output.join(manifest::MANIFEST).exists()) => {
            manifest::write(&run, &summary)
        }
        _ => Ok(()),
    };
    let Run { writer, tally, .. } = run;
    let commits = writer.finish();
    let summary = Summary { commits: *commits.as_ref().unwrap_or(&summary.commits), ..summary };
    tally.emit(Event::RunFinished { summary: summary.clone() });
    // A writer that broke is the cause of whatever else went wrong.
    commits?;
    let plan = outcome?;
    written?;
    if !matches!(summary.outcome, RunOutcome::Interrupted) {
        session.set_meta(&[("rerun".into(), None)])?;
    }
    Ok(Finished { summary, plan })
}

/// How far a run has come, for its summary.
#[derive(Default)]
struct Progress {
    found: discover::Discovered,
    totals: Vec<StageTotals>,
    /// Files that failed in an earlier run.
    failed_before: u64,
    /// Files whose document is kept without the text of some sections.
    partial_before: u64,
    /// Files that had come through the last stage before this run did anything.
    through_before: u64,
    /// Whether the manifest is out of date.
    changed: bool,
    /// Why the asking of a provider stopped before its end.
    stopped: Option<String>,
    asked: Option<Asked>,
}

impl Progress {
    fn ask(&mut self, outcome: live::Outcome) {
        self.asked = Some(outcome.asked);
        self.stopped = outcome.stopped;
    }

    /// Whether discovery showed that every file is done, or failed before. Asking the store stage by stage instead would double
    /// the time of a rerun that has nothing to do.
    fn nothing_to_do(&self, config: &RunConfig) -> bool {
        let found = &self.found;
        let asked_for_more = config.dry_run
            || config.rerun.is_some()
            || config.until < Stage::Write
            || (config.retry_failed && self.failed_before + self.partial_before > 0);
        !asked_for_more && !found.changed && found.settled + self.failed_before == found.documents
    }
}

fn stages(
    run: &mut Run<'_>,
    config: &RunConfig,
    session: &mut Session<'_>,
    progress: &mut Progress,
) -> Result<Option<Plan>, RunError> {
    run.emit(Event::StageStarted { stage: Stage::Discover, total: 0, skipped: 0, failed: 0 });
    let started = Instant::now();
    progress.found = discover::discover(run, config, run.scope)?;
    progress.changed |= progress.found.changed;
    finish_stage(run, progress, Stage::Discover, started, 0, 0)?;
    if run.cancel.is_stopping() || progress.found.documents == 0 {
        return Ok(None);
    }
    let reader = run.store.reader()?;
    if progress.found.settled < progress.found.documents {
        progress.failed_before = reader.failed_files(run.fps.documents(), run.scope)?;
    }
    progress.partial_before = reader.partial_files(run.fps.parse, run.scope)?;
    if progress.nothing_to_do(config) {
        let mut skipped = progress.found.documents;
        for stage in [Stage::Parse, Stage::Chunk, Stage::Extract, Stage::Write] {
            let failed = match run.fps.of(stage).filter(|_| progress.failed_before > 0) {
                Some(fp) => reader.failures_in(fp, stage, run.scope)?,
                None => 0,
            };
            skipped -= failed;
            run.emit(Event::StageStarted { stage, total: 0, skipped, failed });
            finish_stage(run, progress, stage, Instant::now(), skipped, failed)?;
        }
        return Ok(None);
    }
    if let Some(remote) = run.remote.filter(|r| matches!(r.endpoint_kind, EndpointKind::Batch(_)))
        && !config.dry_run
        && config.until >= Stage::Extract
    {
        progress.stopped = batch::refusal(remote, &run.pipeline)?;
        if progress.stopped.is_some() {
            return Ok(None);
        }
    }
    if !config.dry_run {
        prepare(run, config, session)?;
    }
    let until = if config.dry_run { Stage::Chunk.min(config.until) } else { config.until };
    progress.through_before = run.files_through(&reader, until)?;
    match (config.mode, config.dry_run || until < Stage::Extract) {
        (Mode::Staged, _) | (Mode::PerDocument, true) => {
            let mut first = Stage::Parse;
            if let Some(remote) = run.remote.filter(|r| {
                r.overlap && live::may_overlap(&run.pipeline.method) && matches!(r.endpoint_kind, EndpointKind::Live)
            }) && until >= Stage::Extract
            {
                overlapped(run, progress, &reader, remote)?;
                first = Stage::Write;
            }
            for stage in Stage::ALL.into_iter().filter(|s| (first..=until).contains(s)) {
                if run.cancel.is_stopping() {
                    break;
                }
                run.go_on();
                let mut asked = None;
                one_stage(run, progress, &reader, stage, |run| {
                    match (stage, run.remote) {
                        (Stage::Parse, _) => staged::parse(run)?,
                        (Stage::Chunk, _) => staged::chunk(run, &Upstream::finished())?,
                        (Stage::Extract, None) => staged::extract(run)?,
                        (Stage::Extract, Some(remote)) => {
                            asked = Some(match by_batch(run, remote)? {
                                Some(options) => batch::extract(run, remote, options)?,
                                None => live::extract(run, remote, &Upstream::finished())?,
                            });
                        }
                        (Stage::Discover | Stage::Write, _) => staged::write(run)?,
                    }
                    Ok(())
                })?;
                if let Some(outcome) = asked {
                    progress.ask(outcome);
                }
            }
        }
        (Mode::PerDocument, false) => all_at_once(run, progress, &reader)?,
    }
    match config.dry_run && !run.cancel.is_stopping() {
        true => plan::plan(run, config.rerun.as_ref(), progress.found.ignored).map(Some),
        false => Ok(None),
    }
}

/// Reruns and retries that were asked for, and the record of what this run works with.
fn prepare(run: &mut Run<'_>, config: &RunConfig, session: &mut Session<'_>) -> Result<(), RunError> {
    if let Some(rerun) = &config.rerun {
        let request = format!(
            "{}{} until {} in {:?} limit {:?} of {:?}",
            if rerun.force { "force " } else { "" },
            rerun.stage.name(),
            config.until.name(),
            config.inputs.places,
            config.limit,
            run.fps,
        );
        let reader = run.store.reader()?;
        if reader.meta("rerun")?.as_deref() == Some(&request) {
            let message = "continuing the rerun that was interrupted; what it has redone is kept".into();
            run.emit(Event::Notice { message });
        } else {
            session.begin_rerun(run.fps, rerun.stage, run.scope, &request)?;
        }
        run.generation = reader.meta("generation")?.and_then(|v| v.parse().ok()).unwrap_or(0);
    }
    if config.retry_failed {
        session.retry_failed(run.fps, run.scope)?;
        let ocr = &config.parse_settings.ocr;
        // Where nothing can be recognised, they would come out as they are.
        if ocr.mode != OcrMode::Off && ocr.program.is_some() {
            session.retry_partial(run.fps, run.scope)?;
        }
    }
    let current = [Stage::Parse, Stage::Chunk, Stage::Extract, Stage::Write]
        .into_iter()
        .filter_map(|stage| Some((format!("current:{}", stage.name()), Some(run.fps.of(stage)?.0.to_string()))))
        .chain([
            ("current:question".to_owned(), Some(run.question.0.to_string())),
            ("current:pipeline".to_owned(), Some(run.pipeline.name.clone())),
            ("current:provider".to_owned(), Some(run.pipeline.provider.name.clone())),
        ])
        .collect::<Vec<_>>();
    Ok(session.set_meta(&current)?)
}

fn one_stage(
    run: &Run<'_>,
    progress: &mut Progress,
    reader: &Reader,
    stage: Stage,
    work: impl FnOnce(&Run<'_>) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let counts = run.counts(reader, stage)?;
    run.emit(Event::StageStarted { stage, total: counts.todo, skipped: counts.done, failed: counts.failed });
    let started = Instant::now();
    let outcome = if counts.todo > 0 { work(run).and_then(|()| Ok(run.writer.flush()?)) } else { Ok(()) };
    progress.changed |= counts.todo > 0;
    finish_stage(run, progress, stage, started, counts.done, counts.failed)?;
    outcome
}

/// Per-document mode: all stages run at once, so all bars do.
fn all_at_once(run: &Run<'_>, progress: &mut Progress, reader: &Reader) -> Result<(), RunError> {
    let (_, files) = reader.corpus_size(run.scope)?;
    let extract = run.counts(reader, Stage::Extract)?.todo;
    // Everything not done passes through every stage.
    let todo =
        |stage, counts: Counts| if stage == Stage::Write { files - counts.done } else { counts.todo.max(extract) };
    let stages = [Stage::Parse, Stage::Chunk, Stage::Extract, Stage::Write];
    at_once(run, progress, reader, &stages, todo, || {
        per_document::run_documents(run)?;
        run.writer.flush()?;
        staged::write(run)
    })
}

/// `parse`, `chunk` and `extract` at the same time: a document is asked about as soon as its chunks are committed.
fn overlapped(run: &Run<'_>, progress: &mut Progress, reader: &Reader, remote: &Remote) -> Result<(), RunError> {
    let parse = run.counts(reader, Stage::Parse)?.todo;
    let chunk = run.counts(reader, Stage::Chunk)?.todo;
    // What an earlier stage has to do comes to the later ones.
    let todo = |stage, counts: Counts| match stage {
        Stage::Chunk => counts.todo + parse,
        Stage::Extract => counts.todo + parse + chunk,
        _ => counts.todo,
    };
    let mut asked = None;
    let outcome = at_once(run, progress, reader, &[Stage::Parse, Stage::Chunk, Stage::Extract], todo, || {
        let (parsed, chunked) = (Upstream::default(), Upstream::default());
        std::thread::scope(|scope| {
            let parse = scope.spawn(|| {
                let outcome = staged::parse(run).and_then(|()| Ok(run.writer.flush()?));
                parsed.finish();
                outcome
            });
            let chunk = scope.spawn(|| {
                let outcome = staged::chunk(run, &parsed).and_then(|()| Ok(run.writer.flush()?));
                chunked.finish();
                outcome
            });
            let extract = live::extract(run, remote, &chunked);
            let join = |thread: std::thread::ScopedJoinHandle<'_, Result<(), RunError>>| {
                thread
                    .join()
                    .unwrap_or_else(|panic| Err(RunError::Internal(super::worker::panic_words(&*panic).to_owned())))
            };
            let (parse, chunk) = (join(parse), join(chunk));
            asked = Some(extract?);
            parse.and(chunk)
        })
    });
    if let Some(outcome) = asked {
        progress.ask(outcome);
    }
    outcome
}

/// Requests from which on `--endpoint auto` takes the batch endpoint: below about a thousand, asking live is done sooner than
/// most batches (`docs/measurements.md`).
const AUTO_REQUESTS: u64 = 1_000;

/// What providers promise of a batch's turnaround.
const BATCH_SECONDS: u64 = 24 * 3600;

/// How batches are handled, if the batch endpoint is to be asked.
fn by_batch<'a>(run: &Run<'_>, remote: &'a Remote) -> Result<Option<&'a BatchOptions>, RunError> {
    match &remote.endpoint_kind {
        EndpointKind::Live => Ok(None),
        EndpointKind::Batch(options) => Ok(Some(options)),
        EndpointKind::Auto { batch, seconds_left } => {
            // What is under way there is collected there.
            if !run.store.reader()?.open_batches(run.question)?.is_empty() {
                return Ok(Some(batch));
            }
            let requests = plan::extract_plan(run, None)?.requests;
            let in_time = seconds_left.is_none_or(|s| s >= BATCH_SECONDS);
            let chosen = requests >= AUTO_REQUESTS && in_time;
            let message = match (chosen, in_time) {
                (true, _) => format!("{requests} requests go through the batch endpoint, at half the price"),
                (false, false) => "the deadline is less than a day away: requests go live".to_owned(),
                (false, true) => format!("{requests} requests are soon asked: they go live"),
            };
            run.emit(Event::Notice { message });
            Ok(chosen.then_some(batch))
        }
    }
}

/// Runs stages whose documents go through them side by side.
fn at_once(
    run: &Run<'_>,
    progress: &mut Progress,
    reader: &Reader,
    stages: &[Stage],
    todo: impl Fn(Stage, Counts) -> u64,
    work: impl FnOnce() -> Result<(), RunError>,
) -> Result<(), RunError> {
    let mut before = Vec::new();
    for &stage in stages {
        let counts = run.counts(reader, stage)?;
        let total = todo(stage, counts);
        progress.changed |= total > 0;
        run.emit(Event::StageStarted { stage, total, skipped: counts.done, failed: counts.failed });
        before.push((total, counts));
    }
    let started = Instant::now();
    let outcome = match before.iter().any(|(total, _)| *total > 0) {
        true => work().and_then(|()| Ok(run.writer.flush()?)),
        false => Ok(()),
    };
    for (&stage, (_, counts)) in stages.iter().zip(before) {
        finish_stage(run, progress, stage, started, counts.done, counts.failed)?;
    }
    outcome
}

fn finish_stage(
    run: &Run<'_>,
    progress: &mut Progress,
    stage: Stage,
    started: Instant,
    skipped: u64,
    failed: u64,
) -> Result<(), RunError> {
    let tally = run.tally.stage(stage);
    let totals = StageTotals {
        stage,
        done: if stage == Stage::Discover { progress.found.documents } else { tally.done },
        skipped,
        failed: tally.failed + failed,
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    };
    run.emit(Event::StageFinished { totals });
    progress.totals.push(totals);
    Ok(())
}

fn summarize(
    run: &Run<'_>,
    config: &RunConfig,
    progress: &Progress,
    complete: bool,
    started: Instant,
) -> Result<Summary, RunError> {
    let until = if config.dry_run { Stage::Chunk.min(config.until) } else { config.until };
    let (documents, failed, through, through_before, partial) = if complete && progress.nothing_to_do(config) {
        let settled = progress.found.settled;
        (progress.found.documents, progress.failed_before, settled, settled, progress.partial_before)
    } else {
        let reader = run.store.reader()?;
        (
            reader.corpus_size(run.scope)?.1,
            reader.failed_files(run.fps.documents(), run.scope)?,
            run.files_through(&reader, until)?,
            progress.through_before,
            reader.partial_files(run.fps.parse, run.scope)?,
        )
    };
    let succeeded = through.saturating_sub(through_before);
    let waiting = documents.saturating_sub(through + failed);
    let outcome = match () {
        () if run.cancel.is_stopping() && (waiting > 0 || documents == 0) => RunOutcome::Interrupted,
        () if documents == 0 => RunOutcome::NoDocuments,
        () if failed == documents => RunOutcome::AllFailed,
        () if failed > 0 || waiting > 0 || !complete => RunOutcome::Partial,
        () => RunOutcome::Complete,
    };
    let (terms, flagged) = run.tally.terms();
    Ok(Summary {
        outcome,
        documents,
        succeeded,
        skipped: through - succeeded,
        failed,
        waiting,
        partial,
        formats: config.formats.iter().collect(),
        ignored: progress.found.ignored,
        ignored_formats: Format::ALL
            .iter()
            .zip(progress.found.ignored_formats)
            .filter(|(_, files)| *files > 0)
            .map(|(format, files)| (format.word().to_owned(), files))
            .collect(),
        terms,
        flagged,
        stages: progress.totals.clone(),
        commits: run.writer.commits(),
        millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        stopped: progress.stopped.clone(),
        asked: progress.asked,
    })
}

/// Removes what an interrupted run left half-written.
fn empty(folder: &Path) -> Result<(), RunError> {
    let io = |source| RunError::Io { action: "empty", file: folder.to_path_buf(), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        std::fs::remove_file(entry.map_err(io)?.path()).map_err(io)?;
    }
    Ok(())
}

#[cfg(test)]
impl<'a> Run<'a> {
    /// A run over a store that tests have filled themselves: no document is in it, no stage is run.
    pub(super) fn over(
        store: &'a Store,
        cancel: &'a Cancel,
        pipeline: &Pipeline,
        question: FpId,
        next_response: i64,
        now_ms: fn() -> i64,
        events: &Sender<Event>,
    ) -> Self {
        let provider = &pipeline.provider;
        let (pipeline_name, provider_name) = (pipeline.name.clone(), provider.name.clone());
        Self {
            store,
            writer: Writer::start(store, now_ms, |_| ()).unwrap(),
            tally: Arc::new(Tally::new(ErrorLog::new(store.output(), now_ms), events.clone())),
            cancel,
            halted: AtomicBool::new(false),
            pool: rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap(),
            workers: 1,
            fps: StageFps { parse: question, chunk: question, extract: question, write: question },
            before: [None; 4],
            question,
            generation: 0,
            next_response: AtomicI64::new(next_response),
            scope: 0,
            root: store.output().to_path_buf(),
            places: documents::OutputPlaces {
                output: store.output().to_path_buf(),
                temporary: store.temporary_folder(),
                blocklist: None,
                origin: Origin { pipeline: pipeline_name, provider: provider_name, model: provider.model.clone() },
            },
            contexts: Contexts::default(),
            pipeline: pipeline.clone(),
            remote: None,
            parse_program: ParseProgram {
                program: PathBuf::new(),
                settings: ParseSettings::default(),
                limits: ParseLimits::default(),
            },
            now_ms,
        }
    }
}
