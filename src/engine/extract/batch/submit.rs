//! Submitting a batch, and finding out what became of a creation that was cut off.

use std::time::Duration;

use tokio::time::Instant;

use super::decide::{Candidate, Ours};
use super::driver::{Driver, Look, Step};
use super::endpoint::BatchEndpoint;
use super::pack::payload_place;
use crate::engine::error::RunError;
use crate::engine::failpoint;
use crate::remote::{BatchSeen, ResultLine, Standing, TroubleKind, is_surely_absent};
use crate::store::{BatchRow, BatchState, BatchUpdate};
use crate::values::Event;

/// Lines of results that are looked at to tell whose a batch is: the first one could be one of those that nobody asked for.
const LINES_TO_TELL: u32 = 100;

impl<E: BatchEndpoint> Driver<'_, E> {
    pub(super) async fn send(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        // What is enqueued stays under its limits, if there are any.
        if self.options.most_tokens.is_some() || self.options.most_open.is_some() {
            let open = self.reader.open_batches(self.run.question)?;
            let there: Vec<_> = open.iter().filter(|b| b.state == BatchState::Submitted).collect();
            let queued: u64 = there.iter().map(|b| b.input).sum();
            let too_many = self.options.most_open.is_some_and(|most| there.len() >= most);
            let too_much = self.options.most_tokens.is_some_and(|most| queued > 0 && queued + batch.input > most);
            if too_many || too_much {
                return Ok(Step::Waits);
            }
        }
        if let Some(wait) = self.creations.wait(self.now_ms()) {
            self.rest(batch, wait);
            return Ok(Step::Waits);
        }
        let file = payload_place(&self.run.places.output, &batch.token);
        let upload = match &batch.upload {
            Some(upload) => Some(upload.clone()),
            None => {
                let upload = self.client.upload_payload(&file, &batch.token);
                match failpoint::during("during-upload", Duration::from_millis(3), upload).await {
                    Ok(upload) => upload,
                    Err(trouble) => return self.trouble(batch, &trouble),
                }
            }
        };
        let now = (self.run.now_ms)();
        if let Err(wait) = self.creations.admit(self.now_ms()) {
            // The file is there already, and is not sent again.
            self.note(BatchUpdate { id: batch.id, upload, ..BatchUpdate::default() })?;
            if let (Some(most), false) = (self.options.per_hour, std::mem::replace(&mut self.told_pace, true)) {
                let message = format!(
                    "batches are created {most} an hour at most, as the provider takes them: the next goes in {} s; --batches-per-hour is another limit",
                    wait.as_secs().max(1)
                );
                self.run.emit(Event::Notice { message });
            }
            self.rest(batch, wait);
            return Ok(Step::Waits);
        }
        self.note(BatchUpdate {
            id: batch.id,
            state: Some(BatchState::Submitting),
            upload: upload.clone(),
            intent_ms: Some(now),
            ..BatchUpdate::default()
        })?;
        self.looks.insert(batch.id, Look::default());
        if batch.state != BatchState::Planned {
            self.sent_again.insert(batch.id);
        }
        failpoint::reached("before-send");
        let create = self.client.create_batch(&file, upload.as_deref(), &batch.token);
        // Long enough for the request to arrive, and shorter than a test's provider takes to answer it.
        let created = failpoint::during("after-send", Duration::from_millis(60), create).await;
        failpoint::reached("after-reply");
        match created {
            Ok(remote) => {
                self.submitted(batch, &remote, None)?;
                Ok(Step::Moved)
            }
            Err(trouble) if is_surely_absent(&trouble) => {
                self.note(BatchUpdate { id: batch.id, state: Some(BatchState::Planned), ..BatchUpdate::default() })?;
                self.trouble(batch, &trouble)
            }
            Err(trouble) => {
                let message = Some(format!("{}; whether the batch was made is looked up", trouble.message));
                self.note(BatchUpdate {
                    id: batch.id,
                    state: Some(BatchState::Ambiguous),
                    message,
                    ..BatchUpdate::default()
                })?;
                Ok(Step::Moved)
            }
        }
    }

    /// Unix time as the run's beginning and the time since then make it: a clock that is set makes no room for creations.
    pub(super) fn now_ms(&self) -> i64 {
        self.began_ms.saturating_add(self.began.elapsed().as_millis() as i64)
    }

    /// The batch is left alone for this long.
    fn rest(&mut self, batch: &BatchRow, wait: Duration) {
        self.looks.entry(batch.id).or_default().not_before = Some(Instant::now() + wait);
    }

    pub(super) fn submitted(
        &mut self,
        batch: &BatchRow,
        remote: &str,
        message: Option<String>,
    ) -> Result<(), RunError> {
        let now = (self.run.now_ms)();
        let days = i64::from(self.remote.dialect.vendor.result_days());
        self.note(BatchUpdate {
            id: batch.id,
            state: Some(BatchState::Submitted),
            remote: Some(remote.to_owned()),
            submitted_ms: Some(now),
            expires_ms: Some(now + days * 86_400_000),
            message,
            ..BatchUpdate::default()
        })?;
        self.looks.insert(batch.id, Look::default());
        self.tell();
        Ok(())
    }

    /// Looks through the provider's batches for one that may be this.
    pub(super) async fn search(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        let vendor = self.remote.dialect.vendor;
        // Clocks may be a day apart: what is older than two is not looked at.
        let oldest = batch.intent_ms.map_or(0.0, |ms| ms as f64 / 1000.0 - 2.0 * 86_400.0);
        let mut found = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let (page, next) = match self.client.batches(after.as_deref()).await {
                Ok(page) => page,
                Err(trouble) => return self.trouble(batch, &trouble),
            };
            let done = page.iter().any(|b| b.created_unix.is_some_and(|at| at < oldest));
            for seen in page {
                if self.reader.is_known_batch(&seen.remote)? {
                    continue;
                }
                match (vendor.shows_token(), &seen.token) {
                    (true, Some(token)) if *token == batch.token => {
                        found.push(Candidate { remote: seen.remote, ours: Ours::Yes });
                    }
                    (false, _)
                        if seen.requests == Some(batch.requests) && seen.created_unix.is_none_or(|at| at >= oldest) =>
                    {
                        if let Some(ours) = self.is_ours(batch, &seen).await {
                            found.push(Candidate { remote: seen.remote, ours });
                        }
                    }
                    _ => {}
                }
            }
            match next {
                Some(next) if !done => after = Some(next),
                _ => break,
            }
        }
        let lag = self.options.listing_lag;
        let look = self.looks.entry(batch.id).or_default();
        look.empty = if found.is_empty() { look.empty + 1 } else { 0 };
        look.candidates = Some(found);
        look.not_before = Some(Instant::now() + lag);
        if look.candidates.iter().flatten().any(|c| c.ours == Ours::Yes) {
            look.not_before = None;
            return Ok(Step::Moved);
        }
        Ok(Step::Waits)
    }

    /// Ownership where a listing shows no token: a batch that has ended is known by its custom ids. `None` if it is somebody else's.
    async fn is_ours(&self, batch: &BatchRow, seen: &BatchSeen) -> Option<Ours> {
        let Standing::Ended { places } = &seen.standing else { return Some(Ours::Unknown) };
        for place in places {
            let (mut ours, mut lines) = (None, 0);
            let mut first = |line: ResultLine| {
                lines += 1;
                ours = Some(line.custom_id.starts_with(&batch.token));
                match ours == Some(true) || lines >= LINES_TO_TELL {
                    true => Err("enough is known".to_owned()),
                    false => Ok(()),
                }
            };
            let read = self.client.read_results(place, &mut first, &mut |_| {}).await;
            match (ours, read) {
                (Some(true), _) => return Some(Ours::Yes),
                (Some(false), Ok(())) => return None,
                (Some(false), Err(_)) if lines >= LINES_TO_TELL => return None,
                (_, Err(trouble)) if trouble.kind != TroubleKind::NotFound => return Some(Ours::Unknown),
                // Without a line, or gone.
                (_, _) => {}
            }
        }
        Some(Ours::Unknowable)
    }
}
