//! Passages of a text: every place of some words in the documents that a run has read.

use std::ops::ControlFlow;

use aho_corasick::{AhoCorasick, MatchKind};

use super::verify::each_file;
use crate::stages::consolidate::fold;
use crate::store::{Reader, StageFps, StoreError};
use crate::values::{ParsedDocument, SectionKind};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A place of the words in a document, with what stands around it on its page or in its chapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPassage {
    /// Path of the source relative to the input root.
    pub source: String,
    /// Page or chapter.
    pub section_kind: SectionKind,
    /// Its 1-based number.
    pub section: u32,
    /// Page label or chapter title, where there is one.
    pub section_label: Option<String>,
    /// Label of the printed page, in a book whose sections are chapters and that marks its pages.
    pub page: Option<String>,
    /// First character in the document's text, as `corpora parse` prints it.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// Text before it, white space folded.
    pub before: String,
    /// The words as the document writes them.
    pub found: String,
    /// Text after it.
    pub after: String,
}

/// Words that are looked for: case, accents and white space count for nothing, and they stand as whole words.
pub struct Sought {
    words: AhoCorasick,
    /// Characters of the text before and after that are told.
    context: usize,
}

impl Sought {
    /// Any of these texts; of two that begin at one place the longer one counts.
    ///
    /// # Errors
    /// If there is no text among them.
    pub fn new<S: AsRef<str>>(texts: &[S], context: usize) -> Result<Self, String> {
        let folded: Vec<String> = texts.iter().map(|text| crate::stages::consolidate::folded(text.as_ref())).collect();
        let folded: Vec<&String> = folded.iter().filter(|text| !text.is_empty()).collect();
        if folded.is_empty() {
            return Err("there is no word to look for".to_owned());
        }
        let words = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(folded);
        Ok(Self { words: words.map_err(|e| e.to_string())?, context })
    }

