//! The command line, as it is typed: no I/O, no decisions.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::bench_args::BenchArgs;
use super::vocabulary_args::{ConsolidateArgs, ExportArgs, ExtractArgs, OutputArgs, ReviewArgs};
use crate::values::{Mode, Stage};

/// Turn a folder of PDF and EPUB files into vocabulary JSON, in durable stages that are paid for once.
#[derive(Debug, Parser)]
#[command(
    name = "corpora",
    version,
    propagate_version = true,
    after_help = "Examples:\n  corpora batch books -o vocab          all of books/, a .vocab.json for each\n  corpora batch books -o vocab          again: continues, or has nothing to do\n  corpora status vocab                  what is done, waiting, failed\n  corpora help batch                    every option\n\nExit codes: 0 all done, 2 command line, 64 bad input, 65 all failed, 66 no documents,\n70 internal error, 75 partly done (run again), 130 interrupted (run again)."
)]
pub(super) struct Cli {
    /// Read settings from this file instead of `corpora.toml` in the working folder.
    #[arg(long, global = true, value_name = "FILE", env = "CORPORA_CONFIG")]
    pub config: Option<PathBuf>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take documents through all stages; a later run continues where this one ended.
    Batch(Box<BatchArgs>),
    /// Show what is done, waiting and failed in an output folder, and what the next run would do.
    Status(StatusArgs),
    /// Print the text of one document, or its whole structure as JSON.
    Parse(ParseArgs),
    /// Print what the embedded provider finds in one document, as JSON for `corpora output`.
    Extract(ExtractArgs),
    /// Print the vocabulary file of one document.
    Output(OutputArgs),
    /// Write the terms of an output folder as a table: the master's, or the documents' where there is no master.
    Export(ExportArgs),
    /// Show one document's way through the stages.
    Show(ShowArgs),
    /// Remove results that the current settings do not use, and outputs whose source is gone.
    Gc(GcArgs),
    /// List the pipelines that are built in, or print one as a start for your own.
    Pipelines(PipelinesArgs),
    /// List the batches of an output folder: how they stand, their age, what they may cost, when their results go away.
    Batches(BatchesArgs),
    /// Wait until the batches of an output folder have ended at the provider.
    #[command(after_help = "Example:\n  corpora wait vocab && corpora batch books -o vocab --endpoint batch")]
    Wait(WaitArgs),
    /// Ask the provider to stop the batches of an output folder; what is done by then is billed and collected.
    #[command(after_help = "Examples:\n  corpora cancel vocab\n  corpora cancel vocab msgbatch_01abc")]
    Cancel(WaitArgs),
    /// Put the vocabulary files of an output folder together as one master vocabulary.
    Consolidate(ConsolidateArgs),
    /// Go through the flagged terms and decide on them: keep, rename, drop.
    Review(ReviewArgs),
    /// Show what the answers in an output folder cost, by document, stage and model.
    Cost(CostArgs),
    /// Try everything that a run needs, and say what to do where something is wrong.
    Doctor(DoctorArgs),
    /// Measure modes against each other on documents of your own.
    Bench(BenchArgs),
    /// Run a provider that costs nothing: for rehearsals and tests.
    Simulate(SimulateArgs),
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  corpora completions bash > ~/.local/share/bash-completion/completions/corpora")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    #[command(after_help = "Example:\n  corpora man > corpora.1 && man ./corpora.1")]
    Man,
    /// A process that parses documents for a run; started by the program itself.
    #[command(hide = true)]
    ParseWorker {
        /// Limit of its address space in bytes.
        memory: u64,
    },
}

/// Options of `corpora batch`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora batch books                         outputs beside the books, state in books/.corpora\n  corpora batch books more/*.epub -o vocab    several inputs need an output folder\n  corpora batch books -o vocab --dry-run      the plan; nothing is sent or written\n  corpora batch books -o vocab --retry-failed take up what failed\n  corpora batch books -o vocab --stage write  rebuild the files from the store\n\nEvery option can stand in corpora.toml (`workers = 2`) or in the environment (`CORPORA_WORKERS=2`);\nthe command line wins over the environment, that over the file, that over the pipeline's defaults."
)]
pub(super) struct BatchArgs {
    /// Files, folders or patterns ("books/*.pdf").
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// Folder for the results and the state of the run [default: the input folder, if there is one input].
    #[arg(short, long, value_name = "DIR", env = "CORPORA_OUTPUT")]
    pub output: Option<PathBuf>,

    /// Documents worked on at once [default: the number of cores].
    #[arg(short, long, value_name = "N", env = "CORPORA_WORKERS")]
    pub workers: Option<usize>,

