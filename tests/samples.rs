//! The samples of the project, as README.md runs them.

use std::path::{Path, PathBuf};

use corpora::stages::parse::{ParseSettings, parse};
use corpora::values::ParsedDocument;

use crate::support::Shelf;
use crate::support::needs::needs_program;
use crate::support::steady::steady;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn samples() -> PathBuf {
    root().join("samples")
}

/// A shelf of nothing but copies of the project's own two.
fn copies() -> Shelf {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if from.is_dir() { copy(&from, &to) } else { assert!(std::fs::copy(&from, &to).is_ok()) }
        }
    }
    let shelf = Shelf::empty();
    for folder in ["samples", "samples-trouble"] {
        copy(&root().join(folder), &shelf.path().join(folder));
    }
    shelf
}

#[test]
fn the_samples_give_vocabularies_and_their_best_terms() {
    let shelf = copies();
    let run = shelf.run(&["batch", "samples", "-o", "out", "--progress", "json"]).exits(0);
    let summary = run.summary();
    assert_eq!((&summary["documents"], &summary["succeeded"]), (&7.into(), &7.into()));
    assert!(summary["terms"].as_u64().unwrap() > 300, "{summary}");
    assert_eq!(summary["best_terms"].as_array().unwrap().len(), 10, "{summary}");
}

#[test]
fn the_readme_and_the_tutorial_show_what_comes_out() {
    let mut shown = 0;
    for page in ["README.md", "docs/tutorial.md"] {
        let shelf = copies();
        for block in std::fs::read_to_string(root().join(page)).unwrap().split("```text\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            let (line, expected) = block.split_once('\n').unwrap();
            let Some(line) = line.strip_prefix("$ corpora ") else { continue };
            let run = shelf.run(&line.split(' ').collect::<Vec<_>>());
            let came = steady(&format!("{}{}", run.stderr(), run.stdout()));
            assert_eq!(came.trim_end(), steady(expected).trim_end(), "{page}: corpora {line}");
            shown += 1;
        }
    }
    assert!(shown >= 4, "{shown} commands are shown with what they print");
}

#[test]
fn the_shelf_of_trouble_has_a_reason_for_each_of_its_files() {
    let shelf = copies();
    let run = shelf.run(&["batch", "samples-trouble", "-o", "out", "--progress", "json"]).exits(75);
    let summary = run.summary();
    assert_eq!((&summary["documents"], &summary["succeeded"], &summary["failed"]), (&4.into(), &1.into(), &3.into()));
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
