//! How heavy a font is, seen from its letters: PDF fonts often keep their names to themselves.

use std::collections::HashMap;

use hayro_interpret::font::OutlineGlyph;
use hayro_interpret::kurbo::Shape;

/// Remembers the letters that were measured.
#[derive(Default)]
pub(super) struct Weights {
    /// By the letters' own hashes, which need no second hashing against an adversary: the worst of a collision is a heading.
    known: HashMap<u128, f32, rustc_hash::FxBuildHasher>,
}

impl Weights {
    /// The mean thickness of a letter's strokes in thousandths of its font's size: twice its ink over the length of its
    /// outline. Text faces lie near 70, bold ones above 100.
    pub(super) fn of(&mut self, glyph: &OutlineGlyph) -> f32 {
        *self.known.entry(glyph.identifier().cache_key()).or_insert_with(|| {
            let outline = glyph.outline();
            let around = outline.perimeter(1.0);
            if around > 0.0 { (2.0 * outline.area().abs() / around) as f32 } else { 0.0 }
        })
    }
}
