//! The layers and the shape of ARCHITECTURE.md, held on the parsed syntax of every source file.

mod circles;
mod names;
mod rules;
mod source;

use std::path::Path;
use std::sync::LazyLock;

use self::names::Names;
use self::source::File;

static FILES: LazyLock<Vec<File>> = LazyLock::new(source::files);

/// Lines of a file without its tests.
const MOST_LINES: usize = 500;

/// Lines of a function.
const LONGEST_FUNCTION: usize = 100;

/// Functions that are tables: one arm for each operator or row, which are read best in one place.
const TABLES: [(&str, &str); 1] = [("crates/parse/src/pdf/content.rs", "read")];

#[test]
fn no_room_uses_one_above_it_and_none_below_the_edge_touches_the_world() {
    let names = Names::new(&*FILES);
    let found: Vec<String> = FILES.iter().flat_map(|file| rules::against(file, &names)).collect();
    let uses: usize = FILES.iter().map(|f| f.uses.len()).sum();
    assert!(FILES.len() > 200 && uses > 1000, "the test no longer sees the sources it is there for");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Source texts, each with a way past the layers that a search for words does not see, as a file of the room `store`.
const EVASIONS: [&str; 33] = [
    "use crate::cli;",
    "use crate::{cli, engine};",
    "use crate::{self as house};\nfn f() { house::cli::run() }",
    "use crate as house;\nfn f() { house::cli::run() }",
    "use super::super::cli;",
    "use self::super::super::engine;",
    "fn f() { super::super::cli::run() }",
    "mod inner { fn f() { super::super::super::cli::run() } }",
    "use crate::*;",
    "#[cfg(test)]\nmod tests {}\nuse crate::cli;",
    "#[cfg(test)]\nuse crate::values;\nfn f() { crate::cli::run() }",
    "#[cfg(not(test))]\nuse crate::cli;",
    "fn f() { use crate::stages as s; }",
    "macro_rules! m { () => { $crate::cli::run() } }",
    "fn f() { assert_eq!(1, crate::cli::run(), \"{}\", 1) }",
    "#[derive(serde::Serialize)]\nstruct S { #[serde(with = \"crate::cli::run\")] x: u8 }",
    "#[path = \"../cli/mod.rs\"]\nmod other;",
    "include!(\"../cli/mod.rs\");",
    "extern crate self as house;",
    "fn f(x: crate::engine::RunConfig) {}",
    "use corpora_simulator as s;",
    "use crate::simulator::Simulator;",
    "fn f() { std::println!(\"x\") }",
    "use std::io::{self, Write};\nfn f() { io::stdout().write_all(b\"x\") }",
    "use std as s;\nfn f() { s::io::stderr() }",
    "use std::io::*;\nfn f() { stdout() }",
    "use std::net::TcpStream;\nfn f() { TcpStream::connect(\"x\") }",
    "use std::process;\nfn f() { process::Command::new(\"x\").spawn() }",
    "type Program = std::process::Command;",
    "fn f() { std::process::exit(1) }",
    "use std::env as e;\nfn f() { e::var(\"X\") }",
    "use std::time::{SystemTime, UNIX_EPOCH};\nfn f() { UNIX_EPOCH.elapsed() }",
    "use std::time::SystemTime as Clock;\nfn f() { Clock::now() }",
];

/// The same for the crate of plain data, which has no input and no output at all.
const EVASIONS_OF_VALUES: [&str; 6] = [
    "fn f() { std::fs::read(\"x\") }",
    "use std::fs::File;",
    "use std::{fs as files};\nfn f() { files::write(\"x\", \"y\") }",
    "use std::io::Read;",
    "fn f() { std::thread::spawn(|| ()) }",
    "use std::time::Instant;",
];

/// What a file of the room `store` may do.
const ALLOWED: [&str; 6] = [
    "use crate::values::Stage;\nuse super::reader::Reader;",
    "#[cfg(test)]\nmod tests { use crate::cli; fn f() { println!() } }",
    "/// See [`crate::cli::run`].\nfn f() {}",
    "use std::io::{Read, Write};\nuse std::fs::File;\nuse std::time::{Duration, Instant};",
    "fn cli() {}\nfn f() { cli(); self::cli() }",
    "use std::net::IpAddr;",
];

fn found(krate: &str, module: &[&str], text: &str) -> Vec<String> {
    let file = File::read("src/x.rs", krate, module, text);
    let others = FILES.iter().filter(|f| f.krate != krate || f.module != file.module);
    rules::against(&file, &Names::new(others.chain([&file])))
}

#[test]
fn every_known_way_past_the_layers_is_seen() {
    for text in EVASIONS {
        assert!(!found("corpora", &["store", "x"], text).is_empty(), "not seen:\n{text}");
    }
    for text in EVASIONS_OF_VALUES {
        assert!(!found("corpora_values", &["x"], text).is_empty(), "not seen:\n{text}");
    }
    for text in ALLOWED {
        assert_eq!(found("corpora", &["store", "x"], text), [""; 0], "wrongly refused:\n{text}");
    }
}

#[test]
fn what_the_edge_shows_goes_through_the_one_screen() {
    for text in [
        "fn f() { std::io::stdout().lock(); }",
        "use std::io;\nfn f() { writeln!(io::stderr(), \"x\") }",
        "fn f() { eprintln!(\"x\") }",
        "use std::io::Stderr as S;",
    ] {
        assert!(!found("corpora", &["cli", "x"], text).is_empty(), "not seen:\n{text}");
    }
    assert_eq!(found("corpora", &["cli", "x"], "use super::screen;\nfn f() { screen::out(); }"), [""; 0]);
}

#[test]
fn a_room_without_a_layer_is_asked_for_one() {
    assert!(found("corpora", &["attic", "x"], "").concat().contains("the room 'attic' has no layer"));
}

#[test]
fn files_of_the_engine_import_each_other_in_no_circle() {
    let names = Names::new(&*FILES);
    let engine: Vec<&File> = FILES.iter().filter(|f| f.module.first().is_some_and(|m| m == "engine")).collect();
    let circles = circles::circles(&engine, &names);
    let found: Vec<String> = circles.iter().map(|circle| circle.join(", ")).collect();
    assert!(found.is_empty(), "files that import each other:\n{}", found.join("\n"));
}

#[test]
fn a_circle_is_seen_through_re_exports_and_renames() {
    let file = |module: &[&str], text| File::read("x.rs", "corpora", module, text);
    let root = file(&[], "mod engine;");
    let hall = file(&["engine"], "mod a; mod b; pub use a::A; pub use b::B;");
    let a = file(&["engine", "a"], "use super::B as Other; pub struct A;");
    let back = file(&["engine", "b"], "pub struct B; fn f() -> crate::engine::A {}");
    let straight = file(&["engine", "b"], "pub struct B;");
    let count = |b| {
        let files = [&root, &hall, &a, b];
        circles::circles(&files, &Names::new(files)).len()
    };
    assert_eq!((count(&back), count(&straight)), (1, 0));
}

#[test]
fn halls_name_and_re_export_and_do_nothing_else() {
    let rooms = FILES.iter().filter(|f| f.is_hall());
    let found: Vec<String> =
        rooms.flat_map(|f| f.logic.iter().map(move |line| format!("{}:{line}", f.shown))).collect();
    assert!(found.is_empty(), "more than names:\n{}", found.join("\n"));
}

#[test]
fn files_and_functions_stay_small_enough_to_see_through() {
    let files = FILES.iter().filter(|f| f.lines > MOST_LINES);
    let mut found: Vec<String> =
        files.map(|f| format!("{} has {} lines without its tests", f.shown, f.lines)).collect();
    for file in &*FILES {
        for function in file.functions.iter().filter(|f| f.lines > LONGEST_FUNCTION) {
            let own = (&*file.shown, &*function.name);
            if !TABLES.contains(&own) {
                let (name, line, lines) = (&function.name, function.line, function.lines);
                found.push(format!("{}:{line}: the function {name} has {lines} lines", file.shown));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
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
