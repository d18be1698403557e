//! Many machines: whatever way a corpus is cut, and however its shards come together, the outcome is that of one run.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use corpora::simulator::SimulatorConfig;
use serde_json::Value;

use crate::support::rehearsal::Rehearsal;
use crate::support::{Run, Shelf, command, documents, edits_by_hand};

/// A shelf with duplicates, a damaged file and one that is no document, and the outputs of one run over it.
fn shelf() -> Shelf {
    let shelf = Shelf::of(14);
    let (_, bytes) = documents::nth(3);
    shelf.put("again/copy.epub", &bytes);
    shelf.put("damaged.pdf", b"%PDF-1.7\nno more of it");
    shelf.put("notes.xyz", b"no document");
    shelf.run(&["batch", "books", "-o", "whole"]).exits(75);
    shelf
}

fn shard(shelf: &Shelf, index: usize, of: usize, out: &str, more: &[&str]) -> Run {
    let part = format!("{index}/{of}");
    shelf.run(&[&["batch", "books", "-o", out, "--shard", &part, "--until", "chunk"], more].concat())
}

/// Cuts the shelf; the folders of the shards.
fn cut(shelf: &Shelf, of: usize) -> Vec<String> {
    (0..of)
        .map(|index| {
            let out = format!("shard-{of}-{index}");
            shard(shelf, index, of, &out, &[]).exits(0);
            out
        })
        .collect()
}

fn merge(shelf: &Shelf, out: &str, shards: &[String], more: &[&str]) -> Run {
    let shards: Vec<&str> = shards.iter().map(String::as_str).collect();
    shelf.run(&[&["merge", out][..], &shards, more].concat())
}

fn counts(run: &Run) -> Value {
    serde_json::from_str(&run.stdout()).unwrap()
}

/// The ordinary command after a merge: it parses and hashes nothing, and what it writes is what one run wrote.
#[track_caller]
fn goes_on_as_one_run(shelf: &Shelf, out: &str) {
    let run = shelf.run(&["batch", "books", "-o", out, "--progress", "json"]).exits(75);
    assert_eq!((run.done("parse"), run.done("chunk")), (0, 0));
    let hashed = run.events().iter().filter_map(|event| event["bytes_hashed"].as_u64()).max();
    assert_eq!(hashed, Some(0), "an unchanged file is not read again");
    assert_eq!(shelf.vocabularies_in(out), shelf.vocabularies_in("whole"));
    let log = std::fs::read_to_string(shelf.path().join(out).join("corpora-errors.log")).unwrap();
    assert!(log.contains("damaged.pdf"), "{log}");
}

#[test]
fn however_a_corpus_is_cut_and_in_whatever_order_it_is_merged_the_outputs_are_those_of_one_run() {
    let shelf = shelf();
    for of in [1, 4, 16] {
        let mut shards = cut(&shelf, of);
        shards.reverse();
        let out = format!("merged-{of}");
        let merged = counts(&merge(&shelf, &out, &shards, &["--json"]).exits(0));
        assert_eq!((merged["documents"].as_u64(), merged["files"].as_u64()), (Some(15), Some(17)), "{merged}");
        goes_on_as_one_run(&shelf, &out);
    }
}

#[test]
fn a_merge_twice_and_one_of_overlapping_attempts_change_nothing() {
    let shelf = shelf();
    let shards = cut(&shelf, 4);
    shard(&shelf, 2, 4, "second-attempt", &[]).exits(0);
    let all: Vec<String> = shards.iter().cloned().chain(["second-attempt".to_owned()]).collect();
    merge(&shelf, "out", &all, &[]).exits(0);
    let again = counts(&merge(&shelf, "out", &all, &["--json"]).exits(0));
    for what in ["documents", "files", "results", "conflicts", "failed"] {
        assert_eq!(again[what], 0, "{what}: {again}");
    }
    goes_on_as_one_run(&shelf, "out");
    // After the main run as well.
    assert_eq!(counts(&merge(&shelf, "out", &shards, &["--json"]).exits(0))["results"], 0);
    goes_on_as_one_run(&shelf, "out");
}

