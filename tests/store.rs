//! The store as its users see it.

use crate::support::Shelf;

#[test]
fn people_can_query_it_with_plain_sql() {
    let shelf = Shelf::of(3);
    shelf.put("empty.pdf", b"");
    shelf.batch(&[]).exits(75);
    assert_eq!(shelf.count("SELECT count(*) FROM stages WHERE stage = 'extract' AND state = 'done'"), 3);
    assert_eq!(shelf.count("SELECT count(*) FROM files WHERE state = 'present' AND output LIKE '%.vocab.json'"), 4);
    assert_eq!(shelf.count("SELECT count(*) FROM failures WHERE path = 'empty.pdf' AND kind = 'Empty'"), 1);
    assert_eq!(shelf.count("SELECT count(*) FROM answers"), 0);
}

#[test]
fn the_documented_tables_are_the_ones_there_are() {
    let shelf = Shelf::of(1);
    shelf.batch(&[]).exits(0);
    let document = include_str!("../docs/store.md");
    let db = shelf.sql();
    let mut names = db.prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')").unwrap();
    let names: Vec<String> = names.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(names.len() > 10);
    for name in names.iter().filter(|n| !n.starts_with("sqlite_")) {
        assert!(document.contains(&format!("`{name}`")), "docs/store.md does not tell of {name}");
    }
}

#[test]
fn a_store_of_version_1_is_read_by_this_program() {
    // Written by the first release; never made anew, so that old stores keep working.
    let shelf = Shelf::of(2);
    let folder = shelf.out().join(".corpora");
    std::fs::create_dir_all(&folder).unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/store-v1.sqlite.zst");
    let bytes = zstd::decode_all(std::fs::File::open(golden).unwrap()).unwrap();
    std::fs::write(folder.join("store.sqlite"), bytes).unwrap();
    let status = shelf.run(&["status", "out", "--json"]).exits(0).stdout();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["documents"], 2);
    assert_eq!(status["stages"][0]["done"], 2);
    assert!(shelf.run(&["cost", "out"]).exits(0).stdout().contains("$0.00"), "an older store has an empty bill");
    shelf.batch(&[]).exits(0);
    assert_eq!(shelf.vocabularies().len(), 2);
}

#[test]
fn a_store_of_version_2_is_read_by_this_program() {
    // A glossary of the same two documents, asked of the simulator; never made anew.
    let shelf = Shelf::of(2);
    let folder = shelf.out().join(".corpora");
    std::fs::create_dir_all(&folder).unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/store-v2.sqlite.zst");
    let bytes = zstd::decode_all(std::fs::File::open(golden).unwrap()).unwrap();
    std::fs::write(folder.join("store.sqlite"), bytes).unwrap();
    let status: serde_json::Value =
        serde_json::from_str(&shelf.run(&["status", "out", "--json"]).exits(0).stdout()).unwrap();
    assert_eq!((&status["documents"], &status["answers"]), (&serde_json::json!(2), &serde_json::json!(2)));
    let cost: serde_json::Value =
        serde_json::from_str(&shelf.run(&["cost", "out", "--format", "json"]).exits(0).stdout()).unwrap();
    assert_eq!(cost["total"]["answers"], 2);
    assert_eq!(cost["rows"][0]["model"], "claude-haiku-5-5");
    assert!(cost["total"]["dollars"].as_f64().unwrap() > 0.0);
    // The address that was asked is gone. The parser of today reads the PDF's lines otherwise than that of the store's time; the
    // passage of the EPUB comes out the same, and its answer is taken from the store.
    let same = [
        "--pipeline",
        "glossary",
        "--provider",
        "anthropic",
        "--model",
        "claude-haiku-5-5",
        "--base-url",
        "http://127.0.0.1:8188",
    ];
    shelf.batch(&same).exits(75).says("succeeded   1").says("waiting     1");
    assert_eq!(shelf.vocabularies().len(), 1);
}

#[test]
fn garbage_is_what_the_current_settings_do_not_use() {
    let shelf = Shelf::of(3);
    shelf.batch(&["--pipeline", "glossary"]).exits(0);
    shelf.batch(&[]).exits(0);
    let preview = shelf.run(&["gc", "out", "--dry-run"]).exits(0).stdout();
    assert!(preview.contains("would remove"), "{preview}");
    let before = shelf.count("SELECT count(*) FROM art");
    shelf.run(&["gc", "out"]).exits(0);
    assert!(shelf.count("SELECT count(*) FROM art") < before);
    shelf.batch(&[]).exits(0).says("skipped     3");
    assert_eq!(shelf.count("SELECT count(*) FROM done WHERE state = 1"), 9);
}

#[test]
fn show_tells_a_documents_way_and_finds_it_by_the_end_of_its_path() {
    let shelf = Shelf::of(4);
    shelf.batch(&[]).exits(0);
    let text = shelf.run(&["show", "out", "doc-000003.epub"]).exits(0).stdout();
    for words in ["deep/doc-000003.epub", "parse     done", "chunk     done", "extract   done", "write     done"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    shelf.run(&["show", "out", "nothing.pdf"]).exits(64).says("no document of 'out' is called 'nothing.pdf'");
}

#[test]
fn status_counts_add_up_before_during_and_after() {
    let shelf = Shelf::of(5);
    shelf.put("empty.pdf", b"");
    for until in ["parse", "extract", "write"] {
        shelf.batch(&["--until", until]).exits(75);
        let status = shelf.run(&["status", "out", "--json"]).exits(0).stdout();
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let number = |value: &serde_json::Value| value.as_u64().unwrap();
        let write = &status["stages"][3];
        assert_eq!(number(&status["files"]), 6);
        assert_eq!(
            number(&write["done"]) + number(&write["waiting"]) + number(&status["failed_files"]),
            6,
            "after {until}: {status}"
        );
        assert_eq!(status["failures"].as_array().unwrap().len(), 1);
    }
}
