//! All traffic of a run, on one thread: takes requests, waits for the limiter, sends, and decides what to do about trouble.
//! A request that waits for its next attempt holds no place in flight.

mod server;
mod troubles;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::time::Instant;

use super::due::Due;
use super::forecast::Forecast;
use super::reading::{Response, Verdict};
use super::shared::{Live, asked};
use crate::engine::error::RunError;
use crate::engine::extract::backoff::BAD_ANSWER_COSTS;
use crate::engine::extract::money::Reserved;
use crate::engine::extract::request::{Ask, Request, prompt};
use crate::engine::extract::way::TierRule;
use crate::remote::{Attempt, Health, Permit, Prompt, ServerFacts, ServiceTier, TroubleKind, UseOf};
use crate::values::{Choice, Cost, Event};

/// Responses that may wait for the reader before nothing new is sent.
const MOST_UNREAD: usize = 256;

/// Words about requests that find no room at the flex tier.
const WAITS: &str = "requests wait for room there, which costs nothing; --service-tier standard asks at the full price";

/// Requests in flight, or answered and not read, until an answer is of use.
const FIRST: usize = 3;

/// Doublings of the time for a request that was not answered in time and cannot be made smaller.
const MOST_LONGER: u32 = 3;

/// Time between two reports of how far the asking has come.
const TELL_EACH: Duration = Duration::from_millis(500);

/// Runs until all requests are settled, or nothing new may be begun and what was in flight is over.
pub(super) fn run(
    live: &Live<'_>,
    queue: Receiver<Ask>,
    verdicts: UnboundedReceiver<Verdict>,
    responses: crossbeam_channel::Sender<Response>,
) -> Result<(), RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?;
    let outcome = runtime.block_on(Traffic::new(live, responses).run(queue, verdicts));
    // What was read last is settled by its commit.
    let flushed = live.run.writer.flush();
    outcome.and(Ok(flushed?))
}

/// A request that came back.
struct Landed {
    request: Request,
    permit: Permit,
    attempt: Attempt,
    tier: ServiceTier,
    span: tracing::Span,
}

type Flight<'a> = Pin<Box<dyn Future<Output = Landed> + 'a>>;
type Turn<'a> = Pin<Box<dyn Future<Output = (Request, Permit)> + 'a>>;

struct Traffic<'a> {
    live: &'a Live<'a>,
    responses: crossbeam_channel::Sender<Response>,
    flights: FuturesUnordered<Flight<'a>>,
    /// The request whose turn at the limiter it is.
    turn: Option<Turn<'a>>,
    /// A request that waits for money to be settled.
    held: Option<Ask>,
    waiting: BinaryHeap<Reverse<Due>>,
    numbers: u64,
    unread: usize,
    /// True once a person was told that an answer did not come in time.
    told_time_out: bool,
    /// Facts that the server told of itself, once it was asked.
    server: Option<ServerFacts>,
    /// Tokens of prompt and answer together that the server takes, once it has told.
    context_size: Option<u64>,
    /// Tokens with which the last answer broke off that should have had room.
    last_full: Option<u64>,
    /// True once a person was told that prompts may be cut.
    told_cut_prompt: bool,
    health: Health,
    forecast: Forecast,
    begun: Instant,
    random: fastrand::Rng,
    /// True once a person was told that there is no room at the flex tier.
    told_full: bool,
    /// True once a person was told that what is left goes at the full price.
    told_time: bool,
}

impl<'a> Traffic<'a> {
    fn new(live: &'a Live<'a>, responses: crossbeam_channel::Sender<Response>) -> Self {
        Self {
            live,
            responses,
            flights: FuturesUnordered::new(),
            turn: None,
            held: None,
            waiting: BinaryHeap::new(),
            numbers: 0,
            unread: 0,
            told_time_out: false,
            server: None,
            context_size: None,
            last_full: None,
            told_cut_prompt: false,
            health: Health::new(live.remote.patience, std::time::Instant::now()),
            forecast: Forecast::new(live.documents),
            begun: Instant::now(),
            // Jitter decides when, never what.
            random: fastrand::Rng::with_seed(u64::from(std::process::id())),
            told_full: false,
            told_time: false,
        }
    }

