//! Time and memory of `corpora consolidate`: `cargo bench --bench consolidate -- FILES [TERMS] [FOLDER]` makes FILES vocabulary files
//! of TERMS entries each (200), about 0.8 KB an entry, in FOLDER (a temporary one), consolidates them from nothing, then
//! after one file has changed, then with nothing to do.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::format_push_string, reason = "a measurement")]

mod shelf;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Distinct terms: drawn so that a few are in most files and most are in few.
const WORDS: f64 = 2_000_000.0;

fn file(n: usize, terms: usize, salt: u64) -> String {
    let mut random = fastrand::Rng::with_seed(n as u64 * 31 + salt);
    let mut chosen: Vec<u64> = Vec::new();
    while chosen.len() < terms {
        chosen.push(WORDS.powf(random.f64()) as u64);
        chosen.sort_unstable();
        chosen.dedup();
    }
    let mut entries: Vec<String> = chosen.iter().map(|word| entry(n, *word, &mut random)).collect();
    entries.sort();
    format!(
        r#"{{"metadata":{{"schema_version":1,"source_path":"{n:06}.pdf","source_hash":"{n:064x}","format":"pdf","title":null,"author":null,"language":"en","pipeline":"vocabulary","provider":"local","model":null,"term_count":{terms},"classified_count":0,"flagged_count":0}},"entries":[{}]}}"#,
        entries.join(",")
    )
}

fn entry(n: usize, word: u64, random: &mut fastrand::Rng) -> String {
    let category = ["creature", "item", "spell"][random.usize(..3)];
    let place = |at: u64| {
        format!(
            r#"{{"section_kind":"page","section":{},"section_label":null,"start":{at},"end":{},"sentence":"Beyond the {at} hills the salt term {word} is spoken of by few, in document {n}."}}"#,
            at / 300 + 1,
            at + 9
        )
    };
    format!(
        r#"{{"id":"{word:016x}","text":"Salt Term {word}","source":"{n:06}.pdf","genre":null,"intent":null,"pos":"noun","axes":{{"fire":{:.2},"void":{:.2}}},"tags":["tag{}"],"category":"{category}","canonical":"salt term {word}","mood":null,"energy":null,"confidence":{:.3},"secondary_intents":null,"ip_flag":{},"definition":null,"occurrences":[{},{}],"evidence":null,"grounding":null,"fields":null}}"#,
        random.f64(),
        random.f64(),
        random.usize(..40),
        random.f64(),
        if word % 50_000 == 7 { "\"classification:ip-suspect\"" } else { "null" },
        place(random.u64(..90_000)),
        place(random.u64(..90_000)),
    )
}

fn measure(what: &str, folder: &Path) {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_corpora"))
        .arg("consolidate")
        .arg(folder)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(shelf::kilobytes(child.id(), "VmHWM:"));
        std::thread::sleep(Duration::from_millis(20));
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("{what}: {seconds:.1} s, peak {:.1} MB", peak as f64 / 1000.0);
    print!("{}", String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr));
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let files: usize = arguments.next().map_or(2_000, |n| n.parse().unwrap());
    let terms: usize = arguments.next().map_or(200, |n| n.parse().unwrap());
    let temporary = match arguments.next() {
        Some(parent) => tempfile::tempdir_in(parent).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let folder = temporary.path();
    let path = |n: usize| folder.join(format!("{:03}/{n:06}.vocab.json", n / 1000));
    let mut bytes = 0;
    for n in 0..files {
        std::fs::create_dir_all(path(n).parent().unwrap()).unwrap();
        let text = file(n, terms, 0);
        bytes += text.len();
        std::fs::write(path(n), text).unwrap();
    }
    println!("{files} files of {terms} entries, {:.1} MB", bytes as f64 / 1e6);
    measure("from nothing", folder);
    std::fs::write(path(files / 2), file(files / 2, terms, 1)).unwrap();
    measure("one file changed", folder);
    measure("nothing to do", folder);
    let size = |name: &str| std::fs::metadata(folder.join(name)).map_or(0, |m| m.len()) as f64 / 1e6;
    println!("master {:.1} MB, queue {:.1} MB", size("master.vocab.json"), size("flagged.json"));
}
