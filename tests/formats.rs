//! EPUB, HTML, DOCX, Markdown and plain text as documents: what a reader sees, where it stands, what is refused.

use std::io::Write;

use corpora::stages::parse::{ParseSettings, parse};
use corpora::values::{BlockKind, Failure, FailureKind, Format, ParsedDocument, SectionSource};

use crate::support::Shelf;
use crate::support::epubs::{CONTAINER, archive, book, docx, package, page};

fn read(bytes: &[u8]) -> Result<ParsedDocument, Failure> {
    let document = parse(bytes, &ParseSettings::default(), &mut |_, _| {})?;
    sound(&document);
    Ok(document)
}

/// What holds for every document: spans slice to text, in order, inside their sections.
fn sound(document: &ParsedDocument) {
    let mut at = 0;
    for block in &document.blocks {
        assert!(block.span.start >= at, "blocks overlap");
        at = block.span.end;
        let text = block.span.of(&document.text);
        assert!(!text.is_empty() && text.trim() == text, "{text:?}");
        let section = &document.sections[document.section_at(block.span.start).unwrap()];
        assert!(section.span.start <= block.span.start && block.span.end <= section.span.end);
    }
    for (number, section) in (1..).zip(&document.sections) {
        assert_eq!(section.number, number);
    }
    for mark in &document.page_marks {
        assert!(document.text.is_char_boundary(mark.at as usize));
    }
    assert!(document.page_marks.is_sorted_by_key(|m| m.at), "{:?}", document.page_marks);
}

fn blocks(document: &ParsedDocument) -> Vec<(BlockKind, &str)> {
    document.blocks.iter().map(|b| (b.kind, b.span.of(&document.text))).collect()
}

fn one_page(body: &str) -> ParsedDocument {
    read(&book(&[&page(body)], &[])).unwrap()
}

use BlockKind::{Caption, Code, Footnote, Heading, ListItem, Paragraph, TableRow};

#[test]
fn blocks_are_what_a_reader_sees() {
    let document = one_page(
        r#"<h1>The <em>Salt</em> Road</h1><p>One<br/>two &amp; three&nbsp;four &mdash; <ruby>漢<rt>kan</rt></ruby></p>
        <div>loose <p>inner</p> after</div><ul><li>first</li><li><p>second</p><ul><li>deep</li></ul></li></ul>
        <table><caption>Prices</caption><tr><th>Item</th><th>Price</th></tr><tr><td><p>Salt	here</p><p>fine</p></td><td>3</td></tr></table>
        <figure><img src="x.png" alt="not printed"/><figcaption><p>A lantern</p></figcaption></figure>
        <p hidden="hidden">no</p><p style="display : none">no</p><script>no</script><pre>let a;
  let b;</pre><h2><img src="t.png" alt="Chapter Two"/></h2><aside>beside</aside><p>H<sub>2</sub>O<svg xmlns="http://www.w3.org/2000/svg"><title>no</title><text>drawn <tspan x="1">text</tspan></text></svg></p>
        <p>first<br/>
        <br/>second</p><p><math xmlns="http://www.w3.org/1998/Math/MathML" alttext="unused"><mi>sin</mi><mi>x</mi></math> <math alttext="E=mc2"/></p>"#,
    );
    assert_eq!(
        blocks(&document),
        [
            (Heading(1), "The Salt Road"),
            (Paragraph, "One two & three four — 漢"),
            (Paragraph, "loose"),
            (Paragraph, "inner"),
            (Paragraph, "after"),
            (ListItem, "first"),
            (ListItem, "second"),
            (ListItem, "deep"),
            (Caption, "Prices"),
            (TableRow, "Item\tPrice"),
            (TableRow, "Salt here fine\t3"),
            (Caption, "A lantern"),
            (Code, "let a;"),
            (Code, "let b;"),
            (Heading(2), "Chapter Two"),
            (Paragraph, "beside"),
            (Paragraph, "H2O"),
            (Paragraph, "drawn text"),
            (Paragraph, "first"),
            (Paragraph, "second"),
            (Paragraph, "sin x E=mc2"),
        ]
    );
    assert_eq!(document.metadata.author.as_deref(), Some("A. Writer; B. Writer"));
    let layout = one_page(
        "<table><tr><td>left</td><td><h1>A Page</h1><p>one</p><table><tr><td>in</td><td>ner</td></tr></table>two</td></tr></table>",
    );
    assert_eq!(
        blocks(&layout),
        [(TableRow, "left"), (Heading(1), "A Page"), (TableRow, "one"), (TableRow, "in\tner"), (TableRow, "two")]
    );
}

