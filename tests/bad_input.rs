//! What goes wrong outside the program: each has a message that says what to do, the right exit code, nothing lost.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::isolation::workers;
use crate::support::needs::{needs, needs_program};
use crate::support::{Run, Shelf, command, documents};

#[test]
fn no_documents() {
    let shelf = Shelf::empty();
    shelf.batch(&[]).exits(66).says("no PDF or EPUB files were found");
    shelf.put("notes.txt", b"no document");
    shelf.batch(&[]).exits(66).says("passed over 1");
}

#[test]
fn a_missing_input_and_a_pattern_without_a_match() {
    let shelf = Shelf::of(1);
    shelf.run(&["batch", "boks"]).exits(64).says("the input 'boks' does not exist");
    shelf.run(&["batch", "books/*.djvu", "-o", "out"]).exits(64).says("no file fits the pattern 'books/*.djvu'");
    shelf.run(&["batch", "books", "books/deep"]).exits(64).says("give an output folder with --output");
    shelf.run(&["batch", &format!("books/{}.pdf", "x".repeat(300))]).exits(64).says("cannot be read");
    shelf.run(&["batch"]).exits(2);
    shelf.run(&["batch", "books", "--worker", "2"]).exits(2).says("--workers");
}

#[test]
fn option_values_that_only_the_run_can_judge() {
    let shelf = Shelf::of(1);
    shelf.batch(&["-w", "0"]).exits(64).says("--workers 0 is out of range");
    shelf.batch(&["--pipeline", "glosary"]).exits(64).says("did you mean 'glossary'?");
    shelf.batch(&["--provider", "oracle"]).exits(64).says("there is no provider 'oracle'");
    shelf.batch(&["--stage", "write", "--until", "parse"]).exits(64).says("swap them");
    shelf.batch(&["--limit", "0"]).exits(64);
    std::fs::write(shelf.path().join("corpora.toml"), "worker = 3\n").unwrap();
    shelf.batch(&[]).exits(64).says("did you mean 'workers'?");
    std::fs::write(shelf.path().join("corpora.toml"), "workers = 1\nprogress = 'none'\n").unwrap();
    assert_eq!(shelf.batch(&[]).exits(0).stderr(), "", "the configuration file is read");
    shelf.batch(&["--progress", "plain"]).exits(0).says("skipped     1");
}

#[test]
fn the_environment_stands_between_the_command_line_and_the_file() {
    let shelf = Shelf::of(1);
    std::fs::write(shelf.path().join("corpora.toml"), "progress = 'none'\n").unwrap();
    let with = |name: &str, value: &str, args: &[&str]| {
        let mut run = command(shelf.path(), &[&["batch", "books", "-o", "out"], args].concat());
        String::from_utf8_lossy(&run.env(name, value).output().unwrap().stderr).into_owned()
    };
    assert!(with("CORPORA_PROGRESS", "json", &[]).contains("\"event\":\"run_finished\""));
    assert_eq!(with("CORPORA_PROGRESS", "json", &["--progress", "none"]), "");
    assert!(with("CORPORA_PROGRES", "json", &[]).contains("did you mean CORPORA_PROGRESS?"));
}

#[test]
fn a_switch_of_the_environment_takes_every_word_for_yes_and_no() {
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    let stages = |name: &str, value: &str| {
        let output = command(shelf.path(), &["batch", "books", "-o", "out"]).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}={value}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).lines().any(|line| line.starts_with("parse "))
    };
    for (yes, no) in [("1", "0"), ("true", "false"), ("yes", "no"), ("on", "off")] {
        assert_eq!((stages("CORPORA_QUIET", yes), stages("CORPORA_QUIET", no)), (false, true), "{yes} and {no}");
        for switch in ["CORPORA_VERBOSE", "CORPORA_NO_RECURSIVE", "CORPORA_ALLOW_HTTP"] {
            stages(switch, yes);
            stages(switch, no);
        }
    }
}

#[test]
fn an_output_that_cannot_be_used() {
    let shelf = Shelf::of(1);
    std::fs::write(shelf.path().join("file"), "").unwrap();
    shelf.run(&["batch", "books", "-o", "file"]).exits(64).says("is a file; give a folder");
    shelf.run(&["batch", "books", "-o", "file/below"]).exits(64).says("cannot write to the output folder");
    shelf.run(&["batch", "books", "-o", "/proc/corpora"]).exits(64).says("give another one with --output");
}

