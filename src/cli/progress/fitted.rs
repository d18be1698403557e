//! Text that fits into a terminal: lines broken between words, names shortened in their middle.

use crate::cli::paint::is_mark;

/// Columns that a text takes.
pub(in crate::cli) fn columns(text: &str) -> usize {
    text.chars().filter(|c| !is_mark(*c)).count()
}

/// The text in lines of at most `width` columns, broken between words; lines after the first begin `indent` columns further right.
/// A word that fits into no line stands alone in one. Without a width it is one line.
pub(in crate::cli) fn wrapped(text: &str, width: Option<usize>, indent: usize) -> String {
    let Some(width) = width.filter(|width| *width > indent + 10) else { return text.to_owned() };
    let (mut out, mut at) = (String::new(), 0);
    for word in text.split_inclusive(' ') {
        let takes = columns(word.trim_end());
        if at > indent && at + takes > width {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            at = indent;
        }
        out.push_str(word);
        at += columns(word);
    }
    out
}

/// The beginning of a text that takes at most so many columns.
pub(in crate::cli) fn cut(text: &str, most: usize) -> String {
    let mut left = most;
    // Marks stay, because a colour that begins has to end.
    let fits = |c: &char| is_mark(*c) || left.checked_sub(1).map(|rest| left = rest).is_some();
    text.chars().filter(fits).collect()
}

/// Rows that lines of such lengths take beyond one each, on a terminal of so many columns.
pub(in crate::cli) fn broken_rows(lengths: impl IntoIterator<Item = usize>, columns: usize) -> usize {
    lengths.into_iter().map(|length| length.div_ceil(columns.max(1)).saturating_sub(1)).sum()
}

/// A name of at most `most` characters: what is too long lacks its middle, because names differ at their ends.
pub(in crate::cli) fn shortened(name: &str, most: usize) -> String {
    let length = name.chars().count();
    if length <= most || most < 5 {
        return name.to_owned();
    }
    let (begin, end) = ((most - 1) / 2, most - 1 - (most - 1) / 2);
    let begin: String = name.chars().take(begin).collect();
    let end: String = name.chars().skip(length - end).collect();
    format!("{begin}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::paint;

    #[test]
    fn lines_break_between_words_and_go_on_below_their_text() {
        let text = "  failed      3: one of them, another one, and a third";
        assert_eq!(
            wrapped(text, Some(32), 14),
            "  failed      3: one of them,\n              another one, and a\n              third"
        );
        assert_eq!(wrapped(text, None, 14), text);
        let long = format!("a b {} c", "x".repeat(50));
        assert_eq!(wrapped(&long, Some(20), 2), format!("a b\n  {}\n  c", "x".repeat(50)));
    }

    #[test]
    fn colours_take_no_columns() {
        let text = format!("{} two", paint::red("one"));
        assert_eq!(wrapped(&text, Some(18), 2), text);
    }

    #[test]
    fn a_line_that_is_too_long_ends_where_the_terminal_does() {
        assert_eq!((cut("parse 7", 5), cut("größe", 4), cut("x", 0)), ("parse".into(), "größ".into(), String::new()));
        let red = paint::red("3 failed");
        assert_eq!((cut(&red, 8), cut(&red, 3)), (red.clone(), paint::red("3 f")));
        assert_eq!(broken_rows([60, 61, 120, 121, 0], 60), 1 + 1 + 2);
    }

    #[test]
    fn a_name_loses_its_middle() {
        assert_eq!(shortened("a-very-long-name-of-a-book-2.pdf", 15), "a-very-…k-2.pdf");
        assert_eq!(shortened("short.pdf", 15), "short.pdf");
        assert_eq!(shortened("größenordnungen.pdf", 9).chars().count(), 9);
    }
}
