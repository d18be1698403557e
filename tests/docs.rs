//! README and the book: every command line in them is one, links lead somewhere, the reference is what the program says.

use std::path::{Path, PathBuf};

use crate::support::{Run, Shelf, command, commands};

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

#[test]
fn every_command_line_of_the_docs_is_one() {
    let shelf = Shelf::empty();
    let mut tried = 0;
    for (file, text) in pages() {
        let mut fence: Option<&str> = None;
        for line in text.lines() {
            if let Some(info) = line.strip_prefix("```") {
                fence = if fence.is_some() { None } else { Some(info) };
                continue;
            }
            // What a command prints is run and compared elsewhere.
            let code = match fence {
                None => line.strip_prefix("    ").unwrap_or_default(),
                Some("text" | "json") => continue,
                Some(_) => line,
            };
            for part in code.split("&& ").map(str::trim_start) {
                let Some(rest) = part.strip_prefix("$ ").unwrap_or(part).strip_prefix("corpora ") else { continue };
                let mut words = words(rest);
                if words.iter().any(|word| word.contains("...") || word.starts_with('[')) {
                    continue;
                }
                words.push("--help".into());
                let run = shelf.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
                assert_eq!(run.0.status.code(), Some(0), "{}: {line}\n{}", file.display(), run.stderr());
                tried += 1;
            }
        }
    }
    assert!(tried > 40, "{tried} command lines");
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
            assert!(file.parent().unwrap().join(place).exists(), "{}: {link}", file.display());
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
