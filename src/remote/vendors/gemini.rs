//! Gemini generateContent, and its batch mode with the requests in a file. <https://ai.google.dev/api/generate-content>,
//! <https://ai.google.dev/gemini-api/docs/batch-api>

use std::path::Path;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::errors::told_trouble;
use super::extras::stop_texts;
use super::schema::{self, SchemaTrouble};
use super::{Content, Dialect, Finish, Prompt, Reply, SettingTrouble, Structured, Vendor, count, system_with_schema};
use crate::remote::ServiceTier;
use crate::remote::batches::{BatchLimits, BatchSeen, Counts, LineOutcome, ResultLine, Standing};
use crate::remote::client::{Client, Payload};
use crate::remote::stream::Added;
use crate::remote::trouble::{Trouble, TroubleKind};
use crate::stages::model_settings::{Effort, ModelSettings};
use crate::values::{Choice, Usage};

/// Gemini, as [`Dialect::vendor`](super::Dialect::vendor) holds it.
pub const GEMINI: &dyn Vendor = &Gemini;

/// Interface of Google's Gemini.
#[derive(Debug)]
struct Gemini;

/// Keywords of `responseJsonSchema`. <https://ai.google.dev/api/generate-content#GenerationConfig>
const KEYWORDS: [&str; 24] = [
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
    "nullable",
    "$schema",
    "default",
];

