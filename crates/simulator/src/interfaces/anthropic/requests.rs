//! Requests to Anthropic, and what it refuses in them: fields, patterns and ranges of its OpenAPI description, rules of
//! <https://platform.claude.com/docs/en/api/messages> and of its guides to tools, thinking and structured output.

use serde_json::{Map, Value};

use super::super::interface::{ModelRequest, Parts, Refusal, stranger, whole};

/// Fields of a request; every other one is refused.
const FIELDS: [&str; 21] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "cache_control",
    "service_tier",
    "container",
    "context_management",
    "mcp_servers",
    "inference_geo",
];

const TOOL_FIELDS: [&str; 10] = [
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
    "strict",
    "eager_input_streaming",
    "allowed_callers",
    "defer_loading",
    "input_examples",
];

/// Blocks that are no text, and that this model passes over.
const UNREAD: [&str; 10] = [
    "image",
    "document",
    "search_result",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "server_tool_use",
    "web_search_tool_result",
    "code_execution_tool_result",
    "container_upload",
];

/// Keywords that a schema of the answer must not have.
/// <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>
const NOT_IN_OUTPUT: [&str; 11] = [
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
];

/// Most blocks of a request at which a cache may end.
const CACHE_POINTS: usize = 4;

/// The version that removed the sampling parameters.
const WITHOUT_SAMPLING: &str = "2026-10-21";

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(400, message)
}

/// Judges that an object has no other fields than these.
fn only(object: &Value, known: &[&str], place: &str) -> Result<(), Refusal> {
    match stranger(object, known) {
        Some(name) => Err(bad(format!("{place}{name}: Extra inputs are not permitted"))),
        None => Ok(()),
    }
}

pub(super) fn read(parts: &Parts<'_>) -> Result<ModelRequest, Refusal> {
    let version = (parts.header)("anthropic-version").ok_or_else(|| bad("anthropic-version: header is required"))?;
    if !["2023-06-01", WITHOUT_SAMPLING].contains(&version.as_str()) {
        return Err(bad(format!("anthropic-version: {version} is not a valid version")));
    }
    let body = parts.body.as_object().ok_or_else(|| bad("the body is not a JSON object"))?;
    only(parts.body, &FIELDS, "")?;
    let model = body.get("model").and_then(Value::as_str).ok_or_else(|| bad("model: Field required"))?.to_owned();
    let budget = match body.get("max_tokens").map(whole) {
        Some(Some(n)) => n,
        None if parts.path.ends_with("/count_tokens") => 0,
        None => return Err(bad("max_tokens: Field required")),
        Some(None) => return Err(bad("max_tokens: Input should be greater than or equal to 1")),
    };
    judge_settings(body, &version)?;
    let mut caching = Caching { points: usize::from(body.contains_key("cache_control")), has_hour: false };
    let system = match body.get("system") {
        None => String::new(),
        Some(given) => text_of(given, "system", &mut caching)?,
    };
    let user = heard(body, &mut caching)?;
    let mut schema = answer_schema(body)?;
    let tool = tool(body, &mut caching)?;
    if caching.points > CACHE_POINTS {
        let n = caching.points;
        return Err(bad(format!("A maximum of {CACHE_POINTS} blocks with cache_control may be provided. Found {n}.")));
    }
    let tool = tool.map(|(name, input)| {
        schema = Some(input);
        name
    });
    let Caching { points, has_hour } = caching;
    let cached = points > 0;
    Ok(ModelRequest { model, system, user, schema, tool, budget, cached, cached_hour: has_hour, flex: false })
}

