//! A whole PDF: its pages one by one, then what only all of them together tell.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use hayro_syntax::page::Page;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::content::{self, Endless};
use super::fallback::Fallback;
use super::fonts::Fonts;
use super::headings::Faces;
use super::layers::Layers;
use super::lines::{self, PageBlock};
use super::painter::Painter;
use super::{
    annotations, contents, definitions, fallback, furniture, headings, hidden, hyphens, notes, structure, tables,
};
use crate::ParseSettings;
use crate::archive::ZIP;
use crate::build::Builder;
use crate::formats::{Progress, Reader};
use crate::ocr::{self, Ocr, OcrLine, OcrMode, OwnText, Recognition};
use corpora_values::{
    BlockKind, Failure, FailureKind, Format, Metadata, ParsedDocument, SectionKind, SectionSource, Table,
};

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
    doubt: Doubt,
}

/// Reasons for which the text of a page may not be what the page shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Doubt {
    #[default]
    None,
    /// Many of its characters are guesses: whether they are right shows in what they spell, over the whole document.
    Guessed,
    /// The page paints text of which little or nothing could be read.
    Unread,
}

impl PageText {
    /// Has a page recognised that is a picture.
    fn or_recognised(mut self, ocr: &mut Ocr<'_>, page: &Page<'_>, number: usize) -> Self {
        let written = self.blocks.iter().flat_map(|b| b.text.chars()).filter(|c| !c.is_whitespace());
        let characters = written.take(ENOUGH_TEXT).count();
        let own = if self.doubt == Doubt::Unread && characters > 0 {
            OwnText::Garbled
        } else {
            OwnText::Characters(characters)
        };
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

/// PDF: a header within the first 1,024 bytes, as readers accept it (ISO 32000-1, annex H, note 13), or later in the head of the file
/// a whole line of one.
pub(crate) const READER: Reader = Reader::Bytes { marks: has_header, read: parse };

fn has_header(head: &[u8]) -> bool {
    let is_line = |line: &[u8]| match line {
        [b'%', b'P', b'D', b'F', b'-', major, b'.', minor, rest @ ..] => {
            major.is_ascii_digit() && minor.is_ascii_digit() && matches!(rest, [] | [b'\r'])
        }
        _ => false,
    };
    !head.starts_with(ZIP)
        && (head[..head.len().min(1024)].windows(5).any(|w| w == b"%PDF-") || head.split(|b| *b == b'\n').any(is_line))
}

fn parse(bytes: Cow<'_, [u8]>, settings: &ParseSettings, progress: Progress<'_>) -> Result<ParsedDocument, Failure> {
    let bytes = Arc::new(bytes.into_owned());
    let pdf = open(&bytes, settings)?;
    let places = structure::places(&pdf);
    let count = places.len();
    if count == 0 {
        let message = "its page tree leads to no page: it is empty, or runs in circles; a program that repairs PDF files may find the pages";
        return Err(Failure::new(FailureKind::Damaged, message));
    }
    let mut pages = read_pages(&pdf, &places, settings, progress);
    judge_guesses(&mut pages);
    let mut fallback = Fallback::default();
    let mut ocr = Ocr::new(settings);
    for (index, (read, place)) in pages.iter_mut().zip(&places).enumerate() {
        let Some(page) = place.and_then(|place| pdf.pages().get(place)) else { continue };
        if read.doubt == Doubt::Unread || read.blocks.is_empty() || settings.ocr.mode == OcrMode::Force {
            // What comes now may take long, or be the last that this process does.
            progress(index as u32, count as u32);
        }
        if read.doubt == Doubt::Unread
            && let Some(lines) = fallback.lines(&bytes, index as u32 + 1)
        {
            read.blocks = lines::of_plain(&lines, page.render_dimensions());
            read.doubt = Doubt::None;
        }
        if read.source == SectionSource::File {
            *read = std::mem::take(read).or_recognised(&mut ocr, page, index + 1);
        }
        // The reading of the file has been told already; recognition takes its time.
        if read.source != SectionSource::File {
            progress(index as u32 + 1, count as u32);
        }
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
    builder.notes.extend(settings.left_out.iter().map(|(number, reason)| format!("page {number}: {reason}")));
    builder.notes.extend(structure::remark(&pdf).map(str::to_owned));
    build(&pdf, &places, pages, &mut builder);
    let info = pdf.metadata();
    let text = |bytes: &Option<Box<[u8]>>| structure::text_string(bytes.as_ref()?);
    let language = structure::language(&pdf);
    let metadata = Metadata { title: text(&info.title), author: text(&info.author), language };
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

/// Reads the pages one by one; one that cannot be read keeps its place.
fn read_pages(pdf: &Pdf, places: &[Option<usize>], settings: &ParseSettings, progress: Progress<'_>) -> Vec<PageText> {
    let mut pages = Vec::with_capacity(places.len().min(1 << 16));
    let mut fonts = Fonts::new();
    let layers = Layers::of(pdf);
    let mut painter = Painter::default();
    progress(0, places.len() as u32);
    for (index, place) in places.iter().enumerate() {
        if index % PAGES_PER_FONTS == PAGES_PER_FONTS - 1 {
            fonts = Fonts::new();
        }
        let unreadable =
            |reason: &str| PageText { source: SectionSource::Unreadable(reason.to_owned()), ..PageText::default() };
        if let Some(reason) = settings.left_out.get(&(index as u32 + 1)) {
            pages.push(unreadable(reason));
            progress(index as u32 + 1, places.len() as u32);
            continue;
        }
        let Some(page) = place.and_then(|place| pdf.pages().get(place)) else {
            pages.push(unreadable("the file does not hold it, though its page tree names it"));
            continue;
        };
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            read_page(page, &mut fonts, &layers, &mut painter)
        }));
        pages.push(match read {
            Ok(Ok(read)) => read,
            Ok(Err(Endless)) => unreadable("it paints without end"),
            Err(_) => {
                fonts = Fonts::new();
                unreadable("what it paints breaks the parser")
            }
        });
        progress(index as u32 + 1, places.len() as u32);
    }
    pages
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
    for is_above in [false, true] {
        let mut paint = |fonts: &mut Fonts<'a>| {
            painter.clear();
            if is_above {
                annotations::paint(page, fonts, layers, painter)?;
            } else {
                content::paint(page, fonts, layers, painter)?;
            }
            Ok(painter.painted().unknown > 0)
        };
        let was_cork = fonts.recovery.is_cork();
        let learned = paint(fonts)? && fonts.learn(page.resources());
        if learned || was_cork != fonts.recovery.is_cork() {
            paint(fonts)?;
        }
        let glyphs = painter.painted();
        hidden::drop_copies(glyphs);
        shown += glyphs.shown;
        read += glyphs.glyphs.len();
        guessed += glyphs.guessed;
        unknown += glyphs.unknown;
        lines::blocks(glyphs, is_above, &mut blocks);
        let plain: Vec<String> = glyphs.plain.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
        blocks.extend(lines::of_plain(&plain, page.render_dimensions()));
    }
    // A font that cannot be loaded shows nothing at all.
    let doubt = if unknown * 3 > read || (shown == 0 && content::shows_text(page)) {
        Doubt::Unread
    } else if (guessed + unknown) * 3 > read {
        Doubt::Guessed
    } else {
        Doubt::None
    };
    Ok(PageText { blocks, doubt, ..PageText::default() })
}

