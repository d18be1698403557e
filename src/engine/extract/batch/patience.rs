//! What is done about a call to a batch endpoint that failed: each kind of call has its own counter, its own pauses and its own end,
//! so that none goes round for ever. Pure.

use std::time::Duration;

use crate::engine::extract::backoff::backoff;
use crate::remote::{Disposition, Trouble, TroubleKind};

/// Calls that the driver makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Call {
    /// The payload's file goes up.
    Upload,
    /// A batch is created.
    Create,
    /// A look at a batch.
    Look,
    /// Results are read.
    Results,
    /// A page of the provider's batches.
    Listing,
}

/// Failures of one kind of call about one batch, in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failures {
    /// Their number, from 1.
    pub(super) count: u32,
    /// Time since the first of them.
    pub(super) since: Duration,
}

/// Next step after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The same call again, after this time.
    Again(Duration),
    /// The provider's queue is full: again when a batch that is there has ended.
    QueueFull,
    /// The payload is too large for somebody on the way: smaller batches.
    Smaller,
    /// The run stops.
    Stop,
}

/// Refusals that no repetition helps against, before they are believed: one may be an accident of a gateway.
const BELIEVED: u32 = 2;

/// Looks at a batch that the provider does not show, before that is believed: providers answer 404 now and then.
const NOT_SHOWN: u32 = 4;

/// Refusals of a creation for the rate, with no batch of ours there that may fill the queue.
const MOST_RATE_LIMITED: u32 = 8;

/// Time for which results that cannot be found are late and not gone.
/// <https://github.com/anthropics/anthropic-sdk-python/issues/1432>
const RESULTS_LATE: Duration = Duration::from_mins(10);

/// Longest pause for results that are late.
const RESULTS_PAUSE: Duration = Duration::from_secs(30);

/// The next step. `is_there` says that a batch of ours is at the provider and has not ended; `patience` is for a provider that
/// answers nothing.
pub(super) fn after(
    call: Call,
    trouble: &Trouble,
    failures: Failures,
    is_there: bool,
    patience: Duration,
    jitter: f64,
) -> Next {
    let Failures { count, since } = failures;
    let pause = |asked| Next::Again(backoff(count, asked, jitter).max(Duration::from_millis(20)));
    match (trouble.disposition(), trouble.kind) {
        (_, TroubleKind::TooLarge) if matches!(call, Call::Upload | Call::Create) => Next::Smaller,
        (_, TroubleKind::NotFound) if call == Call::Results => {
            if since >= RESULTS_LATE.min(patience) {
                Next::Stop
            } else {
                Next::Again(backoff(count, None, 1.0).min(RESULTS_PAUSE))
            }
        }
        (_, TroubleKind::NotFound) if call == Call::Look && count < NOT_SHOWN => pause(None),
        (Disposition::Retry { .. }, TroubleKind::RateLimited) if call == Call::Create && is_there => Next::QueueFull,
        (Disposition::Retry { after, .. }, TroubleKind::RateLimited) if call == Call::Create => {
            if count >= MOST_RATE_LIMITED { Next::Stop } else { pause(after) }
        }
        (Disposition::Retry { after, .. }, _) => {
            if since > patience {
                Next::Stop
            } else {
                pause(after)
            }
        }
        _ if count >= BELIEVED => Next::Stop,
        _ => pause(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_mins(30);

    /// Calls until the run stops; none if a thousand are not enough. Time passes as the pauses say.
    fn calls(call: Call, kind: TroubleKind, is_there: bool) -> Option<u32> {
        let mut since = Duration::ZERO;
        for count in 1..=1_000 {
            match after(call, &Trouble::new(kind, "no"), Failures { count, since }, is_there, PATIENCE, 0.5) {
                Next::Again(pause) => since += pause,
                Next::Stop => return Some(count),
                Next::QueueFull | Next::Smaller => return None,
            }
        }
        None
    }

    #[test]
    fn whatever_is_refused_has_an_end() {
        use TroubleKind::*;
        let all_calls = [Call::Upload, Call::Create, Call::Look, Call::Results, Call::Listing];
        for call in all_calls {
            for kind in [Key, Balance, DailyQuota, BadRequest, Refused, Structured] {
                assert_eq!(calls(call, kind, false), Some(2), "{call:?} {kind:?}");
            }
            for kind in [Overloaded, Timeout, Cut, Unreachable, Malformed, Server { may_have_answered: true }] {
                assert!(calls(call, kind, false).is_some_and(|n| n > 2), "{call:?} {kind:?}");
            }
        }
        assert_eq!(calls(Call::Create, RateLimited, false), Some(MOST_RATE_LIMITED));
        assert_eq!(calls(Call::Look, NotFound, false), Some(NOT_SHOWN));
        assert!(calls(Call::Results, NotFound, false).is_some_and(|n| n > 10), "late, not gone");
    }

    #[test]
    fn a_full_queue_is_waited_for_and_what_is_too_large_is_made_smaller() {
        let once = Failures { count: 1, since: Duration::ZERO };
        let next = |call, kind, there| after(call, &Trouble::new(kind, "no"), once, there, PATIENCE, 0.5);
        assert_eq!(next(Call::Create, TroubleKind::RateLimited, true), Next::QueueFull);
        for call in [Call::Upload, Call::Create] {
            assert_eq!(next(call, TroubleKind::TooLarge, false), Next::Smaller);
        }
    }
}
