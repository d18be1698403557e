//! Batches and their faults, as whoever runs the simulator sets them.

use serde::{Deserialize, Serialize};

/// Fault of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchFault {
    /// 504 to the creation, after the batch was made.
    CreateTimeoutAfterEffect,
    /// The connection ends after the batch was made.
    CreateResetAfterEffect,
    /// 500 to the creation, before anything was made.
    CreateErrorBeforeEffect,
    /// 429 to the creation.
    CreateRefused,
    /// 404 to the first two looks.
    NotFoundAtFirst,
    /// Refused as a whole after it was made.
    FailedAfterCreate,
    /// Refused as a whole after it was made, for a line that is not JSON.
    InvalidLine,
    /// 503 to the first two looks.
    UnavailableAtFirst,
    /// Gemini's states have the names that its SDKs use.
    JobStates,
    /// Half of its requests expire; at Gemini, all of them.
    Expired,
    /// Each fifth request fails at the provider.
    SomeErrored,
    /// Each fifth request is found wrong.
    SomeWrong,
    /// All requests fail, and it is called completed.
    AllErrored,
    /// Each fifth line comes twice.
    Duplicates,
    /// Each fifth line is missing from the first download, and counted all the same.
    Missing,
    /// Lines that nobody asked for.
    Unknown,
    /// The first download ends in the middle.
    CutDownload,
    /// The results are gone.
    ResultsGone,
    /// It is over, and for three looks its results have no place yet; at Anthropic, the first download is not found.
    /// <https://github.com/BerriAI/litellm/issues/37713>, <https://github.com/anthropics/anthropic-sdk-python/issues/1432>
    LateResults,
    /// Results begin with a byte order mark.
    ByteOrderMark,
    /// Ids of lines come back in upper case.
    ForeignIds,
    /// It ends in a word that no documentation has.
    UnknownState,
    /// 401 to every creation.
    CreateForbidden,
    /// 429 to the creation while another batch is open.
    QueueFull,
    /// A gateway's 429, in plain text, after the batch was made.
    GatewayAfterEffect,
    /// Every line is the error of an account without money.
    NoBalance,
    /// Listing and state show neither label nor input file.
    NoLabels,
    /// Each page of the listing is the first one, and says that there is more.
    /// <https://github.com/BerriAI/litellm/issues/37150>
    EndlessListing,
}

/// Course of batches.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchConfig {
    /// Median time until a batch ends, in milliseconds of the simulated clock.
    pub turnaround_ms: f64,
    /// 99th percentile over median of that.
    pub p99_over_median: f64,
    /// Milliseconds between a creation's effect and its reply.
    pub create_delay_ms: f64,
    /// Milliseconds by which the listing lags behind.
    pub list_lag_ms: f64,
    /// Prompt tokens that may be enqueued; a batch beyond it fails after its creation.
    pub queue_tokens: Option<u64>,
    /// Part of the batches that meets each fault.
    pub faults: Vec<(BatchFault, f64)>,
    /// Faults of certain creations, counted from 1.
    pub script: Vec<(BatchFault, u64)>,
    /// True if there are no batch endpoints at all.
    pub absent: bool,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            turnaround_ms: 0.0,
            p99_over_median: 1.0,
            create_delay_ms: 0.0,
            list_lag_ms: 0.0,
            queue_tokens: None,
            faults: Vec::new(),
            script: Vec::new(),
            absent: false,
        }
    }
}
