//! HTML files: blocks as in EPUB, a section for each heading of the first level.

use super::build::Builder;
use super::markup::{PageLabels, Walker, decode_markup, read_html, read_xhtml};
use corpora_values::{Failure, FailureKind, Format, Metadata, ParsedDocument, SectionKind};

pub(super) fn parse(bytes: &[u8]) -> Result<ParsedDocument, Failure> {
    let decoded = decode_markup(bytes);
    let labels = PageLabels::default();
    let is_xml = decoded.text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with("<?xml");
    let mut flow = match is_xml {
        true => read_xhtml(&decoded.text, &labels),
        false => read_html(&decoded.text, Walker::new(&labels, true)).finish(),
    };
    let metadata = Metadata {
        title: flow.title.take().map(|t| super::flow::label(&t)).filter(|t| !t.is_empty()),
        author: flow.author.take(),
        language: flow.language.take(),
    };
    let mut builder = Builder::new(SectionKind::Chapter);
    builder.notes.extend(decoded.note);
    flow.into_sections(&mut builder);
    Ok(builder.finish(Format::Html, metadata))
}

/// Whether a file begins like HTML.
pub(super) fn is_html(head: &[u8]) -> bool {
    let text = super::markup::decode(head).text;
    let mut rest = text.trim_start();
    // Comments and processing instructions may come first.
    loop {
        let end = match () {
            () if rest.starts_with("<!--") => "-->",
            () if rest.starts_with("<?") => "?>",
            () => break,
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

/// The failure for a file that holds bytes and no text.
pub(super) fn no_text(bytes: &[u8]) -> Failure {
    let head = bytes[..bytes.len().min(16)].escape_ascii();
    let message = format!("neither PDF nor EPUB, DOCX, HTML or text: it begins with \"{head}\"");
    Failure::new(FailureKind::UnknownFormat, message)
}
