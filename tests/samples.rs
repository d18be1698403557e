//! The samples of the project, as README.md runs them.

use std::path::Path;

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
