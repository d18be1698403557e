//! What the vendors refuse is refused, with the words and the shape of each.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use crate::{BatchConfig, Simulator, SimulatorConfig};

/// A client that knows no vendor.
pub(crate) struct Caller(SocketAddr);

impl Caller {
    /// Status and body of a call; a body that is no JSON comes as a string.
    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.0).unwrap();
        let mut head = format!("{method} {path} HTTP/1.0\r\nhost: {}\r\ncontent-length: {}\r\n", self.0, body.len());
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|_| body.into()))
    }

    fn openai(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("POST", path, &[], body.to_string().as_bytes())
    }

    fn anthropic(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("POST", path, &[("anthropic-version", "2023-06-01")], body.to_string().as_bytes())
    }

    fn gemini(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("POST", path, &[("x-goog-api-key", "k")], body.to_string().as_bytes())
    }
}

/// A simulator whose batches take an hour, or none at all.
pub(crate) fn simulator(turnaround_ms: f64) -> (Simulator, Caller) {
    let batch = BatchConfig { turnaround_ms, ..BatchConfig::default() };
    let config = SimulatorConfig { batch, gold: vec!["wyrm".into()], ..SimulatorConfig::default() };
    let simulator = Simulator::start(config, 0, 1_790_000_000.0).unwrap();
    let caller = Caller(simulator.address());
    (simulator, caller)
}

/// A good body with changes: a pointer to each value, and what stands there instead.
fn changed(good: &Value, changes: &[(&str, Value)]) -> Value {
    let mut body = good.clone();
    for (place, value) in changes {
        let (parent, name) = place.rsplit_once('/').unwrap();
        match body.pointer_mut(parent).unwrap() {
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = value.clone(),
            other => other[name] = value.clone(),
        }
    }
    body
}

/// A change of a good request, and a part of the error that it meets.
type Case<'a> = (&'a [(&'a str, Value)], &'a str);

#[test]
fn chat_completions_refuse_what_openai_refuses() {
    let (_simulator, caller) = simulator(0.0);
    let good = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "A wyrm as JSON."}]});
    let function = |f: Value| json!([{"type": "function", "function": f}]);
    let format = |name: &str, schema: &Value| json!({"type": "json_schema", "json_schema": {"name": name, "strict": true, "schema": schema}});
    let open = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let hidden = json!({"type": "object", "additionalProperties": false, "required": ["a"],
        "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": open}});
    let pairs: serde_json::Map<String, Value> = (0..17).map(|n| (format!("k{n}"), json!("v"))).collect();
    let cases: &[Case<'_>] = &[
        (&[("/model", Value::Null)], "you must provide a model parameter"),
        (&[("/messages", json!([]))], "empty_array"),
        (&[("/messages/0/role", json!("wizard"))], "messages[0].role"),
        (&[("/messages/0/content", Value::Null)], "messages[0].content"),
        (&[("/messages/0/content", json!([{"type": "smell"}]))], "messages[0].content[0].type"),
        (&[("/messages/0", json!({"role": "tool", "tool_call_id": "x", "content": "y"}))], "preceding message"),
        (&[("/wings", json!(2))], "Unrecognized request argument supplied: wings"),
        (&[("/temperature", json!(3))], "decimal_above_max_value"),
        (&[("/top_p", json!(-0.5))], "decimal_below_min_value"),
        (&[("/n", json!(0))], "'n'"),
        (&[("/temperature", json!("hot"))], "invalid_type"),
        (&[("/service_tier", json!("cheap"))], "service_tier"),
        (&[("/reasoning_effort", json!("heroic"))], "reasoning_effort"),
        (&[("/max_tokens", json!(0))], "integer_below_min_value"),
        (&[("/model", json!("gpt-5.6-sol")), ("/max_tokens", json!(5))], "unsupported_parameter"),
        (&[("/metadata", json!({"x": "y".repeat(600)}))], "string_above_max_length"),
        (&[("/metadata", Value::Object(pairs))], "object_above_max_properties"),
        (&[("/response_format", json!({"type": "xml"}))], "response_format.type"),
        (&[("/response_format", format("a b", &open))], "response_format.json_schema.name"),
        (&[("/response_format", format("a", &open))], "additionalProperties"),
        (&[("/response_format", format("a", &hidden))], "'$defs'"),
        (
            &[("/messages/0/content", json!("A wyrm.")), ("/response_format", json!({"type": "json_object"}))],
            "must contain the word 'json'",
        ),
        (&[("/tools", json!([]))], "empty_array"),
        (&[("/tools", function(json!({"name": "two words"})))], "tools[0].function.name"),
        (&[("/tools", function(json!({"name": "f", "parameters": {"type": "array"}})))], "invalid_function_parameters"),
        (&[("/tool_choice", json!("required"))], "only allowed when 'tools' are specified"),
        (
            &[
                ("/tools", function(json!({"name": "f"}))),
                ("/tool_choice", json!({"type": "function", "function": {"name": "g"}})),
            ],
            "not found in 'tools'",
        ),
    ];
    assert_eq!(caller.openai("/v1/chat/completions", &good).0, 200);
    for (changes, words) in cases {
        let (status, answer) = caller.openai("/v1/chat/completions", &changed(&good, changes));
        assert_eq!(status, 400, "{words}: {answer}");
        assert_eq!(answer["error"]["type"], "invalid_request_error", "{answer}");
        let fields: Vec<&String> = answer["error"].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["code", "message", "param", "type"], "{words}");
        assert!(answer.to_string().contains(words), "{words}: {answer}");
    }
}

