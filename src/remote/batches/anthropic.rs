//! Anthropic Message Batches. <https://platform.claude.com/docs/en/build-with-claude/batch-processing>

use std::path::Path;

use serde_json::{Value, json};

use super::{BatchSeen, Client, LineOutcome, Payload, ResultLine, Standing, Trouble, TroubleKind};

/// A batch takes longer than five minutes: the shared instructions are marked for the hour's cache.
pub(super) fn line(custom_id: &str, mut body: Value) -> Value {
    if let Some(control) = body.pointer_mut("/system/0/cache_control") {
        control["ttl"] = json!("1h");
    }
    json!({"custom_id": custom_id, "params": body})
}

pub(super) async fn create(client: &Client, file: &Path) -> Result<String, Trouble> {
    let payload =
        Payload::File { file, before: Vec::new(), after: Vec::new(), content_type: "application/json".into() };
    let value = client.json("POST", "/v1/messages/batches", &[], payload).await?;
    let id = value["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    id.ok_or_else(|| Trouble::new(TroubleKind::Malformed, "the provider created a batch and told no id"))
}

pub(super) fn list_path(after: Option<&str>) -> String {
    match after {
        Some(after) => format!("/v1/messages/batches?limit=100&after_id={after}"),
        None => "/v1/messages/batches?limit=100".to_owned(),
    }
}

pub(super) fn seen(value: &Value) -> Option<BatchSeen> {
    let remote = value["id"].as_str()?.to_owned();
    let status = value["processing_status"].as_str()?.to_owned();
    let count = |name: &str| value["request_counts"][name].as_u64().unwrap_or(0);
    let failed = count("errored") + count("expired") + count("canceled");
    let standing = match status.as_str() {
        "ended" => Standing::Ended { places: vec![format!("/v1/messages/batches/{remote}/results")] },
        _ => Standing::Running,
    };
    let created_unix =
        value["created_at"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok()).map(|t| t.as_second() as f64);
    Some(BatchSeen {
        requests: Some(count("processing") + count("succeeded") + failed),
        token: None,
        standing,
        status,
        succeeded: count("succeeded"),
        failed,
        created_unix,
        remote,
    })
}

pub(super) fn result(value: &Value) -> Option<ResultLine> {
    let custom_id = value["custom_id"].as_str()?.to_owned();
    let result = &value["result"];
    let outcome = match result["type"].as_str()? {
        "succeeded" => LineOutcome::Answered(result["message"].to_string().into_bytes()),
        "errored" => {
            // The error is nested twice.
            let error = if result["error"]["error"].is_object() { &result["error"]["error"] } else { &result["error"] };
            let message = error["message"].as_str().unwrap_or("the provider gave no reason").to_owned();
            match error["type"].as_str() {
                Some("invalid_request_error" | "request_too_large") => LineOutcome::Wrong(message),
                _ => LineOutcome::Undone(message),
            }
        }
        other => LineOutcome::Undone(format!("the request was {other}")),
    };
    Some(ResultLine { custom_id, outcome })
}
