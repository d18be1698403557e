//! Servers by name: what people would otherwise have to look up of a service that speaks a vendor's interface. One row each; facts were
//! read on 2026-11-27 at the addresses beside them.

use super::{OPENAI_CHAT, Structured, Vendor, vendor_named};

/// A server that is known by name: an interface, with where it is and in what it differs.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// Word that chooses it.
    pub name: &'static str,
    /// What it is, for a list of all.
    pub described: &'static str,
    /// Base URL; none where each account has its own.
    pub base_url: Option<&'static str>,
    /// Environment variable in which people keep its key.
    pub key_variable: &'static str,
    /// Header that carries the key, where it is not a bearer token.
    pub key_header: Option<&'static str>,
    /// Field of the output budget.
    pub budget: &'static str,
    /// Way in which its schema is given first.
    pub structured: Structured,
    /// False where an answer that is held to a schema cannot be streamed.
    pub streams: bool,
    /// Field that each request gets besides, with its value.
    pub extra: Option<(&'static str, &'static str)>,
    /// True if its batches are those of the interface.
    pub has_batches: bool,
    /// What it does with what it is sent, as far as it says.
    pub retention: &'static str,
}

/// A service that differs in nothing.
const SERVICE: Preset = Preset {
    name: "",
    described: "",
    base_url: None,
    key_variable: "OPENAI_API_KEY",
    key_header: None,
    budget: "max_tokens",
    structured: Structured::Schema,
    streams: true,
    extra: None,
    has_batches: false,
    retention: "stays where the server is",
};

