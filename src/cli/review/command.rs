//! The conversation, and the way in.

use std::io::Write;
use std::path::Path;

use super::at_once;
use super::deck::{Choice, Deck};
use super::keys::{Answer, HELP, Keys};
use super::print;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::folder::trusted;
use crate::cli::screen;
use crate::cli::vocabulary_args::ReviewArgs;
use crate::engine::{Desk, Master, decisions, review_queue};
use crate::stages::consolidate::{self, Decision, Decisions, Ruling};
use crate::store::MachineDisk;
use crate::values::{DECISIONS_FILE, MASTER_FILE, Shown, plural};

/// Goes through terms, or does what the options say. Each decision is in the file before the next term is shown.
pub(in crate::cli) fn run(args: &ReviewArgs, holder: &str) -> Result<Exit, CommandError> {
    let folder = trusted(args.folder.existing()?)?;
    let Some(mut master) = Master::open(&folder)? else {
        return Err(CommandError::bad_input(format!(
            "there is no {MASTER_FILE} in '{0}'; 'corpora consolidate {0}' makes it",
            folder.display()
        )));
    };
    let desk = Desk { disk: &MachineDisk, folder: &folder, holder, now: jiff::Timestamp::now() };
    let mut out = screen::err();
    if args.acts.any() {
        let done = at_once::run(args, &desk, &mut master)?;
        let waiting = waiting(&folder, &decisions(&folder, desk.now)?)?;
        if args.json {
            let file = folder.join(DECISIONS_FILE);
            screen::print_json(&serde_json::json!({
                "decided": done.decided, "undone": done.undone, "waiting": waiting, "file": file,
            }))?;
            return Ok(Exit::Done);
        }
        for line in &done.undone {
            writeln!(out, "taken back: {} of {}", Shown(&line.says()), Shown(&line.text))?;
        }
        return end(&mut out, &folder, done.decided, done.undone.len() as u64, waiting);
    }
    let choice = match &args.search {
        Some(words) => Choice::Search(words.clone()),
        None if args.all => Choice::All,
        None => Choice::Flagged,
    };
    let known = decisions(&folder, desk.now)?;
    let deck = Deck::of(&mut master, &choice, &known, args.decided)?;
    let mut review =
        Review { desk, master, decisions: known, deck, shows_decided: args.decided, decided: 0, undone: 0 };
    review.tell_of_deck(&mut out, &choice)?;
    review.go(&mut out)?;
    let waiting = waiting(&folder, &review.decisions)?;
    end(&mut out, &folder, review.decided, review.undone, waiting)
}

/// Flagged terms of the queue that nothing was decided on.
fn waiting(folder: &Path, decisions: &Decisions) -> Result<u64, CommandError> {
    Ok(consolidate::waiting(&review_queue(folder)?, decisions))
}

fn end(out: &mut impl Write, folder: &Path, decided: u64, undone: u64, waiting: u64) -> Result<Exit, CommandError> {
    let taken_back = if undone > 0 { format!(", {undone} taken back") } else { String::new() };
    writeln!(out, "\n{decided} decided{taken_back}, {waiting} waiting")?;
    if decided + undone > 0 {
        writeln!(out, "corpora consolidate {} applies the decisions", folder.display())?;
    }
    Ok(Exit::Done)
}

struct Review<'a> {
    desk: Desk<'a>,
    master: Master,
    decisions: Decisions,
    deck: Deck,
    shows_decided: bool,
    decided: u64,
    undone: u64,
}

