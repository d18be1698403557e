//! Files made to kill a parser: each ends with a text or a reason, and harms no other.

use std::time::{Duration, Instant};

use corpora::stages::parse::{ParseSettings, parse};
use corpora::values::{Failure, FailureKind, ParsedDocument};

use crate::support::epubs::{CONTAINER, archive, book, docx, package, page};
use crate::support::{Shelf, documents};

/// On a stack of ordinary size: nothing may recurse by the depth of the input.
fn read(bytes: Vec<u8>) -> Result<ParsedDocument, Failure> {
    let start = Instant::now();
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let thread = thread.spawn(move || parse(&bytes, &ParseSettings::default(), &mut |_, _| {})).unwrap();
    let outcome = thread.join().expect("the parser panicked");
    // Generous: debug builds on busy machines. What is quadratic takes hours.
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
    outcome
}

/// A text whose parts lie within it, or a reason that is the file's own.
fn ends_well(bytes: &[u8]) {
    match parse(bytes, &ParseSettings::default(), &mut |_, _| {}) {
        Ok(document) => {
            let within = |end: u32| end as usize <= document.text.len() && document.text.is_char_boundary(end as usize);
            assert!(document.sections.iter().all(|s| within(s.span.start) && within(s.span.end)));
            assert!(document.blocks.iter().all(|b| !b.span.of(&document.text).trim().is_empty()));
        }
        Err(failure) => {
            use FailureKind::{Damaged, Empty, Encrypted, Memory, UnknownFormat};
            assert!(matches!(failure.kind, Damaged | Empty | Encrypted | Memory | UnknownFormat), "{failure}");
            assert!(!failure.message.is_empty());
        }
    }
}

fn repeated(text: &str, times: usize) -> String {
    text.repeat(times)
}

#[test]
fn nesting_of_20_000_levels() {
    let n = 20_000;
    let deep = |open: &str, close: &str| format!("{}words{}", repeated(open, n), repeated(close, n));
    for body in [
        deep("<div>", "</div>"),
        deep("<span>", "</span>"),
        deep("<ul><li>", "</li></ul>"),
        deep("<table><tr><td>", "</td></tr></table>"),
        deep("<b>", ""),
        deep("<b><p>", "</b>"),
        deep("<svg>", "</svg>"),
    ] {
        assert_eq!(read(book(&[&page(&body)], &[])).unwrap().text, "words", "{}", &body[..20]);
        assert_eq!(read(format!("<html><body>{body}").into_bytes()).unwrap().text, "words", "{}", &body[..20]);
    }
    let markdown = format!("# x\n\n{} words\n\n{}words", repeated(">", n), repeated("- ", 10_000));
    assert!(read(markdown.into_bytes()).unwrap().text.contains("words"));
    let brackets = format!("# x\n\n{}words{}", repeated("[", n), repeated("](", n));
    assert!(read(brackets.into_bytes()).unwrap().text.contains("words"));
    let body = format!("{}words{}", repeated("<w:p><w:r><w:t>", n), repeated("</w:t></w:r></w:p>", n));
    assert!(read(docx(&body, "", "")).unwrap().text.contains("words"));
    let table = format!(
        "{}<w:p><w:r><w:t>words</w:t></w:r></w:p>{}",
        repeated("<w:tbl><w:tr><w:tc>", n),
        repeated("</w:tc></w:tr></w:tbl>", n)
    );
    assert!(read(docx(&table, "", "")).unwrap().text.contains("words"));
    // Package, contents and encryption file too.
    let text = page("<p>words</p>");
    let nav = page(&format!("<nav epub:type=\"toc\">{}", deep("<ol><li><a href=\"c1.xhtml\">x</a>", "</li></ol>")));
    assert_eq!(read(book(&[&text], &[("OEBPS/nav.xhtml", &nav)])).unwrap().text, "words");
    let ncx = format!(
        "<ncx><navMap>{}{}</navMap></ncx>",
        repeated("<navPoint><navLabel><text>x</text></navLabel><content src='c1.xhtml'/>", n),
        repeated("</navPoint>", n)
    );
    assert_eq!(read(book(&[&text], &[("OEBPS/toc.ncx", ncx.as_bytes())])).unwrap().text, "words");
    let opf = package(
        r#"<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>"#,
        "<spine><itemref idref='a'/></spine>",
    );
    let opf = opf.replace("<manifest>", &format!("{}<manifest>", deep("<x>", "</x>")));
    let whole = archive([
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", opf.as_bytes()),
        ("OEBPS/a.xhtml", &text),
    ]);
    assert_eq!(read(whole).unwrap().text, "words");
}

