//! Creation of a batch.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::Response;
use serde_json::Value;

use super::config::{BatchConfig, BatchFault};
use super::endpoint::BatchCall;
use super::kept::{Batch, Kept};
use crate::SimulatorConfig;
use crate::chance::{self, log_normal, uniform};
use crate::reply::{Body, Reply, send};
use crate::state::State;

/// Makes a batch of the payload that a call brings or names.
pub(super) async fn create(state: &Arc<State>, call: &BatchCall<'_>) -> io::Result<Response<Body>> {
    let config = state.config();
    let refuse = |status: u16, words: &str| Ok(send(call.refuse(status, words), None));
    let body: Value = match call.interface.input_file(&Value::Null) {
        None => Value::Null,
        Some(_) => serde_json::from_slice(&call.body).unwrap_or(Value::Null),
    };
    let input_file = call.interface.input_file(&body);
    let payload = match &input_file {
        None => Some(call.body.clone()),
        Some(file) => state.batches.kept().files.get(file.trim_start_matches("files/")).cloned(),
    };
    let Some(payload) = payload else { return refuse(400, "the input file does not exist") };
    let requests = match call.interface.requests(&payload) {
        Ok(requests) => requests,
        Err(words) => return refuse(400, &words),
    };
    if let Err(words) = call.interface.judge_creation(requests.len(), call.header) {
        return refuse(400, words);
    }
    if requests.is_empty() {
        return refuse(400, "requests: at least one is required");
    }
    let (number, fault) = fault(&mut state.batches.kept(), &config);
    if let Some(fault @ (BatchFault::CreateRefused | BatchFault::CreateErrorBeforeEffect)) = fault {
        state.batches.kept().attempt(0);
        return refuse(if fault == BatchFault::CreateRefused { 429 } else { 500 }, "not now");
    }
    if fault == Some(BatchFault::CreateForbidden) {
        state.batches.kept().attempt(0);
        return refuse(401, "invalid x-api-key");
    }
    let now_ms = state.now_ms();
    let is_full = |kept: &Kept| kept.batches.iter().any(|b| b.ends_ms > now_ms && !b.cancelled);
    if fault == Some(BatchFault::QueueFull) && is_full(&state.batches.kept()) {
        state.batches.kept().attempt(0);
        return refuse(429, "Enqueued token limit reached");
    }
    let made_ms = state.now_ms();
    let shown = {
        let mut kept = state.batches.kept();
        kept.attempt(chance::hash(&[&payload]));
        kept.batches.push(Batch {
            id: call.interface.batch_id(number),
            interface: call.interface,
            key: call.key.clone(),
            requests,
            version: (call.header)("anthropic-version"),
            model: call.path.rsplit('/').next().and_then(|m| m.split(':').next()).unwrap_or_default().to_owned(),
            name: body.pointer("/batch/displayName").and_then(Value::as_str).unwrap_or_default().to_owned(),
            metadata: body["metadata"].clone(),
            endpoint: body["endpoint"].as_str().unwrap_or_default().to_owned(),
            input_file: input_file.unwrap_or_default(),
            payload,
            made_ms,
            ends_ms: made_ms + turnaround_ms(&config, number),
            fault,
            cancelled: false,
            looks: 0,
            downloads: 0,
        });
        kept.batches.last().expect("just pushed").shown(state)
    };
    tokio::time::sleep(Duration::from_secs_f64(config.batch.create_delay_ms / 1000.0 / config.speed)).await;
    match fault {
        Some(BatchFault::CreateTimeoutAfterEffect) => refuse(504, "Gateway timeout"),
        // No header says when to come again, and no body whose words these are.
        Some(BatchFault::GatewayAfterEffect) => {
            Ok(send(Reply::bytes(429, "text/plain", "too many requests".into()), None))
        }
        Some(BatchFault::CreateResetAfterEffect) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        _ => Ok(send(Reply::json(200, &shown), None)),
    }
}

/// Number of the next batch, and the fault that it meets: by script, or else by chance.
fn fault(kept: &mut Kept, config: &SimulatorConfig) -> (u64, Option<BatchFault>) {
    kept.numbers += 1;
    let mut left = uniform(config.seed, kept.numbers, 0, "batch fault");
    let by_rate = config.batch.faults.iter().find(|(_, rate)| {
        left -= rate;
        left < 0.0
    });
    let creation = kept.creations_so_far() + 1;
    let scripted = config.batch.script.iter().find(|(_, n)| *n == creation);
    (kept.batches.len() as u64 + 1, scripted.map(|(f, _)| *f).or(by_rate.map(|(f, _)| *f)))
}

/// Milliseconds of this machine's clock that the batch of a number takes.
fn turnaround_ms(config: &SimulatorConfig, number: u64) -> f64 {
    let BatchConfig { turnaround_ms, p99_over_median, .. } = config.batch;
    let of = |what| uniform(config.seed, number, 0, what);
    log_normal(turnaround_ms, p99_over_median, of("bu"), of("bv")) / config.speed
}
