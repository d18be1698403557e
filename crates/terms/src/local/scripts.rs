//! Scripts: which characters make words, and how words are parted.

use unicode_normalization::char::is_combining_mark;

/// Scripts written without spaces between words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unspaced {
    /// Kanji, hanzi, hanja.
    Ideograph,
    Katakana,
    /// Hiragana, Thai, Lao, Khmer, Burmese, Tibetan: no words can be told without a dictionary.
    Other,
}

pub(super) fn unspaced(c: char) -> Option<Unspaced> {
    match c {
        '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' | '々' => {
            Some(Unspaced::Ideograph)
        }
        '\u{30a1}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}' => Some(Unspaced::Katakana),
        '\u{3041}'..='\u{309f}'
        | '\u{e00}'..='\u{eff}'
        | '\u{f00}'..='\u{fff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}' => Some(Unspaced::Other),
        _ => None,
    }
}

pub(super) fn in_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    (c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '\u{ad}' | '\u{200c}' | '\u{200d}'))
        && unspaced(c).is_none()
}

/// No word begins with a mark or an invisible character.
pub(super) fn begins_word(c: char) -> bool {
    c.is_alphanumeric() && in_word(c)
}

/// Test whether a character belongs to a word of any script, marks and apostrophes included.
pub(super) fn is_word_character(c: char) -> bool {
    in_word(c) || unspaced(c).is_some() || is_apostrophe(c)
}

pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

pub(super) fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}