#[test]
fn entities_that_multiply() {
    let mut laughs = String::from("<!DOCTYPE html [<!ENTITY l0 \"ha\">");
    for n in 1..10 {
        laughs.push_str(&format!("<!ENTITY l{n} \"{}\">", repeated(&format!("&l{};", n - 1), 10)));
    }
    let xhtml = format!("<?xml version=\"1.0\"?>{laughs}]><html><body><p>words &l0; &l9;</p></body></html>");
    let text = read(book(&[xhtml.as_bytes()], &[])).unwrap().text;
    assert!(text.starts_with("words ha") && text.len() < 200, "{text}");
    assert!(read(xhtml.into_bytes()).unwrap().text.len() < 1000);
    let long = format!(
        "<!DOCTYPE html [<!ENTITY a \"{}\">]><html><body><p>words {}</p></body></html>",
        "x".repeat(100_000),
        repeated("&a;", 100_000)
    );
    assert!(read(book(&[long.as_bytes()], &[])).unwrap().text.len() < 1_000_000);
}

#[test]
fn what_is_huge() {
    let rows: String = (0..1_000_000).map(|n| format!("<tr><td>{n}</td><td>x</td></tr>")).collect();
    let document = read(book(&[&page(&format!("<table>{rows}</table>"))], &[])).unwrap();
    assert_eq!(document.blocks.len(), 1_000_000);
    assert!(document.text.ends_with("999999\tx"));
    let attribute = format!("<p title=\"{}\">words</p>", "x".repeat(20 << 20));
    assert_eq!(read(book(&[&page(&attribute)], &[])).unwrap().text, "words");
    assert_eq!(read(format!("<html>{attribute}").into_bytes()).unwrap().text, "words");
    let attributes: String = (0..20_000).map(|n| format!(" a{n}='x'")).collect();
    assert_eq!(read(format!("<html><p{attributes}>words").into_bytes()).unwrap().text, "words");
    assert_eq!(read(book(&[&page(&format!("<p{attributes}>words</p>"))], &[])).unwrap().text, "words");
    let marks = repeated("a<span epub:type=\"pagebreak\" title=\"1\"/>", 100_000);
    assert_eq!(read(book(&[&page(&format!("<p>{marks}</p>"))], &[])).unwrap().page_marks.len(), 100_000);
    let ends = format!("<b>{}{}", repeated("<i>", 100_000), repeated("</u></b>", 100_000));
    assert_eq!(read(format!("<html><p>words{ends}").into_bytes()).unwrap().text, "words");
}

