//! Puts sections and blocks together into one text.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::marked::{self, Marked};
use super::markup::Meaning;
use super::references::References;
use corpora_values::{
    Area, Block, BlockKind, Format, MarkKind, Markup, Metadata, OutlineEntry, PageMark, ParsedDocument, Part, PartKind,
    Recognition, Section, SectionKind, SectionSource, Span, Table,
};

/// Builds a [`ParsedDocument`] section by section.
pub(super) struct Builder {
    kind: SectionKind,
    text: String,
    sections: Vec<Section>,
    blocks: Vec<Block>,
    /// The table of contents that the file carries.
    pub(super) outline: Vec<OutlineEntry>,
    page_marks: Vec<PageMark>,
    markup: Markup,
    references: References,
    /// Parts, as ranges of blocks.
    parts: Vec<(PartKind, Range<u32>)>,
    /// Things a person should know.
    pub(super) notes: Vec<String>,
    /// Recognition of the current section.
    recognition: Option<Recognition>,
    start: usize,
}

impl Builder {
    pub(super) fn new(kind: SectionKind) -> Self {
        Self {
            kind,
            text: String::new(),
            sections: Vec::new(),
            blocks: Vec::new(),
            outline: Vec::new(),
            page_marks: Vec::new(),
            markup: Markup::default(),
            references: References::default(),
            parts: Vec::new(),
            notes: Vec::new(),
            recognition: None,
            start: 0,
        }
    }

    /// Test whether no text was added yet.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The number of the current section.
    pub(super) fn section_number(&self) -> u32 {
        self.sections.len() as u32 + 1
    }

    /// Marks the place of the next block as the beginning of a printed page.
    pub(super) fn page_mark(&mut self, label: &str) {
        let open = self.text.len() > self.start;
        let at = self.text.len() + usize::from(open);
        self.page_marks.push(PageMark { label: label.to_owned(), at: Span::new(0, at).end });
    }

    /// Marks a place within the block that was added last as the beginning of a printed page: after `before`, which is
    /// that block's text up to there, as it was given.
    pub(super) fn page_mark_within(&mut self, label: &str, before: &str) {
        let Some(block) = self.blocks.last() else { return self.page_mark(label) };
        let (start, end) = (block.span.start as usize, block.span.end as usize);
        let at = self.text.floor_char_boundary((start + clean(before).len()).min(end));
        let spaces = self.text[at..end].len() - self.text[at..end].trim_start().len();
        self.page_marks.push(PageMark { label: label.to_owned(), at: Span::new(0, at + spaces).end });
    }

    /// Marks the place of the mark before as the beginning of one more printed page.
    pub(super) fn page_mark_beside(&mut self, label: &str) {
        let Some(at) = self.page_marks.last().map(|mark| mark.at) else { return self.page_mark(label) };
        self.page_marks.push(PageMark { label: label.to_owned(), at });
    }

    /// Index that the next block has.
    pub(super) fn next_block(&self) -> u32 {
        Span::new(0, self.blocks.len()).end
    }

    /// Adds a block to the current section; white space is folded, ligatures are repaired, the form is NFC.
    pub(super) fn block(&mut self, kind: BlockKind, text: &str, area: Option<Area>) {
        self.counted_block(kind, text, area, None, &[]);
    }

    /// Adds a block with marks whose places are counted, and the certainty of its recognition, if it was recognised.
    pub(super) fn counted_block(
        &mut self,
        kind: BlockKind,
        text: &str,
        area: Option<Area>,
        confidence: Option<u8>,
        marked: &[Marked],
    ) {
        if let Some(start) = self.push(kind, text, area, confidence) {
            self.add_marks(kind, start, marked);
        }
    }

    /// The current section was recognised in a picture.
    pub(super) fn recognised(&mut self, recognition: Recognition) {
        self.recognition = Some(recognition);
    }

    /// Adds a block with marks whose places are those in `text`. What refers to a note does so as the file at `path` has it.
    pub(super) fn marked_block(
        &mut self,
        kind: BlockKind,
        text: &str,
        marks: Vec<(Range<usize>, Meaning)>,
        path: &str,
    ) {
        let Some(start) = self.push(kind, text, None, None) else { return };
        let ends: Vec<usize> = marks.iter().flat_map(|(place, _)| [place.start, place.end]).collect();
        let counts = marked::counted(text, &ends);
        let mut known = Vec::new();
        for ((_, meaning), counts) in marks.into_iter().zip(counts.chunks_exact(2)) {
            let mut mark = Marked { kind: MarkKind::NoteReference(0), from: counts[0], to: counts[1] };
            match meaning {
                Meaning::Kind(kind) => known.push(Marked { kind, ..mark }),
                Meaning::NoteAt(reference) => {
                    mark.kind = MarkKind::NoteReference(0);
                    for placed in marked::placed(&self.text[start..], start, &[mark]) {
                        self.references.refer(placed.span, path, &reference);
                    }
                }
            }
        }
        self.add_marks(kind, start, &known);
    }

