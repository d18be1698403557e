//! Findings, and the lines in which they are printed.

use std::io::Write;

use crate::cli::screen;
use crate::values::Shown;

/// Finding about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    Good(String),
    /// Worth knowing, wrong only for some.
    Odd(String),
    Wrong(String),
}

/// Lines on standard output, and how many of them tell of something wrong.
pub(super) struct Report {
    out: Box<dyn Write>,
    wrong: usize,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { out: Box::new(screen::out()), wrong: 0 }
    }

    /// Prints a finding about a thing.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub(super) fn tell(&mut self, what: &str, finding: Finding) -> std::io::Result<()> {
        let (mark, words) = match finding {
            Finding::Good(words) => ("ok   ", words),
            Finding::Odd(words) => ("note ", words),
            Finding::Wrong(words) => {
                self.wrong += 1;
                ("WRONG", words)
            }
        };
        writeln!(self.out, "{mark}  {what:<18} {}", Shown(&words))
    }

    /// Prints a line as it is.
    ///
    /// # Errors
    /// If nobody reads any more.
    pub(super) fn line(&mut self, words: &str) -> std::io::Result<()> {
        writeln!(self.out, "{}", Shown(words))
    }

    /// True if nothing was wrong.
    pub(super) fn is_well(&self) -> bool {
        self.wrong == 0
    }
}
