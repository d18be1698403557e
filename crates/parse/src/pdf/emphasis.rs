//! Changes of font within a block: what its author made bold, slanted, small capitals or a typewriter's.

use super::fonts::Face;
use super::headings::Faces;
use crate::marked::{Marked, characters};
use corpora_values::MarkKind;

/// Letters in one face, counted as [`crate::marked`] counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) face: Face,
    /// They are capitals, smaller than those of the line.
    pub(super) is_small: bool,
}

/// The runs of a text while it grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    runs: Vec<Run>,
    /// Characters so far.
    count: usize,
}

impl Runs {
    /// Adds characters of a face.
    pub(super) fn push(&mut self, count: usize, face: Face, is_small: bool) {
        let (from, to) = (self.count, self.count + count);
        self.count = to;
        match self.runs.last_mut() {
            Some(last) if last.is_small == is_small && is_alike(last.face, face) => last.to = to,
            _ if count == 0 => {}
            _ => self.runs.push(Run { from, to, face, is_small }),
        }
    }

    /// Adds what follows on the next line.
    pub(super) fn append(&mut self, other: &Self) {
        for run in &other.runs {
            self.push(run.to - run.from, run.face, run.is_small);
        }
        // A line whose letters have no places of their own has no runs.
        self.count += other.count - other.runs.iter().map(|run| run.to - run.from).sum::<usize>();
    }

    /// Puts a text of unknown face before all.
    pub(super) fn prefix(&mut self, text: &str) {
        let count = characters(text);
        for run in &mut self.runs {
            (run.from, run.to) = (run.from + count, run.to + count);
        }
        self.count += count;
    }

    /// Takes away characters at the beginning.
    pub(super) fn drop_first(&mut self, text: &str) {
        let count = characters(text);
        for run in &mut self.runs {
            (run.from, run.to) = (run.from.saturating_sub(count), run.to.saturating_sub(count));
        }
        self.runs.retain(|run| run.from < run.to);
        self.count = self.count.saturating_sub(count);
    }

    /// Runs of a text that was put in another order, or of which something was left out: none, but its characters.
    pub(super) fn unplaced(text: &str) -> Self {
        Self { runs: Vec::new(), count: characters(text) }
    }

    /// Gives the first character of the last run to it, where it is a capital before small ones.
    pub(super) fn take_capital(&mut self) {
        if let [.., before, last] = self.runs.as_mut_slice()
            && last.is_small
            && !before.is_small
            && before.to - before.from >= 1
            && before.to == last.from
        {
            before.to -= 1;
            last.from -= 1;
        }
    }

    /// The marks of a block with these runs. A block in one face is not marked: what it is, its kind tells.
    pub(super) fn marks(&self, faces: &Faces) -> Vec<Marked> {
        if self.runs.len() < 2 {
            return Vec::new();
        }
        let mut marks: Vec<Marked> = Vec::new();
        for kind in [MarkKind::Bold, MarkKind::Italic, MarkKind::SmallCaps, MarkKind::Code] {
            let is = |run: &Run| match kind {
                MarkKind::Bold => faces.is_bold(run.face),
                MarkKind::Italic => run.face.is_italic && !run.face.is_fixed,
                MarkKind::SmallCaps => run.is_small,
                _ => faces.is_code(run.face),
            };
            if self.runs.iter().all(is) {
                continue;
            }
            let first = marks.len();
            for run in self.runs.iter().filter(|run| is(run)) {
                match marks[first..].last_mut() {
                    Some(open) if open.to == run.from => open.to = run.to,
                    _ => marks.push(Marked { kind: kind.clone(), from: run.from, to: run.to }),
                }
            }
        }
        // Single slanted or bold letters are signs of formulas and numbers of notes.
        marks.retain(|mark| mark.to - mark.from >= 2);
        marks
    }
}

/// Test whether two faces look the same; the weight of a font is known the better the more of its letters were seen.
fn is_alike(a: Face, b: Face) -> bool {
    (a.is_fixed, a.is_italic, a.is_named_bold) == (b.is_fixed, b.is_italic, b.is_named_bold)
        && (a.weight - b.weight).abs() <= 0.1 * a.weight.max(b.weight)
}