/// All presets, in the order in which messages name them: services first, then servers of one's own.
pub const PRESETS: [Preset; 14] = [
    // <https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle>
    // <https://learn.microsoft.com/azure/ai-foundry/openai/how-to/batch>
    Preset {
        name: "azure-openai",
        described: "Azure OpenAI",
        key_variable: "AZURE_OPENAI_API_KEY",
        key_header: Some("api-key"),
        budget: "max_completion_tokens",
        has_batches: true,
        retention: "not used for training; prompts that are flagged may be reviewed",
        ..SERVICE
    },
    // <https://docs.mistral.ai/api/endpoint/chat>; batches are jobs of its own: <https://docs.mistral.ai/capabilities/batch/>
    Preset {
        name: "mistral",
        described: "Mistral AI",
        base_url: Some("https://api.mistral.ai/v1"),
        key_variable: "MISTRAL_API_KEY",
        retention: "not used for training in paid plans",
        ..SERVICE
    },
    // A schema and a stream together are refused: <https://console.groq.com/docs/structured-outputs>;
    // <https://console.groq.com/docs/batch>, <https://console.groq.com/docs/your-data>
    Preset {
        name: "groq",
        described: "Groq",
        base_url: Some("https://api.groq.com/openai/v1"),
        key_variable: "GROQ_API_KEY",
        budget: "max_completion_tokens",
        streams: false,
        has_batches: true,
        retention: "not kept, but for logs of up to 30 days against abuse; files of batches 30 days",
        ..SERVICE
    },
    // <https://docs.x.ai/docs/api-reference>; batches are of its own kind: <https://docs.x.ai/docs/guides/batch-api>
    Preset {
        name: "xai",
        described: "xAI",
        base_url: Some("https://api.x.ai/v1"),
        key_variable: "XAI_API_KEY",
        budget: "max_completion_tokens",
        retention: "kept for 30 days against abuse; not used for training without leave",
        ..SERVICE
    },
    // Its batches are wrapped in `job`: <https://docs.together.ai/docs/batch-inference>; <https://docs.together.ai/docs/json-mode>
    Preset {
        name: "together",
        described: "Together AI",
        base_url: Some("https://api.together.ai/v1"),
        key_variable: "TOGETHER_API_KEY",
        retention: "not known to us: see its account settings",
        ..SERVICE
    },
    // <https://openrouter.ai/docs/api-reference/overview>, <https://openrouter.ai/docs/features/privacy-and-logging>
    Preset {
        name: "openrouter",
        described: "OpenRouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        key_variable: "OPENROUTER_API_KEY",
        budget: "max_completion_tokens",
        retention: "nothing itself; providers behind it differ: extra_body = { provider = { data_collection = \"deny\" } } shuts out those that keep it",
        ..SERVICE
    },
    // JSON without a schema: <https://api-docs.deepseek.com/guides/json_mode>
    Preset {
        name: "deepseek",
        described: "DeepSeek",
        base_url: Some("https://api.deepseek.com"),
        key_variable: "DEEPSEEK_API_KEY",
        structured: Structured::Json,
        retention: "kept in China as long as the account lasts; training is among its stated purposes",
        ..SERVICE
    },
    // A budget that does not fit is cut without a word unless this is said:
    // <https://docs.fireworks.ai/api-reference/post-chatcompletions>; <https://docs.fireworks.ai/guides/security_compliance/data_handling>
    Preset {
        name: "fireworks",
        described: "Fireworks AI",
        base_url: Some("https://api.fireworks.ai/inference/v1"),
        key_variable: "FIREWORKS_API_KEY",
        extra: Some(("context_length_exceeded_behavior", "error")),
        retention: "not kept for open models",
        ..SERVICE
    },
    // <https://inference-docs.cerebras.ai/capabilities/structured-outputs>
    Preset {
        name: "cerebras",
        described: "Cerebras",
        base_url: Some("https://api.cerebras.ai/v1"),
        key_variable: "CEREBRAS_API_KEY",
        budget: "max_completion_tokens",
        retention: "not known to us: see its terms",
        ..SERVICE
    },
    // <https://docs.ollama.com/api/openai-compatibility>
    Preset {
        name: "ollama",
        described: "Ollama",
        base_url: Some("http://127.0.0.1:11434/v1"),
        key_variable: "OLLAMA_API_KEY",
        ..SERVICE
    },
    // <https://docs.vllm.ai/en/stable/serving/openai_compatible_server/>
    Preset {
        name: "vllm",
        described: "vLLM",
        base_url: Some("http://127.0.0.1:8000/v1"),
        key_variable: "VLLM_API_KEY",
        ..SERVICE
    },
    // <https://lmstudio.ai/docs/developer/openai-compat>
    Preset {
        name: "lm-studio",
        described: "LM Studio",
        base_url: Some("http://127.0.0.1:1234/v1"),
        key_variable: "LM_API_TOKEN",
        ..SERVICE
    },
    // Port 8080 until the autumn of 2026: <https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md>
    Preset {
        name: "llama-cpp",
        described: "llama.cpp",
        base_url: Some("http://127.0.0.1:9931/v1"),
        key_variable: "LLAMA_API_KEY",
        ..SERVICE
    },
    // <https://docs.litellm.ai/docs/simple_proxy>, <https://docs.litellm.ai/docs/batches>
    Preset {
        name: "litellm",
        described: "LiteLLM",
        base_url: Some("http://127.0.0.1:4000/v1"),
        key_variable: "LITELLM_KEY",
        has_batches: true,
        retention: "as the providers behind it do",
        ..SERVICE
    },
];

/// The interface that a word chooses, and the preset if it is one.
pub fn provider_named(name: &str) -> Option<(&'static dyn Vendor, Option<&'static Preset>)> {
    let preset = || PRESETS.iter().find(|preset| preset.name == name).map(|preset| (OPENAI_CHAT, Some(preset)));
    vendor_named(name).map(|vendor| (vendor, None)).or_else(preset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::{Endpoint, VENDORS};

    #[test]
    fn every_preset_can_be_asked_and_shadows_no_vendor() {
        for preset in &PRESETS {
            assert!(VENDORS.iter().all(|vendor| vendor.name() != preset.name), "{}", preset.name);
            assert!(preset.base_url.is_none_or(|url| Endpoint::new(url, false).is_ok()), "{}", preset.name);
            assert_eq!(
                provider_named(preset.name).and_then(|(_, found)| found).map(|found| found.name),
                Some(preset.name)
            );
            assert!(preset.key_variable.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{}", preset.name);
        }
    }
}
