//! Every command that has something to tell a program tells it as JSON of a known form.

use corpora::simulator::{BatchConfig, SimulatorConfig};
use serde_json::Value;

use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::{Run, Shelf, command, commands};

const VERIFIED: &str = include_str!("../schemas/verified.schema.json");
const RESCUED: &str = include_str!("../schemas/rescued.schema.json");

/// Commands that tell programs in another way, and those that have nothing to tell them.
const OTHERWISE: [&str; 10] =
    ["bench", "completions", "extract", "help", "init", "man", "output", "parse", "simulate", "view"];

/// Commands after a run into `out`, with the schema of what they print.
const COMMANDS: [(&[&str], &str); 21] = [
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
    (&["verify", "out", "--json"], VERIFIED),
    (&["verify", "out", "--inputs", "books", "--json"], VERIFIED),
    (&["verify", "out", "--manifest"], include_str!("../schemas/chain.schema.json")),
    (&["rescue", "out", "--json"], RESCUED),
    (&["list", "books", "-o", "list", "--shards", "2", "--json"], include_str!("../schemas/listed.schema.json")),
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

#[test]
fn every_command_that_has_something_to_tell_a_program_takes_json() {
    let shelf = Shelf::empty();
    for name in commands::names(&shelf.run(&["--help"]).exits(0).stdout()) {
        let help = shelf.run(&["help", &name]).exits(0).stdout();
        assert_ne!(help.contains("--json"), OTHERWISE.contains(&name.as_str()), "{name}");
    }
    // Each form is told of where scripts are written from.
    let told = include_str!("../docs/scripts.md");
    let schemas = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas")).unwrap();
    for name in schemas.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        assert!(told.contains(&format!("{name}`")), "{name} is not in docs/scripts.md");
    }
}

#[test]
fn what_is_not_as_it_was_made_is_told_as_json() {
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    let file = shelf.out().join(shelf.vocabularies().into_keys().next().unwrap());
    std::fs::write(&file, "{").unwrap();
    let args = ["verify", "out", "--json"];
    let told = shelf.run(&args).exits(75).stdout();
    holds(&told, VERIFIED, &args);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["wrong"], &told["flaws"][0]["link"]), (&1.into(), &"vocabulary files".into()), "{told}");
    // Who wants to hear of nothing but trouble hears of that.
    let said = shelf.run(&["verify", "out", "-q"]).exits(75).stdout();
    assert!(said.lines().all(|line| line.to_lowercase().starts_with("wrong")) && said.lines().count() == 2, "{said}");
}

#[test]
fn a_rescue_is_told_as_json() {
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    shelf.sql().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let store = shelf.out().join(".corpora/store.sqlite");
    let mut bytes = std::fs::read(&store).unwrap();
    let end = bytes.len();
    bytes[end - 4096..].fill(0xA5);
    std::fs::write(&store, bytes).unwrap();
    let args = ["rescue", "out", "--json"];
    let run = shelf.run(&args);
    assert!(matches!(run.0.status.code(), Some(0 | 75)), "{}", run.stderr());
    holds(&run.stdout(), RESCUED, &args);
    assert!(run.stdout().contains("\"sound\": false"), "{}", run.stdout());
}

#[test]
fn what_many_machines_share_is_told_as_json() {
    let shelf = Shelf::of(4);
    let listing = shelf.run(&["list", "books"]).exits(0).stdout();
    assert_eq!(listing.lines().count(), 4);
    for line in listing.lines() {
        holds(line, include_str!("../schemas/listed-file.schema.json"), &["list"]);
    }
    for part in ["0/2", "1/2"] {
        shelf.run(&["batch", "books", "-o", &part[..1], "--shard", part, "--until", "chunk"]).exits(0);
    }
    let pack = ["pack", "1", "-o", "1.pack", "--json"];
    holds(&shelf.run(&pack).exits(0).stdout(), include_str!("../schemas/packed.schema.json"), &pack);
    let merge = ["merge", "out", "0", "1.pack", "--json"];
    holds(&shelf.run(&merge).exits(0).stdout(), include_str!("../schemas/merged.schema.json"), &merge);
}

#[test]
fn a_command_that_is_to_be_quiet_says_nothing_where_all_is_well() {
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    for line in [
        "consolidate out",
        "export out --format csv -o t.csv",
        "report out -o r.html",
        "gc out",
        "verify out",
        "rescue out",
        "list books -o list",
        "wait out",
        "cancel out",
    ] {
        let args: Vec<&str> = line.split(' ').chain(["-q"]).collect();
        let run = shelf.run(&args).exits(0);
        assert_eq!((run.stdout(), run.stderr()), (String::new(), String::new()), "{line}");
    }
}
