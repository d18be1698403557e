//! Parts that OpenAI's interfaces, and those of servers like it, have in common: addresses, errors, Files and Batch.
//! <https://platform.openai.com/docs/guides/batch>

use std::num::NonZeroU32;
use std::path::Path;

use serde_json::{Value, json};

use super::Vendor;
use super::errors::told_trouble;
use crate::remote::batches::{BatchLimits, BatchSeen, Counts, LineOutcome, ResultLine, Standing};
use crate::remote::client::{Client, Payload};
use crate::remote::trouble::{Trouble, TroubleKind};
use crate::values::Usage;

/// Limits of one batch: 50,000 requests and 200 MB.
pub(super) const BATCH_LIMITS: BatchLimits = BatchLimits { requests: 50_000, bytes: 195_000_000 };

/// Batches that may be created in an hour.
pub(super) const BATCHES_PER_HOUR: Option<NonZeroU32> = NonZeroU32::new(2_000);

/// Days for which results can be read.
pub(super) const RESULT_DAYS: u32 = 30;

/// Base URL of an address that people may have written without `/v1`.
pub(super) fn base_url(given: &str) -> String {
    let authority_only = given.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'));
    if authority_only { format!("{given}/v1") } else { given.to_owned() }
}

/// The error body of OpenAI; local servers send parts of it.
pub(super) fn trouble(status: u16, value: &Value) -> Option<TroubleKind> {
    let error = value.get("error")?;
    let word = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    match (word("code"), word("type")) {
        ("insufficient_quota" | "billing_hard_limit_reached", _) | (_, "insufficient_quota") => {
            Some(TroubleKind::Balance)
        }
        // No room at the flex tier: not charged, and no limit of the account.
        ("resource_unavailable", _) => Some(TroubleKind::Overloaded),
        _ if status == 429 && word("message").to_ascii_lowercase().contains("resource unavailable") => {
            Some(TroubleKind::Overloaded)
        }
        ("invalid_api_key", _) => Some(TroubleKind::Key),
        ("model_not_found", _) => Some(TroubleKind::NotFound),
        ("context_length_exceeded", _) => Some(TroubleKind::TooLarge),
        ("content_policy_violation" | "content_filter", _) => Some(TroubleKind::Refused),
        _ if matches!(status, 400 | 422) && word("param").starts_with("response_format") => {
            Some(TroubleKind::Structured)
        }
        _ if matches!(status, 400 | 422) && word("param").starts_with("text.format") => Some(TroubleKind::Structured),
        _ => None,
    }
}

/// The error body of OpenAI has a type beside its message. <https://platform.openai.com/docs/guides/error-codes>
pub(super) fn is_own_error(value: &Value) -> bool {
    value["error"]["message"].is_string() && value["error"].get("type").is_some()
}

/// A request as a line of a batch's file.
pub(super) fn batch_line(custom_id: &str, url: &str, body: &Value) -> Value {
    json!({"custom_id": custom_id, "method": "POST", "url": url, "body": body})
}

pub(super) async fn upload(client: &Client, file: &Path, token: &str) -> Result<String, Trouble> {
    let boundary = format!("corpora-{token}");
    let part = |name: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
    let before = format!(
        "{}\r\n\r\nbatch\r\n{}; filename=\"{token}.jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n",
        part("purpose"),
        part("file")
    );
    let after = format!("\r\n--{boundary}--\r\n");
    let content_type = format!("multipart/form-data; boundary={boundary}");
    let payload = Payload::File { file, before: before.into(), after: after.into(), content_type };
    let value = client.json("POST", "/files", &[], payload).await?;
    id(&value, "took a file")
}

