//! Decisions that the command line gives, without a conversation.

use std::io::Read;
use std::path::Path;

use crate::cli::exit::CommandError;
use crate::cli::vocabulary_args::{ReviewActs, ReviewArgs};
use crate::engine::{Desk, Master, decisions};
use crate::stages::consolidate::{Decision, Decisions, Ruling};
use crate::values::Shown;

/// A decision of the word that was typed after the term.
type Making = fn(String) -> Ruling;

/// Outcome of decisions at once.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub decided: u64,
    pub undone: Vec<Decision>,
}

impl ReviewActs {
    /// Test whether there is anything to do without asking.
    pub(super) fn any(&self) -> bool {
        !self.words().is_empty() || self.undo || self.undo_of.is_some() || self.take.is_some()
    }

    /// Terms and what is decided on each, in the words of the person.
    fn words(&self) -> Vec<(&str, Ruling)> {
        let mut all = Vec::new();
        all.extend(self.keep.iter().map(|term| (term.as_str(), Ruling::Keep)));
        all.extend(self.drop.iter().map(|term| (term.as_str(), Ruling::Drop)));
        let pairs: [(&[String], Making); 6] = [
            (&self.rename, Ruling::Rename),
            (&self.merge, Ruling::Merge),
            (&self.split, |spelling| Ruling::Split(spelling, None)),
            (&self.kind, Ruling::Kind),
            (&self.category, Ruling::Category),
            (&self.note, Ruling::Note),
        ];
        for (words, make) in pairs {
            all.extend(words.chunks_exact(2).map(|pair| (pair[0].as_str(), make(pair[1].trim().to_owned()))));
        }
        all
    }
}

/// Carries out what the options say: what is taken back first, then what is decided, as one.
pub(super) fn run(args: &ReviewArgs, desk: &Desk<'_>, master: &mut Master) -> Result<Done, CommandError> {
    let mut done = Done::default();
    let acts = &args.acts;
    if acts.undo || acts.undo_of.is_some() {
        let term = acts.undo_of.as_deref().map(|word| of_decisions(desk, master, word)).transpose()?;
        done.undone = desk.undo(term.as_deref())?.1;
    }
    let mut new = resolved(master, &acts.words())?;
    if let Some(file) = &acts.take {
        new.extend(taken(file)?);
    }
    if !new.is_empty() {
        let before = decisions(desk.folder, desk.now)?.lines().len();
        let after = desk.append(new)?.lines().len();
        done.decided = after.saturating_sub(before) as u64;
    }
    Ok(done)
}

/// The terms of the master that a person means.
pub(super) fn resolved(
    master: &mut Master,
    words: &[(&str, Ruling)],
) -> Result<Vec<(String, String, Ruling)>, CommandError> {
    let into = words.iter().filter_map(|(_, ruling)| match ruling {
        Ruling::Merge(into) => Some(into.as_str()),
        _ => None,
    });
    let all: Vec<&str> = words.iter().map(|(term, _)| *term).chain(into).collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = master.find(&all)?.into_iter().zip(all);
    let mut next = || match found.next() {
        Some((Some(entry), _)) => Ok(entry),
        Some((None, word)) => Err(no_such(word)),
        None => Err(no_such("")),
    };
    let terms = words.iter().map(|_| next()).collect::<Result<Vec<_>, _>>()?;
    let mut new = Vec::new();
    for (entry, (_, ruling)) in terms.into_iter().zip(words) {
        let ruling = match ruling {
            Ruling::Merge(_) => Ruling::Merge(next()?.canonical),
            Ruling::Split(spelling, name) => {
                if !entry.variants.iter().any(|v| v.text == *spelling) {
                    let all: Vec<&str> = entry.variants.iter().map(|v| v.text.as_str()).collect();
                    return Err(CommandError::bad_input(format!(
                        "no document spells '{}' as '{spelling}'; its spellings are {}",
                        Shown(&entry.text),
                        Shown(&all.join(", "))
                    )));
                }
                Ruling::Split(spelling.clone(), name.clone())
            }
            other => other.clone(),
        };
        new.push((entry.canonical, entry.text, ruling));
    }
    Ok(new)
}

fn no_such(word: &str) -> CommandError {
    CommandError::bad_input(format!(
        "the master has no term '{0}'; 'corpora find {1} DIR' looks for what is near it",
        Shown(word),
        crate::cli::command_line::shell_word(word)
    ))
}

/// Comparison form of a term that was decided on; it need not be in the master any more.
fn of_decisions(desk: &Desk<'_>, master: &mut Master, word: &str) -> Result<String, CommandError> {
    let known: Decisions = decisions(desk.folder, desk.now)?;
    let by_name = known.lines().iter().rev().find(|line| line.term == word || line.text == word);
    let found = match by_name {
        Some(line) => Some(line.term.clone()),
        None => master.find(&[word])?.into_iter().flatten().next().map(|entry| entry.canonical),
    };
    found.filter(|term| known.on(term).is_some()).ok_or_else(|| {
        CommandError::bad_input(format!("nothing was decided on '{}', so nothing can be taken back", Shown(word)))
    })
}

/// Decisions of a file in the form of `decisions.jsonl`, or of standard input.
fn taken(file: &Path) -> Result<Vec<(String, String, Ruling)>, CommandError> {
    let mut bytes = Vec::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().lock().read_to_end(&mut bytes),
        _ => std::fs::File::open(file).and_then(|mut opened| opened.read_to_end(&mut bytes)),
    };
    let wrong = |why: String| CommandError::bad_input(format!("'{}': {why}", file.display()));
    read.map_err(|e| wrong(format!("it cannot be read: {e}")))?;
    let lines = Decision::read_all(&bytes).map_err(|e| wrong(e.to_string()))?;
    // Where a file has a history, its newest decisions stand.
    let stands = Decisions::of(lines).map_err(|e| wrong(e.to_string()))?;
    let mut new = stands.lines().to_vec();
    new.retain(|line| stands.in_force(line));
    Ok(new.into_iter().map(|line| (line.term, line.text, line.ruling)).collect())
}
