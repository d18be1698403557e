//! The command line of what is done with terms after a run, or with one document: no I/O, no decisions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::FolderArgs;
use crate::settings::{BlocklistSettings, ParsingSettings, PipelineSettings};

/// Options of `corpora consolidate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora consolidate vocab\n  corpora consolidate vocab --remove-orphans\n\nWrites master.vocab.json (the one before stays as master.vocab.json.bak) and flagged.json, the queue of terms to review.\nOnly vocabulary files that are new or changed are read. The exit code is 75 if some file cannot be used."
)]
pub(super) struct ConsolidateArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Remove vocabulary files whose source is gone first; files that somebody has edited stay.
    #[arg(long)]
    pub remove_orphans: bool,
    /// Read every vocabulary file again.
    #[arg(long)]
    pub anew: bool,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Options of `corpora review`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora review vocab\n  printf 'k\\nr Gloom Eye\\nd\\n' | corpora review vocab\n\nKeys: k keep, r rename, d drop, s skip, q quit; a line each where standard input is not a terminal. Decisions stand in\nflagged.json, where they and notes can be edited too; 'corpora consolidate' applies them to the master."
)]
pub(super) struct ReviewArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Show terms again that are decided on.
    #[arg(long)]
    pub all: bool,
}

/// Options of `corpora extract`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora extract book.pdf > book.extract.json\n  corpora parse book.pdf --format json | corpora extract - | corpora output -\n\nNothing is stored and nothing is sent: other providers are asked by 'corpora batch', which keeps what was paid for."
)]
pub(super) struct ExtractArgs {
    /// A document, or what `corpora parse --format json` printed; `-` is standard input.
    pub file: PathBuf,
    /// The pipeline.
    #[command(flatten)]
    pub pipeline: PipelineSettings,
    /// Reading of a document.
    #[command(flatten)]
    pub parsing: ParsingSettings,
}

/// Options of `corpora output`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora output book.pdf > book.vocab.json\n  corpora extract book.pdf --pipeline glossary | corpora output -"
)]
pub(super) struct OutputArgs {
    /// What `corpora extract` or `corpora parse --format json` printed, or a document; `-` is standard input.
    pub file: PathBuf,
    /// The pipeline, if that is still to be done.
    #[command(flatten)]
    pub pipeline: PipelineSettings,
    /// Terms that are flagged.
    #[command(flatten)]
    pub blocklist: BlocklistSettings,
    /// Reading of a document.
    #[command(flatten)]
    pub parsing: ParsingSettings,
}

/// Options of `corpora export`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora export vocab --format csv -o terms.csv\n  corpora export vocab --format jsonl --where \"category = 'creature' AND document_count > 1\"\n  corpora export vocab --format sqlite --where \"axes ->> 'fire' > 0.5\" -o fire.sqlite\n\n--where \"rank <= 500\" takes the best 500. It is an SQL expression of SQLite over the columns rank, id, text, canonical, pos, category, intent,\nsecondary_intents, genre, mood, energy, tags, axes, confidence, ip_flag, review, definition, document_count,\noccurrence_count, idf, score, sources, variants, renamed_from, conflicts, kind, aliases, sentence, source, section, fields. Lists and objects are JSON."
)]
pub(super) struct ExportArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// What to write.
    #[arg(long, value_enum)]
    pub format: ExportFormatArg,
    /// Only terms for which this SQL expression is true.
    #[arg(long = "where", value_name = "SQL")]
    pub filter: Option<String>,
    /// Leave CSV cells that begin like a formula as they are, for programs that are no spreadsheets.
    #[arg(long)]
    pub formulas: bool,
    /// Where to write it [default: standard output, for csv and jsonl].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// With --output: what was written, as JSON on standard output.
    #[arg(long, requires = "output")]
    pub json: bool,
}

/// Forms in which `corpora export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormatArg {
    /// Comma-separated values with a header; lists are joined by semicolons.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// An Apache Parquet file (only in builds with the feature `parquet`).
    Parquet,
    /// An SQLite database: table `terms`, views `term_tags`, `term_axes`, `term_sources`.
    Sqlite,
}
