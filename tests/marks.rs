//! What authors say beside the words is kept, whatever the format: emphasis, expansions, notes, tables, parts of a book.

use corpora::stages::parse::{ParseSettings, parse};
use corpora::values::{BlockKind, CellSpan, Markup, ParsedDocument, PartKind, Table};

use crate::support::Shelf;
use crate::support::epubs;
use crate::support::page::{Font, Page, pdf};

use Font::{Bold, Fixed, Serif};

fn read(bytes: &[u8]) -> ParsedDocument {
    parse(bytes, &ParseSettings::default(), &mut |_, _| {}).unwrap()
}

/// The marks of a document as words of their kinds, as JSON has them, and their texts.
fn marks(document: &ParsedDocument) -> Vec<(String, &str)> {
    let told = |mark: &corpora::values::Mark| serde_json::to_string(&mark.kind).unwrap().replace('"', "");
    document.markup.marks.iter().map(|mark| (told(mark), mark.span.of(&document.text))).collect()
}

fn pairs<'a>(told: &'a [(String, &'a str)]) -> Vec<(&'a str, &'a str)> {
    told.iter().map(|(kind, text)| (kind.as_str(), *text)).collect()
}

fn parts(document: &ParsedDocument) -> Vec<(PartKind, &str)> {
    document.markup.parts.iter().map(|part| (part.kind, part.span.of(&document.text))).collect()
}

#[test]
fn elements_of_emphasis_mark_their_words_over_blocks_and_within_each_other() {
    let html = "<html><body><h1>A <em>large</em> gate</h1><p>The <b>salt  lamp</b>, the <dfn>tide <i>bell</i></dfn> and an\n\
        <abbr title=\"Non-player\n character\">NPC</abbr> use <code>--ring</code> in <cite>Of Gates</cite>, <span class=\"smallcaps\">Aramis</span> says.\
        </p><b><p>Both are</p><p>bold.</p></b><pre><code>ring(bell)</code></pre></body></html>";
    assert_eq!(
        pairs(&marks(&read(html.as_bytes()))),
        [
            ("italic", "large"),
            ("bold", "salt lamp"),
            ("defined", "tide bell"),
            ("italic", "bell"),
            ("{abbreviation:Non-player character}", "NPC"),
            ("code", "--ring"),
            ("title", "Of Gates"),
            ("small_caps", "Aramis"),
            ("bold", "Both are"),
            ("bold", "bold."),
        ]
    );
}

#[test]
fn the_mark_of_a_note_leads_to_the_note_in_its_own_file_and_in_another() {
    let chapter = epubs::page(
        r##"<p>An oath<a epub:type="noteref" href="#n1">1</a> binds<sup><a href="c2.xhtml#n2">2</a></sup>, see <a href="#n1">below</a>.</p><aside epub:type="footnote" id="n1"><p>Of oaths.</p></aside>"##,
    );
    let notes = epubs::page(r#"<p>Notes</p><p id="n2">Of what binds.</p>"#);
    let document = read(&epubs::book(&[&chapter, &notes], &[]));
    assert_eq!(pairs(&marks(&document)), [("{note_reference:1}", "\u{b9}"), ("{note_reference:3}", "\u{b2}")]);
    let note = |index: usize| document.blocks[index].span.of(&document.text);
    assert_eq!((note(1), note(3)), ("Of oaths.", "Of what binds."));
}

#[test]
fn tables_have_their_header_caption_and_the_reach_of_their_cells() {
    let html = "<html><body><table><caption>Lamps</caption><thead><tr><th>Name</th><th colspan=\"2\">Oil</th></tr></thead>\
        <tr><td rowspan=\"9\">tide lamp</td><td>3</td><td>4</td></tr><tr><td>5</td><td>6</td></tr></table>\
        <table><tr><td><h2>Menu</h2></td></tr><tr><td>x</td></tr></table></body></html>";
    let span = |row, column, rows, columns| CellSpan { row, column, rows, columns };
    let spans = vec![span(0, 1, 1, 2), span(1, 0, 2, 1)];
    let table = Table { first_block: 1, rows: 3, header_rows: 1, caption: Some(0), spans };
    let document = read(html.as_bytes());
    assert_eq!(document.markup.tables[0], table);
    assert_eq!(document.blocks[0].kind, BlockKind::Caption);
}

#[test]
fn parts_of_a_book_are_told_from_its_text() {
    let chapter = |body: &str| epubs::page(body);
    let (title, text, end) = (
        chapter(r#"<section epub:type="titlepage"><h1>The Gate</h1></section>"#),
        chapter("<h2>One</h2><p>A lamp burns.</p>"),
        chapter(
            r#"<section epub:type="backmatter glossary"><dl><dt>lamp</dt><dd>It burns.</dd></dl></section><section epub:type="colophon"><p>Set in lead.</p></section>"#,
        ),
    );
    let document = read(&epubs::book(&[&title, &text, &end], &[]));
    let told = parts(&document);
    assert_eq!(
        told,
        [
            (PartKind::FrontMatter, "The Gate"),
            (PartKind::Glossary, "lamp\nIt burns."),
            (PartKind::Boilerplate, "Set in lead."),
        ]
    );
    let plain = "Anybody may copy this.\n\n*** START OF THE PROJECT GUTENBERG EBOOK THE GATE ***\n\nA lamp burns.\n\n*** END OF THE PROJECT GUTENBERG EBOOK THE GATE ***\n\nThe licence.\n";
    let document = read(plain.as_bytes());
    let told = parts(&document);
    assert!(told.iter().all(|(kind, text)| *kind == PartKind::Boilerplate && !text.contains("lamp")), "{told:?}");
    assert_eq!(told.len(), 2);
}

#[test]
fn runs_and_styles_of_word_mark_their_characters() {
    let styles = r#"<w:style w:type="paragraph" w:styleId="P"><w:name w:val="Definition List"/></w:style><w:style w:type="character" w:styleId="D"><w:name w:val="HTML Definition"/></w:style><w:style w:type="character" w:styleId="X"><w:name w:val="House"/><w:rPr><w:smallCaps/></w:rPr></w:style>"#;
    let run = |properties: &str, text: &str| {
        format!(r#"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>"#)
    };
    let body = format!(
        "<w:p>{}{}{}{}{}{}</w:p><w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr><w:tc><w:p>{}</w:p></w:tc></w:tr><w:tr><w:tc><w:p>{}</w:p></w:tc></w:tr></w:tbl>",
        run("", "The "),
        run("<w:b/>", "salt "),
        run("<w:b/><w:i w:val=\"0\"/>", "lamp"),
        run(r#"<w:rStyle w:val="D"/>"#, " tide bell"),
        run(r#"<w:rStyle w:val="X"/>"#, " Aramis"),
        run("", " rings."),
        run("<w:i/>", "Name"),
        run("", "oil"),
    );
    let document = read(&epubs::docx(&body, styles, ""));
    assert_eq!(
        pairs(&marks(&document)),
        [("bold", "salt lamp"), ("defined", "tide bell"), ("small_caps", "Aramis"), ("italic", "Name")]
    );
    let table = Table { first_block: 1, rows: 2, header_rows: 1, ..Table::default() };
    assert_eq!(document.markup.tables, [table]);
}

#[test]
fn a_change_of_font_in_a_line_of_a_page_marks_its_words() {
    let plain = "the keeper of the ninth gate wakes at dusk and counts the lanterns that hang";
    let page = (0..20)
        .fold(Page::new(), |page, n| page.text(72.0, 100.0 + 12.0 * f64::from(n), 10.0, Serif, plain))
        .text(72.0, 360.0, 10.0, Serif, "Each evening the ")
        .text(143.5, 360.0, 10.0, Bold, "salt lan-")
        .text(72.0, 372.0, 10.0, Bold, "tern")
        .text(95.0, 372.0, 10.0, Serif, "is lit, and she calls")
        .text(172.0, 372.0, 10.0, Fixed, "ring(bell)")
        .text(235.0, 372.0, 10.0, Serif, "before she goes to bed again.")
        .text(72.0, 400.0, 10.0, Bold, "All of this line is bold, and its kind says so.");
    let document = read(&pdf(&[page]));
    let marks = marks(&document);
    assert_eq!(pairs(&marks), [("bold", "salt lantern"), ("code", "ring(bell)")], "{}", document.text);
}

#[test]
fn names_that_run_in_are_marked_in_every_format() {
    let html = "<p><b>Salt lamp.</b> It burns.</p><p><b>All of it is bold.</b></p><ul><li><i>Tide bell</i>: it rings</li></ul><p>No <b>name</b>: here.</p>";
    let names = |document: &ParsedDocument| -> Vec<String> {
        let told = marks(document);
        told.iter().filter(|(kind, _)| kind == "run_in").map(|(_, text)| (*text).to_owned()).collect()
    };
    assert_eq!(names(&read(format!("<html><body>{html}</body></html>").as_bytes())), ["Salt lamp", "Tide bell"]);
    let page = Page::new().text(72.0, 100.0, 10.0, Bold, "Salt lamp.").text(
        124.0,
        100.0,
        10.0,
        Serif,
        "It burns with a small flame, and hisses when it rains.",
    );
    assert_eq!(names(&read(&pdf(&[page]))), ["Salt lamp"]);
}

#[test]
fn notes_of_a_page_belong_to_their_marks() {
    let plain = "the keeper of the ninth gate wakes at dusk and counts the lanterns that hang";
    let page = (0..20)
        .fold(Page::new(), |page, n| page.text(72.0, 100.0 + 12.0 * f64::from(n), 10.0, Serif, plain))
        .text(72.0, 340.0, 10.0, Serif, "She swears the oath")
        .text(151.5, 336.0, 6.0, Serif, "1")
        .text(160.0, 340.0, 10.0, Serif, "each evening.")
        .text(72.0, 700.0, 7.0, Serif, "1 It is written in the ledger of the drowned.");
    let document = read(&pdf(&[page]));
    let note = document.blocks.iter().position(|block| block.kind == BlockKind::Footnote).unwrap();
    assert_eq!(pairs(&marks(&document)), [(format!("{{note_reference:{note}}}").as_str(), "\u{b9}")]);
}

#[test]
fn formulas_that_stand_alone_are_told_from_text() {
    let html = "<html><body><p>As is known,</p><math display=\"block\"><mi>E</mi><mo>=</mo><mi>m</mi></math><p>where <math><mi>m</mi></math> is.</p></body></html>";
    let formulas = |document: &ParsedDocument| -> Vec<String> {
        let blocks = document.blocks.iter().filter(|block| block.kind == BlockKind::Formula);
        blocks.map(|block| block.span.of(&document.text).to_owned()).collect()
    };
    assert_eq!(formulas(&read(html.as_bytes())).len(), 1);
    let plain = "the keeper of the ninth gate wakes at dusk and counts the lanterns that hang";
    let page = Page::new()
        .lines(72.0, 100.0, 10.0, 12.0, Serif, &[plain; 6])
        .text(200.0, 190.0, 10.0, Serif, "E = m + c (1)")
        .lines(72.0, 220.0, 10.0, 12.0, Serif, &[plain; 6]);
    assert_eq!(formulas(&read(&pdf(&[page]))), ["E = m + c (1)"]);
}

#[test]
fn rows_of_a_page_are_a_table_with_its_header_and_caption() {
    let plain = "the keeper of the ninth gate wakes at dusk and counts the lanterns that hang";
    let mut page = (0..12)
        .fold(Page::new(), |page, n| page.text(72.0, 100.0 + 12.0 * f64::from(n), 10.0, Serif, plain))
        .text(72.0, 280.0, 10.0, Serif, "Table 1: Lamps and their oil");
    for (n, row) in [["Name", "Oil", "Price"], ["tide lamp", "3", "17"], ["salt lamp", "4", "9"]].iter().enumerate() {
        for (column, cell) in row.iter().enumerate() {
            let font = if n == 0 { Bold } else { Serif };
            page = page.text(72.0 + 120.0 * column as f64, 300.0 + 14.0 * n as f64, 10.0, font, cell);
        }
    }
    let document = read(&pdf(&[page]));
    let [table] = document.markup.tables.as_slice() else { panic!("{:?}", document.markup.tables) };
    let row = |n: u32| document.blocks[(table.first_block + n) as usize].span.of(&document.text);
    assert_eq!((table.rows, table.header_rows, row(0), row(2)), (3, 1, "Name\tOil\tPrice", "salt lamp\t4\t9"));
    let caption = table.caption.map(|at| document.blocks[at as usize].span.of(&document.text));
    assert_eq!(caption, Some("Table 1: Lamps and their oil"));
}

#[test]
fn marks_of_markdown_come_out_as_they_went_in() {
    let shelf = Shelf::empty();
    let text = "# The *ninth* gate\n\nThe **salt lamp** and *tide bell* call `ring(bell)`.\n\n- an **oath**\n\n| Name | Oil |\n| --- | --- |\n| *tide* | 3 |\n";
    shelf.put("gate.md", text.as_bytes());
    let out = shelf.run(&["parse", "books/gate.md", "--format", "markdown"]);
    assert_eq!(out.exits(0).stdout(), text);
}

#[test]
fn a_document_of_a_store_of_before_has_no_markup_and_is_read() {
    let old = r#"{"format":"text","metadata":{},"text":"lamp","sections":[],"blocks":[{"kind":"paragraph","span":{"start":0,"end":4}}]}"#;
    let document: ParsedDocument = serde_json::from_str(old).unwrap();
    assert_eq!(document.markup, Markup::default());
    assert!(!serde_json::to_string(&document).unwrap().contains("markup"));
}
