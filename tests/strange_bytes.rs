//! Bytes of others, changed at random: what reads pipeline files, settings, bodies and results of providers, and stored results refuses them
//! in words and does not panic. `fuzz/` goes deeper, with coverage; here each reader gets some thousand inputs in every run of the tests, and
//! each fuzz target its seeds, changed at random.
//!
//!     CORPORA_STRANGE=300 cargo test --test main strange_bytes::each_fuzz_target -- --nocapture    # seconds for each target

use std::time::{Duration, Instant};

use corpora::pipelines;
use corpora::remote::{Dialect, VENDORS};
use corpora::store::{decode, encode};
use corpora::values::{Chunk, Extraction, ParsedDocument};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::Shelf;

#[path = "../fuzz/src/lib.rs"]
#[allow(
    unreachable_pub,
    dead_code,
    clippy::print_stderr,
    reason = "a crate of its own; what readers of archives do with PDF is left to it"
)]
mod targets;

/// A value that stands where another was expected.
fn odd(random: &mut Rng) -> Value {
    match random.u8(0..12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1e300),
        5 => json!(""),
        6 => json!("\u{0}\u{202e}\u{1b}]0;"),
        7 => json!([]),
        8 => json!({}),
        9 => json!([null, {}]),
        10 => json!({"type": ["text"], "text": 5}),
        _ => json!("9".repeat(40)),
    }
}

/// Changes one place of a value.
fn change(value: &mut Value, random: &mut Rng) {
    let go_deeper = random.u8(0..5) > 0;
    match value {
        Value::Array(items) if go_deeper && !items.is_empty() => {
            let n = random.usize(..items.len());
            match random.u8(0..8) {
                0 => drop(items.remove(n)),
                1 => items.push(items[n].clone()),
                _ => change(&mut items[n], random),
            }
        }
        Value::Object(members) if go_deeper && !members.is_empty() => {
            let n = random.usize(..members.len());
            let name = members.keys().nth(n).unwrap().clone();
            match random.u8(0..8) {
                0 => drop(members.remove(&name)),
                _ => change(&mut members[&name], random),
            }
        }
        place => *place = odd(random),
    }
}

/// Bytes of a text with some changed, doubled or left out.
fn bytes(text: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = text.to_vec();
    for _ in 0..random.usize(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.usize(..bytes.len());
        let end = (at + random.usize(1..40)).min(bytes.len());
        match random.u8(0..4) {
            0 => bytes[at] = random.u8(..),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => drop(bytes.splice(at..at, *b"\"[{}]\n=\\u")),
        }
    }
    bytes
}

