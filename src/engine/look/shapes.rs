//! What is shown, as plain data: a served page asks for it bit by bit, a report holds all of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::values::{Conflict, Fingerprint, SourcePath};

/// The whole folder at a glance.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Shelf {
    /// Name of the folder.
    pub folder: String,
    /// True if terms are those of the master, false if they were put together for this look.
    pub has_master: bool,
    /// True if vocabulary files are newer than the master.
    pub is_stale: bool,
    /// Terms.
    pub terms: u64,
    /// Terms with a definition.
    pub defined: u64,
    /// Terms with an IP flag and no decision in the master.
    pub flagged: u64,
    /// Terms on which documents disagree.
    pub conflicts: u64,
    /// The books, by path.
    pub books: Vec<Book>,
    /// Shared terms of the largest books.
    pub spread: Spread,
}

/// A book of the shelf.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Book {
    /// Number on this shelf.
    pub n: u32,
    /// Path of the source below the inputs.
    pub path: String,
    /// Title that it gives itself.
    pub title: Option<String>,
    /// Author that it gives itself.
    pub author: Option<String>,
    /// Format that it was read as.
    pub format: Option<String>,
    /// Terms in its vocabulary file.
    pub terms: u64,
    /// Of these, terms that no other book has.
    pub own: u64,
    /// `done`, `partial`, `failed`, `waiting`, `unusable` or `copy`.
    pub state: String,
    /// Reason for a state that is not `done`.
    pub reason: Option<String>,
}

/// Terms that books share: of the largest books, at most [`Spread::MOST`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Spread {
    /// Numbers of the books, in the order of the rows.
    pub books: Vec<u32>,
    /// Shared terms of each two, by row; a book with itself: all of its terms.
    pub shared: Vec<Vec<u32>>,
    /// Ids and texts of the best terms that all these books have.
    pub everywhere: Vec<(String, String)>,
}

impl Spread {
    /// Books in the matrix.
    pub const MOST: usize = 24;
}

/// A page of terms.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TermPage {
    /// Terms that fit the question.
    pub total: u64,
    /// The page.
    pub rows: Vec<TermRow>,
}

/// A term on its line.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TermRow {
    /// Id, as in the vocabulary files.
    pub id: String,
    /// Place in the order, from 1.
    pub rank: u64,
    /// Display form.
    pub text: String,
    /// Comparison form.
    pub canonical: String,
    /// Kind, category, mood, intent, energy, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Category.
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Mood.
    pub mood: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Intent.
    pub intent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Energy.
    pub energy: Option<String>,
    /// IP flag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// Scores by axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub axes: Option<BTreeMap<String, f64>>,
    /// Beginning of the definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Numbers of books that have it, a few.
    pub books: Vec<u32>,
    /// Books that have it.
    pub documents: u64,
    /// Occurrences in all of them.
    pub occurrences: u64,
    /// Score by which it is ordered.
    pub score: f64,
    /// Points on which books disagree.
    pub conflicts: u64,
}

/// Values of the terms that fit a question, with their counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Facets {
    /// Terms that were counted: the best, at most [`Facets::MOST`].
    pub of: u64,
    /// By the name of a facet: its values, the commonest first.
    pub values: BTreeMap<&'static str, Vec<Bucket>>,
}

impl Facets {
    /// Terms that are counted at most.
    pub const MOST: u64 = 200_000;
}

/// A value and the number of terms that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// The value.
    pub value: String,
    /// Terms.
    pub terms: u64,
}

