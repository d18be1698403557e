//! State that the threads of a live `extract` share, and what it sums up to.

use std::sync::{Arc, Mutex};

use super::board::Board;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::extract::money::Money;
use crate::engine::extract::request::Ask;
use crate::engine::extract::settle::Policy;
use crate::engine::extract::way::TierRule;
use crate::engine::provider::Remote;
use crate::remote::{Client, Limiter};
use crate::values::{Asked, Stop, Usage};

/// State that the threads of a live `extract` share.
pub(super) struct Live<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) remote: &'a Remote,
    pub(super) tier: TierRule,
    pub(super) client: Client,
    pub(super) limiter: Limiter,
    pub(super) policy: Policy<'a>,
    pub(super) board: Arc<Board>,
    /// Documents that have no extraction when the asking begins.
    pub(super) documents: u64,
    pub(super) money: Mutex<Money>,
    /// End of the asking before its time, once that is so.
    pub(super) stop: Mutex<Option<Stop>>,
    pub(super) failed: Mutex<Option<RunError>>,
}

impl Live<'_> {
    /// True if nothing new may be begun.
    pub(super) fn is_halted(&self) -> bool {
        self.run.is_stopping()
    }

    pub(super) fn stop(&self, stop: Stop) {
        self.stop.lock().expect("no panic while the lock is held").get_or_insert(stop);
        self.run.halt();
    }

    pub(super) fn fail(&self, error: RunError) {
        self.failed.lock().expect("no panic while the lock is held").get_or_insert(error);
        self.run.halt();
    }

    /// Real over estimated prompt tokens, as far as that was seen.
    pub(super) fn calibration(&self) -> f64 {
        self.limiter.calibration().unwrap_or(1.0)
    }

    /// The whole budget of a request at the prices of today: no answer to it costs more.
    pub(super) fn worst(&self, ask: &Ask) -> Usage {
        ask.most(self.calibration())
    }
}

/// Sum of what was asked and answered so far, with its cost.
pub(super) fn asked(live: &Live<'_>) -> Asked {
    let money = live.money.lock().expect("no panic while the lock is held");
    Asked {
        answers: money.answers,
        input_tokens: money.usage.prompt(),
        output_tokens: money.usage.output,
        picodollars: live.remote.price.is_some().then_some(money.spent_now().0),
        refused: live.limiter.report().refusals,
    }
}
