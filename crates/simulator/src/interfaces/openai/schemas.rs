//! Schemas that requests to OpenAI carry: of the answer, and of functions.
//! <https://developers.openai.com/api/docs/guides/structured-outputs>

use serde_json::{Value, json};

use super::super::interface::Refusal;
use super::requests::{missing, unsupported, wrong};

/// Keywords that a strict schema must not have.
const NOT_IN_STRICT: [&str; 7] =
    ["allOf", "oneOf", "not", "dependentRequired", "dependentSchemas", "if", "patternProperties"];

/// Keywords under which a schema stands, or a list or a map of them.
const WITH_SCHEMAS: [&str; 4] = ["items", "anyOf", "$defs", "definitions"];

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Judges a name of a schema or a function.
fn named<'v>(given: &'v Value, param: &str) -> Result<&'v str, Refusal> {
    let name = given.as_str().ok_or_else(|| missing(param))?;
    let pattern = "^[a-zA-Z0-9_-]+$";
    let words = format!(
        "Invalid '{param}': string does not match pattern. Expected a string of at most 64 characters that matches the pattern '{pattern}'."
    );
    is_name(name).then_some(name).ok_or_else(|| wrong(words, param, "invalid_value"))
}

/// The schema of a format of the answer, if it has one. `param` and `inner` are the places of the format and of what names its schema.
pub(super) fn format(format: &Value, named_schema: &Value, param: &str, inner: &str) -> Result<Option<Value>, Refusal> {
    match format["type"].as_str() {
        None if format.is_null() => Ok(None),
        Some("text" | "json_object") => Ok(None),
        Some("json_schema") => {
            let name = named(&named_schema["name"], &format!("{inner}.name"))?;
            let schema = &named_schema["schema"];
            if !schema.is_object() {
                return Err(missing(&format!("{inner}.schema")));
            }
            if named_schema["strict"] == true {
                let words = |m: String| format!("Invalid schema for response_format '{name}': {m}");
                strict(schema).map_err(|m| Refusal { param: Some(param.to_owned()), ..Refusal::new(400, words(m)) })?;
            }
            Ok(Some(schema.clone()))
        }
        _ => Err(unsupported(&format["type"], &format!("{param}.type"), &["json_object", "json_schema", "text"])),
    }
}

/// Judges a strict schema: an object that names every property as required and allows no others, all the way down.
fn strict(schema: &Value) -> Result<(), String> {
    if schema["type"] != "object" {
        return Err(format!("schema must be a JSON Schema of 'type: \"object\"', got 'type: {}'.", schema["type"]));
    }
    strict_below(schema, &mut Vec::new())
}

fn strict_below(schema: &Value, place: &mut Vec<String>) -> Result<(), String> {
    let context = |place: &[String]| {
        let names: Vec<String> = place.iter().map(|name| format!("'{name}'")).collect();
        format!("In context=({})", names.join(", "))
    };
    if let Some(keyword) = NOT_IN_STRICT.iter().find(|k| schema.get(**k).is_some()) {
        return Err(format!("{}, '{keyword}' is not permitted.", context(place)));
    }
    if schema["type"] == "object" || schema["properties"].is_object() {
        if schema["additionalProperties"] != false {
            return Err(format!(
                "{}, 'additionalProperties' is required to be supplied and to be false.",
                context(place)
            ));
        }
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            if !schema["required"].as_array().is_some_and(|r| r.iter().any(|x| x == name)) {
                return Err(format!(
                    "{}, 'required' is required to be supplied and to be an array including every key in properties. Missing '{name}'.",
                    context(place)
                ));
            }
            place.extend(["properties".to_owned(), name.clone()]);
            strict_below(inner, place)?;
            place.truncate(place.len() - 2);
        }
    }
    for keyword in WITH_SCHEMAS {
        place.push(keyword.to_owned());
        match &schema[keyword] {
            // One schema, or a map of names to schemas.
            Value::Object(_) if keyword == "items" => strict_below(&schema[keyword], place)?,
            Value::Object(map) => map.values().try_for_each(|inner| strict_below(inner, place))?,
            Value::Array(list) => list.iter().try_for_each(|inner| strict_below(inner, place))?,
            _ => {}
        }
        place.pop();
    }
    Ok(())
}

