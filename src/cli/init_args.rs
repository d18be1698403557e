//! The command line of `corpora init`: no I/O, no decisions.

use std::path::PathBuf;

use clap::Args;

/// Options of `corpora init`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  corpora init\n  corpora init books --yes\n  corpora init books --provider anthropic --model claude-haiku-5-5 --max-cost 5\n\nWrites corpora.toml into the working folder, with a comment on each setting; then runs 'corpora doctor' and 'corpora batch --dry-run'.\nWhat the line does not say is asked where standard input is a terminal."
)]
pub(super) struct InitArgs {
    /// The folder of the books.
    pub books: Option<PathBuf>,
    /// Folder for the results [default: vocab].
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Who answers [default: local].
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// The provider's model.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Address of the provider, where it is not the vendor's own.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// File with the provider's key [default: a variable of the environment].
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Most that everything in the output folder may cost, in dollars.
    #[arg(long, value_name = "DOLLARS")]
    pub max_cost: Option<f64>,
    /// Ask nothing.
    #[arg(short, long)]
    pub yes: bool,
    /// Replace a settings file that is there.
    #[arg(short, long)]
    pub force: bool,
}
