//! Sends one request and reads one response. No retries: they are the runner's, which knows the limiter.

mod results;
mod streaming;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use super::headers::{self, LimitsSeen};
use super::trouble::{Trouble, TroubleKind};
use super::{ApiKey, Dialect, Endpoint, Prompt, Structured};

/// A response larger than this is no answer.
const LARGEST_RESPONSE: usize = 64 << 20;

/// Time for a connection to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Time for a payload to go up, or results to come down.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(3600);

/// Bytes of an answer to a token, about: what `corpora_terms::chunk` measured for prose is a little more, for JSON a little less.
const BYTES_A_TOKEN: u64 = 4;

/// Payload of a call.
pub(super) enum Payload<'a> {
    None,
    Json(&'a serde_json::Value),
    /// A file, read while it is sent, with something before and after it.
    File {
        file: &'a std::path::Path,
        before: Vec<u8>,
        after: Vec<u8>,
        content_type: String,
    },
}

/// Reason for which a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The HTTP library refused.
    #[error("the HTTP client cannot be set up: {0}")]
    Http(reqwest::Error),
    /// The schema has no expression at this vendor.
    #[error(transparent)]
    Schema(#[from] super::SchemaTrouble),
}

/// A provider that can be asked.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
    dialect: Dialect,
    key: Option<ApiKey>,
    structured: AtomicU8,
    timeout: Duration,
    /// Time between two pieces of an answer that is streamed; none where answers come in one piece.
    between_tokens: Option<Duration>,
    /// False once the server has refused to stream.
    streams: AtomicBool,
    /// True once the server has refused a temperature that nobody wished for.
    refuses_temperature: AtomicBool,
    /// Bytes of words of streamed answers in flight.
    coming: AtomicU64,
    now_unix: fn() -> f64,
    /// Milliseconds by which the provider's clock is ahead of ours; the least number while it has told no time.
    clock_ahead_ms: AtomicI64,
}

/// Chooses who does the cryptography of TLS in this process; the first choice stays.
pub fn choose_cryptography() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A response with status 2xx, not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// The body, without the key should the server have repeated it.
    pub body: Vec<u8>,
}

/// Outcome of one request.
#[derive(Debug)]
pub struct Attempt {
    /// The response, or what went wrong.
    pub result: Result<Answered, Trouble>,
    /// From sending to the last byte.
    pub latency: Duration,
    /// The provider's name for the request.
    pub request_id: Option<String>,
    /// Limits that the headers told.
    pub limits: LimitsSeen,
    /// Way in which the schema was given.
    pub structured: Structured,
}

