//! The samples of the project, as README.md runs them.

use std::path::Path;

use corpora::stages::parse::{ParseSettings, parse};
use corpora::values::ParsedDocument;

use crate::support::needs::needs_program;
use crate::support::{Shelf, command};

fn samples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

#[test]
fn the_readable_samples_give_vocabularies_and_the_others_a_reason() {
    let shelf = Shelf::empty();
    let samples = samples().to_string_lossy().into_owned();
    let args = ["batch", &samples, "-o", "out", "--progress", "json"];
    let run = crate::support::Run(command(shelf.path(), &args).output().unwrap()).exits(75);
    let summary = run.summary();
    let number = |key: &str| summary[key].as_u64().unwrap();
    assert_eq!(number("documents"), number("succeeded") + number("failed"));
    let kinds: Vec<String> = run
        .events()
        .iter()
        .filter(|e| e["event"] == "document_failed")
        .map(|e| e["kind"].as_str().unwrap().to_owned())
        .collect();
    let count = |kind: &str| kinds.iter().filter(|k| *k == kind).count();
    assert_eq!((count("encrypted"), count("damaged"), kinds.len()), (1, 2, 3), "{kinds:?}");
    // Whether there is a Tesseract is up to the machine.
    let told = |e: &serde_json::Value| {
        let notes = e["notes"].to_string();
        notes.contains("cannot be read without OCR") || notes.contains("read by optical character recognition")
    };
    assert!(run.events().iter().any(told), "the image-only sample is done and says what it needs or needed");
    assert!(number("terms") > 500, "{} terms", number("terms"));
}

/// Every document of the samples that can be read.
fn parsed() -> Vec<(String, ParsedDocument)> {
    let mut files = vec![samples()];
    let mut parsed = Vec::new();
    while let Some(file) = files.pop() {
        if file.is_dir() {
            files.extend(std::fs::read_dir(&file).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = file.strip_prefix(samples()).unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".pdf") && !name.ends_with(".epub") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        if let Ok(document) = parse(&bytes, &ParseSettings::default(), &mut |_, _| {}) {
            parsed.push((name, document));
        }
    }
    parsed.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(parsed.len() >= 7, "{} readable samples", parsed.len());
    parsed
}

#[test]
fn every_block_of_every_sample_lies_in_its_section_and_gives_its_text() {
    for (name, document) in parsed() {
        let text = &document.text;
        let mut end = 0;
        for (at, section) in document.sections.iter().enumerate() {
            assert_eq!(section.number as usize, at + 1, "{name}");
            assert!(section.span.start >= end && section.span.end as usize <= text.len(), "{name}: section {at}");
            end = section.span.end + 1;
        }
        let mut covered = 0;
        let mut last = 0;
        for block in &document.blocks {
            let slice = block.span.of(text);
            assert!(!slice.is_empty() && slice == slice.trim() && !slice.contains('\n'), "{name}: {slice:?}");
            assert!(block.span.start >= last, "{name}: blocks follow each other");
            last = block.span.end;
            let first = document.section_at(block.span.start).unwrap();
            assert_eq!(Some(first), document.section_at(block.span.end - 1), "{name}: {slice:?} lies in one section");
            covered += slice.len();
        }
        // What no block holds is what parts blocks and sections.
        let between = text.chars().filter(|c| matches!(c, '\n' | '\u{c}')).count();
        assert_eq!(covered + between, text.len(), "{name}");
    }
}

#[test]
fn a_block_stands_on_the_page_where_a_viewer_shows_it() {
    // pdftotext is Poppler's; it shows the words of one page and the place of each.
    if !needs_program("pdftotext", "-v", "poppler-utils") {
        return;
    }
    let mut looked_for = 0;
    for (name, document) in parsed().into_iter().filter(|(name, _)| name.ends_with(".pdf")) {
        for section in document.sections.iter().filter(|s| !s.span.is_empty()) {
            let page = section.number.to_string();
            let file = samples().join(&name);
            let output = std::process::Command::new("pdftotext")
                .args(["-q", "-bbox", "-f", &page, "-l", &page])
                .args([file.as_os_str(), "-".as_ref()])
                .output()
                .unwrap();
            let shown = String::from_utf8_lossy(&output.stdout).into_owned();
            let (mut inside, mut all) = (0, 0);
            for line in shown.lines().filter(|line| line.contains("<word ")) {
                let number = |key: &str| {
                    let at = line.find(&format!("{key}=\"")).unwrap() + key.len() + 2;
                    (line[at..].split('"').next().unwrap().parse::<f64>().unwrap() * 10.0) as i32
                };
                let word = line.split('>').nth(1).unwrap().split('<').next().unwrap();
                if word.chars().count() < 4 || !word.chars().all(char::is_alphabetic) {
                    continue;
                }
                let (x, y) = ((number("xMin") + number("xMax")) / 2, (number("yMin") + number("yMax")) / 2);
                all += 1;
                inside += usize::from(document.blocks.iter().any(|block| {
                    let area = block.area.unwrap();
                    section.span.contains(block.span.start)
                        && (area.left - 20..area.right + 20).contains(&x)
                        && (area.top - 20..area.bottom + 20).contains(&y)
                        && block.span.of(&document.text).contains(word)
                }));
            }
            looked_for += all;
            // Words that a line's end parts are two words there and one here.
            assert!(
                inside * 100 >= all * 90,
                "{name}, page {page}: {inside} of {all} words stand where they are shown"
            );
        }
    }
    assert!(looked_for > 1_000, "the viewer showed {looked_for} words in all");
}
