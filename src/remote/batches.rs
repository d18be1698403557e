//! Batch endpoints: submitting a file of requests, finding it again, watching it, reading its results. What is done with them
//! is the engine's; nothing here retries.

use std::path::Path;

use serde_json::Value;

use super::Client;
use super::client::Payload;
use super::trouble::{Trouble, TroubleKind};
use super::vendors::excerpt;
use crate::values::Usage;

/// State of a batch at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Being worked on, or about to be.
    Running,
    /// A word that is not known: results may be at these places.
    Unknown {
        /// Places for [`Client::read_results`].
        places: Vec<String>,
    },
    /// Over; results are read at these places, none if none is named.
    Ended {
        /// Places for [`Client::read_results`].
        places: Vec<String>,
        /// False if it was cancelled or ran out of time, and so may hold less than was asked.
        complete: bool,
    },
    /// Refused as a whole after it was created.
    Failed {
        /// The provider's words.
        message: String,
        /// True if too much was enqueued: less may be taken.
        queue_full: bool,
    },
}

/// A batch as its provider shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchSeen {
    /// Its id at the provider.
    pub remote: String,
    /// Our token, where the provider keeps one.
    pub token: Option<String>,
    /// Requests in it, where that is known.
    pub requests: Option<u64>,
    /// State.
    pub standing: Standing,
    /// The provider's word for that.
    pub status: String,
    /// Requests that are over, as the provider counts; none where it does not count, or counts what cannot be.
    pub counts: Option<Counts>,
    /// Tokens of all its answers, where the provider sums them up.
    pub told: Option<Usage>,
    /// The payload's file at the provider, where it tells it.
    pub upload: Option<String>,
    /// Unix seconds when it was made.
    pub created_unix: Option<f64>,
    /// Unix seconds at which the provider stops working on it, where it tells that.
    pub expires_unix: Option<f64>,
}

/// Requests of a batch that are over, as its provider counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were answered.
    pub succeeded: u64,
    /// Requests that were not.
    pub failed: u64,
}

impl Counts {
    /// Requests that are over.
    pub fn all(&self) -> u64 {
        self.succeeded.saturating_add(self.failed)
    }
}

/// Outcome of one request of a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum LineOutcome {
    /// A response, as it would have come live.
    Answered(Vec<u8>),
    /// An error, as it would have come live.
    Failed(Trouble),
    /// It was not done: expired or cancelled.
    Undone(String),
}

/// One line of results.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultLine {
    /// Our id of the request.
    pub custom_id: String,
    /// Outcome.
    pub outcome: LineOutcome,
}

/// Limits of one batch at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Requests.
    pub requests: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Client {
    /// Sends a payload's file where the provider takes files first. Returns its id there, or `None` where the payload goes with
    /// the creation. A file without a batch costs nothing.
    ///
    /// # Errors
    /// Words of the provider or the network.
    pub async fn upload_payload(&self, file: &Path, token: &str) -> Result<Option<String>, Trouble> {
        self.dialect().vendor.upload(self, file, token).await
    }

    /// Creates a batch; returns its id. Sent once: where the answer is lost, the batch may exist.
    ///
    /// # Errors
    /// Words of the provider or the network; [`is_surely_absent`] tells whether the batch may exist all the same.
    pub async fn create_batch(&self, file: &Path, upload: Option<&str>, token: &str) -> Result<String, Trouble> {
        self.dialect().vendor.create(self, file, upload, token).await
    }

    /// State of a batch.
    ///
    /// # Errors
    /// Words of the provider or the network.
    pub async fn batch(&self, remote: &str) -> Result<BatchSeen, Trouble> {
        let value =
            self.json("GET", &self.dialect().vendor.batch_path(self.dialect(), remote), &[], Payload::None).await?;
        self.seen(&value)
    }

    /// A page of the provider's batches, newest first, and where the next begins.
    ///
    /// # Errors
    /// Words of the provider or the network.
    pub async fn batches(&self, after: Option<&str>) -> Result<(Vec<BatchSeen>, Option<String>), Trouble> {
        let dialect = self.dialect();
        let value = self.json("GET", &dialect.vendor.list_path(dialect, after), &[], Payload::None).await?;
        let (page, next) = dialect.vendor.page(&value);
        let seen = page.iter().map(|b| self.seen(b)).collect::<Result<Vec<_>, _>>()?;
        Ok((seen, next.map(str::to_owned)))
    }

    /// Reads results line by line as they come. A line that cannot be read is given to `odd` and passed over.
    ///
    /// # Errors
    /// Words of the provider or the network; what `each` was given before stays given.
    pub async fn read_results(
        &self,
        place: &str,
        each: &mut dyn FnMut(ResultLine) -> Result<(), String>,
        odd: &mut dyn FnMut(String),
    ) -> Result<(), Trouble> {
        let vendor = self.dialect().vendor;
        self.lines(place, &mut |line| {
            let Ok(value) = serde_json::from_slice::<Value>(line) else {
                odd(format!("a line of results is not JSON: {}", excerpt(line)));
                return Ok(());
            };
            match vendor.result(&value) {
                Some(line) => each(line),
                None => {
                    odd(format!("a line of results has no id: {}", excerpt(line)));
                    Ok(())
                }
            }
        })
        .await
    }

    /// Asks the provider to stop a batch. What is done by then may still be billed, and is still collected.
    ///
    /// # Errors
    /// Words of the provider or the network.
    pub async fn cancel_batch(&self, remote: &str) -> Result<(), Trouble> {
        let dialect = self.dialect();
        let path = dialect.vendor.cancel_path(dialect, remote);
        self.json("POST", &path, &[], Payload::None).await.map(drop)
    }

    fn seen(&self, value: &Value) -> Result<BatchSeen, Trouble> {
        self.dialect().vendor.seen(self.dialect(), value).ok_or_else(|| {
            let text = value.to_string();
            Trouble::new(
                TroubleKind::Malformed,
                format!("the provider shows a batch without id or state: {}", excerpt(text.as_bytes())),
            )
        })
    }
}

