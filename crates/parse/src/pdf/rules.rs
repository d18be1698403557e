//! Rules that a page paints, and the grids that they make: tables whose cells their author has drawn.

use hayro_font::kurbo::{Affine, Point, Rect};

use corpora_values::CellSpan;

/// Rules that are kept of one page. A page with more is a drawing.
const MOST_RULES: usize = 2_000;

/// Shorter lines are strokes of a drawing, in points.
const SHORTEST: f32 = 6.0;

/// Thicker areas are no rules.
const THICKEST: f64 = 3.0;

/// Distance within which rules stand at the same place, or touch.
const NEAR: f32 = 2.5;

/// A line across or down the page. Lengths are points; `y` grows downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Rule {
    /// Place across its direction.
    at: f32,
    from: f32,
    to: f32,
}

impl Rule {
    fn covers(&self, place: f32) -> bool {
        self.from - NEAR <= place && place <= self.to + NEAR
    }
}

/// The rules of a page.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    across: Vec<Rule>,
    down: Vec<Rule>,
}

impl Rules {
    /// Takes a line that was stroked, if it runs across or down the page.
    pub(super) fn line(&mut self, a: Point, b: Point) {
        if self.across.len() + self.down.len() >= MOST_RULES {
            return;
        }
        let [ax, ay, bx, by] = [a.x, a.y, b.x, b.y].map(|v| v as f32);
        let (width, height) = ((ax - bx).abs(), (ay - by).abs());
        if width >= SHORTEST && height < 1.0 {
            self.across.push(Rule { at: (ay + by) / 2.0, from: ax.min(bx), to: ax.max(bx) });
        } else if height >= SHORTEST && width < 1.0 {
            self.down.push(Rule { at: (ax + bx) / 2.0, from: ay.min(by), to: ay.max(by) });
        }
    }

    /// Takes a rectangle: the edges of one that was stroked, the middle of a thin one that was filled.
    pub(super) fn rectangle(&mut self, rect: Rect, is_stroked: bool) {
        let center = rect.center();
        if rect.height() <= THICKEST {
            self.line(Point::new(rect.x0, center.y), Point::new(rect.x1, center.y));
        } else if rect.width() <= THICKEST {
            self.line(Point::new(center.x, rect.y0), Point::new(center.x, rect.y1));
        } else if is_stroked {
            for (a, b) in [
                ((rect.x0, rect.y0), (rect.x1, rect.y0)),
                ((rect.x0, rect.y1), (rect.x1, rect.y1)),
                ((rect.x0, rect.y0), (rect.x0, rect.y1)),
                ((rect.x1, rect.y0), (rect.x1, rect.y1)),
            ] {
                self.line(a.into(), b.into());
            }
        }
    }

    /// The grids that the rules make, from the top of the page.
    pub(super) fn grids(&self) -> Vec<Grid> {
        let mut grids = Vec::new();
        let mut left: Vec<Rule> = self.across.clone();
        left.sort_by(|a, b| a.at.total_cmp(&b.at));
        let mut down = self.down.clone();
        // A grid is made of rules that cross or touch: from each rule across, those down that meet it, and so on.
        while let Some(first) = left.first().copied() {
            left.remove(0);
            let (mut across, mut of_down) = (vec![first], Vec::new());
            let mut at = 0;
            while at < across.len() {
                let rule = across[at];
                let (met, others): (Vec<Rule>, Vec<Rule>) =
                    down.into_iter().partition(|d| rule.covers(d.at) && d.covers(rule.at));
                down = others;
                for d in &met {
                    let (more, others): (Vec<Rule>, Vec<Rule>) =
                        left.into_iter().partition(|a| a.covers(d.at) && d.covers(a.at));
                    left = others;
                    across.extend(more);
                }
                of_down.extend(met);
                at += 1;
            }
            grids.extend(Grid::of(&across, &of_down));
        }
        grids.sort_by(|a, b| a.top().total_cmp(&b.top()));
        grids
    }
}

/// Lines of the path that is being built, as far as rules may come of them.
#[derive(Debug, Default)]
pub(super) struct Strokes {
    lines: Vec<(Point, Point)>,
    rectangles: Vec<Rect>,
    begin: Option<Point>,
    last: Option<Point>,
}

