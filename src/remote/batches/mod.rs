//! Batch endpoints: submitting a file of requests, finding it again, watching it, reading its results. What is done with them
//! is the engine's; nothing here retries.

mod anthropic;
mod gemini;
mod openai;

use std::num::NonZeroU32;
use std::path::Path;

use serde_json::Value;

use super::client::Payload;
use super::trouble::{Trouble, TroubleKind};
use super::{Client, Dialect, Prompt, Structured, Vendor};

/// How a batch stands at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Being worked on, or about to be.
    Running,
    /// Over; results are read at these places, none if there are none.
    Ended {
        /// What [`Client::read_results`] takes.
        places: Vec<String>,
    },
    /// Refused as a whole after it was created.
    Failed {
        /// The provider's words.
        message: String,
        /// Whether too much was enqueued: less may be taken.
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
    /// How it stands.
    pub standing: Standing,
    /// The provider's word for that.
    pub status: String,
    /// Requests that succeeded so far, as the provider counts.
    pub succeeded: u64,
    /// Requests that did not.
    pub failed: u64,
    /// Unix seconds when it was made.
    pub created_unix: Option<f64>,
}

/// What came of one request of a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum LineOutcome {
    /// A response, as it would have come live.
    Answered(Vec<u8>),
    /// The request is wrong: sending it again would not help.
    Wrong(String),
    /// It was not done: failed at the provider, expired or cancelled.
    Undone(String),
}

/// One line of results.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultLine {
    /// Our id of the request.
    pub custom_id: String,
    /// What came of it.
    pub outcome: LineOutcome,
}

/// What a provider takes in one batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Requests.
    pub requests: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Vendor {
    /// Limits of one batch: Anthropic 100,000 requests and 256 MB, OpenAI 50,000 and 200 MB, Gemini files of 2 GB.
    /// <https://platform.claude.com/docs/en/build-with-claude/batch-processing>,
    /// <https://platform.openai.com/docs/guides/batch>, <https://ai.google.dev/gemini-api/docs/batch-api>
    pub fn batch_limits(self) -> BatchLimits {
        match self {
            Self::Anthropic => BatchLimits { requests: 100_000, bytes: 250_000_000 },
            Self::OpenAiChat | Self::OpenAiResponses => BatchLimits { requests: 50_000, bytes: 195_000_000 },
            Self::Gemini => BatchLimits { requests: 100_000, bytes: 1_900_000_000 },
        }
    }

    /// Batches that may be created in an hour, where the provider limits it: OpenAI takes 2,000. Anthropic counts all calls of its
    /// batch endpoints together, 50 a minute in the lowest tier; half of them are left for looking at batches. Others name no
    /// limit. <https://platform.openai.com/docs/guides/batch>,
    /// <https://platform.claude.com/docs/en/api/rate-limits#message-batches-api>
    pub fn batches_per_hour(self) -> Option<NonZeroU32> {
        match self {
            Self::Anthropic => NonZeroU32::new(1_500),
            Self::OpenAiChat | Self::OpenAiResponses => NonZeroU32::new(2_000),
            Self::Gemini => None,
        }
    }

    /// Whether its listing shows our token, so that an orphan is found by it exactly.
    pub fn shows_token(self) -> bool {
        self != Self::Anthropic
    }

    /// Whether it counts the requests that are done while a batch runs. Anthropic's counts stand still until the end.
    /// <https://platform.claude.com/docs/en/api/retrieving-message-batches>
    pub fn counts_while_running(self) -> bool {
        self != Self::Anthropic
    }

    /// Days for which results can be read.
    pub fn result_days(self) -> u32 {
        match self {
            Self::Anthropic => 29,
            Self::OpenAiChat | Self::OpenAiResponses => 30,
            Self::Gemini => 2,
        }
    }

    /// What stands before the first line of a payload, between lines, and after the last.
    pub fn payload_frame(self) -> [&'static [u8]; 3] {
        match self {
            Self::Anthropic => [b"{\"requests\":[", b",\n", b"]}"],
            Self::OpenAiChat | Self::OpenAiResponses | Self::Gemini => [b"", b"\n", b"\n"],
        }
    }
}

