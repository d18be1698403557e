//! Anthropic Messages and Message Batches. <https://platform.claude.com/docs/en/api/messages>,
//! <https://platform.claude.com/docs/en/build-with-claude/batch-processing>

use std::num::NonZeroU32;
use std::path::Path;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::errors::told_trouble;
use super::extras::effort_word;
use super::schema::{self, SchemaTrouble};
use super::{
    Content, Dialect, Finish, Prompt, Reply, SettingTrouble, Structured, Vendor, append, count, system_with_schema,
};
use crate::remote::batches::{BatchLimits, BatchSeen, Counts, LineOutcome, ResultLine, Standing};
use crate::remote::client::{Client, Payload};
use crate::remote::stream::Added;
use crate::remote::trouble::{Trouble, TroubleKind};
use crate::stages::model_settings::{Effort, ModelSettings};
use crate::values::Usage;

/// Anthropic, as [`Dialect::vendor`](super::Dialect::vendor) holds it.
pub const ANTHROPIC: &dyn Vendor = &Anthropic;

/// Messages interface of Anthropic.
#[derive(Debug)]
struct Anthropic;

/// The newest version of the interface that takes sampling parameters.
/// <https://platform.claude.com/docs/en/api/migration-2026-10-21>
const WITH_SAMPLING: &str = "2023-06-01";

/// Keywords that `output_config` refuses; a tool's input schema takes them. `maxItems` is refused too, and left out: what is longer is cut
/// when it is read.
/// <https://platform.claude.com/docs/en/build-with-claude/structured-outputs>
const NOT_IN_OUTPUT_CONFIG: [&str; 13] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "uniqueItems",
    "patternProperties",
    "not",
    "if",
    "oneOf",
];

