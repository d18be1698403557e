//! A batch endpoint in memory that does what providers have been seen to do, by chance from a seed.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::engine::cancel::Cancel;
use crate::engine::extract::batch::endpoint::BatchEndpoint;
use crate::remote::{BatchSeen, Counts, LineOutcome, ResultLine, Standing, Trouble, TroubleKind};

/// Time that the tests' clock shows, always: batches live by the virtual clock of tokio.
pub(super) const NOW_MS: i64 = 1_795_000_000_000;

/// By how much the listing may lag behind.
pub(super) const LISTING_LAG_MS: u64 = 60;

/// Tokens that each response says it took: in and out.
pub(super) const TOLD_TOKENS: (u64, u64) = (100, 10);

/// Statement of a line of results about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// An answer that leaves out its first terms, so many.
    Answered { left_out: usize },
    /// Words that are no answer.
    Junk,
    /// The model refuses.
    Refused,
    /// Failed at the provider, or expired.
    Undone,
    /// The provider finds the request wrong.
    Wrong,
}

impl Told {
    pub(super) fn is_response(self) -> bool {
        matches!(self, Self::Answered { .. } | Self::Junk | Self::Refused)
    }
}

/// A batch at the provider.
struct Made {
    remote: String,
    /// Empty for a stranger's.
    token: String,
    requests: Vec<Vec<String>>,
    /// Lines about each request: none, one, or two.
    told: Vec<Vec<Told>>,
    at: Instant,
    lag: Duration,
    turnaround: Duration,
    /// Looks that are answered with 404 first.
    hidden: u32,
    /// Refused as a whole; whether for its queue.
    fails: Option<bool>,
    /// Lines after which the first download breaks off.
    cut: Option<usize>,
    /// Results cannot be read, or not any more once they were cut.
    gone: bool,
    /// Looks at which it has ended, and its results have no place yet.
    late: u32,
    /// Downloads that hold a part of the lines only.
    short: u32,
    /// It ends in a word that nobody knows.
    unknown: bool,
    /// Its provider counts nothing, or what cannot be.
    uncounted: bool,
}

#[derive(Default)]
struct Inner {
    rng: fastrand::Rng,
    shows_token: bool,
    /// Nothing goes wrong any more.
    calm: bool,
    /// Calls until the program is killed, or asked to stop.
    killed_in: Option<u32>,
    stopped_in: Option<(u32, Cancel)>,
    made: Vec<Made>,
    creations: HashMap<String, u32>,
}

pub(super) struct Provider {
    inner: Mutex<Inner>,
    kill: Notify,
}

fn trouble(kind: TroubleKind) -> Trouble {
    Trouble { own_words: true, ..Trouble::new(kind, format!("{kind:?}")) }
}

impl Provider {
    pub(super) fn new(seed: u64, shows_token: bool) -> Self {
        let inner = Inner { rng: fastrand::Rng::with_seed(seed), shows_token, ..Inner::default() };
        Self { inner: Mutex::new(inner), kill: Notify::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Fate of this session of the program: a kill after so many calls, or an interruption.
    pub(super) fn begin(&self, calm: bool, killed_in: Option<u32>, stopped_in: Option<(u32, Cancel)>) {
        let mut inner = self.inner();
        (inner.calm, inner.killed_in, inner.stopped_in) = (calm, killed_in, stopped_in);
    }

    /// Ends when the program is killed.
    pub(super) async fn killed(&self) {
        self.kill.notified().await;
    }

    /// Never returns: the program is dead from here on.
    pub(super) async fn die(&self) -> Infallible {
        self.kill.notify_one();
        std::future::pending().await
    }

    /// Statement of a batch's results about a request.
    pub(super) fn told(&self, remote: &str, seq: usize) -> Vec<Told> {
        let inner = self.inner();
        inner.made.iter().find(|m| m.remote == remote).map_or_else(Vec::new, |m| m.told[seq].clone())
    }

    /// Creations of each payload.
    pub(super) fn creations(&self) -> HashMap<String, u32> {
        self.inner().creations.clone()
    }

    /// Ids of our batches here.
    pub(super) fn ours(&self) -> Vec<String> {
        self.inner().made.iter().filter(|m| !m.token.is_empty()).map(|m| m.remote.clone()).collect()
    }

    /// One moment at which the program may die or be interrupted.
    async fn moment(&self) {
        let dies = {
            let mut inner = self.inner();
            if let Some((left, cancel)) = &mut inner.stopped_in {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    cancel.stop();
                }
            }
            match &mut inner.killed_in {
                Some(left) => {
                    *left = left.saturating_sub(1);
                    *left == 0
                }
                None => false,
            }
        };
        if dies {
            match self.die().await {}
        }
    }

    /// Trouble that passes, now and then.
    fn busy(&self, kinds: &[TroubleKind]) -> Result<(), Trouble> {
        let mut inner = self.inner();
        match inner.chance(12) {
            true => Err(trouble(kinds[inner.rng.usize(..kinds.len())])),
            false => Ok(()),
        }
    }
}

impl Inner {
    /// Once in `n` times, unless all is calm.
    fn chance(&mut self, n: u32) -> bool {
        !self.calm && self.rng.u32(..n) == 0
    }

