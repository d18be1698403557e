//! Reading the store beside a run, or without one.

use super::database::Database;
use super::{FpId, StoreError};
use crate::values::Stage;

/// A read-only connection. Every call is a short transaction of its own: an open reader would let the write-ahead
/// log grow. The questions that can be asked stand with the tables that they are about.
pub struct Reader {
    pub(super) db: Database,
}

impl Reader {
    /// A value of the `meta` table.
    pub fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.db.row("SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1", [key], |r| r.get(0))
    }

    /// The fingerprint of a stage in the last run, and its description.
    pub fn current(&self, stage: Stage) -> Result<Option<(FpId, String)>, StoreError> {
        self.db.row(
            "SELECT p.id, p.spec FROM meta m JOIN fp p ON p.id = m.value WHERE m.key = ?1",
            [format!("current:{}", stage.name())],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
    }

    /// The description of a fingerprint, JSON.
    pub fn spec(&self, fp: FpId) -> Result<Option<String>, StoreError> {
        self.db.row("SELECT spec FROM fp WHERE id = ?1", [fp], |r| r.get(0))
    }
}
