//! Creations of batches at Gemini: of a file, or of requests that come with it. <https://ai.google.dev/api/batch-api>

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::interface::{Payload, Refusal, lines_of, range_in};

/// Most bytes of requests that come with a creation.
const LARGEST_INLINE: usize = 20 << 20;

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(400, message)
}

/// Test whether the requests come with the creation.
pub(super) fn is_inline(creation: &Value) -> bool {
    creation.pointer("/batch/inputConfig/requests").is_some()
}

pub(super) fn judge_creation(creation: &Value) -> Result<(), Refusal> {
    let unknown =
        |name: &str| bad(format!("Invalid JSON payload received. Unknown name \"{name}\": Cannot find field."));
    let Some(fields) = creation.as_object() else { return Err(bad("Invalid JSON payload received.")) };
    if let Some(name) = fields.keys().find(|name| *name != "batch") {
        return Err(unknown(name));
    }
    let batch = &creation["batch"];
    let known = ["name", "model", "displayName", "inputConfig", "priority"];
    let mut names = batch.as_object().into_iter().flatten().map(|(name, _)| name);
    if let Some(name) = names.find(|name| !known.contains(&name.as_str())) {
        return Err(unknown(name));
    }
    if batch["displayName"].as_str().is_none_or(str::is_empty) {
        return Err(bad("* GenerateContentBatch.display_name: must be specified"));
    }
    let by_file = batch.pointer("/inputConfig/fileName").is_some_and(Value::is_string);
    if by_file == is_inline(creation) {
        return Err(bad(
            "* GenerateContentBatch.input_config: exactly one of requests and file_name must be specified",
        ));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Creation<'a> {
    #[serde(borrow)]
    batch: Batch<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch<'a> {
    #[serde(borrow)]
    input_config: InputConfig<'a>,
}

#[derive(Deserialize)]
struct InputConfig<'a> {
    #[serde(borrow)]
    requests: Inlined<'a>,
}

#[derive(Deserialize)]
struct Inlined<'a> {
    #[serde(borrow)]
    requests: Vec<&'a RawValue>,
}

pub(super) fn payload(payload: &[u8], creation: &Value) -> Result<Payload, Refusal> {
    let requests = if is_inline(creation) {
        if payload.len() > LARGEST_INLINE {
            return Err(bad("Request payload size exceeds the limit: 20971520 bytes."));
        }
        let creation: Creation<'_> = serde_json::from_slice(payload).map_err(|e| bad(e.to_string()))?;
        let requests = creation.batch.input_config.requests.requests;
        requests.iter().map(|r| range_in(payload, r.get())).collect()
    } else {
        lines_of(payload)?
    };
    if requests.is_empty() {
        return Err(bad("* GenerateContentBatch.input_config: requests must not be empty"));
    }
    Ok(Payload { requests, model: None, flaws: Vec::new() })
}

/// Google gives less than it is asked for where it is asked for too much.
pub(super) fn page_length(asked: Option<&str>) -> Result<usize, Refusal> {
    match asked.map(str::parse::<i64>) {
        None | Some(Ok(0)) => Ok(50),
        Some(Ok(n @ 1..)) => Ok(n.min(1_000) as usize),
        Some(Ok(_)) => Err(bad("page_size must not be negative")),
        Some(Err(_)) => Err(bad("Invalid value at 'page_size' (TYPE_INT32)")),
    }
}
