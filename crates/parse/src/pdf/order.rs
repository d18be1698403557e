//! Reading order: from fragments anywhere on the page to cells in the order in which a person reads them.
//!
//! Typesetters paint in reading order, and know better than geometry what belongs together: where the order of painting
//! moves over the page as a reader does, it stays. Elsewhere regions are cut at white space recursively (Nagy and Seth's X-Y
//! cut, "Hierarchical representation of optically scanned documents", ICPR 1984), with two additions: a gutter may be
//! crossed by headings and other lines that span the columns, and the order of painting helps to tell columns of text from
//! those of a table.

use super::columns::{self, aligned, is_prose};
use super::fragments::Fragment;

/// Lines that belong together, from top to bottom: a column's run of text, or the content of a table's cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// Each line holds indices of fragments, from left to right.
    pub(super) lines: Vec<Vec<usize>>,
}

/// Cells that stand side by side and are read from left to right; mostly a single one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
}

/// Worth of the order of painting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Painting {
    /// It is right, whatever its course over the page.
    Right,
    /// Its course over the page tells.
    Judged,
    /// It is none: words of several sources stand beside each other.
    Mixed,
}

/// Puts fragments in reading order. `from_right` is set where columns are read from right to left.
pub(super) fn rows(fragments: &[Fragment], from_right: bool, painting: Painting) -> Vec<Row> {
    let mut order = Order { fragments, from_right, rows: Vec::new() };
    let mut painted: Vec<usize> = (0..fragments.len()).collect();
    painted.sort_by_key(|&m| fragments[m].order);
    let cells = order.cells(&painted);
    let is_kept = match painting {
        Painting::Right => true,
        Painting::Judged => order.is_natural(&cells),
        Painting::Mixed => false,
    };
    if is_kept {
        order.emit(cells);
    } else {
        order.region(painted, 0);
    }
    order.rows
}

struct Order<'a> {
    fragments: &'a [Fragment],
    from_right: bool,
    rows: Vec<Row>,
}

/// Running heads and feet that may be painted out of order on a page.
const MOST_ENDS: usize = 2;

/// Depth to which regions may be cut: more than any page needs.
const DEEPEST: u32 = 24;

