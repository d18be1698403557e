//! Results and answers that the current settings do not use any more, and the vocabulary files whose source is gone.

use rusqlite::params;

use super::database::unsigned;
use super::session::of_documents;
use super::{FpId, Session, StageFps, StoreError};

impl Session {
    /// Numbers of what [`Session::collect_garbage`] would take away: superseded results, their bytes, and superseded answers.
    pub fn garbage(&mut self, fps: &StageFps, question: FpId) -> Result<(u64, u64, u64), StoreError> {
        let found = self.db.row(
            "SELECT (SELECT count(*) FROM art WHERE id >> 48 NOT IN (SELECT value FROM json_each(?1)) OR id >> 16 & 0xFFFFFFFF NOT IN (SELECT id FROM doc WHERE live > 0)),
                    (SELECT coalesce(sum(length(z)), 0) FROM art WHERE id >> 48 NOT IN (SELECT value FROM json_each(?1)) OR id >> 16 & 0xFFFFFFFF NOT IN (SELECT id FROM doc WHERE live > 0)),
                    (SELECT count(*) FROM answer o WHERE fp <> ?2 OR EXISTS
                       (SELECT 1 FROM answer n WHERE n.fp = o.fp AND n.unit = o.unit AND n.generation > o.generation))",
            params![of_documents(fps), question],
            |r| Ok((unsigned(r, 0)?, unsigned(r, 1)?, unsigned(r, 2)?)),
        )?;
        Ok(found.unwrap_or_default())
    }

    /// Removes results and answers that the current settings do not use, and documents that no file holds any more;
    /// then gives the space back to the disk.
    pub fn collect_garbage(&mut self, fps: &StageFps, question: FpId) -> Result<(), StoreError> {
        let db = &self.db;
        let current = of_documents(fps);
        db.transaction(|| {
            db.execute("DELETE FROM file WHERE state = 1", [])?;
            db.execute("DELETE FROM doc WHERE live = 0 AND id NOT IN (SELECT doc FROM file WHERE doc IS NOT NULL)", [])?;
            db.execute(
                "DELETE FROM art WHERE id >> 48 NOT IN (SELECT value FROM json_each(?1)) OR id >> 16 & 0xFFFFFFFF NOT IN (SELECT id FROM doc)",
                [&current],
            )?;
            db.execute("DELETE FROM done WHERE fp NOT IN (SELECT value FROM json_each(?1)) OR doc NOT IN (SELECT id FROM doc)", [&current])?;
            db.execute(
                "DELETE FROM answer WHERE fp <> ?1 OR EXISTS (SELECT 1 FROM answer n WHERE n.fp = answer.fp
                   AND n.unit = answer.unit AND n.generation > answer.generation)",
                [question],
            )?;
            // The ledger of what was paid stays; what was said goes with the answers made of it.
            db.execute("DELETE FROM raw WHERE id IN (SELECT id FROM response WHERE fp <> ?1)", [question])?;
            db.execute("DELETE FROM unit_failure WHERE fp <> ?1", [question])?;
            db.execute(
                "DELETE FROM unit WHERE id NOT IN (SELECT unit FROM answer) AND id NOT IN (SELECT unit FROM unit_failure)",
                [],
            )
        })?;
        db.script("VACUUM")
    }

    /// Vocabulary files whose source is gone, with the first 8 bytes of the SHA-256 of what was written.
    pub fn orphans(&mut self) -> Result<Vec<(String, [u8; 8])>, StoreError> {
        self.db.rows("SELECT output, sha FROM orphan ORDER BY output", [], |r| Ok((r.get(0)?, r.get(1)?)))
    }

    /// Forgets orphans that were removed.
    pub fn forget_orphans(&mut self, outputs: &[&str]) -> Result<(), StoreError> {
        self.db.transaction(|| {
            outputs
                .iter()
                .try_for_each(|output| self.db.execute("DELETE FROM orphan WHERE output = ?1", [output]).map(drop))
        })
    }
}
