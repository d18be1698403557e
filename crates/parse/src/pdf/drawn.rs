//! A page as a viewer shows it, for people: its picture, and where in it words stand.

use std::sync::Arc;

use corpora_values::{Failure, FailureKind};
use hayro_syntax::page::Page;

use super::codes::UnknownCodes;
use super::fonts::Fonts;
use super::fragments::{Frame, WORD_GAP};
use super::glyphs::Glyph;
use super::layers::Layers;
use super::painter::Painter;
use super::{content, document, hidden, structure};
use crate::ParseSettings;
use crate::ocr::{self, Drawing};

/// Dots to an inch of a picture that people look at on a screen.
const DOTS_PER_INCH: f32 = 110.0;

/// Places that are told of one page.
const MOST_PLACES: usize = 500;

/// Letters by which a word may go on beyond one that is looked for: those of a plural.
const ENDING: usize = 2;

/// Picture of a page of a PDF.
#[derive(Debug, Clone, PartialEq)]
pub struct PagePicture {
    /// PNG file.
    pub png: Vec<u8>,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Pixels to a point (1/72 inch).
    pub scale: f32,
    /// Places of the words that were looked for: left, top, width and height in points, one for each line that holds a part of one.
    pub places: Vec<[f32; 4]>,
}

/// Draws page `number`, counted from 1, and finds where `words` stand on it: whatever their case, and over the end of a line. The words of a scan
/// stand in its picture alone and are not found.
///
/// # Errors
/// If the file cannot be opened, has no such page, or the page cannot be drawn.
pub fn draw_page(
    bytes: Vec<u8>,
    number: u32,
    words: &[String],
    settings: &ParseSettings,
) -> Result<PagePicture, Failure> {
    let pdf = document::open(&Arc::new(bytes), settings)?;
    let places = structure::places(&pdf);
    let place = (number as usize).checked_sub(1).and_then(|at| places.get(at).copied()).flatten();
    let page = place.and_then(|place| pdf.pages().get(place));
    let page = page.ok_or_else(|| Failure::new(FailureKind::Damaged, format!("the file holds no page {number}")))?;
    let Drawing { png, size, scale } = ocr::for_people(page, DOTS_PER_INCH)
        .map_err(|_| Failure::new(FailureKind::Damaged, format!("page {number} cannot be drawn")))?;
    let unknown = UnknownCodes::default();
    let places = found(page, &mut Fonts::new(&unknown), &Layers::of(&pdf), words);
    Ok(PagePicture { png, size, scale, places })
}

fn found<'a>(page: &Page<'a>, fonts: &mut Fonts<'a>, layers: &Layers, words: &[String]) -> Vec<[f32; 4]> {
    let mut painter = Painter::default();
    painter.begin(None);
    if content::paint(page, fonts, layers, &mut painter).is_err() {
        return Vec::new();
    }
    let painted = painter.painted();
    hidden::drop_copies(painted);
    places(&painted.glyphs, words)
}

/// A letter of the page, and whether a word begins with it.
struct Letter {
    letter: char,
    glyph: usize,
    begins: bool,
}

