//! Pictures made better to read: background divided away, specks and rules removed, lines laid level.

use hayro_interpret::kurbo::Point;

use super::components::{Shape, Shapes};
use super::look::{Look, lines_of};
use super::picture::{PAPER, Picture};

/// A picture that was prepared, with the rules that were taken out of it, as their ends on the page.
pub(super) struct Prepared {
    pub(super) picture: Picture,
    pub(super) rules: Vec<(Point, Point)>,
}

/// Prepares a picture against the faults that a look at it has told.
pub(super) fn prepare(picture: &Picture, look: &Look) -> Prepared {
    let mut made = if look.is_noisy { softened(picture) } else { picture.clone() };
    if look.is_shaded || look.is_noisy {
        divide_by_background(&mut made);
    }
    if look.is_noisy {
        remove_specks(&mut made);
    }
    // Shadows and specks hide the lines from the first look.
    let skew = if look.is_shaded || look.is_noisy { lines_of(&made.reduced(3)).0 } else { look.skew };
    let mut made = if skew.abs() > 0.15 { made.level(skew) } else { made };
    let rules = remove_rules(&mut made);
    Prepared { picture: made, rules }
}

/// The picture through a small Gaussian filter (1 2 1 across and down).
fn softened(picture: &Picture) -> Picture {
    let (w, h) = (picture.width, picture.height);
    let mut pixels = Vec::with_capacity(w * h);
    for y in 0..h {
        let (above, row, below) = (picture.row(y.saturating_sub(1)), picture.row(y), picture.row((y + 1).min(h - 1)));
        let column = |x: usize| u16::from(above[x]) + 2 * u16::from(row[x]) + u16::from(below[x]);
        let mut last = column(0);
        let mut here = last;
        for x in 0..w {
            let next = column((x + 1).min(w - 1));
            pixels.push(((last + 2 * here + next) / 16) as u8);
            (last, here) = (here, next);
        }
    }
    Picture { pixels, ..*picture }
}

/// Side of the squares in which the paper is looked for, in pixels.
const SQUARE: usize = 8;

/// Squares around one that are looked at for paper: letters of any size end within them.
const REACH: usize = 4;

/// Makes paper white and ink black everywhere: divides by the shade of the paper around each place.
pub(super) fn divide_by_background(picture: &mut Picture) {
    let squares = background(picture);
    let (columns, rows) = (squares.width, squares.height);
    let mut table = vec![PAPER; columns];
    let mut darkest = [0_usize; 256];
    for y in 0..picture.height {
        // Between the middles of squares the shade of the paper changes evenly.
        let place = (y as f32 / SQUARE as f32 - 0.5).clamp(0.0, (rows - 1) as f32);
        let (upper, part) = (place as usize, place.fract());
        let lower = (upper + 1).min(rows - 1);
        for (x, paper) in table.iter_mut().enumerate() {
            let (a, b) = (f32::from(squares.row(upper)[x]), f32::from(squares.row(lower)[x]));
            *paper = (a + (b - a) * part) as u8;
        }
        let row = &mut picture.pixels[y * picture.width..][..picture.width];
        for (x, p) in row.iter_mut().enumerate() {
            let place = (x as i32 - SQUARE as i32 / 2).clamp(0, ((columns - 1) * SQUARE) as i32) as u32;
            let (left, part) = (place as usize / SQUARE, place % SQUARE as u32);
            let right = (left + 1).min(columns - 1);
            let paper =
                (u32::from(table[left]) * (SQUARE as u32 - part) + u32::from(table[right]) * part) / SQUARE as u32;
            *p = (u32::from(*p) * 255 / paper.max(24)).min(255) as u8;
            darkest[usize::from(*p)] += 1;
        }
    }
    stretch(picture, &darkest);
}