/// Judges numbers and choices, and what goes with thinking.
fn judge_settings(body: &Map<String, Value>, version: &str) -> Result<(), Refusal> {
    let sampling = ["temperature", "top_p", "top_k"].iter().find(|k| body.contains_key(**k));
    if let Some(sampling) = sampling.filter(|_| version == WITHOUT_SAMPLING) {
        return Err(bad(format!("{sampling}: not supported under anthropic-version {version}")));
    }
    for name in ["temperature", "top_p"] {
        let Some(given) = body.get(name).filter(|given| !given.is_null()) else { continue };
        match given.as_f64() {
            None => return Err(bad(format!("{name}: Input should be a valid number"))),
            Some(n) if !(0.0..=1.0).contains(&n) => return Err(bad(format!("{name}: range: 0..1"))),
            Some(_) => {}
        }
    }
    if let Some(tier) = body.get("service_tier").filter(|t| !matches!(t.as_str(), Some("auto" | "standard_only"))) {
        return Err(bad(format!("service_tier: Input should be 'auto' or 'standard_only', not {tier}")));
    }
    if let Some(metadata) = body.get("metadata") {
        only(metadata, &["user_id"], "metadata.")?;
    }
    let Some(thinking) = body.get("thinking").filter(|t| !t.is_null()) else { return Ok(()) };
    match thinking["type"].as_str() {
        Some("disabled") => return Ok(()),
        Some("adaptive") => {}
        Some("enabled") => {
            let thoughts = thinking["budget_tokens"].as_u64().unwrap_or(0);
            if thoughts < 1_024 {
                return Err(bad("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"));
            }
            if body.get("max_tokens").and_then(Value::as_u64).is_some_and(|most| most <= thoughts) {
                return Err(bad("`max_tokens` must be greater than `thinking.budget_tokens`."));
            }
        }
        _ => return Err(bad("thinking.type: Input should be 'enabled', 'disabled' or 'adaptive'")),
    }
    if body.get("tool_choice").is_some_and(|c| matches!(c["type"].as_str(), Some("tool" | "any"))) {
        return Err(bad("Thinking may not be enabled when tool_choice forces tool use."));
    }
    Ok(())
}

/// Points up to which the prompt is to be cached.
struct Caching {
    points: usize,
    has_hour: bool,
}

impl Caching {
    /// Counts the point of a block, if it has one.
    fn count(&mut self, block: &Value, place: &str) -> Result<(), Refusal> {
        let control = &block["cache_control"];
        if control.is_null() {
            return Ok(());
        }
        if control["type"] != "ephemeral" || !matches!(control["ttl"].as_str(), None | Some("5m" | "1h")) {
            return Err(bad(format!("{place}.cache_control: Input should be ephemeral with ttl 5m or 1h")));
        }
        only(control, &["type", "ttl"], &format!("{place}.cache_control."))?;
        self.points += 1;
        self.has_hour |= control["ttl"] == "1h";
        Ok(())
    }
}

/// The user's words in the messages.
fn heard(body: &Map<String, Value>, caching: &mut Caching) -> Result<String, Refusal> {
    let messages = body.get("messages").and_then(Value::as_array).ok_or_else(|| bad("messages: Field required"))?;
    if messages.is_empty() {
        return Err(bad("messages: at least one message is required"));
    }
    let mut user = String::new();
    for (n, message) in messages.iter().enumerate() {
        only(message, &["role", "content"], &format!("messages.{n}."))?;
        let role = message["role"].as_str().unwrap_or_default();
        match role {
            "user" => {}
            "assistant" if n + 1 == messages.len() => {
                return Err(bad("messages: this model does not support assistant message prefill"));
            }
            "assistant" => {}
            "system" => {
                return Err(bad(
                    "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" as an input message role.",
                ));
            }
            _ => return Err(bad(format!("messages.{n}.role: Input should be 'user' or 'assistant'"))),
        }
        let content = &message["content"];
        let is_empty = content.as_str().is_some_and(str::is_empty) || content.as_array().is_some_and(Vec::is_empty);
        if is_empty {
            return Err(bad(format!(
                "messages.{n}: all messages must have non-empty content except for the optional final assistant message"
            )));
        }
        let text = text_of(content, &format!("messages.{n}.content"), caching)?;
        if role == "user" {
            user.push_str(&text);
        }
    }
    Ok(user)
}

/// The text of a string, or of a list of blocks.
fn text_of(content: &Value, place: &str, caching: &mut Caching) -> Result<String, Refusal> {
    let blank = |text: &str| text.trim().is_empty();
    match content {
        Value::String(text) if !text.is_empty() && blank(text) => {
            Err(bad("messages: text content blocks must contain non-whitespace text"))
        }
        Value::String(text) => Ok(text.clone()),
        Value::Array(blocks) => blocks.iter().enumerate().try_fold(String::new(), |all, (n, block)| {
            let place = format!("{place}.{n}");
            caching.count(block, &place)?;
            match block["type"].as_str() {
                Some("text") => {
                    only(block, &["type", "text", "cache_control", "citations"], &format!("{place}.text."))?;
                    let text = block["text"].as_str();
                    let text = text.ok_or_else(|| bad(format!("{place}.text.text: Field required")))?;
                    match text {
                        "" => Err(bad("messages: text content blocks must be non-empty")),
                        _ if blank(text) => Err(bad("messages: text content blocks must contain non-whitespace text")),
                        _ => Ok(all + text),
                    }
                }
                Some("tool_result") => match &block["content"] {
                    Value::Null => Ok(all),
                    given => Ok(all + &text_of(given, &format!("{place}.tool_result.content"), caching)?),
                },
                Some(kind) if UNREAD.contains(&kind) => Ok(all),
                _ => Err(bad(format!("{place}: Input tag {} is none of those expected", block["type"]))),
            }
        }),
        _ => Err(bad(format!("{place}: Input should be a valid string or list"))),
    }
}