#[test]
fn responses_refuse_what_openai_refuses() {
    let (_simulator, caller) = simulator(0.0);
    let good = json!({"model": "m", "input": "A wyrm."});
    let cases: &[Case<'_>] = &[
        (&[("/input", json!([]))], "missing_required_parameter"),
        (&[("/input", json!([{"role": "wizard", "content": "x"}]))], "input[0].role"),
        (&[("/wings", json!(2))], "unknown_parameter"),
        (&[("/max_output_tokens", json!(15))], "integer_below_min_value"),
        (&[("/text", json!({"format": {"type": "json_schema", "schema": {}}}))], "text.format.name"),
        (&[("/reasoning", json!({"effort": "heroic"}))], "reasoning.effort"),
        (&[("/tools", json!([{"type": "function", "name": "a b"}]))], "tools[0].name"),
    ];
    assert_eq!(caller.openai("/v1/responses", &good).0, 200);
    for (changes, words) in cases {
        let (status, answer) = caller.openai("/v1/responses", &changed(&good, changes));
        assert_eq!(status, 400, "{words}: {answer}");
        assert!(answer.to_string().contains(words), "{words}: {answer}");
    }
}

#[test]
fn messages_refuse_what_anthropic_refuses() {
    let (_simulator, caller) = simulator(0.0);
    let good = json!({"model": "m", "max_tokens": 2_000, "messages": [{"role": "user", "content": "A wyrm."}]});
    let tool =
        |change: (&str, Value)| json!([changed(&json!({"name": "f", "input_schema": {"type": "object"}}), &[change])]);
    let text = |block: Value| ("/messages/0/content", json!([block]));
    let marked = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
    let format = |schema: Value| ("/output_config", json!({"format": {"type": "json_schema", "schema": schema}}));
    let cases: &[Case<'_>] = &[
        (&[("/max_tokens", json!(0))], "max_tokens: Input should be greater"),
        (&[("/wings", json!(2))], "wings: Extra inputs are not permitted"),
        (&[("/temperature", json!(1.5))], "temperature: range: 0..1"),
        (&[("/service_tier", json!("flex"))], "service_tier: Input should be"),
        (&[("/metadata", json!({"name": "x"}))], "metadata.name: Extra inputs"),
        (&[("/messages/0/role", json!("system"))], "top-level `system` parameter"),
        (&[("/messages/0/name", json!("x"))], "messages.0.name: Extra inputs"),
        (&[("/messages/0/content", json!(""))], "must have non-empty content"),
        (&[("/messages/0/content", json!(" \n"))], "must contain non-whitespace text"),
        (&[text(json!({"type": "text", "text": ""}))], "text content blocks must be non-empty"),
        (&[text(json!({"type": "text", "text": "x", "lang": "en"}))], "lang: Extra inputs"),
        (&[text(json!({"type": "smell"}))], "messages.0.content.0: Input tag"),
        (
            &[text(json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "2h"}}))],
            "ttl 5m or 1h",
        ),
        (&[("/messages/0/content", json!(vec![marked; 5]))], "maximum of 4 blocks with cache_control"),
        (&[("/thinking", json!({"type": "enabled", "budget_tokens": 100}))], "greater than or equal to 1024"),
        (
            &[("/thinking", json!({"type": "enabled", "budget_tokens": 2_000}))],
            "must be greater than `thinking.budget_tokens`",
        ),
        (&[("/output_config", json!({"effort": "heroic"}))], "output_config.effort"),
        (
            &[format(json!({"type": "object", "properties": {"a": {"type": "string"}}}))],
            "'additionalProperties' must be explicitly set to false",
        ),
        (&[format(json!({"type": "integer", "minimum": 3}))], "property 'minimum' is not supported"),
        (&[("/tools", tool(("/name", json!("two words"))))], "String should match pattern"),
        (&[("/tools", tool(("/parameters", json!({}))))], "tools.0.custom.parameters: Extra inputs"),
        (&[("/tools", tool(("/input_schema", json!({"type": "array"}))))], "Input should be 'object'"),
        (&[("/tool_choice", json!({"type": "any"}))], "may only be specified while providing tools"),
        (
            &[("/tools", tool(("/name", json!("f")))), ("/tool_choice", json!({"type": "tool", "name": "g"}))],
            "not found in provided tools",
        ),
        (
            &[
                ("/tools", tool(("/name", json!("f")))),
                ("/tool_choice", json!({"type": "any"})),
                ("/thinking", json!({"type": "adaptive"})),
            ],
            "when tool_choice forces tool use",
        ),
    ];
    assert_eq!(caller.anthropic("/v1/messages", &good).0, 200);
    for (changes, words) in cases {
        let (status, answer) = caller.anthropic("/v1/messages", &changed(&good, changes));
        assert_eq!(status, 400, "{words}: {answer}");
        assert_eq!((&answer["type"], &answer["error"]["type"]), (&json!("error"), &json!("invalid_request_error")));
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{words}: {answer}");
    }
}

