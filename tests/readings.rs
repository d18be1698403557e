//! Files with one difficulty each, as they are met in the world: what a reader sees has to come out whatever the file says or
//! leaves out of it.

use corpora::stages::parse::{ParseSettings, parse};
use corpora::values::{BlockKind, ParsedDocument, SectionSource};

use crate::support::documents::with_xref;
use crate::support::epubs;
use crate::support::page::{Font, Page, pdf};

use Font::{Bold, Fixed, Narrow, Plain, Serif, Wide};

fn read(bytes: &[u8]) -> ParsedDocument {
    parse(bytes, &ParseSettings::default(), &mut |_, _| {}).unwrap()
}

/// All white space as single spaces.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn words(document: &ParsedDocument) -> String {
    folded(&document.text)
}

/// The texts of all blocks of a kind.
fn of_kind(document: &ParsedDocument, is: impl Fn(BlockKind) -> bool) -> Vec<String> {
    let blocks = document.blocks.iter().filter(|block| is(block.kind));
    blocks.map(|block| block.span.of(&document.text).to_owned()).collect()
}

fn is_heading(kind: BlockKind) -> bool {
    matches!(kind, BlockKind::Heading(_))
}

fn stream(dictionary: &str, content: &str) -> String {
    format!("<< /Length {} {dictionary} >>\nstream\n{content}\nendstream", content.len())
}

/// One page of 612 by 792 points with the fonts `/F1` (Helvetica) and `/F2`, more entries of the catalogue and of the page, and more
/// objects from number 7 on.
fn one_page(catalog: &str, page: &str, font: &str, content: &str, more: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        "<< /Type /Pages /Kids [4 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R /F2 6 0 R >> >> {} >>",
            if page.contains("/Contents") { page.to_owned() } else { format!("/Contents 5 0 R {page}") }
        ),
        stream("", content),
        if font.is_empty() { "null" } else { font }.to_owned(),
    ];
    objects.extend(more.iter().map(|object| (*object).to_owned()));
    with_xref(&objects.into_iter().map(String::into_bytes).collect::<Vec<_>>())
}

