//! Text that is there to be searched and not painted: the layer that a recognition lays under a page. Where the page paints the same
//! words itself, the layer would say them twice.

use hayro_font::kurbo::Point;
use rustc_hash::FxHashMap;

use super::fallback;
use super::glyphs::{Glyph, PageGlyphs};
use corpora_values::english;

/// Side of the squares in which painted glyphs are looked up, in points.
const SQUARE: f32 = 16.0;

/// Of a sheet, what a picture has to cover for the text under it to be a layer.
const MOST_OF_SHEET: f64 = 0.5;

/// Finds text that an opaque picture, painted after it, covers: nobody sees it either.
pub(super) fn find_covered(page: &mut PageGlyphs, (width, height): (f32, f32)) {
    let PageGlyphs { glyphs, faces, pictures, .. } = page;
    let sheet = f64::from(width) * f64::from(height);
    for picture in pictures.iter().filter(|picture| picture.is_opaque && picture.place.area() > MOST_OF_SHEET * sheet) {
        for glyph in glyphs.iter().take(picture.after) {
            let is_under = picture.place.contains(Point::new(glyph.x.into(), glyph.y.into()));
            if let Some(face) = faces.get_mut(glyph.show as usize).filter(|_| is_under) {
                face.is_invisible = true;
            }
        }
    }
}

/// Letters of a layer from which on it can be judged.
const ENOUGH_LETTERS: usize = 40;

/// Test whether the invisible text of a page is none in any language: a layer of another page, in another encoding, or read badly.
pub(super) fn is_wrong(page: &PageGlyphs) -> bool {
    let mut text = String::new();
    let mut before: Option<&Glyph> = None;
    for glyph in &page.glyphs {
        if !page.faces.get(glyph.show as usize).is_some_and(|face| face.is_invisible) {
            continue;
        }
        let is_apart = before.is_some_and(|last| {
            glyph.after_space
                || (glyph.y - last.y).abs() > 0.5 * last.size
                || glyph.x - last.x - last.advance > 0.25 * last.size
        });
        if is_apart {
            text.push(' ');
        }
        text.push(glyph.first);
        text.extend(glyph.more.iter().flat_map(|more| more.chars()));
        before = Some(glyph);
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    if letters < ENOUGH_LETTERS {
        return false;
    }
    let Some(language) = whatlang::detect(&text).filter(whatlang::Info::is_reliable) else { return true };
    let latin = text.chars().filter(char::is_ascii_alphabetic).count();
    if latin * 2 <= letters {
        return false;
    }
    let words = Words::of(&text);
    let is_unknown = language.lang() == whatlang::Lang::Eng && words.known * 2 < words.all;
    // Of short words nearly all stand in a text again and again; of broken ones each is broken in its own way.
    let is_broken = words.odd * 100 > (words.all + words.odd) * MOST_ODD
        || (words.short >= ENOUGH_SHORT && words.repeated * 100 < words.short * LEAST_REPEATED);
    is_unknown || is_broken || !fallback::is_plausible(&text)
}

/// Words with signs or figures between letters that a text has at most, in hundredths.
const MOST_ODD: usize = 12;

/// Short words from which on their share that stands there again tells something, and that share, in hundredths.
const ENOUGH_SHORT: usize = 80;
const LEAST_REPEATED: usize = 35;

/// Words of a text, counted.
#[derive(Default)]
struct Words {
    /// Of letters alone.
    all: usize,
    /// Of these, those that ordinary English has.
    known: usize,
    /// Of two to four letters.
    short: usize,
    /// Of these, those that stand there more than once.
    repeated: usize,
    /// With signs or figures between letters.
    odd: usize,
}

impl Words {
    fn of(text: &str) -> Self {
        let mut words = Self::default();
        let mut counts: FxHashMap<String, usize> = FxHashMap::default();
        for word in text.split_whitespace() {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            let letters = word.chars().filter(|c| c.is_alphabetic()).count();
            if letters < 2 {
                continue;
            }
            let is_sign = |c: char| !c.is_alphabetic() && !matches!(c, '-' | '\'' | '\u{2019}' | '\u{2010}');
            if word.contains(is_sign) {
                words.odd += 1;
                continue;
            }
            let lower = word.to_lowercase();
            words.all += 1;
            words.known += usize::from(english::per_million(&lower) > 0.0);
            if letters <= 4 {
                *counts.entry(lower).or_default() += 1;
            }
        }
        words.short = counts.values().sum();
        words.repeated = counts.values().filter(|count| **count > 1).sum();
        words
    }
}

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