/// Everything that is known of a term.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TermCard {
    /// What stands on its line.
    #[serde(flatten)]
    pub row: TermRow,
    /// Surface forms and the documents that prefer each.
    pub variants: Vec<(String, u64)>,
    /// Other forms that documents say are the same.
    pub aliases: Vec<String>,
    /// Names in the documents of a term that a decision renamed.
    pub renamed_from: Vec<String>,
    /// Word class.
    pub pos: Option<String>,
    /// Genre.
    pub genre: Option<String>,
    /// Further intents.
    pub intents: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// What models said of themselves, the mean.
    pub confidence: Option<f64>,
    /// The whole definition.
    pub meaning: Option<String>,
    /// Points on which documents disagree.
    pub sides: Vec<Conflict>,
    /// Further fields that a model gave.
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
    /// What each book says of it, in path order, at most [`TermCard::BOOKS`].
    pub statements: Vec<Statement>,
    /// Sentences of the passages, by the numbers that these name.
    pub sentences: Vec<String>,
    /// Ids and texts of terms in the same sentences, the commonest first.
    pub neighbours: Vec<(String, String, u64)>,
}

impl TermCard {
    /// Books whose statements are shown.
    pub const BOOKS: usize = 100;
}

/// What one book says of a term.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Statement {
    /// Number of the book.
    pub book: u32,
    /// Form that it prefers.
    pub text: String,
    /// Occurrences there.
    pub occurrences: u64,
    /// Category that it was given there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Intent that it was given there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// What a model said of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Definition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Place that the definition was taken from: `glossary`, `pattern`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition_source: Option<String>,
    /// Section in which the definition stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition_section: Option<u32>,
    /// Passages, in text order.
    pub passages: Vec<Passage>,
}

/// A passage: where a term stands, and where in its sentence. Lengths are UTF-16 code units, as a browser counts them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// Page or chapter.
    pub section: u32,
    /// Label of the page, or title of the chapter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Number of its sentence.
    pub sentence: usize,
    /// Units before the term.
    pub at: usize,
    /// Units of the term; 0 where it cannot be found in the sentence.
    pub length: usize,
}

/// A book, page by page.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BookCard {
    /// What stands on the shelf.
    #[serde(flatten)]
    pub book: Book,
    /// Language.
    pub language: Option<String>,
    /// `page` or `chapter`.
    pub section_kind: String,
    /// Sections that it has, as far as is known.
    pub sections: u32,
    /// Sections in which terms stand first, with their number.
    pub first: Vec<(u32, u32)>,
    /// Sections that cannot be read, or only as pictures, with the reason.
    pub unread: Vec<(u32, String)>,
    /// Chapters, in order.
    pub chapters: Vec<Chapter>,
    /// Ids and texts of its best terms.
    pub best: Vec<(String, String)>,
    /// Things a person should know.
    pub notes: Vec<String>,
    /// True if its text can be shown.
    pub has_text: bool,
}

/// A chapter and the terms that stand in it first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// First section.
    pub section: u32,
    /// Title.
    pub title: String,
    /// Depth, from 1.
    pub level: u8,
    /// Terms that stand in it first.
    pub terms: u32,
    /// Ids and texts of the best of them.
    pub best: Vec<(String, String)>,
}

/// Text of a page or chapter with marks on a term. Lengths are UTF-16 code units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PageText {
    /// Number of the book.
    pub book: u32,
    /// Number of the section.
    pub section: u32,
    /// Its label.
    pub label: Option<String>,
    /// Its text.
    pub text: String,
    /// Places of the term in it: begin and length.
    pub marks: Vec<(usize, usize)>,
    /// Place of the term's definition in it.
    pub definition: Option<(usize, usize)>,
    /// Numbers of the sections before and after it.
    pub around: (Option<u32>, Option<u32>),
    /// Whether it is a page of a PDF, of which there may be a picture.
    pub is_printed: bool,
}

/// Page of a PDF that is to be drawn, with what is to be marked on it.
#[derive(Debug, Clone, PartialEq)]
pub struct PageToDraw {
    /// Path of the document below the folder of the inputs.
    pub path: SourcePath,
    /// Hash of the content that was read.
    pub content: Fingerprint,
    /// Names and spellings of the term.
    pub words: Vec<String>,
    /// Blocks of text in which it stands, for a page whose words lie in a picture: left, top, width and height in points.
    pub blocks: Vec<[f32; 4]>,
}
