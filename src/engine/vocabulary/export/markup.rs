//! Text from books in the languages of exports: whatever it holds, it stays text.

use std::fmt::Write;

/// Text in XML and HTML, also within an attribute. Characters that XML 1.0 does not allow become the replacement character
/// (<https://www.w3.org/TR/xml/#charsets>).
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A literal of Turtle, with its quotes (<https://www.w3.org/TR/turtle/#sec-escapes>). NUL is in no text of RDF.
pub(super) fn turtle(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push('\u{fffd}'),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The last part of an IRI: letters and digits of ASCII stay, everything else is its bytes in hexadecimal.
pub(super) fn iri_part(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

/// Text within a line of Markdown, as CommonMark, GitHub and Obsidian read it: every ASCII punctuation mark that could mean something has a
/// backslash (<https://spec.commonmark.org/0.31.2/#backslash-escapes>), white space is one space.
pub(super) fn markdown(text: &str) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(folded.len());
    let mut rest = folded.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, c)| *c);
        let means = match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '$' | '@' | '^'
            | '!' => true,
            // Marks of lists and of underlined headings, where a line begins; comments of Obsidian; addresses that become links.
            '+' | '-' | '=' => at == 0,
            '%' => next == Some('%'),
            ':' => next == Some('/'),
            '.' => folded[..at].bytes().all(|b| b.is_ascii_digit()) || folded[..at].to_lowercase().ends_with("www"),
            ')' => folded[..at].bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        if means {
            out.push('\\');
        }
        if c.is_control() { out.push('\u{fffd}') } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_markup() {
        assert_eq!(xml("<b a='x'>&\u{1}"), "&lt;b a=&#39;x&#39;&gt;&amp;\u{fffd}");
        assert_eq!(turtle("a\"@en . <x> \\ \n\u{1}\0"), "\"a\\\"@en . <x> \\\\ \\n\\u0001\u{fffd}\"");
        assert_eq!(iri_part("a b/ü>"), "a%20b%2F%C3%BC%3E");
        assert_eq!(markdown("[[x]]  *y*\n# z"), r"\[\[x\]\] \*y\* \# z");
        assert_eq!(markdown("12. a - b"), r"12\. a - b");
        assert_eq!(markdown("- a 1.5 %% http://x www.y"), r"\- a 1.5 \%% http\://x www\.y");
    }
}