#[test]
fn shards_that_are_missing_or_were_interrupted_are_named_and_nothing_is_changed_without_partial() {
    let shelf = shelf();
    let shards = cut(&shelf, 4);
    let run = merge(&shelf, "out", &shards[..2], &["--json"]).exits(69).says("2, 3; nothing was changed");
    assert_eq!(counts(&run)["missing"], serde_json::json!([2, 3]));
    assert!(!shelf.out().exists());
    merge(&shelf, "out", &shards[..2], &["--partial"]).exits(0).says("merge again");
    merge(&shelf, "out", &shards, &[]).exits(0);
    goes_on_as_one_run(&shelf, "out");
}

#[test]
fn a_merge_that_is_killed_at_any_moment_is_done_again_to_the_same_end() {
    let shelf = shelf();
    let shards = cut(&shelf, 4);
    let line: Vec<&str> = ["merge", "out"].into_iter().chain(shards.iter().map(String::as_str)).collect();
    for moment in 0..20 {
        let mut child = command(shelf.path(), &line).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment * 3));
        let _ = child.kill();
        child.wait().unwrap();
    }
    merge(&shelf, "out", &shards, &[]).exits(0);
    goes_on_as_one_run(&shelf, "out");
}

/// Edits the store of a shard; its seal stays.
fn edit(shelf: &Shelf, shard: &str, sql: &str) {
    let db = rusqlite::Connection::open(shelf.path().join(shard).join(".corpora/store.sqlite")).unwrap();
    edits_by_hand(&db);
    db.execute_batch(sql).unwrap();
}

#[test]
fn of_two_different_results_the_better_one_counts_in_either_order_and_it_is_said() {
    let shelf = shelf();
    let mut shards = cut(&shelf, 2);
    for n in [0, 1] {
        let of_parse = "fp IN (SELECT id FROM fp WHERE stage = 'parse')";
        let worse = format!("worse-{n}");
        shard(&shelf, n, 2, &worse, &[]).exits(0);
        // As from a machine without a recogniser: partial, with another text, and what follows from that.
        edit(
            &shelf,
            &worse,
            &format!(
                "UPDATE done SET kind = 'NeedsOcr' WHERE state = 1 AND {of_parse};
                 UPDATE art SET z = (SELECT z FROM art ORDER BY id LIMIT 1), sum = NULL"
            ),
        );
        shards.push(worse);
    }
    for (out, shards) in [("one", shards.clone()), ("two", shards.into_iter().rev().collect())] {
        let run = merge(&shelf, out, &shards, &["--json"]).exits(0).says("the better one counts");
        assert!(counts(&run)["conflicts"].as_u64().unwrap() >= 14, "{}", run.stdout());
        goes_on_as_one_run(&shelf, out);
    }
}

#[test]
fn results_that_were_spoilt_on_the_way_are_made_again() {
    let shelf = shelf();
    let shards = cut(&shelf, 2);
    edit(&shelf, &shards[1], "UPDATE art SET z = zeroblob(40) WHERE id = (SELECT max(id) FROM art)");
    let run = merge(&shelf, "out", &shards, &["--json"]).exits(0).says("damaged in a shard");
    assert_eq!(counts(&run)["spoilt"], 1);
    shelf.run(&["batch", "books", "-o", "out"]).exits(75);
    assert_eq!(shelf.vocabularies_in("out"), shelf.vocabularies_in("whole"));
}

