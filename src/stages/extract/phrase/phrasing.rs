//! All that requests of one run have in common.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::instructions::{example_answer, instructions};
use super::{Unit, answer_schema, told};
use crate::stages::chunk::estimate_tokens;
use crate::stages::extract::guess::guessed_term_output;
use crate::stages::pipeline::{Example, Pipeline, Shape};

/// Tokens that a vendor adds to a prompt of two messages.
const AROUND: u64 = 16;

/// Phrasing of a pipeline's requests: instructions, schemas by number of units, and the text about some units.
#[derive(Debug)]
pub struct Phrasing {
    /// Instructions, with the fields, their values and the examples.
    pub instructions: Arc<str>,
    /// Name of the schema: ASCII letters, digits, `_` and `-`, at most 64.
    pub schema_name: Arc<str>,
    pipeline: Pipeline,
    overhead: u64,
    term_output: u64,
    /// By number of units, from one on.
    schemas: Vec<OnceLock<Arc<Value>>>,
}

impl Phrasing {
    /// The phrasing of a pipeline's requests.
    pub fn new(pipeline: &Pipeline) -> Self {
        let most = pipeline.units_per_request().max(1);
        let instructions = instructions(pipeline);
        let schema = answer_schema(pipeline, most);
        let overhead = u64::from(estimate_tokens(&instructions) + estimate_tokens(&schema.to_string())) + AROUND;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name: String = pipeline.name.chars().map(|c| if fits(c) { c } else { '_' }).take(64).collect();
        Self {
            instructions: instructions.into(),
            schema_name: if name.is_empty() { "answer".into() } else { name.into() },
            overhead,
            term_output: term_output(pipeline),
            schemas: (0..most).map(|_| OnceLock::new()).collect(),
            pipeline: pipeline.clone(),
        }
    }

    /// The schema of the answer to a request about so many units, of which there is at least one.
    pub fn schema(&self, units: usize) -> Arc<Value> {
        let make = || Arc::new(answer_schema(&self.pipeline, units));
        match units.checked_sub(1).and_then(|n| self.schemas.get(n)) {
            Some(known) => Arc::clone(known.get_or_init(make)),
            None => make(),
        }
    }

    /// The text of a request about some units.
    pub fn told(&self, units: &[Unit]) -> String {
        told(units, self.pipeline.shape)
    }

    /// Output budget of a first request.
    pub fn max_output_tokens(&self) -> u32 {
        self.pipeline.provider.max_output_tokens
    }

    /// Estimated tokens of what a request has beside what it tells of its units.
    pub fn overhead(&self) -> u64 {
        self.overhead
    }

    /// Output tokens that one term's answer may come to, before any was heard.
    pub fn guessed_term_output(&self) -> u64 {
        self.term_output
    }
}

/// As in the worked examples, where there are any.
fn term_output(pipeline: &Pipeline) -> u64 {
    let items: Vec<&Value> = pipeline
        .examples
        .iter()
        .filter_map(|example| match example {
            Example::Term { item, .. } => Some(item),
            Example::Passage { .. } => None,
        })
        .collect();
    match (items.len() as u64, pipeline.shape) {
        (0, Shape::Answer) => guessed_term_output(&pipeline.schema),
        (0, Shape::Item) => guessed_term_output(&pipeline.schema) + 4,
        (n, _) => u64::from(estimate_tokens(&example_answer(pipeline, &items).to_string())).div_ceil(n),
    }
}
