//! The limiter in virtual time: the bars of docs/measurements.md, section "Limiter", hold on every machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::values::Usage;

const SMALL: Charge = Charge { input: 1, output: 1 };

fn used(input: u64, output: u64) -> Option<Usage> {
    Some(Usage { input, output, ..Usage::default() })
}

/// Grants within the first `seconds` to `tasks` tasks that always want more.
async fn grants(limiter: &Arc<Limiter>, tasks: usize, seconds: f64) -> Vec<f64> {
    let start = Instant::now();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..tasks {
        let (limiter, sender) = (Arc::clone(limiter), sender.clone());
        tokio::spawn(async move {
            loop {
                let permit = limiter.acquire(1, 1).await;
                limiter.settle(permit, 1, used(1, 1), Duration::ZERO);
                let _ = sender.send(start.elapsed().as_secs_f64());
            }
        });
    }
    let mut at = Vec::new();
    while let Ok(Some(t)) = tokio::time::timeout_at(start + Duration::from_secs_f64(seconds), receiver.recv()).await {
        at.push(t);
    }
    at
}

#[tokio::test(start_paused = true)]
async fn six_hundred_a_minute_is_a_hundred_in_ten_seconds_with_no_burst_at_start() {
    for tasks in [1, 64, 512] {
        let rates = Rates { requests: Some(600), ..Rates::default() };
        let limiter = Arc::new(Limiter::new(rates, SMALL, 1024, true));
        let at = grants(&limiter, tasks, 10.0).await;
        assert!((98..=101).contains(&at.len()), "{} grants to {tasks} tasks", at.len());
        assert!(at.iter().filter(|&&t| t < 1.0).count() <= 10);
    }
}

