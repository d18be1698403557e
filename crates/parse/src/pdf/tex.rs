//! The encodings of TeX's fonts. dvips makes bitmap fonts whose glyphs are named by their codes alone; which of the two
//! encodings they follow shows in the codes that a text uses.

/// Evidence of the encoding, gathered over a document.
#[derive(Debug, Default)]
pub(super) struct TexEncoding {
    old: usize,
    cork: usize,
}

impl TexEncoding {
    /// Test whether the bitmap fonts follow the Cork encoding, as far as is known.
    pub(super) fn is_cork(&self) -> bool {
        self.cork > self.old
    }

    /// The character at a code.
    pub(super) fn character(&mut self, code: u32) -> Option<char> {
        let code = u8::try_from(code).ok()?;
        // Ligatures are the commonest characters that the two have at different places; the old encoding ends at 127.
        match code {
            0x0b..=0x0f => self.old += 1,
            0x1b..=0x1f | 0xc0.. => self.cork += 1,
            _ => {}
        }
        if self.is_cork() { cork(code) } else { old(code) }
    }
}

/// TeX's first text encoding, OT1 (Knuth, "Computer Modern Typefaces", 1986; The TeXbook, appendix F).
fn old(code: u8) -> Option<char> {
    const FIRST: [char; 32] = [
        'Γ', 'Δ', 'Θ', 'Λ', 'Ξ', 'Π', 'Σ', 'Υ', 'Φ', 'Ψ', 'Ω', 'ﬀ', 'ﬁ', 'ﬂ', 'ﬃ', 'ﬄ', 'ı', 'ȷ', '`', '´', 'ˇ', '˘',
        '¯', '˚', '¸', 'ß', 'æ', 'œ', 'ø', 'Æ', 'Œ', 'Ø',
    ];
    Some(match code {
        0..=0x1f => FIRST[usize::from(code)],
        0x20 => return None,
        0x22 => '”',
        0x27 => '’',
        0x3c => '¡',
        0x3e => '¿',
        0x5c => '“',
        0x5f => '˙',
        0x60 => '‘',
        0x7b => '–',
        0x7c => '—',
        0x7d => '˝',
        0x7e => '˜',
        0x7f => '¨',
        0x21..=0x7a => char::from(code),
        0x80.. => return None,
    })
}

/// The Cork encoding, T1 (Ferguson, "Report on Multilingual Activities", TUGboat 11:4, 1990).
fn cork(code: u8) -> Option<char> {
    const FIRST: [char; 32] = [
        '`', '´', 'ˆ', '˜', '¨', '˝', '˚', 'ˇ', '˘', '¯', '˙', '¸', '˛', '‚', '‹', '›', '“', '”', '„', '«', '»', '–',
        '—', '\u{200b}', '₀', 'ı', 'ȷ', 'ﬀ', 'ﬁ', 'ﬂ', 'ﬃ', 'ﬄ',
    ];
    const UPPER: [char; 64] = [
        'Ă', 'Ą', 'Ć', 'Č', 'Ď', 'Ě', 'Ę', 'Ğ', 'Ĺ', 'Ľ', 'Ł', 'Ń', 'Ň', 'Ŋ', 'Ő', 'Ŕ', 'Ř', 'Ś', 'Š', 'Ş', 'Ť', 'Ţ',
        'Ű', 'Ů', 'Ÿ', 'Ź', 'Ž', 'Ż', 'Ĳ', 'İ', 'đ', '§', 'ă', 'ą', 'ć', 'č', 'ď', 'ě', 'ę', 'ğ', 'ĺ', 'ľ', 'ł', 'ń',
        'ň', 'ŋ', 'ő', 'ŕ', 'ř', 'ś', 'š', 'ş', 'ť', 'ţ', 'ű', 'ů', 'ÿ', 'ź', 'ž', 'ż', 'ĳ', '¡', '¿', '£',
    ];
    Some(match code {
        0..=0x1f => FIRST[usize::from(code)],
        0x20 => return None,
        0x27 => '’',
        0x60 => '‘',
        0x7f => '-',
        0x21..=0x7e => char::from(code),
        0x80..=0xbf => UPPER[usize::from(code - 0x80)],
        0xd7 => 'Œ',
        0xdf => 'ẞ',
        0xf7 => 'œ',
        0xff => 'ß',
        // As in Latin-1.
        0xc0.. => char::from(code),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_of_a_text_tell_its_encoding() {
        let read = |tex: &mut TexEncoding, codes: &[u8]| {
            codes.iter().filter_map(|&c| tex.character(c.into())).collect::<String>()
        };
        let mut old = TexEncoding::default();
        assert_eq!(read(&mut old, b"\x0cnd \\the\""), "ﬁnd“the”");
        // The first reading finds out, the second is right from the start.
        let mut cork = TexEncoding::default();
        read(&mut cork, b"\x10it\x11 \x1cnds");
        assert!(cork.is_cork() && !old.is_cork());
        assert_eq!(read(&mut cork, b"\x10it\x11 \x1cnds V\xe1clav"), "“it”ﬁndsVáclav");
    }
}
