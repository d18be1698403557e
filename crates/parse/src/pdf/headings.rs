//! Kind of each block of a document, once all its pages are known: headings by size and weight, captions, notes.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::fonts;
use super::formulas::is_formula;
use super::lines::{PageBlock, Shape};
use super::tagged::Role;
use corpora_values::{BlockKind, OutlineEntry};

/// The sizes and weights of a document's text, in the measure of which headings stand out.
pub(super) struct Faces {
    body: f32,
    /// Usual weight of the text, and of what is written in a typewriter's letters: their strokes are another measure.
    weight: f32,
    fixed_weight: f32,
    /// Most of the text is not in a typewriter's letters, so that what is in them is code.
    tells_code: bool,
    /// Sizes of headings, in half points, the largest first.
    sizes: Vec<i32>,
    /// Faces of lists: of names of functions, of options, of lines of code.
    lists: HashSet<Face>,
    /// Faces of names that something is said of.
    names: HashSet<Face>,
    /// Headings that the file's own table of contents names: for each page their titles and levels.
    outline: HashMap<u32, Vec<(String, u8)>>,
    /// What the author says of headings.
    tells: Tells,
}

/// Longer texts are no headings.
const LONGEST_HEADING: usize = 150;

impl Faces {
    /// Looks at the blocks of all pages that are text.
    pub(super) fn of<'a>(blocks: impl Iterator<Item = &'a PageBlock> + Clone, outline: &[OutlineEntry]) -> Self {
        let mut sizes: BTreeMap<i32, usize> = BTreeMap::new();
        let mut weights: BTreeMap<i32, usize> = BTreeMap::new();
        let mut fixed_weights: BTreeMap<i32, usize> = BTreeMap::new();
        let (mut fixed, mut all) = (0, 0);
        for block in blocks.clone() {
            *sizes.entry(half_points(block.size)).or_default() += block.text.len();
            let weights = if block.is_fixed { &mut fixed_weights } else { &mut weights };
            if block.weight > 0.0 && block.weight < 1000.0 {
                *weights.entry((block.weight / 4.0) as i32).or_default() += block.text.len();
            }
            fixed += if block.is_fixed { block.text.len() } else { 0 };
            all += block.text.len();
        }
        let commonest = |counts: &BTreeMap<i32, usize>| {
            counts.iter().max_by_key(|(value, count)| (**count, **value)).map(|(value, _)| *value as f32)
        };
        let mut faces = Self {
            body: commonest(&sizes).map_or(10.0, |half| half / 2.0),
            weight: commonest(&weights).map_or(0.0, |w| w * 4.0 + 2.0),
            fixed_weight: commonest(&fixed_weights).map_or(0.0, |w| w * 4.0 + 2.0),
            tells_code: fixed * 2 < all,
            sizes: Vec::new(),
            lists: HashSet::new(),
            names: HashSet::new(),
            outline: by_page(outline),
            tells: Tells::of(blocks.clone()),
        };
        let mut large: Vec<i32> =
            blocks.clone().filter(|b| faces.is_large(b) && may_be_heading(b)).map(|b| half_points(b.size)).collect();
        large.sort_unstable_by(|a, b| b.cmp(a));
        large.dedup();
        faces.sizes = large;
        faces.find_lists(blocks.clone());
        faces.find_names(blocks, outline);
        faces
    }

    /// Finds the faces of names: an outline that covers the text names none of what is set in them, and most of it is one word. A
    /// manual has one for each function that it describes.
    fn find_names<'a>(&mut self, blocks: impl Iterator<Item = &'a PageBlock>, outline: &[OutlineEntry]) {
        if outline.len() < LEAST_LISTED {
            return;
        }
        let titles: HashSet<String> = outline.iter().map(|entry| comparable(&entry.title)).collect();
        let mut found: HashSet<String> = HashSet::new();
        let mut counts: HashMap<Face, Named> = HashMap::new();
        for block in blocks {
            if !(may_be_heading(block) && (self.is_large(block) || self.is_heavy(block))) {
                continue;
            }
            let (title, count) = (comparable(&block.text), counts.entry(face(block)).or_default());
            count.all += 1;
            if titles.contains(&title) {
                count.named += 1;
                found.insert(title);
            } else {
                count.words += usize::from(is_one_word(&block.text));
            }
        }
        if found.len() * 10 < titles.len() * 8 {
            return;
        }
        let is_of_names = |count: &Named| {
            count.all >= LEAST_LISTED && count.named * 20 < count.all && count.words * 2 > count.all - count.named
        };
        self.names = counts.into_iter().filter(|(_, count)| is_of_names(count)).map(|(face, _)| face).collect();
    }

    /// Finds the faces in which lines stand below each other again and again: titles of one level do not, as each has its text.
    fn find_lists<'a>(&mut self, blocks: impl Iterator<Item = &'a PageBlock>) {
        let mut runs: HashMap<Face, (usize, usize)> = HashMap::new();
        let mut open: Option<(Face, usize)> = None;
        let mut end = |open: Option<(Face, usize)>| {
            if let Some((face, length)) = open {
                let (all, in_runs) = runs.entry(face).or_default();
                *all += length;
                *in_runs += if length > 1 { length } else { 0 };
            }
        };
        for block in blocks {
            let face = (may_be_heading(block) && (self.is_large(block) || self.is_heavy(block))).then(|| face(block));
            open = match (open, face) {
                (Some((before, length)), Some(face)) if before == face => Some((face, length + 1)),
                (before, face) => {
                    end(before);
                    face.map(|face| (face, 1))
                }
            };
        }
        end(open);
        let is_list = |(all, in_runs): (usize, usize)| all >= LEAST_LISTED && in_runs * 4 > all;
        self.lists = runs.into_iter().filter(|(_, counts)| is_list(*counts)).map(|(face, _)| face).collect();
    }

    pub(super) fn is_large(&self, block: &PageBlock) -> bool {
        block.size >= 1.12 * self.body
    }

    /// Test whether letters are bold, by their font's name or beside the usual ones of their family.
    pub(super) fn is_bold(&self, face: fonts::Face) -> bool {
        let usual = if face.is_fixed { self.fixed_weight } else { self.weight };
        face.is_named_bold || (usual > 0.0 && face.weight > 1.3 * usual)
    }

    /// Test whether all of a block is bold.
    pub(super) fn is_bold_block(&self, block: &PageBlock) -> bool {
        let usual = if block.is_fixed { self.fixed_weight } else { self.weight };
        usual > 0.0 && block.weight < 1000.0 && block.weight > 1.25 * usual
    }

    /// Test whether letters are a typewriter's among others.
    pub(super) fn is_code(&self, face: fonts::Face) -> bool {
        face.is_fixed && self.tells_code
    }

    /// Size of most of the text.
    pub(super) fn body(&self) -> f32 {
        self.body
    }

    /// Test whether a block is set in another face than running text: heavier, or in a typewriter's letters.
    pub(super) fn stands_out(&self, block: &PageBlock) -> bool {
        self.is_heavy(block) || (block.is_fixed && self.tells_code)
    }

    /// Test whether the file's own table of contents names a block of a page.
    pub(super) fn is_named(&self, block: &PageBlock, page: u32) -> bool {
        self.level(block, page).is_some()
    }

    /// Level that the file's own table of contents gives a block of a page.
    fn level(&self, block: &PageBlock, page: u32) -> Option<u8> {
        // Titles are short.
        let titles = self.outline.get(&page).filter(|_| block.text.len() <= 2 * LONGEST_HEADING)?;
        titles.iter().find(|(title, _)| comparable_letters(&block.text).eq(title.chars())).map(|(_, level)| *level)
    }

    fn is_heavy(&self, block: &PageBlock) -> bool {
        self.is_bold_block(block) && block.size > 0.94 * self.body
    }

    /// Kind of a block of a page.
    pub(super) fn kind(&self, block: &PageBlock, page: u32) -> BlockKind {
        let text = block.text.trim();
        if block.ruled.is_some() || (block.shape == Shape::Row && !self.is_large(block)) {
            return BlockKind::TableRow;
        }
        if let Some(level) = self.level(block, page) {
            return BlockKind::Heading(level.clamp(1, 6));
        }
        if let Some(kind) = self.said(block) {
            return kind;
        }
        if is_caption(text) {
            return BlockKind::Caption;
        }
        if may_be_heading(block) && self.names.contains(&face(block)) {
            return BlockKind::DefinitionTerm;
        }
        if may_be_heading(block) && !self.lists.contains(&face(block)) {
            if self.is_large(block) {
                let rank = self.sizes.iter().position(|&s| s <= half_points(block.size)).unwrap_or(self.sizes.len());
                return BlockKind::Heading((rank + 1).min(6) as u8);
            }
            let sentence = text.ends_with(['.', ',', ';', ':', '!', '?']);
            if self.is_heavy(block) && block.lines <= 2 && !sentence && block.shape != Shape::ListItem {
                return BlockKind::Heading((self.sizes.len() + 1).min(6) as u8);
            }
        }
        if block.size < 0.93 * self.body && begins_note(text) {
            return BlockKind::Footnote;
        }
        match block.shape {
            Shape::Text if block.is_fixed && self.tells_code => BlockKind::Code,
            Shape::Text if is_formula(text) => BlockKind::Formula,
            Shape::Text => BlockKind::Paragraph,
            Shape::ListItem => BlockKind::ListItem,
            Shape::Row => BlockKind::TableRow,
        }
    }
}

