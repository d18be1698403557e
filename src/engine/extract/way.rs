//! Way in which a run asks: live, at which tier, or by batch. Pure: facts come in, so that each choice has a test.

use crate::engine::provider::{Aim, EndpointKind, Remote};
use crate::remote::ServiceTier;

/// Requests from which on `--endpoint auto` takes the batch endpoint: below about a thousand, asking live is done sooner than
/// most batches (`docs/measurements.md`).
const AUTO_REQUESTS: u64 = 1_000;

/// Turnaround of a batch that providers promise, in seconds.
const BATCH_SECONDS: f64 = 24.0 * 3600.0;

/// Longest time that a request at the flex tier takes, in seconds: as long as vendors advise to wait for one.
const FLEX_SECONDS: f64 = 900.0;

/// Requests a second where no limit is given: what a small account may send.
const GUESSED_RATE: f64 = 2.0;

/// Facts that the choice rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::engine) struct Facts {
    /// Requests that are left.
    pub(in crate::engine) requests: u64,
    /// Seconds that asking all of them live takes.
    pub(in crate::engine) live_seconds: f64,
    /// Seconds until the answers have to be there; none if they may come when they come.
    pub(in crate::engine) seconds_left: Option<f64>,
    /// True if the model can be had at the flex tier for less.
    pub(in crate::engine) has_flex: bool,
}

/// Way in which what is left is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::engine) enum Way {
    /// Request by request at the flex tier.
    Flex {
        /// Seconds after which what is left goes at the standard tier; none if all of it goes at flex.
        lasts: Option<f64>,
    },
    /// Through the batch endpoint.
    Batch,
    /// Request by request at the full price, because there is little to ask.
    Soon,
    /// Request by request at the full price, because nothing cheaper is done in time.
    InTime,
}

impl Facts {
    /// Facts about what is left to be asked of a provider. `limited` are the seconds that it takes under the limits that were given.
    pub(in crate::engine) fn new(remote: &Remote, requests: u64, limited: Option<f64>) -> Self {
        let deadline = match remote.endpoint_kind {
            EndpointKind::Auto { deadline, .. } => deadline,
            EndpointKind::Live | EndpointKind::Batch => None,
        };
        Self {
            requests,
            live_seconds: limited.unwrap_or(requests as f64 / GUESSED_RATE),
            seconds_left: deadline.map(|deadline| deadline - (remote.now_unix)()),
            has_flex: sells_flex(remote),
        }
    }

    /// True if the time left is enough for something that takes so many seconds.
    fn has_time(&self, seconds: f64) -> bool {
        self.seconds_left.is_none_or(|left| left >= seconds)
    }
}

/// True if a model can be had at the flex tier for less, as far as is known.
fn sells_flex(remote: &Remote) -> bool {
    remote.dialect.vendor.has_flex() && remote.price.as_ref().is_none_or(crate::remote::Price::sells_flex)
}

/// The way for an aim. Cheap things first: flex, whose answers come at once and whose prompts are cached; then batches, which take a day;
/// then the full price, when time has run out for both. What would take more than a day at the account's rate goes by batch, which has limits of its own.
pub(in crate::engine) fn way(aim: Aim, facts: &Facts) -> Way {
    let batch_in_time = facts.has_time(BATCH_SECONDS);
    match aim {
        Aim::Soon if !batch_in_time => Way::InTime,
        Aim::Soon if facts.requests < AUTO_REQUESTS => Way::Soon,
        Aim::Soon => Way::Batch,
        Aim::Cheapest => {
            let needed = FLEX_SECONDS + facts.live_seconds;
            let is_large = facts.live_seconds > BATCH_SECONDS;
            if facts.has_flex && facts.has_time(needed) && !(is_large && batch_in_time) {
                Way::Flex { lasts: facts.seconds_left.map(|left| left - needed) }
            } else if batch_in_time {
                Way::Batch
            } else {
                Way::InTime
            }
        }
    }
}

impl Way {
    /// The choice in words for a person.
    pub(in crate::engine) fn words(self, requests: u64) -> String {
        match self {
            Self::Flex { lasts: None } => format!("{requests} requests go at the flex tier, at about half the price"),
            Self::Flex { lasts: Some(seconds) } => format!(
                "{requests} requests go at the flex tier, at about half the price; what is left in {} goes at the full price, to be there in time",
                hours(seconds)
            ),
            Self::Batch => format!("{requests} requests go through the batch endpoint, at half the price"),
            Self::Soon => format!("{requests} requests are soon asked: they go live"),
            Self::InTime => {
                "the deadline is too near for anything cheaper: requests go live, at the full price".to_owned()
            }
        }
    }
}

/// A time in hours and minutes.
fn hours(seconds: f64) -> String {
    let minutes = (seconds / 60.0).floor() as u64;
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}

