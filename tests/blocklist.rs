//! Blocklists: what they flag, what they make stale, what is said of bad ones.

use crate::support::Shelf;

fn flags(shelf: &Shelf) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for name in shelf.vocabularies().keys() {
        let file = shelf.vocabulary(name);
        let mut flagged = 0;
        for entry in file["entries"].as_array().unwrap() {
            if let Some(flag) = entry["ip_flag"].as_str() {
                flagged += 1;
                found.push((entry["canonical"].as_str().unwrap().to_owned(), flag.to_owned()));
            }
        }
        assert_eq!(file["metadata"]["flagged_count"], flagged);
    }
    found
}

#[test]
fn a_changed_blocklist_makes_only_write_stale() {
    let shelf = Shelf::of(4);
    shelf.batch(&[]).exits(0);
    assert!(flags(&shelf).is_empty());
    let list = shelf.path().join("mine.json");
    std::fs::write(&list, r#"{"Salt Sagas": ["Ember Wyrms"]}"#).unwrap();
    let run = shelf.batch(&["--blocklist", "mine.json", "--progress", "json"]).exits(0);
    assert_eq!((run.done("parse"), run.done("chunk"), run.done("extract"), run.done("write")), (0, 0, 0, 4));
    let found = flags(&shelf);
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|(term, flag)| term.contains("ember wyrm") && flag == "blocklist:Salt Sagas"),
        "{found:?}"
    );
    assert_eq!(run.summary()["flagged"], found.len());

    std::fs::write(&list, "{\n  \"Salt Sagas\": [\"ember wyrm\", \"EMBER WYRM\"]\n}").unwrap();
    let same = shelf.batch(&["--blocklist", "mine.json", "--progress", "json"]).exits(0);
    assert_eq!(same.done("write"), 0, "a list that flags the same changes nothing");
    std::fs::write(shelf.path().join("corpora.toml"), "blocklist = 'mine.json'\n").unwrap();
    assert_eq!(shelf.batch(&["--progress", "json"]).exits(0).done("write"), 0);
    let none = shelf.batch(&["--blocklist", "none", "--progress", "json"]).exits(0);
    assert_eq!((none.done("extract"), none.done("write")), (0, 4));
    assert!(flags(&shelf).is_empty());
}

#[test]
fn a_bad_blocklist_stops_the_run_before_anything_is_done() {
    let shelf = Shelf::of(1);
    for (text, words) in [
        ("Jedi, Sith", "not JSON"),
        ("", "not JSON"),
        ("[\"Jedi\"]", "another shape"),
        ("{\"Star Wars\": \"Jedi\"}", "another shape"),
        ("{}", "is empty"),
        ("{\"Star Wars\": []}", "'Star Wars' has no terms"),
        ("{\"Star Wars\": [\"\"]}", "has no word"),
    ] {
        std::fs::write(shelf.path().join("bad.json"), text).unwrap();
        shelf.batch(&["--blocklist", "bad.json"]).exits(64).says("the blocklist 'bad.json' cannot be used").says(words);
    }
    shelf.batch(&["--blocklist", "missing.json"]).exits(64).says("missing.json");
    assert!(!shelf.out().exists());
}