impl Order<'_> {
    fn region(&mut self, members: Vec<usize>, depth: u32) {
        if members.len() > 3 && depth < DEEPEST {
            if let Some(gutter) = self.gutter(&members) {
                self.columns(members, gutter, depth);
                return;
            }
            if let Some((above, below)) = self.bands(&members) {
                self.region(above, depth + 1);
                self.region(below, depth + 1);
                return;
            }
        }
        self.leaf(members);
    }

    /// Splits at a gutter: what crosses it is read between the columns above and those below it.
    fn columns(&mut self, mut members: Vec<usize>, gutter: f32, depth: u32) {
        members.sort_by(|&a, &b| self.fragments[a].baseline.total_cmp(&self.fragments[b].baseline));
        let crosses = |f: &Fragment| f.left < gutter && f.right > gutter;
        let mut rest = members.as_slice();
        while !rest.is_empty() {
            let spanning = rest.iter().take_while(|&&m| crosses(&self.fragments[m])).count();
            if spanning > 0 {
                // With what stands beside a crossing line.
                let bottom =
                    self.fragments[rest[spanning - 1]].baseline + 0.3 * self.fragments[rest[spanning - 1]].size;
                let more = rest[spanning..].iter().take_while(|&&m| self.fragments[m].baseline <= bottom).count();
                let (band, after) = rest.split_at(spanning + more);
                self.region(band.to_vec(), depth + 1);
                rest = after;
                continue;
            }
            let end = rest.iter().position(|&m| crosses(&self.fragments[m])).unwrap_or(rest.len());
            let (band, after) = rest.split_at(end);
            let (left, right): (Vec<usize>, Vec<usize>) =
                band.iter().partition(|&&m| self.fragments[m].right <= gutter);
            let sides = if self.from_right { [right, left] } else { [left, right] };
            for side in sides {
                if !side.is_empty() {
                    self.region(side, depth + 1);
                }
            }
            rest = after;
        }
    }

    /// Place of a gutter that parts columns of text, if there is one.
    fn gutter(&self, members: &[usize]) -> Option<f32> {
        let fragment = |m: &usize| &self.fragments[*m];
        let left = members.iter().map(|m| fragment(m).left).fold(f32::MAX, f32::min);
        let right = members.iter().map(|m| fragment(m).right).fold(f32::MIN, f32::max);
        let size = median(members.iter().map(|m| fragment(m).size))?;
        let width = right - left;
        if !(width > 12.0 * size && width < 1e5) {
            return None;
        }
        // How many fragments cover each place along the line.
        let step = (size / 4.0).max(width / 4000.0);
        let bins = (width / step) as usize + 2;
        let mut cover = vec![0_i32; bins + 1];
        for m in members {
            let f = fragment(m);
            cover[((f.left - left) / step) as usize] += 1;
            cover[(((f.right - left) / step).ceil() as usize).min(bins)] -= 1;
        }
        let mut open = 0;
        for c in &mut cover {
            open += *c;
            *c = open;
        }
        let allowed = members.len() as i32 / 8;
        let mut best: Option<(i32, usize, usize)> = None;
        let mut at = bins / 10;
        let last = bins - bins / 10;
        while at < last {
            if cover[at] > allowed {
                at += 1;
                continue;
            }
            let lowest = cover[at];
            let from = at;
            while at < last && cover[at] == lowest {
                at += 1;
            }
            let wide = at - from;
            let better = best.is_none_or(|(low, f, t)| lowest < low || (lowest == low && wide > t - f));
            if wide as f32 * step >= 0.8 * size && better && self.parts(members, left + (from + at) as f32 * step / 2.0)
            {
                best = Some((lowest, from, at));
            }
        }
        best.map(|(_, from, to)| left + (from + to) as f32 * step / 2.0)
    }

    /// Test whether a vertical line parts columns of text, and not the columns of a table.
    fn parts(&self, members: &[usize], gutter: f32) -> bool {
        let fragment = |m: &usize| &self.fragments[*m];
        let left: Vec<&Fragment> = members.iter().map(fragment).filter(|f| f.right <= gutter).collect();
        let right: Vec<&Fragment> = members.iter().map(fragment).filter(|f| f.left >= gutter).collect();
        if left.len() < 3 || right.len() < 3 {
            return false;
        }
        // Changes of side in the order of painting: a few in columns, two a row in tables.
        let mut painted: Vec<(u32, bool)> =
            left.iter().map(|f| (f.order, false)).chain(right.iter().map(|f| (f.order, true))).collect();
        painted.sort_unstable();
        let changes = painted.windows(2).filter(|w| w[0].1 != w[1].1).count();
        let fewer = left.len().min(right.len());
        let prose = is_prose(&left) && is_prose(&right);
        let aligned = aligned(&left, &right);
        // Rows that line up are a sign of a table; columns set on one grid line up too, but each is painted in one go.
        if changes == 1 && columns::is_table(&left, &right) {
            return false;
        }
        if changes == 1 && fewer >= 10 {
            return true;
        }
        // What is painted across may be columns as well as rows: the text itself tells, by how its lines go on.
        let goes_down = || prose && columns::go_down(&left, &right);
        // Of few lines one that has no twin says little: it may be the second of a cell.
        let aligned = aligned || (fewer <= 4 && columns::line_up(&left, &right, 5));
        if changes <= 1 + fewer / 4 { prose || !aligned } else { (prose && !aligned) || goes_down() }
    }

    /// Splits at the widest white band across, if one is clearly wider than the leading.
    fn bands(&self, members: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
        let mut sorted = members.to_vec();
        sorted.sort_by(|&a, &b| self.fragments[a].top().total_cmp(&self.fragments[b].top()));
        let mut widest: Option<(f32, usize)> = None;
        let mut bottom = f32::MIN;
        for (n, &m) in sorted.iter().enumerate() {
            let f = &self.fragments[m];
            let gap = f.top() - bottom;
            if n > 0 && gap > 0.5 * f.size && widest.is_none_or(|(w, _)| gap > w) {
                widest = Some((gap, n));
            }
            bottom = bottom.max(f.bottom());
        }
        let (_, at) = widest?;
        let below = sorted.split_off(at);
        Some((sorted, below))
    }

    /// A region without columns: its cells from top to bottom.
    fn leaf(&mut self, mut members: Vec<usize>) {
        members.sort_by_key(|&m| self.fragments[m].order);
        let mut cells = self.cells(&members);
        cells.sort_by(|a, b| a.top.total_cmp(&b.top).then(a.left.total_cmp(&b.left)));
        self.emit(cells);
    }

    /// Gathers fragments in the order of painting into cells.
    fn cells(&self, painted: &[usize]) -> Vec<Bounded> {
        let mut cells: Vec<Bounded> = Vec::new();
        for &m in painted {
            let f = &self.fragments[m];
            match cells.last_mut() {
                Some(cell) if cell.takes(f) => cell.add(m, f),
                Some(cell) if cell.is_left_of(f) => {
                    let limit = cell.last_right;
                    // The line goes on in another cell: it is a row of its own, not the last line of what stands above it.
                    if let Some(line) = cell.split_last_line(self.fragments) {
                        cells.push(line);
                    }
                    cells.push(Bounded::of(m, f, limit));
                }
                _ => cells.push(Bounded::of(m, f, f32::MIN)),
            }
        }
        cells
    }

    /// The lines of cells, parted where painting goes from the end of a column to the head of the next.
    fn columns_painted(&self, cells: &[Bounded]) -> Vec<Vec<&Fragment>> {
        let mut columns: Vec<Vec<&Fragment>> = Vec::new();
        let mut before: Option<&Bounded> = None;
        for cell in cells {
            let is_next = before.is_none_or(|a| cell.first_baseline < a.baseline && cell.left >= a.left);
            let lines = cell.cell.lines.iter().flatten().map(|&m| &self.fragments[m]);
            match columns.last_mut() {
                Some(column) if !is_next => column.extend(lines),
                _ => columns.push(lines.collect()),
            }
            before = Some(cell);
        }
        columns
    }

    /// Test whether the order of painting is one in which a person may read: down the page and, from the end of a
    /// column, to the head of the next.
    fn is_natural(&self, cells: &[Bounded]) -> bool {
        let highest = cells.iter().map(|c| c.top).fold(f32::MAX, f32::min);
        let lowest = cells.iter().map(|c| c.bottom).fold(f32::MIN, f32::max);
        let margin = 0.1 * (lowest - highest);
        let (mut back, mut side_by_side, mut ends) = (0, 0, 0);
        for (at, pair) in cells.windows(2).enumerate() {
            let (a, b) = (&pair[0], &pair[1]);
            let size = a.size.max(b.size);
            let same_row = (b.first_baseline - a.baseline).abs() < 0.5 * size;
            let onward = if self.from_right { b.right <= a.last_left + size } else { b.left >= a.last_right - size };
            // Columns need not stand on the same lines.
            let is_next_line = a.cell.lines.len() == 1
                && b.cell.lines.len() == 1
                && b.first_baseline > a.baseline
                && b.first_baseline - a.baseline < 0.9 * size;
            let same_line = same_row || is_next_line;
            side_by_side += usize::from(same_line && onward && a.glyphs >= 18 && b.glyphs >= 18);
            if same_row {
                back += usize::from(!onward);
            } else if b.first_baseline < a.baseline {
                let next_column = if self.from_right { b.right <= a.left + size } else { b.left >= a.right - size };
                // A foot may be painted before all else, a running head after it.
                let low = |c: &Bounded| c.cell.lines.len() <= 2 && c.top >= lowest - margin;
                let foot = at <= 2 && low(a);
                let head =
                    b.cell.lines.len() <= 2 && b.bottom <= highest + margin.max(2.5 * b.size) && b.size <= 1.1 * a.size;
                let in_margin = b.right <= a.left + size && a.baseline - b.first_baseline < 8.0 * size;
                // Beside lines that are painted already, or a few letters that were left out of them, or hardly higher.
                let beside = b.first_baseline > a.first_baseline
                    || b.glyphs <= 8
                    || a.first_baseline - b.first_baseline < 1.5 * size;
                if beside || (in_margin && b.cell.lines.len() <= 3) {
                    back += 1;
                } else if !next_column {
                    ends += 1;
                    if !(foot || head) || ends > MOST_ENDS {
                        return false;
                    }
                }
            }
        }
        if columns::is_table_by_columns(&self.columns_painted(cells)) {
            return false;
        }
        // A note in the margin leads back now and then; text columns painted line by line across lead on again and again.
        back * 8 <= self.fragments.len() && side_by_side * 6 <= self.fragments.len()
    }

    /// Cells in reading order, as rows where they stand side by side.
    fn emit(&mut self, cells: Vec<Bounded>) {
        let mut rows: Vec<Vec<Bounded>> = Vec::new();
        for cell in cells {
            match rows.last_mut() {
                Some(row) if beside(row, &cell, self.from_right) => row.push(cell),
                _ => rows.push(vec![cell]),
            }
        }
        for row in rows {
            self.rows.push(Row { cells: row.into_iter().map(|b| b.cell).collect() });
        }
    }
}