impl Strokes {
    pub(super) fn move_to(&mut self, point: Point) {
        (self.begin, self.last) = (Some(point), Some(point));
    }

    pub(super) fn line_to(&mut self, point: Point) {
        if let Some(last) = self.last.replace(point)
            && self.lines.len() < MOST_RULES
        {
            self.lines.push((last, point));
        }
    }

    /// A curve leads to a point.
    pub(super) fn jump_to(&mut self, point: Point) {
        self.last = Some(point);
    }

    pub(super) fn close(&mut self) {
        if let Some(begin) = self.begin {
            self.line_to(begin);
        }
    }

    pub(super) fn rectangle(&mut self, rect: Rect) {
        if self.rectangles.len() < MOST_RULES {
            self.rectangles.push(rect);
        }
    }

    /// Paints the path: adds what are rules to those of the page.
    pub(super) fn paint(&mut self, to_page: Affine, is_stroked: bool, rules: &mut Rules) {
        for rect in &self.rectangles {
            rules.rectangle(to_page.transform_rect_bbox(*rect), is_stroked);
        }
        if is_stroked {
            for (a, b) in &self.lines {
                rules.line(to_page * *a, to_page * *b);
            }
        } else if (3..=4).contains(&self.lines.len()) {
            // Some programs fill the outline of a thin rectangle.
            let points = self.lines.iter().flat_map(|(a, b)| [*a, *b]);
            let bounds = points.map(|p| Rect::from_points(p, p)).reduce(|a, b| a.union(b)).unwrap_or_default();
            rules.rectangle(to_page.transform_rect_bbox(bounds), false);
        }
    }
}

/// Rows or columns that a grid has at least, and at most.
const LEAST: usize = 2;
const MOST: usize = 200;

/// Cells that rules part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    /// Edges of its columns, from left to right, and of its rows, from top to bottom.
    xs: Vec<f32>,
    ys: Vec<f32>,
    /// For each row and column the cell that is there, by its own row and column.
    owner: Vec<Vec<(usize, usize)>>,
}

impl Grid {
    fn of(across: &[Rule], down: &[Rule]) -> Option<Self> {
        let places = |rules: &[Rule]| {
            let mut places: Vec<f32> = rules.iter().map(|rule| rule.at).collect();
            places.sort_unstable_by(f32::total_cmp);
            places.dedup_by(|b, a| *b - *a < NEAR);
            places
        };
        let (xs, ys) = (places(down), places(across));
        let size = LEAST + 1..=MOST;
        if !(size.contains(&xs.len()) && size.contains(&ys.len())) {
            return None;
        }
        let (rows, columns) = (ys.len() - 1, xs.len() - 1);
        let middle = |edges: &[f32], n: usize| f32::midpoint(edges[n], edges[n + 1]);
        let is_ruled = |rules: &[Rule], at: f32, place: f32| {
            rules.iter().any(|rule| (rule.at - at).abs() < NEAR && rule.from <= place && place <= rule.to)
        };
        // A cell goes on to the right where no rule parts it, and down where none does over its whole width.
        let mut owner = vec![vec![(usize::MAX, 0); columns]; rows];
        for row in 0..rows {
            for column in 0..columns {
                if owner[row][column].0 != usize::MAX {
                    continue;
                }
                let is_open = |column: usize| !is_ruled(down, xs[column], middle(&ys, row));
                let end = (column + 1..columns).find(|&at| !is_open(at) || owner[row][at].0 != usize::MAX);
                let end = end.unwrap_or(columns);
                let goes_down = |row: usize| {
                    (column..end)
                        .all(|at| !is_ruled(across, ys[row], middle(&xs, at)) && owner[row][at].0 == usize::MAX)
                        && (column + 1..end).all(|at| !is_ruled(down, xs[at], middle(&ys, row)))
                };
                let below = (row + 1..rows).find(|&at| !goes_down(at)).unwrap_or(rows);
                for of_row in &mut owner[row..below] {
                    of_row[column..end].fill((row, column));
                }
            }
        }
        Some(Self { xs, ys, owner })
    }

    pub(super) fn top(&self) -> f32 {
        self.ys[0]
    }

