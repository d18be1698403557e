//! Single limiter that all requests of a process pass: first come, first served, on requests, input tokens and
//! output tokens a minute.
//!
//! Three `governor` buckets stand behind one first-in-first-out gate: without the gate, requests of 6,000 tokens
//! got none of 99 grants beside requests of 300, because a bucket has no queue and a small request always slips in
//! first. A bucket cannot take back what it gave out, so a signed ledger keeps the difference between what was charged
//! and what was used, and the next request pays it. Buckets start empty and hold five seconds: `governor`'s own
//! default, a minute's quota at once, gave out 7 times the nominal rate in its first ten seconds.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::headers::LimitsSeen;

/// A bucket's capacity, as time at its rate.
const BURST: Duration = Duration::from_secs(5);
/// A refusal cuts the rate to this part ...
const CUT: f64 = 0.85;
/// ... at most once in this time ...
const CUT_AT_MOST_EACH: Duration = Duration::from_secs(2);
/// ... and it grows back by this part of the whole rate each second.
const GROWTH_PER_SECOND: f64 = 0.01;
/// The rate is never cut below this part.
const LEAST_FACTOR: f64 = 0.02;
/// In flight, over what Little's law asks for.
const HEADROOM: f64 = 1.25;
/// Latency that is assumed before the first answer.
const LATENCY_GUESS: f64 = 5.0;
/// Weight of the newest answer in running means.
const ALPHA: f64 = 0.05;
/// Requests are counted in thousandths, so that a cut rate can charge a fraction more.
const REQUEST_CELLS: f64 = 1000.0;

/// Limits of a minute. None is unlimited, or not known yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Requests.
    pub requests: Option<u64>,
    /// Input tokens.
    pub input: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
    /// Input and output tokens together.
    pub tokens: Option<u64>,
}

impl Rates {
    fn of(&self, dimension: usize) -> Option<u64> {
        [self.requests, self.input, self.output, self.tokens][dimension]
    }
}

/// Tokens that one request is charged, or has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Charge {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
}

impl Charge {
    /// Cells of a dimension.
    fn cells(&self, dimension: usize) -> f64 {
        match dimension {
            0 => REQUEST_CELLS,
            1 => self.input as f64,
            2 => self.output as f64,
            _ => (self.input + self.output) as f64,
        }
    }
}

const DIMENSIONS: usize = 4;

/// The right to send one request. It is settled with what the request used; a permit that is only dropped stays charged
/// as estimated.
#[derive(Debug)]
#[must_use = "a permit that is not settled stays charged as estimated"]
pub struct Permit {
    charge: Charge,
}

impl Permit {
    fn spend(self) -> Charge {
        self.charge
    }
}

/// Time as tokio sees it, so that tests may hold it still.
#[derive(Clone, Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Nanos>>,
    clock: TokioClock,
    /// Per minute, as built.
    rate: f64,
    burst: u32,
}

impl Bucket {
    /// A bucket that is empty.
    fn new(dimension: usize, rate: u64, largest: Charge) -> Self {
        let unit = if dimension == 0 { REQUEST_CELLS } else { 1.0 };
        let cells_per_minute = (rate.max(1) as f64) * unit;
        let period = Duration::from_nanos(((60e9 / cells_per_minute).round() as u64).max(1));
        let burst = (cells_per_minute / 60.0 * BURST.as_secs_f64()).max(2.0 * largest.cells(dimension));
        let burst = NonZeroU32::new(burst.clamp(1.0, f64::from(u32::MAX / 2)) as u32).expect("at least 1");
        let quota = Quota::with_period(period).expect("at least a nanosecond").allow_burst(burst);
        let clock = TokioClock(Instant::now());
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        let emptied = limiter.check_n(burst);
        debug_assert!(matches!(emptied, Ok(Ok(()))));
        Self { limiter, clock, rate: rate as f64, burst: burst.get() }
    }

    async fn take(&self, cells: NonZeroU32) {
        while let Ok(Err(not_yet)) = self.limiter.check_n(cells) {
            tokio::time::sleep(not_yet.wait_time_from(self.clock.now())).await;
        }
    }
}

struct State {
    /// Debt that the next requests pay beside their own charge, in cells; negative is credit.
    debt: [f64; DIMENSIONS],
    /// Limits that response headers told.
    learned: Rates,
    factor: f64,
    factor_at: Instant,
    last_cut: Option<Instant>,
    paused_until: Option<Instant>,
    refusals_in_a_row: u32,
    /// Running means over answers.
    latency: Mean,
    output: Mean,
    input: Mean,
    /// Real over estimated input tokens.
    calibration: Mean,
    /// In flight where no limit is known: grows with success, is cut by refusals.
    free_window: f64,
    grants: u64,
    refusals: u64,
}

