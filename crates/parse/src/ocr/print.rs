//! Pictures on a page beside its own text: whether they show print, or what nobody reads.

use hayro_syntax::page::Page;

use super::components::{Shape, Shapes};
use super::picture::{self, PAPER, Picture};

/// Resolution at which letters can be told from other things.
const COARSE: f32 = 110.0;

/// Letters that print has at least.
const LEAST_LETTERS: usize = 40;

/// Test whether a part of a page, told by places in points, shows print: ink on paper and nothing between, in rows of small shapes.
pub(crate) fn shows_print(page: &Page<'_>, is_part: impl Fn(f32, f32) -> bool) -> bool {
    let drawn = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| picture::render(page, COARSE)));
    let Ok(Ok(mut drawn)) = drawn else { return false };
    // Squares of a few pixels: places within them belong to the same part.
    const SQUARE: usize = 4;
    let (width, scale) = (drawn.width, drawn.scale);
    let mut part: Vec<u8> = Vec::with_capacity(drawn.pixels.len());
    for y in (0..drawn.height).step_by(SQUARE) {
        for x in (0..width).step_by(SQUARE) {
            let inside = is_part(x as f32 / scale, y as f32 / scale);
            for row in y..drawn.height.min(y + SQUARE) {
                let row = &mut drawn.pixels[row * width + x..row * width + width.min(x + SQUARE)];
                if inside { part.extend_from_slice(row) } else { row.fill(PAPER) }
            }
        }
    }
    is_print(&drawn, &part)
}

/// Test whether these shades, which stand in a picture whose other parts are paper, are print.
fn is_print(picture: &Picture, part: &[u8]) -> bool {
    let of_part = Picture { width: part.len(), height: 1, pixels: part.to_vec(), ..*picture };
    let threshold = of_part.threshold();
    let ink: Vec<u8> = part.iter().copied().filter(|p| *p <= threshold).collect();
    let paper: Vec<u8> = part.iter().copied().filter(|p| *p > threshold).collect();
    if ink.is_empty() || paper.is_empty() || ink.len() * 100 > part.len() * 35 {
        return false;
    }
    // Paper has one shade, or nearly so; photographs have all.
    let middle = usual(paper);
    let is_far = |p: &&u8| **p > threshold && middle.abs_diff(**p) > 40;
    if part.iter().filter(is_far).count() * 100 > part.len() * 15 || middle < threshold.saturating_add(40) {
        return false;
    }
    let shapes = Shapes::of(picture, |p| p <= threshold).shapes;
    let heights = (2.5 * picture.scale) as u32..(24.0 * picture.scale) as u32;
    let is_letter =
        |s: &&Shape| heights.contains(&s.height()) && s.width() < 4 * s.height() && s.area * 8 > s.width() * s.height();
    let mut letters: Vec<Shape> = shapes.iter().filter(is_letter).copied().collect();
    letters.sort_unstable_by_key(|s| (s.left, s.bottom));
    // Letters have another at their side, on the same line.
    let has_next = |at: usize| {
        let letter = letters[at];
        let near = letters[at + 1..].iter().take_while(|next| next.left <= letter.right + letter.height());
        near.into_iter().any(|next| {
            next.left + 1 >= letter.right
                && next.bottom.abs_diff(letter.bottom) * 4 <= letter.height()
                && next.height() < 3 * letter.height()
                && letter.height() < 3 * next.height()
        })
    };
    let in_lines = (0..letters.len()).filter(|&at| has_next(at)).count();
    in_lines >= LEAST_LETTERS && in_lines * 2 > letters.len()
}

fn usual(mut shades: Vec<u8>) -> u8 {
    let middle = shades.len() / 2;
    *shades.select_nth_unstable(middle).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use hayro_interpret::kurbo::Affine;

    fn picture(shade: impl Fn(usize, usize) -> u8) -> Picture {
        let (width, height) = (300, 200);
        let pixels = (0..width * height).map(|at| shade(at % width, at / width)).collect();
        Picture { width, height, pixels, scale: 1.5, to_page: Affine::IDENTITY, turn: 0 }
    }

    #[test]
    fn rows_of_letters_are_print_and_shades_are_none() {
        let print = picture(|x, y| if y % 16 < 7 && x % 7 < 5 && (x + y) % 3 > 0 && x % 50 > 6 { 30 } else { 240 });
        assert!(is_print(&print, &print.pixels));
        let photograph = picture(|x, y| ((x * 3 + y * 2) % 256) as u8);
        assert!(!is_print(&photograph, &photograph.pixels));
        let noise = picture(|x, y| ((x * 7919 + y * 104_729 + x * y * 31) % 251) as u8);
        assert!(!is_print(&noise, &noise.pixels));
        let blank = picture(|_, _| 250);
        assert!(!is_print(&blank, &blank.pixels));
        let chart = picture(|x, y| if x % 60 < 20 && y > 100 { 60 } else { 255 });
        assert!(!is_print(&chart, &chart.pixels));
    }
}
