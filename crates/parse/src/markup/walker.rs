//! From elements to blocks.
//!
//! What is read is what a reader sees on the page, with these choices: alternative texts are not printed and stay out, but
//! where a heading is nothing but a picture, the picture's alternative text is the heading; a mathematical formula is its
//! characters, or its `alttext` if it has none; ruby annotations and what is hidden by attribute or by its own `style` stay out;
//! page numbers in page breaks become page marks; the fallback content of media stays in.

mod implied;

use std::collections::HashMap;

use super::super::build::superscript;
use super::super::flow::Flow;
use super::elements::{Sink, Tag};
use super::frame::{Frame, Mode, frame, is_block};
use super::marks::Meaning;
use super::roles::{Place, Role, hash, is_inline, role};
use super::spans::Spans;
use super::tables::Tables;
use corpora_values::BlockKind;

/// Labels of printed pages by the id of the element at which the page begins.
pub(crate) type PageLabels = HashMap<String, String>;

/// Elements that are followed inside each other, as many as browsers do. Deeper ones are read as if their tags were not there.
const DEEPEST: usize = 512;

/// Longest text in a page break that is taken for the page's number, in bytes.
const LONGEST_LABEL: usize = 32;

/// A sink that makes a [`Flow`].
pub(crate) struct Walker<'a> {
    labels: &'a PageLabels,
    /// True if tags may be missing.
    is_lenient: bool,
    flow: Flow,
    stack: Vec<Frame>,
    /// Open elements beyond the deepest level that is followed.
    beyond: usize,
    /// Text of the block that is being read.
    text: String,
    /// Its kind, once it has a character that can be seen.
    kind: Option<BlockKind>,
    /// Its length after the last line break in it.
    broken_at: Option<usize>,
    /// Marks in it: label and place.
    marks: Vec<(String, usize)>,
    /// Alternative texts in the open heading.
    alternative: String,
    spans: Spans,
    tables: Tables,
    /// Signs of formulas in the block that is being read.
    math: usize,
    /// Marked runs of the block that is being read.
    meanings: Vec<(Meaning, std::ops::Range<usize>)>,
    /// Attributes of the open elements that make marks, outermost first.
    attributes: Vec<Option<String>>,
}