/// Test whether a failed creation surely made no batch: only a refusal in the provider's own words says so. A time-out, a broken
/// connection or a server error may come after the effect, and so may what a gateway on the way answers.
pub fn is_surely_absent(trouble: &Trouble) -> bool {
    match trouble.kind {
        TroubleKind::Unreachable | TroubleKind::Unsent => true,
        // Too large for somebody on the way is too large to arrive.
        TroubleKind::TooLarge => true,
        TroubleKind::RateLimited
        | TroubleKind::Refused
        | TroubleKind::Structured
        | TroubleKind::BadRequest
        | TroubleKind::Key
        | TroubleKind::Balance
        | TroubleKind::DailyQuota
        | TroubleKind::NotFound => trouble.own_words,
        TroubleKind::Overloaded
        | TroubleKind::Server { .. }
        | TroubleKind::Timeout
        | TroubleKind::Cut
        | TroubleKind::Malformed => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::{Dialect, GEMINI, OPENAI_CHAT, Vendor};
    use serde_json::json;

    fn seen_by(vendor: &'static dyn Vendor, value: &Value) -> Option<BatchSeen> {
        let dialect = Dialect::new(vendor, "m", "v1", true);
        vendor.seen(&dialect, value)
    }

    /// <https://github.com/tobert/kaibo/pull/93>, <https://github.com/ProjectTech4DevAI/kaapi-backend/issues/723>
    #[test]
    fn a_file_id_that_is_an_empty_string_is_no_file() {
        let seen = |output: Value, error: Value| {
            seen_by(
                OPENAI_CHAT,
                &json!({"id": "b", "status": "completed", "output_file_id": output, "error_file_id": error}),
            )
            .unwrap()
        };
        let places = |standing: Standing| match standing {
            Standing::Ended { places, .. } => places,
            other => panic!("{other:?}"),
        };
        assert_eq!(places(seen(json!("f1"), json!("")).standing), ["/files/f1/content"]);
        // All have failed, and it is called completed.
        assert_eq!(places(seen(Value::Null, json!("f2")).standing), ["/files/f2/content"]);
        assert!(places(seen(json!(""), json!("")).standing).is_empty());
        let google =
            json!({"name": "batches/1", "metadata": {"state": "JOB_STATE_SUCCEEDED", "output": {"responsesFile": ""}}});
        assert!(places(seen_by(GEMINI, &google).unwrap().standing).is_empty());
    }

    #[test]
    fn a_batch_that_is_refused_names_the_line() {
        let errors = json!({"data": [{"code": "invalid_json_line", "line": 7, "message": "not JSON"}]});
        let seen = seen_by(OPENAI_CHAT, &json!({"id": "b", "status": "failed", "errors": errors})).unwrap();
        assert_eq!(seen.standing, Standing::Failed { message: "line 7: not JSON".into(), queue_full: false });
    }
}
