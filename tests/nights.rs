//! Twelve bad nights: `status` names the cause and a command, and the command works.

use std::io::ErrorKind;
use std::sync::Arc;

use corpora::simulator::{BatchConfig, BatchFault, Latency, SimulatorConfig};
use serde_json::Value;

use crate::support::disk::{Fault, FaultyDisk, run_on};
use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::{Run, Shelf, command};

fn quick() -> SimulatorConfig {
    let latency = Latency { median_ms: 2.0, p99_over_median: 2.0, per_output_token_ms: 0.0 };
    SimulatorConfig { latency, ..SimulatorConfig::default() }
}

/// The status of `out` as JSON, held against its schema.
fn status(shelf: &Shelf) -> Value {
    let status: Value = serde_json::from_str(&shelf.run(&["status", "out", "--json"]).exits(0).stdout()).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../schemas/status.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&status).map(|e| e.to_string()).collect();
    assert!(faults.is_empty(), "{faults:?}: {status}");
    status
}

/// Text that `status` prints, and the commands in it.
fn told(shelf: &Shelf) -> (String, Vec<String>) {
    let text = shelf.run(&["status", "out"]).exits(0).stdout();
    let commands =
        text.lines().filter_map(|line| line.strip_prefix("            corpora ")).map(str::to_owned).collect();
    (text, commands)
}

/// Types a command of `status` into a shell.
fn typed(shelf: &Shelf, words: &str) -> Run {
    let mut shell = std::process::Command::new("sh");
    let program = command(shelf.path(), &[]).get_program().to_owned();
    shell.args(["-c", &format!("\"$CORPORA\" {words}")]).env("CORPORA", program).current_dir(shelf.path());
    Run(shell.env("ANTHROPIC_API_KEY", KEY).output().unwrap())
}

/// The last command, which goes on; it has to end with this code.
fn goes_on(shelf: &Shelf, cause: &str, code: i32) -> Run {
    let (text, commands) = told(shelf);
    assert!(text.contains(cause), "'{cause}' is not named:\n{text}");
    let last = commands.last().unwrap_or_else(|| panic!("no command:\n{text}"));
    typed(shelf, last).exits(code)
}

#[test]
fn a_wrong_key() {
    let rehearsal = Rehearsal::of(2, SimulatorConfig { key: "sk-other".into(), ..quick() });
    rehearsal.run("out", &[]).exits(75);
    assert_eq!(status(&rehearsal.shelf)["run"]["stop_reason"], "key");
    rehearsal.simulator.reconfigure(quick());
    goes_on(&rehearsal.shelf, "set a key that the provider takes", 0);
}

#[test]
fn a_cap() {
    let rehearsal = Rehearsal::of(6, quick());
    rehearsal.run("out", &["--max-cost", "0.0006"]).exits(75);
    let status = status(&rehearsal.shelf);
    assert_eq!(status["run"]["stop_reason"], "cap", "{status}");
    let mut code = 75;
    // Each time twice the sum.
    for _ in 0..12 {
        let (text, commands) = told(&rehearsal.shelf);
        assert!(text.contains("--max-cost"), "{text}");
        code = typed(&rehearsal.shelf, commands.last().unwrap()).0.status.code().unwrap();
        if code == 0 {
            break;
        }
    }
    assert_eq!(code, 0);
}

#[test]
fn an_outage() {
    let rehearsal = Rehearsal::of(2, quick());
    let url = "http://127.0.0.1:9";
    let args =
        ["batch", "books", "-o", "out", "--base-url", url, "--provider", "anthropic", "--model", "claude-haiku-5-5"];
    let more = ["--pipeline", "glossary", "--patience", "0.02"];
    let down = Run(command(rehearsal.shelf.path(), &[&args[..], &more].concat())
        .env("ANTHROPIC_API_KEY", KEY)
        .output()
        .unwrap());
    down.exits(75);
    let (text, commands) = told(&rehearsal.shelf);
    assert!(text.contains("wait until the provider answers again"), "{text}");
    // The provider is back, at an address where it can be had here.
    let address = format!("http://{}", rehearsal.simulator.address());
    typed(&rehearsal.shelf, &commands.last().unwrap().replace(url, &address)).exits(0);
}

