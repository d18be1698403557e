//! One page's layout: glyphs to blocks in reading order, as far as the page alone can tell.

mod labels;
mod plain;
mod ruled;

use std::collections::BTreeMap;

use super::bidi;
use super::emphasis::Runs;
use super::fonts::Face;
use super::fragments::{self, Fragment, Frame};
use super::glyphs::{Glyph, PageGlyphs};
use super::order::{self, Cell, Painting, Row};
use super::tagged::{Role, Tag};
use super::words::{self, is_ideographic};
use corpora_values::Area;
use labels::{begins_list_item, begins_with_label, begins_with_number, is_list_label, leads_to_pages};
pub(super) use plain::of_plain;
pub(super) use ruled::Ruled;

/// Stands between the halves of a word that a line's end parted with a hyphen, until the whole document tells whether
/// the hyphen belongs to the word.
pub(super) const LINE_END_HYPHEN: char = '\u{2}';

/// A line of text with its place in its frame.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) left: f32,
    pub(super) right: f32,
    pub(super) top: f32,
    pub(super) bottom: f32,
    pub(super) baseline: f32,
    pub(super) size: f32,
    /// Thickness of its strokes, in thousandths of the size; 0 if unknown.
    pub(super) weight: f32,
    /// All of its letters are equally wide.
    pub(super) is_fixed: bool,
    pub(super) artifact: bool,
    /// Certainty of the recognition that has read it, from 0 to 100; none where the file says it.
    pub(super) confidence: Option<u8>,
    /// What its author says that it is.
    pub(super) tag: Option<Tag>,
    pub(super) runs: Runs,
}

/// Shape of a block, as far as its page alone can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    ListItem,
    Row,
}

/// A block of a page.
#[derive(Debug, Clone)]
pub(super) struct PageBlock {
    pub(super) shape: Shape,
    pub(super) text: String,
    pub(super) lines: u32,
    pub(super) area: Area,
    pub(super) size: f32,
    pub(super) weight: f32,
    /// All of its letters are equally wide: code, most often.
    pub(super) is_fixed: bool,
    pub(super) artifact: bool,
    /// Certainty of the recognition that has read it, from 0 to 100; none where the file says it.
    pub(super) confidence: Option<u8>,
    /// What its author says that it is.
    pub(super) tag: Option<Tag>,
    /// Faces of its letters.
    pub(super) runs: Runs,
    /// Place in a table whose cells are ruled, for its rows.
    pub(super) ruled: Option<Ruled>,
}

/// Lays out a page and adds its blocks.
pub(super) fn blocks(page: &PageGlyphs, painting: Painting, out: &mut Vec<PageBlock>) {
    let mut turns: BTreeMap<i16, usize> = BTreeMap::new();
    let mut right = 0_usize;
    for run in page.glyphs.chunk_by(|a, b| a.turn == b.turn) {
        *turns.entry(run[0].turn).or_default() += run.len();
        right += run.iter().filter(|glyph| bidi::is_rtl(glyph.first)).count();
    }
    let from_right = right * 2 > page.glyphs.len();
    let is_fixed = |glyph: &Glyph| page.faces.get(glyph.show as usize).is_some_and(|face| face.is_fixed);
    let shown = page.glyphs.chunk_by(|a, b| a.show == b.show);
    let fixed: usize = shown.filter(|run| is_fixed(&run[0])).map(<[Glyph]>::len).sum();
    let tells_code = fixed * 2 < page.glyphs.len();
    for Direction { turn, turns } in directions(turns) {
        let frame = Frame::of(turn);
        let is_ruled = turn == 0 && painting != Painting::Right;
        let grids = if is_ruled { ruled::grids(page) } else { Vec::new() };
        let fragments = fragments::fragments(&page.glyphs, &turns, frame, &grids);
        for band in ruled::bands(fragments, grids) {
            let layout = Layout { page, frame, fragments: &band.fragments, tells_code };
            match &band.grid {
                Some(grid) => layout.ruled(grid, from_right, out),
                None => layout.all(from_right, painting, out),
            }
        }
    }
}

/// Text of one direction, as a reader sees it.
struct Direction {
    /// Tenths of a degree by which most of it is turned.
    turn: i16,
    /// All turns that belong to it.
    turns: Vec<i16>,
}

/// Turns that differ by so many tenths of a degree are one direction: a scanner or a printer laid the lines a little askew.
const ASKEW: i16 = 30;

