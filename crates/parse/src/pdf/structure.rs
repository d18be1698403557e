//! Words of the file about itself: text strings, page labels, the table of contents.

use std::collections::{HashMap, HashSet};

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, MaybeRef, Name, Number, Object, ObjectIdentifier, String as PdfString};
use hayro_syntax::xref::XRef;

use corpora_values::{OutlineEntry, roman};

/// A text string (ISO 32000-2, 7.9.2.2): UTF-16 or UTF-8 behind a byte order mark, else PDFDocEncoding.
/// `None` if nothing readable is in it.
pub(super) fn text_string(bytes: &[u8]) -> Option<String> {
    let text = lopdf::decode_text_string(&lopdf::Object::string_literal(bytes.to_vec())).ok()?;
    let text: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

/// The entries of an array, references resolved. One that leads to nothing is passed over.
pub(super) fn entries<'a>(array: &Array<'a>, xref: &'a XRef) -> impl Iterator<Item = Object<'a>> + use<'a> {
    array.raw_iter().filter_map(|entry| match entry {
        MaybeRef::Ref(reference) => xref.get(reference.into()),
        MaybeRef::NotRef(object) => Some(object),
    })
}

/// Place of each page in the page tree: the index of the page, or none where the tree leads to nothing.
///
/// A reader that leaves out what it cannot resolve gives all later pages wrong numbers.
pub(super) fn places(pdf: &Pdf) -> Vec<Option<usize>> {
    let pages = pdf.pages().len();
    let as_read = || (0..pages).map(Some).collect();
    let tree = || {
        let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
        root.get::<Dict<'_>>(b"Pages")
    };
    let Some(tree) = tree() else { return as_read() };
    let mut walk = Tree { xref: pdf.xref(), seen: tree.obj_id().into_iter().collect(), places: Vec::new(), found: 0 };
    walk.node(&tree, 0);
    // A tree that was searched for, or one that is walked otherwise.
    if walk.found == pages { walk.places } else { as_read() }
}

/// Places that a node of the page tree may claim to hold without holding them.
const MOST_MISSING: usize = 10_000;

struct Tree<'a> {
    xref: &'a XRef,
    seen: HashSet<ObjectIdentifier>,
    places: Vec<Option<usize>>,
    found: usize,
}

impl<'a> Tree<'a> {
    fn node(&mut self, node: &Dict<'a>, depth: u32) {
        let Some(kids) = node.get::<Array<'a>>(b"Kids") else { return };
        for kid in kids.raw_iter() {
            let kid = match kid {
                MaybeRef::Ref(reference) => {
                    if !self.seen.insert(reference.into()) {
                        continue;
                    }
                    self.xref.get::<Dict<'a>>(reference.into())
                }
                MaybeRef::NotRef(object) => object.into_dict(),
            };
            let Some(kid) = kid else {
                if self.places.len() < self.found + MOST_MISSING {
                    self.places.push(None);
                }
                continue;
            };
            let is_node = kid.get::<Name<'_>>(b"Type").is_some_and(|name| name.as_ref() == b"Pages");
            if is_node && depth < 256 {
                self.node(&kid, depth + 1);
            } else {
                self.places.push(Some(self.found));
                self.found += 1;
            }
        }
    }
}

/// The language that the catalogue says the document is in, or else its structure tree.
pub(super) fn language(pdf: &Pdf, of_tree: Option<String>) -> Option<String> {
    let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
    let tag = root.get::<PdfString<'_>>(b"Lang").and_then(|tag| text_string(tag.as_bytes())).or(of_tree)?;
    // BCP 47, as far as its shape goes.
    let tag = tag.replace('_', "-");
    let is_tag = (2..=35).contains(&tag.len())
        && tag.split('-').all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        && tag
            .split('-')
            .next()
            .is_some_and(|first| first.bytes().all(|b| b.is_ascii_alphabetic()) && first.len() <= 3);
    is_tag.then_some(tag)
}

