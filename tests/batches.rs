//! Batch endpoints: the real program against the simulator's.

use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Batches that end when the test says so, however slow the machine is.
fn endless() -> BatchConfig {
    BatchConfig { turnaround_ms: 3_600_000.0, ..BatchConfig::default() }
}

/// A run by batch that does not wait long for anything.
fn run(rehearsal: &Rehearsal, provider: &str, more: &[&str]) -> Run {
    let args = ["--provider", provider, "--endpoint", "batch", "--poll", "0.03", "--listing-lag", "0.15"];
    rehearsal.run("out", &[&args[..], more].concat())
}

/// Does something at each vendor's endpoint, side by side: most of it is waiting.
fn at_each_provider(work: impl Fn(usize, &str) + Sync) {
    let work = &work;
    std::thread::scope(|scope| {
        for (n, provider) in PROVIDERS.into_iter().enumerate() {
            scope.spawn(move || work(n, provider));
        }
    });
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
    at_each_provider(|_, provider| {
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
    });
}

#[test]
fn everything_that_goes_wrong_with_results_is_ordinary() {
    use BatchFault as F;
    // Several batches a run, each with a fault of its own; no three in a row that are refused as a whole.
    let runs = [
        [F::Expired, F::SomeErrored, F::FailedAfterCreate, F::AllErrored],
        [F::Duplicates, F::Missing, F::InvalidLine, F::Unknown],
        [F::CutDownload, F::NotFoundAtFirst, F::UnavailableAtFirst, F::CreateRefused],
        [F::JobStates, F::CreateErrorBeforeEffect, F::Expired, F::Missing],
    ];
    at_each_provider(|_, provider| {
        for faults in runs {
            let batch = BatchConfig { script: faults.into_iter().zip(1..).collect(), ..quick() };
            let rehearsal = Rehearsal::of(6, config(batch));
            run(&rehearsal, provider, &["--no-probe", "--batch-requests", "6"]).exits(0);
            assert_sound(&rehearsal, &format!("{provider} {faults:?}"));
            assert!(rehearsal.simulator.batch_counters().created >= 4, "{provider} {faults:?}: each had its batch");
        }
    });
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
    use BatchFault::{CreateResetAfterEffect as Reset, CreateTimeoutAfterEffect as Timeout};
    // The listing lags behind the creation, by less than the program is told.
    let beside = [
        (None, 0.0),
        (None, 60.0),
        (None, 100.0),
        (Some(Timeout), 0.0),
        (Some(Timeout), 60.0),
        (Some(Reset), 0.0),
        (Some(Reset), 60.0),
    ];
    // Each point at each vendor once, with what goes wrong beside it in turn; the simulation beside the driver has all mixtures.
    let all = std::env::var_os("CORPORA_BATCH_KILLS").is_some_and(|v| v == "all");
    let cases = AtomicUsize::new(0);
    at_each_provider(|number, provider| {
        let rehearsal = Rehearsal::of(3, config(BatchConfig::default()));
        rehearsal.run("live", &["--provider", provider]).exits(0);
        let expected = rehearsal.shelf.vocabularies_in("live");
        for (n, point) in points.into_iter().enumerate() {
            let chosen = beside[(number * points.len() + n) % beside.len()];
            for (fault, list_lag_ms) in if all { beside.to_vec() } else { vec![chosen] } {
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
                    cases.fetch_add(1, Ordering::Relaxed);
                }
                run(&rehearsal, provider, &[]).exits(0);
                assert_sound(&rehearsal, &what);
                assert_eq!(rehearsal.simulator.batch_counters().created, 1, "{what}");
                assert_eq!(rehearsal.shelf.vocabularies_in("out"), expected, "{what}");
            }
        }
    });
    let cases = cases.into_inner();
    assert!(cases >= if all { 100 } else { 24 }, "{cases} kills");
}

