//! The master vocabulary: the same from any way to it, nothing dropped in silence.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use corpora::engine::{ConsolidateConfig, Consolidated, consolidate};
use corpora::store::MachineDisk;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::rehearsal::Rehearsal;
use crate::support::{Shelf, documents, folder};

fn entry(text: &str, more: Value) -> Value {
    let mut entry = json!({
        "id": "0000000000000000", "text": text, "source": "elsewhere.pdf", "genre": null, "intent": null, "pos": null, "axes": null,
        "tags": null, "category": null, "canonical": text.to_lowercase(), "mood": null, "energy": null, "confidence": 0.5,
        "secondary_intents": null, "ip_flag": null, "definition": null, "evidence": null, "grounding": null, "fields": null,
        "occurrences": [{"section_kind": "page", "section": 1, "section_label": null, "start": 0, "end": 4, "sentence": "a sentence"}]
    });
    let Value::Object(more) = more else { panic!("fields are an object") };
    entry.as_object_mut().unwrap().extend(more);
    entry
}

fn file(source: &str, entries: Vec<Value>) -> Value {
    json!({
        "metadata": {
            "schema_version": 1, "source_path": source, "source_hash": corpora::values::Fingerprint::of(source.as_bytes()).hex(),
            "format": "pdf", "title": null, "author": null, "language": "en", "pipeline": "vocabulary", "provider": "elsewhere",
            "model": null, "term_count": entries.len(), "classified_count": 0, "flagged_count": 0
        },
        "entries": Value::Array(entries)
    })
}

fn put(folder: &Path, name: &str, file: &Value) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, file.to_string()).unwrap();
}

fn made(folder: &Path) -> Consolidated {
    let config = ConsolidateConfig {
        folder: folder.into(),
        disk: Arc::new(MachineDisk),
        remove_orphans: false,
        anew: false,
        holder: "a test".into(),
        now: "2026-11-27T10:00:00Z".parse().unwrap(),
    };
    consolidate(&config, &mut |_| {}).unwrap()
}