#[test]
fn notes_are_footnotes_and_page_breaks_are_marks() {
    let document = one_page(
        r##"<p>It sleeps<a epub:type="noteref" href="#n1">1</a> there<span epub:type="pagebreak" id="p12" title="12"/> and wakes.</p>
        <span role="doc-pagebreak" id="p13" aria-label="Page 13"></span><p>Next <span epub:type="pagebreak">xiv</span>page.</p>
        <aside epub:type="footnote" id="n1"><p>Nobody knows why.</p></aside>
        <section role="doc-endnotes"><h2>Notes</h2><ol><li>The end.</li></ol></section>"##,
    );
    assert_eq!(
        blocks(&document),
        [
            (Paragraph, "It sleeps¹ there and wakes."),
            (Paragraph, "Next page."),
            (Footnote, "Nobody knows why."),
            (Heading(2), "Notes"),
            (Footnote, "The end."),
        ]
    );
    let marks: Vec<(&str, &str)> =
        document.page_marks.iter().map(|m| (m.label.as_str(), &document.text[m.at as usize..][..4])).collect();
    assert_eq!(marks, [("12", "and "), ("13", "Next"), ("xiv", "page")]);
}

#[test]
fn titles_outline_and_pages_come_from_the_nav() {
    let nav = page(
        r#"<nav epub:type="landmarks"><ol><li><a href="c1.xhtml">Start</a></li></ol></nav><nav epub:type="toc"><h1>Contents</h1><ol>
        <li><span>Part One</span><ol><li><a href="c1.xhtml">The <i>Road</i></a><ol><li><a href="C1.xhtml#s2">A Bend</a></li></ol></li></ol></li>
        <li><a href="c2.xhtml#top"><img src="x.png" alt="The Abbey"/></a></li></ol></nav>
        <nav epub:type="page-list"><ol><li><a href="c1.xhtml#pg7">7</a></li><li><a href="c2.xhtml">8</a></li></ol></nav>"#,
    );
    let one = page(r#"<h1>I</h1><p>text <a id="pg7"></a>seven</p>"#);
    let document =
        read(&book(&[&one, &page("<p>abbey</p>"), &page("<h2>Not in it</h2>")], &[("OEBPS/nav.xhtml", &nav)])).unwrap();
    let labels: Vec<Option<&str>> = document.sections.iter().map(|s| s.label.as_deref()).collect();
    assert_eq!(labels, [Some("The Road"), Some("The Abbey"), Some("Not in it")]);
    let outline: Vec<(&str, u8, u32)> =
        document.outline.iter().map(|e| (e.title.as_str(), e.level, e.section)).collect();
    assert_eq!(outline, [("Part One", 1, 1), ("The Road", 2, 1), ("A Bend", 3, 1), ("The Abbey", 1, 2)]);
    let marks: Vec<(&str, &str)> =
        document.page_marks.iter().map(|m| (m.label.as_str(), &document.text[m.at as usize..][..5])).collect();
    assert_eq!(marks, [("7", "seven"), ("8", "abbey")]);
}

#[test]
fn titles_and_pages_come_from_the_ncx_of_epub_2() {
    let ncx = r#"<?xml version="1.0"?><!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd"><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><docTitle><text>Not this</text></docTitle><navMap>
        <navPoint id="a" playOrder="9"><navLabel><text>First &amp; last</text></navLabel><content src="c1.xhtml"/><navPoint id="b"><navLabel><text>Within</text></navLabel><content src="c1.xhtml#x"/></navPoint></navPoint>
        <navPoint id="c" playOrder="1"><navLabel><text>Second</text></navLabel><content src="c2.xhtml"/></navPoint></navMap>
        <pageList><pageTarget type="normal" value="3"><navLabel><text>iii</text></navLabel><content src="c2.xhtml#p3"/></pageTarget></pageList></ncx>"#;
    let chapters = [page("<p>one</p>"), page(r#"<p id="p3">two</p>"#)];
    let document = read(&book(&[&chapters[0], &chapters[1]], &[("OEBPS/toc.ncx", ncx.as_bytes())])).unwrap();
    let labels: Vec<_> = document.sections.iter().map(|s| s.label.clone().unwrap()).collect();
    assert_eq!(labels, ["First & last", "Second"]);
    let outline: Vec<(&str, u8, u32)> =
        document.outline.iter().map(|e| (e.title.as_str(), e.level, e.section)).collect();
    assert_eq!(outline, [("First & last", 1, 1), ("Within", 2, 1), ("Second", 1, 2)]);
    assert_eq!(document.page_marks[0].label, "iii");
}

#[test]
fn broken_xml_keeps_the_words_after_the_break() {
    for (body, words) in [
        ("<p>before <b>bold</p><p>after & more <unknown attr=x y>text</p>", "before bold\nafter & more text"),
        ("<p>before</p></div></div><p>after", "before\nafter"),
        ("<p title='never closed>before</p><p>after</p>", ""),
        (
            "<p>one<p>two<ul><li>three<li>four</ul><table><tr><td>a<td>b<tr><td>c</table>",
            "one\ntwo\nthree\nfour\na\tb\nc",
        ),
        ("<p>a &nosuch; b < c &#150; d</p>", "a &nosuch; b < c – d"),
        ("<h1>Title<p>text under it</p>", "Title\ntext under it"),
        ("<p>x<![CDATA[ in <data> ]]>y</p><br><p>z</p>", "x in <data> y\nz"),
    ] {
        let document = one_page(body);
        if !words.is_empty() {
            assert_eq!(document.text, words, "{body}");
        }
    }
    let strict = one_page("<p>a&#150;b &custom;</p>");
    assert_eq!(strict.text, "a–b &custom;");
}

#[test]
fn drm_is_refused_by_name_and_obfuscated_fonts_are_read() {
    let encryption = |algorithm: &str, file: &str| {
        format!(
            r#"<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><enc:EncryptedData xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptionMethod Algorithm="{algorithm}"/><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><enc:EncryptedKey><enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-1_5"/></enc:EncryptedKey></ds:KeyInfo><enc:CipherData><enc:CipherReference URI="{file}"/></enc:CipherData></enc:EncryptedData></encryption>"#
        )
    };
    let aes = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/c1.xhtml");
    for (witness, name) in [
        ("META-INF/rights.xml", "Adobe ADEPT"),
        ("META-INF/license.lcpl", "Readium LCP"),
        ("META-INF/sinf.xml", "Apple FairPlay"),
        ("META-INF/other.xml", "does not say its name"),
    ] {
        let more: [(&str, &[u8]); 2] = [("META-INF/encryption.xml", aes.as_bytes()), (witness, b"<x/>")];
        let failure = read(&book(&[b"\x8f\x01\xfe garbage"], &more)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Encrypted);
        assert!(failure.message.contains(name) && failure.message.contains("without DRM"), "{failure}");
    }
    for algorithm in ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"] {
        let fonts = encryption(algorithm, "OEBPS/fonts/a.otf");
        let more: [(&str, &[u8]); 2] =
            [("META-INF/encryption.xml", fonts.as_bytes()), ("OEBPS/fonts/a.otf", b"\x00\x01")];
        assert_eq!(read(&book(&[&page("<p>words</p>")], &more)).unwrap().text, "words");
    }
}

#[test]
fn a_chapter_that_fails_does_not_lose_the_others() {
    let manifest = r#"<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><item id="b" href="gone.xhtml" media-type="application/xhtml+xml"/><item id="img" href="p.png" media-type="image/png"/><item id="j" href="d.json" media-type="application/json" fallback="a"/>"#;
    let spine = r#"<spine><itemref idref="a"/><itemref idref="b"/><itemref idref="nobody" linear="no"/><itemref idref="img"/><itemref idref="j"/></spine>"#;
    let opf = package(manifest, spine);
    let text = page("<p>words</p>");
    let document = read(&archive([
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", opf.as_bytes()),
        ("OEBPS/a.xhtml", &text),
        ("OEBPS/p.png", b"\x89PNG"),
        ("OEBPS/d.json", b"{}"),
    ]))
    .unwrap();
    let sources: Vec<&SectionSource> = document.sections.iter().map(|s| &s.source).collect();
    assert!(matches!(sources[0], SectionSource::File));
    let SectionSource::Unreadable(reason) = sources[1] else { panic!("{sources:?}") };
    assert!(reason.contains("gone.xhtml") && reason.contains("missing"), "{reason}");
    assert!(matches!(sources[2], SectionSource::Unreadable(_)));
    assert!(matches!(sources[3], SectionSource::NeedsOcr));
    assert_eq!(document.text.split('\u{c}').collect::<Vec<_>>(), ["words", "", "", "", "words"]);
    assert!(document.notes.iter().any(|n| n.contains("chapter 2 ('OEBPS/gone.xhtml')")), "{:?}", document.notes);

    let none = package(
        r#"<item id="b" href="gone.xhtml" media-type="application/xhtml+xml"/>"#,
        r#"<spine><itemref idref="b"/></spine>"#,
    );
    let failure =
        read(&archive([("META-INF/container.xml", CONTAINER.as_bytes()), ("OEBPS/book.opf", none.as_bytes())]))
            .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Damaged);
    assert!(failure.message.contains("OEBPS/gone.xhtml"), "{failure}");
}

#[test]
fn what_is_wrong_around_the_text_does_not_matter() {
    let text = page("<p>words</p>");
    let opf = package(
        r#"<item id="a" href="Text/a%20b.xhtml" media-type="text/plain"/>"#,
        r#"<spine><itemref idref="a"/></spine>"#,
    );
    let opf = opf.as_bytes();
    let container = CONTAINER.as_bytes();
    let whole = |entries: &[(&str, &[u8])]| read(&archive(entries.iter().copied())).unwrap().text;
    // A wrong case, an encoded name, a wrong media type, no mimetype.
    assert_eq!(
        whole(&[("META-INF/container.xml", container), ("OEBPS/book.opf", opf), ("OEBPS/text/A b.xhtml", &text)]),
        "words"
    );
    // A wrong mimetype, and a container that names another file.
    let wrong = CONTAINER.replace("book.opf", "other.opf");
    assert_eq!(
        whole(&[
            ("mimetype", b"text/plain"),
            ("META-INF/container.xml", wrong.as_bytes()),
            ("OEBPS/book.opf", opf),
            ("OEBPS/Text/a b.xhtml", &text)
        ]),
        "words"
    );
    // No container; a package file that is broken; none at all.
    assert_eq!(whole(&[("content.opf", &opf[..opf.len() - 20]), ("Text/a b.xhtml", &text)]), "words");
    assert_eq!(
        whole(&[("mimetype", b"application/epub+zip"), ("b.xhtml", &text), ("a.xhtml", &page("<p>first</p>"))]),
        "first\u{c}words"
    );
    // No spine, an absolute path, and one that wants to leave.
    let opf = package(
        r#"<item id="a" href="/OEBPS/a.xhtml" media-type="application/xhtml+xml"/><item id="b" href="../../../OEBPS/b.xhtml" media-type="application/xhtml+xml"/><item id="a" href="twice.xhtml" media-type="application/xhtml+xml"/>"#,
        "",
    );
    let document = read(&archive([
        ("META-INF/container.xml", container),
        ("OEBPS/book.opf", opf.as_bytes()),
        ("OEBPS/a.xhtml", &text),
        ("OEBPS/b.xhtml", &text),
        ("../../../etc/passwd", b"secret"),
    ]))
    .unwrap();
    assert!(document.text.starts_with("words\u{c}words"), "{}", document.text);
}

#[test]
fn archives_that_were_streamed_are_read_and_those_with_a_password_refused() {
    let text = page("<p>words</p>");
    let opf = package(
        r#"<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>"#,
        r#"<spine><itemref idref="a"/></spine>"#,
    );
    let mut zip = zip::ZipWriter::new_stream(Vec::new());
    for (name, bytes) in [
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", opf.as_bytes()),
        ("OEBPS/a.xhtml", &text),
        ("OEBPS/inner.epub", &book(&[&text], &[])),
    ] {
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let streamed = zip.finish().unwrap().into_inner();
    assert_eq!(read(&streamed).unwrap().text, "words");

    let mut locked = book(&[&text], &[]);
    for at in 0..locked.len() - 10 {
        // The flag of encryption: APPNOTE.TXT, 4.4.4.
        match &locked[at..at + 4] {
            b"PK\x03\x04" => locked[at + 6] |= 1,
            b"PK\x01\x02" => locked[at + 8] |= 1,
            _ => {}
        }
    }
    let failure = read(&locked).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Encrypted);
    assert!(failure.message.contains("password") && failure.message.contains("OEBPS/c1.xhtml"), "{failure}");
}

/// Every EPUB below the folder that `CORPORA_EPUBS` names is read, or refused for a reason that names a part of it.
#[test]
#[ignore = "needs CORPORA_EPUBS, a folder of books"]
fn every_epub_of_a_corpus_is_read() {
    let folder = std::env::var_os("CORPORA_EPUBS").expect("CORPORA_EPUBS names a folder of books");
    let inputs = corpora::stages::discover::Inputs::resolve(folder.as_ref(), &[folder.clone().into()]).unwrap();
    let (mut read_well, mut refused) = (0, Vec::new());
    for found in corpora::stages::discover::Walk::new(&inputs, true).filter_map(Result::ok) {
        if !found.path.as_str().ends_with(".epub") {
            continue;
        }
        match read(&std::fs::read(&found.file).unwrap()) {
            Ok(_) => read_well += 1,
            Err(failure) => refused.push(format!("{}: {failure}", found.path)),
        }
    }
    assert!(refused.len() * 50 <= read_well, "{read_well} read; refused:\n{}", refused.join("\n"));
}

#[test]
fn a_zip_bomb_is_refused_without_being_inflated() {
    let bomb = vec![b' '; 200 << 20];
    let failure = read(&book(&[&bomb], &[])).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Memory);
    assert!(failure.message.contains("zip bomb") && failure.message.contains("OEBPS/c1.xhtml"), "{failure}");
    let document = read(&book(&[&page("<p>words</p>"), &bomb], &[])).unwrap();
    assert!(matches!(document.sections[1].source, SectionSource::Unreadable(_)));
}

