//! Results that certify themselves: what is damaged is found when it is read, and made again where that costs nothing.

use std::collections::BTreeMap;
use std::path::Path;

use corpora::simulator::SimulatorConfig;
use rusqlite::{Connection, params};

use crate::support::rehearsal::Rehearsal;
use crate::support::{Run, Shelf};

/// Turns a bit of a blob of the store; returns what stood there.
fn turn(db: &Connection, table: &str, row: i64, bit: usize) -> Vec<u8> {
    let old: Vec<u8> = db.query_row(&format!("SELECT z FROM {table} WHERE rowid = ?1"), [row], |r| r.get(0)).unwrap();
    let mut new = old.clone();
    new[bit / 8 % old.len()] ^= 1 << (bit % 8);
    db.execute(&format!("UPDATE {table} SET z = ?2 WHERE rowid = ?1"), params![row, new]).unwrap();
    old
}

fn rows(db: &Connection, table: &str) -> Vec<i64> {
    let mut query = db.prepare(&format!("SELECT rowid FROM {table} ORDER BY rowid")).unwrap();
    query.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn remove_vocabularies(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            remove_vocabularies(&path);
        } else if path.to_string_lossy().ends_with(".vocab.json") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// Turns bits of a table's rows one after another; each time the vocabulary files are gone, and a plain run has to give the same again.
fn turned_bits_come_back(shelf: &Shelf, table: &str, turns: usize, run: impl Fn() -> Run) {
    let want = shelf.vocabularies();
    assert!(!want.is_empty());
    let mut random = fastrand::Rng::with_seed(17);
    for n in 0..turns {
        let db = shelf.sql();
        let all = rows(&db, table);
        let row = all[n % all.len()];
        let bit = random.usize(..);
        turn(&db, table, row, bit);
        drop(db);
        remove_vocabularies(&shelf.out());
        let said = run().exits(0);
        assert!(shelf.vocabularies() == want, "{table}, row {row}, bit {bit}: {}", said.stderr());
        // Chunks are read by `extract` alone, which has nothing to do here.
        let chunk = format!("SELECT count(*) FROM fp WHERE id = {row} >> 48 AND stage = 'chunk'");
        let is_read = table != "art" || shelf.count(&chunk) == 0;
        assert!(said.stderr().contains("not as it was stored") == is_read, "{table}, row {row}: {}", said.stderr());
    }
}

#[test]
fn a_turned_bit_in_a_result_is_found_and_the_result_made_again() {
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    turned_bits_come_back(&shelf, "art", 18, || shelf.batch(&["--progress", "plain"]));
}

#[test]
fn a_turned_bit_in_an_answer_that_was_paid_for_is_found_and_the_answer_read_again_for_nothing() {
    let rehearsal = Rehearsal::of(2, SimulatorConfig::default());
    rehearsal.run("out", &[]).exits(0);
    let asked = rehearsal.requests();
    // Without the extractions, which are put together of answers, these are not read.
    let run = || {
        rehearsal.shelf.sql().execute("DELETE FROM art WHERE id >> 48 = (SELECT max(id) >> 48 FROM art)", []).unwrap();
        rehearsal.run("out", &[])
    };
    turned_bits_come_back(&rehearsal.shelf, "answer", 6, run);
    assert_eq!(rehearsal.requests(), asked, "nothing is asked, nothing paid again");
}

#[test]
fn an_answer_that_cannot_be_had_back_is_told_of_with_its_price_and_asked_again_only_on_demand() {
    let rehearsal = Rehearsal::of(1, SimulatorConfig::default());
    rehearsal.run("out", &[]).exits(0);
    let (asked, want) = (rehearsal.requests(), rehearsal.shelf.vocabularies());
    let db = rehearsal.shelf.sql();
    let (answer, response): (i64, i64) = db
        .query_row("SELECT id, response FROM answer ORDER BY id LIMIT 1", [], |r| Ok((r.get(0)?, r.get(1)?)))
        .unwrap();
    turn(&db, "answer", answer, 77);
    turn(&db, "raw", response, 99);
    db.execute("DELETE FROM art WHERE id >> 48 = (SELECT max(id) >> 48 FROM art)", []).unwrap();
    remove_vocabularies(&rehearsal.shelf.out());
    let told = rehearsal.run("out", &[]);
    assert!(told.stderr().contains("are not as they were stored (the response cost $"), "{}", told.stderr());
    assert_eq!(rehearsal.requests(), asked, "nothing is asked unasked");
    rehearsal.run("out", &["--retry-failed"]).exits(0);
    assert!(rehearsal.requests() > asked);
    assert_eq!(rehearsal.shelf.vocabularies(), want);
}

#[test]
fn outputs_that_were_cut_are_written_again_and_edited_ones_stay() {
    let shelf = Shelf::of(3);
    shelf.batch(&[]).exits(0);
    let want = shelf.vocabularies();
    let places: Vec<_> = want.keys().map(|name| shelf.out().join(name)).collect();
    std::fs::write(&places[0], &want.values().next().unwrap()[..100]).unwrap();
    let edited = String::from_utf8(std::fs::read(&places[1]).unwrap()).unwrap().replace("\n", "\n ");
    std::fs::write(&places[1], &edited).unwrap();
    shelf.batch(&["--progress", "plain"]).exits(0).says("is cut short or overwritten, and is written again");
    let now = shelf.vocabularies();
    let differ: BTreeMap<_, _> = now.iter().filter(|(name, bytes)| want[*name] != **bytes).collect();
    assert_eq!(differ.into_values().collect::<Vec<_>>(), [edited.as_bytes()], "the edited one alone is not as it was");
    // Other bytes of the same number are found when they are looked at.
    let length = std::fs::metadata(&places[2]).unwrap().len();
    std::fs::write(&places[2], vec![0; usize::try_from(length).unwrap()]).unwrap();
    shelf.batch(&[]).exits(0);
    assert_ne!(std::fs::read(&places[2]).unwrap(), want.values().nth(2).unwrap().as_slice());
    shelf.batch(&["--checksum"]).exits(0);
    assert_eq!(std::fs::read(&places[2]).unwrap(), want.values().nth(2).unwrap().as_slice());
}

#[test]
fn a_file_in_the_place_of_one_of_the_same_size_and_time_is_noticed() {
    let shelf = Shelf::empty();
    let text = |name: &str| format!("The {name} is one who counts the boats. Every {name} rings.").into_bytes();
    shelf.put("a.md", &text("Saltwarden"));
    shelf.put("b.md", &text("Lampbearer"));
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    for name in ["a.md", "b.md"] {
        std::fs::File::open(shelf.books().join(name)).unwrap().set_modified(time).unwrap();
    }
    let batch = || shelf.batch(&["--formats", "md"]).exits(0);
    batch();
    let before = shelf.vocabularies();
    let swap = |from: &str, to: &str| std::fs::rename(shelf.books().join(from), shelf.books().join(to)).unwrap();
    swap("a.md", "c");
    swap("b.md", "a.md");
    swap("c", "b.md");
    batch();
    let after = shelf.vocabularies();
    let terms = |of: &BTreeMap<String, Vec<u8>>, name: &str| String::from_utf8(of[name].clone()).unwrap();
    assert!(
        terms(&before, "a.vocab.json").contains("Saltwarden") && terms(&after, "a.vocab.json").contains("Lampbearer")
    );
}