impl Faces {
    /// Kind of a block as its author says it, where that is more than that it is text.
    fn said(&self, block: &PageBlock) -> Option<BlockKind> {
        let kind = match block.tag?.role {
            Role::Heading(level) if self.tells != Tells::Nothing && may_be_heading(block) => BlockKind::Heading(level),
            Role::Caption => BlockKind::Caption,
            Role::Note => BlockKind::Footnote,
            Role::Contents => BlockKind::ContentsEntry,
            Role::Index => BlockKind::IndexEntry,
            Role::ListItem if block.shape != Shape::Row => BlockKind::ListItem,
            Role::Code => BlockKind::Code,
            Role::Formula if is_formula(&block.text) => BlockKind::Formula,
            Role::Paragraph if self.tells == Tells::All && block.shape == Shape::Text => {
                let is_code = block.is_fixed && self.tells_code;
                let is_note = block.size < 0.93 * self.body && begins_note(block.text.trim());
                match (is_caption(block.text.trim()), is_note, is_code) {
                    (true, ..) => BlockKind::Caption,
                    (_, true, _) => BlockKind::Footnote,
                    (.., true) => BlockKind::Code,
                    _ => BlockKind::Paragraph,
                }
            }
            _ => return None,
        };
        Some(kind)
    }
}

