//! A whole PDF: its pages one by one, then what only all of them together tell.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use hayro_syntax::page::Page;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::content::{self, Endless, Part};
use super::fallback::Fallback;
use super::fonts::Fonts;
use super::glyphs::Painter;
use super::headings::Faces;
use super::layers::Layers;
use super::lines::{self, LINE_END_HYPHEN, PageBlock};
use super::{fallback, furniture, structure};
use crate::ParseSettings;
use crate::archive::ZIP;
use crate::build::Builder;
use crate::formats::{Progress, Reader};
use crate::ocr::{self, Ocr, OcrLine, OwnText, Recognition};
use corpora_values::{BlockKind, Failure, FailureKind, Format, Metadata, ParsedDocument, SectionKind, SectionSource};

/// Fonts are kept for so many pages, so that a long document does not gather them all.
const PAGES_PER_FONTS: usize = 512;

/// A page with so many characters is no picture with a line of text on it; more need not be counted.
const ENOUGH_TEXT: usize = 1_000;

/// Result of reading a page.
#[derive(Default)]
struct PageText {
    blocks: Vec<PageBlock>,
    /// Lines that were recognised in its picture, in place of blocks.
    recognised: Vec<OcrLine>,
    source: SectionSource,
    /// The page paints text of which little or nothing could be read.
    is_doubtful: bool,
}

impl PageText {
    /// Has a page recognised that is a picture.
    fn or_recognised(mut self, ocr: &mut Ocr<'_>, page: &Page<'_>, number: usize) -> Self {
        let written = self.blocks.iter().flat_map(|b| b.text.chars()).filter(|c| !c.is_whitespace());
        let characters = written.take(ENOUGH_TEXT).count();
        let own = if self.is_doubtful && characters > 0 { OwnText::Garbled } else { OwnText::Characters(characters) };
        match ocr.page(page, number, own) {
            Recognition::Own => {}
            Recognition::Missing => self.source = SectionSource::NeedsOcr,
            Recognition::Recognised(lines) => {
                self = Self { recognised: lines, source: SectionSource::Ocr, ..Self::default() };
            }
        }
        self
    }
}

/// PDF: a header within the first 1,024 bytes, as readers accept it (ISO 32000-1, annex H, note 13).
pub(crate) const READER: Reader = Reader::Bytes {
    marks: |head| !head.starts_with(ZIP) && head[..head.len().min(1024)].windows(5).any(|w| w == b"%PDF-"),
    read: parse,
};

fn parse(bytes: Cow<'_, [u8]>, settings: &ParseSettings, progress: Progress<'_>) -> Result<ParsedDocument, Failure> {
    let bytes = Arc::new(bytes.into_owned());
    let pdf = open(&bytes, settings)?;
    let count = pdf.pages().len();
    let mut pages = Vec::with_capacity(count.min(1 << 16));
    let mut fonts = Fonts::new();
    let layers = Layers::of(&pdf);
    let mut painter = Painter::default();
    let mut fallback = Fallback::default();
    let mut ocr = Ocr::new(settings);
    for (index, page) in pdf.pages().iter().enumerate() {
        if index % PAGES_PER_FONTS == PAGES_PER_FONTS - 1 {
            fonts = Fonts::new();
        }
        let unreadable =
            |reason: &str| PageText { source: SectionSource::Unreadable(reason.to_owned()), ..PageText::default() };
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            read_page(page, &mut fonts, &layers, &mut painter)
        }));
        let mut read = match read {
            Ok(Ok(read)) => read,
            Ok(Err(Endless)) => unreadable("it paints without end"),
            Err(_) => {
                fonts = Fonts::new();
                unreadable("what it paints breaks the parser")
            }
        };
        if read.is_doubtful
            && let Some(lines) = fallback.lines(&bytes, index as u32 + 1)
        {
            read.blocks = lines::of_plain(&lines, page.render_dimensions());
            read.is_doubtful = false;
        }
        if read.source == SectionSource::File {
            read = read.or_recognised(&mut ocr, page, index + 1);
        }
        pages.push(read);
        progress(index as u32 + 1, count as u32);
    }
    let broken: Vec<usize> = numbers(&pages, |page| matches!(page.source, SectionSource::Unreadable(_)));
    if broken.len() == count {
        let why = pages.iter().find_map(|page| match &page.source {
            SectionSource::Unreadable(why) => Some(format!(" (of the first, {why})")),
            _ => None,
        });
        return Err(Failure::new(
            FailureKind::Damaged,
            format!("none of its {count} pages can be read{}; fetch or copy it again", why.unwrap_or_default()),
        ));
    }
    let mut builder = Builder::new(SectionKind::Page);
    builder.notes.extend(ocr.notes());
    if !broken.is_empty() {
        builder.notes.push(format!("{} cannot be read and left out", ocr::pages(&broken)));
    }
    build(&pdf, pages, &mut builder);
    let info = pdf.metadata();
    let text = |bytes: &Option<Box<[u8]>>| structure::text_string(bytes.as_ref()?);
    let metadata = Metadata { title: text(&info.title), author: text(&info.author), language: None };
    Ok(builder.finish(Format::Pdf, metadata))
}