/// Bodies as the vendors send them: an answer, an error, a batch, a line of results, an event of a stream.
fn bodies() -> Vec<Value> {
    vec![
        json!({"id": "msg_1", "type": "message", "model": "m", "stop_reason": "tool_use", "content": [{"type": "tool_use", "name": "answer", "input": {"terms": []}}, {"type": "text", "text": "{}"}], "usage": {"input_tokens": 9, "output_tokens": 3, "cache_creation": {"ephemeral_5m_input_tokens": 1}}}),
        json!({"id": "c", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}", "refusal": null, "tool_calls": [{"function": {"name": "answer", "arguments": "{}"}}]}}], "usage": {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}}}),
        json!({"id": "r", "object": "response", "status": "completed", "model": "m", "output": [{"type": "message", "content": [{"type": "output_text", "text": "{}"}]}], "incomplete_details": {"reason": "max_output_tokens"}, "usage": {"input_tokens": 9, "output_tokens": 3}}),
        json!({"candidates": [{"content": {"parts": [{"text": "{}", "thought": true}]}, "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3}, "modelVersion": "m"}),
        json!({"type": "error", "error": {"type": "rate_limit_error", "code": "insufficient_quota", "status": "RESOURCE_EXHAUSTED", "message": "slow down", "details": [{"retryDelay": "3s"}]}}),
        json!({"id": "batch_1", "status": "completed", "processing_status": "ended", "results_url": "https://x/y", "output_file_id": "f", "request_counts": {"total": 2, "completed": 2, "failed": 0, "succeeded": 2, "errored": 0}, "created_at": 1, "expires_at": "2026-01-01T00:00:00Z", "metadata": {"corpora": "t"}}),
        json!({"custom_id": "t-1", "result": {"type": "succeeded", "message": {"content": []}}, "response": {"status_code": 200, "body": {"choices": []}}, "error": null, "key": "t-1"}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x", "content": "x"}, "choices": [{"index": 0, "delta": {"content": "x"}}], "item": {"type": "message"}, "output_index": 0}),
    ]
}

#[test]
fn no_body_of_a_provider_breaks_its_reader() {
    let mut random = Rng::with_seed(17);
    let bodies = bodies();
    for vendor in VENDORS {
        let dialect = Dialect::new(vendor, "m", vendor.default_api_version(), true);
        let mut whole = Value::Null;
        for n in 0..4_000 {
            let mut body = bodies[n % bodies.len()].clone();
            for _ in 0..random.usize(0..5) {
                change(&mut body, &mut random);
            }
            let _ = (vendor.reply(&body), vendor.trouble(429, &body), vendor.is_own_error(&body));
            let _ = (vendor.seen(&dialect, &body), vendor.result(&body), vendor.page(&body).0.len());
            if n % 50 == 0 {
                whole = Value::Null;
            }
            let _ = vendor.add(&mut whole, &body);
            if n % 7 == 0 {
                vendor.break_off(&mut whole);
                let _ = vendor.reply(&whole);
            }
            let _ = dialect.trouble(500, &bytes(body.to_string().as_bytes(), &mut random));
        }
    }
}

#[test]
fn no_stored_result_breaks_its_reader() {
    let mut random = Rng::with_seed(18);
    let shelf = Shelf::of(2);
    shelf.batch(&[]).exits(0);
    let db = shelf.sql();
    let mut query = db.prepare("SELECT z FROM art").unwrap();
    let stored: Vec<Vec<u8>> = query.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    for n in 0..3_000 {
        let z = &stored[n % stored.len()];
        let turned = if n % 2 == 0 {
            bytes(z, &mut random)
        } else {
            let mut value: Value = decode(z).unwrap();
            change(&mut value, &mut random);
            encode(&value)
        };
        let _ = (decode::<ParsedDocument>(&turned), decode::<Vec<Chunk>>(&turned), decode::<Extraction>(&turned));
    }
}

#[test]
fn no_pipeline_file_breaks_its_reader() {
    let mut random = Rng::with_seed(19);
    let shelf = Shelf::empty();
    let file = shelf.path().join("p.toml");
    let texts: Vec<&str> = pipelines::builtin_names().filter_map(pipelines::builtin_text).collect();
    let mut refused = 0;
    for n in 0..600 {
        std::fs::write(&file, bytes(texts[n % texts.len()].as_bytes(), &mut random)).unwrap();
        match pipelines::find(file.to_str().unwrap()) {
            Ok(_) => {}
            Err(error) => {
                refused += 1;
                assert!(error.to_string().len() > 20, "{error}");
            }
        }
    }
    assert!(refused > 100, "{refused} of 600 were refused");
}

#[test]
fn no_settings_file_breaks_its_reader() {
    let mut random = Rng::with_seed(20);
    let shelf = Shelf::empty();
    let text = b"workers = 2\nprovider = 'anthropic'\nmodel = \"m\"\nmax_cost = 1.5\npipeline = 'vocabulary'\n[run]\nformats = ['pdf', 'txt']\n";
    for _ in 0..60 {
        let changed = bytes(text, &mut random);
        std::fs::write(shelf.path().join("corpora.toml"), &changed).unwrap();
        let run = shelf.run(&["config"]);
        let code = run.0.status.code();
        assert!(
            matches!(code, Some(0 | 2 | 64)),
            "{code:?} for {:?}: {}",
            String::from_utf8_lossy(&changed),
            run.stderr()
        );
        assert!(!run.stderr().contains("internal error"), "{}", run.stderr());
    }
}

/// Name of a fuzz target, inputs in every run of the tests, and what it does with one.
type Target<'a> = (&'a str, usize, &'a dyn Fn(&[u8]));

#[test]
#[allow(clippy::print_stdout, reason = "the figures are worth keeping")]
fn each_fuzz_target_takes_its_seeds_and_what_becomes_of_them() {
    let archive = |data: &[u8]| targets::read(&targets::archive(data));
    let targets: [Target<'_>; 9] = [
        ("pipeline", 500, &targets::pipeline),
        ("settings", 500, &targets::settings),
        ("bodies", 1_000, &targets::bodies),
        ("lines", 500, &targets::lines),
        ("stored", 2_000, &targets::stored),
        ("html", 100, &targets::read),
        ("markdown", 100, &targets::read),
        ("docx", 50, &archive),
        ("epub", 50, &archive),
    ];
    let seconds = std::env::var("CORPORA_STRANGE").ok().and_then(|count| count.parse().ok()).map(Duration::from_secs);
    for (name, count, read) in targets {
        let folder = format!("{}/fuzz/seeds/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let seeds: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
        seeds.iter().for_each(|seed| read(seed));
        let (begun, mut inputs) = (Instant::now(), 0);
        for n in 0.. {
            if seconds.map_or(n >= count, |seconds| begun.elapsed() >= seconds) {
                break;
            }
            inputs += 1;
            let mut random = Rng::with_seed(n as u64);
            let input = bytes(&seeds[n % seeds.len()], &mut random);
            let read = std::panic::AssertUnwindSafe(|| read(&input));
            if std::panic::catch_unwind(read).is_err() {
                panic!("{name}, {n}: {}", String::from_utf8_lossy(&input));
            }
        }
        println!("{name}: {inputs} inputs in {:.1} s", begun.elapsed().as_secs_f64());
    }
}
