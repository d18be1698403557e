//! Cheaper ways to the same answers, and settings that decide answers: the real program against the simulator.

use corpora::simulator::{BatchConfig, Fault, Latency, SimulatorConfig};

use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::{Run, command, documents};

const OPENAI: [&str; 6] = ["--provider", "openai", "--model", "house", "--prices", "prices.toml"];
const SUM: &str = "SELECT sum(cost) FROM response";

fn quick() -> SimulatorConfig {
    let latency = Latency { median_ms: 5.0, p99_over_median: 7.0, per_output_token_ms: 0.0 };
    let batch = BatchConfig { turnaround_ms: 50.0, ..BatchConfig::default() };
    SimulatorConfig { latency, batch, ..SimulatorConfig::default() }
}

/// A shelf and a provider of whose model the price is known.
fn priced(documents: usize, config: SimulatorConfig) -> Rehearsal {
    let rehearsal = Rehearsal::of(documents, config);
    let prices = "[[price]]\nmodel = 'house'\ninput = 2.0\noutput = 10.0\nbatch = 0.5\nflex = 0.5\n";
    std::fs::write(rehearsal.shelf.path().join("prices.toml"), prices).unwrap();
    rehearsal
}

fn openai<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&OPENAI[..], more].concat()
}

#[test]
fn at_the_flex_tier_the_same_answers_cost_half_and_are_the_same_answers() {
    for provider in ["openai", "openai-responses", "gemini"] {
        let rehearsal = priced(4, quick());
        let args = |more: &[&'static str]| [&["--provider", provider], &OPENAI[2..], more].concat();
        rehearsal.run("standard", &args(&[])).exits(0);
        let run = rehearsal.run("flex", &args(&["--service-tier", "flex"])).exits(0);
        let (full, half) = (rehearsal.count("standard", SUM), rehearsal.count("flex", SUM));
        assert!(full > 0 && (full - 2 * half).abs() < 100, "{provider}: {full} and {half}");
        assert_eq!(run.summary()["asked"]["picodollars"], half, "{provider}: what is told is what is booked");
        assert_eq!(rehearsal.shelf.vocabularies_in("flex"), rehearsal.shelf.vocabularies_in("standard"), "{provider}");
        // The tier is no part of the question.
        let asked = rehearsal.requests();
        rehearsal.run("flex", &args(&[])).exits(0);
        assert_eq!(rehearsal.requests(), asked, "{provider}: nothing is asked again at another tier");
    }
}

#[test]
fn the_best_terms_alone_are_asked_about_where_somebody_says_how_many() {
    let rehearsal = priced(4, quick());
    let plan = |more: &[&'static str]| {
        let run = rehearsal
            .run("planned", &openai(&[&["--dry-run", "--json", "--pipeline", "vocabulary"], more].concat()))
            .exits(0);
        let plan: serde_json::Value = serde_json::from_str(&run.stdout()).unwrap();
        plan["extract"]["units"].as_u64().unwrap()
    };
    let all = plan(&[]);
    let best = plan(&["--top", "3"]);
    assert!(best > 0 && best <= 3 * 4 && best < all, "{best} of {all}");
    rehearsal.run("out", &openai(&["--pipeline", "vocabulary", "--top", "3"])).exits(0);
    for name in rehearsal.shelf.vocabularies_in("out").keys() {
        let file: serde_json::Value =
            serde_json::from_slice(&std::fs::read(rehearsal.shelf.path().join("out").join(name)).unwrap()).unwrap();
        assert!(file["entries"].as_array().unwrap().len() <= 3, "{name}");
    }
    assert!(plan(&["--min-score", "1"]) < all);
    // What was answered about the best is not asked again for the whole list.
    let asked = rehearsal.requests();
    rehearsal.run("out", &openai(&["--pipeline", "vocabulary", "--top", "3"])).exits(0);
    assert_eq!(rehearsal.requests(), asked);
    for (wrong, reason) in [
        (&["--top", "0"][..], "keeps nothing"),
        (&["--min-score", "1.5"], "a number from 0 to 1"),
        (&["--top", "9", "--pipeline", "glossary"], "searches passages"),
    ] {
        let refused = rehearsal.run("out", &openai(wrong)).exits(64).stderr();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn a_provider_without_the_tier_is_refused_with_those_that_have_it() {
    let rehearsal = priced(1, quick());
    let refused = rehearsal.run("out", &["--service-tier", "flex"]).exits(64);
    assert!(refused.stderr().contains("openai, openai-responses or gemini"), "{}", refused.stderr());
    assert_eq!(rehearsal.requests(), 0);
}

#[test]
fn the_cap_knows_half_the_price_and_is_never_passed() {
    let rehearsal = priced(30, quick());
    rehearsal.run("whole", &OPENAI).exits(0);
    let whole = rehearsal.count("whole", SUM);
    let cap = format!("{:.9}", whole as f64 * 0.4 / 1e12);
    let answers = |out: &str| rehearsal.count(out, "SELECT count(*) FROM response");
    for (out, tier) in [("full", "standard"), ("half", "flex")] {
        let more = openai(&["--max-cost", &cap, "--in-flight", "2", "--service-tier", tier]);
        rehearsal.run(out, &more).exits(75).says("--max-cost");
        assert!(rehearsal.count(out, SUM) as f64 <= whole as f64 * 0.4, "{out}");
    }
    assert!(answers("half") as f64 > 1.6 * answers("full") as f64, "{} and {}", answers("half"), answers("full"));
}

#[test]
fn a_flex_tier_without_room_is_waited_for_and_told_once() {
    let faults = vec![(Fault::Overloaded, 0.2)];
    let rehearsal = priced(6, SimulatorConfig { faults, ..quick() });
    let run = rehearsal.run("out", &openai(&["--service-tier", "flex"])).exits(0);
    assert_eq!(run.stderr().matches("requests wait for room there").count(), 1, "{}", run.stderr());
    // Nobody asked for the full price.
    let standard = priced(6, quick());
    standard.run("out", &OPENAI).exits(0);
    assert!((standard.count("out", SUM) - 2 * rehearsal.count("out", SUM)).abs() < 200);
}

#[test]
fn the_cheapest_way_is_flex_then_batch_then_live_as_time_runs_out() {
    let rehearsal = priced(4, quick());
    rehearsal.run("full", &OPENAI).exits(0);
    let full = rehearsal.count("full", SUM);
    let cost = |out: &str, more: &[&str]| {
        rehearsal.run(out, more).exits(0);
        rehearsal.count(out, SUM) as f64 / full as f64
    };
    let batches = |out: &str| rehearsal.count(out, "SELECT count(*) FROM batch");
    assert!((cost("night", &openai(&["--cheapest", "--deadline", "8h"])) - 0.5).abs() < 0.01);
    assert!((cost("whenever", &openai(&["--cheapest"])) - 0.5).abs() < 0.01);
    assert!((cost("hurry", &openai(&["--cheapest", "--deadline", "10m"])) - 1.0).abs() < 0.01);
    assert_eq!((batches("night"), batches("hurry")), (0, 0));
    // A vendor without the tier has batches.
    let poll = ["--no-probe", "--poll", "0.02", "--cheapest"];
    rehearsal.run("batch", &poll).exits(0);
    rehearsal.run("soon", &[&poll[..], &["--deadline", "23h"]].concat()).exits(0);
    assert_eq!((batches("batch"), batches("soon")), (1, 0));
    let half = rehearsal.count("batch", SUM);
    assert!((rehearsal.count("soon", SUM) - 2 * half).abs() < 100);
    // In one ledger: what one way has answered, no other asks again.
    let asked = rehearsal.requests();
    for way in [&["--endpoint", "live"][..], &["--endpoint", "batch"], &["--cheapest"]] {
        rehearsal.run("soon", way).exits(0);
    }
    assert_eq!(rehearsal.requests(), asked);
}

#[test]
fn the_plan_tells_the_way_and_the_price_of_the_tier() {
    let rehearsal = priced(3, quick());
    let plan = |more: &[&str]| {
        let text = rehearsal.run("out", &[&["--dry-run", "--json"], more].concat()).exits(0).stdout();
        let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
        plan["extract"]["remote"].clone()
    };
    let cheapest = plan(&openai(&["--cheapest", "--deadline", "8h"]));
    assert!(cheapest["way"].as_str().unwrap().contains("at the flex tier"), "{cheapest}");
    let dollars = |plan: &serde_json::Value, key: &str| plan[key].as_f64().unwrap();
    assert!((dollars(&cheapest, "dollars") - 2.0 * dollars(&cheapest, "flex_dollars")).abs() < 1e-9);
    assert!(plan(&["--cheapest"])["way"].as_str().unwrap().contains("batch endpoint"));
    assert!(plan(&["--cheapest", "--deadline", "2h"])["way"].as_str().unwrap().contains("full price"));
    assert_eq!(plan(&["--cheapest"])["flex_dollars"], serde_json::Value::Null);
    assert_eq!(plan(&[])["way"], serde_json::Value::Null);
    rehearsal.run("out", &["--deadline", "8h"]).exits(64).says("--cheapest");
    rehearsal.run("out", &["--cheapest", "--deadline", "soon"]).exits(64).says("like 8h or 90m");
    rehearsal.run("out", &["--cheapest", "--endpoint", "batch"]).exits(2).says("cannot be used with");
}

#[test]
fn a_wish_about_answers_is_part_of_the_question_and_none_is_not() {
    let rehearsal = priced(2, quick());
    let responses = |more: &[&'static str]| [&["--provider", "openai-responses"], &OPENAI[2..], more].concat();
    rehearsal.run("out", &responses(&[])).exits(0);
    let once = rehearsal.requests();
    let asks = |more: &[&'static str]| {
        let before = rehearsal.requests();
        rehearsal.run("out", &responses(more)).exits(0);
        rehearsal.requests() - before
    };
    assert_eq!(asks(&["--effort", "low"]), once);
    assert_eq!(asks(&["--temperature", "0"]), once);
    assert_eq!(asks(&["--extra-body", "{\"top_p\": 0.9}"]), once);
    assert_eq!(asks(&["--effort", "low"]), 0);
    assert_eq!(asks(&["--headers", "X-Team: books"]), 0, "a header says nothing of what is asked");
    assert_eq!(asks(&[]), 0);
    // The pipeline's own wishes are the same question.
    let pipeline = std::fs::read_to_string(rehearsal.shelf.path().join("small.toml")).unwrap();
    let wishes = "[provider]\neffort = \"low\"\n";
    assert!(pipeline.contains("[provider]\n"));
    std::fs::write(rehearsal.shelf.path().join("low.toml"), pipeline.replace("[provider]\n", wishes)).unwrap();
    assert_eq!(asks(&["--pipeline", "./low.toml"]), 0);
}

#[test]
fn wishes_that_cannot_be_sent_are_explained_before_anything_is() {
    let rehearsal = priced(1, quick());
    let says = |more: &[&str], words: &str| {
        let run = rehearsal.run("out", more).exits(64);
        assert!(run.stderr().contains(words), "{more:?}: {}", run.stderr());
    };
    says(&["--temperature", "0"], "--api-version 2023-06-01");
    says(&["--effort", "minimal"], "none, low, medium or high");
    says(&openai(&["--temperature", "3"]), "a number from 0 to 2");
    says(&openai(&["--extra-body", "top_k=4"]), "a JSON object");
    says(&openai(&["--extra-body", "{\"stream\": true}"]), "may not hold 'stream'");
    says(&openai(&["--headers", "X-Team"]), "'Name: value'");
    says(&openai(&["--headers", "Host: elsewhere"]), "this program's own");
    let file = |text: &str, words: &str| {
        std::fs::write(rehearsal.shelf.path().join("corpora.toml"), text).unwrap();
        says(&OPENAI, words);
    };
    file("extra_body = {messages = []}\n", "may not hold 'messages'");
    file("stop = ['a', 'b', 'c', 'd', 'e']\n", "at most 4");
    file("headers = {\"x y\" = 'a'}\n", "is not the name of a header");
    assert_eq!(rehearsal.requests(), 0);
}

#[test]
fn a_headers_value_stands_in_nothing_that_is_written() {
    let rehearsal = priced(2, quick());
    let secret = format!("X-Gateway-Token: {KEY}-more");
    let run = rehearsal.run("out", &["--headers", &secret, "--log", "requests.log", "-v"]).exits(0);
    assert!(!run.stderr().contains("-more"), "{}", run.stderr());
    let log = std::fs::read_to_string(rehearsal.shelf.path().join("requests.log")).unwrap();
    assert!(!log.is_empty() && !log.contains("-more"));
    let mut show = command(rehearsal.shelf.path(), &["config", "--format", "toml"]);
    let shown = Run(show.env("CORPORA_HEADERS", &secret).output().unwrap()).exits(0).stdout();
    assert!(shown.contains("# headers = \"(hidden)\"") && !shown.contains("-more"), "{shown}");
}

#[test]
fn a_model_that_changes_in_the_night_is_told_in_summary_status_and_cost() {
    let rehearsal = priced(2, quick());
    let first = rehearsal.run("out", &OPENAI).exits(0);
    assert_eq!(first.summary()["model_changes"], serde_json::Value::Null);
    let store = rehearsal.shelf.path().join("out/.corpora/store.sqlite");
    let moved = "UPDATE response SET answered_by = 'house-may', at_ms = at_ms - 60000";
    rusqlite::Connection::open(store).unwrap().execute(moved, []).unwrap();
    rehearsal.shelf.put("late.epub", &documents::epub("Late", &[&documents::story(77)]));
    let second = rehearsal.run("out", &OPENAI).exits(0);
    let changes = &second.summary()["model_changes"];
    assert_eq!((&changes[0]["before"], &changes[0]["since"]), (&"house-may".into(), &"house".into()));
    for name in ["status", "cost"] {
        let told = rehearsal.shelf.run(&[name, "out"]).exits(0).stdout();
        assert!(told.contains("house answered instead of house-may"), "{name}: {told}");
    }
    let third = rehearsal.run("out", &OPENAI).exits(0);
    assert_eq!(third.summary()["model_changes"], serde_json::Value::Null, "it is told in the run in which it fell");
}
