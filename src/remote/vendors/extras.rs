//! Fields that are added to a request beside what every request has: wishes about how the model answers, the key of the prompt's
//! cache, the tier of service. What each vendor calls them is in its file; that they are added is here alone.

use serde_json::{Map, Value, json};

use super::{ALL, Dialect, Vendor};
use crate::remote::ServiceTier;
use crate::stages::model_settings::{Effort, ModelSettings};
use crate::values::{Choice, Fingerprint, listed};

/// A setting that a vendor's requests cannot carry.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingTrouble {
    /// The vendor has no such parameter.
    #[error("the provider {vendor} takes no {setting}; {remedy}")]
    Missing {
        /// The vendor.
        vendor: &'static str,
        /// Name of the setting.
        setting: &'static str,
        /// Advice.
        remedy: &'static str,
    },
    /// The vendor knows other values.
    #[error("the provider {vendor} has no {setting} '{given}'; give {known}")]
    Value {
        /// The vendor.
        vendor: &'static str,
        /// Name of the setting.
        setting: &'static str,
        /// Value that was given.
        given: String,
        /// Values that it takes.
        known: String,
    },
    /// A field that the program decides.
    #[error("extra_body may not hold '{field}': {why}")]
    Own {
        /// The field.
        field: String,
        /// The reason, with the way to what is wanted.
        why: &'static str,
    },
}

/// Fields that decide what is asked, what may come, in which form, and what it costs.
const OWN: [(&str, &str); 22] = [
    ("model", "give --model"),
    ("messages", "the prompt is the pipeline's"),
    ("system", "the prompt is the pipeline's"),
    ("instructions", "the prompt is the pipeline's"),
    ("input", "the prompt is the pipeline's"),
    ("contents", "the prompt is the pipeline's"),
    ("systemInstruction", "the prompt is the pipeline's"),
    ("system_instruction", "the prompt is the pipeline's"),
    ("max_tokens", BUDGET),
    ("max_completion_tokens", BUDGET),
    ("max_output_tokens", BUDGET),
    ("maxOutputTokens", BUDGET),
    ("n", ONE),
    ("best_of", ONE),
    ("candidateCount", ONE),
    ("candidate_count", ONE),
    ("stream", WHOLE),
    ("stream_options", WHOLE),
    ("background", WHOLE),
    ("service_tier", TIER),
    ("serviceTier", TIER),
    ("speed", TIER),
];
const BUDGET: &str = "the output budget is [provider] max_output_tokens of the pipeline, and --max-cost counts with it";
const ONE: &str = "one answer to a request is read and paid for";
const WHOLE: &str = "how responses come is the program's choice; see --stream";
const TIER: &str = "its price would not be known; give --service-tier";

/// Objects of a body whose fields are looked at too.
const CONFIGS: [&str; 2] = ["generationConfig", "generation_config"];

impl Dialect {
    /// This phrasing with the wishes of a pipeline about how the model answers. `is_local` says that the server is on this machine:
    /// what runs there takes the switches of a model's chat template as well.
    ///
    /// # Errors
    /// For a wish that the vendor has no parameter for.
    pub fn with_settings(mut self, settings: &ModelSettings, is_local: bool) -> Result<Self, SettingTrouble> {
        judge(self.vendor, settings)?;
        self.is_local = is_local;
        let mut phrased = Value::Object(self.vendor.model_settings(&self, settings)?);
        if let Some(cool) = self.likeliest_words(settings) {
            merge(&mut phrased, &cool);
            self.adds_temperature = true;
        }
        self.extras = [phrased, Value::Object(settings.extra_body.clone())]
            .into_iter()
            .filter(|extra| extra.as_object().is_some_and(|fields| !fields.is_empty()))
            .collect();
        Ok(self)
    }

    /// The wish for temperature 0, where nobody wishes for another one: servers other than a vendor's own sample as chats need it (0.8 at
    /// llama.cpp), and a term is no matter of taste. An answer at another temperature is as good an answer, so no key knows of it.
    /// <https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md>
    fn likeliest_words(&self, settings: &ModelSettings) -> Option<Value> {
        let wishes = settings.temperature.is_some() || holds_temperature(&settings.extra_body);
        if self.first_party || wishes {
            return None;
        }
        let cool = ModelSettings { temperature: Some(0.0), ..ModelSettings::default() };
        self.vendor.model_settings(self, &cool).ok().map(Value::Object)
    }

