//! Answers to units, and what became of units without one: the tables `unit`, `answer`, `unit_failure` and `unit_attempts`.

use rusqlite::params;

use super::checksum::{Certified, checksum, is_sound};
use super::database::Database;
use super::{FpId, Generation, Reader, ResponseId, StoreError, ledger};
use crate::values::{Cost, Failure, FailureKind, Fingerprint};

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
    let sum = checksum(Certified::Answer(question, unit, generation), answer);
    db.execute(
        "INSERT OR IGNORE INTO answer (fp, unit, generation, at_ms, z, response, sum)
         SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM unit WHERE sha = ?2",
        params![question, unit.0, generation, now, answer, response, sum],
    )
    .map(drop)
}

/// Brings back every answer that is not as it was stored, whatever it was about: its response is read again, or the embedded provider asked
/// again, which costs nothing. Where the response is not sound either, the unit fails with what it cost, and `--retry-failed` asks again.
pub(super) fn remake(db: &Database, now: i64) -> Result<(), StoreError> {
    let mut spoilt: Vec<(i64, FpId, Fingerprint, Generation, Option<ResponseId>)> = Vec::new();
    db.each(
        "SELECT a.id, a.fp, u.sha, a.generation, a.response, a.z, a.sum FROM answer a JOIN unit u ON u.id = a.unit",
        [],
        |r| {
            let (question, unit, generation) = (r.get(1)?, Fingerprint(r.get(2)?), r.get(3)?);
            let thing = Certified::Answer(question, &unit, generation);
            if !is_sound(thing, r.get_ref(5)?.as_blob()?, r.get(6)?) {
                spoilt.push((r.get(0)?, question, unit, generation, r.get(4)?));
            }
            Ok(())
        },
    )?;
    for (id, question, unit, generation, response) in spoilt {
        db.execute("DELETE FROM answer WHERE id = ?1", [id])?;
        let Some(response) = response else { continue };
        if ledger::has_sound_body(db, response)? {
            db.execute("UPDATE response SET state = 0 WHERE id = ?1", [response])?;
            continue;
        }
        let cost: Option<i64> = db.row("SELECT cost FROM response WHERE id = ?1", [response], |r| r.get(0))?.flatten();
        let cost = cost.map_or_else(|| "an unknown sum".to_owned(), |cost| format!("{} with others", Cost(cost)));
        let message = format!(
            "its stored answer and the response that it came with are not as they were stored (the response cost {cost})"
        );
        failed(db, question, &unit, generation, 1, &Failure::new(FailureKind::BadAnswer, message), now)?;
    }
    Ok(())
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
    ///
    /// # Errors
    /// [`StoreError::Spoilt`] if it is not as it was stored.
    pub fn answer(
        &self,
        question: FpId,
        unit: &Fingerprint,
        generation: Generation,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.db.row(
            "SELECT a.z, a.generation, a.sum FROM unit u JOIN answer a ON a.unit = u.id AND a.fp = ?1
             WHERE u.sha = ?2 AND a.generation >= ?3 ORDER BY a.generation DESC LIMIT 1",
            params![question, unit.0, generation],
            |r| Ok((r.get::<_, Vec<u8>>(0)?, r.get(1)?, r.get(2)?)),
        )?;
        match row {
            Some((bytes, made, sum)) if !is_sound(Certified::Answer(question, unit, made), &bytes, sum) => {
                Err(StoreError::Spoilt {
                    file: self.db.file().to_path_buf(),
                    detail: format!("answer to unit {} under question {}", unit.hex(), question.0),
                })
            }
            row => Ok(row.map(|(bytes, _, _)| bytes)),
        }
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
