//! Packages: what they are told to hold is there, all of them are of one version, and a package is tried as somebody would who gets one.

use std::path::{Path, PathBuf};
use std::process::Command;

use toml::Value;

use crate::support::Shelf;
use crate::support::needs::needs_program;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn everything_that_names_a_version_names_the_same() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, words) in [
        ("python/pyproject.toml", format!("version = \"{version}\"")),
        ("packaging/homebrew/corpora.rb", format!("/v{version}.tar.gz")),
        ("CHANGELOG.md", format!("\n## {version} ")),
    ] {
        assert!(read(file).contains(&words), "{file} does not hold {words:?}");
    }
    let shown = Shelf::empty().run(&["--version"]).exits(0).stdout();
    assert!(shown.starts_with(&format!("corpora {version}")), "{shown}");
}

/// Files that `packaging/build.sh` makes before: manual pages and completions.
fn made(shelf: &Shelf) -> PathBuf {
    let folder = shelf.path().join("packaging");
    for below in ["man", "completions"] {
        std::fs::create_dir_all(folder.join(below)).unwrap();
    }
    shelf.run(&["man", "--all", "packaging/man"]).exits(0);
    for page in std::fs::read_dir(folder.join("man")).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::rename(&page, page.with_extension("1.gz")).unwrap();
    }
    for (shell, name) in [("bash", "corpora.bash"), ("zsh", "_corpora"), ("fish", "corpora.fish")] {
        let script = shelf.run(&["completions", shell]).exits(0).stdout();
        std::fs::write(folder.join("completions").join(name), script).unwrap();
    }
    folder
}

#[test]
fn what_packages_are_told_to_hold_is_there() {
    let shelf = Shelf::empty();
    let made = made(&shelf);
    let manifest: Value = toml::from_str(&read("Cargo.toml")).unwrap();
    let metadata = &manifest["package"]["metadata"];
    let of_deb = metadata["deb"]["assets"].as_array().unwrap().iter().map(|asset| asset[0].as_str().unwrap());
    let of_rpm = metadata["generate-rpm"]["assets"].as_array().unwrap();
    let mut held = 0;
    for pattern in of_deb.chain(of_rpm.iter().map(|asset| asset["source"].as_str().unwrap())) {
        let place = match pattern.strip_prefix("target/packaging/") {
            _ if pattern == "target/release/corpora" => PathBuf::from(env!("CARGO_BIN_EXE_corpora")),
            Some(rest) => made.join(rest),
            None => root().join(pattern),
        };
        let found = glob::glob(place.to_str().unwrap()).unwrap().filter_map(Result::ok).count();
        assert!(found > 0, "{pattern} is nowhere");
        held += found;
    }
    assert!(held > 60, "manual pages of all commands, twice: {held}");
    // Names in the scripts and in the workflow.
    let scripts = [read("packaging/build.sh"), read(".github/workflows/release.yml"), read("docs/install.md")].concat();
    for name in ["contrib", "samples", "samples-trouble", "LICENSE", "README.md", "CHANGELOG.md"] {
        assert!(scripts.contains(name) && root().join(name).exists(), "{name}");
    }
    for script in ["packaging/build.sh", "packaging/try.sh"] {
        assert!(scripts.contains(script) && root().join(script).is_file(), "{script}");
    }
}

#[test]
fn an_archive_is_tried_as_somebody_would_who_gets_it() {
    if !needs_program("tar", "--version", "tar") {
        return;
    }
    let shelf = Shelf::empty();
    let folder = shelf.path().join("corpora-0-here");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_corpora"), folder.join("corpora")).unwrap();
    let archive = shelf.path().join("corpora-0-here.tar.gz");
    let packed =
        Command::new("tar").args(["-chf"]).arg(&archive).arg("-C").arg(shelf.path()).arg("corpora-0-here").status();
    assert!(packed.unwrap().success());
    let tried = Command::new("bash").arg(root().join("packaging/try.sh")).arg(&archive).output().unwrap();
    let said = String::from_utf8_lossy(&tried.stdout).into_owned();
    assert!(tried.status.success(), "{said}{}", String::from_utf8_lossy(&tried.stderr));
    assert!(said.contains("samples in ") && said.contains(env!("CARGO_PKG_VERSION")), "{said}");
}
