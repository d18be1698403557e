//! Sentence ends in any script, without a dictionary.

use corpora_values::Span;

/// Marks that end a sentence wherever they stand, because their scripts put no space after them or use them for
/// nothing else: CJK full-width marks, Arabic question mark and full stop, Devanagari dandas, Armenian, Ethiopic,
/// Khmer, Burmese and Tibetan full stops (Unicode property `Sentence_Terminal`, ambiguous ASCII marks left out).
fn ends_anywhere(c: char) -> bool {
    matches!(
        c,
        '。' | '！'
            | '？'
            | '．'
            | '｡'
            | '؟'
            | '۔'
            | '।'
            | '॥'
            | '։'
            | '።'
            | '፧'
            | '។'
            | '៕'
            | '။'
            | '།'
            | '‼'
            | '⁇'
            | '⁈'
            | '⁉'
    )
}

/// Marks that end a sentence only before white space or the end of the text.
fn ends_before_space(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…')
}

/// Closing quotes and brackets that still belong to the sentence before them.
fn closes(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | ')'
            | ']'
            | '}'
            | '”'
            | '’'
            | '»'
            | '›'
            | '」'
            | '』'
            | '）'
            | '】'
            | '》'
            | '〉'
            | '〕'
            | '*'
            | '_'
    )
}

/// Words before a full stop that seldom end a sentence. Lowercase, without the stop.
const ABBREVIATIONS: &[&str] = &[
    "al", "approx", "art", "bzw", "ca", "cf", "ch", "dr", "ed", "eds", "e.g", "eq", "etc", "fig", "figs", "gen", "i.e",
    "jr", "lt", "mr", "mrs", "ms", "mt", "no", "nos", "p", "pp", "prof", "ref", "refs", "rev", "sec", "sr", "st",
    "vol", "vols", "vs", "z.b",
];

/// Test whether a lowercase word is an abbreviation after which a full stop seldom ends a sentence.
pub(crate) fn is_abbreviation(word: &str) -> bool {
    ABBREVIATIONS.contains(&word)
}

/// Test whether the word that ends at byte `end` of `text` (where a full stop stands) is an abbreviation or an initial.
fn abbreviated(text: &str, end: usize) -> bool {
    let head = &text[..end];
    let start = head
        .char_indices()
        .rev()
        .take(8)
        .take_while(|(_, c)| c.is_alphanumeric() || *c == '.')
        .last()
        .map_or(end, |(i, _)| i);
    let word = &head[start..];
    let mut letters = word.chars();
    match (letters.next(), letters.next()) {
        (Some(only), None) => only.is_uppercase() && only != 'I',
        _ => {
            let folded = word.to_lowercase();
            is_abbreviation(&folded)
        }
    }
}

/// Test whether a sentence ends right before byte `at` of `text`: a terminal mark stands there, perhaps with closing
/// quotes or brackets after it, and what follows can begin a sentence. The cut falls before the white space.
///
/// Looks at no more than a few characters on either side.
///
/// # Panics
/// If `at` is no character boundary of `text`.
pub fn is_sentence_end(text: &str, at: usize) -> bool {
    let after = &text[at..];
    let next = after.chars().next();
    if next.is_some_and(|c| closes(c) && c != '\'' && c != '’') {
        return false;
    }
    let mut mark_end = at;
    for (i, c) in text[..at].char_indices().rev().take(4) {
        if ends_anywhere(c) {
            return next.is_none_or(|n| !ends_anywhere(n));
        }
        if ends_before_space(c) {
            let Some(next) = next else { return true };
            if !next.is_whitespace() {
                return false;
            }
            let begins = after.chars().take(16).find(|c| !c.is_whitespace());
            if begins.is_some_and(char::is_lowercase) {
                return false;
            }
            return c != '.' || mark_end != at || !abbreviated(text, i);
        }
        if !closes(c) {
            return false;
        }
        mark_end = i;
    }
    false
}

/// Most bytes that [`sentence_around`] reaches out to either side, so that text without sentence ends costs no more.
const LONGEST_REACH: usize = 2_000;

