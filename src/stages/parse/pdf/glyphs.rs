//! What a page paints, as far as its text needs it: glyphs with their places.

use hayro_interpret::font::{Glyph as PdfGlyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::object::dict::keys::ACTUAL_TEXT;
use hayro_interpret::hayro_syntax::object::{Dict, Name, String as PdfString};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Shape};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};
use unicode_normalization::char::{compose, is_combining_mark};

use super::unicode::{Meaning, Recovery};
use super::weight::Weights;

/// A glyph on the page. Lengths are points; `y` grows downwards.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    /// Its first character.
    pub(super) first: char,
    /// The characters after the first, where it stands for several.
    pub(super) more: Option<Box<str>>,
    /// Origin: the left end of its piece of baseline.
    pub(super) x: f32,
    pub(super) y: f32,
    /// How far writing moves on.
    pub(super) advance: f32,
    pub(super) size: f32,
    /// Direction of writing in degrees, clockwise from left to right.
    pub(super) turn: i16,
    /// Index of the operator that showed it.
    pub(super) show: u32,
    /// A space stands before it.
    pub(super) after_space: bool,
    /// The file says that it is no part of the text.
    pub(super) artifact: bool,
}

/// Letters of an operator that are measured: a single one tells little, as letters differ more than fonts.
const WEIGHED: u32 = 4;

/// What a page paints, in the order of painting.
#[derive(Default)]
pub(super) struct PageGlyphs {
    pub(super) glyphs: Vec<Glyph>,
    /// For each operator that showed text, the weight of its letters (see [`Weights::of`]), 0 if unknown.
    pub(super) weights: Vec<f32>,
    /// All glyphs that were shown, spaces and those out of sight too.
    pub(super) shown: usize,
    /// Glyphs whose character is a guess.
    pub(super) guessed: usize,
    /// Glyphs whose character nobody could tell.
    pub(super) unknown: usize,
}

/// A page whose forms draw each other may paint without end: the interpreter follows them 50 levels deep, which is 2^50
/// drawings where each draws two. Each sets a clip; no page that somebody made has set so many.
const MOST_CLIPS: usize = 1_000_000;

/// What the painter gives up with, by unwinding: the interpreter cannot be told to stop.
pub(super) struct Endless;

/// Collects what a page paints.
pub(super) struct Painter<'r> {
    out: PageGlyphs,
    clips: usize,
    /// Bounds of what can be seen: the page, then each clip inside the one before it.
    visible: Vec<Rect>,
    page: Rect,
    fonts: &'r mut Fonts,
    space: bool,
    marked: Vec<Marked>,
}

/// What is known of the fonts of a document.
#[derive(Default)]
pub(super) struct Fonts {
    pub(super) recovery: Recovery,
    weights: Weights,
}

/// An open marked-content sequence.
struct Marked {
    artifact: bool,
    /// What the file says that its glyphs stand for, and the first of them.
    replacement: Option<(String, usize)>,
}

impl<'r> Painter<'r> {
    /// For a page of that width and height.
    pub(super) fn new(width: f32, height: f32, fonts: &'r mut Fonts) -> Self {
        let page = Rect::new(0.0, 0.0, width.into(), height.into());
        Self {
            out: PageGlyphs::default(),
            clips: 0,
            // Half a line beside the page is let pass.
            visible: vec![page.inflate(6.0, 6.0)],
            page,
            fonts,
            space: false,
            marked: Vec::new(),
        }
    }

    /// What was painted.
    pub(super) fn finish(self) -> PageGlyphs {
        self.out
    }

