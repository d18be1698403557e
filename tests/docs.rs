//! README and the book: every command line in them is one, links lead somewhere, the reference is what the program says.

use std::path::{Path, PathBuf};

use corpora::simulator::{Latency, Simulator, SimulatorConfig};

use crate::support::rehearsal::{KEY, corpora_now};
use crate::support::{Run, Shelf, command, commands, copy, folder};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and the pages of the book.
fn pages() -> Vec<(PathBuf, String)> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = docs.filter(|path| path.extension().is_some_and(|ext| ext == "md")).collect();
    files.extend([root().join("README.md"), root().join("samples/README.md")]);
    files.sort();
    files.into_iter().map(|file| (file.clone(), std::fs::read_to_string(file).unwrap())).collect()
}

/// Words of a command line as a shell takes them apart; it ends where another command, a file or a comment begins.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (None, '|' | '>' | '&' | '#' | ';') => break,
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (_, c) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

/// Command lines of a page, with what is before and behind them in their line of a shell, in their order. What a command prints is run and
/// compared in `samples`.
fn lines(text: &str) -> Vec<&str> {
    let mut fence: Option<&str> = None;
    let mut found = Vec::new();
    for line in text.lines() {
        if let Some(info) = line.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(info) };
            continue;
        }
        let code = match fence {
            None => line.strip_prefix("    ").unwrap_or_default(),
            Some("text" | "json") => continue,
            Some(_) => line,
        };
        if code.starts_with("corpora ") {
            found.push(code);
        }
    }
    found
}

/// Words of lines that are only looked at: they stay until somebody ends them, measure for long, or need what a test cannot have.
const STAY: [&str; 10] = [
    "corpora view",
    "--watch",
    "corpora simulate",
    "corpora bench",
    "--tune",
    "mail ",
    "jq ",
    "127.0.0.1:8080",
    " NAME",
    "gpt-6-luna --service-tier",
];

/// Words of lines that end with 75.
const PARTLY: &str = "batch samples-trouble";

#[test]
fn every_command_line_of_the_docs_is_one() {
    let latency = Latency { median_ms: 2.0, p99_over_median: 2.0, per_output_token_ms: 0.0 };
    let simulator =
        Simulator::start(SimulatorConfig { latency, ..SimulatorConfig::default() }, 0, corpora_now()).unwrap();
    // What the pages speak of: books, and what was made of them before.
    let made = Shelf::empty();
    for folder in ["samples", "samples-trouble"] {
        copy(&root().join(folder), &made.path().join(folder));
    }
    std::fs::remove_dir(made.books()).unwrap();
    copy(&root().join("samples"), &made.books());
    made.run(&["batch", "books", "-o", "vocab"]).exits(0);
    made.run(&["consolidate", "vocab"]).exits(0);
    for folder in ["one", "two", "out"] {
        copy(&made.path().join("vocab"), &made.path().join(folder));
    }
    std::fs::create_dir_all(made.path().join(".local/share/bash-completion/completions")).unwrap();
    let program = folder();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_corpora"), program.path().join("corpora")).unwrap();
    let path = format!("{}:{}", program.path().display(), std::env::var("PATH").unwrap());
    let (mut looked_at, mut ran) = (0, 0);
    for (file, text) in pages() {
        let lines = lines(&text);
        if lines.is_empty() {
            continue;
        }
        let shelf = Shelf::empty();
        copy(made.path(), shelf.path());
        for line in lines {
            if STAY.iter().any(|words| line.contains(words)) || line.contains("...") {
                for part in line.split("&& ").filter(|part| !part.contains("...")) {
                    let Some(rest) = part.strip_prefix("corpora ") else { continue };
                    let words: Vec<String> = words(rest).into_iter().chain(["--help".to_owned()]).collect();
                    let run = shelf.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
                    assert_eq!(run.0.status.code(), Some(0), "{}: {line}\n{}", file.display(), run.stderr());
                    looked_at += 1;
                }
                continue;
            }
            // The folder of many machines is here.
            let here = line.replace(" /books", " books");
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &here]).current_dir(shelf.path()).stdin(std::process::Stdio::null());
            shell.env("PATH", &path).env("HOME", shelf.path()).env("CORPORA_POLL", "0.05");
            if line.contains("--provider") || ["wait", "cancel"].iter().any(|name| line.contains(name)) {
                shell.env("CORPORA_BASE_URL", format!("http://{}", simulator.address()));
            }
            for key in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"] {
                shell.env(key, KEY);
            }
            let run = Run(shell.output().unwrap());
            let code = if line.contains(PARTLY) { 75 } else { 0 };
            assert_eq!(run.0.status.code(), Some(code), "{}: {line}\n{}{}", file.display(), run.stderr(), run.stdout());
            ran += 1;
        }
    }
    assert!(ran > 40 && looked_at > 5, "{ran} command lines were run, {looked_at} looked at");
}

#[test]
fn every_page_is_in_the_book_and_every_link_of_it_leads_somewhere() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    for (file, text) in pages() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let is_page = file.parent().unwrap().ends_with("docs") && name != "SUMMARY.md";
        assert!(!is_page || summary.contains(&format!("({name})")), "{name} is not in docs/SUMMARY.md");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let place = link.split('#').next().unwrap();
            if place.is_empty() || place.contains("://") || place.contains(' ') {
                continue;
            }
            assert!(!is_page || !place.contains(".."), "{}: {link} leads out of the book", file.display());
            assert!(file.parent().unwrap().join(place).exists(), "{}: {link}", file.display());
        }
    }
}

#[test]
fn what_stands_at_a_provider_is_called_a_provider_batch() {
    for (file, text) in pages() {
        // What stands in code is a command, an option, a path or a word of a vendor's; the reference is help and nothing else.
        let is_help = file.ends_with("reference.md");
        let parts = text.split("```").step_by(2).flat_map(|part| part.split('`').step_by(2));
        let prose = if is_help { text.to_lowercase() } else { parts.collect::<String>().to_lowercase() };
        for (at, _) in prose.match_indices("batches") {
            let before = &prose[..at];
            let is_code = before.ends_with("corpora ") || before.ends_with(['-', '/', '_']) || before.ends_with("\n  ");
            let from = before.char_indices().rev().nth(50).map_or(0, |(from, _)| from);
            assert!(before.trim_end().ends_with("provider") || is_code, "{}: {}", file.display(), &prose[from..at + 7]);
        }
    }
}

#[test]
fn the_reference_is_what_the_program_says() {
    let shelf = Shelf::empty();
    let mut text = String::from(
        "# Commands and options\n\nMade from the program: `CORPORA_FREEZE=1 cargo test --test main docs::` writes it anew.\n",
    );
    let help = |args: &[&str]| {
        let mut command = command(shelf.path(), args);
        let text = Run(command.env_remove("COLUMNS").output().unwrap()).exits(0).stdout();
        text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    };
    let all = help(&["--help"]);
    text.push_str(&format!("\n```text\n{all}\n```\n"));
    for name in commands::names(&all).iter().filter(|name| *name != "help") {
        text.push_str(&format!("\n## corpora {name}\n\n```text\n{}\n```\n", help(&["help", name])));
    }
    let file = root().join("docs/reference.md");
    if std::env::var_os("CORPORA_FREEZE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let frozen = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        frozen == text,
        "docs/reference.md is not what the program says: CORPORA_FREEZE=1 cargo test --test main docs::"
    );
}
