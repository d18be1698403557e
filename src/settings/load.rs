//! From the command line, the environment and the settings file to the options of the command that runs.
//!
//! An option is a setting if it has an environment variable, `CORPORA_` and the option's name in capitals; its key in the file is
//! the same name in small letters. What environment and file say becomes the *default* of the option, before the command line is
//! parsed: so one parser reads all three, one declaration describes all three, and what stands on the line wins.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::{BoolishValueParser, Resettable, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches, Id};

use super::allowed;
use super::file::SettingsFile;
use super::sources::{Origin, Setting, Sources};
use super::word_or_file::WordOrFile;
use crate::pipelines::nearest;

/// Beginning of the name of every environment variable of this program.
pub(super) const PREFIX: &str = "CORPORA_";

/// The variable, and the global option, that name the settings file; also the command that shows all settings.
const CONFIG: &str = "config";

/// Global option that names a set of settings in the file.
const SETS: &str = "settings";

/// Faults of settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The command line or the environment; also a demand for help, which goes to standard output.
    #[error(transparent)]
    Parser(#[from] clap::Error),
    /// An option of the command line that needs another one.
    #[error("{0}")]
    Usage(&'static str),
    /// The settings file.
    #[error("{0}")]
    File(String),
    /// A value that only its use can judge.
    #[error("{0}")]
    Value(String),
}

impl SettingsError {
    pub(super) fn value(message: impl std::fmt::Display) -> Self {
        Self::Value(message.to_string())
    }
}

/// The command that runs, and where each of its settings came from.
#[derive(Debug)]
pub(crate) struct Loaded<C> {
    /// Every option filled in.
    pub cli: C,
    /// Every setting of the command as text.
    pub sources: Sources,
}

/// Reads the command line `C`, the program's name first, with what `variable` says of the environment and the settings file.
/// The file is the one that the line or the environment names, or `corpora.toml` in the working folder if it is there. Hidden
/// commands, which the program starts itself, read neither environment nor file.
///
/// # Errors
/// For a line, a variable or a file that cannot be used, for a file that was named and is not there, and for one that was not named and
/// sets what it may not. The command `config` shows what such a file says.
pub(crate) fn load<C: CommandFactory + FromArgMatches>(
    line: &[OsString],
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Loaded<C>, SettingsError> {
    let declared = C::command();
    let parser = declared.clone().mut_args(line_alone).mut_subcommands(|command| command.mut_args(line_alone));
    let matches = match parser.clone().try_get_matches_from(line) {
        Ok(matches) => matches,
        Err(error) if error.use_stderr() => return Err(error.into()),
        // Help texts show the options as they are declared, with their variables.
        Err(error) => return Err(declared.try_get_matches_from(line).err().unwrap_or(error).into()),
    };
    let Some((name, given)) = matches.subcommand() else {
        return Ok(Loaded { cli: C::from_arg_matches(&matches)?, sources: Sources::default() });
    };
    let command = declared.find_subcommand(name).expect("a command that matches is declared");
    if command.is_hide_set() {
        return Ok(Loaded { cli: C::from_arg_matches(&matches)?, sources: Sources::default() });
    }
    let named = matches.get_one::<PathBuf>(CONFIG).cloned().or_else(|| variable("CORPORA_CONFIG").map(PathBuf::from));
    let chosen = matches.get_one::<String>(SETS).cloned().or_else(|| variable("CORPORA_SETTINGS")?.into_string().ok());
    let file = SettingsFile::read(named.as_deref(), chosen.as_deref(), &known(&declared))?;
    let mut settings = BTreeMap::new();
    for arg in command.get_arguments() {
        let Some((name, key)) = names(arg) else { continue };
        let (value, origin) = if given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            (raw(given, arg.get_id()), Origin::Line)
        } else if let Some(value) = variable(&name) {
            let wrong = |reason| clap::Error::raw(ErrorKind::InvalidValue, format!("the variable {name}: {reason}\n"));
            check(arg, &value).map_err(wrong)?;
            (Some(value), Origin::Environment)
        } else if let Some(value) = file.as_ref().and_then(|file| file.get(&key)) {
            (Some(value.to_owned()), Origin::File)
        } else {
            (None, Origin::Default)
        };
        settings.insert(arg.get_id().clone(), Setting { key, value, origin, is_text: is_text(arg) });
    }
    settle_conflicts(command, &mut settings)?;
    if let Some(file) = file.as_ref().filter(|_| name != CONFIG) {
        let set = command.get_arguments().filter_map(|arg| Some((arg, settings.get(arg.get_id())?)));
        let set = set.filter(|(arg, setting)| setting.origin == Origin::File && is_on(arg, setting));
        let keys: Vec<&str> = set.map(|(_, setting)| setting.key.as_str()).collect();
        allowed::check(file, &keys, variable)?;
    }
    let parser = parser.mut_subcommand(name, |command| {
        command.mut_args(|arg| match settings.get(arg.get_id()) {
            Some(Setting { value: Some(value), origin: Origin::Environment | Origin::File, .. }) => {
                arg.default_values([value])
            }
            _ => arg,
        })
    });
    let matches = parser.try_get_matches_from(line)?;
    if let Some((_, filled)) = matches.subcommand() {
        for (id, setting) in settings.iter_mut().filter(|(_, setting)| setting.origin == Origin::Default) {
            setting.value = raw(filled, id);
        }
    }
    let settings = settings.into_values().map(|setting| (setting.key.clone(), setting)).collect();
    let sources = Sources { file: file.map(|file| file.path), settings };
    Ok(Loaded { cli: C::from_arg_matches(&matches)?, sources })
}

/// Variable and key of an option that is a setting.
fn names(arg: &Arg) -> Option<(String, String)> {
    let name = arg.get_env()?.to_str()?.to_owned();
    let key = name.strip_prefix(PREFIX)?.to_ascii_lowercase();
    Some((name, key))
}

/// Every setting of some command, by key. Where an option and the place of another command share a key, the option counts.
fn known(declared: &Command) -> BTreeMap<String, Arg> {
    let mut known = BTreeMap::new();
    for arg in declared.get_subcommands().flat_map(Command::get_arguments) {
        if let Some((_, key)) = names(arg)
            && (!known.contains_key(&key) || !arg.is_positional())
        {
            known.insert(key, arg.clone());
        }
    }
    known
}

/// An option as it is parsed: from the line and its default alone, and a switch takes a word for yes or no if one is given.
/// Conflicts are settled here, because they depend on where the values come from.
fn line_alone(arg: Arg) -> Arg {
    if arg.get_env().is_none() {
        return arg;
    }
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let arg = arg.env(Resettable::Reset).conflicts_with(Resettable::<Id>::Reset);
    if !is_switch {
        return arg;
    }
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value("false")
        .value_parser(BoolishValueParser::new())
}

/// True if an option's value is text or a path, rather than a number or a word for yes or no.
pub(super) fn is_text(arg: &Arg) -> bool {
    let text = [TypeId::of::<u64>(), TypeId::of::<u32>(), TypeId::of::<usize>(), TypeId::of::<f64>()];
    let parser = arg.get_value_parser().type_id();
    !matches!(arg.get_action(), ArgAction::SetTrue)
        && parser != TypeId::of::<bool>()
        && !text.iter().any(|t| parser == *t)
}

/// A value of the file `folder` stands in: paths in it are relative to that folder.
pub(super) fn placed(arg: &Arg, value: String, folder: &Path) -> OsString {
    let parser = arg.get_value_parser().type_id();
    let is_path =
        parser == TypeId::of::<PathBuf>() || (parser == TypeId::of::<WordOrFile>() && !WordOrFile::is_word(&value));
    if is_path { folder.join(value).into_os_string() } else { value.into() }
}

/// Tries a value for an option, by itself.
///
/// # Errors
/// The reason why it cannot be one.
pub(super) fn check(arg: &Arg, value: &OsStr) -> Result<(), String> {
    let alone = line_alone(arg.clone()).default_values([value.to_owned()]).required(false);
    let tried =
        Command::new("one").no_binary_name(true).arg(alone).try_get_matches_from(std::iter::empty::<OsString>());
    let Err(error) = tried else { return Ok(()) };
    let shown = value.to_string_lossy();
    Err(match (error.get(ContextKind::ValidValue), error.source()) {
        (Some(ContextValue::Strings(words)), _) if !words.is_empty() => {
            format!("'{shown}' is not one of {}", words.join(", "))
        }
        (_, Some(source)) => format!("'{shown}' cannot be used: {source}"),
        _ => format!("'{shown}' cannot be used"),
    })
}

fn raw(matches: &ArgMatches, id: &Id) -> Option<OsString> {
    matches.get_raw(id.as_str())?.next().map(OsStr::to_owned)
}

/// Of two settings that exclude each other, the one from the stronger place counts.
///
/// # Errors
/// If both come from the same place.
fn settle_conflicts(command: &Command, settings: &mut BTreeMap<Id, Setting>) -> Result<(), clap::Error> {
    for arg in command.get_arguments().filter(|arg| arg.get_env().is_some()) {
        for other in command.get_arg_conflicts_with(arg) {
            let origin = |of: &Arg| settings.get(of.get_id()).filter(|setting| is_on(of, setting)).map(|s| s.origin);
            let (Some(mine), Some(theirs)) = (origin(arg), origin(other)) else { continue };
            let weaker = match mine.cmp(&theirs) {
                std::cmp::Ordering::Less => arg,
                std::cmp::Ordering::Greater => other,
                std::cmp::Ordering::Equal => {
                    let name = |of: &Arg| of.get_long().unwrap_or(of.get_id().as_str()).to_owned();
                    let message = format!("'--{}' cannot be used with '--{}'", name(arg), name(other));
                    return Err(command.clone().error(ErrorKind::ArgumentConflict, message));
                }
            };
            if let Some(setting) = settings.get_mut(weaker.get_id()) {
                (setting.value, setting.origin) = (None, Origin::Default);
            }
        }
    }
    Ok(())
}

/// True if a setting says something: a switch that is off does not.
fn is_on(arg: &Arg, setting: &Setting) -> bool {
    let Some(value) = &setting.value else { return false };
    let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
    !is_switch || BoolishValueParser::new().parse_ref(&Command::new("one"), None, value).unwrap_or(false)
}

/// A message for each variable that looks like ours and is not, with the nearest one that is.
pub(crate) fn unknown_variables(names: impl Iterator<Item = String>, command: &Command) -> Vec<String> {
    let mut known: Vec<String> = command
        .get_subcommands()
        .chain([command])
        .flat_map(Command::get_arguments)
        .filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned()))
        .collect();
    known.sort();
    known.dedup();
    let mut messages: Vec<String> = names
        .filter(|name| name.starts_with(PREFIX) && !known.contains(name))
        .map(|name| match nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => format!("the environment variable {name} means nothing to corpora; did you mean {near}?"),
            None => format!("the environment variable {name} means nothing to corpora; known are {}", known.join(", ")),
        })
        .collect();
    messages.sort();
    messages
}
