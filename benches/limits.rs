//! Limit efficiency: the lower bound of a run's time under a provider's limits over the time that it took, for a load that is
//! bound by requests, by input tokens and by output tokens; beside it, per-document mode with 8 workers that back off alone.
//!
//! `cargo bench --bench limits -- [DOCUMENTS] [SECONDS]`: by default 1,150 documents (about 4,000 requests) in at least 80 s each.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use corpora::simulator::{Counters, Latency, Limits, Simulator, SimulatorConfig};

use shelf::{fill, now};

/// Runs the program on a shelf and gives the counters of its provider and the whole run's seconds.
fn run(shelf: &Path, limits: Limits, more: &[&str]) -> (Counters, f64) {
    let latency = Latency { median_ms: 200.0, p99_over_median: 7.0, per_output_token_ms: 0.0 };
    let config = SimulatorConfig { limits, latency, keep_journal: false, ..SimulatorConfig::default() };
    let simulator = Simulator::start(config, 0, now()).unwrap();
    let out = shelf.join("out");
    let _ = std::fs::remove_dir_all(&out);
    let url = format!("http://{}", simulator.address());
    let started = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_corpora"))
        .args([
            "batch",
            "books",
            "-o",
            "out",
            "--pipeline",
            "./small.toml",
            "--provider",
            "anthropic",
            "--model",
            "any",
        ])
        .args(["--base-url", &url, "--quiet"])
        .args(more)
        .current_dir(shelf)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    (simulator.counters(), started.elapsed().as_secs_f64())
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let documents = numbers.first().copied().unwrap_or(1_150);
    let seconds = numbers.get(1).copied().unwrap_or(80) as f64;
    let dir = fill(documents);
    let shelf = dir.path();

    let (whole, free) = run(shelf, Limits::default(), &[]);
    println!(
        "{} requests, {} tokens in, {} out; without limits {free:.1} s",
        whole.requests,
        whole.usage.prompt(),
        whole.usage.output
    );
    println!(
        "{:<10} {:<14} {:>8} {:>10} {:>10} {:>8} {:>8}",
        "bound by", "way", "requests", "asking s", "whole s", "429", "limit"
    );
    let per_minute = |n: u64| (n as f64 / seconds * 60.0).ceil();
    // A limit given too high, and a provider that does not tell its own: the rate has to be found.
    let limits = Limits { requests: Some(per_minute(whole.requests)), headers: Some(false), ..Limits::default() };
    let given = format!("{:.0}", per_minute(whole.requests) / 0.7);
    let (c, _) = run(shelf, limits, &["--rpm", &given]);
    println!(
        "true limit 0.7 of the given one: {:.3} of it used, {:.2}% of requests refused",
        c.answered as f64 / per_minute(whole.requests) * 60.0 / ((c.last_ms - c.first_ms) / 1000.0),
        100.0 * c.limited as f64 / c.requests as f64,
    );
    for bound in ["requests", "input", "output"] {
        let mut limits = Limits::default();
        let (slot, option, value) = match bound {
            "requests" => (&mut limits.requests, "--rpm", per_minute(whole.requests)),
            "input" => (&mut limits.input, "--itpm", per_minute(whole.usage.prompt())),
            _ => (&mut limits.output, "--otpm", per_minute(whole.usage.output)),
        };
        *slot = Some(value);
        let given = format!("{value}");
        let quarter = format!("{}", documents / 4);
        let ways: [(&str, Vec<&str>); 2] = [
            ("staged", vec![option, &given]),
            ("8 alone", vec!["--mode", "per-document", "--workers", "8", "--limit", &quarter]),
        ];
        for (way, more) in ways {
            let (c, elapsed) = run(shelf, limits, &more);
            let demand = match bound {
                "requests" => c.answered as f64,
                "input" => c.usage.prompt() as f64,
                _ => c.usage.output as f64,
            };
            let asking = (c.last_ms - c.first_ms) / 1000.0;
            let efficiency = demand / value * 60.0 / asking;
            println!(
                "{bound:<10} {way:<14} {:>8} {asking:>10.1} {elapsed:>10.1} {:>7.2}% {efficiency:>8.3}",
                c.requests,
                100.0 * c.limited as f64 / c.requests as f64,
            );
        }
    }
}