/// Prose in lines of a given length.
fn prose(lines: usize, width: usize) -> Vec<String> {
    const TEXT: &str = "the keeper of the ninth gate wakes at dusk and counts the lanterns that hang along the river wall and when one of them is dark she rings the smaller bell and writes the name of the boat that passed it into the ledger of the drowned while no boat has come for eleven winters and nobody remembers why it was made ";
    let mut words = TEXT.split_whitespace().cycle();
    let mut made = Vec::new();
    let mut line = String::new();
    while made.len() < lines {
        let word = words.next().unwrap();
        if line.len() + word.len() + 1 > width {
            made.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    made
}

#[test]
fn a_type_3_font_of_any_glyph_space_is_measured_by_its_letters() {
    let text = prose(8, 60);
    let mut content = String::new();
    for (n, line) in text.iter().enumerate() {
        content.push_str(&format!("BT /F2 0.12 Tf 1 0 0 1 72 {} Tm ", 700 - 14 * n));
        for word in line.split(' ') {
            content.push_str(&format!("({word}) Tj {:.2} 0 Td ", 6.0 * word.len() as f64 + 3.5));
        }
        content.push_str("ET\n");
    }
    let names: String = (b'a'..=b'z').map(|c| format!("/{} 7 0 R ", char::from(c))).collect();
    let differences: String = (b'a'..=b'z').map(|c| format!("/{} ", char::from(c))).collect();
    let font = format!(
        "<< /Type /Font /Subtype /Type3 /FontMatrix [1 0 0 1 0 0] /FontBBox [0 0 60 90] /CharProcs << {names} >> /Encoding << /Differences [97 {differences}] >> /FirstChar 97 /LastChar 122 /Widths [{}] >>",
        "50 ".repeat(26)
    );
    let document = read(&one_page("", "", &font, &content, &[&stream("", "50 0 0 0 45 70 d1 0 0 45 70 re f")]));
    assert_eq!(words(&document), folded(&text.join(" ")));
    assert!(!document.text.contains('\t') && of_kind(&document, is_heading).is_empty(), "{:?}", document.text);
}

#[test]
fn a_painted_hyphen_is_a_hyphen_whatever_its_code() {
    let content = "BT /F1 12 Tf 72 700 Td (Balance \\2555,15 of the well\\255known keeper, 1\\25512 months) Tj ET";
    let document = read(&one_page("", "", "", content, &[]));
    assert_eq!(words(&document), "Balance -5,15 of the well-known keeper, 1-12 months");
}

fn with_to_unicode(map: &str, content: &str) -> String {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 7 0 R >>";
    words(&read(&one_page("", "", font, content, &[map])))
}

#[test]
fn a_map_to_characters_that_nobody_can_see_does_not_hide_letters() {
    let map = stream(
        "",
        "begincmap 1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <63> <63> <000d> endbfrange endcmap",
    );
    let content = "BT /F2 12 Tf 72 700 Td (Speech about cold copper) Tj ET";
    assert_eq!(with_to_unicode(&map, content), "Speech about cold copper");
}

#[test]
fn a_map_that_is_not_well_formed_is_read_as_far_as_it_can_be() {
    let content = "BT /F1 12 Tf 72 700 Td (Ettev) Tj /F2 12 Tf (\") Tj /F1 12 Tf (te, p) Tj /F2 12 Tf (!) Tj /F1 12 Tf (ev) Tj ET";
    let grown = "begincmap def1 begincodespacerange <20> <23> endcodespacerange4 beginbfchar<20> <00DC><21> <00E4><22> <00F5><23> <00FC>endbfcharendcmap";
    assert_eq!(with_to_unicode(&stream("", grown), content), "Ettevõte, päev");
    let short = "begincmap 1 begincodespacerange <20> <23> endcodespacerange 1 beginbfrange <20> <29> [<00DC> <00E4> <00F5>] endbfrange endcmap";
    assert_eq!(with_to_unicode(&stream("", short), content), "Ettevõte, päev");
}

#[test]
fn glyphs_named_by_numbers_are_the_characters_of_these_codes() {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Foo /FirstChar 65 /LastChar 68 /Widths [500 500 500 500] /FontDescriptor << /Type /FontDescriptor /FontName /ABCDEF+Foo /Flags 4 >> /Encoding << /Differences [65 /c83 /c97 /C0108 /G74] >> >>";
    let document = read(&one_page("", "", font, "BT /F2 12 Tf 72 700 Td (ABCD) Tj ET", &[]));
    assert_eq!(words(&document), "Salt");
    assert_eq!(document.sections[0].source, SectionSource::File);
}

#[test]
fn a_bitmap_typewriter_of_tex_has_the_signs_of_ascii() {
    let names: String = (33..127).map(|code| format!("/a{code} 7 0 R ")).collect();
    let differences: String = (33..127).map(|code| format!("/a{code} ")).collect();
    let font = format!(
        "<< /Type /Font /Subtype /Type3 /FontMatrix [0.01 0 0 0.01 0 0] /FontBBox [0 0 60 90] /CharProcs << {names} >> /Encoding << /Differences [33 {differences}] >> /FirstChar 33 /LastChar 126 /Widths [{}] >>",
        "52 ".repeat(94)
    );
    let content = "BT /F2 10 Tf 72 700 Td [(gap>) -600 (x) -600 (:=) -600 (\\\\\\\\a) -600 (<|>) -600 ({};)] TJ ET";
    let document = read(&one_page("", "", &font, content, &[&stream("", "52 0 0 0 45 70 d1 0 0 45 70 re f")]));
    assert_eq!(words(&document), "gap> x := \\\\a <|> {};");
}

#[test]
fn radicals_and_shapes_of_letters_become_what_people_search_for() {
    let page = Page::new().text(72.0, 100.0, 12.0, Wide, "\u{2f08}\u{2f00}");
    assert_eq!(words(&read(&pdf(&[page]))), "人一");
    let shapes: String = "\u{fea3}\u{fe8e}\u{fead}\u{feb1}".chars().rev().collect();
    let page = Page::new().text(300.0, 100.0, 12.0, Narrow, &shapes);
    assert_eq!(words(&read(&pdf(&[page]))), "حارس");
}

#[test]
fn words_of_a_tight_line_are_parted_by_the_lines_own_gaps() {
    let set = |gap: u32| {
        let words: Vec<String> =
            "derived from sites of inflammation in the river".split(' ').map(|word| format!("({word})")).collect();
        words.join(&format!(" -{gap} "))
    };
    let content: String = [110, 130, 160, 200]
        .iter()
        .enumerate()
        .map(|(n, gap)| format!("BT /F1 11 Tf 72 {} Td [{}] TJ ET\n", 700 - 20 * n, set(*gap)))
        .collect();
    let document = read(&one_page("", "", "", &content, &[]));
    assert_eq!(
        words(&document).matches("derived from sites of inflammation in the river").count(),
        4,
        "{}",
        document.text
    );
}

#[test]
fn a_bad_entry_of_an_array_ends_nothing() {
    let look = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F1 3 0 R >> >>",
        "BT /F1 11 Tf 2 5 Td (A seal of wax.) Tj ET",
    );
    let bytes = one_page(
        "",
        "/Contents [5 0 R null 7 0 R 99 0 R 7 8 0 R] /Annots [null 44 0 R 9 0 R]",
        "",
        "BT /F1 12 Tf 72 700 Td (First stream words.) Tj ET",
        &[
            &stream("", "BT /F1 12 Tf 72 680 Td (Second stream words.) Tj ET"),
            &stream("", "BT /F1 12 Tf 72 660 Td (Third stream words.) Tj ET"),
            "<< /Type /Annot /Subtype /Stamp /Rect [72 600 272 620] /AP << /N 10 0 R >> >>",
            &look,
        ],
    );
    assert_eq!(words(&read(&bytes)), "First stream words. Second stream words. Third stream words. A seal of wax.");
}

#[test]
fn a_page_that_is_not_there_keeps_its_place_and_is_named() {
    let page = |content: u32| {
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
        )
    };
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R /Outlines << /First 8 0 R >> >>".to_owned(),
        "<< /Type /Pages /Count 3 /Kids [4 0 R 99 0 R 6 0 R] >>".to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        page(5),
        stream("", "BT /F1 12 Tf 72 700 Td (First page words) Tj ET"),
        page(7),
        stream("", "BT /F1 12 Tf 72 700 Td (Third page words) Tj ET"),
        "<< /Title (Third page words) /Dest [6 0 R /Fit] >>".to_owned(),
    ];
    let document = read(&with_xref(&objects.map(String::into_bytes)));
    assert_eq!(document.sections.len(), 3);
    assert!(matches!(document.sections[1].source, SectionSource::Unreadable(_)));
    assert_eq!(document.sections[2].span.of(&document.text), "Third page words");
    assert_eq!(document.outline[0].section, 3);
    assert!(document.notes.iter().any(|note| note.contains("page 2 cannot be read")), "{:?}", document.notes);
}

