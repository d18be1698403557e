//! The ledger in two columns: what was sent, and what became of it.

use rusqlite::params;

use super::ledger::{LOST_SUMS, LedgerSums, SUMS, sums};
use super::{BatchRow, BatchState, Reader, StoreError};

/// What one way of asking came to: a batch, or everything that was sent live.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// The batch; none for what was sent live.
    pub batch: Option<BatchRow>,
    /// Requests that were sent, or are to be.
    pub sent: u64,
    /// Of these, answers that were read.
    pub answers: LedgerSums,
    /// Of these, requests that the provider says were not done: nothing was paid for them.
    pub denied: u64,
    /// Of these, requests of which nothing is known yet: they may be paid for.
    pub open: u64,
    /// Of these, requests that a person gave up, or that broke off: at most this was paid for them.
    pub lost: LedgerSums,
}

impl Reader {
    /// The ledger in two columns, what was sent live first, then batches from the oldest.
    ///
    /// # Errors
    /// If the store cannot be read. A store of a version before 4 tells no two columns; its next run migrates it.
    pub fn audit(&self) -> Result<Vec<AuditRow>, StoreError> {
        let live = |what: &str, table: &str| {
            let sql = format!("SELECT {what} FROM {table} WHERE batch IS NULL");
            Ok::<_, StoreError>(self.db.row(&sql, [], |r| sums(r, 0))?.unwrap_or_default())
        };
        let (answers, lost) = (live(SUMS, "response")?, live(LOST_SUMS, "lost")?);
        let sent = answers.count + lost.count;
        let mut rows = vec![AuditRow { batch: None, sent, answers, denied: 0, open: 0, lost }];
        for batch in self.all_batches()? {
            let of = |what: &str, table: &str| {
                let sql = format!("SELECT {what} FROM {table} WHERE batch = ?1");
                Ok::<_, StoreError>(self.db.row(&sql, [batch.id], |r| sums(r, 0))?.unwrap_or_default())
            };
            let count = |condition: &str| -> Result<u64, StoreError> {
                let sql = format!("SELECT count(*) FROM batch_request WHERE batch = ?1 AND {condition}");
                Ok(self.db.value::<i64>(&sql, params![batch.id])?.cast_unsigned())
            };
            // A line, or the refusal of the whole batch, says that a request was not done; a person's word says nothing of that.
            let undone = match batch.state {
                BatchState::Refused => "state = 2",
                _ => "state = 2 AND message IS NOT NULL",
            };
            let mut lost = of(LOST_SUMS, "lost")?;
            if batch.state == BatchState::Abandoned {
                // They are one sum of money, and as many requests as were given up.
                lost.count = count("state = 2 AND message IS NULL")?;
            }
            rows.push(AuditRow {
                sent: batch.requests,
                answers: of(SUMS, "response")?,
                denied: count(undone)?,
                open: count("state = 0")?,
                lost,
                batch: Some(batch),
            });
        }
        Ok(rows)
    }

    /// Test whether the store is of a version that has a ledger in two columns.
    pub fn can_be_audited(&self) -> Result<bool, StoreError> {
        Ok(self.db.value::<i64>("PRAGMA user_version", [])? >= 4)
    }
}
