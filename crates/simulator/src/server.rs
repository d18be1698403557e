//! The server: one thread, any number of connections.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::stream;
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use super::admission::Buckets;
use super::batches::{self, Batches};
use super::chance::{log_normal, uniform};
use super::content::content;
use super::faces::{Ask, Face, Parts, UsageSaid, Wrong};
use super::journal::Journal;
use super::{BatchCounters, Counters, Fault, JournalEntry, Oracle, SimulatorConfig, chance, tokens};
use corpora_values::Usage;

/// Largest body: Anthropic's limit on messages.
const LARGEST_BODY: usize = 32 << 20;

/// Largest payload of a batch: Google's limit on files.
const LARGEST_BATCH: usize = 2 << 30;

pub(super) type Body = std::pin::Pin<Box<dyn hyper::body::Body<Data = Bytes, Error = io::Error> + Send>>;

/// A simulator that runs on a thread of its own until it is dropped.
pub struct Simulator {
    state: Arc<State>,
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

pub(super) struct State {
    config: Mutex<Arc<SimulatorConfig>>,
    pub(super) batches: Batches,
    oracle: Mutex<Arc<Oracle>>,
    journal: Journal,
    buckets: Mutex<HashMap<String, Buckets>>,
    seen: Mutex<HashMap<u64, u32>>,
    /// Models and system prompts that are in the prompt cache.
    cached: Mutex<HashSet<u64>>,
    started: Instant,
    pub(super) started_unix_s: f64,
}

impl Simulator {
    /// Starts on loopback. Port 0 takes any free one.
    ///
    /// # Errors
    /// If the port or the journal file cannot be had.
    pub fn start(config: SimulatorConfig, port: u16, now_unix_s: f64) -> io::Result<Self> {
        let file = match &config.journal {
            Some(path) => Some(std::fs::OpenOptions::new().create(true).append(true).open(path)?),
            None => None,
        };
        let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let oracle = Oracle::new(&config.gold);
        let state = Arc::new(State {
            journal: Journal::new(file, config.keep_journal),
            config: Mutex::new(Arc::new(config)),
            oracle: Mutex::new(Arc::new(oracle)),
            batches: Batches::default(),
            buckets: Mutex::default(),
            seen: Mutex::default(),
            cached: Mutex::default(),
            started: Instant::now(),
            started_unix_s: now_unix_s,
        });
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("simulator".into()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = serve(listener, served) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { state, address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sums over all requests so far.
    pub fn counters(&self) -> Counters {
        self.state.journal.counters()
    }

    /// Sums over all batches so far.
    pub fn batch_counters(&self) -> BatchCounters {
        self.state.batches.counters()
    }

    /// When each batch was made, in milliseconds since the simulator's start.
    pub fn batch_creations_ms(&self) -> Vec<f64> {
        self.state.batches.creations_ms()
    }

    /// All requests that have ended, if they are kept.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.state.journal.entries()
    }

    /// Lets every batch that is under way end now, however much time it had left.
    pub fn end_batches(&self) {
        self.state.batches.end_all(self.state.now_ms());
    }

    /// Changes what the simulator does from now on; the journal goes on.
    pub fn reconfigure(&self, config: SimulatorConfig) {
        self.state.reconfigure(config);
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, state: Arc<State>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will be given back.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| answer(Arc::clone(&state), request));
            // A connection that ends in an error is one that the client or a fault has cut.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A response before it is sent.
pub(super) struct Reply {
    status: u16,
    pub(super) headers: Vec<(String, String)>,
    body: Bytes,
    manner: Manner,
}

/// How a body is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Whole,
    /// In pieces with pauses.
    Slow,
    /// Ends in the middle, while the content length says more.
    Cut,
    /// Chunked, without its last chunk.
    ChunkedCut,
}

impl Reply {
    pub(super) fn bytes(status: u16, kind: &str, body: Bytes) -> Self {
        Self { status, headers: vec![("content-type".into(), kind.into())], body, manner: Manner::Whole }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into(),
            manner: Manner::Whole,
        }
    }

    fn html(status: u16, title: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), "text/html".into())],
            body: format!("<html><head><title>{status} {title}</title></head><body><h1>{title}</h1></body></html>")
                .into(),
            manner: Manner::Whole,
        }
    }
}

