//! `corpora completions SHELL`.

use std::io::Write;

use clap::CommandFactory;

use super::args::Cli;
use super::exit::{CommandError, Exit};
use super::screen;

/// Prints the script.
pub(super) fn run(shell: clap_complete::Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "corpora", &mut script);
    screen::data().write_all(&script)?;
    Ok(Exit::Done)
}