/// The sentence that holds `at`, looked for inside `within` (usually a block), trimmed of white space. Where no sentence
/// ends for a long stretch, it is cut to about 2,000 bytes before and after `at`, between words if there are any.
///
/// # Panics
/// If the spans do not belong to `text`.
pub fn sentence_around(text: &str, within: Span, at: Span) -> Span {
    let part = &text[within.start as usize..within.end as usize];
    let inside = |offset: u32| (offset.clamp(within.start, within.end) - within.start) as usize;
    let (from, to) = (inside(at.start), inside(at.end));
    let low = part.ceil_char_boundary(from.saturating_sub(LONGEST_REACH));
    let high = part.floor_char_boundary((to + LONGEST_REACH).min(part.len()));
    let first_word = || match low {
        0 => 0,
        _ => part[low..from].find(char::is_whitespace).map_or(low, |i| low + i),
    };
    let last_word = || match high {
        end if end == part.len() => end,
        _ => part[to..high].rfind(char::is_whitespace).map_or(high, |i| to + i),
    };
    let start = part[low..from]
        .char_indices()
        .rev()
        .map(|(i, c)| low + i + c.len_utf8())
        .find(|&i| is_sentence_end(part, i))
        .unwrap_or_else(first_word);
    let end = part[to..high]
        .char_indices()
        .map(|(i, _)| to + i)
        .find(|&i| i > 0 && is_sentence_end(part, i))
        .unwrap_or_else(last_word);
    let raw = &part[start..end];
    let first = within.start as usize + start + (raw.len() - raw.trim_start().len());
    Span::new(first, first + raw.trim().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(text: &str) -> Vec<&str> {
        let mut out = Vec::new();
        let mut start = 0;
        for (at, _) in text.char_indices().skip(1).chain([(text.len(), ' ')]) {
            if is_sentence_end(text, at) {
                out.push(text[start..at].trim());
                start = at;
            }
        }
        out
    }

    #[test]
    fn abbreviations_and_numbers_do_not_end_a_sentence() {
        assert_eq!(
            sentences(
                "Mr. Fogg saw J. Smith at 3.5 m, e.g. Today. He (i.e. Fogg) left! \"Why?\" she asked. \"So.\" End."
            ),
            [
                "Mr. Fogg saw J. Smith at 3.5 m, e.g. Today.",
                "He (i.e. Fogg) left!",
                "\"Why?\" she asked.",
                "\"So.\"",
                "End."
            ]
        );
    }

    #[test]
    fn scripts_without_spaces_end_at_their_own_marks() {
        assert_eq!(
            sentences("吾輩は猫である。「名前は？」まだ無い。"),
            ["吾輩は猫である。", "「名前は？」", "まだ無い。"]
        );
        assert_eq!(sentences("यह है। वह है। هل؟ نعم."), ["यह है।", "वह है।", "هل؟", "نعم."]);
    }

    #[test]
    fn the_sentence_around_a_place_stays_inside_its_block() {
        let text = "Heading\nFirst one. The goblin is small! Last";
        let block = Span::new(8, text.len());
        let at = text.find("goblin").unwrap();
        assert_eq!(sentence_around(text, block, Span::new(at, at + 6)).of(text), "The goblin is small!");
        let first = text.find("First").unwrap();
        assert_eq!(sentence_around(text, block, Span::new(first, first + 5)).of(text), "First one.");
        assert_eq!(sentence_around(text, block, Span::new(text.len() - 4, text.len())).of(text), "Last");
    }

    #[test]
    fn a_sentence_without_end_is_cut_between_words() {
        let text = "no end of it ".repeat(10_000);
        let found = sentence_around(&text, Span::new(0, text.len()), Span::new(60_000, 60_002));
        assert!(found.len() < 4_100 && found.start < 60_000 && found.end > 60_002);
        assert!(text[..found.start as usize].ends_with(' ') && text[found.end as usize..].starts_with(' '));
        let solid = "é".repeat(10_000);
        let found = sentence_around(&solid, Span::new(0, solid.len()), Span::new(10_000, 10_002));
        assert!(found.len() < 4_100 && solid.is_char_boundary(found.start as usize));
    }
}
