//! `--log FILE`: what was asked when, for whoever has to find out what happened.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::prelude::*;

use super::args::LogFormatArg;
use super::exit::CommandError;

/// Starts the log, if one is wanted. Only this program's own lines are written: what the HTTP library would log may hold
/// headers.
pub(super) fn start(file: Option<&Path>, format: Option<LogFormatArg>) -> Result<(), CommandError> {
    let Some(path) = file else { return Ok(()) };
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(|e| {
        CommandError::bad_input(format!(
            "the log file '{}' cannot be opened: {e}; give another one with --log",
            path.display()
        ))
    })?;
    let layer =
        tracing_subscriber::fmt::layer().with_writer(Mutex::new(file)).with_ansi(false).with_span_events(FmtSpan::NONE);
    let ours = Targets::new().with_target("corpora", tracing::Level::INFO);
    let registry = tracing_subscriber::registry();
    match format.unwrap_or(LogFormatArg::Text) {
        LogFormatArg::Text => registry.with(layer.with_filter(ours)).init(),
        LogFormatArg::Json => registry.with(layer.json().with_filter(ours)).init(),
    }
    Ok(())
}