#[test]
fn a_folder_in_the_way_of_one_output_fails_that_file_alone() {
    let shelf = Shelf::of(2);
    std::fs::create_dir_all(shelf.out().join("doc-000001.vocab.json/inside")).unwrap();
    shelf.batch(&[]).exits(75).says("cannot put the file");
    assert!(shelf.out().join("deep/doc-000000.vocab.json").exists());
    std::fs::remove_dir_all(shelf.out().join("doc-000001.vocab.json")).unwrap();
    shelf.batch(&[]).exits(75);
    shelf.batch(&["--retry-failed"]).exits(0);
    assert_eq!(shelf.vocabularies().len(), 2);
}

#[test]
fn files_that_are_not_what_they_seem() {
    let shelf = Shelf::empty();
    shelf.put("empty.pdf", b"");
    shelf.put("really-a-pdf.epub", &documents::pdf(&[&documents::story(1)]));
    shelf.put("really-an-epub.pdf", &documents::epub("E", &[&documents::story(2)]));
    shelf.put("no-extension", &documents::pdf(&[&documents::story(3)]));
    shelf.put("text.pdf", b"this is no document at all");
    shelf.put("zip.epub", b"PK\x03\x04 not a whole zip");
    let run = shelf
        .batch(&[])
        .exits(75)
        .says("the file is empty (0 bytes)")
        .says("not PDF, whatever its name says: it begins with");
    assert!(!run.stderr().contains("panicked"));
    let names: Vec<String> = shelf.vocabularies().into_keys().collect();
    assert_eq!(names, ["no-extension.vocab.json", "really-a-pdf.vocab.json", "really-an-epub.vocab.json"]);
    assert_eq!(shelf.vocabulary("really-a-pdf.vocab.json")["metadata"]["format"], "pdf");
    let failed = shelf.run(&["status", "out", "--failed"]).exits(0).stdout();
    assert_eq!(failed.lines().count(), 3, "{failed}");
}

#[test]
fn every_document_failed() {
    let shelf = Shelf::empty();
    shelf.put("empty.pdf", b"");
    shelf.batch(&[]).exits(65).says("all failed").says("--retry-failed");
}

#[test]
fn names_that_are_not_utf8_or_are_very_long() {
    let shelf = Shelf::empty();
    let bytes = documents::pdf(&[&documents::story(1)]);
    std::fs::write(shelf.books().join(OsStr::from_bytes(b"caf\xE9 \\ one.pdf")), &bytes).unwrap();
    let long = format!("{}.pdf", "n".repeat(250));
    shelf.put(&long, &documents::pdf(&[&documents::story(2)]));
    shelf.put(
        &format!("{}/{}/{}/b.pdf", "d".repeat(200), "e".repeat(200), "f".repeat(200)),
        &documents::pdf(&[&documents::story(3)]),
    );
    shelf.batch(&[]).exits(0);
    let files = shelf.vocabularies();
    assert_eq!(files.len(), 3);
    assert_eq!(shelf.vocabulary("caf\\xE9 \\x5C one.vocab.json")["metadata"]["source_path"], "caf\\xE9 \\x5C one.pdf");
    shelf.batch(&[]).exits(0).says("skipped     3");
    let show = shelf.run(&["show", "out", "caf\\xE9 \\x5C one.pdf"]).exits(0).stdout();
    assert!(show.contains("write     done"), "{show}");
}

#[test]
fn a_folder_that_contains_itself() {
    let shelf = Shelf::of(1);
    std::os::unix::fs::symlink(shelf.books(), shelf.books().join("deep/loop")).unwrap();
    shelf.batch(&[]).exits(0).says("contains itself");
    assert_eq!(shelf.vocabularies().len(), 1);
}

#[test]
fn a_dangling_link_is_a_document_that_cannot_be_looked_at() {
    let shelf = Shelf::of(1);
    std::os::unix::fs::symlink("nowhere.pdf", shelf.books().join("link.pdf")).unwrap();
    shelf.batch(&[]).exits(75).says("link.pdf");
    std::fs::remove_file(shelf.books().join("link.pdf")).unwrap();
    shelf.batch(&[]).exits(0);
}

