//! Blocks in reading order, before they are put into sections: what every format without pages comes to.

use std::ops::Range;

use super::build::Builder;
use super::markup::Meaning;
use corpora_values::{BlockKind, PartKind, SectionSource, Table};

/// Marks within one block whose place is worked out exactly; the others stand where the last of these does, so that a
/// hostile file cannot make the placing quadratic.
const EXACT_MARKS: usize = 64;

/// Text and its blocks, as read: white space is folded only when they enter the [`Builder`].
#[derive(Debug, Default)]
pub(super) struct Flow {
    text: String,
    blocks: Vec<(BlockKind, Range<usize>)>,
    marks: Vec<Mark>,
    /// Marked runs of text: block, place in its text as read, meaning; by their blocks.
    meanings: Vec<(usize, Range<usize>, Meaning)>,
    /// Tables, by indices of this flow's blocks.
    tables: Vec<Table>,
    /// Parts of the book, as ranges of blocks.
    parts: Vec<(PartKind, Range<usize>)>,
    /// Places that may be referred to: the id, and the block that begins there.
    anchors: Vec<(String, usize)>,
    /// Title that the file gives itself; author and language are its own words too.
    pub(super) title: Option<String>,
    pub(super) author: Option<String>,
    pub(super) language: Option<String>,
}

/// The beginning of a printed page.
#[derive(Debug)]
struct Mark {
    label: String,
    /// Index of the block in which, or before which, it stands.
    block: usize,
    /// Offset into that block's text as read.
    offset: usize,
}

