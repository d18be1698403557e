//! A remote provider as a run asks it: where it is, how it is phrased, what it may cost, which endpoint.

use std::num::NonZeroU32;
use std::time::Duration;

use super::error::RunError;
use crate::remote::{ApiKey, BatchLimits, Client, Dialect, Endpoint, Price, Rates, ServiceTier, Structured, Tariff};
use crate::stages::extract::ContextChoice;
use crate::values::{Asked, Cost, Stop, Usage};

/// Ways to get answers.
#[derive(Debug, Clone)]
pub enum EndpointKind {
    /// Request by request.
    Live,
    /// Through the provider's batch endpoint, at half the price.
    Batch,
    /// Whichever fits.
    Auto {
        /// Aim of the choice.
        aim: Aim,
        /// Unix time in seconds at which the answers have to be there.
        deadline: Option<f64>,
    },
}

/// Aim of a choice between ways to get answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Batches where there is enough to ask and enough time, else live.
    Soon,
    /// Half the price as long as it can be had: the flex tier, then batches, live at the full price when time runs out.
    Cheapest,
}

/// A remote provider, with every default filled in.
#[derive(Debug, Clone)]
pub struct Remote {
    /// Address that requests go to.
    pub endpoint: Endpoint,
    /// Phrasing of requests.
    pub dialect: Dialect,
    /// The API key; servers on this machine need none.
    pub key: Option<ApiKey>,
    /// Limits that were given.
    pub rates: Rates,
    /// Requests in flight at most.
    pub most_in_flight: usize,
    /// Time that one request may take.
    pub timeout: Duration,
    /// Time between two words of an answer; none where answers come in one piece.
    pub between_tokens: Option<Duration>,
    /// Way in which the schema is given first; none is the vendor's best.
    pub structured: Option<Structured>,
    /// Time that a run waits for a provider that answers nothing.
    pub patience: Duration,
    /// Most that all answers in the output folder may cost.
    pub max_cost: Option<Cost>,
    /// Price of the model, if that is known.
    pub price: Option<Price>,
    /// Tier of service at which live requests are asked, unless the aim is the cheapest.
    pub tier: ServiceTier,
    /// True if `extract` begins while other documents are still parsed.
    pub overlap: bool,
    /// Context that is told of terms. It is not part of a question's key: an answer stays good whatever it was judged by.
    pub context: ContextChoice,
    /// Handling of batches, also of those that a live run finds open.
    pub batch: BatchOptions,
    /// Kind of endpoint that is asked.
    pub endpoint_kind: EndpointKind,
    /// Unix time in seconds.
    pub now_unix: fn() -> f64,
}

impl Remote {
    /// The most that a live answer costs: a request for another tier may be served at the standard one.
    pub(super) fn cost(&self, usage: &Usage) -> Option<Cost> {
        self.price.as_ref().map(|p| p.cost(usage, Tariff::Live(ServiceTier::Standard)))
    }

    /// A client for answers of a schema.
    ///
    /// # Errors
    /// If the schema cannot be expressed at this vendor.
    pub fn client(&self, schema: &serde_json::Value) -> Result<Client, RunError> {
        let client = Client::new(
            self.endpoint.clone(),
            self.dialect.clone(),
            self.key.clone(),
            schema,
            self.timeout,
            self.most_in_flight,
            self.now_unix,
        )
        .map_err(|e| RunError::Provider(e.to_string()))?;
        let client = match self.between_tokens {
            Some(between) => client.streaming(between),
            None => client,
        };
        Ok(match self.structured {
            Some(way) => client.structured_by(way),
            None => client,
        })
    }
}

/// Handling of batches.
#[derive(Debug, Clone)]
pub struct BatchOptions {
    /// Most that goes into one batch.
    pub limits: BatchLimits,
    /// Prompt tokens in one batch at most, where the provider limits what is enqueued.
    pub most_tokens: Option<u64>,
    /// Batches at the provider at once at most.
    pub most_open: Option<usize>,
    /// Batches created in an hour at most, those of earlier runs over the same store counted.
    pub per_hour: Option<NonZeroU32>,
    /// True if the run leaves after everything is submitted.
    pub detach: bool,
    /// True if one request goes live before the first batch.
    pub probe: bool,
    /// True if what the first batches leave undone is asked live.
    pub finish_live: bool,
    /// Time between two looks at a batch, at first; it grows to six times that.
    pub poll: Duration,
    /// Time that a provider's listing may lag behind.
    pub listing_lag: Duration,
    /// Word of a person that a batch of unknown fate, or with lost results, shall be asked for again.
    pub resubmit: bool,
    /// Word of a person that open batches are given up: what stands in them may be asked again, and is paid for again.
    pub abandon: bool,
}

/// Result of asking a remote provider.
pub(super) struct Outcome {
    pub(super) asked: Asked,
    /// End before its time, if it had one.
    pub(super) stop: Option<Stop>,
}
