//! Text from outside, as it is shown.

use std::fmt::{Display, Formatter, Result};

/// Text that somebody else wrote (a file name, a title, a library's reason, a provider's message, a model's name), shown on one line:
/// what would move a cursor, colour a screen, begin a line or turn the direction of what follows stands escaped, as `\n`, `\x1b` or
/// `\u{202e}`. All other characters stand for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a>(pub &'a str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(acts_on_a_screen) {
            let (plain, from) = rest.split_at(at);
            f.write_str(plain)?;
            let mut chars = from.chars();
            match chars.next() {
                Some('\n') => f.write_str("\\n")?,
                Some('\r') => f.write_str("\\r")?,
                Some('\t') => f.write_str("\\t")?,
                Some(c) if c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c))?,
                Some(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                None => {}
            }
            rest = chars.as_str();
        }
        f.write_str(rest)
    }
}

/// Test whether a character does something to a screen instead of standing on it: control characters, ends of lines and paragraphs,
/// marks of direction (<https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>), tags, which nothing shows, and noncharacters,
/// by which this program paints (<https://www.unicode.org/faq/private_use.html#nonchar1>).
pub fn acts_on_a_screen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_acts_on_a_screen_is_escaped_and_all_else_stands() {
        let shown = |text| Shown(text).to_string();
        assert_eq!(shown("größer/漢字 \\x.pdf"), "größer/漢字 \\x.pdf");
        assert_eq!(shown("a\u{1b}[31m\u{1b}]0;x\u{7}"), "a\\x1b[31m\\x1b]0;x\\x07");
        assert_eq!(shown("bad\nfailed\r\t"), "bad\\nfailed\\r\\t");
        assert_eq!(shown("\u{9b}31m\u{7f}\u{202e}fdp\u{2066}"), "\\u{9b}31m\\x7f\\u{202e}fdp\\u{2066}");
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_acts_on_a_screen(text in any::<String>()) {
            prop_assert!(!Shown(&text).to_string().contains(acts_on_a_screen));
        }
    }
}
