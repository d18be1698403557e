//! Settings: each option of `batch` from line, environment and file, in every command that has it.

use std::collections::BTreeSet;

use corpora::engine::defaults;
use corpora::simulator::{BatchConfig, SimulatorConfig};
use serde_json::Value;

use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::{Run, Shelf, command, commands};

/// A value for each option, and another one.
const VALUES: [(&str, &str, &str); 81] = [
    ("output", "here", "there"),
    ("workers", "3", "5"),
    ("force", "true", "false"),
    ("quiet", "true", "false"),
    ("verbose", "true", "false"),
    ("mode", "per-document", "staged"),
    ("stage", "chunk", "write"),
    ("only", "true", "false"),
    ("until", "chunk", "extract"),
    ("retry-failed", "true", "false"),
    ("limit", "7", "8"),
    ("shard", "1/4", "2/4"),
    ("files", "books.list", "other.list"),
    ("from-pack", "one.pack", "other.pack"),
    ("settled-ok", "true", "false"),
    ("dry-run", "true", "false"),
    ("json", "true", "false"),
    ("pipeline", "glossary", "entities"),
    ("profile", "small", "full"),
    ("top", "40", "50"),
    ("min-score", "0.25", "0.75"),
    ("provider", "anthropic", "openai"),
    ("model", "some", "other"),
    ("blocklist", "none", "mine.json"),
    ("progress", "json", "none"),
    ("on-end", "cat", "wc"),
    ("webhook", "http://127.0.0.1:1/a", "http://127.0.0.1:2/b"),
    ("desktop-note", "true", "false"),
    ("bell", "true", "false"),
    ("watch", "30.5", "60.5"),
    ("formats", "docx", "md,txt"),
    ("no-recursive", "true", "false"),
    ("checksum", "true", "false"),
    ("parse-timeout", "10", "20"),
    ("parse-memory", "512", "2048"),
    ("ocr", "off", "force"),
    ("ocr-lang", "deu", "fra"),
    ("password-file", "words", "others"),
    ("base-url", "http://127.0.0.1:1", "http://127.0.0.1:2"),
    ("api-version", "v1", "v2"),
    ("allow-http", "true", "false"),
    ("key-file", "key", "other-key"),
    ("rpm", "10", "20"),
    ("itpm", "1000", "2000"),
    ("otpm", "100", "200"),
    ("tpm", "3000", "4000"),
    ("in-flight", "4", "5"),
    ("headers", "x-team: books", "x-team: films"),
    ("request-timeout", "12.5", "30.5"),
    ("service-tier", "flex", "standard"),
    ("structured", "json", "prompt"),
    ("terms-per-request", "3", "9"),
    ("effort", "low", "high"),
    ("temperature", "0.5", "1.5"),
    ("seed", "7", "8"),
    ("stop", "END", r#"["a", "b"]"#),
    ("extra-body", r#"{"top_k": 1}"#, r#"{"top_k": 2}"#),
    ("stream", "always", "never"),
    ("token-timeout", "7.5", "8.5"),
    ("patience", "1.5", "2.5"),
    ("max-cost", "2.5", "3.5"),
    ("prices", "prices.toml", "others.toml"),
    ("overlap", "off", "on"),
    ("context", "chunks", "candidates"),
    ("log", "requests.log", "other.log"),
    ("log-format", "json", "text"),
    ("endpoint", "batch", "auto"),
    ("cheapest", "true", "false"),
    ("detach", "true", "false"),
    ("deadline", "07:00", "08:00"),
    ("no-probe", "true", "false"),
    ("finish", "live", "batch"),
    ("resubmit", "true", "false"),
    ("abandon-batches", "true", "false"),
    ("batch-requests", "50", "60"),
    ("batch-bytes", "5000", "6000"),
    ("batch-tokens", "700", "800"),
    ("batches-in-flight", "2", "3"),
    ("batches-per-hour", "4", "5"),
    ("poll", "0.5", "1.5"),
    ("listing-lag", "0.25", "0.75"),
];

/// `corpora config` as JSON, with a file, a variable and arguments.
fn config(shelf: &Shelf, file: &str, variable: Option<(&str, &str)>, args: &[&str]) -> Value {
    std::fs::write(shelf.path().join("corpora.toml"), file).unwrap();
    let mut command = command(shelf.path(), &[&["config", "--format", "json"], args].concat());
    command.envs(variable);
    let run = Run(command.output().unwrap()).exits(0);
    serde_json::from_str(&run.stdout()).unwrap()
}

/// The same without the places that values come from.
fn values(config: &Value) -> Vec<(String, Value)> {
    let settings = config["settings"].as_object().unwrap();
    settings.iter().map(|(key, shown)| (key.clone(), shown["value"].clone())).collect()
}

/// Names of the options in a help text.
fn options(help: &str) -> BTreeSet<String> {
    let starts = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("-").and_then(|l| l.get(1..)?.strip_prefix(", ")).unwrap_or(line);
        line.strip_prefix("--")
    });
    let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>();
    starts
        .map(word)
        .filter(|name| !["color", "config", "help", "settings", "version"].contains(&name.as_str()))
        .collect()
}

