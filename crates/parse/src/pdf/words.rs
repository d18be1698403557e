//! Fragments to text: where words part, marks that stand raised, dots that lead to a page.

use unicode_normalization::UnicodeNormalization;

use super::bidi;
use super::emphasis::Runs;
use super::fragments::{Fragment, Frame, WORD_GAP};
use super::glyphs::{Glyph, PageGlyphs};
use crate::build::superscript;
use crate::marked::{characters, weight};

/// The text of a fragment in reading order, words parted by single spaces, and the faces of its letters.
pub(super) fn text(page: &PageGlyphs, frame: Frame, fragment: &Fragment) -> (String, Runs) {
    let glyphs = page.glyphs.as_slice();
    let mut runs = Runs::default();
    let mut out = String::with_capacity(fragment.glyphs.len() + 16);
    let spread = spread(glyphs, frame, fragment);
    let word_gap = if spread > 0.0 { WORD_GAP } else { word_gap(glyphs, frame, fragment) };
    let mut last: Option<Last> = None;
    let mut rtl = false;
    let mut on_grid: Option<Option<f32>> = None;
    let mut shown = Letters::default();
    for &index in &fragment.glyphs {
        let glyph = &glyphs[index as usize];
        let (u, v) = frame.place(glyph.x, glyph.y);
        if let Some(last) = &last {
            let gap = u - last.end;
            let size = fragment.size.min(glyph.size);
            let limit = if is_ideographic(last.character) && is_ideographic(glyph.first) {
                0.6
            } else if last.size > 1.6 * fragment.size {
                // After a large initial.
                0.8
            } else {
                word_gap
            };
            let is_painted = glyph.after_space && gap > -0.15 * size;
            let is_wide = gap > (limit + spread) * size;
            let mut off_grid = || {
                let step = *on_grid.get_or_insert_with(|| grid(glyphs, frame, fragment));
                step.is_none_or(|step| u - last.begin > 1.5 * step)
            };
            if is_painted || (is_wide && off_grid()) {
                out.push(' ');
            }
        }
        last = Some(Last { begin: u, end: u + glyph.advance, character: glyph.first, size: glyph.size });
        rtl |= bidi::is_rtl(glyph.first);
        // A raised figure is a power or the mark of a note; it is no part of the word before it.
        let raised = glyph.size < 0.8 * fragment.size && fragment.baseline - v > 0.2 * fragment.size;
        let is_small = glyph.first.is_uppercase()
            && (0.6..0.9).contains(&(glyph.size / fragment.size))
            && (fragment.baseline - v).abs() < 0.05 * fragment.size;
        let length = weight(glyph.first) + glyph.more.as_deref().map_or(0, characters);
        if is_small || shown.by != Some(glyph.show) {
            shown.push(&mut runs, page, false);
            shown.by = Some(glyph.show);
        }
        shown.count += length;
        if is_small {
            shown.push(&mut runs, page, true);
            if !glyph.after_space {
                runs.take_capital();
            }
        }
        match superscript(glyph.first) {
            Some(figure) if raised && glyph.more.is_none() => out.push(figure),
            _ => {
                out.push(glyph.first);
                if let Some(more) = &glyph.more {
                    out.push_str(more);
                }
            }
        }
    }
    shown.push(&mut runs, page, false);
    if rtl {
        let out = without_leaders(letters_of_forms(&bidi::logical(&out)));
        let runs = Runs::unplaced(&out);
        return (out, runs);
    }
    let length = out.len();
    let out = without_leaders(out);
    let runs = if out.len() == length { runs } else { Runs::unplaced(&out) };
    (out, runs)
}

/// Letters of one operator that follow each other: they have one face.
#[derive(Default)]
struct Letters {
    by: Option<u32>,
    count: usize,
}

impl Letters {
    /// Adds them to the runs of their text.
    fn push(&mut self, runs: &mut Runs, page: &PageGlyphs, is_small: bool) {
        let count = std::mem::take(&mut self.count);
        if let (Some(by), true) = (self.by, count > 0) {
            runs.push(count, page.faces.get(by as usize).copied().unwrap_or_default(), is_small);
        }
    }
}

/// The glyph before.
struct Last {
    begin: f32,
    end: f32,
    character: char,
    size: f32,
}

/// Fewer dots in a row may be an ellipsis at the end of a sentence.
const SHORTEST_LEADER: usize = 5;

/// The text without the dots that lead from a title to its page: a tab stands for them.
fn without_leaders(text: String) -> String {
    if text.bytes().filter(|&b| b == b'.').count() < SHORTEST_LEADER {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('.') {
        let run = rest[at..].find(|c| c != '.' && c != ' ').unwrap_or(rest.len() - at);
        if rest[at..at + run].bytes().filter(|&b| b == b'.').count() < SHORTEST_LEADER {
            out.push_str(&rest[..at + run]);
        } else {
            out.push_str(rest[..at].trim_end());
            if at + run < rest.len() {
                out.push('\t');
            }
        }
        rest = &rest[at + run..];
    }
    out + rest
}

/// Gaps of a line among which those between its words are looked for, at least.
const ENOUGH_GAPS: usize = 12;

/// Width of a gap from which on it parts words, in sizes. Where a line is set so tightly that its words stand less than usual
/// apart, and no space was painted, its own gaps tell: many that are next to nothing, some that are clearly wider, and none between.
fn word_gap(glyphs: &[Glyph], frame: Frame, fragment: &Fragment) -> f32 {
    if fragment.glyphs.len() <= ENOUGH_GAPS || fragment.glyphs.iter().any(|&g| glyphs[g as usize].after_space) {
        return WORD_GAP;
    }
    let place = |g: u32| frame.place(glyphs[g as usize].x, glyphs[g as usize].y).0;
    let mut gaps: Vec<f32> = fragment
        .glyphs
        .windows(2)
        .map(|pair| (place(pair[1]) - place(pair[0]) - glyphs[pair[0] as usize].advance) / fragment.size)
        .collect();
    if gaps.len() < ENOUGH_GAPS {
        return WORD_GAP;
    }
    if is_clear(&gaps) {
        return WORD_GAP;
    }
    gaps.sort_unstable_by(f32::total_cmp);
    // The widest step between neighbours, of those at which words may begin: they have two letters or more on average, and not
    // more than the longest words have.
    let (from, to) = (gaps.len() / 2, gaps.len() - gaps.len() / 16 - 1);
    let valley = (from..to)
        .map(|at| (gaps[at + 1] - gaps[at], at))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(step, at)| *step > 0.045 && gaps[at + 1] > 0.07);
    valley.map_or(WORD_GAP, |(_, at)| ((gaps[at] + gaps[at + 1]) / 2.0).min(WORD_GAP))
}