fn master(folder: &Path) -> Value {
    let bytes = std::fs::read(folder.join("master.vocab.json")).unwrap();
    let value: Value = serde_json::from_slice(&bytes).unwrap();
    for (schema, value) in [
        (include_str!("../schemas/master-file.schema.json"), &value),
        (
            include_str!("../schemas/review-queue.schema.json"),
            &serde_json::from_slice(&std::fs::read(folder.join("flagged.json")).unwrap()).unwrap(),
        ),
    ] {
        let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
        let errors: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    value
}

fn term(master: &Value, canonical: &str) -> Value {
    let mut found = master["entries"].as_array().unwrap().iter().filter(|e| e["canonical"] == canonical);
    let term = found.next().unwrap_or_else(|| panic!("no {canonical}")).clone();
    assert!(found.next().is_none(), "{canonical} stands twice");
    term
}

#[test]
fn documents_are_joined_and_their_disagreements_told() {
    let dir = folder();
    let fire = |x: f64| json!({"fire": x});
    put(
        dir.path(),
        "a.vocab.json",
        &file(
            "a.pdf",
            vec![
                entry(
                    "Wyrm",
                    json!({"category": "creature", "tags": ["big", "red"], "axes": fire(1.0), "confidence": 0.9,
                             "definition": "A wyrm is old.", "fields": {"rank": 3}}),
                ),
                entry("Only Here", json!({})),
            ],
        ),
    );
    put(
        dir.path(),
        "deep/b.vocab.json",
        &file(
            "deep/b.pdf",
            vec![entry(
                "WYRM",
                json!({
        "category": "item", "tags": ["old", "red"], "axes": fire(0.0), "confidence": 0.1, "definition": "A wyrm is new."}),
            )],
        ),
    );
    put(dir.path(), "c.vocab.json", &file("c.pdf", vec![entry("wyrm", json!({"confidence": null}))]));
    let result = made(dir.path());
    assert_eq!((result.files, result.read, result.added, result.unusable.len()), (3, 3, 2, 0));
    let master = master(dir.path());
    let wyrm = term(&master, "wyrm");
    assert_eq!((&wyrm["document_count"], &wyrm["occurrence_count"]), (&json!(3), &json!(3)));
    assert_eq!(wyrm["sources"], json!(["a.pdf", "c.pdf", "deep/b.pdf"]));
    assert_eq!(wyrm["variants"].as_array().unwrap().len(), 3);
    assert_eq!((&wyrm["category"], &wyrm["definition"]), (&json!("creature"), &json!("A wyrm is old.")));
    assert_eq!((&wyrm["tags"], &wyrm["axes"]["fire"]), (&json!(["big", "old", "red"]), &json!(0.9)));
    assert_eq!((&wyrm["confidence"], &wyrm["fields"]), (&json!(0.5), &json!({"rank": 3})));
    assert_eq!(
        wyrm["conflicts"],
        json!([{"field": "category", "values": [{"value": "creature", "documents": 1, "confidence": 0.9},
                                                {"value": "item", "documents": 1, "confidence": 0.1}]}])
    );
    assert_eq!((&master["metadata"]["conflict_count"], &master["metadata"]["document_count"]), (&json!(1), &json!(3)));
    assert!(wyrm["idf"].is_null(), "three documents are no statistics");
    assert_eq!(wyrm["occurrences"].as_array().unwrap().len(), 3);
}

#[test]
fn spellings_that_may_be_one_term_are_told_side_by_side_and_stay_apart() {
    let dir = folder();
    put(
        dir.path(),
        "a.vocab.json",
        &file("a.pdf", vec![entry("armour", json!({})), entry("Fireball", json!({})), entry("salt", json!({}))]),
    );
    put(
        dir.path(),
        "b.vocab.json",
        &file("b.pdf", vec![entry("armor", json!({})), entry("Fire Ball", json!({})), entry("hour", json!({}))]),
    );
    made(dir.path());
    assert_eq!(master(dir.path())["entries"].as_array().unwrap().len(), 6);
    let file = std::fs::read(dir.path().join("possible-variants.json")).unwrap();
    let variants: Value = serde_json::from_slice(&file).unwrap();
    let schema = serde_json::from_str(include_str!("../schemas/possible-variants.schema.json")).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&variants), "{variants}");
    let groups: Vec<Vec<&str>> = variants["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["terms"].as_array().unwrap().iter().map(|t| t["text"].as_str().unwrap()).collect())
        .collect();
    assert_eq!(groups, [vec!["armor", "armour"], vec!["Fire Ball", "Fireball"]]);
    made(dir.path());
    assert_eq!(std::fs::read(dir.path().join("possible-variants.json")).unwrap(), file);
    std::fs::remove_file(dir.path().join("possible-variants.json")).unwrap();
    made(dir.path());
    assert_eq!(std::fs::read(dir.path().join("possible-variants.json")).unwrap(), file, "what is gone comes back");
}

