//! Answers to units, and what became of units without one: the tables `unit`, `answer`, `unit_failure` and `unit_attempts`.

use rusqlite::params;

use super::database::Database;
use super::{FpId, Generation, Reader, ResponseId, StoreError};
use crate::values::{Failure, Fingerprint};

pub(super) fn answer(
    db: &Database,
    question: FpId,
    unit: &Fingerprint,
    generation: Generation,
    answer: &[u8],
    response: Option<ResponseId>,
    now: i64,
) -> Result<(), StoreError> {
    intern(db, unit)?;
    db.execute(
        "INSERT OR IGNORE INTO answer (fp, unit, generation, at_ms, z, response)
         SELECT ?1, id, ?3, ?4, ?5, ?6 FROM unit WHERE sha = ?2",
        params![question, unit.0, generation, now, answer, response],
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
    generation: Generation,
    attempts: u32,
    failure: &Failure,
    now: i64,
) -> Result<(), StoreError> {
    intern(db, unit)?;
    db.execute(
        "INSERT OR REPLACE INTO unit_failure (fp, unit, generation, kind, message, attempts, at_ms)
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM unit WHERE sha = ?2",
        params![question, unit.0, generation, failure.kind.name(), failure.message, attempts, now],
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
        params![question, unit.0, attempts, raised],
    )
    .map(drop)
}

impl Reader {
    /// The newest answer to a unit that is not older than `generation`.
    pub fn answer(
        &self,
        question: FpId,
        unit: &Fingerprint,
        generation: Generation,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.row(
            "SELECT a.z FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1
             WHERE u.sha = ?2 AND a.generation >= ?3 ORDER BY a.generation DESC LIMIT 1",
            params![question, unit.0, generation],
            |r| r.get(0),
        )
    }

    /// Test whether a unit has an answer that is not older than `generation`.
    pub fn is_answered(&self, question: FpId, unit: &Fingerprint, generation: Generation) -> Result<bool, StoreError> {
        self.db.value(
            "SELECT EXISTS (SELECT 1 FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1
                            WHERE u.sha = ?2 AND a.generation >= ?3)",
            params![question, unit.0, generation],
        )
    }

    /// Class and reason why a unit got no answer, if it was given up in this generation or a later one.
    pub fn unit_failure(
        &self,
        question: FpId,
        unit: &Fingerprint,
        generation: Generation,
    ) -> Result<Option<(String, String)>, StoreError> {
        self.db.row(
            "SELECT f.kind, f.message FROM unit u JOIN unit_failure f ON f.unit = u.id AND f.fp = ?1
             WHERE u.sha = ?2 AND f.generation >= ?3",
            params![question, unit.0, generation],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
    }

    /// Attempts of its budget that a unit has used in batches, and whether its output budget was raised.
    pub fn unit_attempts(&self, question: FpId, unit: &Fingerprint) -> Result<(u32, bool), StoreError> {
        let row = self.db.row(
            "SELECT attempts, raised FROM unit_attempts WHERE fp = ?1 AND unit = ?2",
            params![question, unit.0],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )?;
        Ok(row.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Change;
    use crate::store::tests::{Filled, failure};
    use crate::values::Stage;

    const UNIT: Fingerprint = Fingerprint([9; 32]);

    fn answer(store: &Filled, generation: i64, answer: u8) -> Change {
        Change::Answer {
            question: store.question,
            unit: UNIT,
            generation: Generation(generation),
            answer: vec![answer],
            response: None,
        }
    }

    #[test]
    fn the_newest_answer_counts_and_an_older_generation_is_not_accepted() {
        let store = Filled::new();
        let said = |generation| store.reader.answer(store.question, &UNIT, Generation(generation)).unwrap();
        assert_eq!(said(0), None);
        store.change(vec![answer(&store, 0, 1)]);
        assert_eq!((said(0), said(1)), (Some(vec![1]), None));
        store.change(vec![answer(&store, 2, 3), answer(&store, 1, 2)]);
        assert_eq!((said(0), said(2), said(3)), (Some(vec![3]), Some(vec![3]), None));
        assert!(store.reader.is_answered(store.question, &UNIT, Generation(2)).unwrap());
        assert!(!store.reader.is_answered(store.question, &UNIT, Generation(3)).unwrap());
        assert!(
            !store.reader.is_answered(store.fps[Stage::Parse], &UNIT, Generation(0)).unwrap(),
            "to another question it is none"
        );
        store.change(vec![answer(&store, 2, 4)]);
        assert_eq!(said(2), Some(vec![3]), "what was paid for is not replaced by the same again");
    }

    #[test]
    fn a_verdict_and_a_budget_stand_until_failures_are_retried() {
        let store = Filled::new();
        let (question, unit) = (store.question, UNIT);
        store.change(vec![
            Change::UnitFailed { question, unit, generation: Generation(1), attempts: 8, failure: failure() },
            Change::UnitTried { question, unit, attempts: 2, raised: true },
            Change::UnitTried { question, unit, attempts: 4, raised: false },
        ]);
        let failed = |generation| store.reader.unit_failure(question, &unit, Generation(generation)).unwrap();
        assert_eq!(failed(1), Some(("Empty".into(), "it is empty".into())));
        assert_eq!(failed(2), None, "a rerun asks again");
        assert_eq!(store.reader.unit_attempts(question, &unit).unwrap(), (4, true), "once raised, it stays raised");
        crate::store::Session::begin(&store.store)
            .unwrap()
            .retry_failed(&store.fps, crate::store::Scope::Whole)
            .unwrap();
        assert_eq!((failed(1), store.reader.unit_attempts(question, &unit).unwrap()), (None, (0, false)));
    }
}
