//! The rules: who may use whom, and who may touch the world outside.

use super::names::Names;
use super::source::File;

/// Layers, lowest first. A room uses rooms of lower layers and itself; rooms of one layer do not use each other.
const LAYERS: [&[&str]; 6] = [
    &["values"],
    &["parse", "terms"],
    &["stages", "store"],
    &["remote", "simulator"],
    &["engine"],
    &["pipelines", "settings", "cli", "main"],
];

/// Rooms of the edge: they speak with people, and use each other: `cli` reads what people wrote with `pipelines` and `settings`.
const EDGE: [&str; 4] = ["pipelines", "settings", "cli", "main"];

/// Ways to the world that nothing below the edge takes, and the files that take them all the same.
const BELOW_THE_EDGE: [(&str, &[&str]); 29] = [
    ("print!", &[]),
    ("println!", &[]),
    ("eprint!", &[]),
    ("eprintln!", &[]),
    ("dbg!", &[]),
    ("std::print", &[]),
    ("std::println", &[]),
    ("std::eprint", &[]),
    ("std::eprintln", &[]),
    ("std::dbg", &[]),
    // A parse worker speaks with its run over its standard input and output.
    ("std::io::stdin", &["src/engine/worker/serve.rs"]),
    ("std::io::stdout", &["src/engine/worker/serve.rs"]),
    ("std::io::stderr", &[]),
    ("std::io::Stdin", &[]),
    ("std::io::Stdout", &[]),
    ("std::io::Stderr", &[]),
    ("rustix::stdio", &[]),
    ("std::process::exit", &[]),
    ("std::process::abort", &["src/engine/failpoint.rs"]),
    // It hands a few variables on to processes that read strangers' files, and looks into none.
    ("std::env", &["crates/parse/src/environment.rs"]),
    ("std::time::SystemTime::now", &[]),
    ("std::time::SystemTime::elapsed", &[]),
    ("std::time::UNIX_EPOCH::elapsed", &[]),
    ("std::time::SystemTime::UNIX_EPOCH::elapsed", &[]),
    ("jiff::Timestamp::now", &[]),
    ("jiff::Zoned::now", &[]),
    ("rustix::time::ClockId::Realtime", &[]),
    (
        "std::process::Command",
        &["src/engine/worker/process.rs", "crates/parse/src/ocr/tesseract.rs", "crates/parse/src/environment.rs"],
    ),
    ("tokio::process", &[]),
];

/// Ways to a person's screen that the edge has, and the one file that takes them: there it is escaped what others wrote.
const SCREEN: (&str, [&str; 14]) = (
    "src/cli/screen.rs",
    [
        "print!",
        "println!",
        "eprint!",
        "eprintln!",
        "dbg!",
        "std::print",
        "std::println",
        "std::eprint",
        "std::eprintln",
        "std::io::stdout",
        "std::io::stderr",
        "std::io::Stdout",
        "std::io::Stderr",
        "rustix::stdio",
    ],
);

/// Ways to other machines: a provider's client and its stand-in alone. Addresses as data are no such way.
const NETWORK: [&str; 9] = [
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::os::unix::net",
    "tokio::net",
    "reqwest",
    "hyper",
    "rustix::net",
];

/// What plain data does not touch: no files, no processes, no clocks, no threads.
const NOT_IN_VALUES: [&str; 9] = [
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::path::Path::exists",
];

/// What a file does against the rules, one sentence each.
pub(super) fn against(file: &File, names: &Names<'_>) -> Vec<String> {
    let mut found: Vec<String> =
        file.hidden.iter().map(|(line, what)| at(file, *line, &format!("{what} hides what is used"))).collect();
    let Some(room) = room(&file.krate, &file.module) else { return found };
    if layer(&room).is_none() {
        return vec![format!("{}: the room '{room}' has no layer; give it one in tests/layers/rules.rs", file.shown)];
    }
    for used in &file.uses {
        for path in names.of_use(file, used) {
            let is_root = path.len() == 1 && path[0].starts_with("corpora");
            if used.name.is_none() && (path[0] == "std" && path.last().is_some_and(|l| l != "prelude") || is_root) {
                found.push(at(file, used.line, &format!("{}::* hides what is used", path.join("::"))));
            }
            found.extend(judge(file, &room, used.line, &path));
        }
    }
    for mention in &file.mentions {
        for path in names.of_mention(file, mention) {
            found.extend(judge(file, &room, mention.line, &path));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn at(file: &File, line: usize, what: &str) -> String {
    format!("{}:{line}: {what}", file.shown)
}

/// The room that a path from a crate's root leads into, none for a root itself.
fn room(krate: &str, below: &[String]) -> Option<String> {
    match krate.strip_prefix("corpora") {
        Some("") => below.first().cloned(),
        Some(name) => Some(name.trim_start_matches('_').to_owned()),
        None => None,
    }
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

fn judge(file: &File, own: &str, line: usize, path: &[String]) -> Option<String> {
    let shown = path.join("::");
    let (krate, below) = path.split_first()?;
    if let Some(other) = room(krate, below) {
        let is_edge = EDGE.contains(&own) && EDGE.contains(&other.as_str());
        return match layer(&other) {
            _ if other == own || is_edge => None,
            Some(other) if Some(other) < layer(own) => None,
            _ => Some(at(file, line, &format!("{own} uses {shown}"))),
        };
    }
    let is = |way: &str| shown == way || shown.strip_prefix(way).is_some_and(|rest| rest.starts_with("::"));
    if EDGE.contains(&own) {
        let shows = file.shown != SCREEN.0 && SCREEN.1.iter().any(|way| is(way));
        return shows.then(|| at(file, line, &format!("{own} touches {shown} beside {}", SCREEN.0)));
    }
    let taken = BELOW_THE_EDGE.iter().any(|(way, by)| is(way) && !by.contains(&file.shown.as_str()))
        || !["remote", "simulator"].contains(&own) && NETWORK.iter().any(|way| is(way))
        || own == "values" && NOT_IN_VALUES.iter().any(|way| is(way));
    taken.then(|| at(file, line, &format!("{own} touches {shown}")))
}
