//! Wishes about how a model answers.

use clap::Args;

use super::choice::choice;
use super::json_text::JsonText;
use super::load::SettingsError;
use crate::stages::model_settings::{Effort, ModelSettings};

/// Settings of how a model answers, each before the pipeline's own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Models")]
pub(crate) struct ModelOptions {
    /// How much a model thinks before it answers, where it thinks [default: the pipeline's, else the model's own].
    #[arg(long, value_name = "EFFORT", env = "CORPORA_EFFORT", value_parser = choice::<Effort>())]
    pub effort: Option<Effort>,

    /// Sampling temperature, 0 to 2; providers' newest models refuse it.
    #[arg(long, value_name = "NUMBER", env = "CORPORA_TEMPERATURE")]
    pub temperature: Option<f64>,

    /// Seed of the sampling.
    #[arg(long, value_name = "N", env = "CORPORA_SEED")]
    pub seed: Option<u32>,

    /// A text at which an answer ends, or a JSON list of such.
    #[arg(long, value_name = "TEXT|JSON", env = "CORPORA_STOP")]
    pub stop: Option<JsonText>,

    /// Fields merged into the body of each request, as a JSON object; null takes a field out.
    #[arg(long, value_name = "JSON", env = "CORPORA_EXTRA_BODY")]
    pub extra_body: Option<JsonText>,
}

impl ModelOptions {
    /// These wishes, and where one is missing the pipeline's.
    ///
    /// # Errors
    /// For values that are not of the shape that is wanted.
    pub(super) fn resolve(&self, pipeline: &ModelSettings) -> Result<ModelSettings, SettingsError> {
        let bad = |name: &str, wanted: &str| SettingsError::value(format!("{name} cannot be used; give {wanted}"));
        Ok(ModelSettings {
            effort: self.effort.or(pipeline.effort),
            temperature: self.temperature.or(pipeline.temperature),
            seed: self.seed.or(pipeline.seed),
            stop: match &self.stop {
                Some(given) => given.texts().map_err(|wanted| bad("--stop", wanted))?,
                None => pipeline.stop.clone(),
            },
            extra_body: match &self.extra_body {
                Some(given) => given.object().map_err(|wanted| bad("--extra-body", wanted))?,
                None => pipeline.extra_body.clone(),
            },
        })
    }
}
