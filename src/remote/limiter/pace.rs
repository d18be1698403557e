//! Part of the rate that a provider takes, found by its refusals. Pure: time comes from the caller, in seconds.
//!
//! The rate that a person gave, or a provider told, may be wrong, shared with another program, or charged in another way than we
//! count. Refusals show it, but not every refusal is about the rate: an overloaded provider refuses one request in twenty however
//! few are sent. So a refusal is believed where the rate is as high as the one that was refused before; below that only the share
//! of refused requests counts.

/// Least part of the rate that is ever used.
const LEAST: f64 = 0.02;
/// A rate that was taken for so long, in seconds, is near the right one.
const HELD: f64 = 3.0;
/// Cut where nothing is known yet, or much is refused ...
const FAR: f64 = 0.5;
/// ... where some is refused though the rate had been taken before ...
const SOME: f64 = 0.75;
/// ... and from the mean rate that was taken since the last cut, which is the provider's own with what its bucket held.
const NEAR: f64 = 0.9;
/// Growth of the rate a second, up to where it was refused ...
const BACK: f64 = 0.05;
/// ... and from there on: slow at first, then faster, so that a limit is met softly and a wrong step is made good in a minute.
const BEYOND: f64 = 0.005;
const BEYOND_SQUARED: f64 = 0.0005;
/// Share of requests that may be refused at a rate that had been taken before, until it is known better ...
const TOLERATED: f64 = 0.08;
/// ... and at most.
const TOLERATED_AT_MOST: f64 = 0.3;
/// Slower by a quarter, and refused as often as before to this part: not for the rate.
const AS_OFTEN: f64 = 0.7;

/// Meaning of a refusal for the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// None: it was sent before the last cut.
    Old,
    /// None: it is one of the few that are refused at any rate.
    Few,
    /// The rate is too high: it went down.
    TooFast,
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
    tolerated: f64,
    /// Share that was refused when the last cut was made for it.
    share_before: Option<f64>,
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
            tolerated: TOLERATED,
            share_before: None,
        }
    }

    /// Number of cuts, which tells requests sent before one from those sent after it.
    pub(super) fn cuts(&self) -> u32 {
        self.cuts
    }

    /// Requests sent since the last cut.
    pub(super) fn sent_since(&self) -> u32 {
        self.sent
    }

    /// Part of the rate that is used now, from [`LEAST`] to 1.
    pub(super) fn factor(&self, now: f64) -> f64 {
        let seconds = (now - self.from).max(0.0);
        let Some(ceiling) = self.ceiling else { return self.factor };
        let back = (ceiling / self.factor).ln().max(0.0) / BACK.ln_1p();
        let grown = if seconds < back {
            self.factor * (1.0 + BACK).powf(seconds)
        } else {
            let beyond = seconds - back;
            ceiling.max(self.factor) * (1.0 + BEYOND * beyond + BEYOND_SQUARED * beyond * beyond)
        };
        grown.clamp(LEAST, 1.0)
    }

    pub(super) fn sent(&mut self) {
        self.sent += 1;
    }

    /// Takes note of a refusal of a request that was sent after `cuts` cuts.
    pub(super) fn refused(&mut self, cuts: u32, now: f64) -> Meaning {
        if cuts < self.cuts {
            return Meaning::Old;
        }
        self.refused += 1;
        let factor = self.factor(now);
        let to = if self.is_searching && now - self.from < HELD {
            factor * FAR
        } else if self.ceiling.is_some_and(|ceiling| factor < ceiling) && !self.is_searching {
            let share = f64::from(self.refused) / f64::from(self.sent.max(1));
            if share <= self.tolerated {
                return Meaning::Few;
            }
            if self.share_before.is_some_and(|before| share >= AS_OFTEN * before) {
                self.tolerated = (1.5 * share).min(TOLERATED_AT_MOST);
            }
            self.share_before = Some(share);
            factor * if share > TOLERATED_AT_MOST { FAR } else { SOME }
        } else {
            self.is_searching = false;
            (self.tolerated, self.share_before) = (TOLERATED.max(self.tolerated * AS_OFTEN), None);
            self.mean(now) * NEAR
        };
        self.ceiling = Some(factor);
        self.factor = to.clamp(LEAST, 1.0);
        self.from = now;
        self.cuts += 1;
        (self.sent, self.refused) = (0, 0);
        Meaning::TooFast
    }

    /// Holds the rate as it is until `until`: nothing is sent, so nothing is learnt.
    pub(super) fn pause(&mut self, now: f64, until: f64) {
        if until > self.from {
            // What had grown stays, and goes on growing afterwards.
            self.from += until - now.max(self.from);
        }
    }

    /// Mean part of the rate since the last cut.
    fn mean(&self, now: f64) -> f64 {
        const STEPS: u32 = 32;
        let span = (now - self.from).max(0.0);
        let at = |step: u32| self.factor(self.from + span * (f64::from(step) + 0.5) / f64::from(STEPS));
        (0..STEPS).map(at).sum::<f64>() / f64::from(STEPS)
    }
}
