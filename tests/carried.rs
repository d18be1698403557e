//! What people carry away: every format read back, and text of books that is markup in none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Value, json};

use crate::support::{Run, Shelf};

/// Names, definitions and sentences that mean something to somebody: formulas, tags, links, ends of strings, codes of terminals.
const HOSTILE: [&str; 12] = [
    "=HYPERLINK(\"http://127.0.0.1\",\"x\")",
    "<script>alert(1)</script>",
    "]]></term><term>&amp; \"x\" 'y'",
    "[[Note]] ![[x]] #tag %%c%%",
    "**bold** `code` <b>x</b> | a |",
    "../../escape",
    "CON",
    "\"@en . <urn:x> a <urn:y> . \\",
    "a\tb \u{1b}[31mred \u{202e}x",
    "_x0041_ {{calc}} @{x}",
    "con",
    "--- # heading",
];

/// A folder with a master of three documents: ordinary terms, and hostile ones.
fn carried() -> Shelf {
    let shelf = Shelf::empty();
    let entry = |n: usize, text: &str, more: Value| {
        let mut entry = json!({
            "rank": n + 1, "text": text, "canonical": if n < 2 { text.to_lowercase() } else { format!("{} {n}", text.to_lowercase()) }, "id": "0000000000000000", "score": 0.9 - n as f64 / 100.0,
            "occurrence_count": 2, "occurrences": [{"section": 3, "start": 7, "end": 11, "sentence_start": n, "sentence": format!("A sentence of {text}.")}],
        });
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    let file = |name: &str, kind: &str, entries: Vec<Value>| {
        let hash = corpora::values::Fingerprint::of(name.as_bytes()).hex();
        let file = json!({
            "metadata": {"schema_version": 2, "source_path": name, "source_hash": hash, "format": "pdf", "language": "de",
                "pipeline": "vocabulary", "provider": "local", "term_count": entries.len(), "classified_count": 0, "flagged_count": 0,
                "section_kind": kind, "section_labels": {"3": "iii"}},
            "entries": entries,
        });
        let text = file.to_string().replacen(",\"entries\"", ",\n\"entries\"", 1);
        std::fs::create_dir_all(shelf.out()).unwrap();
        std::fs::write(shelf.out().join(format!("{name}.vocab.json")), text).unwrap();
    };
    let definition = json!({"definition": "A wyrm of ember & ash.", "definition_source": "glossary", "category": "creature",
        "definition_place": {"section": 9, "start": 4, "end": 8}, "pos": "noun", "tags": ["red", "old"], "axes": {"fire": 0.5}});
    let mut hostile: Vec<Value> = HOSTILE
        .iter()
        .enumerate()
        .map(|(n, text)| entry(n + 2, text, json!({"definition": text, "category": text, "kind": text})))
        .collect();
    hostile.insert(0, entry(0, "Ember Wyrm", definition));
    hostile.insert(1, entry(1, "Äther", json!({})));
    file("a.pdf", "page", hostile);
    file("b.epub", "chapter", vec![entry(0, "EMBER WYRM", json!({"aliases": ["EW"]}))]);
    file("c.pdf", "page", vec![entry(0, "Ember Wyrm", json!({}))]);
    shelf.run(&["consolidate", "out"]).exits(0);
    shelf
}

fn export(shelf: &Shelf, options: &[&str]) -> Run {
    shelf.run(&[&["export", "out", "--format"], options].concat())
}

fn master(shelf: &Shelf) -> Vec<Value> {
    let bytes = std::fs::read(shelf.out().join("master.vocab.json")).unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()["entries"].as_array().unwrap().clone()
}

fn names(shelf: &Shelf) -> Vec<String> {
    master(shelf).iter().map(|e| e["text"].as_str().unwrap().to_owned()).collect()
}

/// Texts of the elements of this name, in order, and the names of all elements.
fn elements(xml: &str, name: &str) -> (Vec<String>, BTreeSet<String>) {
    let mut reader = Reader::from_str(xml);
    let (mut texts, mut all, mut open) = (Vec::new(), BTreeSet::new(), Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let tag = start.name().0.to_owned();
                if tag == name {
                    texts.push(String::new());
                }
                all.insert(tag.clone());
                open.push(tag);
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) if open.iter().any(|tag| tag == name) => {
                *texts.last_mut().unwrap() += &text;
            }
            Event::GeneralRef(entity) if open.iter().any(|tag| tag == name) => {
                let c = match &*entity {
                    "lt" => "<",
                    "gt" => ">",
                    "amp" => "&",
                    "quot" => "\"",
                    "apos" | "#39" => "'",
                    other => panic!("an entity of nobody's: {other}"),
                };
                *texts.last_mut().unwrap() += c;
            }
            Event::Eof => return (texts, all),
            _ => {}
        }
    }
}

