//! The command line of `corpora bench`: no I/O, no decisions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::settings::{ParseLimitSettings, ParsingSettings, PipelineSettings, ProviderSettings, RemoteSettings};

/// Options of `corpora bench`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora bench books --rpm 1000 --itpm 450000 --otpm 90000     your books, an account's limits, nothing sent\n  corpora bench books --provider local                          without any provider\n  corpora bench books --modes staged,batch --compress 20        twenty simulated minutes a minute\n  corpora bench books --provider openai --model gpt-5-nano --max-cost 2   a real provider, paid for in each run\n\nUnless a provider is named, the simulator answers: no key, no network, no cost. Results: a table on standard output,\nbench.json and bench.svg in the output folder."
)]
pub(super) struct BenchArgs {
    /// Files, folders or patterns, as for `corpora batch`.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// Folder for the results; the runs work below it and are removed.
    #[arg(short, long, value_name = "DIR", default_value = "corpora-bench")]
    pub output: PathBuf,

    /// What is measured against each other, in turns.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "MODES", default_value = "staged,per-document")]
    pub modes: Vec<BenchMode>,

    /// Rounds; of each figure the median counts.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub rounds: usize,

    /// Workers of the per-document mode: what a person would have to guess there.
    #[arg(short, long, value_name = "N", default_value_t = 8)]
    pub workers: usize,

    /// At most this many documents, the first in path order.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// The pipeline.
    #[command(flatten)]
    pub pipeline: PipelineSettings,

    /// A real provider, or `local`; the simulator if none is named here. The model's price is used with the simulator too.
    #[command(flatten)]
    pub provider: ProviderSettings,

    /// Needs of a real provider; the simulator takes the limits.
    #[command(flatten)]
    pub remote: RemoteSettings,

    /// Reading of documents.
    #[command(flatten)]
    pub parsing: ParsingSettings,

    /// Limits of reading them.
    #[command(flatten)]
    pub parse_limits: ParseLimitSettings,

    /// Median latency of the simulator in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 6_000.0)]
    pub latency: f64,

    /// How many times the median one request in a hundred takes.
    #[arg(long, value_name = "TIMES", default_value_t = 6.7)]
    pub latency_spread: f64,

    /// How much faster than the real one the simulator's clock goes: its limits are higher and its latency lower by this.
    #[arg(long, value_name = "TIMES", default_value_t = 1.0)]
    pub compress: f64,
}

/// One of the ways that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BenchMode {
    /// All documents through a stage before the next, requests live under one limiter.
    Staged,
    /// The same with the provider's batch endpoint.
    Batch,
    /// Each worker takes one document through everything and backs off on its own.
    PerDocument,
}

impl BenchMode {
    /// The word for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Batch => "batch",
            Self::PerDocument => "per-document",
        }
    }
}
