//! One bit turned anywhere in a store: in the header, the schema, pages of tables and of indexes, free pages, results, the log of a killed
//! run. No vocabulary file may come out wrong without a word, and what was made for nothing comes back by itself.
//!
//!     CORPORA_FLIPS=1000 cargo test --test main flips:: -- --ignored --nocapture

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use corpora::simulator::SimulatorConfig;
use fastrand::Rng;

use crate::support::rehearsal::Rehearsal;
use crate::support::{Run, Shelf, copy};

/// Size of a page of a store.
const PAGE: usize = 4096;

/// Threads that play side by side.
const HANDS: usize = 3;

/// What came of a turned bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The same command gave the same files, without a word.
    Equal,
    /// The same, and the damage was told.
    Mended,
    /// The command failed with a reason; what the reason says to do gave the same files.
    Remedied,
    /// The command failed with a reason, and its remedy did not give the files back.
    Told,
    /// The files are right, and something was paid for again that nobody had asked for.
    Asked,
    /// A file that is not as it was, or missing, and exit code 0; or no words.
    Wrong,
}

/// A finished output folder and how it is taken up again.
struct Finished<'a> {
    shelf: &'a Shelf,
    kept: PathBuf,
    wanted: BTreeMap<String, Vec<u8>>,
    run: &'a (dyn Fn(&str, &[&str]) -> Run + Sync),
    /// Requests so far, where a provider is asked.
    asked: Option<&'a (dyn Fn() -> u64 + Sync)>,
}

impl<'a> Finished<'a> {
    fn of(shelf: &'a Shelf, run: &'a (dyn Fn(&str, &[&str]) -> Run + Sync)) -> Self {
        run("out", &[]).exits(0);
        let finished = Self { shelf, kept: shelf.path().join("kept"), wanted: shelf.vocabularies(), run, asked: None };
        assert!(!finished.wanted.is_empty());
        copy(&shelf.out(), &finished.kept);
        finished
    }

    /// Turns one bit of a file of the store in a copy of the folder, takes its vocabulary files away and runs the same command again.
    fn play(&self, hand: usize, file: &str, bit: usize) -> (Outcome, String) {
        let out = format!("hand-{hand}");
        let folder = self.shelf.path().join(&out);
        let _ = std::fs::remove_dir_all(&folder);
        copy(&self.kept, &folder);
        for name in self.wanted.keys() {
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        let place = folder.join(".corpora").join(file);
        let mut bytes = std::fs::read(&place).unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&place, bytes).unwrap();
        let asked = self.asked.map(|asked| asked());
        let said = (self.run)(&out, &[]);
        let asks_again = self.asked.map(|asked| asked()) != asked;
        let words = format!("exit {:?}: {}", said.0.status.code(), said.stderr());
        let found = self.shelf.vocabularies_in(&out);
        let is_right =
            |found: &BTreeMap<String, Vec<u8>>| found.iter().all(|(name, bytes)| self.wanted.get(name) == Some(bytes));
        let outcome = match said.0.status.code() {
            _ if !is_right(&found) => Outcome::Wrong,
            Some(0) if found != self.wanted => Outcome::Wrong,
            _ if asks_again => Outcome::Asked,
            Some(0) if words.contains("the store is damaged") || words.contains("not as it was stored") => {
                Outcome::Mended
            }
            Some(0) => Outcome::Equal,
            None => Outcome::Wrong,
            Some(_) if said.stderr().trim().is_empty() => Outcome::Wrong,
            Some(_) => {
                if words.contains("corpora rescue") {
                    self.shelf.run(&["rescue", &out]);
                }
                (self.run)(&out, &["--retry-failed"]);
                let found = self.shelf.vocabularies_in(&out);
                match is_right(&found) {
                    false => Outcome::Wrong,
                    true if found == self.wanted => Outcome::Remedied,
                    true => Outcome::Told,
                }
            }
        };
        let _ = std::fs::remove_dir_all(&folder);
        (outcome, words)
    }

