//! Pages of which the true text is known: what a reader would read, in which order, as what.

use corpora::stages::parse::{ParseSettings, parse};
use corpora::values::{BlockKind, ParsedDocument, SectionSource};

use crate::support::documents::with_xref;
use crate::support::page::{Font, Page, pdf};
use crate::support::{Shelf, documents};

use Font::{Bold, Narrow, Plain, Serif, Vertical, Wide};

fn read(pages: &[Page]) -> ParsedDocument {
    let document = parse(pdf(pages), &ParseSettings::default(), &mut |_, _| {}).unwrap();
    for block in &document.blocks {
        let text = block.span.of(&document.text);
        assert_eq!(text.trim(), text, "blocks begin and end with text");
        let area = block.area.expect("a page has places");
        assert!(area.left < area.right && area.top < area.bottom, "{area:?}");
    }
    document
}

/// A block as a short tag and its text.
fn told(document: &ParsedDocument) -> Vec<(String, String)> {
    document
        .blocks
        .iter()
        .map(|block| {
            let tag = match block.kind {
                BlockKind::Heading(_) => "heading",
                BlockKind::Paragraph => "text",
                BlockKind::ListItem => "item",
                BlockKind::TableRow => "row",
                BlockKind::DefinitionTerm => "term",
                BlockKind::Definition => "definition",
                BlockKind::Code => "code",
                BlockKind::Formula => "formula",
                BlockKind::ContentsEntry => "contents",
                BlockKind::IndexEntry => "index",
                BlockKind::Caption => "caption",
                BlockKind::Footnote => "note",
                BlockKind::Furniture => "furniture",
            };
            (tag.to_owned(), block.span.of(&document.text).to_owned())
        })
        .collect()
}

#[track_caller]
fn assert_reads(page: Page, truth: &[(&str, &str)]) {
    let told = told(&read(&[page]));
    let told: Vec<(&str, &str)> = told.iter().map(|(k, t)| (k.as_str(), t.as_str())).collect();
    assert_eq!(told, truth);
}

const LEFT: [&str; 6] = [
    "The keeper of the ninth gate wakes at",
    "dusk and counts the lanterns that hang",
    "along the river wall. When one of them",
    "is dark she rings the smaller bell and",
    "writes the name of the boat that passed",
    "it into the ledger of the drowned.",
];
const RIGHT: [&str; 6] = [
    "No boat has come for eleven winters, but",
    "the ledger is still kept, for the law of",
    "the river does not ask whether anybody",
    "remembers why it was made. Her mother",
    "kept it before her, and her name stands",
    "on the last page in a careful hand.",
];

fn joined(lines: &[&str]) -> String {
    lines.join(" ")
}

#[test]
fn two_columns_under_a_spanning_heading() {
    let page = Page::new()
        .text(72.0, 80.0, 20.0, Bold, "The River Wall")
        .lines(72.0, 120.0, 10.0, 12.0, Serif, &LEFT)
        .lines(320.0, 120.0, 10.0, 12.0, Serif, &RIGHT);
    assert_reads(page, &[("heading", "The River Wall"), ("text", &joined(&LEFT)), ("text", &joined(&RIGHT))]);
}

