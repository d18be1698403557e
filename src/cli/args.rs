//! The command line, as it is typed: no I/O, no decisions.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::bench_args::BenchArgs;
use super::init_args::InitArgs;
use super::look_args::{ReportArgs, ViewArgs};
use super::pay_args::{AuditArgs, BatchesArgs, CostArgs, RescueArgs, VerifyArgs, WaitArgs};
use super::vocabulary_args::{ConsolidateArgs, DiffArgs, ExportArgs, ExtractArgs, FindArgs, OutputArgs, ReviewArgs};
use crate::settings::{
    AllSettings, ParseLimitSettings, ParsingSettings, PipelineSettings, ProviderSettings, RemoteSettings,
};

/// The version, with the commit where whoever built the program told it.
fn version() -> String {
    match option_env!("CORPORA_COMMIT") {
        Some(commit) if !commit.is_empty() => format!("{} ({commit})", env!("CARGO_PKG_VERSION")),
        _ => env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Turn a folder of PDF and EPUB files into vocabulary JSON, in durable stages that are paid for once.
#[derive(Debug, Parser)]
#[command(
    name = "corpora",
    version = version(),
    propagate_version = true,
    help_template = super::help::TEMPLATE,
    after_help = "Examples:\n  corpora batch books -o vocab          all of books/, a .vocab.json for each\n  corpora batch books -o vocab          again: continues, or has nothing to do\n  corpora status vocab                  what is done, waiting, failed\n  corpora help batch                    every option\n\nExit codes: 0 all done or left at the provider as told, 2 command line, 64 bad input, 65 all failed, 66 no documents,\n70 internal error, 75 partly done (run again), 130 interrupted (run again)."
)]
pub(super) struct Cli {
    /// Read settings from this file instead of `corpora.toml` in the working folder.
    #[arg(long, global = true, value_name = "FILE", env = "CORPORA_CONFIG")]
    pub config: Option<PathBuf>,

    /// Take the settings of this name, `[settings.NAME]` in the settings file, before the others there.
    #[arg(long, global = true, value_name = "NAME", env = "CORPORA_SETTINGS")]
    pub settings: Option<String>,

    /// When to use colours.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Times at which colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Colours {
    /// On a terminal that knows them, unless NO_COLOR is set.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Take documents through all stages; a later run continues where this one ended.
    #[command(visible_alias = "run")]
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
    /// Print every passage of a term in the documents that a run has read, with book and page, whatever its spelling.
    Find(FindArgs),
    /// Say what the masters of two output folders have differently: of two runs, two prompts, two models.
    Diff(DiffArgs),
    /// Write one HTML file that shows what an output folder holds: books, terms in their sentences, what failed, what it cost.
    Report(ReportArgs),
    /// Show an output folder in the browser, while a run goes on or after it, and decide on its terms there.
    View(ViewArgs),
    /// Remove results that the current settings do not use, and outputs whose source is gone.
    Gc(GcArgs),
    /// List the pipelines that are built in, or print one as a start for your own.
    Pipelines(PipelinesArgs),
    /// List the provider batches of an output folder: how they stand, their age, what they may cost, when their results go away.
    Batches(BatchesArgs),
    /// Wait until the provider batches of an output folder have ended.
    #[command(after_help = "Example:\n  corpora wait vocab && corpora batch books -o vocab --endpoint batch")]
    Wait(WaitArgs),
    /// Ask the provider to stop the provider batches of an output folder; what is done by then is billed and collected.
    #[command(after_help = "Examples:\n  corpora cancel vocab\n  corpora cancel vocab msgbatch_01abc")]
    Cancel(WaitArgs),
    /// List the files of a folder once, for many machines that share the work.
    #[command(
        after_help = "Examples:\n  corpora list books -o books.list                for --files of every shard\n  corpora list books -o books.list --shards 64    gives each file to a shard, by bytes"
    )]
    List(ListArgs),
    /// Put the stores of shards together in one output folder, where the ordinary command goes on.
    #[command(
        after_help = "Examples:\n  corpora batch books --shard 0/4 --until chunk -o shards/0    on each of four machines\n  corpora merge vocab shards/* && corpora batch books -o vocab\n\nExit codes: 0 merged, 64 these do not belong together, 69 shards are missing (nothing is changed)."
    )]
    Merge(MergeArgs),
    /// Copy the store of a shard to one file as it is at this moment, while a run goes on or after it.
    #[command(
        after_help = "Example:\n  corpora pack shards/3 -o 3.pack\n  corpora batch books --shard 3/16 --until chunk -o elsewhere --from-pack 3.pack"
    )]
    Pack(PackArgs),
    /// Put the vocabulary files of an output folder together as one master vocabulary.
    Consolidate(ConsolidateArgs),
    /// Decide on terms, one after the other or at once: keep, rename, merge, split, drop, retype, note.
    Review(ReviewArgs),
    /// Show what the answers in an output folder cost, by document, stage and model.
    Cost(CostArgs),
    /// Show what was sent and what became of it, by provider batch and in sum: answered, denied, open, owed, lost.
    Audit(AuditArgs),
    /// Write a settings file for a folder of books, try what it says, and show what a run would do.
    Init(InitArgs),
    /// Prove an output folder from inputs to vocabulary files, and say what is not as it was made.
    Verify(VerifyArgs),
    /// Put what can be read of a broken store into a sound one, paid answers first.
    Rescue(RescueArgs),
    /// Try everything that a run needs, and say what to do where something is wrong.
    Doctor(Box<DoctorArgs>),
    /// Print every setting in force and where it came from: command line, environment, file, pipeline or default.
    Config(Box<ConfigArgs>),
    /// Measure modes against each other on documents of your own.
    Bench(Box<BenchArgs>),
    /// Run a provider that costs nothing: for rehearsals and tests.
    Simulate(SimulateArgs),
    /// Print a completion script for a shell.
    #[command(after_help = "Example:\n  corpora completions bash > ~/.local/share/bash-completion/completions/corpora")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program or of one command, or write all of them.
    #[command(
        after_help = "Examples:\n  corpora man > corpora.1 && man ./corpora.1\n  corpora man batch | man -l -\n  corpora man --all ~/.local/share/man/man1"
    )]
    Man(ManArgs),
    /// A recognition of one page that ends with the process that asked for it; started by the program itself.
    #[command(hide = true)]
    RunOcr {
        /// Tesseract.
        program: PathBuf,
        /// What it is told.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// A process that parses documents for a run; started by the program itself.
    #[command(hide = true)]
    ParseWorker {
        /// Limit of its address space in bytes.
        memory: u64,
    },
}

