//! Bytes to text.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Text and how it was found.
pub(crate) struct Decoded<'a> {
    /// The text, without a byte order mark.
    pub(crate) text: Cow<'a, str>,
    /// Something a person should know, as a lowercase sentence.
    pub(crate) note: Option<String>,
}

/// Decodes markup: a byte order mark, then what is valid UTF-8 and more than ASCII, then what the file declares (XML declaration,
/// `meta`), then windows-1252, which is what HTML assumes:
/// <https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding>.
pub(crate) fn decode_markup(bytes: &[u8]) -> Decoded<'_> {
    decode_declared(bytes, declared(&bytes[..bytes.len().min(4096)]))
}

/// Decodes plain text: a byte order mark, UTF-16 without one, UTF-8, then windows-1252 with a note.
pub(crate) fn decode(bytes: &[u8]) -> Decoded<'_> {
    decode_declared(bytes, None)
}

fn decode_declared<'a>(bytes: &'a [u8], declared: Option<&'static Encoding>) -> Decoded<'a> {
    let plain = |text| Decoded { text, note: None };
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return plain(encoding.decode_without_bom_handling(&bytes[length..]).0);
    }
    if let Some(encoding) = utf_16_without_mark(bytes) {
        return plain(encoding.decode_without_bom_handling(bytes).0);
    }
    let valid = std::str::from_utf8(bytes);
    match (valid, declared) {
        (Ok(text), None) => plain(Cow::Borrowed(text)),
        // An encoding like ISO-2022-JP writes everything in ASCII bytes; bytes beyond ASCII are not UTF-8 by chance.
        (Ok(text), Some(encoding)) if encoding.is_ascii_compatible() || !text.is_ascii() => plain(Cow::Borrowed(text)),
        (_, Some(encoding)) if encoding != UTF_8 => plain(encoding.decode_without_bom_handling(bytes).0),
        (_, Some(_)) if is_mostly_utf_8(bytes) => Decoded {
            text: String::from_utf8_lossy(bytes),
            note: Some("some bytes are no UTF-8; U+FFFD stands for them".to_owned()),
        },
        (_, None) if is_mostly_utf_8(bytes) => Decoded {
            text: String::from_utf8_lossy(bytes),
            note: Some("some bytes are no UTF-8; U+FFFD stands for them".to_owned()),
        },
        _ => Decoded {
            text: WINDOWS_1252.decode_without_bom_handling(bytes).0,
            note: Some("the encoding is not declared and no UTF-8; it was read as windows-1252".to_owned()),
        },
    }
}

/// UTF-16 by its zeros: text in Latin letters has one in every second byte.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(1024) & !1];
    let zeros = |first: usize| head.iter().skip(first).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let pairs = head.len() / 2;
    if pairs < 2 {
        return None;
    }
    if odd * 10 > pairs * 7 && even * 20 < pairs {
        Some(UTF_16LE)
    } else if even * 10 > pairs * 7 && odd * 20 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Test whether more multi-byte characters are right than wrong.
fn is_mostly_utf_8(bytes: &[u8]) -> bool {
    let (mut right, mut wrong) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > wrong
}

/// The encoding that an XML declaration or a `meta` element names.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let head: String = head.iter().map(|b| char::from(*b).to_ascii_lowercase()).collect();
    let xml = head.trim_start().strip_prefix("<?xml").and_then(|rest| rest.split("?>").next());
    let xml = xml.and_then(|declaration| label_after(declaration, "encoding"));
    let label =
        xml.or_else(|| head.split("<meta").skip(1).find_map(|tag| label_after(tag.split('>').next()?, "charset")))?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    // What names UTF-16 in ASCII is not UTF-16.
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

fn label_after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(word)?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let label = rest.split(['"', '\'', ';', ' ', '/', '>']).next()?;
    (!label.is_empty()).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_by_mark_by_declaration_and_by_form() {
        let utf_16: Vec<u8> = "<p>ember wyrm</p>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked: Vec<u8> = [&[0xff, 0xfe][..], &utf_16].concat();
        assert_eq!(decode_markup(&utf_16).text, "<p>ember wyrm</p>");
        assert_eq!(decode_markup(&marked).text, "<p>ember wyrm</p>");
        assert_eq!(decode_markup(b"\xef\xbb\xbfabc").text, "abc");
        assert!(decode_markup(b"<?xml version='1.0' encoding='ISO-8859-2'?><p>\xb1</p>").text.contains('ą'));
        assert!(decode_markup(b"<meta charset=koi8-r><p>\xc1</p>").text.contains('а'));
        let content = b"<META http-equiv=Content-Type content=\"text/html; charset=windows-1251\">\xc0";
        assert!(decode_markup(content).text.contains('А'));
        assert!(decode_markup("<meta charset=iso-8859-1>für".as_bytes()).text.contains("für"), "UTF-8 shows itself");
        assert!(decode_markup(b"<?xml encoding='iso-2022-jp'?>\x1b$B$\"\x1b(B").text.contains('あ'));
        assert!(decode_markup(b"<?xml encoding='utf-16'?>abc").text.contains("abc"));
    }

    #[test]
    fn what_is_no_utf_8_is_read_and_said() {
        let decoded = decode(b"caf\xe9 \x93quoted\x94");
        assert_eq!(decoded.text, "café “quoted”");
        assert!(decoded.note.unwrap().contains("windows-1252"));
        let broken = decode("für über schön \u{e4}".as_bytes().split_last().unwrap().1);
        assert!(broken.text.starts_with("für über schön") && broken.note.is_some());
    }
}
