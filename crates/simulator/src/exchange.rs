//! One request and its answer, from the first byte to the journal's line.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Request, Response};
use serde_json::{Value, json};

use super::apply_fault::{FaultContext, apply_fault};
use super::batches::{self, BatchCall};
use super::chance::{self, log_normal, uniform};
use super::content::{Content, content};
use super::interfaces::{ALL, Interface, ModelRequest, Parts, Purpose, Refusal, UsageReport};
use super::journal::JournalLine;
use super::reply::{Body, Reply, send};
use super::state::State;
use super::streaming;
use super::{Fault, JournalEntry, SimulatorConfig};
use corpora_values::Usage;

/// Largest body: Anthropic's limit on messages.
const LARGEST_BODY: usize = 32 << 20;

/// Largest payload of a batch: Google's limit on files.
const LARGEST_BATCH: usize = 2 << 30;

/// Names and values of headers.
type Headers = Vec<(String, String)>;

/// A request that has arrived whole.
struct Arrived {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Arrived {
    async fn receive(request: Request<Incoming>) -> Self {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let most = if batches::is_batch_path(&path) { LARGEST_BATCH } else { LARGEST_BODY };
        let body = Limited::new(body, most).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default().to_owned();
        Self { method: parts.method.as_str().to_owned(), path, query, headers: parts.headers, body }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
    }

    /// The key, wherever a vendor's clients put it.
    fn key(&self) -> Option<String> {
        self.header("x-api-key")
            .or_else(|| self.header("x-goog-api-key"))
            .or_else(|| self.header("authorization").and_then(|a| a.strip_prefix("Bearer ").map(str::to_owned)))
            .or_else(|| self.query.split('&').find_map(|p| p.strip_prefix("key=")).map(str::to_owned))
    }

    /// True if the answer is to come in pieces: by the path at Gemini, by a field elsewhere.
    fn wants_stream(&self) -> bool {
        let body = || serde_json::from_slice::<Value>(&self.body).unwrap_or_default();
        self.path.ends_with(":streamGenerateContent") || body()["stream"] == true
    }

    /// The interface that is asked, and for what.
    fn route(&self) -> Option<(&'static dyn Interface, Purpose)> {
        let inner = self.path.strip_prefix("/v1beta").or_else(|| self.path.strip_prefix("/v1"))?;
        let header = |name: &str| self.header(name);
        ALL.into_iter().find_map(|i| Some((i, i.claims(&self.method, inner, &header)?)))
    }

    fn read(&self, interface: &dyn Interface, body: &Value) -> Result<ModelRequest, Refusal> {
        interface.read(&Parts { path: &self.path, header: &|name| self.header(name), body })
    }
}

/// Answers a request; an error ends the connection.
pub(crate) async fn answer(state: Arc<State>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let arrived = Arrived::receive(request).await;
    let key = arrived.key();
    if batches::is_batch_path(&arrived.path) {
        let header = |name: &str| arrived.header(name);
        let (method, path, query) = (&arrived.method, &arrived.path, &arrived.query);
        let call = BatchCall::new(method, path, query, &header, key, arrived.body.clone());
        return batches::answer(&state, call).await;
    }
    let config = state.config();
    let is_key_wrong = !config.key.is_empty() && key.as_deref() != Some(&config.key);
    match arrived.route() {
        None if arrived.path == "/props" && config.slots > 0 => {
            let props = json!({"total_slots": config.slots, "default_generation_settings": {"n_ctx": config.window}});
            Ok(send(Reply::json(200, &props), None))
        }
        None => {
            let message = format!("no such path: {}", arrived.path);
            let error = json!({"message": message, "type": "not_found_error", "param": null, "code": null});
            Ok(send(Reply::json(404, &json!({"error": error})), None))
        }
        Some((interface, Purpose::Ask)) => {
            let exchange = Exchange::begin(state, config, interface, &arrived);
            exchange.answer(&arrived, is_key_wrong, key.as_deref()).await
        }
        Some((interface, purpose)) => Ok(send(tell(&state, &config, interface, purpose, &arrived, is_key_wrong), None)),
    }
}

fn wrong_key() -> Refusal {
    Refusal::new(401, "invalid x-api-key")
}

fn is_known(config: &SimulatorConfig, model: &str) -> bool {
    config.models.is_empty() || config.models.iter().any(|m| m == model)
}

/// Answers to calls that ask no model: they cost nothing and stand in no journal.
fn tell(
    state: &State,
    config: &SimulatorConfig,
    interface: &dyn Interface,
    purpose: Purpose,
    arrived: &Arrived,
    is_key_wrong: bool,
) -> Reply {
    let refuse = |refusal: &Refusal| Reply::json(refusal.status, &interface.error(refusal, 0));
    if is_key_wrong {
        return refuse(&wrong_key());
    }
    if purpose == Purpose::Model {
        let name = arrived.path.rsplit('/').next().unwrap_or_default();
        if !is_known(config, name) {
            return refuse(&Refusal::new(404, format!("model: {name}")));
        }
        return Reply::json(200, &interface.model(name));
    }
    if purpose == Purpose::Models {
        let any = ["simulated".to_owned()];
        let names = if config.models.is_empty() { &any[..] } else { &config.models };
        return Reply::json(200, &interface.models(names.iter().map(|name| interface.model(name)).collect()));
    }
    let body = serde_json::from_slice(&arrived.body).unwrap_or(Value::Null);
    match arrived.read(interface, &body) {
        Ok(ask) => {
            let tokens = state.prompt_usage(&ask, config).prompt();
            Reply::json(200, &json!({ interface.count_field(): tokens }))
        }
        Err(refusal) => refuse(&refusal),
    }
}

/// A request for an answer, on its way.
struct Exchange {
    state: Arc<State>,
    config: Arc<SimulatorConfig>,
    interface: &'static dyn Interface,
    /// Hash of path and body.
    hash: u64,
    attempt: u32,
    n: u64,
    line: JournalLine,
}

impl Exchange {
    fn begin(
        state: Arc<State>,
        config: Arc<SimulatorConfig>,
        interface: &'static dyn Interface,
        arrived: &Arrived,
    ) -> Self {
        let hash = chance::hash(&[arrived.path.as_bytes(), &arrived.body]);
        let attempt = state.attempt(hash);
        let at_ms = state.now_ms();
        let n = state.journal.arrived(at_ms, attempt);
        let entry = JournalEntry {
            n,
            at_ms,
            done_ms: at_ms,
            done_unix_ms: 0.0,
            path: arrived.path.clone(),
            model: String::new(),
            request: format!("{hash:016x}"),
            about: String::new(),
            attempt,
            status: 0,
            fault: None,
            billed: None,
            answered: false,
            limited: false,
        };
        let line = JournalLine { state: Arc::clone(&state), entry };
        Self { state, config, interface, hash, attempt, n, line }
    }

