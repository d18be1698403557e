//! Gemini generateContent. <https://ai.google.dev/api/generate-content>

use serde_json::{Value, json};

use super::{Content, Finish, Prompt, Reply, Structured, count, system_with_schema};
use crate::remote::trouble::TroubleKind;
use crate::values::Usage;

pub(super) fn body(prompt: &Prompt, structured: Structured) -> Value {
    let mut config = json!({"maxOutputTokens": prompt.max_output_tokens});
    match structured {
        Structured::Schema | Structured::Tool => {
            config["responseMimeType"] = json!("application/json");
            config["responseJsonSchema"] = Value::clone(&prompt.schema);
        }
        Structured::Json => config["responseMimeType"] = json!("application/json"),
        Structured::Prompt => {}
    }
    json!({
        "systemInstruction": {"parts": [{"text": system_with_schema(prompt, structured)}]},
        "contents": [{"role": "user", "parts": [{"text": prompt.user}]}],
        "generationConfig": config,
    })
}

pub(super) fn reply(value: &Value) -> Result<Reply, String> {
    let usage = usage(&value["usageMetadata"]);
    let model = value["modelVersion"].as_str().map(str::to_owned);
    let Some(candidate) = value.get("candidates").and_then(|c| c.get(0)) else {
        // A blocked prompt has no candidates.
        return match value["promptFeedback"]["blockReason"].as_str() {
            Some(reason) => Ok(Reply { content: None, finish: Finish::Refused(reason.to_owned()), usage, model }),
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
    Ok(Reply { content, finish, usage, model })
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

/// Google's error body: <https://google.aip.dev/193>. A quota of a day does not come back within a run's patience.
pub(super) fn trouble(_status: u16, value: &Value) -> Option<TroubleKind> {
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