/// Test whether the usual gap parts the words of a line, as it does in nearly all: the widest step between gaps lies around it, nearer to
/// the wide ones.
fn is_clear(gaps: &[f32]) -> bool {
    let (mut lowest, mut below, mut above, mut highest) = (f32::MAX, f32::MIN, f32::MAX, f32::MIN);
    let mut narrow = 0;
    for &gap in gaps {
        (lowest, highest) = (lowest.min(gap), highest.max(gap));
        if gap < WORD_GAP {
            below = below.max(gap);
            narrow += 1;
        } else {
            above = above.min(gap);
        }
    }
    let step = above - below;
    narrow > gaps.len() / 2
        && narrow < gaps.len() - gaps.len() / 16
        && step > below - lowest
        && step > highest - above
        && (below + above) / 2.0 >= WORD_GAP
}

/// Distance from letter to letter, where it is the same all along a fragment whatever letters these are: somebody has put them on a
/// grid one by one. Letters that are as wide as the distance say nothing of it: a typewriter's, or those of which a word happens to
/// have many (`a`, `e`, `n`, `o` are equally wide in most fonts).
fn grid(glyphs: &[Glyph], frame: Frame, fragment: &Fragment) -> Option<f32> {
    let place = |g: u32| frame.place(glyphs[g as usize].x, glyphs[g as usize].y).0;
    // Dots that lead somewhere stand on a grid of their own.
    let is_letter = |g: u32| glyphs[g as usize].first.is_alphanumeric();
    let within = fragment
        .glyphs
        .windows(2)
        .filter(|pair| !glyphs[pair[1] as usize].after_space && is_letter(pair[0]) && is_letter(pair[1]));
    let steps: Vec<(f32, f32)> =
        within.map(|pair| (place(pair[1]) - place(pair[0]), glyphs[pair[0] as usize].advance)).collect();
    if steps.len() < 6 {
        return None;
    }
    let mut sorted: Vec<f32> = steps.iter().map(|(step, _)| *step).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let usual = sorted[sorted.len() / 2];
    let telling = || steps.iter().filter(|(_, width)| (width - usual).abs() > 0.05 * fragment.size);
    let same = telling().filter(|(step, _)| (step - usual).abs() < 0.02 * fragment.size).count();
    (same >= 3 && same * 5 >= telling().count() * 4 && usual > 0.0).then_some(usual)
}

/// Letters farther apart than this are no spaced word: they stand each for itself.
const WIDEST_SPREAD: f32 = 0.45;

/// Distance at which letters stand apart in letter-spaced text, beyond the usual, in sizes.
fn spread(glyphs: &[Glyph], frame: Frame, fragment: &Fragment) -> f32 {
    let first = fragment.glyphs.first().map(|&g| &glyphs[g as usize]);
    let inked: f32 = fragment.glyphs.iter().map(|&g| glyphs[g as usize].advance).sum();
    let count = fragment.glyphs.len();
    // Cheap and usual: what stands apart on average less than a word gap is not letter-spaced.
    let average = (fragment.right - fragment.left - inked) / (count.max(2) - 1) as f32;
    if count < 4 || first.is_none() || average < 0.1 * fragment.size {
        return 0.0;
    }
    let mut gaps: Vec<f32> = fragment
        .glyphs
        .windows(2)
        .map(|pair| (&glyphs[pair[0] as usize], &glyphs[pair[1] as usize]))
        // Dot leaders and figures in columns stand apart for reasons of their own.
        .filter(|(a, b)| a.first.is_alphabetic() && b.first.is_alphabetic())
        .map(|(a, b)| (frame.place(b.x, b.y).0 - frame.place(a.x, a.y).0 - a.advance) / fragment.size)
        .collect();
    if gaps.len() < 3 {
        return 0.0;
    }
    gaps.sort_unstable_by(f32::total_cmp);
    // Nearly all letters stand apart: else the wide gaps are those between words.
    let usual = gaps[gaps.len() / 2];
    if gaps[gaps.len() / 5] > 0.08 && usual < WIDEST_SPREAD { usual + 0.05 } else { 0.0 }
}

/// The letters of presentation forms: shapes that Arabic letters and Hebrew ones take beside each other have codes of their own,
/// which nobody searches for.
fn letters_of_forms(text: &str) -> String {
    let is_form = |c: char| matches!(c, '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    if !text.contains(is_form) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_form(c) {
            // The form of a mark that stands alone has a space for its letter.
            out.extend(std::iter::once(c).nfkc().filter(|c| *c != ' '));
        } else {
            out.push(c);
        }
    }
    out
}

/// Scripts that are written without spaces between words.
pub(super) fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}