#[tokio::test(start_paused = true)]
async fn large_requests_get_their_share() {
    let rates = Rates { requests: Some(6_000), input: Some(2_400_000), output: Some(360_000), tokens: None };
    let limiter = Arc::new(Limiter::new(rates, Charge { input: 6_000, output: 300 }, 1024, true));
    let tokens = Arc::new(AtomicU64::new(0));
    let (big, all) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for task in 0..64_u64 {
        let (limiter, tokens, big, all) = (Arc::clone(&limiter), tokens.clone(), big.clone(), all.clone());
        tokio::spawn(async move {
            let mut rng = fastrand::Rng::with_seed(task);
            loop {
                let size = if rng.f64() < 0.231 { rng.u64(3_001..6_000) } else { rng.u64(300..3_000) };
                let permit = limiter.acquire(size, 100).await;
                limiter.settle(permit, size, used(size, 50), Duration::from_millis(1));
                tokens.fetch_add(size, Ordering::Relaxed);
                all.fetch_add(1, Ordering::Relaxed);
                big.fetch_add(u64::from(size > 3_000), Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let rate = tokens.load(Ordering::Relaxed) as f64 / 2_400_000.0;
    assert!((0.98..1.01).contains(&rate), "input rate over limit {rate}");
    let share = big.load(Ordering::Relaxed) as f64 / all.load(Ordering::Relaxed) as f64;
    assert!(share / 0.231 >= 0.95, "share of large requests {share}, offered 0.231");
}

#[tokio::test(start_paused = true)]
async fn output_is_charged_as_it_comes_and_not_as_it_might() {
    let rates = Rates { output: Some(400_000), ..Rates::default() };
    let limiter = Arc::new(Limiter::new(rates, Charge { input: 0, output: 2_048 }, 1024, true));
    let spent = Arc::new(AtomicU64::new(0));
    for task in 0..512_u64 {
        let (limiter, spent) = (Arc::clone(&limiter), Arc::clone(&spent));
        tokio::spawn(async move {
            let mut rng = fastrand::Rng::with_seed(task);
            loop {
                let permit = limiter.acquire(100, 2_048).await;
                let latency = Duration::from_secs_f64(2.0 + 10.0 * rng.f64());
                tokio::time::sleep(latency).await;
                let output = rng.u64(100..1_000);
                limiter.settle(permit, 100, used(100, output), latency);
                spent.fetch_add(output, Ordering::Relaxed);
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    let before = spent.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(600)).await;
    let share = (spent.load(Ordering::Relaxed) - before) as f64 / 4_000_000.0;
    assert!((0.98..1.01).contains(&share), "output over limit {share}");
}

/// A provider in virtual time, with a bucket of one second, or of three requests.
#[derive(Clone, Copy)]
struct Server {
    /// Requests a second that it takes.
    limit: f64,
    /// Told with a refusal.
    retry_after: Option<Duration>,
    /// Part of the requests that it refuses whatever their rate.
    anyway: f64,
    /// True where refused requests count.
    charges_refused: bool,
    latency: Duration,
}

impl Server {
    fn of(limit: f64) -> Self {
        let latency = Duration::from_secs(2);
        Self { limit, retry_after: None, anyway: 0.0, charges_refused: false, latency }
    }

    /// Part of the limit that was used in so many seconds, and refused requests for each answer.
    async fn asked_through(self, limiters: &[Arc<Limiter>], seconds: u64) -> (f64, f64) {
        let most = self.limit.max(3.0);
        let bucket = Arc::new(Mutex::new((most, Instant::now())));
        let (good, bad) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        for task in 0..1_000_u64 {
            let limiter = Arc::clone(&limiters[task as usize % limiters.len()]);
            let (bucket, good, bad) = (bucket.clone(), good.clone(), bad.clone());
            tokio::spawn(async move {
                let mut rng = fastrand::Rng::with_seed(task);
                loop {
                    let permit = limiter.acquire(1, 1).await;
                    let admitted = {
                        let mut bucket = bucket.lock().unwrap();
                        let now = Instant::now();
                        bucket.0 = (bucket.0 + self.limit * (now - bucket.1).as_secs_f64()).min(most);
                        bucket.1 = now;
                        let admitted = bucket.0 >= 1.0 && rng.f64() >= self.anyway;
                        bucket.0 -= if admitted || self.charges_refused { 1.0 } else { 0.0 };
                        admitted
                    };
                    if admitted {
                        tokio::time::sleep(self.latency).await;
                        limiter.settle(permit, 1, used(1, 1), self.latency);
                        good.fetch_add(1, Ordering::Relaxed);
                    } else {
                        let sent = permit.sent();
                        limiter.give_back(permit);
                        bad.fetch_add(1, Ordering::Relaxed);
                        let wait = limiter.refused(sent, self.retry_after, rng.f64());
                        tokio::time::sleep(wait).await;
                    }
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let (good, bad) = (good.load(Ordering::Relaxed) as f64, bad.load(Ordering::Relaxed) as f64);
        (good / self.limit / seconds as f64, bad / good)
    }
}

fn given(requests: u64) -> Arc<Limiter> {
    Arc::new(Limiter::new(Rates { requests: Some(requests), ..Rates::default() }, SMALL, 1024, true))
}

#[tokio::test(start_paused = true)]
async fn a_limit_lower_than_configured_costs_few_refusals() {
    // The server allows 14 a second, in a bucket of one second; 20 are configured.
    let server = Server { retry_after: Some(Duration::from_secs(1)), ..Server::of(14.0) };
    let (goodput, refused) = server.asked_through(&[given(1_200)], 1_800).await;
    assert!(refused <= 0.01, "{refused} refusals for an answer");
    assert!(goodput >= 0.95, "goodput {goodput}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_given_far_too_high_is_found_in_seconds() {
    for (name, times, server) in [
        ("no time told", 4, Server::of(30.0)),
        ("a time told", 4, Server { retry_after: Some(Duration::from_secs(1)), ..Server::of(30.0) }),
        ("refused requests count", 4, Server { charges_refused: true, ..Server::of(30.0) }),
        ("long answers", 4, Server { latency: Duration::from_secs(20), ..Server::of(30.0) }),
        ("sixteen times", 16, Server::of(30.0)),
        ("a slow provider", 4, Server::of(1.0)),
    ] {
        // As many requests of each.
        let seconds = (3_600.0 / server.limit) as u64;
        let (goodput, refused) = server.asked_through(&[given((server.limit * 60.0) as u64 * times)], seconds).await;
        assert!(refused <= 0.05, "{name}: {refused} refusals for an answer, {goodput} of the limit");
        let answers_come = 1.0 - server.latency.as_secs_f64() / seconds as f64;
        assert!(goodput / answers_come >= 0.85, "{name}: {goodput} of the limit, {refused} refusals for an answer");
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_on_one_account_share_it() {
    let (goodput, refused) = Server::of(30.0).asked_through(&[given(1_800), given(1_800)], 300).await;
    assert!(refused <= 0.05, "{refused} refusals for an answer, {goodput} of the limit");
    assert!(goodput >= 0.85, "{goodput} of the limit, {refused} refusals for an answer");
}

#[tokio::test(start_paused = true)]
async fn refusals_that_come_at_any_rate_do_not_slow_a_night_down() {
    for (anyway, at_least) in [(0.02, 0.75), (0.05, 0.65), (0.15, 0.4)] {
        let server = Server { anyway, ..Server::of(1_000.0) };
        let (goodput, _) = server.asked_through(&[given(3_000)], 1_800).await;
        let of_given = goodput * 1_000.0 / 50.0;
        assert!(of_given >= at_least, "{anyway} refused: {of_given} of the limit given");
    }
}

/// Requests in flight over time at a server of `slots`, each of which makes 20 tokens a second; the others queue.
async fn in_flight_at(slots: usize, answers: usize) -> (f64, usize) {
    use futures_util::stream::{FuturesUnordered, StreamExt};
    let limiter = Limiter::new(Rates::default(), SMALL, 1024, true);
    let free = Arc::new(tokio::sync::Semaphore::new(slots));
    let mut flights = FuturesUnordered::new();
    let mut rng = fastrand::Rng::with_seed(7);
    let (mut in_flight, mut most_later) = (Vec::new(), 0);
    while in_flight.len() < answers {
        while flights.len() < limiter.window() {
            let permit = limiter.acquire(1, 1).await;
            let (free, output, sent) = (free.clone(), rng.u64(40..200), Instant::now());
            flights.push(async move {
                let slot = free.acquire_owned().await.unwrap();
                tokio::time::sleep(Duration::from_secs_f64(output as f64 / 20.0)).await;
                drop(slot);
                (permit, output, sent.elapsed())
            });
        }
        in_flight.push(flights.len());
        let (permit, output, latency) = flights.next().await.unwrap();
        limiter.settle(permit, 1, used(1, output), latency);
        if in_flight.len() > answers / 2 {
            most_later = most_later.max(flights.len() + 1);
        }
    }
    let later = &in_flight[answers / 2..];
    (later.iter().sum::<usize>() as f64 / later.len() as f64, most_later)
}

#[tokio::test(start_paused = true)]
async fn where_no_limit_is_told_a_small_server_is_not_flooded_and_a_large_one_is_filled() {
    let (mean, most) = in_flight_at(1, 400).await;
    assert!(mean <= 2.5 && most <= 4, "one slot: {mean} in flight, {most} at most");
    let (mean, most) = in_flight_at(2, 400).await;
    assert!((1.9..=3.0).contains(&mean) && most <= 4, "two slots: {mean} in flight, {most} at most");
    let (mean, most) = in_flight_at(16, 4_000).await;
    assert!(mean >= 14.0 && most <= 48, "sixteen slots: {mean} in flight, {most} at most");
    let (mean, _) = in_flight_at(400, 20_000).await;
    assert!(mean >= 300.0, "four hundred slots: {mean} in flight");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_pauses_everybody_for_the_stated_time_once() {
    let limiter = Arc::new(Limiter::new(Rates { requests: Some(60_000), ..Rates::default() }, SMALL, 1024, true));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (one, other) = (limiter.acquire(1, 1).await, limiter.acquire(1, 1).await);
    for permit in [one, other] {
        let sent = permit.sent();
        limiter.give_back(permit);
        limiter.refused(sent, Some(Duration::from_secs(30)), 0.5);
    }
    let at = grants(&limiter, 8, 40.0).await;
    assert!(at[0] >= 30.0 && at[0] < 30.5, "first grant after {}", at[0]);
    // Ten seconds of growth after the pause: back where it was refused, and a little more.
    let factor = limiter.report().factor;
    assert!((0.92..0.96).contains(&factor), "one cut, {factor}");
}

#[tokio::test(start_paused = true)]
async fn limits_are_learned_and_a_lower_one_wins() {
    use crate::remote::headers::LimitSeen;
    let told = |requests| LimitsSeen {
        requests: LimitSeen { limit: Some(requests), remaining: None },
        ..LimitsSeen::default()
    };
    for (given, told_limit, expected) in [(None, 600, 600), (Some(6_000), 600, 600), (Some(600), 6_000, 600)] {
        let limiter = Arc::new(Limiter::new(Rates { requests: given, ..Rates::default() }, SMALL, 1024, true));
        limiter.learn(&told(told_limit));
        let n = grants(&limiter, 16, 60.0).await.len();
        assert!((expected - 10..=expected + 10).contains(&(n as u64)), "given {given:?} told {told_limit}: {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_flight_follows_littles_law() {
    let limiter = Limiter::new(Rates { requests: Some(1_200), ..Rates::default() }, SMALL, 1024, true);
    for _ in 0..50 {
        let permit = limiter.acquire(1, 1).await;
        limiter.settle(permit, 1, used(1, 1), Duration::from_secs(8));
    }
    assert_eq!(limiter.window(), 200, "1.25 x 20 a second x 8 s");
    let few = Limiter::new(Rates { requests: Some(1_200), ..Rates::default() }, SMALL, 10, true);
    assert_eq!(few.window(), 10);
}

/// Input tokens that the provider counted in an hour, over its limit of 60,000 a minute, with one request in `refused` refused.
async fn input_rate(estimate: u64, real: u64, refused: Option<u64>) -> f64 {
    let rates = Rates { input: Some(60_000), ..Rates::default() };
    let limiter = Arc::new(Limiter::new(rates, Charge { input: 1_000, output: 0 }, 1024, true));
    let (counted, asked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for _ in 0..32 {
        let (limiter, counted, asked) = (Arc::clone(&limiter), counted.clone(), asked.clone());
        tokio::spawn(async move {
            loop {
                let permit = limiter.acquire(estimate, 0).await;
                let number = asked.fetch_add(1, Ordering::Relaxed);
                if refused.is_some_and(|each| number.is_multiple_of(each)) {
                    limiter.give_back(permit);
                } else {
                    limiter.settle(permit, 0, used(real, 0), Duration::from_millis(500));
                    counted.fetch_add(real, Ordering::Relaxed);
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    counted.load(Ordering::Relaxed) as f64 / 3_600_000.0
}

#[tokio::test(start_paused = true)]
async fn what_a_request_used_is_charged_however_wrong_the_estimate_was() {
    // No calibration: it would mend the estimate itself.
    for (estimate, real) in [(300, 100), (100, 300), (100, 100)] {
        let rate = input_rate(estimate, real, None).await;
        assert!((0.98..1.02).contains(&rate), "estimated {estimate}, used {real}: {rate} of the limit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_has_used_no_tokens() {
    let rate = input_rate(100, 100, Some(2)).await;
    assert!((0.95..1.02).contains(&rate), "{rate} of the limit with half of the requests refused");
}
