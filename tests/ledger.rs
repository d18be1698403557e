//! Paid once, whatever the provider says: each situation was reported of a real one.

mod compositions;
mod odd_replies;
mod second_commands;

use std::sync::Mutex;

use corpora::simulator::{BatchConfig, BatchFault, Fault, Latency, SimulatorConfig};
use serde_json::Value;

use crate::support::Run;
use crate::support::rehearsal::Rehearsal;

const PROVIDERS: [&str; 4] = ["anthropic", "openai", "openai-responses", "gemini"];

fn config(faults: &[BatchFault]) -> SimulatorConfig {
    let script = faults.iter().copied().zip(1..).collect();
    let batch = BatchConfig { turnaround_ms: 60.0, script, ..BatchConfig::default() };
    SimulatorConfig { batch, latency: Latency { median_ms: 2.0, ..Latency::default() }, ..SimulatorConfig::default() }
}

/// Batches that end when the test says so.
fn endless() -> SimulatorConfig {
    let batch = BatchConfig { turnaround_ms: 3_600_000.0, ..BatchConfig::default() };
    SimulatorConfig { batch, ..config(&[]) }
}

fn by_batch(rehearsal: &Rehearsal, provider: &str, more: &[&str]) -> Run {
    let args = ["--provider", provider, "--endpoint", "batch", "--no-probe", "--poll", "0.03", "--listing-lag", "0.15"];
    rehearsal.run("out", &[&args[..], more].concat())
}

fn at_each_provider(work: impl Fn(&str) + Sync) {
    let work = &work;
    std::thread::scope(|scope| {
        for provider in PROVIDERS {
            scope.spawn(move || work(provider));
        }
    });
}

fn created(rehearsal: &Rehearsal) -> u64 {
    rehearsal.simulator.batch_counters().created
}

/// The ledger in two columns, and the exit code with which it is told.
fn audit(rehearsal: &Rehearsal, code: i32) -> Value {
    let told = rehearsal.shelf.run(&["audit", "out", "--json"]).exits(code).stdout();
    serde_json::from_str(&told).unwrap()
}

/// Every unit has one answer, and the ledger balances.
fn assert_settled(rehearsal: &Rehearsal, what: &str) {
    let count = |sql: &str| rehearsal.count("out", sql);
    let units = count("SELECT count(*) FROM unit");
    assert_eq!(count("SELECT count(DISTINCT unit) FROM answer"), units, "{what}: units without an answer");
    assert_eq!(count("SELECT count(*) FROM answer"), units, "{what}: units with two answers");
    assert_eq!(count("SELECT count(*) FROM batch_unit"), 0, "{what}: units still in a batch");
    let total = &audit(rehearsal, 0)["total"];
    assert_eq!((&total["open"], &total["owed"]), (&Value::from(0), &Value::from(0)), "{what}: {total}");
    let sum = |names: &[&str]| names.iter().map(|name| total[*name].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum(&["sent"]), sum(&["answered", "denied", "lost"]), "{what}: {total}");
}

#[test]
fn results_that_are_late_short_or_oddly_told_are_read_again_and_never_bought_again() {
    use BatchFault as F;
    at_each_provider(|provider| {
        for fault in [F::LateResults, F::Missing, F::ByteOrderMark, F::UnknownState, F::GatewayAfterEffect, F::NoLabels]
        {
            let rehearsal = Rehearsal::of(3, config(&[fault]));
            by_batch(&rehearsal, provider, &[]).exits(0);
            assert_eq!(created(&rehearsal), 1, "{provider} {fault:?}");
            assert_settled(&rehearsal, &format!("{provider} {fault:?}"));
        }
    });
}

#[test]
fn an_orphan_is_found_though_the_listing_never_ends_or_shows_no_label() {
    at_each_provider(|provider| {
        for fault in [BatchFault::EndlessListing, BatchFault::NoLabels] {
            let rehearsal = Rehearsal::of(3, config(&[fault]));
            by_batch(&rehearsal, provider, &["--crash-at", "after-send"]);
            by_batch(&rehearsal, provider, &[]).exits(0);
            assert_eq!(created(&rehearsal), 1, "{provider} {fault:?}");
            assert_settled(&rehearsal, &format!("{provider} {fault:?}"));
        }
    });
}

#[test]
fn lines_under_strange_ids_stop_the_run_and_stay_on_the_bill_until_somebody_gives_them_up() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(3, config(&[BatchFault::ForeignIds]));
        let stopped = by_batch(&rehearsal, provider, &[]).exits(75);
        assert_eq!(stopped.summary()["stop_reason"], "batch_lost", "{provider}");
        assert!(stopped.summary()["stopped"].as_str().unwrap().contains("--abandon-batches"), "{provider}");
        assert_eq!(created(&rehearsal), 1, "{provider}");
        let total = audit(&rehearsal, 75)["total"].clone();
        assert!(total["owed"].as_u64() > Some(0) && total["owed"] == total["open"], "{provider}: {total}");
        // The same again changes nothing; a person's word does.
        by_batch(&rehearsal, provider, &[]).exits(75);
        assert_eq!(created(&rehearsal), 1, "{provider}");
        rehearsal.simulator.reconfigure(config(&[]));
        by_batch(&rehearsal, provider, &["--abandon-batches"]).exits(0);
        assert_eq!(created(&rehearsal), 2, "{provider}");
        let total = audit(&rehearsal, 0)["total"].clone();
        assert!(
            total["lost"].as_u64() > Some(0) && total["lost_dollars_at_most"].as_f64() > Some(0.0),
            "{provider}: {total}"
        );
    });
}