/// Test whether a cell is the next of the row: most of the lower of both stands beside the other, and it lies onward.
fn beside(row: &[Bounded], cell: &Bounded, from_right: bool) -> bool {
    let (first, last) = (&row[0], &row[row.len() - 1]);
    let overlap = first.bottom.min(cell.bottom) - first.top.max(cell.top);
    let lower = (first.bottom - first.top).min(cell.bottom - cell.top);
    let onward =
        if from_right { cell.right <= last.left + 0.1 * cell.size } else { cell.left >= last.right - 0.1 * cell.size };
    overlap > 0.5 * lower && (cell.top - first.top).abs() < first.size.max(cell.size) && onward
}

/// A cell while it grows, with its bounds.
struct Bounded {
    cell: Cell,
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
    first_baseline: f32,
    /// Of all lines.
    glyphs: usize,
    /// Of the last line.
    baseline: f32,
    size: f32,
    last_left: f32,
    last_right: f32,
    /// End of the cell to the left of it: what reaches farther is no line of this cell.
    limit: f32,
}

impl Bounded {
    fn of(m: usize, f: &Fragment, limit: f32) -> Self {
        Self {
            cell: Cell { lines: vec![vec![m]] },
            last_left: f.left,
            last_right: f.right,
            limit,
            left: f.left,
            right: f.right,
            top: f.top(),
            bottom: f.bottom(),
            first_baseline: f.baseline,
            glyphs: f.glyphs.len(),
            baseline: f.baseline,
            size: f.size,
        }
    }

