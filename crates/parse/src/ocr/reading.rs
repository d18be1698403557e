//! The reading of one picture: as it is, and where that is not sure, prepared, from other sides, in another language.

use std::time::Duration;

use hayro_interpret::kurbo::{Affine, Point};

use super::languages::{self, Installed};
use super::look::Look;
use super::picture::Picture;
use super::prepare::prepare;
use super::recognition::{OcrFailure, OcrSettings};
use super::tesseract::{self, Deadline, Word};
use corpora_values::Recognition;

/// A word that was read, with its place on the page. Lengths are points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OcrWord {
    pub(crate) text: String,
    /// Left end of its piece of baseline, as a reader of the line sees it.
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) width: f32,
    /// Size of a font whose letters are as high.
    pub(crate) size: f32,
    /// Direction of writing in tenths of a degree, clockwise from left to right.
    pub(crate) turn: i16,
    /// Certainty of the recognition, from 0 to 100.
    pub(crate) confidence: u8,
    /// It is the first of its line.
    pub(crate) begins_line: bool,
}

/// What was read on a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct PageReading {
    pub(crate) words: Vec<OcrWord>,
    /// Ends of rules on the page, in points.
    pub(crate) rules: Vec<(Point, Point)>,
    /// Mean certainty about its letters, from 0 to 100.
    pub(crate) confidence: u8,
    /// Quarters by which the text is turned on the page, clockwise.
    pub(crate) quarters: u8,
    /// Tesseract's names of the languages in which it was read.
    pub(crate) languages: String,
    /// Language that the page seems to be in and that is not installed.
    pub(crate) lacks: Option<&'static str>,
}

impl PageReading {
    /// What is told of it.
    pub(crate) fn recognition(&self) -> Recognition {
        Recognition { confidence: self.confidence, turn: 90 * u16::from(self.quarters) }
    }
}

/// Means to read pictures, the same for all pages of a document.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) settings: &'a OcrSettings,
    /// Languages that a page is read in first.
    pub(super) languages: &'a str,
    /// Languages among which a page's own is looked for; none where a person has named them.
    pub(super) installed: Option<&'a Installed>,
}

/// A reading by the program.
struct Attempt {
    words: Vec<Word>,
    to_page: Affine,
    turn: i16,
    scale: f32,
    rules: Vec<(Point, Point)>,
    languages: String,
}

/// Certainty from which on a reading is believed.
const SURE: f32 = 82.0;

/// Certainty below which a picture may lie on another side.
const MAY_BE_TURNED: f32 = 70.0;

/// Certainty below which nothing is to be told of the language.
const TELLS_LANGUAGE: f32 = 45.0;

impl Attempt {
    /// Mean certainty about letters and digits.
    fn certainty(&self) -> f32 {
        let (sum, count) = self.words.iter().fold((0.0, 0.0), |(sum, count), word| {
            let letters = word.letters() as f32;
            (sum + word.confidence * letters, count + letters)
        });
        if count > 0.0 { sum / count } else { 0.0 }
    }

    /// How much was read, and how surely: many sure letters are better than a few.
    fn worth(&self) -> f32 {
        self.words.iter().map(|word| word.letters() as f32 * (word.confidence / 100.0).max(0.0).powi(2)).sum()
    }

    fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

impl Reader<'_> {
    /// Reads a picture, each time within `time` of the processor, and in all within four times as much by the clock. What runs out of time after a first reading leaves that one.
    pub(super) fn read(&self, picture: &Picture, time: Duration) -> Result<PageReading, OcrFailure> {
        let deadline = Deadline::of(time);
        let look = Look::of(picture);
        let mut best = if look.is_sideways {
            self.sideways(picture, &look, deadline)?
        } else {
            self.straight(picture, &look, deadline)?
        };
        let mut lacks = None;
        if let Some(installed) = self.installed
            && best.certainty() > TELLS_LANGUAGE
            && let Some(language) = languages::of_text(&best.text())
            && !best.languages.split('+').any(|known| known == language)
        {
            if installed.has(language) {
                let again = self.in_language(picture, &best, language, deadline);
                best = better(best, again);
            } else {
                lacks = Some(language);
            }
        }
        Ok(PageReading { lacks, ..reading(best) })
    }

