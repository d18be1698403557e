//! The document as its own font key: what an unknown code is, is told by the words that it stands in. The words are those that the
//! document's other fonts spell, and ordinary English where there are few of them.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};

use super::codes::is_unknown;
use corpora_values::english;

/// Characters for unknown codes.
pub(super) type Key = FxHashMap<char, char>;

/// Words of the document from which on no others are asked.
const ENOUGH_WORDS: usize = 2_000;

/// Longest word that is looked at, in characters.
const LONGEST: usize = 24;

/// Different words that have to agree on a code.
const LEAST_VOTES: usize = 2;

/// Share of the votes about a code, in hundredths, that its character needs.
const AGREED: usize = 75;

/// Share of a font's words, in hundredths, that have to be known once all its codes are solved.
const KNOWN: usize = 50;

/// Letters that fonts join in one glyph.
const LIGATURES: [(&str, char); 5] =
    [("ffi", '\u{fb03}'), ("ffl", '\u{fb04}'), ("ff", '\u{fb00}'), ("fi", '\u{fb01}'), ("fl", '\u{fb02}')];

/// Solves what can be solved of the codes in these texts. `font_of` tells the font of each code.
pub(super) fn solve<'t>(texts: impl Iterator<Item = &'t str> + Clone, font_of: &FxHashMap<char, u64>) -> Key {
    // Most texts have none, and their words need not be known then.
    let riddles: BTreeSet<&str> = texts
        .clone()
        .filter(|text| text.contains(is_unknown))
        .flat_map(words)
        .filter(|word| word.contains(is_unknown) && word.chars().count() <= LONGEST)
        .collect();
    if riddles.is_empty() {
        return Key::default();
    }
    let mut vocabulary = Vocabulary::default();
    for word in texts.flat_map(words) {
        if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            if (2..=LONGEST).contains(&word.len()) {
                vocabulary.add(word);
            }
        } else if !word.contains(is_unknown)
            && (2..=LONGEST).contains(&word.chars().count())
            && word.chars().all(char::is_alphabetic)
        {
            vocabulary.add(&word.to_lowercase());
        }
    }
    if vocabulary.words.len() < ENOUGH_WORDS {
        english::words().filter(|(word, _)| word.len() <= LONGEST).for_each(|(word, _)| vocabulary.add(word));
    }
    vocabulary.index();
    let riddles: Vec<&str> = riddles.into_iter().collect();
    let mut key = Key::default();
    // What words of one unknown code tell makes others such words.
    while vote(&riddles, &vocabulary, &mut key) {}
    keep_what_spells(&riddles, &vocabulary, font_of, &mut key);
    set_capitals(&riddles, &mut key);
    key
}

/// The words of a text, without the signs around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().map(|word| {
        word.trim_matches(|c: char| {
            c.is_ascii_punctuation() || "\u{2018}\u{2019}\u{201c}\u{201d}\u{2013}\u{2014}".contains(c)
        })
    })
}

/// Words that are known, in lower case, in an order that nothing decides but they.
#[derive(Default)]
struct Vocabulary {
    words: FxHashSet<String>,
    by_length: BTreeMap<usize, Vec<String>>,
}

impl Vocabulary {
    fn add(&mut self, word: &str) {
        if !self.words.contains(word) {
            self.words.insert(word.to_owned());
        }
    }

    fn index(&mut self) {
        let mut words: Vec<&String> = self.words.iter().collect();
        words.sort_unstable();
        for word in words {
            self.by_length.entry(word.chars().count()).or_default().push(word.clone());
        }
    }
}

/// Words that vote for a character of a code.
type Votes<'r> = BTreeMap<char, BTreeMap<char, BTreeSet<&'r str>>>;

/// Has the words vote, and takes what they agree on. Whether that was anything.
fn vote<'r>(riddles: &[&'r str], vocabulary: &Vocabulary, key: &mut Key) -> bool {
    let mut votes: Votes<'r> = BTreeMap::new();
    for &riddle in riddles {
        let solved: String = riddle.chars().map(|c| key.get(&c).copied().unwrap_or(c)).collect();
        let lower: String = expanded(&solved).to_lowercase();
        if lower.chars().any(is_unknown) {
            by_gaps(&lower, vocabulary, &mut |code, c| {
                votes.entry(code).or_default().entry(c).or_default().insert(riddle);
            });
        }
    }
    let mut is_more = false;
    for (code, characters) in votes {
        let all: usize = characters.values().map(BTreeSet::len).sum();
        let best = characters.into_iter().max_by_key(|(c, words)| (words.len(), std::cmp::Reverse(*c)));
        if let Some((c, words)) = best
            && words.len() >= LEAST_VOTES
            && words.len() * 100 >= all * AGREED
        {
            key.insert(code, c);
            is_more = true;
        }
    }
    is_more
}

/// Ligatures as their letters.
fn expanded(word: &str) -> String {
    LIGATURES.iter().fold(word.to_owned(), |word, (letters, one)| word.replace(*one, letters))
}

