//! The package: metadata, manifest, spine; and our own reading of its file, for books that the `epub` crate does not read
//! whole (see [`container`](super::container)). <https://www.w3.org/TR/epub-33/#sec-package-doc>,
//! <https://idpf.org/epub/20/spec/OPF_2.0_latest.htm>.

use std::collections::HashMap;

use super::super::archive::{Archive, resolve};
use super::super::markup::{Sink, Tag, decode_markup, read_xml_or_soup};
use super::contents::Entry;
use corpora_values::Metadata;

/// Contents of the package file.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) metadata: Metadata,
    /// Items that the manifest lists.
    pub(super) items: Vec<Item>,
    /// The spine's references to the manifest, in order.
    pub(super) spine: Vec<String>,
    /// The NCX that the spine names.
    pub(super) toc: Option<String>,
    /// The lines of that NCX, if they have been read already.
    pub(super) toc_entries: Vec<Entry>,
    by_id: HashMap<String, usize>,
    /// By id in lower case.
    by_folded_id: HashMap<String, usize>,
}

/// An entry of the manifest.
#[derive(Debug, Default, Clone)]
pub(super) struct Item {
    pub(super) id: String,
    /// Its place in the archive; empty for what lies elsewhere.
    pub(super) path: String,
    /// Its media type in lower case, as far as it can be believed.
    pub(super) media_type: String,
    pub(super) properties: String,
    pub(super) fallback: Option<String>,
}

impl Item {
    /// Test whether it is a document that can be a chapter: <https://www.w3.org/TR/epub-33/#sec-epub-content-docs>, and
    /// for EPUB 2 <https://idpf.org/epub/20/spec/OPS_2.0_latest.htm#Section1.3.7>. The name counts as much as the media
    /// type: each is wrong often enough.
    pub(super) fn is_content(&self) -> bool {
        let name = self.path.to_ascii_lowercase();
        matches!(
            self.media_type.as_str(),
            "application/xhtml+xml"
                | "text/html"
                | "image/svg+xml"
                | "application/x-dtbook+xml"
                | "text/x-oeb1-document"
        ) || [".xhtml", ".html", ".htm", ".svg"].iter().any(|end| name.ends_with(end))
    }

    /// Test whether it is a picture made of dots.
    pub(super) fn is_image(&self) -> bool {
        self.media_type.starts_with("image/") && !self.is_content()
    }
}

impl Package {
    /// Reads the package file at `path`. The note says what was wrong with it.
    pub(super) fn read(text: &[u8], path: &str) -> (Self, Option<String>) {
        let decoded = decode_markup(text);
        let (reader, broken) = read_xml_or_soup(&decoded.text, |_| PackageReader::new(path));
        let package = reader.finish();
        (package, broken.map(|reason| format!("the package file '{path}' is not well-formed ({reason})")))
    }

    /// A package for an archive that has none: every document that could be a chapter, in the order of their names.
    pub(super) fn of_names(archive: &Archive<'_>) -> Self {
        let mut package = Self::default();
        for name in archive.names() {
            let item = Item { id: name.to_owned(), path: name.to_owned(), ..Item::default() };
            if item.is_content() && !name.to_ascii_lowercase().ends_with(".svg") {
                package.spine.push(item.id.clone());
                package.add(item);
            }
        }
        package
    }

    pub(super) fn add(&mut self, item: Item) {
        // Of items with one id the first counts, as it does for an XML parser.
        self.by_id.entry(item.id.clone()).or_insert(self.items.len());
        self.by_folded_id.entry(item.id.trim().to_lowercase()).or_insert(self.items.len());
        self.items.push(item);
    }

    /// The spine in order, or where there is none every document of the manifest. The flag says that it was made up.
    pub(super) fn reading_order(&self) -> (Vec<&str>, bool) {
        if !self.spine.is_empty() {
            return (self.spine.iter().map(String::as_str).collect(), false);
        }
        let documents = self.items.iter().filter(|i| i.is_content() && !i.path.ends_with(".svg"));
        (documents.map(|i| i.id.as_str()).collect(), true)
    }

    /// The item that an id names; failing that, one whose id differs in case or white space only.
    pub(super) fn item(&self, id: &str) -> Option<&Item> {
        let index = self.by_id.get(id).or_else(|| self.by_folded_id.get(&id.trim().to_lowercase()))?;
        self.items.get(*index)
    }