/// Rule by which each live request gets its tier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::engine) enum TierRule {
    /// One for all.
    Always(ServiceTier),
    /// Flex while there is time for it, and standard for what is left then.
    FlexUntil {
        /// Unix time in seconds at which the answers have to be there.
        deadline: f64,
        /// Facts as they were when asking began.
        facts: Facts,
    },
}

impl TierRule {
    /// The rule for a provider of which so much is asked.
    pub(in crate::engine) fn of(remote: &Remote, facts: &Facts) -> Self {
        match remote.endpoint_kind {
            EndpointKind::Auto { aim: Aim::Cheapest, deadline } if facts.has_flex => match deadline {
                Some(deadline) => Self::FlexUntil { deadline, facts: *facts },
                None => Self::Always(ServiceTier::Flex),
            },
            _ => Self::Always(remote.tier),
        }
    }

    /// Tier of the next request, when so many are answered.
    pub(in crate::engine) fn at(&self, now_unix: f64, answered: u64) -> ServiceTier {
        match self {
            Self::Always(tier) => *tier,
            Self::FlexUntil { deadline, facts } => {
                let left = facts.requests.saturating_sub(answered);
                let live_seconds = facts.live_seconds * left as f64 / facts.requests.max(1) as f64;
                let now = Facts { requests: left, live_seconds, seconds_left: Some(deadline - now_unix), ..*facts };
                match way(Aim::Cheapest, &now) {
                    Way::Flex { .. } | Way::Batch => ServiceTier::Flex,
                    Way::Soon | Way::InTime => ServiceTier::Standard,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: f64 = 86_400.0;
    const HOUR: f64 = 3_600.0;

    fn facts(requests: u64, live_seconds: f64, seconds_left: Option<f64>, has_flex: bool) -> Facts {
        Facts { requests, live_seconds, seconds_left, has_flex }
    }

    #[test]
    fn as_time_runs_out_the_cheapest_is_flex_then_batch_then_live() {
        let cheapest = |live, left, flex| way(Aim::Cheapest, &facts(500, live, left, flex));
        assert_eq!(cheapest(HOUR, None, true), Way::Flex { lasts: None });
        assert_eq!(cheapest(HOUR, Some(8.0 * HOUR), true), Way::Flex { lasts: Some(7.0 * HOUR - 900.0) });
        assert_eq!(cheapest(HOUR, Some(HOUR), true), Way::InTime, "flex may take a quarter of an hour more");
        // Without flex a batch is the cheapest, however little there is to ask, while a day is left.
        assert_eq!(cheapest(HOUR, None, false), Way::Batch);
        assert_eq!(cheapest(HOUR, Some(DAY), false), Way::Batch);
        assert_eq!(cheapest(HOUR, Some(DAY - 1.0), false), Way::InTime);
        // What takes days at the account's rate is done sooner by batch.
        assert_eq!(cheapest(3.0 * DAY, None, true), Way::Batch);
        assert_eq!(cheapest(3.0 * DAY, Some(2.0 * DAY), true), Way::Batch);
    }

    #[test]
    fn who_wants_it_soon_gets_batches_for_what_is_large_and_may_wait() {
        let soon = |requests, left| way(Aim::Soon, &facts(requests, 1.0, left, true));
        assert_eq!(soon(999, None), Way::Soon);
        assert_eq!(soon(1_000, None), Way::Batch);
        assert_eq!(soon(1_000, Some(DAY)), Way::Batch);
        assert_eq!(soon(1_000, Some(DAY - 1.0)), Way::InTime);
    }

    #[test]
    fn requests_go_at_flex_until_what_is_left_needs_the_rest_of_the_time() {
        let rule =
            TierRule::FlexUntil { deadline: 10.0 * HOUR, facts: facts(100, 4.0 * HOUR, Some(10.0 * HOUR), true) };
        assert_eq!(rule.at(0.0, 0), ServiceTier::Flex);
        assert_eq!(rule.at(5.0 * HOUR, 0), ServiceTier::Flex);
        assert_eq!(rule.at(6.0 * HOUR, 0), ServiceTier::Standard, "four hours are left for four hours of work");
        assert_eq!(rule.at(6.0 * HOUR, 50), ServiceTier::Flex, "half of it is done");
        assert_eq!(rule.at(9.8 * HOUR, 100), ServiceTier::Standard, "no flex answer would come in time");
        assert_eq!(TierRule::Always(ServiceTier::Flex).at(1e12, 0), ServiceTier::Flex);
    }

    #[test]
    fn the_choice_is_told_with_its_hour() {
        let told = Way::Flex { lasts: Some(6.5 * HOUR) }.words(1_234);
        assert!(told.contains("1234 requests") && told.contains("6 h 30 min"), "{told}");
    }
}
