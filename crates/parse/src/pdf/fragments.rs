//! Glyphs to fragments: runs of text on one baseline without a wide gap, the atoms of layout.

use super::glyphs::Glyph;
use super::rules::Grid;

/// A run of glyphs on one baseline. Lengths are points, in the frame of its direction of writing: `u` along the line,
/// `v` across it, growing from line to line.
#[derive(Debug, Clone)]
pub(super) struct Fragment {
    /// Its glyphs, from left to right.
    pub(super) glyphs: Vec<u32>,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) baseline: f32,
    pub(super) size: f32,
    /// Place in the order of painting.
    pub(super) order: u32,
    pub(super) ends: Ends,
}

/// How a fragment begins and ends, as far as it tells what it goes on from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// Its first character is a small letter.
    pub(super) starts_small: bool,
    /// Its last character is a hyphen after a letter.
    pub(super) ends_half: bool,
    /// It has digits and no letters.
    pub(super) is_number: bool,
}

impl Ends {
    fn of(glyphs: &[Glyph], members: &[u32]) -> Self {
        let of = |at: Option<&u32>| at.map(|&g| glyphs[g as usize].first);
        let (first, last) = (of(members.first()), of(members.last()));
        let before_last = members.len().checked_sub(2).and_then(|at| of(members.get(at)));
        let characters = || members.iter().map(|&g| glyphs[g as usize].first);
        Self {
            starts_small: first.is_some_and(char::is_lowercase),
            ends_half: matches!(last, Some('-' | '\u{2010}')) && before_last.is_some_and(char::is_alphabetic),
            is_number: !characters().any(char::is_alphabetic) && characters().any(char::is_numeric),
        }
    }
}

impl Fragment {
    pub(super) fn top(&self) -> f32 {
        self.baseline - 0.75 * self.size
    }

    pub(super) fn bottom(&self) -> f32 {
        self.baseline + 0.25 * self.size
    }
}

/// The frame of a direction of writing: turns points so that text runs from left to right in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    cos: f32,
    sin: f32,
}

impl Frame {
    /// For text that is turned by that many tenths of a degree, clockwise.
    pub(super) fn of(turn: i16) -> Self {
        let (sin, cos) = match turn {
            0 => (0.0, 1.0),
            900 => (1.0, 0.0),
            1800 => (0.0, -1.0),
            2700 => (-1.0, 0.0),
            turn => (f32::from(turn) / 10.0).to_radians().sin_cos(),
        };
        Self { cos, sin }
    }

    pub(super) fn place(self, x: f32, y: f32) -> (f32, f32) {
        (x * self.cos + y * self.sin, y * self.cos - x * self.sin)
    }

    /// A place in the frame as a place on the page.
    pub(super) fn back(self, u: f32, v: f32) -> (f32, f32) {
        (u * self.cos - v * self.sin, u * self.sin + v * self.cos)
    }
}

/// A gap wider than this many times the size parts fragments, even if their glyphs were painted one after the other.
const WIDE_GAP: f32 = 1.5;

/// The same between numbers: the columns of a table of figures may stand nearer to each other than words of a stretched line.
const WIDE_BETWEEN_NUMBERS: f32 = 1.15;

/// A gap wider than this parts words (MuPDF, source/fitz/stext-device.c, has the same figure).
pub(super) const WORD_GAP: f32 = 0.15;

/// Room for the glyphs of a usual line.
const USUAL_GLYPHS: usize = 64;

/// Distance in sizes within which the same letter painted again makes it bold, and is no second letter.
const TWIN: f32 = 0.18;

/// Test whether a glyph is the last one again, painted a little beside it.
fn is_twin(glyphs: &[Glyph], open: &Fragment, glyph: &Glyph) -> bool {
    let Some(last) = open.glyphs.last().map(|&last| &glyphs[last as usize]) else {
        return false;
    };
    let apart = (glyph.x - last.x).abs().max((glyph.y - last.y).abs());
    glyph.first == last.first && apart < (TWIN * glyph.size).min(0.5 * glyph.advance)
}

/// How much larger than the letters beside it an initial is at least.
const INITIAL: f32 = 1.8;

/// Test whether an open fragment is an initial that hangs into the lines beside it, and `size` that of such a line.
fn is_initial(glyphs: &[Glyph], open: &Fragment, size: f32) -> bool {
    open.glyphs.len() == 1 && open.size > INITIAL * size && glyphs[open.glyphs[0] as usize].first.is_uppercase()
}

