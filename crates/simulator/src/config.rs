//! Settings of a simulator.

use std::path::PathBuf;

use serde::Deserialize;

use super::{BatchConfig, Fault};

/// Limits of a model in a minute of the simulated clock. None is unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests.
    pub requests: Option<f64>,
    /// Input tokens.
    pub input: Option<f64>,
    /// Output tokens.
    pub output: Option<f64>,
    /// Input and output tokens together; a request is admitted with its whole output budget.
    pub tokens: Option<f64>,
    /// Seconds of quota that a bucket holds; 1 if absent.
    pub burst_seconds: Option<f64>,
    /// Switch for headers that tell the limits; on if absent.
    pub headers: Option<bool>,
    /// Requests of a day. Headers tell this limit where others tell the minute's. <https://console.groq.com/docs/rate-limits>
    pub requests_a_day: Option<f64>,
    /// Switch for requests that are refused and use up the limit all the same; off if absent.
    pub charges_refused: Option<bool>,
    /// Switch for a limit on tokens that is charged with the whole output budget of a request; off if absent.
    pub charges_budget: Option<bool>,
}

/// Time that answers take.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// Median in milliseconds of the simulated clock.
    pub median_ms: f64,
    /// 99th percentile over median.
    pub p99_over_median: f64,
    /// More for each token of output, in milliseconds.
    pub per_output_token_ms: f64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { median_ms: 0.0, p99_over_median: 1.0, per_output_token_ms: 0.0 }
    }
}

/// A fault at a certain moment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scripted {
    /// Only requests whose user text contains this.
    #[serde(default)]
    pub containing: String,
    /// Only these times that the request comes, from 1; all if empty.
    #[serde(default)]
    pub attempts: Vec<u32>,
    /// Only requests from this number on, counted over all, from 1.
    #[serde(default)]
    pub from_request: u64,
    /// The fault.
    pub fault: Fault,
}

/// Everything that a simulator is told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Seed of all chance.
    pub seed: u64,
    /// Speed of the simulated clock over that of the real one.
    pub speed: f64,
    /// Limits.
    pub limits: Limits,
    /// Latency.
    pub latency: Latency,
    /// Part of the requests that meets each fault, 0 to 1.
    pub faults: Vec<(Fault, f64)>,
    /// Faults at certain moments; the first that fits wins, over those by rate too.
    pub script: Vec<Scripted>,
    /// `retry-after` of a 429 by fault, in seconds of the simulated clock.
    pub retry_after_s: f64,
    /// The only key that is accepted; any, if empty.
    pub key: String,
    /// The only models that exist; any, if empty.
    pub models: Vec<String>,
    /// Terms that the oracle finds; without them it answers as the local provider does.
    pub gold: Vec<String>,
    /// Tokens of a prompt's beginning from which it is cached; 0 for never.
    pub cache_from_tokens: u64,
    /// Context window in tokens.
    pub window: u64,
    /// Switch for cutting a prompt that is longer than the window without a word, so that nearly no room is left for the answer, as
    /// Ollama is documented to; else it is refused.
    pub cuts_prompts: bool,
    /// Requests that are worked on at once, while others wait without end, as llama.cpp does it; 0 for all.
    pub slots: usize,
    /// Course of batches.
    pub batch: BatchConfig,
    /// A file to which every request is appended as a line of JSON.
    pub journal: Option<PathBuf>,
    /// Switch for keeping requests in memory for the admin interface.
    pub keep_journal: bool,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            limits: Limits::default(),
            latency: Latency::default(),
            faults: Vec::new(),
            script: Vec::new(),
            retry_after_s: 1.0,
            key: String::new(),
            models: Vec::new(),
            gold: Vec::new(),
            cache_from_tokens: 0,
            window: 200_000,
            cuts_prompts: false,
            slots: 0,
            batch: BatchConfig::default(),
            journal: None,
            keep_journal: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchFault;

    /// Names of faults, as they are written in files.
    fn names<T: serde::Serialize>(all: &[T]) -> Vec<String> {
        all.iter().map(|fault| serde_json::to_value(fault).unwrap().as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_documented_file_is_one_and_every_fault_is_documented() {
        let document = include_str!("../../../docs/simulator.md");
        let file = document.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let config: SimulatorConfig = toml::from_str(file).unwrap();
        assert_eq!((config.script.len(), config.faults.len(), config.speed), (1, 3, 10.0));
        let faults = document.split("Faults of status and wire:").nth(1).unwrap();
        let (live, batches) = faults.split_once("Faults of provider batches").unwrap();
        // Endings of a name stand for the whole of it, and `retry-after` is a header.
        let whole = |name: &str| if name.starts_with('-') { format!("rate-limited{name}") } else { name.to_owned() };
        let documented = |text: &str| -> Vec<String> {
            let names = text.split('`').skip(1).step_by(2).filter(|name| *name != "retry-after");
            names.map(whole).collect()
        };
        for (documented, names) in
            [(documented(live), names(Fault::ALL)), (documented(batches), names(BatchFault::ALL))]
        {
            let missing: Vec<&String> = names.iter().filter(|name| !documented.contains(name)).collect();
            assert!(missing.is_empty(), "docs/simulator.md does not tell of {missing:?}");
            let strange: Vec<&String> = documented.iter().filter(|name| !names.contains(name)).collect();
            assert!(strange.is_empty(), "there are no faults {strange:?}");
        }
    }
}