/// Something that a reader of the file should know: that its pages are not what its author made.
pub(super) fn remark(pdf: &Pdf) -> Option<&'static str> {
    let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
    if root.get::<Dict<'_>>(b"Collection").is_some() {
        return Some(
            "the file is a portfolio: its pages are a cover sheet, and the files in it are not read; take them out and give them",
        );
    }
    let form: Dict<'_> = root.get(b"AcroForm")?;
    let is_dynamic = root.get::<bool>(b"NeedsRendering").unwrap_or(false);
    let fields = form.get::<Array<'_>>(b"Fields").is_some_and(|fields| fields.raw_iter().next().is_some());
    (form.contains_key(b"XFA") && (is_dynamic || !fields)).then_some(
        "the file is an XFA form: its pages may say no more than that a reader of such forms is needed, and the form is not read; print it to a new PDF",
    )
}

/// The label of each page (ISO 32000-1, 12.4.2), where the file has labels: the number printed on it.
pub(super) fn page_labels(pdf: &Pdf, pages: usize) -> Option<Vec<String>> {
    let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
    let mut ranges: Vec<(usize, Dict<'_>)> = Vec::new();
    number_tree(&root.get(b"PageLabels")?, pdf.xref(), &mut ranges, 0);
    ranges.sort_by_key(|(first, _)| *first);
    if ranges.is_empty() {
        return None;
    }
    let mut labels = Vec::with_capacity(pages);
    let mut at = 0;
    for page in 0..pages {
        while at + 1 < ranges.len() && ranges[at + 1].0 <= page {
            at += 1;
        }
        let (first, range) = &ranges[at];
        let prefix = range.get::<PdfString<'_>>(b"P").and_then(|p| text_string(p.as_bytes())).unwrap_or_default();
        let start = range.get::<Number>(b"St").map_or(1, |n| n.as_f32().max(1.0) as usize);
        let number = start.saturating_add(page.saturating_sub(*first));
        let style: Option<Name<'_>> = range.get(b"S");
        let number = match style.as_ref().map(AsRef::as_ref) {
            Some(b"D") => number.to_string(),
            Some(b"R") => roman(number).to_uppercase(),
            Some(b"r") => roman(number),
            Some(b"A") => letters(number).to_uppercase(),
            Some(b"a") => letters(number),
            _ => String::new(),
        };
        labels.push(prefix + &number);
    }
    Some(labels)
}

fn number_tree<'a>(node: &Dict<'a>, xref: &'a XRef, ranges: &mut Vec<(usize, Dict<'a>)>, depth: u32) {
    // Deeper than any real tree, and than a cycle may go.
    if depth > 16 || ranges.len() > 100_000 {
        return;
    }
    if let Some(nums) = node.get::<Array<'_>>(b"Nums") {
        let mut items = entries(&nums, xref);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            if let (Object::Number(key), Some(value)) = (key, value.into_dict()) {
                ranges.push((key.as_f32().max(0.0) as usize, value));
            }
        }
    }
    if let Some(kids) = node.get::<Array<'_>>(b"Kids") {
        for kid in entries(&kids, xref).filter_map(Object::into_dict) {
            number_tree(&kid, xref, ranges, depth + 1);
        }
    }
}

/// a to z, then aa to zz, then aaa.
fn letters(number: usize) -> String {
    let index = number.saturating_sub(1);
    let letter = char::from(b'a' + (index % 26) as u8);
    std::iter::repeat_n(letter, (index / 26 + 1).min(100)).collect()
}

