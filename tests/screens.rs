//! What people see, whole: help of every command, `status`, `show`, the plan of a dry run, the summary, the settings in force.

use crate::support::steady::steady;
use crate::support::{Run, Shelf, command, commands};

/// Three documents of which one is broken, parsed and written.
fn shelf() -> (Shelf, Run) {
    let shelf = Shelf::of(2);
    shelf.put("broken.pdf", b"%PDF-1.7\nand no more\n");
    shelf.put("notes.md", b"# Notes\n");
    let run = shelf.batch(&["--workers", "1"]).exits(75);
    (shelf, run)
}

#[test]
fn help_of_every_command() {
    let shelf = Shelf::empty();
    let help = |name: &str| {
        let mut command = command(shelf.path(), &["help", name]);
        Run(command.env_remove("COLUMNS").output().unwrap()).exits(0).stdout()
    };
    let all = shelf.run(&["--help"]).exits(0).stdout();
    insta::assert_snapshot!("help", all);
    for name in commands::names(&all) {
        if name != "help" {
            insta::assert_snapshot!(format!("help_{name}"), help(&name));
        }
    }
}

#[test]
fn the_summary_of_a_run() {
    let (_, run) = shelf();
    insta::assert_snapshot!("summary", steady(&run.stderr()));
}

#[test]
fn status_of_a_folder() {
    let (shelf, _) = shelf();
    insta::assert_snapshot!("status", steady(&shelf.run(&["status", "out"]).exits(0).stdout()));
}

#[test]
fn one_documents_way() {
    let (shelf, _) = shelf();
    insta::assert_snapshot!("show", steady(&shelf.run(&["show", "out", "doc-000001.epub"]).exits(0).stdout()));
    insta::assert_snapshot!("show_failed", steady(&shelf.run(&["show", "out", "broken.pdf"]).exits(0).stdout()));
}

#[test]
fn the_plan_of_a_dry_run() {
    let shelf = Shelf::of(2);
    let local = shelf.batch(&["--dry-run"]).exits(0).stdout();
    insta::assert_snapshot!("plan_local", steady(&local));
    let asked = ["--provider", "anthropic", "--model", "claude-haiku-4-5", "--base-url", "http://127.0.0.1:9"];
    let remote = shelf.batch(&[&["--dry-run", "--pipeline", "glossary", "--rpm", "10"], &asked[..]].concat()).stdout();
    insta::assert_snapshot!("plan_remote", steady(&remote));
}

#[test]
fn the_settings_in_force() {
    let shelf = Shelf::empty();
    std::fs::write(shelf.path().join("corpora.toml"), "pipeline = 'glossary'\nkey_file = 'key'\nmax_cost = 5\n")
        .unwrap();
    let mut command = command(shelf.path(), &["config", "--workers", "2"]);
    let shown = Run(command.env("CORPORA_OCR", "off").output().unwrap()).exits(0).stdout();
    insta::assert_snapshot!("config", shown);
}