/// Directions of a page's text, by how many glyphs are turned so: that of most of the text first, as what is turned otherwise
/// stands beside it.
fn directions(turns: BTreeMap<i16, usize>) -> Vec<Direction> {
    let mut turns: Vec<(i16, usize)> = turns.into_iter().collect();
    turns.sort_by_key(|&(turn, count)| (std::cmp::Reverse(count), turn));
    let mut directions: Vec<Direction> = Vec::new();
    for (turn, _) in turns {
        let apart = |other: i16| (turn - other).rem_euclid(3600).min((other - turn).rem_euclid(3600));
        match directions.iter_mut().find(|direction| apart(direction.turn) <= ASKEW) {
            Some(direction) => direction.turns.push(turn),
            None => directions.push(Direction { turn, turns: vec![turn] }),
        }
    }
    directions
}

struct Layout<'a> {
    page: &'a PageGlyphs,
    frame: Frame,
    fragments: &'a [Fragment],
    /// Most of the page is not in a typewriter's letters, so that what is in them is code: each line for itself.
    tells_code: bool,
}

/// Cells of more lines than this are not cells of a table: they stand side by side and are read one after the other.
const TALLEST_CELL: usize = 8;

impl Layout<'_> {
    fn all(&self, from_right: bool, painting: Painting, out: &mut Vec<PageBlock>) {
        for row in order::rows(self.fragments, from_right, painting) {
            self.row(&row, out);
        }
    }

    fn row(&self, row: &Row, out: &mut Vec<PageBlock>) {
        let mut cells: Vec<Vec<Line>> =
            row.cells.iter().map(|cell| self.lines(cell)).filter(|lines| !lines.is_empty()).collect();
        if let [label, text] = cells.as_slice()
            && label.len() == 1
            && is_list_label(label[0].text.trim())
        {
            let mut lines = text.clone();
            lines[0].text = format!("{} {}", label[0].text.trim(), lines[0].text);
            lines[0].runs.prefix(label[0].text.trim());
            let first = out.len();
            self.paragraphs(&lines, out);
            if let Some(item) = out.get_mut(first) {
                item.shape = Shape::ListItem;
                item.area.left = item.area.left.min(self.area(label).left);
            }
            return;
        }
        let columns = cells.iter().all(|lines| is_prose(lines));
        if cells.len() < 2 || columns || cells.iter().any(|lines| lines.len() > TALLEST_CELL) {
            for lines in &cells {
                self.paragraphs(lines, out);
            }
            return;
        }
        let text: Vec<String> = cells.iter().map(|lines| joined(lines)).collect();
        let lines: Vec<Line> = cells.drain(..).flatten().collect();
        out.push(self.block(Shape::Row, text.join("\t"), &lines));
    }

    fn lines(&self, cell: &Cell) -> Vec<Line> {
        cell.lines.iter().map(|line| self.line(line)).filter(|line| !line.text.trim().is_empty()).collect()
    }

    fn line(&self, members: &[usize]) -> Line {
        let mut line = Line {
            text: String::new(),
            left: f32::MAX,
            right: f32::MIN,
            top: f32::MAX,
            bottom: f32::MIN,
            baseline: 0.0,
            size: 0.0,
            weight: 0.0,
            is_fixed: true,
            artifact: true,
            confidence: None,
            tag: None,
            runs: Runs::default(),
        };
        for &m in members {
            let fragment = &self.fragments[m];
            let (text, runs) = words::text(self.page, self.frame, fragment);
            line.runs.append(&runs);
            if line.text.is_empty() {
                line.text = text;
            } else {
                line.text.push(' ');
                line.text.push_str(&text);
            }
            line.left = line.left.min(fragment.left);
            line.right = line.right.max(fragment.right);
            line.top = line.top.min(fragment.top());
            line.bottom = line.bottom.max(fragment.bottom());
            line.baseline = fragment.baseline;
            line.size = line.size.max(fragment.size);
            line.artifact &= fragment.glyphs.iter().all(|&g| self.page.glyphs[g as usize].artifact);
            line.weight = self.weight(fragment);
            line.is_fixed &= self.is_fixed(fragment);
        }
        line.confidence = self.confidence(members);
        line.tag = self.tag(members);
        line
    }

    /// What the author says that fragments are, if it is the same of all.
    fn tag(&self, members: &[usize]) -> Option<Tag> {
        let ends = members.iter().flat_map(|&m| {
            let glyphs = &self.fragments[m].glyphs;
            glyphs.first().into_iter().chain(glyphs.last())
        });
        let mut tags = ends.map(|&glyph| self.face(glyph).tag);
        let first = tags.next()??;
        tags.all(|tag| tag.is_some_and(|tag| tag.role == first.role)).then_some(first)
    }

    /// Mean certainty about the letters of fragments that were recognised.
    fn confidence(&self, members: &[usize]) -> Option<u8> {
        let glyphs = members.iter().flat_map(|&m| &self.fragments[m].glyphs);
        mean(glyphs.filter_map(|&glyph| self.face(glyph).recognised))
    }

    fn face(&self, glyph: u32) -> Face {
        self.page.faces.get(self.page.glyphs[glyph as usize].show as usize).copied().unwrap_or_default()
    }

    /// Test whether a fragment is written in a typewriter's letters: nearly all of its letters are, whatever signs stand between them.
    fn is_fixed(&self, fragment: &Fragment) -> bool {
        let glyphs = &self.page.glyphs;
        let (mut fixed, mut letters, mut fixed_signs) = (0, 0, 0);
        for run in fragment.glyphs.chunk_by(|&a, &b| glyphs[a as usize].show == glyphs[b as usize].show) {
            let count = run.iter().filter(|&&g| glyphs[g as usize].first.is_alphanumeric()).count();
            let is_fixed = self.face(run[0]).is_fixed;
            letters += count;
            fixed += if is_fixed { count } else { 0 };
            fixed_signs += if is_fixed { run.len() - count } else { 0 };
        }
        if letters == 0 { fixed_signs * 2 > fragment.glyphs.len() } else { fixed * 10 >= letters * 9 }
    }

    /// The weight of the lighter of a fragment's first and last pieces: a bold word in a plain line is no bold line.
    fn weight(&self, fragment: &Fragment) -> f32 {
        let of = |index: Option<&u32>| {
            let weight = index.map_or(0.0, |&g| self.face(g).weight);
            (weight > 0.0).then_some(weight)
        };
        match (of(fragment.glyphs.first()), of(fragment.glyphs.last())) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b).unwrap_or(0.0),
        }
    }

    fn area(&self, lines: &[Line]) -> Area {
        let (mut left, mut top, mut right, mut bottom) = (f32::MAX, f32::MAX, f32::MIN, f32::MIN);
        for line in lines {
            for (u, v) in [(line.left, line.top), (line.right, line.bottom)] {
                let (x, y) = self.frame.back(u, v);
                (left, right) = (left.min(x), right.max(x));
                (top, bottom) = (top.min(y), bottom.max(y));
            }
        }
        // Far beyond any page, and near enough that places can be added.
        let tenth = |v: f32| (v * 10.0).round().clamp(-1e8, 1e8) as i32;
        Area { left: tenth(left), top: tenth(top), right: tenth(right), bottom: tenth(bottom) }
    }

    fn block(&self, shape: Shape, text: String, lines: &[Line]) -> PageBlock {
        let mut runs = Runs::default();
        for line in lines {
            runs.append(&line.runs);
        }
        PageBlock {
            runs,
            ruled: None,
            shape,
            text,
            lines: lines.len() as u32,
            area: self.area(lines),
            size: usual_size(lines),
            weight: lines.iter().map(|l| l.weight).fold(f32::MAX, f32::min),
            is_fixed: lines.iter().all(|l| l.is_fixed),
            artifact: lines.iter().all(|l| l.artifact),
            confidence: mean(lines.iter().filter_map(|l| l.confidence)),
            tag: lines[0].tag.filter(|tag| lines.iter().all(|l| l.tag.is_some_and(|other| other.role == tag.role))),
        }
    }

    /// Parts the lines of a cell into paragraphs.
    fn paragraphs(&self, lines: &[Line], out: &mut Vec<PageBlock>) {
        let mut steps: Vec<f32> = lines.windows(2).map(|w| w[1].baseline - w[0].baseline).collect();
        steps.sort_by(f32::total_cmp);
        let step = steps.get(steps.len() / 2).copied().unwrap_or(0.0);
        let body = usual_size(lines);
        let mut from = 0;
        for at in 1..=lines.len() {
            if at < lines.len()
                && !(self.tells_code && lines[at - 1].is_fixed && lines[at].is_fixed)
                && !Column::around(lines, at, step, body).parts(&lines[at - 1], &lines[at], &lines[from])
            {
                continue;
            }
            let paragraph = &lines[from..at];
            let first = paragraph[0].text.trim();
            let shape = if first.contains('\t') {
                Shape::Row
            } else if begins_list_item(first) {
                Shape::ListItem
            } else {
                Shape::Text
            };
            out.push(self.block(shape, joined(paragraph), paragraph));
            from = at;
        }
    }
}

