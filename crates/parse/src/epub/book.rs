//! EPUB: spine items as chapters, XHTML and SVG as blocks.
//!
//! The `epub` crate reads the container (`container.rs`). What it does not give is read here: the navigation document of EPUB 3,
//! lists of printed pages, fallbacks of the manifest, and books that it refuses. A book is a stranger's file, so every part of it
//! is inflated with a bound, no reader recurses by the depth of its markup, and what is broken in one part leaves the others.

use std::collections::HashMap;

use super::container;
use super::contents::{Contents, NavReader, NcxReader};
use super::package::{Item, Package};
use super::protection::Protection;
use crate::ParseSettings;
use crate::archive::{Archive, EntryError, has_mark};
use crate::build::Builder;
use crate::formats::{Progress, Reader};
use crate::markup::{PageLabels, Sink, Tag, decode, decode_markup, read_xhtml, read_xml_or_soup};
use corpora_values::{
    BlockKind, Failure, FailureKind, Format, OutlineEntry, ParsedDocument, SectionKind, SectionSource,
};

/// Most notes about single chapters; the rest is counted.
const MOST_NOTES: usize = 20;

/// Path of the file that names the package files: <https://www.w3.org/TR/epub-33/#sec-container-metainf-container.xml>.
pub(super) const CONTAINER: &str = "META-INF/container.xml";

/// EPUB: an archive that names its package file, or has one.
pub(crate) const READER: Reader = Reader::Archive {
    marks: |head| has_mark(head, b"application/epub+zip") || has_mark(head, CONTAINER.as_bytes()),
    holds: |archive| {
        archive.find(CONTAINER).is_some()
            || archive.find("mimetype").is_some()
            || archive.names().iter().any(|name| name.to_ascii_lowercase().ends_with(".opf"))
    },
    read: parse,
};

fn parse(
    mut archive: Archive<'_>,
    settings: &ParseSettings,
    progress: Progress<'_>,
) -> Result<ParsedDocument, Failure> {
    let mut notes = Notes::default();
    let package = match container::read(&mut archive) {
        Some(package) => package,
        None => recover_package(&mut archive, &mut notes)?,
    };
    let protection = Protection::read(&mut archive);
    let (spine, is_made_up) = package.reading_order();
    if spine.is_empty() {
        let message = "its package file names no chapters, and there are none beside it; fetch or copy it again";
        return Err(Failure::new(FailureKind::Damaged, message));
    }
    if is_made_up {
        notes.add("the spine is missing; chapters are in the order of the manifest".to_owned());
    }
    let contents = read_contents(&mut archive, &package, &mut notes);
    let mut labels = page_labels(&contents);

    let mut builder = Builder::new(SectionKind::Chapter);
    // The first section of each file, for the outline.
    let mut sections: HashMap<String, u32> = HashMap::new();
    let titles = titles(&contents);
    let mut failed: Vec<(String, EntryError)> = Vec::new();
    let total = u32::try_from(spine.len()).unwrap_or(u32::MAX);
    for (number, id) in (1_u32..).zip(spine.iter().copied()) {
        progress(number - 1, total);
        let item = package.item(id);
        let readable = item.map(|item| package.readable(item));
        let mut label = None;
        let chapter = if let Some(reason) = settings.left_out.get(&number) {
            Err(EntryError::Damaged(reason.clone()))
        } else if readable.is_some_and(|i| protection.covers(&i.path)) {
            Err(EntryError::Protected(protection.reason()))
        } else {
            read_chapter(&mut archive, readable, &mut labels, &mut notes, number, &mut builder)
        };
        let source = match chapter {
            Ok(chapter) => {
                label = chapter.heading;
                chapter.source
            }
            Err(error) => {
                let name = readable.map_or(id, |i| i.path.as_str());
                notes.add(format!("chapter {number} ('{name}') cannot be read: {error}"));
                let reason = format!("'{name}': {error}");
                failed.push((format!("'{name}'"), error));
                SectionSource::Unreadable(reason)
            }
        };
        for item in item.into_iter().chain(readable) {
            let path = item.path.to_lowercase();
            if let Some(title) = titles.get(&path) {
                label = Some(title.clone());
            }
            sections.entry(path).or_insert(number);
        }
        builder.end_section(label, source);
    }
    progress(total, total);
    let is_protected = |(_, error): &(String, EntryError)| matches!(error, EntryError::Protected(_));
    if failed.len() == spine.len() || (builder.is_empty() && failed.iter().any(is_protected)) {
        return Err(nothing_readable(&failed));
    }
    if builder.is_empty() {
        notes.add("it has no text: its pages may be pictures, which are not read in EPUB files".to_owned());
    }
    builder.outline = outline(&contents, &sections);
    builder.notes = notes.finish();
    Ok(builder.finish(Format::Epub, package.metadata))
}

