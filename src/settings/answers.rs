//! Pipeline, provider and blocklist: what is extracted, who answers, which terms are flagged.

use clap::Args;

use super::choice::choice;
use super::load::SettingsError;
use super::word_or_file::{NONE, WordOrFile};
use crate::pipelines::{self, DEFAULT};
use crate::stages::pipeline::{Pipeline, Profile};
use crate::stages::write::{BUILTIN_BLOCKLIST, Blocklist};

/// Setting of what is extracted.
#[derive(Debug, Clone, Args)]
pub(crate) struct PipelineSettings {
    /// What to extract: the name of a built-in pipeline or a pipeline file.
    #[arg(long, value_name = "NAME|FILE", env = "CORPORA_PIPELINE", default_value = DEFAULT)]
    pub pipeline: WordOrFile,

    /// Kind of model that is asked [default: the pipeline's, or `full`].
    #[arg(long, value_name = "KIND", env = "CORPORA_PROFILE", value_parser = choice::<Profile>())]
    pub profile: Option<Profile>,
}

/// Settings of who answers.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProviderSettings {
    /// Who answers [default: the pipeline's; `local` needs no key and no network].
    #[arg(long, value_name = "NAME", env = "CORPORA_PROVIDER")]
    pub provider: Option<String>,

    /// The provider's model [default: the pipeline's].
    #[arg(long, value_name = "NAME", env = "CORPORA_MODEL")]
    pub model: Option<String>,
}

/// Setting of the terms that are flagged.
#[derive(Debug, Clone, Args)]
pub(crate) struct BlocklistSettings {
    /// Terms of known franchises, to be flagged: a JSON file {"franchise": ["term", ...]}, or `none` [default: the built-in list].
    #[arg(long, value_name = "FILE|none", env = "CORPORA_BLOCKLIST")]
    pub blocklist: Option<WordOrFile>,
}

impl PipelineSettings {
    /// The pipeline that was named.
    ///
    /// # Errors
    /// If there is none of that name, or its file is broken.
    pub(crate) fn resolve(&self) -> Result<Pipeline, SettingsError> {
        pipelines::find_for(&self.pipeline.path().to_string_lossy(), self.profile).map_err(SettingsError::value)
    }
}

impl BlocklistSettings {
    /// The list that was named, or the built-in one; none if none is wanted.
    ///
    /// # Errors
    /// If the file cannot be read or is not a list.
    pub(crate) fn resolve(&self) -> Result<Option<Blocklist>, SettingsError> {
        let Some(named) = &self.blocklist else {
            return Blocklist::parse(BUILTIN_BLOCKLIST).map(Some).map_err(SettingsError::value);
        };
        let path = named.path();
        if path.as_os_str() == NONE {
            return Ok(None);
        }
        let bad = |e: &dyn std::fmt::Display| {
            SettingsError::value(format!("the blocklist '{}' cannot be used: {e}", path.display()))
        };
        let text = std::fs::read_to_string(path).map_err(|e| bad(&e))?;
        Blocklist::parse(&text).map(Some).map_err(|e| bad(&e))
    }
}
