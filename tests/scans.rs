//! Scans as they come: turned, askew, shaded, beside text of the file's own, under layers that say something else.

use corpora::stages::parse::{OcrSettings, ParseSettings, parse};
use corpora::values::{BlockKind, ParsedDocument, SectionSource};

use crate::support::needs::needs_program;
use crate::support::page::{Font, Page as Sheet, pdf};
use crate::support::pictures::{Drawn, Page, document};

/// Tesseract and the language that it always has; none where it is not there.
fn settings() -> Option<ParseSettings> {
    if !needs_program("tesseract", "--version", "tesseract-ocr") {
        return None;
    }
    let path = std::env::var_os("PATH")?;
    let program = std::env::split_paths(&path).map(|folder| folder.join("tesseract")).find(|file| file.is_file());
    let ocr = OcrSettings { program, languages: "eng".into(), ..OcrSettings::default() };
    Some(ParseSettings { ocr, ..ParseSettings::default() })
}

fn read(file: Vec<u8>, settings: &ParseSettings) -> ParsedDocument {
    parse(file, settings, &mut |_, _| {}).unwrap()
}

const PROSE: [&str; 9] = [
    "Nobody in the town could say when the first lantern was hung above the ferry",
    "steps. The oldest rope in the boathouse was already old when my grandmother",
    "mended it, and she was not a woman who mended what could be replaced. Each",
    "evening the keeper climbed ninety steps with a can of fish oil, trimmed the wick,",
    "and wrote one line in a brown ledger: the hour, the wind, and whether anything",
    "had answered. For eleven winters nothing did. Then, on the fourth night of the",
    "thaw, a second light appeared on the far bank where no house stands. It blinked",
    "three times, paused, and blinked twice more. The keeper wrote it down as he wrote",
    "everything, without a remark, and went to bed.",
];

/// A sheet with a heading and a paragraph.
fn sheet() -> Sheet {
    Sheet::new()
        .text(72.0, 100.0, 18.0, Font::Serif, "The Keeper of the North Lantern")
        .lines(72.0, 130.0, 11.0, 15.0, Font::Serif, &PROSE)
        .text(72.0, 300.0, 18.0, Font::Serif, "What the ledger says")
        .lines(72.0, 330.0, 11.0, 15.0, Font::Serif, &PROSE)
}

const WHOLE: &str = "q 612 0 0 792 0 0 cm /Im Do Q";

/// Share of the words of a text that stand in another, in hundredths.
fn found(words: &[&str], text: &str) -> usize {
    let known: std::collections::HashSet<&str> = text.split_whitespace().collect();
    let words: Vec<&str> = words.iter().flat_map(|line| line.split_whitespace()).collect();
    words.iter().filter(|word| known.contains(*word)).count() * 100 / words.len()
}

fn headings(document: &ParsedDocument) -> Vec<&str> {
    let blocks = document.blocks.iter().filter(|block| matches!(block.kind, BlockKind::Heading(_)));
    blocks.map(|block| block.span.of(&document.text)).collect()
}

#[test]
fn a_page_lies_on_any_side_and_is_read_with_its_headings() {
    let Some(settings) = settings() else { return };
    let drawn = Drawn::of(pdf(&[sheet()]));
    for quarters in 0..4 {
        let turned = drawn.turned(quarters);
        let document = read(document(&[Page::Painted(WHOLE.into(), turned)]), &settings);
        assert!(found(&PROSE, &document.text) >= 97, "{quarters}: {}", document.text);
        let recognition = document.sections[0].recognition.unwrap();
        assert_eq!(recognition.turn, 90 * u16::from(quarters), "{quarters}");
        assert!(recognition.confidence >= 80 && document.blocks[0].confidence.is_some(), "{recognition:?}");
        assert_eq!(headings(&document), ["The Keeper of the North Lantern", "What the ledger says"], "{quarters}");
    }
}

