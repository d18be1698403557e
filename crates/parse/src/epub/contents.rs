//! Tables of contents and lists of printed pages: the navigation document of EPUB 3, the NCX of EPUB 2.
//! <https://www.w3.org/TR/epub-33/#sec-nav>, <https://idpf.org/epub/20/spec/OPF_2.0_latest.htm#Section2.4.1>.

use super::super::archive::resolve;
use super::super::markup::{Sink, Tag};

/// A line of a table of contents or of a list of pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) title: String,
    /// Its depth; 1 is the highest level.
    pub(super) level: u8,
    /// File and fragment. None for a heading that leads nowhere itself.
    pub(super) target: Option<(String, Option<String>)>,
}

/// Contents of one of these files.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    pub(super) pages: Vec<Entry>,
}

/// Kind of list for which an entry is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum List {
    Contents,
    Pages,
    /// Landmarks, lists of figures.
    Other,
}

/// Reads a navigation document.
pub(super) struct NavReader<'a> {
    path: &'a str,
    contents: Contents,
    /// Entries of the lists without a type hold, in case none has one.
    untyped: Vec<Entry>,
    list: Option<(List, bool)>,
    level: u8,
    entry: Option<Entry>,
    text: String,
    alternative: String,
}

impl<'a> NavReader<'a> {
    pub(super) fn new(path: &'a str) -> Self {
        Self {
            path,
            contents: Contents::default(),
            untyped: Vec::new(),
            list: None,
            level: 0,
            entry: None,
            text: String::new(),
            alternative: String::new(),
        }
    }

    pub(super) fn finish(mut self) -> Contents {
        self.end_entry();
        if self.contents.entries.is_empty() {
            self.contents.entries = self.untyped;
        }
        self.contents
    }

    fn end_entry(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        let title = squeezed(&self.text);
        entry.title = if title.is_empty() { squeezed(&self.alternative) } else { title };
        self.text.clear();
        self.alternative.clear();
        if entry.title.is_empty() {
            return;
        }
        match self.list {
            Some((List::Contents, true)) => self.contents.entries.push(entry),
            Some((List::Contents, false)) => self.untyped.push(entry),
            Some((List::Pages, _)) => self.contents.pages.push(entry),
            Some((List::Other, _)) | None => {}
        }
    }
}

impl Sink for NavReader<'_> {
    fn start(&mut self, tag: &Tag<'_>, _is_empty: bool) {
        let a = &tag.attributes;
        match tag.name {
            "nav" => {
                self.end_entry();
                self.level = 0;
                self.list = Some(if a.is_a(&["toc"]) {
                    (List::Contents, true)
                } else if a.is_a(&["page-list", "pagelist"]) {
                    (List::Pages, true)
                } else if a.get("type").is_some() {
                    (List::Other, true)
                } else {
                    (List::Contents, false)
                });
            }
            "ol" | "ul" if self.list.is_some() => {
                self.end_entry();
                self.level = self.level.saturating_add(1);
            }
            "li" => self.end_entry(),
            // A `span` directly in an item is a heading; in a link it is a part of its text.
            "a" | "span" if self.level > 0 && (self.entry.is_none() || tag.name == "a") => {
                self.end_entry();
                let target = a.text("href").and_then(|href| resolve(self.path, href));
                self.entry = Some(Entry { title: String::new(), level: self.level, target });
                self.alternative.push_str(a.get("title").unwrap_or_default());
            }
            "img" | "image" if self.entry.is_some() => {
                if let Some(alt) = a.text("alt").or(a.text("title")) {
                    self.text.push(' ');
                    self.text.push_str(alt);
                    self.text.push(' ');
                }
            }
            "br" => self.text.push(' '),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "nav" => {
                self.end_entry();
                self.list = None;
            }
            "ol" | "ul" if self.list.is_some() => {
                self.end_entry();
                self.level = self.level.saturating_sub(1);
            }
            "li" | "a" => self.end_entry(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.entry.is_some() {
            self.text.push_str(text);
        }
    }
}

/// Reads an NCX. Entries come in the order of the document: `playOrder` is wrong more often.
pub(super) struct NcxReader<'a> {
    path: &'a str,
    contents: Contents,
    list: List,
    level: u8,
    /// Entries that are open, by their place in the list, innermost last: a label and a target belong to that one.
    open: Vec<usize>,
    in_label: bool,
    text: String,
}

impl<'a> NcxReader<'a> {
    pub(super) fn new(path: &'a str) -> Self {
        Self {
            path,
            contents: Contents::default(),
            list: List::Contents,
            level: 0,
            open: Vec::new(),
            in_label: false,
            text: String::new(),
        }
    }

    pub(super) fn finish(mut self) -> Contents {
        self.contents.entries.retain(|e| !e.title.is_empty());
        self.contents.pages.retain(|e| !e.title.is_empty());
        self.contents
    }

    fn entries(&mut self) -> &mut Vec<Entry> {
        match self.list {
            List::Pages => &mut self.contents.pages,
            List::Contents | List::Other => &mut self.contents.entries,
        }
    }

    fn innermost(&mut self) -> Option<&mut Entry> {
        let index = *self.open.last()?;
        self.entries().get_mut(index)
    }
}

impl Sink for NcxReader<'_> {
    fn start(&mut self, tag: &Tag<'_>, is_empty: bool) {
        match tag.name {
            "navmap" => self.list = List::Contents,
            "pagelist" => self.list = List::Pages,
            "navlist" => self.list = List::Other,
            "navpoint" | "pagetarget" if self.list != List::Other => {
                if is_empty {
                    return;
                }
                self.level = self.level.saturating_add(1);
                let level = self.level;
                let title =
                    tag.attributes.text("value").filter(|_| tag.name == "pagetarget").unwrap_or_default().to_owned();
                let entries = self.entries();
                entries.push(Entry { title, level, target: None });
                let index = entries.len() - 1;
                self.open.push(index);
            }
            "navlabel" => {
                self.in_label = true;
                self.text.clear();
            }
            "content" => {
                let target = tag.attributes.text("src").and_then(|src| resolve(self.path, src));
                if let Some(entry) = self.innermost() {
                    entry.target = target;
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "navlabel" => {
                self.in_label = false;
                let title = squeezed(&self.text);
                if let Some(entry) = self.innermost()
                    && !title.is_empty()
                {
                    entry.title = title;
                }
            }
            "navpoint" | "pagetarget" if self.list != List::Other => {
                self.level = self.level.saturating_sub(1);
                self.open.pop();
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.in_label {
            self.text.push_str(text);
        }
    }
}

fn squeezed(text: &str) -> String {
    super::super::flow::label(text)
}
