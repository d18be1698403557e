//! What happens to a store before a run's writer starts: fingerprints interned, reruns begun, failures taken up.

use rusqlite::{Connection, OptionalExtension, params};

use super::{FpId, Store, StoreError};
use crate::values::{Fingerprint, Gap, Stage, StageMap};

/// Serial edits at the start and the end of a run, each durable when its call returns.
pub struct Session<'a> {
    store: &'a Store,
    db: Connection,
}

/// The fingerprint of each stage, as the small integer that stands for it in one store.
pub type StageFps = StageMap<FpId>;

/// The fingerprints of the stages of documents as a JSON array, for `json_each`: a query does not know how many stages there are.
pub(super) fn of_documents(fps: &StageFps) -> String {
    let ids: Vec<String> = Stage::of_documents().map(|stage| fps[stage].0.to_string()).collect();
    format!("[{}]", ids.join(","))
}

impl<'a> Session<'a> {
    /// Begins editing. The caller holds the lock and no writer runs.
    ///
    /// # Errors
    /// If the database cannot be opened for writing.
    pub fn begin(store: &'a Store) -> Result<Self, StoreError> {
        Ok(Self { store, db: store.write_connection()? })
    }

    fn edit<T>(&mut self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let sql = |e| StoreError::from_sqlite(&self.store.database(), e);
        let transaction = self.db.transaction().map_err(sql)?;
        let value = run(&transaction).map_err(sql)?;
        transaction.commit().map_err(sql)?;
        Ok(value)
    }

