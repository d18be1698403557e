//! What the store knows beside the vocabulary files: what became of each book, its pages, its text.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::context::units;
use super::error::LookError;
use super::shapes::{Chapter, PageText};
use crate::store::{DocId, Reader, StageFps};
use crate::values::{Format, ParsedDocument, Section, SectionSource, Stage};

/// The store of the folder, if it has one, and the fingerprints of its newest run.
pub type LookSource<'a> = Option<(&'a Reader, &'a StageFps)>;

/// Files read from the store at a time.
const PAGE: usize = 512;

/// Titles of chapters that are shown of a book.
const CHAPTERS: usize = 400;

/// Takes what became of each file into the table of books. Files without a vocabulary file become books of their own.
pub(super) fn note_outcomes(db: &Connection, reader: &Reader, fps: &StageFps) -> Result<(), LookError> {
    db.execute_batch("CREATE INDEX book_path ON book (path)")?;
    let mut update = db.prepare("UPDATE book SET state = ?2, reason = ?3 WHERE path = ?1 AND state = 'done'")?;
    let mut insert = db.prepare(
        "INSERT INTO book (path, state, reason) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM book WHERE path = ?1)",
    )?;
    let mut after = String::new();
    loop {
        let page = reader.outcomes_after(fps, &after, PAGE)?;
        let Some(last) = page.last() else { break };
        last.path.as_str().clone_into(&mut after);
        for row in page {
            let path = row.path.as_str();
            let (state, reason) = match (&row.failed, &row.partial, &row.output) {
                (Some((stage, kind, message)), ..) => ("failed", Some(format!("{}: {kind}: {message}", stage.name()))),
                (None, Some((_, notes)), _) => ("partial", notes.clone()),
                (None, None, Some(_)) => ("done", None),
                (None, None, None) => ("waiting", None),
            };
            if state == "failed" || state == "partial" {
                update.execute(params![path, state, reason])?;
            }
            insert.execute(params![path, state, reason])?;
        }
    }
    after.clear();
    let mut number = db.prepare("UPDATE book SET doc = ?2 WHERE path = ?1")?;
    loop {
        let page = reader.documents_after(fps[Stage::Write], &after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        last.path.as_str().clone_into(&mut after);
        for row in page {
            number.execute(params![row.path.as_str(), row.doc])?;
        }
    }
}

/// The number of a book's document, and its path.
pub(super) fn document_of(db: &Connection, book: u32) -> Result<Option<(DocId, String)>, LookError> {
    let sql = "SELECT doc, path FROM books.book WHERE n = ?1 AND doc IS NOT NULL";
    Ok(db.query_row(sql, [book], |r| Ok((DocId(r.get(0)?), r.get(1)?))).optional()?)
}

/// The parsed text of a book, where the store has it.
pub(super) fn text_of(db: &Connection, source: LookSource<'_>, book: u32) -> Result<Option<ParsedDocument>, LookError> {
    let Some((reader, fps)) = source else { return Ok(None) };
    // What is spoilt or not there yet is shown as a book without text.
    Ok(document_of(db, book)?.and_then(|(doc, _)| reader.artifact::<ParsedDocument>(fps, doc).ok()))
}

/// Sections that are not read, with the reason.
pub(super) fn unread(parsed: &ParsedDocument) -> Vec<(u32, String)> {
    let of = |section: &Section| match &section.source {
        SectionSource::NeedsOcr => Some((section.number, "a picture, which nothing has recognised".to_owned())),
        SectionSource::Unreadable(reason) => Some((section.number, reason.clone())),
        SectionSource::File | SectionSource::Ocr => None,
    };
    parsed.sections.iter().filter_map(of).collect()
}

/// Chapters of a book: the table of contents that it carries, two levels deep, or else its sections with titles.
pub(super) fn chapters(parsed: &ParsedDocument) -> Vec<Chapter> {
    let chapter =
        |section, title: &str, level| Chapter { section, title: title.to_owned(), level, ..Chapter::default() };
    if !parsed.outline.is_empty() {
        let outline = parsed.outline.iter().filter(|entry| entry.level <= 2);
        return outline.map(|e| chapter(e.section, &e.title, e.level)).take(CHAPTERS).collect();
    }
    let is_page = |section: &Section| section.kind == crate::values::SectionKind::Page;
    let titled = parsed.sections.iter().filter(|s| !is_page(s));
    titled.filter_map(|s| Some(chapter(s.number, s.label.as_deref()?, 1))).take(CHAPTERS).collect()
}

/// Text of a section, with the places (in characters of the document) that lie in it marked.
pub(super) fn page(
    parsed: &ParsedDocument,
    section: u32,
    places: &[(usize, usize)],
    definition: Option<(usize, usize)>,
) -> Option<PageText> {
    let index = parsed.sections.iter().position(|s| s.number == section)?;
    let here = &parsed.sections[index];
    let begin = parsed.text[..here.span.start as usize].chars().count();
    let text = here.span.of(&parsed.text);
    let chars: Vec<char> = text.chars().collect();
    let mut known: HashMap<usize, usize> = HashMap::new();
    let mut at = |n: usize| *known.entry(n).or_insert_with(|| chars[..n].iter().map(|c| c.len_utf16()).sum());
    let mut mark = |(from, to): (usize, usize)| {
        let from = from.checked_sub(begin)?;
        let to = to.checked_sub(begin)?.min(chars.len());
        (from < to).then(|| (at(from), at(to) - at(from)))
    };
    let mut marks: Vec<(usize, usize)> = places.iter().filter_map(|place| mark(*place)).collect();
    marks.sort_unstable();
    marks.dedup();
    let definition = definition.and_then(&mut mark);
    debug_assert!(marks.iter().all(|(at, length)| at + length <= units(text)));
    let number = |n: usize| parsed.sections.get(n).map(|s| s.number);
    Some(PageText {
        book: 0,
        section,
        label: here.label.clone(),
        text: text.to_owned(),
        marks,
        definition,
        around: (index.checked_sub(1).and_then(number), number(index + 1)),
        is_printed: parsed.format == Format::Pdf,
    })
}

/// Blocks of a section in which places (in characters of the document) lie: left, top, width and height in points.
pub(super) fn blocks(parsed: &ParsedDocument, section: u32, places: &[(usize, usize)]) -> Vec<[f32; 4]> {
    let Some(here) = parsed.sections.iter().find(|s| s.number == section) else { return Vec::new() };
    let mut before = parsed.text[..here.span.start as usize].chars().count();
    let mut at = here.span.start as usize;
    let mut found = Vec::new();
    for block in parsed.blocks.iter().filter(|block| here.span.contains(block.span.start)) {
        let (start, end) = (block.span.start as usize, block.span.end as usize);
        before += parsed.text[at..start].chars().count();
        let length = parsed.text[start..end].chars().count();
        let holds = places.iter().any(|(from, _)| (before..before + length).contains(from));
        let tenths = |n: i32| n as f32 / 10.0;
        found.extend(block.area.filter(|_| holds).map(|area| {
            [tenths(area.left), tenths(area.top), tenths(area.right - area.left), tenths(area.bottom - area.top)]
        }));
        (before, at) = (before + length, end);
    }
    found
}
