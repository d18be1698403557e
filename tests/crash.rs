//! `kill -9` at random instants, disks that fail and power cuts at every operation: nothing acknowledged is lost or done twice, and
//! the output is the same.

use std::fs::File;
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corpora::simulator::SimulatorConfig;
use corpora::values::RunOutcome;

use crate::support::disk::{Fault, FaultyDisk, MachineDisk, run_on};
use crate::support::rehearsal::Rehearsal;
use crate::support::{Shelf, command, events};

/// Rounds and documents; `CORPORA_CRASH_ROUNDS=50 CORPORA_CRASH_DOCUMENTS=300` is the long form.
fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// Starts a run whose events go to `log`.
fn start(shelf: &Shelf, out: &str, log: &str, more: &[&str]) -> Child {
    let args = [&["batch", "books", "-o", out, "--progress", "json"], more].concat();
    command(shelf.path(), &args).stderr(File::create(shelf.path().join(log)).unwrap()).spawn().unwrap()
}

/// The stages of documents that a run said were done.
fn acknowledged(shelf: &Shelf, log: &str) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(&std::fs::read(shelf.path().join(log)).unwrap()).into_owned();
    events(&text)
        .iter()
        .filter(|e| e["event"] == "document_done")
        .map(|e| (e["stage"].to_string(), e["path"].to_string()))
        .collect()
}

fn outputs(shelf: &Shelf, out: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    fn collect(dir: &Path, root: &Path, found: &mut std::collections::BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') {
                collect(&path, root, found);
            } else if path.is_file() && !name.starts_with('.') {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = std::collections::BTreeMap::new();
    collect(&shelf.path().join(out), &shelf.path().join(out), &mut found);
    found
}

fn kill_at_random_instants(more: &[&str], keeps_stages: bool) {
    let documents = size("CORPORA_CRASH_DOCUMENTS", 60);
    let shelf = Shelf::of(documents);
    let begun = Instant::now();
    assert!(start(&shelf, "whole", "whole.log", more).wait().unwrap().success());
    let whole = begun.elapsed();
    let expected = outputs(&shelf, "whole");
    assert_eq!(expected.len(), documents);

    let (mut killed_midway, mut resumed_stages) = (0, 0);
    let rounds = size("CORPORA_CRASH_ROUNDS", 10);
    // A fixed row of fractions spreads the kills over the whole run; timing makes them differ each time.
    for round in 0..rounds {
        let fraction = ((round as f64 * 0.618_034) + 0.05).fract();
        let out = format!("out-{round}");
        let mut child = start(&shelf, &out, "first.log", more);
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * fraction));
        let _ = child.kill();
        let ended = child.wait().unwrap();
        let first = acknowledged(&shelf, "first.log");
        // A per-document run acknowledges late; that it was killed at all is what counts there.
        if !ended.success() && (!keeps_stages || !first.is_empty()) {
            killed_midway += 1;
        }
        assert!(start(&shelf, &out, "second.log", more).wait().unwrap().success(), "round {round}: the resume fails");
        let second = acknowledged(&shelf, "second.log");
        resumed_stages += second.len();
        let twice: Vec<_> = first.iter().filter(|done| second.contains(done)).collect();
        assert!(twice.is_empty(), "round {round}: done again after it was acknowledged: {twice:?}");
        assert_eq!(outputs(&shelf, &out), expected, "round {round}: other bytes");
        let store = rusqlite::Connection::open(shelf.path().join(&out).join(".corpora/store.sqlite")).unwrap();
        let check: String = store.query_row("PRAGMA integrity_check", [], |r| r.get(0)).unwrap();
        assert_eq!(check, "ok", "round {round}");
        let done: i64 = store.query_row("SELECT count(*) FROM done WHERE state = 1", [], |r| r.get(0)).unwrap();
        assert_eq!(done as usize, 3 * documents, "round {round}: each stage of each document once");
        std::fs::remove_dir_all(shelf.path().join(&out)).unwrap();
    }
    assert!(killed_midway > 0, "no kill came while work was going on: {resumed_stages} stages resumed");
}

#[test]
fn a_staged_run_survives_kills() {
    kill_at_random_instants(&[], true);
}

#[test]
fn a_per_document_run_survives_kills() {
    kill_at_random_instants(&["--mode", "per-document"], false);
}

#[test]
fn an_interrupted_rerun_continues_with_the_same_command() {
    let shelf = Shelf::of(40);
    shelf.batch(&[]).exits(0);
    let rerun = ["--stage", "extract", "-w", "1"];
    let mut child = start(&shelf, "out", "first.log", &rerun);
    let log = shelf.path().join("first.log");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20)
        && !std::fs::read_to_string(&log).unwrap_or_default().contains("\"document_done\"")
    {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let first = acknowledged(&shelf, "first.log").into_iter().filter(|(s, _)| s == "\"extract\"").count();
    assert!(start(&shelf, "out", "second.log", &rerun).wait().unwrap().success());
    let second = acknowledged(&shelf, "second.log").into_iter().filter(|(s, _)| s == "\"extract\"").count();
    assert!(first > 0, "the kill came too early to show anything");
    assert!(first + second <= 40, "{first} and {second}: the rerun began anew");
    assert!(start(&shelf, "out", "third.log", &rerun).wait().unwrap().success());
    let third = acknowledged(&shelf, "third.log").into_iter().filter(|(s, _)| s == "\"extract\"").count();
    assert_eq!(third, 40, "a rerun asked for after one that ended begins anew");
}

