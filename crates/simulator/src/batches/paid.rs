//! Requests within batches: what they ask, what the model says, and which are paid for.

use std::sync::Arc;

use hyper::body::Bytes;
use serde_json::Value;

use super::config::BatchFault;
use super::kept::{Batch, Batches};
use crate::chance::uniform;
use crate::content::{Content, content};
use crate::interfaces::{Interface, ModelRequest, Parts, Refusal};
use crate::journal::PaidAsk;
use crate::state::State;
use crate::{Fault, SimulatorConfig, chance};
use corpora_values::Usage;

/// A request of a batch, apart from it.
pub(super) struct Asked {
    pub(super) interface: &'static dyn Interface,
    /// Id that the client gave it.
    pub(super) name: Value,
    version: Option<String>,
    path: String,
    body: Value,
    raw: Bytes,
    config: Arc<SimulatorConfig>,
    /// True if a filter refuses it without an error.
    is_filtered: bool,
    /// True if its batch was cancelled.
    pub(super) is_cancelled: bool,
}

impl Asked {
    /// The `n`-th request of a batch.
    pub(super) fn of(batch: &Batch, n: u64) -> Self {
        let (from, to) = batch.requests[n as usize];
        let raw = batch.payload.slice(from..to);
        let request: Value = serde_json::from_slice(&raw).unwrap_or(Value::Null);
        let interface = batch.interface.within_batch(&batch.endpoint).unwrap_or(batch.interface);
        let (name, body) = interface.request_of(&request);
        Self {
            interface,
            name: name.clone(),
            version: batch.version.clone(),
            path: batch.interface.batch_path(&batch.endpoint, &batch.model),
            body: body.clone(),
            raw,
            config: Arc::clone(&batch.config),
            is_filtered: batch.meets(BatchFault::FilteredLines) && n % 5 == 1,
            is_cancelled: batch.cancelled,
        }
    }

    pub(super) fn read(&self) -> Result<ModelRequest, Refusal> {
        if self.body["stream"] == true {
            return Err(Refusal::new(400, "stream: requests of a batch cannot be streamed"));
        }
        let header = |header: &str| self.version.clone().filter(|_| header == "anthropic-version");
        self.interface.read(&Parts { path: &self.path, header: &header, body: &self.body })
    }

    /// Fault of content that it meets.
    pub(super) fn fault(&self) -> Option<Fault> {
        if self.is_filtered { Some(Fault::Refusal) } else { content_fault(&self.config, &self.raw) }
    }

    /// The model's answer, and its tokens.
    pub(super) fn answer(&self, state: &State, ask: &ModelRequest, fault: Option<Fault>) -> (Content, Usage) {
        let answer = state.oracle().answer(&ask.user, ask.schema.as_ref());
        let said = content(&answer, ask.tool.is_some(), ask.budget, fault);
        let mut usage = state.prompt_usage(ask, &state.config());
        usage.output = said.tokens;
        (said, usage)
    }
}

impl Batches {
    /// Every request of every batch that is paid for, or will be.
    pub(crate) fn paid(&self, state: &State) -> Vec<PaidAsk> {
        let asked: Vec<Asked> = {
            let kept = self.kept();
            let of = |batch: &Batch| -> Vec<Asked> {
                let all = 0..batch.requests.len() as u64;
                all.filter(|n| batch.is_paid(*n, state)).map(|n| Asked::of(batch, n)).collect()
            };
            kept.batches.iter().flat_map(of).collect()
        };
        let paid = |asked: &Asked| {
            let ask = asked.read().ok()?;
            let fault = asked.fault();
            let (_, usage) = asked.answer(state, &ask, fault);
            Some(PaidAsk { about: ask.about(), usage, is_batched: true, is_whole: true, fault })
        };
        asked.iter().filter_map(paid).collect()
    }
}

/// Fault of content that a request within a batch meets, by chance.
fn content_fault(config: &SimulatorConfig, request: &[u8]) -> Option<Fault> {
    let mut left = uniform(config.seed, chance::hash(&[request]), 1, "fault");
    let by_rate = config.faults.iter().find(|(_, rate)| {
        left -= rate;
        left < 0.0
    });
    by_rate.map(|(fault, _)| *fault).filter(|fault| fault.is_content())
}
