//! The fonts of a document: what each of their codes stands for and how far it moves, looked up once.

use std::cell::{Cell, RefCell};
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

use hayro_font::hayro_cmap::{BfString, load_embedded};
use hayro_font::kurbo::{Shape, Vec2};
use hayro_font::{CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn, OutlineGlyph, StandardFont};
use hayro_syntax::object::{Dict, Name};
use hayro_syntax::page::Resources;
use rustc_hash::{FxBuildHasher, FxHashMap};

use unicode_normalization::UnicodeNormalization;

use super::codes::UnknownCodes;
use super::encoding::Declared;
use super::tagged::Tag;
use super::unicode::{Meaning, Recovery};
use crate::widths::is_sized;

/// Fonts of a document, as far as they are known.
pub(super) struct Fonts<'a> {
    pub(super) recovery: Recovery,
    loaded: FontCache<'a>,
    fonts: FxHashMap<&'a [u8], Option<Rc<PageFont<'a>>>>,
    /// Font that shows text of which the font is not said.
    standard: Option<Rc<PageFont<'a>>>,
    programs: FontResolverFn,
    maps: CMapResolverFn,
    unknown: UnknownCodes,
}

impl<'a> Fonts<'a> {
    /// Those of a document, of which none is known yet but the codes that nothing explains.
    pub(super) fn new(unknown: &UnknownCodes) -> Self {
        // Fonts that are not in the file are measured by the nearest of the fourteen that every reader has.
        let programs: FontResolverFn = Arc::new(|query| match query {
            FontQuery::Standard(font) => Some(font.get_font_data()),
            FontQuery::Fallback(wanted) => Some(wanted.pick_standard_font().get_font_data()),
        });
        Self {
            recovery: Recovery::default(),
            loaded: FontCache::new(),
            fonts: FxHashMap::default(),
            standard: None,
            programs,
            maps: Arc::new(load_embedded),
            unknown: unknown.clone(),
        }
    }

    /// The font that a dictionary describes; nothing if it cannot be loaded.
    pub(super) fn font(&mut self, dict: &Dict<'a>) -> Option<Rc<PageFont<'a>>> {
        if let Some(known) = self.fonts.get(dict.data()) {
            return known.clone();
        }
        let font = if is_sized(dict) { self.loaded.font(dict, &self.programs, &self.maps) } else { None };
        let font = font.map(|font| Rc::new(PageFont::new(font, dict, &self.unknown)));
        self.fonts.insert(dict.data(), font.clone());
        font
    }

    /// The font of text that names none, or one that the page does not have.
    pub(super) fn standard(&mut self) -> Option<Rc<PageFont<'a>>> {
        if self.standard.is_none() {
            let font = self.loaded.standard_font(StandardFont::Helvetica, &self.programs);
            self.standard = font.map(|font| {
                let font = PageFont::new(font, &Dict::empty(), &self.unknown);
                Rc::new(PageFont { is_substitute: true, ..font })
            });
        }
        self.standard.clone()
    }

    /// Learns from the fonts of a page how others write the same characters. Whether there was something to learn.
    pub(super) fn learn(&mut self, resources: &Resources<'_>) -> bool {
        let learned = self.recovery.learn(resources, 0);
        if learned {
            self.fonts.clear();
        }
        learned
    }
}

/// Letters of a font that are measured: one tells little, as letters differ more than fonts.
const WEIGHED: u32 = 8;

/// Letters of which the widths tell whether all are the same.
const ENOUGH_LETTERS: u32 = 4;

/// Width of the middle one of a font's letters, in thousandths of the size.
const USUAL_ADVANCE: f64 = 500.0;

/// Look of the letters that an operator shows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Face {
    /// Mean thickness of strokes in thousandths of the size. Text faces lie near 70, bold ones above 100; 0 if no letter is known.
    pub(super) weight: f32,
    /// All letters are equally wide: a typewriter's.
    pub(super) is_fixed: bool,
    pub(super) is_italic: bool,
    /// Its name says that it is bold.
    pub(super) is_named_bold: bool,
    /// It is there to be searched, and not painted (ISO 32000-1, 9.3.6).
    pub(super) is_invisible: bool,
    /// Certainty of the recognition that has read it, from 0 to 100; none where the file says it.
    pub(super) recognised: Option<u8>,
    /// What the author says that the text is.
    pub(super) tag: Option<Tag>,
}

/// Widths of letters seen so far.
#[derive(Debug, Clone, Copy, Default)]
struct Pitch {
    narrowest: f32,
    widest: f32,
    letters: u32,
    /// One of them is narrower or wider than most in fonts whose letters differ.
    has_telling: bool,
}