fn open(bytes: &Arc<Vec<u8>>, settings: &ParseSettings) -> Result<Pdf, Failure> {
    let mut outcome = Pdf::new(bytes.clone());
    for password in &settings.passwords {
        if !matches!(outcome, Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected))) {
            break;
        }
        outcome = Pdf::new_with_password(bytes.clone(), password);
    }
    outcome.map_err(|e| match e {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Failure::new(
            FailureKind::Encrypted,
            if settings.passwords.is_empty() {
                "the file is encrypted and needs a password; put it into a file and run again with --password-file FILE --retry-failed".to_owned()
            } else {
                let n = settings.passwords.len();
                format!("the file is encrypted, and none of the {n} passwords of --password-file opens it; add the right one and run again with --retry-failed")
            },
        ),
        LoadPdfError::Decryption(_) => Failure::new(
            FailureKind::Encrypted,
            "the file is encrypted in a way that cannot be read; remove the encryption and run again",
        ),
        LoadPdfError::Invalid => Failure::new(
            FailureKind::Damaged,
            "the file is not a readable PDF (no page tree can be found); fetch or copy it again",
        ),
    })
}

fn read_page<'a>(
    page: &Page<'a>,
    fonts: &mut Fonts<'a>,
    layers: &Layers,
    painter: &mut Painter,
) -> Result<PageText, Endless> {
    let mut blocks = Vec::new();
    let (mut shown, mut read, mut guessed, mut unknown) = (0, 0, 0, 0);
    // Annotations lie above the page; their text comes after the page's own, in the order in which the file lists them.
    for part in [Part::Page, Part::Annotations] {
        let mut paint = |fonts: &mut Fonts<'a>| {
            painter.clear();
            content::paint(page, part, fonts, layers, painter)?;
            Ok(painter.painted().unknown > 0)
        };
        let was_cork = fonts.recovery.is_cork();
        let learned = paint(fonts)? && fonts.learn(page.resources());
        if learned || was_cork != fonts.recovery.is_cork() {
            paint(fonts)?;
        }
        let glyphs = painter.painted();
        shown += glyphs.shown;
        read += glyphs.glyphs.len();
        guessed += glyphs.guessed;
        unknown += glyphs.unknown;
        lines::blocks(glyphs, part == Part::Annotations, &mut blocks);
        let plain: Vec<String> = glyphs.plain.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        blocks.extend(lines::of_plain(&plain, page.render_dimensions()));
    }
    if guessed * 3 > read && !fallback::is_plausible(&text_of(&blocks)) {
        unknown += guessed;
    }
    // A font that cannot be loaded shows nothing at all.
    let is_doubtful = unknown * 3 > read || (shown == 0 && content::shows_text(page));
    Ok(PageText { blocks, is_doubtful, ..PageText::default() })
}

fn text_of(blocks: &[PageBlock]) -> String {
    blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// Puts the pages into the document: what a block is, which blocks are furniture, which hyphens stay.
fn build(pdf: &Pdf, mut pages: Vec<PageText>, builder: &mut Builder) {
    let blocks: Vec<Vec<PageBlock>> = pages.iter_mut().map(|page| std::mem::take(&mut page.blocks)).collect();
    let outline = structure::outline(pdf);
    let labels = structure::page_labels(pdf);
    let furniture = furniture::find(&blocks);
    let hyphenated = hyphenated_words(&blocks);
    let of_text = blocks
        .iter()
        .flatten()
        .zip(furniture.iter().flatten())
        .filter_map(|(block, furniture)| (!furniture).then_some(block));
    let faces = Faces::of(of_text, &outline);
    for (index, (blocks, page)) in blocks.into_iter().zip(pages).enumerate() {
        let number = index as u32 + 1;
        for (block, furniture) in blocks.iter().zip(&furniture[index]) {
            let kind = if *furniture { BlockKind::Furniture } else { faces.kind(block, number) };
            let text = resolve_hyphens(&block.text, &hyphenated);
            builder.block(kind, &text, Some(block.area));
        }
        ocr::add(&page.recognised, builder);
        let label = labels.as_ref().and_then(|labels| labels.get(index)).filter(|l| !l.is_empty()).cloned();
        builder.end_section(label, page.source);
    }
    builder.outline = outline;
}

/// Words that the document writes with a hyphen inside a line, in lower case.
fn hyphenated_words(pages: &[Vec<PageBlock>]) -> HashSet<String> {
    let texts = pages.iter().flatten().map(|block| block.text.as_str()).filter(|text| text.contains('-'));
    texts
        .flat_map(str::split_whitespace)
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.contains('-') && !word.contains(LINE_END_HYPHEN))
        .map(str::to_lowercase)
        .collect()
}

/// A hyphen at a line's end goes, unless the document writes the word with it elsewhere.
fn resolve_hyphens<'t>(text: &'t str, hyphenated: &HashSet<String>) -> Cow<'t, str> {
    if !text.contains(LINE_END_HYPHEN) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(LINE_END_HYPHEN) {
        out.push_str(&rest[..at]);
        let after = &rest[at + LINE_END_HYPHEN.len_utf8()..];
        let is_letter = |c: char| c.is_alphanumeric() || c == '-';
        let begin = out.char_indices().rev().take_while(|&(_, c)| is_letter(c)).last().map_or(out.len(), |(i, _)| i);
        let end = after.find(|c: char| !is_letter(c)).unwrap_or(after.len());
        if hyphenated.contains(&format!("{}-{}", &out[begin..], &after[..end]).to_lowercase()) {
            out.push('-');
        }
        rest = after;
    }
    out.push_str(rest);
    out.into()
}

/// Numbers of the pages of which something is true.
fn numbers(pages: &[PageText], is: impl Fn(&PageText) -> bool) -> Vec<usize> {
    (1..).zip(pages).filter(|(_, page)| is(page)).map(|(number, _)| number).collect()
}
