//! What is redone when something changes: nothing that need not be.

use corpora::simulator::SimulatorConfig;

use crate::support::rehearsal::Rehearsal;
use crate::support::{Shelf, documents};

const JSON: [&str; 2] = ["--progress", "json"];

fn done(shelf: &Shelf, more: &[&str]) -> [usize; 4] {
    let run = shelf.batch(&[&JSON, more].concat()).exits(0);
    ["parse", "chunk", "extract", "write"].map(|stage| run.done(stage))
}

#[test]
fn a_second_run_has_nothing_to_do() {
    let shelf = Shelf::of(6);
    assert_eq!(done(&shelf, &[]), [6, 6, 6, 6]);
    let before = shelf.vocabularies();
    assert_eq!(done(&shelf, &[]), [0, 0, 0, 0]);
    assert_eq!(shelf.vocabularies(), before);
}

#[test]
fn stage_extract_redoes_extract_and_write_and_nothing_before() {
    let shelf = Shelf::of(4);
    done(&shelf, &[]);
    let before = shelf.vocabularies();
    assert_eq!(done(&shelf, &["--stage", "extract"]), [0, 0, 4, 4]);
    assert_eq!(done(&shelf, &["--stage", "extract", "--only"]), [0, 0, 4, 0]);
    assert_eq!(done(&shelf, &[]), [0, 0, 0, 4], "what --only left is written by the next run");
    assert_eq!(shelf.vocabularies(), before);
}

#[test]
fn deleted_outputs_are_rebuilt_from_the_store_by_stage_write() {
    let shelf = Shelf::of(4);
    done(&shelf, &[]);
    let before = shelf.vocabularies();
    for name in before.keys() {
        std::fs::remove_file(shelf.out().join(name)).unwrap();
    }
    assert_eq!(done(&shelf, &["--stage", "write"]), [0, 0, 0, 4]);
    assert_eq!(shelf.vocabularies(), before);
    std::fs::remove_file(shelf.out().join(before.keys().next().unwrap())).unwrap();
    assert_eq!(done(&shelf, &[]), [0, 0, 0, 1], "a plain run notices a deleted output too");
    assert_eq!(shelf.vocabularies(), before);
}

#[test]
fn force_redoes_everything() {
    let shelf = Shelf::of(3);
    done(&shelf, &[]);
    assert_eq!(done(&shelf, &["--force"]), [3, 3, 3, 3]);
}

#[test]
fn a_renamed_file_is_only_written_again() {
    let shelf = Shelf::of(3);
    done(&shelf, &[]);
    std::fs::rename(shelf.books().join("doc-000001.epub"), shelf.books().join("renamed.epub")).unwrap();
    assert_eq!(done(&shelf, &[]), [0, 0, 0, 1]);
    assert_eq!(shelf.vocabulary("renamed.vocab.json")["metadata"]["source_path"], "renamed.epub");
    let gc = shelf.run(&["gc", "out"]).exits(0);
    assert!(gc.stdout().contains("removed doc-000001.vocab.json"), "{}", gc.stdout());
    assert!(!shelf.out().join("doc-000001.vocab.json").exists());
    assert!(shelf.out().join("renamed.vocab.json").exists());
}

#[test]
fn a_changed_file_is_redone_alone() {
    let shelf = Shelf::of(4);
    done(&shelf, &[]);
    shelf.put("doc-000001.epub", &documents::epub("New", &[&documents::story(99)]));
    assert_eq!(done(&shelf, &[]), [1, 1, 1, 1]);
}

#[test]
fn a_touched_file_with_the_same_content_is_hashed_and_left_alone() {
    let shelf = Shelf::of(2);
    done(&shelf, &[]);
    let (name, bytes) = documents::nth(1);
    std::thread::sleep(std::time::Duration::from_millis(20));
    shelf.put(&name, &bytes);
    assert_eq!(done(&shelf, &[]), [0, 0, 0, 0]);
    assert_eq!(done(&shelf, &["--checksum"]), [0, 0, 0, 0]);
}

#[test]
fn a_changed_prompt_redoes_extract_onward_and_changed_chunks_chunk_onward() {
    let shelf = Shelf::of(3);
    let pipeline = shelf.run(&["pipelines", "vocabulary"]).exits(0).stdout();
    let write = |text: &str| std::fs::write(shelf.path().join("mine.toml"), text).unwrap();
    write(&pipeline);
    done(&shelf, &["--pipeline", "mine.toml"]);
    write(&pipeline.replace("You classify terms", "You sort terms"));
    assert_eq!(done(&shelf, &["--pipeline", "mine.toml"]), [0, 0, 3, 3]);
    write(&pipeline.replace("max_tokens = 1500", "max_tokens = 700"));
    assert_eq!(done(&shelf, &["--pipeline", "mine.toml"]), [0, 3, 3, 3]);
    write(&pipeline);
    assert_eq!(done(&shelf, &["--pipeline", "mine.toml"]), [0, 0, 0, 3], "old results are kept until gc");
}

