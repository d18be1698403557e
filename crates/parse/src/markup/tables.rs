//! Tables while they are read: their rows, headers, captions and the cells that reach over others.

use corpora_values::{CellSpan, Table};

/// Cells that reach over others of one table that are kept; no table of a person has more.
const MOST_SPANS: usize = 10_000;

/// The tables that are open, innermost last.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    open: Vec<OpenTable>,
}

#[derive(Debug, Default)]
struct OpenTable {
    table: Table,
    /// A row has come after one that names no columns.
    has_body: bool,
    /// Something else stands between its rows: it is there for the layout of the page.
    is_broken: bool,
}

impl Tables {
    pub(crate) fn begin(&mut self) {
        self.open.push(OpenTable::default());
    }

    /// A caption of the innermost table is the block of that index.
    pub(super) fn caption(&mut self, block: usize) {
        if let Some(open) = self.open.last_mut() {
            open.table.caption = u32::try_from(block).ok();
        }
    }

    /// A row of the innermost table ended: it is the block of that index.
    pub(crate) fn row(&mut self, block: usize, is_header: bool) {
        let (Some(open), Ok(block)) = (self.open.last_mut(), u32::try_from(block)) else { return };
        if open.table.rows == 0 {
            open.table.first_block = block;
        }
        open.is_broken |= block != open.table.first_block + open.table.rows;
        open.table.rows += 1;
        open.has_body |= !is_header;
        open.table.header_rows += u32::from(is_header && !open.has_body);
    }

    /// A cell of the row that is being read reaches over others.
    pub(super) fn cell(&mut self, column: u32, (columns, rows): (u32, u32)) {
        let Some(open) = self.open.last_mut().filter(|open| open.table.spans.len() < MOST_SPANS) else { return };
        open.table.spans.push(CellSpan { row: open.table.rows, column, rows, columns });
    }

    /// The innermost table ends.
    pub(crate) fn end(&mut self) -> Option<Table> {
        let mut open = self.open.pop()?;
        // What reaches beyond the last row ends there (HTML, 4.9.12.1).
        let rows = open.table.rows;
        open.table.spans.retain_mut(|span| {
            span.rows = span.rows.min(rows.saturating_sub(span.row));
            span.row < rows && (span.rows > 1 || span.columns > 1)
        });
        (open.table.rows > 0 && !open.is_broken).then_some(open.table)
    }
}
