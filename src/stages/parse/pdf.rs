//! PDF: glyphs in content order, put together into words, lines and blocks.

use std::sync::Arc;

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt, interpret_page,
};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::ParseSettings;
use super::build::Builder;
use super::ocr::{self, Ocr, OwnText, PageText};
use crate::values::{BlockKind, Failure, FailureKind, Format, Metadata, ParsedDocument, SectionKind, SectionSource};

pub(super) fn parse(
    bytes: &[u8],
    settings: &ParseSettings,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<ParsedDocument, Failure> {
    let pdf = open(bytes, &settings.passwords).map_err(|e| match e {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Failure::new(
            FailureKind::Encrypted,
            match settings.passwords.len() {
                0 => "the file is encrypted and needs a password; put it into a file and name that with --password-file".to_owned(),
                n => format!("the file is encrypted, and none of the {n} passwords of --password-file opens it; add the right one and run again with --retry-failed"),
            },
        ),
        LoadPdfError::Decryption(_) => Failure::new(
            FailureKind::Encrypted,
            "the file is encrypted in a way that cannot be read; remove the encryption and run again",
        ),
        LoadPdfError::Invalid => Failure::new(
            FailureKind::Damaged,
            "the file is no readable PDF (no page tree can be found); fetch or copy it again",
        ),
    })?;
    let mut builder = Builder::new(SectionKind::Page);
    // One for the document: fonts are decoded once, not on every page.
    let cache = InterpreterCache::new();
    let mut broken = Vec::new();
    let mut ocr = Ocr::new(settings);
    for (number, page) in (1..).zip(pdf.pages().iter()) {
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut context = Context::new(
                page.initial_transform(true).to_kurbo(),
                Rect::new(0.0, 0.0, 1.0, 1.0),
                &cache,
                pdf.xref(),
                InterpreterSettings::default(),
            );
            let mut glyphs = Glyphs::default();
            interpret_page(page, &mut context, &mut glyphs);
            glyphs.lines
        }));
        let source = match read {
            Ok(lines) => {
                let characters = lines.iter().flat_map(|l| l.text.chars()).filter(|c| !c.is_whitespace()).count();
                match ocr.page(page, number, OwnText::Characters(characters)) {
                    PageText::Own => {
                        blocks(&lines, &mut builder);
                        SectionSource::File
                    }
                    PageText::Recognised(recognised) => {
                        ocr::add(&recognised, &mut builder);
                        SectionSource::Ocr
                    }
                    PageText::Missing => {
                        blocks(&lines, &mut builder);
                        SectionSource::NeedsOcr
                    }
                }
            }
            Err(_) => {
                broken.push(number);
                SectionSource::Unreadable("the page breaks the parser".to_owned())
            }
        };
        builder.end_section(None, source);
        progress(number as u32, pdf.pages().len() as u32);
    }
    let count = pdf.pages().len();
    if count == 0 || broken.len() == count {
        return Err(Failure::new(
            FailureKind::Damaged,
            format!("none of its {count} pages can be read; fetch or copy it again"),
        ));
    }
    builder.notes.extend(ocr.notes());
    if !broken.is_empty() {
        builder.notes.push(format!("{} cannot be read and left out", ocr::pages(&broken)));
    }
    let info = pdf.metadata();
    let text = |bytes: &Option<Box<[u8]>>| {
        let text = lopdf::decode_text_string(&lopdf::Object::string_literal(bytes.clone()?.into_vec())).ok()?;
        Some(text.trim().to_owned()).filter(|t| !t.is_empty())
    };
    let metadata = Metadata { title: text(&info.title), author: text(&info.author), language: None };
    Ok(builder.finish(Format::Pdf, metadata))
}

/// Opens the file with the empty password or one of these.
fn open(bytes: &[u8], passwords: &[String]) -> Result<Pdf, LoadPdfError> {
    let bytes = Arc::new(bytes.to_vec());
    let mut opened = Pdf::new(Arc::clone(&bytes));
    for password in passwords {
        match opened {
            Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) => {
                opened = Pdf::new_with_password(Arc::clone(&bytes), password);
            }
            _ => break,
        }
    }
    opened
}

struct Line {
    text: String,
    size: f64,
    y: f64,
}

