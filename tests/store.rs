//! The store as its users see it.

use corpora::stages::extract::local::key_form;
use corpora::values::{Entry, Fingerprint, Occurrence, Vocabulary};
use serde_json::json;

use crate::support::{Run, Shelf, documents};

#[test]
fn people_can_query_it_with_plain_sql() {
    let shelf = Shelf::of(3);
    shelf.put("empty.pdf", b"");
    shelf.batch(&[]).exits(75);
    assert_eq!(shelf.count("SELECT count(*) FROM stages WHERE stage = 'extract' AND state = 'done'"), 3);
    assert_eq!(shelf.count("SELECT count(*) FROM files WHERE state = 'present' AND output LIKE '%.vocab.json'"), 4);
    assert_eq!(shelf.count("SELECT count(*) FROM failures WHERE path = 'empty.pdf' AND kind = 'Empty'"), 1);
    assert_eq!(shelf.count("SELECT count(*) FROM answers"), 0);
}

#[test]
fn the_documented_tables_are_the_ones_there_are() {
    let shelf = Shelf::of(1);
    shelf.batch(&[]).exits(0);
    let document = include_str!("../docs/store.md");
    let db = shelf.sql();
    let mut names = db.prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')").unwrap();
    let names: Vec<String> = names.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(names.len() > 10);
    for name in names.iter().filter(|n| !n.starts_with("sqlite_")) {
        assert!(document.contains(&format!("`{name}`")), "docs/store.md does not tell of {name}");
    }
}

/// Puts the golden store of a version into the shelf's output folder. Golden stores are never made anew: they are what old
/// programs left behind.
fn put_golden(shelf: &Shelf, version: u32) {
    let folder = shelf.out().join(".corpora");
    std::fs::create_dir_all(&folder).unwrap();
    let golden = format!("{}/tests/golden/store-v{version}.sqlite.zst", env!("CARGO_MANIFEST_DIR"));
    let bytes = zstd::decode_all(std::fs::File::open(golden).unwrap()).unwrap();
    std::fs::write(folder.join("store.sqlite"), bytes).unwrap();
}