#[test]
fn fields_without_an_appearance_are_read_in_their_places() {
    let bytes = one_page(
        "/AcroForm << /NeedAppearances true /Fields [7 0 R 8 0 R 9 0 R] >>",
        "/Annots [7 0 R 8 0 R 9 0 R]",
        "",
        "BT /F1 10 Tf 72 700 Td (Name of ship:) Tj 0 -20 Td (Home port:) Tj ET",
        &[
            "<< /Type /Annot /Subtype /Widget /FT /Tx /F 4 /Rect [150 695 400 710] /V (Black Heron) >>",
            "<< /Type /Annot /Subtype /Widget /Parent 10 0 R /F 4 /Rect [150 675 400 690] >>",
            "<< /Type /Annot /Subtype /Widget /FT /Tx /Ff 8192 /F 4 /Rect [150 655 400 670] /V (a password) >>",
            "<< /FT /Ch /V (Saltmarrow) >>",
        ],
    );
    let text = words(&read(&bytes));
    assert!(text.contains("Black Heron") && text.contains("Saltmarrow") && !text.contains("password"), "{text}");
}

#[test]
fn the_files_own_text_stands_for_what_is_painted_however_long_it_is() {
    let content = "BT /F1 12 Tf 72 700 Td /Span << /ActualText (Saltbinder's lantern) >> BDC (S@ltb!nd#r) Tj EMC ET
        BT /F1 12 Tf 72 680 Td /Span << /ActualText (counts the lamps along the river) >> BDC (c###ts th# l#mps) Tj 0 -14 Td (#l#ng th# r#v#r) Tj EMC 0 -14 Td (after) Tj ET";
    let document = read(&one_page("", "", "", content, &[]));
    assert_eq!(words(&document), "Saltbinder's lantern counts the lamps along the river after");
}

#[test]
fn halves_of_a_word_meet_over_columns_and_pages() {
    let lines = |last: &str, first: &str| {
        let mut lines = prose(14, 42);
        lines[13] = format!("and every evening she sends for the {last}");
        lines[0] = format!("{first} who waits below the tide gate");
        lines
    };
    let column = |page: Page, x: f64, lines: &[String]| {
        lines.iter().enumerate().fold(page, |page, (n, line)| page.text(x, 100.0 + 12.0 * n as f64, 10.0, Serif, line))
    };
    let first = column(Page::new(), 72.0, &lines("lamp-", "The keeper"));
    let first = column(first, 320.0, &lines("harbour-", "lighter"));
    let second = column(Page::new(), 72.0, &lines("tide.", "master"));
    let text = words(&read(&pdf(&[first, second])));
    assert!(text.contains("for the lamplighter") && text.contains("for the harbourmaster"), "{text}");
    assert!(!text.contains("lamp-") && !text.contains("harbour-"), "{text}");
}

#[test]
fn a_drop_cap_of_two_lines_begins_its_word_and_makes_no_heading() {
    let page = Page::new()
        .text(72.0, 104.0, 27.0, Bold, "T")
        .text(90.0, 92.0, 10.0, Plain, "he keeper of the ninth gate wakes at dusk and counts")
        .text(90.0, 104.0, 10.0, Plain, "the lanterns that hang along the river wall, one by one")
        .text(72.0, 116.0, 10.0, Plain, "until the last of them is lit and she may go back to her bed")
        .text(72.0, 128.0, 10.0, Plain, "and the river is quiet again until the tide bell rings");
    let document = read(&pdf(&[page]));
    assert!(
        words(&document).starts_with("The keeper of the ninth gate wakes at dusk and counts the lanterns"),
        "{}",
        document.text
    );
    assert!(of_kind(&document, is_heading).is_empty());
}

#[test]
fn a_heading_of_two_lines_is_one() {
    let mut page = Page::new().text(72.0, 52.0, 20.0, Bold, "Of the Lantern Keepers and").text(
        72.0,
        76.0,
        20.0,
        Bold,
        "the Wardens of the Tide Gate",
    );
    for (n, line) in prose(12, 90).iter().enumerate() {
        page = page.text(72.0, 112.0 + 12.0 * n as f64, 10.0, Plain, line);
    }
    let document = read(&pdf(&[page]));
    assert_eq!(of_kind(&document, is_heading), ["Of the Lantern Keepers and the Wardens of the Tide Gate"]);
}

#[test]
fn letters_painted_twice_and_set_on_a_grid_make_their_words_once() {
    let paint = |page: Page, shift: f64| {
        "Grey Warden Tower"
            .chars()
            .enumerate()
            .fold(page, |page, (n, c)| page.text(72.0 + 9.0 * n as f64 + shift, 92.0, 14.0, Plain, &c.to_string()))
    };
    assert_eq!(words(&read(&pdf(&[paint(paint(Page::new(), 0.0), 0.3)]))), "Grey Warden Tower");
    // Each letter twice before the next.
    let page = "still hill".chars().fold((Page::new(), 72.0), |(page, x), c| {
        let advance = if "ilt ".contains(c) { 3.2 } else { 7.0 };
        let (one, two) = (c.to_string(), c.to_string());
        (page.text(x, 92.0, 12.0, Plain, &one).text(x + 0.3, 92.0, 12.0, Plain, &two), x + advance)
    });
    assert_eq!(words(&read(&pdf(&[page.0]))), "still hill");
}

#[test]
fn an_invisible_layer_under_its_own_words_is_not_read_and_one_over_a_picture_is() {
    let lines = prose(8, 60);
    let painted = |n: usize, line: &str| format!("BT 0 Tr /F1 10 Tf 72 {} Td ({line}) Tj ET\n", 700 - 14 * n);
    let hidden =
        |n: usize, line: &str| format!("BT 3 Tr /F1 9.6 Tf 72.8 {:.1} Td ({line}) Tj ET\n", 699.2 - 14.0 * n as f64);
    let both: String = lines.iter().enumerate().map(|(n, line)| painted(n, line) + &hidden(n, line)).collect();
    assert_eq!(words(&read(&one_page("", "", "", &both, &[]))), folded(&lines.join(" ")));
    let layer: String = lines.iter().enumerate().map(|(n, line)| hidden(n, line)).collect();
    let document = read(&one_page("", "", "", &(layer + &painted(20, "Digitised by the library")), &[]));
    assert_eq!(words(&document), folded(&lines.join(" ")) + " Digitised by the library");
}

#[test]
fn items_that_begin_with_a_hyphen_are_items() {
    let page = Page::new().text(72.0, 80.0, 10.0, Plain, "Take with you:").lines(
        72.0,
        96.0,
        10.0,
        12.0,
        Plain,
        &["- Lantern oil", "- Rope, forty fathoms", "- Salt"],
    );
    let document = read(&pdf(&[page]));
    let items = of_kind(&document, |kind| kind == BlockKind::ListItem);
    assert_eq!(items, ["- Lantern oil", "- Rope, forty fathoms", "- Salt"]);
}

#[test]
fn captions_are_known_by_their_number_and_no_sentence_is_one() {
    let mut page = Page::new();
    for (n, line) in prose(10, 80).iter().enumerate() {
        page = page.text(72.0, 100.0 + 12.0 * n as f64, 10.0, Serif, line);
    }
    let page = page
        .text(72.0, 300.0, 9.0, Serif, "Map 4 The river wall and its gates")
        .text(72.0, 400.0, 9.0, Serif, "Table 2: What the drowned are owed")
        .text(72.0, 500.0, 10.0, Serif, "Figure 3 shows the wall at dusk, and the lanterns on it.");
    let captions = of_kind(&read(&pdf(&[page])), |kind| kind == BlockKind::Caption);
    assert_eq!(captions, ["Map 4 The river wall and its gates", "Table 2: What the drowned are owed"]);
}

#[test]
fn notes_that_look_alike_are_no_running_feet() {
    let pages: Vec<Page> = (0..6)
        .map(|n| {
            let page = prose(12, 80)
                .iter()
                .enumerate()
                .fold(Page::new(), |page, (m, line)| page.text(72.0, 100.0 + 12.0 * m as f64, 10.0, Serif, line));
            let note = format!("{} See the ledger.", 1 + n % 2);
            page.text(72.0, 700.0, 8.0, Serif, &note).text(300.0, 760.0, 8.0, Serif, &(n + 31).to_string())
        })
        .collect();
    let document = read(&pdf(&pages));
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Footnote).len(), 6);
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Furniture).len(), 6);
}