/// Runs the program over the shelf with one worker and does something as soon as it has told of the first `event`.
fn with_moment(shelf: &Shelf, event: &str, more: &[&str], act: impl FnOnce(&Child)) -> Run {
    let args = [&["batch", "books", "-o", "out", "-w", "1", "--progress", "json"], more].concat();
    let mut child = command(shelf.path(), &args).stderr(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains(event) {
        assert!(events.read_line(&mut told).unwrap() > 0, "no {event} in:\n{told}");
    }
    act(&child);
    events.read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    Run(Output { stderr: told.into_bytes(), ..output })
}

#[test]
fn a_file_that_vanishes_or_changes_after_discovery() {
    // Many documents before it in path order keep the worker busy until the script has acted.
    let shelf = Shelf::of(120);
    shelf.put("z-changes.pdf", &documents::pdf(&[&documents::story(1001)]));
    shelf.put("z-vanishes.pdf", &documents::pdf(&[&documents::story(1002)]));
    std::fs::write(shelf.path().join("new.pdf"), documents::pdf(&[&documents::story(1003)])).unwrap();
    // Between discovery and parsing: the only worker has them at the end of its queue.
    let run = with_moment(&shelf, "stage_finished", &["--until", "parse"], |_| {
        std::fs::rename(shelf.path().join("new.pdf"), shelf.books().join("z-changes.pdf")).unwrap();
        std::fs::remove_file(shelf.books().join("z-vanishes.pdf")).unwrap();
    });
    run.says("the file changed after the run began").says("is gone now");
    let run = shelf.batch(&["--progress", "json"]).exits(0);
    assert_eq!(run.summary()["failed"], 0, "the next run takes the new content and forgets the lost file");
    assert_eq!(shelf.vocabularies().len(), 121);
}

#[test]
fn a_second_run_on_the_same_folder_is_told_who_holds_it() {
    let shelf = Shelf::of(1);
    shelf.batch(&[]).exits(0);
    let lock = std::fs::OpenOptions::new().read(true).write(true).open(shelf.out().join(".corpora/lock")).unwrap();
    lock.lock().unwrap();
    shelf.batch(&[]).exits(75).says("is in use by 'corpora batch' (process ");
    shelf.run(&["gc", "out"]).exits(75).says("is in use by");
    shelf.run(&["status", "out"]).exits(0);
    drop(lock);
    shelf.batch(&[]).exits(0);
}

#[test]
fn stores_that_are_newer_foreign_damaged_or_missing() {
    let shelf = Shelf::of(2);
    shelf.run(&["status", "out"]).exits(64).says("there is no corpora store in 'out'");
    shelf.batch(&[]).exits(0);
    let file = shelf.out().join(".corpora/store.sqlite");
    let sound = std::fs::read(&file).unwrap();

    shelf.sql().pragma_update(None, "user_version", 999).unwrap();
    shelf.batch(&[]).exits(64).says("has format version 999").says("nothing was changed");
    shelf.run(&["status", "out"]).exits(64).says("use a newer corpora");

    std::fs::write(&file, &sound).unwrap();
    shelf.sql().pragma_update(None, "application_id", 7).unwrap();
    shelf.batch(&[]).exits(64).says("is not a corpora store");

    std::fs::write(&file, b"SQLite format 3\0 and then rubbish".repeat(1000)).unwrap();
    shelf.batch(&[]).exits(70).says("cannot be read rightly").says("'corpora rescue'").says("do not delete");

    let mut torn = sound;
    let middle = torn.len() / 3;
    torn[middle..].fill(0xA5);
    std::fs::write(&file, &torn).unwrap();
    let run = shelf.batch(&["--force"]);
    assert_ne!(run.0.status.code(), Some(0));
    assert!(!run.stderr().contains("panicked"), "{}", run.stderr());

    std::fs::remove_dir_all(shelf.out().join(".corpora")).unwrap();
    shelf.batch(&[]).exits(0);
    assert_eq!(shelf.vocabularies().len(), 2, "what the message tells to do works");
}

/// Runs a script with a disk of half a MiB at `small`; none if this machine does not allow mounting.
fn on_a_small_disk(shelf: &Shelf, script: &str) -> Option<Output> {
    std::fs::create_dir_all(shelf.path().join("small")).unwrap();
    let probe = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !needs(probe.is_ok_and(|o| o.status.success()), "a machine on which a disk can be mounted (unshare -rm mount)") {
        return None;
    }
    let script = format!("mount -t tmpfs -o size=512k none small && {script}");
    Some(Command::new("unshare").args(["-rm", "sh", "-c", &script]).current_dir(shelf.path()).output().unwrap())
}

#[test]
fn a_disk_that_fills_up_in_mid_run() {
    let shelf = Shelf::of(200);
    let corpora = env!("CARGO_BIN_EXE_corpora");
    let script = format!(
        "'{corpora}' batch books -o small --progress plain; echo \"exit $?\"; \
         '{corpora}' status small | tee told; \
         mount -o remount,size=200m small; \
         eval \"'{corpora}' $(sed -n 's/^ *corpora //p' told | tail -1)\"; echo \"exit $?\"; \
         find small -name '*.vocab.json' | wc -l"
    );
    let Some(output) = on_a_small_disk(&shelf, &script) else { return };
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stdout.starts_with("exit 75"), "{stdout}\n{stderr}");
    assert!(stderr.contains("is full") && stderr.contains("free some space"), "{stderr}");
    for words in ["is full", "make room on it first", "corpora batch books -o small --progress plain"] {
        assert!(stdout.contains(words), "'{words}' is not in:\n{stdout}");
    }
    assert!(stderr.contains("waiting"), "the summary says how much is missing: {stderr}");
    assert!(stdout.trim_end().ends_with("exit 0\n200"), "{stdout}\n{stderr}");
}

