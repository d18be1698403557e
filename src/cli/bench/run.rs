//! The measuring: what is run, in which turns, and what is said of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

use super::chart;
use super::figures::{Figures, Mode, PerMinute, verdict};
use super::watch;
use crate::cli::bench_args::{BenchArgs, BenchMode};
use crate::cli::exit::{CommandError, Exit};
use crate::cli::progress::grouped;
use crate::cli::screen;
use crate::settings::{Origin, Sources};
use crate::simulator::{Latency, Limits, Simulator, SimulatorConfig};
use crate::store::Store;
use crate::values::{Cost, RunOutcome};

/// The model whose price the simulator's answers have, unless another is named.
const MODEL: &str = "claude-haiku-4-5";

/// Source of the answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Answers {
    /// The embedded provider.
    Local,
    /// The simulator, with so much latency in milliseconds and a clock that goes so many times faster than the real one.
    Simulator { model: String, latency_ms: f64, latency_spread: f64, compress: f64 },
    /// A real provider.
    Provider { name: String, model: Option<String> },
}

/// Contents of `bench.json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    version: &'static str,
    answers: &'a Answers,
    per_minute: PerMinute,
    per_document_workers: usize,
    /// Settings of every run that are not the defaults.
    settings: &'a BTreeMap<String, String>,
    modes: &'a [Mode],
    verdict: &'a str,
}

/// Measures and reports.
pub(in crate::cli) fn run(args: &BenchArgs, sources: &Sources) -> Result<Exit, CommandError> {
    let bad = |message: String| Err(CommandError::bad_input(message));
    if args.rounds == 0 || args.workers == 0 || args.modes.is_empty() {
        return bad("--rounds, --workers and --modes need at least one each".into());
    }
    for (name, value) in
        [("--latency", args.latency), ("--latency-spread", args.latency_spread), ("--compress", args.compress)]
    {
        if !(value > 0.0 && value.is_finite()) {
            return bad(format!("{name} {value} is out of range; give a positive number"));
        }
    }
    let rates = &args.remote.rates;
    let [requests, input, output, tokens] =
        [rates.rpm, rates.itpm, rates.otpm, rates.tpm].map(|rate| rate.map(|rate| rate as f64));
    let limits = PerMinute { requests, input, output, tokens };
    if let Some(limit) =
        [requests, input, output, tokens].into_iter().flatten().find(|limit| !(*limit >= 1.0 && limit.is_finite()))
    {
        return bad(format!("a limit of {limit} a minute lets nothing through; give at least 1"));
    }
    let answers = answers(args, sources)?;
    let given = set_for_all(&answers, sources);
    let shown = |key: &str, value: &OsString| match key {
        // Its values may be secrets.
        HEADERS => "(hidden)".to_owned(),
        _ => value.to_string_lossy().into_owned(),
    };
    let settings = given.iter().map(|(key, value)| (key.clone(), shown(key, value))).collect();
    for (key, value) in &settings {
        writeln!(screen::err(), "every run has {key} = {value}")?;
    }
    if answers == Answers::Local && args.modes.contains(&BenchMode::Batch) {
        return bad("the local provider has no batch endpoint; leave 'batch' out of --modes".into());
    }
    std::fs::create_dir_all(&args.output).map_err(|e| cannot("make the folder", &args.output, &e))?;
    let work = tempfile::Builder::new()
        .prefix("runs-")
        .tempdir_in(&args.output)
        .map_err(|e| cannot("write to the folder", &args.output, &e))?;
    let mut modes: Vec<BenchMode> = Vec::new();
    args.modes.iter().for_each(|mode| {
        if !modes.contains(mode) {
            modes.push(*mode);
        }
    });
    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); modes.len()];
    for round in 0..args.rounds {
        // Turn by turn and back: what warms up or slows down hits all modes alike.
        let mut order: Vec<usize> = (0..modes.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for n in order {
            let mode = modes[n];
            writeln!(screen::err(), "round {} of {}: {}", round + 1, args.rounds, mode.name())?;
            let output = work.path().join(format!("{}-{round}", mode.name()));
            rounds[n].push(one(args, &given, &answers, limits, mode, &output)?);
            std::fs::remove_dir_all(&output).map_err(|e| cannot("remove the folder", &output, &e))?;
        }
    }
    let modes: Vec<Mode> = modes.iter().zip(rounds).map(|(mode, rounds)| Mode::new(mode.name(), rounds)).collect();
    let verdict = verdict(&modes);
    let compress = if let Answers::Simulator { compress, .. } = &answers { *compress } else { 1.0 };
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        answers: &answers,
        per_minute: limits,
        per_document_workers: args.workers,
        settings: &settings,
        modes: &modes,
        verdict: &verdict,
    };
    let json = serde_json::to_vec_pretty(&report).map_err(std::io::Error::from)?;
    let title = format!("{} documents, medians of {}", modes[0].median.documents, args.rounds);
    for (name, bytes) in [("bench.json", json), ("bench.svg", chart::svg(&title, &modes, &verdict).into_bytes())] {
        let place = args.output.join(name);
        std::fs::write(&place, bytes).map_err(|e| cannot("write", &place, &e))?;
    }
    let mut out = screen::out();
    table(&mut out, &modes, compress)?;
    writeln!(out, "\n{verdict}")?;
    writeln!(screen::err(), "figures in {0}/bench.json, a chart in {0}/bench.svg", args.output.display())?;
    Ok(Exit::Done)
}

