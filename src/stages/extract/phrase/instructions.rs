//! The instructions of a pipeline, whole: what the file says, the fields with the values that they take, and the worked examples.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::Unit;
use super::told;
use crate::stages::pipeline::{Example, Method, Pipeline, Shape};

/// The instructions of a pipeline; equal in all its requests.
pub(super) fn instructions(pipeline: &Pipeline) -> String {
    let mut out = pipeline.prompt.trim_end().to_owned();
    if pipeline.shape == Shape::Item {
        out += "\n\nFields of an item:\n";
        for (name, schema) in pipeline.schema["properties"].as_object().into_iter().flatten() {
            field(&mut out, name, schema, pipeline);
        }
    } else {
        for (name, meanings) in &pipeline.values {
            let _ = write!(out, "\n\nValues of {name}:\n");
            values(&mut out, meanings);
        }
    }
    if let Some(language) = &pipeline.language {
        let _ = write!(out, "\nWrite words of your own in {language}.\n");
    }
    examples(&mut out, pipeline);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// A field with its meaning and its values.
fn field(out: &mut String, name: &str, schema: &Value, pipeline: &Pipeline) {
    let meaning = schema["description"].as_str().unwrap_or_default();
    let _ = writeln!(out, "- {name}: {}", meaning.trim());
    values(out, pipeline.values.get(name).map_or(&[], Vec::as_slice));
}

/// Values with a line of meaning each, in the order of the schema.
fn values(out: &mut String, meanings: &[(String, String)]) {
    for (value, meaning) in meanings {
        let _ = writeln!(out, "  - {value}: {meaning}");
    }
}

fn examples(out: &mut String, pipeline: &Pipeline) {
    match pipeline.method {
        Method::Passages(_) => {
            for example in &pipeline.examples {
                let Example::Passage { passage, items } = example else { continue };
                let unit = Unit { text: passage.as_str().into(), ..Unit::default() };
                let answer = json!({list_name(pipeline): items});
                let _ = write!(out, "\nExample:\n{}Answer:\n{answer}\n", told(&[unit], pipeline.shape));
            }
        }
        Method::Terms(_) => {
            let (units, items): (Vec<Unit>, Vec<&Value>) = pipeline
                .examples
                .iter()
                .filter_map(|example| match example {
                    Example::Term { text, sentence, heading, item } => {
                        let unit = Unit {
                            name: Some(text.clone()),
                            text: sentence.as_str().into(),
                            heading: heading.as_str().into(),
                            ..Unit::default()
                        };
                        Some((unit, item))
                    }
                    Example::Passage { .. } => None,
                })
                .unzip();
            if !units.is_empty() {
                let answer = example_answer(pipeline, &items);
                let _ = write!(out, "\nExample:\n{}Answer:\n{answer}\n", told(&units, pipeline.shape));
            }
        }
    }
}

/// The whole answer of which these are the items, in order.
pub(super) fn example_answer(pipeline: &Pipeline, items: &[&Value]) -> Value {
    match pipeline.shape {
        Shape::Item => Value::Object((1..).zip(items).map(|(n, item)| (n.to_string(), (*item).clone())).collect()),
        Shape::Answer => json!({list_name(pipeline): items}),
    }
}

/// Name of the list in an answer that is one.
fn list_name(pipeline: &Pipeline) -> String {
    let properties: Option<&Map<String, Value>> = pipeline.schema["properties"].as_object();
    let named = properties.filter(|_| pipeline.shape == Shape::Answer).into_iter().flatten();
    named.into_iter().find(|(_, p)| p["type"] == "array").map_or("items".to_owned(), |(name, _)| name.clone())
}