#[test]
fn a_creation_that_is_refused_for_good_is_tried_twice() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(3, config(&[BatchFault::CreateForbidden; 9]));
        let stopped = by_batch(&rehearsal, provider, &[]).exits(75);
        assert_eq!(stopped.summary()["stop_reason"], "key", "{provider}: {}", stopped.stderr());
        // The third is taken: only two were tried.
        rehearsal.simulator.reconfigure(config(&[BatchFault::CreateForbidden; 2]));
        by_batch(&rehearsal, provider, &[]).exits(0);
        assert_eq!(created(&rehearsal), 1, "{provider}");
        assert_settled(&rehearsal, provider);
    });
}

#[test]
fn a_queue_that_is_full_is_waited_for() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(4, config(&[BatchFault::Duplicates, BatchFault::QueueFull]));
        let ran = by_batch(&rehearsal, provider, &["--batch-requests", "6"]).exits(0);
        assert!(
            ran.stderr().contains("the next provider batch is sent when one has ended"),
            "{provider}: {}",
            ran.stderr()
        );
        assert_settled(&rehearsal, provider);
    });
}

#[test]
fn an_empty_balance_in_the_lines_stops_the_run_and_leaves_the_units_waiting() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(3, config(&[BatchFault::NoBalance; 9]));
        let stopped = by_batch(&rehearsal, provider, &[]).exits(75);
        let reason = stopped.summary()["stop_reason"].as_str().unwrap_or_default().to_owned();
        assert!(["balance", "daily_quota"].contains(&&*reason), "{provider}: {reason}");
        assert_eq!(created(&rehearsal), 1, "{provider}");
        assert_eq!(
            rehearsal.count("out", "SELECT count(*) FROM unit_failure"),
            0,
            "{provider}: units are not to blame"
        );
        rehearsal.simulator.reconfigure(config(&[]));
        by_batch(&rehearsal, provider, &[]).exits(0);
        assert_settled(&rehearsal, provider);
    });
}

#[test]
fn nobody_else_asks_for_what_stands_in_an_open_batch() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(3, endless());
        by_batch(&rehearsal, provider, &["--detach"]).exits(0);
        for mode in [&[][..], &["--mode", "per-document"]] {
            let live = rehearsal.run("out", &[&["--provider", provider][..], mode].concat()).exits(75);
            assert_eq!(live.summary()["stop_reason"], "batches_left", "{provider} {mode:?}");
        }
        assert_eq!((rehearsal.requests(), created(&rehearsal)), (0, 1), "{provider}: nothing is asked twice");
        // What has ended is collected by a run that asks live.
        rehearsal.simulator.end_batches();
        rehearsal.run("out", &["--provider", provider]).exits(0);
        assert_eq!((rehearsal.requests(), created(&rehearsal)), (0, 1), "{provider}");
        assert_settled(&rehearsal, provider);
    });
}

#[test]
fn the_cap_holds_for_every_question_of_the_folder() {
    let whole = Rehearsal::of(4, config(&[]));
    by_batch(&whole, "openai", &[]).exits(0);
    let most = whole.count("out", "SELECT sum(reserved) FROM batch");
    let cap = format!("{:.9}", most as f64 * 1.02 / 1e12);
    let rehearsal = Rehearsal::of(4, endless());
    by_batch(&rehearsal, "openai", &["--detach", "--max-cost", &cap]).exits(0);
    let text = std::fs::read_to_string(rehearsal.shelf.path().join("small.toml")).unwrap();
    let other = text.replace("add nothing from your own knowledge.", "add nothing of your own.");
    assert_ne!(other, text, "another question");
    std::fs::write(rehearsal.shelf.path().join("other.toml"), other).unwrap();
    let stops = Mutex::new(Vec::new());
    for way in [&["--endpoint", "batch", "--no-probe", "--detach"][..], &[]] {
        let args = [&["--provider", "openai", "--pipeline", "./other.toml", "--max-cost", &cap], way].concat();
        let run = rehearsal.run("out", &args).exits(75);
        stops.lock().unwrap().push(run.summary()["stop_reason"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(created(&rehearsal), 1, "the open batch has used up the cap: {stops:?}");
    let reserved = rehearsal.count("out", "SELECT sum(reserved) FROM batch");
    let spent = rehearsal.count("out", "SELECT coalesce(sum(cost), 0) FROM response");
    assert!((reserved + spent) as f64 <= most as f64 * 1.02, "{reserved} + {spent} of {}", most as f64 * 1.02);
}

#[test]
fn five_answers_of_no_use_before_the_first_that_is_stop_the_run_with_an_example() {
    // Prose where a schema was asked for: the next way of giving it holds, and is found before much is paid.
    let prose = Rehearsal::of(4, SimulatorConfig { faults: vec![(Fault::NotJson, 1.0)], ..config(&[]) });
    prose.run("live", &[]).exits(0);
    let units = prose.count("live", "SELECT count(*) FROM unit");
    assert!(prose.requests() as i64 <= units + 3, "{} requests for {units} units", prose.requests());
    // Whatever the way, nothing comes.
    let config = || SimulatorConfig { faults: vec![(Fault::Empty, 1.0)], ..config(&[]) };
    let rehearsal = Rehearsal::of(12, config());
    let live = rehearsal.run("live", &["--in-flight", "2"]).exits(75);
    assert_eq!(live.summary()["stop_reason"], "useless", "{}", live.stderr());
    assert!(rehearsal.requests() <= 2 * 5, "{} requests", rehearsal.requests());
    assert_eq!(rehearsal.count("live", "SELECT count(*) FROM unit_failure"), 0, "units are not to blame");
    let batch = by_batch(&rehearsal, "anthropic", &[]).exits(75);
    assert_eq!(batch.summary()["stop_reason"], "useless", "{}", batch.stderr());
    assert_eq!(created(&rehearsal), 1, "the second batch would have been paid for too");
}
