//! Batches at the provider: looks at how they stand, and their results, read until nothing is owed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::driver::{ASK_AGAIN, Driver, Step};
use super::endpoint::BatchEndpoint;
use super::import::{self, Broken, Import};
use super::owed::{self, Read, Verdict};
use super::pack::payload_place;
use super::patience::Call;
use crate::engine::error::RunError;
use crate::engine::failpoint;
use crate::remote::{BatchSeen, Standing, TroubleKind, UseOf};
use crate::store::{BatchRow, BatchState, BatchUpdate};
use crate::values::{Event, Stop, StopReason, plural};

/// Time for which answers that are owed are looked for in one run, before a person is asked.
const OWED_PATIENCE: Duration = Duration::from_hours(6);

/// Longest pause between two looks at results that lack what is owed.
const LATEST_LOOK: Duration = Duration::from_mins(10);

/// Time that a batch may take where its provider does not say: the window that all promise.
const LONGEST_RUN_MS: i64 = 24 * 3_600_000;

/// Time after its end by the provider's own word from which a batch is overdue.
const OVERDUE_MS: i64 = 3_600_000;

/// Time before the end of its results in which a batch whose results cannot be found may be sent again.
const NEAR_EXPIRY_MS: i64 = 24 * 3_600_000;

impl<E: BatchEndpoint> Driver<'_, E> {
    pub(super) async fn poll(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        failpoint::reached("polling");
        let remote = batch.remote.clone().unwrap_or_default();
        let client = Arc::clone(&self.client);
        let seen = match self.unless_stopping(client.batch(&remote)).await {
            None => return Ok(Step::Waits),
            Some(Ok(seen)) => seen,
            Some(Err(trouble)) => return self.failed(batch, Call::Look, &trouble),
        };
        self.came_through(batch, Call::Look);
        let counts = seen.counts.unwrap_or_default();
        let known = (batch.status.as_deref(), batch.succeeded, batch.failed, batch.told);
        if known != (Some(&seen.status), counts.succeeded, counts.failed, seen.told.or(batch.told)) {
            let state = matches!(seen.standing, Standing::Ended { .. }).then_some(BatchState::Ended);
            self.note(BatchUpdate {
                id: batch.id,
                state,
                status: Some(seen.status.clone()),
                counts: Some((counts.succeeded, counts.failed)),
                told: seen.told,
                ..BatchUpdate::default()
            })?;
        }
        let overdue = self.is_overdue(batch, &seen);
        let look = self.looks.entry(batch.id).or_default();
        look.counts = seen.counts;
        let waits = seen.standing == Standing::Running;
        if (overdue || matches!(seen.standing, Standing::Unknown { .. }))
            && !std::mem::replace(&mut look.told_state, true)
        {
            let message = if overdue {
                format!(
                    "provider batch {remote}: its time at the provider is over, and it is still '{}' there; it is waited for",
                    seen.status
                )
            } else {
                format!(
                    "provider batch {remote}: the provider calls its state '{}', a word that corpora does not know; its results are tried",
                    seen.status
                )
            };
            self.run.emit(Event::Notice { message });
        }
        self.looks.entry(batch.id).or_default().standing = Some(seen.standing);
        if waits {
            self.later(batch);
            self.tell();
            self.warn_of_expiry(batch);
            return Ok(Step::Waits);
        }
        Ok(Step::Moved)
    }

    /// True if a batch runs longer than its provider says that it may.
    fn is_overdue(&self, batch: &BatchRow, seen: &BatchSeen) -> bool {
        let now = self.client.provider_now_ms().unwrap_or_else(|| self.now_ms());
        let end = seen.expires_unix.map(|at| (at * 1000.0) as i64).or(batch.submitted_ms.map(|at| at + LONGEST_RUN_MS));
        seen.standing == Standing::Running && end.is_some_and(|end| now > end + OVERDUE_MS)
    }

    /// The next look at a batch comes later each time.
    fn later(&mut self, batch: &BatchRow) {
        let poll = self.options.poll;
        let look = self.looks.entry(batch.id).or_default();
        let pause = look.pause.map_or(poll, |p| p.mul_f64(1.5).min(poll * 6));
        look.pause = Some(pause);
        look.not_before = Some(Instant::now() + pause);
    }

    pub(super) async fn collect(&mut self, batch: &BatchRow, places: &[String]) -> Result<Step, RunError> {
        match import::import(self, batch, places).await {
            Ok(import) => self.imported(batch, import),
            Err(Broken::Run(error)) => Err(error),
            Err(Broken::Remote(trouble)) => {
                // Lines that were read are stored; the rest is read again.
                self.run.writer.flush()?;
                self.seen.retain(|(id, _)| *id != batch.id);
                let is_unknown = matches!(self.looks[&batch.id].standing, Some(Standing::Unknown { .. }));
                if trouble.kind == TroubleKind::NotFound && is_unknown {
                    let (_, silent) = self.reader.batch_outcomes(batch.id)?;
                    let name = batch.remote.as_deref().unwrap_or("?");
                    let words = format!(
                        "provider batch {name}: nobody knows the state that it is in, and its results are not found"
                    );
                    return self.owe(batch, silent, &words);
                }
                let expires = batch.expires_ms.is_none_or(|at| at - self.now_ms() < NEAR_EXPIRY_MS);
                if trouble.kind == TroubleKind::NotFound && self.options.resubmit && expires {
                    self.give_up(batch, "its results were gone, and --resubmit was given")?;
                    return Ok(Step::Moved);
                }
                self.failed(batch, Call::Results, &trouble)
            }
        }
    }

    /// All results that are there were read: the batch is over, or answers are owed.
    fn imported(&mut self, batch: &BatchRow, import: Import) -> Result<Step, RunError> {
        self.came_through(batch, Call::Results);
        let (answered, silent) = self.reader.batch_outcomes(batch.id)?;
        let look = self.looks.entry(batch.id).or_default();
        let (counts, standing) = (look.counts, look.standing.clone());
        let read = Read { requests: batch.requests, answered, silent, foreign: import.foreign };
        let complete = !matches!(standing, Some(Standing::Ended { complete: false, .. }));
        let is_unknown = matches!(standing, Some(Standing::Unknown { .. }));
        let name = batch.remote.as_deref().unwrap_or("?");
        self.tell();
        if let Some(stop) = import.stop {
            self.stop.get_or_insert(stop);
        }
        self.judge(import.uses);
        match owed::verdict(read, counts, complete) {
            // In a state that nobody knows a batch is over when its provider counts every request.
            Verdict::Whole if is_unknown && silent > 0 && counts.is_none_or(|c| c.all() < batch.requests) => {
                let words = format!("provider batch {name}: its results hold {answered} of {} answers", batch.requests);
                return self.owe(batch, silent, &words);
            }
            Verdict::Whole => {
                self.refusals = 0;
                let foreign = (import.foreign > 0).then(|| {
                    let lines = plural(import.foreign, "line of its results was", "lines of its results were");
                    format!("{lines} not ours or not readable")
                });
                let undone = self.undone(batch, silent)?;
                if let Some(words) = &undone {
                    self.run.emit(Event::Notice { message: format!("provider batch {name}: {words}") });
                }
                let told: Vec<String> = undone.into_iter().chain(foreign).collect();
                let message = (!told.is_empty()).then(|| told.join("; "));
                import::close(self, batch, message)?;
                self.looks.remove(&batch.id);
                // What was sent is answered: the payload is not needed any more.
                let _ = self.run.places.disk.remove(&payload_place(&self.run.places.output, &batch.token));
                self.tell();
                failpoint::reached("collected");
            }
            Verdict::Foreign => {
                let words = format!(
                    "none of the {} lines of the results of the provider batch {} is of a request of ours ({}): {} answers are paid for and cannot be read; nothing is asked again; {ASK_AGAIN}",
                    import.foreign,
                    name,
                    import.example.as_deref().unwrap_or("no example"),
                    silent
                );
                self.note_owed(batch, silent, &words)?;
                self.stop = Some(Stop::new(StopReason::BatchLost, words));
                return Ok(Step::Waits);
            }
            Verdict::Owed(owed) => {
                let words = format!(
                    "provider batch {name}: {} of its {} answers are paid for, as its provider counts, and its results hold {answered}",
                    answered + owed,
                    batch.requests
                );
                return self.owe(batch, owed, &words);
            }
        }
        Ok(Step::Moved)
    }

    /// What the provider did not do of a batch that is read, in words: much of it may have expired.
    fn undone(&self, batch: &BatchRow, silent: u64) -> Result<Option<String>, RunError> {
        let (told, why) = self.reader.batch_undone(batch.id)?;
        let undone = told + silent;
        let why = why.map_or_else(String::new, |why| format!(" ({why})"));
        let of = plural(batch.requests, "request", "requests");
        Ok((undone > 0).then(|| {
            format!("{undone} of its {of} were not answered{why}; what has not failed for good is asked again")
        }))
    }

    /// Answers of the first batches that are of no use to anybody stop the run: the next would be paid for too.
    fn judge(&mut self, uses: Vec<UseOf>) {
        for use_of in uses {
            if let Some(stop) = self.health.heard(use_of, false) {
                self.stop.get_or_insert(stop);
            }
        }
    }

    /// Answers that the provider counts are not in the results: read again, for hours if need be, then a person is asked.
    fn owe(&mut self, batch: &BatchRow, owed: u64, words: &str) -> Result<Step, RunError> {
        let since = self.looks.entry(batch.id).or_default().owed_since;
        if since.is_none() {
            let message = format!("{words}; they are read again, and nothing is asked again");
            self.run.emit(Event::Notice { message });
        }
        if batch.owed != owed {
            self.note_owed(batch, owed, words)?;
        }
        let since = *self.looks.entry(batch.id).or_default().owed_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= OWED_PATIENCE {
            let hours = since.elapsed().as_secs() / 3600;
            let words = format!("{words}, for {hours} hours now; the same command looks again, {ASK_AGAIN}");
            self.stop = Some(Stop::new(StopReason::BatchLost, words));
            return Ok(Step::Waits);
        }
        self.look_again(batch)
    }

    fn note_owed(&self, batch: &BatchRow, owed: u64, words: &str) -> Result<(), RunError> {
        let (owed, message) = (Some(owed), Some(words.to_owned()));
        self.note(BatchUpdate { id: batch.id, owed, message, ..BatchUpdate::default() })
    }

    /// The state and the results of a batch are looked at again, later each time.
    fn look_again(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        let poll = self.options.poll;
        let look = self.looks.entry(batch.id).or_default();
        let pause = look.pause.map_or(poll, |p| (p * 2).min(LATEST_LOOK.max(poll)));
        (look.standing, look.pause, look.not_before) = (None, Some(pause), Some(Instant::now() + pause));
        Ok(Step::Waits)
    }
}
