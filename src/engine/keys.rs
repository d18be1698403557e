//! Keys of stages and of questions: what decides a result. An equal key means an interchangeable result.
//!
//! Settings are taken apart to their last field, so that a new one does not compile before somebody has said here whether it
//! is part of a key. The keys of fixed settings are frozen by a test: a store on disk holds them.

use serde_json::{Value, json};

use crate::stages::chunk::ChunkSettings;
use crate::stages::extract::{PassageSettings, TermSettings, Wanted, local};
use crate::stages::model_settings::ModelSettings;
use crate::stages::parse::{OcrMode, OcrSettings};
use crate::stages::pipeline::{EarlierForm, Method, Pipeline, ProviderChoice, Shape};
use crate::stages::{chunk as chunker, parse as parser, write as renderer};
use crate::values::{Choice, Fingerprint, KeyWriter, canonical_json};

/// Everything that decides what a run makes of a document, apart from the document.
pub(super) struct Deciding<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) ocr: &'a OcrSettings,
    /// SHA-256 of what the blocklist flags, hexadecimal.
    pub(super) blocklist: Option<String>,
    pub(super) question: Fingerprint,
}

/// The key of what is asked about a unit. Output budget, limits and prices are no part of it: an answer stays good whatever they are. Of the
/// schema it is the canonical text that counts, so that the order of fields, which a model is sent, orphans no answer.
pub(super) fn question(pipeline: &Pipeline) -> Fingerprint {
    let Pipeline { prompt, schema, .. } = pipeline;
    let key = of_form(&pipeline.provider, prompt, schema);
    let Pipeline {
        name: _,
        description: _,
        chunk: _,
        method: _,
        prompt: _,
        schema: _,
        shape,
        values,
        language,
        examples,
        earlier: _,
        small: _,
        provider: _,
    } = pipeline;
    if *shape == Shape::Answer && values.is_empty() && language.is_none() && examples.is_empty() {
        return key.finish();
    }
    let further = json!({"shape": shape, "values": values, "language": language, "examples": examples});
    key.text(&canonical_json(&further)).finish()
}

/// The keys of the earlier forms of a question: what answers one of them answers the question.
pub(super) fn earlier_questions(pipeline: &Pipeline) -> Vec<Fingerprint> {
    let of = |form: &EarlierForm| of_form(&pipeline.provider, &form.prompt, &form.schema).finish();
    pipeline.earlier.iter().map(of).collect()
}

fn of_form(provider: &ProviderChoice, prompt: &str, schema: &Value) -> KeyWriter {
    let ProviderChoice {
        name,
        model,
        origin,
        api_version,
        max_output_tokens: _,
        terms_per_request: _,
        limits: _,
        settings,
    } = provider;
    let key = KeyWriter::new("question").text(name).optional(model.as_deref());
    let key = match origin {
        None => key.number(u64::from(local::VERSION)),
        // What a rehearsal said is never taken for a provider's word.
        Some(origin) => key.text(origin).optional(api_version.as_deref()),
    };
    let key = key.text(prompt).text(&canonical_json(schema));
    // The embedded provider has no model that could answer in another way.
    if origin.is_some() { model_settings(key, settings) } else { key }
}

/// Adds what somebody said of the way in which the model answers. What nobody said adds nothing, so that keys of before stay.
fn model_settings(key: KeyWriter, settings: &ModelSettings) -> KeyWriter {
    let ModelSettings { effort, temperature, seed, stop, extra_body } = settings;
    let key = effort.iter().fold(key, |key, effort| key.text("effort").text(effort.word()));
    let key = temperature.iter().fold(key, |key, t| key.text("temperature").number(t.to_bits()));
    let key = seed.iter().fold(key, |key, seed| key.text("seed").number(u64::from(*seed)));
    let key = stop.iter().fold(key, |key, stop| key.text("stop").text(stop));
    match extra_body.is_empty() {
        true => key,
        false => key.text("extra_body").text(&canonical_json(&Value::Object(extra_body.clone()))),
    }
}

