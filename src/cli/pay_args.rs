//! The command line of what is at a provider and what was paid: no I/O, no decisions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{FolderArgs, QuietArgs};
use crate::settings::ConnectionSettings;

/// Options of `corpora batches`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  corpora batches vocab\n  corpora batches vocab --json | jq '.[].state'")]
pub(super) struct BatchesArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Options of `corpora wait` and `corpora cancel`.
#[derive(Debug, Args)]
pub(super) struct WaitArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Only this provider batch, by its token or its id at the provider.
    pub batch: Option<String>,
    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub poll: f64,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
    /// The way to the provider; address and model are known from the run.
    #[command(flatten)]
    pub connection: ConnectionSettings,
}

/// Options of `corpora cost`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora cost vocab\n  corpora cost vocab --format csv > cost.csv\n  corpora cost vocab --format json | jq .total\n\nEach answer is counted once, with the tokens that the provider told. 'Lost' are requests that broke off although the provider\nmay have answered, and billed: at most this much, and never part of the other columns."
)]
pub(super) struct CostArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "table")]
    pub format: CostFormat,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

/// Options of `corpora audit`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora audit vocab\n  corpora audit vocab --json | jq .total\n\nSent is a debit until it is answered, denied by the provider itself, or lost by a person's word. The exit code is 0 if nothing is\nopen, and 75 if something that was sent is not read."
)]
pub(super) struct AuditArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Options of `corpora rescue`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  corpora rescue vocab && corpora batch books -o vocab\n\nFor a store that SQLite finds damaged. What can be read goes into a new one, paid answers first; results are made again by the next\nrun. The broken store is kept beside it, as .corpora/broken-1. The exit code is 0 if everything could be read, 75 if something is lost."
)]
pub(super) struct RescueArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

/// Options of `corpora verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora verify vocab --inputs books\n  corpora verify vocab --manifest > chain.json      for somebody who has the same books\n  corpora verify mine --against chain.json          his own run made the same of them\n\nInputs are held against the content that was read, results and answers against their sums, vocabulary files against what was\nwritten. Nothing is changed. The exit code is 0 if everything is as it was made, and 75 if something is not; each is named."
)]
pub(super) struct VerifyArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Folder of the inputs, if it is not the output folder.
    #[arg(long, value_name = "DIR")]
    pub inputs: Option<PathBuf>,
    /// Print a manifest of the chain from inputs to vocabulary files as JSON, and the findings on standard error.
    #[arg(long)]
    pub manifest: bool,
    /// Compare with a manifest that somebody else made.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// The findings as JSON on standard output.
    #[arg(long, conflicts_with = "manifest")]
    pub json: bool,
    /// How much is said: only what is not as it was made.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

/// Forms in which `corpora cost` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CostFormat {
    /// Columns for people.
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object.
    Json,
}