    /// Takes the temperature that nobody wished for out of a body: models that think refuse any, behind a gateway too.
    pub(in crate::remote) fn without_temperature(&self, body: &mut Value) {
        let Some(body) = body.as_object_mut().filter(|_| self.adds_temperature) else { return };
        body.remove(TEMPERATURE);
        for config in CONFIGS {
            if let Some(fields) = body.get_mut(config).and_then(Value::as_object_mut) {
                fields.remove(TEMPERATURE);
            }
        }
    }

    /// This phrasing with a label for the prompt that all requests begin with, where the vendor sends requests of one label to where
    /// that prompt is cached. Only the vendor itself is told: other servers refuse what they do not know.
    #[must_use]
    pub fn with_cached_prompt(mut self, prompt: &str) -> Self {
        if self.first_party && self.vendor.takes_cache_key() {
            self.cache_key = Some(Fingerprint::of(prompt.as_bytes()).hex()[..32].to_owned());
        }
        self
    }

    /// Adds to a body what is not in every request.
    pub(super) fn add_extras(&self, body: &mut Value, tier: ServiceTier) {
        if let Some(key) = &self.cache_key {
            body["prompt_cache_key"] = json!(key);
        }
        if let Some((field, value)) = self.preset.and_then(|preset| preset.extra) {
            body[field] = json!(value);
        }
        for extra in &self.extras {
            merge(body, extra);
        }
        if tier == ServiceTier::Flex {
            // The same word and place at all that have it.
            body["service_tier"] = json!(tier.word());
        }
    }
}

/// Name of the field of a temperature, at all vendors.
const TEMPERATURE: &str = "temperature";

fn holds_temperature(body: &Map<String, Value>) -> bool {
    let configs = CONFIGS.iter().filter_map(|name| body.get(*name)?.as_object());
    std::iter::once(body).chain(configs).any(|fields| fields.contains_key(TEMPERATURE))
}

/// Judges what no vendor may be asked.
fn judge(vendor: &dyn Vendor, settings: &ModelSettings) -> Result<(), SettingTrouble> {
    if let Some(temperature) = settings.temperature.filter(|t| !(0.0..=2.0).contains(t)) {
        let (given, known) = (temperature.to_string(), "a number from 0 to 2".to_owned());
        return Err(SettingTrouble::Value { vendor: vendor.name(), setting: "temperature", given, known });
    }
    if settings.stop.iter().any(String::is_empty) {
        let known = "texts that are not empty".to_owned();
        return Err(SettingTrouble::Value { vendor: vendor.name(), setting: "stop", given: String::new(), known });
    }
    let body = &settings.extra_body;
    let configs = CONFIGS.iter().filter_map(|name| body.get(*name)?.as_object());
    for fields in std::iter::once(body).chain(configs) {
        if let Some((field, why)) = OWN.into_iter().find(|(field, _)| fields.contains_key(*field)) {
            return Err(SettingTrouble::Own { field: field.to_owned(), why });
        }
    }
    Ok(())
}

/// Merges an object into another: objects field by field, null takes a field out, anything else takes the place of what is there.
/// <https://www.rfc-editor.org/rfc/rfc7396>
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        patch.clone_into(into);
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(fields) = into else { return };
    for (name, value) in patch {
        match value {
            Value::Null => _ = fields.remove(name),
            value => merge(fields.entry(name.as_str()).or_insert(Value::Null), value),
        }
    }
}

/// Word of an effort, if the vendor has it.
pub(super) fn effort_word(
    vendor: &dyn Vendor,
    effort: Effort,
    known: &[Effort],
) -> Result<&'static str, SettingTrouble> {
    if known.contains(&effort) {
        return Ok(effort.word());
    }
    let words: Vec<&str> = known.iter().map(|effort| effort.word()).collect();
    let (given, known) = (effort.word().to_owned(), listed(&words, "or"));
    Err(SettingTrouble::Value { vendor: vendor.name(), setting: "effort", given, known })
}

/// Stop texts, if there are not more of them than the vendor takes.
pub(super) fn stop_texts<'s>(
    vendor: &dyn Vendor,
    stop: &'s [String],
    most: usize,
) -> Result<&'s [String], SettingTrouble> {
    if stop.len() <= most {
        return Ok(stop);
    }
    let (given, known) = (format!("of {} texts", stop.len()), format!("at most {most}"));
    Err(SettingTrouble::Value { vendor: vendor.name(), setting: "stop", given, known })
}

