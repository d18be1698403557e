//! `extract` with a remote provider: the real program against the simulator.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use corpora::simulator::{Fault, JournalEntry, Latency, Limits, Scripted, SimulatorConfig};

use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::{command, documents};

fn quick() -> SimulatorConfig {
    let latency = Latency { median_ms: 5.0, p99_over_median: 7.0, per_output_token_ms: 0.0 };
    SimulatorConfig { latency, ..SimulatorConfig::default() }
}

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

#[test]
fn whatever_the_way_the_output_is_the_same_and_nothing_is_asked_twice() {
    let rehearsal = Rehearsal::of(9, quick());
    rehearsal.run("out", &[]).exits(0);
    let asked = rehearsal.requests();
    let expected = rehearsal.shelf.vocabularies_in("out");
    assert!(asked > 25 && expected.len() == 9, "{asked}");
    let distinct = rehearsal.count("out", "SELECT count(*) FROM unit");
    assert_eq!(distinct as u64, asked, "one request for each distinct passage");
    rehearsal.run("out", &[]).exits(0);
    assert_eq!(rehearsal.requests(), asked, "a finished run asks nothing");
    // A copy of a book holds nothing new.
    std::fs::copy(rehearsal.shelf.books().join("doc-000001.epub"), rehearsal.shelf.books().join("copy.epub")).unwrap();
    rehearsal.run("out", &[]).exits(0);
    assert_eq!(rehearsal.requests(), asked);
    // Of a book that begins with a chapter of another, the rest alone is asked about.
    let both = documents::epub("Both", &[&documents::story(1), &documents::story(77)]);
    let alone = Rehearsal::of(0, quick());
    for shelf in [&rehearsal.shelf, &alone.shelf] {
        shelf.put("both.epub", &both);
    }
    rehearsal.run("out", &[]).exits(0);
    alone.run("out", &[]).exits(0);
    assert_eq!(rehearsal.count("out", "SELECT count(*) FROM unit") as u64, rehearsal.requests());
    let (more, all) = (rehearsal.requests() - asked, alone.requests());
    assert!(more > 0 && more + 2 <= all, "{more} of its {all} passages were asked about");
    for name in ["copy.epub", "both.epub"] {
        std::fs::remove_file(rehearsal.shelf.books().join(name)).unwrap();
    }
    for (out, more) in [
        ("barrier", &["--overlap", "off", "--workers", "1"][..]),
        ("slow", &["--in-flight", "1", "--workers", "3"]),
        ("alone", &["--mode", "per-document"]),
    ] {
        rehearsal.run(out, more).exits(0);
        assert_eq!(rehearsal.shelf.vocabularies_in(out), expected, "{out}");
    }
}

#[test]
fn a_rerun_of_extract_asks_again_and_a_rerun_of_write_does_not() {
    let rehearsal = Rehearsal::of(3, quick());
    rehearsal.run("out", &[]).exits(0);
    let asked = rehearsal.requests();
    rehearsal.run("out", &["--stage", "write"]).exits(0);
    assert_eq!(rehearsal.requests(), asked);
    rehearsal.run("out", &["--stage", "extract"]).exits(0);
    assert_eq!(rehearsal.requests(), 2 * asked);
    // Another origin is another question.
    let other = Rehearsal::of(0, quick());
    let url = format!("http://{}", other.simulator.address());
    rehearsal.run("out", &["--base-url", &url]).exits(2);
    let args = rehearsal.args("out", &[]);
    let own = format!("http://{}", rehearsal.simulator.address());
    let args: Vec<String> = args.into_iter().map(|a| if a == own { url.clone() } else { a }).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    rehearsal.shelf.run(&args).exits(0);
    assert_eq!((rehearsal.requests(), other.requests()), (2 * asked, asked));
}

/// Everything of the list that passes by itself, 30 % in all.
pub(crate) fn storm() -> Vec<(Fault, f64)> {
    use Fault as F;
    let faults = [
        F::ServerError,
        F::BadGateway,
        F::Unavailable,
        F::GatewayTimeoutAfterEffect,
        F::Overloaded,
        F::RequestTimeout,
        F::Conflict,
        F::RateLimited,
        F::RateLimitedFraction,
        F::RateLimitedMillis,
        F::RateLimitedSilent,
        F::RateLimitedZero,
        F::ResetBeforeHeaders,
        F::ResetInBody,
        F::TruncatedJson,
        F::ChunkedCut,
        F::Gzip,
        F::Stuck,
        F::SlowBody,
        F::MaxTokens,
        F::Empty,
        F::SeveralBlocks,
        F::ThinkingFirst,
        F::ToolInstead,
        F::TextBeforeTool,
        F::WrongTypes,
        F::CodeFence,
        F::TextAround,
        F::NotJson,
        F::UnicodeEscapes,
        F::LoneSurrogate,
        F::RawControls,
        F::Nul,
        F::Huge,
        F::UsageMissing,
        F::UsageNull,
    ];
    let rate = 0.3 / faults.len() as f64;
    faults.map(|f| (f, rate)).to_vec()
}

/// The requests of a journal by body, in order of arrival.
fn by_request(journal: &[JournalEntry]) -> HashMap<&str, Vec<&JournalEntry>> {
    let mut map: HashMap<&str, Vec<&JournalEntry>> = HashMap::new();
    for entry in journal {
        map.entry(&entry.request).or_default().push(entry);
    }
    for entries in map.values_mut() {
        entries.sort_by_key(|e| e.n);
    }
    map
}