/// Votes of a word with one unknown code, which may stand in it more than once: the only letter, or letters, that make it a known
/// word.
fn by_gaps(word: &str, vocabulary: &Vocabulary, vote: &mut dyn FnMut(char, char)) {
    let unknown: BTreeSet<char> = word.chars().filter(|c| is_unknown(*c)).collect();
    let (Some(&code), 1) = (unknown.first(), unknown.len()) else { return };
    // A single letter or two can be anything.
    if word.chars().filter(|c| c.is_alphabetic()).count() < 3 {
        return;
    }
    let mut found: Vec<char> = Vec::new();
    let wanted: Vec<char> = word.chars().collect();
    for known in vocabulary.by_length.get(&wanted.len()).into_iter().flatten() {
        found.extend(letter_at(&wanted, known, code));
    }
    for (letters, one) in LIGATURES {
        if vocabulary.words.contains(&word.replace(code, letters)) {
            found.push(one);
        }
    }
    found.sort_unstable();
    found.dedup();
    if let [c] = found[..] {
        vote(code, c);
    }
}

/// The letter that a word has at all places of a code, if it has the same letters otherwise.
fn letter_at(wanted: &[char], known: &str, code: char) -> Option<char> {
    let mut letter = None;
    for (&want, have) in wanted.iter().zip(known.chars()) {
        if want == code {
            if letter.is_some_and(|letter| letter != have) {
                return None;
            }
            letter = Some(have);
        } else if want != have {
            return None;
        }
    }
    letter
}

/// Forgets what was solved of fonts whose words are unknown all the same.
fn keep_what_spells(riddles: &[&str], vocabulary: &Vocabulary, font_of: &FxHashMap<char, u64>, key: &mut Key) {
    let mut counts: FxHashMap<u64, (usize, usize)> = FxHashMap::default();
    for riddle in riddles {
        let solved: String = riddle.chars().map(|c| key.get(&c).copied().unwrap_or(c)).collect();
        let lower = expanded(&solved).to_lowercase();
        // Of words with other codes in them nothing is known yet; those without letters say nothing.
        if lower.chars().filter(|c| c.is_alphabetic()).count() < 3 || lower.chars().any(is_unknown) {
            continue;
        }
        let fonts: BTreeSet<u64> = riddle.chars().filter_map(|c| font_of.get(&c).copied()).collect();
        for font in fonts {
            let (known, all) = counts.entry(font).or_default();
            *known += usize::from(vocabulary.words.contains(&lower));
            *all += 1;
        }
    }
    key.retain(|code, _| {
        let (known, all) = font_of.get(code).and_then(|font| counts.get(font)).copied().unwrap_or_default();
        known >= LEAST_VOTES && known * 100 >= all * KNOWN
    });
}

/// Makes those codes capitals that stand at the beginnings of words alone, where another code is the small letter.
fn set_capitals(riddles: &[&str], key: &mut Key) {
    let mut inner: FxHashSet<char> = FxHashSet::default();
    for riddle in riddles {
        inner.extend(riddle.chars().skip(1).filter(|c| is_unknown(*c)));
    }
    let small: FxHashSet<char> = key.iter().filter(|(code, _)| inner.contains(*code)).map(|(_, c)| *c).collect();
    for (code, c) in key.iter_mut() {
        if !inner.contains(code) && small.contains(c) {
            *c = c.to_uppercase().next().unwrap_or(*c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "the keeper of the ninth gate wakes at dusk and counts the lanterns that hang along the river wall and when one of them is dark she rings the smaller bell and writes the name of the boat that passed it into the ledger of the drowned while the others speak of speech and of each letter that they find";

    fn code(n: u32) -> char {
        char::from_u32(0x10_0000 + n).unwrap()
    }

    /// Letters of a text as codes.
    fn hidden(text: &str, is_hidden: impl Fn(char) -> bool) -> String {
        let of = |c: char| if c.is_alphabetic() && is_hidden(c) { code(u32::from(c)) } else { c };
        text.chars().map(of).collect()
    }

    fn fonts(text: &str) -> FxHashMap<char, u64> {
        text.chars().filter(|c| is_unknown(*c)).map(|c| (c, 1)).collect()
    }

    #[test]
    fn a_code_is_the_letter_that_makes_words_of_the_document() {
        let lost = hidden("speech each dark counts", |c| c == 'c');
        let key = solve([STORY, &lost].into_iter(), &fonts(&lost));
        assert_eq!(key.get(&code('c' as u32)), Some(&'c'));
        let ligature = format!("o{0}cer di{0}culty", code(5));
        assert_eq!(solve([STORY, &ligature].into_iter(), &fonts(&ligature)).get(&code(5)), Some(&'\u{fb03}'));
    }

    #[test]
    fn codes_that_spell_nothing_are_left_alone() {
        let lost = hidden("xqzvk wwfgh jjkkq zzzxq", |_| true);
        assert!(solve([STORY, &lost].into_iter(), &fonts(&lost)).is_empty());
        assert!(solve([STORY].into_iter(), &FxHashMap::default()).is_empty());
    }
}