/// The shade of the paper in each square: the lightest around that is no speck, smoothed.
fn background(picture: &Picture) -> Picture {
    let (columns, rows) = (picture.width.div_ceil(SQUARE), picture.height.div_ceil(SQUARE));
    let mut light = vec![0_u8; columns * rows];
    for y in 0..rows {
        for x in 0..columns {
            let mut shades: Vec<u8> = Vec::with_capacity(SQUARE * SQUARE);
            for row in (y * SQUARE..picture.height.min((y + 1) * SQUARE)).map(|y| picture.row(y)) {
                shades.extend_from_slice(&row[x * SQUARE..picture.width.min((x + 1) * SQUARE)]);
            }
            let at = shades.len() * 3 / 4;
            light[y * columns + x] = *shades.select_nth_unstable(at).1;
        }
    }
    // Closing: no ink is as wide as the reach, but for pictures, whose own shade does no harm there.
    let spread = |squares: &[u8], best: fn(u8, u8) -> u8| {
        let across: Vec<u8> = around(squares, columns, rows, 1, columns, best);
        around(&across, rows, columns, columns, 1, best)
    };
    let closed = spread(&spread(&light, u8::max), u8::min);
    let mut pixels = Vec::with_capacity(closed.len());
    for y in 0..rows {
        for x in 0..columns {
            let mut near: Vec<u8> = Vec::with_capacity(25);
            for v in y.saturating_sub(2)..rows.min(y + 3) {
                near.extend_from_slice(&closed[v * columns + x.saturating_sub(2)..v * columns + columns.min(x + 3)]);
            }
            let middle = near.len() / 2;
            pixels.push(*near.select_nth_unstable(middle).1);
        }
    }
    Picture { width: columns, height: rows, pixels, ..*picture }
}

/// The best shade within reach of each square, along lines of `length` squares that lie `step` apart, `lines` of them `stride` apart.
fn around(squares: &[u8], length: usize, lines: usize, step: usize, stride: usize, best: fn(u8, u8) -> u8) -> Vec<u8> {
    let mut out = squares.to_vec();
    for line in 0..lines {
        for at in 0..length {
            let near = at.saturating_sub(REACH)..length.min(at + REACH + 1);
            let shades = near.map(|at| squares[line * stride + at * step]);
            out[line * stride + at * step] = shades.reduce(best).unwrap_or(PAPER);
        }
    }
    out
}

/// Share of ink, in thousandths, that is made black.
const BLACK: usize = 10;

/// Stretches the shades from that of the ink to that of the paper.
fn stretch(picture: &mut Picture, counts: &[usize; 256]) {
    let enough = picture.pixels.len() * BLACK / 1000;
    let mut seen = 0;
    let ink = counts.iter().position(|count| {
        seen += count;
        seen >= enough
    });
    let ink = ink.unwrap_or(0).min(200) as u32;
    // Paper that is a little darker than the paper around it stays paper.
    let span = 235 - ink;
    let table: Vec<u8> = (0..256_u32).map(|p| (p.saturating_sub(ink) * 255 / span).min(255) as u8).collect();
    picture.pixels.iter_mut().for_each(|p| *p = table[usize::from(*p)]);
}

/// Shades from which on a pixel is no ink, where the paper is white.
const MIDDLE: u8 = 128;

/// Of the height of small letters, the side of the largest speck.
const SPECK: f64 = 0.2;

/// The usual height of small letters among shapes, in pixels, and how many shapes are letters.
fn letters(shapes: &[Shape], scale: f32) -> Option<(f64, usize)> {
    // Print is 4 to 40 points high.
    let heights = (4.0 * scale * 0.45) as u32..(40.0 * scale) as u32;
    let is_letter = |s: &&Shape| {
        heights.contains(&s.height()) && s.width() < 3 * s.height() && s.height() < 8 * s.width() && s.area > s.height()
    };
    let mut found: Vec<u32> = shapes.iter().filter(is_letter).map(Shape::height).collect();
    let middle = found.len() / 2;
    (found.len() >= 20).then(|| (f64::from(*found.select_nth_unstable(middle).1), found.len()))
}