#[test]
fn detached_batches_are_collected_later_by_another_process_in_a_moved_folder() {
    at_each_provider(|_, provider| {
        let rehearsal = Rehearsal::of(5, config(endless()));
        rehearsal.run("live", &["--provider", provider]).exits(0);
        let left = run(&rehearsal, provider, &["--detach", "--batch-requests", "7"]).exits(0);
        assert!(left.summary()["stopped"].as_str().unwrap().contains("left at the provider"), "{}", left.stderr());
        let shelf = &rehearsal.shelf;
        let listed = shelf.run(&["batches", "out", "--json"]).exits(0).stdout();
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        assert!(
            listed.as_array().unwrap().iter().all(|b| b["state"] == "submitted" && b["remote"].is_string()),
            "{listed}"
        );
        assert!(shelf.run(&["batches", "out"]).exits(0).stdout().contains("submitted"));
        let created = rehearsal.simulator.batch_counters().created;
        assert!(created >= 2);
        run(&rehearsal, provider, &["--detach", "--batch-requests", "7"]).exits(0);
        // Back from the reboot: the folders have other names, for the command that waits and for the run that collects.
        std::fs::rename(shelf.books(), shelf.path().join("library")).unwrap();
        std::fs::rename(shelf.out(), shelf.path().join("elsewhere")).unwrap();
        let base = format!("http://{}", rehearsal.simulator.address());
        std::fs::write(shelf.path().join("key"), crate::support::rehearsal::KEY).unwrap();
        rehearsal.simulator.end_batches();
        shelf.run(&["wait", "elsewhere", "--poll", "0.05", "--base-url", &base, "--key-file", "key"]).exits(0);
        let args = ["--provider", provider, "--endpoint", "batch", "--poll", "0.03", "--listing-lag", "0.15"];
        let mut all = rehearsal.args("elsewhere", &args);
        all[1] = "library".into();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let mut command = crate::support::command(shelf.path(), &all);
        for variable in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"] {
            command.env(variable, crate::support::rehearsal::KEY);
        }
        assert!(command.output().unwrap().status.success());
        assert_eq!(rehearsal.simulator.batch_counters().created, created, "{provider}: nothing is submitted twice");
        assert_eq!(shelf.vocabularies_in("elsewhere"), shelf.vocabularies_in("live"), "{provider}");
    });
}

#[test]
fn a_cancelled_batch_gives_what_it_has_and_the_rest_is_asked_again() {
    for provider in PROVIDERS {
        let rehearsal = Rehearsal::of(4, config(endless()));
        run(&rehearsal, provider, &["--detach"]).exits(0);
        std::fs::write(rehearsal.shelf.path().join("key"), crate::support::rehearsal::KEY).unwrap();
        rehearsal.shelf.run(&["cancel", "out", "--key-file", "key"]).exits(0).says("is being stopped");
        rehearsal.simulator.reconfigure(config(quick()));
        run(&rehearsal, provider, &[]).exits(0);
        assert_sound(&rehearsal, provider);
    }
}

