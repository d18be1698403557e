//! The ledger of batches: rows that are durable before anything is sent.

use rusqlite::params;

use super::database::{Database, unsigned};
use super::ledger::{packed, unpacked};
use super::{BatchId, DocId, FpId, Generation, Reader, StoreError};
use crate::values::{Cost, Fingerprint, Usage};

/// State of a batch on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BatchState {
    /// Its payload and its requests are durable; nothing was sent.
    Planned,
    /// About to be sent, or being sent when the program ended.
    Submitting,
    /// It was sent, and whether the provider has it is not known.
    Ambiguous,
    /// The provider has it.
    Submitted,
    /// The provider is done with it; results are being read.
    Ended,
    /// Every request has its outcome.
    Collected,
    /// It was refused as a whole; its requests go elsewhere.
    Refused,
    /// It was given up by a person's word; its requests go elsewhere, and what it may have cost stands in the ledger as lost.
    Abandoned,
}

impl BatchState {
    const ALL: [Self; 8] = [
        Self::Planned,
        Self::Submitting,
        Self::Ambiguous,
        Self::Submitted,
        Self::Ended,
        Self::Collected,
        Self::Refused,
        Self::Abandoned,
    ];

    /// The name that people see.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Submitting => "submitting",
            Self::Ambiguous => "ambiguous",
            Self::Submitted => "submitted",
            Self::Ended => "ended",
            Self::Collected => "collected",
            Self::Refused => "refused",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A batch as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchRow {
    /// Number in this store.
    pub id: BatchId,
    /// Fingerprint of the question.
    pub question: FpId,
    /// Generation of its answers.
    pub generation: Generation,
    /// Model.
    pub model: String,
    /// The beginning of its custom ids, and the name of its payload's file.
    pub token: String,
    /// SHA-256 of the payload.
    pub sha: Fingerprint,
    /// Requests.
    pub requests: u64,
    /// Bytes of the payload.
    pub bytes: u64,
    /// Estimated prompt tokens.
    pub input: u64,
    /// Cost at most, if the price is known.
    pub reserved: Option<Cost>,
    /// State of the batch.
    pub state: BatchState,
    /// The payload's file at the provider.
    pub upload: Option<String>,
    /// Its id at the provider.
    pub remote: Option<String>,
    /// The provider's word for how it stands.
    pub status: Option<String>,
    /// As the provider counts.
    pub succeeded: u64,
    /// As the provider counts.
    pub failed: u64,
    /// Answers that the provider counts and that were not read.
    pub owed: u64,
    /// Tokens of all its answers, where the provider sums them up.
    pub told: Option<Usage>,
    /// Message for a person about it.
    pub message: Option<String>,
    /// Unix milliseconds when it was about to be sent.
    pub intent_ms: Option<i64>,
    /// Unix milliseconds when the provider took it.
    pub submitted_ms: Option<i64>,
    /// Unix milliseconds from which its results cannot be read any more.
    pub expires_ms: Option<i64>,
}

/// Changes to a batch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchUpdate {
    /// Its number.
    pub id: BatchId,
    /// State in which it is now.
    pub state: Option<BatchState>,
    /// The payload's file at the provider.
    pub upload: Option<String>,
    /// True if the payload's file is not there any more.
    pub upload_gone: bool,
    /// Its id at the provider.
    pub remote: Option<String>,
    /// Answers that the provider counts and that were not read.
    pub owed: Option<u64>,
    /// The provider's word.
    pub status: Option<String>,
    /// As the provider counts: succeeded and failed.
    pub counts: Option<(u64, u64)>,
    /// Tokens of all its answers, as the provider sums them up.
    pub told: Option<Usage>,
    /// Message for a person.
    pub message: Option<String>,
    /// Unix milliseconds when it is about to be sent.
    pub intent_ms: Option<i64>,
    /// Unix milliseconds when the provider took it.
    pub submitted_ms: Option<i64>,
    /// Unix milliseconds when its results go away.
    pub expires_ms: Option<i64>,
}

/// One request of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRequest {
    /// Batch.
    pub batch: BatchId,
    /// Place in it, from 0.
    pub seq: i64,
    /// The document that asked first.
    pub doc: DocId,
    /// Attempts that its units had used of their budget.
    pub attempts: u32,
    /// Output budget in tokens.
    pub max_output: u32,
    /// Estimated prompt tokens.
    pub input: u64,
    /// Its units.
    pub units: Vec<Fingerprint>,
}

/// A batch's whole list of requests is in the store when its row is.
pub(super) fn plan(db: &Database, row: &BatchRow, now: i64) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO batch (id, fp, generation, model, token, sha, requests, bytes, input, reserved, state, planned_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11)",
        params![
            row.id,
            row.question,
            row.generation,
            row.model,
            row.token,
            row.sha.0,
            row.requests.cast_signed(),
            row.bytes.cast_signed(),
            row.input.cast_signed(),
            row.reserved.map(|c| c.0),
            now
        ],
    )
    .map(drop)
}