/// Removes specks of ink, and of paper in letters, if there are more of them than letters.
fn remove_specks(picture: &mut Picture) {
    let ink = Shapes::of(picture, |p| p < MIDDLE);
    let Some((height, count)) = letters(&ink.shapes, picture.scale) else { return };
    let largest = (SPECK * height).powi(2) as u32;
    let specks = ink.shapes.iter().filter(|shape| shape.area <= largest).count();
    if specks < count {
        return;
    }
    fill(picture, &ink, largest, PAPER);
    let paper = Shapes::of(picture, |p| p >= MIDDLE);
    fill(picture, &paper, largest / 2, 0);
}

/// Gives all shapes that are not larger a shade, with a rim of a pixel.
fn fill(picture: &mut Picture, shapes: &Shapes, largest: u32, shade: u8) {
    for run in shapes.runs.iter().filter(|run| shapes.shapes[run.shape as usize].area <= largest) {
        let (from, to) = (run.from.saturating_sub(1) as usize, picture.width.min(run.to as usize + 1));
        let rows = run.y.saturating_sub(1) as usize..picture.height.min(run.y as usize + 2);
        for y in rows {
            for p in &mut picture.pixels[y * picture.width + from..y * picture.width + to] {
                // The rim of a speck of ink is darker than paper and lighter than letters.
                if shade == PAPER && *p > MIDDLE / 2 || y == run.y as usize {
                    *p = shade;
                }
            }
        }
    }
}

/// Heights of letters from which on a straight run of ink is a rule: across, where words may run together, and down, where no letter
/// is as high.
const LONG: f64 = 8.0;
const HIGH: f64 = 4.5;

/// Points from which on it is one, however small the letters seem.
const LEAST_LENGTH: f64 = 22.0;

/// Takes rules out of a picture whose lines are level, and tells where they were on the page.
fn remove_rules(picture: &mut Picture) -> Vec<(Point, Point)> {
    let threshold = picture.threshold().min(200);
    let shapes = Shapes::of(picture, |p| p <= threshold);
    let Some((height, _)) = letters(&shapes.shapes, picture.scale) else { return Vec::new() };
    let thick = (0.4 * height).max(2.0) as usize;
    let mut rules = Vec::new();
    let mut found: Vec<(bool, Band)> = Vec::new();
    for is_down in [false, true] {
        let (length, lines) = if is_down { (picture.height, picture.width) } else { (picture.width, picture.height) };
        let ink = |line: usize, at: usize| {
            let place = if is_down { at * picture.width + line } else { line * picture.width + at };
            picture.pixels[place] <= threshold
        };
        let long = (if is_down { HIGH } else { LONG } * height).max(LEAST_LENGTH * f64::from(picture.scale));
        let bands = bands(length, lines, long as usize, ink);
        found.extend(bands.into_iter().filter(|band| band.last - band.first < thick).map(|band| (is_down, band)));
    }
    for (is_down, band) in &found {
        erase(picture, *is_down, band, threshold);
        let middle = (band.first + band.last + 1) as f64 / 2.0;
        let end = |at: usize| {
            let place = if *is_down { Point::new(middle, at as f64) } else { Point::new(at as f64, middle) };
            picture.to_page * place
        };
        rules.push((end(band.from), end(band.to)));
    }
    rules
}

/// Long runs of ink on neighbouring lines.
struct Band {
    from: usize,
    to: usize,
    first: usize,
    last: usize,
}

/// The bands of long runs along lines of `length` pixels. A rule of a scan is a little rough: gaps of two pixels do not end it.
fn bands(length: usize, lines: usize, long: usize, ink: impl Fn(usize, usize) -> bool) -> Vec<Band> {
    let mut done: Vec<Band> = Vec::new();
    let mut open: Vec<Band> = Vec::new();
    for line in 0..lines {
        let mut at = 0;
        while at < length {
            if !ink(line, at) {
                at += 1;
                continue;
            }
            let (from, mut end) = (at, at);
            while at < length && at - end <= 3 {
                if ink(line, at) {
                    end = at + 1;
                }
                at += 1;
            }
            if end - from < long {
                continue;
            }
            let near = open.iter_mut().find(|band| band.last + 2 >= line && band.from < end && from < band.to);
            match near {
                Some(band) => {
                    (band.from, band.to) = (band.from.min(from), band.to.max(end));
                    band.last = line;
                }
                None => open.push(Band { from, to: end, first: line, last: line }),
            }
        }
        let ended = open.extract_if(.., |band| band.last + 2 < line);
        done.extend(ended);
    }
    done.extend(open);
    done
}