impl Vendor for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn key_variable(&self) -> &'static str {
        "GEMINI_API_KEY"
    }

    fn default_base_url(&self) -> &'static str {
        "https://generativelanguage.googleapis.com"
    }

    /// The version that google-genai 3.4.0 calls.
    fn default_api_version(&self) -> &'static str {
        "v1"
    }

    fn key_header(&self, key: &str) -> (&'static str, String) {
        ("x-goog-api-key", key.to_owned())
    }

    fn structured(&self, schema: &Value) -> Result<Structured, SchemaTrouble> {
        let mut foreign = None;
        schema::keywords(schema, &mut |keyword, place, _| {
            if !KEYWORDS.contains(&keyword) && foreign.is_none() {
                foreign = Some((keyword.to_owned(), place.to_owned()));
            }
        })?;
        match foreign {
            Some((keyword, place)) => Err(SchemaTrouble::Keyword { keyword, place, vendor: "Gemini" }),
            None => Ok(Structured::Schema),
        }
    }

    fn path(&self, dialect: &Dialect) -> String {
        format!("/{}/models/{}:generateContent", dialect.api_version, dialect.model)
    }

    fn model_path(&self, dialect: &Dialect) -> String {
        format!("/{}/models/{}", dialect.api_version, dialect.model)
    }

    fn model_list_path(&self, dialect: &Dialect) -> String {
        format!("/{}/models", dialect.api_version)
    }

    fn body(&self, dialect: &Dialect, prompt: &Prompt, structured: Structured) -> Value {
        let mut config = json!({"maxOutputTokens": prompt.max_output_tokens});
        match structured {
            Structured::Schema | Structured::Tool => {
                config["responseMimeType"] = json!("application/json");
                config["responseJsonSchema"] = schema::with_ordering(&prompt.schema);
            }
            Structured::Json => config["responseMimeType"] = json!("application/json"),
            Structured::Prompt => {}
        }
        json!({
            "systemInstruction": {"parts": [{"text": system_with_schema(dialect, prompt, structured)}]},
            "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
            "generationConfig": config,
        })
    }

    /// <https://ai.google.dev/api/generate-content#GenerationConfig>, <https://ai.google.dev/gemini-api/docs/thinking>
    fn model_settings(
        &self,
        _dialect: &Dialect,
        settings: &ModelSettings,
    ) -> Result<Map<String, Value>, SettingTrouble> {
        let mut config = Map::new();
        match settings.effort {
            None => {}
            // A level "none" does not exist; models that cannot do without thoughts refuse the budget.
            Some(Effort::None) => _ = config.insert("thinkingConfig".into(), json!({"thinkingBudget": 0})),
            Some(effort) => _ = config.insert("thinkingConfig".into(), json!({"thinkingLevel": effort.word()})),
        }
        if let Some(temperature) = settings.temperature {
            config.insert("temperature".into(), json!(temperature));
        }
        if let Some(seed) = settings.seed {
            if i32::try_from(seed).is_err() {
                let (given, known) = (seed.to_string(), format!("at most {}", i32::MAX));
                return Err(SettingTrouble::Value { vendor: self.name(), setting: "seed", given, known });
            }
            config.insert("seed".into(), json!(seed));
        }
        if !settings.stop.is_empty() {
            config.insert("stopSequences".into(), json!(stop_texts(self, &settings.stop, 5)?));
        }
        let mut fields = Map::new();
        if !config.is_empty() {
            fields.insert("generationConfig".into(), Value::Object(config));
        }
        Ok(fields)
    }

    /// <https://ai.google.dev/gemini-api/docs/flex-inference>
    fn has_flex(&self) -> bool {
        true
    }

    fn stream_path(&self, dialect: &Dialect) -> String {
        format!("/{}/models/{}:streamGenerateContent?alt=sse", dialect.api_version, dialect.model)
    }

    fn ask_for_stream(&self, _body: &mut Value) {}

    fn add(&self, whole: &mut Value, event: &Value) -> Added {
        let parts = event.pointer("/candidates/0/content/parts").and_then(Value::as_array);
        let words = parts.into_iter().flatten().filter(|part| part["thought"] != true);
        let text: String = words.filter_map(|part| part["text"].as_str()).collect();
        if whole.pointer("/candidates/0/content").is_none_or(|content| !content.is_object()) {
            // A stream may begin with its usage alone.
            *whole = event.clone();
            return Added::Text(text);
        }
        for name in ["usageMetadata", "modelVersion", "promptFeedback"] {
            if let Some(value) = event.get(name) {
                whole[name] = value.clone();
            }
        }
        let Some(candidate) = event.get("candidates").and_then(|c| c.get(0)) else { return Added::Other };
        if let (Some(reason), Some(known)) = (candidate.get("finishReason"), whole.pointer_mut("/candidates/0")) {
            known["finishReason"] = reason.clone();
        }
        if let Some(known) = whole.pointer_mut("/candidates/0/content/parts").and_then(Value::as_array_mut) {
            known.extend(parts.into_iter().flatten().cloned());
        }
        Added::Text(text)
    }

    fn break_off(&self, whole: &mut Value) {
        if let Some(candidate) =
            whole.pointer_mut("/candidates/0").filter(|c| c.is_object() && c["finishReason"].is_null())
        {
            candidate["finishReason"] = json!("MAX_TOKENS");
        }
    }

    fn reply(&self, value: &Value) -> Result<Reply, String> {
        let thoughts = count(&value["usageMetadata"], "thoughtsTokenCount");
        let usage = usage(&value["usageMetadata"]);
        let model = value["modelVersion"].as_str().map(str::to_owned);
        let tier = ServiceTier::served(&value["usageMetadata"]["serviceTier"]);
        let Some(candidate) = value.get("candidates").and_then(|c| c.get(0)) else {
            // A blocked prompt has no candidates.
            return match value["promptFeedback"]["blockReason"].as_str() {
                Some(reason) => Ok(Reply {
                    content: None,
                    finish: Finish::Refused(reason.to_owned()),
                    usage,
                    thoughts,
                    model,
                    tier,
                }),
                None => Err("the response has no 'candidates', as a Gemini answer has".to_owned()),
            };
        };
        let parts = candidate["content"]["parts"].as_array();
        // Thoughts are parts too.
        let text: String =
            parts.into_iter().flatten().filter(|p| p["thought"] != true).filter_map(|p| p["text"].as_str()).collect();
        let finish = match candidate["finishReason"].as_str() {
            Some("STOP") | None => Finish::Complete,
            Some("MAX_TOKENS") => Finish::Truncated,
            Some(
                reason @ ("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE"
                | "IMAGE_SAFETY"),
            ) => Finish::Refused(reason.to_owned()),
            Some(other) => Finish::Other(other.to_owned()),
        };
        let content = Some(text).filter(|t| !t.trim().is_empty()).map(Content::Text);
        Ok(Reply { content, finish, usage, thoughts, model, tier })
    }

    /// Google's error body: <https://google.aip.dev/193>. A quota of a day does not come back within a run's patience.
    fn trouble(&self, _status: u16, value: &Value) -> Option<TroubleKind> {
        let error = value.get("error")?;
        let details = || error["details"].as_array().into_iter().flatten();
        let per_day = details()
            .filter_map(|d| d["violations"].as_array())
            .flatten()
            .any(|v| v["quotaId"].as_str().is_some_and(|id| id.contains("PerDay")));
        let message = error["message"].as_str().unwrap_or_default();
        Some(match error["status"].as_str()? {
            "RESOURCE_EXHAUSTED" if per_day => TroubleKind::DailyQuota,
            "RESOURCE_EXHAUSTED" => TroubleKind::RateLimited,
            "UNAVAILABLE" => TroubleKind::Overloaded,
            "UNAUTHENTICATED" | "PERMISSION_DENIED" => TroubleKind::Key,
            "INVALID_ARGUMENT" if message.contains("API key") => TroubleKind::Key,
            "NOT_FOUND" => TroubleKind::NotFound,
            "FAILED_PRECONDITION" => TroubleKind::Balance,
            "INTERNAL" | "DEADLINE_EXCEEDED" => TroubleKind::Server { may_have_answered: true },
            _ => return None,
        })
    }

    fn is_own_error(&self, value: &Value) -> bool {
        value["error"]["status"].is_string()
    }

    fn batch_limits(&self) -> BatchLimits {
        BatchLimits { requests: 100_000, bytes: 1_900_000_000 }
    }

    /// <https://ai.google.dev/gemini-api/docs/rate-limits>
    fn batches_in_flight(&self) -> Option<usize> {
        Some(100)
    }

    fn result_days(&self) -> u32 {
        2
    }

    fn batch_line(&self, _dialect: &Dialect, custom_id: &str, body: Value) -> Value {
        json!({"key": custom_id, "request": body})
    }

    fn upload<'a>(
        &'a self,
        client: &'a Client,
        file: &'a Path,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async move { upload(client, file, token).await.map(Some) })
    }

    fn create<'a>(
        &'a self,
        client: &'a Client,
        _file: &'a Path,
        upload: Option<&'a str>,
        token: &'a str,
    ) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(create(client, upload.unwrap_or_default(), token))
    }

    fn batch_path(&self, dialect: &Dialect, remote: &str) -> String {
        format!("/{}/{remote}", dialect.api_version)
    }

    fn cancel_path(&self, dialect: &Dialect, remote: &str) -> String {
        format!("{}:cancel", self.batch_path(dialect, remote))
    }

    fn list_path(&self, dialect: &Dialect, after: Option<&str>) -> String {
        let version = &dialect.api_version;
        match after {
            Some(token) => format!("/{version}/batches?pageSize=100&pageToken={token}"),
            None => format!("/{version}/batches?pageSize=100"),
        }
    }

    fn page<'v>(&self, value: &'v Value) -> (&'v [Value], Option<&'v str>) {
        // An empty list is left out.
        let page = value["operations"].as_array().or(value["batches"].as_array());
        (page.map_or(&[], Vec::as_slice), value["nextPageToken"].as_str().filter(|t| !t.is_empty()))
    }

    fn seen(&self, dialect: &Dialect, value: &Value) -> Option<BatchSeen> {
        let version = &dialect.api_version;
        let remote = value["name"].as_str()?.to_owned();
        let metadata = &value["metadata"];
        let status = metadata["state"].as_str().or(value["state"].as_str())?.to_owned();
        // Numbers of 64 bits are strings in Google's JSON.
        let count = |name: &str| {
            let value = &metadata["batchStats"][name];
            value.as_u64().or(value.as_str().and_then(|t| t.parse().ok()))
        };
        let file = ["/metadata/output/responsesFile", "/response/responsesFile", "/metadata/dest/fileName"]
            .iter()
            .find_map(|p| value.pointer(p)?.as_str().filter(|file| !file.is_empty()));
        let places = || file.into_iter().map(|f| format!("/{version}/{f}:download?alt=media")).collect();
        let bare = status.trim_start_matches("BATCH_STATE_").trim_start_matches("JOB_STATE_");
        let standing = match bare {
            "SUCCEEDED" | "PARTIALLY_SUCCEEDED" => Standing::Ended { places: places(), complete: true },
            "CANCELLED" | "EXPIRED" => Standing::Ended { places: places(), complete: false },
            "FAILED" => {
                let message = value.pointer("/error/message").and_then(Value::as_str);
                let message = message.unwrap_or("the provider gave no reason").to_owned();
                let queue_full = value.pointer("/error/code") == Some(&json!(8)) || message.contains("enqueued");
                Standing::Failed { message, queue_full }
            }
            "UNSPECIFIED" | "PENDING" | "QUEUED" | "RUNNING" | "CANCELLING" | "PAUSED" | "UPDATING" => {
                Standing::Running
            }
            _ => Standing::Unknown { places: places() },
        };
        let created = metadata["createTime"].as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
        // A count of none is left out, as every default is in Google's JSON.
        let all = count("requestCount").filter(|n| *n > 0);
        let counts = all.map(|all| match bare {
            // What expires or is cancelled leaves no results, whatever was done of it by then.
            "EXPIRED" | "CANCELLED" if file.is_none() => Counts { succeeded: 0, failed: all },
            _ => Counts {
                succeeded: count("successfulRequestCount").unwrap_or(0),
                failed: count("failedRequestCount").unwrap_or(0),
            },
        });
        Some(BatchSeen {
            told: None,
            remote,
            token: metadata["displayName"].as_str().map(str::to_owned),
            requests: all,
            standing,
            counts,
            upload: metadata.pointer("/inputConfig/fileName").and_then(Value::as_str).map(str::to_owned),
            created_unix: created.map(|t| t.as_second() as f64),
            expires_unix: None,
            status,
        })
    }

    fn result(&self, value: &Value) -> Option<ResultLine> {
        let custom_id = value["key"].as_str().or(value["metadata"]["key"].as_str())?.to_owned();
        // A line is a response or a status.
        let error = if value["error"].is_object() { &value["error"] } else { &value["status"] };
        let outcome = match &value["response"] {
            Value::Object(_) => LineOutcome::Answered(value["response"].to_string().into_bytes()),
            _ if error.is_object() => {
                let (word, status) = code_of(error["code"].as_u64().unwrap_or(0));
                let mut error = error.clone();
                if error["status"].as_str().is_none() {
                    error["status"] = json!(word);
                }
                LineOutcome::Failed(told_trouble(self, status, &json!({"error": error})))
            }
            _ => LineOutcome::Undone("the provider gave no reason".to_owned()),
        };
        Some(ResultLine { custom_id, outcome })
    }
}

