//! Columns of text and columns of a table, told apart by how their lines go on and how they stand beside each other.

use super::fragments::Fragment;

/// Test whether fragments look like the lines of running text: most of them are long.
pub(super) fn is_prose(fragments: &[&Fragment]) -> bool {
    let long = fragments.iter().filter(|f| f.glyphs.len() >= 18).count();
    long * 2 >= fragments.len() && fragments.len() >= 4
}

/// Test whether nearly all lines of the shorter side have a line at the same height on the other.
pub(super) fn aligned(left: &[&Fragment], right: &[&Fragment]) -> bool {
    line_up(left, right, 9)
}

/// Rows from which on lines that go on down each of two columns are no chance.
const ENOUGH_ROWS: usize = 6;

/// Test whether the lines of two columns of text go on down their column, although each stands beside one of the other: most begin
/// in the middle of a sentence, and no white band parts rows of both.
pub(super) fn go_down(left: &[&Fragment], right: &[&Fragment]) -> bool {
    left.len().min(right.len()) >= ENOUGH_ROWS && continues(left) && continues(right) && bands_of_both(left, right) < 2
}

/// Test whether most lines after the first go on from the one above: with the other half of a word, or a small letter.
fn continues(lines: &[&Fragment]) -> bool {
    let sorted = from_top(lines);
    let goes_on =
        |pair: &&[&Fragment]| pair[1].ends.starts_small || (pair[0].ends.ends_half && !pair[1].ends.is_number);
    let count = sorted.windows(2).filter(goes_on).count();
    count * 2 >= sorted.len().saturating_sub(1)
}

/// Bands of white that part the lines of both columns at the same height: between the rows of a table whose cells have several lines.
fn bands_of_both(left: &[&Fragment], right: &[&Fragment]) -> usize {
    let right: Vec<(f32, f32)> = wide_steps(right);
    wide_steps(left).iter().filter(|band| right.iter().any(|other| meet(band, other))).count()
}

/// Steps from line to line that are clearly wider than usual, as the heights between which they lie.
fn wide_steps(lines: &[&Fragment]) -> Vec<(f32, f32)> {
    let sorted = from_top(lines);
    let steps: Vec<(f32, f32)> = sorted.windows(2).map(|pair| (pair[0].baseline, pair[1].baseline)).collect();
    let mut heights: Vec<f32> = steps.iter().map(|(from, to)| to - from).collect();
    heights.sort_unstable_by(f32::total_cmp);
    let Some(usual) = heights.get(heights.len() / 2).copied() else {
        return Vec::new();
    };
    steps.into_iter().filter(|(from, to)| to - from > 1.2 * usual).collect()
}

fn from_top<'f>(lines: &[&'f Fragment]) -> Vec<&'f Fragment> {
    let mut sorted = lines.to_vec();
    sorted.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    sorted
}

/// Test whether two of the columns that were painted one after the other are those of a table.
pub(super) fn is_table_by_columns(columns: &[Vec<&Fragment>]) -> bool {
    columns.windows(2).any(|pair| {
        // What was painted above the first column or below the last belongs to neither.
        let top = pair[1].iter().map(|f| f.top()).fold(f32::MAX, f32::min);
        let left: Vec<&Fragment> = pair[0].iter().copied().filter(|f| f.baseline > top).collect();
        let edge = left.iter().map(|f| f.right).fold(f32::MIN, f32::max);
        let right: Vec<&Fragment> = pair[1].iter().copied().filter(|f| f.left > edge).collect();
        is_one_column(&left) && is_one_column(&right) && is_table(&left, &right)
    })
}

/// Test whether lines stand below each other.
fn is_one_column(lines: &[&Fragment]) -> bool {
    let left = lines.iter().map(|f| f.left).fold(f32::MIN, f32::max);
    let right = lines.iter().map(|f| f.right).fold(f32::MAX, f32::min);
    left < right
}

/// Test whether what stands on two sides of a line are columns of a table: short lines whose first ones stand side by side, at
/// steps that differ as rows do, or numbers beside words.
pub(super) fn is_table(left: &[&Fragment], right: &[&Fragment]) -> bool {
    left.len().min(right.len()) >= 3
        && !(is_prose(left) || is_prose(right))
        && line_up(left, right, 7)
        && (has_rows(left, right) || is_of_numbers(left) != is_of_numbers(right))
}

fn is_of_numbers(lines: &[&Fragment]) -> bool {
    lines.iter().filter(|line| line.ends.is_number).count() * 3 >= lines.len() * 2
}

/// Test whether the same white bands part the lines of both columns into rows, of which some have a second line in one of them.
fn has_rows(left: &[&Fragment], right: &[&Fragment]) -> bool {
    let size = left[0].size.max(right[0].size);
    let steps = |lines: &[&Fragment]| -> Vec<(f32, f32)> {
        from_top(lines).windows(2).map(|pair| (pair[0].baseline, pair[1].baseline)).collect()
    };
    let (few, many) = if left.len() <= right.len() { (steps(left), steps(right)) } else { (steps(right), steps(left)) };
    let heights = few.iter().chain(&many).map(|(from, to)| to - from).filter(|step| *step > 0.5 * size);
    let pitch = heights.fold(f32::MAX, f32::min);
    let wide = |steps: &[(f32, f32)]| -> Vec<(f32, f32)> {
        steps.iter().copied().filter(|(from, to)| to - from > 1.2 * pitch).collect()
    };
    let (few, many) = (wide(&few), wide(&many));
    let shared = many.iter().filter(|band| few.iter().any(|other| meet(band, other))).count();
    left.len() != right.len() && shared >= 2 && shared * 5 >= many.len() * 4
}

/// Test whether two bands have a height in common.
fn meet(a: &(f32, f32), b: &(f32, f32)) -> bool {
    a.0.max(b.0) < a.1.min(b.1)
}

/// Test whether so many tenths of the lines of the shorter side have a line at the same height on the other.
pub(super) fn line_up(left: &[&Fragment], right: &[&Fragment], tenths: usize) -> bool {
    let (few, many) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let twins = few.iter().filter(|f| many.iter().any(|g| (f.baseline - g.baseline).abs() < 0.1 * f.size)).count();
    twins * 10 >= few.len() * tenths
}