#[test]
fn html_has_a_section_for_each_heading_of_the_first_level() {
    let document = read(
        b"\n<!-- saved --><!DOCTYPE HTML><html lang=en><head><title>A &amp; B</title><meta name=author content='A. Writer'><style>p{}</style>
        <body><p>before<h1>One</h1><p>text<p>more<h2>Sub</h2><div/>kept<h1>Two</h1><ul><li>x<li>y</ul><p>end &copy; <textarea>typed <b></textarea>",
    )
    .unwrap();
    assert_eq!(document.format, Format::Html);
    let labels: Vec<Option<&str>> = document.sections.iter().map(|s| s.label.as_deref()).collect();
    assert_eq!(labels, [None, Some("One"), Some("Two")]);
    assert_eq!(document.metadata.title.as_deref(), Some("A & B"));
    assert_eq!(document.metadata.author.as_deref(), Some("A. Writer"));
    assert_eq!(document.text, "before\u{c}One\ntext\nmore\nSub\nkept\u{c}Two\nx\ny\nend ©\ntyped <b>");
}

#[test]
fn markdown_and_text_are_told_apart_by_what_they_hold() {
    let markdown = b"---\ntitle: The Road\nauthor: A. Writer\n---\n\nintro *text*[^1]\n\n# One\n\n- first\n  - second\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n## Sub <b>x</b> <name>\n\n```\nlet a;\nlet b;\n```\n\n# Two\n\n<div><p>html</p></div>\n\n![alt](x.png)\n\n[^1]: A note.\n";
    let document = read(markdown).unwrap();
    assert_eq!(document.format, Format::Markdown);
    assert_eq!(document.metadata.title.as_deref(), Some("The Road"));
    assert_eq!(
        blocks(&document),
        [
            (Paragraph, "intro text"),
            (Heading(1), "One"),
            (ListItem, "first"),
            (ListItem, "second"),
            (TableRow, "a\tb"),
            (TableRow, "1\t2"),
            (Heading(2), "Sub x <name>"),
            (Code, "let a;"),
            (Code, "let b;"),
            (Heading(1), "Two"),
            (Paragraph, "html"),
            (Footnote, "A note."),
        ]
    );
    let labels: Vec<Option<&str>> = document.sections.iter().map(|s| s.label.as_deref()).collect();
    assert_eq!(labels, [None, Some("One"), Some("Two")]);

    let document = read(b"The caf\xe9 at\n\nthe end\x0cA new page").unwrap();
    assert_eq!((document.format, document.sections.len()), (Format::Text, 2));
    assert_eq!(document.text, "The café at\nthe end\u{c}A new page");
    assert!(document.notes[0].contains("windows-1252"));
    let failure = read(b"\x00\x01\x02\x03\xff\xfe\x00\x07binary").unwrap_err();
    assert_eq!(failure.kind, FailureKind::UnknownFormat);
}

