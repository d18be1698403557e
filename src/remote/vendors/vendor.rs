//! The interface of a vendor: everything in which it differs from others.

use std::num::NonZeroU32;
use std::path::Path;

use futures_util::future::{self, BoxFuture};
use serde_json::{Map, Value};

use super::{ALL, Dialect, Reply, SchemaTrouble, SettingTrouble, Structured};
use crate::remote::Prompt;
use crate::remote::batches::{BatchLimits, BatchSeen, ResultLine};
use crate::remote::client::Client;
use crate::remote::stream::Added;
use crate::remote::trouble::{Trouble, TroubleKind};
use crate::stages::model_settings::ModelSettings;

/// A vendor's interface: where a request goes, how its body looks, what a reply and an error mean, how a batch is made and
/// read. One file implements it for one vendor, and [`ALL`] lists it. Two vendors of one name are equal.
pub trait Vendor: std::fmt::Debug + Send + Sync {
    /// Word that chooses it: `--provider`, `provider` in a pipeline and in `corpora.toml`.
    fn name(&self) -> &'static str;

    /// Name with what else it serves, for a list of all.
    fn described(&self) -> &'static str {
        self.name()
    }

    /// Environment variable in which people keep its key.
    fn key_variable(&self) -> &'static str;

    /// Base URL of the vendor's own service.
    fn default_base_url(&self) -> &'static str;

    /// Base URL of an address as people write it, without `/` at its end. Most write it with `/v1` for OpenAI's interface and
    /// without for the others: both are understood.
    fn base_url(&self, given: &str) -> String {
        given.trim_end_matches("/v1").to_owned()
    }

    /// Version of the interface that this client was written against; empty where there are no versions.
    fn default_api_version(&self) -> &'static str {
        ""
    }

    /// Header that carries the key.
    fn key_header(&self, key: &str) -> (&'static str, String) {
        ("authorization", format!("Bearer {key}"))
    }

    /// Test whether tokens read from the prompt cache count against the limit on input tokens.
    fn limits_cached_input(&self) -> bool {
        true
    }

    /// Mechanism to begin with, for this schema.
    ///
    /// # Errors
    /// If the vendor has none that can express it.
    fn structured(&self, schema: &Value) -> Result<Structured, SchemaTrouble>;

    /// Mechanism after `from`, when the server refused that one.
    fn downgraded(&self, from: Structured) -> Option<Structured> {
        match from {
            Structured::Schema | Structured::Tool => Some(Structured::Json),
            Structured::Json => Some(Structured::Prompt),
            Structured::Prompt => None,
        }
    }

    /// Path of a request, below the base URL.
    fn path(&self, dialect: &Dialect) -> String;

    /// Path at which it tells about the model.
    fn model_path(&self, dialect: &Dialect) -> String;

    /// Path at which it lists its models.
    fn model_list_path(&self, _dialect: &Dialect) -> String {
        "/models".to_owned()
    }

    /// Headers beside the key.
    fn headers(&self, _dialect: &Dialect) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Body of a request.
    fn body(&self, dialect: &Dialect, prompt: &Prompt, structured: Structured) -> Value;

    /// Fields of a body that wishes about how the model answers come to, but for those that are given as fields.
    ///
    /// # Errors
    /// For a wish that it has no parameter for.
    fn model_settings(&self, dialect: &Dialect, settings: &ModelSettings)
    -> Result<Map<String, Value>, SettingTrouble>;

    /// Test whether it takes a label for the prompt that requests have in common (`prompt_cache_key`).
    fn takes_cache_key(&self) -> bool {
        false
    }

    /// Test whether it sells a slower tier at the price of its batches (`service_tier`).
    fn has_flex(&self) -> bool {
        false
    }

    /// Path of a request whose answer is streamed.
    fn stream_path(&self, dialect: &Dialect) -> String {
        self.path(dialect)
    }

    /// Makes a request one whose answer is streamed.
    fn ask_for_stream(&self, body: &mut Value) {
        body["stream"] = Value::Bool(true);
    }

    /// Adds an event of a stream to what the response would be in one piece, which is null before the first.
    fn add(&self, whole: &mut Value, event: &Value) -> Added;

    /// Marks a response whose stream ended without saying why as one that used up its output budget.
    fn break_off(&self, whole: &mut Value);

    /// Meaning of a response with status 2xx.
    ///
    /// # Errors
    /// A sentence, if it is not what the vendor sends.
    fn reply(&self, value: &Value) -> Result<Reply, String>;

    /// Meaning of an error's body, where it says more than the status.
    fn trouble(&self, status: u16, value: &Value) -> Option<TroubleKind>;

    /// Test whether an error's body has the form that the vendor gives its own, and no gateway's.
    fn is_own_error(&self, value: &Value) -> bool;

    /// Limits of one batch.
    fn batch_limits(&self) -> BatchLimits;

    /// Batches that may be created in an hour, where the vendor limits it.
    fn batches_per_hour(&self) -> Option<NonZeroU32> {
        None
    }

    /// Batches that may be open at once, where the vendor limits it.
    fn batches_in_flight(&self) -> Option<usize> {
        None
    }

    /// Test whether its listing shows our token, so that an orphan is found by it exactly.
    fn shows_token(&self) -> bool {
        true
    }

    /// Test whether it counts the requests that are done while a batch runs.
    fn counts_while_running(&self) -> bool {
        true
    }

    /// Days for which results can be read.
    fn result_days(&self) -> u32;

    /// Bytes before the first line of a payload, between lines, and after the last.
    fn payload_frame(&self) -> [&'static [u8]; 3] {
        [b"", b"\n", b"\n"]
    }

    /// Line of a payload: a request with our id.
    fn batch_line(&self, dialect: &Dialect, custom_id: &str, body: Value) -> Value;

    /// Sends a payload's file where the vendor takes files first; its id there. `None` where the payload goes with the creation.
    ///
    /// # Errors
    /// Words of the provider or the network.
    fn upload<'a>(
        &'a self,
        _client: &'a Client,
        _file: &'a Path,
        _token: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, Trouble>> {
        Box::pin(future::ready(Ok(None)))
    }

    /// Creates a batch, once; its id.
    ///
    /// # Errors
    /// Words of the provider or the network.
    fn create<'a>(
        &'a self,
        client: &'a Client,
        file: &'a Path,
        upload: Option<&'a str>,
        token: &'a str,
    ) -> BoxFuture<'a, Result<String, Trouble>>;

    /// Path of a batch.
    fn batch_path(&self, dialect: &Dialect, remote: &str) -> String;

    /// Path at which a batch is cancelled.
    fn cancel_path(&self, dialect: &Dialect, remote: &str) -> String {
        format!("{}/cancel", self.batch_path(dialect, remote))
    }

    /// Path of a page of all batches, newest first, after the one named.
    fn list_path(&self, dialect: &Dialect, after: Option<&str>) -> String;

    /// Batches of such a page, and where the next begins.
    fn page<'v>(&self, value: &'v Value) -> (&'v [Value], Option<&'v str>) {
        let page = value["data"].as_array().map_or(&[][..], Vec::as_slice);
        (page, value["last_id"].as_str().filter(|_| value["has_more"] == true))
    }

    /// Meaning of what it shows of a batch; `None` without id or state.
    fn seen(&self, dialect: &Dialect, value: &Value) -> Option<BatchSeen>;

    /// Meaning of a line of results; `None` without our id.
    fn result(&self, value: &Value) -> Option<ResultLine>;
}

impl PartialEq for dyn Vendor {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Vendor {}

/// The vendor that a word chooses.
pub fn vendor_named(name: &str) -> Option<&'static dyn Vendor> {
    ALL.iter().copied().find(|vendor| vendor.name() == name)
}
