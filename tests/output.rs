//! The vocabulary files: their shape, and that nothing but content decides their bytes.

use std::collections::BTreeMap;

use crate::support::{Shelf, documents};

fn run_fresh(shelf: &Shelf, args: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let _ = std::fs::remove_dir_all(shelf.out());
    shelf.run(&[&["batch"], args, &["-o", "out"]].concat()).exits(0);
    shelf.vocabularies()
}

#[test]
fn workers_mode_and_order_of_inputs_do_not_change_a_byte() {
    let shelf = Shelf::of(20);
    let one = run_fresh(&shelf, &["books", "-w", "1"]);
    assert_eq!(one.len(), 20);
    for args in [
        &["books", "-w", "2"][..],
        &["books", "-w", "8"],
        &["books", "--mode", "per-document"],
        &["books", "--mode", "per-document", "-w", "8"],
        &["books", "books/deep", "books/doc-000001.epub"],
        &["books/doc-000001.epub", "books/deep", "books"],
    ] {
        assert!(run_fresh(&shelf, args) == one, "{args:?} gives other bytes");
    }
}

#[test]
fn the_glossary_pipeline_is_as_stable() {
    let shelf = Shelf::of(6);
    let one = run_fresh(&shelf, &["books", "-w", "1", "--pipeline", "glossary"]);
    let two = run_fresh(&shelf, &["books", "-w", "8", "--pipeline", "glossary", "--mode", "per-document"]);
    assert!(one == two);
}

#[test]
fn every_file_fits_the_schema_and_slices_back_to_its_terms() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../schemas/vocabulary-file.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for pipeline in ["vocabulary", "glossary"] {
        let shelf = Shelf::of(6);
        shelf.batch(&["--pipeline", pipeline]).exits(0);
        let mut terms = 0;
        for (name, bytes) in shelf.vocabularies() {
            let file: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            let errors: Vec<String> = validator.iter_errors(&file).map(|e| e.to_string()).collect();
            assert!(errors.is_empty(), "{name}: {errors:?}");
            let source = file["metadata"]["source_path"].as_str().unwrap();
            let text = shelf.run(&["parse", &format!("books/{source}")]).exits(0).stdout();
            let text: Vec<char> = text.chars().collect();
            let mut sentences: BTreeMap<u64, String> = BTreeMap::new();
            let mut scores = Vec::new();
            for (rank, entry) in (1..).zip(file["entries"].as_array().unwrap()) {
                terms += 1;
                assert_eq!(entry["rank"], rank);
                scores.push(entry["score"].as_f64().unwrap());
                for place in entry["occurrences"].as_array().unwrap() {
                    let sentence_start = place["sentence_start"].as_u64().unwrap();
                    if let Some(sentence) = place["sentence"].as_str() {
                        let before = sentences.insert(sentence_start, sentence.to_owned());
                        assert!(before.as_deref() != Some(sentence), "{name}: '{sentence}' stands twice");
                    }
                    let at = |key: &str| place[key].as_u64().unwrap() as usize;
                    let slice: String = text[at("start")..at("end")].iter().collect();
                    let words = |s: &str| s.to_lowercase().replace(['-', '\n'], " ");
                    assert!(
                        words(&sentences[&sentence_start]).contains(&words(&slice)),
                        "{name}: '{slice}' is not in its sentence {place}"
                    );
                }
            }
            assert!(scores.is_sorted_by(|a, b| a >= b), "{name}: {scores:?}");
            let lines = String::from_utf8(bytes).unwrap().lines().count();
            assert_eq!(lines, scores.len() + 3, "{name}: an entry a line");
            assert_eq!(file["metadata"]["term_count"], file["entries"].as_array().unwrap().len());
        }
        assert!(terms > 0, "the {pipeline} pipeline finds nothing in six tales");
    }
}

#[test]
fn the_structure_of_a_document_fits_its_schema_and_is_written_as_markdown() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../schemas/parsed-document.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let shelf = Shelf::of(3);
    let samples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let own = ["kettlefen-rules.pdf", "varrow-field-guide.pdf", "stories/the-ninth-kettle.epub"];
    let files = own.map(|name| samples.join(name).to_string_lossy().into_owned());
    for file in files.iter().map(String::as_str).chain(["books/doc-000001.epub", "books/doc-000002.pdf"]) {
        let parsed = shelf.run(&["parse", "--ocr", "off", "--format", "json", file]).exits(0).stdout();
        let parsed: serde_json::Value = serde_json::from_str(&parsed).unwrap();
        let errors: Vec<String> = validator.iter_errors(&parsed).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{file}: {errors:?}");
        let markdown = shelf.run(&["parse", "--ocr", "off", "--format", "markdown", file]).exits(0).stdout();
        assert!(markdown.lines().any(|line| line.starts_with("# ")) || !parsed.to_string().contains("\"heading\":1"));
        assert!(markdown.len() * 10 > parsed["text"].as_str().unwrap().len() * 9, "{file}");
    }
}

