//! The command line of what shows an output folder to people: no I/O, no decisions.

use std::path::PathBuf;

use clap::Args;

use super::args::{FolderArgs, QuietArgs};

/// Options of `corpora report`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora report vocab -o report.html\n  corpora report vocab --top 2000 -o short.html\n\nOne file that holds everything it shows and asks nobody for anything: it can be mailed, and opens from a stick. Equal folders\ngive equal bytes. 'corpora view' shows the same page, with the pages' text, and takes decisions."
)]
pub(super) struct ReportArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Where to write it [default: report.html in the output folder].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Take the best so many terms.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub top: u64,
    /// What was written, as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

/// Options of `corpora view`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora view vocab\n  corpora view vocab --no-open --port 8600\n\nThe address that it prints holds a key: whoever has it may read the folder and decide on its terms until the program ends.\nOnly this machine can reach it, and the page asks nobody else for anything. Decisions stand in decisions.jsonl;\n'corpora consolidate' applies them. It may run while a batch does. Control-C ends it."
)]
pub(super) struct ViewArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Port on this machine [default: any free one].
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub port: u16,
    /// Print the address and open no browser.
    #[arg(long)]
    pub no_open: bool,
}