/// Judges pages whose characters are guesses. Fonts are a document's, and so are the guesses: if all such pages together spell
/// words, a page of names or of code among them is right too.
fn judge_guesses(pages: &mut [PageText]) {
    let text_of = |page: &PageText| page.blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n");
    let guessed: Vec<usize> = (0..pages.len()).filter(|&page| pages[page].doubt == Doubt::Guessed).collect();
    let texts: Vec<String> = guessed.iter().map(|&page| text_of(&pages[page])).collect();
    let is_garbled = fallback::is_garbled(&texts.join("\n"));
    for (page, text) in guessed.into_iter().zip(texts) {
        let is_wrong = is_garbled && fallback::is_garbled(&text);
        pages[page].doubt = if is_wrong { Doubt::Unread } else { Doubt::None };
    }
}

/// Puts the pages into the document: what a block is, which blocks are furniture, which hyphens stay.
fn build(pdf: &Pdf, places: &[Option<usize>], mut pages: Vec<PageText>, builder: &mut Builder) {
    let mut blocks: Vec<Vec<PageBlock>> = pages.iter_mut().map(|page| std::mem::take(&mut page.blocks)).collect();
    let outline = structure::outline(pdf, places);
    let labels = structure::page_labels(pdf, places.len());
    let furniture = furniture::find(&blocks);
    let hyphenated = hyphens::hyphenated_words(&blocks);
    let of_text = blocks
        .iter()
        .flatten()
        .zip(furniture.iter().flatten())
        .filter_map(|(block, furniture)| (!furniture).then_some(block));
    let faces = Faces::of(of_text, &outline);
    let mut kinds: Vec<Vec<BlockKind>> = (1..)
        .zip(blocks.iter().zip(&furniture))
        .map(|(number, (blocks, furniture))| {
            let kind = |(block, is_furniture): (&PageBlock, &bool)| {
                if *is_furniture { BlockKind::Furniture } else { faces.kind(block, number) }
            };
            blocks.iter().zip(furniture).map(kind).collect()
        })
        .collect();
    let titles = outline.iter().map(|entry| headings::comparable(&entry.title)).collect();
    contents::mark(&blocks, &mut kinds, &faces, &titles);
    definitions::mark(&blocks, &mut kinds, &faces);
    hyphens::join_halves(&mut blocks, |page, block| {
        !matches!(kinds[page][block], BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Definition)
    });
    for (index, (blocks, page)) in blocks.into_iter().zip(pages).enumerate() {
        add_page(&blocks, &kinds[index], &faces, &hyphenated, builder);
        ocr::add(&page.recognised, builder);
        let label = labels.as_ref().and_then(|labels| labels.get(index)).filter(|l| !l.is_empty()).cloned();
        builder.end_section(label, page.source);
    }
    builder.outline = outline;
}

