//! `corpora batch INPUT...`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};

use crossbeam_channel::{Sender, bounded};

use super::args::BatchArgs;
use super::command_line::{shell_word, typed};
use super::doctor::recogniser;
use super::exit::{CommandError, Exit, leave_partial};
use super::folder::{holder, trusted};
use super::progress::{Reporter, Shows, Style, Verbosity, counted, duration, grouped};
use super::screen;
use super::{log, on_end, signals, watch};
use crate::engine::{self, Cancel, ParseIn, Plan, RunConfig};
use crate::pipelines::Suited;
use crate::settings::{AllSettings, Progress, ShardSettings, Sources, asked, small_form};
use crate::stages::discover::Inputs;
use crate::store::{MachineDisk, take_up_pack};
use crate::values::{Cost, Event, Summary};

/// Runs the stages and reports on them; with `--watch` again and again, whenever there is something new.
pub(super) fn run(args: &BatchArgs, sources: &Sources) -> Result<Exit, CommandError> {
    let settings = &args.settings;
    settings.run.check_company(sources)?;
    #[cfg(feature = "failpoints")]
    if let Some(point) = &settings.batch.crash_at {
        engine::crash_at(point);
    }
    // Dropped at the end: what is not exported yet is.
    let _log = log::start(&settings.log)?;
    let watch = settings.end.watch()?.filter(|_| !settings.run.dry_run);
    let cancel = Cancel::default();
    // The signal thread outlives each run: it must not keep the events open, or the reporter would wait for more.
    let listening = Arc::new(Mutex::new(Weak::<Sender<Event>>::new()));
    let stopping = Arc::clone(&listening);
    let tell = move || {
        let events = stopping.lock().expect("no panic while the lock is held").upgrade();
        if let Some(events) = events {
            let _ = events.try_send(Event::Stopping);
        }
    };
    if settings.sharding.shard.is_some() {
        signals::end_with_parent(cancel.clone(), tell.clone())?;
    }
    signals::listen(cancel.clone(), tell)?;
    let mut pack = settings.sharding.from_pack.as_deref();
    loop {
        let config = resolve(args, sources)?;
        if let Some(pack) = pack.take() {
            take_up(pack, &config.output)?;
        }
        let places: Vec<PathBuf> = config.inputs.places.iter().map(|place| config.inputs.root.join(place)).collect();
        // A look at every file, for those alone who wait for more of them.
        let before = watch.map(|_| watch::seen(&places));
        if !config.dry_run {
            on_end::wait_for(&settings.end, shown_folder(args))?;
        }
        let outcome = once(args, &config, &cancel, &listening);
        on_end::tell(&outcome);
        let (exit, summary) = outcome?;
        let goes_on = summary.stop.is_none() && !cancel.is_stopping();
        match watch.zip(before) {
            Some((every, before)) if goes_on && watch::wait_for_change(&places, before, every, &cancel) => {}
            _ => return Ok(exit),
        }
    }
}

