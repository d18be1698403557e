//! Looks at a picture before it is read: whether its text is turned or askew, its paper shaded, its ink full of specks.

use super::picture::Picture;
use super::prepare::divide_by_background;

/// Faults of a picture, as a short look tells them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Look {
    /// Degrees by which the lines fall to the right.
    pub(super) skew: f64,
    /// Lines seem to run up or down.
    pub(super) is_sideways: bool,
    /// The paper is darker in some places than in others, or not much lighter than the ink.
    pub(super) is_shaded: bool,
    /// Specks lie between the letters.
    pub(super) is_noisy: bool,
    /// Long rules run across or down the page.
    pub(super) has_rules: bool,
}

/// Smaller angles do no harm, in degrees.
const LEAST_SKEW: f64 = 0.6;

impl Look {
    pub(super) fn of(picture: &Picture) -> Self {
        let mut small = picture.reduced(3);
        let (is_shaded, has_rules) = (is_shaded(&small), has_rules(&small));
        // The edge of a shadow would pass for a line.
        if is_shaded {
            divide_by_background(&mut small);
        }
        let (skew, is_sideways) = lines_of(&small);
        Self { skew, is_sideways, is_shaded, is_noisy: is_noisy(picture), has_rules }
    }

    /// A look at a page of which the first reading was not sure: everything is tried.
    pub(super) fn doubtful(self) -> Self {
        Self { is_shaded: true, is_noisy: true, ..self }
    }

    /// Test whether nothing stands in the way of reading the picture as it is.
    pub(super) fn is_fine(&self) -> bool {
        self.skew.abs() < LEAST_SKEW && !self.is_sideways && !self.is_shaded && !self.is_noisy && !self.has_rules
    }
}

/// Most dark places whose lines are looked for.
const MOST_PLACES: usize = 60_000;

/// Widest angle that is looked for, in degrees: what is turned more was laid on its side.
const WIDEST: i32 = 9;

/// How much clearer lines have to become for an angle to be believed.
const CLEARER: f64 = 1.08;

/// Angle of the lines of a small picture, in degrees, and whether they run along its other side.
pub(super) fn lines_of(small: &Picture) -> (f64, bool) {
    let threshold = small.threshold();
    let dark = |p: u8| p <= threshold;
    let count = small.pixels.iter().filter(|&&p| dark(p)).count();
    // A page that is mostly dark is no page of text.
    if count < 200 || count * 2 > small.pixels.len() {
        return (0.0, false);
    }
    // Edges of lines are what tells: the lower and the upper ends of strokes.
    let step = count.div_ceil(MOST_PLACES);
    let dark_places = small.pixels.iter().enumerate().filter(|(_, p)| dark(**p)).step_by(step);
    let places: Vec<(f64, f64)> =
        dark_places.map(|(at, _)| ((at % small.width) as f64, (at / small.width) as f64)).collect();
    let turned: Vec<(f64, f64)> = places.iter().map(|(x, y)| (*y, -x)).collect();
    let along = steepest(&places);
    let across = steepest(&turned);
    // Columns of text have edges too; lines have many more.
    if across.1 > 1.3 * along.1 { (across.0, true) } else { (along.0, false) }
}

