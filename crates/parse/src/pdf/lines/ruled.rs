//! Tables whose cells are ruled: what stands in a cell is known, whatever the order of painting and however near the next one is.

use super::super::fragments::Fragment;
use super::super::glyphs::{Glyph, PageGlyphs};
use super::super::order::{self, Painting};
use super::super::rules::Grid;
use super::{Layout, Line, PageBlock, Shape, joined};
use corpora_values::CellSpan;

/// Place of a row in its table.
#[derive(Debug, Clone)]
pub(in super::super) struct Ruled {
    /// It is the first row of its table.
    pub(in super::super) is_first: bool,
    /// Its cells that reach over others.
    pub(in super::super) spans: Vec<CellSpan>,
}

/// A part of a page that is read by itself: a table, or what stands between tables.
pub(super) struct Band {
    pub(super) grid: Option<Grid>,
    pub(super) fragments: Vec<Fragment>,
}

/// Lines of a cell, at most: where there are more, the rules part columns or boxes of text.
const TALLEST: usize = 12;

/// The grids of a page. Rules that run through words are those of a drawing.
pub(super) fn grids(page: &PageGlyphs) -> Vec<Grid> {
    let mut grids = page.rules.grids();
    grids.retain(|grid| !runs_through_words(&page.glyphs, grid));
    grids
}

/// Test whether a rule of a grid stands between letters of one word, which one operator has shown.
fn runs_through_words(glyphs: &[Glyph], grid: &Grid) -> bool {
    let is_within = |a: &Glyph, b: &Glyph| {
        let gap = b.x - a.x - a.advance;
        a.show == b.show && a.turn == 0 && !b.after_space && a.first.is_alphanumeric() && gap.abs() < 0.1 * a.size
    };
    let middle = |glyph: &Glyph| glyph.x + glyph.advance / 2.0;
    glyphs.windows(2).any(|pair| {
        let (a, b) = (&pair[0], &pair[1]);
        is_within(a, b) && b.first.is_alphanumeric() && grid.parts(middle(a), middle(b), a.y - 0.3 * a.size)
    })
}

/// The bands of a page from top to bottom. Grids in which no table stands, or beside which there is something else, part nothing.
pub(super) fn bands(mut fragments: Vec<Fragment>, grids: Vec<Grid>) -> Vec<Band> {
    let mut bands = Vec::new();
    for grid in grids {
        if !is_table(&grid, &fragments) {
            continue;
        }
        let (above, rest): (Vec<Fragment>, Vec<Fragment>) = fragments.into_iter().partition(|f| middle(f) < grid.top());
        let (inside, below): (Vec<Fragment>, Vec<Fragment>) = rest.into_iter().partition(|f| middle(f) < grid.bottom());
        if !above.is_empty() {
            bands.push(Band { grid: None, fragments: above });
        }
        bands.push(Band { grid: Some(grid), fragments: inside });
        fragments = below;
    }
    bands.push(Band { grid: None, fragments });
    bands
}

/// Height of the middle of a fragment's letters.
fn middle(fragment: &Fragment) -> f32 {
    fragment.baseline - 0.3 * fragment.size
}

fn cell(grid: &Grid, fragment: &Fragment) -> Option<(usize, usize)> {
    grid.cell(f32::midpoint(fragment.left, fragment.right), middle(fragment))
}

/// Test whether a table stands in a grid, and nothing beside it.
fn is_table(grid: &Grid, fragments: &[Fragment]) -> bool {
    let mut lines = vec![vec![0_usize; grid.columns()]; grid.rows()];
    for fragment in fragments.iter().filter(|f| (grid.top()..grid.bottom()).contains(&middle(f))) {
        let Some((row, column)) = cell(grid, fragment) else { return false };
        lines[row][column] += 1;
    }
    let filled = lines.iter().filter(|row| row.iter().filter(|count| **count > 0).count() >= 2).count();
    filled >= 2 && lines.iter().flatten().all(|count| *count <= TALLEST)
}

impl Layout<'_> {
    /// Adds the rows of a table.
    pub(super) fn ruled(&self, grid: &Grid, from_right: bool, out: &mut Vec<PageBlock>) {
        let mut cells: Vec<Vec<Vec<Fragment>>> = vec![vec![Vec::new(); grid.columns()]; grid.rows()];
        for fragment in self.fragments {
            if let Some((row, column)) = cell(grid, fragment) {
                cells[row][column].push(fragment.clone());
            }
        }
        let mut is_first = true;
        for (row, cells) in cells.iter().enumerate() {
            let mut texts: Vec<String> = Vec::with_capacity(cells.len());
            let mut lines: Vec<Line> = Vec::new();
            for fragments in cells {
                let of_cell = Layout { fragments, ..*self }.cell_lines(from_right);
                texts.push(joined(&of_cell));
                lines.extend(of_cell);
            }
            if lines.is_empty() {
                continue;
            }
            if from_right {
                texts.reverse();
            }
            let ruled = Ruled { is_first: std::mem::take(&mut is_first), spans: grid.spans(row) };
            out.push(PageBlock { ruled: Some(ruled), ..self.block(Shape::Row, texts.join("\t"), &lines) });
        }
    }

    /// The lines of a cell in the order in which they are read.
    fn cell_lines(&self, from_right: bool) -> Vec<Line> {
        let rows = order::rows(self.fragments, from_right, Painting::Judged);
        rows.iter().flat_map(|row| &row.cells).flat_map(|cell| self.lines(cell)).collect()
    }
}
