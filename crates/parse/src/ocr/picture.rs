//! Pictures of pages, in shades of grey, and the ways to turn them.

use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render as rasterize};
use hayro_interpret::InterpreterSettings;
use hayro_interpret::kurbo::{Affine, Point};
use hayro_syntax::page::Page;

use super::recognition::OcrFailure;
use crate::widths::are_sized;

/// Resolution that Tesseract is made for:
/// <https://tesseract-ocr.github.io/tessdoc/ImproveQuality.html#rescaling>.
pub(super) const DOTS_PER_INCH: f32 = 300.0;

/// Most pixels of a picture: A3 at 300 dots an inch. The renderer takes 4 bytes for each.
const MOST_PIXELS: f32 = 18_000_000.0;

/// The longest side that a renderer with 16-bit coordinates and a recognition with 16-bit line lengths take.
const LONGEST_SIDE: f32 = 30_000.0;

/// White paper.
pub(super) const PAPER: u8 = 255;

/// A page, or a part of the way from it to a picture that can be read, in shades of grey.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
    /// Pixels to a point (1/72 inch).
    pub(super) scale: f32,
    /// From places on the picture to places on the page, in points.
    pub(super) to_page: Affine,
    /// Direction on the page of what runs from left to right on the picture, in tenths of a degree clockwise.
    pub(super) turn: i16,
}

impl Picture {
    pub(super) fn row(&self, y: usize) -> &[u8] {
        &self.pixels[y * self.width..][..self.width]
    }

    /// The picture in squares of `side` pixels, each what `shade` makes of its rows.
    pub(super) fn reduced(&self, side: usize) -> Self {
        let (width, height) = ((self.width / side).max(1), (self.height / side).max(1));
        let mut pixels = Vec::with_capacity(width * height);
        let (across, down) = (side.min(self.width), side.min(self.height));
        let mut sums = vec![0_u32; width];
        for y in 0..height {
            sums.fill(0);
            for row in 0..down {
                let row = self.row(y * side + row);
                for (sum, square) in sums.iter_mut().zip(row.chunks(across)) {
                    *sum += square.iter().map(|&p| u32::from(p)).sum::<u32>();
                }
            }
            let area = (across * down) as u32;
            pixels.extend(sums.iter().map(|sum| (sum / area) as u8));
        }
        let to_page = self.to_page * Affine::scale(side as f64);
        Self { width, height, pixels, scale: self.scale / side as f32, to_page, turn: self.turn }
    }

    /// The picture turned back by so many quarters, as which its text is turned clockwise.
    pub(super) fn upright(&self, quarters: u8) -> Self {
        let (w, h) = (self.width, self.height);
        let (fw, fh) = (w as f64, h as f64);
        let (width, height, step) = match quarters % 4 {
            0 => return self.clone(),
            1 => (h, w, Affine::new([0.0, 1.0, -1.0, 0.0, fw, 0.0])),
            2 => (w, h, Affine::new([-1.0, 0.0, 0.0, -1.0, fw, fh])),
            _ => (h, w, Affine::new([0.0, -1.0, 1.0, 0.0, 0.0, fh])),
        };
        let mut pixels = Vec::with_capacity(w * h);
        match quarters % 4 {
            1 => (0..height).for_each(|y| pixels.extend((0..width).map(|x| self.pixels[x * w + (w - 1 - y)]))),
            2 => pixels.extend(self.pixels.iter().rev()),
            _ => (0..height).for_each(|y| pixels.extend((0..width).map(|x| self.pixels[(h - 1 - x) * w + y]))),
        }
        let turn = (self.turn + 900 * i16::from(quarters % 4)).rem_euclid(3600);
        Self { width, height, pixels, scale: self.scale, to_page: self.to_page * step, turn }
    }

