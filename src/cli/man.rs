//! `corpora man`.

use std::io::Write;

use clap::{Command, CommandFactory};

use super::args::{Cli, ManArgs};
use super::exit::{CommandError, Exit};
use super::screen;

/// Prints a manual page, or writes all of them.
pub(super) fn run(args: &ManArgs) -> Result<Exit, CommandError> {
    if let Some(folder) = &args.all {
        let cannot = |e: std::io::Error| {
            CommandError::bad_input(format!("the manual pages cannot be written to '{}': {e}", folder.display()))
        };
        std::fs::create_dir_all(folder).map_err(cannot)?;
        for command in pages() {
            let mut page = Vec::new();
            clap_mangen::Man::new(command.clone()).render(&mut page)?;
            std::fs::write(folder.join(format!("{}.1", command.get_name())), page).map_err(cannot)?;
        }
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    match &args.name {
        None => whole(&mut page)?,
        Some(name) => {
            let wanted = format!("corpora-{name}");
            let Some(command) = pages().into_iter().find(|page| page.get_name() == wanted) else {
                return Err(CommandError::bad_input(format!(
                    "there is no command '{name}'; 'corpora help' lists them"
                )));
            };
            clap_mangen::Man::new(command).render(&mut page)?;
        }
    }
    screen::data().write_all(&page)?;
    Ok(Exit::Done)
}

/// The program, built, without the commands that it starts itself.
fn program() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

fn is_shown(command: &&Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

/// The program and each command, by the names of their pages.
fn pages() -> Vec<Command> {
    let program = program();
    let commands = program.get_subcommands().filter(is_shown).map(|command| {
        let name = format!("corpora-{}", command.get_name());
        command.clone().name(name.clone()).display_name(name)
    });
    std::iter::once(program.clone()).chain(commands).collect()
}

/// One manual page for the program and, after it, each command's own.
fn whole(page: &mut Vec<u8>) -> std::io::Result<()> {
    let command = program();
    clap_mangen::Man::new(command.clone()).render(page)?;
    for sub in command.get_subcommands().filter(is_shown) {
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
    fn the_manual_page_names_every_command() {
        let mut page = Vec::new();
        whole(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for command in Cli::command().get_subcommands().filter(|c| !c.is_hide_set()) {
            assert!(page.contains(&format!("corpora {}", command.get_name())), "{}", command.get_name());
        }
        assert!(page.contains("corpora batch") && page.contains("corpora completions"));
    }

    #[test]
    fn every_command_has_a_page_of_its_own() {
        let names: Vec<String> = pages().iter().map(|page| page.get_name().to_owned()).collect();
        assert!(names.contains(&"corpora".to_owned()) && names.contains(&"corpora-batch".to_owned()), "{names:?}");
        let hidden = Cli::command().get_subcommands().filter(|c| c.is_hide_set()).count();
        assert_eq!(names.len(), Cli::command().get_subcommands().count() - hidden + 1);
    }
}
