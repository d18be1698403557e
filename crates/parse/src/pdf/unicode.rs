//! Characters that glyphs stand for, where the file does not say: the font program often knows.

use std::collections::HashMap;

use super::encoding::{Declared, Named};
use super::tex::TexEncoding;
use hayro_font::hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro_font::{FontGlyph, OutlineGlyph};
use hayro_syntax::object::dict::keys::RESOURCES;
use hayro_syntax::object::{Array, Dict, Name, Stream, String as PdfString};
use hayro_syntax::page::Resources;
use read_fonts::ps::cff::CffFontRef;
use read_fonts::tables::cmap::PlatformId;
use read_fonts::{FontRef, TableProvider, ps::agl, types::GlyphId};
use rustc_hash::FxHashMap;

/// Remembers what the fonts of a document know.
#[derive(Default)]
pub(super) struct Recovery {
    /// For each font program, by its content: characters by glyph.
    fonts: FxHashMap<u128, FxHashMap<u32, char>>,
    /// Composite fonts of a published character collection, by name.
    composites: HashMap<String, Composite>,
    tex: TexEncoding,
}

/// Way from a composite font's codes to characters.
struct Composite {
    encoding: CMap,
    characters: CMap,
}

impl Composite {
    /// Of a Type 0 font whose character collection is published (ISO 32000-1, 9.10.2).
    fn of(font: &Dict<'_>) -> Option<Self> {
        let descendant: Dict<'_> = font.get::<Array<'_>>(b"DescendantFonts")?.iter::<Dict<'_>>().next()?;
        let info: Dict<'_> = descendant.get(b"CIDSystemInfo")?;
        let registry: PdfString<'_> = info.get(b"Registry")?;
        let ordering: PdfString<'_> = info.get(b"Ordering")?;
        let encoding = match font.get::<Name<'_>>(b"Encoding") {
            Some(name) => match name.as_ref() {
                b"Identity-H" => CMap::identity_h(),
                b"Identity-V" => CMap::identity_v(),
                name => CMap::parse(load_embedded(CMapName::from_bytes(name))?, load_embedded)?,
            },
            None => CMap::parse(&font.get::<Stream<'_>>(b"Encoding")?.decoded_data().ok()?, load_embedded)?,
        };
        let family = CidFamily::from_registry_ordering(registry.as_bytes(), ordering.as_bytes());
        let characters = CMap::parse(load_embedded(family.ucs2_cmap()?)?, load_embedded)?;
        Some(Self { encoding, characters })
    }

    fn character(&self, code: u32) -> Option<char> {
        let cid = (1..=4).find_map(|bytes| self.encoding.lookup_cid_code(code, bytes))?;
        match self.characters.lookup_bf_string(cid)? {
            BfString::Char(c) => Some(c),
            BfString::String(_) => None,
        }
    }
}

/// Depth to which forms inside forms are followed.
const DEEPEST_FORM: u32 = 4;

/// Meaning of a glyph.
pub(super) enum Meaning {
    /// By what the file or its font says.
    Known(BfString),
    /// Character that TeX's fonts have at that code, if any: a guess, as the font may not be one of them.
    Tex(u32),
    /// By the number in the name of the glyph.
    Guess(char),
    Unknown,
}

