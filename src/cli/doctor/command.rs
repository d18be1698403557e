//! The command: what is tried, in order.

use std::path::Path;

use super::finding::{Finding, Report};
use super::{machine, provider, tune};
use crate::cli::args::DoctorArgs;
use crate::cli::exit::{CommandError, Exit};
use crate::pipelines::Suited;
use crate::settings::{Origin, Sources, small_form};

/// Tries everything and prints a line for each.
///
/// # Errors
/// If nobody reads the lines, or a client cannot be made.
pub(in crate::cli) fn run(args: &DoctorArgs, sources: &Sources) -> Result<Exit, CommandError> {
    let mut report = Report::new(args.json);
    let folder = args.dir.as_deref().unwrap_or(Path::new("."));
    // A folder that the settings name is made by the first run.
    let typed = sources.origin("output") == Origin::Line;
    let there = folder.ancestors().find(|folder| typed || folder.is_dir());
    report.tell("disk", machine::disk(there.unwrap_or(Path::new("."))))?;
    if let Some(dir) = &args.dir {
        report.tell("store", machine::store(dir))?;
    }
    report.tell("ocr", machine::ocr())?;
    report.tell("workers", machine::workers())?;
    match args.pipeline.resolve(args.provider.model.as_deref()) {
        Err(error) => report.tell("pipeline", Finding::Wrong(error.to_string()))?,
        Ok(Suited { pipeline, billions }) => {
            let form = billions.map_or_else(String::new, |billions| format!("; {}", small_form(billions)));
            report.tell("pipeline", Finding::Good(format!("{}: {}{form}", pipeline.name, pipeline.description)))?;
            match args.remote.resolve(pipeline, &args.provider, None, sources) {
                Err(error) => report.tell("provider", Finding::Wrong(error.to_string()))?,
                Ok((_, None)) if args.tune => {
                    let words = "the local provider needs no tuning; name a server with --provider and --model";
                    report.tell("provider", Finding::Wrong(words.into()))?;
                }
                Ok((_, None)) => {
                    report.tell("provider", Finding::Good("local: no key, no network, nothing to pay".into()))?;
                }
                Ok((pipeline, Some(remote))) => {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                    let known = runtime.block_on(provider::ask(&pipeline, &remote, &mut report))?;
                    if let (true, Some(known)) = (args.tune, known) {
                        runtime.block_on(tune::tune(args, sources, (&pipeline, &remote), &known, &mut report))?;
                    }
                }
            }
        }
    }
    report.end()?;
    Ok(if report.is_well() { Exit::Done } else { Exit::BadInput })
}
