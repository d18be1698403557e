//! The one door to money: whoever wants to ask for a unit (live, by batch, the probe, per-document mode, a plan) asks here whether
//! it may, and here stands what the folder has spent and may still have to pay.

use crate::engine::context::Run;
use crate::engine::error::RunError;
use crate::store::{BatchRow, Generation, Reader, StoreError};
use crate::values::{Cost, Failure, FailureKind, Fingerprint, plural};

/// Standing of a unit: only one that is open may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Nobody has asked, or what was asked came to nothing that was paid for.
    Open,
    /// It is answered.
    Answered,
    /// It was given up.
    GivenUp,
    /// It stands in a batch that is not over: it may be paid for already.
    InBatch,
}

impl Admission {
    /// True if it is answered or given up.
    pub(super) fn is_settled(self) -> bool {
        matches!(self, Self::Answered | Self::GivenUp)
    }
}

/// The standing of a unit of the run's question.
pub(super) fn admission(
    run: &Run<'_>,
    reader: &Reader,
    unit: &Fingerprint,
    generation: Generation,
) -> Result<Admission, RunError> {
    Ok(if reader.is_answered(run.question, unit, generation)? {
        Admission::Answered
    } else if reader.unit_failure(run.question, unit, generation)?.is_some() {
        Admission::GivenUp
    } else if reader.is_in_batch(run.question, unit)? {
        Admission::InBatch
    } else {
        Admission::Open
    })
}

/// Failure for which a unit has no answer.
pub(super) fn why(
    run: &Run<'_>,
    reader: &Reader,
    unit: &Fingerprint,
    generation: Generation,
) -> Result<Failure, StoreError> {
    let row = reader.unit_failure(run.question, unit, generation)?;
    let (kind, message) = row.unwrap_or_else(|| {
        (FailureKind::Internal.name().to_owned(), "no reason was recorded (please report this)".to_owned())
    });
    let kind = FailureKind::of_name(&kind);
    Ok(Failure::new(kind, message))
}

/// Debits of the folder, of every question and every way of asking: answers, what was lost at its most, and what open batches
/// may cost at most.
pub(super) fn debits(reader: &Reader) -> Result<Cost, RunError> {
    let (answers, lost) = reader.ledger_sums()?;
    Ok(answers.cost + lost.cost + reader.open_batches_at_most()?)
}

/// Words for a person about batches that hold units of this question while it is asked in another way.
pub(super) fn held_by(open: &[BatchRow]) -> String {
    let requests: u64 = open.iter().map(|batch| batch.requests).sum();
    format!(
        "{} with {} of this question {} not collected, and what stands there is asked by nobody else; --endpoint batch waits for it and collects it, 'corpora batches' shows it, and --abandon-batches asks again for it and pays for it again",
        plural(open.len() as u64, "provider batch", "provider batches"),
        plural(requests, "request", "requests"),
        if open.len() == 1 { "is" } else { "are" },
    )
}
