//! The border of trust: what stands in a folder of books from elsewhere is data, and reaches nothing beside the folder.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;

use corpora::simulator::SimulatorConfig;

use crate::support::needs::needs;
use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::{Run, Shelf, command, documents};

/// Every file below a folder, with its bytes.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// A shelf with one book, and beside the books a folder with files that are somebody's own.
fn beside_a_victim() -> Shelf {
    let shelf = Shelf::empty();
    shelf.put("b.epub", &documents::epub("Book", &[&documents::story(3)]));
    shelf.put("broken.pdf", b"%PDF-1.4\nbroken");
    for name in ["precious", "terms-1", "state.sqlite", "0123456789abcdef0123456789abcdef", "b.vocab.json"] {
        let path = shelf.path().join("victim").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "mine").unwrap();
    }
    shelf
}

#[test]
fn links_in_a_folder_of_books_lead_nothing_of_ours_out_of_it() {
    let places = [
        (".corpora", "../victim"),
        (".corpora/tmp", "../../victim"),
        (".corpora/lock", "../../victim/precious"),
        (".corpora/lock", "../../victim/new"),
        (".corpora/store.sqlite", "../../victim/precious"),
        (".corpora/store.sqlite", "../../victim/new"),
        (".corpora/store.sqlite-wal", "../../victim/precious"),
        (".corpora/store.sqlite-shm", "../../victim/new"),
        (".corpora/master", "../../victim"),
        (".corpora/review", "../../victim"),
        (".corpora/review/lock", "../../../victim/precious"),
        (".corpora/batches", "../../victim"),
        (".corpora/master/terms-0", "../../../victim/precious"),
        (".corpora/master/state.sqlite", "../../../victim/new"),
        (".corpora-manifest.json", "../victim/precious"),
        ("corpora-errors.log", "../victim/precious"),
        ("corpora-errors.log", "../victim/new"),
        ("b.vocab.json", "../victim/b.vocab.json"),
        ("master.vocab.json", "../victim/precious"),
        ("flagged.json", "../victim/new"),
    ];
    for (place, target) in places {
        let shelf = beside_a_victim();
        let before = tree(&shelf.path().join("victim"));
        let link = shelf.books().join(place);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, &link).unwrap();
        for args in [
            &["batch", "books", "--progress", "none"][..],
            &["batch", "books", "--force", "--progress", "none"],
            &["consolidate", "books"],
            &["consolidate", "books", "--anew"],
            &["gc", "books"],
        ] {
            let run = shelf.run(args);
            assert!(run.0.status.code().is_some_and(|code| code != 70), "{place}, {args:?}: {}", run.stderr());
        }
        assert!(tree(&shelf.path().join("victim")) == before, "{place} -> {target} led out of the folder");
    }
}

#[test]
fn a_link_that_is_in_the_way_is_named() {
    let shelf = beside_a_victim();
    std::fs::create_dir(shelf.books().join(".corpora")).unwrap();
    symlink("../../victim/precious", shelf.books().join(".corpora/lock")).unwrap();
    shelf.run(&["batch", "books"]).exits(64).says(".corpora/lock'").says("symbolic link");
}

#[test]
fn an_output_folder_that_a_person_names_by_a_link_is_used() {
    let shelf = Shelf::of(1);
    std::fs::create_dir(shelf.path().join("real")).unwrap();
    symlink("real", shelf.path().join("out")).unwrap();
    shelf.batch(&[]).exits(0);
    shelf.run(&["consolidate", "out"]).exits(0);
    shelf.run(&["gc", "out"]).exits(0);
    shelf.run(&["status", "out"]).exits(0);
    assert_eq!(shelf.vocabularies_in("real").len(), 2, "the document and the master");
}

#[test]
fn names_out_of_a_store_lead_out_of_no_folder() {
    let shelf = beside_a_victim();
    std::fs::remove_file(shelf.books().join("broken.pdf")).unwrap();
    shelf.batch(&[]).exits(0);
    let own = std::fs::read(shelf.out().join("b.vocab.json")).unwrap();
    std::fs::write(shelf.path().join("victim/b.vocab.json"), &own).unwrap();
    let before = tree(&shelf.path().join("victim"));
    let rename = |name: &str| shelf.sql().execute("UPDATE file SET output = ?1", [name]).unwrap();
    for name in
        ["../victim/b.vocab.json", "../victim/c.vocab.json", "deep/../../victim/b.vocab.json", "../victim/precious"]
    {
        rename(name);
        let run = shelf.batch(&["--stage", "write", "--progress", "plain"]);
        assert!(run.stderr().contains("the store names"), "{name}: {}", run.stderr());
    }
    let absolute = shelf.path().join("victim/c.vocab.json");
    rename(&absolute.display().to_string());
    shelf.batch(&["--stage", "write"]);
    assert!(tree(&shelf.path().join("victim")) == before, "written outside");

    // The source goes away, and the store says that what it made stands elsewhere.
    rename("b.vocab.json");
    shelf.batch(&["--stage", "write"]).exits(0);
    std::fs::remove_file(shelf.books().join("b.epub")).unwrap();
    shelf.put("c.epub", &documents::epub("Other", &[&documents::story(4)]));
    shelf.batch(&[]).exits(0);
    assert_eq!(shelf.sql().execute("UPDATE orphan SET output = '../victim/b.vocab.json'", []).unwrap(), 1);
    shelf.run(&["gc", "out"]).exits(0);
    assert!(tree(&shelf.path().join("victim")) == before, "removed outside");
}