    /// Hands every passage of the documents of a store to `each`, by path and place, until `each` breaks off. One document is in memory at
    /// a time. Returns the files that were read, and those that no run has read yet.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn find(
        &self,
        reader: &Reader,
        fps: &StageFps,
        each: &mut dyn FnMut(FoundPassage) -> ControlFlow<()>,
    ) -> Result<(u64, u64), StoreError> {
        let (mut read, mut unread, mut is_over) = (0, 0, false);
        each_file(reader, fps, &mut |file| {
            if is_over {
                return Ok(());
            }
            match reader.artifact::<ParsedDocument>(fps, file.doc) {
                Ok(document) => {
                    read += 1;
                    is_over = self.in_document(file.path.as_str(), &document, each).is_break();
                }
                // It failed, waits for its turn, or is not sound: `verify` tells of that.
                Err(StoreError::Spoilt { .. }) => unread += 1,
                Err(error) => return Err(error),
            }
            Ok(())
        })?;
        Ok((read, unread))
    }

    /// Hands every passage of a document to `each`.
    pub fn in_document(
        &self,
        source: &str,
        document: &ParsedDocument,
        each: &mut dyn FnMut(FoundPassage) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let text = document.text.as_str();
        let (folded, places) = folded_with_places(text);
        let (mut counted, mut characters) = (0, 0);
        for found in self.words.find_iter(&folded) {
            let (start, end) = (places[found.start()], places[found.end()]);
            let end = start + text[start..end].trim_end().len();
            let stands_alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            if !stands_alone(text[..start].chars().next_back()) || !stands_alone(text[end..].chars().next()) {
                continue;
            }
            characters += text[counted..start].chars().count();
            counted = start;
            let length = text[start..end].chars().count();
            let at = u32::try_from(start).unwrap_or(u32::MAX);
            let section = document.section_at(at).map(|n| &document.sections[n]);
            let (from, to) = section.map_or((0, text.len()), |s| (s.span.start as usize, s.span.end as usize));
            let mark = document.page_marks.partition_point(|mark| mark.at <= at);
            each(FoundPassage {
                source: source.to_owned(),
                section_kind: section.map_or(SectionKind::Page, |s| s.kind),
                section: section.map_or(1, |s| s.number),
                section_label: section.and_then(|s| s.label.clone()),
                page: mark.checked_sub(1).map(|n| document.page_marks[n].label.clone()),
                start: characters,
                end: characters + length,
                before: self.before(&text[from.min(start)..start]),
                found: in_one_line(&text[start..end]),
                after: self.after(&text[end..to.max(end)]),
            })?;
        }
        ControlFlow::Continue(())
    }

    fn before(&self, text: &str) -> String {
        // White space may be folded away: what is looked at is a few times what is shown.
        let begin = text.char_indices().rev().nth(self.context * 4).map_or(0, |(at, _)| at);
        let line = in_one_line(&text[begin..]);
        let cut = line.char_indices().rev().nth(self.context.saturating_sub(1)).map_or(0, |(at, _)| at);
        line[cut..].trim_start().to_owned() + if text.ends_with(char::is_whitespace) { " " } else { "" }
    }

    fn after(&self, text: &str) -> String {
        let end = text.char_indices().nth(self.context * 4).map_or(text.len(), |(at, _)| at);
        let line = in_one_line(&text[..end]);
        let cut = line.char_indices().nth(self.context).map_or(line.len(), |(at, _)| at);
        let space = if text.starts_with(char::is_whitespace) { " " } else { "" };
        space.to_owned() + line[..cut].trim_end()
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text folded as for search, and for each byte of that, and its end, the byte of the text that it comes from.
fn folded_with_places(text: &str) -> (String, Vec<usize>) {
    let mut folded = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut is_space = true;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            if !std::mem::replace(&mut is_space, true) {
                folded.push(' ');
            }
        } else if c.is_ascii() {
            is_space = false;
            folded.push(c.to_ascii_lowercase());
        } else {
            for part in std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)) {
                is_space = false;
                fold(part, &mut folded);
            }
        }
        places.resize(folded.len(), at);
    }
    places.push(text.len());
    (folded, places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Format, Metadata, PageMark, Section, SectionSource, Span};

    fn document(pages: &[&str]) -> ParsedDocument {
        let mut at = 0;
        let section = |(n, text): (usize, &&str)| {
            let span = Span::new(at, at + text.len());
            at += text.len() + 1;
            let number = u32::try_from(n).unwrap() + 1;
            Section {
                kind: SectionKind::Chapter,
                number,
                label: None,
                span,
                source: SectionSource::File,
                recognition: None,
            }
        };
        let sections = pages.iter().enumerate().map(section).collect();
        ParsedDocument {
            format: Format::Epub,
            metadata: Metadata::default(),
            text: pages.join("\u{c}"),
            sections,
            blocks: vec![],
            outline: vec![],
            page_marks: vec![PageMark { label: "iv".into(), at: 3 }],
            markup: Default::default(),
            notes: vec![],
        }
    }

    fn found(words: &[&str], pages: &[&str]) -> Vec<FoundPassage> {
        let mut all = Vec::new();
        let sought = Sought::new(words, 12).unwrap();
        let _ = sought.in_document("a.epub", &document(pages), &mut |passage| {
            all.push(passage);
            ControlFlow::Continue(())
        });
        all
    }

    #[test]
    fn every_spelling_is_found_with_its_place_and_what_stands_around_it() {
        let pages = ["Die Grüße der\nWyrmkönige.", "Of GRUSSE and wyrm\n  könige, and a wyrmköniging. ﬁne"];
        let all = found(&["grüsse", "Wyrm Könige", "wyrmkönige", "fine"], &pages);
        let words: Vec<&str> = all.iter().map(|p| p.found.as_str()).collect();
        assert_eq!(words, ["Grüße", "Wyrmkönige", "GRUSSE", "wyrm könige", "ﬁne"]);
        let text = document(&pages).text;
        for passage in &all {
            let there: String = text.chars().skip(passage.start).take(passage.end - passage.start).collect();
            assert_eq!(in_one_line(&there), passage.found);
        }
        assert_eq!((all[0].section, all[2].section, all[0].page.as_deref()), (1, 2, Some("iv")));
        assert_eq!((all[1].before.as_str(), all[1].after.as_str()), ("ie Grüße der ", "."));
        assert_eq!(
            (all[2].before.as_str(), all[2].after.as_str()),
            ("Of ", " and wyrm kön"),
            "no further than its section"
        );
        assert!(Sought::new(&["", " \u{301}"], 5).is_err());
    }

    #[test]
    fn who_has_seen_enough_is_told_no_more() {
        let mut seen = 0;
        let sought = Sought::new(&["a"], 5).unwrap();
        let broken = sought.in_document("x", &document(&["a a a"]), &mut |_| {
            seen += 1;
            if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(broken.is_break() && seen == 2);
    }
}
