//! Reading a pipeline: a built-in one by name, anybody's own by path.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::explain::{explain_toml_error, nearest};
use super::questions::{self, ExampleFile, Meanings, SmallFile};
use crate::stages::chunk::ChunkSettings;
use crate::stages::extract::{PassageSettings, TermSettings};
use crate::stages::model_settings::{Effort, ModelSettings};
use crate::stages::pipeline::{
    AccountLimits, EarlierForm, MOST_TERMS_PER_REQUEST, Method, Pipeline, Profile, ProviderChoice, Shape,
};

/// Name of the pipeline that is used where none is named.
pub const DEFAULT: &str = "vocabulary";

/// A pipeline that is compiled in: its name, its file, and its files before, whose answers count.
type Builtin = (&'static str, &'static str, &'static [&'static str]);

/// The pipelines that are compiled in, the default first.
const BUILTIN: [Builtin; 3] = [
    (
        DEFAULT,
        include_str!("../../pipelines/vocabulary.toml"),
        &[include_str!("../../pipelines/earlier/vocabulary-1.toml")],
    ),
    (
        "glossary",
        include_str!("../../pipelines/glossary.toml"),
        &[include_str!("../../pipelines/earlier/glossary-1.toml")],
    ),
    (
        "entities",
        include_str!("../../pipelines/entities.toml"),
        &[include_str!("../../pipelines/earlier/entities-1.toml")],
    ),
];

/// A pipeline that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// No built-in has this name and no file is there.
    #[error(
        "there is no pipeline '{name}'{hint}; built in are {}, and a file is given by its path (for example ./mine.toml)",
        names()
    )]
    Unknown {
        /// Name that was asked for.
        name: String,
        /// "; did you mean ...?" or nothing.
        hint: String,
    },
    /// The file cannot be read.
    #[error("the pipeline file '{file}' cannot be read: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not what a pipeline file should be.
    #[error("{0}")]
    Broken(String),
}

fn names() -> String {
    builtin_names().collect::<Vec<_>>().join(", ")
}

/// Names of the built-in pipelines, the default first.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, ..)| *name)
}

/// The text of a built-in pipeline's file.
pub fn builtin_text(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, ..)| *known == name).map(|(_, text, _)| *text)
}

/// A built-in pipeline by its name, or a file by its path, for the kind of model that its file names.
///
/// # Errors
/// If there is none of that name, or its file is broken; the message tells line and column.
pub fn find(name_or_path: &str) -> Result<Pipeline, PipelineError> {
    Ok(find_for(name_or_path, None, None)?.pipeline)
}

/// A pipeline in the form that suits a model.
#[derive(Debug, Clone)]
pub struct Suited {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Billions of parameters in the model's name that decided for the small form; none where somebody did.
    pub billions: Option<f64>,
}

impl Suited {
    /// The form that was chosen, or else the file's own, or else the one that suits the model by its name.
    fn new(pipeline: Pipeline, chosen: Option<Profile>, model: Option<&str>) -> Self {
        let model = model.or(pipeline.provider.model.as_deref());
        let billions = model.and_then(Profile::few_billions).filter(|_| chosen.is_none() && pipeline.small.is_some());
        let by_name = if billions.is_some() { Profile::Small } else { Profile::Full };
        Self { pipeline: pipeline.for_profile(chosen.unwrap_or(by_name)), billions }
    }
}

