//! Documents and stages of a run, and the way in which they travel.

use std::path::PathBuf;

use clap::Args;

use super::choice::choice;
use super::load::SettingsError;
use super::sources::{Origin, Sources};
use crate::engine::{Rerun, defaults};
use crate::values::{Choice, Format, Formats, Mode, Stage};

/// Settings of a run over many documents.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunSettings {
    /// Folder for the results and the state of the run [default: the input folder, if there is one input].
    #[arg(short, long, value_name = "DIR", env = "CORPORA_OUTPUT")]
    pub output: Option<PathBuf>,

    /// Documents worked on at once [default: the number of cores].
    #[arg(short, long, value_name = "N", env = "CORPORA_WORKERS", default_value_t = defaults::workers(), hide_default_value = true)]
    pub workers: usize,

    /// Do everything again, whatever is done.
    #[arg(short, long, env = "CORPORA_FORCE", conflicts_with = "stage")]
    pub force: bool,

    /// Whether all documents go through a stage before the next begins, or each through everything.
    #[arg(long, value_name = "MODE", env = "CORPORA_MODE", value_parser = choice::<Mode>(), default_value = Mode::default().word())]
    pub mode: Mode,

    /// Do this stage again for the chosen documents, and what follows from it.
    #[arg(long, value_name = "STAGE", env = "CORPORA_STAGE", value_parser = choice::<Stage>())]
    pub stage: Option<Stage>,

    /// With --stage: stop after that stage.
    #[arg(long, env = "CORPORA_ONLY", conflicts_with = "until")]
    pub only: bool,

    /// Stop after this stage.
    #[arg(long, value_name = "STAGE", env = "CORPORA_UNTIL", value_parser = choice::<Stage>())]
    pub until: Option<Stage>,

    /// Take up what failed in an earlier run, and documents whose scanned pages can be read by now.
    #[arg(long, env = "CORPORA_RETRY_FAILED")]
    pub retry_failed: bool,

    /// Take at most this many documents, the first in path order.
    #[arg(long, value_name = "N", env = "CORPORA_LIMIT")]
    pub limit: Option<u64>,

    /// Show what would be done and why: parses and chunks what is missing, sends and writes no result.
    #[arg(long, env = "CORPORA_DRY_RUN")]
    pub dry_run: bool,

    /// The dry run's plan as JSON on standard output.
    #[arg(long, env = "CORPORA_JSON")]
    pub json: bool,

    /// Formats to take from folders: pdf, epub, docx, html, md, txt, or all; a file that you name is taken whatever it is.
    #[arg(long, value_name = "LIST", env = "CORPORA_FORMATS", default_value_t = Formats::default().to_string())]
    pub formats: String,

    /// Leave folders below the input folders alone.
    #[arg(long, env = "CORPORA_NO_RECURSIVE")]
    pub no_recursive: bool,

    /// Hash every file again, even if its size and modification time are as known.
    #[arg(long, env = "CORPORA_CHECKSUM")]
    pub checksum: bool,
}

impl RunSettings {
    /// Number of documents worked on at once.
    ///
    /// # Errors
    /// If it is out of range.
    pub(crate) fn workers(&self) -> Result<usize, SettingsError> {
        if !(1..=1024).contains(&self.workers) {
            return Err(SettingsError::value(format!("--workers {} is out of range; give 1 to 1024", self.workers)));
        }
        Ok(self.workers)
    }

    /// Most documents of the run; none for all.
    ///
    /// # Errors
    /// If it leaves nothing.
    pub(crate) fn limit(&self) -> Result<Option<u64>, SettingsError> {
        if self.limit == Some(0) {
            return Err(SettingsError::value("--limit 0 leaves nothing to do; give at least 1"));
        }
        Ok(self.limit)
    }

    /// Stage to do again, and last stage of the run.
    ///
    /// # Errors
    /// If the last would come before the first.
    pub(crate) fn stages(&self) -> Result<(Option<Rerun>, Stage), SettingsError> {
        let rerun = if self.force {
            Some(Rerun { stage: Stage::Parse, force: true })
        } else {
            self.stage.map(|stage| Rerun { stage, force: false })
        };
        let until = match (self.stage, self.until) {
            (Some(stage), _) if self.only => stage,
            (Some(stage), Some(until)) if until < stage => {
                return Err(SettingsError::value(format!(
                    "--until {} ends before --stage {} begins; swap them",
                    until.name(),
                    stage.name()
                )));
            }
            (_, until) => until.unwrap_or(Stage::Write),
        };
        Ok((rerun, until))
    }

    /// Formats that are taken from folders.
    ///
    /// # Errors
    /// For a word that is not a format, and for a list without any.
    pub(crate) fn formats(&self) -> Result<Formats, SettingsError> {
        let list = &self.formats;
        let mut taken = Vec::new();
        for word in list.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match Format::ALL.into_iter().find(|format| format.word() == word) {
                Some(format) => taken.push(format),
                None if word == "all" => taken.extend(Format::ALL),
                None => {
                    let known = Format::ALL.map(Format::word).join(", ");
                    let message = format!("--formats {list}: there is no format '{word}'; known are {known} and all");
                    return Err(SettingsError::value(message));
                }
            }
        }
        if taken.is_empty() {
            return Err(SettingsError::value("--formats without a format leaves nothing to do; give at least one"));
        }
        Ok(Formats::of(&taken))
    }

    /// Options of the line that are nothing without another one; in a file or in the environment they wait for it.
    ///
    /// # Errors
    /// For one that stands alone.
    pub(crate) fn check_company(&self, sources: &Sources) -> Result<(), SettingsError> {
        let alone = [
            ("only", self.only && self.stage.is_none(), "--only is for --stage; name the stage"),
            ("json", self.json && !self.dry_run, "--json is for the plan of --dry-run; add that"),
        ];
        match alone.iter().find(|(key, alone, _)| *alone && sources.origin(key) == Origin::Line) {
            Some((_, _, message)) => Err(SettingsError::Usage(message)),
            None => Ok(()),
        }
    }
}
