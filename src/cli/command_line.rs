//! Commands as a person types them into a shell: how one was typed, and how it is shown again.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::engine::TypedCommand;
use crate::settings::{Origin, Sources};
use crate::values::Fingerprint;

/// Options whose values may be secrets.
const SECRET: [&str; 3] = ["headers", "on-end", "webhook"];

/// Option of tests that kill the program.
const KILLS: &str = "crash-at";

/// A word as a shell takes it: in quotes if it holds anything that a shell would act on.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~^".contains(c);
    let is_safe = !word.is_empty() && !word.starts_with('~') && word.chars().all(is_plain);
    if is_safe { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// The command of this process as it can be typed again: what the environment says of settings stands in it as options, and secrets do not.
pub(super) fn typed(line: impl Iterator<Item = OsString>, sources: &Sources, pipeline: &Path) -> TypedCommand {
    let mut words = Vec::new();
    let mut lacks_secrets = false;
    let mut rest = line.skip(1).map(|word| word.to_string_lossy().into_owned());
    while let Some(word) = rest.next() {
        let name = word.strip_prefix("--").map(|option| option.split('=').next().unwrap_or_default());
        match name {
            Some(name) if name == KILLS || SECRET.contains(&name) => {
                lacks_secrets |= name != KILLS;
                if !word.contains('=') {
                    rest.next();
                }
            }
            _ => words.push(word),
        }
    }
    for setting in sources.each().filter(|setting| setting.origin == Origin::Environment) {
        let name = setting.key.replace('_', "-");
        if SECRET.contains(&&*name) {
            lacks_secrets = true;
        } else if let Some(value) = &setting.value {
            words.push(format!("--{name}={}", value.to_string_lossy()));
        }
    }
    let pipeline_file = hash_of(pipeline).map(|hash| (pipeline.to_path_buf(), hash));
    TypedCommand { words, folder: std::env::current_dir().unwrap_or_default(), pipeline_file, lacks_secrets }
}

/// Hash of a file's content, if there is such a file.
pub(super) fn hash_of(file: &Path) -> Option<String> {
    Some(Fingerprint::of(&std::fs::read(file).ok()?).hex())
}

/// A command that was typed, to be shown again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    words: Vec<String>,
    /// Folder to go to first, if it is another one.
    folder: Option<PathBuf>,
}

impl Shown {
    /// A command that was typed for this output folder.
    pub(super) fn of(command: &TypedCommand, output: &Path) -> Self {
        let folder = output.canonicalize().ok().and_then(|output| output.join(&command.folder).canonicalize().ok());
        let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok());
        Self { words: command.words.clone(), folder: folder.filter(|folder| Some(folder) != here.as_ref()) }
    }

    /// The same with a switch on.
    pub(super) fn with(&self, switch: &str) -> Self {
        let mut shown = self.clone();
        if !shown.words.iter().any(|word| word == switch) {
            shown.words.push(switch.to_owned());
        }
        shown
    }

    /// The same without switches, and without options and their values.
    pub(super) fn without(&self, switches: &[&str], options: &[&str]) -> Self {
        let mut words = Vec::new();
        let mut rest = self.words.iter();
        while let Some(word) = rest.next() {
            let name = word.split('=').next().unwrap_or_default();
            if options.contains(&name) {
                if !word.contains('=') {
                    rest.next();
                }
            } else if !switches.contains(&word.as_str()) {
                words.push(word.clone());
            }
        }
        Self { words, folder: self.folder.clone() }
    }

    /// The same with another value of an option.
    pub(super) fn setting(&self, option: &str, value: &str) -> Self {
        let mut shown = self.without(&[], &[option]);
        shown.words.extend([option.to_owned(), value.to_owned()]);
        shown
    }

    /// Value of an option, if it is given.
    pub(super) fn value(&self, option: &str) -> Option<&str> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            match word.split_once('=') {
                Some((name, value)) if name == option => return Some(value),
                _ if word == option => return words.next().map(String::as_str),
                _ => {}
            }
        }
        None
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(folder) = &self.folder {
            write!(f, "cd {} && ", shell_word(&folder.display().to_string()))?;
        }
        f.write_str("corpora")?;
        self.words.iter().try_for_each(|word| write!(f, " {}", shell_word(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &[&str]) -> Shown {
        let command = typed(line.iter().map(OsString::from), &Sources::default(), Path::new("no such file"));
        Shown { words: command.words, folder: None }
    }

    #[test]
    fn what_a_shell_would_act_on_stands_in_quotes() {
        let words = ["out", "my books/*.pdf", "it's", "", "$(rm)", "~/x", "größe.pdf"].map(shell_word);
        assert_eq!(words, ["out", "'my books/*.pdf'", "'it'\\''s'", "''", "'$(rm)'", "'~/x'", "größe.pdf"]);
    }

    #[test]
    fn a_command_is_shown_as_it_was_typed_and_secrets_are_not() {
        let line = ["corpora", "batch", "my books", "--headers", "x-key: secret", "-o", "out", "--headers=y: secret"];
        assert_eq!(shown(&line).to_string(), "corpora batch 'my books' -o out");
        let command = typed(line.iter().map(OsString::from), &Sources::default(), Path::new("none"));
        assert!(command.lacks_secrets && command.pipeline_file.is_none());
    }

    #[test]
    fn switches_and_values_are_changed_in_place_of_what_was_typed() {
        let command = shown(&["corpora", "batch", "books", "--max-cost", "0.1", "--force"]);
        assert_eq!(command.value("--max-cost"), Some("0.1"));
        assert_eq!(command.setting("--max-cost", "0.20").to_string(), "corpora batch books --force --max-cost 0.20");
        let again = command.without(&["--force"], &["--stage"]).with("--retry-failed").with("--retry-failed");
        assert_eq!(again.to_string(), "corpora batch books --max-cost 0.1 --retry-failed");
    }
}
