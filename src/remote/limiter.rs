//! Single limiter that all requests of a process pass: first come, first served, on requests, input tokens and
//! output tokens a minute.
//!
//! Three `governor` buckets stand behind one first-in-first-out gate: without the gate, requests of 6,000 tokens
//! got none of 99 grants beside requests of 300, because a bucket has no queue and a small request always slips in
//! first. A bucket cannot take back what it gave out, so a signed ledger keeps the difference between what was charged
//! and what was used, and the next request pays it. Buckets start empty and hold five seconds: `governor`'s own
//! default, a minute's quota at once, gave out 7 times the nominal rate in its first ten seconds.
//!
//! What a limit really is, refusals show ([`pace`]); where none is known, the time that answers take tells how many may be in flight
//! ([`window`]).

mod pace;
mod window;

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use self::pace::{Meaning, Pace};
use self::window::Window;
use super::headers::LimitsSeen;

/// A bucket's capacity, as time at its rate.
const BURST: Duration = Duration::from_secs(5);
/// A bucket's capacity after the rate was cut: the provider's own is smaller than was thought.
const BURST_AFTER_CUT: Duration = Duration::from_secs(1);
/// Longest wait after a refusal that told no time, at the first of several in a row; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MOST_DOUBLINGS: u32 = 6;
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

/// The right to send one request: given back to the limiter in one of three ways, [`Limiter::settle`], [`Limiter::give_back`] and
/// [`Limiter::keep`]. One that is only dropped counts as in flight for ever.
#[derive(Debug)]
#[must_use = "a permit that is not settled counts as in flight for ever"]
pub struct Permit {
    charge: Charge,
    sent: Sent,
}

/// State of a limiter when it let a request through: what comes of the request says nothing of a later state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Cuts of the rate before.
    cuts: u32,
    /// Changes of the free window before.
    window: u32,
}

impl Permit {
    fn spend(self) -> (Charge, Sent) {
        (self.charge, self.sent)
    }

    /// State of the limiter when it gave the permit, for [`Limiter::refused`].
    pub fn sent(&self) -> Sent {
        self.sent
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
    /// Cuts of the rate before it was built. After one it is built anew, so that what was saved up at the old rate is gone.
    cuts: u32,
}

impl Bucket {
    /// A bucket that is empty.
    fn new(dimension: usize, rate: f64, largest: Charge, cuts: u32) -> Self {
        let unit = if dimension == 0 { REQUEST_CELLS } else { 1.0 };
        let cells_per_minute = rate.max(1.0) * unit;
        let capacity = if cuts == 0 { BURST } else { BURST_AFTER_CUT };
        let period = Duration::from_nanos(((60e9 / cells_per_minute).round() as u64).max(1));
        let burst = (cells_per_minute / 60.0 * capacity.as_secs_f64()).max(2.0 * largest.cells(dimension));
        let burst = NonZeroU32::new(burst.clamp(1.0, f64::from(u32::MAX / 2)) as u32).expect("at least 1");
        let quota = Quota::with_period(period).expect("at least a nanosecond").allow_burst(burst);
        let clock = TokioClock(Instant::now());
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        let emptied = limiter.check_n(burst);
        debug_assert!(matches!(emptied, Ok(Ok(()))));
        Self { limiter, clock, rate: rate.max(1.0), burst: burst.get(), cuts }
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
    pace: Pace,
    window: Window,
    paused_until: Option<Instant>,
    /// Refusals that cut the rate, in a row.
    cuts_in_a_row: u32,
    /// Permits that are not settled.
    in_flight: usize,
    /// Running means over answers.
    latency: Mean,
    output: Mean,
    input: Mean,
    /// Real over estimated input tokens.
    calibration: Mean,
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
    start: Instant,
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
        Self {
            configured,
            largest,
            most_in_flight: most_in_flight.max(1),
            limits_cached_input,
            start: Instant::now(),
            gate: tokio::sync::Mutex::new([const { None }; DIMENSIONS]),
            state: Mutex::new(State {
                debt: [0.0; DIMENSIONS],
                learned: Rates::default(),
                pace: Pace::new(0.0),
                window: Window::new(),
                paused_until: None,
                cuts_in_a_row: 0,
                in_flight: 0,
                latency: Mean::default(),
                output: Mean::default(),
                input: Mean::default(),
                calibration: Mean::default(),
                grants: 0,
                refusals: 0,
            }),
        }
    }

    fn seconds(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.start).as_secs_f64()
    }

