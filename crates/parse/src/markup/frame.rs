//! Open elements, as the walker keeps them on its stack.

use super::elements::Tag;
use super::marks::{self, Inline};
use super::roles::{Role, hash};
use corpora_values::{BlockKind, PartKind};

/// An open element.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    /// Stands for its name.
    pub(super) name: u64,
    pub(super) role: Role,
    /// Kind of the text directly in it.
    pub(super) kind: BlockKind,
    pub(super) mode: Mode,
    /// True if its blocks are parts of a table's row.
    pub(super) in_row: bool,
    pub(super) in_pre: bool,
    pub(super) in_svg: bool,
    pub(super) in_math: bool,
    /// True if its list items are notes.
    pub(super) in_notes: bool,
    /// Columns so far, in a row.
    pub(super) cells: u32,
    /// Columns and rows of a cell.
    pub(super) reach: (u32, u32),
    /// Its figures stand raised.
    pub(super) is_raised: bool,
    /// It refers to a note.
    pub(super) is_mark: bool,
    /// True if it has made a page mark already.
    pub(super) is_labelled: bool,
    /// Length of the block's text when it began.
    pub(super) began: usize,
    /// Number of blocks when it began.
    pub(super) first_block: usize,
    /// Mark that it makes of its text.
    pub(super) inline: Option<Inline>,
    /// Part of the book that it is.
    pub(super) part: Option<PartKind>,
    /// It stands at the head of a table.
    pub(super) in_head: bool,
    /// Cells of a row that name columns or rows.
    pub(super) heads: u32,
}

/// Use of the text in an element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Skip,
    /// It is the document's title.
    Title,
    /// It is a page's label.
    Label,
}

impl Frame {
    /// Frame of what stands in no element.
    pub(super) const OUTSIDE: Self = Self {
        name: 0,
        role: Role::Block,
        kind: BlockKind::Paragraph,
        mode: Mode::Read,
        in_row: false,
        in_pre: false,
        in_svg: false,
        in_math: false,
        in_notes: false,
        cells: 0,
        reach: (1, 1),
        is_raised: false,
        is_mark: false,
        is_labelled: false,
        began: 0,
        first_block: 0,
        inline: None,
        part: None,
        in_head: false,
        heads: 0,
    };
}

/// Test whether an element begins and ends a block.
pub(super) fn is_block(role: Role) -> bool {
    matches!(
        role,
        Role::Block | Role::Paragraph | Role::Item | Role::Term | Role::Definition | Role::Caption | Role::Note
    )
}

/// Columns and rows over which a cell reaches: <https://html.spec.whatwg.org/multipage/tables.html#attributes-common-to-td-and-th-elements>.
fn reach(tag: &Tag<'_>) -> (u32, u32) {
    let of = |name: &str| tag.attributes.text(name).and_then(|n| n.parse::<u32>().ok()).unwrap_or(1);
    (of("colspan").clamp(1, 64), of("rowspan").clamp(1, 65_534))
}

/// The frame of an element inside `parent`.
pub(super) fn frame(tag: &Tag<'_>, role: Role, parent: &Frame, has_label: bool) -> Frame {
    let mut frame = Frame { name: hash(tag.name), role, cells: 0, heads: 0, is_labelled: has_label, ..*parent };
    frame.inline = Inline::of(tag, parent.in_pre || role == Role::Pre);
    frame.part = marks::part(tag);
    frame.in_head = tag.name == "thead" || (parent.in_head && role != Role::Table);
    frame.kind = match (role, parent.kind) {
        (Role::Row, _) => BlockKind::TableRow,
        (Role::Note, _) => BlockKind::Footnote,
        (Role::Table, kind) if kind != BlockKind::Footnote => BlockKind::Paragraph,
        (_, kind @ (BlockKind::Footnote | BlockKind::Caption)) => kind,
        (Role::Heading(level), _) => BlockKind::Heading(level.clamp(1, 6)),
        (Role::Item, _) => BlockKind::ListItem,
        (Role::Term, _) => BlockKind::DefinitionTerm,
        (Role::Definition, _) => BlockKind::Definition,
        (Role::Caption, _) => BlockKind::Caption,
        (Role::Pre, _) => BlockKind::Code,
        (_, kind) => kind,
    };
    frame.in_row = match role {
        Role::Row => true,
        Role::Table | Role::Heading(_) | Role::Pre => false,
        _ => parent.in_row,
    };
    if parent.in_row && frame.in_row {
        frame.kind = BlockKind::TableRow;
    }
    frame.reach = reach(tag);
    frame.is_mark = parent.is_mark || tag.attributes.is_a(&["noteref"]) || (tag.name == "a" && parent.is_raised);
    frame.is_raised = parent.is_raised || tag.name == "sup" || frame.is_mark;
    frame.in_pre |= role == Role::Pre;
    frame.in_svg = (parent.in_svg || role == Role::Svg) && tag.name != "foreignobject";
    frame.in_math |= role == Role::Math;
    frame.in_notes |= tag.attributes.is_a(&["footnotes", "endnotes", "rearnotes"]);
    frame.mode = match (parent.mode, role) {
        (Mode::Skip, Role::Title) if parent.role == Role::Head => Mode::Title,
        (Mode::Skip, _) | (_, Role::Skip | Role::Head) => Mode::Skip,
        (mode @ (Mode::Title | Mode::Label), _) => mode,
        (Mode::Read, Role::Title) => Mode::Title,
        // Its text is the page's number, whether it is needed or not.
        (Mode::Read, Role::PageBreak) => Mode::Label,
        (Mode::Read, _) => Mode::Read,
    };
    frame
}