#[test]
fn lines_laid_askew_are_read_from_top_to_bottom() {
    let lines = prose(10, 50);
    let (sin, cos) = 4.3_f64.to_radians().sin_cos();
    let content: String = lines
        .iter()
        .enumerate()
        .map(|(n, line)| {
            // Each line a little otherwise, as a printer's rounding has it.
            let (sin, cos) = if n % 2 == 0 { (sin, cos) } else { (sin + 0.004, cos) };
            let down = 14.0 * n as f64;
            format!(
                "BT /F1 10 Tf {cos:.4} {sin:.4} {:.4} {cos:.4} {:.2} {:.2} Tm ({line}) Tj ET\n",
                -sin,
                100.0 + sin * down,
                600.0 - cos * down
            )
        })
        .collect();
    assert_eq!(words(&read(&one_page("", "", "", &content, &[]))), folded(&lines.join(" ")));
}

#[test]
fn the_language_is_the_one_that_the_catalogue_names() {
    let document = read(&one_page("/Lang (de-DE)", "", "", "BT /F1 12 Tf 72 700 Td (Ja) Tj ET", &[]));
    assert_eq!(document.metadata.language.as_deref(), Some("de-DE"));
    let document = read(&one_page("/Lang (no tag at all)", "", "", "BT /F1 12 Tf 72 700 Td (Ja) Tj ET", &[]));
    assert_eq!(document.metadata.language, None);
}

