//! The command line of what is done with terms after a run, or with one document: no I/O, no decisions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{FolderArgs, QuietArgs, ReadingArgs};
use crate::settings::{BlocklistSettings, PipelineSettings};

/// Options of `corpora consolidate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora consolidate vocab\n  corpora consolidate vocab --remove-orphans\n\nWrites master.vocab.json (the one before stays as master.vocab.json.bak) by the decisions of decisions.jsonl, and flagged.json,\nthe flagged terms that wait for one.\nOnly vocabulary files that are new or changed are read. The exit code is 75 if some file cannot be used."
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
    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

/// Options of `corpora review`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora review vocab                                  flagged terms, one after the other\n  corpora review vocab --all                            every term, best first\n  corpora review vocab --search wyrm\n  corpora review vocab --rename 'Gloom Eye' 'Dim Eye' --drop 'Ash Choir' --merge Orks Orc\n  corpora review vocab --undo\n  printf 'k\\nr Dim Eye\\nd\\n' | corpora review vocab\n\nKeys: k keep, d drop, r rename, m merge, p split a spelling off, t kind, c category, n note, a all of this flag, s skip, b back,\nu undo, / search, q quit; a line each where standard input is not a terminal, the name after the key.\nDecisions stand in decisions.jsonl beside the master, one a line; 'corpora consolidate' applies them. What is written into\nflagged.json by hand (decision, rename_to, notes) is taken over."
)]
pub(super) struct ReviewArgs {
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Show flagged terms that wait for a decision; so it is without --all and --search.
    #[arg(long, conflicts_with_all = ["all", "search"])]
    pub flagged: bool,
    /// Show every term, best first.
    #[arg(long, conflicts_with = "search")]
    pub all: bool,
    /// Show terms whose name or a spelling holds this text; case and accents count for nothing.
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Show terms again that are decided on.
    #[arg(long)]
    pub decided: bool,
    /// Decisions at once.
    #[command(flatten)]
    pub acts: ReviewActs,
    /// With decisions at once: what was done, as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Decisions that `corpora review` makes without asking.
#[derive(Debug, Args)]
#[command(next_help_heading = "Decisions at once, of terms by their name or a spelling")]
pub(super) struct ReviewActs {
    /// Keep this term.
    #[arg(long, value_name = "TERM")]
    pub keep: Vec<String>,
    /// Leave this term out.
    #[arg(long, value_name = "TERM")]
    pub drop: Vec<String>,
    /// Give this term another name.
    #[arg(long, num_args = 2, value_names = ["TERM", "NAME"])]
    pub rename: Vec<String>,
    /// Make this term a spelling of another one.
    #[arg(long, num_args = 2, value_names = ["TERM", "INTO"])]
    pub merge: Vec<String>,
    /// Make this spelling of a term, as most often in a document, a term of its own.
    #[arg(long, num_args = 2, value_names = ["TERM", "SPELLING"])]
    pub split: Vec<String>,
    /// Give this term another kind; '' for none.
    #[arg(long, num_args = 2, value_names = ["TERM", "KIND"])]
    pub kind: Vec<String>,
    /// Give this term another category; '' for none.
    #[arg(long, num_args = 2, value_names = ["TERM", "CATEGORY"])]
    pub category: Vec<String>,
    /// Write a note to this term; '' takes it back.
    #[arg(long, num_args = 2, value_names = ["TERM", "TEXT"])]
    pub note: Vec<String>,
    /// Take over the decisions of a file in the form of decisions.jsonl; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub take: Option<PathBuf>,
    /// Take back what was decided last, of all terms.
    #[arg(long)]
    pub undo: bool,
    /// Take back what was decided last on this term.
    #[arg(long, value_name = "TERM", conflicts_with = "undo")]
    pub undo_of: Option<String>,
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
    pub reading: ReadingArgs,
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
    pub reading: ReadingArgs,
}

/// Options of `corpora export`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora export vocab --format xlsx -o terms.xlsx\n  corpora export vocab --format csv --top 500 --sort text -o terms.csv\n  corpora export vocab --format jsonl --where \"category = 'creature' AND document_count > 1\"\n  corpora export vocab --format tbx --where \"definition IS NOT NULL\" -o terms.tbx\n  corpora export vocab --format obsidian --top 1000 -o vault\n\n--where is an SQL expression of SQLite over the columns rank, id, text, canonical, pos, category, intent,\nsecondary_intents, genre, mood, energy, tags, axes, confidence, ip_flag, review, definition, document_count,\noccurrence_count, idf, score, sources, variants, renamed_from, conflicts, kind, aliases, sentence, source, section,\npage, chapter, definition_source, definition_from, definition_section, note, fields. Lists and objects are JSON there and in SQLite and\nParquet; in csv and xlsx a list is joined by semicolons."
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
    /// Only the best so many of them.
    #[arg(long, value_name = "N")]
    pub top: Option<u64>,
    /// Order of the terms.
    #[arg(long, value_enum, value_name = "BY", default_value = "rank")]
    pub sort: ExportSortArg,
    /// A row for each place of a term, not for each term (csv, jsonl, parquet).
    #[arg(long)]
    pub occurrences: bool,
    /// Begin CSV with the mark by which Excel knows UTF-8.
    #[arg(long)]
    pub excel: bool,
    /// Leave CSV cells that begin like a formula as they are, for programs that are no spreadsheets.
    #[arg(long)]
    pub formulas: bool,
    /// Language of the terms for tbx and skos, a tag such as `en` or `de-AT` [default: that of most documents].
    #[arg(long, value_name = "TAG", value_parser = language)]
    pub language: Option<String>,
    /// Where to write it: a file, with obsidian a new folder [default: standard output, for formats that are text].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// With --output: what was written, as JSON on standard output.
    #[arg(long, requires = "output")]
    pub json: bool,
    /// How much is said.
    #[command(flatten)]
    pub quiet: QuietArgs,
}