/// Makes a band paper, but where a stroke of a letter crosses it.
fn erase(picture: &mut Picture, is_down: bool, band: &Band, threshold: u8) {
    let lines = if is_down { picture.width } else { picture.height };
    let width = picture.width;
    let place = |line: usize, at: usize| if is_down { at * width + line } else { line * width + at };
    let (first, last) = (band.first.saturating_sub(1), (band.last + 1).min(lines - 1));
    for at in band.from..band.to {
        let beside = |line: Option<usize>| {
            line.filter(|line| *line < lines).is_some_and(|line| picture.pixels[place(line, at)] <= threshold)
        };
        if beside(first.checked_sub(1)) && beside(Some(last + 1)) {
            continue;
        }
        for line in first..=last {
            picture.pixels[place(line, at)] = PAPER;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hayro_interpret::kurbo::Affine;

    /// Rows of letters, 8 pixels high.
    fn page(width: usize, height: usize) -> Picture {
        let mut pixels = vec![PAPER; width * height];
        for line in 0..(height - 20) / 20 {
            for letter in 0..(width - 20) / 10 {
                for y in 0..8 {
                    for x in [0, 1, 4, 5] {
                        pixels[(12 + line * 20 + y) * width + 10 + letter * 10 + x] = 10;
                    }
                    (0..6).for_each(|x| pixels[(15 + line * 20) * width + 10 + letter * 10 + x] = 10);
                }
            }
        }
        Picture { width, height, pixels, scale: 1.0, to_page: Affine::IDENTITY, turn: 0 }
    }

    fn dark(picture: &Picture) -> Vec<bool> {
        picture.pixels.iter().map(|&p| p < MIDDLE).collect()
    }

    #[test]
    fn a_shadow_is_divided_away() {
        let clean = page(200, 200);
        let mut shaded = clean.clone();
        for (at, p) in shaded.pixels.iter_mut().enumerate() {
            *p = (u32::from(*p) * (90 + at as u32 % 200 / 2) / 250) as u8;
        }
        divide_by_background(&mut shaded);
        assert_eq!(dark(&shaded), dark(&clean));
    }

    #[test]
    fn specks_go_and_letters_stay() {
        let clean = page(200, 200);
        let mut specked = clean.clone();
        (0..specked.pixels.len()).step_by(83).for_each(|at| specked.pixels[at] = 0);
        remove_specks(&mut specked);
        let wrong = dark(&specked).iter().zip(dark(&clean)).filter(|(a, b)| **a != *b).count();
        assert!(wrong * 200 < specked.pixels.len(), "{wrong}");
        let mut untouched = clean.clone();
        remove_specks(&mut untouched);
        assert_eq!(untouched.pixels, clean.pixels);
    }

    #[test]
    fn rules_go_and_what_stands_between_them_stays() {
        let clean = page(300, 200);
        let mut ruled = clean.clone();
        for at in 5..295 {
            ruled.pixels[25 * 300 + at] = 0;
            ruled.pixels[26 * 300 + at] = 0;
        }
        (5..195).for_each(|at| ruled.pixels[at * 300 + 7] = 0);
        let rules = remove_rules(&mut ruled);
        assert_eq!(dark(&ruled), dark(&clean));
        assert_eq!(rules.len(), 2, "{rules:?}");
        assert!(rules.contains(&(Point::new(5.0, 26.0), Point::new(295.0, 26.0))), "{rules:?}");
    }
}