    fn tell(&mut self, terms: usize) -> Vec<Told> {
        if self.calm {
            return vec![Told::Answered { left_out: 0 }];
        }
        let first = match self.rng.u32(..16) {
            0..8 => Told::Answered { left_out: 0 },
            8 | 9 => Told::Answered { left_out: self.rng.usize(..=terms) },
            10 => Told::Junk,
            11 => Told::Refused,
            12 | 13 => Told::Undone,
            14 => Told::Wrong,
            // Results do not speak of it.
            _ => return Vec::new(),
        };
        match self.rng.u32(..12) {
            0 => vec![first, first],
            1 if first.is_response() => vec![first, Told::Undone],
            _ => vec![first],
        }
    }

    fn make(&mut self, token: &str, requests: Vec<Vec<String>>) -> String {
        let remote = format!("batch-{:016x}", self.rng.u64(..));
        let told = requests.iter().map(|terms| self.tell(terms.len())).collect();
        let made = Made {
            remote: remote.clone(),
            token: token.to_owned(),
            told,
            at: Instant::now(),
            lag: Duration::from_millis(if self.calm { 0 } else { self.rng.u64(..LISTING_LAG_MS) }),
            turnaround: Duration::from_millis(if self.calm { 0 } else { self.rng.u64(..300) }),
            hidden: if self.chance(6) { self.rng.u32(1..6) } else { 0 },
            // Anthropic refuses no batch as a whole.
            fails: if self.shows_token && self.chance(9) { Some(self.rng.bool()) } else { None },
            cut: if self.chance(4) { Some(self.rng.usize(..=2 * requests.len())) } else { None },
            gone: self.chance(30),
            late: if self.chance(5) { self.rng.u32(1..5) } else { 0 },
            short: if self.chance(5) { self.rng.u32(1..5) } else { 0 },
            unknown: self.chance(12),
            uncounted: self.chance(12),
            requests,
        };
        self.made.push(made);
        remote
    }

    fn seen(&self, made: &Made) -> BatchSeen {
        let over = made.at.elapsed() >= made.turnaround;
        let standing = match (over, made.fails) {
            (false, _) => Standing::Running,
            (true, Some(queue_full)) => Standing::Failed { message: "not like this".into(), queue_full },
            // Two places, as where errors have a file of their own.
            (true, None) if self.shows_token => {
                let places = vec![format!("{}/good", made.remote), format!("{}/bad", made.remote)];
                Standing::Ended { places, complete: true }
            }
            (true, None) => Standing::Ended { places: vec![format!("{}/all", made.remote)], complete: true },
        };
        let standing = match standing {
            Standing::Ended { .. } if made.late > 0 => Standing::Ended { places: Vec::new(), complete: true },
            Standing::Ended { places, .. } if made.unknown => Standing::Unknown { places },
            standing => standing,
        };
        let good = made.told.iter().filter(|t| t.first().is_some_and(|t| t.is_response())).count() as u64;
        let total = made.requests.len() as u64;
        BatchSeen {
            told: None,
            remote: made.remote.clone(),
            token: (self.shows_token && !made.token.is_empty()).then(|| made.token.clone()),
            requests: Some(total),
            standing,
            status: if over { "ended" } else { "running" }.into(),
            counts: (!made.uncounted).then_some(Counts {
                succeeded: if over { good } else { 0 },
                failed: if over { total - good } else { 0 },
            }),
            upload: None,
            created_unix: Some(NOW_MS as f64 / 1000.0),
            expires_unix: None,
        }
    }

