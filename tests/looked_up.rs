//! `corpora find` and `corpora diff`: passages of a term, differences of two runs.

use serde_json::Value;

use crate::support::{Shelf, documents};

#[track_caller]
fn told(shelf: &Shelf, args: &[&str], code: i32, schema: &str) -> Value {
    let told: Value = serde_json::from_str(&shelf.run(args).exits(code).stdout()).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let faults: Vec<String> = validator.iter_errors(&told).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:?}: {told}");
    told
}

fn found(shelf: &Shelf, more: &[&str]) -> Value {
    let schema = include_str!("../schemas/found.schema.json");
    told(shelf, &[&["find", "--json"], more].concat(), 0, schema)
}

#[test]
fn every_passage_of_a_term_is_found_with_its_page_whatever_its_spelling() {
    let shelf = Shelf::empty();
    let pages: [&[String]; 2] =
        [&["The Ember Wyrm sleeps.".into()], &["An ember".into(), "wyrm wakes; no ember wyrmling.".into()]];
    shelf.put("one.pdf", &documents::pdf(&pages));
    shelf.put("two.epub", &documents::epub("Two", &[&["Of EMBER WYRM and Café.".to_owned()]]));
    shelf.put("broken.pdf", b"%PDF-1.4\nbroken");
    shelf.batch(&[]).exits(75);
    let all = found(&shelf, &["ember wyrm", "out"]);
    let passages = all["passages"].as_array().unwrap();
    let places: Vec<String> =
        passages.iter().map(|p| format!("{} {} {}", p["source"], p["section_kind"], p["section"])).collect();
    assert_eq!(places, ["\"one.pdf\" \"page\" 1", "\"one.pdf\" \"page\" 2", "\"two.epub\" \"chapter\" 1"]);
    assert_eq!((&all["documents"], &all["read"], &all["unread"]), (&2.into(), &2.into(), &1.into()));
    assert_eq!((&passages[0]["found"], &passages[0]["after"]), (&"Ember Wyrm".into(), &" sleeps.".into()));
    // Each place is where `parse` has it.
    for passage in passages {
        let text = shelf.run(&["parse", &format!("books/{}", passage["source"].as_str().unwrap())]).exits(0).stdout();
        let at = |name: &str| passage[name].as_u64().unwrap() as usize;
        let there: String = text.chars().skip(at("start")).take(at("end") - at("start")).collect();
        assert_eq!(there.split_whitespace().collect::<Vec<_>>().join(" "), passage["found"].as_str().unwrap());
    }
    assert_eq!(found(&shelf, &["CAFE", "out"])["passages"].as_array().unwrap().len(), 1);
    assert_eq!(found(&shelf, &["ember wyrm", "out", "--most", "1"])["passages"].as_array().unwrap().len(), 1);
    assert_eq!(found(&shelf, &["wyrmlin", "out"])["passages"].as_array().unwrap().len(), 0, "whole words");
    let shown = shelf
        .run(&["find", "ember wyrm", "out", "--context", "20"])
        .exits(0)
        .says("3 passages in 2 files of 2; 1 file not read yet");
    assert!(shown.stdout().contains("The Ember Wyrm sleeps.  page 1"), "{}", shown.stdout());
    let painted = shelf.run(&["find", "ember wyrm", "out", "--color", "always"]).exits(0).stdout();
    assert!(painted.contains("\u{1b}[33mEmber Wyrm\u{1b}[0m"), "{painted:?}");
    shelf.run(&["find", "--", "--", "out"]).exits(0).says("0 passages");
    shelf.run(&["find", " ", "out"]).exits(64).says("no word to look for");
    shelf.run(&["find", "x", "books"]).exits(64);
}

#[test]
fn spellings_of_a_term_of_the_master_are_looked_for_too() {
    let shelf = Shelf::of(6);
    shelf.batch(&[]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0);
    let before = found(&shelf, &["moon anvil", "out"])["passages"].as_array().unwrap().len();
    let other = found(&shelf, &["ash choir", "out"])["passages"].as_array().unwrap().len();
    shelf.run(&["review", "out", "--merge", "ash choir", "moon anvil"]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0);
    let all = found(&shelf, &["moon anvil", "out"]);
    assert_eq!(all["passages"].as_array().unwrap().len(), before + other);
    assert_eq!(found(&shelf, &["moon anvil", "out", "--exactly"])["passages"].as_array().unwrap().len(), before);
}

#[test]
fn two_masters_are_compared_term_by_term() {
    let shelf = Shelf::of(6);
    shelf.batch(&[]).exits(0);
    shelf.run(&["diff", "out", "out"]).exits(64).says("'corpora consolidate out' makes it");
    shelf.run(&["consolidate", "out"]).exits(0);
    let two = shelf.path().join("two");
    std::fs::create_dir(&two).unwrap();
    std::fs::copy(shelf.out().join("master.vocab.json"), two.join("master.vocab.json")).unwrap();
    let schema = include_str!("../schemas/difference.schema.json");
    let same = told(&shelf, &["diff", "out", "two", "--json", "--exit-code"], 0, schema);
    assert_eq!((&same["alike"], &same["terms"][0], &same["added"]["count"]), (&true.into(), &same["same"], &0.into()));

    // The first of the list goes to its end.
    let text = std::fs::read_to_string(two.join("master.vocab.json")).unwrap();
    let mut lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches(',')).collect();
    let best = lines.remove(2);
    let last = lines.len() - 1;
    lines.insert(last, best);
    let renumbered: Vec<String> = (1..)
        .zip(&lines[2..lines.len() - 1])
        .map(|(rank, line)| format!("{{\"rank\":{rank}{}", &line[line.find(',').unwrap()..]))
        .collect();
    std::fs::write(
        two.join("master.vocab.json"),
        format!("{},\n{}\n{}\n]}}\n", lines[0], lines[1], renumbered.join(",\n")),
    )
    .unwrap();
    let moved = told(&shelf, &["diff", "out", "two", "--json", "--exit-code"], 0, schema);
    assert_eq!((&moved["alike"], &moved["moved"]["count"]), (&true.into(), &1.into()), "{moved}");
    assert_eq!(moved["moved"]["terms"][0]["before"]["rank"], 1);

    let decide = [
        "review",
        "out",
        "--drop",
        "ash choir",
        "--rename",
        "moon anvil",
        "Anvil of Nights",
        "--kind",
        "ember wyrm",
        "creature",
    ];
    shelf.run(&decide).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0);
    let differ = told(&shelf, &["diff", "two", "out", "--json", "--exit-code", "--most", "1"], 1, schema);
    assert_eq!(
        (&differ["gone"]["count"], &differ["added"]["count"], &differ["kind"]["count"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(differ["gone"]["terms"].as_array().unwrap().len(), 1);
    assert_eq!(differ["kind"]["terms"][0]["after"]["kind"], "creature");
    let shown = shelf.run(&["diff", "two", "out"]).exits(0).stdout();
    assert!(
        shown.contains("only in the first: 2") && shown.contains("- nothing") && shown.contains("+ creature"),
        "{shown}"
    );
}