/// A line of a page and its place.
#[derive(Clone, Copy)]
struct Line(f64, f64, f64, Font, &'static str);

/// What is painted in one go: a line of text, or the row of a table.
type Stroke = Vec<Line>;

/// Lines below each other.
fn column(x: f64, y: f64, lines: &[&'static str]) -> Vec<Stroke> {
    lines.iter().enumerate().map(|(n, text)| vec![Line(x, y + 12.0 * n as f64, 10.0, Serif, text)]).collect()
}

/// The words that are read, and their order, do not depend on the order of painting: strokes that are given in reading order, painted
/// so, line by line across, bottom up, and in twenty orders by chance.
#[track_caller]
fn assert_reads_in_any_order(strokes: &[Stroke]) {
    let words = |texts: Vec<String>| texts.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    let truth = words(strokes.iter().flatten().map(|line| line.4.to_owned()).collect());
    let mut across = strokes.to_vec();
    across.sort_by(|a, b| (a[0].1, a[0].0).partial_cmp(&(b[0].1, b[0].0)).unwrap());
    let mut orders = vec![
        ("in reading order".to_owned(), strokes.to_vec()),
        ("line by line across".to_owned(), across),
        ("bottom up".to_owned(), strokes.iter().rev().cloned().collect()),
    ];
    for seed in 0..20 {
        let mut shuffled = strokes.to_vec();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        orders.push((format!("shuffled by seed {seed}"), shuffled));
    }
    for (order, strokes) in orders {
        let paint = |page: Page, line: &Line| page.text(line.0, line.1, line.2, line.3, line.4);
        let page = strokes.iter().flatten().fold(Page::new(), paint);
        let told = told(&read(&[page])).into_iter().map(|(_, text)| text).collect();
        assert_eq!(words(told), truth, "painted {order}");
    }
}

#[test]
fn two_columns_are_read_one_after_the_other_in_whatever_order_they_are_painted() {
    // The columns stand on lines of their own: where they do not, lines painted across might be rows of a table.
    let lines = [
        vec![vec![Line(72.0, 80.0, 20.0, Bold, "The River Wall")]],
        column(72.0, 120.0, &LEFT),
        column(320.0, 123.0, &RIGHT),
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn three_columns() {
    let columns = [
        [
            "Salt is counted by the cask",
            "and never by the weight, since",
            "the scales of the harbour lie",
            "to all but their owner.",
        ],
        [
            "Iron comes down the river in",
            "spring, when the ice breaks and",
            "the barges can pass the weir",
            "without breaking their backs.",
        ],
        [
            "Glass is blown by night, when",
            "the furnace can be seen from",
            "the hills and thieves believe",
            "that the town is awake.",
        ],
    ];
    let page = Page::new()
        .lines(60.0, 100.0, 9.0, 11.0, Serif, &columns[0])
        .lines(230.0, 100.0, 9.0, 11.0, Serif, &columns[1])
        .lines(400.0, 100.0, 9.0, 11.0, Serif, &columns[2]);
    let truth: Vec<String> = columns.iter().map(|c| joined(c)).collect();
    let truth: Vec<(&str, &str)> = truth.iter().map(|text| ("text", text.as_str())).collect();
    assert_reads(page, &truth);
    let lines =
        [column(60.0, 100.0, &columns[0]), column(230.0, 103.0, &columns[1]), column(400.0, 106.0, &columns[2])];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn a_heading_and_a_table_across_the_columns_part_what_stands_above_and_below_them() {
    let cell = |x: f64, y: f64, text| Line(x, y, 10.0, Serif, text);
    let table = [
        ["Cask", "Weight when it is full of salt", "Price"],
        ["oil", "forty stone and three pounds", "nine marks"],
        ["salt", "sixty stone and seven pounds", "two marks"],
        ["glass", "eight stone and eleven pounds", "twelve marks"],
    ];
    let rows = table.iter().enumerate().map(|(n, row)| {
        let y = 220.0 + 14.0 * n as f64;
        vec![cell(72.0, y, row[0]), cell(240.0, y, row[1]), cell(410.0, y, row[2])]
    });
    let lines = [
        column(72.0, 100.0, &LEFT),
        column(320.0, 103.0, &RIGHT),
        rows.collect(),
        vec![vec![Line(72.0, 320.0, 18.0, Bold, "What the drowned are owed and what they pay")]],
        column(72.0, 350.0, &RIGHT),
        column(320.0, 353.0, &LEFT),
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn columns_set_on_one_grid_are_read_one_after_the_other_in_whatever_order_they_are_painted() {
    let lines = [
        vec![vec![Line(72.0, 80.0, 20.0, Bold, "The River Wall")]],
        column(72.0, 120.0, &LEFT),
        column(320.0, 120.0, &RIGHT),
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn notes_below_two_columns_are_read_after_them() {
    let notes = [
        Line(
            72.0,
            700.0,
            8.0,
            Serif,
            "1 The ledger was lost in the flood of the third winter, and found again in spring by nobody.",
        ),
        Line(
            72.0,
            712.0,
            8.0,
            Serif,
            "2 The weir is older than the wall, and older than the law that says who may open it and when.",
        ),
    ];
    let lines =
        [column(72.0, 120.0, &LEFT), column(320.0, 123.0, &RIGHT), notes.iter().map(|note| vec![*note]).collect()];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn a_paper_is_read_title_authors_summary_and_columns() {
    let wide = [
        "Summary. The law of the river does not ask whether anybody remembers why it was made, and so the ledger is kept",
        "by one keeper after the other, as we show from eleven winters in which no boat has come and nobody has asked.",
    ];
    let lines = [
        vec![vec![Line(180.0, 70.0, 18.0, Bold, "On the keeping of ledgers")]],
        vec![vec![Line(230.0, 95.0, 11.0, Serif, "A. Keeper and B. Warden")]],
        column(72.0, 130.0, &wide),
        column(72.0, 180.0, &LEFT),
        column(320.0, 183.0, &RIGHT),
        column(72.0, 290.0, &RIGHT),
        column(320.0, 293.0, &LEFT),
    ];
    // The columns go on under each other: left with left, right with right.
    let [title, authors, summary, a, b, c, d] = lines;
    assert_reads_in_any_order(&[title, authors, summary, a, c, b, d].concat());
}

#[test]
fn a_table_of_figures_is_read_row_by_row_in_whatever_order_it_is_painted() {
    let rows = [
        ["Weapon", "Damage", "Weight", "Price"],
        ["Boat hook", "1d6", "4 lb.", "3"],
        ["Net of eels", "1d4", "9 lb.", "12"],
        ["Salt knife", "1d4", "1 lb.", "40"],
        ["Tide bell", "2d8", "90 lb.", "700"],
    ];
    let cells = rows.iter().enumerate().flat_map(|(n, row)| {
        row.iter()
            .enumerate()
            .map(move |(m, cell)| vec![Line(80.0 + 120.0 * m as f64, 100.0 + 16.0 * n as f64, 10.0, Plain, cell)])
    });
    assert_reads_in_any_order(&cells.collect::<Vec<_>>());
}

#[test]
fn text_above_and_below_a_picture_between_columns_keeps_its_column() {
    let lines = [
        column(72.0, 100.0, &LEFT),
        column(72.0, 400.0, &RIGHT),
        column(320.0, 103.0, &RIGHT),
        column(320.0, 403.0, &LEFT),
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn headings_within_columns_stay_with_their_columns() {
    let heading = |x: f64, y: f64, text| vec![Line(x, y, 12.0, Bold, text)];
    let lines = [
        vec![heading(72.0, 100.0, "Of the keeper")],
        column(72.0, 120.0, &LEFT),
        vec![heading(72.0, 210.0, "Of the drowned")],
        column(72.0, 230.0, &RIGHT),
        vec![heading(320.0, 103.0, "Of the ledger")],
        column(320.0, 123.0, &RIGHT),
        vec![heading(320.0, 213.0, "Of the lanterns")],
        column(320.0, 233.0, &LEFT),
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn a_caption_across_the_columns_is_read_between_what_stands_above_and_below_it() {
    let lines = [
        column(72.0, 100.0, &LEFT),
        column(320.0, 103.0, &RIGHT),
        vec![vec![Line(
            72.0,
            320.0,
            9.0,
            Serif,
            "Figure 2: The river wall with all of its lanterns, seen from the tower of the ninth gate at dusk",
        )]],
        column(72.0, 350.0, &RIGHT),
        column(320.0, 353.0, &LEFT),
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn names_and_what_is_said_of_them_set_in_are_read_in_pairs() {
    let name = |y: f64, text| vec![Line(72.0, y, 10.0, Bold, text)];
    let lines = [
        column(72.0, 100.0, &LEFT),
        vec![name(190.0, "bell rope")],
        column(97.0, 202.0, &RIGHT[..3]),
        vec![name(250.0, "salt lamp")],
        column(97.0, 262.0, &LEFT[..2]),
        vec![name(298.0, "tide ledger")],
        column(97.0, 310.0, &RIGHT[3..]),
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn a_page_with_running_head_and_foot_is_read_from_head_to_foot() {
    let lines = [
        vec![vec![Line(72.0, 40.0, 9.0, Serif, "The Book of the River Wall")]],
        column(72.0, 100.0, &LEFT),
        column(320.0, 103.0, &RIGHT),
        vec![vec![Line(300.0, 760.0, 9.0, Serif, "117")]],
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn a_single_column_of_prose_under_a_heading_is_read_down() {
    let lines = [
        vec![vec![Line(72.0, 80.0, 18.0, Bold, "The Ninth Gate")]],
        column(72.0, 110.0, &LEFT),
        column(72.0, 200.0, &RIGHT),
        vec![vec![Line(300.0, 760.0, 9.0, Serif, "17")]],
    ];
    assert_reads_in_any_order(&lines.concat());
}

#[test]
fn a_sidebar_box_stands_apart_from_the_text_beside_it() {
    let side = ["Lantern oil", "One flask burns for six", "hours, or four in rain."];
    let page = Page::new()
        .lines(72.0, 100.0, 10.0, 12.0, Serif, &LEFT)
        .raw("0.9 g 380 600 150 110 re f 0 g")
        .text(390.0, 112.0, 11.5, Bold, side[0])
        .lines(390.0, 130.0, 9.0, 11.0, Serif, &side[1..]);
    assert_reads(
        page,
        &[
            ("text", &joined(&LEFT)),
            ("heading", "Lantern oil"),
            ("text", "One flask burns for six hours, or four in rain."),
        ],
    );
}

#[test]
fn a_table_is_kept_row_by_row() {
    let rows = [
        ["Weapon", "Damage", "Weight"],
        ["Boat hook", "1d6", "4 lb."],
        ["Net of eels", "1d4", "9 lb."],
        ["Salt knife", "1d4", "1 lb."],
    ];
    let mut page = Page::new();
    for (n, row) in rows.iter().enumerate() {
        for (m, cell) in row.iter().enumerate() {
            page = page.text(80.0 + 140.0 * m as f64, 100.0 + 14.0 * n as f64, 10.0, Plain, cell);
        }
    }
    assert_reads(
        page,
        &[
            ("row", "Weapon\tDamage\tWeight"),
            ("row", "Boat hook\t1d6\t4 lb."),
            ("row", "Net of eels\t1d4\t9 lb."),
            ("row", "Salt knife\t1d4\t1 lb."),
        ],
    );
}

#[test]
fn a_tables_cells_of_several_lines_stay_whole() {
    let mut page = Page::new();
    let rows = [
        (["Drowned", "bell"], ["Rings when a lie is told", "within forty feet of it."]),
        (["Oath", "stone"], ["Grows warm in the hand of", "one who keeps a promise."]),
    ];
    for (n, (left, right)) in rows.iter().enumerate() {
        let y = 100.0 + 40.0 * n as f64;
        page = page.lines(80.0, y, 10.0, 12.0, Plain, left).lines(220.0, y, 10.0, 12.0, Plain, right);
    }
    assert_reads(
        page,
        &[
            ("row", "Drowned bell\tRings when a lie is told within forty feet of it."),
            ("row", "Oath stone\tGrows warm in the hand of one who keeps a promise."),
        ],
    );
}

#[test]
fn dots_that_lead_to_a_page_are_no_text() {
    let page = Page::new()
        .text(72.0, 100.0, 10.0, Serif, "1.2 The Ninth Gate . . . . . . . . . . . 17")
        .text(72.0, 112.0, 10.0, Serif, "1.3 The River ........................")
        .text(250.0, 112.0, 10.0, Serif, "19")
        .text(72.0, 140.0, 10.0, Serif, "And then it rained... and rained....");
    let told = told(&read(&[page]));
    let text: Vec<&str> = told.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(text, ["1.2 The Ninth Gate\t17", "1.3 The River\t19", "And then it rained... and rained...."]);
}

#[test]
fn a_stat_block_is_kept_line_by_line() {
    let page = Page::new()
        .text(72.0, 100.0, 14.0, Bold, "Marsh Lurker")
        .text(72.0, 118.0, 10.0, Serif, "Medium beast, unaligned")
        .text(72.0, 130.0, 10.0, Serif, "Armor Class 13")
        .text(72.0, 142.0, 10.0, Serif, "Hit Points 22 (4d8 + 4)")
        .text(72.0, 154.0, 10.0, Serif, "Speed 30 ft., swim 40 ft.")
        .text(72.0, 166.0, 10.0, Serif, "Senses darkvision 60 ft., passive Perception 12, and it hears through water");
    assert_reads(
        page,
        &[
            ("heading", "Marsh Lurker"),
            ("text", "Medium beast, unaligned"),
            ("text", "Armor Class 13"),
            ("text", "Hit Points 22 (4d8 + 4)"),
            ("text", "Speed 30 ft., swim 40 ft."),
            ("text", "Senses darkvision 60 ft., passive Perception 12, and it hears through water"),
        ],
    );
}

#[test]
fn a_drop_cap_begins_its_word() {
    let page = Page::new()
        .text(72.0, 124.0, 34.0, Serif, "T")
        .text(94.0, 100.0, 10.0, Serif, "he keeper of the ninth gate wakes at dusk")
        .text(94.0, 112.0, 10.0, Serif, "and counts the lanterns that hang along the")
        .text(94.0, 124.0, 10.0, Serif, "river wall, one by one, until the last of")
        .text(72.0, 136.0, 10.0, Serif, "them is lit and she may go back to her bed.");
    let told = told(&read(&[page]));
    let text: String = told.iter().map(|(_, t)| t.as_str()).collect::<Vec<_>>().join(" ");
    assert_eq!(
        text,
        "The keeper of the ninth gate wakes at dusk and counts the lanterns that hang along the river wall, one by one, \
         until the last of them is lit and she may go back to her bed."
    );
}

#[test]
fn footnotes_are_told_from_text_and_their_marks_from_words() {
    let page = Page::new()
        .lines(72.0, 100.0, 11.0, 13.0, Serif, &LEFT[..5])
        .raw("BT /F3 11 Tf 1 0 0 1 72 627 Tm (it into the ledger) Tj /F3 7 Tf 4 Ts (1) Tj 0 Ts ET")
        .text(72.0, 700.0, 8.0, Serif, "1 The ledger was lost in the flood of the third winter.");
    let text = joined(&LEFT[..5]) + " it into the ledger\u{b9}";
    assert_reads(page, &[("text", &text), ("note", "1 The ledger was lost in the flood of the third winter.")]);
}

#[test]
fn turned_text_is_read_in_its_own_direction() {
    let page =
        Page::new().lines(90.0, 100.0, 10.0, 12.0, Serif, &LEFT).upwards(50.0, 300.0, 9.0, Plain, "Chapter of Gates");
    assert_reads(page, &[("text", &joined(&LEFT)), ("text", "Chapter of Gates")]);
}

/// Characters in the order in which a page shows a right-to-left text.
fn visual(logical: &str) -> String {
    logical.chars().rev().collect()
}

#[test]
fn hebrew_is_read_from_right_to_left() {
    let lines = ["שלום עולם, מה שלום כולם היום", "אני יורד מן החוטים ואני ילד"];
    let page = Page::new().text(300.0, 100.0, 12.0, Narrow, &visual(lines[0])).text(
        306.0,
        116.0,
        12.0,
        Narrow,
        &visual(lines[1]),
    );
    let told = told(&read(&[page]));
    let text: Vec<&str> = told.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(text.join(" "), lines.join(" "));
}

#[test]
fn arabic_keeps_numbers_and_latin_words_whole() {
    // Painted: Latin and number from left to right inside a line that is read from the right.
    let page = Page::new().text(300.0, 100.0, 12.0, Narrow, &format!("2024 {} PDF {}", visual("في"), visual("كتاب")));
    let told = told(&read(&[page]));
    assert_eq!(told[0].1, "كتاب PDF في 2024");
}

#[test]
fn chinese_and_japanese_lines_join_without_spaces() {
    let page = Page::new().text(72.0, 100.0, 12.0, Wide, "吾輩は猫である。名前はまだ無い。どこで生れたか").text(
        72.0,
        118.0,
        12.0,
        Wide,
        "頓と見当がつかぬ。何でも薄暗いじめじめした所で",
    );
    assert_reads(
        page,
        &[("text", "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。何でも薄暗いじめじめした所で")],
    );
}

#[test]
fn vertical_japanese_is_read_from_the_right() {
    let page = Page::new().text(500.0, 100.0, 12.0, Vertical, "吾輩は猫である。名前は").text(
        480.0,
        100.0,
        12.0,
        Vertical,
        "まだ無い。どこで生れた",
    );
    assert_reads(page, &[("text", "吾輩は猫である。名前はまだ無い。どこで生れた")]);
}

#[test]
fn hyphens_at_line_ends_go_unless_the_word_has_one() {
    let page = Page::new()
        .spaced((72.0, 100.0), 10.0, Serif, (3.1, 0.0), "The well-known keeper of the lan-")
        .spaced((72.0, 112.0), 10.0, Serif, (3.6, 0.0), "terns wakes at dusk, and her well-")
        .spaced((72.0, 124.0), 10.0, Serif, (2.2, 0.0), "known lanterns wake with her too,")
        .spaced((72.0, 136.0), 10.0, Serif, (0.0, 0.0), "and burn.");
    assert_reads(
        page,
        &[(
            "text",
            "The well-known keeper of the lanterns wakes at dusk, and her well-known lanterns wake with her too, and burn.",
        )],
    );
}

#[test]
fn letter_spaced_words_are_whole() {
    let page = Page::new().spaced((72.0, 90.0), 12.0, Plain, (0.0, 4.0), "THE NINTH GATE").lines(
        72.0,
        130.0,
        12.0,
        14.0,
        Serif,
        &LEFT[..3],
    );
    assert_eq!(told(&read(&[page]))[0].1, "THE NINTH GATE");
}

#[test]
fn words_without_painted_spaces_are_parted_by_their_places() {
    let page = Page::new()
        .text(72.0, 100.0, 10.0, Plain, "ninth")
        .text(98.0, 100.0, 10.0, Plain, "gate")
        .raw("BT /F1 10 Tf 1 0 0 1 72 680 Tm [(keep) 20 (er) -300 (of) -300 (lan) 15 (terns)] TJ ET");
    let told = told(&read(&[page]));
    let text: Vec<&str> = told.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(text.join(" "), "ninth gate keeper of lanterns");
}

#[test]
fn words_of_letters_of_one_width_are_parted_where_no_space_was_painted() {
    // All letters are half as wide as high, and what parts the words is narrower than one.
    let mut page = Page::new();
    let mut x = 72.0;
    for word in "Salt keeps the ninth gate from the river".split(' ') {
        page = page.text(x, 100.0, 10.0, Narrow, word);
        x += 5.0 * word.len() as f64 + 2.0;
    }
    assert_reads(page, &[("text", "Salt keeps the ninth gate from the river")]);
}

#[test]
fn half_a_word_takes_its_other_half_from_what_follows_and_from_nothing_beyond() {
    // As a recogniser writes it: each line as large as its letters happen to be.
    let page = Page::new()
        .text(72.0, 100.0, 10.0, Serif, "The keeper of the ninth gate lights all the lan-")
        .text(72.0, 140.0, 11.1, Serif, "terns of the wall and counts them twice.")
        .text(72.0, 180.0, 10.0, Serif, "and nobody has seen her sleep.");
    assert_reads(
        page,
        &[
            ("text", "The keeper of the ninth gate lights all the lanterns"),
            ("text", "of the wall and counts them twice."),
            ("text", "and nobody has seen her sleep."),
        ],
    );
}

#[test]
fn what_is_painted_twice_is_read_once() {
    let page = Page::new()
        .text(72.0, 100.0, 10.0, Serif, "The salt lantern burns.")
        .text(72.3, 100.0, 10.0, Serif, "The salt lantern burns.")
        .text(72.0, 130.0, 10.0, Serif, "The hollow king sleeps.")
        .text(72.0, 130.0, 10.0, Serif, "The hollow")
        .text(119.2, 130.0, 10.0, Serif, "king sleeps.");
    let told = told(&read(&[page]));
    let text: Vec<&str> = told.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(text, ["The salt lantern burns.", "The hollow king sleeps."]);
}

#[test]
fn letters_painted_in_any_order_make_their_words() {
    let text = "A glass moth remembers the iron psalm";
    let mut places: Vec<(f64, char)> = (0..).map(|n| 72.0 + 6.0 * f64::from(n)).zip(text.chars()).collect();
    // Every third letter, then the others from the back.
    places.retain(|(_, c)| *c != ' ');
    let (mut first, mut rest): (Vec<_>, Vec<_>) = places.into_iter().enumerate().partition(|(n, _)| n % 3 == 0);
    rest.reverse();
    first.extend(rest);
    let mut page = Page::new();
    for (_, (x, c)) in first {
        page = page.text(x, 100.0, 12.0, Narrow, &c.to_string());
    }
    assert_reads(page, &[("text", text)]);
}

#[test]
fn accents_painted_over_letters_and_ligatures_become_letters() {
    let page = Page::new().text(72.0, 100.0, 12.0, Narrow, "V\u{b4}").text(
        78.0,
        100.0,
        12.0,
        Narrow,
        "aclav \u{fb01}nds the \u{fb02}ute",
    );
    assert_reads(page, &[("text", "Václav finds the flute")]);
}

#[test]
fn lists_keep_their_items() {
    let page = Page::new()
        .text(72.0, 100.0, 10.0, Plain, "\u{2022}")
        .lines(86.0, 100.0, 10.0, 12.0, Plain, &["a lantern with oil for six hours or, if", "it rains, for four"])
        .text(72.0, 126.0, 10.0, Plain, "\u{2022}")
        .lines(86.0, 126.0, 10.0, 12.0, Plain, &["the ledger of the drowned"]);
    assert_reads(
        page,
        &[
            ("item", "\u{2022} a lantern with oil for six hours or, if it rains, for four"),
            ("item", "\u{2022} the ledger of the drowned"),
        ],
    );
}

#[test]
fn a_caption_is_told_from_text() {
    let page = Page::new().lines(72.0, 100.0, 10.0, 12.0, Serif, &LEFT).text(
        72.0,
        400.0,
        9.0,
        Serif,
        "Figure 3. The river wall at dusk, seen from the weir.",
    );
    assert_reads(
        page,
        &[("text", &joined(&LEFT)), ("caption", "Figure 3. The river wall at dusk, seen from the weir.")],
    );
}

#[test]
fn paragraphs_are_parted_by_indents_and_by_short_last_lines() {
    let page = Page::new()
        .lines(72.0, 100.0, 10.0, 12.0, Serif, &LEFT)
        .text(86.0, 172.0, 10.0, Serif, "No boat has come for eleven winters,")
        .lines(
            72.0,
            184.0,
            10.0,
            12.0,
            Serif,
            &["and the ledger is kept by nobody now.", "The ninth gate has been shut so long"],
        )
        .text(72.0, 208.0, 10.0, Serif, "that it rusts.")
        .text(72.0, 220.0, 10.0, Serif, "She remembers when it was blue, and");
    assert_reads(
        page,
        &[
            ("text", &joined(&LEFT)),
            (
                "text",
                "No boat has come for eleven winters, and the ledger is kept by nobody now. The ninth gate has been shut so long \
                 that it rusts.",
            ),
            ("text", "She remembers when it was blue, and"),
        ],
    );
}

#[test]
fn running_heads_and_page_numbers_are_set_apart_and_headings_found() {
    let pages: Vec<Page> = (0..5)
        .map(|n| {
            Page::new()
                .text(72.0, 40.0, 9.0, Serif, "The Ledger of the Drowned")
                .text(
                    72.0,
                    90.0,
                    16.0,
                    Bold,
                    &format!("Gate the {}", ["first", "second", "third", "fourth", "fifth"][n]),
                )
                .lines(72.0, 120.0, 10.0, 12.0, Serif, if n % 2 == 0 { &LEFT } else { &RIGHT })
                .text(300.0, 760.0, 9.0, Serif, &format!("{}", n + 17))
        })
        .collect();
    let document = read(&pages);
    let told = told(&document);
    let of = |kind: &str| told.iter().filter(|(k, _)| k == kind).map(|(_, t)| t.as_str()).collect::<Vec<_>>();
    assert_eq!(of("furniture").len(), 10, "{told:?}");
    assert_eq!(
        of("heading"),
        ["Gate the first", "Gate the second", "Gate the third", "Gate the fourth", "Gate the fifth"]
    );
    assert_eq!(of("text").len(), 5);
    assert_eq!(document.sections.len(), 5);
}

#[test]
fn what_stands_beside_the_page_is_not_read() {
    let page = Page::new().text(72.0, 100.0, 10.0, Serif, "Inside.").text(900.0, 100.0, 10.0, Serif, "Outside.");
    assert_reads(page, &[("text", "Inside.")]);
}

#[test]
fn replacement_text_of_the_file_is_heeded() {
    let page = Page::new()
        .raw("BT /F3 12 Tf 1 0 0 1 72 692 Tm /Span << /ActualText (fi) >> BDC (\\256) Tj EMC (nd the gate) Tj ET");
    assert_reads(page, &[("text", "find the gate")]);
}

#[test]
fn a_page_that_paints_without_end_is_left_out_and_the_next_is_read() {
    let page = |content: u32| {
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Contents {content} 0 R /Resources << /Font << /F1 3 0 R >> /XObject << /X 7 0 R >> >> >>"
        )
        .into_bytes()
    };
    let stream = |dictionary: &str, content: &str| {
        format!("<< /Length {} {dictionary} >>\nstream\n{content}\nendstream", content.len()).into_bytes()
    };
    let bytes = with_xref(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [4 0 R 8 0 R] /Count 2 >>".to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        page(5),
        stream("", "/X Do"),
        b"null".to_vec(),
        stream("/Type /XObject /Subtype /Form /BBox [0 0 100 100]", "/X Do /X Do"),
        page(9),
        stream("", "BT /F1 11 Tf 72 300 Td (The ninth gate.) Tj ET"),
    ]);
    let document = parse(&bytes, &ParseSettings::default(), &mut |_, _| {}).unwrap();
    assert_eq!(document.sections[0].source, SectionSource::Unreadable("it paints without end".into()));
    assert_eq!(document.text.trim(), "The ninth gate.");
    assert!(document.notes.iter().any(|note| note.contains("page 1 cannot be read")), "{:?}", document.notes);
}

#[test]
fn places_beyond_all_paper_are_borne() {
    let content = "BT /F1 11 Tf 1 0 0 1 300000000 300000000 Tm (The ninth gate.) Tj ET";
    let bytes = with_xref(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 2000000000 2000000000] /Contents 5 0 R /Resources << /Font << /F1 3 0 R >> >> >>".to_vec(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()).into_bytes(),
    ]);
    parse(&bytes, &ParseSettings::default(), &mut |_, _| {}).unwrap();
}

/// One page with Helvetica, more entries of the catalog and of the page, and more objects from number 6 on.
fn one_page(catalog: &str, entries: &str, content: &str, more: &[&str]) -> Vec<u8> {
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>").into_bytes(),
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 400] /Contents 5 0 R {entries} >>").into_bytes(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()).into_bytes(),
    ];
    objects.extend(more.iter().map(|object| object.as_bytes().to_vec()));
    with_xref(&objects)
}

#[test]
fn layers_that_are_off_are_not_read() {
    let line = |n: u32, text: &str| format!("BT /F1 11 Tf 72 {} Td ({text}) Tj ET\n", 350 - 20 * n);
    let marked = |name: &str, text: String| format!("/OC /{name} BDC\n{text}EMC\n");
    let content = [
        line(0, "The ninth gate."),
        marked("On", line(1, "Its keeper.")),
        marked("Off", line(2, "A draft.") + &marked("On", line(3, "A draft within."))),
        marked("Any", line(4, "On one of two layers.")),
        marked("All", line(5, "On both layers.")),
        "q 1 0 0 1 0 0 cm /X Do Q\n".to_owned(),
        line(6, "The end."),
    ]
    .concat();
    let resources = "/Resources << /Font << /F1 3 0 R >> /XObject << /X 10 0 R >> /Properties << /On 6 0 R /Off 7 0 R /Any 8 0 R /All 9 0 R >> >>";
    let form = line(7, "A hidden stamp.");
    let form = format!(
        "<< /Type /XObject /Subtype /Form /BBox [0 0 300 400] /OC 7 0 R /Length {} >>\nstream\n{form}\nendstream",
        form.len()
    );
    let bytes = one_page(
        "/OCProperties << /OCGs [6 0 R 7 0 R] /D << /OFF [7 0 R] >> >>",
        resources,
        &content,
        &[
            "<< /Type /OCG /Name (on) >>",
            "<< /Type /OCG /Name (off) >>",
            "<< /Type /OCMD /OCGs [6 0 R 7 0 R] /P /AnyOn >>",
            "<< /Type /OCMD /OCGs [6 0 R 7 0 R] /P /AllOn >>",
            &form,
        ],
    );
    let document = parse(&bytes, &ParseSettings::default(), &mut |_, _| {}).unwrap();
    let words = document.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(words, "The ninth gate. Its keeper. On one of two layers. The end.");
}

#[test]
fn a_note_without_an_appearance_is_read_and_a_hidden_one_is_not() {
    let annotation = |flags: u32, text: &str| {
        format!(
            "<< /Type /Annot /Subtype /FreeText /Rect [20 20 200 60] /F {flags} /DA (/Helv 12 Tf) /Contents ({text}) >>"
        )
    };
    let bytes = one_page(
        "",
        "/Resources << /Font << /F1 3 0 R >> >> /Annots [6 0 R 7 0 R]",
        "BT /F1 11 Tf 72 300 Td (The ninth gate.) Tj ET",
        &[&annotation(4, "Ask the keeper."), &annotation(2, "Not for readers.")],
    );
    let document = parse(&bytes, &ParseSettings::default(), &mut |_, _| {}).unwrap();
    assert_eq!(document.text.trim(), "The ninth gate.\nAsk the keeper.");
}

#[test]
fn a_line_that_all_pages_are_made_of_is_their_text_and_no_running_head() {
    let shelf = Shelf::empty();
    let pages: Vec<Vec<String>> =
        (0..5).map(|n| vec![format!("The Saltbinder of page {n} guards the Ninth Gate of Varrow.")]).collect();
    let pages: Vec<&[String]> = pages.iter().map(Vec::as_slice).collect();
    shelf.put("short.pdf", &documents::pdf(&pages));
    shelf.batch(&[]).exits(0);
    assert!(!shelf.vocabulary("short.vocab.json")["entries"].as_array().unwrap().is_empty());
}