impl Vendor for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn key_variable(&self) -> &'static str {
        "ANTHROPIC_API_KEY"
    }

    fn default_base_url(&self) -> &'static str {
        "https://api.anthropic.com"
    }

    /// <https://platform.claude.com/docs/en/api/versioning>
    fn default_api_version(&self) -> &'static str {
        "2026-10-21"
    }

    fn key_header(&self, key: &str) -> (&'static str, String) {
        ("x-api-key", key.to_owned())
    }

    fn limits_cached_input(&self) -> bool {
        false
    }

    fn structured(&self, schema: &Value) -> Result<Structured, SchemaTrouble> {
        let mut plain = true;
        schema::keywords(schema, &mut |keyword, _, value| {
            plain &= !NOT_IN_OUTPUT_CONFIG.contains(&keyword);
            plain &= keyword != "additionalProperties" || value == &Value::Bool(false);
            plain &= keyword != "minItems" || value.as_u64().is_some_and(|n| n <= 1);
        })?;
        Ok(if plain { Structured::Schema } else { Structured::Tool })
    }

    fn downgraded(&self, from: Structured) -> Option<Structured> {
        match from {
            Structured::Schema => Some(Structured::Tool),
            Structured::Tool | Structured::Json => Some(Structured::Prompt),
            Structured::Prompt => None,
        }
    }

    fn path(&self, _dialect: &Dialect) -> String {
        "/v1/messages".to_owned()
    }

    fn model_path(&self, dialect: &Dialect) -> String {
        format!("/v1/models/{}", dialect.model)
    }

    fn model_list_path(&self, _dialect: &Dialect) -> String {
        "/v1/models".to_owned()
    }

    fn headers(&self, dialect: &Dialect) -> Vec<(&'static str, String)> {
        vec![("anthropic-version", dialect.api_version.clone())]
    }

    fn body(&self, dialect: &Dialect, prompt: &Prompt, structured: Structured) -> Value {
        // The instructions are the same in every request of a run: the first writes them to the cache, the others read.
        let system = json!([{
            "type": "text",
            "text": system_with_schema(dialect, prompt, structured),
            "cache_control": {"type": "ephemeral"},
        }]);
        let mut body = json!({
            "model": dialect.model,
            "max_tokens": prompt.max_output_tokens,
            "system": system,
            "messages": [{"role": "user", "content": [{"type": "text", "text": prompt.user}]}],
        });
        match structured {
            Structured::Schema => {
                body["output_config"] =
                    json!({"format": {"type": "json_schema", "schema": schema::without(&prompt.schema, "maxItems")}});
            }
            Structured::Tool => {
                body["tools"] = json!([{
                    "name": &*prompt.schema_name,
                    "description": "Takes the answer.",
                    "input_schema": *prompt.schema,
                }]);
                body["tool_choice"] = json!({"type": "tool", "name": &*prompt.schema_name});
            }
            Structured::Json | Structured::Prompt => {}
        }
        body
    }

    /// The effort counts for all tokens of an answer, thoughts among them.
    /// <https://platform.claude.com/docs/en/build-with-claude/effort>
    fn model_settings(
        &self,
        dialect: &Dialect,
        settings: &ModelSettings,
    ) -> Result<Map<String, Value>, SettingTrouble> {
        let mut fields = Map::new();
        let vendor = self.name();
        match settings.effort {
            None => {}
            Some(Effort::None) => _ = fields.insert("thinking".into(), json!({"type": "disabled"})),
            Some(effort) => {
                let word = effort_word(self, effort, &[Effort::None, Effort::Low, Effort::Medium, Effort::High])?;
                fields.insert("output_config".into(), json!({"effort": word}));
            }
        }
        if let Some(temperature) = settings.temperature {
            if dialect.api_version != WITH_SAMPLING {
                let remedy =
                    "its interface refuses it since version 2026-10-21; leave it out, or give --api-version 2023-06-01";
                return Err(SettingTrouble::Missing { vendor, setting: "temperature", remedy });
            }
            fields.insert("temperature".into(), json!(temperature));
        }
        if settings.seed.is_some() {
            return Err(SettingTrouble::Missing { vendor, setting: "seed", remedy: "leave it out" });
        }
        if !settings.stop.is_empty() {
            fields.insert("stop_sequences".into(), json!(settings.stop));
        }
        Ok(fields)
    }

    /// <https://platform.claude.com/docs/en/build-with-claude/streaming>
    fn add(&self, whole: &mut Value, event: &Value) -> Added {
        let at = event["index"].as_u64().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
        match event["type"].as_str() {
            Some("message_start") if event["message"].is_object() => *whole = event["message"].clone(),
            _ if !whole.is_object() => {}
            Some("content_block_start") if event["content_block"].is_object() => {
                if let Some(blocks) = whole["content"].as_array_mut() {
                    blocks.push(event["content_block"].clone());
                }
            }
            Some("content_block_delta") => {
                let Some(block) = whole["content"].get_mut(at).filter(|block| block.is_object()) else {
                    return Added::Other;
                };
                return match event["delta"]["type"].as_str() {
                    Some("text_delta") => append(&mut block["text"], &event["delta"]["text"]),
                    Some("input_json_delta") => append(&mut block["partial_json"], &event["delta"]["partial_json"]),
                    _ => Added::Other,
                };
            }
            Some("content_block_stop") => {
                let Some(block) = whole["content"].get_mut(at).and_then(Value::as_object_mut) else {
                    return Added::Other;
                };
                // The input of a tool comes as text, whole at the end of its block.
                if let Some(input) = block.remove("partial_json") {
                    let input = serde_json::from_str(input.as_str().unwrap_or_default()).unwrap_or(input);
                    block.insert("input".to_owned(), input);
                }
            }
            Some("message_delta") => {
                for (name, value) in event["delta"].as_object().into_iter().flatten() {
                    whole[name] = value.clone();
                }
                for (name, value) in event["usage"].as_object().into_iter().flatten() {
                    if let Some(usage) = whole["usage"].as_object_mut() {
                        usage.insert(name.clone(), value.clone());
                    }
                }
            }
            Some("message_stop") => return Added::End,
            _ => {}
        }
        Added::Other
    }

    fn break_off(&self, whole: &mut Value) {
        if !whole.is_object() || !whole["stop_reason"].is_null() {
            return;
        }
        whole["stop_reason"] = json!("max_tokens");
        // A tool's input that broke off is text that may hold whole items.
        for block in whole["content"].as_array_mut().into_iter().flatten() {
            let partial = block.as_object_mut().and_then(|block| block.remove("partial_json"));
            if let Some(partial) = partial {
                *block = json!({"type": "text", "text": partial});
            }
        }
    }

    fn reply(&self, value: &Value) -> Result<Reply, String> {
        let blocks = value
            .get("content")
            .and_then(Value::as_array)
            .ok_or_else(|| "the response has no list 'content', as an Anthropic message has".to_owned())?;
        // A thinking block may come first, text may come before the tool call: blocks are told apart by type.
        let tool = blocks.iter().find(|b| b["type"] == "tool_use").and_then(|b| b.get("input"));
        let text: String = blocks.iter().filter(|b| b["type"] == "text").filter_map(|b| b["text"].as_str()).collect();
        let content = match tool {
            Some(input) => Some(Content::Json(input.clone())),
            None => Some(text).filter(|t| !t.trim().is_empty()).map(Content::Text),
        };
        let finish = match value["stop_reason"].as_str() {
            Some("end_turn" | "stop_sequence" | "tool_use") | None => Finish::Complete,
            Some("max_tokens") => Finish::Truncated,
            Some("refusal") => Finish::Refused("refusal".into()),
            Some("model_context_window_exceeded") => Finish::WindowExceeded,
            Some(other) => Finish::Other(other.to_owned()),
        };
        let model = value["model"].as_str().map(str::to_owned);
        let usage = usage(&value["usage"]);
        // How many of the tokens were thoughts is not told; without a word of the answer all were.
        let thinks = blocks.iter().any(|b| b["type"] == "thinking" || b["type"] == "redacted_thinking");
        let thoughts = usage.map_or(0, |u| u.output) * u64::from(thinks && content.is_none());
        Ok(Reply { content, finish, usage, thoughts, model, tier: None })
    }

    /// <https://platform.claude.com/docs/en/api/errors>
    fn trouble(&self, status: u16, value: &Value) -> Option<TroubleKind> {
        let error = value.get("error")?;
        let message = error["message"].as_str().unwrap_or_default().to_ascii_lowercase();
        Some(match error["type"].as_str()? {
            "authentication_error" | "permission_error" => TroubleKind::Key,
            "billing_error" => TroubleKind::Balance,
            // A spend limit that is reached comes as 400 and does not pass by itself.
            "invalid_request_error" if message.contains("credit balance") || message.contains("spend limit") => {
                TroubleKind::Balance
            }
            "invalid_request_error" if message.contains("usage limit") => TroubleKind::Balance,
            // What a refusal with status 200 is elsewhere: <https://github.com/anthropics/claude-code/issues/37547>
            "invalid_request_error" if message.contains("content filtering policy") => TroubleKind::Refused,
            "not_found_error" => TroubleKind::NotFound,
            "request_too_large" => TroubleKind::TooLarge,
            "rate_limit_error" => TroubleKind::RateLimited,
            "overloaded_error" => TroubleKind::Overloaded,
            "timeout_error" => TroubleKind::Server { may_have_answered: true },
            "api_error" if status >= 500 => TroubleKind::Server { may_have_answered: true },
            _ => return None,
        })
    }

    fn is_own_error(&self, value: &Value) -> bool {
        value["type"] == "error" && value["error"]["type"].is_string()
    }

    fn batch_limits(&self) -> BatchLimits {
        BatchLimits { requests: 100_000, bytes: 250_000_000 }
    }

    /// All calls of the batch endpoints count together, 50 a minute in the lowest tier; half of them are left for looking at
    /// batches. <https://platform.claude.com/docs/en/api/rate-limits#message-batches-api>
    fn batches_per_hour(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(1_500)
    }

    fn shows_token(&self) -> bool {
        false
    }

    /// Counts stand still until the end. <https://platform.claude.com/docs/en/api/retrieving-message-batches>
    fn counts_while_running(&self) -> bool {
        false
    }

    fn result_days(&self) -> u32 {
        29
    }

    fn payload_frame(&self) -> [&'static [u8]; 3] {
        [b"{\"requests\":[", b",\n", b"]}"]
    }

    /// A batch takes longer than five minutes: the shared instructions are marked for the hour's cache.
    fn batch_line(&self, _dialect: &Dialect, custom_id: &str, mut body: Value) -> Value {
        if let Some(control) = body.pointer_mut("/system/0/cache_control") {
            control["ttl"] = json!("1h");
        }
        json!({"custom_id": custom_id, "params": body})
    }

    fn create<'a>(
        &'a self,
        client: &'a Client,
        file: &'a Path,
        _upload: Option<&'a str>,
        _token: &'a str,
    ) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(create(client, file))
    }

    fn batch_path(&self, _dialect: &Dialect, remote: &str) -> String {
        format!("/v1/messages/batches/{remote}")
    }

    fn list_path(&self, _dialect: &Dialect, after: Option<&str>) -> String {
        match after {
            Some(after) => format!("/v1/messages/batches?limit=100&after_id={after}"),
            None => "/v1/messages/batches?limit=100".to_owned(),
        }
    }

    fn seen(&self, _dialect: &Dialect, value: &Value) -> Option<BatchSeen> {
        let remote = value["id"].as_str()?.to_owned();
        let status = value["processing_status"].as_str()?.to_owned();
        let count = |name: &str| value["request_counts"][name].as_u64();
        let failed = || Some(count("errored")? + count("expired")? + count("canceled")?);
        let counts = || Some(Counts { succeeded: count("succeeded")?, failed: failed()? });
        let places = vec![format!("/v1/messages/batches/{remote}/results")];
        let standing = match status.as_str() {
            // Each request has its line, cancelled and expired ones too.
            "ended" => Standing::Ended { places, complete: true },
            "in_progress" | "canceling" => Standing::Running,
            _ => Standing::Unknown { places },
        };
        let at = |name: &str| value[name].as_str()?.parse::<jiff::Timestamp>().ok().map(|t| t.as_second() as f64);
        Some(BatchSeen {
            told: None,
            requests: counts().zip(count("processing")).map(|(over, left)| over.succeeded + over.failed + left),
            token: None,
            standing,
            status,
            counts: counts(),
            upload: None,
            created_unix: at("created_at"),
            expires_unix: at("expires_at"),
            remote,
        })
    }

    fn result(&self, value: &Value) -> Option<ResultLine> {
        let custom_id = value["custom_id"].as_str()?.to_owned();
        let result = &value["result"];
        let outcome = match result["type"].as_str()? {
            "succeeded" => LineOutcome::Answered(result["message"].to_string().into_bytes()),
            "errored" => {
                // The error is nested twice.
                let error =
                    if result["error"]["error"].is_object() { &result["error"]["error"] } else { &result["error"] };
                let status = status_of(error["type"].as_str().unwrap_or_default());
                LineOutcome::Failed(told_trouble(self, status, &json!({"type": "error", "error": error})))
            }
            "expired" => LineOutcome::Undone("the request expired".to_owned()),
            "canceled" => LineOutcome::Undone("the request was cancelled".to_owned()),
            other => LineOutcome::Undone(format!("the request was {other}")),
        };
        Some(ResultLine { custom_id, outcome })
    }
}

/// Status with which an error of this type comes live. <https://platform.claude.com/docs/en/api/errors>
fn status_of(error: &str) -> u16 {
    match error {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let input = value.get("input_tokens")?.as_u64()?;
    let written = count(value, "cache_creation_input_tokens");
    let hour = value.get("cache_creation").map_or(0, |c| count(c, "ephemeral_1h_input_tokens"));
    Some(Usage {
        input,
        cache_read: count(value, "cache_read_input_tokens"),
        cache_write_5m: written.saturating_sub(hour),
        cache_write_1h: hour,
        output: count(value, "output_tokens"),
    })
}

async fn create(client: &Client, file: &Path) -> Result<String, Trouble> {
    let payload =
        Payload::File { file, before: Vec::new(), after: Vec::new(), content_type: "application/json".into() };
    let value = client.json("POST", "/v1/messages/batches", &[], payload).await?;
    let id = value["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    id.ok_or_else(|| Trouble::new(TroubleKind::Malformed, "the provider created a batch and told no id"))
}
