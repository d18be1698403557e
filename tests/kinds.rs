//! Kinds of blocks as pages show them: names and what is said of them, tables of contents, indexes, code.

use corpora::stages::parse::{ParseSettings, parse};
use corpora::values::{BlockKind, CellSpan, ParsedDocument};

use crate::support::documents::with_xref;
use crate::support::page::{Font, Page, pdf};

use Font::{Bold, Fixed, Narrow, Serif};

fn read(pages: &[Page]) -> ParsedDocument {
    parse(pdf(pages), &ParseSettings::default(), &mut |_, _| {}).unwrap()
}

fn of_kind(document: &ParsedDocument, is: impl Fn(BlockKind) -> bool) -> Vec<&str> {
    let blocks = document.blocks.iter().filter(|block| is(block.kind));
    blocks.map(|block| block.span.of(&document.text)).collect()
}

fn headings(document: &ParsedDocument) -> Vec<&str> {
    of_kind(document, |kind| matches!(kind, BlockKind::Heading(_)))
}

const PROSE: [&str; 3] = [
    "the keeper of the ninth gate wakes at dusk and counts the lanterns that hang along",
    "the river wall and when one of them is dark she rings the smaller bell and writes",
    "the name of the boat that passed it into the ledger of the drowned.",
];

/// A page whose text begins at a margin of 72 points, up to a height of 200.
fn begun() -> Page {
    let page = Page::new().text(72.0, 60.0, 16.0, Bold, "Of the gate and what stands in it");
    (0..3).fold(page, |page, n| page.lines(72.0, 92.0 + 40.0 * f64::from(n), 10.0, 12.0, Serif, &PROSE))
}

#[test]
fn names_at_the_margin_of_text_with_what_is_said_of_them_set_in_are_a_list_of_definitions() {
    let names = ["bell rope", "salt lamp", "tide ledger", "gate key"];
    let page = names.iter().enumerate().fold(begun(), |page, (n, name)| {
        let y = 230.0 + 50.0 * n as f64;
        page.text(72.0, y, 10.0, Bold, name).lines(97.0, y + 12.0, 10.0, 12.0, Serif, &PROSE[..2])
    });
    let document = read(&[page]);
    assert_eq!(headings(&document), ["Of the gate and what stands in it"]);
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::DefinitionTerm), names);
    let definitions = of_kind(&document, |kind| kind == BlockKind::Definition);
    assert_eq!(definitions.len(), 4);
    assert!(definitions.iter().all(|text| text.starts_with("the keeper")), "{definitions:?}");
}

/// Lists may lie in one another; which of them is looked at first must not decide what a block is.
#[test]
fn lists_of_definitions_in_one_another_are_read_alike_each_time() {
    let names =
        [("bell rope", "of hemp"), ("salt lamp", "of glass"), ("tide ledger", "of vellum"), ("gate key", "of iron")];
    let page = || {
        names.iter().enumerate().fold(begun(), |page, (n, (name, inner))| {
            let y = 220.0 + 90.0 * n as f64;
            let page = page.text(72.0, y, 10.0, Bold, name).lines(97.0, y + 12.0, 10.0, 12.0, Serif, &PROSE[..2]);
            page.text(97.0, y + 38.0, 10.0, Bold, inner).lines(132.0, y + 50.0, 10.0, 12.0, Serif, &PROSE[..2])
        })
    };
    let first = read(&[page()]).blocks;
    let terms = first.iter().filter(|block| block.kind == BlockKind::DefinitionTerm).count();
    assert!(terms >= names.len(), "{first:?}");
    for _ in 0..40 {
        assert_eq!(read(&[page()]).blocks, first);
    }
}

