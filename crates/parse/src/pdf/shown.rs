//! What of a sheet is covered by pictures, and what of these by text.

use super::glyphs::{Glyph, PageGlyphs};

/// Squares to each side of a sheet.
const SIDE: usize = 48;

/// Pixels to an inch that scans have and figures drawn for a screen have not; and share of a side that a scan of fewer covers.
const OF_SCANS: f64 = 170.0;
const WIDE: f64 = 0.85;

/// A sheet in squares.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    width: f32,
    height: f32,
    unread: Vec<bool>,
}

impl Shown {
    /// What `page` shows on a sheet of that size, as far as its pictures may be scans. Text counts that `is_text` says of.
    pub(super) fn of(page: &PageGlyphs, (width, height): (f32, f32), is_text: impl Fn(usize, &Glyph) -> bool) -> Self {
        let mut shown = Self { width, height, unread: vec![false; SIDE * SIDE] };
        for picture in &page.pictures {
            let place = picture.place;
            let is_wide = place.width() > WIDE * f64::from(width) || place.height() > WIDE * f64::from(height);
            if picture.dots_per_inch < OF_SCANS && !is_wide {
                continue;
            }
            shown.fill([place.x0, place.y0, place.x1, place.y1].map(|v| v as f32), true);
        }
        for (_, glyph) in page.glyphs.iter().enumerate().filter(|(at, glyph)| is_text(*at, glyph)) {
            // With the space around it, which other letters of its line and the next ones have.
            let (reach, x, y) = (1.2 * glyph.size, glyph.x, glyph.y - 0.3 * glyph.size);
            shown.fill([x - reach, y - reach, x + reach + glyph.advance, y + reach], false);
        }
        shown
    }

    /// Sets the squares that a rectangle touches.
    fn fill(&mut self, [left, top, right, bottom]: [f32; 4], unread: bool) {
        let square = |place: f32, length: f32| ((place / length * SIDE as f32).max(0.0) as usize).min(SIDE - 1);
        if right < 0.0 || bottom < 0.0 || left > self.width || top > self.height {
            return;
        }
        let columns = square(left, self.width)..=square(right, self.width);
        for row in square(top, self.height)..=square(bottom, self.height) {
            self.unread[row * SIDE..(row + 1) * SIDE][columns.clone()].fill(unread);
        }
    }

    /// Share of the sheet that pictures cover and text does not.
    pub(super) fn unread(&self) -> f64 {
        self.unread.iter().filter(|unread| **unread).count() as f64 / (SIDE * SIDE) as f64
    }

    /// Test whether a place is covered by a picture and not by text.
    pub(super) fn is_unread(&self, x: f32, y: f32) -> bool {
        let square = |place: f32, length: f32| ((place / length * SIDE as f32).max(0.0) as usize).min(SIDE - 1);
        self.unread[square(y, self.height) * SIDE + square(x, self.width)]
    }
}
