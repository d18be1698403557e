//! `corpora.toml`: settings that somebody does not want to type each time.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Arg;
use toml::{Spanned, Value};

use super::json_text::JsonText;
use super::load::{SettingsError, check, is_text, placed};
use crate::pipelines::{explain_place, explain_toml_error, nearest};

/// The file that is looked for in the working folder.
const DEFAULT_FILE: &str = "corpora.toml";

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
    /// every value is tried, whatever command runs. Paths become relative to the folder of the file.
    ///
    /// # Errors
    /// With file, line and column of what is wrong; if a file that was named is not there.
    pub(super) fn read(named: Option<&Path>, known: &BTreeMap<String, Arg>) -> Result<Option<Self>, SettingsError> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => return Ok(None),
            Err(e) => {
                let message = format!("the configuration file '{}' cannot be read: {e}", path.display());
                return Err(SettingsError::File(message));
            }
        };
        let shown = path.display().to_string();
        let entries: BTreeMap<Spanned<String>, Spanned<Value>> =
            toml::from_str(&text).map_err(|e| SettingsError::File(explain_toml_error(&shown, &text, &e)))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut values = BTreeMap::new();
        for (key, value) in entries {
            let wrong = |start, reason: String| SettingsError::File(explain_place(&shown, &text, start, &reason));
            let Some(arg) = known.get(key.get_ref()) else {
                return Err(wrong(key.span().start, unknown(key.get_ref(), known)));
            };
            let read = of_value(arg, value.get_ref()).map(|read| placed(arg, read, folder));
            let read = read.and_then(|read| check(arg, &read).map(|()| read));
            let read = read.map_err(|reason| wrong(value.span().start, reason))?;
            values.insert(key.into_inner(), read);
        }
        Ok(Some(Self { path: path.to_path_buf(), is_named: named.is_some(), text, values }))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&OsStr> {
        self.values.get(key).map(OsString::as_os_str)
    }
}

fn unknown(key: &str, known: &BTreeMap<String, Arg>) -> String {
    match nearest(key, known.keys().map(String::as_str)) {
        Some(near) => format!("there is no setting '{key}'; did you mean '{near}'?"),
        None => format!(
            "there is no setting '{key}'; known are {}",
            known.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        ),
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