#[test]
fn in_a_fault_storm_every_unit_gets_one_answer_and_none_is_asked_again_after_it() {
    let documents = size("CORPORA_STORM_DOCUMENTS", 40);
    let calm = Rehearsal::of(documents, quick());
    calm.run("out", &[]).exits(0);
    let expected = calm.shelf.vocabularies_in("out");

    let config = SimulatorConfig { faults: storm(), retry_after_s: 0.05, ..quick() };
    // In pieces: the half that came before a cut may hold answers, so the bill below is not as simple.
    let streamed = Rehearsal::of(documents / 4, config.clone());
    let few = Rehearsal::of(documents / 4, quick());
    few.run("out", &["--stream", "never"]).exits(0);
    streamed.run("out", &["--stream", "always", "--request-timeout", "6"]).exits(0);
    let names = |rehearsal: &Rehearsal| rehearsal.shelf.vocabularies_in("out").into_keys().collect::<Vec<_>>();
    assert_eq!(names(&streamed), names(&few));
    assert_eq!(streamed.count("out", "SELECT count(*) FROM unit_failure"), 0);

    let rehearsal = Rehearsal::of(documents, config);
    // Long enough for an answer in small pieces on a busy machine: who loses patience asks again.
    rehearsal.run("out", &["--request-timeout", "6", "--stream", "never"]).exits(0);
    let counters = rehearsal.simulator.counters();
    let journal = rehearsal.simulator.journal();
    let faulty = journal.iter().filter(|e| e.fault.is_some()).count();
    assert!(faulty as f64 > 0.2 * journal.len() as f64, "{faulty} of {}", journal.len());
    let units = rehearsal.count("out", "SELECT count(*) FROM unit");
    assert_eq!(rehearsal.count("out", "SELECT count(*) FROM answer"), units);
    assert_eq!(rehearsal.count("out", "SELECT count(DISTINCT unit) FROM answer"), units);
    assert_eq!(rehearsal.count("out", "SELECT count(*) FROM unit_failure"), 0);
    // The oracle's terms are all there. Quotes that a fault has hurt may be found less exactly, no more.
    let found = rehearsal.shelf.vocabularies_in("out");
    let terms = |bytes: &Vec<u8>| -> Vec<String> {
        let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        value["entries"].as_array().unwrap().iter().map(|e| e["canonical"].as_str().unwrap().to_owned()).collect()
    };
    for (name, bytes) in &expected {
        assert_eq!(terms(&found[name]), terms(bytes), "{name}");
    }
    for (request, entries) in by_request(&journal) {
        let useful = |e: &JournalEntry| {
            let spoilt = [Fault::MaxTokens, Fault::Empty, Fault::WrongTypes, Fault::NotJson];
            e.answered && !e.fault.is_some_and(|f| spoilt.contains(&f))
        };
        let answered = entries.iter().filter(|e| useful(e)).count();
        assert!(answered <= 1, "{request} was answered {answered} times: {entries:?}");
        if let Some(at) = entries.iter().position(|e| useful(e)) {
            assert_eq!(at, entries.len() - 1, "{request} was asked again after its answer: {entries:?}");
        }
    }
    // What the ledger has of tokens is what the provider told of answers that arrived.
    let told = rehearsal.count("out", "SELECT sum(input + cache_read + cache_write_5m) FROM response WHERE told = 1");
    let journal_told: u64 = journal
        .iter()
        .filter(|e| e.answered && !matches!(e.fault, Some(Fault::UsageMissing | Fault::UsageNull)))
        .filter_map(|e| e.billed.map(|u| u.prompt()))
        .sum();
    assert_eq!(told as u64, journal_told);
    assert_eq!(
        rehearsal.count("out", "SELECT count(*) FROM response WHERE outcome <> 'malformed'") as u64,
        counters.answered
    );
}

#[test]
fn a_killed_run_repeats_only_what_was_in_flight() {
    let rounds = size("CORPORA_KILL_ROUNDS", 5);
    let documents = size("CORPORA_KILL_DOCUMENTS", 24);
    let config = || SimulatorConfig {
        latency: Latency { median_ms: 60.0, p99_over_median: 5.0, per_output_token_ms: 0.0 },
        ..SimulatorConfig::default()
    };
    let limits = ["--rpm", "6000"];
    let calm = Rehearsal::of(documents, config());
    calm.run("out", &limits).exits(0);
    let expected = calm.shelf.vocabularies_in("out");
    let whole = calm.requests() as f64;
    let mut midway = 0;
    for round in 0..rounds {
        let rehearsal = Rehearsal::of(documents, config());
        let mut stored = HashSet::new();
        let fraction = ((round as f64 * 0.618_034) + 0.3).fract();
        // Killed when that many responses are committed, whatever the clock says.
        for share in [0.5 * fraction, 0.5 + 0.5 * fraction] {
            let mut child = rehearsal.spawn("out", &limits);
            while stored_requests(&rehearsal).len() < (whole * share) as usize && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            midway += usize::from(!child.wait().unwrap().success());
            stored = stored_requests(&rehearsal);
            // They are numbered as they come and committed in that order, so a group that was lost would leave a hole.
            let last = rehearsal.count("out", "SELECT coalesce(max(id), 0) FROM response");
            assert_eq!(last as usize, stored.len(), "round {round}: responses between those that are stored are gone");
        }
        rehearsal.run("out", &limits).exits(0);
        assert_eq!(rehearsal.shelf.vocabularies_in("out"), expected, "round {round}");
        let units = rehearsal.count("out", "SELECT count(*) FROM unit");
        assert_eq!(rehearsal.count("out", "SELECT count(*) FROM response"), units, "round {round}: one for each unit");
        for (request, entries) in by_request(&rehearsal.simulator.journal()) {
            let (last, earlier) = entries.split_last().unwrap();
            assert!(last.answered, "round {round}: {request}: {entries:?}");
            for first in earlier {
                let id = format!("req_{:016}", first.n);
                assert!(
                    !stored.contains(&id),
                    "round {round}: {request} was asked again although its answer was stored"
                );
            }
        }
    }
    assert!(midway >= rounds, "{midway} of {} runs were killed while there was work", 2 * rounds);
}