/// Notes, not more than a person reads.
#[derive(Default)]
struct Notes {
    notes: Vec<String>,
    more: usize,
}

impl Notes {
    fn add(&mut self, note: String) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(note);
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.notes.push(format!("and {} more notes of this kind", self.more));
        }
        self.notes
    }
}

/// Failure of a book of which nothing can be read.
fn nothing_readable(failed: &[(String, EntryError)]) -> Failure {
    let (first, error) = &failed[0];
    let reason = failed.iter().find_map(|(_, error)| match error {
        EntryError::Protected(reason) => Some(reason),
        _ => None,
    });
    if let Some(reason) = reason {
        return Failure::new(FailureKind::Encrypted, reason);
    }
    let kind = match error {
        _ if failed.iter().all(|(_, e)| *e == EntryError::Encrypted) => FailureKind::Encrypted,
        EntryError::TooLarge(_) => FailureKind::Memory,
        _ => FailureKind::Damaged,
    };
    let remedy = match kind {
        FailureKind::Encrypted => "unpack it with its password and pack it again without",
        FailureKind::Memory => "leave it out, unless you know where it comes from",
        _ => "fetch or copy it again",
    };
    Failure::new(kind, format!("none of its {} chapters can be read; {first}: {error}; {remedy}", failed.len()))
}

/// Finds and reads the package file of a book that the `epub` crate does not read whole: where the container says, or else where one lies, or else none.
fn recover_package(archive: &mut Archive<'_>, notes: &mut Notes) -> Result<Package, Failure> {
    let mut candidates = Vec::new();
    match archive.read(CONTAINER) {
        Ok(content) => candidates = package_files(&decode_markup(&content.bytes).text),
        Err(error) => notes.add(format!("'{CONTAINER}' cannot be read: {error}")),
    }
    let is_package = |name: &&str| name.to_ascii_lowercase().ends_with(".opf");
    let others: Vec<String> = archive.names().into_iter().filter(is_package).map(str::to_owned).collect();
    candidates.extend(others);
    let mut error = None;
    for path in &candidates {
        match archive.read(path) {
            Ok(content) => {
                let (package, note) = Package::read(&content.bytes, path);
                if package.items.is_empty() {
                    continue;
                }
                if let Some(note) = note {
                    notes.add(note);
                }
                return Ok(package);
            }
            Err(e) => error = error.or(Some((path.clone(), e))),
        }
    }
    let package = Package::of_names(archive);
    match error {
        _ if !package.spine.is_empty() => {
            notes.add("there is no package file that can be read; chapters are in the order of their names".to_owned());
            Ok(package)
        }
        Some((path, error @ EntryError::Encrypted)) => Err(nothing_readable(&[(format!("'{path}'"), error)])),
        Some((path, error)) => {
            let message =
                format!("the file is not a readable EPUB: its package file '{path}': {error}; fetch or copy it again");
            Err(Failure::new(FailureKind::Damaged, message))
        }
        None => {
            let message =
                "the file is not a readable EPUB: it has neither a package file nor chapters; fetch or copy it again";
            Err(Failure::new(FailureKind::Damaged, message))
        }
    }
}

/// The package files that the container lists.
pub(super) fn package_files(container: &str) -> Vec<String> {
    read_xml_or_soup(container, |_| RootFiles::default()).0.paths
}

#[derive(Default)]
struct RootFiles {
    paths: Vec<String>,
}

impl Sink for RootFiles {
    fn start(&mut self, tag: &Tag<'_>, _is_empty: bool) {
        let is_package = tag.attributes.get("media-type").is_none_or(|t| t.contains("oebps-package"));
        if tag.name == "rootfile" && is_package {
            let path = tag.attributes.text("full-path").and_then(|path| crate::archive::resolve("", path));
            self.paths.extend(path.map(|(path, _)| path));
        }
    }

    fn end(&mut self, _name: &str) {}

    fn text(&mut self, _text: &str) {}
}

/// Result of reading a chapter.
struct Chapter {
    heading: Option<String>,
    source: SectionSource,
}

