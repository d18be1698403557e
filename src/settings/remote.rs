//! Remote providers: the way to them, an account's limits, what is sent.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args};

use super::answers::ProviderSettings;
use super::batch_endpoint::BatchEndpointSettings;
use super::choice::choice;
use super::json_text::JsonText;
use super::load::SettingsError;
use super::model_settings::ModelOptions;
use super::sources::{Origin, Sources};
use crate::engine::{Aim, EndpointKind, Remote, defaults};
use crate::remote::{
    ApiKey, Dialect, Endpoint, ExtraHeaders, PRESETS, Preset, Prices, Rates, ServiceTier, Structured, VENDORS, Vendor,
    check_tier, provider_named,
};
use crate::stages::extract::{ContextChoice, Phrasing, answer_schema};
use crate::stages::pipeline::{AccountLimits, MOST_TERMS_PER_REQUEST, Pipeline};
use crate::values::{Choice, Cost, listed};

/// File descriptors that are not connections: the store, outputs, parse workers, terminals.
const OTHER_FILES: u64 = 256;

/// Settings of a remote provider.
#[derive(Debug, Clone, Args)]
pub(crate) struct RemoteSettings {
    /// The way to it.
    #[command(flatten)]
    pub connection: ConnectionSettings,

    /// The account's limits.
    #[command(flatten)]
    pub rates: RateSettings,

    /// Requests and their cost.
    #[command(flatten)]
    pub traffic: TrafficSettings,

    /// Wishes about how the model answers.
    #[command(flatten)]
    pub model: ModelOptions,
}

/// Settings of the way to a provider.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Remote providers")]
pub(crate) struct ConnectionSettings {
    /// Where the provider is, if not at its own address: a compatible server, a proxy, the simulator.
    #[arg(long, value_name = "URL", env = "CORPORA_BASE_URL")]
    pub base_url: Option<String>,

    /// Version of the provider's interface [default: the one that this program was written for].
    #[arg(long, value_name = "VERSION", env = "CORPORA_API_VERSION")]
    pub api_version: Option<String>,

    /// Allow plain http to another machine: key and books travel unencrypted.
    #[arg(long, env = "CORPORA_ALLOW_HTTP")]
    pub allow_http: bool,

    /// A file that holds the API key [default: the variable ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY].
    #[arg(long, value_name = "FILE", env = "CORPORA_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Headers that each request gets besides, as `Name: value` (several: a line each, or a JSON object); their values are shown nowhere.
    #[arg(long, value_name = "HEADERS", env = "CORPORA_HEADERS")]
    pub headers: Option<JsonText>,

    /// Time that one request may take; 900 where the flex tier is asked.
    #[arg(long, value_name = "SECONDS", env = "CORPORA_REQUEST_TIMEOUT", default_value_t = defaults::REQUEST_TIMEOUT.as_secs_f64())]
    pub request_timeout: f64,

    /// Whether answers come word by word: what came before a cut is kept, a slow server is told from a dead one, and --request-timeout is the time for the first word alone.
    #[arg(long, value_name = "WHEN", env = "CORPORA_STREAM", value_parser = choice::<StreamChoice>(), default_value = StreamChoice::default().word())]
    pub stream: StreamChoice,

    /// Way in which the schema of answers is given first; `corpora doctor --tune` finds the one that a server holds to [default: the vendor's best].
    #[arg(long, value_name = "WAY", env = "CORPORA_STRUCTURED", value_parser = choice::<Structured>())]
    pub structured: Option<Structured>,

    /// Time between two words of an answer that is streamed.
    #[arg(long, value_name = "SECONDS", env = "CORPORA_TOKEN_TIMEOUT", default_value_t = defaults::TOKEN_TIMEOUT.as_secs_f64())]
    pub token_timeout: f64,
}

/// Settings of an account's limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Remote providers")]
pub(crate) struct RateSettings {
    /// Requests a minute [default: as the provider's headers tell].
    #[arg(long, value_name = "N", env = "CORPORA_RPM")]
    pub rpm: Option<u64>,

    /// Input tokens a minute.
    #[arg(long, value_name = "N", env = "CORPORA_ITPM")]
    pub itpm: Option<u64>,

    /// Output tokens a minute.
    #[arg(long, value_name = "N", env = "CORPORA_OTPM")]
    pub otpm: Option<u64>,

    /// Input and output tokens a minute together, where the provider counts them so.
    #[arg(long, value_name = "N", env = "CORPORA_TPM")]
    pub tpm: Option<u64>,
}

/// Settings of what is sent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Remote providers")]
pub(crate) struct TrafficSettings {
    /// Requests in flight at most; how many there are follows from rate and latency.
    #[arg(long, value_name = "N", env = "CORPORA_IN_FLIGHT", default_value_t = defaults::IN_FLIGHT)]
    pub in_flight: usize,