fn mean(values: impl Iterator<Item = u8>) -> Option<u8> {
    let (sum, count) = values.fold((0, 0), |(sum, count), value| (sum + u32::from(value), count + 1));
    (count > 0).then(|| (sum / count) as u8)
}

/// Size of the middle one of some lines, by their sizes.
fn usual_size(lines: &[Line]) -> f32 {
    let mut sizes: Vec<f32> = lines.iter().map(|line| line.size).collect();
    sizes.sort_unstable_by(f32::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(0.0)
}

/// Test whether lines look like a column of text and not like a cell of a table.
fn is_prose(lines: &[Line]) -> bool {
    let characters: usize = lines.iter().map(|line| line.text.len()).sum();
    lines.len() >= 3 && characters >= 18 * lines.len()
}

/// Distance from line to line at which text is set without lead, in sizes, and a little more.
const USUAL_STEP: f32 = 1.1;

/// The column in which two lines stand.
struct Column {
    left: f32,
    right: f32,
    /// The usual distance from line to line.
    step: f32,
    /// The usual size.
    body: f32,
}

impl Column {
    /// The column of the lines around `at`: as wide as its neighbours that begin at the same place.
    fn around(lines: &[Line], at: usize, step: f32, body: f32) -> Self {
        const NEAR: usize = 8;
        let anchor = &lines[at];
        let before = &lines[at.saturating_sub(NEAR)..at];
        let after = &lines[at..lines.len().min(at + NEAR)];
        let same = |line: &&Line| (line.left - anchor.left).abs() < 2.0 * anchor.size;
        let near = before.iter().rev().take_while(same).chain(after.iter().take_while(same));
        let mut column = Self { left: anchor.left, right: anchor.right, step, body };
        for line in near.chain(&lines[at - 1..at]) {
            column.left = column.left.min(line.left);
            column.right = column.right.max(line.right);
        }
        column
    }

    /// Test whether a paragraph ends between two lines. `first` is the paragraph's first line.
    fn parts(&self, before: &Line, after: &Line, first: &Line) -> bool {
        if before.text.contains('\t') || after.text.contains('\t') {
            return true;
        }
        if let (Some(a), Some(b)) = (before.tag, after.tag)
            && [a.role, b.role].iter().all(|role| matches!(role, Role::Paragraph | Role::Heading(_)))
        {
            return a.order != b.order;
        }
        let size = before.size.max(after.size);
        let step = after.baseline - before.baseline;
        // Half a word goes on, wherever the other half is on the next lines. Recognised text has the size of each word's box.
        let is_half = before.text.ends_with(['-', '\u{2010}']) && after.text.trim().starts_with(char::is_lowercase);
        let differ = (before.size - after.size).abs() / size;
        if differ > if is_half { 0.2 } else { 0.1 } {
            return true;
        }
        let heavy = |line: &Line| if line.weight > 0.0 { line.weight } else { 1.0 };
        let heavier = heavy(before).max(heavy(after)) > 1.25 * heavy(before).min(heavy(after));
        if heavier
            && before.weight > 0.0
            && after.weight > 0.0
            && (before.weight > after.weight) != (before.right > self.right - size)
        {
            return true;
        }
        if is_half && step < 2.0 * size {
            return false;
        }
        // Lines that are larger than those around them are farther apart than they.
        if step > 1.25 * self.step.max(USUAL_STEP * size) {
            return true;
        }
        if before.text.ends_with(['-', '\u{2010}']) {
            return false;
        }
        if begins_list_item(after.text.trim()) || (leads_to_pages(&before.text) && leads_to_pages(&after.text)) {
            return true;
        }
        let centered = (before.left + before.right - after.left - after.right).abs() < 0.8 * size
            && before.left > self.left + 0.5 * size;
        let indented = after.left > self.left + 0.8 * size && before.left < after.left - 0.8 * size;
        // The second line of a hanging paragraph is indented too, and so is what follows a list's mark or the number of a title.
        let hanging = begins_list_item(first.text.trim()) || begins_with_label(first.text.trim());
        if indented && !centered && !hanging {
            return true;
        }
        // Lines of a heading are parted where their author wants it; the next heading has a number of its own.
        if before.size > 1.15 * self.body {
            return begins_with_number(after.text.trim());
        }
        // Had the next word fitted on the line, the line was ended on purpose.
        let characters = after.text.chars().count().max(1);
        let word = after.text.trim().split(' ').next().map_or(0, |w| w.chars().count()) + 1;
        let width = (after.right - after.left) * word as f32 / characters as f32;
        !centered && before.right + width + (0.5 * size).max(0.04 * (self.right - self.left)) < self.right
    }
}

/// Lines as one text. Where a hyphen ended a line inside a word, [`LINE_END_HYPHEN`] stands for it.
fn joined(lines: &[Line]) -> String {
    let mut out = String::with_capacity(lines.iter().map(|line| line.text.len() + 4).sum());
    for line in lines {
        let text = line.text.trim();
        if out.is_empty() {
            out.push_str(text);
            continue;
        }
        let stem = out.strip_suffix(['-', '\u{2010}']);
        match stem {
            Some(stem) if stem.ends_with(char::is_alphabetic) && text.starts_with(char::is_lowercase) => {
                out.truncate(stem.len());
                out.push(LINE_END_HYPHEN);
            }
            // Scripts without spaces between words go on without one on the next line.
            _ if out.ends_with(is_ideographic) && text.starts_with(is_ideographic) => {}
            _ => out.push(' '),
        }
        out.push_str(text);
    }
    out
}