// With a real disk and the command that `status` shows: `bad_input::a_disk_that_fills_up_in_mid_run`.
#[test]
fn a_full_disk() {
    let shelf = Shelf::of(2);
    let full = FaultyDisk::failing(0, Fault::ForGood(ErrorKind::StorageFull));
    assert!(run_on(Arc::new(full), shelf.path(), &shelf.out(), "{\"x\": [\"quill\"]}").is_err());
    let status = status(&shelf);
    assert_eq!(status["run"]["state"], "broken");
    let error = status["run"]["error"].as_str().unwrap();
    assert!(error.contains("full") && error.contains("run the same command again"), "{error}");
    shelf.batch(&[]).exits(0);
}

#[test]
fn killed() {
    let latency = Latency { median_ms: 2_000.0, p99_over_median: 1.1, per_output_token_ms: 0.0 };
    let rehearsal = Rehearsal::of(4, SimulatorConfig { latency, ..SimulatorConfig::default() });
    let mut run = rehearsal.spawn("out", &[]);
    while rehearsal.requests() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(status(&rehearsal.shelf)["run"]["state"], "killed");
    rehearsal.simulator.reconfigure(quick());
    goes_on(&rehearsal.shelf, "without a word", 0);
}

#[test]
fn a_damaged_file() {
    let shelf = Shelf::of(2);
    shelf.put("broken.epub", b"PK\x03\x04 and no more");
    shelf.batch(&[]).exits(75);
    let (text, commands) = told(&shelf);
    assert!(text.contains("Damaged") && commands[0] == "status out --failed", "{text}");
    typed(&shelf, &commands[0]).exits(0);
    shelf.put("broken.epub", &crate::support::documents::nth(9).1);
    goes_on(&shelf, "broken.epub", 0);
}

/// Options of a run that leaves everything in provider batches.
const LEAVES: [&str; 6] = ["--endpoint", "batch", "--no-probe", "--poll", "0.03", "--detach"];

#[test]
fn an_expired_batch() {
    let batch =
        BatchConfig { turnaround_ms: 60_000.0, script: vec![(BatchFault::Expired, 1)], ..BatchConfig::default() };
    let rehearsal = Rehearsal::of(3, SimulatorConfig { batch, ..quick() });
    rehearsal.run("out", &LEAVES).exits(0);
    rehearsal.simulator.end_batches();
    // In the next evening: half of it was not done, and is in another provider batch now.
    goes_on(&rehearsal.shelf, "in open provider batches", 0);
    let cause = "were not answered (the request expired)";
    assert!(status(&rehearsal.shelf)["batch_notes"][0].as_str().is_some_and(|note| note.contains(cause)));
    let (text, commands) = told(&rehearsal.shelf);
    assert!(text.contains(cause) && commands[0] == "wait out", "{text}");
    rehearsal.simulator.end_batches();
    goes_on(&rehearsal.shelf, "is not collected", 0);
    let done = status(&rehearsal.shelf);
    assert_eq!((&done["open_batches"], &done["steps"]), (&0.into(), &serde_json::json!([])), "{done}");
}

#[test]
fn a_batch_whose_results_are_gone() {
    let batch = BatchConfig { script: vec![(BatchFault::ResultsGone, 1)], ..BatchConfig::default() };
    let rehearsal = Rehearsal::of(2, SimulatorConfig { batch, ..quick() });
    let args = ["--endpoint", "batch", "--no-probe", "--poll", "0.03", "--patience", "0.01"];
    rehearsal.run("out", &args).exits(75);
    assert_eq!(status(&rehearsal.shelf)["run"]["stop_reason"], "batch_lost");
    let (text, commands) = told(&rehearsal.shelf);
    assert!(commands.last().unwrap().ends_with("--abandon-batches"), "{text}");
    goes_on(&rehearsal.shelf, "cannot be read", 0);
}

