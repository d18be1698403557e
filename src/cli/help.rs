//! The help of the program as a whole: its commands by what one wants, not by the alphabet.

/// Template of the help of the program. That every command stands in it is held by a test.
pub(super) const TEMPLATE: &str = "\
{about}

{usage-heading} {usage}

Make:
  batch        Take documents through all stages; a later run goes on where this one ended
               (also called run)
  consolidate  Put the vocabulary files of an output folder together as one vocabulary
  export       Write the terms of an output folder as a table
  gc           Remove results that nothing uses any more
  list         List the files of a folder once, for many machines
  merge        Put the stores of many machines together
  pack         Copy the store of a shard to one file

Look:
  view         The folder in the browser: shelf, terms in their sentences, decisions
  report       The same as one HTML file, to send
  status       How it stands, why it stopped, what it cost, what to type next
  find         Every passage of a term, with book and page
  diff         What two output folders have differently: runs, prompts, models
  show         One document's way through the stages
  parse        The text of one document, or its structure
  extract      What the embedded provider finds in one document
  output       The vocabulary file of one document
  verify       Prove an output folder from inputs to vocabulary files

Decide:
  review       Decide on terms: keep, rename, merge, split, drop, retype, note

Pay:
  cost         What the answers cost, by document and model
  audit        What was sent and what became of it
  batches      Provider batches: how they stand, what they may cost
  wait         Wait until provider batches have ended
  cancel       Ask the provider to stop provider batches

Set up:
  init         Write a settings file for a folder of books, and try it
  rescue       Put what can be read of a broken store into a sound one
  doctor       Try everything that a run needs, and say what to do
  config       Every setting in force and where it came from
  pipelines    The built-in pipelines, or one as a start for your own
  bench        Measure modes against each other on your own books
  simulate     A provider on this machine that costs nothing
  completions  A completion script for a shell
  man          Manual pages
  help         This text, or the help of one command

Options:
{options}{after-help}";

/// Headings of the groups.
#[cfg(test)]
const GROUPS: [&str; 5] = ["Make:", "Look:", "Decide:", "Pay:", "Set up:"];

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{GROUPS, TEMPLATE};
    use crate::cli::args::Cli;

    #[test]
    fn every_command_stands_in_the_help_once() {
        let lines: Vec<&str> = TEMPLATE.lines().collect();
        let named: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()))
            .collect();
        let commands = Cli::command();
        let known: Vec<&str> = commands.get_subcommands().filter(|c| !c.is_hide_set()).map(|c| c.get_name()).collect();
        for name in &known {
            assert_eq!(named.iter().filter(|n| *n == name).count(), 1, "{name}");
        }
        assert_eq!(named.len(), known.len() + 1, "and 'help'");
        assert!(GROUPS.iter().all(|group| lines.contains(group)));
    }
}
