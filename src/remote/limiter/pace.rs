//! Part of the rate that a provider takes, found by its refusals. Pure: time comes from the caller, in seconds.
//!
//! The rate that a person gave, or a provider told, may be wrong, shared with another program, or charged in another way than we
//! count. Refusals show it, but not every refusal is about the rate: an overloaded provider refuses one request in twenty however
//! few are sent. Where half of a rate is refused as often as the whole, the rate is not the reason: as many refusals are put up with
//! then, and only more of them cut the rate.

/// Least part of the rate that is ever used.
const LEAST: f64 = 0.02;
/// A rate that was taken for so long, in seconds, is near the right one.
const HELD: f64 = 3.0;
/// Cut where nothing is known yet, or much is refused ...
const FAR: f64 = 0.5;
/// ... where the rate held for a short time only ...
const SOME: f64 = 0.75;
/// ... and where the rate had held for a while.
const NEAR: f64 = 0.85;
/// Growth of the rate a second, up to this part of where it was refused ...
const BACK: f64 = 0.12;
const BACK_TO: f64 = 0.92;
/// ... and from there on: slow at first, then faster, so that a limit is met softly and a wrong cut is made good in a minute.
const BEYOND: f64 = 0.005;
const BEYOND_SQUARED: f64 = 0.0003;
/// Requests that a second of that growth takes, at least.
const REQUESTS_A_SECOND: f64 = 10.0;
/// Refusals at half of a rate, at least, before their share is compared with that at the whole ...
const SEEN: f64 = 3.0;
/// ... and part of it that is as often.
const AS_OFTEN: f64 = 0.25;
/// Smallest share that is told from none ...
const SMALLEST: f64 = 0.01;
/// ... and largest that is put up with.
const LARGEST: f64 = 0.2;
/// Refusals over the share that is expected, before they are not explained by it.
const OVER: f64 = 1.5;
/// Requests after which the share is looked at again.
const LOOK_EACH: u32 = 200;

/// Requests that were sent, and those of them that were refused.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    sent: f64,
    refused: f64,
}

impl Count {
    fn share(self) -> f64 {
        self.refused / self.sent.max(1.0)
    }
}

/// Meaning of a refusal for the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// None: it was sent before the last cut.
    Old,
    /// None: it is one of the few that are refused at any rate.
    Few,
    /// The rate is too high: it went down.
    TooFast {
        /// True if it had been taken for a while.
        held: bool,
    },
}

/// The part of the rate that is used, as it changes in time.
#[derive(Debug)]
pub(super) struct Pace {
    /// Part of the rate at `from`.
    factor: f64,
    from: f64,
    /// Part at which the provider refused last.
    ceiling: Option<f64>,
    /// Cuts so far.
    cuts: u32,
    /// Requests sent since the last cut, and those of them that were refused.
    sent: u32,
    refused: u32,
    /// True until a rate has held.
    is_searching: bool,
    /// Share of requests that are refused at any rate, once it is known.
    expected: f64,
    /// Part of the rate with which the half of it is compared, and what came of both.
    whole: f64,
    at_whole: Count,
    at_half: Count,
}

impl Pace {
    pub(super) fn new(now: f64) -> Self {
        Self {
            factor: 1.0,
            from: now,
            ceiling: None,
            cuts: 0,
            sent: 0,
            refused: 0,
            is_searching: true,
            expected: 0.0,
            whole: 1.0,
            at_whole: Count::default(),
            at_half: Count::default(),
        }
    }

    /// Number of cuts, which tells requests sent before one from those sent after it.
    pub(super) fn cuts(&self) -> u32 {
        self.cuts
    }

    /// Part of the rate that is used now, from [`LEAST`] to 1.
    pub(super) fn factor(&self, now: f64) -> f64 {
        let seconds = (now - self.from).max(0.0);
        let Some(ceiling) = self.ceiling else { return self.factor };
        let plateau = (ceiling * BACK_TO).max(self.factor);
        let back = (plateau / self.factor).ln() / BACK.ln_1p();
        let grown = if seconds < back {
            self.factor * (1.0 + BACK).powf(seconds)
        } else {
            // Where few requests are sent, each refusal is a large part of them.
            let beyond = (seconds - back).min(f64::from(self.sent) / REQUESTS_A_SECOND);
            plateau * (1.0 + BEYOND * beyond + BEYOND_SQUARED * beyond * beyond)
        };
        grown.clamp(LEAST, 1.0)
    }

    /// Takes note of a request that is sent.
    pub(super) fn sent(&mut self, now: f64) {
        self.sent += 1;
        self.counted_at(now).sent += 1.0;
        let share = f64::from(self.refused) / f64::from(self.sent);
        if self.expected > 0.0 && self.sent.is_multiple_of(LOOK_EACH) && share < self.expected / 3.0 {
            self.learn_anew(now);
        }
    }

    fn counted_at(&mut self, now: f64) -> &mut Count {
        if self.factor(now) <= self.whole / 2.0 { &mut self.at_half } else { &mut self.at_whole }
    }

    fn learn_anew(&mut self, now: f64) {
        (self.expected, self.whole) = (0.0, self.factor(now));
        (self.at_whole, self.at_half) = (Count::default(), Count::default());
    }

    /// Compares half of a rate with the whole.
    fn learn(&mut self, now: f64) {
        self.counted_at(now).refused += 1.0;
        if self.expected > 0.0 || self.at_half.refused < SEEN {
            return;
        }
        let share = self.at_half.share();
        if share >= SMALLEST && share >= AS_OFTEN * self.at_whole.share() {
            self.expected = share.min(LARGEST);
        } else {
            self.learn_anew(now);
        }
    }

    /// Takes note of a refusal of a request that was sent after `cuts` cuts.
    pub(super) fn refused(&mut self, cuts: u32, now: f64) -> Meaning {
        if cuts < self.cuts {
            return Meaning::Old;
        }
        self.refused += 1;
        self.learn(now);
        let few = OVER * self.expected * f64::from(self.sent);
        // Two standard deviations more than would be expected.
        if few > 0.0 && f64::from(self.refused) <= few + 2.0 * few.sqrt() + 1.0 {
            return Meaning::Few;
        }
        if few > 0.0 {
            // It was learnt wrongly, or is not so any more.
            self.learn_anew(now);
        }
        let held = now - self.from >= HELD;
        let part = match (held, self.is_searching) {
            (false, true) => FAR,
            (false, false) => SOME,
            (true, _) => NEAR,
        };
        self.is_searching &= !held;
        let factor = self.factor(now);
        self.ceiling = Some(factor);
        self.factor = (factor * part).clamp(LEAST, 1.0);
        self.from = now;
        self.cuts += 1;
        (self.sent, self.refused) = (0, 0);
        Meaning::TooFast { held }
    }

    /// Holds the rate as it is until `until`: nothing is sent, so nothing is learnt.
    pub(super) fn pause(&mut self, now: f64, until: f64) {
        if until > self.from {
            // What had grown stays, and goes on growing afterwards.
            self.from += until - now.max(self.from);
        }
    }
}