#[test]
fn from_five_documents_on_what_is_everywhere_ranks_lower() {
    let dir = folder();
    for n in 0..6 {
        let mut entries = vec![entry("Chapter", json!({}))];
        if n == 0 {
            entries.push(entry("Saltbinder", json!({})));
        }
        put(dir.path(), &format!("{n}.vocab.json"), &file(&format!("{n}.pdf"), entries));
        made(dir.path());
        let rare = term(&master(dir.path()), "saltbinder");
        assert_eq!(rare["idf"].is_null(), n < 4);
    }
    let master = master(dir.path());
    assert_eq!(term(&master, "chapter")["idf"], 1.0);
    assert_eq!(term(&master, "saltbinder")["idf"], 2.253, "ln(7 / 2) + 1");
    let scores: Vec<f64> = master["entries"].as_array().unwrap().iter().map(|e| e["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
    assert_eq!(master["entries"][0]["canonical"], "saltbinder", "what is everywhere ranks lower");
}

#[test]
fn a_second_time_changes_nothing_and_reads_nothing_and_the_old_master_stays() {
    let dir = folder();
    for n in 0..3 {
        put(dir.path(), &format!("{n}.vocab.json"), &file(&format!("{n}.pdf"), vec![entry("Wyrm", json!({}))]));
    }
    made(dir.path());
    let before = std::fs::read(dir.path().join("master.vocab.json")).unwrap();
    let again = made(dir.path());
    assert_eq!((again.read, again.added, again.changed, again.replaced), (0, 0, 0, false));
    assert_eq!(again.metadata.term_count, 1);
    std::fs::write(dir.path().join("master.vocab.json"), "edited").unwrap();
    assert!(made(dir.path()).replaced, "a master that was damaged is made again");
    assert_eq!(std::fs::read(dir.path().join("master.vocab.json")).unwrap(), before);
    assert_eq!(std::fs::read(dir.path().join("master.vocab.json.bak")).unwrap(), b"edited");

    put(
        dir.path(),
        "1.vocab.json",
        &file("1.pdf", vec![entry("Wyrm", json!({"category": "item"})), entry("Elk", json!({}))]),
    );
    std::fs::remove_file(dir.path().join("2.vocab.json")).unwrap();
    let changed = made(dir.path());
    assert_eq!((changed.read, changed.gone, changed.added, changed.changed, changed.removed), (1, 1, 1, 1, 0));
    assert_eq!(std::fs::read(dir.path().join("master.vocab.json.bak")).unwrap(), before);
    std::fs::remove_file(dir.path().join("1.vocab.json")).unwrap();
    assert_eq!(made(dir.path()).removed, 1);
}

#[test]
fn copies_of_a_source_count_once() {
    let dir = folder();
    let same = file("a.pdf", vec![entry("Wyrm", json!({}))]);
    let mut copy = same.clone();
    copy["metadata"]["source_path"] = "b.pdf".into();
    put(dir.path(), "a.vocab.json", &same);
    put(dir.path(), "b.vocab.json", &copy);
    assert_eq!(made(dir.path()).copies, 1);
    assert_eq!(term(&master(dir.path()), "wyrm")["document_count"], 1);
    std::fs::remove_file(dir.path().join("a.vocab.json")).unwrap();
    made(dir.path());
    assert_eq!(term(&master(dir.path()), "wyrm")["sources"], json!(["b.pdf"]), "the other one counts then");
}

#[test]
fn files_that_cannot_be_used_are_named_and_edited_ones_counted() {
    let shelf = Shelf::of(3);
    shelf.batch(&[]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0).says("3 documents");
    let path = shelf.out().join("doc-000001.vocab.json");
    let edited = std::fs::read_to_string(&path).unwrap().replacen("\"text\":\"", "\"text\":\"My ", 1);
    std::fs::write(&path, edited).unwrap();
    shelf.run(&["consolidate", "out"]).exits(0).says("edited by hand").says("1 read, 2 as before");
    for (text, words) in [
        ("{\"metadata\"", "cannot be read"),
        ("{\"metadata\": {\"schema_version\": 0}, \"entries\": []}", "--stage write"),
        ("{\"metadata\": {\"schema_version\": 7}, \"entries\": []}", "newer corpora"),
        (&file("x.pdf", vec![entry("Wyrm", json!({"confidence": 2.5}))]).to_string(), "2.5"),
    ] {
        std::fs::write(&path, text).unwrap();
        let run = shelf.run(&["consolidate", "out"]).exits(75).says("left out  doc-000001.vocab.json").says(words);
        assert!(run.stderr().contains("2 documents"), "{}", run.stderr());
        shelf.run(&["consolidate", "out"]).exits(75).says("doc-000001.vocab.json").says("0 read");
    }
    std::fs::remove_file(&path).unwrap();
    shelf.batch(&[]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0).says("3 documents");
}

#[test]
fn orphans_stay_until_they_are_asked_away() {
    let shelf = Shelf::of(4);
    shelf.batch(&[]).exits(0);
    std::fs::remove_file(shelf.books().join("doc-000001.epub")).unwrap();
    shelf.batch(&[]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0).says("orphan    doc-000001.vocab.json").says("4 documents");
    shelf
        .run(&["consolidate", "out", "--remove-orphans"])
        .exits(0)
        .says("removed   doc-000001.vocab.json")
        .says("3 documents");
    assert!(!shelf.out().join("doc-000001.vocab.json").exists());
    std::fs::remove_file(shelf.books().join("doc-000002.pdf")).unwrap();
    shelf.batch(&[]).exits(0);
    let path = shelf.out().join("doc-000002.vocab.json");
    let edited = std::fs::read_to_string(&path).unwrap() + "\n";
    std::fs::write(&path, edited).unwrap();
    shelf.run(&["consolidate", "out", "--remove-orphans"]).exits(0).says("kept, with its terms").says("3 documents");
}

#[test]
fn a_decision_on_a_term_that_no_file_has_now_waits_for_its_return() {
    let dir = tempfile::tempdir().unwrap();
    let canonicals = || -> Vec<String> {
        let master = master(dir.path());
        let entries = master["entries"].as_array().unwrap();
        entries.iter().map(|e| e["canonical"].as_str().unwrap().to_owned()).collect()
    };
    let other = file("two.pdf", vec![entry("Ash Choir", json!({}))]);
    put(dir.path(), "one.vocab.json", &file("one.pdf", vec![entry("Ember Wyrm", json!({}))]));
    put(dir.path(), "two.vocab.json", &other);
    let decided =
        json!({"canonical": "ash choir", "text": "x", "flag": null, "decision": "drop", "notes": "seen by Ada"});
    put(dir.path(), "flagged.json", &json!({"schema_version": 1, "entries": [decided]}));
    made(dir.path());
    assert_eq!(canonicals(), ["ember wyrm"]);
    std::fs::remove_file(dir.path().join("two.vocab.json")).unwrap();
    assert_eq!(made(dir.path()).absent, ["ash choir"]);
    assert_eq!(made(dir.path()).absent, ["ash choir"], "told each time");
    put(dir.path(), "two.vocab.json", &other);
    assert!(made(dir.path()).absent.is_empty());
    assert_eq!(canonicals(), ["ember wyrm"], "nobody has taken the decision back");
    let kept = std::fs::read_to_string(dir.path().join("decisions.jsonl")).unwrap();
    assert!(kept.contains("seen by Ada"), "{kept}");
}

#[test]
fn folders_without_vocabularies_are_refused_and_left_alone() {
    let shelf = Shelf::of(1);
    shelf.run(&["consolidate", "books"]).exits(66).says("no vocabulary files");
    assert!(!shelf.books().join(".corpora").exists());
    shelf.run(&["consolidate", "nowhere"]).exits(64).says("'nowhere' is not a folder");
}

#[test]
fn no_document_and_the_master_share_a_name() {
    let shelf = Shelf::empty();
    shelf.put("master.pdf", &documents::pdf(&[&documents::story(1)]));
    shelf.batch(&[]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0).says("1 document:");
    assert_eq!(shelf.vocabulary("master.pdf.vocab.json")["metadata"]["source_path"], "master.pdf");
    let dir = folder();
    put(dir.path(), "master.vocab.json", &file("master.pdf", vec![]));
    put(dir.path(), "a.vocab.json", &file("a.pdf", vec![]));
    shelf.run(&["consolidate", dir.path().to_str().unwrap()]).exits(64).says("is the vocabulary of a document");
}

/// A document's terms: word, category, confidence in tenths, flagged.
type Terms = Vec<(usize, usize, usize, bool)>;

fn random_file(name: usize, terms: &Terms) -> Value {
    const WORDS: [&str; 6] = ["Wyrm", "WYRM", "Ash Choir", "Salt", "Iron Psalm", "Elk"];
    let entries = terms.iter().enumerate().map(|(n, (word, category, tenths, flagged))| {
        entry(
            WORDS[*word],
            json!({
                "category": ([Value::Null, "item".into(), "creature".into()][*category]),
                "confidence": if *tenths == 0 { Value::Null } else { json!(*tenths as f64 / 10.0) },
                "axes": {"fire": *tenths as f64 / 13.0, "void": *category as f64 / 3.0},
                "tags": [format!("t{n}"), format!("t{tenths}")],
                "definition": format!("definition {name} {n}"),
                "ip_flag": flagged.then_some("blocklist:Somebody"),
            }),
        )
    });
    file(&format!("{name}.pdf"), entries.collect())
}

/// Master, queue and decisions.
type Made = [Vec<u8>; 3];

fn files_of(folder: &Path) -> Made {
    ["master.vocab.json", "flagged.json", "decisions.jsonl"]
        .map(|name| std::fs::read(folder.join(name)).unwrap_or_default())
}

fn scratch(files: &BTreeMap<usize, Terms>, [_, queue, decisions]: &Made) -> Made {
    let dir = folder();
    for (name, terms) in files.iter().rev() {
        put(dir.path(), &format!("{name}.vocab.json"), &random_file(*name, terms));
    }
    for (name, bytes) in [("flagged.json", queue), ("decisions.jsonl", decisions)] {
        if !bytes.is_empty() {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        }
    }
    made(dir.path());
    files_of(dir.path())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn any_way_to_a_set_of_files_gives_the_same_master(
        steps in prop::collection::vec(
            (0_usize..8, prop::option::weighted(0.8, prop::collection::vec((0_usize..6, 0_usize..3, 0_usize..11, any::<bool>()), 0..6)),
             any::<bool>(), 0_usize..5),
            1..14,
        )
    ) {
        let dir = folder();
        let mut files = BTreeMap::new();
        let decisions = [
            None,
            None,
            Some(json!({"canonical": "wyrm", "text": "Wyrm", "flag": null, "decision": "rename", "rename_to": "Elks", "notes": "n"})),
            Some(json!({"canonical": "ash choir", "text": "x", "flag": null, "decision": "drop"})),
            Some(json!({"canonical": "salt", "text": "x", "flag": null, "decision": "keep"})),
        ];
        let lines = [
            None,
            None,
            Some(r#"{"term": "iron psalm", "do": "merge", "into": "salt", "at": "2026-11-26T10:00:00Z"}"#),
            Some(r#"{"term": "elk", "do": "retype", "category": "beast", "at": "2026-11-26T10:00:00Z"}"#),
            Some(r#"{"term": "wyrm", "do": "split", "spelling": "WYRM", "to": "Salt Worm", "at": "2026-11-26T10:00:00Z"}"#),
        ];
        for (name, terms, now, decision) in steps {
            let path = dir.path().join(format!("{name}.vocab.json"));
            match terms {
                Some(terms) => {
                    std::fs::write(path, random_file(name, &terms).to_string()).unwrap();
                    files.insert(name, terms);
                }
                None => {
                    let _ = std::fs::remove_file(path);
                    files.remove(&name);
                }
            }
            if files.is_empty() || !now {
                continue;
            }
            if let Some(decision) = &decisions[decision] {
                let queue = json!({"schema_version": 1, "entries": [decision]});
                std::fs::write(dir.path().join("flagged.json"), queue.to_string()).unwrap();
            }
            if let Some(line) = lines[decision] {
                use std::io::Write;
                let file = dir.path().join("decisions.jsonl");
                let mut file = std::fs::File::options().append(true).create(true).open(file).unwrap();
                writeln!(file, "{line}").unwrap();
            }
            let before = files_of(dir.path());
            made(dir.path());
            for (one, two) in files_of(dir.path()).into_iter().zip(scratch(&files, &before)) {
                prop_assert_eq!(String::from_utf8(one).unwrap(), String::from_utf8(two).unwrap());
            }
            let seen: Vec<String> = master(dir.path())["entries"].as_array().unwrap().iter()
                .map(|e| e["canonical"].as_str().unwrap().to_owned()).collect();
            let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
            prop_assert_eq!(distinct.len(), seen.len());
        }
    }
}

/// The canonical forms of what the master in `out` holds.
fn held(rehearsal: &Rehearsal) -> Vec<String> {
    let out = rehearsal.shelf.out();
    rehearsal.shelf.run(&["consolidate", "out"]).exits(0);
    let mut held: Vec<String> = master(&out)["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["canonical"].as_str().unwrap().to_owned())
        .collect();
    held.sort();
    held
}

#[test]
fn a_perfect_model_in_a_fault_storm_live_or_by_batch_gives_every_term_exactly_once() {
    use corpora::simulator::{BatchConfig, BatchFault, Latency, SimulatorConfig};
    let mut gold: Vec<String> =
        documents::NAMES.iter().map(|name| corpora::stages::extract::local::canonical_form(name)).collect();
    gold.sort();
    // The model spells them in its own way.
    let told = documents::NAMES.map(|name| name.to_uppercase()).to_vec();
    let config = SimulatorConfig {
        gold: told,
        latency: Latency { median_ms: 2.0, ..Latency::default() },
        faults: crate::live::storm(),
        retry_after_s: 0.05,
        batch: BatchConfig {
            turnaround_ms: 60.0,
            script: vec![(BatchFault::SomeErrored, 1), (BatchFault::Missing, 2), (BatchFault::Duplicates, 3)],
            ..BatchConfig::default()
        },
        ..SimulatorConfig::default()
    };
    for more in [
        &["--request-timeout", "1.5"][..],
        &[
            "--request-timeout",
            "1.5",
            "--endpoint",
            "batch",
            "--poll",
            "0.03",
            "--listing-lag",
            "0.15",
            "--batch-requests",
            "9",
        ],
    ] {
        let rehearsal = Rehearsal::of(12, config.clone());
        rehearsal.run("out", more).exits(0);
        assert_eq!(held(&rehearsal), gold, "{more:?}");
    }
}

#[test]
fn killed_at_any_time_it_leaves_a_whole_master_and_goes_on() {
    let dir = folder();
    let folder = dir.path().join("out");
    let texts = |n: usize, salt: usize| {
        (0..40)
            .map(|k| entry(&format!("Term {}", (n * 7 + k * 3 + salt) % 500), json!({"tags": [format!("t{n}")]})))
            .collect()
    };
    let write = |salt: usize| {
        for n in (0..120).filter(|n| salt == 0 || n % 5 == salt % 5) {
            put(&folder, &format!("{n}.vocab.json"), &file(&format!("{n}.pdf"), texts(n, salt)));
        }
    };
    write(0);
    for round in 0..8_u64 {
        let mut child = crate::support::command(dir.path(), &["consolidate", "out"])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(4 + round * round * 4));
        let _ = child.kill();
        child.wait().unwrap();
        if let Ok(bytes) = std::fs::read(folder.join("master.vocab.json")) {
            serde_json::from_slice::<Value>(&bytes).expect("whole at every instant");
        }
        write(usize::try_from(round).unwrap() + 1);
    }
    made(&folder);
    let one = std::fs::read(folder.join("master.vocab.json")).unwrap();
    std::fs::remove_dir_all(folder.join(".corpora")).unwrap();
    made(&folder);
    assert!(one == std::fs::read(folder.join("master.vocab.json")).unwrap());
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.len() <= 120 + 4, "nothing half-made is left: {left:?}");
}