/// A font as pages use it.
pub(super) struct PageFont<'a> {
    font: Font<'a>,
    is_composite: bool,
    /// It stands in for a font that is not there; what is no ASCII was not meant for it.
    pub(super) is_substitute: bool,
    pub(super) is_vertical: bool,
    /// Height of its letters in sizes: 1, but for Type 3 fonts whose glyph space is another than that of all others.
    pub(super) em: f64,
    is_italic: bool,
    is_named_bold: bool,
    declared: Declared,
    pitch: Cell<Pitch>,
    bytes: RefCell<Vec<Option<Rc<Code>>>>,
    codes: RefCell<FxHashMap<u32, Rc<Code>>>,
    weight: Cell<(f32, u32)>,
    /// Number that it has among the fonts of the document.
    number: u64,
    unknown: UnknownCodes,
}

/// Meaning and measures of a font's code. Lengths are thousandths of the font's size.
pub(super) struct Code {
    /// Distance that writing moves on, along and across the line.
    pub(super) step: Vec2,
    /// Place of the glyph's origin, from the place of writing.
    pub(super) origin: Vec2,
    /// The width of its box.
    pub(super) width: f32,
    pub(super) text: Text,
}

/// The text of a code.
pub(super) enum Text {
    Character(char),
    String(Box<str>),
    Space,
    /// The character that the given code has in TeX's fonts.
    Tex(u32),
    /// A character that something less than the file's word speaks for.
    Guess(char),
    /// Nobody knows; the character stands for the code until its words tell.
    Unknown(char),
}

impl<'a> PageFont<'a> {
    fn new(font: Font<'a>, dict: &Dict<'a>, unknown: &UnknownCodes) -> Self {
        let name = |key: &[u8]| dict.get::<Name<'_>>(key).map(|name| name.as_str().to_ascii_lowercase());
        let subtype = dict.get::<Name<'_>>(b"Subtype");
        let is = |kind: &[u8]| subtype.as_ref().is_some_and(|name| name.as_ref() == kind);
        let (is_composite, is_type_3) = (is(b"Type0"), is(b"Type3"));
        let base = name(b"BaseFont").unwrap_or_default();
        let descriptor = dict.get::<Dict<'_>>(b"FontDescriptor").unwrap_or_default();
        let slant = descriptor.get::<f32>(b"ItalicAngle").unwrap_or(0.0);
        let mut made = Self {
            is_composite,
            is_substitute: false,
            is_vertical: !font.is_horizontal(),
            em: 1.0,
            is_italic: ["italic", "oblique"].iter().any(|word| base.contains(word)) || slant.abs() > 2.0,
            is_named_bold: ["bold", "black", "heavy"].iter().any(|word| base.contains(word)),
            declared: Declared::of(dict, is_composite),
            pitch: Cell::default(),
            bytes: RefCell::new(vec![None; 256]),
            codes: RefCell::default(),
            weight: Cell::default(),
            font,
            number: FxBuildHasher.hash_one(dict.data()),
            unknown: unknown.clone(),
        };
        if is_type_3 {
            made.measure();
        }
        made
    }

    /// Measures a Type 3 font by its widths, as its glyph space may be any (ISO 32000-1, 9.6.5).
    fn measure(&mut self) {
        let mut widths: Vec<f64> =
            (0..256).map(|code| self.font.code_advance(code).x.abs()).filter(|w| *w > 0.0).collect();
        widths.sort_unstable_by(f64::total_cmp);
        let (Some(first), Some(last)) = (widths.first(), widths.last()) else {
            return;
        };
        if widths.len() >= 3 && last - first < 0.005 * last {
            let (narrowest, widest) = (*first as f32, *last as f32);
            self.pitch.set(Pitch { narrowest, widest, letters: ENOUGH_LETTERS, has_telling: true });
        }
        // Letters are half as wide as high, on average. A font that comes near that is measured like all others.
        let em = widths[widths.len() / 2] / USUAL_ADVANCE;
        if !(0.4..2.5).contains(&em) {
            self.em = em;
        }
    }

    /// The code at the beginning of a string, and how many bytes it has.
    pub(super) fn first_code(&self, bytes: &[u8]) -> Option<(u32, usize)> {
        let first = *bytes.first()?;
        Some(if self.is_composite { self.font.read_code(bytes, 0) } else { (first.into(), 1) })
    }