    /// Reads a picture whose lines run across, but may stand on their heads.
    fn straight(&self, picture: &Picture, look: &Look, deadline: Deadline) -> Result<Attempt, OcrFailure> {
        let first = self.first(picture, look, deadline)?;
        if first.certainty() >= MAY_BE_TURNED || (first.words.is_empty() && look.is_fine()) {
            return Ok(self.surely(first, picture, look, deadline));
        }
        match self.side(picture, &[2, 1, 3], first.certainty(), deadline) {
            Some(quarters) => self.turned(picture, quarters, deadline).map(|found| better(first, Ok(found))),
            None => Ok(self.surely(first, picture, look, deadline)),
        }
    }

    /// Reads a picture whose lines seem to run up or down.
    fn sideways(&self, picture: &Picture, look: &Look, deadline: Deadline) -> Result<Attempt, OcrFailure> {
        let side = self.side(picture, &[1, 3, 0], 0.0, deadline);
        let found = self.turned(picture, side.unwrap_or(0), deadline)?;
        if found.certainty() >= MAY_BE_TURNED {
            return Ok(found);
        }
        Ok(better(found, self.straight(picture, &Look { is_sideways: false, ..*look }, deadline)))
    }

    fn turned(&self, picture: &Picture, quarters: u8, deadline: Deadline) -> Result<Attempt, OcrFailure> {
        let turned = picture.upright(quarters);
        let look = Look { is_sideways: false, ..Look::of(&turned) };
        let first = self.first(&turned, &look, deadline)?;
        Ok(self.surely(first, &turned, &look, deadline))
    }

    /// Reads a picture as it is, or prepared against the faults that were seen.
    fn first(&self, picture: &Picture, look: &Look, deadline: Deadline) -> Result<Attempt, OcrFailure> {
        if look.is_fine() {
            self.plain(picture, self.languages, deadline)
        } else {
            self.prepared(picture, look, self.languages, deadline)
        }
    }

    /// A reading, or the surer one of it and one in the other way, where it is not sure.
    fn surely(&self, first: Attempt, picture: &Picture, look: &Look, deadline: Deadline) -> Attempt {
        // A page on which nothing stands is not read again.
        if first.certainty() >= SURE || (first.words.is_empty() && look.is_fine()) {
            return first;
        }
        let second = if look.is_fine() {
            self.prepared(picture, &look.doubtful(), self.languages, deadline)
        } else {
            self.plain(picture, self.languages, deadline)
        };
        better(first, second)
    }

    /// Quarters by which the text of a picture is turned: the surest of some sides, if it is surer than `certainty`. Letters half as
    /// large tell.
    fn side(&self, picture: &Picture, sides: &[u8], certainty: f32, deadline: Deadline) -> Option<u8> {
        let small = picture.reduced(2);
        let mut best: Option<(f32, u8)> = None;
        for &quarters in sides {
            let Ok(found) = self.plain(&small.upright(quarters), self.languages, deadline) else { continue };
            let sure = found.certainty();
            if sure > certainty + 8.0 && best.is_none_or(|(other, _)| sure > other) {
                best = Some((sure, quarters));
            }
            if sure >= SURE {
                break;
            }
        }
        best.map(|(_, quarters)| quarters)
    }

    /// Reads a picture again as its best reading was made, in another language.
    fn in_language(
        &self,
        picture: &Picture,
        best: &Attempt,
        language: &str,
        deadline: Deadline,
    ) -> Result<Attempt, OcrFailure> {
        let quarters = (quarters_of(best.turn) + 4 - quarters_of(picture.turn)) % 4;
        let turned = picture.upright(quarters);
        let look = Look::of(&turned);
        if look.is_fine() {
            self.plain(&turned, language, deadline)
        } else {
            self.prepared(&turned, &look, language, deadline)
        }
    }

    fn plain(&self, picture: &Picture, languages: &str, deadline: Deadline) -> Result<Attempt, OcrFailure> {
        self.attempt(picture, Vec::new(), languages, deadline)
    }

    fn prepared(
        &self,
        picture: &Picture,
        look: &Look,
        languages: &str,
        deadline: Deadline,
    ) -> Result<Attempt, OcrFailure> {
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| prepare(picture, look)))
            .map_err(|_| OcrFailure::NoPicture("preparing it breaks the program"))?;
        self.attempt(&made.picture, made.rules, languages, deadline)
    }

    fn attempt(
        &self,
        picture: &Picture,
        rules: Vec<(Point, Point)>,
        languages: &str,
        deadline: Deadline,
    ) -> Result<Attempt, OcrFailure> {
        let words = tesseract::recognise(self.settings, languages, picture, deadline)?;
        let Picture { to_page, turn, scale, .. } = *picture;
        let words = without_specks(&words).into_iter().map(mended).collect();
        Ok(Attempt { words, to_page, turn, scale, rules, languages: languages.to_owned() })
    }
}