impl Recovery {
    /// The characters of a glyph: as the file's ToUnicode map, encoding or glyph names say, else as the font program's own
    /// tables do, else as TeX numbers the characters of its bitmap fonts. A map that leads to a character that cannot be seen, or to
    /// a private one, is asked last: the others know the letter that the page shows.
    pub(super) fn text(&mut self, glyph: &FontGlyph<'_>, declared: &Declared) -> Meaning {
        let (code, unicode) = match glyph {
            FontGlyph::Outline(glyph) => (glyph.char_code(), glyph.as_unicode()),
            FontGlyph::Type3(glyph) => (glyph.char_code(), glyph.as_unicode()),
        };
        let unsure = match declared.mapped(code).or(unicode) {
            Some(text) if is_meaningful_text(&text) => return Meaning::Known(text),
            unsure => unsure.filter(is_plausible),
        };
        let named = declared.named(code);
        if let Some(Named::Characters(text)) = &named
            && is_meaningful_text(text)
        {
            return Meaning::Known(text.clone());
        }
        let is_outline = matches!(glyph, FontGlyph::Outline(_));
        if let FontGlyph::Outline(outline) = glyph
            && let Some(c) = self.of_program(outline)
        {
            return Meaning::Known(BfString::Char(c));
        }
        let is_control = matches!(unsure, Some(BfString::Char(c)) if c.is_control());
        match (unsure, named) {
            // What the encoding has at the code of a blank is no letter.
            (Some(text), _) if !is_control => Meaning::Known(text),
            (Some(text), _) => match declared.encoded(code) {
                Some(c) if code > 0x20 => Meaning::Known(BfString::Char(c)),
                _ => Meaning::Known(text),
            },
            (None, Some(Named::Code(code))) if is_outline => Meaning::Guess(char::from(code)),
            (None, Some(Named::Code(code))) => Meaning::Tex(code.into()),
            (None, _) if is_outline => Meaning::Unknown,
            (None, _) => Meaning::Tex(code),
        }
    }

    /// The character that a code of a bitmap font has in TeX's fonts.
    pub(super) fn tex(&mut self, code: u32) -> Option<char> {
        self.tex.character(code)
    }

    /// Test whether bitmap fonts are taken for ones of the Cork encoding by now.
    pub(super) fn is_cork(&self) -> bool {
        self.tex.is_cork()
    }

    /// Looks for composite fonts in the resources of a page and of the forms in it. Whether any was new.
    pub(super) fn learn(&mut self, resources: &Resources<'_>, depth: u32) -> bool {
        let mut learned = false;
        for name in resources.fonts.keys() {
            let Some(font) = resources.fonts.get::<Dict<'_>>(name.as_ref()) else {
                continue;
            };
            let Some(base) = font.get::<Name<'_>>(b"BaseFont") else {
                continue;
            };
            let base = base.as_str();
            let base = base.split_once('+').filter(|(tag, _)| tag.len() == 6).map_or(base, |(_, name)| name);
            if !self.composites.contains_key(base)
                && let Some(composite) = Composite::of(&font)
            {
                self.composites.insert(base.to_owned(), composite);
                learned = true;
            }
        }
        if depth < DEEPEST_FORM {
            for name in resources.x_objects.keys().take(64) {
                let form = resources.x_objects.get::<Stream<'_>>(name.as_ref());
                if let Some(inner) = form.and_then(|form| form.dict().get::<Dict<'_>>(RESOURCES)) {
                    learned |= self.learn(&Resources::new(inner), depth + 1);
                }
            }
        }
        learned
    }

    fn of_program(&mut self, glyph: &OutlineGlyph) -> Option<char> {
        let font = glyph.font_data()?;
        let map = self.fonts.entry(font.cache_key).or_insert_with(|| {
            let bytes: &[u8] = (*font.data).as_ref();
            let mut map = sfnt(bytes);
            if map.is_empty() {
                map = cff(bytes);
            }
            map
        });
        let known = map.get(&glyph.glyph_id().to_u32()).copied();
        known.or_else(|| self.composites.get(&font.postscript_name?)?.character(glyph.char_code()))
    }
}

