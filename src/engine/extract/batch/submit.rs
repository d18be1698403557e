//! Submitting a batch.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::driver::{Driver, Look, Step};
use super::endpoint::BatchEndpoint;
use super::pack::payload_place;
use super::patience::Call;
use crate::engine::error::RunError;
use crate::engine::failpoint;
use crate::remote::{TroubleKind, is_surely_absent};
use crate::store::{BatchRow, BatchState, BatchUpdate};
use crate::values::Event;

impl<E: BatchEndpoint> Driver<'_, E> {
    pub(super) async fn send(&mut self, batch: &BatchRow) -> Result<Step, RunError> {
        if self.waits_for_others(batch)? {
            return Ok(Step::Waits);
        }
        if let Some(wait) = self.creations.wait(self.now_ms()) {
            self.rest(batch, wait);
            return Ok(Step::Waits);
        }
        let file = payload_place(&self.run.places.output, &batch.token);
        let upload = match &batch.upload {
            Some(upload) => Some(upload.clone()),
            None => {
                let client = Arc::clone(&self.client);
                let upload = client.upload_payload(&file, &batch.token);
                let upload = failpoint::during("during-upload", Duration::from_millis(3), upload);
                match self.unless_stopping(upload).await {
                    None => return Ok(Step::Waits),
                    Some(Ok(upload)) => upload,
                    Some(Err(trouble)) => return self.failed(batch, Call::Upload, &trouble),
                }
            }
        };
        if batch.upload.is_none() {
            *self.uploads.entry(batch.id).or_insert(0) += 1;
            self.came_through(batch, Call::Upload);
        }
        // By the provider's clock, which the batch will be dated by.
        let now = self.client.provider_now_ms().unwrap_or_else(|| (self.run.now_ms)());
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
        self.forget_looks(batch);
        if batch.state != BatchState::Planned {
            self.sent_again.insert(batch.id);
        }
        failpoint::reached("before-send");
        let client = Arc::clone(&self.client);
        let create = client.create_batch(&file, upload.as_deref(), &batch.token);
        // Long enough for the request to arrive, and shorter than a test's provider takes to answer it.
        let create = failpoint::during("after-send", Duration::from_millis(60), create);
        // A creation that nobody waits for any more is looked up by the next run.
        let Some(created) = self.unless_stopping(create).await else { return Ok(Step::Waits) };
        failpoint::reached("after-reply");
        match created {
            Ok(remote) => {
                self.submitted(batch, &remote, None)?;
                Ok(Step::Moved)
            }
            Err(trouble) if is_surely_absent(&trouble) => {
                // Files go away after days: the payload is still here, and goes up once more.
                let names_it = upload.as_deref().is_some_and(|file| trouble.message.contains(file));
                let upload_gone = match self.uploads.get(&batch.id) {
                    None => upload.is_some(),
                    Some(uploads) => names_it && *uploads < 2,
                };
                let upload_gone = upload_gone
                    && matches!(trouble.kind, TroubleKind::NotFound | TroubleKind::Key | TroubleKind::BadRequest);
                let state = Some(BatchState::Planned);
                self.note(BatchUpdate { id: batch.id, state, upload_gone, ..BatchUpdate::default() })?;
                if upload_gone {
                    let message = format!("{}; the payload is sent anew", trouble.message);
                    self.run.emit(Event::Notice { message });
                    return Ok(Step::Moved);
                }
                self.failed(batch, Call::Create, &trouble)
            }
            Err(trouble) => {
                let message = Some(format!("{}; whether the provider batch was made is looked up", trouble.message));
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

    /// True if another batch has to end first: the provider's queue is full, or so are its limits.
    fn waits_for_others(&mut self, batch: &BatchRow) -> Result<bool, RunError> {
        let behind = self.looks.get(&batch.id).map_or(&[][..], |look| &look.behind);
        if !behind.is_empty() {
            let open = self.reader.open_batches(self.question)?;
            if behind.iter().all(|id| open.iter().any(|b| b.id == *id && b.state == BatchState::Submitted)) {
                return Ok(true);
            }
            self.looks.entry(batch.id).or_default().behind.clear();
        }
        // What is enqueued stays under its limits, if there are any.
        if self.options.most_tokens.is_some() || self.options.most_open.is_some() {
            let open = self.reader.open_batches(self.question)?;
            let there: Vec<_> = open.iter().filter(|b| b.state == BatchState::Submitted).collect();
            let queued: u64 = there.iter().map(|b| b.input).sum();
            let too_many = self.options.most_open.is_some_and(|most| there.len() >= most);
            let too_much = self.options.most_tokens.is_some_and(|most| queued > 0 && queued + batch.input > most);
            if too_many || too_much {
                return Ok(true);
            }
        }
        Ok(false)
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

    /// What was seen of a batch is out of date; how often its calls failed is not.
    fn forget_looks(&mut self, batch: &BatchRow) {
        let look = self.looks.entry(batch.id).or_default();
        *look = Look { failures: std::mem::take(&mut look.failures), ..Look::default() };
    }
}