    fn add(&mut self, text: &str, place: &Place) {
        let text = text.trim_matches(|c: char| c.is_control() || c.is_whitespace());
        let mut chars = text.chars();
        let Some(first) = chars.next() else {
            self.space = true;
            return;
        };
        let more = chars.as_str();
        if more.is_empty() && self.join_accent(first, place) {
            return;
        }
        self.out.glyphs.push(Glyph {
            first,
            more: (!more.is_empty()).then(|| more.into()),
            x: place.origin.x as f32,
            y: place.origin.y as f32,
            advance: place.advance,
            size: place.size,
            turn: place.turn,
            show: self.out.weights.len() as u32,
            after_space: std::mem::take(&mut self.space),
            artifact: self.marked.iter().any(|m| m.artifact),
        });
    }

    /// Whether the character is an accent painted over the letter before it, or the letter under an accent painted
    /// before it, and now makes one character with it.
    fn join_accent(&mut self, c: char, place: &Place) -> bool {
        let Some(last) = self.out.glyphs.last_mut() else {
            return false;
        };
        if last.turn != place.turn || last.more.is_some() || self.space {
            return false;
        }
        let (x, middle) = (place.origin.x as f32, last.advance.max(place.advance) * 0.6);
        let apart = (last.x + last.advance / 2.0 - x - place.advance / 2.0).abs();
        if place.turn != 0 || apart > middle || (last.y - place.origin.y as f32).abs() > 0.6 * place.size {
            return false;
        }
        if is_combining_mark(c) || combining(c).is_some() {
            let mark = combining(c).unwrap_or(c);
            // A spacing accent after a letter that cannot carry it is a character of its own.
            let overlaps = x < last.x + 0.7 * last.advance;
            match compose(last.first, mark) {
                Some(composed) if overlaps || is_combining_mark(c) => last.first = composed,
                _ if is_combining_mark(c) => last.more = Some(c.to_string().into()),
                _ => return false,
            }
            return true;
        }
        if let Some(mark) = combining(last.first)
            && x < last.x + 0.7 * last.advance
        {
            let base = if c == '\u{131}' { 'i' } else { c };
            let Some(composed) = compose(base, mark) else {
                return false;
            };
            last.first = composed;
            last.x = last.x.min(x);
            last.y = place.origin.y as f32;
            last.advance = last.advance.max(x + place.advance - last.x);
            last.size = place.size;
            return true;
        }
        false
    }
}

/// The combining mark that a spacing accent stands for.
fn combining(accent: char) -> Option<char> {
    Some(match accent {
        '`' | '\u{2cb}' => '\u{300}',
        '\u{b4}' | '\u{2ca}' => '\u{301}',
        '^' | '\u{2c6}' => '\u{302}',
        '~' | '\u{2dc}' => '\u{303}',
        '\u{af}' | '\u{2c9}' => '\u{304}',
        '\u{2d8}' => '\u{306}',
        '\u{2d9}' => '\u{307}',
        '\u{a8}' => '\u{308}',
        '\u{2da}' => '\u{30a}',
        '\u{2dd}' => '\u{30b}',
        '\u{2c7}' => '\u{30c}',
        '\u{b8}' => '\u{327}',
        '\u{2db}' => '\u{328}',
        _ => return None,
    })
}

struct Place {
    origin: Point,
    advance: f32,
    size: f32,
    turn: i16,
}

impl Place {
    fn of(transform: Affine, advance: f32, vertical: bool) -> Option<Self> {
        let [a, b, c, d, x, y] = transform.as_coeffs();
        let size = 1000.0 * c.hypot(d);
        if !(size > 0.1 && size < 1e5 && x.is_finite() && y.is_finite()) {
            return None;
        }
        let along = a.hypot(b);
        // Degrees; text that a scanner laid a little askew counts as straight.
        let mut turn = b.atan2(a).to_degrees().round() as i16;
        if turn.abs() <= 3 {
            turn = 0;
        }
        if vertical {
            turn += 90;
        }
        let advance = if vertical { size } else { f64::from(advance) * along };
        Some(Self { origin: Point::new(x, y), advance: advance as f32, size: size as f32, turn: turn.rem_euclid(360) })
    }
}

