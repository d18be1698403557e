//! The provider clients against the simulator's interfaces.

use std::sync::Arc;
use std::time::Duration;

use corpora::remote::{
    ANTHROPIC, ApiKey, Attempt, Client, Content, Dialect, Endpoint, Finish, OPENAI_CHAT, Prompt, Reply, ServiceTier,
    Structured, TroubleKind, VENDORS, Vendor,
};
use corpora::simulator::{Fault, Limits, Simulator, SimulatorConfig};
use serde_json::{Value, json};

const KEY: &str = "sk-test-4f1e2d3c4b5a69788796";
const PASSAGE: &str = "A salt lantern is a lamp that keeps the drowned away. The wyrm sleeps.";

fn schema() -> Value {
    json!({"type": "object", "additionalProperties": false, "required": ["items"], "properties": {"items": {"type": "array",
        "items": {"type": "object", "additionalProperties": false, "required": ["term", "definition"],
            "properties": {"term": {"type": "string"}, "definition": {"type": "string"}}}}}})
}

fn config() -> SimulatorConfig {
    SimulatorConfig { gold: vec!["salt lantern".into(), "wyrm".into()], key: KEY.into(), ..SimulatorConfig::default() }
}

fn client(simulator: &Simulator, vendor: &'static dyn Vendor, key: &str) -> Client {
    let path = if vendor.default_base_url().ends_with("/v1") { "/v1" } else { "" };
    let endpoint = Endpoint::new(&format!("http://{}{path}", simulator.address()), false).unwrap();
    let dialect = Dialect::new(vendor, "sim-1", vendor.default_api_version(), false);
    let key = ApiKey::new(key).unwrap();
    Client::new(endpoint, dialect, Some(key), &schema(), Duration::from_millis(1500), 8, || 1_790_000_000.0).unwrap()
}

