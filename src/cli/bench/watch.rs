//! A run of this program as a child process, watched from outside: time, processor, memory, and its summary.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::values::Summary;

/// Time between two looks at a process's memory. Its own record of the highest is read, so little is missed.
const LOOK: Duration = Duration::from_millis(20);

/// Time and memory that a run took, and its summary.
#[derive(Debug)]
pub(super) struct Watched {
    /// Seconds by the clock.
    pub(super) seconds: f64,
    /// Processor seconds, of its parse workers too.
    pub(super) processor: f64,
    /// Most memory that was resident at once, in bytes: of the program, with its parse workers.
    pub(super) memory: u64,
    pub(super) summary: Summary,
}

#[derive(Deserialize)]
struct Finished {
    summary: Summary,
}

/// Runs the program and waits for its end.
///
/// # Errors
/// A sentence, with the last of what the run said, if it cannot be started or ends without a summary.
pub(super) fn run(mut command: Command) -> Result<Watched, String> {
    let before = waited_for();
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| format!("the program cannot be started again: {e}"))?;
    let lines = BufReader::new(child.stderr.take().expect("it was piped")).lines();
    let (over, memory) = (AtomicBool::new(false), AtomicU64::new(0));
    let pid = child.id();
    let (mut summary, mut last) = (None, String::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let workers: u64 = children(pid).into_iter().map(highest_memory).sum();
                memory.fetch_max(highest_memory(pid) + workers, Ordering::Relaxed);
                std::thread::sleep(LOOK);
            }
        });
        for line in lines.map_while(Result::ok) {
            if line.starts_with(r#"{"event":"run_finished""#) {
                summary = serde_json::from_str::<Finished>(&line).ok().map(|finished| finished.summary);
            } else if !line.starts_with(r#"{"event":"document_"#) {
                last = line;
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let status = child.wait().map_err(|e| format!("the run cannot be waited for: {e}"))?;
    let seconds = started.elapsed().as_secs_f64();
    let summary = summary.ok_or_else(|| format!("the run ended ({status}) without a summary; it said: {last}"))?;
    Ok(Watched { seconds, processor: waited_for() - before, memory: memory.load(Ordering::Relaxed), summary })
}

/// Processor seconds of all processes that this one has waited for, and that they have. Linux counts them in hundredths
/// (`man 5 proc_pid_stat`, cutime and cstime).
fn waited_for() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    let hundredths = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (hundredths(13) + hundredths(14)) / 100.0
}

/// The most memory that a process has had resident, in bytes; 0 if it is gone.
fn highest_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn children(pid: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |thread: std::fs::DirEntry| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
    threads
        .map(of)
        .flat_map(|pids| pids.split_whitespace().filter_map(|p| p.parse().ok()).collect::<Vec<_>>())
        .collect()
}
