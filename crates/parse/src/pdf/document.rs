//! A whole PDF: its pages one by one, then what only all of them together tell.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::codes::UnknownCodes;
use super::headings::Faces;
use super::lines::PageBlock;
use super::pages::{self, File, PageText};
use super::tagged::Tagged;
use super::{contents, definitions, furniture, headings, hyphens, notes, structure, tables};
use crate::ParseSettings;
use crate::archive::ZIP;
use crate::build::Builder;
use crate::formats::{Progress, Reader};
use crate::ocr::{self, Ocr};
use corpora_values::{
    BlockKind, Failure, FailureKind, Format, Metadata, ParsedDocument, SectionKind, SectionSource, Table,
};

/// PDF: a header within the first 1,024 bytes, as readers accept it (ISO 32000-1, annex H, note 13), or later in the head of the file
/// a whole line of one.
pub(crate) const READER: Reader = Reader::Bytes { marks: has_header, read: parse };

fn has_header(head: &[u8]) -> bool {
    let is_line = |line: &[u8]| match line {
        [b'%', b'P', b'D', b'F', b'-', major, b'.', minor, rest @ ..] => {
            major.is_ascii_digit() && minor.is_ascii_digit() && matches!(rest, [] | [b'\r'])
        }
        _ => false,
    };
    !head.starts_with(ZIP)
        && (head[..head.len().min(1024)].windows(5).any(|w| w == b"%PDF-") || head.split(|b| *b == b'\n').any(is_line))
}

fn parse(bytes: Cow<'_, [u8]>, settings: &ParseSettings, progress: Progress<'_>) -> Result<ParsedDocument, Failure> {
    let bytes = Arc::new(bytes.into_owned());
    let pdf = open(&bytes, settings)?;
    let places = structure::places(&pdf);
    let count = places.len();
    if count == 0 {
        let message = "its page tree leads to no page: it is empty, or runs in circles; a program that repairs PDF files may find the pages";
        return Err(Failure::new(FailureKind::Damaged, message));
    }
    let tree = Tagged::of(&pdf);
    let unknown = UnknownCodes::default();
    let file = File { pdf: &pdf, bytes: &bytes, places: &places, tree: &tree, unknown: &unknown, settings };
    let mut pages = pages::read(&file, progress);
    let key = pages::solve(&unknown, &mut pages);
    let mut ocr = Ocr::new(settings);
    pages::read_pictures(&file, &mut pages, &mut ocr, progress);
    pages::write_solved(&key, &mut pages);
    let broken: Vec<usize> = numbers(&pages, |page| matches!(page.source, SectionSource::Unreadable(_)));
    if broken.len() == count {
        let why = pages.iter().find_map(|page| match &page.source {
            SectionSource::Unreadable(why) => Some(format!(" (of the first, {why})")),
            _ => None,
        });
        return Err(Failure::new(
            FailureKind::Damaged,
            format!("none of its {count} pages can be read{}; fetch or copy it again", why.unwrap_or_default()),
        ));
    }
    let mut builder = Builder::new(SectionKind::Page);
    builder.notes.extend(ocr.notes());
    if !broken.is_empty() {
        builder.notes.push(format!("{} cannot be read and left out", ocr::pages(&broken)));
    }
    builder.notes.extend(settings.left_out.iter().map(|(number, reason)| format!("page {number}: {reason}")));
    builder.notes.extend(structure::remark(&pdf).map(str::to_owned));
    build(&pdf, &places, pages, &mut builder);
    let info = pdf.metadata();
    let text = |bytes: &Option<Box<[u8]>>| structure::text_string(bytes.as_ref()?);
    let language = structure::language(&pdf, tree.language);
    let metadata = Metadata { title: text(&info.title), author: text(&info.author), language };
    Ok(builder.finish(Format::Pdf, metadata))
}

pub(super) fn open(bytes: &Arc<Vec<u8>>, settings: &ParseSettings) -> Result<Pdf, Failure> {
    let mut outcome = Pdf::new(bytes.clone());
    for password in &settings.passwords {
        if !matches!(outcome, Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected))) {
            break;
        }
        outcome = Pdf::new_with_password(bytes.clone(), password);
    }
    outcome.map_err(|e| match e {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Failure::new(
            FailureKind::Encrypted,
            if settings.passwords.is_empty() {
                "the file is encrypted and needs a password; put it into a file and run again with --password-file FILE --retry-failed".to_owned()
            } else {
                let n = settings.passwords.len();
                format!("the file is encrypted, and none of the {n} passwords of --password-file opens it; add the right one and run again with --retry-failed")
            },
        ),
        LoadPdfError::Decryption(_) => Failure::new(
            FailureKind::Encrypted,
            "the file is encrypted in a way that cannot be read; remove the encryption and run again",
        ),
        LoadPdfError::Invalid => Failure::new(
            FailureKind::Damaged,
            "the file is not a readable PDF (no page tree can be found); fetch or copy it again",
        ),
    })
}

