//! What decides a stage's result: fingerprints of stages and of questions.

use serde_json::json;

use crate::stages::extract::local;
use crate::stages::parse::{OcrMode, OcrSettings};
use crate::stages::pipeline::{Method, Pipeline};
use crate::stages::write::Blocklist;
use crate::stages::{chunk, extract, parse, write};
use crate::store::{FpId, Session, StageFps, StoreError};
use crate::values::{Fingerprint, KeyWriter};

/// The key of each stage and a description for people. An equal key means an interchangeable result.
#[derive(Debug, Clone, PartialEq)]
pub struct StageKeys {
    /// `parse`: depends on the parser's version and on how pages that are pictures are read. Passwords are no part of it, nor is
    /// whether the program for it is there: a document that lacks either is taken up with `--retry-failed`.
    pub parse: Fingerprint,
    /// `chunk`.
    pub chunk: Fingerprint,
    /// What is asked of a provider about a unit, whatever document the unit stands in.
    pub question: Fingerprint,
    /// `extract`.
    pub extract: Fingerprint,
    /// `write`.
    pub write: Fingerprint,
    specs: [serde_json::Value; 5],
}

fn stage(name: &str, version: u32) -> KeyWriter {
    KeyWriter::new("stage").text(name).number(u64::from(version))
}

impl StageKeys {
    /// The keys of a pipeline over documents that are parsed so, and of the list that flags its terms.
    pub fn of(pipeline: &Pipeline, ocr: &OcrSettings, blocklist: Option<&Blocklist>) -> Self {
        let provider = &pipeline.provider;
        let blocklist = blocklist.map(|list| list.fingerprint().hex());
        let languages = Some(ocr.languages.as_str()).filter(|_| ocr.mode != OcrMode::Off);
        let parse = stage("parse", parse::VERSION).text(ocr.mode.name()).optional(languages).finish();
        let cut = &pipeline.chunk;
        let chunk = stage("chunk", chunk::VERSION)
            .number(cut.max_tokens.into())
            .number(cut.overlap_tokens.into())
            .key(&parse)
            .finish();
        let question = KeyWriter::new("question").text(&provider.name).optional(provider.model.as_deref());
        let question = match &provider.origin {
            None => question.number(u64::from(local::VERSION)),
            // What a rehearsal said is never taken for a provider's word.
            Some(origin) => question.text(origin).optional(provider.api_version.as_deref()),
        };
        let question = question.text(&pipeline.prompt).text(&pipeline.schema.to_string()).finish();
        let extract = stage("extract", extract::VERSION);
        let extract = match &pipeline.method {
            Method::Terms(t) => extract
                .text("terms")
                .number(t.per_thousand_words.to_bits())
                .number(t.minimum as u64)
                .number(t.maximum as u64)
                .number(t.max_words as u64)
                .number(t.max_occurrences as u64),
            Method::Passages(p) if provider.origin.is_none() => extract.text("passages").number(p.max_items as u64),
            Method::Passages(p) => extract
                .text("grounded passages")
                .number(p.max_items as u64)
                .text(&p.term_field)
                .optional(p.evidence_field.as_deref()),
        };
        let extract = extract.key(&question).key(&chunk).finish();
        let write = stage("write", write::VERSION)
            .text(&pipeline.name)
            .text(&provider.name)
            .optional(provider.model.as_deref())
            .optional(blocklist.as_deref())
            .key(&extract)
            .finish();
        let specs = [
            json!({"parser": parse::VERSION, "ocr": ocr.mode.name(), "ocr_languages": languages}),
            json!({"chunker": chunk::VERSION, "max_tokens": cut.max_tokens, "overlap_tokens": cut.overlap_tokens}),
            json!({"provider": provider.name, "model": provider.model, "origin": provider.origin, "prompt": short(&pipeline.prompt),
                   "schema": short(&pipeline.schema.to_string())}),
            json!({"pipeline": pipeline.name, "method": pipeline.method, "provider": provider.name,
                   "model": provider.model, "prompt": short(&pipeline.prompt)}),
            json!({"renderer": write::VERSION, "pipeline": pipeline.name, "blocklist": blocklist.map(|hash| hash[..12].to_owned())}),
        ];
        Self { parse, chunk, question, extract, write, specs }
    }

    /// Interns the keys in a store.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn intern(&self, session: &mut Session) -> Result<(StageFps, FpId), StoreError> {
        let spec = |n: usize| self.specs[n].to_string();
        let parse = session.intern("parse", None, &self.parse, &spec(0))?;
        let chunk = session.intern("chunk", Some(parse), &self.chunk, &spec(1))?;
        let question = session.intern("question", None, &self.question, &spec(2))?;
        let extract = session.intern("extract", Some(chunk), &self.extract, &spec(3))?;
        let write = session.intern("write", Some(extract), &self.write, &spec(4))?;
        Ok((StageFps { parse, chunk, extract, write }, question))
    }
}

/// Enough of a hash to tell two texts apart in a description.
fn short(text: &str) -> String {
    Fingerprint::of(text.as_bytes()).hex()[..12].to_owned()
}