/// Judges a tier of service.
///
/// # Errors
/// If the vendor does not have it; says who has.
pub fn check_tier(vendor: &dyn Vendor, tier: ServiceTier) -> Result<(), SettingTrouble> {
    if tier == ServiceTier::Standard || vendor.has_flex() {
        return Ok(());
    }
    let who: Vec<&str> = ALL.iter().filter(|vendor| vendor.has_flex()).map(|vendor| vendor.name()).collect();
    let known = format!("standard, or ask one that has it: {}", listed(&who, "or"));
    let (setting, given) = ("service tier", tier.word().to_owned());
    Err(SettingTrouble::Value { vendor: vendor.name(), setting, given, known })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::sync::Arc;

    use super::*;
    use crate::remote::{ANTHROPIC, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, Prompt, Structured};

    fn dialect(vendor: &'static dyn Vendor) -> Dialect {
        Dialect::new(vendor, "m", vendor.default_api_version(), true)
    }

    fn body(dialect: &Dialect, tier: ServiceTier) -> Value {
        let prompt = Prompt {
            system: "Find terms.".into(),
            user: "The wyrm sleeps.".into(),
            schema: Arc::new(json!({"type": "object", "properties": {}})),
            schema_name: "glossary".into(),
            max_output_tokens: 512,
            tier,
        };
        dialect.body(&prompt, Structured::Schema)
    }

    fn effort(effort: Effort) -> ModelSettings {
        ModelSettings { effort: Some(effort), ..ModelSettings::default() }
    }

    fn sampled() -> ModelSettings {
        ModelSettings { temperature: Some(0.0), seed: Some(7), stop: vec!["END".into()], ..ModelSettings::default() }
    }

    /// Requests as they leave, with each wish that a vendor takes, line by line.
    #[test]
    fn wishes_stand_in_requests_under_the_vendors_own_names() {
        let mut golden = String::new();
        for vendor in ALL {
            let mut line = |what: &str, dialect: Dialect, tier| {
                writeln!(golden, "{} {what}: {}", vendor.name(), body(&dialect, tier)).unwrap();
            };
            line("plain", dialect(vendor), ServiceTier::Standard);
            for word in [Effort::None, Effort::Minimal, Effort::Low, Effort::Medium, Effort::High] {
                if let Ok(told) = dialect(vendor).with_settings(&effort(word), false) {
                    line(word.word(), told, ServiceTier::Standard);
                }
            }
            if let Ok(told) = dialect(vendor).with_settings(&sampled(), false) {
                line("sampled", told, ServiceTier::Standard);
            }
            line("cached", dialect(vendor).with_cached_prompt("Find terms."), ServiceTier::Standard);
            if vendor.has_flex() {
                line("flex", dialect(vendor), ServiceTier::Flex);
            }
        }
        insta::assert_snapshot!(golden);
    }

    #[test]
    fn without_a_wish_no_byte_of_a_request_changes() {
        for vendor in ALL {
            let plain = vendor.body(&dialect(vendor), &prompt(), Structured::Schema);
            let told = dialect(vendor).with_settings(&ModelSettings::default(), true).unwrap();
            assert_eq!(told.body(&prompt(), Structured::Schema).to_string(), plain.to_string(), "{vendor:?}");
            let elsewhere = Dialect { first_party: false, ..dialect(vendor) }.with_cached_prompt("Find terms.");
            assert!(!body(&elsewhere, ServiceTier::Standard).to_string().contains("cache_key"), "{vendor:?}");
        }
    }

    #[test]
    fn servers_other_than_a_vendors_own_are_asked_for_the_likeliest_words_unless_a_person_says_otherwise() {
        let elsewhere = |vendor, settings: &ModelSettings| {
            let dialect = Dialect { first_party: false, ..dialect(vendor) };
            dialect.with_settings(settings, false).unwrap()
        };
        let sent = |dialect: &Dialect| body(dialect, ServiceTier::Standard);
        let none = ModelSettings::default();
        for vendor in [OPENAI_CHAT, OPENAI_RESPONSES] {
            assert_eq!(sent(&elsewhere(vendor, &none))["temperature"], 0.0);
        }
        assert_eq!(sent(&elsewhere(GEMINI, &none))["generationConfig"]["temperature"], 0.0);
        // Its version of today takes none.
        assert_eq!(sent(&elsewhere(ANTHROPIC, &none)).get("temperature"), None);
        let warm = ModelSettings { temperature: Some(0.7), ..ModelSettings::default() };
        let raw = ModelSettings {
            extra_body: Map::from_iter([("temperature".to_owned(), json!(0.7))]),
            ..ModelSettings::default()
        };
        for wish in [&warm, &raw] {
            let dialect = elsewhere(OPENAI_CHAT, wish);
            let mut told = sent(&dialect);
            assert_eq!(told["temperature"], 0.7);
            dialect.without_temperature(&mut told);
            assert_eq!(told["temperature"], 0.7, "the word of a person stays");
        }
        for vendor in [OPENAI_CHAT, GEMINI] {
            let cooled = elsewhere(vendor, &none);
            let mut told = sent(&cooled);
            cooled.without_temperature(&mut told);
            let plain = body(&Dialect { first_party: false, ..dialect(vendor) }, ServiceTier::Standard);
            assert_eq!(told.to_string(), plain.to_string(), "{vendor:?}");
        }
    }

    fn prompt() -> Prompt {
        Prompt {
            system: "s".into(),
            user: "u".into(),
            schema: Arc::new(json!({"type": "object"})),
            schema_name: "a".into(),
            max_output_tokens: 9,
            tier: ServiceTier::Standard,
        }
    }

    #[test]
    fn a_wish_that_a_vendor_has_no_parameter_for_is_refused_with_a_remedy() {
        let refused = |vendor: &'static dyn Vendor, settings: &ModelSettings| {
            dialect(vendor).with_settings(settings, false).unwrap_err().to_string()
        };
        let words = refused(ANTHROPIC, &effort(Effort::Minimal));
        assert!(words.contains("no effort 'minimal'; give none, low, medium or high"), "{words}");
        assert!(refused(ANTHROPIC, &sampled()).contains("--api-version 2023-06-01"));
        assert!(refused(OPENAI_RESPONSES, &sampled()).contains("takes no seed"));
        let many = |n: usize| ModelSettings { stop: vec!["x".into(); n], ..ModelSettings::default() };
        assert!(refused(OPENAI_CHAT, &many(5)).contains("at most 4"));
        assert!(refused(GEMINI, &many(6)).contains("at most 5"));
        for temperature in [-0.1, 2.1, f64::NAN] {
            let settings = ModelSettings { temperature: Some(temperature), ..ModelSettings::default() };
            assert!(refused(OPENAI_CHAT, &settings).contains("a number from 0 to 2"));
        }
        let older = Dialect::new(ANTHROPIC, "m", "2023-06-01", true);
        let cool = ModelSettings { temperature: Some(0.0), ..ModelSettings::default() };
        assert_eq!(body(&older.with_settings(&cool, false).unwrap(), ServiceTier::Standard)["temperature"], 0.0);
    }

    #[test]
    fn fields_of_a_person_are_merged_last_and_null_takes_one_out() {
        let fields = json!({"top_k": 40, "store": null, "chat_template_kwargs": null, "text": {"verbosity": "low"}});
        let Value::Object(extra_body) = fields else { panic!() };
        let settings = ModelSettings { extra_body, ..effort(Effort::Low) };
        let told = body(&dialect(OPENAI_RESPONSES).with_settings(&settings, false).unwrap(), ServiceTier::Standard);
        assert_eq!((&told["top_k"], told.get("store")), (&json!(40), None));
        assert_eq!(told["text"]["verbosity"], "low");
        assert_eq!(told["text"]["format"]["type"], "json_schema", "what stands beside it stays");
        // A server of one's own gets the switches of the template, unless a person takes them out.
        let local = |settings: &ModelSettings| {
            let dialect = Dialect { first_party: false, ..dialect(OPENAI_CHAT) };
            body(&dialect.with_settings(settings, true).unwrap(), ServiceTier::Standard)
        };
        let quiet = local(&effort(Effort::None));
        assert_eq!(quiet["chat_template_kwargs"]["enable_thinking"], false);
        assert_eq!(local(&settings).get("chat_template_kwargs"), None);
    }

    #[test]
    fn what_decides_the_question_or_its_price_is_no_extra_field() {
        for field in ["model", "messages", "stream", "service_tier", "max_tokens", "n"] {
            let extra_body = Map::from_iter([(field.to_owned(), json!(1))]);
            let settings = ModelSettings { extra_body, ..ModelSettings::default() };
            let words = dialect(OPENAI_CHAT).with_settings(&settings, false).unwrap_err().to_string();
            assert!(words.contains(&format!("may not hold '{field}'")), "{words}");
        }
        let extra_body = Map::from_iter([("generationConfig".to_owned(), json!({"candidateCount": 2}))]);
        let settings = ModelSettings { extra_body, ..ModelSettings::default() };
        assert!(dialect(GEMINI).with_settings(&settings, false).is_err());
    }

    #[test]
    fn a_tier_that_a_vendor_does_not_have_is_refused_with_who_has_it() {
        let words = check_tier(ANTHROPIC, ServiceTier::Flex).unwrap_err().to_string();
        assert!(words.contains("anthropic") && words.contains("openai, openai-responses or gemini"), "{words}");
        assert_eq!(check_tier(ANTHROPIC, ServiceTier::Standard), Ok(()));
        assert_eq!(check_tier(GEMINI, ServiceTier::Flex), Ok(()));
    }
}
