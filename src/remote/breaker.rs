//! Reasons for which a run stops asking: trouble that no other request would escape, seen a few times in a row.

use std::time::{Duration, Instant};

use super::trouble::{Disposition, Trouble, TroubleKind};
use crate::values::{Stop, StopReason};

/// Troubles of a kind that stops a run, in a row, before it is believed.
const ABORTS: u32 = 3;
/// Requests found wrong before the first answer, before the run's own phrasing is blamed.
const BAD_REQUESTS: u32 = 5;
/// Failed connections before the first answer, before the address is blamed.
const UNREACHABLE: u32 = 5;

/// Answers before the first that can be used, before the run is stopped: the model, the server or the prompt is unfit.
const USELESS: u32 = 5;

/// Use that could be made of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UseOf {
    /// Some or all of it.
    Some,
    /// None, for a reason that the next request does not have.
    MoreRoom,
    /// None.
    None {
        /// The reason, and how the answer ended.
        example: String,
    },
}

/// Watches what comes back.
#[derive(Debug)]
pub struct Breaker {
    patience: Duration,
    answered: bool,
    last_answer: Instant,
    aborts: u32,
    bad_requests: u32,
    unreachable: u32,
    /// True once an answer could be used.
    useful: bool,
    useless: u32,
}

impl Breaker {
    /// A breaker that waits at most `patience` for a provider that refuses everything.
    pub fn new(patience: Duration, now: Instant) -> Self {
        Self {
            patience,
            answered: false,
            last_answer: now,
            aborts: 0,
            bad_requests: 0,
            unreachable: 0,
            useful: false,
            useless: 0,
        }
    }

    /// An answer came: the provider works.
    pub fn answered(&mut self, now: Instant) {
        let (useful, useless) = (self.useful, self.useless);
        *self = Self { answered: true, useful, useless, ..Self::new(self.patience, now) };
    }

    /// Test whether any answer could be used.
    pub fn is_useful(&self) -> bool {
        self.useful
    }

    /// Takes note of what use an answer was; says why the run should stop, if none of the first is of any.
    pub fn heard(&mut self, use_of: UseOf) -> Option<Stop> {
        match use_of {
            UseOf::Some => self.useful = true,
            UseOf::MoreRoom => {}
            UseOf::None { .. } if self.useful => {}
            UseOf::None { example } => {
                self.useless += 1;
                if self.useless >= USELESS {
                    let words = format!(
                        "none of the first {} answers can be used, the last because {example}; they are paid for and kept; try another model, or 'corpora doctor'",
                        self.useless
                    );
                    return Some(Stop::new(StopReason::Useless, words));
                }
            }
        }
        None
    }

    /// Test whether anything was ever answered.
    pub fn has_answered(&self) -> bool {
        self.answered
    }

    /// Takes note of trouble; says why the run should stop, if it should.
    pub fn trouble(&mut self, trouble: &Trouble, now: Instant) -> Option<Stop> {
        let stop = |times: u32| {
            let words = format!("{} ({times} times in a row); {}", trouble.message, trouble.remedy());
            Stop::new(trouble.stop().reason, words)
        };
        match (trouble.disposition(), trouble.kind) {
            (Disposition::AbortRun, _) => {
                self.aborts += 1;
                return (self.aborts >= ABORTS).then(|| stop(self.aborts));
            }
            (_, TroubleKind::BadRequest) if !self.answered => {
                self.bad_requests += 1;
                return (self.bad_requests >= BAD_REQUESTS).then(|| stop(self.bad_requests));
            }
            (_, TroubleKind::Unreachable) if !self.answered => {
                self.unreachable += 1;
                return (self.unreachable >= UNREACHABLE).then(|| stop(self.unreachable));
            }
            _ => {}
        }
        let silent = now.saturating_duration_since(self.last_answer);
        (silent > self.patience).then(|| {
            let words = format!(
                "no answer for {} minutes, the last trouble being: {}; run the same command again later, or wait longer with --patience",
                silent.as_secs() / 60,
                trouble.message
            );
            Stop::new(StopReason::Patience, words)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: TroubleKind) -> Trouble {
        Trouble::new(kind, "the provider answered 999: no")
    }

    #[test]
    fn a_wrong_key_stops_the_run_and_one_odd_answer_does_not() {
        let now = Instant::now();
        let mut breaker = Breaker::new(Duration::from_secs(60), now);
        breaker.answered(now);
        assert_eq!(breaker.trouble(&of(TroubleKind::Key), now), None);
        assert_eq!(breaker.trouble(&of(TroubleKind::Server { may_have_answered: true }), now), None);
        assert_eq!(breaker.trouble(&of(TroubleKind::Key), now), None);
        breaker.answered(now);
        for kind in [TroubleKind::Key, TroubleKind::Key] {
            assert_eq!(breaker.trouble(&of(kind), now), None);
        }
        let reason = breaker.trouble(&of(TroubleKind::Key), now).unwrap();
        assert!(reason.message.contains("check the API key"), "{}", reason.message);
    }

    #[test]
    fn trouble_of_documents_never_stops_a_run_that_has_answers() {
        let now = Instant::now();
        let mut breaker = Breaker::new(Duration::from_secs(60), now);
        breaker.answered(now);
        for _ in 0..1_000 {
            for kind in [TroubleKind::BadRequest, TroubleKind::Refused, TroubleKind::TooLarge, TroubleKind::Malformed] {
                assert_eq!(breaker.trouble(&of(kind), now), None);
            }
        }
    }

    #[test]
    fn before_the_first_answer_wrong_requests_and_a_wrong_address_stop_it() {
        let now = Instant::now();
        for (kind, times) in [(TroubleKind::BadRequest, BAD_REQUESTS), (TroubleKind::Unreachable, UNREACHABLE)] {
            let mut breaker = Breaker::new(Duration::from_secs(60), now);
            let stops: Vec<bool> = (0..times).map(|_| breaker.trouble(&of(kind), now).is_some()).collect();
            assert!(stops.iter().rev().skip(1).all(|s| !s) && stops[times as usize - 1], "{kind:?}");
        }
    }

    #[test]
    fn patience_ends() {
        let now = Instant::now();
        let mut breaker = Breaker::new(Duration::from_secs(60), now);
        breaker.answered(now);
        assert_eq!(breaker.trouble(&of(TroubleKind::RateLimited), now + Duration::from_secs(59)), None);
        let reason = breaker.trouble(&of(TroubleKind::Overloaded), now + Duration::from_secs(61)).unwrap();
        assert!(reason.message.contains("--patience"));
    }
}
