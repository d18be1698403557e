//! The page of a folder, served, and what it must not act on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::{Value, json};

use super::{Shelf, command};

/// What books, names and models may hold, and no page may act on.
pub(crate) const HOSTILE: [&str; 9] = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!-- <script>",
    "<img src=x onerror=alert(3)>",
    "\"'` onmouseover=alert(4) `'\"",
    "line\u{2028}and\u{2029}paragraph",
    "right\u{202e}to\u{2066}left\u{200f}",
    "bell\u{7}escape\u{1b}[31m\u{0}\u{9b}",
    "&lt;b&gt; &amp; ]]> {data} {script}",
];

/// A vocabulary file whose every text is hostile.
fn hostile_file(name: &str) -> Value {
    let entries: Vec<Value> = (1..)
        .zip(HOSTILE)
        .map(|(n, text)| {
            json!({
                "rank": n, "text": text, "canonical": format!("hostile {n}"), "id": format!("{n:016x}"), "category": text,
                "kind": text, "definition": text, "aliases": [text], "tags": [text], "score": 0.5, "occurrence_count": 1,
                "ip_flag": text, "fields": {"note": text},
                "occurrences": [{"section": 1, "start": 10 * n, "end": 10 * n + 4, "sentence_start": 10 * n, "sentence": text}],
            })
        })
        .collect();
    json!({
        "metadata": {
            "schema_version": 2, "source_path": name, "source_hash": "ab".repeat(32), "format": "pdf", "title": HOSTILE[1],
            "author": HOSTILE[3], "language": "en", "pipeline": "vocabulary", "provider": "local", "term_count": HOSTILE.len(),
            "classified_count": 0, "flagged_count": 0, "section_kind": "page", "section_labels": {"1": HOSTILE[0]},
        },
        "entries": entries,
    })
}

/// A folder with such a file.
pub(crate) fn put_hostile(shelf: &Shelf) {
    std::fs::create_dir_all(shelf.out()).unwrap();
    let file = hostile_file("<img src=x onerror=alert(5)>.pdf");
    std::fs::write(shelf.out().join("hostile.vocab.json"), file.to_string()).unwrap();
}

/// The program at work, ended with the test.
pub(crate) struct View {
    child: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
}

impl View {
    pub(crate) fn of(shelf: &Shelf) -> Self {
        let mut child = command(shelf.path(), &["view", "out", "--no-open"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (address, token) = line.trim().split_once("/#token=").unwrap();
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let view = Self { child, port, token: token.to_owned() };
        while view.shelf()["picture"] == 0 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        view
    }

    /// What is said to a request of these lines: its status and its body.
    pub(crate) fn raw(&self, lines: &[&str], body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        write!(stream, "{}\r\n{length}Connection: close\r\n\r\n{body}", lines.join("\r\n")).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    pub(crate) fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    pub(crate) fn key(&self) -> String {
        format!("X-Corpora-Token: {}", self.token)
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.raw(&[&format!("GET {path} HTTP/1.1"), &self.host(), &self.key()], "");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    pub(crate) fn post(&self, name: &str, body: &Value) -> (u16, Value) {
        let origin = format!("Origin: http://127.0.0.1:{}", self.port);
        let lines = [
            &format!("POST /api/{name} HTTP/1.1"),
            &self.host(),
            &self.key(),
            &origin,
            "Content-Type: application/json",
        ];
        let (status, body) = self.raw(&lines, &body.to_string());
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    pub(crate) fn shelf(&self) -> Value {
        self.get("/api/shelf").1
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // Ended in order: what it has put aside for its look goes with it.
        if let Some(id) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}
