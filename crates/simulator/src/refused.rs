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
        let mut fields: Vec<&String> = answer["error"].as_object().unwrap().keys().collect();
        fields.sort();
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

/// An upload, as OpenAI's clients send it.
fn upload(caller: &Caller, purpose: &str, name: &str, lines: &[Value]) -> (u16, Value) {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{lines}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--x--\r\n"
    );
    caller.call("POST", "/v1/files", &[("content-type", "multipart/form-data; boundary=x")], form.as_bytes())
}

fn line(id: &str, model: &str) -> Value {
    json!({"custom_id": id, "method": "POST", "url": "/v1/chat/completions", "body": {"model": model,
        "messages": [{"role": "user", "content": "A wyrm."}]}})
}

fn creation(file: &Value) -> Value {
    json!({"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"})
}

#[test]
fn files_and_creations_of_batches_are_refused_as_openai_refuses_them() {
    let (_simulator, caller) = simulator(0.0);
    let (status, refused) = upload(&caller, "nope", "a.jsonl", &[line("a", "m")]);
    assert_eq!((status, &refused["error"]["param"]), (400, &json!("purpose")), "{refused}");
    let (status, refused) = upload(&caller, "batch", "a.txt", &[line("a", "m")]);
    assert_eq!((status, &refused["error"]["param"]), (400, &json!("file")), "{refused}");
    let (_, file) = upload(&caller, "batch", "a.jsonl", &[line("a", "m")]);
    let good = creation(&file["id"]);
    let cases: &[Case<'_>] = &[
        (&[("/completion_window", json!("48h"))], "'24h'"),
        (&[("/completion_window", Value::Null)], "missing_required_parameter"),
        (&[("/endpoint", json!("/v1/nope"))], "/v1/chat/completions"),
        (&[("/metadata", json!({"x": "y".repeat(600)}))], "string_above_max_length"),
        (&[("/output_expires_after", json!({"anchor": "created_at", "seconds": 60}))], "output_expires_after.seconds"),
    ];
    assert_eq!(caller.openai("/v1/batches", &good).0, 200);
    for (changes, words) in cases {
        let (status, answer) = caller.openai("/v1/batches", &changed(&good, changes));
        assert_eq!((status, &answer["error"]["type"]), (400, &json!("invalid_request_error")), "{words}: {answer}");
        assert!(answer.to_string().contains(words), "{words}: {answer}");
    }
    let (_, other) = upload(&caller, "user_data", "a.jsonl", &[line("a", "m")]);
    assert!(caller.openai("/v1/batches", &creation(&other["id"])).1.to_string().contains("Invalid file purpose"));
    for limit in ["0", "101", "many"] {
        let (status, answer) = caller.call("GET", &format!("/v1/batches?limit={limit}"), &[], b"");
        assert_eq!((status, &answer["error"]["param"]), (400, &json!("limit")), "{answer}");
    }
}

#[test]
fn a_file_with_a_wrong_line_makes_a_batch_that_fails_and_names_the_line() {
    let (_simulator, caller) = simulator(3_600_000.0);
    let without = |field: &str| changed(&line("b", "m"), &[(field, Value::Null)]);
    for (lines, code, place) in [
        (vec![], "empty_file", Value::Null),
        (vec![line("a", "m"), json!("no object")], "invalid_json_line", json!(2)),
        (vec![line("a", "m"), without("/custom_id")], "missing_required_parameter", json!(2)),
        (vec![line("a", "m"), changed(&line("b", "m"), &[("/method", json!("GET"))])], "invalid_method", json!(2)),
        (vec![changed(&line("b", "m"), &[("/url", json!("/v1/responses"))])], "invalid_url", json!(1)),
        (vec![line("a", "m"), line("a", "m")], "duplicate_custom_id", json!(2)),
        (vec![line("a", "m"), line("b", "n")], "mismatched_model", json!(2)),
    ] {
        let (_, file) = upload(&caller, "batch", "a.jsonl", &lines);
        let (status, made) = caller.openai("/v1/batches", &creation(&file["id"]));
        assert_eq!((status, &made["status"]), (200, &json!("failed")), "{made}");
        let flaw = &made["errors"]["data"][0];
        assert_eq!((&flaw["code"], &flaw["line"], made["failed_at"].is_u64()), (&json!(code), &place, true), "{made}");
    }
}

#[test]
fn a_batch_at_openai_is_whole_and_its_files_are_files() {
    let (_simulator, caller) = simulator(0.0);
    let bad = changed(&line("b", "m"), &[("/body/stream", json!(true))]);
    let (_, file) = upload(&caller, "batch", "a.jsonl", &[line("a", "m"), bad]);
    let (_, made) = caller.openai("/v1/batches", &creation(&file["id"]));
    let (_, batch) = caller.call("GET", &format!("/v1/batches/{}", made["id"].as_str().unwrap()), &[], b"");
    for time in ["created_at", "in_progress_at", "finalizing_at", "completed_at", "expires_at"] {
        assert!(batch[time].is_u64(), "{time}: {batch}");
    }
    assert_eq!(batch["request_counts"], json!({"total": 2, "completed": 1, "failed": 1}));
    let content =
        |file: &str| caller.call("GET", &format!("/v1/files/{}/content", batch[file].as_str().unwrap()), &[], b"").1;
    let answer = content("output_file_id");
    assert_eq!(answer["response"]["body"]["usage"]["total_tokens"], batch["usage"]["total_tokens"], "{answer} {batch}");
    assert_eq!((&batch["model"], &content("error_file_id")["response"]["status_code"]), (&json!("m"), &json!(400)));
    let (_, output) = caller.call("GET", &format!("/v1/files/{}", batch["output_file_id"].as_str().unwrap()), &[], b"");
    assert_eq!(output["purpose"], "batch_output");
    assert_eq!(output["bytes"], answer.to_string().len() + 1, "{output}");
    let (_, files) = caller.call("GET", "/v1/files?purpose=batch", &[], b"");
    assert_eq!(files["data"], json!([file]));
    let place = format!("/v1/files/{}", file["id"].as_str().unwrap());
    assert_eq!(caller.call("DELETE", &place, &[], b"").1["deleted"], true);
    for gone in [caller.call("GET", &place, &[], b"").0, caller.openai("/v1/batches", &creation(&file["id"])).0] {
        assert_eq!(gone, 404);
    }
}