    /// Turns `count` bits of a file of the store, one at a time; returns how often each came of it.
    #[allow(clippy::print_stdout, reason = "the figures are worth keeping")]
    fn turn(&self, what: &str, file: &str, count: usize) -> BTreeMap<Outcome, usize> {
        let size = std::fs::metadata(self.kept.join(".corpora").join(file)).unwrap().len() as usize;
        let (next, counts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        std::thread::scope(|scope| {
            // One alone where it is counted what each asks.
            for hand in 0..if self.asked.is_some() { 1 } else { HANDS } {
                let (next, counts) = (&next, &counts);
                scope.spawn(move || {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= count {
                            break;
                        }
                        let bit = place(&mut Rng::with_seed(n as u64), size);
                        let (outcome, words) = self.play(hand, file, bit);
                        if outcome >= Outcome::Remedied {
                            println!(
                                "{what}, {n}: byte {} of page {}: {outcome:?}: {words}",
                                bit / 8 % PAGE,
                                bit / 8 / PAGE
                            );
                        }
                        *counts.lock().unwrap().entry(outcome).or_insert(0) += 1;
                    }
                });
            }
        });
        let counts = counts.into_inner().unwrap();
        println!("{what}: {count} bits of {size} bytes: {counts:?}");
        assert_eq!(counts.get(&Outcome::Wrong), None, "{what}: {counts:?}");
        counts
    }
}

/// A bit of a file of so many bytes: anywhere, and more often in its header and in heads of pages, which are small.
fn place(random: &mut Rng, size: usize) -> usize {
    let byte = match random.u8(0..8) {
        0 => random.usize(..100),
        1 => random.usize(..size / PAGE) * PAGE + random.usize(..48),
        _ => random.usize(..size),
    };
    byte * 8 + random.usize(..8)
}

/// As [`Finished::of`], with all of the last stages in a log that was not folded back, as after a kill.
fn with_a_log<'a>(shelf: &'a Shelf, run: &'a (dyn Fn(&str, &[&str]) -> Run + Sync)) -> Finished<'a> {
    run("out", &["--until", "parse"]).exits(0);
    let looking = shelf.sql();
    looking.execute_batch("BEGIN").unwrap();
    let _: i64 = looking.query_row("SELECT count(*) FROM done", [], |r| r.get(0)).unwrap();
    let finished = Finished::of(shelf, run);
    assert!(std::fs::metadata(finished.kept.join(".corpora/store.sqlite-wal")).unwrap().len() > 8 * PAGE as u64);
    let _ = std::fs::remove_file(finished.kept.join(".corpora/store.sqlite-shm"));
    finished
}

/// Plays all kinds of stores, with as many bits each as their parts of `count` say.
fn play(count: usize) {
    let shelf = Shelf::of(6);
    let run =
        |out: &str, more: &[&str]| shelf.run(&[&["batch", "books", "-o", out, "--progress", "plain"], more].concat());
    let counts = Finished::of(&shelf, &run).turn("local", "store.sqlite", count / 2);
    let by_themselves = [Outcome::Equal, Outcome::Mended].map(|outcome| counts.get(&outcome).copied().unwrap_or(0));
    assert_eq!(by_themselves.iter().sum::<usize>(), count / 2, "what is free comes back by itself: {counts:?}");

    let shelf = Shelf::of(6);
    let run =
        |out: &str, more: &[&str]| shelf.run(&[&["batch", "books", "-o", out, "--progress", "plain"], more].concat());
    let finished = with_a_log(&shelf, &run);
    finished.turn("log", "store.sqlite-wal", count / 8);
    finished.turn("beside a log", "store.sqlite", count / 8);

    let rehearsal = Rehearsal::of(2, SimulatorConfig::default());
    let run = |out: &str, more: &[&str]| rehearsal.run(out, more);
    let asked = || rehearsal.requests();
    let finished = Finished { asked: Some(&asked), ..Finished::of(&rehearsal.shelf, &run) };
    let counts = finished.turn("paid", "store.sqlite", count / 4);
    assert_eq!(counts.get(&Outcome::Asked), None, "paid for again without a word: {counts:?}");
}

#[test]
fn no_turned_bit_gives_a_wrong_file_and_what_is_free_comes_back_by_itself() {
    play(64);
}

#[test]
#[ignore = "takes minutes: CORPORA_FLIPS says how many bits, 1000 if nothing"]
fn no_turned_bit_of_a_thousand_gives_a_wrong_file() {
    play(std::env::var("CORPORA_FLIPS").ok().and_then(|count| count.parse().ok()).unwrap_or(1000));
}
