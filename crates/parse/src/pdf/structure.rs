//! Words of the file about itself: text strings, page labels, the table of contents.

use std::collections::{HashMap, HashSet};

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, ObjectIdentifier, String as PdfString};

use corpora_values::OutlineEntry;

/// A text string (ISO 32000-2, 7.9.2.2): UTF-16 or UTF-8 behind a byte order mark, else PDFDocEncoding.
/// `None` if nothing readable is in it.
pub(super) fn text_string(bytes: &[u8]) -> Option<String> {
    let text = lopdf::decode_text_string(&lopdf::Object::string_literal(bytes.to_vec())).ok()?;
    let text: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

/// The label of each page (ISO 32000-1, 12.4.2), where the file has labels: the number printed on it.
pub(super) fn page_labels(pdf: &Pdf) -> Option<Vec<String>> {
    let pages = pdf.pages().len();
    let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
    let mut ranges: Vec<(usize, Dict<'_>)> = Vec::new();
    number_tree(&root.get(b"PageLabels")?, &mut ranges, 0);
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

fn number_tree<'a>(node: &Dict<'a>, ranges: &mut Vec<(usize, Dict<'a>)>, depth: u32) {
    // Deeper than any real tree, and than a cycle may go.
    if depth > 16 || ranges.len() > 100_000 {
        return;
    }
    if let Some(nums) = node.get::<Array<'_>>(b"Nums") {
        let mut items = nums.iter::<Object<'_>>();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            if let (Object::Number(key), Some(value)) = (key, value.into_dict()) {
                ranges.push((key.as_f32().max(0.0) as usize, value));
            }
        }
    }
    if let Some(kids) = node.get::<Array<'_>>(b"Kids") {
        for kid in kids.iter::<Dict<'_>>() {
            number_tree(&kid, ranges, depth + 1);
        }
    }
}

fn roman(number: usize) -> String {
    const DIGITS: [(usize, &str); 13] = [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ];
    // Nobody prints larger ones; the length would grow with the number.
    if number > 10_000 {
        return number.to_string();
    }
    let (mut rest, mut out) = (number, String::new());
    for (value, digits) in DIGITS {
        while rest >= value {
            out.push_str(digits);
            rest -= value;
        }
    }
    out
}

/// a to z, then aa to zz, then aaa.
fn letters(number: usize) -> String {
    let index = number.saturating_sub(1);
    let letter = char::from(b'a' + (index % 26) as u8);
    std::iter::repeat_n(letter, (index / 26 + 1).min(100)).collect()
}

/// The outline (ISO 32000-1, 12.3.3), as far as its entries lead to pages of this file.
pub(super) fn outline(pdf: &Pdf) -> Vec<OutlineEntry> {
    let walk = || {
        let root: Dict<'_> = pdf.xref().get(pdf.xref().root_id())?;
        let outlines: Dict<'_> = root.get(b"Outlines")?;
        let pages: HashMap<ObjectIdentifier, u32> =
            (1..).zip(pdf.pages().iter()).filter_map(|(n, page)| Some((page.raw().obj_id()?, n))).collect();
        let mut walk = Outline { pages, names: named_destinations(&root), seen: HashSet::new(), entries: Vec::new() };
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

fn named_destinations<'a>(root: &Dict<'a>) -> HashMap<Vec<u8>, Object<'a>> {
    let mut names = HashMap::new();
    if let Some(old) = root.get::<Dict<'a>>(b"Dests") {
        for key in old.keys() {
            if let Some(value) = old.get::<Object<'a>>(key.as_ref()) {
                names.insert(key.as_ref().to_vec(), value);
            }
        }
    }
    if let Some(tree) = root.get::<Dict<'a>>(b"Names").and_then(|n| n.get::<Dict<'a>>(b"Dests")) {
        name_tree(&tree, &mut names, 0);
    }
    names
}

fn name_tree<'a>(node: &Dict<'a>, names: &mut HashMap<Vec<u8>, Object<'a>>, depth: u32) {
    if depth > 16 || names.len() > 1_000_000 {
        return;
    }
    if let Some(pairs) = node.get::<Array<'a>>(b"Names") {
        let mut items = pairs.iter::<Object<'a>>();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            if let Object::String(key) = key {
                names.insert(key.as_bytes().to_vec(), value);
            }
        }
    }
    if let Some(kids) = node.get::<Array<'a>>(b"Kids") {
        for kid in kids.iter::<Dict<'a>>() {
            name_tree(&kid, names, depth + 1);
        }
    }
}
