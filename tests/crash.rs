//! `kill -9` at random instants, disks that fail and power cuts at every operation: nothing acknowledged is lost or done twice, and
//! the output is the same.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use corpora::simulator::SimulatorConfig;
use corpora::values::{Event, Phase, RunOutcome, Stage};

use crate::support::disk::{Disk, Fault, FaultyDisk, MachineDisk, Operation, consolidate_on, gc_on, run_on, run_told};
use crate::support::rehearsal::Rehearsal;
use crate::support::{Shelf, command, copy, events};

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
    write_anew_on_failing_disks(Fault::Once(ErrorKind::Other));
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing() {
    write_anew_on_failing_disks(Fault::ForGood(ErrorKind::Other));
}

#[test]
fn a_disk_that_becomes_full_or_read_only_at_any_operation_loses_nothing() {
    write_anew_on_failing_disks(Fault::ForGood(ErrorKind::StorageFull));
    write_anew_on_failing_disks(Fault::Once(ErrorKind::ReadOnlyFilesystem));
}

/// Lets the n-th operation of a command over a finished folder fail, for every n until none fails, and cuts the power then. `work` has to
/// say so; after it, on a sound disk, the folder has to be as `work` on a sound disk alone leaves it.
fn sweep(what: &str, prepare: impl Fn(&Path), work: impl Fn(Arc<dyn Disk>, &Path) -> Result<(), String>) {
    let shelf = Shelf::empty();
    let whole = shelf.path().join("whole");
    prepare(&whole);
    let kept = shelf.path().join("kept");
    copy(&whole, &kept);
    work(Arc::new(MachineDisk), &whole).unwrap();
    let expected = outputs(&shelf, "whole");
    let mut points = 0;
    for fault in
        [ErrorKind::Other, ErrorKind::StorageFull].into_iter().flat_map(|k| [Fault::Once(k), Fault::ForGood(k)])
    {
        for n in 0.. {
            let folder = shelf.path().join("folder");
            copy(&kept, &folder);
            let disk = FaultyDisk::failing(n, fault);
            let said = work(Arc::new(disk.clone()), &folder);
            disk.cut_power();
            assert_eq!(said.is_err(), disk.has_failed(), "{what}, {fault:?} at {n}: {said:?}: {:?}", disk.journal());
            if let Err(words) = &said {
                assert!(words.contains(&format!("'{}", folder.display())), "{what}, {fault:?} at {n}: {words}");
            }
            work(Arc::new(MachineDisk), &folder).unwrap();
            assert_eq!(outputs(&shelf, "folder"), expected, "{what}, {fault:?} at {n}: {:?}", disk.journal());
            let store = rusqlite::Connection::open(folder.join(".corpora/store.sqlite")).unwrap();
            assert_eq!(store.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).unwrap(), "ok");
            std::fs::remove_dir_all(&folder).unwrap();
            points += 1;
            if !disk.has_failed() {
                break;
            }
        }
    }
    assert!(points > 4, "{what} went past the disk");
}

/// A folder with a master of two books, to which a third has come; the source of a fourth is gone.
fn consolidated(out: &Path) {
    let shelf = Shelf::of(4);
    let run = || run_on(Arc::new(MachineDisk), shelf.path(), out, r#"{"x": ["nothing"]}"#).unwrap();
    let third = shelf.books().join("doc-000002.pdf");
    std::fs::rename(&third, shelf.path().join("third")).unwrap();
    run();
    consolidate_on(Arc::new(MachineDisk), out).unwrap();
    std::fs::rename(shelf.path().join("third"), third).unwrap();
    std::fs::remove_file(shelf.books().join("deep/doc-000003.epub")).unwrap();
    run();
}

#[test]
fn a_disk_that_fails_at_any_operation_of_consolidate_or_gc_loses_nothing() {
    sweep("consolidate", consolidated, |disk, folder| {
        consolidate_on(disk, folder).map(drop).map_err(|e| e.to_string())
    });
    sweep("gc", consolidated, |disk, folder| gc_on(disk, folder).map_err(|e| e.to_string()));
}

/// Place of an operation on a file, from its beginning to the moment at which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Created,
    Written,
    Synced,
    InItsPlace,
    FolderSynced,
    Told,
}

