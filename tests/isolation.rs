//! One document cannot harm another: whatever a file does to its parser, and whatever happens to the process that reads it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use corpora::simulator::SimulatorConfig;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::needs::{needs, needs_program};
use crate::support::pictures::{Page, document, stand_in};
use crate::support::rehearsal::Rehearsal;
use crate::support::{Run, Shelf, command, documents, torture};

/// What the system says of a process after its name, which may hold spaces: state, parent and so on.
pub(crate) fn fields(pid: i32) -> Vec<String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().map(str::to_owned).collect()
}

/// The parse workers of a run that are alive.
pub(crate) fn workers(run: u32) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let children = pids.filter(|pid| fields(*pid).get(1).is_some_and(|parent| *parent == run.to_string()));
    // A child that is just being started shares its parent's memory until it becomes another program.
    let is_worker = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|b| *b == 0).any(|argument| argument == b"parse-worker")
    };
    children.filter(is_worker).collect()
}

/// Processor time of a process, in ticks of 10 ms.
fn spent(pid: i32) -> u64 {
    fields(pid).iter().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum()
}

/// Peak address space and peak resident memory of a process in KiB, while it is there.
fn peaks(pid: i32) -> Option<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let of = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some((of("VmPeak:")?, of("VmHWM:")?))
}

/// Most memory that was seen during a run, in KiB.
#[derive(Default)]
struct Most {
    worker_space: u64,
    worker_resident: u64,
    run_resident: u64,
}

/// Follows a run to its end: its events, each of which is shown to `each` as it comes, and what memory it and its workers took.
fn watched(child: &mut Child, mut each: impl FnMut(&Value)) -> (Vec<Value>, Most) {
    let (pid, over) = (child.id(), AtomicBool::new(false));
    let stderr = BufReader::new(child.stderr.take().unwrap());
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = Most::default();
            while !over.load(Ordering::Relaxed) {
                for (space, resident) in workers(pid).into_iter().filter_map(peaks) {
                    most.worker_space = space.max(most.worker_space);
                    most.worker_resident = resident.max(most.worker_resident);
                }
                most.run_resident = peaks(pid.cast_signed()).map_or(0, |(_, resident)| resident).max(most.run_resident);
                // What is looked at are peaks: only what the last moments of a process add goes unseen.
                std::thread::sleep(Duration::from_millis(25));
            }
            most
        });
        let lines = stderr.lines().map_while(Result::ok).filter_map(|l| serde_json::from_str(&l).ok());
        let events = lines.inspect(|event| each(event)).collect();
        over.store(true, Ordering::Relaxed);
        (events, watch.join().unwrap())
    })
}

#[test]
#[allow(clippy::print_stdout, reason = "how each file ended is worth reading")]
fn hostile_files_fail_with_a_reason_and_harm_no_other() {
    let shelf = Shelf::empty();
    let set = torture::set();
    for (n, (name, bytes)) in set.iter().enumerate() {
        shelf.put(&format!("{n:02}-{name}.pdf"), bytes);
        shelf.put(&format!("{n:02}-sound.pdf"), &documents::pdf(&[&documents::story(n as u64)]));
    }
    let limits = ["--parse-timeout", "2", "--parse-memory", "256"];
    let args =
        [&["batch", "books", "-o", "out", "--progress", "json", "-w", "2", "--until", "parse"], &limits[..]].concat();
    let mut child = command(shelf.path(), &args).stderr(Stdio::piped()).spawn().unwrap();
    let (events, most) = watched(&mut child, |_| {});
    let code = child.wait().unwrap().code();
    let mut ends: BTreeMap<String, String> = BTreeMap::new();
    for event in &events {
        let path = event["path"].as_str().unwrap_or_default().to_owned();
        match event["event"].as_str() {
            Some("document_done") => ends.insert(path, "done".to_owned()),
            Some("document_failed") => ends.insert(path, format!("{}: {}", event["kind"], event["message"])),
            _ => None,
        };
    }
    for (path, end) in &ends {
        println!("{path:<45} {end}");
    }
    assert_eq!(code, Some(75));
    assert_eq!(ends.len(), 2 * set.len(), "every document came to an end");
    for (path, end) in &ends {
        assert!(!path.ends_with("-sound.pdf") || end == "done", "{path}: {end}");
        assert!(!end.contains("Internal"), "{path}: {end}");
    }
    // The limit of the document, the stack and what the program itself needs.
    let limit = (256 + 64 + 160) << 10;
    let most = most.worker_space;
    assert!((1..=limit).contains(&most), "a worker took {most} KiB of address space, of {limit}");
}

