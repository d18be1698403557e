//! Blocks in reading order, before they are put into sections: what every format without pages comes to.

use std::ops::Range;

use super::build::Builder;
use corpora_values::{BlockKind, SectionSource};

/// Marks within one block whose place is worked out exactly; the others stand where the last of these does, so that a
/// hostile file cannot make the placing quadratic.
const EXACT_MARKS: usize = 64;

/// Text and its blocks, as read: white space is folded only when they enter the [`Builder`].
#[derive(Debug, Default)]
pub(super) struct Flow {
    text: String,
    blocks: Vec<(BlockKind, Range<usize>)>,
    marks: Vec<Mark>,
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

    /// Hands all blocks to the current section of `builder`.
    pub(super) fn into_section(self, builder: &mut Builder) {
        self.hand_over(builder, |_, _| {});
    }

    /// Hands all blocks to `builder`, a section for each heading of the first level and one for what stands before
    /// the first.
    pub(super) fn into_sections(self, builder: &mut Builder) {
        let mut open: Option<Option<String>> = None;
        self.hand_over(builder, |builder, block| match block {
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
    fn hand_over(self, builder: &mut Builder, mut before: impl FnMut(&mut Builder, Option<(BlockKind, &str)>)) {
        let mut marks = self.marks.iter().peekable();
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
            builder.block(*kind, text, None);
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
        before(builder, None);
    }
}

/// A heading's text as a section's label.
pub(super) fn label(text: &str) -> String {
    super::build::clean(text)
}