impl Dialect {
    /// One request as a line of a payload.
    pub fn batch_line(&self, custom_id: &str, prompt: &Prompt, structured: Structured) -> Vec<u8> {
        let body = self.body(prompt, structured);
        let line = match self.vendor {
            Vendor::Anthropic => anthropic::line(custom_id, body),
            Vendor::OpenAiChat => openai::line(custom_id, "/v1/chat/completions", &body),
            Vendor::OpenAiResponses => openai::line(custom_id, "/v1/responses", &body),
            Vendor::Gemini => gemini::line(custom_id, &body),
        };
        serde_json::to_vec(&line).expect("a JSON value has string keys")
    }
}

impl Client {
    /// Sends a payload's file where the provider takes files first. Returns its id there, or `None` where the payload goes with
    /// the creation. A file without a batch costs nothing.
    ///
    /// # Errors
    /// What the provider or the network said.
    pub async fn upload_payload(&self, file: &Path, token: &str) -> Result<Option<String>, Trouble> {
        match self.dialect().vendor {
            Vendor::Anthropic => Ok(None),
            Vendor::OpenAiChat | Vendor::OpenAiResponses => openai::upload(self, file, token).await.map(Some),
            Vendor::Gemini => gemini::upload(self, file, token).await.map(Some),
        }
    }

    /// Creates a batch; returns its id. Sent once: where the answer is lost, the batch may exist.
    ///
    /// # Errors
    /// What the provider or the network said; [`is_surely_absent`] tells whether the batch may exist all the same.
    pub async fn create_batch(&self, file: &Path, upload: Option<&str>, token: &str) -> Result<String, Trouble> {
        match self.dialect().vendor {
            Vendor::Anthropic => anthropic::create(self, file).await,
            Vendor::OpenAiChat | Vendor::OpenAiResponses => {
                openai::create(self, upload.unwrap_or_default(), token).await
            }
            Vendor::Gemini => gemini::create(self, upload.unwrap_or_default(), token).await,
        }
    }

    /// How a batch stands.
    ///
    /// # Errors
    /// What the provider or the network said.
    pub async fn batch(&self, remote: &str) -> Result<BatchSeen, Trouble> {
        let value = self.json("GET", &self.batch_path(remote), &[], Payload::None).await?;
        self.seen(&value)
    }

    /// A page of the provider's batches, newest first, and where the next begins.
    ///
    /// # Errors
    /// What the provider or the network said.
    pub async fn batches(&self, after: Option<&str>) -> Result<(Vec<BatchSeen>, Option<String>), Trouble> {
        let vendor = self.dialect().vendor;
        let path = match vendor {
            Vendor::Anthropic => anthropic::list_path(after),
            Vendor::OpenAiChat | Vendor::OpenAiResponses => openai::list_path(after),
            Vendor::Gemini => gemini::list_path(&self.dialect().api_version, after),
        };
        let value = self.json("GET", &path, &[], Payload::None).await?;
        let (list, next) = match vendor {
            Vendor::Gemini => ("operations", value["nextPageToken"].as_str().filter(|t| !t.is_empty())),
            _ => ("data", value["last_id"].as_str().filter(|_| value["has_more"] == true)),
        };
        // Gemini leaves an empty list out.
        let page = value[list].as_array().or(value["batches"].as_array());
        let seen = page.into_iter().flatten().map(|b| self.seen(b)).collect::<Result<Vec<_>, _>>()?;
        Ok((seen, next.map(str::to_owned)))
    }

    /// Reads results line by line as they come. A line that cannot be read is given to `odd` and passed over.
    ///
    /// # Errors
    /// What the provider or the network said; what `each` was given before stays given.
    pub async fn read_results(
        &self,
        place: &str,
        each: &mut dyn FnMut(ResultLine) -> Result<(), String>,
        odd: &mut dyn FnMut(String),
    ) -> Result<(), Trouble> {
        let vendor = self.dialect().vendor;
        self.lines(place, &mut |line| {
            let Ok(value) = serde_json::from_slice::<Value>(line) else {
                odd(format!("a line of results is not JSON: {}", super::vendors::excerpt(line)));
                return Ok(());
            };
            let read = match vendor {
                Vendor::Anthropic => anthropic::result(&value),
                Vendor::OpenAiChat | Vendor::OpenAiResponses => openai::result(&value),
                Vendor::Gemini => gemini::result(&value),
            };
            match read {
                Some(line) => each(line),
                None => {
                    odd(format!("a line of results has no id: {}", super::vendors::excerpt(line)));
                    Ok(())
                }
            }
        })
        .await
    }

