//! Replies that no documentation has: each ends with a sentence that says what was paid, what is owed and what to type.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use corpora::simulator::{BatchFault, Fault, Scripted, SimulatorConfig};
use serde_json::Value;

use super::{assert_settled, at_each_provider, audit, by_batch, config, created};
use crate::support::events;
use crate::support::rehearsal::{KEY, Rehearsal};

/// Faults that one batch meets together.
fn together(faults: &[BatchFault]) -> SimulatorConfig {
    let mut config = config(&[]);
    config.batch.script = faults.iter().map(|fault| (*fault, 1)).collect();
    config
}

/// Runs by batch until these words are said, then ends the run as a person would.
fn waits_saying(rehearsal: &Rehearsal, provider: &str, words: &str) {
    let args = ["--provider", provider, "--endpoint", "batch", "--no-probe", "--poll", "0.03", "--listing-lag", "0.1"];
    let args = rehearsal.args("out", &args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = crate::support::command(rehearsal.shelf.path(), &args);
    for variable in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"] {
        command.env(variable, KEY);
    }
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let (mut said, mut piece, begun) = (Vec::new(), [0; 4096], Instant::now());
    while !String::from_utf8_lossy(&said).contains(words) {
        let n = stderr.read(&mut piece).unwrap();
        assert!(n > 0 && begun.elapsed() < Duration::from_secs(60), "{provider}: {}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&piece[..n]);
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    stderr.read_to_end(&mut said).unwrap();
    let status = child.wait().unwrap();
    assert!(status.code().is_some_and(|code| code != 0), "{provider}: {status:?}");
    assert!(events(&String::from_utf8_lossy(&said)).iter().any(|e| e["event"] == "run_finished"), "{provider}");
}

#[test]
fn whatever_is_odd_about_a_batch_that_was_done_it_is_made_once_and_read_whole() {
    use BatchFault as F;
    let mixtures = [
        &[
            F::ByteOrderMark,
            F::CarriageReturns,
            F::Duplicates,
            F::Unknown,
            F::EveryState,
            F::HtmlAtFirst,
            F::ClosedEarly,
        ][..],
        &[F::GzipResults, F::NoCounts, F::ResultsNotFoundAtFirst, F::Redirected],
        &[F::EmptyAtFirst, F::CountsTooHigh, F::ResultsEmptyAtFirst],
        &[F::ResultsUnavailableAtFirst, F::NegativeCounts, F::CreateHtmlAfterEffect],
        &[F::CreateEmptyAfterEffect, F::ResultsForbiddenAtFirst, F::NoCounts, F::NoLabels],
    ];
    at_each_provider(|provider| {
        for faults in mixtures {
            let rehearsal = Rehearsal::of(2, together(faults));
            by_batch(&rehearsal, provider, &[]).exits(0);
            let what = format!("{provider} {faults:?}");
            assert_eq!((created(&rehearsal), rehearsal.requests()), (1, 0), "{what}");
            assert_settled(&rehearsal, &what);
            assert_eq!(rehearsal.simulator.batch_counters().keys_elsewhere, 0, "{what}: the key goes nowhere else");
        }
    });
}

#[test]
fn a_line_of_30_megabytes_is_a_line() {
    let rehearsal = Rehearsal::of(2, together(&[BatchFault::HugeLine, BatchFault::ClosedEarly]));
    by_batch(&rehearsal, "openai", &[]).exits(0);
    assert_settled(&rehearsal, "a huge line");
}

#[test]
fn fewer_answers_than_the_provider_counts_are_owed_and_never_bought_again() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(3, together(&[BatchFault::CountsDisagree]));
        for _ in 0..2 {
            waits_saying(&rehearsal, provider, "they are read again, and nothing is asked again");
        }
        assert_eq!((created(&rehearsal), rehearsal.requests()), (1, 0), "{provider}");
        let total = audit(&rehearsal, 75)["total"].clone();
        let count = |name: &str| total[name].as_u64().unwrap();
        assert!(count("owed") > 0 && count("owed") == count("open") && count("answered") > 0, "{provider}: {total}");
        assert_eq!(count("sent"), count("answered") + count("owed"), "{provider}: {total}");
        assert!(rehearsal.shelf.run(&["batches", "out"]).exits(0).stdout().contains("paid for"), "{provider}");
    });
}

#[test]
fn ids_under_another_name_and_pages_instead_of_results_stop_the_run_with_an_example() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(2, together(&[BatchFault::RenamedIds]));
        let stopped = by_batch(&rehearsal, provider, &[]).exits(75);
        let words = stopped.summary()["stopped"].as_str().unwrap().to_owned();
        assert!(words.contains("has no id") && words.contains("are paid for"), "{provider}: {words}");
        assert!(words.contains("nothing is asked again; --abandon-batches"), "{provider}: {words}");
        // A page of a gateway is no file of results: the next run reads them.
        let rehearsal = Rehearsal::of(2, together(&[BatchFault::ResultsHtmlAtFirst]));
        let run = by_batch(&rehearsal, provider, &[]);
        if run.0.status.code() != Some(0) {
            by_batch(&rehearsal, provider, &[]).exits(0);
        }
        assert_eq!(created(&rehearsal), 1, "{provider}");
        assert_settled(&rehearsal, provider);
    });
}

