//! Contents of a pipeline file, as data; reading the files is the edge's work.

use serde::{Deserialize, Serialize};

use super::chunk::ChunkSettings;
use super::extract::{PassageSettings, TermSettings};
use super::model_settings::ModelSettings;

/// Prompts, schema, chunking and packing of a kind of extraction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Name, as given to `--pipeline` and written into vocabulary files.
    pub name: String,
    /// One line for people.
    pub description: String,
    /// Rules by which text is cut.
    pub chunk: ChunkSettings,
    /// Method by which items are found.
    pub method: Method,
    /// The instructions that a model gets.
    pub prompt: String,
    /// JSON Schema of an answer.
    pub schema: serde_json::Value,
    /// Provider that answers unless the command line says otherwise.
    pub provider: ProviderChoice,
}

/// Method by which items are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Candidates are found locally, then classified.
    Terms(TermSettings),
    /// Each chunk is a unit; items are found in it.
    Passages(PassageSettings),
}

impl Pipeline {
    /// Units in one request at most.
    pub fn units_per_request(&self) -> usize {
        match self.method {
            Method::Passages(_) => 1,
            Method::Terms(_) => self.provider.terms_per_request,
        }
    }
}

impl Method {
    /// Test whether each unit has a name, and its request is packed with units of the whole corpus; a passage has neither.
    pub fn names_units(&self) -> bool {
        matches!(self, Self::Terms(_))
    }
}

/// A provider and its model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProviderChoice {
    /// `local`, or a remote provider.
    pub name: String,
    /// Model, where the provider has models.
    pub model: Option<String>,
    /// Address at which it is asked: scheme, host and port. None for `local`.
    #[serde(default)]
    pub origin: Option<String>,
    /// Version of its interface, where it has versions.
    #[serde(default)]
    pub api_version: Option<String>,
    /// The most tokens that an answer may have. It decides no result: an answer that breaks off is asked for again with more.
    pub max_output_tokens: u32,
    /// Terms in one request.
    pub terms_per_request: usize,
    /// Limits of the account, unless the command line gives others.
    pub limits: AccountLimits,
    /// Way in which the model answers, as far as somebody has said it.
    #[serde(default)]
    pub settings: ModelSettings,
}

/// Limits of an account at a provider, a minute. They decide when something is asked, never what comes of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountLimits {
    /// Requests.
    pub rpm: Option<u64>,
    /// Input tokens.
    pub itpm: Option<u64>,
    /// Output tokens.
    pub otpm: Option<u64>,
    /// Input and output tokens together.
    pub tpm: Option<u64>,
}
