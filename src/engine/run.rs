//! One run from the lock to the summary: `discover`, then the stages of the dataflow.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::attempts::panic_words;
use super::cancel::Cancel;
use super::config::RunConfig;
use super::context::{OutputPlaces, Run};
use super::contexts::Contexts;
use super::dataflow::{DATAFLOW, Row};
use super::error::RunError;
use super::error_log::ErrorLog;
use super::extract::alone::Purse;
use super::extract::batch::expiry::expiry_warnings;
use super::extract::batch::probe::refusal as batch_refusal;
use super::extract::batch::{left_open, settle_open_batches};
use super::extract::thoughts::ThoughtRoom;
use super::extract::unread::take_up_unread;
use super::feed::Upstream;
use super::in_flight::InFlight;
use super::large::LargeTurn;
use super::mending::{self, Broken};
use super::parser::Parsing;
use super::plan::Plan;
use super::provider::{EndpointKind, Remote};
use super::report::manifest::{self, MANIFEST};
use super::report::record::RunRecord;
use super::report::summary::{Progress, summarize};
use super::stage_keys::StageKeys;
use super::tally::Tally;
use super::watchdog::{STANDSTILL, Signs, Watchdog, watch};
use super::{discover, per_document, plan, rerun, shard};
use crate::stages::extract::Phrasing;
use crate::stages::parse::OcrMode;
use crate::stages::write::Origin;
use crate::store::{Counts, Generation, Lock, Reader, Rows, RunLock, Scope, Session, Store, StoreError, Writer};
use crate::values::{Event, Mode, Phase, RunOutcome, Stage, StageMap, Stop, StopReason, Subject, Summary};

/// Result of a run.
#[derive(Debug)]
pub struct Finished {
    /// Counts and outcome.
    pub summary: Summary,
    /// The plan, if only that was wanted.
    pub plan: Option<Plan>,
}

/// Runs the stages. Every event goes to `events`; the last one is [`Event::RunFinished`], also when the run breaks off
/// with an error after its beginning. When this returns, what is done is durable and the lock is released.
///
/// # Errors
/// Whatever makes the whole run impossible; failures of documents are data, not errors.
pub fn run(config: &RunConfig, cancel: &Cancel, events: &Sender<Event>) -> Result<Finished, RunError> {
    let started = Instant::now();
    std::fs::create_dir_all(&config.output)
        .map_err(|source| RunError::Output { folder: config.output.clone(), source })?;
    let _lock = RunLock::take(&config.output, Lock::Run, &config.holder)?;
    let record = (!config.dry_run).then(|| {
        let output = config.output.canonicalize().unwrap_or_else(|_| config.output.clone());
        (RunRecord::begin(&output, config.command.as_ref(), (config.now_ms)()), output)
    });
    let mut ended = locked(config, cancel, events, started, None);
    if let Some(words) = ended.as_ref().err().and_then(|broken| mending::mend(config, &broken.error)) {
        ended = locked(config, cancel, events, started, Some(words));
    }
    let summary = match &ended {
        Ok(finished) => Some(&finished.summary),
        Err(broken) => broken.summary.as_deref(),
    };
    if let Some(summary) = summary {
        // A reporter that has gone away is no reason to fail.
        let _ = events.send(Event::RunFinished { summary: summary.clone() });
    }
    let finished = ended.map_err(|broken| broken.error);
    if let Some((record, output)) = record {
        record.end(&output, finished.as_ref().map(|finished| &finished.summary), (config.now_ms)());
    }
    finished
}

