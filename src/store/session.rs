//! Changes to a store before a run's writer starts: fingerprints interned, reruns begun, failures taken up.

use rusqlite::params;

use super::database::Database;
use super::{DocId, FpId, Generation, Scope, Store, StoreError};
use crate::values::{Fingerprint, Gap, Stage, StageMap};

/// Serial edits at the start and the end of a run, each durable when its call returns.
pub struct Session {
    pub(super) db: Database,
}

/// The fingerprint of each stage, as the small integer that stands for it in one store.
pub type StageFps = StageMap<FpId>;

/// The fingerprints of the stages of documents as a JSON array, for `json_each`: a query does not know how many stages there are.
pub(super) fn of_documents(fps: &StageFps) -> String {
    let ids: Vec<String> = Stage::of_documents().map(|stage| fps[stage].0.to_string()).collect();
    format!("[{}]", ids.join(","))
}

impl Session {
    /// Begins editing. The caller holds the lock and no writer runs.
    pub fn begin(store: &Store) -> Result<Self, StoreError> {
        Ok(Self { db: store.write_connection()? })
    }

    /// The small integer that stands for a fingerprint in this store.
    pub fn intern(
        &mut self,
        stage: &str,
        parent: Option<FpId>,
        key: &Fingerprint,
        spec: &str,
    ) -> Result<FpId, StoreError> {
        if let Some(known) = self.db.row("SELECT id FROM fp WHERE sha = ?1", [&key.0], |r| r.get(0))? {
            return Ok(FpId(known));
        }
        self.db.execute(
            "INSERT INTO fp (stage, parent, sha, spec) VALUES (?1, ?2, ?3, ?4)",
            params![stage, parent, key.0, spec],
        )?;
        Ok(FpId(self.db.last_insert()))
    }

    /// Lets everything that stands under one fingerprint stand under another that takes its place. Where the other is there already, it gets
    /// the answers that it lacks.
    pub fn succeed(&mut self, earlier: &Fingerprint, later: &Fingerprint, spec: &str) -> Result<(), StoreError> {
        let known: Option<i64> = self.db.row("SELECT id FROM fp WHERE sha = ?1", [&later.0], |r| r.get(0))?;
        match known {
            None => {
                self.db.execute("UPDATE fp SET sha = ?2, spec = ?3 WHERE sha = ?1", params![earlier.0, later.0, spec])
            }
            Some(later) => self.db.execute(
                "UPDATE OR IGNORE answer SET fp = ?2 WHERE fp = (SELECT id FROM fp WHERE sha = ?1)",
                params![earlier.0, later],
            ),
        }
        .map(drop)
    }

    /// Sets values of the `meta` table; nothing is written if all of them stand there already.
    pub fn set_meta(&mut self, values: &[(String, Option<String>)]) -> Result<(), StoreError> {
        let mut same = true;
        for (key, value) in values {
            let old: Option<String> =
                self.db.row("SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1", [key], |r| r.get(0))?;
            same &= old == *value;
        }
        if same {
            return Ok(());
        }
        self.db.transaction(|| values.iter().try_for_each(|(key, value)| set_meta(&self.db, key, value.as_deref())))
    }

    /// Begins a rerun from `stage` onward of the documents in scope: their checkpoints from there on wait again, and
    /// only answers of the new generation count for them. Older answers stay. `request` is kept in `meta` until
    /// [`Session::set_meta`] clears it, so that the same command continues this rerun after a crash.
    pub fn begin_rerun(&mut self, fps: &StageFps, stage: Stage, scope: Scope, request: &str) -> Result<(), StoreError> {
        let db = &self.db;
        db.transaction(|| {
            let last: Option<Generation> =
                db.row("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'generation'", [], |r| r.get(0))?;
            let generation = last.unwrap_or_default().next();
            for again in Stage::of_documents().filter(|again| *again >= stage) {
                db.execute(
                    "UPDATE done SET state = 0, generation = ?3, kind = NULL, message = NULL
                     WHERE fp = ?1 AND (?2 = 0 OR doc IN (SELECT id FROM doc WHERE scope = ?2))",
                    params![fps[again], scope, generation],
                )?;
            }
            // What is asked anew begins with its whole attempt budget.
            db.execute("DELETE FROM unit_attempts", [])?;
            db.execute(
                "UPDATE file SET written_fp = NULL, written_doc = NULL, fail_kind = NULL, fail_message = NULL, attempts = 0
                 WHERE state = 0 AND (?1 = 0 OR scope = ?1)",
                [scope],
            )?;
            set_meta(db, "generation", Some(&generation.0.to_string()))?;
            set_meta(db, "rerun", Some(request))
        })
    }