#[test]
fn every_option_of_batch_comes_from_line_environment_and_file() {
    let shelf = Shelf::empty();
    let help = shelf.run(&["help", "batch"]).exits(0).stdout();
    let tried: BTreeSet<String> = VALUES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(options(&help), tried, "the options of 'help batch' and those that are tried");
    let plain = values(&config(&shelf, "", None, &[]));
    for (name, one, two) in VALUES {
        let key = name.replace('-', "_");
        let variable = format!("CORPORA_{}", key.to_uppercase());
        let is_bare = one.parse::<f64>().is_ok() || ["true", "false"].contains(&one) || name == "overlap";
        let entry = |value: &str| match (is_bare, value) {
            (true, "on" | "off") => format!("{key} = {}\n", value == "on"),
            (true, _) => format!("{key} = {value}\n"),
            (false, _) => format!("{key} = '{value}'\n"),
        };
        let typed = |value: &str| format!("--{name}={value}");
        let from_line = config(&shelf, "", None, &[&typed(one)]);
        let from_variable = config(&shelf, "", Some((&variable, one)), &[]);
        let from_file = config(&shelf, &entry(one), None, &[]);
        let shown = &from_line["settings"][&key];
        assert_eq!(shown["origin"], "command_line", "{name}");
        assert_eq!(from_variable["settings"][&key]["origin"], "environment", "{name}");
        assert_eq!(from_variable["settings"][&key]["variable"], variable.as_str(), "{name}");
        assert_eq!(from_file["settings"][&key]["origin"], "file", "{name}");
        assert_eq!(from_file["settings"][&key]["file"], "corpora.toml", "{name}");
        assert_eq!(values(&from_line), values(&from_variable), "{name}: line and environment");
        assert_eq!(values(&from_line), values(&from_file), "{name}: line and file");
        assert_ne!(values(&from_line), plain, "{name} changes something");
        // Line over environment over file; of a switch, what is on is taken back too.
        let ways = [(one, two), (two, one)];
        for &(weak, strong) in &ways[..if one == "true" { 2 } else { 1 }] {
            let over_file = config(&shelf, &entry(weak), Some((&variable, strong)), &[]);
            assert_eq!(over_file["settings"][&key]["origin"], "environment", "{name}");
            let over_both = config(&shelf, &entry(weak), Some((&variable, weak)), &[&typed(strong)]);
            assert_eq!(over_both["settings"][&key]["origin"], "command_line", "{name}");
            assert_eq!(values(&over_both), values(&over_file), "{name} = {strong} over {weak}");
            assert_eq!(values(&over_both), values(&config(&shelf, "", None, &[&typed(strong)])), "{name} = {strong}");
        }
    }
}

