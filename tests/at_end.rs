//! Whoever waits for the end of a run is told once, however it ends; nobody is told of the end of one that is killed.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use corpora::simulator::{Latency, SimulatorConfig};
use serde_json::Value;

use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::wire::received;
use crate::support::{Run, Shelf, command};

/// Appends its standard input, and a line's end, to `told`.
const TELL: &str = "cat >> told; echo >> told";

/// What the command was told, so far.
fn told(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("told")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn is_valid(end: &Value) {
    let schema: Value = serde_json::from_str(include_str!("../schemas/run-end.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(end).map(|e| e.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}: {end}");
}

#[test]
fn a_command_is_told_of_each_end_once() {
    let shelf = Shelf::of(2);
    let mut ends = 0;
    let mut next = |args: &[&str], code: i32| {
        shelf.batch(&[args, &["--on-end", TELL]].concat()).exits(code);
        let all = told(shelf.path());
        ends += 1;
        assert_eq!(all.len(), ends, "{args:?}");
        let last = all[ends - 1].clone();
        is_valid(&last);
        assert_eq!(last["exit_code"], code, "{last}");
        last
    };
    assert_eq!(next(&[], 0)["outcome"], "complete");
    assert_eq!(next(&[], 0)["summary"]["skipped"], 2, "also of a run that had nothing to do");
    shelf.put("broken.pdf", b"%PDF-1.7\nand no more\n");
    assert_eq!(next(&[], 75)["outcome"], "partial");
    std::fs::remove_dir_all(shelf.books()).unwrap();
    std::fs::create_dir(shelf.books()).unwrap();
    assert_eq!(next(&[], 66)["outcome"], "no_documents");
    let store = shelf.out().join(".corpora/store.sqlite");
    std::fs::write(store, b"no database").unwrap();
    let broken = next(&[], 70);
    assert!(broken["outcome"] == "error" && broken["error"].as_str().unwrap().len() > 10, "{broken}");
}

#[test]
fn a_plan_is_no_run_and_a_command_that_fails_changes_nothing() {
    let shelf = Shelf::of(1);
    shelf.batch(&["--dry-run", "--on-end", TELL]).exits(0);
    assert!(told(shelf.path()).is_empty());
    shelf.batch(&["--on-end", "exit 3"]).exits(0).says("the command of --on-end ended with");
}

#[test]
fn the_command_gets_no_key_of_a_provider() {
    let shelf = Shelf::of(1);
    let args = ["batch", "books", "-o", "out", "--on-end", "env > told"];
    let run = Run(command(shelf.path(), &args).env("OPENAI_API_KEY", KEY).output().unwrap());
    run.exits(0);
    let environment = std::fs::read_to_string(shelf.path().join("told")).unwrap();
    assert!(environment.contains("PATH=") && !environment.contains(KEY), "{environment}");
}

/// A run that waits for slow answers, told of its end by `TELL`.
fn slow_run(rehearsal: &Rehearsal) -> Child {
    let args = rehearsal.args("out", &["--on-end", TELL]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = command(rehearsal.shelf.path(), &args);
    let mut child = command.env("ANTHROPIC_API_KEY", KEY).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut asked = lines.map(Result::unwrap);
    assert!(asked.any(|line| line.contains("\"asking\"")), "it begins to ask");
    // Somebody has to read on, or the run would wait for that.
    std::thread::spawn(move || asked.count());
    child
}

fn slow() -> SimulatorConfig {
    let latency = Latency { median_ms: 1_500.0, p99_over_median: 1.1, per_output_token_ms: 0.0 };
    SimulatorConfig { latency, ..SimulatorConfig::default() }
}

#[test]
fn an_interruption_is_an_end_and_a_kill_is_none() {
    let rehearsal = Rehearsal::of(6, slow());
    let mut killed = slow_run(&rehearsal);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(told(rehearsal.shelf.path()).is_empty(), "nobody could tell");
    let status = rehearsal.shelf.run(&["status", "out"]).exits(0).stdout();
    assert!(status.contains("stopped    without a word"), "{status}");
    let mut interrupted = slow_run(&rehearsal);
    Command::new("kill").args(["-INT", &interrupted.id().to_string()]).status().unwrap();
    assert_eq!(interrupted.wait().unwrap().code(), Some(130));
    let ends = told(rehearsal.shelf.path());
    assert_eq!((ends.len(), ends[0]["outcome"].as_str()), (1, Some("interrupted")));
    is_valid(&ends[0]);
}

#[test]
fn a_cap_that_is_reached_is_an_end_with_its_reason() {
    let rehearsal = Rehearsal::of(4, SimulatorConfig::default());
    rehearsal.run("out", &["--max-cost", "0.0001", "--on-end", TELL]).exits(75);
    let ends = told(rehearsal.shelf.path());
    assert_eq!((ends.len(), ends[0]["stop_reason"].as_str()), (1, Some("cap")), "{ends:?}");
}

/// A program of the desktop's in a folder of its own, which appends its words to `noted`; the `PATH` with it.
fn a_desktop(shelf: &Shelf) -> String {
    use std::os::unix::fs::PermissionsExt;
    let folder = shelf.path().join("desktop");
    std::fs::create_dir(&folder).unwrap();
    let program = folder.join("notify-send");
    std::fs::write(&program, "#!/bin/sh\nprintf '%s|' \"$@\" >> noted; echo >> noted\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn the_desktop_shows_one_note_of_each_end() {
    let shelf = Shelf::of(2);
    shelf.put("<b>broken</b>.pdf", b"%PDF-1.7\nand no more\n");
    let args = ["batch", "books", "-o", "out", "--desktop-note"];
    let path = a_desktop(&shelf);
    Run(command(shelf.path(), &args).env("PATH", &path).output().unwrap()).exits(75);
    let noted = || std::fs::read_to_string(shelf.path().join("noted")).unwrap();
    assert_eq!(noted(), "--app-name=corpora|--|corpora: out partly done|2 of 3 files done, 1 failed|\n");
    let plan = [&args[..], &["--dry-run"]].concat();
    Run(command(shelf.path(), &plan).env("PATH", &path).output().unwrap()).exits(75);
    assert_eq!(noted().lines().count(), 1, "a plan is no run");
    // A machine without a desktop, as in the night on a server.
    let without = Run(command(shelf.path(), &args).env("PATH", "/nonexistent").output().unwrap());
    without.exits(75).says("the desktop shows no note: notify-send cannot be started");
}

/// The body of the one request that comes, answered with `status`.
fn receive(listener: &TcpListener, status: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let (_, body) = received(&mut stream);
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    body
}

#[test]
fn an_address_is_told_once_also_where_it_answers_with_an_error() {
    let shelf = Shelf::of(1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=sk-webhook", listener.local_addr().unwrap());
    for (status, words) in [("204 No Content", None), ("500 Internal Server Error", Some("was not told"))] {
        let run = std::thread::scope(|scope| {
            let received = scope.spawn(|| receive(&listener, status));
            let run = shelf.batch(&["--webhook", &url]).exits(0);
            let end: Value = serde_json::from_str(&received.join().unwrap()).unwrap();
            is_valid(&end);
            assert_eq!(end["outcome"], "complete");
            run
        });
        assert!(!run.stderr().contains("sk-webhook"), "{}", run.stderr());
        assert_eq!(run.stderr().contains("was not told"), words.is_some(), "{}", run.stderr());
    }
    listener.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert!(listener.accept().is_err(), "nothing comes twice");
    assert!(!shelf.run(&["status", "out", "--json"]).stdout().contains("sk-webhook"));
    shelf.batch(&["--webhook", "http://example.com/"]).exits(64).says("unencrypted");
}

#[test]
fn a_watched_folder_is_run_again_when_something_comes() {
    let shelf = Shelf::of(1);
    let args = ["batch", "books", "-o", "out", "--watch", "0.05", "--on-end", TELL];
    let mut watching = command(shelf.path(), &args).stderr(Stdio::null()).spawn().unwrap();
    let ends = |n: usize| {
        let mut looks = 0;
        while told_whole(shelf.path()) < n {
            looks += 1;
            assert!(looks < 1_200, "the run number {n} does not come");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    ends(1);
    shelf.put("new.epub", &crate::support::documents::nth(7).1);
    ends(2);
    Command::new("kill").args(["-INT", &watching.id().to_string()]).status().unwrap();
    assert_eq!(watching.wait().unwrap().code(), Some(0));
    assert_eq!(shelf.vocabularies().len(), 2);
    assert_eq!(told(shelf.path()).len(), 2, "nothing is told while it waits");
}

/// Ends that were told whole.
fn told_whole(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("told")).unwrap_or_default().matches('\n').count()
}