/// A run over one endless and some sound documents, one after another.
fn endless(more: &[&str]) -> (Shelf, Child, BufReader<std::process::ChildStderr>) {
    endless_among(&[], more)
}

/// The same with more in its environment.
fn endless_among(variables: &[(&str, &str)], more: &[&str]) -> (Shelf, Child, BufReader<std::process::ChildStderr>) {
    let shelf = Shelf::of(6);
    shelf.put("a-endless.pdf", &torture::endless(20_000));
    let args = [&["batch", "books", "-o", "out", "--progress", "json", "-w", "1"], more].concat();
    let mut command = command(shelf.path(), &args);
    let mut child = command.envs(variables.iter().copied()).stderr(Stdio::piped()).spawn().unwrap();
    let events = BufReader::new(child.stderr.take().unwrap());
    (shelf, child, events)
}

/// Follows a run, sends a signal to each worker that is in the middle of the endless document, and returns why that document failed.
fn interrupted_by(signal: Signal, more: &[&str]) -> String {
    let (shelf, mut child, events) = endless(more);
    let (run, over) = (child.id(), AtomicBool::new(false));
    let mut reason = String::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut struck = Vec::new();
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
                // The worker is started when it is first needed, and has to be in the middle of its work.
                let busy = workers(run).into_iter().find(|pid| !struck.contains(pid) && spent(*pid) > 20);
                let Some(worker) = busy.and_then(Pid::from_raw) else { continue };
                struck.push(worker.as_raw_pid());
                let _ = kill_process(worker, signal);
                // The first one makes Rust's own handler step aside, which is there for the stack's end.
                while signal == Signal::SEGV && kill_process(worker, signal).is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        for line in events.lines().map_while(Result::ok) {
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["path"] == "a-endless.pdf" && event["event"] == "document_failed" {
                event["message"].as_str().unwrap().clone_into(&mut reason);
                over.store(true, Ordering::Relaxed);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(child.wait().unwrap().code(), Some(75));
    assert_eq!(shelf.vocabularies().len(), 6, "the others are done");
    reason
}

/// A PDF of sound pages, and one in their middle that inflates to so many MiB.
fn with_a_bomb(pages: u64, mib: usize) -> Vec<u8> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let kids: Vec<String> = (0..=pages).map(|n| format!("{} 0 R", 4 + 2 * n)).collect();
    all.push(b"<< /Type /Catalog /Pages 2 0 R >>".to_vec());
    all.push(format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages + 1).into_bytes());
    all.push(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec());
    for page in 0..=pages {
        let content = 5 + 2 * page;
        let resources = "/Resources << /Font << /F1 3 0 R >> >>";
        all.push(
            format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R {resources} >>")
                .into_bytes(),
        );
        let (filter, stream) = if page == pages / 2 {
            let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            (0..mib).for_each(|_| packed.write_all(&[b' '; 1 << 20]).unwrap());
            ("/Filter /FlateDecode", packed.finish().unwrap())
        } else {
            let lines: String = documents::story(page).iter().map(|line| format!("({line}) Tj T*\n")).collect();
            ("", format!("BT /F1 11 Tf 14 TL 72 720 Td\n{lines}ET").into_bytes())
        };
        let head = format!("<< /Length {} {filter} >>\nstream\n", stream.len());
        all.push([head.as_bytes(), &stream, b"\nendstream"].concat());
    }
    documents::with_xref(&all)
}