#[test]
fn a_switch_that_is_on_elsewhere_is_taken_back_on_the_line() {
    let shelf = Shelf::of(2);
    std::fs::write(shelf.path().join("corpora.toml"), "no_recursive = true\nquiet = true\n").unwrap();
    assert_eq!(shelf.batch(&["--progress", "json"]).exits(0).summary()["documents"], 1);
    let all = shelf.batch(&["--no-recursive=false", "--progress", "json"]).exits(0);
    assert_eq!(all.summary()["documents"], 2, "one of them lies in a folder below");
    // What the line asks for excludes what the file asks for, not the other way round.
    assert!(shelf.batch(&["-v", "--force"]).exits(0).stderr().contains("doc-000001"));
    assert!(!shelf.batch(&["--force"]).exits(0).stderr().contains("doc-000001"));
    shelf.batch(&["-qv"]).exits(2).says("cannot be used with");
    let mut both = command(shelf.path(), &["batch", "books", "-o", "out"]);
    Run(both.env("CORPORA_FORCE", "1").env("CORPORA_STAGE", "write").output().unwrap()).exits(2).says("--force");
    shelf.batch(&["--only"]).exits(2).says("--stage");
    shelf.batch(&["--json"]).exits(2).says("--dry-run");
}

#[test]
fn what_is_wrong_with_a_setting_is_said_with_its_place() {
    let shelf = Shelf::of(1);
    let file = |text: &str, args: &[&str]| {
        std::fs::write(shelf.path().join("corpora.toml"), text).unwrap();
        shelf.run(args)
    };
    for args in [&["batch", "books", "-o", "out"][..], &["status", "out"], &["config"], &["pipelines"]] {
        file("mode = 'fast'\n", args).exits(64).says("corpora.toml, line 1, column 8: 'fast' is not one of staged");
        file("\nworker = 2\n", args).exits(64).says("corpora.toml, line 2, column 1: there is no setting 'worker'");
        file("workers = 'two'\n", args).exits(64).says("'two' cannot be used");
        file("model = 4.10\n", args).exits(64).says("put it in quotes");
        file("[batch]\npoll = 1\n", args).exits(64).says("there is no setting 'batch'");
        file("workers = \n", args).exits(64).says("line 1");
    }
    let mut wrong = command(shelf.path(), &["parse", "books/deep/doc-000000.pdf"]);
    std::fs::remove_file(shelf.path().join("corpora.toml")).unwrap();
    Run(wrong.env("CORPORA_OCR", "perhaps").output().unwrap()).exits(2).says("CORPORA_OCR: 'perhaps' is not one of");
}

#[test]
fn a_settings_file_that_was_named_and_is_not_there_fails_every_command() {
    let shelf = Shelf::of(1);
    shelf.batch(&[]).exits(0);
    let help = shelf.run(&["--help"]).exits(0).stdout();
    let names = commands::names(&help);
    let document = "books/deep/doc-000000.pdf";
    let mut tried = 0;
    for name in names.iter().map(String::as_str).filter(|name| *name != "help") {
        let more: &[&str] = match name {
            "batch" | "bench" => &["books"],
            "parse" | "extract" | "output" => &[document],
            "export" => &["out", "--format", "csv"],
            "show" => &["out", "doc-000000.pdf"],
            "find" => &["wyrm", "out"],
            "diff" => &["out", "out"],
            "merge" => &["out", "shard"],
            "pack" => &["shard", "-o", "pack"],
            "completions" => &["bash"],
            "pipelines" | "config" | "simulate" | "man" => &[],
            _ => &["out"],
        };
        let args = [&["--config", "missing.toml", name], more].concat();
        shelf.run(&args).exits(64).says("the configuration file 'missing.toml' cannot be read");
        tried += 1;
    }
    assert!(tried > 18, "{tried} commands");
}

#[test]
fn commands_about_a_folder_find_it_in_the_settings() {
    let shelf = Shelf::of(1);
    shelf.batch(&[]).exits(0);
    shelf.run(&["status"]).exits(2).says("give the output folder of a run");
    std::fs::write(shelf.path().join("corpora.toml"), "output = 'out'\n").unwrap();
    for name in ["status", "cost", "batches", "wait", "cancel", "consolidate", "review", "gc"] {
        shelf.run(&[name]).exits(0);
    }
    shelf.run(&["export", "--format", "csv"]).exits(0);
    assert!(shelf.run(&["doctor"]).exits(0).stdout().contains("'out/.corpora' is intact"));
    shelf.run(&["status", "elsewhere"]).exits(64).says("there is no corpora store in 'elsewhere'");
}