/// Word and HTTP status of an error's code, which in a line of results is one of gRPC, and live one of HTTP.
/// <https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>
fn code_of(code: u64) -> (&'static str, u16) {
    match code {
        3 | 400 => ("INVALID_ARGUMENT", 400),
        4 | 504 => ("DEADLINE_EXCEEDED", 504),
        5 | 404 => ("NOT_FOUND", 404),
        7 | 403 => ("PERMISSION_DENIED", 403),
        8 | 429 => ("RESOURCE_EXHAUSTED", 429),
        9 => ("FAILED_PRECONDITION", 400),
        14 | 503 => ("UNAVAILABLE", 503),
        16 | 401 => ("UNAUTHENTICATED", 401),
        _ => ("INTERNAL", 500),
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let prompt = value.get("promptTokenCount")?.as_u64()?;
    let cached = count(value, "cachedContentTokenCount").min(prompt);
    Some(Usage {
        input: prompt - cached,
        cache_read: cached,
        output: count(value, "candidatesTokenCount") + count(value, "thoughtsTokenCount"),
        ..Usage::default()
    })
}

async fn upload(client: &Client, file: &Path, token: &str) -> Result<String, Trouble> {
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

async fn create(client: &Client, upload: &str, token: &str) -> Result<String, Trouble> {
    let dialect = client.dialect();
    let path = format!("/{}/models/{}:batchGenerateContent", dialect.api_version, dialect.model);
    let body = json!({"batch": {"displayName": token, "inputConfig": {"fileName": upload}}});
    let value = client.json("POST", &path, &[], Payload::Json(&body)).await?;
    let name = value["name"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    name.ok_or_else(|| Trouble::new(TroubleKind::Malformed, "the provider created a batch and told no name"))
}
