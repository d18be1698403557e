//! `corpora doctor --tune`: a handful of requests find out what a server can do, and the settings for it are written down.

use std::path::Path;
use std::time::Instant;

use futures_util::future::join_all;

use super::advice::{Measured, Pace, advice};
use super::finding::{Finding, Report};
use super::provider::Known;
use super::trial::{Asker, Heard, Trial};
use crate::cli::args::DoctorArgs;
use crate::cli::exit::CommandError;
use crate::engine::Remote;
use crate::settings::{Foreign, Origin, Sources, allow};
use crate::stages::extract::answer_schema;
use crate::stages::pipeline::{Pipeline, Profile};
use crate::values::Choice;

/// Requests in flight that are tried.
const IN_FLIGHT: [usize; 3] = [1, 2, 4];

/// Terms of a request whose pace is measured.
const FEW: usize = 4;

/// File that the settings are written to.
const FILE: &str = "corpora.toml";

/// Measures a server that answers as it should, tells what was found and writes the settings that follow to `corpora.toml`, if there is
/// none; else they are printed.
///
/// # Errors
/// If nobody reads the lines, or the file cannot be written.
pub(super) async fn tune(
    args: &DoctorArgs,
    sources: &Sources,
    (pipeline, remote): (&Pipeline, &Remote),
    known: &Known,
    report: &mut Report,
) -> Result<(), CommandError> {
    let asker = match Asker::new(pipeline, &known.client, remote.tier) {
        Ok(asker) => asker,
        Err(words) => return Ok(report.tell("tune", Finding::Wrong(words))?),
    };
    let best = remote.dialect.vendor.structured(&answer_schema(pipeline, 1)).ok();
    let mut measured = Measured {
        way: Some(known.way).filter(|way| Some(*way) != best),
        paces: Vec::new(),
        pack: None,
        profile: None,
        slowest: 0.0,
        timeout: remote.timeout.as_secs_f64(),
    };
    let mut turn = 1;
    if pipeline.method.names_units() {
        let (whole, slowest) = whole_pack(&asker, &mut turn).await;
        measured.slowest = slowest;
        measured.pack = whole.map(|whole| (whole, pipeline.units_per_request()));
        if whole.is_none_or(|whole| whole < FEW)
            && let Some((small, slowest)) = small_pack(args, known, remote, &mut turn).await
        {
            (measured.pack, measured.profile) = (Some(small), Some(Profile::Small));
            measured.slowest = slowest;
        }
        report.tell("pack", pack_row(&measured))?;
    }
    measured.paces = paces(&asker, remote.most_in_flight, &mut turn, &mut measured.slowest).await;
    report.tell("pace", pace_row(&measured.paces))?;
    let written = text(sources, &measured);
    if sources.file.is_none() && !Path::new(FILE).exists() {
        std::fs::write(FILE, &written)
            .map_err(|e| CommandError::bad_input(format!("'{FILE}' cannot be written: {e}")))?;
        // It came from here, and not with somebody's books.
        allow(Foreign::Settings(Path::new(FILE), &written), &|name| std::env::var_os(name))?;
        report.tell("settings", Finding::Good(format!("written to {FILE}; every command in this folder reads it")))?;
    } else {
        report.tell("settings", Finding::Odd("there is a settings file: these lines are for it".into()))?;
    }
    for line in written.lines() {
        report.line(&format!("       {line}"))?;
    }
    Ok(())
}

/// The largest of ever smaller packs that comes back whole, and the seconds that it took.
async fn whole_pack(asker: &Asker<'_>, turn: &mut usize) -> (Option<usize>, f64) {
    let mut size = asker.pipeline.units_per_request().min(super::material::TERMS.len());
    let mut slowest: f64 = 0.0;
    loop {
        *turn += 1;
        let trial = asker.ask(size, *turn).await;
        slowest = slowest.max(trial.latency.as_secs_f64());
        if trial.heard.is_whole(size) {
            return (Some(size), slowest);
        }
        if size == 1 {
            return (None, slowest);
        }
        size = size.div_ceil(2);
    }
}