fn prompt(budget: u32) -> Prompt {
    Prompt {
        system: "Find the terms.".into(),
        user: PASSAGE.into(),
        schema: Arc::new(schema()),
        schema_name: "glossary".into(),
        max_output_tokens: budget,
        tier: ServiceTier::Standard,
    }
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn reply(client: &Client, attempt: Attempt) -> Reply {
    client.dialect().reply(&attempt.result.unwrap().body).unwrap()
}

fn items(content: Option<Content>) -> Value {
    match content {
        Some(Content::Text(text)) => serde_json::from_str(&text).unwrap(),
        Some(Content::Json(value)) => value,
        None => panic!("nothing was said"),
    }
}

#[test]
fn every_vendor_answers_and_its_usage_is_what_the_simulator_billed() {
    for vendor in VENDORS {
        let simulator = Simulator::start(config(), 0, 1_790_000_000.0).unwrap();
        let client = client(&simulator, vendor, KEY);
        let attempt = block(client.send(&prompt(500)));
        assert!(attempt.request_id.is_some(), "{vendor:?}");
        let reply = reply(&client, attempt);
        assert_eq!(reply.finish, Finish::Complete, "{vendor:?}");
        assert_eq!(reply.usage, simulator.journal()[0].billed, "{vendor:?}");
        let said = items(reply.content);
        assert_eq!(said["items"][0]["term"], "salt lantern");
        assert_eq!(said["items"][1], json!({"term": "wyrm", "definition": "The wyrm sleeps."}));
        assert!(block(client.look_up_model()).result.is_ok(), "{vendor:?}");
    }
}

#[test]
fn every_fault_is_read_as_what_it_is_at_every_vendor() {
    use TroubleKind as T;
    #[allow(clippy::type_complexity, reason = "a table")]
    let troubles: [(Fault, fn(TroubleKind) -> bool); 18] = [
        (Fault::ServerError, |k| k == T::Server { may_have_answered: true }),
        (Fault::BadGateway, |k| k == T::Server { may_have_answered: true }),
        (Fault::Unavailable, |k| k == T::Overloaded),
        (Fault::GatewayTimeoutAfterEffect, |k| k == T::Server { may_have_answered: true }),
        (Fault::Overloaded, |k| k == T::Overloaded),
        (Fault::RequestTimeout, |k| matches!(k, T::Server { .. })),
        (Fault::Conflict, |k| matches!(k, T::Server { .. })),
        (Fault::TooLarge, |k| k == T::TooLarge),
        (Fault::RateLimited, |k| k == T::RateLimited),
        (Fault::RateLimitedSilent, |k| k == T::RateLimited),
        (Fault::ResetBeforeHeaders, |k| k == T::Cut),
        (Fault::ResetInBody, |k| k == T::Cut),
        (Fault::ChunkedCut, |k| k == T::Cut),
        (Fault::Stuck, |k| k == T::Timeout),
        (Fault::KeyRevoked, |k| k == T::Key),
        (Fault::InsufficientQuota, |k| matches!(k, T::Balance | T::DailyQuota)),
        (Fault::ModelNotFound, |k| k == T::NotFound),
        (Fault::NoStructuredOutput, |k| k == T::Structured),
    ];
    for vendor in VENDORS {
        for (fault, expected) in troubles {
            let simulator =
                Simulator::start(SimulatorConfig { faults: vec![(fault, 1.0)], ..config() }, 0, 1_790_000_000.0)
                    .unwrap();
            let trouble = block(client(&simulator, vendor, KEY).send(&prompt(500))).result.unwrap_err();
            assert!(expected(trouble.kind), "{vendor:?} {fault:?}: {trouble:?}");
        }
    }
}

#[test]
fn waiting_times_are_read_in_all_their_forms() {
    let faults = [
        (Fault::RateLimited, 3.0),
        (Fault::RateLimitedFraction, 2.5),
        (Fault::RateLimitedMillis, 2.5),
        (Fault::RateLimitedDate, 2.0),
    ];
    for (fault, seconds) in faults {
        let config = SimulatorConfig { faults: vec![(fault, 1.0)], retry_after_s: 2.5, ..config() };
        let simulator = Simulator::start(config, 0, 1_790_000_000.0).unwrap();
        let trouble = block(client(&simulator, ANTHROPIC, KEY).send(&prompt(500))).result.unwrap_err();
        let wait = trouble.retry_after.unwrap().as_secs_f64();
        assert!((wait - seconds).abs() < 1.1, "{fault:?}: {wait}");
    }
}

#[test]
fn content_of_every_shape_is_read() {
    for vendor in VENDORS {
        let ask = |fault, budget| {
            let simulator =
                Simulator::start(SimulatorConfig { faults: vec![(fault, 1.0)], ..config() }, 0, 1_790_000_000.0)
                    .unwrap();
            let client = client(&simulator, vendor, KEY);
            let attempt = block(client.send(&prompt(budget)));
            reply(&client, attempt)
        };
        for fault in [
            Fault::SeveralBlocks,
            Fault::ThinkingFirst,
            Fault::UnicodeEscapes,
            Fault::Huge,
            Fault::Gzip,
            Fault::SlowBody,
        ] {
            assert_eq!(items(ask(fault, 500).content)["items"][0]["term"], "salt lantern", "{vendor:?} {fault:?}");
        }
        assert!(matches!(ask(Fault::Refusal, 500).finish, Finish::Refused(_)), "{vendor:?}");
        assert_eq!(ask(Fault::MaxTokens, 500).finish, Finish::Truncated, "{vendor:?}");
        // The least budget that all of them take.
        assert_eq!(ask(Fault::Gzip, 16).finish, Finish::Truncated, "{vendor:?}");
        assert_eq!(ask(Fault::Empty, 500).content, None, "{vendor:?}");
        assert_eq!(ask(Fault::UsageMissing, 500).usage, None);
        assert_eq!(ask(Fault::UsageNull, 500).usage, None);
    }
}

#[test]
fn a_wrong_key_is_told_and_a_repeated_key_is_struck_out() {
    for vendor in VENDORS {
        let simulator =
            Simulator::start(SimulatorConfig { faults: vec![(Fault::EchoKey, 1.0)], ..config() }, 0, 1_790_000_000.0)
                .unwrap();
        let wrong = block(client(&simulator, vendor, "sk-another-one").send(&prompt(500))).result.unwrap_err();
        assert_eq!(wrong.kind, TroubleKind::Key, "{vendor:?}");
        let echoed = block(client(&simulator, vendor, KEY).send(&prompt(500))).result.unwrap_err();
        assert!(echoed.message.contains("[key]") && !echoed.message.contains(KEY), "{echoed:?}");
    }
}

#[test]
fn limits_are_told_in_headers_and_the_next_mechanism_is_tried_where_one_is_refused() {
    let limits = Limits {
        requests: Some(600.0),
        input: Some(90_000.0),
        output: Some(9_000.0),
        burst_seconds: Some(60.0),
        ..Limits::default()
    };
    let simulator = Simulator::start(SimulatorConfig { limits, ..config() }, 0, 1_790_000_000.0).unwrap();
    let seen = |vendor| block(client(&simulator, vendor, KEY).send(&prompt(500))).limits;
    let anthropic = seen(ANTHROPIC);
    assert_eq!(
        (anthropic.requests.limit, anthropic.input.limit, anthropic.output.limit),
        (Some(600), Some(90_000), Some(9_000))
    );
    assert_eq!(seen(OPENAI_CHAT).requests.limit, Some(600));

    let client = client(&simulator, ANTHROPIC, KEY);
    for (from, next) in [(Structured::Schema, Structured::Tool), (Structured::Tool, Structured::Prompt)] {
        assert_eq!(client.downgrade(from), Some(next));
        let attempt = block(client.send(&prompt(500)));
        assert_eq!(attempt.structured, next);
        let reply = reply(&client, attempt);
        assert!(reply.content.is_some());
    }
}