/// The run, once the folder is its own; `mended` tells what was done to its store before.
fn locked(
    config: &RunConfig,
    cancel: &Cancel,
    events: &Sender<Event>,
    started: Instant,
    mended: Option<String>,
) -> Result<Finished, Broken> {
    let store = Store::open_or_create_on(Arc::clone(&config.disk), &config.output)?;
    store.check_rows(Rows::OfFiles)?;
    store.remove_half_written()?;
    shard::begin(config, &store)?;

    let mut session = Session::begin(&store)?;
    let (mut run, watch) = begin(config, cancel, events, &store, &mut session)?;
    run.emit(Event::RunStarted {
        version: env!("CARGO_PKG_VERSION").into(),
        pipeline: config.pipeline.name.clone(),
        provider: config.pipeline.provider.name.clone(),
        mode: config.mode,
    });
    if let Some(message) = mended {
        run.emit(Event::Warning { message });
    }
    for message in &config.notices {
        run.emit(Event::Notice { message: message.clone() });
    }
    for message in expiry_warnings(&store.reader()?, (config.now_ms)())? {
        run.emit(Event::Warning { message });
    }
    let mut progress = Progress::default();
    let outcome = stages(&mut run, config, &mut session, &mut progress);
    progress.stop = progress
        .stop
        .take()
        .or_else(|| watch.standstill.get().map(|words| Stop::new(StopReason::Standstill, words.as_str())));
    if let Some(message) = run.contexts.message() {
        run.emit(Event::Notice { message });
    }
    let summary = summarize(&run, config, &progress, outcome.is_ok(), started)?;
    let written = match &outcome {
        Ok(_) if !config.dry_run && (progress.changed || !store.output().join(MANIFEST).exists()) => {
            manifest::write(&run, &summary)
        }
        _ => Ok(()),
    };
    let Run { writer, in_flight, .. } = run;
    let commits = writer.finish();
    let summary = Summary { commits: *commits.as_ref().unwrap_or(&summary.commits), ..summary };
    let end = || -> Result<Option<Plan>, RunError> {
        // A writer that broke is the cause of whatever else went wrong.
        commits?;
        let plan = outcome?;
        written?;
        in_flight.end(&mut session)?;
        if !matches!(summary.outcome, RunOutcome::Interrupted) {
            session.set_meta(&[("rerun".into(), None)])?;
        }
        drop(session);
        shard::end(config, &store, &summary)?;
        Ok(plan)
    };
    match end() {
        Ok(plan) => Ok(Finished { summary, plan }),
        Err(error) => Err(Broken { error, summary: Some(Box::new(summary)) }),
    }
}

/// The state of a run over an open store: keys interned, leftovers forgotten, writer and watch started.
fn begin<'a>(
    config: &'a RunConfig,
    cancel: &'a Cancel,
    events: &Sender<Event>,
    store: &'a Store,
    session: &mut Session,
) -> Result<(Run<'a>, Watch), RunError> {
    let keys = StageKeys::of(&config.pipeline, &config.parse_settings.ocr, config.blocklist.as_deref());
    let (fps, question) = keys.intern(session)?;
    session.forget_unplanned_batches()?;
    let reader = store.reader()?;
    let number =
        |key: &str| -> Result<i64, StoreError> { Ok(reader.meta(key)?.and_then(|v| v.parse().ok()).unwrap_or(0)) };
    let scope = if config.limit.is_some() || !config.inputs.is_whole_root() || !config.recursive {
        let next = number("partial_runs")? + 1;
        session.set_meta(&[("partial_runs".into(), Some(next.to_string()))])?;
        Scope::Part(next)
    } else {
        Scope::Whole
    };
    let before = StageMap::try_from_fn(|stage| Ok::<_, StoreError>(reader.current(stage)?.map(|(fp, _)| fp)))?;
    let generation = Generation(number("generation")?);

    let tally = Arc::new(Tally::new(ErrorLog::new(store.output(), config.now_ms), events.clone()));
    let (signs, halted) = (Signs::new(), Arc::new(AtomicBool::new(false)));
    let on_commit = {
        let (tally, signs) = (Arc::clone(&tally), signs.clone());
        move |events: Vec<Event>| {
            signs.alive();
            events.into_iter().for_each(|event| tally.emit(event));
        }
    };
    let watch = Watch::begin(&tally, &signs, &halted, config.stalled)?;
    let provider = &config.pipeline.provider;
    let run = Run {
        store,
        writer: Writer::start(store, config.now_ms, on_commit)?,
        tally,
        cancel,
        in_flight: InFlight::begin(store, session, config.aborting)?,
        large: LargeTurn::default(),
        signs,
        halted,
        spoilt: AtomicBool::new(false),
        pool: rayon::ThreadPoolBuilder::new()
            .num_threads(config.workers)
            .build()
            .map_err(|e| RunError::Threads(std::io::Error::other(e)))?,
        workers: config.workers,
        fps,
        before,
        question,
        generation,
        next_response: AtomicI64::new(reader.next_response()?.0),
        scope,
        root: config.inputs.root.clone(),
        places: OutputPlaces {
            disk: Arc::clone(store.disk()),
            output: store.output().to_path_buf(),
            origin: Origin {
                pipeline: config.pipeline.name.clone(),
                provider: provider.name.clone(),
                model: provider.model.clone(),
            },
            blocklist: config.blocklist.clone(),
        },
        contexts: Contexts::default(),
        thoughts: ThoughtRoom::default(),
        pipeline: config.pipeline.clone(),
        phrasing: Phrasing::new(&config.pipeline),
        remote: config.remote.as_ref(),
        parsing: Parsing::of(&config.parse_in, &config.parse_settings),
        now_ms: config.now_ms,
    };
    Ok((run, watch))
}