/// Puts the glyphs of one direction together: of those turned as in `turns`. The rules of `grids` part them.
pub(super) fn fragments(glyphs: &[Glyph], turns: &[i16], frame: Frame, grids: &[Grid]) -> Vec<Fragment> {
    let mut fragments: Vec<Fragment> = Vec::new();
    for (index, glyph) in (0_u32..).zip(glyphs) {
        if !turns.contains(&glyph.turn) {
            continue;
        }
        let (u, v) = frame.place(glyph.x, glyph.y);
        let end = u + glyph.advance;
        if let Some(open) = fragments.last_mut() {
            if is_twin(glyphs, open, glyph) {
                continue;
            }
            let size = open.size.max(glyph.size);
            let gap = u - open.right;
            let raised = (v - open.baseline).abs();
            // Marks above and below the line are smaller than it.
            let mark = glyph.size.min(open.size) < 0.85 * size;
            let same_line = raised <= if mark { 0.5 * size } else { 0.25 * size };
            // A larger glyph begins something else, unless it goes on where the last ended.
            let hangs = open.baseline - v > 0.25 * glyph.size && is_initial(glyphs, open, glyph.size);
            let fits = same_line
                && !hangs
                && (-0.4 * size..=wide_gap(glyphs, open, glyph) * size).contains(&gap)
                && glyph.size < INITIAL * open.size
                && !are_parted(grids, open, u);
            if fits {
                if glyph.size > 1.02 * open.size {
                    open.baseline = v;
                    open.size = glyph.size;
                }
                open.glyphs.push(index);
                open.left = open.left.min(u);
                open.right = open.right.max(end);
                continue;
            }
        }
        let mut of_line = Vec::with_capacity(USUAL_GLYPHS);
        of_line.push(index);
        fragments.push(Fragment {
            glyphs: of_line,
            left: u,
            right: end,
            baseline: v,
            size: glyph.size,
            order: index,
            ends: Ends::default(),
        });
    }
    merge_neighbours(glyphs, frame, fragments, grids)
}

/// Width of a gap, in sizes, from which on what follows it stands for itself.
fn wide_gap(glyphs: &[Glyph], open: &Fragment, next: &Glyph) -> f32 {
    if !next.first.is_ascii_digit() {
        return WIDE_GAP;
    }
    let of_word = open.glyphs.iter().rev().map(|&glyph| &glyphs[glyph as usize]);
    let mut seen = false;
    for glyph in of_word {
        // The last word of the fragment tells: `3.71T`, `83.0B`, `12 %`.
        if glyph.first.is_ascii_digit() {
            return WIDE_BETWEEN_NUMBERS;
        }
        if seen && glyph.after_space {
            return WIDE_GAP;
        }
        seen = true;
    }
    WIDE_GAP
}

/// Test whether a rule of a grid stands between a fragment and what begins at `left`.
fn are_parted(grids: &[Grid], open: &Fragment, left: f32) -> bool {
    // Letters stand out a little of the boxes that they are measured by.
    let reach = 0.15 * open.size;
    grids.iter().any(|grid| grid.parts(open.right - reach, left + reach, open.baseline - 0.3 * open.size))
}

/// Joins fragments that touch on one baseline although they were not painted one after the other, and drops what was
/// painted twice.
fn merge_neighbours(glyphs: &[Glyph], frame: Frame, mut fragments: Vec<Fragment>, grids: &[Grid]) -> Vec<Fragment> {
    fragments.sort_by(|a, b| a.baseline.total_cmp(&b.baseline).then(a.left.total_cmp(&b.left)));
    let mut merged: Vec<Fragment> = Vec::with_capacity(fragments.len());
    let mut from = 0;
    while from < fragments.len() {
        let mut to = from + 1;
        while to < fragments.len()
            && fragments[to].baseline - fragments[to - 1].baseline <= 0.12 * fragments[to].size
            && fragments[to].baseline - fragments[from].baseline <= 0.4 * fragments[to].size
        {
            to += 1;
        }
        let row = &mut fragments[from..to];
        row.sort_by(|a, b| a.left.total_cmp(&b.left).then(a.order.cmp(&b.order)));
        let first = merged.len();
        for next in row.iter_mut() {
            let next = std::mem::replace(next, Fragment { glyphs: Vec::new(), ..*next });
            let mut near = merged[first..].iter_mut().rev().take(4);
            let joined = near.any(|open| !are_parted(grids, open, next.left) && join(glyphs, frame, open, &next));
            if !joined {
                merged.push(next);
            }
        }
        from = to;
    }
    for fragment in &mut merged {
        let place = |index: &u32| frame.place(glyphs[*index as usize].x, glyphs[*index as usize].y).0;
        if !fragment.glyphs.is_sorted_by(|a, b| place(a) <= place(b)) {
            fragment.glyphs.sort_by(|a, b| place(a).total_cmp(&place(b)).then(a.cmp(b)));
        }
    }
    let mut merged = join_stretched_lines(glyphs, frame, merged, grids);
    join_drop_caps(glyphs, &mut merged);
    for fragment in &mut merged {
        fragment.ends = Ends::of(glyphs, &fragment.glyphs);
    }
    merged.sort_by_key(|f| f.order);
    merged
}