pub(super) fn question_spec(pipeline: &Pipeline) -> Value {
    let provider = &pipeline.provider;
    let mut spec = json!({"provider": provider.name, "model": provider.model, "origin": provider.origin,
        "prompt": short(&pipeline.prompt), "schema": short(&canonical_json(&pipeline.schema))});
    if !provider.settings.is_empty() {
        spec["settings"] = json!(provider.settings);
    }
    spec
}

/// The languages that recognition reads; none where it is off, so that they decide nothing then.
fn languages(ocr: &OcrSettings) -> Option<&str> {
    // Whether the program is there decides nothing either, nor do passwords: a document that lacked one is taken up with `--retry-failed`.
    let OcrSettings { mode, languages, program: _, under: _, needs: _, page_time: _, at_once: _ } = ocr;
    Some(languages.as_str()).filter(|_| *mode != OcrMode::Off)
}

pub(super) fn parse(deciding: &Deciding<'_>, key: KeyWriter) -> KeyWriter {
    key.text(deciding.ocr.mode.name()).optional(languages(deciding.ocr))
}

pub(super) fn parse_spec(deciding: &Deciding<'_>) -> Value {
    json!({"parser": parser::VERSION, "ocr": deciding.ocr.mode.name(), "ocr_languages": languages(deciding.ocr)})
}

pub(super) fn chunk(deciding: &Deciding<'_>, key: KeyWriter) -> KeyWriter {
    let ChunkSettings { max_tokens, overlap_tokens } = deciding.pipeline.chunk;
    key.number(max_tokens.into()).number(overlap_tokens.into())
}

pub(super) fn chunk_spec(deciding: &Deciding<'_>) -> Value {
    let ChunkSettings { max_tokens, overlap_tokens } = deciding.pipeline.chunk;
    json!({"chunker": chunker::VERSION, "max_tokens": max_tokens, "overlap_tokens": overlap_tokens})
}

pub(super) fn extract(deciding: &Deciding<'_>, key: KeyWriter) -> KeyWriter {
    let is_remote = deciding.pipeline.provider.origin.is_some();
    let key = match &deciding.pipeline.method {
        Method::Terms(settings) => {
            let TermSettings { per_thousand_words, minimum, maximum, sure_from, max_words, max_occurrences, wanted } =
                settings;
            let key = key
                .text("terms")
                .number(per_thousand_words.to_bits())
                .number(*minimum as u64)
                .number(*maximum as u64)
                .number(*max_words as u64)
                .number(*max_occurrences as u64);
            let key = match wanted {
                Wanted::Terms => key,
                Wanted::Names => key.text("names"),
            };
            let key = match sure_from {
                None => key,
                Some(score) => key.text("sure from").number(score.to_bits()),
            };
            // Candidates are found here whoever classifies them. The question of the embedded provider holds this version already.
            if is_remote { key.number(u64::from(local::VERSION)) } else { key }
        }
        Method::Passages(PassageSettings { max_items, term_field, evidence_field }) => {
            if is_remote {
                key.text("grounded passages")
                    .number(*max_items as u64)
                    .text(term_field)
                    .optional(evidence_field.as_deref())
            } else {
                // The embedded provider names no fields.
                key.text("passages").number(*max_items as u64)
            }
        }
    };
    key.key(&deciding.question)
}

pub(super) fn extract_spec(deciding: &Deciding<'_>) -> Value {
    let Pipeline { name, method, prompt, provider, .. } = deciding.pipeline;
    json!({"pipeline": name, "method": method, "provider": provider.name, "model": provider.model, "prompt": short(prompt)})
}

pub(super) fn write(deciding: &Deciding<'_>, key: KeyWriter) -> KeyWriter {
    let provider = &deciding.pipeline.provider;
    key.text(&deciding.pipeline.name)
        .text(&provider.name)
        .optional(provider.model.as_deref())
        .optional(deciding.blocklist.as_deref())
}

pub(super) fn write_spec(deciding: &Deciding<'_>) -> Value {
    let blocklist = deciding.blocklist.as_ref().map(|hash| hash[..12].to_owned());
    json!({"renderer": renderer::VERSION, "pipeline": deciding.pipeline.name, "blocklist": blocklist})
}

/// Enough of a hash to tell two texts apart in a description.
fn short(text: &str) -> String {
    Fingerprint::of(text.as_bytes()).hex()[..12].to_owned()
}
