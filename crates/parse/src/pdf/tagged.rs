//! The structure tree of a tagged document (ISO 32000-1, 14.7 and 14.8): what its author says each piece of its pages is.

use std::collections::{HashMap, HashSet};

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, MaybeRef, Name, Object, ObjectIdentifier, String as PdfString};
use hayro_syntax::page::Page;
use hayro_syntax::xref::XRef;
use rustc_hash::FxHashMap;

use super::glyphs::{Glyph, PageGlyphs};
use super::lines::PageBlock;
use super::structure::text_string;

/// Kind of a piece of text, as the author says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Heading(u8),
    Paragraph,
    ListItem,
    Code,
    Formula,
    Caption,
    Note,
    Contents,
    Index,
    HeaderCell,
    Cell,
}

impl Role {
    /// Of a standard structure type; those that say nothing of the text in them have none.
    fn of(kind: &[u8]) -> Option<Self> {
        Some(match kind {
            b"Title" | b"H" | b"H1" => Self::Heading(1),
            [b'H', level @ b'2'..=b'6'] => Self::Heading(level - b'0'),
            b"P" | b"BlockQuote" => Self::Paragraph,
            b"LI" => Self::ListItem,
            b"Code" => Self::Code,
            b"Formula" => Self::Formula,
            b"Caption" => Self::Caption,
            b"Note" | b"FENote" => Self::Note,
            b"TOCI" => Self::Contents,
            b"Index" => Self::Index,
            b"TH" => Self::HeaderCell,
            b"TD" => Self::Cell,
            _ => return None,
        })
    }

    /// Test whether it says more than an element inside it does: the paragraph in a cell is the cell's.
    fn encloses(self) -> bool {
        !matches!(self, Self::Paragraph)
    }
}

/// A piece of text in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) role: Role,
    /// Place of its element in the order of the tree.
    pub(super) order: u32,
}

/// Tags of a page's marked content, by its numbers, with the texts that elements have in place of what they show.
#[derive(Debug, Clone, Default)]
pub(super) struct PageTags {
    pub(super) tags: FxHashMap<i32, Tag>,
    pub(super) replacements: FxHashMap<i32, String>,
}

/// The tree of a document.
#[derive(Default)]
pub(super) struct Tagged {
    pages: HashMap<ObjectIdentifier, PageTags>,
    /// Language that the first element with one is in.
    pub(super) language: Option<String>,
}

/// Depth to which the tree is followed, and elements of it.
const DEEPEST: u32 = 64;
const MOST_ELEMENTS: u32 = 2_000_000;

impl Tagged {
    pub(super) fn of(pdf: &Pdf) -> Self {
        let read = || {
            let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
            let tree: Dict<'_> = root.get(b"StructTreeRoot")?;
            let roles = tree.get::<Dict<'_>>(b"RoleMap").unwrap_or_default();
            let mut walk =
                Walk { xref: pdf.xref(), roles, seen: HashSet::new(), count: 0, order: 0, found: Self::default() };
            walk.kids(&tree, &Inherited::default(), 0);
            Some(walk.found)
        };
        read().unwrap_or_default()
    }

    /// The tags of a page.
    pub(super) fn page(&self, page: &Page<'_>) -> Option<&PageTags> {
        self.pages.get(&page.raw().obj_id()?)
    }
}

/// What an element has from those around it.
#[derive(Clone, Default)]
struct Inherited {
    page: Option<ObjectIdentifier>,
    role: Option<Role>,
    order: u32,
}

struct Walk<'a> {
    xref: &'a XRef,
    roles: Dict<'a>,
    seen: HashSet<ObjectIdentifier>,
    count: u32,
    order: u32,
    found: Tagged,
}

