//! `kill -9` of a run, of all its processes, of a worker or of a recognition, at any moment: nothing of it is left behind, and the same
//! command makes what an undisturbed run makes.
//!
//!     CORPORA_KILLS=200 cargo test --test main kills:: -- --ignored --nocapture

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::isolation::fields;
use crate::support::needs::needs_program;
use crate::support::pictures::{Page, document};
use crate::support::{Shelf, command};

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    /// The process that a person started.
    Run,
    /// It and everything that it started, at once.
    All,
    /// One of the processes that read documents.
    Worker,
    /// A program for recognition.
    Recognition,
}

const VICTIMS: [Victim; 4] = [Victim::Run, Victim::All, Victim::Worker, Victim::Recognition];

/// A shelf of scans and of documents with text.
fn scans() -> Shelf {
    let shelf = Shelf::of(6);
    for (n, words) in ["A thorn ward is a fence that keeps wolves out.", "An ember wyrm is a worm that lives in ashes."]
        .into_iter()
        .enumerate()
    {
        let text = Page::Text(vec!["A salt lantern is a lamp that burns salt along the road.".into()]);
        shelf.put(&format!("scan-{n}.pdf"), &document(&[Page::Scan(vec![words.to_owned()]), text]));
    }
    shelf
}

fn start(shelf: &Shelf, out: &str) -> Child {
    let args = ["batch", "books", "-o", out, "--progress", "json", "-w", "2", "--ocr-lang", "eng"];
    // In a session of its own, by which all its processes are known: each worker has a group of its own.
    let run = command(shelf.path(), &args);
    let mut of_a_session = Command::new("setsid");
    of_a_session.arg(run.get_program()).args(run.get_args()).current_dir(shelf.path());
    for (name, value) in run.get_envs() {
        assert!(value.is_none());
        of_a_session.env_remove(name);
    }
    of_a_session.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Processes of a run, dead ones that nobody has asked after left out, with their names.
fn processes(session: u32) -> Vec<(i32, String)> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let of_session = |pid: &i32| {
        let fields = fields(*pid);
        fields.get(3).is_some_and(|of| *of == session.to_string()) && fields.first().is_some_and(|state| state != "Z")
    };
    let name = |pid: i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        (pid, String::from_utf8_lossy(&line).replace('\0', " "))
    };
    pids.filter(of_session).map(name).collect()
}

/// Kills one of these; false if it is not there at this moment.
fn kill(child: &Child, victim: Victim) -> bool {
    let run = Pid::from_raw(child.id().cast_signed()).unwrap();
    let first =
        |words: &str| processes(child.id()).into_iter().find(|(_, line)| line.contains(words)).map(|(pid, _)| pid);
    let one = match victim {
        Victim::All => {
            let all = processes(child.id());
            let killed = all.iter().filter_map(|(pid, _)| kill_process(Pid::from_raw(*pid)?, Signal::KILL).ok());
            return killed.count() > 0;
        }
        Victim::Run => Some(run.as_raw_nonzero().get()),
        Victim::Worker => first("parse-worker"),
        Victim::Recognition => first("tesseract"),
    };
    one.and_then(Pid::from_raw).is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}

/// Kills at so many moments; returns the longest time for which something was left behind.
fn kill_at_moments(count: usize) -> Duration {
    let shelf = scans();
    let begun = Instant::now();
    assert!(start(&shelf, "whole").wait().unwrap().success());
    let whole = begun.elapsed();
    let expected = shelf.vocabularies_in("whole");
    assert_eq!(expected.len(), 8);
    let (mut longest, mut killed) = (Duration::ZERO, BTreeMap::new());
    for n in 0..count {
        let victim = VICTIMS[n % VICTIMS.len()];
        let out = format!("out-{n}");
        let mut child = start(&shelf, &out);
        std::thread::sleep(whole.mul_f64(((n as f64 * 0.618_034) + 0.05).fract()));
        if victim == Victim::Recognition {
            // It is there for a short time only.
            while child.try_wait().unwrap().is_none() && !kill(&child, victim) {
                std::thread::sleep(Duration::from_millis(2));
            }
        } else if kill(&child, victim) {
            *killed.entry(victim).or_insert(0) += 1;
        }
        child.wait().unwrap();
        let ended = Instant::now();
        while let left = processes(child.id())
            && !left.is_empty()
        {
            assert!(ended.elapsed() < Duration::from_secs(20), "{victim:?} at moment {n}: left behind: {left:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        longest = longest.max(ended.elapsed());
        // A worker that was killed is its document's failure.
        let again = shelf.run(&["batch", "books", "-o", &out, "--ocr-lang", "eng", "--retry-failed"]).exits(0);
        assert!(shelf.vocabularies_in(&out) == expected, "{victim:?} at moment {n}: {}", again.stderr());
        let store = rusqlite::Connection::open(shelf.path().join(&out).join(".corpora/store.sqlite")).unwrap();
        assert_eq!(store.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).unwrap(), "ok");
        std::fs::remove_dir_all(shelf.path().join(&out)).unwrap();
    }
    assert!(killed.len() >= 2, "no kill came while work was going on: {killed:?}");
    longest
}

#[test]
fn whoever_is_killed_leaves_no_process_behind_and_the_same_command_completes_everything() {
    if needs_program("tesseract", "--version", "tesseract-ocr") && needs_program("setsid", "--version", "util-linux") {
        kill_at_moments(8);
    }
}

#[test]
#[ignore = "takes a quarter of an hour: CORPORA_KILLS says at how many moments, 200 if nothing"]
#[allow(clippy::print_stdout, reason = "the figures are worth keeping")]
fn whoever_is_killed_at_one_of_many_moments_leaves_no_process_behind_for_a_second() {
    let count = std::env::var("CORPORA_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(200);
    let longest = kill_at_moments(count);
    println!("{count} kills: the last process was gone after {} ms at most", longest.as_millis());
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}