/// A gap wider than this many times the size is no word space, however far a line is stretched.
const STRETCHED: f32 = 10.0;

/// Joins the pieces of lines that justification has stretched: what parts words there is as wide as what parts the cells of
/// a table, but other lines of the column run across it, from the same left edge to the same right one.
fn join_stretched_lines(glyphs: &[Glyph], frame: Frame, mut fragments: Vec<Fragment>, grids: &[Grid]) -> Vec<Fragment> {
    fragments.sort_by(|a, b| a.baseline.total_cmp(&b.baseline).then(a.left.total_cmp(&b.left)));
    let mut joins: Vec<(usize, usize)> = Vec::new();
    for at in 1..fragments.len() {
        let (a, b) = (&fragments[at - 1], &fragments[at]);
        let gap = b.left - a.right;
        let alike = (a.baseline - b.baseline).abs() < 0.1 * a.size && (a.size - b.size).abs() < 0.05 * a.size;
        let may = alike && gap > 0.0 && gap < STRETCHED * a.size && !are_parted(grids, a, b.left);
        if may && is_stretched(glyphs, frame, &fragments, at) {
            joins.push((at - 1, at));
        }
    }
    for &(a, b) in joins.iter().rev() {
        let glyphs = std::mem::take(&mut fragments[b].glyphs);
        let (right, order) = (fragments[b].right, fragments[b].order);
        let open = &mut fragments[a];
        open.glyphs.extend(glyphs);
        open.right = open.right.max(right);
        open.order = open.order.min(order);
    }
    fragments.retain(|f| !f.glyphs.is_empty());
    fragments
}

/// Test whether the gap before the fragment at `at`, in fragments sorted by their baselines, is one of a stretched line.
fn is_stretched(glyphs: &[Glyph], frame: Frame, fragments: &[Fragment], at: usize) -> bool {
    let (before, after) = (&fragments[at - 1], &fragments[at]);
    let (from, to, size) = (before.right, after.left, before.size);
    let near = |f: &&Fragment, lines: f32| (f.baseline - before.baseline).abs() < lines * 1.6 * size;
    let upper = fragments[..at - 1].iter().rev().take_while(|f| near(f, 8.0));
    let lower = fragments[at + 1..].iter().take_while(|f| near(f, 8.0));
    let mut full_line = None;
    for f in upper.chain(lower) {
        let same_row = (f.baseline - before.baseline).abs() < 0.1 * size;
        if (f.size - size).abs() < 0.05 * size && !same_row && f.left < from - size && f.right > to + size {
            full_line = Some((f.left, f.right));
            break;
        }
    }
    let Some((left, right)) = full_line else {
        return false;
    };
    let row = |f: &&Fragment| (f.baseline - before.baseline).abs() < 0.1 * size && f.right > left && f.left < right;
    let band = fragments[at.saturating_sub(12)..fragments.len().min(at + 12)].iter();
    let mut pieces: Vec<&Fragment> = band.clone().filter(row).collect();
    pieces.sort_by(|a, b| a.left.total_cmp(&b.left));
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return false;
    };
    if (first.left - left).abs() > 2.5 * size || (last.right - right).abs() > 0.6 * size {
        return false;
    }
    // Justification makes all gaps of a line alike.
    let mut gaps: Vec<f32> = pieces.windows(2).map(|pair| pair[1].left - pair[0].right).collect();
    for piece in &pieces {
        let of = piece.glyphs.windows(2).map(|pair| (&glyphs[pair[0] as usize], &glyphs[pair[1] as usize]));
        gaps.extend(
            of.map(|(a, b)| frame.place(b.x, b.y).0 - frame.place(a.x, a.y).0 - a.advance)
                .filter(|gap| *gap > WORD_GAP * size),
        );
    }
    let widest = gaps.iter().copied().fold(0.0, f32::max);
    let narrowest = gaps.iter().copied().fold(f32::MAX, f32::min);
    if gaps.len() > 1 {
        // Words above each other, again and again, are those of a table.
        let in_row = |f: &&Fragment| pieces.iter().any(|piece| (piece.left - f.left).abs() < 0.3 * size);
        let aligned = band.clone().filter(|f| near(f, 2.0) && !row(f) && f.left > left + size).filter(in_row).count();
        if aligned >= 2 {
            return false;
        }
        return widest - narrowest < 0.15 * widest + 0.05 * size;
    }
    if widest > 3.0 * size && (first.left - left).abs() + (last.right - right).abs() > 0.5 * size {
        return false;
    }
    // Gaps above each other are those of a table.
    let mut ends_here = false;
    let mut begins_here = false;
    for f in band.filter(|f| near(f, 1.0) && !row(f)) {
        ends_here |= f.right > from - 0.5 * size && f.right < to - 0.3 * size && f.left < from;
        begins_here |= f.left > from + 0.3 * size && f.left < to + 0.5 * size && f.right > to;
    }
    !(ends_here && begins_here)
}