#[test]
fn a_page_that_needs_too_much_memory_costs_that_page_alone() {
    let shelf = Shelf::empty();
    shelf.put("bomb.pdf", &with_a_bomb(6, 700));
    shelf.put("sound.pdf", &documents::pdf(&[&documents::story(9)]));
    let run = shelf.batch(&["--parse-memory", "64", "--progress", "json"]).exits(0);
    assert_eq!((&run.summary()["partial"], &run.summary()["succeeded"]), (&1.into(), &2.into()));
    assert!(!shelf.vocabulary("bomb.vocab.json")["entries"].as_array().unwrap().is_empty());
    let status = shelf.run(&["status", "out"]).exits(0).stdout();
    assert!(status.contains("bomb.pdf [Unreadable]: page 4 cannot be read"), "{status}");
    assert!(status.contains("page 4: it needs more memory than --parse-memory 64"), "{status}");
    assert_eq!(shelf.batch(&["--progress", "json"]).exits(0).done("parse"), 0, "it is done");
}

#[test]
fn a_page_that_needs_too_much_memory_costs_one_document_that_is_looked_at_alone_that_page() {
    let shelf = Shelf::empty();
    shelf.put("bomb.pdf", &with_a_bomb(4, 700));
    let run = shelf.run(&["parse", "books/bomb.pdf", "--parse-memory", "64"]).exits(0);
    assert_eq!(run.stdout().matches('\u{c}').count(), 4, "five pages keep their places: {:?}", run.stdout());
    run.says("page 3: it needs more memory than --parse-memory 64");
    let asked = command(shelf.path(), &["parse", "--lines", "--parse-memory", "64"]);
    let answers = answered(asked, "\"books/bomb.pdf\"\n\"books/bomb.pdf\"\n");
    let notes = answers.iter().map(|answer| answer["document"]["notes"].to_string());
    assert!(notes.filter(|notes| notes.contains("page 3")).count() == 2, "{answers:?}");
}

/// A PDF of two pages, the second in a font that gives one width to so many characters.
fn with_widths_of(characters: u64) -> Vec<u8> {
    let page = |font: u32, content: u32| {
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R /Resources << /Font << /F1 {font} 0 R >> >> >>"
        )
    };
    let stream = |text: &str| {
        let text = format!("BT /F1 12 Tf 72 700 Td {text} Tj ET");
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len())
    };
    let composite = "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [9 0 R] >>";
    let descendant = format!(
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /X /CIDSystemInfo << /Registry (A) /Ordering (I) /Supplement 0 >> /W [0 {characters} 500] >>"
    );
    let helvetica = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
    let all = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>".to_owned(),
        page(7, 5),
        page(8, 6),
        stream("(A salt lantern is a lamp that burns brine.)"),
        stream("<00410042>"),
        helvetica.to_owned(),
        composite.to_owned(),
        descendant,
    ];
    documents::with_xref(&all.map(String::into_bytes))
}

#[test]
fn a_font_with_widths_for_more_characters_than_there_are_fills_no_memory() {
    let shelf = Shelf::empty();
    shelf.put("wide.pdf", &with_widths_of(2_000_000_000));
    let run = shelf
        .run(&["parse", "books/wide.pdf", "--ocr", "off", "--parse-memory", "64", "--parse-timeout", "5"])
        .exits(0);
    assert!(run.stdout().contains("salt lantern"), "{}", run.stdout());
    assert!(!run.stderr().contains("--parse-"), "{}", run.stderr());
}

