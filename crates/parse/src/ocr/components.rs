//! Connected shapes of a picture: letters, specks, rules.

use super::picture::Picture;

/// Pixels of one shape beside each other in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) y: u32,
    pub(super) from: u32,
    /// One past the last.
    pub(super) to: u32,
    /// Index of its shape.
    pub(super) shape: u32,
}

/// A connected shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Its pixels.
    pub(super) area: u32,
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) right: u32,
    pub(super) bottom: u32,
}

impl Shape {
    pub(super) fn width(&self) -> u32 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> u32 {
        self.bottom - self.top
    }
}

/// The shapes of a picture and their runs from top to bottom.
pub(super) struct Shapes {
    pub(super) runs: Vec<Run>,
    pub(super) shapes: Vec<Shape>,
}

impl Shapes {
    /// The shapes of pixels that are ink, whose corners may touch.
    pub(super) fn of(picture: &Picture, is_ink: impl Fn(u8) -> bool) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        // Runs stand in sets, each with the index of an earlier one or its own.
        let mut above = 0..0;
        for y in 0..picture.height {
            let first = runs.len();
            let row = picture.row(y);
            let mut x = 0;
            while x < row.len() {
                if !is_ink(row[x]) {
                    x += 1;
                    continue;
                }
                let from = x;
                while x < row.len() && is_ink(row[x]) {
                    x += 1;
                }
                let shape = runs.len() as u32;
                runs.push(Run { y: y as u32, from: from as u32, to: x as u32, shape });
            }
            let mut upper = above.start;
            for at in first..runs.len() {
                let (from, to) = (runs[at].from, runs[at].to);
                while upper < above.end && runs[upper].to < from {
                    upper += 1;
                }
                let mut near = upper;
                while near < above.end && runs[near].from <= to {
                    join(&mut runs, near, at);
                    near += 1;
                }
            }
            above = first..runs.len();
        }
        let mut shapes: Vec<Shape> = Vec::new();
        let mut of_root = vec![u32::MAX; runs.len()];
        for at in 0..runs.len() {
            let root = root(&mut runs, at);
            let Run { y, from, to, .. } = runs[at];
            if of_root[root] == u32::MAX {
                of_root[root] = shapes.len() as u32;
                shapes.push(Shape { area: 0, left: from, top: y, right: to, bottom: y + 1 });
            }
            let shape = &mut shapes[of_root[root] as usize];
            shape.area += to - from;
            shape.left = shape.left.min(from);
            shape.right = shape.right.max(to);
            shape.bottom = y + 1;
        }
        // Roots come first, so that none is renamed before it was asked for.
        for at in (0..runs.len()).rev() {
            let root = root(&mut runs, at);
            if root != at {
                runs[at].shape = of_root[root];
            }
        }
        for (run, shape) in runs.iter_mut().zip(&of_root).filter(|(_, shape)| **shape != u32::MAX) {
            run.shape = *shape;
        }
        Self { runs, shapes }
    }
}

/// Index of the run in whose set a run stands.
fn root(runs: &mut [Run], mut at: usize) -> usize {
    while runs[at].shape as usize != at {
        let next = runs[at].shape as usize;
        runs[at].shape = runs[next].shape;
        at = next;
    }
    at
}

fn join(runs: &mut [Run], a: usize, b: usize) {
    let (a, b) = (root(runs, a), root(runs, b));
    let (first, second) = (a.min(b), a.max(b));
    runs[second].shape = first as u32;
}

#[cfg(test)]
mod tests {
    use super::super::picture::tests::drawn;
    use super::*;

    #[test]
    fn what_touches_is_one_shape() {
        let picture = drawn(&["#.#..##", "#.#...#", "###....", "......#", "..#..#."]);
        let found = Shapes::of(&picture, |p| p < 128);
        let mut sizes: Vec<(u32, u32, u32)> = found.shapes.iter().map(|s| (s.area, s.width(), s.height())).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [(1, 1, 1), (2, 2, 2), (3, 2, 2), (7, 3, 3)]);
        for (at, shape) in found.shapes.iter().enumerate() {
            let area: u32 = found.runs.iter().filter(|r| r.shape as usize == at).map(|r| r.to - r.from).sum();
            assert_eq!(area, shape.area);
        }
    }
}
