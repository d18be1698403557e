//! The layers of ARCHITECTURE.md, enforced: a `use crate::` line never points up.

use std::path::{Path, PathBuf};

/// Rooms by layer, lowest first. Rooms of one layer may use each other.
const LAYERS: [&[&str]; 5] =
    [&["values"], &["stages", "store"], &["remote", "simulator"], &["engine"], &["pipelines", "settings", "cli"]];

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Where the code lies, with the name of its room: the rooms of the program, and the crates beside them.
fn rooms() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = |dir: &Path, inner: &str| -> Vec<(String, PathBuf)> {
        let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap());
        let folders = entries.filter(|e| e.file_type().unwrap().is_dir());
        folders.map(|e| (e.file_name().into_string().unwrap(), e.path().join(inner))).collect()
    };
    let mut rooms = folders(&root.join("src"), "");
    rooms.extend(folders(&root.join("crates"), "src"));
    rooms
}

/// Lines of a file outside its test module.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

#[test]
fn no_room_uses_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let Some(own) = relative.iter().next().and_then(|room| layer(&room.to_string_lossy())) else { continue };
        let text = std::fs::read_to_string(&file).unwrap();
        for line in code(&text).lines() {
            for used in line.split("crate::").skip(1) {
                let room: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some(other) = layer(&room) else { continue };
                seen += 1;
                if other > own {
                    wrong.push(format!("{}: {}", relative.display(), line.trim()));
                }
            }
        }
    }
    assert!(seen > 50, "the test no longer sees the uses it is there for");
    assert!(wrong.is_empty(), "uses that point up:\n{}", wrong.join("\n"));
}

#[test]
fn below_the_edge_nothing_prints_exits_or_reads_the_environment() {
    let mut wrong = Vec::new();
    for (_, dir) in rooms().into_iter().filter(|(room, _)| !["pipelines", "settings", "cli"].contains(&room.as_str())) {
        let mut files = Vec::new();
        sources(&dir, &mut files);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for line in code(&text).lines().filter(|l| !l.trim_start().starts_with("//")) {
                if [
                    "println!",
                    "eprintln!",
                    "process::exit",
                    "env::var",
                    "home_dir",
                    "SystemTime::now",
                    "Timestamp::now",
                ]
                .iter()
                .any(|word| line.contains(word))
                {
                    wrong.push(format!("{}: {}", file.display(), line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_small_enough_to_see_through() {
    let mut files = Vec::new();
    for (_, dir) in rooms() {
        sources(&dir, &mut files);
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = code(&text).lines().count();
        assert!(lines <= 700, "{} has {lines} lines without its tests", file.display());
    }
}

#[test]
fn every_test_file_is_listed_in_the_one_binary() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let main = std::fs::read_to_string(tests.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(&tests).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|e| e == "rs") && name != "main" {
            assert!(main.contains(&format!("mod {name};")), "tests/{name}.rs is not in tests/main.rs");
        }
    }
}