#[test]
fn a_spine_of_50_000_items() {
    let mut manifest = String::new();
    let mut spine = String::from("<spine>");
    for n in 0..50_000 {
        manifest.push_str(&format!(r#"<item id="i{n}" href="i{n}.xhtml" media-type="application/xhtml+xml"/>"#));
        spine.push_str(&format!(r#"<itemref idref="i{n}"/><itemref idref="none{n}"/>"#));
    }
    spine.push_str("</spine>");
    let opf = package(&manifest, &spine);
    let names: Vec<String> = (0..50_000).map(|n| format!("OEBPS/i{n}.xhtml")).collect();
    let mut entries: Vec<(&str, &[u8])> =
        vec![("META-INF/container.xml", CONTAINER.as_bytes()), ("OEBPS/book.opf", opf.as_bytes())];
    entries.extend(names.iter().map(|name| (name.as_str(), b"<html><body><p>w</p></body></html>".as_slice())));
    let document = read(archive(entries)).unwrap();
    assert_eq!((document.sections.len(), document.blocks.len()), (100_000, 50_000));
    assert!(document.notes.len() < 100);
}

#[test]
fn bytes_that_are_no_text() {
    let nul = page("<p>a\0b</p><p>c</p>");
    assert!(read(book(&[&nul], &[])).unwrap().text.ends_with('c'));
    let invalid = [&page("<p>words")[..], b"\xff\xfe\xc0\x80 and more</p>"].concat();
    let text = read(book(&[&invalid], &[])).unwrap().text;
    assert!(text.starts_with("words") && text.ends_with("and more"), "{text}");
    // Every byte of a small book, turned in turn: an answer, whatever it is.
    let small = book(
        &[&page("<p>words</p>")],
        &[("OEBPS/nav.xhtml", &page("<nav epub:type='toc'><ol><li><a href='c1.xhtml'>T</a></li></ol></nav>"))],
    );
    for at in 0..small.len() {
        let mut turned = small.clone();
        turned[at] ^= 0xff;
        ends_well(&turned);
        ends_well(&small[..at]);
    }
    let html = "<h1 id=a title='x'>T</h1><p>a &amp; b<table><tr><td>c<svg><text>d</svg><!-- e --><![CDATA[f]]>";
    for at in 0..html.len() {
        let mut turned = format!("<html>{html}").into_bytes();
        turned[at + 6] ^= 0x80;
        ends_well(&turned);
        turned[at + 6] = b'<';
        ends_well(&turned);
    }
}

#[test]
fn the_other_documents_are_done() {
    let shelf = Shelf::empty();
    let bomb = vec![b' '; 150 << 20];
    shelf.put("bomb.epub", &book(&[&bomb], &[]));
    shelf.put("deep.epub", &book(&[&page(&repeated("<div>", 100_000))], &[]));
    shelf.put("deep.html", repeated("<table><tr><td>", 100_000).as_bytes());
    shelf.put("good.epub", &documents::epub("G", &[&documents::story(2)]));
    shelf.put("good.docx", &docx("<w:p><w:r><w:t>An ember wyrm guards the road.</w:t></w:r></w:p>", "", ""));
    shelf.put("good.txt", b"An ember wyrm guards the salt road.");
    let run = shelf.batch(&["--formats", "all", "--progress", "plain"]).exits(75).says("bomb.epub").says("zip bomb");
    assert!(!run.stderr().contains("panicked"));
    let names: Vec<String> = shelf.vocabularies().into_keys().collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(shelf.vocabulary("good.txt.vocab.json")["metadata"]["format"], "text");
}

#[test]
fn formats_are_taken_by_choice_or_by_name() {
    let shelf = Shelf::empty();
    shelf.put("a.epub", &documents::epub("G", &[&documents::story(2)]));
    shelf.put("b.md", b"# The Salt Road\n\nAn ember wyrm guards it.");
    shelf.put("c.txt", b"An ember wyrm guards the salt road.");
    shelf.put("d.xyz", b"nothing");
    shelf.batch(&[]).exits(0).says("passed over 3 (1 md, 1 txt among them: --formats all takes such files too)");
    assert_eq!(shelf.vocabularies().len(), 1);
    shelf.batch(&["--formats", "md,epub"]).exits(0).says("passed over 2 (1 txt among them");
    assert_eq!(shelf.vocabularies().len(), 2);
    let section = &shelf.vocabulary("b.vocab.json")["metadata"]["section_kind"];
    assert_eq!(section, "chapter");
    shelf.batch(&["--formats", "pdf,doc"]).exits(64).says("there is no format 'doc'");
    std::fs::write(shelf.path().join("corpora.toml"), "formats = ['epub', 'txt']\n").unwrap();
    shelf.batch(&[]).exits(0).says("passed over 2 (1 md among them");
    std::fs::remove_file(shelf.path().join("corpora.toml")).unwrap();
    shelf.run(&["batch", "books/d.xyz", "-o", "other"]).exits(0);
    shelf.run(&["parse", "books/b.md"]).exits(0);
    shelf.put("page.pdf", b"<!DOCTYPE html><html><body>404 not found</body></html>");
    shelf.run(&["parse", "books/page.pdf"]).exits(65).says("not PDF, whatever its name says: it begins with");
}
