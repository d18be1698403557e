//! Responses that a run had stored and not read when it was killed: they are paid for, so whatever way the next run asks, they are
//! read before anything is asked.

use super::settle::{Policy, RequestFacts};
use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::engine::provider::Remote;
use crate::store::{self, Checkpoint, ResponseId};

/// Reads what is stored and not read. What has to be asked again is planned like what was never asked, with what it has used of
/// its budget. Durable when this returns.
pub(in crate::engine) fn take_up_unread(run: &Run<'_>, remote: &Remote) -> Result<(), RunError> {
    let reader = run.store.reader()?;
    let policy = Policy::new(run.question, remote, &run.pipeline)?;
    let mut after = ResponseId(0);
    loop {
        let page = reader.unread_responses(run.question, after, 64)?;
        let Some(last) = page.last() else { return Ok(run.writer.flush()?) };
        after = last.id;
        for response in page {
            let body = store::decompress(&response.raw).unwrap_or_default();
            let facts = RequestFacts {
                doc: response.doc,
                units: response.units,
                generation: response.generation,
                spent: response.attempt.saturating_sub(1),
                estimate: response.estimate,
                model: remote.dialect.model.clone(),
                request_id: None,
                latency_ms: 0,
                batch: response.batch,
            };
            let settlement = policy.settle(response.id, &facts, &body);
            run.writer.submit(Checkpoint::new(settlement.changes, Vec::new()))?;
        }
    }
}