#[test]
fn what_is_no_page_of_its_author_is_said() {
    let content = "BT /F1 12 Tf 72 700 Td (Please wait...) Tj ET";
    let note = |catalog: &str| read(&one_page(catalog, "", "", content, &[])).notes.join(" ");
    assert!(note("/Collection << /View /D >>").contains("portfolio"));
    assert!(note("/NeedsRendering true /AcroForm << /XFA [(a) 5 0 R] /Fields [] >>").contains("XFA"));
    assert_eq!(note(""), "");
}

/// Columns of prose, each line of one beside a line of the others, painted line by line across.
fn painted_across(columns: usize, shift: f64) -> (Page, String) {
    let rows = 12;
    let width = [0, 80, 42, 26][columns];
    let text = prose(rows * columns, width);
    let mut page = Page::new();
    for row in 0..rows {
        for column in 0..columns {
            let x = 60.0 + 510.0 / columns as f64 * column as f64;
            let y = 100.0 + 12.0 * row as f64 + shift * column as f64;
            page = page.text(x, y, 10.0, Serif, &text[column * rows + row]);
        }
    }
    (page, folded(&text.join(" ")))
}

#[test]
fn columns_painted_line_by_line_across_are_read_one_after_the_other() {
    for (columns, shift) in [(2, 0.0), (2, 5.0), (3, 0.0), (3, 4.0)] {
        let (page, truth) = painted_across(columns, shift);
        let document = read(&pdf(&[page]));
        assert_eq!(words(&document), truth, "{columns} columns, {shift} points lower");
        assert!(of_kind(&document, |kind| kind == BlockKind::TableRow).is_empty());
    }
}