#[test]
fn batches_are_refused_as_anthropic_refuses_them() {
    let (_simulator, caller) = simulator(3_600_000.0);
    let path = "/v1/messages/batches";
    let params = json!({"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "A wyrm."}]});
    let batch = |ids: &[&str]| json!({"requests": ids.iter().map(|id| json!({"custom_id": id, "params": params})).collect::<Vec<_>>()});
    for (body, words) in [
        (batch(&[]), "at least 1 item"),
        (batch(&["x", "x"]), "requests.1.custom_id: must be unique"),
        (batch(&["a/1"]), "requests.0.custom_id: String should match pattern"),
        (batch(&[""]), "requests.0.custom_id: String should match pattern"),
        (batch(&["a".repeat(65).as_str()]), "at most 64 characters"),
        (json!({"requests": [{"custom_id": "a", "params": params, "name": "b"}]}), "name"),
        (json!({"requests": [], "metadata": {}}), "metadata"),
    ] {
        let (status, answer) = caller.anthropic(path, &body);
        assert_eq!((status, &answer["error"]["type"]), (400, &json!("invalid_request_error")), "{words}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{words}: {answer}");
    }
    let version = [("anthropic-version", "2023-06-01")];
    for limit in ["0", "1001"] {
        assert_eq!(caller.call("GET", &format!("{path}?limit={limit}"), &version, b"").0, 400);
    }
    let (_, made) = caller.anthropic(path, &batch(&["a", "b"]));
    let place = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(caller.call("DELETE", &place, &version, b"").0, 400, "it is worked on");
    assert_eq!(caller.call("GET", &format!("{place}/results"), &version, b"").0, 404, "there are none yet");
    let (_, cancelled) = caller.anthropic(&format!("{place}/cancel"), &json!({}));
    let counts = json!({"processing": 0, "succeeded": 1, "errored": 0, "canceled": 1, "expired": 0});
    assert_eq!(
        (&cancelled["request_counts"], cancelled["cancel_initiated_at"].is_string()),
        (&counts, true),
        "{cancelled}"
    );
    let (_, results) = caller.call("GET", &format!("{place}/results"), &version, b"");
    assert!(results.as_str().unwrap().contains(r#"{"type":"canceled"}"#), "{results}");
    assert_eq!(caller.call("DELETE", &place, &version, b"").1["type"], "message_batch_deleted");
    assert_eq!(caller.call("GET", &place, &version, b"").0, 404, "it is gone");
}

#[test]
fn batches_are_refused_as_gemini_refuses_them_and_small_ones_come_inline() {
    let (_simulator, caller) = simulator(0.0);
    let path = "/v1beta/models/m:batchGenerateContent";
    let request = json!({"request": {"contents": [{"parts": [{"text": "A wyrm."}]}]}, "metadata": {"key": "a"}});
    let good = json!({"batch": {"displayName": "d", "inputConfig": {"requests": {"requests": [request]}}}});
    let cases: &[Case<'_>] = &[
        (&[("/batch/displayName", Value::Null)], "display_name"),
        (&[("/batch/inputConfig", json!({}))], "exactly one of"),
        (&[("/batch/inputConfig/fileName", json!("files/x"))], "exactly one of"),
        (&[("/batch/inputConfig/requests/requests", json!([]))], "must not be empty"),
        (&[("/batch/wings", json!(2))], "Unknown name \\\"wings\\\""),
    ];
    for (changes, words) in cases {
        let (status, answer) = caller.gemini(path, &changed(&good, changes));
        assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{words}: {answer}");
        assert!(answer.to_string().contains(words), "{words}: {answer}");
    }
    let (_, made) = caller.gemini(path, &good);
    let key = [("x-goog-api-key", "k")];
    let place = format!("/v1beta/{}", made["name"].as_str().unwrap());
    let (_, over) = caller.call("GET", &place, &key, b"");
    let line = &over["metadata"]["output"]["inlinedResponses"]["inlinedResponses"][0];
    assert_eq!((&line["metadata"], line["response"]["candidates"].is_array()), (&json!({"key": "a"}), true), "{over}");
    assert_eq!(caller.call("GET", "/v1beta/batches?pageSize=-1", &key, b"").0, 400);
    assert_eq!(caller.call("DELETE", &place, &key, b"").0, 200);
    assert_eq!(caller.call("GET", &place, &key, b"").0, 404);
}