    /// The item to read for one of the spine: itself, or the first along its chain of fallbacks that is a content
    /// document. <https://www.w3.org/TR/epub-33/#sec-manifest-fallbacks>.
    pub(super) fn readable<'a>(&'a self, item: &'a Item) -> &'a Item {
        let mut at = item;
        // A chain may lead back to its beginning.
        for _ in 0..16 {
            if at.is_content() {
                return at;
            }
            let Some(next) = at.fallback.as_deref().and_then(|id| self.item(id)) else { break };
            at = next;
        }
        item
    }

    /// The navigation document of EPUB 3.
    pub(super) fn nav(&self) -> Option<&Item> {
        self.items.iter().find(|i| i.properties.split_ascii_whitespace().any(|p| p == "nav"))
    }

    /// The NCX of EPUB 2: the one that the spine names, or else the one of that type or name.
    pub(super) fn ncx(&self) -> Option<&Item> {
        let named = self.toc.as_deref().and_then(|id| self.item(id));
        named.or_else(|| {
            self.items.iter().find(|i| i.media_type == "application/x-dtbncx+xml" || i.path.ends_with(".ncx"))
        })
    }
}

struct PackageReader<'a> {
    path: &'a str,
    package: Package,
    titles: Vec<(Option<String>, String)>,
    /// The id of the title that is the main one.
    main_title: Option<String>,
    creators: Vec<String>,
    languages: Vec<String>,
    /// The field whose text is being read.
    field: Option<Field>,
    text: String,
}

enum Field {
    Title(Option<String>),
    Creator,
    Language,
    TitleType(String),
}

impl<'a> PackageReader<'a> {
    fn new(path: &'a str) -> Self {
        Self {
            path,
            package: Package::default(),
            titles: Vec::new(),
            main_title: None,
            creators: Vec::new(),
            languages: Vec::new(),
            field: None,
            text: String::new(),
        }
    }

    fn finish(self) -> Package {
        let Self { mut package, titles, main_title, creators, languages, .. } = self;
        let main = titles.iter().find(|(id, _)| id.is_some() && *id == main_title).or(titles.first());
        package.metadata = Metadata {
            title: main.map(|(_, title)| title.clone()),
            author: (!creators.is_empty()).then(|| creators.join("; ")),
            language: languages.into_iter().next(),
        };
        package
    }
}

impl Sink for PackageReader<'_> {
    fn start(&mut self, tag: &Tag<'_>, _is_empty: bool) {
        let a = &tag.attributes;
        let owned = |name: &str| a.text(name).map(str::to_owned);
        self.text.clear();
        self.field = match tag.name {
            "title" => Some(Field::Title(owned("id"))),
            "creator" => Some(Field::Creator),
            "language" => Some(Field::Language),
            "meta" if a.get("property") == Some("title-type") => {
                a.text("refines").map(|id| Field::TitleType(id.trim_start_matches('#').to_owned()))
            }
            _ => None,
        };
        match tag.name {
            "item" => {
                let Some(href) = a.text("href") else { return };
                let item = Item {
                    id: a.get("id").unwrap_or(href).to_owned(),
                    path: resolve(self.path, href).map(|(path, _)| path).unwrap_or_default(),
                    media_type: a.get("media-type").unwrap_or_default().trim().to_ascii_lowercase(),
                    properties: a.get("properties").unwrap_or_default().to_owned(),
                    fallback: owned("fallback"),
                };
                self.package.add(item);
            }
            "spine" => self.package.toc = owned("toc"),
            "itemref" => self.package.spine.extend(owned("idref")),
            _ => {}
        }
    }

    fn end(&mut self, _name: &str) {
        let text = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.text.clear();
        match self.field.take() {
            _ if text.is_empty() => {}
            Some(Field::Title(id)) => self.titles.push((id, text)),
            Some(Field::Creator) => self.creators.push(text),
            Some(Field::Language) => self.languages.push(text),
            Some(Field::TitleType(id)) if text == "main" => self.main_title = Some(id),
            Some(Field::TitleType(_)) | None => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.field.is_some() {
            self.text.push_str(text);
        }
    }
}