/// Options of `corpora man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The command whose page is printed [default: the program's own page, with all commands].
    pub name: Option<String>,
    /// Write a page for the program and one for each command into this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "name")]
    pub all: Option<PathBuf>,
}

/// Options of `corpora batch`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora batch books                         outputs beside the books, state in books/.corpora\n  corpora batch books more/*.epub -o vocab    several inputs need an output folder\n  corpora batch books -o vocab --dry-run      the plan; nothing is sent or written\n  corpora batch books -o vocab --retry-failed take up what failed\n  corpora batch books -o vocab --stage write  rebuild the files from the store\n\nEvery option can stand in corpora.toml (`workers = 2`) or in the environment (`CORPORA_WORKERS=2`);\nthe command line wins over the environment, that over the file, that over the pipeline's defaults.\nA switch that is on there is taken back by `--force=false`. `corpora config` shows what is in force and why."
)]
pub(super) struct BatchArgs {
    /// Files, folders or patterns ("books/*.pdf").
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// Everything else.
    #[command(flatten)]
    pub settings: AllSettings,
}

/// Options of `corpora list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The input folder.
    pub input: PathBuf,

    /// Where to write the list [default: standard output].
    #[arg(short, long, value_name = "LIST")]
    pub output: Option<PathBuf>,

    /// Give each file to one of so many shards, so that these have about as many bytes; without it the hash of a path decides.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub shards: Option<u32>,

    /// Leave folders below the input folder alone.
    #[arg(long)]
    pub no_recursive: bool,

    /// With --output: what was listed, as JSON on standard output.
    #[arg(long, requires = "output")]
    pub json: bool,

    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

/// Options of `corpora merge`.
#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// The output folder; it is made if it is missing.
    #[arg(value_name = "OUT")]
    pub output: PathBuf,

    /// Folders and packs of shards, in any order; several attempts of one shard are put together.
    #[arg(required = true, value_name = "SHARD")]
    pub shards: Vec<PathBuf>,

    /// Merge what is there although shards are missing or were interrupted.
    #[arg(long)]
    pub partial: bool,

    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,

    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

/// Options of `corpora pack`.
#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// The output folder of a shard.
    #[arg(value_name = "SHARD")]
    pub shard: PathBuf,

    /// The file to write; one that is there is replaced.
    #[arg(short, long, value_name = "PACK")]
    pub output: PathBuf,

    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,

    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

