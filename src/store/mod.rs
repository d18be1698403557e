//! The checkpoint store: one SQLite database per output folder, one writer, any number of readers.
//!
//! `docs/store.md` describes the tables and the views that people may query while a run goes on. The choice of
//! SQLite in WAL mode with `synchronous=FULL`, group commit and packed integer keys rests on measurements: group
//! commit is worth 34 times where a sync takes 5 ms, and a hash as primary key makes `extract` 12 to 18 times
//! slower than an integer.
//!
//! Whatever reads or writes the store fails with a [`StoreError`] if the database or the disk does; an `# Errors` section stands
//! only where there is more to say.

mod answers;
mod artifact;
mod audit;
mod batches;
mod beneath;
mod change;
mod checksum;
mod consolidation;
mod database;
mod disk;
mod distinct;
mod durable;
mod error;
#[cfg(test)]
#[allow(dead_code, reason = "the tests of the program use the rest")]
pub(crate) mod faulty;
mod files;
mod garbage;
mod header;
mod ids;
mod ledger;
mod lock;
mod merging;
mod note;
mod open;
mod outcomes;
mod proof;
mod reader;
mod rescue;
mod results;
mod row_copier;
mod row_sums;
mod runs;
mod schema;
mod schema_pages;
mod session;
mod shards;
mod writer;

#[cfg(test)]
mod tests;

pub use artifact::{compress, decode, decompress, encode};
pub use audit::AuditRow;
pub use batches::{BatchRequest, BatchRow, BatchState, BatchUpdate};
pub use beneath::{create as create_beneath, open_to_append, open_to_read as open_beneath, output_place};
pub use change::{Change, Checkpoint, FileChange, StoredResponse};
pub use consolidation::{ConsolidationState, ReadContent, ReadFile};
pub use disk::{Disk, DiskFile, MachineDisk};
pub use distinct::DistinctCounter;
pub use durable::{Publication, replace_file, replace_if_other, replace_keeping_old, write_synced};
pub use error::StoreError;
pub use files::{FilePage, FileRow, FileState, PendingFile, WrittenOutput};
pub use ids::{BatchId, DocId, FpId, Generation, ResponseId, Scope};
pub use ledger::{LedgerRow, LedgerSums, Spent, Told, UnreadResponse};
pub use lock::{Lock, RunLock};
pub use merging::{Merge, MergeCounts};
pub use note::{read_note, write_note};
pub use open::{STORE_FOLDER, Store};
pub use outcomes::{DocumentRow, FailureRow, OutcomeRow, PartialRow};
pub use proof::{Looked, ProvenFile, Soundness};
pub use reader::Reader;
pub use rescue::{Rescued, rescue, rescue_what_is_free};
pub use results::{Counts, PendingDocument, StageRow, StageState};
pub use row_copier::RescuedTable;
pub use row_sums::Rows;
pub use runs::{MergedRuns, RunRecord, RunSorter, RunWriter};
pub use session::{Session, StageFps};
pub use shards::{Seal, ShardStore, take_up_pack};
pub use writer::Writer;