/// The surer of a reading and another, which may have failed.
fn better(first: Attempt, second: Result<Attempt, OcrFailure>) -> Attempt {
    match second {
        Ok(second) if second.worth() > first.worth() => second,
        _ => first,
    }
}

fn quarters_of(turn: i16) -> u8 {
    ((turn + 450).rem_euclid(3600) / 900) as u8
}

/// A word in which a stroke between letters is the letter that it looks like: none is written with a bar.
fn mended(word: Word) -> Word {
    if !word.text.contains('|') || word.letters() == 0 {
        return word;
    }
    let has_small = word.text.contains(char::is_lowercase);
    Word { text: word.text.replace('|', if has_small { "l" } else { "I" }), ..word }
}

/// Certainty below which a line without letters and digits is a rule or a border, and a word without them a speck.
const SURE_SIGN: f32 = 70.0;

/// Certainty below which a whole line is what a picture shows, and no text.
const SURE_LINE: f32 = 35.0;

/// Times the usual height of words from which on a word of few letters is part of a drawing.
const TALL: i32 = 3;

/// Takes away what is no text, by what it is. No word with letters goes for being unsure alone: that of the line it stands in counts.
fn without_specks(words: &[Word]) -> Vec<Word> {
    let mut heights: Vec<i32> = words.iter().filter(|word| word.letters() > 1).map(Word::height).collect();
    let middle = heights.len() / 2;
    let usual = if heights.is_empty() { i32::MAX / TALL } else { *heights.select_nth_unstable(middle).1 };
    let is_drawing = |word: &Word| word.letters() <= 2 && word.height() > TALL * usual && word.confidence < SURE_SIGN;
    let mut out = Vec::with_capacity(words.len());
    for line in words.chunk_by(|a, b| a.line == b.line) {
        let letters: usize = line.iter().map(Word::letters).sum();
        let sum: f32 = line.iter().map(|word| word.confidence * word.letters().max(1) as f32).sum();
        let certainty = sum / line.iter().map(|word| word.letters().max(1)).sum::<usize>() as f32;
        if certainty < SURE_LINE || (letters == 0 && certainty < SURE_SIGN) {
            continue;
        }
        let is_speck = |word: &Word| word.letters() == 0 && word.confidence < SURE_SIGN;
        out.extend(line.iter().filter(|word| !is_speck(word) && !is_drawing(word)).cloned());
    }
    out
}

/// Of the size of a font: how far its letters reach up and down, as most faces have it.
const CAPITAL: f32 = 0.7;
const SMALL: f32 = 0.48;
const DOWN: f32 = 0.22;

/// How far the letters of a word reach up and down, in sizes.
fn reach(word: &str) -> (f32, f32) {
    let is_low =
        |c: char| matches!(c, 'g' | 'j' | 'p' | 'q' | 'y' | ',' | ';' | 'Q' | '(' | ')' | '[' | ']' | 'ç' | '\u{fb}');
    let is_small = |c: char| "acegmnopqrsuvwxyz,.:;-".contains(c);
    let up = if word.chars().all(is_small) { SMALL } else { CAPITAL };
    (up, if word.contains(is_low) { DOWN } else { 0.0 })
}

/// The words of a reading in their places on the page.
fn reading(attempt: Attempt) -> PageReading {
    let confidence = attempt.certainty().round().clamp(0.0, 100.0) as u8;
    let lines: Vec<Line<'_>> = attempt.words.chunk_by(|a, b| a.line == b.line).map(Line::of).collect();
    let sizes = usual_sizes(&lines);
    let mut words = Vec::with_capacity(attempt.words.len());
    let points = 1.0 / attempt.scale;
    for (line, size) in lines.iter().zip(sizes) {
        for (at, word) in line.words.iter().enumerate() {
            let place = attempt.to_page * Point::new(f64::from(word.left), f64::from(line.baseline));
            words.push(OcrWord {
                text: word.text.clone(),
                x: place.x as f32,
                y: place.y as f32,
                width: (word.right - word.left) as f32 * points,
                size: size * points,
                turn: attempt.turn,
                confidence: word.confidence.round().clamp(0.0, 100.0) as u8,
                begins_line: at == 0,
            });
        }
    }
    let (rules, languages, quarters) = (attempt.rules, attempt.languages, quarters_of(attempt.turn));
    PageReading { words, rules, confidence, quarters, languages, lacks: None }
}

