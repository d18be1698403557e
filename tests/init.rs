//! A settings file that is written for somebody, and sets of settings in it.

use crate::support::Shelf;

#[test]
fn a_settings_file_is_written_tried_and_taken_up() {
    let shelf = Shelf::of(2);
    let run = shelf.run(&["init", "books", "-o", "words", "--yes"]).exits(0);
    assert!(run.stderr().contains("corpora batch books"), "{}", run.stderr());
    assert!(run.stdout().contains("ok") && run.stdout().contains("plan: 2 files"), "{}", run.stdout());
    shelf.run(&["batch", "books"]).exits(0);
    assert_eq!(shelf.vocabularies_in("words").len(), 2);
    shelf.run(&["init", "books", "--yes"]).exits(64).says("there is a corpora.toml in this folder");
    shelf.run(&["init", "nowhere", "--yes", "--force"]).exits(64).says("'nowhere' is not a folder");
    let text = std::fs::read_to_string(shelf.path().join("corpora.toml")).unwrap();
    assert!(text.contains("[settings.night]") && text.contains("output = \"words\""), "{text}");
}

#[test]
fn a_provider_that_cannot_be_asked_is_told_before_anything_is_run() {
    let shelf = Shelf::of(1);
    let whom = ["--provider", "anthropic", "--model", "claude-haiku-5-5", "--max-cost", "5"];
    let run = shelf.run(&[&["init", "books", "--yes"], &whom[..]].concat()).exits(64);
    assert!(run.stdout().contains("WRONG") && run.stdout().contains("ANTHROPIC_API_KEY"), "{}", run.stdout());
    assert!(shelf.path().join("corpora.toml").exists(), "to be mended");
}

#[test]
fn a_set_of_settings_goes_before_the_others_of_the_file_and_behind_the_line() {
    let shelf = Shelf::of(1);
    let file = "workers = 3\nocr = 'off'\n[settings.night]\nworkers = 2\n[settings.day]\nformats = 'md'\n";
    std::fs::write(shelf.path().join("corpora.toml"), file).unwrap();
    let value = |args: &[&str], key: &str| {
        let shown = shelf.run(&[args, &["config", "--format", "json"]].concat()).exits(0).stdout();
        let config: serde_json::Value = serde_json::from_str(&shown).unwrap();
        config["settings"][key]["value"].clone()
    };
    assert_eq!(value(&[], "workers"), 3);
    assert_eq!(value(&["--settings", "night"], "workers"), 2);
    assert_eq!(value(&["--settings", "night"], "ocr"), "off");
    assert_eq!(value(&["--settings", "day"], "formats"), "md");
    let line = shelf.run(&["--settings", "night", "config", "--workers", "5", "--format", "json"]).exits(0).stdout();
    assert!(line.contains("command_line"), "{line}");
    shelf.run(&["--settings", "dawn", "config"]).exits(64).says("it has day, night");
    std::fs::write(shelf.path().join("corpora.toml"), "[settings.night]\nworker = 2\n").unwrap();
    shelf.batch(&[]).exits(64).says("did you mean 'workers'?");
    std::fs::write(shelf.path().join("corpora.toml"), "max-cost = 2\n").unwrap();
    shelf.batch(&[]).exits(64).says("did you mean 'max_cost'?");
}

#[test]
fn a_set_may_not_do_what_the_file_may_not() {
    let shelf = Shelf::of(1);
    std::fs::write(shelf.path().join("corpora.toml"), "[settings.night]\non_end = 'touch planted'\n").unwrap();
    shelf.run(&["--settings", "night", "batch", "books", "-o", "out"]).exits(64).says("sets on_end,");
    assert!(!shelf.path().join("planted").exists());
}