#[test]
fn one_interrupt_finishes_what_is_in_flight_and_says_how_to_continue() {
    let shelf = Shelf::of(200);
    let mut child = start(&shelf, "out", "first.log", &["-w", "1"]);
    let log = shelf.path().join("first.log");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20)
        && !std::fs::read_to_string(&log).unwrap_or_default().contains("\"document_started\"")
    {
        std::thread::sleep(Duration::from_millis(1));
    }
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let text = std::fs::read_to_string(&log).unwrap();
    let events = events(&text);
    let count = |name: &str| events.iter().filter(|e| e["event"] == name).count();
    assert_eq!(count("document_started"), count("document_done"), "everything begun was finished");
    let summary = &events.iter().find(|e| e["event"] == "run_finished").unwrap()["summary"];
    assert_eq!(summary["outcome"], "interrupted");
    assert!(summary["waiting"].as_u64().unwrap() > 0);
    shelf.batch(&[]).exits(0);
    assert_eq!(shelf.vocabularies().len(), 200);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

/// Lets the n-th operation of a run fail that writes all files anew, for every n until none fails, and cuts the power then. Each file
/// has to be the old or the new one, whole; an error has to name a file; and the same command has to complete everything.
fn write_anew_on_failing_disks(fault: Fault) {
    let shelf = Shelf::of(3);
    let (old, new) = (r#"{"x": ["nothing"]}"#, r#"{"x": ["salt lantern", "ember wyrm"]}"#);
    let run = |disk, out: &str, list| run_on(disk, shelf.path(), &shelf.path().join(out), list);
    run(Arc::new(MachineDisk), "old", old).unwrap();
    copy(&shelf.path().join("old"), &shelf.path().join("new"));
    run(Arc::new(MachineDisk), "new", new).unwrap();
    let (was, expected) = (outputs(&shelf, "old"), outputs(&shelf, "new"));
    assert!(expected.len() == 3 && was.iter().all(|(name, bytes)| expected[name] != *bytes), "every file changes");
    for n in 0.. {
        let out = format!("out-{n}");
        let folder = shelf.path().join(&out);
        copy(&shelf.path().join("old"), &folder);
        let disk = FaultyDisk::failing(n, fault);
        let said = run(Arc::new(disk.clone()), &out, new);
        disk.cut_power();
        for (name, bytes) in outputs(&shelf, &out) {
            assert!(bytes == was[&name] || bytes == expected[&name], "{fault:?} at {n}: {name} is neither old nor new");
        }
        match said {
            Ok(finished) => assert_eq!(finished.summary.outcome, RunOutcome::Complete, "{fault:?} at {n}"),
            Err(error) => assert!(error.to_string().contains(&format!("'{}", folder.display())), "{n}: {error}"),
        }
        let finished = run(Arc::new(MachineDisk), &out, new).unwrap();
        assert_eq!(finished.summary.outcome, RunOutcome::Complete, "{fault:?} at {n}: {:?}", disk.journal());
        assert_eq!(outputs(&shelf, &out), expected, "{fault:?} at {n}: {:?}", disk.journal());
        std::fs::remove_dir_all(&folder).unwrap();
        if !disk.has_failed() {
            assert!(n > 10, "the run went past the disk: {:?}", disk.journal());
            break;
        }
    }
}

#[test]
fn a_disk_that_fails_once_at_any_operation_loses_nothing() {
    write_anew_on_failing_disks(Fault::Once(std::io::ErrorKind::Other));
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing() {
    write_anew_on_failing_disks(Fault::ForGood(std::io::ErrorKind::Other));
}

#[test]
fn a_response_is_on_the_disk_before_anybody_looks_into_it() {
    let rehearsal = Rehearsal::of(1, SimulatorConfig::default());
    let glossary = ["--pipeline", "glossary"];
    rehearsal.run("out", &[&glossary[..], &["--until", "chunk"]].concat()).exits(0);
    // Whoever stores an answer breaks the run: that is after the response was read.
    let db = rehearsal.shelf.sql();
    db.execute_batch("CREATE INDEX breaks ON answer (json('broken' || id))").unwrap();
    rehearsal.run("out", &glossary).says("malformed JSON");
    let unread = "SELECT count(*) FROM response WHERE state = 0";
    assert_eq!((rehearsal.requests(), rehearsal.count("out", unread)), (1, 1));
    db.execute_batch("DROP INDEX breaks").unwrap();
    rehearsal.run("out", &glossary).exits(0);
    assert_eq!((rehearsal.requests(), rehearsal.count("out", unread)), (1, 0), "what was paid for is not asked again");
}