/// The same with the pipeline's form for small models, if nobody chose a form: whole and asked for.
async fn small_pack(
    args: &DoctorArgs,
    known: &Known,
    remote: &Remote,
    turn: &mut usize,
) -> Option<((usize, usize), f64)> {
    if args.pipeline.profile.is_some() {
        return None;
    }
    let form = crate::settings::PipelineSettings { profile: Some(Profile::Small), ..args.pipeline.clone() };
    let pipeline = form.resolve(None).ok()?.pipeline;
    let asker = Asker::new(&pipeline, &known.client, remote.tier).ok()?;
    let (whole, slowest) = whole_pack(&asker, turn).await;
    Some(((whole?, pipeline.units_per_request()), slowest))
}

/// Pace with few and more requests in flight, as long as all are answered.
async fn paces(asker: &Asker<'_>, most: usize, turn: &mut usize, slowest: &mut f64) -> Vec<Pace> {
    let size = asker.pipeline.units_per_request().min(FEW);
    let mut paces = Vec::new();
    for in_flight in IN_FLIGHT.into_iter().filter(|n| *n <= most) {
        let begun = Instant::now();
        let trials: Vec<Trial> = join_all((0..in_flight).map(|n| asker.ask(size, *turn + n))).await;
        let seconds = begun.elapsed().as_secs_f64();
        *turn += in_flight;
        let output = |trial: &Trial| match &trial.heard {
            Heard::Answer { answered, output, .. } if *answered > 0 => Some((*output).max(1)),
            Heard::Answer { .. } | Heard::Trouble(_) => None,
        };
        let Some(tokens) = trials.iter().map(output).sum::<Option<u64>>() else { break };
        *slowest = trials.iter().map(|trial| trial.latency.as_secs_f64()).fold(*slowest, f64::max);
        paces.push(Pace { in_flight, per_second: tokens as f64 / seconds.max(1e-3) });
    }
    paces
}

fn pack_row(measured: &Measured) -> Finding {
    match (measured.pack, measured.profile) {
        (None, _) => Finding::Wrong("not even one term came back as it was asked for: choose another model".into()),
        (Some((whole, asked)), None) if whole >= asked.min(super::material::TERMS.len()) => {
            Finding::Good(format!("{whole} terms in one request come back whole"))
        }
        (Some((whole, _)), profile) => {
            let form = profile.map_or_else(String::new, |profile| format!(" in the form '{}'", profile.word()));
            Finding::Odd(format!("at most {whole} terms in one request come back whole{form}"))
        }
    }
}

fn pace_row(paces: &[Pace]) -> Finding {
    if paces.is_empty() {
        return Finding::Odd("it was not measured: not all requests were answered".into());
    }
    let told = paces.iter().map(|pace| format!("{:.1} with {} in flight", pace.per_second, pace.in_flight));
    Finding::Good(format!("tokens of answers in a second: {}", told.collect::<Vec<_>>().join(", ")))
}

/// The text of a settings file: what was said of the server on the line or in the environment, and what was found out.
fn text(sources: &Sources, measured: &Measured) -> String {
    let mut lines = vec!["# What `corpora doctor --tune` found.".to_owned()];
    let found = advice(measured);
    let said = sources.each().filter(|setting| matches!(setting.origin, Origin::Line | Origin::Environment));
    for setting in said.filter(|setting| setting.key != "output") {
        let is_found = found.iter().any(|(key, ..)| *key == setting.key);
        if let Some(value) = setting.typed().filter(|_| !is_found) {
            lines.push(format!("{} = {value}", setting.key));
        }
    }
    lines.extend(found.iter().map(|(key, value, why)| format!("{key} = {value} # {why}")));
    lines.join("\n") + "\n"
}
