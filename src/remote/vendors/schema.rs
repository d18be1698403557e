//! Which vendor's mechanism can express which JSON Schema.

use std::fmt::Write;

use serde_json::Value;

use super::{Structured, Vendor};

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
        /// Who cannot.
        vendor: &'static str,
    },
}

/// Keywords of `responseJsonSchema`. <https://ai.google.dev/api/generate-content#GenerationConfig>
const GEMINI: [&str; 24] = [
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
    "nullable",
    "$schema",
    "default",
];

/// Keywords that Anthropic's `output_config` refuses; a tool's input schema takes them.
/// <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>
const NOT_ANTHROPIC: [&str; 14] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "maxItems",
    "uniqueItems",
    "patternProperties",
    "not",
    "if",
    "oneOf",
];

pub(super) fn first_mechanism(vendor: Vendor, schema: &Value) -> Result<Structured, SchemaTrouble> {
    if schema["type"] != "object" {
        return Err(SchemaTrouble::Root);
    }
    let mut foreign = None;
    let mut plain = true;
    keywords(schema, &mut String::from("#"), &mut |keyword, place, value| match vendor {
        Vendor::Gemini if !GEMINI.contains(&keyword) && foreign.is_none() => {
            foreign = Some((keyword.to_owned(), place.to_owned()));
        }
        Vendor::Anthropic => {
            plain &= !NOT_ANTHROPIC.contains(&keyword);
            plain &= keyword != "additionalProperties" || value == &Value::Bool(false);
            plain &= keyword != "minItems" || value.as_u64().is_some_and(|n| n <= 1);
        }
        _ => {}
    });
    match (vendor, foreign) {
        (_, Some((keyword, place))) => Err(SchemaTrouble::Keyword { keyword, place, vendor: "Gemini" }),
        (Vendor::Anthropic, None) if !plain => Ok(Structured::Tool),
        _ => Ok(Structured::Schema),
    }
}

/// Whether OpenAI takes the schema with `strict`: every property required, nothing additional, no keyword beyond its subset.
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
    keywords(schema, &mut String::new(), &mut |keyword, _, _| {
        strict &= !["not", "if", "then", "else", "allOf", "oneOf", "patternProperties", "dependentRequired"]
            .contains(&keyword);
    });
    strict
}

/// Calls `each` with every keyword of a schema, its place and its value. Names of properties are no keywords.
fn keywords(schema: &Value, place: &mut String, each: &mut impl FnMut(&str, &str, &Value)) {
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
                    keywords(inner, place, each);
                    place.truncate(length);
                }
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                for (n, inner) in list.iter().enumerate() {
                    let _ = write!(place, "/{keyword}/{n}");
                    keywords(inner, place, each);
                    place.truncate(length);
                }
            }
            ("items" | "additionalProperties" | "not" | "if" | "then" | "else", inner @ Value::Object(_)) => {
                *place += "/";
                *place += keyword;
                keywords(inner, place, each);
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
