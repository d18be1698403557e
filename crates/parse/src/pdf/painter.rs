//! The painter of a page: what operators show becomes glyphs with their places.

use hayro_font::kurbo::{Affine, Point, Rect};
use hayro_syntax::object::{Dict, Name, String as PdfString};
use unicode_normalization::char::{compose, is_combining_mark};

use super::fonts::{Face, Text};
use super::glyphs::{Glyph, PageGlyphs, Picture};
use super::replacement;
use super::rules::Rules;
use super::tagged::{PageTags, Tag};
use super::unicode::Recovery;

/// Pictures that are kept of one page: strips of a scan are hundreds.
const MOST_PICTURES: usize = 4_096;

/// Collects what a page paints.
#[derive(Default)]
pub(super) struct Painter {
    out: PageGlyphs,
    space: bool,
    marked: Vec<Marked>,
    /// What the structure tree says of the page.
    tags: PageTags,
}

/// An open marked-content sequence.
struct Marked {
    artifact: bool,
    tag: Option<Tag>,
    /// Text that its glyphs stand for, as the file says, and the first of them.
    replacement: Option<(String, usize)>,
}

impl Painter {
    /// Begins a page.
    pub(super) fn begin(&mut self, tags: Option<&PageTags>) {
        self.tags = tags.cloned().unwrap_or_default();
    }

    /// Begins anew, with the room that the last page took.
    pub(super) fn clear(&mut self) {
        let PageGlyphs { mut glyphs, mut faces, .. } = std::mem::take(&mut self.out);
        glyphs.clear();
        faces.clear();
        let tags = std::mem::take(&mut self.tags);
        *self = Self { out: PageGlyphs { glyphs, faces, ..PageGlyphs::default() }, tags, ..Self::default() };
    }

    /// Marks that were painted.
    pub(super) fn painted(&mut self) -> &mut PageGlyphs {
        &mut self.out
    }

    /// Rules that were painted.
    pub(super) fn rules(&mut self) -> &mut Rules {
        &mut self.out.rules
    }

    /// Paints a picture over that part of the page.
    pub(super) fn picture(&mut self, place: Rect, dots_per_inch: f64, is_opaque: bool) {
        if self.out.pictures.len() < MOST_PICTURES && place.area() > 0.0 {
            self.out.pictures.push(Picture { place, is_opaque, dots_per_inch, after: self.out.glyphs.len() });
        }
    }

    /// Shows the text of a code; what lies beside the page or a clip is not seen.
    pub(super) fn show(&mut self, text: &Text, place: &Place, is_seen: bool, recovery: &mut Recovery) {
        self.out.shown += 1;
        if !is_seen {
            return;
        }
        match text {
            Text::Character(c) => self.add(*c, "", place),
            Text::Space => self.space = true,
            Text::String(text) => {
                let mut chars = text.chars();
                if let Some(first) = chars.next() {
                    self.add(first, chars.as_str(), place);
                }
            }
            Text::Tex(code) => match recovery.tex(*code) {
                Some(c) => {
                    self.out.guessed += 1;
                    self.add(c, "", place);
                }
                None => self.add_unknown(char::REPLACEMENT_CHARACTER, place),
            },
            Text::Guess(c) => {
                self.out.guessed += 1;
                self.add(*c, "", place);
            }
            Text::Unknown(c) => self.add_unknown(*c, place),
        }
    }

    /// Shows text without saying how.
    pub(super) fn show_plain(&mut self, text: String) {
        self.out.plain.push(text);
    }

    /// Shows something that has no size.
    pub(super) fn show_nothing(&mut self) {
        self.out.shown += 1;
    }

    /// Ends an operator that showed text of that look.
    pub(super) fn end_show(&mut self, face: Face) {
        let tag = self.marked.last().and_then(|marked| marked.tag);
        self.out.faces.push(Face { tag, ..face });
    }

    /// Writes a text along a line in letters of that size in text space, each half as wide: a text of which only the words and the
    /// place are known.
    pub(super) fn write(&mut self, text: &str, pen: &Pen, size: f64) {
        for (n, c) in text.chars().enumerate() {
            self.out.shown += 1;
            if c.is_whitespace() {
                self.space = true;
            } else {
                self.add(c, "", &pen.place(Point::new(0.5 * size * n as f64, 0.0), 500.0));
            }
        }
        self.space = true;
        self.end_show(Face::default());
    }

    fn add_unknown(&mut self, stand_in: char, place: &Place) {
        self.out.unknown += 1;
        self.add(stand_in, "", place);
    }