impl Flow {
    /// Adds a block, unless it is blank.
    pub(super) fn push(&mut self, kind: BlockKind, text: &str) {
        if text.chars().all(char::is_whitespace) {
            // A mark in what is dropped stands before the next block.
            let next = self.blocks.len();
            self.marks.iter_mut().rev().take_while(|m| m.block == next).for_each(|m| m.offset = 0);
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.blocks.push((kind, start..self.text.len()));
    }

    /// Adds a block with its marks, as places in `text`.
    pub(super) fn push_marked(
        &mut self,
        kind: BlockKind,
        text: &str,
        marks: impl Iterator<Item = (Meaning, Range<usize>)>,
    ) {
        let block = self.blocks.len();
        self.push(kind, text);
        if self.blocks.len() > block {
            self.meanings.extend(marks.map(|(meaning, place)| (block, place, meaning)));
        }
    }

    /// Number of blocks so far: the index of the one that is pushed next.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Adds a table of blocks that were pushed.
    pub(super) fn table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Adds a part of the book that begins with a block and ends with the last that was pushed.
    pub(super) fn part(&mut self, kind: PartKind, begin: usize) {
        if begin < self.blocks.len() {
            self.parts.push((kind, begin..self.blocks.len()));
        }
    }

    /// Makes the block that is pushed next one that may be referred to.
    pub(super) fn anchor(&mut self, id: &str) {
        self.anchors.push((id.to_owned(), self.blocks.len()));
    }

    /// Marks the beginning of a printed page, `offset` bytes into the block that is pushed next.
    pub(super) fn mark(&mut self, label: &str, offset: usize) {
        let label = label.split_whitespace().collect::<Vec<_>>().join(" ");
        if !label.is_empty() {
            self.marks.push(Mark { label, block: self.blocks.len(), offset });
        }
    }

    /// Adds all blocks and marks of another flow.
    pub(super) fn append(&mut self, other: Self) {
        let (text, blocks) = (self.text.len(), self.blocks.len());
        self.text.push_str(&other.text);
        self.blocks.extend(other.blocks.into_iter().map(|(kind, r)| (kind, r.start + text..r.end + text)));
        self.marks.extend(other.marks.into_iter().map(|m| Mark { block: m.block + blocks, ..m }));
        self.meanings
            .extend(other.meanings.into_iter().map(|(block, place, meaning)| (block + blocks, place, meaning)));
        self.parts.extend(other.parts.into_iter().map(|(kind, r)| (kind, r.start + blocks..r.end + blocks)));
        self.anchors.extend(other.anchors.into_iter().map(|(id, block)| (id, block + blocks)));
        let moved = |block: u32| block + u32::try_from(blocks).unwrap_or(u32::MAX - block);
        self.tables.extend(other.tables.into_iter().map(|table| Table {
            first_block: moved(table.first_block),
            caption: table.caption.map(moved),
            ..table
        }));
    }

    /// Kind and text of the first block.
    pub(super) fn first_block(&self) -> Option<(BlockKind, &str)> {
        self.blocks.first().map(|(kind, range)| (*kind, &self.text[range.clone()]))
    }

    /// The text of the first heading.
    pub(super) fn first_heading(&self) -> Option<String> {
        let (_, range) = self.blocks.iter().find(|(kind, _)| matches!(kind, BlockKind::Heading(_)))?;
        Some(label(&self.text[range.clone()]))
    }

    /// Hands all blocks to the current section of `builder`. `path` is that of the file in its book, on which references rest.
    pub(super) fn into_section(self, builder: &mut Builder, path: &str) {
        self.hand_over(builder, path, |_, _| {});
    }

    /// Hands all blocks to `builder`, a section for each heading of the first level and one for what stands before
    /// the first.
    pub(super) fn into_sections(self, builder: &mut Builder) {
        let mut open: Option<Option<String>> = None;
        self.hand_over(builder, "", |builder, block| match block {
            Some((BlockKind::Heading(1), text)) => {
                if let Some(title) = open.replace(Some(label(text))) {
                    builder.end_section(title, SectionSource::File);
                }
            }
            Some(_) => {
                open.get_or_insert(None);
            }
            None => builder.end_section(open.take().flatten(), SectionSource::File),
        });
    }

    /// `before` is called before each block, and once with none at the end.
    fn hand_over(
        self,
        builder: &mut Builder,
        path: &str,
        mut before: impl FnMut(&mut Builder, Option<(BlockKind, &str)>),
    ) {
        let mut marks = self.marks.iter().peekable();
        let mut meanings = self.meanings.into_iter().peekable();
        // The index of each block in the document, or of the next where nothing was left of it.
        let mut indices: Vec<u32> = Vec::with_capacity(self.blocks.len() + 1);
        for (index, (kind, range)) in self.blocks.iter().enumerate() {
            let text = &self.text[range.clone()];
            before(builder, Some((*kind, text)));
            let mut within = Vec::new();
            while let Some(mark) = marks.next_if(|m| m.block <= index) {
                if mark.block == index && mark.offset > 0 {
                    within.push(mark);
                } else {
                    builder.page_mark(&mark.label);
                }
            }
            let mut marked: Vec<(Range<usize>, Meaning)> = Vec::new();
            while let Some((_, place, meaning)) = meanings.next_if(|(block, _, _)| *block == index) {
                marked.push((place, meaning));
            }
            indices.push(builder.next_block());
            builder.marked_block(*kind, text, marked, path);
            for (n, mark) in within.into_iter().enumerate() {
                if n < EXACT_MARKS {
                    builder.page_mark_within(&mark.label, &text[..text.floor_char_boundary(mark.offset)]);
                } else {
                    builder.page_mark_beside(&mark.label);
                }
            }
        }
        for mark in marks {
            builder.page_mark(&mark.label);
        }
        indices.push(builder.next_block());
        let place = |block: usize| indices[block.min(indices.len() - 1)];
        for table in self.tables {
            let first = place(table.first_block as usize);
            // A row of which nothing was left would shift all that follow.
            if place((table.first_block + table.rows) as usize) - first == table.rows {
                builder.table(Table {
                    first_block: first,
                    caption: table.caption.map(|at| place(at as usize)),
                    ..table
                });
            }
        }
        for (kind, blocks) in self.parts {
            builder.part(kind, place(blocks.start)..place(blocks.end));
        }
        for (id, block) in self.anchors {
            builder.anchor(path, &id, place(block));
        }
        before(builder, None);
    }
}

/// A heading's text as a section's label.
pub(super) fn label(text: &str) -> String {
    super::build::clean(text)
}