#[test]
fn headings_over_paragraphs_whose_first_line_is_set_in_stay_headings() {
    let titles = ["The bell", "The salt lamp", "The tide ledger"];
    let page = titles.iter().enumerate().fold(begun(), |page, (n, title)| {
        let y = 230.0 + 80.0 * n as f64;
        let page = page.text(72.0, y, 10.0, Bold, title).text(87.0, y + 16.0, 10.0, Serif, PROSE[0]);
        page.lines(72.0, y + 28.0, 10.0, 12.0, Serif, &PROSE[1..])
    });
    assert_eq!(headings(&read(&[page]))[1..], titles);
    // Headings that hang out into the margin of all text stay headings too.
    let page = titles.iter().enumerate().fold(Page::new(), |page, (n, title)| {
        let y = 100.0 + 80.0 * n as f64;
        page.text(72.0, y, 10.0, Bold, title).lines(97.0, y + 12.0, 10.0, 12.0, Serif, &PROSE)
    });
    assert_eq!(headings(&read(&[page])), titles);
}

#[test]
fn lines_that_lead_to_the_titles_of_a_book_are_its_table_of_contents() {
    let titles = ["The river wall", "The ninth gate", "Lamps and their oil", "The ledger", "What the drowned are owed"];
    let front = titles.iter().enumerate().fold(
        Page::new().text(72.0, 60.0, 16.0, Bold, "What is in this book"),
        |page, (n, title)| {
            let y = 100.0 + 20.0 * n as f64;
            let page = page.text(72.0, y, 12.0, Bold, &format!("{title} . . . . . . . . . . . . . ."));
            page.text(400.0, y, 12.0, Bold, &(n + 2).to_string())
        },
    );
    let page = |title: &str| {
        (0..4).fold(Page::new().text(72.0, 60.0, 16.0, Bold, title), |page, n| {
            page.lines(72.0, 92.0 + 40.0 * f64::from(n), 10.0, 12.0, Serif, &PROSE)
        })
    };
    let document = read(&std::iter::once(front).chain(titles.map(page)).collect::<Vec<_>>());
    let entries = of_kind(&document, |kind| kind == BlockKind::ContentsEntry);
    let wanted: Vec<String> = titles.iter().zip(2..).map(|(title, page)| format!("{title}\t{page}")).collect();
    assert_eq!(entries, wanted);
    assert_eq!(headings(&document)[1..], titles);
}

#[test]
fn lines_in_the_order_of_the_alphabet_that_lead_to_pages_are_an_index_and_a_price_list_is_none() {
    let index =
        ["ash, 3", "bell, 2, 7", "candle, 1", "ledger, 4", "oil, 2", "rope, 7", "salt, 1, 3", "tide, 6", "wall, 5"];
    let (mut page, mut y) = (begun(), 230.0);
    for entry in index {
        if entry.starts_with(['b', 's']) {
            page = page.text(72.0, y + 8.0, 12.0, Bold, &entry[..1].to_uppercase());
            y += 24.0;
        }
        page = page.text(72.0, y, 9.0, Serif, entry);
        y += 12.0;
    }
    let others = || (0..6).map(|_| begun());
    let document = read(&std::iter::once(page).chain(others()).collect::<Vec<_>>());
    let entries = of_kind(&document, |kind| kind == BlockKind::IndexEntry);
    assert_eq!(entries.iter().filter(|entry| entry.len() > 1).copied().collect::<Vec<_>>(), index, "{}", document.text);
    assert!(!headings(&document).contains(&"S"));

    let prices = ["oil, 12", "salt, 1", "rope, 9", "wax, 4", "bells, 7", "ink, 2", "tar, 1", "nails, 3", "lamps, 8"];
    let page = begun().lines(72.0, 230.0, 9.0, 16.0, Serif, &prices);
    let document = read(&std::iter::once(page).chain(others()).collect::<Vec<_>>());
    assert!(of_kind(&document, |kind| kind == BlockKind::IndexEntry).is_empty());
}

#[test]
fn signs_of_another_font_before_code_leave_it_code() {
    let page = begun()
        .text(90.0, 230.0, 10.0, Fixed, "count (lamps)")
        .text(90.0, 242.0, 10.0, Narrow, "\u{21d2}")
        .text(96.0, 242.0, 10.0, Fixed, " left = 3")
        .text(72.0, 270.0, 10.0, Serif, "and so on, until the tide bell rings.");
    let document = read(&[page]);
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Code), ["count (lamps)", "\u{21d2} left = 3"]);
}

