//! Places of marks while their text is on its way: white space is folded, hyphens at line ends go, ligatures become letters, so a place
//! is told by how many characters that can be seen stand before it, not by bytes.

use unicode_normalization::char::is_combining_mark;

use corpora_values::{BlockKind, Mark, MarkKind, Span};

/// A marked run of a block's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    pub(super) kind: MarkKind,
    /// Characters before it.
    pub(super) from: usize,
    /// Characters before its end.
    pub(super) to: usize,
}

/// Characters that a text holds, as places count them: the same before and after [`super::build::clean`], and whatever becomes of
/// hyphens.
pub(super) fn characters(text: &str) -> usize {
    text.chars().map(weight).sum()
}

/// Characters that come of one.
pub(super) fn weight(c: char) -> usize {
    match c {
        // What can be told without a table comes first: nearly all text is made of it.
        '-' => 0,
        '!'..='~' => 1,
        '\u{fb00}'..='\u{fb02}' | '\u{fb05}' | '\u{fb06}' => 2,
        '\u{fb03}' | '\u{fb04}' => 3,
        '\u{2010}' | '\u{ad}' | '\u{feff}' | '\u{200b}' => 0,
        // Vowels and ends of Hangul syllables, which compose with what stands before them.
        '\u{1160}'..='\u{11ff}' => 0,
        c if c.is_whitespace() || c.is_control() || is_combining_mark(c) => 0,
        _ => 1,
    }
}

/// Counts for places in bytes: those of the text up to each place. Takes time linear in the text, in whatever order the places are.
pub(super) fn counted(text: &str, places: &[usize]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_unstable_by_key(|&n| places[n]);
    let mut counts = vec![0; places.len()];
    let (mut at, mut count) = (0, 0);
    for n in order {
        let place = text.floor_char_boundary(places[n].min(text.len()));
        count += characters(&text[at..place]);
        at = place;
        counts[n] = count;
    }
    counts
}

/// The marks of a block whose clean text stands at `start`. Marks of nothing are left out.
pub(super) fn placed(text: &str, start: usize, marked: &[Marked]) -> Vec<Mark> {
    if marked.is_empty() {
        return Vec::new();
    }
    let mut wanted: Vec<usize> = marked.iter().flat_map(|mark| [mark.from, mark.to]).collect();
    wanted.sort_unstable();
    wanted.dedup();
    // For each count, the end of the last character before it and the beginning of the first after it.
    let mut ends = vec![text.len(); wanted.len()];
    let mut begins = vec![text.len(); wanted.len()];
    let (mut count, mut next, mut end) = (0, 0, 0);
    for (at, c) in text.char_indices() {
        let weight = weight(c);
        if weight == 0 {
            // Accents that did not compose belong to the letter before them.
            end = if is_combining_mark(c) { at + c.len_utf8() } else { end };
            continue;
        }
        while next < wanted.len() && wanted[next] <= count {
            (ends[next], begins[next]) = (end, at);
            next += 1;
        }
        count += weight;
        end = at + c.len_utf8();
    }
    while next < wanted.len() {
        (ends[next], begins[next]) = (end, text.len());
        next += 1;
    }
    let place = |count: usize| wanted.binary_search(&count).unwrap_or_default();
    let mut marks: Vec<Mark> = marked
        .iter()
        .filter_map(|mark| {
            let (from, to) = with_hyphens(text, begins[place(mark.from)], ends[place(mark.to)]);
            (from < to).then(|| Mark { kind: mark.kind.clone(), span: Span::new(start + from, start + to) })
        })
        .collect();
    marks.sort_by_key(|mark| (mark.span.start, std::cmp::Reverse(mark.span.end)));
    marks
}

/// Longer runs at the beginning of a block are no names.
const LONGEST_NAME: usize = 80;

/// The name with which a block runs in, if its author has set it apart: it stands out, and a full stop, a colon or a dash follows, with
/// text behind it. `marks` are those of the block, whose clean text begins at `start` and ends `text`.
pub(super) fn run_in(kind: BlockKind, text: &str, start: usize, marks: &[Mark]) -> Option<Mark> {
    if !matches!(kind, BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Definition) {
        return None;
    }
    let stands_out = |mark: &&Mark| {
        matches!(mark.kind, MarkKind::Bold | MarkKind::Italic | MarkKind::SmallCaps | MarkKind::Defined)
            && !text[start..mark.span.start as usize].contains(char::is_alphabetic)
    };
    let mark = marks.iter().find(stands_out)?;
    let (from, to) = (mark.span.start as usize, mark.span.end as usize);
    let parts = |c: char| matches!(c, '.' | ':' | '\u{2013}' | '\u{2014}');
    let name = text[from..to].trim_end_matches(|c: char| parts(c) || c.is_whitespace());
    let rest = text[from + name.len()..].trim_start();
    let goes_on = rest.strip_prefix(parts).is_some_and(|rest| rest.trim_start().starts_with(char::is_alphanumeric));
    let is_name = name.len() <= LONGEST_NAME && name.contains(char::is_alphabetic) && goes_on;
    is_name.then(|| Mark { kind: MarkKind::RunIn, span: Span::new(from, from + name.len()) })
}

/// A run with the hyphens at its ends that belong to no other word.
fn with_hyphens(text: &str, from: usize, to: usize) -> (usize, usize) {
    let is_hyphen = |c: char| matches!(c, '-' | '\u{2010}');
    let before = text[..from].trim_end_matches(is_hyphen);
    let after = text[to..].trim_start_matches(is_hyphen);
    (
        if before.is_empty() || before.ends_with(char::is_whitespace) { before.len() } else { from },
        if after.is_empty() || after.starts_with(char::is_whitespace) { text.len() - after.len() } else { to },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::build::clean;

    fn marked_words(raw: &str, from: usize, to: usize) -> Vec<String> {
        let counts = counted(raw, &[from, to]);
        let clean = clean(raw);
        let marked = [Marked { kind: MarkKind::Bold, from: counts[0], to: counts[1] }];
        placed(&clean, 0, &marked).iter().map(|mark| mark.span.of(&clean).to_owned()).collect()
    }

    #[test]
    fn marks_keep_their_words_whatever_becomes_of_the_text_around_them() {
        let raw = "  of\u{ad}ten   e\u{301}ven\n \u{fb01}nding\t the  --posix  lamp";
        let at = |word: &str| (raw.find(word).unwrap(), raw.find(word).unwrap() + word.len());
        for (word, wanted) in [
            ("of\u{ad}ten", "often"),
            ("   e\u{301}ven\n", "\u{e9}ven"),
            ("\u{fb01}nding", "finding"),
            ("--posix", "--posix"),
            ("lamp", "lamp"),
        ] {
            let (from, to) = at(word);
            assert_eq!(marked_words(raw, from, to), [wanted]);
        }
        assert!(marked_words(raw, 0, 2).is_empty());
    }

    proptest! {
        #[test]
        fn cleaning_a_text_changes_no_count(text in "[a-z \\-\u{ad}\u{fb00}-\u{fb06}\u{300}-\u{310}\u{e0}-\u{ff}\u{1100}-\u{11ff}\t\n]{0,40}") {
            prop_assert_eq!(characters(&text), characters(&clean(&text)));
        }
    }
}
