//! OpenAI Responses. <https://platform.openai.com/docs/api-reference/responses>

use serde_json::{Value, json};

use super::{Content, Dialect, Finish, Prompt, Reply, Structured, count, schema, system_with_schema};
use crate::values::Usage;

pub(super) fn body(dialect: &Dialect, prompt: &Prompt, structured: Structured) -> Value {
    let mut body = json!({
        "model": dialect.model,
        "instructions": system_with_schema(prompt, structured),
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

pub(super) fn reply(value: &Value) -> Result<Reply, String> {
    let output = value
        .get("output")
        .and_then(Value::as_array)
        .ok_or_else(|| "the response has no list 'output', as a Responses answer has".to_owned())?;
    // Reasoning items stand beside the message.
    let parts = || output.iter().filter(|i| i["type"] == "message").filter_map(|i| i["content"].as_array()).flatten();
    let refusal = parts().find(|p| p["type"] == "refusal").and_then(|p| p["refusal"].as_str());
    let text: String = parts().filter(|p| p["type"] == "output_text").filter_map(|p| p["text"].as_str()).collect();
    let finish = match (refusal, value["status"].as_str(), value["incomplete_details"]["reason"].as_str()) {
        (Some(refusal), ..) => Finish::Refused(super::one_line(refusal)),
        (_, Some("incomplete"), Some("content_filter")) => Finish::Refused("content_filter".into()),
        // Compatible servers leave the reason out.
        (_, Some("incomplete"), Some("max_output_tokens") | None) => Finish::Truncated,
        (_, Some("completed") | None, _) => Finish::Complete,
        (_, Some(status), reason) => Finish::Other(reason.unwrap_or(status).to_owned()),
    };
    let content = Some(text).filter(|t| !t.trim().is_empty()).map(Content::Text);
    let model = value["model"].as_str().map(str::to_owned);
    Ok(Reply { content, finish, usage: usage(&value["usage"]), model })
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