impl Client {
    /// A client for at most `most_in_flight` requests at once. `timeout` bounds one request from connection to last
    /// byte; `now_unix` is the wall clock in seconds since 1970.
    ///
    /// HTTP/1.1 alone is spoken: one HTTP/2 connection stopped at the 200 streams that a server allowed, without an error,
    /// at 0.38 of the expected rate.
    ///
    /// # Errors
    /// If the schema cannot be expressed, or the HTTP library cannot be set up.
    pub fn new(
        endpoint: Endpoint,
        dialect: Dialect,
        key: Option<ApiKey>,
        schema: &serde_json::Value,
        timeout: Duration,
        most_in_flight: usize,
        now_unix: fn() -> f64,
    ) -> Result<Self, ClientError> {
        let structured = dialect.vendor.structured(schema)?;
        choose_cryptography();
        let mut http = reqwest::Client::builder();
        if endpoint.is_loopback() {
            // A proxy of the environment is for other machines.
            http = http.no_proxy();
        }
        let http = http
            .http1_only()
            .user_agent(concat!("corpora/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(most_in_flight)
            .build()
            .map_err(ClientError::Http)?;
        Ok(Self {
            http,
            endpoint,
            dialect,
            key,
            structured: AtomicU8::new(code(structured)),
            timeout,
            between_tokens: None,
            streams: AtomicBool::new(true),
            refuses_temperature: AtomicBool::new(false),
            coming: AtomicU64::new(0),
            now_unix,
            clock_ahead_ms: AtomicI64::new(i64::MIN),
        })
    }

    /// The same client, whose answers are streamed: the time-out of a request is that for its first piece, and no more than
    /// `between_tokens` passes between two.
    #[must_use]
    pub fn streaming(self, between_tokens: Duration) -> Self {
        Self { between_tokens: Some(between_tokens), ..self }
    }

    /// Output tokens, about, of streamed answers that are in flight: one for each four bytes.
    pub fn tokens_coming(&self) -> u64 {
        self.coming.load(Ordering::Relaxed) / BYTES_A_TOKEN
    }

    /// The same client, which gives the schema in this way first.
    #[must_use]
    pub fn structured_by(self, way: Structured) -> Self {
        self.structured.store(code(way), Ordering::Relaxed);
        self
    }

    /// Address of requests.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Phrasing of requests.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Way in which the schema is given now.
    pub fn structured(&self) -> Structured {
        [Structured::Schema, Structured::Tool, Structured::Json, Structured::Prompt]
            [usize::from(self.structured.load(Ordering::Relaxed))]
    }

    /// After the server refused `from`: gives the schema in the next way from now on. Returns that way, or `None` if there
    /// is no other.
    pub fn downgrade(&self, from: Structured) -> Option<Structured> {
        let current = self.structured();
        if current > from {
            // Another request's refusal has changed it already.
            return Some(current);
        }
        let next = self.dialect.vendor.downgraded(from)?;
        self.structured.store(code(next), Ordering::Relaxed);
        Some(next)
    }

    /// Sends one request.
    pub async fn send(&self, prompt: &Prompt) -> Attempt {
        self.send_within(prompt, self.timeout).await
    }

    /// Sends one request that has to be answered in a time of its own.
    pub async fn send_within(&self, prompt: &Prompt, timeout: Duration) -> Attempt {
        let structured = self.structured();
        let mut body = self.dialect.body(prompt, structured);
        let adds_temperature = self.dialect.adds_temperature() && !self.refuses_temperature.load(Ordering::Relaxed);
        if !adds_temperature {
            self.dialect.without_temperature(&mut body);
        }
        let between = self.between_tokens.filter(|_| self.streams.load(Ordering::Relaxed));
        let mut attempt = match between {
            None => self.run(self.post(&self.dialect.path(), &body).timeout(timeout), structured).await,
            Some(between) => {
                self.dialect.vendor.ask_for_stream(&mut body);
                let request = self.post(&self.dialect.stream_path(), &body);
                let attempt = self.stream(request, structured, timeout, between).await;
                if attempt.result.as_ref().is_err_and(Trouble::is_of_streaming) {
                    self.streams.store(false, Ordering::Relaxed);
                    return Box::pin(self.send_within(prompt, timeout)).await;
                }
                attempt
            }
        };
        if adds_temperature && attempt.result.as_ref().is_err_and(Trouble::is_of_temperature) {
            self.refuses_temperature.store(true, Ordering::Relaxed);
            return Box::pin(self.send_within(prompt, timeout)).await;
        }
        if let Err(trouble) = &mut attempt.result
            && trouble.kind == TroubleKind::Timeout
        {
            trouble.message = self.late(timeout);
        }
        attempt
    }

    fn post(&self, path: &str, body: &serde_json::Value) -> reqwest::RequestBuilder {
        let body = serde_json::to_vec(body).expect("a JSON value has string keys");
        let url = self.place(path).expect("a vendor's paths begin with a slash");
        self.http.post(url).header(CONTENT_TYPE, "application/json").headers(self.headers()).body(body)
    }

    /// Words about an answer that did not come in time.
    fn late(&self, timeout: Duration) -> String {
        format!("no answer from {} within {} s", self.endpoint, timeout.as_secs_f64())
    }

    /// Asks the vendor about the model: costs nothing.
    pub async fn look_up_model(&self) -> Attempt {
        let request = self.http.get(self.endpoint.join(&self.dialect.model_path())).headers(self.headers());
        self.run(request, self.structured()).await
    }

    /// The body at an address of the provider, if it comes in time with a status of 2xx.
    pub(super) async fn get(&self, url: reqwest::Url, time: Duration) -> Option<Vec<u8>> {
        let request = self.http.get(url).headers(self.headers()).timeout(time);
        Some(self.exchange(request, &mut HeaderMap::new()).await.ok()?.body)
    }

    /// One call that answers with JSON.
    pub(super) async fn json(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        payload: Payload<'_>,
    ) -> Result<serde_json::Value, Trouble> {
        let (body, _) = self.call(method, path, headers, payload).await?;
        let malformed = |e| Trouble::new(TroubleKind::Malformed, format!("the response is not JSON ({e})"));
        if body.is_empty() { Ok(serde_json::Value::Null) } else { serde_json::from_slice(&body).map_err(malformed) }
    }

    /// One call. `path` may be a whole URL if the provider gave it; it has to be the provider's own.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        payload: Payload<'_>,
    ) -> Result<(Vec<u8>, HeaderMap), Trouble> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("our methods are constants");
        let mut request = self.http.request(method, self.place(path)?).headers(self.headers());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request = match payload {
            Payload::None => request,
            Payload::Json(value) => {
                request.header(CONTENT_TYPE, "application/json").body(serde_json::to_vec(value).expect("string keys"))
            }
            Payload::File { file, before, after, content_type } => {
                let (length, pieces) = super::upload::pieces(file, before, after).map_err(|e| {
                    Trouble::new(TroubleKind::Unsent, format!("the payload '{}' cannot be read: {e}", file.display()))
                })?;
                request
                    .timeout(TRANSFER_TIMEOUT.max(self.timeout))
                    .header(CONTENT_TYPE, content_type)
                    .header(reqwest::header::CONTENT_LENGTH, length)
                    .body(reqwest::Body::wrap_stream(pieces))
            }
        };
        let mut seen = HeaderMap::new();
        let answered = self.exchange(request, &mut seen).await?;
        Ok((answered.body, seen))
    }