#[test]
fn an_unreadable_file_fails_with_its_reason_and_is_tried_again() {
    let shelf = Shelf::of(1);
    // A socket is passed over; a file whose folder forbids looking is not (root may look anyway, so this uses a file
    // that cannot be read at all).
    std::os::unix::fs::symlink("/proc/self/mem", shelf.books().join("mem.pdf")).unwrap();
    shelf.batch(&[]).exits(75).says("mem.pdf").says("cannot be read");
    std::fs::remove_file(shelf.books().join("mem.pdf")).unwrap();
    shelf.put("mem.pdf", &documents::pdf(&[&documents::story(4)]));
    shelf.batch(&[]).exits(0);
}

#[test]
fn a_folder_without_permission_is_said_and_its_documents_are_not_gone() {
    let shelf = Shelf::of(4);
    shelf.batch(&[]).exits(0);
    let deep = shelf.books().join("deep");
    std::fs::set_permissions(&deep, std::fs::Permissions::from_mode(0o000)).unwrap();
    let args = ["batch", "books", "-o", "out", "--progress", "json"];
    let output = if std::fs::read_dir(&deep).is_err() {
        Some(command(shelf.path(), &args).output().unwrap())
    } else if needs_program("setpriv", "--version", "util-linux") {
        // Root may look anywhere, unless it gives the right away.
        let mut run = Command::new("setpriv");
        run.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_corpora")]).args(args);
        Some(run.current_dir(shelf.path()).output().unwrap())
    } else {
        None
    };
    std::fs::set_permissions(&deep, std::fs::Permissions::from_mode(0o755)).unwrap();
    if let Some(output) = output {
        Run(output).says("the folder cannot be read");
    }
    let after = shelf.batch(&["--progress", "json"]).exits(0);
    assert_eq!((after.done("parse"), after.done("write")), (0, 0), "nothing was forgotten meanwhile");
}

#[test]
fn a_worker_that_is_killed_is_replaced_and_its_document_tried_once_more() {
    // The last in path order, and so long that the worker is struck in the middle of it: that it is begun is told at once.
    let shelf = Shelf::of(3);
    let page = documents::story(1001);
    shelf.put("z-long.pdf", &documents::pdf(&vec![page.as_slice(); 3_000]));
    let mut struck = Vec::new();
    let run = with_moment(&shelf, "z-long.pdf", &[], |child| {
        struck = workers(child.id());
        for worker in &struck {
            let _ = kill_process(Pid::from_raw(*worker).unwrap(), Signal::KILL);
        }
    });
    run.exits(0);
    assert_eq!(struck.len(), 1, "one worker was there");
    assert_eq!(shelf.vocabularies().len(), 4);
    let log = std::fs::read_to_string(shelf.out().join("corpora-errors.log")).unwrap_or_default();
    assert!(log.contains("Crashed: ") && log.contains("(attempt 1)"), "{log}");
}

#[test]
fn a_document_over_its_limits_fails_alone() {
    let shelf = Shelf::of(2);
    // Sparse: it takes no room on the disk, and no parser can hold it in the memory that it is given.
    shelf.put("huge.pdf", b"%PDF-1.4\n");
    let huge = std::fs::OpenOptions::new().write(true).open(shelf.books().join("huge.pdf")).unwrap();
    huge.set_len(400 << 20).unwrap();
    let run = shelf.batch(&["--parse-memory", "64"]).exits(75);
    assert!(run.stderr().contains("--parse-memory"), "{}", run.stderr());
    assert_eq!(shelf.vocabularies().len(), 2);
}