#[test]
fn docx_has_headings_lists_tables_and_notes() {
    let styles = r#"<w:style w:type="paragraph" w:styleId="Berschrift1"><w:name w:val="heading 1"/></w:style><w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="mine"/><w:basedOn w:val="Berschrift1"/></w:style><w:style w:styleId="Loop"><w:name w:val="l"/><w:basedOn w:val="Loop"/></w:style>"#;
    let footnotes = r#"<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:t>no</w:t></w:r></w:p></w:footnote><w:footnote w:id="2"><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote>"#;
    let paragraph = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let body = format!(
        r#"<w:p><w:pPr><w:pStyle w:val="Loop"/></w:pPr><w:r><w:t xml:space="preserve">Before </w:t></w:r><w:r><w:t>it</w:t><w:footnoteReference w:id="2"/></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r></w:p>
        <w:p><w:pPr><w:pStyle w:val="Mine"/></w:pPr><w:r><w:t>One</w:t></w:r></w:p><w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="4"/></w:numPr></w:pPr><w:r><w:t>item</w:t><w:br/><w:t>goes on</w:t></w:r></w:p>
        <w:tbl><w:tr><w:tc>{}</w:tc><w:tc>{}{}</w:tc></w:tr></w:tbl><w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><mc:AlternateContent><mc:Choice><w:t>Two</w:t></mc:Choice><mc:Fallback><w:t>Two again</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>"#,
        paragraph("a"),
        paragraph("b"),
        paragraph("c")
    );
    let document = read(&docx(&body, styles, footnotes)).unwrap();
    assert_eq!(document.format, Format::Docx);
    assert_eq!(
        blocks(&document),
        [
            (Paragraph, "Before it"),
            (Footnote, "A note."),
            (Heading(1), "One"),
            (ListItem, "item goes on"),
            (TableRow, "a\tb c"),
            (Heading(1), "Two"),
        ]
    );
    let labels: Vec<Option<&str>> = document.sections.iter().map(|s| s.label.as_deref()).collect();
    assert_eq!(labels, [None, Some("One"), Some("Two")]);
    assert_eq!(document.metadata.title.as_deref(), Some("The Rules"));
    let cut = docx("<w:p><w:r><w:t>kept</w:t></w:r></w:p><w:p><w:r></w:p>", "", "");
    let document = read(&cut).unwrap();
    assert_eq!(document.text, "kept");
    assert!(document.notes[0].contains("not well-formed"), "{:?}", document.notes);
}

