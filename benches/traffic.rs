//! Cost of asking: processor time and memory with 400 requests in flight at 200 ms, and whether memory stays flat.
//!
//! `cargo bench --bench traffic -- [DOCUMENTS]`: 28,000 documents are about 100,000 requests; default 5,600.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use corpora::simulator::{Latency, Simulator, SimulatorConfig};

use shelf::{fill, kilobytes, now, processor_seconds};

fn main() {
    let documents = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(5_600);
    let dir = fill(documents);
    let shelf = dir.path();
    let latency = Latency { median_ms: 200.0, ..Latency::default() };
    let config = SimulatorConfig { latency, keep_journal: false, ..SimulatorConfig::default() };
    let simulator = Simulator::start(config, 0, now()).unwrap();
    let url = format!("http://{}", simulator.address());
    let command = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_corpora"));
        command
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
            .args(["--base-url", &url, "--quiet", "--rpm", "150000", "--in-flight", "400"])
            .args(more)
            .current_dir(shelf)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    assert!(command(&["--until", "chunk"]).status().unwrap().success());
    let started = Instant::now();
    let mut child = command(&["--until", "extract"]).spawn().unwrap();
    let pid = child.id();
    println!("{:>8} {:>9} {:>8} {:>8} {:>9} {:>9}", "seconds", "requests", "a second", "core", "RSS MB", "peak MB");
    let (mut asked, mut used) = (0, 0.0);
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_secs(5));
        let (requests, seconds) = (simulator.counters().requests, processor_seconds(pid));
        if seconds == 0.0 {
            break;
        }
        println!(
            "{:>8.0} {requests:>9} {:>8.0} {:>7.0}% {:>9.1} {:>9.1}",
            started.elapsed().as_secs_f64(),
            (requests - asked) as f64 / 5.0,
            (seconds - used) / 5.0 * 100.0,
            kilobytes(pid, "VmRSS:") as f64 / 1024.0,
            kilobytes(pid, "VmHWM:") as f64 / 1024.0,
        );
        (asked, used) = (requests, seconds);
    }
    assert!(child.wait().unwrap().success());
    let counters = simulator.counters();
    println!(
        "{} requests, at most {} in flight, {:.0} s",
        counters.requests,
        counters.most_in_flight,
        started.elapsed().as_secs_f64()
    );
}
