//! Pipeline, provider and blocklist: what is extracted, who answers, which terms are flagged.

use clap::Args;

use super::choice::choice;
use super::load::SettingsError;
use super::word_or_file::{NONE, WordOrFile};
use crate::pipelines::{self, DEFAULT, Suited};
use crate::stages::pipeline::{Method, Pipeline, Profile};
use crate::stages::write::{BUILTIN_BLOCKLIST, Blocklist};

/// Setting of what is extracted.
#[derive(Debug, Clone, Args)]
pub(crate) struct PipelineSettings {
    /// What to extract: the name of a built-in pipeline or a pipeline file.
    #[arg(long, value_name = "NAME|FILE", env = "CORPORA_PIPELINE", default_value = DEFAULT)]
    pub pipeline: WordOrFile,

    /// Kind of model that is asked [default: the pipeline's, or `small` for a model whose name tells 4 billion parameters or fewer, or `full`].
    #[arg(long, value_name = "KIND", env = "CORPORA_PROFILE", value_parser = choice::<Profile>())]
    pub profile: Option<Profile>,

    /// Terms of a document that are kept, and asked about, at most: the best first [default: the pipeline's].
    #[arg(long, value_name = "N", env = "CORPORA_TOP")]
    pub top: Option<usize>,

    /// Score, from 0 to 1, below which a term is left out, unless the book's own glossary has it [default: the pipeline's].
    #[arg(long, value_name = "SCORE", env = "CORPORA_MIN_SCORE")]
    pub min_score: Option<f64>,
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
    /// The pipeline that was named, as `model` is asked it, with the bounds that were given in place of its own.
    ///
    /// # Errors
    /// If there is none of that name, or its file is broken; for bounds that are none, or that it has no use for.
    pub(crate) fn resolve(&self, model: Option<&str>) -> Result<Suited, SettingsError> {
        let mut suited = pipelines::find_for(&self.pipeline.path().to_string_lossy(), self.profile, model)
            .map_err(SettingsError::value)?;
        self.cut(&mut suited.pipeline).map_err(SettingsError::value)?;
        Ok(suited)
    }

    fn cut(&self, pipeline: &mut Pipeline) -> Result<(), String> {
        let (top, min_score) = (self.top, self.min_score);
        if top == Some(0) {
            return Err("--top 0 keeps nothing; give at least 1".into());
        }
        if let Some(score) = min_score.filter(|score| !(0.0..=1.0).contains(score)) {
            return Err(format!("--min-score {score} is no score; give a number from 0 to 1"));
        }
        match &mut pipeline.method {
            Method::Terms(terms) => {
                terms.maximum = top.unwrap_or(terms.maximum);
                if let Some(score) = min_score {
                    terms.sure_from = Some(score);
                    terms.per_thousand_words = 0.0;
                    terms.minimum = 0;
                }
                Ok(())
            }
            Method::Passages(_) if top.is_some() || min_score.is_some() => Err(format!(
                "--top and --min-score cut a list of ranked terms, and the pipeline '{}' searches passages; leave them out, or take a pipeline with method = \"terms\"",
                pipeline.name
            )),
            Method::Passages(_) => Ok(()),
        }
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