/// One run, with its reporter.
fn once(
    args: &BatchArgs,
    config: &RunConfig,
    cancel: &Cancel,
    listening: &Mutex<Weak<Sender<Event>>>,
) -> Result<(Exit, Summary), CommandError> {
    let reporter = reporter(&args.settings, shell_word(&shown_folder(args)));
    let (events, received) = bounded::<Event>(1024);
    let events = Arc::new(events);
    *listening.lock().expect("no panic while the lock is held") = Arc::downgrade(&events);
    let reporting = std::thread::Builder::new().name("reporter".into()).spawn(move || reporter.run(&received))?;
    let outcome = engine::run(config, cancel, &events);
    drop(events);
    let _ = reporting.join();
    let finished = outcome?;
    if let Some(plan) = &finished.plan {
        print_plan(plan, args.settings.run.json)?;
    }
    let ShardSettings { shard, settled_ok, .. } = args.settings.sharding;
    let exit = match (shard.is_some() || settled_ok) && finished.summary.is_settled() {
        true => Exit::Done,
        false => finished.summary.outcome.into(),
    };
    Ok((exit, finished.summary))
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The output folder as the person named it.
fn shown_folder(args: &BatchArgs) -> String {
    let named = args.settings.run.output.as_ref().or(args.inputs.first());
    named.map_or_else(String::new, |folder| folder.display().to_string())
}

fn reporter(settings: &AllSettings, folder: String) -> Reporter {
    let shows = if settings.run.dry_run { Shows::Plan } else { Shows::Summary };
    let settings = &settings.progress;
    let is_terminal = screen::is_watched();
    let style = match settings.progress {
        Progress::Auto if is_terminal && !settings.quiet => Style::Bars,
        Progress::Auto | Progress::Plain => Style::Plain,
        Progress::Bars => Style::Bars,
        Progress::Json => Style::Json,
        Progress::None => Style::None,
    };
    let verbosity = if settings.quiet {
        Verbosity::Quiet
    } else if settings.verbose {
        Verbosity::Verbose
    } else {
        Verbosity::Normal
    };
    Reporter::new(style, verbosity, shows, folder)
}

fn resolve(args: &BatchArgs, sources: &Sources) -> Result<RunConfig, CommandError> {
    let AllSettings {
        run,
        sharding,
        progress: _,
        end: _,
        pipeline,
        provider,
        blocklist,
        parsing,
        parse_limits,
        remote,
        log: _,
        batch,
    } = &args.settings;
    let base = std::env::current_dir()
        .map_err(|e| CommandError::bad_input(format!("the working folder cannot be found: {e}")))?;
    let inputs = Inputs::resolve(&base, &args.inputs).map_err(CommandError::bad_input)?;
    let output = trusted(output_folder(run.output.as_deref(), &args.inputs, &base)?)?;
    let command = typed(std::env::args_os(), sources, pipeline.pipeline.path());
    let connection = &remote.connection;
    let Suited { pipeline, billions } = pipeline.resolve(provider.model.as_deref())?;
    let (pipeline, remote) = remote.resolve(pipeline, provider, Some(batch), sources)?;
    let asks = remote.as_ref().filter(|_| !run.dry_run);
    let told = asks.map(|remote| asked(remote, connection, &pipeline, sources));
    let form = asks.and(billions).map(small_form);
    let (rerun, until) = run.stages()?;
    let files = sharding.resolve(&inputs, until, remote.is_some())?;
    let parse_settings = parsing.resolve()?;
    let recogniser = sharding.shard.and(parse_settings.ocr.program.as_deref()).and_then(recogniser);
    Ok(RunConfig {
        inputs,
        recursive: !run.no_recursive,
        formats: run.formats()?,
        files,
        shard: sharding.shard,
        recogniser,
        limit: run.limit()?,
        checksum: run.checksum || run.force,
        output,
        disk: Arc::new(MachineDisk),
        workers: run.workers()?,
        mode: run.mode,
        pipeline,
        remote,
        notices: told.into_iter().chain(form).collect(),
        blocklist: blocklist.resolve()?.map(Arc::new),
        rerun,
        until,
        retry_failed: run.retry_failed,
        dry_run: run.dry_run,
        parse_in: ParseIn::Workers { program: own_program()?, limits: parse_limits.resolve()? },
        parse_settings,
        command: Some(command),
        holder: holder("corpora batch"),
        now_ms,
        stalled: leave_partial,
        aborting: signals::mark_abort,
    })
}

/// This program's own file, of which workers are made.
pub(super) fn own_program() -> Result<PathBuf, CommandError> {
    std::env::current_exe().map_err(|e| CommandError {
        exit: Exit::Internal,
        message: format!("cannot find this program's own file, which parses documents: {e}"),
    })
}

/// The folder that was given, or the one input folder.
fn output_folder(output: Option<&Path>, inputs: &[PathBuf], base: &Path) -> Result<PathBuf, CommandError> {
    let folder = match (output, inputs) {
        (Some(output), _) => base.join(output),
        (None, [input]) if base.join(input).is_dir() => base.join(input),
        (None, [input]) => match base.join(input).parent() {
            Some(folder) if base.join(input).is_file() => folder.to_path_buf(),
            _ => {
                return Err(CommandError::bad_input(format!(
                    "with the pattern '{}' as input, give an output folder with --output",
                    input.display()
                )));
            }
        },
        (None, inputs) => {
            let message = format!(
                "with {} inputs there is no one input folder; give an output folder with --output",
                inputs.len()
            );
            return Err(CommandError::bad_input(message));
        }
    };
    if folder.exists() && !folder.is_dir() {
        return Err(CommandError::bad_input(format!("the output '{}' is a file; give a folder", folder.display())));
    }
    Ok(folder)
}

/// Puts a pack in the place of the store, unless there is one: the command that was interrupted is typed again as it was.
fn take_up(pack: &Path, output: &Path) -> Result<(), CommandError> {
    if !take_up_pack(pack, output)? {
        let output = output.display();
        writeln!(
            screen::err(),
            "corpora: '{output}' has a store already; it goes on with that, and not with the pack"
        )?;
    }
    Ok(())
}

fn print_plan(plan: &Plan, json: bool) -> Result<(), CommandError> {
    let mut out = if json { screen::json() } else { screen::out() };
    if json {
        serde_json::to_writer_pretty(&mut out, plan).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(
        out,
        "plan: {}, {}, {} passed over",
        counted(plan.files, "file", "files"),
        counted(plan.documents, "distinct document", "distinct documents"),
        counted(plan.ignored, "other file", "other files")
    )?;
    writeln!(out, "{:<10}{:>10}{:>10}{:>10}  why", "stage", "to do", "done", "failed")?;
    for s in &plan.stages {
        let why = s.why.as_deref().unwrap_or("");
        writeln!(out, "{:<10}{:>10}{:>10}{:>10}  {why}", s.stage.name(), s.todo, s.done, s.failed)?;
    }
    let e = &plan.extract;
    writeln!(
        out,
        "extract asks {}: {}, {}, {}, {} of them answered already;",
        e.provider,
        counted(e.documents, "document", "documents"),
        counted(e.chunks, "chunk", "chunks"),
        counted(e.units, "distinct unit", "distinct units"),
        grouped(e.answered),
    )?;
    let Some(remote) = &e.remote else {
        writeln!(
            out,
            "{}, about {} tokens of text (answered within the program: nothing is sent, nothing is paid)",
            counted(e.requests, "request", "requests"),
            grouped(e.estimated_tokens)
        )?;
        return Ok(());
    };
    writeln!(
        out,
        "{} to {}, about {} tokens in and {} out",
        counted(e.requests, "request", "requests"),
        remote.model,
        grouped(remote.input_tokens),
        grouped(remote.output_tokens)
    )?;
    if e.with_sentences + e.with_chunks > 0 {
        writeln!(
            out,
            "context: the terms of {} go with a sentence for each, of {} with their chunks",
            counted(e.with_sentences, "document", "documents"),
            counted(e.with_chunks, "document", "documents")
        )?;
    }
    match (remote.dollars, remote.batch_dollars) {
        (Some(live), Some(batch)) => writeln!(
            out,
            "about {} live, {} through the batch endpoint{} (price from {})",
            Cost::from_dollars(live),
            Cost::from_dollars(batch),
            remote.flex_dollars.map(|d| format!(", {} at the flex tier", Cost::from_dollars(d))).unwrap_or_default(),
            remote.price_source.as_deref().filter(|s| !s.is_empty()).unwrap_or("a table without a source")
        )?,
        _ => writeln!(out, "price unknown: give a table with this model to --prices")?,
    }
    if let Some(way) = &remote.way {
        writeln!(out, "{way}")?;
    }
    match remote.seconds {
        Some(seconds) => writeln!(out, "at least {} under the given limits", duration(seconds as u64 * 1000))?,
        None => writeln!(out, "time unknown: give the limits of your account with --rpm, --itpm and --otpm")?,
    }
    writeln!(out, "the estimate rests on {}", remote.basis)?;
    Ok(())
}
