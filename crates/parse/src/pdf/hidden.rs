//! Text that is there to be searched and not painted: the layer that a recognition lays under a page. Where the page paints the same
//! words itself, the layer would say them twice.

use rustc_hash::FxHashMap;

use super::glyphs::{Glyph, PageGlyphs};

/// Side of the squares in which painted glyphs are looked up, in points.
const SQUARE: f32 = 16.0;

/// Drops the runs of invisible glyphs that lie over painted ones, or over other invisible ones. Those over pictures stay.
pub(super) fn drop_copies(page: &mut PageGlyphs) {
    let is_invisible = |glyph: &Glyph| page.faces.get(glyph.show as usize).is_some_and(|face| face.is_invisible);
    if !page.glyphs.iter().any(is_invisible) {
        return;
    }
    let mut covered = Covered::default();
    page.glyphs.iter().filter(|glyph| !is_invisible(glyph)).for_each(|glyph| covered.add(glyph));
    let mut keep = Vec::with_capacity(page.glyphs.len());
    for run in page.glyphs.chunk_by(|a, b| is_invisible(a) == is_invisible(b) && is_one_run(a, b)) {
        let is_copy = is_invisible(&run[0]) && run.iter().filter(|glyph| covered.holds(glyph)).count() * 2 >= run.len();
        if is_invisible(&run[0]) && !is_copy {
            run.iter().for_each(|glyph| covered.add(glyph));
        }
        keep.extend(std::iter::repeat_n(!is_copy, run.len()));
    }
    let mut kept = keep.into_iter();
    page.glyphs.retain(|_| kept.next().unwrap_or(true));
}

/// Test whether a glyph goes on the line of the one before it, in the same size.
fn is_one_run(a: &Glyph, b: &Glyph) -> bool {
    (a.y - b.y).abs() < 0.05 * a.size && (a.size - b.size).abs() < 0.01 * a.size && b.x > a.x - 0.5 * a.size
}

/// Place and size of a glyph.
struct Spot {
    x: f32,
    y: f32,
    size: f32,
}

/// Places at which glyphs stand, by the square in which they lie.
#[derive(Default)]
struct Covered {
    squares: FxHashMap<(i32, i32), Vec<Spot>>,
}

impl Covered {
    fn square(glyph: &Glyph) -> (i32, i32) {
        ((glyph.x / SQUARE) as i32, (glyph.y / SQUARE) as i32)
    }

    fn add(&mut self, glyph: &Glyph) {
        self.squares.entry(Self::square(glyph)).or_default().push(Spot { x: glyph.x, y: glyph.y, size: glyph.size });
    }

    fn holds(&self, glyph: &Glyph) -> bool {
        let (column, row) = Self::square(glyph);
        let near = (column - 1..=column + 1).flat_map(|c| (row - 1..=row + 1).map(move |r| (c, r)));
        near.filter_map(|square| self.squares.get(&square)).flatten().any(|spot| {
            let reach = 0.7 * spot.size.min(glyph.size);
            (spot.x - glyph.x).abs() < reach && (spot.y - glyph.y).abs() < reach
        })
    }
}