fn cannot(action: &str, place: &Path, error: &std::io::Error) -> CommandError {
    CommandError::bad_input(format!("cannot {action} '{}': {error}; give another place with --output", place.display()))
}

/// Source that is asked. A provider that is paid for has to be named on the command line: the settings file names the
/// one of every day.
fn answers(args: &BenchArgs, sources: &Sources) -> Result<Answers, CommandError> {
    let bad = |message: &str| Err(CommandError::bad_input(message));
    let typed = |key: &str| sources.origin(key) == Origin::Line;
    match args.provider.provider.as_deref().filter(|_| typed("provider")) {
        None if typed("base_url") || typed("max_cost") => {
            bad("--base-url and --max-cost are for a real provider; name it with --provider")
        }
        None => Ok(Answers::Simulator {
            model: args.provider.model.clone().unwrap_or_else(|| MODEL.to_owned()),
            latency_ms: args.latency,
            latency_spread: args.latency_spread,
            compress: args.compress,
        }),
        Some("local") => Ok(Answers::Local),
        Some(_) if !typed("max_cost") => bad(
            "each run of a bench asks the provider for everything and pays for it; say what one run may cost with --max-cost",
        ),
        Some(_) if args.compress != 1.0 => {
            bad("--compress is for the simulator: a real provider's clock is what it is")
        }
        Some(name) => Ok(Answers::Provider { name: name.to_owned(), model: args.provider.model.clone() }),
    }
}

/// Setting whose value is shown nowhere, also not as an argument of a process.
const HEADERS: &str = "headers";

/// Settings that are of no concern where nobody is asked.
const REMOTE: [&str; 6] = ["context", "in_flight", "overlap", "patience", "prices", "request_timeout"];

/// Settings that are of no concern where the simulator is asked.
const REAL: [&str; 12] = [
    "allow_http",
    "api_version",
    "base_url",
    "effort",
    "extra_body",
    "headers",
    "key_file",
    "max_cost",
    "seed",
    "service_tier",
    "stop",
    "temperature",
];

/// Settings that the bench itself decides for each run.
const VARIED: [&str; 6] = ["provider", "model", "rpm", "itpm", "otpm", "tpm"];

/// Settings for all runs, from the line, the environment or the file, as far as they concern the source of the answers.
fn set_for_all(answers: &Answers, sources: &Sources) -> BTreeMap<String, OsString> {
    let concerns = |key: &str| match answers {
        Answers::Local => !REMOTE.contains(&key) && !REAL.contains(&key),
        Answers::Simulator { .. } => !REAL.contains(&key),
        Answers::Provider { .. } => true,
    };
    let set = sources.each().filter(|setting| setting.origin != Origin::Default);
    set.filter(|setting| concerns(&setting.key) && !VARIED.contains(&setting.key.as_str()))
        .filter_map(|setting| Some((setting.key.clone(), setting.value.clone()?)))
        .collect()
}

/// A run that has no settings but these: not the environment's, not those of a file in the working folder.
fn bare_run(given: &BTreeMap<String, OsString>) -> Result<Command, CommandError> {
    let program = std::env::current_exe().map_err(|e| CommandError::bad_input(format!("this program is gone: {e}")))?;
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CORPORA_")) {
        command.env_remove(name);
    }
    command.args(["--config", "/dev/null", "batch"]);
    for (key, value) in given {
        if key == HEADERS {
            command.env("CORPORA_HEADERS", value);
            continue;
        }
        let mut option = OsString::from(format!("--{}=", key.replace('_', "-")));
        option.push(value);
        command.arg(option);
    }
    Ok(command)
}

