//! Trouble of the machine is the machine's: folders that may not be written, a program that aborts; and all who count, count alike.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;

use serde_json::Value;

use crate::support::needs::needs;
use crate::support::{Run, Shelf, command, documents};

/// A user that may do nothing that permissions do not say: root becomes nobody.
const NOBODY: u32 = 65_534;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Lets everybody read, and who `writes` write, whatever stands in a folder.
fn open_to_all(path: &Path, writes: bool) {
    let may = if writes { 0o222 } else { 0 };
    if !path.is_dir() {
        return mode(path, 0o444 | may);
    }
    mode(path, 0o755);
    for entry in std::fs::read_dir(path).unwrap() {
        open_to_all(&entry.unwrap().path(), writes);
    }
    mode(path, 0o555 | may);
}

/// Runs the program as somebody who is not root.
fn as_nobody(shelf: &Shelf, args: &[&str]) -> Run {
    let mut command = command(shelf.path(), args);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    Run(command.output().unwrap())
}

/// Whether somebody who is not root can run the program at all.
fn has_somebody_else(shelf: &Shelf) -> bool {
    mode(shelf.path(), 0o755);
    let mut command = command(shelf.path(), &["--version"]);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    needs(command.output().is_ok_and(|o| o.status.success()), "a program that every user may start")
}

#[test]
fn reading_commands_work_where_nothing_may_be_written() {
    let shelf = Shelf::of(2);
    if !has_somebody_else(&shelf) {
        return;
    }
    shelf.batch(&[]).exits(0);
    let commands: [&[&str]; 7] = [
        &["status", "out"],
        &["status", "out", "--json"],
        &["show", "out", "doc-000001.epub"],
        &["cost", "out"],
        &["audit", "out"],
        &["export", "out", "--format", "csv"],
        &["verify", "out", "--inputs", "books"],
    ];
    // Between two looks time passes.
    let timeless = |told: String| {
        let lines = told.split(',').map(|part| part.trim_start().to_owned());
        lines.filter(|part| !part.contains("last_commit_ms_ago") && !part.contains(" ago")).collect::<Vec<_>>()
    };
    let wanted: Vec<_> = commands.iter().map(|args| timeless(shelf.run(args).exits(0).stdout())).collect();
    open_to_all(&shelf.out(), false);
    let names = || {
        let entries = std::fs::read_dir(shelf.out().join(".corpora")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = names();
    for (args, wanted) in commands.iter().zip(wanted) {
        assert_eq!(timeless(as_nobody(&shelf, args).exits(0).stdout()), wanted, "{args:?}");
    }
    assert_eq!(names(), before, "nothing is written");
    open_to_all(&shelf.out(), true);
    // A log that a killed run left is told of, where it cannot be taken up.
    let open = shelf.sql();
    open.execute("INSERT INTO meta (key, value) VALUES ('mark', 1)", []).unwrap();
    let log = std::fs::read(shelf.out().join(".corpora/store.sqlite-wal")).unwrap();
    drop(open);
    std::fs::write(shelf.out().join(".corpora/store.sqlite-wal"), log).unwrap();
    open_to_all(&shelf.out(), false);
    as_nobody(&shelf, &["status", "out"]).exits(64).says("was not closed in order").says("copy the output folder");
    open_to_all(&shelf.out(), true);
    shelf.run(&["status", "out"]).exits(0);
}

#[test]
fn an_output_that_may_not_be_written_stops_the_run_and_its_document_waits() {
    let shelf = Shelf::of(2);
    if !has_somebody_else(&shelf) {
        return;
    }
    std::fs::create_dir(shelf.out()).unwrap();
    mode(&shelf.out(), 0o777);
    let batch = ["batch", "books", "-o", "out", "--progress", "json"];
    as_nobody(&shelf, &[&batch[..], &["--until", "extract"]].concat()).exits(0);
    std::fs::create_dir(shelf.out().join("deep")).unwrap();
    mode(&shelf.out().join("deep"), 0o555);
    let run = as_nobody(&shelf, &batch).exits(75);
    assert!(run.stderr().contains("out/deep/doc-000000.vocab.json': Permission denied"), "{}", run.stderr());
    assert!(run.stderr().contains("run the same command again"), "{}", run.stderr());
    let status: Value =
        serde_json::from_str(&as_nobody(&shelf, &["status", "out", "--json"]).exits(0).stdout()).unwrap();
    assert_eq!(status["failed_files"], 0, "{status}");
    mode(&shelf.out().join("deep"), 0o777);
    as_nobody(&shelf, &batch).exits(0);
    assert_eq!(shelf.vocabularies().len(), 2);
    open_to_all(&shelf.out(), true);
}

#[test]
fn all_who_count_count_alike() {
    let shelf = Shelf::of(3);
    shelf.put("fake.pdf", b"<html>not found</html>");
    shelf.put("empty.pdf", &documents::pdf(&[&[]]));
    let run = shelf.batch(&["--progress", "json"]).exits(75);
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(shelf.out().join(".corpora-manifest.json")).unwrap()).unwrap();
    let rows = manifest["documents"].as_array().unwrap();
    let in_state = |state: &str| rows.iter().filter(|row| row["state"] == state).count();
    let status: Value = serde_json::from_str(&shelf.run(&["status", "out", "--json"]).exits(0).stdout()).unwrap();
    let summary = run.summary();
    assert_eq!(summary["documents"], rows.len(), "{manifest}");
    assert_eq!(summary["failed"], in_state("failed"), "{manifest}");
    assert_eq!(summary["succeeded"], in_state("done"));
    assert_eq!(summary["failed"], status["failed_files"]);
    assert_eq!(summary["documents"], status["files"], "{status}");
    let refused = rows.iter().find(|row| row["path"] == "fake.pdf").unwrap();
    assert_eq!((&refused["failure"]["stage"], &refused["sha256"]), (&"discover".into(), &Value::Null), "{refused}");
    let paths: Vec<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert!(paths.is_sorted(), "{paths:?}");
}

#[test]
fn a_document_that_ends_the_program_twice_is_set_aside_and_the_others_are_done() {
    let shelf = Shelf::of(6);
    let guilty = "doc-000001.epub";
    let abort = ["--crash-at", guilty, "--progress", "json", "-w", "4"];
    for time in 1..=2 {
        let run = shelf.batch(&abort);
        assert_eq!(run.0.status.signal(), Some(6), "time {time}: {}", run.stderr());
    }
    assert_eq!(shelf.count("SELECT max(aborts) FROM doc"), 1, "the second is counted by the run after it");
    let run = shelf.batch(&abort).exits(75);
    assert_eq!((&run.summary()["failed"], &run.summary()["succeeded"]), (&1.into(), &5.into()));
    assert!(run.stderr().contains("ended by itself 2 times while it worked on this document"), "{}", run.stderr());
    let status = shelf.run(&["status", "out", "--failed"]).exits(0).stdout();
    assert!(status.contains(guilty) && status.lines().count() == 1, "{status}");
    assert_eq!(shelf.count("SELECT count(*) FROM doc WHERE aborts > 0"), 1, "who was beside it is cleared");
    shelf.batch(&["--retry-failed"]).exits(0);
    assert_eq!((shelf.vocabularies().len(), shelf.count("SELECT max(aborts) FROM doc")), (6, 0));
}