    /// How long to wait for a provider that answers nothing at all.
    #[arg(long, value_name = "MINUTES", env = "CORPORA_PATIENCE", default_value_t = defaults::PATIENCE.as_secs_f64() / 60.0)]
    pub patience: f64,

    /// What all answers in the output folder may cost together, in US dollars.
    #[arg(long, value_name = "DOLLARS", env = "CORPORA_MAX_COST")]
    pub max_cost: Option<f64>,

    /// A price table of your own, before the built-in one.
    #[arg(long, value_name = "FILE", env = "CORPORA_PRICES")]
    pub prices: Option<PathBuf>,

    /// Whether documents are asked about while others are still parsed.
    #[arg(long, value_name = "on|off", env = "CORPORA_OVERLAP", action = ArgAction::Set, value_parser = BoolishValueParser::new(), default_value = "on")]
    pub overlap: bool,

    /// Tier of service: flex costs about half at OpenAI and Gemini, is slower, and waits while there is no room.
    #[arg(long, value_name = "TIER", env = "CORPORA_SERVICE_TIER", value_parser = choice::<ServiceTier>(), default_value = ServiceTier::default().word())]
    pub service_tier: ServiceTier,

    /// Terms in one request [default: the pipeline's terms_per_request].
    #[arg(long, value_name = "N", env = "CORPORA_TERMS_PER_REQUEST")]
    pub terms_per_request: Option<usize>,

    /// What a model is told of a term: a sentence, the chunk in which it stands, or whichever is cheaper.
    #[arg(long, value_name = "WHAT", env = "CORPORA_CONTEXT", value_parser = choice::<ContextChoice>(), default_value = ContextChoice::default().word())]
    pub context: ContextChoice,
}

/// Servers whose answers are streamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum StreamChoice {
    /// Servers other than a vendor's own: they may be slow, or loop.
    #[default]
    Others,
    /// All.
    Always,
    /// None.
    Never,
}