/// One run of one mode in a folder of its own, in the turn of no other.
fn one(
    args: &BenchArgs,
    given: &BTreeMap<String, OsString>,
    answers: &Answers,
    limits: PerMinute,
    mode: BenchMode,
    output: &Path,
) -> Result<Figures, CommandError> {
    let mut command = bare_run(given)?;
    command.args(&args.inputs).arg("--output").arg(output).args(["--progress", "json"]);
    match mode {
        BenchMode::Staged => command.args(["--mode", "staged"]),
        BenchMode::Batch => command.args(["--mode", "staged", "--endpoint", "batch"]),
        BenchMode::PerDocument => command.args(["--mode", "per-document", "--workers", &args.workers.to_string()]),
    };
    if let Some(limit) = args.limit {
        command.args(["--limit", &limit.to_string()]);
    }
    let mut simulator = None;
    let mut allowed = limits;
    match answers {
        Answers::Local => _ = command.args(["--provider", "local"]),
        Answers::Simulator { model, latency_ms, latency_spread, compress } => {
            allowed = limits.times(*compress);
            let started = simulate(allowed, latency_ms / compress, *latency_spread, *compress)?;
            let url = format!("http://{}", started.address());
            command.args(["--provider", "anthropic", "--model", model, "--base-url", &url]);
            if mode == BenchMode::Batch {
                command.args(["--poll", &format!("{:.3}", (10.0 / compress).max(0.02))]);
            }
            simulator = Some(started);
        }
        Answers::Provider { name, model } => {
            command.args(["--provider", name]);
            if let Some(model) = model {
                command.args(["--model", model]);
            }
        }
    }
    if *answers != Answers::Local {
        let rates = [
            ("--rpm", allowed.requests),
            ("--itpm", allowed.input),
            ("--otpm", allowed.output),
            ("--tpm", allowed.tokens),
        ];
        for (option, rate) in rates {
            if let Some(rate) = rate {
                command.args([option, &format!("{rate:.0}")]);
            }
        }
    }
    let watched = watch::run(command).map_err(CommandError::bad_input)?;
    let summary = watched.summary;
    if !matches!(summary.outcome, RunOutcome::Complete | RunOutcome::Partial) || summary.stop.is_some() {
        let why = summary.stop.map_or_else(|| format!("it ended as {:?}", summary.outcome), |stop| stop.message);
        return Err(CommandError::bad_input(format!("the {} run did not come to its end: {why}", mode.name())));
    }
    let (answered, _) = Store::open_existing(output)?.reader()?.ledger_sums()?;
    let (input, out) = (answered.usage.prompt(), answered.usage.output);
    let counters = simulator.map(|simulator| simulator.counters());
    let asked = summary.asked.unwrap_or_default();
    let requests = counters.as_ref().map_or(answered.count + asked.refused, |c| c.requests);
    let refused = counters.as_ref().map_or(asked.refused, |c| c.limited);
    // From the first request to the last answer: parsing before it is bound by no limit.
    let asking = counters.as_ref().map_or(watched.seconds, |c| (c.last_ms - c.first_ms) / 1000.0);
    let burst = if counters.is_some() { BURST } else { 0.0 };
    let least = allowed.least_seconds(requests - refused, input, out).filter(|_| mode != BenchMode::Batch);
    let least = least.map(|seconds| seconds - burst).filter(|seconds| *seconds > 0.0);
    Ok(Figures {
        documents: summary.succeeded,
        seconds: watched.seconds,
        processor_seconds: watched.processor,
        memory: watched.memory,
        requests,
        refused,
        input_tokens: input,
        output_tokens: out,
        dollars: (answered.unpriced == 0).then(|| answered.cost.dollars()),
        limit_efficiency: least.filter(|_| asking > 0.0).map(|least| least / asking),
    })
}

/// Seconds' worth of quota that the simulator's buckets hold, full at first. Not compressed: clients have bursts of their own.
const BURST: f64 = 1.0;

fn simulate(limits: PerMinute, median_ms: f64, spread: f64, compress: f64) -> Result<Simulator, CommandError> {
    let config = SimulatorConfig {
        limits: Limits {
            requests: limits.requests,
            input: limits.input,
            output: limits.output,
            tokens: limits.tokens,
            burst_seconds: Some(BURST),
            ..Limits::default()
        },
        latency: Latency { median_ms, p99_over_median: spread, per_output_token_ms: 0.0 },
        retry_after_s: 1.0 / compress,
        keep_journal: false,
        ..SimulatorConfig::default()
    };
    let now = jiff::Timestamp::now().as_microsecond() as f64 / 1e6;
    Simulator::start(config, 0, now)
        .map_err(|e| CommandError::bad_input(format!("the simulator cannot listen on this machine: {e}")))
}

fn table(out: &mut impl Write, modes: &[Mode], compress: f64) -> std::io::Result<()> {
    let first = &modes[0].median;
    writeln!(
        out,
        "{:<13}{:>9}{:>8}{:>10}{:>9}{:>12}{:>11}{:>8}{:>12}{:>11}{:>10}{:>8}",
        "mode",
        "wall s",
        "cpu s",
        "peak MB",
        "requests",
        "tokens in",
        "out",
        "429s",
        "cost",
        "efficiency",
        "docs/min",
        "times"
    )?;
    for Mode { mode, median: f, .. } in modes {
        let cost = f.dollars.map_or_else(|| "unknown".to_owned(), |d| Cost::from_dollars(d).to_string());
        let efficiency = f.limit_efficiency.map_or_else(|| "-".to_owned(), |e| format!("{e:.3}"));
        writeln!(
            out,
            "{mode:<13}{:>9.1}{:>8.2}{:>10.1}{:>9}{:>12}{:>11}{:>8}{cost:>12}{efficiency:>11}{:>10.0}{:>8.2}",
            f.seconds,
            f.processor_seconds,
            f.memory as f64 / 1e6,
            grouped(f.requests),
            grouped(f.input_tokens),
            grouped(f.output_tokens),
            grouped(f.refused),
            f.documents as f64 * 60.0 / f.seconds,
            f.seconds / first.seconds,
        )?;
    }
    if compress != 1.0 {
        writeln!(
            out,
            "the provider's clock went {compress} times as fast: at the true one asking takes so many times longer"
        )?;
    }
    Ok(())
}