#[test]
fn generate_content_refuses_what_gemini_refuses() {
    let (_simulator, caller) = simulator(0.0);
    let good =
        json!({"contents": [{"role": "user", "parts": [{"text": "A wyrm."}]}], "generation_config": {"top_k": 3}});
    let cases: &[Case<'_>] = &[
        (&[("/contents", json!([]))], "contents is not specified"),
        (&[("/contents/0/role", json!("system"))], "valid role"),
        (&[("/contents/0/parts", json!([]))], "must not be empty"),
        (&[("/wings", json!(2))], "Unknown name \\\"wings\\\""),
        (&[("/generation_config/max_tokens", json!(2))], "Unknown name \\\"max_tokens\\\" at 'generation_config'"),
        (&[("/generation_config/temperature", json!(2.5))], "range [0.0, 2.0]"),
        (&[("/generation_config/maxOutputTokens", json!(0))], "must be positive"),
        (&[("/generation_config/responseSchema", json!({"type": "OBJECT"}))], "requires response_mime_type"),
        (&[("/tool_config", json!({"function_calling_config": {"mode": "ANY"}}))], "function_declarations"),
    ];
    assert_eq!(caller.gemini("/v1beta/models/m:generateContent", &good).0, 200);
    for (changes, words) in cases {
        let (status, answer) = caller.gemini("/v1beta/models/m:generateContent", &changed(&good, changes));
        assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{words}: {answer}");
        assert!(answer.to_string().contains(words), "{words}: {answer}");
    }
}

#[test]
fn a_function_that_must_be_called_is_called_in_the_shape_of_each_vendor() {
    let (_simulator, caller) = simulator(0.0);
    // As pydantic writes the schemas of models within models.
    let schema = json!({"type": "object", "required": ["items"], "properties": {"items": {"type": "array",
        "items": {"$ref": "#/$defs/Item"}}}, "$defs": {"Item": {"type": "object", "required": ["term"], "properties": {
        "term": {"type": "string"}, "page": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": null},
        "kind": {"const": "noun"}}}}});
    let function = json!({"name": "glossary", "parameters": schema});
    let messages = json!([{"role": "user", "content": "A wyrm."}]);
    let (_, chat) = caller.openai("/v1/chat/completions", &json!({"model": "m", "messages": messages,
        "tools": [{"type": "function", "function": function}], "tool_choice": {"type": "function", "function": {"name": "glossary"}}}));
    let call = &chat["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(
        (&call["name"], &chat["choices"][0]["message"]["content"]),
        (&json!("glossary"), &Value::Null),
        "{chat}"
    );
    let (_, responses) = caller.openai(
        "/v1/responses",
        &json!({"model": "m", "input": "A wyrm.",
        "tools": [{"type": "function", "name": "glossary", "parameters": schema}], "tool_choice": "required"}),
    );
    let output = &responses["output"][0];
    assert_eq!((&output["type"], &output["name"]), (&json!("function_call"), &json!("glossary")), "{responses}");
    let (_, message) = caller.anthropic(
        "/v1/messages",
        &json!({"model": "m", "max_tokens": 900, "messages": messages,
        "tools": [{"name": "glossary", "input_schema": schema}], "tool_choice": {"type": "any"}}),
    );
    let (_, gemini) = caller.gemini(
        "/v1/models/m:generateContent",
        &json!({"contents": [{"parts": [{"text": "A wyrm."}]}],
        "tools": [{"functionDeclarations": [{"name": "glossary", "parametersJsonSchema": schema}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
    );
    let parsed = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    for said in [
        parsed(&call["arguments"]),
        parsed(&output["arguments"]),
        message["content"][0]["input"].clone(),
        gemini["candidates"][0]["content"]["parts"][0]["functionCall"]["args"].clone(),
    ] {
        assert_eq!(said["items"][0]["term"], "wyrm", "{said}");
        assert!(jsonschema::is_valid(&schema, &said), "{said}");
    }
}

#[test]
fn models_are_listed_as_each_vendor_lists_them() {
    let (_simulator, caller) = simulator(0.0);
    for (header, list, id) in
        [("authorization", "data", "id"), ("anthropic-version", "data", "id"), ("x-goog-api-key", "models", "name")]
    {
        let (status, page) = caller.call("GET", "/v1/models", &[(header, "2023-06-01")], b"");
        assert_eq!(status, 200, "{page}");
        assert!(page[list][0][id].as_str().unwrap().ends_with("simulated"), "{page}");
    }
}