/// Puts a large initial at the head of the line that it begins.
fn join_drop_caps(glyphs: &[Glyph], fragments: &mut Vec<Fragment>) {
    let is_initial = |f: &Fragment| f.glyphs.len() == 1 && glyphs[f.glyphs[0] as usize].first.is_uppercase();
    let mut at = 0;
    while at < fragments.len() {
        let cap = &fragments[at];
        if !is_initial(cap) {
            at += 1;
            continue;
        }
        let head = |f: &Fragment| {
            let size = f.size;
            size < 0.6 * cap.size
                && (-0.5 * size..=1.2 * size).contains(&(f.left - cap.right))
                && f.baseline > cap.top()
                && f.baseline < cap.top() + 1.6 * size
        };
        let line = fragments
            .iter()
            .enumerate()
            .filter(|(_, f)| head(f))
            .min_by(|(_, a), (_, b)| a.baseline.total_cmp(&b.baseline))
            .map(|(index, _)| index);
        match line {
            Some(line) => {
                let cap = fragments[at].clone();
                fragments[line].glyphs.insert(0, cap.glyphs[0]);
                fragments[line].order = fragments[line].order.min(cap.order);
                fragments.remove(at);
            }
            None => at += 1,
        }
    }
}

/// True if `next` was joined to `open`, which begins to the left of it.
fn join(glyphs: &[Glyph], frame: Frame, open: &mut Fragment, next: &Fragment) -> bool {
    let size = open.size.min(next.size);
    if open.size.max(next.size) > 1.5 * size || (open.baseline - next.baseline).abs() > 0.3 * size {
        return false;
    }
    let gap = next.left - open.right;
    if gap > 0.35 * size {
        return false;
    }
    let is_again = |index: &u32| {
        let glyph = &glyphs[*index as usize];
        open.glyphs.iter().rev().take(2).any(|&old| {
            let old = &glyphs[old as usize];
            let reach = (TWIN * size).min(0.5 * glyph.advance);
            old.first == glyph.first && (old.x - glyph.x).abs() < reach && (old.y - glyph.y).abs() < reach
        })
    };
    if gap < -0.4 * size || (gap < 0.0 && next.glyphs.first().is_some_and(is_again)) {
        // Painted over each other: what is the same again is dropped; what fills gaps, letter by letter, is joined; other
        // text stays apart.
        let place = |index: u32| {
            let glyph = &glyphs[index as usize];
            (frame.place(glyph.x, glyph.y).0, glyph)
        };
        let mut added = Vec::new();
        for &index in &next.glyphs {
            let (u, glyph) = place(index);
            let mut collides = false;
            let mut twin = false;
            for &other in &open.glyphs {
                let (there, old) = place(other);
                let shared = (u + glyph.advance).min(there + old.advance) - u.max(there);
                twin |= old.first == glyph.first && (there - u).abs() < 0.18 * size;
                collides |= shared > 0.4 * glyph.advance.min(old.advance);
            }
            if !twin {
                if collides {
                    return false;
                }
                added.push(index);
            }
        }
        open.glyphs.extend(added);
    } else {
        open.glyphs.extend(&next.glyphs);
    }
    open.left = open.left.min(next.left);
    open.right = open.right.max(next.right);
    open.order = open.order.min(next.order);
    true
}
