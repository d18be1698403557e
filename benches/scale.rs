//! A whole local run over many small documents: time, memory and disk for each stage, and whether the last documents cost as
//! much as the first.
//!
//! `cargo bench --bench scale -- COUNT [LINES] [FOLDER]`: COUNT documents (1,000) of LINES lines of prose (24), every other a PDF, in a
//! temporary folder within FOLDER.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use shelf::{children, documents, kilobytes, processor_seconds};

const STAGES: [&str; 4] = ["parse", "chunk", "extract", "write"];

/// Observations of one stage.
#[derive(Default, Clone)]
struct Seen {
    done: usize,
    began: Option<Instant>,
    seconds: f64,
    /// Processor seconds when it began, after its first tenth, before its last, and at its end.
    processor: [f64; 4],
}

/// Observations of a run.
struct Watched {
    stages: Vec<Seen>,
    seconds: f64,
    first_document: Option<f64>,
    /// Kilobytes: of the program, and of its parse workers together.
    peak: (u64, u64),
}

fn run(shelf: &Path, count: usize) -> Watched {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_corpora"))
        .args(["batch", "books", "-o", "out", "--progress", "json"])
        .current_dir(shelf)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (over, own, workers) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let mut stages = vec![Seen::default(); STAGES.len()];
    let mut first_document = None;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                own.fetch_max(kilobytes(pid, "VmHWM:"), Ordering::Relaxed);
                let together = children(pid).into_iter().map(|worker| kilobytes(worker, "VmHWM:")).sum();
                workers.fetch_max(together, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let processor = || processor_seconds(pid) + children(pid).into_iter().map(processor_seconds).sum::<f64>();
        for line in lines.map_while(Result::ok) {
            let Some(stage) = STAGES.iter().position(|name| line.contains(&format!(r#""stage":"{name}""#))) else {
                continue;
            };
            let seen = &mut stages[stage];
            if line.starts_with(r#"{"event":"stage_started""#) {
                (seen.began, seen.processor[0]) = (Some(Instant::now()), processor());
            } else if line.starts_with(r#"{"event":"document_started""#) {
                first_document.get_or_insert_with(|| started.elapsed().as_secs_f64());
            } else if line.starts_with(r#"{"event":"document_done""#) {
                seen.done += 1;
                if seen.done == count / 10 {
                    seen.processor[1] = processor();
                } else if seen.done == count - count / 10 {
                    seen.processor[2] = processor();
                }
            } else if line.contains(r#""event":"stage_finished""#) {
                seen.processor[3] = processor();
                seen.seconds = seen.began.map_or(0.0, |began| began.elapsed().as_secs_f64());
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(child.wait().unwrap().success());
    let peak = (own.load(Ordering::Relaxed), workers.load(Ordering::Relaxed));
    Watched { stages, seconds: started.elapsed().as_secs_f64(), first_document, peak }
}

/// Bytes on the disk below a folder, in blocks.
fn disk(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => disk(&entry.path()),
            Ok(data) => data.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let count: usize = arguments.first().map_or(1_000, |n| n.parse().unwrap());
    let lines: usize = arguments.get(1).map_or(24, |n| n.parse().unwrap());
    let temporary = match arguments.get(2) {
        Some(parent) => tempfile::tempdir_in(parent).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let shelf = temporary.path();
    let put = |n: usize| {
        let folder = shelf.join(format!("books/{:04}", n / 1000));
        if n.is_multiple_of(1000) || n == count {
            std::fs::create_dir_all(&folder).unwrap();
        }
        let text = documents::story(n as u64);
        let text = &text[..text.len().min(lines + 1)];
        let (format, bytes) = match n % 2 {
            0 => ("pdf", documents::pdf(&[text])),
            _ => ("epub", documents::epub(&format!("Story {n}"), &[text])),
        };
        std::fs::write(folder.join(format!("doc-{n:07}.{format}")), bytes).unwrap();
    };
    (0..count).for_each(put);
    let each = |bytes: u64| bytes as f64 / count as f64;

    let whole = run(shelf, count);
    println!(
        "{count} documents of {lines} lines, {:.1} s, {:.0} a second",
        whole.seconds,
        count as f64 / whole.seconds
    );
    println!("{:<9} {:>9} {:>15} {:>26}", "stage", "seconds", "documents/s", "processor, last/first tenth");
    for (name, seen) in STAGES.iter().zip(&whole.stages) {
        let [from, first, last, end] = seen.processor;
        let ratio = (end - last) / (first - from);
        println!("{name:<9} {:>9.1} {:>15.0} {ratio:>26.2}", seen.seconds, seen.done as f64 / seen.seconds);
    }
    println!("peak memory {:.1} MB, parse workers {:.1} MB", whole.peak.0 as f64 / 1e3, whole.peak.1 as f64 / 1e3);
    let store = disk(&shelf.join("out/.corpora"));
    let (books, out) = (disk(&shelf.join("books")), disk(&shelf.join("out")) - store);
    println!("disk a document: book {:.0}, store {:.0}, output {:.0} bytes", each(books), each(store), each(out));

    let again = run(shelf, count);
    println!("again, nothing to do: {:.2} s, peak {:.1} MB", again.seconds, again.peak.0 as f64 / 1e3);
    put(count);
    let more = run(shelf, count);
    println!(
        "again, one document more: {:.2} s to the first document, {:.2} s in all",
        more.first_document.unwrap(),
        more.seconds
    );
}