/// A request's line in the journal, written when the last byte is sent or the connection is gone, whatever the way.
pub(super) struct Line {
    state: Arc<State>,
    entry: JournalEntry,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.entry.done_ms = self.state.now_ms();
        self.entry.done_unix_ms = self.state.started_unix_s * 1000.0 + self.entry.done_ms;
        self.state.journal.ended(self.entry.clone());
    }
}

impl State {
    pub(super) fn unix_s(&self) -> f64 {
        self.started_unix_s + self.started.elapsed().as_secs_f64()
    }

    pub(super) fn oracle(&self) -> Arc<Oracle> {
        Arc::clone(&self.oracle.lock().expect("no panic while the lock is held"))
    }

    pub(super) fn now_ms(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1000.0
    }

    pub(super) fn config(&self) -> Arc<SimulatorConfig> {
        Arc::clone(&self.config.lock().expect("no panic while the lock is held"))
    }

    fn reconfigure(&self, config: SimulatorConfig) {
        *self.oracle.lock().expect("no panic while the lock is held") = Arc::new(Oracle::new(&config.gold));
        let mut current = self.config.lock().expect("no panic while the lock is held");
        if current.limits != config.limits || current.speed != config.speed {
            self.buckets.lock().expect("no panic while the lock is held").clear();
        }
        *current = Arc::new(config);
    }

    /// How often a body has come, with this time.
    fn attempt(&self, hash: u64) -> u32 {
        let mut seen = self.seen.lock().expect("no panic while the lock is held");
        let times = seen.entry(hash).or_insert(0);
        *times += 1;
        *times
    }

