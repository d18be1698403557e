//! Facts that a server tells of itself, without being asked for an answer: the models it has, the context of one request, how many
//! it works on at once. All is optional: a server that tells nothing is asked as before.

use std::time::Duration;

use serde_json::Value;

use super::Client;

/// Time for one of these questions: a run waits for them before its first request.
const TIME: Duration = Duration::from_secs(5);

/// Requests in flight for each slot of a server: the next one has arrived when a slot is free.
const FOR_A_SLOT: usize = 2;

/// Names of fields in which entries of a list of models tell the tokens of prompt and answer together: vLLM; Groq; Together and
/// OpenRouter; Mistral and LM Studio. <https://docs.vllm.ai/en/stable/serving/openai_compatible_server/>
/// <https://console.groq.com/docs/models> <https://openrouter.ai/docs/api-reference/list-available-models>
/// <https://docs.mistral.ai/api/endpoint/models> <https://lmstudio.ai/docs/developer/rest/endpoints>
const SIZES: [&str; 4] = ["max_model_len", "context_window", "context_length", "max_context_length"];

/// Facts that a server tells of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFacts {
    /// Names of its models; empty where it lists none.
    pub models: Vec<String>,
    /// Tokens of prompt and answer together that one request may have.
    pub context_size: Option<u64>,
    /// Requests that it works on at once; others wait in its queue.
    pub slots: Option<usize>,
}

impl ServerFacts {
    /// Requests in flight that keep every slot busy, where the slots are told.
    pub fn most_in_flight(&self) -> Option<usize> {
        self.slots.map(|slots| slots.saturating_mul(FOR_A_SLOT))
    }

    /// The models that it has, in words for the end of a sentence; none if it lists none.
    pub fn models_in_words(&self) -> Option<String> {
        const SHOWN: usize = 12;
        let shown = self.models.iter().take(SHOWN).map(|name| format!("'{name}'")).collect::<Vec<_>>();
        let more = self.models.len().saturating_sub(SHOWN);
        match (shown.as_slice(), more) {
            ([], _) => None,
            (shown, 0) => Some(crate::values::listed(&shown.iter().map(String::as_str).collect::<Vec<_>>(), "and")),
            (shown, more) => Some(format!("{} and {more} more", shown.join(", "))),
        }
    }

    /// Takes in a list of models: `data` with `id`, as OpenAI and Anthropic have it, or `models` with `name`, as Gemini has it.
    fn hear_models(&mut self, model: &str, list: &Value) {
        // Together's is a bare list. <https://docs.together.ai/reference/models>
        let entries =
            list.as_array().or_else(|| ["data", "models"].iter().find_map(|name| list.get(*name)?.as_array()));
        for entry in entries.into_iter().flatten() {
            let Some(name) = ["id", "name"].iter().find_map(|field| entry.get(*field)?.as_str()) else { continue };
            let name = name.strip_prefix("models/").unwrap_or(name);
            self.models.push(name.to_owned());
            if name == model {
                // llama.cpp tells that of one slot. <https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md>
                let told =
                    SIZES.iter().find_map(|field| entry.get(*field)?.as_u64()).or(entry["meta"]["n_ctx"].as_u64());
                self.context_size = told.filter(|size| *size > 0).or(self.context_size);
            }
        }
    }

    /// Takes in what llama.cpp tells of its slots at `/props`.
    /// <https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md>
    fn hear_slots(&mut self, props: &Value) {
        let slots = props["total_slots"].as_u64().and_then(|slots| usize::try_from(slots).ok());
        self.slots = slots.filter(|slots| *slots > 0);
        let size = props["default_generation_settings"]["n_ctx"].as_u64();
        self.context_size = size.filter(|size| *size > 0).or(self.context_size);
    }
}

impl Client {
    /// Asks the server what it tells of itself. Costs nothing, and whatever goes wrong is a server that tells nothing. A vendor's own
    /// service is not asked: it has the context of its models, and limits instead of slots.
    pub async fn server_facts(&self) -> ServerFacts {
        let mut facts = ServerFacts::default();
        if self.dialect().first_party {
            return facts;
        }
        if let Some(list) = self.told(self.endpoint().join(&self.dialect().model_list_path())).await {
            facts.hear_models(&self.dialect().model, &list);
        }
        if self.endpoint().is_loopback()
            && let Some(props) = self.told(self.endpoint().at_root("/props")).await
        {
            facts.hear_slots(&props);
        }
        facts
    }

    async fn told(&self, url: reqwest::Url) -> Option<Value> {
        let body = self.get(url, TIME).await?;
        serde_json::from_slice(&body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Bodies of a real llama.cpp (build 11549), shortened.
    #[test]
    fn a_llama_cpp_tells_slots_and_the_context_of_one() {
        let mut facts = ServerFacts::default();
        facts.hear_models(
            "qwen2.5-coder-1.5b",
            &json!({
                "models": [{"name": "qwen2.5-coder-1.5b", "capabilities": ["completion"]}],
                "object": "list",
                "data": [{"id": "qwen2.5-coder-1.5b", "object": "model", "owned_by": "llamacpp",
                          "meta": {"n_vocab": 151_936, "n_ctx": 8192, "n_ctx_train": 32_768}}],
            }),
        );
        assert_eq!((facts.context_size, facts.slots), (Some(8192), None));
        facts.hear_slots(&json!({"default_generation_settings": {"params": {}, "n_ctx": 4096}, "total_slots": 2}));
        assert_eq!((facts.context_size, facts.slots, facts.most_in_flight()), (Some(4096), Some(2), Some(4)));
        assert_eq!(facts.models_in_words().as_deref(), Some("'qwen2.5-coder-1.5b'"));
    }

    #[test]
    fn the_context_is_that_of_the_model_that_is_asked() {
        let list =
            json!({"data": [{"id": "small", "max_model_len": 2048}, {"id": "large", "context_length": 131_072}]});
        let of = |model| {
            let mut facts = ServerFacts::default();
            facts.hear_models(model, &list);
            (facts.models.len(), facts.context_size)
        };
        assert_eq!((of("small"), of("large"), of("other")), ((2, Some(2048)), (2, Some(131_072)), (2, None)));
    }

    #[test]
    fn what_is_no_list_tells_nothing() {
        for body in [json!(null), json!([]), json!({"data": {}}), json!({"data": [1, {"id": 3}]}), json!("ok")] {
            let mut facts = ServerFacts::default();
            facts.hear_models("m", &body);
            facts.hear_slots(&body);
            assert_eq!(facts, ServerFacts::default(), "{body}");
        }
    }

    #[test]
    fn a_long_list_of_models_is_cut() {
        let facts = ServerFacts { models: (0..40).map(|n| format!("m{n}")).collect(), ..ServerFacts::default() };
        assert!(facts.models_in_words().unwrap().ends_with("'m11' and 28 more"));
    }
}