#[test]
fn a_shard_that_was_killed_goes_on_elsewhere_from_its_pack_and_a_copy_without_its_log_is_refused() {
    let shelf = shelf();
    shard(&shelf, 0, 1, "begun", &["--limit", "3"]).exits(0);
    // As if it had been killed: its seal is gone.
    edit(&shelf, "begun", "DELETE FROM meta WHERE key = 'sealed'");
    merge(&shelf, "out", &["begun".to_owned()], &["--partial"]).exits(64).says("store.sqlite-wal");
    shelf.run(&["pack", "begun", "-o", "begun.pack"]).exits(0);
    merge(&shelf, "early", &["begun.pack".to_owned()], &[]).exits(69);
    let run = shard(&shelf, 0, 1, "elsewhere", &["--from-pack", "begun.pack", "--progress", "json"]).exits(0);
    assert_eq!(run.done("parse"), 14 - 2, "what stands in the pack is not done again");
    shard(&shelf, 0, 1, "elsewhere", &["--from-pack", "begun.pack"]).exits(0).says("has a store already");
    merge(&shelf, "out", &["elsewhere".to_owned(), "begun.pack".to_owned()], &[]).exits(0);
    goes_on_as_one_run(&shelf, "out");
}

#[test]
fn a_list_is_made_once_and_gives_each_shard_as_many_bytes() {
    let shelf = shelf();
    shelf.run(&["list", "books", "-o", "list", "--shards", "3"]).exits(0).says("in 3 shards");
    let shards: Vec<String> = (0..3).map(|n| format!("s{n}")).collect();
    for (n, out) in shards.iter().enumerate() {
        shard(&shelf, n, 3, out, &["--files", "list"]).exits(0);
    }
    merge(&shelf, "out", &shards, &[]).exits(0);
    goes_on_as_one_run(&shelf, "out");
    // Shards of another list, or of none, are of another cut.
    shard(&shelf, 1, 3, "unlisted", &[]).exits(0);
    let mixed = [shards[0].clone(), "unlisted".to_owned(), shards[2].clone()];
    merge(&shelf, "mixed", &mixed, &[]).exits(64).says("made with one list or none");
    // A list that no longer fits the folder.
    shelf.put("doc-000000.pdf", &documents::nth(40).1);
    std::fs::remove_file(shelf.books().join("again/copy.epub")).unwrap();
    let run = shelf.run(&["batch", "books", "-o", "late", "--files", "list"]).exits(75);
    assert!(run.stderr().contains("not as it says") && run.stderr().contains("corpora list"), "{}", run.stderr());
}

#[test]
fn what_does_not_belong_together_is_refused_with_the_next_step() {
    let shelf = shelf();
    let shards = cut(&shelf, 2);
    let whole = || "whole".to_owned();
    merge(&shelf, "out", &[shards[0].clone(), whole()], &[]).exits(64).says("is no shard");
    merge(&shelf, "out", &["nowhere".to_owned()], &[]).exits(64).says("there is no corpora store");
    shard(&shelf, 0, 3, "of-three", &[]).exits(0);
    merge(&shelf, "out", &[shards[0].clone(), "of-three".to_owned()], &[]).exits(64).says("shards of one cut");
    shard(&shelf, 1, 2, "other-settings", &["--pipeline", "glossary", "--ocr", "off"]).exits(0);
    let others = [shards[0].clone(), "other-settings".to_owned()];
    merge(&shelf, "out", &others, &[]).exits(64).says("other settings for parse");
    merge(&shelf, &shards[0], &shards[1..], &["--partial"]).exits(64).says("merge into another one");
    merge(&shelf, "out", &shards, &[]).exits(0);
    merge(&shelf, "out", &["of-three".to_owned()], &["--partial"]).exits(64).says("another cut");
    std::fs::write(shelf.path().join("short.pack"), b"SQLite format 3\0 and no more").unwrap();
    merge(&shelf, "out", &["short.pack".to_owned()], &["--partial"]).exits(64).says("cut short");
    shelf.run(&["pack", &shards[1], "-o", "long.pack"]).exits(0);
    let pack = std::fs::read(shelf.path().join("long.pack")).unwrap();
    std::fs::write(shelf.path().join("short.pack"), &pack[..pack.len() - 5_000]).unwrap();
    merge(&shelf, "out", &["short.pack".to_owned()], &["--partial"]).exits(64).says("cut short");
    // A folder is one shard's for good.
    shard(&shelf, 1, 2, &shards[0], &[]).exits(64).says("a folder of its own");
    shelf.run(&["batch", "books", "-o", &shards[0]]).exits(64).says("corpora merge");
    shard(&shelf, 1, 2, "whole", &[]).exits(64).says("a run that is no shard");
    shelf.run(&["batch", "books", "-o", "x", "--shard", "2/2"]).exits(2).says("1/2");
    shelf
        .run(&["batch", "books/damaged.pdf", "-o", "x", "--shard", "0/2", "--until", "chunk"])
        .exits(64)
        .says("one input folder");
    shelf
        .run(&[
            "batch",
            "books",
            "-o",
            "x",
            "--shard",
            "0/2",
            "--provider",
            "openai",
            "--model",
            "m",
            "--base-url",
            "http://127.0.0.1:9/v1",
        ])
        .exits(64)
        .says("--until chunk");
}

