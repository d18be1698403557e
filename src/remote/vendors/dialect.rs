//! Requests and answers of one run at one vendor.

use serde_json::Value;

use super::errors::{by_status, excerpt, told_status, told_trouble};
use super::{Reply, Structured, Vendor};
use crate::remote::trouble::Trouble;
use crate::remote::{ExtraHeaders, Preset, Prompt};

/// Phrasing of the requests of a run: a vendor, and what it has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The interface.
    pub vendor: &'static dyn Vendor,
    /// The model.
    pub model: String,
    /// Version of the interface: a header at Anthropic, a part of the path at Gemini, nothing elsewhere.
    pub api_version: String,
    /// True if the server is the vendor itself; other servers know older field names only.
    pub first_party: bool,
    /// The server, where it is one that is known by name.
    pub preset: Option<&'static Preset>,
    /// True if the server is on this machine.
    pub(super) is_local: bool,
    /// True if bodies have a temperature that nobody wished for.
    pub(super) adds_temperature: bool,
    /// Objects that are merged into each body, in order.
    pub(super) extras: Vec<Value>,
    /// Label of the prompt that all requests begin with, where one is sent.
    pub(super) cache_key: Option<String>,
    /// Headers that a person gave.
    pub extra_headers: ExtraHeaders,
}

impl Dialect {
    /// The phrasing of a vendor's requests about a model, without wishes or headers of a person.
    pub fn new(vendor: &'static dyn Vendor, model: &str, api_version: &str, first_party: bool) -> Self {
        Self {
            vendor,
            model: model.to_owned(),
            api_version: api_version.to_owned(),
            first_party,
            preset: None,
            is_local: false,
            adds_temperature: false,
            extras: Vec::new(),
            cache_key: None,
            extra_headers: ExtraHeaders::default(),
        }
    }

    /// Test whether bodies have a temperature that nobody wished for.
    pub(in crate::remote) fn adds_temperature(&self) -> bool {
        self.adds_temperature
    }

    /// Path of a request, below the base URL.
    pub fn path(&self) -> String {
        self.vendor.path(self)
    }

    /// Path at which the vendor tells about the model.
    pub fn model_path(&self) -> String {
        self.vendor.model_path(self)
    }

    /// Path at which the server lists its models.
    pub fn model_list_path(&self) -> String {
        self.vendor.model_list_path(self)
    }

    /// Environment variable in which people keep the key.
    pub fn key_variable(&self) -> &'static str {
        self.preset.map_or(self.vendor.key_variable(), |preset| preset.key_variable)
    }

    /// Header that carries the key.
    pub fn key_header(&self, key: &str) -> (&'static str, String) {
        match self.preset.and_then(|preset| preset.key_header) {
            Some(name) => (name, key.to_owned()),
            None => self.vendor.key_header(key),
        }
    }

    /// Headers beside the key.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        self.vendor.headers(self)
    }

    /// Body of a request. A vendor itself gets sampling parameters only where a person gave some: Anthropic's version 2026-10-21 refuses
    /// them, and the reasoning models of others do.
    pub fn body(&self, prompt: &Prompt, structured: Structured) -> Value {
        let mut body = self.vendor.body(self, prompt, structured);
        self.add_extras(&mut body, prompt.tier);
        body
    }

    /// Path of a request whose answer is streamed, below the base URL.
    pub fn stream_path(&self) -> String {
        self.vendor.stream_path(self)
    }

    /// One request as a line of a batch's payload.
    pub fn batch_line(&self, custom_id: &str, prompt: &Prompt, structured: Structured) -> Vec<u8> {
        let line = self.vendor.batch_line(self, custom_id, self.body(prompt, structured));
        serde_json::to_vec(&line).expect("a JSON value has string keys")
    }

    /// Reads a response with status 2xx.
    ///
    /// # Errors
    /// A sentence, if the body is not what the vendor sends.
    pub fn reply(&self, body: &[u8]) -> Result<Reply, String> {
        self.vendor.reply(&lenient_json(body)?)
    }

    /// Trouble that a response with status 2xx tells instead of an answer. Only short bodies are looked into.
    pub fn trouble_in_answer(&self, body: &[u8]) -> Option<Trouble> {
        const LONGEST: usize = 1 << 14;
        if body.len() > LONGEST || !body.windows(7).any(|word| word == b"\"error\"") {
            return None;
        }
        let value = serde_json::from_slice::<Value>(body).ok()?;
        Some(told_trouble(self.vendor, told_status(&value)?, &value))
    }

    /// Reads a response with another status.
    pub fn trouble(&self, status: u16, body: &[u8]) -> Trouble {
        let value = serde_json::from_slice::<Value>(body).ok();
        // Gemini sometimes wraps its error in a list of one.
        let value = value.map(|v| match v {
            Value::Array(mut list) if list.len() == 1 => list.remove(0),
            other => other,
        });
        match value {
            Some(value) => told_trouble(self.vendor, status, &value),
            None => {
                let words = excerpt(body);
                Trouble::new(by_status(status, &words), format!("the provider answered {status}: {words}"))
            }
        }
    }
}

/// JSON as a vendor should send it; control characters inside strings, which some servers leave raw, are escaped.
pub(in crate::remote) fn lenient_json(body: &[u8]) -> Result<Value, String> {
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(first) => {
            let text = String::from_utf8_lossy(body);
            crate::stages::extract::lenient_json(&text)
                .ok_or_else(|| format!("the response is not JSON ({first}): {}", excerpt(body)))
        }
    }
}