#[test]
fn what_people_run_into_with_batches_is_explained() {
    let stopped = |run: &Run| run.summary()["stopped"].as_str().unwrap_or_default().to_owned();
    // No batch endpoint at this address: told before anything is parsed.
    for provider in PROVIDERS {
        let rehearsal = Rehearsal::of(2, config(BatchConfig { absent: true, ..quick() }));
        let refused = run(&rehearsal, provider, &[]).exits(75);
        assert!(stopped(&refused).contains("has no batch endpoint"), "{}", stopped(&refused));
        assert!(stopped(&refused).contains("use --endpoint live"), "{}", stopped(&refused));
        assert_eq!(refused.summary()["stop_reason"], "no_batch_endpoint");
        assert_eq!((rehearsal.requests(), refused.done("parse")), (0, 0), "{provider}");
    }

    // A payload that is refused as a whole, again and again: the provider's words, and an end.
    let always = BatchConfig { faults: vec![(BatchFault::InvalidLine, 1.0)], ..quick() };
    for (provider, words) in [("openai", "line 2: This line is not parseable"), ("gemini", "line 2 of the input file")]
    {
        let rehearsal = Rehearsal::of(2, config(always.clone()));
        let refused = run(&rehearsal, provider, &["--no-probe"]).exits(75);
        assert!(stopped(&refused).contains("refused 3 provider batches in a row"), "{}", stopped(&refused));
        assert_eq!(refused.summary()["stop_reason"], "batch_refused");
        assert!(stopped(&refused).contains(words), "{}", stopped(&refused));
        assert_eq!(rehearsal.count("out", "SELECT count(*) FROM batch_unit"), 0);
    }

    // The queue's limit shows only after the batch was made: it is split until it fits.
    let rehearsal = Rehearsal::of(8, config(BatchConfig { queue_tokens: Some(4_000), ..quick() }));
    let split = run(&rehearsal, "openai", &[]).exits(0);
    assert!(split.stderr().contains("takes less at once"), "{}", split.stderr());
    assert_sound(&rehearsal, "queue limit");

    // Results are gone: nothing is paid again unless somebody says so.
    let rehearsal = Rehearsal::of(3, config(BatchConfig { script: vec![(BatchFault::ResultsGone, 1)], ..quick() }));
    let gone = run(&rehearsal, "anthropic", &["--patience", "0.01"]).exits(75);
    assert!(stopped(&gone).contains("--abandon-batches"), "{}", stopped(&gone));
    assert_eq!(gone.summary()["stop_reason"], "batch_lost");
    assert_eq!(rehearsal.simulator.batch_counters().created, 1);
    run(&rehearsal, "anthropic", &["--abandon-batches"]).exits(0);
    assert_eq!(
        rehearsal.count("out", "SELECT count(*) FROM answer"),
        rehearsal.count("out", "SELECT count(*) FROM unit")
    );

    // The key of another workspace does not see the batch.
    let rehearsal = Rehearsal::of(3, config(endless()));
    run(&rehearsal, "anthropic", &["--detach"]).exits(0);
    std::fs::write(rehearsal.shelf.path().join("other"), "sk-of-another-workspace").unwrap();
    let stranger = run(&rehearsal, "anthropic", &["--key-file", "other"]).exits(75);
    assert!(stopped(&stranger).contains("the key and the workspace"), "{}", stopped(&stranger));
    assert_eq!(rehearsal.simulator.batch_counters().created, 1, "nothing is asked again");
    rehearsal.simulator.end_batches();
    run(&rehearsal, "anthropic", &[]).exits(0);
    assert_sound(&rehearsal, "own key again");

    // Requests that are found wrong fail their documents, and nothing else.
    let rehearsal = Rehearsal::of(4, config(BatchConfig { script: vec![(BatchFault::SomeWrong, 1)], ..quick() }));
    let wrong = run(&rehearsal, "openai", &[]).exits(75);
    assert!(wrong.stderr().contains("finds the request wrong"), "{}", wrong.stderr());
    rehearsal.simulator.reconfigure(config(quick()));
    run(&rehearsal, "openai", &["--retry-failed"]).exits(0);

    let args = |more: &[&str]| rehearsal.run("out", more).exits(64).stderr();
    assert!(args(&["--detach"]).contains("add --endpoint batch"));
    assert!(args(&["--endpoint", "auto", "--deadline", "25:00"]).contains("neither a time of day"));
    assert!(args(&["--endpoint", "batch", "--deadline", "07:00"]).contains("--endpoint auto"));
    assert!(args(&["--endpoint", "batch", "--batch-requests", "900000"]).contains("out of range"));
}

#[test]
fn clocks_that_are_a_day_apart_do_not_hide_an_orphan() {
    for (provider, skew) in
        [("anthropic", 86_400.0), ("anthropic", -86_400.0), ("openai", 86_400.0), ("gemini", -86_400.0)]
    {
        let batch = BatchConfig { turnaround_ms: 120.0, create_delay_ms: 120.0, ..BatchConfig::default() };
        let rehearsal = Rehearsal::with_clock(3, config(batch), skew);
        run(&rehearsal, provider, &["--crash-at", "after-send"]);
        run(&rehearsal, provider, &[]).exits(0);
        assert_sound(&rehearsal, provider);
        assert_eq!(rehearsal.simulator.batch_counters().created, 1, "{provider} {skew}");
    }
}

