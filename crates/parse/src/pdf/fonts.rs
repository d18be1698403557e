//! The fonts of a document: what each of their codes stands for and how far it moves, looked up once.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use hayro_font::hayro_cmap::{BfString, load_embedded};
use hayro_font::kurbo::{Shape, Vec2};
use hayro_font::{CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn, OutlineGlyph, StandardFont};
use hayro_syntax::object::{Dict, Name};
use hayro_syntax::page::Resources;
use rustc_hash::FxHashMap;

use super::unicode::{Meaning, Recovery};

/// Fonts of a document, as far as they are known.
pub(super) struct Fonts<'a> {
    pub(super) recovery: Recovery,
    loaded: FontCache<'a>,
    fonts: HashMap<&'a [u8], Option<Rc<PageFont<'a>>>>,
    /// Font that shows text of which the font is not said.
    standard: Option<Rc<PageFont<'a>>>,
    programs: FontResolverFn,
    maps: CMapResolverFn,
}

impl<'a> Fonts<'a> {
    pub(super) fn new() -> Self {
        // Fonts that are not in the file are measured by the nearest of the fourteen that every reader has.
        let programs: FontResolverFn = Arc::new(|query| match query {
            FontQuery::Standard(font) => Some(font.get_font_data()),
            FontQuery::Fallback(wanted) => Some(wanted.pick_standard_font().get_font_data()),
        });
        Self {
            recovery: Recovery::default(),
            loaded: FontCache::new(),
            fonts: HashMap::new(),
            standard: None,
            programs,
            maps: Arc::new(load_embedded),
        }
    }

    /// The font that a dictionary describes; nothing if it cannot be loaded.
    pub(super) fn font(&mut self, dict: &Dict<'a>) -> Option<Rc<PageFont<'a>>> {
        if let Some(known) = self.fonts.get(dict.data()) {
            return known.clone();
        }
        let font = self.loaded.font(dict, &self.programs, &self.maps);
        let is_composite = dict.get::<Name<'_>>(b"Subtype").is_some_and(|name| name.as_ref() == b"Type0");
        let font = font.map(|font| Rc::new(PageFont::new(font, is_composite, false)));
        self.fonts.insert(dict.data(), font.clone());
        font
    }

    /// The font of text that names none, or one that the page does not have.
    pub(super) fn standard(&mut self) -> Option<Rc<PageFont<'a>>> {
        if self.standard.is_none() {
            let font = self.loaded.standard_font(StandardFont::Helvetica, &self.programs);
            self.standard = font.map(|font| Rc::new(PageFont::new(font, false, true)));
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

/// A font as pages use it.
pub(super) struct PageFont<'a> {
    font: Font<'a>,
    is_composite: bool,
    /// It stands in for a font that is not there; what is no ASCII was not meant for it.
    pub(super) is_substitute: bool,
    pub(super) is_vertical: bool,
    bytes: RefCell<Vec<Option<Rc<Code>>>>,
    codes: RefCell<FxHashMap<u32, Rc<Code>>>,
    weight: Cell<(f32, u32)>,
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
    Unknown,
}

impl<'a> PageFont<'a> {
    fn new(font: Font<'a>, is_composite: bool, is_substitute: bool) -> Self {
        Self {
            is_composite,
            is_substitute,
            is_vertical: !font.is_horizontal(),
            bytes: RefCell::new(vec![None; 256]),
            codes: RefCell::default(),
            weight: Cell::default(),
            font,
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
        let text = match recovery.text(&glyph) {
            Meaning::Known(BfString::Char(c)) if is_blank(c) => Text::Space,
            Meaning::Known(BfString::Char(c)) => {
                if let FontGlyph::Outline(glyph) = &glyph
                    && c.is_alphabetic()
                {
                    self.weigh(glyph);
                }
                Text::Character(c)
            }
            Meaning::Known(BfString::String(s)) => match s.trim_matches(is_blank) {
                "" => Text::Space,
                text => Text::String(text.into()),
            },
            Meaning::Tex(code) => Text::Tex(code),
            Meaning::Unknown => Text::Unknown,
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

    /// Weight of the font, seen from its letters, as PDF fonts often keep their names to themselves: the mean thickness
    /// of strokes in thousandths of the size. Text faces lie near 70, bold ones above 100; 0 if no letter is known.
    pub(super) fn weight(&self) -> f32 {
        let (sum, count) = self.weight.get();
        if count > 0 { sum / count as f32 } else { 0.0 }
    }
}

fn is_blank(c: char) -> bool {
    c.is_control() || c.is_whitespace()
}