/// The watch over a run, and what it found.
struct Watch {
    _watchdog: Watchdog,
    /// Words about a run that stood still.
    standstill: Arc<OnceLock<String>>,
}

impl Watch {
    fn begin(tally: &Arc<Tally>, signs: &Signs, halted: &Arc<AtomicBool>, stalled: fn()) -> Result<Self, RunError> {
        let standstill = Arc::new(OnceLock::new());
        let (tally, halted, words_found) = (Arc::clone(tally), Arc::clone(halted), Arc::clone(&standstill));
        let stop = move |words: String| {
            let message = format!(
                "nothing has happened for {} minutes: {words}; this is a fault of corpora, please report it; everything done is kept, and the same command continues",
                STANDSTILL.as_secs() / 60
            );
            tally.emit(Event::Warning { message: message.clone() });
            let _ = words_found.set(message);
            halted.store(true, Ordering::Relaxed);
        };
        let watchdog = watch(signs.clone(), STANDSTILL, stop, stalled).map_err(RunError::Threads)?;
        Ok(Self { _watchdog: watchdog, standstill })
    }
}

/// Discovery, then the stages of the dataflow.
fn stages(
    run: &mut Run<'_>,
    config: &RunConfig,
    session: &mut Session,
    progress: &mut Progress,
) -> Result<Option<Plan>, RunError> {
    run.emit(Event::StageStarted { stage: Phase::Discover, total: 0, skipped: 0, failed: 0 });
    let started = Instant::now();
    progress.found = discover::discover(run, config, run.scope)?;
    progress.changed |= progress.found.changed;
    progress.finish(run, Phase::Discover, started.elapsed(), 0, 0);
    if run.cancel.is_stopping() || progress.found.documents == 0 {
        return Ok(None);
    }
    let reader = run.store.reader()?;
    if progress.found.settled < progress.found.documents {
        progress.failed_before = reader.failed_files(&run.fps, run.scope)?;
    }
    progress.partial_before = reader.partial_files(run.fps[Stage::Parse], run.scope)?;
    if progress.nothing_to_do(config) {
        return pass_by(run, progress, &reader).map(|()| None);
    }
    run.store.check_rows(Rows::OfDocuments)?;
    progress.stop = refusal(run, config)?;
    if progress.stop.is_some() {
        return Ok(None);
    }
    if !config.dry_run {
        prepare(run, config, session)?;
    }
    let last = config.last_stage();
    if let (Some(remote), false, true) = (run.remote, config.dry_run, last >= Stage::Extract) {
        take_up_unread(run, remote)?;
        settle_open_batches(run, remote)?;
        if config.mode == Mode::PerDocument {
            // A document is asked about as a whole there: what stands in a batch would be asked again.
            progress.stop = left_open(run, &reader)?;
            if progress.stop.is_some() {
                return Ok(None);
            }
        }
    }
    progress.through_before = run.files_through(&reader, last)?;
    // What one stage finds spoilt, an earlier one makes again.
    for _ in Stage::ALL {
        match config.mode {
            Mode::PerDocument if last >= Stage::Extract => whole_documents(run, progress, &reader)?,
            Mode::Staged | Mode::PerDocument => {
                for rows in in_turn(run, last) {
                    if run.cancel.is_stopping() {
                        break;
                    }
                    run.go_on();
                    side_by_side(run, progress, &reader, rows)?;
                }
            }
        }
        if !run.spoilt.swap(false, Ordering::Relaxed) || progress.stop.is_some() || config.dry_run {
            break;
        }
        if let Some(remote) = run.remote {
            take_up_unread(run, remote)?;
        }
    }
    if config.dry_run && !run.cancel.is_stopping() {
        return plan::plan(run, config.rerun.as_ref(), progress.found.ignored).map(Some);
    }
    Ok(None)
}

