//! Mutants: promises broken by hand, each with the test that has to see it. `tests/mutants.toml` is the list.
//!
//! ```sh
//! cargo test --test main mutants:: -- --ignored --nocapture                        # all of them: most of an hour
//! CORPORA_MUTANTS=16,83 cargo test --test main mutants:: -- --ignored --nocapture  # these
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

/// One promise broken.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    id: u32,
    /// What is broken.
    promise: String,
    file: PathBuf,
    /// Text of the file, which stands there once, and what comes in its place.
    old: String,
    new: String,
    /// Arguments of `cargo test` for the test that fails then.
    test: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn mutants() -> Vec<Mutant> {
    let list: List = toml::from_str(include_str!("mutants.toml")).unwrap();
    list.mutant
}

/// The file with the promise broken.
fn broken(mutant: &Mutant) -> String {
    let text = std::fs::read_to_string(root().join(&mutant.file))
        .unwrap_or_else(|e| panic!("mutant {}: {}: {e}", mutant.id, mutant.file.display()));
    let places = text.matches(&mutant.old).count();
    let file = mutant.file.display();
    assert_eq!(places, 1, "mutant {}: what it replaces stands {places} times in {file}; mend its entry", mutant.id);
    text.replace(&mutant.old, &mutant.new)
}

#[test]
fn every_mutant_has_its_place_in_the_source_and_its_test() {
    let mut ids = BTreeSet::new();
    for mutant in mutants() {
        assert!(ids.insert(mutant.id), "mutant {} stands in the list twice", mutant.id);
        assert!(!mutant.promise.is_empty() && mutant.old != mutant.new, "mutant {} breaks nothing", mutant.id);
        broken(&mutant);
        let name = mutant.test.rsplit([' ', ':']).next().unwrap();
        let named = |file: &Path| std::fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {name}(")));
        assert!(any_source(root(), &named), "mutant {}: there is no test '{name}'", mutant.id);
    }
}

/// Whether some Rust file of the project satisfies a condition.
fn any_source(folder: &Path, condition: &dyn Fn(&Path) -> bool) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            !name.starts_with('.') && name != "target" && any_source(&path, condition)
        } else {
            name.ends_with(".rs") && condition(&path)
        }
    })
}

#[test]
#[ignore = "builds the project once for each mutant"]
#[allow(clippy::print_stdout, reason = "how each mutant ended is what this is run for")]
fn every_mutant_dies() {
    let chosen = std::env::var("CORPORA_MUTANTS").unwrap_or_default();
    let chosen: Vec<u32> = chosen.split(',').filter_map(|id| id.trim().parse().ok()).collect();
    let scratch = tempfile::tempdir().unwrap();
    copy_project(scratch.path());
    let cargo = |arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO"));
        command.args(["test", "--locked", "--quiet"]).args(arguments).current_dir(scratch.path());
        // Beside the project's own build, so that a second time is quicker.
        command.env("CARGO_TARGET_DIR", root().join("target/mutants")).output().unwrap()
    };
    let said = |output: &Output| {
        let text = [&output.stdout[..], &output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    };
    let mut survivors = Vec::new();
    for mutant in mutants().into_iter().filter(|m| chosen.is_empty() || chosen.contains(&m.id)) {
        let arguments: Vec<&str> = mutant.test.split(' ').collect();
        let file = scratch.path().join(&mutant.file);
        std::fs::write(&file, broken(&mutant)).unwrap();
        let built = cargo(&[&["--no-run"], &arguments[..]].concat());
        assert!(built.status.success(), "mutant {} does not compile:\n{}", mutant.id, said(&built));
        let ran = cargo(&arguments);
        std::fs::copy(root().join(&mutant.file), &file).unwrap();
        let died = !ran.status.success();
        println!("{:>4} {} {}", mutant.id, if died { "died    " } else { "SURVIVED" }, mutant.promise);
        if !died {
            survivors.push((mutant.id, mutant.test));
        }
    }
    assert!(survivors.is_empty(), "not seen by their tests: {survivors:?}");
}

/// A copy of what git knows of the project.
fn copy_project(to: &Path) {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    assert!(listed.status.success(), "the project is no checkout of git");
    for name in String::from_utf8(listed.stdout).unwrap().split_terminator('\0') {
        let (from, to) = (root().join(name), to.join(name));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        // A file that was removed and not committed is no part of it.
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
}
