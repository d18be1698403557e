//! DOCX: Office Open XML text documents. <https://ecma-international.org/publications-and-standards/standards/ecma-376/>, part 1,
//! section 17.

use std::collections::HashMap;

use super::body::BodyReader;
use super::styles::StylesReader;
use crate::archive::{Archive, has_mark};
use crate::build::Builder;
use crate::formats::Reader;
use crate::markup::{Sink, Tag, decode_markup, read_xml};
use corpora_values::{Failure, FailureKind, Format, Metadata, ParsedDocument, SectionKind};

/// DOCX: an archive with a main part that is a text.
pub(crate) const READER: Reader = Reader::Archive {
    marks: |head| has_mark(head, b"[Content_Types].xml") && has_mark(head, b"word/"),
    holds: |archive| main_part(archive).is_some(),
    read: |archive, _settings, _progress| parse(archive),
};

/// Main part, under the name that almost every program gives it, or one like it.
fn main_part(archive: &Archive<'_>) -> Option<String> {
    if archive.find("word/document.xml").is_some() {
        return Some("word/document.xml".to_owned());
    }
    let is_main = |name: &&str| name.starts_with("word/document") && name.ends_with(".xml");
    archive.names().into_iter().find(is_main).map(str::to_owned)
}

fn parse(mut archive: Archive<'_>) -> Result<ParsedDocument, Failure> {
    let main = main_part(&archive).unwrap_or_default();
    let mut notes = Vec::new();
    let mut read = |name: &str, sink: &mut dyn FnMut(&str) -> Result<(), String>| match archive.read(name) {
        Ok(content) => sink(&decode_markup(&content.bytes).text).map_err(|e| format!("is not well-formed ({e})")),
        Err(e) => Err(format!("cannot be read: {e}")),
    };
    // Parts beside the main one are not needed to read the text.
    let mut styles = StylesReader::default();
    let _ = read("word/styles.xml", &mut |text| read_xml(text, &mut styles));
    let styles = styles.finish();
    let mut notes_of = |name: &str| {
        let mut reader = BodyReader::new(&styles, HashMap::new());
        let _ = read(name, &mut |text| read_xml(text, &mut reader));
        reader.into_notes()
    };
    let mut all_notes = notes_of("word/footnotes.xml");
    all_notes.extend(notes_of("word/endnotes.xml"));
    let mut properties = Properties::default();
    let _ = read("docProps/core.xml", &mut |text| read_xml(text, &mut properties));

    let mut reader = BodyReader::new(&styles, all_notes);
    let outcome = read(&main, &mut |text| read_xml(text, &mut reader));
    let flow = reader.finish();
    if let Err(reason) = outcome {
        if flow.first_block().is_none() {
            let message = format!("its main part '{main}' {reason}; fetch or copy it again");
            return Err(Failure::new(FailureKind::Damaged, message));
        }
        notes.push(format!("the main part '{main}' {reason}; what stands before that place was read"));
    }
    let mut builder = Builder::new(SectionKind::Chapter);
    builder.notes = notes;
    flow.into_sections(&mut builder);
    Ok(builder.finish(Format::Docx, properties.metadata))
}

/// Title, author and language of the file: part 2, section 11.
#[derive(Default)]
struct Properties {
    metadata: Metadata,
    text: String,
}

impl Sink for Properties {
    fn start(&mut self, _tag: &Tag<'_>, _is_empty: bool) {
        self.text.clear();
    }

    fn end(&mut self, name: &str) {
        let text = self.text.trim();
        let field = match name {
            "title" => &mut self.metadata.title,
            "creator" => &mut self.metadata.author,
            "language" => &mut self.metadata.language,
            _ => return,
        };
        if !text.is_empty() {
            *field = Some(text.to_owned());
        }
    }

    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }
}
