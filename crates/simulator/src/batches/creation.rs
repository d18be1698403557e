//! Creation of a batch.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::Response;
use serde_json::Value;

use super::config::{BatchConfig, BatchFault};
use super::endpoint::BatchCall;
use super::kept::Batch;
use crate::SimulatorConfig;
use crate::chance::{self, log_normal, uniform};
use crate::interfaces::{Payload, Refusal};
use crate::reply::{Body, Reply, send};
use crate::state::State;

/// Makes a batch of the payload that a call brings or names.
pub(super) async fn create(state: &Arc<State>, call: &BatchCall<'_>) -> io::Result<Response<Body>> {
    let config = state.config();
    let refuse = |status: u16, words: &str| Ok(send(call.refuse(status, words), None));
    let body = call.interface.creation(&call.body);
    let input_file = call.interface.input_file(&body);
    let (number, faults) = state.batches.kept().next(&config);
    if let Some(reply) = refusal(state, call, &faults, input_file.as_deref()) {
        state.batches.kept().refused += 1;
        return Ok(send(reply, None));
    }
    if let Err(wrong) = call.interface.judge_creation(&body, call.header) {
        return Ok(send(call.refuse_as(&wrong), None));
    }
    let payload = match &input_file {
        None => Ok(call.body.clone()),
        Some(file) => match state.batches.kept().files.get(file.trim_start_matches("files/")) {
            None => Err(call.interface.gone_file(file)),
            Some(found) if found.purpose != "batch" => Err(Refusal::new(
                400,
                format!("Invalid file purpose: {file} is for '{}', not for 'batch'.", found.purpose),
            )),
            Some(found) => Ok(found.bytes.clone()),
        },
    };
    let judged = payload.and_then(|bytes| Ok((call.interface.payload(&bytes, &body)?, bytes)));
    let (Payload { requests, model, flaws }, payload) = match judged {
        Ok(judged) => judged,
        Err(wrong) => return Ok(send(call.refuse_as(&wrong), None)),
    };
    let by_path = || call.path.rsplit('/').next().and_then(|m| m.split(':').next()).unwrap_or_default().to_owned();
    let made_ms = state.now_ms();
    let shown = {
        let mut kept = state.batches.kept();
        *kept.creations.entry(chance::hash(&[&payload])).or_insert(0) += 1;
        kept.batches.push(Batch {
            id: call.interface.batch_id(number),
            interface: call.interface,
            key: call.key.clone(),
            requests,
            version: (call.header)("anthropic-version"),
            model: model.unwrap_or_else(by_path),
            name: body.pointer("/batch/displayName").and_then(Value::as_str).unwrap_or_default().to_owned(),
            metadata: body["metadata"].clone(),
            endpoint: body["endpoint"].as_str().unwrap_or_default().to_owned(),
            is_inline: body.is_object() && input_file.is_none(),
            input_file: input_file.unwrap_or_default(),
            payload,
            flaws,
            wrong: OnceLock::new(),
            usage: OnceLock::new(),
            deleted: false,
            made_ms,
            ends_ms: made_ms + turnaround_ms(&config, number),
            faults: faults.clone(),
            config: Arc::clone(&config),
            cancelled: false,
            looks: 0,
            late_looks: 0,
            downloads: 0,
        });
        kept.batches.last().expect("just pushed").shown(state)
    };
    tokio::time::sleep(Duration::from_secs_f64(config.batch.create_delay_ms / 1000.0 / config.speed)).await;
    let after_effect = |fault: &BatchFault| match fault {
        BatchFault::CreateTimeoutAfterEffect => Some(refuse(504, "Gateway timeout")),
        // No header says when to come again, and no body whose words these are.
        BatchFault::GatewayAfterEffect => {
            Some(Ok(send(Reply::bytes(429, "text/plain", "too many requests".into()), None)))
        }
        BatchFault::CreateResetAfterEffect => Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))),
        BatchFault::CreateHtmlAfterEffect => Some(Ok(send(Reply::html(502, "Bad Gateway"), None))),
        BatchFault::CreateEmptyAfterEffect => Some(Ok(send(Reply::empty(), None))),
        _ => None,
    };
    faults.iter().find_map(after_effect).unwrap_or_else(|| Ok(send(Reply::json(200, &shown), None)))
}

/// Refusal of a creation before anything is made, by its faults.
fn refusal(state: &State, call: &BatchCall<'_>, faults: &[BatchFault], input_file: Option<&str>) -> Option<Reply> {
    let of = |fault: &BatchFault| match fault {
        BatchFault::CreateRefused => Some(call.refuse(429, "not now")),
        BatchFault::CreateErrorBeforeEffect => Some(call.refuse(500, "not now")),
        BatchFault::CreateForbidden => Some(call.refuse(401, "invalid x-api-key")),
        BatchFault::CreateBillingLimit => Some(call.refuse_as(&Refusal {
            code: Some("billing_hard_limit_reached"),
            ..Refusal::new(400, "Billing hard limit has been reached: your credit balance is too low")
        })),
        BatchFault::QueueFull => {
            let now_ms = state.now_ms();
            let is_full = state.batches.kept().batches.iter().any(|b| b.ends_ms > now_ms && !b.cancelled);
            is_full.then(|| call.refuse(429, "Enqueued token limit reached"))
        }
        BatchFault::PayloadTooLarge if input_file.is_none() => Some(Reply::html(413, "Request Entity Too Large")),
        BatchFault::UploadGone => {
            let file = input_file?;
            state.batches.kept().files.remove(file.trim_start_matches("files/"));
            Some(call.refuse_as(&call.interface.gone_file(file)))
        }
        _ => None,
    };
    faults.iter().find_map(of)
}

/// Milliseconds of this machine's clock that the batch of a number takes.
fn turnaround_ms(config: &SimulatorConfig, number: u64) -> f64 {
    let BatchConfig { turnaround_ms, p99_over_median, .. } = config.batch;
    let of = |what| uniform(config.seed, number, 0, what);
    log_normal(turnaround_ms, p99_over_median, of("bu"), of("bv")) / config.speed
}
