//! Work on the vocabulary files of an output folder after a run: one master, tables, files whose source is gone.

mod consolidate;
mod export;
mod orphans;

pub use self::consolidate::{
    ConsolidateConfig, ConsolidateError, ConsolidateStep, Consolidated, ReviewLock, consolidate, queue as review_queue,
    write_queue,
};
pub use self::export::{EXPORT_COLUMNS, ExportError, ExportSource, ExportTable};
pub use self::orphans::{Orphan, OrphanState, orphans, remove_orphans};
