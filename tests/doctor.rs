//! `corpora doctor` at servers of one's own: what a server tells of itself, what is tried, and the settings that come of it.

use corpora::simulator::{Fault, Latency, SimulatorConfig};

use crate::support::Run;
use crate::support::rehearsal::Rehearsal;

fn quick() -> SimulatorConfig {
    let latency = Latency { median_ms: 5.0, p99_over_median: 7.0, per_output_token_ms: 0.0 };
    SimulatorConfig { latency, ..SimulatorConfig::default() }
}

/// Runs a command about the model `name` of the simulated server.
fn ask(rehearsal: &Rehearsal, command: &[&str], model: &str, more: &[&str]) -> Run {
    let url = format!("http://{}/v1", rehearsal.simulator.address());
    let whom = ["--provider", "openai", "--base-url", &url, "--model", model];
    rehearsal.shelf.run(&[command, &whom[..], more].concat())
}

#[test]
fn tuning_writes_settings_that_a_run_takes_up() {
    let rehearsal = Rehearsal::of(2, SimulatorConfig { slots: 2, window: 30_000, ..quick() });
    let told = ask(&rehearsal, &["doctor", "--tune"], "m", &["--pipeline", "vocabulary"]).exits(0).stdout();
    for words in
        ["2 at once, 30000 tokens", "20 terms in one request come back whole", "with 4 in flight", "written to"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    let written = std::fs::read_to_string(rehearsal.shelf.path().join("corpora.toml")).unwrap();
    let settings: toml::Table = toml::from_str(&written).unwrap();
    assert_eq!((settings["provider"].as_str(), settings["model"].as_str()), (Some("openai"), Some("m")), "{written}");
    assert!(settings.contains_key("base_url") && settings["pipeline"].as_str() == Some("vocabulary"), "{written}");
    let before = rehearsal.requests();
    rehearsal.shelf.run(&["batch", "books", "-o", "out"]).exits(0);
    assert!(rehearsal.requests() > before, "the run asks the server that was tuned for");
    // A second look prints the lines, and leaves the file as it is.
    let again = ask(&rehearsal, &["doctor", "--tune"], "m", &["--pipeline", "glossary"]).exits(0).stdout();
    assert!(again.contains("these lines are for it") && again.contains("pipeline = \"glossary\""), "{again}");
    assert_eq!(std::fs::read_to_string(rehearsal.shelf.path().join("corpora.toml")).unwrap(), written);
}

#[test]
fn a_server_that_refuses_a_schema_is_tuned_to_the_way_that_it_takes() {
    let faults = vec![(Fault::NoStructuredOutput, 1.0)];
    let rehearsal = Rehearsal::of(1, SimulatorConfig { faults, ..quick() });
    let refused = ask(&rehearsal, &["doctor", "--tune"], "m", &[]).exits(64).stdout();
    assert!(refused.contains("WRONG  structured output"), "{refused}");
    assert!(!rehearsal.shelf.path().join("corpora.toml").exists(), "nothing is tuned to a server that does not answer");
}

#[test]
fn a_model_that_is_not_there_is_told_with_those_that_are() {
    let models = vec!["salt-7b".to_owned(), "lantern-2b".to_owned()];
    let rehearsal = Rehearsal::of(1, SimulatorConfig { models, ..quick() });
    let told = ask(&rehearsal, &["doctor"], "nosuch", &[]).exits(64).stdout();
    assert!(told.contains("WRONG  model") && told.contains("the server has 'salt-7b' and 'lantern-2b'"), "{told}");
    let run = ask(&rehearsal, &["batch", "books", "-o", "out"], "nosuch", &["--pipeline", "glossary"]).exits(75);
    assert!(run.stderr().contains("the server has 'salt-7b' and 'lantern-2b'"), "{}", run.stderr());
    ask(&rehearsal, &["doctor"], "salt-7b", &[]).exits(0);
}

#[test]
fn a_server_with_two_slots_never_has_more_than_four_requests() {
    let rehearsal = Rehearsal::of(40, SimulatorConfig { slots: 2, ..quick() });
    let run = ask(&rehearsal, &["batch", "books", "-o", "out"], "m", &["--pipeline", "./small.toml"]).exits(0);
    assert!(run.stderr().contains("the server answers 2 at once"), "{}", run.stderr());
    let counters = rehearsal.simulator.counters();
    assert!(counters.requests >= 40 && counters.most_in_flight <= 4, "{counters:?}");
}

#[test]
fn a_preset_is_an_address_with_a_key_of_its_own() {
    let rehearsal = Rehearsal::of(1, SimulatorConfig { key: "sk-of-groq".into(), ..quick() });
    let url = format!("http://{}/openai/v1", rehearsal.simulator.address());
    let says = |args: &[&str], words: &str| {
        let run = rehearsal.shelf.run(&[&["batch", "books", "-o", "out"], args].concat()).exits(64);
        assert!(run.stderr().contains(words), "{words}: {}", run.stderr());
    };
    says(&["--provider", "groq", "--model", "m"], "set the variable GROQ_API_KEY");
    says(&["--provider", "azure-openai", "--model", "m"], "has an address for each account");
    says(&["--provider", "deepseek", "--model", "m", "--base-url", &url, "--endpoint", "batch"], "no batch endpoint");
    says(&["--provider", "grok", "--model", "m"], "xai");
}

#[test]
fn a_context_that_the_instructions_alone_fill_stops_the_run_before_anything_is_asked() {
    let rehearsal = Rehearsal::of(3, SimulatorConfig { slots: 1, window: 300, ..quick() });
    let run = ask(&rehearsal, &["batch", "books", "-o", "out"], "m", &["--pipeline", "vocabulary"]).exits(75);
    assert!(run.stderr().contains("room for 300 of prompt and answer together"), "{}", run.stderr());
    assert_eq!(rehearsal.requests(), 0, "no request is sent in vain");
    rehearsal.simulator.reconfigure(SimulatorConfig { slots: 1, window: 9_000, ..quick() });
    ask(&rehearsal, &["batch", "books", "-o", "out"], "m", &["--pipeline", "vocabulary"]).exits(0);
}

#[test]
fn a_server_that_cuts_prompts_without_a_word_is_asked_for_what_fits_it_or_nothing() {
    let cuts = |window| SimulatorConfig { window, cuts_prompts: true, ..quick() };
    let rehearsal = Rehearsal::of(6, cuts(700));
    let run = ask(&rehearsal, &["batch", "books", "-o", "out"], "m", &["--pipeline", "vocabulary"]).exits(75);
    assert!(run.stderr().contains("and the server has room for 700"), "{}", run.stderr());
    assert!(rehearsal.requests() <= 8, "{} requests in vain", rehearsal.requests());
    // Packs of one or a few terms fit.
    rehearsal.simulator.reconfigure(cuts(2_400));
    let before = rehearsal.requests();
    let run = ask(&rehearsal, &["batch", "books", "-o", "out"], "m", &["--pipeline", "vocabulary"]).exits(0);
    assert!(run.stderr().contains("with a larger one (-c at llama.cpp"), "{}", run.stderr());
    println!("{} requests", rehearsal.requests() - before);
}
