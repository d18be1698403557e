//! Notes of a page and the marks in its text that lead to them.

use crate::marked::{Marked, characters};
use corpora_values::{BlockKind, MarkKind};

/// Signs that mark notes where numbers do not.
const SIGNS: [char; 5] = ['*', '\u{2020}', '\u{2021}', '\u{a7}', '\u{b6}'];

/// Figures as they stand raised in a text, and the figures that they are.
fn raised(c: char) -> Option<char> {
    Some(match c {
        '\u{b9}' => '1',
        '\u{b2}' => '2',
        '\u{b3}' => '3',
        '\u{2070}' => '0',
        '\u{2074}'..='\u{2079}' => char::from(b'4' + (c as u32 - 0x2074) as u8),
        c if SIGNS.contains(&c) => c,
        _ => return None,
    })
}

/// The mark with which a note begins.
fn mark_of(note: &str) -> String {
    let mark: String = note.chars().map_while(raised).collect();
    if mark.is_empty() { note.chars().take_while(char::is_ascii_digit).collect() } else { mark }
}

/// The marks of a page that lead to its notes: the block in which each stands, its place, and the block of the note. `index` is that
/// of a block of the page in the document.
pub(super) fn references(texts: &[&str], kinds: &[BlockKind], index: impl Fn(usize) -> u32) -> Vec<(usize, Marked)> {
    let mut found: Vec<(usize, Marked)> = Vec::new();
    if !kinds.contains(&BlockKind::Footnote) {
        return found;
    }
    let notes = || (0..texts.len()).filter(|&at| kinds[at] == BlockKind::Footnote).map(|at| (at, mark_of(texts[at])));
    let notes: Vec<(usize, String)> = notes().filter(|(_, mark)| !mark.is_empty()).collect();
    for (at, text) in texts.iter().enumerate() {
        if matches!(kinds[at], BlockKind::Footnote | BlockKind::Furniture | BlockKind::Code) {
            continue;
        }
        for (from, run) in marks_in(text) {
            let mark: String = run.chars().filter_map(raised).collect();
            let taken = |note: u32| found.iter().any(|(_, mark)| mark.kind == MarkKind::NoteReference(note));
            let note = notes.iter().find(|(note, of)| *of == mark && !taken(index(*note)));
            if let Some((note, _)) = note {
                let kind = MarkKind::NoteReference(index(*note));
                let from = characters(&text[..from]);
                found.push((at, Marked { kind, from, to: from + characters(run) }));
            }
        }
    }
    found
}

/// Runs of raised figures and signs behind a word, with their places.
fn marks_in(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        loop {
            let from = rest + text[rest..].find(|c| raised(c).is_some())?;
            let run = text[from..].find(|c| raised(c).is_none()).map_or(&text[from..], |end| &text[from..from + end]);
            rest = from + run.len();
            if text[..from].chars().next_back().is_some_and(|c| !c.is_whitespace()) {
                return Some((from, run));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_lead_to_the_notes_that_begin_with_them() {
        use BlockKind::{Footnote, Paragraph};
        let texts = [
            "Oath\u{b9} binds, and salt\u{b9}\u{b2} too\u{2020}, 10\u{b3}.",
            "1 Of oaths.",
            "\u{b9}\u{b2} Of salt.",
            "\u{2020} See 4.",
        ];
        let found = references(&texts, &[Paragraph, Footnote, Footnote, Footnote], |at| at as u32 + 10);
        let told: Vec<(usize, usize, usize, MarkKind)> =
            found.into_iter().map(|(block, mark)| (block, mark.from, mark.to, mark.kind)).collect();
        assert_eq!(
            told,
            [
                (0, 4, 5, MarkKind::NoteReference(11)),
                (0, 18, 20, MarkKind::NoteReference(12)),
                (0, 23, 24, MarkKind::NoteReference(13)),
            ]
        );
    }
}