#[test]
fn a_table_whose_cells_are_sentences_keeps_its_rows() {
    let left = ["Rings when a lie is told", "within forty feet of it."];
    let right = ["Grows warm in the hand of", "one who keeps a promise."];
    let mut page = Page::new();
    for row in 0..6 {
        for (x, cell) in [(72.0, left), (330.0, right)] {
            for (n, line) in cell.iter().enumerate() {
                page = page.text(x, 100.0 + 36.0 * f64::from(row) + 12.0 * n as f64, 10.0, Serif, line);
            }
        }
    }
    let rows = of_kind(&read(&pdf(&[page])), |kind| kind == BlockKind::TableRow);
    assert_eq!(
        rows,
        vec![
            "Rings when a lie is told within forty feet of it.\tGrows warm in the hand of one who keeps a promise.";
            6
        ]
    );
}

#[test]
fn a_table_painted_column_by_column_is_read_row_by_row() {
    let page = Page::new()
        .text(76.0, 106.0, 10.0, Bold, "Creature")
        .text(76.0, 126.0, 10.0, Plain, "Ash hound")
        .text(76.0, 160.0, 10.0, Plain, "Tide wraith")
        .text(76.0, 194.0, 10.0, Plain, "Glass moth")
        .text(226.0, 106.0, 10.0, Bold, "Habitat")
        .text(226.0, 126.0, 10.0, Plain, "Burnt woods of the")
        .text(226.0, 140.0, 10.0, Plain, "northern march")
        .text(226.0, 160.0, 10.0, Plain, "Harbours at night")
        .text(226.0, 194.0, 10.0, Plain, "Lantern rooms")
        .text(376.0, 106.0, 10.0, Bold, "Weakness")
        .text(376.0, 126.0, 10.0, Plain, "Salt and")
        .text(376.0, 140.0, 10.0, Plain, "cold iron")
        .text(376.0, 160.0, 10.0, Plain, "The sound of bells")
        .text(376.0, 174.0, 10.0, Plain, "rung three times")
        .text(376.0, 194.0, 10.0, Plain, "Wind");
    let rows = of_kind(&read(&pdf(&[page])), |kind| kind == BlockKind::TableRow);
    assert_eq!(
        rows,
        [
            "Creature\tHabitat\tWeakness",
            "Ash hound\tBurnt woods of the northern march\tSalt and cold iron",
            "Tide wraith\tHarbours at night\tThe sound of bells rung three times",
            "Glass moth\tLantern rooms\tWind",
        ]
    );
}