    fn factor(&self) -> f64 {
        let now = self.seconds(Instant::now());
        self.state().pace.factor(now)
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
            let Some(rate) = self.rate(dimension) else { continue };
            let (rate, cuts) = (rate * self.factor(), self.state().pace.cuts());
            if slot.as_ref().is_some_and(|bucket| bucket.cuts != cuts) {
                *slot = None;
            }
            let bucket = slot.get_or_insert_with(|| Bucket::new(dimension, rate, self.largest, cuts));
            let cells = {
                let mut state = self.state();
                // A rate that is lower or higher than the bucket's is reached by charging more or less.
                let due = charge.cells(dimension) * bucket.rate / rate.max(1.0) + state.debt[dimension];
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
        let mut state = self.state();
        state.grants += 1;
        state.in_flight += 1;
        let now = self.seconds(Instant::now());
        state.pace.sent(now);
        Permit { charge, sent: Sent { cuts: state.pace.cuts(), window: state.window.changes() } }
    }

    /// The rate of a dimension, a minute. A lower limit that the provider tells wins over the one that was given.
    fn rate(&self, dimension: usize) -> Option<f64> {
        let told = self.state().learned.of(dimension);
        let rate = match (self.configured.of(dimension), told) {
            (Some(given), Some(told)) => Some(given.min(told)),
            (given, told) => given.or(told),
        };
        rate.map(|rate| rate as f64)
    }

    fn rates(&self) -> [Option<f64>; DIMENSIONS] {
        std::array::from_fn(|dimension| self.rate(dimension))
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
        let (charge, sent) = permit.spend();
        let mut state = self.state();
        state.latency.add(latency.as_secs_f64());
        let (in_flight, output) = (state.in_flight, used.map_or(0, |used| used.output));
        state.window.answered(sent.window, latency.as_secs_f64(), output, in_flight);
        state.in_flight = in_flight.saturating_sub(1);
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
        let (charge, _) = permit.spend();
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.correct(&charge, &Charge::default());
    }

    /// Settles a request of which nobody knows what became: it stays charged as estimated.
    pub fn keep(&self, permit: Permit) {
        permit.spend();
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
    }

    /// Takes note of a refusal of a request that was let through at `sent`, and returns the wait before it may be sent again. Everybody
    /// waits as long as the provider says, once. Where the rate is the reason it falls, and everybody waits even if no time is told:
    /// longer with each such refusal in a row. `jitter` is between 0 and 1.
    pub fn refused(&self, sent: Sent, retry_after: Option<Duration>, jitter: f64) -> Duration {
        let now = Instant::now();
        let seconds = self.seconds(now);
        let unlimited = self.rates().iter().all(Option::is_none);
        let mut state = self.state();
        state.refusals += 1;
        let meaning = state.pace.refused(sent.cuts, seconds);
        if let Meaning::TooFast { held } = meaning {
            state.cuts_in_a_row = if held { 1 } else { state.cuts_in_a_row + 1 };
            if unlimited {
                state.window.shrink();
            }
        }
        let told = retry_after.filter(|wait| !wait.is_zero());
        let own = || {
            let most = FIRST_WAIT * (1 << (state.cuts_in_a_row.max(1) - 1).min(MOST_DOUBLINGS));
            most.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
        };
        let wait = told.unwrap_or_else(own);
        if told.is_some() || matches!(meaning, Meaning::TooFast { .. }) {
            let until = state.paused_until.map_or(now + wait, |old| old.max(now + wait));
            state.paused_until = Some(until);
            let until = self.seconds(until);
            state.pace.pause(seconds, until);
        }
        match state.paused_until {
            Some(until) if until > now => until - now,
            _ => wait,
        }
    }

    /// Takes note of an answer that did not come in time: fewer are in flight from now on, where no limit says how many.
    pub fn timed_out(&self) {
        if self.rates().iter().all(Option::is_none) {
            self.state().window.shrink();
        }
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
        let rates = self.rates();
        let state = self.state();
        let input = state.input.get().unwrap_or(self.largest.input as f64);
        let output = state.output.get().unwrap_or(self.largest.output as f64 / 2.0);
        let mean = [1.0, input, output, input + output];
        let per_second = rates
            .iter()
            .zip(mean)
            .filter_map(|(rate, mean)| Some((*rate)? / 60.0 / mean.max(1.0)))
            .min_by(f64::total_cmp);
        let window = match per_second {
            Some(rate) => ((HEADROOM * rate * state.latency.get().unwrap_or(LATENCY_GUESS)).ceil() as usize).max(2),
            None => state.window.size(),
        };
        window.min(self.most_in_flight)
    }

    /// Real over estimated input tokens, so far.
    pub fn calibration(&self) -> Option<f64> {
        self.state().calibration.get()
    }

    /// Report of what happened so far.
    pub fn report(&self) -> LimiterReport {
        let rates = self.rates().map(|rate| rate.map(|rate| rate as u64));
        let window = self.window();
        let now = self.seconds(Instant::now());
        let state = self.state();
        LimiterReport {
            grants: state.grants,
            refusals: state.refusals,
            factor: state.pace.factor(now),
            rates: Rates { requests: rates[0], input: rates[1], output: rates[2], tokens: rates[3] },
            window,
        }
    }
}

impl State {
    fn correct(&mut self, charged: &Charge, actual: &Charge) {
        for dimension in 1..DIMENSIONS {
            self.debt[dimension] += actual.cells(dimension) - charged.cells(dimension);
        }
    }
}

#[cfg(test)]
mod tests;