    /// Makes failed stages of the documents in scope wait again; returns how many there were.
    pub fn retry_failed(&mut self, fps: &StageFps, scope: Scope) -> Result<usize, StoreError> {
        let db = &self.db;
        db.transaction(|| {
            let mut taken_up = 0;
            for fp in Stage::of_documents().map(|stage| fps[stage]) {
                taken_up += db.execute(
                    "UPDATE done SET state = 0, attempts = 0, kind = NULL, message = NULL
                     WHERE fp = ?1 AND state = 2 AND (?2 = 0 OR doc IN (SELECT id FROM doc WHERE scope = ?2))",
                    params![fp, scope],
                )?;
            }
            db.execute("UPDATE doc SET aborts = 0 WHERE aborts > 0 AND (?1 = 0 OR scope = ?1)", [scope])?;
            // What the new attempts spend is counted as before; only the verdicts go.
            db.execute("DELETE FROM unit_failure", [])?;
            db.execute("DELETE FROM unit_attempts", [])?;
            taken_up += db.execute(
                "UPDATE file SET fail_kind = NULL, fail_message = NULL, attempts = 0
                 WHERE fail_kind IS NOT NULL AND state = 0 AND (?1 = 0 OR scope = ?1)",
                [scope],
            )?;
            Ok(taken_up)
        })
    }

    /// Counts an aborted run for each of these documents.
    pub fn count_aborts(&mut self, docs: &[DocId]) -> Result<(), StoreError> {
        if docs.is_empty() {
            return Ok(());
        }
        self.db.transaction(|| {
            docs.iter().try_for_each(|doc| {
                self.db.execute("UPDATE doc SET aborts = aborts + 1 WHERE id = ?1", [doc]).map(drop)
            })
        })
    }

    /// Forgets the aborted runs of documents that have fewer than `enough`.
    pub fn forget_aborts(&mut self, enough: u32) -> Result<(), StoreError> {
        self.db.execute("UPDATE doc SET aborts = 0 WHERE aborts BETWEEN 1 AND ?1 - 1", [enough]).map(drop)
    }

    /// Makes documents in scope wait again that were kept without pages that need recognition; returns how many there were.
    /// What follows from them waits too, and takes the answers to passages that come out as they were.
    pub fn retry_partial(&mut self, fps: &StageFps, scope: Scope) -> Result<usize, StoreError> {
        let db = &self.db;
        let documents = "SELECT doc FROM done WHERE fp = ?1 AND state = 1 AND kind = ?2
                         AND (?3 = 0 OR doc IN (SELECT id FROM doc WHERE scope = ?3))";
        let again = |fp: FpId| {
            let sql = format!(
                "UPDATE done SET state = 0, kind = NULL, message = NULL WHERE fp = ?4 AND doc IN ({documents})"
            );
            db.execute(&sql, params![fps[Stage::Parse], Gap::NeedsOcr.name(), scope, fp])
        };
        db.transaction(|| {
            let sql = format!("UPDATE file SET written_fp = NULL, written_doc = NULL WHERE doc IN ({documents})");
            db.execute(&sql, params![fps[Stage::Parse], Gap::NeedsOcr.name(), scope])?;
            // The row of `parse` last: it says which documents they are.
            Stage::of_documents().rev().try_fold(0, |_, stage| again(fps[stage]))
        })
    }

    /// Forgets requests of a batch whose planning was interrupted: its row was never written, so nothing was sent.
    pub fn forget_unplanned_batches(&mut self) -> Result<(), StoreError> {
        self.db.transaction(|| {
            self.db.execute("DELETE FROM batch_request WHERE batch NOT IN (SELECT id FROM batch)", [])?;
            self.db.execute("DELETE FROM batch_unit WHERE batch NOT IN (SELECT id FROM batch)", []).map(drop)
        })
    }
}

