//! Contents of a pipeline file, as data; reading the files is the edge's work.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chunk::ChunkSettings;
use super::extract::{PassageSettings, TermSettings};
use super::model_settings::ModelSettings;
use crate::values::Choice;

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
    /// The instructions that a model gets, before the fields, values and examples below.
    pub prompt: String,
    /// JSON Schema of what `shape` says, its properties in the order in which a model shall write them.
    pub schema: Value,
    /// Part of an answer that the schema describes.
    pub shape: Shape,
    /// Values of fields, with a line of meaning each, in the schema's order; by field.
    pub values: BTreeMap<String, Vec<(String, String)>>,
    /// Language in which a model writes words of its own, in words; none if that is left to it.
    pub language: Option<String>,
    /// Worked examples, which fit the schema.
    pub examples: Vec<Example>,
    /// Earlier forms of a built-in pipeline: what was paid for under one of them is an answer to this.
    pub earlier: Vec<EarlierForm>,
    /// The same asked in less, for small models.
    pub small: Option<SmallForm>,
    /// Provider that answers unless the command line says otherwise.
    pub provider: ProviderChoice,
}

/// Part of an answer that a pipeline's schema describes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// The whole answer: an object with a list of items, each of which names its term.
    #[default]
    Answer,
    /// One item. The program makes the answer of it: for terms an object with an item under each number, so that nothing is echoed, counted
    /// or reordered; for passages a list.
    Item,
}

/// A worked example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Example {
    /// Of the method `terms`.
    Term {
        /// The term.
        text: String,
        /// A sentence in which it stands.
        sentence: String,
        /// Headings under which that stands; empty if it is to be told of none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        heading: String,
        /// Its item.
        item: Value,
    },
    /// Of the method `passages`.
    Passage {
        /// The passage.
        passage: String,
        /// What is found in it.
        items: Vec<Value>,
    },
}

/// Instructions and schema (of a whole answer) that a built-in pipeline had before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EarlierForm {
    /// The instructions.
    pub prompt: String,
    /// JSON Schema of a whole answer.
    pub schema: Value,
}

/// Kind of model that a pipeline is asked of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// One that answers all fields of many terms at once.
    #[default]
    Full,
    /// One of some billion parameters or fewer.
    Small,
}

impl Choice for Profile {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Full, "full", "Everything that the pipeline asks for"),
        (Self::Small, "small", "Fewer fields of fewer terms at once, for small models on one's own machine"),
    ];
}

/// Billions of parameters up to which a model is asked in the small form, unless a person says otherwise: one with 1.5 gave every term of a
/// pack the same eight fields, and told terms apart in four of them.
const SMALL: f64 = 4.0;

impl Profile {
    /// Billions of parameters that a model's name tells, if they are so few that the small form suits it: `llama3.2:3b`,
    /// `qwen2.5-coder-1.5b-instruct`, `gemma-3n-e2b`, `smollm2-135m`.
    pub fn few_billions(model: &str) -> Option<f64> {
        let words = model.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
        let told = words.filter_map(|word| {
            let word = word.to_ascii_lowercase();
            let (number, unit) = match word.strip_suffix('b') {
                Some(number) => (number.strip_prefix('e').unwrap_or(number), 1.0),
                None => (word.strip_suffix('m')?, 0.001),
            };
            Some(number.parse::<f64>().ok()? * unit)
        });
        told.into_iter().next().filter(|billions| *billions <= SMALL)
    }
}

/// Terms that one request may ask about.
pub const MOST_TERMS_PER_REQUEST: usize = 200;

/// Form of a pipeline for small models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmallForm {
    /// Fields of an item that are asked for; all if there are none.
    pub fields: Vec<String>,
    /// Worked examples beside those for any model, of items with all fields.
    pub examples: Vec<Example>,
    /// Terms in one request, of a pipeline with terms; as for any model if it is not given.
    pub terms_per_request: Option<usize>,
    /// Items of one passage, of a pipeline with passages; as for any model if it is not given.
    pub max_items: Option<usize>,
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

    /// The pipeline as it is asked of a kind of model.
    #[must_use]
    pub fn for_profile(self, profile: Profile) -> Self {
        match profile {
            Profile::Full => self,
            Profile::Small => self.for_small_models(),
        }
    }

    /// The pipeline as it is asked of a small model: fewer terms in a request or fewer items of a passage, fewer fields, and the examples with these alone. It is
    /// another question. Nothing changes where the pipeline has no such form.
    #[must_use]
    pub fn for_small_models(mut self) -> Self {
        let Some(small) = self.small.take() else { return self };
        self.provider.terms_per_request = small.terms_per_request.unwrap_or(self.provider.terms_per_request);
        if let Method::Passages(settings) = &mut self.method {
            settings.max_items = small.max_items.unwrap_or(settings.max_items);
        }
        let keeps = |name: &str| small.fields.is_empty() || small.fields.iter().any(|field| field == name);
        if let Some(properties) = self.schema["properties"].as_object_mut() {
            properties.retain(|name, _| keeps(name));
        }
        if let Some(required) = self.schema["required"].as_array_mut() {
            required.retain(|name| name.as_str().is_some_and(keeps));
        }
        self.values.retain(|name, _| keeps(name));
        self.examples.extend(small.examples);
        for example in &mut self.examples {
            let items = match example {
                Example::Term { item, .. } => std::slice::from_mut(item),
                Example::Passage { items, .. } => items.as_mut_slice(),
            };
            items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| item.retain(|name, _| keeps(name)));
        }
        self.earlier.clear();
        self
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