    /// The small integer that stands for a fingerprint in this store.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn intern(
        &mut self,
        stage: &str,
        parent: Option<FpId>,
        key: &Fingerprint,
        spec: &str,
    ) -> Result<FpId, StoreError> {
        let known = |db: &Connection| {
            db.query_row("SELECT id FROM fp WHERE sha = ?1", [&key.0], |r| r.get(0).map(FpId)).optional()
        };
        let file = self.store.database();
        if let Some(fp) = known(&self.db).map_err(|e| StoreError::from_sqlite(&file, e))? {
            return Ok(fp);
        }
        self.edit(|db| {
            db.execute(
                "INSERT INTO fp (stage, parent, sha, spec) VALUES (?1, ?2, ?3, ?4)",
                params![stage, parent.map(|p| p.0), key.0, spec],
            )?;
            Ok(FpId(db.last_insert_rowid()))
        })
    }

    /// Sets values of the `meta` table; nothing is written if all of them stand there already.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn set_meta(&mut self, values: &[(String, Option<String>)]) -> Result<(), StoreError> {
        let file = self.store.database();
        let sql = |e| StoreError::from_sqlite(&file, e);
        let mut same = true;
        for (key, value) in values {
            let old: Option<String> = self
                .db
                .query_row("SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1", [key], |r| r.get(0))
                .optional()
                .map_err(sql)?;
            same &= old == *value;
        }
        if same {
            return Ok(());
        }
        self.edit(|db| set_meta(db, values))
    }

    /// Begins a rerun from `stage` onward of the documents in scope: their checkpoints from there on wait again, and
    /// only answers of the new generation count for them. Older answers stay. `request` is kept in `meta` until
    /// [`Session::set_meta`] clears it, so that the same command continues this rerun after a crash.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn begin_rerun(&mut self, fps: &StageFps, stage: Stage, scope: i64, request: &str) -> Result<(), StoreError> {
        self.edit(|db| {
            let generation: i64 = db
                .query_row("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'generation'", [], |r| r.get(0))
                .optional()?
                .unwrap_or(0)
                + 1;
            for again in Stage::of_documents().filter(|again| *again >= stage) {
                db.execute(
                    "UPDATE done SET state = 0, generation = ?3, kind = NULL, message = NULL
                     WHERE fp = ?1 AND (?2 = 0 OR doc IN (SELECT id FROM doc WHERE scope = ?2))",
                    params![fps[again].0, scope, generation],
                )?;
            }
            // What is asked anew begins with its whole attempt budget.
            db.execute("DELETE FROM unit_attempts", [])?;
            db.execute(
                "UPDATE file SET written_fp = NULL, written_doc = NULL, fail_kind = NULL, fail_message = NULL, attempts = 0
                 WHERE state = 0 AND (?1 = 0 OR scope = ?1)",
                [scope],
            )?;
            set_meta(
                db,
                &[
                    ("generation".into(), Some(generation.to_string())),
                    ("rerun".into(), Some(request.to_owned())),
                ],
            )
        })
    }

    /// Makes failed stages of the documents in scope wait again; returns how many there were.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn retry_failed(&mut self, fps: &StageFps, scope: i64) -> Result<usize, StoreError> {
        self.edit(|db| {
            let mut taken_up = 0;
            for fp in Stage::of_documents().map(|stage| fps[stage]) {
                taken_up += db.execute(
                    "UPDATE done SET state = 0, attempts = 0, kind = NULL, message = NULL
                     WHERE fp = ?1 AND state = 2 AND (?2 = 0 OR doc IN (SELECT id FROM doc WHERE scope = ?2))",
                    params![fp.0, scope],
                )?;
            }
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

    /// Makes documents in scope wait again that were kept without pages that need recognition; returns how many there were.
    /// What follows from them waits too, and takes the answers to passages that come out as they were.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn retry_partial(&mut self, fps: &StageFps, scope: i64) -> Result<usize, StoreError> {
        self.edit(|db| {
            let documents = "SELECT doc FROM done WHERE fp = ?1 AND state = 1 AND kind = ?2
                             AND (?3 = 0 OR doc IN (SELECT id FROM doc WHERE scope = ?3))";
            let parse = fps[Stage::Parse];
            let those = params![parse.0, Gap::NeedsOcr.name(), scope];
            let sql = format!("UPDATE file SET written_fp = NULL, written_doc = NULL WHERE doc IN ({documents})");
            db.execute(&sql, those)?;
            // The row of `parse` last: it says which they are.
            let mut taken_up = 0;
            for stage in Stage::of_documents().rev() {
                let sql = format!(
                    "UPDATE done SET state = 0, kind = NULL, message = NULL WHERE fp = ?4 AND doc IN ({documents})"
                );
                taken_up = db.execute(&sql, params![parse.0, Gap::NeedsOcr.name(), scope, fps[stage].0])?;
            }
            Ok(taken_up)
        })
    }

    /// What [`Session::collect_garbage`] would take away: superseded results, their bytes, and superseded answers.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn garbage(&mut self, fps: &StageFps, question: FpId) -> Result<(u64, u64, u64), StoreError> {
        let file = self.store.database();
        self.db
            .query_row(
                "SELECT (SELECT count(*) FROM art WHERE id >> 48 NOT IN (SELECT value FROM json_each(?1)) OR id >> 16 & 0xFFFFFFFF NOT IN (SELECT id FROM doc WHERE live > 0)),
                        (SELECT coalesce(sum(length(z)), 0) FROM art WHERE id >> 48 NOT IN (SELECT value FROM json_each(?1)) OR id >> 16 & 0xFFFFFFFF NOT IN (SELECT id FROM doc WHERE live > 0)),
                        (SELECT count(*) FROM answer o WHERE fp <> ?2 OR EXISTS
                           (SELECT 1 FROM answer n WHERE n.fp = o.fp AND n.unit = o.unit AND n.generation > o.generation))",
                params![of_documents(fps), question.0],
                |r| Ok((r.get::<_, i64>(0)?.cast_unsigned(), r.get::<_, i64>(1)?.cast_unsigned(), r.get::<_, i64>(2)?.cast_unsigned())),
            )
            .map_err(|e| StoreError::from_sqlite(&file, e))
    }

    /// Removes results and answers that the current settings do not use, and documents that no file holds any more;
    /// then gives the space back to the disk.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn collect_garbage(&mut self, fps: &StageFps, question: FpId) -> Result<(), StoreError> {
        let current = of_documents(fps);
        self.edit(|db| {
            db.execute("DELETE FROM file WHERE state = 1", [])?;
            db.execute("DELETE FROM doc WHERE live = 0 AND id NOT IN (SELECT doc FROM file WHERE doc IS NOT NULL)", [])?;
            db.execute(
                "DELETE FROM art WHERE id >> 48 NOT IN (SELECT value FROM json_each(?1)) OR id >> 16 & 0xFFFFFFFF NOT IN (SELECT id FROM doc)",
                [&current],
            )?;
            db.execute(
                "DELETE FROM done WHERE fp NOT IN (SELECT value FROM json_each(?1)) OR doc NOT IN (SELECT id FROM doc)",
                [&current],
            )?;
            db.execute(
                "DELETE FROM answer WHERE fp <> ?1 OR EXISTS (SELECT 1 FROM answer n WHERE n.fp = answer.fp
                   AND n.unit = answer.unit AND n.generation > answer.generation)",
                [question.0],
            )?;
            // The ledger of what was paid stays; what was said goes with the answers made of it.
            db.execute("DELETE FROM raw WHERE id IN (SELECT id FROM response WHERE fp <> ?1)", [question.0])?;
            db.execute("DELETE FROM unit_failure WHERE fp <> ?1", [question.0])?;
            db.execute(
                "DELETE FROM unit WHERE id NOT IN (SELECT unit FROM answer) AND id NOT IN (SELECT unit FROM unit_failure)",
                [],
            )
        })?;
        let file = self.store.database();
        self.db.execute_batch("VACUUM").map_err(|e| StoreError::from_sqlite(&file, e))
    }

    /// Forgets requests of a batch whose planning was interrupted: its row was never written, so nothing was sent.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn forget_unplanned_batches(&mut self) -> Result<(), StoreError> {
        self.edit(|db| {
            db.execute("DELETE FROM batch_request WHERE batch NOT IN (SELECT id FROM batch)", [])?;
            db.execute("DELETE FROM batch_unit WHERE batch NOT IN (SELECT id FROM batch)", []).map(drop)
        })
    }

    /// Vocabulary files whose source is gone, with the first 8 bytes of the SHA-256 of what was written.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn orphans(&mut self) -> Result<Vec<(String, [u8; 8])>, StoreError> {
        let file = self.store.database();
        let read = |db: &Connection| -> rusqlite::Result<Vec<_>> {
            db.prepare("SELECT output, sha FROM orphan ORDER BY output")?
                .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
                .collect()
        };
        read(&self.db).map_err(|e| StoreError::from_sqlite(&file, e))
    }

    /// Forgets orphans that were removed.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub fn forget_orphans(&mut self, outputs: &[&str]) -> Result<(), StoreError> {
        self.edit(|db| {
            let mut forget = db.prepare("DELETE FROM orphan WHERE output = ?1")?;
            outputs.iter().try_for_each(|output| forget.execute([output]).map(drop))
        })
    }
}

fn set_meta(db: &Connection, values: &[(String, Option<String>)]) -> rusqlite::Result<()> {
    for (key, value) in values {
        match value {
            Some(value) => {
                db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", params![key, value])?;
            }
            None => {
                db.execute("DELETE FROM meta WHERE key = ?1", [key])?;
            }
        }
    }
    Ok(())
}
