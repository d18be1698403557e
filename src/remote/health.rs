//! Health of a provider, as what comes back shows it: fine; away, when nothing but server trouble comes; of no use, when its first
//! answers cannot be used; denying, when no request of the run would fare better. Pure: time comes from the caller.

use std::time::{Duration, Instant};

use super::trouble::{Disposition, Trouble, TroubleKind};
use crate::values::{Stop, StopReason};

/// Troubles of a kind that stops a run, in a row, before it is believed.
const ABORTS: u32 = 3;
/// Requests found wrong before the first answer, before the run's own phrasing is blamed.
const BAD_REQUESTS: u32 = 5;
/// Failed connections before the first answer, before the address is blamed.
const UNREACHABLE: u32 = 5;
/// Answers before the first that can be used, before the run is stopped: the model, the server or the prompt is unfit ...
const USELESS: u32 = 5;
/// ... and answers among them to a question that was put in the last way that there is.
const USELESS_IN_THE_LAST_WAY: u32 = 2;
/// Server troubles in a row, at least, before a provider counts as away.
const AWAY: u32 = 5;
/// Pause between two requests to a provider that is away: this part of the time for which it has been, so that its return is seen
/// soon ...
const PROBE_EACH: u32 = 20;
/// ... and no shorter or longer than these.
const FIRST_PROBE: Duration = Duration::from_secs(1);
const LAST_PROBE: Duration = Duration::from_secs(30);
/// Absence after which the request that was sent to try it is charged for its trouble, and again each time: one text that a server
/// breaks at, as the last of a run, looks like an absence too.
const CHARGED_EACH: Duration = Duration::from_mins(5);

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

/// Consequence of trouble, beside what its [`Disposition`] says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reaction {
    /// End of the run, if no other request would fare better.
    pub stop: Option<Stop>,
    /// Words for a person about a change of health.
    pub news: Option<String>,
    /// True if the request is to blame: others got answers meanwhile.
    pub is_charged: bool,
}

/// A provider that is away.
#[derive(Debug)]
struct Away {
    since: Instant,
    next_probe: Instant,
    charged: Instant,
}

/// Watches what comes back.
#[derive(Debug)]
pub struct Health {
    patience: Duration,
    answers: u64,
    last_answer: Instant,
    aborts: u32,
    bad_requests: u32,
    unreachable: u32,
    /// Server troubles since the last answer.
    troubles: u32,
    away: Option<Away>,
    /// True once an answer could be used.
    useful: bool,
    useless: u32,
    useless_in_the_last_way: u32,
}

impl Health {
    /// Health of a provider of which nothing is known; a run waits at most `patience` for one that answers nothing.
    pub fn new(patience: Duration, now: Instant) -> Self {
        Self {
            patience,
            answers: 0,
            last_answer: now,
            aborts: 0,
            bad_requests: 0,
            unreachable: 0,
            troubles: 0,
            away: None,
            useful: false,
            useless: 0,
            useless_in_the_last_way: 0,
        }
    }

    /// An answer came: the provider works. Words for a person, if it was away.
    pub fn answered(&mut self, now: Instant) -> Option<String> {
        self.answers += 1;
        self.last_answer = now;
        (self.aborts, self.bad_requests, self.unreachable, self.troubles) = (0, 0, 0, 0);
        let away = self.away.take()?;
        let seconds = now.saturating_duration_since(away.since).as_secs();
        Some(format!("the provider answers again, after {seconds} s; the run goes on"))
    }

    /// Number of answers so far.
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// Test whether any answer could be used.
    pub fn is_useful(&self) -> bool {
        self.useful
    }

    /// Test whether anything was ever answered.
    pub fn has_answered(&self) -> bool {
        self.answers > 0
    }

    /// Test whether nothing but server trouble comes back.
    pub fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Test whether a request may be sent now: to a provider that is away only one at a time, and from time to time.
    pub fn may_send(&self, in_flight: usize, now: Instant) -> bool {
        self.away.as_ref().is_none_or(|away| in_flight == 0 && now >= away.next_probe)
    }