/// The outline (ISO 32000-1, 12.3.3), as far as its entries lead to pages of this file.
pub(super) fn outline(pdf: &Pdf, places: &[Option<usize>]) -> Vec<OutlineEntry> {
    let walk = || {
        let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
        let outlines: Dict<'_> = root.get(b"Outlines")?;
        let pages: HashMap<ObjectIdentifier, u32> =
            (1..).zip(places).filter_map(|(n, place)| Some((pdf.pages().get((*place)?)?.raw().obj_id()?, n))).collect();
        let mut walk =
            Outline { pages, names: named_destinations(&root, pdf.xref()), seen: HashSet::new(), entries: Vec::new() };
        walk.level(outlines.get(b"First")?, 1);
        Some(walk.entries)
    };
    walk().unwrap_or_default()
}

struct Outline<'a> {
    pages: HashMap<ObjectIdentifier, u32>,
    names: HashMap<Vec<u8>, Object<'a>>,
    seen: HashSet<ObjectIdentifier>,
    entries: Vec<OutlineEntry>,
}

impl<'a> Outline<'a> {
    fn level(&mut self, first: Dict<'a>, level: u8) {
        let mut next = Some(first);
        while let Some(item) = next {
            // A cycle ends here; so does an outline without end.
            if item.obj_id().is_some_and(|id| !self.seen.insert(id)) || self.entries.len() >= 100_000 {
                return;
            }
            let title = item.get::<PdfString<'_>>(b"Title").and_then(|t| text_string(t.as_bytes()));
            if let (Some(title), Some(section)) = (title, self.page(&item)) {
                self.entries.push(OutlineEntry { title, level, section });
            }
            if level < 16
                && let Some(child) = item.get::<Dict<'a>>(b"First")
            {
                self.level(child, level + 1);
            }
            next = item.get(b"Next");
        }
    }

    /// The page to which an item leads.
    fn page(&self, item: &Dict<'a>) -> Option<u32> {
        let target = item
            .get::<Object<'a>>(b"Dest")
            .or_else(|| item.get::<Dict<'a>>(b"A").and_then(|action| action.get::<Object<'a>>(b"D")))?;
        self.resolve(target, 0)
    }

    fn resolve(&self, target: Object<'a>, depth: u32) -> Option<u32> {
        if depth > 4 {
            return None;
        }
        match target {
            Object::Array(array) => {
                let page = array.raw_iter().next()?.as_obj_ref()?;
                self.pages.get(&page.into()).copied()
            }
            Object::Dict(dict) => self.resolve(dict.get(b"D")?, depth + 1),
            Object::String(name) => self.resolve(self.names.get(name.as_bytes())?.clone(), depth + 1),
            Object::Name(name) => self.resolve(self.names.get(name.as_ref())?.clone(), depth + 1),
            _ => None,
        }
    }
}

fn named_destinations<'a>(root: &Dict<'a>, xref: &'a XRef) -> HashMap<Vec<u8>, Object<'a>> {
    let mut names = HashMap::new();
    if let Some(old) = root.get::<Dict<'a>>(b"Dests") {
        for key in old.keys() {
            if let Some(value) = old.get::<Object<'a>>(key.as_ref()) {
                names.insert(key.as_ref().to_vec(), value);
            }
        }
    }
    if let Some(tree) = root.get::<Dict<'a>>(b"Names").and_then(|n| n.get::<Dict<'a>>(b"Dests")) {
        name_tree(&tree, xref, &mut names, 0);
    }
    names
}

fn name_tree<'a>(node: &Dict<'a>, xref: &'a XRef, names: &mut HashMap<Vec<u8>, Object<'a>>, depth: u32) {
    if depth > 16 || names.len() > 1_000_000 {
        return;
    }
    if let Some(pairs) = node.get::<Array<'a>>(b"Names") {
        let mut items = entries(&pairs, xref);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            if let Object::String(key) = key {
                names.insert(key.as_bytes().to_vec(), value);
            }
        }
    }
    if let Some(kids) = node.get::<Array<'a>>(b"Kids") {
        for kid in entries(&kids, xref).filter_map(Object::into_dict) {
            name_tree(&kid, xref, names, depth + 1);
        }
    }
}