#[test]
fn another_document_makes_no_other_stale() {
    let shelf = Shelf::of(3);
    done(&shelf, &[]);
    shelf.put("another.epub", &documents::epub("Another", &[&documents::story(77)]));
    assert_eq!(done(&shelf, &[]), [1, 1, 1, 1]);
    std::fs::remove_file(shelf.books().join("another.epub")).unwrap();
    assert_eq!(done(&shelf, &[]), [0, 0, 0, 0]);
}

#[test]
fn until_stops_after_a_stage_and_the_next_run_goes_on() {
    let shelf = Shelf::of(3);
    assert_eq!(done(&shelf, &["--until", "parse"]), [3, 0, 0, 0]);
    assert_eq!(done(&shelf, &["--until", "extract"]), [0, 3, 3, 0]);
    assert_eq!(done(&shelf, &[]), [0, 0, 0, 3]);
}

#[test]
fn a_limit_takes_the_first_documents_in_path_order() {
    let shelf = Shelf::of(6);
    assert_eq!(done(&shelf, &["--limit", "2"]), [2, 2, 2, 2]);
    let names: Vec<String> = shelf.vocabularies().into_keys().collect();
    assert_eq!(names, ["deep/doc-000000.vocab.json", "deep/doc-000003.vocab.json"]);
    assert_eq!(done(&shelf, &[]), [4, 4, 4, 4], "nothing that the limited run did not see counts as gone");
}

#[test]
fn a_rerun_of_part_of_the_shelf_leaves_the_rest() {
    let shelf = Shelf::of(6);
    done(&shelf, &[]);
    let run =
        shelf.run(&["batch", "books/*.epub", "books/deep", "-o", "out", "--stage", "extract", "--progress", "json"]);
    assert_eq!(run.exits(0).done("extract"), 4, "two in books, two in books/deep");
}

#[test]
fn a_dry_run_parses_and_chunks_and_writes_nothing() {
    let shelf = Shelf::of(4);
    let run = shelf.batch(&["--dry-run", "--json", "--progress", "none"]).exits(0);
    let plan: serde_json::Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(plan["files"], 4);
    assert_eq!(plan["stages"][2]["stage"], "extract");
    assert_eq!(plan["stages"][2]["todo"], 4);
    assert_eq!(plan["stages"][3]["todo"], 4);
    assert!(plan["extract"]["units"].as_u64().unwrap() >= 4);
    assert!(plan["extract"]["estimated_tokens"].as_u64().unwrap() > 100);
    assert_eq!(plan["extract"]["requests"], 0);
    assert!(shelf.vocabularies().is_empty());
    assert_eq!(done(&shelf, &[]), [0, 0, 4, 4]);
}

#[test]
fn failures_stay_failed_until_they_are_taken_up() {
    let shelf = Shelf::of(2);
    shelf.put("broken.pdf", b"%PDF-1.4 nothing more");
    let run = shelf.batch(&JSON).exits(75);
    assert_eq!(run.summary()["failed"], 1);
    let again = shelf.batch(&JSON).exits(75);
    assert!(!again.events().iter().any(|e| e["event"] == "document_started"), "a failure is not tried at every run");
    let retried = shelf.batch(&["--retry-failed", "--progress", "json"]).exits(75);
    assert_eq!(retried.events().iter().filter(|e| e["event"] == "document_failed").count(), 1);
    let log = std::fs::read_to_string(shelf.out().join("corpora-errors.log")).unwrap();
    assert_eq!(log.lines().count(), 2);
    assert!(log.contains("[broken.pdf] Damaged: ") && log.contains("(attempt 1)"), "{log}");
}

#[test]
fn the_same_text_in_two_documents_is_one_unit() {
    let rehearsal = Rehearsal::of(0, SimulatorConfig::default());
    let shared = vec!["Oath".to_owned(), "The salt lantern is a lamp that burns on grief.".to_owned()];
    rehearsal.shelf.put("one.epub", &documents::epub("One", &[&shared]));
    rehearsal.shelf.put("two.epub", &documents::epub("Two", &[&shared]));
    let count = |sql: &str| rehearsal.count("out", sql);
    rehearsal.run("out", &[]).exits(0);
    assert_eq!(count("SELECT count(*) FROM doc"), 2);
    assert_eq!(count("SELECT count(*) FROM unit"), 1);
    assert_eq!(count("SELECT count(*) FROM answer"), 1);
    rehearsal.run("out", &["--stage", "extract"]).exits(0);
    assert_eq!(count("SELECT count(*) FROM answer"), 2, "asked again once; the old answer is kept until gc");
    assert_eq!(rehearsal.requests(), 2);
    rehearsal.shelf.run(&["gc", "out"]).exits(0);
    assert_eq!(count("SELECT count(*) FROM answer"), 1);
}
