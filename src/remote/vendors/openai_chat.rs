//! OpenAI Chat Completions, as OpenAI and many local servers speak it.
//! <https://platform.openai.com/docs/api-reference/chat>

use std::num::NonZeroU32;
use std::path::Path;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::extras::stop_texts;
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
use crate::stages::model_settings::{Effort, ModelSettings};
use crate::values::{Choice, Usage};

/// OpenAI Chat Completions, and every server that speaks it, as [`Dialect::vendor`](super::Dialect::vendor) holds it.
pub const OPENAI_CHAT: &dyn Vendor = &OpenAiChat;

/// Interface of OpenAI Chat Completions, and every server that speaks it.
#[derive(Debug)]
struct OpenAiChat;

/// Path of a request within a batch.
const BATCH_ENDPOINT: &str = "/v1/chat/completions";

impl Vendor for OpenAiChat {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn described(&self) -> &'static str {
        "openai (Chat Completions, also of vLLM, Ollama and llama.cpp)"
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
        "/chat/completions".to_owned()
    }

    fn model_path(&self, dialect: &Dialect) -> String {
        format!("/models/{}", dialect.model)
    }

    fn body(&self, dialect: &Dialect, prompt: &Prompt, structured: Structured) -> Value {
        let mut body = json!({
            "model": dialect.model,
            "messages": [
                {"role": "system", "content": system_with_schema(dialect, prompt, structured)},
                {"role": "user", "content": prompt.user},
            ],
        });
        // Servers of one's own know the older name.
        let newer = if dialect.first_party { "max_completion_tokens" } else { "max_tokens" };
        let budget = dialect.preset.map_or(newer, |preset| preset.budget);
        body[budget] = json!(prompt.max_output_tokens);
        match structured {
            Structured::Schema | Structured::Tool => {
                body["response_format"] = json!({"type": "json_schema", "json_schema": {
                    "name": &*prompt.schema_name,
                    "schema": *prompt.schema,
                    "strict": schema::is_strict(&prompt.schema),
                }});
            }
            Structured::Json => body["response_format"] = json!({"type": "json_object"}),
            Structured::Prompt => {}
        }
        body
    }

    /// vLLM, Ollama and others take OpenAI's word for the effort; templates of models that think also have a switch of their own, which
    /// only servers of one's own pass on. <https://docs.vllm.ai/en/stable/features/reasoning_outputs/>
    fn model_settings(
        &self,
        dialect: &Dialect,
        settings: &ModelSettings,
    ) -> Result<Map<String, Value>, SettingTrouble> {
        let mut fields = Map::new();
        if let Some(effort) = settings.effort {
            fields.insert("reasoning_effort".into(), json!(effort.word()));
            if dialect.is_local {
                let switch = json!({"enable_thinking": effort != Effort::None, "reasoning_effort": effort.word()});
                fields.insert("chat_template_kwargs".into(), switch);
            }
        }
        if let Some(temperature) = settings.temperature {
            fields.insert("temperature".into(), json!(temperature));
        }
        if let Some(seed) = settings.seed {
            fields.insert("seed".into(), json!(seed));
        }
        if !settings.stop.is_empty() {
            fields.insert("stop".into(), json!(stop_texts(self, &settings.stop, 4)?));
        }
        Ok(fields)
    }

    fn takes_cache_key(&self) -> bool {
        true
    }

    fn has_flex(&self) -> bool {
        true
    }

    fn ask_for_stream(&self, body: &mut Value) {
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
    }

    fn add(&self, whole: &mut Value, event: &Value) -> Added {
        if whole.is_null() {
            *whole = json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": null}]});
        }
        for name in ["id", "model", "created", "system_fingerprint", "service_tier", "usage"] {
            if let Some(value) = event.get(name).filter(|value| !value.is_null()) {
                whole[name] = value.clone();
            }
        }
        let Some(choice) = event.get("choices").and_then(|c| c.get(0)) else { return Added::Other };
        if choice["finish_reason"].is_string() {
            whole["choices"][0]["finish_reason"] = choice["finish_reason"].clone();
        }
        let message = &mut whole["choices"][0]["message"];
        append(&mut message["refusal"], &choice["delta"]["refusal"]);
        append(&mut message["content"], &choice["delta"]["content"])
    }

    fn break_off(&self, whole: &mut Value) {
        if let Some(reason) = whole.pointer_mut("/choices/0/finish_reason").filter(|reason| reason.is_null()) {
            *reason = json!("length");
        }
    }

    fn reply(&self, value: &Value) -> Result<Reply, String> {
        let choice = value
            .get("choices")
            .and_then(|c| c.get(0))
            .ok_or_else(|| "the response has no 'choices', as a chat completion has".to_owned())?;
        let message = &choice["message"];
        let finish = match (message["refusal"].as_str(), choice["finish_reason"].as_str()) {
            (Some(refusal), _) if !refusal.is_empty() => Finish::Refused(super::errors::one_line(refusal)),
            (_, Some("stop" | "tool_calls") | None) => Finish::Complete,
            (_, Some("length")) => Finish::Truncated,
            (_, Some("content_filter")) => Finish::Refused("content_filter".into()),
            (_, Some(other)) => Finish::Other(other.to_owned()),
        };
        let content = message["content"].as_str().filter(|t| !t.trim().is_empty()).map(|t| Content::Text(t.to_owned()));
        let model = value["model"].as_str().map(str::to_owned);
        let thoughts = count(&value["usage"]["completion_tokens_details"], "reasoning_tokens");
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
    let prompt = value.get("prompt_tokens")?.as_u64()?;
    let cached = value.get("prompt_tokens_details").map_or(0, |d| count(d, "cached_tokens")).min(prompt);
    Some(Usage {
        input: prompt - cached,
        cache_read: cached,
        output: count(value, "completion_tokens"),
        ..Usage::default()
    })
}
