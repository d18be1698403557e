//! Replies and errors as the vendors document them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::remote::ServiceTier;
use crate::remote::trouble::Disposition;
use crate::remote::trouble::TroubleKind;
use crate::values::Usage;

fn dialect(vendor: &'static dyn Vendor) -> Dialect {
    Dialect::new(vendor, "m", vendor.default_api_version(), true)
}

fn prompt(schema: Value) -> Prompt {
    Prompt {
        system: "Find terms.".into(),
        user: "The wyrm sleeps.".into(),
        schema: Arc::new(schema),
        schema_name: "glossary".into(),
        max_output_tokens: 512,
        tier: ServiceTier::Standard,
    }
}

fn object() -> Value {
    json!({"type": "object", "required": ["items"], "additionalProperties": false,
           "properties": {"items": {"type": "array", "items": {"type": "string"}}}})
}

#[test]
fn no_request_carries_a_sampling_parameter() {
    for vendor in ALL {
        for structured in [Structured::Schema, Structured::Tool, Structured::Json, Structured::Prompt] {
            let body = dialect(vendor).body(&prompt(object()), structured).to_string();
            for word in ["temperature", "top_p", "top_k", "topP", "topK"] {
                assert!(!body.contains(word), "{vendor:?} {body}");
            }
            let in_words = matches!(structured, Structured::Json | Structured::Prompt);
            assert_eq!(body.contains("JSON Schema:"), in_words);
        }
    }
}

#[test]
fn local_servers_get_the_older_name_of_the_output_budget() {
    let mut chat = dialect(OPENAI_CHAT);
    assert_eq!(chat.body(&prompt(object()), Structured::Schema)["max_completion_tokens"], 512);
    chat.first_party = false;
    let body = chat.body(&prompt(object()), Structured::Schema);
    assert_eq!((&body["max_tokens"], &body["max_completion_tokens"]), (&json!(512), &Value::Null));
}

#[test]
fn replies_are_read_by_the_type_of_their_parts() {
    let read = |vendor: &'static dyn Vendor, value: Value| dialect(vendor).reply(value.to_string().as_bytes()).unwrap();
    let reply = read(
        ANTHROPIC,
        json!({"type": "message", "model": "claude-x", "stop_reason": "end_turn",
               "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "{\"a\""}, {"type": "text", "text": ":1}"}],
               "usage": {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 11, "cache_creation_input_tokens": 13,
                         "cache_creation": {"ephemeral_5m_input_tokens": 9, "ephemeral_1h_input_tokens": 4}}}),
    );
    assert_eq!(reply.content, Some(Content::Text("{\"a\":1}".into())));
    let usage = Usage { input: 5, cache_read: 11, cache_write_5m: 9, cache_write_1h: 4, output: 7 };
    assert_eq!((reply.usage, reply.usage.unwrap().prompt()), (Some(usage), 29));
    let reply = read(
        ANTHROPIC,
        json!({"stop_reason": "tool_use", "content": [{"type": "text", "text": "I call it."}, {"type": "tool_use", "input": {"a": 1}}]}),
    );
    assert_eq!((reply.content, reply.usage), (Some(Content::Json(json!({"a": 1}))), None));

    let chat = |choice: Value| {
        read(
            OPENAI_CHAT,
            json!({"choices": [choice], "usage": {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}}}),
        )
    };
    let reply = chat(json!({"finish_reason": "stop", "message": {"content": "x"}}));
    assert_eq!(reply.usage, Some(Usage { input: 36, cache_read: 64, output: 7, ..Usage::default() }));
    assert_eq!(chat(json!({"finish_reason": "length", "message": {"content": "x"}})).finish, Finish::Truncated);
    let refused = chat(json!({"finish_reason": "stop", "message": {"content": null, "refusal": "No."}}));
    assert_eq!((refused.finish, refused.content), (Finish::Refused("No.".into()), None));

    let reply = read(
        OPENAI_RESPONSES,
        json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
               "output": [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": "x"}]}],
               "usage": {"input_tokens": 9, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1}}}),
    );
    assert_eq!((reply.finish, reply.content), (Finish::Truncated, Some(Content::Text("x".into()))));
    assert_eq!(reply.usage, Some(Usage { input: 4, cache_read: 4, cache_write_5m: 1, output: 2, ..Usage::default() }));

    let reply = read(
        GEMINI,
        json!({"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "hm", "thought": true}, {"text": "x"}]}}],
               "usageMetadata": {"promptTokenCount": 20, "cachedContentTokenCount": 8, "candidatesTokenCount": 3, "thoughtsTokenCount": 4}}),
    );
    assert_eq!(reply.content, Some(Content::Text("x".into())));
    assert_eq!(reply.usage, Some(Usage { input: 12, cache_read: 8, output: 7, ..Usage::default() }));
    let blocked = read(GEMINI, json!({"promptFeedback": {"blockReason": "SAFETY"}}));
    assert_eq!(blocked.finish, Finish::Refused("SAFETY".into()));
    for vendor in ALL {
        assert!(dialect(vendor).reply(b"{}").is_err());
        assert!(dialect(vendor).reply(b"<html>").is_err());
    }
}

