//! The edge: the command line, the terminal, the environment, signals. One file per command.

mod args;
mod batch;
mod batches;
mod bench;
mod bench_args;
mod blocklist;
mod config;
mod consolidate;
mod cost;
mod doctor;
mod exit;
mod export;
mod gc;
mod log;
mod parse;
mod parsing;
mod pipelines;
mod progress;
mod remote;
mod review;
mod saved;
mod show;
mod signals;
mod simulate;
mod single;
mod status;
mod vocabulary_args;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::args::{Cli, Command};
use self::exit::{CommandError, Exit};

/// Runs the program on the process's own arguments and says how it ended.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    std::panic::set_hook(Box::new(|info| {
        // A worker's panic becomes that document's failure; anything else is ours to confess.
        let thread = std::thread::current();
        if !thread.name().is_some_and(|name| name.starts_with("worker-")) {
            let _ = writeln!(std::io::stderr(), "corpora: internal error: {info}; please report this");
        }
    }));
    let outcome = std::panic::catch_unwind(|| dispatch(cli)).unwrap_or(Ok(Exit::Internal));
    match outcome {
        Ok(exit) => exit.into(),
        Err(CommandError { exit, message }) => {
            if !message.is_empty() {
                let _ = writeln!(std::io::stderr(), "corpora: {message}");
            }
            exit.into()
        }
    }
}

fn dispatch(cli: Cli) -> Result<Exit, CommandError> {
    match cli.command {
        Command::Batch(args) => batch::run(*args, cli.config.as_deref()),
        Command::Status(args) => status::run(&args),
        Command::Parse(args) => parse::run(args, cli.config.as_deref()),
        Command::Extract(args) => single::extract(&args),
        Command::Output(args) => single::output(&args),
        Command::Export(args) => export::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Gc(args) => gc::run(&args, &batch::holder("corpora gc")),
        Command::Pipelines(args) => pipelines::run(&args),
        Command::Batches(args) => batches::list(&args),
        Command::Wait(args) => batches::wait(&args),
        Command::Cancel(args) => batches::cancel(&args),
        Command::Consolidate(args) => consolidate::run(&args, &batch::holder("corpora consolidate")),
        Command::Review(args) => review::run(&args, &batch::holder("corpora review")),
        Command::Cost(args) => cost::run(&args),
        Command::Doctor(args) => doctor::run(args, cli.config.as_deref()),
        Command::Bench(args) => bench::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "corpora", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(Exit::Done)
        }
        Command::Man => {
            let mut page = Vec::new();
            man(&mut page)?;
            std::io::stdout().write_all(&page)?;
            Ok(Exit::Done)
        }
        Command::ParseWorker { memory } => {
            crate::engine::serve_parse_worker(memory)?;
            Ok(Exit::Done)
        }
    }
}

/// A folder that was given and is there.
fn existing_folder(dir: &Path) -> Result<PathBuf, CommandError> {
    match dir.is_dir() {
        true => Ok(dir.to_path_buf()),
        false => {
            Err(CommandError::bad_input(format!("'{}' is no folder; give the output folder of a run", dir.display())))
        }
    }
}

/// One manual page for the program and, after it, each command's own.
fn man(page: &mut Vec<u8>) -> std::io::Result<()> {
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(page)?;
    for sub in command.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        let man = clap_mangen::Man::new(sub.clone());
        writeln!(page, ".SH COMMAND: corpora {}", sub.get_name())?;
        man.render_description_section(page)?;
        man.render_options_section(page)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_and_batch_has_examples() {
        for command in Cli::command().get_subcommands().filter(|c| !c.is_hide_set()) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
        }
        let mut help = Cli::command();
        let batch = help.find_subcommand_mut("batch").unwrap().render_long_help().to_string();
        assert!(batch.contains("Examples:"));
    }

    #[test]
    fn the_manual_page_names_every_command() {
        let mut page = Vec::new();
        man(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for name in [
            "batch",
            "status",
            "parse",
            "show",
            "gc",
            "pipelines",
            "batches",
            "wait",
            "cancel",
            "extract",
            "output",
            "export",
            "consolidate",
            "review",
            "cost",
            "doctor",
            "bench",
            "simulate",
            "completions",
        ] {
            assert!(page.contains(&format!("corpora {name}")), "{name}");
        }
    }
}