    /// Do everything again, whatever is done.
    #[arg(short, long, conflicts_with = "stage")]
    pub force: bool,

    /// Print errors and the summary only.
    #[arg(short, long, env = "CORPORA_QUIET", value_parser = BoolishValueParser::new(), conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print a line for each document.
    #[arg(short, long, env = "CORPORA_VERBOSE", value_parser = BoolishValueParser::new())]
    pub verbose: bool,

    /// Whether all documents go through a stage before the next begins, or each through everything.
    #[arg(long, value_enum, env = "CORPORA_MODE")]
    pub mode: Option<ModeArg>,

    /// Do this stage again for the chosen documents, and what follows from it.
    #[arg(long, value_enum, value_name = "STAGE")]
    pub stage: Option<StageArg>,

    /// With --stage: stop after that stage.
    #[arg(long, requires = "stage", conflicts_with = "until")]
    pub only: bool,

    /// Stop after this stage.
    #[arg(long, value_enum, value_name = "STAGE")]
    pub until: Option<StageArg>,

    /// Take up what failed in an earlier run, and documents whose scanned pages can be read by now.
    #[arg(long)]
    pub retry_failed: bool,

    /// Take at most this many documents, the first in path order.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// Show what would be done and why: parses and chunks what is missing, sends and writes no result.
    #[arg(long)]
    pub dry_run: bool,

    /// The dry run's plan as JSON on standard output.
    #[arg(long, requires = "dry_run")]
    pub json: bool,

    /// What to extract: the name of a built-in pipeline or a pipeline file [default: vocabulary].
    #[arg(long, value_name = "NAME|FILE", env = "CORPORA_PIPELINE")]
    pub pipeline: Option<String>,

    /// Who answers [default: the pipeline's; `local` needs no key and no network].
    #[arg(long, value_name = "NAME", env = "CORPORA_PROVIDER")]
    pub provider: Option<String>,

    /// The provider's model.
    #[arg(long, value_name = "NAME", env = "CORPORA_MODEL")]
    pub model: Option<String>,

    /// Terms of known franchises, to be flagged: a JSON file {"franchise": ["term", ...]}, or `none` [default: the built-in list].
    #[arg(long, value_name = "FILE|none", env = "CORPORA_BLOCKLIST")]
    pub blocklist: Option<PathBuf>,

    /// What a remote provider needs.
    #[command(flatten)]
    pub remote: RemoteArgs,

    /// How its batch endpoint is used.
    #[command(flatten)]
    pub batch: BatchEndpointArgs,

    /// How progress is shown on standard error [default: auto].
    #[arg(long, value_enum, value_name = "HOW", env = "CORPORA_PROGRESS")]
    pub progress: Option<ProgressArg>,

    /// Formats to take from folders: pdf, epub, docx, html, md, txt, or all; a file that you name is taken whatever it is
    /// [default: pdf,epub].
    #[arg(long, value_name = "LIST", env = "CORPORA_FORMATS")]
    pub formats: Option<String>,

    /// Leave folders below the input folders alone.
    #[arg(long, env = "CORPORA_NO_RECURSIVE", value_parser = BoolishValueParser::new())]
    pub no_recursive: bool,

    /// Hash every file again, even if its size and modification time are as known.
    #[arg(long)]
    pub checksum: bool,

    /// How documents are read.
    #[command(flatten)]
    pub parsing: ParsingArgs,

    /// Processor time that parsing one document may take; by the clock it may take four times as long [default: 120].
    #[arg(long, value_name = "SECONDS", env = "CORPORA_PARSE_TIMEOUT")]
    pub parse_timeout: Option<u64>,

    /// Memory that parsing one document may take [default: 1024].
    #[arg(long, value_name = "MIB", env = "CORPORA_PARSE_MEMORY")]
    pub parse_memory: Option<u64>,
}

/// Options about reading documents.
#[derive(Debug, Default, Args)]
pub(super) struct ParsingArgs {
    /// Optical character recognition (by Tesseract): of pages that are pictures, of none, or of all [default: auto].
    #[arg(long, value_enum, value_name = "WHEN", env = "CORPORA_OCR")]
    pub ocr: Option<OcrArg>,

    /// Languages of the recognition, by Tesseract's names: eng+deu [default: eng].
    #[arg(long, value_name = "LANGUAGES", env = "CORPORA_OCR_LANG")]
    pub ocr_lang: Option<String>,

    /// A file with passwords of encrypted documents, one a line; they are stored and shown nowhere.
    #[arg(long, value_name = "FILE", env = "CORPORA_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
}