    /// Time by the provider's clock, in Unix milliseconds, where it has told one.
    pub fn provider_now_ms(&self) -> Option<i64> {
        let ahead = self.clock_ahead_ms.load(Ordering::Relaxed);
        (ahead != i64::MIN).then(|| (((self.now_unix)() * 1000.0) as i64).saturating_add(ahead))
    }

    /// Takes note of how far the provider's clock is from ours.
    fn hear_clock(&self, headers: &HeaderMap) {
        if let Some(at) = headers::date(headers) {
            let ahead = ((at - (self.now_unix)()) * 1000.0) as i64;
            self.clock_ahead_ms.store(ahead, Ordering::Relaxed);
        }
    }

    fn place(&self, path: &str) -> Result<reqwest::Url, Trouble> {
        if path.starts_with('/') {
            let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
            let mut url = self.endpoint.join(path);
            url.set_query(query);
            return Ok(url);
        }
        let url = reqwest::Url::parse(path).ok().filter(|u| u.origin().ascii_serialization() == self.endpoint.origin());
        url.ok_or_else(|| {
            Trouble::new(TroubleKind::Malformed, "the provider names an upload place that is not its own")
        })
    }

    async fn run(&self, request: reqwest::RequestBuilder, structured: Structured) -> Attempt {
        let started = Instant::now();
        let mut seen = HeaderMap::new();
        let result = self.exchange(request, &mut seen).await;
        self.attempt(result, started, &seen, structured)
    }

    fn attempt(
        &self,
        result: Result<Answered, Trouble>,
        started: Instant,
        seen: &HeaderMap,
        structured: Structured,
    ) -> Attempt {
        let id = ["request-id", "x-request-id"].iter().find_map(|name| seen.get(*name));
        Attempt {
            result,
            latency: started.elapsed(),
            request_id: id.and_then(|v| v.to_str().ok()).map(|v| self.redact(v)),
            limits: headers::limits(seen),
            structured,
        }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, seen: &mut HeaderMap) -> Result<Answered, Trouble> {
        let response = request.send().await.map_err(|e| self.network(&e))?;
        self.hear_clock(response.headers());
        *seen = response.headers().clone();
        self.read_whole(response, seen).await
    }

    async fn read_whole(&self, mut response: reqwest::Response, seen: &HeaderMap) -> Result<Answered, Trouble> {
        let status = response.status().as_u16();
        let body = self.bounded(&mut response).await?;
        let told = if (200..300).contains(&status) {
            self.dialect.trouble_in_answer(&body)
        } else {
            Some(self.dialect.trouble(status, &body))
        };
        let Some(mut trouble) = told else {
            return Ok(Answered { status, body: self.redact_bytes(body) });
        };
        trouble.message = self.redact(&trouble.message);
        trouble.retry_after = headers::retry_after(seen, &body, (self.now_unix)());
        trouble.should_retry = headers::should_retry(seen).or(trouble.should_retry);
        Err(trouble)
    }

