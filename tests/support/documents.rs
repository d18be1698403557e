//! Writes small PDF and EPUB files.

use std::io::Write;

pub(crate) const NAMES: [&str; 12] = [
    "ember wyrm",
    "salt lantern",
    "hollow king",
    "thorn ward",
    "glass moth",
    "river oath",
    "iron psalm",
    "ash choir",
    "pale ferry",
    "moon anvil",
    "storm ledger",
    "bone compass",
];
const VERBS: [&str; 6] = ["guards", "devours", "binds", "remembers", "answers", "follows"];
const PLACES: [&str; 6] =
    ["the drowned abbey", "a quiet road", "the ninth gate", "her orchard", "the salt road", "an old mill"];

/// The `n`th of an endless row of distinct small documents: its name and its bytes.
pub(crate) fn nth(n: usize) -> (String, Vec<u8>) {
    let text = story(n as u64);
    let folder = if n.is_multiple_of(3) { "deep/" } else { "" };
    match n % 2 {
        0 => (format!("{folder}doc-{n:06}.pdf"), pdf(&[&text[..text.len() / 2], &text[text.len() / 2..]])),
        _ => (format!("{folder}doc-{n:06}.epub"), epub(&format!("Story {n}"), &[&text])),
    }
}

/// Lines of prose about invented things, a function of `seed` alone.
pub(crate) fn story(seed: u64) -> Vec<String> {
    // xorshift64*: small, and the same on every machine.
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = |n: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % n
    };
    let mut lines = vec![format!("Tale {seed}")];
    for _ in 0..24 {
        let (name, other) = (NAMES[next(12)], NAMES[next(12)]);
        lines.push(match next(3) {
            0 => {
                let article = if name.starts_with(['a', 'e', 'i', 'o']) { "An" } else { "A" };
                format!("{article} {name} is a keeper of the {other} and of {}.", PLACES[next(6)])
            }
            1 => format!("Every {name} {} the {other} near {}.", VERBS[next(6)], PLACES[next(6)]),
            _ => format!("At {} the {name} {} {} travellers.", PLACES[next(6)], VERBS[next(6)], next(90) + 2),
        });
    }
    lines
}

/// A PDF with one page for each list of lines, in Helvetica (Latin-1 text only).
pub(crate) fn pdf(pages: &[&[String]]) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = Vec::new();
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 4 + 2 * n)).collect();
    objects.push(b"<< /Type /Catalog /Pages 2 0 R >>".to_vec());
    objects.push(format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()).into_bytes());
    objects.push(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec());
    for (n, lines) in pages.iter().enumerate() {
        let content = 5 + 2 * n;
        objects.push(
            format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R /Resources << /Font << /F1 3 0 R >> >> >>")
                .into_bytes(),
        );
        let mut stream = String::from("BT /F1 11 Tf 14 TL 72 720 Td\n");
        for line in *lines {
            let escaped = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
            stream.push_str(&format!("({escaped}) Tj T*\n"));
        }
        stream.push_str("ET");
        objects.push(format!("<< /Length {} >>\nstream\n{stream}\nendstream", stream.len()).into_bytes());
    }
    with_xref(&objects)
}

/// A PDF of these objects, numbered from 1, the first of them the catalog.
pub(crate) fn with_xref(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n", n + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let xref = out.len();
    write!(out, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for offset in offsets {
        writeln!(out, "{offset:010} 00000 n ").unwrap();
    }
    write!(out, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n", objects.len() + 1).unwrap();
    out
}

/// An EPUB 3 with one chapter for each list of lines; the first line of a chapter is its heading.
pub(crate) fn epub(title: &str, chapters: &[&[String]]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let mut add = |name: &str, text: &str| {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default());
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    add("mimetype", "application/epub+zip");
    add(
        "META-INF/container.xml",
        r#"<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#,
    );
    let (mut manifest, mut spine, mut toc) = (String::new(), String::new(), String::new());
    for (n, lines) in (1..).zip(chapters) {
        manifest.push_str(&format!(r#"<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>"#));
        spine.push_str(&format!(r#"<itemref idref="c{n}"/>"#));
        toc.push_str(&format!(r#"<li><a href="c{n}.xhtml">{}</a></li>"#, lines[0]));
        let body: String = lines[1..].iter().map(|line| format!("<p>{line}</p>")).collect();
        let page = format!(
            r#"<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body><h1>{}</h1>{body}</body></html>"#,
            lines[0]
        );
        add(&format!("OEBPS/c{n}.xhtml"), &page);
    }
    add(
        "OEBPS/nav.xhtml",
        &format!(
            r#"<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>nav</title></head><body><nav epub:type="toc"><ol>{toc}</ol></nav></body></html>"#
        ),
    );
    add(
        "OEBPS/book.opf",
        &format!(
            r#"<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:x</dc:identifier><dc:title>{title}</dc:title><dc:creator>A. Writer</dc:creator><dc:language>en</dc:language></metadata><manifest><item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>{manifest}</manifest><spine>{spine}</spine></package>"#
        ),
    );
    zip.finish().unwrap().into_inner()
}
