//! A forecast of how long the asking will take. Pure: the time comes from the caller.

use std::collections::VecDeque;
use std::time::Duration;

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

/// See the module.
#[derive(Debug)]
pub(super) struct Forecast {
    /// Documents that have no extraction when the asking begins.
    documents: u64,
    /// Times since the beginning with what was settled then, oldest first.
    seen: VecDeque<(Duration, u64)>,
}

impl Forecast {
    pub(super) fn new(documents: u64) -> Self {
        Self { documents, seen: VecDeque::from([(Duration::ZERO, 0)]) }
    }

    /// Units that are left to be asked about; those of documents that are not planned yet are as many as planned ones had in the mean.
    pub(super) fn units_left(&self, standing: Standing) -> u64 {
        let Standing { planned, claimed, settled } = standing;
        let unplanned = self.documents.saturating_sub(planned);
        let in_unplanned = if planned == 0 { 0.0 } else { unplanned as f64 * claimed as f64 / planned as f64 };
        claimed.saturating_sub(settled) + in_unplanned.round() as u64
    }

    /// Time that is left at the pace of the last ten minutes, at `now` since the beginning; none while nothing is settled.
    pub(super) fn time_left(&mut self, now: Duration, standing: Standing) -> Option<Duration> {
        while self.seen.len() > 1 && self.seen[1].0 + SPAN <= now {
            self.seen.pop_front();
        }
        let (since, before) = *self.seen.front()?;
        if self.seen.back().is_some_and(|(last, _)| *last + EACH <= now) {
            self.seen.push_back((now, standing.settled));
        }
        let (done, took) = (standing.settled.saturating_sub(before), now.saturating_sub(since));
        let each = if done == 0 { return None } else { took.as_secs_f64() / done as f64 };
        Duration::try_from_secs_f64(each * self.units_left(standing) as f64).ok()
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
        (from..=to).map(|s| forecast.time_left(Duration::from_secs(s), standing(1, units, s / each))).last().flatten()
    }

    #[test]
    fn nothing_is_said_before_something_is_settled() {
        let mut forecast = Forecast::new(3);
        assert_eq!(forecast.time_left(Duration::from_secs(100), standing(1, 40, 0)), None);
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
    fn the_pace_is_that_of_the_last_minutes() {
        let mut forecast = Forecast::new(1);
        // An hour in which nothing came, then one unit a second.
        for s in 0..3600 {
            forecast.time_left(Duration::from_secs(s), standing(1, 10_000, 10));
        }
        let mut last = None;
        for s in 0..1200 {
            last = forecast.time_left(Duration::from_secs(3600 + s), standing(1, 10_000, 10 + s));
        }
        let left = last.unwrap().as_secs_f64();
        assert!((left / f64::from(10_000 - 10 - 1199) - 1.0).abs() < 0.05, "{left}");
    }
}