/// Angle at which places stand most clearly in lines, and how clearly.
fn steepest(places: &[(f64, f64)]) -> (f64, f64) {
    let straight = clearness(places, 0.0);
    let best = |angles: &mut dyn Iterator<Item = f64>| {
        angles.map(|angle| (angle, clearness(places, angle))).max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let Some((coarse, _)) = best(&mut (-2 * WIDEST..=2 * WIDEST).map(|half| f64::from(half) / 2.0)) else {
        return (0.0, straight);
    };
    match best(&mut (-5..=5).map(|tenth| coarse + f64::from(tenth) / 10.0)) {
        Some((angle, clear)) if clear > CLEARER * straight => (angle, clear),
        _ => (0.0, straight),
    }
}

/// How much the numbers of places on neighbouring lines differ, at this angle.
fn clearness(places: &[(f64, f64)], degrees: f64) -> f64 {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let heights = || places.iter().map(|(x, y)| y * cos - x * sin);
    let (low, high) = heights().fold((f64::MAX, f64::MIN), |(low, high), h| (low.min(h), high.max(h)));
    let mut counts = vec![0_u32; (high - low) as usize + 2];
    heights().for_each(|h| counts[(h - low) as usize] += 1);
    counts.windows(2).map(|pair| (f64::from(pair[0]) - f64::from(pair[1])).powi(2)).sum()
}

/// Parts of a picture, along each side, whose paper is compared.
const PARTS: usize = 8;

/// Shades by which paper may differ from part to part, and by which ink has to be darker.
const EVEN: u8 = 50;
const CONTRAST: u8 = 110;

fn is_shaded(small: &Picture) -> bool {
    let (width, height) = (small.width / PARTS, small.height / PARTS);
    if width < 4 || height < 4 {
        return false;
    }
    let mut papers: Vec<u8> = Vec::with_capacity(PARTS * PARTS);
    let mut darkest = u8::MAX;
    for part in 0..PARTS * PARTS {
        let (left, top) = (part % PARTS * width, part / PARTS * height);
        let mut shades: Vec<u8> = Vec::with_capacity(width * height);
        (top..top + height).for_each(|y| shades.extend_from_slice(&small.row(y)[left..left + width]));
        let at = |shades: &mut [u8], hundredths: usize| *shades.select_nth_unstable(shades.len() * hundredths / 101).1;
        papers.push(at(&mut shades, 85));
        darkest = darkest.min(at(&mut shades, 2));
    }
    papers.sort_unstable();
    // A picture on the page is dark in a few parts.
    let (dark, light) = (papers[papers.len() / 8], papers[papers.len() * 7 / 8]);
    let usual = papers[papers.len() / 2];
    light - dark > EVEN || (usual.saturating_sub(darkest) < CONTRAST && usual > darkest.saturating_add(20))
}

/// Difference of shade at which a pixel stands out from those beside it.
const SPIKE: i16 = 60;

/// Pixels in ten thousand that may stand out; letters and what a compression leaves around them have a few.
const USUAL_SPIKES: usize = 40;

/// Test whether many pixels differ from those on both of their sides, across and down.
fn is_noisy(picture: &Picture) -> bool {
    if picture.width < 8 || picture.height < 8 {
        return false;
    }
    let (mut spikes, mut seen) = (0_usize, 0_usize);
    for y in (1..picture.height - 1).step_by(3) {
        let (above, row, below) = (picture.row(y - 1), picture.row(y), picture.row(y + 1));
        let stands_out = |&x: &usize| {
            let shade = i16::from(row[x]);
            let off = |other: u8| shade - i16::from(other);
            let (left, right, up, down) = (off(row[x - 1]), off(row[x + 1]), off(above[x]), off(below[x]));
            let low = left.min(right).min(up).min(down);
            let high = left.max(right).max(up).max(down);
            low > SPIKE || high < -SPIKE
        };
        spikes += (1..picture.width - 1).filter(stands_out).count();
        seen += picture.width - 2;
    }
    spikes * 10_000 > seen * USUAL_SPIKES
}

/// Parts of a side that a rule is long at least.
const RULE: usize = 9;

/// Test whether a few rows, or columns, of a small picture have one long run of ink. A picture on the page has many.
fn has_rules(small: &Picture) -> bool {
    let threshold = small.threshold().min(200);
    let longest = |at: &dyn Fn(usize) -> u8, length: usize| {
        let (mut run, mut longest) = (0, 0);
        for place in 0..length {
            run = if at(place) <= threshold { run + 1 } else { 0 };
            longest = longest.max(run);
        }
        longest
    };
    let is_some = |count: usize, of: usize| count > 0 && count * 10 < of;
    let (w, h) = (small.width, small.height);
    let rows = (0..h).filter(|&y| longest(&|x| small.pixels[y * w + x], w) > w / RULE).count();
    let columns = (0..w).filter(|&x| longest(&|y| small.pixels[y * w + x], h) > w / RULE).count();
    is_some(rows, h) || is_some(columns, w)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hayro_interpret::kurbo::Affine;

    /// Lines of ink on paper, each of words of several lengths.
    fn page() -> Picture {
        let (width, height) = (400, 500);
        let mut pixels = vec![255; width * height];
        for line in 0..25 {
            // A mixing of the bits of the place: no letter stands below another by rule.
            let is_ink = |x: usize| {
                let mut mixed = (x as u32 / 5).wrapping_mul(0x9E37_79B1) ^ (line as u32).wrapping_mul(0x85EB_CA77);
                mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0xC2B2_AE3D);
                !(mixed ^ (mixed >> 13)).is_multiple_of(3)
            };
            for x in (30..370).filter(|&x| (x * 7 + line * 13) % 50 > 8 && is_ink(x)) {
                for y in 0..6 {
                    pixels[(40 + line * 17 + y) * width + x] = 20;
                }
            }
        }
        Picture { width, height, pixels, scale: 1.0, to_page: Affine::IDENTITY, turn: 0 }
    }

    #[test]
    fn the_angle_of_lines_is_seen() {
        assert_eq!(lines_of(&page()), (0.0, false));
        for degrees in [-6.0, -2.5, 1.2, 5.0] {
            let (skew, is_sideways) = lines_of(&page().level(-degrees));
            assert!((skew - degrees).abs() < 0.35 && !is_sideways, "{degrees}: {skew}");
        }
        assert!(lines_of(&page().upright(1)).1 && lines_of(&page().upright(3)).1);
        assert!(!lines_of(&page().upright(2)).1);
    }

    #[test]
    fn shadows_and_specks_are_seen_and_clean_pages_are_fine() {
        let clean = page();
        assert!(!is_shaded(&clean) && !is_noisy(&clean));
        let mut shaded = page();
        for (at, p) in shaded.pixels.iter_mut().enumerate() {
            *p = (u32::from(*p) * (100 + at as u32 % 400 / 4) / 200) as u8;
        }
        assert!(is_shaded(&shaded));
        let mut specked = page();
        (0..specked.pixels.len()).step_by(97).for_each(|at| specked.pixels[at] = 255 - specked.pixels[at]);
        assert!(is_noisy(&specked));
    }
}