    pub(super) fn begin_marked_content(&mut self, tag: &[u8], properties: Option<&Dict<'_>>) {
        let is_pagination =
            || properties.and_then(|p| p.get::<Name<'_>>(b"Type")).is_some_and(|t| t.as_ref() == b"Pagination");
        // Where everything else is tagged, all that is none of the text is marked so.
        let artifact = tag == b"Artifact" && (!self.tags.tags.is_empty() || is_pagination());
        let number = properties.and_then(|p| p.get::<i32>(b"MCID"));
        let around = self.marked.last().and_then(|marked| marked.tag);
        let tag = number.and_then(|number| self.tags.tags.get(&number).copied()).or(around);
        let replacement = properties
            .and_then(|p| p.get::<PdfString<'_>>(b"ActualText"))
            .and_then(|text| super::structure::text_string(text.as_bytes()))
            .or_else(|| self.tags.replacements.get(&number?).cloned())
            .map(|text| (text, self.out.glyphs.len()));
        self.marked.push(Marked { artifact, tag, replacement });
    }

    pub(super) fn end_marked_content(&mut self) {
        let Some(Marked { replacement: Some((text, from)), .. }) = self.marked.pop() else {
            return;
        };
        replacement::replace(&mut self.out.glyphs, from, &text);
        self.space |= text.chars().all(char::is_whitespace);
    }

    fn add(&mut self, first: char, more: &str, place: &Place) {
        if more.is_empty() && self.join_accent(first, place) {
            return;
        }
        self.out.glyphs.push(Glyph {
            first,
            more: (!more.is_empty()).then(|| more.into()),
            x: place.x,
            y: place.y,
            advance: place.advance,
            size: place.size,
            turn: place.turn,
            show: self.out.faces.len() as u32,
            after_space: std::mem::take(&mut self.space),
            artifact: self.marked.iter().any(|m| m.artifact),
        });
    }

    /// True if the character is an accent painted over the letter before it, or the letter under an accent painted
    /// before it, and now makes one character with it.
    fn join_accent(&mut self, c: char, place: &Place) -> bool {
        let Some(last) = self.out.glyphs.last_mut() else {
            return false;
        };
        // Nearly all of most texts: neither is an accent.
        if c.is_ascii_alphanumeric() && last.first.is_ascii_alphanumeric() {
            return false;
        }
        if last.turn != place.turn || last.more.is_some() || self.space {
            return false;
        }
        let (x, middle) = (place.x, last.advance.max(place.advance) * 0.6);
        let apart = (last.x + last.advance / 2.0 - x - place.advance / 2.0).abs();
        let is_level = place.turn.min(3600 - place.turn) <= 30;
        if !is_level || apart > middle || (last.y - place.y).abs() > 0.6 * place.size {
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
            last.y = place.y;
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

/// Way in which an operator writes: all of its glyphs have one size and direction.
pub(super) struct Pen {
    to_page: Affine,
    /// Points for a thousandth of the font's size along the line.
    along: f32,
    size: f32,
    turn: i16,
    is_vertical: bool,
}

/// Place of a glyph.
pub(super) struct Place {
    x: f32,
    y: f32,
    advance: f32,
    size: f32,
    turn: i16,
}

impl Pen {
    /// Writes in text space, which `to_page` turns into places on the page, with letters of that width and height. Nothing if
    /// they have no size that can be seen. `em` is the height of the font's letters in sizes.
    pub(super) fn new(to_page: Affine, width: f64, height: f64, em: f64, is_vertical: bool) -> Option<Self> {
        let [a, b, c, d, x, y] = to_page.as_coeffs();
        let size = c.hypot(d) * height.abs() * em;
        if !(size > 0.1 && size < 1e5 && x.is_finite() && y.is_finite()) {
            return None;
        }
        let (a, b) = (a * width, b * width);
        let mut turn = (b.atan2(a).to_degrees() * 10.0).round() as i16;
        if is_vertical {
            turn += 900;
        }
        let along = a.hypot(b) / 1000.0;
        Some(Self { to_page, along: along as f32, size: size as f32, turn: turn.rem_euclid(3600), is_vertical })
    }

    /// The place of a glyph with its origin there in text space, `width` thousandths of the size wide.
    pub(super) fn place(&self, origin: Point, width: f32) -> Place {
        let Point { x, y } = self.to_page * origin;
        let advance = if self.is_vertical { self.size } else { width * self.along };
        Place { x: x as f32, y: y as f32, advance, size: self.size, turn: self.turn }
    }
}

impl Place {
    pub(super) fn origin(&self) -> Point {
        Point::new(self.x.into(), self.y.into())
    }
}
