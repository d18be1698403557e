//! A folder that can be proven, and a store that can be rescued.

use std::path::Path;

use corpora::simulator::SimulatorConfig;
use rusqlite::{Connection, params};

use crate::support::Shelf;
use crate::support::rehearsal::Rehearsal;

const VERIFY: [&str; 4] = ["verify", "out", "--inputs", "books"];

fn proven() -> Shelf {
    let shelf = Shelf::of(3);
    shelf.batch(&[]).exits(0);
    shelf
}

/// The vocabulary file of some source.
fn some_vocabulary(shelf: &Shelf) -> String {
    shelf.vocabularies().into_keys().next().unwrap()
}

#[test]
fn a_folder_is_proven_from_its_inputs_to_its_vocabulary_files() {
    let shelf = proven();
    let said = shelf.run(&VERIFY).exits(0).stdout();
    for line in ["inputs               3", "results of parse     3", "results of extract   3", "vocabulary files     3"]
    {
        assert!(said.contains(&format!("ok     {line} as they were made")), "{line}: {said}");
    }
    let said = shelf.run(&["verify", "out"]).exits(0).stdout();
    assert!(said.contains("not looked at: name their folder with --inputs"), "{said}");
    shelf.sql().execute_batch("UPDATE art SET sum = NULL").unwrap();
    let said = shelf.run(&VERIFY).exits(0).stdout();
    assert!(said.contains("3 of an older program, without a sum"), "{said}");
}

#[test]
fn each_link_of_the_chain_that_is_broken_is_named() {
    let flaw = |harm: &dyn Fn(&Shelf), words: &[&str]| {
        let shelf = proven();
        harm(&shelf);
        let before = shelf.vocabularies();
        let said = shelf.run(&VERIFY).exits(75).stdout();
        for words in words {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(shelf.vocabularies() == before, "nothing is changed");
    };
    flaw(
        &|shelf| drop(shelf.sql().execute("UPDATE art SET z = zeroblob(9) WHERE id = (SELECT min(id) FROM art)", [])),
        &[
            "wrong  results of parse",
            "it is not as it was stored; the next run makes it again",
            "2 as they were made, 1 not",
        ],
    );
    flaw(
        &|shelf| drop(shelf.sql().execute("DELETE FROM art WHERE id = (SELECT max(id) FROM art)", [])),
        &["wrong  results of extract", "it is missing"],
    );
    flaw(
        &|shelf| std::fs::write(shelf.out().join(some_vocabulary(shelf)), "{").unwrap(),
        &["wrong  vocabulary files", "it is cut short or overwritten"],
    );
    flaw(
        &|shelf| {
            let file = shelf.out().join(some_vocabulary(shelf));
            let mut edited: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            edited["entries"][0]["definition"] = "mine".into();
            std::fs::write(&file, edited.to_string()).unwrap();
        },
        &["somebody has edited it"],
    );
    flaw(
        &|shelf| std::fs::remove_file(shelf.out().join(some_vocabulary(shelf))).unwrap(),
        &["wrong  vocabulary files", "it cannot be read"],
    );
    flaw(
        &|shelf| {
            let path: String = shelf.sql().query_row("SELECT min(path) FROM file", [], |r| r.get(0)).unwrap();
            std::fs::write(shelf.books().join(path), "other words").unwrap();
        },
        &["wrong  inputs", "another content than the one that was read"],
    );
}

#[test]
fn damaged_answers_and_responses_are_told_with_what_they_cost() {
    let rehearsal = Rehearsal::of(1, SimulatorConfig::default());
    rehearsal.run("out", &[]).exits(0);
    let shelf = &rehearsal.shelf;
    let said = shelf.run(&VERIFY).exits(0).stdout();
    assert!(said.contains("ok     responses") && !said.contains("responses            0"), "{said}");
    shelf
        .sql()
        .execute_batch("UPDATE raw SET z = zeroblob(9); UPDATE answer SET z = zeroblob(9) WHERE id = 1")
        .unwrap();
    let said = shelf.run(&VERIFY).exits(75).stdout();
    assert!(said.contains("(it cost $") && said.contains("its answers stay as they are"), "{said}");
    assert!(
        said.contains("answer 1: it is not as it was stored; the next run that needs it reads its response"),
        "{said}"
    );
}

#[test]
fn somebody_who_has_the_same_books_confirms_a_manifest_with_a_run_of_his_own() {
    let (shelf, other) = (proven(), proven());
    let manifest = shelf.run(&["verify", "out", "--manifest"]).exits(0);
    assert!(manifest.stderr().contains("vocabulary files     3 as they were made"), "{}", manifest.stderr());
    let chain: serde_json::Value = serde_json::from_str(&manifest.stdout()).unwrap();
    let (path, document) = chain["documents"].as_object().unwrap().iter().next().unwrap();
    assert!(document["results_sha256"]["parse"].is_string() && document["output_sha256"].is_string(), "{document}");
    assert!(chain["stages"]["parse"]["settings"].is_object(), "{chain}");
    let file = other.path().join("chain.json");
    let against = |chain: &serde_json::Value| {
        std::fs::write(&file, chain.to_string()).unwrap();
        other.run(&["verify", "out", "--against", "chain.json"])
    };
    assert!(against(&chain).exits(0).stdout().contains("3 vocabulary files are the same here"));
    let mut lies = chain.clone();
    lies["documents"][path]["output_sha256"] = "00".into();
    let said = against(&lies).exits(75).stdout();
    assert!(said.contains(&format!("{path}: the same content gave another vocabulary file here")), "{said}");
    let mut lies = chain.clone();
    lies["documents"][path]["input_sha256"] = "00".into();
    assert!(against(&lies).exits(75).stdout().contains("there is no vocabulary file of that content"));
    let mut lies = chain;
    lies["key"] = "00".into();
    against(&lies).exits(64).says("its key is another one");
}

/// Overwrites a page of a database with rubbish.
fn spoil(file: &Path, page: usize) {
    use std::os::unix::fs::FileExt;
    let bytes: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(&bytes, page as u64 * 4096).unwrap();
}

#[test]
fn a_store_with_a_page_of_rubbish_is_rescued_and_nothing_that_was_paid_for_is_asked_again() {
    let rehearsal = Rehearsal::of(2, SimulatorConfig::default());
    rehearsal.run("out", &[]).exits(0);
    let shelf = &rehearsal.shelf;
    let want = shelf.vocabularies();
    let store = shelf.out().join(".corpora/store.sqlite");
    shelf.sql().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let sound = std::fs::read(&store).unwrap();
    let asked = rehearsal.requests();
    let (mut rescued, mut hopeless) = (0, 0);
    // The first page says which tables there are.
    for page in (1..sound.len() / 4096).step_by(2) {
        for beside in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(store.with_file_name(format!("store.sqlite{beside}")));
        }
        std::fs::write(&store, &sound).unwrap();
        spoil(&store, page);
        let said = shelf.run(&["rescue", "out"]);
        if said.stdout().contains("the store is sound") {
            continue;
        }
        if said.0.status.code() == Some(70) {
            // Of the schema nothing can be missing; the broken store stays where it was.
            hopeless += 1;
            assert!(said.stderr().contains("cannot be read rightly"), "page {page}: {}", said.stderr());
            continue;
        }
        rescued += 1;
        let code = said.0.status.code();
        assert!(matches!(code, Some(0 | 75)), "page {page}: {code:?} {}", said.stderr());
        assert!(said.stdout().contains("the broken store is kept in"), "{}", said.stdout());
        rehearsal.run("out", &["--retry-failed"]).exits(0);
        assert!(shelf.vocabularies() == want, "page {page}: {}", said.stdout());
        assert_eq!(rehearsal.requests(), asked, "page {page}: nothing is paid for twice: {}", said.stdout());
        std::fs::remove_dir_all(shelf.out().join(".corpora/broken-1")).unwrap();
    }
    assert!(rescued > 10 && hopeless < 5, "{rescued} rescued, {hopeless} not, of {} pages", sound.len() / 4096);
}

