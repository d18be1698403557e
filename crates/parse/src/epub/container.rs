//! The container as the `epub` crate reads it: metadata, manifest, spine and the table of contents of EPUB 2.
//!
//! The crate inflates without a bound and keeps a tree of what it reads, and a tree that is deep enough ends the process
//! when it is dropped. So it is never given the book, but an archive of the parts that it reads on opening
//! (`META-INF/container.xml`, the package file, NCX), which have been inflated and looked through before. It passes over
//! what it does not understand (items without a media type, metadata in CDATA or in `dc-metadata`, an NCX with a fault) and
//! says nothing; so what it gives is counted. A book that is not for the crate, or
//! of which it gives less than is there, is read by [`Package::read`](super::package::Package::read) and
//! [`NcxReader`](super::contents::NcxReader), which recover.

use std::io::{Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use epub::doc::{EpubDoc, NavPoint};
use zip::write::SimpleFileOptions;

use super::super::archive::{Archive, resolve};
use super::super::flow::label;
use super::super::markup::{Sink, Tag, decode_markup, read_xml};
use super::book::{CONTAINER, package_files};
use super::contents::Entry;
use super::package::{Item, Package};
use corpora_values::Metadata;

/// Most bytes of one part. A manifest of 10,000 chapters has 1 MB.
const LARGEST_PART: u64 = 4 << 20;

/// Most bytes that the crate's tree of one part may take, as estimated by [`Survey::tree`].
const LARGEST_TREE: usize = 64 << 20;

/// Deepest nesting of elements: the crate follows it by recursion. Tables of contents have up to 10 levels.
const DEEPEST: u32 = 64;

/// Most NCX files that are handed over; a book has one.
const MOST_NCX: usize = 4;

type Doc<'a> = EpubDoc<Cursor<&'a [u8]>>;

/// The package with its metadata, manifest, spine and NCX, or none if the book is not for the crate, or too faulty for it.
pub(super) fn read(archive: &mut Archive<'_>) -> Option<Package> {
    let container = Part::read(archive, CONTAINER)?;
    let path = package_files(&container.text).into_iter().next()?;
    let package = Part::read(archive, &path)?;
    // Only the crate knows which NCX it will ask for.
    let names: Vec<String> = archive.names().into_iter().filter(|n| n.ends_with(".ncx")).map(str::to_owned).collect();
    let ncx: Vec<Part> = names.iter().take(MOST_NCX).filter_map(|name| Part::read(archive, name)).collect();

    let mut parts = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for part in [&container, &package].into_iter().chain(&ncx) {
        let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        parts.start_file(part.path.as_str(), stored).ok()?;
        parts.write_all(part.text.as_bytes()).ok()?;
    }
    let parts = parts.finish().ok()?.into_inner();
    let doc = catch_unwind(AssertUnwindSafe(|| EpubDoc::from_reader(Cursor::new(parts.as_slice())))).ok()?.ok()?;
    let mut read = whole_package(&doc, package)?;
    let ncx = read.ncx().and_then(|item| ncx.iter().find(|part| part.path == item.path));
    read.toc_entries = ncx.and_then(|ncx| whole_contents(&doc, ncx)).unwrap_or_default();
    Some(read)
}

/// Package as the crate gives it, with what it does not give (the order of the manifest, fallbacks, the id of the NCX),
/// or none if it has left something out.
fn whole_package(doc: &Doc<'_>, Part { path, survey, .. }: Part) -> Option<Package> {
    let metadata = metadata(doc, &survey)?;
    let is_whole = !doc.spine.is_empty() && doc.spine.len() == survey.itemrefs;
    if !is_whole || doc.resources.len() != survey.items.len() {
        return None;
    }
    let mut package = Package::default();
    (package.metadata, package.toc) = (metadata, survey.toc);
    package.spine.extend(doc.spine.iter().map(|item| item.idref.trim().to_owned()));
    for (id, fallback) in survey.items {
        let resource = doc.resources.get(&id)?;
        package.add(Item {
            path: place(&resource.path, &doc.root_base, &path).map(|(path, _)| path).unwrap_or_default(),
            media_type: resource.mime.trim().to_ascii_lowercase(),
            properties: resource.properties.clone().unwrap_or_default(),
            fallback,
            id,
        });
    }
    Some(package)
}

fn metadata(doc: &Doc<'_>, survey: &Survey) -> Option<Metadata> {
    let (mut title, mut main_title, mut creators, mut language) = (None, None, Vec::new(), None);
    let mut count = 0;
    for item in &doc.metadata {
        let value = item.value.split_whitespace().collect::<Vec<_>>().join(" ");
        if value.is_empty() || !is_read(&item.property) {
            continue;
        }
        count += 1;
        match item.property.as_str() {
            "title" if item.refinement("title-type").is_some_and(|r| r.value.trim() == "main") => {
                main_title = Some(value);
            }
            "title" => title = title.or(Some(value)),
            "creator" => creators.push(value),
            _ => language = language.or(Some(value)),
        }
    }
    let author = (!creators.is_empty()).then(|| creators.join("; "));
    (count == survey.metadata).then(|| Metadata { title: main_title.or(title), author, language })
}

/// Test whether a piece of metadata is one of those that are kept, by its local name.
fn is_read(name: &str) -> bool {
    matches!(name, "title" | "creator" | "language")
}

/// The lines of the NCX, or none if the crate has left some out, or has put them into the order of a `playOrder` that is
/// not theirs in the file: that attribute is wrong more often.
fn whole_contents(doc: &Doc<'_>, Part { path, survey, .. }: &Part) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let base = Path::new(path).parent()?;
    add_entries(&doc.toc, 1, &|content| place(content, base, path), &mut entries);
    let is_whole = entries.len() == survey.entries && entries.len() == survey.targets;
    (is_whole && !survey.is_disordered && entries.iter().all(|e| !e.title.is_empty())).then_some(entries)
}

type Place = (String, Option<String>);

/// Recursion ends at [`DEEPEST`].
fn add_entries(points: &[NavPoint], level: u8, place: &dyn Fn(&Path) -> Option<Place>, to: &mut Vec<Entry>) {
    for point in points {
        to.push(Entry { title: label(&point.label), level, target: place(&point.content) });
        add_entries(&point.children, level.saturating_add(1), place, to);
    }
}

/// The place in the archive of a reference that the crate has put behind the folder of the file it stands in.
fn place(joined: &Path, folder: &Path, file: &str) -> Option<Place> {
    let reference = joined.strip_prefix(folder).unwrap_or(joined);
    resolve(file, reference.to_str()?)
}

/// A file of the container.
struct Part {
    path: String,
    /// Without its declaration, which may name an encoding that this text no longer has.
    text: String,
    survey: Survey,
}

impl Part {
    /// A part that the crate can be given, or none.
    fn read(archive: &mut Archive<'_>, path: &str) -> Option<Self> {
        let content = archive.read_at_most(path, LARGEST_PART).ok().filter(|content| content.cut.is_none())?;
        let decoded = decode_markup(&content.bytes);
        let text = decoded.text.trim_start();
        let text = match text.strip_prefix("<?xml ") {
            Some(rest) => rest.split_once("?>")?.1,
            None => text,
        };
        // The crate does not join CDATA to the text around it, and what entities become in it is not bounded.
        if text.contains("<![CDATA[") || text.contains("<!ENTITY") {
            return None;
        }
        let mut survey = Survey::default();
        read_xml(text, &mut survey).ok()?;
        let is_fit = survey.deepest <= DEEPEST && survey.tree(text) <= LARGEST_TREE;
        is_fit.then(|| Self { path: path.to_owned(), text: text.to_owned(), survey })
    }
}

/// Facts about a part, which tell whether the crate can be given it, and are compared with what it gives.
#[derive(Default)]
struct Survey {
    depth: u32,
    deepest: u32,
    elements: usize,
    /// Id and fallback of each item of a manifest.
    items: Vec<(String, Option<String>)>,
    itemrefs: usize,
    /// The id of the NCX.
    toc: Option<String>,
    /// Pieces of metadata that are not blank: see [`is_read`].
    metadata: usize,
    is_in_metadata: bool,
    /// Lines of an NCX.
    entries: usize,
    /// Their targets.
    targets: usize,
    is_in_map: bool,
    play_order: Option<usize>,
    is_disordered: bool,
}

impl Survey {
    /// About the bytes that a tree of this text takes: each element has a copy of all namespaces that are in force.
    fn tree(&self, text: &str) -> usize {
        let declarations = text.split("xmlns").skip(1).map(|rest| {
            let quote = rest.find(['"', '\'']).unwrap_or(rest.len());
            let value = rest.get(quote + 1..).unwrap_or_default();
            64 + quote + value.find(['"', '\'']).unwrap_or(value.len())
        });
        declarations.sum::<usize>().saturating_add(1024).saturating_mul(self.elements)
    }
}

impl Sink for Survey {
    fn start(&mut self, tag: &Tag<'_>, is_empty: bool) {
        let a = &tag.attributes;
        self.elements += 1;
        self.deepest = self.deepest.max(self.depth + 1);
        self.depth += u32::from(!is_empty);
        self.is_in_metadata = is_read(tag.name);
        match tag.name {
            "item" => {
                let id = a.get("id").unwrap_or_default().to_owned();
                self.items.push((id, a.text("fallback").map(str::to_owned)));
            }
            "itemref" => self.itemrefs += 1,
            "spine" => self.toc = a.text("toc").map(str::to_owned),
            "navmap" => self.is_in_map = true,
            "navpoint" if !is_empty => {
                self.entries += 1;
                let play_order = a.get("playorder").and_then(|order| order.parse().ok());
                self.is_disordered |= play_order < self.play_order;
                self.play_order = play_order;
            }
            "content" if self.is_in_map => self.targets += 1,
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.is_in_metadata = false;
        self.is_in_map &= name != "navmap";
    }

    fn text(&mut self, text: &str) {
        // A text may come in pieces; it counts once.
        if self.is_in_metadata && !text.trim().is_empty() {
            self.metadata += 1;
            self.is_in_metadata = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTAINER_XML: &str = r#"<?xml version="1.0" encoding="utf-16"?><container><rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;
    const NCX: &str = r#"<ncx><navMap><navPoint playOrder="1"><navLabel><text>One &amp; <!-- c --> more</text></navLabel><content src="a.xhtml#x"/><navPoint playOrder="2"><navLabel><text>Sub</text></navLabel><content src="../b%20c.xhtml"/></navPoint></navPoint></navMap></ncx>"#;

    fn package(metadata: &str, more: &str) -> String {
        format!(
            r#"<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/" version="3.0"><metadata>{metadata}</metadata><manifest><item id="z" href="b%20c.xhtml" media-type="Application/XHTML+xml" fallback="a"/><item id="a" href="./text/../a.xhtml" media-type="text/html" properties="nav"/><item id="n" href="toc.ncx" media-type="application/x-dtbncx+xml"/></manifest><spine toc="n"><itemref idref="z"/><itemref idref="a" linear="no"/></spine>{more}</package>"#
        )
    }

    fn read_parts(container: &str, package: &str, ncx: &str) -> Option<Package> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in [(CONTAINER, container), ("OPS/book.opf", package), ("OPS/toc.ncx", ncx)] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        read(&mut Archive::open(&bytes).unwrap())
    }

    #[test]
    fn the_crate_gives_all_but_the_order_of_the_manifest_and_fallbacks() {
        let titles = r##"<dc:title>Short</dc:title><dc:title id="t">The &amp;
            Book</dc:title><meta refines="#t" property="title-type">main</meta><dc:creator>A</dc:creator><dc:creator>B</dc:creator><dc:language>de</dc:language><dc:language>en</dc:language>"##;
        let book = read_parts(CONTAINER_XML, &package(titles, ""), NCX).unwrap();
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(book.metadata, Metadata { title: said("The & Book"), author: said("A; B"), language: said("de") });
        assert_eq!(book.spine, ["z", "a"]);
        let places: Vec<&str> = book.items.iter().map(|i| i.path.as_str()).collect();
        assert_eq!(places, ["OPS/b c.xhtml", "OPS/a.xhtml", "OPS/toc.ncx"]);
        assert_eq!(book.items[0].media_type, "application/xhtml+xml");
        assert_eq!(book.items[0].fallback.as_deref(), Some("a"));
        assert_eq!(book.nav().map(|i| i.id.as_str()), Some("a"));
        let entry = |title: &str, level, path: &str, fragment: Option<&str>| Entry {
            title: title.to_owned(),
            level,
            target: Some((path.to_owned(), fragment.map(str::to_owned))),
        };
        assert_eq!(
            book.toc_entries,
            [entry("One & more", 1, "OPS/a.xhtml", Some("x")), entry("Sub", 2, "b c.xhtml", None)]
        );
    }

    #[test]
    fn what_the_crate_would_leave_out_is_left_to_recovery() {
        let is_read = |metadata: &str, more: &str| read_parts(CONTAINER_XML, &package(metadata, more), NCX).is_some();
        assert!(is_read("<dc:title>x</dc:title>", ""));
        for metadata in [
            "<dc:title><![CDATA[x]]></dc:title>",
            "<dc:title>caf&eacute;</dc:title>",
            "<title xmlns='urn:other'>x</title>",
            "<dc-metadata><dc:title>x</dc:title></dc-metadata>",
        ] {
            assert!(!is_read(metadata, ""), "{metadata}");
        }
        for more in ["<item id='a' href='c.xhtml' media-type='text/html'/>", "<itemref idref='a'/>", "<open>", "&x;"] {
            assert!(!is_read("", more), "{more}");
        }
        assert!(read_parts(r#"<container><rootfile full-path=""/></container>"#, &package("", ""), NCX).is_none());
        let toc = |ncx: &str| read_parts(CONTAINER_XML, &package("", ""), ncx).unwrap().toc_entries.len();
        assert_eq!(toc(NCX), 2);
        assert_eq!(toc(&NCX.replace("playOrder=\"1\"", "playOrder=\"3\"")), 0);
        assert_eq!(toc(&NCX.replace("<text>Sub</text>", "")), 0);
        assert_eq!(toc(&NCX.replace("Sub", "&sub;")), 0);
    }

    #[test]
    fn what_would_exhaust_memory_or_stack_is_not_given_to_the_crate() {
        let is_read = |more: &str| read_parts(CONTAINER_XML, &package("", more), NCX).is_some();
        assert!(is_read(&format!("{}{}", "<g>".repeat(60), "</g>".repeat(60))));
        assert!(!is_read(&format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000))));
        assert!(!is_read(&" ".repeat(5 << 20)));
        assert!(!is_read(&"<g/>".repeat(100_000)));
        let long = "x".repeat(100_000);
        assert!(is_read(&format!("<g xmlns:p='{long}'/>")));
        assert!(!is_read(&format!("<g xmlns:p='{long}'>{}</g>", "<g/>".repeat(1_000))));
        assert!(read_parts(&" ".repeat(5 << 20), &package("", ""), NCX).is_none());
        let bomb = NCX.replace("Sub", &" ".repeat(5 << 20));
        assert!(read_parts(CONTAINER_XML, &package("", ""), &bomb).unwrap().toc_entries.is_empty());
    }
}
