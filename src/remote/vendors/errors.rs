//! Errors that are told alike by all vendors: by status, and by words.

use serde_json::Value;

use super::Vendor;
use crate::remote::trouble::{Trouble, TroubleKind};

/// Trouble that a vendor tells in JSON, live or in a line of a batch's results.
pub(in crate::remote) fn told_trouble(vendor: &dyn Vendor, status: u16, value: &Value) -> Trouble {
    let words = message_of(value).unwrap_or_else(|| excerpt(value.to_string().as_bytes()));
    let kind = vendor.trouble(status, value).unwrap_or_else(|| by_status(status, &words));
    let told = value["error"]["n_ctx"].as_u64().or_else(|| context_size_of(&words));
    let context_size = told.filter(|_| kind == TroubleKind::TooLarge);
    // The model's own answer did not fit the schema: a further one may. <https://console.groq.com/docs/errors>
    let is_bad_answer = value["error"]["code"] == "json_validate_failed";
    let trouble = Trouble::new(kind, format!("the provider answered {status}: {words}"));
    let should_retry = is_bad_answer.then_some(true);
    Trouble { own_words: vendor.is_own_error(value), context_size, should_retry, ..trouble }
}

/// Status that an error tells of itself where it comes with 200: in a stream, or from a gateway that had begun to answer.
/// <https://openrouter.ai/docs/api/reference/errors-and-debugging>
pub(in crate::remote) fn told_status(value: &Value) -> Option<u16> {
    let code = value.get("error")?.get("code")?.as_u64()?;
    u16::try_from(code).ok().filter(|code| (400..600).contains(code))
}

/// Error message of any vendor's error body.
pub(super) fn message_of(body: &Value) -> Option<String> {
    let error = body.get("error").unwrap_or(body);
    let text = error.get("message").and_then(Value::as_str).or_else(|| error.as_str());
    text.map(one_line).or_else(|| detail_of(body.get("detail")?))
}

/// Words of FastAPI, in which Mistral and many small servers are written: a sentence, or places of the body with what is wrong there.
/// <https://fastapi.tiangolo.com/tutorial/handling-errors/>
fn detail_of(detail: &Value) -> Option<String> {
    if let Some(text) = detail.as_str() {
        return Some(one_line(text));
    }
    let each = |entry: &Value| {
        let place: Vec<&str> = entry["loc"].as_array()?.iter().filter_map(Value::as_str).collect();
        Some(format!("{}: {}", place.join("."), entry["msg"].as_str()?))
    };
    let told: Vec<String> = detail.as_array()?.iter().filter_map(each).collect();
    (!told.is_empty()).then(|| one_line(&told.join("; ")))
}

/// The beginning of a body, on one line, for a message.
pub(crate) fn excerpt(body: &[u8]) -> String {
    if body.is_empty() {
        return "(nothing)".to_owned();
    }
    one_line(&String::from_utf8_lossy(&body[..body.len().min(600)]))
}

pub(super) fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(300) {
        Some((cut, _)) => format!("{}...", &words[..cut]),
        None => words,
    }
}

/// Meaning of a status where the body does not say more.
pub(super) fn by_status(status: u16, words: &str) -> TroubleKind {
    let lower = words.to_ascii_lowercase();
    match status {
        429 if speaks_of_balance(&lower) => TroubleKind::Balance,
        429 => TroubleKind::RateLimited,
        // 498: no room at the flex tier of Groq. <https://console.groq.com/docs/flex-processing>
        498 | 529 | 503 => TroubleKind::Overloaded,
        408 | 409 => TroubleKind::Server { may_have_answered: false },
        500 | 502 | 504 => TroubleKind::Server { may_have_answered: true },
        s if s > 500 => TroubleKind::Server { may_have_answered: true },
        401 | 403 => TroubleKind::Key,
        402 => TroubleKind::Balance,
        404 => TroubleKind::NotFound,
        413 => TroubleKind::TooLarge,
        400 if speaks_of_key(&lower) => TroubleKind::Key,
        400 | 422 if speaks_of_window(&lower) => TroubleKind::TooLarge,
        400 | 422 if speaks_of_model(&lower) => TroubleKind::NotFound,
        400 | 422 if speaks_of_format(&lower) => TroubleKind::Structured,
        _ => TroubleKind::BadRequest,
    }
}

/// Test whether an error message says that the prompt is too long for the model.
fn speaks_of_window(lower: &str) -> bool {
    [
        "context length",
        "context_length",
        "context window",
        "contextwindow",
        "context size",
        "prompt is too long",
        "maximum context",
        "too many tokens",
        "maximum prompt length",
        "maximum model length",
        "max_model_len",
        "reduce the length of the messages",
    ]
    .iter()
    .any(|words| lower.contains(words))
        || (lower.contains("token count") && lower.contains("exceeds"))
        || (lower.contains("max_new_tokens") && lower.contains("must be <="))
}