fn read_chapter(
    archive: &mut Archive<'_>,
    item: Option<&Item>,
    labels: &mut HashMap<String, FileLabels>,
    notes: &mut Notes,
    number: u32,
    builder: &mut Builder,
) -> Result<Chapter, EntryError> {
    let item = item.ok_or_else(|| EntryError::Damaged("the manifest does not list it".to_owned()))?;
    let name = item.path.as_str();
    if item.is_image() {
        archive.find(name).ok_or(EntryError::Missing)?;
        return Ok(Chapter { heading: None, source: SectionSource::NeedsOcr });
    }
    if name.is_empty() {
        return Err(EntryError::Damaged("it lies outside the file".to_owned()));
    }
    let content = archive.read(name)?;
    if let Some(cut) = &content.cut {
        notes.add(format!("chapter {number} ('{name}') is cut short: {cut}"));
    }
    let bytes = content.bytes;
    let decoded = decode_markup(&bytes);
    if let Some(note) = &decoded.note {
        notes.add(format!("chapter {number} ('{name}'): {note}"));
    }
    let is_markup = item.is_content() || decoded.text.trim_start().starts_with('<');
    if !is_markup {
        if bytes.contains(&0) {
            return Err(EntryError::Damaged(format!("it is not text (its media type is '{}')", item.media_type)));
        }
        for line in decode(&bytes).text.lines() {
            builder.block(BlockKind::Paragraph, line, None);
        }
        return Ok(Chapter { heading: None, source: SectionSource::File });
    }
    let mut own = labels.remove(&name.to_lowercase()).unwrap_or_default();
    for label in own.at_start.drain(..) {
        builder.page_mark(&label);
    }
    let flow = read_xhtml(&decoded.text, &own.by_id);
    let heading = flow.first_heading();
    flow.into_section(builder, name);
    Ok(Chapter { heading, source: SectionSource::File })
}

/// The navigation document's lists, completed by those of the NCX.
fn read_contents(archive: &mut Archive<'_>, package: &Package, notes: &mut Notes) -> Contents {
    let mut contents = Contents::default();
    if let Some(nav) = package.nav() {
        match archive.read(&nav.path) {
            Ok(content) => {
                let text = decode_markup(&content.bytes).text;
                contents = read_xml_or_soup(&text, |_| NavReader::new(&nav.path)).0.finish();
            }
            Err(error) => notes.add(format!("the table of contents ('{}') cannot be read: {error}", nav.path)),
        }
    }
    if contents.entries.is_empty() {
        contents.entries.clone_from(&package.toc_entries);
    }
    if (contents.entries.is_empty() || contents.pages.is_empty())
        && let Some(ncx) = package.ncx()
    {
        match archive.read(&ncx.path) {
            Ok(content) => {
                let text = decode_markup(&content.bytes).text;
                let old = read_xml_or_soup(&text, |_| NcxReader::new(&ncx.path)).0.finish();
                if contents.entries.is_empty() {
                    contents.entries = old.entries;
                }
                if contents.pages.is_empty() {
                    contents.pages = old.pages;
                }
            }
            Err(error) => notes.add(format!("the table of contents ('{}') cannot be read: {error}", ncx.path)),
        }
    }
    contents
}

/// The title of each file, by its path in lower case: that of the first entry that leads to it.
fn titles(contents: &Contents) -> HashMap<String, String> {
    let mut titles = HashMap::new();
    for entry in &contents.entries {
        if let Some((path, _)) = &entry.target {
            titles.entry(path.to_lowercase()).or_insert_with(|| entry.title.clone());
        }
    }
    titles
}

/// The printed pages that begin in a file.
#[derive(Default)]
struct FileLabels {
    at_start: Vec<String>,
    by_id: PageLabels,
}

/// Labels of printed pages by file, its path in lower case.
fn page_labels(contents: &Contents) -> HashMap<String, FileLabels> {
    let mut labels: HashMap<String, FileLabels> = HashMap::new();
    for page in &contents.pages {
        let Some((path, fragment)) = &page.target else { continue };
        let file = labels.entry(path.to_lowercase()).or_default();
        match fragment {
            Some(id) if !id.is_empty() => {
                file.by_id.entry(id.clone()).or_insert_with(|| page.title.clone());
            }
            _ => file.at_start.push(page.title.clone()),
        }
    }
    labels
}

/// The entries that lead to a chapter; a heading without a target leads to where the next entry below it does.
fn outline(contents: &Contents, sections: &HashMap<String, u32>) -> Vec<OutlineEntry> {
    let entries = &contents.entries;
    let mut found: Vec<OutlineEntry> = Vec::with_capacity(entries.len());
    // Backwards, so that a heading finds what follows it: the section that the nearest later entry leads to.
    let mut following: Option<(u8, u32)> = None;
    for entry in entries.iter().rev() {
        let section = match &entry.target {
            Some((path, _)) => sections.get(&path.to_lowercase()).copied(),
            None => following.filter(|(level, _)| *level > entry.level).map(|(_, section)| section),
        };
        if let Some(section) = section {
            following = Some((entry.level, section));
            found.push(OutlineEntry { title: entry.title.clone(), level: entry.level, section });
        }
    }
    found.reverse();
    found
}
