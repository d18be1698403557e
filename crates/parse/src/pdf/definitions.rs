//! Lists of definitions as pages show them: a name that stands out at the margin, and below it, farther in, what is said of it.

use std::collections::{BTreeMap, HashMap};

use super::headings::Faces;
use super::lines::{PageBlock, Shape};
use corpora_values::BlockKind;

/// Longer texts are no names.
const LONGEST_NAME: usize = 100;

/// Pairs that are set alike from which on they are a list, and of these so many whose text has several lines: a single line that is
/// set in may be the first of a paragraph.
const LEAST_PAIRS: usize = 3;
const LEAST_HANGING: usize = 2;

/// Share of the text, in hundredths, that has to begin at a margin for it to be one of text.
const LEAST_SHARE: usize = 3;

/// Marks names and what is said of them. A heading of a section stands at the margin of its text, or out of it; a name stands
/// where text begins too, and its text farther in.
pub(super) fn mark(pages: &[Vec<PageBlock>], kinds: &mut [Vec<BlockKind>], faces: &Faces) {
    let margins = Margins::of(pages, kinds);
    // In order: lists may lie in one another, and what a block is must not depend on which is seen first.
    let mut pairs: BTreeMap<Setting, Vec<Pair>> = BTreeMap::new();
    for (page, (blocks, kinds)) in pages.iter().zip(&*kinds).enumerate() {
        let number = page as u32 + 1;
        for at in 1..blocks.len() {
            let (name, text) = (&blocks[at - 1], &blocks[at]);
            if is_name(name, kinds[at - 1], faces, number)
                && kinds[at] == BlockKind::Paragraph
                && stands_below(name, text, faces.body())
                && margins.is_of_text(name.area.left)
            {
                let inset = text.area.left - name.area.left;
                let setting = (half_points(name), name.is_fixed, inset / STEP);
                pairs.entry(setting).or_default().push(Pair { page, at, is_hanging: text.lines > 1 });
            }
        }
    }
    for pairs in pairs.into_values() {
        let hanging = pairs.iter().filter(|pair| pair.is_hanging).count();
        if pairs.len() >= LEAST_PAIRS && hanging >= LEAST_HANGING {
            for pair in pairs {
                let number = pair.page as u32 + 1;
                mark_pair(&pages[pair.page], &mut kinds[pair.page], pair.at, |block, kind| {
                    is_name(block, kind, faces, number)
                });
            }
        }
    }
}

/// How a pair is set: size of the name in half points, whether it is in a typewriter's letters, distance that the text is set in.
type Setting = (i32, bool, i32);

/// Tenths of points within which things stand at the same place.
const STEP: i32 = 20;

struct Pair {
    page: usize,
    /// Index of the text.
    at: usize,
    /// The text has several lines.
    is_hanging: bool,
}

fn half_points(block: &PageBlock) -> i32 {
    (block.size * 2.0).round() as i32
}

/// Test whether a block is short, stands out, and is none of the headings that are sure.
fn is_name(block: &PageBlock, kind: BlockKind, faces: &Faces, page: u32) -> bool {
    matches!(kind, BlockKind::Heading(_) | BlockKind::Code | BlockKind::Paragraph)
        && block.shape == Shape::Text
        && block.lines <= 2
        && block.text.len() <= LONGEST_NAME
        && !block.text.trim_end().ends_with(['.', ',', ';', ':', '!', '?'])
        && faces.stands_out(block)
        && !faces.is_large(block)
        && !faces.is_named(block, page)
}

/// Test whether a text begins right below a name and farther in.
fn stands_below(name: &PageBlock, text: &PageBlock, body: f32) -> bool {
    let size = (body * 10.0) as i32;
    let inset = text.area.left - name.area.left;
    let gap = text.area.top - name.area.bottom;
    (size * 8 / 10..=size * 8).contains(&inset) && (-size / 2..=size * 12 / 10).contains(&gap)
}

/// Marks one name, those right above it that are set alike, and the paragraphs that go on at the place of its text.
fn mark_pair(
    blocks: &[PageBlock],
    kinds: &mut [BlockKind],
    at: usize,
    is_name: impl Fn(&PageBlock, BlockKind) -> bool,
) {
    let (name, text) = (&blocks[at - 1], &blocks[at]);
    let same = |a: i32, b: i32| (a - b).abs() <= STEP;
    for above in (0..at).rev() {
        let block = &blocks[above];
        let is_next = above + 1 == at || blocks[above + 1].area.top - block.area.bottom <= (block.size * 8.0) as i32;
        if !(is_next && same(block.area.left, name.area.left) && is_name(block, kinds[above])) {
            break;
        }
        kinds[above] = BlockKind::DefinitionTerm;
    }
    for below in at..blocks.len() {
        if kinds[below] != BlockKind::Paragraph || !same(blocks[below].area.left, text.area.left) {
            break;
        }
        kinds[below] = BlockKind::Definition;
    }
}

/// Places at which the lines of text begin, over the whole document.
struct Margins {
    /// Bytes of text by left edge, in steps.
    lefts: HashMap<i32, usize>,
    all: usize,
}

impl Margins {
    fn of(pages: &[Vec<PageBlock>], kinds: &[Vec<BlockKind>]) -> Self {
        let mut margins = Self { lefts: HashMap::new(), all: 0 };
        for (block, kind) in pages.iter().flatten().zip(kinds.iter().flatten()) {
            if *kind == BlockKind::Paragraph && block.lines > 1 {
                *margins.lefts.entry(block.area.left / STEP).or_default() += block.text.len();
                margins.all += block.text.len();
            }
        }
        margins
    }

    /// Test whether text begins there, too.
    fn is_of_text(&self, left: i32) -> bool {
        let near = (-1..=1).filter_map(|step| self.lefts.get(&(left / STEP + step)));
        near.sum::<usize>() * 100 >= self.all * LEAST_SHARE && self.all > 0
    }
}
