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

/// The buckets of one model.
#[derive(Debug)]
pub(super) struct Buckets {
    /// Requests, input, output, both.
    buckets: [Option<Bucket>; 4],
    at: Instant,
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
        Self {
            buckets: [of(limits.requests, 1.0), of(limits.input, 1.0), of(limits.output, 1.0), of(limits.tokens, 1.0)],
            at: now,
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
        let need = [1.0, input, 0.0, input + most_output];
        let charge = [1.0, input, output, input + output];
        let mut wait = 0.0_f64;
        for (bucket, need) in self.buckets.iter().zip(need) {
            if let Some(b) = bucket {
                wait = wait.max((need.min(b.most) - b.level) / b.per_second);
            }
        }
        if wait > 1e-9 {
            return Err(wait);
        }
        for (bucket, charge) in self.buckets.iter_mut().zip(charge) {
            if let Some(b) = bucket {
                b.level -= charge;
            }
        }
        Ok(())
    }

    pub(super) fn levels(&self) -> [Option<Level>; 4] {
        self.buckets.map(|bucket| {
            bucket.map(|b| Level {
                limit: (b.per_second * 60.0).round() as u64,
                remaining: b.level.max(0.0) as u64,
                reset_s: ((b.most - b.level) / b.per_second).max(0.0),
            })
        })
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
}
