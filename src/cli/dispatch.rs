//! The way in: settings are read once, the command runs, its end becomes the exit code.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory;

use super::args::{Cli, Colours, Command};
use super::exit::{CommandError, Exit};
use super::folder::holder;
use super::screen;
use super::{
    audit, batch, batches, bench, cancel, completions, config, consolidate, cost, diff, doctor, export, extract, find,
    gc, init, list, man, merge, output, paint, parse, pipelines, rescue, review, show, simulate, status, verify, view,
    wait,
};
use crate::settings::{Loaded, SettingsError, Sources, load, unknown_variables};

/// Runs the program on the process's own arguments and environment, to its exit code.
pub fn run() -> ExitCode {
    close_to_others();
    let line: Vec<OsString> = std::env::args_os().collect();
    let Loaded { cli, sources } = match load::<Cli>(&line, &|name| std::env::var_os(name)) {
        Ok(loaded) => loaded,
        Err(SettingsError::Parser(error)) => {
            // A reader that has left is no reason to end otherwise.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
        Err(error) => return ended(Err(error.into())),
    };
    std::panic::set_hook(Box::new(|info| {
        // A worker's panic becomes that document's failure; anything else is ours to confess.
        let thread = std::thread::current();
        if !thread.name().is_some_and(|name| name.starts_with("worker-")) {
            let _ = writeln!(screen::err(), "corpora: internal error: {info}; please report this");
        }
    }));
    ended(std::panic::catch_unwind(|| dispatch(cli, &sources)).unwrap_or(Ok(Exit::Internal)))
}

fn ended(outcome: Result<Exit, CommandError>) -> ExitCode {
    match outcome {
        Ok(exit) => exit.into(),
        Err(CommandError { exit, message }) => {
            if !message.is_empty() {
                let _ = writeln!(screen::err(), "corpora: {message}");
            }
            exit.into()
        }
    }
}

fn dispatch(cli: Cli, sources: &Sources) -> Result<Exit, CommandError> {
    paint::choose(match cli.color {
        Colours::Auto => anstream::ColorChoice::Auto,
        Colours::Always => anstream::ColorChoice::Always,
        Colours::Never => anstream::ColorChoice::Never,
    });
    if !matches!(cli.command, Command::ParseWorker { .. } | Command::RunOcr { .. }) {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for message in unknown_variables(names, &Cli::command()) {
            writeln!(screen::err(), "corpora: {message}")?;
        }
    }
    match cli.command {
        Command::Batch(args) => batch::run(&args, sources),
        Command::Status(args) => status::run(&args),
        Command::Parse(args) => parse::run(&args),
        Command::Extract(args) => extract::run(&args),
        Command::Output(args) => output::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Find(args) => find::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Gc(args) => gc::run(&args, &holder("corpora gc")),
        Command::Pipelines(args) => pipelines::run(&args),
        Command::Batches(args) => batches::run(&args),
        Command::Report(args) => view::run_report(&args),
        Command::View(args) => view::run_view(&args),
        Command::Wait(args) => wait::run(&args, sources),
        Command::Cancel(args) => cancel::run(&args, sources),
        Command::List(args) => list::run(&args),
        Command::Merge(args) => merge::run(&args, &holder("corpora merge")),
        Command::Pack(args) => merge::pack(&args),
        Command::Consolidate(args) => consolidate::run(&args, &holder("corpora consolidate")),
        Command::Review(args) => review::run(&args, &holder("corpora review")),
        Command::Cost(args) => cost::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Rescue(args) => rescue::run(&args, &holder("corpora rescue")),
        Command::Doctor(args) => doctor::run(&args, sources),
        Command::Config(args) => config::run(&args, sources),
        Command::Bench(args) => bench::run(&args, sources),
        Command::Simulate(args) => simulate::run(&args),
        Command::Completions { shell } => completions::run(shell),
        Command::Man(args) => man::run(&args),
        Command::RunOcr { program, arguments } => Err(run_ocr(&program, &arguments)),
        Command::ParseWorker { memory } => {
            crate::engine::serve_parse_worker(memory)?;
            Ok(Exit::Done)
        }
    }
}

/// Becomes Tesseract, after it has told the system to end it with the process that asked: a run that is killed kills its workers, and
/// these what they wait for.
fn run_ocr(program: &Path, arguments: &[OsString]) -> CommandError {
    use std::os::unix::process::CommandExt;
    #[cfg(target_os = "linux")]
    if let Err(e) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)) {
        return CommandError {
            exit: Exit::Internal,
            message: format!("the recognition cannot be bound to its run: {e}"),
        };
    }
    let error = std::process::Command::new(program).args(arguments).exec();
    CommandError { exit: Exit::Internal, message: format!("'{}' cannot be started: {error}", program.display()) }
}

/// Keeps other processes of the same user from reading this one's memory and environment, in which keys stand, and the system from writing
/// them to a core file: <https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html>.
fn close_to_others() {
    #[cfg(target_os = "linux")]
    {
        // Where it is not allowed, things are as for every other program.
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    }
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
    fn a_misspelt_variable_names_the_right_one() {
        let names = ["CORPORA_WORKER", "CORPORA_MODE", "PATH"].map(String::from);
        let messages = unknown_variables(names.into_iter(), &Cli::command());
        assert_eq!(messages.len(), 1);
        assert!(messages[0].ends_with("did you mean CORPORA_WORKERS?"), "{messages:?}");
    }
}
