//! A forecast of how long the asking will take. Pure: the time comes from the caller.

use std::collections::VecDeque;
use std::time::Duration;

use crate::values::Cost;

/// Time over which the pace is measured: what a provider did an hour ago says little.
const SPAN: Duration = Duration::from_mins(10);

/// Time between two measurements that are kept.
const EACH: Duration = Duration::from_secs(5);

/// Standing of the asking: what is planned, asked for and settled so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Documents whose units are all claimed.
    pub(super) planned: u64,
    /// Units that had to be asked about.
    pub(super) claimed: u64,
    /// Of these, answered or given up.
    pub(super) settled: u64,
}

/// Measurement of the pace.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    /// Time since the beginning.
    at: Duration,
    settled: u64,
    /// Output tokens of the answers so far.
    tokens: u64,
}

/// Pace of the last ten minutes, and what follows from it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Pace {
    /// Time that is left; none while nothing is settled.
    pub(super) left: Option<Duration>,
    /// Output tokens a second.
    pub(super) tokens_a_second: f64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Forecast {
    /// Documents that have no extraction when the asking begins.
    documents: u64,
    /// Oldest first.
    seen: VecDeque<Seen>,
}

impl Forecast {
    pub(super) fn new(documents: u64) -> Self {
        Self { documents, seen: VecDeque::from([Seen::default()]) }
    }

    /// Units that are left to be asked about; those of documents that are not planned yet are as many as planned ones had in the mean.
    pub(super) fn units_left(&self, standing: Standing) -> u64 {
        let Standing { planned, claimed, settled } = standing;
        let unplanned = self.documents.saturating_sub(planned);
        let in_unplanned = if planned == 0 { 0.0 } else { unplanned as f64 * claimed as f64 / planned as f64 };
        claimed.saturating_sub(settled) + in_unplanned.round() as u64
    }

    /// Pace of the last ten minutes, at `now` since the beginning, with the output `tokens` of all answers so far.
    pub(super) fn pace(&mut self, now: Duration, standing: Standing, tokens: u64) -> Pace {
        while self.seen.len() > 1 && self.seen[1].at + SPAN <= now {
            self.seen.pop_front();
        }
        let before = self.seen.front().copied().unwrap_or_default();
        if self.seen.back().is_none_or(|last| last.at + EACH <= now) {
            self.seen.push_back(Seen { at: now, settled: standing.settled, tokens });
        }
        let took = now.saturating_sub(before.at).as_secs_f64();
        if took <= 0.0 {
            return Pace::default();
        }
        let done = standing.settled.saturating_sub(before.settled);
        let left = (done > 0).then(|| took / done as f64 * self.units_left(standing) as f64);
        Pace {
            left: left.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            tokens_a_second: tokens.saturating_sub(before.tokens) as f64 / took,
        }
    }

    /// Cost of all in the end if each unit that is left costs what the settled ones have cost; none before the first.
    pub(super) fn cost_at_end(&self, standing: Standing, spent: Cost) -> Option<Cost> {
        let left = self.units_left(standing) as f64;
        let each = (standing.settled > 0).then(|| spent.0 as f64 / standing.settled as f64)?;
        Some(Cost(spent.0.saturating_add((each * left).round() as i64)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(planned: u64, claimed: u64, settled: u64) -> Standing {
        Standing { planned, claimed, settled }
    }

    /// What is told after each of some seconds, when one unit is settled every `each` seconds.
    fn told(forecast: &mut Forecast, from: u64, to: u64, each: u64, units: u64) -> Option<Duration> {
        (from..=to)
            .map(|s| forecast.pace(Duration::from_secs(s), standing(1, units, s / each), 0).left)
            .last()
            .flatten()
    }

    #[test]
    fn nothing_is_said_before_something_is_settled() {
        let mut forecast = Forecast::new(3);
        assert_eq!(forecast.pace(Duration::from_secs(100), standing(1, 40, 0), 0), Pace::default());
        assert_eq!(forecast.cost_at_end(standing(1, 40, 0), Cost(7)), None);
    }

    #[test]
    fn one_unit_in_ten_seconds_and_ninety_left_are_a_quarter_of_an_hour() {
        let mut forecast = Forecast::new(1);
        assert_eq!(told(&mut forecast, 0, 100, 10, 100), Some(Duration::from_secs(900)));
    }

    #[test]
    fn documents_that_are_not_planned_yet_count_as_planned_ones_do() {
        let forecast = Forecast::new(10);
        assert_eq!(forecast.units_left(standing(2, 30, 20)), 10 + 8 * 15);
        assert_eq!(forecast.units_left(standing(0, 7, 0)), 7);
        assert_eq!(forecast.units_left(standing(12, 30, 30)), 0);
    }

    #[test]
    fn a_third_that_cost_two_dollars_makes_six_of_all() {
        let cost = Forecast::new(3).cost_at_end(standing(1, 30, 30), Cost(2_000));
        assert_eq!(cost, Some(Cost(6_000)));
    }

    #[test]
    fn the_pace_is_that_of_the_last_minutes() {
        let mut forecast = Forecast::new(1);
        // An hour in which nothing came, then one unit a second.
        for s in 0..3600 {
            forecast.pace(Duration::from_secs(s), standing(1, 10_000, 10), 100);
        }
        let mut last = None;
        for s in 0..1200 {
            last = Some(forecast.pace(Duration::from_secs(3600 + s), standing(1, 10_000, 10 + s), 100 + 30 * s));
        }
        let pace = last.unwrap();
        assert!((pace.tokens_a_second - 30.0).abs() < 0.5, "{pace:?}");
        let left = pace.left.unwrap().as_secs_f64();
        assert!((left / f64::from(10_000 - 10 - 1199) - 1.0).abs() < 0.05, "{left}");
    }
}
