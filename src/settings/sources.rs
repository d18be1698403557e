//! Settings as text, each with the place that it came from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::load::PREFIX;

/// Place that a value came from; the greater one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file.
    File,
    /// The environment.
    Environment,
    /// The command line.
    Line,
}

/// One setting of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its key in the file; the environment has it in capitals behind [`PREFIX`](super::load::PREFIX).
    pub key: String,
    /// Its value as it was written, or as the default is; none if there is neither.
    pub value: Option<OsString>,
    /// Place where that stands.
    pub origin: Origin,
    /// True if a value is text that has to stand in quotes in the file.
    pub is_text: bool,
}

impl Setting {
    /// Its environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.to_ascii_uppercase())
    }

    /// The value as the file would have it: text, a number, or yes and no.
    pub(crate) fn typed(&self) -> Option<toml::Value> {
        let text = self.value.as_ref()?.to_string_lossy();
        let number = || text.parse().map(toml::Value::Integer).or_else(|_| text.parse().map(toml::Value::Float)).ok();
        let word = || match &*text.to_ascii_lowercase() {
            "true" | "yes" | "y" | "t" | "on" => Some(toml::Value::Boolean(true)),
            "false" | "no" | "n" | "f" | "off" => Some(toml::Value::Boolean(false)),
            _ => None,
        };
        let plain = if self.is_text { None } else { number().or_else(word) };
        Some(plain.unwrap_or_else(|| toml::Value::String(text.into_owned())))
    }
}

/// Every setting of the command that runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// By key.
    pub(super) settings: BTreeMap<String, Setting>,
}

impl Sources {
    /// Every setting, by key.
    pub(crate) fn each(&self) -> impl Iterator<Item = &Setting> {
        self.settings.values()
    }

    /// Place that a setting's value came from, in words for a sentence.
    pub(crate) fn place(&self, key: &str) -> String {
        match self.origin(key) {
            Origin::Default => "default".to_owned(),
            Origin::File => {
                format!("file {}", self.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default())
            }
            Origin::Environment => {
                let variable = self.settings.get(key).map(Setting::variable);
                format!("variable {}", variable.unwrap_or_default())
            }
            Origin::Line => "command line".to_owned(),
        }
    }

    /// Place that a setting's value came from; a setting that the command does not have was set by nobody.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.settings.get(key).map_or(Origin::Default, |setting| setting.origin)
    }
}
