//! A shelf and a simulator side by side.

use std::process::Child;

use corpora::simulator::{Simulator, SimulatorConfig};

use super::{Run, Shelf, command};

/// A key that must never be found in anything that is written.
pub(crate) const KEY: &str = "sk-test-9c1f64e2a7b3450d8e";

/// A shelf whose pipeline cuts small chunks, so that a document is several requests, and a provider for it.
pub(crate) struct Rehearsal {
    pub(crate) shelf: Shelf,
    pub(crate) simulator: Simulator,
}

impl Rehearsal {
    pub(crate) fn of(documents: usize, config: SimulatorConfig) -> Self {
        Self::with_clock(documents, config, 0.0)
    }

    /// The provider's clock goes this many seconds ahead of ours.
    pub(crate) fn with_clock(documents: usize, config: SimulatorConfig, skew: f64) -> Self {
        let shelf = Shelf::of(documents);
        let glossary = include_str!("../../pipelines/glossary.toml")
            .replace("max_tokens = 1000", "max_tokens = 120")
            .replace("overlap_tokens = 100", "overlap_tokens = 20");
        std::fs::write(shelf.path().join("small.toml"), glossary).unwrap();
        let simulator = Simulator::start(config, 0, corpora_now() + skew).unwrap();
        Self { shelf, simulator }
    }

    /// Arguments of a run that asks the simulator, with results in `out`.
    pub(crate) fn args(&self, out: &str, more: &[&str]) -> Vec<String> {
        let url = format!("http://{}", self.simulator.address());
        let mut args: Vec<String> =
            ["batch", "books", "-o", out, "--base-url", &url, "--progress", "json"].map(str::to_owned).to_vec();
        for (name, value) in
            [("--provider", "anthropic"), ("--pipeline", "./small.toml"), ("--model", "claude-haiku-5-5")]
        {
            if !more.contains(&name) {
                args.extend([name.to_owned(), value.to_owned()]);
            }
        }
        args.extend(more.iter().map(|a| (*a).to_owned()));
        args
    }

    pub(crate) fn run(&self, out: &str, more: &[&str]) -> Run {
        let args = self.args(out, more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = command(self.shelf.path(), &args);
        for variable in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"] {
            command.env(variable, KEY);
        }
        Run(command.output().unwrap())
    }

    pub(crate) fn spawn(&self, out: &str, more: &[&str]) -> Child {
        let args = self.args(out, more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = command(self.shelf.path(), &args);
        command.env("ANTHROPIC_API_KEY", KEY).stderr(std::process::Stdio::null()).spawn().unwrap()
    }

    /// What a query says of the store in `out`.
    pub(crate) fn count(&self, out: &str, sql: &str) -> i64 {
        let path = self.shelf.path().join(out).join(".corpora/store.sqlite");
        rusqlite::Connection::open(path).unwrap().query_row(sql, [], |r| r.get(0)).unwrap()
    }

    pub(crate) fn requests(&self) -> u64 {
        self.simulator.counters().requests
    }
}

pub(crate) fn corpora_now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}
