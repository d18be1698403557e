//! Tables of a page: rows that follow each other, the row that names their columns, and their caption.

use super::headings::Faces;
use super::lines::PageBlock;
use corpora_values::BlockKind;

/// A table by the indices of its page's blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageTable {
    pub(super) first: usize,
    pub(super) rows: usize,
    pub(super) header_rows: usize,
    pub(super) caption: Option<usize>,
}

/// Rows of which a table has at least: a single one may be a line with a wide gap.
const LEAST_ROWS: usize = 2;

/// The tables of a page.
pub(super) fn find(blocks: &[PageBlock], kinds: &[BlockKind], faces: &Faces) -> Vec<PageTable> {
    let mut tables: Vec<PageTable> = Vec::new();
    let mut first = 0;
    for run in kinds.chunk_by(|a, b| (*a == BlockKind::TableRow) == (*b == BlockKind::TableRow)) {
        if run[0] == BlockKind::TableRow && run.len() >= LEAST_ROWS {
            let rows = &blocks[first..first + run.len()];
            let is_caption = |at: usize| kinds.get(at) == Some(&BlockKind::Caption);
            let taken = tables.last().and_then(|table| table.caption);
            let above = first.checked_sub(1).filter(|&at| is_caption(at) && taken != Some(at));
            let below = Some(first + run.len()).filter(|&at| is_caption(at));
            tables.push(PageTable {
                first,
                rows: run.len(),
                header_rows: header_rows(rows, faces),
                caption: above.or(below),
            });
        }
        first += run.len();
    }
    tables
}

/// The rows at the head of a table that are set in bold, while others are not; or the first, where it alone has no numbers under it
/// all.
fn header_rows(rows: &[PageBlock], faces: &Faces) -> usize {
    let bold = rows.iter().take_while(|row| faces.is_bold_block(row)).count();
    if bold > 0 && bold < rows.len() {
        return bold;
    }
    let numbers = |row: &PageBlock| row.text.split('\t').filter(|cell| is_number(cell)).count();
    let has_numbers_below = rows.len() > LEAST_ROWS && rows[1..].iter().all(|row| numbers(row) > 0);
    usize::from(bold == 0 && has_numbers_below && numbers(&rows[0]) == 0)
}

fn is_number(cell: &str) -> bool {
    let cell = cell.trim();
    cell.contains(|c: char| c.is_ascii_digit()) && !cell.contains(char::is_alphabetic)
}