#[test]
fn a_rescue_keeps_the_broken_store_and_goes_on_where_it_was_interrupted() {
    let shelf = proven();
    shelf.run(&["rescue", "out"]).exits(0);
    let own = shelf.out().join(".corpora");
    let store = own.join("store.sqlite");
    let log = own.join("store.sqlite-wal");
    // A change that stands in the log alone, as after a kill.
    let open = Connection::open(&store).unwrap();
    open.execute("INSERT INTO meta (key, value) VALUES ('mark', ?1)", params!["in the log"]).unwrap();
    let in_log = std::fs::read(&log).unwrap();
    drop(open);
    let pages = std::fs::metadata(&store).unwrap().len() as usize / 4096;
    spoil(&store, pages - 1);
    // A rescue that ended between taking the log away and putting the new store in its place.
    std::fs::create_dir(own.join("broken-1")).unwrap();
    std::fs::hard_link(&store, own.join("broken-1/store.sqlite")).unwrap();
    std::fs::write(own.join("broken-1/store.sqlite-wal"), &in_log).unwrap();
    let _ = std::fs::remove_file(&log);
    shelf.run(&["rescue", "out"]);
    let mark: String = shelf.sql().query_row("SELECT value FROM meta WHERE key = 'mark'", [], |r| r.get(0)).unwrap();
    assert_eq!(mark, "in the log");
    assert!(own.join("broken-2/store.sqlite").exists() && !own.join("rescue").exists());
    shelf.batch(&["--retry-failed"]).exits(0);
}