#[test]
fn the_local_provider_never_invents() {
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    for name in shelf.vocabularies().keys() {
        for entry in shelf.vocabulary(name)["entries"].as_array().unwrap() {
            for field in
                ["genre", "intent", "axes", "tags", "category", "mood", "energy", "secondary_intents", "ip_flag"]
            {
                assert!(entry[field].is_null(), "{field} of {entry}");
            }
        }
    }
}

#[test]
fn inputs_that_would_share_an_output_get_distinct_stable_names() {
    let shelf = Shelf::empty();
    shelf.put("a.pdf", &documents::pdf(&[&documents::story(1)]));
    shelf.put("a.epub", &documents::epub("A", &[&documents::story(2)]));
    shelf.batch(&[]).exits(0);
    let names: Vec<String> = shelf.vocabularies().into_keys().collect();
    assert_eq!(names, ["a.pdf.vocab.json", "a.vocab.json"]);
    assert_eq!(shelf.vocabulary("a.vocab.json")["metadata"]["source_path"], "a.epub");
    shelf.put("A.pdf", &documents::pdf(&[&documents::story(3)]));
    shelf.batch(&[]).exits(0);
    assert_eq!(shelf.vocabulary("a.vocab.json")["metadata"]["source_path"], "a.epub", "a name once given stays");
    assert_eq!(shelf.vocabularies().len(), 3);
}

#[test]
fn equal_contents_are_one_document_with_two_outputs() {
    let shelf = Shelf::empty();
    let bytes = documents::epub("A", &[&documents::story(1)]);
    shelf.put("one.epub", &bytes);
    shelf.put("deep/two.epub", &bytes);
    let run = shelf.batch(&["--progress", "json"]).exits(0);
    assert_eq!((run.done("parse"), run.done("extract"), run.done("write")), (1, 1, 2));
    assert_eq!(shelf.vocabulary("deep/two.vocab.json")["metadata"]["source_path"], "deep/two.epub");
}

#[test]
fn the_default_output_is_the_input_folder_and_its_files_are_not_inputs() {
    let shelf = Shelf::of(3);
    shelf.run(&["batch", "books"]).exits(0);
    assert!(shelf.books().join("doc-000001.vocab.json").exists());
    let again = shelf.run(&["batch", "books", "--progress", "json"]).exits(0);
    assert_eq!((again.summary()["documents"].clone(), again.summary()["skipped"].clone()), (3.into(), 3.into()));
}

#[test]
fn a_moved_store_and_a_moved_shelf_continue() {
    let shelf = Shelf::of(3);
    shelf.batch(&[]).exits(0);
    std::fs::rename(shelf.out(), shelf.path().join("elsewhere")).unwrap();
    std::fs::rename(shelf.books(), shelf.path().join("library")).unwrap();
    let run = shelf.run(&["batch", "library", "-o", "elsewhere", "--progress", "json"]).exits(0);
    assert_eq!(run.summary()["skipped"], 3);
    let store = std::fs::read(shelf.path().join("elsewhere/.corpora/store.sqlite")).unwrap();
    let absolute = shelf.path().to_string_lossy().into_owned().into_bytes();
    assert!(!store.windows(absolute.len()).any(|w| w == absolute), "an absolute path stands in the store");
}

#[test]
fn the_manifest_tells_what_came_of_each_file() {
    let shelf = Shelf::of(2);
    shelf.put("broken.pdf", b"%PDF-1.4 nothing more");
    shelf.batch(&[]).exits(75);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(shelf.out().join(".corpora-manifest.json")).unwrap()).unwrap();
    let states: Vec<(&str, &str)> = manifest["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| (d["path"].as_str().unwrap(), d["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("broken.pdf", "failed"), ("deep/doc-000000.pdf", "done"), ("doc-000001.epub", "done")]);
    assert_eq!(manifest["documents"][0]["failure"]["kind"], "Damaged");
}

#[test]
fn a_document_without_text_is_done_with_no_terms_and_said() {
    let shelf = Shelf::empty();
    shelf.put("empty.pdf", &documents::pdf(&[&[]]));
    let run = shelf.batch(&["--progress", "json"]).exits(0);
    let events = run.events();
    let done = events.iter().find(|e| e["event"] == "document_done" && e["stage"] == "extract").unwrap();
    assert_eq!(done["terms"], 0);
    assert!(done["notes"].to_string().contains("holds no text, so it has no terms"), "{done}");
    assert_eq!(shelf.vocabulary("empty.vocab.json")["entries"].as_array().unwrap().len(), 0);
    shelf.run(&["show", "out", "empty.pdf"]).exits(0);
    let consolidated = shelf.run(&["consolidate", "out"]).exits(0);
    assert!(consolidated.stderr().contains("0 of 1 document:"), "{}", consolidated.stderr());
}