/// Test whether an error message of status 400 says that the key is wrong, as xAI does.
/// <https://github.com/openai/codex/issues/1352>
fn speaks_of_key(lower: &str) -> bool {
    ["incorrect api key", "invalid api key"].iter().any(|words| lower.contains(words))
}

/// Test whether an error message of status 429 says that no money is left, which no waiting brings back, as xAI does.
fn speaks_of_balance(lower: &str) -> bool {
    ["available credits", "spending limit"].iter().any(|words| lower.contains(words))
}

/// Test whether an error message says that there is no such model: with 400 in gateways, as LiteLLM.
fn speaks_of_model(lower: &str) -> bool {
    ["invalid model", "unknown model", "no such model", "model not found", "not a valid model"]
        .iter()
        .any(|words| lower.contains(words))
        || (lower.contains("model") && lower.contains("does not exist"))
}

/// Tokens of prompt and answer together that a model takes, where the message of a request that was too long tells it: the number
/// after "context size" in llama.cpp, after "maximum context length is" in OpenAI and vLLM, after "n_ctx:" in LM Studio, and so on.
fn context_size_of(words: &str) -> Option<u64> {
    let lower = words.to_ascii_lowercase();
    let told = [
        "context size (",
        "context length is ",
        "context length is only ",
        "context length of ",
        "context length of only ",
        "context size of ",
        "n_ctx: ",
        "maximum model length of ",
        "max_model_len=",
        "maximum prompt length is ",
        "too large for model with ",
        "must be <= ",
        "while limit is ",
    ];
    told.iter().find_map(|words| {
        let at = lower.find(words)? + words.len();
        let number = lower[at..].chars().take_while(|c| c.is_ascii_digit() || *c == ',');
        number.filter(|c| *c != ',').collect::<String>().parse().ok()
    })
}

