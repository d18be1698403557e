//! HTML files: blocks as in EPUB, a section for each heading of the first level.

use super::build::Builder;
use super::formats::Reader;
use super::markup::{PageLabels, Walker, decode_markup, read_html, read_xhtml};
use corpora_values::{Format, Metadata, ParsedDocument, SectionKind};

/// HTML: a file that begins like it.
pub(crate) const READER: Reader =
    Reader::Bytes { marks: is_html, read: |bytes, _settings, _progress| Ok(parse(&bytes)) };

fn parse(bytes: &[u8]) -> ParsedDocument {
    let decoded = decode_markup(bytes);
    let labels = PageLabels::default();
    let is_xml = decoded.text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with("<?xml");
    let mut flow = if is_xml {
        read_xhtml(&decoded.text, &labels)
    } else {
        read_html(&decoded.text, Walker::new(&labels, true)).finish()
    };
    let metadata = Metadata {
        title: flow.title.take().map(|t| super::flow::label(&t)).filter(|t| !t.is_empty()),
        author: flow.author.take(),
        language: flow.language.take(),
    };
    let mut builder = Builder::new(SectionKind::Chapter);
    builder.notes.extend(decoded.note);
    flow.into_sections(&mut builder);
    builder.finish(Format::Html, metadata)
}

/// Test whether a file begins like HTML.
fn is_html(head: &[u8]) -> bool {
    let text = super::markup::decode(head).text;
    let mut rest = text.trim_start();
    // Comments and processing instructions may come first.
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") {
            "?>"
        } else {
            break;
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    }
    let start: String = rest.chars().take(64).collect::<String>().to_ascii_lowercase();
    let Some(start) = start.strip_prefix('<') else { return false };
    if let Some(declaration) = start.strip_prefix("!doctype") {
        return declaration.trim_start().starts_with("html");
    }
    let name = start.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    matches!(
        name,
        "html"
            | "head"
            | "body"
            | "title"
            | "meta"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "p"
            | "div"
            | "table"
            | "article"
            | "section"
            | "main"
            | "header"
            | "nav"
            | "ul"
            | "ol"
            | "dl"
            | "pre"
            | "blockquote"
            | "script"
            | "style"
            | "center"
    )
}
