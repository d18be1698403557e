//! Work on the vocabulary files of an output folder after a run: one master, tables, files whose source is gone, proof.

mod chain;
mod consolidate;
mod decisions;
mod difference;
mod export;
mod find;
mod master;
mod orphans;
mod verify;

pub(in crate::engine) use self::consolidate::each_vocabulary_file;

pub use self::chain::{Agreement, Chain, ChainError, ChainedDocument, compare_chain, write_chain};
pub use self::consolidate::{ConsolidateConfig, ConsolidateError, ConsolidateStep, Consolidated, consolidate};
pub use self::decisions::{Desk, decisions, queue as review_queue};
pub use self::difference::{Compared, Comparison, Difference, Way};
pub use self::export::{
    EXPORT_COLUMNS, ExportChoice, ExportError, ExportOrder, ExportRows, ExportSource, ExportTable, OCCURRENCE_COLUMNS,
    commonest_language, is_language_tag,
};
pub use self::find::{FoundPassage, Sought};
pub use self::master::Master;
pub use self::orphans::{Orphan, OrphanState, orphans, remove_orphans};
pub use self::verify::{Flaw, Link, LinkSums, folder_of_inputs, input_place, verify};