/// A running mean: plain over the first answers, then exponential.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    value: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.count = self.count.saturating_add(1);
        self.value += (value - self.value) * ALPHA.max(1.0 / f64::from(self.count));
    }

    fn get(&self) -> Option<f64> {
        (self.count > 0).then_some(self.value)
    }
}

/// See the module.
pub struct Limiter {
    configured: Rates,
    largest: Charge,
    most_in_flight: usize,
    limits_cached_input: bool,
    gate: tokio::sync::Mutex<[Option<Bucket>; DIMENSIONS]>,
    state: Mutex<State>,
}

/// Figures of a limiter's work, for reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimiterReport {
    /// Requests let through.
    pub grants: u64,
    /// Refusals of the provider (429, 503, 529).
    pub refusals: u64,
    /// Part of the configured rate that is used, after refusals.
    pub factor: f64,
    /// Limits in use: configured or learned.
    pub rates: Rates,
    /// Requests that may be in flight.
    pub window: usize,
}

impl Limiter {
    /// A limiter with the limits that a person gave. `largest` is the largest charge to be expected;
    /// `most_in_flight` bounds what Little's law asks for. `limits_cached_input` says whether input read from the
    /// provider's cache counts against its limit.
    pub fn new(configured: Rates, largest: Charge, most_in_flight: usize, limits_cached_input: bool) -> Self {
        let now = Instant::now();
        Self {
            configured,
            largest,
            most_in_flight: most_in_flight.max(1),
            limits_cached_input,
            gate: tokio::sync::Mutex::new([const { None }; DIMENSIONS]),
            state: Mutex::new(State {
                debt: [0.0; DIMENSIONS],
                learned: Rates::default(),
                factor: 1.0,
                factor_at: now,
                last_cut: None,
                paused_until: None,
                refusals_in_a_row: 0,
                latency: Mean::default(),
                output: Mean::default(),
                input: Mean::default(),
                calibration: Mean::default(),
                free_window: 4.0,
                grants: 0,
                refusals: 0,
            }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the lock is held")
    }

    /// Waits for its turn and for all quotas. `input_estimate` is in tokens, before calibration.
    pub async fn acquire(&self, input_estimate: u64, most_output: u64) -> Permit {
        let mut buckets = self.gate.lock().await;
        self.wait_for_pause().await;
        let charge = {
            let state = self.state();
            let calibrated = input_estimate as f64 * state.calibration.get().unwrap_or(1.0);
            // Before the first answer half the budget is assumed; reserving all of it used 0.275 of a limit.
            let output = state.output.get().unwrap_or(most_output as f64 / 2.0).min(most_output as f64);
            Charge { input: calibrated.round() as u64, output: output.round() as u64 }
        };
        for (dimension, slot) in buckets.iter_mut().enumerate() {
            let Some((rate, fixed)) = self.rate(dimension) else { continue };
            let bucket = slot.get_or_insert_with(|| Bucket::new(dimension, rate, self.largest));
            let cells = {
                let mut state = self.state();
                // A rate that is lower or higher than the bucket's is reached by charging more or less.
                let scale = if fixed { 1.0 } else { bucket.rate / rate as f64 };
                let due = charge.cells(dimension) * scale / state.factor_now() + state.debt[dimension];
                let now = due.clamp(0.0, f64::from(bucket.burst));
                state.debt[dimension] = due - now.floor();
                now.floor() as u32
            };
            if let Some(cells) = NonZeroU32::new(cells) {
                bucket.take(cells).await;
            }
        }
        // A refusal may have come in while this request waited for its quota.
        self.wait_for_pause().await;
        self.state().grants += 1;
        Permit { charge }
    }

    /// The rate of a dimension, and whether it is the one that its bucket was built with. A lower limit that the
    /// provider tells wins over the one that was given.
    fn rate(&self, dimension: usize) -> Option<(u64, bool)> {
        let learned = self.state().learned.of(dimension);
        match (self.configured.of(dimension), learned) {
            (Some(given), Some(told)) if told < given => Some((told, false)),
            (Some(given), _) => Some((given, true)),
            (None, Some(told)) => Some((told, false)),
            (None, None) => None,
        }
    }

    async fn wait_for_pause(&self) {
        loop {
            let until = self.state().paused_until;
            match until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// Settles an answered request with its real usage; `None` where the response told none.
    pub fn settle(&self, permit: Permit, input_estimate: u64, used: Option<crate::values::Usage>, latency: Duration) {
        let charge = permit.spend();
        let mut state = self.state();
        state.refusals_in_a_row = 0;
        state.latency.add(latency.as_secs_f64());
        state.free_window += 1.0 / state.free_window.max(1.0);
        let Some(used) = used else { return };
        let counted = used.prompt() - if self.limits_cached_input { 0 } else { used.cache_read };
        state.output.add(used.output as f64);
        state.input.add(counted as f64);
        if input_estimate > 0 {
            state.calibration.add((used.prompt() as f64 / input_estimate as f64).clamp(0.1, 10.0));
        }
        let actual = Charge { input: counted, output: used.output };
        state.correct(&charge, &actual);
    }

    /// Settles a request that the provider refused or that never reached it: it used no tokens.
    pub fn give_back(&self, permit: Permit) {
        let charge = permit.spend();
        self.state().correct(&charge, &Charge::default());
    }

    /// Everybody waits, once, and the rate falls. Without a stated time the wait doubles with each refusal in a row;
    /// `jitter` is between 0 and 1.
    pub fn refused(&self, retry_after: Option<Duration>, jitter: f64) -> Duration {
        let now = Instant::now();
        let mut state = self.state();
        state.refusals += 1;
        state.refusals_in_a_row = state.refusals_in_a_row.saturating_add(1);
        let wait = retry_after.filter(|w| !w.is_zero()).unwrap_or_else(|| {
            let most = 0.5 * f64::from(1 << state.refusals_in_a_row.min(6));
            Duration::from_secs_f64(most * jitter.clamp(0.0, 1.0))
        });
        let until = now + wait;
        state.paused_until = Some(state.paused_until.map_or(until, |old| old.max(until)));
        if state.last_cut.is_none_or(|cut| now - cut >= CUT_AT_MOST_EACH) {
            state.factor = (state.factor_now() * CUT).max(LEAST_FACTOR);
            // It grows from the end of the pause.
            state.factor_at = until;
            state.last_cut = Some(now);
            state.free_window = (state.free_window * CUT).max(1.0);
        }
        wait
    }

    /// Takes up what a response's headers tell of limits.
    pub fn learn(&self, seen: &LimitsSeen) {
        let mut state = self.state();
        let learned = &mut state.learned;
        for (slot, limit) in [
            (&mut learned.requests, seen.requests.limit),
            (&mut learned.input, seen.input.limit),
            (&mut learned.output, seen.output.limit),
            (&mut learned.tokens, seen.tokens.limit),
        ] {
            // A limit of 0 is said by servers that mean "none".
            if let Some(limit) = limit.filter(|&l| l > 0) {
                *slot = Some(limit);
            }
        }
    }

    /// Number of requests that may be in flight: 1.25 times the rate times the measured latency (Little's law).
    pub fn window(&self) -> usize {
        let rates: [Option<u64>; DIMENSIONS] = std::array::from_fn(|d| self.rate(d).map(|(rate, _)| rate));
        let state = self.state();
        let input = state.input.get().unwrap_or(self.largest.input as f64);
        let output = state.output.get().unwrap_or(self.largest.output as f64 / 2.0);
        let mean = [1.0, input, output, input + output];
        let per_second = rates
            .iter()
            .zip(mean)
            .filter_map(|(rate, mean)| Some(rate.map(|r| r as f64)? / 60.0 / mean.max(1.0)))
            .min_by(f64::total_cmp);
        let window = match per_second {
            Some(rate) => HEADROOM * rate * state.latency.get().unwrap_or(LATENCY_GUESS),
            None => state.free_window,
        };
        (window.ceil() as usize).clamp(2, self.most_in_flight.max(2)).min(self.most_in_flight)
    }

    /// Real over estimated input tokens, so far.
    pub fn calibration(&self) -> Option<f64> {
        self.state().calibration.get()
    }

    /// Report of what happened so far.
    pub fn report(&self) -> LimiterReport {
        let rates: [Option<u64>; DIMENSIONS] = std::array::from_fn(|d| self.rate(d).map(|(rate, _)| rate));
        let window = self.window();
        let state = self.state();
        LimiterReport {
            grants: state.grants,
            refusals: state.refusals,
            factor: state.factor_now(),
            rates: Rates { requests: rates[0], input: rates[1], output: rates[2], tokens: rates[3] },
            window,
        }
    }
}

impl State {
    fn factor_now(&self) -> f64 {
        let grown = Instant::now().saturating_duration_since(self.factor_at).as_secs_f64() * GROWTH_PER_SECOND;
        (self.factor + grown).min(1.0)
    }

    fn correct(&mut self, charged: &Charge, actual: &Charge) {
        for dimension in 1..DIMENSIONS {
            self.debt[dimension] += actual.cells(dimension) - charged.cells(dimension);
        }
    }
}

#[cfg(test)]
mod tests;
