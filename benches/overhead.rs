//! Time that the engine adds to the stages' own computing, in two ways. By the clock: the time of `parse`, `chunk` and
//! `extract` over the sum of what the documents took in them, which is computing and the loading and packing of
//! results; `write` waits for the disk, side by side. And by the processor: a whole local run with one worker over the
//! same functions called one after the other in one process, without store, packing, workers or progress.
//!
//! `cargo bench --bench overhead -- [DOCUMENTS] [LINES]`: default 60 documents of 10,000 lines (540 KB of text), every other a
//! PDF; five rounds in turns, of which the medians count. Documents count whole milliseconds: small ones count too little.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use corpora::stages::chunk::chunk;
use corpora::stages::extract::extract_embedded;
use corpora::stages::parse::{ParseSettings, parse};
use corpora::stages::write::{Blocklist, Origin, render};
use corpora::values::{Fingerprint, SourcePath};

use shelf::{documents, processor_seconds, waited_for};

fn alone(books: &[PathBuf], out: &Path, blocklist: &Blocklist) -> f64 {
    let pipeline = corpora::pipelines::find("vocabulary").unwrap();
    let before = processor_seconds(std::process::id());
    for (n, book) in books.iter().enumerate() {
        let bytes = std::fs::read(book).unwrap();
        let hash = Fingerprint::of(&bytes);
        let document = parse(&bytes, &ParseSettings::default(), &mut |_, _| {}).unwrap();
        std::hint::black_box(chunk(&document, pipeline.chunk));
        let extraction = extract_embedded(&pipeline.method, &document);
        let origin = Origin { pipeline: pipeline.name.clone(), provider: "local".into(), model: None };
        let path = SourcePath::from_text(book.file_name().unwrap().to_string_lossy());
        let vocabulary = render(&path, hash, &document, &extraction, &origin, Some(blocklist));
        std::fs::write(out.join(format!("{n}.json")), vocabulary.to_bytes()).unwrap();
    }
    processor_seconds(std::process::id()) - before
}

/// The time of the stages that compute over the sum of their documents' own, of a run with one worker.
fn by_the_clock(folder: &Path) -> f64 {
    let run = Command::new(env!("CARGO_BIN_EXE_corpora"))
        .args(["batch", "books", "--progress", "json", "--workers", "1", "-o", "clock"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    std::fs::remove_dir_all(folder.join("clock")).unwrap();
    let (mut own, mut whole) = (0, 0);
    for line in String::from_utf8(run.stderr).unwrap().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let computes = |stage: &serde_json::Value| ["parse", "chunk", "extract"].iter().any(|name| stage == name);
        match event["event"].as_str() {
            Some("document_done") if computes(&event["stage"]) => own += event["millis"].as_u64().unwrap(),
            Some("stage_finished") if computes(&event["totals"]["stage"]) => {
                whole += event["totals"]["millis"].as_u64().unwrap();
            }
            _ => {}
        }
    }
    whole as f64 / own as f64
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let count = numbers.first().copied().unwrap_or(60);
    let lines = numbers.get(1).copied().unwrap_or(10_000);
    let dir = tempfile::tempdir().unwrap();
    let books: Vec<PathBuf> = (0..count)
        .map(|n| {
            let text: Vec<String> =
                (0..lines.div_ceil(25)).flat_map(|k| documents::story((n * 1_000 + k) as u64)).take(lines).collect();
            let pages: Vec<&[String]> = text.chunks(40).collect();
            let (format, bytes) = match n % 2 {
                0 => ("pdf", documents::pdf(&pages)),
                _ => ("epub", documents::epub(&format!("Book {n}"), &pages)),
            };
            let place = dir.path().join(format!("books/{n:05}.{format}"));
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(&place, bytes).unwrap();
            place
        })
        .collect();
    let list = Blocklist::parse(corpora::stages::write::BUILTIN_BLOCKLIST).unwrap();
    let (mut own, mut whole, mut clock) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..5 {
        let out = dir.path().join(format!("alone-{round}"));
        std::fs::create_dir(&out).unwrap();
        own.push(alone(&books, &out, &list));
        let before = waited_for();
        let status = Command::new(env!("CARGO_BIN_EXE_corpora"))
            .args(["batch", "books", "--quiet", "--workers", "1", "-o", &format!("out-{round}")])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success());
        whole.push(waited_for() - before);
        clock.push(by_the_clock(dir.path()));
    }
    clock.sort_by(f64::total_cmp);
    own.sort_by(f64::total_cmp);
    whole.sort_by(f64::total_cmp);
    println!("{count} documents of {lines} lines");
    println!("stages that compute over the sum of their documents' own time: {:+.1} %", (clock[2] - 1.0) * 100.0);
    println!(
        "processor time of the bare functions {:.2} s, of a whole run {:.2} s: {:+.1} %",
        own[2],
        whole[2],
        (whole[2] / own[2] - 1.0) * 100.0
    );
}