/// Places of words, as [`PagePicture::places`] has them.
fn places(glyphs: &[Glyph], words: &[String]) -> Vec<[f32; 4]> {
    let letters = letters(glyphs);
    let wanted: Vec<Vec<char>> = words.iter().map(|word| folded(word).collect()).collect();
    let mut places = Vec::new();
    for (at, _) in letters.iter().enumerate().filter(|(_, letter)| letter.begins) {
        let longest = wanted.iter().filter(|word| stands(&letters[at..], word)).map(Vec::len).max();
        if let Some(length) = longest {
            let own: Vec<usize> = letters[at..at + length].iter().map(|letter| letter.glyph).collect();
            places.extend(boxes(glyphs, &own));
            if places.len() >= MOST_PLACES {
                break;
            }
        }
    }
    places
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Letters and figures of the page in the order of painting, which in a line is that of reading.
fn letters(glyphs: &[Glyph]) -> Vec<Letter> {
    let mut letters = Vec::with_capacity(glyphs.len());
    let mut last: Option<&Glyph> = None;
    let mut begins = true;
    for (at, glyph) in glyphs.iter().enumerate() {
        begins |= last.is_none_or(|last| is_apart(last, glyph));
        let text = std::iter::once(glyph.first).chain(glyph.more.iter().flat_map(|more| more.chars()));
        for c in text {
            if !c.is_alphanumeric() {
                begins = true;
                continue;
            }
            for letter in c.to_lowercase() {
                letters.push(Letter { letter, glyph: at, begins: std::mem::take(&mut begins) });
            }
        }
        last = Some(glyph);
    }
    letters
}

/// Test whether a word ends between two glyphs.
fn is_apart(last: &Glyph, glyph: &Glyph) -> bool {
    let frame = Frame::of(last.turn);
    let ((u, v), (end, line)) = (frame.place(glyph.x, glyph.y), frame.place(last.x, last.y));
    let size = last.size.min(glyph.size);
    glyph.after_space
        || glyph.turn != last.turn
        || (v - line).abs() > 0.5 * size
        || u - end - last.advance > WORD_GAP * size
}

/// Test whether a word stands at the beginning of these letters, as a whole word or with the ending of a plural.
fn stands(letters: &[Letter], word: &[char]) -> bool {
    let is_there =
        letters.len() >= word.len() && letters.iter().zip(word).all(|(letter, wanted)| letter.letter == *wanted);
    let rest = || letters[word.len()..].iter().take_while(|letter| !letter.begins).take(ENDING + 1).count();
    !word.is_empty() && is_there && rest() <= ENDING
}

/// A box for each line of some glyphs: left, top, width and height in points.
fn boxes(glyphs: &[Glyph], own: &[usize]) -> Vec<[f32; 4]> {
    let mut boxes: Vec<[f32; 4]> = Vec::new();
    let mut open: Option<(i16, [f32; 4])> = None;
    for glyph in own.iter().map(|&at| &glyphs[at]) {
        let (u, v) = Frame::of(glyph.turn).place(glyph.x, glyph.y);
        let new = [u, v - 0.8 * glyph.size, u + glyph.advance, v + 0.25 * glyph.size];
        match &mut open {
            Some((turn, known))
                if *turn == glyph.turn && new[1] < known[3] && known[1] < new[3] && new[0] >= known[0] =>
            {
                *known = [known[0], known[1].min(new[1]), known[2].max(new[2]), known[3].max(new[3])];
            }
            _ => boxes.extend(open.replace((glyph.turn, new)).map(on_page)),
        }
    }
    boxes.extend(open.map(on_page));
    boxes
}

/// A box in the frame of its writing as one on the page.
fn on_page((turn, [left, top, right, bottom]): (i16, [f32; 4])) -> [f32; 4] {
    let frame = Frame::of(turn);
    let corners = [frame.back(left, top), frame.back(right, top), frame.back(left, bottom), frame.back(right, bottom)];
    let least = |of: fn(&(f32, f32)) -> f32| corners.iter().map(of).fold(f32::INFINITY, f32::min);
    let most = |of: fn(&(f32, f32)) -> f32| corners.iter().map(of).fold(f32::NEG_INFINITY, f32::max);
    let (x, y) = (least(|corner| corner.0), least(|corner| corner.1));
    [x, y, most(|corner| corner.0) - x, most(|corner| corner.1) - y]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Glyphs of lines of text, ten points a line and five a letter.
    fn set(lines: &[&str]) -> Vec<Glyph> {
        let mut glyphs = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            let mut after_space = false;
            for (column, first) in line.chars().enumerate() {
                if first == ' ' {
                    after_space = true;
                    continue;
                }
                let (x, y) = (5.0 * column as f32, 10.0 + 10.0 * row as f32);
                let (more, advance, size) = (None, 5.0, 8.0);
                let after_space = std::mem::take(&mut after_space);
                glyphs.push(Glyph { first, more, x, y, advance, size, turn: 0, show: 0, after_space, artifact: false });
            }
        }
        glyphs
    }

    fn of(lines: &[&str], words: &[&str]) -> Vec<[f32; 4]> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        places(&set(lines), &words)
    }

    #[test]
    fn words_are_found_whole_in_any_case_and_over_the_end_of_a_line() {
        assert_eq!(of(&["an Ember Wyrm"], &["ember wyrm"]), [[15.0, 3.6, 50.0, 8.4]]);
        assert_eq!(of(&["the orcs", "Orcus"], &["orc"]), [[20.0, 3.6, 15.0, 8.4], [0.0, 13.6, 15.0, 8.4]]);
        assert_eq!(of(&["forced orchard"], &["orc"]), [[0.0; 4]; 0]);
        // Two lines, two boxes; a hyphen is no letter.
        assert_eq!(of(&["the salt-", "binder"], &["saltbinder"]).len(), 2);
        assert_eq!(of(&["salt", "binder"], &["Salt", "Salt Binder"]).len(), 2, "the longest counts");
        assert_eq!(of(&["anything"], &["", " - "]), [[0.0; 4]; 0]);
    }

    #[test]
    fn what_is_turned_has_its_place_on_the_page() {
        let mut glyphs = set(&["wyrm"]);
        for (n, glyph) in glyphs.iter_mut().enumerate() {
            // Downwards from the top.
            (glyph.x, glyph.y, glyph.turn) = (100.0, 5.0 * n as f32, 900);
        }
        let places = places(&glyphs, &["wyrm".to_owned()]);
        assert_eq!(places.len(), 1, "{places:?}");
        let [x, y, width, height] = places[0];
        assert!(
            (width - 8.4).abs() < 0.01 && (height - 20.0).abs() < 0.01 && y.abs() < 0.01 && x < 100.0,
            "{places:?}"
        );
    }
}