    /// The picture turned back by so many degrees, by which its text is turned clockwise. Corners are filled with paper.
    pub(super) fn level(&self, degrees: f64) -> Self {
        let (w, h) = (self.width, self.height);
        let center = Point::new(w as f64 / 2.0, h as f64 / 2.0).to_vec2();
        let step = Affine::translate(center) * Affine::rotate(degrees.to_radians()) * Affine::translate(-center);
        let [cos, sin, ..] = step.as_coeffs();
        // 16 bits before the point: pictures have fewer pixels to a side than 2^15.
        let fixed = |v: f64| (v * 65_536.0).round() as i64;
        let (dx, dy) = (fixed(cos), fixed(sin));
        let mut pixels = Vec::with_capacity(w * h);
        for y in 0..h {
            let first = step * Point::new(0.5, y as f64 + 0.5);
            let (mut sx, mut sy) = (fixed(first.x - 0.5), fixed(first.y - 0.5));
            for _ in 0..w {
                pixels.push(self.between(sx, sy));
                sx += dx;
                sy += dy;
            }
        }
        let turn = (self.turn + (degrees * 10.0).round() as i16).rem_euclid(3600);
        Self { pixels, to_page: self.to_page * step, turn, ..*self }
    }

    /// Shade between pixels; places have 16 bits behind the point.
    fn between(&self, x: i64, y: i64) -> u8 {
        let (left, top) = (x >> 16, y >> 16);
        if left < 0 || top < 0 || left + 1 >= self.width as i64 || top + 1 >= self.height as i64 {
            return PAPER;
        }
        let at = top as usize * self.width + left as usize;
        let (fx, fy) = (((x >> 8) & 0xff) as u32, ((y >> 8) & 0xff) as u32);
        let row = |at: usize| u32::from(self.pixels[at]) * (256 - fx) + u32::from(self.pixels[at + 1]) * fx;
        ((row(at) * (256 - fy) + row(at + self.width) * fy) >> 16) as u8
    }

    /// Shade that parts ink from paper best: the variance between both is greatest (Otsu, "A threshold selection method from
    /// gray-level histograms", 1979).
    pub(super) fn threshold(&self) -> u8 {
        let mut counts = [0_u64; 256];
        self.pixels.iter().for_each(|&p| counts[usize::from(p)] += 1);
        let all: u64 = counts.iter().sum();
        let sum: u64 = (0..).zip(counts).map(|(shade, count): (u64, u64)| shade * count).sum();
        let (mut below, mut sum_below, mut best) = (0_u64, 0_u64, (0.0_f64, 127_u8));
        for (shade, count) in (0..=255_u8).zip(counts) {
            below += count;
            sum_below += u64::from(shade) * count;
            let above = all - below;
            if below == 0 || above == 0 {
                continue;
            }
            let apart = sum_below as f64 / below as f64 - (sum - sum_below) as f64 / above as f64;
            let between = below as f64 * above as f64 * apart * apart;
            if between > best.0 {
                best = (between, shade);
            }
        }
        best.1
    }
}

/// The pixels of a page, as a viewer shows it, and how many there are to a point. A large page gets fewer.
fn pixels(page: &Page<'_>, dots_per_inch: f32) -> Result<(Pixmap, f32), OcrFailure> {
    if !are_sized(page) {
        return Err(OcrFailure::NoPicture("a font of it has more widths than there are characters"));
    }
    let (width, height) = page.render_dimensions();
    let scale =
        scale(width, height, dots_per_inch).ok_or(OcrFailure::NoPicture("it has no size that could be drawn"))?;
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    // One for each page: a cache for the document would hold every glyph and picture of it.
    let cache = RenderCache::new();
    let pixmap = rasterize(page, &cache, &InterpreterSettings::default(), &RenderSettings::default(), &settings);
    Ok((pixmap, scale))
}

/// A page in colours, for people.
pub(crate) struct Drawing {
    /// PNG file.
    pub(crate) png: Vec<u8>,
    /// Width and height in pixels.
    pub(crate) size: (u32, u32),
    /// Pixels to a point.
    pub(crate) scale: f32,
}

/// A page in colours for people.
///
/// # Errors
/// If the page has no size.
pub(crate) fn for_people(page: &Page<'_>, dots_per_inch: f32) -> Result<Drawing, OcrFailure> {
    let (pixmap, scale) = pixels(page, dots_per_inch)?;
    let size = (pixmap.width().into(), pixmap.height().into());
    let png = pixmap.into_png().map_err(|_| OcrFailure::NoPicture("its picture cannot be written"))?;
    Ok(Drawing { png, size, scale })
}

