//! Requests to OpenAI, and what it refuses in them: names, ranges and choices of
//! <https://github.com/openai/openai-openapi>, words as its clients report them.

use serde_json::Value;

use super::super::interface::{ModelRequest, Parts, Refusal, stranger, whole};
use super::schemas::{self, Shape};

/// Output budget where a request names none.
const BUDGET: u64 = 16_384;

const CHAT_FIELDS: [&str; 37] = [
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

const RESPONSES_FIELDS: [&str; 31] = [
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// Ranges of numbers: a field, its least and its greatest value.
const RANGES: [(&str, f64, f64); 6] = [
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("frequency_penalty", -2.0, 2.0),
    ("presence_penalty", -2.0, 2.0),
    ("n", 1.0, 128.0),
    ("top_logprobs", 0.0, 20.0),
];

const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

const TIERS: [&str; 7] = ["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"];

/// Beginnings of the names of models that think, and want the budget in the field that counts thoughts too.
const REASONING: [&str; 5] = ["o1", "o3", "o4", "gpt-5", "gpt-6"];

/// A refusal with the parameter that is wrong, and its code.
pub(super) fn wrong(message: impl Into<String>, param: impl Into<String>, code: &'static str) -> Refusal {
    Refusal { param: Some(param.into()), code: Some(code), ..Refusal::new(400, message) }
}

pub(super) fn missing(param: &str) -> Refusal {
    wrong(format!("Missing required parameter: '{param}'."), param, "missing_required_parameter")
}

/// A value that is none of those which are allowed.
pub(super) fn unsupported(given: &Value, param: &str, allowed: &[&str]) -> Refusal {
    let given = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    let allowed: Vec<String> = allowed.iter().map(|a| format!("'{a}'")).collect();
    let words = format!("Invalid value: '{given}'. Supported values are: {}.", allowed.join(", "));
    wrong(words, param, "invalid_value")
}

fn model_of(body: &Value) -> Result<String, Refusal> {
    let without = || Refusal { param: Some("model".into()), ..Refusal::new(400, "you must provide a model parameter") };
    body["model"].as_str().filter(|name| !name.is_empty()).map(str::to_owned).ok_or_else(without)
}

/// Judges what both interfaces have.
fn judge_settings(body: &Value) -> Result<(), Refusal> {
    for (field, least, most) in RANGES {
        let given = &body[field];
        if given.is_null() {
            continue;
        }
        let Some(number) = given.as_f64() else {
            return Err(wrong(format!("Invalid type for '{field}': expected a number."), field, "invalid_type"));
        };
        if !(least..=most).contains(&number) {
            let (side, code, sign, bound) = if number > most {
                ("above maximum", "decimal_above_max_value", "<=", most)
            } else {
                ("below minimum", "decimal_below_min_value", ">=", least)
            };
            let words = format!(
                "Invalid '{field}': decimal {side} value. Expected a value {sign} {bound}, but got {given} instead."
            );
            return Err(wrong(words, field, code));
        }
    }
    for (given, param, allowed) in [
        (&body["service_tier"], "service_tier", &TIERS[..]),
        (&body["reasoning_effort"], "reasoning_effort", &EFFORTS[..]),
        (&body["reasoning"]["effort"], "reasoning.effort", &EFFORTS[..]),
    ] {
        if !given.is_null() && !given.as_str().is_some_and(|given| allowed.contains(&given)) {
            return Err(unsupported(given, param, allowed));
        }
    }
    judge_metadata(&body["metadata"])
}

/// Judges labels: at most 16 pairs of strings, keys of 64 characters and values of 512.
pub(super) fn judge_metadata(given: &Value) -> Result<(), Refusal> {
    let Some(pairs) = given.as_object() else {
        let is_absent = given.is_null();
        let refusal = || wrong("Invalid type for 'metadata': expected an object.", "metadata", "invalid_type");
        return if is_absent { Ok(()) } else { Err(refusal()) };
    };
    if pairs.len() > 16 {
        let words =
            format!("Invalid 'metadata': too many properties. Expected at most 16, but got {} instead.", pairs.len());
        return Err(wrong(words, "metadata", "object_above_max_properties"));
    }
    for (key, value) in pairs {
        let param = format!("metadata.{key}");
        let Some(text) = value.as_str() else {
            return Err(wrong(format!("Invalid type for '{param}': expected a string."), param, "invalid_type"));
        };
        for (length, most) in [(key.chars().count(), 64), (text.chars().count(), 512)] {
            if length > most {
                let words = format!(
                    "Invalid '{param}': string too long. Expected a string with maximum length {most}, but got a string with length {length} instead."
                );
                return Err(wrong(words, param, "string_above_max_length"));
            }
        }
    }
    Ok(())
}

/// The budget of the first field that is there.
fn budget_of(body: &Value, fields: &[&'static str], least: u64) -> Result<u64, Refusal> {
    let Some(field) = fields.iter().find(|f| !body[**f].is_null()) else { return Ok(BUDGET) };
    let given = &body[*field];
    let words = format!(
        "Invalid '{field}': integer below minimum value. Expected a value >= {least}, but got {given} instead."
    );
    whole(given).filter(|n| *n >= least).ok_or_else(|| wrong(words, *field, "integer_below_min_value"))
}

/// Words of a conversation.
#[derive(Default)]
struct Talk {
    system: String,
    user: String,
}

impl Talk {
    /// Adds a message; its words do not count where the model itself said them.
    fn hear(&mut self, role: &str, text: &str) {
        match role {
            "system" | "developer" => self.system.push_str(text),
            "user" => self.user.push_str(text),
            _ => {}
        }
    }

    fn says(&self, word: &str) -> bool {
        [&self.system, &self.user].iter().any(|text| text.to_lowercase().contains(word))
    }
}

/// Types of parts of a message that are no text, and that a model without eyes and ears passes over.
const UNHEARD: [&str; 8] =
    ["image_url", "input_audio", "file", "refusal", "input_image", "input_file", "summary_text", "reasoning_text"];

/// The text of a message's content: a string, or a list of parts.
fn text_of(content: &Value, param: &str) -> Result<String, Refusal> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => parts.iter().enumerate().try_fold(String::new(), |all, (n, part)| {
            match (part["type"].as_str(), part["text"].as_str()) {
                (Some("text" | "input_text" | "output_text"), Some(text)) => Ok(all + text),
                (Some("text" | "input_text" | "output_text"), None) => Err(missing(&format!("{param}[{n}].text"))),
                (Some(kind), _) if UNHEARD.contains(&kind) => Ok(all),
                _ => Err(unsupported(&part["type"], &format!("{param}[{n}].type"), &["text"])),
            }
        }),
        Value::Null => Err(missing(param)),
        _ => Err(wrong(format!("Invalid type for '{param}': expected a string or a list."), param, "invalid_type")),
    }
}

const CHAT_ROLES: [&str; 6] = ["system", "assistant", "user", "function", "tool", "developer"];

fn heard_chat(messages: &[Value]) -> Result<Talk, Refusal> {
    let mut talk = Talk::default();
    let mut calls: Vec<&Value> = Vec::new();
    for (n, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().filter(|role| CHAT_ROLES.contains(role));
        let role = role.ok_or_else(|| unsupported(&message["role"], &format!("messages[{n}].role"), &CHAT_ROLES))?;
        let called = message["tool_calls"].as_array();
        calls.extend(called.into_iter().flatten().map(|call| &call["id"]));
        let param = format!("messages[{n}].content");
        if role == "tool" && !calls.contains(&&message["tool_call_id"]) {
            let words = "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
            return Err(Refusal { param: Some(format!("messages[{n}].role")), ..Refusal::new(400, words) });
        }
        if role == "assistant"
            && message["content"].is_null()
            && (called.is_some() || message["function_call"].is_object())
        {
            continue;
        }
        talk.hear(role, &text_of(&message["content"], &param)?);
    }
    Ok(talk)
}

pub(super) fn read_chat(parts: &Parts<'_>) -> Result<ModelRequest, Refusal> {
    let body = parts.body;
    if let Some(name) = stranger(body, &CHAT_FIELDS) {
        return Err(Refusal::new(400, format!("Unrecognized request argument supplied: {name}")));
    }
    let model = model_of(body)?;
    judge_settings(body)?;
    let messages = body["messages"].as_array().ok_or_else(|| missing("messages"))?;
    if messages.is_empty() {
        let words =
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.";
        return Err(wrong(words, "messages", "empty_array"));
    }
    let talk = heard_chat(messages)?;
    let thinks = REASONING.iter().any(|beginning| model.starts_with(beginning));
    if thinks && !body["max_tokens"].is_null() {
        let words = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        return Err(wrong(words, "max_tokens", "unsupported_parameter"));
    }
    let budget = budget_of(body, &["max_completion_tokens", "max_tokens"], 1)?;
    let format = &body["response_format"];
    let schema = schemas::format(format, &format["json_schema"], "response_format", "response_format.json_schema")?;
    if format["type"] == "json_object" && !talk.says("json") {
        let words =
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
        return Err(Refusal { param: Some("messages".into()), ..Refusal::new(400, words) });
    }
    let tool = schemas::tool(body, Shape::Nested)?;
    Ok(understood(body, model, talk, schema, tool, budget))
}

/// A request that is right, as both interfaces have it: the parameters of a tool that has to be called are the schema of the answer.
fn understood(
    body: &Value,
    model: String,
    talk: Talk,
    schema: Option<Value>,
    tool: Option<schemas::Tool>,
    budget: u64,
) -> ModelRequest {
    let Talk { system, user } = talk;
    let (schema, tool) = match tool {
        Some(tool) => (Some(tool.parameters), Some(tool.name)),
        None => (schema, None),
    };
    let flex = body["service_tier"] == "flex";
    ModelRequest { model, system, user, schema, tool, budget, cached: false, cached_hour: false, flex }
}

fn heard_responses(body: &Value) -> Result<Talk, Refusal> {
    let mut talk = Talk::default();
    talk.hear("system", body["instructions"].as_str().unwrap_or_default());
    match &body["input"] {
        Value::String(text) => talk.hear("user", text),
        Value::Array(items) if !items.is_empty() => {
            for (n, item) in items.iter().enumerate() {
                if !matches!(item["type"].as_str(), None | Some("message")) {
                    // What was thought, called and found out before.
                    continue;
                }
                let roles = ["assistant", "system", "developer", "user"];
                let role = item["role"].as_str().filter(|role| roles.contains(role));
                let role = role.ok_or_else(|| unsupported(&item["role"], &format!("input[{n}].role"), &roles))?;
                talk.hear(role, &text_of(&item["content"], &format!("input[{n}].content"))?);
            }
        }
        _ => return Err(missing("input")),
    }
    Ok(talk)
}

pub(super) fn read_responses(parts: &Parts<'_>) -> Result<ModelRequest, Refusal> {
    let body = parts.body;
    if let Some(name) = stranger(body, &RESPONSES_FIELDS) {
        return Err(wrong(format!("Unknown parameter: '{name}'."), name, "unknown_parameter"));
    }
    let model = model_of(body)?;
    judge_settings(body)?;
    let talk = heard_responses(body)?;
    let budget = budget_of(body, &["max_output_tokens"], 16)?;
    let format = &body["text"]["format"];
    let schema = schemas::format(format, format, "text.format", "text.format")?;
    if format["type"] == "json_object" && !talk.says("json") {
        let words = "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.";
        return Err(Refusal { param: Some("input".into()), ..Refusal::new(400, words) });
    }
    let tool = schemas::tool(body, Shape::Flat)?;
    Ok(understood(body, model, talk, schema, tool, budget))
}
