//! `corpora config`: every setting in force and where it came from.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use toml::Value;

use super::args::{ConfigArgs, ConfigFormat};
use super::exit::{CommandError, Exit};
use super::folder::foreign_owner;
use super::screen;
use crate::settings::{Foreign, Origin, Setting, Sources, allow};
use crate::stages::pipeline::Pipeline;
use crate::values::Choice;

/// Place that a value came from, in the words of the JSON output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
enum Place {
    CommandLine,
    Environment { variable: String },
    File { file: String },
    Pipeline { pipeline: String },
    Default,
}

impl Place {
    fn words(&self) -> String {
        match self {
            Self::CommandLine => "command line".into(),
            Self::Environment { variable } => format!("variable {variable}"),
            Self::File { file } => format!("file {file}"),
            Self::Pipeline { pipeline } => format!("pipeline {pipeline}"),
            Self::Default => "default".into(),
        }
    }
}

/// A setting as it is shown. A value that nobody gave and that has no default is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Shown {
    #[serde(skip)]
    key: String,
    value: Option<Value>,
    #[serde(flatten)]
    place: Place,
}

/// Prints the settings that `corpora batch` would work with.
pub(super) fn run(args: &ConfigArgs, sources: &Sources) -> Result<Exit, CommandError> {
    if let Some(path) = &args.allow {
        return allow_once(path);
    }
    let pipeline = args.settings.pipeline.resolve(args.settings.provider.model.as_deref())?.pipeline;
    let settings: Vec<Shown> = sources.each().map(|setting| shown(setting, sources, &pipeline)).collect();
    let text = match args.format {
        ConfigFormat::Table => table(&settings),
        ConfigFormat::Toml => toml(&settings),
        ConfigFormat::Json => json(&settings, sources)?,
    };
    screen::out().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Remembers that a settings file, or the store of an output folder, is allowed as it is now.
fn allow_once(path: &Path) -> Result<Exit, CommandError> {
    let shown = path.display();
    let variable = |name: &str| std::env::var_os(name);
    if path.is_dir() {
        let Some(owner) = foreign_owner(path) else {
            return Err(CommandError::bad_input(format!(
                "'{shown}' has no store, or one that you made: nothing is to be allowed"
            )));
        };
        allow(Foreign::Store(path, owner), &variable)?;
    } else {
        let text = std::fs::read_to_string(path)
            .map_err(|e| CommandError::bad_input(format!("'{shown}' cannot be read: {e}")))?;
        allow(Foreign::Settings(path, &text), &variable)?;
    }
    writeln!(screen::out(), "'{shown}' is allowed as it is now")?;
    Ok(Exit::Done)
}

fn shown(setting: &Setting, sources: &Sources, pipeline: &Pipeline) -> Shown {
    // Their values may be secrets.
    let given =
        if SECRET.contains(&&*setting.key) { setting.value.as_ref().map(|_| hidden()) } else { setting.typed() };
    let (value, place) = match setting.origin {
        Origin::Line => (given, Place::CommandLine),
        Origin::Environment => (given, Place::Environment { variable: setting.variable() }),
        Origin::File => {
            let file = sources.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
            (given, Place::File { file })
        }
        Origin::Default => match of_pipeline(&setting.key, pipeline) {
            Some(value) => (Some(value), Place::Pipeline { pipeline: pipeline.name.clone() }),
            None => (given, Place::Default),
        },
    };
    Shown { key: setting.key.clone(), value, place }
}

/// Settings whose values are shown nowhere.
const SECRET: [&str; 2] = ["headers", "webhook"];

fn hidden() -> Value {
    Value::String("(hidden)".into())
}

/// Value that a pipeline gives where nobody else does.
fn of_pipeline(key: &str, pipeline: &Pipeline) -> Option<Value> {
    let provider = &pipeline.provider;
    let settings = &provider.settings;
    let limit = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok()).map(Value::Integer);
    match key {
        "provider" => Some(Value::String(provider.name.clone())),
        "model" => provider.model.clone().map(Value::String),
        "effort" => settings.effort.map(|effort| Value::String(effort.word().into())),
        "temperature" => settings.temperature.map(Value::Float),
        "seed" => settings.seed.map(|seed| Value::Integer(seed.into())),
        "stop" if !settings.stop.is_empty() => Some(Value::String(serde_json::json!(settings.stop).to_string())),
        "extra_body" if !settings.extra_body.is_empty() => {
            Some(Value::String(serde_json::json!(settings.extra_body).to_string()))
        }
        "rpm" => limit(provider.limits.rpm),
        "itpm" => limit(provider.limits.itpm),
        "otpm" => limit(provider.limits.otpm),
        "tpm" => limit(provider.limits.tpm),
        _ => None,
    }
}

fn table(settings: &[Shown]) -> String {
    let value = |shown: &Shown| match &shown.value {
        None => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let width = settings.iter().map(|shown| value(shown).chars().count()).max().unwrap_or(0).clamp(5, 40);
    let mut out = format!("{:<18} {:<width$}  from\n", "setting", "value");
    for shown in settings {
        let _ = writeln!(out, "{:<18} {:<width$}  {}", shown.key, value(shown), shown.place.words());
    }
    out
}

/// A settings file that says the same; what nobody set stands there as a comment.
fn toml(settings: &[Shown]) -> String {
    let mut out = String::new();
    for Shown { key, value, place } in settings {
        let line = value.as_ref().map_or_else(|| format!("{key} ="), |value| format!("{key} = {value}"));
        let _ = match place {
            Place::Default => writeln!(out, "# {line}"),
            _ if SECRET.contains(&&**key) => writeln!(out, "# {line}  # {}", place.words()),
            Place::Pipeline { .. } => writeln!(out, "# {line}  # {}", place.words()),
            _ => writeln!(out, "{line}  # {}", place.words()),
        };
    }
    out
}

fn json(settings: &[Shown], sources: &Sources) -> Result<String, CommandError> {
    let settings: serde_json::Map<String, serde_json::Value> = settings
        .iter()
        .map(|shown| Ok((shown.key.clone(), serde_json::to_value(shown)?)))
        .collect::<Result<_, serde_json::Error>>()
        .map_err(std::io::Error::from)?;
    let all = crate::values::sorted(serde_json::json!({"file": sources.file, "settings": settings}));
    Ok(serde_json::to_string_pretty(&all).map_err(std::io::Error::from)? + "\n")
}