#[test]
fn the_schema_of_vocabulary_files_lists_every_format() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../schemas/vocabulary-file.schema.json")).unwrap();
    let listed = &schema["properties"]["metadata"]["properties"]["format"]["enum"];
    assert_eq!(*listed, serde_json::json!(Format::ALL.map(Format::name)));
}

#[test]
fn messages_name_the_formats_that_were_asked_for() {
    let shelf = Shelf::empty();
    shelf.put("note.md", b"# Salt\n\nA salt lantern is a lamp.\n");
    shelf.put("report.docx", b"plain text");
    shelf.run(&["batch", "books/note.md", "-o", "out"]).exits(0);
    std::fs::create_dir(shelf.path().join("empty")).unwrap();
    shelf.run(&["batch", "empty", "-o", "out2", "--formats", "docx"]).exits(66).says("a folder that holds DOCX files");
    shelf.run(&["batch", "empty", "-o", "out3"]).exits(66).says("a folder that holds PDF or EPUB files");
    shelf.run(&["parse", "books/report.docx"]).exits(65).says("not DOCX, whatever its name says");
}

#[test]
fn paths_on_standard_input_are_answered_line_by_line_and_a_bad_one_fails_alone() {
    use std::process::Stdio;
    let shelf = Shelf::of(2);
    shelf.put("empty.pdf", b"");
    let mut command = crate::support::command(shelf.path(), &["parse", "--lines"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = "\"books/deep/doc-000000.pdf\"\n\"books/empty.pdf\"\nno JSON\n\"books/doc-000001.epub\"\n";
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let answers: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 4);
    let alone = shelf.run(&["parse", "books/deep/doc-000000.pdf", "--format", "json"]).exits(0).stdout();
    assert_eq!(answers[0]["document"], serde_json::from_str::<serde_json::Value>(&alone).unwrap());
    assert!(answers[1]["error"].as_str().unwrap().contains("empty"), "{}", answers[1]);
    assert!(answers[2]["error"].as_str().unwrap().contains("no path as a JSON string"), "{}", answers[2]);
    assert_eq!(answers[3]["document"]["source_path"], "doc-000001.epub");
}
