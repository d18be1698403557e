//! Text as it is searched: without case and accents.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The text in small letters without accents, letters that are two in one taken apart, white space as one space: `Grüße` and `GRUSSE` are
/// alike.
pub fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begun = false;
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        if c.is_whitespace() {
            begun = true;
            continue;
        }
        if std::mem::take(&mut begun) && !out.is_empty() {
            out.push(' ');
        }
        fold(c, &mut out);
    }
    out
}

/// Appends a letter that has no accent any more, folded.
pub fn fold(c: char, out: &mut String) {
    for c in c.to_lowercase() {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'đ' | 'ð' => out.push('d'),
            'þ' => out.push_str("th"),
            'ı' => out.push('i'),
            'ς' => out.push('σ'),
            // What writes `İ` small leaves a dot behind.
            c if is_combining_mark(c) => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn case_and_accents_tell_nothing_apart() {
        for (one, other) in [
            ("Grüße", "GRUSSE"),
            ("Æther  Œuvre", "aether oeuvre"),
            ("señor", "SEN\u{303}OR"),
            ("Łódź", "lodz"),
            ("İstanbul", "istanbul"),
            ("ﬁre", "Fire"),
            (" a\u{a0}\n b ", "A B"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("bank"), folded("bunk"));
    }
}
