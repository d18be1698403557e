//! Cost of a crash: a run that is killed when half of its requests are answered, and the run after it, against one that
//! nothing happens to, in tokens as the provider bills them.
//!
//! `cargo bench --bench crash -- [DOCUMENTS]`: default 10,000. Fails if more than 1.005 times of one pass was billed.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use corpora::simulator::{Latency, Limits, Simulator, SimulatorConfig};

use shelf::{fill, now};

fn simulator() -> Simulator {
    // An account of 30,000 requests a minute that answers fast: 500 a second, thirty or so in flight.
    let limits = Limits { requests: Some(30_000.0), ..Limits::default() };
    let latency = Latency { median_ms: 40.0, p99_over_median: 6.7, per_output_token_ms: 0.0 };
    Simulator::start(SimulatorConfig { limits, latency, keep_journal: false, ..SimulatorConfig::default() }, 0, now())
        .unwrap()
}

fn start(shelf: &Path, out: &str, simulator: &Simulator, mode: &str) -> Child {
    let url = format!("http://{}", simulator.address());
    Command::new(env!("CARGO_BIN_EXE_corpora"))
        .args(["batch", "books", "-o", out, "--pipeline", "./small.toml", "--provider", "anthropic", "--model", "any"])
        .args(["--base-url", &url, "--quiet", "--rpm", "30000", "--mode", mode])
        .args(if mode == "staged" { &[][..] } else { &["--workers", "8"] })
        .current_dir(shelf)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn main() {
    let documents = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(10_000);
    let dir = fill(documents);
    let shelf = dir.path();
    let mut staged = 0.0;
    for mode in ["staged", "per-document"] {
        let calm = simulator();
        assert!(start(shelf, &format!("calm-{mode}"), &calm, mode).wait().unwrap().success());
        let once = calm.counters();
        let together = |usage: &corpora::values::Usage| usage.prompt() + usage.output;

        let hit = simulator();
        let out = format!("hit-{mode}");
        let mut child = start(shelf, &out, &hit, mode);
        while hit.counters().billed < once.billed / 2 {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let at = hit.counters().billed;
        assert!(start(shelf, &out, &hit, mode).wait().unwrap().success());
        let twice = hit.counters();
        let share = together(&twice.usage) as f64 / together(&once.usage) as f64;
        println!(
            "{mode}: {documents} documents, {} requests, {} tokens; killed after {at}: {} requests, {} tokens, {share:.5} times",
            once.billed,
            together(&once.usage),
            twice.billed,
            together(&twice.usage),
        );
        if mode == "staged" {
            staged = share;
        }
    }
    assert!(staged <= 1.005, "a crash costs more than 0.5 % of a pass");
}