#[test]
fn cleaning_takes_our_own_half_written_files_and_nothing_else() {
    let shelf = Shelf::of(1);
    let temporary = shelf.out().join(".corpora/tmp");
    std::fs::create_dir_all(temporary.join("folder")).unwrap();
    let ours = temporary.join("0123456789abcdef0123456789abcdef");
    let theirs = ["folder/deep", "notes.txt", "0123456789ABCDEF0123456789abcdef"].map(|name| temporary.join(name));
    for file in theirs.iter().chain([&ours]) {
        std::fs::write(file, "x").unwrap();
    }
    shelf.batch(&[]).exits(0);
    assert!(!ours.exists());
    for file in theirs {
        assert!(file.exists(), "{} is not ours", file.display());
    }
}

#[test]
fn a_store_that_another_user_made_is_used_when_it_was_allowed_once() {
    let is_root = rustix::process::geteuid().is_root();
    if !needs(is_root, "the right to give files to another user") {
        return;
    }
    let shelf = Shelf::of(1);
    shelf.batch(&[]).exits(0);
    for place in [".corpora", ".corpora/store.sqlite"] {
        std::os::unix::fs::chown(shelf.out().join(place), Some(4711), None).unwrap();
    }
    let run = |args: &[&str]| {
        let mut command = command(shelf.path(), args);
        Run(command.env("XDG_STATE_HOME", shelf.path().join("state")).env_remove("SUDO_UID").output().unwrap())
    };
    for command in [&["batch", "books", "-o", "out"][..], &["gc", "out"], &["consolidate", "out"]] {
        run(command).exits(64).says("made by another user (number 4711)").says("corpora config --allow");
    }
    run(&["config", "--allow", "out"]).exits(0);
    run(&["batch", "books", "-o", "out"]).exits(0);
    run(&["gc", "out"]).exits(0);
}

#[test]
fn a_settings_file_that_nobody_named_sends_keys_nowhere_until_it_is_allowed_as_it_is() {
    let rehearsal = Rehearsal::of(1, SimulatorConfig { key: KEY.to_owned(), ..SimulatorConfig::default() });
    let folder = rehearsal.shelf.path();
    let file = format!(
        "provider = 'anthropic'\nmodel = 'claude-haiku-5-5'\nbase_url = 'http://{}'\n",
        rehearsal.simulator.address()
    );
    std::fs::write(folder.join("corpora.toml"), &file).unwrap();
    let run = |args: &[&str]| {
        let mut command = command(folder, args);
        Run(command.env("ANTHROPIC_API_KEY", KEY).env("XDG_STATE_HOME", folder.join("state")).output().unwrap())
    };
    let batch = ["batch", "books", "-o", "out", "--progress", "plain"];
    run(&batch).exits(64).says("sets base_url").says("--config corpora.toml").says("config --allow corpora.toml");
    run(&["doctor"]).exits(64);
    assert_eq!(rehearsal.requests(), 0);
    // What it says may be looked at.
    run(&["config"]).exits(0);
    run(&["config", "--allow", "corpora.toml"]).exits(0);
    run(&batch).exits(0).says("asking http://127.0.0.1").says("address from the file corpora.toml");
    assert!(rehearsal.requests() > 0);
    // Allowed is what was looked at, where it was.
    std::fs::write(folder.join("corpora.toml"), file.clone() + "key_file = 'small.toml'\n").unwrap();
    run(&batch).exits(64).says("sets base_url and key_file");
    std::fs::create_dir(folder.join("other")).unwrap();
    std::fs::write(folder.join("other/corpora.toml"), &file).unwrap();
    let mut elsewhere = command(&folder.join("other"), &["batch", "../books", "-o", "../out"]);
    let elsewhere = elsewhere.env("ANTHROPIC_API_KEY", KEY).env("XDG_STATE_HOME", folder.join("state"));
    Run(elsewhere.output().unwrap()).exits(64);
    // What the line says counts, and then the file decides nothing.
    std::fs::write(folder.join("corpora.toml"), "base_url = 'http://127.0.0.1:9'\nmodel = 'x'\n").unwrap();
    let url = format!("http://{}", rehearsal.simulator.address());
    let named = ["--provider", "anthropic", "--model", "claude-haiku-5-5", "--base-url", &url];
    run(&[&batch[..], &named].concat()).exits(0);
}

