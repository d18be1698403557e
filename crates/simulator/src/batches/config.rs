//! Batches and their faults, as whoever runs the simulator sets them.

use serde::{Deserialize, Serialize};

use crate::named::with_all;

with_all! {
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
        /// 502 with an HTML page to the creation, after the batch was made. <https://github.com/apache/airflow/pull/72416>
        CreateHtmlAfterEffect,
        /// 200 with nothing in it to the creation, after the batch was made.
        CreateEmptyAfterEffect,
        /// 400 to the creation: the account's limit on spending is reached. <https://github.com/openai/openai-python/issues/1643>
        CreateBillingLimit,
        /// 413 of a gateway to what brings the payload: the upload, or the creation. <https://github.com/BerriAI/litellm/pull/37527>
        PayloadTooLarge,
        /// The uploaded file is gone when the batch is created: files live two days at Google. Nothing happens where none is uploaded.
        /// <https://github.com/google-gemini/deprecated-generative-ai-python/issues/692>
        UploadGone,
        /// All states that the vendor has are passed through, a look each.
        EveryState,
        /// 200 with an HTML page to the first two looks.
        HtmlAtFirst,
        /// 200 with nothing in it to the first two looks.
        EmptyAtFirst,
        /// 404 to the first two downloads. <https://github.com/anthropics/anthropic-sdk-python/issues/1432>
        ResultsNotFoundAtFirst,
        /// 503 with an HTML page to the first two downloads.
        ResultsUnavailableAtFirst,
        /// 403 to the first download.
        ResultsForbiddenAtFirst,
        /// An HTML page, with status 200, is the first download.
        ResultsHtmlAtFirst,
        /// Nothing, with status 200, is the first download.
        ResultsEmptyAtFirst,
        /// Results lie at a signed address of another host, which needs no key.
        Redirected,
        /// The first download has no length, and the connection is closed in its middle: it looks like an end.
        ClosedEarly,
        /// Each fifth line never comes, and is counted all the same. <https://github.com/cds-snc/ai-answers/issues/1272>
        CountsDisagree,
        /// Counts are below zero.
        NegativeCounts,
        /// There are no counts.
        NoCounts,
        /// Every request is counted as answered, whatever became of it.
        CountsTooHigh,
        /// Requests that failed are counted, and no file tells of them.
        NoErrorFile,
        /// Ids of lines stand in a field of another name.
        RenamedIds,
        /// The first line has 30 MB.
        HugeLine,
        /// Lines end as on Windows.
        CarriageReturns,
        /// Results are compressed.
        GzipResults,
        /// Every line is the error of a key that was revoked.
        KeyInLines,
        /// Each fifth request is too long for the model.
        TooLongLines,
        /// Each fifth request is refused by a content filter, in an error. <https://github.com/stanford-crfm/helm/pull/3327>
        FilteredLines,
        /// Each fifth request was refused for the rate.
        BusyLines,
    }
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
    /// Faults of certain creations, counted from 1, refused ones too. One creation may meet several.
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
