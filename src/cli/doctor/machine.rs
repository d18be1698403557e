//! The machine of a run: room on its disk, the store, programs beside this one.

use std::path::Path;

use super::finding::Finding;
use crate::engine::{Confinement, Strength, confinement};
use crate::stages::parse::ParseSettings;
use crate::store::{STORE_FOLDER, Store, StoreError};

/// Below this much free space a run is in danger.
const LITTLE_SPACE: u64 = 1 << 30;

/// Room on the disk of a folder.
pub(super) fn disk(folder: &Path) -> Finding {
    match rustix::fs::statvfs(folder) {
        Err(e) => Finding::Wrong(format!("'{}' cannot be looked at: {e}; give a folder that exists", folder.display())),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let words = format!("{:.1} GiB free at '{}'", free as f64 / f64::from(1 << 30), folder.display());
            if free < LITTLE_SPACE {
                Finding::Wrong(format!("{words}; make room: a store takes about a third of the text it holds"))
            } else {
                Finding::Good(words)
            }
        }
    }
}

/// State of the store in a folder.
pub(super) fn store(dir: &Path) -> Finding {
    let checked = Store::open_existing(dir).and_then(|store| store.check_integrity());
    match checked {
        Ok(()) => Finding::Good(format!("'{}' is sound", dir.join(STORE_FOLDER).display())),
        Err(error @ StoreError::Missing { .. }) => Finding::Odd(error.to_string()),
        Err(error) => Finding::Wrong(error.to_string()),
    }
}

/// Means to read pages without text by optical character recognition.
pub(super) fn ocr() -> Finding {
    let asked = |option| asked(Path::new("tesseract"), option);
    match (asked("--version"), asked("--list-langs")) {
        (Ok(version), Ok(listed)) => {
            let languages: Vec<&str> = listed.lines().filter(|line| !line.contains(' ')).collect();
            let version = version.lines().next().unwrap_or("tesseract").to_owned();
            Finding::Good(format!("{version} for {}", languages.join(", ")))
        }
        _ => Finding::Odd(
            "no tesseract on the path: pages that are pictures are told of, not read; install it (Debian, Ubuntu: apt-get install tesseract-ocr)".into(),
        ),
    }
}

fn asked(program: &Path, option: &str) -> std::io::Result<String> {
    let output = std::process::Command::new(program).arg(option).output()?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Name and version of a recogniser, as it tells them itself.
pub(in crate::cli) fn recogniser(program: &Path) -> Option<String> {
    Some(asked(program, "--version").ok()?.lines().next()?.trim().to_owned())
}

/// Confinement of the processes that read strangers' files.
pub(super) fn workers() -> Finding {
    let found = std::env::current_exe().map_err(|e| e.to_string());
    let found = found.and_then(|own| confinement(&own, &ParseSettings::default()).map_err(|e| e.to_string()));
    match found {
        Ok(confinement) => said(confinement),
        Err(words) => Finding::Wrong(words),
    }
}

fn said(Confinement { files, calls }: Confinement) -> Finding {
    let lacking = |what, strength| match strength {
        Strength::Full => None,
        Strength::Partial => Some(format!("{what} in part")),
        Strength::None => Some(format!("no {what}")),
    };
    let lacking: Vec<String> = [lacking("Landlock", files), lacking("seccomp", calls)].into_iter().flatten().collect();
    if lacking.is_empty() {
        let words =
            "what reads documents opens no files but Tesseract's, writes none, reaches no network and no other process";
        return Finding::Good(words.into());
    }
    Finding::Odd(format!(
        "this system has {}: a document that took over its reader could do some of what you can do; Linux from 6.12 on has all of it",
        lacking.join(" and ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kernel_lacks_is_said() {
        let of = |files, calls| match said(Confinement { files, calls }) {
            Finding::Odd(words) => words,
            Finding::Good(_) => "all".to_owned(),
            Finding::Wrong(words) => panic!("{words}"),
        };
        assert_eq!(of(Strength::Full, Strength::Full), "all");
        let old = of(Strength::Partial, Strength::None);
        assert!(old.starts_with("this system has Landlock in part and no seccomp: "), "{old}");
        assert!(of(Strength::None, Strength::Full).starts_with("this system has no Landlock: "));
    }
}
