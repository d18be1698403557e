//! Opt-in: our clients and our simulator against what others wrote. Clients of others, as they come from PyPI, run on the simulator by
//! `python3 tests/clients/run.py --corpora target/debug/corpora`. For the rest:
//!
//! ```sh
//! mkdir lab && cd lab
//! npm i @copilotkit/aimock @stoplight/prism-cli
//! python3 -m venv sdk && sdk/bin/pip install jsonschema
//! CORPORA_LAB=$PWD CORPORA_PEERS=/path/to/peers cargo test --test main peers:: -- --ignored
//! ```
//!
//! `CORPORA_PEERS` is the folder with `serve.sh`, `validate_bodies.py` and the vendors' specifications.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use corpora::remote::{
    ANTHROPIC, ApiKey, Client, Content, Dialect, Endpoint, Finish, GEMINI, LineOutcome, OPENAI_CHAT, OPENAI_RESPONSES,
    Prompt, ResultLine, ServiceTier, Standing, Structured, TroubleKind, Vendor,
};
use serde_json::{Value, json};

struct Lab {
    lab: PathBuf,
    peers: PathBuf,
}

fn lab() -> Lab {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).expect("CORPORA_LAB and CORPORA_PEERS name folders");
    Lab { lab: folder("CORPORA_LAB"), peers: folder("CORPORA_PEERS") }
}

impl Lab {
    fn python(&self) -> Command {
        Command::new(self.lab.join("sdk/bin/python"))
    }

