//! What a pipeline file says beside prompt and schema: values with their meaning, worked examples, the form for small models. All of it is
//! held against the schema when the file is read.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::stages::extract::AnswerSchema;
use crate::stages::pipeline::{Example, MOST_TERMS_PER_REQUEST, Method, Pipeline, Shape, SmallForm};

/// Meanings of values as a file gives them: by field, then by value.
pub(super) type Meanings = BTreeMap<String, BTreeMap<String, String>>;

/// A worked example as a file gives it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExampleFile {
    text: Option<String>,
    sentence: Option<String>,
    heading: Option<String>,
    passage: Option<String>,
    /// JSON: the item of a term, or the list of items of a passage.
    answer: String,
}

/// The form for small models as a file gives it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SmallFile {
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    examples: Vec<ExampleFile>,
    terms_per_request: Option<usize>,
    max_items: Option<usize>,
}

/// The form for small models, before it is held against the schema.
pub(super) fn small(method: &Method, given: SmallFile) -> Result<SmallForm, String> {
    let SmallFile { fields, examples: given, terms_per_request, max_items } = given;
    let examples = examples(method, given).map_err(|words| format!("in [small], {words}"))?;
    Ok(SmallForm { fields, examples, terms_per_request, max_items })
}

/// The schema of an item, as far as it names fields: those of `Shape::Answer` stand below its list.
fn item_of(schema: &Value, shape: Shape) -> &Value {
    match shape {
        Shape::Item => schema,
        Shape::Answer => {
            let mut lists = schema["properties"].as_object().into_iter().flatten();
            lists.find(|(_, p)| p["type"] == "array").map_or(&Value::Null, |(_, p)| &p["items"])
        }
    }
}

/// The meanings, each field's in the order of its values in the schema.
pub(super) fn meanings(
    schema: &Value,
    shape: Shape,
    given: Meanings,
) -> Result<BTreeMap<String, Vec<(String, String)>>, String> {
    let item = item_of(schema, shape);
    let mut ordered = BTreeMap::new();
    for (field, mut meanings) in given {
        let property = item["properties"].get(&field);
        let property =
            property.ok_or_else(|| format!("[values.{field}] is of a field that its schema does not have"))?;
        let listed = values_of(property);
        let of_field: Vec<(String, String)> =
            listed.iter().filter_map(|value| Some((value.clone(), meanings.remove(value)?))).collect();
        if let Some(foreign) = meanings.keys().next() {
            return Err(format!(
                "[values.{field}] explains '{foreign}', which is none of its values in the schema ({})",
                listed.join(", ")
            ));
        }
        ordered.insert(field, of_field);
    }
    Ok(ordered)
}

/// The values that a field takes, or of its items' field where it is a list of objects with one.
fn values_of(property: &Value) -> Vec<String> {
    let within = || property["items"]["properties"].as_object().into_iter().flatten().map(|(_, p)| p);
    let places = [property, &property["items"]].into_iter().chain(within());
    let listed = places.filter_map(|place| place["enum"].as_array()).next();
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    listed.into_iter().flatten().map(word).collect()
}

/// The examples, before they are held against the schema.
pub(super) fn examples(method: &Method, given: Vec<ExampleFile>) -> Result<Vec<Example>, String> {
    (1..)
        .zip(given)
        .map(|(n, example)| read(method, example).map_err(|words| format!("its example {n} {words}")))
        .collect()
}

fn read(method: &Method, example: ExampleFile) -> Result<Example, String> {
    let answer: Value = serde_json::from_str(&example.answer)
        .map_err(|e| format!("has an answer that is not valid JSON: {e}\n    {}", example.answer.trim()))?;
    match (method, example.text, example.sentence, example.passage) {
        (Method::Terms(_), Some(text), Some(sentence), None) => {
            let heading = example.heading.unwrap_or_default();
            Ok(Example::Term { text, sentence, heading, item: answer })
        }
        (Method::Passages(_), None, None, Some(passage)) if example.heading.is_none() => match answer {
            Value::Array(items) => Ok(Example::Passage { passage, items }),
            _ => {
                Err("has an answer that is no list; give the list of the items that are to be found in its passage"
                    .into())
            }
        },
        (Method::Terms(_), ..) => Err("needs a text, a sentence in which it stands, and an answer".into()),
        (Method::Passages(_), ..) => Err("needs a passage, and an answer with the list of its items".into()),
    }
}

/// Holds the examples and the form for small models against the schema.
pub(super) fn check(pipeline: &Pipeline) -> Result<(), String> {
    fit(pipeline)?;
    let Some(SmallForm { fields, terms_per_request, max_items, examples: _ }) = &pipeline.small else { return Ok(()) };
    if pipeline.shape != Shape::Item {
        return Err("a table [small] needs the schema of one item (item, not schema)".into());
    }
    if let Some(terms) = terms_per_request.filter(|terms| !(1..=MOST_TERMS_PER_REQUEST).contains(terms)) {
        return Err(format!("[small] terms_per_request = {terms}: give 1 to {MOST_TERMS_PER_REQUEST} terms"));
    }
    match (&pipeline.method, max_items) {
        (Method::Terms(_), Some(items)) => {
            return Err(format!("[small] max_items = {items} is of passages; for terms give terms_per_request"));
        }
        (Method::Passages(_), Some(0)) => return Err("[small] max_items = 0: give at least one item".into()),
        _ => {}
    }
    if let Some(foreign) = fields.iter().find(|field| pipeline.schema["properties"].get(field.as_str()).is_none()) {
        return Err(format!("[small] keeps the field '{foreign}', which its schema does not have"));
    }
    fit(&pipeline.clone().for_small_models()).map_err(|words| format!("as a small model is asked, {words}"))
}

fn fit(pipeline: &Pipeline) -> Result<(), String> {
    let schema = AnswerSchema::of(pipeline).map_err(|e| format!("its schema cannot be used: {e}"))?;
    for (n, example) in (1..).zip(&pipeline.examples) {
        let items = match example {
            Example::Term { item, .. } => std::slice::from_ref(item),
            Example::Passage { items, .. } => items.as_slice(),
        };
        for item in items {
            if let Some(words) = schema.complaint_of_item(item) {
                return Err(format!("its example {n} does not fit its own schema: {words}\n    {item}"));
            }
        }
    }
    Ok(())
}