/// The provider's names of the requests whose responses are in the store.
fn stored_requests(rehearsal: &Rehearsal) -> HashSet<String> {
    let path = rehearsal.shelf.out().join(".corpora/store.sqlite");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
    // Before the store has its tables there is nothing in it.
    let Ok(db) = rusqlite::Connection::open_with_flags(path, flags) else { return HashSet::new() };
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    let Ok(mut query) = db.prepare("SELECT request_id FROM response") else { return HashSet::new() };
    query.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn an_interrupted_run_keeps_what_was_in_flight() {
    let latency = Latency { median_ms: 150.0, p99_over_median: 3.0, per_output_token_ms: 0.0 };
    let rehearsal = Rehearsal::of(30, SimulatorConfig { latency, ..SimulatorConfig::default() });
    let mut child = rehearsal.spawn("out", &["--rpm", "2400"]);
    while rehearsal.simulator.counters().answered < 20 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let asked = rehearsal.requests();
    assert_eq!(
        rehearsal.count("out", "SELECT count(*) FROM response WHERE state = 1") as u64,
        asked,
        "nothing is thrown away"
    );
    rehearsal.run("out", &[]).exits(0);
    assert_eq!(
        rehearsal.requests() as i64,
        rehearsal.count("out", "SELECT count(*) FROM unit"),
        "nothing is asked twice"
    );
}

#[test]
fn a_response_that_was_stored_and_not_read_is_read_by_the_next_run() {
    for pipeline in [&[][..], &["--pipeline", "vocabulary"]] {
        let rehearsal = Rehearsal::of(4, quick());
        rehearsal.run("out", pipeline).exits(0);
        let (asked, expected) = (rehearsal.requests(), rehearsal.shelf.vocabularies_in("out"));
        let db = rehearsal.shelf.sql();
        db.execute_batch(
            "DELETE FROM answer; DELETE FROM unit; UPDATE response SET state = 0, told = 0;
             DELETE FROM done WHERE fp IN (SELECT id FROM fp WHERE stage = 'extract');
             UPDATE file SET written_fp = NULL, written_doc = NULL;",
        )
        .unwrap();
        drop(db);
        rehearsal.run("out", pipeline).exits(0);
        assert_eq!(rehearsal.requests(), asked, "{pipeline:?}: nothing is asked for again");
        assert_eq!(rehearsal.shelf.vocabularies_in("out"), expected);
        assert_eq!(rehearsal.count("out", "SELECT count(*) FROM response WHERE told = 1 AND state = 1") as u64, asked);
    }
}

#[test]
fn packs_that_come_back_incomplete_are_asked_for_in_smaller_ones() {
    let calm = Rehearsal::of(5, quick());
    calm.run("out", &["--pipeline", "vocabulary"]).exits(0);
    let faults = vec![(Fault::WrongCount, 0.2), (Fault::MaxTokens, 0.2), (Fault::WrongTypes, 0.1)];
    let rehearsal = Rehearsal::of(5, SimulatorConfig { faults, ..quick() });
    rehearsal.run("out", &["--pipeline", "vocabulary"]).exits(0);
    assert!(rehearsal.requests() > calm.requests());
    let classified = |r: &Rehearsal| {
        let files = r.shelf.vocabularies_in("out");
        files.values().map(|b| serde_json::from_slice::<serde_json::Value>(b).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(classified(&rehearsal), classified(&calm));
}

#[test]
fn terms_go_with_sentences_or_with_their_chunks_whichever_is_cheaper() {
    let tokens = |context: &str, endpoint: &str| {
        let rehearsal = Rehearsal::of(6, quick());
        let options = ["--pipeline", "vocabulary", "--context", context, "--endpoint", endpoint, "--poll", "0.05"];
        let plan = rehearsal.run("out", &[&options[..], &["--dry-run", "--json"]].concat()).exits(0);
        let plan: serde_json::Value = serde_json::from_str(&plan.stdout()).unwrap();
        let run = rehearsal.run("out", &options).exits(0);
        let told = rehearsal.simulator.counters().usage.prompt();
        let estimate = plan["extract"]["remote"]["input_tokens"].as_f64().unwrap();
        // What batches are told is counted elsewhere.
        let near = endpoint == "batch" || (0.85..=1.15).contains(&(estimate / told as f64));
        assert!(near, "{context}: {estimate} estimated, {told} told");
        let way = |with: &str| plan["extract"][with].as_u64().unwrap();
        assert!(context != "candidates" || way("with_chunks") == 0, "{plan}");
        assert!(context != "chunks" || way("with_sentences") == 0, "{plan}");
        run.says(match context {
            "candidates" => "the chunks with the terms of 0 documents",
            "chunks" => "a sentence for each term of 0 documents",
            _ => "a model is told a sentence for each term of",
        });
        let asked = rehearsal.requests();
        // An answer is good whatever it was judged by.
        let other = if context == "chunks" { "candidates" } else { "chunks" };
        rehearsal.run("out", &["--pipeline", "vocabulary", "--context", other, "--stage", "write"]).exits(0);
        assert_eq!(rehearsal.requests(), asked);
        (told, rehearsal.shelf.vocabularies_in("out"))
    };
    let (sentences, files) = tokens("candidates", "live");
    let (chunks, same) = tokens("chunks", "live");
    assert!(files == same && sentences != chunks);
    let (cheaper, same) = tokens("auto", "live");
    assert!(files == same && cheaper <= sentences.min(chunks) * 11 / 10, "{cheaper} of {sentences} and {chunks}");
    let (_, same) = tokens("chunks", "batch");
    assert!(files == same);
}

#[test]
fn a_unit_that_gets_no_answer_fails_its_document_with_a_reason_and_is_taken_up_again() {
    let script = vec![Scripted {
        containing: "<passage>\nTale 3".into(),
        attempts: vec![],
        from_request: 0,
        fault: Fault::Refusal,
    }];
    let rehearsal = Rehearsal::of(6, SimulatorConfig { script, ..quick() });
    let run = rehearsal.run("out", &[]).exits(75);
    assert_eq!(run.summary()["failed"], 1);
    let failure = run.events().into_iter().find(|e| e["event"] == "document_failed").unwrap();
    assert!(failure["path"].as_str().unwrap().contains("doc-000003"), "{failure}");
    assert!(failure["message"].as_str().unwrap().contains("refuses to answer"), "{failure}");
    let asked = rehearsal.requests();
    rehearsal.run("out", &[]).exits(75);
    assert_eq!(rehearsal.requests(), asked, "a failure is not asked about again unless somebody says so");
    rehearsal.simulator.reconfigure(quick());
    rehearsal.run("out", &["--retry-failed"]).exits(0);
    assert_eq!(rehearsal.requests(), asked + 1, "only the failed unit is asked again");
}

#[test]
fn a_run_that_cannot_ask_ends_with_one_message_however_little_is_shown() {
    for (fault, words) in [
        (Fault::KeyRevoked, "check the API key"),
        (Fault::InsufficientQuota, "balance"),
        (Fault::ModelNotFound, "model"),
    ] {
        let script = vec![Scripted { containing: String::new(), attempts: vec![], from_request: 0, fault }];
        let rehearsal = Rehearsal::of(30, SimulatorConfig { script, ..quick() });
        let none = |argument: String| if argument == "json" { "none".to_owned() } else { argument };
        let args: Vec<String> = rehearsal.args("out", &[]).into_iter().map(none).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let run = rehearsal.shelf.run(&args).exits(75).says(words);
        assert_eq!(run.stderr().lines().count(), 1, "{}", run.stderr());
    }
}

#[test]
fn a_key_that_is_revoked_midway_stops_the_run_with_one_message() {
    let script =
        vec![Scripted { containing: String::new(), attempts: vec![], from_request: 40, fault: Fault::KeyRevoked }];
    let rehearsal = Rehearsal::of(40, SimulatorConfig { script, ..quick() });
    let run = rehearsal.run("out", &["--in-flight", "8"]).exits(75);
    let stopped = run.summary()["stopped"].as_str().unwrap().to_owned();
    assert!(stopped.contains("check the API key"), "{stopped}");
    assert_eq!(run.summary()["stop_reason"], "key");
    assert!(!run.events().iter().any(|e| e["event"] == "document_failed"), "documents are not to blame");
    assert!(rehearsal.requests() < 40 + 30, "{}", rehearsal.requests());
    rehearsal.simulator.reconfigure(quick());
    rehearsal.run("out", &[]).exits(0);
    let units = rehearsal.count("out", "SELECT count(*) FROM unit");
    assert_eq!(rehearsal.simulator.counters().answered as i64, units, "what was answered before is not asked again");
}

#[test]
fn what_no_request_would_escape_stops_the_run_with_its_remedy() {
    for (fault, words, reason) in [
        (Fault::SpendLimit, "raise the spend limit", "balance"),
        (Fault::InsufficientQuota, "add credit", "balance"),
        (Fault::ModelNotFound, "check --model", "not_found"),
        (Fault::NoStructuredOutput, "choose another model", "schema"),
    ] {
        let rehearsal = Rehearsal::of(12, SimulatorConfig { faults: vec![(fault, 1.0)], ..quick() });
        let run = rehearsal.run("out", &["--in-flight", "4"]).exits(75);
        let stopped = run.summary()["stopped"].as_str().unwrap_or_default().to_owned();
        assert!(stopped.contains(words), "{fault:?}: {stopped}");
        assert_eq!(run.summary()["stop_reason"], reason, "{fault:?}");
        assert!(rehearsal.requests() < 40, "{fault:?}: {}", rehearsal.requests());
    }
}

#[test]
fn the_bill_stays_under_its_cap_and_goes_on_when_it_is_raised() {
    let rehearsal = Rehearsal::of(30, quick());
    rehearsal.run("whole", &[]).exits(0);
    let whole = rehearsal.count("whole", "SELECT sum(cost) FROM response");
    let dollars = |share: f64| format!("{:.9}", whole as f64 * share / 1e12);
    // Room for the last requests' worst case has to be under the cap too: 32 in flight would need more than this corpus costs.
    let asked = rehearsal.requests();
    let run = rehearsal.run("out", &["--max-cost", &dollars(0.6), "--in-flight", "2"]).exits(75);
    assert!(run.summary()["stopped"].as_str().unwrap().contains("--max-cost"), "{}", run.stderr());
    assert_eq!(run.summary()["stop_reason"], "cap");
    let spent = rehearsal.count("out", "SELECT sum(cost) FROM response");
    assert!(spent as f64 <= whole as f64 * 0.6 && spent > 0, "{spent} of {whole}");
    let before = rehearsal.requests();
    rehearsal.run("out", &["--max-cost", &dollars(0.6), "--in-flight", "2"]).exits(75);
    assert_eq!(rehearsal.requests(), before, "under the same cap there is no room, in this run or the next");
    rehearsal.run("out", &["--max-cost", &dollars(4.0)]).exits(0);
    assert_eq!(rehearsal.count("out", "SELECT sum(cost) FROM response"), whole, "nothing was paid twice");
    assert_eq!(rehearsal.requests(), 2 * asked);
    let unknown = rehearsal.run("out", &["--max-cost", "1", "--model", "some-local-model"]).exits(64);
    assert!(unknown.stderr().contains("--prices"), "{}", unknown.stderr());
}

/// What the provider billed so far, in picodollars, at the prices of the model that is asked.
fn billed(rehearsal: &Rehearsal) -> i64 {
    let usage = rehearsal.simulator.counters().usage;
    (usage.prompt() * 100_000 + usage.output * 500_000) as i64
}

#[test]
fn what_a_broken_connection_may_have_cost_is_on_the_bill_and_under_the_cap() {
    // The answer is made and billed, and never arrives.
    let cut = || SimulatorConfig {
        faults: vec![(Fault::GatewayTimeoutAfterEffect, 0.2), (Fault::ResetInBody, 0.2)],
        ..quick()
    };
    let rehearsal = Rehearsal::of(30, cut());
    rehearsal.run("out", &[]).exits(0);
    let whole = billed(&rehearsal);
    assert!(rehearsal.count("out", "SELECT count(*) FROM lost") > 10);
    let booked = "SELECT (SELECT sum(cost) FROM response) + (SELECT sum(cost) FROM lost)";
    assert!(rehearsal.count("out", booked) >= whole, "the provider billed {whole}");
    // Whatever earlier runs spent counts, as long as the cap is the same.
    let rehearsal = Rehearsal::of(30, cut());
    let cap = format!("{:.9}", whole as f64 * 0.5 / 1e12);
    for _ in 0..3 {
        rehearsal.run("out", &["--max-cost", &cap, "--in-flight", "2"]).exits(75).says("--max-cost");
        let (spent, booked) = (billed(&rehearsal), rehearsal.count("out", booked));
        assert!(spent * 2 <= whole && booked * 2 <= whole, "{spent} billed, {booked} booked, of {whole}");
    }
}

#[test]
fn a_cap_that_is_reached_holds_in_the_next_run_too() {
    let rehearsal = Rehearsal::of(30, quick());
    rehearsal.run("whole", &[]).exits(0);
    let whole = billed(&rehearsal);
    let cap = format!("{:.9}", whole as f64 * 0.6 / 1e12);
    for _ in 0..3 {
        rehearsal.run("out", &["--max-cost", &cap, "--in-flight", "2"]).exits(75).says("--max-cost");
        let spent = billed(&rehearsal) - whole;
        assert!(spent > 0 && spent as f64 <= 0.6 * whole as f64, "{spent} of {whole}");
    }
}

#[test]
fn every_refusal_for_the_rate_is_told_to_the_limiter_that_all_requests_pass() {
    let faults = vec![(Fault::RateLimitedMillis, 0.1), (Fault::Overloaded, 0.05)];
    let rehearsal = Rehearsal::of(20, SimulatorConfig { faults, retry_after_s: 0.02, ..quick() });
    let run = rehearsal.run("out", &[]).exits(0);
    let refused = rehearsal.simulator.journal().iter().filter(|e| [429, 529].contains(&e.status)).count();
    assert!(refused > 5, "{refused}");
    // How long everybody waits then is the limiter's, and tested in virtual time.
    assert_eq!(run.summary()["asked"]["refused"], refused as u64);
}

/// Runs the program, but ends it when it has asked more than that often.
fn run_asking_at_most(rehearsal: &Rehearsal, most: u64, more: &[&str]) -> Option<i32> {
    let mut child = rehearsal.spawn("out", more);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if rehearsal.requests() > most {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("more than {most} requests");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_passage_without_a_usable_answer_is_asked_four_times_and_given_up() {
    // The first answers are good: a model that says nothing but junk stops the run (`ledger.rs`).
    let fault = Fault::NotJson;
    let script = vec![Scripted { containing: String::new(), attempts: vec![], from_request: 3, fault }];
    let rehearsal = Rehearsal::of(1, SimulatorConfig { script, ..quick() });
    let plan = rehearsal.run("out", &["--dry-run", "--json"]).exits(0).stdout();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert_eq!(run_asking_at_most(&rehearsal, 100, &["--in-flight", "1"]), Some(65), "the only document failed");
    let units = rehearsal.count("out", "SELECT count(*) FROM unit_failure WHERE kind = 'BadAnswer'");
    let answers = rehearsal.count("out", "SELECT count(*) FROM answer");
    assert!(units > 1 && plan["extract"]["requests"] == units + answers, "{units} and {answers}: {plan}");
    // The budget is eight, and an answer that cannot be used costs two.
    assert_eq!(rehearsal.requests() as i64, answers + 4 * units);
    assert_eq!(rehearsal.count("out", "SELECT min(attempts) FROM unit_failure"), 8);
}

#[test]
fn a_pack_that_is_too_large_goes_out_in_halves() {
    let calm = Rehearsal::of(4, quick());
    calm.run("out", &["--pipeline", "vocabulary"]).exits(0);
    let largest = calm.simulator.journal().iter().filter_map(|e| Some(e.billed?.prompt())).max().unwrap();
    let rehearsal = Rehearsal::of(4, SimulatorConfig { window: largest - 1, ..quick() });
    rehearsal.run("out", &["--pipeline", "vocabulary"]).exits(0);
    let journal = rehearsal.simulator.journal();
    let refused = journal.iter().filter(|e| e.status == 400).count();
    assert!(refused > 0 && journal.len() >= calm.requests() as usize + 2 * refused, "{refused} of {}", journal.len());
    assert_eq!(rehearsal.shelf.vocabularies_in("out"), calm.shelf.vocabularies_in("out"));
}

#[test]
fn a_second_interrupt_stops_a_run_whose_request_never_ends() {
    let rehearsal = Rehearsal::of(1, SimulatorConfig { faults: vec![(Fault::Stuck, 1.0)], ..quick() });
    let args = rehearsal.args("out", &["--request-timeout", "3600"]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = command(rehearsal.shelf.path(), &args);
    let mut child = command.env("ANTHROPIC_API_KEY", KEY).stderr(Stdio::piped()).spawn().unwrap();
    while rehearsal.requests() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_child(&child);
    let interrupt = || rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    interrupt();
    // The first was heard.
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("\"stopping\"")));
    assert!(child.try_wait().unwrap().is_none(), "it waits for what is in flight");
    interrupt();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn the_price_is_known_before_and_the_bill_is_what_the_provider_counted() {
    let rehearsal = Rehearsal::of(30, quick());
    let plan = |more: &[&str]| -> serde_json::Value {
        let run = rehearsal.run("out", &[&["--dry-run", "--json", "--rpm", "600"], more].concat()).exits(0);
        serde_json::from_str(&run.stdout()).unwrap()
    };
    let before = plan(&[])["extract"].clone();
    assert_eq!(rehearsal.requests(), 0, "a dry run asks nothing");
    assert!(before["remote"]["basis"].as_str().unwrap().starts_with("a guess"), "{before}");
    rehearsal.run("out", &["--limit", "1"]).exits(0);
    let basis = plan(&[])["extract"]["remote"]["basis"].clone();
    assert!(basis.as_str().unwrap().contains("few as they are"), "one answer is better than a guess: {basis}");
    rehearsal.run("out", &["--limit", "8"]).exits(0);
    let learned = plan(&[])["extract"].clone();
    assert!(learned["remote"]["basis"].as_str().unwrap().contains("earlier answers"), "{learned}");
    let first = rehearsal.simulator.counters();
    rehearsal.run("out", &[]).exits(0);
    let all = rehearsal.simulator.counters();
    let near = |estimate: &serde_json::Value, real: f64, what: &str| {
        let share = estimate.as_f64().unwrap() / real;
        assert!((0.9..=1.1).contains(&share), "{what}: {estimate} estimated, {real} counted");
    };
    let dollars = |prompt: u64, output: u64| (prompt as f64 * 0.1 + output as f64 * 0.5) / 1e6;
    near(&before["requests"], all.requests as f64, "requests");
    near(&before["remote"]["input_tokens"], all.usage.prompt() as f64, "input");
    near(&before["remote"]["dollars"], dollars(all.usage.prompt(), all.usage.output), "dollars");
    let (input, output) = (all.usage.prompt() - first.usage.prompt(), all.usage.output - first.usage.output);
    near(&learned["remote"]["input_tokens"], input as f64, "input, learned");
    near(&learned["remote"]["output_tokens"], output as f64, "output, learned");
    near(&learned["remote"]["dollars"], dollars(input, output), "dollars, learned");
    assert_eq!(learned["remote"]["seconds"], (learned["requests"].as_f64().unwrap() / 10.0).ceil());

    // The ledger has every answer once, with the provider's own numbers.
    let shelf = &rehearsal.shelf;
    let json: serde_json::Value =
        serde_json::from_str(&shelf.run(&["cost", "out", "--format", "json"]).exits(0).stdout()).unwrap();
    let total = &json["total"];
    assert_eq!(total["answers"], all.answered);
    assert_eq!(total["input_tokens"], all.usage.prompt());
    assert_eq!(total["output_tokens"], all.usage.output);
    assert!((total["dollars"].as_f64().unwrap() - dollars(all.usage.prompt(), all.usage.output)).abs() < 1e-9);
    let csv = shelf.run(&["cost", "out", "--format", "csv"]).exits(0).stdout();
    assert_eq!(csv.lines().count(), json["rows"].as_array().unwrap().len() + 1);
    let answers: u64 = json["rows"].as_array().unwrap().iter().map(|r| r["answers"].as_u64().unwrap()).sum();
    assert_eq!(answers, all.answered);
    assert!(shelf.run(&["cost", "out"]).exits(0).stdout().contains("total"));
    // A store of a run that asked nobody has an empty bill.
    shelf.run(&["batch", "books", "-o", "local"]).exits(0);
    assert!(shelf.run(&["cost", "local"]).exits(0).stdout().contains("$0.00"));
}

#[test]
fn a_model_without_a_price_costs_unknown_and_never_nothing() {
    let rehearsal = Rehearsal::of(3, quick());
    let plan = rehearsal.run("out", &["--dry-run", "--json", "--model", "house-model"]).exits(0).stdout();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    assert!(plan["extract"]["remote"]["dollars"].is_null(), "{plan}");
    rehearsal.run("out", &["--model", "house-model"]).exits(0);
    let shelf = &rehearsal.shelf;
    assert!(shelf.run(&["cost", "out"]).exits(0).stdout().contains("unknown"));
    std::fs::write(shelf.path().join("prices.toml"), "[[price]]\nmodel = \"house-model\"\ninput = 1.0\noutput = 2.0\n")
        .unwrap();
    let run =
        rehearsal.run("priced", &["--model", "house-model", "--prices", "prices.toml", "--max-cost", "5"]).exits(0);
    let usage = rehearsal.simulator.counters().usage;
    let dollars = run.summary()["asked"]["picodollars"].as_i64().unwrap() as f64 / 1e12;
    assert!((dollars - (usage.prompt() as f64 + 2.0 * usage.output as f64) / 2e6).abs() < 1e-9, "{dollars}");
}

#[test]
fn the_doctor_tells_what_is_wrong_and_what_to_do() {
    let limits = Limits { requests: Some(6_000.0), ..Limits::default() };
    let rehearsal =
        Rehearsal::of(1, SimulatorConfig { limits, key: "sk-right-one".into(), models: vec!["m".into()], ..quick() });
    let doctor = |key: &str, more: &[&str]| {
        let url = format!("http://{}", rehearsal.simulator.address());
        std::fs::write(rehearsal.shelf.path().join("key"), key).unwrap();
        let args = ["doctor", "--provider", "openai", "--model", "m", "--base-url", &url, "--key-file", "key"];
        rehearsal.shelf.run(&[&args[..], more].concat())
    };
    for pipeline in ["glossary", "vocabulary"] {
        let well = doctor("sk-right-one", &["--pipeline", pipeline]).exits(0).stdout();
        for words in ["ok     structured output", "6000 requests a minute", "ok     model", "on this machine has none"]
        {
            assert!(well.contains(words), "{words}: {well}");
        }
    }
    let wrong = doctor("sk-wrong-one", &[]).exits(64).stdout();
    assert!(wrong.contains("WRONG  key") && wrong.contains("check the API key"), "{wrong}");
    assert!(!wrong.contains("model  ") && !wrong.contains("structured output"), "nothing follows from it: {wrong}");
    rehearsal.simulator.reconfigure(SimulatorConfig { faults: vec![(Fault::NotJson, 1.0)], ..quick() });
    let odd = doctor("sk-right-one", &[]).exits(64).stdout();
    assert!(odd.contains("not as the schema asks"), "{odd}");
    rehearsal.shelf.run(&["doctor"]).exits(0);
}

#[test]
fn no_key_is_in_anything_that_was_written() {
    // Some errors repeat the key, as servers do that print the request they dislike. Answers are for the client's own tests.
    let faults = vec![(Fault::EchoKey, 0.3), (Fault::ServerError, 0.1)];
    let rehearsal = Rehearsal::of(8, SimulatorConfig { faults, key: KEY.into(), ..quick() });
    let run = rehearsal.run("out", &["--log", "log.json", "--log-format", "json", "--verbose"]);
    let wrong =
        rehearsal.shelf.run(&["batch", "books", "-o", "wrong", "--provider", "openai", "--model", "m"]).exits(64);
    let mut written = [run.0.stdout, run.0.stderr, wrong.0.stderr].concat();
    let mut files = 0;
    let mut folders = vec![rehearsal.shelf.path().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.starts_with(rehearsal.shelf.books()) {
                files += 1;
                written.extend(std::fs::read(path).unwrap());
            }
        }
    }
    let db = rusqlite::Connection::open(rehearsal.shelf.out().join(".corpora/store.sqlite")).unwrap();
    for sql in ["SELECT z FROM raw", "SELECT z FROM answer", "SELECT z FROM art"] {
        let mut rows = db.prepare(sql).unwrap();
        for z in rows.query_map([], |r| r.get::<_, Vec<u8>>(0)).unwrap() {
            written.extend(zstd::decode_all(&z.unwrap()[..]).unwrap());
        }
    }
    let text = String::from_utf8_lossy(&written);
    assert!(files > 5, "{files} files");
    assert!(text.contains("[key]"), "the echoed key was seen and struck out");
    assert!(rehearsal.simulator.journal().iter().any(|e| e.fault == Some(Fault::EchoKey)));
    for secret in [KEY, &KEY[3..]] {
        assert!(!text.contains(secret), "found at {:?}", text.find(secret).map(|n| &text[n.saturating_sub(200)..n]));
    }
    let log = std::fs::read_to_string(rehearsal.shelf.path().join("log.json")).unwrap();
    let lines: Vec<serde_json::Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let answered = lines.iter().find(|l| l["fields"]["message"] == "response").unwrap();
    let span = &answered["span"];
    for number in ["attempt", "latency_ms", "input_tokens", "output_tokens"] {
        assert!(span[number].is_u64(), "{number}: {answered}");
    }
    assert!(!log.contains("lantern"), "no content in the log");
}

#[test]
fn limits_are_kept_and_learned_from_headers() {
    let limits = Limits { requests: Some(1_200.0), ..Limits::default() };
    let rehearsal = Rehearsal::of(24, SimulatorConfig { limits, ..quick() });
    rehearsal.run("out", &[]).exits(0);
    let counters = rehearsal.simulator.counters();
    assert!(counters.requests > 80, "{counters:?}");
    assert!((counters.limited as f64) < 0.05 * counters.requests as f64, "{counters:?}");
}

#[test]
fn bad_settings_of_a_provider_are_explained() {
    let rehearsal = Rehearsal::of(1, quick());
    let says = |more: &[&str], words: &str| {
        let args = [&["batch", "books", "-o", "out"], more].concat();
        let run = rehearsal.shelf.run(&args).exits(64);
        assert!(run.stderr().contains(words), "{more:?}: {}", run.stderr());
    };
    says(&["--provider", "anthropic"], "give its name with --model");
    says(&["--provider", "openai", "--model", "m", "--base-url", "http://192.0.2.1:8000"], "--allow-http");
    says(&["--provider", "openai", "--model", "m", "--base-url", "not a url"], "is not one");
    says(&["--provider", "openai", "--model", "m", "--base-url", "ftp://host/x"], "begins with 'ftp:'");
    says(&["--provider", "openai", "--model", "m", "--base-url", "https://me:secret@host/x"], "leave them out");
    says(
        &["--provider", "openai", "--model", "m", "--base-url", "https://host.invalid"],
        "set the variable OPENAI_API_KEY",
    );
    says(&["--model", "m"], "the local provider has no models");
    says(&["--provider", "gemini", "--model", "m", "--key-file", "nowhere"], "the key file 'nowhere' cannot be read");
    std::fs::write(rehearsal.shelf.path().join("key"), "sk two words").unwrap();
    says(&["--provider", "gemini", "--model", "m", "--key-file", "key"], "cannot be used");
    says(&["--provider", "gemini", "--model", "m", "--key-file", "key"], "the key in the file 'key'");
    let local = ["--provider", "openai", "--model", "m", "--base-url", "http://127.0.0.1:9"];
    says(&[&local[..], &["--rpm", "0"]].concat(), "--rpm 0 lets nothing through");
    says(&[&local[..], &["--max-cost", "0"]].concat(), "not an amount of dollars");
    says(&[&local[..], &["--request-timeout", "0"]].concat(), "--request-timeout is out of range");
    let schema = include_str!("../pipelines/glossary.toml")
        .replace("\"term\": {\"desc", "\"term\": {\"not\": {\"type\": \"null\"}, \"desc");
    std::fs::write(rehearsal.shelf.path().join("negative.toml"), schema).unwrap();
    let gemini = ["--provider", "gemini", "--model", "m", "--base-url", "http://127.0.0.1:9"];
    says(&[&gemini[..], &["--pipeline", "./negative.toml"]].concat(), "uses 'not'");
    let limits =
        include_str!("../pipelines/glossary.toml").replace("# [provider.limits]", "[provider.limits]\nrpm = 0");
    std::fs::write(rehearsal.shelf.path().join("none.toml"), limits).unwrap();
    says(&[&gemini[..], &["--pipeline", "./none.toml"]].concat(), "--rpm 0 lets nothing through");
    // Nobody is there.
    let run = rehearsal
        .shelf
        .run(&[&["batch", "books", "-o", "out", "--pipeline", "glossary"][..], &local[..]].concat())
        .exits(75);
    assert!(run.stderr().contains("cannot connect to http://127.0.0.1:9"), "{}", run.stderr());
    let schema = include_str!("../pipelines/earlier/glossary-1.toml").replace("\"array\"", "\"object\"");
    std::fs::write(rehearsal.shelf.path().join("odd.toml"), schema).unwrap();
    says(&["--pipeline", "./odd.toml"], "its schema cannot be used");
}

#[test]
fn a_chunk_larger_than_the_context_window_fails_with_the_remedy() {
    let rehearsal = Rehearsal::of(1, SimulatorConfig { window: 300, ..quick() });
    let run = rehearsal.run("out", &["--pipeline", "glossary"]).exits(65);
    assert!(run.stderr().contains("lower [chunk] max_tokens"), "{}", run.stderr());
}

#[test]
fn documents_that_share_a_passage_pay_for_it_once_also_one_by_one() {
    let latency = Latency { median_ms: 40.0, p99_over_median: 2.0, per_output_token_ms: 0.0 };
    let rehearsal = Rehearsal::of(1, SimulatorConfig { latency, ..SimulatorConfig::default() });
    let shared: String =
        (0..60).map(|n| format!("A wherry is a boat of {n} planks that carries salt to the lower town. ")).collect();
    for n in 0..8 {
        let text = format!("{shared}\n\nThis copy was bound in the year {n} of the third tide, by hand.\n");
        std::fs::write(rehearsal.shelf.books().join(format!("copy-{n}.txt")), text).unwrap();
    }
    let one_by_one = ["--mode", "per-document", "--workers", "8", "--formats", "txt"];
    rehearsal.run("out", &one_by_one).exits(0);
    let asked = rehearsal.count("out", "SELECT count(*) FROM response");
    assert_eq!(asked, rehearsal.count("out", "SELECT count(*) FROM unit"), "each unit is asked about once");
    assert_eq!(rehearsal.requests(), asked.cast_unsigned());
}
