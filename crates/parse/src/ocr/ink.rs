//! What a page shows beside its text, by its operators: pictures, and shapes of the size of letters.

use crate::widths::are_sized;
use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::kurbo::{Affine, BezPath, Rect, Shape};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt, interpret_page,
};
use hayro_syntax::page::Page;

/// Of a page's area, what pictures have to cover on a page without text.
const COVERED_WITHOUT_TEXT: f64 = 0.15;

/// The same on a page that has a little.
const COVERED_WITH_LITTLE: f64 = 0.5;

/// Shapes of the size of letters from which on a page without text is taken for text that was turned into outlines.
const OUTLINED_LETTERS: usize = 60;

/// Heights of letters, in points.
const LETTER_HEIGHTS: std::ops::Range<f64> = 3.0..40.0;

/// Test whether a page with `characters` of own text shows what only the eye can read.
pub(crate) fn is_picture(page: &Page<'_>, characters: usize) -> bool {
    if !are_sized(page) {
        return false;
    }
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
