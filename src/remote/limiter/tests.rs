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

#[tokio::test(start_paused = true)]
async fn a_limit_lower_than_configured_costs_few_refusals() {
    // The server allows 14 a second, in a bucket of one second; 20 are configured.
    let rates = Rates { requests: Some(1_200), ..Rates::default() };
    let limiter = Arc::new(Limiter::new(rates, SMALL, 1024, true));
    let server = Arc::new(Mutex::new((14.0_f64, Instant::now())));
    let (good, bad) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for task in 0..200_u64 {
        let (limiter, server, good, bad) = (Arc::clone(&limiter), server.clone(), good.clone(), bad.clone());
        tokio::spawn(async move {
            let mut rng = fastrand::Rng::with_seed(task);
            loop {
                let permit = limiter.acquire(1, 1).await;
                let admitted = {
                    let mut bucket = server.lock().unwrap();
                    let now = Instant::now();
                    bucket.0 = (bucket.0 + 14.0 * (now - bucket.1).as_secs_f64()).min(14.0);
                    bucket.1 = now;
                    let admitted = bucket.0 >= 1.0;
                    bucket.0 -= if admitted { 1.0 } else { 0.0 };
                    admitted
                };
                if admitted {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    limiter.settle(permit, 1, used(1, 1), Duration::from_secs(2));
                    good.fetch_add(1, Ordering::Relaxed);
                } else {
                    limiter.give_back(permit);
                    limiter.refused(Some(Duration::from_secs(1)), rng.f64());
                    bad.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    let (good, bad) = (good.load(Ordering::Relaxed) as f64, bad.load(Ordering::Relaxed) as f64);
    assert!(bad / good <= 0.01, "{bad} refusals for {good} answers");
    assert!(good / (14.0 * 1_800.0) >= 0.95, "goodput {}", good / (14.0 * 1_800.0));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_pauses_everybody_for_the_stated_time_once() {
    let limiter = Arc::new(Limiter::new(Rates { requests: Some(60_000), ..Rates::default() }, SMALL, 1024, true));
    tokio::time::sleep(Duration::from_secs(1)).await;
    limiter.refused(Some(Duration::from_secs(30)), 0.5);
    limiter.refused(Some(Duration::from_secs(30)), 0.5);
    let at = grants(&limiter, 8, 40.0).await;
    assert!(at[0] >= 30.0 && at[0] < 30.5, "first grant after {}", at[0]);
    assert!((limiter.report().factor - (CUT + 0.1)).abs() < 0.01, "one cut, ten seconds of growth");
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