    async fn run(mut self, mut queue: Receiver<Ask>, mut verdicts: UnboundedReceiver<Verdict>) -> Result<(), RunError> {
        let mut open = true;
        let mut told = Instant::now();
        loop {
            let halted = self.live.is_halted();
            if halted {
                queue.close();
                (self.turn, self.held) = (None, None);
                self.waiting.clear();
            }
            let idle = self.flights.is_empty() && self.unread == 0;
            let nothing_waits = self.turn.is_none() && self.held.is_none() && self.waiting.is_empty();
            if idle && (halted || (!open && nothing_waits)) {
                return Ok(());
            }
            if !idle || !nothing_waits {
                // What is in flight or waits for its time has an end.
                self.live.run.signs.alive();
            }
            let now = Instant::now();
            if now - told >= TELL_EACH {
                told = now;
                self.tell(now);
            }
            let window = self.window();
            // Until one answer is of use, few are paid for.
            let in_flight = self.flights.len();
            let is_tried = self.health.is_useful() || in_flight + self.unread < FIRST;
            let may_send = is_tried && self.health.may_send(in_flight, now.into_std());
            let room = !halted && may_send && self.turn.is_none() && in_flight < window && self.unread < MOST_UNREAD;
            let mut tick = now + Duration::from_millis(50);
            if room {
                match self.waiting.peek() {
                    _ if self.held.is_some() => {}
                    Some(Reverse(due)) if due.at <= now => self.held = self.waiting.pop().map(|Reverse(due)| due.ask),
                    Some(Reverse(due)) => tick = tick.min(due.at),
                    None => {}
                }
                if self.held.is_some() && self.server.is_none() {
                    self.meet_server().await;
                    continue;
                }
                if let Some(ask) = self.held.take() {
                    self.begin(ask);
                    if self.turn.is_some() || self.live.is_halted() {
                        continue;
                    }
                }
            }
            let takes = room && open && self.held.is_none();
            tokio::select! {
                Some(landed) = self.flights.next(), if !self.flights.is_empty() => self.landed(landed)?,
                verdict = verdicts.recv(), if self.unread > 0 => match verdict {
                    Some(verdict) => self.verdict(verdict),
                    None => return Err(RunError::Internal("the reader of responses is gone".into())),
                },
                (request, permit) = async { self.turn.as_mut().expect("checked before").await }, if self.turn.is_some() => {
                    self.turn = None;
                    self.send(request, permit);
                }
                next = queue.recv(), if takes => match next {
                    Some(ask) => self.held = Some(ask),
                    None => open = false,
                },
                () = tokio::time::sleep_until(tick) => {}
            }
        }
    }

    /// Says how far the asking has come.
    fn tell(&mut self, now: Instant) {
        let standing = self.live.board.standing();
        let asked = asked(self.live);
        let pace = self.forecast.pace(now - self.begun, standing, asked.output_tokens);
        let at_end = asked.picodollars.and_then(|spent| self.forecast.cost_at_end(standing, Cost(spent)));
        self.live.run.emit(Event::Asking {
            in_flight: self.flights.len() as u64,
            units_left: self.forecast.units_left(standing),
            units_done: standing.settled,
            millis_left: pace.left.map(|left| left.as_millis() as u64),
            tokens_a_second: pace.tokens_a_second.round() as u64,
            tokens_coming: self.live.client.tokens_coming(),
            picodollars_at_end: at_end.map(|cost| cost.0),
            asked,
        });
    }

    /// Sets money aside and queues a request at the limiter.
    fn begin(&mut self, ask: Ask) {
        let live = self.live;
        if let Some(stop) = self.nothing_fits() {
            live.stop(stop);
            return;
        }
        let ask = ask.with_thought_room(live.run.thoughts.tokens());
        if ask.units.len() > 1 && self.context_size.is_some_and(|size| !ask.fits(size)) {
            self.halve(&ask);
            return;
        }
        let ask = ask.with_room_in(self.context_size).unwrap_or(ask);
        let most = live.remote.cost(&live.worst(&ask));
        let reserved = live.money.lock().expect("no panic while the lock is held").reserve(most);
        match reserved {
            Reserved::Yes(reserved) => {
                self.turn = Some(Box::pin(async move {
                    let permit = live.limiter.acquire(ask.input_estimate, ask.max_output.into()).await;
                    (Request { ask, reserved }, permit)
                }));
            }
            Reserved::Wait => self.held = Some(ask),
            Reserved::Never { spent, next } => {
                live.stop(Reserved::cap_reached(live.remote.max_cost.unwrap_or_default(), spent, next));
            }
        }
    }

    /// Tier of the next request.
    fn tier(&mut self) -> ServiceTier {
        let live = self.live;
        let answered = live.money.lock().expect("no panic while the lock is held").answers;
        let tier = live.tier.at((live.remote.now_unix)(), answered);
        let is_late = tier == ServiceTier::Standard && matches!(live.tier, TierRule::FlexUntil { .. });
        if is_late && !std::mem::replace(&mut self.told_time, true) {
            let message = "the deadline is near: what is left goes at the full price".to_owned();
            live.run.emit(Event::Notice { message });
        }
        tier
    }