/// When pages are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OcrArg {
    /// Pages that are pictures.
    Auto,
    /// None.
    Off,
    /// All, whatever text they hold.
    Force,
}

/// Options about a remote provider.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Remote providers")]
pub(super) struct RemoteArgs {
    /// Where the provider is, if not at its own address: a compatible server, a proxy, the simulator.
    #[arg(long, value_name = "URL", env = "CORPORA_BASE_URL")]
    pub base_url: Option<String>,

    /// Version of the provider's interface [default: the one that this program was written for].
    #[arg(long, value_name = "VERSION", env = "CORPORA_API_VERSION")]
    pub api_version: Option<String>,

    /// Allow plain http to another machine: key and books travel unencrypted.
    #[arg(long, env = "CORPORA_ALLOW_HTTP", value_parser = BoolishValueParser::new())]
    pub allow_http: bool,

    /// A file that holds the API key [default: the variable ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY].
    #[arg(long, value_name = "FILE", env = "CORPORA_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Requests a minute [default: as the provider's headers tell].
    #[arg(long, value_name = "N", env = "CORPORA_RPM")]
    pub rpm: Option<u64>,

    /// Input tokens a minute.
    #[arg(long, value_name = "N", env = "CORPORA_ITPM")]
    pub itpm: Option<u64>,

    /// Output tokens a minute.
    #[arg(long, value_name = "N", env = "CORPORA_OTPM")]
    pub otpm: Option<u64>,

    /// Input and output tokens a minute together, where the provider counts them so.
    #[arg(long, value_name = "N", env = "CORPORA_TPM")]
    pub tpm: Option<u64>,

    /// Requests in flight at most; how many there are follows from rate and latency [default: 1024].
    #[arg(long, value_name = "N", env = "CORPORA_IN_FLIGHT")]
    pub in_flight: Option<usize>,

    /// Time that one request may take [default: 300].
    #[arg(long, value_name = "SECONDS", env = "CORPORA_REQUEST_TIMEOUT")]
    pub request_timeout: Option<f64>,

    /// How long to wait for a provider that answers nothing at all [default: 60].
    #[arg(long, value_name = "MINUTES", env = "CORPORA_PATIENCE")]
    pub patience: Option<f64>,

    /// What all answers in the output folder may cost together, in US dollars.
    #[arg(long, value_name = "DOLLARS", env = "CORPORA_MAX_COST")]
    pub max_cost: Option<f64>,

    /// A price table of your own, before the built-in one.
    #[arg(long, value_name = "FILE", env = "CORPORA_PRICES")]
    pub prices: Option<PathBuf>,

    /// Whether documents are asked about while others are still parsed [default: on].
    #[arg(long, value_enum, value_name = "HOW", env = "CORPORA_OVERLAP")]
    pub overlap: Option<OverlapArg>,

    /// What a model is told of a term: a sentence, the chunk in which it stands, or whichever is cheaper [default: auto].
    #[arg(long, value_enum, value_name = "WHAT", env = "CORPORA_CONTEXT")]
    pub context: Option<ContextArg>,

    /// Append a line for each request to this file: times and tokens, no content, no secrets.
    #[arg(long, value_name = "FILE", env = "CORPORA_LOG")]
    pub log: Option<PathBuf>,

    /// How the log is written [default: text].
    #[arg(long, value_enum, value_name = "FORMAT", env = "CORPORA_LOG_FORMAT")]
    pub log_format: Option<LogFormatArg>,
}

/// Options about a provider's batch endpoint.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Batch endpoints")]
pub(super) struct BatchEndpointArgs {
    /// Request by request, through the provider's batch endpoint at half the price, or whichever fits [default: live].
    #[arg(long, value_enum, value_name = "WAY", env = "CORPORA_ENDPOINT")]
    pub endpoint: Option<EndpointArg>,

    /// Leave when all batches are submitted; the same command collects them later.
    #[arg(long)]
    pub detach: bool,

    /// With --endpoint auto: when the answers have to be there, as 07:00 in universal time.
    #[arg(long, value_name = "HH:MM")]
    pub deadline: Option<String>,

    /// Send no request live before the first batch.
    #[arg(long)]
    pub no_probe: bool,

    /// Where what the first batches leave undone is asked [default: batch].
    #[arg(long, value_enum, value_name = "WAY")]
    pub finish: Option<FinishArg>,

    /// Ask again for batches whose fate cannot be found out, or whose results are gone: this may pay twice.
    #[arg(long)]
    pub resubmit: bool,

