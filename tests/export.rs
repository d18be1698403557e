//! Tables of terms, and the commands of single steps.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Run, Shelf, command};

fn shelf() -> Shelf {
    let shelf = Shelf::of(6);
    shelf.batch(&[]).exits(0);
    shelf
}

#[test]
fn every_format_has_the_same_terms_in_the_order_of_the_master() {
    let shelf = shelf();
    shelf.run(&["consolidate", "out"]).exits(0);
    let master: Value = serde_json::from_slice(&std::fs::read(shelf.out().join("master.vocab.json")).unwrap()).unwrap();
    let master = master["entries"].as_array().unwrap();
    let lines = shelf.run(&["export", "out", "--format", "jsonl"]).exits(0).says("of the master").stdout();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&lines, master);

    let table = shelf.run(&["export", "out", "--format", "csv"]).exits(0).stdout();
    let mut table = csv::Reader::from_reader(table.as_bytes());
    let at = |name: &str, headers: &csv::StringRecord| headers.iter().position(|h| h == name).unwrap();
    let (text, sources) = (at("text", table.headers().unwrap()), at("sources", table.headers().unwrap()));
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), master.len());
    for (row, entry) in rows.iter().zip(master) {
        assert_eq!(&row[text], entry["text"].as_str().unwrap());
        let paths: Vec<&str> = entry["sources"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        assert_eq!(&row[sources], paths.join("; "));
    }

    shelf.run(&["export", "out", "--format", "sqlite", "-o", "terms.sqlite"]).exits(0);
    let db = rusqlite::Connection::open(shelf.path().join("terms.sqlite")).unwrap();
    let count = |sql: &str| db.query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap() as usize;
    assert_eq!(count("SELECT count(*) FROM terms"), master.len());
    let links: usize = master.iter().map(|e| e["sources"].as_array().unwrap().len()).sum();
    assert_eq!(count("SELECT count(*) FROM term_sources"), links);
    assert_eq!(count("SELECT count(*) FROM term_axes") + count("SELECT count(*) FROM term_tags"), 0);
    assert_eq!(std::fs::read_dir(shelf.path()).unwrap().count(), 3, "nothing half-made is left");
}

#[test]
fn a_condition_chooses_terms_and_a_wrong_one_is_explained() {
    let shelf = shelf();
    shelf.run(&["consolidate", "out"]).exits(0);
    let of = |condition: &str| shelf.run(&["export", "out", "--format", "jsonl", "--where", condition]);
    let all = shelf.run(&["export", "out", "--format", "jsonl"]).exits(0).stdout().lines().count();
    let some = of("document_count > 1 AND canonical LIKE '%wyrm%'").exits(0).stdout();
    assert!(!some.is_empty() && some.lines().count() < all);
    for line in some.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert!(entry["document_count"].as_u64().unwrap() > 1 && entry["canonical"].as_str().unwrap().contains("wyrm"));
    }
    assert_eq!(of("category = 'creature'").exits(0).stdout(), "", "null is not true");
    let table = shelf.run(&["export", "out", "--format", "csv", "--where", "0"]).exits(0).stdout();
    assert!(table.starts_with("rank,id,text,") && table.lines().count() == 1);
    for (condition, words) in [
        ("catgory = 'spell'", "no such column: catgory"),
        ("category =", "syntax error"),
        ("1) OR (1", "is not a condition"),
        ("1); DROP TABLE terms; --", "is not a condition"),
        ("", "is not a condition"),
    ] {
        of(condition).exits(64).says(words).says("columns are rank, id, text");
    }
}

#[test]
fn without_a_master_the_documents_are_exported() {
    let shelf = shelf();
    let lines =
        shelf.run(&["export", "out", "--format", "jsonl"]).exits(0).says("6 vocabulary files, because").stdout();
    let terms: usize =
        shelf.vocabularies().keys().map(|n| shelf.vocabulary(n)["entries"].as_array().unwrap().len()).sum();
    assert_eq!(lines.lines().count(), terms);
    let empty = Shelf::empty();
    empty.run(&["export", "books", "--format", "csv"]).exits(66).says("neither a master nor vocabulary files");
    shelf.run(&["export", "out", "--format", "sqlite"]).exits(64).says("give a file with --output");
    shelf.run(&["export", "out", "--format", "csv", "-o", "no/such/folder.csv"]).exits(64);
    std::fs::write(shelf.out().join("master.vocab.json"), "{\"entries\": [{]").unwrap();
    shelf.run(&["export", "out", "--format", "csv"]).exits(64).says("'corpora consolidate out' makes it anew");
    if cfg!(not(feature = "parquet")) {
        shelf.run(&["export", "out", "--format", "parquet", "-o", "x"]).exits(64).says("--features parquet");
    }
}

fn piped(shelf: &Shelf, args: &[&str], input: &[u8]) -> Run {
    let mut child = command(shelf.path(), args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses its input need not read it to its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    Run(child.wait_with_output().unwrap())
}

#[test]
fn step_by_step_a_document_gives_the_bytes_that_a_run_gives() {
    let shelf = shelf();
    for pipeline in ["vocabulary", "glossary"] {
        shelf.batch(&["--pipeline", pipeline]).exits(0);
        let expected = std::fs::read_to_string(shelf.out().join("doc-000001.vocab.json")).unwrap();
        let book = "books/doc-000001.epub";
        let at_once = shelf.run(&["output", book, "--pipeline", pipeline]).exits(0).stdout();
        assert_eq!(at_once, expected);
        let parsed = shelf.run(&["parse", book, "--format", "json"]).exits(0).stdout();
        let extracted = piped(&shelf, &["extract", "-", "--pipeline", pipeline], parsed.as_bytes()).exits(0).stdout();
        assert!(serde_json::from_str::<Value>(&extracted).unwrap()["items"].as_array().is_some());
        assert_eq!(piped(&shelf, &["output", "-"], extracted.as_bytes()).exits(0).stdout(), expected);
        assert_eq!(shelf.run(&["extract", book, "--pipeline", pipeline]).exits(0).stdout(), extracted);
    }
}

#[test]
fn single_steps_explain_what_they_cannot_use() {
    let shelf = shelf();
    let parsed = shelf.run(&["parse", "books/doc-000001.epub", "--format", "json"]).exits(0).stdout();
    let mut shorter: Value = serde_json::from_str(&parsed).unwrap();
    shorter["text"] = "Tale".into();
    for (input, words) in [
        ("{\"text\": 1}", "neither a document nor"),
        ("{", "neither a document nor"),
        ("", "-: "),
        (&shorter.to_string(), "its text has no place"),
    ] {
        let run = piped(&shelf, &["extract", "-"], input.as_bytes());
        assert!(matches!(run.0.status.code(), Some(64 | 65)), "{input}");
        run.says(words);
    }
    let extracted = shelf.run(&["extract", "books/doc-000001.epub"]).exits(0).stdout();
    piped(&shelf, &["extract", "-"], extracted.as_bytes()).exits(64).says("extracted already");
    shelf.run(&["output", "missing.pdf"]).exits(64).says("missing.pdf: it cannot be read");
    let remote = include_str!("../pipelines/glossary.toml").replace("name = \"local\"", "name = \"anthropic\"");
    std::fs::write(shelf.path().join("remote.toml"), remote).unwrap();
    shelf.run(&["extract", "books/doc-000001.epub", "--pipeline", "./remote.toml"]).exits(64).says("corpora batch");
}
