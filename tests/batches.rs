//! Batch endpoints: the real program against the simulator's.

use corpora::simulator::{BatchConfig, BatchFault, Latency, SimulatorConfig};

use crate::support::Run;
use crate::support::rehearsal::Rehearsal;

const PROVIDERS: [&str; 4] = ["anthropic", "openai", "openai-responses", "gemini"];

fn config(batch: BatchConfig) -> SimulatorConfig {
    SimulatorConfig { batch, latency: Latency { median_ms: 2.0, ..Latency::default() }, ..SimulatorConfig::default() }
}

fn quick() -> BatchConfig {
    BatchConfig { turnaround_ms: 60.0, ..BatchConfig::default() }
}

/// A run by batch that does not wait long for anything.
fn run(rehearsal: &Rehearsal, provider: &str, more: &[&str]) -> Run {
    let args = ["--provider", provider, "--endpoint", "batch", "--poll", "0.03", "--listing-lag", "0.15"];
    rehearsal.run("out", &[&args[..], more].concat())
}

/// Every unit has one answer, no payload was made twice, every request has one outcome.
fn assert_sound(rehearsal: &Rehearsal, what: &str) {
    let count = |sql: &str| rehearsal.count("out", sql);
    let units = count("SELECT count(*) FROM unit");
    assert_eq!(count("SELECT count(DISTINCT unit) FROM answer"), units, "{what}: units without an answer");
    assert_eq!(count("SELECT count(*) FROM answer"), units, "{what}: units with two answers");
    assert_eq!(rehearsal.simulator.batch_counters().payloads_twice, 0, "{what}: a payload was submitted twice");
    assert_eq!(count("SELECT count(*) FROM batch WHERE state < 5"), 0, "{what}: batches left open");
    assert_eq!(count("SELECT count(*) FROM batch_request WHERE state = 0"), 0, "{what}: requests without an outcome");
    assert_eq!(count("SELECT count(*) FROM batch_unit"), 0, "{what}: units still in a batch");
    let left = std::fs::read_dir(rehearsal.shelf.out().join(".corpora/batches")).map_or(0, |d| d.count());
    assert_eq!(left, 0, "{what}: payloads left on the disk");
}

#[test]
fn by_batch_or_live_the_files_are_the_same() {
    for provider in PROVIDERS {
        for pipeline in ["./small.toml", "vocabulary"] {
            let rehearsal = Rehearsal::of(8, config(quick()));
            let more = ["--pipeline", pipeline, "--model", "m"];
            rehearsal.run("live", &[&["--provider", provider][..], &more].concat()).exits(0);
            let live = rehearsal.requests();
            run(&rehearsal, provider, &[&more[..], &["--batch-requests", "9"]].concat()).exits(0);
            assert_sound(&rehearsal, provider);
            assert_eq!(rehearsal.shelf.vocabularies_in("out"), rehearsal.shelf.vocabularies_in("live"), "{provider}");
            assert_eq!(rehearsal.requests(), live + 1, "one request goes live to try it");
            let made = rehearsal.simulator.batch_counters();
            assert!(made.created >= 1 && made.requests > 0, "{made:?}");
            run(&rehearsal, provider, &more).exits(0);
            assert_eq!(rehearsal.simulator.batch_counters(), made, "a finished run submits nothing");
        }
    }
}

#[test]
fn everything_that_goes_wrong_with_results_is_ordinary() {
    use BatchFault as F;
    for provider in PROVIDERS {
        for fault in [
            F::Expired,
            F::SomeErrored,
            F::AllErrored,
            F::Duplicates,
            F::Missing,
            F::Unknown,
            F::CutDownload,
            F::NotFoundAtFirst,
            F::CreateRefused,
        ] {
            let batch = BatchConfig { script: vec![(fault, 1)], ..quick() };
            let rehearsal = Rehearsal::of(6, config(batch));
            run(&rehearsal, provider, &[]).exits(0);
            assert_sound(&rehearsal, &format!("{provider} {fault:?}"));
        }
    }
}

#[test]
fn killed_anywhere_a_payload_is_made_once_and_every_request_has_one_outcome() {
    // Points in the program's way; beside each of them the provider may misbehave too.
    let points = [
        "planned",
        "during-upload",
        "before-send",
        "after-send",
        "after-reply",
        "polling",
        "mid-download",
        "mid-import",
        "collected",
    ];
    let faults = [None, Some(BatchFault::CreateTimeoutAfterEffect), Some(BatchFault::CreateResetAfterEffect)];
    let mut cases = 0;
    for provider in PROVIDERS {
        let rehearsal = Rehearsal::of(3, config(BatchConfig::default()));
        rehearsal.run("live", &["--provider", provider]).exits(0);
        let expected = rehearsal.shelf.vocabularies_in("live");
        for (n, fault) in faults.iter().enumerate() {
            // The listing lags behind the creation, by less than the program is told.
            for list_lag_ms in if n == 0 { vec![0.0, 60.0, 100.0] } else { vec![0.0, 60.0] } {
                for point in points {
                    let batch = BatchConfig {
                        turnaround_ms: 120.0,
                        create_delay_ms: 120.0,
                        list_lag_ms,
                        script: fault.map(|f| (f, 1)).into_iter().collect(),
                        ..BatchConfig::default()
                    };
                    let rehearsal = Rehearsal::of(3, config(batch));
                    let what = format!("{provider} {point} {fault:?} lag {list_lag_ms}");
                    let killed = run(&rehearsal, provider, &["--crash-at", point]);
                    // A fault may keep the run from coming by a point.
                    if killed.0.status.code().is_none() {
                        cases += 1;
                    }
                    run(&rehearsal, provider, &[]).exits(0);
                    assert_sound(&rehearsal, &what);
                    assert_eq!(rehearsal.simulator.batch_counters().created, 1, "{what}");
                    assert_eq!(rehearsal.shelf.vocabularies_in("out"), expected, "{what}");
                }
            }
        }
    }
    assert!(cases >= 100, "{cases} kills");
}