    fn add_marks(&mut self, kind: BlockKind, start: usize, marked: &[Marked]) {
        let marks = marked::placed(&self.text[start..], start, marked);
        self.markup.marks.extend(marked::run_in(kind, &self.text, start, &marks));
        self.markup.marks.extend(marks);
    }

    /// Adds a table of blocks that were added.
    pub(super) fn table(&mut self, table: Table) {
        self.markup.tables.push(table);
    }

    /// Makes blocks that were added a part of the book.
    pub(super) fn part(&mut self, kind: PartKind, blocks: Range<u32>) {
        self.parts.push((kind, blocks));
    }

    /// A block begins at an id of the file at `path`.
    pub(super) fn anchor(&mut self, path: &str, id: &str, block: u32) {
        self.references.anchor(path, id, block);
    }

    /// Adds a block. The place of its text, unless there is none.
    fn push(&mut self, kind: BlockKind, text: &str, area: Option<Area>, confidence: Option<u8>) -> Option<usize> {
        let clean = clean(text);
        if clean.is_empty() {
            return None;
        }
        if self.text.len() > self.start {
            self.text.push('\n');
        }
        let at = self.text.len();
        self.text.push_str(&clean);
        self.blocks.push(Block { kind, span: Span::new(at, self.text.len()), area, confidence });
        Some(at)
    }

    /// Ends the current section.
    pub(super) fn end_section(&mut self, label: Option<String>, source: SectionSource) {
        let number = self.section_number();
        let span = Span::new(self.start, self.text.len());
        let recognition = self.recognition.take();
        self.sections.push(Section { kind: self.kind, number, label, span, source, recognition });
        self.text.push('\u{c}');
        self.start = self.text.len();
    }

    pub(super) fn finish(mut self, format: Format, mut metadata: Metadata) -> ParsedDocument {
        if self.text.ends_with('\u{c}') {
            self.text.pop();
        }
        if metadata.language.is_none() {
            metadata.language = detect_language(&self.text);
        }
        self.finish_markup();
        // A mark after the last block has no text of its own.
        let end = Span::new(0, self.text.len()).end;
        for mark in &mut self.page_marks {
            mark.at = mark.at.min(end);
        }
        ParsedDocument {
            format,
            metadata,
            text: self.text,
            sections: self.sections,
            blocks: self.blocks,
            outline: self.outline,
            page_marks: self.page_marks,
            markup: self.markup,
            notes: self.notes,
        }
    }
}

impl Builder {
    fn finish_markup(&mut self) {
        let marks = &mut self.markup.marks;
        let blocks = Span::new(0, self.blocks.len()).end;
        marks.extend(std::mem::take(&mut self.references).resolved().filter(|mark| match mark.kind {
            // What stands behind the last block leads nowhere.
            MarkKind::NoteReference(block) => block < blocks,
            _ => true,
        }));
        marks.sort_by_key(|mark| (mark.span.start, std::cmp::Reverse(mark.span.end)));
        self.markup.tables.sort_by_key(|table| table.first_block);
        let parts = &mut self.markup.parts;
        for (kind, range) in self.parts.drain(..) {
            let block = |at: u32| self.blocks.get(at as usize).map(|block| block.span);
            if let (false, Some(first), Some(last)) =
                (range.is_empty(), block(range.start), block(range.end.wrapping_sub(1)))
            {
                parts.push(Part { kind, span: Span { start: first.start, end: last.end } });
            }
        }
        for (entry, kind) in [(BlockKind::ContentsEntry, PartKind::Contents), (BlockKind::IndexEntry, PartKind::Index)]
        {
            parts.extend(runs(&self.blocks, entry).map(|span| Part { kind, span }));
        }
        parts.extend(boilerplate(&self.text));
        parts.sort_by_key(|part| (part.span.start, std::cmp::Reverse(part.span.end)));
        parts.dedup();
    }
}