    /// The body of a response, which may be of any length.
    async fn bounded(&self, response: &mut reqwest::Response) -> Result<Vec<u8>, Trouble> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|e| self.network(&e))? {
            if body.len() + piece.len() > LARGEST_RESPONSE {
                return Err(Trouble::new(TroubleKind::Malformed, "the response is larger than 64 MiB"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn headers(&self) -> HeaderMap {
        let mut map = HeaderMap::new();
        let plain = self.dialect.headers().into_iter().map(|(name, value)| (name, value, false));
        let key = self.key.as_ref().map(|key| self.dialect.key_header(key.expose()));
        let key = key.map(|(name, value)| (name, value, true));
        for (name, value, secret) in plain.chain(key) {
            if let Ok(mut value) = HeaderValue::from_str(&value) {
                // Keeps it out of any debug output of the HTTP library.
                value.set_sensitive(secret);
                map.insert(HeaderName::from_static(name), value);
            }
        }
        for (name, value) in self.dialect.extra_headers.exposed() {
            if let (Ok(name), Ok(mut value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                value.set_sensitive(true);
                map.insert(name, value);
            }
        }
        map
    }

    /// The network's errors in our words: the library's contain the URL, which is shown once, by us.
    fn network(&self, error: &reqwest::Error) -> Trouble {
        let mut cause: &dyn std::error::Error = error;
        while let Some(next) = cause.source() {
            cause = next;
        }
        let endpoint = &self.endpoint;
        let (kind, message) = if error.is_connect() {
            (TroubleKind::Unreachable, format!("cannot connect to {endpoint}: {cause}"))
        } else if error.is_timeout() {
            (TroubleKind::Timeout, self.late(self.timeout))
        } else if error.is_decode() {
            (TroubleKind::Malformed, format!("the response cannot be decoded: {cause}"))
        } else {
            (TroubleKind::Cut, format!("the connection to {endpoint} broke: {cause}"))
        };
        Trouble::new(kind, self.redact(&message))
    }

    fn redact(&self, text: &str) -> String {
        self.secrets().fold(text.to_owned(), |text, secret| secret.redact(&text))
    }

    fn redact_bytes(&self, body: Vec<u8>) -> Vec<u8> {
        match self.secrets().any(|secret| secret.stands_in(&body)) {
            true => self.redact(&String::from_utf8_lossy(&body)).into_bytes(),
            false => body,
        }
    }

    /// Everything that is shown to the provider alone.
    fn secrets(&self) -> impl Iterator<Item = &ApiKey> {
        self.key.iter().chain(self.dialect.extra_headers.secrets())
    }
}

fn code(structured: Structured) -> u8 {
    match structured {
        Structured::Schema => 0,
        Structured::Tool => 1,
        Structured::Json => 2,
        Structured::Prompt => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::{ANTHROPIC, ExtraHeaders, ServiceTier};
    use std::io::{Read, Write};
    use std::net::TcpListener;

    const KEY: &str = "sk-test-5f0c1d7be2";

    /// Sends one request to a server that answers it with these bytes.
    fn sent_to(answer: String) -> Attempt {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
            // The body is the only JSON, and ends with its last brace.
            while !seen.ends_with(b"}") {
                let n = stream.read(&mut piece).unwrap();
                assert!(n > 0, "the request broke off");
                seen.extend_from_slice(&piece[..n]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&seen).into_owned()
        });
        let extra = [("X-Team".to_owned(), "books".to_owned())];
        let extra_headers = ExtraHeaders::new(extra, "x-api-key").unwrap();
        let mut dialect = Dialect::new(ANTHROPIC, "m", "1", false);
        dialect.extra_headers = extra_headers;
        let key = Some(ApiKey::new(KEY).unwrap());
        let endpoint = Endpoint::new(&base, false).unwrap();
        let schema = serde_json::json!({"type": "object"});
        let client = Client::new(endpoint, dialect, key, &schema, Duration::from_secs(5), 1, || 0.0).unwrap();
        let prompt = Prompt {
            system: "s".into(),
            user: "u".into(),
            schema: schema.into(),
            schema_name: "answer".into(),
            max_output_tokens: 10,
            tier: ServiceTier::Standard,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let attempt = runtime.block_on(client.send(&prompt));
        let seen = server.join().unwrap();
        assert!(seen.contains(KEY) && seen.contains("x-team: books"), "the provider itself is shown the key: {seen}");
        attempt
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    }

    #[test]
    fn a_redirect_carries_neither_key_nor_text_to_another_address() {
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        let location = format!("location: http://{}/v1/messages\r\n", elsewhere.local_addr().unwrap());
        for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
            let attempt = sent_to(answer(status, &location, ""));
            assert!(attempt.result.is_err(), "{status}: {attempt:?}");
            let nobody = elsewhere.accept().map(|_| ()).unwrap_err();
            assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock, "{status}");
        }
    }

    #[test]
    fn a_key_that_the_provider_repeats_is_struck_out_of_answers_and_errors() {
        let body = format!("{{\"you\": \"{KEY}\"}}");
        let attempt = sent_to(answer("200 OK", "", &body));
        assert_eq!(attempt.result.unwrap().body, b"{\"you\": \"[key]\"}");
        for status in ["400 Bad Request", "500 Internal Server Error"] {
            let attempt = sent_to(answer(status, &format!("request-id: {KEY}\r\n"), &body));
            assert!(!format!("{attempt:?}").contains(KEY), "{attempt:?}");
        }
    }
}