#[test]
fn lines_of_code_are_code_and_no_headings() {
    let mut page = Page::new().text(72.0, 60.0, 16.0, Bold, "The gate");
    for (n, line) in prose(10, 80).iter().enumerate() {
        page = page.text(72.0, 100.0 + 12.0 * n as f64, 10.0, Serif, line);
    }
    let page = page
        .text(90.0, 240.0, 10.0, Fixed, "open_gate (tide, lamp)")
        .text(90.0, 252.0, 10.0, Fixed, "ring (bell)")
        .text(72.0, 280.0, 10.0, Serif, "and so on, until the tide bell rings.");
    let document = read(&pdf(&[page]));
    assert_eq!(of_kind(&document, is_heading), ["The gate"]);
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Code), ["open_gate (tide, lamp)", "ring (bell)"]);
}

#[test]
fn a_chapter_is_found_whatever_unicode_form_its_name_has() {
    let package = epubs::package(
        r#"<item id="c" href="M&#xf6;we.xhtml" media-type="application/xhtml+xml"/>"#,
        r#"<spine><itemref idref="c"/></spine>"#,
    );
    let chapter = epubs::page("<p>The keeper of Möwenstein</p>");
    let book = epubs::archive([
        ("mimetype", b"application/epub+zip".as_slice()),
        ("META-INF/container.xml", epubs::CONTAINER.as_bytes()),
        ("OEBPS/book.opf", package.as_bytes()),
        ("OEBPS/Mo\u{308}we.xhtml", &chapter),
    ]);
    assert_eq!(words(&read(&book)), "The keeper of Möwenstein");
}

