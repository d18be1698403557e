//! EPUB: spine items as chapters, XHTML as blocks.

use std::collections::HashMap;
use std::io::Cursor;

use epub::doc::{DocError, EpubDoc, NavPoint};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::build::Builder;
use crate::values::{BlockKind, Failure, FailureKind, Format, Metadata, ParsedDocument, SectionKind, SectionSource};

pub(super) fn parse(bytes: &[u8]) -> Result<ParsedDocument, Failure> {
    let mut book = EpubDoc::from_reader(Cursor::new(bytes)).map_err(|e| {
        let reason = match e {
            DocError::ArchiveError(_) => "its ZIP archive is damaged or cut short".to_owned(),
            e => e.to_string(),
        };
        Failure::new(FailureKind::Damaged, format!("the file is no readable EPUB: {reason}; fetch or copy it again"))
    })?;
    let mut titles = HashMap::new();
    collect_titles(&book.toc, &mut titles);
    let metadata = Metadata {
        title: book.get_title(),
        author: book.mdata("creator").map(|m| m.value.clone()),
        language: book.mdata("language").map(|m| m.value.clone()).filter(|l| !l.trim().is_empty()),
    };
    let mut builder = Builder::new(SectionKind::Chapter);
    let spine: Vec<String> = book.spine.iter().map(|item| item.idref.clone()).collect();
    for (number, id) in (1..).zip(&spine) {
        let path = book.resources.get(id).map(|r| r.path.clone());
        let source = match book.get_resource(id) {
            Some((content, _)) => {
                xhtml(&String::from_utf8_lossy(&content), &mut builder);
                SectionSource::File
            }
            None => {
                builder.notes.push(format!("chapter {number} ('{id}') is missing from the file"));
                SectionSource::Unreadable("it is missing from the file".to_owned())
            }
        };
        builder.end_section(path.and_then(|p| titles.get(&p).cloned()), source);
    }
    if spine.is_empty() || builder.notes.len() == spine.len() {
        return Err(Failure::new(FailureKind::Damaged, "none of its chapters can be read; fetch or copy it again"));
    }
    Ok(builder.finish(Format::Epub, metadata))
}

fn collect_titles(points: &[NavPoint], titles: &mut HashMap<std::path::PathBuf, String>) {
    for point in points {
        let target = point.content.to_string_lossy();
        let path = target.split('#').next().unwrap_or_default();
        titles.entry(path.into()).or_insert_with(|| point.label.trim().to_owned());
        collect_titles(&point.children, titles);
    }
}

fn xhtml(source: &str, builder: &mut Builder) {
    let mut reader = Reader::from_str(source);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let (mut text, mut kind, mut skip) = (String::new(), BlockKind::Paragraph, 0_u32);
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                let name = tag.local_name();
                let name = name.as_ref();
                if matches!(name, "head" | "script" | "style" | "rt" | "rp") {
                    skip += 1;
                } else if let Some(next) = block_kind(name) {
                    builder.block(kind, &std::mem::take(&mut text), None);
                    kind = next;
                } else if matches!(name, "td" | "th") && !text.is_empty() {
                    text.push('\t');
                }
            }
            Ok(Event::End(tag)) => {
                let name = tag.local_name();
                let name = name.as_ref();
                if matches!(name, "head" | "script" | "style" | "rt" | "rp") {
                    skip = skip.saturating_sub(1);
                } else if block_kind(name).is_some() {
                    builder.block(kind, &std::mem::take(&mut text), None);
                    kind = BlockKind::Paragraph;
                }
            }
            Ok(Event::Empty(tag)) if tag.local_name().as_ref() == "br" => text.push(' '),
            Ok(Event::Text(t)) if skip == 0 => text.push_str(&t),
            Ok(Event::CData(t)) if skip == 0 => text.push_str(&t),
            Ok(Event::GeneralRef(r)) if skip == 0 => match r.resolve_char_ref() {
                Ok(Some(c)) => text.push(c),
                _ => text.push_str(quick_xml::escape::resolve_html5_entity(&r).unwrap_or(" ")),
            },
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    builder.block(kind, &text, None);
}

fn block_kind(name: &str) -> Option<BlockKind> {
    Some(match name {
        "h1" => BlockKind::Heading(1),
        "h2" => BlockKind::Heading(2),
        "h3" => BlockKind::Heading(3),
        "h4" | "h5" | "h6" => BlockKind::Heading(4),
        "li" | "dt" | "dd" => BlockKind::ListItem,
        "tr" => BlockKind::TableRow,
        "figcaption" | "caption" => BlockKind::Caption,
        "p" | "div" | "section" | "blockquote" | "pre" | "article" | "header" | "footer" | "aside" | "nav" | "body"
        | "ul" | "ol" | "dl" | "table" | "hr" => BlockKind::Paragraph,
        _ => return None,
    })
}
