//! Results that were paid for and will go away unread: said early enough to do something about it.

use crate::store::{BatchRow, BatchState, Reader, StoreError};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Warned of is what goes away within a week, or within half of the time for which a provider keeps results, if that is less.
const SOON: i64 = 7 * DAY;

/// Warning about a batch whose results go away before long, or are gone.
pub fn expiry_warning(batch: &BatchRow, now_ms: i64) -> Option<String> {
    let expires = batch.expires_ms.filter(|_| matches!(batch.state, BatchState::Submitted | BatchState::Ended))?;
    let kept = expires - batch.submitted_ms.unwrap_or(expires - 2 * SOON);
    let left = expires - now_ms;
    let name = batch.remote.as_deref().unwrap_or(&batch.token);
    if left > SOON.min(kept / 2) {
        return None;
    }
    Some(match left {
        1.. => format!(
            "the results of the provider batch {name} go away in {}: collect them before that, with the command that made it",
            span(left)
        ),
        _ => format!(
            "the results of the provider batch {name} went away {} ago, by what the provider promises: try at once to collect them, with the command that made it",
            span(-left)
        ),
    })
}

/// The warnings about all batches of a store, whatever question they belong to.
///
/// # Errors
/// If the database cannot be read.
pub fn expiry_warnings(reader: &Reader, now_ms: i64) -> Result<Vec<String>, StoreError> {
    Ok(reader.all_batches()?.iter().filter_map(|batch| expiry_warning(batch, now_ms)).collect())
}

/// Days, or hours where days are too coarse.
pub(super) fn span(ms: i64) -> String {
    match (ms / DAY, ms / HOUR) {
        (2.., _) => format!("{} days", ms / DAY),
        (_, 2..) => format!("{} hours", ms / HOUR),
        (_, 1) => "1 hour".to_owned(),
        _ => "less than an hour".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{BatchId, FpId, Generation};
    use crate::values::Fingerprint;

    fn batch(state: BatchState, days_kept: i64) -> BatchRow {
        BatchRow {
            id: BatchId(1),
            question: FpId(1),
            generation: Generation::default(),
            model: "m".into(),
            token: "c1".into(),
            sha: Fingerprint([0; 32]),
            requests: 1,
            bytes: 1,
            input: 1,
            reserved: None,
            state,
            upload: None,
            remote: Some("msgbatch_1".into()),
            status: None,
            succeeded: 0,
            failed: 0,
            owed: 0,
            told: None,
            message: None,
            intent_ms: Some(0),
            submitted_ms: Some(0),
            expires_ms: Some(days_kept * DAY),
        }
    }

    #[test]
    fn a_warning_comes_a_week_before_or_at_half_time() {
        let first = |days_kept: i64| {
            let b = batch(BatchState::Submitted, days_kept);
            (0..days_kept * 24).find(|hour| expiry_warning(&b, hour * HOUR).is_some())
        };
        assert_eq!([29, 30, 2, 1].map(first), [Some(22 * 24), Some(23 * 24), Some(24), Some(12)]);
        let b = batch(BatchState::Ended, 29);
        assert!(expiry_warning(&b, 26 * DAY).unwrap().contains("msgbatch_1 go away in 3 days"));
        assert!(expiry_warning(&b, 29 * DAY - HOUR).unwrap().contains("in 1 hour"));
        assert!(expiry_warning(&b, 29 * DAY - 1).unwrap().contains("in less than an hour"));
        assert!(expiry_warning(&b, 31 * DAY).unwrap().contains("went away 2 days ago"));
    }

    #[test]
    fn nobody_is_warned_of_what_is_collected_or_was_never_sent() {
        for state in [BatchState::Planned, BatchState::Ambiguous, BatchState::Collected, BatchState::Refused] {
            assert_eq!(expiry_warning(&batch(state, 29), 28 * DAY), None);
        }
    }
}
