//! `corpora bench`: modes measured against each other. Its figures are measured elsewhere; here is what it promises of them.

use serde_json::Value;

use crate::support::Shelf;

fn report(shelf: &Shelf) -> Value {
    serde_json::from_slice(&std::fs::read(shelf.path().join("corpora-bench/bench.json")).unwrap()).unwrap()
}

#[test]
fn modes_are_measured_in_turns_on_ones_own_documents() {
    let shelf = Shelf::of(6);
    let options = ["--rounds", "2", "--latency", "2000", "--compress", "200", "--pipeline", "glossary", "--rpm", "1"];
    let modes = ["--modes", "staged,batch,per-document", "--workers", "2"];
    let run = shelf.run(&[&["bench", "books"], &modes[..], &options[..]].concat()).exits(0);
    let report = report(&shelf);
    let modes = report["modes"].as_array().unwrap();
    assert_eq!(
        modes.iter().map(|m| m["mode"].as_str().unwrap()).collect::<Vec<_>>(),
        ["staged", "batch", "per-document"]
    );
    let median = |n: usize, figure: &str| modes[n]["median"][figure].as_f64().unwrap();
    for (n, mode) in modes.iter().enumerate() {
        assert_eq!(mode["rounds"].as_array().unwrap().len(), 2);
        assert_eq!(median(n, "documents"), 6.0);
        for figure in ["seconds", "processor_seconds", "memory", "requests", "input_tokens", "output_tokens", "dollars"]
        {
            assert!(median(n, figure) > 0.0, "{figure} of {mode}");
        }
        // The same text, whoever asks about it; batches are half the price, but for one request that tries the way.
        assert_eq!(median(n, "input_tokens"), median(0, "input_tokens"));
        let share = median(n, "dollars") / median(0, "dollars");
        assert!(if n == 1 { (0.5..0.7).contains(&share) } else { (share - 1.0).abs() < 1e-6 }, "{share}");
    }
    let efficiency = median(0, "limit_efficiency");
    assert!(efficiency > 0.0 && efficiency <= 1.0, "{efficiency}");
    let verdict = report["verdict"].as_str().unwrap();
    assert!(
        verdict.starts_with("for these documents")
            && verdict.contains("; provider batches cost")
            && run.stdout().contains(verdict),
        "{}",
        run.stdout()
    );
    let chart = std::fs::read_to_string(shelf.path().join("corpora-bench/bench.svg")).unwrap();
    let mut reader = quick_xml::Reader::from_str(&chart);
    let mut bars = 0;
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Empty(tag) if tag.name().as_ref() == "rect" => bars += 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert!(bars > 3 * 4, "{chart}");
    let left: Vec<_> = std::fs::read_dir(shelf.path().join("corpora-bench")).unwrap().collect();
    assert_eq!(left.len(), 2, "the folders of the runs are gone: {left:?}");
    assert!(!shelf.books().join(".corpora").exists());
}

#[test]
fn a_bench_without_a_provider_has_no_tokens() {
    let shelf = Shelf::of(3);
    shelf.run(&["bench", "books", "--provider", "local", "--rounds", "1"]).exits(0);
    let report = report(&shelf);
    assert_eq!(report["answers"]["kind"], "local");
    assert_eq!(report["modes"][0]["median"]["requests"], 0);
    assert_eq!(report["modes"][1]["median"]["limit_efficiency"], Value::Null);
}

#[test]
fn what_cannot_be_measured_is_said_before_anything_is_paid() {
    let shelf = Shelf::of(1);
    let bad = |args: &[&str], words: &str| {
        shelf.run(&[&["bench", "books"], args].concat()).exits(64).says(words);
    };
    bad(&["--provider", "openai", "--model", "m"], "--max-cost");
    bad(&["--max-cost", "1"], "name it with --provider");
    bad(&["--provider", "local", "--modes", "batch"], "no batch endpoint");
    bad(&["--compress", "0"], "--compress 0 is out of range");
    bad(&["--rpm", "0"], "lets nothing through");
    bad(&["--rounds", "0"], "at least one each");
    shelf.run(&["bench", "nowhere", "--provider", "local"]).exits(64).says("nowhere");
}