/// Headings that an author tags at least, if he tags them all.
const LEAST_TAGGED: usize = 3;

/// What an author says of headings in the structure tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    /// Of none that they are some, or of much of the text.
    Nothing,
    /// Of a few that they are some: others may be, too.
    Some,
    /// Of all: what he calls a paragraph is none.
    All,
}

impl Tells {
    fn of<'a>(blocks: impl Iterator<Item = &'a PageBlock>) -> Self {
        let (mut headings, mut of_headings, mut all) = (0, 0, 0);
        for block in blocks {
            all += block.text.len();
            if block.tag.is_some_and(|tag| matches!(tag.role, Role::Heading(_))) {
                headings += 1;
                of_headings += block.text.len();
            }
        }
        match headings {
            _ if of_headings * 4 > all => Self::Nothing,
            0 => Self::Nothing,
            1..LEAST_TAGGED => Self::Some,
            _ => Self::All,
        }
    }
}

fn may_be_heading(block: &PageBlock) -> bool {
    block.lines <= 4
        && block.text.chars().count() <= LONGEST_HEADING
        && block.text.chars().any(char::is_alphabetic)
        && !block.artifact
}

/// Lines of a face: all, those that the outline names, and of the others those that are one word.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    all: usize,
    named: usize,
    words: usize,
}