    /// Takes note of what use an answer was; says why the run should stop, if none of the first is of any. `can_ask_otherwise` says
    /// that the question can be put in another way, which the caller does then.
    pub fn heard(&mut self, use_of: UseOf, can_ask_otherwise: bool) -> Option<Stop> {
        match use_of {
            UseOf::Some => self.useful = true,
            UseOf::MoreRoom => {}
            UseOf::None { .. } if self.useful => {}
            UseOf::None { .. } if can_ask_otherwise => self.useless += 1,
            UseOf::None { example } => {
                self.useless += 1;
                self.useless_in_the_last_way += 1;
                if self.useless >= USELESS && self.useless_in_the_last_way >= USELESS_IN_THE_LAST_WAY {
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

    /// Takes note of trouble. `in_flight` counts what is still on its way; `answers_before` is [`Self::answers`] when the same request
    /// had trouble the last time.
    pub fn trouble(
        &mut self,
        trouble: &Trouble,
        in_flight: usize,
        answers_before: Option<u64>,
        now: Instant,
    ) -> Reaction {
        let stop = self.stop(trouble, now);
        if !trouble.is_of_server() {
            return Reaction { stop, ..Reaction::default() };
        }
        self.troubles += 1;
        let mut reaction = Reaction { stop, news: None, is_charged: answers_before.is_some_and(|n| self.answers > n) };
        match &mut self.away {
            Some(away) => {
                let absence = now.saturating_duration_since(away.since);
                let pause = (absence / PROBE_EACH).clamp(FIRST_PROBE, LAST_PROBE);
                // Not before the time that it told itself.
                away.next_probe = now + pause.max(trouble.retry_after.unwrap_or_default());
                if now.saturating_duration_since(away.charged) >= CHARGED_EACH {
                    away.charged = now;
                    reaction.is_charged = true;
                }
            }
            // All that was on its way when the first trouble came has come back with trouble too.
            None if self.troubles >= AWAY.max(u32::try_from(in_flight).unwrap_or(u32::MAX)) => {
                self.away = Some(Away { since: now, next_probe: now + FIRST_PROBE, charged: now });
                reaction.news = Some(format!(
                    "the provider is away: the last {} requests had nothing but trouble, the last being: {}; one request tries it from time to time, for {} minutes at most (--patience), and no document is charged for it",
                    self.troubles,
                    trouble.message,
                    self.patience.as_secs() / 60
                ));
            }
            None => {}
        }
        reaction
    }

    /// Reason for which the run should stop, if it should.
    fn stop(&mut self, trouble: &Trouble, now: Instant) -> Option<Stop> {
        let stop = |times: u32| {
            let words = format!("{} ({times} times in a row); {}", trouble.message, trouble.remedy());
            Stop::new(trouble.stop().reason, words)
        };
        match (trouble.disposition(), trouble.kind) {
            (Disposition::AbortRun, _) => {
                self.aborts += 1;
                return (self.aborts >= ABORTS).then(|| stop(self.aborts));
            }
            (_, TroubleKind::BadRequest) if self.answers == 0 => {
                self.bad_requests += 1;
                return (self.bad_requests >= BAD_REQUESTS).then(|| stop(self.bad_requests));
            }
            (_, TroubleKind::Unreachable) if self.answers == 0 => {
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
        let mut health = Health::new(Duration::from_secs(60), now);
        health.answered(now);
        assert_eq!(health.trouble(&of(TroubleKind::Key), 0, None, now).stop, None);
        assert_eq!(health.trouble(&of(TroubleKind::Server { may_have_answered: true }), 0, None, now).stop, None);
        assert_eq!(health.trouble(&of(TroubleKind::Key), 0, None, now).stop, None);
        health.answered(now);
        for kind in [TroubleKind::Key, TroubleKind::Key] {
            assert_eq!(health.trouble(&of(kind), 0, None, now).stop, None);
        }
        let reason = health.trouble(&of(TroubleKind::Key), 0, None, now).stop.unwrap();
        assert!(reason.message.contains("check the API key"), "{}", reason.message);
    }

    #[test]
    fn trouble_of_documents_never_stops_a_run_that_has_answers() {
        let now = Instant::now();
        let mut health = Health::new(Duration::from_secs(60), now);
        health.answered(now);
        for _ in 0..1_000 {
            for kind in [TroubleKind::BadRequest, TroubleKind::Refused, TroubleKind::TooLarge, TroubleKind::Malformed] {
                assert_eq!(health.trouble(&of(kind), 0, None, now).stop, None);
            }
        }
    }

    #[test]
    fn before_the_first_answer_wrong_requests_and_a_wrong_address_stop_it() {
        let now = Instant::now();
        for (kind, times) in [(TroubleKind::BadRequest, BAD_REQUESTS), (TroubleKind::Unreachable, UNREACHABLE)] {
            let mut health = Health::new(Duration::from_secs(60), now);
            let stops: Vec<bool> = (0..times).map(|_| health.trouble(&of(kind), 0, None, now).stop.is_some()).collect();
            assert!(stops.iter().rev().skip(1).all(|s| !s) && stops[times as usize - 1], "{kind:?}");
        }
    }

    #[test]
    fn patience_ends() {
        let now = Instant::now();
        let mut health = Health::new(Duration::from_secs(60), now);
        health.answered(now);
        assert_eq!(health.trouble(&of(TroubleKind::RateLimited), 0, None, now + Duration::from_secs(59)).stop, None);
        let reason = health.trouble(&of(TroubleKind::Overloaded), 0, None, now + Duration::from_secs(61)).stop.unwrap();
        assert!(reason.message.contains("--patience"));
    }

    const BROKEN: TroubleKind = TroubleKind::Server { may_have_answered: true };

    #[test]
    fn when_only_server_trouble_comes_back_one_request_at_a_time_tries_the_provider() {
        let now = Instant::now();
        let mut health = Health::new(Duration::from_secs(3600), now);
        health.answered(now);
        // Eight are in flight; all of them break.
        let news: Vec<bool> =
            (0..8).rev().map(|left| health.trouble(&of(BROKEN), left, None, now).news.is_some()).collect();
        assert_eq!(news.iter().filter(|n| **n).count(), 1, "told once");
        assert!(health.is_away() && !health.may_send(0, now) && !health.may_send(1, now + LAST_PROBE));
        let mut at = now;
        let mut probes = 0;
        while at < now + Duration::from_secs(120) {
            at += Duration::from_millis(100);
            if health.may_send(0, at) {
                probes += 1;
                let reaction = health.trouble(&of(BROKEN), 0, Some(1), at);
                assert_eq!(reaction, Reaction::default(), "told once, charged to nobody");
            }
        }
        assert!((30..=120).contains(&probes), "{probes} in two minutes");
        assert!(health.answered(at).unwrap().contains("answers again") && health.may_send(100, at));
    }

    #[test]
    fn a_provider_that_is_away_is_not_tried_before_the_time_that_it_told() {
        let now = Instant::now();
        let mut health = Health::new(Duration::from_secs(3600), now);
        let told = Trouble { retry_after: Some(Duration::from_secs(40)), ..of(TroubleKind::Overloaded) };
        for _ in 0..=AWAY {
            health.trouble(&told, 0, None, now);
        }
        assert!(health.is_away() && !health.may_send(0, now + Duration::from_secs(39)));
        assert!(health.may_send(0, now + Duration::from_secs(40)));
    }

    #[test]
    fn a_request_pays_for_trouble_that_it_has_while_others_get_answers() {
        let now = Instant::now();
        let mut health = Health::new(Duration::from_secs(3600), now);
        assert!(!health.trouble(&of(BROKEN), 3, None, now).is_charged, "the first time may be anybody's");
        assert!(!health.trouble(&of(BROKEN), 3, Some(0), now).is_charged);
        health.answered(now);
        assert!(health.trouble(&of(BROKEN), 3, Some(0), now).is_charged);
        assert!(!health.is_away(), "others are answered");
        // The last text of a run that a server breaks at is given up in the end.
        let mut at = now;
        let mut charged = 0;
        for _ in 0..200 {
            at += Duration::from_secs(30);
            charged += u32::from(health.trouble(&of(BROKEN), 0, Some(1), at).is_charged);
        }
        assert!((10..=21).contains(&charged), "{charged} in 100 minutes");
    }

    #[test]
    fn answers_of_no_use_stop_the_run_once_there_is_no_other_way_of_asking() {
        let now = Instant::now();
        let mut health = Health::new(Duration::from_secs(60), now);
        let useless = || UseOf::None { example: "it is not JSON".into() };
        assert!((0..4).all(|_| health.heard(useless(), true).is_none()));
        assert!(health.heard(useless(), false).is_none() && health.heard(useless(), false).is_some());
        let mut only_way = Health::new(Duration::from_secs(60), now);
        let stops: Vec<bool> = (0..USELESS).map(|_| only_way.heard(useless(), false).is_some()).collect();
        assert!(stops.iter().rev().skip(1).all(|s| !s) && stops[USELESS as usize - 1]);
        let mut good = Health::new(Duration::from_secs(60), now);
        good.heard(UseOf::Some, false);
        assert!((0..100).all(|_| good.heard(useless(), false).is_none()));
    }
}
