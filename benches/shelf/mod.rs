//! Common parts of the measurements: a shelf of small documents whose pipeline cuts small chunks, and a look at a
//! running process.

#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    dead_code,
    reason = "shared by measurements that use parts of it"
)]

#[path = "../../tests/support/documents.rs"]
pub(crate) mod documents;

use std::time::{SystemTime, UNIX_EPOCH};

/// Unix time in seconds.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// A folder with `books` and the pipeline `small.toml`.
pub(crate) fn fill(documents: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for n in 0..documents {
        let (name, bytes) = documents::nth(n);
        let path = dir.path().join("books").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let pipeline = include_str!("../../pipelines/glossary.toml")
        .replace("max_tokens = 1000", "max_tokens = 120")
        .replace("overlap_tokens = 100", "overlap_tokens = 20");
    std::fs::write(dir.path().join("small.toml"), pipeline).unwrap();
    dir
}

/// A field of `/proc/PID/status` in kB.
pub(crate) fn kilobytes(pid: u32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// User and system time of a process in seconds, at 100 ticks a second.
pub(crate) fn processor_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// The child processes of a process.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of_task = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    tasks
        .map(of_task)
        .flat_map(|pids| pids.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Processor seconds of processes that were waited for.
pub(crate) fn waited_for() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split_whitespace().collect();
    fields[13..15].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}