#[test]
fn doctor_asks_whom_batch_would_ask() {
    let shelf = Shelf::of(1);
    std::fs::write(shelf.path().join("corpora.toml"), "provider = 'anthropic'\nmodel = 'any'\n").unwrap();
    let batch = shelf.batch(&[]).exits(64).stderr();
    assert!(batch.contains("needs an API key"), "{batch}");
    assert!(shelf.run(&["doctor"]).exits(64).stdout().contains("needs an API key"));
    // Who is named on the line has no need of the model that the file names for another.
    assert!(shelf.run(&["doctor", "--provider", "local"]).exits(0).stdout().contains("nothing to pay"));
    shelf.batch(&["--provider", "local"]).exits(0);
}

#[test]
fn one_document_is_extracted_and_written_as_the_settings_say() {
    let shelf = Shelf::of(1);
    let document = "books/deep/doc-000000.pdf";
    let list = r#"{"house": ["mill", "abbey", "gate", "orchard", "road"]}"#;
    std::fs::write(shelf.path().join("mine.json"), list).unwrap();
    let plain = shelf.run(&["output", document]).exits(0).stdout();
    assert!(plain.contains(r#""pipeline":"vocabulary""#));
    std::fs::write(shelf.path().join("corpora.toml"), "pipeline = 'glossary'\n").unwrap();
    assert!(shelf.run(&["output", document]).exits(0).stdout().contains(r#""pipeline":"glossary""#));
    assert!(shelf.run(&["extract", document]).exits(0).stdout().contains(r#""pipeline": "glossary""#));
    shelf.batch(&[]).exits(0);
    let written = std::fs::read_to_string(shelf.out().join("deep/doc-000000.vocab.json")).unwrap();
    assert!(written.contains(r#""pipeline":"glossary""#));
    std::fs::write(shelf.path().join("corpora.toml"), "blocklist = 'mine.json'\n").unwrap();
    assert!(shelf.run(&["output", document]).exits(0).stdout().contains("blocklist:house"));
    std::fs::write(shelf.path().join("corpora.toml"), "ocr_lang = '-x'\n").unwrap();
    for name in ["parse", "extract", "output"] {
        shelf.run(&[name, document]).exits(64).says("names no languages");
    }
}

#[test]
fn batches_are_waited_for_with_the_key_and_the_address_of_the_settings() {
    let batch = BatchConfig { turnaround_ms: 60_000.0, ..BatchConfig::default() };
    let config = SimulatorConfig { key: KEY.to_owned(), batch, ..SimulatorConfig::default() };
    let rehearsal = Rehearsal::of(2, config);
    let batch = |more: &[&str]| {
        rehearsal.run("out", &[&["--endpoint", "batch", "--no-probe", "--poll", "0.05"], more].concat())
    };
    batch(&["--detach"]).exits(0);
    let folder = rehearsal.shelf.path();
    for name in ["cancel", "wait"] {
        Run(command(folder, &[name, "out"]).output().unwrap()).exits(64);
    }
    std::fs::write(folder.join("key"), KEY).unwrap();
    // An address of another provider does not lead to where these batches are.
    std::fs::write(folder.join("corpora.toml"), "key_file = 'key'\nbase_url = 'http://127.0.0.1:9'\n").unwrap();
    for name in ["cancel", "wait"] {
        Run(command(folder, &["--config", "corpora.toml", name, "out"]).output().unwrap()).exits(0);
    }
}

#[test]
fn a_bench_measures_what_was_asked_and_says_it() {
    let shelf = Shelf::of(2);
    let bench = |file: &str, more: &[&str]| {
        std::fs::write(shelf.path().join("corpora.toml"), file).unwrap();
        let quick = ["--rounds", "1", "--modes", "staged", "--compress", "300"];
        let run = shelf.run(&[&["bench", "books"], &quick[..], more].concat()).exits(0);
        let report = std::fs::read(shelf.path().join("corpora-bench/bench.json")).unwrap();
        (run.stderr(), serde_json::from_slice::<Value>(&report).unwrap())
    };
    let figures = |report: &Value| {
        let median = &report["modes"][0]["median"];
        (median["requests"].as_u64(), median["input_tokens"].as_u64(), median["dollars"].as_f64())
    };
    let (_, asked) = bench("", &["--pipeline", "glossary"]);
    let (said, filed) = bench(
        "pipeline = 'glossary'\nendpoint = 'batch'\noutput = 'elsewhere'\nprovider = 'openai'\nmax_cost = 5.0\nlimit = 1\n",
        &[],
    );
    assert_eq!(figures(&asked), figures(&filed), "the file's pipeline, and nothing that the bench varies itself");
    assert_eq!(filed["answers"]["kind"], "simulator", "a provider that is paid for is named on the line");
    assert_eq!(filed["settings"], serde_json::json!({"pipeline": "glossary"}));
    assert!(said.contains("every run has pipeline = glossary"), "{said}");
    assert!(!shelf.path().join("elsewhere").exists());
}

#[test]
fn config_shows_no_secret_and_its_toml_says_the_same_again() {
    let shelf = Shelf::of(1);
    std::fs::write(shelf.path().join("key"), KEY).unwrap();
    let file =
        "key_file = 'key'\nprovider = 'openai'\nmodel = 'm'\nformats = ['md', 'txt']\npoll = 2\noverlap = false\n";
    let before = config(&shelf, file, Some(("CORPORA_WORKERS", "3")), &["--quiet", "--until", "chunk"]);
    let shown = before.to_string();
    assert!(!shown.contains(KEY) && shown.contains("key"));
    let mut command = command(shelf.path(), &["config", "--format", "toml", "--quiet", "--until", "chunk"]);
    let toml = Run(command.env("CORPORA_WORKERS", "3").env("OPENAI_API_KEY", KEY).output().unwrap()).exits(0).stdout();
    assert!(!toml.contains(KEY), "{toml}");
    assert!(toml.contains("workers = 3  # variable CORPORA_WORKERS"), "{toml}");
    assert_eq!(values(&config(&shelf, &toml, None, &[])), values(&before));
}

#[test]
fn help_and_readme_show_the_defaults_of_the_core() {
    let readme = include_str!("../README.md");
    let help = Shelf::empty().run(&["help", "batch"]).exits(0).stdout();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let option = |name: &str| {
        let (_, rest) = help.split_once(&format!("--{name} <")).unwrap_or_else(|| panic!("{name}: {help}"));
        rest.split(" --").next().unwrap().to_owned()
    };
    let (request, patience) = (defaults::REQUEST_TIMEOUT.as_secs(), defaults::PATIENCE.as_secs() / 60);
    let (time, memory) = (defaults::PARSE_TIME.as_secs(), defaults::PARSE_MEMORY >> 20);
    for (name, default) in [
        ("request-timeout", request),
        ("patience", patience),
        ("parse-timeout", time),
        ("parse-memory", memory),
        ("in-flight", defaults::IN_FLIGHT as u64),
        ("poll", defaults::POLL.as_secs()),
        ("listing-lag", defaults::LISTING_LAG.as_secs()),
    ] {
        assert!(option(name).contains(&format!("[default: {default}]")), "{name}: {}", option(name));
    }
    for (words, row) in [
        (format!("time for one request ({request} s)"), "--request-timeout"),
        (format!("answers nothing ({patience} min)"), "--patience"),
        (format!("processor time ({time} s;"), "--parse-timeout"),
        (format!("memory ({memory} MiB)"), "--parse-memory"),
    ] {
        assert!(readme.lines().any(|line| line.contains(row) && line.contains(&words)), "'{words}' is not in README");
    }
}

#[test]
fn readme_names_every_reason_for_which_a_run_stops_asking() {
    let readme = include_str!("../README.md");
    for reason in corpora::values::StopReason::ALL {
        let word = serde_json::to_value(reason).unwrap();
        let named = format!("`{}`", word.as_str().unwrap());
        assert!(readme.contains(&named), "README does not name {named}");
    }
}
