//! Pages that are pictures: which they are, and their text by optical character recognition, page by page.
//!
//! The picture is rendered here, in this process and within its limits; the recognition is Tesseract's, a program of its own
//! that may be missing. A page that cannot be recognised says so and harms no other.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hayro_syntax::page::Page;
use serde::{Deserialize, Serialize};

use super::languages::{self, Installed};
use super::picture::{self, DOTS_PER_INCH, Picture};
use super::reading::{PageReading, Reader};
use super::side_by_side::Told;
use super::{side_by_side, tesseract};
use crate::ParseSettings;
use corpora_values::Choice;

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
    /// Tesseract's names of the languages, joined by `+`, as `eng+deu`; [`LANGUAGE_FOLLOWS`] for that of each page.
    pub languages: String,
    /// The program `tesseract`; none if there is none.
    pub program: Option<PathBuf>,
    /// Program that starts the recognition so that it ends with the process that asked for it, as `PROGRAM run-ocr TESSERACT ...`; without one
    /// Tesseract is started as it is.
    pub under: Option<PathBuf>,
    /// Places beside the program's own that it may read: of its languages and its libraries, where a person moved them.
    pub needs: Vec<PathBuf>,
    /// Processor time that one reading of a page may take; by the clock all of its readings may take four times as long.
    pub page_time: Duration,
    /// Pages of a document that are recognised at the same time, at most; 0 for as many as the machine has processors.
    pub at_once: usize,
}

/// Word for the language of each page, among those that are installed.
pub const LANGUAGE_FOLLOWS: &str = "auto";

impl Default for OcrSettings {
    fn default() -> Self {
        let page_time = Duration::from_secs(60);
        let (languages, needs) = (LANGUAGE_FOLLOWS.to_owned(), Vec::new());
        Self { mode: OcrMode::Auto, languages, program: None, under: None, needs, page_time, at_once: 0 }
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

/// A page that is to be recognised.
pub(crate) struct Wanted<'p, 'a> {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) page: &'p Page<'a>,
    /// Its text cannot be had otherwise.
    pub(crate) is_needed: bool,
}

/// Pages in a row that may run out of time before the next ones get less of it.
const SLOW_PAGES: u32 = 2;

/// Pages in a row, and none before them that was read, from which on it is the program that is slow: the rest is not tried.
const ALL_SLOW: u32 = 16;

/// The recognition for one document.
pub(crate) struct Ocr<'a> {
    settings: &'a OcrSettings,
    count: &'a OcrCount,
    recognised: Vec<usize>,
    missing: Vec<(usize, String)>,
    failed: Vec<(usize, String)>,
    remarks: Vec<String>,
    /// Pages by the language that they seem to be in and that is not installed.
    lacking: BTreeMap<&'static str, Vec<usize>>,
}

/// Course of the recognition of a document's pages.
#[derive(Default)]
struct Course {
    slow: AtomicU32,
    read: AtomicU32,
}

impl Course {
    /// Time that a page gets; none where no more are tried.
    fn time(&self, all: Duration) -> Option<Duration> {
        let slow = self.slow.load(Ordering::Relaxed);
        if slow >= ALL_SLOW && self.read.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(all / (1 << slow.saturating_sub(SLOW_PAGES - 1).min(4)))
    }

    fn ended<T>(&self, read: &Result<T, OcrFailure>) {
        match read {
            Ok(_) => {
                self.slow.store(0, Ordering::Relaxed);
                self.read.fetch_add(1, Ordering::Relaxed);
            }
            Err(OcrFailure::Slow) => _ = self.slow.fetch_add(1, Ordering::Relaxed),
            Err(_) => {}
        }
    }
}

impl<'a> Ocr<'a> {
    pub(crate) fn new(settings: &'a ParseSettings) -> Self {
        let (recognised, missing, failed, remarks, lacking) = Default::default();
        let (settings, count) = (&settings.ocr, &settings.ocr_count);
        Self { settings, count, recognised, missing, failed, remarks, lacking }
    }

    /// Recognises pages, several at the same time; `done` is told the number before that of each that is begun, and that of each that was
    /// tried. A page that could not be read has none.
    pub(crate) fn read(&mut self, pages: &[Wanted<'_, '_>], done: &mut dyn FnMut(usize)) -> Vec<Option<PageReading>> {
        if pages.is_empty() {
            return Vec::new();
        }
        let (languages, installed) = match self.means() {
            Ok(means) => means,
            Err(hindrance) => {
                let needed = pages.iter().filter(|wanted| wanted.is_needed);
                self.missing.extend(needed.map(|wanted| (wanted.number, hindrance.clone())));
                return pages.iter().map(|_| None).collect();
            }
        };
        let follows = (self.settings.languages == LANGUAGE_FOLLOWS).then_some(&installed);
        let mut reader = Reader { settings: self.settings, languages: &languages, installed: follows };
        let course = Course::default();
        // A book is in one language, most often: that of its first page is tried first on the others.
        let alone = if follows.is_some() { 1 } else { 0 };
        let (first, rest) = pages.split_at(alone);
        let mut readings = self.side_by_side(first, reader, &course, done);
        let language = readings.iter().find_map(|read| read.as_ref().ok()).map(|read| read.languages.clone());
        reader.languages = language.as_deref().unwrap_or(&languages);
        readings.extend(self.side_by_side(rest, reader, &course, done));
        readings.into_iter().zip(pages).map(|(read, wanted)| self.told(read, wanted)).collect()
    }