    pub(super) fn bottom(&self) -> f32 {
        self.ys[self.ys.len() - 1]
    }

    pub(super) fn rows(&self) -> usize {
        self.ys.len() - 1
    }

    pub(super) fn columns(&self) -> usize {
        self.xs.len() - 1
    }

    /// The cell in which a place lies, by its first row and column.
    pub(super) fn cell(&self, x: f32, y: f32) -> Option<(usize, usize)> {
        let inside = |edges: &[f32], at: f32| edges.windows(2).position(|edge| edge[0] <= at && at < edge[1]);
        Some(self.owner[inside(&self.ys, y)?][inside(&self.xs, x)?])
    }

    /// The first place between two at which a rule parts its cells at a height.
    pub(super) fn parts(&self, from: f32, to: f32, y: f32) -> bool {
        self.xs.iter().any(|&x| from < x && x < to && self.cell(x - 1.0, y) != self.cell(x + 1.0, y))
    }

    /// The cells of a row that reach over more than one row or column.
    pub(super) fn spans(&self, row: usize) -> Vec<CellSpan> {
        let starts = (0..self.columns()).filter(|&column| self.owner[row][column] == (row, column));
        let reach = |column: usize| {
            let is_same = |other: &&(usize, usize)| **other == (row, column);
            let columns = self.owner[row][column..].iter().take_while(is_same).count();
            let rows = self.owner[row..].iter().take_while(|of_row| of_row[column] == (row, column)).count();
            CellSpan { row: 0, column: column as u32, rows: rows as u32, columns: columns as u32 }
        };
        starts.map(reach).filter(|span| (span.rows, span.columns) != (1, 1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The grid of 3 by 3 cells, 100 points wide and 20 high each, without some of its inner rules.
    fn grid(without_down: &[(usize, usize)], without_across: &[(usize, usize)]) -> Vec<Grid> {
        let mut rules = Rules::default();
        for edge in 0..=3 {
            for n in 0..3 {
                let (at, from) = (100.0 * f64::from(edge), 20.0 * f64::from(n));
                if !without_down.contains(&(edge as usize, n as usize)) {
                    rules.line(Point::new(at, from), Point::new(at, from + 20.0));
                }
                let (at, from) = (20.0 * f64::from(edge), 100.0 * f64::from(n));
                if !without_across.contains(&(edge as usize, n as usize)) {
                    rules.rectangle(Rect::new(from, at - 0.2, from + 100.0, at + 0.2), false);
                }
            }
        }
        rules.grids()
    }

    #[test]
    fn rules_that_meet_make_one_grid_and_its_cells_go_on_where_none_parts_them() {
        let [whole] = grid(&[], &[]).try_into().unwrap();
        assert_eq!((whole.rows(), whole.columns()), (3, 3));
        assert_eq!((whole.cell(150.0, 30.0), whole.cell(350.0, 30.0)), (Some((1, 1)), None));
        assert!(whole.spans(0).is_empty() && whole.parts(90.0, 110.0, 10.0));
        // Between the first two columns of the first row, and between the last two rows of the third column.
        let [merged] = grid(&[(1, 0)], &[(2, 2)]).try_into().unwrap();
        assert_eq!((merged.cell(150.0, 10.0), merged.cell(250.0, 50.0)), (Some((0, 0)), Some((1, 2))));
        assert_eq!(merged.spans(0), [CellSpan { row: 0, column: 0, rows: 1, columns: 2 }]);
        assert_eq!(merged.spans(1), [CellSpan { row: 0, column: 2, rows: 2, columns: 1 }]);
        assert!(!merged.parts(90.0, 110.0, 10.0) && merged.parts(90.0, 110.0, 30.0));
    }

    #[test]
    fn a_box_and_lines_below_each_other_are_no_grid() {
        let mut rules = Rules::default();
        rules.rectangle(Rect::new(10.0, 10.0, 300.0, 100.0), true);
        for n in 0..5 {
            rules.line(Point::new(10.0, 200.0 + 20.0 * f64::from(n)), Point::new(300.0, 200.0 + 20.0 * f64::from(n)));
        }
        assert!(rules.grids().is_empty());
    }
}
