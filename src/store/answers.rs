//! Answers to units, and what became of units without one: the tables `unit`, `answer`, `unit_failure` and `unit_attempts`.

use rusqlite::params;

use super::database::Database;
use super::{FpId, Reader, StoreError};
use crate::values::{Failure, Fingerprint};

pub(super) fn answer(
    db: &Database,
    question: FpId,
    unit: &Fingerprint,
    generation: i64,
    answer: &[u8],
    response: Option<i64>,
    now: i64,
) -> Result<(), StoreError> {
    intern(db, unit)?;
    db.execute(
        "INSERT OR IGNORE INTO answer (fp, unit, generation, at_ms, z, response)
         SELECT ?1, id, ?3, ?4, ?5, ?6 FROM unit WHERE sha = ?2",
        params![question.0, unit.0, generation, now, answer, response],
    )
    .map(drop)
}

fn intern(db: &Database, unit: &Fingerprint) -> Result<(), StoreError> {
    db.execute("INSERT OR IGNORE INTO unit (sha) VALUES (?1)", [&unit.0]).map(drop)
}

pub(super) fn failed(
    db: &Database,
    question: FpId,
    unit: &Fingerprint,
    generation: i64,
    attempts: u32,
    failure: &Failure,
    now: i64,
) -> Result<(), StoreError> {
    intern(db, unit)?;
    db.execute(
        "INSERT OR REPLACE INTO unit_failure (fp, unit, generation, kind, message, attempts, at_ms)
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM unit WHERE sha = ?2",
        params![question.0, unit.0, generation, failure.kind.name(), failure.message, attempts, now],
    )
    .map(drop)
}

pub(super) fn tried(
    db: &Database,
    question: FpId,
    unit: &Fingerprint,
    attempts: u32,
    raised: bool,
) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO unit_attempts (fp, unit, attempts, raised) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (fp, unit) DO UPDATE SET attempts = ?3, raised = max(raised, ?4)",
        params![question.0, unit.0, attempts, raised],
    )
    .map(drop)
}

impl Reader {
    /// The newest answer to a unit that is not older than `generation`.
    pub fn answer(&self, question: FpId, unit: &Fingerprint, generation: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.row(
            "SELECT a.z FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1
             WHERE u.sha = ?2 AND a.generation >= ?3 ORDER BY a.generation DESC LIMIT 1",
            params![question.0, unit.0, generation],
            |r| r.get(0),
        )
    }

    /// Whether a unit has an answer that is not older than `generation`.
    pub fn is_answered(&self, question: FpId, unit: &Fingerprint, generation: i64) -> Result<bool, StoreError> {
        self.db.value(
            "SELECT EXISTS (SELECT 1 FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1
                            WHERE u.sha = ?2 AND a.generation >= ?3)",
            params![question.0, unit.0, generation],
        )
    }

    /// Class and reason why a unit got no answer, if it was given up in this generation or a later one.
    pub fn unit_failure(
        &self,
        question: FpId,
        unit: &Fingerprint,
        generation: i64,
    ) -> Result<Option<(String, String)>, StoreError> {
        self.db.row(
            "SELECT f.kind, f.message FROM unit u JOIN unit_failure f ON f.unit = u.id AND f.fp = ?1
             WHERE u.sha = ?2 AND f.generation >= ?3",
            params![question.0, unit.0, generation],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
    }

    /// Attempts of its budget that a unit has used in batches, and whether its output budget was raised.
    pub fn unit_attempts(&self, question: FpId, unit: &Fingerprint) -> Result<(u32, bool), StoreError> {
        let row = self.db.row(
            "SELECT attempts, raised FROM unit_attempts WHERE fp = ?1 AND unit = ?2",
            params![question.0, unit.0],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        Ok(row.unwrap_or_default())
    }
}
