//! Faults of providers, one name for each.

use serde::{Deserialize, Serialize};

use crate::named::with_all;

with_all! {
    /// One fault. Faults of the wire and the status come instead of an answer, faults of content come within one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Fault {
        /// 500.
        ServerError,
        /// 500 with `x-should-retry: false`.
        ServerErrorNoRetry,
        /// 502 with an HTML page.
        BadGateway,
        /// 503 with an HTML page.
        Unavailable,
        /// 504 after the answer was made and billed.
        GatewayTimeoutAfterEffect,
        /// 529.
        Overloaded,
        /// 408.
        RequestTimeout,
        /// 409.
        Conflict,
        /// 413 with a body that is not JSON.
        TooLarge,
        /// 429, `retry-after` in whole seconds.
        RateLimited,
        /// 429, `retry-after` with a fraction.
        RateLimitedFraction,
        /// 429, `retry-after` as an HTTP date.
        RateLimitedDate,
        /// 429, `retry-after-ms`.
        RateLimitedMillis,
        /// 429 without a time.
        RateLimitedSilent,
        /// 429, `retry-after: 0`.
        RateLimitedZero,
        /// The connection ends before any header.
        ResetBeforeHeaders,
        /// The connection ends inside the body, after the answer was made and billed.
        ResetInBody,
        /// JSON that ends too early, with a content length that fits it.
        TruncatedJson,
        /// A chunked body without its last chunk.
        ChunkedCut,
        /// A gzip-compressed body.
        Gzip,
        /// No answer at all.
        Stuck,
        /// Headers at once, the body in small pieces.
        SlowBody,
        /// 401: the key was revoked.
        KeyRevoked,
        /// 400: the spend limit is reached.
        SpendLimit,
        /// 429 with `insufficient_quota`.
        InsufficientQuota,
        /// 404: no such model.
        ModelNotFound,
        /// 400: the schema parameter is not known.
        NoStructuredOutput,
        /// 400 that repeats the key it was sent.
        EchoKey,
        /// 400 of a content filter; where the vendor filters without an error, a refusal.
        /// <https://github.com/stanford-crfm/helm/pull/3327>
        ContentFilter,
        /// 400: the prompt is too long for the model.
        ContextTooLong,
        /// 429 of a gateway, in plain text.
        GatewayRateLimited,
        /// 200 with nothing in it, after the answer was made and billed.
        EmptyBody,
        /// 200 with an HTML page, after the answer was made and billed.
        HtmlBody,
        /// The answer breaks off at the output budget.
        MaxTokens,
        /// The model refuses.
        Refusal,
        /// No content.
        Empty,
        /// Text in several blocks.
        SeveralBlocks,
        /// A thinking block first.
        ThinkingFirst,
        /// A tool call instead of text.
        ToolInstead,
        /// Text before a tool call.
        TextBeforeTool,
        /// Numbers where strings should be.
        WrongTypes,
        /// The JSON in a code fence.
        CodeFence,
        /// Words around the JSON.
        TextAround,
        /// No JSON at all.
        NotJson,
        /// Every letter as an escape.
        UnicodeEscapes,
        /// A surrogate without its partner.
        LoneSurrogate,
        /// Raw control characters in a string.
        RawControls,
        /// A NUL in a string.
        Nul,
        /// An answer of a megabyte.
        Huge,
        /// An item is missing, another stands twice.
        WrongCount,
        /// No usage.
        UsageMissing,
        /// Usage that is null.
        UsageNull,
        /// Usage with cached tokens.
        UsageCached,
        /// Thoughts take 4,000 tokens of the output budget before the first word, and with less room the answer is empty.
        /// <https://github.com/googleapis/python-genai/issues/2062>
        ThinkingEatsBudget,
        /// An unfinished copy of the message stands before it, where a response may hold several.
        /// <https://github.com/opentargets/mira/issues/70>
        FragmentFirst,
        /// Another model answers than was asked.
        RenamedModel,
    }
}

impl Fault {
    /// Test whether the provider makes, and bills, an answer although the client never gets it whole.
    pub(super) fn after_effect(self) -> bool {
        matches!(
            self,
            Self::GatewayTimeoutAfterEffect
                | Self::ResetInBody
                | Self::ChunkedCut
                | Self::TruncatedJson
                | Self::Stuck
                | Self::EmptyBody
                | Self::HtmlBody
        )
    }

    /// Test whether the fault lies in the content of an answer that arrives.
    pub(super) fn is_content(self) -> bool {
        self as usize >= Self::MaxTokens as usize
    }
}