    async fn answer(mut self, arrived: &Arrived, is_key_wrong: bool, key: Option<&str>) -> io::Result<Response<Body>> {
        let judged = if is_key_wrong { Err(wrong_key()) } else { self.judge(arrived) };
        let ask = match judged {
            Ok(ask) => ask,
            Err(refusal) => return Ok(self.refuse(&refusal, Vec::new())),
        };
        self.line.entry.model.clone_from(&ask.model);
        self.line.entry.about = ask.about();
        let fault = match fault(&self.config, &ask, self.hash, self.attempt, self.n) {
            Some(Fault::ContentFilter) if self.interface.content_filter().is_none() => Some(Fault::Refusal),
            other => other,
        };
        self.line.entry.fault = fault;
        let (said, usage) = match self.think(&ask, fault) {
            Ok(thought) => thought,
            Err(refusal) => return Ok(self.refuse(&refusal, Vec::new())),
        };
        let headers = match self.admit(&ask, usage) {
            Ok(headers) => headers,
            Err((wait, headers)) => return Ok(self.refuse_for_now(wait, headers)),
        };
        let trouble = fault.filter(|f| !f.is_content());
        if trouble.is_none_or(|f| f.after_effect() || matches!(f, Fault::Gzip | Fault::SlowBody)) {
            self.line.entry.billed = Some(usage);
        }
        if trouble == Some(Fault::Stuck) {
            // Until the client loses patience.
            std::future::pending::<Infallible>().await;
        }
        let state = Arc::clone(&self.state);
        let slot = state.slot().await;
        tokio::time::sleep(self.latency(usage)).await;
        drop(slot);
        let report = match fault {
            Some(Fault::UsageMissing) => UsageReport::Missing,
            Some(Fault::UsageNull) => UsageReport::Null,
            _ => UsageReport::Full(usage),
        };
        let mut ask = ask;
        if fault == Some(Fault::RenamedModel) {
            ask.model.push_str("-2026-08-07");
        }
        let whole = self.interface.success(&ask, &said, report, self.n);
        let mut reply = if arrived.wants_stream() {
            let body = streaming::body(&self.interface.events(&whole), self.interface.ends_with_done());
            Reply::bytes(200, "text/event-stream; charset=utf-8", body.into())
        } else {
            Reply::json(200, &whole)
        };
        if let Some(fault) = trouble {
            let context = FaultContext {
                fault,
                interface: self.interface,
                n: self.n,
                wait_s: self.config.retry_after_s / self.config.speed,
                unix_s: self.state.unix_s(),
                key,
            };
            // Without a reply the connection is cut, and the journal's line says status 0.
            reply = apply_fault(reply, &context).ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionReset))?;
        }
        self.line.entry.status = reply.status;
        reply.headers.extend(headers);
        Ok(send(reply, Some(self.line)))
    }

    /// Reads the request, and judges whether it can be answered at all.
    fn judge(&self, arrived: &Arrived) -> Result<ModelRequest, Refusal> {
        let body = serde_json::from_slice::<Value>(&arrived.body)
            .map_err(|e| Refusal::new(400, format!("the body is not valid JSON: {e}")))?;
        let ask = arrived.read(self.interface, &body)?;
        if is_known(&self.config, &ask.model) {
            Ok(ask)
        } else {
            Err(Refusal::new(404, format!("model: {}", ask.model)))
        }
    }

    /// The model's answer and its tokens, unless the request passes the window.
    fn think(&self, ask: &ModelRequest, fault: Option<Fault>) -> Result<(Content, Usage), Refusal> {
        let mut usage = self.state.prompt_usage(ask, &self.config);
        let window = self.config.window;
        let mut budget = ask.budget;
        if self.config.cuts_prompts {
            usage = Usage { input: usage.prompt().min(window.saturating_sub(1)), ..Usage::default() };
            budget = budget.min(window - usage.input);
        } else if usage.prompt() > window {
            return Err(Refusal::too_long(usage.prompt(), window));
        }
        let told = ask.schema.is_none().then(|| schema_in_words(&ask.system)).flatten();
        let answer = self.state.oracle().answer(&ask.user, ask.schema.as_ref().or(told.as_ref()));
        let said = content(&answer, ask.tool.is_some(), budget, fault);
        usage.output = said.tokens;
        if fault == Some(Fault::UsageCached) {
            let cached = usage.input / 2;
            usage = Usage { input: usage.input - cached, cache_read: usage.cache_read + cached, ..usage };
        }
        Ok((said, usage))
    }

    /// Holds the request against the limits: headers that every reply to it has, with the seconds to wait where it is refused.
    fn admit(&self, ask: &ModelRequest, usage: Usage) -> Result<Headers, (f64, Headers)> {
        let counted = usage.prompt() - if self.interface.limits_cached_input() { 0 } else { usage.cache_read };
        let (admitted, levels) = self.state.admit(&self.config, ask, counted, usage.output);
        let mut headers = vec![self.id()];
        if self.config.limits.headers.unwrap_or(true) {
            headers.extend(self.interface.limit_headers(&levels, self.state.unix_s()));
        }
        match admitted {
            Ok(()) => Ok(headers),
            Err(wait) => Err((wait, headers)),
        }
    }

    fn latency(&self, usage: Usage) -> Duration {
        let of = |what| uniform(self.config.seed, self.hash, self.attempt, what);
        let l = self.config.latency;
        let ms =
            log_normal(l.median_ms, l.p99_over_median, of("u"), of("v")) + l.per_output_token_ms * usage.output as f64;
        Duration::from_secs_f64(ms / 1000.0 / self.config.speed)
    }

    fn id(&self) -> (String, String) {
        (self.interface.id_header().to_owned(), format!("req_{:016}", self.n))
    }

    fn refuse(mut self, refusal: &Refusal, headers: Headers) -> Response<Body> {
        self.line.entry.status = refusal.status;
        let mut reply = Reply::json(refusal.status, &self.interface.error(refusal, self.n));
        reply.headers.push(self.id());
        reply.headers.extend(headers);
        send(reply, Some(self.line))
    }

    /// A refusal by the limits, which says when to come again.
    fn refuse_for_now(mut self, wait: f64, mut headers: Headers) -> Response<Body> {
        self.line.entry.limited = true;
        if self.interface.tells_retry_after() {
            let is_quick = self.config.speed > 1.0;
            let seconds = if is_quick { format!("{:.3}", wait + 0.001) } else { format!("{}", wait.ceil().max(1.0)) };
            headers.insert(0, ("retry-after".into(), seconds));
        }
        let refusal = Refusal::new(429, "this request would exceed your rate limit");
        self.refuse(&Refusal { retry_s: Some(wait), ..refusal }, headers)
    }
}

/// Schema that the instructions give in words, as a model reads it there: the first object after the words "JSON Schema".
fn schema_in_words(system: &str) -> Option<Value> {
    let text = &system[system.find("JSON Schema")?..];
    let object = &text[text.find('{')?..];
    serde_json::Deserializer::from_str(object).into_iter::<Value>().next()?.ok()
}

/// The fault that a request meets: by script, or else by chance.
fn fault(config: &SimulatorConfig, ask: &ModelRequest, hash: u64, attempt: u32, n: u64) -> Option<Fault> {
    let scripted = config.script.iter().find(|s| {
        (s.attempts.is_empty() || s.attempts.contains(&attempt))
            && n >= s.from_request
            && ask.user.contains(&s.containing)
    });
    if let Some(scripted) = scripted {
        return Some(scripted.fault);
    }
    let mut left = uniform(config.seed, hash, attempt, "fault");
    config
        .faults
        .iter()
        .find(|(_, rate)| {
            left -= rate;
            left < 0.0
        })
        .map(|(fault, _)| *fault)
}