impl<'a> Device<'a> for Painter<'_> {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, clip: &ClipPath) {
        self.push_clip_rect(&clip.path.bounding_box());
    }
    fn push_clip_rect(&mut self, clip: &Rect) {
        self.clips += 1;
        if self.clips > MOST_CLIPS {
            std::panic::resume_unwind(Box::new(Endless));
        }
        // Letters stand out a little of the boxes made for them.
        let clip = clip.inflate(3.0, 3.0);
        self.visible.push(self.visible.last().map_or(clip, |outer| outer.intersect(clip)));
    }
    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn pop_clip(&mut self) {
        if self.visible.len() > 1 {
            self.visible.pop();
        }
    }
    fn pop_transparency_group(&mut self) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        let vertical = run.writing_mode() == WritingMode::Vertical;
        let (mut weight, mut weighed) = (0.0, 0);
        // What lies beside the page or a clip is not to be seen.
        let visible = self.visible.last().copied().unwrap_or(self.page);
        for positioned in run.glyphs() {
            let glyph: &PdfGlyph<'a> = positioned;
            self.out.shown += 1;
            let advance = match glyph {
                PdfGlyph::Outline(g) => g.advance_width(),
                PdfGlyph::Type3(g) => g.advance_width(),
            };
            let Some(place) = Place::of(props.transform * positioned.transform(), advance.unwrap_or(500.0), vertical)
            else {
                continue;
            };
            if !visible.contains(place.origin) {
                continue;
            }
            match self.fonts.recovery.text(glyph) {
                Meaning::Known(BfString::Char(c)) => {
                    if let PdfGlyph::Outline(outline) = glyph
                        && weighed < WEIGHED
                        && c.is_alphabetic()
                    {
                        weight += self.fonts.weights.of(outline);
                        weighed += 1;
                    }
                    self.add(c.encode_utf8(&mut [0; 4]), &place);
                }
                Meaning::Known(BfString::String(s)) => self.add(&s, &place),
                Meaning::Guessed(c) => {
                    self.out.guessed += 1;
                    self.add(c.encode_utf8(&mut [0; 4]), &place);
                }
                Meaning::Unknown => {
                    self.out.unknown += 1;
                    self.add("\u{fffd}", &place);
                }
            }
        }
        self.out.weights.push(if weighed > 0 { weight / weighed as f32 } else { 0.0 });
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}

    fn begin_marked_content(&mut self, tag: &[u8], properties: Option<&Dict<'_>>) {
        let artifact = tag == b"Artifact"
            && properties.and_then(|p| p.get::<Name<'_>>(b"Type")).is_some_and(|t| t.as_ref() == b"Pagination");
        let replacement = properties
            .and_then(|p| p.get::<PdfString<'_>>(ACTUAL_TEXT))
            .and_then(|text| super::structure::text_string(text.as_bytes()))
            .map(|text| (text, self.out.glyphs.len()));
        self.marked.push(Marked { artifact, replacement });
    }

    fn end_marked_content(&mut self) {
        let Some(Marked { replacement: Some((text, from)), .. }) = self.marked.pop() else {
            return;
        };
        // ISO 32000-1, 14.9.4: the text stands for all that the sequence paints. A long one (a whole paragraph) would lose
        // the places of its words.
        if text.chars().count() <= 8
            && let Some((first, rest)) = self.out.glyphs.get_mut(from..).and_then(<[Glyph]>::split_first_mut)
            && rest.iter().all(|g| g.turn == first.turn && (g.y - first.y).abs() < 0.1 * first.size)
        {
            let mut chars = text.chars();
            match chars.next() {
                Some(c) if !text.trim().is_empty() => {
                    first.first = c;
                    first.more = (!chars.as_str().is_empty()).then(|| chars.as_str().into());
                    if let Some(last) = rest.last() {
                        first.advance = last.x + last.advance - first.x;
                    }
                    self.out.glyphs.truncate(from + 1);
                }
                _ => {
                    self.out.glyphs.truncate(from);
                    self.space = true;
                }
            }
        }
    }
}
