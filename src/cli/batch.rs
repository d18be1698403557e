//! `corpora batch INPUT...`.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::CommandFactory;
use crossbeam_channel::bounded;

use super::args::{BatchArgs, Cli, ProgressArg};
use super::config::{ConfigFile, unknown_variables};
use super::exit::{CommandError, Exit};
use super::progress::{Reporter, Style, Verbosity, duration, grouped};
use super::{blocklist, log, parsing, remote, signals};
use crate::engine::{self, Cancel, ParseLimits, Plan, Rerun, RunConfig};
use crate::pipelines;
use crate::stages::discover::Inputs;
use crate::values::{Cost, Event, Format, Formats, Stage};

/// Runs the stages and reports on them.
pub(super) fn run(mut args: BatchArgs, config: Option<&Path>) -> Result<Exit, CommandError> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for message in unknown_variables(names, &Cli::command()) {
        writeln!(std::io::stderr(), "corpora: {message}")?;
    }
    ConfigFile::read(config)?.fill(&mut args);
    #[cfg(feature = "failpoints")]
    if let Some(point) = &args.batch.crash_at {
        engine::crash_at(point);
    }
    // Dropped at the end: what is not exported yet is.
    let _log = log::start(args.remote.log.as_deref(), args.remote.log_format)?;
    let json_plan = args.json;
    let reporter = reporter(&args);
    let config = resolve(args)?;

    let cancel = Cancel::default();
    let (events, received) = bounded::<Event>(1024);
    let stopping = events.clone();
    signals::listen(cancel.clone(), move || {
        let _ = stopping.try_send(Event::Stopping);
    })?;
    let reporting = std::thread::Builder::new().name("reporter".into()).spawn(move || reporter.run(&received))?;
    let outcome = engine::run(&config, &cancel, &events);
    // The signal thread keeps a sender, so the reporter ends by the event `RunFinished` or by this one.
    let _ = events.send(Event::RunEnded);
    drop(events);
    let _ = reporting.join();
    let finished = outcome?;
    if let Some(plan) = &finished.plan {
        print_plan(plan, json_plan)?;
    }
    Ok(finished.summary.outcome.into())
}

/// How a run introduces itself to another that finds its folder locked.
pub(super) fn holder(command: &str) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let now = jiff::Timestamp::now();
    format!("'{command}' (process {} on {host}, since {now:.0})", std::process::id())
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn reporter(args: &BatchArgs) -> Reporter {
    let is_terminal = std::io::stderr().is_terminal();
    let style = match args.progress.unwrap_or(ProgressArg::Auto) {
        ProgressArg::Auto if is_terminal && !args.quiet => Style::Bars,
        ProgressArg::Auto | ProgressArg::Plain => Style::Plain,
        ProgressArg::Bars => Style::Bars,
        ProgressArg::Json => Style::Json,
        ProgressArg::None => Style::None,
    };
    let verbosity = match (args.quiet, args.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    Reporter::new(style, verbosity)
}

fn resolve(args: BatchArgs) -> Result<RunConfig, CommandError> {
    let base = std::env::current_dir()
        .map_err(|e| CommandError::bad_input(format!("the working folder cannot be found: {e}")))?;
    let inputs = Inputs::resolve(&base, &args.inputs).map_err(CommandError::bad_input)?;
    let output = output_folder(&args, &base)?;
    let mut pipeline =
        pipelines::find(args.pipeline.as_deref().unwrap_or("vocabulary")).map_err(CommandError::bad_input)?;
    if let Some(name) = args.provider {
        pipeline.provider.name = name;
    }
    if args.model.is_some() {
        pipeline.provider.model = args.model;
    }
    let parse_settings = parsing::resolve(&args.parsing)?;
    let remote = remote::resolve(&mut pipeline, &args.remote, &args.batch)?;
    let blocklist = blocklist::read(args.blocklist.as_deref())?.map(Arc::new);
    let workers = args.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if !(1..=1024).contains(&workers) {
        return Err(CommandError::bad_input(format!("--workers {workers} is out of range; give 1 to 1024")));
    }
    if args.limit == Some(0) {
        return Err(CommandError::bad_input("--limit 0 leaves nothing to do; give at least 1"));
    }
    let limits = ParseLimits::default();
    let time = args.parse_timeout.map_or(limits.time, Duration::from_secs);
    let memory = args.parse_memory.map_or(limits.memory, |mib| mib << 20);
    if time.is_zero() || time > Duration::from_hours(24) || memory < 64 << 20 {
        let message = "--parse-timeout needs 1 s to a day, and --parse-memory at least 64 MiB";
        return Err(CommandError::bad_input(message));
    }
    let stage = args.stage.map(Stage::from);
    let rerun = match (args.force, stage) {
        (true, _) => Some(Rerun { stage: Stage::Parse, force: true }),
        (false, Some(stage)) => Some(Rerun { stage, force: false }),
        (false, None) => None,
    };
    let until = match (args.only, stage, args.until.map(Stage::from)) {
        (true, Some(stage), _) => stage,
        (_, Some(stage), Some(until)) if until < stage => {
            let message = format!("--until {} ends before --stage {} begins; swap them", until.name(), stage.name());
            return Err(CommandError::bad_input(message));
        }
        (_, _, until) => until.unwrap_or(Stage::Write),
    };
    let program = std::env::current_exe().map_err(|e| CommandError {
        exit: Exit::Internal,
        message: format!("cannot find this program's own file, which parses documents: {e}"),
    })?;
    Ok(RunConfig {
        inputs,
        recursive: !args.no_recursive,
        formats: args.formats.as_deref().map_or(Ok(Formats::default()), formats)?,
        limit: args.limit,
        checksum: args.checksum || args.force,
        output,
        workers,
        mode: args.mode.map(Into::into).unwrap_or_default(),
        pipeline,
        remote,
        blocklist,
        rerun,
        until,
        retry_failed: args.retry_failed,
        dry_run: args.dry_run,
        parse_program: program,
        parse_limits: ParseLimits { time, memory },
        parse_settings,
        holder: holder("corpora batch"),
        now_ms,
        stalled: super::exit::leave_partial,
    })
}

/// The words of `--formats`.
fn formats(list: &str) -> Result<Formats, CommandError> {
    let mut taken = Vec::new();
    for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        match Format::ALL.into_iter().find(|format| format.word() == word) {
            Some(format) => taken.push(format),
            None if word == "all" => taken.extend(Format::ALL),
            None => {
                let known = Format::ALL.map(Format::word).join(", ");
                let message = format!("--formats {list}: there is no format '{word}'; known are {known} and all");
                return Err(CommandError::bad_input(message));
            }
        }
    }
    match taken.is_empty() {
        true => Err(CommandError::bad_input("--formats without a format leaves nothing to do; give at least one")),
        false => Ok(Formats::of(&taken)),
    }
}