    /// Test whether a fragment is the next line of the cell.
    fn takes(&self, f: &Fragment) -> bool {
        let step = f.baseline - self.baseline;
        let shared = self.last_right.min(f.right) - self.last_left.max(f.left);
        step > 0.3 * f.size && step < 2.0 * self.size.max(f.size) && shared > 0.0 && f.left > self.limit
    }

    /// Takes the last of several lines out of the cell.
    fn split_last_line(&mut self, fragments: &[Fragment]) -> Option<Self> {
        if self.cell.lines.len() < 2 {
            return None;
        }
        let last = self.cell.lines.pop()?;
        let limit = self.limit;
        let rebuilt = |lines: Vec<Vec<usize>>| {
            let mut members = lines.into_iter().flatten();
            let first = members.next()?;
            let mut bounded = Self::of(first, &fragments[first], limit);
            for m in members {
                bounded.add(m, &fragments[m]);
            }
            Some(bounded)
        };
        let rest = std::mem::take(&mut self.cell.lines);
        *self = rebuilt(rest)?;
        rebuilt(vec![last])
    }

    /// Test whether a fragment goes on to the right of the cell's last line.
    fn is_left_of(&self, f: &Fragment) -> bool {
        (f.baseline - self.baseline).abs() < 0.5 * f.size.max(self.size) && f.left >= self.last_right
    }

    fn add(&mut self, m: usize, f: &Fragment) {
        self.cell.lines.push(vec![m]);
        self.glyphs += f.glyphs.len();
        self.left = self.left.min(f.left);
        self.right = self.right.max(f.right);
        self.top = self.top.min(f.top());
        self.bottom = self.bottom.max(f.bottom());
        self.baseline = f.baseline;
        self.size = f.size;
        self.last_left = f.left;
        self.last_right = f.right;
    }
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    Some(*values.select_nth_unstable_by(middle, f32::total_cmp).1)
}