impl<'a> Walk<'a> {
    fn kids(&mut self, element: &Dict<'a>, inherited: &Inherited, depth: u32) {
        match element.get::<Object<'a>>(b"K") {
            Some(Object::Array(kids)) => self.each(&kids, inherited, depth),
            Some(kid) => self.kid(kid, element.get_ref(b"K").map(Into::into), inherited, depth),
            None => {}
        }
    }

    fn each(&mut self, kids: &Array<'a>, inherited: &Inherited, depth: u32) {
        for kid in kids.raw_iter() {
            let (id, kid) = match kid {
                MaybeRef::Ref(reference) => {
                    let id: ObjectIdentifier = reference.into();
                    (Some(id), self.xref.get::<Object<'a>>(id))
                }
                MaybeRef::NotRef(kid) => (None, Some(kid)),
            };
            if let Some(kid) = kid {
                self.kid(kid, id, inherited, depth);
            }
        }
    }

    fn kid(&mut self, kid: Object<'a>, id: Option<ObjectIdentifier>, inherited: &Inherited, depth: u32) {
        self.count += 1;
        if depth > DEEPEST || self.count > MOST_ELEMENTS {
            return;
        }
        match kid {
            Object::Number(number) => self.content(number.as_i64(), inherited),
            Object::Dict(dict) => {
                let kind = dict.get::<Name<'_>>(b"Type");
                match kind.as_ref().map(AsRef::as_ref) {
                    // Content of a form is numbered by the form.
                    Some(b"MCR") if dict.contains_key(b"Stm") => {}
                    Some(b"MCR") => {
                        let page = dict.get_ref(b"Pg").map(ObjectIdentifier::from).or(inherited.page);
                        if let Some(number) = dict.get::<i32>(b"MCID") {
                            self.content(number.into(), &Inherited { page, ..inherited.clone() });
                        }
                    }
                    Some(b"OBJR") => {}
                    _ => self.element(&dict, id, inherited, depth),
                }
            }
            _ => {}
        }
    }

    fn element(&mut self, element: &Dict<'a>, id: Option<ObjectIdentifier>, inherited: &Inherited, depth: u32) {
        if id.is_some_and(|id| !self.seen.insert(id)) {
            return;
        }
        if self.found.language.is_none() {
            self.found.language = element.get::<PdfString<'_>>(b"Lang").and_then(|tag| text_string(tag.as_bytes()));
        }
        let own = element.get::<Name<'_>>(b"S").and_then(|kind| self.role(kind.as_ref()));
        let role = match (inherited.role, own) {
            (Some(around), Some(own)) if around.encloses() && !own.encloses() => Some(around),
            (around, own) => own.or(around),
        };
        self.order += u32::from(own.is_some());
        let page = element.get_ref(b"Pg").map(ObjectIdentifier::from).or(inherited.page);
        let order = if own.is_some() { self.order } else { inherited.order };
        let replacement = element.get::<PdfString<'_>>(b"ActualText").and_then(|text| text_string(text.as_bytes()));
        let inherited = Inherited { page, role, order };
        if let Some(text) = replacement {
            self.replace(element, text, &inherited);
        }
        self.kids(element, &inherited, depth + 1);
    }

    /// The role of a structure type, by the document's own map where it is none of the standard ones.
    fn role(&self, kind: &[u8]) -> Option<Role> {
        let mut kind = kind.to_vec();
        for _ in 0..8 {
            if let Some(role) = Role::of(&kind) {
                return Some(role);
            }
            kind = self.roles.get::<Name<'_>>(kind.as_slice())?.as_ref().to_vec();
        }
        None
    }

    fn content(&mut self, number: i64, inherited: &Inherited) {
        let (Some(page), Some(role), Ok(number)) = (inherited.page, inherited.role, i32::try_from(number)) else {
            return;
        };
        let tag = Tag { role, order: inherited.order };
        self.found.pages.entry(page).or_default().tags.entry(number).or_insert(tag);
    }

    /// The text of an element goes to its first piece of content; the others are said by it.
    fn replace(&mut self, element: &Dict<'a>, text: String, inherited: &Inherited) {
        let Some(page) = inherited.page else { return };
        let numbers: Vec<i32> = match element.get::<Object<'a>>(b"K") {
            Some(Object::Number(number)) => i32::try_from(number.as_i64()).into_iter().collect(),
            Some(Object::Array(kids)) => {
                let numbers = kids.iter::<Object<'a>>().map(|kid| match kid {
                    Object::Number(number) => i32::try_from(number.as_i64()).ok(),
                    _ => None,
                });
                // Elements inside have their own pieces.
                numbers.collect::<Option<Vec<i32>>>().unwrap_or_default()
            }
            _ => return,
        };
        let replacements = &mut self.found.pages.entry(page).or_default().replacements;
        let mut text = Some(text);
        for number in numbers {
            replacements.insert(number, text.take().unwrap_or_default());
        }
    }
}

/// Share of a page's text, in hundredths, that has to be tagged for the tags to be believed, and that may at most be none of the text.
const COVERED: usize = 95;
const MOST_ARTIFACTS: usize = 25;

/// Takes the tags of a page away where they leave much of it out.
pub(super) fn judge(page: &mut PageGlyphs) {
    let PageGlyphs { glyphs, faces, .. } = page;
    let is_tagged = |glyph: &Glyph| faces.get(glyph.show as usize).is_some_and(|face| face.tag.is_some());
    let tagged = glyphs.iter().filter(|glyph| is_tagged(glyph)).count();
    if tagged == 0 {
        return;
    }
    let artifacts = glyphs.iter().filter(|glyph| glyph.artifact && !is_tagged(glyph)).count();
    if artifacts * 100 > glyphs.len() * MOST_ARTIFACTS {
        glyphs.iter_mut().for_each(|glyph| glyph.artifact = false);
        faces.iter_mut().for_each(|face| face.tag = None);
    } else if tagged * 100 < (glyphs.len() - artifacts) * COVERED {
        faces.iter_mut().for_each(|face| face.tag = None);
    }
}

/// Puts the blocks of a page into the order of the tree, where its lines join better than in that of their places.
pub(super) fn reorder(blocks: &mut [PageBlock]) {
    let mut by_tree: Vec<usize> = (0..blocks.len()).collect();
    let all: Option<Vec<u32>> = blocks.iter().map(|block| block.tag.map(|tag| tag.order)).collect();
    let Some(orders) = all else { return };
    if orders.is_sorted() {
        return;
    }
    by_tree.sort_by_key(|&at| orders[at]);
    let as_placed: Vec<usize> = (0..blocks.len()).collect();
    if joins(blocks, &by_tree) > joins(blocks, &as_placed) {
        let sorted: Vec<PageBlock> = by_tree.iter().map(|&at| blocks[at].clone()).collect();
        blocks.clone_from_slice(&sorted);
    }
}

/// How many blocks go on in the next one: with a small letter, or the other half of a word, where the one before has no end.
fn joins(blocks: &[PageBlock], order: &[usize]) -> usize {
    let goes_on = |pair: &&[usize]| {
        let (before, after) = (blocks[pair[0]].text.trim_end(), blocks[pair[1]].text.trim_start());
        let is_open = before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ',' | '-' | '\u{2010}'));
        is_open && after.starts_with(char::is_lowercase)
    };
    order.windows(2).filter(goes_on).count()
}