/// Tells of every stage that it has nothing to do.
fn pass_by(run: &Run<'_>, progress: &mut Progress, reader: &Reader) -> Result<(), RunError> {
    let mut skipped = progress.found.documents;
    for stage in Stage::ALL {
        let failed = match progress.failed_before {
            0 => 0,
            _ => reader.failures_in(&run.fps, stage, run.scope)?,
        };
        skipped -= failed;
        run.emit(Event::StageStarted { stage: stage.into(), total: 0, skipped, failed });
        progress.finish(run, stage.into(), Duration::ZERO, skipped, failed);
    }
    Ok(())
}

/// Reason for which the batch endpoint that was asked for cannot be used, if it cannot: found out before a corpus is parsed for it.
fn refusal(run: &Run<'_>, config: &RunConfig) -> Result<Option<Stop>, RunError> {
    match run.remote.filter(|remote| matches!(remote.endpoint_kind, EndpointKind::Batch)) {
        Some(remote) if config.last_stage() >= Stage::Extract => batch_refusal(remote, &run.pipeline),
        _ => Ok(None),
    }
}

/// Reruns and retries that were asked for, and the record of what this run works with.
fn prepare(run: &mut Run<'_>, config: &RunConfig, session: &mut Session) -> Result<(), RunError> {
    if let Some(wanted) = &config.rerun {
        let request = rerun::request(run, config, wanted);
        let reader = run.store.reader()?;
        let begun = reader.meta("rerun")?;
        if begun.is_some_and(|begun| begun == request || begun == rerun::request_in_words(run, config, wanted)) {
            let message = "continuing the rerun that was interrupted; what it has redone is kept".into();
            run.emit(Event::Notice { message });
        } else {
            session.begin_rerun(&run.fps, wanted.stage, run.scope, &request)?;
        }
        run.generation = Generation(reader.meta("generation")?.and_then(|v| v.parse().ok()).unwrap_or(0));
    }
    if config.retry_failed {
        session.retry_failed(&run.fps, run.scope)?;
        let ocr = &config.parse_settings.ocr;
        // Where nothing can be recognised, they would come out as they are.
        if ocr.mode != OcrMode::Off && ocr.program.is_some() {
            session.retry_partial(&run.fps, run.scope)?;
        }
    }
    let current = run
        .fps
        .iter()
        .map(|(stage, fp)| (format!("current:{}", stage.name()), Some(fp.0.to_string())))
        .chain([
            ("current:question".to_owned(), Some(run.question.0.to_string())),
            ("current:pipeline".to_owned(), Some(run.pipeline.name.clone())),
            ("current:provider".to_owned(), Some(run.pipeline.provider.name.clone())),
        ])
        .collect::<Vec<_>>();
    Ok(session.set_meta(&current)?)
}

