//! Trouble of requests, and what is done about it: asked again, in smaller packs, in another way, or given up.

use std::sync::Arc;
use std::time::Duration;

use super::Traffic;
use crate::engine::error::RunError;
use crate::engine::extract::backoff::{ATTEMPTS, backoff};
use crate::engine::extract::request::{Ask, Request};
use crate::remote::{Disposition, Permit, Trouble, TroubleKind};
use crate::store::{Change, Checkpoint};
use crate::values::{Event, Failure, FailureKind, Stop, StopReason};

impl Traffic<'_> {
    pub(super) fn trouble(
        &mut self,
        request: Request,
        permit: Permit,
        trouble: &Trouble,
        structured: crate::remote::Structured,
    ) -> Result<(), RunError> {
        let live = self.live;
        let Request { mut ask, reserved } = request;
        let sent = permit.sent();
        let mut lost = None;
        if trouble.may_be_billed() {
            live.limiter.keep(permit);
            let (change, cost) = ask.lost(live.run, live.remote, trouble, live.calibration());
            lost = cost;
            live.run.writer.submit(Checkpoint::new(vec![change], Vec::new()))?;
        } else {
            live.limiter.give_back(permit);
        }
        live.money.lock().expect("no panic while the lock is held").settle(reserved, lost);
        let now = std::time::Instant::now();
        let reaction = self.health.trouble(trouble, self.flights.len(), ask.answers_before, now);
        if let Some(message) = reaction.news {
            live.run.emit(Event::Warning { message });
        }
        self.context_size = trouble.context_size.or(self.context_size);
        let mut stop = reaction.stop;
        match trouble.disposition() {
            Disposition::Retry { .. } if trouble.is_of_server() && self.health.is_away() => {
                // One request at a time tries it; the pace is not to blame.
                ask.attempts += u32::from(reaction.is_charged);
                self.again_after(ask, trouble, Duration::ZERO)?;
            }
            Disposition::Retry { after, everybody: true } => {
                let jitter = self.random.f64();
                // Everybody waits at the gate; what comes back is spread over a little more.
                let pause = live.limiter.refused(sent, after, jitter).mul_f64(1.0 + 0.1 * self.random.f64());
                self.wait(ask, pause);
            }
            Disposition::Retry { .. } if trouble.kind == TroubleKind::Timeout => self.timed_out(ask, trouble)?,
            Disposition::Retry { after, everybody: false } => {
                ask.failures += 1;
                // Nothing was asked of a server that cannot be reached.
                ask.attempts += u32::from(reaction.is_charged && trouble.kind != TroubleKind::Unreachable);
                let wait = backoff(ask.failures, after, self.random.f64());
                self.again_after(ask, trouble, wait)?;
            }
            // One text of a pack is refused, or all together are too large: the others pass in smaller packs.
            _ if ask.units.len() > 1 && trouble.is_of_a_part() => {
                ask.attempts += 1;
                self.halve(&ask);
            }
            Disposition::Split => match ask.with_room_in(self.context_size) {
                // Prompt and answer share the context: a shorter answer leaves room for the prompt.
                Some(smaller) => self.wait(smaller, Duration::ZERO),
                None => self.give_up(ask, FailureKind::TooLarge, trouble)?,
            },
            Disposition::Rephrase => match live.client.downgrade(structured) {
                Some(next) => {
                    tracing::warn!(from = ?structured, to = ?next, "the server refused the schema; it is given in another way");
                    self.wait(ask, Duration::ZERO);
                }
                None => {
                    stop = Some(Stop::new(
                        StopReason::Schema,
                        format!(
                            "{}; the server knows no way to be given a schema: choose another model, or another server",
                            trouble.message
                        ),
                    ));
                }
            },
            Disposition::FailUnit => {
                let kind = match trouble.kind {
                    TroubleKind::Refused => FailureKind::Refused,
                    _ => FailureKind::Provider,
                };
                self.give_up(ask, kind, trouble)?;
            }
            // It is asked again if the run goes on.
            Disposition::AbortRun => {
                let pause = backoff(1, trouble.retry_after, self.random.f64());
                self.wait(ask, pause);
            }
        }
        if let Some(stop) = stop {
            live.stop(self.stop_with_models(trouble, stop));
        }
        Ok(())
    }

    /// A request is sent again after a pause, unless its units have used up their budget.
    fn again_after(&mut self, mut ask: Ask, trouble: &Trouble, pause: Duration) -> Result<(), RunError> {
        ask.answers_before = Some(self.health.answers());
        if ask.attempts < ATTEMPTS {
            self.wait(ask, pause);
            return Ok(());
        }
        self.give_up(ask, FailureKind::Provider, trouble)
    }

    /// Two requests instead of one, with half of the units each.
    pub(super) fn halve(&mut self, ask: &Ask) {
        for part in ask.units.chunks(ask.units.len().div_ceil(2)) {
            let whole = Ask::new(&self.live.run.phrasing, part.to_vec(), ask.doc);
            self.wait(Ask { attempts: ask.attempts, time_outs: ask.time_outs, ..whole }, Duration::ZERO);
        }
    }

    /// No answer in time: never sent again as it was. Fewer are in flight, and the pack is halved; what cannot be halved is given
    /// more time.
    fn timed_out(&mut self, mut ask: Ask, trouble: &Trouble) -> Result<(), RunError> {
        let live = self.live;
        live.limiter.timed_out();
        ask.attempts += 1;
        if !std::mem::replace(&mut self.told_time_out, true) {
            let message = format!(
                "{}: the pack is halved, and fewer requests are in flight at once; --request-timeout waits longer, and terms_per_request, max_output_tokens and --in-flight make it fit from the beginning",
                trouble.message
            );
            live.run.emit(Event::Warning { message });
        }
        if ask.units.len() > 1 {
            self.halve(&ask);
            return Ok(());
        }
        ask.time_outs += 1;
        self.again_after(ask, trouble, Duration::ZERO)
    }

    /// The units of a request get no answer.
    fn give_up(&mut self, ask: Ask, kind: FailureKind, trouble: &Trouble) -> Result<(), RunError> {
        // Before anything was answered, the fault may be ours or the settings': the health decides, and nothing is recorded.
        if trouble.kind == TroubleKind::BadRequest && !self.health.has_answered() {
            let pause = backoff(1, None, self.random.f64());
            self.wait(ask, pause);
            return Ok(());
        }
        let live = self.live;
        let keys: Vec<_> = ask.units.iter().map(|u| u.key).collect();
        let remedy = trouble.remedy_for_size();
        let changes = ask
            .units
            .iter()
            .map(|unit| Change::UnitFailed {
                question: live.run.question,
                unit: unit.key,
                generation: live.run.generation,
                attempts: ask.attempts.max(1),
                failure: Failure::new(kind, format!("{}{remedy}", trouble.message)),
            })
            .collect();
        let board = Arc::clone(&live.board);
        let after: Option<Box<dyn FnOnce() + Send>> = Some(Box::new(move || board.settle(&keys)));
        Ok(live.run.writer.submit(Checkpoint { changes, events: Vec::new(), after })?)
    }
}
