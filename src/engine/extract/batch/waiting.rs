//! Batches that are open whatever way a run asks: waiting for calls about them, and giving them up.

use std::time::Duration;

use super::pack::payload_place;
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::store::{BatchRow, BatchState, BatchUpdate, Change, Checkpoint, Reader};
use crate::values::{Cost, Usage};

/// Time between two looks at the wish to stop, which is to be felt within a second.
const LOOK: Duration = Duration::from_millis(500);

/// Work, unless the run is asked to stop before it is done: then nothing.
pub(super) async fn unless_stopping<T>(run: &Run<'_>, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(LOOK, &mut work).await {
            Ok(done) => return Some(done),
            Err(_) if run.is_stopping() => return None,
            // What is waited for has an end of its own.
            Err(_) => run.signs.alive(),
        }
    }
}

/// Gives a batch up by a person's word: its units may be asked for again, and what it may have cost beyond what was read of it
/// stands in the ledger as lost. Durable when this returns.
pub(super) fn give_up(run: &Run<'_>, reader: &Reader, batch: &BatchRow, why: &str) -> Result<(), RunError> {
    let mut changes = Vec::new();
    let (_, silent) = reader.batch_outcomes(batch.id)?;
    let was_sent = batch.state > BatchState::Planned;
    if let (true, Some(first)) = (was_sent && silent > 0, reader.waiting_requests(batch.id, -1, 1)?.first())
        && let Some(request) = reader.waiting_request(batch.id, *first)?
    {
        let share = |all: u64| all * silent / batch.requests.max(1);
        changes.push(Change::Lost {
            question: batch.question,
            doc: request.doc,
            model: batch.model.clone(),
            message: format!(
                "{silent} requests of the provider batch {}: {why}",
                batch.remote.as_deref().unwrap_or(&batch.token)
            ),
            most: Usage {
                input: share(batch.input),
                output: u64::from(request.max_output) * silent,
                ..Usage::default()
            },
            cost: batch.reserved.map(|most| Cost(most.0 / batch.requests.max(1).cast_signed() * silent.cast_signed())),
            batch: Some(batch.id),
        });
    }
    let (state, message) = (Some(BatchState::Abandoned), Some(why.to_owned()));
    changes.push(Change::Batch(Box::new(BatchUpdate { id: batch.id, state, message, ..BatchUpdate::default() })));
    run.writer.submit(Checkpoint::new(changes, Vec::new()))?;
    run.writer.flush()?;
    let _ = run.places.disk.remove(&payload_place(&run.places.output, &batch.token));
    Ok(())
}
