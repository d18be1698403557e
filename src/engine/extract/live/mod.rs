//! The `extract` stage with a remote provider: documents are planned into requests, requests pass the one limiter, every
//! response is stored before it is read, and a document is put together when the last of its answers is committed.
//!
//! Four kinds of threads share the work. The planner follows the documents that are chunked and hands requests over through
//! a bounded queue; one thread runs all traffic asynchronously; a reader stores and reads responses, so that neither
//! compression nor the disk holds up the traffic; assemblers make documents of answers. The board between them knows which
//! unit is asked for whom, so that no unit is asked twice however many documents hold it.

mod assembling;
mod board;
mod money;
mod planner;
mod reading;
mod runner;

use std::sync::{Arc, Mutex};

use self::board::Board;
use self::money::Money;
use super::request::{Ask, overhead};
use super::settle::Policy;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::feed::Upstream;
use crate::engine::provider::{Outcome, Remote};
use crate::remote::{Charge, Client, Limiter, StopReason};
use crate::values::{Asked, Event, Usage};

/// State that the threads of a live `extract` share.
struct Live<'a> {
    run: &'a Run<'a>,
    remote: &'a Remote,
    client: Client,
    limiter: Limiter,
    policy: Policy<'a>,
    board: Arc<Board>,
    money: Mutex<Money>,
    /// Reason for which no more is asked, once that is so.
    stopped: Mutex<Option<StopReason>>,
    failed: Mutex<Option<RunError>>,
}

impl Live<'_> {
    /// True if nothing new may be begun.
    fn is_halted(&self) -> bool {
        self.run.is_stopping()
    }

    fn stop(&self, reason: StopReason) {
        self.stopped.lock().expect("no panic while the lock is held").get_or_insert(reason);
        self.run.halt();
    }

    fn fail(&self, error: RunError) {
        self.failed.lock().expect("no panic while the lock is held").get_or_insert(error);
        self.run.halt();
    }

    /// The whole budget of a request at the prices of today: no answer to it costs more.
    fn worst(&self, ask: &Ask) -> Usage {
        // The estimate of a text is within 35 % of what most tokenizers count; what providers told corrects it.
        let calibrated = ask.input_estimate as f64 * self.limiter.calibration().unwrap_or(1.0) * 1.35;
        Usage { input: calibrated.ceil() as u64, output: ask.max_output.into(), ..Usage::default() }
    }
}

/// Asks for everything that the documents in scope still need, and assembles the documents whose answers are complete.
pub(in crate::engine) fn extract(run: &Run<'_>, remote: &Remote, upstream: &Upstream) -> Result<Outcome, RunError> {
    let reader = run.store.reader()?;
    let policy = Policy::new(run.question, remote, &run.pipeline.schema, &run.pipeline.method)?;
    let choice = &run.pipeline.provider;
    let largest = Charge {
        input: u64::from(run.pipeline.chunk.max_tokens) * 2 + overhead(&run.pipeline),
        output: choice.max_output_tokens.into(),
    };
    let (ready, assembling) = crossbeam_channel::unbounded();
    let limits_cached = remote.dialect.vendor.limits_cached_input();
    let (answers, lost) = reader.ledger_sums()?;
    let live = Live {
        run,
        remote,
        client: remote.client(&run.pipeline.schema)?,
        limiter: Limiter::new(remote.rates, largest, remote.most_in_flight, limits_cached),
        policy,
        board: Arc::new(Board::new(ready)),
        money: Mutex::new(Money::new(remote.max_cost, answers.cost + lost.cost)),
        stopped: Mutex::new(None),
        failed: Mutex::new(None),
    };
    reading::take_up_unread(&live, &reader)?;
    std::thread::scope(|scope| {
        // Few: what is planned ahead is text in memory.
        let (requests, queue) = tokio::sync::mpsc::channel(64);
        let (responses, unread) = crossbeam_channel::unbounded();
        let (verdicts, heard) = tokio::sync::mpsc::unbounded_channel();
        let live = &live;
        spawn(scope, live, "reader", move || reading::serve(live, &unread, &verdicts));
        for _ in 0..run.workers {
            let (assembling, attendance) = (assembling.clone(), live.board.assembler());
            spawn(scope, live, "assembler", move || {
                let _attendance = attendance;
                assembling::serve(live, &assembling);
                Ok(())
            });
        }
        let end = live.board.traffic();
        spawn(scope, live, "traffic", move || {
            let _end = end;
            runner::run(live, queue, heard, responses)
        });
        let planned = planner::plan(live, upstream, &requests);
        drop(requests);
        if let Err(error) = planned {
            live.fail(error);
        }
        // The assemblers end when the board has nothing more for them.
        live.board.close_when_idle(&run.signs, || live.is_halted());
    });
    let asked = asked(&live);
    run.emit(Event::Asking { in_flight: 0, asked });
    let report = live.limiter.report();
    tracing::info!(grants = report.grants, refusals = report.refusals, factor = report.factor, "limiter");
    match live.failed.into_inner().expect("no panic while the lock is held") {
        Some(error) => Err(error),
        None => {
            let stopped = live.stopped.into_inner().expect("no panic while the lock is held").map(|s| s.message);
            Ok(Outcome { asked, stopped })
        }
    }
}

fn spawn<'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    live: &'scope Live<'_>,
    name: &str,
    work: impl FnOnce() -> Result<(), RunError> + Send + 'scope,
) {
    // The prefix keeps a panic, which is an error here, off the terminal.
    let spawned = std::thread::Builder::new().name(format!("worker-{name}")).spawn_scoped(scope, move || {
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => live.fail(error),
            Err(panic) => live.fail(RunError::Internal(crate::engine::attempts::panic_words(&*panic).to_owned())),
        }
    });
    if let Err(e) = spawned {
        live.fail(RunError::Threads(e));
    }
}

/// Sum of what was asked and answered so far, with its cost.
fn asked(live: &Live<'_>) -> Asked {
    let money = live.money.lock().expect("no panic while the lock is held");
    Asked {
        answers: money.answers,
        input_tokens: money.usage.prompt(),
        output_tokens: money.usage.output,
        picodollars: live.remote.price.is_some().then_some(money.spent_now().0),
        refused: live.limiter.report().refusals,
    }
}
