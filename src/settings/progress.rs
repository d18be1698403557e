//! Display of a run, and the log of its requests.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Settings of what a person sees of a run.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProgressSettings {
    /// Print errors and the summary only.
    #[arg(short, long, env = "CORPORA_QUIET", conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print a line for each document.
    #[arg(short, long, env = "CORPORA_VERBOSE")]
    pub verbose: bool,

    /// How progress is shown on standard error.
    #[arg(long, value_enum, value_name = "HOW", env = "CORPORA_PROGRESS", default_value = "auto")]
    pub progress: Progress,
}

/// Settings of the log of requests.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Remote providers")]
pub(crate) struct LogSettings {
    /// Append a line for each request to this file: times and tokens, no content, no secrets.
    #[arg(long, value_name = "FILE", env = "CORPORA_LOG")]
    pub log: Option<PathBuf>,

    /// How the log is written.
    #[arg(long, value_enum, value_name = "FORMAT", env = "CORPORA_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// Ways to show a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// Bars on a terminal, plain lines elsewhere.
    Auto,
    /// A bar for each stage.
    Bars,
    /// Lines of text.
    Plain,
    /// A JSON object a line.
    Json,
    /// Nothing but errors, and warnings of paid results that go away.
    None,
}

/// Ways to write the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines of text.
    Text,
    /// A JSON object a line.
    Json,
}
