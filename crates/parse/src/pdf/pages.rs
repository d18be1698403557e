//! Pages of a PDF, one by one: what each paints, and what of it has to be recognised in its picture.

use hayro_syntax::Pdf;
use hayro_syntax::page::Page;

use super::codes::{UnknownCodes, is_unknown};
use super::content::{self, Endless};
use super::fallback::{self, Fallback};
use super::fonts::Fonts;
use super::glyphs::PageGlyphs;
use super::layers::Layers;
use super::lines::{self, PageBlock};
use super::order::Painting;
use super::painter::Painter;
use super::shown::Shown;
use super::solve::{self, Key};
use super::tagged::{self, Tagged};
use super::{annotations, hidden, recognised};
use crate::ParseSettings;
use crate::formats::Progress;
use crate::ocr::{self, Ocr, OcrMode, PageReading, Wanted};
use corpora_values::{Recognition, SectionSource};

/// Fonts are kept for so many pages, so that a long document does not gather them all.
const PAGES_PER_FONTS: usize = 512;

/// Characters from which on a page speaks for itself. Fewer beside a picture are a stamp or a page number on a scan.
const LITTLE_TEXT: usize = 40;

/// Of the sheet, what pictures without own text have to cover for anybody to look whether they show print.
const LEAST_UNREAD: f64 = 0.12;

/// Pages whose pictures are recognised before their words take their places: what is read of more of them need not be in memory.
const PAGES_PER_READING: usize = 128;

/// Certainty of a recognition below which a layer of text under a picture is kept, however doubtful it is.
const SURER_THAN_LAYER: u8 = 60;

/// Result of reading a page.
#[derive(Default)]
pub(super) struct PageText {
    pub(super) blocks: Vec<PageBlock>,
    pub(super) source: SectionSource,
    /// How it was recognised, if it was.
    pub(super) recognition: Option<Recognition>,
    doubt: Doubt,
    /// It shows codes that nothing explains.
    has_unknown: bool,
    pictured: Pictured,
    /// Words that came from its recognition.
    added: usize,
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

/// What pictures on a page leave to be read.
#[derive(Default)]
struct Pictured {
    /// What they cover, where that is much.
    shown: Option<Box<Shown>>,
    /// Text lies under a picture that says something else.
    is_layer_wrong: bool,
}

impl Pictured {
    fn of(page: &PageGlyphs, sheet: (f32, f32)) -> Self {
        if page.pictures.is_empty() {
            return Self::default();
        }
        let is_layer = |show: u32| page.faces.get(show as usize).is_some_and(|face| face.is_invisible);
        let is_layer_wrong = page.glyphs.iter().any(|glyph| is_layer(glyph.show)) && {
            let painted = Shown::of(page, sheet, |_, glyph| !is_layer(glyph.show));
            painted.unread() >= LEAST_UNREAD && hidden::is_wrong(page)
        };
        let shown = Shown::of(page, sheet, |_, glyph| !(is_layer_wrong && is_layer(glyph.show)));
        Self { shown: (shown.unread() >= LEAST_UNREAD).then(|| Box::new(shown)), is_layer_wrong }
    }
}

/// What of a page's own text stays beside the words of its recognition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    Stays,
    /// All but what lies unseen under a picture.
    WithoutLayer,
    Goes,
}

impl Own {
    /// Takes away what does not stay.
    fn leave(self, page: &mut PageGlyphs) {
        match self {
            Self::Stays => {}
            Self::WithoutLayer => {
                let PageGlyphs { glyphs, faces, .. } = page;
                glyphs.retain(|glyph| !faces.get(glyph.show as usize).is_some_and(|face| face.is_invisible));
            }
            Self::Goes => {
                page.glyphs.clear();
                page.plain.clear();
            }
        }
    }
}

impl PageText {
    /// Characters of its own text, as far as they need be counted: a page with enough of them speaks for itself. White space is not.
    fn characters(&self) -> usize {
        let written = self.blocks.iter().flat_map(|b| b.text.chars()).filter(|c| !c.is_whitespace());
        written.take(LITTLE_TEXT).count()
    }

