//! A second command on the same folder, or on a copy of it: nothing is asked again but by a person's word.

use std::collections::BTreeMap;
use std::path::Path;

use corpora::simulator::{BatchConfig, SimulatorConfig};

use super::{assert_settled, at_each_provider, by_batch, config, created, endless};
use crate::support::rehearsal::Rehearsal;

/// Most asks that are paid for of one passage.
fn asks_of_one(rehearsal: &Rehearsal) -> u32 {
    let mut asks = BTreeMap::<String, u32>::new();
    for ask in rehearsal.simulator.paid() {
        *asks.entry(ask.about).or_default() += 1;
    }
    asks.into_values().max().unwrap_or(0)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

#[test]
fn a_batch_asks_only_for_what_nobody_asked_live() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(4, config(&[]));
        rehearsal.run("out", &["--provider", provider, "--limit", "2"]);
        let live = rehearsal.requests();
        assert!(live > 0, "{provider}");
        by_batch(&rehearsal, provider, &[]).exits(0);
        assert_eq!((rehearsal.requests(), created(&rehearsal)), (live, 1), "{provider}");
        assert_eq!(asks_of_one(&rehearsal), 1, "{provider}");
        assert_settled(&rehearsal, provider);
    });
}

#[test]
fn two_prompts_in_one_folder_ask_once_each() {
    at_each_provider(|provider| {
        let rehearsal = Rehearsal::of(3, endless());
        let text = std::fs::read_to_string(rehearsal.shelf.path().join("small.toml")).unwrap();
        let other = text.replace("add nothing from your own knowledge.", "add nothing of your own.");
        std::fs::write(rehearsal.shelf.path().join("other.toml"), other).unwrap();
        let other = ["--pipeline", "./other.toml"];
        by_batch(&rehearsal, provider, &["--detach"]).exits(0);
        by_batch(&rehearsal, provider, &[&other[..], &["--detach"]].concat()).exits(0).says("of another question");
        assert_eq!(created(&rehearsal), 2, "{provider}");
        rehearsal.simulator.end_batches();
        rehearsal.run("out", &["--provider", provider]).exits(0);
        rehearsal.run("out", &[&["--provider", provider][..], &other].concat()).exits(0);
        assert_eq!((rehearsal.requests(), created(&rehearsal), asks_of_one(&rehearsal)), (0, 2, 2), "{provider}");
    });
}

#[test]
fn a_copy_of_the_folder_collects_the_batch_too_and_makes_none() {
    at_each_provider(|provider| {
        for crash in [None, Some("after-send"), Some("after-reply")] {
            let batch = BatchConfig { turnaround_ms: 3_600_000.0, create_delay_ms: 120.0, ..BatchConfig::default() };
            let rehearsal = Rehearsal::of(2, SimulatorConfig { batch, ..config(&[]) });
            match crash {
                None => drop(by_batch(&rehearsal, provider, &["--detach"]).exits(0)),
                Some(point) => drop(by_batch(&rehearsal, provider, &["--crash-at", point])),
            }
            copy(&rehearsal.shelf.out(), &rehearsal.shelf.path().join("copy"));
            rehearsal.simulator.end_batches();
            by_batch(&rehearsal, provider, &[]).exits(0);
            let args = ["--provider", provider, "--endpoint", "batch", "--no-probe", "--poll", "0.03"];
            rehearsal.run("copy", &[&args[..], &["--listing-lag", "0.15"]].concat()).exits(0);
            let what = format!("{provider} {crash:?}");
            assert_eq!((created(&rehearsal), rehearsal.requests(), asks_of_one(&rehearsal)), (1, 0, 1), "{what}");
            let shelf = &rehearsal.shelf;
            assert_eq!(shelf.vocabularies_in("copy"), shelf.vocabularies_in("out"), "{what}");
        }
    });
}

#[test]
fn clocks_that_are_three_days_apart_hide_nothing() {
    const DAYS: f64 = 3.0 * 86_400.0;
    at_each_provider(|provider| {
        for skew in [DAYS, -DAYS] {
            let batch = BatchConfig { turnaround_ms: 120.0, create_delay_ms: 120.0, ..BatchConfig::default() };
            let rehearsal = Rehearsal::with_clock(2, SimulatorConfig { batch, ..config(&[]) }, skew);
            by_batch(&rehearsal, provider, &["--crash-at", "after-send"]);
            assert_eq!(created(&rehearsal), 1, "{provider}: the creation arrived");
            by_batch(&rehearsal, provider, &[]).exits(0);
            assert_eq!(created(&rehearsal), 1, "{provider} {skew}");
            assert_settled(&rehearsal, &format!("{provider} {skew}"));
        }
    });
}

#[test]
fn doing_it_again_waits_for_what_stands_in_an_open_batch() {
    at_each_provider(|provider| {
        for again in [&["--force"][..], &["--stage", "extract"]] {
            for way in [&[][..], &["--endpoint", "batch", "--no-probe", "--detach"]] {
                let rehearsal = Rehearsal::of(2, endless());
                by_batch(&rehearsal, provider, &["--detach"]).exits(0);
                let args = [&["--provider", provider][..], again, way].concat();
                // Who wants to leave leaves with everything done that it came for.
                let run = rehearsal.run("out", &args).exits(if way.is_empty() { 75 } else { 0 });
                let what = format!("{provider} {again:?} {way:?}");
                assert!(run.stderr().contains("batch"), "{what}: {}", run.stderr());
                assert_eq!((created(&rehearsal), rehearsal.requests(), asks_of_one(&rehearsal)), (1, 0, 1), "{what}");
            }
        }
    });
}
