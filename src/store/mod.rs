//! The checkpoint store: one SQLite database per output folder, one writer, any number of readers.
//!
//! `docs/store.md` describes the tables and the views that people may query while a run goes on. The choice of
//! SQLite in WAL mode with `synchronous=FULL`, group commit and packed integer keys rests on measurements: group
//! commit is worth 34 times where a sync takes 5 ms, and a hash as primary key makes `extract` 12 to 18 times
//! slower than an integer.

mod artifact;
mod batches;
mod consolidation;
mod distinct;
mod durable;
mod error;
mod ledger;
mod lock;
mod open;
mod paths;
mod reader;
mod runs;
mod schema;
mod session;
mod writer;

pub use artifact::{compress, decode, decompress, encode};
pub use batches::{BatchRequest, BatchRow, BatchState, BatchUpdate};
pub use consolidation::{ConsolidationState, ReadContent, ReadFile};
pub use distinct::DistinctCounter;
pub use durable::{Publication, replace_file, replace_keeping_old};
pub use error::StoreError;
pub use ledger::{LedgerRow, LedgerSums, Told, UnreadResponse};
pub use lock::RunLock;
pub use open::{STORE_FOLDER, Store};
pub use paths::{FilePage, FileRow, FileState, PendingFile};
pub use reader::{Counts, DocumentRow, FailureRow, PartialRow, PendingDocument, Reader, StageRow};
pub use runs::{MergedRuns, RunRecord, RunSorter, RunWriter};
pub use session::{Session, StageFps};
pub use writer::{Change, Checkpoint, DocId, FileChange, FpId, StoredResponse, Writer};
