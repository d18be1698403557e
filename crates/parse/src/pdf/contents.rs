//! Tables of contents and indexes as pages show them: runs of lines that lead to pages, in the order of the pages or of the alphabet.

use std::collections::HashSet;

use super::headings::{Faces, comparable};
use super::lines::PageBlock;
use corpora_values::BlockKind;

/// Blocks that lead nowhere between two that do: continued lines, letters, titles of parts.
const MOST_BETWEEN: usize = 4;

/// Entries that a table of contents has at least, and an index, with and without letters at the heads of its groups.
const LEAST_CONTENTS: usize = 4;
const LEAST_INDEX: usize = 8;
const LEAST_INDEX_WITHOUT_LETTERS: usize = 24;

/// Longer blocks are no entries.
const LONGEST_ENTRY: usize = 300;

/// Marks the entries of tables of contents and of indexes. Entries of the former are titles that stand elsewhere, in the order of
/// their pages; those of the latter are in the order of the alphabet.
pub(super) fn mark(pages: &[Vec<PageBlock>], kinds: &mut [Vec<BlockKind>], faces: &Faces, outline: &HashSet<String>) {
    let mut titles = outline.clone();
    for (page, kinds) in pages.iter().zip(&*kinds) {
        let headings = page.iter().zip(kinds).filter(|(_, kind)| matches!(kind, BlockKind::Heading(_)));
        // A title with a tab in it is an entry itself.
        titles
            .extend(headings.filter(|(block, _)| !block.text.contains('\t')).map(|(block, _)| comparable(&block.text)));
    }
    let mut run = Run::default();
    let mut found: Vec<(Run, BlockKind)> = Vec::new();
    let mut end = |run: Run| {
        let kind = run.kind(pages, &titles);
        found.extend(kind.map(|kind| (run, kind)));
    };
    for (page, blocks) in pages.iter().enumerate() {
        for (at, block) in blocks.iter().enumerate() {
            if kinds[page][at] == BlockKind::Furniture {
                continue;
            }
            match Entry::of(&block.text, pages.len()) {
                Some(entry) => {
                    run.between = 0;
                    run.members.append(&mut run.open);
                    run.members.push((page, at));
                    run.entries.push(entry);
                }
                None if run.entries.is_empty() => {}
                None if run.between < MOST_BETWEEN && block.text.len() <= LONGEST_ENTRY => {
                    run.between += 1;
                    run.open.push((page, at));
                }
                None => end(std::mem::take(&mut run)),
            }
        }
    }
    end(run);
    for (run, kind) in found {
        for (page, at) in run.members {
            if !faces.is_named(&pages[page][at], page as u32 + 1) {
                kinds[page][at] = kind;
            }
        }
    }
}

/// Blocks that follow each other and lead to pages, with the few between them that do not.
#[derive(Default)]
struct Run {
    members: Vec<(usize, usize)>,
    entries: Vec<Entry>,
    /// Blocks after the last entry, which belong to the run if another follows.
    open: Vec<(usize, usize)>,
    between: usize,
}

impl Run {
    /// Kind of its blocks, if they are those of a table of contents or of an index.
    fn kind(&self, pages: &[Vec<PageBlock>], titles: &HashSet<String>) -> Option<BlockKind> {
        let steps = self.entries.len().saturating_sub(1);
        let share = |is: fn(&Entry, &Entry) -> bool| {
            self.entries.windows(2).filter(|pair| is(&pair[0], &pair[1])).count() * 100 / steps.max(1)
        };
        let by_page = share(|a, b| a.page <= b.page);
        if self.entries.len() >= LEAST_CONTENTS && by_page >= 85 {
            let known = self.entries.iter().filter(|entry| titles.contains(&entry.title)).count();
            if known * 2 >= self.entries.len() {
                return Some(BlockKind::ContentsEntry);
            }
        }
        let letters: HashSet<char> = self.entries.iter().filter_map(|entry| entry.initial).collect();
        let by_letter = share(|a, b| a.initial <= b.initial);
        let is_letter = |&&(page, at): &&(usize, usize)| pages[page][at].text.trim().chars().take(2).count() == 1;
        let least =
            if self.members.iter().filter(is_letter).count() >= 2 { LEAST_INDEX } else { LEAST_INDEX_WITHOUT_LETTERS };
        (self.entries.len() >= least && letters.len() >= 3 && by_letter >= 85).then_some(BlockKind::IndexEntry)
    }
}

/// A line that leads to a page.
struct Entry {
    title: String,
    /// Its first letter or digit, in lower case.
    initial: Option<char>,
    page: usize,
}

impl Entry {
    /// An entry, if a text ends in numbers of pages that a document of so many pages may have, behind a tab, a comma or dots.
    fn of(text: &str, pages: usize) -> Option<Self> {
        let text = text.trim();
        let last = *text.as_bytes().last()?;
        if text.len() > LONGEST_ENTRY || !(last.is_ascii_digit() || b"ivxlc".contains(&last)) {
            return None;
        }
        let is_of_pages = |c: char| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '\u{2013}');
        let rest = text.trim_end_matches(is_of_pages);
        let (title, numbers) = if last.is_ascii_digit() {
            // The numbers begin after what parts them from the title.
            let tail = &text[rest.len()..];
            let begin = tail.find(|c: char| c.is_ascii_digit())?;
            let leads = rest.ends_with('\t') || ["..", ". .", " ."].iter().any(|dots| rest.ends_with(dots));
            let parts = leads || tail[..begin].contains(',');
            (parts && !rest.is_empty()).then_some((rest, &tail[begin..]))?
        } else {
            text.rsplit_once('\t').filter(|(_, number)| number.bytes().all(|b| b"ivxlc".contains(&b)))?
        };
        let first: String = numbers.chars().take_while(char::is_ascii_digit).collect();
        // Roman numbers stand before all others.
        let page = if first.is_empty() { 0 } else { first.parse::<usize>().ok()? };
        let initial = title.chars().find(|c| c.is_alphanumeric()).and_then(|c| c.to_lowercase().next());
        (page <= 2 * pages + 50 && initial.is_some()).then(|| Self { title: comparable(title), initial, page })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_lead_to_pages_and_sentences_do_not() {
        let read = |text: &str| Entry::of(text, 200).map(|entry| (entry.title, entry.page));
        let entry = |title: &str, page| Some((title.to_owned(), page));
        assert_eq!(read("3.1 Shell Syntax\t5"), entry("shellsyntax", 5));
        assert_eq!(read("Preface\tix"), entry("preface", 0));
        assert_eq!(read("Appendix G Licence . . . . 174"), entry("appendixglicence", 174));
        assert_eq!(read("exit status\t3, 44"), entry("exitstatus", 3));
        assert_eq!(read("whitespace, 10"), entry("whitespace", 10));
        for text in ["It was built in 1874", "Bash-5.1", "salt\t9000", "12, 13", "see Section 5", "Release 4.6.2.0"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
