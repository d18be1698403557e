//! JSON Schemas of answers, as far as vendors can express them.

use std::fmt::Write;

use serde_json::Value;

/// A schema that a vendor has no way to express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaTrouble {
    /// The root is not an object.
    #[error(
        "the pipeline's schema has a root of another type than \"object\", which no provider's structured output takes; wrap it in an object with one property"
    )]
    Root,
    /// A keyword that the vendor does not know.
    #[error(
        "the pipeline's schema uses '{keyword}' at {place}, which {vendor} cannot express; take it out of the schema, or use another provider"
    )]
    Keyword {
        /// The keyword.
        keyword: String,
        /// JSON pointer of the place.
        place: String,
        /// Vendor that cannot.
        vendor: &'static str,
    },
}

/// Calls `each` with every keyword of a pipeline's schema, its place and its value. Names of properties are no keywords.
///
/// # Errors
/// If the root is of another type than `object`, which no vendor takes.
pub(super) fn keywords(schema: &Value, each: &mut impl FnMut(&str, &str, &Value)) -> Result<(), SchemaTrouble> {
    if schema["type"] != "object" {
        return Err(SchemaTrouble::Root);
    }
    keywords_below(schema, &mut String::from("#"), each);
    Ok(())
}

/// Test whether OpenAI takes the schema with `strict`: every property required, nothing additional, no keyword beyond its subset.
/// <https://platform.openai.com/docs/guides/structured-outputs>
pub(super) fn is_strict(schema: &Value) -> bool {
    let mut strict = true;
    objects(schema, &mut |object| {
        let Some(properties) = object.get("properties").and_then(Value::as_object) else {
            strict &= object.get("type") != Some(&Value::String("object".into()));
            return;
        };
        let required: Vec<&str> =
            object.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        strict &= object.get("additionalProperties") == Some(&Value::Bool(false));
        strict &= properties.keys().all(|name| required.contains(&name.as_str()));
    });
    keywords_below(schema, &mut String::new(), &mut |keyword, _, _| {
        strict &= !["not", "if", "then", "else", "allOf", "oneOf", "patternProperties", "dependentRequired"]
            .contains(&keyword);
    });
    strict
}

/// The schema without a keyword.
pub(super) fn without(schema: &Value, keyword: &str) -> Value {
    let mut schema = schema.clone();
    each_schema(&mut schema, &mut |object| drop(object.shift_remove(keyword)));
    schema
}

/// The schema with the order of its properties said for Gemini, beside the order in which they stand.
/// <https://ai.google.dev/gemini-api/docs/structured-output#property-ordering>
pub(super) fn with_ordering(schema: &Value) -> Value {
    let mut schema = schema.clone();
    each_schema(&mut schema, &mut |object| {
        let names = object.get("properties").and_then(Value::as_object).filter(|p| p.len() > 1);
        let names: Option<Value> = names.map(|properties| properties.keys().map(String::as_str).collect());
        if let Some(names) = names.filter(|_| !object.contains_key("propertyOrdering")) {
            object.insert("propertyOrdering".to_owned(), names);
        }
    });
    schema
}

/// Calls `each` with a schema and every schema below it. Names of properties are no keywords.
fn each_schema(schema: &mut Value, each: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    let Some(object) = schema.as_object_mut() else { return };
    each(object);
    for (keyword, value) in object {
        match (keyword.as_str(), value) {
            ("properties" | "$defs" | "definitions" | "patternProperties", Value::Object(named)) => {
                named.values_mut().for_each(|inner| each_schema(inner, each));
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                list.iter_mut().for_each(|inner| each_schema(inner, each));
            }
            ("items" | "additionalProperties" | "not" | "if" | "then" | "else", inner) => each_schema(inner, each),
            _ => {}
        }
    }
}

fn keywords_below(schema: &Value, place: &mut String, each: &mut impl FnMut(&str, &str, &Value)) {
    let Some(object) = schema.as_object() else { return };
    for (keyword, value) in object {
        each(keyword, place, value);
        let length = place.len();
        match (keyword.as_str(), value) {
            ("properties" | "$defs" | "definitions" | "patternProperties", Value::Object(named)) => {
                for (name, inner) in named {
                    *place += "/";
                    *place += keyword;
                    *place += "/";
                    *place += name;
                    keywords_below(inner, place, each);
                    place.truncate(length);
                }
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                for (n, inner) in list.iter().enumerate() {
                    let _ = write!(place, "/{keyword}/{n}");
                    keywords_below(inner, place, each);
                    place.truncate(length);
                }
            }
            ("items" | "additionalProperties" | "not" | "if" | "then" | "else", inner @ Value::Object(_)) => {
                *place += "/";
                *place += keyword;
                keywords_below(inner, place, each);
                place.truncate(length);
            }
            _ => {}
        }
    }
}

/// Calls `each` with every object of a schema, itself included.
fn objects(schema: &Value, each: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match schema {
        Value::Object(object) => {
            each(object);
            object.values().for_each(|value| objects(value, each));
        }
        Value::Array(list) => list.iter().for_each(|value| objects(value, each)),
        _ => {}
    }
}
