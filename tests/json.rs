//! Every command that has something to tell a program tells it as JSON of a known form.

use corpora::simulator::{BatchConfig, SimulatorConfig};
use serde_json::Value;

use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::{Run, command};

/// Commands after a run into `out`, with the schema of what they print.
const COMMANDS: [(&[&str], &str); 16] = [
    (&["batch", "books", "-o", "out", "--dry-run", "--json"], include_str!("../schemas/plan.schema.json")),
    (&["status", "out", "--json"], include_str!("../schemas/status.schema.json")),
    (&["show", "out", "doc-000001.epub", "--json"], include_str!("../schemas/show.schema.json")),
    (&["gc", "out", "--dry-run", "--json"], include_str!("../schemas/gc.schema.json")),
    (&["pipelines", "--json"], include_str!("../schemas/pipelines.schema.json")),
    (&["doctor", "out", "--json"], include_str!("../schemas/doctor.schema.json")),
    (&["consolidate", "out", "--json"], include_str!("../schemas/consolidated.schema.json")),
    (&["export", "out", "--format", "csv", "-o", "t.csv", "--json"], include_str!("../schemas/exported.schema.json")),
    (&["find", "wyrm", "out", "--json"], include_str!("../schemas/found.schema.json")),
    (&["diff", "out", "out", "--json"], include_str!("../schemas/difference.schema.json")),
    (&["report", "out", "--json"], include_str!("../schemas/reported.schema.json")),
    (&["batches", "out", "--json"], include_str!("../schemas/batches.schema.json")),
    (&["cost", "out", "--json"], include_str!("../schemas/cost.schema.json")),
    (&["audit", "out", "--json"], include_str!("../schemas/audit.schema.json")),
    (&["config", "--format", "json"], include_str!("../schemas/config.schema.json")),
    (&["wait", "out", "--json", "--poll", "0.02"], include_str!("../schemas/waited.schema.json")),
];

#[track_caller]
fn holds(told: &str, schema: &str, what: &[&str]) {
    let told: Value = serde_json::from_str(told).unwrap_or_else(|e| panic!("{what:?}: {e}: {told}"));
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let faults: Vec<String> = validator.iter_errors(&told).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(faults.is_empty(), "{what:?}: {faults:?}: {told}");
}

#[test]
fn what_is_told_as_json_has_the_form_of_its_schema() {
    let batch = BatchConfig { turnaround_ms: 30.0, ..BatchConfig::default() };
    let rehearsal = Rehearsal::of(2, SimulatorConfig { batch, ..SimulatorConfig::default() });
    rehearsal.run("out", &["--endpoint", "batch", "--no-probe", "--poll", "0.03"]).exits(0);
    for (args, schema) in COMMANDS {
        let mut command = command(rehearsal.shelf.path(), args);
        let run = Run(command.env("ANTHROPIC_API_KEY", KEY).output().unwrap()).exits(0);
        holds(&run.stdout(), schema, args);
        assert!(!run.stdout().contains('\u{1b}'));
    }
}

#[test]
fn provider_batches_that_are_being_stopped_are_named() {
    let batch = BatchConfig { turnaround_ms: 60_000.0, ..BatchConfig::default() };
    let rehearsal = Rehearsal::of(2, SimulatorConfig { batch, ..SimulatorConfig::default() });
    rehearsal.run("out", &["--endpoint", "batch", "--no-probe", "--poll", "0.03", "--detach"]).exits(0);
    let args = ["cancel", "out", "--json"];
    let mut command = command(rehearsal.shelf.path(), &args);
    let run = Run(command.env("ANTHROPIC_API_KEY", KEY).output().unwrap()).exits(0);
    holds(&run.stdout(), include_str!("../schemas/cancelled.schema.json"), &args);
    assert!(run.stdout().contains("batch"), "{}", run.stdout());
}
