//! Paragraphs, tables and notes.

use std::collections::HashMap;

use super::super::flow::Flow;
use super::super::markup::{Meaning, Sink, Tables, Tag};
use super::styles::{Styles, property};
use corpora_values::{BlockKind, MarkKind};

/// Paragraphs of notes by kind of note and id.
pub(super) type NoteTexts = HashMap<(NoteKind, String), Vec<String>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NoteKind {
    Footnote,
    Endnote,
}

/// Deepest nesting of text boxes and tables that is followed; what is deeper is read as text of the innermost one.
const DEEPEST: usize = 256;

pub(super) struct BodyReader<'a> {
    styles: &'a Styles,
    notes: NoteTexts,
    flow: Flow,
    /// Open paragraphs: one, or more where text boxes stand in paragraphs.
    paragraphs: Vec<Paragraph>,
    /// Text of the open rows: more than one where tables stand in cells.
    rows: Vec<Row>,
    /// Notes that were referred to, to be set after the block.
    pending: Vec<(NoteKind, String)>,
    /// The note that is being read, in a part of notes.
    note: Option<(NoteKind, String)>,
    read: NoteTexts,
    in_text: bool,
    in_run: bool,
    /// Marks of the run that is being read.
    marks: Vec<MarkKind>,
    tables: Tables,
    is_hidden: bool,
    /// Open elements whose content is not to be read: deletions, moves away, fallbacks.
    skipped: u32,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    marks: Vec<(MarkKind, std::ops::Range<usize>)>,
    kind: Option<BlockKind>,
}

#[derive(Default)]
struct Row {
    text: String,
    marks: Vec<(MarkKind, std::ops::Range<usize>)>,
    cells: u32,
    is_header: bool,
}

impl<'a> BodyReader<'a> {
    pub(super) fn new(styles: &'a Styles, notes: NoteTexts) -> Self {
        Self {
            styles,
            notes,
            flow: Flow::default(),
            paragraphs: Vec::new(),
            rows: Vec::new(),
            pending: Vec::new(),
            note: None,
            read: NoteTexts::new(),
            in_text: false,
            in_run: false,
            marks: Vec::new(),
            tables: Tables::default(),
            is_hidden: false,
            skipped: 0,
        }
    }

    pub(super) fn finish(mut self) -> Flow {
        while !self.paragraphs.is_empty() {
            self.end_paragraph();
        }
        while !self.rows.is_empty() {
            self.end_row();
        }
        self.flow
    }

    pub(super) fn into_notes(self) -> NoteTexts {
        self.read
    }

    fn end_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else { return };
        if let Some(note) = &self.note {
            self.read.entry(note.clone()).or_default().push(paragraph.text);
        } else if let Some(row) = self.rows.last_mut() {
            if !row.text.is_empty() && !row.text.ends_with('\t') {
                row.text.push(' ');
            }
            let begin = row.text.len();
            row.text.push_str(&paragraph.text);
            row.marks.extend(paragraph.marks.into_iter().map(|(kind, r)| (kind, r.start + begin..r.end + begin)));
        } else {
            let marks = paragraph.marks.into_iter().map(|(kind, place)| (Meaning::Kind(kind), place));
            self.flow.push_marked(paragraph.kind.unwrap_or(BlockKind::Paragraph), &paragraph.text, marks);
            self.set_notes();
        }
    }

    fn end_row(&mut self) {
        let Some(row) = self.rows.pop() else { return };
        let block = self.flow.len();
        let marks = row.marks.into_iter().map(|(kind, place)| (Meaning::Kind(kind), place));
        self.flow.push_marked(BlockKind::TableRow, &row.text, marks);
        if self.flow.len() > block {
            self.tables.row(block, row.is_header);
        }
        self.set_notes();
    }

    /// A note follows the block that refers to it.
    fn set_notes(&mut self) {
        for note in self.pending.drain(..) {
            for text in self.notes.remove(&note).unwrap_or_default() {
                self.flow.push(BlockKind::Footnote, &text);
            }
        }
    }

    fn push(&mut self, text: &str) {
        if self.is_hidden || self.skipped > 0 {
            return;
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            let begin = paragraph.text.len();
            paragraph.text.push_str(text);
            for mark in &self.marks {
                // What one run begins, the next may go on with: editors part runs where nobody sees it.
                let open = paragraph.marks.iter_mut().rev().take(4).find(|(kind, r)| kind == mark && r.end == begin);
                match open {
                    Some((_, place)) => place.end = paragraph.text.len(),
                    None => paragraph.marks.push((mark.clone(), begin..paragraph.text.len())),
                }
            }
        }
    }
}