impl StreamChoice {
    fn holds(self, first_party: bool) -> bool {
        match self {
            Self::Others => !first_party,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

impl Choice for StreamChoice {
    const WORDS: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Others, "auto", "At servers other than a vendor's own"),
        (Self::Always, "always", "At every provider"),
        (Self::Never, "never", "Answers come in one piece"),
    ];
}

/// The name of the embedded provider.
const LOCAL: &str = "local";

impl RemoteSettings {
    /// The pipeline with the provider that was chosen for it, and that provider; none if it is the embedded one. Reads key file
    /// and price table, and may raise the limit of open files.
    ///
    /// # Errors
    /// For what cannot be asked, before anything is done for it.
    pub(crate) fn resolve(
        &self,
        mut pipeline: Pipeline,
        chosen: &ProviderSettings,
        batch: Option<&BatchEndpointSettings>,
        sources: &Sources,
    ) -> Result<(Pipeline, Option<Remote>), SettingsError> {
        let choice = &mut pipeline.provider;
        choice.name = chosen.provider.clone().unwrap_or_else(|| choice.name.clone());
        // A model or an address that a weaker place names is for another provider than the one that was named here.
        let chosen_at = sources.origin("provider");
        let weaker = |key: &str| sources.origin(key) < chosen_at;
        if choice.name == LOCAL {
            let model = chosen.model.as_ref().filter(|_| !weaker("model")).or(choice.model.as_ref());
            if let Some(model) = model {
                return bad(format!("the local provider has no models; leave out --model {model}"));
            }
            return match self.connection.base_url.as_ref().filter(|_| !weaker("base_url")) {
                None => Ok((pipeline, None)),
                Some(url) => bad(format!(
                    "the local provider has no address; leave out --base-url {url}, or name the interface it speaks with --provider"
                )),
            };
        }
        let model = chosen.model.clone().or(choice.model.take());
        let mut remote = self.connection.connect(&choice.name, model)?;
        // The interface is part of a question, the name of a preset is not: its answers are those of the same server without it.
        choice.name = remote.dialect.vendor.name().to_owned();
        choice.model = Some(remote.dialect.model.clone());
        choice.origin = Some(remote.endpoint.origin());
        choice.api_version = Some(remote.dialect.api_version.clone()).filter(|v| !v.is_empty());
        choice.settings = self.model.resolve(&choice.settings)?;
        if let Some(terms) = self.traffic.terms_per_request {
            if !(1..=MOST_TERMS_PER_REQUEST).contains(&terms) {
                return bad(format!("--terms-per-request {terms} is out of range; give 1 to {MOST_TERMS_PER_REQUEST}"));
            }
            choice.terms_per_request = terms;
        }
        // Said before anything is parsed, not hours later.
        remote.dialect.vendor.structured(&answer_schema(&pipeline, 1)).map_err(SettingsError::value)?;
        let is_local = remote.endpoint.is_loopback();
        let dialect =
            remote.dialect.with_settings(&pipeline.provider.settings, is_local).map_err(SettingsError::value)?;
        remote.dialect = dialect.with_cached_prompt(&Phrasing::new(&pipeline).instructions);
        remote.rates = self.rates.resolve(pipeline.provider.limits)?;
        self.traffic.resolve(&mut remote, sources)?;
        if let Some(batch) = batch {
            (remote.endpoint_kind, remote.batch) = batch.resolve(&remote, sources)?;
        }
        let cheapest = matches!(remote.endpoint_kind, EndpointKind::Auto { aim: Aim::Cheapest, .. });
        let may_flex = remote.tier == ServiceTier::Flex || (cheapest && remote.dialect.vendor.has_flex());
        if may_flex && sources.origin("request_timeout") == Origin::Default {
            remote.timeout = defaults::FLEX_REQUEST_TIMEOUT;
        }
        Ok((pipeline, Some(remote)))
    }
}

fn bad<T>(message: String) -> Result<T, SettingsError> {
    Err(SettingsError::Value(message))
}

impl ConnectionSettings {
    /// A remote provider with the engine's defaults.
    ///
    /// # Errors
    /// For a provider that is not known, a missing model or key, and an address that cannot be asked.
    pub(crate) fn connect(&self, name: &str, model: Option<String>) -> Result<Remote, SettingsError> {
        let Some((vendor, preset)) = provider_named(name) else {
            let known: Vec<&str> = VENDORS.iter().map(|vendor| vendor.described()).collect();
            let servers: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            return bad(format!(
                "there is no provider '{name}'; known are local, which needs no key and no network, {}, and by their addresses {}",
                known.join(", "),
                listed(&servers, "and")
            ));
        };
        let Some(model) = model.filter(|m| !m.trim().is_empty()) else {
            return bad(format!("the provider {name} needs a model; give its name with --model"));
        };
        let endpoint = self.endpoint(vendor, preset)?;
        let api_version = self.api_version.clone().unwrap_or_else(|| vendor.default_api_version().to_owned());
        if !api_version.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')) {
            return bad(format!("--api-version '{api_version}' cannot be one; give something like 2026-10-21 or v1"));
        }
        let first_party =
            Endpoint::new(vendor.default_base_url(), false).is_ok_and(|own| own.origin() == endpoint.origin());
        let mut dialect = Dialect::new(vendor, &model, &api_version, first_party);
        dialect.preset = preset;
        dialect.extra_headers = self.headers(&dialect)?;
        let key = self.key(dialect.key_variable(), &endpoint)?;
        let mut remote = Remote::new(endpoint, dialect, key, || jiff::Timestamp::now().as_microsecond() as f64 / 1e6);
        remote.timeout = seconds("--request-timeout", self.request_timeout)?;
        let token_timeout = seconds("--token-timeout", self.token_timeout)?;
        let not_best = preset.map(|preset| preset.structured).filter(|way| *way != Structured::Schema);
        remote.structured = self.structured.or(not_best);
        let streams = preset.is_none_or(|preset| preset.streams) || self.stream == StreamChoice::Always;
        remote.between_tokens = (streams && self.stream.holds(first_party)).then_some(token_timeout);
        Ok(remote)
    }

    fn headers(&self, dialect: &Dialect) -> Result<ExtraHeaders, SettingsError> {
        let Some(given) = &self.headers else { return Ok(ExtraHeaders::default()) };
        let given = given
            .named_texts()
            .map_err(|wanted| SettingsError::value(format!("--headers cannot be used; give {wanted}")))?;
        ExtraHeaders::new(given, dialect.key_header("").0).map_err(SettingsError::value)
    }

    fn endpoint(&self, vendor: &dyn Vendor, preset: Option<&Preset>) -> Result<Endpoint, SettingsError> {
        let known = preset.map_or(Some(vendor.default_base_url()), |preset| preset.base_url);
        let Some(given) = self.base_url.as_deref().or(known) else {
            return bad(format!(
                "the provider {} has an address for each account; give yours with --base-url, like https://RESOURCE.openai.azure.com/openai/v1",
                preset.map_or("", |preset| preset.name)
            ));
        };
        let given = given.trim().trim_end_matches('/');
        Endpoint::new(&vendor.base_url(given), self.allow_http).map_err(SettingsError::value)
    }