#[test]
fn a_settled_run_ends_with_0_where_a_scheduler_asks_for_it() {
    let shelf = shelf();
    shelf.run(&["batch", "books", "-o", "out"]).exits(75);
    shelf.run(&["batch", "books", "-o", "out", "--settled-ok"]).exits(0);
    shelf.run(&["batch", "books", "-o", "fresh", "--settled-ok"]).exits(0);
}

#[test]
fn a_shard_ends_when_its_parent_has_gone_and_leaves_a_store_that_goes_on() {
    let shelf = Shelf::of(400);
    let line = ["batch", "books", "-o", "shard", "--shard", "0/1", "--until", "chunk", "--progress", "json"];
    let mut child = command(shelf.path(), &line).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut parent = child.stdin.take().unwrap();
    parent.write_all(b"a word").unwrap();
    let begun = Instant::now();
    while !shelf.path().join("shard/.corpora/store.sqlite").exists() && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(parent);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let run = shard(&shelf, 0, 1, "shard", &["--progress", "json"]).exits(0);
    assert!(run.done("parse") <= 400);
    merge(&shelf, "out", &["shard".to_owned()], &[]).exits(0);
    shelf.run(&["batch", "books", "-o", "whole"]).exits(0);
    shelf.run(&["batch", "books", "-o", "out"]).exits(0);
    assert_eq!(shelf.vocabularies_in("out"), shelf.vocabularies_in("whole"));
}

#[test]
fn a_provider_is_asked_the_same_after_a_merge_as_by_one_run() {
    let rehearsal = Rehearsal::of(9, SimulatorConfig::default());
    rehearsal.run("whole", &[]).exits(0);
    let asked = |rehearsal: &Rehearsal| {
        let mut paid: Vec<_> = rehearsal.simulator.paid().iter().map(|ask| (ask.about.clone(), ask.usage)).collect();
        paid.sort_by(|a, b| a.0.cmp(&b.0));
        paid
    };
    let by_one_run = asked(&rehearsal);
    let again = Rehearsal::of(9, SimulatorConfig::default());
    let shards: Vec<String> = (0..3).rev().map(|n| format!("s{n}")).collect();
    for (n, out) in (0..3).rev().zip(&shards) {
        again.run(out, &["--shard", &format!("{n}/3"), "--until", "chunk"]).exits(0);
    }
    assert_eq!(again.requests(), 0);
    merge(&again.shelf, "out", &shards, &[]).exits(0);
    again.run("out", &[]).exits(0);
    assert_eq!(asked(&again), by_one_run);
    assert_eq!(again.shelf.vocabularies_in("out"), rehearsal.shelf.vocabularies_in("whole"));
    // Answers stay where they were paid for.
    edit(
        &again.shelf,
        "s0",
        "INSERT INTO lost (fp, doc, model, message, input, output, at_ms) VALUES (1, 1, 'm', '', 1, 1, 1)",
    );
    merge(&again.shelf, "other", &shards, &[]).exits(64).says("holds answers of a provider");
}