pub(super) fn add_request(db: &Database, question: FpId, request: &BatchRequest) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO batch_request (batch, seq, state, doc, attempts, max_output, input, units) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7)",
        params![
            request.batch,
            request.seq,
            request.doc,
            request.attempts,
            request.max_output,
            request.input.cast_signed(),
            packed(&request.units)
        ],
    )?;
    for unit in &request.units {
        db.execute(
            "INSERT OR REPLACE INTO batch_unit (fp, unit, batch) VALUES (?1, ?2, ?3)",
            params![question, unit.0, request.batch],
        )?;
    }
    Ok(())
}

pub(super) fn update(db: &Database, u: &BatchUpdate, now: i64) -> Result<(), StoreError> {
    db.execute(
        "UPDATE batch SET state=coalesce(?2, state), upload=CASE WHEN ?14 THEN NULL ELSE coalesce(?3, upload) END, remote=coalesce(?4, remote),
                status=coalesce(?5, status), succeeded=coalesce(?6, succeeded), failed=coalesce(?7, failed),
                message=coalesce(?8, message), owed=coalesce(?13, owed), told_input=coalesce(?15, told_input), told_output=coalesce(?16, told_output), intent_ms=coalesce(?9, intent_ms), submitted_ms=coalesce(?10, submitted_ms),
                expires_ms=coalesce(?11, expires_ms), ended_ms=CASE WHEN ?2 = 4 THEN coalesce(ended_ms, ?12) ELSE ended_ms END
         WHERE id=?1",
        params![
            u.id,
            u.state.map(|s| s as i64),
            u.upload,
            u.remote,
            u.status,
            u.counts.map(|c| c.0.cast_signed()),
            u.counts.map(|c| c.1.cast_signed()),
            u.message,
            u.intent_ms,
            u.submitted_ms,
            u.expires_ms,
            now,
            u.owed.map(u64::cast_signed),
            u.upload_gone,
            u.told.map(|told| told.input.cast_signed()),
            u.told.map(|told| told.output.cast_signed())
        ],
    )?;
    if u.state.is_some_and(|s| s >= BatchState::Collected) {
        // What has no outcome by now goes into another batch.
        db.execute("UPDATE batch_request SET state = 2 WHERE batch = ?1 AND state = 0", [u.id])?;
        db.execute("DELETE FROM batch_unit WHERE batch = ?1", [u.id])?;
    }
    Ok(())
}

/// A request has its outcome: stored, or with a reason why it was not done.
pub(super) fn settle(db: &Database, batch: BatchId, seq: i64, undone: Option<&str>) -> Result<(), StoreError> {
    let state = if undone.is_some() { 2 } else { 1 };
    db.execute(
        "UPDATE batch_request SET state = ?3, message = ?4 WHERE batch = ?1 AND seq = ?2",
        params![batch, seq, state, undone],
    )
    .map(drop)
}

const COLUMNS: &str =
    "id, fp, generation, model, token, sha, requests, bytes, input, reserved, state, upload, remote, status, succeeded,
    failed, message, intent_ms, submitted_ms, expires_ms, owed, told_input, told_output";

/// As a reader finds them in a store of version 3, which it does not migrate.
const COLUMNS_3: &str =
    "id, fp, generation, model, token, sha, requests, bytes, input, reserved, state, upload, remote, status, succeeded,
    failed, message, intent_ms, submitted_ms, expires_ms, 0, NULL, NULL";

fn row(r: &rusqlite::Row<'_>) -> rusqlite::Result<BatchRow> {
    let state: usize = r.get::<_, i64>(10)?.try_into().unwrap_or(0);
    Ok(BatchRow {
        id: r.get(0)?,
        question: r.get(1)?,
        generation: r.get(2)?,
        model: r.get(3)?,
        token: r.get(4)?,
        sha: Fingerprint(r.get(5)?),
        requests: unsigned(r, 6)?,
        bytes: unsigned(r, 7)?,
        input: unsigned(r, 8)?,
        reserved: r.get::<_, Option<i64>>(9)?.map(Cost),
        state: BatchState::ALL[state.min(7)],
        upload: r.get(11)?,
        remote: r.get(12)?,
        status: r.get(13)?,
        succeeded: unsigned(r, 14)?,
        failed: unsigned(r, 15)?,
        message: r.get(16)?,
        intent_ms: r.get(17)?,
        submitted_ms: r.get(18)?,
        expires_ms: r.get(19)?,
        owed: unsigned(r, 20)?,
        told: told(r)?,
    })
}

