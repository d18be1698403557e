//! Results of parsing and chunking: text, sections, blocks, chunks, all as spans into one text.

use serde::{Deserialize, Serialize};

use super::{Format, Markup};

/// A half-open range of byte offsets into a document's text. Both ends lie on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte `start` to byte `end`.
    ///
    /// # Panics
    /// If an offset does not fit 32 bits: a document's text is limited to 4 GiB, which the parser enforces.
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |n: usize| u32::try_from(n).expect("the parser refuses text of 4 GiB and more");
        Self { start: narrow(start), end: narrow(end) }
    }

    /// The text this span covers.
    ///
    /// # Panics
    /// If the span does not belong to `text`.
    pub fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }

    /// Length in bytes.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Test whether the span covers nothing.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Test whether byte offset `at` lies inside.
    pub fn contains(self, at: u32) -> bool {
        self.start <= at && at < self.end
    }
}

/// Metadata that a document states of itself. Absent means that the file does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Author or authors, joined with `; `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// BCP 47 language tag, declared by the file or detected from its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

/// Kind of a section, as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SectionKind {
    /// A page of a PDF.
    Page,
    /// A spine item of an EPUB, or the part of another file that a heading of the first level begins.
    Chapter,
}

impl SectionKind {
    /// The word for people and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Chapter => "chapter",
        }
    }
}

/// A page or a chapter: the unit of provenance that a person can turn to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Page or chapter.
    pub kind: SectionKind,
    /// 1-based position in the document (physical page, spine position).
    pub number: u32,
    /// Page label or chapter title, where the file has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Place of its text. Sections follow each other in order and are separated by one form feed.
    pub span: Span,
    /// Source of its text, and what is missing.
    #[serde(default, skip_serializing_if = "SectionSource::is_file")]
    pub source: SectionSource,
    /// Recognition by which it was read, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognition: Option<Recognition>,
}

/// Optical character recognition of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recognition {
    /// Mean certainty about its letters, from 0 to 100. Below 60 the text is doubtful.
    pub confidence: u8,
    /// Degrees by which the text is turned on the page, clockwise: 0, 90, 180 or 270.
    pub turn: u16,
}

/// Source of a section's text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionSource {
    /// The text that the file holds. It may be none.
    #[default]
    File,
    /// Optical character recognition of the page's picture, alone or beside the text that the file holds.
    Ocr,
    /// The text that the file holds, which is little or none: the page is a picture, and no recognition was to be had.
    NeedsOcr,
    /// Nothing: the section cannot be read, for this reason.
    Unreadable(String),
}

impl SectionSource {
    fn is_file(&self) -> bool {
        *self == Self::File
    }
}

/// Lack of a document that was kept without the text of some of its sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gap {
    /// Pages that are pictures, and were not recognised. `--retry-failed` takes the document up again.
    NeedsOcr,
    /// Sections that cannot be read.
    Unreadable,
}

impl Gap {
    /// The name used in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeedsOcr => "NeedsOcr",
            Self::Unreadable => "Unreadable",
        }
    }
}

/// The label of a printed page at a place in the text, as an EPUB's page list gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageMark {
    /// Label printed on the page, such as `iv` or `12`.
    pub label: String,
    /// Byte offset at which that page begins.
    pub at: u32,
}

/// An entry of the table of contents that the file carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlineEntry {
    /// Its text.
    pub title: String,
    /// Its depth; 1 is the highest level.
    pub level: u8,
    /// Number of the section to which it leads (see [`Section::number`]).
    pub section: u32,
}

/// Kind of a block of text on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading; 1 is the highest level.
    Heading(u8),
    /// Running text.
    Paragraph,
    /// An item of a list.
    ListItem,
    /// A term of a list of definitions; what it means follows.
    DefinitionTerm,
    /// Meaning of the terms before it in a list of definitions.
    Definition,
    /// A line of a program, or of what one prints.
    Code,
    /// A row of a table or a line of a stat block, kept on one line.
    TableRow,
    /// An entry of a table of contents, with the page to which it leads.
    ContentsEntry,
    /// An entry of an index, with the pages to which it leads, or the letter at the head of a group of them.
    IndexEntry,
    /// A formula that stands alone.
    Formula,
    /// A caption of a figure or a table.
    Caption,
    /// A note at the foot or the end.
    Footnote,
    /// Parts that repeat on every page and are none of the text: running heads, running feet, page numbers.
    Furniture,
}

/// A rectangle on a page as a viewer shows it, in tenths of a point (1/720 inch) from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "[i32; 4]", from = "[i32; 4]")]
pub struct Area {
    /// Left edge.
    pub left: i32,
    /// Upper edge.
    pub top: i32,
    /// Right edge.
    pub right: i32,
    /// Lower edge.
    pub bottom: i32,
}

impl From<Area> for [i32; 4] {
    fn from(area: Area) -> Self {
        [area.left, area.top, area.right, area.bottom]
    }
}

impl From<[i32; 4]> for Area {
    fn from([left, top, right, bottom]: [i32; 4]) -> Self {
        Self { left, top, right, bottom }
    }
}

/// A typed run of text within one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Kind.
    pub kind: BlockKind,
    /// Place of its text, without the line breaks around it.
    pub span: Span,
    /// Place on the page, in formats that have pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<Area>,
    /// Certainty of the recognition that has read it, from 0 to 100; absent where the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
}

/// A parsed document: one NFC text and what stands where in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParsedDocument {
    /// The format that its content showed.
    pub format: Format,
    /// Title, author, language.
    pub metadata: Metadata,
    /// All sections' text, joined by form feeds (U+000C). Ligatures are repaired, the form is NFC.
    pub text: String,
    /// Pages or chapters, in order.
    pub sections: Vec<Section>,
    /// Blocks, in order, each inside one section, never overlapping.
    pub blocks: Vec<Block>,
    /// The table of contents that the file carries, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outline: Vec<OutlineEntry>,
    /// Printed pages, in order, in formats that only mark them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub page_marks: Vec<PageMark>,
    /// Emphasis, expansions, tables and parts of the book.
    #[serde(default, skip_serializing_if = "Markup::is_empty")]
    pub markup: Markup,
    /// Things a person should know, for example pages that hold no text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl ParsedDocument {
    /// Lack, if it is kept without some of its text. Where recognition would help, that is what it lacks.
    pub fn gap(&self) -> Option<Gap> {
        let of = |section: &Section| match section.source {
            SectionSource::NeedsOcr => Some(Gap::NeedsOcr),
            SectionSource::Unreadable(_) => Some(Gap::Unreadable),
            SectionSource::File | SectionSource::Ocr => None,
        };
        let gaps = || self.sections.iter().filter_map(of);
        gaps().find(|gap| *gap == Gap::NeedsOcr).or_else(|| gaps().next())
    }

    /// Index of the section in which byte offset `at` lies, if the document has sections.
    /// The form feed after a section belongs to that section.
    pub fn section_at(&self, at: u32) -> Option<usize> {
        self.sections.partition_point(|s| s.span.start <= at).checked_sub(1)
    }
}

/// A span of text sized for one request, with the sections that it touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Place of its text. It may overlap the chunk before it.
    pub span: Span,
    /// Index of the first section it touches.
    pub first_section: u32,
    /// Index of the last section it touches.
    pub last_section: u32,
    /// Estimated tokens.
    pub tokens: u32,
}

impl super::Artifact for ParsedDocument {
    const STAGE: super::Stage = super::Stage::Parse;
}

impl super::Artifact for Vec<Chunk> {
    const STAGE: super::Stage = super::Stage::Chunk;
}