#[test]
fn one_encrypted_chapter_fails_alone_and_a_book_of_them_does_not_pass() {
    let encrypted = |names: &[&str]| {
        let list: String = names
            .iter()
            .map(|name| format!(r#"<enc:EncryptedData><enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/><enc:CipherData><enc:CipherReference URI="OEBPS/{name}"/></enc:CipherData></enc:EncryptedData>"#))
            .collect();
        let list = format!(
            r#"<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">{list}</encryption>"#
        );
        let (plain, secret) = (epubs::page("<p>A plain chapter.</p>"), vec![7_u8; 300]);
        let book = epubs::book(&[&plain, &secret], &[("META-INF/encryption.xml", list.as_bytes())]);
        parse(&book, &ParseSettings::default(), &mut |_, _| {})
    };
    let document = encrypted(&["c2.xhtml"]).unwrap();
    assert_eq!(words(&document), "A plain chapter.");
    assert!(matches!(&document.sections[1].source, SectionSource::Unreadable(why) if why.contains("encrypted")));
    assert!(document.notes.iter().any(|note| note.contains("encrypted")), "{:?}", document.notes);
    assert!(encrypted(&["c1.xhtml", "c2.xhtml"]).unwrap_err().message.contains("DRM"));
}

#[test]
fn marks_of_notes_stand_raised_beside_their_words() {
    let chapter = epubs::page(
        r##"<p>Oath<a epub:type="noteref" href="#n1">1</a> binds. And saltbinder<sup><a href="#n2">2</a></sup> too, 10<sup>3</sup> times<a epub:type="noteref" href="#n3">a</a>.</p><aside epub:type="footnote" id="n1"><p>1. The note text.</p></aside>"##,
    );
    let document = read(&epubs::book(&[&chapter], &[]));
    assert_eq!(
        of_kind(&document, |kind| kind == BlockKind::Paragraph),
        ["Oath¹ binds. And saltbinder² too, 10³ times a."]
    );
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Footnote), ["1. The note text."]);
}

#[test]
fn cells_stay_in_their_columns_beside_cells_that_reach_over_rows_and_columns() {
    let chapter = epubs::page(
        r#"<table><tr><th>Name</th><th colspan="2">Stats</th><th>Home</th></tr><tr><td rowspan="2">Ash hound</td><td>HP</td><td>12</td><td rowspan="2">woods</td></tr><tr><td>AC</td><td>14</td></tr><tr><td>Moth</td><td>HP</td><td>1</td><td>rooms</td></tr></table>"#,
    );
    let rows = of_kind(&read(&epubs::book(&[&chapter], &[])), |kind| kind == BlockKind::TableRow);
    assert_eq!(
        rows,
        ["Name\tStats\t\tHome", "Ash hound\tHP\t12\twoods", "Ash hound\tAC\t14\twoods", "Moth\tHP\t1\trooms"]
    );
}

#[test]
fn cells_that_reach_over_everything_do_not_multiply_a_file() {
    let cells = r#"<td rowspan="65534">a cell of some length that is said again and again</td>"#.repeat(200);
    let chapter = epubs::page(&format!("<table><tr>{cells}</tr>{}</table>", "<tr><td>x</td></tr>".repeat(20_000)));
    let document = read(&epubs::book(&[&chapter], &[]));
    assert!(document.text.len() < 8 << 20, "{} bytes", document.text.len());
}

#[test]
fn terms_and_what_they_mean_are_told_apart() {
    let chapter = epubs::page(
        "<dl><dt>oath stone</dt><dd><p>grows warm in a true hand</p></dd><dt>salt <b>lantern</b></dt><dd>burns for six hours</dd></dl><pre>ring(bell)\nopen(gate)</pre>",
    );
    let document = read(&epubs::book(&[&chapter], &[]));
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::DefinitionTerm), ["oath stone", "salt lantern"]);
    assert_eq!(
        of_kind(&document, |kind| kind == BlockKind::Definition),
        ["grows warm in a true hand", "burns for six hours"]
    );
    assert_eq!(of_kind(&document, |kind| kind == BlockKind::Code), ["ring(bell)", "open(gate)"]);
}