/// The picture of a page in shades of grey, to be read.
pub(super) fn render(page: &Page<'_>, dots_per_inch: f32) -> Result<Picture, OcrFailure> {
    let (pixmap, scale) = pixels(page, dots_per_inch)?;
    // The weights of ITU-R BT.601 (<https://www.itu.int/rec/R-REC-BT.601>), in 256ths.
    let grey = |p: &hayro::vello_cpu::color::PremulRgba8| {
        ((u32::from(p.r) * 77 + u32::from(p.g) * 150 + u32::from(p.b) * 29) >> 8) as u8
    };
    let pixels = pixmap.data().iter().map(grey).collect();
    let to_page = Affine::scale(1.0 / f64::from(scale));
    Ok(Picture { width: pixmap.width().into(), height: pixmap.height().into(), pixels, scale, to_page, turn: 0 })
}

/// Pixels to a point for a page of this size in points; none if it has no size.
fn scale(width: f32, height: f32, dots_per_inch: f32) -> Option<f32> {
    if !(width.is_finite() && height.is_finite() && width >= 1.0 && height >= 1.0) {
        return None;
    }
    let scale =
        (dots_per_inch / 72.0).min((MOST_PIXELS / (width * height)).sqrt()).min(LONGEST_SIDE / width.max(height));
    (width * scale >= 1.0 && height * scale >= 1.0).then_some(scale)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A picture of these rows, `#` being ink.
    pub(in super::super) fn drawn(rows: &[&str]) -> Picture {
        let pixels: Vec<u8> =
            rows.iter().flat_map(|row| row.bytes().map(|b| if b == b'#' { 0 } else { PAPER })).collect();
        let (width, height) = (rows[0].len(), rows.len());
        Picture { width, height, pixels, scale: 1.0, to_page: Affine::IDENTITY, turn: 0 }
    }

    #[test]
    fn pictures_stay_small_whatever_size_a_page_claims() {
        let scale = |width, height| scale(width, height, DOTS_PER_INCH);
        assert_eq!(scale(595.0, 842.0), Some(300.0 / 72.0));
        for (width, height) in [(1e6, 1e6), (14_400.0, 14_400.0), (100_000.0, 10.0), (1.0, 1.0)] {
            let scale = scale(width, height).unwrap();
            assert!(width * height * scale * scale <= MOST_PIXELS * 1.01, "{width} x {height}");
            assert!(width.max(height) * scale <= LONGEST_SIDE * 1.01);
        }
        for nothing in [0.0, f32::NAN, f32::INFINITY] {
            assert_eq!(scale(nothing, 100.0), None);
        }
        assert_eq!(scale(3e38, 1.0), None);
    }

    #[test]
    fn a_picture_that_is_turned_knows_where_its_places_lie_on_the_page() {
        let picture = drawn(&["#..", "...", "...", "..."]);
        for quarters in 0..4 {
            let turned = picture.upright(quarters);
            let at = turned.pixels.iter().position(|&p| p == 0).unwrap();
            let place = Point::new((at % turned.width) as f64 + 0.5, (at / turned.width) as f64 + 0.5);
            let back = turned.to_page * place;
            assert!((back - Point::new(0.5, 0.5)).hypot() < 1e-9, "{quarters}: {back:?}");
            assert_eq!(turned.turn, 900 * i16::from(quarters));
        }
        let mut wide = drawn(&["....................."; 21]);
        wide.pixels[10 * 21 + 15] = 0;
        // What is turned by 90 degrees as a whole and what is turned by quarters is turned alike.
        let level = wide.level(90.0);
        let at = level.pixels.iter().position(|&p| p < 128).unwrap();
        let back = level.to_page * Point::new((at % 21) as f64 + 0.5, (at / 21) as f64 + 0.5);
        assert!((back - Point::new(15.5, 10.5)).hypot() < 1.0, "{back:?}");
    }

    #[test]
    fn ink_is_parted_from_paper_by_its_shades() {
        let mut picture = drawn(&["........"; 8]);
        picture.pixels.iter_mut().enumerate().for_each(|(n, p)| *p = if n % 5 == 0 { 60 } else { 170 });
        assert!((60..170).contains(&picture.threshold()));
    }
}