#[test]
fn each_guarded_setting_of_a_file_that_nobody_named_is_refused() {
    let shelf = Shelf::of(1);
    for line in [
        "base_url = 'http://127.0.0.1:9'",
        "allow_http = true",
        "key_file = 'k'",
        "log = 'l'",
        "on_end = 'touch l'",
        "webhook = 'http://127.0.0.1:9'",
        "prices = 'p'",
        "password_file = 'w'",
    ] {
        std::fs::write(shelf.path().join("corpora.toml"), format!("{line}\n")).unwrap();
        let key = line.split(' ').next().unwrap();
        shelf.batch(&[]).exits(64).says(&format!("'corpora.toml' of the working folder sets {key},"));
        assert!(!shelf.path().join("l").exists());
    }
    std::fs::write(shelf.path().join("corpora.toml"), "allow_http = false\nworkers = 1\n").unwrap();
    shelf.batch(&[]).exits(0);
}

/// Names of files that attack whoever reads them.
const NAMES: [&[u8]; 9] = [
    b"bad\nfailed    innocent.pdf [parse, Damaged]: forged.pdf",
    b"bad\x1b[31m\x1b]0;PWNED\x07.pdf",
    b"bad\x1b[2J\x1b[H.pdf",
    b"bad\xc2\x9b31m.pdf",
    b"bad\xe2\x80\xaefdp.pdf",
    b"cr\rOVER.pdf",
    b"bs\x08\x08\x08x.pdf",
    b"del\x7f.pdf",
    b"caf\xe9.pdf",
];

#[test]
fn names_of_files_act_on_no_screen_and_forge_no_line() {
    use std::os::unix::ffi::OsStrExt;
    let shelf = Shelf::of(1);
    for name in NAMES {
        let file = shelf.books().join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(&file, [b"%PDF-1.4\nbroken ", name].concat()).unwrap();
        std::fs::write(file.with_extension("md"), b"The Saltwarden is one who counts.").unwrap();
    }
    let all = ["--formats", "all"];
    let mut shown = Vec::new();
    for progress in ["plain", "bars", "json", "none"] {
        let run = shelf.run(&[&["batch", "books", "-o", progress, "-v", "--progress", progress], &all[..]].concat());
        shown.push((format!("batch, {progress}"), run.stderr() + &run.stdout()));
    }
    let read = |args: &[&str]| {
        let run = shelf.run(args);
        (format!("{args:?}"), run.stderr() + &run.stdout())
    };
    shown.push(read(&["status", "plain"]));
    shown.push(read(&["status", "plain", "--failed"]));
    shown.push(read(&["status", "plain", "--json"]));
    shown.push(read(&["show", "plain", "bad"]));
    shown.push(read(&["show", "plain", "innocent.pdf [parse, Damaged]: forged.pdf"]));
    shown.push(read(&["consolidate", "plain"]));
    for file in std::fs::read_dir(shelf.books()).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap_or_default();
    }
    shelf.run(&["batch", "books", "-o", "plain", "--progress", "none"]);
    shown.push(read(&["consolidate", "plain"]));
    shown.push(read(&["gc", "plain"]));
    let log = std::fs::read_to_string(shelf.path().join("plain/corpora-errors.log")).unwrap();
    assert!(log.lines().all(|line| line.starts_with("[20")), "{log}");
    shown.push(("the log".to_owned(), log));
    for (what, text) in shown {
        let acts = text.chars().find(|c| corpora::values::acts_on_a_screen(*c) && !matches!(c, '\n' | '\t'));
        assert_eq!(acts, None, "{what}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("failed    innocent")), "{what}: {text}");
    }
}

#[test]
fn no_cell_of_a_table_begins_a_formula() {
    let shelf = Shelf::of(0);
    shelf.put("=cmd|calc.md", b"The Saltwarden is one who counts.\n\nEvery Saltwarden rings a bell.");
    shelf.batch(&["--formats", "md"]).exits(0);
    let file = shelf.out().join("=cmd|calc.vocab.json");
    let mut vocabulary: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let starts = ["=HYPERLINK(\"http://x\")", "+1+1", "-cmd|x", "@SUM(1)", "\t=1", "\r=1"];
    for (entry, start) in vocabulary["entries"].as_array_mut().unwrap().iter_mut().zip(starts) {
        entry["definition"] = start.into();
    }
    std::fs::write(&file, vocabulary.to_string()).unwrap();
    let cells = |more: &[&str]| -> Vec<String> {
        let table = shelf.run(&[&["export", "out", "--format", "csv"], more].concat()).exits(0).stdout();
        let mut table = csv::Reader::from_reader(table.as_bytes());
        table.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    let begins = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    let marked = cells(&[]);
    assert!(!marked.iter().any(begins) && marked.contains(&"'=cmd|calc.md".to_owned()), "{marked:?}");
    assert!(cells(&["--formulas"]).iter().any(begins));
}