    /// The key from the file that was named, or else from the environment.
    fn key(&self, variable: &str, endpoint: &Endpoint) -> Result<Option<ApiKey>, SettingsError> {
        let (text, place) = match &self.key_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|e| {
                    SettingsError::value(format!("the key file '{}' cannot be read: {e}", file.display()))
                })?;
                (Some(text), format!("the key in the file '{}'", file.display()))
            }
            // Set to nothing is how some shells unset.
            None => (
                std::env::var(variable).ok().filter(|key| !key.trim().is_empty()),
                format!("the key in the variable {variable}"),
            ),
        };
        match text {
            Some(text) => {
                ApiKey::new(&text).map(Some).map_err(|e| SettingsError::value(format!("{place} cannot be used: {e}")))
            }
            // Servers on this machine rarely want one.
            None if endpoint.is_loopback() => Ok(None),
            None => bad(format!(
                "{} needs an API key: set the variable {variable}, or name a file that holds it with --key-file",
                endpoint.origin()
            )),
        }
    }
}

impl RateSettings {
    /// These limits, or else the pipeline's.
    fn resolve(&self, pipeline: AccountLimits) -> Result<Rates, SettingsError> {
        let rates = [
            ("rpm", self.rpm.or(pipeline.rpm)),
            ("itpm", self.itpm.or(pipeline.itpm)),
            ("otpm", self.otpm.or(pipeline.otpm)),
            ("tpm", self.tpm.or(pipeline.tpm)),
        ];
        if let Some((name, _)) = rates.iter().find(|(_, rate)| *rate == Some(0)) {
            return bad(format!("--{name} 0 lets nothing through; leave it out for no limit of your own"));
        }
        let [requests, input, output, tokens] = rates.map(|(_, rate)| rate);
        Ok(Rates { requests, input, output, tokens })
    }
}

impl TrafficSettings {
    fn resolve(&self, remote: &mut Remote, sources: &Sources) -> Result<(), SettingsError> {
        let model = &remote.dialect.model;
        let today = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::now()).date();
        remote.price = self.prices()?.of(model, today).cloned();
        remote.max_cost = match self.max_cost {
            None => None,
            Some(dollars) if !(dollars > 0.0 && dollars < 9e6) => {
                return bad(format!("--max-cost {dollars} is not an amount of dollars; give for example 5.00"));
            }
            Some(_) if remote.price.is_none() => {
                return bad(format!(
                    "--max-cost cannot be kept: the price of the model '{model}' is not known; give a table with it to --prices (the built-in one shows the shape: src/remote/prices.toml)"
                ));
            }
            Some(dollars) => Some(Cost::from_dollars(dollars)),
        };
        remote.most_in_flight = self.in_flight(sources)?;
        remote.patience = seconds("--patience", self.patience * 60.0)?;
        remote.overlap = self.overlap;
        remote.context = self.context;
        check_tier(remote.dialect.vendor, self.service_tier).map_err(SettingsError::value)?;
        remote.tier = self.service_tier;
        Ok(())
    }

    fn prices(&self) -> Result<Prices, SettingsError> {
        let builtin = Prices::builtin();
        let Some(file) = &self.prices else { return Ok(builtin) };
        let shown = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|e| SettingsError::value(format!("the price table '{shown}' cannot be read: {e}")))?;
        let own = Prices::read(&text)
            .map_err(|e| SettingsError::value(format!("the price table '{shown}' cannot be used: {e}")))?;
        Ok(builtin.overridden_by(own))
    }

    /// Each request in flight is a connection, and each connection a file descriptor: their number is raised if that is allowed.
    /// What was asked for has to fit; the default takes what there is.
    fn in_flight(&self, sources: &Sources) -> Result<usize, SettingsError> {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let wanted = self.in_flight;
        if !(1..=100_000).contains(&wanted) {
            return bad(format!("--in-flight {wanted} is out of range; give 1 to 100000"));
        }
        let limit = getrlimit(Resource::Nofile);
        let needed = wanted as u64 + OTHER_FILES;
        if limit.current.is_none_or(|current| current >= needed) {
            return Ok(wanted);
        }
        let raised = limit.maximum.map_or(needed, |most| most.min(needed));
        let possible = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
            Ok(()) => raised,
            Err(_) => limit.current.unwrap_or(raised),
        };
        let fits = usize::try_from(possible.saturating_sub(OTHER_FILES)).unwrap_or(1).max(1);
        if fits < wanted && sources.origin("in_flight") != Origin::Default {
            return bad(format!(
                "--in-flight {wanted} needs {needed} open files, and this system allows {possible}; raise it with 'ulimit -n {needed}', or give --in-flight {fits}"
            ));
        }
        Ok(wanted.min(fits))
    }
}

/// A time of an option.
///
/// # Errors
/// If it is not positive, or more than a week.
pub(super) fn seconds(name: &str, seconds: f64) -> Result<Duration, SettingsError> {
    if seconds > 0.0 && seconds <= 7.0 * 86_400.0 {
        return Ok(Duration::from_secs_f64(seconds));
    }
    bad(format!("{name} is out of range; give a positive time of at most a week"))
}
