//! The terminal on which bars are drawn.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use crate::cli::screen;

/// A terminal on which each line of indicatif's is a line of its own.
///
/// indicatif fills a line with spaces to the edge, so that what it writes next begins a new row
/// (<https://docs.rs/indicatif/0.18.6/src/indicatif/draw_target.rs.html>). A terminal takes all of that for one long line, and breaks it anew, words and
/// spaces, when its width changes. Here such spaces become an end of line, which is written when something follows.
pub(super) struct Terminal<W: Write>(Arc<Mutex<State<W>>>);

impl<W: Write> Clone for Terminal<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct State<W> {
    to: W,
    /// Bytes that wait for the next flush, so that nobody sees half of a frame.
    waiting: Vec<u8>,
    /// True after a line whose end is not written yet.
    at_end: bool,
}

impl<W: Write> Terminal<W> {
    pub(super) fn new(to: W) -> Self {
        Self(Arc::new(Mutex::new(State { to, waiting: Vec::new(), at_end: false })))
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the line in which the cursor is, if anything stands there: what others write begins a line.
    pub(super) fn end_line(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.at_end) {
            state.waiting.push(b'\n');
            // A bar that cannot be shown must not stop the work.
            let _ = state.flush();
        }
    }

    fn moved(&self, code: std::fmt::Arguments<'_>) -> Result<()> {
        let mut state = self.state();
        state.at_end = false;
        state.waiting.write_fmt(code)
    }
}

impl<W: Write> State<W> {
    fn flush(&mut self) -> Result<()> {
        self.to.write_all(&std::mem::take(&mut self.waiting))?;
        self.to.flush()
    }
}

impl<W: Write> std::fmt::Debug for Terminal<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Terminal")
    }
}

impl<W: Write + Send> TermLike for Terminal<W> {
    fn width(&self) -> u16 {
        screen::size().0
    }

    fn height(&self) -> u16 {
        screen::size().1
    }

    fn move_cursor_up(&self, rows: usize) -> Result<()> {
        match rows {
            0 => Ok(()),
            rows => self.moved(format_args!("\x1b[{rows}A")),
        }
    }

    fn move_cursor_down(&self, rows: usize) -> Result<()> {
        match rows {
            0 => Ok(()),
            rows => self.moved(format_args!("\x1b[{rows}B")),
        }
    }

    fn move_cursor_right(&self, columns: usize) -> Result<()> {
        self.moved(format_args!("\x1b[{columns}C"))
    }

    fn move_cursor_left(&self, columns: usize) -> Result<()> {
        self.moved(format_args!("\x1b[{columns}D"))
    }

    fn write_line(&self, text: &str) -> Result<()> {
        self.write_str(text)?;
        self.moved(format_args!("\n"))
    }

    fn write_str(&self, text: &str) -> Result<()> {
        let mut state = self.state();
        let is_filler = text.bytes().all(|byte| byte == b' ');
        if is_filler && !state.at_end {
            state.at_end = true;
            state.waiting.extend_from_slice(b"\x1b[K");
            return Ok(());
        }
        if std::mem::take(&mut state.at_end) {
            state.waiting.push(b'\n');
        }
        if !is_filler {
            state.waiting.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }

    fn clear_line(&self) -> Result<()> {
        self.moved(format_args!("\r\x1b[2K"))
    }

    fn flush(&self) -> Result<()> {
        self.state().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written, once the terminal is gone.
    fn written(terminal: &Terminal<Vec<u8>>) -> String {
        String::from_utf8(terminal.state().to.clone()).unwrap()
    }

    #[test]
    fn lines_end_where_their_words_do_and_the_cursor_stays_in_the_last() {
        let terminal = Terminal::new(Vec::new());
        let frame = |lines: &[&str]| {
            for line in lines {
                terminal.write_str(line).unwrap();
                terminal.write_str(&" ".repeat(60 - line.len())).unwrap();
            }
            terminal.flush().unwrap();
        };
        frame(&["parse 7", &"x".repeat(60), "write"]);
        let first = format!("parse 7\x1b[K\n{}\x1b[K\nwrite\x1b[K", "x".repeat(60));
        assert_eq!(written(&terminal), first);
        terminal.move_cursor_up(2).unwrap();
        terminal.write_str("\r").unwrap();
        frame(&["parse 8", "write"]);
        let second = format!("{first}\x1b[2A\rparse 8\x1b[K\nwrite\x1b[K");
        assert_eq!(written(&terminal), second);
        terminal.end_line();
        terminal.end_line();
        assert_eq!(written(&terminal), format!("{second}\n"));
    }
}
