//! Requests in flight where nobody told a limit. Pure.
//!
//! The window doubles as long as the provider gets through more: answers take no longer, for what they hold, than with half as many
//! in flight. A server of two slots is found at two, whatever queue it keeps; one without a queue worth naming is filled in a minute.
//! By Little's law the throughput is the window over the time that an answer takes, so that time alone is measured, over answers to
//! requests that were sent with the window as it is.

/// Window at the beginning.
const FIRST: f64 = 2.0;
/// Part of the throughput hoped for that has to come, for a larger window to stay ...
const WORTH: f64 = 0.3;
/// ... and part of the throughput that may be lost, for a smaller one.
const LOSS: f64 = 0.1;
/// Answers over which a window is judged, at least.
const JUDGED_BY: u32 = 8;
/// Growth of a trial, where more in flight only means a longer queue ...
const DOUBLE: f64 = 2.0;
/// ... and where it was refused.
const QUARTER_MORE: f64 = 1.25;
/// Part of the window that is tried, in turns with a larger one.
const LESS: f64 = 0.5;
/// Answers before another window is tried, as windows, after the first trial that was not worth it ...
const HOLD: f64 = 8.0;
/// ... and at most, as each such trial doubles them.
const LONGEST_HOLD: f64 = 64.0;
/// Work that goes with every answer, in output tokens: a short one takes its time too.
const CONSTANT_WORK: f64 = 50.0;

/// A window of requests in flight.
#[derive(Debug)]
pub(super) struct Window {
    size: f64,
    /// Window before the trial of this one, with its time for a piece of work; none where this one is no trial.
    before: Option<(f64, f64)>,
    /// Number of changes, which tells requests sent with this window from those sent before.
    changes: u32,
    growth: f64,
    /// True if the next trial is of a smaller one.
    tries_less: bool,
    /// Answers to wait for before the next trial, and the windows' worth of them after the next one in vain.
    hold: f64,
    patience: f64,
    /// Answers with this window, their time in seconds, and their work in output tokens.
    answers: u32,
    seconds: f64,
    work: f64,
}

impl Window {
    pub(super) fn new() -> Self {
        Self {
            size: FIRST,
            before: None,
            changes: 0,
            growth: DOUBLE,
            tries_less: false,
            hold: 0.0,
            patience: HOLD,
            answers: 0,
            seconds: 0.0,
            work: 0.0,
        }
    }

    pub(super) fn size(&self) -> usize {
        self.size.ceil() as usize
    }

    /// Number of changes so far.
    pub(super) fn changes(&self) -> u32 {
        self.changes
    }

    /// Takes note of an answer to a request that was sent after `changes` changes, with its time in seconds and its tokens of output.
    /// `in_flight` counts this one.
    pub(super) fn answered(&mut self, changes: u32, seconds: f64, output: u64, in_flight: usize) {
        // A window that is not filled says nothing about a larger one.
        if changes != self.changes || in_flight < self.size() {
            return;
        }
        self.answers += 1;
        self.seconds += seconds;
        self.work += output as f64 + CONSTANT_WORK;
        self.hold -= 1.0;
        if self.answers < JUDGED_BY.max(self.size() as u32) {
            return;
        }
        let piece = self.seconds / self.work;
        if let Some((size, before)) = self.before {
            let gain = (self.size / piece) / (size / before);
            let is_worth_it =
                if self.size > size { gain >= 1.0 + WORTH * (self.size / size - 1.0) } else { gain >= 1.0 - LOSS };
            self.tries_less = !self.tries_less;
            if !is_worth_it {
                self.hold = self.patience * size;
                self.patience = (self.patience * 2.0).min(LONGEST_HOLD);
                self.change(size, None);
                return;
            }
            self.patience = HOLD;
            // What was worth it goes on.
            self.tries_less = self.size < size;
        }
        let next = if self.tries_less { (self.size * LESS).floor() } else { (self.size * self.growth).ceil() };
        if self.hold > 0.0 || next < 1.0 {
            self.tries_less &= next >= 1.0;
            // The server of now, and not that of an hour ago, is what a trial is compared with.
            self.change(self.size, None);
        } else {
            self.change(next, Some((self.size, piece)));
        }
    }

    /// Halves the window: the provider refuses, or does not answer in time.
    pub(super) fn shrink(&mut self) {
        let size = (self.size / 2.0).max(1.0);
        self.growth = QUARTER_MORE;
        self.hold = HOLD * size;
        self.change(size, None);
    }

    fn change(&mut self, size: f64, before: Option<(f64, f64)>) {
        self.changes += u32::from(size != self.size);
        (self.size, self.before) = (size, before);
        (self.answers, self.seconds, self.work) = (0, 0.0, 0.0);
    }
}
