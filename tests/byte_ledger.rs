//! The law "what may give other bytes for the same input raises the VERSION of its stage", held by bytes: what each stage makes of every
//! sample is frozen in `tests/golden/stages.toml`, with the version that made it.
//!
//! After a version was raised: `CORPORA_FREEZE=1 cargo test --test main byte_ledger` freezes what it makes now. It refuses where the
//! version was not raised.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use corpora::pipelines::find;
use corpora::stages::parse::{ParseSettings, parse};
use corpora::stages::write::{Blocklist, Origin, render};
use corpora::stages::{chunk, extract, parse as parser, write};
use corpora::values::{Extraction, Fingerprint, SourcePath, Stage};
use serde::{Deserialize, Serialize};

/// What one stage makes, frozen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Frozen {
    version: String,
    /// Hash of what it makes of each sample, by the sample's path.
    samples: BTreeMap<String, String>,
}

type Ledger = BTreeMap<String, Frozen>;

fn version(stage: Stage) -> String {
    match stage {
        Stage::Parse => parser::VERSION.to_string(),
        Stage::Chunk => chunk::VERSION.to_string(),
        // The one of what plans and assembles, and the one of what finds terms and definitions.
        Stage::Extract => format!("{} with local {}", extract::VERSION, extract::local::VERSION),
        Stage::Write => write::VERSION.to_string(),
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

fn short(bytes: &[u8]) -> String {
    Fingerprint::of(bytes).hex()[..16].to_owned()
}

/// Hashes of what the stages make of one sample; fewer than four if one of them fails.
fn made_of(name: &str, bytes: &[u8]) -> Vec<String> {
    // Without recognition: what Tesseract reads is not ours to freeze.
    let document = match parse(bytes, &ParseSettings::default(), &mut |_, _| {}) {
        Ok(document) => document,
        Err(failure) => return vec![failure.kind.name().to_owned()],
    };
    let blocklist = Blocklist::parse(include_str!("../blocklists/franchises.json")).unwrap();
    let mut hashes = vec![short(&serde_json::to_vec(&document).unwrap())];
    let (mut chunks_made, mut items_made, mut files_made) = (Vec::new(), Vec::new(), Vec::new());
    // One pipeline of each method.
    for pipeline in ["vocabulary", "glossary"].map(|name| find(name).unwrap()) {
        let chunks = chunk::chunk(&document, pipeline.chunk);
        chunks_made.extend(serde_json::to_vec(&chunks).unwrap());
        let extraction: Extraction = extract::extract_embedded(&pipeline.method, &document);
        items_made.extend(serde_json::to_vec(&extraction).unwrap());
        let origin = Origin { pipeline: pipeline.name.clone(), provider: "local".into(), model: None };
        let (path, hash) = (SourcePath::from_text(name), Fingerprint::of(bytes));
        files_made.extend(render(&path, hash, &document, &extraction, &origin, Some(&blocklist)).to_bytes());
    }
    hashes.extend([chunks_made, items_made, files_made].iter().map(|made| short(made)));
    hashes
}

fn made_now() -> Ledger {
    let mut ledger: Ledger = Stage::ALL
        .into_iter()
        .map(|stage| (stage.name().to_owned(), Frozen { version: version(stage), samples: BTreeMap::new() }))
        .collect();
    for (folder, under) in [("samples", ""), ("samples-trouble", "trouble/")] {
        let (folder, mut files) = (root().join(folder), Vec::new());
        files_below(&folder, &mut files);
        for file in files {
            let name = format!("{under}{}", file.strip_prefix(&folder).unwrap().display());
            // Texts about the samples change with them, and are none.
            if name == "README.md" || name.ends_with(".sh") {
                continue;
            }
            let made = made_of(&name, &std::fs::read(&file).unwrap());
            for (stage, hash) in Stage::ALL.into_iter().zip(made) {
                ledger.get_mut(stage.name()).unwrap().samples.insert(name.clone(), hash);
            }
        }
    }
    ledger
}

/// What breaks the law: results that changed although neither the version of their stage nor what the stage takes has changed; or a
/// version that rose and is not frozen.
fn broken(frozen: &Ledger, now: &Ledger) -> (Vec<String>, Vec<String>) {
    let (mut silent, mut unfrozen) = (Vec::new(), Vec::new());
    // Samples of which an earlier stage makes something else by now.
    let mut other_input: Vec<&String> = Vec::new();
    for stage in Stage::ALL {
        let (before, after) = (&frozen[stage.name()], &now[stage.name()]);
        let differing: Vec<&String> = after
            .samples
            .iter()
            .filter(|(name, hash)| before.samples.get(*name).is_some_and(|old| old != *hash))
            .map(|(name, _)| name)
            .collect();
        if before.version == after.version {
            silent.extend(differing.iter().filter(|name| !other_input.contains(*name)).map(|name| {
                format!(
                    "what `{0}` makes of '{name}' changed and its VERSION did not: raise `stages::{0}::VERSION` from {1}, or every user keeps the old results beside new ones",
                    stage.name(),
                    after.version
                )
            }));
        }
        if before != after {
            unfrozen.push(format!("`{}` is not frozen as version {}", stage.name(), after.version));
        }
        other_input.extend(differing);
    }
    (silent, unfrozen)
}

#[test]
fn what_a_stage_makes_changes_with_its_version_alone() {
    let file = root().join("tests/golden/stages.toml");
    let now = made_now();
    let frozen: Ledger =
        std::fs::read_to_string(&file).map_or_else(|_| now.clone(), |text| toml::from_str(&text).unwrap());
    let (silent, unfrozen) = broken(&frozen, &now);
    assert!(silent.is_empty(), "{}", silent.join("\n"));
    if std::env::var_os("CORPORA_FREEZE").is_some() {
        let head =
            "# What each stage makes of every sample, by the version that makes it: see tests/byte_ledger.rs.\n\n";
        std::fs::write(&file, format!("{head}{}", toml::to_string(&now).unwrap())).unwrap();
        return;
    }
    assert!(
        unfrozen.is_empty() && file.is_file(),
        "{}; run CORPORA_FREEZE=1 cargo test --test main byte_ledger and commit tests/golden/stages.toml",
        unfrozen.join(", ")
    );
}

#[test]
fn a_change_without_a_new_version_is_found_and_what_follows_from_a_change_is_not_blamed() {
    let of = |versions: [&str; 4], hashes: [&str; 4]| -> Ledger {
        Stage::ALL
            .into_iter()
            .map(|stage| {
                let samples = BTreeMap::from([("a.pdf".to_owned(), hashes[stage as usize].to_owned())]);
                (stage.name().to_owned(), Frozen { version: versions[stage as usize].to_owned(), samples })
            })
            .collect()
    };
    let frozen = of(["3", "1", "2", "3"], ["p", "c", "e", "w"]);
    assert_eq!(broken(&frozen, &frozen), (Vec::new(), Vec::new()));
    // A parser that was changed and says so: what follows from it is other, too.
    let (silent, unfrozen) = broken(&frozen, &of(["4", "1", "2", "3"], ["P", "C", "E", "W"]));
    assert_eq!((silent.len(), unfrozen.len()), (0, 4));
    // One that does not say so.
    let (silent, _) = broken(&frozen, &of(["3", "1", "2", "3"], ["P", "C", "E", "W"]));
    assert_eq!(silent.len(), 1);
    assert!(silent[0].contains("raise `stages::parse::VERSION` from 3"), "{silent:?}");
    let (silent, _) = broken(&frozen, &of(["3", "1", "2", "3"], ["p", "c", "E", "W"]));
    assert!(silent.len() == 1 && silent[0].contains("`extract`"), "{silent:?}");
}
