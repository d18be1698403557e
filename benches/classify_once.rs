//! Cost of classifying in requests and tokens, as the simulator counts them: one term a request and each document on
//! its own, as a tool does that takes one document after the other; packed, each document on its own; and each distinct
//! term of the corpus once, packed.
//!
//! `cargo bench --bench classify_once -- [DOCUMENTS]`: default 50. Fails if classifying once saves less than twenty times the tokens.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement that cannot go on says so by panicking")]

mod shelf;

use std::process::{Command, Stdio};

use corpora::simulator::{Counters, Latency, Simulator, SimulatorConfig};

use shelf::{documents, now};

const FIRST: [&str; 25] = [
    "ember", "salt", "hollow", "thorn", "glass", "river", "iron", "ash", "pale", "moon", "storm", "bone", "marsh",
    "copper", "winter", "amber", "dusk", "silver", "cinder", "gale", "moss", "ivory", "raven", "brine", "opal",
];
const SECOND: [&str; 20] = [
    "wyrm", "lantern", "king", "ward", "moth", "oath", "psalm", "choir", "ferry", "anvil", "ledger", "compass",
    "golem", "sigil", "harrow", "chalice", "sentinel", "bramble", "spire", "hound",
];

/// A book of prose about some of the five hundred names: a few are in most books, most in some.
fn book(n: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(n as u64);
    let mut name = || {
        let at = (500.0 * random.f64().powf(1.5)) as usize;
        format!("{} {}", FIRST[at % 25], SECOND[at / 25])
    };
    let mut lines = vec![format!("Tale {n}")];
    for line in 0..300 {
        let (one, two) = (name(), name());
        lines.push(match line % 4 {
            0 => format!("A {one} is a keeper of the {two} and of all roads."),
            1 => format!("Every {one} fears the {two} near the old mill."),
            2 => format!("At dawn the {one} guards seven travellers from the {two}."),
            _ => format!("They say that the {one} once devoured a {two}."),
        });
    }
    documents::epub(&format!("Tale {n}"), &[&lines])
}

/// Counters of one way of asking.
fn asked(shelf: &std::path::Path, pipeline: &str, runs: &[(String, String)]) -> Counters {
    let config = SimulatorConfig {
        latency: Latency { median_ms: 1.0, ..Latency::default() },
        keep_journal: false,
        ..SimulatorConfig::default()
    };
    let simulator = Simulator::start(config, 0, now()).unwrap();
    let url = format!("http://{}", simulator.address());
    for (input, output) in runs {
        let status = Command::new(env!("CARGO_BIN_EXE_corpora"))
            .args(["batch", input, "-o", output, "--pipeline", pipeline, "--provider", "anthropic", "--model", "any"])
            .args(["--base-url", &url, "--quiet", "--rpm", "600000", "--in-flight", "64"])
            .current_dir(shelf)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }
    simulator.counters()
}

fn main() {
    let count = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(50);
    let dir = tempfile::tempdir().unwrap();
    let shelf = dir.path();
    std::fs::create_dir(shelf.join("books")).unwrap();
    for n in 0..count {
        std::fs::write(shelf.join(format!("books/{n:03}.epub")), book(n)).unwrap();
    }
    let packed = include_str!("../pipelines/vocabulary.toml");
    let single = packed.replace("terms_per_request = 20", "terms_per_request = 1");
    assert_ne!(packed, single);
    std::fs::write(shelf.join("packed.toml"), packed).unwrap();
    std::fs::write(shelf.join("single.toml"), single).unwrap();
    let each = |out: &str| (0..count).map(|n| (format!("books/{n:03}.epub"), format!("{out}/{n}"))).collect::<Vec<_>>();
    let ways = [
        ("one term a request, document by document", asked(shelf, "./single.toml", &each("single"))),
        ("packed, document by document", asked(shelf, "./packed.toml", &each("packed"))),
        ("each term of the corpus once, packed", asked(shelf, "./packed.toml", &[("books".into(), "once".into())])),
    ];
    println!("{:<42} {:>9} {:>11} {:>11} {:>11} {:>6}", "", "requests", "tokens in", "tokens out", "together", "times");
    let together = |c: &Counters| c.usage.prompt() + c.usage.output;
    let most = together(&ways[0].1);
    for (what, c) in &ways {
        let times = most as f64 / together(c) as f64;
        println!(
            "{what:<42} {:>9} {:>11} {:>11} {:>11} {times:>6.1}",
            c.requests,
            c.usage.prompt(),
            c.usage.output,
            together(c)
        );
    }
    assert!(most >= 20 * together(&ways[2].1), "classifying once saves less than twenty times the tokens");
}
