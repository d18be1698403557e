//! Pages that are pictures: read by Tesseract where it is there, kept and told of where it is not.

use std::time::{Duration, Instant};

use corpora::remote::VENDORS;
use serde_json::Value;

use crate::support::needs::needs_program;
use crate::support::pictures::{Page, document, stand_in};
use crate::support::{Run, Shelf, command};

fn lines(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn text_page() -> Page {
    Page::Text(lines(&["A salt lantern is a lamp that burns salt, and it is carried by hand along the road."]))
}

fn scanned_page() -> Page {
    Page::Scan(lines(&[
        "A thorn ward is a fence that keeps wolves out.",
        "Every glass moth remembers the hollow king.",
        "",
        "",
        "An ember wyrm is a worm that lives in ashes.",
    ]))
}

/// Runs the program with nothing but this folder on its path.
fn with_path(shelf: &Shelf, path: &str, args: &[&str]) -> Run {
    Run(command(shelf.path(), args).env("PATH", shelf.path().join(path)).output().unwrap())
}

fn parsed(run: &Run) -> Value {
    serde_json::from_str(&run.stdout()).unwrap()
}

#[test]
fn a_scan_is_read_and_a_mixed_document_only_where_it_has_to_be() {
    if !needs_program("tesseract", "--version", "tesseract-ocr") {
        return;
    }
    let shelf = Shelf::empty();
    shelf.put("mixed.pdf", &document(&[text_page(), scanned_page(), text_page()]));
    let run = shelf.run(&["parse", "books/mixed.pdf", "--format", "json"]).exits(0);
    let found = parsed(&run);
    let sources: Vec<&Value> = found["sections"].as_array().unwrap().iter().map(|s| &s["source"]).collect();
    assert_eq!(sources, [&Value::Null, &Value::from("ocr"), &Value::Null]);
    let text = found["text"].as_str().unwrap();
    let page = text.split('\u{c}').nth(1).unwrap();
    assert_eq!(
        page,
        "A thorn ward is a fence that keeps wolves out. Every glass moth remembers the hollow king.\n\
         An ember wyrm is a worm that lives in ashes.",
    );
    // The first line's baseline stands 72 points below the upper edge, its text begins 72 points from the left one.
    let block =
        found["blocks"].as_array().unwrap().iter().find(|b| b["span"]["start"] == text.find("A thorn").unwrap());
    let area: Vec<i64> = block.unwrap()["area"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
    assert!((710..=740).contains(&area[0]) && (620..=660).contains(&area[1]), "{area:?}");
    assert!(area[2] > 2500 && (area[3] - area[1]) < 300, "{area:?}");
    assert!(run.stderr().contains("page 2 read by optical character recognition"), "{}", run.stderr());

    let forced = parsed(&shelf.run(&["parse", "books/mixed.pdf", "--format", "json", "--ocr", "force"]).exits(0));
    assert!(forced["sections"].as_array().unwrap().iter().all(|s| s["source"] == "ocr"), "{forced}");
    let off = shelf.run(&["parse", "books/mixed.pdf", "--format", "json", "--ocr", "off"]).exits(0);
    assert_eq!(parsed(&off)["sections"][1]["source"], "needs_ocr");
    assert!(off.stderr().contains("--ocr auto reads them"), "{}", off.stderr());
}

#[test]
fn without_the_program_the_document_is_kept_and_taken_up_again_once_it_is_there() {
    let shelf = Shelf::empty();
    shelf.put("mixed.pdf", &document(&[text_page(), scanned_page()]));
    shelf.put("plain.pdf", &document(&[text_page(), text_page()]));
    std::fs::create_dir(shelf.path().join("bare")).unwrap();
    let batch = ["batch", "books", "-o", "out", "--progress", "json", "--ocr-lang", "eng"];
    let run = with_path(&shelf, "bare", &batch).exits(0);
    assert_eq!(run.summary()["partial"], 1, "{}", run.stderr());
    assert!(run.stderr().contains("page 2 cannot be read without OCR"), "{}", run.stderr());
    assert!(run.stderr().contains("apt-get install tesseract-ocr)"), "{}", run.stderr());
    assert_eq!(shelf.vocabularies().len(), 2, "both are kept");
    let status = shelf.run(&["status", "out"]).exits(0).stdout();
    assert!(status.contains("kept, but not whole:\n  mixed.pdf [NeedsOcr]: page 2"), "{status}");
    let json: Value = serde_json::from_str(&shelf.run(&["status", "out", "--json"]).stdout()).unwrap();
    assert_eq!((&json["partial_files"], &json["partial"][0]["gap"]), (&Value::from(1), &Value::from("NeedsOcr")));
    let show = shelf.run(&["show", "out", "mixed.pdf"]).stdout();
    assert!(show.contains("partial: NeedsOcr"), "{show}");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(shelf.out().join(".corpora-manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["documents"][0]["partial"]["gap"], "NeedsOcr");
    assert_eq!(manifest["documents"][1]["partial"], Value::Null);

    let again = with_path(&shelf, "bare", &[&batch[..], &["--retry-failed"]].concat()).exits(0);
    assert_eq!(again.done("parse"), 0, "nothing to gain without the program");
    let table =
        "5\\t1\\t1\\t1\\t1\\t1\\t100\\t50\\t60\\t30\\t96\\tA thorn ward is a fence that keeps wolves out of it.";
    stand_in(&shelf.path().join("bin"), &format!("cat >/dev/null; printf '{table}\\n'"));
    let path = format!("bin:{}", std::env::var("PATH").unwrap());
    let quiet = with_path_list(&shelf, &path, &batch).exits(0);
    assert_eq!((quiet.done("parse"), &quiet.summary()["partial"]), (0, &Value::from(1)), "it has to be asked for");
    let run = with_path_list(&shelf, &path, &[&batch[..], &["--retry-failed"]].concat()).exits(0);
    assert_eq!((run.done("parse"), run.done("write")), (1, 1), "{}", run.stderr());
    assert_eq!(run.summary()["partial"], 0);
    let vocabulary = shelf.vocabulary("mixed.vocab.json").to_string();
    assert!(vocabulary.contains("thorn ward"), "{vocabulary}");
}

/// Runs the program with this search path, relative to the shelf where it is relative.
fn with_path_list(shelf: &Shelf, path: &str, args: &[&str]) -> Run {
    let path = shelf.path().join(path).into_os_string();
    Run(command(shelf.path(), args).env("PATH", path).output().unwrap())
}

#[test]
fn a_language_that_is_not_installed_is_named() {
    let shelf = Shelf::empty();
    shelf.put("scan.pdf", &document(&[scanned_page()]));
    stand_in(&shelf.path().join("bin"), "exit 1");
    let run = with_path(&shelf, "bin", &["parse", "books/scan.pdf", "--ocr-lang", "eng+lat"]).exits(0);
    let note = "--ocr-lang lat is not installed; tesseract --list-langs shows eng;";
    assert!(run.stderr().contains(note), "{}", run.stderr());
    assert!(run.stderr().contains("the OCR of page 1 failed"), "what is there is used: {}", run.stderr());
    let none = with_path(&shelf, "bin", &["parse", "books/scan.pdf", "--ocr-lang", "lat"]).exits(0);
    assert!(none.stderr().contains("page 1 cannot be read without OCR: --ocr-lang lat is not"), "{}", none.stderr());
    let odd = with_path(&shelf, "bin", &["parse", "books/scan.pdf", "--ocr-lang", "xx"]).exits(0);
    assert!(odd.stderr().contains("three letters") && !odd.stderr().contains("tesseract-ocr-xx"), "{}", odd.stderr());
    shelf.run(&["parse", "books/scan.pdf", "--ocr-lang=-psm"]).exits(64).says("names no languages");
    let broken = with_path(&shelf, "bin", &["parse", "books/scan.pdf"]).exits(0);
    assert!(broken.stderr().contains("the OCR of page 1 failed: tesseract failed"), "{}", broken.stderr());
}

/// Keys of all vendors, a secret that nobody has heard of, and what Tesseract needs.
fn with_secrets(shelf: &Shelf, args: &[&str]) -> Run {
    let path = shelf.path().join(format!("bin:{}", std::env::var("PATH").unwrap()));
    let keys = VENDORS.iter().map(|vendor| (vendor.key_variable(), "sk-secret"));
    let mut command = command(shelf.path(), args);
    command.envs(keys).env("PGPASSWORD", "secret").env("TESSDATA_PREFIX", "/data").env("PATH", path);
    Run(command.output().unwrap())
}

#[test]
fn what_reads_strangers_files_finds_no_key_in_its_environment() {
    let shelf = Shelf::empty();
    shelf.put("scan.pdf", &document(&[scanned_page()]));
    // What a worker starts may write nothing but its last words.
    stand_in(&shelf.path().join("bin"), "cat >/dev/null; env | tr '\\n' ' ' >&2; exit 1");
    with_secrets(&shelf, &["batch", "books", "-o", "out"]).exits(0);
    let by_worker = shelf.run(&["status", "out"]).exits(0).stdout();
    let alone = with_secrets(&shelf, &["parse", "books/scan.pdf"]).exits(0).stderr();
    for (who, environment) in [("under a worker", by_worker), ("alone", alone)] {
        assert!(environment.contains("TESSDATA_PREFIX=/data"), "{who}: {environment}");
        assert!(environment.contains("PATH="), "{who}: {environment}");
        assert!(!environment.contains("secret"), "{who}: {environment}");
    }
}

#[test]
fn a_recognition_that_hangs_costs_its_page_alone() {
    let shelf = Shelf::empty();
    let pages = [text_page(), scanned_page(), text_page(), scanned_page(), scanned_page(), text_page()];
    shelf.put("mixed.pdf", &document(&pages));
    shelf.put("plain.pdf", &document(&[text_page(), text_page()]));
    stand_in(&shelf.path().join("bin"), "exec sleep 1000");
    let path = format!("bin:{}", std::env::var("PATH").unwrap());
    let started = Instant::now();
    let batch = ["batch", "books", "-o", "out", "--progress", "json", "--parse-timeout", "1"];
    let run = with_path_list(&shelf, &path, &batch).exits(0);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(run.summary()["partial"], 1, "{}", run.stderr());
    assert!(run.stderr().contains("the OCR of page 2 failed: it took too long"), "{}", run.stderr());
    assert!(
        run.stderr().contains("the OCR of page 5 failed: it took too long"),
        "two slow pages end nothing: {}",
        run.stderr()
    );
    assert!(shelf.vocabulary("mixed.vocab.json").to_string().contains("salt lantern"));
}

#[test]
fn how_pages_are_read_is_part_of_what_a_result_depends_on() {
    let shelf = Shelf::empty();
    shelf.put("plain.pdf", &document(&[text_page()]));
    shelf.batch(&[]).exits(0);
    let other = shelf.batch(&["--progress", "json", "--ocr", "off"]).exits(0);
    assert_eq!(other.done("parse"), 1);
    let languages = shelf.batch(&["--progress", "json", "--ocr", "off", "--ocr-lang", "deu"]).exits(0);
    assert_eq!(languages.done("parse"), 0, "nothing is recognised in any language");
    std::fs::write(shelf.path().join("corpora.toml"), "ocr = 'off'\nocr_lang = 'eng'\n").unwrap();
    assert_eq!(shelf.batch(&["--progress", "json"]).exits(0).done("parse"), 0, "the configuration file is heard");
}