    /// Requests in one batch at most [default: what the provider takes].
    #[arg(long, value_name = "N", env = "CORPORA_BATCH_REQUESTS")]
    pub batch_requests: Option<u64>,

    /// Bytes of one batch at most [default: what the provider takes].
    #[arg(long, value_name = "N", env = "CORPORA_BATCH_BYTES")]
    pub batch_bytes: Option<u64>,

    /// Prompt tokens enqueued at most, where your account has such a limit.
    #[arg(long, value_name = "N", env = "CORPORA_BATCH_TOKENS")]
    pub batch_tokens: Option<u64>,

    /// Batches at the provider at once at most [default: 100 at Gemini, which takes no more; no limit elsewhere].
    #[arg(long, value_name = "N", env = "CORPORA_BATCHES_IN_FLIGHT")]
    pub batches_in_flight: Option<usize>,

    /// Batches created in an hour at most [default: 2000 at OpenAI, 1500 at Anthropic, no limit elsewhere].
    #[arg(long, value_name = "N", env = "CORPORA_BATCHES_PER_HOUR")]
    pub batches_per_hour: Option<u32>,

    /// Seconds between two looks at a batch, at first; they grow to six times that [default: 10].
    #[arg(long, value_name = "SECONDS", env = "CORPORA_POLL")]
    pub poll: Option<f64>,

    /// Seconds by which the provider's listing of batches may lag behind [default: 30].
    #[arg(long, value_name = "SECONDS", env = "CORPORA_LISTING_LAG")]
    pub listing_lag: Option<f64>,

    /// Die at a named point: for tests of crashes.
    #[cfg(feature = "failpoints")]
    #[arg(long, hide = true, value_name = "POINT")]
    pub crash_at: Option<String>,
}

/// Which endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EndpointArg {
    /// Request by request.
    Live,
    /// A few large batches at half the price.
    Batch,
    /// Batch where there is enough to ask and enough time.
    Auto,
}

/// Where what is left undone is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FinishArg {
    /// In further batches.
    Batch,
    /// Live, at the full price.
    Live,
}

/// What a model is told of a term beside the term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ContextArg {
    /// One sentence for each.
    Candidates,
    /// The chunks in which they stand, each once.
    Chunks,
    /// For each document what takes fewer tokens.
    Auto,
}

/// Whether stages overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OverlapArg {
    /// Where the pipeline allows it.
    On,
    /// Every document is chunked before the first is asked about.
    Off,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormatArg {
    /// Lines of text.
    Text,
    /// A JSON object a line.
    Json,
}

/// Options of `corpora status`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora status vocab\n  corpora status vocab --failed\n  corpora status vocab --json | jq .stages"
)]
pub(super) struct StatusArgs {
    /// The output folder of a run.
    pub dir: PathBuf,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// List only what failed.
    #[arg(long)]
    pub failed: bool,
}

/// Options of `corpora parse`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora parse book.pdf | less          pages are separated by form feeds\n  corpora parse book.epub --format json  sections, blocks and metadata too"
)]
pub(super) struct ParseArgs {
    /// A PDF, EPUB, DOCX, HTML, Markdown or text file.
    pub file: PathBuf,
    /// What to print.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ParseFormat,
    /// How it is read.
    #[command(flatten)]
    pub parsing: ParsingArgs,
}

/// What `corpora parse` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ParseFormat {
    /// The text; form feeds separate pages or chapters.
    Text,
    /// Text, sections, blocks and metadata.
    Json,
}

/// Options of `corpora show`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora show vocab shelf/book.pdf\n  corpora show vocab book.pdf      the end of a path will do, and so will the start of a content hash"
)]
pub(super) struct ShowArgs {
    /// The output folder of a run.
    pub dir: PathBuf,
    /// The document: its path below the input root, the end of that path, or the start of its content hash.
    pub document: String,
}

/// Options of `corpora gc`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  corpora gc vocab --dry-run\n  corpora gc vocab")]
pub(super) struct GcArgs {
    /// The output folder of a run.
    pub dir: PathBuf,
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `corpora pipelines`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora pipelines\n  corpora pipelines vocabulary > mine.toml\n  corpora batch books -o vocab --pipeline mine.toml"
)]
pub(super) struct PipelinesArgs {
    /// Print this one, with prompt and schema inside it, as a file of its own.
    pub name: Option<String>,
}