/// Adds a page's blocks, with their marks, and its tables.
fn add_page(
    blocks: &[PageBlock],
    kinds: &[BlockKind],
    faces: &Faces,
    hyphenated: &HashSet<String>,
    builder: &mut Builder,
) {
    let texts: Vec<Cow<'_, str>> = blocks.iter().map(|block| hyphens::resolve(&block.text, hyphenated)).collect();
    // Of a block whose only word went to another nothing is left.
    let mut indices: Vec<u32> = vec![builder.next_block()];
    indices.extend(texts.iter().scan(builder.next_block(), |next, text| {
        *next += u32::from(!text.trim().is_empty());
        Some(*next)
    }));
    let plain: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let mut references = notes::references(&plain, kinds, |block| indices[block]).into_iter().peekable();
    for (at, (block, kind)) in blocks.iter().zip(kinds).enumerate() {
        let mut marks = match kind {
            BlockKind::Furniture | BlockKind::Code | BlockKind::ContentsEntry => Vec::new(),
            _ => block.runs.marks(faces),
        };
        while let Some((_, mark)) = references.next_if(|(of, _)| *of == at) {
            marks.push(mark);
        }
        builder.counted_block(*kind, &texts[at], Some(block.area), &marks);
    }
    for table in tables::find(blocks, kinds, faces) {
        let (first, end) = (indices[table.first], indices[table.first + table.rows]);
        builder.table(Table {
            first_block: first,
            rows: end - first,
            header_rows: table.header_rows as u32,
            caption: table.caption.map(|at| indices[at]),
            spans: table.spans,
        });
    }
}

/// Numbers of the pages of which something is true.
fn numbers(pages: &[PageText], is: impl Fn(&PageText) -> bool) -> Vec<usize> {
    (1..).zip(pages).filter(|(_, page)| is(page)).map(|(number, _)| number).collect()
}