    /// What of its own text stays when its picture is recognised; none where it speaks for itself.
    fn calls_for_recognition(&self, page: &Page<'_>) -> Option<Own> {
        let characters = self.characters();
        if self.doubt == Doubt::Unread && characters > 0 {
            return Some(Own::Goes);
        }
        if self.pictured.is_layer_wrong {
            return Some(Own::WithoutLayer);
        }
        if characters < LITTLE_TEXT {
            return ocr::is_picture(page, characters).then_some(Own::Stays);
        }
        let shown = self.pictured.shown.as_ref()?;
        ocr::shows_print(page, |x, y| shown.is_unread(x, y)).then_some(Own::Stays)
    }
}

/// A page that waits for its recognition.
struct Waiting {
    index: usize,
    own: Own,
}

/// A file whose pages are read.
pub(super) struct File<'f> {
    pub(super) pdf: &'f Pdf,
    pub(super) bytes: &'f [u8],
    /// Place of each page in the file, if it has one.
    pub(super) places: &'f [Option<usize>],
    pub(super) tree: &'f Tagged,
    /// Codes that nothing explains.
    pub(super) unknown: &'f UnknownCodes,
    pub(super) settings: &'f ParseSettings,
}

/// Has the pages recognised that are pictures, and puts what was read into their places.
pub(super) fn read_pictures(file: &File<'_>, pages: &mut [PageText], ocr: &mut Ocr<'_>, progress: Progress<'_>) {
    let &File { pdf, bytes, places, tree, unknown, settings } = file;
    let count = pages.len() as u32;
    let page_at = |index: usize| places[index].and_then(|place| pdf.pages().get(place));
    let mut fallback = Fallback::default();
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut needed: Vec<bool> = Vec::new();
    for (index, read) in pages.iter_mut().enumerate() {
        let Some(page) = page_at(index) else { continue };
        if read.source != SectionSource::File {
            continue;
        }
        if read.doubt == Doubt::Unread || read.blocks.is_empty() {
            // What comes now may take long, or be the last that this process does.
            progress(index as u32, count);
        }
        if read.doubt == Doubt::Unread
            && let Some(lines) = fallback.lines(bytes, index as u32 + 1)
        {
            read.blocks = lines::of_plain(&lines, page.render_dimensions());
            read.doubt = Doubt::None;
        }
        let own = read.calls_for_recognition(page);
        if own.is_some() || settings.ocr.mode == OcrMode::Force {
            let own_of_all = if settings.ocr.mode == OcrMode::Force { Some(Own::Goes) } else { own };
            waiting.extend(own_of_all.map(|own| Waiting { index, own }));
            needed.push(own.is_some());
        }
    }
    let layers = Layers::of(pdf);
    let mut painter = Painter::default();
    for (waiting, needed) in waiting.chunks(PAGES_PER_READING).zip(needed.chunks(PAGES_PER_READING)) {
        let wanted = waiting.iter().zip(needed).filter_map(|(waiting, &is_needed)| {
            Some(Wanted { number: waiting.index + 1, page: page_at(waiting.index)?, is_needed })
        });
        let wanted: Vec<Wanted<'_, '_>> = wanted.collect();
        let readings = ocr.read(&wanted, &mut |number| progress(number as u32, count));
        let mut fonts = Fonts::new(unknown);
        for ((waiting, wanted), reading) in waiting.iter().zip(&wanted).zip(readings) {
            let page = &mut pages[waiting.index];
            let Some(reading) = reading else {
                if wanted.is_needed {
                    page.source = SectionSource::NeedsOcr;
                }
                continue;
            };
            let merged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                painter.begin(tree.page(wanted.page));
                read_page(wanted.page, &mut fonts, &layers, &mut painter, Some((&reading, waiting.own)))
            }));
            let Ok(Ok(merged)) = merged else { continue };
            // A picture under a line of text that shows no more than that line, or a layer that nothing better is known than.
            let is_better = match waiting.own {
                Own::Stays => merged.added > 0 || page.blocks.is_empty(),
                Own::WithoutLayer => merged.added > 0 && reading.confidence >= SURER_THAN_LAYER,
                Own::Goes => true,
            };
            if is_better {
                ocr.used(wanted.number);
                *page = PageText {
                    source: SectionSource::Ocr,
                    recognition: Some(reading.recognition()),
                    doubt: Doubt::None,
                    ..merged
                };
            }
        }
    }
}

