//! Submitting a batch, and finding out what became of a creation that was cut off.

use std::time::{Duration, Instant};

use super::decide::Candidate;
use super::pack::payload_place;
use super::{Driver, Look, Step};
use crate::engine::RunError;
use crate::remote::{BatchSeen, Standing, is_surely_absent};
use crate::store::{BatchRow, BatchState, BatchUpdate};
use crate::values::Event;

impl Driver<'_> {
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
        if let Some(wait) = self.creations.wait((self.run.now_ms)()) {
            self.rest(batch, wait);
            return Ok(Step::Waits);
        }
        let file = payload_place(&self.run.places.output, &batch.token);
        let upload = match &batch.upload {
            Some(upload) => Some(upload.clone()),
            None => {
                self.crash_during("during-upload");
                match self.client.upload_payload(&file, &batch.token).await {
                    Ok(upload) => upload,
                    Err(trouble) => return self.trouble(batch, &trouble),
                }
            }
        };
        let now = (self.run.now_ms)();
        if let Err(wait) = self.creations.admit(now) {
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
        self.crash("before-send");
        let created = {
            let create = self.client.create_batch(&file, upload.as_deref(), &batch.token);
            match self.options.crash_at.as_deref() == Some("after-send") {
                true => tokio::select! {
                    created = create => created,
                    () = tokio::time::sleep(Duration::from_millis(60)) => {
                        self.crash("after-send");
                        return Ok(Step::Moved);
                    }
                },
                false => create.await,
            }
        };
        self.crash("after-reply");
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
        self.refusals = 0;
        self.looks.insert(batch.id, Look::default());
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
                        found.push(Candidate { remote: seen.remote, ours: Some(true) });
                    }
                    (false, _)
                        if seen.requests == Some(batch.requests) && seen.created_unix.is_none_or(|at| at >= oldest) =>
                    {
                        let ours = self.is_ours(batch, &seen).await;
                        if ours != Some(false) {
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
        if look.candidates.iter().flatten().any(|c| c.ours == Some(true)) {
            look.not_before = None;
            return Ok(Step::Moved);
        }
        Ok(Step::Waits)
    }

    /// Where a listing shows no token: a batch that has ended is known by its first custom id.
    async fn is_ours(&self, batch: &BatchRow, seen: &BatchSeen) -> Option<bool> {
        let Standing::Ended { places } = &seen.standing else { return None };
        let mut ours = None;
        for place in places {
            let mut first = |line: crate::remote::ResultLine| {
                ours = Some(line.custom_id.starts_with(&batch.token));
                Err("one line is enough".to_owned())
            };
            let _ = self.client.read_results(place, &mut first, &mut |_| {}).await;
        }
        ours
    }
}
