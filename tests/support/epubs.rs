//! EPUB files with whatever is wrong with them.

use std::io::Write;

use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// A ZIP archive of these entries, deflated, in this order.
pub(crate) fn archive<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(if name == "mimetype" {
                CompressionMethod::Stored
            } else {
                CompressionMethod::Deflated
            })
            .last_modified_time(zip::DateTime::default());
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A container that names `book.opf` in `OEBPS`.
pub(crate) const CONTAINER: &str = r#"<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;

/// A package file with these parts of manifest and spine.
pub(crate) fn package(manifest: &str, spine: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:x</dc:identifier><dc:title>A Book</dc:title><dc:creator>A. Writer</dc:creator><dc:creator>B. Writer</dc:creator><dc:language>en</dc:language></metadata><manifest>{manifest}</manifest>{spine}</package>"#
    )
}

/// A whole book: chapters `c1.xhtml`, `c2.xhtml`, ... with these contents, and further entries.
pub(crate) fn book(chapters: &[&[u8]], more: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut manifest, mut spine) = (String::new(), String::from("<spine toc=\"ncx\">"));
    for n in 1..=chapters.len() {
        manifest.push_str(&format!(r#"<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>"#));
        spine.push_str(&format!(r#"<itemref idref="c{n}"/>"#));
    }
    spine.push_str("</spine>");
    for (name, _) in more {
        let Some(href) = name.strip_prefix("OEBPS/") else { continue };
        let (media_type, properties) = match href.rsplit('.').next().unwrap() {
            "ncx" => ("application/x-dtbncx+xml", ""),
            "xhtml" => ("application/xhtml+xml", if href == "nav.xhtml" { " properties=\"nav\"" } else { "" }),
            _ => ("font/otf", ""),
        };
        let id = if href.ends_with(".ncx") { "ncx" } else { href };
        manifest.push_str(&format!(r#"<item id="{id}" href="{href}" media-type="{media_type}"{properties}/>"#));
    }
    let package = package(&manifest, &spine);
    let names: Vec<String> = (1..=chapters.len()).map(|n| format!("OEBPS/c{n}.xhtml")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", package.as_bytes()),
    ];
    entries.extend(names.iter().map(String::as_str).zip(chapters.iter().copied()));
    entries.extend(more.iter().copied());
    archive(entries)
}

/// XHTML around a body.
pub(crate) fn page(body: &str) -> Vec<u8> {
    format!(r#"<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>x</title></head><body>{body}</body></html>"#).into_bytes()
}

/// A DOCX with this content of `w:body`, these styles and these footnotes.
pub(crate) fn docx(body: &str, styles: &str, footnotes: &str) -> Vec<u8> {
    const W: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006""#;
    let document = format!(r#"<?xml version="1.0"?><w:document {W}><w:body>{body}</w:body></w:document>"#);
    let styles = format!(r#"<?xml version="1.0"?><w:styles {W}>{styles}</w:styles>"#);
    let footnotes = format!(r#"<?xml version="1.0"?><w:footnotes {W}>{footnotes}</w:footnotes>"#);
    let core = r#"<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Rules</dc:title><dc:creator>A. Writer</dc:creator></cp:coreProperties>"#;
    archive([
        ("[Content_Types].xml", b"<Types/>".as_slice()),
        ("word/document.xml", document.as_bytes()),
        ("word/styles.xml", styles.as_bytes()),
        ("word/footnotes.xml", footnotes.as_bytes()),
        ("docProps/core.xml", core.as_bytes()),
    ])
}
