//! Pages as pictures: whether a page is one, and the picture of a page.

use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render as rasterize};
use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::kurbo::{Affine, BezPath, Rect, Shape};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt, interpret_page,
};
use hayro_syntax::page::Page;

use super::recognition::OcrFailure;

/// Characters from which on a page speaks for itself. Fewer beside a picture are a stamp or a page number on a scan.
pub(super) const LITTLE_TEXT: usize = 40;

/// Of a page's area, what pictures have to cover on a page without text.
const COVERED_WITHOUT_TEXT: f64 = 0.15;

/// The same on a page that has a little.
const COVERED_WITH_LITTLE: f64 = 0.5;

/// Shapes of the size of letters from which on a page without text is taken for text that was turned into outlines.
const OUTLINED_LETTERS: usize = 60;

/// Heights of letters, in points.
const LETTER_HEIGHTS: std::ops::Range<f64> = 3.0..40.0;

/// Resolution that Tesseract is made for:
/// <https://tesseract-ocr.github.io/tessdoc/ImproveQuality.html#rescaling>.
const DOTS_PER_INCH: f32 = 300.0;

/// Most pixels of a picture: A3 at 300 dots an inch. The renderer takes 4 bytes for each.
const MOST_PIXELS: f32 = 18_000_000.0;

/// The longest side that a renderer with 16-bit coordinates and a recognition with 16-bit line lengths take.
const LONGEST_SIDE: f32 = 30_000.0;

/// A page in shades of grey.
pub(super) struct Picture {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
    /// Pixels to a point (1/72 inch).
    pub(super) scale: f32,
}

/// Test whether a page with `characters` of own text shows what only the eye can read.
pub(super) fn is_picture(page: &Page<'_>, characters: usize) -> bool {
    let (width, height) = page.render_dimensions();
    let sheet = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let mut ink = Ink { sheet, covered: 0.0, letters: 0 };
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let cache = InterpreterCache::new();
        let transform = page.initial_transform(true).to_kurbo();
        let mut context = Context::new(transform, sheet, &cache, page.xref(), InterpreterSettings::default());
        interpret_page(page, &mut context, &mut ink);
    }));
    let covered = ink.covered / sheet.area();
    // A page that breaks the interpreter breaks the renderer too.
    read.is_ok()
        && match characters {
            0..=2 => covered >= COVERED_WITHOUT_TEXT || ink.letters >= OUTLINED_LETTERS,
            _ => covered >= COVERED_WITH_LITTLE,
        }
}

/// Measures what a page shows beside its text.
struct Ink {
    sheet: Rect,
    /// Area of images, each counted where it lies on the page.
    covered: f64,
    /// Shapes and nameless glyphs of the size of letters.
    letters: usize,
}

impl<'a> Device<'a> for Ink {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        if !matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..)) {
            return;
        }
        let bounds = props.transform.transform_rect_bbox(path.bounding_box()).intersect(self.sheet);
        if LETTER_HEIGHTS.contains(&bounds.height()) && bounds.width() > 0.5 && bounds.width() < LETTER_HEIGHTS.end {
            self.letters += 1;
        }
    }
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, _: DrawProps<'a>, mode: &DrawMode) {
        if !matches!(mode, DrawMode::Invisible) {
            self.letters += run
                .glyphs()
                .iter()
                .filter(|positioned| {
                    let glyph: &Glyph<'a> = positioned;
                    glyph.as_unicode().is_none()
                })
                .count();
        }
    }
    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        let own = Rect::new(0.0, 0.0, f64::from(image.width()), f64::from(image.height()));
        let transform: Affine = props.transform;
        let area = transform.transform_rect_bbox(own).intersect(self.sheet).area();
        if area.is_finite() && area > 0.0 {
            self.covered += area;
        }
    }
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// The picture of a page, as a viewer shows it. A large page gets fewer pixels to the point.
pub(super) fn render(page: &Page<'_>) -> Result<Picture, OcrFailure> {
    let (width, height) = page.render_dimensions();
    let scale = scale(width, height).ok_or(OcrFailure::NoPicture("it has no size that could be drawn"))?;
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    // One for each page: a cache for the document would hold every glyph and picture of it.
    let cache = RenderCache::new();
    let pixmap = rasterize(page, &cache, &InterpreterSettings::default(), &RenderSettings::default(), &settings);
    // The weights of ITU-R BT.601 (<https://www.itu.int/rec/R-REC-BT.601>), in 256ths.
    let grey = |p: &hayro::vello_cpu::color::PremulRgba8| {
        ((u32::from(p.r) * 77 + u32::from(p.g) * 150 + u32::from(p.b) * 29) >> 8) as u8
    };
    let pixels = pixmap.data().iter().map(grey).collect();
    Ok(Picture { width: pixmap.width().into(), height: pixmap.height().into(), pixels, scale })
}

/// Pixels to a point for a page of this size in points; none if it has no size.
fn scale(width: f32, height: f32) -> Option<f32> {
    if !(width.is_finite() && height.is_finite() && width >= 1.0 && height >= 1.0) {
        return None;
    }
    let scale =
        (DOTS_PER_INCH / 72.0).min((MOST_PIXELS / (width * height)).sqrt()).min(LONGEST_SIDE / width.max(height));
    (width * scale >= 1.0 && height * scale >= 1.0).then_some(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stay_small_whatever_size_a_page_claims() {
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
}