    /// Starts a server and waits until it listens.
    fn serve(&self, name: &str) -> Server {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("bash");
        command.arg(self.peers.join("serve.sh")).arg(name).arg(port.to_string()).env("LAB", &self.lab);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Server { child, port };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(90), "{name} does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }
}

struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn schema() -> Value {
    json!({"type": "object", "additionalProperties": false, "required": ["a"], "properties": {"a": {"type": "string"}}})
}

fn prompt(user: &str) -> Prompt {
    Prompt {
        system: "Say a.".into(),
        user: user.into(),
        schema: Arc::new(schema()),
        schema_name: "answer".into(),
        max_output_tokens: 200,
        tier: ServiceTier::Standard,
    }
}

fn client(vendor: &'static dyn Vendor, base: &str, version: &str) -> Client {
    let endpoint = Endpoint::new(base, false).unwrap();
    let dialect = Dialect::new(vendor, "some-model", version, true);
    let key = ApiKey::new("sk-ant-0123456789").unwrap();
    Client::new(endpoint, dialect, Some(key), &schema(), Duration::from_secs(60), 4, || 0.0).unwrap()
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
#[ignore = "installs clients from PyPI"]
fn clients_that_nobody_here_wrote_run_on_the_simulator() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/run.py");
    let status = Command::new("python3").args([script, "--corpora", env!("CARGO_BIN_EXE_corpora")]).status().unwrap();
    assert!(status.success());
}

#[test]
#[ignore = "needs CORPORA_LAB and CORPORA_PEERS"]
fn every_body_is_valid_by_the_vendors_schemas() {
    let lab = lab();
    let dir = tempfile::tempdir().unwrap();
    for (vendor, name, spec) in [
        (ANTHROPIC, "CreateMessageParams", "anthropic"),
        (OPENAI_CHAT, "CreateChatCompletionRequest", "openai"),
        (OPENAI_RESPONSES, "CreateResponse", "openai"),
    ] {
        for structured in [Structured::Schema, Structured::Tool, Structured::Json, Structured::Prompt] {
            let client = client(vendor, vendor.default_base_url(), vendor.default_api_version());
            let body = client.dialect().body(&prompt("hello"), structured);
            let file = dir.path().join("body.json");
            std::fs::write(&file, body.to_string()).unwrap();
            let spec = lab.peers.join(format!("specs/{spec}.trim.json"));
            let run =
                lab.python().arg(lab.peers.join("validate_bodies.py")).arg(name).arg(spec).arg(&file).output().unwrap();
            assert!(run.status.success(), "{vendor:?} {structured:?}: {}{body}", String::from_utf8_lossy(&run.stdout));
        }
    }
}

#[test]
#[ignore = "needs CORPORA_LAB and CORPORA_PEERS"]
fn servers_that_know_the_specifications_find_nothing_wrong() {
    let lab = lab();
    let server = lab.serve("prism-anthropic");
    let base = format!("http://127.0.0.1:{}", server.port);
    let anthropic = client(ANTHROPIC, &base, "2026-10-21");
    for structured in [Structured::Schema, Structured::Tool, Structured::Prompt] {
        let attempt = block(anthropic.send(&prompt("hello")));
        assert_eq!(attempt.structured, structured);
        let answered = attempt.result.unwrap_or_else(|t| panic!("{structured:?}: {t}"));
        anthropic.dialect().reply(&answered.body).unwrap();
        let _ = anthropic.downgrade(structured);
    }
    drop(server);
    let server = lab.serve("prism-openai");
    let base = format!("http://127.0.0.1:{}", server.port);
    for vendor in [OPENAI_CHAT, OPENAI_RESPONSES] {
        let client = client(vendor, &base, "");
        let answered = block(client.send(&prompt("hello"))).result.unwrap_or_else(|t| panic!("{vendor:?}: {t}"));
        client.dialect().reply(&answered.body).unwrap();
    }
}

/// A payload of a few requests in a file, as a run would write it.
fn payload(client: &Client, dir: &std::path::Path) -> PathBuf {
    let [before, between, after] = client.dialect().vendor.payload_frame();
    let lines: Vec<Vec<u8>> = (0..3)
        .map(|n| client.dialect().batch_line(&format!("c0123456789abcdef-{n}"), &prompt("hello"), Structured::Schema))
        .collect();
    let file = dir.join("c0123456789abcdef");
    std::fs::write(&file, [before, &lines.join(between), after].concat()).unwrap();
    file
}

#[test]
#[ignore = "needs CORPORA_LAB and CORPORA_PEERS"]
fn every_line_of_a_batch_is_valid_by_the_vendors_schemas() {
    let lab = lab();
    let dir = tempfile::tempdir().unwrap();
    for (vendor, kind, spec) in [
        (ANTHROPIC, "anthropic-batch", "anthropic"),
        (OPENAI_CHAT, "openai-batch", "openai"),
        (OPENAI_RESPONSES, "openai-batch", "openai"),
    ] {
        let client = client(vendor, vendor.default_base_url(), vendor.default_api_version());
        let file = payload(&client, dir.path());
        let spec = lab.peers.join(format!("specs/{spec}.trim.json"));
        let run =
            lab.python().arg(lab.peers.join("validate_bodies.py")).arg(kind).arg(spec).arg(&file).output().unwrap();
        assert!(run.status.success(), "{vendor:?}: {}", String::from_utf8_lossy(&run.stdout));
    }
}

#[test]
#[ignore = "needs CORPORA_LAB and CORPORA_PEERS"]
fn creations_and_lists_of_batches_are_as_the_specifications_want_them() {
    let lab = lab();
    let dir = tempfile::tempdir().unwrap();
    for (name, vendor) in [("prism-anthropic", ANTHROPIC), ("prism-openai", OPENAI_CHAT)] {
        let server = lab.serve(name);
        let client = client(vendor, &format!("http://127.0.0.1:{}", server.port), "2023-06-01");
        let file = payload(&client, dir.path());
        block(async {
            let upload =
                client.upload_payload(&file, "c0123456789abcdef").await.unwrap_or_else(|t| panic!("{name}: {t}"));
            let id = client.create_batch(&file, upload.as_deref(), "c0123456789abcdef").await;
            let id = id.unwrap_or_else(|t| panic!("{name}: {t}"));
            client.batch(&id).await.unwrap_or_else(|t| panic!("{name}: {t}"));
            client.batches(None).await.unwrap_or_else(|t| panic!("{name}: {t}"));
            client.cancel_batch(&id).await.unwrap_or_else(|t| panic!("{name}: {t}"));
        });
    }
}

#[test]
#[ignore = "needs CORPORA_LAB and CORPORA_PEERS"]
fn a_whole_batch_runs_on_a_server_that_nobody_here_wrote() {
    let lab = lab();
    let dir = tempfile::tempdir().unwrap();
    let server = lab.serve("aimock");
    let client = client(OPENAI_CHAT, &format!("http://127.0.0.1:{}/v1", server.port), "");
    let file = payload(&client, dir.path());
    block(async {
        let token = "c0123456789abcdef";
        let upload = client.upload_payload(&file, token).await.unwrap();
        let id = client.create_batch(&file, upload.as_deref(), token).await.unwrap();
        let (listed, _) = client.batches(None).await.unwrap();
        assert_eq!(
            listed.iter().find(|b| b.remote == id).unwrap().token.as_deref(),
            Some(token),
            "an orphan would be found"
        );
        let places = loop {
            match client.batch(&id).await.unwrap().standing {
                Standing::Ended { places, .. } => break places,
                Standing::Running => tokio::time::sleep(Duration::from_millis(50)).await,
                Standing::Failed { message, .. } => panic!("{message}"),
                Standing::Unknown { .. } => panic!("a state that nobody knows"),
            }
        };
        let mut ids = Vec::new();
        for place in places {
            let mut each = |line: ResultLine| {
                assert!(matches!(line.outcome, LineOutcome::Answered(_)), "{line:?}");
                ids.push(line.custom_id);
                Ok(())
            };
            client.read_results(&place, &mut each, &mut |odd| panic!("{odd}")).await.unwrap();
        }
        assert_eq!(ids, [0, 1, 2].map(|n| format!("{token}-{n}")));
    });
}

#[test]
#[ignore = "needs CORPORA_LAB and CORPORA_PEERS"]
fn a_server_that_nobody_here_wrote_is_understood() {
    let lab = lab();
    let server = lab.serve("aimock");
    let root = format!("http://127.0.0.1:{}", server.port);
    for (vendor, base, version) in [
        (ANTHROPIC, root.clone(), "2023-06-01"),
        (OPENAI_CHAT, format!("{root}/v1"), ""),
        (OPENAI_RESPONSES, format!("{root}/v1"), ""),
        (GEMINI, root, "v1beta"),
    ] {
        let client = client(vendor, &base, version);
        let reply = |user: &str| {
            let answered =
                block(client.send(&prompt(user))).result.unwrap_or_else(|t| panic!("{vendor:?} {user}: {t}"));
            client.dialect().reply(&answered.body).unwrap()
        };
        let hello = reply("hello");
        assert_eq!(hello.content, Some(Content::Text("{\"a\":\"hi\"}".into())), "{vendor:?}");
        assert_eq!(hello.finish, Finish::Complete, "{vendor:?}");
        assert!(hello.usage.is_some(), "{vendor:?}");
        assert_eq!(reply("trunc").finish, Finish::Truncated, "{vendor:?}");
        let trouble = block(client.send(&prompt("err"))).result.unwrap_err();
        assert_eq!(trouble.kind, TroubleKind::Overloaded, "{vendor:?}: {trouble}");
    }
}
