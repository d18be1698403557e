//! Compositions of everything that providers were seen to do, by chance: what has to hold whatever comes together.
//!
//! ```sh
//! CORPORA_COMPOSITIONS=10000 cargo test --test main compositions:: -- --ignored --nocapture   # so many, from 1000 or CORPORA_COMPOSITIONS_FROM
//! CORPORA_COMPOSITION=1234 cargo test --test main compositions:: -- --nocapture                # this one, told step by step
//! ```

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use corpora::simulator::{BatchConfig, BatchFault, Fault, Latency, PaidAsk, Scripted, SimulatorConfig};
use corpora::values::Usage;
use serde_json::Value;

use super::PROVIDERS;
use crate::support::rehearsal::{KEY, Rehearsal};
use crate::support::{command, events};

/// Compositions that every run of the tests tries.
const BY_DEFAULT: u64 = 40;

/// Compositions that failed once, each for a fault that is mended: an orphan whose ids come back in another spelling was sent again.
const FAILED_ONCE: [u64; 2] = [3193, 4488];

/// Compositions at once: most of each is waiting.
const AT_ONCE: usize = 8;

/// Time after which a command has said why it waits, or else ends in [`LONGEST`].
const PATIENCE: Duration = Duration::from_secs(6);

/// Longest time of a command that does not wait: a slow machine, and requests of which each was refused before.
const LONGEST: Duration = Duration::from_secs(60);

/// Time in which a command that is told to stop has stopped, on a machine that does much else.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

/// Faults of content in spite of which an answer is of use.
const HARMLESS: [Fault; 11] = [
    Fault::SeveralBlocks,
    Fault::ThinkingFirst,
    Fault::TextBeforeTool,
    Fault::ToolInstead,
    Fault::CodeFence,
    Fault::UnicodeEscapes,
    Fault::UsageMissing,
    Fault::UsageNull,
    Fault::UsageCached,
    Fault::FragmentFirst,
    Fault::RenamedModel,
];

/// Faults after which nobody can know the tokens.
const UNTOLD: [Fault; 5] =
    [Fault::UsageMissing, Fault::UsageNull, Fault::TruncatedJson, Fault::EmptyBody, Fault::HtmlBody];

/// Points at which a run by batch dies.
const POINTS: [&str; 8] =
    ["planned", "before-send", "after-send", "after-reply", "polling", "mid-download", "mid-import", "collected"];

/// Way of asking.
const WAYS: [&[&str]; 5] = [
    &[],
    &["--mode", "per-document"],
    &["--endpoint", "batch", "--no-probe"],
    &["--endpoint", "batch"],
    &["--endpoint", "batch", "--no-probe", "--finish", "live"],
];

/// One composition, a function of its seed.
#[derive(Debug)]
struct Composition {
    seed: u64,
    provider: &'static str,
    documents: usize,
    batch_faults: Vec<(BatchFault, u64)>,
    live_faults: Vec<(Fault, Vec<u32>)>,
    cap: Option<&'static str>,
    steps: Vec<Vec<&'static str>>,
}

impl Composition {
    fn of(seed: u64) -> Self {
        let mut chance = fastrand::Rng::with_seed(seed);
        let provider = PROVIDERS[chance.usize(..PROVIDERS.len())];
        let batch_faults = (0..chance.usize(1..=4))
            .map(|_| (BatchFault::ALL[chance.usize(..BatchFault::ALL.len())], chance.u64(1..=2)))
            .collect();
        let live_faults = (0..chance.usize(0..=2))
            .map(|_| (Fault::ALL[chance.usize(..Fault::ALL.len())], (1..=chance.u32(1..=2)).collect()))
            .collect();
        let cap = [None, None, Some("0.03"), Some("0.2")][chance.usize(..4)];
        // Most begin with a batch: there more can be lost.
        let first = WAYS[chance.choice([0, 1, 2, 2, 2, 3, 4]).unwrap_or(2)];
        let mut begin = first.to_vec();
        if first.contains(&"batch") {
            match chance.u8(..4) {
                0 => begin.push("--detach"),
                1 if first.contains(&"--no-probe") => {
                    begin.extend(["--crash-at", POINTS[chance.usize(..POINTS.len())]]);
                }
                _ => {}
            }
            if chance.bool() {
                begin.extend(["--batch-requests", "4"]);
            }
        }
        let second = WAYS[chance.usize(..WAYS.len())].to_vec();
        let steps = if chance.bool() { vec![begin, second, first.to_vec()] } else { vec![begin, first.to_vec()] };
        Self { seed, provider, documents: chance.usize(1..=3), batch_faults, live_faults, cap, steps }
    }

    fn config(&self) -> SimulatorConfig {
        let scripted = |(fault, attempts): &(Fault, Vec<u32>)| Scripted {
            containing: String::new(),
            attempts: attempts.clone(),
            from_request: 0,
            fault: *fault,
        };
        SimulatorConfig {
            seed: self.seed,
            retry_after_s: 0.05,
            latency: Latency { median_ms: 2.0, ..Latency::default() },
            script: self.live_faults.iter().take(1).map(scripted).collect(),
            faults: self.live_faults.iter().skip(1).map(|(fault, _)| (*fault, 0.2)).collect(),
            batch: BatchConfig { script: self.batch_faults.clone(), ..healthy().batch },
            ..SimulatorConfig::default()
        }
    }