    fn side_by_side(
        &self,
        pages: &[Wanted<'_, '_>],
        reader: Reader<'_>,
        course: &Course,
        done: &mut dyn FnMut(usize),
    ) -> Vec<Result<PageReading, OcrFailure>> {
        let read = |picture: &Picture| {
            let time = course.time(self.settings.page_time).ok_or(OcrFailure::AllSlow)?;
            let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| reader.read(picture, time)))
                .unwrap_or(Err(OcrFailure::NoPicture("what it shows breaks the program")));
            course.ended(&read);
            read
        };
        let draw = |at: usize| {
            self.count.add();
            let page = pages[at].page;
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| picture::render(page, DOTS_PER_INCH)))
                .unwrap_or(Err(OcrFailure::NoPicture("drawing it breaks the renderer")))
        };
        let at_once = match self.settings.at_once {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(MOST_AT_ONCE),
            n => n,
        };
        side_by_side::map(pages.len(), at_once, draw, read, &mut |told| match told {
            Told::Begun(at) => done(pages[at].number - 1),
            Told::Done(at) => done(pages[at].number),
        })
    }

    /// Takes note of how the reading of a page ended.
    fn told(&mut self, read: Result<PageReading, OcrFailure>, wanted: &Wanted<'_, '_>) -> Option<PageReading> {
        match read {
            Ok(reading) => {
                if let Some(language) = reading.lacks {
                    self.lacking.entry(language).or_default().push(wanted.number);
                }
                Some(reading)
            }
            Err(OcrFailure::AllSlow) => {
                let seconds = self.settings.page_time.as_secs();
                let reason = format!(
                    "{ALL_SLOW} pages in a row took longer than {seconds} s and less each, so no more were tried"
                );
                self.missing.push((wanted.number, reason));
                None
            }
            Err(failure) => {
                self.failed.push((wanted.number, failure.to_string()));
                None
            }
        }
    }

    /// Takes note of a page whose text comes from its recognition.
    pub(crate) fn used(&mut self, number: usize) {
        self.recognised.push(number);
    }

    /// The languages that a page is read in first, and all that are installed.
    ///
    /// # Errors
    /// The reason for which nothing can be recognised.
    fn means(&mut self) -> Result<(String, Installed), String> {
        let settings = self.settings;
        if settings.mode == OcrMode::Off {
            return Err("--ocr off leaves them as they are; --ocr auto reads them".to_owned());
        }
        let Some(program) = &settings.program else { return Err(install(&settings.languages)) };
        let installed = tesseract::installed(program, settings)?;
        let (languages, missing) = installed.part(&settings.languages);
        if missing.is_empty() {
            return Ok((languages, installed));
        }
        let advice = format!(
            "--ocr-lang {} is not installed; tesseract --list-langs shows {}; {}",
            missing.join("+"),
            installed.shown(),
            advice(missing[0]),
        );
        if languages.is_empty() {
            return Err(advice);
        }
        self.remarks.push(advice);
        Ok((languages, installed))
    }

    /// Notes on what a person should know of the recognition of this document.
    pub(crate) fn notes(self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.recognised.is_empty() {
            notes.push(format!("{} read by optical character recognition", pages(&self.recognised)));
        }
        let mut missing: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        self.missing.iter().for_each(|(number, reason)| missing.entry(reason).or_default().push(*number));
        for (reason, numbers) in missing {
            notes.push(format!("{} cannot be read without OCR: {reason}", pages(&numbers)));
        }
        notes.extend(self.remarks);
        for (language, numbers) in &self.lacking {
            let (are, be) = (pages(numbers), if numbers.len() == 1 { "seems" } else { "seem" });
            notes.push(format!(
                "{are} {be} to be in the language {language}, which is not installed; {}",
                advice(language)
            ));
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

/// Pages that are recognised at the same time, at most: each takes some 100 MB.
const MOST_AT_ONCE: usize = 16;

/// Advice on how to get a language. Debian's packages: <https://packages.debian.org/source/stable/tesseract-lang>.
fn advice(language: &str) -> String {
    if !languages::is_formed(language) {
        return format!("'{language}' is none of Tesseract's names, which have three letters: eng, deu, fra");
    }
    let package = language.to_lowercase().replace(['_', '/'], "-");
    format!(
        "install the language (Debian, Ubuntu: apt-get install tesseract-ocr-{package}) and run again with --retry-failed"
    )
}

/// Advice on how to get the program and its languages.
/// Debian's packages: <https://packages.debian.org/source/stable/tesseract-lang>.
fn install(languages: &str) -> String {
    let packages: Vec<String> = languages
        .split('+')
        .filter(|language| !["eng", LANGUAGE_FOLLOWS].contains(language))
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
    /// Those before it all took too long.
    #[error("the pages before it took too long")]
    AllSlow,
    /// The program failed.
    #[error("tesseract failed: {0}")]
    Program(String),
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
    use crate::build::Builder;
    use corpora_values::{Format, Gap, Metadata, SectionKind, SectionSource};

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
    fn slow_pages_take_time_from_the_next_ones_and_only_a_program_that_never_answers_ends_it() {
        let (course, all) = (Course::default(), Duration::from_secs(64));
        let slow = Err::<(), _>(OcrFailure::Slow);
        course.ended(&slow);
        assert_eq!(course.time(all), Some(all));
        course.ended(&slow);
        assert_eq!(course.time(all), Some(all / 2));
        (0..10).for_each(|_| course.ended(&slow));
        assert_eq!(course.time(all), Some(all / 16));
        (0..10).for_each(|_| course.ended(&slow));
        assert_eq!(course.time(all), None);
        course.ended(&Ok(()));
        (0..30).for_each(|_| course.ended(&slow));
        assert_eq!(course.time(all), Some(all / 16), "one was read: it is the pages that are slow");
    }

    #[test]
    fn page_numbers_are_put_together() {
        assert_eq!(pages(&[3]), "page 3");
        assert_eq!(pages(&[1, 2, 3, 7]), "pages 1-3, 7");
    }
}