fn parsed(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_store_of_version_1_is_read_by_this_program() {
    let shelf = Shelf::of(2);
    put_golden(&shelf, 1);
    let status = parsed(&shelf.run(&["status", "out", "--json"]).exits(0).stdout());
    assert_eq!(status["documents"], 2);
    assert_eq!(status["stages"][0]["done"], 2);
    assert!(shelf.run(&["cost", "out"]).exits(0).stdout().contains("$0.00"), "an older store has an empty bill");
    shelf.batch(&[]).exits(0);
    assert_eq!(shelf.vocabularies().len(), 2);
}

#[test]
fn a_store_of_version_2_is_read_by_this_program() {
    // A glossary of the same two documents, asked of the simulator.
    let shelf = Shelf::of(2);
    put_golden(&shelf, 2);
    let status = parsed(&shelf.run(&["status", "out", "--json"]).exits(0).stdout());
    assert_eq!((&status["documents"], &status["answers"]), (&serde_json::json!(2), &serde_json::json!(2)));
    let cost = parsed(&shelf.run(&["cost", "out", "--format", "json"]).exits(0).stdout());
    assert_eq!(cost["total"]["answers"], 2);
    assert_eq!(cost["rows"][0]["model"], "claude-haiku-5-5");
    assert!(cost["total"]["dollars"].as_f64().unwrap() > 0.0);
    // The address that was asked is gone. The parser of today reads the PDF's lines otherwise than that of the store's time; the
    // passage of the EPUB comes out the same, and its answer is taken from the store.
    let same = [&["--pipeline", "glossary"], &ANSWERED_BY[..]].concat();
    shelf.batch(&same).exits(75).says("succeeded   1").says("waiting     1");
    assert_eq!(shelf.vocabularies().len(), 1);
}

/// Who answered in the golden stores: a simulator at an address where nobody listens now.
const ANSWERED_BY: [&str; 6] =
    ["--provider", "anthropic", "--model", "claude-haiku-5-5", "--base-url", "http://127.0.0.1:8188"];

/// The inputs of the golden store of version 3: five documents and two that fail. `gone.epub` is not among them any more.
fn shelf_of_version_3() -> Shelf {
    let shelf = Shelf::of(5);
    shelf.put("empty.pdf", b"");
    // The archive knows the second chapter under a name that the package does not.
    let chapters = [documents::story(50), documents::story(51)];
    let mut partial = documents::epub("Partial", &[&chapters[0], &chapters[1]]);
    let named: Vec<usize> =
        partial.windows(14).enumerate().filter(|(_, w)| w == b"OEBPS/c2.xhtml").map(|(n, _)| n).collect();
    assert_eq!(named.len(), 2, "before its bytes and in the directory");
    named.into_iter().for_each(|at| partial[at + 6] = b'X');
    shelf.put("partial.epub", &partial);
    std::fs::write(shelf.path().join("golden.toml"), include_str!("golden/pipeline-v3.toml")).unwrap();
    shelf
}

fn batch_of_version_3(shelf: &Shelf, more: &[&str]) -> Run {
    shelf.batch(&[&["--pipeline", "./golden.toml", "--progress", "json"], &ANSWERED_BY[..], more].concat())
}

#[test]
fn nothing_of_a_store_of_version_3_is_asked_again() {
    // Asked live, with a refusal to whatever holds "Tale 2"; then `gone.epub` went, and `doc-000004.pdf` came and was asked by batch.
    let shelf = shelf_of_version_3();
    put_golden(&shelf, 3);
    let status = parsed(&shelf.run(&["status", "out", "--json"]).exits(0).stdout());
    assert_eq!(
        (&status["files"], &status["failed_files"], &status["partial_files"]),
        (&7.into(), &2.into(), &1.into())
    );
    let before = shelf.count("SELECT count(*) FROM answer");
    let responses = shelf.count("SELECT count(*) FROM response");
    let run = batch_of_version_3(&shelf, &[]).exits(75);
    let summary = run.summary();
    assert_eq!((&summary["skipped"], &summary["succeeded"], &summary["failed"]), (&0.into(), &5.into(), &2.into()));
    // Its parser, extraction and rendering are older: everything is parsed and put together once more, and what comes of it has the
    // keys of the answers that are there. Nobody listens at the provider's address, so nothing can have been asked.
    let anew = |run: &Run| ["parse", "chunk", "extract", "write"].map(|stage| run.done(stage));
    assert_eq!(anew(&run), [6, 6, 5, 5], "parsed, cut, put together and written");
    assert_eq!(shelf.count("SELECT count(*) FROM answer"), before, "nothing is paid for again");
    assert_eq!(shelf.count("SELECT count(*) FROM response"), responses, "nothing is asked again");
    assert_eq!(
        shelf.count("SELECT count(*) FROM fp WHERE stage = 'question'"),
        1,
        "what is asked has the key that it had"
    );
    assert_eq!(anew(&batch_of_version_3(&shelf, &[]).exits(75)), [0; 4], "once");
}

#[test]
fn the_files_of_a_store_of_version_3_have_the_bytes_that_they_had() {
    let shelf = shelf_of_version_3();
    put_golden(&shelf, 3);
    let hashes = |shelf: &Shelf| -> Vec<(String, [u8; 8])> {
        let db = shelf.sql();
        let mut rows =
            db.prepare("SELECT output, written_sha FROM file WHERE written_sha IS NOT NULL ORDER BY 1").unwrap();
        rows.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let expected = hashes(&shelf);
    assert_eq!(expected.len(), 5);
    batch_of_version_3(&shelf, &[]).exits(75);
    for (output, sha) in expected {
        let now = std::fs::read(shelf.out().join(&output)).unwrap();
        assert_eq!(Fingerprint::of(as_version_1(&now).as_bytes()).0[..8], sha, "{output}");
    }
}

/// The file of version 1 as the program of the golden store wrote it: all that it said can be told from a file of version 2. No confidence is made
/// up since, and comparison forms are words.
fn as_version_1(file: &[u8]) -> String {
    let Vocabulary { metadata: m, entries } = Vocabulary::from_bytes(file).unwrap();
    let mut entries: Vec<_> = entries.into_iter().map(|entry| (key_form(&entry.text), entry)).collect();
    entries.sort_by(|a, b| (&a.0, &a.1.text).cmp(&(&b.0, &b.1.text)));
    let place = |o: &Occurrence| {
        json!({"section_kind": o.section_kind, "section": o.section, "section_label": o.section_label, "start": o.start, "end": o.end,
            "sentence": o.sentence})
    };
    let entries = entries.iter().map(|(canonical, e)| {
        json!({"id": Entry::id_of(canonical), "text": e.text, "source": e.source, "genre": e.genre, "intent": e.intent, "pos": e.pos,
            "axes": e.axes, "tags": e.tags, "category": e.category, "canonical": canonical, "mood": e.mood, "energy": e.energy,
            "confidence": e.confidence.unwrap_or(1.0), "secondary_intents": e.secondary_intents, "ip_flag": e.ip_flag,
            "definition": e.definition, "occurrences": e.occurrences.iter().map(place).collect::<Vec<_>>(), "evidence": e.evidence,
            "grounding": e.grounding, "fields": e.fields})
    });
    let file = json!({
        "metadata": {"schema_version": 1, "source_path": m.source_path, "source_hash": m.source_hash, "format": m.format, "title": m.title,
            "author": m.author, "language": m.language, "pipeline": m.pipeline, "provider": m.provider, "model": m.model,
            "term_count": m.term_count, "classified_count": m.classified_count, "flagged_count": m.flagged_count},
        "entries": entries.collect::<Vec<_>>()
    });
    serde_json::to_string_pretty(&file).unwrap() + "\n"
}

#[test]
fn what_a_store_of_version_3_cost_and_lost_is_still_told() {
    let shelf = shelf_of_version_3();
    put_golden(&shelf, 3);
    let cost = parsed(&shelf.run(&["cost", "out", "--format", "json"]).exits(0).stdout());
    let total = &cost["total"];
    let units = shelf.count("SELECT count(*) FROM unit") as u64;
    assert_eq!((total["answers"].as_u64().unwrap(), &total["lost_requests"]), (units, &0.into()));
    assert!(cost["rows"].as_array().unwrap().iter().any(|row| row["document"] == "gone.epub"), "{cost}");
    let batches = shelf.run(&["batches", "out"]).exits(0).stdout();
    assert!(batches.contains("collected") && batches.contains("msgbatch_00000001"), "{batches}");
    let show = shelf.run(&["show", "out", "partial.epub"]).exits(0).stdout();
    assert!(show.contains("partial: Unreadable"), "{show}");
    batch_of_version_3(&shelf, &[]).exits(75);
    assert_eq!(shelf.count("SELECT count(*) FROM orphan"), 1);
    shelf.run(&["gc", "out"]).exits(0);
    assert_eq!(shelf.count("SELECT count(*) FROM orphan"), 0);
    assert_eq!(
        shelf.count("SELECT count(*) FROM response"),
        units as i64,
        "what was paid for a book that is gone is kept"
    );
}

#[test]
fn the_ledger_of_a_store_of_version_4_is_told_to_the_token() {
    // The shelf of version 3: two documents asked live of a model that moved to another name; a batch that was given up, one that
    // was collected, one whose provider counts three answers more than its results hold.
    let shelf = shelf_of_version_3();
    put_golden(&shelf, 4);
    let audit = parsed(&shelf.run(&["audit", "out", "--json"]).exits(75).stdout());
    let told: Vec<serde_json::Value> = audit["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            serde_json::json!([
                row["state"],
                row["sent"],
                row["answered"],
                row["lost"],
                row["owed"],
                row["input_tokens"],
                row["output_tokens"]
            ])
        })
        .collect();
    let expected = serde_json::json!([
        [null, 8, 8, 0, 0, 2210, 693],
        ["abandoned", 4, 0, 4, 0, 0, 0],
        ["collected", 4, 4, 0, 0, 1119, 390],
        ["ended", 12, 9, 0, 3, 2475, 439],
    ]);
    assert_eq!(serde_json::Value::Array(told), expected, "{audit}");
    assert_eq!(shelf.count("SELECT count(*) FROM response WHERE answered_by = 'claude-haiku-5-5-2026-08-07'"), 8);
    // Nobody listens at its address: what is owed stays so, and nothing of what is done is done again.
    let run = batch_of_version_3(&shelf, &["--endpoint", "batch", "--no-probe", "--patience", "0.01"]).exits(75);
    assert_eq!(run.summary()["stop_reason"], "unreachable");
    for stage in ["parse", "chunk", "extract"] {
        assert_eq!(run.done(stage), 0, "{stage} is done again");
    }
    assert_eq!(parsed(&shelf.run(&["audit", "out", "--json"]).exits(75).stdout())["total"], audit["total"]);
}