fn told(r: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Usage>> {
    let (input, output): (Option<i64>, Option<i64>) = (r.get(21)?, r.get(22)?);
    let told = |(input, output): (i64, i64)| Usage {
        input: input.cast_unsigned(),
        output: output.cast_unsigned(),
        ..Usage::default()
    };
    Ok(input.zip(output).map(told))
}

impl Reader {
    /// Test whether the store has batches: older ones are not migrated by those who only read.
    fn has_batches(&self) -> Result<bool, StoreError> {
        self.db.value("SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'unit_attempts'", [])
    }

    /// Batches of a question that are not over, oldest first.
    pub fn open_batches(&self, question: FpId) -> Result<Vec<BatchRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM batch WHERE state < 5 AND fp = ?1 ORDER BY id");
        self.db.rows(&sql, [question], row)
    }

    /// All batches, oldest first.
    pub fn all_batches(&self) -> Result<Vec<BatchRow>, StoreError> {
        if !self.has_batches()? {
            return Ok(Vec::new());
        }
        let columns = if self.db.value::<i64>("PRAGMA user_version", [])? < 4 { COLUMNS_3 } else { COLUMNS };
        self.db.rows(&format!("SELECT {columns} FROM batch ORDER BY id"), [], row)
    }

    /// Unix milliseconds at which batches were last sent, of every question.
    pub fn sent_batches(&self) -> Result<Vec<i64>, StoreError> {
        self.db.rows("SELECT intent_ms FROM batch WHERE intent_ms IS NOT NULL", [], |r| r.get(0))
    }

    /// The number for the next batch.
    pub fn next_batch(&self) -> Result<BatchId, StoreError> {
        self.db.value(
            "SELECT max(coalesce((SELECT max(id) FROM batch), 0), coalesce((SELECT max(batch) FROM batch_request), 0)) + 1",
            [],
        )
    }

    /// Test whether an id at the provider belongs to a batch of this store.
    pub fn is_known_batch(&self, remote: &str) -> Result<bool, StoreError> {
        self.db.value("SELECT EXISTS (SELECT 1 FROM batch WHERE remote = ?1)", [remote])
    }

    /// A request that has no outcome yet.
    pub fn waiting_request(&self, batch: BatchId, seq: i64) -> Result<Option<BatchRequest>, StoreError> {
        self.db.row(
            "SELECT doc, attempts, max_output, input, units FROM batch_request WHERE batch = ?1 AND seq = ?2 AND state = 0",
            params![batch, seq],
            |r| {
                Ok(BatchRequest {
                    batch,
                    seq,
                    doc: r.get(0)?,
                    attempts: r.get(1)?,
                    max_output: r.get(2)?,
                    input: unsigned(r, 3)?,
                    units: unpacked(r, 4)?,
                })
            },
        )
    }

    /// Requests of a batch by their outcome: answered, and without any.
    pub fn batch_outcomes(&self, batch: BatchId) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT coalesce(sum(state = 1), 0), coalesce(sum(state = 0), 0) FROM batch_request WHERE batch = ?1";
        Ok(self.db.row(sql, [batch], |r| Ok((unsigned(r, 0)?, unsigned(r, 1)?)))?.unwrap_or_default())
    }

    /// Requests of a batch that its provider did not do, and a word about one of them.
    pub fn batch_undone(&self, batch: BatchId) -> Result<(u64, Option<String>), StoreError> {
        let sql = "SELECT count(*), min(message) FROM batch_request WHERE batch = ?1 AND state = 2";
        Ok(self.db.row(sql, [batch], |r| Ok((unsigned(r, 0)?, r.get(1)?)))?.unwrap_or_default())
    }

    /// Batches of any question that are not over, oldest first.
    pub fn all_open_batches(&self) -> Result<Vec<BatchRow>, StoreError> {
        let mut all = self.all_batches()?;
        all.retain(|batch| batch.state < BatchState::Collected);
        Ok(all)
    }

    /// Most that what stands in open batches, of every question, may cost beside what was read of them.
    pub fn open_batches_at_most(&self) -> Result<Cost, StoreError> {
        if !self.has_batches()? {
            return Ok(Cost(0));
        }
        let sql = "SELECT coalesce(sum(b.reserved * (SELECT count(*) FROM batch_request q WHERE q.batch = b.id AND q.state = 0)
                    / max(b.requests, 1)), 0) FROM batch b WHERE b.state < 5";
        Ok(Cost(self.db.value(sql, [])?))
    }

    /// Requests of a batch without an outcome, after `after`.
    pub fn waiting_requests(&self, batch: BatchId, after: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
        self.db.rows(
            "SELECT seq FROM batch_request WHERE batch = ?1 AND state = 0 AND seq > ?2 ORDER BY seq LIMIT ?3",
            params![batch, after, limit as i64],
            |r| r.get(0),
        )
    }

    /// Test whether a unit is in a batch that is not over.
    pub fn is_in_batch(&self, question: FpId, unit: &Fingerprint) -> Result<bool, StoreError> {
        self.db.value("SELECT EXISTS (SELECT 1 FROM batch_unit WHERE fp = ?1 AND unit = ?2)", params![question, unit.0])
    }
}
