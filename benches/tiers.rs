//! Staged against per-document mode under the limits of four account tiers: `corpora bench` on books of a median of 12 chunks.
//!
//! `cargo bench --bench tiers -- [TIER]`: all four tiers, or the one with this number. The provider's clock is compressed; minutes are the
//! provider's. Per-document mode gets 200 books everywhere: what part of the limits it uses does not depend on their number.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use shelf::documents;

/// Requests, input tokens and output tokens a minute.
struct Tier {
    limits: [u32; 3],
    /// Number of books that staged mode gets, and the factor by which the clock is then faster than the real one.
    staged: (usize, u32),
    /// The same of per-document mode.
    per_document: (usize, u32),
}

const TIERS: [Tier; 4] = [
    Tier { limits: [50, 50_000, 10_000], staged: (200, 120), per_document: (200, 120) },
    Tier { limits: [1_000, 450_000, 90_000], staged: (200, 20), per_document: (200, 30) },
    Tier { limits: [4_000, 2_000_000, 400_000], staged: (800, 10), per_document: (200, 20) },
    Tier { limits: [20_000, 10_000_000, 2_000_000], staged: (4_000, 10), per_document: (200, 20) },
];

/// Lines of prose in a chunk of 1,000 tokens.
const LINES: f64 = 70.0;

fn fill(folder: &Path, count: usize) {
    for n in 0..count {
        let mut random = fastrand::Rng::with_seed(n as u64 + 1);
        // Log-normal: the sum of twelve uniform numbers is near enough to normal.
        let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        let lines = (LINES * 12.0 * (0.5 * normal).exp()) as usize;
        let text: Vec<String> =
            (0..lines.div_ceil(25)).flat_map(|k| documents::story((n * 1_000 + k) as u64)).take(lines).collect();
        let book = documents::epub(&format!("Book {n}"), &[&text]);
        let place = folder.join(format!("{:02}/book-{n:05}.epub", n / 100));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, book).unwrap();
    }
}

/// The medians of one mode, of one round.
fn bench(folder: &Path, tier: &Tier, mode: &str, (count, compress): (usize, u32)) -> Value {
    let [rpm, itpm, otpm] = tier.limits.map(|limit| limit.to_string());
    let (count, compress) = (count.to_string(), compress.to_string());
    let status = Command::new(env!("CARGO_BIN_EXE_corpora"))
        .args(["bench", "books", "-o", "out", "--pipeline", "glossary", "--rounds", "1", "--latency", "6000"])
        .args(["--latency-spread", "6.7", "--modes", mode, "--limit", &count, "--compress", &compress])
        .args(["--rpm", &rpm, "--itpm", &itpm, "--otpm", &otpm])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let report: Value = serde_json::from_slice(&std::fs::read(folder.join("out/bench.json")).unwrap()).unwrap();
    report["modes"][0]["median"].clone()
}

fn main() {
    let only: Option<usize> = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let dir = tempfile::tempdir().unwrap();
    let chosen: Vec<(usize, &Tier)> =
        TIERS.iter().enumerate().map(|(n, t)| (n + 1, t)).filter(|(n, _)| only.is_none_or(|o| o == *n)).collect();
    fill(&dir.path().join("books"), chosen.iter().map(|(_, t)| t.staged.0).max().unwrap());
    println!(
        "{:<5}{:<13}{:>7}{:>10}{:>10}{:>8}{:>12}{:>12}{:>12}{:>11}{:>10}",
        "tier",
        "mode",
        "books",
        "requests",
        "refused",
        "minutes",
        "tokens in",
        "tokens out",
        "efficiency",
        "books/min",
        "$/book"
    );
    for (number, tier) in chosen {
        let mut pace = Vec::new();
        for (mode, size) in [("staged", tier.staged), ("per-document", tier.per_document)] {
            let figures = bench(dir.path(), tier, mode, size);
            let f = |name: &str| figures[name].as_f64().unwrap_or(f64::NAN);
            let minutes = f("seconds") * f64::from(size.1) / 60.0;
            pace.push(f("documents") / minutes);
            println!(
                "{number:<5}{mode:<13}{:>7}{:>10}{:>9.1}%{minutes:>8.1}{:>12}{:>12}{:>12.3}{:>11.2}{:>10.5}",
                f("documents"),
                f("requests"),
                100.0 * f("refused") / f("requests"),
                f("input_tokens"),
                f("output_tokens"),
                f("limit_efficiency"),
                f("documents") / minutes,
                f("dollars") / f("documents"),
            );
        }
        println!("     staged does {:.1} times as many books a minute", pace[0] / pace[1]);
    }
}