/// As a format of lines has it: white space folded, and no character that XML does not allow.
fn plain(text: &str) -> String {
    text.replace('\t', " ").replace('\u{1b}', "\u{fffd}")
}

#[test]
fn a_workbook_has_every_term_and_place_and_nothing_in_it_is_a_formula() {
    let shelf = carried();
    export(&shelf, &["xlsx", "-o", "terms.xlsx"]).exits(0);
    let bytes = std::fs::read(shelf.path().join("terms.xlsx")).unwrap();
    export(&shelf, &["xlsx", "-o", "again.xlsx"]).exits(0);
    assert!(bytes == std::fs::read(shelf.path().join("again.xlsx")).unwrap(), "equal terms, equal bytes");
    let mut book = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut part = |name: &str| {
        let mut text = String::new();
        book.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    assert!(part("xl/workbook.xml").contains("name=\"occurrences\""));
    let sheet = part("xl/worksheets/sheet1.xml");
    let (cells, tags) = elements(&sheet, "t");
    assert!(!tags.contains("f") && !tags.contains("hyperlink"), "{tags:?}");
    let found: BTreeSet<String> = cells.into_iter().collect();
    for name in names(&shelf) {
        // A control character and what looks like its code are written as `_x001B_`, as the format has it.
        let name = name.replace("_x0041_", "_x005F_x0041_").replace('\u{1b}', "_x001B_");
        assert!(found.contains(&name), "{name:?} is not in {found:?}");
    }
    assert!(
        found.contains("Ember Wyrm; EMBER WYRM") && found.contains("fire=0.5") && found.contains("red; old")
            || found.contains("old; red")
    );
    let (rows, _) = elements(&part("xl/worksheets/sheet2.xml"), "row");
    let places: usize = master(&shelf).iter().map(|e| e["occurrences"].as_array().unwrap().len()).sum();
    assert_eq!(rows.len(), places + 1);
}

#[test]
fn a_termbase_and_a_thesaurus_hold_every_name_as_text() {
    let shelf = carried();
    let tbx = export(&shelf, &["tbx"]).exits(0).stdout();
    let (terms, tags) = elements(&tbx, "term");
    let wanted: Vec<String> = master(&shelf)
        .iter()
        .flat_map(|e| {
            let others = e["variants"].as_array().unwrap().iter().map(|v| v["text"].as_str().unwrap());
            let aliases = e["aliases"].as_array().into_iter().flatten().map(|a| a.as_str().unwrap());
            let text = e["text"].as_str().unwrap();
            std::iter::once(text)
                .chain(others.chain(aliases).filter(move |other| *other != text))
                .map(plain)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(terms, wanted);
    assert!(
        !tags.contains("script")
            && !tags.contains("b")
            && tbx.contains("xml:lang=\"de\"")
            && tbx.contains("a.pdf, page iii")
    );
    let (definitions, _) = elements(&tbx, "descripGrp");
    assert!(definitions.contains(&"A wyrm of ember & ash.a.pdf".to_owned()), "{definitions:?}");

    let skos = export(&shelf, &["skos", "--language", "de-AT"]).exits(0).stdout();
    let labels = skos.lines().filter(|line| line.trim_start().starts_with("skos:prefLabel")).count();
    let categories =
        master(&shelf).iter().filter_map(|e| e["category"].as_str().map(str::to_owned)).collect::<BTreeSet<_>>();
    assert_eq!(labels, names(&shelf).len() + categories.len());
    assert!(skos.contains("skos:prefLabel \"Ember Wyrm\"@de-AT .") && skos.contains("skos:altLabel \"EW\"@de-AT ;"));
    assert!(skos.contains(r#""\"@en . <urn:x> a <urn:y> . \\"@de-AT"#) && skos.contains("\\u001B[31mred"));
    export(&shelf, &["skos", "--language", "C"]).exits(2).says("not a language tag");
}

/// The text that this program reads in a file: what markup there is has become something else.
fn read_back(shelf: &Shelf, name: &str) -> String {
    let text = shelf.run(&["parse", name]).exits(0).stdout();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn pages_for_people_hold_every_name_as_text() {
    let shelf = carried();
    export(&shelf, &["markdown", "-o", "glossary.md"]).exits(0);
    let glossary = read_back(&shelf, "glossary.md");
    let shown = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").replace('\u{1b}', "\u{fffd}");
    for name in names(&shelf) {
        assert!(glossary.contains(&shown(&name)), "{name:?} is not in {glossary}");
    }
    let journal: Value = serde_json::from_str(&export(&shelf, &["foundry"]).exits(0).stdout()).unwrap();
    let pages = journal["pages"].as_array().unwrap();
    assert_eq!(pages.iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), names(&shelf));
    for page in pages {
        let content = page["text"]["content"].as_str().unwrap();
        let (_, tags) = elements(&format!("<html>{content}</html>"), "p");
        let known = ["html", "p", "em", "blockquote"].map(String::from).into();
        assert!(tags.is_subset(&known), "{tags:?}");
        assert_eq!(page["_id"].as_str().unwrap().len(), 16);
    }
    let cards = export(&shelf, &["anki"]).exits(0).stdout();
    let lines: Vec<&str> = cards.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(cards.starts_with("#separator:tab\n#html:false\n") && lines.len() == names(&shelf).len());
    let mut reader =
        csv::ReaderBuilder::new().delimiter(b'\t').has_headers(false).flexible(true).from_reader(cards.as_bytes());
    let fronts: Vec<String> = reader
        .records()
        .map(Result::unwrap)
        .filter(|r| r.len() == 4 && !r[0].starts_with('#'))
        .map(|r| r[1].to_owned())
        .collect();
    assert_eq!(
        fronts,
        names(&shelf).iter().map(|name| name.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    );
}

#[test]
fn a_vault_has_a_note_for_each_term_and_nothing_outside_it() {
    let shelf = carried();
    let before: BTreeSet<_> = std::fs::read_dir(shelf.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    export(&shelf, &["obsidian", "-o", "vault"]).exits(0);
    let after: BTreeSet<_> = std::fs::read_dir(shelf.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), ["vault"]);
    let vault = shelf.path().join("vault");
    let notes: BTreeMap<String, String> = std::fs::read_dir(&vault)
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read_to_string(e.path()).unwrap()))
        .collect();
    assert_eq!(notes.len(), names(&shelf).len());
    let lower: BTreeSet<String> = notes.keys().map(|name| name.to_lowercase()).collect();
    assert_eq!(lower.len(), notes.len(), "also where case tells nothing apart");
    let wyrm = &notes["Ember Wyrm.md"];
    assert!(
        wyrm.contains("aliases: [\"Ember Wyrm\",\"EMBER WYRM\",\"EW\"]") && wyrm.contains("tags: [\"creature\"]"),
        "{wyrm}"
    );
    export(&shelf, &["obsidian", "-o", "vault"]).exits(64).says("is there already and not empty");
    assert_eq!(std::fs::read_dir(&vault).unwrap().count(), notes.len());
    std::fs::create_dir(shelf.path().join("new")).unwrap();
    export(&shelf, &["obsidian", "-o", "new", "--top", "2"]).exits(0);
    assert_eq!(std::fs::read_dir(shelf.path().join("new")).unwrap().count(), 2);
}

#[test]
fn tables_say_where_a_term_stands_and_its_definition_comes_from() {
    let shelf = carried();
    export(&shelf, &["sqlite", "-o", "t.sqlite"]).exits(0);
    let db = rusqlite::Connection::open(shelf.path().join("t.sqlite")).unwrap();
    let one = |sql: &str| db.query_row(sql, [], |r| r.get::<_, String>(0)).unwrap();
    assert_eq!(one("SELECT page FROM terms WHERE text = 'Äther'"), "iii");
    assert_eq!(
        one(
            "SELECT definition_source || ' ' || definition_from || ' ' || definition_section FROM terms WHERE rank = 1"
        ),
        "glossary a.pdf 9"
    );
    assert_eq!(
        one("SELECT group_concat(source || ' ' || coalesce(page, chapter), '; ') FROM occurrences WHERE rank = 1"),
        "a.pdf iii; b.epub iii; c.pdf iii"
    );
    assert_eq!(one("SELECT chapter FROM occurrences WHERE source = 'b.epub'"), "iii");
    let columns = one("SELECT group_concat(name) FROM pragma_table_info('terms')");
    assert!(columns.ends_with("definition_section,note,fields"), "{columns}");
    let rows = |options: &[&str]| {
        let table = export(&shelf, options).exits(0).stdout();
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let at = reader.headers().unwrap().iter().position(|h| h == "text").unwrap();
        reader.records().map(|row| row.unwrap()[at].to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(rows(&["csv", "--top", "2"]), ["Ember Wyrm", "Äther"]);
    assert_eq!(rows(&["csv", "--top", "2", "--sort", "text"]), ["Äther", "Ember Wyrm"], "Ä stands beside A");
    assert_eq!(rows(&["csv", "--top", "1", "--where", "text <> 'Ember Wyrm'"]), ["Äther"]);
    assert_eq!(rows(&["csv", "--occurrences", "--top", "1"]), ["Ember Wyrm"; 3]);
    let table = export(&shelf, &["csv", "--excel"]).exits(0).stdout();
    assert!(table.starts_with("\u{feff}rank,id,text"));
    let line = export(&shelf, &["jsonl", "--occurrences", "--top", "1"]).exits(0).stdout();
    let place: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!((&place["source"], &place["page"], &place["starts"]), (&json!("a.pdf"), &json!("iii"), &json!(7)));
    export(&shelf, &["csv", "--where", "category = 'x' LIMIT 5"]).exits(64).says("--top N takes the best N terms");
    export(&shelf, &["csv", "--where", "1 ORDER BY text"]).exits(64).says("--sort sets their order");
    export(&shelf, &["markdown", "--occurrences"]).exits(64).says("--occurrences goes with");
    export(&shelf, &["xlsx"]).exits(64).says("give a file with --output");
}

#[test]
fn a_decided_name_note_and_kind_are_carried_away_too() {
    let shelf = carried();
    let decide = [
        "review",
        "out",
        "--rename",
        "ember wyrm",
        "Cinder Worm",
        "--note",
        "Äther",
        "seen by Ada",
        "--kind",
        "Äther",
        "matter",
    ];
    shelf.run(&decide).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0);
    let table = export(&shelf, &["csv", "--where", "note = 'seen by Ada' OR text = 'Cinder Worm'"]).exits(0).stdout();
    assert!(table.lines().count() == 3 && table.contains("matter") && table.contains("Ember Wyrm"), "{table}");
}
