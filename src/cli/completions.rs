//! `corpora completions SHELL`.

use std::io::Write;

use clap::CommandFactory;
use clap::builder::PossibleValuesParser;

use super::args::Cli;
use super::exit::{CommandError, Exit};
use super::screen;
use crate::pipelines::builtin_names;
use crate::remote::{PRESETS, VENDORS};

/// Prints the script.
pub(super) fn run(shell: clap_complete::Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut completed(), "corpora", &mut script);
    screen::data().write_all(&script)?;
    Ok(Exit::Done)
}

/// The command line with the names of providers and pipelines, which the program itself judges later.
fn completed() -> clap::Command {
    let vendors = VENDORS.iter().map(|vendor| vendor.name());
    let providers: Vec<&str> = std::iter::once("local").chain(vendors).chain(PRESETS.iter().map(|p| p.name)).collect();
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|arg| match arg.get_id().as_str() {
            "provider" => arg.value_parser(PossibleValuesParser::new(providers.clone())),
            "pipeline" => arg.value_parser(PossibleValuesParser::new(builtin_names())),
            _ => arg,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_and_pipelines_are_completed() {
        let mut script = Vec::new();
        clap_complete::generate(clap_complete::Shell::Bash, &mut completed(), "corpora", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("glossary") && script.contains("ollama") && script.contains("anthropic"));
    }
}
