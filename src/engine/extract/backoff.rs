//! Budget and pauses of asking again.

use std::time::Duration;

/// The attempt budget of a unit. Waiting for a provider that is busy or out of reach costs nothing of it.
pub(in crate::engine) const ATTEMPTS: u32 = 8;

/// Cost of an answer that cannot be used, out of the budget: it was paid for.
pub(in crate::engine) const BAD_ANSWER_COSTS: u32 = 2;

/// First upper bound of a wait.
const FIRST: f64 = 0.5;
/// Largest upper bound.
const MOST: f64 = 30.0;

/// Pause after `failures` failures in a row: full jitter, a uniform part of a bound that doubles, so that
/// requests that failed together do not come back together. Never less than what the provider asked for.
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>
pub(in crate::engine) fn backoff(failures: u32, asked: Option<Duration>, jitter: f64) -> Duration {
    let bound = (FIRST * f64::from(1_u32 << failures.saturating_sub(1).min(10))).min(MOST);
    Duration::from_secs_f64(bound * jitter.clamp(0.0, 1.0)).max(asked.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_never_undercut_the_provider() {
        assert_eq!(backoff(1, None, 1.0), Duration::from_millis(500));
        assert_eq!(backoff(3, None, 1.0), Duration::from_secs(2));
        assert_eq!(backoff(40, None, 1.0), Duration::from_secs(30));
        assert_eq!(backoff(3, None, 0.0), Duration::ZERO);
        assert_eq!(backoff(1, Some(Duration::from_secs(7)), 0.1), Duration::from_secs(7));
    }
}
