//! `corpora.toml`: settings that somebody does not want to type each time.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Arg;
use serde::Deserialize;
use toml::{Spanned, Value};

use super::json_text::JsonText;
use super::load::{SettingsError, check, is_text, placed};
use crate::pipelines::{explain_place, explain_toml_error, nearest};

/// The file that is looked for in the working folder.
const DEFAULT_FILE: &str = "corpora.toml";

/// Table of a file whose tables are sets of settings, each chosen by its name with `--settings`.
const SETS: &str = "settings";

/// Settings as a file has them, each with its place.
type Entries = BTreeMap<Spanned<String>, Spanned<Value>>;

/// Sets of settings of a file, by name.
#[derive(Deserialize)]
struct Sets {
    #[serde(default)]
    settings: BTreeMap<String, Entries>,
}

/// A file whose settings are tried.
struct Tried<'a> {
    shown: &'a str,
    text: &'a str,
    folder: &'a Path,
    known: &'a BTreeMap<String, Arg>,
}

impl Tried<'_> {
    /// The entries as text that their options can parse.
    fn values(&self, entries: Entries) -> Result<BTreeMap<String, OsString>, SettingsError> {
        let mut values = BTreeMap::new();
        for (key, value) in entries {
            let wrong =
                |start, reason: String| SettingsError::File(explain_place(self.shown, self.text, start, &reason));
            let Some(arg) = self.known.get(key.get_ref()) else {
                return Err(wrong(key.span().start, unknown(key.get_ref(), self.known)));
            };
            let read = of_value(arg, value.get_ref()).map(|read| placed(arg, read, self.folder));
            let read = read.and_then(|read| check(arg, &read).map(|()| read));
            let read = read.map_err(|reason| wrong(value.span().start, reason))?;
            values.insert(key.into_inner(), read);
        }
        Ok(values)
    }
}

/// The settings of a file, as text that their options can parse.
#[derive(Debug)]
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    /// True if somebody named it; a file that only stands in the working folder may have come with that folder.
    pub(super) is_named: bool,
    /// Its text.
    pub(super) text: String,
    values: BTreeMap<String, OsString>,
}

impl SettingsFile {
    /// Reads the file that was named, or `corpora.toml` in the working folder if it is there. `known` are the options by key;
    /// every value is tried, whatever command runs. `chosen` names a set of settings, `[settings.NAME]`, that goes before the others.
    /// Paths become relative to the folder of the file.
    ///
    /// # Errors
    /// With file, line and column of what is wrong; if a file that was named is not there, or a set that was chosen.
    pub(super) fn read(
        named: Option<&Path>,
        chosen: Option<&str>,
        known: &BTreeMap<String, Arg>,
    ) -> Result<Option<Self>, SettingsError> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => match chosen {
                None => return Ok(None),
                Some(set) => {
                    let message = format!("--settings {set} is a table of {DEFAULT_FILE}, which is not in this folder");
                    return Err(SettingsError::File(message));
                }
            },
            Err(e) => {
                let message = format!("the configuration file '{}' cannot be read: {e}", path.display());
                return Err(SettingsError::File(message));
            }
        };
        let shown = path.display().to_string();
        let explained = |e: toml::de::Error| SettingsError::File(explain_toml_error(&shown, &text, &e));
        let mut entries: Entries = toml::from_str(&text).map_err(explained)?;
        entries.retain(|key, value| key.get_ref() != SETS || !value.get_ref().is_table());
        let Sets { settings: mut sets } = toml::from_str(&text).map_err(explained)?;
        let tried = Tried { shown: &shown, text: &text, folder: path.parent().unwrap_or(Path::new("")), known };
        let mut values = tried.values(entries)?;
        let names: Vec<String> = sets.keys().cloned().collect();
        if let Some(missing) = chosen.filter(|set| !sets.contains_key(*set)) {
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let message = format!("'{shown}' has no table [{SETS}.{missing}] for --settings {missing}; it has {there}");
            return Err(SettingsError::File(message));
        }
        for name in names {
            let of_set = tried.values(sets.remove(&name).unwrap_or_default())?;
            if chosen == Some(&name) {
                values.extend(of_set);
            }
        }
        Ok(Some(Self { path: path.to_path_buf(), is_named: named.is_some(), text, values }))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&OsStr> {
        self.values.get(key).map(OsString::as_os_str)
    }
}

fn unknown(key: &str, known: &BTreeMap<String, Arg>) -> String {
    // As the line has them.
    match nearest(&key.replace('-', "_"), known.keys().map(String::as_str)) {
        Some(near) => format!("there is no setting '{key}'; did you mean '{near}'?"),
        None => format!("there is no setting '{key}'; 'corpora config' lists all, sets of them stand as [{SETS}.NAME]"),
    }
}

/// A value as it would be typed. A number where text is wanted would lose its shape (`4.10`), so it has to be quoted.
fn of_value(arg: &Arg, value: &Value) -> Result<String, String> {
    let is_json = arg.get_value_parser().type_id() == TypeId::of::<JsonText>();
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) | Value::Table(_) if is_json => {
            serde_json::to_string(value).map_err(|e| format!("this cannot be said in JSON ({e})"))
        }
        Value::Datetime(time) => Ok(time.to_string()),
        Value::Array(items) => {
            let words: Result<Vec<String>, String> = items.iter().map(|item| of_value(arg, item)).collect();
            Ok(words?.join(","))
        }
        Value::Table(_) => {
            Err("a table is not the value of a setting; all settings stand at the top of the file".into())
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) if is_text(arg) => {
            Err("text is wanted: put it in quotes".into())
        }
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(word) => Ok(word.to_string()),
    }
}