/// The schema of the answer, if one is given.
fn answer_schema(body: &Map<String, Value>) -> Result<Option<Value>, Refusal> {
    let Some(config) = body.get("output_config").filter(|c| !c.is_null()) else { return Ok(None) };
    only(config, &["format", "effort"], "output_config.")?;
    let efforts = ["low", "medium", "high", "xhigh", "max"];
    if !config["effort"].is_null() && !config["effort"].as_str().is_some_and(|e| efforts.contains(&e)) {
        return Err(bad("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"));
    }
    let format = &config["format"];
    if format.is_null() {
        return Ok(None);
    }
    if format["type"] != "json_schema" || !format["schema"].is_object() {
        return Err(bad("output_config.format: type json_schema and schema are required"));
    }
    only(format, &["type", "schema"], "output_config.format.")?;
    judge_schema(&format["schema"])?;
    Ok(Some(format["schema"].clone()))
}

/// Judges a schema of the answer, and those below it.
fn judge_schema(schema: &Value) -> Result<(), Refusal> {
    let place = "output_config.format.schema";
    let kind = schema["type"].as_str().unwrap_or("any");
    if let Some(keyword) = NOT_IN_OUTPUT.iter().find(|k| schema.get(**k).is_some()) {
        return Err(bad(format!("{place}: For '{kind}' type, property '{keyword}' is not supported")));
    }
    if schema["properties"].is_object() && schema["additionalProperties"] != false {
        return Err(bad(format!("{place}: For 'object' type, 'additionalProperties' must be explicitly set to false")));
    }
    for map in ["properties", "$defs", "definitions"] {
        schema[map].as_object().into_iter().flatten().try_for_each(|(_, inner)| judge_schema(inner))?;
    }
    for list in ["anyOf", "allOf"] {
        schema[list].as_array().into_iter().flatten().try_for_each(judge_schema)?;
    }
    if schema["items"].is_object() { judge_schema(&schema["items"]) } else { Ok(()) }
}

/// The tool that has to be called and the schema of its input; none where the model may call none.
fn tool(body: &Map<String, Value>, caching: &mut Caching) -> Result<Option<(String, Value)>, Refusal> {
    let tools = body.get("tools").and_then(Value::as_array);
    let mut offered = Vec::new();
    for (n, tool) in tools.into_iter().flatten().enumerate() {
        caching.count(tool, &format!("tools.{n}"))?;
        if !matches!(tool["type"].as_str(), None | Some("custom")) {
            // A tool that the vendor runs itself.
            continue;
        }
        let place = format!("tools.{n}.custom.");
        only(tool, &TOOL_FIELDS, &place)?;
        let name = tool["name"].as_str().ok_or_else(|| bad(format!("{place}name: Field required")))?;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 128 || !name.chars().all(fits) {
            return Err(bad(format!("{place}name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")));
        }
        let input = &tool["input_schema"];
        if !input.is_object() {
            return Err(bad(format!("{place}input_schema: Field required")));
        }
        if input["type"] != "object" {
            return Err(bad(format!("{place}input_schema.type: Input should be 'object'")));
        }
        offered.push((name.to_owned(), input.clone()));
    }
    let Some(choice) = body.get("tool_choice").filter(|c| !c.is_null()) else { return Ok(None) };
    if tools.is_none_or(Vec::is_empty) {
        return Err(bad("tool_choice: may only be specified while providing tools"));
    }
    match choice["type"].as_str() {
        Some("any") => Ok(offered.into_iter().next()),
        Some("tool") => {
            let name = &choice["name"];
            let found = offered.into_iter().find(|(offered, _)| name == offered);
            found.map(Some).ok_or_else(|| bad(format!("tool_choice.name: Tool {name} not found in provided tools")))
        }
        Some("auto" | "none") => Ok(None),
        _ => Err(bad("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")),
    }
}
