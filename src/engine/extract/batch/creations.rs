//! Limit on the batches created in an hour: providers limit the creations themselves, beside what is in them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

const HOUR: Duration = Duration::from_secs(3600);

/// Creations that may follow each other at once: the limit of an hour must not be spent in its first seconds, because some
/// providers count by the minute too.
const AT_ONCE: u64 = 10;

/// Time as it is told: the ledger's time while the creations of an earlier run are taken up, then the run's.
#[derive(Clone, Debug, Default)]
struct ToldClock(Arc<AtomicU64>);

impl Clock for ToldClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::new(self.0.load(Ordering::Relaxed))
    }
}

/// Lets through at most so many creations in any hour, those of earlier runs counted. It asks no clock: whoever asks it says what
/// time it is, and never an earlier one than before.
pub(super) struct Creations {
    limiter: Option<RateLimiter<NotKeyed, InMemoryState, ToldClock, NoOpMiddleware<Nanos>>>,
    clock: ToldClock,
    /// Milliseconds of the time zero that the clock counts from.
    zero_ms: i64,
    /// Before this nothing goes, in Unix milliseconds.
    not_before_ms: i64,
}

impl Creations {
    /// A limit of `per_hour` creations, none if it is absent. `earlier` are the Unix milliseconds at which the ledger says that
    /// batches were sent.
    pub(super) fn new(per_hour: Option<NonZeroU32>, earlier: impl IntoIterator<Item = i64>, now_ms: i64) -> Self {
        let clock = ToldClock::default();
        let zero_ms = now_ms - HOUR.as_millis() as i64;
        let limiter = per_hour.map(|most| {
            let most = u64::from(most.get());
            let at_once = (most / 10).clamp(1, AT_ONCE);
            // `at_once` together, then one each period: in an hour that begins with the first of them, `most` in all.
            let period = Duration::from_nanos((HOUR.as_nanos() as u64).div_ceil(most - at_once + 1));
            let burst = NonZeroU32::new(at_once as u32).expect("at least 1");
            let quota = Quota::with_period(period).expect("an hour's part is some time").allow_burst(burst);
            RateLimiter::direct_with_clock(quota, clock.clone())
        });
        let mut creations = Self { limiter, clock, zero_ms, not_before_ms: i64::MIN };
        let mut earlier: Vec<i64> = earlier.into_iter().filter(|at| (zero_ms..=now_ms).contains(at)).collect();
        earlier.sort_unstable();
        for at in earlier {
            // Sent is sent, even if it was too soon by the limit of today.
            let _ = creations.admit(at);
        }
        creations.not_before_ms = i64::MIN;
        creations
    }

    /// Time to wait before asking again, if it is known that the next creation may not go yet.
    pub(super) fn wait(&self, now_ms: i64) -> Option<Duration> {
        u64::try_from(self.not_before_ms.saturating_sub(now_ms)).ok().filter(|&ms| ms > 0).map(Duration::from_millis)
    }

    /// Counts a creation that is about to be sent.
    ///
    /// # Errors
    /// Time to wait first; nothing was counted then.
    pub(super) fn admit(&mut self, now_ms: i64) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let since = Duration::from_millis(now_ms.saturating_sub(self.zero_ms).max(0).unsigned_abs());
        self.clock.0.fetch_max(since.as_nanos() as u64, Ordering::Relaxed);
        let now = self.clock.now();
        limiter.check().map_err(|not_yet| {
            let wait = Duration::from(not_yet.earliest_possible().duration_since(now)).max(Duration::from_millis(1));
            self.not_before_ms = now_ms.saturating_add(wait.as_millis() as i64);
            wait
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR_MS: i64 = 3_600_000;
    const START: i64 = 1_795_000_000_000;

    fn limit(per_hour: u32) -> Option<NonZeroU32> {
        NonZeroU32::new(per_hour)
    }

    #[test]
    fn a_long_queue_of_batches_goes_at_the_limit_and_no_faster() {
        let mut creations = Creations::new(limit(2_000), [], START);
        let mut sent = Vec::new();
        let mut now = START;
        while now < START + 3 * HOUR_MS {
            match creations.admit(now) {
                Ok(()) => sent.push(now),
                Err(wait) => now += wait.as_millis() as i64,
            }
        }
        let in_hour = |from: i64| sent.iter().filter(|&&at| at >= from && at < from + HOUR_MS).count();
        assert_eq!(in_hour(START), 2_000);
        assert!(in_hour(START + HOUR_MS) <= 2_000 && in_hour(START + HOUR_MS) >= 1_980);
        assert_eq!(sent.iter().filter(|&&at| at < START + 1_000).count(), 10, "not an hour's worth at once");
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let mut creations = Creations::new(None, [START], START);
        assert!((0..10_000).all(|_| creations.admit(START).is_ok() && creations.wait(START).is_none()));
    }

    proptest! {
        #[test]
        fn no_hour_sees_more_whatever_the_pauses_and_restarts(
            per_hour in 1_u32..40,
            pauses in proptest::collection::vec((0_i64..900_000, any::<bool>()), 1..120),
        ) {
            let mut creations = Creations::new(limit(per_hour), [], START);
            let (mut now, mut sent) = (START, Vec::new());
            for (pause, restarts) in pauses {
                now += pause;
                if restarts {
                    creations = Creations::new(limit(per_hour), sent.iter().copied(), now);
                }
                match creations.admit(now) {
                    Ok(()) => sent.push(now),
                    Err(wait) => prop_assert_eq!(creations.wait(now), Some(Duration::from_millis(wait.as_millis() as u64))),
                }
            }
            for &from in &sent {
                let n = sent.iter().filter(|&&at| at >= from && at < from + HOUR_MS).count();
                prop_assert!(n <= per_hour as usize, "{n} in an hour, {per_hour} allowed");
            }
        }
    }
}
