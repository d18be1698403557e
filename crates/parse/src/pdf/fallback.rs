//! A second reader for pages of which the first sees no text although they paint some: fonts that it cannot load.

use lopdf::Document;

/// The second reader, opened for the first page that needs it.
#[derive(Default)]
pub(super) enum Fallback {
    #[default]
    Unopened,
    Open(Box<Document>),
    Unusable,
}

/// Decompressed size of a page that is still read, in bytes.
const LARGEST_PAGE: usize = 32 << 20;

impl Fallback {
    /// The lines of page `number`, if they look like text that somebody wrote.
    pub(super) fn lines(&mut self, bytes: &[u8], number: u32) -> Option<Vec<String>> {
        if matches!(self, Self::Unopened) {
            *self = match quietly(|| Document::load_mem(bytes).ok()) {
                Some(document) => Self::Open(Box::new(document)),
                None => Self::Unusable,
            };
        }
        let Self::Open(document) = self else {
            return None;
        };
        let text = quietly(|| document.extract_text_with_limit(&[number], LARGEST_PAGE).ok())?;
        let text = text.replace("?Identity-H Unimplemented?", "");
        is_plausible(&text).then(|| text.lines().map(str::to_owned).collect())
    }
}

/// A reader that panics has read nothing.
fn quietly<T>(read: impl FnOnce() -> Option<T>) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).ok().flatten()
}

/// Letters from which on a text can be judged.
const ENOUGH_LETTERS: usize = 10;

/// Test whether a text of which the characters are guesses is none: there is enough of it, and it spells no words.
pub(super) fn is_garbled(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).nth(ENOUGH_LETTERS - 1).is_some() && !is_plausible(text)
}

/// Test whether a text consists of words. Codes of an unknown encoding that are taken for letters ("mojibake") mix
/// letters with signs, capitals with small letters, and have words without vowels.
pub(super) fn is_plausible(text: &str) -> bool {
    let (mut words, mut sound, mut marks, mut letters) = (0_usize, 0_usize, 0_usize, 0_usize);
    for word in text.split_whitespace() {
        let core = word.trim_matches(|c: char| {
            c.is_ascii_punctuation() || "\u{2018}\u{2019}\u{201c}\u{201d}\u{2013}\u{2014}".contains(c)
        });
        letters += core.chars().filter(|c| c.is_alphabetic()).count();
        marks += core
            .chars()
            .filter(|&c| {
                c == '\u{fffd}'
                    || c.is_control()
                    || matches!(c, '\u{a0}'..='\u{bf}' | '\u{d7}' | '\u{f7}' | '\u{e000}'..='\u{f8ff}')
            })
            .count();
        if core.chars().count() < 3
            || !core.chars().all(|c| c.is_alphabetic() || c == '-' || c == '\u{2019}' || c == '\'')
        {
            continue;
        }
        words += 1;
        let inner_capital =
            core.chars().skip(1).any(char::is_uppercase) && core.chars().any(char::is_lowercase) && !is_compound(core);
        let vowel = core.chars().any(|c| !c.is_ascii() || "aeiouyAEIOUY".contains(c));
        sound += usize::from(vowel && !inner_capital);
    }
    letters >= ENOUGH_LETTERS && marks * 20 <= letters && words >= 3 && sound * 10 >= words * 8
}

/// Test whether a word is made of words that begin with one capital each, as names in programs are: `BrauerTableOp`, `isEmpty`.
fn is_compound(word: &str) -> bool {
    let mut run = 0_usize;
    let mut small = 0_usize;
    for c in word.chars() {
        if c.is_uppercase() {
            if run > 0 && small < 1 {
                return false;
            }
            (run, small) = (run + 1, 0);
        } else {
            (run, small) = (run.max(1), small + 1);
        }
    }
    small >= 1 && run <= 5 && word.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_codes_taken_for_letters() {
        assert!(is_plausible("Václav Havel's greengrocer displays a sign in his shop"));
        assert!(is_plausible("Der Glockenwärter zählt die Laternen an der Flußmauer."));
        assert!(!is_plausible("ÄOHFMQJEJïBÈOOFVOjCMFTLJWFSZVOC VGCPVSHVJHOPOÊPDVLÌNJMFKPVFQSåTEFM"));
        assert!(!is_plausible("\u{1}\u{2}\u{3} \u{4}\u{5}"));
        assert!(is_plausible("BrauerTableOp IsBound isEmptyRow SetSize OnPoints PrintTable"));
        assert!(!is_plausible("Xqr bvTT kkzz mmNpp rrtss"));
    }
}
