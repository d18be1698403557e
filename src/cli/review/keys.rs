//! Answers of a person: single keys of a terminal, or lines of anything else.

use std::io::{BufRead, IsTerminal, Write};

use crate::cli::exit::CommandError;

/// Answer of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Keep,
    Drop,
    Rename(String),
    Merge(String),
    Split(String),
    Kind(String),
    Category(String),
    Note(String),
    /// The same for every term of the deck that has this one's flag: keep, or drop.
    AllOfFlag(bool),
    Search(String),
    Undo,
    Back,
    Skip,
    Quit,
    Help,
}

/// Line that tells the keys.
pub(super) const HELP: &str =
    "k keep   d drop   r rename   m merge   p split   t kind   c category   n note   a all of this flag
s skip   b back   u undo   / search   q quit";

/// Source of answers. The end of the lines is `q`.
pub(super) struct Keys {
    terminal: bool,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { terminal: std::io::stdin().is_terminal() }
    }

    pub(super) fn answer(&mut self, out: &mut impl Write) -> Result<Answer, CommandError> {
        let (key, rest) = if self.terminal {
            let key = key().map_err(|e| CommandError::bad_input(format!("the terminal gives no keys: {e}")))?;
            writeln!(out, "{key}")?;
            (key, String::new())
        } else {
            let Some(line) = line()? else { return Ok(Answer::Quit) };
            let mut chars = line.trim().chars();
            (chars.next().unwrap_or('?'), chars.as_str().trim().to_owned())
        };
        let (prompt, make): (&str, fn(String) -> Answer) = match key.to_ascii_lowercase() {
            'k' => return Ok(Answer::Keep),
            'd' => return Ok(Answer::Drop),
            's' => return Ok(Answer::Skip),
            'b' => return Ok(Answer::Back),
            'u' => return Ok(Answer::Undo),
            'q' => return Ok(Answer::Quit),
            'r' => ("new name", Answer::Rename),
            'm' => ("into which term", Answer::Merge),
            'p' => ("which spelling is another term", Answer::Split),
            't' => ("kind", Answer::Kind),
            'c' => ("category", Answer::Category),
            'n' => ("note", Answer::Note),
            '/' => ("search", Answer::Search),
            'a' => ("all of this flag: k keep or d drop", |word| all_of_flag(&word)),
            _ => return Ok(Answer::Help),
        };
        if !rest.is_empty() {
            return Ok(make(rest));
        }
        write!(out, "{prompt} > ")?;
        out.flush()?;
        Ok(match line()?.map(|words| words.trim().to_owned()) {
            None => Answer::Quit,
            Some(words) if words.is_empty() => Answer::Help,
            Some(words) => make(words),
        })
    }
}

fn all_of_flag(word: &str) -> Answer {
    match word.to_lowercase().as_str() {
        "k" | "keep" => Answer::AllOfFlag(true),
        "d" | "drop" => Answer::AllOfFlag(false),
        _ => Answer::Help,
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
