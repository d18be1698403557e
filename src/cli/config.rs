//! `corpora.toml`: the options of `corpora batch` that somebody does not want to type each time.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Deserializer};

use super::args::{
    BatchArgs, ContextArg, EndpointArg, LogFormatArg, ModeArg, OcrArg, OverlapArg, ParsingArgs, ProgressArg, RemoteArgs,
};
use super::blocklist::NO_BLOCKLIST;
use super::exit::CommandError;
use crate::pipelines::{explain_toml_error, nearest};

/// The file that is looked for in the working folder.
const DEFAULT_FILE: &str = "corpora.toml";

/// What the file may say; each key is the long option of `corpora batch` with `_` for `-`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    output: Option<PathBuf>,
    workers: Option<usize>,
    #[serde(default, deserialize_with = "choice")]
    mode: Option<ModeArg>,
    pipeline: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    blocklist: Option<PathBuf>,
    #[serde(default, deserialize_with = "choice")]
    progress: Option<ProgressArg>,
    #[serde(default, deserialize_with = "words")]
    formats: Option<String>,
    no_recursive: Option<bool>,
    quiet: Option<bool>,
    verbose: Option<bool>,
    parse_timeout: Option<u64>,
    parse_memory: Option<u64>,
    #[serde(default, deserialize_with = "choice")]
    ocr: Option<OcrArg>,
    ocr_lang: Option<String>,
    password_file: Option<PathBuf>,
    base_url: Option<String>,
    api_version: Option<String>,
    allow_http: Option<bool>,
    key_file: Option<PathBuf>,
    rpm: Option<u64>,
    itpm: Option<u64>,
    otpm: Option<u64>,
    tpm: Option<u64>,
    in_flight: Option<usize>,
    request_timeout: Option<f64>,
    patience: Option<f64>,
    max_cost: Option<f64>,
    prices: Option<PathBuf>,
    #[serde(default, deserialize_with = "choice")]
    overlap: Option<OverlapArg>,
    #[serde(default, deserialize_with = "choice")]
    context: Option<ContextArg>,
    log: Option<PathBuf>,
    #[serde(default, deserialize_with = "choice")]
    log_format: Option<LogFormatArg>,
    #[serde(default, deserialize_with = "choice")]
    endpoint: Option<EndpointArg>,
    batch_requests: Option<u64>,
    batch_bytes: Option<u64>,
    batch_tokens: Option<u64>,
    batches_in_flight: Option<usize>,
    batches_per_hour: Option<u32>,
    poll: Option<f64>,
    listing_lag: Option<f64>,
}

/// One of an option's words, as on the command line.
fn choice<'de, T: ValueEnum, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let word = String::deserialize(from)?;
    T::from_str(&word, false).map(Some).map_err(|_| {
        let known: Vec<String> =
            T::value_variants().iter().filter_map(|v| Some(v.to_possible_value()?.get_name().to_owned())).collect();
        serde::de::Error::custom(format!("'{word}' is none of {}", known.join(", ")))
    })
}

/// A list of words, or one text with commas between them.
fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Words {
        One(String),
        Many(Vec<String>),
    }
    Ok(Some(match Words::deserialize(from)? {
        Words::One(text) => text,
        Words::Many(words) => words.join(","),
    }))
}