#[test]
fn what_is_askew_shaded_or_full_of_specks_is_read_all_the_same() {
    let Some(settings) = settings() else { return };
    let drawn = Drawn::of(pdf(&[sheet()]));
    let dimmed = |x: usize, _: usize, p: u8| (u32::from(p) * (90 + x as u32 / 12) / 255 + 20).min(255) as u8;
    // A mixing of the bits of the place (SplitMix64): no two specks have anything to do with each other.
    let specked = |x: usize, y: usize, p: u8| {
        let mut mixed = ((x as u64) << 32 | y as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        if (mixed ^ (mixed >> 31)).is_multiple_of(40) { 255 - p } else { p }
    };
    let cases = [
        ("askew", drawn.askew(4.0)),
        ("askew the other way", drawn.askew(-2.5)),
        ("shaded", drawn.each(dimmed)),
        ("specked", drawn.each(specked)),
        ("all of it", drawn.askew(1.7).each(dimmed).each(specked)),
    ];
    for (name, drawn) in cases {
        let document = read(document(&[Page::Painted(WHOLE.into(), drawn)]), &settings);
        assert!(found(&PROSE, &document.text) >= 95, "{name}: {}", document.text);
        assert_eq!(document.sections[0].source, SectionSource::Ocr);
    }
}

#[test]
fn text_beside_a_scan_takes_nothing_away_from_it_and_both_stay() {
    let Some(settings) = settings() else { return };
    let stamp = "Digitised by the Public Library of the Harbour, 2019. Not for resale.";
    let scan = Drawn::of(pdf(&[sheet()]));
    let stamped = format!("{WHOLE} BT /F1 8 Tf 72 30 Td ({stamp}) Tj ET");
    let both = read(document(&[Page::Painted(stamped, scan.clone())]), &settings);
    assert!(both.text.contains(stamp) && found(&PROSE, &both.text) >= 97, "{}", both.text);
    // The upper half is text of the file, the lower half a picture of the upper half of a sheet.
    let half = Drawn {
        width: scan.width,
        height: scan.height / 2,
        pixels: scan.pixels[..scan.width * (scan.height / 2)].to_vec(),
    };
    let own = [
        "A salt lantern is a lamp that burns salt and is carried by hand along the road at night.",
        "It is never lent to anybody.",
    ];
    let content =
        format!("BT /F1 11 Tf 14 TL 72 720 Td ({}) Tj T* ({}) Tj ET q 612 0 0 396 0 0 cm /Im Do Q", own[0], own[1]);
    let halves = read(document(&[Page::Painted(content, half)]), &settings);
    assert!(halves.text.starts_with(&own.join(" ")), "{}", halves.text);
    assert!(found(&PROSE, &halves.text) >= 97 && halves.text.matches("salt lantern").count() == 1, "{}", halves.text);
    assert_eq!(halves.sections[0].source, SectionSource::Ocr);
}

/// Lines of invisible text where a sheet has its own.
fn layer(lines: &[String]) -> String {
    let mut content = String::from("BT 3 Tr /F1 11 Tf 15 TL 72 662 Td\n");
    lines.iter().for_each(|line| content.push_str(&format!("({line}) Tj T*\n")));
    content + "ET " + WHOLE
}

#[test]
fn a_layer_under_a_picture_is_believed_if_it_is_language_and_replaced_if_not() {
    let Some(settings) = settings() else { return };
    let sheet = || Sheet::new().lines(72.0, 130.0, 11.0, 15.0, Font::Plain, &PROSE);
    let scan = Drawn::of(pdf(&[sheet()]));
    let lines: Vec<String> = PROSE.iter().map(|line| (*line).to_owned()).collect();
    let right = read(document(&[Page::Painted(layer(&lines), scan.clone())]), &settings);
    assert_eq!((&right.sections[0].source, found(&PROSE, &right.text)), (&SectionSource::File, 100), "{}", right.text);
    // The same with letters moved on in the alphabet: another document's layer would be no better.
    let moved = |c: char| if c.is_ascii_lowercase() { char::from((c as u8 - b'a' + 7) % 26 + b'a') } else { c };
    let shifted: Vec<String> = lines.iter().map(|line| line.chars().map(moved).collect()).collect();
    let wrong = read(document(&[Page::Painted(layer(&shifted), scan)]), &settings);
    assert_eq!(wrong.sections[0].source, SectionSource::Ocr);
    assert!(found(&PROSE, &wrong.text) >= 97 && !wrong.text.contains(shifted[0].as_str()), "{}", wrong.text);
    let off = ParseSettings::default();
    let unread = read(document(&[Page::Painted(layer(&shifted), Drawn::of(pdf(&[sheet()])))]), &off);
    assert_eq!(unread.sections[0].source, SectionSource::NeedsOcr, "garbage is marked, whoever could read it");
}

#[test]
fn a_photograph_beside_text_is_no_page_to_be_recognised() {
    let Some(settings) = settings() else { return };
    let photograph = Drawn { width: 300, height: 300, pixels: vec![0; 90_000] }
        .each(|x, y, _| ((x * x / 90 + y * 2 + (x * 31 + y * 17) % 23) % 256) as u8);
    let mut content = String::from("q 612 0 0 500 0 0 cm /Im Do Q BT /F1 11 Tf 15 TL 72 750 Td\n");
    PROSE.iter().for_each(|line| content.push_str(&format!("({line}) Tj T*\n")));
    let page = read(document(&[Page::Painted(content + "ET", photograph)]), &settings);
    assert_eq!(page.sections[0].source, SectionSource::File);
}

#[test]
fn rows_of_a_scanned_table_are_rows_with_rules_and_without() {
    let Some(settings) = settings() else { return };
    let rows = [
        ["Name", "Weight", "Price"],
        ["Lantern", "12", "40"],
        ["Anchor", "300", "95"],
        ["Ledger", "3", "8"],
        ["Bell", "70", "60"],
    ];
    let cells = |sheet: Sheet| {
        rows.iter().enumerate().fold(sheet, |sheet, (row, cells)| {
            cells.iter().enumerate().fold(sheet, |sheet, (column, cell)| {
                sheet.text(80.0 + 150.0 * column as f64, 300.0 + 20.0 * row as f64, 11.0, Font::Serif, cell)
            })
        })
    };
    let above = || Sheet::new().lines(72.0, 100.0, 11.0, 15.0, Font::Serif, &PROSE);
    let ruled = (0..6).fold(above(), |sheet, row| sheet.raw(&format!("72 {} m 522 {0} l S", 792 - 286 - 20 * row)));
    let ruled = (0..4).fold(ruled, |sheet, column| sheet.raw(&format!("{} 506 m {0} 406 l S", 72 + 150 * column)));
    for (name, sheet) in [("open", cells(above())), ("ruled", cells(ruled))] {
        let document = read(document(&[Page::Painted(WHOLE.into(), Drawn::of(pdf(&[sheet])))]), &settings);
        let read: Vec<&str> = document
            .blocks
            .iter()
            .filter(|block| block.kind == BlockKind::TableRow)
            .map(|block| block.span.of(&document.text))
            .collect();
        assert_eq!(read, rows.map(|row| row.join("\t")), "{name}: {}", document.text);
    }
}

#[test]
fn pages_are_the_same_however_many_are_read_at_once() {
    let Some(settings) = settings() else { return };
    let pages = || -> Vec<Page> {
        let of = |n: usize| {
            Drawn::of(pdf(&[sheet().text(72.0, 560.0, 11.0, Font::Serif, &format!("Page {n} of the ledger."))]))
        };
        (0..5).map(|n| Page::Painted(WHOLE.into(), of(n).turned((n % 2 * 2) as u8))).collect()
    };
    let file = document(&pages());
    let at_once = |at_once: usize| {
        let ocr = OcrSettings { at_once, ..settings.ocr.clone() };
        read(file.clone(), &ParseSettings { ocr, ..settings.clone() })
    };
    assert_eq!(at_once(1), at_once(3));
}
