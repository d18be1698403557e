//! The path that is being built: its bounds, and its straight strokes.

use hayro_font::kurbo::{Point, Rect};

use super::rules::Strokes;

/// A path while it grows.
#[derive(Default)]
pub(super) struct Path {
    pub(super) bounds: Option<Rect>,
    /// What follows is painted inside of it.
    pub(super) clips: bool,
    pub(super) strokes: Strokes,
}

impl Path {
    pub(super) fn begin(&mut self, point: Point) {
        self.bounds = Some(self.bounds.map_or(Rect::from_points(point, point), |bounds| bounds.union_pt(point)));
        self.strokes.move_to(point);
    }

    pub(super) fn line_to(&mut self, point: Point) {
        if self.bounds.is_some() {
            self.strokes.line_to(point);
        }
        self.grow(&[point]);
    }

    pub(super) fn rectangle(&mut self, [x, y, width, height]: [f64; 4]) {
        let (corner, other) = (Point::new(x, y), Point::new(x + width, y + height));
        self.begin(corner);
        self.bounds = self.bounds.map(|bounds| bounds.union_pt(other));
        self.strokes.rectangle(Rect::from_points(corner, other));
    }

    /// A curve: none of it is a rule.
    pub(super) fn go_on(&mut self, points: &[Point]) {
        if let (true, Some(last)) = (self.bounds.is_some(), points.last()) {
            self.strokes.jump_to(*last);
        }
        self.grow(points);
    }

    /// A path that has no beginning does not go on.
    fn grow(&mut self, points: &[Point]) {
        if let Some(bounds) = &mut self.bounds {
            for point in points {
                *bounds = bounds.union_pt(*point);
            }
        }
    }
}
