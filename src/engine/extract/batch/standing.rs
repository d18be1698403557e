//! Open batches, whatever way a run asks: said at its beginning, collected where they have ended, given up by a person's word.

use std::sync::Arc;

use super::driver::{Driver, Step};
use super::endpoint::BatchEndpoint;
use super::waiting::give_up;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::extract::admission::held_by;
use crate::engine::provider::{EndpointKind, Remote};
use crate::remote::Client;
use crate::store::{BatchRow, BatchState, BatchUpdate, Change, Checkpoint, FpId, Reader};
use crate::values::{Event, Stop, StopReason, plural};

/// Steps that one batch is taken by before the run goes on without it: a look, a search, a download.
const MOST_STEPS: usize = 8;

/// Says which batches are open, collects what has ended of this question, and gives up what a person gave up. Where the run asks
/// by batch, collecting is left to it.
pub(in crate::engine) fn settle_open_batches(run: &Run<'_>, remote: &Remote) -> Result<(), RunError> {
    let reader = run.store.reader()?;
    let open = reader.all_open_batches()?;
    let (mine, others): (Vec<BatchRow>, Vec<BatchRow>) = open.into_iter().partition(|b| b.question == run.question);
    let others = collect_kept(run, remote, &reader, others)?;
    if !others.is_empty() {
        let message = format!(
            "{} of another question (prompt, model or provider) {} open in this folder, and count against --max-cost; the command that made {} collects {}",
            plural(others.len() as u64, "provider batch", "provider batches"),
            if others.len() == 1 { "is" } else { "are" },
            if others.len() == 1 { "it" } else { "them" },
            if others.len() == 1 { "it" } else { "them" },
        );
        run.emit(Event::Notice { message });
    }
    if remote.batch.abandon {
        for batch in &mine {
            give_up(run, &reader, batch, "given up by --abandon-batches")?;
            let name = batch.remote.as_deref().unwrap_or(&batch.token);
            let message =
                format!("provider batch {name} is given up: what it may have cost stands in 'corpora cost' as lost");
            run.emit(Event::Notice { message });
        }
        return Ok(());
    }
    if mine.is_empty() || matches!(remote.endpoint_kind, EndpointKind::Batch) {
        return Ok(());
    }
    forget_unsent(run, &mine)?;
    let client = Arc::new(remote.client(&run.phrasing.schema(1))?);
    look_once(run, remote, client, run.question, BatchState::Submitting)?;
    let left = reader.open_batches(run.question)?;
    if !left.is_empty() {
        run.emit(Event::Notice { message: held_by(&left) });
    }
    Ok(())
}

/// Collects what has ended of other questions that went to the same provider, as it came: the command that asked reads it. Returns
/// the batches that stay open.
fn collect_kept(
    run: &Run<'_>,
    remote: &Remote,
    reader: &Reader,
    batches: Vec<BatchRow>,
) -> Result<Vec<BatchRow>, RunError> {
    let here = |batch: &BatchRow| -> Result<bool, RunError> {
        let spec = reader.spec(batch.question)?.unwrap_or_default();
        let spec: serde_json::Value = serde_json::from_str(&spec).unwrap_or_default();
        let provider = &run.pipeline.provider;
        Ok(spec["provider"] == *provider.name && spec["origin"].as_str() == provider.origin.as_deref())
    };
    let mut questions = Vec::new();
    for batch in &batches {
        if batch.state >= BatchState::Submitted && !questions.contains(&batch.question) && here(batch)? {
            questions.push(batch.question);
        }
    }
    if questions.is_empty() {
        return Ok(batches);
    }
    let client = Arc::new(remote.client(&run.phrasing.schema(1))?);
    for question in questions {
        look_once(run, remote, Arc::clone(&client), question, BatchState::Submitted)?;
    }
    let left = reader.all_open_batches()?;
    let left: Vec<BatchRow> = left.into_iter().filter(|b| b.question != run.question).collect();
    let collected = batches.len() - left.len();
    if collected > 0 {
        let message = format!(
            "{} of another question had ended and {} collected: the command that made {} reads the answers, which are paid for",
            plural(collected as u64, "provider batch", "provider batches"),
            if collected == 1 { "is" } else { "are" },
            if collected == 1 { "it" } else { "them" },
        );
        run.emit(Event::Notice { message });
    }
    Ok(left)
}

/// End of a run whose units stand in open batches of its question, if there are any.
pub(in crate::engine) fn left_open(run: &Run<'_>, reader: &Reader) -> Result<Option<Stop>, RunError> {
    let open = reader.open_batches(run.question)?;
    Ok((!open.is_empty()).then(|| Stop::new(StopReason::BatchesLeft, held_by(&open))))
}

/// Nothing of a planned batch was sent: its units are free.
fn forget_unsent(run: &Run<'_>, open: &[BatchRow]) -> Result<(), RunError> {
    for batch in open.iter().filter(|b| b.state == BatchState::Planned) {
        let (state, message) = (Some(BatchState::Refused), Some("it was never sent".to_owned()));
        let update = BatchUpdate { id: batch.id, state, message, ..BatchUpdate::default() };
        run.writer.submit(Checkpoint::new(vec![Change::Batch(Box::new(update))], Vec::new()))?;
    }
    Ok(run.writer.flush()?)
}

/// Looks at each open batch of a question from a state on, and collects those that have ended. Nothing is sent.
fn look_once(
    run: &Run<'_>,
    remote: &Remote,
    client: Arc<Client>,
    question: FpId,
    from: BatchState,
) -> Result<(), RunError> {
    let mut driver = Driver::new(run, remote, &remote.batch, client, question)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(RunError::Threads)?;
    runtime.block_on(driver.look_once(from))
}

impl<E: BatchEndpoint> Driver<'_, E> {
    async fn look_once(&mut self, from: BatchState) -> Result<(), RunError> {
        for batch in self.reader.open_batches(self.question)? {
            for _ in 0..MOST_STEPS {
                if self.run.is_stopping() || self.stop.is_some() {
                    return Ok(());
                }
                let open = self.reader.open_batches(self.question)?;
                let Some(batch) = open.iter().find(|b| b.id == batch.id && b.state >= from) else {
                    break;
                };
                if self.step(batch).await? != Step::Moved {
                    break;
                }
            }
        }
        Ok(())
    }
}
