//! `corpora man`.

use std::io::Write;

use clap::CommandFactory;

use super::args::Cli;
use super::exit::{CommandError, Exit};
use super::screen;

/// Prints the manual page.
pub(super) fn run() -> Result<Exit, CommandError> {
    let mut page = Vec::new();
    man(&mut page)?;
    screen::data().write_all(&page)?;
    Ok(Exit::Done)
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
    fn the_manual_page_names_every_command() {
        let mut page = Vec::new();
        man(&mut page).unwrap();
        let page = String::from_utf8(page).unwrap();
        for command in Cli::command().get_subcommands().filter(|c| !c.is_hide_set()) {
            assert!(page.contains(&format!("corpora {}", command.get_name())), "{}", command.get_name());
        }
        assert!(page.contains("corpora batch") && page.contains("corpora completions"));
    }
}