/// Options of `corpora batches`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  corpora batches vocab\n  corpora batches vocab --json | jq '.[].state'")]
pub(super) struct BatchesArgs {
    /// The output folder of a run.
    pub dir: PathBuf,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Options of `corpora wait` and `corpora cancel`.
#[derive(Debug, Args)]
pub(super) struct WaitArgs {
    /// The output folder of a run.
    pub dir: PathBuf,
    /// Only this batch, by its token or its id at the provider.
    pub batch: Option<String>,
    /// Seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub poll: f64,
    /// How the provider is reached; address and model are known from the run.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Options of `corpora cost`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora cost vocab\n  corpora cost vocab --format csv > cost.csv\n  corpora cost vocab --format json | jq .total\n\nEach answer is counted once, with the tokens that the provider told. 'Lost' are requests that broke off although the provider\nmay have answered, and billed: at most this much, and never part of the other columns."
)]
pub(super) struct CostArgs {
    /// The output folder of a run.
    pub dir: PathBuf,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "table")]
    pub format: CostFormat,
}

/// How `corpora cost` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CostFormat {
    /// Columns for people.
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object.
    Json,
}

/// Options of `corpora doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora doctor\n  corpora doctor vocab --provider anthropic --model claude-haiku-5-5\n  corpora doctor --provider openai --model llama-4 --base-url http://localhost:11434/v1\n\nWith a remote provider, one tiny request is sent. The exit code is 0 if nothing is wrong, 64 if something is."
)]
pub(super) struct DoctorArgs {
    /// An output folder to look at.
    pub dir: Option<PathBuf>,
    /// What to extract: the pipeline whose schema is tried.
    #[arg(long, value_name = "NAME|FILE", env = "CORPORA_PIPELINE")]
    pub pipeline: Option<String>,
    /// Who is to be asked.
    #[arg(long, value_name = "NAME", env = "CORPORA_PROVIDER")]
    pub provider: Option<String>,
    /// The provider's model.
    #[arg(long, value_name = "NAME", env = "CORPORA_MODEL")]
    pub model: Option<String>,
    /// What a remote provider needs.
    #[command(flatten)]
    pub remote: RemoteArgs,
}

/// Limits of an account.
#[derive(Debug, Args)]
pub(super) struct LimitArgs {
    /// Requests admitted in a minute.
    #[arg(long, value_name = "N")]
    pub rpm: Option<f64>,
    /// Input tokens admitted in a minute.
    #[arg(long, value_name = "N")]
    pub itpm: Option<f64>,
    /// Output tokens admitted in a minute.
    #[arg(long, value_name = "N")]
    pub otpm: Option<f64>,
    /// Input and output tokens together admitted in a minute.
    #[arg(long, value_name = "N")]
    pub tpm: Option<f64>,
}

/// Options of `corpora simulate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora simulate --port 8080 --rpm 600\n  corpora batch books -o rehearsal --pipeline glossary --provider anthropic --model any --base-url http://127.0.0.1:8080\n\nIt speaks Anthropic Messages, OpenAI Chat Completions and Responses, and Gemini generateContent on one port, prints its\naddress on standard output and runs until Ctrl-C. What was asked stands under /__simulator/journal and /__simulator/counters.\nA configuration file holds latency, faults by rate and by script, models and keys: see docs/simulator.md."
)]
pub(super) struct SimulateArgs {
    /// Port on 127.0.0.1; 0 for any free one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// A TOML file with everything that the simulator can be told.
    #[arg(long, value_name = "FILE")]
    pub behavior: Option<PathBuf>,
    /// Limits of the provider that is simulated.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// How much faster than the real clock its own goes.
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<f64>,
    /// Median latency in milliseconds of its clock.
    #[arg(long, value_name = "MS")]
    pub latency: Option<f64>,
    /// A file with one term a line: answers are these terms, where the text holds them.
    #[arg(long, value_name = "FILE")]
    pub oracle: Option<PathBuf>,
    /// Append every request to this file, as a line of JSON.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

/// A stage that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StageArg {
    /// Read the text.
    Parse,
    /// Cut it into chunks.
    Chunk,
    /// Find the items.
    Extract,
    /// Write the files.
    Write,
}

impl From<StageArg> for Stage {
    fn from(stage: StageArg) -> Self {
        match stage {
            StageArg::Parse => Self::Parse,
            StageArg::Chunk => Self::Chunk,
            StageArg::Extract => Self::Extract,
            StageArg::Write => Self::Write,
        }
    }
}

/// A mode that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeArg {
    /// All documents through one stage, then the next.
    Staged,
    /// Each worker takes one document through everything.
    PerDocument,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Staged => Self::Staged,
            ModeArg::PerDocument => Self::PerDocument,
        }
    }
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressArg {
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
