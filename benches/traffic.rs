//! What asking costs: processor time and memory with 400 requests in flight at 200 ms, and whether memory stays flat.
//!
//! `cargo bench --bench traffic -- [DOCUMENTS]`: 28,000 documents are about 100,000 requests; default 5,600.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::format_push_string,
    dead_code,
    reason = "a measurement that cannot go on says so by panicking"
)]

#[path = "../tests/support/documents.rs"]
mod documents;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use corpora::simulator::{Latency, Simulator, SimulatorConfig};

/// A field of `/proc/PID/status` in kB.
fn kilobytes(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// User and system time of a process in seconds, at 100 ticks a second.
fn processor_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn main() {
    let documents = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(5_600);
    let dir = tempfile::tempdir().unwrap();
    let shelf = dir.path();
    for n in 0..documents {
        let (name, bytes) = documents::nth(n);
        let path = shelf.join("books").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let pipeline = include_str!("../pipelines/glossary.toml")
        .replace("max_tokens = 1000", "max_tokens = 120")
        .replace("overlap_tokens = 100", "overlap_tokens = 20");
    std::fs::write(shelf.join("small.toml"), pipeline).unwrap();
    let latency = Latency { median_ms: 200.0, ..Latency::default() };
    let config = SimulatorConfig { latency, keep_journal: false, ..SimulatorConfig::default() };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let simulator = Simulator::start(config, 0, now).unwrap();
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
