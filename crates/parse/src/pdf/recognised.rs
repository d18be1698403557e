//! Words that were recognised in the picture of a page, beside those that the file has.

use rustc_hash::FxHashMap;

use super::fonts::Face;
use super::glyphs::{Glyph, PageGlyphs};
use super::words::is_ideographic;
use crate::ocr::{OcrWord, PageReading};

/// Side of the squares in which the file's own text is looked up, in points.
const SQUARE: f32 = 24.0;

/// Adds the words of a reading that do not stand where the file has text of its own. How many.
pub(super) fn add(page: &mut PageGlyphs, reading: &PageReading) -> usize {
    let own = Own::of(&page.glyphs);
    let mut count = 0;
    let mut before: Option<char> = None;
    for word in &reading.words {
        let last = before.filter(|_| !word.begins_line);
        before = word.text.chars().next_back();
        if !own.covers(word) {
            add_word(page, word, last);
            count += 1;
        }
    }
    if reading.quarters == 0 {
        reading.rules.iter().for_each(|(from, to)| page.rules.line(*from, *to));
    }
    page.shown += count;
    count
}

/// Adds a word, letter by letter. `before` is the last character of the word before it on its line.
fn add_word(page: &mut PageGlyphs, word: &OcrWord, before: Option<char>) {
    let count = word.text.chars().filter(|c| !c.is_whitespace()).count().max(1);
    let advance = word.width / count as f32;
    let (sin, cos) = (f32::from(word.turn) / 10.0).to_radians().sin_cos();
    let show = page.faces.len() as u32;
    page.faces.push(Face { recognised: Some(word.confidence), ..Face::default() });
    let mut is_apart = false;
    let mut n = 0;
    for c in word.text.chars() {
        if c.is_whitespace() {
            is_apart = true;
            continue;
        }
        let along = advance * n as f32;
        // Scripts without spaces between words have none between their words here.
        let is_parted = n == 0 && before.is_some_and(|last| !(is_ideographic(last) && is_ideographic(c)));
        page.glyphs.push(Glyph {
            first: c,
            more: None,
            x: word.x + along * cos,
            y: word.y + along * sin,
            advance,
            size: word.size,
            turn: word.turn,
            show,
            after_space: is_parted || std::mem::take(&mut is_apart),
            artifact: false,
        });
        n += 1;
    }
}

/// Boxes of the file's own glyphs, by the squares in which they lie.
struct Own {
    squares: FxHashMap<(i32, i32), Vec<[f32; 4]>>,
}

impl Own {
    fn of(glyphs: &[Glyph]) -> Self {
        let mut squares: FxHashMap<(i32, i32), Vec<[f32; 4]>> = FxHashMap::default();
        for glyph in glyphs {
            let (x, y, reach) = (glyph.x, glyph.y, glyph.advance.max(0.3 * glyph.size));
            let place = [x, y - glyph.size, x + reach, y + 0.3 * glyph.size];
            squares.entry(square(x, y)).or_default().push(place);
        }
        Self { squares }
    }

    /// Test whether a word stands where own text does: its ends and its middle tell.
    fn covers(&self, word: &OcrWord) -> bool {
        if self.squares.is_empty() {
            return false;
        }
        let (sin, cos) = (f32::from(word.turn) / 10.0).to_radians().sin_cos();
        let (up_x, up_y) = (0.25 * word.size * sin, -0.25 * word.size * cos);
        let is_own = |part: f32| {
            let (x, y) = (word.x + part * word.width * cos + up_x, word.y + part * word.width * sin + up_y);
            self.holds(x, y)
        };
        [0.15, 0.5, 0.85].into_iter().filter(|part| is_own(*part)).count() >= 2
    }

    fn holds(&self, x: f32, y: f32) -> bool {
        let (column, row) = square(x, y);
        let near = (column - 1..=column + 1).flat_map(|c| (row - 1..=row + 1).map(move |r| (c, r)));
        near.filter_map(|square| self.squares.get(&square))
            .flatten()
            .any(|[left, top, right, bottom]| (*left..*right).contains(&x) && (*top..*bottom).contains(&y))
    }
}

fn square(x: f32, y: f32) -> (i32, i32) {
    ((x / SQUARE).floor() as i32, (y / SQUARE).floor() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, x: f32, y: f32, begins_line: bool) -> OcrWord {
        OcrWord { text: text.into(), x, y, width: 30.0, size: 10.0, turn: 0, confidence: 90, begins_line }
    }

    #[test]
    fn what_the_file_says_itself_is_not_said_again() {
        let mut page = PageGlyphs::default();
        let first = PageReading { words: vec![word("moth", 100.0, 100.0, true)], ..PageReading::default() };
        assert_eq!(add(&mut page, &first), 1);
        let words = vec![word("noth", 101.0, 101.0, true), word("gate", 140.0, 100.5, false)];
        assert_eq!(add(&mut page, &PageReading { words, ..PageReading::default() }), 1);
        let shown: String = page.glyphs.iter().map(|glyph| glyph.first).collect();
        assert_eq!(shown, "mothgate");
        assert!((page.glyphs[7].x - 162.5).abs() < 0.01 && page.glyphs[4].after_space);
    }
}
