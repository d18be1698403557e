//! Decisions on flagged terms: made in a terminal or by hand, they outlive everything but themselves.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Run, Shelf, command};

fn review(shelf: &Shelf, answers: &str) -> Run {
    let mut child = command(shelf.path(), &["review", "out"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    Run(child.wait_with_output().unwrap())
}

fn json(shelf: &Shelf, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(shelf.out().join(name)).unwrap()).unwrap()
}

fn decision(shelf: &Shelf, canonical: &str) -> Value {
    let queue = json(shelf, "flagged.json");
    let found = queue["entries"].as_array().unwrap().iter().find(|e| e["canonical"] == canonical).cloned();
    found.unwrap_or_else(|| panic!("'{canonical}' is not in {queue}"))
}

fn master(shelf: &Shelf, canonical: &str) -> Option<Value> {
    let master = json(shelf, "master.vocab.json");
    master["entries"].as_array().unwrap().iter().find(|e| e["canonical"] == canonical).cloned()
}

/// A shelf of six tales with three flagged names.
fn flagged() -> Shelf {
    let shelf = Shelf::of(6);
    let list = r#"{"Salt Sagas": ["ember wyrm", "ash choir", "moon anvil"]}"#;
    std::fs::write(shelf.path().join("list.json"), list).unwrap();
    std::fs::write(shelf.path().join("corpora.toml"), "blocklist = 'list.json'\n").unwrap();
    shelf.batch(&[]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0).says("waiting for a decision");
    shelf
}

/// Answers so that these three are decided on, and everything else is kept.
fn answers(shelf: &Shelf) -> String {
    let queue = json(shelf, "flagged.json");
    let answer = |e: &Value| match e["canonical"].as_str().unwrap() {
        "ember wyrm" => "r\nCinder Worm\n",
        "ash choir" => "d\n",
        _ => "k\n",
    };
    queue["entries"].as_array().unwrap().iter().map(answer).collect()
}

#[test]
fn decisions_are_applied_and_survive_force_a_changed_prompt_and_a_renamed_file() {
    let shelf = flagged();
    review(&shelf, &answers(&shelf)).exits(0).says("0 waiting");
    let check = |shelf: &Shelf| {
        let run = shelf.run(&["consolidate", "out"]).exits(0).says("0 waiting for a decision");
        assert!(run.stderr().contains("1 renamed, 1 dropped"), "{}", run.stderr());
        assert!(master(shelf, "ember wyrm").is_none() && master(shelf, "ash choir").is_none());
        let renamed = master(shelf, "cinder worm").unwrap();
        assert_eq!((&renamed["text"], &renamed["review"]), (&"Cinder Worm".into(), &"rename".into()));
        assert!(renamed["renamed_from"].to_string().to_lowercase().contains("ember wyrm"), "{renamed}");
        let kept = master(shelf, "moon anvil").unwrap();
        assert_eq!((&kept["review"], &kept["ip_flag"]), (&"keep".into(), &"blocklist:Salt Sagas".into()));
        assert_eq!(decision(shelf, "ember wyrm")["rename_to"], "Cinder Worm");
    };
    check(&shelf);
    // A note by hand stays too.
    let file = shelf.out().join("flagged.json");
    let mut queue = json(&shelf, "flagged.json");
    for entry in queue["entries"].as_array_mut().unwrap() {
        entry["notes"] = "seen by Ada".into();
    }
    std::fs::write(&file, queue.to_string()).unwrap();
    shelf.batch(&["--force"]).exits(0);
    check(&shelf);
    let prompt = include_str!("../pipelines/vocabulary.toml").replace("You classify terms", "You sort terms");
    std::fs::write(shelf.path().join("mine.toml"), prompt).unwrap();
    shelf.batch(&["--pipeline", "./mine.toml"]).exits(0);
    check(&shelf);
    std::fs::rename(shelf.books().join("doc-000001.epub"), shelf.books().join("another-name.epub")).unwrap();
    shelf.batch(&["--pipeline", "./mine.toml"]).exits(0);
    shelf.run(&["consolidate", "out", "--remove-orphans", "--anew"]).exits(0);
    check(&shelf);
    assert_eq!(decision(&shelf, "ash choir")["notes"], "seen by Ada");
    // A flag that goes away takes no decision with it, and comes back to it.
    shelf.batch(&["--pipeline", "./mine.toml", "--blocklist", "none"]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0);
    assert_eq!(
        (&decision(&shelf, "ash choir")["decision"], &decision(&shelf, "ash choir")["flag"]),
        (&"drop".into(), &Value::Null)
    );
    shelf.batch(&["--pipeline", "./mine.toml"]).exits(0);
    check(&shelf);
}

#[test]
fn the_review_goes_on_where_it_stopped() {
    let shelf = flagged();
    let waiting = json(&shelf, "flagged.json")["entries"].as_array().unwrap().len();
    assert!(waiting >= 3);
    review(&shelf, "?\nk\nq\n").exits(0).says("1 decided").says(&format!("{} waiting", waiting - 1)).says("k keep");
    review(&shelf, "s\n").exits(0).says(&format!("[1/{}]", waiting - 1)).says("0 decided");
    review(&shelf, "r Gloom Bell\n").exits(0).says("1 decided");
    review(&shelf, "").exits(0).says(&format!("{} waiting", waiting - 2));
    let empty = Shelf::of(1);
    empty.batch(&[]).exits(0);
    empty.run(&["review", "out"]).exits(64).says("'corpora consolidate out' makes it");
}

#[test]
fn contradictory_and_broken_queues_are_explained_and_left_alone() {
    let shelf = flagged();
    let file = shelf.out().join("flagged.json");
    let before = std::fs::read(shelf.out().join("master.vocab.json")).unwrap();
    let item = |canonical: &str, rest: &str| {
        format!(r#"{{"canonical": "{canonical}", "text": "{canonical}", "flag": null, {rest}}}"#)
    };
    for (entries, words) in [
        (
            [item("orc", r#""decision": "keep""#), item("orc", r#""decision": "drop""#)],
            "entry 1 says keep, entry 2 says drop",
        ),
        (
            [item("orc", r#""decision": "rename", "rename_to": "Tusker""#), item("tusker", r#""decision": "drop""#)],
            "renames 'orc' to 'Tusker', but entry 2 says drop of 'tusker'",
        ),
        ([item("orc", r#""decision": "rename""#), item("elk", r#""decision": null"#)], "gives no name"),
        ([item("orc", r#""decision": "burn""#), item("elk", r#""decision": null"#)], "unknown variant `burn`"),
    ] {
        let text = format!(r#"{{"schema_version": 1, "entries": [{}]}}"#, entries.join(","));
        std::fs::write(&file, &text).unwrap();
        shelf.run(&["consolidate", "out"]).exits(64).says("flagged.json: ").says(words);
        shelf.run(&["review", "out"]).exits(64).says(words);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
    assert_eq!(std::fs::read(shelf.out().join("master.vocab.json")).unwrap(), before);
}
