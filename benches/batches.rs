//! A quarter of a million requests by batch: memory, and requests a second of packing and of importing.
//!
//! `cargo bench --bench batches -- [DOCUMENTS] [PROVIDER]`: 68,500 documents are about 250,000 requests; default 5,600, anthropic.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use corpora::simulator::{BatchConfig, Simulator, SimulatorConfig};

use shelf::{fill, kilobytes, now, processor_seconds};

fn main() {
    let documents: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(5_600);
    let known = ["anthropic", "openai", "gemini"];
    let provider = std::env::args().find(|a| known.contains(&a.as_str())).unwrap_or_else(|| known[0].to_owned());
    let dir = fill(documents);
    let shelf = dir.path();
    let batch = BatchConfig { turnaround_ms: 3_000.0, ..BatchConfig::default() };
    let config = SimulatorConfig { batch, keep_journal: false, ..SimulatorConfig::default() };
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
                &provider,
                "--model",
                "any",
            ])
            .args(["--base-url", &url, "--quiet", "--endpoint", "batch", "--no-probe", "--poll", "1"])
            .args(more)
            .current_dir(shelf)
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    assert!(command(&["--until", "chunk"]).status().unwrap().success());
    for (what, more) in
        [("pack and submit", &["--until", "extract", "--detach"][..]), ("collect", &["--until", "extract"])]
    {
        let started = Instant::now();
        let mut child = command(more).spawn().unwrap();
        let pid = child.id();
        let (mut peak, mut used) = (0, 0.0);
        while child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(200));
            peak = peak.max(kilobytes(pid, "VmHWM:"));
            used = processor_seconds(pid).max(used);
        }
        let seconds = started.elapsed().as_secs_f64();
        let made = simulator.batch_counters();
        println!(
            "{what:<16} {} batches, {} requests, {seconds:.1} s, {:.0} requests a second, {used:.1} s of processor, peak {:.1} MB",
            made.created,
            made.requests,
            made.requests as f64 / seconds,
            peak as f64 / 1024.0
        );
    }
    assert_eq!(simulator.batch_counters().payloads_twice, 0);
}
