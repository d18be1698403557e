//! Estimates token counts without a tokenizer.
//!
//! Each character has a fixed weight by its class, so the estimate of a text is the sum of its characters': the
//! chunker can keep a running sum and never estimates the same text twice.

/// Weights are in thousandths of a token.
const UNIT: u64 = 1000;

/// Weights of ASCII characters.
const ASCII: [u16; 128] = {
    let mut table = [0_u16; 128];
    let mut i = 0;
    while i < 128 {
        let byte = i as u8;
        table[i] = match byte {
            b'a'..=b'z' => 190,
            b'A'..=b'Z' => 300,
            b'0'..=b'9' => 600,
            b' ' => 120,
            b'\n' | 0x0c | b'\r' | b'\t' => 500,
            _ => 700,
        };
        i += 1;
    }
    table
};

/// Weight of a character in thousandths of a token.
pub(super) fn weight(c: char) -> u64 {
    let code = c as u32;
    u64::from(match code {
        0..=0x7f => ASCII[code as usize],
        // Latin letters with marks, Greek, Cyrillic.
        0x80..=0x24f => 500,
        0x250..=0x52f | 0x1e00..=0x1fff => 380,
        // Armenian, Hebrew, Arabic.
        0x530..=0x8ff => 450,
        // Scripts of India, then Thai, Lao, Tibetan, Burmese, Georgian.
        0x900..=0xdff => 400,
        0xe00..=0x10ff => 550,
        // Hangul.
        0x1100..=0x11ff | 0xac00..=0xd7ff => 700,
        // General punctuation, symbols.
        0x2000..=0x2bff => 800,
        // Kana, CJK marks, ideographs.
        0x3000..=0x30ff => 750,
        0x3100..=0x9fff | 0xf900..=0xfaff | 0xff00..=0xffef => 800,
        0x20000..=0x3ffff => 2500,
        // Emoji and all that is rare.
        _ => 1700,
    })
}

/// Tokens for a sum of [`weight`]s.
pub(super) fn tokens_of(weight: u64) -> u32 {
    u32::try_from(weight.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

/// The greatest sum of [`weight`]s that is still `tokens` tokens.
pub(super) fn weight_of(tokens: u32) -> u64 {
    u64::from(tokens) * UNIT
}

/// Estimated tokens of `text`: 0 only if it is empty. Meant for budgets and prices; a provider's reported usage
/// corrects it.
pub fn estimate_tokens(text: &str) -> u32 {
    let mut sum = 0;
    let mut rest = text.as_bytes();
    let mut at = 0;
    while let Some(run) = rest.iter().position(|b| !b.is_ascii()) {
        sum += ascii_weight(&rest[..run]);
        at += run;
        let other = text[at..].chars().take_while(|c| !c.is_ascii());
        for c in other {
            sum += weight(c);
            at += c.len_utf8();
        }
        rest = &text.as_bytes()[at..];
    }
    tokens_of(sum + ascii_weight(rest))
}

fn ascii_weight(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&b| u64::from(ASCII[usize::from(b & 0x7f)])).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_the_sum_of_its_characters_and_never_0_for_text() {
        assert_eq!(estimate_tokens(""), 0);
        for text in [" ", "a", "é", "The naïve café, 東京 and 👩‍👧 at 42\u{a0}%.", "ab東", "東ab"] {
            assert_eq!(estimate_tokens(text), tokens_of(text.chars().map(weight).sum()));
            assert!(estimate_tokens(text) > 0);
        }
    }
}
