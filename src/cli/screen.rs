//! The one way to standard output and standard error. What is for people goes through a [`Screen`]: whatever books, files, providers and
//! libraries are called or say, no character of theirs reaches a terminal or a log that would act on it.

use std::fs::File;
use std::io::{IsTerminal, Result, Stderr, Stdout, StdoutLock, Write};

use super::paint::{self, is_mark};
use crate::settings::LogFormat;
use crate::values::acts_on_a_screen;

/// Lines for people on standard output.
pub(super) fn out() -> Screen<Stdout> {
    Screen::new(std::io::stdout(), Form::Lines { colours: paint::is_on(&std::io::stdout()) })
}

/// Lines for people on standard error.
pub(super) fn err() -> Screen<Stderr> {
    Screen::new(std::io::stderr(), Form::Lines { colours: paint::is_on(&std::io::stderr()) })
}

/// Lines on standard error about what was done, which nobody misses who wants to hear of errors and warnings alone.
pub(super) fn notes(quiet: bool) -> Box<dyn Write> {
    if quiet { Box::new(std::io::sink()) } else { Box::new(err()) }
}

/// JSON on standard output.
pub(super) fn json() -> Screen<Stdout> {
    Screen::new(std::io::stdout(), Form::Json)
}

/// Prints a value as JSON on standard output.
///
/// # Errors
/// If nobody reads it.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let mut out = std::io::BufWriter::new(json());
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    out.flush()
}

/// JSON on standard error.
pub(super) fn json_err() -> Screen<Stderr> {
    Screen::new(std::io::stderr(), Form::Json)
}

/// A log of such lines.
pub(super) fn log(file: File, format: LogFormat) -> Screen<File> {
    Screen::new(
        file,
        match format {
            LogFormat::Text => Form::Lines { colours: false },
            LogFormat::Json => Form::Json,
        },
    )
}

/// Standard output for results that go to programs and files as they are: a document's text, tables, scripts.
pub(super) fn data() -> StdoutLock<'static> {
    std::io::stdout().lock()
}

/// True if somebody sits before standard error.
pub(super) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Test whether standard error shows colours.
pub(super) fn shows_colours() -> bool {
    paint::is_on(&std::io::stderr())
}

/// Columns of the terminal that standard error is, if it is one.
pub(super) fn width() -> Option<usize> {
    columns(std::io::stderr())
}

/// Columns of the terminal that standard output is, if it is one.
pub(super) fn out_width() -> Option<usize> {
    columns(std::io::stdout())
}

/// Columns and rows of the terminal that standard error is; those of an old screen, if it is none.
pub(super) fn size() -> (u16, u16) {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or((80, 24), |size| (size.ws_col, size.ws_row))
}

/// Standard error for what is drawn: codes for the terminal, and words that are screened before.
pub(super) type Drawing = Stderr;

/// See [`Drawing`].
pub(super) fn drawing() -> Drawing {
    std::io::stderr()
}

fn columns(stream: impl std::os::fd::AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Rings the bell of the terminal, if standard error is one.
pub(super) fn ring() {
    if is_watched() {
        let _ = std::io::stderr().write_all(b"\x07");
    }
}

/// Puts words that change into the line of the terminal that the cursor is in.
pub(super) fn in_place(words: &str) {
    let words: String = words.chars().filter(|c| !acts_on_a_screen(*c)).collect();
    // A line that cannot be shown must not stop the work.
    let _ = write!(std::io::stderr(), "\r{words:<30}\r");
}

/// Erases that many rows of the terminal above the cursor, and all below it.
pub(super) fn erase_above(rows: usize) {
    if rows > 0 && is_watched() {
        let _ = write!(std::io::stderr(), "\r\x1b[{rows}A\x1b[J");
    }
}

/// Forms in which characters that act on a screen are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As [`Shown`](crate::values::Shown) does; ends of lines and tabs are the program's own, and so are marks of [`paint`].
    Lines {
        /// True if marks become colours; else they are left out.
        colours: bool,
    },
    /// As JSON does: they stand in its strings alone.
    Json,
}

/// A writer that lets no character through that acts on a screen, but ends of lines and tabs.
pub(super) struct Screen<W: Write> {
    to: W,
    form: Form,
    /// Bytes of a character that is not whole yet.
    begun: Vec<u8>,
}

impl<W: Write> Screen<W> {
    fn new(to: W, form: Form) -> Self {
        Self { to, form, begun: Vec::new() }
    }

    fn show(&mut self, text: &str) -> Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(|c| acts_on_a_screen(c) && !matches!(c, '\n' | '\t')) {
            let (plain, from) = rest.split_at(at);
            self.to.write_all(plain.as_bytes())?;
            let mut chars = from.chars();
            let escaped = chars.next().map_or_else(String::new, |c| self.form.escaped(c));
            self.to.write_all(escaped.as_bytes())?;
            rest = chars.as_str();
        }
        self.to.write_all(rest.as_bytes())
    }
}

impl Form {
    fn escaped(self, c: char) -> String {
        match self {
            Self::Lines { colours: true } if is_mark(c) => paint::code(c),
            Self::Lines { colours: false } if is_mark(c) => String::new(),
            Self::Lines { .. } => crate::values::Shown(c.encode_utf8(&mut [0; 4])).to_string(),
            Self::Json => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        }
    }
}

impl<W: Write> Write for Screen<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut rest = &all[..];
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.show(text)?;
                    break;
                }
                Err(e) => {
                    let (text, wrong) = rest.split_at(e.valid_up_to());
                    self.show(&String::from_utf8_lossy(text))?;
                    let Some(length) = e.error_len() else {
                        self.begun = wrong.to_vec();
                        break;
                    };
                    self.show("\u{fffd}")?;
                    rest = &wrong[length..];
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(form: Form, pieces: &[&[u8]]) -> String {
        let mut screen = Screen::new(Vec::new(), form);
        pieces.iter().for_each(|piece| screen.write_all(piece).unwrap());
        String::from_utf8(screen.to).unwrap()
    }

    #[test]
    fn lines_stay_lines_and_nothing_else_acts() {
        const LINES: Form = Form::Lines { colours: false };
        assert_eq!(shown(LINES, &[b"a\tb\nc\x1b[31m\r\x07"]), "a\tb\nc\\x1b[31m\\r\\x07");
        assert_eq!(shown(LINES, &["ä\u{9b}\u{202e}".as_bytes()]), "ä\\u{9b}\\u{202e}");
        assert_eq!(shown(LINES, &[b"\xc3", b"\xa4\xc2", b"\x9b\xff."]), "ä\\u{9b}\u{fffd}.");
    }

    #[test]
    fn the_program_paints_and_text_from_outside_does_not() {
        let words = format!("{} {}", paint::red("failed"), crate::values::Shown(&paint::red("planted")));
        assert_eq!(shown(Form::Lines { colours: false }, &[words.as_bytes()]), "failed \\u{fdd1}planted\\u{fdd0}");
        let painted = shown(Form::Lines { colours: true }, &[words.as_bytes()]);
        assert_eq!(painted, "\u{1b}[91mfailed\u{1b}[0m \\u{fdd1}planted\\u{fdd0}");
    }

    #[test]
    fn json_says_the_same_to_whoever_reads_it() {
        let text = "a\u{7f}\u{9b}\u{202e}\u{e0041}\n";
        let json = serde_json::to_string(text).unwrap();
        let escaped = shown(Form::Json, &[json.as_bytes()]);
        assert!(!escaped.contains(acts_on_a_screen), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }
}