#[test]
fn what_was_left_at_the_provider() {
    let batches = BatchConfig { turnaround_ms: 60_000.0, ..BatchConfig::default() };
    let rehearsal = Rehearsal::of(3, SimulatorConfig { batch: batches, ..quick() });
    rehearsal.run("out", &LEAVES).exits(0);
    let left = status(&rehearsal.shelf);
    assert_eq!(
        (left["run"]["outcome"].as_str(), left["run"]["stop_reason"].as_str()),
        (Some("detached"), Some("batches_left"))
    );
    let (text, commands) = told(&rehearsal.shelf);
    assert!(text.contains("detached") && text.contains("in open provider batches"), "{text}");
    assert_eq!(commands[0], "wait out", "{text}");
    rehearsal.simulator.end_batches();
    // What it leaves at the provider this time is nothing.
    let code = goes_on(&rehearsal.shelf, "is not collected", 0);
    assert!(code.stderr().contains("run_finished"));
    assert_eq!(status(&rehearsal.shelf)["open_batches"], 0);
}

#[test]
fn missing_recognition() {
    let shelf = Shelf::of(1);
    let scanned = include_bytes!("../samples-trouble/scanned-notice.pdf");
    shelf.put("scanned.pdf", scanned);
    let mut without = command(shelf.path(), &["batch", "books", "-o", "out"]);
    Run(without.env("PATH", "/nonexistent").output().unwrap()).exits(0);
    let (text, commands) = told(&shelf);
    assert!(text.contains("apt-get install tesseract-ocr"), "{text}");
    assert!(commands.last().unwrap().ends_with("--retry-failed"), "{text}");
    typed(&shelf, commands.last().unwrap()).exits(0);
}

#[test]
fn a_folder_in_use() {
    let latency = Latency { median_ms: 3_000.0, p99_over_median: 1.1, per_output_token_ms: 0.0 };
    let rehearsal = Rehearsal::of(2, SimulatorConfig { latency, ..SimulatorConfig::default() });
    let mut run = rehearsal.spawn("out", &[]);
    while rehearsal.requests() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let (text, commands) = told(&rehearsal.shelf);
    let process = format!("(process {} on", run.id());
    assert!(text.starts_with("running") && text.contains(&process) && text.contains("last commit"), "{text}");
    assert_eq!(commands, ["status out"]);
    rehearsal.run("out", &[]).exits(75);
    assert_eq!(status(&rehearsal.shelf)["run"]["state"], "running", "a second run changes nothing of what is told");
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn an_empty_folder() {
    let shelf = Shelf::empty();
    shelf.batch(&[]).exits(66);
    let (text, _) = told(&shelf);
    assert!(text.contains("no documents were found"), "{text}");
    assert_eq!(status(&shelf)["run"]["outcome"], "no_documents");
    shelf.put("a.epub", &crate::support::documents::nth(1).1);
    goes_on(&shelf, "give a folder that holds documents", 0);
}

#[test]
fn a_changed_prompt() {
    let rehearsal = Rehearsal::of(2, quick());
    rehearsal.run("out", &[]).exits(0);
    let file = rehearsal.shelf.path().join("small.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("description = \"", "description = \"Another: ")).unwrap();
    let (text, commands) = told(&rehearsal.shelf);
    assert!(text.contains("'./small.toml' was changed since"), "{text}");
    assert!(commands[0].ends_with("--dry-run"), "{text}");
    typed(&rehearsal.shelf, &commands[0]).exits(0);
    typed(&rehearsal.shelf, &commands[1]).exits(0);
    assert_eq!(status(&rehearsal.shelf)["steps"], serde_json::json!([]));
}

#[test]
fn an_interruption_from_another_folder() {
    let shelf = Shelf::of(1);
    shelf.batch(&["--until", "parse"]).exits(0);
    let out = shelf.out().display().to_string();
    let run = Run(command(std::path::Path::new("/"), &["status", &out]).output().unwrap()).exits(0);
    let place = shelf.path().canonicalize().unwrap();
    let text = run.stdout();
    assert!(text.contains(&format!("cd {} && corpora batch books -o out --until parse", place.display())), "{text}");
}