    fn send(&mut self, request: Request, permit: Permit) {
        let live = self.live;
        let tier = self.tier();
        let prompt = Prompt { tier, ..prompt(&live.run.phrasing, &request.ask) };
        let span = tracing::info_span!(
            "request",
            vendor = ?live.remote.dialect.vendor,
            model = %live.remote.dialect.model,
            document = request.ask.doc.0,
            units = request.ask.units.len(),
            attempt = request.ask.attempts + 1,
            tier = tier.word(),
            id = tracing::field::Empty,
            latency_ms = tracing::field::Empty,
            input_tokens = tracing::field::Empty,
            output_tokens = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        // Who was given too little time gets more.
        let patience = live.remote.timeout * (1 << request.ask.time_outs.min(MOST_LONGER));
        self.flights.push(Box::pin(async move {
            let attempt = live.client.send_within(&prompt, patience).await;
            Landed { request, permit, attempt, tier, span }
        }));
    }

    /// A response goes to the reader, trouble is dealt with here.
    fn landed(&mut self, landed: Landed) -> Result<(), RunError> {
        let Landed { request, permit, attempt, tier, span } = landed;
        self.live.limiter.learn(&attempt.limits);
        if let Some(id) = &attempt.request_id {
            span.record("id", id.as_str());
        }
        match attempt.result {
            Ok(answered) => {
                // Any response with status 200 shows that key, model and address are right: at once, not when it is stored and read.
                if let Some(message) = self.health.answered(std::time::Instant::now()) {
                    self.live.run.emit(Event::Notice { message });
                }
                self.unread += 1;
                let (latency, request_id, body) = (attempt.latency, attempt.request_id, answered.body);
                let structured = attempt.structured;
                let response = Response { request, permit, latency, request_id, body, structured, span };
                self.responses.send(response).map_err(|_| RunError::Internal("the reader of responses is gone".into()))
            }
            Err(trouble) => {
                span.record("latency_ms", attempt.latency.as_millis() as u64);
                span.record("outcome", "trouble");
                span.in_scope(|| {
                    tracing::warn!(
                        kind = ?trouble.kind,
                        retry_after_ms = trouble.retry_after.map_or(0, |w| w.as_millis() as u64),
                        "{}", trouble.message
                    );
                });
                if tier == ServiceTier::Flex && trouble.kind == TroubleKind::Overloaded && !self.told_full {
                    self.told_full = true;
                    self.live.run.emit(Event::Notice { message: format!("{} (flex; {WAITS})", trouble.message) });
                }
                self.trouble(request, permit, &trouble, attempt.structured)
            }
        }
    }

    fn verdict(&mut self, verdict: Verdict) {
        self.unread -= 1;
        let live = self.live;
        let otherwise = self.asks_otherwise(&verdict);
        live.limiter.settle(verdict.permit, verdict.input_estimate, verdict.usage, verdict.latency);
        {
            let mut money = live.money.lock().expect("no panic while the lock is held");
            money.settle(verdict.reserved, verdict.cost);
            money.answered(verdict.usage.unwrap_or_default());
        }
        if let Some(stop) = self.health.heard(verdict.use_of, otherwise) {
            live.stop(stop);
            return;
        }
        self.watch_prompts(verdict.input_estimate, verdict.usage);
        self.learn_context(verdict.context_size);
        for mut ask in verdict.again {
            if otherwise {
                // The way of asking was to blame.
                ask.attempts = ask.attempts.saturating_sub(BAD_ANSWER_COSTS);
            }
            self.wait(ask, Duration::ZERO);
        }
    }

    /// True if the first answers are not of the form that was asked for, and the schema is given in another way from now on: some
    /// servers take the field in which it stands, and do not look at it.
    fn asks_otherwise(&self, verdict: &Verdict) -> bool {
        let is_useless = matches!(verdict.use_of, UseOf::None { .. }) && verdict.is_complete;
        if !is_useless || self.health.is_useful() {
            return false;
        }
        let next = self.live.client.downgrade(verdict.structured);
        if let Some(next) = next {
            tracing::warn!(from = ?verdict.structured, to = ?next, "the answer does not fit the schema; it is given in another way");
        }
        next.is_some()
    }

    fn wait(&mut self, ask: Ask, time: Duration) {
        self.numbers += 1;
        self.waiting.push(Reverse(Due { at: Instant::now() + time, number: self.numbers, ask }));
    }
}
