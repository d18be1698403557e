//! Finds what a model quotes in the text it was given.

use unicode_normalization::UnicodeNormalization;

use crate::values::Grounding;

/// At least this part of a quote's words has to stand in a window, in order, for a fuzzy match.
const FUZZY_SHARE: f64 = 0.75;

/// A quote with fewer words is found as it is or not at all.
const FUZZY_WORDS: usize = 4;

/// A quote longer than this is not looked for word by word.
const FUZZY_LONGEST: usize = 400;

/// Place of `quote` in `text` (byte range), the first if there are several.
pub fn ground(quote: &str, text: &str) -> (Grounding, Option<std::ops::Range<usize>>) {
    let quote = quote.trim();
    if quote.is_empty() {
        return (Grounding::Missing, None);
    }
    if let Some(at) = whole_word(text, quote) {
        return (Grounding::Exact, Some(at..at + quote.len()));
    }
    let (folded_quote, _) = fold(quote);
    let folded_quote = folded_quote.trim();
    if folded_quote.is_empty() {
        return (Grounding::Missing, None);
    }
    let (folded, places) = fold(text);
    if let Some(at) = whole_word(&folded, folded_quote) {
        return (Grounding::Normalized, Some(unfold(&places, text, at, at + folded_quote.len())));
    }
    match fuzzy(folded_quote, &folded) {
        Some(range) => (Grounding::Fuzzy, Some(unfold(&places, text, range.start, range.end))),
        None => (Grounding::Missing, None),
    }
}

/// The first place of `needle` that is not inside a longer word, or else the first place.
fn whole_word(text: &str, needle: &str) -> Option<usize> {
    let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (first, last) = (needle.chars().next(), needle.chars().next_back());
    text.match_indices(needle)
        .take(1_000)
        .find(|(at, found)| {
            let before = inside(first) && inside(text[..*at].chars().next_back());
            let after = inside(last) && inside(text[at + found.len()..].chars().next());
            !before && !after
        })
        .or_else(|| text.match_indices(needle).next())
        .map(|(at, _)| at)
}

/// The comparison form of a text and, for each of its bytes, the byte of the text that it comes from.
fn fold(text: &str) -> (String, Vec<u32>) {
    let mut out = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len());
    let mut space = true;
    for (at, c) in text.char_indices() {
        let from = u32::try_from(at).unwrap_or(u32::MAX);
        if c.is_whitespace() {
            if !space {
                out.push(' ');
                places.push(from);
            }
            space = true;
            continue;
        }
        // Hyphens at line ends and soft hyphens come and go between a page and its quote.
        if c == '\u{ad}' {
            continue;
        }
        space = false;
        let start = out.len();
        match c {
            '\u{2018}'..='\u{201b}' | '\u{2032}' | '`' | '\u{b4}' => out.push('\''),
            '\u{201c}'..='\u{201f}' | '\u{2033}' | '«' | '»' => out.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            c => out.extend(c.nfkc().flat_map(char::to_lowercase)),
        }
        places.resize(places.len() + out.len() - start, from);
    }
    (out, places)
}

/// The bytes of `text` that a range of its folded form stands for.
fn unfold(places: &[u32], text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let from = places[start] as usize;
    let last = places[end - 1] as usize;
    let width = text[last..].chars().next().map_or(0, char::len_utf8);
    from..last + width
}