fn id(value: &Value, did: &str) -> Result<String, Trouble> {
    let id = value["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    id.ok_or_else(|| Trouble::new(TroubleKind::Malformed, format!("the provider {did} and told no id")))
}

pub(super) async fn create(client: &Client, endpoint: &str, upload: &str, token: &str) -> Result<String, Trouble> {
    let body = json!({
        "input_file_id": upload, "endpoint": endpoint, "completion_window": "24h", "metadata": {"corpora": token},
    });
    id(&client.json("POST", "/batches", &[], Payload::Json(&body)).await?, "created a batch")
}

pub(super) fn list_path(after: Option<&str>) -> String {
    match after {
        Some(after) => format!("/batches?limit=100&after={after}"),
        None => "/batches?limit=100".to_owned(),
    }
}

pub(super) fn seen(value: &Value) -> Option<BatchSeen> {
    let remote = value["id"].as_str()?.to_owned();
    let status = value["status"].as_str()?.to_owned();
    let counts = &value["request_counts"];
    // An empty string stands for no file with some servers.
    let file = |name: &str| value[name].as_str().filter(|id| !id.is_empty()).map(|id| format!("/files/{id}/content"));
    let places = || [file("output_file_id"), file("error_file_id")].into_iter().flatten().collect();
    let standing = match status.as_str() {
        "completed" => Standing::Ended { places: places(), complete: true },
        "expired" | "cancelled" => Standing::Ended { places: places(), complete: false },
        "failed" => {
            let errors = value["errors"]["data"].as_array();
            let first = errors.and_then(|e| e.first());
            let words = first.and_then(|e| e["message"].as_str()).unwrap_or("the provider gave no reason");
            let message = match first.and_then(|e| e["line"].as_u64()) {
                Some(line) => format!("line {line}: {words}"),
                None => words.to_owned(),
            };
            let queue_full = first.and_then(|e| e["code"].as_str()).is_some_and(|c| c.contains("token_limit"))
                || message.to_ascii_lowercase().contains("enqueued token limit");
            Standing::Failed { message, queue_full }
        }
        "validating" | "in_progress" | "finalizing" | "cancelling" => Standing::Running,
        _ => Standing::Unknown { places: places() },
    };
    let counted = || Some(Counts { succeeded: counts["completed"].as_u64()?, failed: counts["failed"].as_u64()? });
    // <https://github.com/openai/openai-openapi>, `Batch.usage`: input tokens hold those read from a cache.
    let usage = |name: &str| value["usage"][name].as_u64();
    let told = usage("input_tokens").zip(usage("output_tokens"));
    Some(BatchSeen {
        told: told.map(|(input, output)| Usage { input, output, ..Usage::default() }),
        remote,
        token: value["metadata"]["corpora"].as_str().map(str::to_owned),
        requests: counts["total"].as_u64().filter(|n| *n > 0),
        standing,
        status,
        counts: counted(),
        upload: value["input_file_id"].as_str().map(str::to_owned),
        created_unix: value["created_at"].as_f64(),
        expires_unix: value["expires_at"].as_f64(),
    })
}

pub(super) fn result(vendor: &dyn Vendor, value: &Value) -> Option<ResultLine> {
    let custom_id = value["custom_id"].as_str()?.to_owned();
    let response = &value["response"];
    let status = response["status_code"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(0);
    let error = &value["error"];
    let outcome = match (status, error["code"].as_str()) {
        (200..=299, _) => LineOutcome::Answered(response["body"].to_string().into_bytes()),
        // <https://platform.openai.com/docs/guides/batch#batch-expiration>
        (0, Some("batch_expired" | "batch_cancelled")) => LineOutcome::Undone(told(error)),
        // An error stands in the response's body, or beside an absent response.
        (0, _) if error.is_object() => LineOutcome::Failed(told_trouble(vendor, 500, &json!({"error": error}))),
        (0, _) => LineOutcome::Undone("the provider gave no reason".to_owned()),
        _ => LineOutcome::Failed(told_trouble(vendor, status, &response["body"])),
    };
    Some(ResultLine { custom_id, outcome })
}

fn told(error: &Value) -> String {
    error["message"].as_str().or(error["code"].as_str()).unwrap_or("the provider gave no reason").to_owned()
}