/// A line of words, measured in pixels.
struct Line<'w> {
    words: &'w [Word],
    size: f32,
    baseline: f32,
    letters: usize,
}

impl<'w> Line<'w> {
    fn of(words: &'w [Word]) -> Self {
        // Words without letters, as dashes and bullets, tell no size.
        let measured: Vec<&Word> = words.iter().filter(|word| word.letters() > 0).collect();
        let size_of = |word: &Word| {
            let (up, down) = reach(&word.text);
            word.height() as f32 / (up + down)
        };
        let of = if measured.is_empty() { words.iter().collect() } else { measured };
        let size = middle(of.iter().map(|word| size_of(word)));
        let baseline = middle(of.iter().map(|word| word.bottom as f32 - reach(&word.text).1 * size));
        Self { words, size, baseline, letters: words.iter().map(Word::letters).sum() }
    }
}

/// Share by which the measured sizes of lines of one font may differ.
const ALIKE: f32 = 0.14;

/// The sizes of lines, those of one font alike: that of most of the text first, then those of what is larger and smaller.
fn usual_sizes(lines: &[Line<'_>]) -> Vec<f32> {
    let mut sizes: Vec<f32> = lines.iter().map(|line| line.size).collect();
    let mut is_settled = vec![false; lines.len()];
    loop {
        let mut open: Vec<(f32, usize)> =
            (0..lines.len()).filter(|&at| !is_settled[at]).map(|at| (lines[at].size, lines[at].letters)).collect();
        if open.is_empty() {
            return sizes;
        }
        open.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let half = open.iter().map(|(_, letters)| letters + 1).sum::<usize>() / 2;
        let mut seen = 0;
        let usual = open.iter().find(|(_, letters)| {
            seen += letters + 1;
            seen > half
        });
        let usual = usual.map_or(open[0].0, |(size, _)| *size);
        for (line, (size, is_settled)) in lines.iter().zip(sizes.iter_mut().zip(&mut is_settled)) {
            if !*is_settled && (line.size - usual).abs() <= ALIKE * usual {
                (*size, *is_settled) = (usual, true);
            }
        }
    }
}

fn middle(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    if values.is_empty() {
        return 0.0;
    }
    let at = values.len() / 2;
    *values.select_nth_unstable_by(at, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, line: u32, confidence: f32, place: (i32, i32, i32, i32)) -> Word {
        let (left, top, right, bottom) = place;
        Word { text: text.into(), left, top, right, bottom, confidence, line: [1, 1, line] }
    }

    #[test]
    fn unsure_words_stay_where_their_line_is_sure_and_specks_go() {
        let words = vec![
            word("d'installer", 1, 12.0, (0, 0, 90, 20)),
            word("la", 1, 95.0, (100, 0, 120, 20)),
            word("lanterne", 1, 94.0, (130, 0, 200, 20)),
            word(";~", 1, 30.0, (210, 0, 220, 20)),
            word("||", 2, 55.0, (0, 40, 10, 60)),
            word("wx", 3, 20.0, (0, 80, 30, 100)),
            word("I", 4, 40.0, (300, 0, 320, 400)),
        ];
        let kept: Vec<String> = without_specks(&words).into_iter().map(|word| word.text).collect();
        assert_eq!(kept, ["d'installer", "la", "lanterne"]);
    }

    #[test]
    fn lines_of_one_font_have_one_size_whatever_letters_stand_in_them() {
        // 40 pixels to the size: capitals 28 high, small letters 19, 9 below the line.
        let words = [
            word("Every", 1, 90.0, (0, 0, 60, 37)),
            word("moth", 1, 90.0, (70, 0, 130, 28)),
            word("can", 2, 90.0, (0, 59, 40, 78)),
            word("see", 2, 90.0, (50, 59, 90, 78)),
            word("Of", 3, 90.0, (0, 100, 60, 142)),
            word("Salt", 3, 90.0, (70, 100, 150, 142)),
        ];
        let lines: Vec<Line<'_>> = words.chunk_by(|a, b| a.line == b.line).map(Line::of).collect();
        let sizes = usual_sizes(&lines);
        assert_eq!(sizes[0], sizes[1]);
        assert!(sizes[2] > 1.4 * sizes[0], "{sizes:?}");
        assert!((lines[0].baseline - 28.0).abs() < 1.0, "{}", lines[0].baseline);
    }
}