impl Review<'_> {
    fn tell_of_deck(&self, out: &mut impl Write, choice: &Choice) -> Result<(), CommandError> {
        if self.deck.cards.is_empty() {
            match choice {
                Choice::Flagged => {
                    writeln!(out, "no flagged term waits; --all goes through every term, --search through some")?;
                }
                Choice::All => writeln!(out, "no term waits; --decided shows those that are decided on")?,
                Choice::Search(words) => writeln!(out, "no term that waits holds '{}'", Shown(words))?,
            }
            return Ok(());
        }
        let flags: Vec<String> =
            self.deck.flags(&self.decisions).iter().map(|(flag, n)| format!("{n} {}", Shown(flag))).collect();
        let flags = if flags.is_empty() { String::new() } else { format!(": {}", flags.join(", ")) };
        writeln!(out, "{}{flags}", plural(self.deck.cards.len() as u64, "term", "terms"))?;
        Ok(())
    }

    fn go(&mut self, out: &mut impl Write) -> Result<(), CommandError> {
        let mut keys = Keys::new();
        while let Some(card) = self.deck.card().cloned() {
            let entry = self.master.at(card.place)?;
            print::term(out, &entry, &self.decisions, (self.deck.at + 1, self.deck.cards.len()))?;
            loop {
                write!(out, "{HELP} > ")?;
                out.flush()?;
                let answer = keys.answer(out)?;
                let ruling = match answer {
                    Answer::Help => continue,
                    Answer::Quit => return Ok(()),
                    Answer::Skip => {
                        self.deck.at += 1;
                        break;
                    }
                    Answer::Back => {
                        self.deck.at = self.deck.at.saturating_sub(1);
                        break;
                    }
                    Answer::Undo => {
                        self.undo(out)?;
                        break;
                    }
                    Answer::Search(words) => {
                        let choice = Choice::Search(words);
                        let deck = Deck::of(&mut self.master, &choice, &self.decisions, true)?;
                        if !deck.cards.is_empty() {
                            (self.deck, self.shows_decided) = (deck, true);
                        }
                        self.tell_of_deck(out, &choice)?;
                        break;
                    }
                    Answer::AllOfFlag(keep) => {
                        self.all_of_flag(out, keep)?;
                        break;
                    }
                    Answer::Keep => Ruling::Keep,
                    Answer::Drop => Ruling::Drop,
                    Answer::Rename(name) => Ruling::Rename(name),
                    Answer::Merge(into) => Ruling::Merge(into),
                    Answer::Split(spelling) => Ruling::Split(spelling, None),
                    Answer::Kind(kind) => Ruling::Kind(kind),
                    Answer::Category(category) => Ruling::Category(category),
                    Answer::Note(note) => Ruling::Note(note),
                };
                // Kinds, notes and spellings leave the term where it is: more may be said of it.
                let ends = matches!(ruling, Ruling::Keep | Ruling::Drop | Ruling::Rename(_) | Ruling::Merge(_));
                match self.decide(&card.canonical, ruling) {
                    Ok(()) if ends => {
                        self.deck.advance(&self.decisions, self.shows_decided);
                        break;
                    }
                    Ok(()) => writeln!(out, "noted")?,
                    Err(refused) if refused.exit == Exit::BadInput => {
                        writeln!(out, "that cannot be: {}", refused.message)?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn decide(&mut self, canonical: &str, ruling: Ruling) -> Result<(), CommandError> {
        let new = at_once::resolved(&mut self.master, &[(canonical, ruling)])?;
        self.append(new)
    }

    fn append(&mut self, new: Vec<(String, String, Ruling)>) -> Result<(), CommandError> {
        let before = self.decisions.lines().len();
        self.desk.now = jiff::Timestamp::now();
        self.decisions = self.desk.append(new)?;
        self.decided += self.decisions.lines().len().saturating_sub(before) as u64;
        Ok(())
    }

    fn all_of_flag(&mut self, out: &mut impl Write, keep: bool) -> Result<(), CommandError> {
        let cards = self.deck.of_this_flag(&self.decisions);
        if cards.is_empty() {
            writeln!(out, "this term has no flag that waits")?;
            return Ok(());
        }
        let ruling = if keep { Ruling::Keep } else { Ruling::Drop };
        let new: Vec<_> =
            cards.into_iter().map(|card| (card.canonical.clone(), card.text.clone(), ruling.clone())).collect();
        writeln!(out, "{}: {}", if keep { "kept" } else { "dropped" }, plural(new.len() as u64, "term", "terms"))?;
        self.append(new)?;
        self.deck.advance(&self.decisions, self.shows_decided);
        Ok(())
    }

    fn undo(&mut self, out: &mut impl Write) -> Result<(), CommandError> {
        let (after, gone): (Decisions, Vec<Decision>) = self.desk.undo(None)?;
        self.decisions = after;
        self.undone += gone.len() as u64;
        if gone.is_empty() {
            writeln!(out, "there is nothing to take back")?;
        }
        for line in &gone {
            writeln!(out, "taken back: {} of {}", Shown(&line.says()), Shown(&line.text))?;
        }
        if let Some(line) = gone.first() {
            self.deck.go_to(&line.term);
        }
        Ok(())
    }
}