#[test]
fn errors_mean_what_the_vendors_say_they_mean() {
    use TroubleKind as K;
    let server = K::Server { may_have_answered: true };
    let anthropic = |kind: &str, message: &str| json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "r"});
    let openai =
        |kind: &str, code: Value| json!({"error": {"message": "m", "type": kind, "param": null, "code": code}});
    let google = |status: &str, quota: &str| {
        json!([{"error": {"code": 429, "message": "m", "status": status,
                "details": [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]}]}}])
    };
    let cases = [
        (ANTHROPIC, 529, anthropic("overloaded_error", "x"), K::Overloaded),
        (ANTHROPIC, 429, anthropic("rate_limit_error", "x"), K::RateLimited),
        (ANTHROPIC, 400, anthropic("invalid_request_error", "Your credit balance is too low"), K::Balance),
        (ANTHROPIC, 400, anthropic("invalid_request_error", "You have reached your specified spend limit"), K::Balance),
        (ANTHROPIC, 400, anthropic("invalid_request_error", "prompt is too long: 250000 tokens"), K::TooLarge),
        (
            ANTHROPIC,
            400,
            anthropic("invalid_request_error", "output_config: Extra inputs are not permitted"),
            K::Structured,
        ),
        (ANTHROPIC, 400, anthropic("invalid_request_error", "messages: too short"), K::BadRequest),
        (ANTHROPIC, 401, anthropic("authentication_error", "x"), K::Key),
        (ANTHROPIC, 402, anthropic("billing_error", "x"), K::Balance),
        (ANTHROPIC, 404, anthropic("not_found_error", "model: m"), K::NotFound),
        (ANTHROPIC, 500, anthropic("api_error", "x"), server),
        (OPENAI_CHAT, 429, openai("insufficient_quota", json!("insufficient_quota")), K::Balance),
        (OPENAI_CHAT, 429, openai("requests", json!("rate_limit_exceeded")), K::RateLimited),
        (OPENAI_CHAT, 400, openai("invalid_request_error", json!("context_length_exceeded")), K::TooLarge),
        (OPENAI_CHAT, 401, openai("invalid_request_error", json!("invalid_api_key")), K::Key),
        (OPENAI_RESPONSES, 404, openai("invalid_request_error", json!("model_not_found")), K::NotFound),
        (GEMINI, 429, google("RESOURCE_EXHAUSTED", "GenerateRequestsPerMinute"), K::RateLimited),
        (GEMINI, 429, google("RESOURCE_EXHAUSTED", "GenerateRequestsPerDayPerProject"), K::DailyQuota),
        (GEMINI, 503, google("UNAVAILABLE", ""), K::Overloaded),
        (GEMINI, 403, google("PERMISSION_DENIED", ""), K::Key),
    ];
    for (vendor, status, body, kind) in cases {
        let trouble = dialect(vendor).trouble(status, body.to_string().as_bytes());
        assert_eq!(trouble.kind, kind, "{vendor:?} {status} {body}");
    }
    // Bodies that are no vendor's: an edge server's page, nothing at all.
    for vendor in ALL {
        let of = |status, body: &[u8]| dialect(vendor).trouble(status, body);
        assert_eq!(of(502, b"<html>Bad gateway</html>").kind, server);
        assert_eq!(of(413, b"Too large").kind, K::TooLarge);
        assert_eq!(of(429, b"").kind, K::RateLimited);
        assert_eq!(of(504, b"").kind, server);
        assert!(of(504, b"").may_be_billed());
        assert_eq!(of(418, b"teapot").disposition(), Disposition::FailUnit);
    }
}

#[test]
fn a_schema_gets_the_mechanism_that_can_express_it_or_a_remedy() {
    for vendor in ALL {
        assert_eq!(vendor.structured(&object()), Ok(Structured::Schema));
        assert_eq!(vendor.structured(&json!({"type": "array"})), Err(SchemaTrouble::Root));
    }
    let mut bounded = object();
    bounded["properties"]["items"]["items"]["minLength"] = json!(1);
    assert_eq!(ANTHROPIC.structured(&bounded), Ok(Structured::Tool));
    let message = GEMINI.structured(&bounded).unwrap_err().to_string();
    assert!(message.contains("'minLength' at #/properties/items/items"), "{message}");
    // A property that is named like a keyword is none.
    let mut named = object();
    named["properties"]["pattern"] = json!({"type": "string"});
    assert_eq!(GEMINI.structured(&named), Ok(Structured::Schema));
    // OpenAI's strict mode wants every property required; others are sent without it.
    let strict = |schema: Value| {
        dialect(OPENAI_CHAT).body(&prompt(schema), Structured::Schema)["response_format"]["json_schema"]["strict"]
            .clone()
    };
    assert_eq!((strict(object()), strict(named)), (json!(true), json!(false)));
}

#[test]
fn a_refused_mechanism_is_followed_by_the_next_until_there_is_none() {
    for vendor in ALL {
        let mut way = Structured::Schema;
        let mut ways = 1;
        while let Some(next) = vendor.downgraded(way) {
            assert!(next > way);
            (way, ways) = (next, ways + 1);
        }
        assert_eq!((way, ways), (Structured::Prompt, 3));
    }
}