/// Options of `corpora config`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora config\n  corpora config --ocr off --format json | jq .settings.ocr\n  corpora config --format toml > corpora.toml\n  corpora config --allow corpora.toml\n\nTakes every option of 'corpora batch', to see what would come of it. Keys are not shown, nor read: only where they are."
)]
pub(super) struct ConfigArgs {
    /// How it is printed.
    #[arg(long, value_enum, default_value = "table")]
    pub format: ConfigFormat,

    /// Allow, once: a settings file as it is now, although nobody names it, or an output folder that another user made.
    #[arg(long, value_name = "PATH")]
    pub allow: Option<PathBuf>,

    /// The options of `corpora batch`.
    #[command(flatten)]
    pub settings: AllSettings,
}

/// Forms in which `corpora config` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ConfigFormat {
    /// Columns for people.
    Table,
    /// A settings file.
    Toml,
    /// One JSON object.
    Json,
}

/// The output folder of a run, as most commands take it.
#[derive(Debug, Args)]
pub(super) struct FolderArgs {
    /// The output folder of a run [default: `output` of the environment or of corpora.toml].
    #[arg(value_name = "DIR", env = "CORPORA_OUTPUT")]
    pub dir: Option<PathBuf>,
}

/// Silence of a command that does one thing and says what came of it.
#[derive(Debug, Args)]
pub(super) struct QuietArgs {
    /// Say nothing but errors and warnings.
    #[arg(short, long, env = "CORPORA_QUIET")]
    pub quiet: bool,
}

/// Options of `corpora status`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora status vocab\n  corpora status vocab --failed\n  corpora status vocab --json | jq .stages"
)]
pub(super) struct StatusArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
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
    after_help = "Examples:\n  corpora parse book.pdf | less          pages are separated by form feeds\n  corpora parse book.epub --format json  sections, blocks and metadata too\n  jq -c . <<< '\"book.pdf\"' | corpora parse --lines"
)]
pub(super) struct ParseArgs {
    /// A PDF, EPUB, DOCX, HTML, Markdown or text file.
    #[arg(required_unless_present = "lines")]
    pub file: Option<PathBuf>,
    /// What to print.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ParseFormat,
    /// For programs: each line of standard input is a path as a JSON string, and is answered by a line of JSON with `document`, as --format json has it, or `error`.
    #[arg(long, conflicts_with_all = ["file", "format"])]
    pub lines: bool,
    /// Reading of the document.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// Options of reading one document.
#[derive(Debug, Args)]
pub(super) struct ReadingArgs {
    /// Reading of a document.
    #[command(flatten)]
    pub parsing: ParsingSettings,
    /// The process that reads it.
    #[command(flatten)]
    pub limits: ParseLimitSettings,
}

/// Forms in which `corpora parse` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ParseFormat {
    /// The text; form feeds separate pages or chapters.
    Text,
    /// Text, sections, blocks and metadata.
    Json,
    /// Headings, lists, tables, code and definitions as Markdown has them, without running heads and feet.
    Markdown,
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
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Options of `corpora gc`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  corpora gc vocab --dry-run\n  corpora gc vocab")]
pub(super) struct GcArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

/// Options of `corpora pipelines`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora pipelines\n  corpora pipelines vocabulary > mine.toml\n  corpora batch books -o vocab --pipeline mine.toml"
)]
pub(super) struct PipelinesArgs {
    /// Print this one, with prompt and schema inside it, as a file of its own.
    pub name: Option<String>,
    /// The list as JSON on standard output.
    #[arg(long, conflicts_with = "name")]
    pub json: bool,
}

/// Options of `corpora doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora doctor\n  corpora doctor vocab --provider anthropic --model claude-haiku-5-5\n  corpora doctor --provider openai --model llama-4 --base-url http://localhost:11434/v1\n\nWith a remote provider, a few tiny requests are sent. The exit code is 0 if nothing is wrong, 64 if something is."
)]
pub(super) struct DoctorArgs {
    /// An output folder to look at [default: `output` of the environment or of corpora.toml].
    #[arg(value_name = "DIR", env = "CORPORA_OUTPUT")]
    pub dir: Option<PathBuf>,
    /// Find the settings that suit the server with a handful of requests, and write them to corpora.toml if there is none.
    #[arg(long)]
    pub tune: bool,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// The pipeline whose schema is tried.
    #[command(flatten)]
    pub pipeline: PipelineSettings,
    /// The provider that is asked.
    #[command(flatten)]
    pub provider: ProviderSettings,
    /// Needs of a remote provider.
    #[command(flatten)]
    pub remote: RemoteSettings,
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
