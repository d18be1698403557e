//! What a real model said, played again: llama.cpp's server with a small model answered these requests once (`tests/recorded/record.py` kept
//! them), and the program makes of it what it made then.
//!
//! To keep them anew, with a server on port 8911:
//!
//! ```sh
//! python3 tests/recorded/record.py 8921 8911 kept.jsonl &
//! corpora batch BOOKS -o out --pipeline glossary --provider llama-cpp --base-url http://127.0.0.1:8921/v1 --model NAME --in-flight 1
//! ```

use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::wire::received;
use crate::support::{Run, Shelf};

/// An answer as it came: in pieces, with the reason of its end and its tokens.
#[derive(Deserialize)]
struct Exchange {
    pieces: Vec<String>,
    finish: String,
    usage: Usage,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// A server that gives the answers of a file one after another, and refuses when there are no more.
struct Player {
    address: SocketAddr,
    left: Arc<Mutex<VecDeque<Exchange>>>,
}

impl Player {
    fn of(kept: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let exchanges: VecDeque<Exchange> = kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let left = Arc::new(Mutex::new(exchanges));
        let theirs = Arc::clone(&left);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let left = Arc::clone(&theirs);
                std::thread::spawn(move || answer(&mut stream.unwrap(), &left));
            }
        });
        Self { address, left }
    }

    fn left(&self) -> usize {
        self.left.lock().unwrap().len()
    }

    /// A run over the shelf by the pipeline, a request after the other.
    fn run(&self, shelf: &Shelf, pipeline: &str, more: &[&str]) -> Run {
        let url = format!("http://{}/v1", self.address);
        let provider = ["--provider", "llama-cpp", "--base-url", &url, "--model", "any", "--in-flight", "1"];
        shelf.batch(&[&["--pipeline", pipeline, "--progress", "json"], &provider[..], more].concat())
    }
}

fn answer(stream: &mut TcpStream, left: &Mutex<VecDeque<Exchange>>) {
    let (first, _) = received(stream);
    let (status, kind, body) = match first.split(' ').nth(1).unwrap_or_default() {
        path if path.contains("completions") => match left.lock().unwrap().pop_front() {
            Some(exchange) => ("200 OK", "text/event-stream", events(&exchange)),
            None => ("404 Not Found", "application/json", json!({"error": {"message": "no more answers"}}).to_string()),
        },
        // As the server told of itself.
        "/props" => {
            let settings = json!({"n_ctx": 8192});
            let props = json!({"default_generation_settings": settings, "total_slots": 2});
            ("200 OK", "application/json", props.to_string())
        }
        _ => {
            let model = json!({"id": "any", "object": "model", "owned_by": "llamacpp", "meta": {"n_ctx": 8192}});
            ("200 OK", "application/json", json!({"object": "list", "data": [model]}).to_string())
        }
    };
    // A client that has what it wants may be gone.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// The stream as llama.cpp's server sent it.
fn events(exchange: &Exchange) -> String {
    let event = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({"choices": choices, "created": 1_795_753_680, "id": "chatcmpl-x", "model": "any",
            "system_fingerprint": "b0-unknown", "object": "chat.completion.chunk"});
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        format!("data: {chunk}\n\n")
    };
    let choice = |finish: Value, delta: Value| json!([{"finish_reason": finish, "index": 0, "delta": delta}]);
    let mut all = event(choice(Value::Null, json!({"role": "assistant", "content": null})), None);
    for piece in &exchange.pieces {
        all += &event(choice(Value::Null, json!({"content": piece})), None);
    }
    all += &event(choice(exchange.finish.clone().into(), json!({})), None);
    let Usage { prompt_tokens, completion_tokens } = exchange.usage;
    all += &event(
        json!([]),
        Some(json!({"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens, "prompt_tokens_details": {"cached_tokens": 0}})),
    );
    all + "data: [DONE]\n\n"
}

/// Qwen2.5-Coder-Instruct with 1.5 billion parameters, 4 bits, llama.cpp build 11549, on 2026-11-27: the best twelve terms of a sample, in the form
/// for small models.
const TERMS: &str = include_str!("recorded/vocabulary-small.jsonl");

#[test]
fn what_a_small_model_said_of_terms_one_by_one_becomes_their_vocabulary() {
    let said: Vec<Exchange> = TERMS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let player = Player::of(TERMS);
    let shelf = Shelf::empty();
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/kettlefen-bestiary.pdf");
    shelf.put("bestiary.pdf", &std::fs::read(sample).unwrap());
    let run = player.run(&shelf, "vocabulary", &["--top", "12", "--profile", "small"]).exits(0);
    assert_eq!(player.left(), 0, "a request for each term");
    let summary = run.summary();
    let told = |of: fn(&Usage) -> u64| said.iter().map(|exchange| of(&exchange.usage)).sum::<u64>();
    assert_eq!(summary["asked"]["input_tokens"], told(|usage| usage.prompt_tokens), "{summary}");
    assert_eq!(summary["asked"]["output_tokens"], told(|usage| usage.completion_tokens), "{summary}");
    let vocabulary = shelf.vocabulary("bestiary.vocab.json");
    let terms = vocabulary["entries"].as_array().unwrap();
    let sorted = |mut all: Vec<String>| {
        all.sort();
        all
    };
    let item = |exchange: &Exchange| {
        let answer: Value = serde_json::from_str(&exchange.pieces.concat()).unwrap();
        format!("{} {}", answer["1"]["gloss"], answer["1"]["category"])
    };
    let kept = terms.iter().map(|term| format!("{} {}", term["fields"]["gloss"], term["category"])).collect();
    assert_eq!(sorted(kept), sorted(said.iter().map(item).collect()));
}