/// Puts the pages into the document: what a block is, which blocks are furniture, which hyphens stay.
fn build(pdf: &Pdf, places: &[Option<usize>], mut pages: Vec<PageText>, builder: &mut Builder) {
    let mut blocks: Vec<Vec<PageBlock>> = pages.iter_mut().map(|page| std::mem::take(&mut page.blocks)).collect();
    let outline = structure::outline(pdf, places);
    let labels = structure::page_labels(pdf, places.len());
    let sheet = |place: &Option<usize>| {
        let page = place.and_then(|place| pdf.pages().get(place));
        page.map_or((0, 0), |page| {
            let (width, height) = page.render_dimensions();
            ((width * 10.0) as i32, (height * 10.0) as i32)
        })
    };
    let sheets: Vec<(i32, i32)> = places.iter().map(sheet).collect();
    let furniture = furniture::find(&blocks, &sheets);
    let hyphenated = hyphens::hyphenated_words(&blocks);
    let of_text = blocks
        .iter()
        .flatten()
        .zip(furniture.iter().flatten())
        .filter_map(|(block, furniture)| (!furniture).then_some(block));
    let faces = Faces::of(of_text, &outline);
    let mut kinds: Vec<Vec<BlockKind>> = (1..)
        .zip(blocks.iter().zip(&furniture))
        .map(|(number, (blocks, furniture))| {
            let kind = |(block, is_furniture): (&PageBlock, &bool)| {
                if *is_furniture { BlockKind::Furniture } else { faces.kind(block, number) }
            };
            blocks.iter().zip(furniture).map(kind).collect()
        })
        .collect();
    let titles = outline.iter().map(|entry| headings::comparable(&entry.title)).collect();
    kinds.iter_mut().zip(&blocks).for_each(|(kinds, blocks)| tables::bridge(blocks, kinds));
    contents::mark(&blocks, &mut kinds, &faces, &titles);
    definitions::mark(&blocks, &mut kinds, &faces);
    hyphens::join_halves(&mut blocks, |page, block| {
        !matches!(kinds[page][block], BlockKind::Paragraph | BlockKind::ListItem | BlockKind::Definition)
    });
    for (index, (blocks, page)) in blocks.into_iter().zip(pages).enumerate() {
        add_page(&blocks, &kinds[index], &faces, &hyphenated, builder);
        if let Some(recognition) = page.recognition {
            builder.recognised(recognition);
        }
        let label = labels.as_ref().and_then(|labels| labels.get(index)).filter(|l| !l.is_empty()).cloned();
        builder.end_section(label, page.source);
    }
    builder.outline = outline;
}

/// Adds a page's blocks, with their marks, and its tables.
fn add_page(
    blocks: &[PageBlock],
    kinds: &[BlockKind],
    faces: &Faces,
    hyphenated: &HashSet<String>,
    builder: &mut Builder,
) {
    let texts: Vec<Cow<'_, str>> = blocks.iter().map(|block| hyphens::resolve(&block.text, hyphenated)).collect();
    // Of a block whose only word went to another nothing is left.
    let mut indices: Vec<u32> = vec![builder.next_block()];
    indices.extend(texts.iter().scan(builder.next_block(), |next, text| {
        *next += u32::from(!text.trim().is_empty());
        Some(*next)
    }));
    let plain: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let mut references = notes::references(&plain, kinds, |block| indices[block]).into_iter().peekable();
    for (at, (block, kind)) in blocks.iter().zip(kinds).enumerate() {
        let mut marks = match kind {
            BlockKind::Furniture | BlockKind::Code | BlockKind::ContentsEntry => Vec::new(),
            _ => block.runs.marks(faces),
        };
        while let Some((_, mark)) = references.next_if(|(of, _)| *of == at) {
            marks.push(mark);
        }
        builder.counted_block(*kind, &texts[at], Some(block.area), block.confidence, &marks);
    }
    for table in tables::find(blocks, kinds, faces) {
        let (first, end) = (indices[table.first], indices[table.first + table.rows]);
        builder.table(Table {
            first_block: first,
            rows: end - first,
            header_rows: table.header_rows as u32,
            caption: table.caption.map(|at| indices[at]),
            spans: table.spans,
        });
    }
}

/// Numbers of the pages of which something is true.
fn numbers(pages: &[PageText], is: impl Fn(&PageText) -> bool) -> Vec<usize> {
    (1..).zip(pages).filter(|(_, page)| is(page)).map(|(number, _)| number).collect()
}
