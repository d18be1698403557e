//! Reading order: from fragments anywhere on the page to cells in the order in which a person reads them.
//!
//! A recursive cut at white space (Nagy and Seth's X-Y cut, "Hierarchical representation of optically scanned documents",
//! ICPR 1984), with two additions: a gutter may be crossed by headings and other lines that span the columns, and the order
//! of painting decides where geometry alone cannot tell columns from the columns of a table.

use super::fragments::Fragment;

/// Lines that belong together, from top to bottom: a column's run of text, or the content of a table's cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// Each line holds indices of fragments, from left to right.
    pub(super) lines: Vec<Vec<usize>>,
}

/// What stands side by side and is read from left to right; mostly a single cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
}

/// Puts fragments in reading order. `from_right` is set where columns are read from right to left.
pub(super) fn rows(fragments: &[Fragment], from_right: bool) -> Vec<Row> {
    let mut order = Order { fragments, from_right, rows: Vec::new() };
    order.region((0..fragments.len()).collect(), 0);
    order.rows
}

struct Order<'a> {
    fragments: &'a [Fragment],
    from_right: bool,
    rows: Vec<Row>,
}

/// How deep regions may be cut: more than any page needs.
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

    /// Where a gutter parts columns of text, if there is one.
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

    /// Whether a vertical line parts columns of text, and not the columns of a table.
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
        // Rows that line up are a sign of a table; columns set on one grid line up too, but each is painted in one go.
        if changes <= 1 + fewer / 4 { prose || !aligned(&left, &right) } else { prose && !aligned(&left, &right) }
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

    /// A region without columns: cells as they were painted, put in rows where they stand side by side.
    fn leaf(&mut self, mut members: Vec<usize>) {
        members.sort_by_key(|&m| self.fragments[m].order);
        let mut cells: Vec<Bounded> = Vec::new();
        for m in members {
            let f = &self.fragments[m];
            match cells.last_mut() {
                Some(cell) if cell.takes(f) => cell.add(m, f),
                _ => cells.push(Bounded::of(m, f)),
            }
        }
        cells.sort_by(|a, b| a.top.total_cmp(&b.top).then(a.left.total_cmp(&b.left)));
        let mut rows: Vec<Vec<Bounded>> = Vec::new();
        for cell in cells {
            // Side by side with the row: most of the lower of both stands beside the other.
            match rows.last_mut() {
                Some(row) if beside(row, &cell) => row.push(cell),
                _ => rows.push(vec![cell]),
            }
        }
        for mut row in rows {
            row.sort_by(|a, b| a.left.total_cmp(&b.left));
            if self.from_right {
                row.reverse();
            }
            self.rows.push(Row { cells: row.into_iter().map(|b| b.cell).collect() });
        }
    }
}

/// Whether a cell stands in the row: beside its cells, and over or under none of them.
fn beside(row: &[Bounded], cell: &Bounded) -> bool {
    let top = row.iter().map(|c| c.top).fold(f32::MAX, f32::min);
    let first = &row[0];
    let overlap = first.bottom.min(cell.bottom) - first.top.max(cell.top);
    let lower = (first.bottom - first.top).min(cell.bottom - cell.top);
    overlap > 0.5 * lower
        && cell.top - top < 1.0 * first.size.max(cell.size)
        && row.iter().all(|c| cell.left >= c.right - 0.1 * c.size || cell.right <= c.left + 0.1 * c.size)
}

/// A cell while it grows, with its bounds.
struct Bounded {
    cell: Cell,
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
    baseline: f32,
    size: f32,
}

impl Bounded {
    fn of(m: usize, f: &Fragment) -> Self {
        Self {
            cell: Cell { lines: vec![vec![m]] },
            left: f.left,
            right: f.right,
            top: f.top(),
            bottom: f.bottom(),
            baseline: f.baseline,
            size: f.size,
        }
    }

    /// Whether a fragment is the next line of the cell.
    fn takes(&self, f: &Fragment) -> bool {
        let step = f.baseline - self.baseline;
        let shared = self.right.min(f.right) - self.left.max(f.left);
        step > 0.3 * f.size && step < 2.0 * self.size.max(f.size) && shared > 0.0
    }

    fn add(&mut self, m: usize, f: &Fragment) {
        self.cell.lines.push(vec![m]);
        self.left = self.left.min(f.left);
        self.right = self.right.max(f.right);
        self.top = self.top.min(f.top());
        self.bottom = self.bottom.max(f.bottom());
        self.baseline = f.baseline;
        self.size = f.size;
    }
}

/// Whether fragments look like the lines of running text: most of them are long.
fn is_prose(fragments: &[&Fragment]) -> bool {
    let long = fragments.iter().filter(|f| f.glyphs.len() >= 18).count();
    long * 2 >= fragments.len() && fragments.len() >= 4
}

/// Whether most lines of the shorter side have a line at the same height on the other.
fn aligned(left: &[&Fragment], right: &[&Fragment]) -> bool {
    let (few, many) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let twins = few.iter().filter(|f| many.iter().any(|g| (f.baseline - g.baseline).abs() < 0.1 * f.size)).count();
    twins * 10 >= few.len() * 9
}

fn median(values: impl Iterator<Item = f32>) -> Option<f32> {
    let mut values: Vec<f32> = values.collect();
    if values.is_empty() {
        return None;
    }
    let middle = values.len() / 2;
    Some(*values.select_nth_unstable_by(middle, f32::total_cmp).1)
}