#[test]
fn what_a_store_of_version_5_holds_is_held_against_the_sums_that_were_kept_then() {
    let shelf = Shelf::empty();
    put_golden(&shelf, 5);
    let proven = |said: &str, what: &str| {
        let wanted = format!("ok     {what:<20} 2 as they were made");
        assert!(said.contains(&wanted), "{wanted}: {said}");
    };
    // Its vocabulary files are not among what was kept.
    let said = shelf.run(&["verify", "out"]).exits(75).stdout();
    for what in ["results of parse", "results of chunk", "results of extract", "answers", "responses"] {
        proven(&said, what);
    }
    shelf.sql().execute_batch("UPDATE answer SET z = zeroblob(length(z)) WHERE id = 1").unwrap();
    let said = shelf.run(&["verify", "out"]).exits(75).stdout();
    assert!(said.contains("WRONG  answers              1 as they were made, 1 not"), "{said}");
    proven(&said, "responses");
}

#[test]
fn what_a_store_of_version_6_holds_is_held_against_the_sums_of_its_rows_too() {
    let shelf = Shelf::empty();
    put_golden(&shelf, 6);
    let said = shelf.run(&["verify", "out"]).exits(75).stdout();
    assert!(
        said.contains("ok     store                sound") && said.contains("ok     results of parse     2"),
        "{said}"
    );
    let place = shelf.out().join(".corpora/store.sqlite");
    rusqlite::Connection::open(place).unwrap().execute_batch("UPDATE file SET doc = 3 - doc").unwrap();
    shelf.run(&["verify", "out"]).exits(70).says("2 of the rows of 'file' are not as they were written");
}

