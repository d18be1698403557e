//! The provider's own buckets: continuous refill, small burst.

use std::time::Instant;

use super::Limits;

/// One bucket.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    per_second: f64,
    most: f64,
    level: f64,
}

/// Buckets there are: requests, input, output, both, requests of a day.
const KINDS: usize = 5;

/// The buckets of one model.
#[derive(Debug)]
pub(super) struct Buckets {
    buckets: [Option<Bucket>; KINDS],
    at: Instant,
    /// True if a request that is refused uses up the limit on requests all the same.
    charges_refused: bool,
    /// True if the limit on tokens is charged with the whole output budget.
    charges_budget: bool,
}

/// Numbers in the headers about one bucket.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Level {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    /// Seconds until it is full.
    pub(super) reset_s: f64,
}

impl Buckets {
    pub(super) fn new(limits: &Limits, speed: f64, now: Instant) -> Self {
        let burst = limits.burst_seconds.unwrap_or(1.0);
        let of = |per_minute: Option<f64>, least: f64| {
            per_minute.map(|limit| {
                let per_second = limit * speed / 60.0;
                let most = (per_second * burst).max(least);
                Bucket { per_second, most, level: most }
            })
        };
        let of_a_day = limits.requests_a_day.map(|limit| {
            let per_second = limit * speed / 86_400.0;
            Bucket { per_second, most: limit, level: limit }
        });
        Self {
            buckets: [
                of(limits.requests, 1.0),
                of(limits.input, 1.0),
                of(limits.output, 1.0),
                of(limits.tokens, 1.0),
                of_a_day,
            ],
            at: now,
            charges_refused: limits.charges_refused.unwrap_or(false),
            charges_budget: limits.charges_budget.unwrap_or(false),
        }
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        for bucket in self.buckets.iter_mut().flatten() {
            bucket.level = (bucket.level + passed * bucket.per_second).min(bucket.most);
        }
    }

    /// Admits a request or says after how many seconds it would be. Input is needed in full (as far as the bucket is deep), the
    /// output bucket has to be above zero and is charged with what was really said.
    pub(super) fn admit(&mut self, input: f64, output: f64, most_output: f64, now: Instant) -> Result<(), f64> {
        self.refill(now);
        let need = [1.0, input, 0.0, input + most_output, 1.0];
        let spent = if self.charges_budget { most_output } else { output };
        let charge = [1.0, input, output, input + spent, 1.0];
        let mut wait = 0.0_f64;
        for (bucket, need) in self.buckets.iter().zip(need) {
            if let Some(b) = bucket {
                wait = wait.max((need.min(b.most) - b.level) / b.per_second);
            }
        }
        if wait > 1e-9 {
            if let (true, Some(requests)) = (self.charges_refused, &mut self.buckets[0]) {
                requests.level -= 1.0;
            }
            return Err(wait);
        }
        for (bucket, charge) in self.buckets.iter_mut().zip(charge) {
            if let Some(b) = bucket {
                b.level -= charge;
            }
        }
        Ok(())
    }

    /// Levels as headers tell them: a limit on the requests of a day stands in the place of the minute's.
    pub(super) fn levels(&self) -> [Option<Level>; 4] {
        let level = |bucket: Option<Bucket>, seconds: f64| {
            bucket.map(|b| Level {
                limit: (b.per_second * seconds).round() as u64,
                remaining: b.level.max(0.0) as u64,
                reset_s: ((b.most - b.level) / b.per_second).max(0.0),
            })
        };
        let [requests, input, output, tokens, of_a_day] = self.buckets;
        let minute = |bucket| level(bucket, 60.0);
        let of_a_day = of_a_day.map(|b| Bucket { per_second: b.most / 86_400.0, ..b });
        [level(of_a_day, 86_400.0).or(minute(requests)), minute(input), minute(output), minute(tokens)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn over_ten_minutes_the_limit_is_what_is_given_out() {
        let start = Instant::now();
        let limits = Limits { requests: Some(60.0), input: Some(6_000.0), ..Limits::default() };
        let mut buckets = Buckets::new(&limits, 1.0, start);
        let mut admitted = 0;
        for tenth in 0..6_000 {
            let now = start + Duration::from_millis(tenth * 100);
            admitted += usize::from(buckets.admit(150.0, 0.0, 0.0, now).is_ok());
        }
        // 150 input tokens each: 40 a minute.
        assert!((398..=402).contains(&admitted), "{admitted}");
    }

    #[test]
    fn refused_requests_and_whole_budgets_are_charged_where_a_provider_does_so_and_a_days_limit_is_told() {
        let start = Instant::now();
        let minute = Limits { requests: Some(60.0), tokens: Some(60_000.0), ..Limits::default() };
        let refused = |limits: &Limits| {
            let mut buckets = Buckets::new(limits, 1.0, start);
            // Far more than is allowed comes at first, then as much as is.
            let busy = (0..50).filter(|_| buckets.admit(1.0, 1.0, 1.0, start).is_err()).count();
            let later = (1..=20).map(|s| start + Duration::from_secs(s));
            (busy, later.filter(|at| buckets.admit(1.0, 1.0, 1.0, *at).is_err()).count())
        };
        assert_eq!(refused(&minute), (49, 0));
        assert_eq!(refused(&Limits { charges_refused: Some(true), ..minute }), (49, 20), "each refusal costs one more");
        let whole = Limits { charges_budget: Some(true), ..minute };
        let mut buckets = Buckets::new(&whole, 1.0, start);
        assert!(buckets.admit(100.0, 10.0, 900.0, start).is_ok());
        assert_eq!(buckets.levels()[3].unwrap().remaining, 0, "1,000 tokens a second, all of them charged");
        let day = Limits { requests_a_day: Some(14_400.0), ..minute };
        let mut buckets = Buckets::new(&day, 1.0, start);
        assert!(buckets.admit(1.0, 1.0, 1.0, start).is_ok());
        let told = buckets.levels()[0].unwrap();
        assert_eq!((told.limit, told.remaining, told.reset_s.round()), (14_400, 14_399, 6.0));
    }
}
