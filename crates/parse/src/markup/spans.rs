//! Cells of tables that reach over several rows: their places in the rows below them.

/// Longest text of a cell that is said again in each row that it reaches into, in bytes; a longer one is said once.
const LONGEST_REPEATED: usize = 120;

/// Bytes that are said again in one document at most, so that a hostile file cannot multiply itself.
const MOST_REPEATED: usize = 1 << 20;

/// Columns of a table that are kept in mind.
const MOST_COLUMNS: usize = 256;

/// Cells that reach into rows to come, of all open tables.
#[derive(Debug, Default)]
pub(super) struct Spans {
    tables: Vec<Vec<Held>>,
    repeated: usize,
}

/// A column that a cell above holds.
#[derive(Debug, Clone, Default)]
struct Held {
    /// Rows that it is still held in.
    rows: u32,
    text: String,
}

impl Spans {
    pub(super) fn begin_table(&mut self) {
        self.tables.push(Vec::new());
    }

    pub(super) fn end_table(&mut self) {
        self.tables.pop();
    }

    /// The texts of the cells from above that hold `column` and those after it, up to the first that is free.
    pub(super) fn held_from(&mut self, column: u32) -> Vec<String> {
        let mut texts = Vec::new();
        let Some(table) = self.tables.last_mut() else { return texts };
        let columns = table.iter_mut().skip(column as usize);
        for held in columns.take_while(|held| held.rows > 0) {
            held.rows -= 1;
            let may = held.text.len() <= LONGEST_REPEATED && self.repeated + held.text.len() <= MOST_REPEATED;
            let text = if may { held.text.clone() } else { String::new() };
            self.repeated += text.len();
            texts.push(text);
        }
        texts
    }

    /// Test whether a cell from above holds a column at or after that one.
    pub(super) fn holds_beyond(&self, column: u32) -> bool {
        self.tables.last().is_some_and(|table| table.iter().skip(column as usize).any(|held| held.rows > 0))
    }

    /// A cell from `column` on reaches into `rows` more rows.
    pub(super) fn hold(&mut self, column: u32, columns: u32, rows: u32, text: &str) {
        let Some(table) = self.tables.last_mut() else { return };
        for n in 0..columns {
            let at = (column + n) as usize;
            if at >= MOST_COLUMNS {
                return;
            }
            if table.len() <= at {
                table.resize_with(at + 1, Held::default);
            }
            // The first column says it; the others are parts of the same cell.
            let text = if n == 0 && text.len() <= LONGEST_REPEATED { text.to_owned() } else { String::new() };
            table[at] = Held { rows, text };
        }
    }
}
