//! The simulator's own tokenizer: counts word pieces, unlike corpora's estimate, which weighs characters. A bill that both
//! sides compute in the same way would prove nothing.

/// Tokens of a text: a word with the space before it is one for up to nine letters and one more for each five after them,
/// digits go in threes, other signs in pairs where they stand together (as byte-pair tokenizers merge `":` and `{"`), letters
/// beyond Latin are one for every two.
pub(super) fn count(text: &str) -> u64 {
    let mut tokens = 0;
    let mut letters = 0_u64;
    let mut digits = 0_u64;
    let mut foreign = 0_u64;
    let mut flush = |letters: &mut u64, digits: &mut u64, foreign: &mut u64| {
        if *letters > 0 {
            tokens += 1 + letters.saturating_sub(9).div_ceil(5);
        }
        tokens += digits.div_ceil(3) + foreign.div_ceil(2);
        (*letters, *digits, *foreign) = (0, 0, 0);
    };
    let mut signs = 0;
    let mut run = 0_u64;
    let mut line_end = false;
    for c in text.chars() {
        let sign = !c.is_alphanumeric() && !c.is_whitespace();
        run = if sign { run + 1 } else { 0 };
        match c {
            'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => letters += 1,
            '0'..='9' => digits += 1,
            c if c.is_alphabetic() => foreign += 1,
            '\n' => {
                flush(&mut letters, &mut digits, &mut foreign);
                // Line ends in a row are one token.
                signs += u64::from(!line_end);
            }
            c if c.is_whitespace() => flush(&mut letters, &mut digits, &mut foreign),
            _ => {
                flush(&mut letters, &mut digits, &mut foreign);
                signs += run % 2;
            }
        }
        line_end = c == '\n';
    }
    flush(&mut letters, &mut digits, &mut foreign);
    tokens + signs
}

/// The beginning of a text that has at most this many tokens.
pub(super) fn first(text: &str, most: u64) -> &str {
    if count(text) <= most {
        return text;
    }
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = text.ceil_char_boundary((low + high).div_ceil(2));
        if middle <= high && count(&text[..middle]) <= most {
            low = middle;
        } else {
            high = text.floor_char_boundary(((low + high).div_ceil(2)).saturating_sub(1)).max(low);
        }
    }
    &text[..low]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_budget() {
        let text = "The naïve wyrm, 1234567 strong, sleeps on 東京 gold. ".repeat(20);
        for most in [0, 1, 7, 50, count(&text), 10_000] {
            let cut = first(&text, most);
            assert!(count(cut) <= most && text.starts_with(cut));
            assert!(cut.len() == text.len() || count(&text[..text.ceil_char_boundary(cut.len() + 12)]) >= most);
        }
    }
}