/// Not a stand-in for an unknown character, none that cannot be seen, and not of a private use area.
fn is_meaningful(c: char) -> bool {
    c != '\u{fffd}' && !c.is_control() && !matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

fn is_meaningful_text(text: &BfString) -> bool {
    match text {
        BfString::Char(c) => is_meaningful(*c),
        BfString::String(text) => text.chars().all(is_meaningful),
    }
}

/// Test whether a character is a radical or a compatibility form, of which fonts have one glyph with the letter that it stands for.
fn is_look_alike(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

/// A private character is better than none: the page shows something there.
fn is_plausible(text: &BfString) -> bool {
    match text {
        BfString::Char(c) => *c != '\0' && *c != '\u{fffd}',
        BfString::String(s) => !s.contains(['\0', '\u{fffd}']),
    }
}

/// Characters by glyph from the tables of a TrueType or OpenType font.
fn sfnt(bytes: &[u8]) -> FxHashMap<u32, char> {
    let mut map = FxHashMap::default();
    let Ok(font) = FontRef::new(bytes) else {
        return map;
    };
    if let Ok(cmap) = font.cmap() {
        for record in cmap.encoding_records() {
            let unicode = match (record.platform_id(), record.encoding_id()) {
                (PlatformId::Unicode, _) | (PlatformId::Windows, 1 | 10) => true,
                // Symbol fonts put their codes at U+F000; the codes are often those of Latin letters.
                (PlatformId::Windows, 0) => false,
                _ => continue,
            };
            let Ok(table) = record.subtable(cmap.offset_data()) else {
                continue;
            };
            for (code, glyph) in table.iter() {
                let code = if unicode { code } else { code & 0xff };
                if let Some(c) = char::from_u32(code).filter(|&c| is_meaningful(c)) {
                    // Of several characters with one glyph the lowest is the commonest: letters stand before most of their
                    // look-alikes.
                    let rank = |c: char| (is_look_alike(c), c);
                    let lower = |old: &mut char| *old = std::cmp::min_by_key(*old, c, |c| rank(*c));
                    map.entry(glyph.to_u32()).and_modify(lower).or_insert(c);
                }
            }
        }
    }
    if map.is_empty()
        && let Ok(post) = font.post()
    {
        for glyph in 0..post.num_glyphs().unwrap_or(0) {
            if let Some(c) = post.glyph_name(glyph.into()).and_then(agl::name_to_char) {
                map.insert(u32::from(glyph), c);
            }
        }
    }
    if map.is_empty()
        && let Ok(table) = font.cff()
    {
        map = cff(table.offset_data().as_bytes());
    }
    map
}

/// Characters by glyph from a bare CFF font: by glyph names, or by its character collection.
fn cff(bytes: &[u8]) -> FxHashMap<u32, char> {
    let mut map = FxHashMap::default();
    let Ok(font) = CffFontRef::new(bytes, 0, None) else {
        return map;
    };
    let Some(charset) = font.charset() else {
        return map;
    };
    let collection = if font.is_cid() { collection(bytes) } else { None };
    for glyph in 0..font.num_glyphs().min(1 << 16) {
        let Some(sid) = charset.string_id(GlyphId::new(glyph)) else {
            continue;
        };
        let c = if font.is_cid() {
            collection.as_ref().and_then(|cmap| match cmap.lookup_bf_string(sid.to_u16().into()) {
                Some(BfString::Char(c)) => Some(c),
                _ => None,
            })
        } else {
            font.string(sid).and_then(|name| std::str::from_utf8(name).ok()).and_then(agl::name_to_char)
        };
        if let Some(c) = c.filter(|&c| is_meaningful(c)) {
            map.insert(glyph, c);
        }
    }
    map
}

/// The map from the identifiers of a CID-keyed font's character collection to characters.
fn collection(bytes: &[u8]) -> Option<CMap> {
    // The font's string index holds the collection's name; the four that have a published map are told apart by it.
    let find = |name: &str| bytes.windows(name.len()).any(|w| w == name.as_bytes());
    let ordering = ["Japan1", "GB1", "CNS1", "Korea1"].into_iter().find(|name| find(name))?;
    let family = CidFamily::from_registry_ordering(b"Adobe", ordering.as_bytes());
    CMap::parse(load_embedded(family.ucs2_cmap()?)?, load_embedded)
}
