//! Requests to Gemini, and what it refuses in them. Google's JSON has each name in two spellings.
//! <https://ai.google.dev/api/generate-content>

use serde_json::{Value, json};

use super::super::interface::{ModelRequest, Parts, Refusal, whole};

/// Output budget where a request names none.
const BUDGET: u64 = 8_192;

const FIELDS: [&str; 12] = [
    "contents",
    "systemInstruction",
    "generationConfig",
    "safetySettings",
    "tools",
    "toolConfig",
    "cachedContent",
    "labels",
    "model",
    "generateContentRequest",
    "store",
    "serviceTier",
];

const CONFIG_FIELDS: [&str; 27] = [
    "audioTimestamp",
    "candidateCount",
    "enableAffectiveDialog",
    "enableEnhancedCivicAnswers",
    "frequencyPenalty",
    "imageConfig",
    "logprobs",
    "maxOutputTokens",
    "mediaResolution",
    "modelSelectionConfig",
    "presencePenalty",
    "responseFormat",
    "responseJsonSchema",
    "_responseJsonSchema",
    "responseLogprobs",
    "responseMimeType",
    "responseModalities",
    "responseSchema",
    "routingConfig",
    "seed",
    "speechConfig",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
    "translationConfig",
];

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(400, message)
}

/// A name in the spelling of JSON.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    // A name may begin with a line.
    let mut out = match words.next() {
        Some("") => format!("_{}", words.next().unwrap_or_default()),
        first => first.unwrap_or_default().to_owned(),
    };
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// The value of a field, in whichever spelling.
fn field<'v>(object: &'v Value, name: &str) -> &'v Value {
    let found = object.as_object().and_then(|fields| fields.iter().find(|(given, _)| camel(given) == name));
    found.map_or(&Value::Null, |(_, value)| value)
}

/// Judges that an object has no other fields than these.
fn only(object: &Value, known: &[&str], place: &str) -> Result<(), Refusal> {
    let mut names = object.as_object().into_iter().flatten().map(|(name, _)| name);
    match names.find(|name| !known.contains(&camel(name).as_str())) {
        Some(name) => {
            Err(bad(format!("Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field.")))
        }
        None => Ok(()),
    }
}

pub(super) fn read(parts: &Parts<'_>) -> Result<ModelRequest, Refusal> {
    let body = parts.body;
    if !body.is_object() {
        return Err(bad("Invalid JSON payload received."));
    }
    only(body, &FIELDS, "")?;
    let model = parts.path.rsplit('/').next().and_then(|last| last.split(':').next()).unwrap_or_default().to_owned();
    let user = heard(field(body, "contents"))?;
    let system = text_of(field(body, "systemInstruction")).unwrap_or_default();
    let config = field(body, "generationConfig");
    only(config, &CONFIG_FIELDS, " at 'generation_config'")?;
    let budget = match field(config, "maxOutputTokens") {
        Value::Null => BUDGET,
        given => whole(given).ok_or_else(|| bad("max_output_tokens must be positive."))?,
    };
    for (name, most) in [("temperature", 2.0), ("topP", 1.0)] {
        let given = field(config, name);
        if given.as_f64().is_some_and(|n| !(0.0..=most).contains(&n)) {
            return Err(bad(format!(
                "* GenerateContentRequest.generation_config.{name}: must be in the range [0.0, {most:.1}], not {given}"
            )));
        }
    }
    let schemas = ["responseJsonSchema", "responseSchema", "_responseJsonSchema"].map(|name| field(config, name));
    let mut schema = schemas.into_iter().find(|schema| schema.is_object()).cloned();
    if schema.is_some() && field(config, "responseMimeType") != "application/json" {
        return Err(bad("response_schema requires response_mime_type application/json"));
    }
    let tool = tool(body)?.map(|(name, parameters)| {
        schema = Some(parameters);
        name
    });
    let schema = schema.map(lower_types);
    let flex = field(body, "serviceTier") == "flex";
    Ok(ModelRequest { model, system, user, schema, tool, budget, cached: false, cached_hour: false, flex })
}

fn heard(contents: &Value) -> Result<String, Refusal> {
    let contents = contents.as_array().filter(|c| !c.is_empty());
    let contents = contents.ok_or_else(|| bad("* GenerateContentRequest.contents: contents is not specified"))?;
    let mut user = String::new();
    for (n, content) in contents.iter().enumerate() {
        if !matches!(content["role"].as_str(), None | Some("user" | "model" | "function")) {
            return Err(bad("Please use a valid role: user, model."));
        }
        let empty = || bad(format!("* GenerateContentRequest.contents[{n}].parts: contents.parts must not be empty."));
        let text = text_of(content).ok_or_else(empty)?;
        if content["role"] != "model" {
            user.push_str(&text);
        }
    }
    Ok(user)
}

/// The text of all parts that have some; none where there are no parts.
fn text_of(content: &Value) -> Option<String> {
    let parts = content["parts"].as_array().filter(|parts| !parts.is_empty())?;
    Some(parts.iter().filter_map(|part| part["text"].as_str()).collect())
}

/// The function that has to be called and the schema of its arguments; none where the model may call none.
fn tool(body: &Value) -> Result<Option<(String, Value)>, Refusal> {
    let calling = field(field(body, "toolConfig"), "functionCallingConfig");
    let tools = field(body, "tools").as_array();
    let declared = |tool| field(tool, "functionDeclarations").as_array();
    let mut functions = tools.into_iter().flatten().filter_map(declared).flatten();
    if field(calling, "mode") != "ANY" {
        return Ok(None);
    }
    let allowed = field(calling, "allowedFunctionNames").as_array();
    let function = functions.find(|f| allowed.is_none_or(|names| names.contains(&f["name"])));
    let function = function.ok_or_else(|| {
        bad("Function calling config is set without function_declarations, or allows none of those that there are.")
    })?;
    let name = function["name"].as_str().ok_or_else(|| bad("function_declarations.name: must be specified"))?;
    let parameters = ["parametersJsonSchema", "parameters"].map(|name| field(function, name));
    let parameters = parameters.into_iter().find(|p| p.is_object()).cloned();
    Ok(Some((name.to_owned(), parameters.unwrap_or_else(|| json!({"type": "object"})))))
}

/// The OpenAPI subset has its types in upper case.
fn lower_types(schema: Value) -> Value {
    match schema {
        Value::Object(map) => map
            .into_iter()
            .map(|(k, v)| match v {
                Value::String(kind) if k == "type" => (k, Value::String(kind.to_lowercase())),
                other => (k, lower_types(other)),
            })
            .collect(),
        Value::Array(list) => list.into_iter().map(lower_types).collect(),
        other => other,
    }
}