fn set_meta(db: &Database, key: &str, value: Option<&str>) -> Result<(), StoreError> {
    match value {
        Some(value) => db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, value]),
        None => db.execute("DELETE FROM meta WHERE key = ?1", [key]),
    }
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::{Filled, done, failed};
    use crate::store::{Change, DocId};
    use crate::values::SourcePath;

    fn chosen(paths: &[&str], scope: Scope) -> Vec<Change> {
        paths.iter().map(|path| Change::Choose { path: SourcePath::from_text(*path), scope }).collect()
    }

    fn failures(store: &Filled) -> u64 {
        store.reader.failures_in(&store.fps, Stage::Parse, Scope::Whole).unwrap()
    }

    #[test]
    fn failures_are_taken_up_in_scope_and_nowhere_else() {
        let store = Filled::new();
        store.put(&[("a", 1), ("b", 2), ("c", 3)]);
        store.change((1..=3).map(|n| failed(store.fps[Stage::Parse], store.doc(n))).collect());
        store.change(chosen(&["b"], Scope::Part(7)));
        let mut session = Session::begin(&store.store).unwrap();
        assert_eq!((session.retry_failed(&store.fps, Scope::Part(7)).unwrap(), failures(&store)), (1, 2));
        assert_eq!((session.retry_failed(&store.fps, Scope::Part(7)).unwrap(), failures(&store)), (0, 2));
        assert_eq!((session.retry_failed(&store.fps, Scope::Whole).unwrap(), failures(&store)), (2, 0));
    }

    #[test]
    fn a_rerun_makes_its_stage_and_what_follows_wait_in_scope_and_raises_the_generation_once() {
        let store = Filled::new();
        store.put(&[("a", 1), ("b", 2)]);
        let fps = &store.fps;
        store.change(
            (1..=2)
                .flat_map(|n| Stage::of_documents().map(move |stage| (n, stage)))
                .map(|(n, stage)| done(fps[stage], store.doc(n)))
                .collect(),
        );
        store.change(chosen(&["b"], Scope::Part(7)));
        let mut session = Session::begin(&store.store).unwrap();
        session.begin_rerun(fps, Stage::Chunk, Scope::Part(7), "again").unwrap();
        let waiting = |stage| {
            let sql = "SELECT doc, generation FROM done WHERE fp = ?1 AND state = 0";
            store.reader.db.rows(sql, [fps[stage].0], |r| Ok((DocId(r.get(0)?), r.get::<_, i64>(1)?))).unwrap()
        };
        let expected = [
            (Stage::Parse, vec![]),
            (Stage::Chunk, vec![(store.doc(2), 1)]),
            (Stage::Extract, vec![(store.doc(2), 1)]),
        ];
        for (stage, expected) in expected {
            assert_eq!(waiting(stage), expected, "{stage:?}");
        }
        assert_eq!(store.reader.meta("generation").unwrap().as_deref(), Some("1"));
        assert_eq!(store.reader.meta("rerun").unwrap().as_deref(), Some("again"));
        session.set_meta(&[("rerun".into(), None)]).unwrap();
        session.begin_rerun(fps, Stage::Extract, Scope::Whole, "more").unwrap();
        assert_eq!(store.reader.meta("generation").unwrap().as_deref(), Some("2"));
    }

    #[test]
    fn documents_without_recognition_wait_again_with_what_follows_from_them() {
        let store = Filled::new();
        store.put(&[("a", 1), ("b", 2)]);
        let fps = &store.fps;
        store.change(
            (1..=2)
                .flat_map(|n| Stage::of_documents().map(move |stage| (n, stage)))
                .map(|(n, stage)| done(fps[stage], store.doc(n)))
                .collect(),
        );
        let gap = |n, gap| {
            let Change::Done { fp, doc, attempts, terms, notes, artifact, .. } = done(fps[Stage::Parse], store.doc(n))
            else {
                unreachable!()
            };
            Change::Done { fp, doc, attempts, terms, notes, gap: Some(gap), artifact }
        };
        store.change(vec![gap(1, Gap::NeedsOcr), gap(2, Gap::Unreadable)]);
        let mut session = Session::begin(&store.store).unwrap();
        assert_eq!(session.retry_partial(fps, Scope::Whole).unwrap(), 1);
        for stage in Stage::of_documents() {
            let sql = "SELECT doc FROM done WHERE fp = ?1 AND state = 0";
            let waiting = store.reader.db.rows(sql, [fps[stage].0], |r| r.get(0).map(DocId)).unwrap();
            assert_eq!(waiting, [store.doc(1)], "{stage:?}");
        }
    }

    #[test]
    fn what_stands_under_an_earlier_question_stands_under_the_one_that_takes_its_place() {
        let store = Filled::new();
        let (unit, later) = (Fingerprint([9; 32]), Fingerprint([77; 32]));
        let answer = |question, generation| Change::Answer {
            question,
            unit,
            generation: Generation(generation),
            answer: vec![1],
            response: None,
        };
        store.change(vec![answer(store.question, 1)]);
        let sha: Vec<u8> = store.reader.db.value("SELECT sha FROM fp WHERE id = ?1", [store.question]).unwrap();
        let earlier = Fingerprint(sha.try_into().unwrap());
        let mut session = Session::begin(&store.store).unwrap();
        session.succeed(&Fingerprint([78; 32]), &later, "{}").unwrap();
        session.succeed(&earlier, &later, "{\"new\":1}").unwrap();
        assert_eq!(session.intern("question", None, &later, "{}").unwrap(), store.question, "the same number");
        assert_eq!(store.reader.spec(store.question).unwrap().as_deref(), Some("{\"new\":1}"));
        // Where both are there, answers that the later lacks become its own.
        let again = session.intern("question", None, &earlier, "{}").unwrap();
        store.change(vec![answer(again, 1), answer(again, 2)]);
        session.succeed(&earlier, &later, "{}").unwrap();
        let has = |generation| store.reader.is_answered(store.question, &unit, Generation(generation)).unwrap();
        assert!(has(2) && !has(3));
    }

    #[test]
    fn a_fingerprint_has_one_number() {
        let store = Filled::new();
        let mut session = Session::begin(&store.store).unwrap();
        let one = session.intern("parse", None, &Fingerprint([1; 32]), "{}").unwrap();
        let two = session.intern("parse", None, &Fingerprint([2; 32]), "{}").unwrap();
        assert!(one != two && session.intern("parse", None, &Fingerprint([1; 32]), "other words").unwrap() == one);
        assert_eq!(store.reader.spec(one).unwrap().as_deref(), Some("{}"));
    }
}