/// The stages up to `last`, in groups that run in turn: one by one, or side by side up to `extract` where a document is asked about
/// as soon as its chunks are committed.
fn in_turn(run: &Run<'_>, last: Stage) -> Vec<&'static [Row]> {
    let overlaps = |remote: &Remote| {
        remote.overlap && !run.pipeline.method.names_units() && matches!(remote.endpoint_kind, EndpointKind::Live)
    };
    let rows = &DATAFLOW[..=last as usize];
    let together = match run.remote {
        Some(remote) if overlaps(remote) && last >= Stage::Extract => Stage::Extract as usize + 1,
        _ => 0,
    };
    let (together, one_by_one) = rows.split_at(together);
    let group = (!together.is_empty()).then_some(together);
    group.into_iter().chain(one_by_one.chunks(1)).collect()
}

/// Runs stages at the same time: each follows the one before it through the store, the first has its work before it.
fn side_by_side(run: &Run<'_>, progress: &mut Progress, reader: &Reader, rows: &[Row]) -> Result<(), RunError> {
    // What an earlier stage of the group has to do comes to the later ones.
    let mut earlier = 0;
    let todo = |_, counts: Counts| {
        earlier += counts.todo;
        earlier
    };
    let mut asked = None;
    let outcome = staged(run, progress, reader, rows, todo, || {
        let Some((last, others)) = rows.split_last() else { return Ok(()) };
        let finished: Vec<Upstream> = others.iter().map(|_| Upstream::default()).collect();
        let start = Upstream::finished();
        let upstream = |n: usize| if n == 0 { &start } else { &finished[n - 1] };
        std::thread::scope(|scope| {
            let spawned: Vec<_> = others
                .iter()
                .enumerate()
                .map(|(n, row)| {
                    let (before, after) = (upstream(n), &finished[n]);
                    scope.spawn(move || {
                        let _finishing = after.finishes_with();
                        (row.all)(run, before).and_then(|_| Ok(run.writer.flush()?))
                    })
                })
                .collect();
            let outcome = (last.all)(run, upstream(others.len()));
            if outcome.is_err() {
                // Nobody would take up what the others still make: the error is told now, not in hours.
                run.halt();
            }
            let panicked = |panic: Box<dyn std::any::Any + Send>| RunError::Internal(panic_words(&*panic).to_owned());
            let others: Vec<_> =
                spawned.into_iter().map(|t| t.join().unwrap_or_else(|panic| Err(panicked(panic)))).collect();
            asked = outcome?;
            others.into_iter().collect()
        })
    });
    if let Some(outcome) = asked {
        progress.ask(outcome);
    }
    outcome
}

/// Per-document mode: all stages run at once, so all bars do.
fn whole_documents(run: &Run<'_>, progress: &mut Progress, reader: &Reader) -> Result<(), RunError> {
    let (_, files) = reader.corpus_size(run.scope)?;
    let unfinished = Stage::of_documents().next_back().map_or(Ok(0), |last| Ok(run.counts(reader, last)?.todo));
    let unfinished = unfinished.map_err(|e: StoreError| RunError::from(e))?;
    // Everything not done passes through every stage.
    let todo = |stage: Stage, counts: Counts| match stage.subject() {
        Subject::Document => counts.todo.max(unfinished),
        Subject::File => files - counts.done,
    };
    let purse = run.remote.map(|remote| Purse::new(run, remote)).transpose()?;
    let end = || purse.as_ref().and_then(Purse::stop);
    staged(run, progress, reader, &DATAFLOW, todo, || {
        match per_document::run_documents(run, purse.as_ref()) {
            // The run has an end of its own, and goes to it.
            Err(_) if end().is_some() => {}
            other => other?,
        }
        run.writer.flush()?;
        // Files whose document was done before.
        for row in DATAFLOW.iter().filter(|row| row.stage.subject() == Subject::File) {
            (row.all)(run, &Upstream::finished())?;
        }
        Ok(())
    })?;
    progress.stop = progress.stop.take().or_else(end);
    Ok(())
}

/// Tells that stages begin and end, and does their work in between if there is any.
fn staged(
    run: &Run<'_>,
    progress: &mut Progress,
    reader: &Reader,
    rows: &[Row],
    mut todo: impl FnMut(Stage, Counts) -> u64,
    work: impl FnOnce() -> Result<(), RunError>,
) -> Result<(), RunError> {
    let mut before = Vec::new();
    for row in rows {
        let counts = run.counts(reader, row.stage)?;
        let total = todo(row.stage, counts);
        progress.changed |= total > 0;
        run.emit(Event::StageStarted { stage: row.stage.into(), total, skipped: counts.done, failed: counts.failed });
        before.push((total, counts));
    }
    let has_work = before.iter().any(|(total, _)| *total > 0);
    let outcome = if has_work { work().and_then(|()| Ok(run.writer.flush()?)) } else { Ok(()) };
    for (row, (_, counts)) in rows.iter().zip(before) {
        let time = run.tally.phase(row.stage.into()).time();
        progress.finish(run, row.stage.into(), time, counts.done, counts.failed);
    }
    outcome
}