/// As [`find`], for a kind of model, or else for the model of this name.
///
/// # Errors
/// As there.
pub fn find_for(name_or_path: &str, profile: Option<Profile>, model: Option<&str>) -> Result<Suited, PipelineError> {
    let here = Path::new(".");
    if let Some((_, text, before)) = BUILTIN.iter().find(|(known, ..)| *known == name_or_path) {
        let form = |text: &&str| {
            let Pipeline { prompt, schema, .. } = read(text, name_or_path, here)?.0;
            Ok(EarlierForm { prompt, schema })
        };
        let earlier = before.iter().map(form).collect::<Result<_, PipelineError>>()?;
        let (pipeline, own) = read(text, name_or_path, here)?;
        return Ok(Suited::new(Pipeline { earlier, ..pipeline }, profile.or(own), model));
    }
    let path = Path::new(name_or_path);
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let (pipeline, own) = read(&text, name_or_path, path.parent().unwrap_or(here))?;
            Ok(Suited::new(pipeline, profile.or(own), model))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(PipelineError::Unknown {
            name: name_or_path.to_owned(),
            hint: nearest(name_or_path, builtin_names()).map(|n| format!("; did you mean '{n}'?")).unwrap_or_default(),
        }),
        Err(source) => Err(PipelineError::Read { file: path.to_path_buf(), source }),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PipelineFile {
    name: String,
    description: String,
    method: MethodName,
    chunk: ChunkSettings,
    terms: Option<TermSettings>,
    passages: Option<PassageSettings>,
    provider: ProviderFile,
    prompt: Option<String>,
    prompt_file: Option<PathBuf>,
    schema: Option<String>,
    schema_file: Option<PathBuf>,
    item: Option<String>,
    item_file: Option<PathBuf>,
    #[serde(default)]
    values: Meanings,
    language: Option<String>,
    #[serde(default)]
    examples: Vec<ExampleFile>,
    small: Option<SmallFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum MethodName {
    Terms,
    Passages,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderFile {
    name: String,
    model: Option<String>,
    #[serde(default = "max_output_tokens")]
    max_output_tokens: u32,
    #[serde(default = "terms_per_request")]
    terms_per_request: usize,
    #[serde(default)]
    limits: AccountLimits,
    #[serde(default)]
    profile: Option<Profile>,
    effort: Option<Effort>,
    temperature: Option<f64>,
    seed: Option<u32>,
    #[serde(default)]
    stop: Vec<String>,
    #[serde(default)]
    extra_body: serde_json::Map<String, serde_json::Value>,
}

fn max_output_tokens() -> u32 {
    4096
}

fn terms_per_request() -> usize {
    20
}

/// The pipeline that a file describes, and the kind of model that it names.
fn read(text: &str, file: &str, folder: &Path) -> Result<(Pipeline, Option<Profile>), PipelineError> {
    let broken = |reason: String| PipelineError::Broken(format!("the pipeline {file}: {reason}"));
    let parsed: PipelineFile = toml::from_str(text)
        .map_err(|e| PipelineError::Broken(format!("the pipeline {}", explain_toml_error(file, text, &e))))?;
    let method = match (parsed.method, parsed.terms, parsed.passages) {
        (MethodName::Terms, Some(terms), None) => Method::Terms(terms),
        (MethodName::Passages, None, Some(passages)) => Method::Passages(passages),
        (MethodName::Terms, ..) => return Err(broken("method \"terms\" needs a table [terms] and no other".into())),
        (MethodName::Passages, ..) => {
            return Err(broken("method \"passages\" needs a table [passages] and no other".into()));
        }
    };
    if parsed.chunk.max_tokens < 16 || parsed.chunk.overlap_tokens * 2 > parsed.chunk.max_tokens {
        return Err(broken(format!(
            "[chunk] max_tokens = {} and overlap_tokens = {} do not fit together; give at least 16 tokens, and an overlap of at most half of them",
            parsed.chunk.max_tokens, parsed.chunk.overlap_tokens
        )));
    }
    let prompt = inline_or_file(("prompt", parsed.prompt, parsed.prompt_file), folder, &broken)?;
    let of_item = parsed.item.is_some() || parsed.item_file.is_some();
    let (shape, schema) = match (of_item, parsed.schema.is_some() || parsed.schema_file.is_some()) {
        (true, true) => {
            return Err(broken("give the schema of one item (item) or of a whole answer (schema), not both".into()));
        }
        (true, false) => (Shape::Item, ("item", parsed.item, parsed.item_file)),
        (false, _) => (Shape::Answer, ("schema", parsed.schema, parsed.schema_file)),
    };
    let schema_text = inline_or_file(schema, folder, &broken)?;
    let schema = serde_json::from_str(&schema_text).map_err(|e| {
        let line = schema_text.lines().nth(e.line().saturating_sub(1)).unwrap_or_default();
        broken(format!("its schema is not valid JSON: {e} (counted from the schema's first line)\n    {line}"))
    })?;
    let values = questions::meanings(&schema, shape, parsed.values).map_err(&broken)?;
    let examples = questions::examples(&method, parsed.examples).map_err(&broken)?;
    let small = parsed.small.map(|small| questions::small(&method, small)).transpose().map_err(&broken)?;
    let given = parsed.provider;
    if given.max_output_tokens < 64 || !(1..=MOST_TERMS_PER_REQUEST).contains(&given.terms_per_request) {
        return Err(broken(format!(
            "[provider] max_output_tokens = {} and terms_per_request = {}: give at least 64 tokens, and 1 to {MOST_TERMS_PER_REQUEST} terms",
            given.max_output_tokens, given.terms_per_request
        )));
    }
    let provider = ProviderChoice {
        name: given.name,
        model: given.model,
        origin: None,
        api_version: None,
        max_output_tokens: given.max_output_tokens,
        terms_per_request: given.terms_per_request,
        limits: given.limits,
        settings: ModelSettings {
            effort: given.effort,
            temperature: given.temperature,
            seed: given.seed,
            stop: given.stop,
            extra_body: given.extra_body,
        },
    };
    let pipeline = Pipeline {
        name: parsed.name,
        description: parsed.description,
        chunk: parsed.chunk,
        method,
        prompt,
        schema,
        shape,
        values,
        language: parsed.language.map(language),
        examples,
        earlier: Vec::new(),
        small,
        provider,
    };
    questions::check(&pipeline).map_err(&broken)?;
    Ok((pipeline, given.profile))
}

/// The language of a model's own words, in words.
fn language(given: String) -> String {
    if given == "book" { "the language of the book".to_owned() } else { given }
}

fn inline_or_file(
    (key, inline, file): (&str, Option<String>, Option<PathBuf>),
    folder: &Path,
    broken: &impl Fn(String) -> PipelineError,
) -> Result<String, PipelineError> {
    match (inline, file) {
        (Some(text), None) => Ok(text),
        (None, Some(file)) => std::fs::read_to_string(folder.join(&file))
            .map_err(|e| broken(format!("{key}_file = \"{}\" cannot be read: {e}", file.display()))),
        (Some(_), Some(_)) => Err(broken(format!("give either {key} or {key}_file, not both"))),
        (None, None) => Err(broken(format!("it needs a {key}, inline as {key} or in a file of its own as {key}_file"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_pipeline_loads_under_its_own_name() {
        for name in builtin_names() {
            let pipeline = find(name).unwrap();
            assert_eq!(pipeline.name, name);
            jsonschema::validator_for(&pipeline.schema).unwrap();
        }
    }

    fn broken(from: &str, to: &str) -> String {
        let text = builtin_text("vocabulary").unwrap();
        assert!(text.contains(from));
        read(&text.replacen(from, to, 1), "mine.toml", Path::new(".")).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_key_is_shown_with_its_place_and_the_nearest_right_one() {
        let message = broken("max_tokens", "max_tokns");
        assert!(message.contains("mine.toml, line ") && message.contains("did you mean 'max_tokens'?"), "{message}");
        assert!(message.contains("max_tokns ="), "the line itself is shown: {message}");
    }

    #[test]
    fn wrong_types_syntax_schemas_and_files_are_explained() {
        assert!(broken("max_tokens = 1500", "max_tokens = \"many\"").contains("line "));
        assert!(broken("[chunk]", "[chunk").contains("line "));
        assert!(broken("\"type\": \"object\"", "\"type\": object").contains("not valid JSON"));
        assert!(broken("method = \"terms\"", "method = \"passages\"").contains("needs a table [passages]"));
        assert!(broken("overlap_tokens = 150", "overlap_tokens = 1400").contains("at most half"));
        let error = find("vocabularly").unwrap_err().to_string();
        assert!(error.contains("did you mean 'vocabulary'?"), "{error}");
    }
}
