//! Colours of the program's own words: marks in the text, of which a screen makes codes or nothing. The marks are noncharacters, which
//! [`Shown`](crate::values::Shown) escapes in text from outside: only the program paints.

use std::fmt::Display;

use anstream::stream::RawStream;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Reset, Style};

/// End of what is painted.
const END: char = '\u{fdd0}';

const RED: char = '\u{fdd1}';
const YELLOW: char = '\u{fdd2}';
const GREEN: char = '\u{fdd3}';
const BOLD: char = '\u{fdd4}';
const FAINT: char = '\u{fdd5}';

fn painted(mark: char, words: impl Display) -> String {
    format!("{mark}{words}{END}")
}

/// Words about something that went wrong.
pub(super) fn red(words: impl Display) -> String {
    painted(RED, words)
}

/// Words about something to look at.
pub(super) fn yellow(words: impl Display) -> String {
    painted(YELLOW, words)
}

/// Words about something that went well.
pub(super) fn green(words: impl Display) -> String {
    painted(GREEN, words)
}

/// Words that stand out.
pub(super) fn bold(words: impl Display) -> String {
    painted(BOLD, words)
}

/// Words that may be passed over.
pub(super) fn faint(words: impl Display) -> String {
    painted(FAINT, words)
}

/// Test whether a character is a mark, which takes no place in a line.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, END | RED | YELLOW | GREEN | BOLD | FAINT)
}

/// Code of a terminal for a mark.
pub(super) fn code(mark: char) -> String {
    let style = match mark {
        // The bright one: the other is what names from elsewhere plant, so where its code is seen, it got through.
        RED => AnsiColor::BrightRed.on_default(),
        YELLOW => AnsiColor::Yellow.on_default(),
        GREEN => AnsiColor::Green.on_default(),
        BOLD => Style::new().bold(),
        FAINT => Style::new().dimmed(),
        _ => return Reset.render().to_string(),
    };
    style.render().to_string()
}

/// The text with codes for a terminal in the place of its marks, or without them.
pub(super) fn coded(text: &str, colours: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match (is_mark(c), colours) {
            (true, true) => out.push_str(&code(c)),
            (true, false) => {}
            (false, _) => out.push(c),
        }
    }
    out
}

/// Decision of the person, for all streams of this process: always, never, or where it suits.
pub(super) fn choose(choice: ColorChoice) {
    choice.write_global();
}

/// Test whether a stream gets colours: as `--color` says, else NO_COLOR (<https://no-color.org>), CLICOLOR and CLICOLOR_FORCE
/// (<https://bixense.com/clicolors/>), else if it is a terminal that knows them.
pub(super) fn is_on(stream: &impl RawStream) -> bool {
    AutoStream::choice(stream) != ColorChoice::Never
}
