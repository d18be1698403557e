//! The environment of processes that read strangers' files: what they need, and no secret.

use std::path::Path;
use std::process::Command;

// In the first crate of the program that needs one, so that nothing else is complained of before.
#[cfg(not(unix))]
compile_error!(
    "corpora needs a Unix: it starts workers with limits, locks folders and follows no links in ways that this system has not (docs/install.md)"
);

/// Variables that such a process keeps; all others are secrets until shown otherwise. `HOME` is not among them: neither the
/// parser nor Tesseract looks there.
const KEPT: [&str; 9] = [
    // Programs that a stand-in or a wrapper of Tesseract starts.
    "PATH",
    // Libraries of a Tesseract that is not the system's own: of the loader of Linux, and of that of macOS.
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    // Languages of Tesseract: <https://tesseract-ocr.github.io/tessdoc/Installation.html>.
    "TESSDATA_PREFIX",
    // Temporary files of its library Leptonica.
    "TMPDIR",
    // Encoding of names and of its messages, some of which stand in failures.
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
];

/// Gives a command nothing of this process's environment but the variables that reading files needs. A hostile file that gets
/// at the process finds no keys there.
pub fn clear_environment(command: &mut Command) {
    command.env_clear();
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
}

/// A command that runs `program` so that it ends with this process, however that ends, if there is a program `under` for it.
pub(crate) fn ending_with_this_process(program: &Path, under: Option<&Path>) -> Command {
    let mut command = match under {
        Some(under) => {
            let mut command = Command::new(under);
            command.arg("run-ocr").arg(program);
            command
        }
        None => Command::new(program),
    };
    clear_environment(&mut command);
    command
}