impl<'a> Walker<'a> {
    pub(crate) fn new(labels: &'a PageLabels, is_lenient: bool) -> Self {
        Self {
            labels,
            is_lenient,
            flow: Flow::default(),
            stack: Vec::new(),
            beyond: 0,
            text: String::new(),
            kind: None,
            broken_at: None,
            marks: Vec::new(),
            alternative: String::new(),
            spans: Spans::default(),
            tables: Tables::default(),
            math: 0,
            meanings: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// Ends what is open.
    pub(crate) fn finish(mut self) -> Flow {
        while self.pop() {}
        self.flush();
        self.flow
    }

    fn top(&self) -> Frame {
        self.stack.last().copied().unwrap_or(Frame::OUTSIDE)
    }

    /// Ends the block that is being read.
    fn flush(&mut self) {
        let kind = self.kind.take().unwrap_or(BlockKind::Paragraph);
        self.broken_at = None;
        for (label, at) in self.marks.drain(..) {
            self.flow.mark(&label, at);
        }
        if !self.text.is_empty() {
            let is_formula = self.math > 0 && kind == BlockKind::Paragraph && self.math >= signs(&self.text);
            let kind = if is_formula { BlockKind::Formula } else { kind };
            self.mark_open();
            self.flow.push_marked(kind, &self.text, self.meanings.drain(..));
            self.text.clear();
            self.math = 0;
        }
    }

    /// Marks what stands in the open elements that make marks: the block ends, and they go on in the next.
    fn mark_open(&mut self) {
        if self.attributes.is_empty() {
            return;
        }
        let mut attributes = self.attributes.iter();
        for frame in &mut self.stack {
            if let (Some(_), Some(attribute)) = (frame.inline, attributes.as_slice().first()) {
                self.meanings.extend(meaning(frame, attribute.clone(), &self.text));
                frame.began = 0;
                attributes.next();
            }
        }
    }

    /// The boundary of a block: in a row, only a space.
    fn boundary(&mut self, in_row: bool) {
        if in_row {
            self.space();
        } else {
            self.flush();
        }
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with([' ', '\t']) {
            self.text.push(' ');
        }
    }

    fn push_text(&mut self, text: &str, frame: &Frame) {
        if frame.is_raised && !text.trim().is_empty() {
            // As in print: a raised figure is a power or the mark of a note, and no part of the word before it.
            if let Some(raised) = text.trim().chars().map(superscript).collect::<Option<String>>() {
                return self.push_run(&raised, frame.kind);
            }
            if frame.is_mark && self.text.ends_with(char::is_alphanumeric) && text.starts_with(char::is_alphanumeric) {
                self.text.push(' ');
            }
        }
        if frame.in_pre && !frame.in_row {
            // Each line of preformatted text is a block of its own.
            let mut lines = text.split('\n');
            self.push_run(lines.next().unwrap_or_default(), frame.kind);
            for line in lines {
                self.flush();
                self.push_run(line, frame.kind);
            }
        } else {
            self.push_run(text, frame.kind);
        }
    }

    fn push_run(&mut self, text: &str, kind: BlockKind) {
        if self.kind.is_none() && !text.trim_ascii().is_empty() {
            self.kind = Some(kind);
        }
        // Tabs part the cells of a row and nothing else.
        let mut parts = text.split('\t');
        self.text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            self.text.push(' ');
            self.text.push_str(part);
        }
    }

    /// A printed page begins here.
    fn mark(&mut self, label: &str) {
        let at = if self.kind.is_some() { self.text.len() } else { 0 };
        self.marks.push((label.to_owned(), at));
    }

    /// Ends the innermost element. Returns whether there was one.
    fn pop(&mut self) -> bool {
        let Some(frame) = self.stack.pop() else { return false };
        if frame.mode == Mode::Skip {
            return true;
        }
        if frame.inline.is_some() {
            let attribute = self.attributes.pop().flatten();
            self.meanings.extend(meaning(&frame, attribute, &self.text));
        }
        let parent = self.top();
        match frame.role {
            Role::PageBreak => {
                let content = std::mem::take(&mut self.alternative);
                if content.trim().len() > LONGEST_LABEL {
                    // Somebody wrapped the page itself.
                    self.push_run(&content, parent.kind);
                } else if !frame.is_labelled {
                    self.mark(&page_label(content.trim()));
                }
            }
            Role::Heading(_) => {
                let alternative = std::mem::take(&mut self.alternative);
                if self.kind.is_none() && !alternative.trim().is_empty() {
                    self.push_run(&alternative, frame.kind);
                }
                self.flush();
            }
            Role::Table => {
                self.flush();
                self.spans.end_table();
                if let Some(table) = self.tables.end() {
                    self.flow.table(table);
                }
            }
            Role::Row => {
                let mut column = frame.cells;
                while self.spans.holds_beyond(column) && column > 0 {
                    column = self.held_cells(column).max(column + 1);
                }
                let block = self.flow.len();
                self.flush();
                if self.flow.len() > block {
                    let is_header = frame.in_head || (frame.heads > 0 && frame.heads == frame.cells);
                    self.tables.row(block, is_header);
                }
            }
            Role::Pre => self.flush(),
            Role::Cell if frame.in_row => self.end_cell(&frame),
            Role::Cell => self.flush(),
            role if is_block(role) => {
                let block = self.flow.len();
                self.boundary(parent.in_row);
                if role == Role::Caption && self.flow.len() > block {
                    self.tables.caption(block);
                }
            }
            _ => {}
        }
        if let Some(part) = frame.part {
            self.flow.part(part, frame.first_block);
        }
        true
    }

    /// Ends a cell of a row: it may reach over more columns, and into the rows below.
    fn end_cell(&mut self, frame: &Frame) {
        let (columns, rows) = frame.reach;
        let Some(row) = self.stack.iter_mut().rev().find(|f| f.role == Role::Row) else { return };
        let column = row.cells.saturating_sub(1);
        row.cells += columns - 1;
        row.heads += if frame.name == hash("th") { columns } else { 0 };
        if (columns, rows) != (1, 1) {
            self.tables.cell(column, (columns, rows));
        }
        if rows > 1 {
            let text = self.text.get(frame.began..).unwrap_or_default().trim();
            self.spans.hold(column, columns, rows - 1, text);
        }
        self.text.extend(std::iter::repeat_n('\t', columns as usize - 1));
    }

    /// Says the cells from above that hold `column` and those after it. Returns the next free column.
    fn held_cells(&mut self, column: u32) -> u32 {
        let texts = self.spans.held_from(column);
        let next = column + texts.len() as u32;
        for (n, text) in (column..).zip(texts) {
            if n > 0 {
                self.text.push('\t');
            }
            if self.kind.is_none() && !text.is_empty() {
                self.kind = Some(BlockKind::TableRow);
            }
            self.text.push_str(&text);
        }
        next
    }

    /// Makes the boundaries and spaces of an element before its content is read.
    fn open(&mut self, tag: &Tag<'_>, role: Role, parent: &Frame) {
        match role {
            Role::Heading(_) => {
                // In a cell, headings, preformatted text and tables show that the table is there for layout only.
                self.flush();
                self.alternative.clear();
            }
            Role::Table => {
                self.flush();
                self.spans.begin_table();
                self.tables.begin();
            }
            Role::Pre | Role::Row => self.flush(),
            Role::Cell if parent.in_row => {
                if let Some(at) = self.stack.iter().rposition(|f| f.role == Role::Row) {
                    let column = self.held_cells(self.stack[at].cells);
                    self.stack[at].cells = column + 1;
                    if column > 0 {
                        self.text.push('\t');
                    }
                }
            }
            Role::Cell => self.flush(),
            role if is_block(role) => self.boundary(parent.in_row),
            Role::Break if parent.in_pre && !parent.in_row => self.flush(),
            // Two breaks in a row are how old books part paragraphs.
            Role::Break if !parent.in_row && self.broken_at.is_some_and(|at| self.text[at..].trim().is_empty()) => {
                self.flush();
            }
            Role::Break => {
                self.space();
                self.broken_at = (!self.text.is_empty()).then_some(self.text.len());
            }
            Role::Image => {
                if let (Some(alt), true) = (tag.attributes.text("alt"), self.is_in_heading()) {
                    self.alternative.push_str(alt);
                    self.alternative.push(' ');
                }
            }
            Role::MathToken if self.text.ends_with(char::is_alphanumeric) => self.text.push(' '),
            _ => {}
        }
        let a = &tag.attributes;
        // Text at a place of its own does not continue the word before it.
        if parent.in_svg
            && tag.name == "tspan"
            && (a.get("x").is_some() || a.get("y").is_some() || a.get("dy").is_some())
        {
            self.space();
        }
    }

    fn is_in_heading(&self) -> bool {
        self.stack.iter().any(|f| matches!(f.role, Role::Heading(_)))
    }

    /// The printed page that begins at an element, if one does.
    fn label_at(&mut self, tag: &Tag<'_>, role: Role) -> Option<String> {
        let a = &tag.attributes;
        if !self.labels.is_empty()
            && let Some(label) = [a.get("id"), a.get("name")].into_iter().flatten().find_map(|id| self.labels.get(id))
        {
            return Some(label.clone());
        }
        if role != Role::PageBreak {
            return None;
        }
        let spelt = a.text("title").or(a.text("aria-label")).or(a.text("value"));
        spelt.map(page_label)
    }
}

/// Characters of a text that can be seen.
fn signs(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// The mark that an element makes of a block's text so far.
fn meaning(frame: &Frame, attribute: Option<String>, text: &str) -> Option<(Meaning, std::ops::Range<usize>)> {
    let marked = text.get(frame.began..).filter(|marked| !marked.trim().is_empty())?;
    let meaning = frame.inline?.meaning(attribute, marked, frame.is_mark)?;
    Some((meaning, frame.began..text.len()))
}

/// The number in labels such as `page 12`, which is how some books spell a page break's title.
fn page_label(label: &str) -> String {
    let rest = label.get(..4).filter(|word| word.eq_ignore_ascii_case("page")).map_or(label, |_| &label[4..]);
    let rest = rest.trim_matches(|c: char| c.is_whitespace() || c == '.');
    if rest.is_empty() { label.to_owned() } else { rest.to_owned() }
}

impl Sink for Walker<'_> {
    fn start(&mut self, tag: &Tag<'_>, is_empty: bool) {
        let top = self.top();
        let place = Place { in_svg: top.in_svg, in_math: top.in_math, in_notes: top.in_notes };
        let role = role(tag, place);
        if self.is_lenient {
            self.close_implied(tag.name, role);
        }
        let parent = self.top();
        if tag.name == "html" && self.flow.language.is_none() {
            self.flow.language = tag.attributes.text("lang").map(str::to_owned);
        }
        if tag.name == "meta" && tag.attributes.get("name").is_some_and(|n| n.eq_ignore_ascii_case("author")) {
            self.flow.author = tag.attributes.text("content").map(str::to_owned);
        }
        let is_read = parent.mode == Mode::Read || role == Role::Title && parent.role == Role::Head;
        let label = if is_read { self.label_at(tag, role) } else { None };
        if is_read {
            self.open(tag, role, &parent);
        }
        if let Some(label) = &label {
            self.mark(label);
        }
        if let (true, Some(id)) = (is_read, tag.attributes.text("id")) {
            self.flow.anchor(id);
        }
        if is_empty {
            if is_read && is_block(role) {
                self.boundary(parent.in_row);
            }
            if is_read && role == Role::Table {
                self.spans.end_table();
                self.tables.end();
            }
            if role == Role::Math
                && is_read
                && let Some(text) = tag.attributes.text("alttext")
            {
                self.push_run(text, parent.kind);
            }
            return;
        }
        if self.stack.len() >= DEEPEST {
            self.beyond += 1;
            return;
        }
        let mut frame = frame(tag, role, &parent, label.is_some());
        frame.began = self.text.len();
        frame.first_block = self.flow.len();
        if frame.mode != Mode::Read {
            (frame.inline, frame.part) = (None, None);
        }
        if let Some(inline) = frame.inline {
            self.attributes.push(inline.attribute(tag));
        }
        if frame.role == Role::Math
            && let Some(text) = tag.attributes.text("alttext")
        {
            self.alternative = text.to_owned();
        }
        if matches!(frame.mode, Mode::Label) {
            self.alternative.clear();
        }
        self.stack.push(frame);
    }

    fn end(&mut self, name: &str) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let frame = self.top();
        if frame.role == Role::Math && frame.mode == Mode::Read && frame.name == hash(name) {
            let alternative = std::mem::take(&mut self.alternative);
            if self.text.get(frame.began..).is_none_or(|t| t.trim().is_empty()) {
                self.math += signs(&alternative);
                self.push_run(&alternative, frame.kind);
            }
        }
        if !self.is_lenient {
            self.pop();
            return;
        }
        let name_hash = hash(name);
        if frame.name == name_hash {
            self.pop();
        } else if is_inline(name) {
            // The end of an inline element ends no block.
            self.close(|f| f.name == name_hash, |f| f.role != Role::Inline);
        } else {
            let is_of_table =
                matches!(name, "table" | "tr" | "td" | "th" | "tbody" | "thead" | "tfoot" | "body" | "html");
            self.close(
                |f| f.name == name_hash,
                |f| {
                    if is_of_table {
                        f.role == Role::Table && name != "body" && name != "html"
                    } else {
                        matches!(f.role, Role::Cell | Role::Caption)
                    }
                },
            );
        }
    }

    fn text(&mut self, text: &str) {
        let mut frame = self.top();
        if self.is_lenient && frame.role == Role::Head && !text.trim_ascii().is_empty() {
            self.pop();
            frame = self.top();
        }
        match frame.mode {
            Mode::Skip => {}
            Mode::Read => {
                self.math += if frame.in_math { signs(text) } else { 0 };
                self.push_text(text, &frame);
            }
            Mode::Label => self.alternative.push_str(text),
            Mode::Title => {
                let title = self.flow.title.get_or_insert_default();
                title.push_str(text);
            }
        }
    }

    fn is_foreign(&self) -> bool {
        let frame = self.top();
        frame.in_svg || frame.in_math
    }
}