/// Test whether an error message says that the server does not know the way in which the schema was given.
fn speaks_of_format(lower: &str) -> bool {
    ["response_format", "json_schema", "output_config", "tool_choice", "responsejsonschema", "response_json_schema"]
        .iter()
        .any(|words| lower.contains(words))
        || lower.contains("structured output")
        || lower.contains("json schema")
        || lower.contains("grammar")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::OPENAI_CHAT;
    use serde_json::json;

    /// Bodies that real servers sent: llama.cpp (build 11549) and LiteLLM 1.83, recorded.
    #[test]
    fn what_llama_cpp_and_litellm_say_is_understood() {
        let of = |status, message: &str| told_trouble(OPENAI_CHAT, status, &json!({"error": {"message": message}}));
        let llama =
            of(400, "request (3030 tokens) exceeds the available context size (2048 tokens), try increasing it");
        assert_eq!((llama.kind, llama.context_size), (TroubleKind::TooLarge, Some(2048)));
        let litellm = of(
            400,
            "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - request (3030 tokens) exceeds the available context size (2048 tokens), try increasing it",
        );
        assert_eq!((litellm.kind, litellm.context_size), (TroubleKind::TooLarge, Some(2048)));
        let openai = of(400, "This model's maximum context length is 16,385 tokens. However, you requested 20000");
        assert_eq!((openai.kind, openai.context_size), (TroubleKind::TooLarge, Some(16_385)));
        let name = of(
            400,
            "/chat/completions: Invalid model name passed in model=nosuch. Call `/v1/models` to view available models for your key.",
        );
        assert_eq!(name.kind, TroubleKind::NotFound);
        let schema = of(
            400,
            "Unable to generate parser for this template. Automatic parser generation failed: JSON schema error at #/properties/items: unrecognized type strng",
        );
        assert_eq!(schema.kind, TroubleKind::Structured);
        assert_eq!(of(503, "Loading model").kind, TroubleKind::Overloaded);
        assert!(of(500, "litellm.InternalServerError: OpenAIException - Connection error.").is_of_server());
    }

    /// Words about a prompt that is too long, as reports of other servers have them, with the size that they tell.
    #[test]
    fn the_size_of_a_context_is_read_in_the_words_of_many_servers() {
        let told = |body: Value| {
            let trouble = told_trouble(OPENAI_CHAT, 400, &body);
            assert_eq!(trouble.kind, TroubleKind::TooLarge, "{body}");
            trouble.context_size
        };
        let in_error =
            |message: &str| told(json!({"error": {"message": message, "type": "BadRequestError", "code": 400}}));
        // vLLM, three versions.
        assert_eq!(
            in_error(
                "You passed 99001 input tokens and requested 1000 output tokens. However, the model's context length is only 100000 tokens, resulting in a maximum input length of 99000 tokens."
            ),
            Some(100_000)
        );
        assert_eq!(
            in_error(
                "max_tokens=200000 cannot be greater than max_model_len=100000. Please request fewer output tokens."
            ),
            Some(100_000)
        );
        assert_eq!(
            in_error("The decoder prompt (length 100001) is longer than the maximum model length of 100000."),
            Some(100_000)
        );
        // LM Studio: https://github.com/Gitlawb/openclaude/issues/353
        let lm_studio = "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx: 4096).";
        assert_eq!(told(json!({"error": lm_studio})), Some(4096));
        // llama.cpp tells it in a field, too.
        let field = json!({"error": {"code": 400, "message": "exceeds the available context size", "n_ctx": 2048}});
        assert_eq!(told(field), Some(2048));
        assert_eq!(
            told(
                json!({"code": "invalid-argument", "error": "This model's maximum prompt length is 500000 but the request contains 637815 tokens."})
            ),
            Some(500_000)
        );
        assert_eq!(
            in_error(
                "Please reduce the length of the messages or completion. Current length is 42328 while limit is 40000"
            ),
            Some(40_000)
        );
        assert_eq!(in_error("the prompt is longer than the context length currently available to the model"), None);
        // A plan's tokens a minute are no context: https://github.com/ITSpecialist111/ai_automation_suggester/issues/61
        let groq = json!({"error": {"message": "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 14810, please reduce your message size", "type": "tokens", "code": "rate_limit_exceeded"}});
        let trouble = told_trouble(OPENAI_CHAT, 413, &groq);
        assert_eq!((trouble.kind, trouble.context_size), (TroubleKind::TooLarge, None));
    }

    #[test]
    fn keys_balances_models_and_fields_are_understood_where_the_status_misleads() {
        let kind = |status, body: Value| told_trouble(OPENAI_CHAT, status, &body).kind;
        // xAI: https://github.com/continuedev/continue/issues/10778
        let key = json!({"code": "invalid-argument", "error": "Incorrect API key provided: xa***. You can obtain an API key from https://console.x.ai."});
        assert_eq!(kind(400, key), TroubleKind::Key);
        let spent = json!({"code": "Some resource has been exhausted", "error": "Your team has either used all available credits or reached its monthly spending limit."});
        assert_eq!(kind(429, spent), TroubleKind::Balance);
        assert_eq!(kind(429, json!({"error": {"message": "Rate limit reached"}})), TroubleKind::RateLimited);
        assert_eq!(
            kind(400, json!({"error": {"message": "x/y is not a valid model ID", "code": 400}})),
            TroubleKind::NotFound
        );
        // Mistral's three shapes.
        let field = json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]});
        let trouble = told_trouble(OPENAI_CHAT, 422, &field);
        assert!(trouble.is_of_streaming() && trouble.message.contains("body.stream_options"), "{trouble:?}");
        assert!(
            told_trouble(OPENAI_CHAT, 401, &json!({"detail": "Unauthorized"})).message.ends_with("401: Unauthorized")
        );
        let limited =
            json!({"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"});
        assert!(told_trouble(OPENAI_CHAT, 429, &limited).message.contains("Rate limit exceeded"));
        // Groq: the model's answer did not fit, and another may.
        let unfit = json!({"error": {"message": "Failed to validate JSON. Please adjust your prompt.", "type": "invalid_request_error", "code": "json_validate_failed"}});
        let again = told_trouble(OPENAI_CHAT, 400, &unfit).disposition();
        assert!(matches!(again, crate::remote::Disposition::Retry { everybody: false, .. }), "{again:?}");
    }

    #[test]
    fn an_error_in_an_answer_has_the_status_that_it_tells() {
        let dialect = crate::remote::Dialect::new(OPENAI_CHAT, "m", "", false);
        let of = |body: Value| dialect.trouble_in_answer(body.to_string().as_bytes()).map(|trouble| trouble.kind);
        assert_eq!(
            of(json!({"error": {"code": 429, "message": "Rate limit exceeded"}})),
            Some(TroubleKind::RateLimited)
        );
        assert_eq!(of(json!({"error": {"code": 402, "message": "more credits"}})), Some(TroubleKind::Balance));
        // An answer in the form of OpenAI's Responses has a field for an error that did not happen.
        assert_eq!(of(json!({"id": "r", "status": "completed", "error": null, "output": []})), None);
        assert_eq!(of(json!({"choices": [{"message": {"content": "{\"error\": {\"code\": 429}}"}}]})), None);
        assert_eq!(of(json!({"error": {"code": "server_error", "message": "x"}, "status": "failed"})), None);
    }
}
