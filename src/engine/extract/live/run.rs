//! One live `extract`, from its beginning to the last document that is put together.

use std::sync::{Arc, Mutex};

use super::board::Board;
use super::shared::{Live, asked};
use super::{assembling, planner, reading, traffic};
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::extract::admission::debits;
use crate::engine::extract::money::Money;
use crate::engine::extract::plan::facts;
use crate::engine::extract::settle::Policy;
use crate::engine::extract::way::{Facts, TierRule};
use crate::engine::feed::Upstream;
use crate::engine::provider::{Aim, EndpointKind, Outcome, Remote};
use crate::remote::{Charge, Limiter};
use crate::store::Reader;
use crate::values::{Event, Stage};

/// Asks for everything that the documents in scope still need, and assembles the documents whose answers are complete.
pub(in crate::engine) fn extract(run: &Run<'_>, remote: &Remote, upstream: &Upstream) -> Result<Outcome, RunError> {
    let reader = run.store.reader()?;
    let policy = Policy::new(run.question, remote, &run.pipeline)?;
    let choice = &run.pipeline.provider;
    let largest = Charge {
        input: u64::from(run.pipeline.chunk.max_tokens) * 2 + run.phrasing.overhead(),
        output: choice.max_output_tokens.into(),
    };
    let (ready, assembling) = crossbeam_channel::unbounded();
    let limits_cached = remote.dialect.vendor.limits_cached_input();
    // Only a deadline makes the tier depend on how much is left.
    let facts = match remote.endpoint_kind {
        EndpointKind::Auto { aim: Aim::Cheapest, deadline: Some(_) } => facts(run, remote)?,
        EndpointKind::Auto { .. } | EndpointKind::Live | EndpointKind::Batch => Facts::new(remote, 0, None),
    };
    let live = Live {
        run,
        remote,
        tier: TierRule::of(remote, &facts),
        client: remote.client(&run.phrasing.schema(1))?,
        limiter: Limiter::new(remote.rates, largest, remote.most_in_flight, limits_cached),
        policy,
        board: Arc::new(Board::new(ready)),
        documents: documents_left(run, &reader)?,
        money: Mutex::new(Money::new(remote.max_cost, debits(&reader)?)),
        stop: Mutex::new(None),
        failed: Mutex::new(None),
    };
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
            traffic::run(live, queue, heard, responses)
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
    run.emit(Event::Asking {
        in_flight: 0,
        units_left: 0,
        units_done: live.board.standing().settled,
        millis_left: None,
        tokens_a_second: 0,
        tokens_coming: 0,
        picodollars_at_end: asked.picodollars,
        asked,
    });
    let report = live.limiter.report();
    tracing::info!(grants = report.grants, refusals = report.refusals, factor = report.factor, "limiter");
    match live.failed.into_inner().expect("no panic while the lock is held") {
        Some(error) => Err(error),
        None => {
            let stop = live.stop.into_inner().expect("no panic while the lock is held");
            Ok(Outcome { asked, stop })
        }
    }
}

/// Documents that have no extraction: those that wait for it, or for a stage before it, if stages overlap.
fn documents_left(run: &Run<'_>, reader: &Reader) -> Result<u64, RunError> {
    let stages = Stage::ALL.into_iter().filter(|stage| *stage <= Stage::Extract);
    stages.map(|stage| Ok(run.counts(reader, stage)?.todo)).sum()
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
