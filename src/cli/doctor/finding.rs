//! Findings, and the lines in which they are printed.

use std::io::Write;

use crate::cli::{paint, screen};
use crate::values::Shown;

/// Finding about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    Good(String),
    /// Worth knowing, wrong only for some.
    Odd(String),
    Wrong(String),
}

/// Findings on standard output: lines as they come, or JSON at the end.
pub(super) struct Report {
    out: Box<dyn Write>,
    wrong: usize,
    /// Findings so far, where JSON is wanted.
    found: Option<Vec<serde_json::Value>>,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { out: Box::new(screen::out()), wrong: 0, found: json.then(Vec::new) }
    }

    /// Prints a finding about a thing.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub(super) fn tell(&mut self, what: &str, finding: Finding) -> std::io::Result<()> {
        let (mark, word, words) = match finding {
            Finding::Good(words) => (paint::green("ok   "), "ok", words),
            Finding::Odd(words) => (paint::yellow("note "), "note", words),
            Finding::Wrong(words) => {
                self.wrong += 1;
                (paint::red("WRONG"), "wrong", words)
            }
        };
        if let Some(found) = &mut self.found {
            found.push(serde_json::json!({"what": what, "finding": word, "words": words}));
            return Ok(());
        }
        writeln!(self.out, "{mark}  {what:<18} {}", Shown(&words))
    }

    /// Prints a line as it is.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub(super) fn line(&mut self, words: &str) -> std::io::Result<()> {
        if self.found.is_some() {
            return Ok(());
        }
        writeln!(self.out, "{}", Shown(words))
    }

    /// Prints what is printed at the end.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub(super) fn end(&self) -> std::io::Result<()> {
        self.found.as_ref().map_or(Ok(()), screen::print_json)
    }

    /// True if nothing was wrong.
    pub(super) fn is_well(&self) -> bool {
        self.wrong == 0
    }
}
