//! One body means one thing and costs one sum, whichever way it was asked for.

use std::collections::BTreeSet;

use corpora::simulator::{BatchConfig, Fault, Latency, Scripted, SimulatorConfig};

use crate::support::rehearsal::Rehearsal;

fn quick(fault: Option<Fault>) -> SimulatorConfig {
    let latency = Latency { median_ms: 5.0, p99_over_median: 7.0, per_output_token_ms: 0.0 };
    let batch = BatchConfig { turnaround_ms: 300.0, ..BatchConfig::default() };
    let script = |fault| Scripted { containing: String::new(), attempts: vec![], from_request: 0, fault };
    SimulatorConfig { latency, batch, script: fault.map(script).into_iter().collect(), ..SimulatorConfig::default() }
}

/// What stands in the ledger of an output folder about every response and every unit, without what names the way: numbers, times, names
/// of requests, and the price, which is halved in batches.
fn ledger(rehearsal: &Rehearsal, out: &str, price_factor: i64) -> BTreeSet<String> {
    let path = rehearsal.shelf.path().join(out).join(".corpora/store.sqlite");
    let db = rusqlite::Connection::open(path).unwrap();
    let mut found = BTreeSet::new();
    for sql in [
        format!("SELECT hex(units) || ' attempt ' || attempt || ' ' || outcome || ' told ' || told || ' in ' || input || ' out ' || output
           || ' cost ' || (cost * {price_factor}) || ' estimated ' || estimated || ' model ' || model FROM response"),
        "SELECT hex(u.sha) || ' answered ' || hex(a.z) FROM answer a JOIN unit u ON u.id = a.unit".to_owned(),
        "SELECT hex(u.sha) || ' failed ' || f.kind || ' ' || f.message || ' ' || f.attempts FROM unit_failure f JOIN unit u ON u.id = f.unit".to_owned(),
        "SELECT hex(unit) || ' tried ' || attempts FROM unit_attempts".to_owned(),
    ] {
        let mut rows = db.prepare(&sql).unwrap();
        found.extend(rows.query_map([], |r| r.get::<_, String>(0)).unwrap().map(Result::unwrap));
    }
    found
}

#[test]
fn a_body_means_the_same_live_by_batch_and_per_document() {
    // Bodies that are good, refused, without usage, cut off; junk alone stops a live run after a few (`ledger.rs`).
    for fault in [None, Some(Fault::Refusal), Some(Fault::UsageMissing), Some(Fault::MaxTokens)] {
        let rehearsal = Rehearsal::of(2, quick(fault));
        rehearsal.run("live", &[]);
        let live = ledger(&rehearsal, "live", 1);
        assert!(!live.is_empty());
        // The simulator's batches know no faults of content; `settle.rs` holds the same for every body.
        if fault.is_none() {
            let batch = ["--endpoint", "batch", "--poll", "0.05", "--listing-lag", "0.05", "--no-probe"];
            rehearsal.run("batch", &batch).exits(0);
            assert_eq!(ledger(&rehearsal, "batch", 2), live, "batch against live");
        }
        // Per document, what a document that fails was asked is kept too.
        rehearsal.run("alone", &["--mode", "per-document"]);
        let alone = ledger(&rehearsal, "alone", 1);
        let is_failure = matches!(fault, Some(Fault::Refusal));
        if is_failure {
            assert!(!alone.is_empty() && alone.is_subset(&live), "per document against live, {fault:?}");
        } else {
            assert_eq!(alone, live, "per document against live, {fault:?}");
        }
    }
}

#[test]
fn a_first_answer_is_attempt_one_whatever_the_way() {
    let rehearsal = Rehearsal::of(1, quick(None));
    for (out, way) in [
        ("live", vec![]),
        ("alone", vec!["--mode", "per-document"]),
        ("batch", vec!["--endpoint", "batch", "--poll", "0.05"]),
    ] {
        rehearsal.run(out, &way).exits(0);
        let attempts = "SELECT group_concat(DISTINCT attempt) FROM response";
        assert_eq!(rehearsal.count(out, &format!("SELECT ({attempts}) = '1'")), 1, "{out}");
    }
}

#[test]
fn what_the_request_that_tries_a_batch_endpoint_says_is_not_asked_again() {
    let rehearsal = Rehearsal::of(1, quick(Some(Fault::Refusal)));
    let batch = ["--endpoint", "batch", "--poll", "0.05", "--listing-lag", "0.05"];
    rehearsal.run("probed", &batch);
    rehearsal.run("not", &[&batch[..], &["--no-probe"]].concat());
    let responses = "SELECT count(*) FROM response";
    assert!(rehearsal.count("not", responses) > 0);
    assert_eq!(
        rehearsal.count("probed", responses),
        rehearsal.count("not", responses),
        "its refusal was paid for, and counts"
    );
}
