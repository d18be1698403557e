//! Pages that are pictures: which they are, and their text by optical character recognition, page by page.
//!
//! The picture is rendered here, in this process and within its limits; the recognition is Tesseract's, a program of its own
//! that may be missing. A page that cannot be recognised says so and harms no other.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hayro_syntax::page::Page;
use serde::{Deserialize, Serialize};

use super::tesseract::OcrLine;
use super::{picture, tesseract};
use crate::ParseSettings;
use crate::build::Builder;
use corpora_values::{Area, BlockKind, Choice};

/// Occasion on which pages are recognised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OcrMode {
    /// Pages that are pictures, and pages whose own text cannot be used.
    #[default]
    Auto,
    /// None.
    Off,
    /// Every page, whatever text it holds.
    Force,
}

impl OcrMode {
    /// The word for it.
    pub fn name(self) -> &'static str {
        self.word()
    }
}

impl Choice for OcrMode {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Auto, "auto", "Pages that are pictures"),
        (Self::Off, "off", "None"),
        (Self::Force, "force", "All, whatever text they hold"),
    ];
}

/// Settings of optical character recognition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OcrSettings {
    /// Occasion.
    pub mode: OcrMode,
    /// Tesseract's names of the languages, joined by `+`, as `eng+deu`.
    pub languages: String,
    /// The program `tesseract`; none if there is none.
    pub program: Option<PathBuf>,
    /// Program that starts the recognition so that it ends with the process that asked for it, as `PROGRAM run-ocr TESSERACT ...`; without one
    /// Tesseract is started as it is.
    pub under: Option<PathBuf>,
    /// Places beside the program's own that it may read: of its languages and its libraries, where a person moved them.
    pub needs: Vec<PathBuf>,
    /// Time by the clock that the recognition of one page may take.
    pub page_time: Duration,
}

impl Default for OcrSettings {
    fn default() -> Self {
        let page_time = Duration::from_secs(60);
        let (languages, needs) = ("eng".to_owned(), Vec::new());
        Self { mode: OcrMode::Auto, languages, program: None, under: None, needs, page_time }
    }
}

/// Counts the pages that went to the recognition, for those who limit a document's time. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct OcrCount(Arc<AtomicU32>);

impl OcrCount {
    /// Pages so far, recognised or not.
    pub fn pages(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Text that the file itself has for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnText {
    /// So many characters, white space not counted. It may be none.
    Characters(usize),
    /// Text that is no language: the page has to be recognised to be read.
    Garbled,
}

/// Source from which a page's text has to be taken, with what was recognised.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Recognition {
    /// From the file.
    Own,
    /// From these lines, instead of what the file holds.
    Recognised(Vec<OcrLine>),
    /// From the file, which holds little or nothing of it: the page should have been recognised, and was not.
    Missing,
}

/// Pages in a row that may run out of time before the rest of the document is not tried any more.
const SLOW_PAGES: u32 = 2;

/// The recognition for one document.
pub(crate) struct Ocr<'a> {
    settings: &'a OcrSettings,
    count: &'a OcrCount,
    /// Reason for which nothing can be recognised; looked up when the first page asks.
    hindrance: Option<Option<String>>,
    slow: u32,
    recognised: Vec<usize>,
    missing: Vec<usize>,
    failed: Vec<(usize, String)>,
}

impl<'a> Ocr<'a> {
    pub(crate) fn new(settings: &'a ParseSettings) -> Self {
        let (recognised, missing, failed) = Default::default();
        let (settings, count) = (&settings.ocr, &settings.ocr_count);
        Self { settings, count, hindrance: None, slow: 0, recognised, missing, failed }
    }

    /// Says where the text of page `number` comes from, and recognises it if that is called for.
    pub(crate) fn page(&mut self, page: &Page<'_>, number: usize, own: OwnText) -> Recognition {
        let (characters, needed) = match own {
            OwnText::Garbled => (0, true),
            OwnText::Characters(n) => (n, n < picture::LITTLE_TEXT && picture::is_picture(page, n)),
        };
        let forced = self.settings.mode == OcrMode::Force;
        if !needed && !forced {
            return Recognition::Own;
        }
        if self.hindrance().is_some() {
            if !needed {
                return Recognition::Own;
            }
            self.missing.push(number);
            return Recognition::Missing;
        }
        self.count.add();
        match self.recognise(page) {
            Ok(lines) => {
                self.slow = 0;
                let found: usize = lines.iter().map(|l| l.text.chars().filter(|c| !c.is_whitespace()).count()).sum();
                // A picture under a line of text that shows no more than that line.
                if !forced && characters > 0 && found <= characters {
                    return Recognition::Own;
                }
                self.recognised.push(number);
                Recognition::Recognised(lines)
            }
            Err(failure) => {
                self.failed.push((number, failure.to_string()));
                if failure == OcrFailure::Slow {
                    self.slow += 1;
                }
                if self.slow == SLOW_PAGES {
                    let seconds = self.settings.page_time.as_secs();
                    let reason =
                        format!("{SLOW_PAGES} pages in a row took longer than {seconds} s each, so no more were tried");
                    self.hindrance = Some(Some(reason));
                }
                if needed { Recognition::Missing } else { Recognition::Own }
            }
        }
    }

    /// Reason for which nothing can be recognised, if that is so.
    fn hindrance(&mut self) -> Option<&str> {
        let settings = self.settings;
        self.hindrance
            .get_or_insert_with(|| match (settings.mode, &settings.program) {
                (OcrMode::Off, _) => Some("--ocr off leaves them as they are; --ocr auto reads them".to_owned()),
                (_, None) => Some(install(&settings.languages)),
                (_, Some(program)) => tesseract::missing_languages(program, settings),
            })
            .as_deref()
    }

