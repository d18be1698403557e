//! Time and memory of `corpora view` on a large master: `cargo bench --bench look -- TERMS [FOLDER]` writes a master of TERMS entries (100,000), about
//! 0.6 KB an entry, in FOLDER (a temporary one), serves it, and asks as the page asks: the shelf, first and deep pages of terms in each order, searches by
//! rare and common words and by a first letter, facets, one term. Each question is asked five times; the first and the median are told.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::format_push_string, reason = "a measurement")]

mod shelf;

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Times that each question is asked.
const TIMES: usize = 5;

const COMMON: [&str; 8] = ["salt", "ember", "hollow", "tide", "iron", "moth", "glass", "north"];

fn write_master(file: &Path, terms: u64) {
    let mut random = fastrand::Rng::with_seed(7);
    let mut out = BufWriter::new(std::fs::File::create(file).unwrap());
    write!(out, "{{\"metadata\":{{}},\"entries\":[").unwrap();
    for n in 1..=terms {
        let common = COMMON[random.usize(..COMMON.len())];
        let category = ["creature", "item", "spell"][random.usize(..3)];
        let (section, at) = (random.u64(1..900), random.u64(..900_000));
        let definition = if random.u8(..) < 60 {
            format!("\"A {common} of the {n}th kind, feared by few.\"")
        } else {
            "null".into()
        };
        let comma = if n > 1 { "," } else { "" };
        write!(
            out,
            r#"{comma}
{{"rank":{n},"id":"{n:016x}","text":"{common} term {n:x}","canonical":"{common} term {n:x}","variants":[{{"text":"{common} term {n:x}","documents":1}}],"category":"{category}","axes":{{"fire":{:.2},"void":{:.2}}},"definition":{definition},"document_count":{},"occurrence_count":{},"score":{:.6},"sources":["{:06}.pdf"],"occurrences":[{{"source":"{:06}.pdf","section_kind":"page","section":{section},"start":{at},"end":{},"sentence":"Beyond the {at} hills the {common} term {n:x} is spoken of by few."}}]}}"#,
            random.f64(),
            random.f64(),
            1 + random.u64(..40),
            1 + random.u64(..400),
            1.0 - n as f64 / (terms + 1) as f64,
            n % 5000,
            n % 5000,
            at + 9,
        )
        .unwrap();
    }
    writeln!(out, "\n]}}").unwrap();
    out.flush().unwrap();
}

/// The program at work.
struct View {
    child: Child,
    port: u16,
    token: String,
}

impl View {
    fn of(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_corpora"))
            .args(["view", "--no-open"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (address, token) = line.trim().split_once("/#token=").unwrap();
        Self { child, port: address.rsplit_once(':').unwrap().1.parse().unwrap(), token: token.to_owned() }
    }

    /// What is said to a question, and how long it took.
    fn ask(&self, path: &str) -> (String, Duration) {
        let began = Instant::now();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let (port, token) = (self.port, &self.token);
        write!(stream, "GET /api/{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Corpora-Token: {token}\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let took = began.elapsed();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        (answer.split_once("\r\n\r\n").unwrap().1.to_owned(), took)
    }

    fn megabytes(&self, field: &str) -> f64 {
        shelf::kilobytes(self.child.id(), field) as f64 / 1000.0
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let terms: u64 = arguments.next().map_or(100_000, |n| n.parse().unwrap());
    let temporary = match arguments.next() {
        Some(parent) => tempfile::tempdir_in(parent).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let master = temporary.path().join("master.vocab.json");
    write_master(&master, terms);
    println!("{terms} terms, {:.1} MB", std::fs::metadata(&master).unwrap().len() as f64 / 1e6);
    let began = Instant::now();
    let mut view = View::of(temporary.path());
    let (_, first) = view.ask("shelf");
    while view.ask("shelf").0.contains("\"picture\":0") {
        std::thread::sleep(Duration::from_millis(100));
    }
    let (seconds, processor) = (began.elapsed().as_secs_f64(), shelf::processor_seconds(view.child.id()));
    println!(
        "ready after {seconds:.1} s ({processor:.1} s of processor); the first answer, before that, took {first:.1?}"
    );
    println!("peak {:.1} MB, of which {:.1} MB are its own", view.megabytes("VmHWM:"), view.megabytes("RssAnon:"));
    let middle = terms / 2;
    let rare = format!("terms?q={middle:x}");
    let (deep, one) = (format!("terms?offset={middle}"), format!("term?id={middle:016x}"));
    let questions = [
        "shelf",
        "terms",
        &deep,
        "terms?sort=name",
        "terms?sort=occurrences",
        "terms?sort=books",
        &rare,
        "terms?q=ember",
        "terms?q=ember+term",
        "terms?q=e",
        "terms?q=t",
        "terms?q=ember&sort=name",
        "terms?q=term&category=spell",
        "terms?only=defined",
        "facets",
        "facets?q=ember",
        "facets?q=t",
        &one,
    ];
    for question in questions {
        let mut took: Vec<Duration> = (0..TIMES).map(|_| view.ask(question).1).collect();
        let first = took[0];
        took.sort_unstable();
        println!("{question:<40} first {:>7.1} ms, median {:>7.1} ms", millis(first), millis(took[TIMES / 2]));
    }
    println!(
        "at the end: peak {:.1} MB, of which {:.1} MB are its own",
        view.megabytes("VmHWM:"),
        view.megabytes("RssAnon:")
    );
    let _ = view.child.kill();
    let _ = view.child.wait();
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