impl ConfigFile {
    /// Reads the file that was named, or `corpora.toml` in the working folder if it is there. Paths in it are relative
    /// to the folder of the file.
    pub(super) fn read(named: Option<&Path>) -> Result<Self, CommandError> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => return Ok(Self::default()),
            Err(e) => {
                let message = format!("the configuration file '{}' cannot be read: {e}", path.display());
                return Err(CommandError::bad_input(message));
            }
        };
        let shown = path.display().to_string();
        let mut config: Self =
            toml::from_str(&text).map_err(|e| CommandError::bad_input(explain_toml_error(&shown, &text, &e)))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for path in
            [&mut config.output, &mut config.key_file, &mut config.prices, &mut config.log, &mut config.password_file]
        {
            *path = path.take().map(|p| folder.join(p));
        }
        config.blocklist = config.blocklist.map(|p| if p == Path::new(NO_BLOCKLIST) { p } else { folder.join(p) });
        Ok(config)
    }

    /// Fills in what neither the command line nor the environment gave.
    pub(super) fn fill(mut self, args: &mut BatchArgs) {
        self.fill_remote(&mut args.remote);
        self.fill_parsing(&mut args.parsing);
        let batch = &mut args.batch;
        batch.endpoint = batch.endpoint.or(self.endpoint);
        batch.batch_requests = batch.batch_requests.or(self.batch_requests);
        batch.batch_bytes = batch.batch_bytes.or(self.batch_bytes);
        batch.batch_tokens = batch.batch_tokens.or(self.batch_tokens);
        batch.batches_in_flight = batch.batches_in_flight.or(self.batches_in_flight);
        batch.batches_per_hour = batch.batches_per_hour.or(self.batches_per_hour);
        batch.poll = batch.poll.or(self.poll);
        batch.listing_lag = batch.listing_lag.or(self.listing_lag);
        args.output = args.output.take().or(self.output);
        args.workers = args.workers.or(self.workers);
        args.mode = args.mode.or(self.mode);
        args.pipeline = args.pipeline.take().or(self.pipeline);
        args.provider = args.provider.take().or(self.provider);
        args.model = args.model.take().or(self.model);
        args.blocklist = args.blocklist.take().or(self.blocklist);
        args.progress = args.progress.or(self.progress);
        args.formats = args.formats.take().or(self.formats);
        args.no_recursive |= self.no_recursive.unwrap_or(false);
        if !args.quiet && !args.verbose {
            args.quiet = self.quiet.unwrap_or(false);
            args.verbose = self.verbose.unwrap_or(false) && !args.quiet;
        }
        args.parse_timeout = args.parse_timeout.or(self.parse_timeout);
        args.parse_memory = args.parse_memory.or(self.parse_memory);
    }

    /// The same for what concerns reading documents.
    pub(super) fn fill_parsing(&mut self, args: &mut ParsingArgs) {
        args.ocr = args.ocr.or(self.ocr);
        args.ocr_lang = args.ocr_lang.take().or(self.ocr_lang.take());
        args.password_file = args.password_file.take().or(self.password_file.take());
    }

    /// The same for what concerns a remote provider.
    pub(super) fn fill_remote(&mut self, args: &mut RemoteArgs) {
        args.base_url = args.base_url.take().or(self.base_url.take());
        args.api_version = args.api_version.take().or(self.api_version.take());
        args.allow_http |= self.allow_http.unwrap_or(false);
        args.key_file = args.key_file.take().or(self.key_file.take());
        args.rpm = args.rpm.or(self.rpm);
        args.itpm = args.itpm.or(self.itpm);
        args.otpm = args.otpm.or(self.otpm);
        args.tpm = args.tpm.or(self.tpm);
        args.in_flight = args.in_flight.or(self.in_flight);
        args.request_timeout = args.request_timeout.or(self.request_timeout);
        args.patience = args.patience.or(self.patience);
        args.max_cost = args.max_cost.or(self.max_cost);
        args.prices = args.prices.take().or(self.prices.take());
        args.overlap = args.overlap.or(self.overlap);
        args.context = args.context.or(self.context);
        args.log = args.log.take().or(self.log.take());
        args.log_format = args.log_format.or(self.log_format);
    }
}

/// A message for each variable that looks like ours and is none, with the nearest one that is.
pub(super) fn unknown_variables(names: impl Iterator<Item = String>, command: &clap::Command) -> Vec<String> {
    let mut known: Vec<String> = command
        .get_subcommands()
        .chain([command])
        .flat_map(clap::Command::get_arguments)
        .filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned()))
        .collect();
    known.sort();
    known.dedup();
    let mut messages: Vec<String> = names
        .filter(|name| name.starts_with("CORPORA_") && !known.contains(name))
        .map(|name| match nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => format!("the environment variable {name} means nothing to corpora; did you mean {near}?"),
            None => format!("the environment variable {name} means nothing to corpora; known are {}", known.join(", ")),
        })
        .collect();
    messages.sort();
    messages
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn read(text: &str) -> Result<ConfigFile, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("corpora.toml");
        std::fs::write(&path, text).unwrap();
        ConfigFile::read(Some(&path)).map_err(|e| e.message.replace(path.to_str().unwrap(), "corpora.toml"))
    }

    #[test]
    fn wrong_keys_values_and_types_are_explained() {
        insta::assert_snapshot!(read("output = 'x'\nworker = 2\n").unwrap_err(), @r"
        corpora.toml, line 2, column 1: unknown field `worker`, expected one of `output`, `workers`, `mode`, `pipeline`, `provider`, `model`, `blocklist`, `progress`, `formats`, `no_recursive`, `quiet`, `verbose`, `parse_timeout`, `parse_memory`, `ocr`, `ocr_lang`, `password_file`, `base_url`, `api_version`, `allow_http`, `key_file`, `rpm`, `itpm`, `otpm`, `tpm`, `in_flight`, `request_timeout`, `patience`, `max_cost`, `prices`, `overlap`, `context`, `log`, `log_format`, `endpoint`, `batch_requests`, `batch_bytes`, `batch_tokens`, `batches_in_flight`, `batches_per_hour`, `poll`, `listing_lag`; did you mean 'workers'?
            worker = 2
        ");
        insta::assert_snapshot!(read("mode = 'fast'\n").unwrap_err(), @r"
        corpora.toml, line 1, column 8: 'fast' is none of staged, per-document
            mode = 'fast'
        ");
        assert!(read("workers = 'two'\n").unwrap_err().contains("invalid type"));
        assert!(ConfigFile::read(Some(Path::new("does/not/exist.toml"))).is_err());
    }

    #[test]
    fn a_misspelt_variable_names_the_right_one() {
        let names = ["CORPORA_WORKER", "CORPORA_MODE", "PATH"].map(String::from);
        let messages = unknown_variables(names.into_iter(), &super::super::args::Cli::command());
        assert_eq!(messages.len(), 1);
        assert!(messages[0].ends_with("did you mean CORPORA_WORKERS?"), "{messages:?}");
    }
}