    fn recognise(&self, page: &Page<'_>) -> Result<Vec<OcrLine>, OcrFailure> {
        let program = self.settings.program.as_deref().expect("without a program there is a hindrance");
        let picture = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| picture::render(page)))
            .map_err(|_| OcrFailure::NoPicture("drawing it breaks the renderer"))??;
        tesseract::recognise(program, self.settings, &picture)
    }

    /// Notes on what a person should know of the recognition of this document.
    pub(crate) fn notes(self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.recognised.is_empty() {
            notes.push(format!("{} read by optical character recognition", pages(&self.recognised)));
        }
        if !self.missing.is_empty() {
            let reason = self.hindrance.flatten().unwrap_or_default();
            notes.push(format!("{} cannot be read without OCR: {reason}", pages(&self.missing)));
        }
        // A document of a thousand pages that all fail alike needs no thousand lines.
        for (number, reason) in self.failed.iter().take(5) {
            notes.push(format!("the OCR of page {number} failed: {reason}"));
        }
        if self.failed.len() > 5 {
            notes.push(format!("and {} more pages whose OCR failed", self.failed.len() - 5));
        }
        notes
    }
}

/// Advice on how to get the program and its languages.
/// Debian's packages: <https://packages.debian.org/source/stable/tesseract-lang>.
fn install(languages: &str) -> String {
    let packages: Vec<String> = languages
        .split('+')
        .filter(|language| *language != "eng")
        .map(|language| format!(" tesseract-ocr-{}", language.to_lowercase().replace(['_', '/'], "-")))
        .collect();
    format!(
        "there is no tesseract on the PATH; install it (Debian, Ubuntu: apt-get install tesseract-ocr{}) and run again with --retry-failed",
        packages.concat()
    )
}

/// Reason for which one page was not recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OcrFailure {
    /// It cannot be drawn.
    #[error("no picture can be made of the page: {0}")]
    NoPicture(&'static str),
    /// The recognition ran out of time.
    #[error("it took too long and was stopped")]
    Slow,
    /// The program failed.
    #[error("tesseract failed: {0}")]
    Program(String),
}

/// Adds recognised lines to the current section, a block for each paragraph. Hyphens at line ends are joined.
pub(crate) fn add(lines: &[OcrLine], builder: &mut Builder) {
    for paragraph in lines.chunk_by(|a, b| a.paragraph == b.paragraph) {
        let mut text = String::new();
        let mut area = paragraph[0].area;
        for line in paragraph {
            match text.strip_suffix(['-', '\u{2010}']) {
                Some(stem) if line.text.starts_with(char::is_lowercase) && stem.ends_with(char::is_alphabetic) => {
                    text.truncate(stem.len());
                }
                _ if !text.is_empty() => text.push(' '),
                _ => {}
            }
            text.push_str(&line.text);
            area = Area {
                left: area.left.min(line.area.left),
                top: area.top.min(line.area.top),
                right: area.right.max(line.area.right),
                bottom: area.bottom.max(line.area.bottom),
            };
        }
        builder.block(BlockKind::Paragraph, &text, Some(area));
    }
}

/// "page 3", or "pages 1-4, 7".
pub(crate) fn pages(numbers: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &n in numbers {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == n => *end = n,
            _ => ranges.push((n, n)),
        }
    }
    let shown: Vec<String> =
        ranges.iter().map(|&(a, b)| if a == b { a.to_string() } else { format!("{a}-{b}") }).collect();
    format!("page{} {}", if numbers.len() == 1 { "" } else { "s" }, shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use corpora_values::{Format, Gap, Metadata, SectionKind, SectionSource};

    fn line(text: &str, paragraph: u32, top: i32) -> OcrLine {
        OcrLine {
            text: text.into(),
            area: Area { left: 10, top, right: 500, bottom: top + 100 },
            paragraph,
            confidence: 90.0,
        }
    }

    #[test]
    fn lines_become_paragraphs_with_their_areas_and_hyphens_joined() {
        let mut builder = Builder::new(SectionKind::Page);
        add(&[line("A lan-", 0, 0), line("tern burns.", 0, 120), line("Next.", 1, 400)], &mut builder);
        builder.end_section(None, SectionSource::Ocr);
        let document = builder.finish(Format::Pdf, Metadata::default());
        assert_eq!(document.text, "A lantern burns.\nNext.");
        assert_eq!(document.gap(), None);
        assert_eq!(document.blocks[0].area, Some(Area { left: 10, top: 0, right: 500, bottom: 220 }));
    }

    #[test]
    fn a_document_tells_what_it_lacks_and_recognition_first() {
        let of = |sources: Vec<SectionSource>| {
            let mut builder = Builder::new(SectionKind::Page);
            sources.into_iter().for_each(|source| builder.end_section(None, source));
            builder.finish(Format::Pdf, Metadata::default()).gap()
        };
        let unreadable = SectionSource::Unreadable("it breaks the parser".into());
        assert_eq!(of(vec![SectionSource::File, unreadable.clone()]), Some(Gap::Unreadable));
        assert_eq!(of(vec![unreadable, SectionSource::NeedsOcr, SectionSource::Ocr]), Some(Gap::NeedsOcr));
    }

    #[test]
    fn what_to_install_is_said_by_name() {
        assert!(install("eng").contains("apt-get install tesseract-ocr)"));
        assert!(install("eng+deu+chi_sim").contains("tesseract-ocr tesseract-ocr-deu tesseract-ocr-chi-sim)"));
    }

    #[test]
    fn page_numbers_are_put_together() {
        assert_eq!(pages(&[3]), "page 3");
        assert_eq!(pages(&[1, 2, 3, 7]), "pages 1-3, 7");
    }
}
