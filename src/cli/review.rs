//! `corpora review DIR`.

use std::io::{BufRead, IsTerminal, Write};

use super::exit::{CommandError, Exit};
use super::folder::trusted;
use super::screen;
use super::vocabulary_args::ReviewArgs;
use crate::engine::{ReviewLock, review_queue, write_queue};
use crate::stages::consolidate::Decisions;
use crate::store::MachineDisk;
use crate::values::{Decision, REVIEW_FILE, ReviewEntry, ReviewQueue};

/// Answer of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Decide(Decision, Option<String>),
    Skip,
    Quit,
    Help,
}

const HELP: &str = "k keep   r rename   d drop   s skip   q quit";

/// Goes through the terms that wait for a decision. Each decision is in the file before the next term is shown.
pub(super) fn run(args: &ReviewArgs, holder: &str) -> Result<Exit, CommandError> {
    let folder = trusted(args.folder.existing()?)?;
    if !folder.join(REVIEW_FILE).exists() {
        return Err(CommandError::bad_input(format!(
            "there is no {REVIEW_FILE} in '{0}'; 'corpora consolidate {0}' makes it",
            folder.display()
        )));
    }
    let _lock = ReviewLock::take(&folder, holder)?;
    let (mut queue, _) = review_queue(&folder)?;
    let open = |e: &ReviewEntry| e.flag.is_some() && (args.all || e.decision.is_none());
    let waiting: Vec<usize> = (0..queue.entries.len()).filter(|&n| open(&queue.entries[n])).collect();
    let mut out = screen::err();
    let mut keys = Keys::new();
    let mut decided = 0;
    'terms: for (place, &n) in (1..).zip(&waiting) {
        show(&mut out, &queue.entries[n], place, waiting.len())?;
        loop {
            write!(out, "{HELP} > ")?;
            out.flush()?;
            match keys.answer(&mut out)? {
                Answer::Help => {}
                Answer::Skip => break,
                Answer::Quit => break 'terms,
                Answer::Decide(decision, name) => match decide(&queue, n, decision, name) {
                    Ok(changed) => {
                        write_queue(&MachineDisk, &folder, &changed)?;
                        queue = changed;
                        decided += 1;
                        break;
                    }
                    Err(reason) => writeln!(out, "that cannot be: {reason}")?,
                },
            }
        }
    }
    let left = queue.entries.iter().filter(|e| e.flag.is_some() && e.decision.is_none()).count();
    writeln!(out, "\n{decided} decided, {left} waiting")?;
    if decided > 0 {
        writeln!(out, "corpora consolidate {} applies the decisions", folder.display())?;
    }
    Ok(Exit::Done)
}

/// The queue with one more decision, if it contradicts no other.
fn decide(queue: &ReviewQueue, n: usize, decision: Decision, name: Option<String>) -> Result<ReviewQueue, String> {
    let mut changed = queue.clone();
    let entry = &mut changed.entries[n];
    (entry.decision, entry.rename_to) = (Some(decision), name);
    Decisions::of(&changed)?;
    Ok(changed)
}

fn show(out: &mut impl Write, entry: &ReviewEntry, place: usize, of: usize) -> std::io::Result<()> {
    writeln!(out, "\n[{place}/{of}] {}   {}", entry.text, entry.flag.as_deref().unwrap_or(""))?;
    if let Some(category) = &entry.category {
        writeln!(out, "    {category}")?;
    }
    if let Some(words) = entry.definition.as_ref().or(entry.sentence.as_ref()) {
        writeln!(out, "    {words}")?;
    }
    writeln!(out, "    in {} documents: {}", entry.document_count, entry.sources.join(", "))?;
    if let Some(notes) = entry.notes.as_ref().filter(|n| !n.is_empty()) {
        writeln!(out, "    notes: {notes}")?;
    }
    if let Some(decision) = entry.decision {
        writeln!(out, "    decided: {} {}", decision.name(), entry.rename_to.as_deref().unwrap_or(""))?;
    }
    Ok(())
}

/// Source of answers: single keys of a terminal, or lines of anything else. The end of the lines is `q`.
struct Keys {
    terminal: bool,
}

impl Keys {
    fn new() -> Self {
        Self { terminal: std::io::stdin().is_terminal() }
    }

    fn answer(&mut self, out: &mut impl Write) -> Result<Answer, CommandError> {
        let (key, rest) = if self.terminal {
            let key = key().map_err(|e| CommandError::bad_input(format!("the terminal gives no keys: {e}")))?;
            writeln!(out, "{key}")?;
            (key, String::new())
        } else {
            let Some(line) = line()? else { return Ok(Answer::Quit) };
            let mut chars = line.trim().chars();
            (chars.next().unwrap_or('?'), chars.as_str().trim().to_owned())
        };
        Ok(match key.to_ascii_lowercase() {
            'k' => Answer::Decide(Decision::Keep, None),
            'd' => Answer::Decide(Decision::Drop, None),
            's' => Answer::Skip,
            'q' => Answer::Quit,
            'r' if !rest.is_empty() => Answer::Decide(Decision::Rename, Some(rest)),
            'r' => {
                write!(out, "new name > ")?;
                out.flush()?;
                match line()?.map(|name| name.trim().to_owned()) {
                    None => Answer::Quit,
                    Some(name) if name.is_empty() => Answer::Help,
                    Some(name) => Answer::Decide(Decision::Rename, Some(name)),
                }
            }
            _ => Answer::Help,
        })
    }
}

/// The next line; none at the end.
fn line() -> Result<Option<String>, CommandError> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    let read = read.map_err(|e| CommandError::bad_input(format!("the answers cannot be read: {e}")))?;
    Ok((read > 0).then_some(line))
}

/// One key, without the Enter key; the terminal is as before when this returns. Ctrl-C and Ctrl-D are `q`.
fn key() -> std::io::Result<char> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let terminal = std::io::stdin();
    let before = tcgetattr(&terminal)?;
    let mut single = before.clone();
    single.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
    tcsetattr(&terminal, OptionalActions::Now, &single)?;
    let mut byte = [0];
    // Straight from the descriptor: a buffer would swallow the name that is typed next.
    let read = rustix::io::read(&terminal, &mut byte);
    tcsetattr(&terminal, OptionalActions::Now, &before)?;
    Ok(match (read?, byte[0]) {
        (0, _) | (_, 3 | 4) => 'q',
        (_, byte) => char::from(byte),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_that_contradicts_another_is_not_taken() {
        let entry = |canonical: &str, decision| ReviewEntry {
            canonical: canonical.into(),
            text: canonical.into(),
            flag: Some("blocklist:x".into()),
            category: None,
            definition: None,
            sentence: None,
            document_count: 1,
            sources: vec![],
            decision,
            rename_to: None,
            notes: None,
        };
        let queue =
            ReviewQueue { schema_version: 1, entries: vec![entry("orc", None), entry("tusker", Some(Decision::Drop))] };
        assert!(decide(&queue, 0, Decision::Rename, Some("Tuskers".into())).unwrap_err().contains("drop of 'tusker'"));
        let taken = decide(&queue, 0, Decision::Rename, Some("Gruffs".into())).unwrap();
        assert_eq!(taken.entries[0].decision, Some(Decision::Rename));
    }
}