#[test]
fn every_file_of_a_run_is_written_synced_named_and_its_folder_synced_before_it_is_told() {
    let shelf = Shelf::of(6);
    let journal: Arc<Mutex<Vec<(Step, PathBuf)>>> = Arc::default();
    let disk = FaultyDisk::watched({
        let journal = Arc::clone(&journal);
        move |operation| {
            let entries = match operation {
                Operation::Create(file) => vec![(Step::Created, file.clone())],
                Operation::Write(file) => vec![(Step::Written, file.clone())],
                Operation::Sync(file) => vec![(Step::Synced, file.clone())],
                Operation::Rename(from, to) => vec![(Step::InItsPlace, from.clone()), (Step::InItsPlace, to.clone())],
                Operation::SyncFolder(folder) => vec![(Step::FolderSynced, folder.clone())],
                _ => Vec::new(),
            };
            journal.lock().unwrap().extend(entries);
        }
    });
    let out = shelf.out();
    let told = {
        let (journal, out) = (Arc::clone(&journal), out.clone());
        move |event: &Event| {
            if let Event::DocumentDone { stage: Phase::Stage(Stage::Write), path, .. } = event {
                let name = Path::new(path.as_str()).with_extension("vocab.json");
                journal.lock().unwrap().push((Step::Told, out.canonicalize().unwrap().join(name)));
            }
        }
    };
    run_told(Arc::new(disk), shelf.path(), &out, r#"{"x": ["nothing"]}"#, told).unwrap();
    let journal = journal.lock().unwrap();
    let at = |step: Step, path: &Path| journal.iter().position(|(s, p)| *s == step && p == path);
    let mut told = 0;
    for (n, (_, target)) in journal.iter().enumerate().filter(|(_, (step, _))| *step == Step::Told) {
        told += 1;
        let place = at(Step::InItsPlace, target).unwrap();
        // The name before stands beside it.
        let temporary = &journal[place - 1].1;
        let of_temporary = [Step::Created, Step::Written, Step::Synced].map(|step| at(step, temporary).unwrap());
        let folder = target.parent().unwrap();
        let folder =
            journal.iter().skip(place).position(|(s, p)| *s == Step::FolderSynced && p == folder).unwrap() + place;
        assert!(
            of_temporary.is_sorted() && of_temporary[2] < place && place < folder && folder < n,
            "{target:?}: {journal:?}"
        );
        let last_write = journal.iter().rposition(|(s, p)| *s == Step::Written && p == temporary).unwrap();
        assert!(last_write < of_temporary[2], "{target:?} is written after its sync");
    }
    assert_eq!(told, 6, "{journal:?}");
}

/// Disk after a power cut: what had been asked of it last, and what had been told as done by then.
type Cut = (Operation, Vec<(Phase, String)>);

/// Runs over a shelf, with a copy of the output folder before each operation and after each commit as a power cut leaves it then; runs on
/// each copy again. What was told is not done again, and the files are those of an undisturbed run.
#[allow(clippy::print_stdout, reason = "the figures are worth keeping")]
fn cut_power_before_every_operation(at_worst: bool) {
    let shelf = Shelf::of(4);
    let nothing = r#"{"x": ["nothing"]}"#;
    run_on(Arc::new(MachineDisk), shelf.path(), &shelf.path().join("whole"), nothing).unwrap();
    let expected = outputs(&shelf, "whole");
    std::fs::create_dir(shelf.out()).unwrap();
    let (out, place) = (shelf.out().canonicalize().unwrap(), shelf.path().to_path_buf());
    let (told, cuts): (Arc<Mutex<Vec<_>>>, Arc<Mutex<Vec<Cut>>>) = Default::default();
    let disk: Arc<std::sync::OnceLock<FaultyDisk>> = Arc::default();
    let watched = FaultyDisk::watched({
        let (disk, told, cuts, out) = (Arc::clone(&disk), Arc::clone(&told), Arc::clone(&cuts), out.clone());
        move |operation| {
            // One at a time, so that what was told was told before the copy.
            let mut cuts = cuts.lock().unwrap();
            let told = told.lock().unwrap().clone();
            disk.get().unwrap().copy_after_power_cut(&out, &place.join(format!("cut-{}", cuts.len())), at_worst);
            cuts.push((operation.clone(), told));
        }
    });
    disk.set(watched.clone()).unwrap();
    let tell = {
        let told = Arc::clone(&told);
        move |event: &Event| {
            if let Event::DocumentDone { stage, path, .. } = event {
                told.lock().unwrap().push((*stage, path.to_string()));
            }
        }
    };
    run_told(Arc::new(watched), shelf.path(), &out, nothing, tell).unwrap();
    let cuts = cuts.lock().unwrap();
    let commits = cuts.iter().filter(|(operation, _)| *operation == Operation::Commit).count();
    assert!(commits > 3 && cuts.iter().any(|(_, told)| !told.is_empty()), "{cuts:?}");
    for (n, (operation, told)) in cuts.iter().enumerate() {
        let name = format!("cut-{n}");
        let again = Arc::new(Mutex::new(Vec::new()));
        let hear = {
            let again = Arc::clone(&again);
            move |event: &Event| {
                if let Event::DocumentDone { stage, path, .. } = event {
                    again.lock().unwrap().push((*stage, path.to_string()));
                }
            }
        };
        let folder = shelf.path().join(&name);
        let finished = run_told(Arc::new(MachineDisk), shelf.path(), &folder, nothing, hear).unwrap();
        assert_eq!(finished.summary.outcome, RunOutcome::Complete, "{n}: {operation:?}");
        assert_eq!(outputs(&shelf, &name), expected, "{n}: {operation:?}");
        let again = again.lock().unwrap();
        let twice: Vec<_> = told.iter().filter(|done| again.contains(done)).collect();
        assert!(twice.is_empty(), "{n}: {operation:?}: told, and lost by the power cut: {twice:?}");
    }
    println!("{} prefixes, {commits} commits among them", cuts.len());
}

#[test]
fn every_prefix_of_what_a_run_does_is_a_disk_on_which_it_goes_on_and_nothing_told_is_lost() {
    cut_power_before_every_operation(true);
    cut_power_before_every_operation(false);
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