/// Places of blocks of a kind that follow each other, furniture of their pages between them aside.
fn runs(blocks: &[Block], kind: BlockKind) -> impl Iterator<Item = Span> {
    let belongs = move |block: &Block| block.kind == kind || block.kind == BlockKind::Furniture;
    blocks.chunk_by(move |a, b| belongs(a) == belongs(b)).filter_map(move |run| {
        let mut entries = run.iter().filter(|block| block.kind == kind);
        let first = entries.next()?;
        let last = entries.next_back().unwrap_or(first);
        Some(Span { start: first.span.start, end: last.span.end })
    })
}

/// What Project Gutenberg writes before and after a book: <https://www.gutenberg.org/policy/license.html>. Its files mark the ends of
/// the book by lines of their own.
fn boilerplate(text: &str) -> Vec<Part> {
    let line_with = |words: [&str; 2]| {
        text.match_indices("***").find_map(|(at, _)| {
            let line = &text[at..text[at..].find(['\n', '\u{c}']).map_or(text.len(), |end| at + end)];
            let upper = line.get(..line.floor_char_boundary(80)).unwrap_or_default().to_uppercase();
            words.iter().all(|word| upper.contains(word)).then_some(at..at + line.len())
        })
    };
    let part = |start: usize, end: usize| Part { kind: PartKind::Boilerplate, span: Span::new(start, end) };
    let before = line_with(["*** START OF", "PROJECT GUTENBERG"]).map(|line| part(0, line.end));
    let after = line_with(["*** END OF", "PROJECT GUTENBERG"]).map(|line| part(line.start, text.len()));
    before.into_iter().chain(after).collect()
}

/// White space folded to single spaces (tabs stay: they part table cells), no control characters, ligatures as
/// letters, NFC.
pub(super) fn clean(text: &str) -> String {
    // Most text is ASCII with single spaces, or nearly so, and has nothing to be composed.
    if is_clean_ascii(text) {
        return text.to_owned();
    }
    let composed: Cow<'_, str> = match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text.into(),
        _ => text.nfc().collect::<String>().into(),
    };
    let mut out = String::with_capacity(text.len());
    for c in composed.chars() {
        match c {
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{fb03}' => out.push_str("ffi"),
            '\u{fb04}' => out.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => out.push_str("st"),
            '\u{ad}' | '\u{feff}' | '\u{200b}' => {}
            '\t' => {
                let kept = out.trim_end_matches(' ').len();
                out.truncate(kept);
                out.push('\t');
            }
            c if c.is_whitespace() || c.is_control() => {
                if !out.is_empty() && !out.ends_with([' ', '\t']) {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    let trimmed = out.trim();
    // Dropping or expanding characters can bring two together that compose.
    match is_nfc_quick(trimmed.chars()) {
        IsNormalized::Yes if trimmed.len() == out.len() => out,
        IsNormalized::Yes => trimmed.to_owned(),
        _ => trimmed.nfc().collect(),
    }
}

/// Test whether a text is printable ASCII whose words are parted by single spaces.
fn is_clean_ascii(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().all(|b| (0x20..0x7f).contains(b))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
        && !bytes.windows(2).any(|pair| pair == b"  ")
}

/// The raised form of a figure.
pub(super) fn superscript(figure: char) -> Option<char> {
    Some(match figure {
        '0' => '\u{2070}',
        '1' => '\u{b9}',
        '2' => '\u{b2}',
        '3' => '\u{b3}',
        '4'..='9' => char::from_u32(0x2070 + u32::from(figure) - u32::from('0'))?,
        _ => return None,
    })
}

/// A BCP 47 tag, where the text leaves little doubt.
fn detect_language(text: &str) -> Option<String> {
    let head = &text[..text.floor_char_boundary(20_000.min(text.len()))];
    let info = whatlang::detect(head).filter(whatlang::Info::is_reliable)?;
    let tag = match info.lang().code() {
        "eng" => "en",
        "deu" => "de",
        "fra" => "fr",
        "spa" => "es",
        "ita" => "it",
        "por" => "pt",
        "nld" => "nl",
        "rus" => "ru",
        "jpn" => "ja",
        "cmn" => "zh",
        "kor" => "ko",
        "ara" => "ar",
        "hin" => "hi",
        "pol" => "pl",
        "swe" => "sv",
        "dan" => "da",
        "tur" => "tr",
        other => other,
    };
    Some(tag.to_owned())
}
