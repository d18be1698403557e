//! Things that an author says beside the words, by layout or by markup: emphasis, expansions, tables, the parts of a book.

use serde::{Deserialize, Serialize};

use super::Span;

/// Everything of a document that its author marked beyond the kinds of blocks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Markup {
    /// Marked runs of text, by their beginnings; one may lie in another. Each lies within one block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Tables, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// Parts of the book, by their beginnings; one may lie in another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

impl Markup {
    /// Test whether nothing is marked.
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.tables.is_empty() && self.parts.is_empty()
    }

    /// The marks that lie in a span: those of a block, for example.
    pub fn marks_in(&self, span: Span) -> &[Mark] {
        let from = self.marks.partition_point(|mark| mark.span.start < span.start);
        let to = self.marks.partition_point(|mark| mark.span.start < span.end);
        &self.marks[from..to]
    }
}

/// A marked run of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Meaning of the mark.
    pub kind: MarkKind,
    /// Place of its text, which begins and ends with what can be seen.
    pub span: Span,
}

/// Meaning of a mark. Where a format says no more than how letters look, that is what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Bold or strong: `b`, `strong`, a heavier font within a block.
    Bold,
    /// Italic or emphasised: `i`, `em`, a slanted font within a block.
    Italic,
    /// Small capitals.
    SmallCaps,
    /// Code within a line: `code`, a typewriter's letters among others.
    Code,
    /// A term at the place where it is defined: `dfn`.
    Defined,
    /// A name at the beginning of a block that is set apart from what is said of it there: `Salt lamp. It burns ...`.
    RunIn,
    /// The title of a work, as `cite` has it.
    Title,
    /// An abbreviation, and what it stands for where the author says so: `abbr title`.
    Abbreviation(Option<String>),
    /// The mark of a note: index of the first block of the note.
    NoteReference(u32),
}

/// A table. Its number in [`Markup::tables`] is its identity in the document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Index of the block that is its first row; all its rows follow each other.
    pub first_block: u32,
    /// Number of its rows.
    pub rows: u32,
    /// Number of the rows at its head that name its columns.
    #[serde(default)]
    pub header_rows: u32,
    /// Index of the block that is its caption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<u32>,
    /// Cells that reach over more than one row or column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<CellSpan>,
}

/// Reach of a cell that is larger than one row and one column. Its text stands in its first column; it may stand again in the rows
/// below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellSpan {
    /// Row in the table, from 0.
    pub row: u32,
    /// Column in the table, from 0.
    pub column: u32,
    /// Rows over which it reaches.
    pub rows: u32,
    /// Columns over which it reaches.
    pub columns: u32,
}

/// A part of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Kind.
    pub kind: PartKind,
    /// Place of its text.
    pub span: Span,
}

/// Kind of a part of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Title pages, dedications, prefaces: what stands before the text.
    FrontMatter,
    /// Appendices, afterwords, colophons: what stands after the text.
    BackMatter,
    /// A table of contents, or a list of figures or tables.
    Contents,
    /// An index.
    Index,
    /// A glossary.
    Glossary,
    /// A list of works.
    Bibliography,
    /// Notes at the end.
    Notes,
    /// Words of the publisher or of a library about the file: licences, imprints, lists of other books.
    Boilerplate,
}
