//! Words of a font's dictionary about its codes, where the font reader gives up on them: maps that are not quite well-formed,
//! maps to characters that nobody can see, names of glyphs that are numbers.

use hayro_font::hayro_cmap::{BfString, CMap, load_embedded};
use hayro_syntax::object::{Array, Dict, Name, Object, Stream};
use read_fonts::ps::agl;
use rustc_hash::FxHashMap;

/// Words of one font.
pub(super) struct Declared {
    to_unicode: ToUnicode,
    names: FxHashMap<u8, String>,
    base: Base,
}

/// A map from codes to characters that the font reader does not read.
enum ToUnicode {
    /// It reads the map, or there is none.
    Read,
    /// A predefined map under which codes are characters.
    Identity,
    /// Read here, as far as it can be.
    Mended(FxHashMap<u32, String>),
}

/// The encoding that a simple font starts from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    Windows,
    Mac,
    /// The font's own, or the standard one, which has ASCII at the codes of ASCII.
    Own,
    /// Codes are no characters: a composite font.
    Composite,
}

/// The name of a glyph, as far as it means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// The characters that the name means.
    Characters(BfString),
    /// The code that a name such as `c83` or `G41` spells.
    Code(u8),
}

impl Declared {
    pub(super) fn of(font: &Dict<'_>, is_composite: bool) -> Self {
        let to_unicode = to_unicode(font);
        let encoding = font.get::<Dict<'_>>(b"Encoding");
        let name = |dict: &Dict<'_>, key: &[u8]| dict.get::<Name<'_>>(key).map(|name| name.as_ref().to_vec());
        let base = match &encoding {
            Some(encoding) => name(encoding, b"BaseEncoding"),
            None => name(font, b"Encoding"),
        };
        let base = match base.as_deref() {
            _ if is_composite => Base::Composite,
            Some(b"WinAnsiEncoding") => Base::Windows,
            Some(b"MacRomanEncoding") => Base::Mac,
            _ => Base::Own,
        };
        let mut names = FxHashMap::default();
        let differences = encoding.as_ref().and_then(|encoding| encoding.get::<Array<'_>>(b"Differences"));
        let mut code = 0_i64;
        for entry in differences.iter().flat_map(Array::iter::<Object<'_>>) {
            match entry {
                Object::Number(number) => code = number.as_i64(),
                Object::Name(name) => {
                    if let Ok(code) = u8::try_from(code) {
                        names.insert(code, name.as_str().to_owned());
                    }
                    code += 1;
                }
                _ => {}
            }
        }
        Self { to_unicode, names, base }
    }

    /// Characters by a map that the font reader does not read.
    pub(super) fn mapped(&self, code: u32) -> Option<BfString> {
        match &self.to_unicode {
            ToUnicode::Read => None,
            ToUnicode::Identity => char::from_u32(code).map(BfString::Char),
            ToUnicode::Mended(map) => of_text(map.get(&code)?),
        }
    }

    /// Meaning of a code by the name of its glyph.
    pub(super) fn named(&self, code: u32) -> Option<Named> {
        let name = self.names.get(&u8::try_from(code).ok()?)?;
        // Numbers first: among the names of dingbats are some such as `a65`, and a font of dingbats is known by its own name.
        if let Some(code) = spelt_code(name, self.is_hexadecimal()) {
            return Some(Named::Code(code));
        }
        let characters: String = agl::name_to_chars(name).collect();
        of_text(&characters).map(Named::Characters)
    }

    /// The character that a code has in the encoding from which a simple font starts.
    pub(super) fn encoded(&self, code: u32) -> Option<char> {
        let code = u8::try_from(code).ok()?;
        let table = match self.base {
            Base::Windows => encoding_rs::WINDOWS_1252,
            Base::Mac => encoding_rs::MACINTOSH,
            Base::Own => return (0x20..0x7f).contains(&code).then(|| char::from(code)),
            Base::Composite => return None,
        };
        let text = table.decode_without_bom_handling(&[code]).0.into_owned();
        text.chars().next().filter(|c| !c.is_control())
    }

    /// Test whether numbers in the names of glyphs are hexadecimal: one of them has a letter.
    fn is_hexadecimal(&self) -> bool {
        let digits = self.names.values().filter_map(|name| name.strip_prefix(['c', 'C'])).filter(|d| d.len() <= 3);
        digits
            .into_iter()
            .any(|d| d.bytes().all(|b| b.is_ascii_hexdigit()) && d.bytes().any(|b| matches!(b, b'A'..=b'F')))
    }
}

/// The code that the name of a glyph spells, as programs name glyphs of which they know nothing else: `c83`, `C0083`, `a83`, `G53`.
fn spelt_code(name: &str, is_hexadecimal: bool) -> Option<u8> {
    let (letter, digits) = (name.chars().next()?, name.get(1..)?);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let radix = match (letter, digits.len()) {
        ('G', 2) => 16,
        ('g', 4) if digits.starts_with("00") => 16,
        ('c' | 'C', 2) if is_hexadecimal => 16,
        ('c' | 'C' | 'a', 2..=5) => 10,
        _ => return None,
    };
    let code = u8::try_from(u32::from_str_radix(digits, radix).ok()?).ok()?;
    (code > 0x20 && code != 0x7f).then_some(code)
}

fn of_text(text: &str) -> Option<BfString> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Some(BfString::Char(c)),
        (Some(_), Some(_)) => Some(BfString::String(text.to_owned())),
        (None, _) => None,
    }
}

