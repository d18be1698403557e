//! State of a simulator.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use corpora_values::Usage;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::admission::{Buckets, Level};
use crate::batches::Batches;
use crate::interfaces::ModelRequest;
use crate::journal::Journal;
use crate::{Oracle, SimulatorConfig, chance, tokens};

/// Everything that requests change and share.
pub(crate) struct State {
    config: Mutex<Arc<SimulatorConfig>>,
    pub(crate) batches: Batches,
    oracle: Mutex<Arc<Oracle>>,
    pub(crate) journal: Journal,
    buckets: Mutex<HashMap<String, Buckets>>,
    seen: Mutex<HashMap<u64, u32>>,
    /// Places of requests that are worked on, where there are few.
    slots: Option<Semaphore>,
    /// Models and system prompts that are in the prompt cache.
    cached: Mutex<HashSet<u64>>,
    started: Instant,
    pub(crate) started_unix_s: f64,
    /// Another host, where results may lie.
    pub(crate) elsewhere: SocketAddr,
}

impl State {
    pub(crate) fn new(config: SimulatorConfig, journal: Option<File>, now_unix_s: f64, elsewhere: SocketAddr) -> Self {
        let slots = (config.slots > 0).then(|| Semaphore::new(config.slots));
        Self {
            journal: Journal::new(journal, config.keep_journal),
            oracle: Mutex::new(Arc::new(Oracle::new(&config.gold))),
            config: Mutex::new(Arc::new(config)),
            batches: Batches::default(),
            buckets: Mutex::default(),
            seen: Mutex::default(),
            slots,
            cached: Mutex::default(),
            started: Instant::now(),
            started_unix_s: now_unix_s,
            elsewhere,
        }
    }

    /// The place in which a request is worked on, when it is free: those who come first are first.
    pub(crate) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        match &self.slots {
            Some(slots) => slots.acquire().await.ok(),
            None => None,
        }
    }

    pub(crate) fn unix_s(&self) -> f64 {
        self.started_unix_s + self.started.elapsed().as_secs_f64()
    }

    pub(crate) fn oracle(&self) -> Arc<Oracle> {
        Arc::clone(&self.oracle.lock().expect("no panic while the lock is held"))
    }

    pub(crate) fn now_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1000.0
    }

    pub(crate) fn config(&self) -> Arc<SimulatorConfig> {
        Arc::clone(&self.config.lock().expect("no panic while the lock is held"))
    }

    /// Changes what is done from now on; new limits begin with full buckets.
    pub(crate) fn reconfigure(&self, config: SimulatorConfig) {
        *self.oracle.lock().expect("no panic while the lock is held") = Arc::new(Oracle::new(&config.gold));
        let mut current = self.config.lock().expect("no panic while the lock is held");
        if current.limits != config.limits || current.speed != config.speed {
            self.buckets.lock().expect("no panic while the lock is held").clear();
        }
        *current = Arc::new(config);
    }

    /// Number of times that a body has come, this time included.
    pub(crate) fn attempt(&self, hash: u64) -> u32 {
        let mut seen = self.seen.lock().expect("no panic while the lock is held");
        let times = seen.entry(hash).or_insert(0);
        *times += 1;
        *times
    }

    /// Tokens of a request, as far as they are known before the answer.
    pub(crate) fn prompt_usage(&self, ask: &ModelRequest, config: &SimulatorConfig) -> Usage {
        let system = tokens::count(&ask.system);
        // A model is shown the schema once: as the vendor does it, or where the prompt gives it.
        let schema =
            ask.schema.as_ref().filter(|_| !ask.system.contains("JSON Schema")).map(|schema| schema.to_string());
        let rest = tokens::count(&ask.user) + schema.map_or(0, |schema| tokens::count(&schema)) + 8;
        let mut usage = Usage { input: system + rest, ..Usage::default() };
        if config.cache_from_tokens > 0 && system >= config.cache_from_tokens {
            let hash = chance::hash(&[ask.model.as_bytes(), ask.system.as_bytes()]);
            let first = self.cached.lock().expect("no panic while the lock is held").insert(hash);
            match (first, ask.cached) {
                (false, _) => usage = Usage { input: rest, cache_read: system, ..usage },
                (true, true) if ask.cached_hour => usage = Usage { input: rest, cache_write_1h: system, ..usage },
                (true, true) => usage = Usage { input: rest, cache_write_5m: system, ..usage },
                (true, false) => {}
            }
        }
        usage
    }

    /// Admits a request by the limits of its model, or says after how many seconds it would be; and how the limits stand.
    pub(crate) fn admit(
        &self,
        config: &SimulatorConfig,
        ask: &ModelRequest,
        input: u64,
        output: u64,
    ) -> (Result<(), f64>, [Option<Level>; 4]) {
        let mut all = self.buckets.lock().expect("no panic while the lock is held");
        let now = Instant::now();
        let buckets = all.entry(ask.model.clone()).or_insert_with(|| Buckets::new(&config.limits, config.speed, now));
        let admitted = buckets.admit(input as f64, output as f64, ask.budget as f64, Instant::now());
        (admitted, buckets.levels())
    }
}