/// The tightest window of `text` that holds most of the quote's words in order.
fn fuzzy(quote: &str, text: &str) -> Option<std::ops::Range<usize>> {
    let wanted: Vec<&str> = words(quote).map(|(_, w)| w).collect();
    if !(FUZZY_WORDS..=FUZZY_LONGEST).contains(&wanted.len()) {
        return None;
    }
    let there: Vec<(usize, &str)> = words(text).collect();
    let needed = ((wanted.len() as f64 * FUZZY_SHARE).ceil() as usize).max(FUZZY_WORDS.min(wanted.len()));
    let window = wanted.len() + wanted.len() / 3 + 2;
    let mut best: Option<(usize, usize, usize)> = None;
    // A match may skip words at its start: it begins at any word that is one of the quote's first quarter.
    let starts = &wanted[..=(wanted.len() - needed)];
    for (begin, (_, word)) in there.iter().enumerate() {
        let Some(skipped) = starts.iter().position(|w| w == word) else { continue };
        let (mut matched, mut last, mut next) = (0, begin, skipped);
        for (n, (_, word)) in there.iter().enumerate().skip(begin).take(window) {
            if let Some(step) = wanted[next..].iter().take(4).position(|w| w == word) {
                matched += 1;
                last = n;
                next += step + 1;
                if next >= wanted.len() {
                    break;
                }
            }
        }
        if matched >= needed && best.is_none_or(|(m, ..)| matched > m) {
            best = Some((matched, begin, last));
        }
    }
    best.map(|(_, begin, last)| there[begin].0..there[last].0 + there[last].1.len())
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let start = text.as_ptr() as usize;
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(move |w| (w.as_ptr() as usize - start, w))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(quote: &str, text: &str, found: Grounding, slice: &str) {
        let (how, range) = ground(quote, text);
        assert_eq!((how, range.map_or("", |r| &text[r])), (found, slice), "{quote}");
    }

    #[test]
    fn quotes_are_found_as_they_stand_or_as_they_are_meant() {
        let text =
            "The wyrms slept.\nA “Salt  Lantern” is a lamp\nthat burns without oil — so they say. The wyrm woke.";
        check("The wyrms slept.", text, Grounding::Exact, "The wyrms slept.");
        check("wyrm", text, Grounding::Exact, "wyrm");
        assert_eq!(ground("wyrm", text).1.unwrap().start, text.rfind("wyrm").unwrap(), "not inside another word");
        check(
            "a \"salt lantern\" is a lamp that burns",
            text,
            Grounding::Normalized,
            "A “Salt  Lantern” is a lamp\nthat burns",
        );
        check("without oil - so they say", text, Grounding::Normalized, "without oil — so they say");
        check(
            "A salt lantern is a great lamp that burns without any oil",
            text,
            Grounding::Fuzzy,
            "A “Salt  Lantern” is a lamp\nthat burns without oil",
        );
        check("The king of the hollow hills rode out", text, Grounding::Missing, "");
        check("lantern oil", text, Grounding::Missing, "");
        check("  ", text, Grounding::Missing, "");
    }

    #[test]
    fn a_fuzzy_quote_has_three_quarters_of_its_words_in_the_text() {
        let text = "The keeper of the ninth gate wakes at dusk and counts the lanterns that hang along the river wall.";
        let words: Vec<&str> = text.trim_end_matches('.').split(' ').collect();
        // Twenty words of the quote, of which so many do not stand there.
        let quote = |wrong: usize| {
            let mut quote: Vec<&str> = words[..words.len().min(20)].to_vec();
            for n in 0..wrong {
                quote[1 + 3 * n] = "zinc";
            }
            (ground(&quote.join(" "), text).0, (quote.len() - wrong) as f64 / quote.len() as f64)
        };
        let (enough, short) = (quote(4), quote(5));
        assert!(enough.1 >= 0.75 && enough.1 < 0.8 && short.1 < 0.75 && short.1 > 0.7, "{enough:?} {short:?}");
        assert_eq!((enough.0, short.0), (Grounding::Fuzzy, Grounding::Missing));
    }

    #[test]
    fn folded_forms_that_are_longer_or_shorter_map_back() {
        check("ﬁre of ÅLAND", "the fire of åland", Grounding::Normalized, "fire of åland");
        check("fire", "a ﬁre.", Grounding::Normalized, "ﬁre");
        check("überall", "ÜBER\u{ad}ALL", Grounding::Normalized, "ÜBER\u{ad}ALL");
    }

    proptest! {
        #[test]
        fn a_piece_of_the_text_is_found_in_it(text in "[a-zA-Zäöß“”—\\-' \n\u{fb01}]{1,80}", from in 0..80_usize, len in 1..40_usize) {
            let from = text.floor_char_boundary(from.min(text.len()));
            let to = text.floor_char_boundary((from + len).min(text.len()));
            let quote = &text[from..to];
            prop_assume!(!quote.trim().is_empty());
            prop_assert_eq!(ground(quote, &text).0, Grounding::Exact);
            let upper: String = quote.chars().flat_map(char::to_uppercase).collect();
            let (_, range) = ground(&upper, &text);
            prop_assert!(range.is_none_or(|r| text.is_char_boundary(r.start) && text.is_char_boundary(r.end)));
        }
    }
}