    fn body(&self, told: Told, terms: &[String]) -> Vec<u8> {
        let items = |left_out: usize| {
            let items: Vec<_> = terms[left_out..].iter().map(|t| json!({"text": t, "pos": "noun"})).collect();
            json!({"items": items}).to_string()
        };
        let text = match told {
            Told::Answered { left_out } => items(left_out),
            _ => "as you wish".to_owned(),
        };
        let refused = told == Told::Refused;
        let (input, output) = TOLD_TOKENS;
        match self.shows_token {
            true => json!({"choices": [{"message": {"content": text, "refusal": refused.then_some("no")}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": input, "completion_tokens": output}}),
            false => json!({"content": [{"type": "text", "text": text}], "stop_reason": if refused { "refusal" } else { "end_turn" },
                "usage": {"input_tokens": input, "output_tokens": output}}),
        }
        .to_string()
        .into_bytes()
    }

    /// The lines of a place, in another order each time.
    fn lines(&mut self, at: usize, place: &str) -> Vec<Result<ResultLine, String>> {
        let made = &self.made[at];
        let id = |seq: usize| match made.token.as_str() {
            "" => format!("someone-else-{seq}"),
            token => format!("{token}-{seq}"),
        };
        let mut lines = Vec::new();
        for (seq, (terms, told)) in made.requests.iter().zip(&made.told).enumerate() {
            for &told in told {
                if (place == "good" && !told.is_response()) || (place == "bad" && told.is_response()) {
                    continue;
                }
                let outcome = match told {
                    Told::Undone => LineOutcome::Undone("expired".into()),
                    Told::Wrong => LineOutcome::Failed(trouble(TroubleKind::BadRequest)),
                    told => LineOutcome::Answered(self.body(told, terms)),
                };
                lines.push(Ok(ResultLine { custom_id: id(seq), outcome }));
            }
        }
        let strange = [
            id(made.requests.len()),
            id(99_999),
            format!("{}-x", made.token),
            "-1".into(),
            format!("{}--1", made.token),
        ];
        // A line that nobody asked for never comes alone.
        if !lines.is_empty() && self.chance(5) {
            let outcome = LineOutcome::Answered(b"{}".to_vec());
            lines.push(Ok(ResultLine { custom_id: strange[self.rng.usize(..strange.len())].clone(), outcome }));
        }
        if self.chance(10) {
            lines.push(Err("a line of results is not JSON".into()));
        }
        self.rng.shuffle(&mut lines);
        lines
    }
}

impl BatchEndpoint for Provider {
    fn downgrade(&self) -> bool {
        false
    }

    fn provider_now_ms(&self) -> Option<i64> {
        None
    }

    async fn upload_payload(&self, _: &Path, token: &str) -> Result<Option<String>, Trouble> {
        self.moment().await;
        self.busy(&[TroubleKind::Unreachable, TroubleKind::Overloaded, TroubleKind::Cut])?;
        let upload = self.inner().shows_token.then(|| format!("file-{token}"));
        self.moment().await;
        Ok(upload)
    }

    async fn create_batch(&self, file: &Path, upload: Option<&str>, token: &str) -> Result<String, Trouble> {
        self.moment().await;
        let requests: Vec<Vec<String>> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let (remote, reply) = {
            let mut inner = self.inner();
            assert_eq!(upload.is_some(), inner.shows_token);
            let fate = if inner.calm { 99 } else { inner.rng.u32(..12) };
            match fate {
                0 => return Err(trouble(TroubleKind::RateLimited)),
                1 => return Err(trouble(TroubleKind::BadRequest)),
                2 => return Err(trouble(TroubleKind::Timeout)),
                _ => {}
            }
            *inner.creations.entry(token.to_owned()).or_default() += 1;
            let remote = inner.make(token, requests.clone());
            // Others work in the same workspace, with batches of the same size.
            if inner.chance(4) {
                inner.make("", requests);
            }
            let reply = match fate {
                3 => Err(trouble(TroubleKind::Server { may_have_answered: true })),
                4 => Err(trouble(TroubleKind::Cut)),
                5 => Err(trouble(TroubleKind::Malformed)),
                _ => Ok(()),
            };
            (remote, reply)
        };
        self.moment().await;
        reply.map(|()| remote)
    }

    async fn batch(&self, remote: &str) -> Result<BatchSeen, Trouble> {
        self.moment().await;
        self.busy(&[TroubleKind::Overloaded, TroubleKind::Timeout, TroubleKind::Malformed])?;
        let mut inner = self.inner();
        let at = inner.made.iter().position(|m| m.remote == remote).ok_or(trouble(TroubleKind::NotFound))?;
        if inner.made[at].hidden > 0 && !inner.calm {
            inner.made[at].hidden -= 1;
            return Err(trouble(TroubleKind::NotFound));
        }
        let seen = inner.seen(&inner.made[at]);
        if matches!(seen.standing, Standing::Ended { .. }) {
            inner.made[at].late = inner.made[at].late.saturating_sub(1);
        }
        Ok(seen)
    }

    async fn batches(&self, after: Option<&str>) -> Result<(Vec<BatchSeen>, Option<String>), Trouble> {
        self.moment().await;
        self.busy(&[TroubleKind::Overloaded, TroubleKind::Cut])?;
        let mut inner = self.inner();
        let visible: Vec<&Made> = inner.made.iter().rev().filter(|m| m.at.elapsed() >= m.lag).collect();
        let from = after.and_then(|id| visible.iter().position(|m| m.remote == id)).map_or(0, |at| at + 1);
        let page: Vec<BatchSeen> = visible.iter().skip(from).take(2).map(|m| inner.seen(m)).collect();
        let next = (from + page.len() < visible.len()).then(|| page[page.len() - 1].remote.clone());
        for made in inner.made.iter_mut().filter(|m| m.at.elapsed() >= m.turnaround) {
            made.late = made.late.saturating_sub(1);
        }
        Ok((page, next))
    }

    async fn read_results(
        &self,
        place: &str,
        each: &mut dyn FnMut(ResultLine) -> Result<(), String>,
        odd: &mut dyn FnMut(String),
    ) -> Result<(), Trouble> {
        self.moment().await;
        let (remote, part) = place.split_once('/').unwrap();
        let (lines, cut) = {
            let mut inner = self.inner();
            let at = inner.made.iter().position(|m| m.remote == remote).ok_or(trouble(TroubleKind::NotFound))?;
            let cut = inner.made[at].cut.take();
            if inner.made[at].gone && cut.is_none() {
                return Err(trouble(TroubleKind::NotFound));
            }
            let mut lines = inner.lines(at, part);
            if inner.made[at].short > 0 {
                inner.made[at].short -= 1;
                lines.truncate(lines.len() / 2);
            }
            (lines, cut)
        };
        for (n, line) in lines.into_iter().enumerate() {
            if cut == Some(n) {
                return Err(trouble(TroubleKind::Cut));
            }
            match line {
                Ok(line) => each(line).map_err(|words| Trouble::new(TroubleKind::BadRequest, words))?,
                Err(words) => odd(words),
            }
            self.moment().await;
        }
        Ok(())
    }
}