#[test]
fn errors_in_lines_mean_what_they_mean_live() {
    use BatchFault as F;
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(2, together(&[F::KeyInLines]));
        let stopped = by_batch(&rehearsal, provider, &[]).exits(75);
        assert_eq!(stopped.summary()["stop_reason"], "key", "{provider}: {}", stopped.stderr());
        assert_eq!(
            rehearsal.count("out", "SELECT count(*) FROM unit_failure"),
            0,
            "{provider}: units are not to blame"
        );
        rehearsal.simulator.reconfigure(together(&[]));
        by_batch(&rehearsal, provider, &[]).exits(0);
        assert_settled(&rehearsal, provider);

        let rehearsal = Rehearsal::of(2, together(&[F::BusyLines]));
        by_batch(&rehearsal, provider, &[]).exits(0);
        assert_settled(&rehearsal, provider);

        // Terms that are asked for together are asked for one by one.
        for fault in [F::TooLongLines, F::FilteredLines] {
            let rehearsal = Rehearsal::of(6, together(&[fault]));
            by_batch(&rehearsal, provider, &["--pipeline", "vocabulary"]).exits(0);
            assert!(created(&rehearsal) > 1, "{provider} {fault:?}");
            assert_settled(&rehearsal, &format!("{provider} {fault:?}"));
        }
    });
}

#[test]
fn a_payload_that_is_too_large_for_somebody_on_the_way_is_made_smaller() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(3, together(&[BatchFault::PayloadTooLarge]));
        let run = by_batch(&rehearsal, provider, &[]).exits(0).says("--batch-bytes");
        assert!(created(&rehearsal) >= 2, "{provider}: {}", run.stderr());
        assert_settled(&rehearsal, provider);
    });
}

#[test]
fn an_upload_that_is_gone_goes_up_once_more() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(3, together(&[BatchFault::UploadGone]));
        by_batch(&rehearsal, provider, &[]).exits(0);
        assert_eq!(created(&rehearsal), 1, "{provider}");
        assert_settled(&rehearsal, provider);
    });
}

#[test]
fn a_creation_over_the_limit_on_spending_is_tried_twice() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(2, config(&[BatchFault::CreateBillingLimit; 9]));
        let stopped = by_batch(&rehearsal, provider, &[]).exits(75);
        let reason = stopped.summary()["stop_reason"].as_str().unwrap_or_default().to_owned();
        assert!(["balance", "bad_request"].contains(&&*reason), "{provider}: {reason}");
        stopped.says("Billing hard limit");
        assert_eq!((created(&rehearsal), rehearsal.simulator.batch_counters().refused), (0, 2), "{provider}");
    });
}

#[test]
fn pages_and_nothing_instead_of_answers_are_counted_as_lost_or_kept_and_end_the_run() {
    at_each_provider(|provider| {
        for fault in [Fault::EmptyBody, Fault::HtmlBody] {
            let rehearsal = Rehearsal::of(3, SimulatorConfig { faults: vec![(fault, 1.0)], ..config(&[]) });
            let args = ["--provider", provider, "--patience", "0.02", "--in-flight", "2"];
            let run = rehearsal.run("out", &args).exits(75);
            assert!(run.summary()["stopped"].is_string(), "{provider} {fault:?}: {}", run.stderr());
            let paid = rehearsal.simulator.paid().len() as u64;
            let total = audit(&rehearsal, 0)["total"].clone();
            let told = total["answered"].as_u64().unwrap() + total["lost"].as_u64().unwrap();
            assert!(told >= paid, "{provider} {fault:?}: {paid} are paid, the ledger tells of {total}");
        }
    });
}

#[test]
fn thoughts_that_eat_the_budget_are_given_room_at_once() {
    at_each_provider(|provider| {
        let faults = vec![(Fault::ThinkingEatsBudget, 1.0)];
        let rehearsal = Rehearsal::of(4, SimulatorConfig { faults, ..config(&[]) });
        rehearsal.run("out", &["--provider", provider, "--in-flight", "2"]);
        let mut asks = std::collections::BTreeMap::<String, u32>::new();
        for ask in rehearsal.simulator.paid() {
            *asks.entry(ask.about).or_default() += 1;
        }
        assert!(asks.values().all(|n| *n <= 2), "{provider}: {asks:?}");
    });
}

#[test]
fn one_name_that_a_filter_refuses_takes_no_other_with_it() {
    for provider in ["anthropic", "openai", "openai-responses"] {
        let script = vec![Scripted {
            containing: "Captain Orrin".into(),
            attempts: Vec::new(),
            from_request: 0,
            fault: Fault::ContentFilter,
        }];
        let rehearsal = Rehearsal::of(0, SimulatorConfig { script, ..config(&[]) });
        let names =
            ["Warden Alcor of Thornhall met the Ashen Order", "Captain Orrin of Emberwing rode to the Lantern Keep"];
        for (n, text) in names.into_iter().enumerate() {
            rehearsal.shelf.put(&format!("names-{n}.md"), format!("# Names\n\n{text}.\n").as_bytes());
        }
        rehearsal.run("out", &["--provider", provider, "--pipeline", "entities", "--formats", "all"]);
        let failed = rehearsal.count("out", "SELECT count(*) FROM unit_failure");
        let units = rehearsal.count("out", "SELECT count(*) FROM unit");
        assert!(failed > 0 && failed < units, "{provider}: {failed} of {units} fail");
    }
}

#[test]
fn a_cap_without_a_price_is_refused_before_anything_is_sent() {
    let rehearsal = Rehearsal::of(2, config(&[]));
    for way in [&[][..], &["--endpoint", "batch"]] {
        let args = [&["--model", "nobody-knows-1", "--max-cost", "1"][..], way].concat();
        let refused = rehearsal.run("out", &args).exits(64);
        let words = refused.stderr();
        assert!(words.contains("'nobody-knows-1' is not known") && words.contains("--prices"), "{words}");
    }
    assert_eq!((rehearsal.requests(), created(&rehearsal)), (0, 0));
    // Without a cap it is asked, and the bill says that it does not know.
    rehearsal.run("out", &["--model", "nobody-knows-1"]).exits(0);
    assert_eq!(audit(&rehearsal, 0)["total"]["dollars"], Value::Null);
}