/// A line between two places, counted from the upper left corner.
type Segment = ((f64, f64), (f64, f64));

/// Paints lines across and down a page.
fn ruled(page: Page, lines: &[Segment]) -> Page {
    lines
        .iter()
        .fold(page, |page, ((x0, y0), (x1, y1))| page.raw(&format!("{x0} {} m {x1} {} l S", 792.0 - y0, 792.0 - y1)))
}

#[test]
fn cells_that_are_ruled_are_cells_however_near_they_stand_and_in_whatever_order_they_are_painted() {
    let rules: Vec<Segment> = [230.0, 250.0, 270.0, 290.0]
        .map(|y| ((72.0, y), (252.0, y)))
        .into_iter()
        .chain([72.0, 132.0, 252.0].map(|x| ((x, 230.0), (x, 290.0))))
        .chain([((192.0, 250.0), (192.0, 290.0))])
        .collect();
    let columns: [&[(f64, &str)]; 3] = [
        &[(244.0, "Name"), (264.0, "tide lanterns"), (284.0, "salt lanterns")],
        &[(244.0, "What they burn"), (264.0, "tallow or wax"), (284.0, "oil of whales")],
        &[(264.0, "3"), (284.0, "17")],
    ];
    let page = columns.iter().enumerate().fold(ruled(begun(), &rules), |page, (n, cells)| {
        cells.iter().fold(page, |page, (y, text)| page.text(74.0 + 60.0 * n as f64, *y, 9.0, Serif, text))
    });
    let document = read(&[page.lines(72.0, 320.0, 10.0, 12.0, Serif, &PROSE)]);
    assert_eq!(
        of_kind(&document, |kind| kind == BlockKind::TableRow),
        ["Name\tWhat they burn", "tide lanterns\ttallow or wax\t3", "salt lanterns\toil of whales\t17"]
    );
    let [table] = document.markup.tables.as_slice() else { panic!("{:?}", document.markup.tables) };
    assert_eq!((table.rows, table.header_rows), (3, 1));
    assert_eq!(table.spans, [CellSpan { row: 0, column: 1, rows: 1, columns: 2 }]);
    assert!(document.text.contains("drowned.\nName") && document.text.contains("17\nthe keeper"));
}

#[test]
fn boxes_around_columns_of_text_are_no_table() {
    let rules = [
        ((60.0, 80.0), (552.0, 80.0)),
        ((60.0, 250.0), (552.0, 250.0)),
        ((60.0, 420.0), (552.0, 420.0)),
        ((60.0, 80.0), (60.0, 420.0)),
        ((306.0, 80.0), (306.0, 420.0)),
        ((552.0, 80.0), (552.0, 420.0)),
    ];
    let short: Vec<&str> = PROSE.iter().flat_map(|line| [&line[..38], line[38..].trim()]).collect();
    let column = |page: Page, x: f64, y: f64| {
        (0..13).fold(page, |page, n| page.text(x, y + 12.0 * f64::from(n), 9.0, Serif, short[n as usize % short.len()]))
    };
    let page = [(70.0, 95.0), (316.0, 95.0), (70.0, 265.0), (316.0, 265.0)]
        .into_iter()
        .fold(ruled(Page::new(), &rules), |page, (x, y)| column(page, x, y));
    let document = read(&[page]);
    assert!(of_kind(&document, |kind| kind == BlockKind::TableRow).is_empty(), "{}", document.text);
}

