//! Gemini batch mode, with the requests in a file. <https://ai.google.dev/gemini-api/docs/batch-api>

use std::path::Path;

use serde_json::{Value, json};

use super::{BatchSeen, Client, LineOutcome, Payload, ResultLine, Standing, Trouble, TroubleKind};

pub(super) fn line(custom_id: &str, body: &Value) -> Value {
    json!({"key": custom_id, "request": body})
}

pub(super) async fn upload(client: &Client, file: &Path, token: &str) -> Result<String, Trouble> {
    let malformed =
        |what: &str| Trouble::new(TroubleKind::Malformed, format!("the provider took a file and told no {what}"));
    let length = std::fs::metadata(file).map_or(0, |m| m.len()).to_string();
    let headers = [
        ("x-goog-upload-protocol", "resumable"),
        ("x-goog-upload-command", "start"),
        ("x-goog-upload-header-content-length", &length),
        ("x-goog-upload-header-content-type", "application/jsonl"),
    ];
    let version = &client.dialect().api_version;
    let about = json!({"file": {"display_name": token}});
    let (_, answered) =
        client.call("POST", &format!("/upload/{version}/files"), &headers, Payload::Json(&about)).await?;
    let place =
        answered.get("x-goog-upload-url").and_then(|v| v.to_str().ok()).ok_or_else(|| malformed("place for it"))?;
    let headers = [("x-goog-upload-command", "upload, finalize"), ("x-goog-upload-offset", "0")];
    let payload =
        Payload::File { file, before: Vec::new(), after: Vec::new(), content_type: "application/jsonl".into() };
    let value = client.json("POST", place, &headers, payload).await?;
    value["file"]["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned).ok_or_else(|| malformed("name"))
}

pub(super) async fn create(client: &Client, upload: &str, token: &str) -> Result<String, Trouble> {
    let dialect = client.dialect();
    let path = format!("/{}/models/{}:batchGenerateContent", dialect.api_version, dialect.model);
    let body = json!({"batch": {"displayName": token, "inputConfig": {"fileName": upload}}});
    let value = client.json("POST", &path, &[], Payload::Json(&body)).await?;
    let name = value["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    name.ok_or_else(|| Trouble::new(TroubleKind::Malformed, "the provider created a batch and told no name"))
}

pub(super) fn list_path(version: &str, after: Option<&str>) -> String {
    match after {
        Some(token) => format!("/{version}/batches?pageSize=100&pageToken={token}"),
        None => format!("/{version}/batches?pageSize=100"),
    }
}

pub(super) fn seen(value: &Value, version: &str) -> Option<BatchSeen> {
    let remote = value["name"].as_str()?.to_owned();
    let metadata = &value["metadata"];
    let status = metadata["state"].as_str().or(value["state"].as_str())?.to_owned();
    // Numbers of 64 bits are strings in Google's JSON.
    let count = |name: &str| {
        let value = &metadata["batchStats"][name];
        value.as_u64().or(value.as_str().and_then(|t| t.parse().ok())).unwrap_or(0)
    };
    let file = ["/metadata/output/responsesFile", "/response/responsesFile", "/metadata/dest/fileName"]
        .iter()
        .find_map(|p| value.pointer(p)?.as_str().filter(|file| !file.is_empty()));
    let bare = status.trim_start_matches("BATCH_STATE_").trim_start_matches("JOB_STATE_");
    let standing = match bare {
        "SUCCEEDED" | "PARTIALLY_SUCCEEDED" | "CANCELLED" | "EXPIRED" => {
            Standing::Ended { places: file.into_iter().map(|f| format!("/{version}/{f}:download?alt=media")).collect() }
        }
        "FAILED" => {
            let message = value.pointer("/error/message").and_then(Value::as_str);
            let message = message.unwrap_or("the provider gave no reason").to_owned();
            let queue_full = value.pointer("/error/code") == Some(&json!(8)) || message.contains("enqueued");
            Standing::Failed { message, queue_full }
        }
        _ => Standing::Running,
    };
    let created = metadata["createTime"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
    Some(BatchSeen {
        remote,
        token: metadata["displayName"].as_str().map(str::to_owned),
        requests: Some(count("requestCount")).filter(|n| *n > 0),
        standing,
        succeeded: count("successfulRequestCount"),
        failed: count("failedRequestCount"),
        created_unix: created.map(|t| t.as_second() as f64),
        status,
    })
}

pub(super) fn result(value: &Value) -> Option<ResultLine> {
    let custom_id = value["key"].as_str().or(value["metadata"]["key"].as_str())?.to_owned();
    // A line is a response or a status.
    let error = if value["error"].is_object() { &value["error"] } else { &value["status"] };
    let outcome = match &value["response"] {
        Value::Object(_) => LineOutcome::Answered(value["response"].to_string().into_bytes()),
        _ => {
            let message = error["message"].as_str().unwrap_or("the provider gave no reason").to_owned();
            // INVALID_ARGUMENT: <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>
            if error["code"] == 3 || error["code"] == 400 {
                LineOutcome::Wrong(message)
            } else {
                LineOutcome::Undone(message)
            }
        }
    };
    Some(ResultLine { custom_id, outcome })
}
