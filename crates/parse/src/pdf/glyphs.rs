//! Marks that a page paints, as far as its text needs them: glyphs with their places.

use hayro_font::kurbo::Rect;

use super::fonts::Face;
use super::rules::Rules;

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
    /// Distance that writing moves on.
    pub(super) advance: f32,
    pub(super) size: f32,
    /// Direction of writing in tenths of a degree, clockwise from left to right.
    pub(super) turn: i16,
    /// Index of the operator that showed it.
    pub(super) show: u32,
    /// A space stands before it.
    pub(super) after_space: bool,
    /// The file says that it is no part of the text.
    pub(super) artifact: bool,
}

/// A picture on the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture {
    pub(super) place: Rect,
    /// Nothing under it can be seen.
    pub(super) is_opaque: bool,
    /// Its pixels to an inch.
    pub(super) dots_per_inch: f64,
    /// Number of glyphs that were painted before it.
    pub(super) after: usize,
}

/// Marks that a page paints, in the order of painting.
#[derive(Default)]
pub(super) struct PageGlyphs {
    pub(super) glyphs: Vec<Glyph>,
    /// Text that the page shows without saying how.
    pub(super) plain: Vec<String>,
    /// For each operator that showed text, the look of its letters.
    pub(super) faces: Vec<Face>,
    /// Lines across and down the page.
    pub(super) rules: Rules,
    pub(super) pictures: Vec<Picture>,
    /// All glyphs that were shown, spaces and those out of sight too.
    pub(super) shown: usize,
    /// Glyphs whose character is a guess.
    pub(super) guessed: usize,
    /// Glyphs whose character nobody could tell.
    pub(super) unknown: usize,
}