/// Collects glyphs in content order.
#[derive(Default)]
struct Glyphs {
    lines: Vec<Line>,
    /// Where the last glyph began and ended, and its size.
    last: Option<(Point, Point, f64)>,
}

impl Glyphs {
    fn glyph(&mut self, text: &str, start: Point, end: Point, size: f64) {
        if size <= 0.0 || !size.is_finite() {
            return;
        }
        if let Some((before, after, _)) = self.last {
            let moved = (start.y - after.y).abs();
            let gap = start.x - after.x;
            // The same glyph almost at the same place is how bold is faked.
            if (start - before).hypot() < 0.05 * size && self.lines.last().is_some_and(|l| l.text.ends_with(text)) {
                return;
            }
            if moved > 0.6 * size || gap < -2.0 * size {
                self.lines.push(Line { text: String::new(), size, y: start.y });
            } else if gap > 0.18 * size
                && let Some(line) = self.lines.last_mut()
            {
                line.text.push(if gap > 2.5 * size { '\t' } else { ' ' });
            }
        } else {
            self.lines.push(Line { text: String::new(), size, y: start.y });
        }
        if let Some(line) = self.lines.last_mut() {
            line.text.push_str(text);
            line.size = line.size.max(size);
        }
        self.last = Some((start, end, size));
    }
}

impl<'a> Device<'a> for Glyphs {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for positioned in run.glyphs() {
            let transform: Affine = props.transform * positioned.transform();
            let glyph: &Glyph<'a> = positioned;
            let advance = match glyph {
                Glyph::Outline(g) => g.advance_width(),
                Glyph::Type3(g) => g.advance_width(),
            };
            let start = transform * Point::ZERO;
            let end = transform * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0);
            let size = (transform * Point::new(0.0, 1000.0) - start).hypot();
            match glyph.as_unicode() {
                Some(BfString::Char(c)) => self.glyph(c.encode_utf8(&mut [0; 4]), start, end, size),
                Some(BfString::String(s)) => self.glyph(&s, start, end, size),
                None => {}
            }
        }
    }
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// Joins lines into blocks: a larger size is a heading, a gap or a short line ends a paragraph.
fn blocks(lines: &[Line], builder: &mut Builder) {
    let mut sizes: Vec<(i64, usize)> = Vec::new();
    for line in lines {
        let size = (line.size * 2.0).round() as i64;
        match sizes.iter_mut().find(|(s, _)| *s == size) {
            Some((_, n)) => *n += line.text.len(),
            None => sizes.push((size, line.text.len())),
        }
    }
    let body = sizes.iter().max_by_key(|(size, n)| (*n, *size)).map_or(10.0, |(size, _)| *size as f64 / 2.0);
    let longest = lines.iter().map(|l| l.text.chars().count()).max().unwrap_or(0);
    let mut paragraph = String::new();
    let mut last: Option<&Line> = None;
    for line in lines.iter().filter(|l| !l.text.trim().is_empty()) {
        let gap = last.map_or(0.0, |l| (line.y - l.y).abs());
        let is_heading = line.size > 1.15 * body && line.text.chars().count() < 120;
        let is_row = line.text.contains('\t');
        let ends_before = last.is_some_and(|l| {
            gap > 1.8 * line.size.max(l.size)
                || (l.size - line.size).abs() > 0.1 * body
                || (l.text.chars().count() * 10 < longest * 7)
        });
        if ends_before || is_heading || is_row {
            builder.block(BlockKind::Paragraph, &std::mem::take(&mut paragraph), None);
        }
        if is_heading {
            builder.block(BlockKind::Heading(if line.size > 1.5 * body { 1 } else { 2 }), &line.text, None);
        } else if is_row {
            builder.block(BlockKind::TableRow, &line.text, None);
        } else {
            let text = line.text.trim();
            match paragraph.strip_suffix(['-', '\u{2010}', '\u{ad}']) {
                Some(stem) if text.starts_with(char::is_lowercase) && stem.ends_with(char::is_alphabetic) => {
                    paragraph.truncate(stem.len());
                }
                _ if !paragraph.is_empty() => paragraph.push(' '),
                _ => {}
            }
            paragraph.push_str(text);
        }
        last = Some(line);
    }
    builder.block(BlockKind::Paragraph, &paragraph, None);
}
