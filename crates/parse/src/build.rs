//! Puts sections and blocks together into one text.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use corpora_values::{
    Area, Block, BlockKind, Format, Metadata, OutlineEntry, PageMark, ParsedDocument, Section, SectionKind,
    SectionSource, Span,
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
    /// Things a person should know.
    pub(super) notes: Vec<String>,
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
            notes: Vec::new(),
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

    /// Adds a block to the current section; white space is folded, ligatures are repaired, the form is NFC.
    pub(super) fn block(&mut self, kind: BlockKind, text: &str, area: Option<Area>) {
        let clean = clean(text);
        if clean.is_empty() {
            return;
        }
        if self.text.len() > self.start {
            self.text.push('\n');
        }
        let at = self.text.len();
        self.text.push_str(&clean);
        self.blocks.push(Block { kind, span: Span::new(at, self.text.len()), area });
    }

    /// Ends the current section.
    pub(super) fn end_section(&mut self, label: Option<String>, source: SectionSource) {
        let number = self.section_number();
        let span = Span::new(self.start, self.text.len());
        self.sections.push(Section { kind: self.kind, number, label, span, source });
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
            notes: self.notes,
        }
    }
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