    /// Asks the provider to stop a batch. What is done by then may still be billed, and is still collected.
    ///
    /// # Errors
    /// What the provider or the network said.
    pub async fn cancel_batch(&self, remote: &str) -> Result<(), Trouble> {
        let path = match self.dialect().vendor {
            Vendor::Gemini => format!("{}:cancel", self.batch_path(remote)),
            _ => format!("{}/cancel", self.batch_path(remote)),
        };
        self.json("POST", &path, &[], Payload::None).await.map(drop)
    }

    fn batch_path(&self, remote: &str) -> String {
        match self.dialect().vendor {
            Vendor::Anthropic => format!("/v1/messages/batches/{remote}"),
            Vendor::OpenAiChat | Vendor::OpenAiResponses => format!("/batches/{remote}"),
            Vendor::Gemini => format!("/{}/{remote}", self.dialect().api_version),
        }
    }

    fn seen(&self, value: &Value) -> Result<BatchSeen, Trouble> {
        let seen = match self.dialect().vendor {
            Vendor::Anthropic => anthropic::seen(value),
            Vendor::OpenAiChat | Vendor::OpenAiResponses => openai::seen(value),
            Vendor::Gemini => gemini::seen(value, &self.dialect().api_version),
        };
        seen.ok_or_else(|| {
            let text = value.to_string();
            Trouble::new(
                TroubleKind::Malformed,
                format!("the provider shows a batch without id or state: {}", super::vendors::excerpt(text.as_bytes())),
            )
        })
    }
}

/// Whether a failed creation surely made no batch: only a refusal in the provider's own words says so. A time-out, a broken
/// connection or a server error may come after the effect.
pub fn is_surely_absent(trouble: &Trouble) -> bool {
    match trouble.kind {
        TroubleKind::RateLimited
        | TroubleKind::TooLarge
        | TroubleKind::Refused
        | TroubleKind::Structured
        | TroubleKind::BadRequest
        | TroubleKind::Key
        | TroubleKind::Balance
        | TroubleKind::DailyQuota
        | TroubleKind::NotFound
        | TroubleKind::Unreachable => true,
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
    use serde_json::json;

    /// <https://github.com/tobert/kaibo/pull/93>, <https://github.com/ProjectTech4DevAI/kaapi-backend/issues/723>
    #[test]
    fn a_file_id_that_is_an_empty_string_is_no_file() {
        let seen = |output: Value, error: Value| {
            openai::seen(&json!({"id": "b", "status": "completed", "output_file_id": output, "error_file_id": error}))
                .unwrap()
        };
        let places = |standing: Standing| match standing {
            Standing::Ended { places } => places,
            other => panic!("{other:?}"),
        };
        assert_eq!(places(seen(json!("f1"), json!("")).standing), ["/files/f1/content"]);
        // All have failed, and it is called completed.
        assert_eq!(places(seen(Value::Null, json!("f2")).standing), ["/files/f2/content"]);
        assert!(places(seen(json!(""), json!("")).standing).is_empty());
        let google =
            json!({"name": "batches/1", "metadata": {"state": "JOB_STATE_SUCCEEDED", "output": {"responsesFile": ""}}});
        assert!(places(gemini::seen(&google, "v1").unwrap().standing).is_empty());
    }

    #[test]
    fn a_batch_that_is_refused_names_the_line() {
        let errors = json!({"data": [{"code": "invalid_json_line", "line": 7, "message": "not JSON"}]});
        let seen = openai::seen(&json!({"id": "b", "status": "failed", "errors": errors})).unwrap();
        assert_eq!(seen.standing, Standing::Failed { message: "line 7: not JSON".into(), queue_full: false });
    }
}