fn to_unicode(font: &Dict<'_>) -> ToUnicode {
    if let Some(name) = font.get::<Name<'_>>(b"ToUnicode") {
        return if name.as_ref().starts_with(b"Identity") { ToUnicode::Identity } else { ToUnicode::Read };
    }
    let map = font.get::<Stream<'_>>(b"ToUnicode").and_then(|map| map.decoded_data().ok());
    match map {
        Some(map) if CMap::parse(&map, load_embedded).is_none() => ToUnicode::Mended(mended(&map)),
        _ => ToUnicode::Read,
    }
}

/// Most codes of a map that is not well-formed.
const MOST_CODES: usize = 1 << 16;

/// Section of a map.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    None,
    Characters,
    Ranges,
}

/// Reads a map (ISO 32000-1, 9.10.3) by what can be told of it: strings, brackets, and words in which `beginbfchar` or
/// `beginbfrange` stands, whatever else has grown onto them.
fn mended(data: &[u8]) -> FxHashMap<u32, String> {
    let mut map = FxHashMap::default();
    let (mut section, mut in_list) = (Section::None, false);
    let mut pending: Vec<Vec<u8>> = Vec::new();
    let mut rest = data;
    while let Some((&first, after)) = rest.split_first() {
        match first {
            b'<' if after.first() != Some(&b'<') => {
                let end = after.iter().position(|b| *b == b'>').unwrap_or(after.len());
                pending.push(hexadecimal(&after[..end]));
                rest = after.get(end + 1..).unwrap_or_default();
            }
            b'[' | b']' => {
                in_list = first == b'[';
                if first == b']' {
                    pending.clear();
                }
                rest = after;
                continue;
            }
            b if b.is_ascii_alphabetic() => {
                let end = rest.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(rest.len());
                section = section_of(&rest[..end], section);
                pending.clear();
                in_list = false;
                rest = &rest[end..];
                continue;
            }
            _ => {
                rest = after;
                continue;
            }
        }
        if map.len() >= MOST_CODES {
            break;
        }
        match (section, pending.as_slice()) {
            (Section::Characters, [code, text]) => {
                map.insert(number(code), utf_16(text));
                pending.clear();
            }
            (Section::Ranges, [from, to, texts @ .., text]) if in_list => {
                let code = number(from).saturating_add(texts.len() as u32);
                if code <= number(to) {
                    map.insert(code, utf_16(text));
                }
            }
            (Section::Ranges, [from, to, text]) => {
                let (from, to) = (number(from), number(to));
                let room = (MOST_CODES - map.len()) as u32;
                for (n, code) in (from..=to).take(room as usize).enumerate() {
                    map.insert(code, counted_on(text, n as u16));
                }
                pending.clear();
            }
            _ => {}
        }
    }
    map.retain(|_, text| !text.is_empty());
    map
}

/// The section that a word opens or ends. The last of several keywords that have grown together counts.
fn section_of(word: &[u8], open: Section) -> Section {
    let last = |keyword: &[u8]| word.windows(keyword.len()).rposition(|w| w == keyword);
    let (characters, ranges, end) = (last(b"beginbfchar"), last(b"beginbfrange"), last(b"end"));
    match characters.max(ranges).max(end) {
        None => open,
        found if found == characters => Section::Characters,
        found if found == ranges => Section::Ranges,
        _ => Section::None,
    }
}

fn hexadecimal(digits: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = digits.iter().filter_map(|b| char::from(*b).to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] * 16 + pair.get(1).copied().unwrap_or(0)).collect()
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn units(bytes: &[u8]) -> Vec<u16> {
    let odd = bytes.len() % 2;
    let (head, rest) = bytes.split_at(odd);
    let pairs = rest.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    head.iter().map(|byte| u16::from(*byte)).chain(pairs).collect()
}

fn utf_16(bytes: &[u8]) -> String {
    String::from_utf16_lossy(&units(bytes))
}

/// The text of the code that lies `n` codes after the first of its range.
fn counted_on(first: &[u8], n: u16) -> String {
    let mut units = units(first);
    if let Some(last) = units.last_mut() {
        *last = last.wrapping_add(n);
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_whatever_has_grown_onto_its_words() {
        let map = mended(
            b"def1 begincodespacerange<20><29>endcodespacerange4 beginbfchar<20> <00DC><21><00E4>endbfchar2 beginbfrange<22><23><0061><24><26>[<0078><0079>]<27><28><D835DC00>endbfrangeendcmap",
        );
        let of = |code: u32| map.get(&code).map(String::as_str);
        assert_eq!((of(0x20), of(0x21)), (Some("Ü"), Some("ä")));
        assert_eq!((of(0x22), of(0x23)), (Some("a"), Some("b")));
        assert_eq!((of(0x24), of(0x25), of(0x26)), (Some("x"), Some("y"), None), "a list that is too short");
        assert_eq!((of(0x27), of(0x28)), (Some("\u{1d400}"), Some("\u{1d401}")));
        assert_eq!(map.len(), 8);
    }

    #[test]
    fn names_that_are_numbers_spell_codes() {
        assert_eq!(spelt_code("c83", false), Some(83));
        assert_eq!(spelt_code("C0083", false), Some(83));
        assert_eq!(spelt_code("a83", false), Some(83));
        assert_eq!(spelt_code("G53", false), Some(0x53));
        assert_eq!(spelt_code("c53", true), Some(0x53));
        assert_eq!(spelt_code("g35", false), None, "the number of a glyph is no code");
        assert_eq!(spelt_code("c300", false), None);
        assert_eq!(spelt_code("cab", false), None);
        assert_eq!(spelt_code("A", false), None);
    }
}