/// Reads the pages one by one; one that cannot be read keeps its place.
pub(super) fn read(file: &File<'_>, progress: Progress<'_>) -> Vec<PageText> {
    let &File { pdf, places, tree, unknown, settings, .. } = file;
    let mut pages = Vec::with_capacity(places.len().min(1 << 16));
    let mut fonts = Fonts::new(unknown);
    let layers = Layers::of(pdf);
    let mut painter = Painter::default();
    progress(0, places.len() as u32);
    for (index, place) in places.iter().enumerate() {
        if index % PAGES_PER_FONTS == PAGES_PER_FONTS - 1 {
            fonts = Fonts::new(unknown);
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
            painter.begin(tree.page(page));
            read_page(page, &mut fonts, &layers, &mut painter, None)
        }));
        pages.push(match read {
            Ok(Ok(read)) => read,
            Ok(Err(Endless)) => unreadable("it paints without end"),
            Err(_) => {
                fonts = Fonts::new(unknown);
                unreadable("what it paints breaks the parser")
            }
        });
        progress(index as u32 + 1, places.len() as u32);
    }
    judge_guesses(&mut pages);
    pages
}

/// Solves the codes that nothing explains by the words of the document, and believes pages of which little is unknown then.
pub(super) fn solve(unknown: &UnknownCodes, pages: &mut [PageText]) -> Key {
    if unknown.is_empty() {
        return Key::default();
    }
    let texts = pages.iter().flat_map(|page| &page.blocks).map(|block| block.text.as_str());
    let key = solve::solve(texts, &unknown.fonts());
    for page in pages.iter_mut().filter(|page| page.has_unknown) {
        let characters = || page.blocks.iter().flat_map(|block| block.text.chars()).filter(|c| !c.is_whitespace());
        let left = characters().filter(|c| is_unknown(*c) && !key.contains_key(c)).count();
        if page.doubt == Doubt::Unread && left * 3 <= characters().count() {
            page.doubt = Doubt::None;
        }
    }
    key
}

/// Writes what codes were solved to be, and for the others that they are unknown.
pub(super) fn write_solved(key: &Key, pages: &mut [PageText]) {
    for block in pages.iter_mut().filter(|page| page.has_unknown).flat_map(|page| &mut page.blocks) {
        if block.text.contains(is_unknown) {
            let of = |c: char| if is_unknown(c) { *key.get(&c).unwrap_or(&char::REPLACEMENT_CHARACTER) } else { c };
            block.text = block.text.chars().map(of).collect();
        }
    }
}

/// Reads a page. With a reading of its picture it gets the words of that beside its own, as far as these stay.
fn read_page<'a>(
    page: &Page<'a>,
    fonts: &mut Fonts<'a>,
    layers: &Layers,
    painter: &mut Painter,
    beside: Option<(&PageReading, Own)>,
) -> Result<PageText, Endless> {
    let mut blocks = Vec::new();
    let mut pictured = Pictured::default();
    let mut added = 0;
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
        if !is_above {
            hidden::find_covered(glyphs, page.render_dimensions());
        }
        hidden::drop_copies(glyphs);
        tagged::judge(glyphs);
        match beside {
            Some((reading, own)) if !is_above => {
                own.leave(glyphs);
                added = recognised::add(glyphs, reading);
            }
            None if !is_above => pictured = Pictured::of(glyphs, page.render_dimensions()),
            _ => {}
        }
        shown += glyphs.shown;
        read += glyphs.glyphs.len();
        guessed += glyphs.guessed;
        unknown += glyphs.unknown;
        let first = blocks.len();
        let painting = match beside {
            _ if is_above => Painting::Right,
            Some(_) => Painting::Mixed,
            None => Painting::Judged,
        };
        lines::blocks(glyphs, painting, &mut blocks);
        tagged::reorder(&mut blocks[first..]);
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
    Ok(PageText { blocks, doubt, has_unknown: unknown > 0, pictured, added, ..PageText::default() })
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