    /// Tokens of a request, as far as they are known before the answer.
    pub(super) fn prompt_usage(&self, ask: &Ask, config: &SimulatorConfig) -> Usage {
        let system = tokens::count(&ask.system);
        let rest = tokens::count(&ask.user) + ask.schema.as_ref().map_or(0, |s| tokens::count(&s.to_string())) + 8;
        let mut usage = Usage { input: system + rest, ..Usage::default() };
        if config.cache_from_tokens > 0 && system >= config.cache_from_tokens {
            let hash = chance::hash(&[ask.model.as_bytes(), ask.system.as_bytes()]);
            let first = self.cached.lock().expect("no panic while the lock is held").insert(hash);
            match (first, ask.cached) {
                (false, _) => usage = Usage { input: rest, cache_read: system, ..usage },
                (true, true) if ask.cached_hour => usage = Usage { input: rest, cache_write_1h: system, ..usage },
                (true, true) => usage = Usage { input: rest, cache_write_5m: system, ..usage },
                (true, false) => {}
            }
        }
        usage
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let path = request.uri().path().to_owned();
    if path.starts_with("/__simulator/") {
        return Ok(admin(&state, request).await);
    }
    let headers = request.headers().clone();
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let query = request.uri().query().unwrap_or_default().to_owned();
    let method = request.method().as_str().to_owned();
    let most = if batches::is_ours(&path) { LARGEST_BATCH } else { LARGEST_BODY };
    let body = match Limited::new(request.into_body(), most).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let key = header("x-api-key")
        .or_else(|| header("x-goog-api-key"))
        .or_else(|| header("authorization").and_then(|a| a.strip_prefix("Bearer ").map(str::to_owned)))
        .or_else(|| query.split('&').find_map(|p| p.strip_prefix("key=")).map(str::to_owned));
    if batches::is_ours(&path) {
        let host = header("host").unwrap_or_default();
        let call = batches::Call { method: &method, path: &path, query: &query, host, header: &header, key, body };
        return batches::answer(&state, call).await;
    }
    let hash = chance::hash(&[path.as_bytes(), &body]);
    let config = state.config();
    let Some((face, call)) = route(&method, &path, &header) else {
        return Ok(send(
            Reply::json(
                404,
                &json!({"error": {"message": format!("no such path: {path}"), "type": "not_found_error",
            "param": null, "code": null}}),
            ),
            None,
        ));
    };
    let key_is_wrong = !config.key.is_empty() && key.as_deref() != Some(&config.key);
    let wrong_key = || Wrong::new(401, "invalid x-api-key");
    if call != Call::Ask {
        let known = |model: &str| config.models.is_empty() || config.models.iter().any(|m| m == model);
        let body_value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let reply = match call {
            _ if key_is_wrong => Reply::json(401, &face.error(&wrong_key(), 0)),
            Call::Model => {
                let name = path.rsplit('/').next().unwrap_or_default();
                match known(name) {
                    true => Reply::json(200, &face.model(name)),
                    false => Reply::json(404, &face.error(&Wrong::new(404, format!("model: {name}")), 0)),
                }
            }
            _ => match face.read(&Parts { path: &path, header: &header, body: &body_value }) {
                Ok(ask) => {
                    let n = state.prompt_usage(&ask, &config).prompt();
                    let name = if face == Face::Gemini { "totalTokens" } else { "input_tokens" };
                    Reply::json(200, &json!({ name: n }))
                }
                Err(wrong) => Reply::json(wrong.status, &face.error(&wrong, 0)),
            },
        };
        return Ok(send(reply, None));
    }

    let attempt = state.attempt(hash);
    let at_ms = state.now_ms();
    let n = state.journal.arrived(at_ms, attempt);
    let mut line = Line {
        entry: JournalEntry {
            n,
            at_ms,
            done_ms: at_ms,
            done_unix_ms: 0.0,
            path: path.clone(),
            model: String::new(),
            request: format!("{hash:016x}"),
            attempt,
            status: 0,
            fault: None,
            billed: None,
            answered: false,
            limited: false,
        },
        state: Arc::clone(&state),
    };
    let refuse = |line: &mut Line, wrong: &Wrong| {
        line.entry.status = wrong.status;
        let mut reply = Reply::json(wrong.status, &face.error(wrong, n));
        reply.headers.push((face.id_header().into(), format!("req_{n:016}")));
        reply
    };
    let judged = if key_is_wrong {
        Err(wrong_key())
    } else {
        match serde_json::from_slice::<Value>(&body) {
            Ok(value) => face.read(&Parts { path: &path, header: &header, body: &value }),
            Err(e) => Err(Wrong::new(400, format!("the body is not valid JSON: {e}"))),
        }
    };
    let judged = judged.and_then(|ask| match config.models.is_empty() || config.models.contains(&ask.model) {
        true => Ok(ask),
        false => Err(Wrong::new(404, format!("model: {}", ask.model))),
    });
    let ask = match judged {
        Ok(ask) => ask,
        Err(wrong) => {
            let reply = refuse(&mut line, &wrong);
            return Ok(send(reply, Some(line)));
        }
    };
    line.entry.model.clone_from(&ask.model);
    let fault = fault(&config, &ask, hash, attempt, n);
    line.entry.fault = fault;

    let mut usage = state.prompt_usage(&ask, &config);
    if usage.prompt() > config.window {
        let words = format!("prompt is too long: {} tokens > {} maximum", usage.prompt(), config.window);
        let code = Some("context_length_exceeded");
        let reply = refuse(&mut line, &Wrong { code, ..Wrong::new(400, words) });
        return Ok(send(reply, Some(line)));
    }
    let oracle = state.oracle();
    let said = content(&oracle.answer(&ask.user, ask.schema.as_ref()), ask.tool.is_some(), ask.budget, fault);
    usage.output = said.tokens;
    if fault == Some(Fault::UsageCached) {
        let cached = usage.input / 2;
        usage = Usage { input: usage.input - cached, cache_read: usage.cache_read + cached, ..usage };
    }

    let (admitted, levels) = {
        let mut all = state.buckets.lock().expect("no panic while the lock is held");
        let buckets =
            all.entry(ask.model.clone()).or_insert_with(|| Buckets::new(&config.limits, config.speed, Instant::now()));
        // Anthropic does not count what is read from the cache.
        let counted = usage.prompt() - if face == Face::Anthropic { usage.cache_read } else { 0 };
        let admitted = buckets.admit(counted as f64, usage.output as f64, ask.budget as f64, Instant::now());
        (admitted, buckets.levels())
    };
    let mut common = vec![(face.id_header().to_owned(), format!("req_{n:016}"))];
    if config.limits.headers.unwrap_or(true) {
        common.extend(face.limit_headers(&levels, state.started_unix_s + state.started.elapsed().as_secs_f64()));
    }
    if let Err(wait) = admitted {
        line.entry.limited = true;
        let wrong = Wrong { retry_s: Some(wait), ..Wrong::new(429, "this request would exceed your rate limit") };
        let mut reply = refuse(&mut line, &wrong);
        let seconds =
            if config.speed > 1.0 { format!("{:.3}", wait + 0.001) } else { format!("{}", wait.ceil().max(1.0)) };
        if face != Face::Gemini {
            reply.headers.push(("retry-after".into(), seconds));
        }
        reply.headers.extend(common);
        return Ok(send(reply, Some(line)));
    }

    let latency = {
        let of = |what| uniform(config.seed, hash, attempt, what);
        let l = config.latency;
        let ms =
            log_normal(l.median_ms, l.p99_over_median, of("u"), of("v")) + l.per_output_token_ms * usage.output as f64;
        Duration::from_secs_f64(ms / 1000.0 / config.speed)
    };
    let trouble = fault.filter(|f| !f.is_content());
    if trouble.is_none_or(|f| f.after_effect() || matches!(f, Fault::Gzip | Fault::SlowBody)) {
        line.entry.billed = Some(usage);
    }
    if trouble == Some(Fault::Stuck) {
        // Until the client loses patience.
        std::future::pending::<Infallible>().await;
    }
    tokio::time::sleep(latency).await;

    let usage_said = match fault {
        Some(Fault::UsageMissing) => UsageSaid::Missing,
        Some(Fault::UsageNull) => UsageSaid::Null,
        _ => UsageSaid::Told(usage),
    };
    let mut reply = Reply::json(200, &face.success(&ask, &said, usage_said, n));
    if let Some(fault) = trouble {
        let wait = config.retry_after_s / config.speed;
        let now = state.started_unix_s + state.started.elapsed().as_secs_f64();
        let Some(changed) = hurt(reply, fault, face, n, wait, now, key.as_deref()) else {
            line.entry.status = 0;
            drop(line);
            return Err(io::Error::from(io::ErrorKind::ConnectionReset));
        };
        reply = changed;
    }
    line.entry.status = reply.status;
    reply.headers.extend(common);
    Ok(send(reply, Some(line)))
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Ask,
    Count,
    Model,
}

fn route(method: &str, path: &str, header: &dyn Fn(&str) -> Option<String>) -> Option<(Face, Call)> {
    let vendor = || match () {
        () if header("anthropic-version").is_some() => Face::Anthropic,
        () if header("x-goog-api-key").is_some() => Face::Gemini,
        () => Face::Chat,
    };
    let inner = path.strip_prefix("/v1beta").or_else(|| path.strip_prefix("/v1"))?;
    match (method, inner) {
        ("POST", "/messages") => Some((Face::Anthropic, Call::Ask)),
        ("POST", "/messages/count_tokens") => Some((Face::Anthropic, Call::Count)),
        ("POST", "/chat/completions") => Some((Face::Chat, Call::Ask)),
        ("POST", "/responses") => Some((Face::Responses, Call::Ask)),
        ("GET", _) if inner.starts_with("/models/") => Some((vendor(), Call::Model)),
        ("POST", _) if inner.starts_with("/models/") && inner.ends_with(":generateContent") => {
            Some((Face::Gemini, Call::Ask))
        }
        ("POST", _) if inner.starts_with("/models/") && inner.ends_with(":countTokens") => {
            Some((Face::Gemini, Call::Count))
        }
        _ => None,
    }
}

/// The fault that a request meets: by script, or else by chance.
fn fault(config: &SimulatorConfig, ask: &Ask, hash: u64, attempt: u32, n: u64) -> Option<Fault> {
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

/// What a fault of the wire or the status makes of an answer; None where nothing is sent at all.
fn hurt(good: Reply, fault: Fault, face: Face, n: u64, wait_s: f64, unix_s: f64, key: Option<&str>) -> Option<Reply> {
    let error = |status: u16, message: &str| Reply::json(status, &face.error(&Wrong::new(status, message), n));
    let limited = |headers: &[(&str, String)], wait: Option<f64>| {
        let wrong = Wrong { retry_s: wait, ..Wrong::new(429, "too many requests") };
        let mut reply = Reply::json(429, &face.error(&wrong, n));
        reply.headers.extend(headers.iter().map(|(k, v)| ((*k).to_owned(), v.clone())));
        reply
    };
    Some(match fault {
        Fault::ServerError => error(500, "Internal server error"),
        Fault::ServerErrorNoRetry => {
            let mut reply = error(500, "Internal server error");
            reply.headers.push(("x-should-retry".into(), "false".into()));
            reply
        }
        Fault::BadGateway => Reply::html(502, "Bad Gateway"),
        Fault::Unavailable => Reply::html(503, "Service Unavailable"),
        Fault::GatewayTimeoutAfterEffect => error(504, "Gateway timeout"),
        Fault::Overloaded => error(529, "Overloaded"),
        Fault::RequestTimeout => error(408, "Request timeout"),
        Fault::Conflict => error(409, "Conflict"),
        Fault::TooLarge => Reply {
            status: 413,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: "Payload Too Large".into(),
            manner: Manner::Whole,
        },
        Fault::RateLimited => limited(&[("retry-after", format!("{}", wait_s.ceil()))], None),
        Fault::RateLimitedFraction => limited(&[("retry-after", format!("{wait_s:.3}"))], Some(wait_s)),
        Fault::RateLimitedDate => limited(&[("retry-after", http_date(unix_s + wait_s.max(1.0)))], None),
        Fault::RateLimitedMillis => limited(&[("retry-after-ms", format!("{}", (wait_s * 1000.0).ceil()))], None),
        Fault::RateLimitedSilent => limited(&[], None),
        Fault::RateLimitedZero => limited(&[("retry-after", "0".into())], None),
        Fault::KeyRevoked => error(401, "invalid x-api-key"),
        Fault::SpendLimit => {
            error(400, "You have reached your specified API usage limits: the spend limit of this month")
        }
        Fault::InsufficientQuota => {
            let wrong =
                Wrong { code: Some("insufficient_quota"), ..Wrong::new(429, "You exceeded your current quota") };
            // Anthropic has no such error: an empty balance is its nearest.
            if face == Face::Anthropic {
                return Some(error(402, "Your credit balance is too low to access the API"));
            }
            Reply::json(429, &face.error(&wrong, n))
        }
        Fault::ModelNotFound => error(404, "model: not found"),
        Fault::NoStructuredOutput => {
            let words = match face {
                Face::Anthropic => "output_config: Extra inputs are not permitted",
                Face::Gemini => "Unknown name \"responseJsonSchema\": Cannot find field.",
                Face::Chat | Face::Responses => "response_format json_schema is not supported",
            };
            error(400, words)
        }
        Fault::EchoKey => error(400, &format!("the request with key {} is wrong", key.unwrap_or("(none)"))),
        Fault::ResetBeforeHeaders | Fault::Stuck => return None,
        Fault::ResetInBody => Reply { manner: Manner::Cut, ..good },
        Fault::ChunkedCut => Reply { manner: Manner::ChunkedCut, ..good },
        Fault::SlowBody => Reply { manner: Manner::Slow, ..good },
        Fault::TruncatedJson => {
            let half = good.body.slice(..good.body.len() / 2);
            Reply { body: half, ..good }
        }
        Fault::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            io::Write::write_all(&mut encoder, &good.body).ok()?;
            let mut headers = good.headers;
            headers.push(("content-encoding".into(), "gzip".into()));
            Reply { body: encoder.finish().ok()?.into(), headers, ..good }
        }
        // Faults of content are in the answer already.
        _ => good,
    })
}

/// <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>
fn http_date(unix_s: f64) -> String {
    let stamp = jiff::Timestamp::from_second(unix_s.ceil() as i64).unwrap_or_default();
    stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Pieces of a slow body, and the pause before each.
const SLOW_PIECES: usize = 8;
const SLOW_PAUSE: Duration = Duration::from_millis(15);

struct Sending {
    line: Option<Line>,
    left: Bytes,
    manner: Manner,
    piece: usize,
}

pub(super) fn send(reply: Reply, mut line: Option<Line>) -> Response<Body> {
    let whole = reply.body.len();
    let (left, piece) = match reply.manner {
        Manner::Whole => (reply.body, whole.max(1)),
        Manner::Slow => (reply.body, whole.div_ceil(SLOW_PIECES).max(1)),
        Manner::Cut | Manner::ChunkedCut => (reply.body.slice(..whole / 2), (whole / 2).max(1)),
    };
    if reply.status != 200 {
        // An error is never an answer.
        if let Some(line) = &mut line {
            line.entry.answered = false;
        }
    }
    let status = reply.status;
    let start = Sending { line, left, manner: reply.manner, piece };
    let pieces = stream::unfold(start, move |mut sending| async move {
        if sending.left.is_empty() {
            // hyper closes the connection on an error in the body: that is how it is cut.
            let cut = matches!(sending.manner, Manner::Cut | Manner::ChunkedCut);
            sending.manner = Manner::Whole;
            return cut.then(|| (Err(io::Error::from(io::ErrorKind::ConnectionReset)), sending));
        }
        if sending.manner == Manner::Slow {
            tokio::time::sleep(SLOW_PAUSE).await;
        }
        let piece = sending.left.split_to(sending.piece.min(sending.left.len()));
        if sending.left.is_empty() && matches!(sending.manner, Manner::Whole | Manner::Slow) {
            if let Some(line) = &mut sending.line {
                line.entry.answered = status == 200 && line.entry.fault != Some(Fault::TruncatedJson);
            }
            // The last piece is on its way.
            sending.line = None;
        }
        Some((Ok(Frame::data(piece)), sending))
    });
    let body: Body = Box::pin(StreamBody::new(pieces));
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    if reply.manner != Manner::ChunkedCut {
        headers.insert("content-length", HeaderValue::from(whole));
    }
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    response
}

/// The interface for whoever runs the simulator.
async fn admin(state: &Arc<State>, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let reply = match path.trim_start_matches("/__simulator/") {
        "counters" => Reply::json(200, &serde_json::to_value(state.journal.counters()).unwrap_or_default()),
        "journal" => Reply::json(200, &serde_json::to_value(state.journal.entries()).unwrap_or_default()),
        "config" => {
            let body = request.into_body().collect().await.map(|b| b.to_bytes()).unwrap_or_default();
            match serde_json::from_slice::<SimulatorConfig>(&body) {
                Ok(config) => {
                    state.reconfigure(config);
                    Reply::json(200, &json!({"ok": true}))
                }
                Err(e) => Reply::json(400, &json!({"error": e.to_string()})),
            }
        }
        _ => Reply::json(404, &json!({"error": "there are counters, journal and config"})),
    };
    send(reply, None)
}