/// Shape in which functions are offered and chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// In a field `function`, as Chat Completions has them.
    Nested,
    /// At the top, as Responses has them.
    Flat,
}

impl Shape {
    fn function(self, value: &Value) -> &Value {
        match self {
            Self::Nested => &value["function"],
            Self::Flat => value,
        }
    }

    /// Place of a function's field in the `n`-th tool.
    fn place(self, n: usize, field: &str) -> String {
        match self {
            Self::Nested => format!("tools[{n}].function.{field}"),
            Self::Flat => format!("tools[{n}].{field}"),
        }
    }
}

/// A function that has to be called.
pub(super) struct Tool {
    pub(super) name: String,
    /// Schema of its arguments.
    pub(super) parameters: Value,
}

/// The function that the model has to call; none where it may choose to call none.
pub(super) fn tool(body: &Value, shape: Shape) -> Result<Option<Tool>, Refusal> {
    let offered = functions(&body["tools"], shape)?;
    let choice = &body["tool_choice"];
    if choice.is_null() {
        return Ok(None);
    }
    if body["tools"].is_null() {
        let words = "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
        return Err(Refusal { param: Some("tool_choice".into()), ..Refusal::new(400, words) });
    }
    match (choice.as_str(), choice["type"].as_str()) {
        (Some("required"), _) => Ok(offered.into_iter().next()),
        (Some("none" | "auto"), _) => Ok(None),
        (None, Some("function")) => {
            let name = &shape.function(choice)["name"];
            let words = format!("Invalid value for 'tool_choice': tool choice {name} not found in 'tools' parameter.");
            let found = offered.into_iter().find(|tool| *name == tool.name);
            let refusal = || Refusal { param: Some("tool_choice".into()), ..Refusal::new(400, words) };
            found.map(Some).ok_or_else(refusal)
        }
        // Tools that the vendor runs itself, and sets of which one may be called.
        (None, Some(_)) => Ok(None),
        _ => Err(unsupported(choice, "tool_choice", &["none", "auto", "required"])),
    }
}

fn functions(tools: &Value, shape: Shape) -> Result<Vec<Tool>, Refusal> {
    let Some(list) = tools.as_array() else {
        let refusal = || wrong("Invalid type for 'tools': expected an array.", "tools", "invalid_type");
        return if tools.is_null() { Ok(Vec::new()) } else { Err(refusal()) };
    };
    if list.is_empty() {
        let words =
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        return Err(wrong(words, "tools", "empty_array"));
    }
    let mut functions = Vec::new();
    for (n, tool) in list.iter().enumerate() {
        match tool["type"].as_str() {
            None => return Err(missing(&format!("tools[{n}].type"))),
            Some("function") => {}
            Some(_) => continue,
        }
        let function = shape.function(tool);
        let name = named(&function["name"], &shape.place(n, "name"))?;
        let parameters = match &function["parameters"] {
            Value::Null => json!({"type": "object", "properties": {}}),
            given => given.clone(),
        };
        let place = shape.place(n, "parameters");
        let bad = |m: String| {
            wrong(format!("Invalid schema for function '{name}': {m}"), place.clone(), "invalid_function_parameters")
        };
        if parameters["type"] != "object" {
            let kind = &parameters["type"];
            return Err(bad(format!("schema must be a JSON Schema of 'type: \"object\"', got 'type: {kind}'.")));
        }
        if function["strict"] == true {
            strict(&parameters).map_err(bad)?;
        }
        functions.push(Tool { name: name.to_owned(), parameters });
    }
    Ok(functions)
}