fn is_skipped(name: &str) -> bool {
    matches!(name, "del" | "movefrom" | "fallback")
}

impl Sink for BodyReader<'_> {
    fn start(&mut self, tag: &Tag<'_>, is_empty: bool) {
        let a = &tag.attributes;
        if is_skipped(tag.name) {
            self.skipped += u32::from(!is_empty);
            return;
        }
        if self.skipped > 0 {
            return;
        }
        match tag.name {
            "p" if !is_empty && self.paragraphs.len() < DEEPEST => self.paragraphs.push(Paragraph::default()),
            "r" => {
                self.in_run = !is_empty;
                self.is_hidden = false;
                self.marks.clear();
            }
            "b" | "i" | "smallcaps" if self.in_run => self.marks.extend(property(tag)),
            "rstyle" if self.in_run => {
                self.marks.extend(a.get("val").and_then(|id| self.styles.marks.get(id)).cloned());
            }
            "tbl" if !is_empty => self.tables.begin(),
            "tblheader" => {
                if let Some(row) = self.rows.last_mut() {
                    row.is_header = !matches!(a.get("val"), Some("0" | "false" | "off"));
                }
            }
            "t" => self.in_text = !is_empty,
            // Hidden text: part 1, 17.3.2.41.
            "vanish" if self.in_run => self.is_hidden = !matches!(a.get("val"), Some("0" | "false" | "off")),
            "tab" | "br" | "cr" if self.in_run => self.push(" "),
            "nobreakhyphen" => self.push("\u{2011}"),
            "tr" if !is_empty && self.rows.len() < DEEPEST => self.rows.push(Row::default()),
            "tc" => {
                if let Some(row) = self.rows.last_mut() {
                    if row.cells > 0 {
                        row.text.push('\t');
                    }
                    row.cells += 1;
                }
            }
            "pstyle" => {
                let kind = a.get("val").and_then(|id| self.styles.blocks.get(id)).copied();
                if let (Some(paragraph), Some(kind)) = (self.paragraphs.last_mut(), kind) {
                    paragraph.kind = Some(kind);
                }
            }
            "outlinelvl" => {
                let level = a.get("val").and_then(|v| v.parse::<u8>().ok()).filter(|l| *l < 9);
                if let (Some(paragraph), Some(level)) = (self.paragraphs.last_mut(), level) {
                    paragraph.kind = Some(BlockKind::Heading(level.saturating_add(1).min(6)));
                }
            }
            // A numbered heading stays a heading; number 0 takes the numbering away: part 1, 17.9.18.
            "numid" if a.get("val") != Some("0") => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.kind.get_or_insert(BlockKind::ListItem);
                }
            }
            "footnotereference" => self.pending.extend(a.text("id").map(|id| (NoteKind::Footnote, id.to_owned()))),
            "endnotereference" => self.pending.extend(a.text("id").map(|id| (NoteKind::Endnote, id.to_owned()))),
            // Separators are notes too, of a type of their own.
            "footnote" if a.get("type").is_none_or(|t| t == "normal") => {
                self.note = a.text("id").map(|id| (NoteKind::Footnote, id.to_owned()));
            }
            "endnote" if a.get("type").is_none_or(|t| t == "normal") => {
                self.note = a.text("id").map(|id| (NoteKind::Endnote, id.to_owned()));
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if is_skipped(name) {
            self.skipped = self.skipped.saturating_sub(1);
            return;
        }
        if self.skipped > 0 {
            return;
        }
        match name {
            "p" => self.end_paragraph(),
            "r" => {
                self.in_run = false;
                self.is_hidden = false;
                self.marks.clear();
            }
            "tbl" => {
                if let Some(table) = self.tables.end() {
                    self.flow.table(table);
                }
            }
            "t" => self.in_text = false,
            "tr" => self.end_row(),
            "footnote" | "endnote" => self.note = None,
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_text {
            self.push(&text.replace('\t', " "));
        }
    }
}