/// Answers of a program to lines of its standard input, as JSON.
fn answered(mut program: Command, lines: &str) -> Vec<Value> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn terms_of_a_large_text_are_found_within_the_limits_of_a_worker() {
    let shelf = Shelf::empty();
    shelf.put("large.txt", &large_text());
    shelf.put("sound.txt", documents::story(9).join("\n\n").as_bytes());
    let run = shelf.batch(&["--formats", "txt", "--parse-memory", "96", "--progress", "json"]).exits(75);
    let failed: Vec<Value> = run.events().into_iter().filter(|e| e["event"] == "document_failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["path"], &failed[0]["stage"]), (&"large.txt".into(), &"extract".into()));
    assert!(
        failed[0]["message"].as_str().unwrap().starts_with("finding its terms needed more than 96 MiB"),
        "{failed:?}"
    );
    assert_eq!(shelf.vocabularies().len(), 1);
    shelf.batch(&["--formats", "txt", "--retry-failed"]).exits(0);
    assert_eq!(shelf.vocabularies().len(), 2, "with more memory it is done");
}

/// A text of distinct names, stored as more than a worker is spared.
fn large_text() -> Vec<u8> {
    let names: Vec<String> = (0..400_000).map(|n| format!("Name{:x}", n * 2_654_435_761_u64)).collect();
    names.join(" ").into_bytes()
}

/// The one failure of a run: path, stage and reason.
fn one_failure(run: &Run) -> (String, String, String) {
    let failed: Vec<Value> = run.events().into_iter().filter(|e| e["event"] == "document_failed").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    let text = |name: &str| failed[0][name].as_str().unwrap().to_owned();
    (text("path"), text("stage"), text("message"))
}

#[test]
fn a_large_text_is_cut_into_chunks_by_a_worker() {
    let shelf = Shelf::empty();
    shelf.put("large.txt", &large_text());
    shelf.put("sound.txt", documents::story(9).join("\n\n").as_bytes());
    let batch = |more: &[&str]| shelf.batch(&[&["--formats", "txt", "--progress", "json"], more].concat());
    batch(&["--until", "parse"]).exits(0);
    // What cuts it can be killed, and the run goes on.
    let args = ["batch", "books", "-o", "out", "--formats", "txt", "--progress", "json", "--until", "chunk"];
    let child = command(shelf.path(), &args).stderr(Stdio::piped()).spawn().unwrap();
    let worker = loop {
        // Before it is ready its end is no document's doing.
        if let Some(worker) = workers(child.id()).into_iter().find(|worker| spent(*worker) >= 15) {
            break worker;
        }
        std::thread::sleep(Duration::from_millis(1));
        assert!(fields(child.id().cast_signed()).first().is_some_and(|state| state != "Z"), "no worker cuts it");
    };
    kill_process(Pid::from_raw(worker).unwrap(), Signal::KILL).unwrap();
    let run = Run(child.wait_with_output().unwrap()).exits(0);
    let is_of_it = |e: &&Value| e["event"] == "document_retried" && e["stage"] == "chunk" && e["path"] == "large.txt";
    assert!(run.events().iter().any(|e| is_of_it(&e) && e["kind"] == "crashed"), "{}", run.stderr());
    assert_eq!(run.done("chunk"), 2, "it is cut by the next one");
}

#[test]
fn terms_of_a_large_text_that_a_model_is_asked_about_are_found_within_the_limits_of_a_worker() {
    let rehearsal = Rehearsal::of(2, SimulatorConfig::default());
    rehearsal.shelf.put("large.txt", &large_text());
    let run = |more: &[&str]| {
        rehearsal.run("out", &[&["--pipeline", "vocabulary", "--formats", "txt,pdf,epub"], more].concat())
    };
    run(&["--until", "chunk"]).exits(0);
    let (path, stage, message) = one_failure(&run(&["--parse-memory", "64"]).exits(75));
    assert_eq!((&*path, &*stage), ("large.txt", "extract"));
    assert!(message.starts_with("finding its terms needed more than 64 MiB"), "{message}");
    assert_eq!(rehearsal.shelf.vocabularies().len(), 2);
}

#[test]
fn a_worker_that_is_killed_in_the_middle_of_a_document_fails_that_document() {
    let reason = interrupted_by(Signal::KILL, &["--parse-timeout", "600"]);
    assert!(reason.contains("was stopped by signal 9"), "{reason}");
}

#[test]
fn a_worker_that_crashes_in_the_middle_of_a_document_fails_that_document() {
    let reason = interrupted_by(Signal::SEGV, &["--parse-timeout", "600"]);
    assert!(reason.contains("was stopped by signal 11 while it read this file"), "{reason}");
}

#[test]
fn a_worker_that_stands_still_is_stopped_by_the_clock() {
    let reason = interrupted_by(Signal::STOP, &["--parse-timeout", "2"]);
    assert!(reason.contains("more than 8 s by the clock"), "{reason}");
}

#[test]
fn a_document_without_end_is_stopped_by_its_processor_time() {
    let (shelf, mut child, events) = endless(&["--parse-timeout", "1"]);
    let events: Vec<String> = events.lines().map_while(Result::ok).collect();
    assert_eq!(child.wait().unwrap().code(), Some(75));
    let failed = events.iter().find(|e| e.contains("document_failed")).unwrap();
    // Where it got less than a quarter of a processor, the clock is first.
    let reasons = ["more than 1 s of processor time and was stopped", "more than 4 s by the clock and was stopped"];
    assert!(reasons.iter().any(|reason| failed.contains(reason)), "{failed}");
    assert_eq!(shelf.vocabularies().len(), 6);
}

/// The worker that reads the endless document, once it is in the middle of its work.
fn busy_worker(child: &Child, events: &mut impl BufRead) -> i32 {
    let mut line = String::new();
    while !(line.contains("document_started") && line.contains("a-endless.pdf")) {
        line.clear();
        assert!(events.read_line(&mut line).unwrap() > 0, "the run ended before it read the document");
    }
    loop {
        if let Some(pid) = workers(child.id()).into_iter().find(|pid| spent(*pid) > 5) {
            return pid;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_system_limits_the_processor_time_of_a_worker() {
    let (_shelf, mut child, mut events) = endless(&["--parse-timeout", "600"]);
    let worker = busy_worker(&child, &mut events);
    let limits = std::fs::read_to_string(format!("/proc/{worker}/limits")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max cpu time")).unwrap();
    let soft: u64 = line["Max cpu time".len()..].split_whitespace().next().unwrap().parse().expect(line);
    // What the process had used when the document began, of which little is known, comes on top.
    assert!((600..660).contains(&soft), "{line}");
}

#[test]
fn a_worker_ends_with_its_run_however_that_ends() {
    let (_shelf, mut child, mut events) = endless(&["--parse-timeout", "600"]);
    let worker = busy_worker(&child, &mut events);
    child.kill().unwrap();
    child.wait().unwrap();
    let begun = Instant::now();
    // Whoever takes in orphans may leave it as a zombie.
    while fields(worker).first().is_some_and(|state| state != "Z") {
        if begun.elapsed() > Duration::from_secs(30) {
            let _ = kill_process(Pid::from_raw(worker).unwrap(), Signal::KILL);
            panic!("the worker goes on reading a document that nobody waits for");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_worker_and_what_it_starts_find_no_key_in_their_environment() {
    const SECRET: &str = "sk-test-1d7e5b2240c98aa6f3";
    let keys = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"];
    let (_shelf, mut child, mut events) = endless_among(&keys.map(|name| (name, SECRET)), &["--parse-timeout", "600"]);
    let worker = busy_worker(&child, &mut events);
    let environment = std::fs::read(format!("/proc/{worker}/environ")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let shelf = Shelf::empty();
    shelf.put("scan.pdf", &document(&[Page::Scan(vec!["A thorn ward is a fence.".into()])]));
    // It may write nothing but its last words.
    stand_in(&shelf.path().join("bin"), "cat >/dev/null; env | tr '\\n' ' ' >&2; exit 1");
    let path = format!("{}:{}", shelf.path().join("bin").display(), std::env::var("PATH").unwrap());
    let mut run = command(shelf.path(), &["batch", "books", "-o", "out"]);
    assert!(run.envs(keys.map(|name| (name, SECRET))).env("PATH", path).output().unwrap().status.success());
    let inherited = shelf.run(&["status", "out"]).exits(0).stdout().into_bytes();
    for environment in [environment, inherited] {
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(environment.contains("PATH="), "{environment}");
        assert!(!environment.contains(SECRET), "{environment}");
    }
}

/// What a program tries that a hostile document has taken over, and the words for what it could do.
fn attempts(shelf: &Shelf, port: u16) -> String {
    let folder = shelf.path().display();
    format!(
        "cat >/dev/null
did=
(echo x >{folder}/written) 2>/dev/null && did=\"$did write\"
cat {folder}/secret >/dev/null 2>&1 && did=\"$did read\"
ls {folder} >/dev/null 2>&1 && did=\"$did list\"
cat /proc/$PPID/environ >/dev/null 2>&1 && did=\"$did environment\"
cat /proc/$PPID/maps >/dev/null 2>&1 && did=\"$did memory\"
bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' 2>/dev/null && did=\"$did network\"
echo \"could:$did.\" >&2
exit 1"
    )
}

#[test]
fn a_program_that_a_worker_starts_writes_nothing_reads_nothing_and_reaches_no_network() {
    let doctor = Shelf::empty().run(&["doctor"]).stdout();
    let confined = doctor.contains("opens no files but Tesseract's");
    if !needs(confined, "a kernel with Landlock (6.12) and seccomp") || !needs_program("bash", "--version", "bash") {
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let shelf = Shelf::empty();
    shelf.put("scan.pdf", &document(&[Page::Scan(vec!["A thorn ward is a fence.".into()])]));
    std::fs::write(shelf.path().join("secret"), "mine").unwrap();
    stand_in(&shelf.path().join("bin"), &attempts(&shelf, listener.local_addr().unwrap().port()));
    let path = format!("{}:{}", shelf.path().join("bin").display(), std::env::var("PATH").unwrap());
    let run = |args: &[&str]| Run(command(shelf.path(), args).env("PATH", &path).output().unwrap());
    // What it could do if nothing held it.
    let free = Command::new(shelf.path().join("bin/tesseract")).stdin(Stdio::null()).output().unwrap();
    let free = String::from_utf8_lossy(&free.stderr).into_owned();
    for what in [" write", " read", " list", " network"] {
        assert!(free.contains(what), "{what}: {free}");
    }
    std::fs::remove_file(shelf.path().join("written")).unwrap();
    run(&["batch", "books", "-o", "out"]).exits(0);
    let status = shelf.run(&["status", "out"]).exits(0).stdout();
    assert!(status.contains("could:."), "{status}");
    let alone = run(&["parse", "books/scan.pdf"]).stderr();
    assert!(alone.contains("could:."), "a document that is looked at alone: {alone}");
    assert!(!shelf.path().join("written").exists());
}

#[test]
fn a_recognition_ends_with_a_run_that_is_killed() {
    let shelf = Shelf::empty();
    shelf.put("scan.pdf", &document(&[Page::Scan(vec!["A thorn ward is a fence.".into()])]));
    // A number that no other process of this machine sleeps.
    let asleep = format!("100{}", std::process::id());
    stand_in(&shelf.path().join("bin"), &format!("exec sleep {asleep}"));
    let path = format!("{}:{}", shelf.path().join("bin").display(), std::env::var("PATH").unwrap());
    let mut child = command(shelf.path(), &["batch", "books", "-o", "out"])
        .env("PATH", path)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let sleepers = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.split(|b| *b == 0).any(|argument| argument == asleep.as_bytes())).count()
    };
    let begun = Instant::now();
    while sleepers() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the recognition was not started");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = Instant::now();
    while sleepers() > 0 {
        assert!(killed.elapsed() < Duration::from_secs(10), "the recognition goes on without its run");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "the figures are worth keeping")]
fn a_document_of_2000_pages_takes_bounded_memory_and_tells_how_far_it_is() {
    const PAGES: u64 = 2_000;
    let shelf = Shelf::empty();
    let pages: Vec<Vec<String>> = (0..PAGES).map(documents::story).collect();
    let pages: Vec<&[String]> = pages.iter().map(Vec::as_slice).collect();
    shelf.put("long.pdf", &documents::pdf(&pages));
    let args = ["batch", "books", "-o", "out", "--progress", "json", "--until", "parse"];
    let mut child = command(shelf.path(), &args).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    // Only what takes long is told of: the worker is held for longer than that, however fast it parses.
    let (events, most) = watched(&mut child, |event| {
        if event["event"] == "document_started" {
            let begun = Instant::now();
            let mut held = workers(pid);
            while held.is_empty() && begun.elapsed() < Duration::from_secs(10) {
                held = workers(pid);
            }
            let send = |signal| {
                for worker in &held {
                    // One that is gone was not held: the events below say so.
                    let _ = kill_process(Pid::from_raw(*worker).unwrap(), signal);
                }
            };
            send(Signal::STOP);
            std::thread::sleep(Duration::from_millis(1_200));
            send(Signal::CONT);
        }
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let told: Vec<&Value> = events.iter().filter(|e| e["event"] == "document_progress").collect();
    assert!(told.iter().all(|e| e["total"] == PAGES && e["section"] == "page" && e["path"] == "long.pdf"));
    let done: Vec<u64> = told.iter().map(|e| e["done"].as_u64().unwrap()).collect();
    assert!(!done.is_empty() && done.is_sorted(), "{done:?}");
    let (worker, run) = (most.worker_resident, most.run_resident);
    println!("{PAGES} pages: the worker held {} MiB at most, the run {} MiB", worker >> 10, run >> 10);
    assert!(worker < 128 << 10 && run < 100 << 10, "{worker} KiB, {run} KiB");
}

/// An encrypted document with this password.
fn encrypted(password: &str) -> Vec<u8> {
    use lopdf::{Document, EncryptionState, EncryptionVersion, Object, Permissions, StringFormat};
    let mut document = Document::load_mem(&documents::pdf(&[&documents::story(1)])).unwrap();
    let id = || Object::String(b"0123456789abcdef".to_vec(), StringFormat::Literal);
    document.trailer.set("ID", vec![id(), id()]);
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password: password,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

#[test]
fn passwords_open_documents_and_are_left_nowhere() {
    const SECRET: &str = "correct-horse-7f3a";
    let shelf = Shelf::of(1);
    shelf.put("locked.pdf", &encrypted(SECRET));
    shelf.batch(&[]).exits(75).says("needs a password; put it into a file and run again with --password-file");
    let file = shelf.path().join("passwords.txt");
    std::fs::write(&file, "wrong-battery-staple\n").unwrap();
    let name = ["--password-file", "passwords.txt", "--retry-failed"];
    let wrong = shelf.batch(&name).exits(75).says("none of the 1 passwords of --password-file opens it");
    assert!(wrong.stderr().contains("Encrypted"), "{}", wrong.stderr());
    std::fs::write(&file, format!("wrong-battery-staple\n{SECRET}\n")).unwrap();
    let opened = shelf.batch(&[&name[..], &["-v"]].concat()).exits(0);
    let parsed = shelf.run(&["parse", "books/locked.pdf", "--password-file", "passwords.txt"]).exits(0);
    assert!(parsed.stdout().starts_with("Tale 1"), "{}", parsed.stdout());
    let text = parsed.stdout();
    let mut written: Vec<(String, Vec<u8>)> = [&wrong, &opened, &parsed]
        .into_iter()
        .flat_map(|run| [("standard error", run.0.stderr.clone()), ("standard output", run.0.stdout.clone())])
        .map(|(place, bytes)| (place.to_owned(), bytes))
        .collect();
    // What the store holds of documents is compressed.
    let db = shelf.sql();
    let mut query = db.prepare("SELECT z FROM art").unwrap();
    for z in query.query_map([], |r| r.get::<_, Vec<u8>>(0)).unwrap() {
        written.push(("a stored result".to_owned(), zstd::decode_all(&z.unwrap()[..]).unwrap()));
    }
    let page = text.lines().next().unwrap().as_bytes();
    let holds = |bytes: &[u8], words: &[u8]| bytes.windows(words.len()).any(|w| w == words);
    assert!(written.iter().any(|(place, bytes)| place == "a stored result" && holds(bytes, page)), "it can be found");
    let mut folders = vec![shelf.out()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                written.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    for (place, bytes) in &written {
        for secret in [SECRET, "wrong-battery-staple"] {
            assert!(!holds(bytes, secret.as_bytes()), "{place} holds a password");
        }
    }
    shelf.batch(&["--password-file", "nowhere.txt"]).exits(64).says("the password file 'nowhere.txt' cannot be read");
}
