//! Creations of batches at Anthropic, and what is refused in them. The requests themselves are judged when the batch is worked on.
//! <https://platform.claude.com/docs/en/api/creating-message-batches>

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::interface::{Payload, Refusal, range_in};

/// Most requests of a batch.
const MOST: usize = 100_000;

/// Most characters of an id.
const LONGEST_ID: usize = 64;

/// Body of a creation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation<'a> {
    #[serde(borrow)]
    requests: Vec<&'a RawValue>,
}

/// A request within it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request<'a> {
    #[serde(borrow)]
    custom_id: Cow<'a, str>,
    #[serde(borrow, rename = "params")]
    _params: &'a RawValue,
}

pub(super) fn payload(payload: &[u8]) -> Result<Payload, Refusal> {
    let creation: Creation<'_> = serde_json::from_slice(payload).map_err(|e| Refusal::new(400, e.to_string()))?;
    let n = creation.requests.len();
    if n == 0 {
        return Err(Refusal::new(400, "requests: List should have at least 1 item after validation, not 0"));
    }
    if n > MOST {
        return Err(Refusal::new(
            400,
            format!("requests: List should have at most {MOST} items after validation, not {n}"),
        ));
    }
    let mut ids = HashSet::new();
    for (n, request) in creation.requests.iter().enumerate() {
        let bad = |words: &str| Err(Refusal::new(400, format!("requests.{n}{words}")));
        let request: Request<'_> = match serde_json::from_str(request.get()) {
            Ok(request) => request,
            Err(e) => return bad(&format!(": {e}")),
        };
        let id = request.custom_id;
        if id.chars().count() > LONGEST_ID {
            return bad(".custom_id: String should have at most 64 characters");
        }
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return bad(".custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'");
        }
        if let Some(twice) = ids.replace(id) {
            return bad(&format!(".custom_id: must be unique within the batch, and '{twice}' is there twice"));
        }
    }
    let requests = creation.requests.iter().map(|r| range_in(payload, r.get())).collect();
    Ok(Payload { requests, model: None, flaws: Vec::new() })
}

pub(super) fn page_length(asked: Option<&str>) -> Result<usize, Refusal> {
    let Some(asked) = asked else { return Ok(20) };
    let words = match asked.parse::<i64>() {
        Ok(n @ 1..=1000) => return Ok(n as usize),
        Ok(n) if n > 1000 => "limit: Input should be less than or equal to 1000",
        Ok(_) => "limit: Input should be greater than or equal to 1",
        Err(_) => "limit: Input should be a valid integer",
    };
    Err(Refusal::new(400, words))
}
