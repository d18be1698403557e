//! A reader that leaves early, as `head` does, is no error: every command that prints ends quietly.

use std::process::Stdio;

use crate::support::{Run, Shelf, command, commands, documents};

/// What every command that prints to standard output is tried with.
const PRINTING: [&[&str]; 38] = [
    &["--help"],
    &["--version"],
    &["help", "batch"],
    &["batch", "books", "-o", "out", "--dry-run"],
    &["batch", "books", "-o", "out", "--dry-run", "--json"],
    &["status", "out"],
    &["status", "out", "--json"],
    &["status", "out", "--failed"],
    &["parse", "books/doc-000001.epub"],
    &["parse", "books/doc-000001.epub", "--format", "json"],
    &["extract", "books/doc-000001.epub"],
    &["output", "books/doc-000001.epub"],
    &["export", "out", "--format", "csv"],
    &["export", "out", "--format", "jsonl"],
    &["show", "out", "doc-000001.epub"],
    &["find", "salt lantern", "out"],
    &["find", "salt lantern", "out", "--json"],
    &["diff", "out", "out", "--json"],
    &["gc", "out"],
    &["list", "books"],
    &["pipelines"],
    &["pipelines", "vocabulary"],
    &["batches", "out"],
    &["batches", "out", "--json"],
    &["audit", "out"],
    &["audit", "out", "--json"],
    &["verify", "out"],
    &["verify", "out", "--manifest"],
    &["rescue", "out"],
    &["cost", "out"],
    &["cost", "out", "--format", "csv"],
    &["cost", "out", "--format", "json"],
    &["doctor"],
    &["simulate"],
    &["config"],
    &["config", "--format", "json"],
    &["completions", "bash"],
    &["man"],
];

/// Commands that print to standard error alone, and `bench`, `init`, `merge`, `report`, `rescue`, `verify` and `view`, which have tests of their own.
const OTHERS: [&str; 13] = [
    "merge",
    "pack",
    "rescue",
    "verify",
    "wait",
    "cancel",
    "consolidate",
    "review",
    "report",
    "view",
    "bench",
    "init",
    "help",
];

/// Runs a command whose standard output nobody reads.
fn unread(shelf: &Shelf, args: &[&str]) -> Run {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Run(command(shelf.path(), args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap())
}

#[test]
fn every_command_that_prints_ends_quietly_when_its_reader_has_left() {
    let shelf = Shelf::of(3);
    shelf.put("empty.pdf", b"");
    shelf.batch(&[]).exits(75);
    shelf.run(&["consolidate", "out"]).exits(0);
    for args in PRINTING {
        let run = unread(&shelf, args);
        assert_eq!(run.0.status.code(), Some(0), "{args:?}: {}", run.stderr());
        // An error of the program stands behind its name.
        let words = run.stderr();
        assert!(
            !words.lines().any(|line| line.starts_with("corpora: ")) && !words.contains("panicked"),
            "{args:?}: {words}"
        );
    }
}

#[test]
fn no_command_is_left_out() {
    let help = Shelf::empty().run(&["--help"]).exits(0).stdout();
    for name in commands::names(&help) {
        assert!(PRINTING.iter().any(|args| args[0] == name) || OTHERS.contains(&&*name), "'{name}' is not tried");
    }
}

#[test]
fn what_is_to_be_done_is_done_though_nobody_reads_of_it() {
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    std::fs::remove_file(shelf.books().join("doc-000001.epub")).unwrap();
    shelf.batch(&[]).exits(0);
    unread(&shelf, &["gc", "out"]).exits(0);
    assert_eq!(shelf.vocabularies().len(), 1, "gc removes the output whose source is gone");
    unread(&shelf, &["bench", "books", "--provider", "local", "--rounds", "1"]).exits(0);
    assert!(shelf.path().join("corpora-bench/bench.json").exists());
}

#[test]
fn a_large_table_stops_where_its_reader_stopped() {
    let shelf = Shelf::empty();
    let pages: Vec<Vec<String>> = (0..60).map(documents::story).collect();
    shelf.put("long.pdf", &documents::pdf(&pages.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    shelf.batch(&[]).exits(0);
    for args in [&["export", "out", "--format", "csv"][..], &["parse", "books/long.pdf", "--format", "json"]] {
        unread(&shelf, args).exits(0);
    }
}