fn language(tag: &str) -> Result<String, String> {
    match crate::engine::is_language_tag(tag) {
        true => Ok(tag.to_owned()),
        false => Err("not a language tag as BCP 47 has it, such as en or de-AT".to_owned()),
    }
}

/// Forms in which `corpora export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormatArg {
    /// Comma-separated values with a header.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// A workbook for spreadsheets: sheets `terms` and `occurrences`.
    Xlsx,
    /// An SQLite database: tables `terms` and `occurrences`, views `term_tags`, `term_axes`, `term_sources`.
    Sqlite,
    /// An Apache Parquet file (only in builds with the feature `parquet`).
    Parquet,
    /// A termbase: TBX-Basic in DCA style, ISO 30042:2019.
    Tbx,
    /// A thesaurus: SKOS in Turtle.
    Skos,
    /// A glossary in Markdown.
    Markdown,
    /// A folder of notes, one a term.
    Obsidian,
    /// Cards to learn, as text that Anki imports.
    Anki,
    /// A journal entry of Foundry Virtual Tabletop, a page a term.
    Foundry,
}

/// Orders of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportSortArg {
    /// Best first.
    Rank,
    /// By name, without case and accents.
    Text,
    /// In most documents first.
    Documents,
    /// Most frequent first.
    Occurrences,
    /// As they come in the books.
    Source,
}

/// Options of `corpora find`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora find 'ember wyrm' vocab\n  corpora find wyrm vocab --context 40 | less -R\n  corpora find wyrm vocab --json | jq -r '.passages[].source' | sort | uniq -c\n\nThe text is that which the last run has read, so books that failed are not in it. Case, accents and white space count for nothing;\na term of the master is looked for under all its spellings. The exit code is 0, also where nothing is found."
)]
pub(super) struct FindArgs {
    /// A term, or any words.
    pub term: String,
    /// The output folder of a run.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Only these words, not the other spellings of the term.
    #[arg(long)]
    pub exactly: bool,
    /// Characters before and after it that are shown [default: what fits the terminal].
    #[arg(long, value_name = "N")]
    pub context: Option<usize>,
    /// Stop after so many passages.
    #[arg(long, value_name = "N")]
    pub most: Option<u64>,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// Options of `corpora diff`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example, two prompts on five books:\n  corpora batch five -o one --pipeline ./mine.toml && corpora consolidate one\n  corpora batch five -o two --pipeline ./other.toml && corpora consolidate two\n  corpora diff one two\n\nTerms are compared by their canonical form: which are only in one of the masters, which went up or down by more than a twentieth of the list,\nand whose definition, kind or category is another. The exit code is 0; with --exit-code it is 1 if a term was added, is gone or says\nanother thing (places alone are no difference)."
)]
pub(super) struct DiffArgs {
    /// An output folder with a master.
    #[arg(value_name = "DIR1")]
    pub one: PathBuf,
    /// Another one.
    #[arg(value_name = "DIR2")]
    pub two: PathBuf,
    /// Terms that are told of each way to differ.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub most: usize,
    /// End with 1 if they differ.
    #[arg(long)]
    pub exit_code: bool,
    /// As JSON on standard output.
    #[arg(long)]
    pub json: bool,
}
