//! The JSON Schema of an answer, made from what a pipeline says of one item.

use serde_json::{Map, Value, json};

use crate::stages::pipeline::{Method, Pipeline, Shape};

/// Name under which the schema of an item stands among the definitions of an answer.
const ITEM: &str = "item";

/// The schema of the answer to a request about so many units, as it is sent. Of a list of items it says how long it may be, where the
/// pipeline does. For terms of which the pipeline describes one item: an object with the keys "1" to "n", all required. It depends on the
/// number alone, so that providers compile few and can cache them.
pub fn answer_schema(pipeline: &Pipeline, units: usize) -> Value {
    match (pipeline.shape, &pipeline.method) {
        (Shape::Item, Method::Terms(_)) => numbered(&pipeline.schema, units),
        (_, Method::Passages(settings)) => bounded_list(list_schema(pipeline), settings.max_items),
        (Shape::Answer, Method::Terms(_)) => pipeline.schema.clone(),
    }
}

/// The schema of an answer that is a list, without the bound on its length: what is read may be longer.
pub(in crate::stages::extract) fn list_schema(pipeline: &Pipeline) -> Value {
    match pipeline.shape {
        Shape::Answer => pipeline.schema.clone(),
        Shape::Item => {
            let (item, defs) = without_definitions(&pipeline.schema);
            let mut answer = json!({
                "type": "object",
                "additionalProperties": false,
                "required": ["items"],
                "properties": {"items": {"type": "array", "items": item}},
            });
            if !defs.is_empty() {
                answer["$defs"] = Value::Object(defs);
            }
            answer
        }
    }
}

fn numbered(item: &Value, units: usize) -> Value {
    let (item, mut defs) = without_definitions(item);
    defs.insert(ITEM.to_owned(), item);
    let names = || (1..=units).map(|n| n.to_string());
    let reference = json!({"$ref": format!("#/$defs/{ITEM}")});
    let properties: Map<String, Value> = names().map(|n| (n, reference.clone())).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": names().collect::<Vec<_>>(),
        "properties": properties,
        "$defs": defs,
    })
}

/// A schema apart from its definitions, which stand at the root of what it becomes part of.
fn without_definitions(item: &Value) -> (Value, Map<String, Value>) {
    let mut item = item.clone();
    let defs = item.as_object_mut().and_then(|object| object.shift_remove("$defs"));
    let Some(Value::Object(defs)) = defs else { return (item, Map::new()) };
    (item, defs)
}

fn bounded_list(mut schema: Value, most: usize) -> Value {
    let lists = schema["properties"].as_object_mut().into_iter().flat_map(|p| p.values_mut());
    if let Some(list) = lists.into_iter().find(|p| p["type"] == "array")
        && list.get("maxItems").is_none()
    {
        list["maxItems"] = json!(most);
    }
    schema
}

/// An item whose lists are cut to the length that its schema allows: not every vendor can hold a model to it, and a tag too many is no
/// reason to pay again.
pub(in crate::stages::extract) fn bounded(mut item: Value, schema: &Value) -> Value {
    cut(&mut item, schema);
    item
}

fn cut(value: &mut Value, schema: &Value) {
    match value {
        Value::Array(list) => {
            if let Some(most) = schema["maxItems"].as_u64() {
                list.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            }
            list.iter_mut().for_each(|inner| cut(inner, &schema["items"]));
        }
        Value::Object(object) => {
            object.iter_mut().for_each(|(name, inner)| cut(inner, &schema["properties"][name.as_str()]));
        }
        _ => {}
    }
}