#[test]
fn a_batch_is_billed_at_half_the_price_and_counted_under_the_cap() {
    let rehearsal = Rehearsal::of(10, config(quick()));
    rehearsal.run("live", &[]).exits(0);
    let live = rehearsal.count("live", "SELECT sum(cost) FROM response");
    run(&rehearsal, "anthropic", &["--no-probe"]).exits(0);
    assert_eq!(2 * rehearsal.count("out", "SELECT sum(cost) FROM response"), live);
    // A cap below what all could cost at most: what fits goes, the rest waits for more money.
    let cap = format!("{:.9}", live as f64 * 1.2 / 1e12);
    let args = ["--endpoint", "batch", "--poll", "0.03", "--no-probe", "--max-cost"];
    let first = rehearsal.run("capped", &[&args[..], &[&cap]].concat()).exits(75);
    assert!(first.summary()["stopped"].as_str().unwrap().contains("--max-cost"), "{}", first.stderr());
    rehearsal.run("capped", &[&args[..], &["5"]].concat()).exits(0);
    assert_eq!(2 * rehearsal.count("capped", "SELECT sum(cost) FROM response"), live, "nothing is paid twice");
    // What is left undone can be asked live.
    rehearsal.simulator.reconfigure(config(BatchConfig { faults: vec![(BatchFault::SomeErrored, 1.0)], ..quick() }));
    rehearsal.run("mixed", &["--endpoint", "batch", "--poll", "0.03", "--finish", "live"]).exits(0);
    assert_eq!(rehearsal.shelf.vocabularies_in("mixed"), rehearsal.shelf.vocabularies_in("live"));
    // Few requests go live by themselves.
    let auto = rehearsal.run("auto", &["--endpoint", "auto"]).exits(0);
    assert!(auto.stderr().contains("they go live"), "{}", auto.stderr());
}

#[test]
fn the_shared_instructions_are_written_to_the_hours_cache_once_and_read_by_the_others() {
    let plain = Rehearsal::of(10, config(quick()));
    run(&plain, "anthropic", &["--no-probe"]).exits(0);
    let rehearsal = Rehearsal::of(10, SimulatorConfig { cache_from_tokens: 50, ..config(quick()) });
    run(&rehearsal, "anthropic", &["--no-probe"]).exits(0);
    let count = |sql: &str| rehearsal.count("out", sql);
    let answers = count("SELECT count(*) FROM response");
    assert_eq!(count("SELECT count(*) FROM response WHERE cache_write_1h > 0"), 1);
    assert_eq!(count("SELECT count(*) FROM response WHERE cache_read > 0"), answers - 1);
    let cost = |r: &Rehearsal| r.count("out", "SELECT sum(cost) FROM response");
    assert!(cost(&rehearsal) < cost(&plain), "{} against {}", cost(&rehearsal), cost(&plain));
    assert_eq!(rehearsal.shelf.vocabularies_in("out"), plain.shelf.vocabularies_in("out"));
}

