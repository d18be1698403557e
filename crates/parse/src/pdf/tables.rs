//! Tables of a page: rows that follow each other, the row that names their columns, and their caption.

use super::headings::Faces;
use super::lines::PageBlock;
use super::tagged::Role;
use corpora_values::{BlockKind, CellSpan};

/// A table by the indices of its page's blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageTable {
    pub(super) first: usize,
    pub(super) rows: usize,
    pub(super) header_rows: usize,
    pub(super) caption: Option<usize>,
    pub(super) spans: Vec<CellSpan>,
}

/// Rows of which a table has at least: a single one may be a line with a wide gap.
const LEAST_ROWS: usize = 2;

/// Longer texts stand between two tables and not in one.
const LONGEST_BRIDGE: usize = 60;

/// Makes lines rows that stand within a table and name what follows in it: a single short line between two rows, as far from both as
/// rows are from each other.
pub(super) fn bridge(blocks: &[PageBlock], kinds: &mut [BlockKind]) {
    for at in 1..blocks.len().saturating_sub(1) {
        let [above, line, below] = [&blocks[at - 1], &blocks[at], &blocks[at + 1]];
        let is_between = kinds[at - 1] == BlockKind::TableRow
            && kinds[at + 1] == BlockKind::TableRow
            && above.ruled.is_none()
            && below.ruled.is_none();
        let may_be = matches!(kinds[at], BlockKind::Paragraph | BlockKind::Heading(_))
            && line.lines == 1
            && line.text.len() <= LONGEST_BRIDGE
            && !line.text.trim_end().ends_with(['.', ':', '?', '!']);
        let step = (line.size * 15.0) as i32;
        let is_near = line.area.top - above.area.bottom < step && below.area.top - line.area.bottom < step;
        let is_within = line.area.left >= above.area.left.min(below.area.left)
            && line.area.right <= above.area.right.max(below.area.right);
        if is_between && may_be && is_near && is_within {
            kinds[at] = BlockKind::TableRow;
        }
    }
}

/// The tables of a page.
pub(super) fn find(blocks: &[PageBlock], kinds: &[BlockKind], faces: &Faces) -> Vec<PageTable> {
    let mut tables: Vec<PageTable> = Vec::new();
    let is_row = |at: usize| kinds.get(at) == Some(&BlockKind::TableRow);
    // A ruled table is one by itself, and what follows it is another.
    let goes_on = |at: usize| {
        let begins = blocks[at].ruled.as_ref().is_some_and(|ruled| ruled.is_first);
        !begins && blocks[at].ruled.is_some() == blocks[at - 1].ruled.is_some()
    };
    let mut first = 0;
    while first < blocks.len() {
        let mut end = first + 1;
        while is_row(first) && is_row(end) && goes_on(end) {
            end += 1;
        }
        if is_row(first) && end - first >= LEAST_ROWS {
            let rows = &blocks[first..end];
            let is_caption = |at: usize| kinds.get(at) == Some(&BlockKind::Caption);
            let taken = tables.last().and_then(|table| table.caption);
            let above = first.checked_sub(1).filter(|&at| is_caption(at) && taken != Some(at));
            let below = Some(end).filter(|&at| is_caption(at));
            tables.push(PageTable {
                first,
                rows: rows.len(),
                header_rows: header_rows(rows, faces),
                caption: above.or(below),
                spans: spans(rows),
            });
        }
        first = end;
    }
    tables
}

/// Cells that reach over others, as the rules show it.
fn spans(rows: &[PageBlock]) -> Vec<CellSpan> {
    let of = rows.iter().enumerate().filter_map(|(row, block)| Some((row, block.ruled.as_ref()?)));
    let spans = of.flat_map(|(row, ruled)| ruled.spans.iter().map(move |span| CellSpan { row: row as u32, ..*span }));
    // A row without any text is left out.
    spans.map(|span| CellSpan { rows: span.rows.min(rows.len() as u32 - span.row), ..span }).collect()
}

/// The rows at the head of a table that are set in bold, while others are not; or the first, where it has no numbers and most of
/// those below have.
fn header_rows(rows: &[PageBlock], faces: &Faces) -> usize {
    let is_head = |row: &&PageBlock| row.tag.is_some_and(|tag| tag.role == Role::HeaderCell);
    let said = rows.iter().take_while(is_head).count();
    if said > 0 && said < rows.len() {
        return said;
    }
    let bold = rows.iter().take_while(|row| faces.is_bold_block(row)).count();
    if bold > 0 && bold < rows.len() {
        return bold;
    }
    let numbers = |row: &PageBlock| row.text.split('\t').filter(|cell| is_number(cell)).count();
    let with_numbers = rows[1..].iter().filter(|row| numbers(row) > 0).count();
    let has_numbers_below = rows.len() > LEAST_ROWS && with_numbers * 10 >= (rows.len() - 1) * 7;
    usize::from(bold == 0 && has_numbers_below && numbers(&rows[0]) == 0)
}

fn is_number(cell: &str) -> bool {
    let cell = cell.trim();
    cell.contains(|c: char| c.is_ascii_digit()) && !cell.contains(char::is_alphabetic)
}