#[test]
fn garbage_is_what_the_current_settings_do_not_use() {
    let shelf = Shelf::of(3);
    shelf.batch(&["--pipeline", "glossary"]).exits(0);
    shelf.batch(&[]).exits(0);
    let preview = shelf.run(&["gc", "out", "--dry-run"]).exits(0).stdout();
    assert!(preview.contains("would remove"), "{preview}");
    let before = shelf.count("SELECT count(*) FROM art");
    shelf.run(&["gc", "out"]).exits(0);
    assert!(shelf.count("SELECT count(*) FROM art") < before);
    shelf.batch(&[]).exits(0).says("skipped     3");
    assert_eq!(shelf.count("SELECT count(*) FROM done WHERE state = 1"), 9);
}

#[test]
fn show_tells_a_documents_way_and_finds_it_by_the_end_of_its_path() {
    let shelf = Shelf::of(4);
    shelf.batch(&[]).exits(0);
    let text = shelf.run(&["show", "out", "doc-000003.epub"]).exits(0).stdout();
    for words in ["deep/doc-000003.epub", "parse     done", "chunk     done", "extract   done", "write     done"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    shelf.run(&["show", "out", "nothing.pdf"]).exits(64).says("no document of 'out' is called 'nothing.pdf'");
}

#[test]
fn status_counts_add_up_before_during_and_after() {
    let shelf = Shelf::of(5);
    shelf.put("empty.pdf", b"");
    for until in ["parse", "extract", "write"] {
        shelf.batch(&["--until", until]).exits(75);
        let status = shelf.run(&["status", "out", "--json"]).exits(0).stdout();
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let number = |value: &serde_json::Value| value.as_u64().unwrap();
        let write = &status["stages"][3];
        assert_eq!(number(&status["files"]), 6);
        assert_eq!(
            number(&write["done"]) + number(&write["waiting"]) + number(&status["failed_files"]),
            6,
            "after {until}: {status}"
        );
        assert_eq!(status["failures"].as_array().unwrap().len(), 1);
    }
}

/// Writes a file and gives it a modification time, in seconds since 1970.
fn put_at(shelf: &Shelf, name: &str, bytes: &[u8], seconds: u64) {
    shelf.put(name, bytes);
    let file = std::fs::File::options().write(true).open(shelf.books().join(name)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds)).unwrap();
}

