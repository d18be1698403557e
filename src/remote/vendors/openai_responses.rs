//! OpenAI Responses. <https://platform.openai.com/docs/api-reference/responses>

use std::num::NonZeroU32;
use std::path::Path;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::schema::{self, SchemaTrouble};
use super::{
    Content, Dialect, Finish, Prompt, Reply, SettingTrouble, Structured, Vendor, append, count, openai,
    system_with_schema,
};
use crate::remote::ServiceTier;
use crate::remote::batches::{BatchLimits, BatchSeen, ResultLine};
use crate::remote::client::Client;
use crate::remote::stream::Added;
use crate::remote::trouble::{Trouble, TroubleKind};
use crate::stages::model_settings::ModelSettings;
use crate::values::{Choice, Usage};

/// OpenAI Responses, as [`Dialect::vendor`](super::Dialect::vendor) holds it.
pub const OPENAI_RESPONSES: &dyn Vendor = &OpenAiResponses;

/// Interface of OpenAI Responses.
#[derive(Debug)]
struct OpenAiResponses;

/// Path of a request within a batch.
const BATCH_ENDPOINT: &str = "/v1/responses";

impl Vendor for OpenAiResponses {
    fn name(&self) -> &'static str {
        "openai-responses"
    }

    fn key_variable(&self) -> &'static str {
        "OPENAI_API_KEY"
    }

    fn default_base_url(&self) -> &'static str {
        "https://api.openai.com/v1"
    }

    fn base_url(&self, given: &str) -> String {
        openai::base_url(given)
    }

    fn structured(&self, schema: &Value) -> Result<Structured, SchemaTrouble> {
        schema::keywords(schema, &mut |_, _, _| {}).map(|()| Structured::Schema)
    }

    fn path(&self, _dialect: &Dialect) -> String {
        "/responses".to_owned()
    }

    fn model_path(&self, dialect: &Dialect) -> String {
        format!("/models/{}", dialect.model)
    }

    fn body(&self, dialect: &Dialect, prompt: &Prompt, structured: Structured) -> Value {
        let mut body = json!({
            "model": dialect.model,
            "instructions": system_with_schema(dialect, prompt, structured),
            "input": prompt.user,
            "max_output_tokens": prompt.max_output_tokens,
            // Nothing is continued, so nothing has to be kept at the provider.
            "store": false,
        });
        match structured {
            Structured::Schema | Structured::Tool => {
                body["text"] = json!({"format": {
                    "type": "json_schema",
                    "name": &*prompt.schema_name,
                    "schema": *prompt.schema,
                    "strict": schema::is_strict(&prompt.schema),
                }});
            }
            Structured::Json => body["text"] = json!({"format": {"type": "json_object"}}),
            Structured::Prompt => {}
        }
        body
    }

    fn model_settings(
        &self,
        _dialect: &Dialect,
        settings: &ModelSettings,
    ) -> Result<Map<String, Value>, SettingTrouble> {
        let mut fields = Map::new();
        if let Some(effort) = settings.effort {
            fields.insert("reasoning".into(), json!({"effort": effort.word()}));
        }
        if let Some(temperature) = settings.temperature {
            fields.insert("temperature".into(), json!(temperature));
        }
        let missing = [("seed", settings.seed.is_some()), ("stop", !settings.stop.is_empty())];
        if let Some((setting, _)) = missing.into_iter().find(|(_, given)| *given) {
            let remedy = "leave it out, or ask with --provider openai";
            return Err(SettingTrouble::Missing { vendor: self.name(), setting, remedy });
        }
        Ok(fields)
    }

    fn takes_cache_key(&self) -> bool {
        true
    }

    fn has_flex(&self) -> bool {
        true
    }

    fn add(&self, whole: &mut Value, event: &Value) -> Added {
        if whole.is_null() {
            *whole = json!({"status": "in_progress", "output": [{"type": "message", "content": [{"type": "output_text", "text": ""}]}]});
        }
        match event["type"].as_str() {
            Some("response.completed" | "response.incomplete" | "response.failed") if event["response"].is_object() => {
                *whole = event["response"].clone();
                Added::End
            }
            Some("response.output_text.delta") => {
                let text = whole.pointer_mut("/output/0/content/0/text");
                text.map_or(Added::Other, |text| append(text, &event["delta"]))
            }
            _ => Added::Other,
        }
    }

    fn break_off(&self, whole: &mut Value) {
        if whole["status"] == "in_progress" {
            whole["status"] = json!("incomplete");
            whole["incomplete_details"] = json!({"reason": "max_output_tokens"});
        }
    }

    fn reply(&self, value: &Value) -> Result<Reply, String> {
        let output = value
            .get("output")
            .and_then(Value::as_array)
            .ok_or_else(|| "the response has no list 'output', as a Responses answer has".to_owned())?;
        // Reasoning items stand beside the message.
        // An unfinished copy of the message may stand before the whole one: <https://github.com/opentargets/mira/issues/70>
        let messages = || output.iter().filter(|i| i["type"] == "message");
        let is_whole = |item: &&Value| item["status"] != "incomplete" && item["status"] != "in_progress";
        let any_whole = messages().any(|item| is_whole(&item));
        let parts = || {
            let chosen = messages().filter(move |item| !any_whole || is_whole(item));
            chosen.filter_map(|i| i["content"].as_array()).flatten()
        };
        let refusal = parts().find(|p| p["type"] == "refusal").and_then(|p| p["refusal"].as_str());
        let text: String = parts().filter(|p| p["type"] == "output_text").filter_map(|p| p["text"].as_str()).collect();
        let finish = match (refusal, value["status"].as_str(), value["incomplete_details"]["reason"].as_str()) {
            (Some(refusal), ..) => Finish::Refused(super::errors::one_line(refusal)),
            (_, Some("incomplete"), Some("content_filter")) => Finish::Refused("content_filter".into()),
            // Compatible servers leave the reason out.
            (_, Some("incomplete"), Some("max_output_tokens") | None) => Finish::Truncated,
            (_, Some("completed") | None, _) => Finish::Complete,
            (_, Some(status), reason) => Finish::Other(reason.unwrap_or(status).to_owned()),
        };
        let content = Some(text).filter(|t| !t.trim().is_empty()).map(Content::Text);
        let model = value["model"].as_str().map(str::to_owned);
        let thoughts = count(&value["usage"]["output_tokens_details"], "reasoning_tokens");
        let tier = ServiceTier::served(&value["service_tier"]);
        Ok(Reply { content, finish, usage: usage(&value["usage"]), thoughts, model, tier })
    }

    fn trouble(&self, status: u16, value: &Value) -> Option<TroubleKind> {
        openai::trouble(status, value)
    }

    fn is_own_error(&self, value: &Value) -> bool {
        openai::is_own_error(value)
    }

    fn batch_limits(&self) -> BatchLimits {
        openai::BATCH_LIMITS
    }

    fn batches_per_hour(&self) -> Option<NonZeroU32> {
        openai::BATCHES_PER_HOUR
    }

    fn result_days(&self) -> u32 {
        openai::RESULT_DAYS
    }

    fn batch_line(&self, _dialect: &Dialect, custom_id: &str, body: Value) -> Value {
        openai::batch_line(custom_id, BATCH_ENDPOINT, &body)
    }

    fn upload<'a>(
        &'a self,
        client: &'a Client,
        file: &'a Path,
        token: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(async move { openai::upload(client, file, token).await.map(Some) })
    }

    fn create<'a>(
        &'a self,
        client: &'a Client,
        _file: &'a Path,
        upload: Option<&'a str>,
        token: &'a str,
    ) -> BoxFuture<'a, Result<String, Trouble>> {
        Box::pin(openai::create(client, BATCH_ENDPOINT, upload.unwrap_or_default(), token))
    }

    fn batch_path(&self, _dialect: &Dialect, remote: &str) -> String {
        format!("/batches/{remote}")
    }

    fn list_path(&self, _dialect: &Dialect, after: Option<&str>) -> String {
        openai::list_path(after)
    }

    fn seen(&self, _dialect: &Dialect, value: &Value) -> Option<BatchSeen> {
        openai::seen(value)
    }

    fn result(&self, value: &Value) -> Option<ResultLine> {
        openai::result(self, value)
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let prompt = value.get("input_tokens")?.as_u64()?;
    let details = value.get("input_tokens_details");
    let cached = details.map_or(0, |d| count(d, "cached_tokens")).min(prompt);
    let written = details.map_or(0, |d| count(d, "cache_write_tokens")).min(prompt - cached);
    Some(Usage {
        input: prompt - cached - written,
        cache_read: cached,
        cache_write_5m: written,
        output: count(value, "output_tokens"),
        ..Usage::default()
    })
}
