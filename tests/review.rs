//! Decisions on flagged terms: made in a terminal or by hand, they outlive everything but themselves.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Run, Shelf, command};

/// A conversation: the answers are typed one after the other.
fn talk(shelf: &Shelf, options: &[&str], answers: &str) -> Run {
    let mut child = command(shelf.path(), &[&["review", "out"], options].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(answers.as_bytes()).unwrap();
    Run(child.wait_with_output().unwrap())
}

fn review(shelf: &Shelf, answers: &str) -> Run {
    talk(shelf, &[], answers)
}

fn json(shelf: &Shelf, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(shelf.out().join(name)).unwrap()).unwrap()
}

/// The lines of the file of decisions, each held against its schema.
fn decisions(shelf: &Shelf) -> Vec<Value> {
    let text = std::fs::read_to_string(shelf.out().join("decisions.jsonl")).unwrap();
    let schema = serde_json::from_str(include_str!("../schemas/decision.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        assert!(validator.is_valid(line), "{line}");
    }
    lines
}

fn decision(shelf: &Shelf, canonical: &str, act: &str) -> Value {
    let found = decisions(shelf).into_iter().rfind(|line| line["term"] == canonical && line["do"] == act);
    found.unwrap_or_else(|| panic!("no {act} of '{canonical}'"))
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
        assert_eq!(decision(shelf, "ember wyrm", "rename")["to"], "Cinder Worm");
    };
    check(&shelf);
    // A note by hand stays too.
    let file = shelf.out().join("flagged.json");
    let mut queue = json(&shelf, "flagged.json");
    assert_eq!(queue["entries"], Value::Array(vec![]), "nothing waits");
    let noted =
        r#"{"canonical": "ash choir", "text": "Ash Choir", "flag": null, "decision": null, "notes": "seen by Ada"}"#;
    queue["entries"] = Value::Array(vec![serde_json::from_str(noted).unwrap()]);
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
    assert_eq!(decision(&shelf, "ash choir", "note")["note"], "seen by Ada");
    // A flag that goes away takes no decision with it, and comes back to it.
    shelf.batch(&["--pipeline", "./mine.toml", "--blocklist", "none"]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0);
    decision(&shelf, "ash choir", "drop");
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

/// A review with options, and what it told as JSON.
fn at_once(shelf: &Shelf, options: &[&str]) -> Value {
    let run = shelf.run(&[&["review", "out", "--json"], options].concat()).exits(0);
    let told: Value = serde_json::from_str(&run.stdout()).unwrap();
    let schema = serde_json::from_str(include_str!("../schemas/reviewed.schema.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&told), "{told}");
    told
}

fn canonicals(shelf: &Shelf) -> std::collections::BTreeSet<String> {
    let master = json(shelf, "master.vocab.json");
    master["entries"].as_array().unwrap().iter().map(|e| e["canonical"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn any_term_is_decided_on_at_once_and_everything_can_be_taken_back() {
    let shelf = flagged();
    let before = std::fs::read(shelf.out().join("master.vocab.json")).unwrap();
    let consolidated = || shelf.run(&["consolidate", "out"]).exits(0);
    assert!(
        canonicals(&shelf)
            .is_superset(&["ember wyrm", "ash choir", "moon anvil", "salt lantern"].map(String::from).into())
    );
    let told = at_once(
        &shelf,
        &[
            "--merge",
            "ASH CHOIR",
            "moon anvil",
            "--kind",
            "Moon Anvil",
            "place",
            "--category",
            "moon anvil",
            "item",
            "--note",
            "salt lantern",
            "seen by Ada",
            "--rename",
            "salt lantern",
            "Lantern of Salt",
            "--drop",
            "Ember Wyrm",
        ],
    );
    assert_eq!(told["decided"], 6);
    consolidated();
    let anvil = master(&shelf, "moon anvil").unwrap();
    assert_eq!(
        (&anvil["text"], &anvil["kind"], &anvil["category"]),
        (&"moon anvil".into(), &"place".into(), &"item".into())
    );
    assert!(anvil["variants"].to_string().contains("ash choir"), "{anvil}");
    assert!(master(&shelf, "ash choir").is_none() && master(&shelf, "ember wyrm").is_none());
    let form = corpora::stages::extract::local::canonical_form("Lantern of Salt");
    let crown = master(&shelf, &form).unwrap();
    assert_eq!((&crown["note"], &crown["renamed_from"][0]), (&"seen by Ada".into(), &"salt lantern".into()));
    // What a rename gave can be decided on again.
    at_once(&shelf, &["--drop", "Lantern of Salt"]);
    consolidated();
    assert!(master(&shelf, &form).is_none());
    assert_eq!(at_once(&shelf, &["--undo"])["undone"].as_array().unwrap().len(), 1);
    assert_eq!(at_once(&shelf, &["--undo"])["undone"].as_array().unwrap().len(), 6, "what came at once goes at once");
    consolidated();
    assert_eq!(std::fs::read(shelf.out().join("master.vocab.json")).unwrap(), before);
}

#[test]
fn what_cannot_be_decided_is_explained_and_changes_nothing() {
    let shelf = flagged();
    at_once(&shelf, &["--keep", "moon anvil"]);
    let before = decisions(&shelf);
    let refused = |options: &[&str], words: &str| {
        shelf.run(&[&["review", "out"], options].concat()).exits(64).says(words);
    };
    refused(&["--drop", "no such thing"], "the master has no term 'no such thing'");
    refused(&["--merge", "moon anvil", "moon anvil"], "in a circle");
    refused(&["--split", "moon anvil", "MOON"], "its spellings are moon anvil");
    refused(&["--keep", "ash choir", "--drop", "ash choir"], "twice at once");
    refused(&["--undo-of", "ash choir"], "nothing was decided on 'ash choir'");
    shelf.run(&["review", "out", "--rename", "moon anvil"]).exits(2);
    assert_eq!(decisions(&shelf), before);
    std::fs::write(shelf.out().join("decisions.jsonl"), "<<<<<<< mine\n").unwrap();
    refused(&["--keep", "ash choir"], "keep the lines of both sides");
    shelf.run(&["consolidate", "out"]).exits(64).says("decisions.jsonl: line 1 is a conflict mark");
}

#[test]
fn a_conversation_goes_through_any_terms_with_search_back_undo_and_bulk() {
    let shelf = flagged();
    let waiting = json(&shelf, "flagged.json")["entries"].as_array().unwrap().len();
    let talk = |options: &[&str], answers: &str| talk(&shelf, options, answers).exits(0);
    talk(&["--search", "SALT LÂNTERN"], "n of the sea\nt thing\nk\n").says("[1/6] salt lantern   ").says("3 decided");
    assert_eq!(decision(&shelf, "salt lantern", "note")["note"], "of the sea");
    talk(&["--all"], "s\nb\n/ salt lantern\nd\nu\nq\n").says("decided: keep").says("taken back: drop of salt lantern");
    decision(&shelf, "salt lantern", "keep");
    talk(&[], "a k\n")
        .says(&format!("kept: {waiting} terms"))
        .says(&format!("{waiting} decided, 0 waiting"))
        .says("blocklist:Salt Sagas");
    talk(&[], "").says("no flagged term waits").says("0 waiting");
    talk(&["--decided"], "u\nq\n").says(&format!("{waiting} taken back"));
    talk(&["--search", "moon anvil"], "m Moon Anvil\nk\n").says("that cannot be: ").says("1 decided, ");
    talk(&["--flagged"], "").says(&format!("{} waiting", waiting - 1));
}
