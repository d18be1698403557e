//! Defaults of a run. Help texts, configuration and README show these, and whoever uses the library gets them.

use std::time::Duration;

use super::provider::{BatchOptions, EndpointKind, Remote};
use crate::remote::{ApiKey, BatchLimits, Dialect, Endpoint, Rates, ServiceTier};
use crate::stages::extract::ContextChoice;

/// Processor time for parsing one document.
pub const PARSE_TIME: Duration = Duration::from_secs(120);

/// Address space for parsing one document, in bytes.
pub const PARSE_MEMORY: u64 = 1 << 30;

/// Time that one request may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

/// Time that one request may take where some are asked at the flex tier, as OpenAI advises.
/// <https://developers.openai.com/api/docs/guides/flex-processing>
pub const FLEX_REQUEST_TIMEOUT: Duration = Duration::from_secs(900);

/// Time between two words of an answer that is streamed.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(60);

/// Time that a run waits for a provider that answers nothing.
pub const PATIENCE: Duration = Duration::from_secs(3_600);

/// Requests in flight at most.
pub const IN_FLIGHT: usize = 1_024;

/// Time between two looks at a batch, at first.
pub const POLL: Duration = Duration::from_secs(10);

/// Time by which a provider's listing of batches may lag behind.
pub const LISTING_LAG: Duration = Duration::from_secs(30);

/// Documents worked on at once: as many as there are cores.
pub fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Remote {
    /// A provider that is asked request by request, without limits or prices of one's own. `now_unix` is the clock, in seconds.
    pub fn new(endpoint: Endpoint, dialect: Dialect, key: Option<ApiKey>, now_unix: fn() -> f64) -> Self {
        let batch = BatchOptions::new(dialect.vendor.batch_limits());
        Self {
            endpoint,
            dialect,
            key,
            rates: Rates { requests: None, input: None, output: None, tokens: None },
            most_in_flight: IN_FLIGHT,
            timeout: REQUEST_TIMEOUT,
            between_tokens: None,
            structured: None,
            patience: PATIENCE,
            max_cost: None,
            price: None,
            tier: ServiceTier::Standard,
            overlap: true,
            context: ContextChoice::default(),
            batch,
            endpoint_kind: EndpointKind::Live,
            now_unix,
        }
    }
}

impl BatchOptions {
    /// Batches up to a provider's limits, waited for until they have ended.
    pub fn new(limits: BatchLimits) -> Self {
        Self {
            limits,
            most_tokens: None,
            most_open: None,
            per_hour: None,
            detach: false,
            probe: true,
            finish_live: false,
            poll: POLL,
            listing_lag: LISTING_LAG,
            resubmit: false,
            abandon: false,
        }
    }
}