#[test]
fn an_interruption_leaves_batches_running_and_says_so() {
    let rehearsal = Rehearsal::of(4, config(endless()));
    let args = ["--endpoint", "batch", "--poll", "0.05", "--no-probe"];
    let args = rehearsal.args("out", &args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut command = crate::support::command(rehearsal.shelf.path(), &args);
    let child = command
        .env("ANTHROPIC_API_KEY", crate::support::rehearsal::KEY)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The store is there once a batch was made, and says when its creation was answered.
    while rehearsal.simulator.batch_counters().created == 0
        || rehearsal.count("out", "SELECT count(*) FROM batch WHERE state = 3") == 0
    {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = Run(child.wait_with_output().unwrap()).exits(130);
    assert!(ended.summary()["stopped"].as_str().unwrap().contains("left at the provider"), "{}", ended.stderr());
    assert_eq!(ended.summary()["stop_reason"], "batches_left");
    assert!(rehearsal.shelf.run(&["status", "out"]).exits(0).stdout().contains("1 provider batch is not collected"));
    rehearsal.simulator.end_batches();
    run(&rehearsal, "anthropic", &["--no-probe"]).exits(0);
    assert_sound(&rehearsal, "interrupted");
    assert_eq!(rehearsal.simulator.batch_counters().created, 1);
}

#[test]
fn the_samples_by_batch_are_the_samples_live() {
    let rehearsal = Rehearsal::of(0, config(quick()));
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples");
    for pipeline in ["glossary", "vocabulary"] {
        let (live, batch) = (format!("live-{pipeline}"), format!("batch-{pipeline}"));
        let run = |out: &str, more: &[&str]| {
            let mut args = rehearsal.args(out, &[&["--pipeline", pipeline], more].concat());
            args[1] = samples.into();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            rehearsal.shelf.run(&args).exits(0);
        };
        run(&live, &[]);
        run(&batch, &["--endpoint", "batch", "--poll", "0.03", "--batch-requests", "5"]);
        let files = rehearsal.shelf.vocabularies_in(&batch);
        assert_eq!(files.len(), 7);
        assert_eq!(files, rehearsal.shelf.vocabularies_in(&live), "{pipeline}");
    }
}

#[test]
fn no_more_batches_are_at_the_provider_than_allowed() {
    let rehearsal = Rehearsal::of(8, config(BatchConfig { turnaround_ms: 120.0, ..quick() }));
    run(&rehearsal, "openai", &["--batch-requests", "7", "--batches-in-flight", "1", "--no-probe"]).exits(0);
    assert!(rehearsal.simulator.batch_counters().created >= 3);
    let together = "SELECT count(*) FROM batch a JOIN batch b ON b.id > a.id WHERE b.submitted_ms < a.ended_ms";
    assert_eq!(rehearsal.count("out", together), 0, "each had to end before the next was made");
    assert_sound(&rehearsal, "one at a time");
}

#[test]
fn batches_are_created_no_faster_than_allowed() {
    let rehearsal = Rehearsal::of(8, config(quick()));
    let args = ["--batch-requests", "2", "--batches-per-hour", "3600", "--no-probe"];
    let ran = run(&rehearsal, "openai", &args).exits(0);
    assert!(ran.stderr().contains("3600 an hour at most"), "{}", ran.stderr());
    assert_sound(&rehearsal, "a limit on creations");
    let made = rehearsal.simulator.batch_creations_ms();
    assert!(made.len() >= 13, "{} batches", made.len());
    // Each reply comes before the next creation is admitted, so of n creations the provider sees all but the first, and ten that go
    // together, at least a period apart: a lower bound, however slow the machine is.
    let period_ms = 3_600_000.0 / 3_591.0;
    let took = made[made.len() - 1] - made[0];
    assert!(took >= (made.len() - 11) as f64 * period_ms - 1.0, "{} batches in {took} ms", made.len());
    let zero = run(&rehearsal, "openai", &["--batches-per-hour", "0"]).exits(64);
    assert!(zero.stderr().contains("--batches-per-hour 0 lets no batch through"), "{}", zero.stderr());
}

#[test]
fn results_that_go_away_soon_are_warned_of_wherever_the_store_is_touched() {
    let rehearsal = Rehearsal::of(3, config(endless()));
    let fresh = run(&rehearsal, "anthropic", &["--detach"]).exits(0);
    assert!(!fresh.stderr().contains("go away"), "{}", fresh.stderr());
    assert!(fresh.summary()["stopped"].as_str().unwrap().contains("1 provider batch with"), "{}", fresh.stderr());
    // 29 days after the creation, by the provider's clock, which tells seconds.
    let stopped = fresh.summary()["stopped"].as_str().unwrap().to_owned();
    assert!([28, 29].iter().any(|n| stopped.contains(&format!("keeps results for {n} days more"))), "{stopped}");
    let shelf = &rehearsal.shelf;
    let age = "UPDATE batch SET submitted_ms = submitted_ms - 2332800000, expires_ms = expires_ms - 2332800000";
    assert_eq!(shelf.sql().execute(age, []).unwrap(), 1);
    let warning = "go away in 47 hours: collect them before that";
    for style in [
        &["--progress", "plain"][..],
        &["--progress", "bars"],
        &["--progress", "json"],
        &["--progress", "none"],
        &["--quiet"],
    ] {
        for detach in [&["--detach"][..], &["--detach", "--provider", "gemini"], &["--dry-run"]] {
            let args =
                rehearsal.args("out", &[&["--endpoint", "batch", "--poll", "0.03", "--no-probe"][..], detach].concat());
            let args = args.iter().map(String::as_str).filter(|a| !["--progress", "json"].contains(a));
            let args: Vec<&str> = args.chain(style.iter().copied()).collect();
            let mut command = crate::support::command(shelf.path(), &args);
            for variable in ["ANTHROPIC_API_KEY", "GEMINI_API_KEY"] {
                command.env(variable, crate::support::rehearsal::KEY);
            }
            let ran = Run(command.output().unwrap()).says(warning);
            assert_eq!(ran.stderr().matches(warning).count(), 1, "{style:?} {detach:?}: {}", ran.stderr());
        }
    }
    // Whoever is asked, even nobody.
    let local = shelf.run(&["batch", "books", "-o", "out", "--pipeline", "./small.toml", "--provider", "local"]);
    local.exits(0).says(warning);
    assert!(shelf.run(&["status", "out"]).exits(0).stdout().contains(warning));
    let status: serde_json::Value = serde_json::from_str(&shelf.run(&["status", "out", "--json"]).stdout()).unwrap();
    assert!(status["warnings"][0].as_str().unwrap().contains(warning), "{status}");
    assert!(shelf.run(&["batches", "out"]).exits(0).stdout().contains(warning));
    let listed: serde_json::Value = serde_json::from_str(&shelf.run(&["batches", "out", "--json"]).stdout()).unwrap();
    assert!(listed[0]["warning"].as_str().unwrap().contains(warning), "{listed}");
    std::fs::write(shelf.path().join("key"), crate::support::rehearsal::KEY).unwrap();
    shelf.run(&["cancel", "out", "--key-file", "key"]).exits(0);
    shelf.run(&["wait", "out", "--key-file", "key", "--poll", "0.03"]).exits(0).says(warning);
    rehearsal.simulator.reconfigure(config(quick()));
    run(&rehearsal, "anthropic", &["--no-probe"]).exits(0);
    assert!(!shelf.run(&["status", "out"]).exits(0).stdout().contains("warning"), "what is collected is safe");
}

#[test]
fn a_run_by_batch_tells_of_batches_and_requests() {
    for (provider, counts) in [("anthropic", false), ("openai", true)] {
        let rehearsal = Rehearsal::of(4, config(BatchConfig { turnaround_ms: 300.0, ..quick() }));
        let ran = run(&rehearsal, provider, &["--no-probe"]).exits(0);
        let events = ran.events();
        assert!(events.iter().all(|e| e["event"] != "asking"), "nothing is in flight: {}", ran.stderr());
        let told: Vec<_> = events.iter().filter(|e| e["event"] == "batching").collect();
        let first = told.first().expect("something is told of batches");
        assert_eq!((first["batches"].as_u64(), first["done"].is_u64()), (Some(1), counts), "{first}");
        assert_eq!(first["requests"].as_u64(), Some(rehearsal.simulator.batch_counters().requests));
        let last = told.last().unwrap();
        assert_eq!(last["batches"], 0, "{last}");
        assert!(last["answers"].as_u64() > Some(0), "{last}");
    }
}