    /// All steps, and what holds after each. An error says what does not.
    fn play(&self) -> Result<(), String> {
        let rehearsal = Rehearsal::of(self.documents, self.config());
        std::fs::write(rehearsal.shelf.path().join("prices.toml"), PRICES).unwrap();
        for (n, step) in self.steps.iter().enumerate() {
            let is_last = n + 1 == self.steps.len();
            if is_last {
                rehearsal.simulator.reconfigure(healthy());
                rehearsal.simulator.end_batches();
            }
            let ended = self.run(&rehearsal, step).map_err(|words| format!("step {}: {words}", n + 1))?;
            self.check(&rehearsal, is_last && ended == Some(0)).map_err(|words| format!("step {}: {words}", n + 1))?;
        }
        Ok(())
    }

    /// Runs a step; its exit code, none if it waited and said why. An error if it does neither.
    fn run(&self, rehearsal: &Rehearsal, step: &[&str]) -> Result<Option<i32>, String> {
        let common = [
            "--provider",
            self.provider,
            "--poll",
            "0.03",
            "--listing-lag",
            "0.1",
            "--patience",
            "0.02",
            "--request-timeout",
            "2",
            "--prices",
            "prices.toml",
        ];
        let mut args = rehearsal.args("out", &[&common[..], step].concat());
        args.extend(self.cap.iter().flat_map(|cap| ["--max-cost".to_owned(), (*cap).to_owned()]));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = command(rehearsal.shelf.path(), &args);
        for variable in ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"] {
            command.env(variable, KEY);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let told = Arc::new(AtomicBool::new(false));
        let tells = Arc::clone(&told);
        let reading = std::thread::spawn(move || {
            let mut said = String::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let is_told = events(&line).iter().any(|e| e["event"] == "notice" || e["event"] == "warning");
                tells.fetch_or(is_told, Ordering::Relaxed);
                said.push_str(&line);
                said.push('\n');
            }
            said
        });
        let ends_by = |child: &mut std::process::Child, is_over: &dyn Fn(Duration) -> bool| {
            let begun = Instant::now();
            loop {
                if let Some(status) = child.try_wait().unwrap() {
                    return Some(status);
                }
                if is_over(begun.elapsed()) {
                    return None;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        let mut status = ends_by(&mut child, &|time| time > LONGEST || time > PATIENCE && told.load(Ordering::Relaxed));
        let waits = status.is_none();
        if waits {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            status = ends_by(&mut child, &|time| time > STOPS_WITHIN);
            if status.is_none() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        let said = reading.join().unwrap();
        if std::env::var_os("CORPORA_COMPOSITION").is_some() {
            tell(&format!("$ corpora {}\n{said}", args.join(" ")));
        }
        let Some(status) = status else { return Err(format!("it does not stop when it is told to:\n{said}")) };
        if waits && !told.load(Ordering::Relaxed) {
            return Err(format!("it waits, and does not say why:\n{said}"));
        }
        match status.code() {
            Some(0 | 65 | 75 | 130 | 143) => Ok(status.code().filter(|_| !waits)),
            None if step.contains(&"--crash-at") => Ok(None),
            other => Err(format!("it ends with {other:?}:\n{said}")),
        }
    }

    /// What holds after each step, whatever the provider did. `is_done` says that the last step found nothing left to do.
    fn check(&self, rehearsal: &Rehearsal, is_done: bool) -> Result<(), String> {
        let paid = settled(rehearsal);
        self.check_asks(&paid)?;
        if let Some(cap) = self.cap {
            let cap: f64 = cap.parse().unwrap();
            let (all, most) = (paid.iter().map(price).sum::<f64>(), paid.iter().map(price).fold(0.0, f64::max));
            if all > cap + most {
                return Err(format!("${all:.4} is paid, the cap is ${cap}, and one request costs ${most:.4} at most"));
            }
        }
        if rehearsal.simulator.batch_counters().keys_elsewhere > 0 {
            return Err("the key went to another host".into());
        }
        let store = rehearsal.shelf.out().join(".corpora/store.sqlite");
        if store.exists() { self.check_audit(rehearsal, &paid, is_done) } else { Ok(()) }
    }

    /// No unit is paid for again after an answer that could be used, and none without end.
    fn check_asks(&self, paid: &[PaidAsk]) -> Result<(), String> {
        let mut units: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for ask in paid {
            let (sound, all) = units.entry(&ask.about).or_default();
            *sound += u32::from(
                ask.is_whole && ask.fault.is_none_or(|fault| HARMLESS.contains(&fault) || !is_content(fault)),
            );
            *all += 1;
        }
        match units.iter().find(|(_, (sound, all))| *sound > 1 || *all > 8) {
            Some((about, (sound, all))) => {
                Err(format!("unit {about} is asked {all} times, and {sound} times the answer could be used"))
            }
            None => Ok(()),
        }
    }

    /// The ledger tells of everything that the provider was paid for, and to the token where tokens were told.
    fn check_audit(&self, rehearsal: &Rehearsal, paid: &[PaidAsk], is_done: bool) -> Result<(), String> {
        let audit = rehearsal.shelf.run(&["audit", "out", "--json"]);
        let told: Value =
            serde_json::from_str(&audit.stdout()).map_err(|e| format!("audit: {e}: {}", audit.stderr()))?;
        let sum = |is_batch: bool, name: &str| -> u64 {
            let rows = told["rows"].as_array().into_iter().flatten();
            rows.filter(|row| (row["way"] == "batch") == is_batch).filter_map(|row| row[name].as_u64()).sum()
        };
        for is_batch in [false, true] {
            let of = |name: &str| sum(is_batch, name);
            let mine: Vec<&PaidAsk> = paid.iter().filter(|ask| ask.is_batched == is_batch).collect();
            let what = if is_batch { "by batch" } else { "live" };
            let (answered, open, lost) = (of("answered"), of("open"), of("lost"));
            if (mine.len() as u64) > answered + open + lost {
                return Err(format!(
                    "{} requests are paid {what}, and the ledger tells of {answered} answered, {open} open, {lost} lost: {told}",
                    mine.len()
                ));
            }
            let is_told = |ask: &&PaidAsk| ask.fault.is_none_or(|fault| !UNTOLD.contains(&fault));
            let arrived: Vec<&&PaidAsk> = mine.iter().filter(|ask| ask.is_whole).collect();
            if open + lost == 0 && arrived.len() == mine.len() && arrived.iter().all(|ask| is_told(ask)) {
                let mut usage = Usage::default();
                arrived.iter().for_each(|ask| usage += ask.usage);
                let theirs = (arrived.len() as u64, usage.prompt(), usage.output);
                let ours = (answered, of("input_tokens"), of("output_tokens"));
                if ours != theirs {
                    return Err(format!(
                        "{what} the provider has {theirs:?} answers and tokens, the ledger {ours:?}: {told}"
                    ));
                }
            }
            if is_done && open > 0 {
                return Err(format!("the last step is done, and {open} requests are open {what}: {told}"));
            }
        }
        Ok(())
    }
}

/// Round prices, so that the cap is met by few requests.
const PRICES: &str = r#"
[[price]]
model = "claude-haiku-5-5"
input = 1.0
output = 10.0
batch = 0.5
as_of = "2026-11-01"
source = "a test"
"#;

/// Dollars that a request cost.
fn price(ask: &PaidAsk) -> f64 {
    let whole = (ask.usage.prompt() as f64 * 1.0 + ask.usage.output as f64 * 10.0) / 1e6;
    if ask.is_batched { whole / 2.0 } else { whole }
}

/// True of a fault that lies in an answer which arrives.
fn is_content(fault: Fault) -> bool {
    fault as usize >= Fault::MaxTokens as usize
}

fn healthy() -> SimulatorConfig {
    let batch = BatchConfig { turnaround_ms: 60.0, ..BatchConfig::default() };
    SimulatorConfig { batch, latency: Latency { median_ms: 2.0, ..Latency::default() }, ..SimulatorConfig::default() }
}

/// What is paid, once the provider has noticed which requests nobody waits for any more.
fn settled(rehearsal: &Rehearsal) -> Vec<PaidAsk> {
    let begun = Instant::now();
    while rehearsal.requests() > rehearsal.simulator.journal().len() as u64 && begun.elapsed() < STOPS_WITHIN {
        std::thread::sleep(Duration::from_millis(5));
    }
    rehearsal.simulator.paid()
}

/// Plays compositions side by side; the failures, each with its seed.
fn play(seeds: &[u64]) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(&seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let composition = Composition::of(seed);
                    if let Err(words) = composition.play() {
                        failures.lock().unwrap().push(format!("{composition:?}\n{words}\n"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} compositions fail; CORPORA_COMPOSITION=<seed> plays one again:\n{}",
        failures.len(),
        seeds.len(),
        failures.join("\n")
    );
}

#[expect(clippy::print_stderr, reason = "somebody plays one composition to see its steps")]
fn tell(words: &str) {
    eprintln!("{words}");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn whatever_comes_together_nothing_is_paid_for_twice_and_the_ledger_balances() {
    match number("CORPORA_COMPOSITION") {
        Some(seed) => play(&[seed]),
        None => play(&(1..=BY_DEFAULT).chain(FAILED_ONCE).collect::<Vec<_>>()),
    }
}

#[test]
#[ignore = "takes as long as CORPORA_COMPOSITIONS says"]
fn of_many_compositions_none_is_paid_for_twice() {
    let first = number("CORPORA_COMPOSITIONS_FROM").unwrap_or(1_000);
    let many = number("CORPORA_COMPOSITIONS").unwrap_or(1_000);
    play(&(first..first + many).collect::<Vec<_>>());
}