/// The folder that was given, or the one input folder.
fn output_folder(args: &BatchArgs, base: &Path) -> Result<PathBuf, CommandError> {
    let folder = match (&args.output, &args.inputs[..]) {
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

fn print_plan(plan: &Plan, json: bool) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, plan).map_err(std::io::Error::from)?;
        writeln!(out)?;
        return Ok(());
    }
    writeln!(
        out,
        "\nplan: {} files, {} distinct documents, {} other files passed over",
        plan.files, plan.documents, plan.ignored
    )?;
    writeln!(out, "{:<10}{:>10}{:>10}{:>10}  why", "stage", "to do", "done", "failed")?;
    for s in &plan.stages {
        let why = s.why.as_deref().unwrap_or("");
        writeln!(out, "{:<10}{:>10}{:>10}{:>10}  {why}", s.stage.name(), s.todo, s.done, s.failed)?;
    }
    let e = &plan.extract;
    writeln!(
        out,
        "extract asks {}: {} documents, {} chunks, {} distinct units, {} of them answered already;",
        e.provider, e.documents, e.chunks, e.units, e.answered,
    )?;
    let Some(remote) = &e.remote else {
        writeln!(
            out,
            "{} requests, about {} tokens of text (answered within the program: nothing is sent, nothing is paid)",
            e.requests, e.estimated_tokens
        )?;
        return Ok(());
    };
    writeln!(
        out,
        "{} requests to {}, about {} tokens in and {} out",
        grouped(e.requests),
        remote.model,
        grouped(remote.input_tokens),
        grouped(remote.output_tokens)
    )?;
    if e.with_sentences + e.with_chunks > 0 {
        writeln!(
            out,
            "context: the terms of {} documents go with a sentence for each, of {} with their chunks",
            e.with_sentences, e.with_chunks
        )?;
    }
    match (remote.dollars, remote.batch_dollars) {
        (Some(live), Some(batch)) => writeln!(
            out,
            "about {} live, {} through the batch endpoint (price from {})",
            Cost::from_dollars(live),
            Cost::from_dollars(batch),
            remote.price_source.as_deref().filter(|s| !s.is_empty()).unwrap_or("a table without a source")
        )?,
        _ => writeln!(out, "price unknown: give a table with this model to --prices")?,
    }
    match remote.seconds {
        Some(seconds) => writeln!(out, "at least {} under the given limits", duration(seconds as u64 * 1000))?,
        None => writeln!(out, "time unknown: give the limits of your account with --rpm, --itpm and --otpm")?,
    }
    writeln!(out, "the estimate rests on {}", remote.basis)?;
    Ok(())
}