/// A page whose author says what its pieces are, and the tree in which he does.
fn tagged(pieces: &[(&str, &str, &str)]) -> Vec<u8> {
    let (mut content, mut elements, mut kids) = (String::new(), Vec::new(), String::new());
    for (n, (kind, more, text)) in pieces.iter().enumerate() {
        let y = 700 - 24 * n;
        let begin =
            if *kind == "Artifact" { "/Artifact BMC".to_owned() } else { format!("/{kind} << /MCID {n} >> BDC") };
        content.push_str(&format!("{begin} BT /F1 10 Tf 72 {y} Td ({text}) Tj ET EMC\n"));
        if *kind != "Artifact" {
            kids.push_str(&format!("{} 0 R ", 8 + elements.len()));
            elements.push(format!("<< /S /{kind} /P 7 0 R /Pg 3 0 R /K {n} {more} >>").into_bytes());
        }
    }
    let mut objects: Vec<Vec<u8>> = vec![
        b"<< /Type /Catalog /Pages 2 0 R /MarkInfo << /Marked true >> /StructTreeRoot 6 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_vec(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        b"<< /Type /StructTreeRoot /K 7 0 R /RoleMap << /Chapter /H2 >> >>".to_vec(),
        format!("<< /S /Document /Lang (de-AT) /K [{kids}] >>").into_bytes(),
    ];
    objects.extend(elements);
    with_xref(&objects)
}

#[test]
fn what_an_author_says_of_his_text_by_tags_is_believed() {
    let prose = PROSE[0];
    let pieces = [
        ("Chapter", "", "Of the gate"),
        ("P", "", prose),
        ("Chapter", "", "Of the wall"),
        ("P", "", prose),
        ("P", "", "The wall"),
        ("Chapter", "", "Of the bell"),
        ("Code", "", "ring --twice"),
        ("P", "/ActualText (The saltbinder rings it.)", "Th# s@ltb!nd#r r!ngs !t."),
        ("Caption", "", "What the bell looks like"),
        ("Artifact", "", "The Ledger of the Drowned"),
    ];
    let document = parse(tagged(&pieces), &ParseSettings::default(), &mut |_, _| {}).unwrap();
    let heads: Vec<&str> = of_kind(&document, |kind| kind == BlockKind::Heading(2));
    assert_eq!(heads, ["Of the gate", "Of the wall", "Of the bell"], "{:?}", document.blocks);
    assert_eq!(headings(&document).len(), 3);
    assert!(of_kind(&document, |kind| kind == BlockKind::Paragraph).contains(&"The saltbinder rings it."));
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Code), ["ring --twice"]);
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Caption), ["What the bell looks like"]);
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Furniture), ["The Ledger of the Drowned"]);
    assert_eq!(document.metadata.language.as_deref(), Some("de-AT"));
}

#[test]
fn lines_at_the_edges_of_a_single_page_are_told_from_its_text_by_their_place_and_size() {
    let edges = |page: Page| {
        page.text(72.0, 25.0, 8.0, Serif, "Notes of the River Society, Vol. 3, 1997")
            .text(72.0, 765.0, 8.0, Serif, "Copied at the library on 3 May 2019")
            .text(520.0, 765.0, 8.0, Serif, "62")
    };
    let document = read(&[edges(begun())]);
    let furniture = of_kind(&document, |kind| kind == BlockKind::Furniture);
    assert_eq!(furniture, ["Notes of the River Society, Vol. 3, 1997", "Copied at the library on 3 May 2019\t62"]);
    assert_eq!(headings(&document), ["Of the gate and what stands in it"]);
    // A title at the upper edge is larger than the text, a last line stands right below it, and a sentence is no running foot.
    let last = Page::new().text(72.0, 40.0, 18.0, Bold, "Of the gate").lines(72.0, 70.0, 10.0, 12.0, Serif, &PROSE);
    let last = (0..4).fold(last, |page, n| page.lines(72.0, 560.0 + 50.0 * f64::from(n), 10.0, 12.0, Serif, &PROSE));
    let page = last.text(72.0, 775.0, 10.0, Serif, "She never said what was written there, and nobody asked her.");
    assert_eq!(of_kind(&read(&[page]), |kind| kind == BlockKind::Furniture), Vec::<&str>::new());
}