#[test]
fn an_edit_is_seen_by_its_length_or_its_time_and_by_checksum_if_both_are_as_they_were() {
    let shelf = Shelf::empty();
    let text = |word: &str| format!("# Tale\n\nThe {word} guards the old mill. The {word} binds the old mill.\n");
    let batch = |more: &[&str]| {
        let run = shelf.batch(&[&["--formats", "md", "--progress", "json"], more].concat()).exits(0);
        // As older programs left it, which kept neither the time of the last change nor the inode.
        shelf.sql().execute("UPDATE file SET ctime_ns = NULL, inode = NULL", []).unwrap();
        run.done("parse")
    };
    put_at(&shelf, "a.md", text("ember wyrm").as_bytes(), 1_000_000);
    assert_eq!((batch(&[]), batch(&[])), (1, 0));
    put_at(&shelf, "a.md", text("ember king").as_bytes(), 1_000_001);
    assert_eq!(batch(&[]), 1, "same length, another time");
    put_at(&shelf, "a.md", text("salt lantern").as_bytes(), 1_000_001);
    assert_eq!(batch(&[]), 1, "another length, same time");
    put_at(&shelf, "a.md", text("thin lantern").as_bytes(), 1_000_001);
    assert_eq!(batch(&[]), 0, "without hashing nobody can see it");
    assert_eq!(batch(&["--checksum"]), 1);
}

#[test]
fn retrying_part_of_the_shelf_takes_up_its_failures_alone() {
    let shelf = Shelf::of(1);
    for name in ["one.pdf", "two.pdf"] {
        shelf.put(name, b"%PDF-1.4 and no more");
    }
    shelf.batch(&[]).exits(75);
    let at = |name: &str| {
        shelf.count(&format!(
            "SELECT n.at_ms FROM done n JOIN file f ON f.doc = n.doc WHERE n.state = 2 AND f.path = '{name}'"
        ))
    };
    shelf.put("two.pdf", b"%PDF-1.4 and something else");
    shelf.batch(&[]).exits(75);
    let before = (at("one.pdf"), at("two.pdf"));
    shelf.run(&["batch", "books/one.pdf", "books/deep", "-o", "out", "--retry-failed"]).exits(75);
    let after = (at("one.pdf"), at("two.pdf"));
    assert!(after.0 > before.0 && after.1 == before.1, "{before:?} {after:?}");
}

#[test]
fn garbage_collection_leaves_vocabulary_files_that_somebody_has_edited() {
    let shelf = Shelf::of(3);
    shelf.batch(&[]).exits(0);
    for name in ["doc-000001.epub", "doc-000002.pdf"] {
        std::fs::remove_file(shelf.books().join(name)).unwrap();
    }
    shelf.batch(&[]).exits(0);
    let edited = shelf.out().join("doc-000001.vocab.json");
    std::fs::write(&edited, "{\"my\": \"own work\"}").unwrap();
    shelf.run(&["gc", "out"]).exits(0);
    assert_eq!(std::fs::read_to_string(&edited).unwrap(), "{\"my\": \"own work\"}");
    assert!(!shelf.out().join("doc-000002.vocab.json").exists(), "one that nobody has edited goes with its source");
}

#[test]
fn names_that_differ_in_case_alone_do_not_share_an_output() {
    let shelf = Shelf::empty();
    let [one, two] = [1, 3].map(|n| documents::nth(n).1);
    shelf.put("Rules.epub", &one);
    shelf.put("rules.epub", &two);
    shelf.batch(&[]).exits(0);
    let names: std::collections::BTreeSet<String> =
        shelf.vocabularies().into_keys().map(|n| n.to_lowercase()).collect();
    assert_eq!(names.len(), 2, "on a file system that knows no case they would be one file: {names:?}");
}

#[test]
fn the_summary_counts_each_stage_as_its_events_do() {
    let shelf = Shelf::of(5);
    shelf.put("empty.pdf", b"");
    shelf.put("copy.epub", &documents::nth(1).1);
    for mode in ["staged", "per-document"] {
        let out = format!("out-{mode}");
        let run = shelf.run(&["batch", "books", "-o", &out, "--mode", mode, "--progress", "json"]).exits(75);
        let summary = run.summary();
        for stage in summary["stages"].as_array().unwrap().iter().skip(1) {
            let name = stage["stage"].as_str().unwrap();
            assert_eq!(stage["done"].as_u64().unwrap() as usize, run.done(name), "{mode}: {name}: {summary}");
            let failed = run.events().iter().filter(|e| e["event"] == "document_failed" && e["stage"] == name).count();
            assert_eq!(stage["failed"].as_u64().unwrap() as usize, failed, "{mode}: {name}: {summary}");
        }
    }
}