/// Test whether a title is one word, behind its number.
fn is_one_word(title: &str) -> bool {
    let is_number = |word: &&str| word.chars().all(|c| c.is_ascii_digit() || c == '.');
    title.split_whitespace().skip_while(is_number).nth(1).is_none()
}

/// Size in half points, weight in steps that tell bold from plain, and whether it is a typewriter's.
type Face = (i32, i32, bool);

fn face(block: &PageBlock) -> Face {
    (half_points(block.size), (block.weight.min(1000.0) / 20.0) as i32, block.is_fixed)
}

/// Lines of a face from which on their places tell.
const LEAST_LISTED: usize = 10;

fn half_points(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

/// Letters and digits alone, in lower case: numbers of chapters and white space vary between outline and page.
pub(super) fn comparable(title: &str) -> String {
    comparable_letters(title).collect()
}

/// The letters of [`comparable`].
fn comparable_letters(title: &str) -> impl Iterator<Item = char> {
    let letters = title.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
    letters.skip_while(char::is_ascii_digit)
}

/// Titles of a table of contents, comparable, with their levels, by page. The last of the same title on a page counts.
fn by_page(outline: &[OutlineEntry]) -> HashMap<u32, Vec<(String, u8)>> {
    let mut pages: HashMap<u32, Vec<(String, u8)>> = HashMap::new();
    for entry in outline.iter().rev() {
        pages.entry(entry.section).or_default().push((comparable(&entry.title), entry.level));
    }
    pages
}

/// Names of what has a caption, in the languages that we know terms in.
const CAPTIONED: [&str; 33] = [
    "figure",
    "fig",
    "table",
    "plate",
    "map",
    "scheme",
    "box",
    "chart",
    "diagram",
    "exhibit",
    "listing",
    "abbildung",
    "abb",
    "tabelle",
    "tab",
    "karte",
    "kasten",
    "figura",
    "tabla",
    "cuadro",
    "mapa",
    "recuadro",
    "esquema",
    "tableau",
    "carte",
    "encadré",
    "tabella",
    "tabela",
    "quadro",
    "figuur",
    "tabel",
    "afbeelding",
    "kaart",
];

/// "Figure 3.", "Table 2.1: Gates", "Map 4 The River": a name and a number, and then no sentence that goes on.
fn is_caption(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let (Some(first), Some(second)) = (words.next(), words.next()) else {
        return false;
    };
    let first = first.trim_end_matches('.').to_lowercase();
    if !CAPTIONED.contains(&first.as_str()) {
        return false;
    }
    let number = second.trim_end_matches([':', '.', '-', '\u{2013}', '\u{2014}']);
    let is_number = number.len() <= 6
        && (number.contains(|c: char| c.is_ascii_digit())
            || (!number.is_empty() && number.bytes().all(|b| matches!(b, b'I' | b'V' | b'X'))));
    let goes_on = match words.next().and_then(|word| word.chars().next()) {
        None => false,
        Some(c) => c.is_lowercase() || c == '(' || c == ',',
    };
    is_number && (number.len() != second.len() || (!goes_on && text.chars().count() <= LONGEST_HEADING))
}

/// The mark of a note: a raised figure, an asterisk, a dagger, a number of its own.
fn begins_note(text: &str) -> bool {
    let mark: String = text.chars().take_while(|c| !c.is_whitespace() && !c.is_alphabetic()).collect();
    let raised = |c: char| {
        matches!(c, '\u{b9}' | '\u{b2}' | '\u{b3}' | '\u{2070}'..='\u{2079}' | '*' | '\u{2020}' | '\u{2021}' | '\u{a7}')
    };
    !mark.is_empty() && (mark.chars().all(raised) || (mark.len() <= 3 && mark.bytes().all(|b| b.is_ascii_digit())))
}