    pub(super) fn code(&self, code: u32, recovery: &mut Recovery) -> Rc<Code> {
        let slot = code as usize;
        if let Some(Some(known)) = self.bytes.borrow().get(slot) {
            return Rc::clone(known);
        }
        if let Some(known) = self.codes.borrow().get(&code) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.look_up(code, recovery));
        match self.bytes.borrow_mut().get_mut(slot) {
            Some(slot) => *slot = Some(Rc::clone(&found)),
            None => _ = self.codes.borrow_mut().insert(code, Rc::clone(&found)),
        }
        found
    }

    fn look_up(&self, code: u32, recovery: &mut Recovery) -> Code {
        let glyph = self.font.glyph(self.font.map_code(code), code);
        let width = match &glyph {
            FontGlyph::Outline(glyph) => glyph.advance_width().unwrap_or(500.0),
            FontGlyph::Type3(glyph) => glyph.advance_width(),
        };
        let text = match recovery.text(&glyph, &self.declared) {
            Meaning::Known(BfString::Char(c)) if is_blank(c) => Text::Space,
            Meaning::Known(BfString::Char(c)) => {
                if let FontGlyph::Outline(glyph) = &glyph
                    && c.is_alphabetic()
                {
                    self.weigh(glyph);
                    self.measure_letter(c, width);
                }
                Text::Character(as_written(c))
            }
            Meaning::Known(BfString::String(s)) => match s.trim_matches(is_blank) {
                "" => Text::Space,
                text => Text::String(text.chars().map(as_written).collect::<String>().into()),
            },
            Meaning::Guess(c) => Text::Guess(c),
            // TeX's typewriter fonts have ASCII where its other fonts have quotation marks and dashes.
            Meaning::Tex(code) if self.is_fixed() && (0x21..0x7f).contains(&code) => match char::from_u32(code) {
                Some(c) => Text::Guess(c),
                None => Text::Tex(code),
            },
            Meaning::Tex(code) => Text::Tex(code),
            // A glyph without ink is a space, whatever its code is.
            Meaning::Unknown if is_blank_glyph(&glyph) => Text::Space,
            Meaning::Unknown => Text::Unknown(self.unknown.character(self.number, code)),
        };
        Code { step: self.font.code_advance(code), origin: self.font.origin_displacement(code), width, text }
    }

    /// Measures the strokes of a letter: twice its ink over the length of its outline.
    fn weigh(&self, letter: &OutlineGlyph) {
        let (sum, count) = self.weight.get();
        if count == WEIGHED {
            return;
        }
        let outline = letter.outline();
        let around = outline.perimeter(1.0);
        if around > 0.0 {
            self.weight.set((sum + (2.0 * outline.area().abs() / around) as f32, count + 1));
        }
    }

    /// Measures the width of a letter.
    fn measure_letter(&self, c: char, width: f32) {
        let Pitch { narrowest, widest, letters, has_telling } = self.pitch.get();
        self.pitch.set(Pitch {
            narrowest: if letters == 0 { width } else { narrowest.min(width) },
            widest: widest.max(width),
            letters: letters.saturating_add(1),
            has_telling: has_telling || "fijlmrtwIJMW".contains(c),
        });
    }

    /// Test whether all letters are equally wide, as far as is known.
    fn is_fixed(&self) -> bool {
        let Pitch { narrowest, widest, letters, has_telling } = self.pitch.get();
        letters >= ENOUGH_LETTERS && has_telling && widest - narrowest < 0.02 * widest
    }

    /// The look of its letters, as far as it is known by now.
    pub(super) fn face(&self) -> Face {
        Face {
            weight: self.weight(),
            is_fixed: self.is_fixed(),
            is_italic: self.is_italic,
            is_named_bold: self.is_named_bold,
            is_invisible: false,
            recognised: None,
            tag: None,
        }
    }

    /// Weight of the font, seen from its letters, as PDF fonts often keep their names to themselves: the mean thickness
    /// of strokes in thousandths of the size. Text faces lie near 70, bold ones above 100; 0 if no letter is known.
    fn weight(&self) -> f32 {
        let (sum, count) = self.weight.get();
        if count > 0 { sum / count as f32 } else { 0.0 }
    }
}

/// The character that a reader takes a painted one for: U+00AD is seen, and so a hyphen; a radical is the ideograph of its shape.
fn as_written(c: char) -> char {
    match c {
        '\u{ad}' => '-',
        '\u{2e80}'..='\u{2fdf}' => std::iter::once(c).nfkc().next().unwrap_or(c),
        c => c,
    }
}

fn is_blank_glyph(glyph: &FontGlyph<'_>) -> bool {
    matches!(glyph, FontGlyph::Outline(glyph) if glyph.outline().elements().is_empty())
}

fn is_blank(c: char) -> bool {
    c.is_control() || c.is_whitespace()
}
